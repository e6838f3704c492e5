"""The STAC item of a segmented scene."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from fctl_geo.model.modelfile import resolve_model
from fctl_geo.products.footprint import footprint_of
from fctl_geo.products.stac import ItemPlace, json_text, product_item, relative_item
from fctl_geo.progress import Progress
from fctl_geo.run.open import Run
from fctl_geo.scene.header import short_name
from fctl_geo.storage.whole_files import write_text_whole


def write_scene_item(
    path: Path, run: Run, files: Sequence[Path | str], confidence: Path | str | None, progress: Progress
) -> None:
    """Write the item of a run's products atomically; the addresses of files near it are relative to it.

    Args:
        path: the item (.json).
        files: the products, complete: class rasters and polygons, paths or addresses.
        confidence: the raster of confidence.
    Raises:
        OutputError: it cannot be written.
    """
    source = run.spec.inputs.source
    footprint = footprint_of(run.final.frame)
    place = ItemPlace(
        geometry=footprint.geometry if footprint else None,
        bbox=list(footprint.bbox) if footprint else None,
        time=_time(run, source, progress),
    )
    name = short_name(source)
    item = product_item(
        f"{Path(name).stem}-{run.info.name}",
        place,
        source,
        [_absolute(file) for file in files],
        run.info,
        resolve_model(run.settings.model),
        confidence=_absolute(confidence) if confidence else "",
        checksums=True,
    )
    write_text_whole(path, json_text(relative_item(item, path.parent.absolute())) + "\n")


def _absolute(file: Path | str) -> str:
    return file if isinstance(file, str) else str(file.absolute())


def _time(run: Run, source: str, progress: Progress) -> datetime:
    if run.scene.info.acquired:
        return datetime.fromisoformat(run.scene.info.acquired)
    local = Path(source)
    time = datetime.fromtimestamp(local.stat().st_mtime, UTC) if local.is_file() else datetime.now(UTC)
    what = "its file was changed last" if local.is_file() else "this run ended"
    progress.warn(f"{short_name(source)} does not say when it was taken: its STAC item has the time at which {what}")
    return time.replace(microsecond=0)
