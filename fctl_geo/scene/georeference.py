"""Where a raster lies: its transform and CRS, as stated in the file or fitted to its ground control points."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
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


def georeference_of(placement: Placement) -> Georeference:
    """Transform and CRS of a raster: its own, fitted to its ground control points, or pixels.

    A transform stated in the file is used as is, even if rotated or sheared. Without one, ground control points are
    used if an affine transform fits all of them to within a pixel. RPCs are refused: without a height model they do not
    define a location on the ground. A CRS without a transform is dropped: it would put pixels in the wrong place.
    """
    if placement.transform != _PIXELS:
        return _stated(placement)
    if len(placement.gcps) >= 3:
        return _fitted_to_gcps(placement)
    if placement.has_rpcs:
        refusal = SceneError(
            f"{placement.name} is located by RPCs only: "
            f"{placement.size_hw[1]} x {placement.size_hw[0]} pixels without a transform",
            hint=f"orthorectify it first: gdalwarp -rpc -to RPC_DEM=dem.tif {placement.name} ortho.tif",
        )
        return Georeference(placement.size_hw, _PIXELS, "", refusal=refusal)
    if placement.gcps:
        warning = f"{placement.name} has only {len(placement.gcps)} ground control points, too few to locate it: "
        return Georeference(placement.size_hw, _PIXELS, "", (warning + "its coordinates are pixels",))
    if not placement.crs_wkt:
        return Georeference(placement.size_hw, _PIXELS, "")
    warning = f"{placement.name} has a CRS but no transform: its coordinates are pixels, which the CRS would misplace, "
    return Georeference(placement.size_hw, _PIXELS, "", (warning + "so the CRS is ignored",))


def _stated(placement: Placement) -> Georeference:
    a, b, _, d, e, _ = placement.transform
    if not math.isfinite(a * e - b * d) or a * e - b * d == 0:
        warning = f"the transform {placement.transform} of {placement.name} is degenerate and ignored: "
        return Georeference(placement.size_hw, _PIXELS, "", (warning + "its coordinates are pixels",))
    return Georeference(placement.size_hw, placement.transform, placement.crs_wkt)


def _fitted_to_gcps(placement: Placement) -> Georeference:
    points = [GroundControlPoint(row=p.row, col=p.col, x=p.x, y=p.y) for p in placement.gcps]
    fitted: Affine = from_gcps(points)
    if _on_a_line(placement) or not fitted.determinant:
        refusal = SceneError(
            f"{placement.name} is located by {len(points)} ground control points that lie on one line",
            hint="add a point far from that line, in QGIS: Layer > Georeferencer",
        )
        return Georeference(placement.size_hw, _PIXELS, "", refusal=refusal)
    residual_px = _residual_px(placement, fitted)
    if residual_px >= _MAX_GCP_RESIDUAL_PX:
        refusal = SceneError(
            f"{placement.name} is located by {len(points)} ground control points that no affine transform fits: "
            f"the best is {residual_px:.1f} pixels off, at most {_MAX_GCP_RESIDUAL_PX:g} is allowed",
            hint=f"warp it first: gdalwarp -tps {placement.name} warped.tif",
        )
        return Georeference(placement.size_hw, _PIXELS, "", refusal=refusal)
    a, b, c, d, e, f = tuple(fitted)[:6]
    warning = (
        f"{placement.name} is located by {len(points)} ground control points; "
        f"the fitted transform is off by up to {residual_px:.2f} px"
    )
    return Georeference(placement.size_hw, (a, b, c, d, e, f), placement.gcps_crs_wkt, (warning,))


def _on_a_line(placement: Placement) -> bool:
    return int(np.linalg.matrix_rank([(p.row, p.col, 1.0) for p in placement.gcps], tol=1e-6)) < 3


def _residual_px(placement: Placement, fitted: Affine) -> float:
    back = ~fitted
    return max(math.dist(back @ (p.x, p.y), (p.col, p.row)) for p in placement.gcps)


def _wkt_of(crs: Any) -> str:
    if not crs:
        return ""
    try:
        return str(crs.to_wkt(version="WKT2_2019"))
    except CRSError:  # a CRS that WKT2 cannot express keeps its original WKT
        return str(crs.wkt)
