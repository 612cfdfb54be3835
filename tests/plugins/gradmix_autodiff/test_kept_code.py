"""Emitted code that is kept in files: the next process finds its machine code, and folders do not grow forever."""

import os
import subprocess
import sys

import pytest

from gradmix_autodiff import kept_code

PROGRAM = (
    "import model, gradmix, numpy as np; from numba.core import event\n"
    "with event.install_recorder('numba:compile') as recorder:\n"
    "    prepared = gradmix.differentiator('tape').prepare(model.f, np.linspace(0.1, 1.0, 20))\n"
    "    gradient = prepared.gradient(np.linspace(0.2, 1.0, 20))\n"
    "assert not prepared.reasons, prepared.reasons\n"
    "print(gradient.tobytes().hex(), len(recorder.buffer))\n"
)


def two_processes(folder, cache):
    (folder / "model.py").write_text(
        "import numpy as np\n\n\ndef f(x):\n    return np.sum((x[1:] - x[:-1] ** 2) ** 2 * x[1:])\n"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    return [
        subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, cwd=folder, env=environment, check=True
        ).stdout.split()
        for _ in range(2)
    ]


@pytest.mark.processes
def test_the_next_process_finds_the_machine_code_of_a_prepared_function(tmp_path):
    first, second = two_processes(tmp_path, tmp_path / "cache")
    assert first[0] == second[0]
    assert int(first[1]) > 0
    assert int(second[1]) == 0


@pytest.mark.processes
def test_without_a_cache_folder_it_is_compiled_each_time(tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    first, second = two_processes(tmp_path, tmp_path / "cache")
    assert first[0] == second[0]
    assert int(second[1]) > 0


def test_what_was_not_used_for_longest_is_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kept_code, "MOST_FILES", 4)
    made = [kept_code.kept_module(f"VALUE = {i}\n", "tried") for i in range(4)]
    files = [tmp_path / "gradmix" / "tried" / f"{module.__name__.removeprefix('gradmix_')}.py" for module in made]
    for used, file in enumerate(files):
        os.utime(file, (1000.0 + used, file.stat().st_mtime))
    changed = files[0].stat().st_mtime_ns
    assert kept_code.kept_module("VALUE = 0\n", "tried").VALUE == 0  # used again
    assert files[0].stat().st_mtime_ns == changed
    assert kept_code.kept_module("VALUE = 4\n", "tried").VALUE == 4
    assert [file.exists() for file in files] == [True, False, False, True]


def test_a_file_that_was_changed_is_written_again(tmp_path, monkeypatch):
    """What runs is what was emitted, not what the file holds."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = kept_code.kept_module("CHANGED = 1\n", "tried")
    file = next((tmp_path / "gradmix" / "tried").glob("*.py"))
    file.write_text("CHANGED = 2\n")
    monkeypatch.delitem(sys.modules, made.__name__)
    assert kept_code.kept_module("CHANGED = 1\n", "tried").CHANGED == 1
