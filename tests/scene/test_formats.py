"""Files of other formats: read as what they are, or refused with the way to read them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from scene_factory import make_pixels, make_scene

from fctl_geo.errors import SceneError
from fctl_geo.raster.reader import open_class_raster
from fctl_geo.scene import describe_scene, open_scene
from fctl_geo.settings import SceneSettings
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

WHOLE = Window(0, 0, 40, 50)
CLASSES = np.arange(40 * 50, dtype=np.uint8).reshape(1, 40, 50) // 90


def converted(source: Path, target: Path, driver: str) -> Path:
    rasterio.shutil.copy(source, target, driver=driver)
    return target


@pytest.mark.parametrize(("ending", "driver"), [("pix", "PCIDSK"), ("nc", "netCDF"), ("ers", "ERS"), ("pdf", "PDF")])
def test_a_file_beside_another_ones_raw_header_is_not_read_as_raw_bytes(
    tmp_path: Path, ending: str, driver: str
) -> None:
    tiff = make_scene(tmp_path / "made.tif", pixels=CLASSES)
    converted(tiff, tmp_path / "town.dat", "ENVI")
    other = converted(tiff, tmp_path / f"town.{ending}", driver)
    with open_class_raster(tmp_path / "town.dat") as raster:
        np.testing.assert_array_equal(raster.read(WHOLE), CLASSES[0])
    for attempt in (open_class_raster, describe_scene, lambda path: open_scene(path, InputSpec())):
        with pytest.raises(SceneError, match=r"town.hdr next to it describes 2,000 bytes") as caught:
            attempt(other)
        assert ("run again with --allow-external" in caught.value.hint) == (attempt is not open_class_raster)
    if driver != "PDF":  # which holds a picture of it
        with open_scene(other, InputSpec(bands=("gray",)), SceneSettings(allow_external=True)) as scene:
            np.testing.assert_array_equal(scene.read(WHOLE).pixels, CLASSES)


def test_raw_pixels_under_another_ending_are_read_if_their_header_fits(tmp_path: Path) -> None:
    converted(make_scene(tmp_path / "made.tif", pixels=CLASSES), tmp_path / "town.dat", "ENVI")
    (tmp_path / "town.dat").rename(tmp_path / "town.classes")
    with open_class_raster(tmp_path / "town.classes") as raster:
        np.testing.assert_array_equal(raster.read(WHOLE), CLASSES[0])


@pytest.mark.parametrize(("ending", "driver"), [("dat", "ENVI"), ("bil", "EHdr")])
def test_raw_pixels_that_end_early_are_refused(tmp_path: Path, ending: str, driver: str) -> None:
    """GDAL would read the rest as 0, and so would it read a netCDF file that is called .dat."""
    raw = converted(make_scene(tmp_path / "made.tif", pixels=CLASSES), tmp_path / f"town.{ending}", driver)
    with open_class_raster(raw) as raster:
        np.testing.assert_array_equal(raster.read(WHOLE), CLASSES[0])
    raw.write_bytes(raw.read_bytes()[:1_999])
    for attempt in (open_class_raster, describe_scene):
        with pytest.raises(SceneError, match="has 1,999 bytes, but its header describes 2,000"):
            attempt(raw)


def test_compressed_raw_pixels_are_read(tmp_path: Path) -> None:
    raw = converted(make_scene(tmp_path / "made.tif", pixels=CLASSES), tmp_path / "town.dat", "ENVI")
    raw.write_bytes(gzip.compress(raw.read_bytes()))
    header = raw.with_suffix(".hdr")
    header.write_text(header.read_text().replace("file type", "file compression = 1\nfile type"))
    with open_class_raster(raw) as raster:
        np.testing.assert_array_equal(raster.read(WHOLE), CLASSES[0])


@pytest.mark.parametrize(("ending", "driver"), [("pix", "PCIDSK"), ("nc", "netCDF")])
def test_a_format_that_is_read_with_allow_external_only_says_so(tmp_path: Path, ending: str, driver: str) -> None:
    other = converted(make_scene(tmp_path / "made.tif", pixels=CLASSES), tmp_path / f"x.{ending}", driver)
    with pytest.raises(SceneError, match=f"x.{ending} is a {driver} file, a format that requires --allow-external"):
        describe_scene(other)
    assert describe_scene(other, allow_external=True).driver == driver
    other.write_bytes(other.read_bytes()[:20])
    with pytest.raises(SceneError, match="not a raster that GDAL can read"):
        describe_scene(other, allow_external=True)


@pytest.mark.parametrize(("ending", "driver"), [("pix", "PCIDSK"), ("nc", "netCDF"), ("ers", "ERS")])
def test_classes_in_such_a_format_are_to_be_converted(tmp_path: Path, ending: str, driver: str) -> None:
    other = converted(make_scene(tmp_path / "made.tif", pixels=CLASSES), tmp_path / f"x.{ending}", driver)
    with pytest.raises(SceneError, match=f"x.{ending} is ") as caught:
        open_class_raster(other)
    assert "gdal_translate" in caught.value.hint and "run again" not in caught.value.hint


@pytest.mark.parametrize("table", ["", "<ColorTable></ColorTable>"])
def test_a_band_that_claims_a_palette_without_a_table_is_gray(tmp_path: Path, table: str) -> None:
    make_scene(tmp_path / "g.tif", 50, 40, bands=1)
    vrt = tmp_path / "p.vrt"
    vrt.write_text(
        '<VRTDataset rasterXSize="50" rasterYSize="40"><SRS>EPSG:32645</SRS>'
        "<GeoTransform>400000, 0.25, 0, 3000000, 0, -0.25</GeoTransform>"
        '<VRTRasterBand dataType="Byte" band="1"><ColorInterp>Palette</ColorInterp>'
        f"{table}<SimpleSource>"
        '<SourceFilename relativeToVRT="1">g.tif</SourceFilename><SourceBand>1</SourceBand></SimpleSource>'
        "</VRTRasterBand></VRTDataset>"
    )
    assert [band.name for band in describe_scene(vrt).bands] == ["gray"]
    with open_scene(vrt, InputSpec()) as scene:
        np.testing.assert_array_equal(scene.read(WHOLE).pixels, make_pixels(1, 40, 50).repeat(3, axis=0))
        assert any("one gray band" in words for words in scene.info.warnings)


def test_a_compression_that_rasterio_has_no_name_for_is_told(tmp_path: Path) -> None:
    mrf = converted(make_scene(tmp_path / "made.tif", 50, 40), tmp_path / "m.mrf", "MRF")
    assert describe_scene(mrf, allow_external=True).compression == "png"
    assert describe_scene(make_scene(tmp_path / "plain.tif", compress=None)).compression == "none"
    assert describe_scene(tmp_path / "made.tif").compression == "deflate"
