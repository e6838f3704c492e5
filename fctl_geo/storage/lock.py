"""A folder held by one process: nobody else writes there until it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fctl_geo.errors import OutputError
from fctl_geo.storage.whole_files import write_failure

LOCK_NAME = ".lock"


@contextmanager
def lock_folder(path: Path) -> Iterator[None]:
    """Hold a folder for this process: an advisory lock that ends with the process, however it ends.

    Raises:
        OutputError: another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows: no flock; two runs into one output are then not told apart
        yield
        return
    try:
        handle = os.open(path / LOCK_NAME, os.O_CREAT | os.O_RDWR)
    except OSError as error:
        raise write_failure(path, error) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(
                f"another run is writing to the same output (it holds {path})",
                hint="wait for it, or choose another name",
            ) from None
        except OSError as error:
            raise OutputError(
                f"{path} cannot be locked ({error.strerror})",
                hint="mount that folder with locks (flock), or choose an output elsewhere",
            ) from None
        yield
    finally:
        os.close(handle)
