"""What a run depends on: a single value, computed once and compared wherever two runs might be the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from fctl_geo import __version__
from fctl_geo.model.info import ModelInfo
from fctl_geo.model.modelfile import model_checksum, resolve_model
from fctl_geo.run.hardware import Hardware
from fctl_geo.scene import Scene
from fctl_geo.scene.reading import SceneReading, reading_of
from fctl_geo.settings import OutputSettings, PolygonSettings, Settings
from fctl_geo.storage.identity import FileIdentity, identities_of, name_without_keys

_NOT_RECORDED = frozenset({"aoi", "allow_external", "batch_size", "threads", "max_memory_bytes"})
"""Settings left out of the products' metadata: paths, permissions, and whatever affects only speed."""


@dataclass(frozen=True, slots=True)
class RunInputs:
    """Everything that the products depend on, known without opening the scene again."""

    version: str
    """Of fctl-geo."""
    model_checksum: str
    source: str
    """The scene as given by the user, without access keys."""
    scene: tuple[FileIdentity, ...]
    """Every file that GDAL reads for the scene, by name."""
    area: tuple[FileIdentity, ...]
    """The same for the area of interest."""
    settings: Settings
    """With merge, refinement and separation resolved; without outputs and whatever affects only speed."""

    @property
    def product_key(self) -> str:
        """Changes with anything that would change a byte of the products on the same kind of device."""
        return key_of(asdict(self))


def inputs_of(
    source: str, scene: tuple[FileIdentity, ...], area: tuple[FileIdentity, ...], settings: Settings, info: ModelInfo
) -> RunInputs:
    """The inputs of a run.

    Args:
        source: the scene as given by the user, with an absolute path if local.
        scene: all files of the scene.
        area: all files of the area of interest.
    """
    return RunInputs(
        version=__version__,
        model_checksum=model_checksum(resolve_model(settings.model)),
        source=name_without_keys(source),
        scene=scene,
        area=area,
        settings=_relevant(resolved(settings, info), info),
    )


def area_identity(settings: Settings) -> tuple[FileIdentity, ...]:
    """The files of the area of interest; empty if there is none."""
    return () if settings.scene.aoi is None else identities_of([settings.scene.aoi])


def resolved(settings: Settings, info: ModelInfo) -> Settings:
    """Settings with the model's recommendations filled in wherever the user chose nothing.

    Raises:
        SettingsError: objects are to be separated, but of no class that the model has.
    """
    engine, polygons = settings.engine, settings.polygons
    refine = info.refine if engine.refine is None else engine.refine
    return replace(
        settings,
        engine=replace(engine, merge=engine.merge or info.merge, refine=refine),
        polygons=replace(polygons, separate=polygons.separated(info.legend)),
    )


def _relevant(settings: Settings, info: ModelInfo) -> Settings:
    """Settings without speed and outputs; model and area of interest are compared by content, not by name."""
    return Settings(
        model=f"{info.name} {info.version}",
        scene=replace(settings.scene, aoi=None),
        engine=replace(settings.engine, batch_size=None, threads=None, max_memory_bytes=None),
        polygons=settings.polygons,
        output=OutputSettings(),
    )


@dataclass(frozen=True, slots=True)
class RunSpec:
    """A fully resolved run: computed once when the run is opened, and compared from then on."""

    inputs: RunInputs
    reading: SceneReading
    device: str
    """'cpu' or 'cuda'."""
    precision: str
    backend: str
    """'torch' or 'onnx'."""
    arithmetic: str
    """What else the last bits of the results depend on: the backend's version and the CPU's instruction set or the
    GPU."""
    shard_px: int
    min_area: float
    """The smallest region of the products, in the unit of their areas; the inputs have it only if the user chose it."""
    license: str
    """Of the model; written to the products."""
    attribution: tuple[str, ...]

    @property
    def shard_key(self) -> str:
        """Changes with anything that would change a finished shard, and with nothing else."""
        return key_of(self.facts)

    @property
    def product_key(self) -> str:
        """Changes with anything that would change a byte of the products."""
        return key_of([self.inputs.product_key, self.facts])

    @property
    def facts(self) -> dict[str, Any]:
        """What a finished shard depends on, as JSON-compatible values: settings as they were resolved."""
        inputs = self.inputs
        settings = inputs.settings
        relevant = replace(
            settings,
            polygons=PolygonSettings(),
            scene=replace(settings.scene, gsd_m=None, bands=None, allow_external=False),  # see `reading`
            engine=replace(settings.engine, device="cpu", precision="fp32", backend="auto"),  # see their own fields
        )
        facts = {
            "version": inputs.version,
            "model": inputs.model_checksum,
            "source": inputs.source,
            "scene": [asdict(identity) for identity in inputs.scene],
            "area": [asdict(identity) for identity in inputs.area],
            "settings": {"scene": asdict(relevant.scene), "engine": asdict(relevant.engine)},
            "reading": asdict(self.reading),
            "device": self.device,
            "precision": self.precision,
            "backend": self.backend,
            "shard_px": self.shard_px,
        }
        return dict(json.loads(json.dumps(facts, default=str)))

    @property
    def metadata(self) -> dict[str, str]:
        """What every product records about its origin."""
        settings = self.inputs.settings
        used = {**asdict(settings.scene), **asdict(settings.engine), **asdict(settings.polygons)}
        used |= {"precision": self.precision, "device": self.device, "backend": self.backend}
        used |= {"min_area_m2": self.min_area}
        recorded = {name: value for name, value in used.items() if name not in _NOT_RECORDED}
        return {
            "FCTL_MODEL": settings.model,
            "FCTL_VERSION": self.inputs.version,
            "FCTL_SETTINGS": json.dumps(recorded, sort_keys=True),
            "FCTL_LICENCE": self.license,
            "FCTL_ATTRIBUTION": "; ".join(self.attribution),
        }


def spec_of(
    source: str, scene: Scene, settings: Settings, info: ModelInfo, hardware: Hardware, shard_px: int, min_area: float
) -> RunSpec:
    """The spec of a run whose scene is open.

    Args:
        min_area: the smallest region, as the user chose it or the model recommends it.
    """
    return RunSpec(
        inputs=inputs_of(source, identities_of([source, *scene.files]), area_identity(settings), settings, info),
        reading=reading_of(scene),
        device=hardware.kind,
        precision=hardware.precision,
        backend=hardware.backend,
        arithmetic=hardware.arithmetic,
        shard_px=shard_px,
        min_area=min_area,
        license=info.licence,
        attribution=tuple(info.attribution),
    )


def key_of(value: object) -> str:
    """A short hash that changes with the value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]
