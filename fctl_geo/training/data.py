"""Prepares the data of a recipe: ground to train on, and places held out for validation."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fctl_geo.errors import TrainingError
from fctl_geo.progress import Progress
from fctl_geo.settings import SceneSettings
from fctl_geo.training.labeled_scenes import GroundFiles, LabeledScene, SceneGround, Survey, refuse_strangers, survey
from fctl_geo.training.labels import LabelSpec
from fctl_geo.training.recipe import Recipe, SourceSpec
from fctl_geo.training.samples import Ground, PyramidImage
from fctl_geo.training.sources import AllowedTable, LabelledImage, load_source
from fctl_geo.windows.window import Window

FEW_IMAGES = 5
"""With fewer labeled images, windows of them are held out instead of whole images."""
_PARTS = 8
"""Approximate number of windows that are held out."""


@dataclass(frozen=True, slots=True)
class SceneWindows:
    """A surveyed scene and its windows that are used for validation."""

    found: Survey
    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class ValidationSet:
    """Labeled ground that is never used for training."""

    name: str
    grounds: tuple[Ground, ...]
    """For the validations during training."""
    images: tuple[LabelledImage, ...] = ()
    """For the evaluation through the whole pipeline: images in memory, or ..."""
    scenes: tuple[SceneWindows, ...] = ()
    """... scenes in files."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """All ground of a recipe."""

    table: AllowedTable
    groups: tuple[tuple[float, tuple[Ground, ...]], ...]
    """Weight and ground of each source."""
    validation: tuple[ValidationSet, ...]


@contextmanager
def open_data(recipe: Recipe, data: Path, work: Path, progress: Progress) -> Iterator[TrainingData]:
    """Read and check all of a recipe's data.

    Args:
        data: the folder below which the recipe's paths lie.
        work: a folder for files that are derived from the labels once.
    Raises:
        TrainingError: something does not fit together; raised before the first step.
    """
    if not recipe.sources:
        raise TrainingError(f"recipe {recipe.name!r} has no sources", hint="add a [[sources]] table")
    if len(recipe.legend) < 2:
        words = ", ".join(c.name for c in recipe.legend) or "none"
        raise TrainingError(
            f"training needs at least 2 classes, the recipe has {len(recipe.legend)} ({words})",
            hint="give the unlabeled ground a class with --background NAME, or label a second class",
        )
    files = GroundFiles()
    try:
        yield _Loader(recipe, data, work, files, progress).load()
    finally:
        files.close()


class _Loader:
    def __init__(self, recipe: Recipe, data: Path, work: Path, files: GroundFiles, progress: Progress) -> None:
        self.recipe, self.data, self.work, self.files, self.progress = recipe, data, work, files, progress
        self.table = AllowedTable(recipe.legend)
        if recipe.hole:
            self.table.index_of([recipe.hole])
        self.finest_gsd_m = recipe.gsd_m * recipe.method.zoom[0] * 0.86

    def load(self) -> TrainingData:
        groups: list[tuple[float, tuple[Ground, ...]]] = []
        validation: list[ValidationSet] = []
        for source in self.recipe.sources:
            if source.kind == "scenes":
                learn, judge = self._scenes(source)
                groups.append((source.weight, learn))
                validation += [judge] if judge.grounds else []
            else:
                images = self._images(source)
                groups.append((source.weight, tuple(PyramidImage(image) for image in images)))
        for source in self.recipe.validation:
            if source.kind == "scenes":
                validation.append(self._all_of(source))
            else:
                images = self._images(source)
                validation.append(ValidationSet(source.name, tuple(map(PyramidImage, images)), tuple(images)))
        self._check(groups)
        return TrainingData(self.table, tuple(groups), tuple(validation))

    def _images(self, source: SourceSpec) -> list[LabelledImage]:
        images = load_source(source, self.table, self.data, self.finest_gsd_m)
        self.progress.say(f"{source.name}: {len(images)} images, {sum(i.label.size for i in images) / 1e6:.1f} MPix")
        return images

    def _scenes(self, source: SourceSpec) -> tuple[tuple[Ground, ...], ValidationSet]:
        """Ground to train on, and the part of it that is held out."""
        surveys = self._surveys(source)
        name = f"{source.name}, held out"
        if source.hold_out <= 0:
            return tuple(self._ground(s, source) for s in surveys), ValidationSet(name, ())
        rng = np.random.default_rng(11)
        if len(surveys) >= FEW_IMAGES:
            count = max(1, round(source.hold_out * len(surveys)))
            kept = set(rng.permutation(len(surveys))[:count].tolist())
            learn = tuple(self._ground(s, source) for i, s in enumerate(surveys) if i not in kept)
            judge = [SceneWindows(s, (Window(0, 0, *s.size_hw),)) for i, s in enumerate(surveys) if i in kept]
            return learn, self._set(name, judge, source)
        side_px = [self._part_px(s, source, surveys) for s in surveys]
        parts = [choose_parts(s, px, source.hold_out, rng) for s, px in zip(surveys, side_px, strict=True)]
        judge = [SceneWindows(s, p) for s, p in zip(surveys, parts, strict=True) if p]
        if not judge:
            self.progress.warn(f"{source.name}: too little is labeled to hold out a part of it for validation")
        learn = tuple(self._ground(s, source, hidden=p) for s, p in zip(surveys, parts, strict=True))
        return learn, self._set(name, judge, source)

    def _all_of(self, source: SourceSpec) -> ValidationSet:
        judge = [SceneWindows(s, (Window(0, 0, *s.size_hw),)) for s in self._surveys(source)]
        return self._set(source.name, judge, source)

    def _set(self, name: str, judge: Sequence[SceneWindows], source: SourceSpec) -> ValidationSet:
        grounds = tuple(self._ground(j.found, source, shown=j.windows) for j in judge)
        return ValidationSet(name, grounds, (), tuple(judge))

    def _part_px(self, found: Survey, source: SourceSpec, surveys: Sequence[Survey]) -> int:
        """Side of the windows that are held out: at least a sample; about eight windows in all."""
        labeled_px = sum(len(s.points) * s.stride_px**2 for s in surveys)
        wanted = math.sqrt(labeled_px * source.hold_out / _PARTS)
        gsd_m = source.gsd_m or found.gsd_m or self.recipe.gsd_m
        return max(round(self.recipe.method.sample_px * self.recipe.gsd_m / gsd_m), round(wanted))

    def _ground(
        self, found: Survey, source: SourceSpec, *, hidden: Sequence[Window] = (), shown: Sequence[Window] | None = None
    ) -> SceneGround:
        rows = {name: self._row(name, source) for name in found.counts}
        gsd_m = source.gsd_m or found.gsd_m or self.recipe.gsd_m
        return SceneGround(found, self.recipe.bands, rows, self.files, gsd_m=gsd_m, hidden=hidden, shown=shown)

    def _row(self, name: str, source: SourceSpec) -> int:
        """Row of the allowed table for a class name of a survey; joined names ('land|road') are partial labels."""
        return self.table.index_of(name.split("|") if name not in self.table.names else [name])

    def _surveys(self, source: SourceSpec) -> list[Survey]:
        scenes = labeled_scenes(source, self.data, self.recipe.bands)
        self.progress.stage(f"labels of {source.name}", len(scenes))
        found = []
        for scene in scenes:
            found.append(survey(scene, self.recipe.bands, self.work / folder_name(scene), self.progress))
            self.progress.advance()
        refuse_strangers(found, self.recipe.bands, self.progress)
        counts: dict[str, int] = {}
        for one in found:
            for name, count in one.counts.items():
                counts[name] = counts.get(name, 0) + count
        words = ", ".join(f"{n} {c / 1e6:.2f}" for n, c in sorted(counts.items(), key=lambda item: -item[1]))
        self.progress.say(f"{source.name}: {len(found)} images; labeled MPix: {words}")
        return found

    def _check(self, groups: Sequence[tuple[float, tuple[Ground, ...]]]) -> None:
        rows = {int(row) for _, grounds in groups for g in grounds for row in np.unique(g.label_at)}
        seen = {name for row in rows for name in self.table.rows[row]}
        missing = [c.name for c in self.recipe.legend if c.id not in seen]
        if len(seen) < 2:
            raise TrainingError(
                f"the labels contain {len(seen)} of {len(self.recipe.legend)} classes; missing: {', '.join(missing)}",
                hint="check that the values of the labels are mapped to the right classes",
            )
        if missing:
            self.progress.warn(f"the labels do not contain {', '.join(missing)}, so the model cannot learn it")


def labeled_scenes(source: SourceSpec, data: Path, bands: tuple[str, ...]) -> list[LabeledScene]:
    """The images of a source of scenes with their labels.

    Raises:
        TrainingError: no image matches the pattern, or one has no label.
    """
    paths = [p for pattern in source.images for p in _found(data, pattern)]
    if not paths:
        raise TrainingError(
            f"source {source.name!r}: no image matches {', '.join(source.images[:3])} in {data}",
            hint="check the path, and that the image exists",
        )
    scenes = []
    for path in paths:
        fields = {"parent": path.parent, "grandparent": path.parent.parent, "stem": path.stem}
        labels = Path(source.masks.format(**fields, base=path.stem.removesuffix("_sat")))
        if not labels.exists():
            raise TrainingError(
                f"{path} has no label {labels}", hint="add a label for every image, or leave the image out"
            )
        classes = {value: "|".join(names) for value, names in source.labels.items()}
        spec = LabelSpec(labels, source.field or None, classes, source.background)
        settings = SceneSettings(gsd_m=source.gsd_m or None, aoi=data / source.aoi if source.aoi else None)
        scenes.append(LabeledScene(path.stem, path, spec, settings))
    return scenes


def _found(data: Path, pattern: str) -> list[Path]:
    """Files that match a pattern; an absolute path, or one that exists literally, stands for itself."""
    plain = data / pattern
    return [plain] if plain.is_file() else [] if Path(pattern).is_absolute() else sorted(data.glob(pattern))


def folder_name(scene: LabeledScene) -> str:
    """Name of the folder for files derived from a scene's labels; different for other labels or settings."""
    facts = f"{scene.image.resolve()} {scene.labels} {scene.settings}"
    return f"{scene.name}-{hashlib.sha256(facts.encode()).hexdigest()[:8]}"


def choose_parts(found: Survey, side_px: int, share: float, rng: np.random.Generator) -> tuple[Window, ...]:
    """Windows of a grid that hold about `share` of the labeled pixels, and each class that can be spared.

    Law: no class is held out altogether.
    """
    cells = found.points // side_px
    keys = cells[:, 0] * (found.size_hw[1] // side_px + 1) + cells[:, 1]
    unique, cell_of = np.unique(keys, return_inverse=True)
    if len(unique) < 4:
        return ()
    counts = np.zeros((len(unique), 256), np.int64)
    np.add.at(counts, (cell_of, found.values), 1)
    counts = counts[:, counts.any(axis=0)]
    left, kept = counts.sum(axis=0), np.zeros(counts.shape[1], np.int64)
    chosen: list[int] = []
    rare_first = np.argsort(left)
    order = [int(i) for i in rng.permutation(len(unique))]
    for label in [*rare_first, None]:
        for cell in order:
            enough = kept.sum() >= share * counts.sum() if label is None else kept[label] > 0
            if enough:
                break
            useful = label is None or counts[cell, label] > 0
            spares = ((left - counts[cell] > 0) | (counts[cell] == 0)).all()
            fits = kept.sum() + counts[cell].sum() <= max(1.5 * share, 0.3) * counts.sum()
            if cell not in chosen and useful and spares and fits:
                chosen.append(cell)
                left, kept = left - counts[cell], kept + counts[cell]
    columns = found.size_hw[1] // side_px + 1
    whole = Window(0, 0, *found.size_hw)
    places = [(int(unique[c]) // columns * side_px, int(unique[c]) % columns * side_px) for c in sorted(chosen)]
    return tuple(Window(row, col, side_px, side_px).clip(whole) for row, col in places)
