"""``docs/benchmarks.md``: a section for each experiment, with machine and versions that it was measured with."""

from __future__ import annotations

import argparse
import re
import warnings
from collections.abc import Callable, Mapping

from tests.benchmarks.experiments import ROOT
from threadpoolctl import threadpool_limits

DOCS = ROOT / "docs"
DOCUMENT = DOCS / "benchmarks.md"

_HEAD = """<!-- Written by `make benchmark` from journals; do not edit. -->
# Benchmarks

Each table comes from an experiment in `configs/experiment/benchmark/`, which you can run yourself, as in
`gradmix run -m experiment=benchmark/em`, or from a program that its section names. The compared components are timed in
turns, round by round, in one process on one thread. A ratio is the median of the ratios of all rounds, with its 95 %
interval. scikit-learn's times are those of its own `fit`. Memory is the peak above the memory used before, measured in
a separate round. `make benchmark` measures everything again on your machine."""


def replace_sections(new: Mapping[str, str]) -> None:
    """Put sections, title → text, in the place of those of the same title; others come last."""
    parts = re.split(r"^## (.*)\n\n", DOCUMENT.read_text(encoding="utf-8"), flags=re.M)
    old = dict(zip(parts[1::2], map(str.strip, parts[2::2]), strict=True))
    text = [_HEAD, *(f"## {title}\n\n{body}" for title, body in {**old, **new}.items())]
    DOCUMENT.write_text("\n\n".join(text) + "\n", encoding="utf-8")
    print(f"wrote {', '.join(new)} in {DOCS.name}/{DOCUMENT.name}")


def write_section(title: str, section: Callable[[int], str], rounds: int) -> None:
    """The command line of a program that measures a section on one thread, in some rounds."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--print", action="store_true", dest="only_print", help="do not write the document")
    options = parser.parse_args()
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = section(options.rounds)
    if options.only_print:
        print(text)
    else:
        replace_sections({title: text})
