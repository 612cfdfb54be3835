"""Programs made at random: loops, branches, jumps, writes into arrays and calls, of three variables."""

import random

_HEAD = """\
import numpy as np


def helper(p, q):
    if p > q:
        return p * q
    r = p
    for _ in range(2):
        r = r * 0.5 + q
        if r > 1:
            return r * p
    return r


def f(x):
    s, t, u, v = x[0], x[1], 0.5, x[2] * x[0]
    a = np.zeros(4)
    b = np.ones(4) * x[1]
"""
_TAIL = "    return s * t + u * v + np.sum(a * b) + a[1] + x[0]\n"
_DEEPEST = 3


class RandomProgram:
    """A program.

    Parameters
    ----------
    seed
        Of the random choices.
    """

    def __init__(self, seed):
        self.random, self.lines, self.counters, self.n_loops = random.Random(seed), [], [], 0

    def text(self):
        """A module with a function ``f``."""
        for _ in range(self.random.randint(3, 7)):
            self._statement(1, False)
        return _HEAD + "".join(f"{line}\n" for line in self.lines) + _TAIL

    def _choose(self, *choices):
        return self.random.choice(choices)

    def _index(self):
        return (
            self._choose(*self.counters)
            if self.counters and self.random.random() < 0.6
            else str(self.random.randint(0, 3))
        )

    def _number(self, depth=0):
        chance = self.random.random()
        if depth > 2 or chance < 0.35:
            return self._choose(*"stuv", f"x[{self._index()} % 3]", f"a[{self._index()}]", f"b[{self._index()} - 1]")
        if chance < 0.5:
            return repr(round(self.random.uniform(-1, 1), 2))
        inner = [self._number(depth + 1) for _ in range(2)]
        if chance < 0.6:
            return f"np.sin({inner[0]})"
        if chance < 0.65:
            return f"np.sum({self._choose(*'ab')}) * 0.1"
        if chance < 0.7:
            return f"({inner[0]} if {self._condition()} else {inner[1]})"
        return f"helper({inner[0]}, {inner[1]})" if chance < 0.74 else f"({inner[0]} {self._choose(*'+-*')} {inner[1]})"

    def _condition(self):
        return f"{self._number(2)} {self._choose(*'<>')} {round(self.random.uniform(-0.5, 0.5), 2)}"

    def _array(self):
        number = self._number(2)
        return self._choose("np.sin(a)", f"b * {number}", "a + b", "np.tanh(a * b)", "np.copy(a)", "np.zeros(4)")

    def _statement(self, depth, is_in_loop):
        chance, indent = self.random.random(), "    " * depth
        if chance > 0.7 and depth <= _DEEPEST:
            (self._branch if chance < 0.84 else self._loop)(depth, is_in_loop)
            return
        number, array = self._number(), self._choose(*"ab")
        self.lines.append(
            indent
            + self._choose(
                f"{self._choose(*'stuv')} = {number}",
                f"{self._choose(*'stuv')} {self._choose(*'+-*')}= {number}",
                f"{array}[{self._index()}] {self._choose('', '+', '*')}= {number}",
                f"{array}[{self._choose('1:3', ':2', '2:', '::2')}] = {number}",
                f"{array} = {self._array()}",
                f"s, t = t, {number}",
                f"{array} += {number}",
                f"x[{self.random.randint(0, 2)}] = {number}",
            )
        )

    def _block(self, depth, is_in_loop):
        for _ in range(self.random.randint(1, 4)):
            self._statement(depth, is_in_loop)

    def _branch(self, depth, is_in_loop):
        indent = "    " * depth
        self.lines.append(f"{indent}if {self._condition()}:")
        self._block(depth + 1, is_in_loop)
        if self.random.random() < 0.3:
            jump = self._choose("break", "continue") if is_in_loop else f"return {self._number()}"
            self.lines.append(f"{indent}    {jump}")
        if self.random.random() < 0.5:
            self.lines.append(f"{indent}else:")
            self._block(depth + 1, is_in_loop)

    def _loop(self, depth, is_in_loop):
        indent = "    " * depth
        self.n_loops += 1
        counter = f"i{self.n_loops}"
        if self.random.random() < 0.7:
            self.lines.append(f"{indent}for {counter} in range({self.random.randint(1, 4)}):")
        else:
            self.lines.append(f"{indent}{counter} = 0")
            self.lines.append(f"{indent}while {counter} < 3 and {self._condition()}:")
            self.lines.append(f"{indent}    {counter} += 1")
        self.counters.append(counter)
        self._block(depth + 1, True)
        self.counters.pop()
