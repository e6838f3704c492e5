"""The backend of ONNX Runtime: shipped and exported models, and plain segmentation networks from elsewhere."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, cast

import numpy as np
from onnx import ModelProto

from fctl_geo.errors import ModelFileError
from fctl_geo.model.backend import Floats, Networks
from fctl_geo.model.files import ONNX_ENDING, graph_path
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.onnx_device import OnnxDevice, run_each
from fctl_geo.model.onnx_file import fill, metadata_of, piece, read_onnx, refinement_of
from fctl_geo.model.onnx_plain import ARCHITECTURE, PlainSegmentation
from fctl_geo.progress import Progress
from fctl_geo.settings import EngineSettings
from fctl_geo.spec import Context
from fctl_geo.windows.grid import CELL_PX

ENGINE_KEY = "fctl_engine"
"""Where a file of ours says how its contexts are used."""


def open_onnx(path: Path, info: ModelInfo, engine: EngineSettings, progress: Progress) -> Networks:
    """The networks of an .onnx file, or of a .safetensors file with a graph beside it.

    Raises:
        ModelFileError: a graph that does not fit its weights, or that ONNX Runtime cannot run.
        DeviceError: the device is not available.
    """
    device = OnnxDevice(engine, progress)
    if path.suffix == ONNX_ENDING:
        model = read_onnx(path)
    else:
        model = read_onnx(graph_path(path), bare=True)
        fill(model, path)
    if info.architecture == ARCHITECTURE:
        return Networks(device, PlainSegmentation(device.session(model.SerializeToString()), info), None)
    try:
        return Networks(device, OnnxSegmentation(model, info, device), _refinement(model, info, device))
    except (KeyError, ValueError, TypeError) as error:
        raise ModelFileError(f"{path} lacks a part of its graph ({error!r})", hint="export it again") from None


class OnnxSegmentation:
    """See `Segmentation`."""

    def __init__(self, model: ModelProto, info: ModelInfo, device: OnnxDevice) -> None:
        self.bands = len(info.input.bands)
        self.wider: tuple[Context, ...] = tuple(c for c in info.contexts if c != 1)
        self.shares_levels = bool(json.loads(metadata_of(model)[ENGINE_KEY])["shares_levels"])
        names = [f"context_{t}" for t in range(len(self.wider))]
        self._inputs = ["patch", *names]
        self._segmenting = _session(device, model, self._inputs, "logits")
        self._encoding = [
            _session(device, model, [f"level_{t}"], name)
            for t, name in enumerate(names)
            if t == 0 or not self.shares_levels  # then one encoder serves them all
        ]

    def encode(self, images: Floats, index: int) -> Floats:
        at = 0 if self.shares_levels else index
        return _run(self._encoding[at], {f"level_{at}": images})

    def segment(self, images: Floats, contexts: list[Floats]) -> Floats:
        return _run(self._segmenting, dict(zip(self._inputs, [images, *contexts], strict=True)))


class OnnxRefinement:
    """See `Refinement`."""

    def __init__(self, session: Any, context: float) -> None:
        self.context, self._session = context, session

    def refine(self, patch: Floats, wide: Floats) -> Floats:
        names = [value.name for value in self._session.get_inputs()]
        return _run(self._session, dict(zip(names, (patch, wide), strict=True)))


def mask_sizes(info: ModelInfo, context: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """Sizes of the masks that the refinement network sees: of a patch, and of its context."""
    patch = math.ceil(info.patch_px / CELL_PX) * CELL_PX
    wide = patch + 2 * round((context - 1) * patch / 2)
    return (patch, patch), (wide, wide)


def _refinement(model: ModelProto, info: ModelInfo, device: OnnxDevice) -> OnnxRefinement | None:
    if info.refinement is None:
        return None
    context = float(info.refinement["context"])
    part = refinement_of(model, mask_sizes(info, context))
    if part is None:
        raise ValueError("the refinement network")
    return OnnxRefinement(device.session(part.SerializeToString()), context)


def _session(device: OnnxDevice, model: ModelProto, inputs: list[str], output: str) -> Any:
    return device.session(piece(model, inputs, output).SerializeToString())


def _run(session: Any, feed: dict[str, Floats]) -> Floats:
    outs = run_each(session, feed)
    return cast(Floats, outs[0] if len(outs) == 1 else np.concatenate(outs))
