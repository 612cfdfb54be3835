"""What reads one kind of syntax: it appends to what a pass has made, and hands what is within on to the others."""

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
        The pass, by which it finds the other readers.
    """

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering
        self.building: Building = lowering.building
