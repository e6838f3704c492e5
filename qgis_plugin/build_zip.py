"""Builds the zip file for 'Install from ZIP' in QGIS: `python qgis_plugin/build_zip.py [FOLDER]`, or `make plugin`.

It contains the engine's wheel and the versions that it was tested with, so that 'Set Up Engine' installs the matching
version. Equal sources give equal bytes. It needs markdown-it-py and pip, but not the engine's packages. Not part of the
plugin itself.
"""

from __future__ import annotations

import argparse
import configparser
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "qgis_plugin"
FOLDER = "fctl_geo_qgis"
"""The plugin's package name in QGIS; it differs from that of the engine, so that both can be imported."""
TIME = (2000, 1, 1, 0, 0, 0)
SITES = ("homepage", "repository", "tracker")
LEFT_OUT = {"build_zip.py", "collect.py", "README.md"}
TAKEN = {".py", ".svg", ".jpg", ".png", ".qm"}
COMPILED = ("__pycache__", "*.nbi", "*.nbc")
ENGINE_SOURCES = ("fctl_geo", "cli", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


def version() -> str:
    """The common version of engine and plugin."""
    text = (ROOT / "fctl_geo" / "__init__.py").read_text("utf-8")
    (found,) = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return found


def copy_sources(folder: Path, names: tuple[str, ...]) -> None:
    """Copy these files and folders of the project, without what compilers left there."""
    for name in names:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns(*COMPILED))
        else:
            shutil.copy2(path, folder / name)


def release_values(path: Path = ROOT / "release.cfg", *, strict: bool = False) -> dict[str, str]:
    """Author, address, and sites of the project, for the plugin and for the packages.

    Args:
        strict: for a release: refuses values that are missing or made up.
    """
    parser = configparser.ConfigParser()
    parser.read(path, "utf-8")
    values = dict(parser["release"])
    poor = [name for name, value in values.items() if not value or ".invalid" in value]
    poor += [name for name in SITES if values[name] and not values[name].startswith("https://")]
    if strict and poor:
        raise SystemExit(f"{path.name} has no real value for {', '.join(poor)}: a release needs them")
    return values


def metadata(*, release: bool = False) -> str:
    """metadata.txt with the version, the values of release.cfg, and the changelog."""
    text = (ROOT / "metadata.txt").read_text("utf-8")
    values = {"version": version(), **release_values(strict=release)}
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    return text.rstrip("\n") + "\n" + lines + "changelog=" + changes().replace("\n", "\n  ") + "\n"


def changes() -> str:
    """What the newest section of the changelog says of QGIS, as plain lines (a percent sign is a placeholder there)."""
    newest = (ROOT / "CHANGELOG.md").read_text("utf-8").split("\n## ")[1]
    (section,) = re.findall(r"^### QGIS plugin\n(.*?)(?=^### |\Z)", newest, re.MULTILINE | re.DOTALL)
    lines = [line for line in section.split("\n") if line.strip()]
    return "\n".join(lines).replace("`", "").replace("%", "%%")


def tested_versions() -> str:
    """The constraints without torch, whose builds depend on the device."""
    lines = (ROOT / "constraints-cpu.txt").read_text("utf-8").splitlines()
    return "".join(f"{line}\n" for line in lines if line and not line.startswith(("#", "torch==")))


def help_page() -> str:
    """docs/qgis.md as an HTML page for the Help buttons."""
    from markdown_it import MarkdownIt

    text = (ROOT / "docs" / "qgis.md").read_text("utf-8")
    body = MarkdownIt("commonmark").enable("table").render(text)
    style = "body{max-width:50em;margin:2em auto;font-family:sans-serif;line-height:1.5}img{max-width:100%}"
    return f"<!DOCTYPE html><meta charset='utf-8'><title>FCtL Geo</title><style>{style}</style>\n{body}"


def build_wheel(folder: Path) -> Path:
    """The engine's wheel, built from a copy so that the tree stays clean."""
    source = folder / "source"
    source.mkdir()
    copy_sources(source, ENGINE_SOURCES)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--disable-pip-version-check",
        "-w",
        str(folder),
    ]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "946684800"}
    subprocess.run([*command, str(source)], check=True, env=environment)
    (wheel,) = folder.glob("fctl_geo-*.whl")
    return wheel


def members(wheel: Path, *, release: bool = False) -> dict[str, bytes]:
    """The files of the zip: name -> contents."""
    found = {
        path.relative_to(PLUGIN).as_posix(): path.read_bytes()
        for path in PLUGIN.rglob("*")
        if path.suffix in TAKEN and path.name not in LEFT_OUT and "__pycache__" not in path.parts
    }
    found |= {f"help/images/{path.name}": path.read_bytes() for path in (ROOT / "docs/images").glob("qgis-*")}
    found |= {
        "metadata.txt": metadata(release=release).encode(),
        "LICENSE": (ROOT / "LICENSE").read_bytes(),
        "CHANGELOG.md": (ROOT / "CHANGELOG.md").read_bytes(),
        "help/qgis.html": help_page().encode(),
        f"wheels/{wheel.name}": wheel.read_bytes(),
        "wheels/constraints.txt": tested_versions().encode(),
    }
    return found


def build_zip(folder: Path, *, release: bool = False) -> Path:
    """Write the zip atomically; returns its path. A release needs real values in release.cfg."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"fctl_geo-{version()}.zip"
    with tempfile.TemporaryDirectory(prefix=".plugin.partial-", dir=folder) as name:
        aside = Path(name)
        found = members(build_wheel(aside), release=release)
        with zipfile.ZipFile(aside / path.name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member in sorted(found):
                entry = zipfile.ZipInfo(f"{FOLDER}/{member}", TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, found[member])
        (aside / path.name).replace(path)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist")
    parser.add_argument("--release", action="store_true", help="insist on real values in release.cfg")
    given = parser.parse_args()
    print(build_zip(given.folder, release=given.release))
