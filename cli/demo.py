"""`fctl-geo demo`: segment a built-in scene and draw a picture of the result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fctl_geo.settings import SEGMENTING_MODEL

from .console import Console, console_options
from .options import FILE, engine_options, engine_settings, model_option, overwrite_option
from .progress import open_progress

if TYPE_CHECKING:
    from fctl_geo.progress import Progress

SIZE_PX = 4096
SMALLEST_M2 = 8.0
"""Smaller regions are left out of the picture, as a user would do."""


@click.command("demo")
@click.argument("scene", required=False)
@click.option("--out-dir", type=FILE, default=Path("demo"), show_default=True, help="Folder for the results.")
@model_option(SEGMENTING_MODEL)
@engine_options
@overwrite_option
@console_options
@click.pass_obj
def command(console: Console, /, scene: str | None, out_dir: Path, model: str, overwrite: bool, **values: Any) -> None:
    """Segment a built-in scene (or your own) and draw the result.

    Without SCENE, a synthetic town and its surroundings of 4096 x 4096 pixels are generated. Writes a class raster,
    polygons, and a picture that shows scene, classes, and polygons side by side. Takes a few minutes on two cores.

    \b
    fctl-geo demo --out-dir demo
    fctl-geo demo scene.tif --model landcover --out-dir result
    """
    from fctl_geo.errors import OutputError
    from fctl_geo.model.modelfile import read_model_info
    from fctl_geo.pipeline import segment_scene
    from fctl_geo.products.picture import draw_picture
    from fctl_geo.settings import OutputSettings, PolygonSettings, Settings

    from .summary import print_run

    engine = engine_settings(values)
    info = read_model_info(model)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot create the folder {out_dir}: {error.strerror}", hint="choose another --out-dir"
        ) from error
    outs = out_dir / "classes.tif", out_dir / "polygons.gpkg"
    has_objects = any(each.objects for each in info.legend)
    tidy = PolygonSettings(min_area_m2=SMALLEST_M2, square="90" if has_objects else "off")
    settings = Settings(
        model=model, engine=engine, polygons=tidy, output=OutputSettings(outs=outs, overwrite=overwrite)
    )
    with open_progress(console) as progress:
        path = scene or _embedded_scene(out_dir, progress)
        summary = segment_scene(path, settings, progress=progress).summary
        progress.say("drawing the picture")
        title = f"{Path(path).name}, model {info.name} {info.version}"
        picture = draw_picture(path, *outs, spec=info.input, title=title).save(out_dir / "picture.png")
        progress.done(json.loads(summary.to_json()) | {"picture": str(picture)})
    print_run(summary)
    click.echo(f"\nResults are in {out_dir.resolve()}: picture.png, polygons.gpkg (for QGIS), classes.tif")


def _embedded_scene(folder: Path, progress: Progress) -> str:
    """The synthetic scene, generated once: it is the same every time."""
    from fctl_geo.synthetic.write import write_scene

    path = folder / "scene.tif"
    if not path.exists():
        progress.say(f"generating a scene of {SIZE_PX} x {SIZE_PX} px")
        path, _ = write_scene(folder, size_px=SIZE_PX)
    return str(path)
