"""Charts as SVG, each with its numbers as text: none needs a color to be understood."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_WIDTH, _HEIGHT, _FOOT = 720, 220, 26


def histogram(labels: Sequence[str], shares: Sequence[float], words: Sequence[str], *, title: str) -> str:
    """Bars from left to right.

    Args:
        labels: below each bar; '' leaves it out.
        shares: heights, the highest of which fills the chart.
        words: what each bar says, shown when it is pointed at.
        title: read instead of the picture by screen readers.
    """
    step, highest = _WIDTH / max(1, len(shares)), max([*shares, 1e-12])
    bars, marks = [], []
    for k, (label, share, text) in enumerate(zip(labels, shares, words, strict=True)):
        height = share / highest * (_HEIGHT - 8)
        bars.append(
            f'<rect x="{k * step + 2:.1f}" y="{_HEIGHT - height:.1f}" width="{step - 4:.1f}" height="{height:.1f}">'
            f"<title>{escape(text)}</title></rect>"
        )
        if label:
            marks.append(f'<text x="{(k + 0.5) * step:.1f}" y="{_HEIGHT + 19}">{escape(label)}</text>')
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT + _FOOT}" role="img" aria-label="{escape(title)}">'
        f'<line x1="0" y1="{_HEIGHT}" x2="{_WIDTH}" y2="{_HEIGHT}"/>{"".join(bars)}{"".join(marks)}</svg>'
    )


def details(summary: str, content: str) -> str:
    """Content that is folded away until asked for."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"
