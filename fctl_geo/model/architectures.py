"""The architectures that a model file or a recipe may name, and the one place that builds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from fctl_geo.errors import ModelFileError
from fctl_geo.model.configs import BaselineConfig, LiteConfig, NetworkConfig, Vgg16Config

if TYPE_CHECKING:
    from fctl_geo.model.network import SegmentationNetwork

WORKING_BYTES_A_PX = {
    "fctl-lite": 240,
    "fctl-vgg16": 2100,
    "fcn8s": 130,
    "unet": 520,
    "deeplabv3plus": 210,
    "pspnet": 260,
}
"""Memory that a worker needs while it segments a patch, in bytes per pixel of the patch, measured."""
ARCHITECTURES = tuple(WORKING_BYTES_A_PX)


def build_segmentation(
    architecture: str, settings: Mapping[str, Any], *, bands: int, classes: int
) -> SegmentationNetwork:
    """An untrained network.

    Args:
        settings: the network's own settings, as in the model file's header or in [network] of a recipe.
    Raises:
        ModelFileError: an unknown architecture, or settings that it does not have or that are impossible.
    """
    config_type, network_type = _config_type(architecture), _network_type(architecture)
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    known = [f.name for f in fields(config_type)]  # type: ignore[arg-type]
    for name in given:
        if name not in known:
            raise ModelFileError(
                f"{architecture} has no setting {name!r}", hint=f"its settings: {', '.join(sorted(known))}"
            )
    try:
        network: SegmentationNetwork = network_type(config_type(**{**given, "bands": bands, "classes": classes}))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelFileError(
            f"a {architecture} network with these settings is impossible: {error}", hint="see docs/training.md"
        ) from None
    return network


def default_settings(architecture: str) -> Mapping[str, Any]:
    """The default settings of a network."""
    return {f.name: f.default for f in fields(_config_type(architecture))}  # type: ignore[arg-type]


def _config_type(architecture: str) -> type[NetworkConfig]:
    """Type of the settings."""
    types: dict[str, type[NetworkConfig]] = {
        "fctl-lite": LiteConfig,
        "fctl-vgg16": Vgg16Config,
        **dict.fromkeys(("fcn8s", "unet", "deeplabv3plus", "pspnet"), BaselineConfig),
    }
    if architecture not in types:
        raise ModelFileError(
            f"there is no architecture {architecture!r} in this version",
            hint=f"available: {', '.join(ARCHITECTURES)}; is fctl-geo up to date?",
        )
    return types[architecture]


def _network_type(architecture: str) -> type[Any]:
    """Type of the network; imports torch."""
    from fctl_geo.model.baselines import DeepLabV3Plus, Fcn8s, PspNet, UNet
    from fctl_geo.model.lite import FctlLite
    from fctl_geo.model.vgg16 import FctlVgg16

    return {
        "fctl-lite": FctlLite,
        "fctl-vgg16": FctlVgg16,
        "fcn8s": Fcn8s,
        "unet": UNet,
        "deeplabv3plus": DeepLabV3Plus,
        "pspnet": PspNet,
    }[architecture]
