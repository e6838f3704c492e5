"""What the networks run on, as far as plans, memory and metadata need to know it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the networks run on: as much of it as plans, memory and the products' metadata need."""

    kind: str
    """'cpu' or 'cuda'."""
    precision: str
    """'fp32' or 'bf16'."""
    name: str
    """For people."""
    threads: int = 1
    """Patches that a process computes at a time on its CPU cores."""
    processes: int = 1
    """Processes that share the work, on this machine or on many."""

    @property
    def patches_at_once(self) -> int:
        return self.processes * (self.threads if self.kind == "cpu" else 1)
