"""A model's networks on a device, loaded once and used for as many scenes as there are."""

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
    """None: the model file has none."""

    def close(self) -> None:
        """End the device's threads."""
        self.device.close()


def load(model: str, engine: EngineSettings, progress: Progress) -> Networks:
    """The networks of a model file, on the device that the settings ask for.

    Raises:
        ModelFileError: no model file, or not one for this version.
        DeviceError: the device is not there.
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
    """What a device is, without it."""
    return Hardware(device.torch_device.type, device.precision, device.name, device.threads)
