"""Separate hosts: a scheduler and workers of a running cluster, over TCP, with a shared folder."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import Relay, make_hosts, start_scheduler, start_workers
from scene_factory import make_scene

from fctl_geo import Settings, segment_scene
from fctl_geo.cluster import open_cluster
from fctl_geo.errors import ClusterError

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

MOST_BYTES_A_SHARD = 10_000


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr("fctl_geo.run.shard_size.SHARD_PX", 256)
        yield


def settings_of(model: Path, out: Path, **values: object) -> Settings:
    return Settings.of({"model": str(model), "device": "cpu", "outs": (out,), **values})


def test_hosts_give_the_bytes_of_one_process_though_one_is_lost(tmp_path: Path, model: Path) -> None:
    """Three hosts; a worker is killed (-9) amid the work, and nobody starts it again."""
    scene = make_scene(tmp_path / "scene.tif", 1100, 800)
    out = tmp_path / "many.tif"
    work = tmp_path / ".many.tif.fctl-work"
    with (
        make_hosts(4) as hosts,
        start_scheduler(hosts[0], tmp_path) as (address, _),
        start_workers(hosts[1:], address, tmp_path) as workers,
        open_cluster(scheduler=address) as executor,
    ):
        executor._client.wait_for_workers(3, timeout=120)
        killer = threading.Thread(target=kill_when_busy, args=(workers[0], work))
        killer.start()
        segment_scene(scene, settings_of(model, out), executor=executor)
        killer.join()
        assert workers[0].wait(10) == -signal.SIGKILL
        assert len(executor._client.nthreads()) == 2
    segment_scene(scene, settings_of(model, tmp_path / "one.tif"))
    assert out.read_bytes() == (tmp_path / "one.tif").read_bytes()


def test_a_shard_costs_the_scheduler_less_than_ten_kilobytes(tmp_path: Path, model: Path) -> None:
    """Every byte between the scheduler and client and workers is counted on the wire, heartbeats too."""
    scene = make_scene(tmp_path / "scene.tif", 1500, 1500)
    with make_hosts(1) as hosts, start_scheduler(hosts[0], tmp_path) as (address, _):
        relay = Relay(address)
        with (
            start_workers(hosts * 2, relay.address, tmp_path),
            open_cluster(scheduler=relay.address) as executor,
        ):
            executor._client.wait_for_workers(2, timeout=120)
            segment_scene(
                make_scene(tmp_path / "first.tif", 300, 300), settings_of(model, tmp_path / "f.tif"), executor=executor
            )
            before = relay.passed_bytes
            segment_scene(scene, settings_of(model, tmp_path / "many.tif"), executor=executor)
            passed = relay.passed_bytes - before
        relay.close()
    shards = 36
    print(f"{passed / shards:.0f} bytes a shard")
    assert 0 < passed / shards < MOST_BYTES_A_SHARD


def test_a_scheduler_that_dies_is_told_and_the_run_goes_on_without_it(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "scene.tif", 1100, 800)
    out, work = tmp_path / "out.tif", tmp_path / ".out.tif.fctl-work"
    with (
        make_hosts(1) as hosts,
        start_scheduler(hosts[0], tmp_path) as (address, scheduler),
        start_workers(hosts, address, tmp_path),
        open_cluster(scheduler=address) as executor,
    ):
        killer = threading.Thread(target=kill_when_busy, args=(scheduler, work))
        killer.start()
        start = time.monotonic()
        with pytest.raises(ClusterError, match="scheduler was lost") as caught:
            segment_scene(scene, settings_of(model, out), executor=executor)
        killer.join()
        assert time.monotonic() - start < 60
        assert "the same command" in caught.value.hint and not out.exists()
    assert list(work.glob("classes-r*.json")), "what was finished is kept"
    segment_scene(scene, settings_of(model, out, resume=True))
    segment_scene(scene, settings_of(model, tmp_path / "one.tif"))
    assert out.read_bytes() == (tmp_path / "one.tif").read_bytes()


def kill_when_busy(process: object, work: Path) -> None:
    """Kill a process once some shards are done and some are under way."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if len(list(work.glob("classes-r*.json"))) >= 2 and list(work.glob(".*partial*")):
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)  # type: ignore[attr-defined]
