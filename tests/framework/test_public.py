"""The public face: its names are there when they are used, and cost nothing before that."""

import subprocess
import sys

import pytest

import gradmix
from gradmix import notebook, public

COMMANDS = {
    *("compare", "read_run", "read_runs", "reproduce", "run", "sweep"),
    *("Comparison", "ReproducedRun", "RunResult", "SweepResult"),
}


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.processes
def test_the_package_alone_loads_none_of_its_parts():
    loaded = run(
        "import sys, gradmix; print(*(name for name in sys.modules if name.startswith(('gradmix.', 'numpy'))))"
    )
    assert loaded == []


@pytest.mark.processes
def test_a_name_is_imported_when_it_is_used():
    assert run("import gradmix; print(gradmix.Clusterer.__module__)") == ["gradmix.contracts.clusterer"]
    assert run("from gradmix import *; print(hookimpl.project_name)") == ["gradmix"]


def test_every_public_name_is_listed_and_there():
    names = {name: each for name, each in vars(public).items() if not name.startswith("_")}
    commands = {name: getattr(notebook, name) for name in COMMANDS}
    assert {*names, *commands} == set(gradmix.__all__) <= set(dir(gradmix))
    assert all(getattr(gradmix, name) is each for name, each in {**names, **commands}.items())


@pytest.mark.processes
def test_what_plugins_use_does_not_load_the_commands():
    (loaded,) = run("import sys, gradmix; gradmix.Clusterer; print('gradmix.notebook' in sys.modules)")
    assert loaded == "False"


@pytest.mark.parametrize("name", ["Clustererr", "__wrapped__", "annotations"])
def test_no_other_name_is_there(name):
    assert not hasattr(gradmix, name)
