"""Programs made at random: the value is that of the program, and both modes give the same derivative, or refuse it."""

import importlib.util

import numpy as np
import pytest
from tests.plugins.gradmix_autodiff.source.random_programs import RandomProgram

import gradmix
from gradmix import DifferentiationError

FORWARD = gradmix.differentiator("source", mode="forward")
REVERSE = gradmix.differentiator("source", mode="reverse")
POINTS = ([0.3, -0.4, 0.7], [-0.2, 0.8, 0.5])
MOST_REFUSED = 0.2


def function_of(seed, folder):
    """The function of a random program."""
    file = folder / f"random_{seed}.py"
    file.write_text(RandomProgram(seed).text(), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.f


def is_as_estimated(f, x, gradient):
    """Whether central differences with one of some steps agree, or do not agree with each other: a jump is near."""
    estimates = [np.array([(f(x + v) - f(x - v)) / (2 * h) for v in h * np.eye(3)]) for h in (1e-5, 1e-6, 1e-7)]
    scale = 1.0 + np.max(np.abs(gradient))
    spread = max(np.max(np.abs(each - estimates[1])) for each in estimates)
    return spread > 1e-3 * scale or min(np.max(np.abs(each - gradient)) for each in estimates) <= 1e-4 * scale


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_derivatives_are_right_or_refused(first, tmp_path):
    refused = 0
    for seed in range(first, first + 20):
        f = function_of(seed, tmp_path)
        for point in map(np.array, POINTS):
            value = f(point.copy())
            if not abs(value) < 1e6:
                continue
            try:
                computed, gradient = REVERSE.value_and_gradient(f, point)
            except DifferentiationError:
                refused += 1
                break
            np.testing.assert_allclose(computed, value, rtol=1e-13, atol=1e-13)
            scale = 1.0 + np.max(np.abs(gradient))
            np.testing.assert_allclose(FORWARD.gradient(f, point) / scale, gradient / scale, atol=1e-11)
            assert is_as_estimated(f, point, gradient), f"seed {seed}"
    assert refused <= MOST_REFUSED * 20
