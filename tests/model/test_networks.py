from __future__ import annotations

import math

import pytest
import torch

from fctl_geo.model.correlation import AdaptiveFusion, attend
from fctl_geo.model.lite import FctlLite, LiteConfig
from fctl_geo.model.orientation import ORIENTATIONS
from fctl_geo.model.refinement import RefinementConfig, RefinementNet

TINY = LiteConfig(widths=(8, 8, 16, 16), blocks=(1, 1, 1), key_channels=8, decoder=(8, 8, 8))


def test_attention_equals_a_loop_over_cells() -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(2, 5, 3, 4), torch.randn(2, 5, 6, 2), torch.randn(2, 7, 6, 2)
    out = attend(query, key, value)
    for b in range(2):
        for i in range(3):
            for j in range(4):
                scores = [float(query[b, :, i, j] @ key[b, :, k, m]) / math.sqrt(5) for k in range(6) for m in range(2)]
                weights = torch.softmax(torch.tensor(scores), 0)
                expected = sum(w * value[b, :, n // 2, n % 2] for n, w in enumerate(weights))
                torch.testing.assert_close(out[b, :, i, j], expected, rtol=1e-4, atol=1e-5)


def test_a_context_of_one_constant_cell_comes_back_at_every_patch_cell() -> None:
    value = torch.arange(6.0).view(1, 6, 1, 1).expand(1, 6, 4, 5)
    out = attend(torch.randn(1, 3, 2, 2), torch.randn(1, 3, 4, 5), value)
    torch.testing.assert_close(out, torch.arange(6.0).view(1, 6, 1, 1).expand(1, 6, 2, 2))


def test_fusion_weights_sum_to_one_at_each_cell() -> None:
    """Equation 1 of the paper: fusing the same features three times gives them back."""
    features = torch.randn(2, 6, 3, 3)
    torch.testing.assert_close(AdaptiveFusion(6, 3, 4)([features] * 3), features)


def test_shared_context_features_give_the_same_logits_as_pixels() -> None:
    network = FctlLite(TINY).eval()
    patch, level2, level3 = torch.randn(3, 1, 3, 64, 64).unbind(0)
    with torch.inference_mode():
        shared = network.segment(patch, [network.encode_context(level2), network.encode_context(level3)])
        torch.testing.assert_close(shared, network(patch, [level2, level3]))
    assert shared.shape == (1, 2, 64, 64)


@pytest.mark.parametrize("name", ["none", "flips", "d4"])
def test_every_orientation_is_undone(name: str) -> None:
    image = torch.arange(32.0).view(2, 4, 4)
    views = [o.apply(image) for o in ORIENTATIONS[name]]
    assert len({tuple(v.flatten().tolist()) for v in views}) == len(views) == {"none": 1, "flips": 4, "d4": 8}[name]
    for orientation, view in zip(ORIENTATIONS[name], views, strict=True):
        assert (orientation.undo(view) == image).all()


def test_the_refinement_network_keeps_the_size() -> None:
    network = RefinementNet(RefinementConfig(widths=(4, 8, 8, 8))).eval()
    with torch.inference_mode():
        assert network(torch.rand(2, 2, 48, 64), torch.rand(2, 2, 48, 64)).shape == (2, 1, 48, 64)
