"""What a run hands out: class rasters, confidence, polygons, a summary."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fctl_geo.errors import SettingsError
from fctl_geo.polygons.outputs import RASTER_ENDINGS, check_outputs
from fctl_geo.polygons.polygonise import polygonise
from fctl_geo.polygons.sieved import write_sieved
from fctl_geo.progress import Progress
from fctl_geo.raster.cog import write_cog
from fctl_geo.refine_run import RefineRun
from fctl_geo.run import Run, Stage
from fctl_geo.settings import OutputSettings, PolygonSettings
from fctl_geo.spec import Legend
from fctl_geo.summary import RunSummary, measure_classes
from fctl_geo.workfolder import WorkFolder


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
        self.rasters = [p for p in settings.outs if p.suffix.lower() in RASTER_ENDINGS]
        self.vectors = [p for p in settings.outs if p.suffix.lower() not in RASTER_ENDINGS]
        self.confidence = settings.confidence
        if settings.outs:
            check_outputs(settings.outs, settings.overwrite)
        if self.confidence is not None:
            check_outputs([self.confidence], settings.overwrite, endings=RASTER_ENDINGS)
        self.paths = [*settings.outs, *([self.confidence] if self.confidence else [])]
        if len({p.resolve() for p in self.paths}) < len(self.paths):
            raise SettingsError(f"{self.confidence} is named twice", hint="give the confidence a name of its own")

    @staticmethod
    def raster(out: Path, *, overwrite: bool) -> Products:
        """A class raster alone."""
        check_outputs([out], overwrite, endings=RASTER_ENDINGS)
        return Products(OutputSettings((out,), overwrite=overwrite))

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
            )
        if self.confidence is not None and result.confidence is not None:
            write_cog(
                result.confidence,
                self.confidence,
                legend=None,
                metadata=result.metadata,
                overview="average",
                progress=progress,
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
                overwrite=True,
                progress=progress,
            )
        seconds = time.monotonic() - start
        height, width = result.stage.frame.size_hw
        return RunSummary(
            classes,
            nodata_share,
            unit,
            result.device,
            seconds,
            height * width / 1e6 / seconds,
            tuple(self.paths),
            warnings,
        )
