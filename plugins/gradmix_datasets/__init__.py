"""Data sets: Old Faithful, sampled mixtures, files, and scikit-learn's classics."""

import gradmix


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the data sets."""
    return {
        "dataset": {
            "old_faithful": "gradmix_datasets.old_faithful:OldFaithful",
            "mixture": "gradmix_datasets.mixture:Mixture",
            "file": "gradmix_datasets.file:File",
            "iris": "gradmix_datasets.classics:Iris",
            "wine": "gradmix_datasets.classics:Wine",
            "blobs": "gradmix_datasets.blobs:Blobs",
            "breast_cancer": "gradmix_datasets.classics:BreastCancer",
            "digits": "gradmix_datasets.classics:Digits",
        }
    }
