"""mclust's fourteen covariance types: their parameters, their M-steps, and what EM reaches with them."""

from itertools import combinations

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.optimize import minimize

import gradmix
from gradmix_clustering.layouts import LAYOUTS
from gradmix_datasets.classics import Iris

IRIS = Iris().load().X
IN_MCLUST = {
    "EII": 1,
    "VII": 3,
    "EEI": 4,
    "VEI": 6,
    "EVI": 10,
    "VVI": 12,
    "EEE": 10,
    "VEE": 12,
    "EVE": 16,
    "VVE": 18,
    "EEV": 22,
    "VEV": 24,
    "EVV": 28,
    "VVV": 30,
}
"""Type → parameters of three covariances in four features, as mclust's nVarParams counts them."""
FREEDOM = {letter: level for level, letter in enumerate("IEV")}
NESTED = [
    (small, large)
    for small in IN_MCLUST
    for large in IN_MCLUST
    if small != large and all(FREEDOM[a] <= FREEDOM[b] for a, b in zip(small, large, strict=True))
]
"""Pairs of types of which the second allows all that the first does."""
EXACT = {"max_turns": 5000, "max_steps": 5000}


def moments_of(seed, k=3, d=4, elongation=1.0, n_turns=None):
    """Counts, and scatter of components that have a common orientation with n_turns=1, else one each."""
    rng = np.random.default_rng(seed)
    counts = rng.uniform(30, 150, k)
    rows = rng.normal(size=(k, d, 4 * d)) * np.exp(elongation * rng.normal(size=(k, d, 1)))
    turns = np.linalg.qr(rng.normal(size=(n_turns or k, d, d)))[0]
    rows = turns @ rows
    return counts, counts[:, None, None] * (rows @ np.swapaxes(rows, 1, 2)) / (4 * d)


def made(name):
    """A type whose inner iteration runs to its end."""
    options = vars(gradmix.covariance(name))
    return gradmix.covariance(name, **{option: EXACT[option] for option in options})


def reduced(scatter, moments):
    diagonal = np.diagonal(scatter, axis1=1, axis2=2)
    return {
        "full": scatter,
        "pooled": scatter.sum(axis=0),
        "diagonal": diagonal,
        "trace": diagonal.mean(axis=1),
    }[moments]


def estimate(name, counts, scatter, previous=None, tol=0.0):
    """The covariances as matrices."""
    covariance = made(name)
    found = covariance.estimate(counts, reduced(scatter, covariance.moments), previous, tol)
    return LAYOUTS[covariance.moments].matrices(found, *scatter.shape[:2])


def likelihood(counts, scatter, matrices):
    """Expected log-likelihood per row but for a constant."""
    fit = np.trace(np.linalg.solve(matrices, scatter), axis1=1, axis2=2)
    return -0.5 * (counts @ np.linalg.slogdet(matrices)[1] + fit.sum()) / counts.sum()


def composed(volumes, shapes, axes):
    """λₖ Dₖ Aₖ Dₖᵀ, of shapes that need not have the determinant 1."""
    shapes = shapes / np.exp(np.log(shapes).mean(axis=1, keepdims=True))
    return np.array([v * (D * A) @ D.T for v, A, D in zip(volumes, shapes, axes, strict=True)])


def rotation(angles, d):
    turn = np.zeros((d, d))
    turn[np.triu_indices(d, 1)] = angles
    return expm(turn - turn.T)


def perturbed(name, matrices, size, rng):
    """Covariances of the same type nearby."""
    k, d = matrices.shape[:2]
    volume, shape, orientation = name
    volumes = np.exp(np.linalg.slogdet(matrices)[1] / d)
    if orientation == "I":
        shapes, axes = np.diagonal(matrices, axis1=1, axis2=2), [np.eye(d)] * k
    else:
        common = np.linalg.eigh(matrices[0] + 0.7 * matrices[-1])[1]
        axes = [common] * k if orientation == "E" else list(np.linalg.eigh(matrices)[1])
        shapes = np.array([np.diag(D.T @ S @ D) for D, S in zip(axes, matrices, strict=True)])
    noise = rng.normal(size=k)
    volumes = volumes * np.exp(size * (noise[:1] if volume == "E" else noise))
    noise = {"I": np.zeros((1, d)), "E": rng.normal(size=(1, d)), "V": rng.normal(size=(k, d))}[shape]
    turns = rng.normal(size=(k, d * (d - 1) // 2)) * {"I": 0, "E": size, "V": size}[orientation]
    turns = turns[:1].repeat(k, axis=0) if orientation == "E" else turns
    axes = [D @ rotation(turn, d) for D, turn in zip(axes, turns, strict=True)]
    return composed(volumes, shapes * np.exp(size * noise), axes)


@pytest.mark.parametrize("name", IN_MCLUST)
def test_parameters_are_counted_as_mclust_does(name):
    assert gradmix.covariance(name).n_parameters(3, 4) == IN_MCLUST[name]


def test_scikit_learns_names_mean_the_same_types():
    for name, other in {"spherical": "VII", "diag": "VVI", "tied": "EEE", "full": "VVV"}.items():
        assert type(gradmix.covariance(name)) is type(gradmix.covariance(other))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", IN_MCLUST)
def test_no_covariances_of_the_type_nearby_are_more_likely(name, seed):
    counts, scatter = moments_of(seed)
    matrices = estimate(name, counts, scatter)
    best, rng = likelihood(counts, scatter, matrices), np.random.default_rng(seed)
    assert likelihood(counts, scatter, perturbed(name, matrices, 0.0, rng)) == pytest.approx(best, rel=1e-10)
    for size in (0.3, 1e-2, 1e-3, 1e-4):
        for _ in range(30):
            assert likelihood(counts, scatter, perturbed(name, matrices, size, rng)) <= best + 1e-11


def from_parameters(name, parameters, k):
    """Covariances in two features from real numbers: volumes, shapes and angles, as many as the type has."""
    numbers = {"E": 1, "V": k, "I": 0}
    volume, shape, angle = np.split(parameters, np.cumsum([numbers[letter] for letter in name])[:2])
    stretch = np.exp(np.broadcast_to(shape, k) if len(shape) else np.zeros(k))
    turns = np.broadcast_to(angle, k) if len(angle) else np.zeros(k)
    axes = [rotation([turn], 2) for turn in turns]
    return composed(np.exp(np.broadcast_to(volume, k)), np.stack([stretch, 1 / stretch], axis=1), axes)


@pytest.mark.parametrize("name", IN_MCLUST)
def test_no_optimiser_finds_more_likely_covariances(name):
    k = 2
    counts, scatter = moments_of(4, k=k, d=2)
    n = sum({"E": 1, "V": k, "I": 0}[letter] for letter in name)
    rng = np.random.default_rng(0)
    optima = [
        minimize(lambda x: -likelihood(counts, scatter, from_parameters(name, x, k)), rng.normal(size=n))
        for _ in range(5)
    ]
    reached = likelihood(counts, scatter, estimate(name, counts, scatter))
    assert reached == pytest.approx(max(-each.fun for each in optima), abs=1e-7)


@pytest.mark.parametrize("elongation", [0.5, 2.0])
@pytest.mark.parametrize(("small", "large"), NESTED)
def test_an_m_step_with_more_freedom_that_begins_there_is_at_least_as_likely(small, large, elongation):
    counts, scatter = moments_of(7, elongation=elongation)
    matrices = estimate(small, counts, scatter)
    layout = gradmix.covariance(large).moments
    previous = {"full": matrices, "diagonal": np.diagonal(matrices, axis1=1, axis2=2)}.get(layout)
    more = likelihood(counts, scatter, estimate(large, counts, scatter, previous))
    assert more >= likelihood(counts, scatter, matrices) - 1e-11


@pytest.mark.parametrize("name", ["VEI", "VEE", "VEV", "EVE", "VVE"])
def test_an_inner_iteration_that_is_cut_short_still_gains_on_the_previous_estimate(name):
    first, second = moments_of(1), moments_of(2)
    covariance = gradmix.covariance(name)
    (bound,) = vars(covariance)
    short = gradmix.covariance(name, **{bound: 1})
    previous = short.estimate(first[0], reduced(first[1], short.moments), None, 0.0)
    values = [likelihood(*second, LAYOUTS[short.moments].matrices(previous, 3, 4))]
    for _ in range(5):
        previous = short.estimate(second[0], reduced(second[1], short.moments), previous, 0.0)
        values.append(likelihood(*second, LAYOUTS[short.moments].matrices(previous, 3, 4)))
    assert (np.diff(values) >= -1e-13).all()
    assert values[1] > values[0]
    assert values[-1] <= likelihood(*second, estimate(name, *second)) + 1e-9


@pytest.mark.parametrize("elongation", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("name", ["VEI", "VEE", "VEV", "EVE", "VVE"])
def test_a_few_inner_iterations_come_as_near_as_em_can_see(name, elongation):
    counts, scatter = moments_of(6, k=8, d=10, elongation=elongation, n_turns=1)
    covariance = gradmix.covariance(name)
    found = covariance.estimate(counts, reduced(scatter, covariance.moments), None, 1.5e-8)
    reached = likelihood(counts, scatter, LAYOUTS[covariance.moments].matrices(found, 8, 10))
    assert reached == pytest.approx(likelihood(counts, scatter, estimate(name, counts, scatter)), abs=1e-5)


@pytest.mark.parametrize("name", IN_MCLUST)
@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_scale_changes_nothing_but_the_scale(name, scale):
    counts, scatter = moments_of(3)
    expected = estimate(name, counts, scatter)
    np.testing.assert_allclose(estimate(name, counts, scatter * scale) / scale, expected, rtol=1e-5)


@pytest.mark.parametrize("name", IN_MCLUST)
def test_a_component_of_one_row_and_a_constant_column_leave_numbers(name):
    counts, scatter = moments_of(5)
    scatter[0] = 0.0
    scatter[:, 3, :] = scatter[:, :, 3] = 0.0
    counts[0] = np.finfo(float).tiny
    with np.errstate(all="raise", under="ignore"):
        matrices = estimate(name, counts, scatter, tol=1e-8)
    assert np.isfinite(matrices).all()
    assert np.linalg.eigvalsh(matrices).min() >= -1e-12 * np.abs(matrices).max()


def fit(X, covariance_type, k, **options):
    given = {"n_components": k, "covariance_type": covariance_type, "random_state": 0, "reg_covar": 0.0, **options}
    return gradmix.clusterer("gmm", **given).fit(X)


@pytest.mark.parametrize("name", IN_MCLUST)
def test_the_log_likelihood_never_falls_on_iris(name):
    clusterer = gradmix.clusterer(
        "gmm", n_components=3, covariance_type=name, reg_covar=0.0, max_iter=40, tol=0.0, random_state=0
    )
    values = [each.metrics["log_likelihood"] for each in clusterer.iterations(IRIS)]
    assert len(values) > 3
    assert np.diff(values).min() >= -1e-9 * abs(values[-1])


@pytest.mark.parametrize(("k", "log_likelihood"), [(2, -214.3547), (3, -180.1855)])
def test_iris_reaches_what_mclust_publishes(k, log_likelihood):
    assert fit(IRIS, "VVV", k, tol=1e-10).log_likelihood_ == pytest.approx(log_likelihood, abs=1e-3)


def test_at_the_best_of_several_starts_more_freedom_never_fits_worse():
    best = {name: fit(IRIS, name, 2, n_init=3, tol=1e-7).log_likelihood_ for name in IN_MCLUST}
    for small, large in NESTED:
        assert best[large] >= best[small] - 1e-3, (small, large)


def test_the_nested_pairs_are_a_lattice_from_the_smallest_to_the_largest():
    assert {name for name, _ in NESTED} == set(IN_MCLUST) - {"VVV"}
    assert all((small, "VVV") in NESTED for small in IN_MCLUST if small != "VVV")
    assert all(IN_MCLUST[small] < IN_MCLUST[large] for small, large in NESTED)
    assert len(list(combinations(IN_MCLUST, 2))) > len(NESTED) > 40
