"""Adjacent scenes on a common grid, read as one through a VRT, so nothing is copied."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

from fctl_geo.scene.georeference import georeference_of
from fctl_geo.scene.header import BandHeader, Header
from fctl_geo.scene.sample import alpha_is_a_picture
from fctl_geo.scene.source import grids_of
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window

MOST_SHIFT_PX = 0.05
"""How far a scene's pixels may be shifted against the grid of its neighbors."""
_BLOCK_PX = 512
_TYPES = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32", "int32": "Int32",
    "float32": "Float32", "float64": "Float64",
}  # fmt: skip
_COLORS = {"gray": "Gray", "red": "Red", "green": "Green", "blue": "Blue", "alpha": "Alpha", "nir": "NIR"}


@dataclass(frozen=True, slots=True)
class Member:
    """One scene of a mosaic."""

    header: Header
    frame: RasterFrame

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        a, _, west, _, e, north = self.frame.transform
        return west, north + e * self.frame.height, west + a * self.frame.width, north

    @property
    def kind(self) -> tuple[object, ...]:
        """What the scenes of a mosaic have in common besides the grid."""
        header = self.header
        bands = tuple((b.interpretation, b.description, b.dtype, repr(b.nodata)) for b in header.bands)
        return (self.frame.crs_wkt, bands, header.has_mask_band, header.palette)


def member_of(header: Header) -> Member | None:
    """A scene that can be part of a mosaic; None if it is not georeferenced, is rotated, or has an unsupported type."""
    place = georeference_of(header.placement)
    a, b, _, d, e, _ = place.transform
    usable = place.refusal is None and place.crs_wkt and b == 0 and d == 0 and a > 0 > e
    if not usable or any(band.dtype not in _TYPES or band.scale < 0 for band in header.bands):
        return None
    return Member(header, place.frame())


def neighbors(members: Sequence[Member]) -> list[list[int]]:
    """Groups of indices: scenes of one kind and grid that touch or overlap, directly or through others."""
    from shapely import STRtree, box

    if not members:
        return []
    half = [abs(m.frame.transform[0]) / 2 for m in members]
    boxes = [
        box(west - px, south - px, east + px, north + px)
        for (west, south, east, north), px in zip((m.bounds for m in members), half, strict=True)
    ]
    leader = list(range(len(members)))

    def find(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    left, right = STRtree(boxes).query(boxes, predicate="intersects")
    for i, j in zip(left.tolist(), right.tolist(), strict=True):
        if i < j and members[i].kind == members[j].kind and _one_grid(members[i].frame, members[j].frame):
            first, second = sorted((find(i), find(j)))
            leader[second] = first
    groups: dict[int, list[int]] = {}
    for i in range(len(members)):
        groups.setdefault(find(i), []).append(i)
    return list(groups.values())


def mosaic_xml(members: Sequence[Member]) -> str:
    """A VRT of scenes of one kind and grid; where two overlap, the later one with data there is on top.

    Areas that no scene covers are marked as nodata: by the scenes' own nodata value or alpha, else by a mask band.
    """
    frame, places = _layout(members)
    first = members[0].header
    root = ET.Element("VRTDataset", rasterXSize=str(frame.width), rasterYSize=str(frame.height))
    ET.SubElement(root, "SRS", dataAxisToSRSAxisMapping="1,2").text = frame.crs_wkt
    a, b, c, d, e, f = frame.transform
    ET.SubElement(root, "GeoTransform").text = ", ".join(repr(v) for v in (c, a, b, f, d, e))
    pairs = list(zip(members, places, strict=True))
    opacity = _alpha_number(first)
    for band in first.bands:
        out = _band_element(root, band, first)
        for member, place in pairs:
            source = _source(out, member.header, place, str(band.number), _TYPES[band.dtype])
            if band.nodata is not None:
                ET.SubElement(source, "NODATA").text = repr(band.nodata)
            elif band.number == opacity:
                ET.SubElement(source, "NODATA").text = "0"
            elif opacity is not None or first.has_mask_band:
                ET.SubElement(source, "UseMaskBand").text = "true"
    if opacity is None and any(band.nodata is None for band in first.bands):
        _add_mask(root, pairs, first)
    return ET.tostring(root, encoding="unicode")


def _layout(members: Sequence[Member]) -> tuple[RasterFrame, list[Window]]:
    """The common grid, and each scene's window on it."""
    a, b, c, d, e, f = members[0].frame.transform
    cols = [round((m.frame.transform[2] - c) / a) for m in members]
    rows = [round((m.frame.transform[5] - f) / e) for m in members]
    left, top = min(cols), min(rows)
    places = [Window(row - top, col - left, *m.frame.size_hw) for row, col, m in zip(rows, cols, members, strict=True)]
    size_hw = max(p.row_end for p in places), max(p.col_end for p in places)
    transform = (a, b, c + left * a, d, e, f + top * e)
    return RasterFrame(*size_hw, transform, members[0].frame.crs_wkt), places


def _one_grid(one: RasterFrame, other: RasterFrame) -> bool:
    """Whether the pixels of both frames coincide over the full extent of both."""
    a, _, c, _, e, f = one.transform
    a2, _, c2, _, e2, f2 = other.transform
    drift = max(abs(a2 - a) / a * max(one.width, other.width), abs(e2 - e) / -e * max(one.height, other.height))
    cols, rows = (c2 - c) / a, (f2 - f) / e
    shift = max(abs(cols - round(cols)), abs(rows - round(rows)))
    return drift <= MOST_SHIFT_PX and shift <= MOST_SHIFT_PX


def _alpha_number(header: Header) -> int | None:
    """The band that holds opacity; near infrared tagged as alpha does not count."""
    numbers = [band.number for band in header.bands if band.interpretation == "alpha"]
    return None if not numbers or alpha_is_a_picture(header, grids_of(header)) else numbers[0]


def _band_element(root: ET.Element, band: BandHeader, header: Header) -> ET.Element:
    out = ET.SubElement(
        root,
        "VRTRasterBand",
        dataType=_TYPES[band.dtype],
        band=str(band.number),
        blockXSize=str(_BLOCK_PX),
        blockYSize=str(_BLOCK_PX),
    )
    if band.description:
        ET.SubElement(out, "Description").text = band.description
    if band.nodata is not None:
        ET.SubElement(out, "NoDataValue").text = repr(band.nodata)
    if header.palette is not None and band.number == 1:
        ET.SubElement(out, "ColorInterp").text = "Palette"
        table = ET.SubElement(out, "ColorTable")
        for red, green, blue, alpha in header.palette:
            ET.SubElement(table, "Entry", c1=str(red), c2=str(green), c3=str(blue), c4=str(alpha))
    elif band.interpretation in _COLORS:
        ET.SubElement(out, "ColorInterp").text = _COLORS[band.interpretation]
    return out


def _source(out: ET.Element, header: Header, place: Window, number: str, dtype: str) -> ET.Element:
    source = ET.SubElement(out, "ComplexSource")
    ET.SubElement(source, "SourceFilename", relativeToVRT="0").text = header.uri
    ET.SubElement(source, "SourceBand").text = number
    block_h, block_w = header.block_hw
    ET.SubElement(
        source,
        "SourceProperties",
        RasterXSize=str(header.width),
        RasterYSize=str(header.height),
        DataType=dtype,
        BlockXSize=str(block_w),
        BlockYSize=str(block_h),
    )
    size = {"xSize": str(place.width), "ySize": str(place.height)}
    ET.SubElement(source, "SrcRect", {"xOff": "0", "yOff": "0", **size})
    ET.SubElement(source, "DstRect", {"xOff": str(place.col), "yOff": str(place.row), **size})
    return source


def _add_mask(root: ET.Element, pairs: Sequence[tuple[Member, Window]], first: Header) -> None:
    """255 where a scene has data: according to its own mask band, or everywhere within its extent."""
    band = ET.SubElement(ET.SubElement(root, "MaskBand"), "VRTRasterBand", dataType="Byte")
    for member, place in pairs:
        if first.has_mask_band:
            source = _source(band, member.header, place, "mask,1", "Byte")
            ET.SubElement(source, "NODATA").text = "0"
        else:  # the result is 255 for any pixel value
            source = _source(band, member.header, place, "1", _TYPES[first.dtype])
            ET.SubElement(source, "ScaleOffset").text = "255"
            ET.SubElement(source, "ScaleRatio").text = "0"
