"""From rows of a class raster to polygons, in one pass: regions, outlines, simplified borders, WKB. Pure arrays."""
