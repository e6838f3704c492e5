"""The report of a segmentation as one HTML page: map, areas, confidence, sizes, seams, warnings, facts, model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from fctl_geo.model.info import ModelInfo
from fctl_geo.report.charts import details, histogram
from fctl_geo.report.html import barred, count, head, number, page, percent, section, swatch, table, tiles
from fctl_geo.report.map import MapImages, map_html
from fctl_geo.report.measure import Measured
from fctl_geo.report.seams import Seams
from fctl_geo.spec import ClassInfo

_STEP = 5
"""Width of a bar of confidence, in percent."""
_LIBRARIES = "The map is drawn by OpenLayers (BSD 2-Clause), whose license is in this file."


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class of a report."""

    info: ClassInfo
    area: float
    """In the report's unit."""
    share: float
    """Of the classified area, 0..1."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything that the report of a segmentation shows."""

    scene: str
    """Name of the scene."""
    classes: tuple[ClassRow, ...]
    unit: str
    """Of areas: 'm2' or 'px'."""
    nodata_share: float
    measured: Measured
    size_bounds: Sequence[int]
    """Bounds of the classes of size, in the report's unit."""
    sizes: NDArray[np.int64]
    """(256, bounds + 1) polygons by class id and size."""
    seams: Seams | None
    images: MapImages
    outlines: Sequence[Sequence[object]]
    outlines_left_out: int
    """Number of polygons whose outlines are too many for the map."""
    warnings: tuple[str, ...]
    facts: Mapping[str, str]
    """Of the run, by name."""
    settings: Mapping[str, str]
    """Those that change the products, by name."""
    model: ModelInfo
    card: str
    """The model card as text; empty if there is none."""


def run_page(report: RunReport) -> str:
    """The page, complete in itself: no part of it is loaded from elsewhere."""
    model = f"{report.model.name} {report.model.version}"
    body = "".join(
        (
            f'<header><p class="kind">fctl-geo segmentation</p><h1>{escape(report.scene)}</h1>'
            f"<p>Model {escape(model)}{escape(f': {report.model.title}' if report.model.title else '')}.</p></header>",
            _numbers(report),
            section("Scene and classes", map_html(report.images, report.outlines, _outlines_note(report))),
            section("Area by class", _areas(report)),
            section("Confidence", _confidence(report)),
            section("Objects by size", _sizes(report)),
            section("Seams", _seams(report.seams)),
            section("Warnings", _warnings(report.warnings)),
            section("The run", _pairs(report.facts, "What was run, on what, with which result."),
                    details("Settings", _pairs(report.settings, "Settings that change the products."))),
            section(f"The model {model}", *_model(report)),
            f"<footer>{_LIBRARIES} Areas are measured on the ground. Confidence is the network's own estimate, the "
            "probability of the chosen class; it is not calibrated.</footer>",
        )
    )  # fmt: skip
    return page(f"{report.scene}: segmentation", body, styles=("page.css", "map.css"), scripts=("viewer.min.js",))


def _numbers(report: RunReport) -> str:
    drawn = [row for row in report.classes if not row.info.background]
    polygons = int(report.sizes.sum())
    shown = [
        (row.info.name, f"{row.share:.1%}", f"of the classified area, {_area(row.area, report.unit)}")
        for row in sorted(drawn, key=lambda row: -row.area)[:3]
    ]
    shown.append(("polygons", f"{polygons:,}", "of all classes but the background"))
    shown.append(("mean confidence", f"{_mean_confidence(report.measured.confidence):.0%}", "of all pixels"))
    shown.append(("nodata", f"{report.nodata_share:.1%}", "of the pixels"))
    return tiles(shown)


def _outlines_note(report: RunReport) -> str:
    if report.outlines_left_out:
        return f"The outlines of {count(report.outlines_left_out, 'polygon')} are too many for this map."
    return "Outlines are those of the polygons, drawn only as finely as the map shows."


def _areas(report: RunReport) -> str:
    largest = max((row.share for row in report.classes), default=0.0)
    rows = []
    for row in report.classes:
        sure = _mean_confidence(report.measured.confidence[row.info.id : row.info.id + 1])
        rows.append(
            head(swatch(row.info))
            + number(_area(row.area, report.unit))
            + barred(row.share / largest if largest else 0.0, f"{percent(row.share)} %")
            + number("–" if row.info.background else f"{int(report.sizes[row.info.id].sum()):,}")
            + number(f"{percent(sure, 0)} %")
        )
    columns = ("class", "area", "share", "polygons", "mean confidence")
    return table(columns, rows, caption="Area, share of the classified area, polygons and confidence of each class.")


def _confidence(report: RunReport) -> str:
    pixels = report.measured.confidence.sum(0)
    total = int(pixels.sum())
    if not total:
        return ""
    bins = [int(pixels[low : low + _STEP + (low + _STEP == 100)].sum()) for low in range(0, 100, _STEP)]
    shares = [n / total for n in bins]
    names = [f"{low} to {low + _STEP} %" for low in range(0, 100, _STEP)]
    words = [f"{name}: {share:.1%} of the pixels" for name, share in zip(names, shares, strict=True)]
    labels = [f"{low}" if low % 10 == 0 else "" for low in range(0, 100, _STEP)]
    unsure = int(pixels[:60].sum()) / total
    rows = (head(escape(name)) + number(f"{share:.2%}") for name, share in zip(names, shares, strict=True))
    return (
        f"<p>Share of the pixels by the confidence of their class, in percent. {unsure:.1%} of the pixels are below "
        "60 %: they are the first to look at.</p>"
        + histogram(labels, shares, words, title="Histogram of confidence; the table below has its numbers")
        + details("Numbers", table(("confidence", "pixels"), rows, caption="Share of the pixels by confidence."))
    )


def _sizes(report: RunReport) -> str:
    used = np.flatnonzero(report.sizes.sum(0))
    if not len(used):
        return "<p>There are no polygons.</p>"
    bounds, unit = report.size_bounds, "m²" if report.unit == "m2" else "px"
    span = range(int(used[0]), int(used[-1]) + 1)
    names = [_bounds(k, bounds, unit) for k in span]
    counts = [int(report.sizes[:, k].sum()) for k in span]
    words = [f"{name}: {count(n, 'polygon')}" for name, n in zip(names, counts, strict=True)]
    classes = [row.info for row in report.classes if report.sizes[row.info.id].any()]
    rows = (
        head(escape(name)) + "".join(number(f"{int(report.sizes[info.id, k]):,}") for info in classes)
        for name, k in zip(names, span, strict=True)
    )
    labels = [_short(bounds[k - 1]) if k else "0" for k in span]
    return (
        f"<p>Number of polygons by area, in {unit}; each bar begins at the number below it.</p>"
        + histogram(labels, counts, words, title="Polygons by size; the table below has its numbers")
        + details("Numbers", table(("area", *(info.name for info in classes)), rows, caption="Polygons by size."))
    )


def _seams(seams: Seams | None) -> str:
    if seams is None:
        return "<p>The scene is a single patch, or has a single class: there are no seams to look for.</p>"
    verdict = (
        "The borders of the patches stand out: look along them, and try blended merging or test-time augmentation."
        if seams.visible
        else "The borders of the patches do not stand out."
    )
    return (
        f"<p>{verdict} Along the {count(seams.borders, 'border')} between patches, {seams.along:.2%} of neighboring "
        f"pixels have different classes; along the same lines moved elsewhere, {seams.elsewhere:.2%} (the borders have "
        f"{seams.ratio:.2f} times as many, more than {seams.rank:.0%} of the moved lines).</p>"
    )


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return "<p>None.</p>"
    return f'<ul class="warnings">{"".join(f"<li>{escape(words)}</li>" for words in warnings)}</ul>'


def _pairs(values: Mapping[str, str], caption: str) -> str:
    rows = (f"{head(escape(name))}<td>{escape(value)}</td>" for name, value in values.items())
    return table(("what", "value"), rows, caption=caption, kind="facts")


def _model(report: RunReport) -> list[str]:
    info = report.model
    data = "".join(f"<li>{escape(words)}</li>" for words in info.attribution)
    parts = [f"<p>License: {escape(info.licence)}.</p>", f"<p>Attribution:</p><ul>{data}</ul>" if data else ""]
    if info.metrics:
        rows = [
            head(escape(f"{place}: {name}")) + number(f"{value:.3f}")
            for place, values in info.metrics.items()
            for name, value in values.items()
        ]
        words = "Accuracy at places that were not used for training."
        parts.append(table(("validation place: class or score", "IoU or score"), rows, caption=words))
    if report.card:
        parts.append(details("Model card", f"<pre>{escape(report.card)}</pre>"))
    return parts


def _mean_confidence(pixels: NDArray[np.int64]) -> float:
    """Mean confidence of some rows of a histogram, 0..1; NaN without pixels."""
    total = pixels.sum()
    return float((pixels.sum(0) * np.arange(101)).sum() / total / 100) if total else float("nan")


def _area(area: float, unit: str) -> str:
    if unit != "m2":
        return f"{area:,.0f} px"
    return f"{area:,.0f} m²" if area < 1e5 else f"{area / 1e6:,.2f} km²"


def _bounds(k: int, bounds: Sequence[int], unit: str) -> str:
    if k == 0:
        return f"below {bounds[0]} {unit}"
    return f"{bounds[k - 1]:,} to {bounds[k]:,} {unit}" if k < len(bounds) else f"from {bounds[-1]:,} {unit}"


def _short(number: int) -> str:
    """Example: 500, 2k, 10M."""
    if number >= 10**6:
        return f"{number // 10**6}M"
    return f"{number // 1000}k" if number >= 1000 else str(number)
