"""A wrong return value is one sentence: the method, what is expected, and what came."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

import gradmix
from gradmix import INERTIA, Clusterer, Data, Dataset, Differentiator, Iteration, Model, PluginError
from gradmix.contracts.component import Component, marks_of
from gradmix.contracts.returned import described, groups_of, is_number, numbers_of_shape, scores_of

ROWS = np.arange(20.0).reshape(10, 2)


@dataclass(frozen=True, eq=False)
class Giving(Model):
    """A model that gives as the groups, and as the scores, what it is told to."""

    groups: Any = None
    given_scores: Any = None

    def predict(self, X):
        return np.zeros(len(X), int) if self.groups is None else self.groups

    def scores(self, X):
        return self.given_scores


class Plain(Model):
    """A model that cannot be saved."""

    def predict(self, X):
        return np.zeros(len(X), int)


@dataclass
class Reading(Dataset):
    """Returns what it is told to."""

    returned: ClassVar[Any] = None

    def read(self):
        return self.returned


@dataclass
class Yielding(Clusterer[Giving]):
    """Returns what it is told to."""

    objective = INERTIA
    returned: ClassVar[Any] = ()

    def iterate(self, X, rng):
        return self.returned


def told(cls, returned):
    return type(cls.__name__, (cls,), {"returned": returned})()


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (
            (ROWS, np.zeros(10)),
            r"read must return gradmix\.Data\(X, labels\); it returned a tuple of ndarray and ndarray\.",
        ),
        (None, r"read must return gradmix\.Data\(X, labels\); it returned None\."),
        (Data, r"it returned the class Data\."),
        (
            Data(ROWS, np.zeros((10, 1))),
            r"one label for each row, shape \(10,\); it gave an array of float64, shape \(10, 1\)",
        ),
        (Data(ROWS, 3), r"one label for each row, shape \(10,\); it gave 3"),
        (Data(ROWS, None, ("a",)), "a name for each of the 2 columns; it gave 1"),
        (Data(ROWS, None, "ab"), "feature_names as a tuple of strings; it gave 'ab'"),
        (Data(ROWS, remarks=["a"]), "remarks as a string; it gave a list of str"),
    ],
)
def test_what_a_data_set_reads(returned, sentence):
    with pytest.raises(PluginError, match=f"Reading.*{sentence}"):
        told(Reading, returned).load()


def test_what_a_data_set_reads_may_be_lists():
    assert told(Reading, Data(ROWS.tolist(), [0, 1] * 5, ["a", "b"])).load().X.tolist() == ROWS.tolist()


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (None, "Yielding.iterate must yield iterations; it returned None"),
        (Giving(), "must yield iterations; it returned a Giving"),
        ([Giving()], "must yield gradmix.Iteration; it yielded a Giving"),
        ([Iteration(ROWS, {"inertia": 1.0})], "estimates of a gradmix.Model"),
        (
            [Iteration(Plain(), {"inertia": 1.0})],
            r"models that are dataclasses, .* Plain is not one: write @dataclass\(frozen=True\) above it",
        ),
        ([Iteration(Giving(), 1.0)], "metrics as a mapping of names to numbers; it gave 1.0"),
        ([Iteration(Giving(), {"inertia": np.ones(3)})], r"inertia is an array of float64, shape \(3,\)"),
        ([Iteration(Giving(), {"inertia": 1j})], "inertia is 1j"),
        ([Iteration(Giving(), {"inertia": 1.0, 3: 1.0})], "names that are strings; one is 3"),
        ([Iteration(Giving(), {"inertia": 1.0, "time.seconds": 1.0})], "rename its metric time.seconds"),
        ([Iteration(Giving(), {"inertia": 1.0}, converged="no")], "True or False as converged; it gave 'no'"),
        ([Iteration(Giving(), {"inertia": 1.0}, collapsed=[1])], "an integer as collapsed; it gave a list of int"),
        ([Iteration(Giving(), {"inertia": 1.0}, labels=np.zeros((10, 1), int))], r"int64, shape \(10, 1\)"),
        (
            [Iteration(Giving(np.zeros((10, 1), int)), {"inertia": 1.0})],
            r"Giving.predict must .*int64, shape \(10, 1\)",
        ),
        (
            [Iteration(Giving(np.zeros(10)), {"inertia": 1.0})],
            r"one integer for each row, shape \(10,\); .* of float64",
        ),
        ([Iteration(Giving(np.zeros(3, int)), {"inertia": 1.0})], r"it returned an array of int64, shape \(3,\)"),
    ],
)
def test_what_a_clusterer_and_its_model_give(returned, sentence):
    with pytest.raises(PluginError, match=sentence):
        told(Yielding, returned).fit(ROWS)


def test_groups_may_be_a_list_and_scores_are_numbers():
    assert groups_of(Giving([0] * 10), ROWS).tolist() == [0] * 10
    assert scores_of(Giving(None, {"bic": np.float32(2.0)}), ROWS) == {"bic": 2.0}
    with pytest.raises(PluginError, match=r"Giving\.scores must give numbers as metrics; bic is 'a'"):
        scores_of(Giving(None, {"bic": "a"}), ROWS)


def hooked(**hooks):
    return dataclass(type("Wrong", (Differentiator,), hooks))()


@pytest.mark.parametrize(
    ("hooks", "sentence"),
    [
        ({"push": lambda self, f, x, v: v}, r"push must return the pair f\(x\), J\(x\)·v; it returned an array"),
        ({"push": lambda self, f, x, v: None}, "it returned None"),
        ({"push": lambda self, f, x, v: (f(x), v, 3)}, "a tuple of ndarray and ndarray and int"),
        (
            {"push": lambda self, f, x, v: (f(x), v)},
            r"J\(x\)·v, shape \(1,\); it returned an array of float64, shape \(2,\)",
        ),
        ({"push_many": lambda self, f, x, V: (f(x), np.ones(3))}, r"push_many must return .* shape \(2, 1\)"),
        ({"pull": lambda self, f, x: lambda w: w}, r"a function w ↦ w·J\(x\); it returned a function"),
        ({"pull": lambda self, f, x: (None, lambda w: x)}, r"f\(x\), shape \(m,\), first; it returned None"),
        ({"pull": lambda self, f, x: (f(x), lambda w: None)}, r"w·J\(x\), shape \(2,\); it returned None"),
        ({"pull": lambda self, f, x: (f(x), x)}, "a tuple of ndarray and ndarray"),
    ],
)
def test_what_a_hook_of_a_differentiator_returns(hooks, sentence):
    with pytest.raises(PluginError, match=f"Wrong.{sentence}" if sentence.startswith("pu") else sentence):
        hooked(**hooks).gradient(lambda x: x[0] * x[1], [2.0, 5.0])


@pytest.mark.parametrize("returned", [None, "a", (1.0, np.ones(2)), [np.ones(2), np.ones(2)], {"a": 1.0}, 3.0])
def test_what_a_function_made_a_differentiator_returns(returned):
    made = gradmix.from_jvp(lambda f, x, v: returned, name="Mine", deviates={"jvp_is_right": "it is an example"})
    assert made.deviates == {"jvp_is_right": "it is an example"}
    with pytest.raises(PluginError, match=r"must return J\(x\)·v, shape \(.*\); it returned"):
        made().gradient(lambda x: x[0] * x[1], [2.0, 5.0])


def test_what_is_prepared_and_measured():
    ok = {"push": lambda self, f, x, v: (None, np.ones(1))}
    with pytest.raises(PluginError, match=r"prepared must return a differentiator; it returned None"):
        hooked(**ok, prepared=lambda self, f, x: None).prepare(lambda x: x, 1.0)
    with pytest.raises(PluginError, match=r"measured must give metrics as a mapping of names to numbers; it gave 3"):
        hooked(**ok, measured=lambda self, f, x: 3).measures(lambda x: x, 1.0)


def test_fingerprints_are_strings():
    @dataclass
    class Marked(Component):
        def content(self) -> Any:
            return "abc"

    with pytest.raises(PluginError, match=r"Marked\.content must return a tuple of strings; it returned 'abc'"):
        marks_of(Marked())


def test_numbers_have_their_shape():
    assert numbers_of_shape("P.exact", "the gradient", [1, 2], (2,)).tolist() == [1.0, 2.0]
    with pytest.raises(PluginError, match=r"P\.exact must return the gradient, shape \(2,\); it returned 'a'"):
        numbers_of_shape("P.exact", "the gradient", "a", (2,))


@pytest.mark.parametrize("value", [1, 1.0, True, np.float32(1), np.int8(1), np.array(1.0)])
def test_numbers_of_any_library_are_numbers(value):
    assert is_number(value)


@pytest.mark.parametrize("value", [None, "1", 1j, np.complex64(1), np.ones(1), np.array("a"), [1.0], object()])
def test_all_else_is_none(value):
    assert not is_number(value)
    assert described(value)


def test_a_seed_is_one_under_any_name():
    @dataclass
    class Drawing(Clusterer[Giving]):
        objective = INERTIA
        chance: gradmix.Seed = None

        def iterate(self, X, rng) -> Iterator[Iteration[Giving]]:
            yield Iteration(Giving(), {"inertia": float(rng.normal())})

    first, again, other = (Drawing(chance=seed).fit(ROWS).inertia_ for seed in (1, 1, 2))
    assert first == again != other


def test_no_start_at_all_is_refused():
    @dataclass
    class Idle(Yielding):
        n_init: int = 0

    with pytest.raises(gradmix.ConfigError, match="n_init must be at least 1"):
        Idle().fit(ROWS)


def test_what_a_session_is_and_what_is_assessed():
    ok = {"push": lambda self, f, x, v: (None, np.ones(1))}
    with pytest.raises(PluginError, match=r"session must return a context manager; it returned None"):
        hooked(**ok, session=lambda self: None).gradient(lambda x: x, 1.0)
    with pytest.raises(PluginError, match=r"push_many must return the pair .*; it returned a list of int and int"):
        hooked(push_many=lambda self, f, x, V: [1, 2]).jvp(lambda x: x, 1.0, 1.0)
    with pytest.raises(PluginError, match=r"takes a gradmix\.Assessment; given: 3"):
        gradmix.assess(3)
    with pytest.raises(TypeError, match=r"lacks must be a mapping of operators to reasons; it is \['hvp'\]"):
        hooked(**ok, lacks=["hvp"])


@pytest.mark.parametrize(
    ("solves", "point", "sentence"),
    [
        ((gradmix.Equations,), [1.0], r"Wrong\.solves must map types of questions to the operators"),
        ({"equations": ()}, [1.0], r"Wrong\.solves must map types of questions to the operators"),
        ({gradmix.Equations: "jacobian"}, [1.0], r"Wrong\.solves must map types of questions to the operators"),
        ({gradmix.Equations: ()}, None, r"Wrong\.iterate must yield points, shape \(1,\); it yielded None"),
        ({gradmix.Equations: ()}, ["a"], r"Wrong\.iterate must yield points, shape \(1,\); it yielded an array of <U1"),
        ({gradmix.Equations: ()}, [1.0, 2.0], r"shape \(1,\); it yielded an array of float64, shape \(2,\)"),
    ],
)
def test_what_a_solver_solves_and_yields(solves, point, sentence):
    def iterate(self, question):
        yield Iteration(point, {"residual": 1.0}, converged=True)

    wrong = dataclass(type("Wrong", (gradmix.Solver,), {"solves": solves, "iterate": iterate}))()
    with pytest.raises(PluginError, match=sentence):
        wrong.solve(gradmix.Equations(lambda x: x, [2.0]))


@pytest.mark.parametrize(
    ("starts", "sentence"),
    [
        (3, r"batch_of_starts must return a function that computes starts, or None; it returned 3"),
        (lambda streams: [1], r"must return a list of gradmix\.Trace, or None; it returned a list of int"),
    ],
)
def test_what_a_batch_of_starts_returns(starts, sentence):
    class Wrong(gradmix.FoldingClusterer[Giving]):
        objective = INERTIA

        def batch_of_starts(self, rows):
            return starts

        def iterate_rows(self, rows, rng, state=None):
            yield Iteration(Giving(), {"inertia": 1.0})

    with pytest.raises(PluginError, match=sentence):
        dataclass(Wrong)().fit(ROWS)


def test_centers_have_the_columns_of_the_rows():
    with pytest.raises(
        gradmix.DataError, match=r"centers must have the shape \(k, 2\), as the rows do; it is \(3, 1\)"
    ):
        gradmix.Centers(np.ones((3, 1))).predict(ROWS)
