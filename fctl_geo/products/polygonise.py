"""From a class raster on the disk to polygons on the disk: read, sieve, trace, polygon_file, write."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import SceneError
from fctl_geo.georef.area import Unit, pixel_areas, pixel_size_m
from fctl_geo.polygons.sieve import sieve_strips
from fctl_geo.polygons.strips import read_strips
from fctl_geo.polygons.trace import PolygonBatch, trace_polygons
from fctl_geo.products.polygon_file import write_polygon_file
from fctl_geo.products.vector_writer import VectorLayer, check_crs, write_products
from fctl_geo.progress import Progress, Silent
from fctl_geo.settings import PolygonSettings
from fctl_geo.spec import LONG_LEGEND, NODATA, ClassInfo, Legend
from fctl_geo.storage.outputs import VECTOR_ENDINGS, check_outputs, refuse_inputs
from fctl_geo.storage.whole_files import folder_aside
from fctl_geo.windows.frame import RasterFrame

if TYPE_CHECKING:
    from fctl_geo.raster.reader import ClassRaster


@dataclass(frozen=True, slots=True)
class ClassTotal:
    """What became of one class."""

    id: int
    name: str
    polygons: int
    area: float
    """In the summary's unit."""


@dataclass(frozen=True, slots=True)
class PolygonSummary:
    """What `polygonise` did."""

    polygons: int
    classes: tuple[ClassTotal, ...]
    """The classes that got polygons, ascending by id."""
    unit: Unit
    """Of areas: m2 on the ground, or px where the raster has no CRS."""
    paths: tuple[Path, ...]
    """Files written."""
    seconds: float


def polygonise(
    classes_path: Path,
    outs: Sequence[Path],
    settings: PolygonSettings | None = None,
    *,
    confidence_path: Path | None = None,
    legend: Legend | None = None,
    gsd_m: float | None = None,
    metadata: Mapping[str, str] | None = None,
    overwrite: bool | Mapping[Path, bool] = False,
    progress: Progress | None = None,
) -> PolygonSummary:
    """Make polygons of a class raster: every 4-connected region of a class, its true area, its mean confidence.

    Memory holds a few strips of the raster, the regions still open, and a chunk of polygons.

    Args:
        classes_path: any single-band raster of class numbers.
        outs: files to write, by ending .gpkg, .fgb, .parquet or .geojson.
        settings: which classes, the least area, the simplification; None: all classes, as they are.
        confidence_path: percentages (0..100) on the same grid.
        legend: names and colours, of rasters that we made; None: the raster's own.
        gsd_m: metres a pixel, for a raster that does not say it; it sets areas only where there is no CRS.
        metadata: kept in every product (model, version, settings as JSON).
        overwrite: files that exist may be replaced, all of them or each; styles beside them, too.
        progress: how to tell the user.
    Raises:
        OutputError: an output cannot be written; none is then there.
        SettingsError: a class of the settings that the legend does not have.
        SceneError: a raster that is none, is damaged, or does not fit its confidence.
    Law: without simplification the polygons of a class cover exactly the pixels that it has after the sieve.
    """
    from fctl_geo.raster.reader import open_class_raster

    started, progress, settings = time.perf_counter(), progress or Silent(), settings or PolygonSettings()
    check_outputs(outs, overwrite, endings=VECTOR_ENDINGS)
    refuse_inputs(outs, [classes_path, *([confidence_path] if confidence_path else [])])
    with ExitStack() as opened:
        raster = opened.enter_context(open_class_raster(classes_path, legend, trusted=legend is not None))
        confidence = None
        if confidence_path is not None:
            confidence = opened.enter_context(
                open_class_raster(confidence_path, raster.legend, trusted=legend is not None)
            )
            _check_same_grid(raster, confidence)
        check_crs(outs, raster.frame.crs_wkt)
        unit, batches = _trace(raster, confidence, settings, gsd_m, progress)
        totals = _Totals()
        aside = opened.enter_context(folder_aside(outs[0]))
        polygon_file = write_polygon_file(
            totals.count(batches), aside / "polygons.arrows", legend=raster.legend, unit=unit, final=outs[0]
        )
        drawn = _drawn(raster.legend, settings, totals.polygons)
        about = {"polygon_settings": json.dumps(asdict(settings), sort_keys=True), **(metadata or {})}
        layer = VectorLayer(raster.frame.crs_wkt, unit, drawn, raster.legend, about)
        paths = write_products(polygon_file, outs, layer, progress, overwrite=overwrite)
    totals.warn(progress)
    return PolygonSummary(polygon_file.count, totals.of(raster.legend), unit, paths, time.perf_counter() - started)


def _trace(
    raster: ClassRaster,
    confidence: ClassRaster | None,
    settings: PolygonSettings,
    gsd_m: float | None,
    progress: Progress,
) -> tuple[Unit, Iterator[PolygonBatch]]:
    """The raster's polygons, not yet begun, and the unit of their areas."""
    frame, areas = raster.frame, pixel_areas(raster.frame, gsd_m)
    skip = _skipped(raster.legend, settings)
    progress.stage("polygonise", frame.height)
    strips = read_strips(raster, confidence, areas, progress)
    if settings.min_area_m2 > 0:
        strips = sieve_strips(strips, width=frame.width, min_area=settings.min_area_m2)
    tolerance_px = _tolerance_px(settings, gsd_m or pixel_size_m(frame) or 1.0, progress)
    batches = trace_polygons(strips, width=frame.width, transform=frame.transform, skip=skip, simplify_px=tolerance_px)
    return areas.unit, (_with_simplified_areas(batches, frame) if tolerance_px > 0 else batches)


def _skipped(legend: Legend, settings: PolygonSettings) -> frozenset[int]:
    """The classes that get no polygons: background, or all that are not named.

    Raises:
        SettingsError: a name that the legend does not have.
    """
    if settings.classes is None:
        return frozenset({NODATA, *(info.id for info in legend if info.background)})
    return frozenset(range(256)) - legend.ids_of(settings.classes)


def _tolerance_px(settings: PolygonSettings, pixel_m: float, progress: Progress) -> float:
    """The tolerance of the simplification in pixels; what the tracer would cut is cut here, aloud."""
    from fctl_geo.polygons.simplify import MAX_TOLERANCE_PX

    wanted = settings.simplify_m / pixel_m
    if wanted > 1.01 * MAX_TOLERANCE_PX:  # 1 m of pixels that are 0.2499 m is what was meant
        most = f"{MAX_TOLERANCE_PX:g} px ({MAX_TOLERANCE_PX * pixel_m:.3g} m)"
        progress.warn(f"simplification by {settings.simplify_m:g} m is {wanted:.1f} px; the most it can do is {most}")
    return min(wanted, MAX_TOLERANCE_PX)


def _with_simplified_areas(batches: Iterable[PolygonBatch], frame: RasterFrame) -> Iterator[PolygonBatch]:
    """Areas of the simplified polygons: the exact area of the pixels times the ratio of the areas in map units.

    The ratio ignores how the scale changes inside one polygon, which is far less than what simplification moves.
    """
    import shapely

    a, b, _, d, e, _ = frame.transform
    for batch in batches:
        geometries = shapely.from_wkb([batch.wkb[i:j].tobytes() for i, j in _pairs(batch.offsets)])
        ratio = shapely.area(geometries) / (batch.pixels * abs(a * e - b * d))
        yield replace(batch, area_m2=batch.area_m2 * ratio)


def _pairs(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    return zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)


def _check_same_grid(raster: ClassRaster, confidence: ClassRaster) -> None:
    ours, theirs = raster.frame, confidence.frame
    if ours.size_hw != theirs.size_hw or not np.allclose(ours.transform, theirs.transform, rtol=1e-9, atol=0):
        raise SceneError(
            f"{confidence.path} has {theirs.width} x {theirs.height} px from {theirs.transform}, "
            f"{raster.path} has {ours.width} x {ours.height} px from {ours.transform}",
            hint="use the confidence raster that was made with these classes",
        )


def _drawn(legend: Legend, settings: PolygonSettings, polygons: NDArray[np.int64]) -> Legend:
    """The classes that the style shows: those asked for, and those found without a name."""
    skipped = _skipped(legend, settings)
    infos = [info for info in legend if info.id not in skipped]
    if len(infos) > LONG_LEGEND:
        infos = [info for info in infos if polygons[info.id]]
    known = {info.id for info in legend}
    nameless = [int(i) for i in np.flatnonzero(polygons) if i not in known]
    infos += [ClassInfo(i, legend.name_of(i), (128, 128, 128)) for i in nameless]
    return Legend(tuple(sorted(infos, key=lambda info: info.id)))


class _Totals:
    """Counts what streams by."""

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
            progress.warn(f"{self._without_area:,} polygons lie outside of the CRS's domain and have no area")
