"""The clusterer ``gaussian``: a Gaussian fitted to the rows of each label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np

from gradmix import Block, DataError, Freedom, Iteration, Meaning, NameOf, Rows
from gradmix_clustering.mixture_estimator import MixtureEstimator, Regularisation, varying_columns

if TYPE_CHECKING:
    from gradmix.arrays import IntArray
    from gradmix_clustering.mixture_model import GaussianMixtureModel


@dataclass
class LabelledGaussians(MixtureEstimator):
    """Gaussians fitted to labelled rows by maximum likelihood, in one step.

    Parameters
    ----------
    covariance_type
        Constraint on the covariances: a matrix for each component (full), one matrix for all (tied), for each component
        a variance per feature (diag) or a single variance (spherical), or the name of another covariance type, such as
        mclust's.
    reg_covar
        Number added to every variance, so that none becomes zero, in units of the columns' mean variance.
    reg_covar_is_relative
        False if `reg_covar` is in the units of the data.

    Notes
    -----
    The lecture's supervised case: each weight is a label's share of the rows, and each mean and covariance is that of
    the label's rows. This maximises the joint likelihood of rows and labels, Π P(y, x); its logarithm is
    ``joint_log_likelihood_`` (nats). ``log_likelihood_`` is the log-likelihood of the rows alone, as for `gmm`.
    Components are numbered in the order of the sorted labels, ``classes_``. Source: Bishop, *Pattern Recognition and
    Machine Learning* (2006), section 4.2.2.

    Examples
    --------
    >>> X, y = [[0.0], [0.2], [5.0], [5.4]], ["low", "low", "high", "high"]
    >>> fitted = LabelledGaussians().fit(X, y)
    >>> fitted.classes_.tolist(), fitted.means_.tolist()
    (['high', 'low'], [[5.2], [0.1]])
    """

    needs_labels: ClassVar[bool] = True

    covariance_type: Annotated[str, NameOf("covariance"), Freedom()] = "full"
    reg_covar: Regularisation = 1e-9
    reg_covar_is_relative: bool = True

    def setup(self) -> None:
        """Import the M-step, and the parts of SciPy that it needs."""
        super().setup()
        for module in ("gradmix_clustering.em", "scipy.linalg.lapack"):
            import_module(module)

    def metrics(self) -> tuple[Meaning, ...]:
        """Describe the metrics of any mixture, and the joint log-likelihood, which this clusterer maximises."""
        joint = Meaning("joint_log_likelihood", "higher", "nats", "log-likelihood of rows and labels together")
        return (*super().metrics(), joint)

    def fit(self, X: Any, y: object = None, sample_weight: Any = None) -> Self:
        """Fit a Gaussian to the rows of each label; see `FoldingClusterer.fit`."""
        super().fit(X, y, sample_weight)
        labels = X.labels if isinstance(X, Rows) and y is None else y
        self.classes_ = np.unique(np.asarray(labels))
        return self

    def iterate_rows(
        self, rows: Rows, rng: np.random.Generator, state: GaussianMixtureModel | None = None
    ) -> Iterator[Iteration[GaussianMixtureModel]]:
        """Yield the only iteration."""
        from gradmix_clustering.em import start_model
        from gradmix_clustering.estep import EStep
        from gradmix_clustering.starts import Labelled

        classes, groups = np.unique(np.asarray(rows.labels), return_inverse=True)
        if rows.weights is not None and not (shares := np.bincount(groups, rows.weights)).all():
            label = classes[np.argmin(shares)]
            raise DataError(f"no row with the label {label} has a positive sample weight; each label needs one.")
        expectation = EStep(rows, "numpy")
        floor = self.floor_of(expectation.spread)
        model = start_model(rows, Labelled(groups, len(classes)), self.covariance_type, floor)
        least = max(floor, np.finfo(float).eps * expectation.spread)
        metrics = {
            "log_likelihood": expectation(model).log_likelihood,
            "joint_log_likelihood": float(rows.fold(partial(_joint, model, groups))),
        }
        collapsed = model.n_collapsed(least, rows.total_weight, varying_columns(rows.array))
        yield Iteration(model, metrics, converged=True, collapsed=collapsed)


def _joint(model: GaussianMixtureModel, groups: IntArray, block: Block) -> float:
    """Return Σ log p(y, x) over the rows of a block, each term times the weight of its row."""
    joint = model.log_joint(model.center(block.X))[groups[block.rows], np.arange(len(block.X))]
    return float(joint.sum() if block.weights is None else block.weights @ joint)
