"""Anybody's class raster, read as ours: uint8 classes, 255 where there is none, and a legend."""

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

from fctl_geo.errors import ReadError, SceneError, SettingsError
from fctl_geo.raster.gdal import affine_of, crs_of, frame_of, gdal_session, open_quietly
from fctl_geo.raster.legend_tag import LEGEND_TAG
from fctl_geo.raster.pam import Color, distinct_color, legend_from_pam
from fctl_geo.scene.georeference import Georeference, ground_resolution
from fctl_geo.scene.references import SAFE_OPTIONS, check_parts, drivers_for, open_with
from fctl_geo.spec import NODATA, ClassInfo, Legend
from fctl_geo.storage.address import gdal_name
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window


class ClassRaster:
    """An open class raster. Not safe to share between threads: open it once a thread."""

    def __init__(
        self,
        path: Path,
        dataset: DatasetReader | WarpedVRT,
        legend: Legend,
        numbers: Mapping[int, int] | None = None,
    ) -> None:
        """Use `open_class_raster`."""
        self._numbers = numbers
        self.path = path
        self.legend = legend
        self.frame: RasterFrame = frame_of(dataset)
        self.nodata: int | None = None if dataset.nodata is None else int(dataset.nodata)
        """The file's own nodata value; what `read` gives for it is always 255."""
        self.block_hw: tuple[int, int] = dataset.block_shapes[0]
        self._dataset = dataset
        self._masked = MaskFlags.per_dataset in dataset.mask_flag_enums[0]

    @property
    def gsd_m(self) -> float | None:
        """True ground metres a pixel at the centre (geometric mean of both directions); None without a CRS."""
        place = Georeference(self.frame.transform, self.frame.crs_wkt)
        return ground_resolution(place, self.frame.size_hw, None).gsd_m

    @property
    def tags(self) -> dict[str, str]:
        """The file's dataset tags (model, version, settings, if we wrote it)."""
        return dict(self._dataset.tags())

    def rows(self, row: int, height: int) -> npt.NDArray[np.uint8]:
        """(height, width) uint8 classes of whole rows; rows outside the raster are 255."""
        return self.read(Window(row, 0, height, self.frame.width))

    def read(self, window: Window) -> npt.NDArray[np.uint8]:
        """(h, w) uint8 classes; 255 for nodata, masked pixels and what sticks out.

        Raises:
            ReadError: the file is damaged there.
            SceneError: a value outside 0..254 that is not nodata.
        """
        inside = window.clip(Window(0, 0, *self.frame.size_hw))
        if inside == window:
            return self._read_inside(window)
        values = np.full(window.size_hw, NODATA, np.uint8)
        if not inside.empty:
            values[inside.slices_in(window)] = self._read_inside(inside)
        return values

    def shrunk(self, size_hw: tuple[int, int]) -> npt.NDArray[np.uint8]:
        """The whole raster at a smaller size, by its overviews where it has them, else by every n-th pixel."""
        try:
            with gdal_session():
                raw = self._dataset.read(1, out_shape=size_hw)
                hidden = self._dataset.read_masks(1, out_shape=size_hw) == 0 if self._masked else None
        except RasterioError as error:
            raise ReadError(f"{self.path} is damaged: {error}", hint="copy or make the file again") from error
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
                hint="copy or make the file again",
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
                f"{self.path} has the value {raw[wrong][0]}, class numbers go from 0 to 254",
                hint="if that is nodata: gdal_edit.py -a_nodata VALUE FILE; otherwise renumber it with gdal_calc.py",
            )
        values = raw.astype(np.uint8)
        if hidden is not None:
            values[hidden] = NODATA
        return values


def open_class_raster(
    path: str | Path,
    legend: Legend | None = None,
    *,
    onto: RasterFrame | None = None,
    numbers: Mapping[int, int] | None = None,
    trusted: bool = False,
) -> ClassRaster:
    """Open a single-band integer raster of classes.

    Args:
        path: any raster GDAL reads; one band (a second one may be alpha).
        onto: the grid to read it on, by the nearest pixel; None: its own. A raster of that size at that place, or of
            that size and without a place, is read as it is.
        numbers: class of each value, where the file counts otherwise (0 and 255 for a mask); other values are nodata.
        legend: names and colours; None: from our tag, the RAT or category names (`.aux.xml`), the palette, or else
            'class N' in distinct colours. No pixel is read for it: without names it may list ids that do not occur.
        trusted: we made it; anybody else's may not point to files outside of its folder (`scene.references`).
    Raises:
        SceneError: no raster, several bands, values that are no whole numbers, or files elsewhere.
    """
    path = Path(path)
    dataset = _open(path, trusted=trusted)
    try:
        _check_classes(path, dataset)
        legend = legend or _find_legend(path, dataset)
        return ClassRaster(path, dataset if onto is None else _moved_onto(path, dataset, onto), legend, numbers)
    except BaseException:
        dataset.close()
        raise


def _moved_onto(path: Path, dataset: DatasetReader, frame: RasterFrame) -> DatasetReader | WarpedVRT:
    """The dataset on another grid, warped window by window; what it does not cover is nodata."""
    same_size = dataset.shape == frame.size_hw
    placed = bool(dataset.crs) and bool(frame.crs_wkt)
    if same_size and (not placed or frame_of(dataset).transform == frame.transform):
        return dataset
    if not placed:
        who = f"{path.name} has" if not dataset.crs else "the scene has"
        raise SceneError(
            f"{path.name} is {dataset.height} x {dataset.width} px, the scene {frame.height} x {frame.width}, "
            f"and {who} no CRS",
            hint="give a raster on the scene's own pixels, or one with a CRS for a scene with a CRS",
        )
    nodata = NODATA if dataset.nodata is None else dataset.nodata
    return WarpedVRT(
        dataset, crs=crs_of(frame), transform=affine_of(frame), width=frame.width, height=frame.height,
        src_nodata=nodata, nodata=nodata, resampling=Resampling.nearest,
    )  # fmt: skip


def _open(path: Path, *, trusted: bool) -> DatasetReader:
    try:
        with gdal_session(**SAFE_OPTIONS):
            if trusted:
                return open_quietly(path)
            return _open_checked(gdal_name(path))
    except RasterioError as error:
        if path.is_dir():
            raise SceneError(f"{path} is a folder", hint="give the class raster inside it") from error
        if path.parent.is_dir() and not path.exists():
            raise SceneError(
                f"{path} does not exist", hint=f"the folder {path.parent} is there, that file is not"
            ) from error
        raise SceneError(f"{path} cannot be read as a raster: {error}", hint="is it a GeoTIFF, and whole?") from error


def _open_checked(uri: str) -> DatasetReader:
    dataset = open_with(uri, drivers_for(uri))
    try:
        _ = dataset.overviews(1), dataset.mask_flag_enums
        check_parts(uri, dataset.files)
    except BaseException:
        dataset.close()
        raise
    return dataset


def _check_classes(path: Path, dataset: DatasetReader) -> None:
    extra = [interp for interp in dataset.colorinterp[1:] if interp != ColorInterp.alpha]
    if dataset.count > 2 or extra:
        raise SceneError(
            f"{path} has {dataset.count} bands, a class raster has 1",
            hint="is it the scene itself? `fctl-geo segment` makes classes of it",
        )
    kind = np.dtype(dataset.dtypes[0]).kind
    if kind not in "ui":
        raise SceneError(
            f"{path} has {dataset.dtypes[0]} values, class numbers are whole numbers from 0 to 254",
            hint="convert it: gdal_translate -ot Byte IN OUT (after a look at what its values mean)",
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
    """Colour by id, without nodata; empty where the file has no palette. rasterio says so with a ValueError."""
    if dataset.colorinterp[0] != ColorInterp.palette:
        return {}
    try:
        entries = dataset.colormap(1)
    except ValueError:
        return {}
    return {i: (r, g, b) for i, (r, g, b, _) in entries.items() if i < NODATA and i != dataset.nodata}


def _legend_from_tag(path: Path, tag: str) -> Legend:
    """Read what `fctl_geo.raster.legend_tag.legend_tag` wrote."""
    try:
        infos = tuple(
            ClassInfo(int(item["id"]), str(item["name"]), _color(item["color"]), bool(item["background"]))
            for item in json.loads(tag)
        )
        return Legend(infos)
    except (ValueError, TypeError, KeyError, SettingsError) as error:
        raise SceneError(
            f"{path}: the tag {LEGEND_TAG} cannot be understood ({error})",
            hint=f"delete it: gdal_edit.py -unsetmd {path.name}",
        ) from error


def _color(value: list[int]) -> Color:
    red, green, blue = map(int, value)
    return red, green, blue
