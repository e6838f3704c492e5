"""Coherent noise in world meters: the same point has the same value in every tile of a scene."""

from __future__ import annotations

import math

from fctl_geo.system.kernels import kernel


@kernel(error_model="numpy")
def lattice(ix: int, iy: int, seed: int) -> float:
    """Get the random number 0..1 of one lattice point (an integer hash, no state)."""
    h = (ix * 374761393 + iy * 668265263 + seed * 974634777) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 2246822519) & 0xFFFFFFFF
    return float((h ^ (h >> 16)) & 0xFFFFFF) / 16777216.0


@kernel(error_model="numpy")
def value_noise(x: float, y: float, seed: int) -> float:
    """Smooth noise of wavelength about 2, -1..1."""
    ix = math.floor(x)
    iy = math.floor(y)
    u = x - ix
    v = y - iy
    u = u * u * (3.0 - 2.0 * u)
    v = v * v * (3.0 - 2.0 * v)
    a = lattice(ix, iy, seed)
    b = lattice(ix + 1, iy, seed)
    c = lattice(ix, iy + 1, seed)
    d = lattice(ix + 1, iy + 1, seed)
    top = a + (b - a) * u
    low = c + (d - c) * u
    return 2.0 * (top + (low - top) * v) - 1.0


@kernel(error_model="numpy")
def fade(wavelength_m: float, step_m: float) -> float:
    """How much of a texture survives the sampling: 0 below 1.5 samples per wave, 1 from 3.5 on."""
    return min(1.0, max(0.0, (wavelength_m / step_m - 1.5) * 0.5))


@kernel(error_model="numpy")
def fbm(x: float, y: float, seed: int, wavelength_m: float, octaves: int, step_m: float) -> float:
    """Sum of octaves of noise, each half as long and 0.55 times as strong; about -1..1; octaves too fine fade out."""
    total = 0.0
    amp = 0.5
    wl = wavelength_m / step_m
    frequency = 2.0 / wavelength_m
    for k in range(octaves):
        f = min(1.0, (wl - 1.5) * 0.5)
        if f <= 0.0:
            break
        # rotating each octave hides the lattice; 0.8, 0.6 is a rotation by 37 degrees
        x, y = 0.8 * x - 0.6 * y, 0.6 * x + 0.8 * y
        total += amp * f * value_noise(x * frequency + 17.3 * k, y * frequency - 9.7 * k, seed + 101 * k)
        amp *= 0.55
        wl *= 0.5
        frequency *= 2.0
    return total


@kernel(error_model="numpy")
def blend(a: float, b: float, t: float) -> float:
    """Go from a (t = 0) to b (t = 1)."""
    return a + (b - a) * t


@kernel(error_model="numpy")
def ramp(x: float, lo: float, hi: float) -> float:
    """Rise from 0 at lo to 1 at hi, clamped; lo may be larger than hi."""
    return min(1.0, max(0.0, (x - lo) / (hi - lo)))
