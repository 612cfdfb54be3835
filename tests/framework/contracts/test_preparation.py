import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.preprocessing import StandardScaler

import gradmix
from gradmix import Data, Dataset, Preparation

RAW = np.array([[1.0, 7.0, -2.0], [2.0, 7.0, 5.0], [4.0, 7.0, 1e6]])


class Small(Dataset):
    def read(self):
        return Data(RAW, feature_names=("a", "b", "c"))


def load(**options):
    dataset = Small()
    for name, value in options.items():
        setattr(dataset, name, value)
    return dataset.load()


@pytest.mark.parametrize("options", [{}, {"drop_constant": True}, {"drop_constant": True, "standardise": True}])
def test_it_makes_of_the_rows_read_exactly_those_that_were_loaded(options):
    data = load(**options)
    assert np.array_equal(data.preparation.apply(RAW), data.X)
    assert data.preparation.n_columns == 3
    assert data.preparation.names == ("a", "b", "c")


def test_new_rows_are_scaled_as_the_old_ones_were():
    preparation = load(drop_constant=True, standardise=True).preparation
    new = np.array([[3.0, 9.0, 0.0]])
    truth = StandardScaler().fit(RAW[:, [0, 2]]).transform(new[:, [0, 2]])
    np.testing.assert_allclose(preparation.apply(new), truth, rtol=1e-12)


def test_columns_of_a_table_are_found_by_name_whatever_their_order():
    preparation = Preparation(2, ("a", "b"), (0, 1))
    table = pd.DataFrame({"b": [1.0], "note": ["x"], "a": [2.0]})
    assert preparation.select(table).to_numpy().tolist() == [[2.0, 1.0]]
    with pytest.raises(gradmix.DataError, match="no column b; the model was fitted to a, b"):
        preparation.select(table[["a"]])


def test_a_table_of_pyarrow_is_reordered_too():
    table = pa.table({"b": [1.0], "note": ["x"], "a": [2.0]})
    assert Preparation(2, ("a", "b"), (0, 1)).select(table).to_pylist() == [{"a": 2.0, "b": 1.0}]


def test_masked_labels_count_as_missing():
    class Labelled(Dataset):
        def read(self):
            return Data(RAW, labels=np.ma.array([0, 1, 1], mask=[0, 0, 1]))

    with pytest.raises(gradmix.DataError, match="row 2"):
        Labelled().load()


@pytest.mark.parametrize("table", [pd.DataFrame([[2.0, 1.0]]), np.array([[2.0, 1.0]]), [[2.0, 1.0]]])
def test_columns_without_names_are_taken_as_they_come(table):
    assert Preparation(2, ("a", "b"), (0, 1)).select(table) is table
    assert Preparation(2, (), (0, 1)).select(pd.DataFrame({"x": [1.0], "y": [1.0]})).shape == (1, 2)
