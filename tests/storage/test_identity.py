"""Files and objects that were replaced are told from those that were not."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from fctl_geo.storage.identity import FileIdentity, file_behind, identities_of, identities_of_each, uncertain
from fctl_geo.storage.remote_object import ABSENT, UNKNOWN, RemoteObjects


@contextmanager
def serving(objects: dict[str, dict[str, str]], *, head: int = 200) -> Iterator[str]:
    """A server that knows the headers of some objects; `head`: what it says to HEAD."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(head)

        def do_GET(self) -> None:
            assert self.headers["Range"] == "bytes=0-0", "no more than a byte is asked for"
            self.answer(206)

        def answer(self, status: int) -> None:
            found = objects.get(self.path.partition("?")[0])
            self.send_response(404 if found is None and status < 400 else status)
            for name, value in (found or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_replaced_object_is_noticed_by_its_tag_alone() -> None:
    objects = {"/a.tif": {"ETag": '"1"', "Content-Length": "9"}}
    with serving(objects) as address:
        before = identities_of([f"/vsicurl/{address}/a.tif"])
        assert before == (FileIdentity(f"{address}/a.tif", 9, '"1"'),)
        assert identities_of([f"{address}/a.tif"]) == before
        objects["/a.tif"] = {"ETag": '"2"', "Content-Length": "9"}
        assert identities_of([f"{address}/a.tif"]) != before
        objects["/a.tif"] = {"Last-Modified": "today", "Content-Length": "9"}
        assert identities_of([f"{address}/a.tif"])[0].changed == "today"


def test_a_mask_that_appears_beside_an_object_is_noticed_and_a_page_is_none() -> None:
    objects = {"/a.tif": {"ETag": "1"}, "/a.tif.ovr": {"ETag": "2", "Content-Type": "text/html"}}
    with serving(objects) as address:
        assert [file.name for file in identities_of([f"{address}/a.tif"])] == [f"{address}/a.tif"]
        objects["/a.tif.msk"] = {"ETag": "2"}
        assert len(identities_of([f"{address}/a.tif"])) == 2


@pytest.mark.parametrize("refusal", [403, 405, 501])
def test_an_address_that_allows_no_head_is_asked_for_a_byte(refusal: int) -> None:
    with serving({"/a.tif": {"ETag": "1", "Content-Range": "bytes 0-0/777"}}, head=refusal) as address:
        answer = RemoteObjects().ask(f"{address}/a.tif?signature=secret")
        (identity,) = identities_of([f"{address}/a.tif?signature=secret"])
    assert (answer.size_bytes, answer.changed) == (777, "1")
    assert "secret" not in identity.name
    assert identity.changed == "1"


def test_without_an_answer_the_name_alone_counts_and_that_is_told() -> None:
    names = ["/vsigs/bucket/a.tif", "http://127.0.0.1:9/a.tif"]
    found = identities_of(names)
    assert [(file.size_bytes, file.changed) for file in found] == [(None, "")] * 2
    assert len(uncertain(found)) == 2
    assert RemoteObjects().ask("gs://bucket/a.tif") is UNKNOWN
    with serving({}) as address:
        assert RemoteObjects().ask(f"{address}/gone.tif") is ABSENT


def test_files_in_archives_and_connections_are_those_behind_them(tmp_path: Path) -> None:
    archive, table = tmp_path / "a.zip", tmp_path / "t.gpkg"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("b.tif", "x")
    table.write_bytes(b"x")
    assert file_behind(f"/vsizip/{archive}/b.tif") == str(archive)
    assert file_behind(f"/vsizip/{{{archive}}}/b.tif") == str(archive)
    assert file_behind(f"GPKG:{table}:roofs") == str(table)
    assert file_behind(f'NETCDF:"{table}":band') == str(table)
    assert file_behind("/vsizip//vsicurl/https://host/a.zip/b.tif") == "/vsicurl/https://host/a.zip"
    (unseen,) = identities_of(["PG:host=db password=secret"])
    assert "secret" not in unseen.name


def test_a_folder_is_all_of_its_files(tmp_path: Path) -> None:
    store = tmp_path / "area.gdb"
    store.mkdir()
    (store / "a.gdbtable").write_bytes(b"1")
    (before,) = identities_of([store])
    (store / "b.gdbtable").write_bytes(b"2")
    assert identities_of([store]) != (before,)


def test_a_folder_is_listed_once_for_all_of_its_scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(50):
        (tmp_path / f"{i}.tif").write_bytes(b"x")
        (tmp_path / f"{i}.TFW").write_bytes(b"x")
    listed: list[object] = []
    listdir = os.listdir

    def counted(folder: str) -> list[str]:
        if str(folder).startswith(str(tmp_path)):  # other threads of the process may list what they like
            listed.append(folder)
        return listdir(folder)

    monkeypatch.setattr("os.listdir", counted)
    found = identities_of_each([[str(tmp_path / f"{i}.tif")] for i in range(50)])
    assert [len(files) for files in found] == [2] * 50, "capitals do not hide a world file"
    assert len(listed) == 1
