"""What tests of networks at work on scenes share."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from fctl_geo.stitch import sweep

GOLDENS = Path(__file__).parents[1] / "goldens"


@pytest.fixture(scope="session")
def golden_formula() -> ModuleType:
    """`value(net, key, shape)` and `base_scene()`: the parameters and the picture behind the golden numbers."""
    spec = spec_from_file_location("fctl_params", GOLDENS / "fctl_params.py")
    assert spec is not None and spec.loader is not None
    formula = module_from_spec(spec)
    spec.loader.exec_module(formula)
    return formula


@pytest.fixture(scope="session")
def golden_scene(golden_formula: ModuleType) -> np.ndarray:
    """The (1270, 1270, 3) picture that the golden scenes are cut from."""
    scene: np.ndarray = golden_formula.base_scene()
    return scene


@pytest.fixture
def summed_logits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[np.ndarray]]:
    """Copies of the logits that the stitching summed, (K, rows, cols) of each band, as they are resolved to classes."""
    seen: list[np.ndarray] = []
    real = sweep.resolve

    def listening(sums: np.ndarray, *rest: Any) -> Any:
        seen.append(sums.copy())
        return real(sums, *rest)

    monkeypatch.setattr(sweep, "resolve", listening)
    yield seen
