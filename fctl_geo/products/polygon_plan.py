"""What a raster's polygons are to be, as the settings and its legend say: their classes, columns and outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fctl_geo.georef.area import pixel_areas
from fctl_geo.georef.pixel_size import pixel_size_m
from fctl_geo.products.columns import Columns
from fctl_geo.progress import Progress
from fctl_geo.separate.necks import LEAST_NECK_PX, MOST_NECK_PX
from fctl_geo.settings import SQUARE_TOLERANCE_M, SQUARE_TOLERANCE_PX, PolygonSettings
from fctl_geo.spec import NODATA, Legend

if TYPE_CHECKING:
    from fctl_geo.raster.reader import ClassRaster
    from fctl_geo.square.squarer import Squarer
    from fctl_geo.windows.frame import RasterFrame


def columns_of(frame: RasterFrame, legend: Legend, settings: PolygonSettings) -> Columns:
    """The columns that the polygons of a raster will have."""
    objects = object_classes(legend, settings)
    return Columns(pixel_areas(frame).unit, objects, squared=bool(objects) and settings.square != "off")


def skipped_classes(legend: Legend, settings: PolygonSettings) -> frozenset[int]:
    """The classes that get no polygons: the background, or all that the settings do not name.

    Raises:
        SettingsError: the legend has no class of that name.
    """
    if settings.classes is None:
        return frozenset({NODATA, *(info.id for info in legend if info.background)})
    return frozenset(range(256)) - legend.ids_of(settings.classes)


def separated_classes(
    legend: Legend, settings: PolygonSettings, pixel_m: float, progress: Progress
) -> tuple[frozenset[int], float]:
    """The classes whose objects are separated, and the width of a neck in pixels, within what can be separated.

    Raises:
        SettingsError: the legend has no class of that name.
    """
    classes = legend.ids_of(settings.separated(legend)) - skipped_classes(legend, settings)
    neck_px = settings.neck_m / pixel_m
    if classes and neck_px < LEAST_NECK_PX:
        least = f"{LEAST_NECK_PX:g} px ({LEAST_NECK_PX * pixel_m:.3g} m)"
        progress.warn(f"a neck of {settings.neck_m:g} m is less than {least}: touching objects are not separated")
        return frozenset(), neck_px
    if classes and neck_px > 1.01 * MOST_NECK_PX:
        most = f"{MOST_NECK_PX:g} px ({MOST_NECK_PX * pixel_m:.3g} m)"
        progress.warn(f"a neck of {settings.neck_m:g} m is {neck_px:.1f} px; it is limited to {most}")
    return classes, min(neck_px, MOST_NECK_PX)


def object_classes(legend: Legend, settings: PolygonSettings) -> frozenset[int]:
    """The classes of objects that get polygons: those that the legend marks, and those to be separated."""
    named = legend.ids_of(settings.separated(legend)) | {info.id for info in legend if info.objects}
    return frozenset(named - skipped_classes(legend, settings))


def squarer_of(raster: ClassRaster, settings: PolygonSettings, progress: Progress) -> Squarer | None:
    """Squares the outlines of the raster's classes of objects; None if that is not wanted, or there are none."""
    if settings.square == "off":
        return None
    objects, frame = object_classes(raster.legend, settings), raster.frame
    if not objects:
        progress.warn("no outlines are squared, because none of the classes is known to consist of objects")
        return None
    from fctl_geo.square.squarer import Squarer

    pixel_m = pixel_size_m(frame) or 1.0
    tolerance_px = _wanted_tolerance_px(settings, pixel_m)
    mode = 0 if settings.square == "any" else int(settings.square)
    return Squarer(objects, frame.transform, tolerance_px, mode, settings.max_vertices)


def tolerance_px_of(settings: PolygonSettings, pixel_m: float, progress: Progress) -> float:
    """The simplification tolerance in pixels, limited with a warning to what the tracer supports."""
    from fctl_geo.polygons.simplify import MAX_TOLERANCE_PX

    wanted = _wanted_tolerance_px(settings, pixel_m)
    if settings.simplify_m and wanted > 1.01 * MAX_TOLERANCE_PX:  # 1 m with pixels of 0.2499 m is as intended
        most = f"{MAX_TOLERANCE_PX:g} px ({MAX_TOLERANCE_PX * pixel_m:.3g} m)"
        progress.warn(f"a simplification of {settings.simplify_m:g} m is {wanted:.1f} px; it is limited to {most}")
    return min(wanted, MAX_TOLERANCE_PX)


def _wanted_tolerance_px(settings: PolygonSettings, pixel_m: float) -> float:
    """The tolerance that was asked for, or that of squaring if outlines are squared and none was."""
    if settings.square != "off" and settings.simplify_m == 0:
        return max(SQUARE_TOLERANCE_M / pixel_m, SQUARE_TOLERANCE_PX)
    return settings.simplify_m / pixel_m
