"""Operations on arrays that are not elementwise: their values, pushes and pulls as NumPy code."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradmix_autodiff.source.elementwise import ndim_of
from gradmix_autodiff.source.forms import Operation, Value

Bound = Mapping[str, Value]
"""Arguments by name; those that were not given are missing."""


@dataclass(frozen=True)
class Structural:
    """A function of arrays.

    Parameters
    ----------
    parameters
        Names of its arguments, in order.
    variables
        Number of the leading arguments by which it is differentiated.
    make
        (name of the result, arguments) → the operation.
    ndim
        Arguments → dimensions of the result, None where unknown.
    is_view
        Whether the result may share memory with the first argument.
    """

    parameters: tuple[str, ...]
    variables: int
    make: Callable[[str, Bound], Operation]
    ndim: Callable[[Bound], int | None]
    is_view: bool = False
    positional: int = 9
    """Number of positional arguments; further ones mean something else in NumPy."""
    fits: Callable[[Bound], bool] | None = None
    """Whether the form applies to a call with these arguments; None if it always applies."""


def _options(bound: Bound, *names: str) -> str:
    return "".join(f", {name}={bound[name].text}" for name in names if name in bound)


def _constant(bound: Bound, name: str, default: Any) -> Any:
    """Return the value of an argument given as a constant, `default` if it was left out, else NotImplemented."""
    if name not in bound:
        return default
    try:
        return ast.literal_eval(bound[name].node)
    except (ValueError, SyntaxError):
        return NotImplemented


def _reduced(bound: Bound) -> int | None:
    axis, keeps, ndim = _constant(bound, "axis", None), _constant(bound, "keepdims", False), bound["a"].ndim
    if keeps is True:
        return ndim
    if keeps is not False or axis is NotImplemented or (axis is not None and ndim is None):
        return None
    if axis is None:
        return 0
    return ndim - (len(axis) if isinstance(axis, tuple) else 1)  # type: ignore[operator]


def _linear(text: str, pull: Callable[[Bound], str]) -> Callable[[str, Bound], Operation]:
    """An operation that is linear in `a`: `text` with a placeholder for it, and the pull with one for the cotangent."""

    def make(y: str, bound: Bound) -> Operation:
        options = {name: value.text for name, value in bound.items() if name != "a"}
        forward = text.replace("{options}", _options(bound, *(name for name in bound if name != "a")))
        back = pull(bound)
        return Operation(
            forward.format(a=bound["a"].text, **options),
            lambda tangents: forward.format(a=tangents[0], **options),
            (lambda d: back.format(d=d, a=bound["a"].text, y=y, **options),),
            moves=True,
        )

    return make


def _summed(bound: Bound) -> str:
    if "axis" not in bound and "keepdims" not in bound:
        return "spread({d}, {a})"
    axis = bound["axis"].text if "axis" in bound else "None"
    return f"unsummed({{d}}, {{a}}, {axis}, {bound['keepdims'].text if 'keepdims' in bound else False})"


def _averaged(bound: Bound) -> str:
    return _summed(bound) + " * (np.size({y}) / np.size({a}))"


def _extreme(name: str) -> Callable[[str, Bound], Operation]:
    def make(y: str, bound: Bound) -> Operation:
        a, options = bound["a"].text, _options(bound, "axis", "keepdims")
        share = f"share_of_{name}({a}, {bound['axis'].text if 'axis' in bound else 'None'})"
        back = _summed(bound)
        return Operation(
            f"np.{name}({a}{options})",
            lambda tangents: f"np.sum({share} * {tangents[0]}{options})",
            (lambda d: f"{back.format(d=d, a=a)} * {share}",),
            keeps=(f"{share} > 0",),
        )

    return make


def _product(y: str, bound: Bound) -> Operation:
    left, right = bound["a"], bound["b"]
    a, b = left.text, right.text
    matrix = {(1, 1): ("{d} * " + b, "{d} * " + a), (2, 1): (f"np.outer({{d}}, {b})", f"{a}.T @ {{d}}")}
    matrix |= {(1, 2): (f"{b} @ {{d}}", f"np.outer({a}, {{d}})"), (2, 2): (f"{{d}} @ {b}.T", f"{a}.T @ {{d}}")}
    general = (f"product_by_left({{d}}, {a}, {b})", f"product_by_right({{d}}, {a}, {b})")
    by_left, by_right = matrix.get((left.ndim, right.ndim), general)  # type: ignore[arg-type]

    def push(tangents: Any) -> str:
        parts = [
            None if tangents[0] is None else f"{tangents[0]} @ {b}",
            None if tangents[1] is None else f"{a} @ {tangents[1]}",
        ]
        return " + ".join(part for part in parts if part)

    return Operation(f"{a} @ {b}", push, (lambda d: by_left.format(d=d), lambda d: by_right.format(d=d)))


def _ndim_of_product(bound: Bound) -> int | None:
    a, b = bound["a"].ndim, bound["b"].ndim
    if a is None or b is None:
        return None
    return (
        max(a, b) - (1 if 1 in (a, b) else 0) - (1 if a == b == 1 else 0)
        if max(a, b) <= 2
        else max(a, b) - (1 in (a, b))
    )


def _where(y: str, bound: Bound) -> Operation:
    test, a, b = (bound[name].text for name in ("condition", "a", "b"))

    def push(tangents: Any) -> str:
        return f"np.where({test}, {tangents[1] or 0.0}, {tangents[2] or 0.0})"

    pulls = (
        None,
        lambda d, select=str: f"unbroadcast(np.where({test}, {d}, 0.0), {a})",
        lambda d, select=str: f"unbroadcast(np.where({test}, 0.0, {d}), {b})",
    )
    keeps = (None, test, f"np.logical_not({test})")
    return Operation(f"np.where({test}, {a}, {b})", push, pulls, keeps=keeps, is_entrywise=True)


def _solve(y: str, bound: Bound) -> Operation:
    a, b = bound["a"].text, bound["b"].text
    is_vector = bound["b"].ndim == 1

    def push(tangents: Any) -> str:
        right = " - ".join(part for part in (tangents[1] or "", f"{tangents[0]} @ {y}" if tangents[0] else "") if part)
        return (
            f"np.linalg.solve({a}, {right if tangents[1] else '-(' + right + ')'})"
            if tangents[1]
            else f"-np.linalg.solve({a}, {right})"
        )

    def by_a(d: str) -> str:
        solved = f"np.linalg.solve({a}.T, {d})"
        return f"-np.outer({solved}, {y})" if is_vector else f"-({solved} @ {y}.T)"

    return Operation(f"np.linalg.solve({a}, {b})", push, (by_a, lambda d: f"np.linalg.solve({a}.T, {d})"))


def _inverse(y: str, bound: Bound) -> Operation:
    return Operation(
        f"np.linalg.inv({bound['a'].text})", lambda t: f"-({y} @ {t[0]} @ {y})", (lambda d: f"-({y}.T @ {d} @ {y}.T)",)
    )


def _determinant(y: str, bound: Bound) -> Operation:
    a = bound["a"].text
    return Operation(
        f"np.linalg.det({a})",
        lambda t: f"{y} * np.trace(np.linalg.solve({a}, {t[0]}))",
        (lambda d: f"{d} * {y} * np.linalg.inv({a}).T",),
    )


def _norm(y: str, bound: Bound) -> Operation:
    a = bound["a"].text
    return Operation(
        f"np.linalg.norm({a})", lambda t: f"np.sum({t[0]} * ratio({a}, {y}))", (lambda d: f"{d} * ratio({a}, {y})",)
    )


def _of_a_matrix(bound: Bound) -> bool:
    return bound["a"].ndim == 2


def _is_plain_system(bound: Bound) -> bool:
    return "b" in bound and bound["a"].ndim == 2 and bound["b"].ndim in (1, 2)


def _is_diagonal(bound: Bound) -> bool:
    return bound["a"].ndim in (1, 2)


def _is_plain_order(bound: Bound) -> bool:
    axes = _constant(bound, "axes", ())
    return isinstance(axes, tuple) and all(axis >= 0 for axis in axes)


def _is_plain_shift(bound: Bound) -> bool:
    return "shift" in bound and bound["shift"].ndim == 0


def _same(bound: Bound) -> int | None:
    return bound["a"].ndim


def _transposed(bound: Bound) -> str:
    return "np.transpose({d}, np.argsort({axes}))" if "axes" in bound else "{d}.T"


def _rolled_back(bound: Bound) -> str:
    axis = _options(bound, "axis")
    return "np.roll({d}, -({shift})" + axis + ")"


def _ndim_of_shape(bound: Bound) -> int | None:
    shape = _constant(bound, "shape", NotImplemented)
    if isinstance(shape, tuple):
        return len(shape)
    if isinstance(shape, int):
        return 1
    node = bound["shape"].node
    return len(node.elts) if isinstance(node, ast.Tuple | ast.List) else 1 if bound["shape"].ndim == 0 else None


def _ndim_of_diagonal(bound: Bound) -> int | None:
    return {1: 2, 2: 1}.get(bound["a"].ndim or 0)


def _pulled_of_sums(bound: Bound) -> str:
    cumulated = "np.flip(np.cumsum(np.flip({d})))"
    return cumulated if bound["a"].ndim == 1 else f"np.reshape({cumulated}, np.shape({{a}}))"


_REDUCTION = ("a", "axis", "keepdims")
_RESHAPED = "np.reshape({d}, np.shape({a}))"

STRUCTURAL: dict[Callable[..., Any], Structural] = {
    np.sum: Structural(_REDUCTION, 1, _linear("np.sum({a}{options})", _summed), _reduced, positional=2),
    np.mean: Structural(_REDUCTION, 1, _linear("np.mean({a}{options})", _averaged), _reduced, positional=2),
    np.max: Structural(_REDUCTION, 1, _extreme("max"), _reduced, positional=2),
    np.min: Structural(_REDUCTION, 1, _extreme("min"), _reduced, positional=2),
    np.matmul: Structural(("a", "b"), 2, _product, _ndim_of_product),
    np.reshape: Structural(
        ("a", "shape"), 1, _linear("np.reshape({a}, {shape})", lambda _: _RESHAPED), _ndim_of_shape, True
    ),
    np.ravel: Structural(("a",), 1, _linear("np.ravel({a})", lambda _: _RESHAPED), lambda _: 1, True),
    np.squeeze: Structural(
        ("a", "axis"), 1, _linear("np.squeeze({a}{options})", lambda _: _RESHAPED), lambda _: None, True
    ),
    np.expand_dims: Structural(
        ("a", "axis"),
        1,
        _linear("np.expand_dims({a}, {axis})", lambda _: _RESHAPED),
        lambda bound: None if bound["a"].ndim is None or bound["axis"].ndim != 0 else bound["a"].ndim + 1,
        True,
    ),
    np.transpose: Structural(
        ("a", "axes"), 1, _linear("np.transpose({a}{options})", _transposed), _same, True, fits=_is_plain_order
    ),
    np.swapaxes: Structural(
        ("a", "one", "other"),
        1,
        _linear("np.swapaxes({a}, {one}, {other})", lambda _: "np.swapaxes({d}, {one}, {other})"),
        _same,
        True,
    ),
    np.broadcast_to: Structural(
        ("a", "shape"),
        1,
        _linear("np.broadcast_to({a}, {shape})", lambda _: "unbroadcast({d}, {a})"),
        _ndim_of_shape,
        True,
    ),
    np.roll: Structural(
        ("a", "shift", "axis"), 1, _linear("np.roll({a}{options})", _rolled_back), _same, fits=_is_plain_shift
    ),
    np.flip: Structural(
        ("a", "axis"),
        1,
        _linear("np.flip({a}{options})", lambda b: "np.flip({d}" + _options(b, "axis") + ")"),
        _same,
        True,
    ),
    np.cumsum: Structural(("a",), 1, _linear("np.cumsum({a})", _pulled_of_sums), lambda _: 1),
    np.diag: Structural(
        ("a", "k"),
        1,
        _linear("np.diag({a}{options})", lambda b: "np.diag({d}" + _options(b, "k") + ")"),
        _ndim_of_diagonal,
        True,
        fits=_is_diagonal,
    ),
    np.trace: Structural(
        ("a",),
        1,
        _linear("np.trace({a})", lambda _: "{d} * np.eye(np.shape({a})[0], np.shape({a})[1])"),
        lambda _: 0,
        fits=_of_a_matrix,
    ),
    np.copy: Structural(("a",), 1, _linear("np.copy({a})", lambda _: "{d}"), _same),
    np.where: Structural(
        ("condition", "a", "b"),
        3,
        _where,
        lambda bound: ndim_of([*bound.values()]),
        fits=lambda bound: len(bound) == 3,
    ),
    np.linalg.solve: Structural(("a", "b"), 2, _solve, lambda bound: bound["b"].ndim, fits=_is_plain_system),
    np.linalg.inv: Structural(("a",), 1, _inverse, _same, fits=_of_a_matrix),
    np.linalg.det: Structural(("a",), 1, _determinant, lambda _: 0, fits=_of_a_matrix),
    np.linalg.norm: Structural(("a",), 1, _norm, lambda _: 0),
}
"""Function → how it is differentiated."""

REWRITTEN: dict[Callable[..., Any], str] = {
    np.square: "{0} * {0}",
    np.outer: "np.ravel({0})[:, None] * np.ravel({1})[None, :]",
    np.inner: "np.sum({0} * {1})",
    np.vdot: "np.sum({0} * {1})",
    np.var: "np.mean(({0} - np.mean({0})) ** 2)",
    np.std: "np.sqrt(np.mean(({0} - np.mean({0})) ** 2))",
    np.clip: "np.minimum(np.maximum({0}, {1}), {2})",
    np.diff: "{0}[1:] - {0}[:-1]",
    np.ptp: "np.max({0}) - np.min({0})",
}
"""Function → its value in terms of other functions; some hold for vectors only, see `ONE_DIMENSION`."""

ONE_DIMENSION = (np.inner, np.vdot, np.diff)
"""Functions of `REWRITTEN` whose form holds for vectors only."""

ALIASES: dict[Callable[..., Any], Callable[..., Any]] = {np.amax: np.max, np.amin: np.min, np.dot: np.matmul}
"""Function → the one whose rule it has."""

METHODS: dict[str, Callable[..., Any]] = {
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "dot": np.dot,
    "reshape": np.reshape,
    "ravel": np.ravel,
    "flatten": np.ravel,
    "squeeze": np.squeeze,
    "transpose": np.transpose,
    "swapaxes": np.swapaxes,
    "cumsum": np.cumsum,
    "copy": np.copy,
    "trace": np.trace,
    "var": np.var,
    "std": np.std,
    "clip": np.clip,
    "conj": np.conjugate,
}
"""Method of arrays → the function."""

SHAPES_ONLY = {
    np.shape,
    np.ndim,
    np.size,
    len,
    np.zeros_like,
    np.ones_like,
    np.empty_like,
    isinstance,
    type,
    range,
    callable,
}
"""Functions that do not read the values of their arguments."""
