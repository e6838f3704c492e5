"""How much memory a run takes, and the largest shards that keep within what is allowed."""

from __future__ import annotations

import math

from fctl_geo.errors import SettingsError
from fctl_geo.model.architectures import WORKING_BYTES_A_PX
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import resolve_model
from fctl_geo.run.hardware import Hardware
from fctl_geo.run.stage import Stage
from fctl_geo.scene import Scene
from fctl_geo.settings import Settings
from fctl_geo.spec import widest
from fctl_geo.windows.shards import BLOCK_PX

SHARD_PX = 4608
"""Side of a shard on the model's grid: wide enough that neighbours repeat few patches, small enough for 1.5 GiB."""
BASE_BYTES = 620 << 20
"""Python, torch, GDAL and the compiled kernels, measured."""


def fitting_shard_px(settings: Settings, info: ModelInfo, scene: Scene, hardware: Hardware) -> int:
    """The largest shard whose run keeps within the memory allowed; smaller where processes would have none to do."""
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
        f"this run needs at least {needs[-1] / 2**20:.0f} MiB, --max-memory allows {(most or 0) / 2**20:.0f} MiB",
        hint="allow more, or take fewer threads",
    )


def memory_bytes(settings: Settings, info: ModelInfo, scene: Scene, hardware: Hardware, shard_px: int) -> int:
    width = min(shard_px, scene.model_hw[1])
    workers = hardware.threads if hardware.kind == "cpu" else 2
    patches = workers * WORKING_BYTES_A_PX[info.architecture] * info.patch_px**2
    weights = 2 * resolve_model(settings.model).stat().st_size  # as they are in the file, and as kernels want them
    band = (len(info.legend) + 1) * 4 * (info.patch_px + BLOCK_PX) * width
    return int(BASE_BYTES + weights + patches + band + _band_cache_bytes(scene, info, width))


def _band_cache_bytes(scene: Scene, info: ModelInfo, width_px: int) -> int:
    """Decoded pixels that patches and contexts of a strip share."""
    reach = math.ceil(widest(info.contexts) * info.patch_px)
    return min(scene.cache_bytes_for(reach, width_px + reach), 512 << 20)


def cache_bytes(scene: Scene, info: ModelInfo, stage: Stage) -> int:
    width = max(s.core.width for s in stage.shards) / stage.sweep.how.scale
    return _band_cache_bytes(scene, info, math.ceil(width))
