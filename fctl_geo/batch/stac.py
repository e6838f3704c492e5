"""STAC input and output of a batch: scenes from an item collection, and an item per result (MLM, classification)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname, urlopen

from fctl_geo.batch.inputs import SceneInput
from fctl_geo.batch.names import names_of, products_of
from fctl_geo.batch.run_batch import BatchSummary
from fctl_geo.batch.settings import BatchSettings
from fctl_geo.errors import SceneError, SettingsError
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import read_model_info, resolve_model
from fctl_geo.storage.address import address_of
from fctl_geo.storage.media_types import MEDIA_TYPES
from fctl_geo.storage.whole_files import write_text_whole

if TYPE_CHECKING:
    import pystac

ITEMS_FILE = "items.json"
_SILENCE_S = 60.0
"""How long to wait for an unresponsive server."""
_RASTERS = ("tiff", "jp2", "vrt")
_PICTURES = ("visual", "image", "ortho", "data", "analytic")
"""Names of assets that hold the scene itself, in order of preference, for items with several rasters."""


def scenes_of_items(href: str, asset: str | None = None) -> list[SceneInput]:
    """A scene for each item of a STAC item collection (or for a single item).

    Args:
        href: path or URL of the collection's JSON.
        asset: the asset that holds the scene; None: the only raster, or the one named visual, image, ortho, data or
            analytic.
    Raises:
        SceneError: it cannot be read, is not an item collection, or it is unclear which asset of an item is the scene.
    """
    items = _read_items(href)
    if not items:
        raise SceneError(f"{href} has no items", hint="a STAC search may have found nothing")
    return [
        SceneInput(_scene_of(item, href, asset), item.id, item.collection_id or "", item=item.to_dict())
        for item in items
    ]


def write_results(
    scenes: Sequence[SceneInput], batch: BatchSettings, model: str, summary: BatchSummary
) -> list[dict[str, Any]]:
    """Write `NAME.json` for each finished scene, and all of them as `items.json`, to the folder of the record.

    Returns:
        The items of `items.json`, as written.
    """
    info, done = read_model_info(model), {str(file) for file in summary.files}
    home, out = batch.home, Path(summary.out)
    items = []
    for scene, name in zip(scenes, names_of(scenes, batch.template), strict=True):
        made = [address_of(path) or str(path) for path in products_of(out, name, batch.formats)]
        if files := [file for file in made if file in done]:
            path = home / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            item = _result_item(scene, name, files, info, resolve_model(model))
            write_text_whole(path, _json(_relative(item.to_dict(include_self_link=False), path.parent)))
            items.append(_relative(item.to_dict(include_self_link=False), home))
    write_text_whole(home / ITEMS_FILE, _json({"type": "FeatureCollection", "features": items}))
    return items


def _pystac() -> Any:
    try:
        import pystac
    except ImportError:
        raise SettingsError("STAC requires the package pystac", hint="pip install 'fctl-geo[stac]'") from None
    return pystac


def _read_items(href: str) -> list[pystac.Item]:
    pystac = _pystac()
    try:
        raw = json.loads(_text_of(href))
        if raw.get("type") == "Feature":
            return [pystac.Item.from_dict(raw)]
        if raw.get("type") == "FeatureCollection":
            return [pystac.Item.from_dict(feature) for feature in raw["features"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pystac.STACError) as error:
        raise SceneError(
            f"{href} cannot be read as STAC ({error})", hint="give a STAC item collection (JSON)"
        ) from None
    raise SceneError(
        f"{href} is a {raw.get('type', 'file')}, not an item collection", hint="save a search as an item collection"
    )


def _text_of(href: str) -> str:
    """The text of a file or URL; pystac would wait forever for an unresponsive server."""
    if href.startswith(("http://", "https://")):
        with urlopen(href, timeout=_SILENCE_S) as answer:
            return str(answer.read().decode("utf-8"))
    return str(_pystac().StacIO.default().read_text(href))


def _scene_of(item: pystac.Item, collection: str, asset: str | None) -> str:
    from pystac.utils import make_absolute_href

    key = asset if asset is not None else _picture_key(item)
    if key not in item.assets:
        raise SceneError(f"item {item.id} has no asset {key!r}", hint=f"it has: {', '.join(item.assets) or 'none'}")
    href = str(make_absolute_href(item.assets[key].href, _base_of(item, collection), start_is_dir=False))
    return url2pathname(urlsplit(href).path) if href.startswith("file:") else href


def _base_of(item: pystac.Item, collection: str) -> str:
    """The base of an item's relative addresses: its own address, or the file that it came in."""
    return item.get_self_href() or (collection if "://" in collection else str(Path(collection).absolute()))


def _picture_key(item: pystac.Item) -> str:
    rasters = [
        key
        for key, asset in item.assets.items()
        if any(word in (asset.media_type or Path(asset.href).suffix).lower() for word in (*_RASTERS, ".tif"))
        and not {"thumbnail", "overview", "metadata"} & set(asset.roles or ())
    ]
    named = rasters if len(rasters) == 1 else [key for key in _PICTURES if key in rasters]
    if not named:
        raise SceneError(
            f"item {item.id} does not say which asset is the scene (rasters: {', '.join(rasters) or 'none'})",
            hint="select it with --asset",
        )
    return named[0]


def _result_item(scene: SceneInput, name: str, files: Sequence[str], info: ModelInfo, model: Path) -> pystac.Item:
    import pystac
    from pystac.extensions.classification import ClassificationExtension

    source = pystac.Item.from_dict(scene.item) if scene.item is not None else None
    assert source is not None, "items are only written for scenes that came from items"
    now = datetime.now(UTC)
    item = pystac.Item(
        id=f"{name.replace('/', '-')}-{info.name}",
        geometry=source.geometry,
        bbox=source.bbox,
        datetime=source.datetime,
        start_datetime=source.common_metadata.start_datetime,
        end_datetime=source.common_metadata.end_datetime,
        properties={"created": now.strftime("%Y-%m-%dT%H:%M:%SZ")},
    )
    _describe_model(item, info, model)
    for file in files:
        ending = Path(file).suffix
        asset = pystac.Asset(file, title=info.title or info.name, media_type=MEDIA_TYPES[ending], roles=["data"])
        item.add_asset(ending[1:], asset)
        ClassificationExtension.ext(asset, add_if_missing=True).apply(_classes(info))
    item.links = [pystac.Link("derived_from", link) for link in _origins(source, scene)]
    return item


def _origins(source: pystac.Item, scene: SceneInput) -> list[str]:
    own = source.get_self_href()
    return [own] if own else [scene.scene]


def _describe_model(item: pystac.Item, info: ModelInfo, model: Path) -> None:
    import pystac
    from pystac.extensions import mlm
    from pystac.extensions.raster import DataType

    height = width = info.patch_px
    bands, classes = len(info.input.bands), len(info.legend)
    floats = DataType.FLOAT32
    shape = mlm.InputStructure.create([-1, bands, height, width], ["batch", "bands", "height", "width"], floats)
    result = mlm.ResultStructure.create([-1, classes, height, width], ["batch", "class", "height", "width"], floats)
    task = mlm.TaskType.SEMANTIC_SEGMENTATION
    mlm.MLMExtension.ext(item, add_if_missing=True).apply(
        name=info.name,
        architecture=info.architecture,
        tasks=[task],
        input=[mlm.ModelInput.create("scene", list(info.input.bands), shape)],
        output=[mlm.ModelOutput.create("classes", [task], result, classes=_classes(info))],
        framework="PyTorch",
        hyperparameters=mlm.Hyperparameters.create(
            version=info.version, gsd_m=info.input.gsd_m, contexts=list(info.contexts), overlap_px=info.overlap_px
        ),
    )
    weights = pystac.Asset(str(model), title=f"{info.name} {info.version}", roles=["mlm:model"])
    weights.media_type = "application/octet-stream; framework=pytorch"
    weights.extra_fields["mlm:artifact_type"] = "safetensors"
    item.add_asset("model", weights)


def _classes(info: ModelInfo) -> list[Any]:
    from pystac.extensions.classification import Classification

    return [
        Classification.create(value=c.id, name=c.name.replace(" ", "-"), title=c.name, color_hint=c.hex[1:].upper())
        for c in info.legend
    ]


def _relative(item: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A copy of the item in which addresses of files in or below a folder are relative to it."""
    copied = json.loads(json.dumps(item))
    for asset in copied["assets"].values():
        path = Path(asset["href"])
        if path.is_relative_to(folder):
            asset["href"] = f"./{path.relative_to(folder).as_posix()}"
    return dict(copied)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
