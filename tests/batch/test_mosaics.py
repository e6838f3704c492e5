"""Scenes side by side come out as if they were one file; whatever they are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
from rasterio.transform import Affine
from scene_factory import make_pixels, make_scene

from fctl_geo import Settings, segment_scene
from fctl_geo.batch.inputs import find_scenes
from fctl_geo.batch.mosaics import join_neighbors
from fctl_geo.batch.run_batch import BatchSettings, BatchSummary, run_batch
from fctl_geo.scene import open_scene
from fctl_geo.scene.header import read_header
from fctl_geo.scene.mosaic import member_of, neighbors
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

GSD = 0.3


def place(row: int, col: int, gsd: float = GSD) -> Affine:
    return Affine(gsd, 0, 500_000 + col * gsd, 0, -gsd, 4_600_000 - row * gsd)


def cut(folder: Path, pixels: np.ndarray, windows: dict[str, tuple[int, int, int, int]], **options: object) -> Path:
    """A folder of scenes, each a window (row, col, height, width) of one picture."""
    folder.mkdir()
    for name, (row, col, height, width) in windows.items():
        part = pixels[:, row : row + height, col : col + width]
        make_scene(folder / f"{name}.tif", pixels=part, transform=place(row, col), **options)
    return folder


def as_vrts(folder: Path) -> None:
    """Each scene becomes a VRT of a file beside it, as mosaics of agencies often are."""
    for path in sorted(folder.glob("*.tif")):
        data = path.rename(path.with_suffix(".data"))
        with rasterio.open(data) as dataset:
            a, b, c, d, e, f = tuple(dataset.transform)[:6]
            height, width = dataset.shape
            bands = "".join(
                f'<VRTRasterBand dataType="Byte" band="{n}"><ColorInterp>{color}</ColorInterp><SimpleSource>'
                f'<SourceFilename relativeToVRT="1">{data.name}</SourceFilename><SourceBand>{n}</SourceBand>'
                "</SimpleSource></VRTRasterBand>"
                for n, color in enumerate(("Red", "Green", "Blue"), 1)
            )
            path.with_suffix(".vrt").write_text(
                f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS>EPSG:32633</SRS>'
                f"<GeoTransform>{c},{a},{b},{f},{d},{e}</GeoTransform>{bands}</VRTDataset>"
            )


def batch(folder: Path, out: Path, model: Path, *, split: bool = False) -> BatchSummary:
    scenes = join_neighbors(find_scenes([str(folder)]), out, split=split)
    settings = Settings.of({"model": str(model), "device": "cpu", "threads": 1, "refine": False})
    return run_batch(scenes, BatchSettings(out, formats=("tif", "gpkg")), settings)


def whole(folder: Path, pixels: np.ndarray, model: Path) -> np.ndarray:
    """Classes of the picture as one file."""
    folder.mkdir()
    scene = make_scene(folder / "scene.tif", pixels=pixels)
    out = folder / "classes.tif"
    segment_scene(scene, Settings.of({"model": str(model), "device": "cpu", "outs": (out,), "refine": False}))
    return classes_of(out)


def classes_of(path: Path) -> np.ndarray:
    with rasterio.open(path) as raster:
        return raster.read(1)


QUARTERS = {"nw": (0, 0, 120, 150), "ne": (0, 150, 120, 90), "sw": (120, 0, 80, 150), "se": (120, 150, 80, 90)}


@pytest.mark.parametrize("vrt", [False, True], ids=["files", "VRTs"])
def test_scenes_that_touch_come_out_as_one(tmp_path: Path, model: Path, vrt: bool) -> None:
    """Contexts and polygons cross the borders. Twice: VRTs of VRTs must not spoil what this process reads later."""
    pixels = make_pixels(3, 200, 240)
    folder = cut(tmp_path / "in", pixels, QUARTERS)
    if vrt:
        as_vrts(folder)
    expected = whole(tmp_path / "whole", pixels, model)
    for out in (tmp_path / "first", tmp_path / "second"):
        summary = batch(folder, out, model)
        assert (summary.done, summary.failed) == (1, ())
        assert (classes_of(out / "mosaic-ne.tif") == expected).all()
    polygons = pyogrio.read_dataframe(tmp_path / "first" / "mosaic-ne.gpkg", layer="mosaic-ne")
    seam = 500_000 + 150 * GSD
    assert any(p.bounds[0] < seam - 1 and p.bounds[2] > seam + 1 for p in polygons.geometry)


def test_a_source_that_goes_missing_is_an_error_not_black(tmp_path: Path, model: Path) -> None:
    """Also after COGs were made in this process, and deep down in a VRT of a VRT."""
    folder = cut(tmp_path / "in", make_pixels(3, 200, 240), QUARTERS)
    as_vrts(folder)
    scenes = join_neighbors(find_scenes([str(folder)]), tmp_path / "out", split=False)
    settings = Settings.of({"model": str(model), "device": "cpu", "threads": 1, "refine": False})
    assert run_batch(scenes, BatchSettings(tmp_path / "out"), settings).done == 1
    (folder / "se.data").unlink()
    again = run_batch(scenes, BatchSettings(tmp_path / "out", formats=("tif",)), settings)
    assert again.done == 0 and len(again.failed) == 1, "not read as zeros"
    summary = batch(folder, tmp_path / "anew", model)
    assert summary.done == 1 and [ended.name for ended in summary.failed] == ["se"], "the others are joined without it"


def test_split_gives_each_scene_its_part_of_the_whole(tmp_path: Path, model: Path) -> None:
    pixels = make_pixels(3, 200, 240)
    folder = cut(tmp_path / "in", pixels, QUARTERS)
    expected = whole(tmp_path / "whole", pixels, model)
    assert batch(folder, tmp_path / "out", model, split=True).done == 4
    for name, (row, col, height, width) in QUARTERS.items():
        part = classes_of(tmp_path / "out" / f"{name}.tif")
        assert (part == expected[row : row + height, col : col + width]).all(), name


def test_what_no_scene_covers_is_no_data(tmp_path: Path, model: Path) -> None:
    pixels = make_pixels(3, 200, 240)
    folder = cut(tmp_path / "in", pixels, {name: QUARTERS[name] for name in ("nw", "ne", "sw")})
    batch(folder, tmp_path / "out", model)
    classes = classes_of(tmp_path / "out" / "mosaic-ne.tif")
    gap = np.zeros(classes.shape, bool)
    gap[120:, 150:] = True
    assert ((classes == 255) == gap).all()


def mosaic_of(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and validity of a folder's one mosaic."""
    (scene,) = join_neighbors(find_scenes([str(folder)]), folder, split=False)
    with rasterio.open(scene.scene) as raster:
        height, width = raster.shape
        bands = tuple(str(n) for n in raster.indexes[:3])
    spec = InputSpec(bands=("red", "green", "blue"))
    from fctl_geo.settings import SceneSettings

    with open_scene(scene.scene, spec, SceneSettings(bands=bands, allow_external=True)) as opened:
        tile = opened.read(Window(0, 0, height, width))
        return np.array(tile.pixels), np.array(tile.valid)


@pytest.mark.parametrize("kind", ["nodata", "mask", "alpha"])
def test_holes_stay_holes_and_let_the_scene_below_be_seen(tmp_path: Path, kind: str) -> None:
    """Two scenes overlap by 40 columns; each has a hole there."""
    pixels = make_pixels(3, 100, 200)
    folder = tmp_path / "in"
    folder.mkdir()
    holes = {"a": np.zeros((100, 200), bool), "b": np.zeros((100, 200), bool)}
    holes["a"][20:40, 85:95] = True
    holes["b"][30:60, 85:95] = True
    for name, cols in (("a", slice(0, 120)), ("b", slice(80, 200))):
        part, hole = pixels[:, :, cols].copy(), holes[name][:, cols]
        options: dict[str, object] = {}
        if kind == "nodata":
            part[:, hole], options["nodata"] = 0, 0
        elif kind == "mask":
            options["mask"] = ~hole
        else:
            options["alpha"] = np.where(hole, 0, 255)
        make_scene(folder / f"{name}.tif", pixels=part, transform=place(0, cols.start), **options)
    read, valid = mosaic_of(folder)
    assert (valid == ~(holes["a"] & holes["b"])).all()
    assert (read[:, valid] == pixels[:, valid]).all()


def test_only_scenes_of_one_kind_and_grid_are_joined(tmp_path: Path) -> None:
    scenes = {
        "a": {"transform": place(0, 0)},
        "touching": {"transform": place(0, 50)},
        "over-a-corner": {"transform": place(40, 100)},
        "apart": {"transform": place(0, 300)},
        "half-a-pixel": {"transform": place(40, 0.5)},
        "finer": {"transform": place(0, 100, GSD / 2)},
        "elsewhere": {"transform": place(0, 0), "crs": "EPSG:32634"},
        "four-bands": {"transform": place(0, 0), "bands": 4},
        "turned": {"transform": place(0, 0) * Affine.rotation(10)},
        "nowhere": {"crs": None},
    }
    headers = [read_header(make_scene(tmp_path / f"{name}.tif", 50, 40, **options)) for name, options in scenes.items()]
    members = {name: member for name, header in zip(scenes, headers, strict=True) if (member := member_of(header))}
    assert set(scenes) - set(members) == {"turned", "nowhere"}
    groups = [[list(members)[i] for i in group] for group in neighbors(list(members.values()))]
    assert [group for group in groups if len(group) > 1] == [["a", "touching", "over-a-corner"]]


def test_a_scene_that_cannot_be_read_fails_alone(tmp_path: Path, model: Path) -> None:
    folder = cut(tmp_path / "in", make_pixels(3, 120, 240), {name: QUARTERS[name] for name in ("nw", "ne")})
    (folder / "bad.tif").write_bytes(b"bad")
    summary = batch(folder, tmp_path / "out", model)
    assert (summary.done, [ended.name for ended in summary.failed]) == (1, ["bad"])


def test_a_second_call_finds_the_mosaic_unchanged_until_a_member_changes(tmp_path: Path, model: Path) -> None:
    folder = cut(tmp_path / "in", make_pixels(3, 120, 240), {name: QUARTERS[name] for name in ("nw", "ne")})
    batch(folder, tmp_path / "out", model)
    assert batch(folder, tmp_path / "out", model).unchanged == 1
    make_scene(folder / "nw.tif", pixels=make_pixels(3, 120, 150, seed=4), transform=place(0, 0))
    assert batch(folder, tmp_path / "out", model).done == 1
