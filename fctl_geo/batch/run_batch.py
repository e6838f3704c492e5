"""Processes many scenes: only what is missing or has changed; failures are reported, and finished scenes are kept."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from fctl_geo import __version__
from fctl_geo.batch.inputs import SceneInput
from fctl_geo.batch.names import names_of, products_of
from fctl_geo.batch.product_store import ProductStore
from fctl_geo.batch.record import Ended, Entry, Made, Record, open_record
from fctl_geo.batch.scene_job import SCENE_STEPS, SceneJob, SceneOutcome, process_scene
from fctl_geo.batch.settings import BatchSettings
from fctl_geo.errors import OutputError, SceneError, SettingsError
from fctl_geo.model.modelfile import model_checksum, read_model_info, resolve_model
from fctl_geo.progress import Progress, Silent
from fctl_geo.run.executor import Executor, LocalExecutor
from fctl_geo.run.open import absolute_path
from fctl_geo.run.shard_size import SHARD_PX
from fctl_geo.run.spec import area_identity, inputs_of
from fctl_geo.scene.header import read_header
from fctl_geo.settings import OutputSettings, Settings
from fctl_geo.storage.address import shown
from fctl_geo.storage.identity import identities_of_each, name_without_keys
from fctl_geo.storage.lock import lock_folder

STAGING = ".staging"
"""Subfolder of the batch's home for products to be uploaded to S3, and their unfinished work."""
LARGE_PX = 4 * SHARD_PX**2
"""Scenes with more pixels than this are split among the workers by shards; smaller ones go to one worker each."""


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """The result of a batch."""

    done: int
    failed: tuple[Ended, ...]
    unchanged: int
    """Scenes done before that have not changed."""
    left: int
    """Scenes not started, because the batch stops at the first failure."""
    seconds: float
    megapixels: float
    """Of the scenes processed in this call."""
    out: Path | str
    """Folder or address."""
    files: tuple[Path | str, ...] = field(repr=False)
    """Products of all scenes that are done, now or before."""

    def to_json(self) -> str:
        """The summary as one line of JSON."""
        return json.dumps({**asdict(self), "out": str(self.out), "files": [str(f) for f in self.files]})


def run_batch(
    scenes: Sequence[SceneInput],
    batch: BatchSettings,
    settings: Settings,
    *,
    executor: Executor | None = None,
    progress: Progress = Silent(),  # noqa: B008 - without state
) -> BatchSummary:
    """Segment every scene that is missing, has changed or failed before.

    Args:
        scenes: see `find_scenes`.
        settings: for each scene; `output` is set by the batch.
        executor: what computes the scenes; None: this process, one scene after another.
    Raises:
        FctlError: anything that stops the whole batch: no model, no folder, or another batch running in it. An error
            in a single scene does not.
        Cancelled: the user asked to stop; another call continues.
    """
    if executor is None:
        with LocalExecutor() as alone:
            return run_batch(scenes, batch, settings, executor=alone, progress=progress)
    start = time.monotonic()
    _make_folder(batch.home)
    store = ProductStore(batch.out)
    names = names_of(scenes, batch.template)
    hardware = executor.hardware(settings.model, settings.engine, progress)  # an unavailable device fails here, once
    with lock_folder(batch.home), open_record(batch.home, store) as record:
        entries = _entries(store.out, scenes, names, batch, settings)
        todo = _missing_or_changed(scenes, entries, record, settings)
        if len(todo) < len(entries):
            progress.say(f"{len(entries) - len(todo)} of {len(entries)} scenes are already done and unchanged")
        shared = hardware.processes > 1
        jobs = [_job(scenes[i], entries[i], record, store, batch, settings, shared=shared) for i in todo]
        record.wait([entries[i] for i in todo])
        outcomes = _work(jobs, executor, record, batch, progress)
        done = [entry for entry in entries if record.state(entry.name) == "done"]
        files = tuple(store.shown(path) for entry in done for path in entry.files)
    failures = tuple(o.ended for o in outcomes if o.ended.state == "failed")
    return BatchSummary(
        done=len(outcomes) - len(failures),
        failed=failures,
        unchanged=len(entries) - len(todo),
        left=len(todo) - len(outcomes),
        seconds=time.monotonic() - start,
        megapixels=sum(o.summary.megapixels for o in outcomes if o.summary is not None),
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
        record.end(outcome.ended, outcome.made)
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
            f"the folder {path} cannot be created ({error.strerror})",
            hint="choose another folder, or change the permissions of its parent",
        ) from None


def _entries(
    out: Path, scenes: Sequence[SceneInput], names: Sequence[str], batch: BatchSettings, settings: Settings
) -> list[Entry]:
    checksum = model_checksum(resolve_model(settings.model))
    entries = []
    for scene, name in zip(scenes, names, strict=True):
        output = _outputs(out, name, batch)
        settings_dict = asdict(replace(_own(settings, scene), output=OutputSettings()))
        as_json = json.dumps(settings_dict, sort_keys=True, default=str)
        files = (*output.outs, *output.beside)
        entries.append(Entry(name, shown(scene.scene), as_json, settings.model, checksum, __version__, files))
    return entries


def _missing_or_changed(
    scenes: Sequence[SceneInput], entries: Sequence[Entry], record: Record, settings: Settings
) -> list[int]:
    """Indices of the scenes to be processed: all except those whose products exist and would come out the same.

    No scene is opened: the files that GDAL read are in the record, and the disk or the server is asked whether these
    and the files beside them have changed.
    """
    made = [record.made(entry) for entry in entries]
    sources = [absolute_path(scene.scene) for scene in scenes]
    done = [i for i, before in enumerate(made) if before is not None]
    now = identities_of_each([_names_of(sources[i], made[i]) for i in done])
    info, area = read_model_info(settings.model), area_identity(settings)
    inputs = (
        inputs_of(sources[i], files, area, _own(settings, scenes[i]), info) for i, files in zip(done, now, strict=True)
    )
    keys = dict(zip(done, (one.product_key for one in inputs), strict=True))
    return [i for i, before in enumerate(made) if before is None or keys[i] != before.product_key]


def _names_of(source: str, made: Made | None) -> list[str]:
    """The scene as given now (a link may point elsewhere, an address may have new keys), then its other files."""
    return [source, *(part for part in (made.parts if made else ()) if part != name_without_keys(source))]


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
    for folder in {path.parent for path in entry.files if not store.remote}:
        folder.mkdir(parents=True, exist_ok=True)
    ours = record.owned(entry.name)
    there = [path for path in entry.files if store.size_bytes(path) is not None]
    output = replace(
        _outputs(store.out, entry.name, batch),
        overwrite=batch.overwrite or all(path in ours for path in there),
        resume=None,
        staging=batch.home / STAGING if store.remote else None,
    )
    own = replace(_own(settings, scene), output=output)
    return SceneJob(entry.name, scene.scene, own, shared and _is_large(scene), batch.time_limit_s)


def _outputs(out: Path, name: str, batch: BatchSettings) -> OutputSettings:
    """The products of a scene in the folder of the batch."""
    return OutputSettings(
        outs=products_of(out, name, batch.formats),
        confidence=out / f"{name}-confidence.tif" if batch.confidence else None,
        report=out / f"{name}.html" if batch.report else None,
    )


def _own(settings: Settings, scene: SceneInput) -> Settings:
    """The settings of one scene; if it is cut from a mosaic, its own bounds within the given ones."""
    box, given = scene.bbox, settings.scene.bbox
    if box is not None and given is not None:
        box = (max(box[0], given[0]), max(box[1], given[1]), min(box[2], given[2]), min(box[3], given[3]))
        if box[0] >= box[2] or box[1] >= box[3]:
            raise SettingsError(f"{scene.stem} lies outside the bbox {given}", hint="leave it out of the batch")
    external = scene.joined or settings.scene.allow_external  # a mosaic of ours: its members were checked
    return replace(settings, scene=replace(settings.scene, bbox=box or given, allow_external=external))


def _is_large(scene: SceneInput) -> bool:
    """Whether several workers share a scene. Unreadable scenes do not count as large; they fail later, by name."""
    try:
        header = read_header(scene.scene, allow_external=True)  # only its size matters here
    except SceneError:
        return False
    return header.height * header.width > LARGE_PX
