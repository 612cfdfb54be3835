"""Automatic differentiation of plain NumPy functions: dual numbers (forward mode) and a tape (reverse mode)."""

import gradmix


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the differentiators."""
    return {
        "differentiator": {
            "dual": "gradmix_autodiff.dual:DualNumbers",
            "tape": "gradmix_autodiff.tape:Tape",
            "second_order": "gradmix_autodiff.second_order:SecondOrder",
            "taylor": "gradmix_autodiff.taylor.differentiator:Taylor",
        }
    }
