"""Rows and folds: the same bits wherever they are computed."""

import pickle
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

import gradmix
from gradmix.contracts.folds import TILE, TILES_OF_A_SUM, Rows

N = 3 * TILE + 17


def powers(block: gradmix.Block, exponent: float) -> np.ndarray:
    """Sum of the rows' powers, weighted."""
    weights = 1.0 if block.weights is None else block.weights[:, None]
    return (weights * block.X**exponent).sum(axis=0)


def halves(block: gradmix.Block) -> np.ndarray:
    """Half of each row."""
    return block.X / 2


@pytest.fixture(scope="module")
def data() -> np.ndarray:
    """Rows of several tiles."""
    return np.random.default_rng(7).normal(size=(N, 3))


@pytest.mark.parametrize("options", [{"engine": "threads", "n_threads": n} for n in (1, 2, 3)], ids=str)
def test_a_fold_has_the_same_bits_on_any_engine(data, options):
    f = partial(powers, exponent=3.0)
    assert np.array_equal(gradmix.rows(data, **options).fold(f), Rows(data).fold(f))


def test_a_fold_adds_up_tiles_within_super_blocks_first():
    n = (TILES_OF_A_SUM + 2) * TILE
    rows = Rows(np.zeros((n, 1)))
    sums = rows.fold(lambda block: np.array([f"{block.start // TILE}"], dtype=object) + " ")
    assert sums[0].split() == [str(tile) for tile in range(TILES_OF_A_SUM + 2)]
    values = np.random.default_rng(0).normal(size=(n, 1)) * 1e8
    tiles = [values[start : start + TILE].sum() for start in range(0, n, TILE)]
    expected = sum(tiles[1:TILES_OF_A_SUM], tiles[0]) + sum(tiles[TILES_OF_A_SUM + 1 :], tiles[TILES_OF_A_SUM])
    assert Rows(values).fold(lambda block: block.X.sum()) == expected


def test_a_map_joins_the_rows_in_order(data):
    assert np.array_equal(gradmix.rows(data, engine="threads").map(halves), data / 2)


def test_a_mapped_file_gives_the_same_bits_as_an_array(data, tmp_path):
    np.save(tmp_path / "rows.npy", data)
    f = partial(powers, exponent=2.0)
    assert np.array_equal(gradmix.rows(tmp_path / "rows.npy").fold(f), Rows(data).fold(f))


def test_a_file_that_is_no_array_is_named(tmp_path):
    (tmp_path / "rows.npy").write_text("1,2\n")
    with pytest.raises(gradmix.DataError, match=r"rows\.npy cannot be read as a \.npy file"):
        gradmix.rows(tmp_path / "rows.npy")


def test_blocks_are_read_only_and_the_users_array_stays_writeable(data):
    block = next(Rows(data).blocks())
    with pytest.raises(ValueError, match="read-only"):
        block.X[0] = 1
    assert data.flags.writeable


def test_rows_can_be_pickled_with_their_engine(data):
    rows = pickle.loads(pickle.dumps(gradmix.rows(data, weights=np.ones(N), engine="threads", n_threads=2)))
    f = partial(powers, exponent=1.0)
    assert np.array_equal(rows.fold(f), Rows(data, np.ones(N)).fold(f))


def test_an_error_in_a_block_reaches_the_caller(data):
    def fail(block: gradmix.Block) -> float:
        raise ValueError(f"block at {block.start}")

    with pytest.raises(ValueError, match="block at 0"):
        gradmix.rows(data, engine="threads", n_threads=2).fold(fail)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 2.0], r"must have the shape \(3,\), one for each row; given: \(2,\)"),
        ([1.0, -2.0, 1.0], "row 1 .* has -2.0"),
        ([1.0, 2.0, np.nan], "row 2 .* has nan"),
        ([0, 0, 0], "all be zero"),
        (["a", 1, 2], "row 0 is 'a'"),
        ([1.0, 2j, 1.0], "real numbers only; row 1 is 2j"),
        (np.ma.masked_array([1.0, 2.0, 3.0], [0, 0, 1]), "must not be masked; row 2"),
        ([1e308, 1e308, 1.0], "their sum overflows"),
    ],
)
def test_wrong_weights_are_named(weights, message):
    with pytest.raises(gradmix.DataError, match=message):
        Rows([[1.0], [2.0], [3.0]], weights)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.ma.masked_array([1, 2, 1], [0, 1, 0]), "row 1 .* has no label"),
        ([1.0, np.nan, 2.0], "row 1 .* has no label"),
        (np.array([1, "a", "b"], dtype=object), "of one type; they are of the types int, str"),
    ],
)
def test_wrong_labels_are_named(labels, message):
    with pytest.raises(gradmix.DataError, match=message):
        Rows([[1.0], [2.0], [3.0]], labels=labels)


def test_a_clusterer_that_only_takes_an_array_refuses_weights():
    clusterer = gradmix.clusterer("sklearn_kmeans", random_state=0)
    with pytest.raises(gradmix.DataError, match="does not support sample weights"):
        clusterer.fit(gradmix.rows([[0.0], [0.1], [5.0], [5.1]], weights=[1, 1, 1, 2]))


def test_a_clusterer_fits_rows_as_it_fits_their_array(data):
    rows, clusterer = gradmix.rows(data, engine="threads"), gradmix.clusterer("gmm", random_state=3, max_iter=5)
    of_rows = clusterer.fit(rows).log_likelihood_
    assert clusterer.fit(data).log_likelihood_ == of_rows


@pytest.mark.parametrize("n", [3, 5000])
@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e120, 1e200, 1e308])
def test_the_reach_of_rows_bounds_their_magnitude(n, scale):
    X = scale * np.random.default_rng(0).uniform(-1, 1, size=(n, 3))
    largest = np.abs(X).max()
    assert largest <= Rows(X).reach <= 1e3 * largest + 1e-100


@pytest.mark.parametrize(
    ("each", "sentence"),
    [
        (lambda self, function, blocks: None, "each must yield one value for each block; it returned None"),
        (lambda self, function, blocks: [], "one value for each of the 2 blocks; it yielded 0"),
        (
            lambda self, function, blocks: [*map(function, blocks)] * 2,
            "one value for each of the 2 blocks; it yielded 4",
        ),
    ],
)
def test_an_engine_yields_one_value_for_each_block(each, sentence):
    engine = dataclass(type("Wrong", (gradmix.Engine,), {"each": each}))()
    with pytest.raises(gradmix.PluginError, match=sentence):
        Rows(np.ones((5000, 1)), engine=engine).fold(lambda block: block.X.sum())


@pytest.mark.parametrize("wrong", [lambda block: 3.0, lambda block: block.X[:1]])
def test_a_mapped_function_returns_one_entry_for_each_row(wrong):
    with pytest.raises(gradmix.PluginError, match="one entry for each of the 4096 rows of a block"):
        Rows(np.ones((5000, 1))).map(wrong)
