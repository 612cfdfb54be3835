"""Chosen metrics and events as a person has them: in runs, sweeps, plans and comparisons, and in MLflow."""

import pytest

from conftest import all_runs, command, journals

run, resume, compare, plugins = map(command, ("run", "resume", "compare", "plugins"))
pytestmark = pytest.mark.processes

PLAIN = ["pictures=false", "tracking=none"]
FAST = [*PLAIN, "hydra/launcher=basic"]
"""In this process, where the worker of our own launcher is not the point."""
SLOW = ["clusterer.n_components=3", "clusterer.tol=0"]


def runs():
    return [events for events in journals() if events[0]["kind"] == "run"]


def test_a_run_that_was_stopped_says_by_whom_and_why_everywhere(gradmix_command, client):
    out, err = gradmix_command("run", "events=patience", "metric=[silhouette]", *SLOW, "pictures=false")
    assert err == ""
    assert "stopped             by patience: log_likelihood gained 0.000946 in 5 iterations" in out
    assert "converged           no" in out
    assert "silhouette          0." in out
    (tracked,) = all_runs(client)
    assert tracked.data.tags["gradmix.stopped"] == "patience: log_likelihood gained 0.000946 in 5 iterations"
    assert tracked.data.params["events.patience.rounds"] == "5"
    assert tracked.data.params["metric.silhouette"] == "silhouette"
    assert 0 < tracked.data.metrics["silhouette"] < 1
    assert tracked.data.metrics["converged"] == 0


def test_lists_are_swept_over_planned_and_taken_up_again(empty_folder, capsys):
    sweep = ["-m", "metric=[silhouette],[silhouette,davies_bouldin]", "clusterer.n_components=1,2", *FAST]
    assert run(sweep) == 0
    out = capsys.readouterr().out
    assert "3/4  metric=[silhouette,davies_bouldin], clusterer.n_components=1" in out
    measured = [{"silhouette", "davies_bouldin"} & events[-2]["metrics"].keys() for events in runs()]
    assert sorted(map(len, measured)) == [1, 1, 2, 2]
    assert run([*sweep, "--plan"]) == 0
    out = capsys.readouterr().out
    assert "metric=[silhouette,davies_bouldin] clusterer.n_components=2" in out
    assert "4 jobs: 4 done" in out
    assert resume(["last", "--plan"]) == 0
    assert "4 jobs: 4 done" in capsys.readouterr().out
    assert resume(["last", "metric=[davies_bouldin]"]) == 2
    assert "would change the results of the sweep" in capsys.readouterr().err


def test_options_of_a_rule_are_swept_over(empty_folder, capsys):
    assert run(["-m", "events=[patience]", "events.patience.rounds=2,5,2000", *SLOW, *FAST]) == 0
    out = capsys.readouterr().out
    assert out.count("stopped by patience") == 2
    iterations = {events[0]["params"]["events.patience.rounds"]: len(events) for events in runs()}
    assert iterations[2] < iterations[5] < iterations[2000]
    assert compare([]) == 0
    assert "3 runs: 3 finished, 2 of them stopped early" in capsys.readouterr().out


def test_what_fits_no_job_is_told_by_the_plan(empty_folder, capsys):
    arguments = ["-m", "task=differentiate", "metric=[silhouette],[relative_error_l2]", *FAST]
    assert run([*arguments, "--plan"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "metric.silhouette needs data, groups, which is not in the answer of the task Differentiate" in out
    assert "1 new, 1 impossible" in out


def test_runs_are_ranked_by_a_plugins_metric_the_right_way_round(empty_folder, capsys):
    metric = "metric=[silhouette,davies_bouldin]"
    assert run(["-m", "clusterer=kmeans", "clusterer.n_clusters=2,5", metric, *FAST]) == 0
    capsys.readouterr()
    assert compare(["--metric", "silhouette"]) == 0
    assert "n_clusters=2 is best by silhouette: 0.7" in (out := capsys.readouterr().out)
    assert "(higher is better)" in out
    assert compare(["--metric", "davies_bouldin"]) == 0
    assert "(lower is better)" in capsys.readouterr().out


def test_a_search_is_after_a_plugins_metric(empty_folder, capsys):
    pytest.importorskip("optuna")
    search = ["hydra/sweeper=gradmix_optuna", "hydra.sweeper.n_trials=2", "hydra.sweeper.metric=silhouette"]
    assert run(["-m", *search, "metric=[silhouette]", "clusterer.n_components=range(2,4)", *FAST]) == 0
    assert "better direction" not in capsys.readouterr().err


@pytest.mark.slow
def test_other_launchers_take_them_too(empty_folder, capsys):
    arguments = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "events=[patience]", "metric=[silhouette]"]
    assert run(["-m", "seed=1,2", *arguments, *SLOW, *PLAIN]) == 0
    assert capsys.readouterr().out.count("stopped by patience") == 2


def test_a_watcher_that_was_not_there_makes_no_new_result(empty_folder, capsys):
    assert run(["-m", "seed=1,2", *FAST]) == 0
    capsys.readouterr()
    assert run(["-m", "seed=1,2", "events=[silhouette_plot]", *FAST, "--plan"]) == 0
    assert "2 jobs: 2 done" in capsys.readouterr().out
    assert run(["-m", "seed=1,2", "events=[patience]", *FAST, "--plan"]) == 0
    assert "2 jobs: 2 new" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("patience", ["events.patience.rounds = 5", "gradmix run events=patience"]),
        ("notify", ["events.notify.url = (required)", "gradmix run events=notify events.notify.url=…"]),
        ("silhouette", ["metric.silhouette.sample_size = null", "gradmix run metric=silhouette"]),
    ],
)
def test_a_component_of_theirs_is_documented_as_one_types_it(capsys, name, said):
    assert plugins([name]) == 0
    out = capsys.readouterr().out
    for each in said:
        assert each in out
