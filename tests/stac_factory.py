"""STAC items that point to scenes, and collections of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pystac


def item_of(name: str, assets: dict[str, tuple[str, str]], *, published: bool = True) -> pystac.Item:
    """An item of one day; a published one says where it lies itself."""
    box = {"type": "Polygon", "coordinates": [[[15, 41], [15, 42], [16, 42], [16, 41], [15, 41]]]}
    item = pystac.Item(name, box, [15, 41, 16, 42], datetime(2024, 5, 1, tzinfo=UTC), {"platform": "aeroplane"})
    for key, (href, kind) in assets.items():
        roles = ["thumbnail"] if key == "preview" else ["data"]
        item.add_asset(key, pystac.Asset(href, media_type=kind, roles=roles))
    if published:
        item.set_self_href(f"https://example.org/{name}.json")
    return item


def collection_of(path: Path, *items: pystac.Item) -> Path:
    features = [item.to_dict(transform_hrefs=False) for item in items]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path
