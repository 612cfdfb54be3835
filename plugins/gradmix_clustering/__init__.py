"""Clusterers: Gaussian mixtures by EM with their covariance types, and k-means."""

import gradmix

_SCIKIT_LEARN = {"spherical": "VII", "diag": "VVI", "tied": "EEE", "full": "VVV"}
"""Name in scikit-learn → mclust's name of a covariance type."""


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the clusterers and the covariance types."""
    types = {name: f"gradmix_clustering.covariance:{name}" for name in ("VII", "VVI", "EEE", "VVV")}
    return {
        "clusterer": {
            "gmm": "gradmix_clustering.gmm:GaussianMixture",
            "kmeans": "gradmix_clustering.kmeans:KMeans",
        },
        "covariance": {**types, **{name: types[other] for name, other in _SCIKIT_LEARN.items()}},
    }
