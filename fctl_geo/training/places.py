"""Places to evaluate a model on: a scene and its truth, read by window in the model's own classes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import TrainingError
from fctl_geo.products.rings import count_polygons
from fctl_geo.progress import Progress, Silent
from fctl_geo.raster.reader import open_class_raster
from fctl_geo.scene import Scene
from fctl_geo.scene.labels import PolygonLabels, read_class_column
from fctl_geo.spec import NODATA, Legend
from fctl_geo.training.data import ValidationSet
from fctl_geo.training.labeled_scenes import LabeledScene, open_labeled
from fctl_geo.training.labels import VectorLabels, open_labels
from fctl_geo.training.metrics import truth_of_rows
from fctl_geo.training.sources import AllowedTable, LabelledImage
from fctl_geo.training.write_image import write_image
from fctl_geo.windows.window import Window

Truth = Callable[[Window], NDArray[np.uint8]]
"""(h, w) index in the legend; 255: not scored."""

Objects = Callable[[Window, str], NDArray[np.int32]]
"""(h, w) number of the object of a class that each pixel belongs to, the same in all windows; 0: none."""

PICTURE_BANDS = ("red", "green", "blue")


@dataclass(frozen=True, slots=True)
class Place:
    """One scene to evaluate on."""

    name: str
    scene: Path
    settings: Mapping[str, object]
    """Settings for segmenting the scene: gsd_m, bands, aoi."""
    opened: Scene
    """The same scene at its own pixel size, for images and frames."""
    truth: Truth
    windows: tuple[Window, ...]
    """The parts that are scored; everything else does not count."""
    partial: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Values of the truth, beyond those of the legend, that allow several classes, with the indices of these."""
    objects: Objects | None = None
    """Objects, if the labels define them (polygons do); None: connected regions are objects."""


@contextmanager
def image_place(image: LabelledImage, table: AllowedTable) -> Iterator[Place]:
    """A labeled image in memory, as a user would provide it: pixels only, with holes not marked."""
    from fctl_geo.scene import open_scene
    from fctl_geo.settings import SceneSettings
    from fctl_geo.spec import InputSpec

    lookup = truth_of_rows(table)
    several = {len(table.names) + i: row for i, row in enumerate(table.rows) if len(row) > 1}
    lookup[[value - len(table.names) for value in several]] = list(several)

    def truth(window: Window) -> NDArray[np.uint8]:
        out = np.full(window.size_hw, NODATA, np.uint8)
        part = window.clip(Window(0, 0, *image.label.shape))
        out[part.slices_in(window)] = lookup[image.label[part.slices_in(Window(0, 0, *image.label.shape))]]
        return out

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.tif"
        write_image(path, image.pixels)
        with open_scene(path, InputSpec(bands=PICTURE_BANDS), SceneSettings(gsd_m=image.gsd_m)) as opened:
            whole = (Window(0, 0, *image.label.shape),)
            yield Place(image.name, path, {"gsd_m": image.gsd_m}, opened, truth, whole, several)


@contextmanager
def scene_place(
    scene: LabeledScene,
    legend: Legend,
    work: Path,
    progress: Progress,
    *,
    windows: Sequence[Window] = (),
    unjudged: frozenset[str] = frozenset(),
) -> Iterator[Place]:
    """A scene in a file with its labels.

    Args:
        legend: that of the model; labels are matched by name.
        windows: the parts to score; empty: everything that is labeled.
        unjudged: classes of the truth that are not counted.
    Raises:
        TrainingError: the labels and the model have no class in common.
    """
    bands = PICTURE_BANDS
    with open_labeled(scene, bands) as opened:
        labels = open_labels(scene.labels, opened, work, progress)
        lookup = lookup_of(labels.names, legend, unjudged, scene.labels.path.name, progress)

        def truth(window: Window) -> NDArray[np.uint8]:
            return np.where(opened.wanted(window), lookup[labels.read(window)], NODATA).astype(np.uint8)

        given = {k: v for k, v in (("gsd_m", scene.settings.gsd_m), ("aoi", scene.settings.aoi)) if v is not None}
        chosen = tuple(windows) or (opened.frame_window,)
        objects = labels.objects if isinstance(labels, VectorLabels) else None
        yield Place(scene.name, scene.image, given, opened, truth, chosen, objects=objects)


def lookup_of(
    names: Mapping[int, str], legend: Legend, unjudged: frozenset[str], where: str, progress: Progress
) -> NDArray[np.uint8]:
    """(256,) index in the legend of each label value, matched by class name; 255 for what is not scored.

    Class rasters without names ('class 1') are matched by their numbers.
    """
    lookup = np.full(256, NODATA, np.uint8)
    indices = {c.name.lower(): i for i, c in enumerate(legend)}
    by_number = {f"class {c.id}": i for i, c in enumerate(legend)} | {str(c.id): i for i, c in enumerate(legend)}
    strange = []
    for value, name in names.items():
        index = indices.get(name.lower(), by_number.get(name.lower()))
        if index is not None and name.lower() not in unjudged:
            lookup[value] = index
        elif name.lower() not in unjudged and not name.startswith("class "):
            strange.append(name)
    if (lookup == NODATA).all():
        raise TrainingError(
            f"the classes of {where} ({', '.join(strange[:8]) or 'none'}) are not among those of the model: "
            f"{', '.join(c.name for c in legend)}",
            hint='map the values to classes: --classes "value=class,..."',
        )
    if strange:
        progress.warn(f"{where}: not scored because the model has no such class: {', '.join(strange[:8])}")
    return lookup


def places_of(
    validation: ValidationSet, legend: Legend, table: AllowedTable, work: Path, progress: Progress
) -> Iterator[Place]:
    """The places of a recipe's validation set, one open at a time."""
    for image in validation.images:
        with image_place(image, table) as place:
            yield place
    for part in validation.scenes:
        with scene_place(part.found.scene, legend, work, progress, windows=part.windows) as place:
            yield place


class Predicted:
    """A class raster of (a part of) a scene, read in windows of the scene, as indices of a legend."""

    def __init__(
        self, path: Path, legend: Legend, opened: Scene, *, own_grid: bool, objects: Objects | None = None
    ) -> None:
        """Open the raster.

        Args:
            own_grid: the raster was made from this scene or a part of it, and has its grid. Otherwise it is resampled
                to this grid (nearest neighbor).
            objects: which pixels form one object; None: connected regions.
        """
        self.objects = objects
        frame = opened.scene_frame
        self.raster = open_class_raster(path, legend, onto=None if own_grid else frame)
        self._row, self._col = _offset(frame.transform, self.raster.frame.transform) if own_grid else (0, 0)
        self._lookup = np.full(256, NODATA, np.uint8)
        for i, info in enumerate(legend):
            self._lookup[info.id] = i

    def read(self, window: Window) -> NDArray[np.uint8]:
        """(h, w) index in the legend; 255 where there is no class."""
        moved = Window(window.row - self._row, window.col - self._col, window.height, window.width)
        return np.asarray(self._lookup[self.raster.read(moved)], np.uint8)

    def close(self) -> None:
        self.raster.close()


def polygon_objects(path: Path, opened: Scene) -> Objects:
    """The polygons that a run wrote for a scene, as objects on the scene's grid."""
    if not count_polygons(path):
        return lambda window, name: np.zeros(window.size_hw, np.int32)
    column = read_class_column(path, "class_name")
    names = sorted(column.counts)
    index_of = {name: i for i, name in enumerate(names)}
    polygons = PolygonLabels(column, opened.scene_frame, index_of, folder=path.parent, progress=Silent())
    return VectorLabels(polygons, names).objects


def _offset(scene: tuple[float, ...], part: tuple[float, ...]) -> tuple[int, int]:
    """Row and column of the part's corner in the scene; both have the same pixel size."""
    a, b, c, d, e, f = scene
    x, y = part[2] - c, part[5] - f
    det = a * e - b * d
    return round((a * y - d * x) / det), round((e * x - b * y) / det)
