"""How good polygons are: matched to reference polygons, counted, and measured outline against outline."""
