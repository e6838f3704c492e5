"""Remote outputs (s3://bucket/key): created locally, in the temporary folder, and uploaded when they are complete.

This uses boto3, because it finds keys as GDAL and the AWS tools do (variables, ~/.aws, roles, single sign-on) and
uploads in parts that S3 joins in one step or not at all. GDAL's own copy to /vsis3 is not exposed by the Python wheels.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fctl_geo.errors import OutputError
from fctl_geo.progress import Progress, check_cancelled
from fctl_geo.storage.address import address_of
from fctl_geo.storage.media_types import MEDIA_TYPES
from fctl_geo.storage.staging import staged_path, tidy_staged

_PART_BYTES = 16 << 20
_THREADS = 4
_NO_KEYS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
_DENIED = ("403", "AccessDenied", "Forbidden", "AllAccessDisabled")
_BAD_KEYS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AuthFailure")


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """Where an output will be stored, and where it is created."""

    address: str
    """s3://bucket/key"""
    local: Path
    """In its own folder, which depends only on address and user: a resumed run finds its finished shards there."""

    @property
    def bucket(self) -> str:
        return self.address.removeprefix("s3://").partition("/")[0]

    @property
    def key(self) -> str:
        return self.address.removeprefix("s3://").partition("/")[2]

    @staticmethod
    def of(path: Path, staging: Path | None = None) -> RemotePlace | None:
        """The place of an output given by address, with its local folder created; None for a local output.

        Args:
            staging: where it is created; None: in the temporary folder.
        Raises:
            OutputError: the address cannot be written to.
        """
        address = address_of(path)
        if address is None:
            return None
        if "/" not in _on_s3(address):
            raise _not_ours(address)
        return RemotePlace(address, staged_path(address, path.name, staging))

    def check(self, *, overwrite: bool) -> None:
        """Refuse now what would fail after hours of work: wrong keys, bucket or permissions, or an existing object.

        Raises:
            OutputError: says what is wrong.
        """
        client = _client(self.address)
        with _s3_errors(self.address):
            if not overwrite and self._exists(client):
                raise OutputError(f"{self.address} already exists", hint="choose another name, or pass --overwrite")
            # An upload that is started and aborted needs the same permissions and leaves nothing behind.
            begun = client.create_multipart_upload(Bucket=self.bucket, Key=self.key)
            client.abort_multipart_upload(Bucket=self.bucket, Key=self.key, UploadId=begun["UploadId"])

    def upload(self, progress: Progress) -> None:
        """Upload the sidecars first and the product last, so that a visible product is complete; then delete them here.

        Raises:
            OutputError: the upload failed; the finished files are still in the local folder.
            Cancelled: the user stopped it.
        """
        client = _client(self.address)
        files = [p for p in sorted(self.local.parent.iterdir()) if not p.name.startswith(".") and p != self.local]
        files.append(self.local)
        progress.stage("upload", sum(file.stat().st_size for file in files))
        folder = self.address.rpartition("/")[0]
        for file in files:
            with _s3_errors(f"{folder}/{file.name}"):
                self._send(client, file, progress)
        for file in files:
            file.unlink()

    def tidy(self) -> None:
        """Remove the local folder, unless it holds finished shards."""
        tidy_staged(self.local)

    def _exists(self, client: Any) -> bool:
        from botocore.exceptions import ClientError

        try:
            client.head_object(Bucket=self.bucket, Key=self.key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
                return False
            raise
        return True

    def _send(self, client: Any, file: Path, progress: Progress) -> None:
        from boto3.s3.transfer import TransferConfig

        lock = threading.Lock()

        def advance(sent_bytes: int) -> None:
            with lock:
                check_cancelled(progress)
                progress.advance(sent_bytes)

        client.upload_file(
            str(file),
            self.bucket,
            self.key.removesuffix(self.local.name) + file.name,
            ExtraArgs={"ContentType": MEDIA_TYPES.get(file.suffix.lower(), "application/octet-stream")},
            Config=TransferConfig(
                multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, max_concurrency=_THREADS
            ),
            Callback=advance,
        )


def sizes_below(address: str) -> dict[str, int]:
    """Sizes in bytes of the objects whose addresses start with `address`.

    Raises:
        OutputError: the bucket does not exist, or listing it is not allowed.
    """
    bucket, _, prefix = _on_s3(address).partition("/")
    client = _client(address)
    with _s3_errors(address):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {f"s3://{bucket}/{found['Key']}": found["Size"] for page in pages for found in page.get("Contents", ())}


def _on_s3(address: str) -> str:
    """An address without 's3://'."""
    if not address.startswith("s3://"):
        raise _not_ours(address)
    return address.removeprefix("s3://")


def _not_ours(address: str) -> OutputError:
    return OutputError(
        f"{address} cannot be written to", hint="name a local file, or an object on S3: s3://bucket/folder/name"
    )


def _client(address: str) -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise OutputError(
            f"writing to {address} needs boto3", hint="pip install 'fctl-geo[s3]', or choose a local output"
        ) from None
    retries = {"max_attempts": 5, "mode": "standard"}
    with _s3_errors(address):
        return boto3.session.Session().client("s3", config=Config(retries=retries, connect_timeout=20, read_timeout=60))


@contextmanager
def _s3_errors(address: str) -> Iterator[None]:
    """Turn errors from S3 into an OutputError with a readable message."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

    try:
        yield
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise OutputError(f"writing to {address} needs keys ({error})", hint=_NO_KEYS) from None
    except ClientError as error:
        raise _refused(address, str(error.response["Error"].get("Code")), str(error)) from error
    except (BotoCoreError, Boto3Error, OSError) as error:
        code = next((code for code in ("NoSuchBucket", *_DENIED[1:], *_BAD_KEYS) if code in str(error)), "")
        raise _refused(address, code, str(error)) from error


def _refused(address: str, code: str, message: str) -> OutputError:
    bucket = address.removeprefix("s3://").partition("/")[0]
    if code in ("NoSuchBucket", "404"):
        return OutputError(f"{address}: there is no bucket {bucket!r}", hint="create it first, or check its name")
    if code in _BAD_KEYS:
        return OutputError(f"{address}: the keys were not accepted ({code})", hint=_NO_KEYS)
    if code in _DENIED:
        return OutputError(
            f"writing to {address} is not allowed ({code})",
            hint="ask for the permissions s3:PutObject, s3:GetObject and s3:ListBucket",
        )
    return OutputError(
        f"{address} cannot be written: {message}",
        hint="check the connection; an interrupted run is resumed with --resume",
    )
