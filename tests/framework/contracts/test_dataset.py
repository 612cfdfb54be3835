"""Data sets: what their authors return is checked when they are loaded."""

from dataclasses import dataclass

import numpy as np
import pytest

from gradmix import Dataset, PluginError


def test_a_pair_of_arrays_is_not_a_data_set():
    @dataclass
    class Pair(Dataset):
        def read(self):
            return np.ones((3, 2)), np.zeros(3)

    with pytest.raises(
        PluginError, match=r"Pair.read must return gradmix.Data\(X, labels\); it returned a tuple of ndarray"
    ):
        Pair().load()
