"""``gradmix derive``: what it prints, and its exit codes."""

import subprocess
import sys

import pytest

from gradmix.cli.main import main

pytestmark = pytest.mark.processes

USER = """\
import numpy as np


def newton(p):
    x = p[0]
    while abs(x * x - p[1]) > 1e-12:
        x = 0.5 * (x + p[1] / x)
    return x


def filled(x):
    a = np.zeros(4)
    a[:2] = x[:2] ** 2
    return np.sum(a * a)


def cube(x):
    return x**3


def of_matrices(x):
    return np.sum(x @ x.T)


def growing(x):
    found = []
    for each in x:
        found.append(each)
    return sum(found)
"""


@pytest.fixture
def user_file(empty_folder):
    file = empty_folder / f"{empty_folder.name.replace('-', '_')}_user.py"  # a module has one file in a process
    file.write_text(USER, encoding="utf-8")
    return file


def test_the_printed_code_runs_in_another_interpreter(capsys, user_file):
    assert main(["derive", f"{user_file.name}:filled"]) == 0
    (user_file.parent / "derived.py").write_text(capsys.readouterr().out, encoding="utf-8")
    asked = "import derived, numpy; print(derived.filled_bar(numpy.array([1.0, 2.0]))[1].tolist())"
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, cwd=user_file.parent, check=True
    )
    assert done.stdout == "[4.0, 32.0]\n"


def test_a_comment_ties_lines_to_their_origin(capsys, user_file):
    assert main(["derive", f"{user_file.name}:newton"]) == 0
    out = capsys.readouterr().out
    assert "# 6: while abs(x * x - p[1]) > 1e-12:\n" in out
    assert "# 7: x = 0.5 * (x + p[1] / x)\n" in out
    assert "def newton_bar(p, y_bar=1.0):" in out


def test_a_function_of_a_number_is_derived_forward(capsys, user_file):
    assert main(["derive", f"{user_file.name}:cube"]) == 0
    assert "w1_dot = x_dot * (3 * x ** 2)" in capsys.readouterr().out
    assert main(["derive", f"{user_file.name}:cube", "--mode", "reverse"]) == 0
    assert "x_bar = w1_bar * (3 * x ** 2)" in capsys.readouterr().out


def test_side_by_side(capsys, user_file):
    assert main(["derive", f"{user_file.name}:cube", "--side-by-side"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "18  return x**3 |     w1 = x ** 3"
    assert len({line.index("|") for line in lines}) == 1


def test_a_point_says_what_the_function_takes(capsys, user_file):
    assert main(["derive", f"{user_file.name}:of_matrices", "--at", "[[1.0, 2.0], [3.0, 4.0]]"]) == 0
    assert "x_bar" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["cub"], "Did you mean cube?"),
        (["growing"], "user.py, line 29: a list that grows"),
        (["cube", "--mode", "sideways"], "mode"),
        (["cube", "--differentiator", "tape"], "mode"),
    ],
)
def test_what_is_wrong_is_said(capsys, user_file, arguments, says):
    name, *options = arguments
    assert main(["derive", f"{user_file.name}:{name}", *options]) == 2
    assert says in capsys.readouterr().err
