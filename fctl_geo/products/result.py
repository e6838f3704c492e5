"""A segmented scene in Python and in notebooks: its products as tables, rasters and pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from fctl_geo.errors import OutputError, SettingsError
from fctl_geo.model.modelfile import read_model_info
from fctl_geo.products.read_polygons import read_polygons
from fctl_geo.products.summary import RunSummary
from fctl_geo.settings import Settings
from fctl_geo.storage.outputs import RASTER_ENDINGS, VECTOR_ENDINGS
from fctl_geo.storage.temporary_folder import TemporaryFolder

if TYPE_CHECKING:
    import geopandas
    from rasterio.io import DatasetReader

    from fctl_geo.products.picture import Picture

_DRAWN_ENDINGS = (".gpkg", ".fgb")
"""Polygons in the raster's CRS that can be read by window."""


class SceneResult:
    """A segmented scene: a summary of the run, and its products to be read, drawn, and shown in notebooks.

    If the settings name no outputs, the products are in a temporary folder that is deleted with the result: on `close`,
    at the end of a with-block, or when nothing refers to the result anymore. What `polygons` returns and what
    `classes` opens remain usable after that.
    """

    def __init__(
        self, summary: RunSummary, scene: str | Path, settings: Settings, folder: TemporaryFolder | None = None
    ) -> None:
        """Results are made by `segment_scene` and `segment_array`.

        Args:
            folder: where products or scene are if they are temporary.
        """
        self.summary = summary
        """Areas by class, time, device, files, and warnings."""
        self._scene = Path(scene).absolute() if Path(scene).exists() else scene
        self._settings = settings
        self._folder = folder
        outs = settings.output.outs
        self._files = [Path(f).absolute() for f in summary.files[: len(outs)] if isinstance(f, Path)]

    def polygons(self) -> geopandas.GeoDataFrame:
        """The polygons: class_id, class_name, area_m2, confidence, object_id, geometry (see `read_polygons`).

        Raises:
            OutputError: the run wrote no polygons, or their file is gone.
        """
        return read_polygons(self._product(lambda path: path.suffix.lower() in VECTOR_ENDINGS, "polygons", ".gpkg"))

    def classes(self) -> DatasetReader:
        """The class raster as an open rasterio dataset: one band, uint8, 255 = nodata.

        Raises:
            OutputError: the run wrote no class raster, or its file is gone.
        """
        import rasterio

        dataset = rasterio.open(self._raster())
        if self._folder is not None:
            self._folder.keep_for(dataset)
        return dataset

    def plot(self) -> Picture:
        """Scene, classes and polygons side by side, as a whole and in the most varied places; requires matplotlib.

        Returns:
            A picture that notebooks show, with `save(path)`.
        Raises:
            OutputError: the run wrote no class raster, or matplotlib is not installed.
        """
        from fctl_geo.products.picture import draw_picture

        info = read_model_info(self._settings.model)
        return draw_picture(
            self._scene,
            self._raster(),
            next((path for path in self._files if path.suffix.lower() in _DRAWN_ENDINGS), None),
            spec=info.input,
            settings=self._settings.scene,
            title=f"{Path(self._scene).name}, model {info.name} {info.version}",
        )

    def close(self) -> None:
        """Delete temporary products; those that the settings name are kept."""
        if self._folder is not None:
            self._folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        shares = ", ".join(f"{found.name} {found.share:.1%}" for found in self.summary.classes)
        return f"<SceneResult of {Path(self._scene).name}: {shares}>"

    def _repr_html_(self) -> str:
        from fctl_geo.products.result_html import result_html

        raster = next((path for path in self._files if path.suffix.lower() in RASTER_ENDINGS and path.exists()), None)
        legend = read_model_info(self._settings.model).legend
        return result_html(Path(self._scene).name, self.summary, legend, raster)

    def _raster(self) -> Path:
        return self._product(lambda path: path.suffix.lower() in RASTER_ENDINGS, "class raster", ".tif")

    def _product(self, fits: Callable[[Path], bool], what: str, ending: str) -> Path:
        found = next(filter(fits, self._files), None)
        if found is None:
            hint = f"add one to the outputs: OutputSettings(outs=(..., Path('out{ending}'))), or name no outputs at all"
            raise OutputError(f"this run wrote no local {what}", hint=hint)
        if not found.exists():
            temporary = self._folder is not None and self._folder.path in found.parents
            words = "the result is closed, and its temporary files are deleted" if temporary else "it was moved"
            raise OutputError(f"{found} does not exist", hint=f"{words}: segment the scene again")
        return found


def with_outputs_in(folder: Path, settings: Settings) -> Settings:
    """The settings with a class raster and polygons in a temporary folder as outputs.

    Raises:
        SettingsError: the run is to resume an earlier one, of which nothing could have been kept.
    """
    if settings.output.resume:
        raise SettingsError("there is nothing to resume without outputs", hint="name the outputs of the earlier run")
    outs = (folder / "classes.tif", folder / "polygons.gpkg")
    return replace(settings, output=replace(settings.output, outs=outs, resume=None))
