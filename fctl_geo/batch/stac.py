"""STAC input and output of a batch: scenes from an item collection, and an item per result (MLM, classification)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname, urlopen

from fctl_geo.batch.inputs import SceneInput
from fctl_geo.batch.names import names_of, products_of
from fctl_geo.batch.run_batch import BatchSummary
from fctl_geo.batch.settings import BatchSettings
from fctl_geo.errors import SceneError
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import read_model_info, resolve_model
from fctl_geo.products.stac import ItemPlace, json_text, product_item, relative_item, require_pystac
from fctl_geo.storage.address import address_of
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
            write_text_whole(path, json_text(relative_item(item, path.parent)))
            items.append(relative_item(item, home))
    write_text_whole(home / ITEMS_FILE, json_text({"type": "FeatureCollection", "features": items}))
    return items


def _read_items(href: str) -> list[pystac.Item]:
    pystac = require_pystac()
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
    return str(require_pystac().StacIO.default().read_text(href))


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

    assert scene.item is not None, "items are only written for scenes that came from items"
    source = pystac.Item.from_dict(scene.item)
    times = source.common_metadata
    place = ItemPlace(source.geometry, source.bbox, source.datetime, times.start_datetime, times.end_datetime)
    origin = source.get_self_href() or scene.scene
    return product_item(f"{name.replace('/', '-')}-{info.name}", place, origin, files, info, model)
