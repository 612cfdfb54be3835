"""`gradmix run` as a person uses it: in an empty folder, and in a process of its own where signals or MLflow matter."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from conftest import HANGS, all_runs, journals
from gradmix.cli.main import main
from gradmix.config.files import config_folder, own_folder

pytestmark = pytest.mark.processes

LONG = [
    *("clusterer.n_components=8", "clusterer.tol=0", "clusterer.max_iter=1000000", "clusterer.init_params=random"),
    *("dataset=mixture", "dataset.n=20000", "pictures=false"),
]


def points(client, run, key):
    return [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, key)]


def test_the_main_job_fits_old_faithful_and_is_tracked(gradmix_command, client):
    out, err = gradmix_command("run")
    assert err == ""
    lines = [line for line in out.splitlines() if line.startswith("iteration")]
    (events,) = journals()
    assert len(lines) == len([event for event in events if event["event"] == "iteration"]) > 2
    assert "log_likelihood      -1130.26" in out
    assert "gradmix ui" in out
    (run,) = all_runs(client)
    assert run.info.status == "FINISHED"
    assert client.get_experiment(run.info.experiment_id).name == "cluster"
    curve = points(client, run, "log_likelihood")
    assert [step for step, _ in curve] == list(range(1, len(lines) + 1))
    assert curve[-1][1] == pytest.approx(-1130.2640, abs=0.01)
    assert run.data.params["clusterer"] == "gmm"
    assert run.data.params["clusterer.covariance_type"] == "full"
    assert run.data.params["dataset"] == "old_faithful"
    assert run.data.metrics["converged"] == 1
    assert run.data.tags["gradmix.run_key"] == events[0]["run_key"]
    artifacts = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert artifacts == {"config.yaml", "model", "model.json", "fit.png"}
    model = json.loads(Path(client.download_artifacts(run.info.run_id, "model.json")).read_text())
    assert sum(model["model"]["weights"]) == pytest.approx(1.0)
    assert not list(Path().glob("mlruns*/*"))  # MLflow 3.8 makes an empty folder


def test_a_sweep_is_a_parent_with_its_runs_nested(gradmix_command, client):
    out, _ = gradmix_command("run", "-m", "clusterer.n_components=1,2,3", "pictures=false")
    assert "3/3" in out
    runs = {run.info.run_name: run for run in all_runs(client)}
    parent = runs.pop("n_components sweep")
    assert set(runs) == {f"{k} (n_components)" for k in (1, 2, 3)}
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    assert {run.info.status for run in [parent, *runs.values()]} == {"FINISHED"}
    assert parent.data.metrics == {"done": 3, "failed": 0, "best.bic": pytest.approx(2322.1918, abs=0.01)}
    assert parent.data.tags["gradmix.best"] == "bic 2322.19: clusterer.n_components=2"
    best = runs["2 (n_components)"].data.metrics["log_likelihood"]
    assert best == pytest.approx(-1130.2640, abs=0.01)


def test_a_sweep_with_hydras_own_launcher_named(gradmix_main, folder_with_store):
    out, _ = gradmix_main("run", "-m", "hydra/launcher=basic", "seed=1,2", "pictures=false", "tracking=none")
    assert "2/2" in out


def test_a_failing_job_does_not_stop_a_sweep_and_the_exit_code_tells(gradmix_command, client):
    arguments = ["clusterer.reg_covar=0", "clusterer.tol=0", "pictures=false"]
    out, _ = gradmix_command("run", "-m", "clusterer.n_components=2,120", *arguments, code=1)
    assert "2/2  clusterer.n_components=120  failed: " in out
    assert "singular" in out
    assert sorted(run.info.status for run in all_runs(client)) == ["FAILED", "FINISHED", "FINISHED"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["clusterer.n_component=3"], "Did you mean clusterer.n_components?"),
        (["clusterer.n_components=two"], "clusterer.n_components must be an integer > 0; given: 'two'"),
        (["-m", "clusterer.n_components=2,x"], "1 of the 2 combinations cannot be run; nothing was started"),
        (["clusterer.sigma=2"], "clusterer.sigma=2.0 has no effect: update=all estimates the variances"),
        (["-m", "clusterer.sigma=1,null"], "1 of the 2 combinations cannot be run; nothing was started"),
        (["--config-dir", "nowhere"], "nowhere"),
    ],
)
def test_a_wrong_command_line_ends_with_one_message_and_leaves_nothing(gradmix_main, empty_folder, overrides, message):
    out, err = gradmix_main("run", *overrides, code=2)
    assert out == ""
    assert message in err
    assert not list(empty_folder.rglob("journal.jsonl"))


def written(path, text="# @package _global_\nseed: 3\n"):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


BY_PATH = ["conf/experiment/mine.yaml", "./conf/experiment/mine.yaml", "conf/experiment/mine"]


@pytest.mark.parametrize("typed", ["mine", "mine.yaml", *BY_PATH])
def test_an_experiment_that_is_a_file_here_is_told_how_to_be_found(empty_folder, capsys, typed):
    written("conf/experiment/mine.yaml")
    assert main(["run", f"experiment={typed}"]) == 2
    err = capsys.readouterr().err
    assert f"there is no config experiment={typed}." in err
    assert "type --config-dir=conf experiment=mine\n" in err


@pytest.mark.parametrize("typed", BY_PATH)
@pytest.mark.parametrize("given", [["--config-dir=conf"], []])
def test_an_experiment_is_given_by_its_name_not_by_its_path(empty_folder, capsys, typed, given):
    written("conf/experiment/mine.yaml")
    if not given:
        Path("conf").rename("configs")
        typed = typed.replace("conf/", "configs/")
    assert main(["run", *given, f"experiment={typed}"]) == 2
    assert "mine.yaml, type experiment=mine\n" in capsys.readouterr().err


def test_a_config_beside_no_folder_of_its_group_is_told_where_it_belongs(empty_folder, capsys):
    written("loose.yaml")
    assert main(["run", "experiment=loose.yaml"]) == 2
    assert "move loose.yaml to configs/experiment/loose.yaml, and type experiment=loose" in capsys.readouterr().err


def test_configs_of_ones_own_are_found_in_the_folder_configs_and_listed(gradmix_main, empty_folder):
    written("configs/experiment/mine.yaml")
    written("configs/dataset/lab.yaml", "defaults: [iris]\nstandardise: true\n")
    written("configs/config.yaml", "nonsense: 1\n")  # another application's, say
    written("configs/clusterer/gmm.yaml", "nonsense: 1\n")  # gradmix's own has the name
    gradmix_main("run", "experiment=mine", "dataset=lab", "tracking=none", "pictures=false")
    ((started, *_),) = journals()
    assert (started["params"]["seed"], started["params"]["dataset.standardise"]) == (3, True)
    out, _ = gradmix_main("run", "--help")
    assert re.search(r"^experiment: .*\bmine\b", out, re.M)
    assert re.search(r"^dataset: .*\blab\b", out, re.M)
    assert "configs/experiment/mine.yaml is experiment=mine" in out
    written("other/experiment/theirs.yaml")
    out, _ = gradmix_main("run", "--help", "--config-dir=other")
    assert "theirs" in out
    assert not re.search(r"^experiment: .*\bmine\b", out, re.M)


def test_a_strangers_folder_configs_sets_values_only(empty_folder, capsys):
    written("configs/experiment/theirs.yaml", "# @package _global_\nproblem: {path: 'os:system'}\n")
    assert main(["run", "task=differentiate", "problem=python", "experiment=theirs", "problem.x=1.0"]) == 2
    assert "configs/experiment/theirs.yaml does)" in capsys.readouterr().err


def test_the_folder_of_gradmixs_own_configs_is_not_taken_twice(monkeypatch):
    monkeypatch.chdir(config_folder().parent)
    assert own_folder() is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clusterer: {max_iter: 2}", "mine.yaml sets values of experiment, because it is in a folder of that name"),
        ("words", "mine.yaml: a config file must be a mapping of keys to values, not a string"),
    ],
)
def test_an_experiment_that_sets_nothing_of_the_run_is_named(empty_folder, capsys, text, message):
    Path("conf/experiment").mkdir(parents=True)
    Path("conf/experiment/mine.yaml").write_text(text)
    assert main(["run", "--config-dir=conf", "experiment=mine"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n3,nan\n", "the first is row 1 (counted from 0); missing values by column: 'b' 1"),
        ("a,b\n1,2\n3,oops\n", "column 'b' has text, such as 'oops' in row 1"),
        ("a,b\n1,5\n1,5\n1,5\n", "every column is constant"),
        ("1,2\n3,4\n5,6\n", "dataset.header=false"),
        ("", "is empty"),
        ("a,b\n", "no rows"),
        ("1.5,1.5\n2,3\n4,7\n", "dataset.header=false"),
        ("a,b\n1000,1,2\n1001,3,4\n", "3 fields, more than the 2"),
    ],
)
def test_bad_data_end_with_one_message(gradmix_main, empty_folder, content, message):
    Path("data.csv").write_text(content)
    _, err = gradmix_main("run", "dataset=file", "dataset.path=data.csv", "tracking=none", code=1)
    assert message in err
    assert journals()[0][-1]["event"] == "failed"


def test_a_pickled_array_is_not_opened(gradmix_main, empty_folder):
    import numpy as np

    np.save("data.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    _, err = gradmix_main("run", "dataset=file", "dataset.path=data.npy", "tracking=none", code=1)
    assert "allow_pickle" in err or "pickle" in err


def test_a_folder_that_cannot_be_written(gradmix_main, empty_folder):
    Path("runs").write_text("a file, not a folder")
    _, err = gradmix_main("run", code=1)
    assert "cannot write to" in err
    assert "runs_dir=" in err


def start_and_wait_for_iterations(gradmix_command, *arguments):
    process = gradmix_command.start("run", *LONG, *arguments)
    deadline = time.monotonic() + HANGS
    while time.monotonic() < deadline:
        if any(len(path.read_text().splitlines()) > 3 for path in Path("runs").rglob("journal.jsonl")):
            return process
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError("no iteration came")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_keeps_its_journal_and_is_killed_in_mlflow(gradmix_command, client, number, code):
    process = start_and_wait_for_iterations(gradmix_command)
    process.send_signal(number)
    _, err = process.communicate(timeout=HANGS)
    assert process.returncode == code, err
    assert "everything in the journal is kept" in err
    (events,) = journals()
    assert events[-1]["event"] == "interrupted"
    (run,) = all_runs(client)
    assert run.info.status == "KILLED"
    assert len(points(client, run, "log_likelihood")) == len(events) - 2


def test_a_killed_run_is_brought_in_by_the_next_run_and_by_sync_once(gradmix_command, gradmix_main, client):
    process = start_and_wait_for_iterations(gradmix_command)
    process.kill()
    process.wait()
    (events,) = journals()
    gradmix_command("run", "pictures=false")
    statuses = {run.data.params["dataset"]: run.info.status for run in all_runs(client)}
    assert statuses == {"mixture": "KILLED", "old_faithful": "FINISHED"}
    (killed,) = (run for run in all_runs(client) if run.info.status == "KILLED")
    assert len(points(client, killed, "log_likelihood")) == len([e for e in events if e["event"] == "iteration"])
    out, _ = gradmix_main("sync")
    assert out.startswith("0 journal(s)")


def test_an_interrupted_sweep_stops_and_keeps_what_it_has(gradmix_command, client):
    process = start_and_wait_for_iterations(gradmix_command, "-m", "seed=1,2,3")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=HANGS)
    assert process.returncode == 130
    assert "not reached" in out
    assert "killed: interrupted" in out
    runs = all_runs(client)
    assert {run.info.status for run in runs} == {"KILLED"}
    assert {run.data.tags["gradmix.kind"] for run in runs} == {"run", "sweep"}


def test_a_server_that_is_not_there_costs_a_warning_and_sync_brings_all_in(gradmix_command, gradmix_main, client):
    _, err = gradmix_command("run", "tracking=server", "tracking.uri=http://127.0.0.1:1", "pictures=false")
    assert "Nothing is lost" in err
    assert all_runs(client) == []
    out, _ = gradmix_main("sync")
    assert out.startswith("1 journal(s)")
    assert [run.info.status for run in all_runs(client)] == ["FINISHED"]


def test_a_run_that_was_not_to_be_tracked_waits_for_sync(gradmix_command, gradmix_main, client):
    gradmix_command("run", "tracking=none", "seed=1", "pictures=false")
    gradmix_command("run", "seed=2", "pictures=false")
    assert [run.data.params["seed"] for run in all_runs(client)] == ["2"]
    gradmix_main("sync")
    assert sorted(run.data.params["seed"] for run in all_runs(client)) == ["1", "2"]


def test_a_config_folder_of_ones_own(gradmix_main, empty_folder):
    folder = Path("mine") / "clusterer"
    folder.mkdir(parents=True)
    (folder / "three.yaml").write_text("defaults: [gmm]\nn_components: 3\ncovariance_type: tied\n")
    gradmix_main("run", "--config-dir", "mine", "clusterer=three", "tracking=none", "pictures=false")
    (events,) = journals()
    assert events[0]["params"]["clusterer"] == "gmm"
    assert events[0]["params"]["clusterer.n_components"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config-dir", "mine", "clusterer=broken"], "broken.yaml: it is not valid YAML"),
        (["--config-name", "nowhere"], "no config nowhere"),
        (["hydra.job.chdir=true"], "runs_dir"),
        (["-m", "tracking=none,server"], "tracking: all jobs of a sweep have the same value"),
        (["tracking.uri=''"], "tracking=none"),
    ],
)
def test_configs_that_cannot_be_used_are_explained(gradmix_main, empty_folder, arguments, message):
    folder = Path("mine") / "clusterer"
    folder.mkdir(parents=True)
    (folder / "broken.yaml").write_text("n: [\n")
    _, err = gradmix_main("run", *arguments, code=2)
    assert message in err


def test_a_reader_that_goes_away_does_not_end_the_run(gradmix_command, empty_folder):
    process = gradmix_command.start("run", "tracking=none", "clusterer.n_init=50", "pictures=false")
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=HANGS) == 0, process.stderr.read()
    assert journals()[0][-1]["event"] == "finished"


def test_a_function_of_ones_own(gradmix_command, empty_folder):
    Path("own.py").write_text("import numpy as np\ndef f(x):\n    return np.exp(x[0]) * x[1]\n")
    overrides = ["problem.path=own:f", "problem.x=[0.0,3.0]", "problem.operator=gradient"]
    gradmix_command("run", "task=differentiate", "problem=python", *overrides, "tracking=none")
    (answer,) = Path("runs").rglob("gradient.json")
    assert json.loads(answer.read_text())["computed"] == [3.0, 1.0]


@pytest.mark.parametrize("flags", [["--cfg", "job"], ["--info", "defaults"], ["--help"]])
def test_hydras_questions_are_answered(gradmix_command, empty_folder, flags):
    out, _ = gradmix_command("run", *flags)
    assert "clusterer" in out
    assert not list(empty_folder.iterdir())


def test_a_config_is_shown_with_the_values_that_a_run_gets(empty_folder, capsys):
    assert main(["run", "clusterer.k=4", "--cfg", "job", "--package", "clusterer"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert (shown["n_components"], shown["k"]) == (4, "${.n_components}")
    assert main(["run", "clusterer.k=4", "--cfg", "all", "--resolve"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["clusterer"]["n_components"] == 4
    assert "k" not in shown["clusterer"]
    assert shown["hydra"]["overrides"]["task"] == ["clusterer.k=4"]
    assert main(["run", "clusterer.k=4", "clusterer.n_components=2", "--cfg", "job"]) == 2
    assert "two values" in capsys.readouterr().err
    assert main(["run", "-m", "clusterer=kmeans,gmm", "clusterer.n_clusters=4", "--cfg", "job"]) == 0
    assert "clusterer" in yaml.safe_load(capsys.readouterr().out)
    assert main(["run", "--cfg", "job", "--package", "clusterers"]) == 2
    assert "the config has no such part" in capsys.readouterr().err


HEAVY = ["mlflow", "sklearn", "matplotlib", "numba", "pandas", "pydantic", "scipy", "rich"]


def test_help_loads_nothing_heavy(empty_folder):
    program = f"""
import sys
from gradmix.cli.main import main
try:
    main(["run", "--help"])
except SystemExit:
    pass
print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert re.search("^clusterer: .*gmm, gmm_gradient, kmeans", done.stdout, re.M)
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gradmix ", {"run", "sync", "plugins", "ui"}),
        ("gradmix run cluste", {"clusterer="}),
        ("gradmix run clusterer=", {"clusterer=gmm", "clusterer=kmeans"}),
        ("gradmix run clusterer.n_c", {"clusterer.n_components="}),
        ("gradmix run --plan -m clusterer.n_c", {"clusterer.n_components="}),
    ],
)
def test_tab_completion(gradmix_command, empty_folder, line, expected):
    out, _ = gradmix_command("-sc", "query=bash", env={"COMP_LINE": line, "COMP_POINT": str(len(line))})
    assert expected <= set(out.split())
