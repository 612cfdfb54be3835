"""Only regular files are opened: anything else may never end."""

import os

import pytest

import gradmix
from gradmix.config.build import build
from gradmix.contracts.files import regular_file


def test_a_file_is_taken_also_through_a_link(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    assert regular_file(tmp_path / "link") == tmp_path / "link"


@pytest.mark.parametrize(("make", "kind"), [(os.mkfifo, "a FIFO"), (os.mkdir, "a folder")])
def test_what_else_there_is_is_named(tmp_path, make, kind):
    make(tmp_path / "it")
    with pytest.raises(OSError, match=f"It is {kind}"):
        regular_file(tmp_path / "it")


def test_a_device_is_refused():
    with pytest.raises(OSError, match="It is a device"):
        regular_file("/dev/zero")


def test_nothing_is_told_as_where_a_file_is_opened(tmp_path):
    with pytest.raises(FileNotFoundError):
        regular_file(tmp_path / "none")


def test_models_and_problems_are_not_read_from_a_fifo(tmp_path):
    os.mkfifo(tmp_path / "model.json")
    with pytest.raises(gradmix.StorageError, match="a FIFO"):
        gradmix.read_model(tmp_path / "model.json")
    os.mkfifo(tmp_path / "mine.py")
    problem = build("problem", {"name": "python", "path": f"{tmp_path / 'mine.py'}:f"}).component
    with pytest.raises(gradmix.ConfigError, match="a FIFO"):
        problem.content()
