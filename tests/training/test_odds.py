"""The odds of classes that are chosen at the end of a training."""

from __future__ import annotations

import numpy as np
import torch

from fctl_geo.model.lite import FctlLite, LiteConfig
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.training.odds import Judged, best_shifts, score
from fctl_geo.training.sources import AllowedTable

LEGEND = Legend(tuple(ClassInfo(i, n, (i, i, i)) for i, n in enumerate("abc")))


def askew(table: AllowedTable, seed: int, offset: tuple[float, float, float]) -> Judged:
    """Noisy logits of labels of which b is rare, with some numbers added."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, 6000, p=(0.6, 0.05, 0.35))
    logits = 2.0 * np.eye(3)[truth] + rng.normal(0, 1, (6000, 3)) + np.log((0.6, 0.05, 0.35)) + offset
    rows = np.array([table.index_of(n) for n in "abc"], np.uint8)
    return Judged(1.0, logits.astype(np.float32), rows[truth])


def test_what_was_added_to_the_logits_is_taken_away_again() -> None:
    table = AllowedTable(LEGEND)
    none = best_shifts([askew(table, 1, (0.0, 0.0, 0.0))], table)
    found = best_shifts([askew(table, 1, (0.0, 2.0, -1.0))], table)
    added = np.array((0.0, 2.0, -1.0)) - np.mean((0.0, 2.0, -1.0))
    assert np.abs(found + added - none).max() < 0.45
    assert abs(found.mean()) < 1e-6


def test_shifts_never_lower_the_score_and_partial_labels_count() -> None:
    table = AllowedTable(LEGEND)
    full = askew(table, 2, (0.0, 1.5, 0.0))
    partial = np.where(full.label == table.index_of("b"), full.label, table.index_of("ac")).astype(np.uint8)
    judged = [Judged(1.0, full.logits, partial)]
    shifts = best_shifts(judged, table)
    assert score(judged, table, shifts) > score(judged, table, np.zeros(3, np.float32)) + 0.01
    assert shifts[1] < shifts[0] and shifts[1] < shifts[2], "too much was called b"


def test_shifted_odds_are_added_to_the_logits_of_the_classes_alone() -> None:
    torch.manual_seed(0)
    network = FctlLite(LiteConfig(classes=2, contexts=(1,), objects="b")).eval()
    patch = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        before = network(patch)
        network.shift_odds(torch.tensor([0.5, -0.25]))
        after = network(patch) - before
    assert torch.allclose(after[0, :, 5, 5], torch.tensor([0.5, -0.25, 0.0]), atol=1e-5)
