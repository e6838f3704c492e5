"""Sun, sky and shadows over a tile's heights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.system.kernels import kernel

F32 = NDArray[np.float32]
Array = NDArray[Any]


@kernel(error_model="numpy")
def sweep_shadow(height: F32, sun_x: float, sun_y: float, drop: float) -> F32:
    """Height of the shadow volume over each pixel, in one pass along the light.

    Args:
        height: (h, w) m.
        sun_x, sun_y: unit vector toward the sun (x right, y down).
        drop: meters that light descends per pixel along the vector.
    """
    h, w = height.shape
    top = height.copy()
    if abs(sun_y) >= abs(sun_x):
        shift, fall = sun_x / abs(sun_y), drop / abs(sun_y)
        back = 1 if sun_y > 0 else -1
        for i in range(1, h):
            row = h - 1 - i if back > 0 else i
            for col in range(w):
                at = col + shift
                j = int(np.floor(at))
                if j < 0 or j + 1 >= w:
                    continue
                f = at - j
                s = top[row + back, j] * (1 - f) + top[row + back, j + 1] * f - fall
                top[row, col] = max(top[row, col], s)
    else:
        shift, fall = sun_y / abs(sun_x), drop / abs(sun_x)
        back = 1 if sun_x > 0 else -1
        for i in range(1, w):
            col = w - 1 - i if back > 0 else i
            for row in range(h):
                at = row + shift
                j = int(np.floor(at))
                if j < 0 or j + 1 >= h:
                    continue
                f = at - j
                s = top[j, col + back] * (1 - f) + top[j + 1, col + back] * f - fall
                top[row, col] = max(top[row, col], s)
    return top


@kernel(error_model="numpy")
def box_mean(image: F32, radius: int) -> F32:
    """Mean over a square window, clamped at the borders, in two passes."""
    h, w = image.shape
    tmp = np.empty_like(image)
    out = np.empty_like(image)
    for row in range(h):
        total = 0.0
        for k in range(-radius, radius + 1):
            total += image[row, min(max(k, 0), w - 1)]
        for col in range(w):
            tmp[row, col] = total / (2 * radius + 1)
            total += image[row, min(col + radius + 1, w - 1)] - image[row, max(col - radius, 0)]
    acc = np.zeros(w)
    for k in range(-radius, radius + 1):
        acc += tmp[min(max(k, 0), h - 1)]
    for row in range(h):
        for col in range(w):
            out[row, col] = acc[col] / (2 * radius + 1)
            acc[col] += tmp[min(row + radius + 1, h - 1), col] - tmp[max(row - radius, 0), col]
    return out


@kernel(error_model="numpy")
def _slope(back: float, here: float, ahead: float) -> float:
    """Slope on the gentler side: a cliff (a wall, the edge of a crown) does not tilt the surface next to it."""
    a, b = here - back, ahead - here
    if a * b <= 0.0:
        return 0.5 * (a + b) if abs(a) < 0.3 and abs(b) < 0.3 else 0.0
    return a if abs(a) < abs(b) else b


@kernel(error_model="numpy")
def shade(
    albedo: F32,
    height: F32,
    classes: Array,
    top: F32,
    around: F32,
    sun_x: float,
    sun_y: float,
    elevation: float,
    sky: float,
    step: float,
) -> None:
    """Multiply albedo (h, w, 3) by the light that falls on it, in place; flat open ground gets 1."""
    h, w = height.shape
    lx, ly, lz = sun_x * np.cos(elevation), sun_y * np.cos(elevation), np.sin(elevation)
    sun = (1.0 - sky) / lz
    for row in range(h):
        for col in range(w):
            z = height[row, col]
            gx = _slope(height[row, max(col - 1, 0)], z, height[row, min(col + 1, w - 1)]) / step
            gy = _slope(height[max(row - 1, 0), col], z, height[min(row + 1, h - 1), col]) / step
            norm = 1.0 / np.sqrt(1.0 + gx * gx + gy * gy)
            cosine = (lz - gx * lx - gy * ly) * norm
            if classes[row, col] == 3 and z > 0.6:
                cosine = (cosine + 0.25) / 1.25
            lit = 1.0 - min(1.0, max(0.0, (top[row, col] - z - 0.05) / 0.25))
            open_sky = 1.0 - min(0.65, max(0.0, (around[row, col] - z) * 0.14))
            direct = sun * max(0.0, cosine) * lit
            r = direct * 1.02 + sky * 0.88 * open_sky
            g = direct + sky * open_sky
            b = direct * 0.96 + sky * 1.22 * open_sky
            albedo[row, col, 0] *= r
            albedo[row, col, 1] *= g
            albedo[row, col, 2] *= b
            if classes[row, col] == 4:
                # water mirrors the sky
                albedo[row, col, 0] += 0.012
                albedo[row, col, 1] += 0.016
                albedo[row, col, 2] += 0.02


@kernel(error_model="numpy")
def gather(light: F32, classes: Array, ss: int, pad_x: int, pad_y: int, rgb_out: F32, classes_out: Array) -> None:
    """Average ss x ss samples into pixels, with the most frequent class (ties go to the higher id)."""
    h, w = classes_out.shape
    votes = np.zeros(8, dtype=np.int64)
    for row in range(h):
        for col in range(w):
            votes[:] = 0
            for k in range(3):
                rgb_out[k, row, col] = 0.0
            for i in range(ss):
                for j in range(ss):
                    y, x = pad_y + row * ss + i, pad_x + col * ss + j
                    votes[classes[y, x]] += 1
                    for k in range(3):
                        rgb_out[k, row, col] += light[y, x, k]
            best = 0
            for c in range(1, 5):
                if votes[c] >= votes[best] and votes[c] > 0:
                    best = c
            classes_out[row, col] = best
            for k in range(3):
                rgb_out[k, row, col] /= ss * ss
