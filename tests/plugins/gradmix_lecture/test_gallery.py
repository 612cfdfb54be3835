"""The gallery, from a run to a browser."""

import re

import pytest

from browser import needs_browser, opened
from gradmix.cli.main import main
from gradmix_lecture.gallery.__main__ import main as gallery

QUICK = (
    "experiment=lecture/divided_difference_error",
    "topic.functions=[cubic]",
    "topic.steps_per_decade=1",
    "topic.smallest=1e-4",
)


@pytest.fixture
def built(empty_folder):
    """The gallery of one run."""
    assert main(["run", *QUICK, "tracking=none"]) == 0
    assert gallery(["runs", "gallery"]) == 0
    return empty_folder / "gallery"


def test_the_index_links_the_newest_page_of_each_topic(built, capsys):
    index = (built / "index.html").read_text(encoding="utf-8")
    assert 'href="divided_difference_error.html"' in index
    assert "Gaussian mixtures</h2>" not in index  # nothing of that section was run
    page = (built / "divided_difference_error.html").read_text(encoding="utf-8")
    assert 'href="index.html"' in page
    assert 'href="divided_difference_error.svg"' in page
    assert (built / "divided_difference_error.svg").read_text(encoding="utf-8").startswith("<?xml")

    assert main(["run", *QUICK, "tracking=none", "topic.x=2"]) == 0
    assert gallery(["runs", "gallery"]) == 0
    assert (built / "divided_difference_error.html").read_text(encoding="utf-8") != page


def test_without_runs_it_says_what_to_do(empty_folder, capsys):
    assert gallery([]) == 2
    assert "gradmix run experiment=lecture/" in capsys.readouterr().err


@needs_browser
def test_the_slider_moves_by_script(built, tmp_path):
    page = built / "divided_difference_error.html"
    text = page.read_text(encoding="utf-8")
    moved = "slider.value = 3; slider.dispatchEvent(new Event('input'));"
    page.write_text(text.replace("})();\n</script>", moved + "\n})();\n</script>"), encoding="utf-8")
    dom = opened(page, tmp_path / "profile")
    assert re.search(r'<output id="label"[^>]*>h = 1e-02', dom)
    pictures = re.findall(r'<img id="picture" src="([^"]+)"', dom)
    assert pictures != re.findall(r'<img id="picture" src="([^"]+)"', text)
    assert '<div class="slider">' in dom


@needs_browser
def test_without_scripts_the_whole_picture_is_shown(built, tmp_path):
    page = built / "divided_difference_error.html"
    text = re.sub(r"<script>.*?</script>", "", page.read_text(encoding="utf-8"), flags=re.S)
    page.write_text(text, encoding="utf-8")
    dom = opened(page, tmp_path / "profile")
    assert '<img id="picture" src="data:image/svg+xml' in dom
    assert '<div class="slider" hidden="">' in dom
