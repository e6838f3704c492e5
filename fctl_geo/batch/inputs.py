"""Finds the scenes of a batch from folders, lists, globs, paths and URLs, in a stable order without duplicates."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fctl_geo.errors import SceneError
from fctl_geo.scene.header import short_name
from fctl_geo.storage.address import is_remote

FOLDER_ENDINGS = (".tif", ".tiff", ".vrt", ".jp2", ".img", ".ecw", ".sid")
"""Files used from a folder. A .jpg or .png beside a scene is often only its preview: use a glob to select those."""
LIST_ENDINGS = (".txt", ".lst")


@dataclass(frozen=True, slots=True)
class SceneInput:
    """One scene of a batch."""

    scene: str
    """What GDAL opens; local paths are absolute, so that every worker finds them."""
    stem: str
    """The scene's name without folder and extension."""
    parent: str = ""
    """Name of the folder that contains it."""
    item: dict[str, Any] | None = None
    """The STAC item that it comes from."""
    bbox: tuple[float, float, float, float] | None = None
    """For a scene that is cut from a mosaic: west, south, east, north in the mosaic's CRS."""
    joined: bool = False
    """Whether `scene` is a mosaic that we created."""


def find_scenes(words: Sequence[str]) -> list[SceneInput]:
    """Find the scenes that the arguments of a batch refer to.

    Args:
        words: folders (their rasters, without subfolders), text lists (one scene per line, '#' starts a comment, paths
            relative to the list's folder), globs (`**` descends into folders), files, URLs.
    Raises:
        SceneError: an argument matches nothing. A missing scene in a list fails later, on its own.
    """
    found = dict.fromkeys(scene for word in words for scene in _scenes_of(word))
    if not found:
        raise SceneError(f"no scene was found in {', '.join(words) or 'nothing'}", hint=_ENDINGS_HINT)
    return [_input_of(scene) for scene in found]


_ENDINGS_HINT = f"from a folder, {', '.join(FOLDER_ENDINGS)} are used; other files need a glob, e.g. 'scenes/*.jpg'"


def _scenes_of(word: str) -> Iterator[str]:
    path = Path(word)
    if is_remote(word):
        yield word
    elif path.is_dir():
        yield from sorted(str(p) for p in path.iterdir() if _is_scene(p))
    elif path.suffix.lower() in LIST_ENDINGS and path.is_file():
        yield from _listed(path)
    elif path.exists() or word.startswith("/vsi"):
        yield word
    elif glob.has_magic(word):
        yield from sorted(p for p in glob.glob(word, recursive=True) if Path(p).is_file())  # noqa: PTH207 - absolute too
    else:
        raise SceneError(f"{word} does not exist", hint="give a folder, a list (.txt), a quoted glob, or scenes")


def _is_scene(path: Path) -> bool:
    return path.suffix.lower() in FOLDER_ENDINGS and not path.name.startswith(".") and path.is_file()


def _listed(path: Path) -> Iterator[str]:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise SceneError(f"{path} is not a text list ({error})", hint="write one scene per line, in UTF-8") from None
    for line in lines:
        scene = line.strip()
        if scene and not scene.startswith("#"):
            yield scene if is_remote(scene) or scene.startswith("/vsi") else str(path.parent / scene)


def _input_of(scene: str) -> SceneInput:
    if is_remote(scene) or scene.startswith("/vsi"):
        parts = scene.split("?", 1)[0].rstrip("/").split("/")
        return SceneInput(scene, Path(short_name(scene)).stem, parts[-2] if len(parts) > 1 else "")
    path = Path(scene).absolute()
    return SceneInput(str(path), path.stem, path.parent.name)
