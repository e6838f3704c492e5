"""A model's card: title, classes with their colors, ground size, quality, licence."""

from __future__ import annotations

from html import escape

from ..catalog import ModelCard
from ..words import tr


def card_html(card: ModelCard) -> str:
    """The card in the HTML that Qt's labels understand."""
    swatches = "&nbsp; ".join(
        f'<span style="color:{each.color}; font-size:large">\u25a0</span>&nbsp;{escape(each.name)}'
        for each in card.classes
    )
    ground = tr("any pixel size") if card.gsd_m is None else tr("trained at {:.3g} m per pixel").format(card.gsd_m)
    facts = [ground, tr("bands: {}").format(", ".join(card.bands))]
    quality = quality_words(card)
    lines = [f"<b>{escape(card.title)}</b>", swatches, "; ".join(facts)]
    lines += [tr("measured IoU: {}").format(quality)] if quality else []
    lines += [tr("License: {}").format(escape(card.licence))] if card.licence else []
    return "<br>".join(lines)


def quality_words(card: ModelCard) -> str:
    """'0.71 (nepal), 0.52 (dubai)': the mean IoU of each place; for one class alone, its own."""
    words = []
    for place, scores in card.metrics.items():
        values = [value for name, value in scores.items() if name != "mIoU"]
        if values:
            words.append(f"{scores.get('mIoU', sum(values) / len(values)):.2f} ({escape(place)})")
    return ", ".join(words)
