"""Where the scene lies on the ground, and how many metres of it a pixel shows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyproj
from affine import Affine
from pyproj.exceptions import CRSError, ProjError
from rasterio.control import GroundControlPoint
from rasterio.transform import from_gcps

from fctl_geo.errors import SceneError
from fctl_geo.scene.header import Header
from fctl_geo.windows.frame import Affine6, RasterFrame

GsdSource = Literal["crs", "given", "unknown"]
_MAX_GCP_RESIDUAL_PX = 1.0
_SQUARE_ENOUGH = 1.5
_WANT_GSD = "give the ground metres a pixel with --gsd, or the model reads the pixels as they are"


@dataclass(frozen=True, slots=True)
class Georeference:
    """A scene's place on the ground."""

    transform: Affine6
    crs_wkt: str
    warnings: tuple[str, ...] = ()
    refusal: SceneError | None = field(default=None, compare=False)
    """Why nobody should map with this file, if so."""


@dataclass(frozen=True, slots=True)
class GroundResolution:
    """True ground metres a pixel at the scene's centre."""

    gsd_m: float | None
    source: GsdSource
    warnings: tuple[str, ...] = ()


def georeference_of(header: Header) -> Georeference:
    """Transform and CRS of a scene: its own, fitted to its ground control points, or pixels.

    A transform that the file states is taken as it is, turned and sheared ones too. Ground control points serve where
    there is none, if an affine transform meets them all within a pixel. RPCs are refused: without a height model they
    are no place on the ground.
    """
    if header.georeferenced:
        return _stated(header)
    if len(header.gcps) >= 3:
        return _fitted_to_gcps(header)
    if header.has_rpcs:
        return Georeference(
            header.transform,
            "",
            refusal=SceneError(
                f"{header.name} is placed by RPCs only, {header.width} x {header.height} pixels without a transform",
                hint=f"orthorectify it first: gdalwarp -rpc -to RPC_DEM=dem.tif {header.name} ortho.tif",
            ),
        )
    return Georeference(header.transform, header.crs_wkt, _where_from(header.crs_wkt, placed=False))


def _stated(header: Header) -> Georeference:
    a, b, _, d, e, _ = header.transform
    if not math.isfinite(a * e - b * d) or a * e - b * d == 0:
        words = f"the transform {header.transform} flattens the scene and is ignored: coordinates are pixels"
        return Georeference((1.0, 0.0, 0.0, 0.0, 1.0, 0.0), "", (words,))
    return Georeference(header.transform, header.crs_wkt, _where_from(header.crs_wkt, placed=True))


def _where_from(crs_wkt: str, *, placed: bool) -> tuple[str, ...]:
    if crs_wkt and placed:
        return ()
    if crs_wkt:
        return ("the scene has a CRS but no transform: its coordinates are pixels, which the CRS makes wrong",)
    return ("the scene has no CRS: areas and lengths are in pixels, not in metres",)


def _fitted_to_gcps(header: Header) -> Georeference:
    points = [GroundControlPoint(row=p.row, col=p.col, x=p.x, y=p.y) for p in header.gcps]
    fitted: Affine = from_gcps(points)
    residual_px = _residual_px(header, fitted) if fitted.determinant else math.inf
    if residual_px >= _MAX_GCP_RESIDUAL_PX:
        refusal = SceneError(
            f"{header.name} is placed by {len(points)} ground control points that no affine transform meets: "
            f"{residual_px:.1f} pixels off, allowed is {_MAX_GCP_RESIDUAL_PX:g}",
            hint=f"warp it first: gdalwarp -tps {header.name} warped.tif",
        )
        return Georeference(header.transform, "", refusal=refusal)
    a, b, c, d, e, f = tuple(fitted)[:6]
    words = f"placed by {len(points)} ground control points; the fitted transform is up to {residual_px:.2f} px off"
    return Georeference(
        (a, b, c, d, e, f), header.gcps_crs_wkt, (words, *_where_from(header.gcps_crs_wkt, placed=True))
    )


def _residual_px(header: Header, fitted: Affine) -> float:
    back = ~fitted
    return max(math.dist(back @ (p.x, p.y), (p.col, p.row)) for p in header.gcps)


def ground_resolution(place: Georeference, size_hw: tuple[int, int], given_m: float | None) -> GroundResolution:
    """Ground metres a pixel at the centre of the scene: as given, else along the CRS's own ellipsoid.

    The geodesic length of one pixel step in x and in y (their geometric mean), so degrees, feet and Web Mercator's
    stretched metres all come out as metres on the ground.
    """
    if given_m is not None:
        return GroundResolution(given_m, "given")
    if not place.crs_wkt:
        return GroundResolution(None, "unknown", (f"ground metres a pixel are unknown: {_WANT_GSD}",))
    across_m, down_m = _pixel_steps_m(place, size_hw) or (math.nan, math.nan)
    gsd_m = math.sqrt(across_m * down_m)
    if not math.isfinite(gsd_m) or gsd_m <= 0:
        words = f"ground metres a pixel cannot be told from the scene's CRS: {_WANT_GSD}"
        return GroundResolution(None, "unknown", (words,))
    return GroundResolution(gsd_m, "crs", _squeezed(across_m, down_m))


def _squeezed(across_m: float, down_m: float) -> tuple[str, ...]:
    if max(across_m, down_m) < _SQUARE_ENOUGH * min(across_m, down_m):
        return ()
    words = f"a pixel shows {across_m:.3g} m x {down_m:.3g} m of the ground: the model sees everything squeezed; "
    return (words + "warp the scene to square pixels in a CRS in metres (gdalwarp -t_srs) for better results",)


def _pixel_steps_m(place: Georeference, size_hw: tuple[int, int]) -> tuple[float, float] | None:
    """Metres on the ground from pixel to pixel, across and down, at the scene's centre."""
    try:
        crs = pyproj.CRS.from_wkt(place.crs_wkt)
        geod, geodetic = crs.get_geod(), crs.geodetic_crs
        if geod is None or geodetic is None or crs.is_geocentric:
            return None
        col, row = size_hw[1] / 2, size_hw[0] / 2
        steps = np.array([(col - 0.5, row), (col + 0.5, row), (col, row - 0.5), (col, row + 0.5)])
        xs, ys = map_points(place.transform, steps[:, 0], steps[:, 1])
        lons, lats = pyproj.Transformer.from_crs(crs, geodetic, always_xy=True).transform(xs, ys)
    except (CRSError, ProjError):
        return None
    degrees = math.degrees(geodetic.axis_info[0].unit_conversion_factor)  # the CRS may count in grads
    lons, lats = np.asarray(lons) * degrees, np.asarray(lats) * degrees
    if not np.isfinite([lons, lats]).all() or np.abs(lats).max() > 90:
        return None
    _, _, lengths_m = geod.inv(lons[[0, 2]], lats[[0, 2]], lons[[1, 3]], lats[[1, 3]])
    return float(lengths_m[0]), float(lengths_m[1])


def map_points(transform: Affine6, cols: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates on the ground of pixel corners (col, row)."""
    a, b, c, d, e, f = transform
    return a * cols + b * rows + c, d * cols + e * rows + f


def coarser(transform: Affine6, scale: float) -> Affine6:
    """The transform of a grid with the same corner whose pixels are `scale` times as large."""
    a, b, c, d, e, f = transform
    return a * scale, b * scale, c, d * scale, e * scale, f


def frame_of(place: Georeference, size_hw: tuple[int, int]) -> RasterFrame:
    """The frame of the whole scene."""
    return RasterFrame(size_hw[0], size_hw[1], place.transform, place.crs_wkt)
