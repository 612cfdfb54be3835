from dataclasses import dataclass

import gradmix
from gradmix.typing import as_point, check_shape


@dataclass
class FixedStep(gradmix.Differentiator):
    """Forward differences with one step for all.

    Parameters
    ----------
    h
        The step.
    """

    accuracy = 1e-4

    h: gradmix.PositiveFloat = 1e-5

    def jvp(self, f, x, v):
        x, v = as_point(x), as_point(v)
        check_shape("v", v, "x", getattr(x, "shape", ()))
        return (f(x + self.h * v) - f(x)) / self.h


@gradmix.hookimpl
def gradmix_components():
    return {"differentiator": {"fixed_step": FixedStep}}
