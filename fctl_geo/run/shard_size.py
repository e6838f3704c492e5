"""Estimates the memory of a run and chooses the largest shards that stay within the limit."""

from __future__ import annotations

import math

from fctl_geo.errors import SettingsError
from fctl_geo.georef.pixel_size import pixel_size_m
from fctl_geo.model.architectures import WORKING_BYTES_A_PX, default_settings
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import resolve_model
from fctl_geo.polygons.strips import STRIP_ROWS
from fctl_geo.run.hardware import Hardware
from fctl_geo.run.stage import Stage
from fctl_geo.scene import Scene
from fctl_geo.separate.necks import window_rows
from fctl_geo.settings import Settings
from fctl_geo.spec import widest
from fctl_geo.storage.outputs import RASTER_ENDINGS
from fctl_geo.windows.grid import CELL_PX
from fctl_geo.windows.shards import BLOCK_PX

SHARD_PX = 4608
"""Side of a shard on the model's grid: wide enough that neighbors repeat few patches, small enough for 1.5 GiB."""
BASE_BYTES = 620 << 20
"""Python, torch, GDAL and the compiled kernels, measured."""
CHANNELS = frozenset({"widths", "decoder", "pixel_channels", "deep_channels"})
"""Network settings that can increase memory use beyond that of the measured networks."""
TILE_BYTES_A_CELL = 4 * 256
"""Deep features of a context tile."""
OPEN_VERTEX_BYTES = 44
"""A node of the tracer, whose arrays double in size when full."""
WRITTEN_VERTEX_BYTES = 150
"""A vertex being written to a product: corners, WKB, and the copies made by Arrow and the writer."""
WAITING_VERTEX_BYTES = 11
"""A vertex of an object that waits for those that it touches."""
SQUARED_VERTEX_BYTES = 300
"""A vertex of a group while its outlines are squared."""
STRIP_BYTES_A_PX = 24
"""Strips being read ahead, sieved and traced."""
SEPARATED_BYTES_A_PX = 30
"""Rows in which objects are separated: numbers, costs, pixels listed, and the values of what is joined."""


def fitting_shard_px(settings: Settings, info: ModelInfo, scene: Scene, hardware: Hardware) -> int:
    """The largest shard side that stays within the memory limit; smaller if some processes would otherwise be idle."""
    most = settings.engine.max_memory_bytes
    sides = [SHARD_PX, SHARD_PX // 2, SHARD_PX // 4]
    needs = [memory_bytes(settings, info, scene, hardware, side) for side in sides]
    fitting = [side for side, need in zip(sides, needs, strict=True) if most is None or need <= most]
    height, width = scene.model_hw
    for side in fitting:
        if hardware.processes == 1 or math.ceil(height / side) * math.ceil(width / side) >= 2 * hardware.processes:
            return side
    if fitting:
        return fitting[-1]
    raise SettingsError(
        f"this run needs at least {needs[-1] / 2**20:.0f} MiB, but --max-memory is {(most or 0) / 2**20:.0f} MiB",
        hint="allow more memory, or use fewer threads",
    )


def memory_bytes(settings: Settings, info: ModelInfo, scene: Scene, hardware: Hardware, shard_px: int) -> int:
    """Peak memory of the segmentation, or of the polygon stage after it, once the patches' memory is free again."""
    width = min(shard_px, scene.model_hw[1])
    workers = hardware.threads if hardware.kind == "cpu" else 2
    wider = _wider(info)
    patches = workers * wider * _working_bytes_a_px(info) * info.patch_px**2
    weights = 2 * resolve_model(settings.model).stat().st_size  # as stored in the file, and as laid out for the kernels
    band = (len(info.legend) + 1) * 4 * (info.patch_px + BLOCK_PX) * width
    tiles = wider * _context_tile_bytes(settings, info, width)
    segmenting = patches + band + tiles + _band_cache_bytes(scene, info, width)
    return int(BASE_BYTES + weights + max(segmenting, _polygon_bytes(settings, scene)))


def _working_bytes_a_px(info: ModelInfo) -> float:
    """Measured for the architectures, and computed for networks that are known by their graph alone."""
    return float(info.network.get("working_bytes_a_px") or WORKING_BYTES_A_PX[info.architecture])


def _wider(info: ModelInfo) -> float:
    """How many times wider a network is than the measured one of the same architecture; at least 1."""
    if info.architecture not in WORKING_BYTES_A_PX:
        return 1.0
    usual = default_settings(info.architecture)
    most = 1.0
    for name in CHANNELS & usual.keys() & info.network.keys():
        own, measured = (v if isinstance(v, list | tuple) else (v,) for v in (info.network[name], usual[name]))
        most = max(most, max(own) / max(measured), *(o / m for o, m in zip(own, measured, strict=False) if m))
    return most


def _context_tile_bytes(settings: Settings, info: ModelInfo, width: int) -> float:
    """Features of the context tiles that a band of patches shares, once per orientation of test-time augmentation."""
    from fctl_geo.model.orientation import ORIENTATIONS

    cells = 0.0
    for context in info.contexts:
        if context not in (1, "global"):
            across = width / float(context) + info.patch_px
            cells += 2 * info.patch_px / CELL_PX * across / CELL_PX
    return len(ORIENTATIONS[settings.engine.tta]) * cells * TILE_BYTES_A_CELL


def _polygon_bytes(settings: Settings, scene: Scene) -> int:
    """The polygon stage: boundaries of open regions, one polygon being written, and strips of the class raster."""
    from fctl_geo.polygons.cut import GRID_ROWS, OPEN_POLYGONS

    if all(path.suffix.lower() in RASTER_ENDINGS for path in settings.output.outs):
        return 0
    frame, polygons = scene.frame, settings.polygons
    width, most = frame.width, polygons.max_vertices
    held = min(OPEN_POLYGONS * most, frame.height * width) + GRID_ROWS * width
    strips = STRIP_ROWS * width * STRIP_BYTES_A_PX
    if polygons.separate:
        rows = min(frame.height, window_rows(polygons.neck_m / (pixel_size_m(frame) or 1.0)))
        strips += rows * width * SEPARATED_BYTES_A_PX
    squared = 0
    if polygons.square != "off":
        squared = held * WAITING_VERTEX_BYTES + min(most, held) * SQUARED_VERTEX_BYTES
    return held * OPEN_VERTEX_BYTES + min(most, held) * WRITTEN_VERTEX_BYTES + squared + strips


def _band_cache_bytes(scene: Scene, info: ModelInfo, width_px: int) -> int:
    """Decoded pixels shared by the patches and contexts of a strip."""
    reach = math.ceil(widest(info.contexts) * info.patch_px)
    return min(scene.cache_bytes_for(reach, width_px + reach), 512 << 20)


def cache_bytes(scene: Scene, info: ModelInfo, stage: Stage) -> int:
    width = max(s.core.width for s in stage.shards) / stage.sweep.how.scale
    return _band_cache_bytes(scene, info, math.ceil(width))
