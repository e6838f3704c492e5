from __future__ import annotations

import pytest
import torch

from fctl_geo.errors import DeviceError
from fctl_geo.model.device import Device
from fctl_geo.progress import Silent
from fctl_geo.settings import EngineSettings


class Told(Silent):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def starved(device: Device, most: int) -> Device:
    """A device that claims to be a GPU whose memory holds `most` items; 'meta' stands in where there is no GPU."""
    device.torch_device, device.batch_size, device.most = torch.device("meta"), 8, most  # type: ignore[attr-defined]
    return device


def test_results_come_in_order_from_several_threads() -> None:
    device = Device(EngineSettings(device="cpu", threads=3), Silent())
    assert list(device.run(lambda batch: [x * x for x in batch], list(range(50)))) == [x * x for x in range(50)]
    device.close()


def test_an_error_in_a_worker_is_raised_and_the_rest_is_dropped() -> None:
    device = Device(EngineSettings(device="cpu", threads=2), Silent())

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
    device = starved(Device(EngineSettings(device="cpu", threads=1), told), most)
    tried = []

    def work(batch: list[int]) -> list[int]:
        if not device.is_cpu:
            tried.append(len(batch))
            if len(batch) > most:
                raise torch.OutOfMemoryError("CUDA out of memory")
        return [x + 1 for x in batch]

    assert list(device.run(work, list(range(11)))) == list(range(1, 12))
    assert tried[: len(sizes)] == sizes
    assert "going on with 4 patches" in told.warnings[0]
    assert device.is_cpu == (most == 0)
    if most == 0:
        assert "with the CPU" in told.warnings[-1]
    device.close()


def test_every_gpu_batch_has_the_same_size() -> None:
    device = starved(Device(EngineSettings(device="cpu", threads=1), Silent()), 8)
    sizes = []

    def work(batch: list[int]) -> list[int]:
        sizes.append(len(batch))
        return batch

    assert list(device.run(work, list(range(19)))) == list(range(19))
    assert set(sizes) == {8}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_in_words() -> None:
    with pytest.raises(DeviceError, match="sees no GPU") as caught:
        Device(EngineSettings(device="cuda:1"), Silent())
    assert "--device cpu" in caught.value.hint


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_is_chosen_by_itself() -> None:
    assert Device(EngineSettings(), Silent()).torch_device.type == "cuda"
