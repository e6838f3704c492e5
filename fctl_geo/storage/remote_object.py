"""What a server says about an object without sending it: its length, and a tag that changes when the object does."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

_SILENCE_S = 20.0
"""How long a server may stay silent."""
_HEAD_REFUSED = (400, 401, 403, 405, 501)
"""After these a GET of one byte is sent: an address that is signed for GET does not allow HEAD."""
_GONE = (404, 410)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says about an object."""

    size_bytes: int | None
    changed: str
    """ETag or Last-Modified; empty if there is neither."""
    is_page: bool = False
    """An HTML page, as some servers send in place of a missing object."""


ABSENT = Answer(None, "absent")
UNKNOWN = Answer(None, "")


class RemoteObjects:
    """Queries servers, with one request per object. Several threads may use it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._s3: list[Any] = []

    def ask(self, address: str) -> Answer:
        """What the server says about an object at 'https://...', '/vsicurl/https://...', 's3://...' or '/vsis3/...'.

        Returns:
            ABSENT: the server says that it does not exist; UNKNOWN: no answer, or an unsupported kind of server.
        """
        text = address.removeprefix("/vsicurl/")
        if text.startswith(("http://", "https://")):
            return _ask_http(text)
        for scheme in ("/vsis3/", "s3://"):
            if text.startswith(scheme):
                return self._ask_s3(*text.removeprefix(scheme).partition("/")[::2])
        return UNKNOWN

    def _ask_s3(self, bucket: str, key: str) -> Answer:
        try:
            from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
        except ImportError:
            return UNKNOWN
        for client in self._clients():
            try:
                response = client.head_object(Bucket=bucket, Key=key)
                return _answer({k.lower(): v for k, v in response["ResponseMetadata"]["HTTPHeaders"].items()})
            except NoCredentialsError:
                continue  # a public bucket needs no keys
            except ClientError as error:
                return ABSENT if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound") else UNKNOWN
            except (BotoCoreError, OSError):
                return UNKNOWN
        return UNKNOWN

    def _clients(self) -> list[Any]:
        """One client with the keys that are found, and one without keys."""
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config

        with self._lock:
            if not self._s3:
                session = boto3.session.Session()
                times: dict[str, Any] = {"connect_timeout": _SILENCE_S, "read_timeout": _SILENCE_S}
                self._s3 = [
                    session.client("s3", config=Config(**times)),
                    session.client("s3", config=Config(**times, signature_version=UNSIGNED)),
                ]
        return self._s3


def _ask_http(url: str) -> Answer:
    status, headers = _request(url, "HEAD")
    if status in _HEAD_REFUSED:
        status, headers = _request(url, "GET", {"Range": "bytes=0-0"})
    if status in _GONE:
        return ABSENT
    return _answer(headers) if status in (200, 206) else UNKNOWN


def _request(url: str, method: str, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, str]]:
    """Status and headers (with lowercase names), without the content; status 0: no answer."""
    parts = urlsplit(url)
    login = dict(headers or {})
    if parts.username is not None:
        word = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        login["Authorization"] = f"Basic {base64.b64encode(word.encode()).decode()}"
        url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    try:
        with urlopen(Request(url, method=method, headers=login), timeout=_SILENCE_S) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}
    except HTTPError as error:
        with error:
            return error.code, {}
    except (OSError, HTTPException, ValueError):
        return 0, {}


def _answer(headers: Mapping[str, str]) -> Answer:
    length = headers.get("content-range", "").rpartition("/")[2] or headers.get("content-length", "")
    return Answer(
        int(length) if length.isdigit() else None,
        headers.get("etag") or headers.get("last-modified") or "",
        headers.get("content-type", "").startswith("text/html"),
    )
