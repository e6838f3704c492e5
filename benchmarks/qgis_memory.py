"""Measures the peak memory of a QGIS process that segments layers of several sizes: it should not grow with them.

Run it on Linux with the Python of QGIS (3.22 or later), and name the engine's interpreter; sizes are sides in pixels:

    FCTL_GEO_PYTHON=.venv/bin/python /usr/bin/python3 benchmarks/qgis_memory.py --sizes 1000 5000 20000

Prints one line per size: peak of the QGIS process, peak of the engine, and seconds. Writes only to a temporary folder.
The layer is a sparse GeoTIFF with a textured part of 2,000 pixels, so that it is created quickly; all of its pixels are
segmented.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def make_layer(path: Path, size_px: int) -> None:
    """Write a tiled RGB scene of 0.05 m pixels; its upper left part has texture."""
    import numpy as np
    from osgeo import gdal, osr

    place = osr.SpatialReference()
    place.ImportFromEPSG(32633)
    options = ["TILED=YES", "COMPRESS=DEFLATE", "PHOTOMETRIC=RGB"]
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), size_px, size_px, 3, gdal.GDT_Byte, options=options)
    dataset.SetProjection(place.ExportToWkt())
    dataset.SetGeoTransform((500_000, 0.05, 0, 6_000_000, 0, -0.05))
    side = min(2000, size_px)
    coarse = np.random.default_rng(1).integers(20, 230, (3, side // 20, side // 20), dtype=np.uint8)
    texture = np.kron(coarse, np.ones((1, 20, 20), np.uint8))
    for band in range(3):
        dataset.GetRasterBand(band + 1).Fill(90 + 20 * band)
        dataset.GetRasterBand(band + 1).WriteArray(texture[band])
    dataset.FlushCache()


def own_peak_mb() -> float:
    """The peak of this process since it was started; `ru_maxrss` would include that of the process before it."""
    status = Path("/proc/self/status").read_text("ascii")
    return float(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def measure(path: Path, model: str, grid: str) -> dict[str, float]:
    """Segment a layer as the toolbox does, and return memory and time; runs in its own process."""
    import resource

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from qgis.core import QgsApplication, QgsProject, QgsRasterLayer

    application = QgsApplication([], False)
    application.initQgis()
    sys.path[:0] = [str(ROOT), f"{QgsApplication.pkgDataPath()}/python/plugins"]
    import processing
    from processing.core.Processing import Processing

    Processing.initialize()
    from qgis_plugin import classFactory

    plugin = classFactory(None)
    plugin.initProcessing()
    layer = QgsRasterLayer(str(path), "layer")
    QgsProject.instance().addMapLayer(layer)
    before = own_peak_mb()
    start = time.monotonic()
    out = path.parent
    parameters = {"INPUT": layer.id(), "MODEL": model, "GRID": grid, "DEVICE": "cpu", "THREADS": 2,
                  "OUTPUT": str(out / "out.tif"), "OUTPUT_POLYGONS": str(out / "out.gpkg"), "MIN_AREA": 50}  # fmt: skip
    processing.run("fctl:segmentraster", parameters)
    for each in (QgsRasterLayer(str(out / "out.tif"), "classes"),):  # loaded as it is in the project
        assert each.isValid()
    peak = own_peak_mb()
    engine = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"qgis_mb": peak, "qgis_grown_mb": peak - before, "engine_mb": engine, "seconds": time.monotonic() - start}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 5000, 20000])
    parser.add_argument("--model", default="landcover")
    parser.add_argument("--grid", default="scene", choices=["scene", "model"])
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one is not None:
        print(json.dumps(measure(args.one, args.model, args.grid)))
        sys.stdout.flush()
        os._exit(0)
    for size_px in args.sizes:
        folder = Path(tempfile.mkdtemp(prefix="qgis-memory-"))
        try:
            make_layer(folder / "layer.tif", size_px)
            command = [sys.executable, __file__, "--one", str(folder / "layer.tif"), "--model", args.model]
            profile = {"QGIS_CUSTOM_CONFIG_PATH": str(folder / "config")}
            result = subprocess.run(
                [*command, "--grid", args.grid],
                capture_output=True,
                text=True,
                env={**os.environ, **profile},
                check=False,
            )
            if result.returncode or not result.stdout.strip():
                raise SystemExit(result.stdout + result.stderr)
            measured = json.loads(result.stdout.splitlines()[-1])
            values = ", ".join(f"{name} {value:,.0f}" for name, value in measured.items())
            print(f"{size_px:,} x {size_px:,} px: {values}", flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
