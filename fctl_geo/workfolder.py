"""The folder of a run under way: finished shards, one file each, and what they were made with."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import OutputError
from fctl_geo.raster.mosaic import write_mosaic
from fctl_geo.raster.writer import BlockRasterWriter
from fctl_geo.spec import Legend
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.shards import Shard
from fctl_geo.windows.window import Window

_RECORD = "run.json"
_LOCK = ".lock"


class WorkFolder:
    """A hidden folder beside the first output.

    A shard's file has its final name only when it is whole and on the disk; so what is there after a kill is finished.
    One run at a time: the folder is locked while it is used.
    """

    def __init__(self, path: Path, fingerprint: str, *, resume: bool) -> None:
        self.path = path
        self._lock: int | None = None
        self._make()
        self._lock = _lock(path)
        try:
            self._start(fingerprint, resume=resume)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def beside(output: Path) -> Path:
        """Where the work folder of an output lies."""
        return output.with_name(f".{output.name}.fctl-work")

    def finished(self, layer: str, shards: Sequence[Shard]) -> set[Shard]:
        """Shards of a layer that need not be made again."""
        return {s for s in shards if self.shard_path(layer, s).exists()}

    def shard_path(self, layer: str, shard: Shard) -> Path:
        """The file of a shard of a layer ('crude', 'classes', 'confidence', ...)."""
        return self.path / f"{layer}-{shard.name}.tif"

    def mosaic(self, layer: str, shards: Sequence[Shard], frame: RasterFrame, legend: Legend | None) -> Path:
        """One raster of all shards of a layer, without a copy of them."""
        parts = [(self.shard_path(layer, s), s.core) for s in shards]
        return write_mosaic(self.path / f"{layer}.vrt", parts, frame, legend)

    @property
    def empty(self) -> bool:
        """No shard is finished: nothing is lost with the folder."""
        return not any(p.suffix == ".tif" and not p.name.startswith(".") for p in self.path.iterdir())

    def remove(self) -> None:
        """The run is done (or nothing was): the folder goes."""
        self.close()
        shutil.rmtree(self.path, ignore_errors=True)

    def close(self) -> None:
        """Let others use the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _make(self) -> None:
        try:
            self.path.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot make the work folder {self.path} ({error.strerror})",
                hint="choose an output in a folder that exists and can be written",
            ) from None

    def _start(self, fingerprint: str, *, resume: bool) -> None:
        record = self.path / _RECORD
        before = json.loads(record.read_text("utf-8"))["fingerprint"] if record.exists() else None
        if resume and before not in (None, fingerprint):
            raise OutputError(
                f"{self.path} belongs to a run with another scene, model or settings",
                hint="resume with the same ones, or start anew without --resume",
            )
        if before != fingerprint or not resume:
            for path in self.path.iterdir():
                if path.name != _LOCK:
                    path.unlink()
            aside = self.path / f".{_RECORD}"
            aside.write_text(json.dumps({"fingerprint": fingerprint}), "utf-8")
            aside.replace(record)
        for path in self.path.glob(".*.partial.tif*"):
            path.unlink()


class ShardFiles:
    """The files of one shard under way, one a layer; they get their final names together, at the end."""

    def __init__(self, folder: WorkFolder, shard: Shard, frame: RasterFrame, layers: Sequence[str]) -> None:
        self.folder, self.shard = folder, shard
        part = frame.cut(shard.core)
        self._writers = {layer: BlockRasterWriter.create(self._aside(layer), part) for layer in layers}

    def write(self, window: Window, layer: str, values: NDArray[np.uint8]) -> None:
        """Put values at an output window inside the shard."""
        core = self.shard.core
        at = Window(window.row - core.row, window.col - core.col, window.height, window.width)
        self._writers[layer].write(at, values)

    def finish(self) -> None:
        """Close the files and give them their names; the first layer last: it says that the shard is done."""
        for writer in self._writers.values():
            writer.close()
        for layer in reversed(list(self._writers)):
            self._aside(layer).replace(self.folder.shard_path(layer, self.shard))

    def abandon(self) -> None:
        """Remove what is not finished."""
        for layer, writer in self._writers.items():
            writer.__exit__(KeyboardInterrupt, None, None)
            self._aside(layer).unlink(missing_ok=True)

    def _aside(self, layer: str) -> Path:
        return self.folder.path / f".{layer}-{self.shard.name}.partial.tif"

    def __enter__(self) -> ShardFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abandon()


def fingerprint_of(*parts: object) -> str:
    """A short hash that changes with anything that would change a byte of the result."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def file_identity(path: Path) -> list[object]:
    """What tells a file from a changed one: its size and time of change (a remote one: only its name)."""
    if not path.exists():
        return [str(path)]
    stat = path.stat()
    return [str(path.resolve()), stat.st_size, stat.st_mtime_ns]


@contextmanager
def work_folder(output: Path, fingerprint: str, *, resume: bool) -> Iterator[WorkFolder]:
    """The work folder of a run: gone after success, kept after a failure if it holds finished shards."""
    folder = WorkFolder(WorkFolder.beside(output), fingerprint, resume=resume)
    try:
        yield folder
    except BaseException:
        if folder.empty:
            folder.remove()
        raise
    else:
        folder.remove()
    finally:
        folder.close()


def _lock(path: Path) -> int | None:
    """Hold the folder for this process: an advisory lock that ends with the process, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows: no flock; two runs into one output are then not told apart
        return None
    handle = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise OutputError(
            f"another run is writing to the same output (it holds {path})", hint="wait for it, or choose another name"
        ) from None
    return handle
