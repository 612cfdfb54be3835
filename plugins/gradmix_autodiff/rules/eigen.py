"""The rule of ``np.linalg.eig``: eigenvalues and eigenvectors of any square matrix, real or complex.

Sources: Giles, *Collected matrix derivative results for forward and reverse mode algorithmic differentiation* (2008),
section 3.1; Boeddeker et al., *On the Computation of Complex-valued Gradients* (2017), section 4.2, for vectors of
length one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gradmix_autodiff.rules.packing import Parts
from gradmix_autodiff.rules.solving import inverse_or_nan, transposed
from gradmix_autodiff.table import LinearMap, Primitive
from gradmix_autodiff.traced import Traced, operate, plain_value


class EigResult(NamedTuple):
    """A named tuple with the fields of NumPy's result."""

    eigenvalues: Any
    eigenvectors: Any


def eig(a: Any) -> EigResult:
    """``np.linalg.eig`` of traced matrices."""
    return EigResult(*_parts(a).unpack(operate(EIG, a)))


def _parts(a: Any) -> Parts:
    n = np.shape(a)[-1]
    return Parts(np.shape(a)[:-2], ((n,), (n, n)))


def _eig(a: Any) -> Any:
    return _parts(a).pack(np.linalg.eig(a))


def _eig_rule(position: int, y: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> LinearMap:
    """dW = (V⁻¹ dA V) on the diagonal, dV = V (F ∘ V⁻¹ dA V) + V c, with Fᵢⱼ = 1 / (Wⱼ − Wᵢ) off the diagonal.

    c keeps each vector's length one and, where it is complex, its largest entry real, as in LAPACK. Eigenvectors of
    equal eigenvalues have no derivative, nor has any result for a defective matrix: the derivative is NaN.
    """
    parts = _parts(arguments[0])
    values, vectors = parts.unpack(y)
    n = np.shape(values)[-1]
    inverse, unit = inverse_or_nan(vectors), np.eye(n)
    gaps = np.expand_dims(values, -2) - np.expand_dims(values, -1)
    f = np.where(unit == 1, 0.0, 1.0 / np.where(unit == 1, 1.0, gaps))
    is_complex = np.iscomplexobj(plain_value(vectors))
    sizes = np.abs(plain_value(vectors))
    largest = (np.arange(n)[:, None] == np.argmax(sizes, axis=-2)[..., None, :]).astype(float)
    real_entry = np.real(np.sum(largest * vectors, axis=-2, keepdims=True))

    def push(t: Any) -> Any:
        inner = inverse @ t @ vectors
        turned = vectors @ (f * inner)
        c = -np.real(np.sum(np.conj(vectors) * turned, axis=-2, keepdims=True))
        if is_complex:
            c = c - 1j * np.imag(np.sum(largest * turned, axis=-2, keepdims=True)) / real_entry
        return parts.pack((np.sum(inner * unit, axis=-1), turned + vectors * c), (np.shape(t)[0], *parts.lead))

    def pull(w: Any) -> Any:
        by_values, by_vectors = parts.unpack(w)
        inner = np.expand_dims(by_values, -1) * unit
        if isinstance(by_vectors, Traced) or np.any(by_vectors):
            along = np.sum(by_vectors * vectors, axis=-2, keepdims=True)
            by_turned = by_vectors - np.conj(vectors) * np.real(along)
            if is_complex:
                by_turned = by_turned - 1j * largest * (np.imag(along) / real_entry)
            inner = inner + f * (transposed(vectors) @ by_turned)
        return transposed(inverse) @ inner @ transposed(vectors)

    return LinearMap(push, pull)


EIG = Primitive(_eig, _eig_rule)
