"""One GPU per worker process, claimed by a lock that is released when the process ends, however it ends."""

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
        """The device to compute on: this process's own GPU for 'auto' or 'cuda', otherwise `wanted` itself.

        Raises:
            DeviceError: all GPUs visible to this process are claimed by others.
        """
        from fctl_geo.model.choice import gpu_names

        if wanted not in ("auto", "cuda"):
            return wanted
        names = gpu_names()
        if not names:
            return wanted  # 'auto' then means the CPU, and 'cuda' fails with the usual error
        if self.index is None:
            self.claim(names)
        return f"cuda:{self.index}"

    def claim(self, names: Sequence[str]) -> int:
        """Claim the first GPU that no other process has claimed.

        Args:
            names: a unique name on this machine for each GPU (its UUID), independent of its index in this process.
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
            f"all {len(names)} GPUs of this machine already have a worker",
            hint="start one worker per GPU, or run with --device cpu",
        )

    def release(self) -> None:
        """Release the GPU for another process."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle, self.index = None, None
