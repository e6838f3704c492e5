"""Class names and the attribute table of a class raster in GDAL's own XML: the `.aux.xml` next to the file.

For a TIFF, GDAL stores category names and raster attribute tables (RAT) nowhere else; QGIS, ArcGIS and gdalinfo read
them from there.
Source: gcore/gdalpamrasterband.cpp and gdal_rat.cpp (field types 0 integer, 1 real, 2 string; usages 1 pixel count,
2 name, 5 value, 6-8 red, green, blue).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from fctl_geo.errors import SceneError, SettingsError
from fctl_geo.spec import NODATA, ClassInfo, Legend, distinct_color

_FIELDS = (("Value", 0, 5), ("Class", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8))
"""Name, type and usage of the columns that are written."""

Color = tuple[int, int, int]


def pam_path(raster: Path) -> Path:
    """Where GDAL looks for the names: for 'classes.tif', in 'classes.tif.aux.xml'."""
    return raster.with_name(raster.name + ".aux.xml")


def pam_xml(legend: Legend) -> str:
    """The complete `.aux.xml` of a class raster: category names by id, and a RAT with names and colors."""
    root = ET.Element("PAMDataset")
    band = ET.SubElement(root, "PAMRasterBand", band="1")
    names = ET.SubElement(band, "CategoryNames")
    listed = {info.id: info.name for info in legend}
    for class_id in range(max(listed, default=-1) + 1):
        ET.SubElement(names, "Category").text = listed.get(class_id, "")
    band.append(_attribute_table(legend))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _attribute_table(legend: Legend) -> ET.Element:
    table = ET.Element("GDALRasterAttributeTable", tableType="thematic")
    for index, (name, kind, usage) in enumerate(_FIELDS):
        field = ET.SubElement(table, "FieldDefn", index=str(index))
        ET.SubElement(field, "Name").text = name
        ET.SubElement(field, "Type").text = str(kind)
        ET.SubElement(field, "Usage").text = str(usage)
    for index, info in enumerate(legend):
        row = ET.SubElement(table, "Row", index=str(index))
        for value in (info.id, info.name, *info.color):
            ET.SubElement(row, "F").text = str(value)
    return table


def legend_from_pam(raster: Path, colors: dict[int, Color]) -> Legend | None:
    """The legend stored in an `.aux.xml`; None if there is no such file or it holds no names.

    Args:
        raster: the class raster, not its `.aux.xml`.
        colors: colors by id, for names without a color of their own.
    Raises:
        SceneError: the `.aux.xml` is not valid XML, or it holds impossible ids or colors.
    """
    path = pam_path(raster)
    if not path.is_file():
        return None
    try:
        band = ET.parse(path).getroot().find("PAMRasterBand")
        if band is None:
            return None
        table = band.find("GDALRasterAttributeTable")
        rows = {} if table is None else _rows(table)
        rows = rows or _categories(band)
        if not rows:
            return None
        infos = (ClassInfo(i, name, color or colors.get(i, distinct_color(i))) for i, (name, color) in rows.items())
        return Legend(tuple(sorted(infos, key=lambda info: info.id)))
    except (ET.ParseError, ValueError, SettingsError) as error:
        raise SceneError(f"{path} cannot be parsed: {error}", hint="fix or delete it") from error


def _categories(band: ET.Element) -> dict[int, tuple[str, Color | None]]:
    names = enumerate(item.text or "" for item in band.iterfind("CategoryNames/Category"))
    return {class_id: (name, None) for class_id, name in names if name and class_id < NODATA}


def _rows(table: ET.Element) -> dict[int, tuple[str, Color | None]]:
    """Names and colors by id from a RAT with a value column (usage 5, or min 3) and a name column (usage 2)."""
    usages = [int(field.findtext("Usage", "0")) for field in table.iterfind("FieldDefn")]
    columns = {usage: index for index, usage in enumerate(usages)}
    value_column = columns.get(5, columns.get(3))
    if value_column is None or 2 not in columns:
        return {}
    rows: dict[int, tuple[str, Color | None]] = {}
    for row in table.iterfind("Row"):
        cells = [cell.text or "" for cell in row.iterfind("F")]
        class_id = int(float(cells[value_column]))
        if 0 <= class_id < NODATA:
            color = (
                tuple(int(float(cells[columns[usage]])) for usage in (6, 7, 8)) if {6, 7, 8} <= columns.keys() else None
            )
            rows[class_id] = (cells[columns[2]] or f"class {class_id}", color)  # type: ignore[assignment]
    return rows
