"""Compares outlines of buildings drawn from the same class rasters: raw, simplified, squared, and by other libraries.

    python benchmarks/outlines.py classes.tif houses.gpkg [classes.tif houses.gpkg ...] [--aoi labeled.gpkg ...]

Each class raster (as `fctl-geo segment` writes it) is compared with the true polygons of its place, as
`fctl-geo evaluate --polygons` does. Prints for each way of drawing outlines:

- F1 of objects, matched where intersection over union is at least 0.5;
- PoLiS (Avbelj et al. 2015) of the matched objects in meters, and their mean IoU with the true ones;
- vertices per polygon; polygons that are not valid; area that polygons share; slivers between neighbors (m2);
- IoU of each polygon with its raw outline, on average;
- seconds.

"regions" is one polygon per connected region; all others are drawn from the separated objects. coverage_simplify is
shapely's (GEOS), which keeps shared borders; buildingregulariser is a package of that name, left out where it is not
installed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from fctl_geo import PolygonSettings, polygonise, read_polygons
from fctl_geo.assess.compare import compare_shapes
from fctl_geo.assess.matching import score_objects

Shapes = npt.NDArray[np.object_]
_SLIVER_M2 = 1.0
"""Holes in the union of all polygons that are smaller than this, and that the raw outlines do not have, are gaps."""


class Place:
    """A class raster and the true polygons on it, on a plane in meters."""

    def __init__(self, classes: Path, truth: Path, aoi: Path | None, settings: PolygonSettings) -> None:
        self.classes, self.settings = classes, settings
        known = gpd.read_file(truth).explode(index_parts=False)
        self.crs = known.estimate_utm_crs()
        self.truth: Shapes = shapely.make_valid(np.asarray(known.to_crs(self.crs).geometry.values, object))
        self.area = None if aoi is None else gpd.read_file(aoi).to_crs(self.crs).union_all()
        self.truth = self.inside(self.truth)

    def inside(self, shapes: Shapes) -> Shapes:
        return shapes if self.area is None else shapes[shapely.within(shapes, self.area)]

    def draw(self, **changes: object) -> Shapes:
        """The polygons of the class, by object_id."""
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "houses.gpkg"
            polygonise(self.classes, [out], replace(self.settings, **changes))  # type: ignore[arg-type]
            frame = read_polygons(out).sort_values("object_id").to_crs(self.crs)
        return np.asarray(frame.geometry.values, object)


def regularised(raw: Shapes, place: Place, tolerance: float) -> Shapes:
    from buildingregulariser import regularize_geodataframe

    frame = gpd.GeoDataFrame({"n": np.arange(len(raw))}, geometry=raw, crs=place.crs)
    found = regularize_geodataframe(frame, simplify_tolerance=tolerance, parallel_threshold=2 * tolerance)
    found = found.dissolve("n").reindex(range(len(raw)))  # it may return parts, and leave out what it cannot draw
    return np.where(found.geometry.isna(), raw, np.asarray(found.geometry.values, object))


def iou(one: Shapes, two: Shapes) -> npt.NDArray[np.float64]:
    both = shapely.area(shapely.intersection(one, two))
    return both / (shapely.area(one) + shapely.area(two) - both)


def overlap(shapes: Shapes) -> float:
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, two = one[one < two], two[one < two]
    return float(shapely.area(shapely.intersection(shapes[one], shapes[two])).sum())


def slivers(shapes: Shapes) -> float:
    """Area of the small holes in the union of all polygons."""
    parts = shapely.get_parts(shapely.union_all(shapes))
    rings, of = shapely.get_rings(parts, return_index=True)
    holes = np.concatenate([[False], of[1:] == of[:-1]])  # the first ring of a polygon is its outside
    areas = shapely.area(shapely.polygons(rings[holes])) if holes.any() else np.empty(0)
    return float(areas[areas < _SLIVER_M2].sum())


def report(label: str, draw: Callable[[], Shapes], raw: Shapes | None, place: Place) -> Shapes:
    started = time.perf_counter()
    drawn = draw()
    seconds = time.perf_counter() - started
    broken = int((~shapely.is_valid(drawn)).sum())
    shapes = shapely.make_valid(drawn)
    found = compare_shapes(place.inside(shapes), place.truth)
    same = 1.0 if raw is None or len(raw) != len(shapes) else iou(shapes, raw).mean()
    gaps = slivers(shapes) - (0.0 if raw is None else slivers(raw))
    print(
        f"| {label} | {score_objects(found.matches).f1:.3f} | {found.outlines.polis.mean():.3f} "
        f"| {found.matches.true.iou[found.matched].mean():.3f} | {(shapely.get_num_coordinates(drawn) - 1).mean():.1f} "
        f"| {broken} | {overlap(shapes):.2f} | {max(0.0, gaps):.2f} | {same:.3f} | {seconds:.1f} |",
        flush=True,
    )
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="class rasters and true polygons, in pairs")
    parser.add_argument("--aoi", nargs="+", type=Path, default=[], help="labeled areas, one for each pair")
    parser.add_argument("--class", dest="class_name", default="building")
    parser.add_argument("--tolerance", type=float, default=0.5, help="in meters")
    parser.add_argument("--min-area", type=float, default=10.0, help="in m2")
    options = parser.parse_args()
    settings = PolygonSettings(
        min_area_m2=options.min_area, classes=(options.class_name,), separate=(options.class_name,)
    )
    tolerance = options.tolerance
    pairs = list(zip(options.files[::2], options.files[1::2], strict=True))
    for (classes, truth), aoi in zip(pairs, options.aoi or [None] * len(pairs), strict=True):
        place = Place(classes, truth, aoi, settings)
        print(f"\n{classes.stem}: {len(place.truth):,} true polygons\n")
        print("| outline | F1 | PoLiS m | IoU | vertices | invalid | overlap m2 | gaps m2 | IoU to raw | s |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        report("regions", lambda p=place: p.draw(separate=False), None, place)
        raw = report("raw", lambda p=place: p.draw(), None, place)
        report("simplify", lambda p=place: p.draw(simplify_m=tolerance), raw, place)
        report("square", lambda p=place: p.draw(simplify_m=tolerance, square="90"), raw, place)
        report("coverage_simplify", lambda r=raw: np.asarray(shapely.coverage_simplify(r, tolerance)), raw, place)
        try:
            report("buildingregulariser", lambda r=raw, p=place: regularised(r, p, tolerance), raw, place)
        except ImportError:
            print("buildingregulariser is not installed")


if __name__ == "__main__":
    main()
