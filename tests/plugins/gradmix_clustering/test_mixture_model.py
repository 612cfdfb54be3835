"""The mixture as a value: distributions of some features, uncertainty, and what can be written and read."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture as Peer

import gradmix
from gradmix_clustering.mixture_model import GaussianMixtureModel
from gradmix_datasets.classics import Iris

X = Iris().load().X
TYPES = ["full", "tied", "diag", "spherical", "EII", "VEI", "EEV", "VVE"]


@pytest.fixture(scope="module", params=TYPES)
def gmm(request):
    return gradmix.clusterer("gmm", n_components=3, covariance_type=request.param, random_state=0).fit(X)


def density(model, rows):
    """By SciPy."""
    parts = zip(model.weights, model.means, model.matrices, strict=True)
    return sum(weight * multivariate_normal(mean, matrix).pdf(rows) for weight, mean, matrix in parts)


def test_a_marginal_is_the_integral_over_the_other_features(gmm):
    pair = gmm.model_.marginal([3, 1])
    for value in (0.2, 1.5):
        integral = quad(lambda x, at=value: np.exp(pair.score_samples(np.array([[at, x]])))[0], 0.0, 8.0, limit=200)[0]
        assert integral == pytest.approx(np.exp(pair.marginal([0]).score_samples(np.array([[value]])))[0], rel=1e-7)
    np.testing.assert_allclose(pair.matrices, gmm.model_.matrices[:, [3, 1]][:, :, [3, 1]], rtol=1e-14)
    np.testing.assert_array_equal(pair.means, gmm.model_.means[:, [3, 1]])


def test_a_conditional_is_the_joint_density_by_the_marginal_one(gmm):
    model, given, others = gmm.model_, [2, 0], [1, 3]
    for row in X[::30]:
        conditional = model.conditional(given, row[given])
        expected = density(model, row) / density(model.marginal(given), row[given])
        assert np.exp(conditional.score_samples(row[None, others]))[0] == pytest.approx(expected, rel=1e-9)
        assert conditional.weights.sum() == pytest.approx(1.0, rel=1e-14)


def test_where_a_value_is_known_the_mixture_leans_to_the_components_that_make_it_likely():
    model = gradmix.clusterer("gmm", n_components=2, random_state=0).fit(X).model_
    short = model.conditional([2], [1.4])
    assert short.weights.max() > 0.999
    assert short.weights.argmax() == model.means[:, 2].argmin()


@pytest.mark.parametrize("columns", [[], [4], [-1], [0, 0], [0.5], ["a"], 1, [[0]]])
def test_columns_that_there_are_not_are_refused(columns):
    model = gradmix.clusterer("gmm", random_state=0).fit(X).model_
    with pytest.raises(gradmix.DataError, match="columns must be different integers from 0 to 3"):
        model.marginal(columns)


def test_values_must_fit_the_columns_and_leave_one():
    model = gradmix.clusterer("gmm", random_state=0).fit(X).model_
    for values in ([1.0], [1.0, np.nan], [[1.0, 2.0]]):
        with pytest.raises(gradmix.DataError, match="2 finite numbers"):
            model.conditional([0, 1], values)
    with pytest.raises(gradmix.DataError, match="at least one column must not be given; all 4 are"):
        model.conditional([0, 1, 2, 3], X[0])


def test_uncertainty_is_what_the_best_component_leaves_to_the_others(gmm):
    proba, uncertainty = gmm.predict_proba(X), gmm.uncertainty(X)
    np.testing.assert_allclose(uncertainty, 1 - proba.max(axis=1), atol=1e-14)
    assert (uncertainty >= 0).all()
    far = gradmix.clusterer("gmm", covariance_type="spherical", random_state=0).fit([[0.0], [1.0], [8.0], [9.0]])
    assert 0 < far.uncertainty([[0.5]])[0] < 1e-30


def test_scores_agree_and_labels_are_what_predict_gives(gmm):
    np.testing.assert_array_equal(gmm.labels_, gmm.predict(X))
    assert gmm.lower_bound_ == pytest.approx(gmm.score(X), rel=1e-12)
    assert gmm.model_.score(X) == pytest.approx(gmm.score(X), rel=1e-14)
    assert gmm.lower_bounds_[-1] == gmm.lower_bound_
    assert len(gmm.lower_bounds_) == gmm.n_iter_
    assert gmm.icl(X) == gmm.model_.icl(X)


def test_precisions_are_scikit_learns(gmm):
    if gmm.covariance_type not in ("full", "tied", "diag", "spherical"):
        identity = gmm.model_.layout.matrices(gmm.precisions_, 3, 4) @ gmm.model_.matrices
        np.testing.assert_allclose(identity, np.broadcast_to(np.eye(4), (3, 4, 4)), atol=1e-9)
        return
    peer = Peer(3, covariance_type=gmm.covariance_type)
    peer._initialize(X, gmm.predict_proba(X))
    peer.covariances_ = gmm.covariances_
    from sklearn.mixture._gaussian_mixture import _compute_precision_cholesky

    peer._set_parameters(
        (
            gmm.weights_,
            gmm.means_,
            gmm.covariances_,
            _compute_precision_cholesky(gmm.covariances_, gmm.covariance_type),
        )
    )
    np.testing.assert_allclose(gmm.precisions_cholesky_, peer.precisions_cholesky_, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(gmm.precisions_, peer.precisions_, rtol=1e-10, atol=1e-9)


def test_every_number_comes_back_from_npz_and_json(gmm, tmp_path):
    gmm.model_.write_npz(tmp_path / "model.npz")
    gradmix.write_model(tmp_path / "model.json", gmm, gmm.model_)
    for model in (
        GaussianMixtureModel.read_npz(tmp_path / "model.npz"),
        gradmix.read_model(tmp_path / "model.json").model_,
    ):
        assert model.covariance_type == gmm.covariance_type
        for name in ("weights", "means", "covariances"):
            np.testing.assert_array_equal(getattr(model, name), getattr(gmm.model_, name))
        np.testing.assert_array_equal(model.predict(X), gmm.labels_)


def test_an_npz_that_is_not_a_mixture_is_refused(tmp_path):
    file = tmp_path / "other.npz"
    np.savez(file, weights=np.ones(1))
    with pytest.raises(gradmix.DataError, match="not a mixture written by gradmix"):
        GaussianMixtureModel.read_npz(file)
    file.write_text("text")
    with pytest.raises(gradmix.DataError, match="not a mixture written by gradmix"):
        GaussianMixtureModel.read_npz(file)
    with pytest.raises(gradmix.StorageError, match="cannot read"):
        GaussianMixtureModel.read_npz(tmp_path / "none.npz")
    objects = {"weights": np.array([object()]), "means": np.ones((1, 1)), "covariances": np.ones(1)}
    np.savez(file, **objects, covariance_type="full", allow_pickle=True)
    with pytest.raises(gradmix.DataError, match="not a mixture written by gradmix"):
        GaussianMixtureModel.read_npz(file)


def test_covariances_of_another_shape_than_their_type_has_are_refused(tmp_path):
    gmm = gradmix.clusterer("gmm", covariance_type="diag", random_state=0).fit(X)
    file = tmp_path / "model.json"
    gradmix.write_model(file, gmm, gmm.model_)
    content = json.loads(file.read_text())
    content["model"]["covariance_type"] = "full"
    file.write_text(json.dumps(content))
    with pytest.raises(gradmix.DataError, match=r"must have the shape \(2, 4, 4\)"):
        gradmix.read_model(file)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("weights", [0.5, 0.6], "weights of a mixture must be at least 0 and sum to 1; .* with the sum 1.1"),
        ("weights", [1.5, -0.5], "weights of a mixture must be at least 0 and sum to 1"),
        ("means", [[np.inf] * 4, [0.0] * 4], "means of a mixture must be finite"),
        ("covariances", [np.eye(4), np.full((4, 4), np.inf)], "covariances of a mixture must be finite"),
        ("covariances", [np.eye(4), -np.eye(4)], "covariances of a mixture must be positive definite"),
        ("covariances", [np.eye(4), np.eye(4) + np.eye(4, k=1)], "covariances of a mixture must be symmetric"),
        ("estimated", "guessed", "must be 'all' or 'means'; given: 'guessed'"),
    ],
)
def test_a_file_that_holds_no_distribution_is_refused(field, value, message, tmp_path):
    gmm = gradmix.clusterer("gmm", random_state=0).fit(X)
    changed = replace(gmm.model_, **{field: value if isinstance(value, str) else np.array(value)})
    changed.write_npz(tmp_path / "model.npz")
    with pytest.raises(gradmix.DataError, match=message):
        GaussianMixtureModel.read_npz(tmp_path / "model.npz")
    gradmix.write_model(tmp_path / "model.json", gmm, changed)
    with pytest.raises(gradmix.DataError, match=rf"model\.json: .*{message}"):
        gradmix.read_model(tmp_path / "model.json")


def test_a_file_with_infinite_centers_is_refused(tmp_path):
    kmeans = gradmix.clusterer("kmeans", random_state=0).fit(X)
    gradmix.write_model(tmp_path / "model.json", kmeans, replace(kmeans.model_, centers=kmeans.model_.centers * np.inf))
    with pytest.raises(gradmix.DataError, match="centers of a model must be finite"):
        gradmix.read_model(tmp_path / "model.json")


@pytest.mark.parametrize("name", ["score", "bic", "aic", "icl"])
def test_no_rows_have_no_score_but_labels(gmm, name):
    with pytest.raises(gradmix.DataError, match="X has 0 rows"):
        getattr(gmm, name)(X[:0])
    assert gmm.predict(X[:0]).shape == (0,)
    assert gmm.predict_proba(X[:0]).shape == (0, 3)


@pytest.mark.parametrize("n", [2.0, True, "2", None])
def test_only_an_integer_number_of_rows_is_drawn(gmm, n):
    with pytest.raises(gradmix.DataError, match="n_samples must be an integer > 0; given: "):
        gmm.sample(n)
    assert gmm.sample(np.int64(2))[0].shape == (2, 4)


@pytest.mark.parametrize("name", ["gmm", "gmm_gradient", "gaussian"])
def test_an_infinite_variance_is_refused_before_a_fit(name):
    with pytest.raises(gradmix.ConfigError, match=r"clusterer\.reg_covar must be a number ≥ 0 and < inf; given: inf"):
        gradmix.clusterer(name, reg_covar=np.inf)
    with pytest.raises(gradmix.ConfigError, match=r"clusterer\.sigma must be a number > 0 and < inf"):
        gradmix.clusterer("gmm", update="means", sigma=np.inf)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("far", [[1e200, 0.0], [-1.7e308, 1.7e308], [0.0, -1e300]])
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_a_row_beyond_the_range_of_squares_belongs_to_the_nearest_component(covariance_type, far):
    rows = np.random.default_rng(0).normal(size=(60, 2)) + np.repeat([[0.0], [9.0]], 30, axis=0)
    rows[30:] *= 2
    fitted = gradmix.clusterer("gmm", covariance_type=covariance_type, random_state=0).fit(rows)
    both = np.array([rows[0], far])
    proba = fitted.predict_proba(both)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.predict(both), proba.argmax(axis=1))
    near = fitted.predict_proba(np.array(far)[None] / np.abs(far).max() * 1e9)
    np.testing.assert_array_equal(proba[1], near[0])
    scores = fitted.score_samples(both)
    assert np.isfinite(scores[0])
    assert scores[1] == -np.inf
    assert np.isfinite(fitted.uncertainty(both)).all()
    assert np.isfinite(fitted.model_.conditional([0], [far[0]]).weights).all()


def test_rows_beyond_the_range_of_squares_share_components_at_one_distance():
    model = gradmix.clusterer("gmm", covariance_type="tied", random_state=0).fit([[0.0], [0.5], [8.0], [9.0]]).model_
    assert model.predict_proba(np.array([[1e200]])).tolist() in ([[1.0, 0.0]], [[0.0, 1.0]], [[0.5, 0.5]])
