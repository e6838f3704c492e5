"""Standard streams that are closed, whose reader leaves, or where Python would print warnings of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from fctl_geo_cli.main import COMMANDS

ENGINE = f"{sys.executable} -m fctl_geo_cli"


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of bash; its exit code is that of fctl-geo, also in a pipe."""
    line = ["bash", "-o", "pipefail", "-c", command]
    return subprocess.run(line, check=False, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class raster, an image, and labels without a CRS whose ids occur twice."""
    folder = tmp_path_factory.mktemp("streams")
    classes = np.zeros((1, 60, 80), np.uint8)
    classes[0, 10:20, 10:30] = 1
    profile = {"driver": "GTiff", "dtype": "uint8", "height": 60, "width": 80, "crs": "EPSG:32633"}
    profile["transform"] = rasterio.Affine(1, 0, 500_000, 0, -1, 4_600_000)
    for name, pixels in (("classes.tif", classes), ("image.tif", np.repeat(classes * 90 + 60, 3, axis=0))):
        with rasterio.open(folder / name, "w", count=len(pixels), **profile) as dataset:
            dataset.write(pixels)
    house = shapely.box(500_010, 4_599_980, 500_030, 4_599_990)
    frame = geopandas.GeoDataFrame({"kind": ["class 1"] * 2}, geometry=[house] * 2, crs="EPSG:32633")
    frame.to_file(folder / "labels.shp")
    (folder / "labels.prj").unlink()
    text = frame.to_json(drop_id=True).replace('"type": "Feature",', '"type": "Feature", "id": 0,')
    (folder / "twice.geojson").write_text(text)
    return folder


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-", "2>&1 | true", "2>&1 | head -c 1"])
def test_closed_streams_change_neither_products_nor_exit_code(folder: Path, closed: str) -> None:
    out = folder / f"{abs(hash(closed))}.gpkg"
    said = shell(f"{ENGINE} polygonise classes.tif --out {out.name} {closed}", folder)
    assert said.returncode == 0, said.stderr
    assert "Error" not in said.stdout + said.stderr and "Traceback" not in said.stderr
    assert len(geopandas.read_file(out, layer=out.stem)) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_messages_that_fit_nowhere_stop_no_run_and_lost_results_are_told(folder: Path) -> None:
    command = f"{ENGINE} polygonise classes.tif --overwrite --out"
    said = shell(f"{command} a.gpkg 2>/dev/full", folder)
    assert said.returncode == 0 and "a.gpkg" in said.stdout
    for printing in (f"{command} b.gpkg --progress none", f"{ENGINE} --help"):
        said = shell(f"{printing} >/dev/full", folder)
        assert said.returncode == 1
        assert said.stderr.startswith("Error: what was printed could not be written: No space left on device\nHint: ")
        assert "Traceback" not in said.stderr
    assert len(geopandas.read_file(folder / "b.gpkg", layer="b")) == 2


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_every_command_can_be_asked_without_streams(folder: Path, name: str | None) -> None:
    said = shell(f"{ENGINE} {name or ''} --help >&-", folder)
    assert (said.returncode, said.stderr) == (0, "")


def test_an_error_is_still_an_error_without_streams(folder: Path) -> None:
    assert shell(f"{ENGINE} info none.tif >&- 2>&-", folder).returncode == 1
    assert shell(f"{ENGINE} info >&- 2>&-", folder).returncode == 2


@pytest.mark.parametrize("labels", ["labels.shp", "twice.geojson"])
def test_no_warning_of_python_reaches_the_user(folder: Path, labels: str) -> None:
    command = f"{ENGINE} evaluate classes.tif --image image.tif --labels {labels} --field kind --background 'class 0'"
    said = shell(command, folder)
    assert said.returncode == 0, said.stderr
    assert "Warning:" not in said.stderr.replace("Warning: labels.shp has no CRS", "")
    assert ".py:" not in said.stderr


def test_developers_see_warnings_when_they_ask_for_them(folder: Path) -> None:
    code = "import warnings; from fctl_geo_cli.console import prepare_streams; prepare_streams(); warnings.warn('seen')"
    for asked, seen in ((None, False), ("default", True)):
        env = {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"} | (
            {"PYTHONWARNINGS": asked} if asked else {}
        )
        said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert ("seen" in said.stderr) is seen


def test_polygons_without_a_column_are_named_on_the_command_line(folder: Path, fctl: Callable[..., object]) -> None:
    bare = folder / "bare.gpkg"
    geopandas.GeoDataFrame(geometry=[shapely.box(500_010, 4_599_980, 500_030, 4_599_990)], crs="EPSG:32633").to_file(
        bare
    )
    command = ("evaluate", folder / "classes.tif", "--image", folder / "image.tif", "--labels", bare)
    said = fctl(*command)
    assert said.exit_code == 1 and "--classes building" in said.stderr
    said = fctl(*command, "--classes", "class 1", "--background", "class 0")
    assert said.exit_code == 0 and "mIoU     1.0000" in said.stdout
    assert "class 1 " in said.stdout and "class 2" not in said.stdout, "of unnamed classes only those that occur"
