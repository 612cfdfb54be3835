"""Clusterers: Gaussian mixtures by EM, by gradient ascent or from labels, with their covariance types, and k-means."""

import gradmix

_COVARIANCES = {
    "covariance": ("EII", "VII", "EEI", "EVI", "VVI", "EEE", "EEV", "EVV", "VVV"),
    "common_shape": ("VEI", "VEE", "VEV"),
    "common_orientation": ("EVE", "VVE"),
}
"""Module → the covariance types in it, by mclust's names."""

_SCIKIT_LEARN = {"spherical": "VII", "diag": "VVI", "tied": "EEE", "full": "VVV"}
"""Name in scikit-learn → mclust's name of a covariance type."""


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the clusterers and the covariance types."""
    types = {name: f"gradmix_clustering.{module}:{name}" for module, names in _COVARIANCES.items() for name in names}
    return {
        "clusterer": {
            "gaussian": "gradmix_clustering.gaussian:LabelledGaussians",
            "gmm": "gradmix_clustering.gmm:GaussianMixture",
            "gmm_gradient": "gradmix_clustering.gmm_gradient:GradientMixture",
            "kmeans": "gradmix_clustering.kmeans:KMeans",
            "minibatch_kmeans": "gradmix_clustering.minibatch_kmeans:MiniBatchKMeans",
        },
        "covariance": {**types, **{name: types[other] for name, other in _SCIKIT_LEARN.items()}},
    }
