"""Devices and precision of a training, by Lightning Fabric."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import torch

from fctl_geo.errors import DeviceError, TrainingError


def use_threads(threads: int | None) -> None:
    """Set the number of torch's threads; None: torch decides."""
    if threads is not None:
        torch.set_num_threads(threads)


def launch(device: str, devices: int, precision: str) -> Any:
    """Launch Fabric on one device, or on several of the same kind (one process each, running the same command).

    Args:
        device: auto, cpu, cuda or cuda:N.
        precision: auto, fp32 or bf16.
    Raises:
        DeviceError: the device does not exist.
        TrainingError: the extra 'train' is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its imports raise deprecation warnings
            from lightning_fabric import Fabric
    except ImportError:
        raise TrainingError("training needs Lightning Fabric", hint="pip install 'fctl-geo[train]'") from None
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    cuda = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    if cuda and not torch.cuda.is_available():
        raise DeviceError(
            f"device {device} was requested, but torch {torch.__version__} sees no GPU",
            hint="`fctl-geo doctor` explains why; or run with --device cpu",
        )
    if cuda and devices > torch.cuda.device_count():
        raise DeviceError(f"{devices} GPUs were requested, {torch.cuda.device_count()} found")
    if precision == "auto":
        precision = "bf16" if cuda and torch.cuda.is_bf16_supported() else "fp32"
    index = device.partition(":")[2]
    which: Any = [int(index)] if index else devices
    fabric = Fabric(
        accelerator="cuda" if cuda else "cpu",
        devices=which,
        strategy="ddp" if devices > 1 else "auto",
        precision="bf16-mixed" if precision == "bf16" else "32-true",
    )
    fabric.launch()
    return fabric
