"""Prints how good polygons are as tables on stdout."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from .summary import make_console, make_table

if TYPE_CHECKING:
    from pathlib import Path

    from fctl_geo.assess.evaluate_polygons import PolygonEvaluation

OBJECT_COLUMNS = (
    "reference", "polygons", "matched", "F1", "precision", "recall", "F1 .5:.95", "merged", "split", "missed", "false",
)  # fmt: skip


def print_scores(found: PolygonEvaluation, files: list[Path]) -> None:
    """Print the objects of each class, then how well the outlines of the matches agree, then files."""
    rows = dict(found.classes)
    if len(rows) > 1:
        rows["all"] = found.total
    console, unit = make_console(), found.unit
    table = make_table("class", *OBJECT_COLUMNS, right=OBJECT_COLUMNS)
    for name, score in rows.items():
        o = score.objects
        shares = (_fixed(value, 3) for value in (o.f1, o.precision, o.recall, o.mean_f1))
        counts = (f"{count:,}" for count in (o.merged, o.split, o.missed, o.false))
        table.add_row(name, f"{o.truth:,}", f"{o.found:,}", f"{o.matched:,}", *shares, *counts)
    console.print(table)
    columns = ("IoU", f"PoLiS {unit}", f"boundary {unit}", f"Hausdorff 95% {unit}", "angle °", "vertices")
    table = make_table("matched", *columns, right=columns)
    for name, score in rows.items():
        of = score.outlines
        numbers = (of.iou, of.polis, of.boundary, of.hausdorff_95, of.angle, of.vertex_ratio)
        table.add_row(name, *(_fixed(n, d) for n, d in zip(numbers, (3, 3, 3, 3, 1, 2), strict=True)))
    console.print(table)
    for file in files:
        console.print(f"file     {file}", markup=False, soft_wrap=True)


def _fixed(value: float, decimals: int) -> str:
    return "" if isnan(value) else f"{value:.{decimals}f}"
