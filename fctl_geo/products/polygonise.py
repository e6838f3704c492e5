"""Turns a class raster on disk into polygons on disk: read, sieve, fill, separate, trace, store, write."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import SceneError
from fctl_geo.georef.area import Unit, pixel_areas
from fctl_geo.georef.pixel_size import pixel_size_m
from fctl_geo.polygons.holes import fill_holes
from fctl_geo.polygons.sieve import sieve_strips
from fctl_geo.polygons.strip import Strip
from fctl_geo.polygons.strips import read_strips
from fctl_geo.polygons.trace import CutRegions, PolygonBatch, trace_polygons
from fctl_geo.products.columns import RowMaker
from fctl_geo.products.more_styles import style_files, write_styles
from fctl_geo.products.placement import Placement
from fctl_geo.products.polygon_plan import (
    columns_of,
    separated_classes,
    skipped_classes,
    squarer_of,
    tolerance_px_of,
)
from fctl_geo.products.preflight import check_layers, check_places
from fctl_geo.products.temporary_polygons import PolygonFile, write_polygon_file
from fctl_geo.products.vector_layer import VectorLayer
from fctl_geo.products.vector_writer import write_products
from fctl_geo.progress import Progress, Silent
from fctl_geo.separate.necks import least_object
from fctl_geo.separate.separate import find_cores, separate_strips
from fctl_geo.settings import OutputSettings, PolygonSettings, Style
from fctl_geo.spec import LONG_LEGEND, ClassInfo, Legend
from fctl_geo.storage.identity import name_without_keys
from fctl_geo.storage.outputs import VECTOR_ENDINGS, check_outputs, refuse_inputs
from fctl_geo.storage.table_address import TableAddress
from fctl_geo.storage.whole_files import folder_aside

if TYPE_CHECKING:
    from fctl_geo.raster.reader import ClassRaster
    from fctl_geo.square.squarer import Squarer


@dataclass(frozen=True, slots=True)
class ClassTotal:
    """The polygons of one class."""

    id: int
    name: str
    polygons: int
    area: float
    """In the summary's unit."""


@dataclass(frozen=True, slots=True)
class PolygonSummary:
    """The result of `polygonise`."""

    polygons: int
    classes: tuple[ClassTotal, ...]
    """The classes that have polygons, in ascending order of id."""
    unit: Unit
    """Of areas: m2 on the ground, or px if the pixel size is unknown."""
    paths: tuple[Path | str, ...]
    """Files written, and addresses of tables."""
    seconds: float
    cut_regions: int
    """Number of regions that were too large to be held in memory and were cut (see `PolygonSettings.max_vertices`)."""
    parts: int
    """Number of polygons that are parts of those regions."""


def polygonise(
    classes_path: Path,
    outs: Sequence[Path],
    settings: PolygonSettings | None = None,
    *,
    confidence_path: Path | None = None,
    legend: Legend | None = None,
    gsd_m: float | None = None,
    metadata: Mapping[str, str] | None = None,
    styles: Sequence[Style] = (),
    overwrite: bool = False,
    append: bool = False,
    layer: str | None = None,
    scene_name: str | None = None,
    progress: Progress | None = None,
) -> PolygonSummary:
    """Convert a class raster to polygons: one per 4-connected region, with its true area and mean confidence.

    Of classes whose objects are separated, a polygon is one object, see `separate`.

    Memory holds a few strips of the raster, the regions still open, and a chunk of polygons. A region of more than
    `settings.max_vertices` vertices becomes several polygons that share one object_id.

    Args:
        classes_path: any single-band raster of class numbers.
        outs: files to write; the format follows from the extension (`outputs.VECTOR_ENDINGS`). Or tables in PostGIS:
            postgresql://user@host/database?table=schema.name.
        settings: classes, minimum area, simplification and separation; None: all classes, unsieved and unsimplified,
            and the objects of those that the legend says consist of objects.
        confidence_path: percentages (0..100) on the same grid.
        legend: names and colors; None: the raster's own.
        gsd_m: ground meters per pixel, for areas and tolerances if the raster's CRS does not provide them.
        metadata: written to every product (model, version, settings as JSON).
        styles: for other programs than QGIS, see `OutputSettings.styles`.
        overwrite: whether existing files and styles beside them may be replaced; of a GeoPackage, only our layer is.
        append: add to the layer of a GeoPackage, or to a table; polygons that the same raster has put there are
            replaced.
        layer: its name in a GeoPackage; None: the name of the file.
        scene_name: what identifies the raster for `append`; None: its path.
        progress: receives progress, messages and warnings.
    Raises:
        OutputError: an output cannot be written; no output is left behind.
        SettingsError: a class in the settings is not in the legend.
        SceneError: a raster is not a class raster, is damaged, or does not match its confidence.
    Law: without simplification the polygons of a class cover exactly the pixels that it has after the sieve, and the
    holes that were filled.
    """
    from fctl_geo.raster.reader import open_class_raster

    progress, settings = progress or Silent(), settings or PolygonSettings()
    source = scene_name or name_without_keys(str(classes_path.absolute()))
    placement = Placement.of(OutputSettings(overwrite=overwrite, append=append, layer=layer), source)
    tables = [table for table in map(TableAddress.of, outs) if table is not None]
    outs = [out for out in outs if TableAddress.of(out) is None]
    if outs or not tables:
        check_places(outs, placement, endings=VECTOR_ENDINGS)
    if style_paths := style_files(outs, styles):
        check_outputs(style_paths, overwrite, endings=(".sld", ".json"))
    refuse_inputs(outs, [classes_path, *([confidence_path] if confidence_path else [])])
    with ExitStack() as opened:
        raster = opened.enter_context(open_class_raster(classes_path, legend, gsd_m=gsd_m))
        for sentence in raster.warnings:
            progress.warn(sentence)
        confidence = None
        if confidence_path is not None:
            confidence = opened.enter_context(open_class_raster(confidence_path, raster.legend))
            _check_same_grid(raster, confidence)
        return write_polygons(
            raster,
            confidence,
            outs,
            settings,
            styles=styles,
            metadata=metadata or {},
            overwrite=overwrite,
            placement=placement,
            tables=tables,
            progress=progress,
        )


def write_polygons(
    raster: ClassRaster,
    confidence: ClassRaster | None,
    outs: Sequence[Path],
    settings: PolygonSettings,
    *,
    styles: Sequence[Style],
    metadata: Mapping[str, str],
    overwrite: bool | Mapping[Path, bool],
    placement: Placement,
    tables: Sequence[TableAddress] = (),
    progress: Progress,
    sieved: bool = False,
    look: Callable[[PolygonFile], None] | None = None,
) -> PolygonSummary:
    """`polygonise` for an open class raster and its confidence on the same grid; `overwrite` is for the styles.

    Args:
        sieved: whether the raster was sieved before.
        look: is shown all polygons, before they are written.
    """
    from fctl_geo.polygons.measure import Ruler  # loads numba and shapely

    started = time.perf_counter()
    settings = replace(settings, separate=settings.separated(raster.legend))
    squarer = squarer_of(raster, settings, progress)
    columns = columns_of(raster.frame, raster.legend, settings)
    check_layers(outs, tables, placement, columns.schema, raster.frame.crs_wkt)
    totals, cut = _Totals(), CutRegions()
    unit, batches = _trace(raster, confidence, settings, squarer, cut, progress, sieved)
    first = outs[0] if outs else Path(tempfile.gettempdir()) / "polygons"
    with folder_aside(first) as aside:
        maker = RowMaker(columns, raster.legend, Ruler(raster.frame))
        polygon_file = write_polygon_file(totals.count(batches), aside / "polygons.arrows", maker, cut=cut, final=first)
        if look is not None:
            look(polygon_file)
        drawn = _drawn(raster.legend, settings, totals.polygons)
        about = {"polygon_settings": json.dumps(asdict(settings), sort_keys=True), **metadata}
        pixel_m = pixel_size_m(raster.frame)
        layer = VectorLayer(raster.frame.crs_wkt, unit, drawn, raster.legend, about, pixel_m)
        files = write_products(
            polygon_file, outs, layer, progress, overwrite=overwrite, placement=placement, tables=tables
        )
        files += write_styles(outs, styles, drawn, raster.frame)
    written: tuple[Path | str, ...] = (*files, *(table.shown for table in tables))
    totals.warn(progress)
    _warn_of_cuts(cut, settings, progress)
    seconds = time.perf_counter() - started
    return PolygonSummary(polygon_file.count, totals.of(raster.legend), unit, written, seconds, cut.count, cut.parts)


def _trace(
    raster: ClassRaster,
    confidence: ClassRaster | None,
    settings: PolygonSettings,
    squarer: Squarer | None,
    cut: CutRegions,
    progress: Progress,
    sieved: bool,
) -> tuple[Unit, Iterator[PolygonBatch]]:
    """The unit of areas and a lazy iterator over the raster's polygons; consuming it fills `cut`."""
    frame, areas = raster.frame, pixel_areas(raster.frame)
    skip, pixel_m = skipped_classes(raster.legend, settings), pixel_size_m(frame) or 1.0

    def strips(confidence: ClassRaster | None, told: Progress) -> Iterator[Strip]:
        strips = read_strips(raster, confidence, areas, progress)
        if settings.min_area_m2 and not sieved:
            strips = sieve_strips(strips, width=frame.width, min_area=settings.min_area_m2, progress=told)
        return fill_holes(strips, width=frame.width, skip=skip, max_area=settings.fill_holes_m2)

    if settings.fill_holes_m2 and len(skip) == 1:
        progress.warn("no holes are filled, because every class gets polygons: --classes names those that should")
    tolerance_px = tolerance_px_of(settings, pixel_m, progress)
    separated, neck_px = separated_classes(raster.legend, settings, pixel_m, progress)
    cores = None
    if separated:
        progress.stage("separate", frame.height)
        cores = find_cores(strips(None, Silent()), width=frame.width, classes=separated, neck_px=neck_px)
    progress.stage("polygonise", frame.height)
    classes = strips(confidence, progress)
    batches = trace_polygons(
        classes if cores is None else separate_strips(classes, cores, min_area=least_object(settings)),
        width=frame.width,
        transform=frame.transform,
        skip=skip,
        simplify_px=tolerance_px,
        outlines=squarer,
        max_vertices=settings.max_vertices,
        cut=cut,
    )
    return areas.unit, batches


def _warn_of_cuts(cut: CutRegions, settings: PolygonSettings, progress: Progress) -> None:
    if cut.count:
        regions = "1 region is" if cut.count == 1 else f"{cut.count:,} regions are"
        progress.warn(
            f"{regions} too large to be held in memory (more than {settings.max_vertices:,} vertices, or many large "
            f"ones side by side) and cut into {cut.parts:,} polygons; the parts of a region share an object_id; "
            "--max-vertices sets the limit"
        )


def _check_same_grid(raster: ClassRaster, confidence: ClassRaster) -> None:
    ours, theirs = raster.frame, confidence.frame
    if ours.size_hw != theirs.size_hw or not np.allclose(ours.transform, theirs.transform, rtol=1e-9, atol=0):
        raise SceneError(
            f"{confidence.path} has {theirs.width} x {theirs.height} px from {theirs.transform}, "
            f"{raster.path} has {ours.width} x {ours.height} px from {ours.transform}",
            hint="use the confidence raster that was written together with these classes",
        )


def _drawn(legend: Legend, settings: PolygonSettings, polygons: NDArray[np.int64]) -> Legend:
    """The classes that the style shows: those requested, and unnamed ones that were found."""
    skipped = skipped_classes(legend, settings)
    infos = [info for info in legend if info.id not in skipped]
    if len(infos) > LONG_LEGEND:
        infos = [info for info in infos if polygons[info.id]]
    known = {info.id for info in legend}
    nameless = [int(i) for i in np.flatnonzero(polygons) if i not in known]
    infos += [ClassInfo(i, legend.name_of(i), (128, 128, 128)) for i in nameless]
    return Legend(tuple(sorted(infos, key=lambda info: info.id)))


class _Totals:
    """Counts polygons and areas of the batches that pass through."""

    def __init__(self) -> None:
        self.polygons = np.zeros(256, np.int64)
        self._areas = np.zeros(256)
        self._without_area = 0

    def count(self, batches: Iterable[PolygonBatch]) -> Iterator[PolygonBatch]:
        for batch in batches:
            self.polygons += np.bincount(batch.class_id, minlength=256)
            self._areas += np.bincount(batch.class_id, np.nan_to_num(batch.area_m2), minlength=256)
            self._without_area += int(np.isnan(batch.area_m2).sum())
            yield batch

    def of(self, legend: Legend) -> tuple[ClassTotal, ...]:
        found = [int(i) for i in np.flatnonzero(self.polygons)]
        return tuple(ClassTotal(i, legend.name_of(i), int(self.polygons[i]), float(self._areas[i])) for i in found)

    def warn(self, progress: Progress) -> None:
        if self._without_area:
            progress.warn(f"{self._without_area:,} polygons lie outside the domain of the CRS and have no area")
