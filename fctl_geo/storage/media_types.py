"""Media types of the products, by file extension."""

from __future__ import annotations

MEDIA_TYPES = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".gpkg": "application/geopackage+sqlite3",
    ".fgb": "application/vnd.flatgeobuf",
    ".parquet": "application/vnd.apache.parquet",
    ".geojson": "application/geo+json",
    ".geojsonl": "application/x-ndjson",
    ".geojsons": "application/geo+json-seq",
    ".shp": "application/vnd.shp",
    ".mbtiles": "application/vnd.sqlite3",
    ".pmtiles": "application/vnd.pmtiles",
}
