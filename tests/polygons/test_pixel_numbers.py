"""A pixel has the same number in every raster on the same grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fctl_geo.polygons.pixel_numbers import pixel_numbers
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window

GRIDS = (
    (0.1, 0.0, 334_567.8, 0.0, -0.1, 3_056_123.4),  # a drone's survey in UTM
    (0.3, 0.0, 500_000.15, 0.0, -0.3, 5_400_000.15),  # half a pixel off
    (2.5e-6, 0.0, 85.5 + 1.25e-6, 0.0, -2.5e-6, 27.6),  # degrees
    (0.149291, 0.0, -20_037_508.342789244, 0.0, -0.149291, 20_037_508.342789244),  # a tile of the web
    (0.08, 0.06, 1e6, 0.06, -0.08, 2e6),  # rotated
    (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),  # without a CRS
)


@pytest.mark.parametrize("transform", GRIDS)
@given(st.integers(0, 90_000), st.integers(0, 90_000), st.integers(0, 9000), st.integers(0, 9000))
def test_a_window_of_a_raster_numbers_its_pixels_as_the_raster_does(
    transform: tuple[float, ...], top: int, left: int, row: int, col: int
) -> None:
    frame = RasterFrame(100_000, 100_000, transform, "")  # type: ignore[arg-type]
    cut = frame.cut(Window(top, left, 10_000, 10_000))
    whole, part = pixel_numbers(frame.transform), pixel_numbers(cut.transform)
    number = part.of(np.array([row]), np.array([col]))
    assert number == whole.of(np.array([top + row]), np.array([left + col]))
    assert 0 <= number[0] < 2**53


@pytest.mark.parametrize("transform", GRIDS)
def test_no_two_pixels_of_a_raster_have_the_same_number(transform: tuple[float, ...]) -> None:
    rows, cols = np.indices((300, 400))
    assert len(np.unique(pixel_numbers(transform).of(rows, cols))) == 300 * 400  # type: ignore[arg-type]
