"""Divided differences and the complex step."""

import gradmix


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the differentiator."""
    return {"differentiator": {"finite_difference": "gradmix_differences.finite_difference:FiniteDifference"}}
