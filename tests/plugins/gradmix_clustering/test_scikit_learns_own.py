"""scikit-learn's own tests of `GaussianMixture`, with `gmm` in its place."""

import pytest
from sklearn.mixture.tests import test_gaussian_mixture as theirs

import gradmix

LEFT_OUT = {
    "test_check_weights": "scikit-learn's message calls the smallest weight the greatest; ours does not",
    "test_gaussian_mixture_all_init_does_not_estimate_gaussian_parameters": "it counts calls of a private function",
    "test_gaussian_mixture_aic_bic": "it calls a private method",
    "test_gaussian_mixture_n_parameters": "it calls a private method",
    "test_gaussian_mixture_precisions_init": "it calls a private method",
    "test_gaussian_mixture_setting_best_params": "without reg_covar, a component of one row is an error here",
    "test_init_means_not_duplicated": "it asks for no iteration, max_iter=0, which is refused here",
    "test_max_iter_zero": "it asks for no iteration, max_iter=0, which is refused here",
    "test_regularisation": "fewer different rows than components have another message here",
}
"""Test → why it says nothing of `gmm`."""

NEEDS_NONE = (
    "test_log_",
    "test_suffstat",
    "test_gaussian_suffstat",
    "test_compute_log_det",
    "test_gaussian_mixture_array_api",
)
"""Beginnings of the names of tests that use private functions alone, or arrays of other libraries."""


def mixture(n_components=1, covariance_type="full", **options):
    """`gmm` with scikit-learn's defaults."""
    defaults = {"tol": 1e-3, "reg_covar": 1e-6, "reg_covar_is_relative": False, "max_iter": 100}
    component = type(gradmix.clusterer("gmm"))
    return component(n_components=n_components, covariance_type=covariance_type, **{**defaults, **options})


@pytest.fixture(autouse=True)
def ours_in_its_place(monkeypatch):
    monkeypatch.setattr(theirs, "GaussianMixture", mixture)


for _name, _test in vars(theirs).items():
    if _name.startswith("test_") and _name not in LEFT_OUT and not _name.startswith(NEEDS_NONE):
        globals()[_name] = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")(_test)


def test_what_is_left_out_is_there():
    assert set(LEFT_OUT) <= set(vars(theirs))
