"""Paint everything above the ground of one tile: roofs and boxes, then tree crowns; the higher object wins."""
# ruff: noqa: PLR0911, PLR0912, PLR0915  (compiled kernels take plain arrays, by position)

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fctl_geo.synthetic.noise import blend, fade, fbm, lattice, ramp, value_noise
from fctl_geo.system.kernels import kernel

F32 = NDArray[np.float32]
Array = NDArray[Any]


@kernel(error_model="numpy")
def _rise(shape: int, u: float, v: float, hu: float, hv: float, pitch: float, parapet: float) -> float:
    """Height of a roof above its eaves at a local point; -1: not on the roof (FLAT, GABLE, ... as in houses.py)."""
    eu: float = hu - abs(u)
    ev: float = hv - abs(v)
    if shape == 1:
        return ev * pitch
    if shape == 2:
        return min(ev, eu) * pitch
    if shape == 3:
        return (v + hv) * pitch * 0.5
    if shape == 4:
        return float(0.45 * hv * np.sqrt(max(0.0, 1.0 - (v / hv) ** 2)))
    if shape == 5:
        return float(2.2 * ((u + hu) / 7.0 - np.floor((u + hu) / 7.0)))
    if shape == 6:
        return 0.0 if (u / hu) ** 2 + (v / hv) ** 2 <= 1.0 else -1.0
    if shape == 7:
        return 0.0 if -0.55 * hu < u < 0.4 * hu else -0.55
    return parapet if parapet > 0.0 and min(eu, ev) < 0.28 else 0.0


@kernel(error_model="numpy")
def _texture(texture: int, u: float, v: float, x: float, y: float, seed: int, age: float, step: float) -> float:
    """Tone of a roof's surface, around 1; u runs along the ridge, v down the slope."""
    stain = fbm(x, y, seed, 5.0, 4, step)
    fine = fbm(x, y, seed + 1, 0.7, 4, step)
    streak = value_noise(u / 0.5, v / 6.0, seed + 2) * fade(1.0, step)
    tone: float = 1.0 + (0.12 + 0.3 * age) * stain
    if texture == 0:
        course = float(np.sin(2 * np.pi * v / 0.42)) * fade(0.42, step)
        course += 0.6 * float(np.sin(2 * np.pi * u / 0.3)) * fade(0.3, step)
        piece = lattice(int(np.floor(u / 0.6)), int(np.floor(v / 0.42)), seed) - 0.5
        return float(tone + 0.08 * course + 0.16 * piece * fade(0.9, step) + 0.12 * fine + 0.06 * streak)
    if texture == 1:
        seam = u / 1.1 - np.floor(u / 1.1)
        rib = (-0.12 if seam < 0.14 else 0.02) * fade(1.1, step)
        sheet = lattice(int(np.floor(u / 3.3)), int(np.floor(v / 9.0)), seed) - 0.5
        return float(tone + rib + 0.07 * sheet + 0.05 * streak + 0.04 * fine)
    if texture == 4:
        wave = float(np.sin(2 * np.pi * u / 0.5)) * fade(0.5, step)
        sheet = lattice(int(np.floor(u / 0.9)), int(np.floor(v / 2.2)), seed) - 0.5
        return float(tone + 0.08 * wave + (0.12 + 0.25 * age) * sheet + 0.1 * streak + 0.08 * fine)
    if texture == 5:
        row = lattice(int(np.floor(u / 0.35)), int(np.floor(v / 0.2)), seed) - 0.5
        return float(tone + 0.14 * row * fade(0.5, step) + 0.16 * fine + 0.07 * streak)
    if texture == 3:
        return float(tone + 0.3 * fine + 0.1 * fbm(x, y, seed + 5, 2.0, 3, step))
    joint = min(u / 4.0 - np.floor(u / 4.0), v / 4.0 - np.floor(v / 4.0)) * 4.0
    room = lattice(int(np.floor((u + 40.0) / 4.6)), int(np.floor((v + 40.0) / 5.3)), seed) - 0.5
    tone += 0.14 * fine + (0.1 + 0.4 * age) * fbm(x, y, seed + 4, 2.6, 4, step) + 0.14 * age * room
    return float(tone - (0.08 * fade(0.6, step) if joint < 0.07 else 0.0))


@kernel(error_model="numpy")
def draw_solids(solids: Array, albedo: F32, height: F32, classes: Array, x0: float, y0: float, step: float) -> None:
    """Paint solids onto albedo (h, w, 3), height (h, w) and classes (h, w), in place."""
    h, w = height.shape
    for s in range(len(solids)):
        r = solids[s]
        cx, cy, c, sn, hu, hv, z0 = r[0], r[1], r[2], r[3], r[4], r[5], r[6]
        shape, pitch, texture, seed, parapet, cls, age = (
            int(r[7]),
            r[8],
            int(r[12]),
            int(r[13]),
            r[14],
            int(r[15]),
            r[16],
        )
        relative = r[17] > 0.5
        wide = abs(hu * c) + abs(hv * sn)
        tall = abs(hu * sn) + abs(hv * c)
        c0, c1 = max(0, int((cx - wide - x0) / step)), min(w, int((cx + wide - x0) / step) + 2)
        r0, r1 = max(0, int((cy - tall - y0) / step)), min(h, int((cy + tall - y0) / step) + 2)
        base = 0.0
        if relative:
            # stand level on whatever is under the center
            mc, mr = int((cx - x0) / step), int((cy - y0) / step)
            if 0 <= mc < w and 0 <= mr < h:
                base = height[mr, mc]
        for row in range(r0, r1):
            dy = y0 + (row + 0.5) * step - cy
            for col in range(c0, c1):
                dx = x0 + (col + 0.5) * step - cx
                u, v = dx * c + dy * sn, dy * c - dx * sn
                if abs(u) > hu or abs(v) > hv:
                    continue
                rise = _rise(shape, u, v, hu, hv, pitch, parapet)
                # yards, pools and courts do not extend into streets and rivers
                if rise < -0.9 or (cls == 0 and (classes[row, col] == 2 or classes[row, col] == 4)):
                    continue
                if shape == 8:
                    if classes[row, col] != 1:
                        continue
                    z = height[row, col] + 0.05
                elif relative:
                    z = max(base, height[row, col]) + z0 + rise if z0 < 0.3 else base + z0 + rise
                else:
                    z = z0 + rise
                if z < height[row, col]:
                    continue
                if shape == 8:
                    grid = min(u / 1.0 - np.floor(u / 1.0), v / 1.6 - np.floor(v / 1.6) + 0.02)
                    tone = 1.0 if grid > 0.06 else 1.5
                elif shape == 7:
                    glass = -0.6 * hu < u < -0.42 * hu or 0.22 * hu < u < 0.45 * hu
                    tone = 0.12 if glass else 1.0 - 0.12 * (abs(v) / hv) ** 4
                else:
                    tone = _texture(texture, u, abs(v) if shape in (1, 2) else v, cx + u, cy + v, seed, age, step)
                    if shape in (1, 2) and hv - abs(v) > hv - 0.16:
                        tone *= 1.12
                    if (shape == 0 and parapet > 0.0 and rise > 0.0) or min(hu - abs(u), hv - abs(v)) < 0.12:
                        tone *= 1.1
                tone = max(0.15, tone)
                rust = 0.0
                if texture == 4 and shape < 6 and age > 0.35:
                    spot = fbm(cx + u, cy + v, seed + 6, 3.0, 4, step) + 0.25 * value_noise(u / 0.9, v / 5.0, seed + 7)
                    rust = 0.85 * ramp(spot, 0.45 - 0.6 * age, 0.75 - 0.6 * age)
                elif texture == 0 and shape < 4:
                    # lichen and soot
                    rust = 0.5 * age * ramp(fbm(cx + u, cy + v, seed + 6, 4.0, 4, step), 0.0, 0.35)
                old = 0.16 if texture == 4 else 0.075
                albedo[row, col, 0] = min(0.95, blend(r[9], old, rust) * tone)
                albedo[row, col, 1] = min(0.95, blend(r[10], 0.5 * old + 0.025, rust) * tone)
                albedo[row, col, 2] = min(0.95, blend(r[11], 0.3 * old + 0.03, rust) * tone)
                height[row, col] = z
                if cls >= 0:
                    classes[row, col] = cls


@kernel(error_model="numpy")
def draw_crowns(trees: Array, albedo: F32, height: F32, classes: Array, x0: float, y0: float, step: float) -> None:
    """Paint crowns onto albedo (h, w, 3), height (h, w) and classes (h, w), in place."""
    h, w = height.shape
    for t in range(len(trees)):
        cx, cy, radius, top, kind_f, red, green, blue, seed_f = trees[t]
        kind, seed = int(kind_f), int(seed_f)
        reach = radius * 1.35
        c0, c1 = max(0, int((cx - reach - x0) / step)), min(w, int((cx + reach - x0) / step) + 2)
        r0, r1 = max(0, int((cy - reach - y0) / step)), min(h, int((cy + reach - y0) / step) + 2)
        clump = min(max(0.55 * radius, 0.5), 1.7)
        turn = 6.28 * lattice(seed, 1, 3)
        for row in range(r0, r1):
            dy = y0 + (row + 0.5) * step - cy
            for col in range(c0, c1):
                dx = x0 + (col + 0.5) * step - cx
                q = np.sqrt(dx * dx + dy * dy) / radius
                if q > 1.35:
                    continue
                big = value_noise(2.0 * dx / clump + 31.7, 2.0 * dy / clump + 11.1, seed) * fade(clump, step)
                leaf = fbm(dx + 50.0, dy + 50.0, seed + 1, 0.55, 4, step)
                tone = 1.0 + 0.16 * big + 0.35 * leaf
                if kind == 1:
                    arms = np.cos(9.0 * np.arctan2(dy, dx) + turn) * fade(radius * 0.6, step)
                    q = q * (1.0 + 0.10 * arms) + 0.10 * big
                    if q > 1.0:
                        continue
                    z = top * (1.0 - 0.72 * q) + 0.25 * leaf + 0.2 * big
                    tone += 0.1 * arms * q - 0.25 * q
                elif kind == 2:
                    fronds = np.cos(4.5 * np.arctan2(dy, dx) + turn) ** 2
                    if q > 0.35 + 0.65 * fronds:
                        continue
                    z = top - 0.9 * radius * q * q
                    tone *= 0.7 + 0.5 * fronds
                else:
                    # no crown is a disk: each is stretched and lobed in its own way
                    bend = np.arctan2(dy, dx) + turn
                    q *= 1.0 + 0.13 * np.cos(2.0 * bend) + 0.08 * np.cos(3.0 * bend + turn)
                    q += 0.26 * big + 0.10 * leaf
                    if q > 1.0:
                        continue
                    z = top - 0.95 * radius * (1.0 - np.sqrt(1.0 - q * q)) + 0.22 * radius * big + 0.3 * leaf
                    if kind == 3 and leaf + 0.35 * big < -0.05 + 0.12 * q:
                        # twigs let the ground through
                        for k in range(3):
                            albedo[row, col, k] *= 0.8
                        classes[row, col] = 3
                        continue
                if z < height[row, col]:
                    continue
                tone = max(0.25, tone)
                albedo[row, col, 0] = red * tone
                albedo[row, col, 1] = green * tone
                albedo[row, col, 2] = blue * tone
                height[row, col] = z
                classes[row, col] = 3
