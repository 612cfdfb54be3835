import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse

from gradmix import DataError
from gradmix.arrays import as_rows, constant_columns
from gradmix.contracts.rows import feature_names_of


@pytest.mark.parametrize(
    "X", [[[1, 2], [3, 4]], np.array([[1, 2], [3, 4]], dtype=np.float32), pd.DataFrame({"a": [1, 3], "b": [2, 4]})]
)
def test_whatever_numpy_reads_as_a_matrix_becomes_float64(X):
    rows = as_rows(X)
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(rows, [[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_value_that_is_not_finite_is_named_by_row_and_column(bad):
    with pytest.raises(DataError, match=r"row 2 .* column 1 \('waiting'\)"):
        as_rows([[1.0, 2.0], [3.0, 4.0], [5.0, bad]], ["eruptions", "waiting"])


def test_text_is_named_by_row_and_column():
    with pytest.raises(DataError, match=r"row 1, column 0 \('a'\) is 'x'"):
        as_rows(pd.DataFrame({"a": ["1.5", "x"], "b": [1, 2]}))


@pytest.mark.parametrize(
    ("X", "reason"),
    [
        ([1.0, 2.0], "reshape"),
        (np.zeros((2, 0)), "shape"),
        (np.zeros((2, 2, 2)), "shape"),
        ("abc", "rows and columns; given: 'abc'"),
        ({"a": 1}, "rows and columns; given: {'a': 1}"),
        (None, "^X must be a matrix of rows and columns; given: None"),
        ((row for row in [[1.0]]), "rows and columns; given: <generator"),
        ([[1, 2], [3, 4], [5]], r"rows of one length; row 0 has 2 numbers, row 2 \(counted from 0\) has 1\.$"),
        ([[10**400, 1]], "numbers"),
        ([[1 + 2j]], "real"),
        ([[1], [1, 2]], "numbers"),
    ],
)
def test_what_is_no_matrix_of_real_numbers_is_refused(X, reason):
    with pytest.raises(DataError, match=f"(?i){reason}"):
        as_rows(X)


MASKED = np.ma.array([[1.0, 2.0], [-999.0, 4.0], [5.0, -999.0]], mask=[[0, 0], [1, 0], [0, 1]])


@pytest.mark.parametrize("X", [MASKED, list(MASKED), tuple(MASKED), MASKED.astype(int)])
def test_masked_values_are_refused_and_counted(X):
    with pytest.raises(DataError, match=r"row 1 .*, column 0 \('a'\) is masked, one of 2 such value"):
        as_rows(X, ["a", "b"])


def test_masked_and_nan_values_are_counted_together():
    with pytest.raises(DataError, match=r"row 0 .*, column 1 is nan, one of 3"):
        as_rows(np.ma.array([[1.0, np.nan], [-999.0, 4.0], [5.0, -999.0]], mask=MASKED.mask))


def test_a_masked_array_without_masked_values_is_taken():
    rows = as_rows(np.ma.array([[1.0, 2.0]], mask=False))
    assert not isinstance(rows, np.ma.MaskedArray)
    np.testing.assert_array_equal(rows, [[1.0, 2.0]])


@pytest.mark.parametrize("make", [scipy.sparse.csr_array, scipy.sparse.coo_matrix])
def test_sparse_input_is_refused_with_what_to_do(make):
    with pytest.raises(DataError, match=r"sparse input is not supported. Convert it by X.toarray"):
        as_rows(make(np.eye(3)))


def test_missing_values_of_tables_are_refused():
    for table in (pa.table({"a": [1.0, None]}), pd.DataFrame({"a": pd.array([1, None], dtype="Int64")})):
        with pytest.raises(DataError):
            as_rows(table)


class PolarsLike:
    """A data frame that has its names as Polars has them."""

    columns = ("b", "a")


@pytest.mark.parametrize(
    ("X", "names"),
    [
        (pd.DataFrame({"b": [1.0], "a": [2.0]}), ("b", "a")),
        (pa.table({"b": [1.0], "a": [2.0]}), ("b", "a")),
        (PolarsLike(), ("b", "a")),
        (pd.DataFrame([[1.0, 2.0]]), ()),
        (np.eye(2), ()),
        ([[1.0]], ()),
    ],
)
def test_names_of_features_are_those_of_a_tables_columns(X, names):
    assert feature_names_of(X) == names


def test_columns_of_which_only_some_have_names_are_refused():
    with pytest.raises(DataError, match="int, str"):
        feature_names_of(pd.DataFrame({"a": [1.0], 0: [2.0]}))


def test_constant_columns_are_found():
    assert constant_columns(np.array([[1.0, 5.0, 0.0], [2.0, 5.0, 0.0]])) == [1, 2]
