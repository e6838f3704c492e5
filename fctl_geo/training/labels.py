"""Labels read by window on the scene's own grid: rasters, RGB masks, polygons with a class column."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import TrainingError
from fctl_geo.progress import Progress
from fctl_geo.scene.labels import ANY, PolygonLabels, read_class_column
from fctl_geo.scene.scene import Scene
from fctl_geo.spec import NODATA
from fctl_geo.training.color_masks import classes_of_colors, parse_color
from fctl_geo.windows.window import Window

RASTER_ENDINGS = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2", ".vrt", ".img", ".bmp")
"""Labels with any other extension are read as a vector file."""


@dataclass(frozen=True, slots=True)
class LabelSpec:
    """Where the labels of an image are, and what their values mean."""

    path: Path
    field: str | None = None
    """Vector files: the column that contains the class."""
    classes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Value ("1", "house", or "RRGGBB" of an RGB mask) to class; other values are unlabeled. Vector
    files: "*" stands for all other values. Empty: each value is a class of that name."""
    background: str = ""
    """Vector files: the class of everything outside the polygons; empty: unlabeled."""

    @property
    def is_raster(self) -> bool:
        return self.path.suffix.lower() in RASTER_ENDINGS


class Labels(Protocol):
    """Labels on a scene's grid. Thread-safe."""

    names: Mapping[int, str]
    """Class of each value that `read` can return, other than 255 (unlabeled)."""

    def read(self, window: Window) -> NDArray[np.uint8]: ...


def open_labels(spec: LabelSpec, scene: Scene, work: Path, progress: Progress) -> Labels:
    """The labels of a scene.

    Args:
        work: a folder for files that are derived from the labels.
    Raises:
        TrainingError: a missing file, a missing column, or a grid that does not fit.
    """
    if not spec.path.exists():
        raise TrainingError(
            f"the label file {spec.path} does not exist", hint="check the path, or leave that image out"
        )
    if not spec.is_raster:
        return _polygon_labels(spec, scene, work, progress)
    import rasterio

    from fctl_geo.raster.gdal import open_quietly

    with rasterio.Env(), open_quietly(spec.path) as dataset:
        colored = dataset.count >= 3
    return ColorMaskLabels(spec, scene) if colored else RasterLabels(spec, scene)


def _polygon_labels(spec: LabelSpec, scene: Scene, work: Path, progress: Progress) -> Labels:
    column = read_class_column(spec.path, spec.field, any_class=set(spec.classes) == {ANY})
    frame = scene.scene_frame
    if not frame.crs_wkt and column.vector.crs:
        raise TrainingError(
            f"{Path(scene.info.path).name} is not georeferenced, but the labels {spec.path.name} have a CRS",
            hint="georeference the image (QGIS: Layer > Georeferencer), or use a label raster of the image's size",
        )
    asked = set(spec.classes) or set(column.counts)
    found = sorted(asked & {ANY, *column.counts})
    if not found:
        raise TrainingError(
            f"column {spec.field!r} of {spec.path.name} contains none of the values {', '.join(sorted(asked)[:6])}",
            hint=f"its values: {', '.join(sorted(column.counts)[:12])}",
        )
    names = list(dict.fromkeys([*([spec.background] if spec.background else []), *(_named(spec, v) for v in found)]))
    if len(names) > NODATA:
        raise TrainingError(
            f"column {spec.field!r} has {len(names)} values, the maximum is {NODATA} classes",
            hint="choose another column, or map values to classes with --classes",
        )
    index_of = {value: names.index(_named(spec, value)) for value in found}
    outside = names.index(spec.background) if spec.background else NODATA
    polygons = PolygonLabels(column, frame, index_of, outside=outside, folder=work, progress=progress)
    return VectorLabels(polygons, names)


def _named(spec: LabelSpec, value: str) -> str:
    return spec.classes.get(value, value)


class VectorLabels:
    """Polygons, rasterized by window."""

    def __init__(self, polygons: PolygonLabels, names: list[str]) -> None:
        self.polygons = polygons
        self.names: Mapping[int, str] = dict(enumerate(names))

    def read(self, window: Window) -> NDArray[np.uint8]:
        return self.polygons.read(window)

    def objects(self, window: Window, name: str) -> NDArray[np.int32]:
        """(h, w) number of the polygon of a class that each pixel lies in; 0: none."""
        index = next((i for i, own in self.names.items() if own.lower() == name.lower()), NODATA)
        return self.polygons.read_features(window, index)


class RasterLabels:
    """A class raster, resampled to the scene's grid (nearest neighbor) if it has another one."""

    def __init__(self, spec: LabelSpec, scene: Scene) -> None:
        from fctl_geo.raster.reader import open_class_raster

        self._lock = threading.Lock()
        if not spec.classes:
            self.raster = open_class_raster(spec.path, onto=scene.scene_frame)
            self.names: Mapping[int, str] = {i: self.raster.legend.name_of(i) for i in range(NODATA)}
            return
        names = list(dict.fromkeys(spec.classes.values()))
        numbers = {_value(value, spec): names.index(name) for value, name in spec.classes.items()}
        self.raster = open_class_raster(spec.path, onto=scene.scene_frame, numbers=numbers)
        self.names = dict(enumerate(names))

    def read(self, window: Window) -> NDArray[np.uint8]:
        with self._lock:
            return self.raster.read(window)


class ColorMaskLabels:
    """An RGB image whose colors are classes, on the scene's own grid."""

    def __init__(self, spec: LabelSpec, scene: Scene) -> None:
        from fctl_geo.raster.gdal import open_quietly

        if not spec.classes:
            raise TrainingError(
                f"{spec.path.name} is an RGB image, and its colors have not been mapped to classes",
                hint='map them: --classes "FF0000=building,000000=background"',
            )
        self.dataset = open_quietly(spec.path)
        if self.dataset.shape != scene.scene_frame.size_hw:
            raise TrainingError(
                f"{Path(scene.info.path).name} has {scene.scene_frame.size_hw} px, its mask {self.dataset.shape} "
                "(rows, columns)",
                hint="use a mask of the same size as the image",
            )
        names = list(dict.fromkeys(spec.classes.values()))
        self.names: Mapping[int, str] = dict(enumerate(names))
        self._colors = {parse_color(v, spec.path.name): names.index(name) for v, name in spec.classes.items()}
        self._lock = threading.Lock()

    def read(self, window: Window) -> NDArray[np.uint8]:
        from rasterio.windows import Window as RasterioWindow

        inside = window.clip(Window(0, 0, *self.dataset.shape))
        out = np.full(window.size_hw, NODATA, np.uint8)
        if inside.empty:
            return out
        with self._lock:
            box = RasterioWindow(inside.col, inside.row, inside.width, inside.height)
            rgb = self.dataset.read((1, 2, 3), window=box)
        out[inside.slices_in(window)] = classes_of_colors(rgb, self._colors, NODATA)
        return out


def _value(word: str, spec: LabelSpec) -> int:
    try:
        number = int(word)
    except ValueError:
        number = -1
    if number < 0:
        raise TrainingError(f"{word!r} is not a value of the class raster {spec.path.name}", hint="use integers")
    return number
