"""Devices of torch: worker threads on the CPU, batches on a GPU, and what happens when its memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import torch

from fctl_geo.errors import DeviceError
from fctl_geo.model.device import Device, Item, Result
from fctl_geo.progress import Progress
from fctl_geo.settings import EngineSettings

GPU_BATCH = 8
"""Initial number of patches per GPU step."""


class TorchDevice(Device):
    """On a GPU every batch has the same size, so that a result does not depend on its neighbors (law 1): the last one
    is padded with copies."""

    def __init__(self, settings: EngineSettings, progress: Progress) -> None:
        super().__init__(settings.threads, progress)
        self._gave_up: str | None = None
        self.torch_device = _choose(settings.device, progress)
        self._precision = _precision(settings.precision, self.torch_device)
        self.batch_size = 1 if self.is_cpu else settings.batch_size or GPU_BATCH
        self._moved: list[torch.nn.Module] = []

    @property
    def backend(self) -> Literal["torch", "onnx"]:
        return "torch"

    @property
    def kind(self) -> str:
        return self.torch_device.type

    @property
    def precision(self) -> str:
        return self._precision

    @property
    def is_cpu(self) -> bool:
        return self.torch_device.type == "cpu"

    @property
    def name(self) -> str:
        """For the summary: 'cpu (2 threads)', the GPU's name, or both if the GPU ran out of memory."""
        if self.is_cpu:
            cpu = super().name
            return f"{self._gave_up}, then {cpu}: the GPU ran out of memory" if self._gave_up else cpu
        return _gpu_name(self.torch_device)

    @property
    def fallback(self) -> str:
        return self.name if self._gave_up else ""

    @property
    def arithmetic(self) -> str:
        """'torch 2.5.1, AVX2' or '..., NVIDIA A100'."""
        kernels = (
            torch.backends.cpu.get_cpu_capability() if self.is_cpu else torch.cuda.get_device_name(self.torch_device)
        )
        return f"torch {torch.__version__}, {kernels}"

    def place(self, network: torch.nn.Module) -> torch.nn.Module:
        """Move a network to this device; if the GPU runs out of memory, the network is moved to the CPU, too."""
        self._moved.append(network)
        return network.to(self.torch_device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload,no-any-return]

    def autocast(self) -> torch.autocast:
        """The context manager in which networks run."""
        return torch.autocast(self.torch_device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def run(self, function: Callable[[Sequence[Item]], list[Result]], items: Sequence[Item]) -> Iterator[Result]:
        """Run `function` over batches of `items`; yield one result per item, in order.

        If a GPU runs out of memory, the batch size is halved, down to 1, then the CPU takes over; each step is reported
        as a warning.
        """
        start = 0
        while start < len(items) and not self.is_cpu:
            batch = list(items[start : start + self.batch_size])
            filled = batch + [batch[-1]] * (self.batch_size - len(batch))
            try:
                results = function(filled)
            except torch.OutOfMemoryError:
                self._relent()
                continue
            yield from results[: len(batch)]
            start += len(batch)
        yield from self._run_threads(function, items[start:])

    def _start_thread(self) -> None:
        torch.set_num_threads(1)

    def _relent(self) -> None:
        torch.cuda.empty_cache()
        if self.batch_size > 1:
            self.batch_size //= 2
            self.progress.warn(f"out of GPU memory: continuing with {self.batch_size} patches per step")
            return
        self.progress.warn("out of GPU memory with a single patch: continuing on the CPU, which is slower")
        self._gave_up = f"{_gpu_name(self.torch_device)} in {self.precision}"
        self.torch_device = torch.device("cpu")
        self._precision = "fp32"
        for network in self._moved:
            network.to("cpu")


def gpu_names() -> list[str]:
    """UUIDs of the GPUs visible to this process, in torch's order: each is unique among the machine's GPUs."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [str(torch.cuda.get_device_properties(index).uuid) for index in range(count)]


def _gpu_name(device: torch.device) -> str:
    return f"{torch.cuda.get_device_name(device)} ({device})"


def _choose(wanted: str, progress: Progress) -> torch.device:
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise DeviceError(
            f"device {wanted} was requested, but torch {torch.__version__} sees no GPU",
            hint="`fctl-geo doctor` explains why; or run with --device cpu",
        )
    device = torch.device("cuda" if wanted == "auto" else wanted)
    count = torch.cuda.device_count()
    if device.index is not None and device.index >= count:
        raise DeviceError(f"device {wanted} was requested, but there are {count} GPUs", hint="numbers start at cuda:0")
    torch.backends.cudnn.benchmark = False  # it picks kernels by timing, and bits would change with the choice
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32: the released network's numbers are matched to 3e-5
    torch.backends.cuda.matmul.allow_tf32 = False
    return device


def _precision(wanted: str, device: torch.device) -> str:
    if wanted == "auto":
        return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"
    return wanted
