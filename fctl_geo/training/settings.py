"""Settings of training and evaluation; without heavy imports, because the command line's help shows the defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fctl_geo.settings import EngineSettings

Convention = Literal["plain", "deepglobe", "inria"]


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How a recipe is trained."""

    data: Path
    """The folder below which the recipe's sources lie."""
    run: Path
    """A folder for checkpoints and the log."""
    seed: int = 1
    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    devices: int = 1
    """Number of devices, each with its share of every batch."""
    init: Path | None = None
    """A model file to start from (fine-tuning)."""
    imagenet: Path | None = None
    """torchvision's checkpoint of VGG16, from which every stream of the paper's network starts."""
    resume: bool = False
    """Continue from the last checkpoint in the run's folder."""
    plan_only: bool = False
    """Write the plan with an estimate of the time, and stop before the first step."""
    overwrite: bool = False
    """Start over if the run's folder already holds a training run."""
    checkpoint_every: int = 100
    validate_every: int = 500
    workers: int = 1
    """Threads that prepare samples in advance; 0: none."""
    tensorboard: bool = False


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """How a model or class raster is evaluated."""

    convention: Convention = "plain"
    objects: str = "building"
    """Class whose polygons (or regions, without polygons) are objects; a name that is not in the legend is ignored."""
    tolerance_px: int = 3
    pictures: bool = True
    engine: EngineSettings = field(default_factory=EngineSettings)
    """How the model runs."""
