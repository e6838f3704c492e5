"""The finished raster: same bytes however it grew, whole or absent, with colors and names that GDAL finds."""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp, Resampling

from fctl_geo.errors import Cancelled, OutputError
from fctl_geo.products import cog
from fctl_geo.products.cog import write_cog
from fctl_geo.progress import Silent
from fctl_geo.raster.pam import legend_from_pam
from fctl_geo.raster.writer import BlockRasterWriter
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window

LEGEND = Legend(
    (
        ClassInfo(0, "land", (200, 190, 150), background=True),
        ClassInfo(1, "building & <house>", (230, 0, 10)),
        ClassInfo(4, "vesi €", (0, 90, 250)),
    )
)
METADATA = {"FCTL_MODEL": "buildings 0.1.0", "FCTL_SETTINGS": '{"merge": "blend"}'}
UTM = rasterio.crs.CRS.from_epsg(32635).to_wkt(version="WKT2_2019")


def grow(path: Path, values: np.ndarray, shard_px: int, *, backwards: bool = False) -> Path:
    frame = RasterFrame(*values.shape, (0.25, 0.0, 500_000.0, 0.0, -0.25, 6_000_000.0), UTM)
    whole = Window(0, 0, *values.shape)
    starts = [(r, c) for r in range(0, values.shape[0], shard_px) for c in range(0, values.shape[1], shard_px)]
    with BlockRasterWriter.create(path, frame) as writer:
        for row, col in reversed(starts) if backwards else starts:
            window = Window(row, col, shard_px, shard_px).clip(whole)
            writer.write(window, values[window.slices_in(whole)])
    return path


def blobs(height: int, width: int) -> np.ndarray:
    """Classes 0, 1, 4 in 20 px patches with a corner of nodata."""
    cells = np.random.default_rng(1).choice(np.array([0, 1, 4], np.uint8), (height // 20 + 1, width // 20 + 1))
    values = np.kron(cells, np.ones((20, 20), np.uint8))[:height, :width]
    values[: height // 4, : width // 3] = 255
    return np.ascontiguousarray(values)


def make_cog(folder: Path, height: int = 1100, width: int = 1300) -> Path:
    target = folder / "classes.tif"
    source = grow(folder / "growing.tif", blobs(height, width), 512)
    write_cog(source, target, legend=LEGEND, metadata=METADATA, overview="mode", progress=Silent())
    return target


def test_a_style_that_is_there_is_kept_where_that_is_asked(tmp_path: Path) -> None:
    source, style = grow(tmp_path / "growing.tif", blobs(300, 300), 512), tmp_path / "classes.qml"
    style.write_text("mine")
    for keep in (True, False):
        write_cog(
            source,
            tmp_path / "classes.tif",
            legend=LEGEND,
            metadata={},
            overview="mode",
            progress=Silent(),
            keep_style=keep,
        )
        assert (style.read_text() == "mine") == keep
    assert "paletted" in style.read_text()


def test_the_same_pixels_give_the_same_bytes_however_they_were_written(tmp_path: Path) -> None:
    values = blobs(1100, 1300)
    whole, shards = tmp_path / "a" / "x.tif", tmp_path / "b" / "x.tif"
    for target, shard_px, backwards in ((whole, 2048, False), (shards, 300, True)):
        target.parent.mkdir()
        source = grow(target.parent / "growing.tif", values, shard_px, backwards=backwards)
        write_cog(source, target, legend=LEGEND, metadata=METADATA, overview="mode", progress=Silent())
    for ending in (".tif", ".tif.aux.xml", ".qml"):
        first, second = (folder.parent / f"x{ending}" for folder in (whole, shards))
        assert first.read_bytes() == second.read_bytes(), ending


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (509, 1021)])
def test_pixels_size_and_place_survive(tmp_path: Path, size: tuple[int, int]) -> None:
    values = blobs(*size)
    source = grow(tmp_path / "growing.tif", values, 256)
    write_cog(source, tmp_path / "x.tif", legend=LEGEND, metadata={}, overview="mode", progress=Silent())
    with rasterio.open(tmp_path / "x.tif") as dataset:
        assert (dataset.read(1) == values).all()
        assert dataset.transform[:6] == (0.25, 0, 500_000, 0, -0.25, 6_000_000)
        assert dataset.crs.to_epsg() == 32635


def test_colors_nodata_tags_and_overviews_are_in_the_file(tmp_path: Path) -> None:
    with rasterio.open(make_cog(tmp_path)) as dataset:
        assert dataset.colorinterp == (ColorInterp.palette,)
        palette = dataset.colormap(1)
        assert palette[1] == (230, 0, 10, 255) and palette[4] == (0, 90, 250, 255)
        assert palette[255][3] == 0, "nodata is transparent"
        assert dataset.nodata == 255
        assert dataset.tags()["FCTL_MODEL"] == METADATA["FCTL_MODEL"]
        assert dataset.overviews(1) == [2, 4]
        assert dataset.profile["compress"] == "deflate" and dataset.block_shapes == [(512, 512)]


def test_overviews_of_classes_hold_classes_only_and_of_confidence_the_mean(tmp_path: Path) -> None:
    with rasterio.open(make_cog(tmp_path), overview_level=1) as dataset:
        assert set(np.unique(dataset.read(1))) <= {0, 1, 4, 255}
    values = np.tile(np.array([[10, 30], [20, 40]], np.uint8), (600, 600))
    source = grow(tmp_path / "c.tif", values, 512)
    write_cog(source, tmp_path / "conf.tif", legend=None, metadata={}, overview="average", progress=Silent())
    with rasterio.open(tmp_path / "conf.tif", overview_level=0) as dataset:
        assert (dataset.read(1) == 25).all() and dataset.colorinterp == (ColorInterp.gray,)
    assert not (tmp_path / "conf.tif.aux.xml").exists() and not (tmp_path / "conf.qml").exists()


def tiff_directories(path: Path) -> list[dict[int, tuple[int, ...]]]:
    """Tags of each image file directory of a classic little-endian TIFF, in the order of the chain (TIFF 6.0)."""
    data = path.read_bytes()
    assert data[:4] == b"II*\x00"
    sizes = {1: ("B", 1), 2: ("B", 1), 3: ("H", 2), 4: ("I", 4), 12: ("d", 8)}
    directories, offset = [], struct.unpack_from("<I", data, 4)[0]
    while offset:
        tags: dict[int, tuple[int, ...]] = {-1: (offset,)}
        count = struct.unpack_from("<H", data, offset)[0]
        for entry in range(offset + 2, offset + 2 + 12 * count, 12):
            tag, kind, number = struct.unpack_from("<HHI", data, entry)
            letter, size = sizes[kind]
            where = entry + 8 if number * size <= 4 else struct.unpack_from("<I", data, entry + 8)[0]
            tags[tag] = struct.unpack_from(f"<{number}{letter}", data, where)
        directories.append(tags)
        offset = struct.unpack_from("<I", data, offset + 2 + 12 * count)[0]
    return directories


def test_the_file_is_laid_out_as_a_cog(tmp_path: Path) -> None:
    path = make_cog(tmp_path)
    assert b"LAYOUT=IFDS_BEFORE_DATA" in path.read_bytes()[:200], "ghost header"
    directories = tiff_directories(path)
    widths = [tags[256][0] for tags in directories]
    assert widths == sorted(widths, reverse=True) and len(widths) == 3, "full size first, then ever smaller overviews"
    assert all(tags[322] == tags[323] == (512,) for tags in directories), "tiled"
    places = [tags[-1][0] for tags in directories]
    first_data = [min(tags[324]) for tags in directories]
    assert places == sorted(places) and max(places) < min(first_data), "directories before data"
    assert first_data == sorted(first_data, reverse=True), "data of small overviews before data of full size"


def libgdal() -> ctypes.CDLL:
    """The GDAL inside rasterio's wheel, for what rasterio has no words for."""
    folder = Path(rasterio.__file__).parents[1] / "rasterio.libs"
    found = list(folder.glob("libgdal*"))
    if not found:
        pytest.skip("rasterio is not from a wheel")
    library = ctypes.CDLL(str(found[0]))
    for name in ("GDALOpen", "GDALGetRasterBand", "GDALGetRasterCategoryNames", "GDALGetDefaultRAT"):
        getattr(library, name).restype = ctypes.c_void_p
    library.GDALRATGetValueAsString.restype = ctypes.c_char_p
    return library


def test_gdal_finds_the_category_names_and_the_attribute_table(tmp_path: Path) -> None:
    gdal = libgdal()
    with rasterio.Env():
        dataset = ctypes.c_void_p(gdal.GDALOpen(str(make_cog(tmp_path)).encode(), 0))
        band = ctypes.c_void_p(gdal.GDALGetRasterBand(dataset, 1))
        table = ctypes.c_void_p(gdal.GDALGetDefaultRAT(band))
        # asked after the table: GDAL 3.10 reads the file beside a TIFF only once something else wants it
        names = ctypes.cast(gdal.GDALGetRasterCategoryNames(band), ctypes.POINTER(ctypes.c_char_p))
        assert [names[i].decode() for i in range(5)] == ["land", "building & <house>", "", "", "vesi €"]
        rows, columns = gdal.GDALRATGetRowCount(table), gdal.GDALRATGetColumnCount(table)
        cells = [[gdal.GDALRATGetValueAsString(table, r, c).decode() for c in range(columns)] for r in range(rows)]
        gdal.GDALClose(dataset)
    assert cells == [
        ["0", "land", "200", "190", "150"],
        ["1", "building & <house>", "230", "0", "10"],
        ["4", "vesi €", "0", "90", "250"],
    ]


@pytest.mark.skipif(shutil.which("gdalinfo") is None, reason="no gdalinfo")
def test_gdalinfo_of_the_system_reads_it_without_a_word_of_warning(tmp_path: Path) -> None:
    said = subprocess.run(["gdalinfo", "-json", make_cog(tmp_path)], capture_output=True, text=True, check=True)
    assert "vesi €" in said.stdout and said.stderr == ""


def test_the_names_beside_the_file_give_the_legend_back(tmp_path: Path) -> None:
    found = legend_from_pam(make_cog(tmp_path), {})
    assert found is not None
    assert [(c.id, c.name, c.color) for c in found] == [(c.id, c.name, c.color) for c in LEGEND]


def test_what_was_made_for_the_old_file_goes_with_it(tmp_path: Path) -> None:
    for ending in (".tif", ".tif.ovr", ".tif.msk", ".tif.aux.xml"):
        (tmp_path / f"classes{ending}").write_text("old")
    target = make_cog(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "classes.qml",
        target.name,
        "classes.tif.aux.xml",
        "growing.tif",
    ]
    assert "old" not in (tmp_path / "classes.tif.aux.xml").read_text()


class Cancel(Silent):
    cancelled = True


@pytest.mark.parametrize("broken", ["full", "cancelled", "interrupted"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    small_disk: Path, tmp_path: Path, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(0, 200, (1500, 1500), dtype=np.uint8)
    source = grow(tmp_path / "growing.tif", noise if broken == "full" else blobs(600, 600), 512)
    target = small_disk / "classes.tif"
    target.write_bytes(b"old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if broken == "interrupted":
        monkeypatch.setattr(cog, "_prove_whole", interrupt)
    expected = {"full": OutputError, "cancelled": Cancelled, "interrupted": KeyboardInterrupt}[broken]
    with pytest.raises(expected) as caught:
        write_cog(
            source,
            target,
            legend=LEGEND,
            metadata={},
            overview="mode",
            progress=Cancel() if broken == "cancelled" else Silent(),
        )
    if broken == "full":
        assert "disk full while writing" in caught.value.message and "MB free" in caught.value.message
    assert [p.name for p in small_disk.iterdir()] == ["classes.tif"] and target.read_bytes() == b"old"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    source = grow(tmp_path / "growing.tif", blobs(10, 10), 256)
    with pytest.raises(OutputError, match="nowhere does not exist"):
        target = tmp_path / "nowhere" / "x.tif"
        write_cog(source, target, legend=None, metadata={}, overview="mode", progress=Silent())


def test_an_overview_that_lost_a_block_is_found(tmp_path: Path) -> None:
    """GDAL's threads leave such blocks in silence when memory ends."""
    from fctl_geo.products.cog import _prove_overviews

    path = tmp_path / "a.tif"
    values = np.full((2048, 2048), 255, np.uint8)
    values[1100:1300, 100:300] = 7
    with rasterio.open(path, "w", "GTiff", width=2048, height=2048, count=1, dtype="uint8", nodata=255, tiled=True,
                       blockxsize=512, blockysize=512, transform=Affine(1, 0, 9, 0, -1, 9)) as dataset:  # fmt: skip
        dataset.write(values, 1)
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4], Resampling.mode)
    _prove_overviews(path, 2)
    with rasterio.open(path, "r+", overview_level=1) as coarse:
        coarse.write(np.full((512, 512), 255, np.uint8), 1)
    with pytest.raises(OSError, match="block 0, 0 of overview 2 is missing"):
        _prove_overviews(path, 2)
