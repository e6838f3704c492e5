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
from fctl_geo.products.more_styles import style_files
from fctl_geo.products.placement import Placement
from fctl_geo.products.polygon_plan import columns_of
from fctl_geo.products.polygonise import write_polygons
from fctl_geo.products.preflight import check_layers, check_places
from fctl_geo.products.report import ReportWriter
from fctl_geo.products.scene_item import write_scene_item
from fctl_geo.products.stac import require_pystac
from fctl_geo.products.style import style_path
from fctl_geo.products.summary import RunSummary, measure_classes
from fctl_geo.progress import Progress
from fctl_geo.raster.reader import ClassRaster, open_class_raster
from fctl_geo.run.open import Run
from fctl_geo.run.refine import RefineRun
from fctl_geo.run.stage import Stage
from fctl_geo.run.work_folder import WorkFolder
from fctl_geo.settings import OutputSettings, PolygonSettings
from fctl_geo.spec import Legend
from fctl_geo.storage.outputs import RASTER_ENDINGS, REPORT_ENDINGS, VECTOR_ENDINGS, check_endings, check_outputs
from fctl_geo.storage.staging import staged_path, tidy_staged
from fctl_geo.storage.table_address import TableAddress
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
        if not settings.named:
            raise SettingsError("no output is given", hint="add one, for example --out landcover.gpkg")
        self.tables = [table for table in map(TableAddress.of, settings.outs) if table is not None]
        files = [out for out in settings.outs if TableAddress.of(out) is None]
        named = [*files, *settings.beside]
        places = [RemotePlace.of(path, settings.staging) for path in named]
        self.remote = [place for place in places if place is not None]
        addresses = [place.address if place else path for path, place in zip(named, places, strict=True)]
        self.names = [*addresses, *(table.shown for table in self.tables)]
        self._table_places = [staged_path(table.shown, table.name, settings.staging) for table in self.tables]
        local = [place.local if place else path for path, place in zip(named, places, strict=True)]
        self.paths = [*local, *self._table_places]
        """Where the products are written locally: the same as `names`, except for remote outputs. For a table, only
        unfinished work is there."""
        self.placement = Placement.of(settings, "")
        outs = local[: len(files)]
        self.rasters = [p for p in outs if p.suffix.lower() in RASTER_ENDINGS]
        self.vectors = [p for p in outs if p.suffix.lower() not in RASTER_ENDINGS]
        self.confidence = local[len(outs)] if settings.confidence else None
        self.report = local[-1] if settings.report else None
        self.item = settings.stac
        self.styles = settings.styles
        self.style_files = style_files(outs, settings.styles)
        styles = {style_path(path) for path in self.paths}
        self.kept_styles = set() if settings.overwrite else {style for style in styles if style.exists()}
        """Existing styles that are not ours: for example that of the user's own town.shp, where town.tif is written."""
        try:
            self._check(settings, outs)
        except FctlError:
            self.tidy()
            raise

    def _check(self, settings: OutputSettings, outs: Sequence[Path]) -> None:
        endings = (*RASTER_ENDINGS, *VECTOR_ENDINGS)
        if outs:
            check_places(outs, self.placement, endings=endings, made_here=self._made_here)
        if self.confidence is not None:
            check_places([self.confidence], self.placement, endings=RASTER_ENDINGS, made_here=self._made_here)
        if self.report is not None:
            check_places([self.report], self.placement, endings=REPORT_ENDINGS, made_here=self._made_here)
        if len({table.shown for table in self.tables}) < len(self.tables):
            raise SettingsError("a table is given twice", hint="give every output its own name")
        if self.item is not None:
            require_pystac()
            check_outputs([self.item], settings.overwrite, endings=(".json",))
        if self.style_files:
            staged = {place.local.parent for place in self.remote}
            replaced = {path: settings.overwrite or path.parent in staged for path in self.style_files}
            check_outputs(self.style_files, replaced, endings=(".sld", ".json"))
        if len({p.resolve() for p in self.paths}) < len(self.paths):
            raise SettingsError(f"{settings.confidence} is given twice", hint="give the confidence a different name")
        for place in self.remote:
            place.check(overwrite=settings.overwrite)

    def check_frame(self, frame: RasterFrame, legend: Legend, polygons: PolygonSettings) -> None:
        """Refuse, before any work is done, a format or an existing layer that cannot take polygons of the frame."""
        if self.vectors or self.tables:
            check_layers(
                self.vectors,
                self.tables,
                self.placement,
                columns_of(frame, legend, polygons).schema,
                frame.crs_wkt,
                made_here=self._made_here,
            )

    @property
    def _made_here(self) -> set[Path]:
        """Local copies of remote outputs."""
        return {place.local for place in self.remote}

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
        for path in self._table_places:
            tidy_staged(path)

    def clear_leftovers(self) -> None:
        """Remove what a killed run left beside the products, or could not upload; the caller holds their locks."""
        for place in self.remote:
            place.local.unlink(missing_ok=True)
        for path in self.paths:
            for made in (path, style_path(path), *self.style_files):
                for left in path.parent.glob(f"{escape(hidden_name(made, '.partial-'))}*"):
                    shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)

    def publish(
        self, run: Run, work: WorkFolder, start: float, progress: Progress, warned: Sequence[str] = ()
    ) -> RunSummary:
        """Write the products of a segmentation.

        Args:
            warned: what the user has been warned of, for the report; grows with further warnings.
        """
        result = _Result(
            classes=work.joined_path("classes"),
            confidence=work.joined_path("classes-confidence"),
            legend=run.info.legend,
            stage=run.final,
            metadata=run.spec.metadata,
            device=run.hardware.name,
            polygons=run.settings.polygons,
        )
        self.placement = replace(self.placement, scene=self.placement.scene or run.spec.inputs.source)
        report = None if self.report is None else ReportWriter(self.report, run, warned)
        summary = self._publish(result, work, start, run.scene.info.warnings, progress, report)
        if self.item is not None:
            outs = self.names[: len(self.rasters) + len(self.vectors)]
            confidence = self.names[len(outs)] if self.confidence else None
            write_scene_item(self.item, run, outs, confidence, progress)
            summary = replace(summary, files=(*summary.files, self.item))
        return replace(summary, inputs=run.spec.inputs)

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
        self,
        result: _Result,
        work: WorkFolder,
        start: float,
        warnings: tuple[str, ...],
        progress: Progress,
        report: ReportWriter | None = None,
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
        vectors = self.vectors
        if report and not (vectors or self.tables):
            vectors = [work.path / "polygons.fgb"]  # the report needs polygons
        if vectors or self.tables:
            with result.open() as raster, result.open_confidence() as confidence:
                polygons = write_polygons(
                    raster,
                    confidence,
                    vectors,
                    result.polygons,
                    styles=self.styles,
                    metadata=result.metadata,
                    overwrite={style: style not in self.kept_styles for style in map(style_path, vectors)},
                    placement=self.placement,
                    tables=self.tables,
                    progress=progress,
                    sieved=True,
                    look=None if report is None else report.objects.look,
                )
            cut_regions, parts = polygons.cut_regions, polygons.parts
        height, width = result.stage.frame.size_hw
        summary = RunSummary(
            classes,
            nodata_share,
            unit,
            result.device,
            time.monotonic() - start,
            height * width / 1e6,
            (*self.names, *(path for path in self.style_files if path.exists())),
            warnings,
            cut_regions,
            parts,
        )
        if report is not None:
            with result.open() as raster, result.open_confidence() as confidence:
                report.write(raster, confidence, summary, progress)
        for place in self.remote:
            place.upload(progress)
        return replace(summary, seconds=time.monotonic() - start)
