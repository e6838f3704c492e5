"""Paint streets onto one tile: roadways with their markings and wear, curbs and sidewalks, dirt roads."""
# ruff: noqa: PLR0912  (compiled kernels take plain arrays, by position)

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.synthetic.noise import blend, fade, fbm, lattice, ramp, value_noise
from fctl_geo.system.kernels import kernel

F32 = NDArray[np.float32]
Array = NDArray[Any]
CORNER_M = 5.0
"""Radius by which crossings are rounded."""


@kernel(error_model="numpy")
def find_streets(
    pieces: Array,
    which: Array,
    outside: F32,
    other: F32,
    along: F32,
    lateral: F32,
    x0: float,
    y0: float,
    step: float,
    reach_m: float,
) -> None:
    """Find the street that each pixel lies on or beside, in place.

    Args:
        pieces: (S, 11), see plan.World.streets.
        which: (h, w) int32 piece or -1.
        outside: distance to that street's edge, negative on it.
        other: distance to the edge of the next street (paved ones only).
        along: meters from its start. lateral: signed distance to its center line.
    """
    h, w = which.shape
    for s in range(len(pieces)):
        ax, ay, bx, by, run, half, kind, order, number, _, ends = pieces[s]
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
                # streets have square ends: 1 = at the start, 2 = at the end of this piece
                if (t < 0.0 and ends % 2 == 1) or (t > 1.0 and ends >= 2):
                    continue
                t = min(1.0, max(0.0, t))
                ex, ey = px - t * dx, py - t * dy
                d = np.sqrt(ex * ex + ey * ey)
                if d > far:
                    continue
                out = d - half
                old = outside[row, col]
                piece = which[row, col]
                if piece >= 0:
                    same = pieces[piece, 8] == number
                    if out < 0.0 and old < 0.0:
                        worse = order > pieces[piece, 7] or (order == pieces[piece, 7] and d >= abs(lateral[row, col]))
                    else:
                        worse = out >= old
                    if worse:
                        if not same and kind < 2:
                            other[row, col] = min(other[row, col], out)
                        continue
                    if not same and pieces[piece, 6] < 2:
                        other[row, col] = min(other[row, col], old)
                which[row, col] = s
                outside[row, col] = out
                along[row, col] = run + t * length
                lateral[row, col] = d if px * dy - py * dx > 0 else -d


@kernel(error_model="numpy")
def shade_streets(
    which: Array,
    outside: F32,
    other: F32,
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
    """Paint streets as `find_streets` found them, in place."""
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
            if kind >= 2:
                _dirt(albedo, height, classes, row, col, x, y, out, lat, half, kind, ps, dirt, step, seed)
                continue
            # a smooth minimum of two distances rounds the corners of crossings
            gap = max(0.0, CORNER_M - abs(out - other[row, col]))
            out -= gap * gap / (4.0 * CORNER_M)
            if out > walk + 0.6:
                continue
            fine = fbm(x, y, seed + 11, 0.9, 4, step)
            patch = fbm(x, y, ps, 14.0, 4, step)
            if out > walk:
                # dusty verge
                if classes[row, col] != 4 and patch + fine > -0.1:
                    for k in range(3):
                        albedo[row, col, k] = blend(albedo[row, col, k], dirt[k] * (0.8 + fine), 0.6)
                    height[row, col] *= 0.3
                    if out < walk + 0.3:
                        classes[row, col] = 0
                continue
            tint = 0.72 + 0.5 * lattice(ps, 7, 1)
            if out > 0.0:
                slab = along[row, col] / 1.5 - np.floor(along[row, col] / 1.5)
                tone = 1.0 + 0.3 * patch + 0.25 * fine - (0.1 * fade(0.6, step) if slab < 0.07 else 0.0)
                for k in range(3):
                    albedo[row, col, k] = (0.14 + 0.85 * asphalt[k] - 0.012 * k) * tone
                height[row, col] = 0.12
                classes[row, col] = 2
                continue
            tone = _wear(x, y, along[row, col], lat, half, ps, patch, fine, step) * tint
            clear = other[row, col] > 0.5
            paint = (
                _marks(along[row, col], lat, half, kind, ps, step) * (0.65 + 0.8 * fine + 0.5 * patch) if clear else 0.0
            )
            if -out < 0.2 and walk > 0.0:
                paint = max(paint, 0.25 * min(1.0, 0.2 / step))
            paint = min(1.0, max(0.0, paint))
            dust = 0.35 * ramp(-out, 0.9, 0.0) * ramp(patch, -0.2, 0.3)
            for k in range(3):
                c = blend(asphalt[k] * tone, 0.8 * dirt[k], dust)
                albedo[row, col, k] = blend(c, 0.74, paint)
            height[row, col] = 0.0
            classes[row, col] = 2


@kernel(error_model="numpy")
def _wear(
    x: float, y: float, along: float, lat: float, half: float, ps: int, patch: float, fine: float, step: float
) -> float:
    """Tone of asphalt: wheel tracks, oil between them, repaired strips, sealed cracks."""
    lane = abs(abs(lat) - 0.5 * half)
    tone = 1.0 + 0.28 * patch + 0.26 * fine
    tone += 0.05 if 0.5 < lane < 1.1 else -0.05 if lane < 0.3 else 0.0
    worn = value_noise(along / 13.0, np.floor(lat / (0.5 * half)) * 5.0, ps)
    tone *= 1.0 - 0.15 * ramp(worn, 0.62, 0.68)
    crack = value_noise(x / 1.7 + 3.0 * patch, y / 1.7, ps + 3)
    if abs(crack) < 0.035 and patch > -0.05:
        tone *= 1.0 - 0.22 * min(1.0, 0.2 / step)
    return max(0.3, tone)


@kernel(error_model="numpy")
def _dirt(
    albedo: F32,
    height: F32,
    classes: Array,
    row: int,
    col: int,
    x: float,
    y: float,
    out: float,
    lat: float,
    half: float,
    kind: int,
    ps: int,
    dirt: Array,
    step: float,
    seed: int,
) -> None:
    """A dirt road with ragged edges, two ruts and, on narrow ones, grass between them."""
    ragged = out + 0.9 * fbm(x, y, seed + 12, 5.0, 4, step)
    if ragged > 0.0 or classes[row, col] == 4:
        return
    fine = fbm(x, y, seed + 11, 0.9, 4, step)
    patch = fbm(x, y, ps, 14.0, 4, step)
    tint = 0.9 + 0.25 * lattice(ps, 7, 1)
    edge = ramp(-ragged, 0.0, 0.6)
    middle = 0.0
    if kind == 3 or half < 1.8:
        middle = ramp(0.3 + 0.5 * patch - abs(lat), -0.15, 0.15) * fade(0.8, step)
    rut = 0.07 if abs(abs(lat) - 0.75) < 0.3 else 0.0
    tone = (tint + 0.25 * patch + 0.35 * fine + rut) * (1.0 - 0.25 * middle)
    for k in range(3):
        albedo[row, col, k] = blend(albedo[row, col, k], dirt[k] * tone, edge * (1.0 - 0.6 * middle))
    height[row, col] *= 1.0 - edge
    if edge > 0.5:
        classes[row, col] = 2


@kernel(error_model="numpy")
def _marks(along: float, lat: float, half: float, kind: int, ps: int, step: float) -> float:
    """Amount of paint on a roadway, 0..1."""
    thin = min(1.0, 0.22 / step)
    off = abs(lat)
    if kind == 0:
        dash = along / 9.0 - np.floor(along / 9.0)
        middle = off < 0.09 and (dash < 0.45 or lattice(ps, 3, 2) < 0.3)
        lane = half > 5.0 and abs(off - 0.5 * half) < 0.08 and dash < 0.35
        edge = lattice(ps, 4, 2) < 0.6 and abs(half - 0.35 - off) < 0.08
        return 0.85 * thin if middle or lane or edge else 0.0
    if half > 2.9 and lattice(ps, 5, 2) < 0.4 and off < 0.07:
        return 0.6 * thin if along / 6.0 - np.floor(along / 6.0) < 0.4 else 0.0
    return 0.0
