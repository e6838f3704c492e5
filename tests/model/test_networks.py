from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from model_factory import make_legend

from fctl_geo.model.correlation import AdaptiveFusion, ContextualCorrelation, attend
from fctl_geo.model.efficientnet import Depthwise, EfficientNetLite
from fctl_geo.model.lite import FctlLite, LiteConfig
from fctl_geo.model.orientation import ORIENTATIONS
from fctl_geo.model.refinement import RefinementConfig, RefinementNet, shrink_mask
from fctl_geo.model.refiner import Refiner
from fctl_geo.model.torch_backend import TorchRefinement
from fctl_geo.model.torch_device import TorchDevice
from fctl_geo.progress import Silent
from fctl_geo.settings import EngineSettings
from fctl_geo.spec import ClassInfo, Legend
from fctl_geo.windows.grid import PatchGrid
from fctl_geo.windows.window import Window

TINY = LiteConfig(
    contexts=(1, 2, 3), widths=(8, 8, 8, 8, 8, 16, 16, 16), repeats=(1,) * 7, deep_channels=16, key_channels=8,
    decoder=(8, 8),
)  # fmt: skip


@pytest.mark.parametrize("height", [64, 96])
def test_cells_lie_on_their_pixels_at_every_stride(height: int) -> None:
    """The center of what a cell sees is at most a fifth of a cell beside the pixels that it stands for."""
    encoder = EfficientNetLite(1).eval()
    for module in encoder.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.constant_(module.weight, 1 / module.weight[0].numel())
    image = torch.full((1, 1, 8 * height, 8 * height), 1e-3, requires_grad=True)
    for features in encoder(image):
        side = features.shape[-1]
        stride, middle = image.shape[-1] // side, side // 2
        (seen,) = torch.autograd.grad(features[0, :, middle, middle].sum(), image, retain_graph=True)
        weight = seen[0, 0].sum(1)
        center = float((weight * torch.arange(len(weight))).sum() / weight.sum())
        assert abs(center - (stride * (middle + 0.5) - 0.5)) <= stride / 4 + 1e-3, stride


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


def test_a_network_in_training_sees_contexts_as_it_will_in_use_and_learns_no_statistics_of_them() -> None:
    network = FctlLite(TINY)
    for _ in range(3):
        network(torch.randn(2, 3, 64, 64), [torch.randn(2, 3, 64, 64)] * 2)
    statistics = {k: v.clone() for k, v in network.state_dict().items() if "running" in k and "encoder" in k}
    assert statistics
    level = 5 + 3 * torch.randn(2, 3, 64, 64)
    features = network.encode_context(level)
    assert network.encoder.training
    assert all(torch.equal(network.state_dict()[k], v) for k, v in statistics.items())
    assert torch.equal(network.eval().encode_context(level), features)


def test_mixing_begins_as_nothing_and_is_learned() -> None:
    """What a merge adds to its sum is zero at first, whatever the weights; the first step reaches its scale."""
    network = FctlLite(TINY).eval()
    patch, levels = torch.randn(1, 3, 64, 64), [torch.randn(1, 3, 64, 64)] * 2
    before = network(patch, levels)
    mix = network.decoder.merge2.mix
    torch.nn.init.normal_(mix.get_parameter("0.weight"))
    after = network(patch, levels)
    assert torch.equal(before, after)
    after.square().sum().backward()
    scale = mix.get_parameter("1.weight")
    assert scale.grad is not None and scale.grad.abs().max() > 0


def test_a_patch_moved_by_whole_cells_has_its_features_moved() -> None:
    """Odd numbers of cells included: patches and tiles may begin at any cell of 16 px, stride 32 or not."""
    network = FctlLite(TINY).eval()
    scene = torch.randn(1, 3, 16 * 30, 16 * 30)
    with torch.inference_mode():
        whole = network.encode_context(scene)
        for cells in (0, 2, 4):
            part = network.encode_context(scene[..., 16 * cells : 16 * (cells + 25), 16 * cells : 16 * (cells + 25)])
            assert part.shape[-2:] == (25, 25)
            inner = slice(10, 15)
            moved = slice(10 + cells, 15 + cells)
            torch.testing.assert_close(part[..., inner, inner], whole[..., moved, moved], rtol=1e-3, atol=1e-4)


def test_pooled_attention_equals_attention_to_the_means_of_blocks() -> None:
    torch.manual_seed(0)
    plain, pooled = ContextualCorrelation(6, 4), ContextualCorrelation(6, 4, 2)
    pooled.load_state_dict(plain.state_dict())
    patch, context = torch.randn(1, 6, 4, 4), torch.randn(1, 6, 5, 6)
    means = torch.stack(
        [context[..., r : r + 2, c : c + 2].mean((2, 3)) for r in (0, 2, 4) for c in (0, 2, 4)], dim=-1
    ).view(1, 6, 3, 3)
    torch.testing.assert_close(pooled(patch, context), plain(patch, means))


def test_an_edge_plane_follows_the_classes() -> None:
    network = FctlLite(replace(TINY, classes=4, objects="house")).eval()
    with torch.inference_mode():
        planes = network(torch.randn(1, 3, 64, 64), [torch.randn(1, 3, 64, 64)] * 2)
    assert planes.shape == (1, 5, 64, 64) and network.planes == 5
    assert torch.equal(network.of_classes(planes), planes[:, :4])
    assert FctlLite(TINY).planes == 2 == network.planes - 3


def test_in_the_middle_of_a_line_between_two_objects_there_is_no_object() -> None:
    network = FctlLite(replace(TINY, classes=3, objects="house"))
    planes = torch.zeros(1, 4, 6, 9)
    planes[:, 1] = 5
    planes[:, 3] = -12
    planes[:, 3, :, 3:6] = 12
    assert torch.equal(network.kept_apart(planes), planes[:, :3]), "no legend says which class it is"
    network.name_classes(Legend(tuple(ClassInfo(i, n, (0, 0, 0)) for i, n in enumerate(("land", "house", "road")))))
    assert network.kept_apart(planes).argmax(1).tolist() == [[[1, 1, 1, 1, 0, 1, 1, 1, 1]] * 6]
    torch.testing.assert_close(network.kept_apart(planes)[..., :3], planes[:, :3, :, :3], rtol=0, atol=1e-4)
    planes[:, 1] = -5
    assert (network.kept_apart(planes).argmax(1) != 1).all()


def test_a_change_of_a_pixel_shows_where_it_lies() -> None:
    torch.manual_seed(1)
    network = FctlLite(TINY).eval()
    patch = torch.randn(1, 3, 64, 64)
    contexts = [network.encode_context(patch)] * 2
    with torch.inference_mode():
        before = network.segment(patch, contexts)
        patch[..., 33, 21] += 3
        change = (network.segment(patch, contexts) - before).abs().sum(1)[0]
    row, col = divmod(int(change.argmax()), 64)
    assert abs(row - 33) <= 3 and abs(col - 21) <= 3


@pytest.mark.parametrize("name", ["none", "flips", "d4"])
def test_every_orientation_is_undone(name: str) -> None:
    image = np.arange(32.0).reshape(2, 4, 4)
    views = [o.apply(image) for o in ORIENTATIONS[name]]
    assert len({tuple(v.flatten().tolist()) for v in views}) == len(views) == {"none": 1, "flips": 4, "d4": 8}[name]
    for orientation, view in zip(ORIENTATIONS[name], views, strict=True):
        assert (orientation.undo(view) == image).all()


def test_the_refinement_network_keeps_the_size() -> None:
    network = RefinementNet(RefinementConfig(widths=(4, 8, 8, 8))).eval()
    with torch.inference_mode():
        assert network(torch.rand(2, 2, 48, 64), torch.rand(2, 2, 48, 64)).shape == (2, 1, 48, 64)


@pytest.mark.parametrize("context", [1.5, 2, 2.5])
def test_a_context_mask_is_shrunk_to_the_shares_of_its_areas(context: float) -> None:
    side = int(32 * context)
    mask = torch.zeros(1, 1, side, side)
    mask[..., : side // 2] = 1
    small = shrink_mask(mask, (32, 32))
    assert small.shape == (1, 1, 32, 32)
    torch.testing.assert_close(small.mean(), torch.tensor(0.5), rtol=0, atol=0.01)
    assert (small[..., :15] == 1).all() and (small[..., 17:] == 0).all()
    if context == 2:
        whole = (torch.rand(1, 2, 64, 64) > 0.5).float()
        assert torch.equal(shrink_mask(whole, (32, 32)), torch.nn.functional.avg_pool2d(whole, 2))


@pytest.mark.parametrize("context", [1.5, 2, 2.5])
def test_the_refiner_sees_the_context_that_its_network_was_trained_with(context: float) -> None:
    """A window around the patch, centered; what lies farther does not reach the logits."""
    network = RefinementNet(RefinementConfig(context=context, widths=(4, 8, 8, 8))).eval()
    torch.nn.init.ones_(network.correlation.gamma)
    grid, legend = PatchGrid(300, 300, 64, 0), make_legend(2)
    read: list[Window] = []
    classes = np.random.default_rng(0).integers(0, 2, (300, 300)).astype(np.uint8)

    def look(window: Window) -> np.ndarray:
        read.append(window)
        return classes[window.slices_in(Window(0, 0, 300, 300))]

    device = TorchDevice(EngineSettings(device="cpu", threads=1), Silent())
    refiner = Refiner(TorchRefinement(network, device), device, grid, legend, look)
    (before,) = next(iter(refiner.logits([(1, 2)])))
    margin = round(32 * (context - 1))
    assert read == [grid.patch(1, 2).grow(margin)]
    around = read[0].grow(1)
    classes[read[0].row : read[0].row + 8, read[0].col : read[0].col + 8] ^= 1
    (after,) = next(iter(refiner.logits([(1, 2)])))
    assert (before.values != after.values).any(), "the rim of the context reaches the patch"
    classes[around.row, around.col : around.col_end] ^= 1
    (again,) = next(iter(refiner.logits([(1, 2)])))
    assert (again.values == after.values).all()
    device.close()


def test_a_kernel_moved_by_zeros_equals_a_moved_input() -> None:
    layer = Depthwise(4, 3, 2, 1, odd=True)
    x = torch.randn(1, 4, 12, 10)
    moved = torch.nn.functional.pad(x, (0, 2, 0, 2))
    expected = torch.nn.functional.conv2d(moved, layer.weight, stride=2, groups=4)
    torch.testing.assert_close(layer(x), expected[..., :6, :5])
