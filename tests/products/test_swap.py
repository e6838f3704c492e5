"""New files take the place of old ones: killed at any moment, never the old data with the new names."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio

from fctl_geo.errors import OutputError
from fctl_geo.products.cog import write_cog
from fctl_geo.products.polygonise import polygonise
from fctl_geo.products.swap import swap_in
from fctl_geo.progress import Silent
from fctl_geo.spec import ClassInfo, Legend

OLD = Legend((ClassInfo(1, "old roof", (200, 0, 0)),))
NEW = Legend((ClassInfo(1, "new water", (0, 0, 200)),))


class Killed(BaseException):
    """What nobody catches."""


def kill_before(step: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop in front of the nth change of a file that has its final name."""
    done = 0

    def counted(change: Callable[..., Any], final_of: Callable[..., Path]) -> Callable[..., Any]:
        def changed(self: Path, *args: Any, **options: Any) -> Any:
            nonlocal done
            final = final_of(self, *args)
            if final.parent == folder and not final.name.startswith(".") and done >= 0:
                if done == step:
                    done = -1
                    raise Killed
                done += 1
            return change(self, *args, **options)

        return changed

    monkeypatch.setattr(Path, "unlink", counted(Path.unlink, lambda path: path))
    monkeypatch.setattr(Path, "replace", counted(Path.replace, lambda path, final: final))


def make_raster(path: Path, values: np.typing.NDArray[np.uint8]) -> Path:
    height, width = values.shape
    transform = rasterio.Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": height, "width": width, "nodata": 255}
    with rasterio.open(path, "w", crs="EPSG:32633", transform=transform, **profile) as dataset:
        dataset.write(values, 1)
    return path


def spoken(folder: Path) -> set[str]:
    """Whose names and styles lie in the folder."""
    texts = "".join(path.read_text("utf-8") for path in folder.iterdir() if path.suffix in (".xml", ".qml"))
    return {word for word in ("old", "new") if f"{word} " in texts}


@pytest.mark.parametrize("step", range(7))
def test_a_class_raster_never_has_the_names_of_another(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, folder = tmp_path / "sources", tmp_path / "out"
    sources.mkdir()
    folder.mkdir()
    out = folder / "town.tif"
    for name, legend, value in (("old", OLD, 1), ("new", NEW, 2)):
        source = make_raster(sources / f"{name}.tif", np.full((20, 30), value, np.uint8))
        with monkeypatch.context() as patch, suppress(Killed):
            if name == "new":
                kill_before(step, folder, patch)
            write_cog(source, out, legend=legend, metadata={}, overview="mode", progress=Silent())
    whose = {1: "old", 2: "new"}
    with rasterio.open(out) as dataset:
        assert spoken(folder) <= {whose[int(dataset.read(1)[0, 0])]}
    assert step < 5 or spoken(folder) == {"new"}


@pytest.mark.parametrize("step", range(5))
def test_polygons_never_have_the_style_of_others(step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    out = folder / "town.fgb"
    raster = make_raster(tmp_path / "classes.tif", np.ones((20, 30), np.uint8))
    for legend in (OLD, NEW):
        with monkeypatch.context() as patch, suppress(Killed):
            if legend is NEW:
                kill_before(step, folder, patch)
            polygonise(raster, [out], legend=legend, overwrite=True)
    (name,) = pyogrio.read_dataframe(out)["class_name"]
    assert spoken(folder) <= {name.split()[0]}
    assert step < 4 or spoken(folder) == {"new"}


def leave_a_wal(path: Path) -> None:
    """A GeoPackage whose program died: its last changes stand in the -wal beside it."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE notes (text TEXT)")
        database.commit()
        wal, shm = (path.with_name(path.name + ending).read_bytes() for ending in ("-wal", "-shm"))
    path.with_name(path.name + "-wal").write_bytes(wal)
    path.with_name(path.name + "-shm").write_bytes(shm)


@pytest.mark.parametrize("step", [*range(5), None])
def test_a_journal_of_the_old_geopackage_is_never_replayed_over_the_new(
    step: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    out = folder / "town.gpkg"
    rng = np.random.default_rng(0)
    few = make_raster(tmp_path / "few.tif", np.ones((20, 30), np.uint8))
    many = make_raster(tmp_path / "many.tif", rng.integers(1, 3, (200, 300), dtype=np.uint8))
    polygonise(few, [out], legend=OLD)
    leave_a_wal(out)
    with monkeypatch.context() as patch, suppress(Killed):
        if step is not None:
            kill_before(step, folder, patch)
        polygonise(many, [out], legend=NEW, overwrite=True)
    assert step is not None or out.exists()
    if out.exists():
        with closing(sqlite3.connect(out)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        names = set(pyogrio.read_dataframe(out, layer="town")["class_name"])
        assert (names == {"old roof"} and "notes" in tables) or ("new water" in names and "notes" not in tables)


@pytest.mark.parametrize("ending", ["-journal", "-wal", "-shm"])
def test_companions_of_the_old_product_are_gone(tmp_path: Path, ending: str) -> None:
    final, part = tmp_path / "a.gpkg", tmp_path / "part"
    part.write_bytes(b"new")
    (tmp_path / f"a.gpkg{ending}").write_bytes(b"old")
    swap_in({final: part}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["a.gpkg"]


def test_a_file_that_cannot_be_replaced_says_so(tmp_path: Path) -> None:
    final, part = tmp_path / "a.gpkg", tmp_path / "part"
    part.write_bytes(b"new")
    final.mkdir()
    with pytest.raises(OutputError, match=r"a\.gpkg"):
        swap_in({final: part}, {})


@pytest.mark.parametrize("step", [*range(12), None])
def test_a_shapefile_never_has_the_attributes_of_another(
    step: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    out = folder / "town.shp"
    few = make_raster(tmp_path / "few.tif", np.ones((20, 30), np.uint8))
    many = make_raster(tmp_path / "many.tif", np.random.default_rng(0).integers(1, 3, (20, 30), dtype=np.uint8))
    polygonise(few, [out], legend=OLD)
    (folder / "town.qix").write_bytes(b"an index of the old polygons")
    with monkeypatch.context() as patch, suppress(Killed):
        if step is not None:
            kill_before(step, folder, patch)
        polygonise(many, [out], legend=NEW, overwrite=True)
    assert step is not None or out.exists()
    if out.exists():
        frame = pyogrio.read_dataframe(out)
        assert (len(frame) == 1 and set(frame["class_name"]) == {"old roof"}) or (
            len(frame) > 9 and "new water" in set(frame["class_name"]) and not out.with_suffix(".qix").exists()
        )
        assert frame.crs == "EPSG:32633"
