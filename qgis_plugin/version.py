"""The version of the plugin, and whether it is newer than that of an engine."""

from __future__ import annotations

import configparser
import re
from pathlib import Path


def plugin_version() -> str:
    """From metadata.txt; empty in a source tree."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(Path(__file__).parent / "metadata.txt", "utf-8")
    return parser.get("general", "version", fallback="")


def is_newer(version: str, other: str) -> bool:
    """Whether a version like '1.0.0' or '1.0.0rc1' is newer than another; unknown versions are not."""
    return bool(version and other) and _order(version) > _order(other)


def _order(version: str) -> tuple[list[int], bool, list[int]]:
    release, pre, rest = re.fullmatch(r"([\d.]*)([a-z]*)(.*)", version.lower()).groups()
    numbers = [int(part) for part in release.split(".") if part]
    return numbers, pre not in ("a", "b", "rc", "dev"), [int(part) for part in re.findall(r"\d+", rest)]
