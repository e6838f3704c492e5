"""Media types of the products, by file extension."""

from __future__ import annotations

MEDIA_TYPES = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".gpkg": "application/geopackage+sqlite3",
    ".fgb": "application/vnd.flatgeobuf",
    ".parquet": "application/vnd.apache.parquet",
    ".geojson": "application/geo+json",
    ".html": "text/html; charset=utf-8",
}
