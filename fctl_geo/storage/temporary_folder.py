"""A temporary folder that lives as long as the object that owns it."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class TemporaryFolder:
    """Deleted on `close`, with the last reference to it, or when Python exits."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="fctl-geo-"))
        self._delete = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def keep_for(self, user: object) -> None:
        """Keep the folder at least as long as `user`, which reads from it, unless it is closed."""
        weakref.finalize(user, lambda _: None, self)

    def close(self) -> None:
        """Delete the folder; a second call does nothing."""
        self._delete()


@contextmanager
def folder_of_result() -> Iterator[TemporaryFolder]:
    """A temporary folder for whatever is made in a with-block: its result keeps it, an error deletes it."""
    folder = TemporaryFolder()
    try:
        yield folder
    except BaseException:
        folder.close()
        raise
