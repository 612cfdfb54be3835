"""Memory with several names: a name must not be read after the array that it shares memory with has been written.

The adjoint of a written array is kept under a single name. A view, or another name from a branch or an iteration, has
a separate adjoint, which would miss later writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gradmix_autodiff.source.refusal import refusal


@dataclass(frozen=True)
class _Access:
    step: int
    loops: frozenset[int]
    place: str = ""
    shown: str = ""


@dataclass
class Accesses:
    """The order in which the program creates arrays, writes them, and reads them by other names."""

    step: int = 0
    made: dict[str, _Access] = field(default_factory=dict)
    aliases: dict[str, tuple[_Access, frozenset[str]]] = field(default_factory=dict)
    writes: dict[str, list[_Access]] = field(default_factory=dict)
    reads: dict[str, list[_Access]] = field(default_factory=dict)

    def copy(self) -> Accesses:
        """Return a copy of the present state."""
        lists = ({key: list(each) for key, each in kept.items()} for kept in (self.writes, self.reads))
        return Accesses(self.step, dict(self.made), dict(self.aliases), *lists)

    def _next(self, loops: Sequence[int], place: str = "", shown: str = "") -> _Access:
        self.step += 1
        return _Access(self.step, frozenset(loops), place, shown)

    def make(self, root: str, loops: Sequence[int]) -> None:
        """Note where an array is created."""
        self.made[root] = self._next(loops)

    def alias(self, name: str, roots: frozenset[str], loops: Sequence[int]) -> None:
        """Note a name that may share memory with arrays."""
        self.aliases[name] = self._next(loops), roots

    def write(self, root: str, loops: Sequence[int], place: str, shown: str) -> None:
        """Note that an array is written."""
        self.writes.setdefault(root, []).append(self._next(loops, place, shown))

    def read(self, name: str, loops: Sequence[int], place: str) -> None:
        """Note that a name is read."""
        if name in self.aliases:
            self.reads.setdefault(name, []).append(self._next(loops, place))

    def check(self) -> None:
        """Check that no name is read after the array that it shares memory with has been written.

        Raises
        ------
        RefusalError
            If one is; the error names the line that writes and the line that reads.
        """
        for name, reads in self.reads.items():
            alias, roots = self.aliases[name]
            for root in roots:
                made = self.made.get(root)
                if made is None or not made.loops <= alias.loops:  # each iteration creates another array
                    continue
                for write in self.writes.get(root, ()):
                    for read in reads:
                        if _comes_between(alias, write, read):
                            line = read.place.rpartition(", ")[2]
                            what = f"`{write.shown} = …`, which changes an array that {line} reads under another name,"
                            raise refusal(write.place, what, "copy the array there: np.copy(…)")


def _comes_between(alias: _Access, write: _Access, read: _Access) -> bool:
    if alias.step < write.step < read.step:
        return True
    return bool((write.loops & read.loops) - alias.loops)
