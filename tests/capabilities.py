"""What each differentiator can do with each function: ``make capabilities`` writes docs/capabilities.md by trying.

Every function of the tables that test our own rules is differentiated by each plugin, forward (`jvp`), in reverse
(`vjp`), twice (`hvp`) and as a series (`taylor` of order 3), and compared with differences that owe nothing to any of
them.
"""

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np
from tests.plugins.gradmix_autodiff import test_functions, test_rules

import gradmix
from gradmix import Differentiator, GradmixError

PLUGINS = ("dual", "tape", "taylor", "source", "finite_difference", "autograd", "jax", "mygrad", "tangent")
RIGHT, REFUSED, WRONG = "✓", "–", "✗"
_POLES = test_rules.POSITIVE - test_rules.WITHIN_1
"""Functions whose points are near 0, where differences are not exact enough to judge by."""
WAYS = ("forward", "reverse", "twice", "series")


_INTRODUCTION = """# Capabilities

Written by `make capabilities`, which differentiates every function in the tables of gradmix's tests with each plugin:
forward (`jvp`), in reverse (`vjp`), twice (`hvp`) and as a series (the third coefficient of `taylor`). The results are
compared with differences: ✓ right, – refused, ✗ wrong. Peers get NumPy's calls by name; only `tangent` reads the
function's source code. A ✗ can also mean that a peer follows another convention, as JAX does for the Cholesky factor of
a matrix that is not symmetric.
"""


def functions() -> Iterator[tuple[str, Callable, np.ndarray]]:
    """Name, function and point of every case."""
    for ufunc in test_rules.UNARY:
        module = "special." if ufunc.__name__ in dir(test_rules.special) else "np."
        yield module + ufunc.__name__, ufunc, np.clip(test_rules.points(ufunc), -2.5, 2.5) + 0.2 * (ufunc in _POLES)
    for ufunc in test_rules.BINARY:
        module = "special." if ufunc.__name__ in dir(test_rules.special) else "np."
        yield module + ufunc.__name__, lambda x, ufunc=ufunc: ufunc(x[0], x[1]), np.array([1.3, 2.9])
    for name, f in test_rules.STRUCTURE.items():
        yield name, f, test_rules.X
    for name, index in test_rules.INDICES.items():
        yield f"x[…], {name}", lambda x, index=index: x[index] ** 2, test_rules.X
    for name, f in test_functions.FUNCTIONS.items():
        yield name, f, test_functions.X


def tried(made: Differentiator, f: Callable, x: np.ndarray) -> str:
    """How each way ends, a sign each."""
    jacobian = test_functions.differences(f, x)
    v = np.cos(np.arange(float(x.size))).reshape(x.shape)
    w = np.sin(1.0 + np.arange(float(np.size(f(x))))).reshape(np.shape(f(x)))[()]

    def curved(y):
        return np.sum(np.sin(f(y)) * w)

    pushed = np.tensordot(jacobian, v, axes=x.ndim)
    pulled = np.tensordot(w, jacobian, axes=np.ndim(w))
    second = _second_difference(lambda s: curved(x + s * v))
    return "".join(
        (
            _sign(lambda: made.jvp(f, x, v), pushed, 1e-5),
            _sign(lambda: made.vjp(f, x, w), pulled, 1e-5),
            _sign(lambda: np.sum(made.hvp(curved, x, v) * v), second, 1e-3),
            _sign(
                lambda: made.taylor(f, x, v, order=3)[3], third_coefficient(lambda s: np.asarray(f(x + s * v))), 1e-3
            ),
        )
    )


def _second_difference(g: Callable, h: float = 2e-3) -> float:
    def central(step):
        return (g(step) - 2.0 * g(0.0) + g(-step)) / step**2

    return (4.0 * central(h / 2) - central(h)) / 3.0


def third_coefficient(g: Callable, h: float = 1e-3) -> np.ndarray:
    """g'''(0)/6 by differences, to about six digits."""

    def central(step):
        return (g(2 * step) - 2.0 * g(step) + 2.0 * g(-step) - g(-2 * step)) / (12.0 * step**3)

    return (4.0 * central(h / 2) - central(h)) / 3.0


def _sign(compute: Callable, exact: np.ndarray, tolerance: float) -> str:
    try:
        found = compute()
    except (GradmixError, TypeError, ValueError, NotImplementedError, AttributeError):
        return REFUSED
    is_close = np.shape(found) == np.shape(exact) and np.allclose(found, exact, rtol=tolerance, atol=10 * tolerance)
    return RIGHT if is_close else WRONG


def main() -> None:
    """Print the page."""
    warnings.simplefilter("ignore")
    makers = {name: gradmix.differentiator(name) for name in PLUGINS if _is_here(name)}
    cases = list(functions())
    with np.errstate(all="ignore"):
        table = {name: [tried(made, f, x) for _, f, x in cases] for name, made in makers.items()}
    print(_INTRODUCTION)
    print(f"| {len(cases)} functions | " + " | ".join(f"{way}: right, refused, wrong" for way in WAYS) + " |")
    print("| --- |" + " --- |" * len(WAYS))
    for name, signs in table.items():
        counts = [Counter(each[place] for each in signs) for place in range(len(WAYS))]
        cells = (f"{count[RIGHT]}, {count[REFUSED]}, {count[WRONG]}" for count in counts)
        print(f"| `{name}` | " + " | ".join(cells) + " |")
    print("\n## Each function\n\nEach cell: forward, reverse, twice, series.\n")
    print("| function | " + " | ".join(f"`{name}`" for name in table) + " |")
    print("| --- |" + " --- |" * len(table))
    for place, (name, *_) in enumerate(cases):
        print(f"| {name} | " + " | ".join(signs[place] for signs in table.values()) + " |")


def _is_here(name: str) -> bool:
    return name in ("dual", "tape", "taylor", "source", "finite_difference") or find_spec(name) is not None


if __name__ == "__main__":
    sys.exit(main())
