"""A model's networks on a device, loaded once and used for any number of scenes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from fctl_geo.model.modelfile import load_networks, read_model_info, resolve_model
from fctl_geo.progress import Progress
from fctl_geo.run.hardware import Hardware
from fctl_geo.settings import EngineSettings

if TYPE_CHECKING:
    from fctl_geo.model.device import Device
    from fctl_geo.model.network import SegmentationNetwork
    from fctl_geo.model.refinement import RefinementNet


@dataclass(frozen=True, slots=True)
class Networks:
    """Networks ready to compute."""

    device: Device
    segmentation: SegmentationNetwork
    refinement: RefinementNet | None
    """None if the model file has none."""

    def close(self) -> None:
        """Stop the device's threads."""
        self.device.close()


def load(model: str, engine: EngineSettings, progress: Progress) -> Networks:
    """Load the networks of a model file onto the device that the settings ask for.

    Raises:
        ModelFileError: not a model file, or not one for this version.
        DeviceError: the device is not available.
    """
    from fctl_geo.model.device import Device

    networks = load_networks(resolve_model(model), read_model_info(model))
    device = Device(engine, progress)
    refinement = networks.get("refinement")
    return Networks(
        device,
        cast("SegmentationNetwork", device.place(networks["segmentation"])),
        None if refinement is None else cast("RefinementNet", device.place(refinement)),
    )


def hardware_of(device: Device) -> Hardware:
    """Describe a device without holding on to it."""
    kind = device.torch_device.type
    return Hardware(kind, device.precision, device.name, device.threads, arithmetic=device.arithmetic)
