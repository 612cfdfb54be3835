"""The table of both programs is the lecture's, and what is written computes what is shown."""

import math
import re

import numpy as np
import pytest

from gradmix_lecture.topic import Table
from gradmix_lecture.topics.program import ProgramAndDualProgram
from gradmix_lecture.topics.trace import FUNCTIONS, dual, graph_of, original, variable

X = (0.7, 1.3)


def test_the_lectures_table():
    x1, x2 = X
    table = Table(list(ProgramAndDualProgram(x=X).rows()))
    assert table["value"].tolist() == [x1, x2, x1 * x2, math.sin(x1), x1 * x2 + math.sin(x1)]
    assert table["tangent.seed_1"].tolist() == pytest.approx([1.0, 0.0, x2, math.cos(x1), x2 + math.cos(x1)])
    assert table["tangent.seed_2"].tolist() == [0.0, 1.0, x1, 0.0, x1]


def test_the_lines_are_those_of_the_lecture():
    operations = [node.operation for node in graph_of("lecture", X, (1.0, 0.0)).nodes]
    written = [original(each, number) for number, each in enumerate(operations, start=1)]
    assert written == ["x_1", "x_2", "w_{1} w_{2}", r"\sin(w_{1})", "w_{3} + w_{4}"]
    assert dual(operations[2], 3) == r"\dot w_{1} w_{2} + w_{1} \dot w_{2}"


@pytest.mark.parametrize("function", list(FUNCTIONS))
def test_what_is_written_computes_what_is_shown(function):
    graph = graph_of(function, X, (0.4, -0.6))
    known = {"np": np, "x1": X[0], "x2": X[1], "dx1": 0.4, "dx2": -0.6}
    for number, node in enumerate(graph.nodes, start=1):
        assert eval(python_of(original(node.operation, number)), known) == pytest.approx(node.value)
        assert eval(python_of(dual(node.operation, number)), known) == pytest.approx(node.tangent)
        known |= {f"w{number}": float(node.value), f"dw{number}": float(node.tangent)}
    assert variable(3) == "w_{3}"


def python_of(written):
    """A formula as it is typeset, as Python."""
    text = re.sub(r"\\dot (\w)_\{?(\d+)\}?", r"d\1\2", written).replace(r"\,", " ")
    text = re.sub(r"([wx])_\{?(\d+)\}?", r"\1\2", text)
    text = re.sub(r"e\^\{([^}]*)\}", r"exp(\1)", re.sub(r"\\sqrt\{([^}]*)\}", r"sqrt(\1)", text))
    text = re.sub(r"\\?(sin|cos|exp|sqrt)\(", r"np.\1(", text.replace("^", "**"))
    return re.sub(r"(?<=[\w)]) +(?=[\w(])", " * ", text)
