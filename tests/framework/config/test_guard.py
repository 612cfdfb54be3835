"""Config files from a stranger: what would import, run or read the environment is refused; what is ordinary passes."""

import os
import pickle
import sys
from contextlib import suppress
from pathlib import Path

import cloudpickle
import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.sources_registry import SourcesRegistry
from hydra._internal.utils import create_config_search_path
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from conftest import journals
from gradmix import ConfigError
from gradmix.cli.main import main
from gradmix.cli.run import config_folder
from gradmix.config.guard import check_content
from gradmix.config.guarded import GuardedLoader, guarded
from gradmix.config.interpolation import HARMLESS_RESOLVERS
from gradmix.config.source import ComponentSearchPath

SECRET = "open-sesame-4711"

EVIL = """
from pathlib import Path

Path("pwned").touch()


def f(x=1.0, **options):
    Path("pwned").touch()
    return x * x
"""

GLOBAL = "# @package _global_\n"
LOGGING = "version: 1\nroot: {level: INFO, handlers: [h]}\nhandlers: {h: {'()': evil.f}}\n"


@pytest.fixture
def stranger(empty_folder, monkeypatch):
    """A folder of configs to be written to; beside it a module that leaves a trace as soon as it is imported."""
    (empty_folder / "evil.py").write_text(EVIL)
    (empty_folder / "evil_package").mkdir()
    (empty_folder / "evil_package" / "__init__.py").write_text(EVIL)
    monkeypatch.syspath_prepend(empty_folder)
    monkeypatch.setenv("PYTHONPATH", f"{empty_folder}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("STRANGERS_AIM", SECRET)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    yield empty_folder / "stranger"
    for name in ("evil", "evil_package"):
        sys.modules.pop(name, None)


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def gradmix(*arguments):
    """Run the command in this process; returns its exit code."""
    try:
        return main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)


def traces(*outputs):
    """What an attack that came through has left."""
    found = [path for path in Path().rglob("*") if path.name == "pwned" or SECRET in str(path)]
    for path in Path().rglob("journal.jsonl"):
        found += [path] if SECRET in path.read_text() else []
    return found + [output for output in outputs if SECRET in output]


def experiment(body):
    return {"experiment/x.yaml": GLOBAL + body}


X = ["experiment=x"]
SWEEP = ["-m", *X]

ATTACKS = {
    "a callback": (
        experiment("hydra: {callbacks: {c: {_target_: evil.f}}}"),
        X,
        "hydra.callbacks.c._target_",
    ),
    "a callback by its group": (
        {"hydra/callbacks/c.yaml": "c: {_target_: evil.f}"} | experiment("defaults: [{override /hydra/callbacks: c}]"),
        X,
        "c._target_",
    ),
    "a callback made of what stands elsewhere": (
        experiment("mine: {c: {_args_: [1]}}\nhydra: {callbacks: '${mine}'}"),
        X,
        "_args_",
    ),
    "a target that a resolver makes": (
        experiment("hydra: {callbacks: {c: '${oc.create:{_target_:evil.f}}'}}"),
        X,
        "oc.create",
    ),
    "a target that a text is decoded to": (
        experiment("hydra:\n  callbacks:\n    c: \"${oc.decode:'{_target_:evil.f}'}\""),
        X,
        "oc.decode",
    ),
    "a resolver's name that is itself an interpolation": (
        experiment("a: env\nname: '${oc.${a}:STRANGERS_AIM}'"),
        X,
        "name",
    ),
    "a target inside the launcher": (
        experiment("hydra: {launcher: {x: {_target_: evil.f}}}"),
        SWEEP,
        "hydra.launcher.x._target_",
    ),
    "another class for the launcher": (
        experiment("hydra: {launcher: {_target_: hydra_plugins.evil.Launcher}}"),
        SWEEP,
        "hydra.launcher._target_",
    ),
    "a target inside the sweeper": (
        experiment("hydra: {sweeper: {params: {x: {_target_: evil.f}}}}"),
        SWEEP,
        "_target_",
    ),
    "a launcher that shadows Hydra's": (
        {"hydra/launcher/gradmix.yaml": "x: {_target_: evil.f}"},
        ["-m"],
        "_target_",
    ),
    "logging with a factory": (
        {"hydra/job_logging/l.yaml": LOGGING},
        ["hydra/job_logging=l"],
        "handlers.h.()",
    ),
    "logging with a class": (
        {"hydra/hydra_logging/l.yaml": LOGGING.replace("()", "class")},
        ["hydra/hydra_logging=l"],
        "hydra.hydra_logging",
    ),
    "logging put in its place by a header": (
        {"experiment/x.yaml": "# @package hydra.job_logging\n" + LOGGING.replace("()", "class")},
        X,
        "hydra.job_logging",
    ),
    "logging put in its place by a defaults list": (
        experiment("defaults: [{/mine@hydra.job_logging: l}]")
        | {"mine/l.yaml": LOGGING.replace("'()': evil.f", "class: logging.NullHandler, level: 'ext://evil.f'")},
        X,
        "hydra.job_logging",
    ),
    "logging copied from elsewhere": (
        experiment("mine:\n  version: 1\nhydra: {job_logging: '${mine}'}"),
        X,
        "hydra.job_logging",
    ),
    "a search path that imports a package": (
        {"mine.yaml": "defaults: [config]\nhydra: {searchpath: ['pkg://evil_package']}"},
        ["-cn", "mine"],
        "hydra.searchpath",
    ),
    "a search path that imports a module": (
        {"mine.yaml": "defaults: [config]\nhydra: {searchpath: ['structured://evil']}"},
        ["-cn", "mine"],
        "hydra.searchpath",
    ),
    "a search path made of what stands elsewhere": (
        {"mine.yaml": "defaults: [config]\np: 'pkg://evil_package'\nhydra: {searchpath: ['${p}']}"},
        ["-cn", "mine"],
        "hydra.searchpath",
    ),
    "the environment": (experiment("name: ${oc.env:STRANGERS_AIM}"), X, "oc.env"),
    "the environment in a defaults list": (
        experiment("defaults: [{override /dataset: '${oc.env:STRANGERS_AIM}'}]"),
        X,
        "oc.env",
    ),
    "the environment in an argument of a harmless resolver": (
        experiment("name: \"${oc.select:nothing,'${oc.env:STRANGERS_AIM}'}\""),
        X,
        "oc.env",
    ),
    "the environment by a key that becomes an interpolation": (
        experiment(
            "oc: {'env:STRANGERS_AIM,': {x: 1}}\nrow: \"${oc.dict.values:'oc.env:STRANGERS_AIM,'}\"\nname: ${row.0}"
        ),
        X,
        "oc.dict.values",
    ),
    "the environment by a key in a list of keys": (
        experiment("m: {'${oc.env:STRANGERS_AIM}': 1}\nrow: ${oc.dict.keys:m}\nname: ${row.0}"),
        X,
        "could become an interpolation",
    ),
    "the environment, copied by Hydra": (
        experiment("hydra: {job: {env_copy: [STRANGERS_AIM]}}\nname: ${hydra:job.env_set.STRANGERS_AIM}"),
        X,
        "hydra.job.env_copy",
    ),
    "the environment, changed": (
        experiment("hydra: {job: {env_set: {PYTHONSTARTUP: evil.py}}}"),
        X,
        "hydra.job.env_set",
    ),
    "half an interpolation, swept over": (
        experiment("d: '$'\nhydra: {sweeper: {params: {name: '${d}{oc.env:STRANGERS_AIM}'}}}"),
        SWEEP,
        "could become an interpolation",
    ),
    "an escaped interpolation, swept over": (
        experiment("hydra: {sweeper: {params: {name: '\\${oc.env:STRANGERS_AIM}'}}}"),
        SWEEP,
        "could become an interpolation",
    ),
    "half an interpolation as a folder": (
        experiment("d: '$'\nruns_dir: '${d}{oc.env:STRANGERS_AIM}'"),
        ["-m", "seed=1,2", *X],
        "could become an interpolation",
    ),
    "an interpolation as a path, as a folder": (
        experiment("runs_dir: !!python/object/apply:pathlib.Path ['${oc.env:STRANGERS_AIM}']"),
        ["-m", "seed=1,2", *X],
        "oc.env",
    ),
    "files of Hydra's written over others": (
        experiment("hydra: {run: {dir: .}, output_subdir: pwned}"),
        X,
        "hydra.output_subdir",
    ),
    "Hydra's options, swept over": (
        experiment("hydra: {sweeper: {params: {+hydra.job_logging.handlers.h.class: evil.f}}}"),
        SWEEP,
        "hydra.sweeper.params",
    ),
    "a search path, swept over": (
        experiment("hydra: {sweeper: {params: {hydra.searchpath: '[pkg://evil_package]'}}}"),
        SWEEP,
        "hydra.sweeper.params",
    ),
    "overrides as if from the command line": (
        experiment("hydra: {overrides: {task: ['problem.path=evil:f']}}"),
        X,
        "hydra.overrides.task",
    ),
    "Hydra's overrides as if from the command line": (
        experiment("hydra: {overrides: {hydra: ['hydra.searchpath=[pkg://evil_package]']}}"),
        SWEEP,
        "hydra.overrides.hydra",
    ),
    "a function of one's own": (
        experiment(
            "defaults: [{override /task: differentiate}, {override /problem: python}]\nproblem: {path: 'evil:f'}"
        ),
        X,
        "problem.path",
    ),
    "a function of one's own, its derivative": (
        experiment(
            "defaults: [{override /task: differentiate}, {override /problem: python}]\nproblem: {derivative: 'evil:f'}"
        ),
        [*X, "problem.path=math:sin"],
        "problem.derivative",
    ),
    "a function of one's own, swept over": (
        experiment(
            "defaults: [{override /task: differentiate}, {override /problem: python}]\n"
            "hydra: {mode: MULTIRUN, sweeper: {params: {problem.path: 'evil:f,math:sin'}}}"
        ),
        X,
        "problem.path",
    ),
    "somewhere to send what runs tell": (
        experiment(
            "defaults: [{override /events: [notify]}]\nevents: {notify: {url: 'https://evil.example.org/?pwned'}}"
        ),
        X,
        "events.notify.url",
    ),
    "somewhere to send, under another name": (
        experiment("events: {second: {name: notify, url: 'https://evil.example.org/?pwned'}}"),
        [*X, "events=[notify]", "events.notify.url=https://example.org"],
        "events.second.url",
    ),
    "somewhere to send, swept over": (
        experiment(
            "defaults: [{override /events: [notify]}]\n"
            "hydra: {mode: MULTIRUN, sweeper: {params: {events.notify.url: 'https://a.example.org,https://b.example.org'}}}"
        ),
        X,
        "events.notify.url",
    ),
    "commands for a cluster": (
        experiment(
            "defaults: [{override /hydra/launcher: submitit_slurm}]\nhydra: {launcher: {setup: ['touch pwned']}}"
        ),
        SWEEP,
        "hydra.launcher.setup",
    ),
    "a parameter of a cluster's own": (
        experiment(
            "defaults: [{override /hydra/launcher: submitit_slurm}]\n"
            "hydra: {launcher: {additional_parameters: {wrap: 'touch pwned'}}}"
        ),
        SWEEP,
        "hydra.launcher.additional_parameters",
    ),
    "another Python for a cluster": (
        experiment("defaults: [{override /hydra/launcher: submitit_slurm}]\nhydra: {launcher: {python: evil.py}}"),
        SWEEP,
        "hydra.launcher.python",
    ),
    "an environment for Ray": (
        experiment(
            "defaults: [{override /hydra/launcher: ray}]\n"
            "hydra: {launcher: {ray: {init: {runtime_env: {worker_process_setup_hook: evil.f}}}}}"
        ),
        SWEEP,
        "hydra.launcher.ray.init.runtime_env",
    ),
    "a text that joblib evaluates": (
        experiment("defaults: [{override /hydra/launcher: joblib}]\nhydra: {launcher: {pre_dispatch: '9**9**9'}}"),
        SWEEP,
        "hydra.launcher.pre_dispatch",
    ),
    "a launcher that rents machines": (
        experiment("defaults: [{override /hydra/launcher: ray_aws}]"),
        SWEEP,
        "hydra/launcher",
    ),
    "a sweeper that checks nothing": (
        {"mine.yaml": "defaults: [config, {override hydra/sweeper: basic}, _self_]"},
        ["-cn", "mine", "-m", "seed=1,2"],
        "hydra/sweeper",
    ),
    "a line for a cluster's script in a folder's name": (
        experiment('runs_dir: "runs\\ntouch pwned #"'),
        X,
        "runs_dir",
    ),
    "a custom tag": (experiment("name: !!python/object/apply:os.system ['touch pwned']"), X, "no YAML"),
    "aliases without end": (
        experiment("a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))),
        X,
        "aliases",
    ),
    "an alias of itself": (experiment("a: &a [*a]"), X, "aliases"),
    "a deep nest": (experiment("a: " + "[" * 1500 + "]" * 1500), X, "nested too deeply"),
    "a huge file": (experiment("a: " + "x" * 500_000), X, "characters"),
    "a config of Hydra's": ({"hydra/config.yaml": "callbacks: {c: {_target_: evil.f}}"}, [], "callbacks.c._target_"),
}


@pytest.fixture(params=ATTACKS)
def attack(request, stranger):
    files, arguments, message = ATTACKS[request.param]
    write(stranger, files)
    return ["--config-dir", str(stranger), *arguments, "tracking=none", "pictures=false"], message


def test_an_attack_leaves_no_trace_and_ends_with_one_message(attack, stranger, capsys):
    arguments, message = attack
    assert gradmix("run", *arguments) == 2
    out, err = capsys.readouterr()
    assert traces(out, err) == []
    assert message in err
    assert len(err.strip().splitlines()) == 1 or "combinations cannot be run" in err
    assert "evil" not in sys.modules
    assert journals() == []


@pytest.mark.parametrize("question", [["--help"], ["--cfg", "all", "--resolve"], ["--info", "all"], ["--hydra-help"]])
def test_questions_are_as_safe(attack, question, capsys):
    arguments, _ = attack
    gradmix("run", *[each for each in arguments if each != "-m"], *question)
    assert traces(*capsys.readouterr()) == []
    assert "evil" not in sys.modules


@pytest.mark.parametrize("name", ["a callback", "a search path that imports a package", "the environment"])
def test_a_process_of_its_own_is_as_safe(gradmix_command, stranger, name):
    files, arguments, message = ATTACKS[name]
    write(stranger, files)
    out, err = gradmix_command("run", "--config-dir", str(stranger), *arguments, code=2)
    assert traces(out, err) == []
    assert str(stranger) in err
    assert message in err


def test_tab_completion_is_as_safe(gradmix_command, stranger):
    write(stranger, experiment("name: ${oc.env:STRANGERS_AIM}\nhydra: {callbacks: {c: {_target_: evil.f}}}"))
    line = f"gradmix run --config-dir {stranger} experiment=x name="
    out, err = gradmix_command("-sc", "query=bash", env={"COMP_LINE": line, "COMP_POINT": str(len(line))})
    assert traces(out, err) == []


def test_a_config_path_of_a_strangers_is_as_safe(stranger, capsys):
    write(
        stranger, {"config.yaml": "defaults: [{task: cluster}]\nname: x\nhydra: {callbacks: {c: {_target_: evil.f}}}"}
    )
    assert gradmix("run", "--config-path", str(stranger)) == 2
    out, err = capsys.readouterr()
    assert traces(out, err) == []
    assert "hydra.callbacks.c._target_" in err


def test_a_pickled_config_is_not_opened(stranger, capsys):
    class Evil:
        def __reduce__(self):
            return os.system, ("touch pwned",)

    Path("config.pickle").write_bytes(pickle.dumps(Evil()))
    assert gradmix("run", "--experimental-rerun", "config.pickle") == 2
    assert traces(*capsys.readouterr()) == []


ORDINARY = {
    "values and choices": (
        experiment(
            "defaults: [{override /clusterer: kmeans}]\nclusterer: {n_clusters: 3}\nname: '${clusterer.name} x'"
        ),
        X,
    ),
    "harmless resolvers": (
        experiment("runs_dir: 'runs/${now:%Y-%m-%d}'\nname: \"py ${python_version:minor} ${oc.select:nothing,'x'}\""),
        X,
    ),
    "a component of one's own": ({"clusterer/three.yaml": "defaults: [gmm]\nn_components: 3\n"}, ["clusterer=three"]),
    "a file of data": (
        experiment("defaults: [{override /dataset: file}]\ndataset: {path: 'data, 5 $ each.csv', label: 'US$ (k)'}"),
        X,
    ),
    "a sweep": (experiment("hydra: {mode: MULTIRUN, sweeper: {params: {seed: 'range(1,3)'}}}"), X),
    "folders to look in": (
        {"mine.yaml": "defaults: [config]\nhydra: {searchpath: [more]}\nname: x", "../more/experiment/y.yaml": GLOBAL},
        ["-cn", "mine", "experiment=y"],
    ),
    "a launcher, its numbers and words": (
        experiment(
            "defaults: [{override /hydra/launcher: submitit_slurm}]\n"
            "hydra: {launcher: {timeout_min: 10, cpus_per_task: 2, partition: short, gres: 'gpu:1'}}"
        ),
        X,
    ),
    "a launcher of one's own": (
        {"hydra/launcher/two.yaml": "defaults: [joblib]\nn_jobs: 2\nprefer: processes"},
        ["hydra/launcher=two"],
    ),
    "Ray with two cores": (
        experiment("defaults: [{override /hydra/launcher: ray}]\nhydra: {launcher: {ray: {init: {num_cpus: 2}}}}"),
        X,
    ),
    "aliases and merges": (
        experiment("clusterer: &c {n_components: 3}\nhydra: {help: {header: &h '$5', footer: *h}}"),
        X,
    ),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_files_pass(name, stranger, capsys):
    files, arguments = ORDINARY[name]
    write(stranger, files)
    Path("data, 5 $ each.csv").write_text("a,b,US$ (k)\n1,2,x\n2,4,x\n3,7,y\n5,1,y\n")
    code = gradmix("run", "--config-dir", str(stranger), *arguments, "tracking=none", "pictures=false")
    assert code == 0, capsys.readouterr().err
    assert journals()[0][-1]["event"] == "finished"


ASKED = {
    "the environment": ["name=${oc.env:STRANGERS_AIM}"],
    "code": ["task=differentiate", "problem=python", "problem.path=evil.py:f"],
    "code, swept over": ["-m", "task=differentiate", "problem=python", "problem.path=evil.py:f,evil:f"],
    "a callback": ["+hydra.callbacks.c._target_=evil.f"],
    "commands for a cluster": ["hydra/launcher=submitit_slurm", "hydra.launcher.setup=[true]"],
    "a package of configs": ["hydra.searchpath=[pkg://evil_package]"],
}


@pytest.mark.parametrize("name", ASKED)
def test_what_the_command_line_asks_for_by_name_is_done(name, stranger, capsys):
    assert gradmix("run", *ASKED[name], "tracking=none", "pictures=false") == 0, capsys.readouterr().err


def test_an_experiment_for_ones_own_function_takes_its_path_from_the_command_line(stranger, capsys):
    write(stranger, experiment("defaults: [{override /task: differentiate}, {override /problem: python}]"))
    given = ["problem.path=evil.py:f", "tracking=none", "pictures=false"]
    assert gradmix("run", "--config-dir", str(stranger), *X, *given) == 0, capsys.readouterr().err


def test_a_worker_checks_what_it_loads(stranger):
    write(stranger, experiment("seed: 1"))
    Plugins.instance().register(ComponentSearchPath)
    path = create_config_search_path(str(config_folder()))
    path.prepend("command-line", f"file://{stranger}", anchor="schema")
    with guarded():
        loader = GuardedLoader(path)
    worker = cloudpickle.loads(cloudpickle.dumps(loader))
    assert worker.load_configuration("config", X, RunMode.RUN).seed == 1
    write(stranger, experiment("hydra: {callbacks: {c: {_target_: evil.f}}}"))
    with pytest.raises(ConfigError, match="_target_"):
        worker.load_configuration("config", X, RunMode.RUN)


OWN = sorted(config_folder().rglob("*.yaml"))


@pytest.mark.parametrize("file", OWN, ids=lambda file: file.stem)
def test_our_own_configs_pass(file):
    check_content(OmegaConf.to_container(OmegaConf.load(file)), file.name)


def test_other_applications_of_hydra_are_not_affected():
    import hydra._internal.hydra as application

    with guarded():
        assert application.ConfigLoaderImpl is GuardedLoader
    assert application.ConfigLoaderImpl is ConfigLoaderImpl
    assert SourcesRegistry.instance().resolve("file").__module__.startswith("hydra.")


PIECES = st.sampled_from(
    [
        *("$", "{", "}", "${", "\\", "'", '"', ":", ",", " ", "x", "${a}", "oc.env:STRANGERS_AIM"),
        *("{oc.env:STRANGERS_AIM}", "${oc.env:STRANGERS_AIM}", "${oc.select:x,'", "'}", "${now:"),
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
        check_content(content, "x.yaml")
    except ConfigError:
        return
    with pytest.MonkeyPatch.context() as patch, suppress(OmegaConfBaseException):
        patch.setenv("STRANGERS_AIM", SECRET)
        for _ in range(3):
            content = OmegaConf.to_container(OmegaConf.create(content), resolve=True)
            assert SECRET not in str(content)


def test_the_harmless_resolvers_are_there():
    assert all(OmegaConf.has_resolver(name) for name in HARMLESS_RESOLVERS)
