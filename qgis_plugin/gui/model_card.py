"""A model's card: title, classes with their colors, pixel size, accuracy, license."""

from __future__ import annotations

from html import escape

from ..catalog import ModelCard
from ..words import decimal, measure, tr


def card_html(card: ModelCard) -> str:
    """The card as HTML for a Qt label."""
    swatches = "&nbsp; ".join(
        f'<span style="color:{each.color}; font-size:large">\u25a0</span>&nbsp;{escape(each.name)}'
        for each in card.classes
    )
    ground = tr("any pixel size") if card.gsd_m is None else tr("trained at {} m per pixel").format(measure(card.gsd_m))
    facts = [ground, tr("bands: {}").format(", ".join(card.bands))]
    lines = [f"<b>{escape(card.title)}</b>", swatches, "; ".join(facts)]
    lines += [escape(line) for line in accuracy_lines(card)]
    lines += [tr("License: {}").format(escape(card.license))] if card.license else []
    return "<br>".join(lines)


def accuracy_lines(card: ModelCard) -> list[str]:
    """'measured IoU of building: 0.72 (banepa town north), 0.63 (...)': without the background, which flatters."""
    wanted = {each.name for each in card.classes if not each.background}
    words = []
    for place, scores in card.metrics.items():
        values = [value for name, value in scores.items() if name in wanted]
        if values:
            words.append(f"{decimal(sum(values) / len(values), 2)} ({place_name(place)})")
    if not words:
        return []
    if len(wanted) == 1:
        return [tr("measured IoU of {}: {}").format(*wanted, ", ".join(words))]
    return [tr("measured mean IoU of the classes: {}").format(", ".join(words))]


def place_name(place: str) -> str:
    """The name of a validation place without file patterns: 'tallinn' for 'tallinn image_1_*, image_2_*'."""
    words = [word for word in place.replace(",", " ").split() if "*" not in word]
    return " ".join(words).replace("_", " ") or place
