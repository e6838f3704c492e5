"""A description of the hardware that the networks run on."""

from __future__ import annotations

from dataclasses import dataclass

from fctl_geo.settings import Backend


@dataclass(frozen=True, slots=True)
class Hardware:
    """The hardware that the networks run on, as far as plans, memory estimates and product metadata need it."""

    kind: str
    """'cpu' or 'cuda'."""
    precision: str
    """'fp32' or 'bf16'."""
    name: str
    """Human-readable."""
    threads: int = 1
    """Patches that a process computes at once on its CPU cores."""
    processes: int = 1
    """Processes that share the work, on this machine or several."""
    backend: Backend = "torch"
    """'torch' or 'onnx'."""
    arithmetic: str = ""
    """What else the last bits of the results depend on: the backend's version and the CPU's instruction set or the
    GPU."""

    @property
    def patches_at_once(self) -> int:
        return self.processes * (self.threads if self.kind == "cpu" else 1)
