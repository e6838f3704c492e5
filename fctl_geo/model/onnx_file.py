"""ONNX files: treated as untrusted, cut into the pieces that are run, filled with weights kept elsewhere.

A file of ours is one ordinary ONNX model whose graph leads from the pixels of a patch and of its contexts to logits, so
that any program can run it. The features of the contexts are outputs of their own (`context_0`, ...); there the engine
cuts the graph in two, since patches share them. The refinement network is a function of the model (`fctl.refine`),
which other programs ignore.

The shipped models have their graph beside their weights (buildings.graph.onnx, some 150 kB): the same file without the
values of its tensors, which are taken from the .safetensors file by name. So the weights exist once, whichever backend
computes, and the package needs no torch to run them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto

from fctl_geo.errors import ModelFileError

REFINE = ("fctl", "refine")
"""Domain and name of the function that is the refinement network."""
MOST_FILE_BYTES = (1 << 31) - 1
"""What protobuf holds."""
MOST_DEPTH = 16
"""Graphs within graphs (the branches of an If)."""
DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", REFINE[0])
"""Operators outside these would need a library from elsewhere."""


def read_onnx(path: Path, *, bare: bool = False) -> ModelProto:
    """An ONNX file whose tensors are as large as it says.

    Args:
        bare: whether it is a graph whose weights are elsewhere (`fill`).
    Raises:
        ModelFileError: not an ONNX file, tensors that lack their values, operators of other libraries.
    """
    try:
        size = path.stat().st_size
        if size > MOST_FILE_BYTES:
            raise ModelFileError(f"{path} has {size:,} bytes, an ONNX file has at most {MOST_FILE_BYTES:,}")
        model = onnx.load_model_from_string(path.read_bytes())
    except (DecodeError, OSError, ValueError) as error:
        raise ModelFileError(f"{path} is not a model file ({error})", hint="it is damaged, or not ONNX") from None
    if not model.graph.node or not model.graph.output:
        raise ModelFileError(f"{path} is not a model file (its graph is empty)", hint="it is damaged, or not ONNX")
    try:
        _check(model, bare)
    except ValueError as error:
        raise ModelFileError(f"{path} cannot be used: {error}", hint="export the network again into one file") from None
    return model


def _check(model: ModelProto, bare: bool) -> None:
    for domain in {node.domain for node in _nodes(model)}:
        if domain not in DOMAINS:
            raise ValueError(f"it has operators of {domain!r}, which would need a library from elsewhere")
    if model.functions and [(f.domain, f.name) for f in model.functions] != [REFINE]:
        raise ValueError(f"it has {len(model.functions)} functions of its own; export it with its functions inlined")
    for tensor in tensors_of(model):
        _check_tensor(tensor, bare)


def _check_tensor(tensor: TensorProto, bare: bool) -> None:
    """Compare what a tensor declares with what the file holds, before anything allocates it."""
    if tensor.data_location == TensorProto.EXTERNAL:
        if not bare:
            raise ValueError(f"tensor {tensor.name!r} is kept in another file")
        return
    if any(size < 0 for size in tensor.dims):
        raise ValueError(f"tensor {tensor.name!r} has the shape {list(tensor.dims)}")
    count, bits = math.prod(tensor.dims), _BITS.get(tensor.data_type)
    if tensor.data_type == TensorProto.STRING:
        held = len(tensor.string_data)
    elif bits is None:
        raise ValueError(f"tensor {tensor.name!r} has the unknown type {tensor.data_type}")
    elif tensor.HasField("raw_data"):
        held = len(tensor.raw_data) * 8 // bits
        count = count if bits >= 8 else count - count % (8 // bits)
    else:
        held = max(map(len, (tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data,
                             tensor.uint64_data)))  # fmt: skip
    if count > held * (2 if tensor.data_type in _PAIRS else 1):
        raise ValueError(f"tensor {tensor.name!r} declares {count:,} values, but the file holds {held:,}")


_BITS: dict[int, int] = {
    **dict.fromkeys((TensorProto.FLOAT, TensorProto.INT32, TensorProto.UINT32), 32),
    **dict.fromkeys((TensorProto.DOUBLE, TensorProto.INT64, TensorProto.UINT64, TensorProto.COMPLEX64), 64),
    **dict.fromkeys((TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.INT16, TensorProto.UINT16), 16),
    **dict.fromkeys((TensorProto.UINT8, TensorProto.INT8, TensorProto.BOOL), 8),
    **dict.fromkeys((TensorProto.UINT4, TensorProto.INT4), 4),
}
_PAIRS = (TensorProto.UINT4, TensorProto.INT4)
"""Two values share an entry."""


def tensors_of(model: ModelProto) -> Iterator[TensorProto]:
    """All tensors of a model: initializers, and the attributes of nodes.

    Raises:
        ValueError: sparse tensors, which may declare any size.
    """
    for graph in _graphs(model.graph):
        if graph.sparse_initializer:
            raise ValueError("it has sparse tensors")
        yield from graph.initializer
    for node in _nodes(model):
        for attribute in node.attribute:
            if attribute.type in (AttributeProto.SPARSE_TENSOR, AttributeProto.SPARSE_TENSORS):
                raise ValueError("it has sparse tensors")
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _nodes(model: ModelProto) -> Iterator[Any]:
    for graph in _graphs(model.graph):
        yield from graph.node
    for function in model.functions:
        for node in function.node:
            yield node
            for attribute in node.attribute:
                for graph in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                    for inner in _graphs(graph):
                        yield from inner.node


def _graphs(graph: GraphProto, depth: int = 0) -> Iterator[GraphProto]:
    if depth > MOST_DEPTH:
        raise ValueError(f"it has more than {MOST_DEPTH} graphs within graphs")
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                yield from _graphs(inner, depth + 1)


def fill(model: ModelProto, weights: Path) -> None:
    """Put the values from a .safetensors file into the tensors of a graph without weights, by name.

    Raises:
        ModelFileError: a tensor is missing or has another shape.
    """
    import numpy as np
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(weights), framework="numpy") as file:
            for tensor in tensors_of(model):
                if tensor.data_location != TensorProto.EXTERNAL:
                    continue
                values = file.get_tensor(tensor.name)
                if list(values.shape) != list(tensor.dims):
                    raise ModelFileError(
                        f"{weights.name}: {tensor.name} is {list(values.shape)}, but its graph has {list(tensor.dims)}",
                        hint="weights and graph are of different models: install the package again",
                    )
                tensor.raw_data = np.ascontiguousarray(values, "<f4").tobytes()
                tensor.ClearField("external_data")
                tensor.data_location = TensorProto.DEFAULT
    except SafetensorError as error:
        raise ModelFileError(
            f"the graph of {weights.name} does not fit its weights ({error})", hint="install the package again"
        ) from None


def empty(model: ModelProto, names: set[str]) -> None:
    """The inverse of `fill`: leave these tensors' values out."""
    for tensor in tensors_of(model):
        if tensor.name in names:
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="the .safetensors file of the same name")


def piece(model: ModelProto, inputs: list[str], output: str) -> ModelProto:
    """The part of a model that leads from these tensors to an output."""
    graph = model.graph
    maker = {name: index for index, node in enumerate(graph.node) for name in node.output}
    needed, waiting = set(), [output]
    while waiting:
        index = maker.get(name := waiting.pop())
        if name not in inputs and index is not None and index not in needed:
            needed.add(index)
            waiting += graph.node[index].input
    nodes = [graph.node[index] for index in sorted(needed)]
    used = {name for node in nodes for name in node.input}
    shapes = {value.name: value for value in (*graph.input, *graph.output)}
    part = onnx.helper.make_graph(
        nodes,
        output,
        [shapes[name] for name in inputs],
        [shapes[output]],
        [t for t in graph.initializer if t.name in used],
    )
    return onnx.helper.make_model(part, opset_imports=model.opset_import, ir_version=model.ir_version)


def refinement_of(model: ModelProto, inputs_hw: tuple[tuple[int, int], tuple[int, int]]) -> ModelProto | None:
    """The refinement network, for masks of a patch and of its context of these sizes; None: there is none."""
    if not model.functions:
        return None
    (function,) = model.functions
    make = onnx.helper.make_tensor_value_info
    sizes = [make(name, TensorProto.FLOAT, (1, 2, *hw)) for name, hw in zip(function.input, inputs_hw, strict=True)]
    out = make(function.output[0], TensorProto.FLOAT, (1, 1, *inputs_hw[0]))
    graph = onnx.helper.make_graph(function.node, REFINE[1], sizes, [out])
    return onnx.helper.make_model(graph, opset_imports=function.opset_import, ir_version=model.ir_version)


def metadata_of(model: ModelProto) -> dict[str, str]:
    """The metadata of a model."""
    return {entry.key: entry.value for entry in model.metadata_props}
