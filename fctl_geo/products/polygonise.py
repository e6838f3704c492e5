"""From a class raster on the disk to polygons on the disk: read, sieve, trace, polygon_file, write."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fctl_geo.errors import SceneError
from fctl_geo.georef.area import Unit, pixel_areas
from fctl_geo.georef.pixel_size import pixel_size_m
from fctl_geo.polygons.sieve import sieve_strips
from fctl_geo.polygons.strips import read_strips
from fctl_geo.polygons.trace import CutRegions, PolygonBatch, trace_polygons
from fctl_geo.products.polygon_file import write_polygon_file
from fctl_geo.products.vector_writer import VectorLayer, check_crs, write_products
from fctl_geo.progress import Progress, Silent
from fctl_geo.settings import PolygonSettings
from fctl_geo.spec import LONG_LEGEND, NODATA, ClassInfo, Legend
from fctl_geo.storage.outputs import VECTOR_ENDINGS, check_outputs, refuse_inputs
from fctl_geo.storage.whole_files import folder_aside

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
    """Of areas: m2 on the ground, or px where nothing says how large a pixel is."""
    paths: tuple[Path, ...]
    """Files written."""
    seconds: float
    cut_regions: int
    """Regions of more vertices than `max_vertices`, which were cut."""
    parts: int
    """Polygons that are parts of those."""


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

    Memory holds a few strips of the raster, the regions still open, and a chunk of polygons. A region of more than
    `settings.max_vertices` vertices becomes several polygons with one object_id.

    Args:
        classes_path: any single-band raster of class numbers.
        outs: files to write, by ending .gpkg, .fgb, .parquet or .geojson.
        settings: which classes, the least area, the simplification; None: all classes, as they are.
        confidence_path: percentages (0..100) on the same grid.
        legend: names and colors; None: the raster's own.
        gsd_m: ground meters a pixel, for areas and tolerances where the raster's CRS does not say it.
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

    progress, settings = progress or Silent(), settings or PolygonSettings()
    check_outputs(outs, overwrite, endings=VECTOR_ENDINGS)
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
            raster, confidence, outs, settings, metadata=metadata or {}, overwrite=overwrite, progress=progress
        )


def write_polygons(
    raster: ClassRaster,
    confidence: ClassRaster | None,
    outs: Sequence[Path],
    settings: PolygonSettings,
    *,
    metadata: Mapping[str, str],
    overwrite: bool | Mapping[Path, bool],
    progress: Progress,
) -> PolygonSummary:
    """What `polygonise` does, of an open class raster and its confidence on the same grid."""
    started = time.perf_counter()
    check_crs(outs, raster.frame.crs_wkt)
    totals, cut = _Totals(), CutRegions()
    unit, batches = _trace(raster, confidence, settings, cut, progress)
    with folder_aside(outs[0]) as aside:
        polygon_file = write_polygon_file(
            totals.count(batches), aside / "polygons.arrows", legend=raster.legend, unit=unit, cut=cut, final=outs[0]
        )
        drawn = _drawn(raster.legend, settings, totals.polygons)
        about = {"polygon_settings": json.dumps(asdict(settings), sort_keys=True), **metadata}
        layer = VectorLayer(raster.frame.crs_wkt, unit, drawn, raster.legend, about)
        paths = write_products(polygon_file, outs, layer, progress, overwrite=overwrite)
    totals.warn(progress)
    _tell_cuts(cut, settings, progress)
    seconds = time.perf_counter() - started
    return PolygonSummary(polygon_file.count, totals.of(raster.legend), unit, paths, seconds, cut.count, cut.parts)


def _trace(
    raster: ClassRaster,
    confidence: ClassRaster | None,
    settings: PolygonSettings,
    cut: CutRegions,
    progress: Progress,
) -> tuple[Unit, Iterator[PolygonBatch]]:
    """The raster's polygons, not yet begun, and the unit of their areas; `cut` is filled with them."""
    frame, areas = raster.frame, pixel_areas(raster.frame)
    skip = _skipped(raster.legend, settings)
    progress.stage("polygonise", frame.height)
    strips = read_strips(raster, confidence, areas, progress)
    if settings.min_area_m2 > 0:
        strips = sieve_strips(strips, width=frame.width, min_area=settings.min_area_m2, progress=progress)
    tolerance_px = _tolerance_px(settings, pixel_size_m(frame) or 1.0, progress)
    batches = trace_polygons(
        strips,
        width=frame.width,
        transform=frame.transform,
        skip=skip,
        simplify_px=tolerance_px,
        max_vertices=settings.max_vertices,
        cut=cut,
    )
    return areas.unit, batches


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


def _tell_cuts(cut: CutRegions, settings: PolygonSettings, progress: Progress) -> None:
    if cut.count:
        regions = "1 region is" if cut.count == 1 else f"{cut.count:,} regions are"
        progress.warn(
            f"{regions} too large to be held in memory (more than {settings.max_vertices:,} vertices, or many large "
            f"ones side by side): {cut.parts:,} polygons are their parts and share an object_id; "
            "--max-vertices sets the limit"
        )


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
