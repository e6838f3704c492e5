"""What was determined about a scene, for users and for the later stages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fctl_geo.georef.pixel_size import GroundResolution, GsdSource, area_warnings, ground_resolution
from fctl_geo.scene.bands import Band, BandPlan, negative_words, plan_all_bands
from fctl_geo.scene.georeference import Georeference, georeference_of
from fctl_geo.scene.header import Header, read_header
from fctl_geo.scene.masks import MaskPlan, plan_masks
from fctl_geo.scene.sample import alpha_is_a_picture
from fctl_geo.scene.scaling import Stretch
from fctl_geo.scene.source import block_warnings, grids_of
from fctl_geo.storage.address import shown
from fctl_geo.windows.frame import Affine6, RasterFrame

ALPHA_WORDS = (
    "the band tagged as alpha holds brightness, not opacity: it is assumed to be near infrared (nir); if it is "
    "opacity, pass --mask alpha"
)


@dataclass(frozen=True, slots=True)
class SceneInfo:
    """What was determined about a scene."""

    path: str
    """Path, URL or GDAL connection string."""
    height: int
    width: int
    crs_wkt: str
    """WKT2; empty if there is none."""
    transform: Affine6
    """Of the scene's own pixels."""
    gsd_m: float | None
    """True ground meters per pixel at the scene's center."""
    gsd_source: GsdSource
    bands: tuple[Band, ...]
    """The bands that are read, in the model's order (without a model, all bands of the file)."""
    dtype: str
    mask: str
    """How missing data is marked: none, nodata, alpha, mask band, .msk, nan, palette, joined by " + "."""
    nodata: float | None
    """Nodata value of the first band that is read."""
    block_hw: tuple[int, int]
    overviews: tuple[int, ...]
    """Decimation factors, ascending."""
    compression: str
    size_bytes: int | None
    """Size of the file; None if it is not a local file."""
    driver: str
    stretch: Stretch | None
    """For each band the values that become 0 and 255; None: unchanged 8-bit values."""
    warnings: tuple[str, ...]
    acquired: str = ""
    """When it was taken, in UTC as ISO 8601 ('2018-05-01T10:30:00Z'); empty: unknown."""


def describe_scene(path: str | Path, *, allow_external: bool = False) -> SceneInfo:
    """Describe a scene without a model; reads the header and, if there is an alpha band, a small sample of it.

    Raises:
        SceneError: the file is missing or not a raster.
    """
    header = read_header(path, allow_external=allow_external)
    place = georeference_of(header.placement)
    alpha_is_nir = alpha_is_a_picture(header, grids_of(header))
    bands = plan_all_bands(header, alpha_is_nir=alpha_is_nir)
    masks = plan_masks(header, bands, alpha_is_nir=alpha_is_nir)
    refused = (f"{place.refusal.message}; {place.refusal.hint}",) if place.refusal else ()
    negative = (problem,) if (problem := negative_words(header, bands)) else ()
    warnings = (*((ALPHA_WORDS,) if alpha_is_nir else ()), *block_warnings(header), *negative, *refused)
    frame = place.frame()
    return scene_info(header, place, frame, ground_resolution(frame), bands, masks, warnings=warnings)


def scene_info(
    header: Header, place: Georeference, frame: RasterFrame, gsd: GroundResolution, bands: BandPlan, masks: MaskPlan,
    *, stretch: Stretch | None = None, warnings: tuple[str, ...] = (),
) -> SceneInfo:  # fmt: skip
    """Everything that was decided about a scene, in one place; `warnings` are appended to those of the parts."""
    return SceneInfo(
        path=shown(header.uri),
        height=header.height,
        width=header.width,
        crs_wkt=frame.crs_wkt,
        transform=frame.transform,
        gsd_m=gsd.gsd_m,
        gsd_source=gsd.source,
        bands=bands.bands,
        dtype=header.dtype,
        mask=masks.kind,
        nodata=header.bands[bands.numbers[0] - 1].nodata,
        block_hw=header.block_hw,
        overviews=header.overviews,
        compression=header.compression,
        size_bytes=header.size_bytes,
        driver=header.driver,
        stretch=stretch,
        warnings=(*place.warnings, *area_warnings(frame, header.name), *gsd.warnings, *bands.warnings, *warnings),
        acquired=header.acquired,
    )
