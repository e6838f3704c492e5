"""Models on ONNX Runtime: the classes of torch, the same bytes for any number of threads, and no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import rasterio
from model_factory import make_model
from safetensors import safe_open
from scene_factory import make_scene

from fctl_geo import Settings, segment_scene
from fctl_geo.errors import DeviceError, FctlError, ModelFileError, SettingsError
from fctl_geo.model import choice
from fctl_geo.model.choice import choose_backend, open_networks
from fctl_geo.model.files import graph_path
from fctl_geo.model.modelfile import read_model_info, resolve_model
from fctl_geo.model.onnx_file import empty, read_onnx, tensors_of
from fctl_geo.model.shipped import list_models
from fctl_geo.progress import Silent
from fctl_geo.settings import EngineSettings
from fctl_geo.synthetic.write import write_scene

MOST_OTHER_CLASSES = 1e-4
"""Share of pixels that may get another class than with torch, whose sums have other last bits."""
WITHOUT_TORCH = """
import sys
from importlib.abc import MetaPathFinder

class Refuse(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "onnxscript"):
            raise ImportError(f"{name} is not installed here")

sys.meta_path.insert(0, Refuse())
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scene(tmp_path_factory.mktemp("scene"), size_px=512)[0]


def segment(scene: Path, out: Path, **settings: object) -> np.ndarray:
    values = {"outs": (out,), "device": "cpu", "overwrite": True, **settings}
    segment_scene(scene, Settings.of(values))
    with rasterio.open(out) as raster:
        return raster.read(1)


@pytest.mark.parametrize("name", list_models())
def test_every_shipped_model_has_a_graph_that_fits_its_weights(name: str) -> None:
    path = resolve_model(name)
    bare = {t.name: list(t.dims) for t in tensors_of(read_onnx(graph_path(path), bare=True)) if t.data_location}
    with safe_open(str(path), framework="numpy") as file:
        shapes = {key: list(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118 - not a dict
    assert bare == shapes
    assert graph_path(path).stat().st_size < 300_000


def test_both_backends_give_the_same_classes_and_say_who_computed_them(scene: Path, tmp_path: Path) -> None:
    found = {}
    for backend in ("torch", "onnx"):
        out = tmp_path / f"{backend}.tif"
        found[backend] = segment(scene, out, backend=backend, refine=True)
        with rasterio.open(out) as raster:
            assert f'"backend": "{backend}"' in raster.tags()["FCTL_SETTINGS"]
    assert len(np.unique(found["torch"])) > 1, "a constant answer would prove nothing"
    assert (found["torch"] != found["onnx"]).mean() <= MOST_OTHER_CLASSES


def test_threads_do_not_show_in_the_bytes(scene: Path, tmp_path: Path) -> None:
    for threads in (1, 3):
        segment(scene, tmp_path / f"{threads}.tif", backend="onnx", threads=threads)
    assert (tmp_path / "1.tif").read_bytes() == (tmp_path / "3.tif").read_bytes()


def test_the_main_job_runs_where_torch_cannot_be_imported(scene: Path, tmp_path: Path) -> None:
    code = (
        WITHOUT_TORCH
        + """
from pathlib import Path
from fctl_geo import Settings, segment_scene
outs = (Path(sys.argv[2]), Path(sys.argv[2]).with_suffix(".tif"))
segment_scene(sys.argv[1], Settings.of({"outs": outs, "report": Path(sys.argv[2]).with_suffix(".html"), "tta": "none"}))
assert not {name for name in sys.modules if name.partition(".")[0] == "torch"}
"""
    )
    out = tmp_path / "light.gpkg"
    done = subprocess.run(
        [sys.executable, "-c", code, str(scene), str(out)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with rasterio.open(out.with_suffix(".tif")) as raster:
        assert (raster.read(1) == segment(scene, tmp_path / "here.tif", backend="onnx")).all()


def test_what_needs_torch_says_so_where_it_is_missing(tmp_path: Path) -> None:
    code = WITHOUT_TORCH + "from fctl_geo_cli.main import main; sys.argv[0] = 'fctl-geo'; main()"
    path = make_model(tmp_path / "mine.safetensors")
    scene = make_scene(tmp_path / "scene.tif", 64, 64)
    for arguments, words in (
        (["export", "buildings", "--out", str(tmp_path / "b.onnx")], "exporting needs torch"),
        (["segment", str(scene), "--out", str(tmp_path / "a.tif"), "--model", str(path)], "no ONNX graph for mine"),
        (["segment", str(scene), "--out", str(tmp_path / "a.tif"), "--backend", "torch"], "torch is not installed"),
    ):
        done = subprocess.run([sys.executable, "-c", code, *arguments], check=False, capture_output=True, text=True)
        assert done.returncode == 1 and words in done.stderr and "Hint:" in done.stderr, done.stderr


def test_auto_takes_onnx_for_models_with_a_graph_and_torch_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = str(make_model(tmp_path / "mine.safetensors"))
    monkeypatch.setattr(choice, "has_cuda_driver", lambda: False)
    assert choose_backend("buildings", EngineSettings()) == "onnx"
    assert choose_backend(mine, EngineSettings()) == "torch"
    assert choose_backend("buildings", EngineSettings(precision="bf16")) == "torch"
    with pytest.raises(ModelFileError, match="no ONNX graph for mine") as caught:
        choose_backend(mine, EngineSettings(backend="onnx"))
    assert "fctl-geo export mine.safetensors --out mine.onnx" in caught.value.hint
    monkeypatch.setattr(choice, "has_onnx", lambda: False)
    assert choose_backend("buildings", EngineSettings()) == "torch"
    with pytest.raises(DeviceError, match="ONNX Runtime is not installed") as missing:
        choose_backend("buildings", EngineSettings(backend="onnx"))
    assert missing.value.hint == "pip install 'fctl-geo[onnx]'"
    monkeypatch.setattr(choice, "has_torch", lambda: False)
    with pytest.raises(DeviceError, match="neither torch nor ONNX Runtime"):
        choose_backend("buildings", EngineSettings())


@pytest.mark.parametrize(
    ("engine", "error"),
    [
        (EngineSettings(backend="onnx", precision="bf16"), SettingsError),
        (EngineSettings(backend="onnx", device="cuda"), DeviceError),
    ],
)
def test_what_onnx_runtime_cannot_do_is_refused(
    monkeypatch: pytest.MonkeyPatch, engine: EngineSettings, error: type[FctlError]
) -> None:
    monkeypatch.setattr("fctl_geo.model.onnx_device.has_cuda_driver", lambda: False)
    with pytest.raises(error) as caught:
        open_networks("buildings", engine, Silent())
    assert "--backend torch" in caught.value.hint


def test_an_exported_model_gives_the_same_bytes_as_its_source_and_keeps_its_metadata(tmp_path: Path) -> None:
    from fctl_geo.model.onnx_export import export_onnx

    source, out = make_model(tmp_path / "m.safetensors", objects="b", patch_px=64, overlap_px=16), tmp_path / "m.onnx"
    export_onnx(source, out)
    assert read_model_info(out) == read_model_info(source)
    onnx.checker.check_model(onnx.load(out))
    scene = make_scene(tmp_path / "scene.tif", 150, 130)
    theirs = segment(scene, tmp_path / "torch.tif", model=str(source), refine=True)
    ours = segment(scene, tmp_path / "onnx.tif", model=str(out), refine=True)
    assert len(np.unique(ours)) > 2 and (ours != theirs).mean() <= 1e-3
    bare = read_onnx(out)
    with safe_open(str(source), framework="numpy") as file:
        empty(bare, set(file.keys()))
    graph_path(source).write_bytes(bare.SerializeToString())
    assert graph_path(source).stat().st_size < out.stat().st_size
    segment(scene, tmp_path / "graph.tif", model=str(source), refine=True, backend="onnx")
    with rasterio.open(tmp_path / "graph.tif") as raster:
        assert (raster.read(1) == ours).all()
    with pytest.raises(ModelFileError, match="an ONNX file, which torch cannot run"):
        segment(scene, tmp_path / "no.tif", model=str(out), backend="torch")


def test_a_graph_of_other_weights_is_refused(tmp_path: Path) -> None:
    path = make_model(tmp_path / "mine.safetensors")
    graph_path(path).write_bytes(graph_path(resolve_model("buildings")).read_bytes())
    with pytest.raises(ModelFileError, match=r"mine\.safetensors"):
        open_networks(str(path), EngineSettings(backend="onnx"), Silent())
