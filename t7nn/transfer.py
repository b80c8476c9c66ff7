"""Transfer functions: elementwise ones on one base, and the SoftMax family.

Torch7 manual: transfer.md
"""

import math
from typing import Any

import numpy as np

from .blas import constant, ones
from .module import Module
from .tensors import number

__all__ = ['LogSoftMax', 'ReLU', 'Sigmoid', 'SoftMax', 'Tanh', 'Threshold']


class Pointwise(Module):
    """The base of elementwise layers y = f(x).

    A layer says `function(x, y)`, which writes f(x) into y, and `derivative(x, y, dy, dx)`, which writes f'(x) dy into
    dx. With ``inplace`` y is the memory of x and dx that of dy, so a layer that offers it computes dx from y.
    """

    def function(self, x: np.ndarray, y: np.ndarray) -> None:
        """y = f(x)."""
        raise self.error('function(x, y) needed in every Pointwise layer', TypeError)

    def derivative(self, x: np.ndarray, y: np.ndarray, dy: np.ndarray, dx: np.ndarray) -> None:
        """dx = f'(x) dy."""
        raise self.error('derivative(x, y, dy, dx) needed in every Pointwise layer', TypeError)

    # The long conditions ask whether the array of the last call fits: half as dear as calling destination().

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        output = self.output
        if (
            self.inplace
            or output is not self._buffers.get('output')
            or input.__class__ is not np.ndarray
            or input.dtype is not output.dtype
            or input.shape != output.shape
        ):
            output = self.destination('output', input)
        self.function(input, output)
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        gradInput, output = self.gradInput, self.output
        if (
            self.inplace
            or gradInput is not self._buffers.get('gradInput')
            or gradOutput.__class__ is not np.ndarray
            or gradOutput.dtype is not gradInput.dtype
            or gradOutput.shape != gradInput.shape
        ):
            gradInput = self.destination('gradInput', gradOutput, 'gradOutput')
        if not gradOutput.shape == input.shape == output.shape:
            raise self.error(
                f'gradOutput of the shape of input {input.shape} and output {output.shape} needed, '
                f'got shape {gradOutput.shape}'
            )
        self.derivative(input, output, gradOutput, gradInput)
        return gradInput


class Tanh(Pointwise):
    """y = tanh(x), dx = (1 - y^2) dy.

    Torch7 manual: transfer.md#nn.Tanh
    """

    def function(self, x, y):
        np.tanh(x, y)

    def derivative(self, x, y, dy, dx):
        np.multiply(y, y, dx)
        np.subtract(constant(1, dx.dtype.char), dx, dx)
        np.multiply(dx, dy, dx)


class Sigmoid(Pointwise):
    """y = 1 / (1 + exp(-x)), dx = y (1 - y) dy.

    Torch7 manual: transfer.md#nn.Sigmoid
    """

    def function(self, x, y):
        from scipy.special import expit

        expit(x, y)

    def derivative(self, x, y, dy, dx):
        np.subtract(constant(1, dx.dtype.char), y, dx)
        np.multiply(dx, y, dx)
        np.multiply(dx, dy, dx)


class Threshold(Pointwise):
    """y = x where x > threshold, else val; dx = dy where x > threshold, else 0.

    Parameters
    ----------
    threshold, val
        `val` must not exceed `threshold` where `inplace` is asked for
    inplace
        write the output into the input and gradInput into gradOutput

    Torch7 manual: transfer.md#nn.Threshold
    """

    def __init__(self, threshold: float = 1e-6, val: float = 0, inplace: bool = False):
        super().__init__()
        self.threshold = threshold
        self.val = val
        self.inplace = inplace
        self.validateParameters()

    def validateParameters(self) -> None:
        """Raise a ValueError where working in place would lose which elements passed."""
        if self.inplace and self.val > self.threshold:
            raise self.error(
                f'in-place processing requires value ({number(self.val)}) not exceed '
                f'threshold ({number(self.threshold)})'
            )

    def function(self, x, y):
        self.validateParameters()
        passed = x > self.threshold
        np.copyto(y, x)
        np.copyto(y, self.val, where=~passed)

    def derivative(self, x, y, dy, dx):
        np.multiply(dy, x > self.threshold, dx)


class ReLU(Threshold):
    """y = max(0, x), dx = dy where x > 0, else 0; 0 for nan.

    Torch7 manual: transfer.md#nn.ReLU
    """

    def __init__(self, inplace: bool = False):
        super().__init__(0, 0, inplace)

    def function(self, x, y):
        np.fmax(x, constant(0, y.dtype.char), y)


class SoftMaxBase(Module):
    """The base of the functions over the class axis: the only one of a vector, the second of a batch, the first of a
    map, the second of a batch of maps.

    A layer says `function(x, y, axis)` and `derivative(y, dy, dx, axis)`.
    """

    def axis(self, input: np.ndarray) -> int:
        """The class axis, from 0."""
        if not 1 <= input.ndim <= 4:
            raise self.error(f'1D, 2D, 3D or 4D tensor needed, got shape {input.shape}')
        return 1 - input.ndim % 2

    def function(self, x: np.ndarray, y: np.ndarray, axis: int) -> None:
        """y = f(x)."""
        raise self.error('function(x, y, axis) needed', TypeError)

    def derivative(self, y: np.ndarray, dy: np.ndarray, dx: np.ndarray, axis: int) -> None:
        """dx from y and dy."""
        raise self.error('derivative(y, dy, dx, axis) needed', TypeError)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        output = self.buffer_like('output', input)
        self.function(input, output, self.axis(input))
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        gradInput = self.buffer_like('gradInput', gradOutput, 'gradOutput')
        if gradOutput.shape != self.output.shape:
            raise self.error(
                f"gradOutput of the output's shape {self.output.shape} needed, got shape {gradOutput.shape}"
            )
        self.derivative(self.output, gradOutput, gradInput, self.axis(gradOutput))
        return gradInput


def _maximum(x: np.ndarray, axis: int) -> Any:
    # argmax is several times faster than max on rows of few classes
    if x.ndim == 1:
        return x.item(x.argmax())
    if x.ndim == 2:
        return x[np.arange(len(x)), x.argmax(1)][:, None]
    return x.max(axis, keepdims=True)


def _sum(x: np.ndarray, axis: int) -> Any:
    # a product with ones is several times faster than sum on rows of few classes
    if x.ndim == 1:
        return x.dot(ones(len(x), x.dtype)).item()
    if x.ndim == 2:
        return x.dot(ones(x.shape[1], x.dtype))[:, None]
    return x.sum(axis, keepdims=True)


def _log(x: Any) -> Any:
    return math.log(x) if isinstance(x, float) and x > 0 else np.log(x)


class SoftMax(SoftMaxBase):
    """y_i = exp(x_i - max x) / sum_j exp(x_j - max x), dx_i = y_i (dy_i - sum_j dy_j y_j).

    Torch7 manual: transfer.md#nn.SoftMax
    """

    def function(self, x, y, axis):
        np.subtract(x, _maximum(x, axis), y)
        np.exp(y, y)
        np.divide(y, _sum(y, axis), y)

    def derivative(self, y, dy, dx, axis):
        np.multiply(y, dy, dx)
        np.subtract(dy, _sum(dx, axis), dx)
        np.multiply(dx, y, dx)


class LogSoftMax(SoftMaxBase):
    """y_i = x_i - log sum_j exp(x_j), dx_i = dy_i - exp(y_i) sum_j dy_j.

    Torch7 manual: transfer.md#nn.LogSoftMax
    """

    def function(self, x, y, axis):
        largest = _maximum(x, axis)
        np.subtract(x, largest, y)
        np.exp(y, y)
        np.subtract(x, largest + _log(_sum(y, axis)), y)

    def derivative(self, y, dy, dx, axis):
        np.exp(y, dx)
        np.multiply(dx, _sum(dy, axis), dx)
        np.subtract(dy, dx, dx)
