"""Additional metrics: the separation of groups, and the overall error of a derivative."""

import gradmix


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the metrics."""
    return {
        "metric": {
            "calinski_harabasz": "gradmix_metrics.separation:CalinskiHarabasz",
            "davies_bouldin": "gradmix_metrics.separation:DaviesBouldin",
            "relative_error_l2": "gradmix_metrics.relative_error:RelativeErrorL2",
            "silhouette": "gradmix_metrics.separation:Silhouette",
        }
    }
