"""`fctl-geo evaluate`: measures the accuracy of a model or a class raster against labels, or of polygons."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fctl_geo.assess.settings import ComparisonSettings
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

OF_POLYGONS = {"polygons", "truth", "field", "classes", "aoi", "gsd_m", "out", "json_path", "overwrite"}
"""The options that apply to --polygons."""


@click.command("evaluate")
@click.argument("subject", required=False)
@click.option("--polygons", type=FILE, help="Polygons to measure against --truth, instead of SUBJECT.")
@click.option("--truth", type=FILE, help="Reference polygons for --polygons, in any CRS.")
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
@click.option(
    "--out",
    type=FILE,
    help="HTML report (.html) with all metrics and the worst patches; for --polygons, a GeoPackage (.gpkg) of all "
    "objects with their errors.",
)
@click.option("--json", "json_path", type=FILE, help="JSON file (.json) for the metrics.")
@merge_options
@engine_options
@overwrite_option
@console_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    subject: str | None,
    *,
    polygons: Path | None,
    truth: Path | None,
    data: Path | None,
    out: Path | None,
    json_path: Path | None,
    overwrite: bool,
    **values: Any,
) -> None:
    """Measure the accuracy of a model, a class raster, or polygons.

    Takes a model (a shipped name or a file), which first segments the images, or an existing class raster (.tif); and
    labels: a folder with --data, or --image with --labels. Prints mIoU, IoU and F1 of each class, accuracy, and the
    metrics of contours and objects. With --polygons and --truth, any polygons are measured against reference polygons:
    matched, merged, split, missed, and false objects, and the distances of their outlines in meters on the ground.

    \b
    fctl-geo evaluate buildings --image town.tif --labels houses.gpkg --field kind --out report.html
    fctl-geo evaluate inria.safetensors --data AerialImageDataset --convention inria --json report.json
    fctl-geo evaluate --polygons roofs.gpkg --truth houses.gpkg --out errors.gpkg
    """
    from fctl_geo.storage.outputs import check_outputs

    _check_usage(ctx, subject, polygons, truth)
    for path, endings in ((out, (".html",) if polygons is None else (".gpkg",)), (json_path, (".json",))):
        if path is not None:
            check_outputs([path], overwrite, endings=endings)
    console: Console = ctx.obj
    if polygons is not None and truth is not None:
        _measure_polygons(console, polygons, truth, out, json_path, values)
    elif subject is not None:
        _measure_subject(console, subject, data, out, json_path, values)


def _check_usage(ctx: click.Context, subject: str | None, polygons: Path | None, truth: Path | None) -> None:
    """Refuse options that would have no effect."""
    if (subject is None) == (polygons is None):
        raise click.UsageError("give either a model or a class raster, or --polygons with --truth")
    if (polygons is None) != (truth is None):
        raise click.UsageError("--polygons and --truth need each other")
    if polygons is None:
        return
    for parameter in ctx.command.params:
        given = ctx.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE
        if given and parameter.expose_value and parameter.name not in OF_POLYGONS:
            raise click.UsageError(f"{parameter.opts[-1]} does not apply to --polygons")


def _measure_polygons(
    console: Console, polygons: Path, truth: Path, out: Path | None, json_path: Path | None, values: dict[str, Any]
) -> None:
    from fctl_geo.assess.error_layers import write_errors
    from fctl_geo.assess.evaluate_polygons import evaluate_polygons
    from fctl_geo.assess.report import polygon_values, write_json
    from fctl_geo.storage.outputs import refuse_inputs

    from .polygon_scores import print_scores

    files = [path for path in (out, json_path) if path]
    refuse_inputs(files, [polygons, truth, *([values["aoi"]] if values["aoi"] else [])])
    settings = ComparisonSettings(**{name: values[name] for name in ("field", "classes", "aoi", "gsd_m")})
    with open_progress(console) as progress:
        found = evaluate_polygons(polygons, truth, settings, progress=progress)
        if out is not None:
            write_errors(found, out)
        if json_path is not None:
            write_json(found, json_path)
        progress.done(polygon_values(found))
    print_scores(found, files)


def _measure_subject(
    console: Console,
    subject: str,
    data: Path | None,
    out: Path | None,
    json_path: Path | None,
    values: dict[str, Any],
) -> None:
    from fctl_geo.errors import TrainingError
    from fctl_geo.training.evaluate import evaluate_classes, evaluate_model
    from fctl_geo.training.report import report_values, write_html, write_json

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
    from fctl_geo.spec import LONG_LEGEND

    from .summary import make_console, make_table

    table = make_table("class", "IoU", "F1", "precision", "recall", "boundary F", right=(
        "IoU", "F1", "precision", "recall", "boundary F"))  # fmt: skip
    for score, boundary in zip(found.classes, found.boundary_f, strict=True):
        numbers = (score.iou, score.f1, score.precision, score.recall, boundary)
        if len(found.classes) > LONG_LEGEND and all(map(isnan, numbers)):
            continue  # the legend of a raster without names has every class it might have
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
