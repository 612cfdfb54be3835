"""Config files from a stranger: what would call, import or read the environment is refused; ordinary files pass."""

import os
import sys
from contextlib import suppress
from pathlib import Path

import cloudpickle
import pytest
from hydra.types import RunMode
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from conftest import journals
from gradmix import ConfigError
from gradmix.cli.main import main
from gradmix.config.checked_files import CheckedFiles
from gradmix.config.composer import composing
from gradmix.config.files import config_folder, read_config
from gradmix.config.guard import check_file
from gradmix.config.source import Request

SECRET = "open-sesame-4711"

EVIL = """
from pathlib import Path

Path("pwned").touch()


def f(x=1.0, **options):
    Path("pwned").touch()
    return x * x
"""

GLOBAL = "# @package _global_\n"


@pytest.fixture
def stranger(empty_folder, monkeypatch):
    """A folder of configs to be written to; beside it modules that leave a trace as soon as they are imported."""
    (empty_folder / "evil.py").write_text(EVIL)
    (empty_folder / "evil_package").mkdir()
    (empty_folder / "evil_package" / "__init__.py").write_text(EVIL)
    monkeypatch.syspath_prepend(empty_folder)
    monkeypatch.setenv("PYTHONPATH", f"{empty_folder}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("STRANGERS_AIM", SECRET)
    yield empty_folder / "stranger"
    for name in ("evil", "evil_package"):
        sys.modules.pop(name, None)


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def compose(folder, *overrides, config_name="config"):
    """Compose with a folder of configs besides gradmix's own; nothing is run."""
    with composing(Request(overrides, config_dir=str(folder), config_name=config_name)) as composer:
        return composer.compose()


def traces(*outputs):
    """What an attack that came through has left."""
    found = [path for path in Path().rglob("*") if path.name == "pwned" or SECRET in str(path)]
    return found + [output for output in outputs if SECRET in output]


def experiment(body):
    return {"experiment/x.yaml": GLOBAL + body}


def launcher(body, choice="submitit_slurm"):
    return experiment(f"defaults: [{{override /hydra/launcher: {choice}}}]\nhydra: {{launcher: {body}}}")


X = "experiment=x"
IN_PROCESS = "hydra/launcher=basic"
LOGGING = "version: 1\nhandlers: {h: {class: subprocess.Popen}}\n"

ATTACKS = {
    "a target": (experiment("hydra: {sweeper: {params: {x: {_target_: evil.f}}}}"), X, "_target_"),
    "a factory of logging's": (
        {"hydra/job_logging/l.yaml": "handlers: {h: {'()': evil.f}}"},
        "hydra/job_logging=l",
        "()",
    ),
    "an option of Hydra's": (experiment("hydra: {job: {env_set: {A: b}}}"), X, "hydra.job.env_set.A"),
    "an option of Hydra's that copies another": (experiment("m: {}\nhydra: {callbacks: '${m}'}"), X, "hydra.callbacks"),
    "a group of Hydra's": ({"hydra/job_logging/l.yaml": LOGGING}, "hydra/job_logging=l", "hydra.job_logging"),
    "Hydra's config itself": (
        {"hydra/config.yaml": "callbacks: {c: 1}", **experiment("defaults: [/hydra/config]")},
        X,
        "defaults",
    ),
    "a place by a header": ({"experiment/x.yaml": "# @package hydra.job_logging\n" + LOGGING}, X, "@package"),
    "a place by a header in a group of Hydra's": (
        {"hydra/launcher/two.yaml": "# @package _group_.x\nn_jobs: 2"},
        "hydra/launcher=two",
        "@package",
    ),
    "a place by a defaults list": (
        {"mine/l.yaml": LOGGING, **experiment("defaults: [{/mine@hydra.job_logging: l}]")},
        X,
        "defaults",
    ),
    "a place by a defaults list, as one string": (
        {"mine/l.yaml": LOGGING, **experiment("defaults: ['/mine/l@hydra.job_logging']")},
        X,
        "defaults",
    ),
    "a place by a parent in a group of Hydra's": (
        {"mine/l.yaml": "pre_dispatch: evil", "hydra/launcher/two.yaml": "defaults: [/mine: l]"},
        "hydra/launcher=two",
        "defaults",
    ),
    "a launcher that rents machines": (
        experiment("defaults: [{override /hydra/launcher: ray_aws}]"),
        X,
        "hydra/launcher=ray_aws",
    ),
    "a launcher by an interpolation": (
        experiment("mine: ray_aws\ndefaults: [{override /hydra/launcher: '${mine}'}]"),
        X,
        "hydra/launcher",
    ),
    "a sweeper that checks nothing": (
        experiment("defaults: [{override /hydra/sweeper: basic}]"),
        X,
        "hydra/sweeper=basic",
    ),
    "another group of Hydra's": (
        experiment("defaults: [{override /hydra/job_logging: default}]"),
        X,
        "hydra/job_logging",
    ),
    "commands for a cluster": (launcher("{setup: ['touch pwned']}"), X, "hydra.launcher.setup"),
    "words for a cluster": (launcher("{partition: 'a; touch pwned'}"), X, "hydra.launcher.partition"),
    "another Python for a cluster": (launcher("{python: evil.py}"), X, "hydra.launcher.python"),
    "an environment for Ray": (
        launcher("{ray: {init: {runtime_env: {worker_process_setup_hook: evil.f}}}}", "ray"),
        X,
        "hydra.launcher.ray.init.runtime_env",
    ),
    "a string that joblib evaluates": (
        launcher("{pre_dispatch: '9**9**9'}", "joblib"),
        X,
        "hydra.launcher.pre_dispatch",
    ),
    "a folder for Hydra": (experiment("hydra: {run: {dir: /tmp/pwned}}"), X, "hydra.run.dir"),
    "a folder for Hydra's sweeps": (experiment("hydra: {sweep: {dir: /tmp/pwned}}"), X, "hydra.sweep.dir"),
    "Hydra's options, swept over": (
        experiment("hydra: {sweeper: {params: {+hydra.job_logging.handlers.h.class: evil.f}}}"),
        X,
        "hydra.sweeper.params",
    ),
    "overrides as if typed": (
        experiment("hydra: {overrides: {task: ['problem.path=evil:f']}}"),
        X,
        "hydra.overrides.task",
    ),
    "the environment": (experiment("name: ${oc.env:STRANGERS_AIM}"), X, "name"),
    "the environment in a defaults list": (
        experiment("defaults: [{override /dataset: '${oc.env:STRANGERS_AIM}'}]"),
        X,
        "defaults",
    ),
    "the environment inside a harmless resolver": (
        experiment("name: \"${oc.select:a,'${oc.env:STRANGERS_AIM}'}\""),
        X,
        "name",
    ),
    "a resolver that makes configs": (experiment("m: '${oc.create:{_target_:evil.f}}'"), X, "m"),
    "half an interpolation": (experiment("d: '$'\nname: '${d}{oc.env:STRANGERS_AIM}'"), X, "d"),
    "an escaped interpolation": (experiment("name: '\\${oc.env:STRANGERS_AIM}'"), X, "name"),
    "an interpolation that an override unescapes": (experiment("name: '$\\{oc.env:STRANGERS_AIM\\}'"), X, "name"),
    "a key that becomes an interpolation": (experiment("m: {'${oc.env:STRANGERS_AIM}': 1}"), X, "could become"),
    "an interpolation as a path": (
        experiment("name: !!python/object/apply:pathlib.Path ['${oc.env:STRANGERS_AIM}']"),
        X,
        "name",
    ),
}
"""Files, what is typed, and the key that the guard names."""


@pytest.mark.parametrize(("files", "typed", "key"), ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_refused_by_the_guard(stranger, capsys, files, typed, key):
    write(stranger, files)
    with pytest.raises(ConfigError, match=r"If this is intended, set it on the command line\.$") as caught:
        compose(stranger, typed)
    named, _, problem = str(caught.value).partition(": ")
    assert Path(named).is_relative_to(stranger)
    assert key in problem
    assert traces(*capsys.readouterr()) == []
    assert "evil" not in sys.modules


@pytest.mark.parametrize("folder", ["pkg://evil_package", "structured://evil", "${p}"])
def test_a_search_path_imports_nothing(stranger, folder):
    write(stranger, {"mine.yaml": f"defaults: [config]\np: pkg://evil_package\nhydra: {{searchpath: ['{folder}']}}"})
    with pytest.raises(ConfigError, match=r"mine\.yaml: hydra\.searchpath"):
        compose(stranger, config_name="mine")
    assert traces() == []


NO_CONFIGS = {
    "a tag that calls": "name: !!python/object/apply:os.system ['touch pwned']",
    "aliases without end": "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30)),
    "an alias of itself": "a: &a [*a]",
    "a deep nest": "a: " + "[" * 1500 + "]" * 1500,
    "a huge file": "a: " + "x" * 500_000,
    "a huge integer": "a: " + "9" * 5000,
    "a scalar": "3",
    "a list": "- 1",
    "no YAML": "n: [",
    "another encoding": "name: café".encode("latin-1"),
}


@pytest.mark.parametrize("content", NO_CONFIGS.values(), ids=NO_CONFIGS)
def test_a_file_that_is_no_config_is_one_error_that_names_it(stranger, content):
    file = stranger / "experiment" / "x.yaml"
    file.parent.mkdir(parents=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        compose(stranger, X)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)
    assert traces() == []


QUESTIONS = {
    "help": ["--help"],
    "the config": ["--cfg", "all", "--resolve"],
    "information": ["--info", "all"],
    "Hydra's help": ["--hydra-help"],
    "a plan": ["--plan"],
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_is_as_safe(stranger, question, capsys):
    write(stranger, experiment("name: ${oc.env:STRANGERS_AIM}\nhydra: {callbacks: {c: {_target_: evil.f}}}"))
    assert main(["run", "--config-dir", str(stranger), X, *question]) == 2
    assert traces(*capsys.readouterr()) == []
    assert "evil" not in sys.modules


def test_tab_completion_is_as_safe(gradmix_command, stranger):
    write(stranger, experiment("name: ${oc.env:STRANGERS_AIM}\nhydra: {callbacks: {c: {_target_: evil.f}}}"))
    line = f"gradmix run --config-dir {stranger} experiment=x name="
    out, err = gradmix_command("-sc", "query=bash", env={"COMP_LINE": line, "COMP_POINT": str(len(line))})
    assert traces(out, err) == []


FOLDERS = {
    "besides ours": lambda folder: ["--config-dir", folder, X],
    "instead of ours": lambda folder: ["--config-path", folder],
    "on the search path": lambda folder: [f"hydra.searchpath=[{folder}]", X],
    "on the search path, as an address": lambda folder: [f"hydra.searchpath=[file://{folder}]", X],
}


@pytest.mark.parametrize("arguments", FOLDERS.values(), ids=FOLDERS)
def test_every_folder_is_checked_however_it_is_given(stranger, capsys, arguments):
    evil = "hydra: {callbacks: {c: {_target_: evil.f}}}"
    write(stranger, {**experiment(evil), "config.yaml": f"defaults: [{{task: cluster}}]\nname: x\n{evil}"})
    assert main(["run", *arguments(str(stranger))]) == 2
    assert "hydra.callbacks.c._target_" in capsys.readouterr().err
    assert traces() == []


def test_a_pickled_config_is_not_opened(empty_folder, capsys):
    assert main(["run", "--experimental-rerun", "config.pickle"]) == 2
    assert "opens a pickle" in capsys.readouterr().err


ORDINARY = {
    "values and choices": (
        experiment(
            "defaults: [{override /clusterer: kmeans}]\nclusterer: {n_clusters: 3}\nname: '${clusterer.name} x'"
        ),
        [X],
    ),
    "harmless resolvers": (experiment("name: \"${now:%Y} py ${python_version:minor} ${oc.select:nothing,'x'}\""), [X]),
    "a component of one's own": ({"clusterer/three.yaml": "defaults: [gmm]\nn_components: 3\n"}, ["clusterer=three"]),
    "dollars": (
        experiment("defaults: [{override /dataset: file}]\ndataset: {path: 'data, 5 $ each.csv', label: 'US$ (k)'}"),
        [X],
    ),
    "a sweep": (experiment("hydra: {mode: MULTIRUN, sweeper: {params: {seed: 'range(1,3)'}}}"), [X, IN_PROCESS]),
    "folders to look in": (
        {"mine.yaml": "defaults: [config, _self_]\nhydra: {searchpath: [more]}", "../more/experiment/y.yaml": GLOBAL},
        ["-cn", "mine", "experiment=y"],
    ),
    "a launcher, its numbers and words": (launcher("{timeout_min: 10, partition: short, gres: 'gpu:1'}"), [X]),
    "a launcher of one's own": (
        {"hydra/launcher/two.yaml": "defaults: [joblib]\nn_jobs: 2\nprefer: processes"},
        ["hydra/launcher=two"],
    ),
    "aliases": (
        experiment("clusterer: &c {n_components: 3}\nhydra: {help: {header: &h '$5', footer: *h}}"),
        [X],
    ),
}


@pytest.mark.parametrize(("files", "arguments"), ORDINARY.values(), ids=ORDINARY)
def test_ordinary_files_pass(stranger, capsys, files, arguments):
    write(stranger, files)
    Path("data, 5 $ each.csv").write_text("a,b,US$ (k)\n1,2,x\n2,4,x\n3,7,y\n5,1,y\n")
    code = main(["run", "--config-dir", str(stranger), *arguments, "tracking=none", "pictures=false"])
    assert code == 0, capsys.readouterr().err
    assert journals()[0][-1]["event"] == "finished"


def test_our_own_configs_would_pass_too():
    for file in config_folder().rglob("*.yaml"):
        if file.name != "config.yaml":  # says what Hydra's own folders are
            check_file(read_config(file), str(file.relative_to(config_folder()).with_suffix("")), "_global_", str(file))


ASKED = {
    "the environment": ["name=${oc.env:STRANGERS_AIM}"],
    "code": ["task=differentiate", "problem=python", "problem.path=evil.py:f"],
    "code, swept over": ["-m", IN_PROCESS, "task=differentiate", "problem=python", "problem.path=evil.py:f,evil:f"],
    "a callback": ["+hydra.callbacks.c._target_=hydra.experimental.callback.Callback"],
    "a package of configs": ["hydra.searchpath=[pkg://evil_package]"],
}


@pytest.mark.parametrize("arguments", ASKED.values(), ids=ASKED)
def test_what_is_typed_is_done(stranger, capsys, arguments):
    assert main(["run", *arguments, "tracking=none", "pictures=false"]) == 0, capsys.readouterr().err


def test_a_worker_checks_what_it_loads(stranger):
    write(stranger, experiment("seed: 1"))
    with composing(Request((), config_dir=str(stranger))) as composer:
        worker = cloudpickle.loads(cloudpickle.dumps(composer.loader))
        assert worker.load_configuration("config", [X], RunMode.RUN).seed == 1
        write(stranger, experiment("hydra: {callbacks: {c: {_target_: evil.f}}}"))
        with pytest.raises(ConfigError, match="_target_"):
            worker.load_configuration("config", [X], RunMode.RUN)


def test_a_checked_folder_lists_what_hydras_own_would(stranger):
    from hydra.core.object_type import ObjectType

    write(stranger, {"a/b/c.yaml": "", "a/d.yaml": "", "a/e.txt": ""})
    source = CheckedFiles("main", f"checked://{stranger}")
    assert source.list("a", ObjectType.CONFIG) == ["d"]
    assert source.list("a", ObjectType.GROUP) == ["b"]
    assert source.is_config("a/d")
    assert not source.is_config("a/e")


PIECES = st.sampled_from(
    [
        *("$", "{", "}", "${", "\\", "'", '"', ":", ",", " ", "x", "${a}", "oc.env:STRANGERS_AIM"),
        *(
            "\\{oc.env:STRANGERS_AIM\\}",
            "{oc.env:STRANGERS_AIM}",
            "${oc.env:STRANGERS_AIM}",
            "${oc.select:x,'",
            "'}",
            "${now:",
        ),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(PIECES, max_size=5).map("".join), min_size=3, max_size=3))
@example(["$", "${a}{oc.env:STRANGERS_AIM}", ""])
@example(["${oc.select:x,'$'}", "${a}{oc.env:STRANGERS_AIM}", ""])
@example(["\\${oc.env:STRANGERS_AIM}", "", ""])
@example(["{oc.env:STRANGERS_AIM}", "$${a}", ""])
def test_no_text_that_passes_reads_the_environment_however_often_it_is_read(texts):
    content = dict(zip("abc", texts, strict=True))
    try:
        check_file(content, "experiment/x", "_global_", "x.yaml")
    except ConfigError:
        return
    with pytest.MonkeyPatch.context() as patch, suppress(OmegaConfBaseException):
        patch.setenv("STRANGERS_AIM", SECRET)
        for _ in range(3):
            content = OmegaConf.to_container(OmegaConf.create(content), resolve=True)
            assert SECRET not in str(content)
