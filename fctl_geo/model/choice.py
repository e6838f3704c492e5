"""Which backend runs a model on this machine, and opening it."""

from __future__ import annotations

from typing import Literal

from fctl_geo.errors import DeviceError, ModelFileError
from fctl_geo.model.backend import Networks
from fctl_geo.model.device import Device
from fctl_geo.model.files import ONNX_ENDING, graph_path
from fctl_geo.model.installed import INSTALL_ONNX, INSTALL_TORCH, has_cuda_driver, has_onnx, has_torch
from fctl_geo.model.modelfile import read_model_info, resolve_model
from fctl_geo.progress import Progress
from fctl_geo.settings import EngineSettings


def open_networks(model: str, engine: EngineSettings, progress: Progress) -> Networks:
    """Load the networks of a model onto the device that the settings ask for.

    Raises:
        ModelFileError: not a model file, or not one for this version or backend.
        DeviceError: the device or the backend is not available.
    """
    path, info = resolve_model(model), read_model_info(model)
    if choose_backend(model, engine) == "onnx":
        from fctl_geo.model.onnx_backend import open_onnx

        return open_onnx(path, info, engine, progress)
    from fctl_geo.model.torch_backend import open_torch

    return open_torch(path, info, engine, progress)


def open_device(model: str, engine: EngineSettings, progress: Progress) -> Device:
    """The device on which `open_networks` would put a model, without loading it."""
    if choose_backend(model, engine) == "onnx":
        from fctl_geo.model.onnx_device import OnnxDevice

        return OnnxDevice(engine, progress)
    from fctl_geo.model.torch_device import TorchDevice

    return TorchDevice(engine, progress)


def choose_backend(model: str, engine: EngineSettings) -> Literal["torch", "onnx"]:
    """The backend for a model: the one that was requested, or torch for CUDA and bf16, and else ONNX Runtime.

    Where a model has no graph for ONNX Runtime, or ONNX Runtime is not installed, 'auto' takes torch.

    Raises:
        ModelFileError: the requested backend cannot run this model.
        DeviceError: the backend, or both of them, are not installed.
    """
    path = resolve_model(model)
    is_onnx, has_graph = path.suffix == ONNX_ENDING, graph_path(path).is_file()
    if engine.backend == "torch" or (engine.backend == "auto" and not is_onnx and _torch_is_better(engine, has_graph)):
        if is_onnx:
            raise ModelFileError(
                f"{path.name} is an ONNX file, which torch cannot run", hint="run with --backend onnx, or leave it out"
            )
        if not has_torch():
            raise DeviceError("the backend torch is not installed", hint=f"{INSTALL_TORCH}, or run with --backend onnx")
        return "torch"
    if not has_onnx():
        raise DeviceError(
            "ONNX Runtime is not installed"
            if is_onnx or has_torch()
            else "neither torch nor ONNX Runtime is installed",
            hint=INSTALL_ONNX,
        )
    if not is_onnx and not has_graph:
        raise ModelFileError(
            f"there is no ONNX graph for {path.name}, and torch {'was not asked for' if has_torch() else 'is missing'}",
            hint=f"where torch is installed: fctl-geo export {path.name} --out {path.stem}.onnx; then --model "
            f"{path.stem}.onnx",
        )
    return "onnx"


def gpu_names() -> list[str]:
    """A unique name for each GPU that torch sees; does not import torch where there is no driver."""
    if not (has_torch() and has_cuda_driver()):
        return []
    from fctl_geo.model.torch_device import gpu_names as names

    return names()


def _torch_is_better(engine: EngineSettings, has_graph: bool) -> bool:
    if not has_torch():
        return False
    if not (has_graph and has_onnx()) or engine.precision == "bf16":
        return True
    if engine.device == "cpu" or not has_cuda_driver():
        return False
    import torch

    return bool(torch.cuda.is_available())
