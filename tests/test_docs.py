"""What the README shows is what one sees: its commands are run, its output compared, its plugin installed."""

import dataclasses
import os
import re
import shlex
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from made_plugins import make_distribution

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(text):
    """Each command of the console blocks, with the output that is shown for it."""
    for block in re.findall(r"```console\n(.*?)```", text, flags=re.S):
        for shown in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, *output = shown.splitlines()
            yield command, output


YOURS = {"my.py", "wards.py", "central_difference.py"}
"""Files that a document has its reader write."""

TRACKED = ("README.md",)
"""Documents that show MLflow, too."""

GUIDES = (
    *TRACKED,
    *(
        "docs/check.md",
        "docs/compare.md",
        "docs/derivatives.md",
        "docs/events.md",
        "docs/plugins.md",
        "docs/reproduce.md",
        "docs/runs.md",
        "docs/solvers.md",
    ),
    *("docs/source.md", "docs/start.md", "docs/sweeps.md"),
)
"""Documents whose commands a reader may type from the first to the last."""


def make_editable(project, site):
    """Do as ``pip install -e`` does, without a download: metadata where Python finds them, code where it lies."""
    metadata = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    (points,) = metadata["entry-points"].values()
    made = make_distribution(site, metadata["name"], entry_points=points, version=metadata["version"])
    (made / f"{metadata['name'].replace('-', '_')}.py").unlink()  # the project has the code
    return [site, project]


def run_shown(command, path=()):
    """Run a command that a document shows, and return what it prints."""
    program, *words = ["gradmix", "run"] if command == "make run" else shlex.split(command)
    start = {"gradmix": ["-m", "gradmix"], "python": []}[program]
    places = os.pathsep.join([*map(str, path), *filter(None, [os.environ.get("PYTHONPATH")])])
    options = {"text": True, "env": {**os.environ, "COLUMNS": "100", "PYTHONPATH": places}}
    if words == ["ui"]:
        return first_line_of_dashboard([sys.executable, *start, *words], options)
    done = subprocess.run([sys.executable, *start, *words], capture_output=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def first_line_of_dashboard(command, options):
    """What `gradmix ui` prints before it serves until it is interrupted; a free port stands for the usual one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with subprocess.Popen([*command, "--port", port], stdout=subprocess.PIPE, **options) as process:
        line = process.stdout.readline()
        process.terminate()
    return line.replace(port, "5000")


def check_prints(command, shown, path=()):
    """Run a command, and check that it prints what is shown, in order; … stands for anything."""
    check_shown(shown, run_shown(command, path))


def check_shown(shown, output):
    """Check that an output has what is shown, in order."""
    printed = [line.rstrip() for line in output.splitlines()]
    position = 0
    for line in shown:
        if line == "…":
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in line.split("…")))
        position = next((i + 1 for i in range(position, len(printed)) if pattern.fullmatch(printed[i])), -1)
        assert position > 0, f"not printed, or not there: {line}\n" + "\n".join(printed)


@pytest.fixture
def without_store(empty_folder, monkeypatch):
    """A user whose own config file turns the tracking off: MLflow takes longer to load than most commands to run."""
    settings = empty_folder / "home" / "gradmix" / "config.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text("tracking:\n  uri: null\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(empty_folder / "home"))
    return empty_folder


@pytest.fixture
def reader(request, document):
    """The folder in which a reader types a document's commands, with the file that it has its reader write."""
    folder = request.getfixturevalue("folder_with_store" if document in TRACKED else "without_store")
    first, *_ = [*re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), flags=re.S), ""]
    (folder / "model.py").write_text(first, encoding="utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("document", GUIDES)
def test_a_document_prints_what_is_shown_from_its_first_command_to_its_last(document, reader, monkeypatch):
    path = []
    for command, shown in commands((ROOT / document).read_text(encoding="utf-8")):
        if command.startswith("cd "):
            monkeypatch.chdir(command.removeprefix("cd "))
        elif command == "pip install -e '.[test]'":
            path = make_editable(Path.cwd(), reader / "site")
        else:
            check_prints(command, [line for line in shown if line], path)


def test_no_document_with_commands_is_left_out():
    documents = {str(each.relative_to(ROOT)) for each in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}
    assert {each for each in documents if "```console" in (ROOT / each).read_text(encoding="utf-8")} == {*GUIDES}


def inline_runs():
    """Every `gradmix run …` in the sentences of README and documents, without those that have a placeholder."""
    found = {}
    for document in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for command in re.findall(r"`gradmix (run\b[^`\n]*)`", document.read_text(encoding="utf-8")):
            if not re.search(r"[A-Z]{3}|…|nearest_median|=mine", command):
                found.setdefault(command, document.name)
    return [pytest.param(command, id=f"{document} {command}") for command, document in found.items()]


@pytest.mark.parametrize("command", inline_runs())
def test_a_run_named_in_a_sentence_is_one_that_gradmix_accepts(command, without_store, capsys):
    from gradmix.cli.main import main

    words = shlex.split(command)
    asks = {"--help", "--cfg"} & {*words}
    assert main([*words, *([] if asks else ["--plan"] if "-m" in words else ["--cfg", "job"])]) == 0, (
        capsys.readouterr().err
    )


def test_algorithms_of_others_are_plugins_in_as_many_lines_as_said_and_keep_what_is_said(tmp_path):
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "plugins.md").read_text(), flags=re.S)
    wards, central = (next(block for block in shown if name in block) for name in ("from_sklearn", "from_jvp"))
    assert (len(wards.splitlines()), len(central.splitlines())) == (3, 5)
    (tmp_path / "wards.py").write_text(wards)
    (tmp_path / "central_difference.py").write_text(central)
    files = f"plugins.files=[{tmp_path / 'wards.py'},{tmp_path / 'central_difference.py'}]"
    assert " 0 failed" in run_shown(f"gradmix check central_difference '{files}'")
    assert "clusterer wards" in run_shown(f"gradmix plugins wards '{files}'")
    assert "dispersion" in run_shown(
        f"gradmix run clusterer=wards pictures=false tracking=none runs_dir={tmp_path} '{files}'"
    )


def test_the_guide_has_every_hook():
    from gradmix.registry.loading import SPECIFIED

    text = (ROOT / "docs" / "plugins.md").read_text()
    assert set(re.findall(r"`(gradmix_\w+)\(", text)) == SPECIFIED


def test_rules_added_by_a_hook_work_as_shown(monkeypatch):
    import types

    import numpy as np

    import gradmix

    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "plugins.md").read_text(), flags=re.S)
    package, names = types.ModuleType("my_package"), {}
    package.softplus = np.frompyfunc(lambda x: np.log1p(np.exp(x)), 1, 1)
    monkeypatch.setitem(sys.modules, "my_package", package)
    exec(next(block for block in blocks if "gradmix_rules" in block), names)  # our own guide
    (rule,) = names["gradmix_rules"]()
    plain = gradmix.differentiator("tape").gradient(lambda x: np.sum(np.log1p(np.exp(x))), [0.5, -2.0])
    np.testing.assert_allclose(gradmix.differentiator("tape").gradient(lambda x: np.sum(rule(x)), [0.5, -2.0]), plain)


def test_python_shown_works(without_store):
    import numpy as np

    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    names = {"X": np.random.default_rng(0).normal(size=(30, 2))}
    exec(block, names)  # our own README
    assert names["gmm"].predict_proba(names["X"]).shape == (30, 2)
    assert len(names["sweep"].runs) == 9
    np.testing.assert_array_equal(names["tape"].gradient(lambda x: x[0] * x[1] ** 2, [3.0, 2.0]), [4.0, 12.0])


def test_the_guide_to_derivatives_prints_what_is_shown(empty_folder, capsys):
    text = (ROOT / "docs" / "derivatives.md").read_text(encoding="utf-8")
    exec("\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.S)), {})  # our own guide
    (shown,) = re.findall(r"```text\n(.*?)```", text, flags=re.S)
    assert capsys.readouterr().out == shown


def test_the_guide_to_source_code_prints_what_is_shown(tmp_path, capsys, monkeypatch):
    text = (ROOT / "docs" / "source.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    (tmp_path / "shown_source.py").write_text("\n\n".join(blocks), encoding="utf-8")  # it must have a file
    monkeypatch.syspath_prepend(tmp_path)
    __import__("shown_source")
    (shown,) = re.findall(r"```text\n(.*?)```", text, flags=re.S)
    assert capsys.readouterr().out == shown


def test_events_and_metrics_of_ones_own_work_as_shown(tmp_path):
    from gradmix.config.build import Built
    from gradmix.config.chosen import Chosen
    from gradmix.config.spec import read_spec
    from gradmix.runs.runner import Order, execute

    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "events.md").read_text(encoding="utf-8"), flags=re.S)
    names = {"__name__": "shown"}
    exec(block, names)  # our own guide
    clusterer = {"name": "gmm", "n_components": 3, "random_state": 0}
    config = {"name": "x", "task": {"name": "cluster"}, "clusterer": clusterer, "dataset": {"name": "old_faithful"}}
    own = {
        kind: Chosen(kind, {name: Built(cls(), {}) for name, cls in classes.items()})
        for kind, classes in names["gradmix_components"]().items()
    }
    spec = dataclasses.replace(read_spec(config), events=own["events"], metrics=own["metric"])
    metrics = execute(Order(spec, tmp_path)).metrics
    assert -1121.0 <= metrics["log_likelihood"] < -1120.0
    assert metrics["converged"] == 0
    assert 0 < metrics["smallest_group"] <= 1 / 3


def test_the_guide_says_what_tasks_answer_with():
    from gradmix.contracts.events import HEARD, WITH_ANSWER
    from gradmix.registry.registry import registry

    text = " ".join((ROOT / "docs" / "events.md").read_text(encoding="utf-8").split())
    for name, verb in (("cluster", "The answer of `cluster` is"), ("differentiate", "that of `differentiate` is")):
        answers = registry().find("task", name).load().answers
        assert f"{verb} {', '.join(f'`{each}`' for each in answers)}" in text
    for method, heard in HEARD.items():
        offered = [*(f"`{each}`" for each in heard), *(["the task's answer"] if method in WITH_ANSWER else [])]
        assert f"| `{method}` | {', '.join(offered)} |" in text


def test_every_file_that_the_documents_name_is_there():
    for document in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        text = document.read_text(encoding="utf-8")
        for link in re.findall(r"\]\((?!https?:)([^)#]+)[#)]", text):
            assert (document.parent / link).exists(), f"{document.name}: {link}"
        places = [ROOT, ROOT / "framework", ROOT / "framework" / "gradmix", ROOT / "plugins"]
        for name in re.findall(r"`([\w/]+\.py)`", text):
            if name not in YOURS:
                found = [place for place in places if (place / name).exists()]
                assert found or any(ROOT.glob(f"plugins/*/{name}")), f"{document.name}: {name}"


def test_every_target_that_documents_and_ci_name_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w./-]+):(?!=)", makefile, flags=re.M)) | {".venv/.ready", ".venv/.large"}
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    runners = [ROOT / ".ci" / "run", ROOT / ".pre-commit-config.yaml", *(ROOT / ".github" / "workflows").glob("*.yml")]
    found = [each for file in documents for each in re.findall(r"`make ([^`]+)`", file.read_text(encoding="utf-8"))]
    for file in runners:
        found += re.findall(r"(?:: |then |^ *|if |\" )make ([\w./ -]+)", file.read_text(encoding="utf-8"), flags=re.M)
    named = {word for command in found for word in command.split() if re.fullmatch(r"[a-z.][a-z./_-]*", word)}
    assert {"docs", "fast", "lint", "release", "test", "test-oldest"} <= named
    assert not {each for each in named - targets if not (ROOT / each).exists()}
