"""Styles that are written beside polygons on request: for OGC programs and for web maps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fctl_geo.errors import SettingsError
from fctl_geo.products.footprint import footprint_of
from fctl_geo.products.geopackage import layer_name
from fctl_geo.products.style import polygon_sld
from fctl_geo.products.web_style import WEB_ENDINGS, maplibre_style
from fctl_geo.settings import Style
from fctl_geo.spec import Legend
from fctl_geo.storage.outputs import RASTER_ENDINGS
from fctl_geo.storage.whole_files import write_text_whole
from fctl_geo.windows.frame import RasterFrame

_ENDINGS: dict[Style, str] = {"sld": ".sld", "maplibre": ".style.json"}


def style_files(outs: Sequence[Path], styles: Sequence[Style]) -> tuple[Path, ...]:
    """The files of the styles, one for each stem and style.

    Raises:
        SettingsError: none of the outputs is drawn with such a style.
    """
    return tuple(path for path, _, _ in _styled(outs, styles))


def write_styles(outs: Sequence[Path], styles: Sequence[Style], legend: Legend, frame: RasterFrame) -> tuple[Path, ...]:
    """Write the styles of polygons, each file atomically.

    Args:
        outs: the polygons.
        legend: the classes that they show.
        frame: that of the raster they were traced from, at which a web map starts.
    Returns:
        The files written.
    """
    written = []
    for path, style, data in _styled(outs, styles):
        text = (
            polygon_sld(legend, layer_name(data))
            if style == "sld"
            else maplibre_style(legend, data, footprint_of(frame))
        )
        write_text_whole(path, text)
        written.append(path)
    return tuple(written)


def _styled(outs: Sequence[Path], styles: Sequence[Style]) -> Iterator[tuple[Path, Style, Path]]:
    """Each style's file, its kind, and the polygons that it is written for."""
    vectors = [path for path in outs if path.suffix.lower() not in RASTER_ENDINGS]
    for style in dict.fromkeys(styles):
        drawn = vectors
        if style == "maplibre":
            drawn = [path for ending in WEB_ENDINGS for path in vectors if path.suffix.lower() == ending]
        if not drawn:
            what, ending = ("polygons", "gpkg") if style == "sld" else (" or ".join(WEB_ENDINGS), "geojson")
            raise SettingsError(
                f"the style {style} is for {what}, and no such output is given",
                hint=f"add one, for example --out roofs.{ending}",
            )
        data: dict[Path, Path] = {}
        for path in drawn:
            data.setdefault(path.with_suffix(_ENDINGS[style]), path)
        yield from ((file, style, path) for file, path in data.items())
