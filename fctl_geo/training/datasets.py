"""Recipes for data without a recipe: folders in a known layout, and images with labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fctl_geo.errors import TrainingError
from fctl_geo.progress import Progress
from fctl_geo.spec import ClassInfo, Legend, distinct_color
from fctl_geo.training.data import folder_name, labeled_scenes
from fctl_geo.training.labeled_scenes import LabeledScene, refuse_strangers, survey
from fctl_geo.training.method import Method
from fctl_geo.training.recipe import Recipe, SourceSpec

HOLD_OUT = 0.15
"""Share of the labeled ground that is held out for validation."""
SATELLITE = "the license of the labeled images"

_DEEPGLOBE = {
    "00FFFF": ("urban", (200, 60, 55)),
    "FFFF00": ("agriculture", (222, 190, 90)),
    "FF00FF": ("rangeland", (170, 190, 110)),
    "00FF00": ("forest", (60, 125, 65)),
    "0000FF": ("water", (74, 144, 217)),
    "FFFFFF": ("barren", (215, 205, 190)),
}
"""Mask color to class and our color; black is 'unknown' and ignored (Demir et al. 2018)."""
_INRIA = {"0": ("background", (235, 235, 230)), "255": ("building", (214, 69, 65))}
_COLORS = {
    **dict([*_DEEPGLOBE.values(), *_INRIA.values()]),
    "buildings": (214, 69, 65),
    "land": (222, 203, 164),
    "road": (110, 110, 118),
    "roads": (110, 110, 118),
    "vegetation": (96, 160, 86),
    "tree": (60, 125, 65),
    "trees": (60, 125, 65),
    "grass": (160, 200, 110),
}
"""Of common class names; others get distinct colors."""
_BACKGROUND_NAMES = ("background", "other", "nothing", "no building")


@dataclass(frozen=True, slots=True)
class ImageLabels:
    """Images and labels as given by the user."""

    images: tuple[Path, ...]
    labels: tuple[Path, ...]
    """One for each image."""
    field: str = ""
    classes: Mapping[str, str] | None = None
    """Value to class."""
    background: str = ""
    aoi: Path | None = None
    gsd_m: float | None = None
    bands: tuple[str, ...] = ("red", "green", "blue")

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise TrainingError(
                f"{len(self.images)} images and {len(self.labels)} label files cannot be paired",
                hint="repeat --labels once for each --image, in the same order",
            )

    def sources(self) -> tuple[SourceSpec, ...]:
        """A source for each image."""
        known = {value: (name,) for value, name in (self.classes or {}).items()}
        return tuple(
            SourceSpec(
                name=image.stem,
                kind="scenes",
                labels=known,
                gsd_m=self.gsd_m or 0.0,
                images=(str(image.resolve()),),
                masks=str(labels.resolve()).replace("{", "{{").replace("}", "}}"),
                field=self.field,
                background=self.background,
                aoi=str(self.aoi.resolve()) if self.aoi else "",
                hold_out=HOLD_OUT,
            )
            for image, labels in zip(self.images, self.labels, strict=True)
        )

    def scenes(self) -> list[LabeledScene]:
        return [s for source in self.sources() for s in labeled_scenes(source, Path(), self.bands)]


def recipe_of_labels(given: ImageLabels, method: Method, name: str, work: Path, progress: Progress) -> Recipe:
    """A recipe for images with labels; the classes are those that occur in the labels.

    Args:
        work: a folder for files that are derived from the labels once.
    Raises:
        TrainingError: something does not fit together.
    """
    return _recipe(given.sources(), Path(), given.bands, method, name, work, progress, background=given.background)


def recipe_of_folder(data: Path, method: Method, name: str, work: Path, progress: Progress) -> Recipe:
    """A recipe for a folder in the layout of DeepGlobe land cover, of Inria, or of images/ with masks/.

    Raises:
        TrainingError: the layout is unknown.
    """
    found = _deepglobe(data, method, name) or _inria(data, method, name)
    if found is not None:
        words = ", ".join(c.name for c in found.legend)
        progress.say(f"{data}: {found.title}; classes {words}")
        return found
    sources = _pairs(data)
    if not sources:
        raise _unknown(data)
    return _recipe(sources, data, ("red", "green", "blue"), method, name, work, progress)


def _unknown(data: Path) -> TrainingError:
    if not data.is_dir():
        return TrainingError(f"there is no folder {data}", hint="check the path given to --data")
    return TrainingError(
        f"the layout of {data} is unknown",
        hint="known layouts: DeepGlobe (*_sat.jpg with *_mask.png), Inria (images/*.tif with gt/*.tif), and images/ "
        "with masks/ of the same names; for others, write a recipe, see docs/training.md",
    )


def _pairs(data: Path) -> tuple[SourceSpec, ...]:
    """images/ with masks/, labels/ or gt/ of the same names; a source for each kind of mask file."""
    for masks in ("masks", "labels", "gt"):
        if (data / "images").is_dir() and (data / masks).is_dir():
            images = [p for p in sorted((data / "images").iterdir()) if p.suffix.lower() in _IMAGE_ENDINGS]
            endings = {p.stem: p.suffix for p in sorted((data / masks).iterdir()) if p.suffix.lower() in _IMAGE_ENDINGS}
            usual = next(iter(endings.values()), ".png")
            return tuple(
                SourceSpec(
                    name="images", kind="scenes", labels={}, images=tuple(f"images/{p.name}" for p in group),
                    masks=f"{{grandparent}}/{masks}/{{stem}}{ending}", hold_out=HOLD_OUT,
                )
                for ending in sorted({*endings.values(), usual})
                if (group := [p for p in images if endings.get(p.stem, usual) == ending])
            )  # fmt: skip
    return ()


_IMAGE_ENDINGS = (".tif", ".tiff", ".jpg", ".jpeg", ".png", ".jp2", ".vrt")


def _deepglobe(data: Path, method: Method, name: str) -> Recipe | None:
    folder = next((f for f in ("", "train", "land-train") if any((data / f).glob("*_sat.jpg"))), None)
    if folder is None:
        return None
    labels = {color: (cls,) for color, (cls, _) in _DEEPGLOBE.items()}

    def source(where: str, hold_out: float = 0.0) -> SourceSpec:
        at = f"{where}/" if where else ""
        return SourceSpec(
            name=f"DeepGlobe {where}".strip(), kind="scenes", labels=labels, gsd_m=0.5, images=(f"{at}*_sat.jpg",),
            masks="{parent}/{base}_mask.png", hold_out=hold_out,
        )  # fmt: skip

    judged = next((f for f in ("valid", "val") if any((data / f).glob("*_mask.png"))), None)
    return Recipe(
        name=name, version="1", title="land cover in the layout of DeepGlobe", legend=_legend(_DEEPGLOBE),
        gsd_m=0.5, licence=SATELLITE, attribution=("DeepGlobe 2018 land cover (Demir et al. 2018)",),
        sources=(source(folder, 0.0 if judged else HOLD_OUT),),
        validation=(source(judged),) if judged else (), method=method,
    )  # fmt: skip


def _inria(data: Path, method: Method, name: str) -> Recipe | None:
    folders = ("AerialImageDataset/train/", "train/", "")
    folder = next((f for f in folders if any((data / f / "images").glob("*.tif")) and (data / f / "gt").is_dir()), None)
    if folder is None:
        return None
    paths = sorted((data / folder / "images").glob("*.tif"))
    first_five = [p for p in paths if re.fullmatch(r"[a-z_-]+[1-5]", p.stem)]
    rest = [p for p in paths if p not in first_five]
    split = bool(first_five and rest)

    def source(what: str, images: Sequence[Path], hold_out: float = 0.0) -> SourceSpec:
        return SourceSpec(
            name=what, kind="scenes", labels={v: (cls,) for v, (cls, _) in _INRIA.items()},
            images=tuple(str(p.relative_to(data)) for p in images), masks="{grandparent}/gt/{stem}.tif",
            hold_out=hold_out,
        )  # fmt: skip

    return Recipe(
        name=name, version="1", title="buildings in the layout of Inria", legend=_legend(_INRIA), gsd_m=0.3,
        licence=SATELLITE, attribution=("Inria Aerial Image Labeling (Maggiori et al. 2017)",),
        sources=(source("Inria", rest if split else paths, 0.0 if split else HOLD_OUT),),
        validation=(source("Inria, images 1 to 5 of each city", first_five),) if split else (), method=method,
    )  # fmt: skip


def _legend(table: Mapping[str, tuple[str, tuple[int, int, int]]]) -> Legend:
    return Legend(
        tuple(ClassInfo(i, n, c, background=n in _BACKGROUND_NAMES) for i, (n, c) in enumerate(table.values()))
    )


def _recipe(
    sources: tuple[SourceSpec, ...], data: Path, bands: tuple[str, ...], method: Method, name: str, work: Path,
    progress: Progress, *, background: str = "",
) -> Recipe:  # fmt: skip
    """A recipe whose classes and pixel size come from the labels and images."""
    surveys = []
    for source in sources:
        for scene in labeled_scenes(source, data, bands):
            surveys.append(survey(scene, bands, work / folder_name(scene), progress))
    if not surveys:
        raise TrainingError(f"there are no labeled images in {data}")
    refuse_strangers(surveys, bands, progress)
    sizes = [source.gsd_m or s.gsd_m for source in sources for s in surveys]
    known = [s for s in sizes if s]
    if known and len(known) < len(sizes):
        raise TrainingError(
            f"the pixel size of {len(sizes) - len(known)} of {len(sizes)} images is unknown",
            hint="set it with --gsd (meters per pixel)",
        )
    names = sorted({n for s in surveys for n in s.counts}, key=lambda n: (n != background, _natural(n)))
    if len(names) < 2:
        raise TrainingError(
            f"training needs at least 2 classes, the labels contain {len(names)} ({', '.join(names)})",
            hint="give the unlabeled ground a class with --background NAME, or label a second class",
        )
    infos = tuple(
        ClassInfo(
            i,
            n,
            _COLORS.get(n.lower(), distinct_color(i)),
            background=n == background or n.lower() in _BACKGROUND_NAMES,
        )
        for i, n in enumerate(names)
    )
    return Recipe(
        name=name, version="1", title=f"{' and '.join(names[:3])}", legend=Legend(infos),
        gsd_m=sorted(known)[len(known) // 2] if known else 1.0, gsd_known=bool(known), licence="not stated",
        gsd_why="the median of the images" if known else "not known, pixels are taken as they are",
        attribution=(), sources=sources, validation=(), method=method, bands=bands,
    )  # fmt: skip


def _natural(name: str) -> tuple[int, str]:
    """'class 10' after 'class 9'."""
    number = re.search(r"\d+$", name)
    return (int(number[0]) if number else -1, name)


def scenes_of_folder(data: Path) -> list[LabeledScene]:
    """The labeled images of a folder to evaluate on: its validation images if the layout has any, else all.

    Raises:
        TrainingError: the layout is unknown, or an image has no label.
    """
    known = _deepglobe(data, Method(), "") or _inria(data, Method(), "")
    sources = (known.validation or known.sources) if known else _pairs(data)
    if not sources:
        raise _unknown(data)
    return [scene for source in sources for scene in labeled_scenes(source, data, ("red", "green", "blue"))]
