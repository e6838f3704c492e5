"""The settings of the plugin, with types; the options page edits them."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication, QgsSettings

from . import defaults

PREFIX = "fctl-geo/"


def profile_folder() -> Path:
    """The plugin's folder in the user's profile, with the engine, the list of models, and the recent runs."""
    return Path(QgsApplication.qgisSettingsDirPath()) / "fctl-geo"


def _get(name: str, default: str = "") -> str:
    return str(QgsSettings().value(PREFIX + name, default) or default)


def _set(name: str, value: str) -> None:
    QgsSettings().setValue(PREFIX + name, value)


def engine_python() -> str:
    """The interpreter chosen by the user; empty: none."""
    return _get("engine-python")


def set_engine_python(path: str) -> None:
    _set("engine-python", path.strip())


def device() -> str:
    """auto, cpu, cuda, or cuda:N: the default of new runs."""
    return _get("device", defaults.DEVICE)


def set_device(name: str) -> None:
    _set("device", name.strip() or defaults.DEVICE)


def threads() -> int:
    """CPU threads of new runs; 0: all cores."""
    return int(_get("threads", "0"))


def set_threads(count: int) -> None:
    _set("threads", str(count))


def max_memory_mb() -> int:
    """Memory limit of new runs; 0: as much as needed."""
    return int(_get("max-memory-mb", "0"))


def set_max_memory_mb(megabytes: int) -> None:
    _set("max-memory-mb", str(megabytes))


def panel_was_shown() -> bool:
    """Whether the panel has opened by itself, which it does once."""
    return bool(_get("panel-shown"))


def set_panel_was_shown() -> None:
    _set("panel-shown", "yes")


def model_files() -> list[str]:
    """Model files that were trained or chosen, newest first, without those that no longer exist."""
    return [path for path in _get("model-files").split("\n") if path and Path(path).exists()]


def remember_model_file(path: str) -> None:
    """Add a model file to all lists of models."""
    others = [other for other in model_files() if other != path]
    _set("model-files", "\n".join([path, *others][:20]))


def wheels_folder() -> str:
    """A folder of wheels for setting up the engine offline; empty: from the internet."""
    return _get("wheels-folder")


def set_wheels_folder(path: str) -> None:
    _set("wheels-folder", path.strip())
