"""Options: the fields of a component's dataclass, as a table from which config, validation and help are derived."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable
from functools import cache, cached_property
from typing import Annotated, Any, TypeVar

from gradmix.contracts.docstring import parameter_docs
from gradmix.contracts.errors import PluginError
from gradmix.contracts.option_types import Alias, AlsoInPython, Danger, Freedom, NameOf, PythonOnly, SeedMarker
from gradmix.contracts.secrets import is_secret_name
from gradmix.contracts.type_description import describe_type

MarkT = TypeVar("MarkT")


@dataclasses.dataclass(frozen=True)
class Option:
    """One field of a component, as used by config, validation and help."""

    name: str
    type: Any
    default: Any
    doc: str
    part: type[Any] | None
    """The contract (base class) of the component that this option holds; None for a plain value."""

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is dataclasses.MISSING

    @cached_property
    def is_seed(self) -> bool:
        """Whether the run's seed is the default."""
        return self._mark(SeedMarker) is not None

    @cached_property
    def is_python_only(self) -> bool:
        """Whether it can be set only in Python, so that it is not an option of a run."""
        return self._mark(PythonOnly) is not None

    def is_for_python(self, value: Any) -> bool:
        """Return whether this value is possible only in Python, so that it is not checked like a run's value."""
        return self._is_free or (self._also is not None and isinstance(value, self._also.types))

    @cached_property
    def _is_free(self) -> bool:
        return self.is_python_only and typing.get_args(self.type)[0] is Any

    @cached_property
    def _also(self) -> AlsoInPython | None:
        return self._mark(AlsoInPython)

    @cached_property
    def freedom(self) -> Freedom | None:
        """The mark `Freedom`; None if it has none."""
        return self._mark(Freedom)

    @cached_property
    def alias(self) -> str | None:
        """The name that it shares with options of other components; None if it has none."""
        marks = [mark for mark in getattr(self.type, "__metadata__", ()) if isinstance(mark, Alias)]
        return marks[-1].name if marks else None

    @property
    def danger(self) -> Danger | None:
        """The mark that states why its value must come from the user; None if any config file may set it."""
        return self._mark(Danger)

    @property
    def is_secret(self) -> bool:
        """Whether its value must not be recorded, because of its name or of its mark `SendsTo`."""
        return is_secret_name(self.name) or (self.danger is not None and self.danger.is_secret)

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
        return f"the name of a {self.part.kind}" if self.part else describe_type(self.type)

    @property
    def default_in_config(self) -> Any:
        """The default in YAML: ``???`` if a value must be given, ``${seed}`` for a seed that is None."""
        if self.required:
            return "???"
        if self.is_seed and self.default is None:
            return "${seed}"
        return list(self.default) if isinstance(self.default, tuple) else self.default

    @property
    def default_text(self) -> str:
        """The default in words, for people."""
        default = self.default_in_config
        if self.required:
            return "(required)"
        if default == "${seed}":
            return "the run's seed"
        return "null" if default is None else str(default).lower() if isinstance(default, bool) else str(default)

    @cached_property
    def names(self) -> NameOf | None:
        """The mark `NameOf`, with the kind of component that the option names; None if it has none."""
        return self._mark(NameOf)

    def named(self, value: Any) -> tuple[str, ...]:
        """Return the names of components in a value of this option; empty if the option has no mark `NameOf`."""
        return () if self.names is None else (value,) if isinstance(value, str) else tuple(value)

    def _mark(self, kind: type[MarkT]) -> MarkT | None:
        """Return the mark of a given class in the annotation of its type; None if there is none."""
        return next((mark for mark in getattr(self.type, "__metadata__", ()) if isinstance(mark, kind)), None)


def part(choice: str) -> Any:
    """Declare a field that holds another component; `choice` is the name of its default.

    Examples
    --------
    A task that needs a clusterer writes ``clusterer: Clusterer = part("gmm")``.
    """
    return dataclasses.field(metadata={"choice": choice}, kw_only=True)


def _parameters_of(component: type[Any]) -> tuple[Option, ...]:
    try:
        hints, docs = typing.get_type_hints(component, include_extras=True), parameter_docs(component)
    except NameError as error:
        raise PluginError(f"a field of {component.__name__} has a type that cannot be found: {error}") from None
    fields = [field for field in dataclasses.fields(component) if field.init]
    return tuple(_option(field, hints[field.name], docs.get(field.name, "")) for field in fields)


parameters_of: Callable[[Any], tuple[Option, ...]] = cache(_parameters_of)
"""Return all fields in a dataclass's constructor; its docstring's ``Parameters`` (NumPy format) documents them."""


def _options_of(component: type[Any]) -> tuple[Option, ...]:
    return tuple(option for option in parameters_of(component) if not option.is_python_only)


options_of: Callable[[Any], tuple[Option, ...]] = cache(_options_of)
"""Return the options that a run can set: the parameters of a dataclass that are not `PythonOnly`."""


def _aliases_of(component: type[Any]) -> dict[str, Option]:
    return {option.alias: option for option in options_of(component) if option.alias not in (None, option.name)}


aliases_of: Callable[[Any], dict[str, Option]] = cache(_aliases_of)
"""Return alias → option for the options of a dataclass whose alias differs from their name."""


def _option(field: dataclasses.Field[Any], hint: Any, doc: str) -> Option:
    contract = hint
    while (origin := typing.get_origin(contract)) is not None:  # Annotated[Clusterer[Any], …]
        contract = typing.get_args(contract)[0] if origin is Annotated else origin
    if isinstance(getattr(contract, "kind", None), str) is not ("choice" in field.metadata):
        raise PluginError(
            f"the field {field.name} must have a component's class as its type and its default by gradmix.part, as in "
            "`clusterer: gradmix.Clusterer = gradmix.part('gmm')`, or neither"
        )
    if "choice" in field.metadata:
        return Option(field.name, hint, field.metadata["choice"], doc, contract)
    factory = field.default_factory
    return Option(field.name, hint, field.default if factory is dataclasses.MISSING else factory(), doc, None)


def untyped(component: type[Any]) -> dict[str, Any]:
    """Find plain values in a component's classes that are not options because they have no type: name → value.

    In a dataclass only ``n_clusters: int = 2`` is a field; ``n_clusters = 2`` is an attribute that no config can set.
    Attributes that a base class defines, constants in capitals and private names are intended and left out.
    """
    found: dict[str, Any] = {}
    known: set[str] = set()
    for cls in reversed(component.__mro__):
        typed = inspect.get_annotations(cls)
        for name in {} if cls.__module__.startswith("gradmix.") else vars(cls):
            if name not in known and name not in typed and name.islower() and not name.startswith("_"):
                found[name] = getattr(component, name)
        known |= {*vars(cls), *typed}
    return {name: value for name, value in found.items() if isinstance(value, bool | int | float | str | tuple | list)}
