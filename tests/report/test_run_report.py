"""The numbers of a report are those of the products, and the page is a product like any other."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from report_factory import HEIGHT, WIDTH, Reported
from scene_factory import make_scene

from fctl_geo import OutputSettings, Settings, read_polygons, segment_scene
from fctl_geo.errors import Cancelled, OutputError, SettingsError
from fctl_geo.products.report_objects import SIZES
from fctl_geo.progress import Silent
from fctl_geo.settings import EngineSettings

VIEWER = Path(__file__).parents[2] / "viewer"
BUNDLE = Path(__file__).parents[2] / "fctl_geo" / "report" / "viewer.min.js"


def settings_of(model: Path, **output: object) -> Settings:
    return Settings(model=str(model), engine=EngineSettings(device="cpu", threads=1), output=OutputSettings(**output))


def data_of(page: str) -> dict[str, object]:
    (text,) = re.findall(r'<script type="application/json" id="map-data">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def cells(page: str, caption: str) -> dict[str, list[str]]:
    """The rows of a table by their first cell."""
    (body,) = re.findall(rf"<caption><span>{re.escape(caption)}.*?<tbody>(.*?)</tbody>", page, re.DOTALL)
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL):
        head, *rest = (unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row))
        found[head] = rest
    return found


@pytest.fixture(scope="module")
def page(reported: Reported) -> str:
    return reported.page.read_text("utf-8")


def test_areas_confidence_and_counts_are_those_of_the_products(page: str, reported: Reported, ids: np.ndarray) -> None:
    with rasterio.open(reported.confidence) as dataset:
        percent = dataset.read(1)
    polygons = read_polygons(reported.polygons)
    rows = cells(page, "Area, share of the classified area")
    for class_id, name in enumerate(("nothing", "a", "b")):
        of_class = ids == class_id
        area, share, count, sure = rows[name]
        found = reported.summary.classes[class_id]
        assert area == f"{found.area:,.0f} m²" and share == f"{of_class.sum() / (ids != 255).sum() * 100:.1f} %"
        assert count == ("–" if class_id == 0 else f"{(polygons.class_id == class_id).sum():,}")
        assert sure == f"{percent[of_class].mean():.0f} %"
    known = percent[ids != 255]
    shares = cells(page, "Share of the pixels by confidence.")
    assert shares["95 to 100 %"] == [f"{(known >= 95).mean():.2%}"]
    assert shares["50 to 55 %"] == [f"{((known >= 50) & (known < 55)).mean():.2%}"]


def test_every_polygon_is_counted_in_its_size(page: str, reported: Reported) -> None:
    polygons = read_polygons(reported.polygons)
    rows = cells(page, "Polygons by size.")
    for k, low in enumerate(SIZES[:-1]):
        within = polygons[(polygons.area_m2 >= low) & (polygons.area_m2 < SIZES[k + 1])]
        name = f"{low:,} to {SIZES[k + 1]:,} m²"
        if len(within):
            assert rows[name] == [f"{(within.class_id == i).sum():,}" for i in (1, 2)], name
    assert sum(int(n.replace(",", "")) for row in rows.values() for n in row) == len(polygons)


def test_outlines_lie_on_their_polygons(page: str, reported: Reported) -> None:
    """The map's outlines, back from steps in tenths of a pixel, deviate from the polygons by a pixel at most."""
    polygons = read_polygons(reported.polygons)
    data = data_of(page)
    a, _, c, _, e, f = data["transform"]
    names = [info["name"] for info in data["classes"]]
    drawn = []
    for index, *rings in data["outlines"]:
        corners = [np.cumsum(np.array(ring).reshape(-1, 2), axis=0) / 10 for ring in rings]
        corners = [np.column_stack([c + a * xy[:, 0], f + e * xy[:, 1]]) for xy in corners]
        drawn.append((names[index], shapely.Polygon(corners[0], corners[1:])))
    assert len(drawn) == len(polygons)
    for (name, shape), (_, row) in zip(drawn, polygons.iterrows(), strict=True):
        assert name == row.class_name
        assert shapely.hausdorff_distance(shape.boundary, row.geometry.boundary) < 1.5 * abs(a)


def test_facts_warnings_and_the_model_are_told(page: str, reported: Reported, model: Path) -> None:
    facts = cells(page, "What was run")
    assert hashlib.sha256(model.read_bytes()).hexdigest() in facts["model checksum"][0]
    assert facts["size"][0].startswith(f"{WIDTH} x {HEIGHT} px") and "cpu" in facts["device"][0]
    assert "report.html" in facts["files"][0] and str(reported.page) in map(str, reported.summary.files)
    settings = cells(page, "Settings that change the products")
    assert settings["merge"] == ["blend"] and settings["min_area_m2"] == ["0.0"]
    assert "nobody" in page and "CC0" in page


def test_warnings_of_the_whole_run_are_listed(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "gray.tif", bands=1, gsd=0.3)
    settings = settings_of(model, report=tmp_path / "r.html")
    simple = replace(settings, polygons=replace(settings.polygons, simplify_m=300.0))
    summary = segment_scene(scene, simple).summary
    page = (tmp_path / "r.html").read_text("utf-8")
    listed = [unescape(words) for words in re.findall(r"<li>(.*?)</li>", page)]
    assert summary.warnings and set(summary.warnings) <= {*listed}
    assert any("it is limited to" in words for words in listed), "told while the polygons were made"


def test_a_report_alone_needs_no_other_product_and_leaves_nothing_beside(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "s.tif", gsd=0.3)
    segment_scene(scene, settings_of(model, report=tmp_path / "alone.html"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone.html", "s.tif"]
    page = (tmp_path / "alone.html").read_text("utf-8")
    assert data_of(page)["outlines"] and cells(page, "Polygons by size.")


def test_too_many_polygons_are_left_out_and_counted(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = make_scene(tmp_path / "s.tif", gsd=0.3)
    for limit in ("MOST_OUTLINES", "MOST_CORNERS"):
        with monkeypatch.context() as few:
            few.setattr(f"fctl_geo.products.report_objects.{limit}", 5)
            segment_scene(scene, settings_of(model, report=tmp_path / "r.html", overwrite=True))
        page = (tmp_path / "r.html").read_text("utf-8")
        assert data_of(page)["outlines"] == [] and "are too many for this map" in page
        assert cells(page, "Polygons by size."), "they are still counted"


@pytest.mark.parametrize("grid", ["scene", "model"])
def test_the_map_covers_the_part_that_was_segmented(tmp_path: Path, model: Path, grid: str) -> None:
    scene = make_scene(tmp_path / "s.tif", 500, 400, gsd=0.17)
    box = (500_000 + 13.37, 4_600_000 - 60, 500_000 + 80, 4_600_000 - 7.7)
    settings = replace(
        Settings.of({"model": str(model), "bbox": box, "grid": grid, "device": "cpu"}),
        output=OutputSettings(outs=(tmp_path / "c.tif",), report=tmp_path / "r.html"),
    )
    segment_scene(scene, settings)
    data = data_of((tmp_path / "r.html").read_text("utf-8"))
    with rasterio.open(tmp_path / "c.tif") as classes:
        assert data["size"] == [classes.width, classes.height] and data["transform"] == list(classes.transform)[:6]
    left, bottom, right, top = data["scene_extent"]
    width, height = data["size"]
    pixel = 0.3 / 0.17 if grid == "scene" else 1.0  # a pixel of the scene's picture: the model's
    assert (
        -pixel < left <= 0
        and width <= right < width + pixel
        and 0 <= top < pixel
        and -height - pixel < bottom <= -height
    )


@pytest.mark.parametrize(
    ("name", "words"), [("r.pdf", "extension"), ("there.html", "already exists"), ("no/r.html", "does not exist")]
)
def test_a_report_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, model: Path, name: str, words: str
) -> None:
    (tmp_path / "there.html").write_text("mine")
    scene = make_scene(tmp_path / "s.tif", gsd=0.3)
    settings = settings_of(model, outs=(tmp_path / "c.tif",), report=tmp_path / name)
    with pytest.raises(OutputError, match=words):
        segment_scene(scene, settings, progress=NoWork())
    assert (tmp_path / "there.html").read_text() == "mine" and not (tmp_path / "c.tif").exists()


def test_a_report_needs_a_name_of_its_own(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "s.tif", gsd=0.3)
    with pytest.raises((OutputError, SettingsError)):
        segment_scene(scene, settings_of(model, outs=(tmp_path / "r.html",), report=tmp_path / "r.html"))


def test_a_run_that_is_stopped_while_the_report_is_made_leaves_none(tmp_path: Path, model: Path) -> None:
    scene = make_scene(tmp_path / "s.tif", gsd=0.3)
    with pytest.raises(Cancelled):
        segment_scene(scene, settings_of(model, report=tmp_path / "r.html"), progress=StopsAtReport())
    assert not (tmp_path / "r.html").exists()


def test_the_bundle_is_made_of_the_sources_and_has_the_licenses() -> None:
    text = BUNDLE.read_text("utf-8")
    sources = b"".join((VIEWER / name).read_bytes() for name in ("viewer.js", "paint.js", "package-lock.json"))
    assert hashlib.sha256(sources).hexdigest() in text[:200], "run `make viewer`"
    head = text[: text.index("*/")]
    assert "OpenLayers" in head and "Redistributions in binary form" in head and "rbush" in head
    assert "</script" not in text


class NoWork(Silent):
    """Fails the test once a patch is computed."""

    def advance(self, steps: int = 1) -> None:
        pytest.fail("the work has begun")


class StopsAtReport(Silent):
    """Asks to stop once the report begins."""

    cancelled = False

    def stage(self, name: str, total: int) -> None:
        self.cancelled = name == "report"
