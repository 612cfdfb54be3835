from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pytest

import gradmix
from gradmix import (
    AlsoInPython,
    Bounds,
    ConfigError,
    KeyOf,
    Metric,
    NonNegativeFloat,
    PositiveInt,
    PythonOnly,
    Seed,
)
from gradmix.contracts.component import Component
from gradmix.contracts.option_values import check_option
from gradmix.contracts.options import options_of, parameters_of, untyped
from gradmix.contracts.type_description import describe_type

COLOURS = {"red": 1, "green": 2}


@dataclass
class Base:
    """A base.

    Parameters
    ----------
    inherited
        From the base.
    """

    inherited: bool = False


@dataclass
class Example(Base):
    """An example.

    Parameters
    ----------
    count
        How many,
        over two lines.
    low, high
        Both ends.

    Notes
    -----
    Not an option.
    """

    count: PositiveInt = 2
    low: float = 0.0
    high: NonNegativeFloat | None = None
    kind: Literal["a", "b"] = "a"
    colour: Annotated[str, KeyOf(f"{__name__}:COLOURS")] = "red"
    point: tuple[float, ...] = (1.0, 2.0)
    pair: tuple[int, int] = (1, 2)
    seed: Seed = None
    hidden: int = field(default=0, init=False)
    flag: bool = True


@pytest.fixture
def options():
    return {option.name: option for option in options_of(Example)}


def test_options_are_the_fields_that_init_takes(options):
    assert "hidden" not in options
    assert options["count"].default == 2
    assert not options["count"].required
    assert options["seed"].is_seed
    assert not options["count"].is_seed


def test_docs_come_from_the_docstring_of_the_class_and_its_bases(options):
    assert options["count"].doc == "How many, over two lines."
    assert options["low"].doc == options["high"].doc == "Both ends."
    assert options["inherited"].doc == "From the base."
    assert options["kind"].doc == ""


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [
        ("count", 3, 3),
        ("count", np.int64(3), 3),
        ("low", 1, 1.0),
        ("low", np.float32(0.5), 0.5),
        ("high", None, None),
        ("kind", "b", "b"),
        ("colour", "green", "green"),
        ("point", [1, 2.5], (1.0, 2.5)),
        ("point", np.array([1.0]), (1.0,)),
        ("pair", [3, 4], (3, 4)),
        ("seed", None, None),
        ("seed", 7, 7),
        ("flag", False, False),
    ],
)
def test_values_that_fit_are_taken(options, name, given, taken):
    value = check_option(options[name], given, "example")
    assert value == taken
    assert type(value) is type(taken)


@pytest.mark.parametrize(
    ("name", "given", "allowed"),
    [
        ("count", 0, "an integer > 0"),
        ("count", 2.5, "an integer > 0"),
        ("count", "3", "an integer > 0"),
        ("count", True, "an integer > 0"),
        ("low", "1.0", "a number"),
        ("high", -1.0, "a number ≥ 0 or null"),
        ("kind", "c", "one of a, b"),
        ("colour", "blue", "one of red, green"),
        ("point", 1.0, "a list, each a number"),
        ("pair", [1, 2, 3], "a list of 2: an integer, an integer"),
        ("seed", -1, "an integer ≥ 0 or null"),
        ("flag", 1, "true or false"),
        ("count", object(), "an integer > 0"),
    ],
)
def test_values_that_do_not_fit_are_refused_with_what_is_allowed(options, name, given, allowed):
    with pytest.raises(ConfigError) as caught:
        check_option(options[name], given, "example")
    message = str(caught.value)
    assert f"example.{name}" in message
    assert allowed in message
    assert repr(given) in message


def test_bounds_on_both_sides_are_described_and_kept():
    annotation = Annotated[float, Bounds(ge=0, lt=1)]
    assert describe_type(annotation) == "a number ≥ 0 and < 1"


def test_values_without_a_type_are_no_options_and_are_told_from_what_is_meant():
    @dataclass
    class Component(Metric):
        maximise = True  # a base class has it
        typed: int = 1
        shared: ClassVar[int] = 2
        LIMIT = 3
        _private = 4
        forgotten = 5

        def measure(self, labels):
            return self.typed

    @dataclass
    class Derived(Component):
        forgotten = 6
        typed = 7

    assert untyped(Component) == {"forgotten": 5}
    assert untyped(Derived) == {"forgotten": 6}
    assert [option.name for option in options_of(Derived)] == ["typed"]


@dataclass
class InPython(Metric):
    """A metric with options for Python.

    Parameters
    ----------
    start
        Any array.
    again
        Whether to go on.
    choice
        A name, or a function.
    """

    start: Annotated[Any, PythonOnly()] = None
    again: Annotated[bool, PythonOnly()] = False
    choice: Annotated[Literal["a", "b"], AlsoInPython(Callable)] = "a"

    def measure(self):
        return {}


def test_what_only_python_can_give_is_a_parameter_but_not_an_option():
    assert [option.name for option in options_of(InPython)] == ["choice"]
    assert [option.name for option in parameters_of(InPython)] == ["start", "again", "choice"]


def test_what_only_python_can_give_is_checked_unless_it_may_be_anything():
    InPython(start=np.zeros(3), again=True, choice=len).check()
    with pytest.raises(ConfigError, match=r"metric\.again must be true or false; given: 1\."):
        InPython(again=1).check()
    with pytest.raises(ConfigError, match="one of a, b"):
        InPython(choice="c").check()


def test_a_seed_may_be_a_generator_in_python():
    option = {option.name: option for option in options_of(Example)}["seed"]
    assert option.is_for_python(np.random.default_rng())
    assert not option.is_for_python(3)


def test_a_value_of_another_type_is_checked_again_though_it_is_equal():
    @dataclass
    class Counted(Component):
        kind = "metric"
        n: int = 1
        share: float = 0.5

    Counted(n=1).check()
    Counted(n=1, share=1).check()
    for wrong in (True, 1.0):
        with pytest.raises(ConfigError, match=r"metric\.n must be an integer"):
            Counted(n=wrong).check()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"part": (int, gradmix.part("gmm"))}, "the field part must have a component's class as its type"),
        ({"part": (gradmix.Clusterer, None)}, "the field part must have a component's class as its type"),
        ({"kernel": ("Unknown", None)}, "a field of Wrong has a type that cannot be found: name 'Unknown'"),
    ],
)
def test_a_field_that_cannot_be_an_option_is_named(fields, sentence):
    members = {name: default for name, (_, default) in fields.items()}
    members["__annotations__"] = {name: of for name, (of, _) in fields.items()}
    wrong = dataclass(type("Wrong", (Metric,), {"measure": lambda self: 0.0, **members}))
    with pytest.raises(gradmix.PluginError, match=sentence):
        parameters_of(wrong)


def test_a_function_cannot_be_an_option():
    @dataclass
    class Wrong(Component):
        kernel: Callable[[float], float] | None = None

    with pytest.raises(gradmix.PluginError, match=r"kernel has the type .*Callable.*, which a config cannot express"):
        check_option(options_of(Wrong)[0], None, "")
