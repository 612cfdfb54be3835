"""The programs beside each other: their derivatives are exact, and lines come from where it says."""

import math

import numpy as np
import pytest

from gradmix import ConfigError
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.source import SourceTransformation


def derivatives(topic):
    table = Table(list(topic.rows())).having("derivative.x1")
    return [{name: row[f"derivative.{name}"] for name in table.names("derivative.")} for row in table.rows]


@pytest.mark.parametrize(
    ("program", "x", "exact"),
    [
        ("lecture", (0.7, -1.3), {"x1": -1.3 + math.cos(0.7), "x2": 0.7}),
        ("heron", (2.0, 3.0), {"x1": 0.5 / math.sqrt(2.0)}),
        ("bend", (2.0, 1.0), {"x1": 2 * math.exp(2.0), "x2": -2 * math.exp(2.0)}),
        ("bend", (1.0, 2.0), {"x1": 0.5, "x2": -0.25}),
    ],
)
def test_forward_and_reverse_are_exact(program, x, exact):
    for found in derivatives(SourceTransformation(program=program, x=x)):
        assert found == pytest.approx(exact, rel=1e-14)


def test_the_lines_are_those_of_the_lectures_slides():
    programs = SourceTransformation()._programs()
    assert [line.text.strip() for line in programs["original"]][1:4] == [
        "w3 = x1 * x2",
        "w4 = np.sin(x1)",
        "w5 = w3 + w4",
    ]
    forward = {line.text.strip(): line.origin for line in programs["forward"]}
    assert forward["w3_dot = x1_dot * x2 + x2_dot * x1"] == 2
    assert forward["w4_dot = x1_dot * np.cos(x1)"] == 3
    assert forward["w5_dot = w3_dot + w4_dot"] == 4
    origins = [line.origin for line in programs["reverse"]]
    assert origins == [1, 2, 3, 4, 4, 4, 4, 3, 2, 2, 5]  # up, then back


def test_the_files_are_programs():
    for text in SourceTransformation(program="bend").texts().values():
        names = {}
        exec(compile(text, "shown", "exec"), {"np": np}, names)
        assert any(callable(each) for each in names.values())


@pytest.mark.parametrize("wrong", [{"program": "heron", "x": (-1.0, 0.0)}, {"program": "bend", "x": (1.0, 0.0)}])
def test_senseless_values_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"topic\."):
        SourceTransformation(**wrong).check()
