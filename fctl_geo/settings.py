"""All settings of a run, composed of one frozen dataclass per stage; unknown keys are refused by name."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from fctl_geo.errors import SettingsError
from fctl_geo.spec import Legend, Merge

MAX_VERTICES = 500_000
"""The default: 8 MB per polygon, which few maps reach."""
MOST_VERTICES = 20_000_000
"""About a third of what SQLite can store in one value (62 million vertices)."""
SQUARE_TOLERANCE_M = 0.5
"""Tolerance of squaring where none is given, but at least `SQUARE_TOLERANCE_PX`."""
SQUARE_TOLERANCE_PX = 1.5
NECK_M = 3.0
"""Best of 1.5 to 4 m on masks of the buildings model, see docs/performance.md."""
SEGMENTING_MODEL = "buildings"
"""The default model of `segment`, `batch` and `demo`."""
REFINING_MODEL = "buildings"
"""The default model of `refine`: the shipped one that has a refinement network."""
RESERVED_LAYERS = ("gpkg", "rtree", "sqlite", "layer_styles")
"""How names of layers in a GeoPackage may not begin."""
Grid = Literal["scene", "model"]
Backend = Literal["auto", "torch", "onnx"]
Precision = Literal["auto", "fp32", "bf16"]
Tta = Literal["none", "flips", "d4"]
Square = Literal["off", "90", "45", "any"]
Style = Literal["sld", "maplibre"]


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise SettingsError(f"{name} is {value!r}", hint="allowed: " + ", ".join(map(str, allowed)))


def _at_least(name: str, value: float | None, least: float) -> None:
    if value is not None and not least <= value < float("inf"):
        raise SettingsError(f"{name} is {value}", hint=f"give a number of at least {least:g}")


def fits(value: object, hint: Any) -> bool:
    """Whether a value has the type of a setting; an integer also counts as a float, but True is not a number."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(fits(value, part) for part in inner)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in inner) or isinstance(value, str)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        parts = inner[:1] * len(value) if inner[-1] is ... else inner
        return len(value) == len(parts) and all(map(fits, value, parts))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))


def _words_of(hint: Any) -> str:
    return str(hint).removeprefix("<class '").removesuffix("'>").replace("pathlib.", "").replace("typing.", "")


def nodata_said(mask: str) -> float | None:
    """The value in 'nodata=-9999' (`SceneSettings.mask`), possibly NaN; None if it is another word or not a number."""
    word, _, value = mask.partition("=")
    try:
        return float(value) if word == "nodata" else None
    except ValueError:
        return None


def is_mask_rule(mask: str) -> bool:
    """Whether `SceneSettings.mask` may be this."""
    return mask in ("auto", "none", "alpha") or nodata_said(mask) is not None


def is_layer_name(name: str) -> bool:
    """Whether a layer of a GeoPackage may have this name: SQLite, the standard and GDAL reserve some."""
    begins = name[:1].isalpha() or name[:1] == "_"
    return begins and name.isprintable() and not name.lower().startswith(RESERVED_LAYERS)


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """How the scene is read."""

    bands: tuple[str, ...] | None = None
    """Band numbers starting at 1 ("4") or names ("nir"), in the model's order; None: by color interpretation."""
    gsd_m: float | None = None
    """Ground meters per pixel at which the model reads the scene; areas and lengths use it only if the CRS has none."""
    aoi: Path | None = None
    """A vector file in any format and CRS; only pixels whose center lies within its polygons get a class."""
    bbox: tuple[float, float, float, float] | None = None
    """West, south, east, north in the scene's CRS (in pixels if it has none)."""
    grid: Grid = "scene"
    """Pixel grid of the output: the scene's own, or one at the model's GSD."""
    mask: str = "auto"
    """Which pixels are nodata. auto: as declared by the file (nodata values, alpha, masks); none: no pixels (except
    NaN); alpha: where the band tagged as alpha is 0; nodata=VALUE: where all bands that are read have that value."""
    allow_external: bool = False
    """Whether the scene may refer to files outside its folder, or have a format that only refers to other files; only
    for trusted files."""

    def __post_init__(self) -> None:
        _one_of("grid", self.grid, get_args(Grid))
        if not is_mask_rule(self.mask):
            raise SettingsError(
                f"mask is {self.mask!r}", hint="allowed: auto, none, alpha, nodata=VALUE (nodata=-9999)"
            )
        if self.gsd_m is not None and not 0 < self.gsd_m < 1e5:
            raise SettingsError(f"gsd is {self.gsd_m} m", hint="give ground meters per pixel, e.g. --gsd 0.25")
        if self.bbox is not None and not all(map(math.isfinite, self.bbox)):
            raise SettingsError(f"bbox {self.bbox} is not finite", hint="give four numbers: west south east north")
        if self.bbox is not None and (self.bbox[0] >= self.bbox[2] or self.bbox[1] >= self.bbox[3]):
            raise SettingsError(f"bbox {self.bbox} is empty", hint="order: west south east north")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How the networks run."""

    device: str = "auto"
    """auto, cpu, cuda or cuda:N."""
    backend: Backend = "auto"
    """Library that computes the networks. auto: torch on a CUDA GPU, and for models without an ONNX graph; otherwise
    ONNX Runtime, if it is installed."""
    precision: Precision = "auto"
    merge: Merge | None = None
    """None: as recommended by the model file."""
    tta: Tta = "none"
    refine: bool | None = None
    """None: as recommended by the model file."""
    batch_size: int | None = None
    """Patches per GPU step; None: chosen by available memory. On the CPU, every core processes one patch."""
    threads: int | None = None
    """CPU threads; None: all cores that the process may use."""
    max_memory_bytes: int | None = None
    """Memory limit of a run; None: whatever its plan needs."""

    def __post_init__(self) -> None:
        _one_of("backend", self.backend, get_args(Backend))
        _one_of("precision", self.precision, get_args(Precision))
        _one_of("merge", self.merge, (None, *get_args(Merge)))
        _one_of("tta", self.tta, get_args(Tta))
        _at_least("batch-size", self.batch_size, 1)
        _at_least("threads", self.threads, 1)
        head, _, index = self.device.partition(":")
        if head not in ("auto", "cpu", "cuda") or (index and (head != "cuda" or not index.isdigit())):
            raise SettingsError(f"device is {self.device!r}", hint="allowed: auto, cpu, cuda, cuda:0, cuda:1, ...")


@dataclass(frozen=True, slots=True)
class PolygonSettings:
    """How classes become polygons."""

    min_area_m2: float | None = None
    """Smaller regions are merged into the neighbor with the longest shared border (m2; px without a CRS); None: as the
    model recommends, or 0 for a class raster."""
    simplify_m: float = 0.0
    """Tolerance of the simplification, which keeps shared borders (m; px without a CRS); 0: pixel edges, or, where
    outlines are squared, `SQUARE_TOLERANCE_M`."""
    smooth: bool = False
    """Round the corners of borders, except those of objects, see `polygons.smooth`."""
    fill_holes_m2: float = 0.0
    """Smaller holes in the polygons of one class are filled (m2; px without a CRS), see `polygons.holes`; the class
    raster keeps them."""
    classes: tuple[str, ...] | None = None
    """Names of the classes to polygonize; None: all except the background."""
    square: Square = "off"
    """Give classes of objects (buildings) right-angled outlines; 45: half angles, too; any: long walls keep theirs."""
    max_vertices: int = MAX_VERTICES
    """Regions with more vertices are cut into parts that share an object_id; memory use grows with this limit."""
    separate: bool | tuple[str, ...] | None = None
    """Whether objects that touch (houses in a row) get a polygon each, which share walls: those of the classes that the
    legend says are objects (True: there must be one), or of the classes named here. None: if the legend has any."""
    neck_m: float = NECK_M
    """Objects are separated where their class is narrower than this (m; px without a CRS)."""

    def __post_init__(self) -> None:
        _at_least("min-area", self.min_area_m2 or 0, 0)
        _at_least("simplify", self.simplify_m, 0)
        _at_least("fill-holes", self.fill_holes_m2, 0)
        _one_of("square", self.square, get_args(Square))
        if not 0 < self.neck_m < math.inf:
            raise SettingsError(f"neck is {self.neck_m} m", hint="give a width above 0, e.g. --neck 2.5")
        if not 1 <= self.max_vertices <= MOST_VERTICES:
            raise SettingsError(
                f"max-vertices is {self.max_vertices}", hint=f"give a number from 1 to {MOST_VERTICES:,}"
            )

    def separated(self, legend: Legend) -> tuple[str, ...]:
        """The names of the classes of a legend whose objects are separated.

        Raises:
            SettingsError: the legend has no such class.
        """
        if isinstance(self.separate, tuple):
            legend.ids_of(self.separate)
            return self.separate
        names = () if self.separate is False else tuple(info.name for info in legend if info.objects)
        if self.separate and not names:
            raise SettingsError(
                f"none of the classes {', '.join(info.name for info in legend)} is known to consist of objects",
                hint="write a class raster and name them: fctl-geo polygonise CLASSES.tif --separate building",
            )
        return names


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """Which products are written, and what may be replaced."""

    outs: tuple[Path, ...] = ()
    """Products by extension: .tif (class raster), .gpkg, .fgb, .parquet, ... (polygons, `outputs.VECTOR_ENDINGS`), or
    tables in PostGIS (`storage.table_address`)."""
    styles: tuple[Style, ...] = ()
    """Styles to write beside the polygons: .sld for GeoServer and other OGC programs, .style.json for MapLibre maps,
    which read .geojson and .pmtiles. Those for QGIS are always written."""
    confidence: Path | None = None
    """A second raster (.tif): confidence of each pixel's class in percent, uint8, 255 = nodata."""
    report: Path | None = None
    """A report as one HTML page (.html): map, areas, confidence, sizes, seams, warnings, and facts of the run."""
    stac: Path | None = None
    """A STAC item (.json) that describes the products, for catalogs."""
    overwrite: bool = False
    """Replace existing files; of a GeoPackage that holds other tables, only our layer."""
    append: bool = False
    """Add the polygons to the layer of a GeoPackage, or to a table, that may exist; those that the same scene has put
    there are replaced. The layer has a column `scene`."""
    layer: str | None = None
    """Name of the layer in a GeoPackage; None: the name of the file."""
    scene_name: str | None = None
    """What identifies the scene for `append`; None: its path or address."""
    resume: bool | None = False
    """Resume from the finished shards of an earlier, interrupted run with the same settings; None: if there is one."""
    staging: Path | None = None
    """Folder in which remote outputs (s3://) are written before upload; None: one in the temporary folder."""

    def __post_init__(self) -> None:
        for style in self.styles:
            _one_of("style", style, get_args(Style))
        if self.append and self.overwrite:
            raise SettingsError("append and overwrite are both given", hint="add to the layer, or replace it")
        if self.layer is not None and not is_layer_name(self.layer):
            raise SettingsError(
                f"the layer is {self.layer!r}",
                hint="a name starts with a letter or '_', and not with gpkg, rtree, sqlite or layer_styles",
            )

    @property
    def beside(self) -> tuple[Path, ...]:
        """The files that are written beside `outs`: confidence, then report."""
        return tuple(path for path in (self.confidence, self.report) if path is not None)

    @property
    def named(self) -> bool:
        """Whether any product is named."""
        return bool(self.outs or self.beside)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a run; the command line, Python and QGIS all use this class."""

    model: str = SEGMENTING_MODEL
    """Name of a shipped model, or path to a .safetensors or .onnx model file."""
    scene: SceneSettings = field(default_factory=SceneSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    polygons: PolygonSettings = field(default_factory=PolygonSettings)
    output: OutputSettings = field(default_factory=OutputSettings)

    @staticmethod
    def of(values: Mapping[str, Any]) -> Settings:
        """Settings from a flat mapping ({"model": ..., "gsd_m": ..., "merge": ...}).

        Raises:
            SettingsError: an unknown setting, or an invalid value.
        """
        stages = {
            "scene": SceneSettings,
            "engine": EngineSettings,
            "polygons": PolygonSettings,
            "output": OutputSettings,
        }
        stage_of = {f.name: stage for stage, cls in stages.items() for f in fields(cls)}
        hints = {name: hint for cls in (*stages.values(), Settings) for name, hint in get_type_hints(cls).items()}
        parts: dict[str, dict[str, Any]] = {stage: {} for stage in stages}
        top: dict[str, Any] = {}
        for name, value in values.items():
            if name in (*stage_of, "model") and not fits(value, hints[name]):
                raise SettingsError(f"{name} is {reprlib.repr(value)}", hint=f"expected {_words_of(hints[name])}")
            if name == "model":
                top[name] = value
            elif name in stage_of:
                parts[stage_of[name]][name] = value
            else:
                known = ", ".join(sorted([*stage_of, "model"]))
                raise SettingsError(f"unknown setting {name!r}", hint=f"known settings: {known}")
        return Settings(**top, **{stage: cls(**parts[stage]) for stage, cls in stages.items()})
