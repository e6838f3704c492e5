"""Labeled scenes of any size to draw samples from; pixels and labels are read by window, never as a whole."""

from __future__ import annotations

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import TrainingError
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.raster.reader import ClassRaster, open_class_raster
from fctl_geo.raster.writer import BlockRasterWriter
from fctl_geo.scene import Scene, open_scene
from fctl_geo.settings import SceneSettings
from fctl_geo.spec import NODATA, InputSpec, Legend
from fctl_geo.storage.identity import identities_of
from fctl_geo.storage.whole_files import write_text_whole
from fctl_geo.training.labels import LabelSpec, open_labels
from fctl_geo.training.sources import IGNORE
from fctl_geo.windows.window import Window

SCAN_PX = 2048
"""Labels are scanned in windows of this side."""
_POINTS = 250_000
"""Approximate number of labeled pixels per image to sample from."""
_FINEST_STRIDE_PX = 16
_OPEN_FILES = 16
_CACHE_BYTES = 32 << 20
"""Of decoded pixels, for each open scene."""


@dataclass(frozen=True, slots=True)
class LabeledScene:
    """An image file and where its labels are."""

    name: str
    image: Path
    labels: LabelSpec
    settings: SceneSettings = field(default_factory=SceneSettings)
    """Pixel size if the file does not contain it, bands, and the labeled area (aoi)."""


@dataclass(frozen=True, slots=True)
class Survey:
    """A summary of the labels of a scene, from scanning them once."""

    scene: LabeledScene
    raster: Path
    """Labels on the scene's grid; uint8, 255 = unlabeled."""
    names: Mapping[int, str]
    """Class name of each value in the raster."""
    counts: Mapping[str, int]
    """Labeled pixels by class."""
    size_hw: tuple[int, int]
    gsd_m: float | None
    stride_px: int
    points: NDArray[np.int64]
    """(n, 2) row and column of labeled pixels, on a grid of stride_px."""
    values: NDArray[np.uint8]
    """(n,) their labels."""


def survey(scene: LabeledScene, bands: tuple[str, ...], work: Path, progress: Progress) -> Survey:
    """Scan the labels of a scene once: check and count them, and write a copy on the scene's grid that is fast to read.

    Args:
        work: a folder for the copy; a complete copy from an earlier run with the same files is reused.
    Raises:
        TrainingError: no label lies on the imagery, or the files do not fit together.
    """
    record = work / "survey.json"
    files = [asdict(file) for file in identities_of((scene.image, scene.labels.path))]
    identity = [files, repr(scene.labels), repr(scene.settings), bands]
    if record.exists():
        known = json.loads(record.read_text("utf-8"))
        if known["identity"] == json.loads(json.dumps(identity)):
            return _recalled(scene, work, known)
    work.mkdir(parents=True, exist_ok=True)
    with open_labeled(scene, bands) as opened:
        found = _scan(scene, opened, work, progress)
    facts = {
        "identity": identity,
        "names": {str(k): v for k, v in found.names.items()},
        "counts": dict(found.counts),
        "size_hw": found.size_hw,
        "gsd_m": found.gsd_m,
        "stride_px": found.stride_px,
    }
    np.savez_compressed(work / "points.npz", points=found.points, values=found.values)
    write_text_whole(record, json.dumps(facts))
    return found


def open_labeled(scene: LabeledScene, bands: tuple[str, ...]) -> Scene:
    """The image of a labeled scene at its own pixel size, 8 bits per band."""
    return open_scene(scene.image, InputSpec(bands=bands, gsd_m=None), scene.settings, cache_bytes=_CACHE_BYTES)


def _scan(scene: LabeledScene, opened: Scene, work: Path, progress: Progress) -> Survey:
    labels = open_labels(scene.labels, opened, work, progress)
    height, width = opened.scene_frame.size_hw
    stride = max(_FINEST_STRIDE_PX, math.ceil(math.sqrt(height * width / _POINTS)))
    raster = work / "labels.tif"
    counts = np.zeros(256, np.int64)
    points, values = [], []
    with BlockRasterWriter.create(raster, opened.scene_frame) as writer:
        for window in scan_windows(opened.frame_window):
            check_cancelled(progress)
            label = labels.read(window)
            if (label != NODATA).any():
                label = np.where(opened.wanted(window), label, NODATA).astype(np.uint8)
                writer.write(window, label)
                counts += np.bincount(label.ravel(), minlength=256)
                rows, cols = _lattice(window.row, window.height, stride), _lattice(window.col, window.width, stride)
                at = label[np.ix_(rows - window.row, cols - window.col)]
                known = np.nonzero(at != NODATA)
                points.append(np.stack([rows[known[0]], cols[known[1]]], axis=1))
                values.append(at[known])
    counts[NODATA] = 0
    if not counts.any():
        raise _no_overlap(scene, opened)
    by_name: dict[str, int] = {}
    for value in np.nonzero(counts)[0]:
        name = labels.names[int(value)]
        by_name[name] = by_name.get(name, 0) + int(counts[value])
    return Survey(
        scene, raster, {int(v): labels.names[int(v)] for v in np.nonzero(counts)[0]}, by_name, (height, width),
        opened.info.gsd_m, stride, np.concatenate(points), np.concatenate(values),
    )  # fmt: skip


def scan_windows(whole: Window, side_px: int = SCAN_PX) -> Iterator[Window]:
    """Windows that cover `whole`, row by row, aligned to the raster's blocks."""
    for row in range(whole.row // side_px * side_px, whole.row_end, side_px):
        for col in range(whole.col // side_px * side_px, whole.col_end, side_px):
            yield Window(row, col, side_px, side_px).clip(whole)


def _lattice(start: int, size: int, stride: int) -> NDArray[np.int64]:
    """Every stride-th pixel, counted from stride // 2 of the scene: stride 16 -> 8, 24, 40, ..."""
    first = start + (stride // 2 - start) % stride
    return np.arange(first, start + size, stride)


def _no_overlap(scene: LabeledScene, opened: Scene) -> TrainingError:
    frame = opened.scene_frame
    a, b, c, d, e, f = frame.transform
    xs = [a * x + b * y + c for x in (0, frame.width) for y in (0, frame.height)]
    ys = [d * x + e * y + f for x in (0, frame.width) for y in (0, frame.height)]
    area = " inside the labeled area" if scene.settings.aoi else ""
    return TrainingError(
        f"no label of {scene.labels.path.name} lies on the imagery of {scene.image.name}{area}: the image covers "
        f"x {min(xs):.10g} to {max(xs):.10g}, y {min(ys):.10g} to {max(ys):.10g} (its CRS)",
        hint="check the CRS of the labels; load both in QGIS to see where they lie",
    )


def refuse_strangers(surveys: Sequence[Survey], bands: tuple[str, ...], progress: Progress) -> None:
    """Refuse images on which no polygon lies: all of it would be background, which is hardly true.

    Raises:
        TrainingError: no polygon lies on any of the images.
    """
    empty = [s for s in surveys if s.scene.labels.background and set(s.counts) == {s.scene.labels.background}]
    if empty and len(empty) == len(surveys):
        with open_labeled(empty[0].scene, bands) as opened:
            raise _no_overlap(empty[0].scene, opened)
    for one in empty:
        progress.warn(f"no polygon lies on {one.scene.image.name}: all of it counts as {one.scene.labels.background}")


def _recalled(scene: LabeledScene, work: Path, known: dict[str, object]) -> Survey:
    with np.load(work / "points.npz") as kept:
        points, values = kept["points"], kept["values"]
    names: dict[str, str] = known["names"]  # type: ignore[assignment]
    height, width = known["size_hw"]  # type: ignore[misc]
    return Survey(
        scene, work / "labels.tif", {int(k): v for k, v in names.items()}, known["counts"], (height, width),  # type: ignore[arg-type,has-type]
        known["gsd_m"], known["stride_px"], points, values,  # type: ignore[arg-type]
    )  # fmt: skip


class Closable(Protocol):
    """A file that a pool can keep open."""

    def close(self) -> None: ...


File = TypeVar("File", bound=Closable)


class FilePool(Generic[File]):
    """Keeps the most recently used files open; a file in use is never closed. Thread-safe."""

    def __init__(self, most: int = _OPEN_FILES) -> None:
        self.most = most
        self._open: OrderedDict[Path, File] = OrderedDict()
        self._users: dict[Path, int] = {}
        self._lock = threading.Lock()

    @contextmanager
    def use(self, path: Path, make: Callable[[], File]) -> Iterator[File]:
        """The file at a path, opened by `make` if it is not open yet."""
        with self._lock:
            if path not in self._open:
                self._make_room()
                self._open[path] = make()
            self._open.move_to_end(path)
            self._users[path] = self._users.get(path, 0) + 1
            file = self._open[path]
        try:
            yield file
        finally:
            with self._lock:
                self._users[path] -= 1

    def _make_room(self) -> None:
        for path in list(self._open):
            if len(self._open) < self.most:
                return
            if not self._users.get(path):
                self._open.pop(path).close()

    def close(self) -> None:
        with self._lock:
            for file in self._open.values():
                file.close()
            self._open.clear()


class GroundFiles:
    """The open images and label rasters of all grounds."""

    def __init__(self) -> None:
        self.scenes: FilePool[Scene] = FilePool()
        self.labels: FilePool[ClassRaster] = FilePool()

    def close(self) -> None:
        self.scenes.close()
        self.labels.close()


class SceneGround:
    """A surveyed scene to cut samples from."""

    def __init__(
        self,
        found: Survey,
        bands: tuple[str, ...],
        row_of: Mapping[str, int],
        files: GroundFiles,
        *,
        gsd_m: float,
        hidden: Sequence[Window] = (),
        shown: Sequence[Window] | None = None,
    ) -> None:
        """Prepare the scene.

        Args:
            row_of: row of the allowed table for each class name; other classes are ignored.
            hidden: windows whose labels are hidden (they are for validation).
            shown: windows outside of which labels are hidden; None: nothing is hidden.
        """
        self.found, self._bands, self._files = found, bands, files
        self.name, self.gsd_m, self.size_hw, self.bands = found.scene.name, gsd_m, found.size_hw, len(bands)
        self._lookup = np.full(256, IGNORE, np.uint8)
        for value, name in found.names.items():
            self._lookup[value] = row_of.get(name, IGNORE)
        self._hidden, self._shown = tuple(hidden), shown
        self._lock = threading.Lock()
        rows = self._lookup[found.values]
        kept = (rows != IGNORE) & ~self._is_hidden(found.points)
        self.labelled, self.label_at = found.points[kept], rows[kept]
        self.area_m2 = float(len(self.labelled) * (found.stride_px * gsd_m) ** 2)

    def pixels_in(
        self, window: Window, step_px: float
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_], tuple[float, int, int]]:
        factor = 2 ** max(0, round(math.log2(max(step_px, 1.0)) - 0.25))
        height, width = self.size_hw
        level = Window(0, 0, -(-height // factor), -(-width // factor))
        row, col = window.row // factor, window.col // factor
        asked = Window(row, col, -(-window.row_end // factor) - row, -(-window.col_end // factor) - col).clip(level)
        if asked.empty:
            return np.zeros((1, 1, self.bands), np.uint8), np.zeros((1, 1), np.bool_), (float(factor), row, col)
        with self._scene() as scene:
            tile = scene.read(asked, factor)
        pixels = np.ascontiguousarray(tile.pixels.transpose(1, 2, 0))
        return pixels.astype(np.uint8, copy=False), tile.valid, (float(factor), asked.row, asked.col)

    def label_in(self, window: Window) -> tuple[NDArray[np.uint8], int, int]:
        inside = window.clip(Window(0, 0, *self.size_hw))
        if inside.empty:
            return np.full((1, 1), IGNORE, np.uint8), window.row, window.col
        raster = self.found.raster
        with self._files.labels.use(raster, lambda: open_class_raster(raster, Legend(()))) as labels, self._lock:
            label = self._lookup[labels.read(inside)]
        if self._shown is not None:
            open_ = np.zeros(label.shape, np.bool_)
            for part in self._shown:
                open_[part.clip(inside).slices_in(inside)] = True
            label[~open_] = IGNORE
        for part in self._hidden:
            if not part.clip(inside).empty:
                label[part.clip(inside).slices_in(inside)] = IGNORE
        return label, inside.row, inside.col

    def _is_hidden(self, points: NDArray[np.int64]) -> NDArray[np.bool_]:
        hidden = _inside_any(points, self._hidden)
        return hidden if self._shown is None else hidden | ~_inside_any(points, self._shown)

    def _scene(self) -> AbstractContextManager[Scene]:
        scene = self.found.scene
        return self._files.scenes.use(scene.image, lambda: open_labeled(scene, self._bands))


def _inside_any(points: NDArray[np.int64], windows: Sequence[Window]) -> NDArray[np.bool_]:
    inside = np.zeros(len(points), np.bool_)
    for w in windows:
        inside |= (
            (points[:, 0] >= w.row) & (points[:, 0] < w.row_end) & (points[:, 1] >= w.col) & (points[:, 1] < w.col_end)
        )
    return inside
