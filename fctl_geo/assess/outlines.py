"""How far outlines are from the true ones: PoLiS, distances of boundaries, angles, and numbers of vertices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np

from fctl_geo.assess.nearest import Boundaries, Floats, Indices, Shapes, nearest

SAMPLES = 128
"""Points along each boundary for the distances between boundaries."""
STEPS = 4
"""Steps along the middle half of each wall for the angles."""
MOST_STRETCH = 2.0
"""A step that is shorter or longer than this on the true outline says nothing about its direction."""
MOST_BEND = 0.05
"""Nor does one that turns a corner there: its middle lies this far, relative to its length, from a straight line."""
_PAIRS = 2_000
"""Pairs that are measured at a time, which limits memory."""


@dataclass(frozen=True, slots=True)
class OutlineErrors:
    """The differences between (N,) found outlines and the true ones, in the unit of their coordinates."""

    polis: Floats
    """(N,) PoLiS: mean distance of the vertices of each to the boundary of the other, both ways, halved and added
    (Avbelj, Müller, and Bamler 2015, A Metric for Polygon Comparison and Building Extraction Evaluation, equation 1);
    holes count as parts of the boundary."""
    boundary: Floats
    """(N,) mean distance of the points of each boundary to the other boundary, averaged over both ways."""
    hausdorff_95: Floats
    """(N,) distance within which 95 % of the points of each boundary lie from the other: the greater of both ways."""
    angle: Floats
    """(N,) degrees: the largest angle between a wall (segment) of the found outline and the true outline beside it; NaN
    if no wall has a counterpart. This is the max tangent angle error of Girard et al. 2021 (Polygonal Building
    Extraction by Frame Field Learning), who step along outlines at a fixed distance; here, four steps lead along the
    middle half of each wall, so that short walls count and corners do not. As there, steps without a counterpart are
    left out (see `MOST_STRETCH`), which limits it to 60."""
    vertices: Indices
    """(N,) of the found outlines."""
    true_vertices: Indices
    """(N,) of the true outlines."""

    def __getitem__(self, chosen: object) -> OutlineErrors:
        return OutlineErrors(*(getattr(self, field.name)[chosen] for field in fields(self)))


def compare_outlines(
    found: Shapes, truth: Shapes, advance: Callable[[int], None] = lambda pairs: None
) -> OutlineErrors:
    """Measure each found outline against the true one at the same position.

    Args:
        found, truth: (N,) valid polygons or multipolygons, in one plane.
        advance: called with the number of further pairs that are done.
    Law: `polis`, `boundary`, and `hausdorff_95` are the same if the two sides are exchanged.
    """
    parts = list(_measure(found, truth, advance))
    return OutlineErrors(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(OutlineErrors)))


def _measure(found: Shapes, truth: Shapes, advance: Callable[[int], None]) -> Iterator[OutlineErrors]:
    for start in range(0, max(1, len(found)), _PAIRS):
        ones = Boundaries.of(found[start : start + _PAIRS])
        others = Boundaries.of(truth[start : start + _PAIRS])
        yield _compare(ones, others)
        advance(len(ones.starts) - 1)


def _compare(ones: Boundaries, others: Boundaries) -> OutlineErrors:
    there, back = (
        nearest(one.spread(SAMPLES), other)[0].reshape(-1, SAMPLES) for one, other in ((ones, others), (others, ones))
    )
    return OutlineErrors(
        polis=(_vertex_distance(ones, others) + _vertex_distance(others, ones)) / 2,
        boundary=(there.mean(1) + back.mean(1)) / 2,
        hausdorff_95=np.maximum(*(np.percentile(way, 95, axis=1) for way in (there, back))),
        angle=_largest_angle(ones, others),
        vertices=np.diff(ones.starts),
        true_vertices=np.diff(others.starts),
    )


def _vertex_distance(ones: Boundaries, others: Boundaries) -> Floats:
    """(N,) mean distance of the vertices of each to the other's boundary."""
    distance, _ = nearest(ones.along((0.0,)), others)
    return np.add.reduceat(distance, ones.starts[:-1]) / np.diff(ones.starts) if len(distance) else distance


def _largest_angle(ones: Boundaries, others: Boundaries) -> Floats:
    """(N,) degrees between the steps along each wall and their projections to the other boundary."""
    points = ones.along(0.25 + 0.5 * np.linspace(0, 1, 2 * STEPS + 1))
    _, feet = nearest(points, others)
    xy, feet = (a.reshape(-1, 2 * STEPS + 1, 2) for a in (points.xy, feet))
    step, foot_step = xy[:, 2::2] - xy[:, :-2:2], feet[:, 2::2] - feet[:, :-2:2]
    bend = feet[:, 1::2] - (feet[:, 2::2] + feet[:, :-2:2]) / 2
    length, foot_length, bend_length = (np.hypot(a[..., 0], a[..., 1]) for a in (step, foot_step, bend))
    telling = (foot_length * MOST_STRETCH >= length) & (foot_length <= length * MOST_STRETCH)
    telling &= bend_length <= MOST_BEND * foot_length
    cross = step[..., 0] * foot_step[..., 1] - step[..., 1] * foot_step[..., 0]
    angles = np.degrees(np.arctan2(np.abs(cross), np.abs((step * foot_step).sum(-1))))  # exact for small angles
    largest = np.where(telling, angles, -1.0).max(axis=1, initial=-1.0)
    largest = np.maximum.reduceat(largest, ones.starts[:-1]) if len(largest) else largest
    return np.where(largest < 0, np.nan, largest)
