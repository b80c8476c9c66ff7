"""Elementwise functions: the base of all of them, and the plainest ones.

Torch7 manual: simple.md
"""

from typing import Any

import numpy as np

from ..module import Module
from ..node import UNSEEN
from ..tensors import silent

__all__ = ['Abs', 'Exp', 'Log', 'Power', 'Sqrt', 'Square']


class SameShape(Module):
    """The base of layers whose output has the shape of the input.

    A layer says `function(x, y)`, which writes f(x) into y, and `derivative(x, y, dy, dx)`, which writes the gradient
    into dx. With ``inplace`` y is the memory of x and dx that of dy, so a layer that offers it computes dx from y.
    """

    #: the dtype, x, y, dy and dx of the last call, unless it wrote over an argument: the same arrays need no second
    #: check, which would cost more than a function
    _checked: tuple = (UNSEEN,) * 5
    #: whether `derivative` reads y; where it does not, backward needs no forward before it
    needs_output = True

    def function(self, x: np.ndarray, y: np.ndarray) -> None:
        """Write f(x) into y."""
        raise self.error('expected function(x, y) in every layer of this base', TypeError)

    def derivative(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray, dx: np.ndarray) -> None:
        """Write the gradient of f at x, applied to dy, into dx."""
        raise self.error('expected derivative(x, y, dy, dx) in every layer of this base', TypeError)

    def check_input(self, tensor: np.ndarray, what: str) -> np.ndarray:
        """`tensor` as a plain array that this layer can work on."""
        return self.check(tensor, what)

    def __setattr__(self, name: str, value: Any) -> None:
        # The next call checks anew once a field is set that the last one relied on. To compare these fields in every
        # call takes 4 % of a step of a 10-50-50-2 network.
        super().__setattr__(name, value)
        if name in ('dtype', 'gradInput', 'inplace', 'output'):
            self._checked = SameShape._checked

    # The idea of the next two methods: y = buffer, function(x, y), return y; and dx = buffer, derivative(x, y, dy, dx),
    # return dx. All else are checks, which only arrays pass that the last call did not have. They cost 0.5 us a call.

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        dtype, x, output, _, _ = self._checked
        if input is not x or input.shape != output.shape or input.dtype is not dtype:
            input = self.check_input(input, 'input')
            output = self.destination('output', input)
            if output is not input:
                self._checked = self.dtype, input, output, UNSEEN, UNSEEN
        try:
            self.function(input, output)
        except Exception:
            self.check_fields()  # a field of a wrong kind is the error to tell
            raise
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        dtype, x, output, dy, gradInput = self._checked
        if gradOutput is not dy or input is not x or gradOutput.dtype is not dtype or input.dtype is not dtype:
            input, gradOutput = self.check_input(input, 'input'), self.check(gradOutput, 'gradOutput', np.shape(input))
            output, gradInput = self.output, self.destination('gradInput', gradOutput, 'gradOutput')
            fits = np.shape(output) == input.shape
            if self.needs_output and not fits:
                raise self.error(f'expected forward(input) first, for an input of shape {input.shape}')
            if fits and output is not input and gradInput is not gradOutput:
                self._checked = self.dtype, input, output, gradOutput, gradInput
        try:
            self.derivative(input, output, gradOutput, gradInput)
        except Exception:
            self.check_fields()
            self.check(gradOutput, 'gradOutput', input.shape)  # as a shape can be set in place
            self.check(gradInput, 'gradInput', input.shape)
            if self.needs_output:
                self.check(output, 'output', input.shape)
            raise
        return gradInput


class Pointwise(SameShape):
    """The base of elementwise layers y = f(x), dx = f'(x) dy.

    A layer of one's own is two methods: `function(x, y)` writes f(x) into y, `derivative(x, y, dy, dx)` writes f'(x) dy
    into dx. Arrays are of one shape.

    >>> import numpy as np, t7nn as nn
    >>> class Cube(nn.Pointwise):
    ...     def function(self, x, y):
    ...         np.power(x, 3, out=y)
    ...     def derivative(self, x, y, dy, dx):
    ...         np.multiply(3 * x * x, dy, out=dx)
    >>> Cube().forward(np.array([2.0]))
    array([8.])

    Source: t7nn's own; Torch7 writes each of these layers out.
    """


class Exp(Pointwise):
    """y = exp(x), dx = y dy.

    Torch7 manual: simple.md#nn.Exp
    """

    @silent
    def function(self, x, y):
        np.exp(x, y)

    def derivative(self, x, y, dy, dx):
        np.multiply(dy, y, dx)


class Log(Pointwise):
    """y = log(x), dx = dy / x.

    Torch7 manual: simple.md#nn.Log
    """

    needs_output = False

    @silent
    def function(self, x, y):
        np.log(x, y)

    @silent
    def derivative(self, x, y, dy, dx):
        np.divide(dy, x, dx)


class Abs(Pointwise):
    """y = |x|, dx = dy where x >= 0, else -dy.

    Torch7 manual: simple.md#nn.Abs
    """

    needs_output = False

    def function(self, x, y):
        np.abs(x, y)

    def derivative(self, x, y, dy, dx):
        np.negative(dy, dx)
        np.copyto(dx, dy, where=x >= 0)


class Square(Pointwise):
    """y = x^2, dx = 2 x dy.

    Torch7 manual: simple.md#nn.Square
    """

    needs_output = False

    def function(self, x, y):
        np.multiply(x, x, y)

    def derivative(self, x, y, dy, dx):
        np.multiply(dy, x, dx)
        dx += dx


class Sqrt(Pointwise):
    """y = sqrt(x), dx = dy / (2 y), and 0 where y = 0.

    Parameters
    ----------
    eps
        a number that is not used, in Torch7 neither

    Torch7 manual: simple.md#nn.Sqrt
    """

    eps: float

    def __init__(self, eps: float = 0):
        super().__init__()
        self.eps = eps

    @silent
    def function(self, x, y):
        np.sqrt(x, y)

    @silent
    def derivative(self, x, y, dy, dx):
        dx.fill(0)
        np.divide(dy, y, dx, where=y != 0)
        dx *= 0.5


class Power(Pointwise):
    """y = x^pow, dx = pow x^(pow - 1) dy.

    Parameters
    ----------
    pow
        any number

    Torch7 manual: simple.md#nn.Power
    """

    needs_output = False
    pow: float

    def __init__(self, pow: float):
        super().__init__()
        self.pow = pow

    @silent
    def function(self, x, y):
        np.power(x, self.pow, y)

    @silent
    def derivative(self, x, y, dy, dx):
        np.power(x, self.pow - 1, dx)
        dx *= dy
        dx *= self.pow
