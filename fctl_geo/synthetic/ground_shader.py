"""Paint the ground of one tile: parcels, shores and water, streets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fctl_geo.synthetic.noise import fade, fbm, lattice, value_noise

F32 = NDArray[np.float32]
Array = NDArray[Any]


@njit(cache=True)
def fill_rings(
    ids: Array, xs: Array, ys: Array, starts: Array, numbers: Array, x0: float, y0: float, step: float
) -> None:
    """Write each ring's number into the pixels whose centres lie inside it (even-odd), in place.

    Args:
        ids: (h, w) int32.
        xs, ys: corners of all rings, metres; ring r has starts[r] .. starts[r + 1].
        numbers: what to write, one a ring.
        x0, y0, step: the tile's corner and sample spacing in metres.
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


@njit(cache=True)
def _blend(a: float, b: float, t: float) -> float:
    return a + (b - a) * t


@njit(cache=True)
def _ramp(x: float, lo: float, hi: float) -> float:
    return min(1.0, max(0.0, (x - lo) / (hi - lo)))


@njit(cache=True)
def _shore(field: Array, x: float, y: float, origin: float, cell: float) -> float:
    """Bilinear distance to the shore."""
    n = field.shape[0]
    u = min(max((x - origin) / cell, 0.0), n - 1.001)
    v = min(max((y - origin) / cell, 0.0), n - 1.001)
    i, j = int(u), int(v)
    u -= i
    v -= j
    return (field[j, i] * (1 - u) + field[j, i + 1] * u) * (1 - v) + (
        field[j + 1, i] * (1 - u) + field[j + 1, i + 1] * u
    ) * v


@njit(cache=True)
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
        ids: (h, w) parcel a pixel. albedo: (h, w, 3) light. height: (h, w) m. classes: (h, w) uint8.
        grounds: (P, 18) rows of grounds.Ground. shore: (n, n) distances. water, sand: (3,) light.
    """
    h, w = ids.shape
    for row in range(h):
        y = y0 + (row + 0.5) * step
        for col in range(w):
            x = x0 + (col + 0.5) * step
            g = grounds[ids[row, col]]
            gs = int(g[17])
            d = _shore(shore, x, y, origin, cell)
            if d < 30.0:
                d += 3.5 * fbm(x, y, seed + 5, 24.0, 4, step)
            if d < 0.0:
                # depth darkens, wind patches lighten, ripples tilt the surface
                deep = _ramp(-d, 0.0, 7.0)
                wind = 1.0 + 0.16 * fbm(x, y, seed + 6, 90.0, 3, step) + 0.07 * fbm(x, y * 2.2, seed + 7, 3.0, 3, step)
                for k in range(3):
                    albedo[row, col, k] = _blend(0.55 * sand[k] + 0.45 * water[k], water[k], 0.25 + 0.75 * deep) * wind
                height[row, col] = -0.5
                classes[row, col] = 4
                continue
            n_patch = fbm(x, y, gs, g[9], 4, step)
            mix = _ramp(n_patch - (0.62 - 1.24 * g[8]) * 0.62, -0.05, 0.05)
            fine = fbm(x, y, seed + 1, 1.6, 4, step)
            broad = fbm(x, y, seed + 2, 140.0, 4, step)
            mid = fbm(x, y, gs + 3, 11.0, 4, step)
            u = x * g[10] + y * g[11]
            v = y * g[10] - x * g[11]
            tone = 1.0 + 0.18 * broad + 0.22 * mid + 2.0 * g[14] * fine
            kind = int(g[16])
            z = g[15] * (0.5 + fine)
            if g[13] > 0.0:
                wave = np.sin(2 * np.pi * (v + 0.25 * mid) / g[12]) * fade(g[12], step)
                tone += g[13] * wave
                z += 0.5 * g[15] * wave * min(1.0, 0.6 * g[12])
                # machines leave pairs of lines in crops
                if kind == 0 and g[13] > 0.015 and g[12] > 0.5:
                    lane = v / 21.0 - np.floor(v / 21.0)
                    if min(abs(lane - 0.46), abs(lane - 0.54)) < 0.013:
                        tone -= 0.16 * fade(1.4, step)
            if kind == 2:
                across = v / g[12] - np.floor(v / g[12])
                f = fade(g[12], step)
                rows = 1.0 if across < 0.5 + 0.25 * mid else 0.0
                mix = max(mix, _blend(0.4, 1.0 - rows, f))
            elif kind == 3:
                cu = u / g[12] - np.floor(u / g[12])
                cv = v / g[12] - np.floor(v / g[12])
                tone += 0.12 * (lattice(int(np.floor(u / g[12])), int(np.floor(v / g[12])), gs) - 0.5)
                if min(cu, cv) * g[12] < 0.08:
                    tone -= 0.15 * fade(0.5, step)
            elif kind == 4:
                tone += 0.05 * (1.0 if np.floor(u / g[12]) % 2 == 0 else -1.0)
            vege = g[0] if mix < 0.5 else g[4]
            tint = 0.10 * mid if vege == 3.0 else 0.03 * mid
            for k in range(3):
                c = _blend(g[1 + k], g[5 + k], mix) * tone
                albedo[row, col, k] = max(0.004, c * (1.0 + tint * (1.0 - k)))
            if kind == 1:
                _stalls(albedo, row, col, u, v, step)
            classes[row, col] = int(vege)
            if d < 4.0 and kind != 1:
                wet = _ramp(d, 0.0, 4.0) + 0.5 * n_patch
                if wet < 0.55:
                    for k in range(3):
                        albedo[row, col, k] = _blend(
                            sand[k] * (0.6 + 0.4 * _ramp(d, 0.0, 1.5)) * tone,
                            albedo[row, col, k],
                            _ramp(wet, 0.35, 0.55),
                        )
                    classes[row, col] = 0
            height[row, col] = z


@njit(cache=True)
def _stalls(albedo: F32, row: int, col: int, u: float, v: float, step: float) -> None:
    """White lines of a car park: rows of 5.2 m stalls, 2.6 m wide, at both sides of an aisle, every 16 m."""
    r = v - 16.0 * np.floor(v / 16.0)
    if r < 5.2 or r > 10.8:
        p = u / 2.6 - np.floor(u / 2.6)
        if min(p, 1.0 - p) * 2.6 < 0.09 or abs(r) < 0.07:
            f = 0.75 * min(1.0, 0.25 / step)
            for k in range(3):
                albedo[row, col, k] = _blend(albedo[row, col, k], 0.72, f)


@njit(cache=True)
def find_streets(
    pieces: Array,
    which: Array,
    outside: F32,
    along: F32,
    lateral: F32,
    x0: float,
    y0: float,
    step: float,
    reach_m: float,
) -> None:
    """Find for each pixel the street that it lies on or beside, in place.

    Args:
        pieces: (S, 10), see plan.World.streets.
        which: (h, w) int32 piece or -1. outside: distance to its edge (negative on it). along: metres from its start.
        lateral: signed distance to its centre line. Wider streets win crossings.
    """
    h, w = which.shape
    for s in range(len(pieces)):
        ax, ay, bx, by, run, half, _, order, _, _ = pieces[s]
        far = half + reach_m
        dx, dy = bx - ax, by - ay
        len2 = max(dx * dx + dy * dy, 1e-9)
        length = np.sqrt(len2)
        c0 = max(0, int((min(ax, bx) - far - x0) / step))
        c1 = min(w, int((max(ax, bx) + far - x0) / step) + 2)
        r0 = max(0, int((min(ay, by) - far - y0) / step))
        r1 = min(h, int((max(ay, by) + far - y0) / step) + 2)
        for row in range(r0, r1):
            py = y0 + (row + 0.5) * step - ay
            for col in range(c0, c1):
                px = x0 + (col + 0.5) * step - ax
                t = (px * dx + py * dy) / len2
                t = min(1.0, max(0.0, t))
                ex, ey = px - t * dx, py - t * dy
                d = np.sqrt(ex * ex + ey * ey)
                if d > far:
                    continue
                out = d - half
                old = outside[row, col]
                old_piece = which[row, col]
                if old_piece >= 0:
                    if out < 0 and old < 0:
                        if order < pieces[old_piece, 7] or (
                            order == pieces[old_piece, 7] and d >= abs(lateral[row, col])
                        ):
                            continue
                    elif out >= old:
                        continue
                which[row, col] = s
                outside[row, col] = out
                along[row, col] = run + t * length
                lateral[row, col] = d if px * dy - py * dx > 0 else -d


@njit(cache=True)
def shade_streets(
    which: Array,
    outside: F32,
    along: F32,
    lateral: F32,
    pieces: Array,
    albedo: F32,
    height: F32,
    classes: Array,
    asphalt: Array,
    dirt: Array,
    x0: float,
    y0: float,
    step: float,
    seed: int,
) -> None:
    """Paint carriageways, their marks, kerbs and pavements, and dirt roads, in place."""
    h, w = which.shape
    for row in range(h):
        y = y0 + (row + 0.5) * step
        for col in range(w):
            s = which[row, col]
            if s < 0:
                continue
            x = x0 + (col + 0.5) * step
            p = pieces[s]
            half, kind, ps, walk = p[5], int(p[6]), int(p[8]), p[9]
            out = outside[row, col]
            lat = lateral[row, col]
            fine = fbm(x, y, seed + 11, 0.9, 3, step)
            patch = fbm(x, y, ps, 14.0, 4, step)
            tint = 0.8 + 0.4 * lattice(ps, 7, 1)
            if kind >= 2:
                ragged = out + 0.9 * fbm(x, y, seed + 12, 5.0, 4, step)
                if ragged > 0.0:
                    continue
                edge = _ramp(-ragged, 0.0, 0.5)
                rut = abs(abs(lat) - 0.75)
                grass = kind == 3 or half < 1.8
                middle = (1.0 if abs(lat) < 0.35 + 0.5 * patch else 0.0) * fade(0.8, step) if grass else 0.0
                tone = (0.85 + 0.3 * (tint - 0.8) + 0.25 * patch + 0.3 * fine + (0.06 if rut < 0.35 else 0.0)) * (
                    1.0 - 0.25 * middle
                )
                for k in range(3):
                    albedo[row, col, k] = _blend(albedo[row, col, k], dirt[k] * tone, edge * (1.0 - 0.6 * middle))
                height[row, col] *= 1.0 - edge
                if edge > 0.5:
                    classes[row, col] = 2
                continue
            if out > 0.0:
                if out > walk:
                    continue
                slab = along[row, col] / 1.5 - np.floor(along[row, col] / 1.5)
                tone = 1.12 + 0.25 * patch + 0.2 * fine - (0.1 if slab < 0.07 else 0.0)
                for k in range(3):
                    albedo[row, col, k] = (0.40 + 0.25 * asphalt[k] - 0.015 * k) * tone
                height[row, col] = 0.12
                classes[row, col] = 2
                continue
            wheel = abs(abs(lat) - 0.5 * half)
            tone = tint * (1.0 + 0.22 * patch + 0.22 * fine + (0.05 if wheel < 0.7 else -0.02))
            # repaired strips and cracks
            if value_noise(along[row, col] / 9.0, np.floor(lat / (0.5 * half)), ps) > 0.72:
                tone *= 0.82
            paint = _marks(along[row, col], lat, half, kind, ps, step) * (0.7 + 0.5 * fine)
            if -out < 0.22 and walk > 0.0:
                paint = max(paint, 0.22)
            for k in range(3):
                albedo[row, col, k] = _blend(asphalt[k] * tone, 0.74, min(1.0, max(0.0, paint)))
            height[row, col] = 0.0
            classes[row, col] = 2


@njit(cache=True)
def _marks(along: float, lat: float, half: float, kind: int, ps: int, step: float) -> float:
    """How much paint lies on a carriageway, 0..1."""
    thin = min(1.0, 0.22 / step)
    if kind == 0:
        dash = along / 9.0 - np.floor(along / 9.0)
        if abs(lat) < 0.09 and (dash < 0.45 or lattice(ps, 3, 2) < 0.3):
            return 0.85 * thin
        if half > 5.5 and abs(abs(lat) - 0.5 * half) < 0.08 and dash < 0.35:
            return 0.8 * thin
        if abs(half - 0.35 - abs(lat)) < 0.08:
            return 0.8 * thin
    elif half > 3.0 and lattice(ps, 5, 2) < 0.4 and abs(lat) < 0.07:
        dash = along / 6.0 - np.floor(along / 6.0)
        return 0.6 * thin if dash < 0.4 else 0.0
    return 0.0
