"""The folder of a run in progress: finished shards, one file each, and a record of what they were made from."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import Cancelled, FctlError, OutputError
from fctl_geo.progress import Progress
from fctl_geo.raster.mosaic import write_mosaic
from fctl_geo.raster.writer import BlockRasterWriter
from fctl_geo.run.difference import Facts, first_difference
from fctl_geo.spec import Legend
from fctl_geo.storage.lock import LOCK_NAME, lock_folder
from fctl_geo.storage.whole_files import hidden_name, write_text_whole
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.shards import Shard
from fctl_geo.windows.window import Window

_RECORD = "run.json"
_FACTS = "facts.json"
_MAY_CHANGE = "--min-area, --simplify, --max-vertices, --classes and the outputs may be changed"


@dataclass(frozen=True, slots=True)
class ShardOrigin:
    """What the shards of a run are made from and how they are cut."""

    key: str
    """`RunSpec.shard_key`"""
    shard_px: int
    arithmetic: str = ""
    """`RunSpec.arithmetic`"""
    facts: Facts = field(default_factory=dict)
    """`RunSpec.facts`: what the key was computed from, to explain how it differs from another."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is stored beside a shard's files: enough to verify later that they are still intact."""

    shard: str
    seconds: float
    sha256: dict[str, str]
    """Of each layer's file."""
    fallback: str = ""
    """What computed it, if not the device that the run was planned for (`Device.fallback`)."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


class WorkFolder:
    """A hidden folder beside the first output.

    A shard is finished once its receipt exists, which is written only after its files are complete, on disk and
    renamed. Whatever is finished after a kill is therefore complete, and its checksums show whether it is still
    intact. Only one run at a time starts, joins and removes a folder (`work_folder` locks it); any number of processes
    that know its path may write shards.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @classmethod
    def of_run(cls, path: Path, key: str) -> WorkFolder:
        """The folder of a run that another process has started.

        Args:
            key: what that run's shards are made from (`ShardOrigin.key`).
        Raises:
            OutputError: it does not exist, or now belongs to another run.
        """
        folder = cls(path)
        before = folder._key()
        if before is None:
            raise OutputError(
                f"the work folder {path} is not visible from {socket.gethostname()}",
                hint="outputs of a run on several machines must be in a folder that all of them share under one path",
            )
        if before != key:
            raise OutputError(f"the work folder {path} belongs to another run", hint="is the folder really shared?")
        return folder

    def stranger(self, origin: ShardOrigin) -> OutputError:
        """The error explaining why this process, which would make shards of `origin`, cannot work for this run."""
        words = self._difference(origin) or "a different scene, model, version or device"
        return OutputError(
            f"{socket.gethostname()} does not see the same inputs as the run at {self.path}: {words}",
            hint="install the same version everywhere, share scenes and models under one path, and do not change them "
            "while a run is in progress",
        )

    @staticmethod
    def beside(output: Path) -> Path:
        """The path of an output's work folder."""
        return output.with_name(hidden_name(output, ".fctl-work"))

    @staticmethod
    def shard_px_before(output: Path, resume: bool | None) -> int | None:
        """Shard side of an earlier, interrupted run to an output: a run that resumes it must cut shards alike."""
        if resume is False:
            return None
        try:
            return int(WorkFolder(WorkFolder.beside(output))._record()["shard_px"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def start(self, origin: ShardOrigin, progress: Progress, *, resume: bool | None) -> None:
        """Keep what an earlier run with the same key has finished, or clear the folder.

        Args:
            resume: True: a different key is an error; None: a folder with a different key is cleared; False: the
                folder is always cleared.
        """
        before = self._key()
        if resume and before not in (None, origin.key):
            words = self._difference(origin) or "a different scene, model or settings"
            raise OutputError(
                f"the shards in {self.path} belong to another run: {words}",
                hint="undo that and resume, or start over without --resume, which deletes the finished shards",
            )
        if before != origin.key or resume is False:
            for path in self.path.iterdir():
                if path.name != LOCK_NAME:
                    path.unlink(missing_ok=True)
            write_text_whole(self.path / _FACTS, json.dumps(origin.facts))
            record = {"key": origin.key, "shard_px": origin.shard_px, "arithmetic": origin.arithmetic}
            write_text_whole(self.path / _RECORD, json.dumps(record))
        elif (computed_by := str(self._record().get("arithmetic"))) != origin.arithmetic and not self.empty:
            progress.warn(
                f"the finished shards were computed by {computed_by}, the others will be computed by "
                f"{origin.arithmetic}: where two classes are equally likely, the result may differ from that of "
                "either alone"
            )
        for path in self.path.glob(".*.partial-*"):
            path.unlink(missing_ok=True)

    def has(self, layer: str, shard: Shard) -> bool:
        """Whether a shard of a layer is finished."""
        return self._receipt_path(layer, shard).exists()

    def finished(self, layer: str, shards: Sequence[Shard], progress: Progress) -> set[Shard]:
        """Shards of a layer that need not be recomputed: finished, with their files still intact."""
        found = {s for s in shards if self.has(layer, s)}
        whole = {s for s in found if self._is_whole(layer, s)}
        for shard in found - whole:
            self._receipt_path(layer, shard).unlink()
        if found - whole:
            progress.warn(f"{len(found - whole)} of {len(found)} finished shards are damaged and will be recomputed")
        return whole

    def shard_path(self, layer: str, shard: Shard) -> Path:
        """The file of a shard of a layer ('crude', 'classes', 'classes-confidence', ...)."""
        return self.path / f"{layer}-{shard.name}.tif"

    def keep(self, layer: str, shard: Shard, receipt: Receipt) -> None:
        """Mark a shard as finished."""
        write_text_whole(self._receipt_path(layer, shard), receipt.to_json())

    def joined_path(self, layer: str) -> Path:
        """All shards of a layer as one raster, once joined."""
        return self.path / f"{layer}.vrt"

    def join(self, layer: str, shards: Sequence[Shard], frame: RasterFrame, legend: Legend | None) -> None:
        """Combine all shards of a layer into one raster without copying them."""
        parts = [(self.shard_path(layer, s), s.core) for s in shards]
        write_mosaic(self.joined_path(layer), parts, frame, legend)

    def fallbacks(self) -> list[str]:
        """The devices that computed finished shards instead of the one that the run was planned for."""
        receipts = [json.loads(path.read_text("utf-8")) for path in self.path.glob("*-*.json")]
        return sorted({receipt.get("fallback", "") for receipt in receipts} - {""})

    @property
    def empty(self) -> bool:
        """Whether no shard is finished, so that nothing is lost with the folder."""
        return not any(p.suffix == ".tif" and not p.name.startswith(".") for p in self.path.glob("*"))

    def remove_if_empty(self) -> None:
        """Remove the folder if no shard is finished."""
        if self.empty:
            self.remove()

    def remove(self) -> None:
        """Remove the folder, with any shards in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _receipt_path(self, layer: str, shard: Shard) -> Path:
        return self.path / f"{layer}-{shard.name}.json"

    def _is_whole(self, layer: str, shard: Shard) -> bool:
        try:
            receipt = json.loads(self._receipt_path(layer, shard).read_text("utf-8"))
            return all(_sha256(self.shard_path(name, shard)) == sha for name, sha in receipt["sha256"].items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False  # the shard is recomputed, and `finished` warns about it

    def _key(self) -> str | None:
        try:
            return str(self._record()["key"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return "damaged"

    def _record(self) -> dict[str, Any]:
        return dict(json.loads((self.path / _RECORD).read_text("utf-8")))

    def _difference(self, origin: ShardOrigin) -> str:
        try:
            return first_difference(json.loads((self.path / _FACTS).read_text("utf-8")), origin.facts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return ""  # written by an earlier version, or damaged


class ShardFiles:
    """The files of one shard in progress, one per layer; all get their final names together at the end."""

    def __init__(self, folder: WorkFolder, shard: Shard, frame: RasterFrame, layers: Sequence[str]) -> None:
        self.folder, self.shard = folder, shard
        self._token = secrets.token_hex(4)  # a process believed dead may still be writing the same shard
        part = frame.cut(shard.core)
        self._writers = {layer: BlockRasterWriter.create(self._aside(layer), part) for layer in layers}

    def write(self, window: Window, layer: str, values: NDArray[np.uint8]) -> None:
        """Write values at an output window inside the shard."""
        core = self.shard.core
        at = Window(window.row - core.row, window.col - core.col, window.height, window.width)
        self._writers[layer].write(at, values)

    def finish(self, seconds: float, fallback: str) -> Receipt:
        """Close the files, give them their final names, then mark the shard as finished."""
        for writer in self._writers.values():
            writer.close()
        sums = {layer: _sha256(self._aside(layer)) for layer in self._writers}
        for layer in self._writers:
            self._aside(layer).replace(self.folder.shard_path(layer, self.shard))
        receipt = Receipt(self.shard.name, round(seconds, 3), sums, fallback)
        self.folder.keep(next(iter(self._writers)), self.shard, receipt)
        return receipt

    def abandon(self) -> None:
        """Remove the unfinished files."""
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


@contextmanager
def work_folder(output: Path, origin: ShardOrigin, progress: Progress, *, resume: bool | None) -> Iterator[WorkFolder]:
    """The work folder of a run: removed after success, kept after a failure if it holds finished shards."""
    folder = WorkFolder(WorkFolder.beside(output))
    _make(folder.path)
    with lock_folder(folder.path):
        try:
            folder.start(origin, progress, resume=resume)
            yield folder
        except BaseException as error:
            folder.remove_if_empty()
            if isinstance(error, Exception) and not output.parent.is_dir():
                raise OutputError(
                    f"the folder {output.parent} disappeared while a run was writing to it",
                    hint="was it moved, or its disk unmounted? Restore it and run the same command again",
                ) from error
            raise
        else:
            folder.remove()


@contextmanager
def hint_to_resume(work: WorkFolder, resume: bool | None) -> Iterator[None]:
    """Add a hint to errors that leave finished shards behind, unless the next call resumes by itself (None)."""
    try:
        yield
    except Cancelled:
        raise
    except FctlError as error:
        if resume is not None and not work.empty and "--resume" not in error.hint:
            kept = f"the finished shards are kept: run again with --resume ({_MAY_CHANGE})"
            error.hint = f"{error.hint}; {kept}" if error.hint else kept
        raise


@contextmanager
def hold_outputs(outputs: Sequence[Path]) -> Iterator[None]:
    """Lock the work folders of a run's other outputs, so that no run whose first output is one of them writes to it.

    Raises:
        OutputError: another run has locked one.
    """
    with ExitStack() as held:
        for output in outputs:
            folder = WorkFolder(WorkFolder.beside(output))
            _make(folder.path)
            held.enter_context(lock_folder(folder.path))
            held.callback(folder.remove_if_empty)
        yield


def _make(path: Path) -> None:
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot create the work folder {path} ({error.strerror})",
            hint="choose an output in a folder that exists and is writable",
        ) from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
