"""EM against published figures, extended precision, scikit-learn and its own laws."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy, multivariate_normal
from sklearn.mixture import GaussianMixture as Peer

import gradmix
from gradmix_clustering.em import em, start_model
from gradmix_clustering.estep import EStep
from gradmix_clustering.starts import STARTS
from gradmix_datasets.old_faithful import OldFaithful

OLD_FAITHFUL = OldFaithful().load().X
TYPES = ["diag", "full", "spherical", "tied"]


def fit(X, **options):
    return gradmix.clusterer("gmm", random_state=0, **options).fit(X)


@pytest.mark.parametrize(
    ("covariance_type", "k", "log_likelihood", "n_parameters", "mclust_bic"),
    [
        ("full", 1, -1289.7967, 5, -2607.623),
        ("full", 2, -1130.2640, 11, -2322.192),
        ("tied", 2, -1140.1868, 8, -2325.220),
        ("tied", 3, -1126.3159, 11, -2314.316),
        ("diag", 2, -1147.8064, 9, -2346.065),
        ("spherical", 2, -1709.5293, 7, -3458.305),
    ],
)
def test_old_faithful_reaches_the_best_optimum_known(covariance_type, k, log_likelihood, n_parameters, mclust_bic):
    gmm = fit(OLD_FAITHFUL, n_components=k, covariance_type=covariance_type, n_init=30, tol=1e-10)
    assert gmm.log_likelihood_ == pytest.approx(log_likelihood, abs=1e-3)
    assert gmm.model_.n_parameters == n_parameters
    assert mclust_bic - 0.001 <= -gmm.bic(OLD_FAITHFUL) <= mclust_bic + 0.025  # mclust stops its EM earlier


def test_the_default_run_is_close_to_the_optimum():
    assert fit(OLD_FAITHFUL).log_likelihood_ == pytest.approx(-1130.2640, abs=0.01)


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("init_params", STARTS)
def test_the_log_likelihood_never_falls(covariance_type, init_params):
    clusterer = gradmix.clusterer(
        "gmm",
        n_components=3,
        covariance_type=covariance_type,
        init_params=init_params,
        reg_covar=0.0,
        max_iter=60,
        tol=0.0,
        random_state=3,
    )
    values = [each.metrics["log_likelihood"] for each in clusterer.iterations(OLD_FAITHFUL)]
    assert len(values) > 5
    assert np.diff(values).min() >= -1e-9 * abs(values[-1])


@pytest.mark.parametrize("covariance_type", TYPES)
def test_each_iteration_carries_the_log_likelihood_of_its_own_model(covariance_type):
    clusterer = gradmix.clusterer("gmm", covariance_type=covariance_type, random_state=0)
    for each in clusterer.iterations(OLD_FAITHFUL):
        assert each.metrics["log_likelihood"] == pytest.approx(each.estimate.log_likelihood(OLD_FAITHFUL), rel=1e-13)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_densities_are_scipys(covariance_type):
    model = fit(OLD_FAITHFUL, n_components=3, covariance_type=covariance_type).model_
    matrices = model.matrices
    density = sum(
        weight * multivariate_normal(mean, matrix).pdf(OLD_FAITHFUL)
        for weight, mean, matrix in zip(model.weights, model.means, matrices, strict=True)
    )
    np.testing.assert_allclose(model.score_samples(OLD_FAITHFUL), np.log(density), rtol=1e-10)
    proba = model.predict_proba(OLD_FAITHFUL)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-13)
    np.testing.assert_array_equal(proba.argmax(axis=1), model.predict(OLD_FAITHFUL))


@pytest.mark.parametrize("covariance_type", TYPES)
def test_from_the_same_start_it_goes_where_scikit_learn_goes(covariance_type):
    rng = np.random.default_rng(5)
    X = np.concatenate([rng.normal(0, 1, (50, 3)), rng.normal(3, 2, (70, 3)), rng.normal(-4, 1, (40, 3))])
    responsibilities = rng.dirichlet(np.ones(3), len(X))
    covariance = covariance_type
    start = start_model(gradmix.Rows(X), lambda block: responsibilities[block.rows].T, covariance, 1e-6)
    peer = Peer(3, covariance_type=covariance_type, max_iter=25, tol=0.0)
    peer._initialize(X, responsibilities)
    steps = [step for _, step in zip(range(25), em(EStep(gradmix.rows(X), "numba"), start, 1e-6), strict=False)]
    for _ in steps:
        peer._m_step(X, peer._e_step(X)[1])
    step = steps[-1]
    np.testing.assert_allclose(step.model.means, peer.means_, rtol=1e-8)
    np.testing.assert_allclose(step.model.covariances, peer.covariances_, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(step.model.weights, peer.weights_, rtol=1e-8)
    assert step.log_likelihood == pytest.approx(peer._e_step(X)[0] * len(X), rel=1e-10)
    assert step.model.bic(X) == pytest.approx(peer.bic(X), rel=1e-10)
    assert step.model.aic(X) == pytest.approx(peer.aic(X), rel=1e-10)


def exact_log_likelihood(X, model):
    """The log-likelihood of a model in 40 digits."""
    with mpmath.workdps(40):
        total = mpmath.mpf(0)
        components = [
            (mpmath.mpf(float(w)), mpmath.matrix(m.tolist()), mpmath.matrix(c.tolist()))
            for w, m, c in zip(model.weights, model.means, model.matrices, strict=True)
        ]
        prepared = [(w, m, c**-1, mpmath.det(c)) for w, m, c in components]
        for row in X:
            x = mpmath.matrix(row.tolist())
            density = mpmath.mpf(0)
            for weight, mean, inverse, determinant in prepared:
                distance = ((x - mean).T * inverse * (x - mean))[0]
                density += weight * mpmath.exp(-distance / 2) / mpmath.sqrt((2 * mpmath.pi) ** len(row) * determinant)
            total += mpmath.log(density)
        return total


HARD = {
    "an offset of 1e8": OLD_FAITHFUL[:40] + 1e8,
    "clusters 1e6 σ apart": np.concatenate([OLD_FAITHFUL[:20], OLD_FAITHFUL[20:40] + 1e6]),
    "a scale of 1e-6": OLD_FAITHFUL[:40] * 1e-3,
}


@pytest.mark.parametrize("covariance_type", TYPES)
@pytest.mark.parametrize("case", HARD)
def test_hard_data_cost_no_digits(covariance_type, case):
    X = HARD[case]
    gmm = fit(X, n_components=2, covariance_type=covariance_type, reg_covar=0.0)
    exact = exact_log_likelihood(X, gmm.model_)
    assert float(abs((gmm.log_likelihood_ - exact) / exact)) < 1e-10


@pytest.mark.parametrize("covariance_type", TYPES)
def test_an_offset_moves_the_means_and_nothing_else(covariance_type):
    here, there = (fit(X, covariance_type=covariance_type) for X in (OLD_FAITHFUL, OLD_FAITHFUL + 1e7))
    assert there.log_likelihood_ == pytest.approx(here.log_likelihood_, rel=1e-9)
    np.testing.assert_allclose(there.means_ - 1e7, here.means_, rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(TYPES))
def test_moments_do_not_depend_on_the_order_or_the_blocks_of_rows(seed, covariance_type):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(300, 2)) * [1.0, 5.0] + [10.0, -3.0]
    covariance = covariance_type
    responsibilities = rng.dirichlet(np.ones(3), len(X))
    model = start_model(gradmix.Rows(X), lambda block: responsibilities[block.rows].T, covariance, 1e-6)

    def expectation(rows):
        return EStep(gradmix.rows(rows), "numpy")(model)

    whole = expectation(X)
    parts = expectation(X[:100]) + expectation(X[100:])
    shuffled = expectation(X[rng.permutation(len(X))])
    for other in (parts, shuffled):
        assert other.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-12)
        np.testing.assert_allclose(other.counts, whole.counts, rtol=1e-10)
        np.testing.assert_allclose(other.scatter, whole.scatter, rtol=1e-9, atol=1e-9)


def test_many_tiles_give_what_one_gives(monkeypatch):
    whole = fit(OLD_FAITHFUL)
    monkeypatch.setattr("gradmix.contracts.folds.TILE", 64)
    monkeypatch.setattr("gradmix_clustering.blocks._ENTRIES", 64)
    assert fit(OLD_FAITHFUL).log_likelihood_ == pytest.approx(whole.log_likelihood_, rel=1e-12)


def test_a_known_mixture_is_recovered():
    truth = fit(OLD_FAITHFUL).model_
    X, labels = truth.sample(20_000, np.random.default_rng(1))
    np.testing.assert_allclose(np.bincount(labels) / len(X), truth.weights, atol=0.02)
    found = fit(X).model_
    order = np.argsort(found.means[:, 0])
    expected = np.argsort(truth.means[:, 0])
    np.testing.assert_allclose(found.means[order], truth.means[expected], rtol=0.02)
    np.testing.assert_allclose(found.covariances[order], truth.covariances[expected], rtol=0.1)


def test_fewer_rows_than_components_are_refused():
    with pytest.raises(gradmix.DataError, match="3 rows are fewer than n_components=4"):
        fit(OLD_FAITHFUL[:3], n_components=4)


def test_no_rows_are_refused():
    with pytest.raises(gradmix.DataError, match="0 rows are fewer than"):
        gradmix.clusterer("gmm").fit(np.empty((0, 3)))


def test_a_constant_column_is_named():
    X = np.column_stack([OLD_FAITHFUL, np.ones(len(OLD_FAITHFUL))])
    with pytest.raises(gradmix.DataError, match=r"column 2 .*constant"):
        fit(X, reg_covar=0.0)
    with pytest.raises(gradmix.DataError, match="every column is constant"):
        fit(X[:, 2:])


@pytest.mark.parametrize("covariance_type", TYPES)
def test_a_component_that_collapses_is_told_with_the_way_out(covariance_type):
    X = np.array([[0.0, 0.0], [1.0, 2.0]] * 5)
    with pytest.raises(gradmix.NumericalError, match="Raise reg_covar"):
        fit(X, n_components=2, covariance_type=covariance_type, reg_covar=0.0)


def test_with_regularisation_a_collapse_is_no_error():
    X = np.array([[0.0, 0.0], [1.0, 2.0]] * 5)
    assert np.isfinite(fit(X, n_components=2).log_likelihood_)


def test_as_many_components_as_rows():
    assert np.isfinite(fit(OLD_FAITHFUL[:6], n_components=6).log_likelihood_)


def test_a_step_that_falls_by_regularisation_is_no_convergence():
    X = OLD_FAITHFUL * 1e-3
    gmm = fit(X, covariance_type="diag", init_params="random", n_components=3)
    assert gmm.n_iter_ > 5


def test_it_stops_at_max_iter_and_says_that_it_has_not_converged():
    gmm = fit(OLD_FAITHFUL, n_components=5, max_iter=2)
    assert (gmm.n_iter_, gmm.converged_) == (2, False)


def test_icl_is_at_least_bic():
    model = fit(OLD_FAITHFUL, n_components=3).model_
    scores = model.scores(OLD_FAITHFUL)
    assert scores["icl"] >= scores["bic"] >= scores["aic"]


@pytest.mark.parametrize("tol", [1e-4, 1e-5, 1e-7])
def test_tol_is_the_gain_per_row(tol):
    gmm = gradmix.clusterer("gmm", n_components=3, tol=tol, random_state=0)
    steps = list(gmm.iterations(OLD_FAITHFUL))
    gains = np.diff([step.metrics["log_likelihood"] for step in steps]) / len(OLD_FAITHFUL)
    assert len(gains) > 3
    assert abs(gains[-1]) < tol
    assert (gains[1:-1] >= tol).all()


def test_more_copies_of_the_same_rows_take_as_many_iterations():
    means = [[2.0, 55.0], [4.0, 60.0], [4.5, 85.0]]
    steps = [_steps_until(np.tile(OLD_FAITHFUL, (copies, 1)), means, tol=1e-4) for copies in (1, 7)]
    assert steps[0] == steps[1] > 3


def _steps_until(X, means, tol):
    responsibilities = np.eye(3)[((X[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)]
    start = start_model(gradmix.Rows(X), lambda block: responsibilities[block.rows].T, "full", 1e-6)
    gains = (step.gain for step in em(EStep(gradmix.rows(X), "numba"), start, 1e-6))
    return next(number for number, gain in enumerate(gains) if abs(gain) < tol)


@pytest.mark.parametrize("covariance_type", ["full", "spherical"])
def test_icl_adds_twice_the_entropy_of_the_assignments_to_bic(covariance_type):
    gmm = fit(OLD_FAITHFUL, n_components=3, covariance_type=covariance_type)
    total = entropy(gmm.predict_proba(OLD_FAITHFUL), axis=1).sum()
    assert total > 1
    scores = gmm.model_.scores(OLD_FAITHFUL)
    assert scores["icl"] == pytest.approx(scores["bic"] + 2 * total, rel=1e-12)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "VEV", "VVE"])
@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_a_weight_of_two_counts_as_two_rows(covariance_type, backend):
    options = {"n_components": 2, "covariance_type": covariance_type, "backend": backend, "random_state": 0}
    weights = 1.0 + (np.arange(len(OLD_FAITHFUL)) % 3)
    weighted = gradmix.clusterer("gmm", tol=1e-12, **options).fit(OLD_FAITHFUL, sample_weight=weights)
    repeated = gradmix.clusterer("gmm", tol=1e-12, **options).fit(np.repeat(OLD_FAITHFUL, weights.astype(int), axis=0))
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_, rel=1e-9)
    assert weighted.lower_bound_ == pytest.approx(repeated.lower_bound_, rel=1e-9)
    order = np.argsort(weighted.means_[:, 0]), np.argsort(repeated.means_[:, 0])
    np.testing.assert_allclose(weighted.means_[order[0]], repeated.means_[order[1]], rtol=1e-5)


@pytest.mark.parametrize("init_params", STARTS)
def test_a_fit_has_the_same_bits_on_any_engine(init_params):
    X = np.vstack([np.random.default_rng(1).normal(size=(9000, 3)), np.random.default_rng(2).normal(3, 1, (4000, 3))])
    fits = [
        gradmix.clusterer("gmm", n_components=3, max_iter=5, init_params=init_params, random_state=0).fit(rows)
        for rows in (X, gradmix.rows(X, engine="threads", n_threads=2), gradmix.rows(X, engine="threads", n_threads=3))
    ]
    assert len({fitted.log_likelihood_ for fitted in fits}) == 1
    assert all(np.array_equal(fitted.covariances_, fits[0].covariances_) for fitted in fits)


def test_a_start_goes_on_from_an_earlier_iteration():
    clusterer = gradmix.clusterer("gmm", n_components=2, tol=0.0, max_iter=6, random_state=0)
    whole = list(clusterer.iterations(OLD_FAITHFUL))
    clusterer.max_iter = 3
    rest = list(clusterer.iterate_rows(gradmix.Rows(OLD_FAITHFUL), np.random.default_rng(0), whole[2].estimate))
    assert [each.metrics for each in rest] == [each.metrics for each in whole[3:]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e154, 1e200, 1e300])
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_data_whose_variances_are_no_numbers_are_refused(scale, covariance_type):
    X = scale * np.array([[1.0], [1.1], [7.0], [7.2], [7.1]])
    with pytest.raises(gradmix.DataError, match=r"the widest column spans .* Choose a unit in which"):
        gradmix.clusterer("gmm", covariance_type=covariance_type).fit(X)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
@pytest.mark.parametrize("covariance_type", [*TYPES, "VEV"])
def test_a_tolerance_of_zero_stops_when_nothing_changes(covariance_type, backend):
    options = {"covariance_type": covariance_type, "backend": backend, "random_state": 0, "max_iter": 100_000}
    fitted = gradmix.clusterer("gmm", tol=0.0, **options).fit(OLD_FAITHFUL)
    assert fitted.converged_
    assert fitted.n_iter_ < 500
    assert abs(fitted.trace_[-1] - fitted.trace_[-2]) <= 1e-12
