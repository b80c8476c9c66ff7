"""Poolings that take the p-norm of what is in a window.

Torch7 manual: convolution.md
"""

from typing import Any

import numpy as np

from ...module import Module
from ...tensors import describe, number, silent
from .._windows import windows
from ..arithmetic import MulConstant
from ..containers import Sequential
from ..pointwise import Power, Sqrt, Square
from .average import SpatialAveragePooling

__all__ = ['FeatureLPPooling', 'SpatialLPPooling']


class SpatialLPPooling(Sequential):
    """The p-norm of every kW x kH window: (sum of x^p)^(1/p), a Sequential of Power, SpatialAveragePooling, MulConstant
    and Power (Square and Sqrt for p = 2).

    Parameters
    ----------
    nInputPlane
        not used, as in Torch7
    pnorm
        p, other than 0
    kW, kH
        the window, in elements, at least 1
    dW, dH
        the stride, by default the window's size

    Torch7 manual: convolution.md#nn.SpatialLPPooling

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialLPPooling(1, 2, 2, 1).forward(np.array([[[3.0, 4, 6, 8]]])).tolist()
    [[[5.0, 10.0]]]
    """

    kW: int
    kH: int
    dW: int
    dH: int

    def __init__(
        self, nInputPlane: int | None, pnorm: float, kW: int, kH: int, dW: int | None = None, dH: int | None = None
    ):
        super().__init__()
        if pnorm == 0:
            raise ValueError(f'{self.typename}: expected a pnorm other than 0, got {pnorm}')
        self.kW, self.kH = kW, kH
        self.dW, self.dH = kW if dW is None else dW, kH if dH is None else dH
        self.add(Square() if pnorm == 2 else Power(pnorm))
        self.add(SpatialAveragePooling(kW, kH, self.dW, self.dH))
        self.add(MulConstant(kW * kH))
        self.add(Sqrt() if pnorm == 2 else Power(1 / pnorm))


class FeatureLPPooling(Module):
    """The p-norm of every `width` features, `stride` apart: y = (sum of x^power)^(1/power).

    Features are the first dimension, with `batch_mode` the second one; up to two more may follow.

    Parameters
    ----------
    width
        the number of features in a window, 2 to 16
    stride
        how many features apart windows start, 1 to 4
    power
        other than 0
    batch_mode
        whether the first dimension is the batch's

    Torch7 manual: convolution.md#nn.FeatureLPPooling

    >>> import numpy as np, t7nn as nn
    >>> nn.FeatureLPPooling(2, 2, 2, False).forward(np.array([3.0, 4, 6, 8])).tolist()
    [5.0, 10.0]
    """

    width: int
    stride: int
    power: float
    batch_mode: bool

    def __init__(self, width: int, stride: int, power: float, batch_mode: bool = False):
        super().__init__()
        self.width, self.stride, self.power, self.batch_mode = width, stride, power, batch_mode
        self._expect_ranges()

    def _expect_ranges(self) -> None:
        if not 2 <= self.width <= 16:
            raise ValueError(f'{self.typename}: expected width within 2 to 16, got {self.width}')
        if not 1 <= self.stride <= 4:
            raise ValueError(f'{self.typename}: expected stride within 1 to 4, got {self.stride}')
        if self.power == 0:
            raise ValueError(f'{self.typename}: expected a power other than 0, got {self.power}')

    def _checked(self, input: Any) -> tuple[np.ndarray, int, tuple[int, ...]]:
        """`input` as a plain array, the axis of its features, and the shape of the output."""
        self.check_parameters()
        self._expect_ranges()
        input, axis = self.check(input), int(self.batch_mode)
        if not 1 + axis <= input.ndim <= 3 + axis:
            raise self.error(f'expected input of {1 + axis} to {3 + axis} dimensions, got {describe(input)}')
        if input.shape[axis] < self.width:
            raise self.error(f'expected at least {self.width} features in dimension {axis + 1}, got {describe(input)}')
        count = (input.shape[axis] - self.width) // self.stride + 1
        return input, axis, (*input.shape[:axis], count, *input.shape[axis + 1 :])

    def _windows(self, tensor: np.ndarray) -> np.ndarray:
        """All windows of `tensor`: their elements' axis stands before the features'."""
        return windows(tensor, (self.width,), (self.stride,), axis=int(self.batch_mode))

    @silent
    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input, axis, shape = self._checked(input)
        output = self.buffer('output', shape)
        powers = np.power(input, self.power, dtype=np.float64)  # as in Torch7, also for float32
        np.copyto(output, np.power(self._windows(powers).sum(axis), 1 / self.power), casting='same_kind')
        return output

    @silent
    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input, axis, shape = self._checked(input)
        gradOutput = self.check(gradOutput, 'gradOutput', shape)
        if np.shape(self.output) != shape:
            raise self.error(f'expected forward(input) first, for an input of shape {input.shape}')
        gradInput = self.buffer('gradInput', input.shape)
        gradInput.fill(0)
        x, dx = self._windows(input), self._windows(gradInput)
        y = np.where(self.output == 0, 1, self.output)
        g = np.where(self.output == 0, 0, gradOutput)  # a window whose norm is 0 passes nothing on
        for i in range(self.width):
            position = (slice(None),) * axis + (i,)
            dx[position] += g * np.power(x[position] / y, self.power - 1)
        return gradInput

    def __str__(self) -> str:
        return f'{self.typename}(w{self.width} s{self.stride} power {number(self.power)} batch {int(self.batch_mode)})'
