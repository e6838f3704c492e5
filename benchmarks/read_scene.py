"""Measures reading of patches and their contexts: MPix of the scene per CPU second, blocks decoded, peak memory.

    python benchmarks/read_scene.py --side 8192

Patches of 896 px every 768 px, each with its x2 and x3 context, are read from JPEG and deflate tiles of 512 px and from
strips, with and without overviews. "decoded" is how often each pixel of the file was decoded; 1.00 is the minimum (an
overview adds its own pixels: 0.25 for one of factor 2).
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.windows import Window as RasterioWindow

from fctl_geo.scene import Scene, open_scene
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

PATCH_PX, STRIDE_PX, FACTORS = 896, 768, (1, 2, 3)
LAYOUTS = {
    "jpeg tiles": {"compress": "jpeg", "photometric": "YCBCR", "tiled": True, "blockxsize": 512, "blockysize": 512},
    "deflate tiles": {"compress": "deflate", "tiled": True, "blockxsize": 512, "blockysize": 512},
    "deflate strips": {"compress": "deflate", "blockysize": 16},
}


def write_scene(path: Path, side_px: int, layout: dict[str, object], *, overviews: bool) -> None:
    """Write a scene of smooth noise, one strip at a time."""
    rng = np.random.default_rng(0)
    hills = np.sin(np.arange(side_px) / 40)[None] * 60
    place = rasterio.Affine(0.3, 0, 500_000, 0, -0.3, 4_600_000)
    shape = {"width": side_px, "height": side_px, "count": 3, "dtype": "uint8", "crs": "EPSG:32633", "transform": place}
    with rasterio.open(path, "w", "GTiff", **shape, interleave="pixel", **layout) as dataset:
        for row in range(0, side_px, 512):
            height = min(512, side_px - row)
            rough = rng.integers(0, 40, (3, height // 4 + 1, side_px // 4 + 1)).repeat(4, 1).repeat(4, 2)
            pixels = (100 + hills + rough[:, :height, :side_px]).astype(np.uint8)
            dataset.write(pixels, window=RasterioWindow(0, row, side_px, height))
        if overviews:
            dataset.build_overviews([2, 4], Resampling.average)


def sweep(scene: Scene, side_px: int) -> None:
    """Read every patch with its contexts, row by row."""
    half = PATCH_PX // 2
    for row in range(0, side_px, STRIDE_PX):
        for col in range(0, side_px, STRIDE_PX):
            for factor in FACTORS:
                scene.read(
                    Window((row + half) // factor - half, (col + half) // factor - half, PATCH_PX, PATCH_PX), factor
                )


class DecodeCounter:
    """Counts the pixels that the sources of a scene decode."""

    def __init__(self, scene: Scene) -> None:
        self.pixels = 0
        for reader in scene.readers:
            self._listen(reader.source)

    def _listen(self, source: object) -> None:
        kind = type(source)
        if not hasattr(kind, "_uncounted_read"):
            kind._uncounted_read = kind.read
        counter = self

        def read(self: object, window: Window) -> np.ndarray:
            counter.pixels += window.height * window.width
            return kind._uncounted_read(self, window)

        kind.read = read


def measure(name: str, side_px: int, *, overviews: bool) -> None:
    """Print one line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.tif"
        write_scene(path, side_px, LAYOUTS[name], overviews=overviews)
        with open_scene(path, InputSpec()) as scene:
            for factor in FACTORS:  # loads numba's kernels
                scene.read(Window(0, 0, 8, 8), factor)
            scene.resize_cache(0)
            counter = DecodeCounter(scene)
            scene.resize_cache(scene.cache_bytes_for(3 * PATCH_PX, side_px))
            started, busy = time.perf_counter(), time.process_time()
            sweep(scene, side_px)
            wall_s, cpu_s = time.perf_counter() - started, time.process_time() - busy
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    mpix = side_px * side_px / 1e6
    print(
        f"{name:<15} {'with' if overviews else 'without':>8} overviews  {mpix / cpu_s:7.1f} MPix/CPU s  "
        f"{mpix / wall_s:7.1f} MPix/s  decoded {counter.pixels / side_px / side_px:5.2f}  peak RSS {peak_mib:6.0f} MiB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=8192, help="side of the scene in pixels")
    parser.add_argument(
        "--layout", choices=sorted(LAYOUTS), action="append", help="layout to measure; may be repeated (default: all)"
    )
    args = parser.parse_args()
    for name in args.layout or LAYOUTS:
        for overviews in (False, True):
            measure(name, args.side, overviews=overviews)


if __name__ == "__main__":
    main()
