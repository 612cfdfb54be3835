import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gradmix
from gradmix.config.build import build


def dataset(name, **options):
    return build("dataset", {"name": name, **options}).component


def test_old_faithful_is_the_published_table():
    data = dataset("old_faithful").load()
    assert data.X.shape == (272, 2)
    assert data.feature_names == ("eruptions", "waiting")
    np.testing.assert_allclose(data.X[:2], [[3.6, 79.0], [1.8, 54.0]])
    np.testing.assert_allclose(data.X.mean(axis=0), [3.487783, 70.897059], atol=1e-6)
    np.testing.assert_allclose(data.X.std(axis=0, ddof=1), [1.141371, 13.594974], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "shape", "groups"),
    [("iris", (150, 4), 3), ("wine", (178, 13), 3), ("breast_cancer", (569, 30), 2), ("digits", (1797, 64), 10)],
)
def test_classics(name, shape, groups):
    data = dataset(name).load()
    assert data.X.shape == shape
    assert len(set(data.labels)) == groups
    assert len(data.feature_names) == shape[1]
    assert "scikit-learn" in dataset(name).content()[0]


@pytest.mark.parametrize("name", ["old_faithful", "iris", "mixture"])
def test_every_data_set_can_be_standardised(name):
    X = dataset(name, standardise=True).load().X
    np.testing.assert_allclose(X.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(X.std(axis=0), 1.0, rtol=1e-12)


def test_constant_columns_cannot_be_standardised_but_left_out():
    with pytest.raises(gradmix.DataError, match=r"constant .*drop_constant=true"):
        dataset("digits", standardise=True).load()
    data = dataset("digits", standardise=True, drop_constant=True).load()
    assert data.X.shape == (1797, 61)
    assert len(data.feature_names) == 61


def test_a_mixture_has_the_moments_that_were_asked_for():
    options = {
        "weights": (1.0, 3.0),
        "means": ((0.0, 0.0), (50.0, 0.0)),
        "covariances": ((4.0, 1.0), ((2.0, 1.0), (1.0, 2.0))),
    }
    data = dataset("mixture", n=40_000, random_state=0, **options).load()
    assert np.mean(data.labels == 1) == pytest.approx(0.75, abs=0.01)
    np.testing.assert_allclose(np.cov(data.X[data.labels == 0].T), [[4, 0], [0, 1]], atol=0.1)
    np.testing.assert_allclose(np.cov(data.X[data.labels == 1].T), [[2, 1], [1, 2]], atol=0.1)
    again = dataset("mixture", n=40_000, random_state=0, **options).load()
    np.testing.assert_array_equal(data.X, again.X)
    assert not np.array_equal(data.X, dataset("mixture", n=40_000, random_state=1, **options).load().X)


@pytest.mark.parametrize(
    "options",
    [
        {"weights": (1.0,)},
        {"means": ((0.0,), (1.0, 2.0), (3.0,))},
        {"covariances": (1.0, 1.0, ((1.0, 2.0), (2.0, 1.0)))},
        {"covariances": (1.0, 1.0, (1.0, 1.0, 1.0))},
    ],
)
def test_a_mixture_that_cannot_be_is_refused(options):
    with pytest.raises(gradmix.DataError, match="dataset"):
        dataset("mixture", random_state=0, **options).load()


FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.5], "b": [4.0, 5.0, 6.25], "kind": ["x", "y", "x"]})


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tables_with_a_label_column(tmp_path, suffix):
    path = tmp_path / f"data.{suffix}"
    FRAME.to_csv(path, index=False) if suffix == "csv" else FRAME.to_parquet(path)
    data = dataset("file", path=str(path), label="kind").load()
    np.testing.assert_array_equal(data.X, FRAME[["a", "b"]])
    assert list(data.labels) == ["x", "y", "x"]
    assert data.feature_names == ("a", "b")


def test_an_array_with_a_label_column(tmp_path):
    np.save(tmp_path / "data.npy", np.array([[1.0, 0.0], [2.0, 1.0]]))
    data = dataset("file", path=str(tmp_path / "data.npy"), label="1").load()
    np.testing.assert_array_equal(data.X, [[1.0], [2.0]])
    np.testing.assert_array_equal(data.labels, [0.0, 1.0])


def test_commas_in_labels_and_semicolons_in_names_are_taken(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text('"a;b",kind\n1,"1,5"\n2,"2,5"\n')
    data = dataset("file", path=str(path), label="kind").load()
    assert data.feature_names == ("a;b",)
    assert list(data.labels) == ["1,5", "2,5"]


def test_a_csv_file_without_a_header_loses_no_row(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("1,2\n3,4\n")
    with pytest.raises(gradmix.DataError, match=r"header=false"):
        dataset("file", path=str(path)).load()
    np.testing.assert_array_equal(dataset("file", path=str(path), header=False).load().X, [[1, 2], [3, 4]])


def npy_header(*shape):
    """The beginning of a NumPy file that promises an array, and does not hold it."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.csv", None, "No such file"),
        ("data.xlsx", b"1,2\n", "one of .csv, .tsv"),
        ("data.npy.gz", b"1,2\n", ".csv, .*may be followed by one of .gz"),
        ("data.csv.gz", b"a,b\n1,2\n", "cannot read"),
        ("data.csv.zip", b"a,b\n1,2\n", "cannot read"),
        ("data.csv.xz", b"a,b\n1,2\n", "cannot read"),
        ("data.csv.bz2", b"a,b\n1,2\n", "cannot read"),
        ("data.npz", b"PK\x03\x04", "cannot read"),
        ("data.feather", b"ARROW1", "cannot read"),
        ("data.csv", b"", "is empty"),
        ("data.csv", b"\n \n", "is empty"),
        ("data.csv", b"a\x00b,c\n1,2\n", "not a text file"),
        ("data.csv", b"x\n1,5\n2,5\n", "dataset.decimal=','"),
        ("data.csv", b"a,b\n1,2\n3,4\n5,6,7\n", "line 4"),
        ("data.csv", b",b\n1.5,2\n0.5,4\n", 'no name.*dataset.drop=\\["Unnamed: 0"\\]'),
        ("data.npy", b"not an array", "cannot read"),
        ("data.npy", b"", "cannot read"),
        ("data.parquet", b"not a table", "cannot read"),
        ("data.csv", b"a,b\n1,2,3\n4,5,6,7\n", "more than the 2 of the first line"),
        (
            "data.csv",
            b'a,b\n1,2\n3,"-1,5"\n',
            "column 'b' has decimal commas, such as '-1,5' in row 1: .dataset.decimal=','",
        ),
        ("data.csv", b"\xff\xfe\x00", "cannot read"),
        ("data.csv", b"a,b\n1," + b"2" * 200_000 + b"\n", r"data\.csv"),
        ("data.npy", npy_header(2**20, 2**21), r"data\.npy"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(gradmix.DataError, match=message):
        dataset("file", path=str(path)).load()


@pytest.mark.parametrize("suffix", ["csv", "npy", "parquet"])
@pytest.mark.parametrize(("kind", "name"), [("FIFO", "a FIFO"), ("link", "a device"), ("folder", "a folder")])
def test_what_is_not_a_file_is_not_opened(tmp_path, kind, name, suffix):
    path = tmp_path / f"data.{suffix}"
    make = {"FIFO": os.mkfifo, "link": lambda path: path.symlink_to("/dev/zero"), "folder": os.mkdir}
    make[kind](path)
    made = dataset("file", path=str(path))
    for use in (made.load, made.content):
        with pytest.raises(gradmix.DataError, match=name):
            use()


def test_a_link_to_a_file_is_read(tmp_path):
    (tmp_path / "real.csv").write_text("a\n1\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    assert dataset("file", path=str(tmp_path / "link.csv")).load().X.tolist() == [[1.0]]


def test_a_label_column_that_is_not_there_is_told_with_those_that_are(tmp_path):
    FRAME.to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(gradmix.DataError, match=r"no column 'group'.*a, b, kind"):
        dataset("file", path=str(tmp_path / "data.csv"), label="group").load()


def test_a_row_without_its_label_is_named(tmp_path):
    (tmp_path / "data.csv").write_text("a,kind\n1,x\n2,\n")
    with pytest.raises(gradmix.DataError, match="row 1 "):
        dataset("file", path=str(tmp_path / "data.csv"), label="kind").load()


def test_dates_are_no_numbers(tmp_path):
    np.save(tmp_path / "data.npy", np.array([["2020-01-01"]], dtype="M8[D]"))
    with pytest.raises(gradmix.DataError, match="dates=true"):
        dataset("file", path=str(tmp_path / "data.npy")).load()


def test_the_fingerprint_of_a_file_is_its_hash(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b"a\n1\n")
    assert dataset("file", path=str(path)).content() == (hashlib.sha256(b"a\n1\n").hexdigest(),)
    path.write_bytes(b"a\n2\n")
    os.utime(path, ns=(1, 1))  # as if a clock had been set back meanwhile
    assert dataset("file", path=str(path)).content() == (hashlib.sha256(b"a\n2\n").hexdigest(),)


def test_a_file_that_has_not_changed_is_read_once_for_its_fingerprint(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\n1\n")
    first = dataset("file", path=str(path)).content()
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert dataset("file", path=str(path)).content() == first


def test_reading_writes_nothing_into_the_working_folder(empty_folder):
    dataset("iris").load()
    assert not list(Path().iterdir())
