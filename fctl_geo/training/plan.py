"""The plan of a training: one file that says what is learned from what, how, and how long that takes, and is obeyed.

It is written before the first step and may be edited until then; a resumed training obeys it, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fctl_geo.errors import TrainingError
from fctl_geo.model.modelfile import model_checksum
from fctl_geo.progress import Progress
from fctl_geo.run.spec import key_of
from fctl_geo.storage.whole_files import write_text_whole
from fctl_geo.training.checkpoint import LAST
from fctl_geo.training.data import TrainingData
from fctl_geo.training.fingerprint import describe_data
from fctl_geo.training.method import Method, method_of
from fctl_geo.training.recipe import Recipe
from fctl_geo.training.settings import TrainingSettings
from fctl_geo.training.start import check_head_only, fine_tuned

PLAN = "plan.json"
_ABOUT = (
    "How fctl-geo trains this model. 'training' may be edited before the first step (--plan-only writes this file and "
    "stops); the same command, with or without --resume, then obeys it. 'data' is what was found, and 'estimate' what "
    "was measured."
)
_OLD = ("*.pt", "log.csv", "crude-*.npz")
"""What a training leaves in its folder."""

Plan = dict[str, Any]
"""The content of the file: about, data, model, training, estimate, command."""


def begin(recipe: Recipe, settings: TrainingSettings, progress: Progress) -> tuple[Recipe, TrainingSettings]:
    """The recipe and settings of a training, fitted to the model it starts from, as the plan in its folder has them.

    Raises:
        TrainingError: the folder holds a training that was neither to be resumed nor overwritten, or its plan was made
            for another command.
    """
    recipe = fine_tuned(recipe, settings.init) if settings.init else recipe
    check_head_only(recipe.method, settings.init)
    plan = _known(recipe, settings)
    if plan is None:
        return recipe, settings
    path = settings.run / PLAN
    edits = _differences(plan["training"], _asked(recipe, settings)["training"])
    for edit in edits:
        progress.say(f"edited in {path}: {edit}")
    values = dict(plan["training"])
    fixed = {name: values.pop(name) for name in ("seed", "devices") if name in values}
    of_recipe = {name: values.pop(name) for name in ("gsd_m", "gsd_why") if name in values}
    return replace(recipe, method=method_of(values, str(path)), **of_recipe), replace(settings, **fixed)


def keep_plan(recipe: Recipe, data: TrainingData, settings: TrainingSettings) -> None:
    """Write the plan of a training into its folder; once it has begun, check that the data is still the plan's.

    Raises:
        TrainingError: the data has changed, or the recipe, or there is a training that was not to be resumed.
    """
    path, plan, found = settings.run / PLAN, _known(recipe, settings), _plain(describe_data(data))
    if plan is not None and any(settings.run.rglob(LAST)):
        _refuse_changes(path, plan["data"], found)
        return
    settings.run.mkdir(parents=True, exist_ok=True)
    for old in [each for pattern in _OLD for each in settings.run.rglob(pattern)]:
        old.unlink()
    asked = _asked(recipe, settings)
    command = key_of(asked) if plan is None else plan["command"]
    _write(path, {"about": _ABOUT, "data": found, **asked, "estimate": {}, "command": command})


def _known(recipe: Recipe, settings: TrainingSettings) -> Plan | None:
    """The plan of the same command in a training's folder; None if there is none, or if it is to be overwritten."""
    path = settings.run / PLAN
    if settings.overwrite or not path.exists():
        return None
    if not settings.resume and any(settings.run.rglob(LAST)):
        raise TrainingError(
            f"{settings.run} already holds a training run", hint="--resume continues it, --overwrite starts over"
        )
    plan, asked = _read(path), _asked(recipe, settings)
    others = _differences(plan["model"], asked["model"])
    edits = _differences(plan["training"], asked["training"])
    if others or (edits and plan["command"] != key_of(asked)):
        raise TrainingError(
            f"{path} was made for another command: {'; '.join(others + edits)}",
            hint="give the same options, edit 'training' in the plan instead, or start over with --overwrite",
        )
    return plan


def estimate(run: Path, method: Method, seconds_a_step: float, seconds_once: float, device: str) -> str:
    """Write into the plan how long its training takes; returns the plan in a sentence.

    Args:
        seconds_once: what is done only once, for all steps together.
    """
    plan = _read(run / PLAN)
    minutes = (seconds_a_step * method.steps + seconds_once) / 60
    plan["estimate"] = {
        "steps": method.steps,
        "seconds_per_step": round(seconds_a_step, 3),
        "minutes": round(minutes, 1),
        "measured": f"a few steps on {device}, without validation and refinement",
    }
    _write(run / PLAN, plan)
    training = plan["training"]
    what = "all but the encoder" if method.head_only else "the whole network"
    time = f"{minutes / 60:.1f} hours" if minutes >= 90 else f"{minutes:.0f} minutes" if minutes >= 1 else "a minute"
    return (
        f"plan: {what} at {training['gsd_m']:g} m per pixel ({training['gsd_why']}), {method.steps:,} steps of "
        f"{method.batch} samples of {method.sample_px} px, learning rate {method.learning_rate:g}: about {time} on "
        f"{device} ({run / PLAN})"
    )


def _asked(recipe: Recipe, settings: TrainingSettings) -> Plan:
    """What a command asks for: the parts of a plan that do not depend on the data."""
    method = asdict(recipe.method)
    if recipe.method.epochs:
        del method["steps"]  # they follow from the data
    values = {"gsd_m": recipe.gsd_m, "gsd_why": recipe.gsd_why, "seed": settings.seed, "devices": settings.devices}
    model = {
        "name": recipe.name,
        "classes": [c.name for c in recipe.legend],
        "bands": recipe.bands,
        "starts_from": [f"{p.name} {model_checksum(p)[:16]}" for p in (settings.init, settings.imagenet) if p],
    }
    plain: Plan = _plain({"model": model, "training": {**values, **method}})
    return plain


def _differences(plan: Mapping[str, Any], command: Mapping[str, Any]) -> list[str]:
    """A sentence for each value that differs."""
    missing = object()
    return [
        f"{name} is {plan.get(name, 'missing')}, the command says {command.get(name, 'nothing')}"
        for name in sorted({*plan, *command})
        if plan.get(name, missing) != command.get(name, missing)
    ]


def _refuse_changes(path: Path, before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> None:
    changes = [
        f"{new['images']} ({', '.join(k for k in new if old.get(k) != new[k])})"
        for old, new in zip(before, now, strict=False)
        if old != new
    ]
    if len(before) != len(now):
        changes.append(f"{len(before)} sets of images, now {len(now)}")
    if changes:
        raise TrainingError(
            f"the data has changed since {path} was written: {'; '.join(changes)}",
            hint="restore the data, or start over with --overwrite",
        )


def _plain(value: Any) -> Any:
    """As it is read from JSON."""
    return json.loads(json.dumps(value))


def _read(path: Path) -> Plan:
    try:
        plan: Plan = json.loads(path.read_text("utf-8"))
        assert {"data", "model", "training", "command"} <= plan.keys()
    except (ValueError, AssertionError, AttributeError) as error:
        raise TrainingError(
            f"{path} is not a plan of a training: {error or 'a part is missing'}",
            hint="undo the last edit, or make a new plan with --overwrite",
        ) from None
    return plan


def _write(path: Path, plan: Plan) -> None:
    write_text_whole(path, json.dumps(plan, indent=2, ensure_ascii=False) + "\n")
