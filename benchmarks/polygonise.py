"""Compares the streaming tracer with rasterio.features.shapes on one class raster.

    python benchmarks/polygonise.py --size 5000

The raster resembles a land-cover map: six smooth classes, buildings at all angles, holes. Prints MPix/s of both, of
the sieve and of separating the buildings, the ratios to the tracer, and the peak RSS (of the whole process, before and
after GDAL runs).
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fctl_geo.polygons.sieve import sieve_strips
from fctl_geo.polygons.trace import Strip, trace_polygons
from fctl_geo.separate.separate import find_cores, separate_strips

Classes = npt.NDArray[np.uint8]


def class_raster(size_px: int, seed: int = 0) -> Classes:
    """Six smooth classes with buildings (class 5), courtyards (class 0), and speckle, (size, size) uint8."""
    rng = np.random.default_rng(seed)
    rows = np.arange(size_px, dtype=np.float32)
    field = np.zeros((size_px, size_px), np.float32)
    for _ in range(12):
        wave_px = rng.uniform(60, 700)
        angle = rng.uniform(0, np.pi)
        down = np.sin(angle) * rows / wave_px + rng.uniform(0, 6)
        right = np.cos(angle) * rows / wave_px
        field += np.outer(np.sin(down), np.cos(right)) + np.outer(np.cos(down), np.sin(right))
    classes = np.digitize(field, np.quantile(field[::16, ::16], [0.2, 0.4, 0.6, 0.8])).astype(np.uint8)
    for _ in range(size_px * size_px // 4000):
        stamp_building(classes, rng)
    speckle = rng.random(size_px * size_px // 2000)
    classes.reshape(-1)[(speckle * classes.size).astype(np.int64)] = 1
    return classes


def stamp_building(classes: Classes, rng: np.random.Generator) -> None:
    """Draw a rotated rectangle of 8 to 40 px, a third of them with a courtyard."""
    half = rng.uniform(4, 20, 2)
    row, col, angle = rng.uniform(0, classes.shape[0]), rng.uniform(0, classes.shape[1]), rng.uniform(0, np.pi)
    reach = int(np.hypot(*half)) + 2
    top, left = max(int(row) - reach, 0), max(int(col) - reach, 0)
    part = classes[top : int(row) + reach, left : int(col) + reach]
    y, x = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
    along = np.abs((x - col) * np.cos(angle) + (y - row) * np.sin(angle))
    across = np.abs((y - row) * np.cos(angle) - (x - col) * np.sin(angle))
    part[(along < half[0]) & (across < half[1])] = 5
    if rng.random() < 0.33:
        part[(along < half[0] / 3) & (across < half[1] / 3)] = 0


def strips_of(classes: Classes, height: int = 512) -> list[Strip]:
    """The raster cut into strips."""
    return [Strip(classes[row : row + height]) for row in range(0, classes.shape[0], height)]


def trace(classes: Classes, simplify_px: float) -> int:
    """Trace everything; returns the number of polygons."""
    batches = trace_polygons(
        strips_of(classes), width=classes.shape[1], transform=(1.0, 0.0, 0.0, 0.0, -1.0, 0.0), simplify_px=simplify_px
    )
    return sum(len(batch) for batch in batches)


def sieve(classes: Classes, min_area: float) -> int:
    """Sieve everything; returns the number of rows."""
    return sum(s.height for s in sieve_strips(strips_of(classes), width=classes.shape[1], min_area=min_area))


def separate(classes: Classes, neck_px: float) -> int:
    """Separate the buildings, in two passes; returns the number of rows."""
    strips, width = strips_of(classes), classes.shape[1]
    cores = find_cores(strips, width=width, classes=frozenset({5}), neck_px=neck_px)
    return sum(s.height for s in separate_strips(strips, cores, min_area=neck_px**2))


def gdal_shapes(classes: Classes) -> int:
    """Trace the same polygons with GDAL."""
    from rasterio.features import shapes

    return sum(1 for _ in shapes(classes, connectivity=4))


def timed(label: str, work: Callable[[], int], classes: Classes, repeats: int) -> float:
    """Print and return MPix/s, the median of several runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        count = work()
        times.append(time.perf_counter() - start)
    speed = classes.size / statistics.median(times) / 1e6
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{label:28s} {speed:8.1f} MPix/s  {count:9,d} out  peak RSS {peak_mib:6.0f} MiB")
    return speed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=5000, help="rows and columns of the raster")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--simplify", type=float, default=1.0, help="tolerance of the simplified run, in pixels")
    parser.add_argument("--min-area", type=float, default=20, help="smallest region that the sieve keeps, in pixels")
    parser.add_argument("--neck", type=float, default=8, help="width of the connections to cut, in pixels")
    options = parser.parse_args()
    warm = class_raster(256)
    trace(warm, 0.0), trace(warm, options.simplify), sieve(warm, options.min_area), separate(warm, options.neck)
    classes = class_raster(options.size)
    print(f"{options.size} x {options.size} px, raster {classes.nbytes / 2**20:.0f} MiB")
    ours = timed("trace", lambda: trace(classes, 0.0), classes, options.repeats)
    name = f"trace, simplify {options.simplify} px"
    simple = timed(name, lambda: trace(classes, options.simplify), classes, options.repeats)
    timed(f"sieve, {options.min_area} px", lambda: sieve(classes, options.min_area), classes, options.repeats)
    name = f"separate, neck {options.neck:g} px"
    apart = timed(name, lambda: separate(classes, options.neck), classes, options.repeats)
    theirs = timed("rasterio.features.shapes", lambda: gdal_shapes(classes), classes, 1)
    print(f"trace / shapes: {ours / theirs:.1f} times")
    print(f"separate / trace: {apart / ours:.2f} times, with simplification {apart / simple:.2f} times")


if __name__ == "__main__":
    main()
