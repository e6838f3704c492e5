"""Holes against scipy's labels, and against a plain reading of the rules."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from strip_factory import cut_strips

from fctl_geo.errors import SettingsError
from fctl_geo.polygons import settling
from fctl_geo.polygons.holes import fill_holes
from fctl_geo.polygons.strip import Strip

Classes = npt.NDArray[np.uint8]
SKIP = frozenset({0, 5, 255})
CROSS = scipy.ndimage.generate_binary_structure(2, 1)


@st.composite
def rasters(draw: st.DrawFn) -> Classes:
    """Blobs of two drawn classes with holes of two undrawn ones and nodata."""
    height, width = draw(st.integers(1, 50)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    grain = draw(st.sampled_from([1, 4, 12]))
    coarse = rng.choice([1, 2], (-(-height // grain), -(-width // grain)))
    classes = np.kron(coarse, np.ones((grain, grain), int))[:height, :width].astype(np.uint8)
    holes = rng.random(classes.shape) < draw(st.sampled_from([0.1, 0.3, 0.5]))
    classes[holes] = rng.choice(draw(st.sampled_from([[0], [0, 5], [0, 5, 255], [1, 2, 0]])), int(holes.sum()))
    return classes


def filled(
    classes: Classes, max_area: float, cuts: list[int] | None = None, area: npt.NDArray[np.float64] | None = None
) -> Classes:
    strips = cut_strips(classes, cuts, area)
    out = fill_holes(strips, width=classes.shape[1], skip=SKIP, max_area=max_area)
    return np.concatenate([strip.classes for strip in out])


def witness(classes: Classes, max_area: float, area_px: npt.NDArray[np.float64]) -> Classes:
    """The rules of the module's docstring, word for word."""
    labels, count = scipy.ndimage.label(np.isin(classes, [0, 5]), CROSS)
    padded, out = np.pad(classes, 1, constant_values=255), classes.copy()
    for hole in range(1, count + 1):
        inside = np.pad(labels == hole, 1)
        around = scipy.ndimage.binary_dilation(inside, CROSS) & ~inside
        beside = set(padded[around].tolist())  # 255 where the raster ends
        if len(beside) == 1 and beside != {255} and area_px[labels == hole].sum() < max_area:
            out[labels == hole] = beside.pop()
    return out


@settings(max_examples=100, deadline=None)
@given(rasters(), st.integers(1, 20))
def test_holes_are_filled_by_their_rules(classes: Classes, max_px: int) -> None:
    np.testing.assert_array_equal(filled(classes, max_px), witness(classes, max_px, np.ones(classes.shape)))


@settings(max_examples=100, deadline=None)
@given(rasters(), st.integers(1, 20), st.lists(st.integers(1, 49), max_size=50), st.integers(0, 2**32 - 1))
def test_strips_do_not_change_a_pixel_and_areas_decide(
    classes: Classes, max_area: float, cuts: list[int], seed: int
) -> None:
    height, width = classes.shape
    area = np.random.default_rng(seed).choice([0.25, 0.5, 2.0], (height, -(-width // 64)))
    expected = witness(classes, max_area, np.repeat(area, 64, axis=1)[:, :width])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "ROWS_AT_ONCE", 1)
        np.testing.assert_array_equal(filled(classes, max_area, cuts, area), expected)


def test_only_holes_of_a_single_class_are_filled() -> None:
    classes = np.ones((7, 12), np.uint8)
    classes[2, 2] = 0  # filled
    classes[2:5, 5] = 0, 5, 0  # two classes without polygons: one hole
    classes[2, 8], classes[3, 8] = 0, 2  # touches another class
    classes[5, 2], classes[5, 3] = 0, 255  # touches nodata
    classes[0, 10] = 0  # at the edge
    classes[5, 8] = 2  # has polygons
    expected = classes.copy()
    expected[2, 2] = expected[2:5, 5] = 1
    np.testing.assert_array_equal(filled(classes, 10), expected)


def test_the_rows_held_are_bounded_by_the_size_of_a_hole() -> None:
    came = given_back = most = 0

    def rows() -> object:
        nonlocal came
        for _ in range(50):
            came += 100
            classes = np.ones((100, 40), np.uint8)
            classes[:, 7] = classes[:, 20] = 0
            yield Strip(classes)

    for strip in fill_holes(rows(), width=40, skip=SKIP, max_area=50):  # type: ignore[arg-type]
        given_back += strip.height
        most = max(most, came - given_back)
    assert given_back == came == 5000
    assert most < 400


def test_nothing_changes_without_an_area_and_a_negative_one_is_refused() -> None:
    classes = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)
    np.testing.assert_array_equal(filled(classes, 0), classes)
    np.testing.assert_array_equal(filled(classes, 1), classes)  # a hole of just this area stays
    with pytest.raises(SettingsError, match="-1"):
        filled(classes, -1)
