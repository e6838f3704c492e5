"""Measures time, memory, and the time of each stage of `fctl-geo segment`, on scenes of several sizes.

    python benchmarks/segment.py --sizes 5000 20000 --model buildings

Each size runs in its own process, from a JPEG-tiled GeoTIFF to a GeoPackage. A scene repeats a synthetic scene at the
model's pixel size. Prints seconds, MPix/s, peak RSS, and the ratio of each RSS to that of the first size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from fctl_geo.model.modelfile import read_model_info
from fctl_geo.synthetic.write import write_scene

STAGES = "import sys; from fctl_geo_cli.main import main; sys.argv[0] = 'fctl-geo'; main()"


def make_scene(folder: Path, size_px: int, gsd_m: float) -> Path:
    """Write a scene of size_px squared: the demo scene, repeated."""
    path = folder / f"scene-{size_px}-{gsd_m:g}.tif"
    if path.exists():
        return path
    tile_path, _ = write_scene(folder, size_px=2048, gsd_m=gsd_m)
    with rasterio.open(tile_path) as source:
        tile, profile = source.read(), source.profile
    profile.update(width=size_px, height=size_px, bigtiff="IF_SAFER", compress="jpeg", photometric="ycbcr")
    with rasterio.open(path, "w", **profile) as target:
        for row in range(0, size_px, 2048):
            for col in range(0, size_px, 2048):
                height, width = min(2048, size_px - row), min(2048, size_px - col)
                target.write(np.ascontiguousarray(tile[:, :height, :width]), window=Window(col, row, width, height))
    return path


def run(scene: Path, out: Path, model: str, extra: list[str]) -> dict[str, object]:
    """Measure one run: seconds, peak RSS in MiB, seconds per stage."""
    command = ["segment", str(scene), "--model", model, "--out", str(out), "--overwrite", "--progress", "json", *extra]
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", STAGES, *command], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    stages: list[tuple[str, float]] = []
    assert process.stderr is not None
    for line in process.stderr:
        event = json.loads(line) if line.startswith(b"{") else {}
        if event.get("event") == "stage":
            stages.append((event["name"], time.monotonic()))
    _, status, usage = os.wait4(process.pid, 0)
    end = time.monotonic()
    if status:
        raise SystemExit(f"the run failed with status {status}")
    ends = [at for _, at in stages[1:]] + [end]
    spent = {name: round(until - at, 1) for (name, at), until in zip(stages, ends, strict=True)}
    return {"seconds": end - start, "rss_mib": usage.ru_maxrss / 1024, "stages": spent}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5000, 20000])
    parser.add_argument("--model", default="buildings")
    parser.add_argument("--gsd", type=float, help="pixel size of the scenes in meters (default: the model's)")
    parser.add_argument("--folder", type=Path, default=Path("runs/benchmark"))
    parser.add_argument("extra", nargs="*", help="more options of `fctl-geo segment`, after --")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    gsd_m = args.gsd or read_model_info(args.model).input.gsd_m or 0.25
    first = 0.0
    print("| size | seconds | MPix/s | peak RSS, MiB | relative to the first | seconds per stage |")
    print("|---|---|---|---|---|---|")
    for size in args.sizes:
        scene = make_scene(args.folder, size, gsd_m)
        done = run(scene, args.folder / "out.gpkg", args.model, args.extra)
        seconds, rss = float(done["seconds"]), float(done["rss_mib"])  # type: ignore[arg-type]
        first = first or rss
        print(
            f"| {size:,}² | {seconds:.1f} | {size * size / 1e6 / seconds:.2f} | {rss:.0f} | {rss / first:.2f} "
            f"| {', '.join(f'{k} {v}' for k, v in done['stages'].items())} |",  # type: ignore[attr-defined]
            flush=True,
        )


if __name__ == "__main__":
    main()
