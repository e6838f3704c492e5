"""Model files: safetensors with everything the engine needs to know in the header (law 7). No pickle is ever read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fctl_geo.errors import ModelFileError, SettingsError
from fctl_geo.model.architectures import build_segmentation
from fctl_geo.model.files import HEADER_KEY, ONNX_ENDING, settings_path
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.limits import check_limits
from fctl_geo.model.shipped import list_models, shipped_path
from fctl_geo.spec import ClassInfo, InputSpec, Legend, Scaling
from fctl_geo.storage.whole_files import hidden_name

if TYPE_CHECKING:
    from torch import nn

FORMAT = 1
"""Version of the header. Readers refuse versions newer than their own."""


def resolve_model(name_or_path: str | Path) -> Path:
    """The file of a shipped model, given by name, or of a model given by path.

    Raises:
        ModelFileError: neither the name of a shipped model nor a file.
    """
    shipped = shipped_path(str(name_or_path))
    if shipped is not None:
        return shipped
    path = Path(name_or_path)
    if path.is_file():
        return path
    what = "is a folder" if path.is_dir() else "is neither a shipped model nor a file"
    raise ModelFileError(
        f"model {str(name_or_path)!r} {what}",
        hint=f"shipped models: {', '.join(list_models()) or 'none'}; or give the path of a .safetensors or .onnx file",
    )


def model_checksum(path: Path) -> str:
    """SHA-256 of a model file, hexadecimal: the same on every machine, regardless of the file's name and time.

    The settings beside an ONNX file count as a part of it.
    """
    files = [path]
    if path.suffix == ONNX_ENDING and settings_path(path).is_file():
        files.append(settings_path(path))
    stats = [file.stat() for file in files]
    return _checksum(tuple((file, stat.st_size, stat.st_mtime_ns) for file, stat in zip(files, stats, strict=True)))


@lru_cache(maxsize=8)
def _checksum(files: tuple[tuple[Path, int, int], ...]) -> str:
    """Read the files again only if a size or modification time has changed."""
    digest = hashlib.sha256()
    for path, _, _ in files:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def read_model_info(name_or_path: str | Path) -> ModelInfo:
    """The header of a model file, without loading weights or torch.

    Raises:
        ModelFileError: no such model, not a safetensors file, not an fctl-geo model, or a newer format.
    """
    from safetensors import SafetensorError, safe_open

    path = resolve_model(name_or_path)
    if path.suffix == ONNX_ENDING:
        from fctl_geo.model.onnx_info import read_onnx_info

        return read_onnx_info(path, parse_header)
    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ModelFileError(
            f"{path} is not a model file ({error})",
            hint="model files are .safetensors written by `fctl-geo train`, or .onnx",
        ) from None
    if HEADER_KEY not in metadata:
        raise ModelFileError(
            f"{path} is a safetensors file without an fctl-geo header", hint="train or import a model with fctl-geo"
        )
    return parse_header(metadata[HEADER_KEY], path)


def parse_header(text: str, path: Path) -> ModelInfo:
    """The header of a model file, from JSON."""
    try:
        raw = json.loads(text)
        if raw["format"] > FORMAT:
            raise ModelFileError(
                f"{path} has format {raw['format']}, but this version reads up to {FORMAT}", hint="update fctl-geo"
            )
        del raw["format"]
        spec = raw.pop("input")
        info = ModelInfo(
            legend=_parse_legend(raw.pop("classes"), raw["network"].get("objects", "")),
            input=InputSpec(
                bands=tuple(spec["bands"]),
                gsd_m=spec["gsd_m"],
                gsd_tolerance=spec["gsd_tolerance"],
                scaling=_parse_scaling(spec["scaling"]),
            ),
            **_tuples(raw),
        )
        check_limits(info)
        return info
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        IndexError,
        OverflowError,
        SettingsError,
        RecursionError,
    ) as error:
        raise ModelFileError(f"the header of {path} is damaged ({error!r})", hint="get the file again") from None


def _parse_legend(classes: list[dict[str, Any]], objects: str) -> Legend:
    """The classes; those of objects are marked, or it is the one that the network itself keeps apart."""
    return Legend(
        tuple(
            ClassInfo(
                c["id"], c["name"], (*c["color"],), c["background"], c.get("objects", False) or c["name"] == objects
            )
            for c in classes
        )
    )


def _parse_scaling(raw: Mapping[str, Any]) -> Scaling:
    """Also accepts older headers, which name the kind of scaling."""
    if raw.get("kind", "byte") != "byte":
        raise ValueError(f"scaling is {raw['kind']!r}, but must be 'byte'")
    low, high = raw["percentiles"]
    return Scaling((low, high))


def write_model(
    path: Path, info: ModelInfo, networks: Mapping[str, nn.Module], *, weights: Literal["half", "full"] = "half"
) -> None:
    """Write a model file whole or not at all: weights as float16 (half) or float32 (full), statistics as float32.

    Args:
        networks: 'segmentation' and, if there is one, 'refinement'.
    Raises:
        ModelFileError: a weight that is not finite in the file, such as one beyond what float16 holds.
    """
    import torch
    from safetensors.torch import save_file

    tensors = {}
    for prefix, network in networks.items():
        for key, value in network.state_dict().items():
            if key.endswith("num_batches_tracked"):
                continue
            dtype = torch.float16 if value.ndim > 1 and weights == "half" else torch.float32
            written = value.detach().to("cpu", dtype).contiguous()
            if not written.isfinite().all():
                raise ModelFileError(
                    f"{prefix}.{key} is not finite in {str(dtype).removeprefix('torch.')}: its values reach "
                    f"{float(value.abs().max()):g}, float16 holds up to 65504",
                    hint="the training diverged; train again with a smaller learning_rate",
                )
            tensors[f"{prefix}.{key}"] = written
    aside = path.with_name(hidden_name(path, ".partial"))
    try:
        save_file(tensors, str(aside), metadata={HEADER_KEY: header_text(info)})
        aside.chmod(0o644)  # safetensors makes the file readable by its owner only
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def header_text(info: ModelInfo) -> str:
    """The header as JSON."""
    raw: dict[str, Any] = {"format": FORMAT, **asdict(info)}
    raw["classes"] = [asdict(c) for c in info.legend]
    del raw["legend"]
    return json.dumps(raw, ensure_ascii=False)


def load_networks(path: Path, info: ModelInfo) -> dict[str, nn.Module]:
    """The networks of a model file, float32, in inference mode, each convolution fused with its normalization.

    Raises:
        ModelFileError: an unknown architecture, or tensors that are missing, unexpected or of the wrong shape.
    """
    import torch

    with torch.device("meta"):  # spend no memory or time on weights that the file replaces
        try:
            networks = build_networks(info)
        except (AttributeError, IndexError, KeyError, OverflowError, ZeroDivisionError) as error:
            raise ModelFileError(
                f"{path} describes an impossible network ({error!r})", hint="get the file again"
            ) from None
    load_weights(path, networks)
    return {name: _fused(network.eval()) for name, network in networks.items()}


def build_networks(info: ModelInfo) -> dict[str, nn.Module]:
    """The networks that a header describes, with untrained weights."""
    from fctl_geo.model.configs import RefinementConfig
    from fctl_geo.model.refinement import RefinementNet

    segmentation = build_segmentation(
        info.architecture, info.network, bands=len(info.input.bands), classes=len(info.legend)
    )
    segmentation.name_classes(info.legend)
    networks: dict[str, nn.Module] = {"segmentation": segmentation}
    try:
        if info.refinement is not None:
            networks["refinement"] = RefinementNet(RefinementConfig(**_tuples(info.refinement)))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelFileError(f"model {info.name!r} describes an impossible network ({error})") from None
    return networks


def load_weights(path: Path, networks: Mapping[str, nn.Module]) -> None:
    """Load the weights of networks from a model file; every tensor must fit."""
    import torch
    from safetensors.torch import load_file
    from torch import nn

    tensors = load_file(str(path))
    for prefix, network in networks.items():
        state = network.state_dict()
        wanted = {k for k in state if not k.endswith("num_batches_tracked")}
        found = {k.removeprefix(prefix + "."): v for k, v in tensors.items() if k.startswith(prefix + ".")}
        if wanted != set(found):
            missing, surplus = sorted(wanted - set(found)), sorted(set(found) - wanted)
            raise ModelFileError(f"{path}: {prefix} lacks {missing[:3]} and has unknown {surplus[:3]}")
        wrong = [k for k in wanted if found[k].shape != state[k].shape]
        if wrong:
            k = wrong[0]
            raise ModelFileError(f"{path}: {prefix}.{k} is {tuple(found[k].shape)}, expected {tuple(state[k].shape)}")
        network.load_state_dict({k: v.float() for k, v in found.items()}, strict=False, assign=True)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):  # its batch count is not in the file
                module.num_batches_tracked = torch.zeros((), dtype=torch.long)


def _fused(network: nn.Module) -> nn.Module:
    """Fold each BatchNorm into the convolution before it: the same function with a third fewer passes over memory."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for module in network.modules():
        if isinstance(module, nn.Sequential):
            layers = list(module.named_children())
            for (name, conv), (bn_name, bn) in pairwise(layers):
                if isinstance(conv, nn.Conv2d) and isinstance(bn, nn.BatchNorm2d):
                    setattr(module, name, fuse_conv_bn_eval(conv, bn))
                    setattr(module, bn_name, nn.Identity())
    return network


def _tuples(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
