"""plan.json: what a training was given and how it learns, written once, edited by people, and obeyed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scene_factory import make_scene
from training_factory import make_labeled_scene, make_squares, make_training_data, polygons_of

from fctl_geo.errors import Cancelled, TrainingError
from fctl_geo.progress import Silent
from fctl_geo.training.datasets import ImageLabels, recipe_of_labels
from fctl_geo.training.loop import TrainingSettings, train
from fctl_geo.training.method import Method
from fctl_geo.training.recipe import Recipe, read_recipe
from fctl_geo.training.train_model import train_model


class Listener(Silent):
    def __init__(self, steps: int | None = None) -> None:
        self.said: list[str] = []
        self.left = steps

    def say(self, text: str) -> None:
        self.said.append(text)

    def advance(self, steps: int = 1) -> None:
        self.left = None if self.left is None else self.left - steps

    @property
    def cancelled(self) -> bool:  # type: ignore[override]
        return self.left is not None and self.left <= 0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_training_data(tmp_path)


def planned(data: Path, **more: Any) -> tuple[Recipe, TrainingSettings]:
    """The plan of the tiny recipe is in its folder, and nothing is trained yet."""
    recipe, settings = read_recipe(data / "recipe.toml"), TrainingSettings(data, data / "run", **more)
    assert train_model(recipe, replace(settings, plan_only=True), data / "m.safetensors") is None
    return recipe, settings


def edit(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    plan = json.loads((run / "plan.json").read_text())
    change(plan)
    (run / "plan.json").write_text(json.dumps(plan))


def test_a_plan_alone_trains_nothing_and_says_what_it_would_be(data: Path) -> None:
    planned(data)
    assert not [*(data / "run").rglob("*.pt"), *(data / "run").rglob("log.csv")]
    assert not (data / "m.safetensors").exists()
    plan = json.loads((data / "run/plan.json").read_text())
    learned, judges = plan["data"]
    assert (learned["images"], learned["use"], learned["meters_per_pixel"]) == ("a and 1 more", "training", [1.0])
    assert (judges["images"], judges["use"]) == ("a", "validation")
    squares = sum(int(make_squares(seed)[1].sum()) for seed in (0, 1))
    assert learned["labeled_ha"]["square"] == pytest.approx(squares / 1e4, rel=0.2)
    assert sum(learned["labeled_ha"].values()) == pytest.approx(2 * 160 * 160 / 1e4)
    assert plan["model"]["classes"] == ["ground", "square"] and plan["model"]["bands"] == ["red", "green", "blue"]
    wanted = {"gsd_m": 1.0, "gsd_why": "as the recipe says", "steps": 12, "batch": 2, "sample_px": 64, "patch_px": 128}
    assert wanted.items() <= plan["training"].items()
    assert plan["estimate"]["steps"] == 12 and plan["estimate"]["seconds_per_step"] > 0
    assert plan["estimate"]["minutes"] == pytest.approx(plan["estimate"]["seconds_per_step"] * 12 / 60, abs=0.06)


def test_a_plan_that_was_edited_is_obeyed_by_the_same_command(data: Path) -> None:
    recipe, settings = planned(data)
    edit(data / "run", lambda plan: plan["training"].update(steps=5, seed=3, gsd_m=1.2))
    listener = Listener()
    trained = train(recipe, settings, listener)
    assert trained.steps == 5 and trained.samples.gsd_m == 1.2
    told = [text for text in listener.said if text.startswith("edited in")]
    assert len(told) == 3 and "steps is 5, the command says 12" in " ".join(told)
    assert "5 steps of 2 samples of 64 px" in next(text for text in listener.said if text.startswith("plan: "))
    again = TrainingSettings(data, data / "other", seed=3)
    same = train(replace(recipe, gsd_m=1.2, method=replace(recipe.method, steps=5)), again)
    mine, theirs = trained.network.state_dict(), same.network.state_dict()
    assert all(bool((mine[key] == theirs[key]).all()) for key in mine), "a plan is as good as options"


def test_a_stopped_training_is_resumed_by_its_plan(data: Path) -> None:
    recipe, settings = planned(data, checkpoint_every=2)
    edit(data / "run", lambda plan: plan["training"].update(steps=8))
    with pytest.raises(Cancelled):
        train(recipe, settings, Listener(5))
    before = (data / "run/plan.json").read_text()
    assert train(recipe, replace(settings, resume=True)).steps == 8
    assert (data / "run/plan.json").read_text() == before
    assert not list((data / "run").glob("run.json")), "there is one file that says it"


@pytest.mark.parametrize("part", ["masks", "images"])
def test_changed_data_is_refused_by_name_and_a_copy_is_no_change(data: Path, part: str) -> None:
    recipe, settings = planned(data, checkpoint_every=2)
    with pytest.raises(Cancelled):
        train(recipe, settings, Listener(5))
    file = data / part / "a.tif"
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)
    with pytest.raises(Cancelled):
        train(recipe, replace(settings, resume=True), Listener(2))
    pixels, mask = make_squares(7)
    make_scene(file, pixels=pixels if part == "images" else mask[None], crs=None)
    with pytest.raises(
        TrainingError, match=r"the data has changed since .*plan\.json was written: a and 1 more \("
    ) as told:
        train(recipe, replace(settings, resume=True))
    assert ("labeled_ha" in str(told.value)) == (part == "masks") and "checksum" in str(told.value)
    assert "--overwrite" in told.value.hint
    assert train(recipe, replace(settings, overwrite=True)).steps == 12


def test_one_polygon_more_is_changed_data(tmp_path: Path) -> None:
    scene = make_labeled_scene(tmp_path, size_px=256)
    mask = make_squares(0, 256, 40)[1]
    polygons_of(scene, mask, tmp_path / "squares.gpkg")
    given = ImageLabels((scene,), (tmp_path / "squares.gpkg",), field="kind", background="ground")
    method = Method(steps=1, batch=1, sample_px=64, network={"widths": (8,) * 8, "repeats": (1,) * 7})

    def run(**more: Any) -> None:
        recipe = recipe_of_labels(given, method, "tiny", tmp_path / "run/labels", Silent())
        train(recipe, TrainingSettings(Path(), tmp_path / "run", **more))

    run()
    run(resume=True)
    rows, cols = np.nonzero(mask == 0)
    mask[rows[0], cols[0]] = 1
    polygons_of(scene, mask, tmp_path / "squares.gpkg")
    with pytest.raises(TrainingError, match=r"was written: scene \(checksum\)"):
        run(resume=True)
    run(overwrite=True)


def test_before_the_first_step_a_plan_takes_in_what_has_changed(data: Path) -> None:
    recipe, settings = planned(data)
    before = json.loads((data / "run/plan.json").read_text())
    make_scene(data / "masks" / "a.tif", pixels=make_squares(7)[1][None], crs=None)
    edit(data / "run", lambda plan: plan["training"].update(steps=3))
    assert train(recipe, settings).steps == 3
    after = json.loads((data / "run/plan.json").read_text())
    assert after["data"] != before["data"] and after["training"] == {**before["training"], "steps": 3}


def test_a_plan_is_not_obeyed_by_another_command(data: Path) -> None:
    recipe, settings = planned(data)
    with pytest.raises(TrainingError, match=r"made for another command: seed is 1, the command says 2"):
        train(recipe, replace(settings, seed=2))
    other = replace(recipe, method=replace(recipe.method, learning_rate=1e-4))
    with pytest.raises(TrainingError, match=r"learning_rate is 0\.002, the command says 0\.0001"):
        train(other, settings)
    renamed = replace(recipe, bands=("nir", "green", "blue"))
    with pytest.raises(TrainingError, match="bands is"):
        train(renamed, settings)
    assert train(other, replace(settings, overwrite=True)).steps == 12
    assert json.loads((data / "run/plan.json").read_text())["training"]["learning_rate"] == 1e-4


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda plan: plan["training"].update(stepps=5), "stepps"),
        (lambda plan: plan["training"].update(steps=0), "steps is 0"),
        (lambda plan: plan.pop("training"), "not a plan of a training"),
        (lambda plan: plan["model"].update(classes=["x"]), "classes is"),
    ],
)
def test_a_plan_with_a_typo_is_refused_with_a_message(data: Path, change: Callable[[Any], None], told: str) -> None:
    recipe, settings = planned(data)
    edit(data / "run", change)
    with pytest.raises(TrainingError, match=told):
        train(recipe, settings)


def test_a_plan_that_is_not_json_is_refused_with_a_message(data: Path) -> None:
    recipe, settings = planned(data)
    (data / "run/plan.json").write_text('{"steps": 5,}')
    with pytest.raises(TrainingError, match=r"plan\.json is not a plan of a training") as told:
        train(recipe, settings)
    assert "--overwrite" in told.value.hint


def test_epochs_stay_epochs_in_a_plan(data: Path) -> None:
    recipe = read_recipe(data / "recipe.toml")
    recipe = replace(recipe, method=replace(recipe.method, epochs=2))
    settings = TrainingSettings(data, data / "run")
    assert train_model(recipe, replace(settings, plan_only=True), data / "m.safetensors") is None
    plan = json.loads((data / "run/plan.json").read_text())
    assert plan["training"]["epochs"] == 2 and "steps" not in plan["training"]
    assert train(recipe, settings).steps == plan["estimate"]["steps"]
