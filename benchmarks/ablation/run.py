"""The paper's Tables 3, 5 and 6 and the systems' table, on the data at hand: one row after the other, resumable.

    python benchmarks/ablation/run.py --data ../shared/data --work runs/ablation
    python benchmarks/ablation/run.py --data ../shared/data --work runs/try --out runs/try --tables "Table 5" --steps 30

`grid.toml` says what is trained and judged; every row has the same budget, seed and protocol. A row that is in
docs/ablation/results.jsonl is not run again; a training that was stopped goes on. Rows that share a network share its
training. At the end (and with --report alone) docs/ablation.md is written from the results.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from report import write_report

from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import write_model
from fctl_geo.progress import Progress, Silent
from fctl_geo.training.crude import make_crude_samples
from fctl_geo.training.data import TrainingData, open_data
from fctl_geo.training.loop import Trained, TrainingSettings, forward, train_on
from fctl_geo.training.machine import use_threads
from fctl_geo.training.method import RefinementSettings, method_of
from fctl_geo.training.recipe import Recipe, read_recipe
from fctl_geo.training.refinement import train_refinement
from fctl_geo.training.train_model import measure, model_info

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table on one data set with one seed."""

    table: str
    name: str
    dataset: str
    seed: int
    recipe: Recipe
    engine: Mapping[str, Any]
    """How patches are merged when it is judged."""
    refinement: RefinementSettings | None

    @property
    def training(self) -> str:
        """The same for rows that are judged with the same network."""
        return _hash(asdict(self.recipe), self.seed)

    @property
    def key(self) -> str:
        """Changes with all that the row's numbers depend on."""
        return _hash(self.training, dict(self.engine), self.refinement and asdict(self.refinement))


class Say(Silent):
    """Progress as lines with the time."""

    def say(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    warn = say


def rows_of(grid: Mapping[str, Any], steps: int | None, seeds: Sequence[int], only: Sequence[str]) -> Iterator[Row]:
    """All rows of a grid, data set by data set; `steps` and `seeds` instead of the grid's where given."""
    budget = {key: value for key, value in grid["budget"].items() if key != "seeds"}
    for dataset, name in grid["data"].items():
        recipe = read_recipe(HERE / name)
        for table in grid["tables"]:
            if only and not any(table["name"].startswith(word) for word in only):
                continue
            for raw in table["rows"]:
                architecture = raw.get("architecture", "fctl-vgg16")
                network = {**grid["networks"][architecture], **raw.get("network", {})}
                given = {**budget, **table.get("budget", {}), **({"steps": steps} if steps else {})}
                method = method_of({**given, "architecture": architecture, "network": network}, "grid.toml")
                wanted = grid["refinement"]
                if steps:
                    wanted = {**wanted, "steps": steps, "montages": min(wanted["montages"], steps)}
                refinement = RefinementSettings(**wanted, context=raw["refine"]) if "refine" in raw else None
                engine = {"refine": refinement is not None, **raw.get("engine", {})}
                for seed in seeds or table.get("seeds", grid["budget"]["seeds"]):
                    row_recipe = replace(recipe, method=method)
                    yield Row(table["name"], raw["name"], dataset, seed, row_recipe, engine, refinement)


def run_row(row: Row, data: TrainingData, work: Path, device: str, progress: Progress) -> dict[str, Any]:
    """Train (or go on, or take what is trained), write the model file, judge it through the whole pipeline."""
    start = time.monotonic()
    folder = work / row.dataset / row.training
    settings = TrainingSettings(
        data=Path(),
        run=folder,
        seed=row.seed,
        device=device,
        resume=any(folder.rglob("checkpoint.pt")),
        validate_every=row.recipe.method.steps,
    )
    trained = train_on(row.recipe, data, settings, progress)
    assert trained is not None, "one process"
    trained_s = time.monotonic() - start
    model, info = _model_file(row, trained, data, folder, progress)
    engine = {"device": device, **row.engine}
    scores = measure(model, info, data, folder, engine, progress)
    return {
        "key": row.key,
        "table": row.table,
        "row": row.name,
        "dataset": row.dataset,
        "seed": row.seed,
        "steps": row.recipe.method.steps,
        "device": device,
        "parameters": sum(p.numel() for p in trained.network.parameters()),
        "miou": sum(s["mIoU"] for s in scores.values()) / len(scores),
        "iou": scores,
        "training_s": round(trained_s, 1),
        "row_s": round(time.monotonic() - start, 1),
    }


def _model_file(
    row: Row, trained: Trained, data: TrainingData, folder: Path, progress: Progress
) -> tuple[Path, ModelInfo]:
    networks: dict[str, Any] = {"segmentation": trained.network}
    settings, config, name = row.refinement, None, "model"
    if settings is not None:
        name = f"refined-{_hash(asdict(settings))}"
        crude = make_crude_samples(
            trained.early, trained.samples, settings.montages, settings.patch_px, forward, progress,
            keep=folder / "crude", looks=row.recipe.method.looks,
        )  # fmt: skip
        networks["refinement"] = train_refinement(crude, data.table, settings, folder / name, progress)
        config = asdict(networks["refinement"].config)
    info = model_info(row.recipe, trained, config)
    path = folder / f"{name}.safetensors"
    write_model(path, info, networks)
    return path, info


def read_results(path: Path) -> list[dict[str, Any]]:
    """The rows that are done."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def latest(rows: Sequence[Row], results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The last result of each row, and whether it is `current`: of the same settings as the row has now."""
    found = {(r["table"], r["row"], r["dataset"], r["seed"]): r for r in results}
    places = [(row, found.get((row.table, row.name, row.dataset, row.seed))) for row in rows]
    return [{**result, "current": result["key"] == row.key} for row, result in places if result]


def run_grid(rows: Sequence[Row], options: argparse.Namespace, results: Path, progress: Progress) -> None:
    """Run what is not done; each finished row is one line more."""
    lines = read_results(results)
    told = {(line["key"], line["table"], line["row"]) for line in lines}
    todo = [row for row in rows if (row.key, row.table, row.name) not in told]
    done = {line["key"]: line for line in lines}  # also those that stand in another table
    progress.say(f"{len(rows) - len(todo)} of {len(rows)} rows are done")
    for dataset in dict.fromkeys(row.dataset for row in todo):
        mine = [row for row in todo if row.dataset == dataset]
        with open_data(mine[0].recipe, options.data, options.work / dataset / "labels", progress) as data:
            for row in mine:
                progress.say(f"{row.dataset}, {row.table}: {row.name}, seed {row.seed}")
                result = done.get(row.key) or run_row(row, data, options.work, options.device, progress)
                done[row.key] = result
                with results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({**result, "table": row.table, "row": row.name}) + "\n")
                progress.say(f"  mIoU {result['miou']:.4f}, {result['row_s']:.0f} s")


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the folder of the recipes' images")
    parser.add_argument("--work", type=Path, default=Path("runs/ablation"), help="for checkpoints and model files")
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "docs", help="where ablation.md goes")
    parser.add_argument("--grid", type=Path, default=HERE / "grid.toml")
    parser.add_argument("--tables", nargs="*", default=[], help="only those whose name begins so")
    parser.add_argument("--names", nargs="*", default=[], help="only rows whose name begins so")
    parser.add_argument("--datasets", nargs="*", default=[], help="only these")
    parser.add_argument("--seeds", nargs="*", type=int, help="other than the grid's")
    parser.add_argument("--steps", type=int, help="other than the grid's, for a trial")
    parser.add_argument("--rows", type=int, help="stop after so many rows")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--report", action="store_true", help="write the tables from what is done, run nothing")
    options = parser.parse_args()
    grid = tomllib.loads(options.grid.read_text("utf-8"))
    rows = list(rows_of(grid, options.steps, options.seeds or (), options.tables))
    rows = [row for row in rows if not options.datasets or row.dataset in options.datasets]
    rows = [row for row in rows if not options.names or row.name.startswith(tuple(options.names))][: options.rows]
    results = options.out / "ablation" / "results.jsonl"
    results.parent.mkdir(parents=True, exist_ok=True)
    use_threads(options.threads)
    if not options.report:
        run_grid(rows, options, results, Say())
    found = latest(rows, read_results(results))
    command = shlex.join(
        ["python", "benchmarks/ablation/run.py", *(word for word in sys.argv[1:] if word != "--report")]
    )
    write_report(options.out / "ablation.md", grid, found, command)


if __name__ == "__main__":
    main()
