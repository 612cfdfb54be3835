"""Changes that are not released are fragments which `make changelog` can move into the changelog."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]
FRAGMENTS = sorted(set((ROOT / SETTINGS["directory"]).glob("*.md")) - {ROOT / SETTINGS["directory"] / "README.md"})


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_names_its_part_and_holds_lines_of_the_changelog(fragment):
    name, part, _ = fragment.name.split(".")
    assert name
    assert part in {each["directory"] for each in SETTINGS["type"]}
    for line in fragment.read_text(encoding="utf-8").splitlines():
        assert line.startswith(("- ", "  ")), line


def test_the_changelog_says_where_the_next_version_goes():
    assert (ROOT / SETTINGS["filename"]).read_text(encoding="utf-8").count(SETTINGS["start_string"]) == 1
