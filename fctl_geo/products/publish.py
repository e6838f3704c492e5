"""What a run hands out: class rasters, confidence, polygons, a summary."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path
from types import TracebackType

from fctl_geo.errors import FctlError, SettingsError
from fctl_geo.polygons.sieved import write_sieved
from fctl_geo.products.cog import write_cog
from fctl_geo.products.polygonise import polygonise
from fctl_geo.products.style import style_path
from fctl_geo.products.summary import RunSummary, measure_classes
from fctl_geo.progress import Progress
from fctl_geo.run.open import Run
from fctl_geo.run.refine import RefineRun
from fctl_geo.run.stage import Stage
from fctl_geo.run.work_folder import WorkFolder
from fctl_geo.settings import OutputSettings, PolygonSettings
from fctl_geo.spec import Legend
from fctl_geo.storage.outputs import RASTER_ENDINGS, check_endings, check_outputs
from fctl_geo.storage.upload import RemotePlace


@dataclass(frozen=True, slots=True)
class _Result:
    """A class raster that is ready to be handed out."""

    classes: Path
    confidence: Path | None
    legend: Legend
    gsd_m: float | None
    stage: Stage
    metadata: Mapping[str, str]
    device: str
    polygons: PolygonSettings


class Products:
    """The outputs of a run; those that could not be written in the end are refused at the beginning."""

    def __init__(self, settings: OutputSettings) -> None:
        if not settings.outs and settings.confidence is None:
            raise SettingsError("no output is named", hint="name one, for example --out landcover.gpkg")
        named = [*settings.outs, *([settings.confidence] if settings.confidence else [])]
        places = [RemotePlace.of(path, settings.staging) for path in named]
        self.remote = [place for place in places if place is not None]
        self.names = [place.address if place else path for path, place in zip(named, places, strict=True)]
        self.paths = [place.local if place else path for path, place in zip(named, places, strict=True)]
        """Where the products are made: `names` for those that stay here."""
        outs = self.paths[: len(settings.outs)]
        self.rasters = [p for p in outs if p.suffix.lower() in RASTER_ENDINGS]
        self.vectors = [p for p in outs if p.suffix.lower() not in RASTER_ENDINGS]
        self.confidence = self.paths[-1] if settings.confidence else None
        styles = {style_path(path) for path in self.paths}
        self.kept_styles = set() if settings.overwrite else {style for style in styles if style.exists()}
        """Styles that somebody else put there: of the user's own town.shp, where town.tif is made."""
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
            raise SettingsError(f"{settings.confidence} is named twice", hint="give the confidence a name of its own")
        for place in self.remote:
            place.check(overwrite=settings.overwrite)

    @staticmethod
    def raster(out: Path, *, overwrite: bool) -> Products:
        """A class raster alone.

        Raises:
            OutputError: another ending.
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
        """Remove what was made here of outputs that lie elsewhere, unless finished shards wait there."""
        for place in self.remote:
            place.tidy()

    def clear_leftovers(self) -> None:
        """Remove what a killed run left beside the products; the caller holds their lock."""
        for path in self.paths:
            for name in (path.name, style_path(path).name):
                for left in path.parent.glob(f".{escape(name)}.partial-*"):
                    shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)

    def publish(self, run: Run, work: WorkFolder, start: float, progress: Progress) -> RunSummary:
        """The products of a segmentation."""
        result = _Result(
            classes=work.joined_path("classes"),
            confidence=work.joined_path("classes-confidence"),
            legend=run.info.legend,
            gsd_m=run.scene.info.gsd_m,
            stage=run.final,
            metadata=run.metadata,
            device=run.hardware.name,
            polygons=run.settings.polygons,
        )
        return self._publish(result, work, start, run.scene.info.warnings, progress)

    def publish_refined(self, run: RefineRun, work: WorkFolder, start: float, progress: Progress) -> RunSummary:
        """The product of a refinement."""
        result = _Result(
            classes=work.joined_path("classes"),
            confidence=None,
            legend=run.legend,
            gsd_m=run.gsd_m,
            stage=run.stage,
            metadata=run.metadata,
            device=run.device_name,
            polygons=PolygonSettings(),
        )
        return self._publish(result, work, start, (), progress)

    def _publish(
        self, result: _Result, work: WorkFolder, start: float, warnings: tuple[str, ...], progress: Progress
    ) -> RunSummary:
        if result.polygons.min_area_m2:  # rasters and polygons agree: both are made of the sieved classes
            sieved = work.path / "sieved.tif"
            write_sieved(result.classes, sieved, result.polygons.min_area_m2, result.legend, result.gsd_m, progress)
            result = replace(result, classes=sieved, polygons=replace(result.polygons, min_area_m2=0.0))
        classes, nodata_share, unit = measure_classes(result.classes, result.legend, result.gsd_m, progress)
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
        if self.vectors:
            polygonise(
                result.classes,
                self.vectors,
                result.polygons,
                confidence_path=result.confidence,
                legend=result.legend,
                gsd_m=result.gsd_m,
                metadata=result.metadata,
                overwrite={
                    path: path not in self.kept_styles for path in (*self.vectors, *map(style_path, self.vectors))
                },
                progress=progress,
            )
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
            height * width / 1e6 / seconds,
            tuple(self.names),
            warnings,
        )
