"""All settings of a run, composed of one frozen dataclass a stage; an unknown key is refused by its name."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from fctl_geo.errors import SettingsError
from fctl_geo.spec import Merge

MAX_VERTICES = 500_000
"""The default: 8 MB a polygon, which few maps meet."""
MOST_VERTICES = 20_000_000
"""Not far below what SQLite can hold in one value."""


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise SettingsError(f"{name} is {value!r}", hint="allowed: " + ", ".join(map(str, allowed)))


def _at_least(name: str, value: float | None, least: float) -> None:
    if value is not None and not least <= value < float("inf"):
        raise SettingsError(f"{name} is {value}", hint=f"give a number from {least:g} on")


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of a setting's type; a whole number is also a float, True is no number."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in inner)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in inner) or isinstance(value, str)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        parts = inner[:1] * len(value) if inner[-1] is ... else inner
        return len(value) == len(parts) and all(map(_fits, value, parts))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))


def _words_of(hint: Any) -> str:
    return str(hint).removeprefix("<class '").removesuffix("'>").replace("pathlib.", "").replace("typing.", "")


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """How the scene is read."""

    bands: tuple[str, ...] | None = None
    """Band numbers from 1 ("4") or names ("nir"), in the model's order; None: by colour interpretation."""
    gsd_m: float | None = None
    """Ground metres a pixel, for a scene that does not say it (or says it wrong)."""
    aoi: Path | None = None
    """Any vector file, any CRS: only pixels whose centre lies in its polygons get a class."""
    bbox: tuple[float, float, float, float] | None = None
    """West, south, east, north in the scene's CRS (pixels, if it has none)."""
    grid: Literal["scene", "model"] = "scene"
    """The output's pixels: the scene's own, or the model's GSD."""
    allow_external: bool = False
    """The scene may point to files outside of its folder, and be of formats that only point: for files one trusts."""

    def __post_init__(self) -> None:
        _one_of("grid", self.grid, ("scene", "model"))
        if self.gsd_m is not None and not 0 < self.gsd_m < 1e5:
            raise SettingsError(f"gsd is {self.gsd_m} m", hint="give ground metres a pixel, e.g. --gsd 0.25")
        if self.bbox is not None and (self.bbox[0] >= self.bbox[2] or self.bbox[1] >= self.bbox[3]):
            raise SettingsError(f"bbox {self.bbox} is empty", hint="order: west south east north")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How the networks run."""

    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    merge: Merge | None = None
    """None: as the model file recommends."""
    tta: Literal["none", "flips", "d4"] = "none"
    refine: bool | None = None
    """None: as the model file recommends."""
    batch_size: int | None = None
    """Patches a GPU step; None: found by memory. On the CPU every core takes one patch."""
    threads: int | None = None
    """CPU workers; None: all cores the process may use."""
    max_memory_bytes: int | None = None
    """The most memory a run may use; None: what its plan needs."""

    def __post_init__(self) -> None:
        _one_of("precision", self.precision, ("auto", "fp32", "bf16"))
        _one_of("merge", self.merge, (None, "montage", "average", "blend"))
        _one_of("tta", self.tta, ("none", "flips", "d4"))
        _at_least("batch-size", self.batch_size, 1)
        _at_least("threads", self.threads, 1)
        head, _, index = self.device.partition(":")
        if head not in ("auto", "cpu", "cuda") or (index and (head != "cuda" or not index.isdigit())):
            raise SettingsError(f"device is {self.device!r}", hint="allowed: auto, cpu, cuda, cuda:0, cuda:1, ...")


@dataclass(frozen=True, slots=True)
class PolygonSettings:
    """How classes become polygons."""

    min_area_m2: float = 0.0
    """Smaller regions go to the neighbour with which they share the longest border (m2; px without a CRS)."""
    simplify_m: float = 0.0
    """Tolerance of the shared-border simplification (m; px without a CRS); 0: pixel edges."""
    classes: tuple[str, ...] | None = None
    """Names of the classes to polygonise; None: all but the background."""
    max_vertices: int = MAX_VERTICES
    """Regions of more vertices are cut into parts that share an object_id; memory grows with it."""

    def __post_init__(self) -> None:
        _at_least("min-area", self.min_area_m2, 0)
        _at_least("simplify", self.simplify_m, 0)
        if not 1 <= self.max_vertices <= MOST_VERTICES:
            raise SettingsError(
                f"max-vertices is {self.max_vertices}", hint=f"give a number from 1 to {MOST_VERTICES:,}"
            )


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """What is kept, and what may be replaced."""

    outs: tuple[Path, ...] = ()
    """Products by ending: .tif (class raster), .gpkg, .fgb, .parquet, .geojson (polygons)."""
    confidence: Path | None = None
    """A second raster (.tif): confidence of each pixel's class in percent, uint8, 255 = nodata."""
    overwrite: bool = False
    resume: bool | None = False
    """Go on from the finished shards of an earlier, broken run with the same settings; None: if there is one."""
    staging: Path | None = None
    """Folder in which outputs that lie elsewhere (s3://) are made; None: one in the temporary folder."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run is told; the same object behind every door."""

    model: str = "buildings"
    """A shipped name or a path to a .safetensors model file."""
    scene: SceneSettings = field(default_factory=SceneSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    polygons: PolygonSettings = field(default_factory=PolygonSettings)
    output: OutputSettings = field(default_factory=OutputSettings)

    @staticmethod
    def of(values: Mapping[str, Any]) -> Settings:
        """Settings from flat names ({"model": ..., "gsd_m": ..., "merge": ...}).

        Raises:
            SettingsError: a name that no stage knows, or a value its stage refuses.
        """
        rooms = {
            "scene": SceneSettings,
            "engine": EngineSettings,
            "polygons": PolygonSettings,
            "output": OutputSettings,
        }
        home = {f.name: room for room, cls in rooms.items() for f in fields(cls)}
        hints = {name: hint for cls in (*rooms.values(), Settings) for name, hint in get_type_hints(cls).items()}
        parts: dict[str, dict[str, Any]] = {room: {} for room in rooms}
        top: dict[str, Any] = {}
        for name, value in values.items():
            if name in (*home, "model") and not _fits(value, hints[name]):
                raise SettingsError(f"{name} is {reprlib.repr(value)}", hint=f"it should be {_words_of(hints[name])}")
            if name == "model":
                top[name] = value
            elif name in home:
                parts[home[name]][name] = value
            else:
                known = ", ".join(sorted([*home, "model"]))
                raise SettingsError(f"unknown setting {name!r}", hint=f"known settings: {known}")
        return Settings(**top, **{room: cls(**parts[room]) for room, cls in rooms.items()})
