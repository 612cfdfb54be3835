"""The problem ``python``: a function of the user's own file."""

from pathlib import Path

import gradmix


def value_at_3(path="mine.py:f"):
    return gradmix.problem("python", path=path, x=3.0).function(3.0)


def test_a_file_that_has_changed_is_read_again(empty_folder):
    Path("mine.py").write_text("def f(x):\n    return x * x\n")
    assert value_at_3() == 9.0
    Path("mine.py").write_text("def f(x):\n    return x * x + 1.0\n")
    assert value_at_3() == 10.0


def test_the_same_name_in_another_folder_is_another_file(empty_folder, monkeypatch):
    for number in (1.0, 2.0):
        folder = empty_folder / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        Path("mine.py").write_text(f"def f(x):\n    return x + {number}\n")
        assert value_at_3() == 3.0 + number
