"""The differentiator ``tensorflow``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gradmix import Pullback, VectorFunction
from gradmix_peers.peer import Peer, one_value
from gradmix_peers.tool import Tool, flat_index, is_forward_slice


@dataclass
class TensorFlow(Peer):
    """TensorFlow's gradient tape and forward accumulator, in eager mode and float64."""

    requires = ("tensorflow",)

    def push(self, f: VectorFunction, x: Any, v: Any) -> tuple[Any, Any]:
        """`tf.autodiff.ForwardAccumulator`."""
        import tensorflow as tf

        point = _tensor(x)
        with tf.autodiff.ForwardAccumulator(point, _tensor(v)) as accumulator:
            value = _own(f)(point)
        return value, accumulator.jvp(value, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def pull(self, f: VectorFunction, x: Any) -> tuple[Any, Pullback]:
        """`tf.GradientTape.gradient`."""
        point, value, tape = _recorded(f, _tensor(x))
        return value, lambda w: tape.gradient(value, point, _tensor(w), unconnected_gradients="zero")

    def second(self, f: VectorFunction, x: Any) -> Any:
        """Nest two gradient tapes."""
        point, gradient, tape = _recorded_gradient(f, x)
        return tape.jacobian(gradient, point, unconnected_gradients="zero", experimental_use_pfor=False)

    def product(self, f: VectorFunction, x: Any, v: Any) -> Any:
        """Nest two gradient tapes and pull back the direction, as the Hessian is symmetric."""
        point, gradient, tape = _recorded_gradient(f, x)
        return tape.gradient(gradient, point, _tensor(v), unconnected_gradients="zero")


def _recorded(f: VectorFunction, point: Any) -> tuple[Any, Any, Any]:
    import tensorflow as tf

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(point)
        value = _own(f)(point)
    return point, value, tape


def _recorded_gradient(f: VectorFunction, x: Any) -> tuple[Any, Any, Any]:
    import tensorflow as tf

    point = _tensor(x)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(point)
        _, value, inner = _recorded(one_value(f), point)
        gradient = inner.gradient(value, point, unconnected_gradients="zero")
    return point, gradient, outer


def _own(f: VectorFunction) -> VectorFunction:
    from gradmix_peers.tracer import hand_over

    return hand_over(f, tool())


def _tensor(x: Any) -> Any:
    import tensorflow as tf

    return tf.constant(x, dtype=tf.float64)


@cache
def tool() -> Tool:
    """Return the description of TensorFlow: its version of NumPy, and its operators."""
    import tensorflow as tf
    import tensorflow.experimental.numpy as tnp

    def constant(x: Any) -> Any:
        array = np.asarray(x)
        return tf.constant(array if array.dtype == bool else array.astype(np.float64))

    def item(x: Any, index: Any) -> Any:
        if is_forward_slice(index):
            return x[index]
        return tf.gather(tf.reshape(x, [-1]), flat_index(tuple(x.shape), index))

    own = {
        "getitem": item,
        "matmul": tnp.matmul,
        "linalg.norm": lambda x, axis=None, keepdims=False: tf.norm(x, axis=axis, keepdims=keepdims),
        "linalg.det": tf.linalg.det,
        "linalg.inv": tf.linalg.inv,
        "linalg.solve": lambda a, b: (
            tf.linalg.solve(a, b) if len(b.shape) > 1 else tf.linalg.solve(a, b[:, None])[:, 0]
        ),
    }
    return Tool("TensorFlow", tnp, lambda value: value.numpy(), constant, own)
