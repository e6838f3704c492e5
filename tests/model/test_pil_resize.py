from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fctl_geo.model.pil_resize import resize_bilinear

SIDES = st.integers(1, 160)


def by_pil(image: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Along the rows first, as Pillow always did; recent ones begin with the side that shrinks more."""
    height, width = size_hw
    narrow = [Image.fromarray(band).resize((width, len(band)), Image.Resampling.BILINEAR) for band in image]
    return np.stack([np.asarray(band.resize((width, height), Image.Resampling.BILINEAR)) for band in narrow])


@settings(deadline=None, max_examples=40)
@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 99))
def test_bytes_are_resized_as_pil_does_bit_for_bit(height: int, width: int, rows: int, cols: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (2, height, width), np.uint8)
    assert (resize_bilinear(image, (rows, cols)) == by_pil(image, (rows, cols))).all()


@pytest.mark.parametrize("side", [762, 1016, 1270, 1524, 2032, 2448, 5000])
def test_the_papers_contexts_are_resized_as_pil_does(side: int) -> None:
    image = np.random.default_rng(side).integers(0, 256, (side, side), np.uint8)
    whole = np.asarray(Image.fromarray(image).resize((508, 508), Image.Resampling.BILINEAR))
    assert (resize_bilinear(image[None], (508, 508))[0] == whole).all()


def test_floats_are_means_without_rounding() -> None:
    image = np.random.default_rng(0).random((1, 90, 70), np.float32)
    np.testing.assert_allclose(resize_bilinear(image, (30, 33)), by_pil(image, (30, 33)), atol=1e-6)
