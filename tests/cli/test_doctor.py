"""The doctor says one line a part, mends what is broken, and fails only when a run would."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import Result
from fctl_geo_cli import doctor
from fctl_geo_cli.console import Console

from fctl_geo.errors import DeviceError
from fctl_geo.model.shipped import list_models


def test_all_is_well_where_the_models_are(fctl: Callable[..., Result]) -> None:
    if not list_models():
        pytest.skip("no model is shipped in this tree")
    said = fctl("doctor", "--json")
    findings = {finding["what"]: finding for finding in json.loads(said.stdout)}
    assert said.exit_code == 0, said.stdout
    assert findings["PROJ in rasterio"]["state"] == findings["PROJ in pyproj"]["state"] == "ok"
    assert "raster and polygons" in findings["self test"]["words"]


@pytest.mark.parametrize("error", [DeviceError("the GPU is gone", hint="plug it in"), RuntimeError("libcuda broke")])
def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def graphics() -> Iterator[doctor.Finding]:
        raise error
        yield

    for name in ("versions", "models", "self_test"):
        monkeypatch.setattr(doctor, name, lambda: iter(()))
    monkeypatch.setattr(doctor, "graphics", graphics)
    findings = list(doctor.examine(Console()))
    broken = [finding for finding in findings if finding.state == "FAIL"]
    assert [finding.what for finding in broken] == ["graphics"]
    assert str(error) in broken[0].words and broken[0].mend
    assert any(finding.what == "PROJ in pyproj" for finding in findings)


def test_an_environment_that_was_cleared_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("versions", "graphics", "memory", "projections", "disk", "kernels", "models", "self_test"):
        monkeypatch.setattr(doctor, name, lambda: iter(()))
    (finding,) = doctor.examine(Console(cleared=("PROJ_LIB=/usr/share/proj belongs to another installation",)))
    assert finding.state == "warn" and "PROJ_LIB" in finding.words


def test_a_quick_examination_has_all_but_the_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = ["versions", "graphics", "memory", "projections", "disk", "kernels", "models"]
    for name in parts:
        monkeypatch.setattr(doctor, name, lambda name=name: iter([doctor.Finding(name, "ok", "")]))
    monkeypatch.setattr(doctor, "self_test", lambda: pytest.fail("the self test ran"))
    found = [finding.what for finding in doctor.examine(Console(), quick=True)]
    assert found == parts
