"""Many scenes: what is missing or has changed is done, what fails is named, what is done stays."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from fctl_geo import __version__
from fctl_geo.batch.inputs import SceneInput
from fctl_geo.batch.names import FORMATS, names_of, products_of
from fctl_geo.batch.product_store import ProductStore
from fctl_geo.batch.record import Ended, Entry, Record, open_record
from fctl_geo.batch.scene_job import SCENE_STEPS, SceneJob, SceneOutcome, process_scene
from fctl_geo.errors import OutputError, SceneError, SettingsError
from fctl_geo.model.modelfile import model_checksum, resolve_model
from fctl_geo.progress import Progress, Silent
from fctl_geo.run.executor import Executor, LocalExecutor
from fctl_geo.run.memory import SHARD_PX
from fctl_geo.run.work_folder import file_identity, fingerprint_of, lock_folder
from fctl_geo.scene.header import files_of, read_header
from fctl_geo.settings import OutputSettings, Settings
from fctl_geo.storage.address import address_of, shown

STAGING = ".staging"
"""In the batch's home: products on their way to S3, and their unfinished work."""
LARGE_PX = 4 * SHARD_PX**2
"""From here on a scene's shards are shared out among the workers, not whole scenes."""


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How a batch is done; how each scene is, stands in `Settings`."""

    out: Path
    """Folder of the products, here or an address on S3 (s3://bucket/folder)."""
    formats: tuple[str, ...] = ("gpkg",)
    """Endings of the products: gpkg, tif, fgb, parquet, geojson."""
    confidence: bool = False
    """Also NAME-confidence.tif."""
    template: str = "{stem}"
    on_error: Literal["skip", "stop"] = "skip"
    overwrite: bool = False
    """Also replace files that the record does not know."""
    time_limit_s: float | None = None
    """A scene that takes longer is stopped, has failed, and the next has its turn."""
    record: Path | None = None
    """Folder here of the run record and of unfinished work; None: `out`, which then lies here."""

    def __post_init__(self) -> None:
        if not self.formats or not set(self.formats) <= set(FORMATS):
            raise SettingsError(f"formats are {', '.join(self.formats)}", hint="allowed: " + ", ".join(FORMATS))
        if self.on_error not in ("skip", "stop"):
            raise SettingsError(f"on-error is {self.on_error!r}", hint="allowed: skip, stop")
        if self.time_limit_s is not None and not self.time_limit_s > 0:
            raise SettingsError(f"the time limit is {self.time_limit_s} s", hint="give some time, or no limit")
        if address := address_of(self.record or self.out):
            raise SettingsError(
                f"{shown(address)} cannot hold the record and the unfinished work of a batch",
                hint="name a folder here for them: --record DIR, the same one for every call",
            )

    @property
    def home(self) -> Path:
        """Where record, lock, mosaics and unfinished work lie."""
        return (self.record or self.out).absolute()


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What a batch did."""

    done: int
    failed: tuple[Ended, ...]
    unchanged: int
    """Done before, and nothing has changed."""
    left: int
    """Not begun, because the batch was to stop at the first failure."""
    seconds: float
    megapixels: float
    """Of the scenes that were done now."""
    out: Path | str
    """Folder or address."""
    files: tuple[Path | str, ...] = field(repr=False)
    """Of all scenes that are done, now or before."""

    def to_json(self) -> str:
        """All of it, on one line."""
        return json.dumps({**asdict(self), "out": str(self.out), "files": [str(f) for f in self.files]})


def run_batch(
    scenes: Sequence[SceneInput],
    batch: BatchSettings,
    settings: Settings,
    *,
    executor: Executor | None = None,
    progress: Progress = Silent(),  # noqa: B008 - without state
) -> BatchSummary:
    """Segment every scene that is missing, has changed or had failed.

    Args:
        scenes: see `find_scenes`.
        settings: of each scene; its `output` is the batch's to say.
        executor: who works; None: this process, one scene after another.
    Raises:
        FctlError: what stops the whole: no model, no folder, another batch at work in it. A scene's own error does not.
        Cancelled: the user asked to stop; a second call goes on.
    """
    if executor is None:
        with LocalExecutor() as alone:
            return run_batch(scenes, batch, settings, executor=alone, progress=progress)
    start = time.monotonic()
    _make_folder(batch.home)
    store = ProductStore(batch.out)
    names = names_of(scenes, batch.template)
    hardware = executor.hardware(settings.engine, progress)  # a device that is not there fails here, once
    with lock_folder(batch.home), open_record(batch.home, store) as record:
        entries = _entries(store.out, scenes, names, batch, settings)
        todo = [i for i, entry in enumerate(entries) if not record.is_done(entry)]
        if len(todo) < len(entries):
            progress.say(f"{len(entries) - len(todo)} of {len(entries)} scenes are done already and unchanged")
        shared = hardware.processes > 1
        jobs = [_job(scenes[i], entries[i], record, store, batch, settings, shared=shared) for i in todo]
        record.wait([entries[i] for i in todo])
        outcomes = _work(jobs, executor, record, batch, progress)
        done = [entry for entry in entries if record.state(entry.name) == "done"]
        files = tuple(store.shown(path) for entry in done for path in entry.files)
    failures = tuple(o.ended for o in outcomes if o.ended.state == "failed")
    pixels = sum(o.summary.seconds * o.summary.megapixels_per_s for o in outcomes if o.summary is not None)
    return BatchSummary(
        done=len(outcomes) - len(failures),
        failed=failures,
        unchanged=len(entries) - len(todo),
        left=len(todo) - len(outcomes),
        seconds=time.monotonic() - start,
        megapixels=pixels,
        out=store.shown(store.out),
        files=files,
    )


def _work(
    jobs: Sequence[SceneJob], executor: Executor, record: Record, batch: BatchSettings, progress: Progress
) -> list[SceneOutcome]:
    outcomes = []
    progress.stage("batch", SCENE_STEPS * len(jobs))
    for outcome in executor.each(process_scene, jobs, progress):
        outcomes.append(outcome)
        record.end(outcome.ended)
        count = f"{len(outcomes)} of {len(jobs)}"
        if outcome.ended.state == "failed":
            progress.warn(f"{outcome.ended.name} failed ({count}): {outcome.ended.error}")
            if batch.on_error == "stop":
                break
        else:
            progress.say(f"{outcome.ended.name} done in {outcome.ended.seconds:.1f} s ({count})")
    return outcomes


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {path} cannot be made ({error.strerror})", hint="choose another, or change its parent's rights"
        ) from None


def _entries(
    out: Path, scenes: Sequence[SceneInput], names: Sequence[str], batch: BatchSettings, settings: Settings
) -> list[Entry]:
    checksum = model_checksum(resolve_model(settings.model))
    area = settings.scene.aoi
    entries = []
    for scene, name in zip(scenes, names, strict=True):
        told = _told_settings(_own(settings, scene))
        files = products_of(out, name, batch.formats)
        files += (out / f"{name}-confidence.tif",) if batch.confidence else ()
        fingerprint = fingerprint_of(
            [file_identity(file) for file in files_of(scene.scene)],
            file_identity(area) if area else None,
            checksum,
            __version__,
            told,
            [file.name for file in files],
        )
        words = json.dumps(told, sort_keys=True, default=str)
        entries.append(
            Entry(name, shown(scene.scene), fingerprint, words, settings.model, checksum, __version__, files)
        )
    return entries


def _told_settings(settings: Settings) -> dict[str, Any]:
    """All that a product's bytes may depend on; threads, memory and batch size are not among them."""
    engine = asdict(settings.engine)
    for name in ("batch_size", "threads", "max_memory_bytes"):
        del engine[name]
    return {"scene": asdict(settings.scene), "engine": engine, "polygons": asdict(settings.polygons)}


def _job(
    scene: SceneInput,
    entry: Entry,
    record: Record,
    store: ProductStore,
    batch: BatchSettings,
    settings: Settings,
    *,
    shared: bool,
) -> SceneJob:
    confidence = entry.files[-1] if batch.confidence else None
    outs = entry.files[:-1] if batch.confidence else entry.files
    for folder in {path.parent for path in entry.files if not store.remote}:
        folder.mkdir(parents=True, exist_ok=True)
    ours = record.owned(entry.name)
    there = [path for path in entry.files if store.size_bytes(path) is not None]
    output = OutputSettings(
        outs=outs,
        confidence=confidence,
        overwrite=batch.overwrite or all(path in ours for path in there),
        resume=None,
        staging=batch.home / STAGING if store.remote else None,
    )
    own = replace(_own(settings, scene), output=output)
    return SceneJob(entry.name, scene.scene, own, shared and _is_large(scene), batch.time_limit_s)


def _own(settings: Settings, scene: SceneInput) -> Settings:
    """The settings of one scene: of one that is cut from a mosaic, its own bounds inside of those that were given."""
    box, given = scene.bbox, settings.scene.bbox
    if box is not None and given is not None:
        box = (max(box[0], given[0]), max(box[1], given[1]), min(box[2], given[2]), min(box[3], given[3]))
        if box[0] >= box[2] or box[1] >= box[3]:
            raise SettingsError(f"{scene.stem} lies outside of the bbox {given}", hint="leave it out of the batch")
    external = scene.joined or settings.scene.allow_external  # a mosaic of ours: its members were looked at
    return replace(settings, scene=replace(settings.scene, bbox=box or given, allow_external=external))


def _is_large(scene: SceneInput) -> bool:
    """Whether several workers share a scene; one that cannot be read is not: its error comes later, with its name."""
    try:
        header = read_header(scene.scene, allow_external=True)  # its size alone is asked here
    except SceneError:
        return False
    return header.height * header.width > LARGE_PX
