"""Labeled images in memory, reduced to about the resolution at which they are sampled."""

from __future__ import annotations

import math
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from fctl_geo.errors import TrainingError
from fctl_geo.spec import Legend
from fctl_geo.training.color_masks import classes_of_colors, parse_color
from fctl_geo.training.recipe import SourceSpec

IGNORE = 255
"""Index of unlabeled pixels in `LabelledImage.label`."""
_BAND_PX = 1024
"""Rows per band in which outlines are burned."""


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image and what its labels allow."""

    name: str
    pixels: NDArray[np.uint8]
    """(H, W, 3)."""
    valid: NDArray[np.bool_]
    """(H, W): imagery, not a hole."""
    label: NDArray[np.uint8]
    """(H, W): row of the `AllowedTable`, or IGNORE."""
    gsd_m: float


class AllowedTable:
    """Sets of classes that a label allows: one class for a full label, several for a partial one."""

    def __init__(self, legend: Legend) -> None:
        self.names = [c.name for c in legend]
        self.rows: list[tuple[int, ...]] = []

    def index_of(self, names: Sequence[str]) -> int:
        """The row of that set of classes, added if it is new."""
        self._check(names)
        row = tuple(sorted(self.names.index(n) for n in names))
        if row not in self.rows:
            self.rows.append(row)
        return self.rows.index(row)

    def matrix(self) -> NDArray[np.float32]:
        """(rows + 1, classes): 1 where allowed; the last row (ignored) allows all."""
        table = np.zeros((len(self.rows) + 1, len(self.names)), np.float32)
        for i, row in enumerate(self.rows):
            table[i, list(row)] = 1
        table[-1] = 1
        return table

    def weights(self, classes: Mapping[str, float]) -> NDArray[np.float32]:
        """(rows + 1,): weight of each row: that of its class if it allows only one, else 1."""
        self._check(classes)
        one = [classes.get(self.names[row[0]], 1.0) if len(row) == 1 else 1.0 for row in self.rows]
        return np.array([*one, 1.0], np.float32)

    def _check(self, names: Iterable[str]) -> None:
        unknown = [n for n in names if n not in self.names]
        if unknown:
            raise TrainingError(
                f"label class {unknown[0]!r} is not a class of the recipe", hint=f"classes: {self.names}"
            )


def load_source(spec: SourceSpec, table: AllowedTable, data: Path, finest_gsd_m: float) -> list[LabelledImage]:
    """The images of a source, averaged to no finer than `finest_gsd_m`.

    Raises:
        TrainingError: no image matches the pattern, or a mask is missing or has another size.
    """
    if spec.kind == "synthetic":
        images = _synthetic(spec, table)
    else:
        paths = [p for pattern in spec.images for p in sorted(data.glob(pattern))]
        if not paths:
            raise TrainingError(f"source {spec.name!r}: no image matches {', '.join(spec.images)} in {data}")
        images = [_read_pair(path, spec, table) for path in paths]
        if spec.mosaic:
            images = _join(images, paths, spec.mosaic)
        if spec.rough_m:
            images = [replace(i, label=forgiving(i.label, spec.rough_m / spec.gsd_m)) for i in images]
    factor = max(1, math.floor(finest_gsd_m / spec.gsd_m))
    return [_shrink(image, factor) for image in images]


def _synthetic(spec: SourceSpec, table: AllowedTable) -> list[LabelledImage]:
    from fctl_geo.synthetic.world import render_scene

    lookup = _lookup(spec, table)
    images = []
    for i in range(spec.scenes):
        style = spec.styles[i % len(spec.styles)] if spec.styles else None
        scene = render_scene(spec.seed + i, spec.size_px, spec.size_px, spec.gsd_m, style)
        pixels = np.ascontiguousarray(scene.rgb.transpose(1, 2, 0))
        valid = np.ones(pixels.shape[:2], np.bool_)
        images.append(LabelledImage(f"{spec.name} {i}", pixels, valid, lookup[scene.classes], spec.gsd_m))
    return images


def _read_pair(path: Path, spec: SourceSpec, table: AllowedTable) -> LabelledImage:
    fields = {"parent": path.parent, "grandparent": path.parent.parent, "stem": path.stem}
    mask_path = Path(spec.masks.format(**fields))
    if not mask_path.exists():
        raise TrainingError(f"{path} has no label {mask_path}", hint="check the 'masks' pattern of the source")
    pixels, mask = read_raster(path), read_raster(mask_path)
    if pixels.shape[:2] != mask.shape[:2]:
        raise TrainingError(f"{path} has {pixels.shape[:2]} px, its mask {mask.shape[:2]} (rows, columns)")
    if spec.window is not None:
        row, col, height, width = spec.window
        pixels, mask = (a[row : row + height, col : col + width] for a in (pixels, mask))
    if mask.shape[2] == 3:
        colors = {parse_color(v, mask_path.name): table.index_of(names) for v, names in spec.labels.items()}
        label = classes_of_colors(mask.transpose(2, 0, 1), colors, IGNORE)
    else:
        label = _lookup(spec, table)[mask[:, :, 0]]
    if spec.outlines:
        meets = _meeting(path, Path(spec.outlines.format(**fields)), spec)
        label = np.where(meets & (label != IGNORE), table.index_of(spec.labels["0"]), label)
    pixels = np.ascontiguousarray(pixels[:, :, :3])
    valid = np.ones(pixels.shape[:2], np.bool_)
    if spec.nodata_white:
        valid = ~_large_white(pixels)
        label = np.where(valid, label, IGNORE)
    return LabelledImage(path.stem, pixels, valid, np.ascontiguousarray(label), spec.gsd_m)


def _meeting(image: Path, outlines: Path, spec: SourceSpec) -> NDArray[np.bool_]:
    """Pixels of an image (or of its window) at which two polygons meet."""
    from fctl_geo.progress import Silent
    from fctl_geo.raster.gdal import open_quietly
    from fctl_geo.scene.georeference import georeference_of, placement_of
    from fctl_geo.scene.labels import PolygonLabels, read_class_column
    from fctl_geo.windows.window import Window

    column = read_class_column(outlines, "building")
    with open_quietly(image) as dataset:
        frame = georeference_of(placement_of(dataset, image.name)).frame()
    folder = Path(tempfile.gettempdir())
    polygons = PolygonLabels(column, frame, dict.fromkeys(column.counts, 0), folder=folder, progress=Silent())
    whole = Window(*(spec.window or (0, 0, *frame.size_hw)))
    out = np.zeros(whole.size_hw, np.bool_)
    for row in range(0, whole.height, _BAND_PX):
        band = Window(whole.row + row, whole.col, min(_BAND_PX + 1, whole.height - row), whole.width)
        out[row : row + band.height] |= borders(polygons.read_features(band, 0))
    return out


def borders(numbers: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels of an object next to (4-connected) a pixel of another one. 0 1 1 2 0 -> 0 0 1 1 0."""
    out = np.zeros(numbers.shape, np.bool_)
    for one, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        differ = (numbers[one] != numbers[other]) & (numbers[one] > 0) & (numbers[other] > 0)
        out[one] |= differ
        out[other] |= differ
    return out


def read_raster(path: Path) -> NDArray[np.uint8]:
    """(H, W, bands) of an 8-bit raster of a training set, which fits in memory."""
    import warnings

    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as raster:
            array = raster.read()
            if raster.count == 1 and raster.colorinterp[0].name == "palette":
                palette = raster.colormap(1)
                array = np.array([palette.get(i, (0, 0, 0))[:3] for i in range(256)], np.uint8)[array[0]].transpose(
                    2, 0, 1
                )
    return np.ascontiguousarray(array.transpose(1, 2, 0))


def _large_white(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pure white in blocks of 8 x 8: mosaic holes, not white roofs (which have texture)."""
    white: NDArray[np.bool_] = (pixels == 255).all(axis=2)
    height, width = (n // 8 * 8 for n in white.shape)
    blocks = white[:height, :width].reshape(height // 8, 8, width // 8, 8).all(axis=(1, 3))
    out = np.zeros_like(white)
    out[:height, :width] = np.repeat(np.repeat(blocks, 8, 0), 8, 1)
    return out


def forgiving(label: NDArray[np.uint8], rim_px: float) -> NDArray[np.uint8]:
    """Labels with rough contours: ignored where another label lies within `rim_px`, along rows, columns, or diagonals.

    Law: along a straight contour, this many pixels (rounded up) are ignored on either side.
    """
    reach = math.ceil(rim_px)
    known = torch.from_numpy(label).float()
    known[known == IGNORE] = math.nan  # unlabeled ground has no rim
    highest, lowest = (
        F.max_pool2d(plane[None], 2 * reach + 1, stride=1, padding=reach)[0]
        for plane in (known.nan_to_num(-1.0), (-known).nan_to_num(-256.0))
    )
    out = label.copy()
    out[(highest != -lowest).numpy() & (label != IGNORE)] = IGNORE
    return out


def _lookup(spec: SourceSpec, table: AllowedTable) -> NDArray[np.uint8]:
    lookup = np.full(256, IGNORE, np.uint8)
    for value, names in spec.labels.items():
        lookup[int(value)] = table.index_of(names)
    return lookup


def _join(images: list[LabelledImage], paths: list[Path], side: int) -> list[LabelledImage]:
    """Join the parts of each folder; parts that differ by a pixel are cropped to the smallest of a row or column."""
    folders: dict[Path, list[LabelledImage]] = defaultdict(list)
    for image, path in zip(images, paths, strict=True):
        folders[path.parent].append(image)
    joined = []
    for folder, parts in folders.items():
        if len(parts) != side * side:
            raise TrainingError(f"{folder} has {len(parts)} parts, a mosaic of {side} x {side} needs {side * side}")
        rows = [parts[i * side : (i + 1) * side] for i in range(side)]

        def join(
            pick: Callable[[LabelledImage], NDArray[np.generic]], rows: list[list[LabelledImage]] = rows
        ) -> NDArray[np.generic]:
            height = [min(pick(p).shape[0] for p in row) for row in rows]
            width = [min(pick(row[i]).shape[1] for row in rows) for i in range(side)]
            return np.concatenate(
                [
                    np.concatenate([pick(p)[:h, :w] for p, w in zip(row, width, strict=True)], axis=1)
                    for row, h in zip(rows, height, strict=True)
                ]
            )

        pixels, valid, label = (join(pick) for pick in (lambda p: p.pixels, lambda p: p.valid, lambda p: p.label))
        joined.append(LabelledImage(folder.parent.name, pixels, valid, label, parts[0].gsd_m))  # type: ignore[arg-type]
    return joined


def block_mean(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """(H, W, C) averaged over blocks of factor x factor, remainder cropped, rounded half up."""
    height, width = (n // factor for n in pixels.shape[:2])
    out = np.empty((height, width, pixels.shape[2]), np.uint8)
    for row in range(0, height, 256):  # in bands: a whole image of sums would be four times its size
        band = pixels[row * factor : min(height, row + 256) * factor, : width * factor]
        sums = band.reshape(-1, factor, width, factor, pixels.shape[2]).sum(axis=(1, 3), dtype=np.uint32)
        out[row : row + 256] = (sums + factor * factor // 2) // (factor * factor)
    return out


def _shrink(image: LabelledImage, factor: int) -> LabelledImage:
    if factor == 1:
        return image
    height, width = (n // factor for n in image.label.shape)
    center = slice(factor // 2, None, factor)
    return LabelledImage(
        image.name,
        block_mean(image.pixels, factor),
        image.valid[center, center][:height, :width],
        image.label[center, center][:height, :width],
        image.gsd_m * factor,
    )
