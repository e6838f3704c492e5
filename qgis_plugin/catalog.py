"""The available models with their cards, as reported by the engine; remembered between sessions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import settings
from .engine import Engine, find_engine, query
from .errors import EngineError
from .words import tr

SHIPPED = ("buildings", "landcover")
"""The models listed before the engine has been queried for the first time."""
COARSER, FINER = 1.6, 6.0
"""Warn if the pixels of the layer are this many times coarser or finer than those of the model."""


@dataclass(frozen=True)
class ModelClass:
    """One class of a model."""

    id: int
    name: str
    color: str
    """#rrggbb"""
    background: bool
    objects: bool = False
    """It consists of objects, such as buildings."""


@dataclass(frozen=True)
class ModelCard:
    """The information about a model that is shown to users."""

    key: str
    """The value of `--model`: the name of an included model, or a path."""
    name: str
    version: str
    title: str
    classes: tuple[ModelClass, ...]
    bands: tuple[str, ...]
    gsd_m: float | None
    """Pixel size on the ground; None: any."""
    refines: bool
    """Whether it has a refinement network."""
    license: str
    attribution: tuple[str, ...]
    metrics: dict[str, dict[str, float]]
    """IoU per place and class."""
    min_area_m2: float = 0.0
    """Smaller regions are merged into a neighbor by default."""

    @staticmethod
    def of(key: str, info: dict[str, Any]) -> ModelCard:
        """From the output of `fctl-geo info MODEL --json`."""
        return ModelCard(
            key=key,
            name=info["name"],
            version=str(info["version"]),
            title=info.get("title") or info["name"],
            classes=tuple(
                ModelClass(
                    c["id"],
                    c["name"],
                    "#{:02x}{:02x}{:02x}".format(*c["color"]),
                    bool(c.get("background")),
                    bool(c.get("objects")),
                )
                for c in info["legend"]["classes"]
            ),
            bands=tuple(info["input"]["bands"]),
            gsd_m=info["input"].get("gsd_m"),
            refines=bool(info.get("refinement")),
            license=info.get("licence", ""),
            attribution=tuple(info.get("attribution", ())),
            metrics=info.get("metrics") or {},
            min_area_m2=float(info.get("min_area_m2") or 0),
        )


def gsd_warning(card: ModelCard, layer_gsd_m: float | None) -> str:
    """A warning if the pixel size of a layer is far from that of the model; empty: it is close, or unknown."""
    if card.gsd_m is None or layer_gsd_m is None:
        return ""
    ratio = layer_gsd_m / card.gsd_m
    if ratio > COARSER:
        return tr(
            "The pixel size of the layer is {:.3g} m, {:.1f} times coarser than the {:.3g} m that the model '{}' was "
            "trained at: expect poor results. Choose a finer layer or another model."
        ).format(layer_gsd_m, ratio, card.gsd_m, card.name)
    if 1 / ratio > FINER:
        return tr(
            "The pixel size of the layer is {:.3g} m, {:.0f} times finer than the {:.3g} m that the model '{}' was "
            "trained at: details are averaged away. A model for finer imagery may detect more."
        ).format(layer_gsd_m, 1 / ratio, card.gsd_m, card.name)
    return ""


class Catalog:
    """Cards by key; queries the engine once, and again if another engine is used."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._cards: dict[str, ModelCard] = {}

    def names(self) -> list[str]:
        """Entries of a model list, without waiting for the engine: included models, then the user's files."""
        return [*self._remembered_names(), *settings.model_files()]

    def shipped(self, engine: Engine | None = None) -> list[ModelCard]:
        """The cards of the models that come with an engine; None: the one in use.

        Raises:
            EngineError: there is no working engine.
        """
        engine = engine or find_engine()
        if engine != self._engine:
            models = query(engine, ["models"])
            self._engine, self._cards = engine, {each["name"]: ModelCard.of(each["name"], each) for each in models}
            self._remember([each["name"] for each in models])
        return [card for key, card in self._cards.items() if not _is_path(key)]

    def card(self, key: str) -> ModelCard:
        """The card of an included model or of a model file.

        Raises:
            EngineError: the model does not exist, or there is no working engine.
        """
        shipped = {card.key: card for card in self.shipped()}
        if key in shipped:
            return shipped[key]
        if not _is_path(key):
            raise EngineError(
                tr("The model '{}' does not exist.").format(key),
                tr("Included models: {}. Alternatively, choose a model file (.safetensors or .onnx).").format(
                    ", ".join(shipped)
                ),
            )
        if not Path(key).is_file():
            raise EngineError(
                tr("The model file {} does not exist.").format(key), tr("Check the path, or choose an included model.")
            )
        if key not in self._cards:
            self._cards[key] = ModelCard.of(key, query(find_engine(), ["info", key]))
        return self._cards[key]

    def forget(self) -> None:
        """Query the engine again next time."""
        self._engine, self._cards = None, {}

    def _remembered_names(self) -> list[str]:
        try:
            names = json.loads(self._file().read_text("utf-8"))
        except (OSError, ValueError):
            names = None
        return names if isinstance(names, list) and names else list(SHIPPED)

    def _remember(self, names: list[str]) -> None:
        self._file().parent.mkdir(parents=True, exist_ok=True)
        self._file().write_text(json.dumps(names), "utf-8")

    @staticmethod
    def _file() -> Path:
        return settings.profile_folder() / "models.json"


def _is_path(key: str) -> bool:
    return key.endswith((".safetensors", ".onnx"))


CATALOG = Catalog()
"""Shared by the algorithms and the panel."""
