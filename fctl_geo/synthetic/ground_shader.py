"""Paint the open ground of one tile: parcels with their ground covers, shores and water."""
# ruff: noqa: PLR0912, PLR0915  (compiled kernels take plain arrays, by position)

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.synthetic.noise import blend, fade, fbm, lattice, ramp, value_noise
from fctl_geo.system.kernels import kernel

F32 = NDArray[np.float32]
Array = NDArray[Any]


@kernel(error_model="numpy")
def fill_rings(
    ids: Array, xs: Array, ys: Array, starts: Array, numbers: Array, x0: float, y0: float, step: float
) -> None:
    """Write each ring's number into the pixels whose centers lie inside it (even-odd rule), in place.

    Args:
        ids: (h, w) int32.
        xs, ys: corners of all rings, in meters; ring r has starts[r] .. starts[r + 1].
        numbers: the number to write, one per ring.
        x0, y0, step: the tile's corner and sample spacing, in meters.
    """
    h, w = ids.shape
    hits = np.empty(256, dtype=np.float64)
    for r in range(len(numbers)):
        a, b = starts[r], starts[r + 1]
        top = max(0, int((ys[a:b].min() - y0) / step))
        low = min(h - 1, int((ys[a:b].max() - y0) / step) + 1)
        for row in range(top, low + 1):
            y = y0 + (row + 0.5) * step
            n = 0
            j = b - 1
            for i in range(a, b):
                if (ys[i] > y) != (ys[j] > y) and n < 256:
                    hits[n] = xs[i] + (y - ys[i]) / (ys[j] - ys[i]) * (xs[j] - xs[i])
                    n += 1
                j = i
            hits[:n].sort()
            for k in range(0, n - 1, 2):
                first = max(0, int(np.ceil((hits[k] - x0) / step - 0.5)))
                last = min(w - 1, int(np.floor((hits[k + 1] - x0) / step - 0.5)))
                for col in range(first, last + 1):
                    ids[row, col] = numbers[r]


@kernel(error_model="numpy")
def _shore(field: Array, x: float, y: float, origin: float, cell: float) -> float:
    """Bilinear distance to the shore."""
    n = field.shape[0]
    u = min(max((x - origin) / cell, 0.0), n - 1.001)
    v = min(max((y - origin) / cell, 0.0), n - 1.001)
    i, j = int(u), int(v)
    u -= i
    v -= j
    top = field[j, i] * (1 - u) + field[j, i + 1] * u
    return float(top * (1 - v) + (field[j + 1, i] * (1 - u) + field[j + 1, i + 1] * u) * v)


@kernel(error_model="numpy")
def shade_ground(
    ids: Array,
    albedo: F32,
    height: F32,
    classes: Array,
    grounds: Array,
    shore: Array,
    origin: float,
    cell: float,
    water: Array,
    sand: Array,
    x0: float,
    y0: float,
    step: float,
    seed: int,
) -> None:
    """Paint parcels, shores and water, in place.

    Args:
        ids: (h, w) parcel of each pixel. albedo: (h, w, 3) light. height: (h, w) m. classes: (h, w) uint8.
        grounds: (P, 18) rows of grounds.Ground. shore: (n, n) distances. water, sand: (3,) light.
    """
    h, w = ids.shape
    for row in range(h):
        y = y0 + (row + 0.5) * step
        for col in range(w):
            x = x0 + (col + 0.5) * step
            g = grounds[ids[row, col]]
            d = _shore(shore, x, y, origin, cell)
            if d < 30.0:
                d += 3.5 * fbm(x, y, seed + 5, 24.0, 4, step)
            if d < 0.0:
                _water(albedo, row, col, x, y, d, water, sand, step, seed)
                height[row, col] = -0.5
                classes[row, col] = 4
                continue
            gs, kind = int(g[17]), int(g[16])
            fine = fbm(x, y, seed + 1, 1.6, 5, step)
            broad = fbm(x, y, seed + 2, 140.0, 2, step)
            mid = fbm(x, y, gs + 3, 11.0, 3, step)
            spots = fbm(x, y, gs, g[9], 3, step) + 0.3 * mid
            level = (0.62 - 1.24 * g[8]) * 0.66
            soft = 0.35 if g[0] == g[4] else 0.24
            mix = ramp(spots + 0.35 * fine - level, -soft, soft)
            # the class follows the patches, not every tuft, as a human annotator would draw it
            cover = g[0] if spots < level else g[4]
            u = x * g[10] + y * g[11]
            v = y * g[10] - x * g[11]
            tone = 1.0 + 0.18 * broad + 0.2 * mid + 2.0 * g[14] * fine
            z = g[15] * (0.5 + fine)
            if g[13] > 0.0:
                wave = np.sin(2 * np.pi * (v + 0.3 * mid) / g[12]) * fade(g[12], step)
                tone += g[13] * wave
                z += 0.5 * g[15] * wave * min(1.0, 0.6 * g[12])
                # machines leave pairs of tracks in crops
                if kind == 0 and g[13] > 0.015 and g[12] > 0.5:
                    lane = v / 21.0 - np.floor(v / 21.0)
                    if min(abs(lane - 0.46), abs(lane - 0.54)) < 0.013:
                        tone -= 0.13 * fade(1.4, step)
            if kind == 2:
                across = v / g[12] - np.floor(v / g[12])
                rows = 1.0 if across < 0.5 + 0.25 * mid else 0.0
                mix = max(mix, blend(0.4, 1.0 - rows, fade(g[12], step)))
            elif kind == 3:
                tone += _slabs(u, v, g[12], gs, step)
            elif kind == 4:
                tone += 0.05 * (1.0 if np.floor(u / g[12]) % 2 == 0 else -1.0)
            tint = 0.12 * mid if cover == 3.0 else 0.03 * mid
            for k in range(3):
                c = blend(g[1 + k], g[5 + k], mix) * tone
                albedo[row, col, k] = max(0.004, c * (1.0 + tint * (1.0 - k)))
            if kind == 1:
                _stalls(albedo, row, col, u, v, gs, step)
            classes[row, col] = int(cover)
            if d < 4.0 and kind != 1:
                wet = ramp(d, 0.0, 4.0) + 0.5 * spots
                if wet < 0.55:
                    dark = 0.6 + 0.4 * ramp(d, 0.0, 1.5)
                    for k in range(3):
                        c = albedo[row, col, k]
                        albedo[row, col, k] = blend(sand[k] * dark * tone, c, ramp(wet, 0.35, 0.55))
                    classes[row, col] = 0
            height[row, col] = z


@kernel(error_model="numpy")
def _water(
    albedo: F32, row: int, col: int, x: float, y: float, d: float, water: Array, sand: Array, step: float, seed: int
) -> None:
    """Depth darkens, wind patches lighten, ripples and weeds mottle."""
    deep = ramp(-d, 0.0, 7.0)
    wind = 1.0 + 0.2 * fbm(x, y, seed + 6, 90.0, 3, step) + 0.1 * fbm(x + 0.4 * y, 2.2 * y, seed + 7, 3.0, 3, step)
    weed = ramp(fbm(x, y, seed + 8, 17.0, 4, step) - 0.22 * deep, 0.08, 0.2) * (1.0 - deep)
    for k in range(3):
        c = blend(0.5 * sand[k] + 0.5 * water[k], water[k], 0.25 + 0.75 * deep) * wind
        albedo[row, col, k] = c * (1.0 - 0.4 * weed)


@kernel(error_model="numpy")
def _slabs(u: float, v: float, side_m: float, seed: int, step: float) -> float:
    """Concrete slabs of uneven tone with dark joints."""
    iu, iv = np.floor(u / side_m), np.floor(v / side_m)
    tone = 0.14 * (lattice(int(iu), int(iv), seed) - 0.5)
    if min(u - iu * side_m, v - iv * side_m) < 0.08:
        tone -= 0.15 * fade(0.5, step)
    return tone


@kernel(error_model="numpy")
def _stalls(albedo: F32, row: int, col: int, u: float, v: float, seed: int, step: float) -> None:
    """A parking lot: rows of 5.2 m stalls, 2.6 m wide, on both sides of an aisle, every 16 m; stains and repairs."""
    r = v - 16.0 * np.floor(v / 16.0)
    if value_noise(u / 11.0, np.floor(v / 16.0), seed) > 0.6:
        for k in range(3):
            albedo[row, col, k] *= 0.85
    if r < 5.2 or r > 10.8:
        p = u / 2.6 - np.floor(u / 2.6)
        if min(p, 1.0 - p) * 2.6 < 0.07 or abs(r) < 0.06:
            f = 0.65 * min(1.0, 0.2 / step)
            for k in range(3):
                albedo[row, col, k] = blend(albedo[row, col, k], 0.7, f)
