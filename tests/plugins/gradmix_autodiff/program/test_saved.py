"""Prepared functions in files: the same bits without recording, and never those of another function."""

import json
import multiprocessing
import pickle
import warnings

import numpy as np
import pytest
from scipy import special
from tests.capabilities import functions
from tests.plugins.gradmix_autodiff.program.agreement import COMPILED, DUAL, TAPE, X, programs, same, scalar, vector
from tests.plugins.gradmix_autodiff.program.changes import CASES, POINT
from tests.plugins.gradmix_autodiff.program.test_prepared import PROBLEMS

import gradmix
from gradmix import DifferentiationError
from gradmix.config.build import build
from gradmix_autodiff.program import prepared as preparing


@pytest.fixture(autouse=True)
def file(tmp_path):
    return tmp_path / "saved.npz"


def not_recorded(monkeypatch):
    """Let nothing be recorded any more."""

    def fail(*arguments):
        raise AssertionError("it was recorded")

    monkeypatch.setattr(preparing, "recorded", fail)


@pytest.mark.parametrize("made", [TAPE, DUAL, COMPILED], ids=["tape", "dual", "compiled"])
@pytest.mark.parametrize(("name", "options"), PROBLEMS)
def test_every_problem_gives_the_same_bits(name, options, made, file, monkeypatch):
    problem = build("problem", {"name": name, **options}).component
    point, f, operator = problem.point(), problem.function, problem.operator
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prepared = made.prepare(f, point)
        getattr(prepared, operator)(point)
        before = getattr(prepared, operator)(point)
        if not programs(prepared):
            with pytest.raises(DifferentiationError, match="no derivative was recorded"):
                prepared.to_file(file)
            return
        prepared.to_file(file)
        again = build("problem", {"name": name, **options}).component
        not_recorded(monkeypatch)
        loaded = made.prepare(again.function, point, from_file=file)
        assert programs(loaded) == programs(prepared)
        np.testing.assert_array_equal(getattr(loaded, operator)(point), before)


@pytest.mark.parametrize("made", [TAPE, DUAL], ids=["tape", "dual"])
def test_every_function_of_the_tables_gives_the_same_bits(made, file):
    refused = set()
    for name, f, x in functions():
        w, v = np.ones(np.shape(f(x)))[()], np.ones(np.shape(x))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            prepared = made.prepare(f, x)
            for _ in range(2):
                before = prepared.vjp(x, w), prepared.jvp(x, v)
            try:
                prepared.to_file(file)
            except DifferentiationError:
                refused.add(name)
                continue
            loaded = made.prepare(f, x, from_file=file)
            assert programs(loaded) == programs(prepared)
            for found, known in zip((loaded.vjp(x, w), loaded.jvp(x, v)), before, strict=True):
                np.testing.assert_array_equal(found, known, err_msg=name)
    assert refused <= {"adding to zeros in place", "pinv", "pinv of a tall matrix", "lstsq"}


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_refused_where_the_function_reads_something_else(name, file):
    f, change = CASES[name]()
    prepared = TAPE.prepare(f, POINT)
    try:
        prepared.to_file(file)
    except DifferentiationError:
        return
    same(TAPE.prepare(f, POINT, from_file=file).gradient(POINT), TAPE.gradient(f, POINT))
    change()
    with pytest.raises(DifferentiationError, match=r"differs|other values"):
        TAPE.prepare(f, POINT, from_file=file)


def test_a_loaded_one_notices_changes_and_takes_other_paths(file):
    weights, scale = np.arange(1.0, 4.0), [2.0]

    def f(x):
        return scale[0] * np.sum(weights * x**2) if x[0] > 0 else np.sum(weights[::2] * x[::2])

    TAPE.prepare(f, POINT).to_file(file)
    loaded = TAPE.prepare(f, POINT, from_file=file)
    for change in (lambda: None, lambda: weights.__setitem__(1, 9.0), lambda: scale.__setitem__(0, -1.0)):
        change()
        for x in (POINT, -POINT):
            same(loaded.gradient(x), TAPE.gradient(f, x))
            same(loaded.gradient(x), TAPE.gradient(f, x))


def test_all_operators_and_paths_are_saved(file, monkeypatch):
    x, v = np.array([0.4, 1.1, -0.2]), np.array([1.0, -2.0, 0.5])

    def f(y):
        return scalar(y) if y[0] > 0 else np.sum(y**3)

    prepared = COMPILED.prepare(f, x)

    def results(made):
        return [made.gradient(x), made.gradient(-x), made.hvp(x, v), made.hessian(x), made.value_and_gradient(x)[1]]

    for _ in range(2):
        before = results(prepared)
    prepared.to_file(file)
    of_vector, place = DUAL.prepare(vector, x), file.with_name("vector.npz")
    of_vector.to_file(place)
    not_recorded(monkeypatch)
    loaded = COMPILED.prepare(f, 2.0 * x, from_file=file)
    assert programs(loaded) == programs(prepared) > 3
    for found, known in zip(results(loaded), before, strict=True):
        np.testing.assert_array_equal(found, known)
    np.testing.assert_array_equal(DUAL.prepare(vector, x, from_file=place).jacobian(x), of_vector.jacobian(x))


def test_containers_and_constant_arguments(file):
    def f(model, rows, names):
        return np.sum((rows @ model["W"] + model["b"]) ** 2) * len(names)

    model, rows = {"W": X.T.copy(), "b": np.ones(3)}, np.arange(20.0).reshape(5, 4)
    TAPE.prepare(f, model, rows, ["a"]).to_file(file)
    loaded = TAPE.prepare(f, model, rows, ["a"], from_file=file)
    assert programs(loaded)
    same(loaded.gradient(model, rows, ["a"])["W"], TAPE.gradient(f, model, rows, ["a"])["W"])
    for others in ((model, rows + 1.0, ["a"]), (model, rows, ["b"]), (model, rows, ["a", "b"])):
        with pytest.raises(DifferentiationError, match="constant argument"):
            TAPE.prepare(f, *others, from_file=file)
    with pytest.raises(DifferentiationError, match="was saved for"):
        TAPE.prepare(f, {**model, "b": np.ones(1)}, rows, ["a"], from_file=file)
    with pytest.raises(DifferentiationError, match="was saved for"):
        TAPE.prepare(f, model, rows, ["a"], argnums=(0, 1), from_file=file)


def test_another_differentiator_version_or_function_is_refused(file, monkeypatch):
    TAPE.prepare(scalar, POINT).to_file(file)
    with pytest.raises(DifferentiationError, match=r"was saved by Tape\(compiled=False\), not Tape\(compiled=True\)"):
        COMPILED.prepare(scalar, POINT, from_file=file)
    with pytest.raises(DifferentiationError, match="saved from another function: its code differs"):
        TAPE.prepare(lambda x: 2.0 * scalar(x), POINT, from_file=file)
    with pytest.raises(DifferentiationError, match="cannot load a prepared function from a file"):
        gradmix.differentiator("finite_difference").prepare(scalar, POINT, from_file=file)
    from gradmix_autodiff.program import saved

    monkeypatch.setattr(saved, "_versions", lambda: {"numpy": "0.0"})
    with pytest.raises(DifferentiationError, match=r"saved with numpy .*; 0\.0 is installed"):
        TAPE.prepare(scalar, POINT, from_file=file)


def test_what_cannot_be_saved_is_named(file):
    rng = np.random.default_rng(0)
    expit = gradmix.with_rule(lambda x: special.expit(x), jvp=lambda x, v: v)
    frozen = rng.normal
    for f, named in (
        (lambda x: np.sum(expit(x)), "<lambda>"),
        (gradmix.checkpoint(lambda x: np.sum(x**2)), "checkpointed"),
        (lambda x: np.sum(x) if frozen is None else np.sum(x**2), "a Generator"),
    ):
        prepared = TAPE.prepare(f, POINT)
        assert programs(prepared)
        with pytest.raises(DifferentiationError, match=named):
            prepared.to_file(file)
    with pytest.raises(DifferentiationError, match="cannot save a prepared function"):
        gradmix.differentiator("finite_difference").prepare(scalar, POINT).to_file(file)
    assert not file.exists()


def test_files_of_other_things_are_refused_and_run_nothing(file):
    TAPE.prepare(scalar, POINT).to_file(file)
    with np.load(file) as given:
        parts = dict(given)
    head = json.loads(parts["head"].tobytes())

    def refused(change):
        other = json.loads(json.dumps(head))
        change(other)
        np.savez(file, **{**parts, "head": np.frombuffer(json.dumps(other).encode(), dtype=np.uint8)})
        with pytest.raises(DifferentiationError, match=r"is not a prepared function|was saved"):
            TAPE.prepare(scalar, POINT, from_file=file)

    nodes = head["paths"][0]["nodes"]
    calls = [place for place, node in enumerate(nodes) if node[0] and node[0][0] == "function"]
    for name in ("os.system", "numpy.save", "numpy.load", "builtins.eval", "numpy.linalg.os", "numpy.sys"):
        refused(lambda each, name=name: each["paths"][0]["nodes"][calls[0]].__setitem__(0, ["function", name]))
    refused(lambda each: each["paths"][0]["nodes"][calls[0]].__setitem__(1, [3, 1]))
    refused(lambda each: each["paths"][0]["nodes"][calls[0]].__setitem__(1, [-3]))
    refused(lambda each: each["paths"][0]["nodes"][calls[0]].__setitem__(4, {"out": ["node", 0]}))
    refused(lambda each: each["paths"][0]["nodes"][calls[0]].__setitem__(4, {"a=1, b": 1}))
    refused(lambda each: each["paths"][0]["guards"].append([0, "truth", "'or open(1)'"]))
    refused(lambda each: each["paths"][0]["results"].reverse())
    refused(lambda each: each.pop("marks"))
    refused(lambda each: each.update(format="another"))
    for place in range(len(nodes)):
        refused(lambda each, place=place: each["paths"][0]["nodes"].pop(place))
    for content in (b"", b"PK", file.read_bytes()[:200]):
        file.write_bytes(content)
        with pytest.raises(DifferentiationError, match="is not a prepared function"):
            TAPE.prepare(scalar, POINT, from_file=file)


def gradient_in_another_process(prepared, x):
    return prepared.gradient(x)


def test_pickle_keeps_what_was_recorded(monkeypatch):
    prepared = TAPE.prepare(scalar, POINT)
    prepared.known[False] = None
    before = prepared.gradient(POINT)
    content = pickle.dumps(prepared)
    not_recorded(monkeypatch)
    again = pickle.loads(content)
    assert programs(again) == 1
    assert again.known == {False: None}
    np.testing.assert_array_equal(again.gradient(POINT), before)


def test_pickle_prepares_again_where_nothing_can_be_saved():
    prepared = TAPE.prepare(remembered, POINT)
    again = pickle.loads(pickle.dumps(prepared))
    assert programs(again) == 1
    same(again.gradient(POINT), prepared.gradient(POINT))
    different = gradmix.differentiator("finite_difference").prepare(scalar, POINT)
    same(pickle.loads(pickle.dumps(different)).gradient(POINT), different.gradient(POINT))


def remembered(x):
    return FORGOTTEN(x)


FORGOTTEN = gradmix.checkpoint(scalar)


@pytest.mark.processes
def test_other_processes_take_a_prepared_function():
    joblib = pytest.importorskip("joblib")
    scales = np.array([1.0, 2.0, 3.0])
    by_lambda = TAPE.prepare(lambda x: np.sum(scales * x**2), POINT)
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(by_lambda.gradient)(k * POINT) for k in (1.0, 2.0))
    same(found, [2.0 * scales * POINT, 4.0 * scales * POINT])
    prepared = TAPE.prepare(scalar, POINT)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (other,) = pool.starmap(gradient_in_another_process, [(prepared, POINT)])
    np.testing.assert_array_equal(other, prepared.gradient(POINT))
