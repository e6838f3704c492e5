"""The plugin's sources and zip, examined without QGIS: old Pythons, Qt 5 and 6, forbidden modules, translations."""

from __future__ import annotations

import ast
import configparser
import importlib
import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "qgis_plugin"
TOOLS = {"build_zip.py", "collect.py"}
"""Run by developers, in the engine's Python; not in the zip."""
FILES = sorted(path for path in PLUGIN.rglob("*.py") if path.name not in TOOLS)


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(PLUGIN)) for path in paths]


def chain_of(node: ast.AST) -> list[str]:
    """'QProcess.ProcessState.NotRunning' as its parts; empty where it does not begin with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return [node.id, *parts] if isinstance(node, ast.Name) else []


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_python_3_9_understands_it(path: Path) -> None:
    text = path.read_text("utf-8")
    ast.parse(text, feature_version=(3, 9))
    assert "slots=True" not in text and "zip(strict" not in text and "from typing import Self" not in text


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_only_what_qgis_brings_is_imported(path: Path) -> None:
    allowed = {*sys.stdlib_module_names, "qgis", "osgeo", "processing"} - {"subprocess", "pickle", "marshal", "ctypes"}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            roots = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            roots = {str(node.module).split(".")[0]}
        else:
            continue
        assert roots <= allowed, f"{path.name} imports {roots - allowed}"


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_enums_are_fully_qualified_for_qt_6(path: Path) -> None:
    """PyQt6 knows no Qt.LeftButton: it wants Qt.MouseButton.LeftButton."""
    tree = ast.parse(path.read_text("utf-8"))
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        chain = chain_of(node)
        if len(chain) != 2 or id(node) in called or id(node) in inner or not chain[0].startswith(("Q", "Qgs")):
            continue
        constant = chain[1].isupper() or not chain[1][0].isupper()
        assert constant, f"{path.name}:{node.lineno}: {'.'.join(chain)} is not qualified"


GONE = (
    "exec_", "qApp", "QRegExp", "QVariant", "QDesktopWidget", "desktop", "toAscii", "resources_rc", "MidButton",
    "TextColorRole", "BackgroundColorRole", "HighQualityAntialiasing",
)  # fmt: skip
"""Names that QGIS's migration script (scripts/pyqt5_to_pyqt6) renames, removes or warns of."""


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_qgiss_migration_script_would_change_nothing(path: Path) -> None:
    """Its other rule, scoped enums, has a test of its own above."""
    tree = ast.parse(path.read_text("utf-8"))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert not (used | imports) & set(GONE)
    assert not [module for module in modules if module.startswith(("PyQt", "PySide")) or module == "qgis.PyQt.Qt"]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        assert name not in ("eval", "exec", "compile", "__import__") or isinstance(call.func, ast.Attribute)
        assert not (name == "addAction" and len(call.args) >= 4) and not (name == "QDateTime" and len(call.args) == 8)
        assert "shell" not in {word.arg for word in call.keywords}


@pytest.mark.parametrize("path", FILES, ids=names(FILES))
def test_pyqt6_has_every_qt_name_and_enum(path: Path) -> None:
    """The real PyQt6: each import from qgis.PyQt, and each chain like Qt.ItemDataRole.UserRole."""
    pytest.importorskip(
        "PyQt6.QtWidgets", reason="PyQt6, or what it needs of the system, is not here", exc_type=ImportError
    )
    tree, known = ast.parse(path.read_text("utf-8")), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qgis.PyQt."):
            module = importlib.import_module((node.module or "").replace("qgis.PyQt", "PyQt6"))
            known |= {alias.asname or alias.name: getattr(module, alias.name) for alias in node.names}
    for node in ast.walk(tree):
        chain = chain_of(node)
        if len(chain) > 1 and chain[0] in known:
            found = known[chain[0]]
            for part in chain[1:]:
                found = getattr(found, part)


def test_every_text_is_translated() -> None:
    spec = importlib.util.spec_from_file_location("collect", PLUGIN / "i18n" / "collect.py")
    assert spec is not None and spec.loader is not None
    collect = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(collect)
    german = collect.translations(PLUGIN / "i18n" / "fctl_geo_de.ts")
    assert set(german) == set(collect.all_texts()), "run python qgis_plugin/i18n/collect.py"
    assert not [text for text, words in german.items() if not words]
    for text, words in german.items():
        assert text.count("{") == words.count("{") and text.count("<") == words.count("<"), text
    newer = (PLUGIN / "i18n" / "fctl_geo_de.qm").read_bytes()
    assert all(words.encode("utf-16-be") in newer for words in german.values()), "compile the .ts with lrelease"


def test_the_plugin_repositorys_scans_find_nothing(tmp_path: Path) -> None:
    """QGIS's repository refuses what Bandit or detect-secrets find."""
    pytest.importorskip("bandit", reason="bandit is not installed here (extra dev)")
    copy = tmp_path / "plugin"
    shutil.copytree(PLUGIN, copy, ignore=shutil.ignore_patterns(*TOOLS, "__pycache__"))
    bandit = [sys.executable, "-m", "bandit", "-q", "-r", str(copy)]
    said = subprocess.run(bandit, check=False, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout
    secrets = [sys.executable, "-m", "detect_secrets", "scan", "--all-files", str(copy)]
    found = json.loads(subprocess.run(secrets, check=True, capture_output=True, text=True).stdout)
    assert found["results"] == {}


def test_the_zip_is_what_qgis_takes(plugin_zip: Path) -> None:
    with zipfile.ZipFile(plugin_zip) as archive:
        listed = set(archive.namelist())
        metadata = configparser.ConfigParser()
        metadata.read_string(archive.read("fctl_geo_qgis/metadata.txt").decode())
    general = metadata["general"]
    assert plugin_zip.name == f"fctl_geo-{general['version']}.zip"
    assert (general["qgisMinimumVersion"], general["qgisMaximumVersion"]) == ("3.22", "4.99")
    assert general["supportsQt6"] == "True" and general["hasProcessingProvider"] == "yes"
    assert "panel" in general["changelog"] and "fctl-vgg16" not in general["changelog"], "what concerns QGIS alone"
    for name in ("__init__.py", "LICENSE", "CHANGELOG.md", general["icon"], "i18n/fctl_geo_de.qm", "help/qgis.html"):
        assert f"fctl_geo_qgis/{name}" in listed
    assert f"fctl_geo_qgis/wheels/fctl_geo-{general['version']}-py3-none-any.whl" in listed
    assert not [name for name in listed if "__pycache__" in name or Path(name).name in TOOLS]
    assert plugin_zip.stat().st_size < 20_000_000, "QGIS's plugin repository takes 25 MB"


REQUIRED = {
    "name", "description", "about", "version", "qgisMinimumVersion", "author", "email", "homepage", "repository",
    "tracker", "license",
}  # fmt: skip
"""Entries of metadata.txt that plugins.qgis.org asks for."""


def test_metadata_has_every_entry_that_the_repository_asks_for(plugin_zip: Path) -> None:
    with zipfile.ZipFile(plugin_zip) as archive:
        folders = {name.split("/")[0] for name in archive.namelist()}
        metadata = configparser.ConfigParser()
        metadata.read_string(archive.read("fctl_geo_qgis/metadata.txt").decode())
    assert folders == {"fctl_geo_qgis"} and set(metadata["general"]) >= {name.lower() for name in REQUIRED}
    assert "plugin" not in metadata["general"]["name"].lower()
    assert "@" in metadata["general"]["email"] and len(metadata["general"]["about"]) > 50


def test_a_release_insists_on_real_addresses(tmp_path: Path) -> None:
    from build_zip import SITES, release_values

    with pytest.raises(SystemExit, match="email, homepage, repository, tracker"):
        release_values(strict=True)
    filled = tmp_path / "release.cfg"
    lines = ["[release]", "author = A", "email = a@b.org", *(f"{name} = https://b.org/{name}" for name in SITES)]
    filled.write_text("\n".join(lines), "utf-8")
    assert release_values(filled, strict=True)["tracker"] == "https://b.org/tracker"
    filled.write_text("\n".join(lines).replace("https://b.org/tracker", "http://b.org/tracker"), "utf-8")
    with pytest.raises(SystemExit, match="no real value for tracker"):
        release_values(filled, strict=True)


def test_the_zip_needs_neither_torch_nor_other_packages_of_the_engine(tmp_path: Path) -> None:
    """`make plugin` has an environment with markdown-it-py alone."""
    tree = ast.parse((PLUGIN / "build_zip.py").read_text("utf-8"))
    roots = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    roots |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {root.split(".")[0] for root in roots} - sys.stdlib_module_names == {"markdown_it"}
    recipe = (ROOT / "Makefile").read_text("utf-8").split("\nplugin:")[1].split("\n\n")[:2]
    assert "markdown-it-py" in recipe[1] and not [part for part in recipe if "$(STAMP)" in part or "torch" in part]


def test_every_algorithm_has_its_picture(plugin_zip: Path) -> None:
    with zipfile.ZipFile(plugin_zip) as archive:
        listed = set(archive.namelist())
    for path in (PLUGIN / "algorithms").glob("*.py"):
        if path.stem not in ("__init__", "arguments", "base", "parameters"):
            assert f"fctl_geo_qgis/help/{path.stem}.jpg" in listed
