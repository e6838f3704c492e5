"""Names of a batch's products."""

from __future__ import annotations

import string
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from fctl_geo.batch.inputs import SceneInput
from fctl_geo.errors import SettingsError

FIELDS = ("stem", "parent", "number")


def names_of(scenes: Sequence[SceneInput], template: str) -> list[str]:
    """The name of each scene's products, without extension, relative to the output folder.

    Args:
        template: '{stem}' is the scene's name, '{parent}' that of its folder, '{number}' its position in the batch,
            starting at 1 ('{number:05d}' is padded with zeros); a '/' creates folders.
    Raises:
        SettingsError: an unknown field, a name outside the output folder, or the same name for two scenes.
    """
    _check_template(template)
    names = [
        template.format(stem=scene.stem, parent=scene.parent, number=number) for number, scene in enumerate(scenes, 1)
    ]
    seen: dict[str, SceneInput] = {}
    for name, scene in zip(names, scenes, strict=True):
        _check_inside(name, template)
        other = seen.setdefault(
            name.casefold(), scene
        )  # names that differ only in case are the same file on some disks
        if other is not scene:
            raise SettingsError(
                f"{other.scene} and {scene.scene} would both become {name}",
                hint="distinguish them with --template, e.g. '{parent}/{stem}' or '{number:05d}-{stem}'",
            )
    return names


def products_of(out: Path, name: str, formats: Sequence[str]) -> tuple[Path, ...]:
    """The output files of a scene."""
    return tuple(out / f"{name}.{ending}" for ending in formats)


def _check_template(template: str) -> None:
    hint = "available fields: " + ", ".join(f"{{{field}}}" for field in FIELDS)
    try:
        fields = {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}
        unknown = sorted(fields - set(FIELDS))
        if not unknown:
            template.format(stem="", parent="", number=1)
    except (ValueError, IndexError, TypeError) as error:
        raise SettingsError(f"the template {template!r} cannot be used ({error})", hint=hint) from None
    if unknown:
        raise SettingsError(f"the template {template!r} has an unknown field {unknown[0]!r}", hint=hint)
    if not fields & {"stem", "number"}:
        raise SettingsError(f"the template {template!r} gives every scene the same name", hint=hint)


def _check_inside(name: str, template: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    hidden = any(part.startswith(".") for part in path.parts)
    if path.is_absolute() or hidden or not path.name or path.as_posix() != name or "\0" in name:
        raise SettingsError(
            f"the template {template!r} gives the name {name!r}", hint="names must lie inside the output folder"
        )
