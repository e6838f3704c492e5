"""STAC items of products: classes and model, place and time, and the files (MLM, classification, projection, file)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fctl_geo.errors import OutputError, SettingsError
from fctl_geo.model.files import ONNX_ENDING
from fctl_geo.model.info import ModelInfo
from fctl_geo.storage.address import address_of
from fctl_geo.storage.media_types import MEDIA_TYPES
from fctl_geo.storage.outputs import RASTER_ENDINGS

if TYPE_CHECKING:
    import pystac

_SHA_256 = "1220"
"""How a multihash begins: SHA-256, 32 bytes."""


@dataclass(frozen=True, slots=True)
class ItemPlace:
    """Where and when the scene of an item was taken."""

    geometry: dict[str, Any] | None
    """GeoJSON in longitude and latitude."""
    bbox: list[float] | None
    time: datetime | None
    """None: `start` and `end` say when."""
    start: datetime | None = None
    end: datetime | None = None


def require_pystac() -> Any:
    """The package pystac.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        import pystac
        import pystac.extensions.file
        import pystac.extensions.mlm
        import pystac.extensions.projection
    except ImportError:
        raise SettingsError("STAC requires the package pystac", hint="pip install 'fctl-geo[stac]'") from None
    return pystac


def product_item(
    name: str,
    place: ItemPlace,
    origin: str,
    files: Sequence[str],
    info: ModelInfo,
    model: Path,
    *,
    confidence: str = "",
    checksums: bool = False,
) -> pystac.Item:
    """The item of the products of one scene.

    Args:
        name: its id.
        origin: address of the scene, or of the item that the scene came from.
        files: class rasters and polygons, paths or addresses.
        model: the model file.
        confidence: a raster of confidence.
        checksums: whether the local files are read to compute theirs.
    """
    require_pystac()
    import pystac
    from pystac.extensions.classification import ClassificationExtension

    item = pystac.Item(
        id=name,
        geometry=place.geometry,
        bbox=place.bbox,
        datetime=place.time,
        start_datetime=place.start,
        end_datetime=place.end,
        properties={"created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")},
    )
    _describe_model(item, info, model)
    for file in files:
        ending = Path(file).suffix
        key = ending[1:] if ending[1:] not in item.assets else Path(file).name
        asset = _add_file(item, key, file, info.title or info.name, checksums=checksums)
        ClassificationExtension.ext(asset, add_if_missing=True).apply(_classes(info))
    if confidence:
        _add_file(item, "confidence", confidence, "Confidence of the classes in percent", checksums=checksums)
    item.links = [pystac.Link("derived_from", origin)]
    return item


def relative_item(item: pystac.Item, folder: Path) -> dict[str, Any]:
    """An item as JSON types, in which addresses of files in or below a folder are relative to it."""
    copied = json.loads(json.dumps(item.to_dict(include_self_link=False)))
    for asset in copied["assets"].values():
        path = Path(asset["href"])
        if path.is_relative_to(folder):
            asset["href"] = f"./{path.relative_to(folder).as_posix()}"
    return dict(copied)


def json_text(value: object) -> str:
    """JSON as STAC files hold it."""
    return json.dumps(value, ensure_ascii=False, indent=1)


def _add_file(item: pystac.Item, key: str, file: str, title: str, *, checksums: bool) -> pystac.Asset:
    """Add a product; a local one is described by size, place, and checksum."""
    import pystac

    media_type = MEDIA_TYPES[".tif" if Path(file).suffix.lower() in RASTER_ENDINGS else Path(file).suffix.lower()]
    asset = pystac.Asset(file, title=title, media_type=media_type, roles=["data"])
    item.add_asset(key, asset)
    if address_of(file) is None:
        _describe_file(asset, Path(file), checksum=checksums)
    return asset


def _describe_file(asset: pystac.Asset, path: Path, *, checksum: bool) -> None:
    from pystac.extensions.file import FileExtension
    from pystac.extensions.projection import ProjectionExtension

    hashed = None
    if checksum:
        with path.open("rb") as file:
            hashed = _SHA_256 + hashlib.file_digest(file, "sha256").hexdigest()
    FileExtension.ext(asset, add_if_missing=True).apply(size=path.stat().st_size, checksum=hashed)
    crs, grid = _raster_place(path) if path.suffix.lower() in RASTER_ENDINGS else (_vector_crs(path), {})
    ProjectionExtension.ext(asset, add_if_missing=True).apply(**_named(crs), **grid)


def _raster_place(path: Path) -> tuple[str, dict[str, Any]]:
    """CRS (WKT), shape, transform, and bounds."""
    import rasterio

    with rasterio.Env(), rasterio.open(path) as dataset:
        wkt = dataset.crs.to_wkt(version="WKT2_2019") if dataset.crs else ""
        place = {"shape": list(dataset.shape), "transform": list(dataset.transform)[:6], "bbox": list(dataset.bounds)}
    return wkt, place


def _vector_crs(path: Path) -> str:
    from fctl_geo.scene.vector_file import open_vector

    return open_vector(path, OutputError).crs


def _named(crs: str) -> dict[str, Any]:
    """The code of a CRS if it is exactly that of a registry, else its WKT."""
    if not crs:
        return {}
    from pyproj import CRS

    known = CRS.from_user_input(crs)
    code = known.to_authority(min_confidence=100)
    return {"code": ":".join(code)} if code else {"wkt2": known.to_wkt()}


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
        framework="ONNX" if model.suffix == ONNX_ENDING else "PyTorch",
        hyperparameters=mlm.Hyperparameters.create(
            version=info.version, gsd_m=info.input.gsd_m, contexts=list(info.contexts), overlap_px=info.overlap_px
        ),
    )
    weights = pystac.Asset(str(model), title=f"{info.name} {info.version}", roles=["mlm:model"])
    kind = ("onnx", "onnx") if model.suffix == ONNX_ENDING else ("pytorch", "safetensors")
    weights.media_type = f"application/octet-stream; framework={kind[0]}"
    weights.extra_fields["mlm:artifact_type"] = kind[1]
    item.add_asset("model", weights)


def _classes(info: ModelInfo) -> list[Any]:
    from pystac.extensions.classification import Classification

    return [
        Classification.create(value=c.id, name=c.name.replace(" ", "-"), title=c.name, color_hint=c.hex[1:].upper())
        for c in info.legend
    ]
