"""The authors' released checkpoints (github.com/liqiokkk/FCtL): from three .pth files to one fctl-vgg16 network.

'all' holds the whole network; 'medium' (B10) and 'large' (B15) hold the pretrained context branches, of which only the
encoder is used. Each file repeats its encoder under the names pool3, pool4, pool5 (big_pool... in the branches) and
includes VGG16's own classifier, which is unused.
"""

from __future__ import annotations

import math
import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from fctl_geo.errors import ModelFileError
from fctl_geo.model.configs import Vgg16Config
from fctl_geo.model.vgg16 import FctlVgg16
from fctl_geo.spec import Context

_STAGE_LAYERS = (0, 5, 10, 17, 24)
"""Index in vgg.features of each stage's first layer."""
_ALIAS_LAYERS = {"pool3": 0, "pool4": 17, "pool5": 24}
_ALIAS = re.compile(r"(?:big_)?(pool[345])\.(\d+)\.(weight|bias)")
_STREAMS = ("", "_1", "_2")
"""Suffixes of the correlations' names: medium, large, the patch itself."""
RELEASED = Vgg16Config()
_HINT = "the files are all.epoch.pth, and B10.epoch.pth and B15.epoch.pth as --medium and --large"
_LISTED = 5
_UNREADABLE = (pickle.UnpicklingError, struct.error, RuntimeError, ValueError, LookupError, TypeError, AttributeError,
               EOFError, OSError)  # fmt: skip
"""What torch.load raises for files that are not checkpoints, are truncated, or try to run code."""


def read_released(
    whole: Path, medium: Path, large: Path, contexts: tuple[Context, Context] = (2, 3), like: Vgg16Config = RELEASED
) -> FctlVgg16:
    """The network of three released checkpoints, in inference mode.

    Args:
        whole: all.epoch.pth; the numbers of classes and bands are derived from it.
        medium, large: the context branches; either complete checkpoints of their training or their encoders alone.
        contexts: sizes of the medium and the large context.
        like: widths of the stages and the head.
    Raises:
        ModelFileError: not a checkpoint, code in it, or tensors that are missing, unexpected, of the wrong shape, or
            different from those they should repeat.
    """
    config = like
    taken: dict[str, Tensor] = {}
    for branch, path in ((None, whole), (0, medium), (1, large)):
        state = read_checkpoint(path)
        config = _sized(config, state) if branch is None else config
        shapes = _shapes(_sized(config, state))
        names = {theirs: ours for ours, theirs in _names(shapes, branch)}
        _check(path, state, names, shapes, branch)
        taken |= {ours: state[theirs] for theirs, ours in names.items()}
    with torch.device("meta"):
        network = FctlVgg16(replace(config, contexts=(*contexts, 1)))
    network.load_state_dict(taken, assign=True)
    return network.eval()


def _sized(config: Vgg16Config, state: Mapping[str, Tensor]) -> Vgg16Config:
    """The configuration with a file's numbers of bands and classes, if they can be derived from it."""
    scores, first = state.get("output.6.weight"), state.get("vgg.features.0.weight")
    return replace(
        config,
        classes=config.classes if scores is None or scores.ndim != 4 else scores.shape[0],
        bands=config.bands if first is None or first.ndim != 4 else first.shape[1],
    )


def _shapes(config: Vgg16Config) -> dict[str, tuple[int, ...]]:
    """Shape of each of the network's tensors, by our names."""
    with torch.device("meta"):
        return {name: tuple(value.shape) for name, value in FctlVgg16(config).state_dict().items()}


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Tensors of a .pth file by name, without 'module.', as float32. Nothing but tensors is unpickled.

    Raises:
        ModelFileError: no such file, not a checkpoint, or one that would run code.
    """
    if not path.is_file():
        raise ModelFileError(f"there is no file {path}", hint=_HINT)
    try:
        with warnings.catch_warnings():  # old files use torch's deprecated storage classes
            warnings.simplefilter("ignore")
            raw = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except _UNREADABLE as error:
        raise ModelFileError(
            f"{path} is not a checkpoint of plain tensors and was not loaded: {_why(error)}",
            hint="files that try to run code are refused; get the authors' file again",
        ) from None
    if not isinstance(raw, Mapping) or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in raw.items()):
        raise ModelFileError(f"{path} holds a {type(raw).__name__}, not a dictionary of tensors", hint=_HINT)
    return {key.removeprefix("module."): value.float() for key, value in raw.items()}


def start_from_imagenet(network: FctlVgg16, path: Path) -> None:
    """Initialize all streams and the first two layers of the head with VGG16's ImageNet weights, as the authors did.

    Args:
        path: torchvision's checkpoint of vgg16 (vgg16-397923af.pth).
    Raises:
        ModelFileError: no such checkpoint, or a network with different widths or bands, or with batch normalization.
    """
    state = read_checkpoint(path)
    taken: dict[str, Tensor] = {}
    own = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    for name, shape in own.items():
        theirs = _imagenet_name(name)
        if theirs is None:
            continue
        if theirs not in state or state[theirs].numel() != math.prod(shape):
            found = tuple(state[theirs].shape) if theirs in state else "missing"
            raise ModelFileError(
                f"{path}: {theirs} is {found}, but the network's {name} is {shape}",
                hint="it fits networks with three bands, VGG16's own widths and head, and no batch_norm",
            )
        taken[name] = state[theirs].reshape(shape)
    network.load_state_dict(taken, strict=False)


def _imagenet_name(ours: str) -> str | None:
    """Torchvision's name, or None. Example: 'context_encoders.0.stages.1.2.bias' -> 'features.7.bias'."""
    parts = ours.split(".")
    if "stages" in parts:
        stage, layer, leaf = parts[parts.index("stages") + 1 :]
        return f"features.{_STAGE_LAYERS[int(stage)] + int(layer)}.{leaf}"
    if ours.startswith(("decoder.classify.0.", "decoder.classify.3.")):
        return f"classifier.{parts[2]}.{parts[3]}"
    return None


def _why(error: Exception) -> str:
    """The useful part of torch's long message; its advice to load the file anyway is not useful."""
    wanted = re.search(r"GLOBAL (\S+)", str(error))
    return f"it tries to call {wanted[1]}" if wanted else "it cannot be read as one"


def _names(ours: Mapping[str, tuple[int, ...]], branch: int | None) -> Iterator[tuple[str, str]]:
    """Our names and the file's names of the tensors in a file (None: 'all'; 0, 1: the context branches)."""
    prefix = "encoder." if branch is None else f"context_encoders.{branch}."
    for name in ours:
        if name.startswith(prefix):
            _, stage, layer, leaf = name.removeprefix(prefix).split(".")
            yield name, f"vgg.features.{_STAGE_LAYERS[int(stage)] + int(layer)}.{leaf}"
        elif branch is None and not name.startswith("context_encoders."):
            yield name, _released_name(name)


def _released_name(ours: str) -> str:
    """The file's name of one of our tensors. Example: 'correlations.1.key.bias' -> 'big_attention.conv_key_1.bias'."""
    room, *rest = ours.split(".")
    if room == "correlations":
        stream = _STREAMS[int(rest[0])]
        return (
            f"big_attention.gamma{stream}" if rest[1] == "gamma" else f"big_attention.conv_{rest[1]}{stream}.{rest[2]}"
        )
    if room == "fusion":
        if rest[0] == "mix":
            return f"big_attention.trans.{rest[1]}"
        return f"big_attention.{'in' if rest[0] == 'before' else 'out'}_{int(rest[1]) + 1}.{rest[2]}"
    decoder = {"classify": "output", "adjust4": "adj_pool4", "adjust3": "adj_pool3", "upscore": "up_output",
               "upscore4": "up_pool4_out", "upscore3": "up_final"}  # fmt: skip
    return ".".join([decoder[rest[0]], *rest[1:]])


def _check(
    path: Path,
    state: Mapping[str, Tensor],
    needed: Mapping[str, str],
    shapes: Mapping[str, tuple[int, ...]],
    branch: int | None,
) -> None:
    """Refuse a file whose names or shapes differ from those of the released network."""
    wanted = _file_layout(shapes, branch)
    missing, unknown = [k for k in needed if k not in state], [k for k in state if k not in wanted]
    if missing or unknown:
        parts = [f"lacks {_list(missing)}"] if missing else []
        parts += [f"has unknown {_list(unknown)}"] if unknown else []
        raise ModelFileError(f"{path} {' and '.join(parts)}", hint=_HINT)
    for key, value in state.items():
        if tuple(value.shape) != wanted[key]:
            raise ModelFileError(f"{path}: {key} is {tuple(value.shape)}, expected {wanted[key]}", hint=_HINT)
        original = _original(key)
        if original is not None and not torch.equal(value, state[original]):
            raise ModelFileError(f"{path}: {key} should repeat {original} but does not", hint=_HINT)


def _file_layout(shapes: Mapping[str, tuple[int, ...]], branch: int | None) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor that a released file may hold, needed or not, by the file's names."""
    layout = {theirs: shapes[ours] for ours, theirs in _names(shapes, None)}
    prefixes = ("", "big_") if branch is not None else ("",)
    for key in [k for k in layout if k.startswith("vgg.features.")]:
        layout |= {prefix + alias: layout[key] for alias in [_alias(key)] for prefix in prefixes}
    head, deep = layout["output.0.weight"][:2]
    for layer, inputs, outputs in ((0, 49 * deep, head), (3, head, head), (6, head, 1000)):
        layout |= {f"vgg.classifier.{layer}.weight": (outputs, inputs), f"vgg.classifier.{layer}.bias": (outputs,)}
    return layout


def _alias(original: str) -> str:
    """The name under which a file repeats a tensor. Example: 'vgg.features.19.bias' -> 'pool4.2.bias'."""
    _, _, layer, leaf = original.split(".")
    pool, first = next((p, n) for p, n in reversed(_ALIAS_LAYERS.items()) if n <= int(layer))
    return f"{pool}.{int(layer) - first}.{leaf}"


def _original(key: str) -> str | None:
    """The tensor that an alias repeats. Example: 'pool4.2.bias' -> 'vgg.features.19.bias'."""
    match = _ALIAS.fullmatch(key)
    return f"vgg.features.{_ALIAS_LAYERS[match[1]] + int(match[2])}.{match[3]}" if match else None


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(sorted(names)[:_LISTED]) + more
