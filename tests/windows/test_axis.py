from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fctl_geo.windows.axis import PatchAxis
from fctl_geo.windows.grid import PatchGrid
from fctl_geo.windows.window import Window

PATCHES, OVERLAPS = st.sampled_from([60, 61, 508]), st.sampled_from([0, 6, 50])
AXES = st.builds(PatchAxis, st.integers(1, 2000), PATCHES, OVERLAPS, st.just("fitted"), st.booleans())


@pytest.mark.parametrize(
    ("side", "starts"),
    [
        (509, [0, 1]),
        (966, [0, 458]),
        (967, [0, 230, 459]),
        (1017, [0, 254, 509]),
        (2448, [0, 388, 776, 1164, 1552, 1940]),
        (5000, [0, 449, 898, 1348, 1797, 2246, 2695, 3144, 3594, 4043, 4492]),
        (508, [0]),
        (300, [-104]),
    ],
)
def test_fitted_patches_lie_where_the_released_evaluator_puts_them(side: int, starts: list[int]) -> None:
    """Facts of the released code; a side of up to a patch, which it cannot do, has one patch around its middle."""
    axis = PatchAxis(side, 508, 50, "fitted")
    assert [axis.start(k) for k in range(axis.count)] == starts


def test_fitted_patches_equal_the_golden_grids() -> None:
    golden_grids = Path(__file__).parents[1] / "goldens" / "grid.json"
    for side, golden in json.loads(golden_grids.read_text()).items():
        axis = PatchAxis(int(side), 508, 50, "fitted")
        starts = [axis.start(k) for k in range(axis.count)]
        assert len(starts) == golden["n"]
        assert starts == golden["positions"] or [*starts[:5], *starts[-5:]] == golden["positions"], side


@settings(deadline=None, max_examples=60)
@given(AXES)
def test_every_pixel_of_a_side_lies_in_exactly_one_core(axis: PatchAxis) -> None:
    count = np.zeros(axis.size_px, int)
    for k in range(axis.count):
        begin, end = axis.core(k)
        assert axis.start(k) <= begin <= end <= axis.start(k) + axis.patch_px
        count[begin:end] += 1
    assert (count == 1).all()


@settings(deadline=None, max_examples=60)
@given(AXES)
def test_the_mirrored_axis_is_the_axis_seen_from_the_other_end(axis: PatchAxis) -> None:
    other = axis.mirror()
    seen = [axis.size_px - axis.patch_px - axis.start(k) for k in reversed(range(axis.count))]
    assert [other.start(k) for k in range(other.count)] == seen
    assert all(abs(other.start(k) - axis.start(k)) <= 1 for k in range(axis.count))


@settings(deadline=None, max_examples=60)
@given(AXES, st.data())
def test_all_patches_that_see_a_span_from_either_side_are_among_those_touching_it(
    axis: PatchAxis, data: st.DataObject
) -> None:
    begin = data.draw(st.integers(0, axis.size_px - 1))
    end = data.draw(st.integers(begin + 1, axis.size_px))
    for seen in (axis, axis.mirror()):
        wanted = {k for k in range(axis.count) if seen.start(k) < end and seen.start(k) + axis.patch_px > begin}
        assert wanted <= set(axis.touching(begin, end))
    assert len(axis.touching(begin, end)) <= len(wanted) + 2


def test_patches_of_an_even_grid_lie_alike_in_every_look() -> None:
    even, odd = PatchGrid(2448, 5000, 508, 50, "fitted"), PatchGrid(1017, 2448, 508, 50, "fitted")
    assert even.mirror(rows=True, cols=False) == even
    assert odd.mirror(rows=False, cols=True) == odd != odd.mirror(rows=True, cols=True)
    assert odd.mirror(rows=True, cols=False).patch(1, 0) == Window(255, 0, 508, 508)
