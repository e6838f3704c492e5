"""RGB masks: images whose colors are classes; colors are written as "RRGGBB"."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import TrainingError


def parse_color(word: str, mask: str) -> int:
    """Parse a color into a number.

    Args:
        word: six hexadecimal digits.
        mask: name of the mask, for the error message.
    Raises:
        TrainingError: the word is not a color.
    """
    if not re.fullmatch("[0-9A-Fa-f]{6}", word):
        raise TrainingError(f"{word!r} is not a color of the RGB mask {mask}", hint='write it as "RRGGBB"')
    return int(word, 16)


def classes_of_colors(rgb: NDArray[np.uint8], classes: Mapping[int, int], other: int) -> NDArray[np.uint8]:
    """The classes of a mask.

    Args:
        rgb: (3, H, W).
        classes: number of a color to number of a class.
        other: the class of all other colors.
    Returns:
        (H, W).
    """
    red, green, blue = rgb.astype(np.uint32)
    colors = red << 16 | green << 8 | blue
    found = np.full(colors.shape, other, np.uint8)
    for color, number in classes.items():
        found[colors == color] = number
    return found
