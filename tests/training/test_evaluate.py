"""Judging a model or a class raster: numbers against other ways of counting them, and the report that tells them."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
import torch
from axe_playwright_python.sync_playwright import Axe
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from model_factory import make_model
from playwright.sync_api import Browser
from scene_factory import make_scene
from scipy import ndimage

from fctl_geo import Settings, segment_scene
from fctl_geo.errors import TrainingError
from fctl_geo.model.modelfile import read_model_info
from fctl_geo.progress import Silent
from fctl_geo.spec import NODATA, ClassInfo, Legend
from fctl_geo.training import judge
from fctl_geo.training.boundary import BoundaryScore
from fctl_geo.training.evaluate import Evaluation, EvaluationSettings, evaluate_classes, evaluate_model
from fctl_geo.training.labeled_scenes import LabeledScene
from fctl_geo.training.labels import LabelSpec
from fctl_geo.training.metrics import Confusion
from fctl_geo.training.objects import ObjectMatcher
from fctl_geo.training.places import image_place, scene_place
from fctl_geo.training.report import html_page, report_values
from fctl_geo.training.sources import IGNORE, AllowedTable, LabeledImage

LEGEND = Legend((ClassInfo(0, "land", (230, 230, 230), background=True), ClassInfo(1, "building", (214, 69, 65))))
masks = arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.booleans())


def make_truth(height: int = 700, width: int = 900, seed: int = 0) -> np.ndarray:
    """Rectangles of buildings on land, a corner unlabeled."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((height, width), np.uint8)
    for row, col in zip(rng.integers(0, height - 60, 40), rng.integers(0, width - 60, 40), strict=True):
        truth[row : row + rng.integers(8, 50), col : col + rng.integers(8, 50)] = 1
    truth[: height // 5, : width // 5] = NODATA
    return truth


def judged(tmp_path: Path, guess: np.ndarray, truth: np.ndarray, **options: object) -> Evaluation:
    """A class raster judged by a raster of labels."""
    image = make_scene(tmp_path / "scene.tif", pixels=np.full((3, *truth.shape), 90, np.uint8))
    make_scene(tmp_path / "guess.tif", pixels=guess[None], nodata=NODATA)
    make_scene(tmp_path / "truth.tif", pixels=truth[None], nodata=NODATA)
    labels = LabelSpec(tmp_path / "truth.tif", None, {"0": "land", "1": "building"})
    place = scene_place(LabeledScene("here", image, labels), LEGEND, tmp_path / "work", Silent())
    with place as opened:
        return evaluate_classes(tmp_path / "guess.tif", LEGEND, [opened], EvaluationSettings(**options), Silent())


def test_scores_equal_those_of_torchmetrics() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchmetrics.functional.classification import (
            multiclass_accuracy,
            multiclass_f1_score,
            multiclass_jaccard_index,
        )
    rng = np.random.default_rng(1)
    truth, guess = rng.integers(0, 4, 5000), rng.integers(0, 4, 5000)
    guess = np.where(rng.random(5000) < 0.6, truth, guess)
    ours = Confusion(4)
    ours.add_classes(guess, truth)
    scores = ours.scores(list("abcd"))
    pair = torch.from_numpy(guess), torch.from_numpy(truth)
    assert [s.iou for s in scores] == pytest.approx(multiclass_jaccard_index(*pair, 4, average="none").tolist())
    assert [s.f1 for s in scores] == pytest.approx(multiclass_f1_score(*pair, 4, average="none").tolist())
    assert ours.accuracy == pytest.approx(float(multiclass_accuracy(*pair, 4, average="micro")))


def overlaps(true: np.ndarray, found: np.ndarray) -> list[tuple[int, int, int, int, int]]:
    """Every pair of objects that meet: numbers, common pixels, pixels of each; by brute force."""
    return [
        (i, j, ((true == i) & (found == j)).sum(), (true == i).sum(), (found == j).sum())
        for i in np.unique(true[true > 0])
        for j in np.unique(found[(true == i) & (found > 0)])
    ]


@settings(max_examples=25, deadline=None)
@given(masks, st.integers(1, 9), st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_objects_are_those_of_brute_force_whatever_the_bands(
    truth: np.ndarray, band: int, seed: int, number_truth: bool, number_guess: bool
) -> None:
    rng = np.random.default_rng(seed)
    guess = truth ^ (rng.random(truth.shape) < 0.1)
    true, found = ndimage.label(truth)[0], ndimage.label(guess)[0]
    far = 1 + 10**6 * rng.permutation(500).astype(np.int64)
    matcher = ObjectMatcher()
    for row in range(0, len(truth), band):
        rows = slice(row, row + band)
        matcher.add(
            np.where(guess, far[found], 0)[rows] if number_guess else guess[rows],
            np.where(truth, far[true], 0)[rows] if number_truth else truth[rows],
        )
    pairs = overlaps(true, found)
    matched = sum(both >= 0.5 * (a + b - both) for _, _, both, a, b in pairs)
    hosts = [j for _, j, both, a, _ in pairs if both > a / 2]
    parts = [i for i, _, both, _, b in pairs if both > b / 2]
    score = matcher.score()
    assert (score.truth, score.found) == (true.max(), found.max())
    assert matched - 1 <= score.matched <= matched or score.matched == matched
    assert score.merged == sum(hosts.count(j) > 1 for j in hosts)
    assert score.split == sum(parts.count(i) > 1 for i in set(parts))


def test_numbers_mean_other_objects_in_another_image() -> None:
    matcher = ObjectMatcher()
    ones = np.ones((2, 3), np.int64)
    for _ in range(2):
        matcher.start()
        matcher.add(ones, ones)
    assert (matcher.score().truth, matcher.score().found, matcher.score().matched) == (2, 2, 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_partial_labels_judge_what_they_rule_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = AllowedTable(Legend(tuple(ClassInfo(i, n, (i, i, i)) for i, n in enumerate("abc"))))
    full, neither, either = table.index_of("a"), table.index_of("bc"), table.index_of("ab")
    label = rng.choice([full, neither, either, IGNORE], (20, 20)).astype(np.uint8)
    guess = rng.integers(0, 3, (20, 20))
    ours = Confusion(3)
    ours.add(guess[:9], label[:9], table)
    ours.add(guess[9:], label[9:], table)
    hit = ((label == full) & (guess == 0)).sum()
    false = ((label == neither) & (guess == 0)).sum()
    assert ours.iou(list("abc"))["a"] == pytest.approx(hit / ((label == full).sum() + false))
    right = hit + ((label == neither) & (guess > 0)).sum() + ((label == either) & (guess < 2)).sum()
    assert ours.accuracy == pytest.approx(right / (label != IGNORE).sum())
    assert ours.mean_iou == pytest.approx(ours.iou(list("abc"))["a"]), "the truth shows no other class"


def test_a_place_with_partial_labels_judges_through_the_whole_pipeline(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m.safetensors", classes=3)
    legend = read_model_info(model).legend
    names = [c.name for c in legend]
    table = AllowedTable(legend)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (90, 110, 3), np.uint8)
    label = np.full((90, 110), table.index_of(names[1:]), np.uint8)
    label[:40] = table.index_of(names[:1])
    label[80:] = IGNORE
    image = LabeledImage("x", pixels, np.ones(label.shape, bool), label, 1.0)
    with image_place(image, table) as place:
        found = evaluate_model(model, legend, [place], EvaluationSettings(objects=""), Silent())
        segment_scene(place.scene, Settings.of({"model": str(model), "outs": (tmp_path / "c.tif",), "gsd_m": 1.0}))
    with rasterio.open(tmp_path / "c.tif") as raster:
        guess = np.isin(raster.read(1), [legend.classes[0].id])
    assert found.judged == 80 * 110
    expected = guess[:40].sum() / (40 * 110 + guess[40:80].sum())
    assert found.classes[0].iou == pytest.approx(expected)
    assert html_page(found)


def test_touching_houses_of_the_labels_are_objects_of_their_own(tmp_path: Path) -> None:
    import geopandas

    truth = np.zeros((700, 300), np.uint8)
    truth[200:340, 60:200] = 1
    image = make_scene(tmp_path / "scene.tif", pixels=np.full((3, 700, 300), 90, np.uint8), gsd=1.0)
    with rasterio.open(image) as dataset:
        place = dataset.transform

    def box(row: int, col: int, height: int, width: int) -> shapely.Polygon:
        return shapely.box(*(place @ (col, row + height)), *(place @ (col + width, row)))

    houses = [box(200, 60, 140, 70), box(200, 130, 140, 70)]
    frame = geopandas.GeoDataFrame({"kind": ["building"] * 2}, geometry=houses, crs="EPSG:32633")
    pyogrio.write_dataframe(frame, tmp_path / "labels.geojson")
    make_scene(tmp_path / "guess.tif", pixels=truth[None], gsd=1.0)
    labels = LabelSpec(tmp_path / "labels.geojson", "kind", background="land")
    with scene_place(LabeledScene("x", image, labels), LEGEND, tmp_path / "w", Silent()) as opened:
        found = evaluate_classes(tmp_path / "guess.tif", LEGEND, [opened], EvaluationSettings(), Silent())
    assert found.objects is not None
    assert (found.objects.truth, found.objects.found) == (2, 1)
    assert (found.objects.merged, found.objects.split) == (2, 0)


def test_a_contour_that_is_off_by_the_tolerance_is_met_and_one_further_off_is_not() -> None:
    truth = np.zeros((60, 60), np.uint8)
    truth[20:40, 20:40] = 1
    for shift, met in ((2, True), (3, True), (4, False)):
        guess = np.roll(truth, shift, 1)
        score = BoundaryScore(2, 3)
        score.add(guess, truth, (slice(None), slice(None)))
        assert bool(score.f_scores()[1] == 1.0) is met, shift


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 3), st.integers(0, 1000))
def test_contours_do_not_see_the_tiles_they_are_counted_in(tolerance: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, guess = (np.kron(rng.integers(0, 3, (9, 9)), np.ones((7, 7), int)).astype(np.uint8) for _ in range(2))
    whole, tiled = BoundaryScore(3, tolerance), BoundaryScore(3, tolerance)
    whole.add(guess, truth, (slice(None), slice(None)))
    halo = tiled.halo_px
    for row in range(0, 63, 20):
        top, end = max(0, row - halo), min(63, row + 20 + halo)
        core = (slice(row - top, min(63, row + 20) - top), slice(None))
        tiled.add(guess[top:end], truth[top:end], core)
    np.testing.assert_array_equal(whole.f_scores(), tiled.f_scores())
    np.testing.assert_array_equal(whole.trimap.counts, tiled.trimap.counts)


def test_a_perfect_class_raster_has_only_ones(tmp_path: Path) -> None:
    truth = make_truth()
    found = judged(tmp_path, np.where(truth == NODATA, 0, truth), truth)
    assert found.miou == found.accuracy == found.mean_f1 == found.trimap_miou == 1.0
    assert found.boundary_f == (1.0, 1.0)
    assert found.objects is not None and found.objects.f1 == 1.0
    assert not found.worst


def test_a_wrong_class_raster_is_judged_as_counted_by_hand_and_only_where_there_are_labels(tmp_path: Path) -> None:
    truth = make_truth()
    guess = np.roll(truth, (5, 7), (0, 1))
    guess[guess == NODATA] = 0
    guess[truth == NODATA] = 1  # wrong, but nobody labeled it
    found = judged(tmp_path, guess, truth)
    known = truth != NODATA
    for index, score in enumerate(found.classes):
        both, either = (truth == index) & (guess == index), (truth == index) | (guess == index)
        assert score.iou == pytest.approx((both & known).sum() / (either & known).sum())
    assert found.accuracy == pytest.approx((truth == guess)[known].mean())
    assert found.judged == known.sum()
    errors = ((truth != guess) & known)[:512, :512].sum()
    assert any(w.wrong == errors and (w.window.row, w.window.col) == (0, 0) for w in found.worst)


def test_bands_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = make_truth()
    guess = np.where(np.roll(truth, 3, 1) == 1, 1, 0).astype(np.uint8)
    tall = judged(tmp_path, guess, truth)
    monkeypatch.setattr(judge, "BAND_PX", 64)
    monkeypatch.setattr(judge, "_TILE_PX", 100)
    assert report_values(judged(tmp_path, guess, truth)) == report_values(tall)


def test_labels_in_another_crs_judge_as_well_as_those_burnt_on_the_grid(tmp_path: Path) -> None:
    truth = np.zeros((300, 300), np.uint8)
    truth[50:150, 60:200] = 1
    image = make_scene(tmp_path / "scene.tif", pixels=np.full((3, 300, 300), 90, np.uint8), gsd=1.0)
    with rasterio.open(image) as dataset:
        place = dataset.transform
    corners = [place @ xy for xy in ((60, 50), (200, 50), (200, 150), (60, 150))]
    import geopandas

    frame = geopandas.GeoDataFrame({"kind": ["building"]}, geometry=[shapely.Polygon(corners)], crs="EPSG:32633")
    for name in ("labels.gpkg", "labels.geojson"):
        pyogrio.write_dataframe(frame.to_crs(4326), tmp_path / name)
        labels = LabelSpec(tmp_path / name, "kind", background="land")
        make_scene(tmp_path / "guess.tif", pixels=truth[None], gsd=1.0)
        with scene_place(LabeledScene("x", image, labels), LEGEND, tmp_path / "w", Silent()) as opened:
            found = evaluate_classes(tmp_path / "guess.tif", LEGEND, [opened], EvaluationSettings(), Silent())
        assert found.miou > 0.995, name


def test_a_model_is_judged_by_what_segment_gives(tmp_path: Path) -> None:
    model = make_model(tmp_path / "m.safetensors", classes=2)
    legend = read_model_info(model).legend
    scene = make_scene(tmp_path / "scene.tif", width=300, height=260)
    segment_scene(scene, Settings.of({"model": str(model), "outs": (tmp_path / "own.tif",)}))
    labels = LabelSpec(tmp_path / "own.tif")
    with scene_place(LabeledScene("x", scene, labels), legend, tmp_path / "w", Silent()) as opened:
        found = evaluate_model(model, legend, [opened], EvaluationSettings(objects=legend.classes[1].name), Silent())
        part = opened.windows[0]
    assert found.accuracy == 1.0 and found.judged == 300 * 260
    assert found.objects is not None and found.objects.truth > 0
    assert found.objects.f1 == 1.0, "the polygons are the regions of the raster"
    window = type(part)(40, 70, 90, 100)
    with scene_place(LabeledScene("x", scene, labels), legend, tmp_path / "w", Silent(), windows=[window]) as opened:
        found = evaluate_model(model, legend, [opened], EvaluationSettings(), Silent())
    assert found.accuracy == 1.0 and found.judged == 90 * 100, "a part is segmented as the whole is"


def test_the_report_tells_every_number_and_needs_no_other_file(tmp_path: Path) -> None:
    truth = make_truth()
    found = judged(tmp_path, np.where(np.roll(truth, 9, 1) == 1, 1, 0).astype(np.uint8), truth, convention="inria")
    values = json.loads(json.dumps(report_values(found)))
    assert values["inria"] == {"building_IoU": values["classes"]["building"]["IoU"], "accuracy": values["accuracy"]}
    page = html_page(found)
    assert f"{found.miou * 100:.1f}" in page and "data:image/png" in page and "data:image/webp" in page
    assert "://" not in page and 'src="data:' in page and "<script" not in page and "script-src 'none'" in page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_the_report(tmp_path: Path, browser: Browser, scheme: str) -> None:
    """axe-core finds no violation of WCAG, whatever the tint of a cell, and the policy lets nothing else in."""
    truth = make_truth()
    found = judged(tmp_path, np.where(np.roll(truth, 3, 1) == 1, 1, 0).astype(np.uint8), truth)
    counts = np.array([[95, 5], [40, 60]])
    page = browser.new_page(color_scheme=scheme)
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    for confusion in (counts, counts[::-1], np.array([[100, 0], [0, 100]])):
        path = tmp_path / "report.html"
        path.write_text(html_page(replace(found, confusion=confusion)), "utf-8")
        page.goto(path.as_uri())
        seen = Axe().run(page)
        assert seen.violations_count == 0, seen.generate_report()
    page.close()
    assert not noise


def test_unknown_ground_is_not_counted_by_the_deepglobe_convention(tmp_path: Path) -> None:
    legend = Legend(
        (ClassInfo(0, "unknown", (0, 0, 0)), ClassInfo(1, "water", (0, 0, 255)), ClassInfo(2, "urban", (9, 9, 9)))
    )
    truth = np.tile(np.array([0, 1, 2], np.uint8), (30, 10))
    image = make_scene(tmp_path / "scene.tif", pixels=np.full((3, 30, 30), 90, np.uint8))
    make_scene(tmp_path / "guess.tif", pixels=np.where(truth == 0, 2, truth)[None])
    make_scene(tmp_path / "truth.tif", pixels=truth[None])
    labels = LabelSpec(tmp_path / "truth.tif", None, {"0": "unknown", "1": "water", "2": "urban"})
    scene = LabeledScene("x", image, labels)
    results = {}
    for convention, unjudged in (("plain", frozenset()), ("deepglobe", frozenset({"unknown"}))):
        with scene_place(scene, legend, tmp_path, Silent(), unjudged=unjudged) as opened:
            chosen = EvaluationSettings(convention=convention)
            results[convention] = evaluate_classes(tmp_path / "guess.tif", legend, [opened], chosen, Silent())
    assert results["deepglobe"].miou == 1.0 and results["deepglobe"].judged == 600
    assert results["plain"].miou == pytest.approx((0 + 1 + 0.5) / 3)


def test_labels_without_a_class_of_the_model_are_refused(tmp_path: Path) -> None:
    image = make_scene(tmp_path / "scene.tif", width=40, height=30)
    make_scene(tmp_path / "truth.tif", pixels=np.ones((1, 30, 40), np.uint8))
    labels = LabelSpec(tmp_path / "truth.tif", None, {"1": "glacier"})
    with (
        pytest.raises(TrainingError, match="glacier"),
        scene_place(LabeledScene("x", image, labels), LEGEND, tmp_path, Silent()),
    ):
        pass
