"""`gradmix show`: a run in a few lines, and its picture."""

import pytest

from gradmix.cli.main import main


@pytest.fixture
def ran(empty_folder):
    """A finished run and one that failed, without tracking."""
    fast = ["tracking=none", "pictures=false", "clusterer.max_iter=3"]
    assert main(["run", *fast, "clusterer.n_components=3"]) == 0
    assert main(["run", *fast, "dataset=file", "dataset.path=none.csv", "name=broken"]) == 1
    return empty_folder


def test_a_run_is_described(ran, capsys):
    assert main(["show", "gmm-old_faithful"]) == 0
    out = capsys.readouterr().out
    assert "finished" in out
    assert "clusterer.n_components=3" in out
    assert "clusterer.tol" not in out
    assert "log_likelihood" in out


def test_a_failed_run_says_why(ran, capsys):
    assert main(["show", "last"]) == 0
    out = capsys.readouterr().out
    assert "failed" in out
    assert "none.csv" in out


def test_a_run_is_drawn_into_its_folder_or_a_file(ran, capsys):
    assert main(["show", "gmm-old_faithful", "--picture"]) == 0
    assert len(list(ran.rglob("artifacts/fit.png"))) == 1
    assert main(["show", "gmm-old_faithful", "--picture", "my.png"]) == 0
    assert (ran / "my.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["none-such"], "none-such"),
        (["cluster"], "is not a run or a sweep"),
        (["last", "--picture"], "its status is failed"),
    ],
)
def test_what_cannot_be_shown_is_refused(ran, capsys, arguments, complaint):
    assert main(["show", *arguments]) == 2
    assert complaint in capsys.readouterr().err
