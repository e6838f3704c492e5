"""The numbers of an evaluation of polygons as JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from fctl_geo.assess.evaluate_polygons import PolygonEvaluation, PolygonScore
from fctl_geo.assess.matching import LEAST_IOU
from fctl_geo.storage.whole_files import write_text_whole


def polygon_values(found: PolygonEvaluation) -> dict[str, Any]:
    """All numbers of an evaluation as JSON types; undefined ones (nothing matched) are null."""
    return {
        "polygons": str(found.polygons),
        "truth": str(found.truth),
        "unit": found.unit,
        "least_IoU": LEAST_IOU,
        "classes": {name: _score_values(score) for name, score in found.classes.items()},
        "all": _score_values(found.total),
    }


def write_json(found: PolygonEvaluation, path: Path) -> None:
    """Write the numbers atomically."""
    write_text_whole(path, json.dumps(polygon_values(found), indent=2, ensure_ascii=False) + "\n")


def _score_values(score: PolygonScore) -> dict[str, Any]:
    objects, outlines = score.objects, score.outlines
    return {
        "truth": objects.truth,
        "found": objects.found,
        "matched": objects.matched,
        "merged": objects.merged,
        "split": objects.split,
        "missed": objects.missed,
        "false": objects.false,
        "F1": _number(objects.f1),
        "precision": _number(objects.precision),
        "recall": _number(objects.recall),
        "F1_50_95": _number(objects.mean_f1),
        "IoU": _number(outlines.iou),
        "PoLiS": _number(outlines.polis),
        "boundary_distance": _number(outlines.boundary),
        "hausdorff_95": _number(outlines.hausdorff_95),
        "angle_error_degrees": _number(outlines.angle),
        "vertex_ratio": _number(outlines.vertex_ratio),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
