"""Reports of an evaluation: JSON for programs, and one self-contained HTML page for people."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.assess.matching import LEAST_IOU
from fctl_geo.report.images import drawing_uri, photo_uri
from fctl_geo.report.views import RGB, class_colors
from fctl_geo.spec import NODATA, ClassInfo, Legend
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
        f"<header><p class=kind>fctl-geo evaluation</p><h1>{escape(Path(found.subject).name)}</h1>"
        f"<p>{escape(CONVENTIONS[found.convention].capitalize())}. {found.judged / 1e6:,.2f} million pixels of "
        f"{_count(len(found.by_place), 'scene')} scored{_left_out(found)}.</p></header>",
        _tiles(found),
        "<section><h2>Classes</h2>" + _class_table(found) + "</section>",
        "<section><h2>Confusion</h2><p>Each row is a class of the truth; its cells show what its pixels were predicted "
        "as, in percent.</p>" + _confusion_table(found) + "</section>",
        _places(found),
        _gallery(found),
        "<footer>IoU, F1, precision, and recall count pixels. Boundary F: harmonic mean of the shares of contour "
        f"pixels of truth and prediction that lie within {found.tolerance_px} px of a contour of the other. Trimap "
        f"mIoU: mIoU of the pixels within {found.tolerance_px} px of a contour of the truth. Objects: polygons or "
        "regions, matched if their IoU is 0.5 or more; merged: true objects that share a predicted one; split: true "
        "objects that contain several.</footer>",
    ]
    head = (
        f"<meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'><title>{escape(title)}"
    )
    body = "".join(parts)
    return (
        f"<!doctype html><html lang=en><head>{head}</title><style>{_STYLE}</style></head><body>{body}</body></html>\n"
    )


def _left_out(found: Evaluation) -> str:
    return f"; {found.without_class:,} labeled pixels without a class are left out" if found.without_class else ""


def _tiles(found: Evaluation) -> str:
    tiles: list[tuple[str, float, str]] = []
    if found.convention == "inria":
        building = next(c for c in found.classes if c.name == "building")
        tiles.append(("building IoU", building.iou, "the main number of Inria"))
    tiles += [
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
        tiles.append((f"{found.object_class} F1", o.f1, words))
    cells = "".join(
        f"<div class=tile><span>{escape(n)}</span><strong>{_percent(v)}</strong><em>{escape(w)}</em></div>"
        for n, v, w in tiles
    )
    return f"<div class=tiles>{cells}</div>"


def _class_table(found: Evaluation) -> str:
    rows = []
    total = max(1, sum(c.pixels for c in found.classes))
    for info, score, boundary in zip(found.legend, found.classes, found.boundary_f, strict=True):
        width = 0 if math.isnan(score.iou) else score.iou * 100
        bar = f"<div class=bar><i style='width:{width:.1f}%'></i></div>"
        cells = [score.f1, score.precision, score.recall, boundary]
        numbers = "".join(f"<td class=n>{_percent(v)}</td>" for v in cells)
        rows.append(
            f"<tr><th>{_swatch(info)}</th><td class=n>{score.pixels / total:.1%}</td>"
            f"<td class=iou>{bar}<b>{_percent(score.iou)}</b></td>{numbers}</tr>"
        )
    head = "".join(f"<th>{h}</th>" for h in ("class", "share", "IoU", "F1", "precision", "recall", "boundary F"))
    return f"<div class=scroll><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"


def _confusion_table(found: Evaluation) -> str:
    counts = found.confusion
    head = "".join(f"<th>{escape(c.name)}</th>" for c in found.classes)
    rows = []
    for i, score in enumerate(found.classes):
        total = counts[i].sum()
        cells = []
        for j in range(len(found.classes)):
            share = counts[i, j] / total if total else 0.0
            hue = "var(--good)" if i == j else "var(--bad)"
            tint = f"color-mix(in srgb, {hue} {min(70, share * (70 if i == j else 140)):.0f}%, transparent)"
            words = f"{counts[i, j]:,} pixels of {score.name} were predicted as {found.classes[j].name}"
            cells.append(f"<td class=n style='background:{tint}' title='{escape(words)}'>{share * 100:.1f}</td>")
        rows.append(f"<tr><th>{escape(score.name)}</th>{''.join(cells)}</tr>")
    return (
        f"<div class=scroll><table class=confusion><thead><tr><th>truth \\ prediction</th>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _places(found: Evaluation) -> str:
    if len(found.by_place) < 2:
        return ""
    what = "building IoU" if found.convention == "inria" else "mIoU"
    ordered = sorted(found.by_place.items(), key=lambda item: (math.isnan(item[1]), item[1]))
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td class=iou><div class=bar><i style='width:"
        f"{0 if math.isnan(v) else v * 100:.1f}%'></i></div><b>{_percent(v)}</b></td></tr>"
        for name, v in ordered
    )
    return (
        f"<section><h2>Scenes, lowest score first</h2><div class=scroll><table><thead><tr><th>scene</th><th>{what}</th>"
        f"</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _gallery(found: Evaluation) -> str:
    if not found.worst:
        return ""
    legend = "".join(f"<span class=chip>{_swatch(c)}</span>" for c in found.legend)
    cards = "".join(_card(patch, found.legend) for patch in found.worst)
    return (
        "<section><h2>Worst patches</h2><p>The patches with the most wrong pixels. Gray is not scored; in the last "
        f"image, red is wrong.</p><p>{legend}</p>{cards}</section>"
    )


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
    figures = "".join(f"<figure><img alt='{n}' src='{u}'><figcaption>{n}</figcaption></figure>" for n, u in pictures)
    return f"<article><h3>{escape(words)}<b>{share:.0%} wrong</b></h3><div class=four>{figures}</div></article>"


def _painted(indices: NDArray[np.uint8], legend: Legend) -> RGB:
    ids = np.full(256, NODATA, np.uint8)
    ids[: len(legend)] = [c.id for c in legend]
    return np.where((indices == NODATA)[..., None], np.uint8(200), class_colors(ids[indices], legend))


def _swatch(info: ClassInfo) -> str:
    return f"<span class=swatch style='background:{info.hex}'></span>{escape(info.name)}"


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{value * 100:.1f}"


def _mean(values: Sequence[float] | Iterable[float]) -> float:
    known = [v for v in values if not math.isnan(v)]
    return sum(known) / len(known) if known else float("nan")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


_STYLE = """
:root{--ink:#1d2433;--soft:#667085;--paper:#fbfaf7;--card:#fff;--line:#e4e2dc;--good:#2f8f5b;--bad:#d62839;--bar:#3d6fb4}
@media(prefers-color-scheme:dark){:root{--ink:#e9e7e2;--soft:#9aa3b2;--paper:#15181e;--card:#1e222b;--line:#303644;
--good:#4fbf83;--bad:#ff5d6c;--bar:#6d9be0}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2.5rem 1.25rem 4rem;max-width:74rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
h1{margin:.1rem 0 .4rem;font-size:2.1rem;line-height:1.15;overflow-wrap:anywhere}
h2{margin:0 0 .6rem;font-size:1.25rem}
h3{display:flex;justify-content:space-between;gap:1rem;margin:0 0 .5rem;font-size:.95rem;font-weight:500;
color:var(--soft)}
h3 b{color:var(--bad);white-space:nowrap}
p{margin:.2rem 0 .8rem;color:var(--soft);max-width:60rem}
.kind{margin:0;text-transform:uppercase;letter-spacing:.09em;font-size:.75rem;color:var(--soft)}
section{margin-top:2.4rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.8rem;margin-top:1.4rem}
.tile{display:flex;flex-direction:column;padding:.9rem 1rem;background:var(--card);
border:1px solid var(--line);border-radius:.7rem}
.tile span{font-size:.85rem;color:var(--soft)}
.tile strong{font-size:2rem;line-height:1.2;font-variant-numeric:tabular-nums}
.tile em{font-size:.75rem;font-style:normal;color:var(--soft)}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);border-radius:.7rem;
overflow:hidden}
th,td{padding:.5rem .75rem;border-bottom:1px solid var(--line);text-align:left;font-weight:400;white-space:nowrap}
thead th{font-size:.8rem;color:var(--soft)}
tbody tr:last-child>*{border-bottom:0}
.n{text-align:right;font-variant-numeric:tabular-nums}
thead th:not(:first-child){text-align:right}
.iou{min-width:12rem}
td.iou{display:flex;align-items:center;gap:.7rem;justify-content:flex-end}
.bar{flex:1;height:.55rem;min-width:5rem;background:var(--line);border-radius:1rem;overflow:hidden}
.bar i{display:block;height:100%;background:var(--bar);border-radius:1rem}
.iou b{min-width:3rem;text-align:right;font-variant-numeric:tabular-nums}
.confusion td{min-width:4.2rem}
.swatch{display:inline-block;width:.8rem;height:.8rem;margin-right:.5rem;border-radius:.2rem;
border:1px solid var(--line);vertical-align:-.08rem}
.chip{margin-right:1.1rem;white-space:nowrap}
article{margin-top:1rem;padding:1rem;background:var(--card);border:1px solid var(--line);border-radius:.7rem}
.four{display:grid;grid-template-columns:repeat(4,1fr);gap:.6rem}
figure{margin:0}
figure img{display:block;width:100%;border-radius:.4rem;image-rendering:auto}
figcaption{margin-top:.2rem;font-size:.75rem;color:var(--soft)}
footer{margin-top:2.5rem;font-size:.8rem;color:var(--soft)}
@media(max-width:44rem){.four{grid-template-columns:repeat(2,1fr)}}
"""
