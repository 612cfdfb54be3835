"""A call, as the readers of calls hand it on: what is called, with what, and where."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gradmix_autodiff.source.forms import Thing, Value, leaves
from gradmix_autodiff.source.refusal import RefusalError
from gradmix_autodiff.source.scope import Scope


@dataclass(frozen=True, eq=False)
class Call:
    """A call.

    Parameters
    ----------
    callee
        What is called; a method has none.
    arguments
        By position.
    keywords
        By name.
    node
        The call in the source.
    scope
        Where it is.
    hint
        The name of the variable that the result will be assigned to.
    """

    callee: Value
    arguments: Sequence[Thing]
    node: ast.Call
    scope: Scope
    keywords: Mapping[str, Thing] = field(default_factory=dict)
    hint: str = ""

    @property
    def function(self) -> Any:
        """What is called."""
        return self.callee.known

    @property
    def things(self) -> list[Thing]:
        """All arguments."""
        return [*self.arguments, *self.keywords.values()]

    @property
    def leaves(self) -> list[Value]:
        """The values in all arguments."""
        return [leaf for each in self.things for leaf in leaves(each)]

    @property
    def shown(self) -> str:
        """The call as it is written, for messages."""
        return f"`{ast.unparse(self.node)}`"

    def of(self, *arguments: Thing, hint: str = "") -> Call:
        """The same of other arguments, without options."""
        return replace(self, arguments=arguments, keywords={}, hint=hint)

    def refusal(self, what: str, *way_out: str) -> RefusalError:
        """An error about it."""
        return self.scope.refusal(self.node, what, *way_out)

    def fix(self) -> None:
        """Note that the code holds for this function only."""
        if self.callee.captured is not None:
            self.callee.captured.is_fixed = True
