"""Segmentation networks from elsewhere: any ONNX file with pixels in and classes out, and files that are none."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import rasterio
import torch
from onnx import TensorProto, helper, numpy_helper
from scene_factory import make_scene
from torch import nn
from torch.nn import functional as F

from fctl_geo import Settings, segment_scene
from fctl_geo.errors import FctlError, ModelFileError
from fctl_geo.model.modelfile import model_checksum, read_model_info

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
CENTERED = {"standardization_mean": (0.5, 0.5, 0.5), "standardization_std": [0.25] * 3}
PX = 64


class SmallUNet(nn.Module):
    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.down, self.deep = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.up = nn.Conv2d(24, classes, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        near = F.relu(self.down(x))
        far = F.relu(self.norm(self.deep(F.max_pool2d(near, 2))))
        return self.up(torch.cat([near, F.interpolate(far, scale_factor=2.0)], dim=1))


def with_metadata(path: Path, **values: object) -> Path:
    model = onnx.load(path, load_external_data=False)
    helper.set_model_props(model, {key: json.dumps(value) for key, value in values.items()})
    onnx.save(model, path)
    return path


def make_onnx(
    path: Path, *, planes: int = 2, input_shape: tuple[object, ...] = (1, 3, PX, PX), last: str = "", domain: str = "",
    weights: onnx.TensorProto | None = None, more_inputs: int = 0, **metadata: object,
) -> Path:  # fmt: skip
    """One convolution, and whatever is wrong with it."""
    values = np.random.default_rng(0).normal(size=(planes, 3, 1, 1)).astype(np.float32)
    kernel = weights or numpy_helper.from_array(values, "w")
    made = "y" if last else "logits"
    nodes = [helper.make_node("Conv", ["x", "w"], [made], domain=domain)]
    if last == "ArgMax":
        nodes.append(helper.make_node("ArgMax", ["y"], ["logits"], axis=1, keepdims=0))
    elif last:
        axis = {"axis": 1} if last == "Softmax" else {}
        nodes.append(helper.make_node(last, ["y"], ["logits"], **axis))
    value = helper.make_tensor_value_info
    out = (
        value("logits", TensorProto.INT64, (1, PX, PX))
        if last == "ArgMax"
        else value("logits", TensorProto.FLOAT, (1, planes, *(None,) * (len(input_shape) - 2)))
    )
    inputs = [value("x", TensorProto.FLOAT, input_shape), *(value(f"x{n}", 1, (1,)) for n in range(more_inputs))]
    graph = helper.make_graph(nodes, "plain", inputs, [out], [kernel])
    opsets = [helper.make_opsetid("", 20), *([helper.make_opsetid(domain, 1)] if domain else [])]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
    return with_metadata(path, **metadata)


def classes_of(scene: Path, model: Path, out: Path, **settings: object) -> np.ndarray:
    segment_scene(scene, Settings.of({"model": str(model), "outs": (out,), "overwrite": True, **settings}))
    with rasterio.open(out) as raster:
        return raster.read(1)


def normalized(scene: Path) -> np.ndarray:
    """(3, h, w), with whole patches of mean color around it."""
    with rasterio.open(scene) as raster:
        pixels = raster.read().astype(np.float32) / 255
    pixels = (pixels - np.float32(MEAN)[:, None, None]) / np.float32(STD)[:, None, None]
    return np.pad(pixels, ((0, 0), *((0, -size % PX) for size in pixels.shape[1:])))


def test_a_network_made_elsewhere_gives_what_it_gives_by_hand(tmp_path: Path) -> None:
    """Exported by torch alone; side by side, its patches are the scene."""
    torch.manual_seed(0)
    network, path, scene = SmallUNet().eval(), tmp_path / "unet.onnx", make_scene(tmp_path / "s.tif", 150, 100)
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (torch.rand(1, 3, PX, PX),), path, dynamo=True, external_data=False, verbose=False)
    logging.disable(logging.NOTSET)
    with_metadata(
        path, model_type="Segmentor", class_names={0: "background", 1: "field", 2: "road"}, resolution=50,
        tiles_overlap=0, standardization_mean=MEAN, standardization_std=STD,
    )  # fmt: skip
    info = read_model_info(path)
    assert [c.name for c in info.legend] == ["background", "field", "road"] and info.legend.classes[0].background
    assert (info.input.gsd_m, info.patch_px, info.overlap_px) == (0.5, PX, 0)
    found = classes_of(scene, path, tmp_path / "out.tif", gsd_m=0.5)
    whole = normalized(scene)
    by_hand = np.zeros(whole.shape[1:], np.uint8)
    for row in range(0, whole.shape[1], PX):
        for col in range(0, whole.shape[2], PX):
            at = np.s_[row : row + PX, col : col + PX]
            with torch.inference_mode():
                by_hand[at] = network(torch.from_numpy(whole[None, :, *at])).argmax(1)[0].numpy()
    assert len(np.unique(found)) == 3
    assert (found != by_hand[: found.shape[0], : found.shape[1]]).mean() <= 1e-3


@pytest.mark.parametrize("last", ["", "Softmax", "ArgMax"])
def test_logits_probabilities_and_classes_are_told_apart(tmp_path: Path, last: str) -> None:
    scene = make_scene(tmp_path / "s.tif", 80, 70)
    expected = classes_of(scene, make_onnx(tmp_path / "a.onnx", class_names=["x", "y"], **CENTERED), tmp_path / "a.tif")
    model = make_onnx(tmp_path / "b.onnx", last=last, class_names=["x", "y"], **CENTERED)
    kinds = {"": "logits", "Softmax": "probabilities", "ArgMax": "classes"}
    assert read_model_info(model).network["output"] == kinds[last]
    assert (classes_of(scene, model, tmp_path / "b.tif") != expected).mean() < 0.05  # blended in another way
    assert len(np.unique(expected)) == 2


def test_a_single_plane_is_one_class_above_its_threshold(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "s.tif", 80, 70)
    shares = []
    for number, threshold in enumerate((0.3, 0.5, 0.6)):
        model = make_onnx(tmp_path / f"{number}.onnx", planes=1, last="Sigmoid", class_names={0: "tree"},
                          seg_thresh=threshold, **CENTERED)  # fmt: skip
        assert [c.name for c in read_model_info(model).legend] == ["background", "tree"]
        shares.append(classes_of(scene, model, tmp_path / f"{number}.tif").mean())
    assert shares[0] > shares[1] > shares[2] > 0


def test_the_toml_beside_it_has_precedence_and_belongs_to_its_identity(tmp_path: Path) -> None:
    model = make_onnx(tmp_path / "m.onnx", input_shape=("n", 3, "h", "w"), resolution=20, class_names=["a", "b"])
    before = model_checksum(model)
    (tmp_path / "m.toml").write_text(
        'name = "trees"\nclasses = ["background", "tree"]\nobjects = ["tree"]\ngsd_m = 0.3\npatch_px = 96\n'
        "scale = 255\nbands = ['nir', 'red', 'green']\ncolors = [[0, 0, 0], [9, 99, 9]]\n"
    )
    info = read_model_info(model)
    assert (info.name, info.input.gsd_m, info.patch_px) == ("trees", 0.3, 96)
    assert info.input.bands == ("nir", "red", "green") and info.legend.classes[1].objects
    assert model_checksum(model) != before
    (tmp_path / "m.toml").write_text("gsd = 0.3\n")
    with pytest.raises(ModelFileError, match=r"m\.toml has the unknown key 'gsd'; known: name, version, classes"):
        read_model_info(model)


def huge() -> onnx.TensorProto:
    tensor = numpy_helper.from_array(np.ones((2, 3, 1, 1), np.float32), "w")
    del tensor.dims[:]
    tensor.dims.extend([2, 3, 1 << 30, 1 << 30])
    return tensor


def elsewhere() -> onnx.TensorProto:
    tensor = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2, 3, 1, 1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return tensor


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"weights": huge()}, "declares 6,917,529,027,641,081,856 values, but the file holds 6"),
        ({"weights": elsewhere()}, "tensor 'w' is kept in another file"),
        ({"domain": "evil.ops"}, "it has operators of 'evil.ops'"),
        ({"more_inputs": 1}, r"it has 2 inputs \(x, x0\), expected one"),
        ({"input_shape": (1, 3, PX)}, "'x' has 3 dimensions"),
        ({"input_shape": (8, 3, PX, PX)}, "for 8 images at once"),
        ({"input_shape": (1, 3, PX, 2 * PX)}, "128 x 64 px, expected a square"),
        ({"input_shape": (1, 3, 1 << 20, 1 << 20)}, "of 1048576 px, at most 64 of 4096 px"),
        ({"class_names": ["one", "two", "three"]}, "3 classes are named"),
        ({"class_names": {"1": "one"}}, r"class_names have the numbers \[1\]"),
        ({"model_type": "Detector"}, "it is a Detector, not a segmentation network"),
        ({"standardization_std": [0, 1, 1]}, r"std is \(0\.0, 1\.0, 1\.0\), but must be finite and not 0"),
        ({"resolution": "a lot"}, "resolution is 'a lot', expected a number"),
        ({"last": "ArgMax"}, "names have to be given"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_what_is_wrong(
    tmp_path: Path, wrong: dict[str, object], words: str
) -> None:
    path = make_onnx(tmp_path / "m.onnx", **wrong)  # type: ignore[arg-type]
    with pytest.raises(ModelFileError, match=words) as caught:
        read_model_info(path)
    assert caught.value.hint


def test_memory_that_a_graph_would_need_is_known_before_it_is_taken(tmp_path: Path) -> None:
    shape = numpy_helper.from_array(np.array([1, 2, 1 << 13, 1 << 13]), "shape")
    nodes = [helper.make_node("Tile", ["x", "shape"], ["logits"])]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "bomb", [value("x", 1, (1, 1, PX, PX))], [value("logits", 1, (1, 2, None, None))],
                              [shape])  # fmt: skip
    path = tmp_path / "bomb.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    with pytest.raises(ModelFileError, match=r"needs 2,048 GiB for a patch"):
        read_model_info(path)


@pytest.mark.parametrize("cut", [0, 1, 40, -40, -1])
def test_garbage_is_refused_or_read_but_never_crashes(tmp_path: Path, cut: int) -> None:
    whole = make_onnx(tmp_path / "m.onnx").read_bytes()
    noise = np.random.default_rng(1).integers(0, 256, 300).astype(np.uint8).tobytes()
    for number, data in enumerate((whole[:cut], noise, whole[:60] + noise + whole[60:])):
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(data)
        try:
            read_model_info(path)
        except FctlError as error:
            assert error.message and str(path.name) in error.message


def test_an_output_of_another_size_is_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("MaxPool", ["x"], ["logits"], kernel_shape=[2, 2], strides=[2, 2])]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "half", [value("x", 1, (1, 3, PX, PX))], [value("logits", 1, (1, 3, PX // 2, PX // 2))]
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), tmp_path / "m.onnx")
    scene = make_scene(tmp_path / "s.tif", 80, 70)
    with pytest.raises(ModelFileError, match=r"output of \[1, 3, 32, 32\], expected \[1, 3, 64, 64\]"):
        classes_of(scene, tmp_path / "m.onnx", tmp_path / "out.tif")
