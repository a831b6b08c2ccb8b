"""The pictures of the docs show what they would show if they were taken today, by `tools/screenshots.py`."""

import io
import re
import shutil
import subprocess
import sys

import pytest
from locations import DOCS, TESTS
from PIL import Image

import pictures
import screenshots

BENCHMARKS = TESTS.parent / "benchmarks"
README = TESTS.parent / "README.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
MADE = {"front", "terminal"} | {
    f"agent-{page}" for page in ("credential", "editor", "flow", "run", "runs", "webhooks")
}
LARGEST = 200_000
USED = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")


def png(color="white"):
    written = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(written, "PNG")
    return written.getvalue()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder that pictures are saved in, in place of docs/images."""
    monkeypatch.setattr(pictures, "FOLDER", tmp_path)
    return tmp_path


def check_benchmarks(folder):
    return subprocess.run(
        [sys.executable, folder / "record.py", "--check"], capture_output=True, text=True, check=False
    )


def used():
    return {
        (page.parent / path).resolve()
        for page in PAGES
        for _, path in USED.findall(page.read_text("utf-8"))
        if "://" not in path
    }


@pytest.mark.usefixtures("chromium")
def test_the_pictures_are_current():
    made = list(screenshots.pictures())
    assert {picture.name for picture in made} == MADE
    assert not "\n\n".join(filter(None, map(screenshots.stale, made)))


def test_a_page_or_the_readme_uses_each_file_of_the_folder():
    saved = {
        path for name in MADE for path in (pictures.FOLDER / f"{name}.png", pictures.FOLDER / f"{name}.txt")
    }
    assert set(pictures.FOLDER.iterdir()) == saved
    benchmarks = DOCS / "benchmarks.png"
    assert used() == {path.resolve() for path in saved if path.suffix == ".png"} | {benchmarks}


def test_a_picture_says_what_it_shows_to_people_who_dont_see_it():
    for page in PAGES:
        for text, path in USED.findall(page.read_text("utf-8")):
            assert len(text.split()) > 2, f"{page.name}: {path}"


def test_a_picture_is_small():
    for name in MADE:
        assert (pictures.FOLDER / f"{name}.png").stat().st_size < LARGEST, name


def test_the_picture_of_the_benchmarks_is_drawn_from_the_figures_of_their_page():
    done = check_benchmarks(BENCHMARKS)
    assert done.returncode == 0, done.stderr


def test_a_changed_figure_makes_the_picture_of_the_benchmarks_stale(tmp_path):
    shutil.copytree(BENCHMARKS, tmp_path / "benchmarks", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    (tmp_path / "docs").mkdir()
    shutil.copy(DOCS / "benchmarks.png", tmp_path / "docs")
    page = (DOCS / "benchmarks.md").read_text("utf-8")
    assert "| 95 calls |" in page
    (tmp_path / "docs" / "benchmarks.md").write_text(page.replace("| 95 calls |", "| 96 calls |"), "utf-8")
    done = check_benchmarks(tmp_path / "benchmarks")
    assert done.returncode == 1
    assert "benchmarks.png is stale" in done.stderr
    assert "+calendly-connector: 96 calls, 5 events missed" in done.stderr


@pytest.mark.usefixtures("folder")
def test_a_changed_label_makes_a_picture_stale():
    pictures.Picture("page", png(), '- button "Save"').save()
    assert not screenshots.stale(pictures.Picture("page", png("black"), '- button "Save"'))
    problem = screenshots.stale(pictures.Picture("page", png(), '- button "Keep"'))
    assert problem.splitlines()[0] == "--- page.png"
    assert '-- button "Save"\n+- button "Keep"' in problem


def test_a_picture_or_text_that_was_changed_by_hand_is_stale(folder):
    page = pictures.Picture("page", png(), '- button "Save"')
    page.save()
    (folder / "page.png").write_bytes(png("black"))
    assert "page.png or its text was changed by hand" in screenshots.stale(page)
    page.save()
    text = folder / "page.txt"
    text.write_text(text.read_text("utf-8").replace("Save", "Keep"), encoding="utf-8")
    assert "page.png or its text was changed by hand" in screenshots.stale(
        pictures.Picture("page", png(), '- button "Keep"')
    )


@pytest.mark.usefixtures("folder")
def test_a_picture_that_was_never_saved_is_stale():
    assert "page.txt" in screenshots.stale(pictures.Picture("page", png(), "text"))


def test_the_check_names_the_stale_picture_and_saves_nothing(folder, monkeypatch, capsys):
    pictures.Picture("page", png(), '- button "Save"').save()
    before = {path: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(sys, "argv", ["screenshots.py", "--check"])
    monkeypatch.setattr(screenshots, "pictures", lambda: [pictures.Picture("page", png(), '- button "Keep"')])
    assert screenshots.main() == 1
    assert "page.png is stale. Run: make screenshots" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://127.0.0.1:1234/flows/a/" + "x" * 32, "http://127.0.0.1:99/flows/a/" + "-" * 32),
        ("Run 09a32d29, 565 ms (just now)", "Run c1abf7e1, 1.4 s (3 seconds ago)"),
        ("2026-11-30 08:00:29 UTC", "2026-11-30 08:01:00 UTC"),
        ("475 of 500 requests left", "62 of 500 requests left"),
    ],
)
def test_what_differs_each_time_makes_no_picture_stale(one, other):
    assert pictures.without_variations(one) == pictures.without_variations(other)


@pytest.mark.parametrize("text", ["Tue  1 Dec 09:30", "12 of 12 shown.", "Scopes granted: 14", "2026-11-30"])
def test_what_a_picture_is_about_is_compared(text):
    assert pictures.without_variations(text) == f"{text}\n"
