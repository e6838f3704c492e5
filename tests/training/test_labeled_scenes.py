"""Labeled scenes in files: the same samples as from memory, parts kept back, and clear words for what does not fit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio.errors
import rasterio.features
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_factory import make_scene
from training_factory import make_labeled_scene, make_squares, polygons_of

from fctl_geo.errors import TrainingError
from fctl_geo.progress import Silent
from fctl_geo.settings import SceneSettings
from fctl_geo.training.data import choose_parts, open_data
from fctl_geo.training.datasets import ImageLabels, recipe_of_folder, recipe_of_labels
from fctl_geo.training.labeled_scenes import GroundFiles, LabeledScene, SceneGround, Survey, survey
from fctl_geo.training.labels import LabelSpec
from fctl_geo.training.method import Method
from fctl_geo.training.samples import PyramidImage, View, cut_sample
from fctl_geo.training.sources import IGNORE, LabelledImage

BANDS = ("red", "green", "blue")
SMALL = Method(sample_px=64)


def labeled(folder: Path, name: str = "labels.gpkg", **settings: object) -> LabeledScene:
    scene = make_labeled_scene(folder)
    polygons_of(scene, make_squares(0, 400, 40)[1], folder / name)
    return LabeledScene("x", scene, LabelSpec(folder / name, "kind", background="ground"), SceneSettings(**settings))


@pytest.mark.parametrize("name", ["labels.gpkg", "labels.geojson"])
def test_polygons_in_degrees_become_the_mask_they_were_made_of(tmp_path: Path, name: str) -> None:
    found = survey(labeled(tmp_path, name), BANDS, tmp_path / "work", Silent())
    mask = make_squares(0, 400, 40)[1]
    assert found.counts["square"] == pytest.approx(mask.sum(), rel=0.005)
    assert sum(found.counts.values()) == mask.size
    again = survey(labeled(tmp_path, name), BANDS, tmp_path / "other", Silent())
    kept = survey(again.scene, BANDS, tmp_path / "other", Silent())
    assert kept.counts == again.counts and (kept.points == again.points).all(), "what is known is not looked for again"


@settings(max_examples=20, deadline=None)
@given(st.floats(-50, 450), st.floats(-50, 450), st.floats(0.6, 5), st.floats(0, 6.3), st.booleans())
def test_a_sample_from_a_file_is_the_sample_from_memory(
    tmp_path_factory: pytest.TempPathFactory, row: float, col: float, gsd_m: float, angle: float, mirror: bool
) -> None:
    folder = tmp_path_factory.mktemp("ground")
    pixels, mask = make_squares(0, 400, 40)
    make_scene(folder / "scene.tif", pixels=pixels, gsd=1.0)
    make_scene(folder / "mask.tif", pixels=mask[None], gsd=1.0)
    scene = LabeledScene("x", folder / "scene.tif", LabelSpec(folder / "mask.tif", None, {"0": "a", "1": "b"}))
    image = LabelledImage("x", np.ascontiguousarray(pixels.transpose(1, 2, 0)), np.ones((400, 400), bool), mask, 1.0)
    files = GroundFiles()
    found = survey(scene, BANDS, folder / "work", Silent())
    ground = SceneGround(found, BANDS, {"a": 0, "b": 1}, files, gsd_m=1.0)
    view = View(row, col, gsd_m, angle, mirror)
    ours, theirs = (cut_sample(g, view, 48, (1, 2, "global")) for g in (ground, PyramidImage(image)))
    files.close()
    np.testing.assert_array_equal(ours.label, theirs.label)
    same = ours.valid & theirs.valid
    assert (ours.valid != theirs.valid).mean() < 0.02, "rims of coarse levels may differ by a pixel"
    assert np.abs(ours.levels[same].astype(int) - theirs.levels[same]).mean() < 1.5


def test_labels_outside_of_the_labeled_area_are_not_learned(tmp_path: Path) -> None:
    scene = labeled(tmp_path)
    with rasterio.open(scene.image) as dataset:
        west, top = dataset.transform @ (100, 100)
    area = geopandas.GeoDataFrame(geometry=[shapely.box(west, top - 200, west + 100, top)], crs="EPSG:32633")
    pyogrio.write_dataframe(area.to_crs(3857), tmp_path / "aoi.geojson")
    found = survey(
        replace(scene, settings=SceneSettings(aoi=tmp_path / "aoi.geojson")), BANDS, tmp_path / "w", Silent()
    )
    assert sum(found.counts.values()) == pytest.approx(100 * 200, rel=0.01)
    assert found.points[:, 0].min() >= 99 and found.points[:, 1].max() <= 201


def make_survey(values: np.ndarray, stride: int = 16) -> Survey:
    rows, cols = np.nonzero(values != 255)
    points = np.stack([rows, cols], 1) * stride + stride // 2
    size_hw = (values.shape[0] * stride, values.shape[1] * stride)
    scene = LabeledScene("x", Path("x.tif"), LabelSpec(Path("y.tif")))
    return Survey(scene, Path("z.tif"), {}, {}, size_hw, 1.0, stride, points, values[rows, cols])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(32, 200), st.floats(0.05, 0.3))
def test_no_class_is_kept_back_altogether(seed: int, classes: int, side_px: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    values = np.kron(rng.integers(0, classes, (6, 8)), np.ones((5, 5), int)).astype(np.uint8)
    values[rng.random(values.shape) < 0.2] = 255
    found = make_survey(values)
    parts = choose_parts(found, side_px, share, np.random.default_rng(1))
    back = np.zeros(len(found.points), bool)
    for part in parts:
        rows, cols = found.points[:, 0], found.points[:, 1]
        back |= (rows >= part.row) & (rows < part.row_end) & (cols >= part.col) & (cols < part.col_end)
    assert set(found.values[~back]) == set(found.values)
    assert back.mean() <= max(1.5 * share, 0.3)


def test_what_is_kept_back_is_not_learned_and_what_is_learned_does_not_judge(tmp_path: Path) -> None:
    scene = labeled(tmp_path)
    given_ = ImageLabels((scene.image,), (scene.labels.path,), "kind", background="ground")
    recipe = recipe_of_labels(given_, SMALL, "x", tmp_path / "work", Silent())
    assert [c.name for c in recipe.legend] == ["ground", "square"] and recipe.legend.classes[0].background
    assert recipe.gsd_m == pytest.approx(1.0, rel=2e-3)
    with open_data(recipe, Path(), tmp_path / "work", Silent()) as data:
        (_, (learn,)), (judge,) = data.groups[0], data.validation[0].grounds
        everywhere = View(200, 200, 1.0)
        ours, theirs = (cut_sample(g, everywhere, 400, (1,)).label for g in (learn, judge))
    assert ((ours == IGNORE) != (theirs == IGNORE)).mean() > 0.99, "each pixel either teaches or judges"
    assert 0.05 < (theirs != IGNORE).mean() < 0.35
    assert {0, 1} <= set(np.unique(theirs)) and len(judge.labelled)


def write_picture(path: Path, pixels: np.ndarray, driver: str) -> None:
    """A PNG or JPEG without a place, as these data sets have."""
    shape = {"count": len(pixels), "height": pixels.shape[1], "width": pixels.shape[2], "dtype": "uint8"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver=driver, **shape) as dataset:
            dataset.write(pixels.astype(np.uint8))


def deepglobe(folder: Path) -> None:
    (folder / "train").mkdir(parents=True)
    for i in range(6):
        pixels, mask = make_squares(i, 96)
        write_picture(folder / "train" / f"{i}_sat.jpg", pixels, "JPEG")
        rgb = np.where(mask, np.array([0, 255, 255])[:, None, None], np.array([0, 0, 255])[:, None, None])
        write_picture(folder / "train" / f"{i}_mask.png", rgb, "PNG")


def inria(folder: Path) -> None:
    for name in ("images", "gt"):
        (folder / "AerialImageDataset/train" / name).mkdir(parents=True)
    for i in (1, 5, 6, 36):
        pixels, mask = make_squares(i, 96)
        make_scene(folder / f"AerialImageDataset/train/images/vienna{i}.tif", pixels=pixels)
        make_scene(folder / f"AerialImageDataset/train/gt/vienna{i}.tif", pixels=255 * mask[None])


@pytest.mark.parametrize(
    ("make", "classes", "learned", "judged"),
    [(deepglobe, ["urban", "water"], 5, 1), (inria, ["background", "building"], 2, 2)],
)
def test_a_folder_in_a_known_layout_needs_no_recipe(
    tmp_path: Path, make: Callable[[Path], None], classes: list[str], learned: int, judged: int
) -> None:
    make(tmp_path / "data")
    recipe = recipe_of_folder(tmp_path / "data", SMALL, "x", tmp_path / "work", Silent())
    assert set(classes) <= {c.name for c in recipe.legend}
    with open_data(recipe, tmp_path / "data", tmp_path / "work", Silent()) as data:
        grounds, judges = data.groups[0][1], data.validation[0].grounds
        seen = {data.table.names[data.table.rows[r][0]] for g in grounds for r in np.unique(g.label_at)}
        assert (len(grounds), len(judges)) == (learned, judged)
        assert seen == set(classes)
        assert not {g.name for g in grounds} & {g.name for g in judges}


def far_away(folder: Path) -> ImageLabels:
    scene = make_labeled_scene(folder)
    frame = geopandas.GeoDataFrame({"kind": ["square"]}, geometry=[shapely.box(1, 1, 2, 2)], crs=4326)
    pyogrio.write_dataframe(frame, folder / "l.gpkg")
    return ImageLabels((scene,), (folder / "l.gpkg",), "kind", background="ground")


def no_column(folder: Path) -> ImageLabels:
    scene = make_labeled_scene(folder)
    polygons_of(scene, make_squares(0, 400, 40)[1], folder / "l.gpkg", field="art")
    return ImageLabels((scene,), (folder / "l.gpkg",), "kind", background="ground")


def no_labels(folder: Path) -> ImageLabels:
    return ImageLabels((make_labeled_scene(folder),), (folder / "l.gpkg",), "kind")


def one_class(folder: Path) -> ImageLabels:
    scene = make_labeled_scene(folder)
    polygons_of(scene, make_squares(0, 400, 40)[1], folder / "l.gpkg")
    return ImageLabels((scene,), (folder / "l.gpkg",), "kind")


def nowhere(folder: Path) -> ImageLabels:
    placed = make_labeled_scene(folder)
    polygons_of(placed, make_squares(0, 400, 40)[1], folder / "l.gpkg")
    scene = make_scene(folder / "plain.tif", pixels=make_squares(0, 400, 40)[0], crs=None)
    return ImageLabels((scene,), (folder / "l.gpkg",), "kind", background="ground")


def other_size(folder: Path) -> ImageLabels:
    scene = make_scene(folder / "plain.tif", pixels=make_squares(0, 400, 40)[0], crs=None)
    make_scene(folder / "mask.tif", pixels=np.zeros((1, 20, 400), np.uint8), crs=None)
    return ImageLabels((scene,), (folder / "mask.tif",))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (far_away, r"no label of l\.gpkg lies on the imagery of scene\.tif"),
        (no_column, r"l\.gpkg has no column 'kind'"),
        (no_labels, r"scene\.tif has no label"),
        (one_class, r"the labels contain 1 \(square\)"),
        (nowhere, r"plain\.tif is not georeferenced"),
        (other_size, r"mask\.tif is 20 x 400 px, the scene 400 x 400"),
    ],
)
def test_what_does_not_fit_is_told_before_the_first_step(
    tmp_path: Path, make: Callable[[Path], ImageLabels], words: str
) -> None:
    from fctl_geo.errors import FctlError

    with pytest.raises(FctlError, match=words) as told:
        recipe_of_labels(make(tmp_path), SMALL, "x", tmp_path / "work", Silent())
    assert told.value.hint


def test_images_and_labels_must_pair_up() -> None:
    with pytest.raises(TrainingError, match="2 images and 1 label files"):
        ImageLabels((Path("a"), Path("b")), (Path("c"),))
