"""A call, as the readers of calls pass it on: the function, its arguments and its place."""

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
        The called function or object; a method has none.
    arguments
        Positional arguments.
    keywords
        Keyword arguments.
    node
        The call in the source.
    scope
        The scope that contains the call.
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
        """Return the called function."""
        return self.callee.known

    @property
    def things(self) -> list[Thing]:
        """Return all arguments."""
        return [*self.arguments, *self.keywords.values()]

    @property
    def leaves(self) -> list[Value]:
        """Return the values in all arguments."""
        return [leaf for each in self.things for leaf in leaves(each)]

    @property
    def shown(self) -> str:
        """Return the call as the user wrote it, for messages."""
        return f"`{ast.unparse(self.node)}`"

    def of(self, *arguments: Thing, hint: str = "") -> Call:
        """Return the same call with other arguments, without options."""
        return replace(self, arguments=arguments, keywords={}, hint=hint)

    def refusal(self, what: str, *way_out: str) -> RefusalError:
        """Return an error about this call."""
        return self.scope.refusal(self.node, what, *way_out)

    def fix(self) -> None:
        """Note that the code is valid for this function only."""
        if self.callee.captured is not None:
            self.callee.captured.is_fixed = True
