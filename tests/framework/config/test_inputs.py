import dataclasses

import numpy as np
import pytest

from gradmix import Data, input_of
from gradmix.config.build import build

DATA = Data(np.arange(6.0).reshape(3, 2), feature_names=("a", "b"))


def dataset(name, **options):
    return build("dataset", {"name": name, **options}).component


def test_an_input_tells_what_the_data_are():
    old_faithful = dataset("old_faithful")
    told = input_of(old_faithful, old_faithful.load())
    assert (told.name, told.rows, told.source) == ("old_faithful", 272, "")
    assert told.columns == (("eruptions", "float64"), ("waiting", "float64"))


def test_a_file_is_known_by_its_own_name_and_place(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    file = dataset("file", path=str(path))
    told = input_of(file, file.load())
    assert (told.name, told.source) == ("own.csv", str(path))


def test_columns_without_names_are_numbered():
    assert input_of(dataset("mixture"), Data(DATA.X)).columns == (("0", "float64"), ("1", "float64"))


@pytest.mark.parametrize(
    "changed",
    [
        {"X": np.nextafter(DATA.X, np.inf)},
        {"X": DATA.X.reshape(2, 3)},
        {"X": np.asfortranarray(DATA.X[::-1])},
        {"feature_names": ("b", "a")},
    ],
)
def test_the_digest_is_of_the_content(changed):
    mixture = dataset("mixture")
    digest = input_of(mixture, DATA).digest
    assert input_of(mixture, dataclasses.replace(DATA, X=np.asfortranarray(DATA.X))).digest == digest
    assert input_of(mixture, dataclasses.replace(DATA, **changed)).digest != digest
