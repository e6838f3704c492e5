"""Law 1 on many processes: the same bytes as one, whoever dies on the way; and pixels never pass the scheduler."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from scene_factory import make_scene

from fctl_geo import Settings, segment_scene
from fctl_geo.batch.inputs import find_scenes
from fctl_geo.batch.run_batch import BatchSettings, run_batch
from fctl_geo.cluster import open_cluster
from fctl_geo.cluster.executor import DaskExecutor, cut_runs
from fctl_geo.errors import Cancelled, ClusterError, FctlError
from fctl_geo.progress import Silent
from fctl_geo.run.shard_size import SHARD_PX
from fctl_geo.settings import EngineSettings
from fctl_geo.windows.shards import cut_shards, runs_downwards

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here alone: the workers are told the size."""
    monkeypatch.setattr("fctl_geo.run.shard_size.SHARD_PX", 256)


def settings_of(model: Path, *outs: Path, **values: object) -> Settings:
    return Settings.of({"model": str(model), "device": "cpu", "overwrite": True, "outs": outs, **values})


def outs_of(folder: Path) -> tuple[Path, Path]:
    folder.mkdir(exist_ok=True)
    return folder / "out.tif", folder / "out.gpkg"


def alone(scene: Path, folder: Path, model: Path, **values: object) -> list[bytes]:
    """The bytes of one process, in one shard."""
    outs = outs_of(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fctl_geo.run.shard_size.SHARD_PX", SHARD_PX)
        segment_scene(scene, settings_of(model, *outs, **values))
    return [path.read_bytes() for path in outs]


@pytest.mark.parametrize("refine", [False, True])
def test_workers_give_the_bytes_of_one_process(
    tmp_path: Path, model: Path, executor: DaskExecutor, refine: bool
) -> None:
    scene = make_scene(tmp_path / "scene.tif", 619, 577, nodata=0, holes=True)
    outs, progress = outs_of(tmp_path / "many"), Told()
    run = segment_scene(scene, settings_of(model, *outs, refine=refine), executor=executor, progress=progress)
    summary = run.summary
    assert [path.read_bytes() for path in outs] == alone(scene, tmp_path / "one", model, refine=refine)
    assert "2 workers" in summary.device
    assert progress.steps["segment"] == progress.totals["segment"] > 0
    assert not list(tmp_path.glob("many/.*")), "the work folder is gone"


def test_what_was_finished_before_is_not_done_again(tmp_path: Path, model: Path, executor: DaskExecutor) -> None:
    scene = make_scene(tmp_path / "scene.tif", 600, 900)
    outs, progress = outs_of(tmp_path / "many"), Told()
    settings = settings_of(model, *outs, resume=None)
    work = tmp_path / "many" / ".out.tif.fctl-work"
    stop_early = Told(cancel_when=lambda: any(work.glob("classes-r*.json")))
    with pytest.raises(Cancelled):
        segment_scene(scene, settings, executor=executor, progress=stop_early)
    wait_for(lambda: not list(work.glob(".*partial*")), "workers hear that nobody waits, and clean up")
    kept = {path: path.stat().st_mtime_ns for path in work.glob("classes-r*.tif")}
    assert kept
    segment_scene(scene, settings, executor=executor, progress=progress)
    assert any("are already finished" in words for words in progress.words)
    assert [path.read_bytes() for path in outs] == alone(scene, tmp_path / "one", model)


def test_poisoned_shards_fail_alone_and_are_named(tmp_path: Path, model: Path, executor: DaskExecutor) -> None:
    """A block at the right end is broken; contexts are read in tiles of 768 px, so four shards of 256 px need it."""
    scene = make_scene(tmp_path / "scene.tif", 3000, 256, block=64, compress=None)
    healthy, times = scene.read_bytes(), scene.stat()
    damage_block(scene, block=3 * 47 - 1)
    os.utime(scene, ns=(times.st_atime_ns, times.st_mtime_ns))
    outs = outs_of(tmp_path / "many")
    settings = settings_of(model, *outs, resume=None)
    with pytest.raises(
        ClusterError, match=r"4 of 12 shards could not be computed \(r00000-c000\d\d: .*damaged"
    ) as caught:
        segment_scene(scene, settings, executor=executor)
    named = {words for words in caught.value.message.split() if words.strip("(:").startswith("r00000")}
    assert {words.strip("(:") for words in named} == {f"r00000-c{c:05d}" for c in (8, 9, 10, 11)}
    assert "--resume" in caught.value.hint
    work = tmp_path / "many" / ".out.tif.fctl-work"
    assert len(list(work.glob("classes-r*.json"))) == 8 and not outs[0].exists()
    scene.write_bytes(healthy)
    os.utime(scene, ns=(times.st_atime_ns, times.st_mtime_ns))
    progress = Told()
    segment_scene(scene, settings, executor=executor, progress=progress)
    assert any("8 of 12 shards are already finished" in words for words in progress.words)
    assert [path.read_bytes() for path in outs] == alone(scene, tmp_path / "one", model)


def test_scenes_are_tasks_and_one_that_fails_is_named(tmp_path: Path, model: Path, executor: DaskExecutor) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(4):
        make_scene(folder / f"s{i}.tif", 90, 70, seed=i)
    (folder / "bad.tif").write_bytes(b"bad")
    settings, progress = settings_of(model), Told()
    batch = BatchSettings(tmp_path / "many", formats=("tif",))
    summary = run_batch(find_scenes([str(folder)]), batch, settings, executor=executor, progress=progress)
    assert (summary.done, [ended.name for ended in summary.failed]) == (4, ["bad"])
    assert progress.steps["batch"] == progress.totals["batch"] == 5000
    run_batch(find_scenes([str(folder)]), replace(batch, out=tmp_path / "one"), settings)
    for path in (tmp_path / "one").glob("*.tif"):
        assert (tmp_path / "many" / path.name).read_bytes() == path.read_bytes()
    again = run_batch(find_scenes([str(folder)]), batch, settings, executor=executor)
    assert (again.done, again.unchanged, len(again.failed)) == (0, 4, 1)


@pytest.mark.parametrize("large_px", [300 * 300, 10**9], ids=["shared out", "whole"])
def test_a_scene_that_takes_too_long_is_stopped_on_workers_too(
    tmp_path: Path, model: Path, executor: DaskExecutor, monkeypatch: pytest.MonkeyPatch, large_px: int
) -> None:
    monkeypatch.setattr("fctl_geo.batch.run_batch.LARGE_PX", large_px)
    (tmp_path / "in").mkdir()
    make_scene(tmp_path / "in" / "s.tif", 600, 500)
    scenes, batch = find_scenes([str(tmp_path / "in")]), BatchSettings(tmp_path / "out", time_limit_s=1e-3)
    (late,) = run_batch(scenes, batch, settings_of(model), executor=executor).failed
    assert late.name == "s" and "time limit" in late.error
    assert run_batch(scenes, replace(batch, time_limit_s=None), settings_of(model), executor=executor).done == 1


def test_a_large_scene_of_a_batch_is_shared_out(
    tmp_path: Path, model: Path, executor: DaskExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fctl_geo.batch.run_batch.LARGE_PX", 300 * 300)
    (tmp_path / "in").mkdir()
    scene = make_scene(tmp_path / "in" / "large.tif", 600, 500)
    make_scene(tmp_path / "in" / "small.tif", 90, 70)
    batch = BatchSettings(tmp_path / "many", formats=("tif", "gpkg"))
    summary = run_batch(find_scenes([str(tmp_path / "in")]), batch, settings_of(model), executor=executor)
    assert summary.done == 2
    produced = [(tmp_path / "many" / f"large.{ending}").read_bytes() for ending in ("tif", "gpkg")]
    assert produced[0] == alone(scene, tmp_path / "one", model)[0]


def test_a_worker_that_cannot_see_the_folder_says_so(tmp_path: Path, model: Path, executor: DaskExecutor) -> None:
    from fctl_geo.cluster import tasks

    task = tasks.ShardTask("x.tif", settings_of(model), 256, "a", tmp_path / "elsewhere", "classes", ((0, 0),))
    future = executor._client.submit(tasks.write_shards, task, "topic", "some-key", key="some-key")
    with pytest.raises(FctlError, match="is not visible from") as caught:
        future.result()
    assert "share" in caught.value.hint, "errors travel with their hint"


def test_a_scene_that_is_not_there_is_told_in_the_usual_words(
    tmp_path: Path, model: Path, executor: DaskExecutor
) -> None:
    with pytest.raises(FctlError, match="does not exist"):
        segment_scene(tmp_path / "no.tif", settings_of(model, *outs_of(tmp_path / "many")), executor=executor)


def test_no_scheduler_is_told_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fctl_geo.cluster.open._CONNECT_S", 1)
    with (
        pytest.raises(ClusterError, match=r"tcp://127\.0\.0\.1:1") as caught,
        open_cluster(scheduler="tcp://127.0.0.1:1"),
    ):
        pass
    assert "dask scheduler" in caught.value.hint


def test_a_killed_worker_does_not_show_in_the_bytes(tmp_path: Path, model: Path) -> None:
    """Three processes; one is killed (-9) in the middle of a shard."""
    scene = make_scene(tmp_path / "scene.tif", 1200, 800)
    outs = outs_of(tmp_path / "many")
    with open_cluster(EngineSettings(threads=1), workers=3) as executor:
        killed: list[int] = []
        work = tmp_path / "many" / ".out.tif.fctl-work"
        killer = threading.Thread(target=kill_one, args=(executor, work, killed))
        killer.start()
        segment_scene(scene, settings_of(model, *outs), executor=executor)
        killer.join()
    assert len(killed) == 1
    assert [path.read_bytes() for path in outs] == alone(scene, tmp_path / "one", model)


@pytest.mark.parametrize("death", ["crash", "hunger"])
def test_a_shard_that_kills_every_worker_is_named_and_the_others_are_kept(
    tmp_path: Path, model: Path, death: str
) -> None:
    """What a fault in a library does, and what the memory limit does."""
    import dask

    scene = make_scene(tmp_path / "scene.tif", 256, 1100)
    outs = outs_of(tmp_path / "many")
    engine = EngineSettings(max_memory_bytes=1500 << 20)
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), open_cluster(engine, workers=2) as executor:
        executor._client.register_plugin(deadly_plugin(death))
        with pytest.raises(ClusterError, match=r"r00003-c00000: every worker that tried it died"):
            segment_scene(scene, settings_of(model, *outs), executor=executor)
    work = tmp_path / "many" / ".out.tif.fctl-work"
    assert len(list(work.glob("classes-r*.json"))) == 4, "of five"
    segment_scene(scene, settings_of(model, *outs, resume=True))
    assert [path.read_bytes() for path in outs] == alone(scene, tmp_path / "one", model)


def test_runs_are_cut_into_tasks_that_hold_every_shard_once() -> None:
    runs = list(runs_downwards(cut_shards(256 * 40, 256 * 5, 256)))
    for workers in (1, 2, 16, 1000):
        pieces = cut_runs(runs, workers, rows_a_shard=9)
        assert [shard for piece in pieces for shard in piece] == [shard for run in runs for shard in run]
        assert all(len(list(runs_downwards(list(piece)))) == 1 for piece in pieces), "each is one downward run"
    assert [len(cut_runs(runs, workers, 9)) for workers in (1, 5, 1000)] == [5, 5, 200]
    assert 5 < len(cut_runs(runs, 2, 9)) < 200, "five runs for two: one of them would wait for the fifth"


def deadly_plugin(death: str) -> object:
    """Lets every worker, new ones too, end when it begins the shard of row 3."""
    import sys

    import cloudpickle
    from distributed import WorkerPlugin

    class Deadly(WorkerPlugin):
        def setup(self, worker: object) -> None:
            import fctl_geo.run.sweep_shards

            create = fctl_geo.run.sweep_shards.ShardFiles.__init__

            def deadly(self: object, folder: object, shard: object, *arguments: object) -> None:
                if shard.row_index == 3 and death == "crash":  # type: ignore[attr-defined]
                    os._exit(77)
                eaten = []
                while shard.row_index == 3 and len(eaten) < 20:  # type: ignore[attr-defined]
                    eaten.append(b"x" * (200 << 20))
                    time.sleep(0.1)
                create(self, folder, shard, *arguments)  # type: ignore[arg-type]

            fctl_geo.run.sweep_shards.ShardFiles.__init__ = deadly  # type: ignore[method-assign,assignment]

    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers have no tests
    return Deadly()


def kill_one(executor: DaskExecutor, work: Path, killed: list[int]) -> None:
    """Kill a worker as soon as some shards are done and some are under way."""
    pids = list(executor._client.run(os.getpid).values())
    wait_for(lambda: len(list(work.glob("classes-r*.json"))) >= 2 and list(work.glob(".*partial*")))
    os.kill(pids[0], signal.SIGKILL)
    killed.append(pids[0])


def damage_block(path: Path, block: int) -> None:
    """Let a tile of an uncompressed TIFF lie behind the end of the file."""
    import struct

    import rasterio

    with rasterio.open(path) as dataset:
        cols = -(-dataset.width // 64)
        offset = int(dataset.get_tag_item(f"BLOCK_OFFSET_{block % cols}_{block // cols}", "TIFF", bidx=1))
    content = path.read_bytes()
    assert content.count(struct.pack("<I", offset)) == 1
    path.write_bytes(content.replace(struct.pack("<I", offset), struct.pack("<I", len(content) + 1000)))


def wait_for(condition: Callable[[], object], why: str = "", most_s: float = 120) -> None:
    deadline = time.monotonic() + most_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition(), why


class Told(Silent):
    """Records messages; cancels as soon as a condition holds."""

    def __init__(self, cancel_when: Callable[[], bool] = lambda: False) -> None:
        self.totals: dict[str, int] = {}
        self.steps: dict[str, int] = {}
        self.words: list[str] = []
        self.cancel_when, self.stage_name = cancel_when, ""

    def stage(self, name: str, total: int) -> None:
        self.stage_name, self.totals[name], self.steps[name] = name, total, 0

    def advance(self, steps: int = 1) -> None:
        self.steps[self.stage_name] += steps

    def say(self, text: str) -> None:
        self.words.append(text)

    @property
    def cancelled(self) -> bool:  # type: ignore[override]
        return self.cancel_when()
