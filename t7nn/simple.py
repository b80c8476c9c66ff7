"""Layers that change shapes, select, reduce, or do simple arithmetic.

Torch7 manual: simple.md
"""

import math
from typing import Any, Self

import numpy as np

from .module import Module

__all__ = ['Identity', 'Reshape', 'View']


class Identity(Module):
    """y = x, dx = dy: the very same tensors or tables. Arguments are ignored.

    Torch7 manual: simple.md#nn.Identity
    """

    def __init__(self, *arguments: Any):
        super().__init__()

    def updateOutput(self, input: Any) -> Any:
        self.output = input
        return input

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        self.gradInput = gradOutput
        return gradOutput


def _sizes(layer: Module, sizes: tuple) -> list[int]:
    """The sizes of a shape given as ``(2, 3)``, ``((2, 3),)`` or ``([2, 3],)``, as a list of whole numbers."""
    if len(sizes) == 1 and isinstance(sizes[0], (list, tuple, np.ndarray)):
        sizes = tuple(sizes[0])
    if not sizes or not all(isinstance(size, (int, np.integer)) or float(size).is_integer() for size in sizes):
        raise TypeError(f'{layer.typename}: whole numbers needed as sizes, got {sizes}')
    return [int(size) for size in sizes]


class Reshaping(Module):
    """The base of layers that look at the input in another shape: a view where the memory allows it, a copy where not.

    A layer says `shape(input)`, the shape of the output.
    """

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        """The shape of the output for `input`."""
        raise self.error('shape(input) needed in every Reshaping layer', TypeError)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check(input)
        self.output = input.reshape(self.shape(input))
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check(gradOutput, 'gradOutput')
        if gradOutput.size != input.size:
            raise self.error(f'gradOutput of {input.size} elements needed, got shape {gradOutput.shape}')
        self.gradInput = gradOutput.reshape(input.shape)
        return self.gradInput


class Reshape(Reshaping):
    """The input in the shape `size`, or a batch of them.

    Parameters
    ----------
    *size
        ``nn.Reshape(2, 3)`` or ``nn.Reshape([2, 3])``; a last argument True or False is the `batchMode`
    batchMode
        True: the first dimension of the input is the batch's. False: it is not. None: it is, where the input has not
        the number of elements of `size`, or where its first dimension is 1

    Torch7 manual: simple.md#nn.Reshape
    """

    def __init__(self, *size: int | list[int] | bool, batchMode: bool | None = None):
        super().__init__()
        if size and isinstance(size[-1], bool):
            *size, batchMode = size
        self.size = _sizes(self, tuple(size))
        self.batchMode = batchMode
        self.batchsize = [0, *self.size]
        self.nelement = math.prod(self.size)

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        single = (
            not self.batchMode if self.batchMode is not None else input.size == self.nelement and input.shape[0] != 1
        )
        shape = tuple(self.size) if single else (*input.shape[:1], *self.size)
        if math.prod(shape) != input.size or not input.ndim:
            raise self.error(f'input of {self.nelement} elements or a batch of such needed, got shape {input.shape}')
        return shape

    def __str__(self) -> str:
        return f'{self.typename}({"x".join(map(str, self.size))})'


class View(Reshaping):
    """The input in the shape `size`, of which one may be -1 and is then worked out.

    Parameters
    ----------
    *size
        ``nn.View(2, -1)`` or ``nn.View([2, -1])``

    `setNumInputDims(n)` says that one sample has n dimensions, so that all before them are the batch's.

    Torch7 manual: simple.md#nn.View
    """

    def __init__(self, *size: int | list[int]):
        super().__init__()
        self.resetSize(*size)
        self.numInputDims = None

    def resetSize(self, *size: int | list[int]) -> Self:
        """Set another shape."""
        sizes = _sizes(self, size)
        if any(n < -1 for n in sizes):
            raise ValueError(f'{self.typename}: size should be positive or -1, got {sizes}')
        if sizes.count(-1) > 1:
            raise ValueError(f'{self.typename}: only one dimension can be at -1, got {sizes}')
        self.size = sizes
        self.numElements = math.prod(n for n in sizes if n >= 0)
        return self

    def setNumInputDims(self, numInputDims: int) -> Self:
        """Say how many dimensions one sample has."""
        self.numInputDims = numInputDims
        return self

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        sample = input.ndim if self.numInputDims is None else min(self.numInputDims, input.ndim)
        batch, count = math.prod(input.shape[: input.ndim - sample]), math.prod(input.shape[input.ndim - sample :])
        if not self.numElements or count % self.numElements:
            raise self.error(
                f'input view ({"x".join(map(str, input.shape))}) and desired view '
                f'({"x".join(map(str, self.size))}) do not match'
            )
        # what the size does not account for is the batch, or the dimension at -1
        remainder = count // self.numElements
        if -1 not in self.size:
            batch, remainder = batch * remainder, 1
        shape = tuple(remainder if n == -1 else n for n in self.size)
        return shape if batch == 1 and input.ndim == sample else (batch, *shape)

    def __str__(self) -> str:
        return f'{self.typename}({", ".join(map(str, self.size))})'
