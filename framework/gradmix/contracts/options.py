"""Options: the fields of a component's dataclass, as a table from which config, validation and help are derived."""

from __future__ import annotations

import dataclasses
import inspect
import json
import pkgutil
import types
import typing
from collections.abc import Callable
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar

import annotated_types
import numpy as np

from gradmix.contracts.docstring import parameter_docs
from gradmix.contracts.errors import ConfigError, PluginError, UnknownNameError
from gradmix.contracts.named import lookup
from gradmix.contracts.secrets import is_secret_name

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MarkT = TypeVar("MarkT")


@dataclasses.dataclass(frozen=True)
class SeedMarker:
    """Marks an option whose default in a run is the run's ``seed``."""


@dataclasses.dataclass(frozen=True)
class Freedom:
    """Marks an option that decides how closely an algorithm can follow its data, such as the number of groups.

    A metric with ``rewards_freedom`` improves with it, whatever the data, and so cannot show which value is right.

    Parameters
    ----------
    needs_rows
        Whether the data must have at least as many rows as the option's value.
    """

    needs_rows: bool = False


@dataclasses.dataclass(frozen=True)
class Alias:
    """Gives an option a second name, which options of other components with the same meaning share.

    With ``n_components: Annotated[int, Alias("k")]`` of one clusterer and ``n_clusters: Annotated[int, Alias("k")]`` of
    another, ``clusterer=one,other clusterer.k=2,3`` sweeps both. Runs, journals and MLflow record the option's own
    name. If there are several marks, the last one counts.

    Parameters
    ----------
    name
        The second name.
    """

    name: str


@dataclasses.dataclass(frozen=True)
class Danger:
    """Marks an option whose value must come from the user, because a config file may have been written by others."""

    does: ClassVar[str]
    is_secret: bool = False


@dataclasses.dataclass(frozen=True)
class RunsCode(Danger):
    """Marks an option that names code to run, as in ``Annotated[str, RunsCode()]``: its value must come from the user.

    A run accepts it from the command line or the user's ``~/.config/gradmix/config.yaml``, but from no other config
    file.
    """

    does = "is code to run"


@dataclasses.dataclass(frozen=True)
class SendsTo(Danger):
    """Marks an option that specifies where a run writes or sends something, as in ``Annotated[str, SendsTo()]``.

    As with `RunsCode`, its value must come from the user.

    Parameters
    ----------
    is_secret
        Whether messages omit the value: anyone who has the address of a webhook can write to it.
    """

    does = "is where a run would write or send what it finds"
    is_secret: bool = True


@dataclasses.dataclass(frozen=True)
class LoadsPlugins(Danger):
    """Marks an option that specifies which plugins to load. Plugins are loaded before any config file is read."""

    does = "says which plugins are loaded"


@dataclasses.dataclass(frozen=True)
class PythonOnly:
    """Marks an option that can be set only in Python, as in ``Annotated[Any, PythonOnly()] = None``.

    It must have a default. Use it for options that make sense only within a program, such as an array to start from, or
    whether to continue from the last fit. It is a parameter of the estimator (`get_params`, `set_params`, ``repr``),
    but not an option of a run: no config can set it, and neither MLflow nor the run key includes it. It is checked like
    any option, unless its type is ``Any``.
    """


@dataclasses.dataclass(frozen=True, init=False)
class AlsoInPython:
    """Marks an option that accepts more types in Python, as in ``Annotated[str, AlsoInPython(Callable)]``.

    In a run it is like any other option.

    Parameters
    ----------
    *types
        The additional types; the component must accept all of their values.
    """

    types: tuple[Any, ...]

    def __init__(self, *types: Any) -> None:
        object.__setattr__(self, "types", types)


Bounds = annotated_types.Interval
"""Bounds of a number, any of ``gt``, ``ge``, ``lt`` and ``le``, as in ``Annotated[int, Bounds(ge=2)]``."""

PositiveInt = Annotated[int, Bounds(gt=0)]
NonNegativeInt = Annotated[int, Bounds(ge=0)]
PositiveFloat = Annotated[float, Bounds(gt=0)]
NonNegativeFloat = Annotated[float, Bounds(ge=0)]
Seed = Annotated[NonNegativeInt | None, SeedMarker(), AlsoInPython(np.random.Generator, np.random.RandomState)]
"""A seed of random numbers. None means fresh entropy in Python, and the run's ``seed`` in a run.

In Python it may also be a generator, which each use advances; `numpy.random.default_rng` accepts all of these.
"""


GroupCount = Annotated[PositiveInt, Freedom(needs_rows=True), Alias("k")]
"""A number of groups to find, with the alias ``k``.

It must not exceed the number of rows. Larger values fit any data better.
"""


@dataclasses.dataclass(frozen=True)
class KeyOf:
    """Allows only the keys of a table as values; the table is imported when the option is checked.

    Parameters
    ----------
    table
        The location of the table: ``"package.module:TABLE"``.
    """

    table: str

    @property
    def keys(self) -> list[str]:
        """The allowed values."""
        return list(pkgutil.resolve_name(self.table))

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.literal_schema(self.keys)


@dataclasses.dataclass(frozen=True)
class NameOf:
    """Marks a string option that is the name of a component of a kind, as in ``Annotated[str, NameOf("covariance")]``.

    In configs and in Python, the value is a plain string, or a list of strings if the type is ``tuple[str, ...]``.
    Plugins can add allowed names. If the component has options, use a `part` instead.

    Parameters
    ----------
    kind
        The kind.
    """

    kind: str

    @property
    def names(self) -> list[str]:
        """The allowed names."""
        return lookup().names(self.kind)

    def check(self, name: str, path: str) -> None:
        """Check that a component of that name can be used; the error lists the option, the nearest and all names."""
        try:
            found = lookup().find(self.kind, name)
        except UnknownNameError as error:
            raise UnknownNameError(f"{path}: {error}") from None
        found.load()


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
    hints, docs = typing.get_type_hints(component, include_extras=True), parameter_docs(component)
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
    if "choice" not in field.metadata:
        factory = field.default_factory
        return Option(field.name, hint, field.default if factory is dataclasses.MISSING else factory(), doc, None)
    contract = hint
    while (origin := typing.get_origin(contract)) is not None:  # Annotated[Clusterer[Any], …]
        contract = typing.get_args(contract)[0] if origin is Annotated else origin
    return Option(field.name, hint, field.metadata["choice"], doc, contract)


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


def check_option(option: Option, value: Any, owner: str) -> Any:
    """Check a plain value (numbers, strings, lists; NumPy's scalars and arrays) and convert it to the option's type.

    Raises
    ------
    ConfigError
        If the value is wrong. The message names the option with its owner (``clusterer.tol``), the given value and the
        allowed values.
    PluginError
        If a config cannot express the option's type.
    """
    from pydantic import ValidationError

    path = f"{owner}.{option.name}".lstrip(".")
    read = _read_again if type(value) in (str, int, float, bool) else _read
    try:
        checked = read(option.type, path, value)
    except (ValidationError, TypeError) as error:
        raise ConfigError(f"{path} must be {option.allowed}; given: {value!r}.") from error
    if option.names:
        for name in option.named(checked):
            option.names.check(name, path)
    return checked


def _read(annotation: Any, path: str, value: Any) -> Any:
    # Strict by the rules of JSON: "3" is not a number and true is not 1, but a list can become a tuple.
    return adapter_of(annotation, path).validate_json(json.dumps(value, default=_plain), strict=True)


_read_again = lru_cache(maxsize=1024, typed=True)(_read)
"""`_read` with a cache, because each fit checks all options again."""


@cache
def adapter_of(annotation: Any, path: str) -> TypeAdapter[Any]:
    """Return the validator for the option at a path; raise PluginError if a config cannot express its type."""
    from pydantic import PydanticUserError, TypeAdapter

    try:
        return TypeAdapter(annotation)
    except PydanticUserError:
        raise PluginError(
            f"the field {path} has the type {getattr(annotation, '__name__', annotation)}, which a config cannot "
            "express. Its type must be int, float, str, bool, None, Literal[…], or list or tuple of these; an array is "
            "given as a list."
        ) from None


def plain(value: Any) -> Any:
    """Convert an option's value for JSON and YAML: tuples and arrays become lists, paths become strings."""
    return json.loads(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    """Convert NumPy's scalars and arrays, and paths, to types that JSON supports."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    raise TypeError(f"{type(value).__name__} is not a plain value")


_PLAIN_NAMES: dict[Any, str] = {
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "a string",
    type(None): "null",
    Any: "any plain value",
}
_SIGNS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def describe_type(annotation: Any) -> str:
    """Describe in words which values a type allows.

    >>> describe_type(Literal["full", "tied"])
    'one of full, tied'
    >>> describe_type(PositiveInt)
    'an integer > 0'
    >>> describe_type(Annotated[float, Bounds(gt=0.0, le=0.5)])
    'a number > 0 and ≤ 0.5'
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        inner, *marks = arguments
        if keys := [key for mark in marks if isinstance(mark, KeyOf) for key in mark.keys]:
            return f"one of {', '.join(keys)}"
        if names := [name for mark in marks if isinstance(mark, NameOf) for name in mark.names]:
            return f"{'a list, each ' if typing.get_origin(inner) is tuple else ''}one of {', '.join(names)}"
        bounds = [
            f"{sign} {int(bound) if float(bound).is_integer() else bound}"  # typing treats > 0 and > 0.0 as equal
            for mark in marks
            if isinstance(mark, Bounds)
            for name, sign in _SIGNS.items()
            if (bound := getattr(mark, name)) is not None
        ]
        return f"{describe_type(inner)} {' and '.join(bounds)}".rstrip()
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    words = [describe_type(each) for each in arguments if each is not Ellipsis]
    if origin in (typing.Union, types.UnionType):
        return " or ".join(words)
    if origin is tuple and Ellipsis not in arguments:
        return f"a list of {len(words)}: {', '.join(words)}"
    if origin in (tuple, list):
        return f"a list, each {' or '.join(words)}"
    return _PLAIN_NAMES.get(annotation, str(getattr(annotation, "__name__", annotation)))
