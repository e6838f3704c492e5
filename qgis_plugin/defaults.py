"""Defaults and choices of the engine.

They are repeated here because the plugin runs without the engine's package. Tests compare each of them, and each
parameter of each algorithm, with those of the command line and Python (tests/test_doors.py).
"""

from __future__ import annotations

SEGMENTING_MODEL = "buildings"
"""Of `segment`, `batch`, and `evaluate`, and the model that training starts from."""
REFINING_MODEL = "buildings"
"""Of `refine`: an included model with a refinement network."""
DEVICE = "auto"
MERGES = ("montage", "average", "blend")
"""None of them is the default, because the model recommends one."""
TTAS = ("none", "flips", "d4")
"""Of these and the following choices, the first is the default."""
BACKENDS = ("auto", "torch", "onnx")
PRECISIONS = ("auto", "fp32", "bf16")
GRIDS = ("scene", "model")
FORMATS = ("gpkg", "tif", "fgb", "parquet", "geojson", "geojsonl", "geojsons", "shp", "mbtiles", "pmtiles")
SQUARES = ("off", "90", "45", "any")
SIMPLIFY_M = 0.0
NECK_M = 3.0
