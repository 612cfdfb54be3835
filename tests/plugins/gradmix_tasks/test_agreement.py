"""Agreement of groupings, by scikit-learn's answers and by the published example."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix

from gradmix_tasks.agreement import adjusted_rand_index, contingency, normalized_mutual_information

groupings = st.integers(1, 40).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 6), min_size=n, max_size=n) for _ in range(2)])
)


@given(groupings)
def test_they_are_those_of_scikit_learn(both):
    one, other = both
    assert adjusted_rand_index(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)
    expected = normalized_mutual_info_score(one, other)
    assert normalized_mutual_information(one, other) == pytest.approx(expected, abs=1e-9)
    assert (contingency(one, other) == contingency_matrix(one, other)).all()


@given(groupings, st.permutations(range(7)))
def test_names_of_groups_do_not_matter_and_neither_does_the_order(both, names):
    one, other = both
    renamed = [f"group {names[group]}" for group in other]
    for measure in (adjusted_rand_index, normalized_mutual_information):
        assert measure(one, renamed) == pytest.approx(measure(one, other), abs=1e-12)
        assert measure(other, one) == pytest.approx(measure(one, other), abs=1e-12)


def test_a_published_table():
    # Yeung & Ruzzo, Bioinformatics 17 (2001) 763-774, supplement "Details of the adjusted Rand index": 0.313
    table = np.array([[1, 1, 0], [1, 2, 1], [0, 0, 4]])
    one = np.repeat(np.repeat([0, 1, 2], 3), table.ravel())
    other = np.repeat(np.tile([0, 1, 2], 3), table.ravel())
    assert adjusted_rand_index(one, other) == pytest.approx(0.313, abs=5e-4)
