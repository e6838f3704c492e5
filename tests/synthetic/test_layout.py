"""Cutting land: nothing is lost, nothing is covered twice."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fctl_geo.synthetic.layout import Block, Cut, densify, inset, inside_ring, subdivide
from fctl_geo.synthetic.light import sweep_shadow


def square(side_m: float, margin_m: float = 0.0) -> Block:
    ring = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]]) * side_m
    return Block(ring, np.full(4, margin_m))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), wanted=st.floats(50, 4000), jitter=st.floats(0, 0.3))
def test_lots_add_up_to_their_block(seed, wanted, jitter):
    rng = np.random.default_rng(seed)
    lots, streets = subdivide(square(100), lambda _: wanted, lambda *_: Cut(2.0, 1), jitter, rng)
    assert np.isclose(sum(lot.area_m2 for lot in lots), 10_000)
    assert len(streets) == len(lots) - 1


def test_an_inset_block_keeps_off_its_streets():
    inner = inset(square(50, margin_m=4.0), 1.0)
    assert inner is not None
    assert np.isclose(inner.area_m2, 40 * 40)
    assert inset(square(8, margin_m=4.0), 1.0) is None


def test_densify_leaves_no_gap_wider_than_the_spacing():
    line = densify(np.array([[0.0, 0], [10, 0], [10, 3]]), 4.0)
    assert np.hypot(*np.diff(line, axis=0).T).max() <= 4.0
    assert (line[0] == [0, 0]).all() and (line[-1] == [10, 3]).all()


def test_a_point_on_the_edge_is_not_inside():
    ring = square(10).ring
    assert inside_ring(ring, np.array([5.0, 5.0]), 1.0)
    assert not inside_ring(ring, np.array([0.5, 5.0]), 1.0)


def test_a_pole_throws_a_shadow_as_long_as_the_sun_is_low():
    height = np.zeros((40, 40), dtype=np.float32)
    height[20, 10] = 5.0
    # sun on the left, one meter of fall a pixel: five pixels of shadow to the right
    top = sweep_shadow(height, -1.0, 0.0, 1.0)
    assert (np.flatnonzero(top[20] > 0) == np.arange(10, 15)).all()
    assert (top[:20] == 0).all()
