"""Differentiators made of one function: what it gives is checked, and its options hide nothing."""

import pytest

import gradmix


def test_an_option_that_would_pass_for_the_accuracy_is_refused():
    with pytest.raises(TypeError, match="steps cannot have an option accuracy: every differentiator has"):

        @gradmix.from_jvp
        def steps(f, x, v, accuracy: int = 2):
            return v


@pytest.mark.parametrize("point", [1.0, [1.0, 2.0]])
def test_complex_derivatives_are_refused_and_not_cut_down_to_their_real_parts(point):
    @gradmix.from_jvp
    def forgetful(f, x, v):
        return f(x + 1e-20j * v) / 1e-20

    with pytest.raises(gradmix.NumericalError, match="real numbers"):
        forgetful().gradient(lambda x: (x * x).sum(), point)
