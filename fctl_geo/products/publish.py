"""Writes the products of a run: class rasters, confidence, polygons, and a summary."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path
from types import TracebackType

from fctl_geo.errors import FctlError, SettingsError
from fctl_geo.polygons.sieved import write_sieved
from fctl_geo.products.cog import write_cog
from fctl_geo.products.polygonise import write_polygons
from fctl_geo.products.style import style_path
from fctl_geo.products.summary import RunSummary, measure_classes
from fctl_geo.products.vector_writer import check_crs
from fctl_geo.progress import Progress
from fctl_geo.raster.reader import ClassRaster, open_class_raster
from fctl_geo.run.open import Run
from fctl_geo.run.refine import RefineRun
from fctl_geo.run.stage import Stage
from fctl_geo.run.work_folder import WorkFolder
from fctl_geo.settings import OutputSettings, PolygonSettings
from fctl_geo.spec import Legend
from fctl_geo.storage.outputs import RASTER_ENDINGS, check_endings, check_outputs
from fctl_geo.storage.upload import RemotePlace
from fctl_geo.storage.whole_files import hidden_name
from fctl_geo.windows.frame import RasterFrame


@dataclass(frozen=True, slots=True)
class _Result:
    """A class raster that is ready to be published."""

    classes: Path
    confidence: Path | None
    legend: Legend
    stage: Stage
    metadata: Mapping[str, str]
    device: str
    polygons: PolygonSettings

    def open(self) -> ClassRaster:
        """The class raster on the run's own frame, which its files cannot fully represent."""
        return open_class_raster(self.classes, self.legend, frame=self.stage.frame)

    def open_confidence(self) -> AbstractContextManager[ClassRaster | None]:
        """The confidence on the same grid; None if there is none."""
        if self.confidence is None:
            return nullcontext()
        return open_class_raster(self.confidence, self.legend, frame=self.stage.frame)


class Products:
    """The outputs of a run; any that could not be written at the end are refused at the start."""

    def __init__(self, settings: OutputSettings) -> None:
        if not settings.outs and settings.confidence is None:
            raise SettingsError("no output is given", hint="add one, for example --out landcover.gpkg")
        named = [*settings.outs, *([settings.confidence] if settings.confidence else [])]
        places = [RemotePlace.of(path, settings.staging) for path in named]
        self.remote = [place for place in places if place is not None]
        self.names = [place.address if place else path for path, place in zip(named, places, strict=True)]
        self.paths = [place.local if place else path for path, place in zip(named, places, strict=True)]
        """Where the products are written locally: the same as `names`, except for remote outputs."""
        outs = self.paths[: len(settings.outs)]
        self.rasters = [p for p in outs if p.suffix.lower() in RASTER_ENDINGS]
        self.vectors = [p for p in outs if p.suffix.lower() not in RASTER_ENDINGS]
        self.confidence = self.paths[-1] if settings.confidence else None
        styles = {style_path(path) for path in self.paths}
        self.kept_styles = set() if settings.overwrite else {style for style in styles if style.exists()}
        """Existing styles that are not ours: for example that of the user's own town.shp, where town.tif is written."""
        try:
            self._check(settings, outs)
        except FctlError:
            self.tidy()
            raise

    def _check(self, settings: OutputSettings, outs: Sequence[Path]) -> None:
        made_here = {place.local for place in self.remote}
        may_replace = {path: settings.overwrite or path in made_here for path in self.paths}
        if outs:
            check_outputs(outs, may_replace)
        if self.confidence is not None:
            check_outputs([self.confidence], may_replace, endings=RASTER_ENDINGS)
        if len({p.resolve() for p in self.paths}) < len(self.paths):
            raise SettingsError(f"{settings.confidence} is given twice", hint="give the confidence a different name")
        for place in self.remote:
            place.check(overwrite=settings.overwrite)

    def check_crs(self, frame: RasterFrame) -> None:
        """Refuse, before any work is done, a format that cannot represent the frame's coordinates."""
        check_crs(self.vectors, frame.crs_wkt)

    @staticmethod
    def raster(out: Path, *, overwrite: bool) -> Products:
        """Products that consist of a class raster only.

        Raises:
            OutputError: the extension is not that of a raster.
        """
        check_endings([out], RASTER_ENDINGS)
        return Products(OutputSettings((out,), overwrite=overwrite))

    def __enter__(self) -> Products:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tidy()

    def tidy(self) -> None:
        """Remove the local copies of remote outputs, unless finished shards are kept there."""
        for place in self.remote:
            place.tidy()

    def clear_leftovers(self) -> None:
        """Remove what a killed run left beside the products; the caller holds their locks."""
        for path in self.paths:
            for made in (path, style_path(path)):
                for left in path.parent.glob(f"{escape(hidden_name(made, '.partial-'))}*"):
                    shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)

    def publish(self, run: Run, work: WorkFolder, start: float, progress: Progress) -> RunSummary:
        """Write the products of a segmentation."""
        result = _Result(
            classes=work.joined_path("classes"),
            confidence=work.joined_path("classes-confidence"),
            legend=run.info.legend,
            stage=run.final,
            metadata=run.spec.metadata,
            device=run.hardware.name,
            polygons=run.settings.polygons,
        )
        return replace(self._publish(result, work, start, run.scene.info.warnings, progress), inputs=run.spec.inputs)

    def publish_refined(self, run: RefineRun, work: WorkFolder, start: float, progress: Progress) -> RunSummary:
        """Write the product of a refinement."""
        result = _Result(
            classes=work.joined_path("classes"),
            confidence=None,
            legend=run.legend,
            stage=run.stage,
            metadata=run.metadata,
            device=run.device_name,
            polygons=PolygonSettings(),
        )
        return self._publish(result, work, start, (), progress)

    def _publish(
        self, result: _Result, work: WorkFolder, start: float, warnings: tuple[str, ...], progress: Progress
    ) -> RunSummary:
        if fallbacks := work.fallbacks():  # some shards were not computed by the planned device
            device = "; ".join(fallbacks)
            result = replace(result, device=device, metadata={**result.metadata, "FCTL_DEVICE": device})
        if result.polygons.min_area_m2:  # rasters and polygons agree: both come from the sieved classes
            sieved = work.path / "sieved.tif"
            with result.open() as raster:
                write_sieved(raster, sieved, result.polygons.min_area_m2, progress)
            result = replace(result, classes=sieved)
        with result.open() as raster:
            classes, nodata_share, unit = measure_classes(raster, progress)
        for path in self.rasters:
            write_cog(
                result.classes,
                path,
                legend=result.legend,
                metadata=result.metadata,
                overview="mode",
                progress=progress,
                keep_style=style_path(path) in self.kept_styles,
            )
        if self.confidence is not None and result.confidence is not None:
            write_cog(
                result.confidence,
                self.confidence,
                legend=None,
                metadata=result.metadata,
                overview="average",
                progress=progress,
                keep_style=style_path(self.confidence) in self.kept_styles,
            )
        cut_regions = parts = 0
        if self.vectors:
            with result.open() as raster, result.open_confidence() as confidence:
                polygons = write_polygons(
                    raster,
                    confidence,
                    self.vectors,
                    result.polygons,
                    metadata=result.metadata,
                    overwrite={
                        path: path not in self.kept_styles for path in (*self.vectors, *map(style_path, self.vectors))
                    },
                    progress=progress,
                    sieved=True,
                )
            cut_regions, parts = polygons.cut_regions, polygons.parts
        for place in self.remote:
            place.upload(progress)
        seconds = time.monotonic() - start
        height, width = result.stage.frame.size_hw
        return RunSummary(
            classes,
            nodata_share,
            unit,
            result.device,
            seconds,
            height * width / 1e6,
            tuple(self.names),
            warnings,
            cut_regions,
            parts,
        )
