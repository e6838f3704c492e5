"""The look of one scene: drawn from a style by a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fctl_geo.errors import SettingsError
from fctl_geo.synthetic.style import Rgb, Style
from fctl_geo.synthetic.styles import STYLES


@dataclass(frozen=True, slots=True)
class Look:
    """The look drawn for one scene."""

    style: Style
    name: str
    green: float
    tree_density: float
    water: Rgb
    asphalt: Rgb
    dirt: Rgb
    warp_m: float
    """How much streets deviate from straight lines."""
    jitter_rad: float
    """How much cuts of blocks deviate from a right angle."""
    sun_azimuth_rad: float
    """Direction of the sun, in image axes (x right, y down)."""
    sun_elevation_rad: float
    sky: float
    """Skylight as a share of all light on flat ground."""
    haze: float
    saturation: float
    cast: tuple[float, float, float]
    """Gains of red, green, blue."""
    contrast: float
    gamma: float
    blur_px: float
    noise: float
    """Sensor noise, out of 255."""
    jpeg: float
    """Quantization: 0 none, 1 strong."""


def _pick(rng: np.random.Generator, colors: tuple[Rgb, ...]) -> Rgb:
    return colors[int(rng.integers(len(colors)))]


def draw_look(seed: int, style: str | None) -> Look:
    """Draw the look of one scene.

    Args:
        seed: the scene's seed.
        style: a name of STYLES, or None for a random one.
    Raises:
        SettingsError: no such style.
    """
    rng = np.random.default_rng([seed, 1])
    chosen = list(STYLES)[int(rng.integers(len(STYLES)))]
    name = chosen if style is None else style
    if name not in STYLES:
        raise SettingsError(f"unknown style {name!r}", hint="styles: " + ", ".join(STYLES))
    s = STYLES[name]
    warm = rng.normal(0, 0.03)
    tint = rng.normal(0, 0.015)
    return Look(
        style=s,
        name=name,
        green=rng.uniform(*s.green),
        tree_density=rng.uniform(*s.tree_density),
        water=_pick(rng, s.water),
        asphalt=_pick(rng, s.asphalt),
        dirt=_pick(rng, s.dirt),
        warp_m=float(rng.choice([0.0, 6.0, 14.0, 24.0])),
        jitter_rad=float(rng.choice([0.02, 0.1, 0.22])),
        sun_azimuth_rad=rng.uniform(0, 2 * np.pi),
        sun_elevation_rad=float(np.radians(rng.uniform(*s.sun_elevation_deg))),
        sky=rng.uniform(0.16, 0.42),
        haze=rng.uniform(*s.haze),
        saturation=rng.uniform(*s.saturation),
        cast=(1 + warm, 1 + tint, 1 - warm),
        contrast=rng.uniform(0.85, 1.2),
        gamma=rng.uniform(0.8, 1.1),
        blur_px=rng.uniform(0.3, 0.8),
        noise=rng.uniform(0.8, 3.0),
        jpeg=float(rng.choice([0.0, rng.uniform(0.1, 0.6)])),
    )
