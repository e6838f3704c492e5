"""A scene cannot make us read files outside its folder, unless that is allowed."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
from scene_factory import make_pixels, make_scene
from shapely.geometry import box

from fctl_geo.errors import FctlError, SceneError
from fctl_geo.products.polygonise import polygonise
from fctl_geo.scene import describe_scene, open_scene
from fctl_geo.settings import SceneSettings
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

RGB = InputSpec()
WINDOW = Window(0, 0, 80, 100)


@dataclass(frozen=True)
class Place:
    """A folder with scenes, a file that must not be read, and a way to write VRTs."""

    inside: Path
    secret: Path

    def vrt(self, source: str, relative: str = "0", *, name: str = "scene.vrt", head: str = "", band: str = "") -> Path:
        """A VRT of three bands of a source."""
        bands = "".join(
            f'<VRTRasterBand dataType="Byte" band="{n}"{band}><SimpleSource><SourceFilename relativeToVRT="{relative}">'
            f"{source}</SourceFilename><SourceBand>{n}</SourceBand></SimpleSource></VRTRasterBand>"
            for n in (1, 2, 3)
        )
        place = "<SRS>EPSG:32633</SRS><GeoTransform>500000, 0.3, 0, 4600000, 0, -0.3</GeoTransform>"
        path = self.inside / name
        path.write_text(f'{head}<VRTDataset rasterXSize="100" rasterYSize="80">{place}{bands}</VRTDataset>')
        return path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    make_scene(tmp_path / "in" / "a.tif", 100, 80)
    return Place(
        tmp_path / "in",
        make_scene(tmp_path / "out" / "secret.tif", 100, 80, pixels=np.full((3, 80, 100), 77, np.uint8)),
    )


def refused(path: Path | str) -> str:
    for attempt in (lambda: open_scene(path, RGB), lambda: describe_scene(path)):
        with pytest.raises(SceneError) as error:
            attempt()
    assert error.value.hint
    return str(error.value)


@pytest.mark.parametrize(("source", "relative"), [("a.tif", "1"), ("./sub/../a.tif", "1"), ("{inside}/a.tif", "0")])
def test_a_vrt_of_files_in_its_folder_is_read(place: Place, source: str, relative: str) -> None:
    (place.inside / "sub").mkdir()
    with open_scene(place.vrt(source.format(inside=place.inside), relative), RGB) as scene:
        np.testing.assert_array_equal(scene.read(WINDOW).pixels, make_pixels(3, 80, 100))


def test_nested_and_warped_vrts_of_files_in_the_folder_are_read(place: Place) -> None:
    place.vrt("a.tif", "1", name="inner.vrt")
    with open_scene(place.vrt("inner.vrt", "1"), RGB) as scene:
        assert scene.read(WINDOW).valid.all()
    warped = place.inside / "warped.vrt"
    from rasterio.shutil import copy
    from rasterio.vrt import WarpedVRT

    with rasterio.open(place.inside / "a.tif") as source, WarpedVRT(source, crs="EPSG:3857") as vrt:
        copy(vrt, warped, driver="VRT")
    with open_scene(warped, RGB) as scene:
        assert scene.read(WINDOW).pixels.any()


@pytest.mark.parametrize(
    ("source", "relative"),
    [
        ("{secret}", "0"), ("../out/secret.tif", "1"), ("sub/../../out/secret.tif", "1"), ("{secret}", "1"),
        ("vrt://{secret}", "0"), ("/vsizip/../out/secret.zip/secret.tif", "0"),
        ("/vsicurl/http://127.0.0.1:9/a.tif", "0"),
        ("http://127.0.0.1:9/a.tif", "0"), ("GTIFF_DIR:1:{secret}", "0"), (" {secret}", "0"), ("&#x2f;{secret}", "0"),
        ("&lt;VRTDataset/&gt;", "0"), ("DERIVED_SUBDATASET:LOGAMPLITUDE:{secret}", "0"), ("link.tif", "1"),
        ("linked/secret.tif", "1"), ("a.tif<!-- -->/../../out/secret.tif", "1"),
        ("", "1"), (".", "1"), ("a.tif", "yes"),
    ],
)  # fmt: skip
def test_a_vrt_that_points_elsewhere_is_refused(place: Place, source: str, relative: str) -> None:
    (place.inside / "sub").mkdir()
    (place.inside / "link.tif").symlink_to(place.secret)
    (place.inside / "linked").symlink_to(place.secret.parent)
    refused(place.vrt(source.format(secret=place.secret), relative))


@pytest.mark.parametrize(
    "change",
    [
        lambda text, secret: text.replace("SourceFilename", "sourcefilename").replace("a.tif", secret),
        lambda text, secret: text.replace("a.tif", f"<![CDATA[{secret}]]>"),
        lambda text, secret: '<!DOCTYPE x [<!ENTITY e "a.tif">]>' + text.replace("a.tif", "&e;"),
        lambda text, secret: '<?xml version="1.0" encoding="UTF-7"?>' + text,
        lambda text, secret: text.replace("<VRTDataset ", '<VRTDataset xmlns="http://x" '),
        lambda text, secret: text.replace('relativeToVRT="1"', 'relativeToVRT="1" relativetovrt="0"'),
        lambda text, secret: text.replace("</VRTDataset>", ""),
        lambda text, secret: text.replace(
            "<SRS>", f'<Metadata domain="OVERVIEWS"><MDI key="overview_file">{secret}</MDI></Metadata><SRS>'
        ),
        lambda text, secret: text.replace(
            'band="1">', 'band="1" subClass="VRTDerivedRasterBand"><PixelFunctionLanguage>Python'
            "</PixelFunctionLanguage><PixelFunctionCode>import os</PixelFunctionCode>",
        ),
        lambda text, secret: text.replace(
            'band="1">', f'band="1" subClass="VRTRawRasterBand"><SourceFilename>{secret}</SourceFilename>'
        ),
        lambda text, secret: text.replace("<VRTDataset ", '<VRTDataset subClass="VRTProcessedDataset" '),
        lambda text, secret: text.replace(
            "<SRS>", f"<Overview><SourceFilename>{secret}</SourceFilename></Overview><SRS>"
        ),
        lambda text, secret: text.replace("<SRS>", f"<Group name='/'><Array>{secret}</Array></Group><SRS>"),
        lambda text, secret: text.replace("<SRS>", "<OpenOptions><OOI key='X'>1</OOI></OpenOptions><SRS>"),
    ],
)  # fmt: skip
def test_xml_with_a_trick_is_refused(place: Place, change: Callable[[str, str], str]) -> None:
    path = place.vrt("a.tif", "1")
    path.write_text(change(path.read_text(), str(place.secret)))
    refused(path)


@pytest.mark.parametrize("size", ["2147483647", "1e999", "nan", "ten"])
def test_a_vrt_with_a_size_that_breaks_gdal_is_refused(place: Place, size: str) -> None:
    """With 2147483647 rows and a window that is wider than its source GDAL 3.10 wrote beyond its memory."""
    path = place.vrt("a.tif", "1")
    path.write_text(path.read_text().replace('rasterYSize="80"', f'rasterYSize="{size}"'))
    assert "rasterYSize" in refused(path)


def test_a_vrt_inside_a_vrt_has_no_more_freedom(place: Place) -> None:
    place.vrt(str(place.secret), name="inner.tif")
    assert "outside its folder" in refused(place.vrt("inner.tif", "1"))
    place.vrt("scene.vrt", "1", name="round.vrt")
    refused(place.vrt("round.vrt", "1"))


def test_a_source_that_only_points_is_refused(place: Place) -> None:
    (place.inside / "wms.tif").write_text('<GDAL_WMS><Service name="TMS"><ServerUrl>http://127.0.0.1:9/</ServerUrl>'
                                          "</Service></GDAL_WMS>")  # fmt: skip
    assert "not an image with its own pixels" in refused(place.vrt("wms.tif", "1"))


def test_a_tag_in_a_tiff_that_names_its_overviews_is_refused(place: Place) -> None:
    with rasterio.open(place.inside / "a.tif", "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(place.secret))
    assert "which lies outside its folder" in refused(place.inside / "a.tif")
    assert "which lies outside its folder" in refused(place.vrt("a.tif", "1"))


def test_an_aux_xml_that_names_overviews_elsewhere_is_refused(place: Place) -> None:
    (place.inside / "a.tif.aux.xml").write_text(
        f'<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">{place.secret}</MDI></Metadata>'
        "</PAMDataset>"
    )
    assert "which lies outside its folder" in refused(place.inside / "a.tif")


def test_overviews_beside_the_scene_that_are_a_vrt_are_refused(place: Place) -> None:
    overview = place.vrt(str(place.secret), name="a.tif.ovr")
    overview.write_text(
        overview.read_text().replace('rasterXSize="100" rasterYSize="80"', 'rasterXSize="50" rasterYSize="40"')
    )
    assert "sidecar" in refused(place.inside / "a.tif")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("scene.xml", '<GDAL_WMS><Service name="TMS"><ServerUrl>http://127.0.0.1:9/${z}</ServerUrl></Service></GDAL_WMS>'),
        ("scene.gti", "<GDALTileIndexDataset><IndexDataset>{secret}</IndexDataset></GDALTileIndexDataset>"),
        ("scene.json", '{{"stac_version": "1.0.0", "type": "FeatureCollection", "features": []}}'),
        ("scene.mrf", "<MRF_META><CachedSource><Source>{secret}</Source></CachedSource><Raster/></MRF_META>"),
    ],
)  # fmt: skip
def test_formats_that_only_point_are_refused(place: Place, name: str, content: str) -> None:
    (place.inside / name).write_text(
        content.replace("{secret}", str(place.secret)).replace("{{", "{").replace("}}", "}")
    )
    with pytest.raises(SceneError) as error:
        open_scene(place.inside / name, RGB)
    assert "--allow-external" in error.value.hint


def test_a_vrt_in_an_archive_and_one_typed_as_such_are_refused(place: Place) -> None:
    with zipfile.ZipFile(place.inside / "a.zip", "w") as archive:
        archive.write(place.vrt(str(place.secret)), "scene.vrt")
        archive.write(place.inside / "a.tif", "a.tif")
    for uri in (f"/vsizip/{place.inside}/a.zip/scene.vrt", f"vrt://{place.secret}"):
        with pytest.raises(SceneError):
            open_scene(uri, RGB)
    with open_scene(f"/vsizip/{place.inside}/a.zip/a.tif", RGB) as scene:
        assert scene.read(WINDOW).valid.all()


def test_a_trusted_scene_may_point_anywhere_but_runs_no_code(place: Place) -> None:
    with open_scene(place.vrt(str(place.secret)), RGB, SceneSettings(allow_external=True)) as scene:
        assert (scene.read(WINDOW).pixels == 77).all()
    code = place.inside / "code.vrt"
    touched = place.inside / "touched"
    code.write_text(
        place.vrt("a.tif", "1", name="tmp.vrt").read_text().replace(
            'band="1">', 'band="1" subClass="VRTDerivedRasterBand"><PixelFunctionType>f</PixelFunctionType>'
            "<PixelFunctionLanguage>Python</PixelFunctionLanguage><PixelFunctionCode>"
            f"def f(*a, **k): open({str(touched)!r}, 'w')</PixelFunctionCode>",
        )
    )  # fmt: skip
    with pytest.raises(FctlError), open_scene(code, RGB, SceneSettings(allow_external=True)) as scene:
        scene.read(WINDOW)
    assert not touched.exists()


def test_anybodys_class_raster_may_not_point_elsewhere_either(place: Place, tmp_path: Path) -> None:
    path = place.inside / "classes.vrt"
    path.write_text(
        '<VRTDataset rasterXSize="100" rasterYSize="80"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>{place.secret}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        "</VRTDataset>"
    )
    with pytest.raises(SceneError, match="outside its folder"):
        polygonise(path, [tmp_path / "x.gpkg"])


@pytest.mark.parametrize(
    "content",
    [
        '<OGRVRTDataSource><OGRVRTLayer name="aoi"><SrcDataSource>{aoi}</SrcDataSource></OGRVRTLayer>'
        "</OGRVRTDataSource>",
        '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read {aoi}"}',
    ],
)
def test_an_area_of_interest_that_only_points_is_refused(place: Place, content: str) -> None:
    aoi = place.secret.parent / "aoi.gpkg"
    geopandas.GeoDataFrame(geometry=[box(500_000, 4_599_980, 500_020, 4_600_000)], crs="EPSG:32633").to_file(
        aoi, layer="aoi"
    )
    pointer = place.inside / "aoi.json"
    pointer.write_text(content.replace("{aoi}", str(aoi)))
    with pytest.raises(FctlError, match=r"aoi\.json"):
        open_scene(place.inside / "a.tif", RGB, SceneSettings(aoi=pointer))
