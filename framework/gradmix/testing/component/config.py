"""Config: options are fields, in Python and in configs alike."""

from __future__ import annotations

import dataclasses
import json
import pickle
from typing import Any

from gradmix.config.build import build
from gradmix.contracts.component import summary
from gradmix.contracts.errors import did_you_mean
from gradmix.contracts.option_values import plain
from gradmix.contracts.options import options_of, parameters_of, untyped
from gradmix.testing.check import BrokenPromiseError, NotApplicableError
from gradmix.testing.subject import Subject
from gradmix.testing.table import checks_of, use


def round_trips_through_config(subject: Subject) -> None:
    """Its options, written to a config and read again, make an equal component."""
    built = subject.built()
    plain_options = {option.name for option in options_of(subject.component) if not option.part}
    fields = _fields_of(built.component)
    node = {**built.node, **{name: value for name, value in fields.items() if name in plain_options}}
    again = _fields_of(build(subject.kind, json.loads(json.dumps(node)), known=subject.known).component)
    if again != fields:
        raise BrokenPromiseError(str(fields), str(again), f"the config {node}")


def passes_its_own_check(subject: Subject) -> None:
    """Its `check` accepts the options that it was built with."""
    subject.make().check()


def can_be_pickled(subject: Subject) -> None:
    """It can be pickled and unpickled with the same options, as is needed to send it to another process."""
    component = subject.make()
    if "<locals>" in type(component).__qualname__:
        raise NotApplicableError("a class that a function makes cannot be pickled")
    try:
        written = pickle.dumps(component)
    except pickle.PicklingError as error:
        name = type(component).__name__
        hint = f"the variable {name} in its module, or name= with the name of the variable"
        raise BrokenPromiseError(hint, f"PicklingError: {error}", f"pickle.dumps({name}())") from error
    again = pickle.loads(written)
    if _fields_of(again) != _fields_of(component):
        raise BrokenPromiseError(f"{_fields_of(component)}", f"{_fields_of(again)}", "pickle.loads(pickle.dumps(…))")


def has_a_summary(subject: Subject) -> None:
    """Its docstring begins with a one-sentence summary for listings."""
    text = summary(subject.component)
    if not text.endswith((".", "!", "?", ":")) or len(text.split()) < 2:
        raise BrokenPromiseError("a docstring whose first line is a sentence", repr(text), subject.component.__name__)


def documents_every_option(subject: Subject) -> None:
    """The ``Parameters`` section of its docstring describes every option."""
    silent = [option.name for option in parameters_of(subject.component) if not option.doc]
    if silent:
        raise BrokenPromiseError("a line for each option", f"none for {', '.join(silent)}", subject.component.__name__)


def gives_every_option_a_type(subject: Subject) -> None:
    """Every plain value in its class is an option with a type, a ``ClassVar``, or a constant in capitals."""
    for name, value in untyped(subject.component).items():
        typed = f"{name}: {type(value).__name__} = {value!r}"
        raise BrokenPromiseError(
            f"{typed}, or a ClassVar", f"{name} = {value!r}, no option", subject.component.__name__
        )


def deviates_from_existing_checks(subject: Subject) -> None:
    """`deviates` names existing checks except this one, each with a reason."""
    known = {check.name for check in checks_of(subject.kind)} - {deviates_from_existing_checks.__name__}
    for name, reason in subject.component.deviates.items():
        if name not in known:
            raise BrokenPromiseError("the name of a check", repr(name) + did_you_mean(name, known), "deviates")
        if not reason.strip():
            raise BrokenPromiseError("a reason", repr(reason), f"deviates[{name!r}]")


def keeps_its_options(subject: Subject) -> None:
    """A use does not change its fields."""
    component = subject.make()
    before = _fields_of(component)
    use(subject.kind, component)
    after = _fields_of(component)
    for name, value in before.items():
        if after[name] != value:
            raise BrokenPromiseError(f"{name}={value!r}", f"{name}={after[name]!r}", "after one use", "component")


def has_a_stable_fingerprint(subject: Subject) -> None:
    """Its `content` is a tuple of strings: equal before and after a use, and for two components with equal options."""
    component = subject.make()
    before = component.content()
    if not isinstance(before, tuple) or not all(isinstance(mark, str) for mark in before):
        raise BrokenPromiseError("a tuple of strings", repr(before), "component.content()")
    use(subject.kind, component)
    for when, content in (("after a use", component.content()), ("of an equal component", subject.make().content())):
        if content != before:
            raise BrokenPromiseError(repr(before), repr(content), f"component.content() {when}")


def _fields_of(component: Any) -> dict[str, Any]:
    """Return the fields as plain values, including those of parts."""
    return {field.name: _value(getattr(component, field.name)) for field in dataclasses.fields(component) if field.init}


def _value(value: Any) -> Any:
    return {type(value).__name__: _fields_of(value)} if dataclasses.is_dataclass(value) else plain(value)
