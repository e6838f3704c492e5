"""The products of a run: class rasters, polygons, pictures, a summary."""
