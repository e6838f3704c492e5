"""Prints the result of a run as a table on stdout."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from fctl_geo.batch.run_batch import BatchSummary
    from fctl_geo.products.polygonise import PolygonSummary
    from fctl_geo.products.summary import RunSummary


def make_console() -> Console:
    """A console on stdout, wide enough for the tables if it is a file or a pipe."""
    import sys

    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def make_table(*columns: str, right: Iterable[str] = ()) -> Table:
    """An empty table; the columns named in `right` are right-aligned."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in set(right) else "left", overflow="fold")
    return table


def print_run(summary: RunSummary) -> None:
    """Print the area per class in km2 and %, the share of nodata, device, time, speed, and files."""
    console = make_console()
    unit = "km2" if summary.unit == "m2" else "px"
    table = make_table("class", unit, "%", right=(unit, "%"))
    for found in summary.classes:
        table.add_row(found.name, area_words(found.area, summary.unit), f"{found.share * 100:.2f}")
    console.print(table)
    console.print(f"nodata   {summary.nodata_share * 100:.2f} % of the scene")
    speed = f"{summary.megapixels_per_s:.2f} MPix/s"
    console.print(f"time     {seconds_words(summary.seconds)} on {summary.device}, {speed}")
    _print_files(console, summary.files)


def print_batch(summary: BatchSummary) -> None:
    """Print how many scenes were processed, were unchanged, and failed; the failed ones with their reasons."""
    from rich.markup import escape

    console = make_console()
    table = make_table("scenes", "", right=("",))
    for words, count in (
        ("done", summary.done),
        ("unchanged", summary.unchanged),
        ("failed", len(summary.failed)),
        ("not started", summary.left),
    ):
        if count or words == "done":
            table.add_row(words, f"{count:,}")
    console.print(table)
    if summary.failed:
        reasons = make_table("failed", "reason", "hint")
        for ended in summary.failed:
            reasons.add_row(*(escape(text) for text in (ended.name, ended.error, ended.hint)))
        console.print(reasons)
    speed = f"{summary.megapixels / max(summary.seconds, 1e-9):.2f} MPix/s"
    console.print(f"time     {seconds_words(summary.seconds)}, {summary.megapixels:,.1f} MPix, {speed}")
    console.print(f"folder   {summary.out} ({len(summary.files):,} files)", markup=False, soft_wrap=True)


def print_polygons(summary: PolygonSummary) -> None:
    """Print the number of polygons and the area per class, time, and files."""
    console = make_console()
    unit = "km2" if summary.unit == "m2" else "px"
    table = make_table("class", "polygons", unit, right=("polygons", unit))
    for total in summary.classes:
        table.add_row(total.name, f"{total.polygons:,}", area_words(total.area, summary.unit))
    console.print(table)
    console.print(f"time     {seconds_words(summary.seconds)}")
    _print_files(console, summary.paths)


def _print_files(console: Console, files: Iterable[Path | str]) -> None:
    for file in files:
        size = f" ({bytes_words(file.stat().st_size)})" if isinstance(file, Path) else ""  # a URL has no size here
        console.print(f"file     {file}{size}", markup=False, soft_wrap=True)


def area_words(area: float, unit: str) -> str:
    """An area in km2 with four decimals below 10 km2 and two above, or in whole pixels."""
    if unit != "m2":
        return f"{area:,.0f}"
    km2 = area / 1e6
    return f"{km2:,.4f}" if km2 < 10 else f"{km2:,.2f}"


def seconds_words(seconds: float) -> str:
    """A duration as '12.3 s', '4 min 05 s', or '2 h 10 min'."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def bytes_words(size_bytes: float) -> str:
    """A size as '812 bytes' or '3.4 MB'."""
    if size_bytes < 1000:
        return f"{size_bytes:.0f} bytes"
    for unit in ("kB", "MB", "GB", "TB"):
        size_bytes /= 1000
        if size_bytes < 1000 or unit == "TB":
            break
    return f"{size_bytes:.1f} {unit}"


def plain(value: Any) -> Any:
    """Convert a value to JSON types: paths to strings, tuples to lists, NumPy scalars to Python numbers."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if not isinstance(value, str | int | float | bool | None) and hasattr(value, "item"):
        return value.item()
    return value
