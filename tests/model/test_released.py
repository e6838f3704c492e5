"""Checkpoints in the authors' format become a model file that computes what their code computes."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import rasterio
import released_reference as reference
import torch

from fctl_geo import OutputSettings, Settings, segment_scene
from fctl_geo.errors import ModelFileError
from fctl_geo.model.importing import import_released
from fctl_geo.model.modelfile import load_networks, read_model_info
from fctl_geo.model.released import start_from_imagenet
from fctl_geo.model.vgg16 import FctlVgg16, Vgg16Config
from fctl_geo.settings import EngineSettings

WIDTHS, HEAD = (4, 4, 8, 8, 8), 16
THIN = Vgg16Config(widths=WIDTHS, head=HEAD)
FILES = ("all.epoch.pth", "B10.epoch.pth", "B15.epoch.pth")


def make_checkpoints(folder: Path, classes: int = 2, seed: int = 0) -> tuple[reference.State, ...]:
    torch.manual_seed(seed)
    networks = [reference.Released(WIDTHS, HEAD, classes, branch=k > 0) for k in range(3)]
    return tuple(reference.save(folder / name, n) for name, n in zip(FILES, networks, strict=True))


def bring(folder: Path, **options: object) -> tuple[Path, FctlVgg16]:
    out = folder / "model.safetensors"
    info = import_released(*(folder / name for name in FILES), out, like=THIN, **options)  # type: ignore[arg-type]
    network = load_networks(out, info)["segmentation"]
    assert isinstance(network, FctlVgg16)
    return out, network


def change(path: Path, **values: torch.Tensor | None) -> None:
    """Save a checkpoint again with some tensors other than they were (None: gone)."""
    state = torch.load(path, weights_only=True)
    for key, value in values.items():
        name = "module." + key.replace("__", ".")
        if value is None:
            del state[name]
        else:
            state[name] = value
    torch.save(state, path)


@pytest.mark.parametrize("classes", [2, 5, 7])
def test_an_imported_network_gives_the_logits_of_the_released_one(tmp_path: Path, classes: int) -> None:
    states = make_checkpoints(tmp_path, classes)
    _, network = bring(tmp_path)
    patch, medium, large = torch.rand(3, 1, 3, 90, 76).unbind(0)
    with torch.inference_mode():
        expected = reference.logits(states, patch, medium, large)
        found = network(patch, [medium, large])
    assert expected.std() > 0.05, "the witness says something"
    torch.testing.assert_close(found, expected, rtol=0, atol=3e-5)


def test_every_stream_and_skip_reaches_the_logits(tmp_path: Path) -> None:
    """Else equal logits would prove little: each input and each tensor that is not a repetition matters."""
    make_checkpoints(tmp_path)
    _, network = bring(tmp_path)
    patch, medium, large = torch.rand(3, 1, 3, 60, 60).unbind(0)
    with torch.inference_mode():
        before = network(patch, [medium, large])
        for name, value in network.state_dict().items():
            kept = value.clone()
            value.mul_(1.5).add_(0.05)
            changed = (network(patch, [medium, large]) - before).abs().max()
            value.copy_(kept)
            unseen = name.endswith("key.bias")  # the same for all context cells: softmax does not see it
            assert unseen or changed > 1e-5, name


def test_the_model_file_holds_each_needed_tensor_once(tmp_path: Path) -> None:
    """With the released widths 680 MB of 3,171: the files' own classifier and repetitions are dropped."""
    make_checkpoints(tmp_path)
    out, network = bring(tmp_path)
    numbers = sum(v.numel() for v in network.state_dict().values())
    assert out.stat().st_size < 4 * numbers + 20_000
    with torch.device("meta"):
        needed = sum(v.numel() for v in FctlVgg16(Vgg16Config()).state_dict().values())
    dead = 25088 * 4096 + 4096 * 4096 + 4096 * 1000 + 9192
    assert 4 * needed < (3 * (4 * dead) + 4 * needed) / 3


@pytest.mark.parametrize(
    ("height", "width", "classes", "tta", "contexts"),
    [
        (131, 75, 2, "none", (2, 3)),
        (131, 75, 2, "d4", (2, 3)),
        (61, 117, 5, "d4", (2, 3)),
        (140, 99, 3, "d4", (3, "global")),
        (99, 140, 2, "none", (1.5, 4)),
    ],
)
def test_a_scene_segmented_equals_the_released_evaluator(
    tmp_path: Path, height: int, width: int, classes: int, tta: str, contexts: tuple[object, object],
    summed_logits: list[np.ndarray],
) -> None:  # fmt: skip
    """131 px: patches at 0, 36 (35.5), 71, from the other side 0, 35, 71; so each look has its own patches."""
    states = make_checkpoints(tmp_path, classes, seed=height)
    scene = np.random.default_rng(0).integers(0, 256, (height // 5 + 1, width // 5 + 1, 3), np.uint8)
    scene = np.kron(scene, np.ones((5, 5, 1), np.uint8))[:height, :width]
    typical = reference.evaluate(states, scene[:61, :61], 60, 6, tta=False, sizes=contexts)[:, 5:55, 5:55] / 4
    states[0]["output.6.bias"] -= torch.from_numpy(typical.mean((1, 2))).float()  # let every class win somewhere
    change(tmp_path / FILES[0], output__6__bias=states[0]["output.6.bias"])
    model, _ = bring(tmp_path, contexts=contexts)
    small = shrink_patches(model, tmp_path / "small.safetensors", 60, 6)
    expected = reference.evaluate(states, scene, 60, 6, tta=tta == "d4", sizes=contexts)
    margin = np.diff(np.sort(expected, axis=0)[-2:], axis=0)[0]
    found = segmented(tmp_path, scene, small, tta)
    looks = 8 if tta == "d4" else 1
    np.testing.assert_allclose(looks * summed_logits[0][:, :height], expected, rtol=0, atol=1e-4 * min(looks, 5))
    sure = margin > 5e-4
    assert sure.mean() > 0.98
    assert (found == expected.argmax(0))[sure].all()


def shrink_patches(model: Path, out: Path, patch_px: int, overlap_px: int) -> Path:
    from dataclasses import replace

    from fctl_geo.model.modelfile import write_model

    info = read_model_info(model)
    networks = load_networks(model, info)
    write_model(out, replace(info, patch_px=patch_px, overlap_px=overlap_px), networks, weights="full")
    return out


def segmented(folder: Path, scene: np.ndarray, model: Path, tta: str) -> np.ndarray:
    path, out = folder / "scene.tif", folder / "classes.tif"
    height, width = scene.shape[:2]
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=3, dtype="uint8", photometric="RGB",
        crs="EPSG:32632", transform=rasterio.transform.from_origin(5e5, 5e6, 0.3, 0.3),
    ) as file:  # fmt: skip
        file.write(np.moveaxis(scene, -1, 0))
    engine = EngineSettings(device="cpu", threads=2, tta=tta)  # type: ignore[arg-type]
    segment_scene(path, Settings(model=str(model), engine=engine, output=OutputSettings(outs=(out,))))
    with rasterio.open(out) as file:
        classes: np.ndarray = file.read(1)
    return classes


def test_encoders_alone_and_files_without_a_prefix_are_read_too(tmp_path: Path) -> None:
    states = make_checkpoints(tmp_path)
    for name, state in zip(FILES[1:], states[1:], strict=True):
        kept = {k: v for k, v in state.items() if k.startswith(("vgg.", "big_pool"))}
        torch.save(kept, tmp_path / name, _use_new_zipfile_serialization=False)  # torch before 1.6
    _, network = bring(tmp_path)
    assert torch.equal(network.context_encoders[1].stages[4][4].bias, states[2]["vgg.features.28.bias"])


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        (FILES[0], {"adj_pool4__bias": None}, r"all.* lacks adj_pool4\.bias"),
        (FILES[0], {"big_pool3__0__bias": torch.zeros(4)}, r"has unknown big_pool3\.0\.bias"),
        (FILES[0], {"head__weight": torch.zeros(1)}, r"has unknown head\.weight"),
        (
            FILES[0],
            {"output__3__weight": torch.zeros(3, 16, 1, 1)},
            r"output\.3\.weight is \(3, 16, 1, 1\), expected \(16",
        ),
        (FILES[1], {"vgg__features__7__weight": None}, r"B10.* lacks vgg\.features\.7\.weight"),
        (FILES[1], {"big_attention__trans__bias": torch.zeros(2)}, r"big_attention\.trans\.bias is \(2,\), expected"),
        (
            FILES[2],
            {"vgg__classifier__6__bias": torch.zeros(9)},
            r"B15.*classifier\.6\.bias is \(9,\), expected",
        ),
        (FILES[2], {"big_pool4__0__bias": torch.ones(8)}, r"big_pool4\.0\.bias should repeat vgg\.features\.17\.bias"),
    ],
)
def test_what_is_missing_surplus_or_odd_is_named(
    tmp_path: Path, name: str, changed: dict[str, torch.Tensor | None], words: str
) -> None:
    make_checkpoints(tmp_path)
    change(tmp_path / name, **changed)
    with pytest.raises(ModelFileError, match=words):
        bring(tmp_path)
    assert not (tmp_path / "model.safetensors").exists()


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("how", ["torch", "torch before 1.6", "plain pickle"])
@pytest.mark.parametrize("place", FILES)
def test_a_pickle_with_code_is_refused_and_nothing_runs(tmp_path: Path, place: str, how: str) -> None:
    make_checkpoints(tmp_path)
    evil = {"module.vgg.features.0.bias": Bomb(tmp_path / "ran")}
    if how == "plain pickle":
        (tmp_path / place).write_bytes(pickle.dumps(evil))
    else:
        torch.save(evil, tmp_path / place, _use_new_zipfile_serialization=how == "torch")
    words = "it cannot be read as one" if how == "plain pickle" else r"it tries to call (posix|nt)\.mkdir"
    with pytest.raises(ModelFileError, match=f"not a checkpoint of plain tensors and was not loaded: {words}"):
        bring(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + bytes(50), b"\x80\x02}q\x00."])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    make_checkpoints(tmp_path)
    (tmp_path / FILES[2]).write_bytes(content)
    with pytest.raises(ModelFileError, match=r"B15\.epoch\.pth"):
        bring(tmp_path)


def test_a_network_begins_with_the_weights_of_imagenet(tmp_path: Path) -> None:
    vgg = reference.Released(WIDTHS, HEAD, 2, branch=False).vgg
    torch.save(vgg.state_dict(), tmp_path / "vgg16.pth")
    network = FctlVgg16(Vgg16Config(widths=WIDTHS, head=HEAD, classes=5))
    start_from_imagenet(network, tmp_path / "vgg16.pth")
    state = vgg.state_dict()
    for encoder in (network.encoder, *network.context_encoders):
        assert torch.equal(encoder.stages[3][4].weight, state["features.21.weight"])  # type: ignore[union-attr]
    conv6 = network.decoder.classify[0].weight
    assert torch.equal(conv6.flatten(1), state["classifier.0.weight"])  # type: ignore[operator]
    with pytest.raises(
        ModelFileError, match=r"features\.0\.weight is \(4, 3, 3, 3\), but the network's .* is \(4, 4, 3, 3\)"
    ):
        start_from_imagenet(FctlVgg16(Vgg16Config(bands=4, widths=WIDTHS, head=HEAD)), tmp_path / "vgg16.pth")


def test_a_data_set_brings_its_legend_ground_size_and_contexts(tmp_path: Path) -> None:
    make_checkpoints(tmp_path, classes=7)
    info = read_model_info(bring(tmp_path, dataset="deepglobe")[0])
    assert [c.name for c in info.legend][4:6] == ["forest", "water"] and info.input.gsd_m == 0.5
    assert info.contexts == (3, "global", 1) and (info.layout, info.merge) == ("fitted", "average")
    with pytest.raises(ModelFileError, match="7 classes, but 2 are named: other, building"):
        bring(tmp_path, dataset="inria")
    named = read_model_info(bring(tmp_path, classes=tuple("abcdefg"))[0])
    assert [c.name for c in named.legend] == list("abcdefg") and len({c.color for c in named.legend}) == 7
