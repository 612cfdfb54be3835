"""Laws of EM that hold for any data, from a given start."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradmix

TYPES = ["EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"]
PARALLEL = ["EEI", "VEI", "EVI", "VVI"]
"""Types whose components are parallel to the features, so that a rotation changes what they allow."""
TURNING = [name for name in TYPES if name not in (*PARALLEL, "EVE", "VVE")]
"""Types that a rotation turns; those left out search for common axes, from spheres in no particular order."""
D, K = 3, 2
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=15, deadline=None)


def data(seed):
    """Rows of two groups that overlap, and means to start from."""
    rng = np.random.default_rng(seed)
    groups = rng.normal(size=(K, D)) * 2
    X = groups[rng.integers(K, size=80)] + rng.normal(size=(80, D)) @ (np.eye(D) + 0.4 * rng.normal(size=(D, D)))
    return X, groups, rng


def steps(X, means, name, backend="numpy", scale=1.0, sample_weight=None, **options):
    """Iterations from means, equal weights and spheres of the data's own size; as `scale` says."""
    covariance = gradmix.covariance({"full": "VVV"}.get(name, name))
    precision = 1 / (4 * scale**2)
    shape = {"full": (K, D, D), "pooled": (D, D), "diagonal": (K, D), "trace": (K,)}[covariance.moments]
    precisions = np.broadcast_to(precision * (np.eye(D) if shape[-2:] == (D, D) else 1.0), shape)
    given = {"means_init": means, "precisions_init": precisions, "weights_init": np.full(K, 1 / K)}
    options = {"covariance_type": name, "backend": backend, "tol": 0.0, "max_iter": 6, "reg_covar": 0.0} | options
    clusterer = gradmix.clusterer("gmm", n_components=K, **given, **options)
    return [*clusterer.iterations(X, sample_weight)]


def likelihoods(iterations):
    return np.array([each.metrics["log_likelihood"] for each in iterations])


def assert_equal(here, there, rtol, atol=0.0):
    """Of two fits that may end at different iterations, as rounding decides."""
    here, there = likelihoods(here), likelihoods(there)
    both = min(len(here), len(there))
    np.testing.assert_allclose(here[:both], there[:both], rtol=rtol, atol=atol)


@few
@given(seeds, st.sampled_from(TYPES), st.sampled_from(["numba", "numpy"]))
def test_an_iteration_never_lowers_the_likelihood(seed, name, backend):
    X, means, _ = data(seed)
    values = likelihoods(steps(X, means, name, backend, max_iter=25))
    assert np.diff(values).min(initial=0.0) >= -1e-9 * np.abs(values).max()


@few
@given(seeds, st.sampled_from(TYPES))
def test_the_order_of_rows_makes_no_difference(seed, name):
    X, means, rng = data(seed)
    assert_equal(steps(X, means, name), steps(X[rng.permutation(len(X))], means, name), 1e-9)


@few
@given(seeds, st.sampled_from(TURNING))
def test_a_rotation_turns_means_and_changes_no_likelihood(seed, name):
    X, means, rng = data(seed)
    turn = np.linalg.qr(rng.normal(size=(D, D)))[0]
    here, there = steps(X, means, name), steps(X @ turn, means @ turn, name)
    assert_equal(here, there, 1e-9)
    np.testing.assert_allclose(here[-1].estimate.means @ turn, there[-1].estimate.means, rtol=1e-4, atol=1e-4)


@few
@given(seeds, st.sampled_from(TYPES), st.floats(-1e6, 1e6))
def test_a_shift_moves_means_and_changes_no_likelihood(seed, name, shift):
    X, means, _ = data(seed)
    here, there = steps(X, means, name), steps(X + shift, means + shift, name)
    assert_equal(here, there, 1e-7)
    np.testing.assert_allclose(here[-1].estimate.means + shift, there[-1].estimate.means, rtol=1e-7, atol=1e-5)


@few
@given(seeds, st.sampled_from(TYPES), st.integers(-150, 150))
def test_a_scale_adds_a_constant_to_the_likelihood(seed, name, exponent):
    X, means, _ = data(seed)
    scale = 2.0**exponent
    options = {"reg_covar": 1e-6}  # relative to the spread, as it is by default
    here, there = steps(X, means, name, **options), steps(X * scale, means * scale, name, scale=scale, **options)
    both = min(len(here), len(there))
    expected = likelihoods(here)[:both] - X.size * np.log(scale)
    np.testing.assert_allclose(likelihoods(there)[:both], expected, rtol=1e-9, atol=1e-7)


@few
@given(seeds, st.sampled_from(TYPES), st.sampled_from(["numba", "numpy"]))
def test_a_weight_of_two_is_the_row_twice(seed, name, backend):
    X, means, rng = data(seed)
    weights = rng.integers(0, 3, size=len(X))
    weighted = steps(X, means, name, backend, sample_weight=weights.astype(float))
    repeated = steps(np.repeat(X, weights, axis=0), means, name, backend, reg_covar=0.0)
    assert_equal(weighted, repeated, 1e-8)


@few
@given(seeds, st.sampled_from(TYPES), st.floats(1.0, 1e300))
def test_probabilities_sum_to_one_wherever_a_row_is(seed, name, far):
    X, means, rng = data(seed)
    model = steps(X, means, name)[-1].estimate
    rows = np.vstack([X, far * rng.normal(size=(5, D))])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        proba = model.predict_proba(rows)
    assert proba.min() >= 0
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_array_equal(model.predict(rows), proba.argmax(axis=1))


def test_there_are_types_that_a_rotation_changes():
    X, means, rng = data(0)
    turn = np.linalg.qr(rng.normal(size=(D, D)))[0]
    for name in PARALLEL:
        here, there = (likelihoods(each) for each in (steps(X, means, name), steps(X @ turn, means @ turn, name)))
        assert here[-1] != pytest.approx(there[-1], rel=1e-4)
