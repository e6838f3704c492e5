"""Measures how long it takes to measure polygons: houses on a grid against other drawings of the same houses.

    python benchmarks/evaluate_polygons.py --houses 100000

The reference has 8 vertices per house, in longitude and latitude; the polygons have 16, in UTM, and 1% of them are
missing. Prints seconds of CPU time, wall-clock seconds, and the peak RSS of the process, with the time for reading.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import geopandas
import numpy as np
import shapely

from fctl_geo.assess.evaluate_polygons import evaluate_polygons

LOT_M = 20.0
NOISE_M = 0.3


def draw_houses(count: int, vertices: int, seed: int) -> geopandas.GeoDataFrame:
    """Rectangles of 7 to 15 m at all angles, with vertices that are off by `NOISE_M`; the seed is that of the noise."""
    houses, noise = np.random.default_rng(5), np.random.default_rng(seed)
    size, angle = houses.uniform(7, 15, (count, 1, 2)), houses.uniform(0, np.pi, (count, 1))
    ways, none = np.linspace(0, 1, vertices // 4, endpoint=False), np.zeros(vertices // 4)
    x, y = np.concatenate([ways, none + 1, 1 - ways, none]), np.concatenate([none, ways, none + 1, 1 - ways])
    xy = (np.c_[x, y] - 0.5) * size + noise.normal(0, NOISE_M, (count, vertices, 2))
    x, y, cos, sin = xy[..., 0], xy[..., 1], np.cos(angle), np.sin(angle)
    x, y = x * cos - y * sin, x * sin + y * cos
    row, col = np.divmod(np.arange(count), int(np.ceil(count**0.5)))
    xy = np.stack([x + 350_000 + LOT_M * col[:, None], y + 3_060_000 + LOT_M * row[:, None]], axis=-1)
    return geopandas.GeoDataFrame(geometry=shapely.polygons(np.concatenate([xy, xy[:, :1]], axis=1)), crs="EPSG:32645")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--houses", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        truth, found = Path(folder) / "truth.gpkg", Path(folder) / "found.gpkg"
        draw_houses(options.houses, 8, seed=1).to_crs(4326).to_file(truth)
        drawn = draw_houses(options.houses, 16, seed=2)
        drawn[np.random.default_rng(3).random(len(drawn)) < 0.99].to_file(found)
        evaluate_polygons(found, found)  # compiles, and fills the caches of the disk
        wall, cpu = time.perf_counter(), time.process_time()
        total = evaluate_polygons(found, truth).total
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{total.objects.found:,} polygons, {total.objects.truth:,} true ones, {total.objects.matched:,} matched")
    print(f"F1 {total.objects.f1:.4f}, PoLiS {total.outlines.polis:.3f} m")
    print(f"{cpu:.1f} s of CPU time, {wall:.1f} s, {peak_gb:.2f} GB at most (including the drawing)")


if __name__ == "__main__":
    main()
