"""A file behind HTTP with byte ranges, in a process of its own: GDAL holds this one's interpreter while it waits.

Run with the path of the file; prints the port. The folder in an address chooses how the server behaves:

    /scene.tif           as it should
    /plain/scene.tif     without ranges: every answer is the whole file
    /forbidden/...       403; any other unknown path: 404
    /shaky/scene.tif     every answer with pixels breaks off in the middle, the first time
    /dying/scene.tif     from half of the file on each answer breaks off
    /busy/scene.tif      the first three answers with pixels are 503
    /mute/scene.tif      where pixels of the first half are asked for, no answer ever comes

GET /served answers with JSON: requests, and bytes that were sent so far. GET /heal lets /dying be well from then on.
POST /put with a path serves that file from then on.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONTENT = bytearray(Path(sys.argv[1]).read_bytes())
SENT = {"requests": 0, "bytes": 0, "pieces": 0}
HEALED: list[bool] = []
SEEN: set[int] = set()


class RangeHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def do_POST(self) -> None:
        path = self.rfile.read(int(self.headers["Content-Length"])).decode()
        CONTENT[:] = Path(path).read_bytes()
        self.send(200, b"put", body=True)

    def answer(self, *, body: bool) -> None:
        if self.path == "/served":
            self.send(200, json.dumps(SENT).encode(), body=True)
            return
        if self.path == "/heal":
            HEALED.append(True)
            self.send(200, b"well", body=True)
            return
        SENT["requests"] += 1
        manner, _, name = self.path.partition("?")[0].strip("/").rpartition("/")
        if manner == "forbidden":
            self.refuse(403)
        elif name != "scene.tif" or manner not in ("", "plain", "shaky", "dying", "busy", "mute"):
            self.refuse(404)
        elif (asked := re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))) and manner != "plain":
            self.answer_range(int(asked[1]), int(asked[2] or len(CONTENT) - 1), manner, body=body)
        else:
            SENT["bytes"] += len(CONTENT) * body
            self.send(200, bytes(CONTENT), body=body)

    def answer_range(self, first: int, last: int, manner: str, *, body: bool) -> None:
        piece = bytes(CONTENT[first : last + 1])
        if body and first > 0:
            SENT["pieces"] += 1
            if manner == "mute" and first < len(CONTENT) // 2:
                threading.Event().wait()
        broken = manner == "shaky" and body and first > 0 and first not in SEEN
        SEEN.add(first)
        broken |= manner == "dying" and last > len(CONTENT) // 2 and not HEALED
        if manner == "busy" and body and first > 0 and SENT["pieces"] <= 3:
            self.refuse(503)
            return
        place = f"bytes {first}-{first + len(piece) - 1}/{len(CONTENT)}"
        SENT["bytes"] += len(piece) * body
        self.send(206, piece, body=body, place=place, broken=broken)

    def refuse(self, status: int) -> None:
        self.send(status, b"", body=False)

    def send(self, status: int, piece: bytes, *, body: bool, place: str = "", broken: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(piece)))
        if status in (200, 206):
            self.send_header("ETag", f'"{hashlib.sha256(CONTENT).hexdigest()[:16]}"')
        if place:
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Range", place)
        self.end_headers()
        if body and broken:
            self.wfile.write(piece[: len(piece) // 2])
            self.wfile.flush()
            self.close_connection = True
        elif body:
            self.wfile.write(piece)

    def log_message(self, *args: object) -> None: ...


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), RangeHandler) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
