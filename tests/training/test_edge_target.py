"""The lines between touching objects, and what they cost."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fctl_geo.training.edge_target import GAP_M, touching
from fctl_geo.training.loss import GAP_WEIGHT, edge_loss, partial_label_loss

SURE, NOT = 12.0, -12.0


def two_houses(gap_px: int) -> np.ndarray:
    mask = np.zeros((60, 90), np.bool_)
    mask[15:45, 10:40] = mask[15:45, 40 + gap_px : 70 + gap_px] = True
    return mask


@pytest.mark.parametrize("gsd_m", [0.125, 0.25, 0.5])
@pytest.mark.parametrize("gap_m", [0.5, 1.25, 2.5, 4.0])
def test_houses_closer_than_the_gap_touch_and_the_line_is_between_them(gsd_m: float, gap_m: float) -> None:
    gap_px = round(gap_m / gsd_m)
    lines = touching(two_houses(gap_px), gsd_m)
    assert lines.any() == (gap_px * gsd_m < GAP_M)
    rows, cols = np.nonzero(lines)
    if len(rows):
        middle = 40 + gap_px / 2 - 0.5
        assert abs(cols - middle).max() * gsd_m < 1.0 and 15 - 2 / gsd_m <= rows.min() and rows.max() <= 45 + 2 / gsd_m
        assert set(range(16, 44)) <= set(rows), "all along the gap"


def test_a_region_is_split_at_its_neck_and_a_house_without_one_is_whole() -> None:
    mask = two_houses(6)
    assert not touching(mask, 0.4).any()
    mask[28:31, 40:46] = True
    lines = touching(mask, 0.4)
    assert (lines & mask)[28:31, 38:48].any()
    house = np.zeros((60, 60), np.bool_)
    house[10:50, 10:30] = house[30:50, 10:50] = True
    assert not touching(house, 0.25).any() and not touching(~house & False, 0.25).any()


def test_the_edge_plane_is_judged_where_it_is_known_only() -> None:
    lines = torch.zeros(1, 32, 32, dtype=torch.bool)
    lines[:, :, 14:18] = True
    right = torch.where(lines, SURE, NOT)
    everywhere, half = torch.ones_like(lines), torch.zeros_like(lines)
    half[:, :16] = True
    assert float(edge_loss(right, lines, everywhere)) < 1e-3
    assert float(edge_loss(-right, lines, everywhere)) > 1
    wrong_below = torch.where(half, right, -right)
    assert float(edge_loss(wrong_below, lines, half)) < 1e-3
    assert float(edge_loss(-right, lines, ~everywhere)) == 0


def test_gaps_weigh_more() -> None:
    logits, label, allowed = torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long), torch.eye(3)[:, :2]
    allowed[2] = 1
    gaps = torch.ones(1, 4, 4, dtype=torch.bool)
    plain = float(partial_label_loss(logits, label, allowed, jaccard=0))
    assert float(partial_label_loss(logits, label, allowed, jaccard=0, gaps=gaps)) == pytest.approx(
        (1 + GAP_WEIGHT) * plain
    )
