"""Squared outlines: right angles, shared walls, no gap, no overlap, and the same for any strips."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from strip_factory import cut_strips

from fctl_geo.polygons.batch import PolygonBatch, join_batches
from fctl_geo.polygons.trace import Strip, trace_polygons
from fctl_geo.square.outcomes import OUTLINES
from fctl_geo.square.squarer import Squarer

Classes = npt.NDArray[np.uint8]
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
TOLERANCE_PX = 1.5
OBJECTS = frozenset({1, 2, 3})
"""In these tests, houses that touch have different classes; class 9 is none of houses."""
EMPTY = PolygonBatch(
    np.empty(0, np.uint8), np.zeros(1, np.int64), np.empty(0, np.uint8), np.empty(0, np.int64), np.empty(0),
    np.empty(0, np.float32), np.empty(0, np.float32), np.empty(0, np.int64), np.empty(0, np.uint8),
    np.empty(0, np.float32),
)  # fmt: skip
few = settings(max_examples=40, deadline=None)


def traced(
    classes: Classes,
    *,
    mode: int = 90,
    tolerance_px: float = TOLERANCE_PX,
    skip: frozenset[int] = frozenset({0}),
    cuts: list[int] | None = None,
    max_vertices: int = 500_000,
) -> PolygonBatch:
    strips = cut_strips(classes, cuts)
    squarer = Squarer(OBJECTS, IDENTITY, tolerance_px, mode, max_vertices)
    width = classes.shape[1]
    batches = trace_polygons(
        strips, width=width, transform=IDENTITY, skip=skip, simplify_px=min(tolerance_px, 4.0), outlines=squarer,
        max_vertices=max_vertices,
    )  # fmt: skip
    return join_batches([EMPTY, *batches])


def plain(classes: Classes, tolerance_px: float = 0.0) -> PolygonBatch:
    """The same polygons without squaring."""
    width, skip = classes.shape[1], frozenset({0})
    batches = trace_polygons([Strip(classes)], width=width, transform=IDENTITY, skip=skip, simplify_px=tolerance_px)
    return join_batches([EMPTY, *batches])


def polygons_of(batch: PolygonBatch) -> npt.NDArray[np.object_]:
    wkb = [batch.wkb[batch.offsets[k] : batch.offsets[k + 1]].tobytes() for k in range(len(batch))]
    return np.array([shapely.from_wkb(one) for one in wkb], object)


def words_of(batch: PolygonBatch) -> list[str]:
    return [OUTLINES[outline] for outline in batch.outline]


def turned(shape: shapely.Geometry, angle: float, size_px: int, noise_px: float = 0.0, seed: int = 0) -> Classes:
    """A shape around the origin, turned and in the middle of a raster, its outline disturbed by smooth noise."""
    moved = shapely.affinity.translate(shapely.affinity.rotate(shape, np.degrees(angle), (0, 0)), *[size_px / 2] * 2)
    y, x = np.mgrid[:size_px, :size_px] + 0.5
    away = shapely.distance(moved.boundary, shapely.points(x, y))
    away[shapely.contains_xy(moved, x, y)] *= -1
    noise = scipy.ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=x.shape), 2)
    return (away + noise / noise.std() * noise_px < 0).astype(np.uint8)


def largest(classes: Classes) -> Classes:
    labels, _ = scipy.ndimage.label(classes)
    return (labels == np.bincount(labels.ravel())[1:].argmax() + 1).astype(np.uint8)


def angles_of(polygon: shapely.Polygon) -> npt.NDArray[np.float64]:
    """The turn at each corner of the exterior, in degrees."""
    ring = np.array(polygon.exterior.coords)
    ways = np.diff(ring, axis=0)
    heading = np.arctan2(ways[:, 1], ways[:, 0])
    turns = np.degrees(np.diff([*heading, heading[0]]))
    return (turns + 180) % 360 - 180


RECTANGLE = shapely.box(-25, -14, 25, 14)
L_SHAPE = shapely.union(shapely.box(-28, -20, 28, 0), shapely.box(-28, -20, -4, 24))


@st.composite
def towns(draw: st.DrawFn) -> Classes:
    """Blocks, L-shapes and blobs with ragged outlines; some touch each other, some lie beside another class."""
    height, width = draw(st.integers(20, 90)), draw(st.integers(20, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    classes = np.zeros((height, width), np.uint8)
    y, x = np.mgrid[:height, :width] + 0.5
    noise = scipy.ndimage.gaussian_filter(rng.normal(size=x.shape), draw(st.sampled_from([0.7, 1.5, 3.0])))
    noise *= draw(st.sampled_from([0.0, 0.5, 1.5])) / noise.std()
    if draw(st.booleans()):
        classes[scipy.ndimage.gaussian_filter(rng.normal(size=x.shape), 4) > 0.05] = 9
    for _ in range(draw(st.integers(1, 7))):
        angle = rng.choice([0.0, 0.3, rng.random() * 3])
        u, v = x - rng.random() * width, y - rng.random() * height
        u, v = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
        away = np.maximum(abs(u) - rng.uniform(3, 25), abs(v) - rng.uniform(3, 15)) + noise
        split = rng.integers(1, 4)
        classes[away < 0] = (split + (u > rng.uniform(-10, 10)) * rng.integers(0, 3)).clip(1, 3)[away < 0]
    for _ in range(draw(st.integers(0, 3))):
        classes[rng.integers(height), rng.integers(width)] = rng.integers(0, 4)
    return classes


@settings(max_examples=150, deadline=None)
@given(towns(), st.sampled_from([0.5, 1.0, 1.5, 2.5, 4.0]), st.sampled_from([90, 45, 0]))
def test_polygons_stay_valid_and_share_their_walls_without_gap_or_overlap(
    classes: Classes, tolerance_px: float, mode: int
) -> None:
    found = polygons_of(traced(classes, tolerance_px=tolerance_px, mode=mode))
    assert shapely.is_valid(found).all()
    one, two = shapely.STRtree(found).query(found, predicate="intersects")
    one, two = one[one < two], two[one < two]
    assert shapely.area(shapely.intersection(found[one], found[two])).sum() == 0
    # houses that touched along an edge still do, along all of it: the outline of a group has no slits
    for group in shapely.get_parts(shapely.coverage_union_all(found)):
        assert shapely.is_valid(group)
    assert shapely.coverage_is_valid(found)


@few
@given(towns(), st.sampled_from([1.0, 2.5]))
def test_the_union_has_the_holes_and_parts_of_the_pixels(classes: Classes, tolerance_px: float) -> None:
    def shape(found: npt.NDArray[np.object_]) -> tuple[int, int]:
        union = shapely.get_parts(shapely.union_all(found))
        return len(union), int(shapely.get_num_interior_rings(union).sum())

    raw = polygons_of(plain(classes))
    assert shape(polygons_of(traced(classes, tolerance_px=tolerance_px))) == shape(raw)


@few
@given(towns(), st.lists(st.integers(1, 89), max_size=8), st.sampled_from([500_000, 60]))
def test_strips_do_not_change_a_byte(classes: Classes, cuts: list[int], max_vertices: int) -> None:
    whole = traced(classes, max_vertices=max_vertices)
    parts = traced(classes, max_vertices=max_vertices, cuts=[cut for cut in cuts if cut < len(classes)])
    for name in PolygonBatch.__slots__:
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name), name)


@few
@given(towns())
def test_no_outline_moves_farther_than_the_gate_allows(classes: Classes) -> None:
    found, exact = traced(classes), plain(classes)
    order = {number: k for k, number in enumerate(found.object_id.tolist())}
    assert len(order) == len(found) == len(exact)
    for old, number in zip(polygons_of(exact), exact.object_id.tolist(), strict=True):
        k = order[number]
        new = polygons_of(found)[k]
        if words_of(found)[k] in ("squared", "rectangle", "circle"):
            assert new.intersection(old).area / new.union(old).area == pytest.approx(found.outline_iou[k], abs=0.05)
            assert 0.85 <= new.area / old.area <= 1.15
            outlines = old.exterior, new.exterior
            assert shapely.hausdorff_distance(*outlines, densify=0.2) <= 3.5 * TOLERANCE_PX * np.sqrt(2) + 0.5


@pytest.mark.parametrize("angle", np.linspace(0.02, np.pi / 2, 9))
@pytest.mark.parametrize("noise_px", [0.0, 0.6])
def test_a_noisy_rectangle_becomes_a_rectangle(angle: float, noise_px: float) -> None:
    found = traced(largest(turned(RECTANGLE, angle, 80, noise_px)))
    (house,) = polygons_of(found)
    assert words_of(found) == ["rectangle"] and len(house.exterior.coords) == 5
    np.testing.assert_allclose(np.abs(angles_of(house)), 90, atol=0.05)
    truth = shapely.affinity.translate(shapely.affinity.rotate(RECTANGLE, np.degrees(angle), (0, 0)), 40, 40)
    assert house.intersection(truth).area / house.union(truth).area > 0.94


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.0, 1.4])
@pytest.mark.parametrize("noise_px", [0.0, 0.5])
def test_an_l_has_six_right_angles(angle: float, noise_px: float) -> None:
    found = traced(largest(turned(L_SHAPE, angle, 90, noise_px)))
    (house,) = polygons_of(found)
    assert words_of(found) == ["squared"] and len(house.exterior.coords) == 7
    np.testing.assert_allclose(np.abs(angles_of(house)), 90, atol=0.05)


def test_a_tank_becomes_a_circle() -> None:
    found = traced(turned(shapely.Point(0, 0).buffer(20, 64), 0.0, 60))
    (tank,) = polygons_of(found)
    assert words_of(found) == ["circle"]
    assert tank.area == pytest.approx(np.pi * 400, rel=0.02)
    away = [shapely.Point(30, 30).distance(shapely.Point(c)) for c in tank.exterior.coords]
    assert max(away) - min(away) < 0.1


def test_a_ragged_blob_stays_as_it_was_simplified() -> None:
    rng = np.random.default_rng(5)
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    reach = 26 + 9 * np.sin(3 * angle + 1) + rng.normal(size=40) * 4
    blob = shapely.Polygon(np.stack([reach * np.cos(angle), reach * np.sin(angle)], 1))
    blob_px = largest(turned(blob, 0.0, 90))
    found = traced(blob_px)
    assert words_of(found)[0].startswith("simplified: ")
    assert shapely.normalize(polygons_of(found)[0]) == shapely.normalize(polygons_of(plain(blob_px, TOLERANCE_PX))[0])


@pytest.mark.parametrize("angle", [0.0, 0.25, 0.9])
def test_houses_in_a_row_share_direction_facade_and_walls(angle: float) -> None:
    row = turned(shapely.box(-33, -12, 33, 12), angle, 90, 0.5)
    y, x = np.mgrid[:90, :90] + 0.5 - 45
    along = x * np.cos(angle) + y * np.sin(angle)
    classes = largest(row) * (1 + (along > -10).astype(np.uint8) + (along > 12))
    found = traced(classes.astype(np.uint8))
    houses = polygons_of(found)
    assert words_of(found) == ["squared"] * 3
    assert [len(house.exterior.coords) for house in houses] == [5, 5, 5]
    for one, two in pairwise(sorted(houses, key=lambda h: h.centroid.x)):
        wall = one.intersection(two)
        assert wall.geom_type == "LineString" and len(wall.coords) == 2 and 20 < wall.length < 28
    for house in houses:
        np.testing.assert_allclose(np.abs(angles_of(house)), 90, atol=0.5)


def test_half_angles_and_any_angle_only_where_asked_for() -> None:
    cut = shapely.difference(shapely.box(-28, -22, 28, 22), shapely.Polygon([(28, 22), (4, 22), (28, -2)]))
    house = turned(cut, 0.3, 90)
    steep = shapely.difference(shapely.box(-28, -22, 28, 22), shapely.Polygon([(28, 22), (-10, 22), (28, 0)]))
    assert words_of(traced(house)) != ["squared"] or len(polygons_of(traced(house))[0].exterior.coords) != 6
    (half,) = polygons_of(traced(house, mode=45))
    turns = np.sort(np.abs(angles_of(half)))
    np.testing.assert_allclose(turns, [45, 45, 90, 90, 90], atol=0.1)
    (free,) = polygons_of(traced(turned(steep, 0.3, 90), mode=0))
    assert len(free.exterior.coords) == 6


def test_a_house_beside_another_class_keeps_that_border() -> None:
    classes = turned(RECTANGLE, 0.4, 80)
    classes[:, :35] = np.where(classes[:, :35] == 1, 1, 9)
    found = traced(classes)
    polygons = polygons_of(found)
    house = next(p for p, c in zip(polygons, found.class_id, strict=True) if c == 1)
    for other, class_id in zip(polygons, found.class_id, strict=True):
        if class_id == 9:
            assert shapely.coverage_is_valid([house, other])
            assert house.intersection(other).length > 10


def test_borders_between_classes_without_polygons_do_not_matter() -> None:
    classes = turned(RECTANGLE, 0.4, 80)
    alone = traced(classes)
    classes[classes == 0] = np.where(np.mgrid[:80, :80][1] < 40, 0, 7)[classes == 0]
    np.testing.assert_array_equal(traced(classes, skip=frozenset({0, 7})).wkb, alone.wkb)


def test_a_courtyard_is_squared_along_with_its_house() -> None:
    house = shapely.difference(shapely.box(-30, -24, 30, 24), shapely.box(-14, -9, 12, 8))
    found = traced(turned(house, 0.35, 90, 0.3))
    (one,) = polygons_of(found)
    assert words_of(found) == ["squared"]
    assert len(one.exterior.coords) == 5 and [len(ring.coords) for ring in one.interiors] == [5]


def test_a_hole_does_not_come_to_lie_outside_its_house() -> None:
    classes = np.zeros((60, 80), np.uint8)
    classes[20:45, 15:65] = 1
    classes[16:20, 35:41] = 1
    classes[17, 37] = 0  # in a dent that squaring cuts off
    (house,) = polygons_of(traced(classes, tolerance_px=3.0))
    assert house.is_valid and len(house.interiors) == 1


def test_a_group_that_is_too_large_keeps_its_simplified_walls() -> None:
    classes = (turned(shapely.box(-33, -12, 33, 12), 0.3, 90) * (1 + (np.mgrid[:90, :90][1] > 45))).astype(np.uint8)
    found = traced(classes, max_vertices=40)
    assert set(words_of(found)) <= {"simplified: group too large", "simplified: cut into parts"}
    assert shapely.coverage_is_valid(polygons_of(found))


def test_separated_objects_of_one_class_share_walls_like_those_of_several() -> None:
    row = largest(turned(shapely.box(-33, -12, 33, 12), 0.3, 90, 0.5))
    objects = (row * (1 + (np.mgrid[:90, :90][1] > 45))).astype(np.int32)
    squarer = Squarer(frozenset({1}), IDENTITY, TOLERANCE_PX, 90, 500_000)
    batches = trace_polygons(
        [Strip(row, objects=objects)], width=90, transform=IDENTITY, skip=frozenset({0}), simplify_px=TOLERANCE_PX,
        outlines=squarer,
    )  # fmt: skip
    one, two = polygons_of(join_batches(list(batches)))
    by_class = polygons_of(traced(objects.astype(np.uint8)))
    assert shapely.equals_identical(np.array([one, two]), by_class).all()
