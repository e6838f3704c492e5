"""Plain segmentation networks from elsewhere: one input (N, bands, h, w), one output of logits, probabilities, or
classes. What the graph does not say is read from its metadata or from a TOML file beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, ValueInfoProto

from fctl_geo.errors import ModelFileError, SettingsError
from fctl_geo.model.backend import Floats
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.limits import MOST_BANDS, MOST_PATCH_PX, check_limits
from fctl_geo.model.onnx_device import run_each
from fctl_geo.model.onnx_file import metadata_of
from fctl_geo.model.onnx_metadata import BANDS, PlainSettings, settings_of
from fctl_geo.model.onnx_size import working_bytes
from fctl_geo.spec import ClassInfo, Context, InputSpec, Legend, distinct_color
from fctl_geo.windows.grid import CELL_PX

ARCHITECTURE = "onnx"
"""Of a network that is known by its graph alone."""
PATCH_PX = 512
"""Where neither the graph nor its metadata says."""
SURE_LOGIT = 10.0
"""Of the class that a network chose, if it gives classes instead of logits."""
LEAST_PROBABILITY = 1e-7
MOST_BYTES = 64 << 30
"""A patch that needs more memory is an error in the file."""
_BACKGROUND = ("background", "_background", "other", "others", "nothing", "none", "unlabeled", "unknown", "void")


def plain_info(path: Path, model: ModelProto, settings: Path | None) -> ModelInfo:
    """The metadata of a plain network.

    Args:
        settings: the TOML file beside it, if there is one; it has precedence.
    Raises:
        ModelFileError: it is not a segmentation network; the message says why.
    """
    try:
        given = settings_of(metadata_of(model), settings)
        bands, patch_px = _input(model, given)
        kind, planes = _output(model, given)
        info = ModelInfo(
            name=given.name or path.stem,
            version=given.version,
            architecture=ARCHITECTURE,
            legend=_legend(given, 2 if planes == 1 and kind != "classes" else planes),
            input=InputSpec(bands=given.bands or BANDS.get(bands, tuple(f"band {n + 1}" for n in range(bands))),
                            gsd_m=given.gsd_m),
            patch_px=patch_px,
            overlap_px=round(patch_px * given.overlap / 2) * 2,
            contexts=(),
            refine=False,
            licence=given.license,
            attribution=given.attribution,
            training_data=(),
            layout="strided" if patch_px % CELL_PX == 0 else "fitted",
            merge="average" if kind == "classes" else "blend",
            network={
                "output": kind,
                "planes": 1 if kind == "classes" else planes,
                "scale": given.scale,
                "mean": given.mean,
                "std": given.std,
                "threshold": given.threshold,
                "working_bytes_a_px": working_bytes(model, bands, patch_px, MOST_BYTES) / patch_px**2,
            },
        )  # fmt: skip
        if len(info.input.bands) != bands:
            raise ValueError(f"it reads {bands} bands, but {len(info.input.bands)} are named")
        for name, values in (("mean", given.mean), ("std", given.std)):
            if len(values) not in (0, 1, bands):
                raise ValueError(f"{name} has {len(values)} values, but it reads {bands} bands")
        check_limits(info)
        return info
    except (ValueError, TypeError, SettingsError) as error:
        raise ModelFileError(
            f"{path.name} cannot be used for segmentation: {error}",
            hint=f"docs/onnx.md says what is needed; settings can be given in {path.stem}.toml beside it",
        ) from None


def _input(model: ModelProto, given: PlainSettings) -> tuple[int, int]:
    """Number of bands, and side of a patch."""
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise ValueError(f"it has {len(inputs)} inputs ({', '.join(i.name for i in inputs)}), expected one")
    count, bands, height, width = _shape(inputs[0], (TensorProto.FLOAT,))
    if count not in (None, 1):
        raise ValueError(f"its input is for {count} images at once, expected 1 or any number")
    if height != width:
        raise ValueError(f"its input has {width} x {height} px, expected a square")
    bands = bands or len(given.bands) or 3
    patch_px = height or given.patch_px or PATCH_PX
    if not 1 <= bands <= MOST_BANDS or not CELL_PX <= patch_px <= MOST_PATCH_PX:
        raise ValueError(
            f"its input has {bands} bands of {patch_px} px, at most {MOST_BANDS} of {MOST_PATCH_PX} px are possible"
        )
    return bands, patch_px


def _output(model: ModelProto, given: PlainSettings) -> tuple[str, int]:
    """What the network gives: 'logits', 'probabilities' or 'classes'; and the number of its planes or classes."""
    if len(model.graph.output) != 1:
        names = ", ".join(value.name for value in model.graph.output)
        raise ValueError(f"it has {len(model.graph.output)} outputs ({names}), expected one")
    (output,) = model.graph.output
    integers = (TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32, TensorProto.INT64)
    shape = _shape(output, (TensorProto.FLOAT, *integers), ranks=(3, 4))
    kind = given.output or _kind_of(model, output, integers)
    if kind == "classes":
        if not given.classes:
            raise ValueError("it gives classes instead of logits, so that their names have to be given")
        return kind, len(given.classes)
    if len(shape) != 4:
        raise ValueError(f"its output has {len(shape)} dimensions, expected 4 (N, classes, h, w)")
    planes = shape[1] or len(given.classes)
    if not planes or planes > 254:
        raise ValueError(f"its output has {shape[1]} classes, expected 1 to 254; names of the classes can be given")
    return kind, planes


def _kind_of(model: ModelProto, output: ValueInfoProto, integers: tuple[int, ...]) -> str:
    if output.type.tensor_type.elem_type in integers:
        return "classes"
    last = next((node.op_type for node in model.graph.node if output.name in node.output), "")
    return "probabilities" if last in ("Softmax", "Sigmoid", "HardSigmoid") else "logits"


def _shape(value: ValueInfoProto, types: tuple[int, ...], ranks: tuple[int, ...] = (4,)) -> list[int | None]:
    """The shape of an input or output; None: any size."""
    tensor = value.type.tensor_type
    if tensor.elem_type not in types:
        words = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
        raise ValueError(f"{value.name!r} is of the type {words}, expected float")
    sizes = [dim.dim_value if dim.dim_value > 0 else None for dim in tensor.shape.dim]
    if len(sizes) not in ranks:
        raise ValueError(f"{value.name!r} has {len(sizes)} dimensions {sizes}, expected (N, bands, h, w)")
    return sizes


def _legend(given: PlainSettings, count: int) -> Legend:
    names = given.classes or (("background", "class 1") if count == 2 else tuple(f"class {n}" for n in range(count)))
    if len(names) == 1 and count == 2:
        names = ("background", *names)
    if len(names) != count:
        raise ValueError(f"{len(names)} classes are named ({', '.join(names)}), but it has {count}")
    colors = given.colors or tuple((230, 230, 230) if n == 0 else distinct_color(n) for n in range(count))
    if len(colors) != count:
        raise ValueError(f"{len(colors)} colors are given, but it has {count} classes")
    return Legend(
        tuple(
            ClassInfo(n, name, color, n == 0 and name.lower() in _BACKGROUND, name in given.objects)
            for n, (name, color) in enumerate(zip(names, colors, strict=True))
        )
    )


class PlainSegmentation:
    """See `Segmentation`: a network without contexts."""

    wider: tuple[Context, ...] = ()
    shares_levels = False

    def __init__(self, session: Any, info: ModelInfo) -> None:
        self.bands = len(info.input.bands)
        self._session, self._classes, self._settings = session, len(info.legend), info.network
        (entry,) = session.get_inputs()
        self._input = entry.name

    def encode(self, images: Floats, index: int) -> Floats:
        raise AssertionError("it has no contexts")

    def segment(self, images: Floats, contexts: list[Floats]) -> Floats:
        pixels = to_input(images, self._settings)
        outs = run_each(self._session, {self._input: pixels})
        return np.stack([self._logits(out, pixels.shape[-2:]) for out in outs])

    def _logits(self, out: NDArray[Any], size_hw: tuple[int, ...]) -> Floats:
        """(K, h, w) logits from what the network gave for one patch."""
        kind = self._settings["output"]
        expected = (1, self._settings["planes"], *size_hw)
        if out.shape != expected and not (kind == "classes" and out.shape == (1, *size_hw)):
            raise ModelFileError(
                f"the network gave an output of {list(out.shape)}, expected {list(expected)}",
                hint="its output must have the size of its input",
            )
        if kind == "classes":
            return _from_classes(out.reshape(size_hw), self._classes)
        values: Floats = np.asarray(out[0], np.float32)
        if len(values) == 1:
            return _from_one(values[0], kind, float(self._settings["threshold"]))
        return np.log(np.maximum(values, LEAST_PROBABILITY)) if kind == "probabilities" else values


def to_input(images: Floats, settings: Mapping[str, Any]) -> Floats:
    """Pixels in 0..1, NaN where there is no imagery, to a network's input; no imagery becomes its mean."""
    x = images * np.float32(settings["scale"])
    for name, operation in (("mean", np.subtract), ("std", np.divide)):
        if settings[name]:
            x = operation(x, np.asarray(settings[name], np.float32)[:, None, None])
    filled: Floats = np.nan_to_num(x, copy=False, nan=0.0)
    return filled


def _from_classes(classes: NDArray[Any], count: int) -> Floats:
    known = np.arange(count)[:, None, None]
    if classes.min() < 0 or classes.max() >= count:
        raise ModelFileError(
            f"the network gave classes {classes.min()} to {classes.max()}, but {count} are named",
            hint="name all of its classes, in order",
        )
    return np.where(classes == known, SURE_LOGIT, 0.0).astype(np.float32)


def _from_one(values: Floats, kind: str, threshold: float) -> Floats:
    """A single plane: the class wins where its probability is above the threshold."""
    if kind == "probabilities":
        p = np.clip(values, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        values = np.log(p / (1 - p))
    half = (values - np.float32(math.log(threshold / (1 - threshold)))) / 2
    return np.stack([-half, half]).astype(np.float32)
