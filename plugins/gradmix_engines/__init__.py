"""Engines: where folds over rows are computed."""

import gradmix


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the engines."""
    return {
        "engine": {
            "serial": "gradmix_engines.serial:Serial",
            "threads": "gradmix_engines.threads:Threads",
        }
    }
