"""The variables that statements read and assign."""

from __future__ import annotations

import ast
from collections.abc import Iterable


def assigned(body: Iterable[ast.AST]) -> set[str]:
    """Return the variables that statements assign, without those of inner functions."""
    found: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            found |= assigned(ast.iter_child_nodes(node))
    return found


def used(body: Iterable[ast.AST]) -> frozenset[str]:
    """Return the variables that statements read."""
    found = set()
    for each in body:
        for node in ast.walk(each):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found.add(node.id)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return frozenset(found)


def written_in(body: Iterable[ast.stmt]) -> frozenset[str]:
    """Return the variables whose entries statements assign."""
    inner = (node for each in body for node in ast.walk(each))
    stored = (node.value for node in inner if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store))
    return frozenset(each.id for each in stored if isinstance(each, ast.Name))


def free_in_functions(body: Iterable[ast.stmt]) -> frozenset[str]:
    """Return the variables that inner functions may read when they are called."""
    inner = [node for each in body for node in ast.walk(each) if isinstance(node, ast.FunctionDef | ast.Lambda)]
    return used(inner)


def exposed_by(body: Iterable[ast.stmt]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the variables that statements may read before assigning them, and those that they surely assign."""
    read: set[str] = set()
    surely: set[str] = set()
    for node in body:
        if isinstance(node, ast.If):
            read |= used([node.test]) - surely
            (one, made), (other, made_too) = exposed_by(node.body), exposed_by(node.orelse)
            read |= (one | other) - surely
            surely |= made & made_too
        elif isinstance(node, ast.For | ast.While):
            read |= used([node.iter if isinstance(node, ast.For) else node.test]) - surely
            targets = assigned([node.target]) if isinstance(node, ast.For) else set()
            read |= exposed_by(node.body)[0] - targets - surely
        else:
            read |= used([node]) - surely
            surely |= assigned([node])
    return frozenset(read), frozenset(surely)
