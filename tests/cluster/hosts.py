"""Hosts for a real Dask scheduler and workers: network namespaces where we may make them, else loopback addresses."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Host:
    """One machine, or what looks like one to Dask."""

    address: str
    prefix: tuple[str, ...] = ()
    """What a command begins with to run there."""


@contextmanager
def make_hosts(count: int) -> Iterator[list[Host]]:
    """Hosts of a network of their own; the first is this one. Without the right to make them, addresses of loopback."""
    with ExitStack() as stack:
        try:
            yield stack.enter_context(_namespaces(count))
        except PermissionError:
            yield [Host(f"127.0.0.{i + 2}") for i in range(count)]


@contextmanager
def _namespaces(count: int) -> Iterator[list[Host]]:
    name = f"f{secrets.token_hex(3)}"
    net = f"10.231.{secrets.randbelow(250)}"
    names = [f"{name}n{i}" for i in range(1, count)]
    try:
        _ip("link", "add", name, "type", "bridge")
        _ip("addr", "add", f"{net}.1/24", "dev", name)
        _ip("link", "set", name, "up")
        for i, space in enumerate(names, start=2):
            _ip("netns", "add", space)
            _ip("link", "add", f"{name}v{i}", "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("link", "set", f"{name}v{i}", "master", name, "up")
            _ip("-n", space, "addr", "add", f"{net}.{i}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "eth0", "up")
            _ip("-n", space, "link", "set", "lo", "up")
        spaces = [Host(f"{net}.{i}", ("ip", "netns", "exec", space)) for i, space in enumerate(names, start=2)]
        yield [Host(f"{net}.1"), *spaces]
    finally:
        for space in names:
            with suppress(PermissionError):
                _ip("netns", "del", space)
        with suppress(PermissionError):
            _ip("link", "del", name)


def _ip(*words: str) -> None:
    try:
        subprocess.run(["ip", *words], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PermissionError(str(error)) from error


@contextmanager
def start_scheduler(host: Host, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler's address and process."""
    file = folder / "scheduler.json"
    code = "from distributed.cli.dask_scheduler import main; main()"
    arguments = ["--host", host.address, "--port", "0", "--scheduler-file", str(file), "--no-dashboard"]
    with _process(host, [sys.executable, "-c", code, *arguments], folder / "scheduler.log") as process:
        yield _wait_json(file)["address"], process


@contextmanager
def start_workers(hosts: Sequence[Host], scheduler: str, folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A worker without a nanny on each host: one that is killed stays dead."""
    code = "from distributed.cli.dask_worker import main; main()"
    with ExitStack() as stack:
        processes = []
        for i, host in enumerate(hosts):
            local = folder / f"scratch-{i}"
            arguments = [scheduler, "--host", host.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
            command = [sys.executable, "-c", code, *arguments, "--local-directory", str(local)]
            processes.append(stack.enter_context(_process(host, command, folder / f"worker-{i}.log")))
        yield processes


@contextmanager
def _process(host: Host, command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen([*host.prefix, *command], stdout=out, stderr=out, env=environment)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _wait_json(path: Path, most_s: float = 90) -> dict[str, str]:
    deadline = time.monotonic() + most_s
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError, ValueError):
            return dict(json.loads(path.read_text()))
        time.sleep(0.05)
    raise TimeoutError(f"{path} did not appear")


class Relay:
    """Passes bytes on to a TCP address and counts them, both ways."""

    def __init__(self, target: str) -> None:
        import socket

        host, _, port = target.removeprefix("tcp://").rpartition(":")
        self._target = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self.passed_bytes = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        import socket

        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(self._target)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: object, sink: object) -> None:
        with suppress(OSError):
            while chunk := source.recv(1 << 16):  # type: ignore[attr-defined]
                with self._lock:
                    self.passed_bytes += len(chunk)
                sink.sendall(chunk)  # type: ignore[attr-defined]
        for end in (source, sink):
            with suppress(OSError):
                end.close()  # type: ignore[attr-defined]

    def close(self) -> None:
        self._server.close()
