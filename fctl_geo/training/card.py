"""The model card: what a model is, what it was trained on, how accurate it is, and where it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fctl_geo.model.info import ModelInfo
from fctl_geo.spec import context_words
from fctl_geo.storage.whole_files import write_text_whole
from fctl_geo.training.recipe import Recipe

Metrics = Mapping[str, Mapping[str, float]]
OBJECTS = "object F1"
"""Key of a place's metrics: F1 of the objects found."""


def write_card(
    path: Path,
    info: ModelInfo,
    recipe: Recipe,
    *,
    crude: Metrics,
    refined: Metrics,
    before: Metrics,
    reused: str,
    command: str,
    pictures: Sequence[Path] = (),
) -> None:
    """Write the card of a model as Markdown.

    Args:
        crude, refined: IoU per validation set and class, without and with refinement.
        before: the same of the model that the training started from.
        reused: what was reused from that model or another one, as a sentence.
        command: the command that reproduces the training.
        pictures: files below the card's folder to show.
    """
    lines = _lines(info, recipe, crude, refined, before, reused, command)
    for picture in pictures:
        lines += [f"![{picture.stem}]({picture.relative_to(path.parent).as_posix()})", ""]
    write_text_whole(path, "\n".join(lines) + "\n")


def _lines(
    info: ModelInfo, recipe: Recipe, crude: Metrics, refined: Metrics, before: Metrics, reused: str, command: str
) -> list[str]:
    if info.refinement is None:
        share = "no refinement network"
    else:
        why = "it did not improve the validation places" if crude else "there were no validation places"
        share = "refined by default" if info.refine else f"not refined by default ({why})"
    total = sum(s.weight for s in recipe.sources)
    return [
        f"# {info.name} {info.version}: {info.title}",
        "",
        f"Architecture {info.architecture}, patches of {info.patch_px} px with {info.overlap_px} px overlap, contexts "
        + context_words(info.contexts)
        + f"; {share}.",
        _input(info),
        *_smallest_region(info),
        "",
        "| class | color |",
        "|---|---|",
        *(f"| {c.name}{' (gets no polygons)' if c.background else ''} | {c.hex} |" for c in info.legend),
        "",
        "## License and attribution",
        "",
        f"{info.licence}.",
        "",
        *(f"- {line}" for line in info.attribution),
        "",
        "## Trained on",
        "",
        "| source | ground meters per pixel | share of samples |",
        "|---|---|---|",
        *(f"| {s.name} | {_size(s.gsd_m)} | {s.weight / total:.0%} |" for s in recipe.sources),
        "",
        _learned(recipe, reused),
        "",
        *(line for note in recipe.notes for line in (note, "")),
        *(["```", command, "```", ""] if command else []),
        "## How good it is",
        "",
        "IoU against the labels at the images' own resolution, measured through the whole pipeline. Labels that only "
        "distinguish one class from the rest are scored for that class only." + _objects_sentence(crude),
        "",
        *_table(crude, refined, before, {s.name: s.gsd_m for s in recipe.validation}),
        "",
        *(["## Where it fails", "", *(f"- {line}" for line in recipe.fails), ""] if recipe.fails else []),
    ]


def _smallest_region(info: ModelInfo) -> list[str]:
    if not info.min_area_m2:
        return []
    return [f"Regions smaller than {info.min_area_m2:g} m² are merged into a neighbor by default."]


def _size(gsd_m: float) -> str:
    return f"{gsd_m:g}" if gsd_m else "its own"


def _input(info: ModelInfo) -> str:
    bands = ", ".join(info.input.bands)
    if info.input.gsd_m is None:
        return f"Input: {bands}; the pixel size of the training images is unknown, so scenes are read at their own."
    return (
        f"Input: {bands}, about {info.input.gsd_m:g} m per pixel "
        f"(scenes within a factor of {info.input.gsd_tolerance:g} are read at their own pixel size, others resampled)."
    )


def _learned(recipe: Recipe, reused: str) -> str:
    """How it was trained, in a few sentences."""
    method = recipe.method
    looks = (
        "with varied colors, haze, seasons, shadows, blur, noise, JPEG artifacts and holes"
        if method.looks == "varied"
        else "otherwise unchanged"
    )
    begun = f"{reused[0].upper()}{reused[1:]}. " if reused else ""
    if method.head_only:
        begun += f"All but the encoder was trained, on the features of {method.cached_samples} samples. "
    turns = "any rotation" if method.turns == "any" else "quarter turns"
    return begun + (
        f"Samples of {method.sample_px} px at {method.zoom[0]:g} to {method.zoom[1]:g} times {recipe.gsd_m:g} m, "
        f"{turns}, mirrored, {looks}; {method.steps:,} steps of {method.batch} with {method.optimizer}, learning rate "
        f"{method.learning_rate:g} ({method.schedule}). The validation places below were not used for training."
    )


def _objects_sentence(metrics: Metrics) -> str:
    if not any(OBJECTS in values for values in metrics.values()):
        return ""
    return f" {OBJECTS.capitalize()}: polygons matched with an IoU of 0.5 or more."


def _table(crude: Metrics, refined: Metrics, before: Metrics, gsd_m: Mapping[str, float]) -> list[str]:
    """A row for each place and class; with columns for the refinement network and the model before if there are any."""
    after = ("without refinement", "refined") if refined else ("IoU",)
    heads = ("validation place", "m per pixel", "class", *(("before this training",) if before else ()), *after)
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for place, values in crude.items():
        for name, value in values.items():
            columns = [before.get(place, {}).get(name)] if before else []
            columns += [value, *([refined.get(place, {}).get(name)] if refined else [])]
            numbers = ["" if each is None else f"{each:.3f}" for each in columns]
            lines.append(f"| {place} | {_size(gsd_m.get(place, 0.0))} | {name} | {' | '.join(numbers)} |")
    return lines
