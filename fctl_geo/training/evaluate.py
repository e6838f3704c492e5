"""Evaluates a model file or a class raster: the whole pipeline on labeled scenes, compared pixel by pixel."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fctl_geo.assess.matching import ObjectScore
from fctl_geo.errors import TrainingError
from fctl_geo.progress import Progress, Silent
from fctl_geo.settings import Settings
from fctl_geo.spec import Legend
from fctl_geo.training.judge import Judgment, WorstPatch, count_bands
from fctl_geo.training.metrics import ClassScore, Confusion
from fctl_geo.training.places import Place, Predicted, polygon_objects
from fctl_geo.training.settings import Convention, EvaluationSettings
from fctl_geo.windows.window import Window

CONVENTIONS: Mapping[str, str] = {
    "plain": "all labeled pixels of all scenes pooled; means over the classes of the truth",
    "deepglobe": "pixels of class 'unknown' are not counted; all others pooled; mIoU over the other classes",
    "inria": "all pixels of all images pooled; IoU of class 'building' and accuracy",
}
UNJUDGED = {"plain": frozenset[str](), "deepglobe": frozenset({"unknown"}), "inria": frozenset[str]()}
_PART_OF_WHOLE = 0.5
"""Windows that cover a smaller share of a scene are segmented on their own."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured."""

    subject: str
    """The model or the class raster."""
    convention: Convention
    legend: Legend
    places: tuple[str, ...]
    classes: tuple[ClassScore, ...]
    miou: float
    mean_f1: float
    accuracy: float
    boundary_f: tuple[float, ...]
    """Of each class; NaN for a class without boundary."""
    tolerance_px: int
    trimap_miou: float
    objects: ObjectScore | None
    object_class: str
    confusion: NDArray[np.int64]
    """(classes, classes) pixels; rows: truth, columns: prediction."""
    judged: int
    """Pixels."""
    without_class: int
    worst: tuple[WorstPatch, ...]
    by_place: Mapping[str, float] = field(default_factory=dict)
    """mIoU of each place (inria: IoU of 'building')."""


def evaluate_model(
    model: Path | str, legend: Legend, places: Iterable[Place], settings: EvaluationSettings, progress: Progress
) -> Evaluation:
    """Evaluate a model on the classes that a user would get for the places."""

    def predict(place: Place, window: Window, folder: Path) -> Predicted:
        out, polygons = folder / "classes.tif", folder / "objects.gpkg"
        named = _class_named(settings.objects, legend)
        outs = (out, polygons) if named is not None else (out,)
        values = {"model": str(model), "outs": outs, "overwrite": True, **place.settings}
        if named is not None:
            values["classes"] = (legend.classes[named].name,)
        if window.height * window.width < _PART_OF_WHOLE * np.prod(place.opened.scene_frame.size_hw):
            values["bbox"] = place.opened.scene_frame.cut(window).bounds
        _segment(place.scene, replace(Settings.of(values), engine=settings.engine), progress)
        objects = polygon_objects(polygons, place.opened) if named is not None else None
        return Predicted(out, legend, place.opened, own_grid=True, objects=objects)

    return _evaluate(str(model), legend, places, predict, settings, progress)


def evaluate_classes(
    classes: Path, legend: Legend, places: Iterable[Place], settings: EvaluationSettings, progress: Progress
) -> Evaluation:
    """Evaluate any class raster."""

    def predict(place: Place, window: Window, folder: Path) -> Predicted:
        return Predicted(classes, legend, place.opened, own_grid=False)

    return _evaluate(classes.name, legend, places, predict, settings, progress)


def _class_named(name: str, legend: Legend) -> int | None:
    return next((i for i, c in enumerate(legend) if c.name.lower() == name.lower()), None)


def _segment(scene: Path, settings: Settings, progress: Progress) -> None:
    from fctl_geo.pipeline import segment_scene

    segment_scene(scene, settings, progress=_Quiet(progress))


def _evaluate(
    subject: str,
    legend: Legend,
    places: Iterable[Place],
    predict: Callable[[Place, Window, Path], Predicted],
    settings: EvaluationSettings,
    progress: Progress,
) -> Evaluation:
    names = [c.name for c in legend]
    object_class = _class_named(settings.objects, legend)
    whole = Judgment(legend, object_class, settings.tolerance_px, settings.pictures)
    by_place: dict[str, float] = {}
    for place in places:
        before = whole.confusion.copy()
        progress.stage("evaluate", count_bands(place.windows))
        for window in place.windows:
            with tempfile.TemporaryDirectory() as folder:
                predicted = predict(place, window, Path(folder))
                try:
                    whole.add(place, predicted, window, progress)
                finally:
                    predicted.close()
        by_place[place.name] = _place_score(whole.confusion - before, names, settings.convention)
        progress.say(f"{place.name}: {by_place[place.name]:.3f}")
    seen = [n for n, count in zip(names, whole.confusion.counts.sum(1), strict=True) if count]
    if len(seen) == 1 and not whole.confusion.ruled_out.any() and not whole.confusion.allowed:
        progress.warn(
            f"the labels contain only {seen[0]}: check that they lie on the imagery and are larger than its pixels"
        )
    return _result(subject, whole, by_place, settings)


def _result(subject: str, whole: Judgment, by_place: dict[str, float], settings: EvaluationSettings) -> Evaluation:
    names = [c.name for c in whole.legend]
    scores = tuple(whole.confusion.scores(names))
    judged = whole.confusion.judged
    if not judged:
        raise TrainingError("no pixel could be scored", hint="check that labels and classes cover the same area")
    if settings.convention == "inria" and "building" not in names:
        raise TrainingError(f"the inria convention needs a class 'building', the classes are {', '.join(names)}")
    return Evaluation(
        subject=subject,
        convention=settings.convention,
        legend=whole.legend,
        places=tuple(by_place),
        classes=scores,
        miou=whole.confusion.mean_iou,
        mean_f1=whole.confusion.mean_f1,
        accuracy=whole.confusion.accuracy,
        boundary_f=tuple(float(f) for f in whole.boundary.f_scores()),
        tolerance_px=settings.tolerance_px,
        trimap_miou=whole.boundary.trimap.mean_iou,
        objects=whole.objects.score() if whole.object_class is not None else None,
        object_class=settings.objects,
        confusion=whole.confusion.counts,
        judged=judged,
        without_class=whole.without_class,
        worst=tuple(whole.worst),
        by_place=by_place,
    )


def _place_score(confusion: Confusion, names: list[str], convention: Convention) -> float:
    if convention == "inria" and "building" in names:
        return confusion.scores(names)[names.index("building")].iou
    return confusion.mean_iou


class _Quiet(Silent):
    """Silent, but cancellable."""

    def __init__(self, outer: Progress) -> None:
        self.outer = outer

    @property
    def cancelled(self) -> bool:  # type: ignore[override]
        return self.outer.cancelled
