"""The released network and evaluator, number for number: the golden numbers of the authors' own code.

The parameters come from a formula; the golden numbers are a sample of all (tests/goldens/README.md).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import rasterio
import torch

from fctl_geo import OutputSettings, Settings, segment_scene
from fctl_geo.model.contexts import resized
from fctl_geo.model.importing import import_released
from fctl_geo.model.modelfile import load_networks, read_model_info
from fctl_geo.model.network import SegmentationNetwork
from fctl_geo.settings import EngineSettings
from fctl_geo.windows.grid import PatchGrid

NAMES = {"local": "all.epoch.pth", "medium": "B10.epoch.pth", "large": "B15.epoch.pth"}


GOLDENS = Path(__file__).parents[1] / "goldens"
EVERY, EVERY_CHANNEL = 8, 16
"""So many pixels and channels apart are the golden numbers."""


@pytest.fixture(scope="module")
def golden_model(golden_formula: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A model file imported from checkpoints whose numbers the formula gives."""
    folder = tmp_path_factory.mktemp("golden")
    manifest = json.loads((GOLDENS / "manifest_n2.json").read_text())
    for net, name in NAMES.items():
        entries = manifest[net]["entries"]
        state = {  # VGG16's own classifier, 450 MB of each file, and the repetitions are left out
            key: torch.from_numpy(np.asarray(golden_formula.value(net, key, entry["shape"])))
            for key, entry in entries.items()
            if entry["canonical"] == key and ".classifier." not in key
        }
        torch.save(state, folder / name)
        del state
    import_released(*(folder / name for name in NAMES.values()), folder / "golden.safetensors")
    for name in NAMES.values():
        (folder / name).unlink()
    yield folder / "golden.safetensors"
    (folder / "golden.safetensors").unlink()


def to_pixels(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


def crops_of(scene: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
    """Scene A's patches and their contexts with black outside, (508, 508, 3) each."""
    padded = np.pad(scene[:1100], ((508, 508), (508, 508), (0, 0)))
    grid = PatchGrid(1100, 1270, 508, 50, "fitted")
    for i, j in np.ndindex(*grid.shape):
        window = grid.patch(i, j)
        crops = {}
        for name, factor in (("patch", 1), ("medium", 2), ("large", 3)):
            margin = (factor - 1) * 254
            rows, cols = (slice(508 + at - margin, 1016 + at + margin) for at in (window.row, window.col))
            crop = np.moveaxis(padded[rows, cols], -1, 0)
            stacked = np.concatenate([crop, np.full_like(crop[:1], 255)])
            image = (resized(stacked, (508, 508)) * 255).round().astype(np.uint8)
            crops[name] = np.ascontiguousarray(np.moveaxis(image, 0, -1))
        yield crops


def test_a_patch_gives_the_golden_logits(golden_model: Path, golden_scene: np.ndarray) -> None:
    network = load_networks(golden_model, read_model_info(golden_model))["segmentation"]
    assert isinstance(network, SegmentationNetwork)
    inputs, expected = next(crops_of(golden_scene)), np.load(GOLDENS / "A_patch0_n2.npz")
    with torch.inference_mode():
        streams = [network.encode_context(to_pixels(inputs[name]), t) for t, name in enumerate(("medium", "large"))]
        logits = network.segment(to_pixels(inputs["patch"]), streams)[0, :, ::EVERY, ::EVERY].numpy()
    for name, stream in zip(("medium_pool5", "large_pool5"), streams, strict=True):
        np.testing.assert_allclose(stream[0, ::EVERY_CHANNEL].numpy(), expected[name], rtol=0, atol=3e-5)
    np.testing.assert_allclose(logits, expected["logits"], rtol=0, atol=3e-5)
    np.testing.assert_allclose(logits, expected["logits_fp64"], rtol=0, atol=3e-5)
    assert (logits.argmax(0) == expected["logits"].argmax(0)).all()


def test_crops_and_contexts_are_the_golden_ones(golden_scene: np.ndarray) -> None:
    """Every patch of scene A, and its contexts, byte for byte."""
    grid = PatchGrid(1100, 1270, 508, 50, "fitted")
    entries = json.loads((GOLDENS / "crops.json").read_text())["A"]
    for (i, j), crops, entry in zip(np.ndindex(*grid.shape), crops_of(golden_scene), entries, strict=True):
        window = grid.patch(i, j)
        assert (window.row, window.col) == (entry["top"], entry["left"])
        for name, image in crops.items():
            assert hashlib.sha256(image.tobytes()).hexdigest() == entry[f"sha256_{name}"], (i, j, name)


@pytest.mark.parametrize(
    ("tta", "name", "tolerance"),
    [
        ("none", "C_noTTA_n2", 1e-4),
        pytest.param("d4", "C_TTA_expand_n2", 5e-4, marks=pytest.mark.slow),
    ],
)
def test_a_scene_gives_the_golden_scores_and_classes(
    golden_model: Path, golden_scene: np.ndarray, tmp_path: Path, summed_logits: list[np.ndarray], tta: str, name: str,
    tolerance: float,
) -> None:  # fmt: skip
    scene = golden_scene[300:920, 200:1000]
    expected = np.load(GOLDENS / f"{name}.npz")
    path, out = tmp_path / "c.tif", tmp_path / "classes.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=800, height=620, count=3, dtype="uint8", photometric="RGB",
        crs="EPSG:32632", transform=rasterio.transform.from_origin(5e5, 5e6, 0.3, 0.3),
    ) as file:  # fmt: skip
        file.write(np.moveaxis(scene, -1, 0))
    engine = EngineSettings(device="cpu", tta=tta)  # type: ignore[arg-type]
    segment_scene(path, Settings(model=str(golden_model), engine=engine, output=OutputSettings(outs=(out,))))
    scores = expected["score_f32"]
    looks, row = 8 if tta == "d4" else 1, 0
    for sums in summed_logits:  # bands of at most 256 rows, from their first row on
        height = min(256, 620 - row)
        first = -row % EVERY  # of the rows that are golden
        seen = looks * sums[:, first:height:EVERY, ::EVERY]
        wanted = scores[:, (row + first) // EVERY : -(-(row + height) // EVERY)]
        np.testing.assert_allclose(seen, wanted, rtol=0, atol=tolerance)
        row += height
    assert row == 620
    with rasterio.open(out) as file:
        differs = file.read(1) != expected["pred"]
    assert not differs[::EVERY, ::EVERY][np.abs(scores[1] - scores[0]) > tolerance].any()
    assert differs.sum() <= 9, "the nearest margins may fall either way"
