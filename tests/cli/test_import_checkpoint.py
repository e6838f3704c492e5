from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import released_reference as reference
import torch
from click.testing import Result

Fctl = Callable[..., Result]


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)


def arguments(folder: Path) -> list[object]:
    medium, large = folder / "B10.pth", folder / "B15.pth"
    return [folder / "all.pth", "--medium", medium, "--large", large, "--out", folder / "m.safetensors"]


def test_a_network_of_other_widths_is_told_by_the_first_tensor(fctl: Fctl, tmp_path: Path) -> None:
    for name in ("all", "B10", "B15"):
        reference.save(tmp_path / f"{name}.pth", reference.Released((4, 4, 8, 8, 8), 16, 2, branch=name != "all"))
    said = fctl("import-checkpoint", *arguments(tmp_path))
    assert said.exit_code == 1
    assert "vgg.features.0.weight is (4, 3, 3, 3), expected (64, 3, 3, 3)" in said.stderr
    assert "Hint: the files are all.epoch.pth" in said.stderr
    assert not (tmp_path / "m.safetensors").exists()


def test_code_in_a_checkpoint_is_refused_in_words_and_does_not_run(fctl: Fctl, tmp_path: Path) -> None:
    torch.save({"module.x": Bomb(tmp_path / "ran")}, tmp_path / "all.pth")
    said = fctl("import-checkpoint", *arguments(tmp_path))
    assert said.exit_code == 1 and "was not loaded" in said.stderr and "Hint: files that try to run code" in said.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("sizes", ["2", "2,0.5", "two,3", "2,3,4"])
def test_a_wrong_pair_of_context_sizes_is_wrong_usage(fctl: Fctl, tmp_path: Path, sizes: str) -> None:
    said = fctl("import-checkpoint", *arguments(tmp_path), "--contexts", sizes)
    assert said.exit_code == 2 and "is not a pair of sizes" in said.stderr
