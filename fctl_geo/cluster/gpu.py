"""One GPU for each worker process: claimed by a lock that ends with the process, however it ends."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fctl_geo.errors import DeviceError

FOLDER = Path(tempfile.gettempdir())


class GpuClaim:
    """The GPU of this process, once it has asked for one."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self.index: int | None = None
        self._handle: int | None = None

    def device(self, wanted: str) -> str:
        """The device to compute on: 'cpu', or this process's own GPU where 'auto' or 'cuda' is wanted.

        Raises:
            DeviceError: all GPUs that this process sees are claimed by others.
        """
        from fctl_geo.model.device import gpu_names

        if wanted not in ("auto", "cuda"):
            return wanted
        names = gpu_names()
        if not names:
            return wanted  # 'auto' is the CPU then, and 'cuda' is refused in the usual words
        if self.index is None:
            self.claim(names)
        return f"cuda:{self.index}"

    def claim(self, names: Sequence[str]) -> int:
        """Take the first of some GPUs that nobody has.

        Args:
            names: what tells each from every other on this machine (its UUID), whatever its number here.
        """
        import fcntl

        for index, name in enumerate(names):
            handle = os.open(self.folder / f"fctl-geo-gpu-{name}.lock", os.O_CREAT | os.O_RDWR, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                continue
            self.index, self._handle = index, handle
            return index
        raise DeviceError(
            f"all {len(names)} GPUs of this machine have a worker already",
            hint="start one worker for each GPU, or run with --device cpu",
        )

    def release(self) -> None:
        """Let another process have it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle, self.index = None, None
