"""Bad input is told in words, and damaged data with its place."""

from __future__ import annotations

import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scene_factory import make_pixels, make_scene

from fctl_geo.errors import FctlError, ReadError, SceneError
from fctl_geo.scene import describe_scene, open_scene
from fctl_geo.scene.header import read_header
from fctl_geo.scene.source import block_warnings
from fctl_geo.spec import InputSpec
from fctl_geo.windows.window import Window

RGB = InputSpec()


def refused(path: object) -> SceneError:
    with pytest.raises(SceneError) as opening:
        open_scene(path, RGB)
    with pytest.raises(SceneError) as describing:
        describe_scene(path)
    assert str(opening.value) == str(describing.value)
    assert opening.value.hint
    return opening.value


def test_a_missing_file(tmp_path: Path) -> None:
    assert "missing.tif does not exist" in str(refused(tmp_path / "missing.tif"))
    error = refused(str(tmp_path / "nowhere" / "missing.tif"))
    assert "nowhere does not exist" in error.hint


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in str(refused(tmp_path))


def test_a_text_file_called_tif(tmp_path: Path) -> None:
    (tmp_path / "notes.tif").write_text("no picture")
    assert "notes.tif is not a raster" in str(refused(tmp_path / "notes.tif"))


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.tif").touch()
    assert "empty.tif is empty (0 bytes)" in str(refused(tmp_path / "empty.tif"))


def test_a_file_cut_in_its_header(tmp_path: Path) -> None:
    (tmp_path / "half.tif").write_bytes(make_scene(tmp_path / "a.tif").read_bytes()[:20])
    assert "half.tif is not a raster" in str(refused(tmp_path / "half.tif"))


def test_complex_numbers(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", pixels=np.ones((1, 9, 9), np.complex64))
    assert "complex numbers (complex64)" in str(refused(path))


def test_nothing_given() -> None:
    assert "no scene was given" in str(refused(""))


def test_an_address_that_nobody_serves() -> None:
    with pytest.raises(SceneError, match=r"scene.tif cannot be opened over the network") as error:
        open_scene("http://127.0.0.1:9/scene.tif?key=secret", RGB)
    assert "secret" not in str(error.value) + error.value.hint


@pytest.mark.parametrize("compress", ["deflate", "jpeg", "lzw", "zstd", None])
def test_a_truncated_file_names_its_block(tmp_path: Path, compress: str | None) -> None:
    whole = make_scene(tmp_path / "a.tif", 1024, 1024, block=256, compress=compress, interleave="pixel").read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole[: len(whole) * 6 // 10])
    with open_scene(cut, RGB) as scene:
        assert scene.read(Window(0, 0, 256, 256)).valid.all(), "what is there can be read"
        for _ in range(2):  # an error is not remembered as an answer
            with pytest.raises(
                ReadError, match=r"cut\.tif is damaged: block 3 down, 2 across \(rows 768-1023"
            ) as error:
                scene.read(Window(800, 600, 20, 20))
            assert "no output was written" in error.value.hint
        with pytest.raises(ReadError):
            scene.read(Window(250, 200, 100, 100), 3)


def test_a_damaged_file_of_16_bits_is_told_when_it_is_sampled(tmp_path: Path) -> None:
    whole = make_scene(tmp_path / "a.tif", dtype="uint16").read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ReadError, match=r"cut.tif is damaged: block"):
        open_scene(tmp_path / "cut.tif", RGB)


def test_a_header_that_lies_takes_no_memory(tmp_path: Path) -> None:
    make_scene(tmp_path / "a.tif")
    band = '<VRTRasterBand dataType="Byte" band="{}"><SimpleSource><SourceFilename relativeToVRT="1">a.tif' \
        "</SourceFilename><SourceBand>{}</SourceBand></SimpleSource></VRTRasterBand>"  # fmt: skip
    bands = "".join(band.format(n, n) for n in (1, 2, 3))
    huge = '<VRTDataset rasterXSize="1000000000" rasterYSize="1000000000">' + bands + "</VRTDataset>"
    (tmp_path / "huge.vrt").write_text(huge)
    with open_scene(tmp_path / "huge.vrt", RGB) as scene:
        assert scene.model_hw == (10**9, 10**9)
        assert scene.wanted(Window(999_999_990, 999_999_990, 20, 20)).sum() == 100
        assert scene.read(Window(500_000_000, 500_000_000, 30, 30), 2).pixels.shape == (3, 30, 30)


def test_a_header_with_blocks_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", 64, 64, block=16)
    whole = bytearray(path.read_bytes())
    count = int.from_bytes(whole[4:8], "little")
    entries = int.from_bytes(whole[count : count + 2], "little")
    for at in range(count + 2, count + 2 + 12 * entries, 12):
        if int.from_bytes(whole[at : at + 2], "little") in (
            256,
            257,
            322,
            323,
        ):  # width, height, tile width, tile height
            whole[at + 2 : at + 12] = (
                (4).to_bytes(2, "little") + (1).to_bytes(4, "little") + (32_000).to_bytes(4, "little")
            )
    path.write_bytes(whole)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "blocks of 32,000 x 32,000 pixels, which take 2.9 GiB, in a file of" in str(refused(path))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10


def test_a_virtual_raster_of_a_missing_file_is_told(tmp_path: Path) -> None:
    make_scene(tmp_path / "a.tif")
    (tmp_path / "a.vrt").write_text(
        '<VRTDataset rasterXSize="20" rasterYSize="20"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        '<SourceFilename relativeToVRT="1">gone.tif</SourceFilename><SourceBand>1</SourceBand><SourceProperties '
        'RasterXSize="20" RasterYSize="20" DataType="Byte" BlockXSize="20" BlockYSize="20"/>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(FctlError, match=r"a.vrt"), open_scene(tmp_path / "a.vrt", RGB) as scene:
        scene.read(Window(0, 0, 20, 20))


def test_bands_of_several_types_are_read_as_the_widest(tmp_path: Path) -> None:
    make_scene(tmp_path / "a.tif", 20, 20)
    band = '<VRTRasterBand dataType="{}" band="{}"><SimpleSource><SourceFilename relativeToVRT="1">a.tif' \
        "</SourceFilename><SourceBand>{}</SourceBand></SimpleSource></VRTRasterBand>"  # fmt: skip
    bands = "".join(band.format(kind, n, n) for n, kind in enumerate(("Byte", "UInt16", "Byte"), 1))
    (tmp_path / "mixed.vrt").write_text(f'<VRTDataset rasterXSize="20" rasterYSize="20">{bands}</VRTDataset>')
    with open_scene(tmp_path / "mixed.vrt", RGB) as scene:
        assert scene.read(Window(0, 0, 20, 20)).valid.all()


def test_connection_strings_and_paths_in_archives_are_opened(tmp_path: Path) -> None:
    path = make_scene(tmp_path / "a.tif", 50, 40)
    for uri in (f"GTIFF_DIR:1:{path}", f"/vsisubfile/0_{path.stat().st_size},{path}", f"file://{path}"):
        with open_scene(uri, RGB) as scene:
            np.testing.assert_array_equal(scene.read(Window(0, 0, 40, 50)).pixels, make_pixels(3, 40, 50))


def test_huge_compressed_blocks_are_told(tmp_path: Path) -> None:
    strip = make_scene(tmp_path / "a.tif", tiled=False, block=160)
    header = replace(read_header(strip), height=20_000, width=20_000, block_hw=(20_000, 20_000))
    assert "20000 x 20000 pixels, each of which takes 1144 MiB" in block_warnings(header)[0]
    assert block_warnings(replace(header, compression="none")) == ()
    assert block_warnings(read_header(strip)) == ()
