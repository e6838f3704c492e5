"""Measures a file of polygons against a file of reference polygons, in meters on the ground."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from fctl_geo.assess.compare import Comparison, compare_shapes
from fctl_geo.assess.ground import Ground
from fctl_geo.assess.matching import ObjectScore, score_objects
from fctl_geo.assess.outlines import OutlineErrors
from fctl_geo.assess.read_objects import Objects, read_area, read_found, read_reference
from fctl_geo.assess.settings import ComparisonSettings
from fctl_geo.errors import TrainingError
from fctl_geo.progress import Progress, Silent
from fctl_geo.scene.vector_file import polygons_in

_RIM = 0.01
"""How near to the border of the area an object counts as cut off there, in the unit of the plane."""
_EDGE_POINTS = 1000
"""Points on an edge of the area as long as its extent, since a straight line in one CRS is a curve in another."""
_FAR_SHARE = 0.05

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OutlineScore:
    """Means over the matched objects, in the unit of the evaluation; NaN if there are none."""

    iou: float
    polis: float
    boundary: float
    hausdorff_95: float
    angle: float
    """Degrees; of the outlines for which it is known."""
    vertex_ratio: float
    """Vertices of the found outlines per vertex of the true ones."""


@dataclass(frozen=True, slots=True)
class PolygonScore:
    """What was measured of one class, or of all."""

    objects: ObjectScore
    outlines: OutlineScore


@dataclass(frozen=True, slots=True)
class PolygonEvaluation:
    """The result of `evaluate_polygons`."""

    polygons: Path
    truth: Path
    unit: str
    """Of distances: m, or px (units of the coordinates) if their size on the ground is unknown."""
    classes: Mapping[str, PolygonScore]
    """By class of the reference."""
    total: PolygonScore
    """All classes together."""
    found: Objects
    true: Objects
    found_counts: Bools
    """(M,) whether the found object counts (see `ComparisonSettings.aoi`)."""
    true_counts: Bools
    """(N,) whether the reference object counts."""
    comparison: Comparison


def evaluate_polygons(
    polygons: Path | str,
    truth: Path | str,
    settings: ComparisonSettings = ComparisonSettings(),  # noqa: B008 - frozen
    *,
    progress: Progress = Silent(),  # noqa: B008 - without state
) -> PolygonEvaluation:
    """Measure polygons against reference polygons: which objects are found, and how well their outlines agree.

    An object is a feature, whatever its number of parts. Both files are in memory as a whole.

    Args:
        polygons: a vector file in any format and CRS.
        truth: the reference, likewise; a file without a CRS is assumed to be in that of the other one.
        settings: class column, area.
        progress: receives progress, messages and warnings.
    Raises:
        TrainingError: a file cannot be read, lacks a column, or the two have no class or no place in common.
    """
    polygons, truth = Path(polygons), Path(truth)
    classes = settings.classes or {}
    true = read_reference(truth, settings.field, classes, progress)
    found = read_found(polygons, settings.field, classes, true, progress)
    if bool(true.crs_wkt) != bool(found.crs_wkt):
        without = found.name if true.crs_wkt else true.name
        progress.warn(f"{without} has no CRS: both files are assumed to be in the same one")
    ground = Ground.around(true.shapes, true.crs_wkt or found.crs_wkt, settings.gsd_m)
    if ground.unit != "m":
        progress.warn("the files do not define meters on the ground: distances are in units of their coordinates")
    true, true_shapes = _on(ground, true, progress)
    found, found_shapes = _on(ground, found, progress)
    found_class, true_class = (np.asarray(side.class_name, str) for side in (found, true))
    comparison = compare_shapes(found_shapes, true_shapes, found_class, true_class, progress)
    found_counts, true_counts = _counts(comparison, found_shapes, true_shapes, settings.aoi, ground)
    if settings.aoi is None:
        _warn_of_far_ones(found_shapes, true_shapes, found.name, progress)
    return PolygonEvaluation(
        polygons=polygons,
        truth=truth,
        unit=ground.unit,
        classes={
            str(name): _score(comparison, found_counts & (found_class == name), true_counts & (true_class == name))
            for name in np.unique(true_class)
        },
        total=_score(comparison, found_counts, true_counts),
        found=found,
        true=true,
        found_counts=found_counts,
        true_counts=true_counts,
        comparison=comparison,
    )


def _on(ground: Ground, objects: Objects, progress: Progress) -> tuple[Objects, NDArray[np.object_]]:
    """The objects that the plane can hold, and their shapes on it."""
    shapes = ground.bring(objects.shapes, objects.crs_wkt, objects.name)
    good = np.isfinite(shapely.bounds(shapes).reshape(-1, 4)).all(axis=1)
    if not good.all():
        progress.warn(f"{(~good).sum():,} of {len(good):,} polygons of {objects.name} lie outside of its CRS")
        objects, shapes = objects[good], shapes[good]
    for one in np.nonzero(~shapely.is_valid(shapes))[0]:
        shapes[one] = shapely.union_all(polygons_in(shapes[one : one + 1])[0])
    return objects, shapes


def _counts(
    comparison: Comparison,
    found: NDArray[np.object_],
    truth: NDArray[np.object_],
    aoi: Path | None,
    ground: Ground,
) -> tuple[Bools, Bools]:
    """Which found and which true objects count (see `ComparisonSettings.aoi`)."""
    if aoi is None:
        return np.ones(len(found), bool), np.ones(len(truth), bool)
    parts, crs_wkt = read_area(aoi)
    west, south, east, north = shapely.total_bounds(parts)
    dense = shapely.segmentize(parts, max(east - west, north - south) / _EDGE_POINTS)
    area = shapely.buffer(shapely.union_all(polygons_in(ground.bring(dense, crs_wkt, aoi.name))[0]), -_RIM)
    shapely.prepare(area)
    theirs, ours = (np.asarray(shapely.contains(area, shapes), bool) for shapes in (found, truth))
    if not ours.any() and not theirs.any():
        raise TrainingError(
            f"no polygon of either file lies entirely in {aoi.name}", hint="check the CRS and the place of the three"
        )
    partner = comparison.matches.found.partner
    matched = comparison.matches.found.matched
    theirs[matched] = ours[partner[matched]]
    return theirs, ours


def _warn_of_far_ones(found: NDArray[np.object_], truth: NDArray[np.object_], name: str, progress: Progress) -> None:
    """Polygons where there is no reference at all count as false, which may not be what is meant."""
    extent = shapely.box(*shapely.total_bounds(truth))
    shapely.prepare(extent)
    beyond = int((~shapely.intersects(extent, found)).sum())
    if beyond == len(found) and beyond:
        progress.warn(f"no polygon of {name} lies within the extent of the reference: check the CRS of both files")
    elif beyond > _FAR_SHARE * len(found):
        progress.warn(
            f"{beyond:,} of {len(found):,} polygons of {name} lie outside the extent of the reference and count as "
            "false; if it is not complete there, give the area in which it is (--aoi)"
        )


def _score(comparison: Comparison, found_counts: Bools, true_counts: Bools) -> PolygonScore:
    objects = score_objects(comparison.matches, true_counts, found_counts)
    chosen = true_counts[comparison.matched]
    iou = comparison.matches.true.iou[comparison.matched[chosen]]
    return PolygonScore(objects, _outline_score(iou, comparison.outlines[chosen]))


def _outline_score(iou: NDArray[np.float64], outlines: OutlineErrors) -> OutlineScore:
    if not len(iou):
        return OutlineScore(*[float("nan")] * 6)
    return OutlineScore(
        iou=float(iou.mean()),
        polis=float(outlines.polis.mean()),
        boundary=float(outlines.boundary.mean()),
        hausdorff_95=float(outlines.hausdorff_95.mean()),
        angle=float(np.mean(outlines.angle[known])) if (known := ~np.isnan(outlines.angle)).any() else float("nan"),
        vertex_ratio=float(outlines.vertices.sum() / outlines.true_vertices.sum()),
    )
