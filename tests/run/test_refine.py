"""Refining class rasters that others made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from model_factory import make_model
from scene_factory import make_scene

from fctl_geo.progress import Silent
from fctl_geo.raster.pam import pam_path
from fctl_geo.run.refine import open_refine_run
from fctl_geo.settings import EngineSettings

NAMES = "<Category></Category><Category>road</Category><Category>water</Category>"


@pytest.mark.parametrize(
    ("names", "legend"),
    [("", ["class 0", "class 3"]), (NAMES, ["class 0", "road", "water", "class 3"])],
    ids=["no names", "names for some"],
)
def test_the_classes_are_those_named_and_those_found(tmp_path: Path, names: str, legend: list[str]) -> None:
    """Without names there would be 255 planes of logits; a pixel without a class in the legend would get another."""
    pixels = np.zeros((1, 30, 40), np.uint8)
    pixels[0, 5:9, 5:9], pixels[0, 20:] = 3, 255
    classes = make_scene(tmp_path / "classes.tif", pixels=pixels, nodata=255, gsd=0.3)
    if names:
        pam = f'<PAMDataset><PAMRasterBand band="1"><CategoryNames>{names}</CategoryNames></PAMRasterBand></PAMDataset>'
        pam_path(classes).write_text(pam)
    model = str(make_model(tmp_path / "m.safetensors"))
    with open_refine_run(classes, model, EngineSettings(device="cpu", threads=1), Silent()) as run:
        assert [info.name for info in run.legend] == legend
        assert run.stage.sweep.classes == len(legend)
