"""Reports of an evaluation: JSON for programs, and one self-contained HTML page for people."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.assess.matching import LEAST_IOU
from fctl_geo.report.html import barred, count, head, number, page, percent, section, swatch, table, tiles
from fctl_geo.report.images import drawing_uri, photo_uri
from fctl_geo.report.views import RGB, class_colors
from fctl_geo.spec import NODATA, Legend
from fctl_geo.storage.whole_files import write_text_whole
from fctl_geo.training.evaluate import CONVENTIONS, Evaluation
from fctl_geo.training.judge import WorstPatch


def report_values(found: Evaluation) -> dict[str, Any]:
    """All numbers of an evaluation as JSON types; undefined ones (no such class) are null."""
    objects = found.objects
    values: dict[str, Any] = {
        "subject": found.subject,
        "convention": found.convention,
        "places": {name: _number(score) for name, score in found.by_place.items()},
        "judged_pixels": found.judged,
        "pixels_without_class": found.without_class,
        "mIoU": _number(found.miou),
        "mean_F1": _number(found.mean_f1),
        "accuracy": _number(found.accuracy),
        "classes": {
            c.name: {
                "IoU": _number(c.iou),
                "F1": _number(c.f1),
                "precision": _number(c.precision),
                "recall": _number(c.recall),
                "boundary_F": _number(b),
                "pixels": c.pixels,
            }
            for c, b in zip(found.classes, found.boundary_f, strict=True)
        },
        "boundary_tolerance_px": found.tolerance_px,
        "trimap_mIoU": _number(found.trimap_miou),
        "confusion": {"classes": [c.name for c in found.classes], "rows_are_truth": found.confusion.tolist()},
    }
    if objects is not None:
        values["objects"] = {
            "class": found.object_class,
            "least_IoU": LEAST_IOU,
            "F1": _number(objects.f1),
            "precision": _number(objects.precision),
            "recall": _number(objects.recall),
            "truth": objects.truth,
            "found": objects.found,
            "matched": objects.matched,
            "merged": objects.merged,
            "split": objects.split,
        }
    if found.convention == "inria":
        building = next(c for c in found.classes if c.name == "building")
        values["inria"] = {"building_IoU": _number(building.iou), "accuracy": _number(found.accuracy)}
    return values


def write_json(found: Evaluation, path: Path) -> None:
    """Write the numbers atomically."""
    write_text_whole(path, json.dumps(report_values(found), indent=2, ensure_ascii=False) + "\n")


def write_html(found: Evaluation, path: Path) -> None:
    """Write the page atomically."""
    write_text_whole(path, html_page(found))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)


def html_page(found: Evaluation) -> str:
    """The page: numbers, classes, confusion, places, and the worst patches."""
    title = f"{Path(found.subject).stem}: evaluation"
    parts = [
        f'<header><p class="kind">fctl-geo evaluation</p><h1>{escape(Path(found.subject).name)}</h1>'
        f"<p>{escape(CONVENTIONS[found.convention].capitalize())}. {found.judged / 1e6:,.2f} million pixels of "
        f"{count(len(found.by_place), 'scene')} scored{_left_out(found)}.</p></header>",
        _tiles(found),
        section("Classes", _class_table(found)),
        section("Confusion", _confusion_table(found)),
        _places(found),
        _gallery(found),
        "<footer>IoU, F1, precision, and recall count pixels. Boundary F: harmonic mean of the shares of contour "
        f"pixels of truth and prediction that lie within {found.tolerance_px} px of a contour of the other. Trimap "
        f"mIoU: mIoU of the pixels within {found.tolerance_px} px of a contour of the truth. Objects: polygons or "
        "regions, matched if their IoU is 0.5 or more; merged: true objects that share a predicted one; split: true "
        "objects that contain several.</footer>",
    ]
    return page(title, "".join(parts))


def _left_out(found: Evaluation) -> str:
    return f"; {found.without_class:,} labeled pixels without a class are left out" if found.without_class else ""


def _tiles(found: Evaluation) -> str:
    shown: list[tuple[str, float, str]] = []
    if found.convention == "inria":
        building = next(c for c in found.classes if c.name == "building")
        shown.append(("building IoU", building.iou, "the main number of Inria"))
    shown += [
        ("mIoU", found.miou, "mean over the classes of the truth"),
        ("accuracy", found.accuracy, "share of correct pixels"),
        ("mean F1", found.mean_f1, "over the classes of the truth"),
        ("boundary F", _mean(found.boundary_f), f"contours that match within {found.tolerance_px} px"),
        ("trimap mIoU", found.trimap_miou, "along the contours only"),
    ]
    if found.objects is not None:
        o = found.objects
        words = (
            f"{o.matched:,} of {o.truth:,} found, {o.found - o.matched:,} false positives; {o.merged:,} merged, "
            f"{o.split:,} split"
        )
        shown.append((f"{found.object_class} F1", o.f1, words))
    return tiles((name, percent(value), words) for name, value, words in shown)


def _class_table(found: Evaluation) -> str:
    rows = []
    total = max(1, sum(c.pixels for c in found.classes))
    for info, score, boundary in zip(found.legend, found.classes, found.boundary_f, strict=True):
        numbers = "".join(number(percent(v)) for v in (score.f1, score.precision, score.recall, boundary))
        share = number(f"{score.pixels / total:.1%}")
        rows.append(head(swatch(info)) + share + barred(score.iou, percent(score.iou)) + numbers)
    columns = ("class", "share", "IoU", "F1", "precision", "recall", "boundary F")
    return table(columns, rows, caption="Scores of each class, in percent; share: of the labeled pixels.")


def _confusion_table(found: Evaluation) -> str:
    counts = found.confusion
    rows = []
    for i, score in enumerate(found.classes):
        total = counts[i].sum()
        cells = []
        for j in range(len(found.classes)):
            share = counts[i, j] / total if total else 0.0
            tint = f"good{share * 7:.0f}" if i == j else f"bad{min(7, share * 14):.0f}"
            words = f"{counts[i, j]:,} pixels of {score.name} were predicted as {found.classes[j].name}"
            cells.append(f'<td class="n {tint}" title="{escape(words)}">{share * 100:.1f}</td>')
        rows.append(head(escape(score.name)) + "".join(cells))
    columns = ("truth \\ prediction", *(c.name for c in found.classes))
    words = "Each row is a class of the truth; its cells show what its pixels were predicted as, in percent."
    return table(columns, rows, caption=words, kind="confusion")


def _places(found: Evaluation) -> str:
    if len(found.by_place) < 2:
        return ""
    what = "building IoU" if found.convention == "inria" else "mIoU"
    ordered = sorted(found.by_place.items(), key=lambda item: (math.isnan(item[1]), item[1]))
    rows = (head(escape(name)) + barred(value, percent(value)) for name, value in ordered)
    return section(
        "Scenes, lowest score first", table(("scene", what), rows, caption=f"{what} of each scene, in percent.")
    )


def _gallery(found: Evaluation) -> str:
    if not found.worst:
        return ""
    legend = "".join(f'<span class="chip">{swatch(c)}</span>' for c in found.legend)
    cards = "".join(_card(patch, found.legend) for patch in found.worst)
    words = "The patches with the most wrong pixels. Gray is not scored; in the last image, red is wrong."
    return section("Worst patches", f"<p>{words}</p><p>{legend}</p>{cards}")


def _card(patch: WorstPatch, legend: Legend) -> str:
    judged = patch.truth != NODATA
    wrong = judged & (patch.truth != patch.guess) & (patch.guess != NODATA)
    dim = (patch.image * 0.45 + 140).astype(np.uint8)
    errors = np.where(wrong[..., None], np.array([214, 40, 57], np.uint8), np.where(judged[..., None], dim, 200))
    pictures = (
        ("image", photo_uri(patch.image)),
        ("truth", drawing_uri(_painted(patch.truth, legend))),
        ("prediction", drawing_uri(_painted(np.where(judged, patch.guess, NODATA).astype(np.uint8), legend))),
        ("errors", photo_uri(errors.astype(np.uint8))),
    )
    share = patch.wrong / max(1, patch.judged)
    words = f"{patch.place}, row {patch.window.row:,}, column {patch.window.col:,}"
    figures = "".join(
        f'<figure><img alt="{n} of {escape(words)}" src="{u}"><figcaption>{n}</figcaption></figure>'
        for n, u in pictures
    )
    return f'<article><h3>{escape(words)}<b>{share:.0%} wrong</b></h3><div class="four">{figures}</div></article>'


def _painted(indices: NDArray[np.uint8], legend: Legend) -> RGB:
    ids = np.full(256, NODATA, np.uint8)
    ids[: len(legend)] = [c.id for c in legend]
    return np.where((indices == NODATA)[..., None], np.uint8(200), class_colors(ids[indices], legend))


def _mean(values: Sequence[float]) -> float:
    known = [v for v in values if not math.isnan(v)]
    return sum(known) / len(known) if known else float("nan")
