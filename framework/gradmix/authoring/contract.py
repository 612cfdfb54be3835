"""What a contract's class asks of its authors, read from its source: methods, attributes, and what each means."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from textwrap import dedent
from types import FunctionType

from gradmix.contracts.component import Component
from gradmix.contracts.differentiator import Differentiator
from gradmix.contracts.docstring import opening

ONE_OF: Mapping[type[Component], tuple[str, ...]] = {Differentiator: ("jvp", "vjp")}
"""Contracts of which one of several methods is to be defined."""


@dataclass(frozen=True)
class Member:
    """A method or an attribute of a contract.

    Parameters
    ----------
    name
        As it is written: ``iterate(X, rng)``, ``objective``.
    meaning
        The first paragraph of what its docstring says.
    must
        Whether a class of one's own has to define it.
    """

    name: str
    meaning: str
    must: bool


def members(contract: type[Component]) -> Iterator[Member]:
    """Public methods and attributes of a contract that its authors may define: those that they must, first."""
    yield from sorted([*_methods(contract), *_attributes(contract)], key=lambda member: not member.must)


def _methods(contract: type[Component]) -> Iterator[Member]:
    abstract: frozenset[str] = getattr(contract, "__abstractmethods__", frozenset())
    needed = {*abstract, *ONE_OF.get(contract, ())}
    for name, method in vars(contract).items():
        if name.startswith("_"):
            continue
        if isinstance(method, FunctionType):
            yield Member(f"{name}({_parameters(method)})", opening(method.__doc__), name in needed)
        elif isinstance(method, classmethod | property):
            inner = method.fget if isinstance(method, property) else method.__func__
            shown = name if isinstance(method, property) else f"{name}()"
            yield Member(shown, opening(inner.__doc__ if inner else None), False)


def _parameters(method: FunctionType) -> str:
    """Names of the parameters; those that the framework offers by name are `…`."""
    parameters = list(inspect.signature(method).parameters.values())[1:]
    offers = [each for each in parameters if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    return ", ".join([*(each.name for each in parameters if each not in offers), *(["…"] if offers else [])])


def _attributes(contract: type[Component]) -> Iterator[Member]:
    """Attributes with a docstring below them, which only the source has."""
    (definition,) = ast.parse(dedent(inspect.getsource(contract))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for attribute, below in pairwise(body):
        is_told = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name) and is_told:
            meaning = opening(str(below.value.value))  # type: ignore[attr-defined]
            is_left_open = attribute.value is None and contract is not Component
            yield Member(attribute.target.id, meaning, is_left_open)
