from dataclasses import dataclass

import gradmix


@dataclass
class FixedStep(gradmix.Differentiator):
    """Forward differences with one step for all."""

    h: gradmix.PositiveFloat = 1e-7

    def jvp(self, f, x, v):
        return (f(x + self.h * v) - f(x)) / self.h


@gradmix.hookimpl
def gradmix_components():
    return {"differentiator": {"fixed_step": FixedStep}}
