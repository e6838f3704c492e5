"""Scenes of a batch that touch each other, joined: contexts and polygons then cross their borders."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from fctl_geo.batch.inputs import SceneInput
from fctl_geo.errors import OutputError, SceneError
from fctl_geo.scene.header import read_header
from fctl_geo.scene.mosaic import Member, member_of, mosaic_xml, neighbours
from fctl_geo.storage.whole_files import write_text_whole

FOLDER = ".mosaics"
"""Where the VRTs lie, in the output folder: a call that goes on finds them as they were."""


def join_neighbours(
    scenes: Sequence[SceneInput], out: Path, *, split: bool, allow_external: bool = False
) -> list[SceneInput]:
    """The batch's scenes with those that touch read as one.

    Args:
        split: each joined scene stays one of its own, cut from the mosaic by its bounds; else a mosaic is one scene,
            'mosaic-' and the name of its first.
        allow_external: scenes may be VRTs of files elsewhere.
    Returns:
        Scenes that touch no other (or lie on another grid, or cannot be read: they fail later, by name) as they were.
    """
    placed: dict[int, Member] = {}
    for i, scene in enumerate(scenes):
        with suppress(SceneError):
            member = member_of(read_header(scene.scene, allow_external=allow_external))
            if member is not None:
                placed[i] = member
    numbers = list(placed)
    joined: dict[int, SceneInput] = {}
    gone: set[int] = set()
    names: set[str] = set()
    for group in neighbours(list(placed.values())):
        indices = [numbers[k] for k in group]
        if len(indices) > 1:
            stem = f"mosaic-{scenes[indices[0]].stem}"
            name = stem if stem not in names else f"{stem}-{len(names)}"
            names.add(name)
            vrt = _write(out, name, [placed[i] for i in indices])
            if split:
                joined |= {i: replace(scenes[i], scene=str(vrt), bbox=placed[i].bounds, joined=True) for i in indices}
            else:
                joined[indices[0]] = SceneInput(str(vrt), vrt.stem, scenes[indices[0]].parent, joined=True)
                gone |= set(indices[1:])
    return [joined.get(i, scene) for i, scene in enumerate(scenes) if i not in gone]


def _write(out: Path, name: str, members: Sequence[Member]) -> Path:
    """The VRT; one that says the same already is left alone, so that its time does not change."""
    path = out.absolute() / FOLDER / f"{name}.vrt"
    text = mosaic_xml(members)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder {path.parent} cannot be made ({error.strerror})") from None
    if not path.exists() or path.read_text("utf-8") != text:
        write_text_whole(path, text)
    return path
