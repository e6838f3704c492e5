"""`fctl-geo doctor`: checks that everything a run needs is in place, and says how to fix what is not."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click

from fctl_geo.errors import FctlError

from .console import Console, console_options

State = Literal["ok", "warn", "FAIL"]

LEAST_MEMORY_BYTES = 2 << 30
LEAST_TEMP_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    what: str
    state: State
    words: str
    mend: str = ""
    """How to fix it; empty if there is nothing to fix."""


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of text.")
@click.option("--quick", is_flag=True, help="Skip the test run, which takes most of the time.")
@console_options
@click.pass_context
def command(ctx: click.Context, as_json: bool, quick: bool) -> None:
    """Check that this machine can run fctl-geo, and show how to fix problems.

    Prints one line per check: versions, GPU, memory, coordinate systems, disk, models, and a small test run from scene
    to polygons. Takes no arguments and a few seconds. The exit code is 1 if a run would fail.

    \b
    fctl-geo doctor
    """
    findings = []
    for finding in examine(ctx.ensure_object(Console), quick=quick):
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1))
    ctx.exit(1 if any(finding.state == "FAIL" for finding in findings) else 0)


def examine(console: Console, *, quick: bool = False) -> Iterator[Finding]:
    """Yield all findings as they are made; a quick examination skips the self test."""
    for sentence in console.cleared:
        yield Finding("environment", "warn", sentence, "unset it in your profile, or leave it: it does no harm here")
    checks = (versions, graphics, memory, projections, disk, kernels, models, self_test)
    for check in checks[:-1] if quick else checks:
        started = time.monotonic()
        yield from _guarded(check)
        if console.verbosity > 0:
            click.echo(f"     ({check.__name__}: {time.monotonic() - started:.1f} s)", err=True)


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A check that raises an error becomes a finding itself: whatever is broken must not break the doctor."""
    try:
        yield from check()
    except FctlError as error:
        yield Finding(check.__name__.replace("_", " "), "FAIL", error.message, error.hint)
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        yield Finding(check.__name__.replace("_", " "), "FAIL", words, "reinstall fctl-geo in a fresh environment")


def versions() -> Iterator[Finding]:
    """Python, and the packages that bundle native libraries."""
    import platform
    from importlib.metadata import version

    import pyogrio
    import pyproj
    import rasterio

    yield Finding(
        "fctl-geo", "ok", f"{version('fctl-geo')} on Python {platform.python_version()}, {platform.platform()}"
    )
    yield Finding("rasterio", "ok", f"{rasterio.__version__} with GDAL {rasterio.__gdal_version__}")
    yield Finding("pyogrio", "ok", f"{pyogrio.__version__} with GDAL {pyogrio.__gdal_version_string__}")
    yield Finding("pyproj", "ok", f"{pyproj.__version__} with PROJ {pyproj.proj_version_str}")
    for name in ("numpy", "numba", "shapely", "geopandas", "pyarrow", "safetensors"):
        yield Finding(name, "ok", version(name))


def graphics() -> Iterator[Finding]:
    """torch, and a GPU if one is usable; warns about a GPU that is present but cannot be used."""
    import shutil

    from fctl_geo.model.installed import INSTALL_ONNX, INSTALL_TORCH, has_onnx, has_torch

    if has_onnx():
        import onnxruntime

        providers = ", ".join(name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers())
        yield Finding("ONNX Runtime", "ok", f"{onnxruntime.__version__} ({providers})")
    if not has_torch():
        if not has_onnx():
            yield Finding("backend", "FAIL", "neither torch nor ONNX Runtime is installed", INSTALL_ONNX)
        yield Finding("torch", "ok" if has_onnx() else "FAIL", f"not installed; training needs it: {INSTALL_TORCH}")
        return
    import torch

    yield Finding("torch", "ok", f"{torch.__version__}, {torch.get_num_threads()} threads")
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            free_bytes, total_bytes = torch.cuda.mem_get_info(index)
            free = f"{free_bytes / 2**30:.1f} of {total_bytes / 2**30:.1f} GiB free"
            yield Finding(f"cuda:{index}", "ok", f"{properties.name}, {free}, CUDA {torch.version.cuda}")
    elif shutil.which("nvidia-smi"):
        fix = "install torch's CUDA build: https://pytorch.org/get-started/locally"
        reason = "this torch is a CPU build" if torch.version.cuda is None else "torch cannot use it"
        yield Finding("GPU", "warn", f"an NVIDIA driver is installed, but {reason}: runs use the CPU", fix)
    else:
        yield Finding("GPU", "ok", "none found: runs use the CPU")


def memory() -> Iterator[Finding]:
    """Cores and free memory."""
    import os

    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding("cores", "ok", f"{cores} for this process")
    ram = psutil.virtual_memory()
    words = f"{ram.available / 2**30:.1f} of {ram.total / 2**30:.1f} GiB free"
    low = ram.available < LEAST_MEMORY_BYTES
    yield Finding("memory", "warn" if low else "ok", words, "close other programs, or use --max-memory" if low else "")


def projections() -> Iterator[Finding]:
    """Whether rasterio's and pyproj's copies of PROJ find their databases: longitude 10 must give 1,113,194.9 m."""
    from pyproj import Transformer
    from rasterio.warp import transform

    fix = "unset PROJ_LIB and PROJ_DATA; if that does not help, reinstall rasterio and pyproj"
    by_pyproj = Transformer.from_crs(4326, 3857, always_xy=True).transform(10, 0)[0]
    by_rasterio = transform("EPSG:4326", "EPSG:3857", [10], [0])[0][0]
    for name, x_m in (("pyproj", by_pyproj), ("rasterio", by_rasterio)):
        correct = abs(x_m - 1_113_194.9) < 1
        words = "EPSG:4326 to EPSG:3857 works" if correct else f"longitude 10 became {x_m} m, expected 1113194.9"
        yield Finding(f"PROJ in {name}", "ok" if correct else "FAIL", words, "" if correct else fix)


def disk() -> Iterator[Finding]:
    """Free space for temporary class rasters."""
    import shutil

    folder = tempfile.gettempdir()
    free_bytes = shutil.disk_usage(folder).free
    low = free_bytes < LEAST_TEMP_BYTES
    words = f"{free_bytes / 2**30:.1f} GiB free in {folder}"
    yield Finding("temporary", "warn" if low else "ok", words, "set TMPDIR to a folder on a larger disk" if low else "")


def kernels() -> Iterator[Finding]:
    """Where numba caches compiled code."""
    import fctl_geo.polygons
    from fctl_geo.system.kernels import cache_folder

    folder = cache_folder(Path(fctl_geo.polygons.__file__).parent)
    if folder is None:
        yield Finding(
            "compiled code",
            "warn",
            "no cache folder is writable: every run compiles its code again, which takes about a minute",
            "set NUMBA_CACHE_DIR to a writable folder",
        )
    else:
        yield Finding("compiled code", "ok", f"cached in {folder.parent}")


def models() -> Iterator[Finding]:
    """Whether the shipped models can be read."""
    from fctl_geo.model.modelfile import read_model_info
    from fctl_geo.model.shipped import list_models

    names = list_models()
    if not names:
        yield Finding(
            "models", "FAIL", "this installation includes no models", "reinstall fctl-geo from a complete checkout"
        )
    for name in names:
        info = read_model_info(name)
        yield Finding(f"model {name}", "ok", f"version {info.version}, {len(info.legend)} classes")


def self_test() -> Iterator[Finding]:
    """Segment a small synthetic scene with the default model into a raster and polygons, in a temporary folder."""
    from fctl_geo.pipeline import segment_scene
    from fctl_geo.progress import Silent
    from fctl_geo.settings import Settings
    from fctl_geo.synthetic.write import write_scene

    with tempfile.TemporaryDirectory(prefix="fctl-geo-doctor-") as name:
        folder = Path(name)
        scene, _ = write_scene(folder, size_px=512)
        started = time.monotonic()
        settings = Settings.of({"outs": (folder / "classes.tif", folder / "polygons.gpkg")})
        summary = segment_scene(scene, settings, progress=Silent()).summary
        words = f"512 px scene to raster and polygons in {time.monotonic() - started:.1f} s on {summary.device}"
        yield Finding("self test", "ok", words)


def _print(finding: Finding) -> None:
    click.secho(f"{finding.state:<4}", fg={"ok": "green", "warn": "yellow", "FAIL": "red"}[finding.state], nl=False)
    click.echo(f" {finding.what:<16} {finding.words}")
    if finding.mend:
        click.echo(f"     fix: {finding.mend}")
