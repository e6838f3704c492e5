"""Measures how long it takes to write polygons to each format and to PostGIS, and the peak memory of each.

    python benchmarks/write_polygons.py --polygons 500000 --out out.gpkg --out 'postgresql:///gis?table=roofs'

The polygons are 8 m houses of 4 to 12 vertices, one in five with a courtyard. Every output is written by a process of
its own: created, then (with --append) the same scene again, which replaces its polygons, and another scene beside it.
Prints seconds and the peak RSS (Linux).
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import shapely
from pyproj import CRS

from fctl_geo.polygons.trace import CutRegions, PolygonBatch
from fctl_geo.products.placement import Placement
from fctl_geo.products.temporary_polygons import PolygonFile, write_polygon_file
from fctl_geo.products.vector_layer import VectorLayer
from fctl_geo.products.vector_writer import write_products
from fctl_geo.progress import Silent
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.storage.table_address import TableAddress

LEGEND = Legend((ClassInfo(1, "building", (200, 0, 0)), ClassInfo(2, "shed", (0, 0, 200))))
LAYER = VectorLayer(CRS("EPSG:32633").to_wkt(), "m2", LEGEND, LEGEND, {"model": "benchmark"}, 0.25)
BATCH = 10_000


def houses(count: int) -> Iterator[PolygonBatch]:
    """Houses in a square town with streets of 4 m, in batches."""
    side = int(np.ceil(np.sqrt(count)))
    rng = np.random.default_rng(0)
    for first in range(0, count, BATCH):
        index = np.arange(first, min(count, first + BATCH))
        x, y = 500_000 + 12.0 * (index % side), 5_400_000 - 12.0 * (index // side)
        corners = rng.integers(4, 13, len(index))
        angles = [np.linspace(0, 2 * np.pi, n, endpoint=False) for n in corners]
        rings = [np.c_[a + 4 * np.cos(t), b + 4 * np.sin(t)] for a, b, t in zip(x, y, angles, strict=True)]
        shapes = np.array([shapely.Polygon(ring) for ring in rings])
        yards = np.where(index % 5 == 0)[0]
        shapes[yards] = shapely.difference(
            shapes[yards], shapely.box(x[yards] - 1, y[yards] - 1, x[yards] + 1, y[yards] + 1)
        )
        wkb = shapely.to_wkb(shapes, byte_order=1)
        yield PolygonBatch(
            wkb=np.frombuffer(b"".join(wkb), np.uint8),
            offsets=np.concatenate([[0], np.cumsum([len(one) for one in wkb])]).astype(np.int64),
            class_id=(1 + index % 2).astype(np.uint8),
            pixels=np.full(len(index), 800),
            area_m2=shapely.area(shapes),
            confidence=(index % 100).astype(np.float32),
            object_id=index,
        )


def write(
    out: str, polygon_file: PolygonFile, placement: Placement, answers: multiprocessing.Queue[tuple[float, int]]
) -> None:
    """Write one output, and answer with seconds and the peak RSS in MB."""
    start = time.perf_counter()
    table = TableAddress.of(out)
    files, tables = ([], [table]) if table else ([Path(out)], [])
    write_products(polygon_file, files, LAYER, Silent(), overwrite=True, placement=placement, tables=tables)
    status = Path("/proc/self/status").read_text()  # of this process alone; ru_maxrss also counts its parent
    peak_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    answers.put((time.perf_counter() - start, peak_kb // 1024))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polygons", type=int, default=500_000)
    parser.add_argument("--out", action="append", required=True, help="a file, or the address of a table")
    parser.add_argument("--append", action="store_true", help="also append, where that is possible")
    given = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "polygons.arrows"
        polygon_file = write_polygon_file(
            houses(given.polygons), path, legend=LEGEND, unit="m2", cut=CutRegions(), final=path
        )
        print(f"{polygon_file.count:,} polygons, {polygon_file.geometry_bytes / 1e6:.0f} MB of WKB")
        for out in given.out:
            steps = [("new", Placement(overwrite=True, scene="a"))]
            if given.append and (TableAddress.of(out) or Path(out).suffix == ".gpkg"):
                again, beside = (Placement(append=True, scene=scene, layer="shared") for scene in "ab")
                steps += [("append: new", again), ("append: again", again), ("append: another scene", beside)]
                if TableAddress.of(out):
                    steps.pop(1)
            for name, placement in steps:
                answers: multiprocessing.Queue[tuple[float, int]] = spawn.Queue()
                process = spawn.Process(target=write, args=(out, polygon_file, placement, answers))
                process.start()
                seconds, peak = answers.get()
                process.join()
                shown = TableAddress.of(out)
                print(f"{shown.shown if shown else out}: {name}: {seconds:.1f} s, {peak:,} MB")


if __name__ == "__main__":
    main()
