"""Memory that a graph needs for one patch, from the shapes of its tensors, before anything is allocated."""

from __future__ import annotations

import math

import onnx
from onnx import ModelProto

UNKNOWN_BYTES_A_PX = 800
"""Where a graph does not state the sizes of its tensors; a U-Net with the usual 64 channels needs about as much."""
FIXED_BYTES = 4
"""Of a value; larger types are rare."""


def working_bytes(model: ModelProto, bands: int, patch_px: int, most: int) -> int:
    """Peak of the tensors that are alive at the same time, as the nodes are run in their order.

    Raises:
        ValueError: more than `most`, or a graph whose shapes contradict each other.
    """
    sizes = _sizes(model, bands, patch_px)
    last = {name: at for at, node in enumerate(model.graph.node) for name in node.input}
    alive = peak = 0
    for at, node in enumerate(model.graph.node):
        alive += sum(sizes.get(name, 0) for name in node.output)
        peak = max(peak, alive)
        alive -= sum(sizes.get(name, 0) for name in {*node.input, *node.output} if last.get(name, at) == at)
    if peak > most:
        raise ValueError(f"it needs {peak / 2**30:,.0f} GiB for a patch of {patch_px} px")
    unknown = any(name not in sizes for node in model.graph.node for name in node.output if name)
    return max(peak, UNKNOWN_BYTES_A_PX * patch_px**2) if unknown else peak


def _sizes(model: ModelProto, bands: int, patch_px: int) -> dict[str, int]:
    """Bytes of each tensor that nodes make, as far as its shape is known."""
    fixed = ModelProto()
    fixed.CopyFrom(model)
    constants = {tensor.name for tensor in fixed.graph.initializer}
    for value in fixed.graph.input:
        if value.name not in constants:
            for dim, size in zip(value.type.tensor_type.shape.dim, (1, bands, patch_px, patch_px), strict=True):
                dim.dim_value = size
    for value in fixed.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            dim.Clear()
    del fixed.graph.value_info[:]
    try:
        inferred = onnx.shape_inference.infer_shapes(fixed, strict_mode=False, data_prop=True)
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"the shapes in its graph contradict each other ({str(error).splitlines()[0][:200]})"
        ) from None
    sizes = {}
    for value in (*inferred.graph.value_info, *inferred.graph.output):
        dims = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in dims):
            sizes[value.name] = FIXED_BYTES * math.prod(max(0, dim.dim_value) for dim in dims)
    return sizes
