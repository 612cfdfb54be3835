"""The results of functions of the rule table: their number and dimensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from gradmix_autodiff.source.captured import is_in
from gradmix_autodiff.source.elementwise import ndim_of
from gradmix_autodiff.source.forms import NOTHING, Parts, Thing, Value, literal


@dataclass(frozen=True)
class Results:
    """The results of a call.

    Parameters
    ----------
    count
        Number of results; None for one result that is not a tuple.
    fields
        Names of the results, if they have names.
    ndims
        Dimensions of the results, where known.
    """

    count: int | None = None
    fields: tuple[str, ...] = ()
    ndims: tuple[int, ...] = ()


def _of(module: ModuleType, names: str) -> frozenset[Callable[..., Any]]:
    return frozenset(getattr(module, each) for each in names.split())


_COMPLEX = {np.imag, np.real_if_close} | _of(np.linalg, "eig eigvals")
_COMPLEX |= _of(np.fft, "fft ifft fft2 ifft2 fftn ifftn rfft rfft2 rfftn irfft irfft2 irfftn hfft ihfft")

_NAMED: dict[Callable[..., Any], tuple[str, ...]] = {
    np.linalg.eigh: ("eigenvalues", "eigenvectors"),
    np.linalg.qr: ("Q", "R"),
    np.linalg.svd: ("U", "S", "Vh"),
    np.linalg.slogdet: ("sign", "logabsdet"),
}
_WITHOUT_VECTORS = {np.linalg.svd: ("compute_uv", False), np.linalg.qr: ("mode", "r")}
_OF_A_MATRIX = {np.linalg.eigh: (1, 2), np.linalg.qr: (2, 2), np.linalg.svd: (2, 1, 2), np.linalg.slogdet: (0, 0)}
_SPLITTING = (np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit)
_FOR_EACH = (np.meshgrid, np.broadcast_arrays)
_FOR_EACH_OF_SEVERAL = (np.atleast_1d, np.atleast_2d, np.atleast_3d)

_LIKE_THE_FIRST = _of(np.linalg, "inv pinv cholesky matrix_power")
_LIKE_THE_FIRST |= _of(np, "sort pad tril triu fliplr flipud rot90 moveaxis nan_to_num roll diff")
_REDUCING = _of(np, "sum mean prod max min var std ptp median average")
_REDUCING |= _of(np, "nansum nanmean nanmax nanmin nanprod nanvar nanstd")
_VIEWS = {*_SPLITTING, *_FOR_EACH, *_FOR_EACH_OF_SEVERAL} | _of(np.linalg, "diagonal matrix_transpose")
_VIEWS |= _of(
    np, "moveaxis rollaxis rot90 flip fliplr flipud broadcast_to diagonal diag matrix_transpose squeeze ravel"
)
_VIEWS |= _of(
    np, "reshape transpose swapaxes expand_dims asarray asanyarray ascontiguousarray real trim_zeros nan_to_num"
)


def may_be_view(function: Any) -> bool:
    """Return whether a function may return its argument's memory; this is known only for NumPy functions."""
    is_numpy = isinstance(function, np.ufunc) or (getattr(function, "__module__", None) or "").startswith("numpy")
    return not is_numpy or is_in(function, _VIEWS)


def gives_complex(function: Any) -> bool:
    """Return whether a function may return complex numbers for real ones, or is meant for complex ones."""
    return is_in(function, _COMPLEX)


def results_of(function: Any, arguments: Sequence[Thing], keywords: Mapping[str, Thing]) -> Results | None:
    """Return the results of a call; None if their number is not known."""
    if isinstance(function, np.ufunc):
        return Results(function.nout) if function.nout > 1 else Results()
    if is_in(function, _NAMED):
        return _of_a_decomposition(function, arguments, keywords)
    if is_in(function, _SPLITTING):
        sections = keywords.get("indices_or_sections", arguments[1] if len(arguments) > 1 else None)
        count = _count_of_parts(sections)
        return None if count is None else Results(count)
    if is_in(function, _FOR_EACH) or (is_in(function, _FOR_EACH_OF_SEVERAL) and len(arguments) > 1):
        return Results(len(arguments))
    if is_in(function, (np.linalg.lstsq,)):
        return Results(4)
    if is_in(function, (np.histogram,)):
        return Results(2)
    if is_in(function, (np.gradient,)):
        return _of_gradient(arguments, keywords)
    if is_in(function, (np.unstack,)) or "returned" in keywords:
        return None
    return Results()


def _of_a_decomposition(function: Any, arguments: Sequence[Thing], keywords: Mapping[str, Thing]) -> Results | None:
    name, value = _WITHOUT_VECTORS.get(function, ("", None))
    is_chosen = function is np.linalg.eigh  # their second argument specifies which triangle is read
    if (len(arguments) > 1 and not is_chosen) or (name in keywords and _constant(keywords[name]) is NOTHING):
        return None
    if name in keywords and _constant(keywords[name]) == value:
        return Results()
    fields = _NAMED[function]
    is_matrix = isinstance(arguments[0], Value) and arguments[0].ndim == 2
    return Results(len(fields), fields, _OF_A_MATRIX[function] if is_matrix else ())


def _of_gradient(arguments: Sequence[Thing], keywords: Mapping[str, Thing]) -> Results | None:
    axis = _constant(keywords["axis"]) if "axis" in keywords else None
    ndim = arguments[0].ndim if isinstance(arguments[0], Value) else None
    if isinstance(axis, int) or (axis is None and ndim == 1):
        return Results()
    count = len(axis) if isinstance(axis, tuple) else ndim if axis is None else None
    return None if count is None else Results(count)


def _count_of_parts(sections: Thing | None) -> int | None:
    if isinstance(sections, Parts):
        return len(sections.parts) + 1
    found = _constant(sections)
    return found if isinstance(found, int) else len(found) + 1 if isinstance(found, list | tuple) else None


def ndim_of_result(function: Any, arguments: Sequence[Thing], keywords: Mapping[str, Thing]) -> int | None:
    """Return the dimensions of the only result, None if they are not known."""
    first = arguments[0] if arguments else None
    ndim = first.ndim if isinstance(first, Value) else None
    if isinstance(function, np.ufunc) and function.nout == 1 and function.signature is None:
        return ndim_of(arguments) if all(isinstance(each, Value) for each in arguments) else None
    has_axis = "axis" in keywords and isinstance(_constant(keywords["axis"]), int)
    is_flattened = ("axis" in keywords and not has_axis) or (function is np.sort and len(arguments) > 1)
    if is_in(function, _LIKE_THE_FIRST) and not is_flattened:
        return ndim
    if is_in(function, _REDUCING) and len(arguments) == 1:
        is_whole = not set(keywords) & {"axis", "keepdims", "weights"}
        return 0 if is_whole else _reduced(ndim, keywords)
    return None


def _reduced(ndim: int | None, keywords: Mapping[str, Thing]) -> int | None:
    axis = _constant(keywords["axis"]) if "axis" in keywords else NOTHING
    if ndim is None or "keepdims" in keywords or not isinstance(axis, int):
        return None
    return ndim - 1


def _constant(thing: Thing | None) -> Any:
    return literal(thing.node) if isinstance(thing, Value) else NOTHING
