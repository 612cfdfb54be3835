"""Ours against scikit-learn itself."""

import ast

import numpy as np
import pytest

from gradmix import ConfigError
from gradmix_datasets.mixture import Mixture
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.scikit import ScikitLearn


@pytest.fixture(scope="module")
def topic():
    return ScikitLearn(dataset=Mixture(n=500, random_state=0), max_iter=5, random_state=0)


@pytest.mark.filterwarnings("error")
def test_the_numbers_agree(topic):
    table = Table(list(topic.rows()))
    assert topic.summary(table)["largest_difference"] < 1e-9
    assert table["score.gradmix"] == pytest.approx(table["score.sklearn"], rel=1e-12)
    assert (table["differing_labels"] == 0).all()
    assert len(np.unique(table["score.sklearn"])) == 4
    assert (table["bytes.sklearn"] > 0).all()


def test_the_listings_differ_in_the_import_and_the_name_only(topic):
    theirs, ours = topic.texts().values()
    for text in (theirs, ours):
        ast.parse(text)
    assert theirs.splitlines()[3:] == ours.splitlines()[3:]


def test_more_components_than_rows_are_refused():
    with pytest.raises(ConfigError, match="n_components=3 exceeds the 2 rows"):
        list(ScikitLearn(dataset=Mixture(n=2, random_state=0)).rows())
