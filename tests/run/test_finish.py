"""What is written of a refined band."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from model_factory import make_legend

from fctl_geo.run.finish import refined_classes
from fctl_geo.run.open import Run
from fctl_geo.stitch.resolve import Resampling
from fctl_geo.stitch.sweep import Band
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.shards import Shard
from fctl_geo.windows.window import Window


class Held:
    """A raster in memory, read by window."""

    def __init__(self, values: list[list[int]]) -> None:
        self.values = np.array(values, np.uint8)

    def read(self, window: Window) -> np.ndarray:
        return self.values[window.row : window.row_end, window.col : window.col_end]


def test_where_refinement_changed_nothing_the_confidence_is_that_under_the_pixels_center() -> None:
    """2.5 output pixels a crude one: the centers of columns 0 to 4 lie at 0.2, 0.6, 1.0, 1.4 and 1.8 of it."""
    place = RasterFrame(1, 2, (1.0, 0.0, 0.0, 0.0, -1.0, 0.0), "")
    run: Any = SimpleNamespace(
        final=SimpleNamespace(sweep=SimpleNamespace(how=Resampling(2.5, 0, 0))),
        crude=SimpleNamespace(sweep=SimpleNamespace(how=Resampling(1.0, 0, 0)), frame=place),
        info=SimpleNamespace(legend=make_legend(2)),
        scene=SimpleNamespace(
            frame_window=Window(0, 0, 1, 5), wanted=lambda window: np.array([[True, True, True, True, True]])
        ),
    )
    window = Window(0, 0, 1, 5)
    refined = np.array([[0, 1, 1, 1, 0]], np.uint8)
    band = Band(Shard(0, 0, window), window, refined, np.full((1, 5), 50, np.uint8), last=True)
    done = refined_classes(cast(Run, run), Held([[0, 1]]), Held([[10, 90]]))(band)
    assert done.classes.tolist() == [[0, 1, 1, 1, 0]]
    assert done.confidence.tolist() == [[10, 50, 90, 90, 50]]
