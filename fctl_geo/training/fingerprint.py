"""What a training's data is, in numbers to read, and in a checksum that shows whether it has changed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from fctl_geo.training.data import TrainingData
from fctl_geo.training.labeled_scenes import SceneGround
from fctl_geo.training.samples import Ground
from fctl_geo.training.sources import AllowedTable
from fctl_geo.windows.window import Window

_LOOKS = 16
"""Windows per set of images whose pixels count."""
_LOOK_PX = 64


def describe_data(data: TrainingData) -> list[dict[str, Any]]:
    """For each set of images, those to learn from first: number, pixel size, labeled area by class, checksum."""
    learned = [_describe(grounds, "training", data.table) | {"weight": weight} for weight, grounds in data.groups]
    return learned + [_describe(v.grounds, "validation", data.table) for v in data.validation]


def _describe(grounds: Sequence[Ground], use: str, table: AllowedTable) -> dict[str, Any]:
    more = f" and {len(grounds) - 1} more" if len(grounds) > 1 else ""
    sizes = sorted({round(g.gsd_m, 4) for g in grounds})
    area: Counter[str] = Counter()
    for ground in grounds:
        each = ground.area_m2 / max(1, len(ground.labeled))
        for row, count in zip(*np.unique(ground.label_at, return_counts=True), strict=True):
            area["|".join(table.names[i] for i in table.rows[row])] += count * each
    return {
        "images": f"{grounds[0].name}{more}" if grounds else "none",
        "use": use,
        "meters_per_pixel": sizes if len(sizes) < 3 else [sizes[0], sizes[-1]],
        "labeled_ha": {name: round(float(m2) / 1e4, 4) for name, m2 in sorted(area.items())},
        "checksum": _checksum(grounds),
    }


def _checksum(grounds: Sequence[Ground]) -> str:
    """Of all labels (at the points where samples are placed, and counted), and of the pixels in a few windows.

    Dates and paths do not count: a copy of the data is the same data.
    """
    digest = hashlib.sha256()
    for ground in grounds:
        counts = sorted(ground.found.counts.items()) if isinstance(ground, SceneGround) else ""
        digest.update(f"{ground.name} {ground.size_hw} {ground.gsd_m} {counts}".encode())
        digest.update(np.ascontiguousarray(ground.labeled).tobytes() + ground.label_at.tobytes())
    for ground in grounds[:: max(1, len(grounds) // _LOOKS)]:
        at = np.linspace(0, len(ground.labeled) - 1, max(1, _LOOKS // len(grounds))).astype(int)
        for row, col in ground.labeled[at] if len(ground.labeled) else ():
            digest.update(_look(ground, Window(int(row), int(col), _LOOK_PX, _LOOK_PX)))
    return digest.hexdigest()[:16]


def _look(ground: Ground, window: Window) -> bytes:
    """Pixels and labels of a window, as far as it lies in the image."""
    inside = window.clip(Window(0, 0, *ground.size_hw))
    pixels, _, (_, top, left) = ground.pixels_in(inside, 1.0)
    labels, row, col = ground.label_in(inside)
    return b"".join(
        a[inside.row - r : inside.row_end - r, inside.col - c : inside.col_end - c].tobytes()
        for a, r, c in ((pixels, top, left), (labels, row, col))
    )
