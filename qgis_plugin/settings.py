"""The plugin's settings, typed, each in one place; the page in QGIS's options shows the same ones."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication, QgsSettings

from . import defaults

PREFIX = "fctl-geo/"


def profile_folder() -> Path:
    """The plugin's own folder in the user's profile: the engine, the list of models, the last runs."""
    return Path(QgsApplication.qgisSettingsDirPath()) / "fctl-geo"


def _get(name: str, default: str = "") -> str:
    return str(QgsSettings().value(PREFIX + name, default) or default)


def _set(name: str, value: str) -> None:
    QgsSettings().setValue(PREFIX + name, value)


def engine_python() -> str:
    """The interpreter that the user has chosen; empty: none."""
    return _get("engine-python")


def set_engine_python(path: str) -> None:
    _set("engine-python", path.strip())


def device() -> str:
    """auto, cpu, cuda or cuda:N: what new runs begin with."""
    return _get("device", defaults.DEVICE)


def set_device(name: str) -> None:
    _set("device", name.strip() or defaults.DEVICE)


def threads() -> int:
    """CPU workers of new runs; 0: all."""
    return int(_get("threads", "0"))


def set_threads(count: int) -> None:
    _set("threads", str(count))


def max_memory_mb() -> int:
    """The most memory of new runs; 0: what a run's plan needs."""
    return int(_get("max-memory-mb", "0"))


def set_max_memory_mb(megabytes: int) -> None:
    _set("max-memory-mb", str(megabytes))


def model_files() -> list[str]:
    """Model files that were trained or chosen, the last one first; those that are gone are left out."""
    return [path for path in _get("model-files").split("\n") if path and Path(path).exists()]


def remember_model_file(path: str) -> None:
    """Offer a model file in every list of models from now on."""
    others = [other for other in model_files() if other != path]
    _set("model-files", "\n".join([path, *others][:20]))


def wheels_folder() -> str:
    """An offline folder of wheels for setting up the engine; empty: from the internet."""
    return _get("wheels-folder")


def set_wheels_folder(path: str) -> None:
    _set("wheels-folder", path.strip())
