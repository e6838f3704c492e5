"""Many shards presented as one raster: a VRT, so nothing is copied."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fctl_geo.raster.legend_tag import LEGEND_TAG, legend_tag
from fctl_geo.spec import NODATA, Legend
from fctl_geo.storage.whole_files import write_text_whole
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.shards import BLOCK_PX
from fctl_geo.windows.window import Window


def write_mosaic(path: Path, parts: Sequence[tuple[Path, Window]], frame: RasterFrame, legend: Legend | None) -> Path:
    """Write a VRT that places single-band uint8 files (in the VRT's own folder) at their windows; 255 elsewhere.

    Raises:
        OutputError: the disk is full.
    """
    root = ET.Element("VRTDataset", rasterXSize=str(frame.width), rasterYSize=str(frame.height))
    if frame.crs_wkt:
        ET.SubElement(root, "SRS").text = frame.crs_wkt
    a, b, c, d, e, f = frame.transform
    if (a, b, c, d, e, f) != (1.0, 0.0, 0.0, 0.0, 1.0, 0.0):
        ET.SubElement(root, "GeoTransform").text = ", ".join(repr(float(v)) for v in (c, a, b, f, d, e))
    if legend is not None:
        metadata = ET.SubElement(root, "Metadata")
        ET.SubElement(metadata, "MDI", key=LEGEND_TAG).text = legend_tag(legend)
    band = ET.SubElement(
        root, "VRTRasterBand", dataType="Byte", band="1", blockXSize=str(BLOCK_PX), blockYSize=str(BLOCK_PX)
    )
    ET.SubElement(band, "NoDataValue").text = str(NODATA)
    for part, window in parts:
        _add_source(band, part, window)
    write_text_whole(path, ET.tostring(root, encoding="unicode"))
    return path


def _add_source(band: ET.Element, part: Path, window: Window) -> None:
    source = ET.SubElement(band, "SimpleSource")
    ET.SubElement(source, "SourceFilename", relativeToVRT="1").text = part.name
    ET.SubElement(source, "SourceBand").text = "1"
    ET.SubElement(
        source,
        "SourceProperties",
        RasterXSize=str(window.width),
        RasterYSize=str(window.height),
        DataType="Byte",
        BlockXSize=str(BLOCK_PX),
        BlockYSize=str(BLOCK_PX),
    )
    size: dict[str, Any] = {"xSize": str(window.width), "ySize": str(window.height)}
    ET.SubElement(source, "SrcRect", xOff="0", yOff="0", **size)
    ET.SubElement(source, "DstRect", xOff=str(window.col), yOff=str(window.row), **size)
