"""The task ``solve``: apply a solver to the question of a problem, and measure error and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gradmix import (
    ConfigError,
    FinishedRun,
    InitialValue,
    Iteration,
    Meaning,
    Objective,
    PluginError,
    Problem,
    Question,
    Result,
    Solver,
    Steps,
    StopRun,
    Task,
    Timed,
    Writer,
    part,
)

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "solution.json"
_OTHERS = (
    Meaning("n_iter", None, "iterations", "number of iterations"),
    Meaning("converged", None, "", "whether it converged"),
)


@dataclass
class Solve(Task):
    """Solve a problem's question: equations, a minimum, least squares or an initial value problem.

    Parameters
    ----------
    solver
        The solver; its differentiator is one of its options.
    problem
        The problem.
    """

    answers: ClassVar[tuple[str, ...]] = ("found", "question", "solver", "problem")

    solver: Solver = part("newton")
    problem: Problem = part("broyden")

    def improves(self) -> Objective:
        """Return the objective: the residual."""
        return self.solver.objective

    def metrics(self) -> Sequence[Meaning]:
        """Describe the metrics that rank (error, objective, residual), then how the run ended, then the cost."""
        own = self.solver.metrics()
        ranking = [each for each in own if each.better and not each.is_cost]
        return (*ranking, *_OTHERS, *(each for each in own if each not in ranking))

    def preflight(self) -> None:
        """Check that the solver can solve the problem's kind of question."""
        self.solver.check_question(self._question())

    def timed(self) -> Timed:
        """Return the calls to time: all iterations, and one evaluation of the function."""
        question = self._question()
        return Timed(lambda: self.solver.exhaust(question), lambda: _evaluate(question))

    def run(self) -> Steps:
        """Yield every iteration, then measure the last one, even if the run is stopped early.

        The answer has the solution ``found``, arranged as the start is, the ``question``, the ``solver`` and the
        ``problem``.
        """
        question = self._question()
        last: Iteration[Any] | None = None
        for last in self.solver.iterations(question):
            try:
                yield last
            except StopRun:
                break
        assert last is not None  # a solver that yields no iteration raises an error earlier
        found = question.arranged(last.estimate)
        return Result(
            metrics={"n_iter": float(last.step), "converged": float(last.converged), **last.metrics},
            artifacts={_FILE: partial(_write, found=found, question=question, converged=last.converged)},
            answer=self._answer(found, question),
            remarks={} if last.converged else {"solution": "not found: the solver stopped before it converged"},
        )

    def recall(self, artifacts: Path) -> Mapping[str, Any]:
        """Rebuild the answer from the saved solution."""
        import json

        saved = json.loads((artifacts / _FILE).read_text(encoding="utf-8"))["found"]
        found = saved if np.ndim(saved) == 0 else np.array(saved, dtype=float)
        return self._answer(found, self._question())

    def draw(self, run: FinishedRun) -> Mapping[str, Writer]:
        """Draw error and residual by iteration, or the steps in time."""
        return {"solve.png": partial(_draw, run=run, in_time=isinstance(self._question(), InitialValue))}

    def _answer(self, found: Any, question: Question) -> Mapping[str, Any]:
        return {"found": found, "question": question, "solver": self.solver, "problem": self.problem}

    def _question(self) -> Question:
        question = self.problem.question()
        if question is None:
            raise ConfigError(
                f"the problem {type(self.problem).__name__} poses no question to a solver; it is for "
                "task=differentiate. docs/solvers.md lists the problems that pose one; for problem=python, set "
                "problem.asks."
            )
        if not isinstance(question, Question):
            raise PluginError(
                f"{type(self.problem).__name__}.question must return a gradmix.Question, such as gradmix.Equations, or "
                f"None; it returned {question!r}."
            )
        return question


def _evaluate(question: Question) -> Any:
    if isinstance(question, InitialValue):
        return question.slopes(question.begin, question.first)
    return question.evaluated(question.first)


def _write(path: Path, found: Any, question: Question, converged: bool) -> None:
    import json

    solution = None if question.solution is None else np.asarray(question.solution).tolist()
    record = {"asks_for": question.asks_for, "found": np.asarray(found).tolist(), "solution": solution}
    path.write_text(json.dumps({**record, "converged": converged}, indent=2) + "\n", encoding="utf-8")


def _draw(path: Path, run: FinishedRun, in_time: bool) -> None:
    from gradmix_tasks.solve_picture import draw_convergence, draw_steps

    (draw_steps if in_time else draw_convergence)(path, run)
