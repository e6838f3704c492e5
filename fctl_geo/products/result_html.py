"""A run's result as a short piece of HTML, for notebooks."""

from __future__ import annotations

from html import escape
from pathlib import Path

from fctl_geo.products.summary import RunSummary
from fctl_geo.raster.reader import open_class_raster
from fctl_geo.report.images import classes_uri
from fctl_geo.spec import LONG_LEGEND, Legend

_THUMBNAIL_PX = 240


def result_html(name: str, summary: RunSummary, legend: Legend, raster: Path | None) -> str:
    """Area by class with the classes' colors, warnings, and a thumbnail of the class raster if there is one.

    Styles are attributes of the elements, because notebooks have no place for a style sheet.
    """
    colors = {info.name: info.hex for info in legend}
    unit, scale = ("km²", 1e6) if summary.unit == "m2" else ("px", 1.0)
    shown = [c for c in summary.classes if c.area or len(summary.classes) <= LONG_LEGEND]
    rows = "".join(
        f"<tr><td style='text-align:left'><span style='display:inline-block;width:.8em;height:.8em;margin-right:.5em;"
        f"border:1px solid #888;background:{colors.get(c.name, '#888888')}'></span>{escape(c.name)}</td>"
        f"<td>{c.area / scale:,.{4 if scale > 1 else 0}f}</td><td>{c.share:.1%}</td></tr>"
        for c in shown
    )
    caption = (
        f"<b>{escape(name)}</b>: {summary.megapixels:,.2f} million pixels in {summary.seconds:,.1f} s on "
        f"{escape(summary.device)}; {summary.nodata_share:.1%} nodata"
    )
    head = f"<tr><th style='text-align:left'>class</th><th>{unit}</th><th>share</th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
    warned = "".join(f"<p>Warning: {escape(words)}</p>" for words in summary.warnings)
    return (
        f"<div><p>{caption}</p><div style='display:flex;flex-wrap:wrap;gap:1.5em;align-items:flex-start'>{table}"
        f"{'' if raster is None else _thumbnail(raster)}</div>{warned}</div>"
    )


def _thumbnail(path: Path) -> str:
    with open_class_raster(path) as raster:
        height, width = raster.frame.size_hw
        factor = max(1, -(-max(height, width) // _THUMBNAIL_PX))
        classes = raster.shrunk((-(-height // factor), -(-width // factor)))
        uri = classes_uri(classes, {info.id: info.color for info in raster.legend})
    return f"<img alt='the class raster, reduced' src='{uri}' style='border:1px solid #888'>"
