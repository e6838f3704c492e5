"""The backend of torch: every architecture, on a CPU or a GPU. The reference for all others."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from fctl_geo.model.backend import Floats, Networks
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import load_networks
from fctl_geo.model.network import SegmentationNetwork
from fctl_geo.model.refinement import RefinementNet, shrink_mask
from fctl_geo.model.torch_device import TorchDevice
from fctl_geo.progress import Progress
from fctl_geo.settings import EngineSettings
from fctl_geo.spec import Context


def open_torch(path: Path, info: ModelInfo, engine: EngineSettings, progress: Progress) -> Networks:
    """The networks of a model file, on the device that the settings ask for.

    Raises:
        ModelFileError: tensors that do not fit.
        DeviceError: the device is not available.
    """
    networks = load_networks(path, info)
    device = TorchDevice(engine, progress)
    segmentation = cast(SegmentationNetwork, device.place(networks["segmentation"]))
    refinement = networks.get("refinement")
    return Networks(
        device,
        TorchSegmentation(segmentation, device),
        None if refinement is None else TorchRefinement(cast(RefinementNet, device.place(refinement)), device),
    )


class TorchSegmentation:
    """See `Segmentation`."""

    def __init__(self, network: SegmentationNetwork, device: TorchDevice) -> None:
        self.network, self.device = network, device
        self.bands: int = network.config.bands
        self.wider: tuple[Context, ...] = network.wider
        self.shares_levels = network.shares_levels

    @torch.inference_mode()
    def encode(self, images: Floats, index: int) -> Floats:
        with self.device.autocast():
            features = self.network.encode_context(self.network.prepare(_tensor(images, self.device)), index)
        return _array(features)

    @torch.inference_mode()
    def segment(self, images: Floats, contexts: list[Floats]) -> Floats:
        pixels = self.network.prepare(_tensor(images, self.device))
        features = [_tensor(context, self.device) for context in contexts]
        if self.device.precision == "bf16":
            features = [feature.bfloat16() for feature in features]
        with self.device.autocast():
            planes = self.network.segment(pixels, features).float()
            return _array(self.network.kept_apart(planes))


class TorchRefinement:
    """See `Refinement`."""

    def __init__(self, network: RefinementNet, device: TorchDevice) -> None:
        self.network, self.device = network, device
        self.context: float = network.config.context

    @torch.inference_mode()
    def refine(self, patch: Floats, wide: Floats) -> Floats:
        masks, around = _tensor(patch, self.device), _tensor(wide, self.device)
        with self.device.autocast():
            return _array(self.network(masks, shrink_mask(around, patch.shape[-2:])))


def _tensor(array: Floats, device: TorchDevice) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device.torch_device)


def _array(tensor: Tensor) -> Floats:
    return cast(Floats, tensor.float().cpu().numpy())
