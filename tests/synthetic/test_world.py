"""The procedural world: same seed, same bytes; sensible truth in every style."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fctl_geo.errors import SettingsError
from fctl_geo.synthetic import world
from fctl_geo.synthetic.styles import STYLES
from fctl_geo.synthetic.world import CLASSES, render_scene


def test_the_same_seed_gives_the_same_bytes():
    a, b = (render_scene(11, 96, 120, 0.5) for _ in range(2))
    assert a.rgb.tobytes() == b.rgb.tobytes()
    assert a.classes.tobytes() == b.classes.tobytes()


def test_another_seed_gives_another_scene():
    assert render_scene(1, 64, 64, 0.5).rgb.tobytes() != render_scene(2, 64, 64, 0.5).rgb.tobytes()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (97, 31)])
def test_any_size_is_rendered_whole(shape):
    scene = render_scene(3, *shape, 0.3)
    assert scene.rgb.shape == (3, *shape)
    assert scene.classes.shape == shape
    assert scene.rgb.dtype == scene.classes.dtype == np.uint8


@pytest.mark.parametrize("style", list(STYLES))
def test_every_style_is_exposed_like_a_photograph(style):
    scene = render_scene(5, 128, 128, 1.0, style)
    assert 50 < scene.rgb.mean() < 210
    assert scene.rgb.std() > 12
    assert scene.classes.max() < len(CLASSES)


def test_a_wide_scene_shows_all_classes_in_sensible_shares():
    scene = render_scene(7, 512, 512, 2.0)
    shares = np.bincount(scene.classes.ravel(), minlength=5) / scene.classes.size
    assert shares.min() > 0.005
    assert shares.max() < 0.85


def test_tiles_fit_without_a_seam(monkeypatch):
    whole = render_scene(21, 200, 200, 0.5, "bazaar")
    monkeypatch.setattr(world, "TILE_PX", 70)
    tiled = render_scene(21, 200, 200, 0.5, "bazaar")
    assert (whole.classes != tiled.classes).mean() < 0.002
    difference = np.abs(whole.rgb.astype(int) - tiled.rgb.astype(int))
    assert difference.mean() < 0.3


@pytest.mark.parametrize("wrong", [{"height_px": 0}, {"gsd_m": 0.0}, {"gsd_m": 40.0}, {"style": "moon"}])
def test_what_cannot_be_rendered_is_refused_in_words(wrong):
    with pytest.raises(SettingsError):
        render_scene(**({"seed": 1, "height_px": 8, "width_px": 8, "gsd_m": 0.3} | wrong))


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 100_000), gsd=st.sampled_from([0.1, 0.3, 1.0, 2.0]))
def test_every_seed_can_be_rendered(seed, gsd):
    scene = render_scene(seed, 40, 60, gsd)
    assert scene.classes.max() < len(CLASSES)
    assert 25 < scene.rgb.mean() < 235
