"""Separation against a plain reading of its rules on the whole raster, and its laws: exact, blind to strips, small."""

from __future__ import annotations

import heapq
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize

from fctl_geo.errors import SettingsError
from fctl_geo.polygons import settling
from fctl_geo.polygons.sieve import ROUNDS
from fctl_geo.polygons.strip import Strip
from fctl_geo.polygons.trace import trace_polygons
from fctl_geo.separate import separate as separate_module
from fctl_geo.separate.necks import farthest
from fctl_geo.separate.separate import find_cores, separate_strips

Classes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
few = settings(max_examples=40, deadline=None)
necks = st.sampled_from([2.0, 3.0, 3.7, 5.0])
places = st.lists(st.integers(1, 99), max_size=30)


@st.composite
def towns(draw: st.DrawFn) -> Classes:
    """Houses (class 1), tanks (class 2), land (0) and nodata (255), some rough at the edges."""
    height, width = draw(st.integers(1, 100)), draw(st.integers(1, 70))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    classes = np.zeros((height, width), np.uint8)
    y, x = np.mgrid[:height, :width]
    for _ in range(draw(st.integers(0, 30))):
        row, col, radius = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(0.5, 12)
        p = rng.choice([1.0, 2.0, np.inf])
        distance = np.linalg.norm(np.stack([y - row, x - col]).reshape(2, -1), ord=p, axis=0).reshape(y.shape)
        classes[distance < radius] = rng.choice([1, 1, 1, 1, 2, 0, 255])
    speckle = rng.random(classes.shape) < draw(st.sampled_from([0.0, 0.02, 0.3]))
    classes[speckle] = rng.choice([0, 1], int(speckle.sum()))
    return classes


def separated(
    classes: Classes,
    neck_px: float = 4.0,
    min_area: float = 10.0,
    cuts: list[int] | None = None,
    ids: frozenset[int] = frozenset({1, 2}),
) -> list[Strip]:
    strips = [Strip(part) for part in np.split(classes, sorted({cut for cut in cuts or [] if cut < len(classes)}))]
    cores = find_cores(strips, width=classes.shape[1], classes=ids, neck_px=neck_px)
    return list(separate_strips(strips, cores, min_area=min_area))


def numbers_of(strips: list[Strip]) -> Numbers:
    return np.concatenate([strip.objects for strip in strips if strip.objects is not None]).astype(np.int64)


@pytest.fixture
def small_steps() -> Iterator[None]:
    """Take up as few rows at once as possible, so that small rasters have many cuts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(separate_module, "ROWS_AT_ONCE", 1)
        patch.setattr(separate_module, "LEAST_TILE_PX", 1)
        patch.setattr(settling, "ROWS_AT_ONCE", 1)
        yield


# ---------------------------------------------------------------- a plain reading of the rules


def witness_cores(classes: Classes, ids: frozenset[int], neck_px: float) -> Numbers:
    labels = np.zeros(classes.shape, np.int64)
    for class_id in ids:
        mask = classes == class_id
        squared = np.rint(scipy.ndimage.distance_transform_edt(mask) ** 2) if not mask.all() else np.inf
        part, _ = scipy.ndimage.label(mask & (squared >= (neck_px / 2 + 0.5) ** 2), np.ones((3, 3)))
        labels[part > 0] = part[part > 0] + labels.max()
    first = {int(k): i for i, k in reversed(list(enumerate(labels.ravel().tolist()))) if k}
    numbers = {0: 0} | {k: n for n, k in enumerate(sorted(first, key=first.__getitem__), 1)}
    return np.vectorize(numbers.__getitem__, otypes=[np.int64])(labels)


def witness_growth(classes: Classes, cores: Numbers, ids: frozenset[int], limit: int) -> Numbers:
    """Dijkstra's algorithm, pixel by pixel."""
    height, width = classes.shape
    cost = np.where(cores > 0, 0, 10**6)
    numbers = cores.copy()
    queue = [(0, int(r), int(c)) for r, c in np.argwhere(cores > 0)]

    def same(r: int, c: int, i: int, j: int) -> bool:
        return 0 <= i < height and 0 <= j < width and classes[i, j] == classes[r, c]

    while queue:
        now, r, c = heapq.heappop(queue)
        if now > cost[r, c]:
            continue
        for i in range(r - 1, r + 2):
            for j in range(c - 1, c + 2):
                diagonal = i != r and j != c
                step = now + (4 if diagonal else 3)
                if not same(r, c, i, j) or step > limit or step >= cost[i, j]:
                    continue
                if diagonal and not (same(r, c, i, c) or same(r, c, r, j)):
                    continue
                cost[i, j] = step
                heapq.heappush(queue, (step, i, j))
    for now in range(1, limit + 1):
        for r, c in np.argwhere(cost == now).tolist():
            straight = [(r - 1, c), (r, c - 1), (r, c + 1), (r + 1, c)]
            via = [p for p in straight if same(r, c, *p) and cost[p] == now - 3]
            for i, j in ((r - 1, c - 1), (r - 1, c + 1), (r + 1, c - 1), (r + 1, c + 1)):
                if same(r, c, i, j) and cost[i, j] == now - 4:
                    via += [p for p in ((i, c), (r, j)) if same(r, c, *p)]
            numbers[r, c] = numbers[via[0]]
    return numbers


def label_values(values: Numbers) -> Numbers:
    labels = np.zeros(values.shape, np.int64)
    for value in np.unique(values):
        part, _ = scipy.ndimage.label(values == value)
        labels[part > 0] = part[part > 0] + labels.max()
    return labels


def witness_joining(classes: Classes, numbers: Numbers, ids: frozenset[int], min_area: float) -> Numbers:
    labels = label_values(numbers << 8 | classes)
    count = int(labels.max()) + 1
    size = np.bincount(labels.ravel(), minlength=count)
    class_of, number_of = np.zeros(count, int), np.zeros(count, int)
    class_of[labels], number_of[labels] = classes, numbers
    borders = np.zeros((count, count), int)
    for one, two in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        np.add.at(borders, (one.ravel(), two.ravel()), 1)
    borders += borders.T
    small = {k for k in range(1, count) if class_of[k] in ids and size[k] < min_area}
    settled = {k: int(number_of[k]) for k in range(1, count) if k not in small}
    for _ in range(ROUNDS):
        news = {}
        for k in small - settled.keys():
            shared: dict[int, int] = {}
            for beside in np.flatnonzero(borders[k]).tolist():
                if beside != k and beside in settled and class_of[beside] == class_of[k]:
                    shared[settled[beside]] = shared.get(settled[beside], 0) + int(borders[k, beside])
            if shared:
                news[k] = min(shared, key=lambda n: (-shared[n], n))
        settled |= news
    taken = np.array([settled.get(k, 0) for k in range(count)], np.int64)
    return taken[labels]


def witness(classes: Classes, ids: frozenset[int], neck_px: float, min_area: float) -> Numbers:
    cores = witness_cores(classes, ids, neck_px)
    return witness_joining(classes, witness_growth(classes, cores, ids, farthest(neck_px)), ids, min_area)


@few
@given(towns(), necks, st.sampled_from([0.0, 6.0, 25.0]), st.sampled_from([frozenset({1}), frozenset({1, 2})]))
def test_the_numbers_keep_the_rules(classes: Classes, neck_px: float, min_area: float, ids: frozenset[int]) -> None:
    found = numbers_of(separated(classes, neck_px, min_area, ids=ids))
    np.testing.assert_array_equal(found, witness(classes, ids, neck_px, min_area))


# ---------------------------------------------------------------- laws


@pytest.mark.usefixtures("small_steps")
@settings(max_examples=80, deadline=None)
@given(towns(), necks, st.sampled_from([0.0, 6.0, 25.0]), places)
def test_strips_do_not_change_a_number(classes: Classes, neck_px: float, min_area: float, cuts: list[int]) -> None:
    at_once = numbers_of(separated(classes, neck_px, min_area))
    np.testing.assert_array_equal(numbers_of(separated(classes, neck_px, min_area, cuts)), at_once)


@few
@given(towns(), necks, places)
def test_everything_but_the_objects_passes_through(classes: Classes, neck_px: float, cuts: list[int]) -> None:
    rng = np.random.default_rng(0)
    height, width = classes.shape
    whole = Strip(classes, rng.integers(0, 101, classes.shape, np.uint8), rng.uniform(1, 2, (height, -(-width // 64))))
    at = [0, *sorted({cut for cut in cuts if cut < height}), height]
    strips = [whole.rows(slice(begin, end)) for begin, end in pairwise(at)]
    cores = find_cores(strips, width=width, classes=frozenset({1}), neck_px=neck_px)
    out = list(separate_strips(strips, cores, min_area=3))
    for name in ("classes", "confidence", "area"):
        np.testing.assert_array_equal(np.concatenate([getattr(s, name) for s in out]), getattr(whole, name))


def polygons_of(strips: list[Strip], simplify_px: float = 0.0) -> tuple[list[shapely.Polygon], list[int], list[int]]:
    """Polygons, classes and sizes."""
    width = strips[0].classes.shape[1]
    batches = list(trace_polygons(strips, width=width, transform=IDENTITY, skip=frozenset(), simplify_px=simplify_px))
    wkb = [b.wkb[b.offsets[k] : b.offsets[k + 1]].tobytes() for b in batches for k in range(len(b))]
    ids = [i for b in batches for i in b.class_id.tolist()]
    return list(shapely.from_wkb(wkb)), ids, [n for b in batches for n in b.pixels.tolist()]


@few
@given(towns(), necks, places)
def test_the_polygons_of_a_class_cover_exactly_its_pixels(classes: Classes, neck_px: float, cuts: list[int]) -> None:
    strips = separated(classes, neck_px, cuts=cuts)
    found, ids, sizes = polygons_of(strips)
    assert shapely.is_valid(found).all() and sum(sizes) == classes.size
    burned = rasterize(list(zip(found, ids, strict=True)), classes.shape, fill=99, dtype="uint8")
    np.testing.assert_array_equal(burned, classes)
    values = numbers_of(strips) << 8 | classes
    assert len(found) == label_values(values).max(), "a polygon is one region of one object"


@few
@given(towns(), necks, st.sampled_from([0.5, 1.0, 2.5]), places)
def test_objects_share_their_walls(classes: Classes, neck_px: float, simplify_px: float, cuts: list[int]) -> None:
    found, _, _ = polygons_of(separated(classes, neck_px, cuts=cuts), simplify_px)
    assert shapely.coverage_is_valid(found)  # no gap, no overlap
    assert shapely.equals(shapely.coverage_union_all(found), shapely.box(0, 0, *classes.shape[::-1]))


@few
@given(towns(), necks)
def test_every_object_is_in_one_piece(classes: Classes, neck_px: float) -> None:
    numbers = numbers_of(separated(classes, neck_px, min_area=0))
    for number in range(1, int(numbers.max(initial=0)) + 1):
        assert scipy.ndimage.label(numbers == number)[1] == 1


# ---------------------------------------------------------------- houses


def two_houses(neck: int, *, length: int = 6) -> Classes:
    """Two houses of 20 x 20 px with a passage between them that is `neck` px wide."""
    classes = np.zeros((30, 60), np.uint8)
    classes[5:25, 5:25] = classes[5:25, 25 + length : 45 + length] = 1
    classes[10 : 10 + neck, 25 : 25 + length] = 1
    return classes


@pytest.mark.parametrize("neck", [1, 2, 3, 4, 5])
def test_two_houses_are_separated_in_the_middle_of_their_neck(neck: int) -> None:
    found, ids, sizes = polygons_of(separated(two_houses(neck), neck_px=6))
    houses = [k for k, class_id in enumerate(ids) if class_id == 1]
    assert len(houses) == 2
    assert abs(sizes[houses[0]] - sizes[houses[1]]) <= neck  # a tie of an odd length goes to the left
    wall = shapely.intersection(found[houses[0]], found[houses[1]])
    assert wall.length == neck and wall.centroid.x == pytest.approx(28, abs=0.5)


def test_what_is_wider_than_the_neck_stays_together() -> None:
    assert numbers_of(separated(two_houses(9), neck_px=6)).max() == 1
    assert numbers_of(separated(two_houses(3), neck_px=2)).max() == 1


def test_a_house_in_the_shape_of_a_u_stays_one_though_its_arms_begin_apart() -> None:
    classes = np.zeros((60, 60), np.uint8)
    classes[5:50, 5:20] = classes[5:50, 28:43] = classes[38:50, 5:43] = 1
    assert (numbers_of(separated(classes, neck_px=6))[classes == 1] == 1).all()
    classes[10:13, 20:28] = 1  # a gateway between the arms: no wall, for both sides are the same house
    assert (numbers_of(separated(classes, neck_px=6))[classes == 1] == 1).all()


def test_thin_walls_out_of_reach_stay_whole() -> None:
    classes = two_houses(3)
    classes[14:16, :] = 0
    classes[12, 45:] = classes[28, :] = 1
    strips = separated(classes, neck_px=6, min_area=0)
    _, ids, sizes = polygons_of(strips)
    assert 60 in [n for n, class_id in zip(sizes, ids, strict=True) if class_id == 1]


def test_a_small_object_is_joined_to_the_one_with_the_longest_wall() -> None:
    classes = np.zeros((40, 60), np.uint8)
    classes[5:35, 5:25] = 1
    classes[17:22, 25:27] = 1
    classes[15:24, 27:36] = 1  # a shed of 81 px
    assert numbers_of(separated(classes, neck_px=6, min_area=50)).max() == 2
    assert numbers_of(separated(classes, neck_px=6, min_area=120)).max() == 1


def test_objects_that_are_all_small_are_one_region_again() -> None:
    classes = two_houses(3)
    assert not numbers_of(separated(classes, neck_px=6, min_area=500)).any()


def test_nodata_ends_a_house_and_the_edge_of_the_raster_does_not() -> None:
    classes = np.ones((40, 8), np.uint8)
    assert numbers_of(separated(classes, neck_px=12)).all()  # 8 px wide, but nothing else is seen
    assert not numbers_of(separated(np.pad(classes, ((0, 0), (1, 1)), constant_values=255), neck_px=12)).any()


def test_a_raster_without_the_class_has_no_objects() -> None:
    assert not numbers_of(separated(np.zeros((70, 30), np.uint8))).any()
    assert not numbers_of(separated(np.full((70, 30), 255, np.uint8))).any()


def test_a_neck_out_of_bounds_is_refused() -> None:
    for neck_px in (1.9, 257.0, float("nan")):
        with pytest.raises(SettingsError, match="neck"):
            find_cores([], width=3, classes=frozenset({1}), neck_px=neck_px)


PEAK = """
import resource, sys
import numpy as np
from fctl_geo.polygons.strip import Strip
from fctl_geo.polygons.trace import trace_polygons
from fctl_geo.separate.separate import find_cores, separate_strips

height, width = int(sys.argv[1]), 1500
tile = np.ones((256, width), np.uint8)  # one region from top to bottom: one core, and a net of walls
tile[::8, width // 2 :] = tile[:, width // 2 :: 8] = 0
tile[::8, width // 2 + 3 :: 8] = tile[3::8, width // 2 :: 8] = 1
strips = lambda: (Strip(tile) for _ in range(height // 256))
cores = find_cores(strips(), width=width, classes=frozenset({1}), neck_px=12.0)
out = separate_strips(strips(), cores, min_area=100)
options = {"width": width, "transform": (1.0, 0.0, 0.0, 0.0, -1.0, 0.0), "max_vertices": 20_000}
print(sum(len(b) for b in trace_polygons(out, **options)), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_one_huge_region() -> None:
    peaks = []
    for height in (4 * 1024, 20 * 1024):
        done = subprocess.run([sys.executable, "-c", PEAK, str(height)], capture_output=True, text=True, check=True)
        polygons, peak_mib = map(int, done.stdout.split())
        print(f"1,500 x {height:,} px: {polygons:,} polygons, peak RSS {peak_mib} MiB")
        peaks.append(peak_mib)
    assert peaks[1] < peaks[0] + 15
