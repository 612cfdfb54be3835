"""Clusterers: Gaussian mixtures by EM, and k-means."""

import gradmix


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the clusterers."""
    return {
        "clusterer": {
            "gmm": "gradmix_clustering.gmm:GaussianMixture",
            "kmeans": "gradmix_clustering.kmeans:KMeans",
        }
    }
