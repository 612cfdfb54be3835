"""The solver ``scipy_ode``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np

from gradmix import (
    Bounds,
    Differentiator,
    InitialValue,
    Iteration,
    Meaning,
    NumericalError,
    PositiveFloat,
    PositiveInt,
    Question,
    Solver,
    part,
)
from gradmix.arrays import Array


@dataclass
class ScipyOde(Solver):
    """SciPy's methods for initial value problems; those for stiff problems take Jacobians from any differentiator.

    Parameters
    ----------
    method
        Radau (implicit Runge-Kutta of order 5), BDF (backward differences of order 1 to 5), LSODA (Adams or backward
        differences, as needed), or the explicit RK45, which needs no Jacobian.
    rtol
        Tolerated error of a step, relative to each entry; at least 100 times the rounding error.
    atol
        Tolerated error of a step where an entry is small.
    max_iter
        Maximum number of steps in time.
    differentiator
        Differentiator for the Jacobians.

    Notes
    -----
    An iteration is a step in time; its residual is the remaining fraction of the time. The error is known at the end,
    if the problem has an exact solution. Source: Hairer & Wanner, *Solving Ordinary Differential Equations II*, 2nd ed.
    (1996).

    Examples
    --------
    >>> import gradmix
    >>> stiff = gradmix.InitialValue(lambda t, y: -1000.0 * (y - np.cos(t)), [0.0], end=1.0)
    >>> float(ScipyOde(differentiator=gradmix.differentiator("dual")).solve(stiff).estimate[0].round(3))
    0.541
    """

    solves: ClassVar[Mapping[type[Question], tuple[str, ...]]] = {InitialValue: ("jacobian",)}

    method: Literal["Radau", "BDF", "LSODA", "RK45"] = "Radau"
    rtol: Annotated[float, Bounds(ge=2.3e-14, lt=1)] = 1e-6
    atol: PositiveFloat = 1e-10
    max_iter: PositiveInt = 10_000
    differentiator: Differentiator = part("dual")

    def takes(self) -> Mapping[type[Question], tuple[str, ...]]:
        """Return that it takes initial value problems; an explicit method needs no Jacobian."""
        return {InitialValue: ()} if self.method == "RK45" else self.solves

    def metrics(self) -> tuple[Meaning, ...]:
        """Return the metrics of any solver, the time that was reached, and the number of steps in time."""
        of_time = (Meaning("t", None, "", "time reached"), Meaning("time_step", None, "", "last step in time"))
        return (*super().metrics(), *of_time)

    def setup(self) -> None:
        """Import SciPy's solvers."""
        super().setup()
        import scipy.integrate  # noqa: F401

    def iterate(self, question: Any) -> Iterator[Iteration[Array]]:
        """Yield the steps in time."""
        if not np.isfinite(question.slopes(question.begin, question.first)).all():
            raise NumericalError(f"the slopes are not finite at the start, y = {question.first}.")
        steps = self._steps(question)
        for _ in range(self.max_iter):
            before = steps.t
            with np.errstate(all="ignore"):
                message = steps.step()
            if steps.status == "failed":
                raise NumericalError(f"{self.method} cannot continue at t = {before:.6g}: {message}.")
            left = (question.end - steps.t) / (question.end - question.begin)
            metrics = {"residual": float(left), "t": float(steps.t), "time_step": float(steps.t - before)}
            has_ended = steps.status == "finished"
            yield Iteration(np.array(steps.y, dtype=float), metrics, has_ended)
            if has_ended:
                return

    def _steps(self, question: InitialValue) -> Any:
        import scipy.integrate

        def jacobian(t: float, y: Array) -> Array:
            return question.jacobian(t, y, self.differentiator)

        options = {} if self.method == "RK45" else {"jac": jacobian}
        make = getattr(scipy.integrate, self.method)
        return make(
            question.slopes, question.begin, question.first, question.end, rtol=self.rtol, atol=self.atol, **options
        )
