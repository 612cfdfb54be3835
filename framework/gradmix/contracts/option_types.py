"""Types of options: numbers with bounds, and marks that tell the framework what an option means."""

from __future__ import annotations

import dataclasses
import pkgutil
from typing import Annotated, Any, ClassVar

import annotated_types
import numpy as np

from gradmix.contracts.errors import UnknownNameError
from gradmix.contracts.named import lookup


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

    does = "is code that would run"


@dataclasses.dataclass(frozen=True)
class SendsTo(Danger):
    """Marks an option that specifies where a run writes or sends something, as in ``Annotated[str, SendsTo()]``.

    As with `RunsCode`, its value must come from the user.

    Parameters
    ----------
    is_secret
        Whether messages omit the value: anyone who has the address of a webhook can write to it.
    """

    does = "is a place to which a run would write or send results"
    is_secret: bool = True


@dataclasses.dataclass(frozen=True)
class LoadsPlugins(Danger):
    """Marks an option that specifies which plugins to load. Plugins are loaded before any config file is read."""

    does = "determines which plugins are loaded"


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
