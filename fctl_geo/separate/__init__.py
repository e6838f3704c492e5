"""Tells touching objects of a class apart while the class raster streams by."""
