"""`train` and `evaluate` as typed: what is refused before the hours begin, and the way from labels to a report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from model_factory import make_model
from scene_factory import make_scene as make_raster
from training_factory import make_labeled_scene, make_squares, make_training_data, polygons_of

Fctl = Callable[..., Result]


@pytest.mark.parametrize(
    ("recipe", "out", "words"),
    [
        ("none.toml", "x.safetensors", "the recipe none.toml does not exist"),
        ("buildings", "x.gpkg", "has the extension '.gpkg'"),
        ("buildings", "there.safetensors", "already exists"),
        ("buildings", "x.safetensors", "banepa_town.tif"),
        ("modern", "x.safetensors", "the layout of"),
    ],
)
def test_train_says_at_once_what_is_missing(fctl: Fctl, tmp_path: Path, recipe: str, out: str, words: str) -> None:
    (tmp_path / "there.safetensors").write_text("mine")
    said = fctl("train", recipe, "--data", tmp_path, "--out", tmp_path / out, "--progress", "none")
    assert said.exit_code == 1 and words in said.stderr, said.stderr
    assert (tmp_path / "there.safetensors").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no training data is given"),
        (["buildings"], "a recipe needs the folder that contains its data"),
        (["--preset", "mdern", "--data", "."], "there is no preset 'mdern'"),
        (["--image", "a.tif", "--image", "b.tif", "--labels", "c.gpkg"], "2 images and 1 label files cannot be paired"),
        (["--resume", "--overwrite"], "--resume continues a training, --overwrite starts over"),
        (["--image", "a.tif", "--labels", "c.gpkg", "--init", "nobody"], "nobody"),
    ],
)
def test_train_refuses_what_does_not_go_together(fctl: Fctl, tmp_path: Path, words: list[str], told: str) -> None:
    said = fctl("train", *words, "--out", tmp_path / "x.safetensors", "--progress", "none")
    assert said.exit_code == 1 and told in said.stderr, said.stderr


def test_polygons_become_a_model_and_the_model_a_report(fctl: Fctl, tmp_path: Path, model_file: Path) -> None:
    scene = make_labeled_scene(tmp_path, size_px=256, gsd=0.25)
    polygons_of(scene, make_squares(0, 256, 40)[1], tmp_path / "squares.geojson")
    labels = ["--image", scene, "--labels", tmp_path / "squares.geojson", "--field", "kind", "--background", "ground"]
    out = tmp_path / "mine.safetensors"
    few = ["--steps", 2, "--batch", 1, "--no-refinement", "--device", "cpu", "--checkpoint-every", 1]
    said = fctl("train", *labels, "--init", model_file, *few, "--out", out, "--progress", "json")
    assert said.exit_code == 0, said.stderr
    events = [json.loads(line) for line in said.stderr.splitlines()]
    assert {"stage", "advance", "measure", "say", "done"} <= {e["event"] for e in events}
    done = events[-1]["summary"]
    assert done["steps"] == 2 and "tensors are reused, not its head" in done["reused"]
    assert said.stdout.splitlines()[-1] == done["gain"] == "nothing was held out: the accuracy is unknown"
    assert out.exists() and "samples.png" in out.with_suffix(".md").read_text()
    typed = "fctl-geo train --image scene.tif --labels squares.geojson --field kind --background ground"
    assert typed in out.with_suffix(".md").read_text(), "the card tells the command without folders"
    again = fctl("train", *labels, *few, "--out", tmp_path / "mine2.safetensors", "--run", out.with_suffix(".run"))
    assert again.exit_code == 1 and "already holds a training run" in again.stderr

    page, numbers = tmp_path / "r.html", tmp_path / "r.json"
    said = fctl("evaluate", out, *labels, "--objects", "square", "--out", page, "--json", numbers, "--device", "cpu",
                "--progress", "none")  # fmt: skip
    assert said.exit_code == 0, said.stderr
    told = json.loads(numbers.read_text())
    assert told["judged_pixels"] == 256 * 256 and set(told["classes"]) == {"ground", "square"}
    assert told["objects"]["truth"] > 3 and f"{told['mIoU'] * 100:.1f}" in page.read_text()
    assert f"mIoU     {told['mIoU']:.4f}" in said.stdout


def test_a_plan_comes_first_and_the_last_line_says_what_the_head_has_gained(
    fctl: Fctl, tmp_path: Path, model_file: Path
) -> None:
    scene = make_labeled_scene(tmp_path, size_px=256, gsd=0.25)
    polygons_of(scene, make_squares(0, 256, 40)[1], tmp_path / "squares.geojson")
    classes = ["--classes", "square=building", "--field", "kind", "--background", "background"]
    labels = ["--image", scene, "--labels", tmp_path / "squares.geojson", *classes, "--init", model_file]
    out = tmp_path / "mine.safetensors"
    words = [*labels, "--head-only", "--batch", 1, "--device", "cpu", "--out", out, "--progress", "json"]
    said = fctl("train", *words, "--plan-only")
    assert said.exit_code == 0, said.stderr
    file = out.with_suffix(".run") / "plan.json"
    assert said.stdout == f"plan     {file}\n" and not out.exists()
    plan = json.loads(file.read_text())
    assert plan["training"]["head_only"] and plan["training"]["refinement"]["montages"] == 0
    plan["training"].update(steps=2, cached_samples=2, sample_px=64)
    file.write_text(json.dumps(plan))
    said = fctl("train", *words)
    assert said.exit_code == 0, said.stderr
    done = json.loads(said.stderr.splitlines()[-1])["summary"]
    assert done["steps"] == 2 and done["iou_before"].keys() == done["iou"].keys() == {"scene, held out"}
    last = said.stdout.splitlines()[-1]
    assert last == done["gain"] and "--head-only" in out.with_suffix(".md").read_text()
    assert re.fullmatch(r"IoU of building on the part held out: 0\.\d\d before, 0\.\d\d after", last), last


def test_polygons_alone_are_of_the_class_of_a_model_that_has_one(fctl: Fctl, tmp_path: Path) -> None:
    scene = make_labeled_scene(tmp_path, size_px=256, gsd=0.25)
    polygons_of(scene, make_squares(0, 256, 40)[1], tmp_path / "squares.geojson")
    labels = ["--image", scene, "--labels", tmp_path / "squares.geojson"]
    one = make_model(tmp_path / "one.safetensors", classes=2)
    more = [*labels, "--batch", 1, "--device", "cpu", "--plan-only", "--progress", "none"]
    said = fctl("train", *more, "--init", one, "--head-only", "--out", tmp_path / "mine.safetensors")
    assert said.exit_code == 0, said.stderr
    plan = json.loads((tmp_path / "mine.run/plan.json").read_text())
    assert plan["model"]["classes"] == ["nothing", "a"] and set(plan["data"][0]["labeled_ha"]) == {"nothing", "a"}
    several = make_model(tmp_path / "several.safetensors", classes=3)
    said = fctl("train", *more, "--init", several, "--out", tmp_path / "other.safetensors")
    assert said.exit_code == 1 and "--field" in said.stderr, said.stderr


def test_a_class_raster_is_judged_on_another_grid_than_its_own(fctl: Fctl, tmp_path: Path) -> None:
    scene = make_labeled_scene(tmp_path, size_px=256)
    mask = make_squares(0, 256, 40)[1]
    polygons_of(scene, mask, tmp_path / "squares.gpkg")
    make_raster(tmp_path / "fine.tif", pixels=np.kron(mask, np.ones((1, 2, 2), np.uint8)), gsd=0.5)
    said = fctl("evaluate", tmp_path / "fine.tif", "--image", scene, "--labels", tmp_path / "squares.gpkg", "--field",
                "kind", "--classes", "square=class 1", "--background", "class 0", "--progress", "json")  # fmt: skip
    assert said.exit_code == 0, said.stderr
    values = json.loads(said.stderr.splitlines()[-1])["summary"]
    assert values["accuracy"] > 0.995


def test_evaluate_follows_the_conventions_by_name(fctl: Fctl, tmp_path: Path, model_file: Path) -> None:
    folder = tmp_path / "AerialImageDataset/train"
    for name in ("images", "gt"):
        (folder / name).mkdir(parents=True)
    for i in (1, 6):
        pixels, mask = make_squares(i, 200)
        make_raster(folder / f"images/tyrol{i}.tif", pixels=pixels, gsd=0.3)
        make_raster(folder / f"gt/tyrol{i}.tif", pixels=255 * mask[None], gsd=0.3)
    said = fctl("evaluate", model_file, "--data", tmp_path, "--convention", "inria", "--device", "cpu",
                "--json", tmp_path / "r.json", "--progress", "none")  # fmt: skip
    assert said.exit_code == 0, said.stderr
    values = json.loads((tmp_path / "r.json").read_text())
    assert list(values["places"]) == ["tyrol1"], "only the images kept for validation judge"
    assert values["inria"]["accuracy"] == values["accuracy"] and "building IoU" in said.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no labels to evaluate against are given"),
        (["--data", "nowhere"], "there is no folder nowhere"),
        (["--data", ".", "--out", "x.txt"], "has the extension '.txt'"),
    ],
)
def test_evaluate_says_at_once_what_is_missing(fctl: Fctl, model_file: Path, words: list[str], told: str) -> None:
    said = fctl("evaluate", model_file, *words, "--progress", "none")
    assert said.exit_code == 1 and told in said.stderr, said.stderr


def test_the_live_table_shows_what_is_measured(fctl: Fctl, tmp_path: Path) -> None:
    data = make_training_data(tmp_path)
    said = fctl("train", data / "recipe.toml", "--data", data, "--out", tmp_path / "t.safetensors", "--steps", 2,
                "--no-refinement", "--device", "cpu")  # fmt: skip
    assert said.exit_code == 0, said.stderr
    assert "learning rate" in said.stderr and "loss" in said.stderr
