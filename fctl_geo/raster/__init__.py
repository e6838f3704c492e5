"""Class rasters while a run works on them: read, written, joined, and what GDAL keeps beside them."""
