"""'Set Up Engine' for real: venv, pip and the engine's own wheel; only the weight of third parties is borrowed."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
import zipfile
from importlib.metadata import version as installed_version
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from map_servers import serve
from real_qgis import ROOT, Qgis

pytestmark = pytest.mark.qgis

BASE = os.path.realpath(sys.executable)
TESTED_TORCH = re.findall(r'^TESTED_TORCH = "(.+)"$', (ROOT / "qgis_plugin" / "install.py").read_text("utf-8"), re.M)[0]


def stand_in(folder: Path, name: str, files: dict[str, str], version: str = "") -> None:
    """A wheel with nothing inside but `files`; of the version that is installed here, if none is given."""
    found, plain = version or installed_version(name), name.replace("-", "_")
    info = f"{plain}-{found}.dist-info"
    inside = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {found}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    inside[f"{info}/RECORD"] = "".join(f"{each},,\n" for each in [*inside, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{plain}-{found}-py3-none-any.whl", "w") as wheel:
        for each, text in inside.items():
            wheel.writestr(each, text)


@pytest.fixture(scope="module")
def wheels(qgis: Qgis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for an offline set-up: all that the engine's wheel asks for; torch's leads to this interpreter's."""
    folder = tmp_path_factory.mktemp("offline") / "whéels"
    folder.mkdir()
    (wheel,) = (qgis.plugin / "wheels").glob("fctl_geo-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    wanted = [line for line in lines if line.startswith("Requires-Dist:") and "extra ==" not in line]
    for line in wanted:
        name = re.split(r"[\s<>=!;\[]", line.split(": ", 1)[1])[0]
        stand_in(folder, name, {"borrowed.pth": sysconfig.get_path("purelib") + "\n"} if name == "torch" else {})
    return folder


def test_an_offline_set_up_makes_an_engine_that_segments(
    qgis: Qgis, wheels: Path, scene: Path, model: Path, tmp_path: Path
) -> None:
    bare = qgis.without_engine()
    told = bare.script(
        """
from fctl_geo_qgis import install
from fctl_geo_qgis.engine import engines_folder, find_engine
feedback, lines, percents = QgsFeedback(), [], []
feedback.progressChanged.connect(percents.append)
made = install.set_up(install.Plan(base, False, wheels), feedback, lines.append)
found = find_engine()
given = {"INPUT": scene, "MODEL": model_file, "DEVICE": "cpu", "THREADS": 1, "OUTPUT": out}
processing.run("fctl:segmentraster", given)
answer = {"lines": lines, "percents": percents, "same": made.python == found.python, "python": found.python,
          "log": (engines_folder().parent / "engine-setup.log").read_text("utf-8")}
""",
        tmp=tmp_path, base=BASE, wheels=wheels, scene=scene, model_file=model, out=tmp_path / "out.tif",
    )  # fmt: skip
    assert told["same"] and told["python"].startswith(str(bare.profile))
    assert (tmp_path / "out.tif").exists()
    assert told["percents"] == sorted(told["percents"]) and told["percents"][-1] == 100
    assert any("Installing from the wheels folder" in line for line in told["lines"])
    assert any("A test run compiles" in line for line in told["lines"])
    assert any(line.startswith("ok: self test") for line in told["log"].splitlines()), "kernels are compiled now"
    assert any(line.startswith("ok: fctl-geo") for line in told["log"].splitlines())
    again = bare.process("run", "fctl:polygoniseclasses", f"--INPUT={tmp_path / 'out.tif'}",
                                          f"--OUTPUT={tmp_path / 'out.fgb'}")  # fmt: skip
    assert again.code == 0 and (tmp_path / "out.fgb").exists(), "another QGIS process finds it, too"


def test_torch_comes_from_the_index_of_the_chosen_device(qgis: Qgis, tmp_path: Path) -> None:
    """pip's own words for it, against an index on this machine that has torch for CPUs, for CUDA, and plain."""
    version = TESTED_TORCH.removeprefix("torch==")
    folders = {name: tmp_path / "index" / name / "torch" for name in ("cpu", "cu128", "simple")}
    for name, folder in folders.items():
        folder.mkdir(parents=True)
        stand_in(folder, "torch", {}, version=version + ("" if name == "simple" else f"+{name}"))

    def answer(path: str) -> tuple[str, bytes] | int:
        place = tmp_path / "index" / unquote(path).strip("/")
        if place.is_dir():
            links = "".join(f'<a href="{quote(each.name)}">{each.name}</a>' for each in place.iterdir())
            return "text/html", links.encode()
        return ("application/zip", place.read_bytes()) if place.is_file() else 404

    with serve(answer) as (address, asked):
        told = qgis.script(
            """
from pathlib import Path
from fctl_geo_qgis import install
install.TORCH_INDEX, install.bundled_wheel = address + "/", lambda: None
for name in [name for name in os.environ if name.startswith("PIP_")]: del os.environ[name]
os.environ |= {"PIP_INDEX_URL": address + "/simple/", "PIP_CONFIG_FILE": os.devnull}
answer = {}
for cuda in (False, True):
    plan, folder, lines = install.Plan(base, cuda), Path(tmp) / f"engine {cuda}", []
    for words, program, arguments, _ in plan.steps(folder)[:2]:
        install._run_step(plan, program, arguments, QgsFeedback(), lines.append, (0, 100))
    answer[str(cuda)] = lines
answer["advice"] = [install.device_advice(True, ""), install.device_advice(True, "/wheels")]
""",
            tmp=tmp_path, base=BASE, address=address, environment={"PATH": "/usr/bin:/bin"},
        )  # fmt: skip
    assert f"Successfully installed torch-{version}+cpu" in told["False"]
    assert f"Successfully installed torch-{version}+cu128" in told["True"]
    assert {path.split("/")[1] for path in asked} == {"cpu", "cu128"}
    assert "The wheels folder takes precedence" in told["advice"][1]
    if not Path("/usr/bin/nvidia-smi").exists():
        assert "No NVIDIA driver was found" in told["advice"][0] and "or choose CPU" in told["advice"][0]


def test_a_set_up_that_is_stopped_or_fails_leaves_the_engine_that_works(
    qgis: Qgis, wheels: Path, tmp_path: Path
) -> None:
    """Stopped while it is built, without what it needs, and built but broken: torch's wheel leads nowhere."""
    broken = tmp_path / "broken"
    shutil.copytree(wheels, broken)
    stand_in(broken, "torch", {})
    told = qgis.without_engine().script(
        """
import os, time
from pathlib import Path
from fctl_geo_qgis import install
from fctl_geo_qgis.engine import engines_folder, find_engine, query
from fctl_geo_qgis.errors import PluginError
def attempt(folder, stop_at=200):
    feedback = QgsFeedback()
    feedback.progressChanged.connect(lambda percent: feedback.cancel() if percent > stop_at else None)
    try:
        install.set_up(install.Plan(base, False, str(folder)), feedback, lambda line: None, warm=False)
        return ""
    except PluginError as error:
        return str(error)
answer = {"nothing": attempt(Path(tmp) / "nowhere"), "left": [each.name for each in engines_folder().iterdir()]}
assert not attempt(wheels)
first = find_engine()
answer |= {"stopped": attempt(wheels, stop_at=5), "failed": attempt(tmp), "broken": attempt(broken)}
answer["same"] = find_engine() == first
answer["models"] = [model["name"] for model in query(first, ["models"])]
answer["folders"] = len(list(engines_folder().glob("e-*")))
killed, at_work = engines_folder() / "e-killed", engines_folder() / "e-at-work"
killed.mkdir(), at_work.mkdir()
os.utime(killed, (time.time() - 2 * install.ABANDONED_S,) * 2)
assert not attempt(wheels)
second = find_engine()
answer["after"] = sorted(each.name for each in engines_folder().iterdir())
answer["wanted"] = sorted(["engine.json", "e-at-work", Path(second.python).parents[1].name])
answer["new"] = second != first and bool(query(second, ["models"]))
""",
        tmp=tmp_path, base=BASE, wheels=wheels, broken=broken,
    )  # fmt: skip
    assert "Packages are missing" in told["nothing"] and told["left"] == []
    assert "not set up" in told["stopped"]
    assert "Packages are missing" in told["failed"] and "pip download" in told["failed"]
    assert "-c constraints.txt fctl_geo-" in told["failed"], "a folder of the tested versions"
    torch, others = told["failed"].rsplit(": ", 1)[-1].split(" && ")
    assert "--index-url https://download.pytorch.org/whl/cpu" in torch and TESTED_TORCH in torch
    assert "--find-links FOLDER" in others and "index-url" not in others, "CUDA must not come by silence"
    assert told["broken"] and "Packages are missing" not in told["broken"]
    assert told["same"] and "buildings" in told["models"] and told["folders"] == 1
    assert told["new"] and told["after"] == told["wanted"]


def test_the_versions_are_those_that_were_tested(qgis: Qgis, tmp_path: Path) -> None:
    told = qgis.script(
        """
from pathlib import Path
from fctl_geo_qgis import install
steps = {name: install.Plan(base, name == "cuda", wheels).steps(Path(tmp))
         for name, wheels in (("cpu", ""), ("cuda", ""), ("offline", tmp))}
answer = {name: [arguments for _, _, arguments, _ in each] for name, each in steps.items()}
answer["constraints"] = install.CONSTRAINTS.read_text("utf-8")
""",
        tmp=tmp_path, base=BASE,
    )  # fmt: skip
    tested = (ROOT / "constraints-cpu.txt").read_text("utf-8").splitlines()
    (torch,) = (line for line in tested if line.startswith("torch=="))
    pinned = [line for line in tested if not line.startswith(("#", "torch=="))]
    assert told["constraints"].splitlines() == pinned
    assert torch in told["cpu"][1] and torch not in told["cuda"][1]
    for name in ("cpu", "cuda", "offline"):
        last = told[name][-1]
        assert last[last.index("-c") + 1].endswith("wheels/constraints.txt")


def test_a_network_that_fails_is_tried_again_and_the_proxy_is_qgiss(qgis: Qgis, tmp_path: Path) -> None:
    flaky = tmp_path / "flaky.py"
    flaky.write_text(
        "import os, pathlib, sys\n"
        f"tries = pathlib.Path({str(tmp_path / 'tries')!r})\n"
        "count = int(tries.read_text()) + 1 if tries.exists() else 1\n"
        "tries.write_text(str(count))\n"
        "print('proxy', os.environ['HTTPS_PROXY'], os.environ['NO_PROXY'])\n"
        "count < 3 and sys.exit('ERROR: Connection reset by peer')\n"
    )
    told = qgis.script(
        """
from fctl_geo_qgis import install
settings = QgsSettings()
for key, value in (("Enabled", True), ("Type", "HttpProxy"), ("Host", "proxy.example"), ("Port", "3128"),
                   ("User", "me"), ("Password", "a:b@c")):
    settings.setValue("proxy/proxy" + key, value)
settings.setValue("proxy/noProxyUrls", ["http://intranet.example"])
QgsNetworkAccessManager.instance().setupDefaultProxyAndCache()
proxy, without = install.qgis_proxy()
lines = []
install._run_step(install.Plan(base, False, "", proxy, without), base, [flaky], QgsFeedback(), lines.append, (0, 100))
settings.remove("proxy")
answer = lines
""",
        tmp=tmp_path, base=BASE, flaky=flaky,
    )  # fmt: skip
    assert (tmp_path / "tries").read_text() == "3"
    assert "proxy http://me:a%3Ab%40c@proxy.example:3128 intranet.example" in told
    assert "Network error; trying again (3 of 3)" in told


def test_a_python_to_build_on_is_found_and_unfit_ones_are_told(qgis: Qgis, tmp_path: Path) -> None:
    told = qgis.script(
        """
from fctl_geo_qgis import install
from fctl_geo_qgis.errors import PluginError
answer = [install.find_base_python()]
try:
    install.find_base_python("/nowhere/python3")
except PluginError as error:
    answer.append(str(error))
""",
        tmp=tmp_path,
    )  # fmt: skip
    assert Path(told[0]).is_file()
    assert "/nowhere/python3" in told[1] and "python.org" in told[1]
