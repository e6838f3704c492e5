"""Bring the shapes of a vector file onto a scene: clip them to its surroundings, then reproject them edge by edge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError, ProjError

from fctl_geo.errors import FctlError
from fctl_geo.scene.vector_file import Box, VectorFile, polygons_in
from fctl_geo.windows.frame import RasterFrame

_EDGE_POINTS = 1000
"""Number of points for an edge across the scene, because a straight line in one CRS is a curve in another. For 100 km,
each piece is 100 m long and deviates by less than a millimeter."""
_MARGIN = 0.05
"""Margin kept around the scene, relative to its extent: its outline in another CRS is known only at sample points."""


class OntoScene:
    """Reprojects polygons from the CRS of a vector file to that of a scene.

    They are clipped to the scene before points are added, so parts beyond it take no memory.
    """

    def __init__(self, vector: VectorFile, frame: RasterFrame, refuse: type[FctlError]) -> None:
        """Find the transformation.

        Args:
            frame: the scene's frame.
        Raises:
            refuse: there is no transformation between the two CRSs.
        """
        self.crs_assumed = bool(vector.crs) != bool(frame.crs_wkt)
        """Only one of the two has a CRS: the other is assumed to be in the same one."""
        self._to_scene, to_file = _transformers(vector, frame, refuse)
        bounds = frame.bounds
        if to_file is not None:
            bounds = to_file.transform_bounds(*bounds, densify_pts=21)
        self._area = _with_margin(bounds)

    @property
    def box(self) -> Box | None:
        """The scene with a margin in the file's CRS; None: that CRS does not cover it."""
        return None if self._area is None else tuple(shapely.bounds(self._area).tolist())

    def bring(self, polygons: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
        """Valid polygons on or near the scene, in its CRS, each with the index of the polygon it came from."""
        if self._area is None:
            return polygons[:0], np.empty(0, np.intp)
        owners = np.nonzero(shapely.intersects(self._area, polygons))[0]
        parts = polygons[owners]
        beyond = ~shapely.covers(self._area, parts)
        if beyond.any():
            parts[beyond] = shapely.intersection(parts[beyond], self._area)
            parts, owners = _as_polygons(parts, owners)
        if self._to_scene is None or not len(parts):
            return parts, owners
        west, south, east, north = shapely.bounds(self._area)
        dense = shapely.segmentize(parts, max(east - west, north - south) / _EDGE_POINTS)
        return _as_polygons(shapely.transform(dense, self._to_scene.transform, interleaved=False), owners)

    def bounds(self, bounds: Box) -> Box:
        """Convert bounds from the file's CRS to the scene's; not finite if that is undefined."""
        moved = bounds if self._to_scene is None else self._to_scene.transform_bounds(*bounds, densify_pts=21)
        return float(moved[0]), float(moved[1]), float(moved[2]), float(moved[3])


def _as_polygons(parts: NDArray[np.object_], owners: NDArray[np.intp]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """The polygons that remain of polygons after an operation."""
    parts, of = polygons_in(parts)
    return parts, owners[of]


def _with_margin(bounds: Box) -> Any:
    """A box around the bounds, or two if they cross the antimeridian; None if they are not finite."""
    west, south, east, north = bounds
    if not np.isfinite(bounds).all():
        return None
    if west > east:
        margin = _MARGIN * max(east - west + 360, north - south)
        boxes = [(west - margin, 180.0), (-180.0, east + margin)]
    else:
        margin = _MARGIN * max(east - west, north - south)
        boxes = [(west - margin, east + margin)]
    area = shapely.union_all([shapely.box(left, south - margin, right, north + margin) for left, right in boxes])
    shapely.prepare(area)
    return area


def _transformers(vector: VectorFile, frame: RasterFrame, refuse: type[FctlError]) -> tuple[Any, Any]:
    """File to scene and back; None: both are in the same CRS, or one of them has none."""
    if not vector.crs or not frame.crs_wkt:
        return None, None
    try:
        source, target = pyproj.CRS.from_user_input(vector.crs), pyproj.CRS.from_wkt(frame.crs_wkt)
        if source.equals(target, ignore_axis_order=True):
            return None, None
        return (
            pyproj.Transformer.from_crs(source, target, always_xy=True),
            pyproj.Transformer.from_crs(target, source, always_xy=True),
        )
    except (CRSError, ProjError) as error:
        raise refuse(
            f"{vector.path.name} cannot be reprojected to the scene's CRS ({error})",
            hint="reproject its polygons first",
        ) from error
