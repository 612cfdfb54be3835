"""The graph's numbers are the lecture's, and its layers are what a reader expects."""

import math

import pytest

from gradmix import ConfigError
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.graph import ForwardAndReverse, layers


def test_the_lectures_function_has_the_derivatives_that_the_lecture_derives():
    x1, x2 = 0.7, -1.3
    topic = ForwardAndReverse(x=(x1, x2), seed=(0.0, 1.0))
    table = Table(list(topic.rows()))
    assert table["value"].tolist() == [x1, x2, x1 * x2, math.sin(x1), x1 * x2 + math.sin(x1)]
    assert table["tangent"].tolist() == [0.0, 1.0, x1, 0.0, x1]  # the lecture's dual program
    assert table["adjoint"].tolist() == pytest.approx([x2 + math.cos(x1), x1, 1.0, 1.0, 1.0], rel=1e-15)
    assert topic.summary(table)["disagreement"] <= 1e-15


@pytest.mark.parametrize(
    ("function", "by_x1", "by_x2"),
    [("distance", 0.6, 0.8), ("decay", math.exp(-4.0), -3.0 * math.exp(-4.0))],
)
def test_other_functions(function, by_x1, by_x2):
    topic = ForwardAndReverse(function=function, x=(3.0, 4.0), seed=(2.0, 1.0))
    found = topic.summary(Table(list(topic.rows())))
    assert found["adjoint.x1"] == pytest.approx(by_x1, rel=1e-15)
    assert found["adjoint.x2"] == pytest.approx(by_x2, rel=1e-15)
    assert found["tangent"] == pytest.approx(2 * by_x1 + by_x2, rel=1e-15)


def test_a_node_is_above_its_parents_and_beside_the_others():
    parents = [[], [], [0, 1], [0], [2, 3]]
    places = layers(parents)
    assert all(places[node][1] > places[parent][1] for node, its in enumerate(parents) for parent in its)
    assert all(abs(places[a][0] - places[b][0]) > 2.6 for a, b in ((0, 1), (2, 3)))


def test_the_graph_comes_for_graphviz_too():
    assert ForwardAndReverse().texts()["graph.dot"].startswith("digraph {")


@pytest.mark.parametrize("wrong", [{"seed": (0.0, 0.0)}, {"function": "distance", "x": (0.0, 0.0)}])
def test_senseless_values_are_refused(wrong):
    with pytest.raises(ConfigError, match=r"topic\."):
        ForwardAndReverse(**wrong).check()
