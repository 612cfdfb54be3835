"""Checks as tests of pytest: three lines in a file, or no file at all."""

import os
import subprocess
import sys

import pytest

from conftest import HANGS

pytestmark = pytest.mark.processes

THREE_LINES = """\
from gradmix.testing import conformance_tests

test_my_plugin = conformance_tests("problem", "cubic", x=2.0)
"""
WRONG = """\
from wrong_plugins.others import NearlyExact
from gradmix.testing import conformance_tests

test_my_plugin = conformance_tests("problem", NearlyExact)
"""


def run_pytest(folder, *arguments):
    clean = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), "-v", *arguments]
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=HANGS)


def test_three_lines_are_a_test_file(tmp_path):
    (tmp_path / "test_mine.py").write_text(THREE_LINES)
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "test_mine.py::test_my_plugin[exact_is_right] PASSED" in done.stdout
    assert " failed" not in done.stdout


def test_a_failure_is_told_without_a_traceback_and_what_is_not_applicable_is_skipped(tmp_path):
    (tmp_path / "test_mine.py").write_text(WRONG)
    done = run_pytest(tmp_path, "-rsf")
    assert done.returncode == 1
    assert "FAILED test_mine.py::test_my_plugin[exact_is_right]" in done.stdout
    assert "to see it in Python:" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(("name", "code"), [("heron", 0), ("wrong_plugins.others:NearlyExact", 1)])
def test_the_plugin_of_pytest_checks_by_name(tmp_path, name, code):
    done = run_pytest(tmp_path, "-p", "gradmix.testing.pytest_plugin", "--gradmix-check", name)
    assert done.returncode == code, done.stdout + done.stderr
    assert "exact_is_right" in done.stdout
    assert "function_is_repeatable PASSED" in done.stdout.replace("  ", " ")
