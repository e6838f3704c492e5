"""The sieve against a plain reading of its rules on the whole raster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from strip_factory import cut_strips

from fctl_geo.errors import SettingsError
from fctl_geo.polygons import settling
from fctl_geo.polygons.sieve import ROUNDS, sieve_strips
from fctl_geo.polygons.strip import Strip

Classes = npt.NDArray[np.uint8]
few = settings(max_examples=50, deadline=None)


@st.composite
def class_rasters(draw: st.DrawFn) -> Classes:
    """Noise, or larger shapes with noise on them, with and without nodata."""
    height, width = draw(st.integers(1, 60)), draw(st.integers(1, 40))
    ids = draw(st.sampled_from([[0, 1], [0, 1, 2, 5], [3, 4, 255], [7]]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    grain = draw(st.sampled_from([1, 2, 5]))
    coarse = rng.choice(ids, (-(-height // grain), -(-width // grain)))
    classes = np.kron(coarse, np.ones((grain, grain), int))[:height, :width].astype(np.uint8)
    speckle = rng.random(classes.shape) < draw(st.sampled_from([0.0, 0.1, 0.5]))
    classes[speckle] = rng.choice(ids, int(speckle.sum()))
    return classes


def sieved(
    classes: Classes, min_area: float, cuts: list[int] | None = None, area: npt.NDArray[np.float64] | None = None
) -> Classes:
    strips = cut_strips(classes, cuts, area)
    return np.concatenate([s.classes for s in sieve_strips(strips, width=classes.shape[1], min_area=min_area)])


def label(classes: Classes) -> npt.NDArray[np.int64]:
    labels = np.zeros(classes.shape, np.int64)
    for class_id in np.unique(classes):
        part, n = scipy.ndimage.label(classes == class_id)
        labels[part > 0] = part[part > 0] + labels.max()
        assert n
    return labels


def witness(classes: Classes, min_area: float, area_px: npt.NDArray[np.float64]) -> Classes:
    """The rules of the sieve's docstring, word for word."""
    labels = label(classes)
    class_of = {int(k): int(classes[labels == k][0]) for k in np.unique(labels)}
    borders: dict[int, Counter[int]] = {k: Counter() for k in class_of}
    pairs = [(labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])]
    for one, two in [p for ab in pairs for p in (ab, ab[::-1])]:
        for a, b in zip(one[one != two].tolist(), two[one != two].tolist(), strict=True):
            borders[a][b] += 1
    valid = {k for k, c in class_of.items() if c != 255}
    settled = {k: class_of[k] for k in valid if area_px[labels == k].sum() >= min_area}
    for _ in range(ROUNDS):
        news = {}
        for k in valid - settled.keys():
            shared: Counter[int] = Counter()
            for beside, length in borders[k].items():
                if beside in settled:
                    shared[settled[beside]] += length
            if shared:
                news[k] = min(shared, key=lambda c: (-shared[c], c))
        settled |= news
    out = classes.copy()
    for k, class_id in settled.items():
        out[labels == k] = class_id
    return out


@few
@given(class_rasters(), st.integers(1, 30))
def test_the_sieve_keeps_its_rules(classes: Classes, min_px: int) -> None:
    np.testing.assert_array_equal(sieved(classes, min_px), witness(classes, min_px, np.ones(classes.shape)))


@pytest.fixture
def small_steps() -> Iterator[None]:
    """Let the sieve look after every row that it can, so that small rasters have many cuts."""
    rows, settling.ROWS_AT_ONCE = settling.ROWS_AT_ONCE, 1
    yield
    settling.ROWS_AT_ONCE = rows


@pytest.mark.usefixtures("small_steps")
@settings(max_examples=80, deadline=None)
@given(class_rasters(), st.integers(1, 30), st.lists(st.integers(1, 59), max_size=60))
def test_strips_do_not_change_a_pixel(classes: Classes, min_px: int, cuts: list[int]) -> None:
    np.testing.assert_array_equal(sieved(classes, min_px, cuts), sieved(classes, min_px))


@pytest.mark.usefixtures("small_steps")
@few
@given(class_rasters(), st.floats(0.1, 20), st.lists(st.integers(1, 59), max_size=30), st.integers(0, 2**32 - 1))
def test_area_tables_decide_what_is_small(classes: Classes, min_area: float, cuts: list[int], seed: int) -> None:
    height, width = classes.shape
    area = np.random.default_rng(seed).choice([0.25, 0.5, 2.0], (height, -(-width // 64)))
    expected = witness(classes, min_area, np.repeat(area, 64, axis=1)[:, :width])
    np.testing.assert_array_equal(sieved(classes, min_area, cuts, area), expected)


def test_nodata_stays_and_is_never_taken() -> None:
    classes = np.full((9, 9), 255, np.uint8)
    classes[4, 4] = 1
    classes[0:2, 0:2] = 2
    np.testing.assert_array_equal(sieved(classes, 4), classes)


def test_speckle_goes_to_the_longest_border() -> None:
    classes = np.array([[1] * 8, [1] * 8, [1, 1, 3, 3, 3, 1, 1, 1], [2] * 8, [2] * 8], np.uint8)
    assert (sieved(classes, 4)[2] == 1).all()


def test_no_small_region_stays_within_reach_of_a_large_one() -> None:
    rng = np.random.default_rng(0)
    classes = np.ones((300, 64), np.uint8)
    classes[rng.random(classes.shape) < 0.2] = 2
    out = sieved(classes, 30)
    assert min(np.unique(label(out), return_counts=True)[1]) >= 30


def test_confidence_and_area_pass_through() -> None:
    rng = np.random.default_rng(0)
    strips = [
        Strip(rng.integers(0, 3, (h, 70), np.uint8), rng.integers(0, 9, (h, 70), np.uint8), rng.uniform(1, 2, (h, 2)))
        for h in (5, 700, 1, 40)
    ]
    out = list(sieve_strips(strips, width=70, min_area=5))
    for name in ("confidence", "area"):
        one, two = (np.concatenate([getattr(s, name) for s in some]) for some in (strips, out))
        np.testing.assert_array_equal(one, two)


def test_rows_do_not_pile_up_on_noise() -> None:
    rng = np.random.default_rng(1)
    came = given_back = most = 0

    def rows() -> Iterator[Strip]:
        nonlocal came
        for _ in range(60):
            came += 100
            yield Strip(rng.integers(0, 6, (100, 50), np.uint8))

    for strip in sieve_strips(rows(), width=50, min_area=20):
        given_back += strip.height
        most = max(most, came - given_back)
    assert given_back == came
    assert most < 400


def test_no_area_changes_nothing_and_a_negative_one_is_refused() -> None:
    classes = np.array([[0, 1, 0]], np.uint8)
    np.testing.assert_array_equal(sieved(classes, 0), classes)
    with pytest.raises(SettingsError, match="-1"):
        sieve_strips([], width=3, min_area=-1)
