"""Plugins as strangers write them, in a process of their own: each is told what is wrong, and harms nobody."""

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from conftest import HANGS
from made_plugins import CLUSTERER, make_distribution

pytestmark = pytest.mark.processes

SOUND = """
import gradmix


@gradmix.hookimpl
def gradmix_components():
    return {}


"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A folder of distributions, on the path of every process."""
    folder = tmp_path / "installed"
    folder.mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    return folder


def gradmix(*arguments):
    """Run a command; its outcome."""
    command = [sys.executable, "-m", "gradmix", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANGS, check=False)


def doctor(label, *choice):
    """What the doctor says of one plugin, and its problems in one text; without the built-in ones unless chosen."""
    examined = json.loads(gradmix("plugins", "doctor", "--json", *(choice or ["plugins.block=[gradmix]"])).stdout)
    (found,) = (each for each in examined if each["plugin"] == label)
    assert all(each["is_sound"] for each in examined if each is not found)
    return found, " | ".join([*found["problems"], *(each["reason"] for each in found["components"])])


AT_IMPORT = {
    "raises": ("1 / 0", "ZeroDivisionError: division by zero (other_plugin.py, line 1"),
    "raises what cannot be told": (
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        "E (other_plugin.py, line 1",
    ),
    "system exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "keyboard interrupt": ("raise KeyboardInterrupt", "it raised KeyboardInterrupt"),
    "optional dependency": ("import no_such_package", "No module named 'no_such_package'"),
    "syntax": ("def", "SyntaxError"),
    "prints": ("print('look at me')", "it prints or warns when it is imported"),
    "moves": ("import os; os.chdir('/')", ""),
    "patches NumPy": ("import numpy; numpy.sum = None", "it replaces numpy.sum when it is imported"),
    "patches Python": (
        "import builtins; builtins.sum = lambda x: 0",
        "it replaces builtins.sum (by other_plugin) when",
    ),
    "sets NumPy's errors": ("import numpy; numpy.seterr(all='raise')", ""),
    "is strict": ("import warnings; warnings.simplefilter('error')", "it changes the warnings that are errors"),
    "ends the process": ("import os; os._exit(7)", "importing it ended the interpreter (exit code 7)"),
    "seeds": ("import numpy; numpy.random.seed(0)", "it changes the global random numbers of NumPy"),
    "sets variables": ("import os; os.environ['MINE'] = '1'", "it changes the environment variables"),
}


@pytest.mark.parametrize("case", AT_IMPORT)
def test_whatever_an_import_does_the_doctor_tells_its_author(path, case):
    code, reason = AT_IMPORT[case]
    make_distribution(path, source=SOUND + code)
    examined, told = doctor("other-plugin:other_plugin")
    assert reason in told
    assert examined["is_sound"] == (not reason)


@pytest.fixture(scope="module")
def clean_config():
    """What is answered when there is no other plugin."""
    return gradmix("run", "--cfg", "job").stdout


@pytest.mark.parametrize("case", sorted(AT_IMPORT.keys() - {"ends the process"}))
def test_whatever_an_import_does_a_question_is_answered_as_if_it_were_not_there(clean_config, path, case):
    make_distribution(path, source=SOUND + AT_IMPORT[case][0])
    assert gradmix("run", "--cfg", "job").stdout == clean_config != ""


def test_a_run_works_beside_a_plugin_that_moves_and_is_strict_about_overflow(path):
    make_distribution(path, source=SOUND + "import os, numpy\nos.chdir('/')\nnumpy.seterr(all='raise')\n")
    ended = gradmix("run", "pictures=false", "tracking=none", "clusterer.max_iter=3")
    assert ended.returncode == 0, ended.stderr
    assert os.path.isdir("runs")


REPLACED = {
    "numpy.random.default_rng": "import numpy\nkept = numpy.random.default_rng\n"
    "def seeded(seed=None): return kept(0)\nnumpy.random.default_rng = seeded\n",
    "numpy.exp": "import numpy\ndef sine(*a, **k): return numpy.sin(*a, **k)\nnumpy.exp = sine\n",
    "builtins.sum": "import builtins\nkept = builtins.sum\ndef total(*a): return kept(*a)\nbuiltins.sum = total\n",
}


@pytest.mark.parametrize("name", REPLACED)
def test_no_run_gives_a_result_while_a_plugin_replaces_what_it_computes_with(path, name):
    make_distribution(path, source=SOUND + REPLACED[name])
    ended = gradmix("run", "pictures=false", "tracking=none", "clusterer.max_iter=3")
    assert ended.returncode == 1
    assert f"{name} (by other_plugin)" in ended.stderr
    (journal,) = Path("runs").rglob("journal.jsonl")
    assert "result" not in [json.loads(line)["event"] for line in journal.read_text().splitlines()]


COMPONENTS = {
    "a name with spaces": ('{"clusterer": {"my groups": "other_plugin:Groups"}}', "only letters, digits and _"),
    "a name with a slash": ('{"clusterer": {"a/b": "other_plugin:Groups"}}', "only letters, digits and _"),
    "a word that is a value": ('{"clusterer": {"null": "other_plugin:Groups"}}', "would read this name as a value"),
    "the wrong type": ('["groups"]', "must return a mapping"),
    "the wrong type within": ('{"clusterer": "other_plugin:Groups"}', "must return a mapping"),
    "no class": ('{"clusterer": {"groups": 3}}', "must be a class or 'package.module:Class'"),
    "an unknown kind": ('{"cluster": {"groups": "other_plugin:Groups"}}', "Did you mean clusterer?"),
}


@pytest.mark.parametrize("case", COMPONENTS)
def test_what_cannot_be_offered_is_told(path, case):
    offered, reason = COMPONENTS[case]
    hook = f"\n@gradmix.hookimpl\ndef gradmix_components():\n    return {offered}\n"
    make_distribution(path, source=CLUSTERER + hook)
    assert reason in doctor("other-plugin:other_plugin")[1]


ARRAY = "__import__('dataclasses').field(default_factory=lambda: __import__('numpy').zeros(3))"
FIELDS = {
    "a function for a default": ("step: object = print", "which a config cannot express"),
    "an array for a default": ("start: object = object()", "which a config cannot express"),
    "the name of a method": ("check: int = 1", "would hide the method of that name"),
    "an array": (f"start: object = {ARRAY}", "which a config cannot express"),
    "an option for Python without a default": (
        "start: __import__('typing').Annotated[int, gradmix.PythonOnly()]",
        "start, which only Python can set, must have a default",
    ),
    "a name of its own": ("name: str = 'x'", "an option must not be named name"),
    "the word for its kind": ("kind: str = 'x'", "must not have an option named kind"),
    "Hydra's word for a call": ("_target_: str = 'os.system'", "must not begin with an underscore"),
    "letters that no override takes": ("größe: int = 1", "only letters from a to z"),
    "a type that there is not": ("step: 'Step' = 1", "name 'Step' is not defined"),
    "no iterate": ("iterate = gradmix.Clusterer.iterate", "does not define iterate"),
}


@pytest.mark.parametrize("case", FIELDS)
def test_options_that_no_config_can_express_are_told(path, case):
    field, reason = FIELDS[case]
    source = CLUSTERER.replace("n_groups: int = 1", field)
    source = source.split("    def iterate")[0] if case == "no iterate" else source
    make_distribution(path, source=source)
    assert reason in doctor("other-plugin:other_plugin")[1]
    listed = gradmix("plugins")
    assert reason in listed.stdout
    assert "gmm" in listed.stdout


def test_an_option_that_was_given_no_type_is_told_as_such(path):
    make_distribution(path, source=CLUSTERER.replace("n_groups: int = 1", "n_groups = 1"))
    ended = gradmix("run", "clusterer=groups", "clusterer.n_groups=2")
    assert ended.returncode == 2
    assert "clusterer.n_groups is not an option: Groups.n_groups has no type" in ended.stderr
    assert "`n_groups: int = 1`" in ended.stderr


WRONG_CLASSES = {
    "a type that no config has": (
        "weights: __import__('numpy').ndarray = None",
        "has the type ndarray, which a config cannot express. Its type must be int, float, str",
    ),
    "an error in __post_init__": (
        "def __post_init__(self): raise RuntimeError('boom')",
        "clusterer: Groups cannot be created: RuntimeError: boom (other_plugin.py, line 11)",
    ),
}


@pytest.mark.parametrize("case", WRONG_CLASSES)
@pytest.mark.parametrize("sweep", [[], ["-m", "seed=1,2"]], ids=["run", "sweep"])
def test_a_class_that_cannot_be_made_is_told_without_a_traceback(path, case, sweep):
    field, reason = WRONG_CLASSES[case]
    make_distribution(path, source=CLUSTERER.replace("n_groups: int = 1", field))
    ended = gradmix("run", "clusterer=groups", "tracking=none", *sweep)
    assert ended.returncode == 2
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr


RULES = """
import gradmix
import numpy as np


@gradmix.hookimpl
def gradmix_rules():
    yield gradmix.with_rule(np.spacing, jvp=lambda x, v: 0.0 * v)
"""


def test_the_doctor_examines_rules_beside_those_of_others(path):
    make_distribution(path, source=RULES)
    make_distribution(path, "second-plugin", source=RULES + "    raise ValueError('not today')\n")
    make_distribution(path, "third-plugin", source=RULES)
    others = {point.name for point in entry_points(group="gradmix") if point.dist.name == "gradmix"} - {"autodiff"}
    left_out = f"plugins.block=[{','.join(f'gradmix:{name}' for name in sorted(others))}]"
    examined = json.loads(gradmix("plugins", "doctor", "--json", left_out).stdout)
    problems = {each["module"]: each["problems"] for each in examined if each["problems"]}
    unused = "its derivative rule for spacing is not used: gradmix has a built-in one"
    assert problems == {
        "other_plugin": ["its derivative rule for spacing is also in third-plugin:third_plugin", unused],
        "second_plugin": ["its derivative rules cannot be used: ValueError: not today (second_plugin.py, line 9)"],
        "third_plugin": ["its derivative rule for spacing is also in other-plugin:other_plugin", unused],
    }
    (listed,) = (each for each in examined if each["module"] == "other_plugin")
    assert listed["hooks"] == ["gradmix_rules"]


def test_the_doctor_knows_which_types_a_config_can_express(path):
    field = WRONG_CLASSES["a type that no config has"][0]
    make_distribution(path, source=CLUSTERER.replace("n_groups: int = 1", field))
    assert "the field Groups.weights has the type ndarray" in doctor("other-plugin:other_plugin")[1]


def test_a_package_that_is_missing_in_use_is_to_be_declared(path):
    ended = use("import no_such_package; yield good", "clusterer=odd")
    assert ended.returncode == 1
    assert "requires = ('no_such_package',)" in ended.stderr


def test_fields_named_nearly_as_keywords_and_a_component_named_as_a_group_work(path):
    source = CLUSTERER.replace("n_groups: int = 1", "lambda_: float = 2.0\n    class_: str = 'a'").replace(
        "Groups", "Hydra"
    )
    make_distribution(path, source=source)
    composed = gradmix("run", "clusterer=hydra", "clusterer.lambda_=3", "--cfg", "job")
    assert "lambda_: 3" in composed.stdout, composed.stderr
    assert doctor("other-plugin:other_plugin")[0]["is_sound"]


def test_a_component_that_an_entry_point_names_is_not_imported_before_it_is_used(path):
    make_distribution(path, entry_points={"clusterer.lazy": "other_plugin:Groups"}, source="raise SystemExit('used')")
    composed = gradmix("run", "--cfg", "job", "clusterer=kmeans")
    assert composed.returncode == 0
    assert "used" not in composed.stderr
    assert "SystemExit: used" in gradmix("run", "clusterer=lazy").stderr
    assert "did you mean clusterer" not in gradmix("plugins").stdout.lower()


def test_a_broken_task_does_not_keep_other_components_from_being_documented(path):
    make_distribution(path, entry_points={"task.absent": "other_plugin:Task"}, source="1 / 0")
    documented = gradmix("plugins", "dual")
    assert documented.returncode == 0, documented.stderr
    assert "gradmix run task=" in documented.stdout


def test_what_entry_points_may_have_besides_a_class_is_read_over(path):
    points = {"clusterer.spaced": "other_plugin : Groups", "clusterer.extra": "other_plugin:Groups [fast]"}
    make_distribution(path, entry_points={**points, "clusterer.whole": "other_plugin"}, source=CLUSTERER)
    for name in ("spaced", "extra"):
        assert f"name: {name}" in gradmix("run", "--cfg", "job", f"clusterer={name}").stdout
    assert "it must name a class, 'module:Class'" in doctor("other-plugin:clusterer.whole")[1]


USED = """
import dataclasses, os
from dataclasses import dataclass

import gradmix
import numpy as np


@dataclass
class Odd(gradmix.Clusterer[gradmix.Centers]):
    \"\"\"Does what it must not.\"\"\"

    objective = gradmix.INERTIA

    def iterate(self, X, rng):
        good = gradmix.Iteration(gradmix.Centers(X[:1]), {"inertia": 1.0}, True)
        CODE


@dataclass
class Meddler(gradmix.Events):
    \"\"\"Writes into what it is lent.\"\"\"

    def iteration(self, iteration):
        iteration.metrics["log_likelihood"] = 0.0

    def pictures(self, metrics):
        return {"../../elsewhere.png": lambda path: path.write_text("x")}
"""

IN_USE = {
    "patches NumPy": (
        "np.log = np.sin; yield good",
        1,
        "numpy.log was replaced during the run; the result is discarded",
    ),
    "patches a part of NumPy": (
        "np.linalg.slogdet = None; yield good",
        1,
        "numpy.linalg.slogdet was replaced during the run",
    ),
    "replaces the random numbers": (
        "np.random.default_rng = lambda seed=None: np.random.Generator(np.random.PCG64(0)); yield good",
        1,
        "numpy.random.default_rng (by odd) was replaced during the run",
    ),
    "sets NumPy's errors": ("np.seterr(all='raise'); yield good", 0, ""),
    "moves": ("os.chdir('/'); yield good", 0, ""),
    "measures a text": (
        "yield dataclasses.replace(good, metrics={'inertia': '12'})",
        1,
        "numbers as metrics; inertia is '12'",
    ),
    "estimates no model": ("yield dataclasses.replace(good, estimate=X)", 1, "must yield estimates of a gradmix.Model"),
    "yields nothing": ("return; yield", 1, "Odd.iterate must yield at least one iteration"),
    "forks": ("os.fork(); yield good", 0, ""),
}


def use(code, *arguments):
    Path("odd.py").write_text(USED.replace("CODE", code))
    return gradmix("run", *arguments, "plugins.files=[odd.py]", "pictures=false", "tracking=none")


@pytest.mark.parametrize("case", IN_USE)
def test_what_it_does_in_use_spoils_no_other_run(path, case):
    code, status, reason = IN_USE[case]
    ended = use(code, "clusterer=odd")
    assert (ended.returncode, reason in ended.stderr) == (status, True), ended.stderr
    (journal,) = Path("runs").rglob("journal.jsonl")
    events = [json.loads(line)["event"] for line in journal.read_text().splitlines()]
    assert events.count("finished") == 1 - status
    assert (journal.parent / "artifacts" / "model.json").exists() == (not status)


def test_a_job_that_changes_numpy_does_not_spoil_the_next_one(path):
    ended = use("np.log = np.sin; np.einsum = None; yield good", "-m", "clusterer=odd,gmm")
    assert "2/2  clusterer=gmm  bic 2322.19  log_likelihood -1130.26" in ended.stdout


def test_events_cannot_write_into_what_a_run_has_reached_nor_beside_its_folder(path):
    ended = use("yield good", "events=meddler", "pictures=true")
    assert "events.meddler raised in iteration" in ended.stderr
    assert "log_likelihood      -1130.26" in ended.stdout
    assert not list(Path("runs").rglob("elsewhere.png"))


@pytest.mark.slow
def test_what_goes_on_although_its_time_is_over_is_ended(path):
    endless = ["while True:", "    try: __import__('time').sleep(9)", "    except BaseException: pass", "yield good"]
    ended = use("\n        ".join(endless), "clusterer=odd", "limits.seconds=0.2")
    assert ended.returncode == 1
    assert "The run ignored the limit, so its process was ended." in ended.stderr
    (journal,) = Path("runs").rglob("journal.jsonl")
    assert json.loads(journal.read_text().splitlines()[-1])["event"] == "timed_out"


def test_what_lies_in_the_working_folder_and_is_no_plugin_yet_is_told(path):
    write_file(name="groups.py")
    assert (
        "To use the file groups.py here, add 'plugins.files=[groups.py]'." in gradmix("run", "clusterer=groups").stderr
    )
    os.mkdir("other")
    Path("other/pyproject.toml").touch()
    assert "pip install -e other" in gradmix("run", "-m", "clusterer=other,gmm").stderr


def test_a_file_does_not_pass_for_an_installed_module(path):
    os.mkdir("files")
    write_file(name="files/mpmath.py")
    assert "there is another module 'mpmath' already" in gradmix("plugins", "plugins.files=[files/mpmath.py]").stdout


@pytest.mark.parametrize("text", ['{"block": "slow"}', '{"block": [1]}', '{"only": null}', "{", "[]"])
def test_a_choice_in_the_environment_that_cannot_be_read_is_told(path, monkeypatch, text):
    monkeypatch.setenv("GRADMIX_PLUGINS", text)
    ended = gradmix("plugins")
    assert ended.returncode == 2
    assert "GRADMIX_PLUGINS must be JSON such as" in ended.stderr


def test_what_the_import_of_a_lazy_component_does_besides_is_told(path):
    source = "print('here')\nimport threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"
    make_distribution(path, entry_points={"clusterer.lazy": "other_plugin:Groups"}, source=source + CLUSTERER)
    told = doctor("other-plugin:clusterer.lazy")[1]
    assert "it prints or warns when it is imported" in told
    assert "it changes the number of threads when it is imported" in told


def test_a_misspelt_import_is_no_package_to_install(path):
    make_distribution(path, source="import nunpy\n" + CLUSTERER, entry_points={"clusterer.lazy": "other_plugin:Groups"})
    told = gradmix("plugins").stdout
    assert "No module named 'nunpy'" in told
    assert "pip install nunpy" not in told


def test_a_file_that_was_named_and_cannot_be_used_is_an_error(path):
    with open("broken.py", "w") as file:
        file.write("1 / 0")
    for name, reason in {"broken.py": "ZeroDivisionError", "absent.py": "there is no file"}.items():
        refused = gradmix("run", f"plugins.files=[{name}]")
        assert (refused.returncode, reason in refused.stderr) == (2, True)


def test_an_entry_point_of_an_unknown_kind_is_told(path):
    make_distribution(path, entry_points={"clusterers.lazy": "other_plugin:Groups"})
    assert "Did you mean clusterer?" in doctor("other-plugin:clusterers.lazy")[1]


def test_a_package_that_is_missing_is_named_with_the_extra_that_installs_it(path):
    make_distribution(
        path,
        source=CLUSTERER.replace("n_groups: int = 1", "n_groups: int = 1\n    requires = ('no_such_package',)"),
        requires=["no-such-package>=2; extra == 'all'", "more; extra == 'all'", "no-such-package; extra == 'fast'"],
    )
    listed = gradmix("plugins")
    assert listed.returncode == 0
    assert "clusterer groups  not installed: pip install 'other-plugin[fast]'" in listed.stdout
    refused = gradmix("run", "clusterer=groups")
    assert "needs no_such_package, which is not installed: pip install 'other-plugin[fast]'" in refused.stderr


def test_a_plugin_that_asks_for_a_newer_gradmix_is_told_the_command(path):
    make_distribution(path, source=CLUSTERER, requires=["gradmix>=99"])
    told = doctor("other-plugin:other_plugin")[1]
    assert "it requires gradmix>=99, but " in told
    assert "pip install 'gradmix>=99'" in told


def test_names_that_collide_are_told_apart_by_their_distributions(path):
    for name in ("first-plugin", "second-plugin"):
        make_distribution(path, name, source=CLUSTERER, entry_points={"clusterer.groups": f"{name[:-7]}_plugin:Groups"})
    refused = gradmix("run", "clusterer=groups", "--cfg", "job")
    assert "write clusterer=first-plugin:groups or clusterer=second-plugin:groups" in refused.stderr
    chosen = gradmix("run", "clusterer=second-plugin:groups", "--cfg", "job")
    assert "name: second-plugin:groups" in chosen.stdout, chosen.stderr
    alone = gradmix("run", "clusterer=groups", "plugins.block=[first-plugin]", "--cfg", "job")
    assert "name: groups" in alone.stdout, alone.stderr
    documented = gradmix("plugins", "second-plugin:groups")
    assert "(second-plugin 1.0)" in documented.stdout
    assert "gradmix run clusterer=second-plugin:groups" in documented.stdout
    assert "gradmix.clusterer('second-plugin:groups')" in documented.stdout


def test_a_plugin_that_takes_the_name_of_a_built_in_component_changes_no_plain_run(path):
    make_distribution(path, source=CLUSTERER, entry_points={"clusterer.kmeans": "other_plugin:Groups"})
    assert "n_clusters: 2" in gradmix("run", "clusterer=kmeans", "--cfg", "job").stdout
    assert "n_groups: 1" in gradmix("run", "clusterer=other-plugin:kmeans", "--cfg", "job").stdout
    told = "clusterer 'kmeans' is also offered by gradmix:clustering; this one is clusterer=other-plugin:kmeans"
    assert told in doctor("other-plugin:clusterer.kmeans", "plugins.only=[other-plugin]")[1]
    listed = gradmix("plugins")
    assert listed.returncode == 0
    assert told in listed.stdout


@pytest.mark.parametrize(
    ("name", "requires", "group"),
    [("gradmix-mine", [], "gradmix.plugins"), ("mine", ["gradmix>=0.1"], "gradmix_plugins"), ("gradmix_bare", [], "")],
)
def test_a_distribution_whose_entry_points_are_in_another_group_is_named(path, name, requires, group):
    make_distribution(path, name, source=CLUSTERER, requires=requires)
    (points,) = path.glob("*/entry_points.txt")
    points.write_text(points.read_text().replace("[gradmix]", f"[{group}]") if group else "")
    for command in (["plugins"], ["plugins", "doctor", "plugins.block=[gradmix]"]):
        listed = gradmix(*command)
        assert listed.returncode == int("doctor" in command and group != "")
        assert f"{name} 1.0 offers no plugin: it has no entry point in the group 'gradmix'" in listed.stdout
        assert not group or f"gradmix does not read the group {group}" in listed.stdout


@pytest.mark.parametrize("code", ["import os; os._exit(7)", "import ctypes; ctypes.string_at(0)"])
def test_an_import_that_ends_the_process_is_seen(path, code):
    make_distribution(path, source=code)
    ended = gradmix("run", "--cfg", "job")
    assert ended.returncode not in (0, 1, 2)
    assert "other_plugin" in ended.stderr


def test_an_import_that_hangs_is_named_while_it_lasts(path):
    make_distribution(path, source="import threading; threading.Event().wait()")
    command = [sys.executable, "-m", "gradmix", "run", "--cfg", "job"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr.readline() == "importing other-plugin:other_plugin …\n"
        finally:
            process.kill()


def test_plugins_are_left_out_and_chosen_by_name(path):
    for name in ("first-plugin", "second-plugin"):
        source = CLUSTERER.replace("Groups", name.split("-")[0].title())
        make_distribution(path, name, source=source)
    for choice in ("plugins.block=[second-plugin]", "plugins.only=[first-plugin]"):
        listed = gradmix("plugins", choice).stdout
        assert "\n  second " not in listed
        assert "\n  first " in listed
        assert "\n  gmm " in listed
    wrong = gradmix("run", "plugins.block=[secnd-plugin]")
    assert wrong.returncode == 2
    assert "there is no plugin 'secnd-plugin'. Did you mean second-plugin?" in wrong.stderr


def test_a_file_is_a_plugin_in_every_process_of_a_sweep(path):
    write_file()
    sweep = ["-m", "task=differentiate", "differentiator=jump,dual", "pictures=false", "tracking=none"]
    for launcher in ("gradmix", "joblib"):
        ended = gradmix("run", *sweep, "reuse=false", f"hydra/launcher={launcher}", "plugins.files=[jump.py]")
        assert "failed              0" in ended.stdout, ended.stderr
    without = gradmix("resume", "last")
    assert "left out" in without.stderr, without
    assert "'plugins.files=[jump.py]'" in without.stderr
    assert gradmix("resume", "last", "plugins.files=[jump.py]").returncode == 0


def test_a_file_that_is_edited_is_run_again_and_one_that_is_wrong_is_told(path):
    write_file()
    sweep = ["-m", "task=differentiate", "differentiator=jump,dual", "pictures=false", "tracking=none"]
    command = ["run", *sweep, "plugins.files=[jump.py]"]
    assert gradmix(*command).returncode == 0
    assert "of these reused     2" in gradmix(*command).stdout
    write_file("# another\n")
    assert "of these reused     1" in gradmix(*command).stdout
    assert "there is no file" in gradmix("plugins", "plugins.files=[absent.py]").stdout


def test_two_files_of_the_same_name_are_told_apart_from_the_start(path):
    os.mkdir("files")
    for name in ("jump.py", "files/jump.py"):
        write_file(name=name)
    refused = gradmix("plugins", "plugins.files=[jump.py,files/jump.py]")
    assert refused.returncode == 2
    assert "are modules of the same name; rename one of them" in refused.stderr


def test_a_file_is_left_out_as_the_doctor_says(path):
    write_file("1 / 0\n")
    told = gradmix("plugins", "doctor", "plugins.files=[jump.py]").stdout
    assert "plugins.block=[jump.py:jump]" in told
    left_out = gradmix("plugins", "plugins.files=[jump.py]", "plugins.block=[jump.py:jump]")
    assert left_out.returncode == 0, left_out.stderr
    assert "jump" not in left_out.stdout
    assert "jump.py:jump" in gradmix("plugins", "plugins.files=[jump.py]", "plugins.only=[gradmix]").stdout


def test_a_model_is_read_by_the_distribution_that_wrote_it(path):
    source = "import gradmix_clustering.kmeans\nclass KMeans(gradmix_clustering.kmeans.KMeans):\n    pass\n"
    make_distribution(path, source=source, entry_points={"clusterer.kmeans": "other_plugin:KMeans"})
    run = ["run", "clusterer.n_clusters=2", "tracking=none", "pictures=false"]
    choices = {
        "beside": ["clusterer=other-plugin:kmeans"],
        "alone": ["clusterer=kmeans", "plugins.block=[gradmix:clustering]"],
    }
    for name, choice in choices.items():
        assert gradmix(*run, *choice, f"name={name}").returncode == 0
        (model,) = Path("runs", name).glob("*/artifacts/model.json")
        read = f"import gradmix; print(type(gradmix.read_model({str(model)!r})).__module__)"
        ended = subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, timeout=HANGS, check=False)
        assert ended.stdout == "other_plugin\n", ended.stderr


def test_a_config_file_cannot_choose_plugins(path):
    write_file()
    os.makedirs("conf/experiment")
    with open("conf/experiment/mine.yaml", "w") as file:
        file.write("# @package _global_\nplugins:\n  files: [jump.py]\n")
    refused = gradmix("run", "--config-dir", "conf", "experiment=mine")
    assert refused.returncode == 2
    assert "plugins.files" in refused.stderr
    assert "determines which plugins are loaded" in refused.stderr


def write_file(more="", name="jump.py"):
    with open(name, "w") as file:
        file.write(JUMP + more)


JUMP = """
from dataclasses import dataclass

import gradmix


@dataclass
class Jump(gradmix.Differentiator):
    \"\"\"Differences with one big step.\"\"\"

    step: float = 1e-3

    def push(self, f, x, v):
        y = f(x)
        return y, (f(x + self.step * v) - y) / self.step
"""
