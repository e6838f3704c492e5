"""The paper's network from training to use: streams first, whole scene as a context, a model file that says it all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import released_reference as reference
import torch
from safetensors.torch import load_file
from training_factory import make_training_data

from fctl_geo.errors import TrainingError
from fctl_geo.model.modelfile import read_model_info
from fctl_geo.model.vgg16 import FctlVgg16
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.training.loop import TrainingSettings, train
from fctl_geo.training.method import method_of
from fctl_geo.training.recipe import Recipe, read_recipe
from fctl_geo.training.start import fine_tuned
from fctl_geo.training.train_model import ModelReport, train_model

THIN = {"contexts": (2, "global", 1), "widths": (4, 4, 8, 8, 8), "head": 8}


@dataclass(frozen=True, slots=True)
class Made:
    folder: Path
    recipe: Recipe
    report: ModelReport


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A model of the paper's preset, thin and after two steps."""
    folder = make_training_data(tmp_path_factory.mktemp("data"))
    small = {"steps": 2, "epochs": 0, "batch": 2, "sample_px": 64, "patch_px": 150, "overlap_px": 10}
    refinement = {"montages": 1, "steps": 2, "batch": 2, "patch_px": 32, "context": 1.5}
    told = {"preset": "paper", "network": THIN, **small, "refinement": refinement}
    recipe = replace(read_recipe(folder / "recipe.toml"), method=method_of(told, "here"))
    report = train_model(recipe, TrainingSettings(folder, folder / "run"), folder / "mine.safetensors")
    assert report is not None
    return Made(folder, recipe, report)


def test_the_papers_preset_gives_a_model_that_is_cut_and_merged_as_released(made: Made) -> None:
    info = read_model_info(made.report.path)
    assert (info.architecture, info.layout, info.merge) == ("fctl-vgg16", "fitted", "average")
    assert info.contexts == (2, "global", 1) and info.refinement is not None and info.refinement["context"] == 1.5
    assert set(made.report.crude) == set(made.report.refined) == {"the same squares"}
    assert {p.name for p in (made.folder / "run").iterdir()} >= {"context-2", "context-global"}, "trained before"


def test_every_stream_begins_with_the_weights_of_imagenet(made: Made) -> None:
    """With a learning rate of nothing they are still there at the end."""
    vgg = reference.Released((4, 4, 8, 8, 8), 8, 2, branch=False).vgg.state_dict()
    torch.save(vgg, made.folder / "vgg16.pth")
    still = replace(made.recipe, method=replace(made.recipe.method, steps=1, learning_rate=0.0))
    settings = TrainingSettings(made.folder, made.folder / "begun", imagenet=made.folder / "vgg16.pth")
    trained = train(still, settings)
    assert trained is not None and isinstance(trained.network, FctlVgg16)
    for encoder in (trained.network.encoder, *trained.network.context_encoders):
        assert torch.equal(encoder.stages[2][2].weight, vgg["features.12.weight"])  # type: ignore[union-attr]
    other = replace(still, method=replace(still.method, architecture="unet", network={}))
    with pytest.raises(TrainingError, match="fit fctl-vgg16 only"):
        train(other, replace(settings, run=made.folder / "other"))


def test_fine_tuning_with_new_classes_keeps_streams_frozen_and_patches_as_they_were(made: Made) -> None:
    legend = Legend(tuple(ClassInfo(k, name, (k, k, k)) for k, name in enumerate(("ground", "square", "roof"))))
    tuned = fine_tuned(replace(made.recipe, legend=legend), made.report.path)
    assert (tuned.method.layout, tuned.method.merge, tuned.method.patch_px) == ("fitted", "average", 150)
    trained = train(tuned, TrainingSettings(made.folder, made.folder / "tuned", init=made.report.path))
    assert trained is not None and isinstance(trained.network, FctlVgg16)
    assert "not its head" in trained.reused and trained.network.config.classes == 3
    old = {k.removeprefix("segmentation."): v for k, v in load_file(made.report.path).items()}
    for key, value in trained.network.state_dict().items():
        if key.startswith("context_encoders."):
            assert torch.equal(value, old[key].float()), key
