"""The task ``solve``: what a run of it journals, refuses and draws."""

import json

import pytest

from conftest import journals

QUIET = ("tracking=none",)


def test_a_run_has_errors_counts_a_solution_and_a_picture(gradmix_command, empty_folder):
    out, _ = gradmix_command("run", "task=solve", "problem=kepler", "solver.differentiator=tape", *QUIET)
    assert "converged" in out
    (events,) = journals()
    metrics = [event["metrics"] for event in events if event["event"] == "iteration"]
    assert [each["derivative_evaluations"] for each in metrics] == [*range(2, len(metrics) + 2)]
    assert metrics[-1]["error"] < 1e-15 < metrics[0]["error"]
    (folder,) = (empty_folder / "runs" / "solve").glob("*kepler")
    saved = json.loads((folder / "artifacts" / "solution.json").read_text())
    assert saved["found"] == pytest.approx(saved["solution"], abs=1e-15)
    assert saved["converged"]
    before = (folder / "artifacts" / "solve.png").read_bytes()
    assert before.startswith(b"\x89PNG")
    gradmix_command("show", str(folder), "--picture")


def test_a_solver_that_was_cut_off_says_so(gradmix_command, empty_folder):
    out, _ = gradmix_command("run", "task=solve", "problem=rosenbrock", "solver.max_iter=3", *QUIET)
    assert "not found: the solver stopped before it converged" in out
    assert "converged               no" in out
    assert "n_iter                  3" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("solver=gauss_newton", "problem=rosenbrock,broyden"), "the problem asks for a minimum."),
        (("solver=newton", "problem=lecture,broyden"), "the problem Lecture poses no question to a solver"),
        (
            ("solver=scipy_optimize", "solver.method=lm,BGFS", "problem=broyden"),
            "solver.method must be one of CG, BFGS",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_when_a_sweep_is_planned(gradmix_command, empty_folder, arguments, said):
    _, err = gradmix_command("run", "-m", "task=solve", *arguments, *QUIET, code=2)
    assert said in err
    assert not journals()


def test_solvers_are_ranked_within_each_problem(gradmix_command, empty_folder):
    gradmix_command(
        *("run", "-m", "task=solve", "solver=newton,levenberg_marquardt", "problem=exponential_fit,broyden"),
        *("pictures=false", *QUIET),
    )
    out, _ = gradmix_command("compare", "solve")
    assert "newton is best, or level with the best, on 2 of 2 problems, by error (lower is better)." in out


def test_a_function_of_ones_own_is_solved_as_it_asks(gradmix_command, empty_folder):
    (empty_folder / "mine.py").write_text("def f(x):\n    return x * x - 9.0\n")
    arguments = ("run", "task=solve", "problem=python", "problem.path=mine.py:f", "problem.x=1.0", *QUIET)
    _, err = gradmix_command(*arguments, code=1)
    assert "problem.asks" in err
    out, _ = gradmix_command(*arguments, "problem.asks=equations", "problem.solution=3.0")
    assert "error" in out
    assert "converged               yes" in out
