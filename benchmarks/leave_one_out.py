"""Cross-validates a recipe by place: each of its places is left out of training once and then evaluated.

    python benchmarks/leave_one_out.py buildings --data ../shared/data --work runs/leave-one-out
    python benchmarks/leave_one_out.py buildings --data ../shared/data --work runs/leave-one-out --contexts 1

Choices about a recipe (contexts, zoom, looks, sources) are based on this table, never on its validation places. A
training that was stopped is resumed. Results are appended to WORK/results.jsonl, and the table is printed after each.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from fctl_geo.progress import Silent
from fctl_geo.training.data import TrainingData, ValidationSet, open_data
from fctl_geo.training.loop import TrainingSettings, train_on
from fctl_geo.training.machine import use_threads
from fctl_geo.training.recipe import Recipe, find_recipe, read_recipe
from fctl_geo.training.validate import validate


class Say(Silent):
    """Progress as lines with a timestamp."""

    def say(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    warn = say


def shortened(recipe: Recipe, steps: int, contexts: Sequence[int] | None) -> Recipe:
    """The recipe with fewer steps, and with other contexts if given."""
    network = dict(recipe.method.network)
    if contexts:
        network["contexts"] = tuple(contexts)
    return replace(recipe, validation=(), method=replace(recipe.method, steps=steps, epochs=0, network=network))


def run_one(recipe: Recipe, data: TrainingData, left_out: str, work: Path, seed: int) -> dict[str, Any]:
    """Train without one place ('': with all) and evaluate the places at the model's GSD; IoU per class."""
    kept = [group for source, group in zip(recipe.sources, data.groups, strict=True) if source.name != left_out]
    places = [
        ValidationSet(source.name, group[1])
        for source, group in zip(recipe.sources, data.groups, strict=True)
        if source.kind != "synthetic"
    ]
    contexts = "-".join(map(str, recipe.method.network.get("contexts", ("default",))))
    folder = work / f"{recipe.name}-{left_out or 'all'}-{contexts}-{recipe.method.steps}-{seed}".replace(" ", "-")
    settings = TrainingSettings(
        data=Path(), run=folder, seed=seed, resume=any(folder.rglob("checkpoint.pt")),
        validate_every=recipe.method.steps,
    )  # fmt: skip
    start = time.monotonic()
    trained = train_on(recipe, replace(data, groups=tuple(kept), validation=()), settings, Say())
    assert trained is not None, "one process"
    evaluated = replace(data, validation=tuple(p for p in places if p.name == left_out or not left_out))
    scores = validate(trained.network, evaluated, recipe.gsd_m, recipe.method.sample_px, torch.device("cpu"))
    return {
        "recipe": recipe.name, "left_out": left_out, "steps": recipe.method.steps, "contexts": contexts, "seed": seed,
        "seconds": round(time.monotonic() - start), "iou": scores,
    }  # fmt: skip


def table(rows: Sequence[dict[str, Any]], name: str) -> str:
    """IoU of a class per place: trained with all places and without this one."""
    with_all = {place: s for r in rows if not r["left_out"] for place, s in r["iou"].items()}
    lines = ["| place | trained with all | without it |", "|---|---:|---:|"]
    for row in rows:
        for place, scores in row["iou"].items() if row["left_out"] else ():
            before = with_all.get(place, {}).get(name)
            lines.append(f"| {place} | {'' if before is None else f'{before:.3f}'} | {scores[name]:.3f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--contexts", type=int, nargs="+")
    parser.add_argument("--places", nargs="+", help="places to leave out ('': none; default: each in turn)")
    parser.add_argument("--class", dest="class_name", default="building")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    use_threads(args.threads)
    recipe = shortened(read_recipe(find_recipe(args.recipe)), args.steps, args.contexts)
    names = ["", *(s.name for s in recipe.sources if s.kind != "synthetic")]
    results = args.work / "results.jsonl"
    rows = []
    with open_data(recipe, args.data, args.work / "labels", Say()) as data:
        for name in args.places if args.places is not None else names:
            rows.append(run_one(recipe, data, name, args.work, args.seed))
            with results.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
            print(table(rows, args.class_name), flush=True)


if __name__ == "__main__":
    main()
