"""Variables that two libraries read in two ways mean one thing."""

from __future__ import annotations

import os

import pytest
from fctl_geo_cli.environment import agree_on_s3

NAMES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_S3_ENDPOINT", "AWS_HTTPS", "AWS_VIRTUAL_HOSTING")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"AWS_ENDPOINT_URL": "http://minio:9000"}, {"AWS_S3_ENDPOINT": "minio:9000", "AWS_HTTPS": "NO"}),
        ({"AWS_ENDPOINT_URL_S3": "https://s3.example"}, {"AWS_S3_ENDPOINT": "s3.example", "AWS_HTTPS": "YES"}),
        ({"AWS_S3_ENDPOINT": "minio:9000", "AWS_HTTPS": "NO"}, {"AWS_ENDPOINT_URL_S3": "http://minio:9000"}),
        ({"AWS_S3_ENDPOINT": "s3.example"}, {"AWS_ENDPOINT_URL_S3": "https://s3.example"}),
        ({}, {"AWS_S3_ENDPOINT": None, "AWS_ENDPOINT_URL_S3": None}),
    ],
)
def test_reading_and_writing_agree_on_where_s3_is(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], wanted: dict[str, str | None]
) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, given.get(name, ""))  # so that it is restored after
        if name not in given:
            monkeypatch.delenv(name)
    agree_on_s3()
    assert {name: os.environ.get(name) for name in wanted} == wanted
