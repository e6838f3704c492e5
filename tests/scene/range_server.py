"""A file behind HTTP with byte ranges, in a process of its own: GDAL holds this one's interpreter while it waits.

Run with the path of the file; prints the port. GET /served answers with the bytes that were sent so far.
"""

from __future__ import annotations

import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONTENT = Path(sys.argv[1]).read_bytes()
SENT = [0]


class RangeHandler(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        if self.path == "/served":
            self.send(200, str(SENT[0]).encode(), body=True)
        elif not self.path.endswith("/scene.tif"):
            self.send_error(404)
        elif asked := re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(asked[1]), int(asked[2] or len(CONTENT) - 1)
            piece = CONTENT[first : last + 1]
            SENT[0] += len(piece) * body
            self.send(206, piece, body=body, place=f"bytes {first}-{first + len(piece) - 1}/{len(CONTENT)}")
        else:
            SENT[0] += len(CONTENT) * body
            self.send(200, CONTENT, body=body)

    def send(self, status: int, piece: bytes, *, body: bool, place: str = "") -> None:
        self.send_response(status)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(piece)))
        if place:
            self.send_header("Content-Range", place)
        self.end_headers()
        if body:
            self.wfile.write(piece)

    def log_message(self, *args: object) -> None: ...


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), RangeHandler) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
