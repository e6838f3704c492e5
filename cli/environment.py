"""The process's surroundings: data folders of another GDAL or PROJ would break those that our wheels bring."""

from __future__ import annotations

import os
import sys
from pathlib import Path

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
