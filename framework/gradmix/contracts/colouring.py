"""Colourings: a colouring states how to compute a sparse matrix of derivatives from few directions."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gradmix.contracts.errors import DifferentiationError
from gradmix.contracts.files import regular_file

IntArray = NDArray[np.intp]

_FORMAT = "gradmix colouring 1"
_LEAST = 4
"""A colouring pays only if there are at least this many variables for each direction."""
_ARRAYS = ("starts", "rows", "column_colours", "row_colours")


@dataclass(frozen=True, eq=False)
class Colouring:
    """The pattern of a sparse Jacobian or Hessian, and the colours of its columns and rows.

    Columns of one colour share a tangent, rows of one colour a cotangent. A colouring can be used for other points and
    for other functions with the same pattern. Each matrix is verified; if the pattern does not hold, it is determined
    again.

    Parameters
    ----------
    shape
        Shape of the matrix.
    starts, rows
        The pattern in CSC format: where each column starts, shape (n + 1,), and the row of each entry.
    column_colours
        Colour of each column, shape (n,); -1 if the column is found from cotangents alone.
    row_colours
        Colour of each row that is pulled back, shape (m,); -1 for the others.
    is_second
        Whether the matrix is a Hessian.

    Examples
    --------
    >>> import gradmix
    >>> import numpy as np
    >>> found = gradmix.differentiator("dual").colouring(lambda x: x**2, np.arange(100.0))
    >>> found.shape, found.directions
    ((100, 100), 1)
    """

    shape: tuple[int, int]
    starts: IntArray
    rows: IntArray
    column_colours: IntArray
    row_colours: IntArray
    is_second: bool

    @property
    def directions(self) -> int:
        """Number of tangents and cotangents needed to compute the matrix."""
        return sum(int(each.max(initial=-1)) + 1 for each in (self.column_colours, self.row_colours))

    def to_file(self, path: str | os.PathLike[str]) -> None:
        """Write the colouring to a NumPy file, ``.npz``, without pickled objects."""
        head = json.dumps({"format": _FORMAT, "shape": self.shape, "is_second": self.is_second})
        arrays = {name: np.asarray(getattr(self, name), dtype=np.int64) for name in _ARRAYS}
        with open(path, "wb") as file:
            np.savez_compressed(file, head=np.array(head), **arrays)  # type: ignore[arg-type]

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Read a colouring from a file. Files from any source are safe: nothing in them is executed.

        Raises
        ------
        DifferentiationError
            If the file does not contain a colouring.
        """
        try:
            with np.load(regular_file(path), allow_pickle=False) as file:
                head = json.loads(str(file["head"]))
                starts, rows, columns, others = (file[name] for name in _ARRAYS)
            if head["format"] != _FORMAT:
                raise ValueError(f"its format is {head['format']!r}")
            m, n = map(int, head["shape"])
            made = cls((m, n), starts, rows, columns, others, bool(head["is_second"]))
            made._check()
        except (ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
            raise DifferentiationError(f"{os.fspath(path)} is not a colouring: {error}.") from error
        return made

    def _check(self) -> None:
        """Check that its parts fit together."""
        (m, n), starts, rows = self.shape, self.starts, self.rows
        if any(getattr(self, name).dtype.kind != "i" or getattr(self, name).ndim != 1 for name in _ARRAYS):
            raise ValueError("its arrays are not vectors of integers")
        sizes = len(starts) == n + 1, len(self.column_colours) == n, len(self.row_colours) == m
        is_pattern = all(sizes) and starts[0] == 0 and starts[-1] == len(rows) and bool(np.all(np.diff(starts) >= 0))
        if not is_pattern or (self.is_second and m != n):
            raise ValueError("its arrays do not fit its shape")
        for values, least, most in ((rows, 0, m), (self.column_colours, -1, n), (self.row_colours, -1, m)):
            if len(values) and not (least <= values.min() and values.max() < most):
                raise ValueError("an index or a colour is out of range")
        if _LEAST * self.directions > n or (self.is_second and n and self.column_colours.min() < 0):
            raise ValueError("its number of colours is wrong")


def colouring_of(sparse: bool | Colouring) -> Colouring | None:
    """Return the colouring in the argument ``sparse=`` of an operator; None if the argument is True.

    Raises
    ------
    DifferentiationError
        If the argument is neither True nor a colouring.
    """
    if sparse is not True and not isinstance(sparse, Colouring):
        raise DifferentiationError(f"sparse= must be True, False or a gradmix.Colouring; given: {sparse!r}.")
    return None if sparse is True else sparse
