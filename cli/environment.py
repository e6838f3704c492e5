"""Environment variables: ignores the data folders of another GDAL or PROJ; gives GDAL and boto3 one S3 endpoint."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

FOREIGN = ("PROJ_LIB", "PROJ_DATA", "GDAL_DATA")
"""Set by conda, OSGeo4W, PostGIS, or a shell profile; a PROJ database of another version makes every CRS fail."""


def clear_foreign_gis_data() -> tuple[str, ...]:
    """Unset the `FOREIGN` variables that point outside this Python's own prefix; returns a sentence for each."""
    own = Path(sys.prefix).resolve()
    messages = []
    for name in FOREIGN:
        value = os.environ.get(name)
        if value and not Path(value).resolve().is_relative_to(own):
            del os.environ[name]
            messages.append(f"{name}={value} belongs to another installation and is ignored")
    return tuple(messages)


def agree_on_s3() -> None:
    """Make GDAL (which reads) and boto3 (which writes) use the same S3 endpoint: each reads different variables.

    AWS_ENDPOINT_URL=http://minio:9000 becomes AWS_S3_ENDPOINT=minio:9000 with AWS_HTTPS=NO, and vice versa.
    """
    boto = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    gdal = os.environ.get("AWS_S3_ENDPOINT")
    if boto and not gdal:
        parts = urlsplit(boto)
        os.environ["AWS_S3_ENDPOINT"] = parts.netloc
        os.environ["AWS_HTTPS"] = "NO" if parts.scheme == "http" else "YES"
        os.environ.setdefault("AWS_VIRTUAL_HOSTING", "FALSE")
    elif gdal and not boto:
        scheme = "http" if os.environ.get("AWS_HTTPS", "YES").upper() in ("NO", "FALSE", "OFF") else "https"
        os.environ["AWS_ENDPOINT_URL_S3"] = gdal if "://" in gdal else f"{scheme}://{gdal}"
