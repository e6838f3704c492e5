"""From a recipe to a model file with its card: segmentation, refinement, evaluation, figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import read_model_info, write_model
from fctl_geo.progress import Progress, Silent
from fctl_geo.settings import EngineSettings
from fctl_geo.spec import InputSpec, Legend
from fctl_geo.training.appearance import measure_appearance
from fctl_geo.training.card import OBJECTS, write_card
from fctl_geo.training.crude import make_crude_samples
from fctl_geo.training.curves import draw_curves, draw_samples
from fctl_geo.training.data import TrainingData, open_data
from fctl_geo.training.evaluate import evaluate_model
from fctl_geo.training.loop import Trained, predict, train_on
from fctl_geo.training.places import places_of
from fctl_geo.training.plan import begin
from fctl_geo.training.recipe import Recipe
from fctl_geo.training.refinement import intersection_over_union, train_refinement
from fctl_geo.training.samples import SampleSource
from fctl_geo.training.settings import EvaluationSettings, TrainingSettings

Metrics = dict[str, dict[str, float]]
_JUDGING_MONTAGES = 8


@dataclass(frozen=True, slots=True)
class ModelReport:
    """A model file and its measured accuracy."""

    path: Path
    card: Path
    crude: Metrics
    """IoU per validation set and class, without refinement."""
    refined: Metrics
    """With refinement; empty if there is no refinement network."""
    pictures: tuple[Path, ...] = ()
    steps: int = 0
    reused: str = ""
    """What was reused from another model, as a sentence."""
    before: Metrics = field(default_factory=dict)
    """IoU of the model that it started from, if that has the same classes."""
    gain: str = ""
    """IoU on what was held out, before and after, as a sentence."""


def train_model(
    recipe: Recipe,
    settings: TrainingSettings,
    out: Path,
    *,
    command: str = "",
    progress: Progress = Silent(),  # noqa: B008 - without state
) -> ModelReport | None:
    """Train both networks of a recipe, measure them through the whole pipeline, and write the model file.

    Args:
        out: the model file (.safetensors); its card (.md) and figures (NAME_files) are written next to it.
        command: the command line, for the card.
    Returns:
        The results; None in all but the first process if there are several, or if only the plan is wanted.
    Raises:
        TrainingError: the data does not fit the recipe; raised before the first step.
        Cancelled: stopped; with settings.resume the same call continues from the last checkpoint.
    """
    recipe, settings = begin(recipe, settings, progress)
    with open_data(recipe, settings.data, settings.run / "labels", progress) as data:
        trained = train_on(recipe, data, settings, progress)
        if trained is None:
            return None
        recipe = replace(recipe, method=replace(recipe.method, steps=trained.steps, epochs=0))
        refiner = _refiner(recipe, data, trained, settings, progress)
        networks = {"segmentation": trained.network, **({"refinement": refiner} if refiner else {})}
        info = model_info(recipe, trained, asdict(refiner.config) if refiner else None)
        draft = out.with_name(f".{out.name}.draft")
        write_model(draft, info, networks)
        try:
            return _publish(recipe, info, data, draft, out, settings, trained, networks, command, progress)
        finally:
            draft.unlink(missing_ok=True)


def _refiner(
    recipe: Recipe, data: TrainingData, trained: Trained, settings: TrainingSettings, progress: Progress
) -> Any:
    """The refinement network, trained on crude masks of the network; None if the recipe wants none."""
    wanted, folder = recipe.method.refinement, settings.run / "refinement"
    if not wanted.montages:
        return None
    teacher = trained.early if wanted.crude == "early" else trained.network
    crude = make_crude_samples(
        teacher, trained.samples, wanted.montages, wanted.patch_px, predict, progress, keep=folder,
        looks=recipe.method.looks,
    )  # fmt: skip
    refiner = train_refinement(crude, data.table, wanted, folder, progress, checkpoint_every=settings.checkpoint_every)
    judges = [(1.0, v.grounds) for v in data.validation if any(len(g.labeled) for g in v.grounds)]
    if judges:
        places = SampleSource(
            judges, gsd_m=recipe.gsd_m, zoom=(1, 1), size_px=wanted.patch_px, scales=trained.samples.scales
        )
        held = make_crude_samples(
            trained.network, places, _JUDGING_MONTAGES, wanted.patch_px, predict, progress, looks="plain", seed=8
        )
        before, after = intersection_over_union(refiner, held, data.table, wanted)
        progress.say(
            f"refinement on {len(held)} montages of validation places: IoU {before:.4f} before, {after:.4f} after"
        )
    return refiner


def _publish(
    recipe: Recipe,
    info: ModelInfo,
    data: TrainingData,
    draft: Path,
    out: Path,
    settings: TrainingSettings,
    trained: Trained,
    networks: Mapping[str, Any],
    command: str,
    progress: Progress,
) -> ModelReport:
    """Measure a draft with and without refinement, and write the model with its metrics and its default."""
    crude_engine, refined_engine = (EngineSettings(device=settings.device, refine=on) for on in (False, True))
    crude = measure(draft, info, data, settings.run, crude_engine, progress)
    refined = measure(draft, info, data, settings.run, refined_engine, progress) if info.refinement else {}
    refines = bool(refined) and _mean(refined) >= _mean(crude)
    info = replace(info, refine=refines, metrics=refined if refines else crude)
    write_model(out, info, networks)
    before = _before(recipe, data, settings, progress)
    gain = tell_gain(recipe.legend, before, info.metrics)
    if before and _mean(info.metrics) < _mean(before):
        progress.warn(f"{out.name} is worse than the model that it started from: more labels or fewer steps may help")
    files = out.with_name(f"{out.stem}_files")
    pictures = (
        draw_curves(settings.run / "log.csv", files / "curves.png"),
        draw_samples(trained.network, _shown(recipe, data, trained), recipe.legend, data.table, files / "samples.png"),
    )
    card = out.with_suffix(".md")
    write_card(
        card, info, recipe, crude=crude, refined=refined, before=before, reused=trained.reused, command=command,
        pictures=pictures,
    )  # fmt: skip
    if info.refinement:
        progress.say(f"{out}: refined by default: {'yes' if refines else 'no'}")
    return ModelReport(out, card, crude, refined, pictures, trained.steps, trained.reused, before, gain)


def _before(recipe: Recipe, data: TrainingData, settings: TrainingSettings, progress: Progress) -> Metrics:
    """How good the model that the training started from is at the same places; empty if its classes are different."""
    if settings.init is None:
        return {}
    info = read_model_info(settings.init)
    if [c.name for c in info.legend] != [c.name for c in recipe.legend]:
        return {}
    return measure(settings.init, info, data, settings.run, EngineSettings(device=settings.device), progress)


def tell_gain(legend: Legend, before: Metrics, after: Mapping[str, Mapping[str, float]]) -> str:
    """IoU of each class on what was held out: 'IoU of building on the part held out: 0.61 before, 0.74 after'."""
    told = []
    for name in (c.name for c in legend if not c.background):
        means = [
            float(np.mean([scores[name] for scores in metrics.values()]))
            for metrics in ({k: v for k, v in m.items() if name in v} for m in (before, after))
            if metrics
        ]
        words = f"{means[0]:.2f} before, {means[1]:.2f} after" if len(means) > 1 else "".join(f"{m:.2f}" for m in means)
        told += [f"{name} on the part held out: {words}"] if means else []
    return f"IoU of {'; '.join(told)}" if told else "nothing was held out: the accuracy is unknown"


def measure(
    model: Path, info: ModelInfo, data: TrainingData, run: Path, engine: EngineSettings, progress: Progress
) -> Metrics:
    """IoU per class and 'mIoU' of each validation set, through the whole pipeline, and the F1 of objects if the network
    separates touching ones."""
    metrics: Metrics = {}
    objects = str(info.network.get("objects", ""))
    settings = EvaluationSettings(objects=objects, pictures=False, engine=engine)
    for place in data.validation:
        places = places_of(place, info.legend, data.table, run / "labels", progress)
        found = evaluate_model(model, info.legend, places, settings, progress)
        scores = {c.name: c.iou for c in found.classes if c.pixels}
        metrics[place.name] = {**scores, "mIoU": found.miou}
        if found.objects is not None:
            metrics[place.name][OBJECTS] = found.objects.f1
    return metrics


def _shown(recipe: Recipe, data: TrainingData, trained: Trained) -> SampleSource:
    """Validation places to show, or training places if there are none."""
    judges = [(1.0, v.grounds) for v in data.validation if any(len(g.labeled) for g in v.grounds)]
    return SampleSource(
        judges or data.groups,
        gsd_m=recipe.gsd_m,
        zoom=(1, 1),
        size_px=recipe.method.sample_px,
        scales=trained.samples.scales,
    )


def model_info(recipe: Recipe, trained: Trained, refinement: Mapping[str, object] | None) -> ModelInfo:
    """The metadata of the model file of a recipe."""
    config = trained.network.config
    return ModelInfo(
        name=recipe.name,
        version=recipe.version,
        architecture=recipe.method.architecture,
        legend=recipe.legend,
        input=InputSpec(
            bands=recipe.bands,
            gsd_m=recipe.gsd_m if recipe.gsd_known else None,
            gsd_tolerance=recipe.gsd_tolerance,
            appearance=measure_appearance(trained.samples, recipe.method.looks, trained.steps * recipe.method.batch),
        ),
        patch_px=recipe.method.patch_px,
        overlap_px=recipe.method.overlap_px,
        contexts=config.contexts,
        layout=recipe.method.layout,
        merge=recipe.method.merge,
        refine=False,
        licence=recipe.licence,
        attribution=recipe.attribution,
        training_data=tuple(s.name for s in recipe.sources),
        title=recipe.title,
        network={k: v for k, v in asdict(config).items() if k not in ("bands", "classes")},
        refinement=refinement,
    )


def _mean(metrics: Mapping[str, Mapping[str, float]]) -> float:
    return sum(m["mIoU"] for m in metrics.values()) / max(1, len(metrics))
