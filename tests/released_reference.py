"""A second witness of the released code: its checkpoints' layout, its network and its evaluator in plain functions.

Written from the facts in the paper's repository (github.com/liqiokkk/FCtL) for tests; slow, and no part of the package.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

State = dict[str, Tensor]
POOLED = {4: "pool3", 9: "pool3", 16: "pool3", 23: "pool4", 30: "pool5"}
CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)


class Released(nn.Module):
    """Modules named as the authors name theirs; `branch`: as their context branches are saved."""

    def __init__(self, widths: tuple[int, ...], head: int, classes: int, bands: int = 3, *, branch: bool) -> None:
        super().__init__()
        deep = widths[4]
        features: list[nn.Module] = []
        inputs = bands
        for width, count in zip(widths, (2, 2, 3, 3, 3), strict=True):
            for _ in range(count):
                features += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
                inputs = width
            features.append(nn.MaxPool2d(2, 2, ceil_mode=True))
        self.vgg = nn.Module()
        self.vgg.features = nn.Sequential(*features)
        self.vgg.classifier = nn.Sequential(
            nn.Linear(49 * deep, head), nn.ReLU(), nn.Dropout(), nn.Linear(head, head), nn.ReLU(), nn.Dropout(),
            nn.Linear(head, 1000),
        )  # fmt: skip
        for prefix in ("", "big_") if branch else ("",):
            for name, part in (("pool3", features[:17]), ("pool4", features[17:24]), ("pool5", features[24:])):
                self.add_module(prefix + name, nn.Sequential(*part))
        self.big_attention = nn.Module()
        for end in ("", "_1", "_2"):
            self.big_attention.register_parameter(f"gamma{end}", nn.Parameter(torch.rand(1)))
            self.big_attention.add_module(f"conv_value{end}", nn.Conv2d(deep, deep, 1, bias=False))
            self.big_attention.add_module(f"conv_query{end}", nn.Conv2d(deep, deep, 1))
            self.big_attention.add_module(f"conv_key{end}", nn.Conv2d(deep, deep, 1))
        for k in (1, 2, 3):
            self.big_attention.add_module(f"in_{k}", nn.Conv2d(deep, deep, 1))
            self.big_attention.add_module(f"out_{k}", nn.Conv2d(deep, deep, 1))
        self.big_attention.trans = nn.Conv2d(3 * deep, 3 * deep, 1)
        self.adj_pool3, self.adj_pool4 = nn.Conv2d(widths[2], classes, 1), nn.Conv2d(widths[3], classes, 1)
        self.output = nn.Sequential(
            nn.Conv2d(deep, head, 7), nn.ReLU(), nn.Dropout(), nn.Conv2d(head, head, 1), nn.ReLU(), nn.Dropout(),
            nn.Conv2d(head, classes, 1),
        )  # fmt: skip
        for name, size, stride in (("up_output", 4, 2), ("up_pool4_out", 4, 2), ("up_final", 16, 8)):
            layer = nn.ConvTranspose2d(classes, classes, size, stride, bias=False)
            slope = 1 - np.abs(np.arange(size) - (size - 1) / 2) / (size / 2)
            kernel = torch.from_numpy(np.outer(slope, slope)).float()
            layer.weight.data = torch.einsum("ab,yx->abyx", torch.eye(classes), kernel)
            self.add_module(name, layer)
        with torch.no_grad():
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                    if layer.bias is not None:
                        nn.init.normal_(layer.bias, std=0.05)
            self.adj_pool4.weight *= 50  # what the skips bring is scaled by 0.01 and 0.0001: let it matter
            self.adj_pool3.weight *= 4000


def save(path: Path, network: nn.Module) -> State:
    """As `torch.save(DataParallel(network).state_dict())`: 'module.' before every name, aliases share storages."""
    state = network.state_dict(keep_vars=False)
    torch.save({f"module.{key}": value for key, value in state.items()}, path)
    return state


def pooled(state: State, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """pool3, pool4, pool5 of (1, bands, h, w) pixels in 0..1."""
    x, kept = pixels, []
    for n in range(31):
        if n in CONVOLUTIONS:
            x = F.conv2d(
                x, state[f"vgg.features.{n}.weight"], state[f"vgg.features.{n}.bias"], padding=100 if n == 0 else 1
            )
        elif n in POOLED:
            x = F.max_pool2d(x, 2, 2, ceil_mode=True)
            kept.append(x)
        else:
            x = F.relu(x)
    return kept[2], kept[3], kept[4]


def logits(states: tuple[State, State, State], patch: Tensor, medium: Tensor, large: Tensor) -> Tensor:
    """(1, K, h, w) of the whole network; pixels in 0..1."""
    s = states[0]

    def conv(name: str, x: Tensor) -> Tensor:
        return F.conv2d(x, s[f"{name}.weight"], s.get(f"{name}.bias"))

    pool3, pool4, local = pooled(s, patch)
    contexts = (pooled(states[1], medium)[2], pooled(states[2], large)[2], local)
    found = []
    for end, context in zip(("", "_1", "_2"), contexts, strict=True):
        q, k, v = (
            conv(f"big_attention.conv_{what}{end}", x).flatten(2)
            for what, x in (("query", local), ("key", context), ("value", context))
        )
        gathered = v @ torch.softmax(q.transpose(1, 2) @ k, dim=2).transpose(1, 2)
        found.append(s[f"big_attention.gamma{end}"] * gathered.reshape(local.shape))
    mixed = torch.cat([conv(f"big_attention.in_{n + 1}", x) for n, x in enumerate(found)], dim=1)
    parts = conv("big_attention.trans", mixed).chunk(3, dim=1)
    bounded = [torch.sigmoid(conv(f"big_attention.out_{n + 1}", x)) for n, x in enumerate(parts)]
    shares = torch.softmax(torch.stack(bounded), 0)
    deep = local + sum(share * x for share, x in zip(shares, found, strict=True))
    scores = conv("output.6", F.relu(conv("output.3", F.relu(conv("output.0", deep)))))
    for name, skip, offset, stride in (
        ("up_output", conv("adj_pool4", 0.01 * pool4), 5, 2),
        ("up_pool4_out", conv("adj_pool3", 0.0001 * pool3), 9, 2),
    ):
        scores = F.conv_transpose2d(scores, s[f"{name}.weight"], stride=stride)
        height, width = scores.shape[2:]
        scores = scores + skip[:, :, offset : offset + height, offset : offset + width]
    scores = F.conv_transpose2d(scores, s["up_final.weight"], stride=8)
    return scores[:, :, 31 : 31 + patch.shape[2], 31 : 31 + patch.shape[3]]


def starts(side: int, patch: int, least_overlap: int) -> list[int]:
    """Where the released evaluator puts its patches along a side that is longer than a patch."""
    n = 1
    while side > n * patch:
        n += 1
    while patch - 1.0 * (side - patch) / (n - 1) < least_overlap:
        n += 1
    return [int(np.round(k * (side - patch) / (n - 1))) for k in range(n - 1)] + [side - patch]


def evaluate(
    states: tuple[State, State, State], scene: np.ndarray, patch: int, overlap: int, *, tta: bool, sizes: tuple = (2, 3)
) -> np.ndarray:
    """(K, H, W) summed logits of a uint8 scene (H, W, 3), over one or eight looks at it."""
    total = 0
    narrow = Image.fromarray(scene).resize((patch, len(scene)), Image.Resampling.BILINEAR)  # along the rows first
    whole = np.asarray(narrow.resize((patch, patch), Image.Resampling.BILINEAR))  # once, then turned
    for flip in (False, True) if tta else (False,):
        for turns in range(4) if tta else (0,):
            views = [np.ascontiguousarray(np.rot90(x[:, ::-1] if flip else x, turns)) for x in (scene, whole)]
            found = _scores(states, *map(Image.fromarray, views), patch, overlap, sizes)
            found = np.rot90(found, -turns, (1, 2))
            total = total + (found[:, :, ::-1] if flip else found)
    return total


def _scores(  # type: ignore[no-untyped-def]
    states, image: Image.Image, whole: Image.Image, patch: int, overlap: int, sizes: tuple
) -> np.ndarray:
    out = np.zeros((len(states[0]["output.6.bias"]), image.height, image.width))
    for top in starts(image.height, patch, overlap):
        for left in starts(image.width, patch, overlap):
            crops = list(_crops(image, whole, top, left, patch, sizes))
            with torch.inference_mode():
                out[:, top : top + patch, left : left + patch] += logits(states, *crops)[0].numpy()
    return out


def _crops(image: Image.Image, whole: Image.Image, top: int, left: int, patch: int, sizes: tuple) -> Iterator[Tensor]:
    for size in (1, *sizes):
        if size == "global":
            crop = whole
        else:
            side, margin = int(patch * size), (int(patch * size) - patch) // 2
            box = (left - margin, top - margin, left - margin + side, top - margin + side)
            crop = image.crop(box).resize((patch, patch), Image.Resampling.BILINEAR)
        yield torch.from_numpy(np.asarray(crop).copy()).permute(2, 0, 1)[None].float() / 255
