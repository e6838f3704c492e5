"""Ground size of a frame's pixels: for the model that reads them, for tolerances, and for messages."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fctl_geo.georef.area import pixel_areas
from fctl_geo.georef.surface import CurvedSurface, PlaneSurface, crs_name, surface_of
from fctl_geo.windows.frame import Affine6, RasterFrame

GsdSource = Literal["crs", "given", "unknown"]
_SQUARE_ENOUGH = 1.5
_WANT_GSD = "give the ground meters per pixel with --gsd, or the model reads the pixels as they are"


@dataclass(frozen=True, slots=True)
class GroundResolution:
    """Ground meters per pixel at the scene's center, as used for the model."""

    gsd_m: float | None
    source: GsdSource
    warnings: tuple[str, ...] = ()


def with_stated_gsd(frame: RasterFrame, gsd_m: float | None) -> RasterFrame:
    """The frame with the ground meters per pixel given by the user, used only if its CRS does not define them."""
    return frame if gsd_m is None or surface_of(frame.crs_wkt) else replace(frame, stated_gsd_m=gsd_m)


def pixel_size_m(frame: RasterFrame) -> float | None:
    """Ground meters per pixel at the center of the frame: the square root of its area; None if unknown."""
    areas = pixel_areas(frame)
    if areas.unit == "px":
        return None
    middle = areas.rows(frame.height // 2, 1)[0]
    size_m = math.sqrt(float(middle[len(middle) // 2]))
    return size_m if size_m > 0 else None  # outside the CRS's domain it is NaN or 0


def area_warnings(frame: RasterFrame, name: str) -> tuple[str, ...]:
    """What the user must know about areas and lengths measured in a raster called `name`."""
    surface, stated_m = surface_of(frame.crs_wkt), frame.stated_gsd_m
    if isinstance(surface, CurvedSurface) or (isinstance(surface, PlaneSurface) and surface.local):
        return ()
    if isinstance(surface, PlaneSurface):
        warning = f"the CRS of {name}, {crs_name(frame.crs_wkt)}, cannot be converted to longitude and latitude: "
        return (warning + "areas and lengths are measured on its map plane, with the projection's distortion",)
    lacks = f"the CRS of {name}, {crs_name(frame.crs_wkt)}, does not define meters on the ground"
    why = lacks if frame.crs_wkt else f"{name} has no CRS to measure by"
    if stated_m is None:
        return (f"{why}: areas and lengths are in pixels, not in meters",)
    return (f"{why}: areas and lengths are measured with {stated_m:g} m per pixel, as given",)


def ground_resolution(frame: RasterFrame, given_m: float | None = None) -> GroundResolution:
    """Ground meters per pixel at the center of the scene: as given, else from the CRS.

    The geometric mean of the lengths of one pixel step in x and in y along the CRS's own ellipsoid, so that degrees,
    feet and Web Mercator's stretched meters all come out as meters on the ground.
    """
    if given_m is not None:
        return GroundResolution(given_m, "given")
    if not frame.crs_wkt:
        return GroundResolution(None, "unknown", (f"the ground meters per pixel are unknown: {_WANT_GSD}",))
    across_m, down_m = _pixel_steps_m(frame) or (math.nan, math.nan)
    gsd_m = math.sqrt(across_m * down_m)
    if not math.isfinite(gsd_m) or gsd_m <= 0:
        warning = f"the ground meters per pixel cannot be derived from the scene's CRS: {_WANT_GSD}"
        return GroundResolution(None, "unknown", (warning,))
    return GroundResolution(gsd_m, "crs", _distortion_warnings(across_m, down_m))


def _distortion_warnings(across_m: float, down_m: float) -> tuple[str, ...]:
    if max(across_m, down_m) < _SQUARE_ENOUGH * min(across_m, down_m):
        return ()
    warning = f"a pixel covers {across_m:.3g} m x {down_m:.3g} m on the ground: the model sees everything squeezed; "
    return (warning + "warp the scene to square pixels in a CRS in meters (gdalwarp -t_srs) for better results",)


def _pixel_steps_m(frame: RasterFrame) -> tuple[float, float] | None:
    """Ground meters from pixel to pixel, across and down, at the center of the frame."""
    surface = surface_of(frame.crs_wkt)
    if surface is None:
        return None
    if isinstance(surface, PlaneSurface):
        a, b, _, d, e, _ = frame.transform
        return math.hypot(a, d) * surface.meters_per_unit, math.hypot(b, e) * surface.meters_per_unit
    col, row = frame.width / 2, frame.height / 2
    steps = np.array([(col - 0.5, row), (col + 0.5, row), (col, row - 0.5), (col, row + 0.5)])
    return _geodesic_steps_m(surface, *_map_points(frame.transform, steps[:, 0], steps[:, 1]))


def _geodesic_steps_m(
    surface: CurvedSurface, xs: NDArray[np.float64], ys: NDArray[np.float64]
) -> tuple[float, float] | None:
    """Lengths of the geodesics between the first two points and between the last two."""
    degrees = math.degrees(surface.radians_per_unit)  # the CRS may be in grads
    lons, lats = (np.asarray(v) * degrees for v in surface.lon_lat(xs, ys))
    if not np.isfinite([lons, lats]).all() or np.abs(lats).max() > 90:
        return None
    _, _, lengths_m = surface.geod.inv(lons[[0, 2]], lats[[0, 2]], lons[[1, 3]], lats[[1, 3]])
    return float(lengths_m[0]), float(lengths_m[1])


def _map_points(
    transform: Affine6, cols: NDArray[np.float64], rows: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Map coordinates of pixel corners (col, row)."""
    a, b, c, d, e, f = transform
    return a * cols + b * rows + c, d * cols + e * rows + f
