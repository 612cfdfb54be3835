"""`gradmix reproduce`: a run made again, and whether it is the same."""

import re

import pytest

from conftest import all_runs, journals
from gradmix.cli.main import main
from gradmix.journal.reading import read_run
from gradmix.journal.writing import Journal
from made_journals import edit

FAST = ["tracking=none", "pictures=false"]
RUN = [*FAST, "clusterer.n_components=3", "clusterer.n_init=2"]


@pytest.fixture
def reproduce(gradmix_main):
    """The command: what it prints, by line; what goes wrong."""

    def call(*arguments, code=0):
        out, err = gradmix_main("reproduce", *arguments, code=code)
        assert len(err.strip().splitlines()) == (code == 2), err
        return {
            name: text.strip() for name, text in (re.split(r"\s{2,}", line, maxsplit=1) for line in out.splitlines())
        }, err

    return call


def test_a_run_is_the_same_again_by_folder_and_by_key(empty_folder, reproduce):
    assert main(["run", *RUN]) == 0
    folder = next((empty_folder / "runs" / "cluster").iterdir())
    for name in (str(folder), read_run(folder).run_key[:12]):
        rows, _ = reproduce(name)
        assert rows["result"] == "identical to the last bit"
        assert re.fullmatch(r"\d+ values of \d+ iterations and the final metrics and the model", rows["compared"])
    assert len(journals()) == 1


def test_a_job_of_a_sweep_is_the_same_alone(empty_folder, reproduce):
    assert main(["run", "-m", *FAST, "clusterer=gmm,kmeans", "dataset=iris", "hydra/launcher=basic"]) == 0
    for number in (1, 2):
        rows, _ = reproduce(f"last/{number}")
        assert rows["result"] == "identical to the last bit"
    _, err = reproduce("last", code=2)
    assert "job by job" in err


def test_a_run_is_found_by_its_id_in_mlflow(folder_with_store, client, gradmix_command):
    gradmix_command("run", "pictures=false", "clusterer.init_params=random", "clusterer.max_iter=3")
    (run,) = all_runs(client)
    out, _ = gradmix_command("reproduce", run.info.run_id)
    assert "identical to the last bit" in out
    assert len(all_runs(client)) == 1


def test_a_result_that_differs_is_said_value_by_value(empty_folder, reproduce):
    assert main(["run", *RUN]) == 0
    folder = next((empty_folder / "runs" / "cluster").iterdir())
    bic = read_run(folder).metrics["bic"]
    edit(folder, lambda text: text.replace(f'"bic": {bic!r}', f'"bic": {bic + 1!r}'))
    rows, _ = reproduce("last", "--keep", "again", code=1)
    assert rows["result"].startswith("different: 1 of ")
    assert rows["bic"].startswith(f"was {bic + 1!r}, is {bic!r}")
    assert read_run(empty_folder / "again").metrics["bic"] == bic


def test_changed_data_are_one_clear_error_and_moved_ones_can_be_named(empty_folder, reproduce):
    data = empty_folder / "data.csv"
    data.write_text("a,b\n" + "".join(f"{i},{i * i % 7}\n" for i in range(30)))
    assert main(["run", *FAST, "dataset=file", "dataset.path=data.csv"]) == 0
    data.rename(empty_folder / "moved.csv")
    _, err = reproduce("last", code=2)
    assert "data.csv" in err
    rows, _ = reproduce("last", "dataset.path=moved.csv")
    assert rows["result"] == "identical to the last bit"
    assert rows["dataset.path"] == "was data.csv, is moved.csv"
    (empty_folder / "moved.csv").rename(data)
    data.write_text(data.read_text() + "1,2\n")
    _, err = reproduce("last", code=2)
    assert "changed since (dataset.path=data.csv)" in err


PLUGIN = '''
from dataclasses import dataclass
import gradmix

@dataclass
class Guarded(gradmix.Clusterer[gradmix.Centers]):
    """Needs a token."""

    objective = gradmix.Objective("distance", maximise=False)
    token: str = ""

    def iterate(self, X, rng):
        yield gradmix.Iteration(gradmix.Centers(X[:1]), {"distance": float(len(self.token))}, converged=True)

@gradmix.hookimpl
def gradmix_components():
    return {"clusterer": {"guarded": Guarded}}
'''


def test_a_missing_plugin_and_a_secret_have_to_be_given_again(empty_folder, gradmix_command):
    (empty_folder / "guarded.py").write_text(PLUGIN)
    plugin = "plugins.files=[guarded.py]"
    gradmix_command("run", *FAST, plugin, "clusterer=guarded", "clusterer.token=abcdefgh")
    _, err = gradmix_command("reproduce", "last", "clusterer.token=abcdefgh", code=2)
    assert "guarded" in err
    assert err.count(plugin) == 1
    _, err = gradmix_command("reproduce", "last", plugin, code=2)
    assert "clusterer.token is a secret" in err
    assert "It used the plugin file" not in err
    out, _ = gradmix_command("reproduce", "last", plugin, "clusterer.token=abcdefgh")
    assert "identical to the last bit" in out
    gradmix_command("reproduce", "last", plugin, "clusterer.token=abcdefg", code=1)


def test_a_plugin_that_is_not_installed_is_named(empty_folder, reproduce):
    assert main(["run", *RUN]) == 0
    folder = next((empty_folder / "runs" / "cluster").iterdir())
    change = {
        '"clusterer": {"name": "gmm"': '"clusterer": {"name": "gone"',
        '"clusterer": "gradmix ': '"clusterer": "gone-away ',
    }
    for was, now in change.items():
        edit(folder, lambda text, was=was, now=now: text.replace(was, now))
    _, err = reproduce("last", code=2)
    assert "gone" in err
    assert "gone-away" in err
    assert "not installed" in err


def test_code_that_a_journal_names_is_run_only_if_it_is_named_again(empty_folder, reproduce):
    (empty_folder / "mine.py").write_text("def f(x):\n    raise ValueError('no')\n")
    code = "problem.path=mine.py:f"
    assert main(["run", *FAST, "task=differentiate", "problem=python", code, "problem.x=2.0"]) == 1
    _, err = reproduce("last", code=2)
    assert code in err
    for more in (code, "--as-before"):
        rows, _ = reproduce("last", more)
        assert rows["result"] == "identical: it failed with the same error"


def test_what_has_no_result_or_makes_no_sense_is_refused(empty_folder, reproduce):
    folder = empty_folder / "runs" / "cluster" / "killed"
    folder.mkdir(parents=True)
    journal = Journal(folder)
    journal.write("started", format=1, kind="run", label="killed", name="cluster", config={})
    journal.close()
    _, err = reproduce("killed", code=2)
    assert "its status is killed" in err
    assert main(["run", *RUN]) == 0
    _, err = reproduce("last", "clusterer.n_component=4", code=2)
    assert "Did you mean clusterer.n_components?" in err
    _, err = reproduce("last", "seed=1,2", code=2)
    assert "one value" in err
