"""NumPy's functions in both modes, first and second derivatives, against differences with two steps (Richardson)."""

import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
from scipy import special

import gradmix
from gradmix import DifferentiationError

DUAL, TAPE = gradmix.differentiator("dual"), gradmix.differentiator("tape")

X = np.random.default_rng(1).normal(size=(3, 4))
POSITIVE = np.exp(X)
SQUARE = X[:, :3] @ X[:, :3].T + 2.0 * np.eye(3)
WEIGHTS = np.array([0.5, 2.0, 1.0, 3.0])


def square(x):
    return x[:, :3] + 3.0 * np.eye(3)


def definite(x):
    return x @ x.T + 2.0 * np.eye(3)


FUNCTIONS = {
    # sums, means and their relatives
    "sum where": lambda x: np.sum(x**2, axis=0, where=X > 0),
    "sum initial": lambda x: np.sum(x**2, initial=x[0, 0]),
    "sum of a tuple of axes, kept": lambda x: np.sum(x**2, axis=(0, -1), keepdims=True),
    "mean where": lambda x: np.mean(x**3, axis=1, where=np.abs(X) > 0.3),
    "average": lambda x: np.average(x**2, axis=1, weights=WEIGHTS),
    "average by traced weights": lambda x: np.average(X, axis=1, weights=x**2),
    "std": lambda x: np.std(x, axis=0, ddof=1),
    "var where": lambda x: np.var(x, axis=1, where=X > -1.0),
    "prod": lambda x: np.prod(x, axis=0),
    "prod of two axes": lambda x: np.prod(x[:2, :2], axis=(0, 1)),
    "cumprod": lambda x: np.cumprod(x, axis=1),
    "cumsum": lambda x: np.cumsum(x**2),
    "ptp": lambda x: np.ptp(x, axis=0),
    "nansum": lambda x: np.nansum(np.where(X > 0, x**2, np.nan)),
    "nanmean": lambda x: np.nanmean(np.where(X > 0, x**2, np.nan)),
    "nanvar": lambda x: np.nanvar(np.where(X > 0, x, np.nan)),
    "nanmax": lambda x: np.nanmax(np.where(X > 0, x**2, np.nan)),
    "nanprod": lambda x: np.nanprod(np.where(X > 0, x, np.nan), axis=0),
    "max where": lambda x: np.max(x, axis=1, initial=-9.0, where=X < 1.0),
    "median of an even number": lambda x: np.median(x**3, axis=1),
    "median of all": lambda x: np.median(x[:, :3] ** 3),
    "quantiles": lambda x: np.quantile(x**3, [0.2, 0.75], axis=1),
    "percentile": lambda x: np.percentile(x, 30.0, axis=0, keepdims=True) ** 2,
    "quantile by q": lambda x: np.quantile(X, 0.3 + 0.1 * np.tanh(x[0, 0])),
    "midpoint": lambda x: np.quantile(x, 0.3, method="midpoint") ** 2,
    "cov": lambda x: np.cov(x),
    "corrcoef": lambda x: np.corrcoef(x),
    # order
    "sort": lambda x: np.sort(x, axis=0) ** 2,
    "sort all": lambda x: np.sort(x, axis=None) ** 2,
    "partition": lambda x: np.partition(x[0], 2)[:3].sum() ** 2,
    "sort in place": lambda x: _sorted_in_place(x),
    # shapes
    "reshape F": lambda x: x.reshape(2, 6, order="F") ** 2,
    "rot90": lambda x: np.rot90(x, 1) ** 2,
    "fliplr": lambda x: np.fliplr(x) * x,
    "flipud": lambda x: np.flipud(x) * x,
    "roll": lambda x: np.roll(x, 1, axis=1) * x,
    "roll all": lambda x: np.roll(x, 2) * x,
    "repeat": lambda x: np.repeat(x, [1, 2, 0], axis=0) ** 2,
    "repeat all": lambda x: np.repeat(x, 2) ** 2,
    "tile": lambda x: np.tile(x[0], (2, 2)) ** 2,
    "split": lambda x: np.split(x, 2, axis=1)[1] ** 2,
    "array_split": lambda x: np.array_split(x[0], 3)[0] ** 2,
    "hsplit": lambda x: np.hsplit(x, 2)[0] ** 2,
    "append": lambda x: np.append(x[0], x[1] ** 2),
    "insert": lambda x: np.insert(x[0] ** 2, 1, x[1, 1]),
    "delete": lambda x: np.delete(x, 1, axis=0) ** 2,
    "pad": lambda x: np.pad(x[0], (1, 2)) ** 2,
    "pad by a constant": lambda x: np.pad(x[0], 1, constant_values=3.0) ** 2,
    "pad by the edge": lambda x: np.pad(x[0], 2, mode="edge") ** 2,
    "pad by reflection": lambda x: np.pad(x, ((1, 1), (2, 0)), mode="reflect") ** 2,
    "pad by wrapping": lambda x: np.pad(x[0], 2, mode="wrap") ** 2,
    "tril": lambda x: np.tril(square(x)) ** 2,
    "triu": lambda x: np.triu(square(x), 1) ** 2,
    "trace with an offset": lambda x: np.trace(square(x) @ square(x), offset=1),
    "diagonal": lambda x: np.diagonal(x, offset=1) ** 2,
    "diag of a vector with an offset": lambda x: np.diag(x[0], 1) ** 2,
    "diagflat": lambda x: np.diagflat(x[0] ** 2),
    "atleast_3d": lambda x: np.atleast_3d(x) ** 2,
    "dstack": lambda x: np.dstack([x, x**2]),
    "block": lambda x: np.block([[x[:1, :1], x[:1, 1:]], [x[1:, :1] ** 2, x[1:, 1:]]]),
    "concatenate of four": lambda x: np.concatenate([x[0], x[1] ** 2, x[2], x[0] * x[1]]),
    "broadcast_arrays": lambda x: np.broadcast_arrays(x[0], x[:, :1])[0] * x,
    "take along an axis": lambda x: np.take_along_axis(x, np.argsort(X, axis=1), axis=1) ** 2,
    "compress": lambda x: np.compress([True, False, True], x, axis=0) ** 2,
    "extract": lambda x: np.extract(X > 0, x**2),
    "two index arrays apart": lambda x: (x[None] ** 2)[np.array([0, 0]), :, np.array([1, 3])],
    "a mask and a slice": lambda x: x[X[:, 0] > -1.0, 1:] ** 2,
    "meshgrid": lambda x: np.meshgrid(x[0], x[1])[0] * np.meshgrid(x[0], x[1])[1],
    "apply_along_axis": lambda x: np.apply_along_axis(lambda row: row**2 * row[0], 1, x),
    # choices
    "select": lambda x: np.select([X > 1.0, X > 0.0], [x**2, x**3], 2.0 * x),
    "choose": lambda x: np.choose([0, 1, 1, 0], [x[0], x[1] ** 2]),
    "piecewise": lambda x: np.piecewise(x, [X < 0.0, X >= 0.0], [lambda v: v**2, lambda v: v**3]),
    "nan_to_num": lambda x: np.nan_to_num(np.where(X > 0, x**2, np.nan)),
    "clip by traced bounds": lambda x: np.clip(X, x[0, 0] - 0.1, x[0, 0] + 1.0) * x,
    "maximum.accumulate": lambda x: np.maximum.accumulate(x, axis=1) ** 2,
    # products
    "einsum of matrices": lambda x: np.einsum("ij,kj->ik", x, x**2),
    "einsum, implicit": lambda x: np.einsum("ij,jk", x, x.T),
    "einsum, trace": lambda x: np.einsum("ii", square(x) ** 2),
    "einsum, diagonal": lambda x: np.einsum("ii->i", square(x) ** 2),
    "einsum, a sum over one": lambda x: np.einsum("ij->i", x**2),
    "einsum, three": lambda x: np.einsum("ij,ik,il->jkl", x, x, x),
    "einsum, dots": lambda x: np.einsum("...j,j->...", x, x[0]),
    "kron": lambda x: np.kron(x[:2, :2], x[1:, 2:]),
    "cross": lambda x: np.cross(x[:, :3], x[:, 1:]),
    "cross of two": lambda x: np.cross(x[0, :3], x[1, 1:]),
    "convolve": lambda x: np.convolve(x[0], x[1, :3]),
    "convolve same": lambda x: np.convolve(x[0], x[1, :3], "same"),
    "correlate": lambda x: np.correlate(x[0], x[1, :2]),
    "correlate full": lambda x: np.correlate(x[0, :2], x[1], "full"),
    "outer of ufuncs": lambda x: np.multiply.outer(x[0], x[1]) + np.add.outer(x[0], x[2]),
    "vdot": lambda x: np.vdot(x, x**2),
    "stacked matmul by a vector": lambda x: np.stack([square(x), square(x) ** 2]) @ x[0, :3],
    "vector by stacked matrices": lambda x: x[0, :3] @ np.stack([square(x), square(x) ** 2]),
    "broadcast matmul": lambda x: np.stack([x, x**2]) @ x.T,
    "vander": lambda x: np.vander(x[0], 3),
    "polyval": lambda x: np.polyval(x[0], x[1]),
    # differences and integrals
    "diff": lambda x: np.diff(x**2, n=2, axis=1),
    "diff with ends": lambda x: np.diff(x[0] ** 2, prepend=0.0, append=x[1, 0]),
    "ediff1d": lambda x: np.ediff1d(x**2),
    "gradient": lambda x: np.gradient(x**2, axis=1),
    "gradient of both axes": lambda x: np.stack(np.gradient(x**2, 0.5)),
    "trapezoid": lambda x: np.trapezoid(x**2, np.arange(4.0) ** 2),
    "trapezoid over a traced grid": lambda x: np.trapezoid(X[0], x[1]),
    "interp": lambda x: np.interp([0.5, 1.7, -1.0, 9.0], np.arange(4.0), x[0] ** 2),
    "interp at traced points": lambda x: np.interp(x[0], np.array([-2.0, 0.1, 1.0]), np.array([1.0, 5.0, 2.0])) ** 2,
    "interp between traced points": lambda x: np.interp(0.3, np.stack([x[0, 0] - 9.0, x[0, 1] + 9.0]), x[1, :2]),
    "linspace": lambda x: np.linspace(x[0, 0], x[0, 1] ** 2, 5) ** 2,
    "geomspace": lambda x: np.geomspace(np.exp(x[0, 0]), np.exp(x[0, 1]), 4),
    "unwrap": lambda x: np.unwrap(x[0] * 3.0) ** 2,
    "sinc": lambda x: np.sinc(x),
    "i0": lambda x: np.i0(x),
    # linear algebra
    "inv of a stack": lambda x: np.linalg.inv(np.stack([square(x), definite(x)])),
    "solve of a stack": lambda x: np.linalg.solve(np.stack([square(x), definite(x)]), x[:, :2]),
    "solve by a vector": lambda x: np.linalg.solve(definite(x), x[:, 0]),
    "det of a stack": lambda x: np.linalg.det(np.stack([square(x), definite(x)])),
    "slogdet": lambda x: np.linalg.slogdet(square(x))[1],
    "cholesky": lambda x: np.linalg.cholesky(definite(x)),
    "cholesky of a triangle": lambda x: np.linalg.cholesky(np.tril(square(x)) + 4.0 * np.eye(3)),
    "eigvalsh": lambda x: np.linalg.eigvalsh(definite(x)),
    "eigh": lambda x: np.abs(np.linalg.eigh(definite(x)).eigenvectors),
    "eig": lambda x: np.real(np.linalg.eig(np.diag([1.0, 3.0, 7.0]) + 0.3 * square(x) ** 2)[0]) ** 2,
    "eig, vectors": lambda x: np.real(np.linalg.eig(np.diag([1.0, 3.0, 7.0]) + 0.3 * square(x) ** 2)[1]) ** 3,
    "eig of complex pairs": lambda x: np.abs(np.linalg.eigvals(turning(x) + square(x))),
    "eig, complex vectors": lambda x: _parts_of(np.linalg.eig(turning(x) + square(x)).eigenvectors),
    "eig of a stack": lambda x: _parts_of(np.linalg.eig(np.stack([turning(x), definite(x)]))[1]),
    "eig of a complex matrix": lambda x: _parts_of(np.linalg.eig(definite(x) + 1j * square(x))[1]),
    "svd": lambda x: np.abs(np.linalg.svd(x, full_matrices=False)[0]),
    "svd, right": lambda x: np.abs(np.linalg.svd(x.T, full_matrices=False)[2]),
    "singular values": lambda x: np.linalg.svd(x, compute_uv=False),
    "qr": lambda x: np.concatenate([np.ravel(part) for part in np.linalg.qr(x.T)]),
    "qr of a wide matrix": lambda x: np.linalg.qr(x)[1],
    "pinv": lambda x: np.linalg.pinv(x),
    "pinv of a tall matrix": lambda x: np.linalg.pinv(x.T),
    "lstsq": lambda x: np.linalg.lstsq(x.T, x[0] ** 2, rcond=None)[0],
    "matrix_power": lambda x: np.linalg.matrix_power(square(x), 3),
    "matrix_power, negative": lambda x: np.linalg.matrix_power(square(x), -2),
    "multi_dot": lambda x: np.linalg.multi_dot([x, x.T, x]),
    "1-norm": lambda x: np.linalg.norm(x, 1),
    "2-norm of a matrix": lambda x: np.linalg.norm(x, 2),
    "nuclear norm": lambda x: np.linalg.norm(x, "nuc"),
    "3-norm": lambda x: np.linalg.norm(x[0], 3),
    "largest entry": lambda x: np.linalg.norm(x, np.inf, axis=1),
    "Frobenius norms": lambda x: np.linalg.norm(np.stack([x, x**2]), axis=(1, 2)),
    "cond": lambda x: np.linalg.cond(square(x)),
    "tensorsolve": lambda x: np.linalg.tensorsolve(np.reshape(np.kron(square(x), np.eye(2)), (2, 3, 6)), x[:2, :3]),
    # Fourier transforms
    "fft": lambda x: np.abs(np.fft.fft(x)) ** 2,
    "fft, longer": lambda x: np.fft.fft(x[0], 6).real + np.fft.fft(x[1], 6).imag,
    "fft2": lambda x: np.real(np.fft.fft2(x) * (1 + 2j)),
    "ifft": lambda x: np.real(np.fft.ifft(np.fft.fft(x) * np.exp(1j * np.arange(4.0)))) ** 2,
    "rfft": lambda x: np.abs(np.fft.rfft(x, axis=0)) ** 2,
    "irfft": lambda x: np.fft.irfft(np.fft.rfft(x) * (1.0 + 0.5j)) ** 2,
    "irfft, odd": lambda x: np.fft.irfft(x[0, :3] * (1.0 + 0.5j), 5) ** 2,
    "rfftn and back": lambda x: np.fft.irfftn(np.fft.rfftn(x) * 2.0, s=(3, 4), axes=(0, 1)) ** 2,
    "hfft": lambda x: np.fft.hfft(x * (1.0 + 0.5j)) ** 2,
    "hfft, odd, orthonormal": lambda x: np.fft.hfft(x, 5, axis=0, norm="ortho") ** 2,
    "ihfft": lambda x: np.abs(np.fft.ihfft(x)) ** 2,
    "fftshift": lambda x: np.fft.fftshift(x) * x,
    "real_if_close": lambda x: np.imag(np.real_if_close(x + 1j * x**2)) + np.real_if_close(x + 0j),
    "var of complex numbers": lambda x: np.var(x * (1 + 2j), axis=0) + np.var(x[0, 0] + 1j * x[1, 1]),
    "arcsinh of complex numbers": lambda x: np.real(np.arcsinh(x + 1j)) * np.imag(np.arcsinh(x * 0.5j + 2)),
    "complex scalars": lambda x: np.real((x[0, 0] + 1j * x[1, 1]) ** 3 - (2j - x[0, 1]) / (x[2, 2] + 1j)),
    "einsum with lists": lambda x: np.einsum(x, [0, 1], x**2, [2, 1], [0, 2]),
    "einsum with lists, no result": lambda x: np.einsum(x, [0, Ellipsis], x[:, :1], [0, 3]),
    "pad, linear_ramp": lambda x: np.pad(x, ((2, 1), (0, 3)), "linear_ramp", end_values=((1, 2), (3, 4))) ** 2,
    "pad, mean": lambda x: np.pad(x, (2, 1), "mean") ** 2,
    "pad, mean of two": lambda x: np.pad(x, ((1, 0), (2, 2)), "mean", stat_length=2) ** 2,
    "pad by traced values": lambda x: np.pad(x[:2], 1, constant_values=((x[0, 0], x[2, 1]), (1.0, x[0, 0] ** 2))) ** 2,
    "bincount of weights": lambda x: np.bincount([0, 2, 2, 4], weights=x[0], minlength=6) ** 2,
    "histogram of weights": lambda x: np.histogram([0.1, 0.5, 0.9, 7.0], [0.0, 0.3, 0.6, 1.0], weights=x[0])[0] ** 2,
    "histogram, edges": lambda x: np.histogram(x, 5)[1] ** 2,
    "histogram, density": lambda x: np.histogram(x, 3, density=True, weights=x**2)[0],
    "piecewise by parts": lambda x: np.piecewise(x, [X > 0.5, X < -0.5], [lambda t: t / np.sum(t), np.cumsum, np.sin]),
    "nanmean where": lambda x: np.nanmean(np.where(X > 1.0, np.nan, x**2), axis=1, where=X > -0.9),
    "interp, period": lambda x: np.interp(x, [0.5, -3.0, 2.5], x[0, :3], period=7.0),
    "upper triangle": lambda x: np.linalg.eigh(square(x), "U")[1] ** 2,
    "angle": lambda x: np.angle(x + 1j * x**2 + 3.0),
    "norm of complex numbers": lambda x: np.linalg.norm(x + 1j * x**2, axis=0),
    "norm of a complex direction": lambda x: np.linalg.norm(x * (1 + 1j)),
    "std of complex numbers": lambda x: np.std(x + 1j * x**2, axis=1),
    "sign of complex numbers": lambda x: _parts_of(np.sign(x + 1j * x**2)),
    "power of complex numbers": lambda x: _parts_of((x + 1j) ** (0.3 * x - 0.2j)),
    "complex power of numbers": lambda x: _parts_of((x - 9.0) ** (0.1 * x + 0.2j)),
    "arccosh of complex numbers": lambda x: _parts_of(np.arccosh(x * 2.0 - 1.0 + 0.5j)),
    "det of a complex matrix": lambda x: _parts_of(np.linalg.det((definite(x) + 1j * square(x)) / 8.0)),
    "slogdet of a complex matrix": lambda x: _parts_of(sum(np.linalg.slogdet(definite(x) + 1j * square(x)))),
    "inverse of a complex matrix": lambda x: _parts_of(np.linalg.inv(definite(x) + 1j * square(x))),
    "vecdot of complex numbers": lambda x: _parts_of(np.linalg.vecdot(x + 1j * x**2, x - 2j)),
    "cov of complex numbers": lambda x: _parts_of(np.cov(x + 1j * x**2)),
    "corrcoef of complex numbers": lambda x: _parts_of(np.corrcoef(x + 1j * x**2)),
    "a complex exponential": lambda x: np.real(np.exp(1j * x) * (x + 2j)),
    # names that are near others
    "min": lambda x: np.min(x, axis=1) ** 2,
    "nanstd": lambda x: np.nanstd(np.where(X > 1.0, np.nan, x), axis=0, ddof=0.5),
    "nanmin": lambda x: np.nanmin(np.where(X < 0.0, np.nan, x), axis=1) ** 2,
    "nancumsum": lambda x: np.nancumsum(np.where(X > 1.0, np.nan, x), axis=1) ** 2,
    "nancumprod": lambda x: np.nancumprod(np.where(X > 1.0, np.nan, x), axis=1),
    "rollaxis": lambda x: np.rollaxis(np.stack([x, x**2]), 2) * np.arange(24.0).reshape(4, 2, 3),
    "atleast_2d": lambda x: np.atleast_2d(x[0]) ** 2,
    "resize": lambda x: np.resize(x**2, (5, 3)) * np.arange(15.0).reshape(5, 3),
    "trim_zeros": lambda x: np.trim_zeros(np.concatenate([np.zeros(2), x[0] ** 2, np.zeros(1)])),
    "dsplit": lambda x: np.dsplit(np.stack([x, x**2]), 2)[1] ** 2,
    "divmod": lambda x: divmod(x, 0.7)[1] * divmod(2.0, np.abs(x) + 0.3)[1],
    "fix": lambda x: np.fix(x) + x,
    "ones_like": lambda x: np.ones_like(x) * x**2,
    "empty_like": lambda x: _written(np.empty_like(x), x**2),
    "asanyarray": lambda x: np.asanyarray(x) ** 2,
    "ascontiguousarray": lambda x: np.ascontiguousarray(x.T) ** 2,
    "copyto": lambda x: _copied(x),
    "ediff1d, ends": lambda x: np.ediff1d(x**2, to_begin=1.0, to_end=[2.0, 3.0]),
    "svdvals": lambda x: np.linalg.svdvals(x),
    "vector_norm": lambda x: np.linalg.vector_norm(x, axis=1, ord=3),
    "vector_norm of all": lambda x: np.linalg.vector_norm(x, keepdims=True),
    "matrix_norm": lambda x: np.linalg.matrix_norm(np.stack([x, x**2]), ord="nuc"),
    "tensorinv": lambda x: np.linalg.tensorinv(np.reshape(np.kron(square(x), np.eye(2)), (6, 2, 3)), ind=1),
    "trace of a stack": lambda x: np.linalg.trace(np.stack([x, x**2])) + np.linalg.trace(x, offset=1),
    "diagonal of a stack": lambda x: np.linalg.diagonal(np.stack([x, x**2])) ** 2,
    "matrix_transpose of a stack": lambda x: np.linalg.matrix_transpose(np.stack([x, x**2])) * np.arange(3.0),
    "vecdot": lambda x: np.linalg.vecdot(x, x[::-1] ** 2, axis=0),
    "cross of rows": lambda x: np.linalg.cross(x[0, :3], x[1, :3] ** 2),
    "outer of vectors": lambda x: np.linalg.outer(x[0], x[1] ** 2),
    "tensordot": lambda x: np.linalg.tensordot(x, x**2, axes=([0], [0])),
    "ifft2": lambda x: np.abs(np.fft.ifft2(x)) ** 2,
    "fftn": lambda x: np.abs(np.fft.fftn(np.stack([x, x**2]), axes=(0, 2))) ** 2,
    "ifftn": lambda x: np.real(np.fft.ifftn(x * (1 + 2j), s=(4, 5), axes=(0, 1))) ** 2,
    "rfft2": lambda x: np.abs(np.fft.rfft2(x)) ** 2,
    "irfft2": lambda x: np.fft.irfft2(x * (1 + 0.5j)) ** 2,
    "ifftshift": lambda x: np.fft.ifftshift(x) * x,
    # SciPy's functions with several results
    "airy": lambda x: np.stack(special.airy(x[0])),
    "sici": lambda x: np.stack(special.sici(np.exp(x[0]))),
    "shichi": lambda x: np.stack(special.shichi(np.exp(x[0]))),
    "itj0y0": lambda x: np.stack(special.itj0y0(np.exp(x[0] / 2))),
    "iti0k0": lambda x: np.stack(special.iti0k0(np.exp(x[0] / 2))),
    "it2j0y0": lambda x: np.stack(special.it2j0y0(np.exp(x[0] / 2))),
    "it2i0k0": lambda x: np.stack(special.it2i0k0(np.exp(x[0] / 2))),
    "fresnel": lambda x: np.stack(special.fresnel(x[0])),
    "ellipj": lambda x: np.stack(special.ellipj(x[0], 0.3)),
    # types and options
    "astype float": lambda x: x.astype(float) ** 2,
    "dtype": lambda x: np.sum(x**2, axis=0, dtype=np.float64),
    "out of a ufunc": lambda x: _by_out(x),
    "where of a ufunc": lambda x: np.exp(x, where=X > 0, out=np.zeros_like(x)),
    "full_like": lambda x: np.full_like(x, x[0, 0] ** 2) * x,
    "full with like": lambda x: np.full(3, x[0, 0] ** 2, like=x),
    "zeros with like": lambda x: _filled(x),
    "item": lambda x: x[0].item(2) ** 2 + x[:1, :1].item(),
    "flat": lambda x: np.stack([entry**2 for entry in x.flat]),
    "a list of rows": lambda x: np.vstack([row**2 for row in x]),
    "nested lists": lambda x: np.array([[x[0, 0], 1.0], [x[1, 1] ** 2, x[2, 2]]]) @ np.ones(2),
}


def turning(x):
    """A matrix with one pair of complex eigenvalues, far from each other and from the real one."""
    return np.array([[0.0, -4.0, 0.5], [3.0, 0.0, 0.2], [0.1, 0.3, 7.0]]) + 0.3 * square(x) ** 2


def _parts_of(z):
    """Real and imaginary parts, neither of which is constant."""
    return np.real(z) + 2.0 * np.imag(z)


def _sorted_in_place(x):
    y = x[0] * 2.0
    y.sort()
    return y**2


def _by_out(x):
    y = np.zeros_like(x)
    np.multiply(x, x[0], out=y)
    np.add(y, 1.0, out=y)
    return y


def _written(out, value):
    out[...] = value
    return out**2


def _copied(x):
    out = np.zeros((3, 4), like=x)
    np.copyto(out, x**2)
    return out * x


def _filled(x):
    out = np.zeros((2, 3), like=x)
    out[0] = x[0, :3] ** 2
    out[:, 1] += x[1, 0]
    out[1, 2] *= 3.0
    out[1, 2] -= x[2, 2]
    return out


def differences(f, x, h=1e-3):
    """Jacobian by central differences of fourth order."""

    def central(step):
        columns = []
        for place in np.ndindex(x.shape):
            v = np.zeros(x.shape)
            v[place] = step
            columns.append((np.asarray(f(x + v), dtype=float) - np.asarray(f(x - v), dtype=float)) / (2 * step))
        return np.reshape(np.stack(columns, axis=-1), (*np.shape(columns[0]), *x.shape))

    return (4.0 * central(h / 2) - central(h)) / 3.0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_first_derivatives(name):
    f = FUNCTIONS[name]
    exact = differences(f, X)
    for mode in (DUAL, TAPE):
        found = mode.jacobian(f, X)
        assert found.shape == exact.shape
        np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(DUAL.jacobian(f, X), TAPE.jacobian(f, X), rtol=1e-11, atol=1e-11)


ONCE = {"quantile by q"}
"""Functions whose second derivative is refused, or is a difference of rounding errors."""


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - ONCE))
def test_second_derivatives(name):
    f = FUNCTIONS[name]

    def g(x):
        return np.sum(np.sin(f(x)))

    v = np.cos(np.arange(12.0)).reshape(3, 4)
    exact = differences(lambda s: np.sum(v * DUAL.gradient(g, X + s * np.ones((3, 4)) * v[0, 0])), np.zeros(()))
    direction = np.ones((3, 4)) * v[0, 0]
    by_modes = [
        outer.derivative(lambda s, inner=inner: np.sum(v * inner.gradient(g, X + s * direction)), 0.0)
        for outer in (DUAL, TAPE)
        for inner in (DUAL, TAPE)
    ]
    np.testing.assert_allclose(by_modes, float(exact), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("mode", [DUAL, TAPE], ids=["dual", "tape"])
def test_values_are_those_of_the_plain_function(mode):
    for name, f in FUNCTIONS.items():
        value, _ = mode.value_and_gradient(lambda x, f=f: np.sum(f(x)), X)
        np.testing.assert_allclose(value, np.sum(f(X.copy())), rtol=1e-13, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("mode", [DUAL, TAPE], ids=["dual", "tape"])
def test_integrals_of_airy_functions_have_these_as_derivatives(mode):
    """SciPy's integrals are too inaccurate for differences."""
    ai, _, bi, _ = special.airy(0.7)
    ai_back, _, bi_back, _ = special.airy(-0.7)
    found = mode.derivative(lambda x: np.stack(special.itairy(x)), 0.7)
    np.testing.assert_allclose(found, [ai, bi, ai_back, bi_back], rtol=1e-14)


@pytest.mark.parametrize("mode", [DUAL, TAPE], ids=["dual", "tape"])
@pytest.mark.parametrize("where", [1e-9, 0.3, 0.9, 0.99, 1.01, 1.1, 3.0, 49.0, 51.0, -0.5, -1.01, -51.0])
def test_slopes_by_a_series_are_right_on_both_sides_of_its_end(mode, where):
    """`boxcox` by λ has a series for |λ ln x| < 1/2, `spence` for |x − 1| < 1/1000, `sinc` for |πx| < 3/10."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(60):
        u = mpmath.mpf(where * 1e-2)  # λ ln x, for x = e
        slope = float(sum((n - 1) / mpmath.factorial(n) * u ** (n - 2) for n in range(2, 40)))
        x = 1 + mpmath.mpf(where * 1e-3)
        spence = float(-mpmath.log(x) / (x - 1))
        a = mpmath.mpf(where) * 3 / (10 * mpmath.pi)
        at = float(a)
        sinc = float(mpmath.diff(lambda t: mpmath.sinc(mpmath.pi * t), mpmath.mpf(at)))
    found = mode.derivative(lambda b: special.boxcox(np.e, b), where * 1e-2)
    assert found == pytest.approx(slope, rel=1e-13)
    assert mode.derivative(special.spence, float(x)) == pytest.approx(spence, rel=1e-13)
    assert mode.derivative(np.sinc, at) == pytest.approx(sinc, rel=1e-13)


@pytest.mark.parametrize("mode", [DUAL, TAPE], ids=["dual", "tape"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.matmul(x, x[:, :3], axes=[(1, 0), (0, 1), (0, 1)]),
        lambda x: np.linalg.pinv(x, rcond=0.9),
        lambda x: np.linalg.lstsq(x, x[:, 0], rcond=0.9)[0],
        lambda x: np.abs(np.linalg.cholesky(definite(x) + 1j * (x @ np.diag([1.0, 2.0, 3.0, 4.0])[:, :3]))),
        lambda x: np.abs(np.linalg.eigh(definite(x) + 0j)[1]),
        lambda x: np.real(np.linalg.svd(x + 1j * x**2, compute_uv=False)),
        lambda x: np.abs(np.linalg.qr(x + 1j * x**2)[1]),
        lambda x: np.abs(np.linalg.pinv(x + 1j * x**2)),
    ],
    ids=[
        "matmul, axes",
        "pinv, rcond",
        "lstsq, rcond",
        *(f"complex {each}" for each in ("cholesky", "eigh", "svd", "qr", "pinv")),
    ],
)
def test_what_a_rule_does_not_cover_is_refused(f, mode):
    with pytest.raises(DifferentiationError, match="with these arguments"):
        mode.jacobian(f, X)


@pytest.mark.parametrize("mode", [DUAL, TAPE], ids=["dual", "tape"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.lib.stride_tricks.as_strided(x[1], (2, 4), (-32, 8)),
        lambda x: scipy.linalg.circulant(x[0]),
        lambda x: scipy.ndimage.gaussian_filter1d(x[0], 1.0),
    ],
    ids=["as_strided", "as_strided within SciPy", "compiled code of SciPy"],
)
def test_compiled_code_that_would_read_other_memory_is_refused(f, mode):
    with pytest.raises(DifferentiationError, match=r"as_strided|ndimage|circulant"):
        mode.jacobian(f, X)


@pytest.mark.parametrize("mode", [DUAL, TAPE], ids=["dual", "tape"])
@pytest.mark.parametrize("function", [np.unique, np.roots])
def test_a_function_without_a_rule_is_named(mode, function):
    with pytest.raises(DifferentiationError, match=function.__name__):
        mode.jacobian(lambda x: function(x[:, :3])[0] * x[0, 0], X)


ROUNDED = {
    "linspace": lambda x, dtype: np.linspace(x[0], x[1], 4, dtype=dtype),
    "logspace": lambda x, dtype: np.logspace(x[0], x[1], 4, dtype=dtype),
    "geomspace": lambda x, dtype: np.geomspace(x[0], x[1], 4, dtype=dtype),
    "stack": lambda x, dtype: np.stack([x, 2 * x], dtype=dtype),
    "hstack": lambda x, dtype: np.hstack([x, 2 * x], dtype=dtype),
    "vstack": lambda x, dtype: np.vstack([x, 2 * x], dtype=dtype),
    "trace": lambda x, dtype: np.trace(np.stack([x, 2 * x]), dtype=dtype),
    "cumulative_sum": lambda x, dtype: np.cumulative_sum(x, dtype=dtype),
    "maximum.accumulate": lambda x, dtype: np.maximum.accumulate(x, dtype=dtype),
    "maximum.reduce": lambda x, dtype: np.maximum.reduce(x, dtype=dtype),
    "cov": lambda x, dtype: np.cov(x, x[::-1], dtype=dtype),
}


@pytest.mark.parametrize("mode", [DUAL, TAPE], ids=["dual", "tape"])
@pytest.mark.parametrize("name", ROUNDED)
def test_an_option_dtype_rounds_as_numpys_does(name, mode):
    f, x = ROUNDED[name], np.array([0.1, 1.7, 0.3])

    def weighted(x, dtype=np.float32):
        entries = np.ravel(f(x, dtype))
        return np.sum(entries * np.arange(1, np.size(entries) + 1))

    value = mode.value_and_gradient(weighted, x)[0]
    assert value == pytest.approx(weighted(x), rel=3e-7)
    with pytest.raises(DifferentiationError, match="cannot be converted to int"):
        mode.gradient(lambda x: weighted(x, int), x)


@pytest.mark.parametrize("mode", [DUAL, TAPE], ids=["dual", "tape"])
@pytest.mark.parametrize("take", [np.ravel, lambda a, order: np.reshape(a, (-1,), order=order)])
@pytest.mark.parametrize("order", ["A", "K"])
def test_an_order_by_memory_is_refused_rather_than_guessed(order, take, mode):
    with pytest.raises(DifferentiationError, match=f"order='{order}'"):
        mode.gradient(lambda x: take(x.T, order=order)[1], X)
