"""Files as people have them: each way to write the same table gives the same rows."""

import bz2
import gzip
import lzma
import zipfile

import numpy as np
import pandas as pd
import pytest

import gradmix
from gradmix.cli.main import main
from gradmix.config.build import build

FRAME = pd.DataFrame({"length": [1.5, 2.25, -3.0, 4e3], "width": [10.5, 0.125, 7.0, 8.0]})
X = FRAME.to_numpy()


def read(path, **options):
    return build("dataset", {"name": "file", "path": str(path), **options}).component.load()


def packed(content, ending, path):
    """Write bytes as the ending says."""
    opened = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    if ending == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("table", content)
    else:
        with opened[ending](path, "wb") as file:
            file.write(content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize(("ending", "separator"), [(".csv", ","), (".csv", ";"), (".tsv", "\t"), (".txt", "|")])
def test_separator_decimal_mark_and_encoding_are_found(tmp_path, ending, separator, decimal, encoding):
    if separator == decimal:
        pytest.skip("fields would have to be quoted")
    frame = FRAME.rename(columns={"length": "Länge"})
    frame.to_csv(tmp_path / f"data{ending}", sep=separator, decimal=decimal, encoding=encoding, index=False)
    data = read(tmp_path / f"data{ending}")
    np.testing.assert_array_equal(data.X, X)
    assert data.feature_names == ("Länge", "width")
    assert ("decimal commas" in data.remarks) == (decimal == ",")
    assert ("separated" in data.remarks) == (separator != ",")
    assert ("encoding" in data.remarks) == (encoding in ("utf-16", "latin-1"))


def test_fields_between_spaces(tmp_path):
    (tmp_path / "data.txt").write_text("length  width\n 1.5   10.5\n 2.25  0.125\n-3    7\n 4e3   8\n")
    np.testing.assert_array_equal(read(tmp_path / "data.txt").X, X)


def test_what_is_said_goes_before_what_is_found(tmp_path):
    (tmp_path / "data.csv").write_text("a;b\n1,5;2\n")
    assert read(tmp_path / "data.csv", separator=";", decimal=",").X.tolist() == [[1.5, 2.0]]
    with pytest.raises(gradmix.DataError, match=r"decimal=','"):
        read(tmp_path / "data.csv", separator=";", decimal=".")
    with pytest.raises(gradmix.ConfigError, match="one character"):
        read(tmp_path / "data.csv", separator=";;")
    (tmp_path / "data.csv").write_bytes("größe,b\n1,2\n".encode("cp437"))
    assert read(tmp_path / "data.csv", encoding="cp437").feature_names == ("größe", "b")
    with pytest.raises(gradmix.DataError, match=r"dataset\.encoding"):
        read(tmp_path / "data.csv", encoding="klingon")


def test_quoted_decimal_commas_are_read_on_request(tmp_path):
    (tmp_path / "data.csv").write_text('a,b\n"1,5",2\n3,"-1,25"\n')
    with pytest.raises(gradmix.DataError, match=r"decimal commas.*dataset\.decimal=','"):
        read(tmp_path / "data.csv")
    assert read(tmp_path / "data.csv", decimal=",").X.tolist() == [[1.5, 2.0], [3.0, -1.25]]


def test_commas_between_thousands_are_not_taken_for_decimal_ones(tmp_path):
    (tmp_path / "data.tsv").write_text("a\tb\n1,234\t2\n12,345\t3\n")
    with pytest.raises(gradmix.DataError, match=r"'1,234', may be decimal commas or separate thousands"):
        read(tmp_path / "data.tsv")
    assert read(tmp_path / "data.tsv", decimal=",").X.tolist() == [[1.234, 2], [12.345, 3]]


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zip"])
def test_compressed_files(tmp_path, ending):
    packed(FRAME.to_csv(index=False).encode(), ending, tmp_path / f"data.csv{ending}")
    np.testing.assert_array_equal(read(tmp_path / f"data.csv{ending}").X, X)


def test_an_archive_of_several_files_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "data.csv.zip", "w") as archive:
        archive.writestr("one.csv", "a\n1\n")
        archive.writestr("two.csv", "a\n2\n")
    with pytest.raises(gradmix.DataError, match=r"one file; it contains 2: one\.csv, two\.csv"):
        read(tmp_path / "data.csv.zip")


def test_tables_of_arrow(tmp_path):
    FRAME.set_index(pd.Index(list("wxyz"), name="who")).to_parquet(tmp_path / "data.parquet")
    FRAME.to_feather(tmp_path / "data.feather")
    for name in ("data.parquet", "data.feather"):
        np.testing.assert_array_equal(read(tmp_path / name).X, X)


def test_an_archive_of_arrays(tmp_path):
    y = np.array(["a", "b", "a", "b"])
    np.savez(tmp_path / "data.npz", X=X, y=y)
    data = read(tmp_path / "data.npz", label="y")
    np.testing.assert_array_equal(data.X, X)
    assert list(data.labels) == list(y)
    np.testing.assert_array_equal(read(tmp_path / "data.npz").X, X)  # y is not a feature
    np.savez(tmp_path / "data.npz", train=X, test=X[:2])
    np.testing.assert_array_equal(read(tmp_path / "data.npz", key="test").X, X[:2])
    with pytest.raises(gradmix.DataError, match=r"dataset\.key must be one of train, test"):
        read(tmp_path / "data.npz")
    with pytest.raises(gradmix.DataError, match="no array 'X'"):
        read(tmp_path / "data.npz", key="X")


def test_the_index_that_pandas_writes_is_not_clustered(tmp_path):
    FRAME.to_csv(tmp_path / "numbers.csv")
    FRAME.set_index(pd.Index(list("wxyz"))).to_csv(tmp_path / "names.csv")
    for name in ("numbers.csv", "names.csv"):
        data = read(tmp_path / name)
        np.testing.assert_array_equal(data.X, X)
        assert "left out as names of rows" in data.remarks


def test_a_separator_at_the_end_of_each_line_makes_no_column(tmp_path):
    (tmp_path / "data.csv").write_text("a,b,\n1,2,\n3,4,\n")
    assert read(tmp_path / "data.csv").X.tolist() == [[1, 2], [3, 4]]


@pytest.fixture
def people(tmp_path):
    """A table with columns that are not numbers."""
    path = tmp_path / "people.csv"
    path.write_text("day,city,size,fit,kind\n2020-01-02,Rome,1.5,true,x\n1970-01-11,Oslo,2.5,false,y\n")
    return path


def test_columns_are_chosen_by_name(people):
    assert read(people, columns=("fit", "size")).X.tolist() == [[1.0, 1.5], [0.0, 2.5]]
    assert read(people, drop=("day", "city", "kind")).feature_names == ("size", "fit")
    for option in ("columns", "drop", "encode"):
        with pytest.raises(gradmix.DataError, match=rf"no column 'age' for dataset\.{option}.*day, city, size"):
            read(people, **{option: ("age",)})


def test_text_and_dates_are_named_with_what_to_do(people):
    with pytest.raises(gradmix.DataError) as refused:
        read(people)
    message = str(refused.value)
    assert "column 'day' has dates, such as '2020-01-02' in row 0: dataset.dates=true" in message
    assert "column 'city' has text, such as 'Rome' in row 0: dataset.encode=[city]" in message
    assert "dataset.drop=[day,city,kind]" in message


def test_dates_and_categories_become_numbers_on_request(people):
    data = read(people, dates=True, encode=("city",), label="kind")
    assert data.feature_names == ("day", "city=Oslo", "city=Rome", "size", "fit")
    assert data.X.tolist() == [[18263.0, 0.0, 1.0, 1.5, 1.0], [10.0, 1.0, 0.0, 2.5, 0.0]]
    assert list(data.labels) == ["x", "y"]


def test_rows_that_miss_a_value_are_counted(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b,kind\n1,2,x\n,4,y\n5,NA,x\n7,8,\n9,10,y\n")
    counted = r"2 of 5 rows .* first is row 1 .*'a' 1, 'b' 1.*dataset\.missing=drop"
    with pytest.raises(gradmix.DataError, match=counted):
        read(path, label="kind")
    data = read(path, label="kind", missing="drop")
    assert data.X.tolist() == [[1, 2], [9, 10]]
    assert list(data.labels) == ["x", "y"]
    assert "3 of 5 rows dropped" in data.remarks


def test_the_layout_of_clustbench(tmp_path):
    with gzip.open(tmp_path / "x2.data.gz", "wt") as file:
        file.write("1.5 10.5\n2.25 0.125\n-3 7\n4e3 8\n")
    path = tmp_path / "x2.data.gz"
    assert read(path).labels is None
    before = build("dataset", {"name": "file", "path": str(path)}).component.content()
    with gzip.open(tmp_path / "x2.labels0.gz", "wt") as file:
        file.write("1\n2\n1\n2\n")
    data = read(path)
    np.testing.assert_array_equal(data.X, X)
    assert list(data.labels) == ["1", "2", "1", "2"]
    assert build("dataset", {"name": "file", "path": str(path)}).component.content() != before


@pytest.mark.processes
def test_a_run_says_how_the_file_was_read(empty_folder, capsys):
    rows = np.random.default_rng(0).normal(size=(50, 2))
    pd.DataFrame(rows, columns=["a", "b"]).to_csv("mine.csv", sep=";", decimal=",", index=False)
    words = ["dataset=file", "dataset.path=mine.csv", "clusterer=kmeans", "tracking=none", "pictures=false"]
    assert main(["run", *words]) == 0
    assert "fields separated by semicolons, decimal commas" in capsys.readouterr().out


def test_labels_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "x.data").write_text("1 2\n3 4\n")
    (tmp_path / "x.labels0").write_bytes(b"\xff\n1\n")
    with pytest.raises(gradmix.DataError, match=r"x\.labels0, the labels that belong to"):
        read(tmp_path / "x.data")


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("a;b\n1,234.5;2\n-12,345;3\n", {"thousands": ","}),
        ('a,b\n"1,234.5",2\n"-12,345",3\n', {"thousands": ","}),
        ("a;b\n1.234,5;2\n-12.345;3\n", {"thousands": "."}),
        ("a;b\n1 234.5;2\n-12\u00a0345;3\n", {"thousands": " "}),
        ("a;b\n1\u202f234,5;2\n-12345;3\n", {"thousands": " "}),
    ],
)
def test_marks_between_thousands_are_read_on_request(tmp_path, content, options):
    (tmp_path / "data.csv").write_text(content, encoding="utf-8")
    assert read(tmp_path / "data.csv", **options).X.tolist() == [[1234.5, 2], [-12345, 3]]


def test_a_mark_that_does_not_group_thousands_is_not_removed(tmp_path):
    (tmp_path / "data.csv").write_text("a;b\n1.5;2\n2.25;3\n")
    with pytest.raises(gradmix.DataError, match="another decimal mark"):
        read(tmp_path / "data.csv", thousands=".")
    with pytest.raises(gradmix.ConfigError, match="not the decimal mark"):
        read(tmp_path / "data.csv", thousands=".", decimal=".")


def test_points_that_may_group_thousands_are_remarked_on(tmp_path):
    (tmp_path / "data.csv").write_text("a;b\n1.234;2\n12.345;3\n")
    data = read(tmp_path / "data.csv")
    assert data.X.tolist() == [[1.234, 2], [12.345, 3]]
    assert "as in 1.234; if they separate thousands, set dataset.thousands=." in data.remarks


@pytest.mark.parametrize("name", ["id", "Id", "CustomerID", "patient_id", "index", "Unnamed: 0", "Row"])
def test_a_column_that_names_the_rows_is_left_out_unless_it_is_chosen(tmp_path, name):
    is_kept = name == "Row"
    FRAME.assign(**{name: [4, 1, 2, 3]}).to_csv(tmp_path / "data.csv", index=False)
    data = read(tmp_path / "data.csv")
    assert data.feature_names == (("length", "width", name) if is_kept else ("length", "width"))
    assert (f"{name} left out as names of rows" in data.remarks) != is_kept
    assert read(tmp_path / "data.csv", columns=(name, "width")).feature_names == (name, "width")


def test_a_column_that_names_groups_of_rows_is_not_left_out(tmp_path):
    FRAME.assign(id=[1, 1, 2, 2]).to_csv(tmp_path / "data.csv", index=False)
    assert read(tmp_path / "data.csv").feature_names == ("length", "width", "id")
    FRAME[["length"]].rename(columns={"length": "id"}).to_csv(tmp_path / "data.csv", index=False)
    assert read(tmp_path / "data.csv").feature_names == ("id",)


@pytest.mark.parametrize("separator", [" ", "\t", ","])
@pytest.mark.parametrize("names", [["1", "2", "3", "4"], ["Mazda RX4", "Fiat X1-9", "Volvo 142E", "Merc 240D"]])
def test_tables_as_r_writes_them(tmp_path, separator, names):
    rows = [[f'"{name}"', *map(str, row)] for name, row in zip(names, X, strict=True)]
    lines = [separator.join(row) for row in [['"length"', '"width"'], *rows]]
    (tmp_path / "data.txt").write_text("\n".join(lines) + "\n")
    data = read(tmp_path / "data.txt")
    np.testing.assert_array_equal(data.X, X)
    assert data.feature_names == ("length", "width")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "top",
    [
        "# measured in 2024\n#\n# by me, with care\nlength,width\n",
        "# measured in 2024\n\n# length,width\n",
        "sep=,\nlength,width\n",
        '\n\nlength,"width"\n',
    ],
)
def test_lines_above_a_table_are_skipped(tmp_path, top, encoding):
    rows = "".join(f"{a},{b}\n" for a, b in X)
    (tmp_path / "data.csv").write_text(top + rows, encoding=encoding)
    data = read(tmp_path / "data.csv")
    np.testing.assert_array_equal(data.X, X)
    assert data.feature_names == ("length", "width")


def test_a_table_by_savetxt_has_the_names_of_its_header(tmp_path):
    np.savetxt(tmp_path / "data.txt", X, header="length width")
    data = read(tmp_path / "data.txt")
    np.testing.assert_array_equal(data.X, X)
    assert data.feature_names == ("length", "width")


def test_other_lines_above_a_table_are_skipped_on_request(tmp_path):
    (tmp_path / "data.csv").write_text("Experiment 12\nwith care\n\na,b\n1,2\n3,4\n")
    with pytest.raises(gradmix.DataError, match=r"line 4 of .* has 2 fields.*dataset\.skip_lines=3"):
        read(tmp_path / "data.csv")
    assert read(tmp_path / "data.csv", skip_lines=3).X.tolist() == [[1, 2], [3, 4]]


def test_words_for_missing_values_are_named_and_read_on_request(tmp_path):
    (tmp_path / "data.csv").write_text("a,b\n1,2\n?,4\n5,-\n7,?\n9,10\n")
    with pytest.raises(gradmix.DataError, match=r"""'a' has numbers and text, such as '\?' in row 1.*\["-","\?"\]"""):
        read(tmp_path / "data.csv")
    assert read(tmp_path / "data.csv", na_values=("?", "-"), missing="drop").X.tolist() == [[1, 2], [9, 10]]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ("1,234.5|2,000.0", r"commas between thousands.*dataset\.thousands=','"),
        ("1,234|2,000", r"decimal commas, or commas between thousands"),
        ("1.5 cm|2.5 cm", "signs or units next to numbers, such as '1.5 cm' in row 0: write plain numbers"),
        ("12 %|2.5 %", "signs or units"),
        ("31.12.2024|2024-01-02", "dates in another form than 2024-12-31, such as '31.12.2024' in row 0"),
    ],
)
def test_what_a_column_of_text_has_is_said(tmp_path, values, what):
    (tmp_path / "data.csv").write_text("a|b\n" + "".join(f"{value}|1\n" for value in values.split("|")))
    with pytest.raises(gradmix.DataError, match=what):
        read(tmp_path / "data.csv", separator="|", decimal=".")


def test_names_are_not_advised_to_become_categories(tmp_path):
    pd.DataFrame({"who": [f"name {i}" for i in range(50)], "a": range(50)}).to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(gradmix.DataError, match="too many different values for categories"):
        read(tmp_path / "data.csv")


def test_an_integer_beyond_the_range_of_floats_is_named(tmp_path):
    (tmp_path / "data.csv").write_text(f"a,b\n1{'0' * 400},1\n2,3\n")
    with pytest.raises(gradmix.DataError, match=r"row 0 .*'a'\) is inf|column 'a' has"):
        read(tmp_path / "data.csv")


def test_utf_16_without_a_mark_is_read_on_request(tmp_path):
    FRAME.to_csv(tmp_path / "data.csv", encoding="utf-16-le", index=False)
    with pytest.raises(gradmix.DataError, match=r"dataset\.encoding=utf-16-le"):
        read(tmp_path / "data.csv")
    np.testing.assert_array_equal(read(tmp_path / "data.csv", encoding="utf-16-le").X, X)


def test_an_array_of_records_has_named_columns(tmp_path):
    np.save(tmp_path / "data.npy", FRAME.to_records(index=False))
    data = read(tmp_path / "data.npy")
    np.testing.assert_array_equal(data.X, X)
    assert data.feature_names == ("length", "width")


def test_constant_columns_are_remarked_on(tmp_path):
    FRAME.assign(site=3).to_csv(tmp_path / "data.csv", index=False)
    assert "site constant; dataset.drop_constant=true" in read(tmp_path / "data.csv").remarks
    assert read(tmp_path / "data.csv", drop_constant=True).remarks == ""
    assert read(tmp_path / "data.csv", drop_constant=True).feature_names == ("length", "width")
