"""Peers: other people's algorithms, as thin plugins, so that ours and theirs run the same work side by side."""

import gradmix


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the peers."""
    return {
        "clusterer": {
            "sklearn_gmm": "gradmix_peers.sklearn_gmm:SklearnGaussianMixture",
            "sklearn_bayesian_gmm": "gradmix_peers.sklearn_bayesian_gmm:SklearnBayesianGaussianMixture",
            "sklearn_kmeans": "gradmix_peers.sklearn_kmeans:SklearnKMeans",
            "sklearn_minibatch_kmeans": "gradmix_peers.sklearn_minibatch_kmeans:SklearnMiniBatchKMeans",
            "sklearn_bisecting_kmeans": "gradmix_peers.sklearn_bisecting_kmeans:SklearnBisectingKMeans",
            "sklearn_hdbscan": "gradmix_peers.sklearn_hdbscan:SklearnHDBSCAN",
        },
    }
