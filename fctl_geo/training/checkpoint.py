"""The weights of a training in progress: its last checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from fctl_geo.errors import TrainingError

LAST = "checkpoint.pt"


def save_checkpoint(folder: Path, step: int, **parts: Any) -> None:
    """Write a checkpoint atomically: objects with a state_dict, or plain values."""
    state = {k: v.state_dict() if hasattr(v, "state_dict") else v for k, v in parts.items()}
    save(folder / LAST, {"step": step, **state})


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
    if not (folder / LAST).exists():
        return 0, {}
    state = load(folder / LAST)
    try:
        for name, part in parts.items():
            part.load_state_dict(state.pop(name))
    except (KeyError, RuntimeError, ValueError):
        raise TrainingError(
            f"{folder / LAST} does not fit this network: a different version of fctl-geo wrote it",
            hint="continue with that version, or start over with --overwrite",
        ) from None
    return int(state.pop("step")), state


def state_of(network: nn.Module) -> dict[str, Any]:
    """A network's weights on the CPU."""
    return {k: v.detach().to("cpu") for k, v in network.state_dict().items()}
