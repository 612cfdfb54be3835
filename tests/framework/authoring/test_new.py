"""Plugins that `gradmix new` writes: short, found, run, checked; and what it refuses to write."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib

import pytest

from gradmix.authoring.project import TEMPLATES, New, write
from gradmix.cli.main import main
from gradmix.contracts.errors import ConfigError, StorageError, UnknownNameError
from gradmix.registry.kinds import KINDS as CONTRACTS
from made_plugins import make_distribution

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("new")]

MOST_LINES = 15


def lines_of_code(source):
    """Lines that are neither blank, nor imports, nor docstrings."""
    tree = ast.parse(source)
    left_out = set()
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)
        if is_text or isinstance(node, ast.Import | ast.ImportFrom):
            left_out.update(range(node.lineno, node.end_lineno + 1))
    return [line for number, line in enumerate(source.splitlines(), 1) if line.strip() and number not in left_out]


def made_name(kind):
    return f"made_{kind}"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the plugins of all kinds, laid out as pip leaves them."""
    folder = tmp_path_factory.mktemp("installed")
    for kind in TEMPLATES:
        project = New(kind, made_name(kind)).project()
        metadata = tomllib.loads(project["pyproject.toml"])["project"]
        (points,) = metadata["entry-points"].values()
        source = project[f"{made_name(kind)}.py"]
        make_distribution(folder, made_name(kind).replace("_", "-"), source=source, entry_points=points)
    return folder


def test_a_project_requires_no_commit_of_a_checkout(monkeypatch):
    monkeypatch.setattr("gradmix.authoring.project.version", lambda name: "0.3.0.dev5+g1234567.d20260101")
    metadata = tomllib.loads(New("metric", "evenness").project()["pyproject.toml"])["project"]
    assert metadata["dependencies"] == ["gradmix>=0.3.0.dev5"]


@pytest.fixture
def gradmix(installed, tmp_path):
    """The command, with these plugins, in an empty folder."""

    def run(*arguments, code=0):
        path = os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, "COLUMNS": "120"},
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return run


def test_every_kind_of_component_has_a_template():
    assert set(TEMPLATES) == set(CONTRACTS)


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_plugin_is_short_and_its_test_three_lines(kind):
    project = New(kind, made_name(kind)).project()
    assert 5 < len(lines_of_code(project[f"{made_name(kind)}.py"])) <= MOST_LINES
    assert len(project[f"test_{made_name(kind)}.py"].splitlines()) == 3


def test_lines_of_code_are_counted():
    assert (
        len(
            lines_of_code(
                '"""Text."""\n\nimport os\n\nx = 1\n\n\ndef f():\n    """More\n\n    text."""\n    return x\n'
            )
        )
        == 3
    )


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_plugin_is_listed_runs_and_passes_its_checks(kind, gradmix, tmp_path):
    new = New(kind, made_name(kind))
    assert f"gradmix run {new.run}\n" in gradmix("-m", "gradmix", "plugins", new.name)
    printed = gradmix("-m", "gradmix", "run", *new.run.split(), "tracking=none", "pictures=false")
    (journal,) = tmp_path.rglob("journal.jsonl")
    computed = json.dumps(json.loads(journal.read_text(encoding="utf-8").partition("\n")[0])["config"])
    assert new.name in printed or new.name in computed
    assert " 0 failed" in gradmix("-m", "gradmix", "check", new.name)


def test_the_task_gets_better_step_by_step(gradmix):
    out = gradmix("-m", "gradmix", "run", "task=made_task", "task.steps=3", "tracking=none", "pictures=false")
    steps = re.findall(r"^iteration +(\d) +value ([\d.]+)", out, flags=re.M)
    assert [step for step, _ in steps] == ["1", "2", "3"]
    assert [value for _, value in steps] == sorted((value for _, value in steps), reverse=True)


@pytest.mark.parametrize("kind", ["problem", "dataset"])
def test_the_tests_of_a_project_pass(kind, gradmix, tmp_path):
    new = New(kind, made_name(kind))
    write({name: text for name, text in new.project().items() if name.startswith("test_")}, tmp_path)
    assert "passed" in gradmix("-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path))


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_file_works_without_packaging(kind, gradmix, tmp_path):
    new = New(kind, "one_file_2")
    write(new.source(), tmp_path)
    assert kind in gradmix("-m", "gradmix", "plugins", "one_file_2", "plugins.files=[one_file_2.py]")


def test_a_project_says_what_it_needs_and_is_imported_only_when_used():
    project = tomllib.loads(New("metric", "evenness").project()["pyproject.toml"])["project"]
    assert project["name"] == "gradmix-evenness"
    assert project["entry-points"] == {"gradmix": {"metric.evenness": "evenness:Evenness"}}
    (needed,) = project["dependencies"]
    assert needed.startswith("gradmix>=")


def test_what_is_printed_can_be_typed(empty_folder, capsys):
    assert main(["new", "dataset", "moons", "--folder", "my moons"]) == 0
    printed = capsys.readouterr().out
    assert "  cd 'my moons'\n  pip install -e '.[test]'\n" in printed
    assert "  gradmix check moons\n" in printed
    assert {path.name for path in (empty_folder / "my moons").iterdir()} == set(New("dataset", "moons").project())
    assert main(["new", "dataset", "moons", "--file"]) == 0
    assert "  gradmix run dataset=moons 'plugins.files=[moons.py]'\n" in capsys.readouterr().out
    assert (empty_folder / "moons.py").read_text() == New("dataset", "moons").source()["moons.py"]


def test_without_a_kind_all_kinds_are_told(capsys):
    assert main(["new"]) == 0
    printed = capsys.readouterr().out
    for kind, about in TEMPLATES.items():
        assert kind in printed
        assert about.what in printed


REFUSED = {
    "k medians": "Did you mean k_medians?",
    "k-medians": "Did you mean k_medians?",
    "KMedians": "Did you mean k_medians?",
    "2means": "Did you mean means?",
    "": "cannot be a name",
    "../up": "Did you mean up?",
    "class": "a keyword of Python",
    "null": "read as a value",
    "statistics": "a module of Python's standard library",
    "pluggy": "the name of an installed module",
    "dataset": "the name of a config group",
    "kmeans": "is taken: gradmix",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_cannot_be_is_refused_with_one_that_can(name):
    with pytest.raises(ConfigError) as refusal:
        New("clusterer", name)
    assert REFUSED[name] in str(refusal.value)


def test_a_metric_is_not_called_as_one_of_the_tasks():
    with pytest.raises(ConfigError, match="the name of a metric of gradmix or of a task"):
        New("metric", "bic")
    assert New("dataset", "bic").name == "bic"


def test_an_unknown_kind_is_refused_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"Did you mean dataset\?"):
        New("datasets", "moons")


def test_kind_and_name_the_wrong_way_round_are_told():
    with pytest.raises(UnknownNameError, match="gradmix new clusterer nearest"):
        New("nearest", "clusterer")


def test_a_name_of_another_kind_is_checked_by_its_kind():
    assert New("dataset", "gmm").check == "gmm --kind dataset"
    assert "gradmix check gmm --kind dataset" in New("dataset", "gmm").project()["README.md"]
    assert New("dataset", "moons").check == "moons"


def test_nothing_is_overwritten(empty_folder, capsys):
    assert main(["new", "dataset", "moons"]) == 0
    before = {path: path.read_text() for path in (empty_folder / "moons").iterdir()}
    assert main(["new", "dataset", "moons"]) == 2
    assert "moons already exists" in capsys.readouterr().err
    assert {path: path.read_text() for path in (empty_folder / "moons").iterdir()} == before
    (empty_folder / "kept.py").write_text("x = 1\n")
    assert main(["new", "dataset", "kept", "--file"]) == 2
    assert (empty_folder / "kept.py").read_text() == "x = 1\n"


def test_a_folder_that_cannot_be_written_is_named(empty_folder):
    (empty_folder / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot write .*file"):
        write({"a.py": ""}, empty_folder / "file" / "folder")
