"""Robertson's equation by the Radau IIA method of order 13 in 40 decimal digits, with steps halved for their error."""

from collections.abc import Iterator

import mpmath
import numpy as np
from mpmath import mpf

STAGES = 7
ORDER = 2 * STAGES - 1
RATES = (mpf("0.04"), mpf(10) ** 4, mpf(3) * 10**7)


def weights() -> tuple[list[list[mpf]], np.ndarray]:
    """The matrix of the method, and it in double precision, from its nodes: the zeros of P₇ − P₆, shifted."""
    rough = np.real(np.polynomial.legendre.legroots([0.0] * (STAGES - 1) + [-1.0, 1.0]))
    nodes = [
        mpmath.findroot(lambda x: mpmath.legendre(STAGES, 2 * x - 1) - mpmath.legendre(STAGES - 1, 2 * x - 1), each)
        for each in sorted((rough + 1.0) / 2.0)[:-1]
    ]
    nodes.append(mpf(1))
    powers, integrals = mpmath.matrix(STAGES, STAGES), mpmath.matrix(STAGES, STAGES)
    for i, node in enumerate(nodes):
        for j in range(STAGES):
            powers[i, j], integrals[i, j] = node**j, node ** (j + 1) / (j + 1)
    found = integrals * powers**-1
    exact = [[found[i, j] for j in range(STAGES)] for i in range(STAGES)]
    return exact, np.array(exact, dtype=float)


def slopes(y):
    first, second, third = RATES[0] * y[0], RATES[1] * y[1] * y[2], RATES[2] * y[1] ** 2
    return [second - first, first - second - third, third]


def jacobian(y):
    a, b, c = map(float, RATES)
    y2, y3 = float(y[1]), float(y[2])
    return np.array([[-a, b * y3, b * y2], [a, -b * y3 - 2 * c * y2, -b * y2], [0.0, 2 * c * y2, 0.0]])


def step(y, h, A, rough):
    """One step: Newton's method with matrices in double precision, which adds about ten digits in each iteration."""
    stages = [list(y) for _ in range(STAGES)]
    for _ in range(60):
        f = [slopes(each) for each in stages]
        left = [
            y[d] + h * mpmath.fsum(A[i][j] * f[j][d] for j in range(STAGES)) - stages[i][d]
            for i in range(STAGES)
            for d in range(3)
        ]
        matrix = np.eye(3 * STAGES)
        for j in range(STAGES):
            of_stage = jacobian(stages[j])
            for i in range(STAGES):
                matrix[3 * i : 3 * i + 3, 3 * j : 3 * j + 3] -= float(h) * rough[i, j] * of_stage
        change = np.linalg.solve(matrix, np.array(left, dtype=float))
        for k, each in enumerate(change):
            stages[k // 3][k % 3] += mpf(each)
        if all(abs(each) < 1e-30 * abs(float(stages[k // 3][k % 3])) + 1e-60 for k, each in enumerate(change)):
            return stages[-1]
    raise ArithmeticError(f"no convergence with a step of {h}")


def concentrations(times: list[float], tol: float) -> Iterator[list[mpf]]:
    """The concentrations at the times, with a relative error of each step below `tol`."""
    with mpmath.workdps(40):
        A, rough = weights()
        t, h, y = mpf(0), mpf(10) ** -6, [mpf(1), mpf(0), mpf(0)]
        for end in map(mpf, map(str, times)):
            while t < end:
                h = min(h, end - t)
                whole, halves = step(y, h, A, rough), step(step(y, h / 2, A, rough), h / 2, A, rough)
                error = float(max(abs(one - two) / abs(two) for one, two in zip(whole, halves, strict=True)))
                if error < tol:
                    t, y = (end if h == end - t else t + h), halves
                h *= mpf(min(3.0, max(0.2, 0.8 * (tol / (error + 1e-40)) ** (1 / (ORDER + 1)))))
            yield y
