"""scikit-learn's small data sets: ``iris``, ``wine``, ``breast_cancer``, ``digits``."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar

from gradmix import Data, Dataset


@dataclass(kw_only=True)
class Classic(Dataset, ABC):
    """A data set that comes with scikit-learn."""

    loader: ClassVar[str]

    def read(self) -> Data:
        """Load the data set from scikit-learn."""
        import sklearn.datasets

        bunch = getattr(sklearn.datasets, self.loader)()
        return Data(bunch.data, bunch.target, tuple(str(name) for name in bunch.feature_names))

    def content(self) -> tuple[str, ...]:
        """Return the version of scikit-learn."""
        from importlib.metadata import version

        return (f"scikit-learn {version('scikit-learn')}",)


@dataclass(kw_only=True)
class Iris(Classic):
    """Fisher's irises: 150 flowers, 4 measures, 3 species (Fisher 1936)."""

    loader = "load_iris"


@dataclass(kw_only=True)
class Wine(Classic):
    """Wines of three growers: 178 wines, 13 chemical measures (Aeberhard & Forina 1991)."""

    loader = "load_wine"


@dataclass(kw_only=True)
class BreastCancer(Classic):
    """Breast tumours, benign or malignant: 569 cases, 30 measures of cell nuclei (Wolberg et al. 1993)."""

    loader = "load_breast_cancer"


@dataclass(kw_only=True)
class Digits(Classic):
    """Handwritten digits: 1797 images of 8 × 8 pixels, 10 digits (Alpaydin & Kaynak 1998)."""

    loader = "load_digits"
