"""Export a model to ONNX: both networks and all metadata in one file, checked against torch."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from fctl_geo.errors import DeviceError, ModelFileError
from fctl_geo.model.files import HEADER_KEY, graph_path
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import build_networks, header_text, load_weights, read_model_info, resolve_model
from fctl_geo.model.network import SegmentationNetwork
from fctl_geo.model.refinement import RefinementNet, shrink_mask
from fctl_geo.progress import Silent
from fctl_geo.settings import EngineSettings
from fctl_geo.storage.whole_files import hidden_name

OPSET = 20
"""Of the exported graphs: read by ONNX Runtime since 1.17."""
MOST_DIFFERENCE = 1e-3
"""Largest difference to torch's logits that an export may have; measured: 1e-5."""


def export_onnx(model: str | Path, out: Path) -> ModelInfo:
    """Write a model as ONNX, whole or not at all.

    Args:
        model: name of a shipped model or path of a .safetensors model file.
        out: an .onnx file; .graph.onnx: without the weights, to lie beside the model file.
    Raises:
        ModelFileError: not a model of torch, or one that cannot be exported, or whose export computes something else.
        DeviceError: the packages for exporting are not installed.
    """
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise DeviceError(f"exporting needs {', '.join(missing)}", hint="pip install 'fctl-geo[export]'")
    path, info = resolve_model(model), read_model_info(model)
    if path.suffix == out.suffix:
        raise ModelFileError(f"{path.name} is an ONNX file already", hint="copy it")
    networks = build_networks(info)
    load_weights(path, networks)
    exported = _both(info, networks)
    aside = out.with_name(hidden_name(out, ".partial.onnx"))
    try:
        aside.write_bytes(exported.SerializeToString(deterministic=True))
        _compare(path, aside, info)
        if out.name == graph_path(out.with_suffix("").with_suffix(".safetensors")).name:
            from fctl_geo.model.onnx_file import empty

            empty(exported, _names(networks))
            aside.write_bytes(exported.SerializeToString(deterministic=True))
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    return info


class _Pixels(nn.Module):
    """From pixels in 0..1, NaN where there is no imagery, to logits and the features of contexts."""

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.segmentation = network

    def forward(self, patch: Tensor, *levels: Tensor) -> tuple[Tensor, ...]:
        network = self.segmentation
        contexts = [network.encode_context(self._input(level), t) for t, level in enumerate(levels)]
        return network.kept_apart(network.segment(self._input(patch), contexts)), *contexts

    def _input(self, pixels: Tensor) -> Tensor:
        scaled = (pixels - self.segmentation.mean) / self.segmentation.spread
        return torch.where(pixels.isnan(), torch.zeros((), dtype=pixels.dtype), scaled)


class _Masks(nn.Module):
    """From masks of a patch and of its context, at the same pixel size, to logits."""

    def __init__(self, network: RefinementNet) -> None:
        super().__init__()
        self.refinement = network

    def forward(self, patch: Tensor, wide: Tensor) -> Tensor:
        logits: Tensor = self.refinement(patch, shrink_mask(wide, (patch.shape[-2], patch.shape[-1])))
        return logits


def _names(networks: dict[str, nn.Module]) -> set[str]:
    return {f"{prefix}.{key}" for prefix, network in networks.items() for key in network.state_dict()}


def _both(info: ModelInfo, networks: dict[str, nn.Module]) -> Any:
    import onnx

    from fctl_geo.model.onnx_backend import ENGINE_KEY, mask_sizes
    from fctl_geo.model.onnx_file import REFINE

    network = cast(SegmentationNetwork, networks["segmentation"])
    sizes = (1, len(info.input.bands), info.patch_px, info.patch_px)
    images = [torch.rand(*sizes) for _ in range(1 + len(network.wider))]  # one tensor twice would be one input
    wider = range(len(network.wider))
    inputs, outputs = ["patch", *(f"level_{t}" for t in wider)], ["logits", *(f"context_{t}" for t in wider)]
    whole = _graph(_Pixels(network), images, inputs, outputs)
    if "refinement" in networks:
        refinement = cast(RefinementNet, networks["refinement"])
        masks = [torch.rand(1, 2, *hw) for hw in mask_sizes(info, refinement.config.context)]
        part = _graph(_Masks(refinement), masks, ["mask", "wide"], ["refined"])
        constants = [onnx.helper.make_node("Constant", [], [t.name], value=t) for t in part.graph.initializer]
        nodes = [*constants, *part.graph.node]
        function = onnx.helper.make_function(*REFINE, ["mask", "wide"], ["refined"], nodes, part.opset_import)
        whole.functions.append(function)
        whole.opset_import.append(onnx.helper.make_opsetid(REFINE[0], 1))
    onnx.helper.set_model_props(
        whole,
        {HEADER_KEY: header_text(info), ENGINE_KEY: json.dumps({"shares_levels": network.shares_levels})},
    )
    return whole


def _graph(network: nn.Module, images: Sequence[Tensor], inputs: list[str], outputs: list[str]) -> Any:
    """The graph of a network; its tensors have the names of the network's."""
    with _quiet(), torch.no_grad():
        try:
            program = torch.onnx.export(
                network.eval(), tuple(images), dynamo=True, input_names=inputs, output_names=outputs,
                opset_version=OPSET, optimize=False, external_data=False, verbose=False,
            )  # fmt: skip
        except Exception as error:  # the exporter's errors have many classes
            raise ModelFileError(f"this network cannot be exported ({type(error).__name__}: {error})") from None
        assert program is not None
        return _tidied(program.model_proto)


def _tidied(model: Any) -> Any:
    """Fold what is constant except for the weights, whose names and values remain those of the model file."""
    import onnx
    from onnxscript import optimizer

    weights = list(model.graph.initializer)
    names = {tensor.name for tensor in weights}
    for tensor in weights:  # an input cannot be folded
        model.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    del model.graph.initializer[:]
    folded = optimizer.optimize(model)
    real = [value for value in folded.graph.input if value.name not in names]
    del folded.graph.input[:], folded.graph.value_info[:], folded.metadata_props[:]
    folded.graph.input.extend(real)
    folded.graph.initializer.extend(weights)
    for part in (folded.graph, *folded.graph.node, *folded.graph.input, *folded.graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    _simplify_convolutions(folded.graph)
    return folded


def _simplify_convolutions(graph: Any) -> None:
    """Write convolutions as other runtimes like them: the same function.

    A kernel that begins with zeros (see `Depthwise`) becomes the kernel without them, with less padding before the
    image: ONNX Runtime 1.32 mistakes the padding of a kernel for that of an image. 1x1 kernels lose their dilation (see
    `pointwise`), which would cost time here.
    """
    from onnx import numpy_helper

    tensors = {tensor.name: tensor for tensor in graph.initializer}
    pads = {node.output[0]: node for node in graph.node if node.op_type == "Pad" and node.input[0] in tensors}
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        numbers = {attribute.name: attribute for attribute in node.attribute}
        if node.input[1] in pads:
            pad = pads[node.input[1]]
            rows, cols = numpy_helper.to_array(tensors[pad.input[1]]).tolist()[2:4]
            top, left, bottom, right = numbers["pads"].ints
            _set(numbers["pads"], [top - rows, left - cols, bottom, right])
            node.input[1] = pad.input[0]
            _set(numbers["kernel_shape"], list(tensors[pad.input[0]].dims)[2:])
        if list(tensors[node.input[1]].dims)[2:] == [1, 1]:
            _set(numbers["dilations"], [1, 1])
    for pad in pads.values():
        graph.node.remove(pad)


def _set(attribute: Any, numbers: list[int]) -> None:
    del attribute.ints[:]
    attribute.ints.extend(numbers)


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of its own internals."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _compare(path: Path, exported: Path, info: ModelInfo) -> None:
    """Run both on noise.

    Raises:
        ModelFileError: they differ.
    """
    from fctl_geo.model.onnx_backend import mask_sizes, open_onnx
    from fctl_geo.model.torch_backend import open_torch

    engine, noise = EngineSettings(device="cpu", threads=1), np.random.default_rng(0)
    ours, theirs = (of(p, info, engine, Silent()) for of, p in ((open_torch, path), (open_onnx, exported)))
    image = noise.random((1, len(info.input.bands), info.patch_px, info.patch_px), np.float32)
    image[..., :9, :9] = np.nan
    contexts = [ours.segmentation.encode(image, t) for t in range(len(ours.segmentation.wider))]
    pairs = [(ours.segmentation.segment(image, contexts), theirs.segmentation.segment(image, contexts))]
    pairs += [(context, theirs.segmentation.encode(image, t)) for t, context in enumerate(contexts)]
    if ours.refinement is not None and theirs.refinement is not None:
        masks = [noise.random((1, 2, *hw), np.float32).round() for hw in mask_sizes(info, ours.refinement.context)]
        pairs.append((ours.refinement.refine(*masks), theirs.refinement.refine(*masks)))
    for network in (ours, theirs):
        network.close()
    worst = max(float(np.abs(a - b).max()) for a, b in pairs)
    if not worst <= MOST_DIFFERENCE:
        raise ModelFileError(
            f"the export computes something else than the model: logits differ by {worst:.3g}, allowed are "
            f"{MOST_DIFFERENCE:g}",
            hint="report it, with the model's recipe",
        )
