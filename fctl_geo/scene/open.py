"""Open a scene for a model: bands, scaling, mask, grid and area are decided once, and the decisions are reported."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from fctl_geo.errors import SceneError
from fctl_geo.georef.pixel_size import ground_resolution
from fctl_geo.progress import Progress, Silent
from fctl_geo.scene.aoi import read_region
from fctl_geo.scene.bands import plan_bands
from fctl_geo.scene.georeference import georeference_of
from fctl_geo.scene.header import Header, read_header
from fctl_geo.scene.info import ALPHA_WORDS, scene_info
from fctl_geo.scene.levels import model_size, scale_to
from fctl_geo.scene.masks import plan_masks
from fctl_geo.scene.reader import Reader, readers_of
from fctl_geo.scene.sample import alpha_is_a_picture, overview_mask_is_stale, sample_values
from fctl_geo.scene.scaling import Stretch, ValueScale, fill_words, measure_stretch
from fctl_geo.scene.scene import Scene
from fctl_geo.scene.source import block_warnings, grids_of
from fctl_geo.scene.tiles import TileCache
from fctl_geo.settings import SceneSettings
from fctl_geo.spec import InputSpec
from fctl_geo.windows.frame import RasterFrame
from fctl_geo.windows.window import Window

_CACHE_BYTES = 128 << 20
_COARSEST_SCALE = 1 / 16


def open_scene(
    path: str | Path,
    spec: InputSpec,
    settings: SceneSettings = SceneSettings(),  # noqa: B008 - frozen
    *,
    progress: Progress = Silent(),  # noqa: B008 - without state
    cache_bytes: int = _CACHE_BYTES,
) -> Scene:
    """Open a scene for a model: decide bands, scaling, mask and grid once, and report the decisions.

    Args:
        path: anything GDAL opens: a file, a URL, /vsi..., a connection string.
        spec: the input that the model expects.
        cache_bytes: the most memory for decoded pixels; it affects speed, never values.
    Raises:
        SceneError: the scene is missing, not a raster, has no usable georeferencing, is far too coarse for the model,
            or has no valid pixel from which to compute the stretch.
        BandError: the scene lacks bands that the model needs.
        AoiError: the area of interest is unreadable, misses the scene or contains no pixel.
        ReadError: the scene is damaged where it was sampled.
    """
    header = read_header(path, allow_external=settings.allow_external)
    place = georeference_of(header.placement)
    if place.refusal is not None:
        raise place.refusal
    scene_frame = place.frame(settings.gsd_m)
    gsd = ground_resolution(scene_frame, settings.gsd_m)
    scale = scale_to(gsd.gsd_m, spec.gsd_m, spec.gsd_tolerance)
    _refuse_far_too_coarse(header, spec, gsd.gsd_m, scale)
    model_frame = _model_frame(scene_frame, scale)
    full = model_frame if settings.grid == "model" else scene_frame
    region, aoi_warnings = read_region(full, settings.aoi, settings.bbox)
    grids = grids_of(header)
    alpha_is_nir = alpha_is_a_picture(header, grids, settings.mask)
    alpha_warnings = (ALPHA_WORDS,) if alpha_is_nir and settings.mask != "none" else ()
    bands = plan_bands(header, spec.bands, settings.bands, alpha_is_nir=alpha_is_nir)
    masks = plan_masks(header, bands, alpha_is_nir=alpha_is_nir, mask=settings.mask)
    readers = readers_of(header, grids, bands, masks)
    with ExitStack() as opened:
        for reader in readers:
            opened.callback(reader.source.close)
        readers, overview_warnings = _without_stale_overviews(readers)
        area = None if region is None else _in_scene_px(region.window, scale if settings.grid == "model" else 1.0)
        stretch, fill_warnings = _stretch_of(header, spec, readers, area, progress)
        opened.pop_all()  # success: the scene closes them
    info = scene_info(
        header, place, scene_frame, gsd, bands, masks, stretch=stretch,
        warnings=(*alpha_warnings, *block_warnings(header), *overview_warnings, *aoi_warnings, *fill_warnings),
    )  # fmt: skip
    for warning in info.warnings:
        progress.warn(warning)
    frame_window = Window(0, 0, *full.size_hw) if region is None else region.window
    scene = Scene(
        info=info,
        scale=scale,
        model_hw=model_frame.size_hw,
        scene_frame=scene_frame,
        model_frame=model_frame,
        frame=full.cut(frame_window),
        frame_window=frame_window,
        readers=readers,
        _values=ValueScale(stretch),
        _region=region,
        _grid_is_model=settings.grid == "model",
        _cache=TileCache(cache_bytes),
        _passing=TileCache(0),
    )
    scene.resize_cache(cache_bytes)
    return scene


def _refuse_far_too_coarse(header: Header, spec: InputSpec, gsd_m: float | None, scale: float) -> None:
    if scale >= _COARSEST_SCALE:
        return
    assert gsd_m is not None and spec.gsd_m is not None
    raise SceneError(
        f"{header.name} has {gsd_m:.3g} m per pixel, the model was trained at {spec.gsd_m:g} m: "
        f"{1 / scale:.0f} times as fine, at most {1 / _COARSEST_SCALE:.0f} times is possible",
        hint=f"choose a model for such images, or pass --gsd {spec.gsd_m:g} to read the pixels as if they were that "
        "fine",
    )


def _without_stale_overviews(readers: tuple[Reader, ...]) -> tuple[tuple[Reader, ...], tuple[str, ...]]:
    if not overview_mask_is_stale(readers):
        return readers, ()
    for reader in readers[1:]:
        reader.source.close()
    return readers[:1], ("the overviews predate the scene's mask and are not used: rebuild them with gdaladdo",)


def _in_scene_px(window: Window, scale: float) -> Window:
    """A window of the output's grid in scene pixels, `scale` of them per output pixel."""
    row, col = int(window.row * scale), int(window.col * scale)
    return Window(row, col, max(1, int(window.row_end * scale) - row), max(1, int(window.col_end * scale) - col))


def _stretch_of(
    header: Header, spec: InputSpec, readers: tuple[Reader, ...], area: Window | None, progress: Progress
) -> tuple[Stretch | None, tuple[str, ...]]:
    """Limits that map wider values to bytes, with warnings; None if the values are bytes.

    They belong to the scene: every patch, shard and worker uses the same ones.

    Raises:
        SceneError: no valid pixel was found in a scene too large to examine all of it.
    """
    dtype = "uint8" if header.palette is not None else str(readers[0].source.dtype)
    if dtype == "uint8":
        return None, ()
    sample = sample_values(readers, area, progress)
    if sample.values.shape[1] == 0:
        words = f"{header.name} holds no data: all {sample.examined_px:,} pixels examined are {readers[0].masks.kind}"
        hint = "if its nodata value or mask is wrong, read it with --mask none"
        if not sample.complete:
            raise SceneError(words, hint=f"is it the right file? Or {hint}")
        return ((0.0, 1.0),) * len(sample.values), (f"{words} ({hint})",)  # an empty tile of a mosaic: all nodata
    stretch = measure_stretch(sample.values, spec.scaling.percentiles)
    low, high = spec.scaling.percentiles
    limits = ", ".join(f"{b:.6g} to {t:.6g}" for b, t in stretch)
    progress.say(f"{dtype} values are stretched to 8 bits, percentiles {low:g} to {high:g} of each band: {limits}")
    return stretch, fill_words(sample.values)


def _model_frame(scene_frame: RasterFrame, scale: float) -> RasterFrame:
    if scale == 1.0:
        return scene_frame
    size_hw = model_size(scene_frame.height, scale), model_size(scene_frame.width, scale)
    return scene_frame.coarser(scale, size_hw)
