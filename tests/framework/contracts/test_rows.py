import numpy as np
import pandas as pd
import pytest

from gradmix import DataError
from gradmix.arrays import as_rows, constant_columns


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
        ("abc", "numbers"),
        ({"a": 1}, "numbers"),
        ([[10**400, 1]], "numbers"),
        ([[1 + 2j]], "real"),
        ([[1], [1, 2]], "numbers"),
    ],
)
def test_what_is_no_matrix_of_real_numbers_is_refused(X, reason):
    with pytest.raises(DataError, match=f"(?i){reason}"):
        as_rows(X)


def test_constant_columns_are_found():
    assert constant_columns(np.array([[1.0, 5.0, 0.0], [2.0, 5.0, 0.0]])) == [1, 2]
