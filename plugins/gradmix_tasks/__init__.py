"""Tasks: what a run does."""

import gradmix


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the tasks."""
    return {
        "task": {
            "check": "gradmix_tasks.check:Check",
            "cluster": "gradmix_tasks.cluster:Cluster",
            "differentiate": "gradmix_tasks.differentiate:Differentiate",
            "solve": "gradmix_tasks.solve:Solve",
        }
    }
