"""``gradmix check`` in the terminal: what it shows, and its exit codes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gradmix.cli.main import main

pytestmark = pytest.mark.processes

WRONG = '''\
from dataclasses import dataclass
import gradmix


@dataclass
class Square(gradmix.Problem):
    """The square of x."""

    x: float = 3.0
    operator = "derivative"

    def function(self, x):
        return x * x

    def point(self):
        return self.x

    def exact(self):
        return self.x
'''


def test_a_component_that_keeps_its_contract(capsys, empty_folder):
    assert main(["check", "polynomial", "x=0.5"]) == 0
    out = capsys.readouterr().out
    assert "problem polynomial x=0.5" in out
    assert "passed  exact_is_right" in out
    assert " 0 failed" in out
    assert not list(empty_folder.iterdir())


def test_a_class_of_a_file_that_breaks_its_contract(capsys, empty_folder):
    Path("square.py").write_text(WRONG)
    assert main(["check", "square.py:Square"]) == 1
    out = capsys.readouterr().out
    assert "failed  exact_is_right" in out
    assert "failed  documents_every_option" in out
    assert "6.0, by differences in 60 digits" in out
    assert "run_check('exact_is_right', 'problem', 'square.py:Square')" in out


def test_a_class_in_a_file_is_called_by_its_place(capsys, empty_folder):
    Path("plain.py").write_text("import gradmix\nclass Plain(gradmix.Metric):\n    measure = None\n")
    assert main(["check", "plain.py:Plain"]) == 2
    assert capsys.readouterr().err.startswith("gradmix check: metric 'Plain' of plain.py:Plain cannot be used")


def test_one_mistake_is_shown_once(capsys, empty_folder):
    Path("tired.py").write_text(WRONG.replace("return x * x", 'raise RuntimeError("not today")'))
    assert main(["check", "tired.py:Square"]) == 1
    out = capsys.readouterr().out
    assert out.count("  failed  ") > 3
    assert (
        len(re.findall(r"found     Square\.function raised RuntimeError: not today \(tired\.py, line \d+\)", out)) == 1
    )
    assert re.search(r"also      in \d+ other checks", out)


def test_the_report_as_json(capsys, empty_folder):
    assert main(["check", "cubic", "--only", "exact_is_right", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["kind"], report["name"], report["passed"], report["failed"]) == ("problem", "cubic", 1, 0)
    assert report["checks"][0]["check"] == "exact_is_right"


@pytest.mark.parametrize("what", [["cubic"], ["problem"]])
def test_checks_are_listed_with_their_promises(what, capsys):
    assert main(["check", *what, "--list"]) == 0
    assert "exact_is_right  `exact` is the derivative of the function" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["gmmm"], "Did you mean gmm?"),
        (["gmm", "n_components=0"], "clusterer.n_components must be an integer > 0"),
        (["gmm", "n_components"], "options must be written name=value"),
        (["gmm", "--kind", "problem"], "unknown problem 'gmm'"),
        (["gmm", "--only", "find_known_groups"], "Did you mean finds_known_groups?"),
        (["python"], "problem.path must be given"),
        (["nowhere.py:Thing"], "nowhere.py:Thing cannot be imported"),
    ],
)
def test_what_cannot_be_checked_is_told(arguments, complaint, capsys):
    assert main(["check", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_help_loads_nothing_heavy():
    code = "import sys; from gradmix.cli.main import main\ntry: main(['check', '--help'])\nexcept SystemExit: pass\n"
    ask = "print(sorted({'scipy', 'hypothesis', 'mlflow', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code + ask], capture_output=True, text=True, check=True)
    assert "--only" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
