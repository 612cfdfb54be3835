"""Rules of SciPy's special functions: for each argument the change of the result, as text.

``UNKNOWN`` marks an argument without a closed-form derivative; differentiating by it is an error. None marks an
argument that takes integers only. Source: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from scipy import special

from gradmix_autodiff.table import COMPOSITIONS, CONSTANT, ELEMENTWISE, NAMES, UNKNOWN, Elementwise, specialised
from gradmix_autodiff.traced import operate

_DENSITY_OF_BETA = "exp((a - 1) * log(c) + (b - 1) * log1p(-c) - betaln(a, b))"
_DENSITY_OF_T = "exp(gammaln((a + 1) / 2) - gammaln(a / 2) - (a + 1) / 2 * log1p(T * T / a)) / sqrt(a * pi)"
_DENSITY_OF_F = (
    "exp(a / 2 * log(a) + b / 2 * log(b) + (a / 2 - 1) * log(X) - (a + b) / 2 * log(b + a * X) - betaln(a / 2, b / 2))"
)
_DENSITY_OF_CHI2 = "exp((a / 2 - 1) * log(X) - X / 2 - a / 2 * log(2.0) - gammaln(a / 2))"

TEXTS: dict[str, tuple[str | None, ...]] = {
    # error functions and the normal distribution
    "erf": ("d * (2 / sqrt(pi)) * exp(-a * a)",),
    "erfc": ("-d * (2 / sqrt(pi)) * exp(-a * a)",),
    "erfcx": ("d * (2 * a * y - 2 / sqrt(pi))",),
    "erfi": ("d * (2 / sqrt(pi)) * exp(a * a)",),
    "erfinv": ("d * (0.5 * sqrt(pi)) * exp(y * y)",),
    "erfcinv": ("-d * (0.5 * sqrt(pi)) * exp(y * y)",),
    "dawsn": ("d * (1 - 2 * a * y)",),
    "ndtr": ("d * exp(-0.5 * a * a) / sqrt(2 * pi)",),
    "ndtri": ("d * exp(0.5 * y * y) * sqrt(2 * pi)",),
    "ndtri_exp": ("d * exp(a + 0.5 * y * y) * sqrt(2 * pi)",),
    "log_ndtr": ("d * exp(-0.5 * a * a - y) / sqrt(2 * pi)",),
    "owens_t": (
        "-d * exp(-0.5 * a * a) * erf(a * b / sqrt(2.0)) / (2 * sqrt(2 * pi))",
        "d * exp(-0.5 * a * a * (1 + b * b)) / (2 * pi * (1 + b * b))",
    ),
    # logistic, logarithmic, exponential
    "expit": ("d * y * expit(-a)",),
    "log_expit": ("d * expit(-a)",),
    "logit": ("d / (a * (1 - a))",),
    "exp2": ("d * y * log(2.0)",),
    "exp10": ("d * y * log(10.0)",),
    "expm1": ("d * exp(a)",),
    "log1p": ("d / (1 + a)",),
    "cosm1": ("-d * sin(a)",),
    "powm1": ("d * power_by_base(a, b)", "d * power_by_exponent(y + 1, a, b)"),
    "exprel": ("d * exprel_slope(a)",),
    "xlogy": ("d * log(b)", "d * a / b"),
    "xlog1py": ("d * log1p(b)", "d * a / (1 + b)"),
    "entr": ("-d * (log(a) + 1)",),
    "rel_entr": ("d * (log(a / b) + 1)", "-d * a / b"),
    "kl_div": ("d * log(a / b)", "d * (1 - a / b)"),
    "boxcox": ("d * a ** (b - 1)", "d * boxcox_by_lambda(log(a), b)"),
    "boxcox1p": ("d * (1 + a) ** (b - 1)", "d * boxcox_by_lambda(log1p(a), b)"),
    "inv_boxcox": ("d * y ** (1 - b)", UNKNOWN),
    "inv_boxcox1p": ("d * (1 + y) ** (1 - b)", UNKNOWN),
    "exp1": ("-d * exp(-a) / a",),
    "expi": ("d * exp(a) / a",),
    "expn": (None, "-d * expn(a - 1, b)"),
    "spence": ("d * spence_slope(a)",),
    "wrightomega": ("d * y / (1 + y)",),
    "cbrt": ("d / (3 * y * y)",),
    # angles in degrees
    "sindg": ("d * cosdg(a) * (pi / 180)",),
    "cosdg": ("-d * sindg(a) * (pi / 180)",),
    "tandg": ("d * (1 + y * y) * (pi / 180)",),
    "cotdg": ("-d * (1 + y * y) * (pi / 180)",),
    "radian": ("d * (pi / 180)", "d * (pi / 180 / 60)", "d * (pi / 180 / 3600)"),
    # losses
    "huber": ("d * where(abs(b) <= a, 0.0, abs(b) - a)", "d * where(abs(b) <= a, b, a * sign(b))"),
    "pseudo_huber": (
        "d * (2 * a * (hypot(1.0, b / a) - 1) - b * b / (a * hypot(1.0, b / a)))",
        "d * b / hypot(1.0, b / a)",
    ),
    # gamma and beta functions
    "gamma": ("d * y * psi(a)",),
    "gammaln": ("d * psi(a)",),
    "loggamma": ("d * psi(a)",),
    "rgamma": ("-d * y * psi(a)",),
    "psi": ("d * trigamma(a)",),
    "poch": ("d * y * (psi(a + b) - psi(a))", "d * y * psi(a + b)"),
    "binom": ("d * y * (psi(a + 1) - psi(a - b + 1))", "d * y * (psi(a - b + 1) - psi(b + 1))"),
    "beta": ("d * y * (psi(a) - psi(a + b))", "d * y * (psi(b) - psi(a + b))"),
    "betaln": ("d * (psi(a) - psi(a + b))", "d * (psi(b) - psi(a + b))"),
    "gammainc": (UNKNOWN, "d * exp((a - 1) * log(b) - b - gammaln(a))"),
    "gammaincc": (UNKNOWN, "-d * exp((a - 1) * log(b) - b - gammaln(a))"),
    "gammaincinv": (UNKNOWN, "d * exp(y + gammaln(a) - (a - 1) * log(y))"),
    "gammainccinv": (UNKNOWN, "-d * exp(y + gammaln(a) - (a - 1) * log(y))"),
    "betainc": (UNKNOWN, UNKNOWN, "d * " + _DENSITY_OF_BETA),
    "betaincc": (UNKNOWN, UNKNOWN, "-d * " + _DENSITY_OF_BETA),
    "betaincinv": (UNKNOWN, UNKNOWN, "d / " + _DENSITY_OF_BETA.replace("(c)", "(y)").replace("(-c)", "(-y)")),
    "betainccinv": (UNKNOWN, UNKNOWN, "-d / " + _DENSITY_OF_BETA.replace("(c)", "(y)").replace("(-c)", "(-y)")),
    # distributions, by their value and by their quantile
    "chdtr": (UNKNOWN, "d * " + _DENSITY_OF_CHI2.replace("X", "b")),
    "chdtrc": (UNKNOWN, "-d * " + _DENSITY_OF_CHI2.replace("X", "b")),
    "chdtri": (UNKNOWN, "-d / " + _DENSITY_OF_CHI2.replace("X", "y")),
    "gdtr": (
        "d * exp(b * log(a * c) - a * c - gammaln(b)) / a",
        UNKNOWN,
        "d * exp(b * log(a * c) - a * c - gammaln(b)) / c",
    ),
    "gdtrc": (
        "-d * exp(b * log(a * c) - a * c - gammaln(b)) / a",
        UNKNOWN,
        "-d * exp(b * log(a * c) - a * c - gammaln(b)) / c",
    ),
    "fdtr": (UNKNOWN, UNKNOWN, "d * " + _DENSITY_OF_F.replace("X", "c")),
    "fdtrc": (UNKNOWN, UNKNOWN, "-d * " + _DENSITY_OF_F.replace("X", "c")),
    "fdtri": (UNKNOWN, UNKNOWN, "d / " + _DENSITY_OF_F.replace("X", "y")),
    "stdtr": (UNKNOWN, "d * " + _DENSITY_OF_T.replace("T", "b")),
    "stdtrit": (UNKNOWN, "d / (" + _DENSITY_OF_T.replace("T", "y") + ")"),
    "pdtr": (None, "-d * exp(floor(a) * log(b) - b - gammaln(floor(a) + 1))"),
    "pdtrc": (None, "d * exp(floor(a) * log(b) - b - gammaln(floor(a) + 1))"),
    # Bessel functions
    "j0": ("-d * j1(a)",),
    "j1": ("d * 0.5 * (j0(a) - jv(2.0, a))",),
    "jv": (UNKNOWN, "d * 0.5 * (jv(a - 1, b) - jv(a + 1, b))"),
    "y0": ("-d * y1(a)",),
    "y1": ("d * 0.5 * (y0(a) - yv(2.0, a))",),
    "yn": (None, "d * 0.5 * (yv(a - 1.0, b) - yv(a + 1.0, b))"),
    "yv": (UNKNOWN, "d * 0.5 * (yv(a - 1, b) - yv(a + 1, b))"),
    "i0": ("d * i1(a)",),
    "i0e": ("d * (i1e(a) - sign(a) * y)",),
    "i1": ("d * 0.5 * (i0(a) + iv(2.0, a))",),
    "i1e": ("d * (0.5 * (i0e(a) + ive(2.0, a)) - sign(a) * y)",),
    "iv": (UNKNOWN, "d * 0.5 * (iv(a - 1, b) + iv(a + 1, b))"),
    "ive": (UNKNOWN, "d * (0.5 * (ive(a - 1, b) + ive(a + 1, b)) - sign(b) * y)"),
    "k0": ("-d * k1(a)",),
    "k0e": ("d * (y - k1e(a))",),
    "k1": ("-d * 0.5 * (k0(a) + kv(2.0, a))",),
    "k1e": ("d * (y - 0.5 * (k0e(a) + kve(2.0, a)))",),
    "kn": (None, "-d * 0.5 * (kv(a - 1.0, b) + kv(a + 1.0, b))"),
    "kv": (UNKNOWN, "-d * 0.5 * (kv(a - 1, b) + kv(a + 1, b))"),
    "kve": (UNKNOWN, "d * (y - 0.5 * (kve(a - 1, b) + kve(a + 1, b)))"),
    "struve": (UNKNOWN, "d * (struve(a - 1, b) - a / b * y)"),
    "modstruve": (UNKNOWN, "d * (modstruve(a - 1, b) - a / b * y)"),
    "ber": ("d * berp(a)",),
    "bei": ("d * beip(a)",),
    "ker": ("d * kerp(a)",),
    "kei": ("d * keip(a)",),
    "berp": ("-d * (bei(a) + y / a)",),
    "beip": ("d * (ber(a) - y / a)",),
    "kerp": ("-d * (kei(a) + y / a)",),
    "keip": ("d * (ker(a) - y / a)",),
    "jve": (UNKNOWN, "d * 0.5 * (jv(a - 1, b) - jv(a + 1, b))"),
    "yve": (UNKNOWN, "d * 0.5 * (yv(a - 1, b) - yv(a + 1, b))"),
    "itstruve0": ("d * struve(0.0, a)",),
    "it2struve0": ("-d * struve(0.0, a) / a",),
    "itmodstruve0": ("d * modstruve(0.0, a)",),
    "lpmv": (None, UNKNOWN, "d * (b * c * y - (a + b) * lpmv(a, b - 1, c)) / (c * c - 1)"),
    # elliptic integrals
    "ellipk": ("d * (ellipe(a) - (1 - a) * y) / (2 * a * (1 - a))",),
    "ellipkm1": ("-d * (ellipe(1 - a) - a * y) / (2 * (1 - a) * a)",),
    "ellipe": ("d * (y - ellipk(a)) / (2 * a)",),
    "ellipkinc": (
        "d / sqrt(1 - b * sin(a) ** 2)",
        "d * (ellipeinc(a, b) / (2 * b * (1 - b)) - y / (2 * b)"
        " - sin(2 * a) / (4 * (1 - b) * sqrt(1 - b * sin(a) ** 2)))",
    ),
    "elliprf": (
        "-d * elliprd(b, c, a) / 6",
        "-d * elliprd(a, c, b) / 6",
        "-d * elliprd(a, b, c) / 6",
    ),
    "elliprc": ("-d * elliprd(b, b, a) / 6", "-d * elliprd(a, b, b) / 3"),
    "ellipeinc": ("d * sqrt(1 - b * sin(a) ** 2)", "d * (y - ellipkinc(a, b)) / (2 * b)"),
    # hypergeometric functions
    "hyp0f1": (UNKNOWN, "d * hyp0f1(a + 1, b) / a"),
    "hyp1f1": (UNKNOWN, UNKNOWN, "d * a / b * hyp1f1(a + 1, b + 1, c)"),
    "hyp2f1": (UNKNOWN, UNKNOWN, UNKNOWN, "d * a * b / c * hyp2f1(a + 1, b + 1, c + 1, e)"),
    "hyperu": (UNKNOWN, UNKNOWN, "-d * a * hyperu(a + 1, b + 1, c)"),
    # orthogonal polynomials
    "eval_legendre": (UNKNOWN, "d * (a + 1) / 2 * eval_jacobi(a - 1, 1.0, 1.0, b)"),
    "eval_sh_legendre": (UNKNOWN, "d * (a + 1) * eval_jacobi(a - 1, 1.0, 1.0, 2 * b - 1)"),
    "eval_chebyt": (UNKNOWN, "d * a * eval_chebyu(a - 1, b)"),
    "eval_sh_chebyt": (UNKNOWN, "d * 2 * a * eval_chebyu(a - 1, 2 * b - 1)"),
    "eval_chebyu": (UNKNOWN, "d * 2 * eval_gegenbauer(a - 1, 2.0, b)"),
    "eval_sh_chebyu": (UNKNOWN, "d * 4 * eval_gegenbauer(a - 1, 2.0, 2 * b - 1)"),
    "eval_chebyc": (UNKNOWN, "d * a * eval_chebyu(a - 1, b / 2)"),
    "eval_chebys": (UNKNOWN, "d * eval_gegenbauer(a - 1, 2.0, b / 2)"),
    "eval_gegenbauer": (UNKNOWN, UNKNOWN, "d * 2 * b * eval_gegenbauer(a - 1, b + 1, c)"),
    "eval_jacobi": (UNKNOWN, UNKNOWN, UNKNOWN, "d * (a + b + c + 1) / 2 * eval_jacobi(a - 1, b + 1, c + 1, e)"),
    "eval_laguerre": (UNKNOWN, "-d * eval_genlaguerre(a - 1, 1.0, b)"),
    "eval_genlaguerre": (UNKNOWN, UNKNOWN, "-d * eval_genlaguerre(a - 1, b + 1, c)"),
    "eval_hermite": (None, "d * 2 * a * eval_hermite(a - 1, b)"),
    "eval_hermitenorm": (None, "d * a * eval_hermitenorm(a - 1, b)"),
}
"""Name in `scipy.special` → for each argument the change of the result."""


SEVERAL: dict[str, tuple[tuple[str, ...], ...]] = {
    "airy": (("d * part(1, a)",), ("d * a * part(0, a)",), ("d * part(3, a)",), ("d * a * part(2, a)",)),
    "sici": (("d * np.sinc(a / pi)",), ("d * cos(a) / a",)),
    "shichi": (("d * sinh(a) / a",), ("d * cosh(a) / a",)),
    "fresnel": (("d * sin(0.5 * pi * a * a)",), ("d * cos(0.5 * pi * a * a)",)),
    "itj0y0": (("d * j0(a)",), ("d * y0(a)",)),
    "iti0k0": (("d * i0(a)",), ("d * k0(a)",)),
    "it2j0y0": (("d * (1 - j0(a)) / a",), ("-d * y0(a) / a",)),
    "it2i0k0": (("d * (i0(a) - 1) / a",), ("-d * k0(a) / a",)),
    "itairy": (
        ("d * airy(a)[0]",),
        ("d * airy(a)[2]",),
        ("d * airy(-a)[0]",),
        ("d * airy(-a)[2]",),
    ),
    "ellipj": (
        ("d * part(1, a, b) * part(2, a, b)", UNKNOWN),
        ("-d * part(0, a, b) * part(2, a, b)", UNKNOWN),
        ("-d * b * part(0, a, b) * part(1, a, b)", UNKNOWN),
        ("d * part(2, a, b)", UNKNOWN),
    ),
}
"""Name in `scipy.special` → for each of its results, and for each argument, the change."""


def _install_several(name: str, texts: tuple[tuple[str, ...], ...]) -> None:
    """Enter a function with several results: each is a separate operation."""
    function = getattr(special, name)
    rules = [
        Elementwise(
            specialised(_result_of, function, number, name=name),
            tuple(text.replace("part(", f"{name}_part(") for text in each),
        )
        for number, each in enumerate(texts)
    ]
    NAMES[name] = function
    NAMES[f"{name}_part"] = lambda number, *arguments: operate(rules[number], *arguments)
    COMPOSITIONS[function] = lambda *arguments: tuple(operate(rule, *arguments) for rule in rules)


def _result_of(function: Callable[..., Any], number: int, *arguments: Any) -> Any:
    return function(*arguments)[number]


def _polygamma(n: int) -> Elementwise:
    """The n-th derivative of the digamma function."""
    if n not in _POLYGAMMA:
        NAMES[f"polygamma_{n + 1}"] = lambda a: operate(_polygamma(n + 1), a)
        _POLYGAMMA[n] = Elementwise(specialised(_polygamma_at, n, name="polygamma"), (f"d * polygamma_{n + 1}(a)",))
    return _POLYGAMMA[n]


_POLYGAMMA: dict[int, Elementwise] = {}


def _polygamma_at(n: int, a: Any) -> Any:
    """Compute it by Hurwitz' zeta function, and by reflection at negative points for n = 1."""
    found = special.polygamma(n, a)
    if n == 1:
        with np.errstate(all="ignore"):
            reflected = (np.pi / np.sin(np.pi * a)) ** 2 - special.polygamma(1, 1 - np.asarray(a))
        return np.where(np.less(a, 0), reflected, found)[()]
    return np.where(np.less(a, 0), np.nan, found)[()]


def trigamma(a: Any) -> Any:
    """ψ′."""
    return operate(_polygamma(1), a)


def exprel_slope(a: Any) -> Any:
    """The derivative of (eᵃ - 1)/a: 1/2 at 0, by the series Σ (n - 1)/n! aⁿ⁻² nearby."""
    is_small = np.abs(a) < 0.5
    safe = np.where(is_small, 1.0, a)
    series = reduce(lambda later, factor: factor + a * later, reversed(_EXPREL_SLOPE))
    return np.where(is_small, series, (np.exp(safe) * (safe - 1.0) + 1.0) / (safe * safe))


_EXPREL_SLOPE = tuple((n - 1) / math.factorial(n) for n in range(2, 18))


def boxcox_by_lambda(log_a: Any, b: Any) -> Any:
    """The derivative of (xᵇ - 1)/b by b, with l = ln x: l² (eᵘ(u - 1) + 1)/u², u = b l."""
    return log_a * log_a * exprel_slope(b * log_a)


def spence_slope(a: Any) -> Any:
    """ln a / (1 - a): -1 at 1, by a series nearby."""
    e = a - 1.0
    is_close = np.abs(e) < 1e-3
    series = -1.0 + e * (1 / 2 - e * (1 / 3 - e * (1 / 4 - e * (1 / 5 - e / 6))))
    return np.where(is_close, series, np.log(np.where(is_close, 2.0, a)) / np.where(is_close, 1.0, -e))


def _sinc(x: Any) -> Any:
    return np.sinc(x)


def sinc_slope(a: Any) -> Any:
    """The derivative of sin(πa)/(πa), by a series near 0."""
    u = np.pi * a
    is_small = np.abs(u) < 0.3
    safe = np.where(is_small, 1.0, u)
    v = u * u
    series = -u / 3 * (1 - v / 10 * (1 - v / 28 * (1 - v / 54 * (1 - v / 88 * (1 - v / 130)))))
    return np.pi * np.where(is_small, series, (safe * np.cos(safe) - np.sin(safe)) / (safe * safe))


def install() -> None:
    """Enter these rules into the table."""
    helpers = (trigamma, exprel_slope, boxcox_by_lambda, spence_slope, sinc_slope)
    NAMES.update({each.__name__: each for each in helpers})
    NAMES.update({"abs": np.abs, "where": np.where, "floor": np.floor, "log1p": np.log1p})
    for name, texts in TEXTS.items():
        function = getattr(special, name, None)
        if function is not None:  # older releases of SciPy lack some
            NAMES.setdefault(name, function)
            ELEMENTWISE[function] = Elementwise(function, texts)
    for name, texts_of_results in SEVERAL.items():
        _install_several(name, texts_of_results)
    NAMES["elliprd"] = special.elliprd
    ELEMENTWISE["sinc"] = Elementwise(_sinc, ("d * sinc_slope(a)",))
    ELEMENTWISE["i0"] = Elementwise(np.i0, ("d * i1(a)",))
    CONSTANT.update({special.gammasgn, special.round})
