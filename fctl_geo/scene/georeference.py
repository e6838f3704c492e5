"""Where a raster lies: its transform and CRS, as stated in the file or fitted to its ground control points."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.errors import CRSError
from rasterio.transform import from_gcps

from fctl_geo.errors import SceneError
from fctl_geo.georef.pixel_size import with_stated_gsd
from fctl_geo.windows.frame import Affine6, RasterFrame

_MAX_GCP_RESIDUAL_PX = 1.0
_PIXELS = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""The transform of a raster whose coordinates are pixels."""


@dataclass(frozen=True, slots=True)
class GroundPoint:
    """A ground control point: pixel corner coordinates and ground coordinates."""

    row: float
    col: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Placement:
    """What a file says about its location, before it is evaluated."""

    name: str
    """The file's name, for messages."""
    size_hw: tuple[int, int]
    transform: Affine6
    """The identity if the file has none."""
    crs_wkt: str
    gcps: tuple[GroundPoint, ...] = ()
    gcps_crs_wkt: str = ""
    has_rpcs: bool = False


@dataclass(frozen=True, slots=True)
class Georeference:
    """A raster's location on the ground."""

    size_hw: tuple[int, int]
    transform: Affine6
    crs_wkt: str
    warnings: tuple[str, ...] = ()
    refusal: SceneError | None = field(default=None, compare=False)
    """Why this file must not be used for mapping; None if it may be."""

    def frame(self, gsd_m: float | None = None) -> RasterFrame:
        """The frame of the whole raster.

        Args:
            gsd_m: ground meters per pixel as given by the user; those defined by the CRS take precedence.
        """
        return with_stated_gsd(RasterFrame(*self.size_hw, self.transform, self.crs_wkt), gsd_m)


def placement_of(dataset: Any, name: str) -> Placement:
    """What an open rasterio dataset says about its location."""
    points, points_crs = dataset.gcps
    return Placement(
        name,
        dataset.shape,
        tuple(dataset.transform)[:6],
        _wkt_of(dataset.crs),
        tuple(GroundPoint(p.row, p.col, p.x, p.y) for p in points),
        _wkt_of(points_crs),
        dataset.rpcs is not None,
    )


def georeference_of(said: Placement) -> Georeference:
    """Transform and CRS of a raster: its own, fitted to its ground control points, or pixels.

    A transform stated in the file is used as is, even if rotated or sheared. Without one, ground control points are
    used if an affine transform fits all of them to within a pixel. RPCs are refused: without a height model they do not
    define a location on the ground. A CRS without a transform is dropped: it would put pixels in the wrong place.
    """
    if said.transform != _PIXELS:
        return _stated(said)
    if len(said.gcps) >= 3:
        return _fitted_to_gcps(said)
    if said.has_rpcs:
        refusal = SceneError(
            f"{said.name} is located by RPCs only: {said.size_hw[1]} x {said.size_hw[0]} pixels without a transform",
            hint=f"orthorectify it first: gdalwarp -rpc -to RPC_DEM=dem.tif {said.name} ortho.tif",
        )
        return Georeference(said.size_hw, _PIXELS, "", refusal=refusal)
    if not said.crs_wkt:
        return Georeference(said.size_hw, _PIXELS, "")
    words = f"{said.name} has a CRS but no transform: its coordinates are pixels, which the CRS would misplace, "
    return Georeference(said.size_hw, _PIXELS, "", (words + "so the CRS is ignored",))


def _stated(said: Placement) -> Georeference:
    a, b, _, d, e, _ = said.transform
    if not math.isfinite(a * e - b * d) or a * e - b * d == 0:
        words = f"the transform {said.transform} of {said.name} is degenerate and ignored: its coordinates are pixels"
        return Georeference(said.size_hw, _PIXELS, "", (words,))
    return Georeference(said.size_hw, said.transform, said.crs_wkt)


def _fitted_to_gcps(said: Placement) -> Georeference:
    points = [GroundControlPoint(row=p.row, col=p.col, x=p.x, y=p.y) for p in said.gcps]
    fitted: Affine = from_gcps(points)
    residual_px = _residual_px(said, fitted) if fitted.determinant else math.inf
    if residual_px >= _MAX_GCP_RESIDUAL_PX:
        refusal = SceneError(
            f"{said.name} is located by {len(points)} ground control points that no affine transform fits: "
            f"the best is {residual_px:.1f} pixels off, at most {_MAX_GCP_RESIDUAL_PX:g} is allowed",
            hint=f"warp it first: gdalwarp -tps {said.name} warped.tif",
        )
        return Georeference(said.size_hw, _PIXELS, "", refusal=refusal)
    a, b, c, d, e, f = tuple(fitted)[:6]
    words = (
        f"{said.name} is located by {len(points)} ground control points; "
        f"the fitted transform is off by up to {residual_px:.2f} px"
    )
    return Georeference(said.size_hw, (a, b, c, d, e, f), said.gcps_crs_wkt, (words,))


def _residual_px(said: Placement, fitted: Affine) -> float:
    back = ~fitted
    return max(math.dist(back @ (p.x, p.y), (p.col, p.row)) for p in said.gcps)


def _wkt_of(crs: Any) -> str:
    if not crs:
        return ""
    try:
        return str(crs.to_wkt(version="WKT2_2019"))
    except CRSError:  # a CRS that WKT2 cannot express keeps its original WKT
        return str(crs.wkt)
