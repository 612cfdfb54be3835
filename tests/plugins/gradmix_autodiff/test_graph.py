"""The computational graph: values, tangents and adjoints of every node."""

import numpy as np
import pytest

import gradmix
from gradmix import DifferentiationError

TAPE = gradmix.differentiator("tape")


def lecture(x1, x2):
    """The lecture's function."""
    return x1 * x2 + np.sin(x1)


def test_the_lectures_graph():
    x1, x2 = 2.0, 3.0
    nodes = TAPE.graph(lecture, x1, x2).nodes
    assert [node.operation for node in nodes] == ["", "", "x1 * x2", "sin(x1)", "w3 + w4"]
    np.testing.assert_allclose([node.value for node in nodes], [x1, x2, 6.0, np.sin(x1), 6.0 + np.sin(x1)])
    np.testing.assert_allclose([node.tangent for node in nodes], [1.0, 0.0, x2, np.cos(x1), x2 + np.cos(x1)])
    np.testing.assert_allclose([node.adjoint for node in nodes], [x2 + np.cos(x1), x1, 1.0, 1.0, 1.0])


def test_tangents_go_along_any_direction():
    *_, result = TAPE.graph(lecture, 2.0, 3.0, direction=(0.5, -1.0)).nodes
    assert result.tangent == pytest.approx(0.5 * (3.0 + np.cos(2.0)) - 2.0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum((x - 1.0) ** 2) / x[0] + np.linalg.norm(x),
        lambda x: np.log(np.sum(np.exp(x[:, None] * x))),
        lambda x: np.linalg.det(np.outer(x, x) + np.eye(3)),
        lambda x: np.max(np.where(x > 0.5, x * 2.0, x)) + x[1],
    ],
    ids=["norm", "log-sum-exp", "det", "where"],
)
def test_adjoints_of_the_arguments_are_the_gradient_and_the_results_tangent_its_product(f):
    x = np.array([0.3, 1.2, -0.8])
    v = np.array([1.0, -2.0, 0.5])
    nodes = TAPE.graph(f, x, direction=(v,)).nodes
    gradient = TAPE.gradient(f, x)
    np.testing.assert_allclose(nodes[0].adjoint, gradient, rtol=1e-13, atol=1e-15)
    assert nodes[-1].tangent == pytest.approx(gradient @ v, rel=1e-13)


def test_nodes_that_the_result_does_not_depend_on_are_left_out():
    def f(x):
        np.exp(x)
        return x * 2.0

    assert [node.operation for node in TAPE.graph(f, 1.0).nodes] == ["", "x * 2"]


def test_text_for_graphviz_has_every_node_and_edge():
    dot = TAPE.graph(lecture, 2.0, 3.0).to_dot()
    assert dot.count("label=") == 5
    assert {line.strip() for line in dot.splitlines() if "->" in line} == {
        "n0 -> n2;",
        "n1 -> n2;",
        "n0 -> n3;",
        "n2 -> n4;",
        "n3 -> n4;",
    }
    assert dot.count("shape=box") == 2
    assert dot.count("peripheries=2") == 1


@pytest.mark.parametrize("f", [lambda x: 3.0, lambda x: x * np.ones(2)], ids=["constant", "several values"])
def test_functions_without_a_graph_are_refused(f):
    with pytest.raises(DifferentiationError, match="needs a function with one real value"):
        TAPE.graph(f, 1.0)
