"""`fctl-geo evaluate`: measures the accuracy of a model or a class raster against labels."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fctl_geo.training.settings import EvaluationSettings

from .console import Console, console_options
from .options import FILE, engine_options, engine_settings, merge_options, option_of, overwrite_option
from .progress import open_progress
from .train import label_options

if TYPE_CHECKING:
    from fctl_geo.progress import Progress
    from fctl_geo.spec import Legend
    from fctl_geo.training.evaluate import Evaluation
    from fctl_geo.training.labeled_scenes import LabeledScene
    from fctl_geo.training.places import Place

RASTER_ENDINGS = (".tif", ".tiff", ".vrt", ".img", ".png")
"""A subject with one of these extensions is a class raster, anything else a model."""


@click.command("evaluate")
@click.argument("subject")
@click.option("--data", type=FILE, help="Folder in the layout of DeepGlobe or Inria, or with images/ and masks/.")
@label_options
@option_of(
    EvaluationSettings,
    "convention",
    "--convention",
    help="deepglobe: ignore 'unknown'; inria: building IoU and accuracy over all pixels.",
)
@option_of(
    EvaluationSettings,
    "objects",
    "--objects",
    metavar="CLASS",
    help="Class whose regions are counted as objects.",
)
@option_of(
    EvaluationSettings,
    "tolerance_px",
    "--boundary",
    type=click.IntRange(1),
    metavar="PX",
    help="Tolerance, in pixels, within which contours match.",
)
@click.option("--out", type=FILE, help="HTML report (.html) with all metrics and the worst patches.")
@click.option("--json", "json_path", type=FILE, help="JSON file (.json) for the metrics.")
@merge_options
@engine_options
@overwrite_option
@console_options
@click.pass_obj
def command(
    console: Console,
    /,
    subject: str,
    *,
    data: Path | None,
    out: Path | None,
    json_path: Path | None,
    overwrite: bool,
    **values: Any,
) -> None:
    """Measure the accuracy of a model or a class raster.

    Takes a model (a shipped name or a file), which first segments the images, or an existing class raster (.tif); and
    labels: a folder with --data, or --image with --labels. Prints mIoU, IoU and F1 of each class, accuracy, and the
    metrics of contours and objects; --out writes a report that also shows the worst patches.

    \b
    fctl-geo evaluate buildings --image town.tif --labels houses.gpkg --field kind --out report.html
    fctl-geo evaluate inria.safetensors --data AerialImageDataset --convention inria --json report.json
    """
    from fctl_geo.errors import TrainingError
    from fctl_geo.storage.outputs import check_outputs
    from fctl_geo.training.evaluate import evaluate_classes, evaluate_model
    from fctl_geo.training.report import report_values, write_html, write_json

    for path, endings in ((out, (".html",)), (json_path, (".json",))):
        if path is not None:
            check_outputs([path], overwrite, endings=endings)
    if data is None and not values["images"]:
        raise TrainingError(
            "no labels to evaluate against are given", hint="give --image with --labels, or --data FOLDER"
        )
    is_raster = Path(subject).suffix.lower() in RASTER_ENDINGS
    legend = _legend(subject, is_raster)
    settings = EvaluationSettings(
        convention=values["convention"],
        objects=values["objects"],
        tolerance_px=values["tolerance_px"],
        pictures=out is not None,
        engine=engine_settings(values),
    )
    with open_progress(console) as progress:
        places = _places(data, values, legend, progress)
        judge = evaluate_classes if is_raster else evaluate_model
        found = judge(Path(subject), legend, places, settings, progress)
        if out is not None:
            write_html(found, out)
        if json_path is not None:
            write_json(found, json_path)
        progress.done(report_values(found))
    _print(found, [path for path in (out, json_path) if path])


def _legend(subject: str, is_raster: bool) -> Legend:
    if is_raster:
        from fctl_geo.raster.reader import open_class_raster

        with open_class_raster(subject) as raster:
            return raster.legend
    from fctl_geo.model.modelfile import read_model_info

    return read_model_info(subject).legend


def _places(data: Path | None, values: dict[str, Any], legend: Legend, progress: Progress) -> Iterator[Place]:
    """Yield the labeled scenes, with one open at a time."""
    import tempfile

    from fctl_geo.training.evaluate import UNJUDGED
    from fctl_geo.training.places import scene_place

    unjudged = UNJUDGED[values["convention"]]
    with tempfile.TemporaryDirectory() as work:
        for scene in _scenes(data, values):
            with scene_place(scene, legend, Path(work), progress, unjudged=unjudged) as place:
                yield place


def _scenes(data: Path | None, values: dict[str, Any]) -> list[LabeledScene]:
    from fctl_geo.training.datasets import ImageLabels, scenes_of_folder

    if values["images"]:
        keys = ("images", "labels", "field", "classes", "background", "aoi", "gsd_m")
        return ImageLabels(**{k: values[k] for k in keys}).scenes()
    assert data is not None
    return scenes_of_folder(data)


def _print(found: Evaluation, files: list[Path]) -> None:
    from .summary import make_console, make_table

    table = make_table("class", "IoU", "F1", "precision", "recall", "boundary F", right=(
        "IoU", "F1", "precision", "recall", "boundary F"))  # fmt: skip
    for score, boundary in zip(found.classes, found.boundary_f, strict=True):
        numbers = (score.iou, score.f1, score.precision, score.recall, boundary)
        table.add_row(score.name, *("" if isnan(n) else f"{n:.3f}" for n in numbers))
    console = make_console()
    console.print(table)
    console.print(f"mIoU     {found.miou:.4f}   accuracy {found.accuracy:.4f}   mean F1 {found.mean_f1:.4f}")
    console.print(f"trimap   mIoU {found.trimap_miou:.4f} within {found.tolerance_px} px of the contours")
    if found.convention == "inria":
        building = next(c for c in found.classes if c.name == "building")
        console.print(f"inria    building IoU {building.iou:.4f}, accuracy {found.accuracy:.4f}")
    if found.objects is not None:
        o = found.objects
        console.print(
            f"objects  {found.object_class}: F1 {o.f1:.4f} ({o.matched:,} of {o.truth:,} found, {o.found:,} claimed; "
            f"{o.merged:,} merged, {o.split:,} split)"
        )
    for file in files:
        console.print(f"file     {file}", markup=False, soft_wrap=True)
