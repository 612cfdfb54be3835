"""The base of readers: each reads one kind of syntax, adds statements to the pass, and calls others for parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradmix_autodiff.source.building import Building
    from gradmix_autodiff.source.lowering import Lowering


class Reader:
    """Reads one kind of syntax.

    Parameters
    ----------
    lowering
        The pass, which holds the other readers.
    """

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering
        self.building: Building = lowering.building
