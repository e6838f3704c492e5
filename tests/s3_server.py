"""A real S3 server (moto's) in a process of its own, and the variables that point GDAL and boto3 to it.

Run with a port, it serves; GET /served answers with JSON: requests for objects, and bytes of them that were sent.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

BUCKET = "maps"


@dataclass(frozen=True)
class S3:
    """A running server with an empty bucket 'maps'."""

    address: str
    client: Any

    def objects(self) -> dict[str, int]:
        """Size by key."""
        return {o["Key"]: o["Size"] for o in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", ())}

    @property
    def served(self) -> dict[str, int]:
        """Requests for objects so far, and bytes of their content that were sent."""
        with urllib.request.urlopen(f"{self.address}/served") as answer:
            return dict(json.loads(answer.read()))

    def uploads(self) -> int:
        """How many uploads in parts were begun and neither finished nor called off."""
        return len(self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ()))


def variables(address: str) -> dict[str, str]:
    """What a user sets for a server of their own."""
    return {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address,
        "AWS_S3_ENDPOINT": address.removeprefix("http://"),
        "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def running_s3() -> Iterator[S3]:
    """Starts the server; stops it after."""
    import boto3

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, __file__, str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet, env={**os.environ, **variables(address)}) as process:
        try:
            _wait(f"{address}/moto-api/")
            client = boto3.client(
                "s3", endpoint_url=address, aws_access_key_id="key", aws_secret_access_key="secret",
                region_name="us-east-1",
            )  # fmt: skip
            client.create_bucket(Bucket=BUCKET)
            yield S3(address, client)
        finally:
            process.terminate()


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(url):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")


class Counting:
    """moto's WSGI application, with every answer to a request for an object counted."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self._served = {"requests": 0, "bytes": 0}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/served":
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(self._served).encode()]
        answer = self._application(environ, start_response)
        is_object = environ["PATH_INFO"].startswith(f"/{BUCKET}/") and environ["REQUEST_METHOD"] in ("GET", "HEAD")
        return self._counted(answer) if is_object else answer

    def _counted(self, answer: Iterable[bytes]) -> Iterator[bytes]:
        self._served["requests"] += 1
        for piece in answer:
            self._served["bytes"] += len(piece)
            yield piece


def serve(port: int) -> None:
    """Until it is ended."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    application = Counting(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", port, application, threaded=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
