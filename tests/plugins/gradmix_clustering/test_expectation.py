"""The E-step: both back ends against each other, extended precision and its own laws."""

import os
import platform
import subprocess
import sys

import mpmath
import numpy as np
import pytest

import gradmix
from exact_em import CHANGES, em_in_forty_digits, mixture
from gradmix_clustering.em import maximisation, start_model
from gradmix_clustering.estep import EStep, compile_for

TESTS = {"PYTHONPATH": "tests"}
TYPES = ("full", "tied", "diag", "spherical")


def moments_of_both(X, responsibilities, covariance_type, weights=None):
    """Model and moments by both back ends, two iterations after the start."""
    model = start_model(gradmix.Rows(X), lambda block: responsibilities[block.rows].T, covariance_type, 0.0)
    numpy_, numba_ = (EStep(gradmix.rows(X, weights=weights), backend) for backend in ("numpy", "numba"))
    for _ in range(2):
        model = maximisation(numpy_(model), model, 0.0)
    return model, numpy_(model), numba_(model)


def assert_close(found, expected, tolerance=1e-13):
    """Equal to within a part of the largest entry."""
    assert np.isfinite(found).all()
    assert np.abs(np.subtract(found, expected)).max() <= tolerance * np.abs(expected).max()


def assert_same(X, responsibilities, covariance_type, weights=None, tolerance=1e-13):
    model, reference, compiled = moments_of_both(X, responsibilities, covariance_type, weights)
    assert_close(compiled.log_likelihood, reference.log_likelihood, tolerance)
    assert_close(compiled.counts, reference.counts, tolerance)
    ours, theirs = (maximisation(each, model, 0.0) for each in (compiled, reference))
    for attribute in ("weights", "means", "covariances"):
        assert_close(getattr(ours, attribute), getattr(theirs, attribute), tolerance)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("shape", [(272, 2, 2), (5003, 7, 3), (777, 1, 3), (5000, 64, 10), (257, 5, 1), (5, 2, 1)])
def test_back_ends_agree(shape, covariance_type):
    assert_same(*mixture(*shape), covariance_type)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_back_ends_agree_on_weighted_rows(covariance_type):
    X, responsibilities = mixture(5003, 7, 3)
    weights = np.random.default_rng(1).integers(0, 4, size=len(X)).astype(float)
    assert (weights == 0).any()
    assert_same(X, responsibilities, covariance_type, weights)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1e8, 1e150])
def test_back_ends_agree_at_any_scale(scale, covariance_type):
    X, responsibilities = mixture(999, 1, 3)  # a determinant of more features leaves the range
    assert_same(X * scale, responsibilities, covariance_type)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_back_ends_agree_at_an_offset(covariance_type):
    X, responsibilities = mixture(5003, 7, 3)
    model, reference, compiled = moments_of_both(X + 1e8, responsibilities, covariance_type)
    assert_close(compiled.log_likelihood, reference.log_likelihood)
    ours, theirs = (maximisation(each, model, 0.0) for each in (compiled, reference))
    assert_close(ours.covariances, theirs.covariances, 1e-12)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("apart", [30.0, 1e6])
def test_back_ends_agree_on_clusters_far_apart(apart, covariance_type):
    assert_same(*mixture(5003, 7, 3, apart=apart), covariance_type)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
@pytest.mark.parametrize("covariance_type", TYPES)
def test_weight_two_is_the_row_twice(backend, covariance_type):
    X, responsibilities = mixture(700, 3, 2)
    weights = np.random.default_rng(2).integers(0, 3, size=len(X))
    model = start_model(gradmix.Rows(X), lambda block: responsibilities[block.rows].T, covariance_type, 0.0)
    weighted = EStep(gradmix.rows(X, weights=weights), backend)(model)
    repeated = EStep(gradmix.rows(np.repeat(X, weights, axis=0)), backend)(model)
    assert_close(weighted.log_likelihood, repeated.log_likelihood)
    assert_close(weighted.counts, repeated.counts)
    ours, theirs = (maximisation(each, model, 0.0) for each in (weighted, repeated))
    assert_close(ours.covariances, theirs.covariances, 1e-12)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical"])  # the same in one feature
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_six_iterations_are_those_of_forty_digits(change, covariance_type, backend):
    X, responsibilities = mixture(60, 1, 2)
    X = change(X)
    model = start_model(gradmix.Rows(X), lambda block: responsibilities[block.rows].T, covariance_type, 0.0)
    exact = em_in_forty_digits(X, model, 6)
    estep = EStep(gradmix.rows(X), backend)
    for expected in exact:
        model = maximisation(estep(model), model, 0.0)
        assert float(abs((estep(model).log_likelihood - expected) / expected)) < 1e-10


@pytest.mark.parametrize("backend", ["numba", "numpy"])
@pytest.mark.parametrize("covariance_type", TYPES)
def test_what_leaves_the_range_is_an_error_and_no_nan(backend, covariance_type):
    X, responsibilities = mixture(300, 2, 2)
    model = start_model(gradmix.Rows(X), lambda block: responsibilities[block.rows].T, covariance_type, 0.0)
    far = np.vstack([X, [[1e200, 0.0]]])
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(gradmix.NumericalError, match="exceeds the range of floating-point numbers"),
    ):
        EStep(gradmix.rows(far), backend)(model)


def test_powers_of_two_are_right_to_one_unit_in_the_last_place():
    from gradmix_clustering.kernels import powers_of_two

    rng = np.random.default_rng(3)
    halves = np.arange(-40, 1) / 2
    x = np.concatenate(
        [[-0.0, -1021.0, -1e-300], halves, np.nextafter(halves, -1), -rng.uniform(0, 1021, 20_000), -rng.random(2000)]
    )
    found = np.empty_like(x)
    powers_of_two(x, found)
    with mpmath.workdps(30):
        exact = [mpmath.mpf(2) ** mpmath.mpf(float(value)) for value in x]
        errors = [
            float(abs(mpmath.mpf(float(f)) - e) / mpmath.mpf(float(np.spacing(float(e)))))
            for f, e in zip(found, exact, strict=True)
        ]
    assert max(errors) <= 1
    beyond = np.array([-1021.1, -1e4, -np.inf])
    powers_of_two(beyond, beyond)
    assert not beyond.any()


@pytest.mark.parametrize("covariance_type", TYPES)
def test_read_only_rows_are_computed_by_the_same_kernel(covariance_type):
    from gradmix_clustering import kernels

    X, responsibilities = mixture(300, 2, 2)
    model = start_model(gradmix.Rows(X), lambda block: responsibilities[block.rows].T, covariance_type, 0.0)
    moments = EStep(gradmix.rows(X), "numba")(model)
    X.flags.writeable = False
    again = EStep(gradmix.rows(X), "numba")(model)
    np.testing.assert_array_equal(again.scatter, moments.scatter)
    for name in ("full", "pooled", "diagonal", "trace"):
        assert len(getattr(kernels, name).signatures) <= 1


def test_threads_give_the_same_bits():
    X, responsibilities = mixture(20_000, 4, 3)
    for covariance_type in TYPES:
        model = start_model(gradmix.Rows(X), lambda block: responsibilities[block.rows].T, covariance_type, 0.0)
        alone, together = (EStep(gradmix.rows(X, engine=engine), "numba")(model) for engine in ("serial", "threads"))
        assert alone.log_likelihood == together.log_likelihood
        np.testing.assert_array_equal(alone.scatter, together.scatter)


def test_without_numba_the_message_names_the_other_back_end(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "gradmix_clustering.kernels", raising=False)
    monkeypatch.delitem(sys.modules, "gradmix_clustering.compiled_expectation", raising=False)
    monkeypatch.delattr("gradmix_clustering.kernels", raising=False)
    monkeypatch.delattr("gradmix_clustering.compiled_expectation", raising=False)
    with pytest.raises(gradmix.ConfigError, match="set backend=numpy"):
        compile_for("full")


@pytest.mark.slow
@pytest.mark.processes
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the processors named are of another kind")
@pytest.mark.parametrize("processor", ["x86-64", "haswell"])
def test_kernels_do_not_need_this_processor(processor, tmp_path):
    """Shorter vectors, and products and sums that are rounded twice."""
    code = """
from tests.plugins.gradmix_clustering import test_precision
from tests.plugins.gradmix_clustering.test_expectation import TYPES, assert_same, mixture
for covariance_type in TYPES:
    assert_same(*mixture(5003, 7, 3), covariance_type)
    for backend in ("numba", "numpy"):
        test_precision.check_an_iteration(*mixture(5003, 7, 3), None, covariance_type, backend)
"""
    features = "+avx,+avx2,+fma" if processor == "haswell" else ""
    environment = {
        "NUMBA_CPU_NAME": processor,
        "NUMBA_CPU_FEATURES": features,
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | environment | TESTS, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.processes
def test_kernels_are_compiled_without_a_folder_for_their_cache():
    """As in a read-only installation: numba finds no place to write to, and says so when the kernels are imported."""
    code = """
import numpy as np, gradmix
from numba.core import caching
caching.CacheImpl._locator_classes = []
caching.CompileResultCacheImpl._locator_classes = []
X = np.random.default_rng(0).normal(size=(50, 2))
print(gradmix.clusterer("gmm", n_components=1, covariance_type="spherical", random_state=0).fit(X).log_likelihood_)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, done.stderr
    assert np.isfinite(float(done.stdout))


def test_numba_is_imported_only_by_em():
    code = """
import sys, gradmix
import gradmix_clustering.gmm
gradmix.clusterer("gmm")
assert "numba" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
