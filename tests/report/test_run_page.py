"""The report of a run in a real browser: it loads nothing, its map works by pointer and keyboard, all can read it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, Request, expect
from report_factory import GSD_M, HEIGHT, NAME, WIDTH, Reported

Open = Callable[..., Page]
COLORS = np.array([(230, 230, 230), (214, 69, 65), (96, 160, 86)])
"""Of the model's classes."""


@pytest.fixture
def open_report(browser: Browser, reported: Reported) -> Iterator[Open]:
    """Opens the report; whatever the page logs, asks for or throws fails the test."""
    contexts, noise = [], []

    def opened(width: int = 1280, scheme: str = "light", path: Path | None = None, **options: object) -> Page:
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        address = (path or reported.page).as_uri()
        page.on("console", lambda message: noise.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on(
            "request", lambda asked: noise.append(asked.url) if asked.url[:5] not in (address[:5], "data:") else None
        )
        page.goto(address)
        if options.get("java_script_enabled", True):
            expect(page.locator("#map-center")).not_to_be_empty()
            page.wait_for_timeout(300)
        return page

    yield opened
    assert not noise
    for context in contexts:
        context.close()


def is_foreign(asked: Request, address: str) -> bool:
    return asked.url != address and not asked.url.startswith("data:")


def colors_of(page: Page) -> np.ndarray:
    """(h, w, 3) what the map shows."""
    page.wait_for_timeout(250)
    with Image.open(io.BytesIO(page.locator("#map").screenshot())) as image:
        return np.array(image.convert("RGB")).astype(int)


def in_class_colors(pixels: np.ndarray) -> float:
    """Share of pixels in exactly the color of a class."""
    return float((np.abs(pixels[:, :, None] - COLORS).sum(-1) == 0).any(-1).mean())


def slide_to(page: Page, value: int) -> None:
    page.locator("#map-swipe").fill(str(value))


def test_the_slider_divides_the_map_into_scene_and_classes(open_report: Open) -> None:
    page = open_report()
    page.get_by_label("outlines").uncheck()
    page.get_by_label("nothing").check()
    slide_to(page, 0)
    assert in_class_colors(colors_of(page)[60:-60, 80:-80]) > 0.9
    slide_to(page, 50)
    half = colors_of(page)[60:-60]
    middle = half.shape[1] // 2
    assert in_class_colors(half[:, 80 : middle - 20]) < 0.1
    assert in_class_colors(half[:, middle + 20 : -80]) > 0.9
    slide_to(page, 100)
    assert in_class_colors(colors_of(page)[60:-60, 80:-80]) < 0.1


def test_the_slider_works_by_keyboard_and_says_where_it_is(open_report: Open) -> None:
    page = open_report()
    slider = page.get_by_role("slider")
    before = colors_of(page)
    slider.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert slider.input_value() == "70" and "70 percent" in (slider.get_attribute("aria-valuetext") or "")
    assert "scene" in (page.locator("label[for=map-swipe]").text_content() or "")
    changed = np.abs(colors_of(page) - before).sum(-1) > 30
    columns = np.flatnonzero(changed.mean(0) > 0.3)
    width = before.shape[1]
    assert 0.47 * width < columns.min() and columns.max() < 0.73 * width and len(columns) > 0.15 * width


def test_the_divider_can_be_dragged(open_report: Open) -> None:
    page = open_report()
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 30, steps=4)
    page.mouse.up()
    assert page.locator("#map-swipe").input_value() == "25"


def test_the_map_works_by_keyboard(open_report: Open) -> None:
    page = open_report()
    center = page.locator("#map-center")
    before = center.text_content()
    page.locator("#map").focus()
    page.keyboard.press("+")
    page.wait_for_timeout(500)
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    after = center.text_content()
    assert before != after and (after or "").startswith("Center of the map: ")
    wide = page.locator(".ol-scale-line-inner").text_content()
    page.get_by_title("Show everything").press("Enter")
    page.wait_for_timeout(500)
    assert page.locator(".ol-scale-line-inner").text_content() != wide


def test_the_scale_bar_is_as_long_as_it_says(open_report: Open) -> None:
    page = open_report()
    words = page.locator(".ol-scale-line-inner")
    meters = float((words.text_content() or "").removesuffix(" m"))
    bar, shown = words.bounding_box(), page.locator("#map").bounding_box()
    assert bar is not None and shown is not None
    meters_a_pixel = max(WIDTH * GSD_M / shown["width"], HEIGHT * GSD_M / shown["height"])
    assert bar["width"] * meters_a_pixel == pytest.approx(meters, rel=0.06)


def test_the_pointer_reads_the_class_that_the_raster_has_there(open_report: Open, ids: np.ndarray) -> None:
    page = open_report()
    names = {0: "nothing", 1: "a", 2: "b", 255: "no data"}
    slide_to(page, 100)
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map").bounding_box()
    assert box is not None
    scale = min(box["width"] / WIDTH, box["height"] / HEIGHT)
    found = []
    inside = np.random.default_rng(1).integers((40, 60), (HEIGHT - 40, WIDTH - 60), (20, 2))
    for row, col in [(50, 530), *inside]:
        x = box["x"] + box["width"] / 2 + (col + 0.5 - WIDTH / 2) * scale
        y = box["y"] + box["height"] / 2 + (row + 0.5 - HEIGHT / 2) * scale
        page.mouse.move(x, y)
        page.wait_for_timeout(30)
        said = page.locator("#map-pointer").text_content() or ""
        around = {names[int(i)] for i in ids[row - 1 : row + 2, col - 1 : col + 2].ravel()}
        assert said.partition(" at ")[0] in around, (row, col, said)
        place = [float(number) for number in said.partition(" at ")[2].split(", ")]
        assert place == pytest.approx([500_000 + GSD_M * col, 4_600_000 - GSD_M * row], abs=0.7)
        found.append(said.partition(" at ")[0])
    assert "no data" in found and len({*found}) > 2


def test_a_class_can_be_hidden_and_hatches_tell_classes_apart_without_color(open_report: Open) -> None:
    page = open_report()
    page.get_by_label("outlines").uncheck()
    slide_to(page, 0)
    red = COLORS[1]
    share = [(np.abs(colors_of(page) - red).sum(-1) == 0).mean()]
    page.get_by_label("hatches").check()
    share.append((np.abs(colors_of(page) - red).sum(-1) == 0).mean())
    page.get_by_label("a", exact=True).uncheck()
    share.append((np.abs(colors_of(page) - red).sum(-1) == 0).mean())
    assert share[0] > 0.05 and 0.3 * share[0] < share[1] < 0.95 * share[0] and share[2] < 0.001


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_nobody_is_shut_out(open_report: Open, width: int, scheme: str) -> None:
    """axe-core finds no violation of WCAG, and nothing makes the page scroll sideways."""
    page = open_report(width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((folded) => { folded.open = true; })")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_names_are_shown_as_they_are_and_never_run(open_report: Open) -> None:
    page = open_report()
    assert page.locator("h1").text_content() == NAME and page.title().startswith(NAME)
    assert page.locator("img[src=x]").count() == 0


def test_nothing_that_is_put_into_the_page_runs(browser: Browser, reported: Reported) -> None:
    """The policy allows the page's own script and style, by their hashes, and nothing else."""
    page = browser.new_page()
    page.goto(reported.page.as_uri())
    policy = page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute("content") or ""
    assert "unsafe" not in policy and "default-src 'none'" in policy and "http" not in policy
    page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', '<img id=bad src="data:," onerror="window.ran = true">');
        return new Promise((done) => { document.querySelector('#bad').addEventListener('error', done); });
    }""")
    assert page.evaluate("window.ran") is None
    page.close()


def test_without_scripts_both_images_are_shown(open_report: Open) -> None:
    page = open_report(java_script_enabled=False)
    assert page.get_by_alt_text("The scene, reduced").is_visible()
    assert page.get_by_alt_text("Its classes, reduced").is_visible()
    assert not page.locator("#map-controls").is_visible() and not page.locator("#map").is_visible()
