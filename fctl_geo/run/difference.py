"""Explains why the shards of an earlier run cannot be reused: describes the first difference between two runs."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Facts = Mapping[str, Any]


def first_difference(before: Facts, now: Facts) -> str:
    """Describe the most informative difference between the facts of two runs (`RunSpec.facts`); empty if unknown."""
    for key, name in (("scene", "the scene"), ("area", "the area of interest")):
        if words := _of_files(name, before.get(key, ()), now.get(key, ())):
            return words
    if before.get("model") != now.get("model"):
        return "the model file is a different one, or has changed since"
    for path, (old, new) in _changes(before, now):
        room, _, key = path.partition(" ")
        name = {"settings": key.rpartition(" ")[2], "reading": f"the scene's {key}"}.get(room, path)
        return f"{name} was {_short(old)} and is now {_short(new)}"
    return ""


def _of_files(name: str, before: Sequence[Facts], now: Sequence[Facts]) -> str:
    old, new = ({str(file["name"]): file for file in files} for files in (before, now))
    if old and new and not set(old) & set(new):
        return f"{name} is different: {_file(old)} then, {_file(new)} now"
    for words, files in (
        ("has a new file", [file for file in new if file not in old]),
        ("is missing the file", [file for file in old if file not in new]),
        ("has changed:", [file for file in new if file in old and old[file] != new[file]]),
    ):
        if files:
            more = f" (and {len(files) - 1} more)" if len(files) > 1 else ""
            return f"{name} {words} {_file(files)}{more} since the run began"
    return ""


def _file(names: Mapping[str, object] | Sequence[str]) -> str:
    return Path(next(iter(names))).name


def _changes(before: Facts, now: Facts, above: str = "") -> list[tuple[str, tuple[object, object]]]:
    """Paths and values of the entries that differ. Example: 'settings engine merge', ('blend', 'montage')."""
    found: list[tuple[str, tuple[object, object]]] = []
    for key in dict.fromkeys([*now, *before]):
        old, new, path = before.get(key), now.get(key), f"{above} {key}".strip()
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += _changes(old, new, path)
        elif old != new:
            found.append((path, (old, new)))
    return found


def _short(value: object) -> str:
    return reprlib.repr(value) if value is not None else "not set"
