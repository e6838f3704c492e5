"""Does QGIS's memory grow with the raster? Peak memory of a QGIS process that segments layers of several sizes.

Run on Linux with QGIS's own Python (3.22 or newer), naming the engine's interpreter; sizes are sides in pixels:

    FCTL_GEO_PYTHON=.venv/bin/python /usr/bin/python3 benchmarks/qgis_memory.py --sizes 1000 5000 20000

Prints a line a size: peak of QGIS's own process, peak of the engine, seconds, and writes nothing outside of a temporary
folder. The layer is a sparse GeoTIFF with a textured part of 2,000 pixels, so that making it takes no time; every pixel
of it is segmented.
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
    """A tiled RGB scene of 0.05 m pixels; its upper left part has texture."""
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
    """The peak of this process since it was started; `ru_maxrss` would also tell that of the process before it."""
    status = Path("/proc/self/status").read_text("ascii")
    return float(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def measure(path: Path, model: str, grid: str) -> dict[str, float]:
    """Segment a layer as the toolbox does, and tell what it took; runs in a process of its own."""
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
    given = {"INPUT": layer.id(), "MODEL": model, "GRID": grid, "DEVICE": "cpu", "THREADS": 2,
             "OUTPUT": str(out / "out.tif"), "OUTPUT_POLYGONS": str(out / "out.gpkg"), "MIN_AREA": 50}  # fmt: skip
    processing.run("fctl:segmentraster", given)
    for each in (QgsRasterLayer(str(out / "out.tif"), "classes"),):  # as it is when it arrives in the project
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
    asked = parser.parse_args()
    if asked.one is not None:
        print(json.dumps(measure(asked.one, asked.model, asked.grid)))
        sys.stdout.flush()
        os._exit(0)
    for size_px in asked.sizes:
        folder = Path(tempfile.mkdtemp(prefix="qgis-memory-"))
        try:
            make_layer(folder / "layer.tif", size_px)
            command = [sys.executable, __file__, "--one", str(folder / "layer.tif"), "--model", asked.model]
            profile = {"QGIS_CUSTOM_CONFIG_PATH": str(folder / "config")}
            said = subprocess.run(
                [*command, "--grid", asked.grid],
                capture_output=True,
                text=True,
                env={**os.environ, **profile},
                check=False,
            )
            if said.returncode or not said.stdout.strip():
                raise SystemExit(said.stdout + said.stderr)
            found = json.loads(said.stdout.splitlines()[-1])
            words = ", ".join(f"{name} {value:,.0f}" for name, value in found.items())
            print(f"{size_px:,} x {size_px:,} px: {words}", flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
