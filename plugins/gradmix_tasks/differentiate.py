"""The task ``differentiate``: apply a differentiator to a problem, and measure error and cost."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, get_args

import numpy as np

import gradmix
from gradmix import (
    Assessment,
    ConfigError,
    Counted,
    Differentiator,
    FinishedRun,
    GradmixError,
    Meaning,
    NameOf,
    NonNegativeFloat,
    NumericalError,
    Operator,
    PluginError,
    Problem,
    Result,
    Steps,
    Task,
    Timed,
    Writer,
    assessments,
    numbers_of_shape,
    part,
)

if TYPE_CHECKING:
    from pathlib import Path


_SHOWN = 10
"""Most entries of a derivative without an exact value that the run's summary shows."""
_METRICS = (
    Meaning("derivative_error", "lower", "", "largest error, relative to max(|exact|, 1)", by_ratio=True),
    Meaning("derivative_error_ulp", "lower", "ulp", "largest error in units in the last place", by_ratio=True),
    Meaning(
        "estimated_error", None, "", "largest error that the differentiator estimates, relative to max(|value|, 1)"
    ),
    Meaning(
        "audit_disagreement",
        "lower",
        "",
        "largest difference from the derivatives of the audit, relative to max(|value|, 1)",
        by_ratio=True,
    ),
    Meaning(
        "function_evaluations",
        "lower",
        "calls",
        "calls of the user's function, including those that prepare it",
        is_cost=True,
        by_ratio=True,
    ),
)


@dataclass
class Differentiate(Task):
    """Compute the derivative that a problem requests, and measure error, function evaluations and time.

    Parameters
    ----------
    differentiator
        The differentiator.
    problem
        The problem.
    audit
        Other differentiators, with their default options, that compute the same derivative. The largest difference
        from their results is a metric.
    audit_tolerance
        Largest accepted difference, relative to max(|derivative|, 1); a larger one fails the run. With null, the
        difference is only reported.
    sparse
        Whether a Jacobian is computed as a sparse matrix.
    prepared
        Whether the function is first prepared at the point. The preparation is not timed.
    """

    rounds: ClassVar[int] = 11
    answers: ClassVar[tuple[str, ...]] = ("point", "computed", "exact", "function", "differentiator", "problem")

    differentiator: Differentiator = part("dual")
    problem: Problem = part("lecture")
    audit: Annotated[tuple[str, ...], NameOf("differentiator")] = ()
    audit_tolerance: NonNegativeFloat | None = None
    sparse: bool = False
    prepared: bool = False

    def metrics(self) -> Sequence[Meaning]:
        """Describe the error in two units, its estimate, the cost, and the differentiator's own metrics."""
        return *_METRICS, *self.differentiator.metrics()

    def check(self) -> None:
        """Check every option, and that a tolerance is given only together with an audit."""
        super().check()
        if self.problem.operator not in (known := get_args(Operator)):
            name = type(self.problem).__name__
            raise PluginError(f"{name}.operator must be one of {', '.join(known)}; given: {self.problem.operator!r}.")
        if self.audit_tolerance is not None and not self.audit:
            raise ConfigError("task.audit_tolerance has no effect without task.audit; set it, as in task.audit=[dual].")
        if self.sparse and self.problem.operator != "jacobian":
            raise ConfigError(
                f"task.sparse=true is for problems whose operator is jacobian; {type(self.problem).__name__} has the "
                f"operator {self.problem.operator}."
            )

    def setup(self) -> None:
        """Import the packages that the differentiators of the audit need."""
        super().setup()
        for auditor in self._auditors().values():
            auditor.setup()

    def preflight(self) -> None:
        """Check that all differentiators, including those of the audit, offer the requested derivative."""
        for each in (self.differentiator, *self._auditors().values()):
            each.check_operator(self.problem.operator)

    def run(self) -> Steps:
        """Differentiate, and compare with the exact derivative.

        The answer has the ``point``, the derivative there as ``computed`` and ``exact`` (None if unknown), the
        ``function``, the ``differentiator`` and the ``problem``. If the differentiator assesses its results, the
        estimated error is a metric, and the cause of the largest error is a remark.
        """
        yield from ()
        point = self.problem.point()
        counted = Counted(self.problem.function)
        with assessments() as found, _checked_after_an_error(self.problem, point):
            prepared = self.differentiator.prepare(counted, point) if self.prepared else None
            computed = self._dense(self._operator(counted, prepared)(point), point)
        disagreements = self._disagreements(computed)
        exact = self.problem.exact()
        metrics = {
            **({} if exact is None else self._errors(computed, exact)),
            **({"estimated_error": max(each.error for each in found)} if found else {}),
            **({"audit_disagreement": max(disagreements.values())} if disagreements else {}),
            "function_evaluations": float(counted.calls),
            **self.differentiator.measures(self.problem.function, point),
        }
        answer = {"point": point, "computed": computed, "exact": exact}
        components = {"differentiator": self.differentiator, "problem": self.problem}
        return Result(
            metrics=metrics,
            artifacts={self._file: partial(_write, answer=answer), **self._code(point)},
            answer={**answer, "function": self.problem.function, **components},
            remarks={
                **_remarks(found, computed),
                **_verdict(disagreements),
                **_preparation(prepared),
                **({"computed": _text(computed)} if exact is None and np.size(computed) <= _SHOWN else {}),
            },
        )

    def _errors(self, computed: Any, exact: Any) -> Mapping[str, float]:
        """Return the errors of the computed derivative; if the shapes differ, the shape of `exact` is wrong."""
        expected = f"the {self.problem.operator}"
        truth = numbers_of_shape(f"{type(self.problem).__name__}.exact", expected, exact, np.shape(computed))
        return errors(computed, truth)

    def _code(self, point: Any) -> Mapping[str, Callable[[Path], None]]:
        """Return the source code of the derivative, if the differentiator generates it."""
        if not self.differentiator.writes_code:
            return {}
        text = self.differentiator.code(self.problem.function, point)
        return {"derivative.py": lambda path: path.write_text(text, encoding="utf-8") and None}

    def _auditors(self) -> Mapping[str, Differentiator]:
        """Return the differentiators of the audit, by name."""
        return {name: gradmix.differentiator(name) for name in self.audit}

    def _disagreements(self, computed: Any) -> Mapping[str, float]:
        """Return the difference between the computed derivative and that of each differentiator of the audit.

        Raises
        ------
        NumericalError
            If a difference exceeds the tolerance.
        """
        found = {}
        for name, auditor in self._auditors().items():
            with assessments():  # the difference itself measures the quality
                other = getattr(auditor, self.problem.operator)(self.problem.function, self.problem.point())
            found[name] = errors(other, computed)["derivative_error"]
            if self.audit_tolerance is not None and not found[name] <= self.audit_tolerance:
                raise NumericalError(
                    f"the derivatives of {type(self.differentiator).__name__} and {name} differ by {found[name]:.3g}, "
                    f"more than task.audit_tolerance={self.audit_tolerance:g} allows."
                )
        return found

    def draw(self, run: FinishedRun) -> Mapping[str, Writer]:
        """Draw the error of each entry, and the cost."""
        return {"derivative.png": partial(_draw, run=run)}

    def recall(self, artifacts: Path) -> Mapping[str, Any]:
        """Rebuild the answer from the saved derivative."""
        import json

        saved = json.loads((artifacts / self._file).read_text(encoding="utf-8"))
        computed = saved["computed"] if np.ndim(saved["computed"]) == 0 else np.array(saved["computed"])
        components = {"differentiator": self.differentiator, "problem": self.problem}
        given = {"point": self.problem.point(), "exact": self.problem.exact(), "function": self.problem.function}
        return {**given, "computed": computed, **components}

    @property
    def _file(self) -> str:
        return f"{self.problem.operator}.json"

    def timed(self) -> Timed:
        """Return the calls to time: the derivative and one evaluation of the function, each called as a user would."""
        function, point = self.problem.function, self.problem.point()
        operator = self._operator(function, self.differentiator.prepare(function, point) if self.prepared else None)
        with assessments() as found:
            operator(point)

        def assessed() -> None:
            with assessments():  # the run has already reported the quality of the result
                operator(point)

        return Timed(assessed if found else lambda: operator(point), lambda: function(point))

    def _operator(self, function: Callable[[Any], Any], prepared: Any) -> Callable[[Any], Any]:
        """Return the operator that the problem requests, applied to the function or to its prepared form."""
        name, options = self.problem.operator, {"sparse": True} if self.sparse else {}
        if prepared is None:
            return partial(getattr(self.differentiator, name), function, **options)
        operator: Callable[[Any], Any] = getattr(prepared, name)
        return partial(operator, **options) if options else operator

    def _dense(self, computed: Any, point: Any) -> Any:
        if not self.sparse:
            return computed
        return np.reshape(computed.toarray(), np.shape(self.problem.function(point)) + np.shape(point))


@contextmanager
def _checked_after_an_error(problem: Problem, point: Any) -> Iterator[None]:
    """If a differentiator refuses a problem, check its point and the value there; raise a PluginError that names them.

    The value is not checked before, since computing it may be expensive.
    """
    try:
        yield
    except GradmixError:
        _check_numbers(problem, "point", point, is_one=problem.operator == "derivative")
        _check_numbers(problem, "function", problem.function(point), is_one=problem.operator == "gradient")
        raise


def _check_numbers(problem: Problem, method: str, given: Any, is_one: bool) -> None:
    """Check what a method of a problem returned; `is_one` requires one number. Containers are not checked."""
    where = f"{type(problem).__name__}.{method}"
    if is_one:
        what = "point" if method == "point" else "value"
        numbers_of_shape(where, f"a {what} for a {problem.operator}", given, ())
    elif not isinstance(given, list | tuple | dict) and np.asarray(given).dtype.kind not in "biuf":
        raise PluginError(f"{where} must return real numbers; it returned {reprlib.repr(given)}.")


def _preparation(prepared: Any) -> Mapping[str, str]:
    """Return the reason why the preparation of the function was not used, if it was not."""
    reasons = {} if prepared is None else prepared.reasons
    return {"prepared": f"no: {'; '.join(reasons.values())}"} if reasons else {}


def _remarks(found: Sequence[Assessment], computed: Any) -> Mapping[str, str]:
    """Describe what limits a result: an unreliable part, else the part of largest error, or that it is not finite."""
    if not found:
        is_finite = np.isfinite(computed)
        count = f"{np.sum(~is_finite)} of {is_finite.size} entries are not finite"
        return {} if np.all(is_finite) else {"derivative": f"unreliable: {count}"}
    worst = max(found, key=lambda each: (not each.is_reliable, each.error))
    return {"derivative": worst.status if worst.is_reliable else f"unreliable: {worst.status}"}


def _text(computed: Any) -> str:
    """Write a small derivative in one line."""
    return " ".join(np.array2string(np.asarray(computed, dtype=float), precision=10, separator=", ").split())


def _verdict(disagreements: Mapping[str, float]) -> Mapping[str, str]:
    """Describe the result of the audit for each differentiator."""
    listed = ", ".join(f"{name} differs by {by:.3g}" for name, by in disagreements.items())
    return {"audit": listed} if listed else {}


def errors(computed: Any, exact: Any) -> Mapping[str, float]:
    """Return the error of a computed derivative, relative to max(|exact|, 1) and in units in the last place.

    Raises
    ------
    NumericalError
        If the shapes of the two differ.

    Examples
    --------
    >>> errors([3.0, 1.5], [3.0, 1.0])["derivative_error"]
    0.5
    """
    got, truth = np.asarray(computed, dtype=float), np.asarray(exact, dtype=float)
    if got.shape != truth.shape:
        raise NumericalError(f"the derivative has the shape {got.shape}, but the exact one has {truth.shape}.")
    difference = np.abs(got - truth)
    with np.errstate(over="ignore"):  # the unit in the last place of 0 is so small that the quotient overflows
        units = difference / np.spacing(np.abs(truth))
    return {
        "derivative_error": float(np.max(difference / np.maximum(np.abs(truth), 1), initial=0.0)),
        "derivative_error_ulp": float(np.max(units, initial=0.0)),
    }


def _draw(path: Path, run: FinishedRun) -> None:
    from gradmix_tasks.derivative_picture import draw_derivative

    draw_derivative(path, run)


def _write(path: Path, answer: Mapping[str, Any]) -> None:
    import json

    plain = {name: None if value is None else np.asarray(value).tolist() for name, value in answer.items()}
    path.write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")
