"""The pictures of the landing page: real results on places that no camera has seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scenes import Place, classes_of, colors_of, in_pixels, photograph, segment
from sheet import look_at, open_sheet, outline, save, show

from fctl_geo import PolygonSettings
from fctl_geo.model.modelfile import read_model_info

TOWN = Place("mediterranean", 7, (700, 1400))
SUBURB = Place("suburban", 5, (900, 900))
CITY = Place("nordic", 3, (900, 900))
COUNTRY = Place("temperate", 11, (900, 900), 0.5)
SQUARED = PolygonSettings(square="90", simplify_m=0.5)


def draw_hero(path: Path) -> None:
    """One wide image: on the left as it was taken, toward the right with its buildings."""
    result = in_pixels(segment(TOWN, "buildings", SQUARED).polygons(), TOWN)
    height, width = TOWN.size_hw
    figure, grid = open_sheet([""], aspect=height / width)
    axis = grid[0, 0]
    show(axis, photograph(TOWN))
    middle = 0.42 * width
    found = result.geometry[result.geometry.bounds["minx"] > middle]
    outline(axis, found, alpha=0.45, width=1.4)
    axis.axvline(middle, color="white", linewidth=2)
    look_at(axis, 0, 0, width, height)
    save(figure, path)


def draw_gallery(path: Path) -> None:
    """A row each of images and results: buildings twice, land cover once."""
    figure, grid = open_sheet(["suburb, buildings", "town, buildings", "country, land cover"], rows=2)
    for column, place in enumerate((SUBURB, CITY)):
        show(grid[0, column], photograph(place))
        show(grid[1, column], photograph(place))
        outline(grid[1, column], in_pixels(segment(place, "buildings", SQUARED).polygons(), place).geometry)
    result = segment(COUNTRY, "landcover", PolygonSettings())
    show(grid[0, 2], photograph(COUNTRY))
    image = photograph(COUNTRY).transpose(1, 2, 0)
    classes = colors_of(classes_of(result), read_model_info("landcover").legend)
    show(grid[1, 2], (0.4 * image + 0.6 * classes).astype(np.uint8))
    for axis, place in zip(grid.T.ravel(), (SUBURB, SUBURB, CITY, CITY, COUNTRY, COUNTRY), strict=True):
        look_at(axis, 0, 0, *place.size_hw[::-1])
    save(figure, path)
