"""Joins adjacent scenes of a batch, so that contexts and polygons can cross their borders."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from fctl_geo.batch.inputs import SceneInput
from fctl_geo.errors import OutputError, SceneError
from fctl_geo.scene.header import read_header
from fctl_geo.scene.mosaic import Member, member_of, mosaic_xml, neighbors
from fctl_geo.storage.whole_files import write_text_whole

FOLDER = ".mosaics"
"""Subfolder of the output folder for the VRTs, so that a later call finds them unchanged."""


def join_neighbors(
    scenes: Sequence[SceneInput], out: Path, *, split: bool, allow_external: bool = False
) -> list[SceneInput]:
    """The batch's scenes, with adjacent ones read as one mosaic.

    Args:
        split: keep each joined scene separate, cut from the mosaic by its bounds; otherwise a mosaic is one scene,
            named 'mosaic-' plus the name of its first scene.
        allow_external: scenes may be VRTs of files outside their folder.
    Returns:
        The scenes; those without neighbors are unchanged, and so are those on a different grid and unreadable ones,
        which fail later, by name.
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
    for group in neighbors(list(placed.values())):
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
    """Write the VRT; an existing one with the same content is left alone, so that its timestamp does not change."""
    path = out.absolute() / FOLDER / f"{name}.vrt"
    text = mosaic_xml(members)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder {path.parent} cannot be created ({error.strerror})") from None
    if not path.exists() or path.read_text("utf-8") != text:
        write_text_whole(path, text)
    return path
