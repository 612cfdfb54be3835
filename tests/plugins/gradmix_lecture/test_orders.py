"""Higher derivatives are exact; the Hessian that they are compared with is Rosenbrock's."""

import numpy as np
import pytest
import scipy.optimize

from gradmix import ConfigError
from gradmix_lecture.topic import Table
from gradmix_lecture.topics.orders import HigherDerivatives, _hessian_of_rosenbrock, _rosenbrock


def test_all_orders_are_exact():
    table = Table(list(HigherDerivatives(orders=5, sizes=(2, 5), repeats=1).rows()))
    assert HigherDerivatives().summary(table)["error"] < 1e-14
    assert table.having("order")["order"].tolist() == [1, 2, 3, 4, 5]


def test_the_hessian_is_that_of_scipy():
    x = np.array([0.3, -1.2, 0.8, 1.5])
    assert _hessian_of_rosenbrock(x) == pytest.approx(scipy.optimize.rosen_hess(x), rel=1e-14)
    assert _rosenbrock(x) == pytest.approx(scipy.optimize.rosen(x), rel=1e-14)


def test_sizes_make_a_curve():
    with pytest.raises(ConfigError, match=r"topic\.sizes"):
        HigherDerivatives(sizes=(5,)).check()
