"""fctl-vgg16 in all its variants, and the baselines beside it."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch

from fctl_geo.errors import ModelFileError
from fctl_geo.model.architectures import ARCHITECTURES, build_segmentation
from fctl_geo.model.network import SegmentationNetwork
from fctl_geo.model.vgg16 import ChannelFusion, ConstantFusion, FctlVgg16, Vgg16Config, bilinear_kernel

THIN = {"widths": (4, 4, 8, 8, 8), "head": 8}
VARIANTS = [
    {},
    {"contexts": ()},
    {"contexts": (1,)},
    {"contexts": (2,), "encoders": "shared"},
    {"contexts": (1.5, 2, 3, 4, "global", 1)},
    {"features": "conv3", "value": "local", "fusion": "maps"},
    {"fusion": "softmax"},
    {"batch_norm": True, "skip_scales": (1.0, 1.0)},
    {"fusion": "weighted", "contexts": (3, "global", 1)},
    {"fusion": "average", "correlation": "concatenate"},
]


def make(**options: object) -> FctlVgg16:
    torch.manual_seed(0)
    return FctlVgg16(Vgg16Config(**{**THIN, **options})).eval()  # type: ignore[arg-type]


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_every_variant_learns_in_all_its_parts(options: dict[str, object]) -> None:
    network = make(**options)
    for correlate in network.correlations:
        if hasattr(correlate, "gamma"):
            torch.nn.init.ones_(correlate.gamma)  # zero at the beginning: nothing passes it
    patch = torch.rand(2, 3, 48, 40)
    logits = network(patch, [torch.rand_like(patch) for _ in network.wider])
    assert logits.shape == (2, 2, 48, 40)
    logits.square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.requires_grad == (not name.startswith("decoder.upscore")) or "scores" in name, name
        assert parameter.grad is not None or not parameter.requires_grad, name


@pytest.mark.parametrize("bands", [1, 4, 7])
@pytest.mark.parametrize("size", [(1, 1), (17, 60), (508, 64)])
def test_a_patch_of_any_size_and_number_of_bands_keeps_its_size(bands: int, size: tuple[int, int]) -> None:
    network = make(bands=bands, classes=5)
    patch = torch.rand(1, bands, *size)
    with torch.inference_mode():
        assert network(patch, [patch, patch]).shape == (1, 5, *size)


def test_at_the_beginning_contexts_add_nothing() -> None:
    """gamma is zero: the network begins as FCN-8s."""
    network, patch = make(), torch.rand(1, 3, 40, 40)
    with torch.inference_mode():
        one = network(patch, [torch.rand(1, 3, 40, 40) for _ in network.wider])
        other = network(patch, [torch.rand(1, 3, 40, 40) for _ in network.wider])
    assert torch.equal(one, other)


def test_a_branch_that_was_trained_before_is_adopted_and_frozen() -> None:
    network = make()
    names = [name for name, _ in network.pretraining()]
    assert names == ["context-2", "context-3"]
    for seed, (name, config) in enumerate(network.pretraining()):
        assert isinstance(config, Vgg16Config) and (config.encoders, len(config.contexts)) == ("shared", 1)
        torch.manual_seed(seed + 5)
        branch = FctlVgg16(config).eval()
        network.adopt(name, branch)
        level = torch.rand(1, 3, 40, 40)
        with torch.inference_mode():
            assert torch.equal(network.encode_context(level, seed), branch.encode_context(level, 0))
    network.train()
    assert not any(encoder.training for encoder in network.context_encoders) and network.encoder.training
    frozen = {name for name, p in network.named_parameters() if not p.requires_grad}
    assert {n for n in frozen if not n.startswith("decoder.up")} == {
        n for n, _ in network.named_parameters() if n.startswith("context_encoders.")
    }


def test_fusing_the_same_features_gives_them_back() -> None:
    """Weights sum to 1 in every fusion (paper, equation 1)."""
    features = torch.randn(2, 6, 3, 3)
    for fusion in (ChannelFusion(6, 3, bounded=True), ChannelFusion(6, 3, bounded=False),
                   ConstantFusion(3, learned=True)):  # fmt: skip
        torch.testing.assert_close(fusion([features] * 3), features)


def test_the_sigmoid_bounds_each_weight() -> None:
    """1 / (1 + 2 e) = 0.155 to e / (e + 2) = 0.576, as measured on the released code."""
    fusion = ChannelFusion(4, 3, bounded=True)
    for conv in fusion.after:
        torch.nn.init.normal_(conv.weight, std=100)
    one = torch.ones(1, 4, 5, 5)
    with torch.inference_mode():
        for t in range(3):
            share = fusion([one * (k == t) for k in range(3)])
            assert share.min() > 0.15 and share.max() < 0.58


def test_the_last_upsampling_is_bilinear_interpolation() -> None:
    """Source: the 16 px transposed convolution with stride 8 equals interpolate(x8) cropped 4 px."""
    scores = torch.randn(1, 1, 6, 7)
    found = torch.nn.functional.conv_transpose2d(scores, bilinear_kernel(1, 16), stride=8)[..., 4:-4, 4:-4]
    expected = torch.nn.functional.interpolate(scores, scale_factor=8.0, mode="bilinear", align_corners=False)
    torch.testing.assert_close(found[..., 4:-4, 4:-4], expected[..., 4:-4, 4:-4], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_is_built_again_from_its_own_settings(name: str) -> None:
    settings = THIN if name == "fctl-vgg16" else {"widths": (8,) * 8}
    network = build_segmentation(name, settings, bands=4, classes=3).eval()
    assert isinstance(network, SegmentationNetwork)
    again = build_segmentation(name, asdict(network.config), bands=4, classes=3).eval()
    again.load_state_dict(network.state_dict())
    patch = network.prepare(torch.rand(2, 4, 64, 48))
    with torch.inference_mode():
        levels = [patch for _ in network.wider]
        logits = network(patch, levels)
        assert logits.shape == (2, 3, 64, 48)
        assert torch.equal(logits, again(patch, levels))


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("vgg19", {}, "no architecture 'vgg19'"),
        ("fctl-vgg16", {"width": 3}, "no setting 'width'"),
        ("fctl-vgg16", {"fusion": "sum"}, "fusion is 'sum', allowed: released"),
        ("fctl-vgg16", {"contexts": (0.5,)}, "context 0.5 is neither a factor of at least 1 nor 'global'"),
        ("unet", {"contexts": (2,)}, "a baseline sees only its patch"),
    ],
)
def test_a_network_that_cannot_be_is_refused_in_words(name: str, settings: dict[str, object], words: str) -> None:
    with pytest.raises(ModelFileError, match=words):
        build_segmentation(name, settings, bands=3, classes=2)
