"""What people type, what GDAL opens, and what may be shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from fctl_geo.storage.address import address_of, gdal_name, is_remote, shown


@pytest.mark.parametrize(
    "address", ["s3://bucket/a/b.tif", "https://host:8/a.tif", "http://host/a.tif", "gs://x/y.tif"]
)
def test_a_path_gives_the_address_back_that_it_swallowed(address: str) -> None:
    assert address_of(Path(address)) == address_of(address) == address
    assert address_of(Path(address).parent / "other.tif") == address.rsplit("/", 1)[0] + "/other.tif"


@pytest.mark.parametrize(
    "path", ["a.tif", "/a/b.tif", "C:/a.tif", "s3/a.tif", "s3:", "GTIFF_DIR:1:a.tif", "", "s3:///x"]
)
def test_a_file_here_has_no_address(path: str) -> None:
    assert address_of(path) is None
    assert gdal_name(path) == path


def test_gdal_gets_its_own_names() -> None:
    assert gdal_name(Path("s3://bucket/a.tif")) == "/vsis3/bucket/a.tif"
    assert gdal_name("HTTPS://host/a.tif?x=1") == "/vsicurl/https://host/a.tif?x=1"


def test_what_lies_elsewhere_is_known_also_inside_an_archive() -> None:
    assert is_remote("/vsizip//vsicurl/https://host/a.zip/a.tif") and is_remote("s3://b/a") and is_remote("/vsis3/b/a")
    assert not is_remote("/vsizip/a.zip/a.tif") and not is_remote("/data/vsicurl.tif")


def test_keys_are_not_shown() -> None:
    assert shown(gdal_name("https://me:secret@host/a.tif?X-Amz-Signature=secret")) == "https://host/a.tif"
    assert shown("/vsis3/bucket/a.tif") == "s3://bucket/a.tif"
    assert shown("/data/a?b.tif") == "/data/a?b.tif"
