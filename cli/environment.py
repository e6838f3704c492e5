"""The process's surroundings: data folders of another GDAL or PROJ would break ours; S3 has one address for all."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

FOREIGN = ("PROJ_LIB", "PROJ_DATA", "GDAL_DATA")
"""Set by conda, OSGeo4W, PostGIS or a profile; a PROJ database of another version makes every CRS fail."""


def clear_foreign_gis_data() -> tuple[str, ...]:
    """Forget those of `FOREIGN` that do not belong to this Python's own prefix; gives a sentence for each."""
    own = Path(sys.prefix).resolve()
    said = []
    for name in FOREIGN:
        value = os.environ.get(name)
        if value and not Path(value).resolve().is_relative_to(own):
            del os.environ[name]
            said.append(f"{name}={value} belongs to another installation and is ignored")
    return tuple(said)


def agree_on_s3() -> None:
    """One variable says where S3 is, for GDAL (reads) and for boto3 (writes): each knows another one.

    AWS_ENDPOINT_URL=http://minio:9000 is AWS_S3_ENDPOINT=minio:9000 with AWS_HTTPS=NO, and the other way round.
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
