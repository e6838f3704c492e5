"""Writes the final class raster: a cloud-optimized GeoTIFF with palette, names and overviews, complete or absent.

Compression is Deflate, because QGIS from 3.22 on and all other readers open it; blocks are 512 pixels. Colors are in
the file itself, class names and the attribute table in the `.aux.xml` beside it (GDAL stores them nowhere else), and
the style in a `.qml` (without it, QGIS would list all 256 palette entries). The bytes depend only on pixels, legend
and metadata, never on how the source was written.
"""

from __future__ import annotations

import os
import secrets
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import rasterio
import rasterio.shutil
from rasterio.windows import Window as RasterioWindow

from fctl_geo.errors import OutputError
from fctl_geo.products.style import file_qml, say_kept, style_path
from fctl_geo.products.swap import swap_in
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.raster.gdal import gdal_session, open_quietly, output_errors
from fctl_geo.raster.legend_tag import LEGEND_TAG, legend_tag
from fctl_geo.raster.pam import pam_path, pam_xml
from fctl_geo.spec import NODATA, Legend
from fctl_geo.storage.whole_files import hidden_name, write_failure

TILE_PX = 512
"""Tile size of the finished file, suited to readers. The raster being written has smaller ones (`shards.BLOCK_PX`)."""


def write_cog(
    source: Path,
    target: Path,
    *,
    legend: Legend | None,
    metadata: Mapping[str, str],
    overview: Literal["mode", "average"],
    progress: Progress,
    keep_style: bool = False,
) -> None:
    """Write `source` (single-band uint8, nodata 255) as a finished raster at `target`, replacing what was there.

    Args:
        source: any raster GDAL reads, usually a `BlockRasterWriter`'s file; it is not changed.
        target: the final name; '.aux.xml' and '.qml' are written beside it if there is a legend.
        legend: classes with names and colors; None for a raster of numbers (confidence).
        metadata: dataset tags (model, version, settings).
        overview: mode for classes, average for numbers.
        keep_style: keep an existing '.qml' and report it.
    Raises:
        OutputError: the folder is missing or read-only, or the disk is full; the target is left unchanged.
    Law: same pixels, legend and metadata give the same bytes.
    """
    check_cancelled(progress)
    progress.stage("cog", 1)
    if keep_style:
        say_kept(style_path(target), progress)
    with _aside(target) as aside:
        with output_errors(target):
            _copy(_described(source, legend, metadata), aside, overview)
        _prove_whole(aside, target)
        with output_errors(target):
            kept = {style_path(target)} if keep_style else set()
            sidecars = _write_sidecars(aside, target, legend)
            check_cancelled(progress)
            swap_in(
                {target: aside},
                {final: part for final, part in sidecars.items() if final not in kept},
                {pam_path(target), style_path(target)} - kept,
            )
            _sync_folder(target.parent)
    progress.advance()


def _described(source: Path, legend: Legend | None, metadata: Mapping[str, str]) -> str:
    """A VRT (XML) of the source with palette and tags, so that the copy has both and the source is not modified."""
    with gdal_session(), open_quietly(source) as dataset:
        assert dataset.count == 1 and dataset.dtypes[0] == "uint8", (dataset.count, dataset.dtypes)
        height, width = dataset.shape
        block_h, block_w = dataset.block_shapes[0]
        crs, transform = dataset.crs, dataset.transform
    root = ET.Element("VRTDataset", rasterXSize=str(width), rasterYSize=str(height))
    if crs:
        ET.SubElement(root, "SRS", dataAxisToSRSAxisMapping="1,2").text = crs.to_wkt(version="WKT2_2019")
    a, b, c, d, e, f = tuple(transform)[:6]
    ET.SubElement(root, "GeoTransform").text = ", ".join(map(repr, (c, a, b, f, d, e)))
    tags = dict(metadata) if legend is None else {**metadata, LEGEND_TAG: legend_tag(legend)}
    group = ET.SubElement(root, "Metadata")
    for key in sorted(tags):
        ET.SubElement(group, "MDI", key=key).text = tags[key]
    band = ET.SubElement(root, "VRTRasterBand", dataType="Byte", band="1")
    ET.SubElement(band, "NoDataValue").text = str(NODATA)
    ET.SubElement(band, "ColorInterp").text = "Gray" if legend is None else "Palette"
    if legend is not None:
        band.append(_color_table(legend))
    if source.suffix == ".vrt":
        band.extend(_parts_of(source))
    else:
        band.append(_whole(source, (height, width), (block_h, block_w)))
    return ET.tostring(root, encoding="unicode")


def _parts_of(mosaic: Path) -> list[ET.Element]:
    """The sources of one of our mosaics. With nested VRTs, GDAL would read missing sources of later VRTs as zeros."""
    parts = list(ET.parse(mosaic).iter("SimpleSource"))
    for part in parts:
        name = part.find("SourceFilename")
        assert name is not None and name.text, mosaic
        name.text = str((mosaic.parent / name.text).absolute())
        name.set("relativeToVRT", "0")
    return parts


def _whole(source: Path, size_hw: tuple[int, int], block_hw: tuple[int, int]) -> ET.Element:
    """A source that covers the VRT."""
    (height, width), (block_h, block_w) = size_hw, block_hw
    simple = ET.Element("SimpleSource")
    ET.SubElement(simple, "SourceFilename", relativeToVRT="0").text = str(source.absolute())
    ET.SubElement(simple, "SourceBand").text = "1"
    properties = {"RasterXSize": width, "RasterYSize": height, "BlockXSize": block_w, "BlockYSize": block_h}
    ET.SubElement(
        simple, "SourceProperties", {"DataType": "Byte"} | {key: str(value) for key, value in properties.items()}
    )
    for rect in ("SrcRect", "DstRect"):
        ET.SubElement(simple, rect, xOff="0", yOff="0", xSize=str(width), ySize=str(height))
    return simple


def _color_table(legend: Legend) -> ET.Element:
    """256 entries; ids without a class are black, nodata is transparent (TIFF readers rely on the nodata value)."""
    table = ET.Element("ColorTable")
    colors = {info.id: info.color for info in legend}
    for value in range(256):
        red, green, blue = colors.get(value, (0, 0, 0))
        alpha = 0 if value == NODATA else 255
        ET.SubElement(table, "Entry", c1=str(red), c2=str(green), c3=str(blue), c4=str(alpha))
    return table


def _copy(vrt: str, aside: Path, overview: str) -> None:
    with gdal_session(GDAL_PAM_ENABLED="NO"), open_quietly(vrt) as dataset:
        rasterio.shutil.copy(
            dataset,
            aside,
            driver="COG",
            blocksize=TILE_PX,
            compress="DEFLATE",
            level=6,
            predictor="NO",
            overview_compress="DEFLATE",
            overview_resampling=overview.upper(),
            bigtiff="IF_SAFER",
            statistics="NO",
            num_threads=2,
        )


def _prove_whole(aside: Path, target: Path) -> None:
    """Read the last block of every level, since the file is laid out from the smallest overview to full size."""
    with output_errors(target), gdal_session():
        with open_quietly(aside) as dataset:
            levels = len(dataset.overviews(1))
        for level in [None, *range(levels)]:
            with open_quietly(aside, **({} if level is None else {"overview_level": level})) as dataset:
                row, col = ((side - 1) // TILE_PX * TILE_PX for side in dataset.shape)
                dataset.read(1, window=RasterioWindow(col, row, dataset.width - col, dataset.height - row))
        _prove_overviews(aside, levels)
    handle = os.open(aside, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        raise write_failure(target, error) from error
    finally:
        os.close(handle)


def _prove_overviews(aside: Path, levels: int) -> None:
    """Check that empty overview blocks are empty below too: GDAL threads out of memory skip blocks silently.

    Raises:
        OSError: a block is missing.
    """
    for level in range(levels):
        finer_level: dict[str, Any] = {} if level == 0 else {"overview_level": level - 1}
        with open_quietly(aside, **finer_level) as finer, open_quietly(aside, overview_level=level) as coarse:
            for _, window in coarse.block_windows(1):
                if (coarse.read(1, window=window) == NODATA).all() and _has_data(finer, window):
                    raise OSError(f"block {window.row_off}, {window.col_off} of overview {level + 1} is missing")


def _has_data(finer: rasterio.DatasetReader, window: RasterioWindow) -> bool:
    row, col = 2 * window.row_off, 2 * window.col_off
    height, width = min(2 * window.height, finer.height - row), min(2 * window.width, finer.width - col)
    return bool((finer.read(1, window=RasterioWindow(col, row, width, height)) != NODATA).any())


def _write_sidecars(aside: Path, target: Path, legend: Legend | None) -> dict[Path, Path]:
    """Write the sidecars aside; returns them keyed by their final names."""
    if legend is None:
        return {}
    drawn = Legend(tuple(info for info in legend if not info.background))
    names, style = aside.with_suffix(".aux.xml"), aside.with_suffix(".qml")
    names.write_text(pam_xml(legend), encoding="utf-8")
    style.write_text(file_qml(legend, drawn), encoding="utf-8")
    return {pam_path(target): names, style_path(target): style}


@contextmanager
def _aside(target: Path) -> Iterator[Path]:
    """A hidden name in the target's folder; files that still have it at the end are deleted (also GDAL's overviews)."""
    if not target.parent.is_dir():
        raise OutputError(f"the folder {target.parent} does not exist", hint="create it, or choose another folder")
    stem = hidden_name(target, f".partial-{secrets.token_hex(4)}")
    try:
        yield target.with_name(f"{stem}{target.suffix}")
    finally:
        for left in target.parent.iterdir():
            if left.name.startswith(stem):
                left.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the operating system supports it (not Windows)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
