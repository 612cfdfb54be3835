"""The task ``lecture``: it writes a topic's numbers to the journal, and its pictures and page as artifacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gradmix import FinishedRun, Iteration, Meaning, Result, Steps, StopRun, Task, Writer, part
from gradmix_lecture.topic import Table, Topic

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Lecture(Task):
    """Show a topic of the lecture: numbers, a picture, and a page with both.

    Parameters
    ----------
    topic
        The topic.

    Notes
    -----
    Each row of the topic's table is an iteration. The pictures ``picture.png`` and ``picture.svg`` and the
    self-contained page ``page.html`` are drawn from the journal.
    """

    topic: Topic = part("program_and_dual_program")

    def metrics(self) -> Sequence[Meaning]:
        """Return the meanings of the numbers that the topic quotes."""
        return self.topic.metrics()

    def run(self) -> Steps:
        """Yield each row of the topic's table."""
        rows = []
        for row in self.topic.rows():
            rows.append(row)
            try:
                yield Iteration(None, row)
            except StopRun:
                break
        texts = {name: partial(_write, text=text) for name, text in self.topic.texts().items()}
        return Result(metrics=self.topic.summary(Table(rows)), artifacts=texts)

    def draw(self, run: FinishedRun) -> Mapping[str, Writer]:
        """Return writers of the picture, as PNG and as SVG, and of the page."""
        from gradmix_lecture.gallery.page import write_page, write_picture

        table = Table([iteration.metrics for iteration in run.iterations])
        return {
            "picture.png": partial(write_picture, topic=self.topic, table=table),
            "picture.svg": partial(write_picture, topic=self.topic, table=table),
            "page.html": partial(write_page, topic=self.topic, table=table, metrics=run.metrics),
        }


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
