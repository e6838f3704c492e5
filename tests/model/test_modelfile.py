from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from model_factory import make_model
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fctl_geo.errors import ModelFileError
from fctl_geo.model.modelfile import load_networks, read_model_info, write_model
from fctl_geo.model.shipped import list_models


def test_the_header_says_all_that_the_engine_needs(tmp_path: Path) -> None:
    """Law 7."""
    info = read_model_info(make_model(tmp_path / "m.safetensors", gsd_m=0.3, bands=("nir", "red")))
    assert [c.name for c in info.legend] == ["nothing", "a", "b"]
    assert info.input.bands == ("nir", "red") and info.input.gsd_m == 0.3
    assert (info.patch_px, info.overlap_px, info.contexts) == (128, 32, (1, 2, 3))
    assert info.licence and info.attribution and info.training_data


def test_a_file_of_a_newer_format_is_refused_by_its_number(tmp_path: Path) -> None:
    path = make_model(tmp_path / "m.safetensors")
    with safe_open(str(path), "pt") as file:
        header = json.loads(file.metadata()["fctl"])
    assert header["format"] == 1
    save_file(load_file(str(path)), str(path), {"fctl": json.dumps({**header, "format": 2})})
    with pytest.raises(ModelFileError, match="has format 2, but this version reads up to 1"):
        read_model_info(path)


def test_a_header_that_names_the_kind_of_scaling_is_read_if_there_is_that_kind(tmp_path: Path) -> None:
    path = make_model(tmp_path / "m.safetensors")
    info, tensors = read_model_info(path), load_file(str(path))
    with safe_open(str(path), "pt") as file:
        header = json.loads(file.metadata()["fctl"])
    assert header["input"]["scaling"] == {"percentiles": [2.0, 98.0]}
    header["input"]["scaling"] |= {"kind": "byte", "gain": 1.0, "offset": 0.0}
    save_file(tensors, str(path), {"fctl": json.dumps(header)})
    assert read_model_info(path) == info
    header["input"]["scaling"]["kind"] = "affine"
    save_file(tensors, str(path), {"fctl": json.dumps(header)})
    with pytest.raises(ModelFileError, match="scaling is 'affine', but must be 'byte'"):
        read_model_info(path)


@pytest.mark.parametrize("value", [7e4, float("nan")])
def test_weights_that_are_not_finite_in_the_file_are_refused(tmp_path: Path, value: float) -> None:
    path = make_model(tmp_path / "m.safetensors")
    info, before = read_model_info(path), path.read_bytes()
    networks = load_networks(path, info)
    networks["segmentation"].decoder.classify.weight.data[0, 0] = value
    with pytest.raises(ModelFileError, match=r"segmentation\.decoder\.classify\.weight is not finite in float16"):
        write_model(path, info, networks)
    assert path.read_bytes() == before
    if value == 7e4:
        write_model(path, info, networks, weights="full")


def test_reading_a_header_does_not_load_torch(tmp_path: Path) -> None:
    path = make_model(tmp_path / "m.safetensors")
    code = (
        "import sys; from fctl_geo.model.modelfile import read_model_info;"
        "read_model_info(sys.argv[1]); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def test_fusing_normalization_does_not_change_the_function(tmp_path: Path) -> None:
    from fctl_geo.model.modelfile import build_networks, load_weights

    path = make_model(tmp_path / "m.safetensors")
    info = read_model_info(path)
    plain = build_networks(info)
    load_weights(path, plain)
    patch, levels = torch.randn(1, 3, 64, 64), [torch.randn(1, 3, 64, 64)] * 2
    with torch.inference_mode():
        expected = plain["segmentation"].eval()(patch, levels)
        fused = load_networks(path, info)["segmentation"](patch, levels)
    torch.testing.assert_close(fused, expected, rtol=1e-4, atol=1e-4)


def test_a_pickle_is_refused_and_nothing_in_it_runs(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    path = tmp_path / "evil.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelFileError, match="is not a model file"):
        read_model_info(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 100])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"notes\.txt is not a model file"):
        read_model_info(path)


def test_weights_without_our_header_are_refused(tmp_path: Path) -> None:
    save_file({"w": torch.zeros(2)}, str(tmp_path / "other.safetensors"))
    with pytest.raises(ModelFileError, match="without an fctl-geo header"):
        read_model_info(tmp_path / "other.safetensors")


def test_an_unknown_name_lists_the_shipped_models() -> None:
    with pytest.raises(ModelFileError, match="neither a shipped model nor a file") as caught:
        read_model_info("nosuchmodel")
    assert all(name in caught.value.hint for name in list_models())


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    path = make_model(tmp_path / "m.safetensors")
    tensors = load_file(str(path))
    with safe_open(str(path), "pt") as file:
        metadata = file.metadata()
    del tensors["segmentation.decoder.classify.weight"]
    save_file(tensors, str(path), metadata)
    with pytest.raises(ModelFileError, match=r"decoder\.classify\.weight"):
        load_networks(path, read_model_info(path))
