from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
import torch
from scene_factory import make_scene
from training_factory import RECIPE, make_training_data

from fctl_geo import Settings, segment_scene
from fctl_geo.errors import TrainingError
from fctl_geo.model.modelfile import read_model_info
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.training.loop import TrainingSettings, train
from fctl_geo.training.loss import partial_label_loss
from fctl_geo.training.method import RefinementSettings
from fctl_geo.training.metrics import Confusion
from fctl_geo.training.recipe import Recipe, SourceSpec, find_recipe, read_recipe
from fctl_geo.training.samples import PyramidImage, View
from fctl_geo.training.sources import IGNORE, AllowedTable, LabeledImage
from fctl_geo.training.train_model import train_model
from fctl_geo.training.validate import _views as validation_views


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_training_data(tmp_path)


def test_training_gives_a_model_file_with_its_card_that_segments(data: Path) -> None:
    recipe = read_recipe(data / "recipe.toml")
    few = RefinementSettings(montages=4, steps=4, batch=2, patch_px=64)
    recipe = replace(recipe, method=replace(recipe.method, steps=150, refinement=few))
    settings = TrainingSettings(data, data / "run", checkpoint_every=100, validate_every=100)
    report = train_model(recipe, settings, data / "tiny.safetensors", command="the command")
    assert report is not None and report.refined
    assert all(picture.stat().st_size > 5000 for picture in report.pictures)
    assert [p.name for p in report.pictures] == ["curves.png", "samples.png"]
    assert report.crude["the same squares"]["square"] > 0.6
    info = read_model_info(report.path)
    assert info.metrics["the same squares"]["mIoU"] > 0.6
    card = report.card.read_text()
    assert "tiny_files/curves.png" in card
    assert "the command" in card and "CC0" in card and f"{report.crude['the same squares']['square']:.3f}" in card
    outs = (data / "out.tif",)
    summary = segment_scene(
        data / "images" / "b.tif", Settings.of({"model": str(report.path), "outs": outs, "gsd_m": 1.0})
    ).summary
    assert 0.03 < summary.classes[1].share < 0.5


def test_labels_that_do_not_fit_are_told_before_the_first_step(data: Path) -> None:
    (data / "masks" / "b.tif").unlink()
    with pytest.raises(TrainingError, match=r"b\.tif has no label"):
        train(read_recipe(data / "recipe.toml"), TrainingSettings(data, data / "run"))
    make_scene(data / "masks" / "b.tif", pixels=np.zeros((1, 20, 160), np.uint8), crs=None)
    with pytest.raises(TrainingError, match=r"\(160, 160\) px, its mask \(20, 160\)"):
        train(read_recipe(data / "recipe.toml"), TrainingSettings(data, data / "run"))


@pytest.mark.parametrize(
    ("text", "words"),
    [("name = ", "is not a valid recipe"), (RECIPE.replace("batch = 2", "batches = 2"), "batches"), ("", "missing")],
)
def test_a_recipe_that_is_none_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(TrainingError, match=words):
        read_recipe(tmp_path / "r.toml")


@pytest.mark.parametrize("name", ["buildings", "landcover"])
def test_shipped_recipes_keep_the_validation_places_out(name: str) -> None:
    recipe = read_recipe(find_recipe(name))
    assert recipe.validation and recipe.attribution
    for source in recipe.sources:
        for place in recipe.validation:
            shared = set(source.images) & set(place.images)
            if shared:
                assert source.window and place.window
                assert source.window[0] >= place.window[0] + place.window[2], "the windows must not meet"


def test_no_chip_of_japan_with_an_even_number_is_learned_and_every_one_judges() -> None:
    recipe = read_recipe(find_recipe("landcover"))

    def fits(sources: tuple[SourceSpec, ...], number: int) -> bool:
        name = f"more/japan_gsi_roads/images/gsi_road_{number}.jpg"
        return any(fnmatch(name, pattern) for source in sources for pattern in source.images)

    for number in range(1200):
        assert fits(recipe.sources, number) is (number % 2 == 1)
        assert fits(recipe.validation, number) is (number % 2 == 0)


def legend() -> Legend:
    return Legend((ClassInfo(0, "a", (0, 0, 0)), ClassInfo(1, "b", (9, 9, 9)), ClassInfo(2, "c", (5, 5, 5))))


def test_a_partial_label_is_content_with_any_class_it_allows() -> None:
    table = AllowedTable(legend())
    full, either = table.index_of(["a"]), table.index_of(["a", "b"])
    allowed = torch.from_numpy(table.matrix())
    sure_of_b = torch.tensor([-20.0, 20.0, -20.0]).view(1, 3, 1, 1)

    def loss(label: int) -> float:
        return float(partial_label_loss(sure_of_b, torch.full((1, 1, 1), label), allowed))

    assert loss(either) < 1e-4
    assert loss(full) > 1
    assert loss(len(allowed) - 1) == 0, "what is not labeled costs nothing"


def test_a_pixel_that_is_not_of_a_class_costs_minus_log_of_one_minus_its_probability() -> None:
    table = AllowedTable(legend())
    not_a = table.index_of(["b", "c"])
    allowed = torch.from_numpy(table.matrix())
    logits = torch.randn((1, 3, 5, 4), generator=torch.Generator().manual_seed(0))
    p = torch.softmax(logits, 1)[:, 0]
    loss = partial_label_loss(logits, torch.full((1, 5, 4), not_a), allowed, gamma=0, focal=1, jaccard=0)
    assert float(loss) == pytest.approx(float(-torch.log(1 - p).mean()), rel=1e-5)


def test_a_class_of_twice_the_weight_costs_twice_as_much() -> None:
    table = AllowedTable(legend())
    label = torch.tensor([[[table.index_of(["a"]), table.index_of(["a", "b"])]]])
    weights = torch.from_numpy(table.weights({"a": 2.0}))
    allowed = torch.from_numpy(table.matrix())
    unsure = torch.zeros(1, 3, 1, 2)

    def loss(column: int, weights: torch.Tensor | None) -> float:
        part = unsure[..., column : column + 1], label[..., column : column + 1]
        return float(partial_label_loss(*part, allowed, weights=weights, jaccard=0))

    assert loss(0, weights) == pytest.approx(2 * loss(0, None))
    assert loss(1, weights) == loss(1, None), "a label that allows several classes weighs 1"
    with pytest.raises(TrainingError, match="forest"):
        table.weights({"forest": 1.0})


def test_iou_equals_the_definition() -> None:
    rng = np.random.default_rng(0)
    truth, guess = rng.integers(0, 3, (2, 50, 50))
    confusion = Confusion(3)
    confusion.add_classes(guess[:20], truth[:20])
    confusion.add_classes(guess[20:], truth[20:])
    values = confusion.iou(["a", "b", "c"])
    for k, name in enumerate("abc"):
        expected = ((truth == k) & (guess == k)).sum() / ((truth == k) | (guess == k)).sum()
        assert values[name] == pytest.approx(expected)
    assert values["mIoU"] == pytest.approx(np.mean([values[n] for n in "abc"]))


@pytest.mark.parametrize(("turns", "mirror"), [(0, False), (1, False), (2, False), (3, False), (0, True), (1, True)])
def test_a_sample_and_its_label_are_turned_alike(turns: int, mirror: bool) -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 200, (64, 64), np.uint8)
    pixels = np.repeat(label[:, :, None], 3, 2)
    image = PyramidImage(LabeledImage("x", pixels, np.ones((64, 64), bool), label, 1.0))
    sample = image.cut(View(32, 32, 1.0, turns * np.pi / 2, mirror), 32, (1, 2))
    assert (sample.levels[0, :, :, 0] == sample.label).mean() > 0.95
    middle = label[16:48, 16:48]
    views = [np.rot90(middle[:, ::-1] if mirror else middle, k) for k in range(4)]
    assert max((v == sample.label).mean() for v in views) > 0.95
    assert sample.valid[1].all(), "the context of twice the size just fits"


@pytest.mark.parametrize(("height", "width"), [(64, 64), (108, 75), (45, 140)])
def test_a_look_at_a_validation_place_judges_every_pixel_once(height: int, width: int) -> None:
    numbers = np.arange(height * width).reshape(height, width)
    label = (numbers % 250).astype(np.uint8)
    image = PyramidImage(LabeledImage("x", np.zeros((height, width, 3), np.uint8), label < 255, label, 1.0))
    seen = np.concatenate([image.cut(v, 32, (1,)).label.ravel() for v in validation_views(image, 1.0, 32)])
    assert (np.bincount(seen[seen != IGNORE]) == np.bincount(label.ravel())).all()


def test_outside_of_the_image_nothing_is_judged() -> None:
    image = PyramidImage(
        LabeledImage(
            "x", np.full((32, 32, 3), 99, np.uint8), np.ones((32, 32), bool), np.zeros((32, 32), np.uint8), 1.0
        )
    )
    sample = image.cut(View(0, 0, 1.0), 32, (1,))
    assert (sample.label[:16] == IGNORE).all() and not sample.valid[0, :15].any()
    assert (sample.label[16:, 16:] == 0).all()


def test_recipes_are_frozen() -> None:
    with pytest.raises(AttributeError):
        read_recipe(find_recipe("buildings")).name = "x"  # type: ignore[misc]
    assert isinstance(read_recipe(find_recipe("buildings")), Recipe)
