"""A model file from the authors' released checkpoints, with the legend and pixel size of their training data."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fctl_geo.errors import ModelFileError
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import write_model
from fctl_geo.spec import ClassInfo, Context, InputSpec, Legend

if TYPE_CHECKING:
    from fctl_geo.model.configs import Vgg16Config

Dataset = Literal["inria", "deepglobe"]
PATCH_PX = 508
LEAST_OVERLAP_PX = 50
_NAMED_BANDS = {1: ("gray",), 3: ("red", "green", "blue"), 4: ("red", "green", "blue", "nir")}


@dataclass(frozen=True, slots=True)
class Preset:
    """What is known about the models that were trained on a dataset."""

    title: str
    legend: Legend
    gsd_m: float
    contexts: tuple[Context, Context]
    """Medium and large (paper, Table 4)."""
    training_data: str


PRESETS: dict[Dataset, Preset] = {
    "inria": Preset(
        "Buildings, as released by Li et al. (ICCV 2021)",
        Legend((ClassInfo(0, "other", (0, 0, 0), background=True), ClassInfo(1, "building", (255, 255, 255)))),
        0.3,
        (2, 3),
        "Inria Aerial Image Labeling (Maggiori et al. 2017)",
    ),
    "deepglobe": Preset(
        "Land cover, as released by Li et al. (ICCV 2021)",
        Legend(
            (
                ClassInfo(0, "unknown", (0, 0, 0), background=True),
                ClassInfo(1, "urban", (0, 255, 255)),
                ClassInfo(2, "agriculture", (255, 255, 0)),
                ClassInfo(3, "rangeland", (255, 0, 255)),
                ClassInfo(4, "forest", (0, 255, 0)),
                ClassInfo(5, "water", (0, 0, 255)),
                ClassInfo(6, "barren", (255, 255, 255)),
            )
        ),
        0.5,
        (3, "global"),
        "DeepGlobe Land Cover (Demir et al. 2018)",
    ),
}


def import_released(
    whole: Path,
    medium: Path,
    large: Path,
    out: Path,
    *,
    dataset: Dataset | None = None,
    classes: Sequence[str] | None = None,
    contexts: tuple[Context, Context] | None = None,
    like: Vgg16Config | None = None,
) -> ModelInfo:
    """Convert three released checkpoints to one model file, exactly: segmenting with it equals their evaluator.

    Args:
        dataset: the dataset whose legend, pixel size and contexts the file gets. None: scenes are read on their own
            grid, and contexts are two and three times the size of the patch, as in the released code.
        classes: names of the classes by number, the first being the background; None: those of the dataset.
        contexts: sizes of the medium and the large context in patches, or 'global'.
        like: widths of the network; None: the released ones.
    Raises:
        ModelFileError: files that are not what they should be, or a different number of classes.
    """
    from fctl_geo.model.released import RELEASED, read_released

    preset = PRESETS[dataset] if dataset else None
    chosen = contexts or (preset.contexts if preset else (2, 3))
    network = read_released(whole, medium, large, chosen, like or RELEASED)
    config = network.config
    info = ModelInfo(
        name=out.stem,
        version="released",
        architecture="fctl-vgg16",
        legend=_legend(config.classes, preset, classes),
        input=InputSpec(bands=_bands(config.bands), gsd_m=preset.gsd_m if preset else None),
        patch_px=PATCH_PX,
        overlap_px=LEAST_OVERLAP_PX,
        contexts=config.contexts,
        refine=False,
        licence="MIT (weights); the terms of the training data apply",
        attribution=("Li, Yang, Liu, Yu, He: From Contexts to Locality, ICCV 2021 (github.com/liqiokkk/FCtL)",),
        training_data=(preset.training_data,) if preset else (),
        title=preset.title if preset else "A checkpoint of the code released by Li et al. (ICCV 2021)",
        layout="fitted",
        merge="average",
        network=asdict(config),
    )
    write_model(out, info, {"segmentation": network}, weights="full")
    return info


def _legend(count: int, preset: Preset | None, names: Sequence[str] | None) -> Legend:
    if names is not None:
        return Legend(tuple(_class(k, name, len(names)) for k, name in enumerate(_counted(names, count))))
    if preset is not None:
        _counted([c.name for c in preset.legend], count)
        return preset.legend
    known = [p.legend for p in PRESETS.values() if len(p.legend) == count]
    return known[0] if known else Legend(tuple(_class(k, f"class {k}", count) for k in range(count)))


def _counted(names: Sequence[str], count: int) -> Sequence[str]:
    if len(names) != count:
        raise ModelFileError(
            f"the checkpoint has {count} classes, but {len(names)} are named: {', '.join(names)}",
            hint=f"name all {count}, the background first",
        )
    return names


def _class(k: int, name: str, count: int) -> ClassInfo:
    """A class with a distinct color; class 0 is the background, which the authors' metric also leaves out."""
    red, green, blue = (0.0, 0.0, 0.0) if k == 0 else colorsys.hsv_to_rgb((k - 1) / max(1, count - 1), 0.75, 0.9)
    return ClassInfo(k, name, (round(255 * red), round(255 * green), round(255 * blue)), background=k == 0)


def _bands(count: int) -> tuple[str, ...]:
    return _NAMED_BANDS.get(count) or tuple(f"band {k + 1}" for k in range(count))
