"""From a recipe to a model file with its card: segmentation, refinement, evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fctl_geo.model.modelfile import ModelInfo, write_model
from fctl_geo.progress import Progress, Silent
from fctl_geo.spec import InputSpec
from fctl_geo.training.card import write_card
from fctl_geo.training.evaluate import evaluate_sources
from fctl_geo.training.loop import Trained, TrainingSettings, forward, train
from fctl_geo.training.recipe import Recipe
from fctl_geo.training.refinement import RefinementSettings, make_crude_samples, train_refinement

Metrics = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class ModelReport:
    """A model file and how good it was measured to be."""

    path: Path
    card: Path
    crude: Metrics
    """IoU per validation set and class without refinement."""
    refined: Metrics
    """With refinement."""


def train_model(
    recipe: Recipe,
    settings: TrainingSettings,
    out: Path,
    *,
    command: str = "",
    refinement: RefinementSettings = RefinementSettings(),  # noqa: B008 - frozen
    progress: Progress = Silent(),  # noqa: B008 - without state
) -> ModelReport:
    """Train both networks of a recipe, measure them through the whole pipeline, and write the model file.

    Args:
        out: the model file (.safetensors); its card, same name with .md, goes beside it.
        command: how the user called it, for the card.
    Raises:
        TrainingError: data that does not fit the recipe, before the first step.
        Cancelled: stopped; the same call goes on from the last checkpoint.
    """
    trained = train(recipe, settings, progress)
    crude = make_crude_samples(trained.early, trained.samples, refinement, forward, progress)
    refiner = train_refinement(crude, trained.table, refinement, progress)
    info = model_info(recipe, trained, asdict(refiner.config))
    networks = {"segmentation": trained.network, "refinement": refiner}
    draft = out.with_name(f".{out.name}.draft")
    write_model(draft, info, networks)
    try:
        return publish_model(recipe, info, draft, out, settings, trained, networks, command, progress)
    finally:
        draft.unlink(missing_ok=True)


def publish_model(
    recipe: Recipe,
    info: ModelInfo,
    draft: Path,
    out: Path,
    settings: TrainingSettings,
    trained: Trained,
    networks: Mapping[str, object],
    command: str,
    progress: Progress,
) -> ModelReport:
    """Measure a draft with and without refinement, and write the model with its numbers and its default."""
    measured = [
        evaluate_sources(draft, recipe.validation, trained.table, settings.data, {"refine": refine}, progress)
        for refine in (False, True)
    ]
    refines = bool(recipe.validation) and _mean(measured[1]) >= _mean(measured[0])
    info = replace(info, refine=refines, metrics=measured[int(refines)])
    write_model(out, info, networks)  # type: ignore[arg-type]
    card = out.with_suffix(".md")
    write_card(card, info, recipe, crude=measured[0], refined=measured[1], command=command)
    progress.say(f"{out}: refined by default: {'yes' if refines else 'no'}")
    return ModelReport(out, card, *measured)


def model_info(recipe: Recipe, trained: Trained, refinement: Mapping[str, object]) -> ModelInfo:
    """The header of the model file that a recipe gives."""
    return ModelInfo(
        name=recipe.name,
        version=recipe.version,
        architecture="fctl-lite",
        legend=recipe.legend,
        input=InputSpec(gsd_m=recipe.gsd_m, gsd_tolerance=recipe.gsd_tolerance),
        patch_px=recipe.patch_px,
        overlap_px=recipe.overlap_px,
        contexts=trained.network.config.contexts,
        refine=False,
        licence=recipe.licence,
        attribution=recipe.attribution,
        training_data=tuple(s.name for s in recipe.sources),
        title=recipe.title,
        network=asdict(trained.network.config),
        refinement=refinement,
    )


def _mean(metrics: Metrics) -> float:
    return sum(m["mIoU"] for m in metrics.values()) / max(1, len(metrics))
