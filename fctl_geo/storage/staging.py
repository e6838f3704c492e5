"""Local folders for outputs that are elsewhere: unfinished work, and files before their upload."""

from __future__ import annotations

import getpass
import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from fctl_geo.errors import OutputError


def staged_path(address: str, name: str, staging: Path | None = None) -> Path:
    """Where an output is created, in a folder of its own that exists.

    Args:
        address: of the output, without keys. The folder depends only on it and on the user, so that a resumed run
            finds its finished shards.
        name: of the file.
        staging: where the folder is; None: in the temporary folder.
    """
    folder = (staging or _own_folder()) / hashlib.sha256(address.encode()).hexdigest()[:16]
    folder.mkdir(mode=0o700, exist_ok=True, parents=staging is not None)
    return folder / name


def tidy_staged(path: Path) -> None:
    """Remove the folder of an output, unless it holds finished shards."""
    if path.parent.is_dir() and not any(beside.is_dir() for beside in path.parent.iterdir()):
        shutil.rmtree(path.parent)


def _own_folder() -> Path:
    """A folder inside the temporary folder that belongs to this user alone."""
    folder = Path(tempfile.gettempdir()) / f"fctl-geo-{getpass.getuser()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if folder.is_symlink() or (hasattr(os, "getuid") and folder.stat().st_uid != os.getuid()):
        raise OutputError(
            f"{folder} belongs to another user", hint="set TMPDIR to a folder of your own with room for the results"
        )
    return folder
