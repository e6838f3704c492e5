"""docs/ablation.md from the results: the paper's tables beside ours, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from statistics import mean
from typing import Any

from fctl_geo.storage.whole_files import write_text_whole

Results = Sequence[Mapping[str, Any]]


def write_report(path: Path, grid: Mapping[str, Any], results: Results, command: str) -> None:
    """Write the tables of all rows that are done, whole or not at all."""
    budget = grid["budget"]
    lines = [
        "# Ablations",
        "",
        "The paper's Tables 3, 5 and 6 and its comparison of systems, on the data at hand: mIoU in percent of the",
        "classes that `fctl-geo segment` gives for places kept out of training, as the mean over the validation places",
        "and over the seeds (± half their range), beside the paper's own numbers (full-size networks from ImageNet",
        "weights, 50 epochs).",
        "",
        f"Each row learns from {budget['batch']} samples of {budget['sample_px']} px a step, the same for the same",
        "seed: the systems with the same pretrained encoder, all others as thin networks from scratch",
        "(`benchmarks/ablation/grid.toml`). Differences smaller than the seeds' range mean nothing.",
        "",
        f"    {command}",
    ]
    for table in grid["tables"]:
        found = [r for r in results if r["table"] == table["name"]]
        if found:
            lines += ["", *_table(grid, table, found)]
    seconds = sum(r["row_s"] for r in {r["key"]: r for r in results}.values())
    lines += [
        "",
        f"All rows together took {seconds / 3600:.1f} h; every number is in",
        "[ablation/results.jsonl](ablation/results.jsonl).",
        *([] if all(r["current"] for r in results) else ["", "\\* measured before the training was last changed."]),
    ]
    write_text_whole(path, "\n".join(lines) + "\n")


def _table(grid: Mapping[str, Any], table: Mapping[str, Any], results: Results) -> list[str]:
    datasets = list(grid["data"])
    paper = [name for name in table["paper"] if name]
    steps = " or ".join(map(str, sorted({r["steps"] for r in results})))
    lines = [
        f"## {table['name']}",
        "",
        f"{steps} steps.",
        "",
        "| | " + " | ".join([*datasets, "parameters", "seconds a row", *(f"paper, {name}" for name in paper)]) + " |",
        "|---|" + "---:|" * (len(datasets) + 2 + len(paper)),
    ]
    for row in table["rows"]:
        mine = [r for r in results if r["row"] == row["name"]]
        if mine:
            cells = [_score([r["miou"] for r in mine if r["dataset"] == d]) for d in datasets]
            facts = [f"{mine[0]['parameters'] / 1e6:.2f} M", f"{mean(r['row_s'] for r in mine):.0f}"]
            theirs = [
                f"{v:.2f}" if v else ""
                for v, name in zip(row.get("paper", [0, 0]), table["paper"], strict=True)
                if name
            ]
            mark = "" if all(r["current"] for r in mine) else " *"
            lines.append(f"| {row['name']}{mark} | " + " | ".join([*cells, *facts, *theirs]) + " |")
    return [*lines, "", *(_verdict(grid, table, dataset, results) for dataset in grid["data"])]


def _score(values: Sequence[float]) -> str:
    if not values:
        return ""
    spread = f" ± {50 * (max(values) - min(values)):.2f}" if len(values) > 1 else ""
    return f"{100 * mean(values):.2f}{spread}"


def _verdict(grid: Mapping[str, Any], table: Mapping[str, Any], dataset: str, results: Results) -> str:
    """The best row, its distance from the baseline, and how much of the paper's order is found again."""
    scores = {
        row["name"]: mean(values)
        for row in table["rows"]
        if (values := [r["miou"] for r in results if r["row"] == row["name"] and r["dataset"] == dataset])
    }
    base = table["baseline"]
    if base not in scores or len(scores) < 2:
        return f"- {dataset}: not run yet."
    best = max(scores, key=lambda name: scores[name])
    gain = 100 * (scores[best] - scores[base])
    words = f"- {dataset}: best is {best}" + (f", {gain:+.2f} points from {base}" if best != base else "") + "."
    theirs = {row["name"]: row["paper"] for row in table["rows"] if "paper" in row and row["name"] in scores}
    k = list(grid["data"]).index(dataset)  # DeepGlobe is the paper's land cover, Inria its buildings
    known = {row: values[k] for row, values in theirs.items() if values[k]}
    pairs = [(a, b) for a, b in combinations(known, 2) if known[a] != known[b]]
    if table["paper"][k] and pairs:
        same = sum((known[a] < known[b]) == (scores[a] < scores[b]) for a, b in pairs)
        words += f" Of the paper's {len(pairs)} pairs of rows on {table['paper'][k]}, {same} come out in its order."
    return words
