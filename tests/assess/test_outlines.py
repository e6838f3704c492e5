"""Distances of outlines against a second witness, and the laws that they obey."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import rotate, translate

from fctl_geo.assess.outlines import SAMPLES, OutlineErrors, compare_outlines

SQUARE = shapely.box(0, 0, 100, 100)


def compare(found: shapely.Geometry, truth: shapely.Geometry) -> OutlineErrors:
    return compare_outlines(np.array([found], object), np.array([truth], object))


def star(seed: int, corners: int = 9, hole: bool = False) -> shapely.Polygon:
    """A polygon around the origin, with a hole if wanted."""
    rng = np.random.default_rng(seed)
    angle = (np.arange(corners) + 0.4 * rng.random(corners)) / corners * 2 * np.pi
    away = 5 + 10 * rng.random(corners)
    shape = shapely.Polygon(np.c_[np.cos(angle) * away, np.sin(angle) * away])
    return shape - shapely.box(-1, -1, 1, 2) if hole else shape


def polis_by_the_book(one: shapely.Geometry, other: shapely.Geometry) -> float:
    """Equation 1 of Avbelj et al. with loops over corners and edges; rings end at their last corner."""

    def rings(shape: shapely.Geometry) -> list[np.ndarray]:
        parts = shapely.get_parts(shape)
        return [np.array(ring.coords) for part in parts for ring in (part.exterior, *part.interiors)]

    def to_edge(p: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
        length = np.linalg.norm(b - a)
        along = np.dot(p - a, b - a) / length
        if along < 0 or along > length:
            return float(min(np.linalg.norm(p - a), np.linalg.norm(p - b)))
        return float(abs((b - a)[0] * (p - a)[1] - (b - a)[1] * (p - a)[0]) / length)

    def half(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
        corners = [corner for ring in ours for corner in ring[:-1]]
        edges = [(a, b) for ring in theirs for a, b in pairwise(ring)]
        return sum(min(to_edge(corner, a, b) for a, b in edges) for corner in corners) / (2 * len(corners))

    return half(rings(one), rings(other)) + half(rings(other), rings(one))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 40), st.booleans(), st.booleans())
def test_polis_is_that_of_loops_over_corners_and_edges(seed: int, corners: int, hole: bool, several: bool) -> None:
    one, other = star(seed, corners, hole), star(seed + 1)
    if several:
        one = shapely.union(one, shapely.box(40, 0, 44, 3))
    assert compare(one, other).polis[0] == pytest.approx(polis_by_the_book(one, other), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_distances_of_boundaries_are_those_of_dense_points(seed: int) -> None:
    one, other = star(seed, 40, hole=True), star(seed + 100, 70)

    def way(from_: shapely.Geometry, to: shapely.Geometry) -> np.ndarray:
        rings = shapely.get_rings(from_)
        points = [ring.interpolate(d) for ring in rings for d in np.arange(0, ring.length, 0.002)]
        return shapely.distance(np.array(points), to.boundary)

    there, back = way(one, other), way(other, one)
    found = compare(one, other)
    assert found.boundary[0] == pytest.approx((there.mean() + back.mean()) / 2, rel=0.02)
    most = max(np.percentile(there, 95), np.percentile(back, 95))
    assert found.hausdorff_95[0] == pytest.approx(most, abs=one.length / SAMPLES)
    assert found.hausdorff_95[0] <= shapely.hausdorff_distance(one.boundary, other.boundary, 0.01)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_a_polygon_equals_itself_wherever_it_starts(seed: int, hole: bool) -> None:
    shape = star(seed, 12, hole)
    ring = np.array(shape.exterior.coords)[:-1]
    turned = shapely.Polygon(np.roll(ring, 5, axis=0)[::-1], [hole.coords for hole in shape.interiors])
    found = compare(turned, shape)
    for values in (found.polis, found.boundary, found.hausdorff_95):
        assert values[0] == pytest.approx(0, abs=1e-9)
    assert found.angle[0] == pytest.approx(0, abs=1e-3) and found.vertices[0] == found.true_vertices[0]


@pytest.mark.parametrize("shift", [0.1, 1.0, 5.0])
def test_a_large_square_that_is_shifted_is_off_by_the_shift_and_straight(shift: float) -> None:
    found = compare(translate(SQUARE, shift), SQUARE)
    assert found.polis[0] == pytest.approx(shift / 2, rel=1e-9), "two of four corners lie on the other outline"
    both = compare(translate(SQUARE, shift, shift), SQUARE)
    assert both.polis[0] == pytest.approx((3 + 2**0.5) / 4 * shift)
    assert both.boundary[0] == pytest.approx(shift, rel=0.05)
    assert both.hausdorff_95[0] == pytest.approx(shift, rel=0.05)
    assert found.angle[0] == both.angle[0] == 0


@pytest.mark.parametrize("degrees", [1, 10, 30])
def test_a_turned_square_is_off_by_the_angle(degrees: float) -> None:
    assert compare(rotate(SQUARE, degrees), SQUARE).angle[0] == pytest.approx(degrees, abs=1e-6)


def test_one_oblique_wall_is_the_largest_angle() -> None:
    oblique = shapely.Polygon([(0, 0), (100, 0), (100, 100), (50, 120), (0, 100)])
    assert compare(oblique, SQUARE).angle[0] == pytest.approx(np.degrees(np.arctan2(20, 50)))


def test_a_cut_corner_has_no_counterpart_but_a_chamfer_of_stairs_has() -> None:
    stairs = [(0, 0), (100, 0), (100, 50)]
    for step in range(10):
        stairs += [(95 - 5 * step, 50 + 5 * step), (95 - 5 * step, 55 + 5 * step)]
    ramp = shapely.Polygon([(0, 0), (100, 0), (100, 50), (50, 100), (0, 100)])
    assert compare(shapely.Polygon([*stairs, (0, 100)]), ramp).angle[0] == pytest.approx(45, abs=1)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.01, 100), st.floats(-180, 180))
def test_distances_scale_and_turn_with_the_plane_and_are_symmetric(seed: int, scale: float, degrees: float) -> None:
    one, other = star(seed, 9), star(seed + 1, 14)
    before, back = compare(one, other), compare(other, one)
    moved = [shapely.transform(rotate(s, degrees, (0, 0)), lambda xy: xy * scale + 1000) for s in (one, other)]
    after = compare(*moved)
    for name in ("polis", "boundary", "hausdorff_95"):
        assert getattr(after, name)[0] == pytest.approx(scale * getattr(before, name)[0], rel=1e-6, abs=1e-6)
        assert getattr(back, name)[0] == pytest.approx(getattr(before, name)[0])
    assert (before.vertices[0], before.true_vertices[0]) == (9, 14)


def test_many_pairs_are_those_measured_alone() -> None:
    ones = np.array([star(seed, 3 + seed % 200) for seed in range(2100)], object)
    others = np.array([star(seed + 7, 3 + seed % 50) for seed in range(2100)], object)
    done: list[int] = []
    together = compare_outlines(ones, others, done.append)
    assert sum(done) == 2100
    for k in (0, 999, 1999, 2000, 2099):
        alone = compare(ones[k], others[k])
        assert (together.polis[k], together.angle[k]) == (alone.polis[0], alone.angle[0])
        assert (together.boundary[k], together.hausdorff_95[k]) == pytest.approx(
            (alone.boundary[0], alone.hausdorff_95[0]), rel=1e-9
        )


def test_repeated_corners_do_not_count() -> None:
    twice = shapely.Polygon([(0, 0), (0, 0), (100, 0), (100, 100), (0, 100), (0, 100)])
    found = compare(twice, shapely.box(0, 0, 100, 101))
    assert found.vertices[0] == 4 and found.polis[0] == compare(SQUARE, shapely.box(0, 0, 100, 101)).polis[0]
