"""Devices of ONNX Runtime: one patch per core on the CPU, or CUDA where the installed wheel has it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fctl_geo.errors import DeviceError, ModelFileError, SettingsError
from fctl_geo.model.backend import Floats
from fctl_geo.model.device import Device
from fctl_geo.model.installed import has_cuda_driver
from fctl_geo.progress import Progress
from fctl_geo.settings import EngineSettings

CUDA = "CUDAExecutionProvider"


class OnnxDevice(Device):
    """Every session uses a single thread, and each worker thread computes its own patch: bytes do not depend on the
    number of threads."""

    def __init__(self, settings: EngineSettings, progress: Progress) -> None:
        super().__init__(settings.threads, progress)
        if settings.precision == "bf16":
            raise SettingsError(
                "the backend onnx computes in fp32, not in bf16", hint="leave --precision out, or use --backend torch"
            )
        self.providers: list[Any] = [*_cuda(settings.device), "CPUExecutionProvider"]

    @property
    def backend(self) -> Literal["torch", "onnx"]:
        return "onnx"

    @property
    def kind(self) -> str:
        return "cpu" if len(self.providers) == 1 else "cuda"

    @property
    def name(self) -> str:
        where = super().name if self.kind == "cpu" else f"cuda:{self.providers[0][1]['device_id']}"
        return f"{where} with ONNX Runtime"

    @property
    def arithmetic(self) -> str:
        """'onnxruntime 1.32.0, AVX2'."""
        return f"onnxruntime {onnxruntime.__version__}, {_instructions() if self.kind == 'cpu' else 'CUDA'}"

    def session(self, model: bytes) -> onnxruntime.InferenceSession:
        """A session for a model on this device.

        All optimizations are on: those beyond EXTENDED lay channels out in blocks, which halves the time of networks
        with depthwise convolutions (fctl-lite on AVX2: 0.22 s instead of 0.50 s for a patch and a whole context).

        Raises:
            ModelFileError: ONNX Runtime cannot run it.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3  # what matters is raised
        return attempt(lambda: onnxruntime.InferenceSession(model, options, providers=self.providers))


def attempt(work: Any) -> Any:
    """Do what may fail within ONNX Runtime, whose exceptions have no class of their own in Python.

    Raises:
        ModelFileError: it failed.
    """
    try:
        return work()
    except (RuntimeError, ValueError, MemoryError, NotImplementedError, TypeError) as error:
        raise _refused(error) from None
    except Exception as error:
        if type(error).__module__.startswith("onnxruntime"):
            raise _refused(error) from None
        raise


def run_each(session: onnxruntime.InferenceSession, feed: Mapping[str, Floats]) -> list[NDArray[Any]]:
    """The first output of a session for each image of its inputs (N, ...): its graph is for one.

    Raises:
        ModelFileError: ONNX Runtime cannot run it.
    """
    images = {name: np.ascontiguousarray(values) for name, values in feed.items()}
    count = len(next(iter(images.values())))
    return [
        attempt(lambda n=n: session.run(None, {name: some[n : n + 1] for name, some in images.items()}))[0]
        for n in range(count)
    ]


def _refused(error: Exception) -> ModelFileError:
    words = (str(error).strip().splitlines() or ["no reason given"])[0][:300]
    return ModelFileError(
        f"ONNX Runtime {onnxruntime.__version__} cannot run the model ({words})",
        hint="export it again with an opset of at most 20, or with the sizes of its input fixed",
    )


def _cuda(wanted: str) -> list[tuple[str, dict[str, int]]]:
    head, _, index = wanted.partition(":")
    there = CUDA in onnxruntime.get_available_providers() and has_cuda_driver()
    if head == "cuda" and not there:
        raise DeviceError(
            f"device {wanted} was requested, but ONNX Runtime {onnxruntime.__version__} sees no GPU",
            hint="pip install onnxruntime-gpu in place of onnxruntime; or run with --backend torch or --device cpu",
        )
    return [] if head == "cpu" or not there else [(CUDA, {"device_id": int(index or 0)})]


@cache
def _instructions() -> str:
    """The widest vector instructions of this CPU, which decide how the kernels sum."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    widest = [name for name in ("avx512f", "avx2", "avx", "sve", "neon") if features.get(name)]
    return widest[0].upper().removesuffix("F") if widest else "no vector instructions"
