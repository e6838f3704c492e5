"""Training all but the encoder: what stays, what gets better, and what each sample costs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from model_factory import make_model
from scene_factory import make_scene
from torch import Tensor
from training_factory import StopAfter, make_training_data, polygons_of

from fctl_geo.errors import Cancelled, TrainingError
from fctl_geo.model.architectures import build_segmentation
from fctl_geo.model.lite import FctlLite
from fctl_geo.model.modelfile import read_model_info, resolve_model
from fctl_geo.progress import Silent
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.synthetic.write import write_scene
from fctl_geo.training.batches import BatchPlan
from fctl_geo.training.data import open_data
from fctl_geo.training.datasets import ImageLabels, recipe_of_labels
from fctl_geo.training.frozen_encoder import FeaturePlan, Features, Head, encode, freeze_encoder, keep_features
from fctl_geo.training.loop import TrainingSettings, forward, train
from fctl_geo.training.method import HEAD_STEPS, of_the_head, read_preset
from fctl_geo.training.recipe import Recipe, read_recipe
from fctl_geo.training.samples import SampleSource
from fctl_geo.training.train_model import ModelReport, tell_gain, train_model

CPU = torch.device("cpu")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_training_data(tmp_path)


def head_recipe(data: Path) -> Recipe:
    """The tiny recipe for a model's classes 'nothing', 'a' and 'b'."""
    recipe = read_recipe(data / "recipe.toml")
    return replace(recipe, method=replace(recipe.method, head_only=True, cached_samples=6, average=False))


def tensors_of(model: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return {k.removeprefix("segmentation."): v for k, v in load_file(resolve_model(model)).items()}


def in_odd_colors(folder: Path) -> tuple[Path, Path]:
    """A procedural town as no camera shows it (a negative with its bands exchanged), and its buildings as polygons."""
    scene, truth = write_scene(folder / "town", size_px=640, gsd_m=0.25, seed=11)
    with rasterio.open(scene) as image, rasterio.open(truth) as classes:
        pixels, mask = image.read(), (classes.read(1) == 1).astype(np.uint8)
    odd = make_scene(folder / "odd.tif", pixels=(40 + 0.7 * (255 - pixels[[2, 0, 1]])).astype(np.uint8), gsd=0.25)
    return odd, polygons_of(odd, mask, folder / "roofs.gpkg")


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> ModelReport:
    """The shipped model of buildings, its last layers adapted to the odd town."""
    folder = tmp_path_factory.mktemp("adapted")
    scene, roofs = in_odd_colors(folder)
    given = ImageLabels((scene,), (roofs,), classes={"*": "building"}, background="background")
    method = replace(of_the_head(read_preset("modern")), steps=50, batch=4, sample_px=192, cached_samples=40)
    recipe = recipe_of_labels(given, method, "odd", folder / "run/labels", Silent())
    settings = TrainingSettings(Path(), folder / "run", init=resolve_model("buildings"), validate_every=1000)
    report = train_model(recipe, settings, folder / "odd.safetensors")
    assert report is not None
    return report


def test_the_encoder_stays_bit_for_bit_and_all_else_is_trained(adapted: ModelReport) -> None:
    before, after = tensors_of(resolve_model("buildings")), tensors_of(adapted.path)
    encoder = {key for key in after if key.startswith("encoder.")}
    assert len(encoder) > 100 and all(torch.equal(before[key], after[key]) for key in encoder)
    weights = [key for key, value in after.items() if key not in encoder and value.ndim == 4]
    assert {key.split(".")[0] for key in weights} >= {"decoder", "correlations", "fusion"}
    assert not [key for key in weights if torch.equal(before[key], after[key])]


def test_a_look_that_the_model_does_not_know_is_learned(adapted: ModelReport) -> None:
    (before,), (after,) = adapted.before.values(), adapted.crude.values()
    assert after["building"] > before["building"] + 0.05, (before, after)
    assert adapted.gain == (
        f"IoU of building on the part held out: {before['building']:.2f} before, {after['building']:.2f} after"
    )


def test_the_card_says_what_was_trained_and_how_good_it_was_before(adapted: ModelReport) -> None:
    card = adapted.card.read_text()
    (before,), (after,) = adapted.before.values(), adapted.crude.values()
    assert "| before this training | IoU |" in card
    assert f"| building | {before['building']:.3f} | {after['building']:.3f} |" in card
    assert "All but the encoder was trained, on the features of 40 samples." in card
    assert "tensors are reused, its head too" in card
    assert read_model_info(adapted.path).refinement is None


def test_a_stopped_training_of_the_head_is_resumed_to_the_same_weights(data: Path) -> None:
    model = make_model(data / "old.safetensors")
    recipe, settings = head_recipe(data), TrainingSettings(data, data / "run", init=model, checkpoint_every=2)
    whole = train(recipe, settings).network.state_dict()
    stopped = replace(settings, run=data / "again")
    with pytest.raises(Cancelled):
        train(recipe, stopped, StopAfter(7))
    resumed = train(recipe, replace(stopped, resume=True)).network.state_dict()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    old = tensors_of(model)
    assert all(torch.equal(whole[key], old[key].float()) for key in old if key.startswith("encoder."))


def test_the_whole_network_is_trained_unless_asked_otherwise(data: Path) -> None:
    model = make_model(data / "old.safetensors")
    recipe = head_recipe(data)
    recipe = replace(recipe, method=replace(recipe.method, head_only=False))
    trained = train(recipe, TrainingSettings(data, data / "run", init=model)).network.state_dict()
    old = tensors_of(model)
    assert not torch.equal(trained["encoder.near.0.weight"], old["encoder.near.0.weight"].float())


def test_there_must_be_an_encoder_to_keep(data: Path) -> None:
    recipe = head_recipe(data)
    with pytest.raises(TrainingError, match="without a model to start from") as told:
        train(recipe, TrainingSettings(data, data / "run"))
    assert "--init" in told.value.hint
    shape = {"widths": (8, 8, 8, 8, 8, 16, 16, 16), "repeats": (1,) * 7, "decoder": 8}
    whole = replace(recipe.method, head_only=False, architecture="unet", network=shape, steps=1)
    whole = replace(whole, refinement=replace(whole.refinement, montages=0))
    other = train_model(replace(recipe, method=whole), TrainingSettings(data, data / "a"), data / "unet.safetensors")
    assert other is not None
    with pytest.raises(TrainingError, match="a unet network has no encoder that could stay as it is") as told:
        train(recipe, TrainingSettings(data, data / "run", init=other.path))
    assert "whole network" in told.value.hint


def plan_and_network(data: Path) -> tuple[BatchPlan, FctlLite]:
    recipe = read_recipe(data / "recipe.toml")
    network = build_segmentation("fctl-lite", {**recipe.method.network, "contexts": (1, 2, 3)}, bands=3, classes=2)
    with open_data(recipe, data, data / "w", Silent()) as opened:
        source = SampleSource(opened.groups, gsd_m=1.0, zoom=(1, 1), size_px=64, scales=(1, 2, 3))
    return BatchPlan(source, 1, 4, 2, "varied", 255), freeze_encoder(network, CPU)


def test_the_head_gives_of_kept_features_what_the_network_gives_of_pixels(data: Path) -> None:
    plan, network = plan_and_network(data)
    network.eval()
    levels, *_ = plan.make(0, range(3))
    found = Head(network)(encode(network, levels, CPU))
    torch.testing.assert_close(found, forward(network, levels), atol=0.02, rtol=0.02)


def test_every_sample_is_encoded_once_and_seen_once_a_round(data: Path) -> None:
    plan, _ = plan_and_network(data)
    encoded: list[Tensor] = []

    def count(levels: Tensor) -> Features:
        encoded.append(levels)
        return [levels[:, 0, :1]]

    features = FeaturePlan(plan, count, 6)
    batches = [features.make(step, numbers) for step in range(6) for numbers in plan.micros]
    assert len(encoded) == 6 and all(len(batch[1]) == 2 for batch in batches)
    seen = [features.which(step, i) for step in range(6) for i in range(4)]
    for turn in range(4):
        assert Counter(seen[6 * turn : 6 * turn + 6]) == Counter(range(6))
    assert len({tuple(seen[6 * turn : 6 * turn + 6]) for turn in range(4)}) > 1, "the order changes"
    later = FeaturePlan(plan, count, 6).make(5, range(2))
    assert torch.equal(later[1], batches[-2][1]), "a step has the same samples whatever came before it"


def test_no_more_is_kept_than_fits_into_memory(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, network = plan_and_network(data)
    each = sum(f.nbytes for f in encode(network, plan.one(0, 0)[0][None], CPU))
    monkeypatch.setattr("fctl_geo.training.frozen_encoder.MOST_BYTES", 10 * each + 1)
    assert keep_features(plan, network, 400, CPU).different == 10
    assert keep_features(plan, network, 7, CPU).different == 7


def test_adapting_takes_few_steps_and_no_refinement() -> None:
    method = of_the_head(replace(read_preset("paper"), epochs=50))
    assert (method.head_only, method.steps, method.epochs) == (True, HEAD_STEPS, 0)
    assert method.refinement.montages == 0


def test_the_gain_is_told_for_each_class_that_has_polygons() -> None:
    legend = Legend(tuple(ClassInfo(i, n, (i, 0, 0), background=n == "land") for i, n in enumerate(("land", "a", "b"))))
    here, there = {"land": 0.9, "a": 0.5, "mIoU": 0.7}, {"a": 0.7, "b": 0.25}
    assert tell_gain(legend, {}, {"x": here}) == "IoU of a on the part held out: 0.50"
    told = tell_gain(legend, {"x": here, "y": here}, {"x": here, "y": there})
    assert told == ("IoU of a on the part held out: 0.50 before, 0.60 after; b on the part held out: 0.25")
    assert tell_gain(legend, {}, {}) == "nothing was held out: the accuracy is unknown"
