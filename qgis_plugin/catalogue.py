"""The models that can be chosen, with their cards, as the engine tells them; remembered between sessions."""

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
"""What is offered before the engine was ever asked."""
COARSER, FINER = 1.6, 6.0
"""A layer this many times coarser than the model's pixels shows too little; one so much finer is mostly thrown away."""


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
    """What a user wants to know before choosing a model."""

    key: str
    """What `--model` is given: a shipped name or a path."""
    name: str
    version: str
    title: str
    classes: tuple[ModelClass, ...]
    bands: tuple[str, ...]
    gsd_m: float | None
    """Ground size of the model's pixels; None: any."""
    refines: bool
    """Has a refinement network."""
    licence: str
    attribution: tuple[str, ...]
    metrics: dict[str, dict[str, float]]
    """IoU per place and class."""

    @staticmethod
    def of(key: str, told: dict[str, Any]) -> ModelCard:
        """From what `fctl-geo info MODEL --json` tells."""
        return ModelCard(
            key=key,
            name=told["name"],
            version=str(told["version"]),
            title=told.get("title") or told["name"],
            classes=tuple(
                ModelClass(
                    c["id"],
                    c["name"],
                    "#{:02x}{:02x}{:02x}".format(*c["color"]),
                    bool(c.get("background")),
                    bool(c.get("objects")),
                )
                for c in told["legend"]["classes"]
            ),
            bands=tuple(told["input"]["bands"]),
            gsd_m=told["input"].get("gsd_m"),
            refines=bool(told.get("refinement")),
            licence=told.get("licence", ""),
            attribution=tuple(told.get("attribution", ())),
            metrics=told.get("metrics") or {},
        )


def gsd_warning(card: ModelCard, layer_gsd_m: float | None) -> str:
    """A sentence where the layer's ground size is far from the model's; empty: it fits, or is not known."""
    if card.gsd_m is None or layer_gsd_m is None:
        return ""
    ratio = layer_gsd_m / card.gsd_m
    if ratio > COARSER:
        return tr(
            "The layer's pixels are {:.3g} m, {:.1f} times coarser than the {:.3g} m that the model '{}' was trained "
            "at: expect poor results. Choose a finer layer or another model."
        ).format(layer_gsd_m, ratio, card.gsd_m, card.name)
    if 1 / ratio > FINER:
        return tr(
            "The layer's pixels are {:.3g} m, {:.0f} times finer than the {:.3g} m that the model '{}' was trained "
            "at: its details are averaged away. A model for finer imagery may see more."
        ).format(layer_gsd_m, 1 / ratio, card.gsd_m, card.name)
    return ""


class Catalogue:
    """Cards by key; asks the engine once, and again when another one is used."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._cards: dict[str, ModelCard] = {}

    def names(self) -> list[str]:
        """What a list of models offers without waiting for the engine: shipped names, then the user's files."""
        return [*self._remembered_names(), *settings.model_files()]

    def shipped(self, engine: Engine | None = None) -> list[ModelCard]:
        """The cards of the models that come with the engine; None: the one that runs use.

        Raises:
            EngineError: there is no working engine.
        """
        engine = engine or find_engine()
        if engine != self._engine:
            told = query(engine, ["models"])
            self._engine, self._cards = engine, {each["name"]: ModelCard.of(each["name"], each) for each in told}
            self._remember([each["name"] for each in told])
        return [card for key, card in self._cards.items() if not _is_path(key)]

    def card(self, key: str) -> ModelCard:
        """The card of a shipped name or of a model file.

        Raises:
            EngineError: there is no such model, or no working engine.
        """
        shipped = {card.key: card for card in self.shipped()}
        if key in shipped:
            return shipped[key]
        if not _is_path(key):
            raise EngineError(
                tr("There is no model '{}'.").format(key),
                tr("Shipped models: {}. Or choose a model file (.safetensors).").format(", ".join(shipped)),
            )
        if not Path(key).is_file():
            raise EngineError(
                tr("The model file {} does not exist.").format(key), tr("Check the path, or choose a shipped model.")
            )
        if key not in self._cards:
            self._cards[key] = ModelCard.of(key, query(find_engine(), ["info", key]))
        return self._cards[key]

    def forget(self) -> None:
        """Ask the engine anew the next time."""
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
    return key.endswith(".safetensors")


CATALOGUE = Catalogue()
"""One for all algorithms and the panel of a session."""
