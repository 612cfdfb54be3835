import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

import gradmix
from gradmix.config.spec import read_spec
from gradmix.journal.reading import read_run
from gradmix.runs.runner import Order, execute
from gradmix_tasks.differentiate import errors

OURS = ("dual", "tape", "taylor", "finite_difference")


def run(folder, **config):
    return execute(Order(read_spec({"name": "trial", **config}), folder))


def cluster(folder, clusterer, dataset):
    return run(folder, task={"name": "cluster"}, clusterer=clusterer, dataset=dataset)


def test_cluster_scores_mixtures(tmp_path):
    metrics = cluster(tmp_path, {"name": "gmm", "random_state": 0}, {"name": "old_faithful"}).metrics
    assert metrics["bic"] == pytest.approx(2322.192, abs=0.01)
    assert metrics["aic"] == pytest.approx(2 * 1130.264 + 22, abs=0.01)
    assert metrics["icl"] > metrics["bic"]
    assert metrics["converged"] == 1
    assert metrics["n_iter"] >= 2
    assert metrics["time.seconds"] > metrics["time.per_iteration"] > 0
    assert "adjusted_rand_index" not in metrics


def test_cluster_compares_with_labels_where_there_are_any(tmp_path):
    clusterer = {"name": "gmm", "n_components": 3, "n_init": 5, "random_state": 0}
    metrics = cluster(tmp_path, clusterer, {"name": "iris"}).metrics
    assert metrics["adjusted_rand_index"] == pytest.approx(0.904, abs=0.01)  # scikit-learn's and mclust's VVV,3
    assert 0.8 < metrics["normalized_mutual_information"] < 1


def test_cluster_takes_k_means_as_well(tmp_path):
    outcome = cluster(tmp_path, {"name": "kmeans", "random_state": 0}, {"name": "old_faithful"})
    assert outcome.metrics["inertia"] == pytest.approx(8901.7687, abs=0.01)
    model = gradmix.read_model(tmp_path / "artifacts" / "model.json")
    assert model.cluster_centers_.shape == (2, 2)


def test_cluster_tells_of_its_data(tmp_path):
    cluster(tmp_path, {"name": "kmeans", "random_state": 0}, {"name": "wine", "standardise": True})
    (told,) = read_run(tmp_path).events_named("result")[-1]["inputs"]
    assert (told["name"], told["rows"], len(told["columns"])) == ("wine", 178, 13)


@pytest.mark.parametrize("clusterer", ["gmm", "kmeans"])
def test_a_model_of_prepared_data_takes_rows_as_they_were_read(tmp_path, clusterer):
    dataset = {"name": "digits", "standardise": True, "drop_constant": True}
    cluster(tmp_path, {"name": clusterer, "random_state": 0, "max_iter": 5}, dataset)
    model = gradmix.read_model(tmp_path / "artifacts" / "model.json")
    raw = load_digits().data
    varying = raw[:, raw.std(axis=0) > 0]
    scaled = StandardScaler().fit_transform(varying)
    assert model.model_.predict(scaled).tolist() == model.predict(raw).tolist()
    assert len(set(model.predict(raw))) == 2
    assert model.fit(varying[:, :2]).predict(varying[:, :2]).tolist() == model.labels_.tolist()  # fitted anew: as given


def differentiate(folder, differentiator, problem):
    return run(folder, task={"name": "differentiate"}, differentiator=differentiator, problem=problem)


def test_differentiate_measures_error_evaluations_and_time(tmp_path):
    metrics = differentiate(tmp_path, {"name": "tape"}, {"name": "rosenbrock", "n": 10}).metrics
    assert metrics["derivative_error"] <= 1e-15
    assert metrics["derivative_error_ulp"] <= 4
    assert metrics["function_evaluations"] == 1
    assert metrics["time.seconds"] > 0
    assert metrics["time.ratio_to_function"] > 1
    answer = json.loads((tmp_path / "artifacts" / "gradient.json").read_text())
    np.testing.assert_allclose(answer["computed"], answer["exact"], rtol=1e-14)
    assert (tmp_path / "artifacts" / "derivative.png").read_bytes().startswith(b"\x89PNG")


def test_what_a_differentiator_says_of_its_result_is_logged(tmp_path):
    outcome = differentiate(tmp_path, {"name": "finite_difference"}, {"name": "rosenbrock", "n": 10, "x": [1.5] * 10})
    assert outcome.metrics["derivative_error"] <= outcome.metrics["estimated_error"] <= 1e-9
    assert outcome.metrics["function_evaluations"] <= 12 * 10 + 1
    assert read_run(tmp_path).remarks == {"derivative": "converged"}


def test_a_result_that_is_not_reliable_is_called_so(tmp_path):
    (tmp_path / "own.py").write_text("def f(x):\n    return abs(x)\n")
    (tmp_path / "run").mkdir()
    problem = {"name": "python", "path": f"{tmp_path}/own.py:f", "x": 0.0}
    outcome = differentiate(tmp_path / "run", {"name": "finite_difference"}, problem)
    assert outcome.metrics["estimated_error"] == pytest.approx(1.0)
    assert read_run(tmp_path / "run").remarks["derivative"] == "unreliable: a jump or a kink of the function"


def test_entries_that_are_not_finite_are_reported(tmp_path):
    (tmp_path / "own.py").write_text("import numpy as np\n\n\ndef f(x):\n    return np.sum(np.sqrt(x))\n")
    (tmp_path / "run").mkdir()
    problem = {"name": "python", "path": f"{tmp_path}/own.py:f", "x": [0.0, 1.0], "operator": "gradient"}
    with pytest.warns(UserWarning, match="infinite at 0"):
        differentiate(tmp_path / "run", {"name": "tape"}, problem)
    assert read_run(tmp_path / "run").remarks["derivative"] == "unreliable: 1 of 2 entries are not finite"


def test_without_an_exact_answer_there_is_no_error_but_a_result(tmp_path):
    (tmp_path / "own.py").write_text("def f(x):\n    return x * x\n")
    (tmp_path / "run").mkdir()
    problem = {"name": "python", "path": f"{tmp_path}/own.py:f", "x": 3.0}
    metrics = differentiate(tmp_path / "run", {"name": "dual"}, problem).metrics
    assert "derivative_error" not in metrics
    assert json.loads((tmp_path / "run" / "artifacts" / "derivative.json").read_text())["computed"] == 6.0
    assert read_run(tmp_path / "run").remarks == {"computed": "6."}


@pytest.mark.parametrize(("n", "shown"), [(3, "[2., 4., 6.]"), (11, None)])
def test_a_small_derivative_without_an_exact_answer_is_shown(tmp_path, n, shown):
    (tmp_path / "own.py").write_text("def f(x):\n    return (x * x).sum()\n")
    (tmp_path / "run").mkdir()
    x = [1.0 + i for i in range(n)]
    problem = {"name": "python", "path": f"{tmp_path}/own.py:f", "x": x, "operator": "gradient"}
    assert differentiate(tmp_path / "run", {"name": "tape"}, problem).status == "finished"
    assert read_run(tmp_path / "run").remarks.get("computed") == shown


def test_errors_are_relative_where_the_truth_is_large_and_absolute_where_it_is_small():
    assert errors([1e6 + 1, 0.0], [1e6, 1e-3])["derivative_error"] == pytest.approx(1e-3)
    assert errors([1e6 + 1], [1e6])["derivative_error"] == pytest.approx(1e-6)
    assert errors([np.nextafter(3.0, 4.0)], [3.0])["derivative_error_ulp"] == 1.0
    with pytest.raises(gradmix.NumericalError, match="shape"):
        errors([1.0, 2.0], [1.0])


def test_every_pair_of_differentiator_and_problem_runs(tmp_path):
    for differentiator in ("dual", "tape", "finite_difference"):
        for problem in ("cubic", "polynomial", "lecture", "rosenbrock", "heron"):
            folder = tmp_path / f"{differentiator}-{problem}"
            folder.mkdir()
            outcome = differentiate(folder, {"name": differentiator}, {"name": problem})
            assert outcome.metrics["derivative_error"] < 1e-9


@pytest.mark.processes
def test_check_scores_a_component_and_leaves_the_report(tmp_path):
    done = run(tmp_path, task={"name": "check", "component": "cubic", "options": {"x": 2.0}})
    assert done.metrics["checks.failed"] == 0
    assert done.metrics["conformance"] == 1
    report = json.loads((tmp_path / "artifacts" / "report.json").read_text())
    assert report["options"] == {"x": 2.0}
    assert report["passed"] == done.metrics["checks.passed"] == sum(c["status"] == "passed" for c in report["checks"])
    steps = [iteration["step"] for iteration in read_run(tmp_path).iterations]
    assert steps == list(range(1, len(report["checks"]) + 1))


@pytest.mark.parametrize("task", [{"component": "no_such"}, {"component": "cubic", "only": ["no_such"]}])
def test_check_is_refused_before_it_runs(task):
    spec = read_spec({"name": "trial", "task": {"name": "check", **task}})
    with pytest.raises(gradmix.ConfigError, match="no_such"):
        spec.task.preflight()


@pytest.mark.processes
@pytest.mark.parametrize(
    ("made", "work"),
    [
        *((f"differentiator({name!r})", "gradient(lambda x: (x * x).sum(), [1.0, 2.0])") for name in OURS),
        ("clusterer('gmm_gradient', max_iter=2)", "fit([[0.0], [0.2], [5.0], [5.2]])"),
    ],
)
def test_nothing_large_is_imported_within_the_work(made, work):
    program = (
        "import sys, gradmix\n"
        f"part = gradmix.{made}\n"
        "for each in (part, *vars(part).values()):\n"
        "    if isinstance(each, gradmix.Component):\n"
        "        each.setup()\n"
        "before = set(sys.modules)\n"
        f"part.{work}\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    late = set(done.stdout.split())
    assert {each for each in late if each.startswith(("scipy", "gradmix_autodiff", "gradmix_differences"))} == set()
