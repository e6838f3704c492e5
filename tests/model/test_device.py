from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from model_factory import make_model

from fctl_geo.errors import DeviceError
from fctl_geo.model import torch_device as device_module
from fctl_geo.model.contexts import WholeScene
from fctl_geo.model.modelfile import load_networks, read_model_info
from fctl_geo.model.orientation import ORIENTATIONS
from fctl_geo.model.segmenter import Segmenter
from fctl_geo.model.torch_backend import TorchSegmentation
from fctl_geo.model.torch_device import TorchDevice
from fctl_geo.progress import Silent
from fctl_geo.settings import EngineSettings
from fctl_geo.windows.grid import PatchGrid
from fctl_geo.windows.window import Window


class Told(Silent):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture(autouse=True)
def gpu_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "_gpu_name", lambda device: "Pretend GPU")


def starved(device: TorchDevice, most: int) -> TorchDevice:
    """A device that claims to be a GPU whose memory holds `most` items; 'meta' stands in where there is no GPU."""
    device.torch_device, device.batch_size, device.most = torch.device("meta"), 8, most  # type: ignore[attr-defined]
    return device


def test_results_come_in_order_from_several_threads() -> None:
    device = TorchDevice(EngineSettings(device="cpu", threads=3), Silent())
    assert list(device.run(lambda batch: [x * x for x in batch], list(range(50)))) == [x * x for x in range(50)]
    device.close()


def test_an_error_in_a_worker_is_raised_and_the_rest_is_dropped() -> None:
    device = TorchDevice(EngineSettings(device="cpu", threads=2), Silent())

    def fail(batch: list[int]) -> list[int]:
        if batch[0] == 5:
            raise ValueError("five")
        return batch

    with pytest.raises(ValueError, match="five"):
        list(device.run(fail, list(range(50))))
    device.close()


@pytest.mark.parametrize(("most", "sizes"), [(3, [8, 4, 2]), (0, [8, 4, 2, 1])])
def test_when_memory_runs_out_the_batch_is_halved_and_then_the_cpu_takes_over(most: int, sizes: list[int]) -> None:
    told = Told()
    device = starved(TorchDevice(EngineSettings(device="cpu", threads=1), told), most)
    tried = []

    def work(batch: list[int]) -> list[int]:
        if not device.is_cpu:
            tried.append(len(batch))
            if len(batch) > most:
                raise torch.OutOfMemoryError("CUDA out of memory")
        return [x + 1 for x in batch]

    assert list(device.run(work, list(range(11)))) == list(range(1, 12))
    assert tried[: len(sizes)] == sizes
    assert "continuing with 4 patches" in told.warnings[0]
    assert device.is_cpu == bool(device.fallback) == (most == 0)
    if most == 0:
        assert "on the CPU" in told.warnings[-1]
        assert device.name == "Pretend GPU in fp32, then cpu (1 thread): the GPU ran out of memory"
    device.close()


class PretendGpu(TorchDevice):
    """Computes on the CPU as a GPU would, in bf16 and in batches, until it falls back."""

    def __init__(self) -> None:
        super().__init__(EngineSettings(device="cpu", precision="bf16", threads=2), Silent())
        self.batch_size = 2

    @property
    def is_cpu(self) -> bool:
        return bool(self._gave_up)


def read(window: Window, factor: int) -> SimpleNamespace:
    pixels = np.random.default_rng((window.row % 997, window.col % 997)).integers(0, 255, (3, *window.size_hw), "uint8")
    return SimpleNamespace(pixels=pixels, valid=np.ones(window.size_hw, bool))


@pytest.mark.parametrize("whole_scene", [False, True])
def test_the_cpu_takes_over_from_a_gpu_whose_context_features_are_bf16(tmp_path: Path, whole_scene: bool) -> None:
    model = make_model(tmp_path / "m.safetensors")
    network = load_networks(model, read_model_info(model))["segmentation"]
    grid, looks, row = PatchGrid(300, 300, 128, 32), ORIENTATIONS["flips"], [(0, 0), (0, 1), (0, 2)]
    device = PretendGpu()
    running = TorchSegmentation(device.place(network), device)
    segmenter = Segmenter(running, device, grid, looks, read)
    if whole_scene:
        segmenter.contexts[0] = WholeScene(0, running, device, grid, looks, read)
    segment, full = network.segment, [False]

    def starving(patch: torch.Tensor, contexts: Sequence[torch.Tensor]) -> torch.Tensor:
        if full[0] and not device.fallback:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return segment(patch, contexts)

    network.segment = starving
    in_bf16 = [logits for looks in segmenter.logits(row) for logits in looks]
    full[0] = True  # the context tiles are there, in bf16; now a single patch no longer fits
    after = [logits for looks in segmenter.logits(row) for logits in looks]
    assert device.fallback == device.name and device.precision == "fp32"
    for one, other in zip(in_bf16, after, strict=True):
        assert np.abs(one.values - other.values).mean() < 0.05 * np.abs(one.values).mean()
    assert "Pretend GPU in bf16, then cpu (2 threads)" in device.name
    device.close()


def test_every_gpu_batch_has_the_same_size() -> None:
    device = starved(TorchDevice(EngineSettings(device="cpu", threads=1), Silent()), 8)
    sizes = []

    def work(batch: list[int]) -> list[int]:
        sizes.append(len(batch))
        return batch

    assert list(device.run(work, list(range(19)))) == list(range(19))
    assert set(sizes) == {8}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_in_words() -> None:
    with pytest.raises(DeviceError, match="sees no GPU") as caught:
        TorchDevice(EngineSettings(device="cuda:1"), Silent())
    assert "--device cpu" in caught.value.hint


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_is_chosen_by_itself() -> None:
    assert TorchDevice(EngineSettings(), Silent()).torch_device.type == "cuda"
