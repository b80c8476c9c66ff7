"""Poolings that take the p-norm of what is in a window.

Torch7 manual: convolution.md
"""

import numpy as np

from ...module import Module
from ...tensors import describe, number
from .._windows import windows
from ..arithmetic import MulConstant
from ..containers import Sequential
from ..pointwise import Power, Sqrt, Square
from .average import SpatialAveragePooling

__all__ = ['FeatureLPPooling', 'SpatialLPPooling']


class SpatialLPPooling(Sequential):
    """The p-norm of every kW x kH window, dW x dH apart (kW x kH by default): (sum of x^p)^(1/p), a Sequential of
    Power, SpatialAveragePooling, MulConstant and Power (Square and Sqrt for p = 2).

    Torch7 manual: convolution.md#nn.SpatialLPPooling

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialLPPooling(1, 2, 2, 1).forward(np.array([[[3.0, 4, 6, 8]]])).tolist()
    [[[5.0, 10.0]]]
    """

    def __init__(self, nInputPlane: int, pnorm: float, kW: int, kH: int, dW: int | None = None, dH: int | None = None):
        super().__init__()
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
        2 to 16
    stride
        1 to 4

    Torch7 manual: convolution.md#nn.FeatureLPPooling

    >>> import numpy as np, t7nn as nn
    >>> nn.FeatureLPPooling(2, 2, 2, False).forward(np.array([3.0, 4, 6, 8])).tolist()
    [5.0, 10.0]
    """

    def __init__(self, width: int, stride: int, power: float, batch_mode: bool = False):
        super().__init__()
        if not 2 <= width <= 16:
            raise ValueError(f'{self.typename}: width must be within 2 to 16, got {width}')
        if not 1 <= stride <= 4:
            raise ValueError(f'{self.typename}: stride must be within 1 to 4, got {stride}')
        self.width, self.stride, self.power, self.batch_mode = width, stride, power, bool(batch_mode)

    def _windows(self, tensor: np.ndarray) -> np.ndarray:
        """All windows of `tensor`: their elements' axis stands before the features'."""
        return windows(tensor, (self.width,), (self.stride,), axis=int(self.batch_mode))

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check(input)
        axis = int(self.batch_mode)
        if not 1 + axis <= input.ndim <= 3 + axis:
            raise self.error(f'expected input of {1 + axis} to {3 + axis} dimensions, got {describe(input)}')
        if input.shape[axis] < self.width:
            raise self.error(f'expected at least {self.width} features in dimension {axis + 1}, got {describe(input)}')
        count = (input.shape[axis] - self.width) // self.stride + 1
        output = self.buffer('output', (*input.shape[:axis], count, *input.shape[axis + 1 :]))
        with np.errstate(invalid='ignore', divide='ignore', over='ignore'):
            powers = np.power(input, self.power, dtype=np.float64)  # as in Torch7, also for float32
            np.copyto(output, np.power(self._windows(powers).sum(axis), 1 / self.power), casting='same_kind')
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check(input)
        self.check(gradOutput, 'gradOutput', self.output.shape)
        gradInput = self.buffer_like('gradInput', input)
        gradInput.fill(0)
        axis = int(self.batch_mode)
        x, dx = self._windows(input), self._windows(gradInput)
        y = np.where(self.output == 0, 1, self.output)
        g = np.where(self.output == 0, 0, gradOutput)  # a window whose norm is 0 passes nothing on
        for i in range(self.width):
            place = (slice(None),) * axis + (i,)
            with np.errstate(invalid='ignore', divide='ignore', over='ignore'):
                dx[place] += g * np.power(x[place] / y, self.power - 1)
        return gradInput

    def __str__(self) -> str:
        return f'{self.typename}(w{self.width} s{self.stride} power {number(self.power)} batch {int(self.batch_mode)})'
