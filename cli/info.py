"""`fctl-geo info`: prints how a scene or a model is read."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fctl_geo.spec import context_words

from .console import console_options
from .options import allow_external_option

if TYPE_CHECKING:
    from fctl_geo.model.info import ModelInfo
    from fctl_geo.scene.info import SceneInfo


@click.command("info")
@click.argument("what", metavar="SCENE|MODEL")
@allow_external_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of text.")
@console_options
def command(what: str, allow_external: bool, as_json: bool) -> None:
    """Show how fctl-geo reads a scene or a model.

    Takes any raster that GDAL reads, the name of a shipped model, or a .safetensors or .onnx file. Prints the CRS,
    pixel size, bands, mask, blocks, and overviews of a scene, or the classes, colors, contexts, training data, and
    license of a model. Fast: only headers are read.

    \b
    fctl-geo info scene.tif
    fctl-geo info buildings --json
    """
    from .summary import make_console, plain

    info: ModelInfo | SceneInfo
    if is_model(what):
        from fctl_geo.model.modelfile import read_model_info

        info = read_model_info(what)
        facts = model_facts(info)
    else:
        from fctl_geo.scene import describe_scene

        info = describe_scene(what, allow_external=allow_external)
        facts = scene_facts(info)
    if as_json:
        click.echo(json.dumps(plain(asdict(info)), ensure_ascii=False, indent=1))
        return
    console = make_console()
    width = max(len(name) for name, _ in facts)
    for name, words in facts:
        for index, line in enumerate(words.splitlines() or [""]):
            console.print(f"{'' if index else name:<{width}}  {line}", markup=False, soft_wrap=True)


def is_model(what: str) -> bool:
    """Whether this is a model file or a shipped model's name; an existing file of that name is a scene."""
    from fctl_geo.model.shipped import list_models

    return what.endswith((".safetensors", ".onnx")) or (what in list_models() and not Path(what).exists())


def scene_facts(info: SceneInfo) -> list[tuple[str, str]]:
    """The lines to print, as label and text."""
    from .summary import bytes_words

    gsd = "unknown" if info.gsd_m is None else f"{info.gsd_m:.4g} m per pixel ({info.gsd_source})"
    bands = ", ".join(f"{band.number} {band.name}" for band in info.bands)
    size = "" if info.size_bytes is None else f", {bytes_words(info.size_bytes)}"
    compression = "uncompressed" if info.compression in ("", "none") else info.compression
    facts = [
        ("scene", f"{info.path} ({info.driver}{size})"),
        ("size", f"{info.width:,} x {info.height:,} px = {info.width * info.height / 1e6:,.1f} MPix"),
        ("pixel size", gsd),
        ("CRS", crs_words(info.crs_wkt)),
        ("bands", f"{bands} ({info.dtype})"),
        ("nodata", info.mask + ("" if info.nodata is None else f" (value {info.nodata:g})")),
        ("blocks", f"{info.block_hw[1]} x {info.block_hw[0]} px, {compression}"),
        ("acquired", info.acquired or "unknown"),
        ("overviews", ", ".join(f"1:{factor}" for factor in info.overviews) or "none"),
    ]
    return facts + [("warning", text) for text in info.warnings]


def crs_words(wkt: str) -> str:
    """The name and code of the CRS."""
    if not wkt:
        return "none: coordinates are in pixels"
    from pyproj import CRS

    crs = CRS.from_wkt(wkt)
    code = crs.to_authority()
    return crs.name + (f" ({':'.join(code)})" if code else "")


def model_facts(info: ModelInfo) -> list[tuple[str, str]]:
    """The lines to print, as label and text."""
    classes = "\n".join(f"{c.id} {c.name} {c.hex}{' (no polygons)' if c.background else ''}" for c in info.legend)
    contexts = context_words(info.contexts)
    metrics = "\n".join(f"{place}: {_scores(scores)}" for place, scores in info.metrics.items())
    gsd = "any" if info.input.gsd_m is None else f"{info.input.gsd_m:g} m per pixel"
    return [
        ("model", f"{info.name} {info.version} ({info.architecture})"),
        ("title", info.title),
        ("classes", classes),
        ("bands", ", ".join(info.input.bands)),
        ("pixel size", gsd),
        ("patch", f"{info.patch_px} px, overlap {info.overlap_px} px, contexts {contexts}"),
        ("smallest region", f"{info.min_area_m2:g} m² by default" if info.min_area_m2 else "any"),
        ("refinement", "by default" if info.refine else "on request" if info.refinement else "none"),
        ("IoU", metrics or "not measured"),
        ("data", "\n".join(info.training_data)),
        ("license", info.licence),
        ("attribution", "\n".join(info.attribution)),
    ]


def _scores(scores: Any) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
