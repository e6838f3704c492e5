"""What a batch reads, and what it calls its products."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fctl_geo.batch.inputs import SceneInput, find_scenes
from fctl_geo.batch.names import names_of
from fctl_geo.errors import FctlError, SceneError, SettingsError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.tif", "a.TIF", "c.vrt", "preview.jpg", ".hidden.tif", "notes.txt", "deep/d.tif"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "notes.txt").write_text("# two scenes\nb.tif\n\n  deep/d.tif  \nhttps://x.org/e.tif?key=1\n")
    return tmp_path


def stems(*words: object) -> list[str]:
    return [scene.stem for scene in find_scenes([str(word) for word in words])]


def test_a_folder_gives_its_rasters_in_order_and_no_previews(folder: Path) -> None:
    assert stems(folder) == ["a", "b", "c"]


def test_a_list_gives_its_lines_from_its_own_folder(folder: Path) -> None:
    scenes = find_scenes([str(folder / "notes.txt")])
    assert [scene.stem for scene in scenes] == ["b", "d", "e"]
    assert [scene.parent for scene in scenes] == [folder.name, "deep", "x.org"]
    assert scenes[1].scene == str(folder / "deep" / "d.tif")


def test_a_glob_goes_into_folders_and_a_scene_counts_once(folder: Path) -> None:
    assert stems(f"{folder}/**/*.tif", folder / "b.tif") == ["b", "d"]


def test_local_scenes_are_absolute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert find_scenes(["b.tif"])[0].scene == os.fspath(folder / "b.tif")


@pytest.mark.parametrize("word", ["nothing.tif", "*.none", "deep/empty"])
def test_a_word_that_names_nothing_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.chdir(folder)
    (folder / "deep/empty").mkdir()
    with pytest.raises(SceneError):
        find_scenes([word])


def test_a_list_in_another_encoding_is_refused(folder: Path) -> None:
    (folder / "notes.txt").write_bytes("grün.tif".encode("latin-1"))
    with pytest.raises(SceneError, match="not a text list"):
        find_scenes([str(folder / "notes.txt")])


SCENES = [SceneInput("/x/a/t.tif", "t", "a"), SceneInput("/x/b/t.tif", "t", "b")]


def test_a_template_tells_scenes_of_one_name_apart() -> None:
    assert names_of(SCENES, "{parent}/{stem}") == ["a/t", "b/t"]
    assert names_of(SCENES, "{number:03d}-{stem}") == ["001-t", "002-t"]


def test_two_scenes_of_one_name_are_refused_with_both() -> None:
    with pytest.raises(SettingsError, match=r"/x/a/t\.tif and /x/b/t\.tif would both become t"):
        names_of(SCENES, "{stem}")


@pytest.mark.parametrize("template", ["{who}", "out", "{stem", "{}", "../{stem}", "/{stem}", "{stem}/", "{stem.x}"])
def test_a_template_that_cannot_be_is_refused(template: str) -> None:
    with pytest.raises(SettingsError):
        names_of(SCENES[:1], template)


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=12), st.text(max_size=12))
def test_no_template_leads_out_of_the_folder(before: str, stem: str) -> None:
    try:
        (name,) = names_of([SceneInput("x", stem)], before + "{stem}")
    except FctlError:
        return
    root = Path("/root/out")
    assert Path(os.path.normpath(root / f"{name}.tif")).is_relative_to(root)
