"""Layers with weights on vectors.

Torch7 manual: simple.md
"""

import math
from typing import Self

import numpy as np

from . import random
from .blas import add_outer, add_scaled
from .module import Module

__all__ = ['Linear']


class Linear(Module):
    """y = W x + b, for a vector or for every row of a batch.

    dx = W' dy, dW += scale dy x', db += scale dy, summed over the batch.

    Parameters
    ----------
    inputSize, outputSize
        input ``(inputSize,)`` or ``(N, inputSize)``, output ``(outputSize,)`` or ``(N, outputSize)``
    bias
        False leaves b out, as `noBias()` does later

    W and b begin uniform in +-1/sqrt(inputSize).

    Torch7 manual: simple.md#nn.Linear
    """

    def __init__(self, inputSize: int, outputSize: int, bias: bool = True):
        super().__init__()
        self.weight = np.zeros((outputSize, inputSize))
        self.gradWeight = np.zeros((outputSize, inputSize))
        if bias:
            self.bias = np.zeros(outputSize)
            self.gradBias = np.zeros(outputSize)
        self.reset()

    def noBias(self) -> Self:
        """Do without the bias from now on."""
        self.bias = self.gradBias = None
        return self

    def reset(self, stdv: float | None = None) -> Self:
        """Draw W and b uniformly with standard deviation `stdv`."""
        bound = 1 / math.sqrt(self.weight.shape[1]) if stdv is None else stdv * math.sqrt(3)
        for parameter in self.parameters()[0]:
            random.uniform(-bound, bound, out=parameter)
        return self

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        try:
            if input.dtype is not self.dtype:
                self.check(input)
            output = input.dot(self.weight.T, self.output)
        except (AttributeError, ValueError):  # dot() is strict about its second argument: it is the guard of the buffer
            self._check_size(input, 'input', 1)
            output = input.dot(self.weight.T, self.buffer('output', input.shape[:-1] + (len(self.weight),)))
        if self.bias is not None:
            if output.ndim == 1:
                add_scaled(output, 1, self.bias)
            else:
                output += self.bias
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if self.gradInput is None:
            return None
        try:
            if gradOutput.dtype is not self.dtype:
                self.check(gradOutput, 'gradOutput')
            gradInput = gradOutput.dot(self.weight, self.gradInput)
        except (AttributeError, ValueError):
            self._check_size(gradOutput, 'gradOutput', 0)
            gradInput = gradOutput.dot(
                self.weight, self.buffer('gradInput', gradOutput.shape[:-1] + (self.weight.shape[1],))
            )
        if gradInput.shape != input.shape:
            raise self.error(f'gradOutput for input of shape {input.shape} needed, got shape {gradOutput.shape}')
        return gradInput

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        add_outer(self.gradWeight, scale, gradOutput, input, self.gradBias)

    # shared or not: the update is a plain sum, so nothing needs to be gathered first
    accUpdateGradParameters = Module.defaultAccUpdateGradParameters

    def _check_size(self, tensor: np.ndarray, what: str, axis: int) -> None:
        self.check(tensor, what)
        size = self.weight.shape[axis]
        if tensor.ndim not in (1, 2) or tensor.shape[-1] != size:
            raise self.error(f'{what} of size {size} needed, a vector or a batch of them, got shape {tensor.shape}')

    def __str__(self) -> str:
        outputSize, inputSize = self.weight.shape
        return f'{self.typename}({inputSize} -> {outputSize})' + (' without bias' if self.bias is None else '')
