"""From the syntax tree to the intermediate form: sums of generators, as loops."""

from __future__ import annotations

import ast

from gradmix_autodiff.source.forms import Thing, leaves
from gradmix_autodiff.source.reader import Reader
from gradmix_autodiff.source.scope import Scope


class Sums(Reader):
    """Reads ``sum(term for each in values if test)`` as a loop that adds to a total."""

    def is_over_active(self, node: ast.Call, scope: Scope) -> bool:
        """Return whether a call sums a generator, or a list comprehension, that reads differentiated values."""
        if not (node.args and isinstance(node.args[0], ast.GeneratorExp | ast.ListComp)) or node.keywords:
            return False
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        return any(leaf.active for name in names for leaf in leaves(scope.env.get(name)))

    def summed(self, node: ast.Call, scope: Scope) -> Thing:
        """Return the total. The names of the generator are local to it, as in Python."""
        made = node.args[0]
        assert isinstance(made, ast.GeneratorExp | ast.ListComp)
        total = f"total {scope.key(node)}"  # no variable of the user's has such a name
        start = node.args[1] if len(node.args) > 1 else ast.Constant(0.0)
        body: ast.stmt = ast.AugAssign(ast.Name(total, ast.Store()), ast.Add(), made.elt)
        for each in reversed(made.generators):
            for test in reversed(each.ifs):
                body = ast.If(test, [body], [])
            body = ast.For(each.target, each.iter, [body], [])
        statements: list[ast.stmt] = [ast.Assign([ast.Name(total, ast.Store())], start), body]
        for statement in statements:
            for inner in ast.walk(statement):
                if not hasattr(inner, "lineno"):
                    ast.copy_location(inner, node)
        own = {name.id for each in made.generators for name in ast.walk(each.target) if isinstance(name, ast.Name)}
        hidden = {name: scope.env.pop(name) for name in own & scope.env.keys()}
        around, locals_before = scope.node, set(scope.locals)
        scope.locals |= {total, *own}
        self.lowering.statements.statements(statements, scope, frozenset({*scope.env, total}))
        scope.node, scope.locals = around, locals_before
        found = scope.env.pop(total)
        scope.env = {name: thing for name, thing in scope.env.items() if name not in own} | hidden
        return found
