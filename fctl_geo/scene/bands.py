"""Assign the file's bands to the model's bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import BandError
from fctl_geo.scene.header import BandHeader, Header

_COLORS = ("red", "green", "blue")
_GRAYS = ("gray", "pan")
_SAME_WORD = {"r": "red", "g": "green", "b": "blue", "grey": "gray", "panchromatic": "gray", "pan": "gray",
              "near infrared": "nir", "near-infrared": "nir", "nearinfrared": "nir", "infrared": "nir", "n": "nir",
              "nir1": "nir"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Band:
    """One selected band: the model's name for it, and its number in the file."""

    name: str
    number: int
    """From 1; always 1 for a palette image."""


@dataclass(frozen=True, slots=True)
class BandPlan:
    """The bands to read, in the model's order."""

    bands: tuple[Band, ...]
    channels: tuple[int, ...] | None = None
    """For a palette image: which color (0 red, 1 green, 2 blue) each band takes."""
    warnings: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The file's bands to read, each once, in ascending order."""
        return tuple(sorted({band.number for band in self.bands}))

    @property
    def order(self) -> tuple[int, ...]:
        """Index into `numbers` for each band of the model."""
        return tuple(self.numbers.index(band.number) for band in self.bands)


def plan_bands(
    header: Header, wanted: tuple[str, ...], chosen: tuple[str, ...] | None, *, alpha_is_nir: bool = False
) -> BandPlan:
    """Find the wanted bands: as chosen by number or name, else by color interpretation and the bands' own names.

    If the bands are not identified, the first ones are used, with a warning; for a model that reads colors, a single
    gray band is repeated, with a warning.

    Args:
        wanted: the model's names of its bands, in its order.
        chosen: the user's band numbers ("4") or names ("nir"), in the model's order; None: find them.
        alpha_is_nir: the band tagged as alpha turned out to hold brightness.
    Raises:
        BandError: too few bands, a number or name that the file does not have, or a band stored as its negative.
    """
    plan = _find_bands(header, wanted, chosen, alpha_is_nir=alpha_is_nir)
    if problem := negative_words(header, plan):
        kind = "-ot Byte " if header.dtype == "uint8" else ""
        raise BandError(
            problem, hint=f"apply the scale tag first: gdal_translate -unscale {kind}{header.name} positive.tif"
        )
    return plan


def negative_words(header: Header, plan: BandPlan) -> str | None:
    """What is wrong with a band whose scale tag is negative (values are read as stored); None if there is none."""
    negative = [header.bands[n - 1] for n in plan.numbers if header.bands[n - 1].scale < 0]
    if not negative:
        return None
    band = negative[0]
    return (
        f"band {band.number} of {header.name} is stored as its negative: its scale tag is {band.scale:g}, "
        f"its offset {band.offset:g}, so dark areas are stored as bright ones"
    )


def _find_bands(
    header: Header, wanted: tuple[str, ...], chosen: tuple[str, ...] | None, *, alpha_is_nir: bool
) -> BandPlan:
    if header.palette is not None:
        return _palette_bands(header, wanted, chosen)
    names = name_bands(header, alpha_is_nir=alpha_is_nir)
    if chosen is not None:
        return _chosen_bands(header, wanted, chosen, names)
    missing = [name for name in wanted if name not in names]
    if not missing:
        return BandPlan(tuple(Band(name, names[name]) for name in wanted))
    return _guessed_bands(header, wanted, names, missing, alpha_is_nir=alpha_is_nir)


def name_bands(header: Header, *, alpha_is_nir: bool = False) -> Mapping[str, int]:
    """Band numbers by name: color interpretation first, then the file's own descriptions; the first match wins."""
    names: dict[str, int] = {}
    for band in header.bands:
        word = _word(band.interpretation)
        if word not in ("undefined", "alpha", "palette", "gray") and not _mistagged(header, band):
            names.setdefault(word, band.number)
    for band in header.bands:
        word = _word(band.description)
        if word:
            names.setdefault(word, band.number)
    grays = [b for b in header.bands if b.interpretation in _GRAYS]
    if grays and len(_brightness(header)) == 1:  # GDAL also tags the first of several unnamed bands as gray
        names.setdefault("gray", grays[0].number)
    if alpha_is_nir:
        names.setdefault("nir", next(b.number for b in header.bands if b.interpretation == "alpha"))
    return names


def _word(text: str) -> str:
    text = text.strip().lower()
    return _SAME_WORD.get(text, text)


def _mistagged(header: Header, band: BandHeader) -> bool:
    """Two bands with the same color: only the first one counts."""
    return any(b.interpretation == band.interpretation and b.number < band.number for b in header.bands)


def _brightness(header: Header, *, alpha_is_nir: bool = False) -> list[BandHeader]:
    return [b for b in header.bands if alpha_is_nir or b.interpretation != "alpha"]


def _chosen_bands(
    header: Header, wanted: tuple[str, ...], chosen: tuple[str, ...], names: Mapping[str, int]
) -> BandPlan:
    if len(chosen) != len(wanted):
        raise BandError(
            f"{_counted(len(chosen))} chosen ({', '.join(chosen)}), "
            f"the model needs {len(wanted)} ({', '.join(wanted)})",
            hint=f"pass {len(wanted)} numbers or names to --bands, in the model's order",
        )
    return BandPlan(
        tuple(Band(name, _number_of(header, pick, names)) for name, pick in zip(wanted, chosen, strict=True))
    )


def _number_of(header: Header, pick: str, names: Mapping[str, int]) -> int:
    text = pick.strip()
    if text.lstrip("+-").isdigit():
        number = int(text)
        if not 1 <= number <= len(header.bands):
            raise BandError(
                f"band {number} was chosen, but {header.name} has {_counted(len(header.bands))}",
                hint=f"bands are numbered from 1 to {len(header.bands)}",
            )
        return number
    if _word(text) not in names:
        known = f"its bands are {', '.join(names)}" if names else "none of its bands has a name"
        hint = f"{known}; or choose bands by number, from 1"
        raise BandError(f"{header.name} has no band called {pick!r}", hint=hint)
    return names[_word(text)]


def _guessed_bands(
    header: Header, wanted: tuple[str, ...], names: Mapping[str, int], missing: list[str], *, alpha_is_nir: bool
) -> BandPlan:
    usable = _brightness(header, alpha_is_nir=alpha_is_nir)
    if missing == ["nir"] and len(usable) == 4 and all(color in names for color in _COLORS):
        spare = next(b.number for b in usable if b.number not in [names[c] for c in _COLORS])
        warning = f"band {spare} has no name and is assumed to be near infrared: the others are red, green and blue"
        return BandPlan(tuple(Band(n, names.get(n, spare)) for n in wanted), warnings=(warning,))
    if len(usable) == 1 and usable[0].interpretation in (*_GRAYS, "undefined") and set(wanted) <= {*_COLORS, "gray"}:
        repeated = f"the scene has one gray band, the model needs {len(wanted)} ({', '.join(wanted)}): it is repeated"
        return BandPlan(
            tuple(Band(name, usable[0].number) for name in wanted), warnings=(repeated,) if len(wanted) > 1 else ()
        )
    nameless = not any(color in names for color in (*_COLORS, "nir"))
    if nameless and len(usable) >= len(wanted):
        picked = tuple(Band(name, b.number) for name, b in zip(wanted, usable, strict=False))
        assigned = ", ".join(f"{band.name} = {band.number}" for band in picked)
        return BandPlan(picked, warnings=(f"{_tagged_colors(usable)}; the first bands are used: {assigned}",))
    raise BandError(
        f"{header.name} has {_counted(len(header.bands))} ({_described(header)}), "
        f"the model needs {len(wanted)} ({', '.join(wanted)}): missing {', '.join(missing)}",
        hint=f"choose {len(wanted)} bands with --bands, or a model for the bands that the scene has",
    )


def _tagged_colors(bands: list[BandHeader]) -> str:
    """Which colors a file's tags name, none of which the model uses. Example: Y, Cb and Cr; cyan, magenta, yellow."""
    tagged = [b.interpretation for b in bands if b.interpretation not in ("undefined", *_GRAYS)]
    if not tagged:
        return "the scene does not identify its colors"
    return (
        f"the scene's bands are tagged as {', '.join(tagged)}, not as red, green and blue: if the result looks wrong, "
        "convert the scene first (gdal_translate), or choose bands with --bands"
    )


def _palette_bands(header: Header, wanted: tuple[str, ...], chosen: tuple[str, ...] | None) -> BandPlan:
    colors = wanted if chosen is None else chosen
    if len(colors) != len(wanted) or not set(colors) <= set(_COLORS):
        raise BandError(
            f"{header.name} is a palette image (red, green, blue), the model needs {len(wanted)} ({', '.join(wanted)})",
            hint="choose a model for red, green and blue, and omit --bands",
        )
    return BandPlan(tuple(Band(name, 1) for name in wanted), tuple(_COLORS.index(name) for name in colors))


def plan_all_bands(header: Header, *, alpha_is_nir: bool = False) -> BandPlan:
    """Every band except alpha, with the best name for each, for inspecting the file without a model."""
    if header.palette is not None:
        return _palette_bands(header, _COLORS, None)
    bands = _brightness(header, alpha_is_nir=alpha_is_nir) or list(header.bands)
    by_number = {number: name for name, number in reversed(list(name_bands(header, alpha_is_nir=alpha_is_nir).items()))}
    return BandPlan(tuple(Band(by_number.get(b.number, b.interpretation), b.number) for b in bands))


def palette_table(header: Header) -> NDArray[np.uint8]:
    """(values, 4) red, green, blue, alpha by pixel value; values beyond the palette are transparent."""
    values = 256 if header.dtype == "uint8" else 65536
    table = np.zeros((values, 4), np.uint8)
    entries = np.array(header.palette or (), np.uint8).reshape(-1, 4)[:values]
    table[: len(entries)] = entries
    return table


def _described(header: Header) -> str:
    return ", ".join(_word(b.description) or b.interpretation for b in header.bands[:8]) + ", ..." * (
        len(header.bands) > 8
    )


def _counted(bands: int) -> str:
    return "1 band" if bands == 1 else f"{bands} bands"
