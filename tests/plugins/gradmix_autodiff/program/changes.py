"""Functions that read something beside their argument, each with a change of it: what a prepared one must notice."""

import array
import collections
import contextvars
import ctypes
import enum
import functools
import operator
import sys
import types
import weakref
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.sparse import csr_matrix

import gradmix

POINT = np.array([1.0, 2.0, 3.0])
CASES = {}
"""Name → what makes a function and a change."""
SCALE = 2.0
HOLDER = {"scale": 2.0}


def case(make):
    CASES[make.__name__] = make
    return make


def setting(holder, key, value=7.0):
    """A change of an attribute, or of an entry."""
    if isinstance(key, str) and not isinstance(holder, dict | collections.abc.MutableMapping):
        return lambda: setattr(holder, key, value)
    return lambda: operator.setitem(holder, key, value)


def times(read):
    """A function that reads a factor."""
    return lambda x: read() * np.sum(x**2)


@case
def a_set():
    names = {"a"}

    def change():
        names.clear()
        names.add("b")

    return times(lambda: 2.0 if "a" in names else 3.0), change


@case
def a_namespace():
    options = types.SimpleNamespace(scale=2.0)
    return times(lambda: options.scale), setting(options, "scale")


@case
def a_decorator_of_a_function():
    scale = [2.0]

    def scaled(f):
        @functools.wraps(f)
        def inner(x):
            return scale[0] * f(x)

        return inner

    return scaled(lambda x: np.sum(x**2)), setting(scale, 0)


@case
def a_variable_of_a_decorator():
    scale = 2.0

    def scaled(f):
        @functools.wraps(f)
        def inner(x):
            return scale * f(x)

        return inner

    def change():
        nonlocal scale
        scale = 7.0

    return scaled(lambda x: np.sum(x**2)), change


@case
def a_method_of_an_array():
    data = np.ones(3)
    return times(data.sum), setting(data, 0)


@case
def a_method_of_a_dict():
    data = {"scale": 2.0}
    get = data.get
    return times(lambda: get("scale")), setting(data, "scale")


@case
def a_dict_deep_in_others():
    inner = {"scale": 2.0}
    outer = functools.reduce(lambda held, _: {"held": held}, range(12), inner)

    def read():
        found = outer
        while "held" in found:
            found = found["held"]
        return found["scale"]

    return times(read), setting(inner, "scale")


@case
def a_chain_of_calls():
    scale = [2.0]
    f = times(lambda: scale[0])
    for _ in range(12):
        f = (lambda inner: lambda x: inner(x))(f)
    return f, setting(scale, 0)


@case
def a_polynomial():
    p = np.polynomial.Polynomial([1.0, 2.0, 3.0])
    return (lambda x: p(x[0])), setting(p.coef, 1)


@case
def a_spline():
    spline = CubicSpline([0, 1, 2], [0.0, 1.0, 4.0])
    return times(lambda: float(spline(0.5))), setting(spline.c, slice(None))


@case
def a_sparse_matrix():
    matrix = csr_matrix(np.eye(3))
    return times(matrix.sum), setting(matrix.data, 0)


@case
def a_rule():
    scale = [2.0]
    f = gradmix.with_rule(lambda x: scale[0] * x, jvp=lambda x, v: scale[0] * v)
    return (lambda x: f(x[0])), setting(scale, 0)


@case
def a_rule_backward():
    scale = [2.0]
    f = gradmix.with_rule(lambda x: scale[0] * x, vjp=lambda x, w: scale[0] * w)
    return (lambda x: f(x[0])), setting(scale, 0)


@case
def an_implicit_function():
    scale = [2.0]
    f = gradmix.implicit_root(lambda x, a: x * x - a * scale[0], lambda a: float(np.sqrt(a * scale[0])))
    return (lambda x: f(x[0]) * x[1]), setting(scale, 0)


@case
def a_function_that_another_differentiates():
    scale = [2.0]
    f = gradmix.differentiate_with(lambda x: x * x * scale[0], "finite_difference")
    return (lambda x: f(x[0]) * x[1]), setting(scale, 0)


@case
def a_checkpoint():
    scale = [2.0]
    return gradmix.checkpoint(lambda x: scale[0] * np.sum(x**2)), setting(scale, 0)


@case
def a_function_that_counts():
    scale = [2.0]
    return gradmix.Counted(lambda x: scale[0] * np.sum(x**2)), setting(scale, 0)


@case
def a_prepared_function():
    scale = [2.0]
    inner = gradmix.differentiator("tape", compiled=False).prepare(lambda x: scale[0] * np.sum(x**2), POINT)
    return (lambda x: np.sum(inner.gradient(x) * x)), setting(scale, 0)


@case
def a_context_variable():
    scale = contextvars.ContextVar("scale", default=2.0)
    return times(scale.get), lambda: scale.set(7.0)


@case
def a_user_dict():
    data = collections.UserDict(scale=2.0)
    return times(lambda: data["scale"]), setting(data, "scale")


@case
def a_chain_map():
    data = collections.ChainMap({"scale": 2.0}, {"offset": 1.0})
    return times(lambda: data["scale"]), setting(data, "scale")


@case
def a_mapping_proxy():
    data = {"scale": 2.0}
    proxy = types.MappingProxyType(data)
    return times(lambda: proxy["scale"]), setting(data, "scale")


@case
def the_values_of_a_dict():
    data = {"scale": 2.0}
    values = data.values()
    return times(lambda: sum(values)), setting(data, "scale")


@case
def the_order_of_a_dict():
    data = {"a": 2.0, "b": 3.0}
    return times(lambda: next(iter(data.values()))), lambda: data.update(a=data.pop("a"))


@case
def the_keys_of_a_dict():
    data = {1.0: 0, 2.0: 0}

    def change():
        del data[2.0]
        data[5.0] = 0

    return times(lambda: sum(data)), change


@case
def a_weak_reference():
    class Model:
        scale = 2.0

    model = Model()
    reference, kept = weakref.ref(model), [model]
    return times(lambda: reference().scale), lambda: setattr(kept[0], "scale", 7.0)


@case
def an_enumeration():
    class Scale(enum.Enum):
        LARGE = 2.0

    return times(lambda: Scale.LARGE.value), setting(Scale.LARGE, "_value_")


@case
def a_class():
    class Model:
        scale = 2.0

    return times(lambda: Model.scale), setting(Model, "scale")


@case
def an_array_of_a_class():
    class Model:
        data = np.ones(3)

    return (lambda x: np.sum(Model.data * x)), setting(Model.data, 0)


@case
def a_class_in_a_class():
    class Model:
        class Inner:
            scale = 2.0

    return times(lambda: Model.Inner.scale), setting(Model.Inner, "scale")


@case
def a_static_method():
    scale = [2.0]

    class Model:
        @staticmethod
        def read():
            return scale[0]

    return times(lambda: Model.read()), setting(scale, 0)


@case
def a_class_method():
    class Model:
        scale = 2.0

        @classmethod
        def read(cls):
            return cls.scale

    return times(lambda: Model.read()), setting(Model, "scale")


@case
def a_metaclass():
    class Kind(type):
        @property
        def scale(cls):
            return cls.inner

    class Model(metaclass=Kind):
        inner = 2.0

    return times(lambda: Model.scale), setting(Model, "inner")


@case
def a_new_object_in_each_call():
    class Model:
        start = 2.0

        def __init__(self):
            self.scale = self.start

    return times(lambda: Model().scale), setting(Model, "start")


@case
def what_python_calls_of_an_object():
    scale = [2.0]

    class Model:
        def __getitem__(self, place):
            return scale[0]

    model = Model()
    return times(lambda: model[0]), setting(scale, 0)


@case
def a_number_that_an_object_makes():
    scale = [2.0]

    class Model:
        def __float__(self):
            return scale[0]

    model = Model()
    return times(lambda: float(model)), setting(scale, 0)


@case
def a_context_manager():
    scale = [2.0]

    class Model:
        def __enter__(self):
            return scale[0]

        def __exit__(self, *error):
            pass

    model = Model()

    def f(x):
        with model as factor:
            return factor * np.sum(x**2)

    return f, setting(scale, 0)


@case
def an_attribute_by_its_name():
    class Model:
        scale = 2.0

    model = Model()
    return times(lambda: getattr(model, "scale")), setting(Model, "scale")  # noqa: B009


@case
def an_attribute_that_comes_later():
    class Model:
        pass

    model = Model()
    return times(lambda: getattr(model, "scale", 2.0)), setting(model, "scale")


@case
def an_attribute_that_comes_to_the_class():
    class Model:
        pass

    model = Model()
    return times(lambda: getattr(model, "scale", 2.0)), setting(Model, "scale")


@case
def another_class_of_an_object():
    class Model:
        scale = 2.0

    class Other:
        scale = 7.0

    model = Model()
    return times(lambda: model.scale), setting(model, "__class__", Other)


@case
def a_slot_that_is_set_later():
    class Model:
        __slots__ = "scale"

    model = Model()
    return times(lambda: getattr(model, "scale", 2.0)), setting(model, "scale")


@case
def a_data_class_with_slots():
    @dataclass(slots=True)
    class Model:
        scale: float

        def __call__(self, x):
            return self.scale * np.sum(x**2)

    model = Model(2.0)
    return model, setting(model, "scale")


@case
def a_global_name():
    globals()["SCALE"] = 2.0
    return times(lambda: SCALE), lambda: globals().update(SCALE=7.0)


@case
def a_global_name_by_its_text():
    globals()["SCALE"] = 2.0
    return times(lambda: globals()["SCALE"]), lambda: globals().update(SCALE=7.0)


@case
def a_global_name_that_comes_later():
    globals().pop("LATER", None)

    def read():
        try:
            return LATER
        except NameError:
            return 2.0

    return times(read), lambda: globals().update(LATER=7.0)


@case
def a_global_name_that_goes():
    globals()["LATER"] = 2.0

    def read():
        try:
            return LATER
        except NameError:
            return 7.0

    return times(read), lambda: globals().pop("LATER")


@case
def a_name_that_hides_a_builtin():
    globals().pop("pow", None)

    def change():
        globals()["pow"] = lambda base, exponent: 7.0

    return times(lambda: pow(2.0, 1)), change


@case
def a_variable_that_is_bound_later():
    def read():
        try:
            return later
        except NameError:
            return 2.0

    def change():
        nonlocal later
        later = 7.0

    later = 0.0
    del later
    return times(read), change


@case
def an_attribute_of_a_function():
    def f(x):
        return f.scale * np.sum(x**2)

    f.scale = 2.0
    return f, setting(f, "scale")


@case
def defaults_by_name():
    def f(x, *, scale=2.0):
        return scale * np.sum(x**2)

    return f, setting(f.__kwdefaults__, "scale")


@case
def the_code_of_a_function():
    def read():
        return 2.0

    return times(lambda: read()), setting(read, "__code__", (lambda: 7.0).__code__)


@case
def an_array_of_objects():
    data = np.empty(2, dtype=object)
    data[0], data[1] = 2.0, [3.0]
    return times(lambda: data[0] + data[1][0]), setting(data[1], 0)


@case
def an_array_of_records():
    data = np.zeros(2, dtype=[("scale", float)])
    return times(lambda: data["scale"][1] + 1.0), setting(data["scale"], 1)


@case
def the_type_of_an_array():
    data = np.array([1, 2, 3])
    return (lambda x: np.sum(data * x)), setting(data, "dtype", np.float64)


@case
def the_shape_of_an_array():
    data = np.arange(4.0)
    return times(lambda: data.ndim), setting(data, "shape", (2, 2))


@case
def an_array_that_is_made_writeable():
    data = np.ones(3)
    data.flags.writeable = False

    def change():
        data.flags.writeable = True
        data[0] = 7.0

    return (lambda x: np.sum(data * x)), change


@case
def what_a_read_only_view_shows():
    whole = np.ones(3)
    data = whole[:]
    data.flags.writeable = False
    return (lambda x: np.sum(data * x)), setting(whole, 0)


@case
def views_in_a_list():
    data = np.ones(3)
    views = [data[place:] for place in range(3)]
    return times(lambda: sum(map(np.sum, views))), setting(data, 2)


@case
def a_mask():
    data = np.ma.array([1.0, 2.0, 3.0], mask=[False, False, True])
    return times(data.sum), setting(data, "mask", [True, False, False])


@case
def the_memory_of_a_buffer():
    memory = bytearray(np.ones(3).tobytes())
    data = np.frombuffer(memoryview(memory).toreadonly())
    return (lambda x: np.sum(data * x)), setting(memory, slice(0, 8), np.array([7.0]).tobytes())


@case
def an_array_of_pythons():
    data = array.array("d", [1.0, 2.0, 3.0])
    return (lambda x: np.sum(np.frombuffer(data) * x)), setting(data, 0)


@case
def a_number_of_c():
    number = ctypes.c_double(2.0)
    return times(lambda: number.value), setting(number, "value")


@case
def an_attribute_of_a_list():
    class Rows(list):
        pass

    rows = Rows([1.0])
    rows.scale = 2.0
    return times(lambda: rows.scale), setting(rows, "scale")


@case
def an_attribute_of_an_array():
    class Named(np.ndarray):
        pass

    data = np.ones(3).view(Named)
    data.scale = 2.0
    return times(lambda: data.scale), setting(data, "scale")


@case
def a_module_in_a_module():
    outer, inner = types.ModuleType("outer"), types.ModuleType("outer.inner")
    outer.inner, inner.scale = inner, 2.0
    return times(lambda: outer.inner.scale), setting(inner, "scale")


@case
def a_function_of_a_module():
    module = types.ModuleType("a_module")
    exec("scale = 2.0\ndef read():\n    return scale", vars(module))
    return times(lambda: module.read()), setting(module, "scale")


@case
def a_class_within_the_function():
    scale = [2.0]

    def read():
        class Local:
            def read(self):
                return scale[0]

        return Local().read()

    return times(read), setting(scale, 0)


@case
def the_variable_of_a_loop():
    scales, functions = [1.0, 2.0], []
    for k in range(2):
        functions.append(lambda x: scales[k] * np.sum(x**2))  # noqa: B023 -- that is what is tested

    def change():
        nonlocal k
        k = 0

    return functions[0], change


@case
def a_method_with_arguments():
    scale = [2.0]

    class Model:
        def value(self, factor, x):
            return factor[0] * np.sum(x**2)

        f = functools.partialmethod(value, scale)

    model = Model()
    return (lambda x: model.f(x)), setting(scale, 0)


@case
def a_function_by_types():
    scale = [2.0]

    @functools.singledispatch
    def read(x):
        return scale[0]

    return times(lambda: read(1.0)), setting(scale, 0)


@case
def what_numpy_calls():
    scale = [2.0]
    f = np.vectorize(lambda x: scale[0] * x)
    return (lambda x: np.sum(f(np.arange(3)) * x)), setting(scale, 0)


@case
def what_numpy_makes_a_ufunc_of():
    scale = [2.0]
    f = np.frompyfunc(lambda x: scale[0] * x, 1, 1)
    return times(lambda: float(f(2))), setting(scale, 0)


@case
def a_dict_that_holds_itself():
    data = {"scale": 2.0}
    data["self"] = data
    return times(lambda: data["self"]["self"]["scale"]), setting(data, "scale")


@case
def code_in_a_text():
    scale = [2.0]
    return times(lambda: eval("scale[0]", {"scale": scale})), setting(scale, 0)


@case
def a_module_that_is_imported_late():
    module = types.ModuleType("a_module_of_late")
    module.scale = 2.0
    sys.modules[module.__name__] = module

    def read():
        import a_module_of_late

        return a_module_of_late.scale

    return times(read), setting(module, "scale")
