"""A fixed part of `tests/hostile.py`: damaged headers, labels, models and settings end in words and in bounds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hostile import TARGETS, try_all
from hypothesis import given, settings
from hypothesis import strategies as st
from model_factory import make_model

from fctl_geo import Settings
from fctl_geo.errors import FctlError, ModelFileError
from fctl_geo.model.modelfile import load_networks, read_model_info

CASES = 25


def test_damaged_files_crash_nothing_and_are_refused_in_words() -> None:
    for tally in try_all(list(TARGETS), seed=0, go_on=lambda rounds: rounds < CASES):
        assert tally.troubles == []
        assert sum(tally.ends.values()) == CASES and tally.ends["refused"] > 0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(Path("x")),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=4).map(tuple),
    max_leaves=6,
)
NAMES = (
    "model", "bands", "gsd_m", "aoi", "bbox", "grid", "device", "precision", "merge", "tta", "refine", "threads",
    "batch_size", "max_memory_bytes", "min_area_m2", "simplify_m", "classes", "outs", "overwrite", "x",
)  # fmt: skip


@given(values=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
@settings(max_examples=150, deadline=None)
def test_settings_of_any_values_are_taken_or_refused_in_words(values: dict[str, object]) -> None:
    try:
        Settings.of(values)
    except FctlError as error:
        assert error.message


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_model(tmp_path_factory.mktemp("model") / "tiny.safetensors").read_bytes()


@pytest.mark.parametrize(
    "lie",
    [
        {"patch_px": 10**9}, {"patch_px": "128"}, {"overlap_px": 128}, {"contexts": [1, 10**6]}, {"name": {}},
        {"network": {"widths": [10**6] * 4}}, {"network": {"repeats": [10**9] * 7}},
        {"architecture": "os.system"}, {"licence": None}, {"metrics": {"a": {"b": "c"}}}, {"format": "2"},
        {"refinement": 7},
    ],
)  # fmt: skip
def test_a_model_header_that_lies_is_refused_before_it_costs_anything(
    tmp_path: Path, whole: bytes, lie: dict[str, object]
) -> None:
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    said = json.loads(header["__metadata__"]["fctl"])
    network = {**said["network"], **lie.get("network", {})} if "network" in lie else said["network"]  # type: ignore[dict-item]
    header["__metadata__"]["fctl"] = json.dumps({**said, **lie, "network": network})
    text = json.dumps(header).encode()
    path = tmp_path / "lie.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + length :])
    with pytest.raises(ModelFileError):
        load_networks(path, read_model_info(path))


@pytest.mark.parametrize("name", ["model.pth", "model.safetensors"])
def test_no_code_is_run_from_a_pickle_that_calls_itself_a_model(tmp_path: Path, name: str) -> None:
    code = (
        "import os, pickle, sys, torch\n"
        "class Evil:\n"
        "    def __reduce__(self): return (open, (sys.argv[2], 'w'))\n"
        "torch.save({'weights': Evil()}, sys.argv[1])"
    )
    evil, touched = tmp_path / name, tmp_path / "touched"
    subprocess.run([sys.executable, "-c", code, str(evil), str(touched)], check=True)
    with pytest.raises(ModelFileError):
        read_model_info(evil)
    assert not touched.exists()
