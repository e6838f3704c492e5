"""The folder of a run under way: finished shards, one file each, and what they were made with."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import OutputError
from fctl_geo.progress import Progress
from fctl_geo.raster.mosaic import write_mosaic
from fctl_geo.raster.writer import BlockRasterWriter
from fctl_geo.spec import Legend
from fctl_geo.storage.whole_files import write_failure, write_text_whole
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.shards import Shard
from fctl_geo.windows.window import Window

_RECORD = "run.json"
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is left of a shard's making beside its files: enough to know later that they are still whole."""

    shard: str
    seconds: float
    sha256: dict[str, str]
    """Of each layer's file."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


class WorkFolder:
    """A hidden folder beside the first output.

    A shard is finished when its receipt is there: its files were whole, on the disk and had their names before. So
    whatever is finished after a kill is whole, and its checksums tell if it still is. One run at a time starts, joins
    and removes a folder (`work_folder` locks it); any number of processes that were told of it may write shards.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @classmethod
    def of_run(cls, path: Path, fingerprint: str) -> WorkFolder:
        """The folder of a run that another process has started.

        Raises:
            OutputError: it is not there, or it belongs to a run with another fingerprint.
        """
        folder = cls(path)
        before = folder._fingerprint()
        if before is None:
            raise OutputError(
                f"the work folder {path} is not to be seen from {socket.gethostname()}",
                hint="outputs of a run on several machines must lie in a folder that all of them share by one path",
            )
        if before != fingerprint:
            raise OutputError(
                f"{socket.gethostname()} sees another scene, model, version or device than the run at {path} has",
                hint="install the same version everywhere, and share the scenes by one path",
            )
        return folder

    @staticmethod
    def beside(output: Path) -> Path:
        """Where the work folder of an output lies."""
        return output.with_name(f".{output.name}.fctl-work")

    @staticmethod
    def shard_px_before(output: Path, resume: bool | None) -> int | None:
        """Side of the shards of an earlier, broken run into an output: whoever goes on with it must cut alike."""
        if resume is False:
            return None
        try:
            return int(json.loads((WorkFolder.beside(output) / _RECORD).read_text("utf-8"))["shard_px"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def start(self, fingerprint: str, shard_px: int, *, resume: bool | None) -> None:
        """Keep what an earlier run with the same fingerprint has finished, or clear the folder.

        Args:
            resume: True: another fingerprint is an error; None: it is cleared; False: cleared in any case.
        """
        before = self._fingerprint()
        if resume and before not in (None, fingerprint):
            raise OutputError(
                f"{self.path} belongs to a run with another scene, model or settings",
                hint="resume with the same ones, or start anew without --resume",
            )
        if before != fingerprint or resume is False:
            for path in self.path.iterdir():
                if path.name != _LOCK:
                    path.unlink(missing_ok=True)
            write_text_whole(self.path / _RECORD, json.dumps({"fingerprint": fingerprint, "shard_px": shard_px}))
        for path in self.path.glob(".*.partial-*"):
            path.unlink(missing_ok=True)

    def has(self, layer: str, shard: Shard) -> bool:
        """Whether a shard of a layer was finished."""
        return self._receipt_path(layer, shard).exists()

    def finished(self, layer: str, shards: Sequence[Shard], progress: Progress) -> set[Shard]:
        """Shards of a layer that need not be made again: finished, and their files are as they were then."""
        found = {s for s in shards if self.has(layer, s)}
        whole = {s for s in found if self._is_whole(layer, s)}
        for shard in found - whole:
            self._receipt_path(layer, shard).unlink()
        if found - whole:
            progress.warn(f"{len(found - whole)} of {len(found)} finished shards are damaged and are made again")
        return whole

    def shard_path(self, layer: str, shard: Shard) -> Path:
        """The file of a shard of a layer ('crude', 'classes', 'classes-confidence', ...)."""
        return self.path / f"{layer}-{shard.name}.tif"

    def keep(self, layer: str, shard: Shard, receipt: Receipt) -> None:
        """Say that a shard is finished."""
        write_text_whole(self._receipt_path(layer, shard), receipt.to_json())

    def joined_path(self, layer: str) -> Path:
        """All shards of a layer as one raster, once they were joined."""
        return self.path / f"{layer}.vrt"

    def join(self, layer: str, shards: Sequence[Shard], frame: RasterFrame, legend: Legend | None) -> None:
        """Make all shards of a layer one raster, without a copy of them."""
        parts = [(self.shard_path(layer, s), s.core) for s in shards]
        write_mosaic(self.joined_path(layer), parts, frame, legend)

    @property
    def empty(self) -> bool:
        """No shard is finished: nothing is lost with the folder."""
        return not any(p.suffix == ".tif" and not p.name.startswith(".") for p in self.path.glob("*"))

    def remove_if_empty(self) -> None:
        """Nothing is lost with it then."""
        if self.empty:
            self.remove()

    def remove(self) -> None:
        """The run is done (or nothing was): the folder goes."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _receipt_path(self, layer: str, shard: Shard) -> Path:
        return self.path / f"{layer}-{shard.name}.json"

    def _is_whole(self, layer: str, shard: Shard) -> bool:
        try:
            receipt = json.loads(self._receipt_path(layer, shard).read_text("utf-8"))
            return all(_sha256(self.shard_path(name, shard)) == sha for name, sha in receipt["sha256"].items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False  # the shard is made again, and `finished` says so

    def _fingerprint(self) -> str | None:
        try:
            return str(json.loads((self.path / _RECORD).read_text("utf-8"))["fingerprint"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return "damaged"


class ShardFiles:
    """The files of one shard under way, one a layer; they get their final names together, at the end."""

    def __init__(self, folder: WorkFolder, shard: Shard, frame: RasterFrame, layers: Sequence[str]) -> None:
        self.folder, self.shard = folder, shard
        self._token = secrets.token_hex(4)  # a process that was given up for lost may still be at the same shard
        part = frame.cut(shard.core)
        self._writers = {layer: BlockRasterWriter.create(self._aside(layer), part) for layer in layers}

    def write(self, window: Window, layer: str, values: NDArray[np.uint8]) -> None:
        """Put values at an output window inside the shard."""
        core = self.shard.core
        at = Window(window.row - core.row, window.col - core.col, window.height, window.width)
        self._writers[layer].write(at, values)

    def finish(self, seconds: float) -> Receipt:
        """Close the files, give them their names, and then say that the shard is done."""
        for writer in self._writers.values():
            writer.close()
        sums = {layer: _sha256(self._aside(layer)) for layer in self._writers}
        for layer in self._writers:
            self._aside(layer).replace(self.folder.shard_path(layer, self.shard))
        receipt = Receipt(self.shard.name, round(seconds, 3), sums)
        self.folder.keep(next(iter(self._writers)), self.shard, receipt)
        return receipt

    def abandon(self) -> None:
        """Remove what is not finished."""
        for layer, writer in self._writers.items():
            writer.__exit__(KeyboardInterrupt, None, None)
            self._aside(layer).unlink(missing_ok=True)

    def _aside(self, layer: str) -> Path:
        return self.folder.path / f".{layer}-{self.shard.name}.partial-{self._token}.tif"

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
def work_folder(output: Path, fingerprint: str, shard_px: int, *, resume: bool | None) -> Iterator[WorkFolder]:
    """The work folder of a run: gone after success, kept after a failure if it holds finished shards."""
    folder = WorkFolder(WorkFolder.beside(output))
    _make(folder.path)
    with lock_folder(folder.path):
        try:
            folder.start(fingerprint, shard_px, resume=resume)
            yield folder
        except BaseException as error:
            folder.remove_if_empty()
            if isinstance(error, Exception) and not output.parent.is_dir():
                raise OutputError(
                    f"the folder {output.parent} vanished while a run was writing into it",
                    hint="was it moved, or its disk taken away? Bring it back and run the same command again",
                ) from error
            raise
        else:
            folder.remove()


@contextmanager
def hold_outputs(outputs: Sequence[Path]) -> Iterator[None]:
    """Hold the work folders of a run's further outputs, so that no run that names one of them first writes to it, too.

    Raises:
        OutputError: another run holds one.
    """
    with ExitStack() as held:
        for output in outputs:
            folder = WorkFolder(WorkFolder.beside(output))
            _make(folder.path)
            held.enter_context(lock_folder(folder.path))
            held.callback(folder.remove_if_empty)
        yield


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
        handle = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR)
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


def _make(path: Path) -> None:
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the work folder {path} ({error.strerror})",
            hint="choose an output in a folder that exists and can be written",
        ) from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
