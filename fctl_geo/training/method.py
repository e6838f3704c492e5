"""How a network is trained: optimizer, schedule, loss, samples. Presets are TOML files next to the recipes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from fctl_geo.errors import TrainingError
from fctl_geo.spec import Layout, Merge

PRESETS = ("modern", "paper")
"""Names of the presets that come with the package."""
HEAD_STEPS = 300
"""Steps that adapt the last layers of a model, unless others are asked for."""


@dataclass(frozen=True, slots=True)
class RefinementSettings:
    """How the refinement network is trained (paper, 3.2 and 4.2)."""

    montages: int = 160
    """Number of crude masks to train on, each of 3 x 3 patches, from which many patches with context are cut. 0: no
    refinement network."""
    crude: Literal["final", "early"] = "final"
    """Masks of the finished network, or of the network early in its training, as in the paper."""
    steps: int = 1200
    batch: int = 8
    patch_px: int = 256
    learning_rate: float = 2e-3
    corruption: float = 0.3
    """Share of the samples whose contours are moved in some places."""
    context: float = 2.0
    """Size of the context mask in patches (the paper: 1.5, 2, 2.5)."""
    seed: int = 1

    def __post_init__(self) -> None:
        if self.crude not in ("final", "early"):
            raise TrainingError(f"crude is {self.crude!r}", hint="allowed values: final, early")


@dataclass(frozen=True, slots=True)
class Method:
    """Everything that the weights depend on, apart from the data and the seed."""

    architecture: str = "fctl-lite"
    network: Mapping[str, Any] = field(default_factory=dict)
    """The network's own settings."""
    pretrained: Literal["", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"] = ""
    """The ImageNet weights that the encoder starts from; empty: random weights."""
    head_only: bool = False
    """Train all but the encoder, which stays as the model that is fine-tuned has it."""
    cached_samples: int = 400
    """With head_only: samples whose features are kept. They are seen over and over, and cost the encoder only once."""
    steps: int = 2600
    """Optimizer steps."""
    epochs: float = 0
    """If given, it determines `steps`: the samples of an epoch cover the labeled area once."""
    batch: int = 8
    """Samples per step."""
    micro_batch: int = 0
    """Samples processed at a time; gradients are summed over the micro-batches of a batch. 0: the whole batch."""
    sample_px: int = 256
    patch_px: int = 640
    """Of the finished model; training samples may be smaller."""
    overlap_px: int = 64
    layout: Layout = "strided"
    """How patches are placed on a scene: at a fixed stride (a multiple of 16 px), or fitted to it with at least this
    overlap."""
    merge: Merge = "blend"
    """How the model recommends to merge overlapping patches."""
    zoom: tuple[float, float] = (0.8, 1.25)
    """Samples are taken at the model's GSD times a factor in this range (log-uniform)."""
    context_dropout: float = 0.0
    """Share of the samples in which a wide context shows nothing, so that the network does not rely on it."""
    balanced_share: float = 0.5
    """Share of the samples that are drawn by class first, so that rare classes are seen as often as common ones."""
    looks: Literal["varied", "plain"] = "varied"
    """varied: colors, blur, noise, holes, and borders are augmented; plain: pixels are unchanged."""
    turns: Literal["any", "quarter"] = "any"
    """Rotations of the samples; in either case, half of them are mirrored."""
    optimizer: Literal["adamw", "adam"] = "adamw"
    learning_rate: float = 2e-3
    pretrained_rate: float = 1.0
    """Learning rate of a pretrained encoder, relative to `learning_rate`, so that it does not forget too much."""
    weight_decay: float = 0.03
    schedule: Literal["cosine", "poly", "constant"] = "cosine"
    warmup_steps: int = 100
    poly_power: float = 0.9
    poly_begin: float = 0.0
    """Share of the poly schedule that is skipped at the start (the released code: 0.5)."""
    focal_gamma: float = 1.0
    jaccard: float = 1.0
    """Weight of the soft Jaccard loss."""
    focal: float = 2.0
    """Weight of the focal loss."""
    class_weights: Mapping[str, float] = field(default_factory=dict)
    """Weight of a class's pixels in the focal loss, by name; 1 for those not named."""
    edge: float = 1.0
    """Weight of the loss of the edge plane (networks with `objects`)."""
    clip: float = 5.0
    """Maximum norm of the gradient; 0: no limit."""
    average: bool = True
    """Keep the exponential average of the weights (EMA) as the result."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """auto: bf16 mixed precision on a GPU that supports it, else fp32. On CPUs with AMX, bf16 saves a quarter of the
    time, but its gradients have a cosine of 0.8 with those of fp32."""
    pretrain_share: float = 0.4
    """Steps of the pretraining of each context branch, relative to `steps` (only networks with separate branches)."""
    early_share: float = 0.4
    """Share of the steps after which the network for early crude masks is saved (20 of 50 epochs; paper, 4.2)."""
    patience: int = 0
    """Early stopping: number of validations without a better mIoU; 0: never."""
    refinement: RefinementSettings = field(default_factory=RefinementSettings)

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("layout", self.layout, ("strided", "fitted")),
            ("merge", self.merge, ("montage", "average", "blend")),
            ("looks", self.looks, ("varied", "plain")),
            ("turns", self.turns, ("any", "quarter")),
            ("optimizer", self.optimizer, ("adamw", "adam")),
            ("schedule", self.schedule, ("cosine", "poly", "constant")),
            ("precision", self.precision, ("auto", "fp32", "bf16")),
        ):
            if value not in allowed:
                raise TrainingError(f"{name} is {value!r}", hint=f"allowed values: {', '.join(allowed)}")
        for name, number in (
            ("steps", self.steps),
            ("batch", self.batch),
            ("sample_px", self.sample_px),
            ("cached_samples", self.cached_samples),
        ):
            if number < 1:
                raise TrainingError(f"{name} is {number}, the minimum is 1")

    @property
    def average_steps(self) -> int:
        """Steps that the average of the weights spans: at most a tenth of the training, to exclude its start."""
        return min(500, max(1, self.steps // 10)) if self.average else 1

    @property
    def micro(self) -> int:
        """Samples at a time."""
        return min(self.batch, self.micro_batch or self.batch)

    def lasting(self, labeled_m2: float, gsd_m: float) -> Method:
        """The same method with `steps` computed from its epochs over this much labeled ground."""
        if not self.epochs:
            return self
        samples = self.epochs * labeled_m2 / (self.sample_px * gsd_m) ** 2
        return replace(self, steps=max(1, round(samples / self.batch)), epochs=0)


def of_the_head(method: Method) -> Method:
    """The method for adapting the last layers of a model within minutes: few steps, and no refinement network."""
    return replace(
        method,
        head_only=True,
        steps=HEAD_STEPS,
        epochs=0,
        warmup_steps=min(method.warmup_steps, HEAD_STEPS // 10),
        refinement=replace(method.refinement, montages=0),
    )


def method_of(raw: Mapping[str, Any], where: str) -> Method:
    """A method from the keys of a TOML table; `preset` names the preset that supplies the other values.

    Raises:
        TrainingError: an unknown key, or an invalid value.
    """
    raw = dict(raw)
    base = read_preset(raw.pop("preset")) if "preset" in raw else Method()
    if "refinement" in raw:
        raw["refinement"] = _checked(replace, base.refinement, raw["refinement"], f"{where}, [refinement]")
    if "network" in raw and raw.get("architecture", base.architecture) == base.architecture:
        raw["network"] = {**base.network, **raw["network"]}
    method: Method = _checked(replace, base, {k: frozen(v) for k, v in raw.items()}, where)
    return method


def read_preset(name: str) -> Method:
    """A preset by its name.

    Raises:
        TrainingError: no preset of that name.
    """
    path = Path(__file__).parent / "recipes" / f"{name}.toml"
    if name not in PRESETS:
        raise TrainingError(f"there is no preset {name!r}", hint=f"presets: {', '.join(PRESETS)}")
    return method_of(tomllib.loads(path.read_text("utf-8")), path.name)


METHOD_KEYS = frozenset({f.name for f in fields(Method)} | {"preset"})


def frozen(value: Any) -> Any:
    """Lists as tuples, so that they can be stored in frozen settings."""
    return tuple(value) if isinstance(value, list) else value


def _checked(make: Any, base: object, raw: Mapping[str, Any], where: str) -> Any:
    try:
        return make(base, **{k: frozen(v) for k, v in raw.items()})
    except TypeError as error:
        raise TrainingError(f"{where}: {error}", hint="see docs/training.md for the keys of a recipe") from None
