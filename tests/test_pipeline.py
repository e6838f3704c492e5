"""The laws of the whole flow, on real files with a real (small) network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from model_factory import make_model
from scene_factory import make_pixels, make_scene

from fctl_geo import Settings, segment_scene
from fctl_geo.errors import Cancelled, FctlError, OutputError
from fctl_geo.model.torch_device import TorchDevice
from fctl_geo.products.rings import count_polygons
from fctl_geo.products.summary import RunSummary
from fctl_geo.progress import Progress, Silent
from fctl_geo.settings import EngineSettings


def segment(scene: Path, out: Path, model: Path, **settings: object) -> RunSummary:
    outs = (out.with_suffix(".tif"), out.with_suffix(".gpkg"))
    values = {"model": str(model), "outs": outs, "overwrite": True, "device": "cpu", **settings}
    return segment_scene(scene, Settings.of(values)).summary


def classes_of(path: Path) -> np.ndarray:
    with rasterio.open(path.with_suffix(".tif")) as raster:
        return raster.read(1)


def bytes_of(out: Path) -> tuple[bytes, bytes]:
    return out.with_suffix(".tif").read_bytes(), out.with_suffix(".gpkg").read_bytes()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.safetensors", gsd_m=0.3)


class StarvingGpu(TorchDevice):
    """Says that it is a GPU in bf16, on whose memory not even a single patch fits after the first two."""

    def __init__(self, settings: EngineSettings, progress: Progress) -> None:
        super().__init__(settings, progress)
        self._precision, self.batch_size, self.patches = "bf16", 2, 0

    @property
    def is_cpu(self) -> bool:
        return bool(self._gave_up)

    def place(self, network: torch.nn.Module) -> torch.nn.Module:
        inner = getattr(network, "segment", None)

        def segment(*arguments: object) -> torch.Tensor:
            self.patches += 1
            if self.patches > 1 and not self.fallback:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return inner(*arguments)

        if inner is not None:
            network.segment = segment
        return super().place(network)


@pytest.mark.parametrize("refine", [False, True])
def test_products_say_what_computed_them_when_a_gpu_ran_out_of_memory(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, refine: bool
) -> None:
    scene = make_scene(tmp_path / "scene.tif", 300, 280, gsd=0.3)
    segment(scene, tmp_path / "plain", model, refine=refine)
    for module in ("torch_device", "torch_backend"):
        monkeypatch.setattr(f"fctl_geo.model.{module}.TorchDevice", StarvingGpu)
    monkeypatch.setattr("fctl_geo.model.torch_device._gpu_name", lambda device: "Pretend GPU")
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: "Pretend GPU")
    summary = segment(scene, tmp_path / "starved", model, refine=refine, threads=1)
    assert summary.device == "Pretend GPU in bf16, then cpu (1 thread): the GPU ran out of memory"
    with rasterio.open(tmp_path / "starved.tif") as starved, rasterio.open(tmp_path / "plain.tif") as plain:
        assert starved.tags()["FCTL_DEVICE"] == summary.device
        assert "FCTL_DEVICE" not in plain.tags()
    assert (classes_of(tmp_path / "starved") == classes_of(tmp_path / "plain")).mean() > 0.95


@pytest.mark.parametrize("gsd", [0.3, 0.17])
@pytest.mark.parametrize("refine", [False, True])
def test_neither_shards_nor_threads_show_in_the_bytes(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, gsd: float, refine: bool
) -> None:
    """Law 1."""
    scene = make_scene(tmp_path / "scene.tif", 619, 577, gsd=gsd, nodata=0, holes=True)
    products = set()
    for shard_px, threads in ((4608, 2), (256, 1), (300, 2)):
        monkeypatch.setattr("fctl_geo.run.shard_size.SHARD_PX", shard_px)
        (tmp_path / str(shard_px)).mkdir()
        segment(scene, tmp_path / str(shard_px) / "out", model, refine=refine, threads=threads)
        products.add(bytes_of(tmp_path / str(shard_px) / "out"))
    assert len(products) == 1
    assert len(np.unique(classes_of(tmp_path / "256" / "out"))) > 2, "a constant answer would prove nothing"


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 300, 200)
    segment(scene, tmp_path / "out", model)
    first = bytes_of(tmp_path / "out")
    segment(scene, tmp_path / "out", model)
    assert bytes_of(tmp_path / "out") == first


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 97), (97, 1), (127, 131), (128, 96), (331, 509)])
@pytest.mark.parametrize("refine", [False, True])
def test_every_valid_pixel_gets_one_class(tmp_path: Path, model: Path, size_hw: tuple[int, int], refine: bool) -> None:
    """Law 3."""
    pixels = make_pixels(3, *size_hw)
    pixels[:, size_hw[0] // 3 : size_hw[0] // 2] = 0
    scene = make_scene(tmp_path / "scene.tif", pixels=pixels, nodata=0, gsd=0.3)
    summary = segment(scene, tmp_path / "out", model, refine=refine)
    hole = (pixels == 0).all(axis=0)
    classes = classes_of(tmp_path / "out")
    assert ((classes == 255) == hole).all()
    assert set(np.unique(classes[~hole])) <= {0, 1, 2}
    assert summary.nodata_share == pytest.approx(hole.mean())


@pytest.mark.parametrize("merge", ["montage", "average", "blend"])
def test_patches_outside_the_area_of_interest_are_not_computed(tmp_path: Path, model: Path, merge: str) -> None:
    scene = make_scene(tmp_path / "scene.tif", 900, 900, gsd=0.3)
    west, north = 500_000.0, 4_600_000.0
    box = (west + 30, north - 60, west + 45, north - 30)
    progress = Told()
    outs = (tmp_path / "part.tif",)
    values = {"model": str(model), "outs": outs, "bbox": box, "merge": merge}
    segment_scene(scene, Settings.of(values), progress=progress)
    segment(scene, tmp_path / "whole", model, merge=merge)
    assert (classes_of(tmp_path / "part") == classes_of(tmp_path / "whole")[100:200, 100:150]).all()
    assert progress.totals["segment"] < 20, "of a hundred"


def test_tta_sees_the_scene_from_all_sides(tmp_path: Path, model: Path) -> None:
    """A flipped scene gets the flipped classes, if all flips are looked at (the grid being symmetrical)."""
    pixels = make_pixels(3, 96, 96)
    for name, picture in (("plain", pixels), ("flipped", pixels[:, :, ::-1])):
        scene = make_scene(tmp_path / f"{name}.tif", pixels=np.ascontiguousarray(picture), gsd=0.3)
        for tta in ("none", "d4"):
            segment(scene, tmp_path / f"{name}-{tta}", model, tta=tta)
    differ = {
        tta: (classes_of(tmp_path / f"plain-{tta}") != classes_of(tmp_path / f"flipped-{tta}")[:, ::-1]).mean()
        for tta in ("none", "d4")
    }
    assert differ["d4"] < 0.001 and differ["none"] > 0.01, "sums round in another order, that is all"


def test_a_killed_run_leaves_no_product_and_resumes_to_the_same_bytes(tmp_path: Path, model: Path) -> None:
    """Law 6, with kill -9."""
    scene = make_scene(tmp_path / "scene.tif", 1500, 700, gsd=0.3)
    code = (
        "import sys; from pathlib import Path; import fctl_geo.run.shard_size as memory; memory.SHARD_PX = 256;"
        "from fctl_geo import *; scene, model, out, resume = sys.argv[1:];"
        "segment_scene(scene, Settings.of(dict(model=model, outs=(Path(out),), threads=1, device='cpu',"
        " resume=resume == 'yes', overwrite=True)))"
    )

    def run(out: Path, resume: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", code, str(scene), str(model), str(out), resume])

    out, work = tmp_path / "out.tif", tmp_path / ".out.tif.fctl-work"
    process = run(out, "no")
    deadline = time.monotonic() + 120
    while len(list(work.glob("classes-r*.tif"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    done = {p.name: p.stat().st_mtime_ns for p in work.glob("classes-r*.tif")}
    assert len(done) >= 3
    assert run(out, "yes").wait() == 0
    assert not work.exists()
    segment(scene, tmp_path / "whole", model)
    assert out.read_bytes() == (tmp_path / "whole.tif").read_bytes()


def test_a_cancelled_run_keeps_the_old_output_and_tells_how_to_resume(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 300, 300)
    out = tmp_path / "out.tif"
    out.write_bytes(b"the old one")
    settings = Settings.of({"model": str(model), "outs": (out,), "overwrite": True})
    with pytest.raises(Cancelled, match="stopped") as caught:
        segment_scene(scene, settings, progress=Told(cancel_after=2))
    assert "--resume" in caught.value.hint
    assert out.read_bytes() == b"the old one"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_damaged_scene_leaves_nothing_and_names_the_place(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 600, 600)
    whole = scene.read_bytes()
    scene.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FctlError) as caught:
        segment(scene, tmp_path / "out", model)
    assert "scene.tif" in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["scene.tif"]


def test_resuming_with_other_settings_is_refused(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 300, 300)
    work = tmp_path / ".out.tif.fctl-work"
    work.mkdir()
    (work / "run.json").write_text('{"key": "another"}')
    (work / "classes-r00000-c00000.tif").write_bytes(b"")
    with pytest.raises(OutputError, match="a different scene, model or settings"):
        segment(scene, tmp_path / "out", model, resume=True)
    assert work.exists(), "somebody else's finished shards are kept"


@pytest.mark.skipif(os.name != "posix", reason="locks are POSIX")
def test_two_runs_into_the_same_output_are_refused(tmp_path: Path) -> None:
    from fctl_geo.run.work_folder import ShardOrigin, work_folder

    origin = ShardOrigin("a", 256)
    with (
        work_folder(tmp_path / "out.tif", origin, Silent(), resume=False),
        pytest.raises(OutputError, match="another run"),
        work_folder(tmp_path / "out.tif", origin, Silent(), resume=True),
    ):
        pass
    with work_folder(tmp_path / "out.tif", origin, Silent(), resume=True):
        pass


def test_a_finished_shard_that_was_damaged_is_made_again(tmp_path: Path, model: Path) -> None:
    """Resuming trusts checksums, not names."""
    scene = make_scene(tmp_path / "scene.tif", 300, 900, gsd=0.3)
    segment(scene, tmp_path / "whole", model)
    out, work = tmp_path / "out.tif", tmp_path / ".out.tif.fctl-work"
    settings = Settings.of({"model": str(model), "outs": (out,), "overwrite": True, "device": "cpu"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fctl_geo.run.shard_size.SHARD_PX", 256)
        patch.setattr("fctl_geo.products.publish.write_cog", stop)
        with pytest.raises(Cancelled):
            segment_scene(scene, settings)
        shards = sorted(work.glob("classes-r*.tif"))
        assert len(shards) > 3
        shards[1].write_bytes(shards[0].read_bytes())
        patch.undo()  # shards are large again, and yet those of the run that is gone on with are kept
        told = Told()
        segment_scene(scene, replace(settings, output=replace(settings.output, resume=True)), progress=told)
    assert [words for words in told.warnings if "1 of" in words and "recomputed" in words]
    assert out.read_bytes() == (tmp_path / "whole.tif").read_bytes()


def stop(*_: object, **__: object) -> None:
    raise Cancelled("stopped", hint="")


@pytest.mark.skipif(os.name != "posix", reason="locks are POSIX")
def test_two_runs_that_share_their_second_output_are_refused(tmp_path: Path) -> None:
    from fctl_geo.run.work_folder import ShardOrigin, hold_outputs, work_folder

    shared, origin = tmp_path / "b.gpkg", ShardOrigin("a", 256)
    with hold_outputs([shared]), work_folder(tmp_path / "a.tif", origin, Silent(), resume=False):
        with pytest.raises(OutputError, match="another run"), work_folder(shared, origin, Silent(), resume=False):
            pass
        with pytest.raises(OutputError, match="another run"), hold_outputs([shared]):
            pass
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_vanishes_is_told(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 300, 300)
    (tmp_path / "gone").mkdir()

    class Vandal(Told):
        def advance(self, steps: int = 1) -> None:
            super().advance(steps)
            shutil.rmtree(tmp_path / "gone", ignore_errors=True)

    settings = Settings.of({"model": str(model), "outs": (tmp_path / "gone" / "out.tif",), "device": "cpu"})
    with pytest.raises(OutputError, match="gone disappeared"):
        segment_scene(scene, settings, progress=Vandal())


def test_a_style_of_something_else_is_kept_unless_overwriting(tmp_path: Path, model: Path) -> None:
    """town.qml may belong to the user's town.shp."""
    scene, style = make_scene(tmp_path / "scene.tif", 200, 200, gsd=0.3), tmp_path / "town.qml"
    style.write_text("mine")
    outs = (tmp_path / "town.tif", tmp_path / "town.fgb", tmp_path / "other.parquet")
    segment(scene, tmp_path / "town", model, outs=outs, overwrite=False)
    assert style.read_text() == "mine" and "renderer-v2" in (tmp_path / "other.qml").read_text()
    segment(scene, tmp_path / "town", model, outs=outs)
    assert "paletted" in style.read_text() and "renderer-v2" in style.read_text()


def test_what_a_killed_run_left_beside_the_outputs_is_cleared(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 200, 200)
    (tmp_path / ".out.gpkg.partial-abcd").mkdir()
    (tmp_path / ".out.gpkg.partial-abcd" / "out.gpkg-journal").write_bytes(b"x")
    (tmp_path / ".out.tif.partial-1234.tif").write_bytes(b"x")
    (tmp_path / ".other.tif.partial-1234.tif").write_bytes(b"somebody else's")
    segment(scene, tmp_path / "out", model)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == [".other.tif.partial-1234.tif"]


def test_what_does_not_fit_into_memory_is_refused_with_both_numbers(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 300, 300)
    with pytest.raises(FctlError, match=r"needs at least \d+ MiB, but --max-memory is 100 MiB"):
        segment(scene, tmp_path / "out", model, max_memory_bytes=100 << 20)


def test_sieved_rasters_and_polygons_agree(tmp_path: Path, model: Path) -> None:
    import pyogrio
    import rasterio.features

    scene = make_scene(tmp_path / "scene.tif", 400, 300, gsd=0.3)
    segment(scene, tmp_path / "out", model, min_area_m2=4.0, refine=False)
    classes = classes_of(tmp_path / "out")
    frame = pyogrio.read_dataframe(tmp_path / "out.gpkg", layer="out")
    with rasterio.open(tmp_path / "out.tif") as raster:
        burnt = rasterio.features.rasterize(
            zip(frame.geometry, frame.class_id, strict=True), raster.shape, transform=raster.transform, dtype="uint8"
        )
    assert (burnt == np.where(classes == 255, 0, classes)).all()
    assert frame.area_m2.min() >= 3.99


class Told(Silent):
    """Remembers what was told; asks to stop after so many steps."""

    def __init__(self, cancel_after: int | None = None) -> None:
        self.totals: dict[str, int] = {}
        self.warnings: list[str] = []
        self.steps, self.cancel_after = 0, cancel_after

    def stage(self, name: str, total: int) -> None:
        self.totals[name] = total

    def advance(self, steps: int = 1) -> None:
        self.steps += steps

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    @property
    def cancelled(self) -> bool:  # type: ignore[override]
        return self.cancel_after is not None and self.steps >= self.cancel_after


def test_the_summary_counts_the_regions_that_were_cut(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 300, 280, gsd=0.3)
    whole = segment(scene, tmp_path / "whole", model)
    cut = segment(scene, tmp_path / "cut", model, max_vertices=4)
    assert (whole.cut_regions, whole.parts) == (0, 0)
    assert cut.parts > cut.cut_regions >= 1
    more = count_polygons(tmp_path / "cut.gpkg") - count_polygons(tmp_path / "whole.gpkg")
    assert more == cut.parts - cut.cut_regions
    written = json.loads(cut.to_json())
    assert (written["cut_regions"], written["parts"]) == (cut.cut_regions, cut.parts)
