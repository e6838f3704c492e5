"""Map servers on this machine: XYZ tiles whose color says which one it is, and a WMS that shows a GeoTIFF."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import numpy.typing as npt
import rasterio
from PIL import Image
from rasterio.vrt import WarpedVRT
from rasterio.windows import from_bounds


@contextmanager
def serve(answer: Callable[[str], tuple[str, bytes] | int]) -> Iterator[tuple[str, list[str]]]:
    """Serve on a free port of this machine; gives the address and the list of paths that were asked for.

    Args:
        answer: gets the path with its query; gives a content type and a body, or the status of a failure.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            said = answer(self.path)
            if isinstance(said, int):
                self.send_error(said)
                return
            kind, body = said
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def png(pixels: npt.NDArray[np.uint8]) -> tuple[str, bytes]:
    """(h, w, 3 or 4) pixels as an answer."""
    picture = io.BytesIO()
    Image.fromarray(pixels).save(picture, "PNG")
    return "image/png", picture.getvalue()


def tile_color(zoom: int, col: int, row: int) -> tuple[int, int, int]:
    """What the whole tile has."""
    return (col * 37 % 200 + 20, row * 53 % 200 + 20, zoom * 11 % 200 + 20)


@contextmanager
def serve_tiles(*, broken: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Gives the source of a QGIS layer (zoom 0 to 19) and the list of paths that were asked for."""

    def answer(path: str) -> tuple[str, bytes] | int:
        if broken:
            return 503
        zoom, col, row = (int(part.split(".")[0]) for part in path.strip("/").split("/"))
        return png(np.full((256, 256, 3), tile_color(zoom, col, row), np.uint8))

    with serve(answer) as (address, asked):
        yield f"type=xyz&url={address}/%7Bz%7D/%7Bx%7D/%7By%7D.png&zmin=0&zmax=19", asked


@contextmanager
def serve_wms(path: Path, *, most_px: int = 2048) -> Iterator[tuple[str, list[str]]]:
    """A WMS 1.3.0 of a GeoTIFF in a projected CRS; gives the source of a QGIS layer and what was asked for.

    Args:
        most_px: the widest and highest picture that it draws; more is refused, as real servers do.
    """
    with rasterio.open(path) as scene, WarpedVRT(scene, crs="EPSG:4326") as geographic:
        crs, bounds, world = scene.crs.to_string(), scene.bounds, geographic.bounds
    capabilities = _CAPABILITIES.format(crs=crs, box=bounds, world=world, most_px=most_px)

    def answer(asked: str) -> tuple[str, bytes] | int:
        query = {name.upper(): value for name, value in parse_qsl(urlsplit(asked).query, keep_blank_values=True)}
        if query.get("REQUEST") != "GetMap":
            return "text/xml", capabilities.replace("ADDRESS", address).encode()
        width, height = int(query["WIDTH"]), int(query["HEIGHT"])
        if max(width, height) > most_px:
            return (
                "text/xml",
                b"<ServiceExceptionReport><ServiceException>too large</ServiceException></ServiceExceptionReport>",
            )
        return png(_drawn(path, tuple(map(float, query["BBOX"].split(","))), width, height))

    with serve(answer) as (address, asked):
        yield f"crs={crs}&format=image/png&layers=scene&styles=&url={address}/", asked


def _drawn(path: Path, box: tuple[float, ...], width: int, height: int) -> npt.NDArray[np.uint8]:
    """(height, width, 4) pixels of a part; transparent where the scene has none."""
    with rasterio.open(path) as scene:
        window = from_bounds(*box, transform=scene.transform)
        pixels = scene.read([1, 2, 3], window=window, out_shape=(3, height, width), boundless=True)
        seen = scene.read_masks([1], window=window, out_shape=(1, height, width), boundless=True)
    alpha = np.where(seen > 0, 255, 0).astype(np.uint8)  # boundless masks come as 0 and 1
    return np.moveaxis(np.concatenate([pixels, alpha]), 0, 2)


_CAPABILITIES = """<?xml version="1.0"?>
<WMS_Capabilities version="1.3.0" xmlns="http://www.opengis.net/wms" xmlns:xlink="http://www.w3.org/1999/xlink">
<Service><Name>WMS</Name><Title>scene</Title><OnlineResource xlink:href="ADDRESS"/>
<MaxWidth>{most_px}</MaxWidth><MaxHeight>{most_px}</MaxHeight></Service>
<Capability><Request>
<GetCapabilities><Format>text/xml</Format>
<DCPType><HTTP><Get><OnlineResource xlink:href="ADDRESS/"/></Get></HTTP></DCPType></GetCapabilities>
<GetMap><Format>image/png</Format>
<DCPType><HTTP><Get><OnlineResource xlink:href="ADDRESS/"/></Get></HTTP></DCPType></GetMap>
</Request>
<Layer><Name>scene</Name><Title>scene</Title><CRS>{crs}</CRS>
<EX_GeographicBoundingBox><westBoundLongitude>{world.left}</westBoundLongitude>
<eastBoundLongitude>{world.right}</eastBoundLongitude><southBoundLatitude>{world.bottom}</southBoundLatitude>
<northBoundLatitude>{world.top}</northBoundLatitude></EX_GeographicBoundingBox>
<BoundingBox CRS="{crs}" minx="{box.left}" miny="{box.bottom}" maxx="{box.right}" maxy="{box.top}"/>
</Layer></Capability></WMS_Capabilities>"""
