"""The folder of a training run: what it was started with, and its last checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fctl_geo.errors import TrainingError
from fctl_geo.storage.whole_files import write_text_whole

_RECORD = "run.json"
_LAST = "checkpoint.pt"


def begin_run(run: Path, facts: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
    """Create the folder of a training run, or check that the run can be resumed.

    Args:
        facts: everything the weights depend on; a run is resumed only if none of it has changed.
    Raises:
        TrainingError: the folder holds another training run.
    """
    record = run / _RECORD
    words = json.dumps(facts, sort_keys=True, default=str)
    if record.exists() and not resume and not overwrite and any(run.rglob(_LAST)):
        raise TrainingError(
            f"{run} already holds a training run", hint="--resume continues it, --overwrite starts over"
        )
    if resume and record.exists():
        _refuse_changes(run, json.loads(record.read_text("utf-8")), json.loads(words))
        return
    run.mkdir(parents=True, exist_ok=True)
    for old in [*run.rglob("*.pt"), *run.rglob("log.csv"), *run.rglob("crude-*.npz")]:
        old.unlink()
    write_text_whole(record, words)


def _refuse_changes(run: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    changed = sorted(k for k in {*before, *now} if before.get(k) != now.get(k))
    if changed:
        raise TrainingError(
            f"the training run in {run} was started with a different {', '.join(changed)}",
            hint="use the same settings to resume it, or --overwrite to start over",
        )


def save_checkpoint(folder: Path, step: int, **parts: Any) -> None:
    """Write a checkpoint atomically: objects with a state_dict, or plain values."""
    state = {k: v.state_dict() if hasattr(v, "state_dict") else v for k, v in parts.items()}
    save(folder / _LAST, {"step": step, **state})


def save(path: Path, state: Any) -> None:
    """Write tensors atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.partial")
    torch.save(state, aside)
    aside.replace(path)


def load(path: Path) -> Any:
    """Read what `save` wrote; only tensors and plain values are read, never code."""
    return torch.load(path, weights_only=True, map_location="cpu")


def load_checkpoint(folder: Path, **parts: Any) -> tuple[int, dict[str, Any]]:
    """Restore objects from the last checkpoint; returns the steps done (0: no checkpoint) and the plain values.

    Raises:
        TrainingError: the checkpoint belongs to a different network, such as that of an earlier version.
    """
    if not (folder / _LAST).exists():
        return 0, {}
    state = load(folder / _LAST)
    try:
        for name, part in parts.items():
            part.load_state_dict(state.pop(name))
    except (KeyError, RuntimeError, ValueError):
        raise TrainingError(
            f"{folder / _LAST} does not fit this network: a different version of fctl-geo wrote it",
            hint="continue with that version, or start over with --overwrite",
        ) from None
    return int(state.pop("step")), state


def state_of(network: nn.Module) -> dict[str, Any]:
    """A network's weights on the CPU."""
    return {k: v.detach().to("cpu") for k, v in network.state_dict().items()}
