"""The recent runs and their results: a JSON file in the profile, shared by panel, toolbox, and qgis_process."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .settings import profile_folder
from .words import count, decimal, tr

KEEP = 30
DONE, STOPPED, FAILED = "done", "stopped", "failed"


@dataclass(frozen=True)
class Run:
    """One run as shown in the panel."""

    started: str
    """Local time, ISO 8601."""
    algorithm: str
    """The name of the algorithm, for example segmentraster."""
    input: str
    """The layer's name or the path."""
    model: str
    state: str
    """done, stopped or failed."""
    seconds: float
    message: str = ""
    """The error message if it failed."""
    summary: dict[str, Any] = field(default_factory=dict)
    """The summary of the engine."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Those of the algorithm, as `stored_parameters` writes them."""

    @property
    def files(self) -> list[str]:
        """The files that it wrote."""
        return list(self.summary.get("files") or self.summary.get("paths") or [])


def runs_file() -> Path:
    return profile_folder() / "runs.json"


def last_runs() -> list[Run]:
    """The recent runs, newest first; empty if the file does not exist or cannot be read."""
    try:
        entries = json.loads(runs_file().read_text("utf-8"))
        return [Run(**entry) for entry in entries]
    except (OSError, ValueError, TypeError):
        return []


def remember(run: Run) -> None:
    """Add a run."""
    path = runs_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [asdict(each) for each in [run, *last_runs()][:KEEP]]
    handle, aside = tempfile.mkstemp(prefix=".runs.partial-", suffix=".json", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(entries, file, ensure_ascii=False, indent=1)
    Path(aside).replace(path)


def summary_lines(summary: dict[str, Any]) -> list[str]:
    """The lines of a summary: one for each class, then time and device."""
    unit = summary.get("unit", "m2")
    classes = summary.get("classes") or []
    if isinstance(classes, dict):
        return evaluation_lines(summary)
    lines = []
    for found in classes:
        share = tr(", {}%").format(decimal(found["share"] * 100, 1)) if "share" in found else ""
        polygons = tr(", {} polygons").format(count(found["polygons"])) if "polygons" in found else ""
        lines.append(f"{found['name']}: {format_area(found['area'], unit)}{share}{polygons}")
    if summary.get("nodata_share"):
        lines.append(tr("nodata: {}%").format(decimal(summary["nodata_share"] * 100, 1)))
    if "seconds" in summary:
        device = tr(" on {}").format(summary["device"]) if "device" in summary else ""
        lines.append(f"{format_seconds(summary['seconds'])}{device}")
    return lines


def evaluation_lines(summary: dict[str, Any]) -> list[str]:
    """The lines of an evaluation: the overall scores, then those of each class."""
    wholes = ((tr("Mean IoU"), "mIoU"), (tr("Accuracy"), "accuracy"))
    lines = [f"{words}: {decimal(summary[key], 3)}" for words, key in wholes if summary.get(key) is not None]
    for name, scores in summary["classes"].items():
        known = [f"{key} {decimal(scores[key], 3)}" for key in ("IoU", "F1") if scores.get(key) is not None]
        lines += [f"{name}: {', '.join(known)}"] if known else []
    return lines


def format_area(area: float, unit: str) -> str:
    """'1,234 m²', '12.3 km²', or pixels."""
    if unit != "m2":
        return tr("{} pixels").format(count(area))
    return f"{count(area)} m²" if area < 1e5 else f"{decimal(area / 1e6, 2)} km²"


def format_seconds(seconds: float) -> str:
    """'12 s', '4 min 05 s' or '2 h 10 min'."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
