"""Run events: early stopping, notifications, and a silhouette plot."""

import gradmix


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the events."""
    return {
        "events": {
            "notify": "gradmix_events.notify:Notify",
            "patience": "gradmix_events.patience:Patience",
            "silhouette_plot": "gradmix_events.silhouette_plot:SilhouettePlot",
        }
    }
