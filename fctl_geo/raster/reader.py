"""Read a class raster from any source as uint8 classes, 255 for nodata, with a legend."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as RasterioWindow

from fctl_geo.errors import ExternalError, ReadError, SceneError, SettingsError
from fctl_geo.georef.pixel_size import area_warnings
from fctl_geo.raster.gdal import affine_of, crs_of, gdal_session, open_quietly
from fctl_geo.raster.legend_tag import LEGEND_TAG
from fctl_geo.raster.pam import Color, legend_from_pam
from fctl_geo.scene.georeference import Georeference, georeference_of, placement_of
from fctl_geo.scene.references import SAFE_OPTIONS, check_parts, drivers_for, open_with
from fctl_geo.scene.unreadable import why_unreadable
from fctl_geo.spec import NODATA, ClassInfo, Legend, distinct_color
from fctl_geo.storage.address import gdal_name
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window

_CONVERT = (
    "check it with gdalinfo, and convert it to a file that holds its own pixels: gdal_translate -of COG "
    "(--allow-external is for scenes only)"
)


class ClassRaster:
    """An open class raster. Not safe to share between threads: open it once per thread."""

    def __init__(
        self,
        path: Path,
        dataset: DatasetReader | WarpedVRT,
        frame: RasterFrame,
        legend: Legend,
        numbers: Mapping[int, int] | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        """Use `open_class_raster`."""
        assert frame.size_hw == dataset.shape, (frame, dataset.shape)
        self._numbers = numbers
        self.path = path
        self.legend = legend
        self.frame = frame
        self.warnings = warnings
        """What the user must know about the raster's georeferencing and the areas measured in it."""
        self.nodata: int | None = None if dataset.nodata is None else int(dataset.nodata)
        """The file's own nodata value; `read` always returns 255 for it."""
        self.block_hw: tuple[int, int] = dataset.block_shapes[0]
        self._dataset = dataset
        self._masked = MaskFlags.per_dataset in dataset.mask_flag_enums[0]

    @property
    def tags(self) -> dict[str, str]:
        """The file's dataset tags (model, version and settings if this package wrote it)."""
        return dict(self._dataset.tags())

    def rows(self, row: int, height: int) -> npt.NDArray[np.uint8]:
        """(height, width) uint8 classes of complete rows; rows outside the raster are 255."""
        return self.read(Window(row, 0, height, self.frame.width))

    def read(self, window: Window) -> npt.NDArray[np.uint8]:
        """(h, w) uint8 classes; 255 for nodata, masked pixels and anything outside the raster.

        Raises:
            ReadError: the file is damaged in this window.
            SceneError: it contains a value outside 0..254 that is not nodata.
        """
        inside = window.clip(Window(0, 0, *self.frame.size_hw))
        if inside == window:
            return self._read_inside(window)
        values = np.full(window.size_hw, NODATA, np.uint8)
        if not inside.empty:
            values[inside.slices_in(window)] = self._read_inside(inside)
        return values

    def shrunk(self, size_hw: tuple[int, int]) -> npt.NDArray[np.uint8]:
        """The whole raster at a smaller size, from its overviews if it has them, else from every n-th pixel."""
        try:
            with gdal_session():
                raw = self._dataset.read(1, out_shape=size_hw)
                hidden = self._dataset.read_masks(1, out_shape=size_hw) == 0 if self._masked else None
        except RasterioError as error:
            raise ReadError(f"{self.path} is damaged: {error}", hint="copy or create the file again") from error
        return self._classes(raw, hidden)

    def close(self) -> None:
        with gdal_session():
            self._dataset.close()

    def __enter__(self) -> ClassRaster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_inside(self, window: Window) -> npt.NDArray[np.uint8]:
        where = RasterioWindow(window.col, window.row, window.width, window.height)
        try:
            with gdal_session():
                raw = self._dataset.read(1, window=where)
                hidden = self._dataset.read_masks(1, window=where) == 0 if self._masked else None
        except RasterioError as error:
            raise ReadError(
                f"{self.path} is damaged in rows {window.row} to {window.row_end}, "
                f"columns {window.col} to {window.col_end}: {error}",
                hint="copy or create the file again",
            ) from error
        return self._classes(raw, hidden)

    def _classes(self, raw: npt.NDArray[Any], hidden: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.uint8]:
        if self._numbers is not None:
            named = np.full(raw.shape, NODATA, np.uint8)
            for value, number in self._numbers.items():
                named[raw == value] = number
            return named
        if raw.dtype == np.uint8 and self.nodata == NODATA and hidden is None:
            return raw
        if self.nodata is not None:
            empty = raw == self.nodata
            hidden = empty if hidden is None else hidden | empty
        wrong = (raw < 0) | (raw >= NODATA)
        if hidden is not None:
            wrong &= ~hidden
        if wrong.any():
            raise SceneError(
                f"{self.path} has the value {raw[wrong][0]}, but class numbers must be from 0 to 254",
                hint="if it means nodata: gdal_edit.py -a_nodata VALUE FILE; otherwise renumber it with gdal_calc.py",
            )
        values = raw.astype(np.uint8)
        if hidden is not None:
            values[hidden] = NODATA
        return values


def open_class_raster(
    path: str | Path,
    legend: Legend | None = None,
    *,
    frame: RasterFrame | None = None,
    gsd_m: float | None = None,
    onto: RasterFrame | None = None,
    numbers: Mapping[int, int] | None = None,
) -> ClassRaster:
    """Open a single-band integer raster that holds classes.

    Args:
        path: any raster that GDAL reads, with one band (a second one may be alpha).
        frame: the location of a raster that this package made: the file itself need not state it, and it is trusted.
            Any other raster lies where its file says, by ground control points too, and may not refer to files outside
            its folder (`scene.references`).
        gsd_m: ground meters per pixel as given by the user, for a raster whose CRS does not define them.
        onto: the grid to read it on, by the nearest pixel; None: its own grid. A raster of the same size at the same
            location, or of the same size and not georeferenced, is read unchanged.
        numbers: class for each value, for files that number classes differently (0 and 255 in a mask); other values
            are nodata.
        legend: names and colors; None: taken from our tag, the RAT or category names (`.aux.xml`), the palette, or
            else 'class N' in distinct colors. No pixel is read for it: without names it may list ids that do not occur.
    Raises:
        SceneError: not a raster, several bands, values that are not integers, references to files elsewhere, or a
            location that only warping could determine.
    """
    path = Path(path)
    dataset = _open(path, trusted=frame is not None)
    try:
        _check_classes(path, dataset)
        legend = legend or _find_legend(path, dataset)
        if frame is not None:
            return ClassRaster(path, dataset, frame, legend, numbers)
        place = georeference_of(placement_of(dataset, path.name))
        if onto is not None:
            return ClassRaster(path, _moved_onto(path, dataset, place, onto), onto, legend, numbers)
        if place.refusal is not None:
            raise place.refusal
        frame = place.frame(gsd_m)
        warnings = (*place.warnings, *area_warnings(frame, path.name))
        return ClassRaster(path, dataset, frame, legend, numbers, warnings)
    except BaseException:
        dataset.close()
        raise


def _moved_onto(
    path: Path, dataset: DatasetReader, place: Georeference, frame: RasterFrame
) -> DatasetReader | WarpedVRT:
    """The dataset on another grid, warped window by window; pixels that it does not cover are nodata."""
    same_size = dataset.shape == frame.size_hw
    placed = bool(place.crs_wkt) and bool(frame.crs_wkt)
    if same_size and (not placed or place.transform == frame.transform):
        return dataset
    if not placed:
        subject = f"{path.name} has" if not place.crs_wkt else "the scene has"
        raise SceneError(
            f"{path.name} is {dataset.height} x {dataset.width} px, the scene {frame.height} x {frame.width}, "
            f"and {subject} no CRS",
            hint="use a raster on the scene's own pixel grid, or make sure that both it and the scene have a CRS",
        )
    nodata = NODATA if dataset.nodata is None else dataset.nodata
    own = place.frame()
    return WarpedVRT(
        dataset, src_crs=crs_of(own), src_transform=affine_of(own),
        crs=crs_of(frame), transform=affine_of(frame), width=frame.width, height=frame.height,
        src_nodata=nodata, nodata=nodata, resampling=Resampling.nearest,
    )  # fmt: skip


def _open(path: Path, *, trusted: bool) -> DatasetReader:
    try:
        with gdal_session(**SAFE_OPTIONS):
            return open_quietly(path) if trusted else _open_checked(gdal_name(path))
    except ExternalError as error:
        raise SceneError(error.message, hint=_CONVERT) from error
    except RasterioError as error:
        if path.is_dir():
            raise SceneError(f"{path} is a folder", hint="name the class raster inside it") from error
        if path.parent.is_dir() and not path.exists():
            raise SceneError(
                f"{path} does not exist", hint=f"the folder {path.parent} exists, but it has no such file"
            ) from error
        reason = why_unreadable(gdal_name(path), path.name, error, any_format=trusted)
        hint = _CONVERT if isinstance(reason, ExternalError) else reason.hint
        raise SceneError(reason.message, hint=hint) from error


def _open_checked(uri: str) -> DatasetReader:
    dataset = open_with(uri, drivers_for(uri))
    try:
        check_parts(uri, dataset)
    except BaseException:
        dataset.close()
        raise
    return dataset


def _check_classes(path: Path, dataset: DatasetReader) -> None:
    extra = [interp for interp in dataset.colorinterp[1:] if interp != ColorInterp.alpha]
    if dataset.count > 2 or extra:
        raise SceneError(
            f"{path} has {dataset.count} bands, but a class raster has 1",
            hint="is it the scene itself? `fctl-geo segment` turns a scene into classes",
        )
    kind = np.dtype(dataset.dtypes[0]).kind
    if kind not in "ui":
        raise SceneError(
            f"{path} has {dataset.dtypes[0]} values, but class numbers are integers from 0 to 254",
            hint="check what its values mean, then convert it: gdal_translate -ot Byte IN OUT",
        )


def _find_legend(path: Path, dataset: DatasetReader) -> Legend:
    tag = dataset.tags().get(LEGEND_TAG)
    if tag:
        return _legend_from_tag(path, tag)
    palette = _palette(dataset)
    named = legend_from_pam(path, palette)
    if named is not None:
        return named
    last = max((i for i, color in palette.items() if color != (0, 0, 0)), default=NODATA - 1)
    ids = [class_id for class_id in range(last + 1) if class_id != dataset.nodata]
    return Legend(tuple(ClassInfo(i, f"class {i}", palette.get(i) or distinct_color(i)) for i in ids))


def _palette(dataset: DatasetReader) -> dict[int, Color]:
    """Colors by id, without nodata; empty if the file has no palette, for which rasterio raises a ValueError."""
    if dataset.colorinterp[0] != ColorInterp.palette:
        return {}
    try:
        entries = dataset.colormap(1)
    except ValueError:
        return {}
    return {i: (r, g, b) for i, (r, g, b, _) in entries.items() if i < NODATA and i != dataset.nodata}


def _legend_from_tag(path: Path, tag: str) -> Legend:
    """Parse what `fctl_geo.raster.legend_tag.legend_tag` wrote."""
    try:
        infos = tuple(
            ClassInfo(
                int(item["id"]),
                str(item["name"]),
                _color(item["color"]),
                bool(item["background"]),
                bool(item.get("objects", False)),
            )
            for item in json.loads(tag)
        )
        return Legend(infos)
    except (ValueError, TypeError, KeyError, SettingsError) as error:
        raise SceneError(
            f"{path}: the tag {LEGEND_TAG} cannot be parsed ({error})",
            hint=f"delete it: gdal_edit.py -unsetmd {path.name}",
        ) from error


def _color(value: list[int]) -> Color:
    red, green, blue = map(int, value)
    return red, green, blue
