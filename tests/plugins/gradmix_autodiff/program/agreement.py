"""What the tests of prepared functions share: differentiators, two functions, and when results are the same."""

import numpy as np

import gradmix

TAPE, DUAL = (gradmix.differentiator(name, compiled=False) for name in ("tape", "dual"))
COMPILED = gradmix.differentiator("tape")
RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 4))


def programs(prepared):
    """How many programs there are."""
    return sum(map(len, prepared.differentiator.paths.values()))


def same(found, plain):
    scale = max(1.0, float(np.max(np.abs(np.nan_to_num(plain)), initial=0.0)))
    np.testing.assert_allclose(found, plain, rtol=1e-10, atol=1e-12 * scale)


def vector(x):
    return np.stack([np.sin(x[0]) * x[1], np.exp(x[2]) / x[1], x[0] ** 3 - x[2]])


def scalar(x):
    return np.sum(np.sin(x) * x[::-1] ** 2) / (1.0 + x[0] ** 2)
