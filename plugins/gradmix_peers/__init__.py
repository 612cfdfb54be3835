"""Peers: thin plugins for other libraries' algorithms, so that ours and theirs can be compared on the same work."""

import gradmix


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the peers."""
    return {
        "clusterer": {
            "faiss_kmeans": "gradmix_peers.faiss_kmeans:FaissKMeans",
            "sklearn_gmm": "gradmix_peers.sklearn_gmm:SklearnGaussianMixture",
            "sklearn_bayesian_gmm": "gradmix_peers.sklearn_bayesian_gmm:SklearnBayesianGaussianMixture",
            "sklearn_kmeans": "gradmix_peers.sklearn_kmeans:SklearnKMeans",
            "sklearn_minibatch_kmeans": "gradmix_peers.sklearn_minibatch_kmeans:SklearnMiniBatchKMeans",
            "sklearn_bisecting_kmeans": "gradmix_peers.sklearn_bisecting_kmeans:SklearnBisectingKMeans",
            "sklearn_hdbscan": "gradmix_peers.sklearn_hdbscan:SklearnHDBSCAN",
        },
        "differentiator": {
            "autograd": "gradmix_peers.autograd:Autograd",
            "casadi": "gradmix_peers.casadi:CasADi",
            "cppad": "gradmix_peers.cppad:CppAD",
            "jax": "gradmix_peers.jax:Jax",
            "jax_compiled": "gradmix_peers.jax_compiled:JaxCompiled",
            "mygrad": "gradmix_peers.mygrad:MyGrad",
            "numdifftools": "gradmix_peers.numdifftools:NumDiffTools",
            "pytensor": "gradmix_peers.pytensor:PyTensor",
            "scipy": "gradmix_peers.scipy:SciPy",
            "symbolic": "gradmix_peers.symbolic:Symbolic",
            "sympy": "gradmix_peers.symbolic:SymPy",
            "tangent": "gradmix_peers.tangent:Tangent",
            "tensorflow": "gradmix_peers.tensorflow:TensorFlow",
            "torch": "gradmix_peers.torch:Torch",
        },
    }
