"""The released network and evaluator, number for number: the golden numbers of the authors' own code.

The parameters come from a formula, so nothing is stored here; the golden numbers lie outside the project.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import rasterio
import torch

from fctl_geo import OutputSettings, Settings, segment_scene
from fctl_geo.model.importing import import_released
from fctl_geo.model.modelfile import load_networks, read_model_info
from fctl_geo.model.network import SegmentationNetwork
from fctl_geo.settings import EngineSettings

NAMES = {"local": "all.epoch.pth", "medium": "B10.epoch.pth", "large": "B15.epoch.pth"}


@dataclass(frozen=True, slots=True)
class Golden:
    folder: Path
    model: Path


@pytest.fixture(scope="module")
def golden(
    shared_goldens: Path, golden_formula: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Golden]:
    """A model file imported from checkpoints whose numbers the formula gives."""
    folder = tmp_path_factory.mktemp("golden")
    manifest = json.loads((shared_goldens / "manifest_n2.json").read_text())
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
    yield Golden(shared_goldens, folder / "golden.safetensors")
    (folder / "golden.safetensors").unlink()


def to_pixels(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


def test_a_patch_gives_the_golden_logits(golden: Golden) -> None:
    network = load_networks(golden.model, read_model_info(golden.model))["segmentation"]
    assert isinstance(network, SegmentationNetwork)
    inputs, expected = (np.load(golden.folder / f"A_patch0_{n}.npz") for n in ("inputs_uint8", "n2"))
    with torch.inference_mode():
        streams = [network.encode_context(to_pixels(inputs[name]), t) for t, name in enumerate(("medium", "large"))]
        logits = network.segment(to_pixels(inputs["patch"]), streams)[0].numpy()
    for name, stream in zip(("medium_pool5", "large_pool5"), streams, strict=True):
        np.testing.assert_allclose(stream[0].numpy(), expected[name], rtol=0, atol=3e-5)
    np.testing.assert_allclose(logits, expected["logits"], rtol=0, atol=3e-5)
    np.testing.assert_allclose(logits, expected["logits_fp64"], rtol=0, atol=3e-5)
    assert (logits.argmax(0) == expected["logits"].argmax(0)).all()


def test_crops_and_contexts_are_the_golden_ones(shared_goldens: Path, golden_scene: np.ndarray) -> None:
    """Scene A: every patch, and its contexts with black outside, byte for byte."""
    from fctl_geo.model.contexts import resized
    from fctl_geo.windows.grid import PatchGrid

    grid = PatchGrid(1100, 1270, 508, 50, "fitted")
    padded = np.pad(golden_scene[:1100], ((508, 508), (508, 508), (0, 0)))
    entries = json.loads((shared_goldens / "crops.json").read_text())["A"]
    for (i, j), entry in zip(np.ndindex(*grid.shape), entries, strict=True):
        window = grid.patch(i, j)
        assert (window.row, window.col) == (entry["top"], entry["left"])
        for name, factor in (("patch", 1), ("medium", 2), ("large", 3)):
            margin = (factor - 1) * 254
            rows, cols = (slice(508 + at - margin, 1016 + at + margin) for at in (window.row, window.col))
            crop = np.moveaxis(padded[rows, cols], -1, 0)
            stacked = torch.from_numpy(np.concatenate([crop, np.full_like(crop[:1], 255)]))
            image = (resized(stacked, (508, 508)) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
            assert hashlib.sha256(image.tobytes()).hexdigest() == entry[f"sha256_{name}"], (i, j, name)


@pytest.mark.parametrize(
    ("tta", "name", "tolerance"),
    [
        ("none", "C_noTTA_n2", 1e-4),
        pytest.param("d4", "C_TTA_expand_n2", 5e-4, marks=pytest.mark.slow),
    ],
)
def test_a_scene_gives_the_golden_scores_and_classes(
    golden: Golden, golden_scene: np.ndarray, tmp_path: Path, summed_logits: list[np.ndarray], tta: str, name: str,
    tolerance: float,
) -> None:  # fmt: skip
    scene = golden_scene[300:920, 200:1000]
    expected = np.load(golden.folder / f"{name}.npz")
    path, out = tmp_path / "c.tif", tmp_path / "classes.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=800, height=620, count=3, dtype="uint8", photometric="RGB",
        crs="EPSG:32632", transform=rasterio.transform.from_origin(5e5, 5e6, 0.3, 0.3),
    ) as file:  # fmt: skip
        file.write(np.moveaxis(scene, -1, 0))
    engine = EngineSettings(device="cpu", tta=tta)  # type: ignore[arg-type]
    segment_scene(path, Settings(model=str(golden.model), engine=engine, output=OutputSettings(outs=(out,))))
    scores = expected["score_f32"]
    looks, row = 8 if tta == "d4" else 1, 0
    for sums in summed_logits:  # bands of at most 256 rows, from their first row on
        height = min(256, 620 - row)
        np.testing.assert_allclose(looks * sums[:, :height], scores[:, row : row + height], rtol=0, atol=tolerance)
        row += height
    assert row == 620
    with rasterio.open(out) as file:
        differs = file.read(1) != expected["pred"]
    assert not differs[np.abs(scores[1] - scores[0]) > tolerance].any()
    assert differs.sum() <= 9, "the nearest margins may fall either way"
