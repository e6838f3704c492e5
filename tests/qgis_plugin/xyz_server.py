"""A server of XYZ tiles on this machine: each tile's colour says which one it is."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image


def tile_colour(zoom: int, col: int, row: int) -> tuple[int, int, int]:
    """What the whole tile has."""
    return (col * 37 % 200 + 20, row * 53 % 200 + 20, zoom * 11 % 200 + 20)


@contextmanager
def serve_tiles(*, broken: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Gives the source of a QGIS layer (zoom 0 to 19) and the list of paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if broken:
                self.send_error(503)
                return
            zoom, col, row = (int(part.split(".")[0]) for part in self.path.strip("/").split("/"))
            picture = io.BytesIO()
            colour = np.full((256, 256, 3), tile_colour(zoom, col, row), np.uint8)
            Image.fromarray(colour).save(picture, "PNG")
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(picture.getvalue())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/%7Bz%7D/%7Bx%7D/%7By%7D.png"
        yield f"type=xyz&url={url}&zmin=0&zmax=19", asked
        server.shutdown()
