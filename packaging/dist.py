"""Builds wheel and sdist into dist/ and tries them: `python packaging/dist.py`, or `make dist`.

The metadata is checked, the wheel is installed into an environment of its own, and the demo runs from there. Author and
addresses come from release.cfg; `--release` insists on real ones.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "qgis_plugin"))

from build_zip import copy_sources, release_values  # noqa: E402

SOURCES = ("fctl_geo", "cli", "setup.cfg", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff")
SITES = {"homepage": "Homepage", "repository": "Repository", "tracker": "Issues"}


def released_metadata(*, strict: bool) -> dict[str, str]:
    """The lines of setup.cfg that release.cfg gives.

    Args:
        strict: refuse values that are missing or made up.
    """
    values = release_values(strict=strict)
    sites = "".join(f"\n    {title} = {values[name]}" for name, title in SITES.items() if values[name])
    lines = {"author": values["author"], "author_email": values["email"], "url": values["homepage"]}
    return {name: value for name, value in {**lines, "project_urls": sites}.items() if value}


def prepare(folder: Path, *, strict: bool) -> None:
    """Copy what belongs into a distribution, with the values of the release in its setup.cfg."""
    copy_sources(folder, SOURCES)
    added = "".join(f"{name} = {value}\n" for name, value in released_metadata(strict=strict).items())
    text = (folder / "setup.cfg").read_text("utf-8")
    (folder / "setup.cfg").write_text(text.replace("[metadata]\n", "[metadata]\n" + added, 1), "utf-8")


def build(out: Path, *, strict: bool) -> list[Path]:
    """Build the sdist, and the wheel from it; check both."""
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name), strict=strict)
        _run(sys.executable, "-m", "build", "--outdir", f"{name}/dist", name)
        built = sorted(Path(name, "dist").iterdir())
        _run(sys.executable, "-m", "twine", "check", "--strict", *map(str, built))
        wheels = [str(path) for path in built if path.suffix == ".whl"]
        _run(
            sys.executable,
            "-m",
            "check_wheel_contents",
            "--toplevel",
            "fctl_geo,fctl_geo_cli",
            "--ignore",
            "W009",
            *wheels,
        )
        out.mkdir(parents=True, exist_ok=True)
        return [Path(shutil.copy2(path, out)) for path in built]


def try_wheel(wheel: Path, torch: list[str]) -> None:
    """Install a wheel into a bare environment and run the demo there, far from the sources."""
    with tempfile.TemporaryDirectory() as name:
        venv.create(Path(name, "venv"), with_pip=True)
        programs = Path(name, "venv", "Scripts" if sys.platform == "win32" else "bin")
        pip = [str(programs / "python"), "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints-cpu.txt")]
        _run(*pip, *torch)
        _run(*pip, f"{wheel}[demo]")
        _run(str(programs / "fctl-geo"), "--version", at=name)
        _run(str(programs / "fctl-geo"), "demo", "--out-dir", "demo", "--progress", "none", at=name)


def _run(*words: str, at: str | None = None) -> None:
    print("+", *words, flush=True)
    subprocess.run(words, check=True, cwd=at)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", action="store_true", help="insist on real values in release.cfg")
    parser.add_argument("--no-try", action="store_true", help="do not install the wheel, which takes minutes")
    parser.add_argument("--torch", nargs="+", default=["torch"], help="what pip installs first")
    given = parser.parse_args()
    built = build(ROOT / "dist", strict=given.release)
    if not given.no_try:
        try_wheel(next(path for path in built if path.suffix == ".whl"), given.torch)
    print(*built, sep="\n")


if __name__ == "__main__":
    main()
