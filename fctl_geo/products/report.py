"""Writes the report of a segmentation."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from fctl_geo.georef.surface import crs_name
from fctl_geo.model.modelfile import resolve_model
from fctl_geo.products.report_objects import SIZES, ReportObjects
from fctl_geo.products.summary import RunSummary
from fctl_geo.progress import Progress
from fctl_geo.raster.reader import ClassRaster
from fctl_geo.report.map import MAP_PX, MapImages, map_images
from fctl_geo.report.measure import measure
from fctl_geo.report.run_page import ClassRow, RunReport, run_page
from fctl_geo.report.seams import find_seams
from fctl_geo.run.open import Run
from fctl_geo.spec import LONG_LEGEND, Legend
from fctl_geo.storage.whole_files import write_text_whole

_CACHE_BYTES = 64 << 20
"""For reading the scene once more, at reduced resolution."""


class ReportWriter:
    """The report of a run, collected while its products are written."""

    def __init__(self, path: Path, run: Run, warned: Sequence[str]) -> None:
        """
        Args:
            path: the page to write.
            warned: what the user has been warned of, complete when `write` is called.
        """
        self.path, self._run, self._warned = path, run, warned
        self.objects = ReportObjects(run.final.frame, -(-max(run.final.frame.size_hw) // MAP_PX))
        """Looks at the polygons."""

    def write(
        self, raster: ClassRaster, confidence: ClassRaster | None, summary: RunSummary, progress: Progress
    ) -> None:
        """Measure the products and write the page atomically.

        Raises:
            OutputError: the page cannot be written.
        """
        run = self._run
        measured = measure(raster, confidence, progress)
        areas = {found.name: found for found in summary.classes}
        infos = [c for c in raster.legend if areas[c.name].area or len(raster.legend) <= LONG_LEGEND]
        report = RunReport(
            scene=Path(run.spec.inputs.source).name,
            classes=tuple(ClassRow(c, areas[c.name].area, areas[c.name].share) for c in infos),
            unit=summary.unit,
            nodata_share=summary.nodata_share,
            measured=measured,
            size_bounds=SIZES,
            sizes=self.objects.sizes,
            seams=find_seams(measured, run.final.sweep.grid, run.final.sweep.how),
            images=self._images(raster, Legend(tuple(infos))),
            outlines=self.objects.outlines,
            outlines_left_out=self.objects.left_out,
            warnings=tuple(dict.fromkeys(self._warned)),
            facts=self._facts(summary),
            settings={k: str(v) for k, v in json.loads(run.spec.metadata["FCTL_SETTINGS"]).items()},
            model=run.info,
            card=_card(run.settings.model),
        )
        write_text_whole(self.path, run_page(report))

    def _images(self, raster: ClassRaster, legend: Legend) -> MapImages:
        scene = self._run.scene
        scene.resize_cache(_CACHE_BYTES)
        try:
            return map_images(scene, raster, legend)
        finally:
            scene.resize_cache(0)

    def _facts(self, summary: RunSummary) -> dict[str, str]:
        run = self._run
        frame, info, inputs = run.final.frame, run.scene.info, run.spec.inputs
        gsd = "unknown" if info.gsd_m is None else f"{info.gsd_m:.3g} m"
        return {
            "scene": inputs.source,
            "size": f"{frame.width:,} x {frame.height:,} px of the products",
            "pixel size of the scene": gsd,
            "CRS": crs_name(frame.crs_wkt) if frame.crs_wkt else "none",
            "bands": ", ".join(f"{band.name} = {band.number}" for band in info.bands),
            "model": f"{run.info.name} {run.info.version} ({run.info.architecture})",
            "model checksum": f"SHA-256 {inputs.model_checksum}",
            "refined": "yes" if run.refines else "no",
            "patches": f"{run.crude.patches:,} of {run.crude.sweep.grid.patch_px} px, "
            f"{run.crude.sweep.grid.overlap_px} px overlap",
            "device": f"{summary.device}, {run.spec.precision}, {run.spec.backend}",
            "arithmetic": run.spec.arithmetic,
            "time": f"{summary.seconds:,.1f} s, {summary.megapixels_per_s:,.2f} million pixels per second",
            "written": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "files": ", ".join(str(file) for file in summary.files),
            "software": f"fctl-geo {inputs.version}",
        }


def _card(model: str) -> str:
    """The card beside a model file; empty if there is none."""
    try:
        return resolve_model(model).with_suffix(".md").read_text("utf-8", errors="replace")
    except OSError:
        return ""
