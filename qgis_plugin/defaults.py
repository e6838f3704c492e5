"""What every run begins with: the engine's own defaults and choices.

The plugin runs without the engine's package, so they stand here a second time; a test holds each of them, and each
parameter of each algorithm, against the command line's and Python's (tests/test_doors.py).
"""

from __future__ import annotations

SEGMENTING_MODEL = "buildings"
"""Of `segment`, `batch` and `evaluate`, and what a training begins with."""
REFINING_MODEL = "buildings"
"""Of `refine`: the shipped model that has a second network."""
DEVICE = "auto"
MERGES = ("montage", "average", "blend")
"""None of them is the default: the model advises."""
TTAS = ("none", "flips", "d4")
"""Of these and the following choices the first is the default."""
PRECISIONS = ("auto", "fp32", "bf16")
GRIDS = ("scene", "model")
FORMATS = ("gpkg", "tif", "fgb", "parquet", "geojson")
SQUARES = ("off", "90", "45", "any")
MIN_AREA_M2 = 0.0
SIMPLIFY_M = 0.0
NECK_M = 3.0
