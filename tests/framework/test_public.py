"""The public face: its names are there when they are used, and cost nothing before that."""

import subprocess
import sys

import pytest

import gradmix
from gradmix import public


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
    names = [name for name in vars(public) if not name.startswith("_")]
    assert set(names) == set(gradmix.__all__) <= set(dir(gradmix))
    assert all(getattr(gradmix, name) is getattr(public, name) for name in names)


@pytest.mark.parametrize("name", ["Clustererr", "__wrapped__", "annotations"])
def test_no_other_name_is_there(name):
    assert not hasattr(gradmix, name)
