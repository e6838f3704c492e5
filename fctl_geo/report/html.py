"""Building blocks of self-contained pages: the page itself, tables, tiles, bars and swatches; all texts are escaped.

Pages load nothing. Their policy (CSP) names the hash of their script and style, so that nothing else can run in them
even if a text should ever slip through unescaped.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

from fctl_geo.spec import ClassInfo

_HATCHES = (
    "M0 8 8 0M0 16 16 0M8 16 16 8",
    "M8 0 16 8M0 0 16 16M0 8 8 16",
    "M0 4H16M0 12H16",
    "M4 0V16M12 0V16",
    "M3 4H5M11 4H13M3 12H5M11 12H13",
    "M0 4H16M0 12H16M4 0V16M12 0V16",
)


def page(title: str, body: str, *, styles: Sequence[str] = ("page.css",), scripts: Sequence[str] = ()) -> str:
    """A complete HTML page.

    Args:
        body: HTML whose texts are escaped, without style attributes and event handlers, which the policy forbids.
        styles, scripts: files of this package.
    """
    style, script = ("\n".join(_read(name) for name in names) for names in (styles, scripts))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; "
        "form-action 'none'"
    )
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{style}</style>"
    )
    end = f"<script>{script}</script>" if scripts else ""
    html = f'<!doctype html>\n<html lang="en"><head>{head}</head><body><main>{body}</main>{end}</body></html>\n'
    return html.encode(errors="replace").decode()  # names of files may hold bytes that are not UTF-8


def section(heading: str, *content: str) -> str:
    """A section of a page; empty without content."""
    inside = "".join(content)
    return f"<section><h2>{escape(heading)}</h2>{inside}</section>" if inside else ""


def tiles(found: Iterable[tuple[str, str, str]]) -> str:
    """Large numbers side by side: name, number, and a few words each."""
    cells = "".join(
        f'<div class="tile"><span>{escape(name)}</span><strong>{escape(number)}</strong><em>{escape(words)}</em></div>'
        for name, number, words in found
    )
    return f'<div class="tiles">{cells}</div>'


def table(columns: Sequence[str], rows: Iterable[str], *, caption: str = "", kind: str = "") -> str:
    """A table that scrolls on its own if the screen is narrow.

    Args:
        rows: HTML of each row's cells, the first one a `head`.
        caption: what the table shows, for those who cannot see what stands around it.
        kind: a class of the style sheet.
    """
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    words = f"<caption><span>{escape(caption)}</span></caption>" if caption else ""
    label = f' aria-label="{escape(caption)}"' if caption else ""
    return (
        f'<div class="scroll" tabindex="0" role="group"{label}><table class="{kind}">{words}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def head(content: str) -> str:
    """The first cell of a row, from HTML."""
    return f'<th scope="row">{content}</th>'


def number(text: str) -> str:
    """A cell with a number."""
    return f'<td class="n">{escape(text)}</td>'


def barred(share: float, text: str) -> str:
    """A cell with a bar and its number.

    Args:
        share: length of the bar, 0..1; NaN: none.
    """
    return f'<td class="iou">{bar(share)}<b>{escape(text)}</b></td>'


def bar(share: float) -> str:
    """A bar filled to a share of 0..1; decoration beside its number, hence hidden from screen readers."""
    width = 0.0 if math.isnan(share) else min(100.0, max(0.0, share * 100))
    return (
        '<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect class="all" width="100" height="6"/><rect class="part" width="{width:.1f}" height="6"/></svg>'
    )


def swatch(info: ClassInfo) -> str:
    """The color and the name of a class."""
    return (
        '<svg class="swatch" viewBox="0 0 16 16" aria-hidden="true" focusable="false">'
        f'<rect width="16" height="16" fill="{info.hex}"/></svg>{escape(info.name)}'
    )


def hatched_swatch(info: ClassInfo, index: int) -> str:
    """The same with the hatch that the class has on a map (viewer/paint.js): names it without its color."""
    red, green, blue = info.color
    light = " light" if red * 0.3 + green * 0.59 + blue * 0.11 < 90 else ""
    return (
        '<svg class="swatch" viewBox="0 0 16 16" aria-hidden="true" focusable="false">'
        f'<rect width="16" height="16" fill="{info.hex}"/>'
        f'<path class="hatch{light}" d="{_HATCHES[index % len(_HATCHES)]}"/></svg>{escape(info.name)}'
    )


def percent(value: float, digits: int = 1) -> str:
    """A share of 0..1 in percent, without the sign; a dash if undefined."""
    return "–" if math.isnan(value) else f"{value * 100:.{digits}f}"


def count(number: int, what: str) -> str:
    """Example: '1 scene', '2,000 scenes'."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _read(name: str) -> str:
    return files("fctl_geo.report").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """The source that allows exactly this inline style or script (CSP, 2.3.1)."""
    if not text:
        return "'none'"
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
