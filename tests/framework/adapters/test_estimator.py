"""Clusterers made of scikit-learn's estimators: what any estimator may be asked, they may be, too."""

import copy
import pickle

import numpy as np
import pytest

import gradmix

pytest.importorskip("sklearn")

from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

Mixture = gradmix.from_sklearn(GaussianMixture, name="Mixture")
Means = gradmix.from_sklearn(KMeans, name="Means")
X = np.concatenate([np.arange(20.0), 100 + np.arange(20.0)])[:, None]


@pytest.mark.parametrize("remade", [copy.deepcopy, lambda fitted: pickle.loads(pickle.dumps(fitted))])
@pytest.mark.parametrize("clusterer", [Mixture(n_components=2, random_state=0), Means(n_clusters=2, random_state=0)])
def test_what_is_fitted_can_be_pickled(clusterer, remade):
    fitted = clusterer.fit(X)
    again = remade(fitted)
    assert again.predict(X).tolist() == fitted.predict(X).tolist()
    assert type(again.model_) is type(fitted.model_) is type(fitted).model_class()


def test_a_parameter_that_would_hide_what_every_clusterer_has_is_refused():
    class Around:
        def __init__(self, estimator=None):
            self.estimator = estimator

        def fit(self, X, y=None):
            return self

    with pytest.raises(TypeError, match="Around cannot have an option estimator: every clusterer has"):
        gradmix.from_sklearn(Around)
