"""Automatic differentiation of plain NumPy functions: dual numbers, a tape, and source transformation."""

import gradmix


@gradmix.hookimpl
def gradmix_components() -> gradmix.Components:
    """Offer the differentiators."""
    return {
        "differentiator": {
            "dual": "gradmix_autodiff.dual:DualNumbers",
            "source": "gradmix_autodiff.source_transformation:SourceTransformation",
            "tape": "gradmix_autodiff.tape:Tape",
            "second_order": "gradmix_autodiff.second_order:SecondOrder",
            "taylor": "gradmix_autodiff.taylor.differentiator:Taylor",
        }
    }
