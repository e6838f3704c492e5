"""Matches of objects: one to one, the best pair first; merged and split as defined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fctl_geo.assess.matching import IOU_STEPS, NONE, Overlaps, match_objects, score_objects


def overlaps_of(shared: np.ndarray, true_area: list[float], found_area: list[float]) -> Overlaps:
    """From a table of shared areas, (N, M)."""
    i, j = np.nonzero(shared)
    return Overlaps(i, j, shared[i, j].astype(float), np.array(true_area, float), np.array(found_area, float))


def test_two_houses_under_one_roof_are_merged_and_the_larger_one_may_still_match() -> None:
    matches = match_objects(overlaps_of(np.array([[90], [40]]), [100, 40], [140]))
    assert matches.true.partner.tolist() == [0, NONE] and matches.found.partner.tolist() == [0]
    assert matches.true.merged.all() and matches.found.merged.all()
    assert not matches.true.alone.any() and not matches.found.alone.any()
    score = score_objects(matches)
    assert (score.matched, score.merged, score.split, score.missed, score.false) == (1, 2, 0, 0, 0)
    assert (score.precision, score.recall, score.f1) == (1.0, 0.5, pytest.approx(2 / 3))


def test_a_house_in_pieces_is_split_and_its_pieces_are_not_false() -> None:
    matches = match_objects(overlaps_of(np.array([[40, 45, 5]]), [100], [40, 45, 100]))
    assert matches.true.split.all() and matches.true.partner.tolist() == [NONE]
    assert matches.found.split.tolist() == [True, True, False]
    assert matches.found.alone.tolist() == [False, False, True]
    assert matches.true.iou[0] == pytest.approx(0.45), "the highest, although none matches"


def test_exactly_half_is_neither_merged_nor_split_but_matches() -> None:
    matches = match_objects(overlaps_of(np.array([[50, 50]]), [100], [50, 50]))
    assert matches.true.partner.tolist() == [0], "the first of two equals"
    assert matches.true.split.all(), "both pieces lie in it as a whole"
    assert not matches.true.merged.any()
    halves = match_objects(overlaps_of(np.array([[50], [50]]), [100, 100], [100]))
    assert not halves.true.merged.any()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_matches_at_a_threshold_are_a_greedy_matching_of_its_own(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shared = rng.random((6, 7)) * (rng.random((6, 7)) < 0.5)
    true_area, found_area = shared.max(1) + rng.random(6) * 0.3 + 1e-9, shared.max(0) + rng.random(7) * 0.3 + 1e-9
    overlaps = overlaps_of(shared, list(true_area), list(found_area))
    matches = match_objects(overlaps)
    f1 = []
    for least in IOU_STEPS:
        iou = {(i, j): v for i, j, v in zip(overlaps.true, overlaps.found, overlaps.iou, strict=True) if v >= least}
        left, count = dict(iou), 0
        while left:  # the same by the book, once for every threshold
            i, j = max(left, key=lambda pair: left[pair])
            left = {(a, b): v for (a, b), v in left.items() if a != i and b != j}
            count += 1
        assert count == (matches.true.matched & (matches.true.iou >= least)).sum()
        f1.append(2 * count / 13)
    score = score_objects(matches)
    assert score.mean_f1 == pytest.approx(np.mean(f1)) and score.f1 == pytest.approx(f1[0])
    both = matches.true.partner[matches.true.matched]
    assert len(set(both)) == len(both) == matches.found.matched.sum()
    assert (matches.found.partner[both] == np.nonzero(matches.true.matched)[0]).all()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_object_is_matched_merged_split_or_alone_and_sides_can_be_exchanged(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 4, (2, 60))
    shared = np.array([[((pixels[0] == a) & (pixels[1] == b)).sum() for b in (1, 2, 3)] for a in (1, 2, 3)])
    areas = [[max(1, (side == n).sum()) for n in (1, 2, 3)] for side in pixels]
    ours, theirs = match_objects(overlaps_of(shared, *areas)), match_objects(overlaps_of(shared.T, *areas[::-1]))
    assert (ours.true.merged == theirs.found.split).all() and (ours.true.split == theirs.found.merged).all()
    assert (ours.true.iou == theirs.found.iou).all()
    score = score_objects(ours)
    assert score.missed <= score.truth - score.matched and score.false <= score.found - score.matched


def test_without_objects_nothing_is_defined_and_nothing_fails() -> None:
    none = np.empty(0, np.int64)
    score = score_objects(match_objects(Overlaps(none, none, np.empty(0), np.empty(0), np.empty(0))))
    assert np.isnan([score.f1, score.precision, score.recall, score.mean_f1]).all()
