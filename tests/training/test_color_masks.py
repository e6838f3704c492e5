"""RGB masks."""

from __future__ import annotations

import numpy as np
import pytest

from fctl_geo.errors import TrainingError
from fctl_geo.training.color_masks import classes_of_colors, parse_color


def test_each_color_is_its_class_and_others_are_unlabeled() -> None:
    rgb = np.array([[[255, 0, 1]], [[0, 255, 2]], [[0, 16, 3]]], np.uint8)
    classes = {parse_color("FF0000", "m.png"): 4, parse_color("00ff10", "m.png"): 7}
    assert classes_of_colors(rgb, classes, 255).tolist() == [[4, 7, 255]]


@pytest.mark.parametrize("word", ["red", "FF00", "0xFFFF", "+FFFFF", "FF00000", "FF 000"])
def test_what_is_no_color_is_refused(word: str) -> None:
    with pytest.raises(TrainingError, match=r"not a color of the RGB mask m\.png") as caught:
        parse_color(word, "m.png")
    assert "RRGGBB" in caught.value.hint
