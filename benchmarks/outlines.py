"""Compares outlines of buildings that were drawn from the same class rasters: raw, simplified, squared, and others'.

    python benchmarks/outlines.py classes.tif houses.gpkg [classes.tif houses.gpkg ...]

Each class raster (as `fctl-geo segment` writes it) is compared with the true polygons of its place. With the class
`building`, or that of `--class`, prints for each way of drawing outlines:

- F1: of objects, matched where intersection over union is at least 0.5;
- PoLiS (Avbelj et al. 2015) of the matched objects, in meters;
- vertices per polygon; polygons that are not valid; area that polygons share with others, in m2;
- IoU: of each polygon with its raw outline, on average;
- seconds.

coverage_simplify is shapely's (GEOS), which keeps shared borders; buildingregulariser is a package of that name and is
left out where it is not installed. Areas are of the map plane.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from fctl_geo.polygons.batch import join_batches
from fctl_geo.polygons.trace import Strip, trace_polygons
from fctl_geo.raster.reader import open_class_raster
from fctl_geo.square.squarer import Squarer

Shapes = npt.NDArray[np.object_]


class Place:
    """A class raster and the true polygons on it, in its CRS."""

    def __init__(self, classes: Path, truth: Path, class_name: str, least_m2: float) -> None:
        with open_class_raster(classes) as raster:
            self.frame = raster.frame
            self.pixels = raster.rows(0, raster.frame.height)
            (self.class_id,) = raster.legend.ids_of((class_name,))
        self.pixel = abs(self.frame.transform[0])
        self.least = least_m2
        shapes = gpd.read_file(truth).to_crs(self.frame.crs_wkt).explode(index_parts=False).geometry.values
        west, north = self.frame.transform[2], self.frame.transform[5]
        east, south = west + self.frame.width * self.pixel, north - self.frame.height * self.pixel
        self.truth: Shapes = shapely.make_valid(np.asarray(shapes, object))
        self.truth = self.truth[shapely.within(shapely.centroid(self.truth), shapely.box(west, south, east, north))]

    def trace(self, tolerance: float, square: bool = False) -> Shapes:
        """The polygons of the class, in the order of their first pixels."""
        tolerance_px = tolerance / self.pixel
        outlines = None
        if square:
            outlines = Squarer(frozenset({self.class_id}), self.frame.transform, tolerance_px, 90, 500_000)
        skip = frozenset(range(256)) - {self.class_id}
        strips = [Strip(self.pixels[row : row + 512]) for row in range(0, len(self.pixels), 512)]
        found = join_batches(
            list(
                trace_polygons(
                    strips,
                    width=self.frame.width,
                    transform=self.frame.transform,
                    skip=skip,
                    simplify_px=min(tolerance_px, 4.0),
                    outlines=outlines,
                )
            )
        )
        order = np.argsort(found.object_id)
        wkb = [found.wkb[found.offsets[k] : found.offsets[k + 1]].tobytes() for k in order]
        return np.array(shapely.from_wkb(wkb), object)


def coverage_simplify(raw: Shapes, tolerance: float) -> Shapes:
    return np.asarray(shapely.coverage_simplify(raw, tolerance), object)


def regularised(raw: Shapes, place: Place, tolerance: float) -> Shapes:
    from buildingregulariser import regularize_geodataframe

    frame = gpd.GeoDataFrame({"n": np.arange(len(raw))}, geometry=raw, crs=place.frame.crs_wkt)
    found = regularize_geodataframe(frame, simplify_tolerance=tolerance, parallel_threshold=2 * tolerance)
    found = found.dissolve("n").reindex(range(len(raw)))  # it may return parts, and leave out what it cannot draw
    return np.where(found.geometry.isna(), raw, np.asarray(found.geometry.values, object))


def polis(one: Shapes, two: Shapes) -> npt.NDArray[np.float64]:
    """(N,) of each pair."""

    def half(ones: Shapes, others: Shapes) -> npt.NDArray[np.float64]:
        corners, of = shapely.get_coordinates(ones, return_index=True)
        away = shapely.distance(shapely.points(corners), shapely.boundary(others)[of])
        return np.bincount(of, away) / np.bincount(of) / 2

    return half(one, two) + half(two, one)


def iou(one: Shapes, two: Shapes) -> npt.NDArray[np.float64]:
    both = shapely.area(shapely.intersection(one, two))
    return both / (shapely.area(one) + shapely.area(two) - both)


def overlap(shapes: Shapes) -> float:
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, two = one[one < two], two[one < two]
    return float(shapely.area(shapely.intersection(shapes[one], shapes[two])).sum())


def report(label: str, draw: Callable[[], Shapes], raw: Shapes, place: Place) -> Shapes:
    started = time.perf_counter()
    found = draw()
    seconds = time.perf_counter() - started
    broken = int((~shapely.is_valid(found)).sum())
    shapes = shapely.make_valid(found)
    truth, large = place.truth, shapely.area(raw) >= place.least
    mine, theirs = shapely.STRtree(truth).query(shapes[large], predicate="intersects")
    same = iou(shapes[large][mine], truth[theirs]) >= 0.5
    mine, theirs = mine[same], theirs[same]
    f1 = 2 * len(mine) / max(large.sum() + len(truth), 1)
    apart = polis(shapes[large][mine], truth[theirs]).mean() if len(mine) else np.nan
    corners = (shapely.get_num_coordinates(found) - 1).mean()
    print(
        f"  {label:22s} F1 {f1:.3f}  PoLiS {apart:.3f} m  vertices {corners:6.1f}  invalid {broken:3d}  "
        f"overlap {overlap(shapes):7.2f} m2  IoU to raw {iou(shapes, raw).mean():.3f}  {seconds:6.1f} s",
        flush=True,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="class rasters and true polygons, in pairs")
    parser.add_argument("--class", dest="class_name", default="building")
    parser.add_argument("--tolerance", type=float, default=0.5, help="in meters")
    parser.add_argument("--min-area", type=float, default=8.0, help="smaller polygons are not compared (m2)")
    options = parser.parse_args()
    for classes, truth in zip(options.files[::2], options.files[1::2], strict=True):
        place = Place(classes, truth, options.class_name, options.min_area)
        raw = place.trace(0.0)
        print(f"{classes.name}: {len(raw):,} polygons, {len(place.truth):,} true ones")
        report("raw", lambda p=place: p.trace(0.0), raw, place)
        report("simplify", lambda p=place: p.trace(options.tolerance), raw, place)
        report("square", lambda p=place: p.trace(options.tolerance, True), raw, place)
        report("coverage_simplify", lambda r=raw: coverage_simplify(r, options.tolerance), raw, place)
        try:
            report("buildingregulariser", lambda r=raw, p=place: regularised(r, p, options.tolerance), raw, place)
        except ImportError:
            print("  buildingregulariser is not installed")


if __name__ == "__main__":
    main()
