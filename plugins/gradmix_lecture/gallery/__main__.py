"""The gallery: a folder with the newest page of each topic and links to all of them. It works offline.

``python -m gradmix_lecture.gallery [RUNS] [INTO]`` collects pages from runs below RUNS (default ``runs``) in the
folder INTO (default ``RUNS/gallery``).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradmix import GradmixError, StorageError, read_run
from gradmix_lecture import SECTIONS, TOPICS
from gradmix_lecture.gallery.page import NAVIGATION, Description, file_of_gallery, template


@dataclass(frozen=True)
class Link:
    """A topic's page in the gallery."""

    name: str
    heading: str


def main(arguments: Sequence[str]) -> int:
    """Build the gallery and return the exit code."""
    runs = Path(arguments[0] if arguments else "runs")
    into = Path(arguments[1]) if len(arguments) > 1 else runs / "gallery"
    try:
        links = build(runs, into)
    except GradmixError as error:
        print(f"gallery: {error}", file=sys.stderr)
        return 2
    missing = sorted(set(TOPICS) - {link.name for link in links})
    print(f"{into / 'index.html'}: {len(links)} topics" + (f"; not run yet: {', '.join(missing)}" if missing else ""))
    return 0


def build(runs: Path, into: Path) -> Sequence[Link]:
    """Copy each topic's newest page and picture, link them, and return the links in the lecture's order.

    Raises
    ------
    StorageError
        If no run below the folder has a page.
    """
    newest = _newest(runs)
    if not newest:
        raise StorageError(f"no run below {runs} has a page. Make one: gradmix run experiment=lecture/dual_numbers")
    links = [Link(name, Description.of(_class_of(name)).heading) for name in TOPICS if name in newest]
    into.mkdir(parents=True, exist_ok=True)
    for number, link in enumerate(links):
        artifacts = newest[link.name]
        around = {"previous": links[number - 1] if number else None, "next": (*links, None)[number + 1]}
        page = (artifacts / "page.html").read_text(encoding="utf-8")
        page = page.replace(NAVIGATION, template("navigation.html").render(around), 1)
        page = page.replace('href="picture.svg"', f'href="{link.name}.svg"', 1)
        (into / f"{link.name}.html").write_text(page, encoding="utf-8")
        shutil.copyfile(artifacts / "picture.svg", into / f"{link.name}.svg")
    sections = {
        heading: [link for link in links if link.name in topics]
        for heading, topics in SECTIONS.items()
        if any(link.name in topics for link in links)
    }
    index = template("index.html").render(sections=sections, style=file_of_gallery("page.css"))
    (into / "index.html").write_text(index, encoding="utf-8")
    return links


def _newest(runs: Path) -> Mapping[str, Path]:
    """Return topic → folder of artifacts of its newest finished run."""
    found: dict[str, tuple[float, Path]] = {}
    for page in runs.rglob("artifacts/page.html"):
        try:
            run = read_run(page.parent.parent)
        except StorageError:
            continue  # this page is not in a run's folder
        topic = str(run.params.get("topic"))
        if topic in TOPICS and run.is_finished and run.began > found.get(topic, (0.0, page))[0]:
            found[topic] = run.began, page.parent
    return {topic: artifacts for topic, (_, artifacts) in found.items()}


def _class_of(name: str) -> type:
    from importlib import import_module

    module, _, within = TOPICS[name].partition(":")
    made: type = getattr(import_module(module), within)
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
