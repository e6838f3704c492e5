"""What a run hands out: class rasters, polygons, pictures, a summary."""
