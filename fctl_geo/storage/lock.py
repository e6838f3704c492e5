"""Lock a folder for one process: no other run writes there until it ends."""

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
    """Lock a folder for this process, with an advisory lock that is released when the process ends, in whatever way.

    Raises:
        OutputError: another process holds the lock.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no flock: two runs writing to one output are not detected
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
                f"another run is writing to the same output (it has locked {path})",
                hint="wait for it to finish, or choose another name",
            ) from None
        except OSError as error:
            raise OutputError(
                f"{path} cannot be locked ({error.strerror})",
                hint="mount that folder with support for locks (flock), or write the output elsewhere",
            ) from None
        yield
    finally:
        os.close(handle)
