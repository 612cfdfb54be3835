"""Rules of discrete Fourier transforms, which give complex intermediate values of a real function.

A transform is linear, and its matrix is symmetric: it is its own transpose; `rfft` and `irfft` are compositions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gradmix_autodiff.rules.structure import gather
from gradmix_autodiff.table import COMPOSITIONS, CONSTANT, LinearMap, Primitive, specialised
from gradmix_autodiff.traced import operate


def _transform(function: Callable[..., Any]) -> Primitive:
    """Transform along one axis, which must have the right length already."""

    def rule(position: int, y: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> LinearMap:
        axis, norm = arguments[1], keywords["norm"]
        return LinearMap(
            lambda t: operate(primitive, t + 0j, axis + 1, norm=norm),
            lambda w: operate(primitive, w + 0j, axis, norm=norm),
        )

    primitive = Primitive(specialised(_transformed, function, name=function.__name__), rule, is_linear=True)
    return primitive


def _transformed(function: Callable[..., Any], x: Any, axis: int, norm: str | None) -> Any:
    return function(x, axis=axis, norm=norm)


FORWARD, BACKWARD = _transform(np.fft.fft), _transform(np.fft.ifft)


def _resized(x: Any, n: int | None, axis: int) -> Any:
    """Return an array cut off or padded with zeros to a length."""
    length = np.shape(x)[axis]
    if n is None or n == length:
        return x
    before = (slice(None),) * axis
    if n < length:
        return x[(*before, slice(n))]
    filling = np.zeros([n - length if place == axis else size for place, size in enumerate(np.shape(x))])
    return np.concatenate([x, filling], axis=axis)


def _along(primitive: Primitive) -> Callable[..., Any]:
    def composition(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None) -> Any:
        axis = axis % np.ndim(a)
        return operate(primitive, _resized(a, n, axis) + 0j, axis, norm=norm)

    return composition


_fft, _ifft = _along(FORWARD), _along(BACKWARD)


def _rfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None) -> Any:
    axis = axis % np.ndim(a)
    whole = _fft(a, n, axis, norm)
    return whole[(slice(None),) * axis + (slice(np.shape(whole)[axis] // 2 + 1),)]


def _irfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None) -> Any:
    """Use the whole transform: the missing half is the conjugate, in reverse order."""
    axis = axis % np.ndim(a)
    n = 2 * (np.shape(a)[axis] - 1) if n is None else n
    half = _resized(a, n // 2 + 1, axis)
    before = (slice(None),) * axis
    mirrored = np.conjugate(np.flip(half[(*before, slice(1, (n + 1) // 2))], axis))
    middle = half
    if n % 2 == 0 and n:
        middle = np.concatenate(
            [half[(*before, slice(0, n // 2))], np.real(half[(*before, slice(n // 2, None))]) + 0j], axis
        )
    first = np.real(middle[(*before, slice(0, 1))]) + 0j
    whole = np.concatenate([first, middle[(*before, slice(1, None))], mirrored], axis=axis)
    return np.real(operate(BACKWARD, whole, axis, norm=norm))


_OTHER_WAY = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def _hfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None) -> Any:
    return _irfft(np.conjugate(a), n, axis, _OTHER_WAY[norm])


def _ihfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None) -> Any:
    return np.conjugate(_rfft(a, n, axis, _OTHER_WAY[norm]))


def _several(one: Callable[..., Any], axes: tuple[int, ...] | None) -> Callable[..., Any]:
    default = axes

    def composition(a: Any, s: Any = None, axes: Any = default, norm: str | None = None, out: None = None) -> Any:
        if axes is None:
            axes = range(np.ndim(a)) if s is None else range(-len(s), 0)
        sizes = [None] * len(axes) if s is None else s
        for axis, size in zip(axes, sizes, strict=True):
            a = one(a, size, axis, norm)
        return a

    return composition


def _several_real(axes: tuple[int, ...] | None) -> Callable[..., Any]:
    default = axes

    def composition(a: Any, s: Any = None, axes: Any = default, norm: str | None = None, out: None = None) -> Any:
        axes = list(range(np.ndim(a)) if axes is None else axes)
        sizes = [None] * len(axes) if s is None else list(s)
        return _several(_fft, None)(
            _rfft(a, sizes[-1], axes[-1], norm), None if s is None else sizes[:-1], axes[:-1], norm
        )

    return composition


def _several_real_back(axes: tuple[int, ...] | None) -> Callable[..., Any]:
    default = axes

    def composition(a: Any, s: Any = None, axes: Any = default, norm: str | None = None, out: None = None) -> Any:
        axes = list(range(np.ndim(a)) if axes is None else axes)
        sizes = [None] * len(axes) if s is None else list(s)
        inner = _several(_ifft, None)(a, None if s is None else sizes[:-1], axes[:-1], norm)
        return _irfft(inner, sizes[-1], axes[-1], norm)

    return composition


def _shifted(function: Callable[..., Any]) -> Callable[..., Any]:
    def composition(x: Any, axes: Any = None) -> Any:
        shape = np.shape(x)
        return gather(x, function(np.arange(int(np.prod(shape))).reshape(shape), axes), shape)

    return composition


def install() -> None:
    """Enter these rules into the table."""
    fft = np.fft
    COMPOSITIONS.update(
        {
            fft.fft: _fft,
            fft.ifft: _ifft,
            fft.rfft: _rfft,
            fft.irfft: _irfft,
            fft.hfft: _hfft,
            fft.ihfft: _ihfft,
            fft.fft2: _several(_fft, (-2, -1)),
            fft.ifft2: _several(_ifft, (-2, -1)),
            fft.fftn: _several(_fft, None),
            fft.ifftn: _several(_ifft, None),
            fft.rfft2: _several_real((-2, -1)),
            fft.rfftn: _several_real(None),
            fft.irfft2: _several_real_back((-2, -1)),
            fft.irfftn: _several_real_back(None),
            fft.fftshift: _shifted(fft.fftshift),
            fft.ifftshift: _shifted(fft.ifftshift),
        }
    )
    CONSTANT.update({fft.fftfreq, fft.rfftfreq})
