"""A model's card: title, classes with their colors, pixel size, accuracy, license."""

from __future__ import annotations

from html import escape

from ..catalog import ModelCard
from ..words import tr


def card_html(card: ModelCard) -> str:
    """The card as HTML for a Qt label."""
    swatches = "&nbsp; ".join(
        f'<span style="color:{each.color}; font-size:large">\u25a0</span>&nbsp;{escape(each.name)}'
        for each in card.classes
    )
    ground = tr("any pixel size") if card.gsd_m is None else tr("trained at {:.3g} m per pixel").format(card.gsd_m)
    facts = [ground, tr("bands: {}").format(", ".join(card.bands))]
    quality = format_accuracy(card)
    lines = [f"<b>{escape(card.title)}</b>", swatches, "; ".join(facts)]
    lines += [tr("measured IoU: {}").format(quality)] if quality else []
    lines += [tr("License: {}").format(escape(card.license))] if card.license else []
    return "<br>".join(lines)


def format_accuracy(card: ModelCard) -> str:
    """'0.71 (nepal), 0.52 (dubai)': the mean IoU of each place, or that of the only class."""
    words = []
    for place, scores in card.metrics.items():
        values = [value for name, value in scores.items() if name != "mIoU"]
        if values:
            words.append(f"{scores.get('mIoU', sum(values) / len(values)):.2f} ({escape(place)})")
    return ", ".join(words)
