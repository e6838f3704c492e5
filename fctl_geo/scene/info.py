"""What the engine understood of a scene, for people and for the later stages."""

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
    "the band tagged as alpha holds brightness, not opacity: it is taken for near infrared (nir); if it is opacity, "
    "say so with --mask alpha"
)


@dataclass(frozen=True, slots=True)
class SceneInfo:
    """A scene as it was understood."""

    path: str
    """Path, URL or GDAL connection string."""
    height: int
    width: int
    crs_wkt: str
    """WKT2; empty: none."""
    transform: Affine6
    """Of the scene's own pixels."""
    gsd_m: float | None
    """True ground metres a pixel at the scene's centre."""
    gsd_source: GsdSource
    bands: tuple[Band, ...]
    """The bands that are read, in the model's order (all of the file's without a model)."""
    dtype: str
    mask: str
    """How no data is told: none, nodata, alpha, mask band, .msk, nan, palette, joined by " + "."""
    nodata: float | None
    """Of the first band that is read."""
    block_hw: tuple[int, int]
    overviews: tuple[int, ...]
    """Decimation factors, ascending."""
    compression: str
    size_bytes: int | None
    """Of the file; None where it is not a local file."""
    driver: str
    stretch: Stretch | None
    """For each band the values that become 0 and 255; None: 8-bit values as they are."""
    warnings: tuple[str, ...]


def describe_scene(path: str | Path, *, allow_external: bool = False) -> SceneInfo:
    """What a scene is, without a model; reads the header and, if there is an alpha band, a small sample of it.

    Raises:
        SceneError: the file is missing or no raster.
    """
    header = read_header(path, allow_external=allow_external)
    place = georeference_of(header.placement)
    alpha_is_nir = alpha_is_a_picture(header, grids_of(header))
    bands = plan_all_bands(header, alpha_is_nir=alpha_is_nir)
    masks = plan_masks(header, bands, alpha_is_nir=alpha_is_nir)
    refused = (f"{place.refusal.message}; {place.refusal.hint}",) if place.refusal else ()
    negative = (words,) if (words := negative_words(header, bands)) else ()
    told = (*((ALPHA_WORDS,) if alpha_is_nir else ()), *block_warnings(header), *negative, *refused)
    frame = place.frame()
    return scene_info(header, place, frame, ground_resolution(frame), bands, masks, warnings=told)


def scene_info(
    header: Header, place: Georeference, frame: RasterFrame, gsd: GroundResolution, bands: BandPlan, masks: MaskPlan,
    *, stretch: Stretch | None = None, warnings: tuple[str, ...] = (),
) -> SceneInfo:  # fmt: skip
    """All that was decided about a scene, in one place; `warnings` come after those of the parts."""
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
    )
