"""Names of outputs: each is written, by every writer and under way too, or refused before the work."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from scene_factory import make_scene

from fctl_geo import polygonise
from fctl_geo.errors import OutputError, TrainingError
from fctl_geo.products.cog import write_cog
from fctl_geo.progress import Silent
from fctl_geo.run.work_folder import WorkFolder
from fctl_geo.scene.labels import read_class_column
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.storage.address import ogr_name
from fctl_geo.storage.outputs import RASTER_ENDINGS, TILE_ENDINGS, VECTOR_ENDINGS, check_outputs
from fctl_geo.storage.whole_files import hidden_name, write_text_whole

ENDINGS = (".tif", *VECTOR_ENDINGS)
LEGEND = Legend((ClassInfo(0, "land", (9, 9, 9), background=True), ClassInfo(1, "house", (200, 0, 0))))
NAMES = (
    "a;b", ";", "-x", "--out", "a:b", "C:b", "a?b", "?", "a%20b", "%41", "a b", " a ", "a#b", "a&b<c>", "a'b", 'a"b',
    "(x)", "[x]", "{x}", "$HOME", "@x", "~x", "~", "*", "a|b", "a\\b", "a,b", "a`b", "1", "a.b.c", "...", "gpkg_x",
    "select", "Straße Ä", "日本", "😀", "e\u0301", "x" * 235, "日" * 78,
)  # fmt: skip
"""Stems that a person can type."""


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pixels = np.zeros((1, 40, 50), np.uint8)
    pixels[0, 5:20, 5:30] = 1
    return make_scene(tmp_path_factory.mktemp("classes") / "classes.tif", pixels=pixels, nodata=255)


def write_all(classes: Path, outs: Sequence[Path]) -> None:
    """By ending, as the commands do."""
    check_outputs(outs, False)
    polygonise(classes, [out for out in outs if out.suffix != ".tif"])
    for out in outs:
        if out.suffix == ".tif":
            write_cog(classes, out, legend=LEGEND, metadata={}, overview="mode", progress=Silent(), keep_style=False)


def count(out: Path) -> int:
    """Polygons, or pixels of class 1, as another program reads them."""
    if out.suffix == ".tif":
        with rasterio.open(out) as dataset:
            return int((dataset.read(1) == 1).sum())
    if out.suffix == ".parquet":
        import geopandas

        return len(geopandas.read_parquet(out.absolute()))
    layer = pyogrio.list_layers(ogr_name(out))[0, 0]
    return int(pyogrio.read_info(ogr_name(out), layer=layer, force_feature_count=True)["features"])


@pytest.mark.parametrize("stem", NAMES, ids=[name[:12] for name in NAMES])
def test_every_name_that_can_be_typed_is_written(
    classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    outs = [Path(f"{stem}{ending}") for ending in ENDINGS]
    write_all(classes, outs)
    assert [count(out) for out in outs] == [15 * 25, *[2] * len(VECTOR_ENDINGS)]
    assert not list(tmp_path.glob("*partial*"))
    for out in [out for out in outs[1:] if out.suffix not in TILE_ENDINGS]:
        column = read_class_column(out, "class_name")
        assert sum(column.counts.values()) == 2 == sum(len(ids) for ids, _ in column.vector.shapes()), "and is read"


@pytest.mark.parametrize("folder", ["a;b", "a?b", "-x", "a b", "ä", "[x]", "a#b", "%41", "x" * 250])
def test_a_folder_of_any_name_is_written_into(classes: Path, tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    outs = [tmp_path / folder / f"o{ending}" for ending in ENDINGS]
    write_all(classes, outs)
    assert [count(out) for out in outs] == [15 * 25, *[2] * len(VECTOR_ENDINGS)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a!b.gpkg", "contains '!'"),
        ("b!/a.fgb", "contains '!'"),
        ("a\nb.geojson", "contains '.n'"),
        ("a\udce4.tif", "not valid UTF-8"),
        ("x" * 250 + ".tif", "254 bytes long, but at most 247 are possible"),
        ("x" * 3000 + ".tif", "3004 bytes long"),
        ("日" * 82 + ".gpkg", "251 bytes long"),
        ("/".join(["x" * 200] * 30) + "/a.tif", "cannot be a file"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path, name: str, words: str) -> None:
    out = tmp_path / name
    if len(name) < 100:
        out.parent.mkdir(exist_ok=True)
    with pytest.raises(OutputError, match=words) as told:
        check_outputs([out], False)
    assert told.value.hint
    assert not [left for left in tmp_path.iterdir() if left.is_file()]


def test_a_path_too_long_for_sqlite_is_refused_and_the_longest_that_is_not_is_written(
    classes: Path, tmp_path: Path
) -> None:
    deep = tmp_path
    while len(str(deep)) < 430:
        deep = deep / ("d" * min(100, 431 - len(str(deep))))
    deep.mkdir(parents=True)
    written = []
    for length in range(1, 60):
        out = deep / ("n" * length + ".gpkg")
        try:
            check_outputs([out], False)
        except OutputError as error:
            assert "SQLite allows 504" in error.message and ".fgb" in error.hint
            break
        written.append(out)
    assert len(written) > 3 and length < 59
    write_all(classes, [written[-1], out.with_suffix(".fgb"), out.with_suffix(".geojson"), out.with_suffix(".tif")])
    assert count(written[-1]) == 2


def test_a_file_that_cannot_be_named_to_gdal_is_not_another_that_can(classes: Path, tmp_path: Path) -> None:
    """Pyogrio reads 'b.gpkg' of the working folder where 'a!b.gpkg' is asked for."""
    write_all(classes, [tmp_path / "b.gpkg", tmp_path / "c.gpkg"])
    (tmp_path / "c.gpkg").rename(tmp_path / "a!b.gpkg")
    with pytest.raises(TrainingError, match="contains '!'") as told:
        read_class_column(tmp_path / "a!b.gpkg", "class_name")
    assert "rename" in told.value.hint


def test_names_under_way_fit_the_file_system_and_belong_to_one_name_only(tmp_path: Path) -> None:
    assert hidden_name(tmp_path / "town.tif", ".partial-") == ".town.tif.partial-", "short names are kept"
    long = [tmp_path / f"{letter * 200}{last}.tif" for letter in "xä" for last in "ab"]
    for path in long:
        assert len(os.fsencode(hidden_name(path, ".partial-01234567.tif.aux.xml"))) <= 255
        assert len(os.fsencode(WorkFolder.beside(path).name)) <= 255
    assert len({hidden_name(path, "") for path in long}) == 4
    write_text_whole(tmp_path / ("y" * 250), "text")
    assert (tmp_path / ("y" * 250)).read_text() == "text"


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    check_outputs([tmp_path / "a.gpkg", tmp_path / "a.tif"], False)
    assert not list(tmp_path.iterdir())
    assert RASTER_ENDINGS[0] == ".tif"
