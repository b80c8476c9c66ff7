"""Layers with weights on vectors.

Torch7 manual: simple.md
"""

from typing import Any, Self

import numpy as np
from numpy import ndarray

from ..blas import ROUTINES, outer_adder, routines_for
from ..module import Module, inside
from ..node import UNSEEN
from ..tensors import describe, plain
from . import _weight_norm
from ._initialization import draw, draw_weight_and_bias, positive
from .arithmetic import MM, Max
from .containers import Sequential
from .identity import Identity
from .shapes import View
from .sparse import LookupTable
from .table import ParallelTable

__all__ = ['Bilinear', 'Linear', 'LinearWeightNorm', 'Maxout', 'PartialLinear']


class Linear(Module):
    """y = W x + b, for a vector or for every row of a batch.

    dx = W' dy, dW += scale dy x', db += scale dy, summed over the batch.

    Parameters
    ----------
    inputSize, outputSize
        positive whole numbers. Input ``(inputSize,)`` or ``(N, inputSize)``, output ``(outputSize,)`` or
        ``(N, outputSize)``
    bias
        False leaves b out, as `noBias()` does later

    W and b begin uniform in +-1/sqrt(inputSize).

    Raises
    ------
    TypeError
        if an argument, a parameter or a gradient is no array of the layer's dtype
    ValueError
        if one has another size

    Torch7 manual: simple.md#nn.Linear
    """

    weight: np.ndarray
    gradWeight: np.ndarray

    #: weight, bias, and what adds to a vector or to them: for `updateOutput`, `accUpdateGradParameters`, and with the
    #: gradients for `accGradParameters`. The same tensors need no second check, which would cost as much as a product.
    #: `_updated` ends with what adds one vector: BLAS's ger and axpy, the transposed weight, the number of outputs.
    _used: tuple = (UNSEEN,) * 3
    _updated: tuple = (UNSEEN,) * 4
    _accumulated: tuple = (UNSEEN,) * 3

    def __init__(self, inputSize: int, outputSize: int, bias: bool = True):
        super().__init__()
        positive(self, inputSize, outputSize)
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
        draw_weight_and_bias(self, self.shape_of('weight', 2)[1], stdv)
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        # The method may be replaced in this one layer, to freeze it for instance: the next update looks anew. To look
        # in every call takes 2 % of a step of a 10-50-50-2 network.
        super().__setattr__(name, value)
        if name == 'accGradParameters':
            self._updated = Linear._updated

    # The idea of the three steps, in plain NumPy, for a batch:
    #     output = input @ W.T + b                gradInput = gradOutput @ W
    #     gradWeight += scale * gradOutput.T @ input    gradBias += scale * gradOutput.sum(0)
    # Written so, a step of a 2-20-1 network takes half as long again. Here results go into the buffers of the last
    # call, BLAS adds products in place, and only tensors that the last call did not have are checked.

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        weight, bias, add = self._used
        if (
            self.weight is not weight
            or self.bias is not bias
            or weight.dtype is not self.dtype  # as it can be set in place
            or (bias is not None and bias.dtype is not self.dtype)
        ):
            weight, bias = self._fitting_pair('weight', 'bias')
            add = ROUTINES[self.dtype].axpy
            self._used = weight, bias, add
        try:
            if input.dtype is not self.dtype or input.__class__ is not ndarray:
                input = self.check(input)
            output = self.output
            if output is None or output is input:  # a result that comes back as input is left alone
                raise ValueError
            # dot() is strict about its second argument, so it guards the buffer: what does not fit is a ValueError
            if input.ndim == 1:
                output = weight.dot(input, output)
                if bias is not None:
                    add(bias, output)
                return output
            output = input.dot(weight.T, output)
            if output.ndim != input.ndim:
                raise ValueError
        except (AttributeError, TypeError, ValueError):
            input = self._check_size(input, 'input', 1)
            output = input.dot(weight.T, self.buffer('output', input.shape[:-1] + (len(weight),)))
        if bias is not None:
            output += bias
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        gradInput = self.gradInput
        if gradInput is None:
            return None
        weight = self._used[0]
        if self.weight is not weight or weight.dtype is not self.dtype:
            weight, _ = self._fitting_pair('weight', 'bias')
        try:
            if gradOutput.dtype is not self.dtype or gradOutput.__class__ is not ndarray:
                gradOutput = self.check(gradOutput, 'gradOutput')
            gradInput = gradOutput.dot(weight, gradInput)
            if gradInput.shape != input.shape:
                raise ValueError
        except (AttributeError, TypeError, ValueError):
            input, gradOutput = self._check_both(input, gradOutput)
            gradInput = gradOutput.dot(weight, self.buffer('gradInput', input.shape))
        return gradInput

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        weight, bias, add = self._accumulated
        if (
            self.gradWeight is not weight
            or self.gradBias is not bias
            or weight.dtype is not self.dtype
            or not weight.flags.writeable
            or (bias is not None and not bias.flags.writeable)
        ):
            weight, bias = self._fitting_pair('gradWeight', 'gradBias')
            self.expect_writable('gradWeight', 'gradBias')
            add = outer_adder(weight, bias)
            self._accumulated = weight, bias, add
        try:
            if gradOutput.dtype is not self.dtype or input.dtype is not self.dtype:
                raise ValueError
            add(scale, gradOutput, input)
        except (AttributeError, TypeError, ValueError):
            input, gradOutput = self._check_both(input, gradOutput)
            add(scale, gradOutput, input)

    def accUpdateGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, lr: float) -> None:
        # The same as accGradParameters, with the parameters in the place of their gradients. Shared parameters need
        # nothing else, since the update is a plain sum.
        weight, bias, add, vectors = self._updated
        if (
            self.weight is not weight
            or self.bias is not bias
            or not weight.flags.writeable  # as it can be set in place, to freeze the layer for instance
            or (bias is not None and not bias.flags.writeable)
            or self.__class__.accGradParameters is not _ACCUMULATE
        ):
            if getattr(self.accGradParameters, '__func__', None) is not _ACCUMULATE:
                return self.defaultAccUpdateGradParameters(input, gradOutput, lr)
            weight, bias = self._fitting_pair('weight', 'bias')
            self.expect_writable('weight', 'bias')
            add, routines = outer_adder(weight, bias), routines_for(weight, bias)
            vectors = routines.ger, routines.axpy, weight.T, len(weight)
            self._updated = weight, bias, add, vectors
        scale = -lr if lr.__class__ is float else -self.number(lr, 'lr')
        try:
            if gradOutput.dtype is not self.dtype or input.dtype is not self.dtype:
                raise ValueError
            if gradOutput.ndim == input.ndim == 1:
                # what `add` does for vectors; its call would take 3 % of a step of a 10-50-50-2 network
                ger, axpy, transposed, outputs = vectors
                ger(scale, input, gradOutput, 1, 1, transposed, 1, 1, 1)
                if bias is not None:
                    axpy(gradOutput, bias, outputs, scale)
            else:
                add(scale, gradOutput, input)
        except (AttributeError, TypeError, ValueError):
            input, gradOutput = self._check_both(input, gradOutput)
            add(scale, gradOutput, input)

    def _check_both(self, input: Any, gradOutput: Any) -> tuple[np.ndarray, np.ndarray]:
        gradOutput = self._check_size(gradOutput, 'gradOutput', 0)
        input = self._check_size(input, 'input', 1)
        if gradOutput.shape[:-1] != input.shape[:-1]:
            raise self.error(f'expected gradOutput for input of shape {input.shape}, got shape {gradOutput.shape}')
        return input, gradOutput

    def _fitting_pair(self, weights: str, biases: str) -> tuple[np.ndarray, np.ndarray | None]:
        """The tensors of these names: a matrix, and None or one number for each of its rows."""
        weight = self.check(getattr(self, weights), weights)
        shape = np.shape(self.weight)
        if weight.ndim != 2 or weight.shape != shape:
            wanted = 'of 2 dimensions' if len(shape) != 2 else f'of shape {shape}'
            raise self.error(f'expected {weights} {wanted}, got {describe(weight)}')
        bias = getattr(self, biases)
        if bias is not None:
            bias = self.check(bias, biases, shape[:1])
        setattr(self, weights, weight)
        setattr(self, biases, bias)
        return weight, bias

    def _check_size(self, tensor: np.ndarray, what: str, axis: int) -> np.ndarray:
        tensor = self.check(tensor, what)
        size = self.shape_of('weight', 2)[axis]
        if tensor.ndim not in (1, 2) or tensor.shape[-1] != size:
            raise self.error(
                f'expected {what} of size {size}, a vector or a batch of them, got shape {tensor.shape} (size mismatch)'
            )
        return tensor

    def __str__(self) -> str:
        sizes = ' -> '.join(map(str, reversed(np.shape(self.weight))))
        return f'{self.typename}({sizes})' + (' without bias' if self.bias is None else '')


_ACCUMULATE = Linear.accGradParameters


class LinearWeightNorm(Linear):
    """`Linear` whose rows are w = g v / |v|: the length g and the direction v of each are learned.

    With s = dy x', dg = s . v / |v| and dv = g / |v| (s - dg v / |v|), row by row.

    Parameters
    ----------
    inputSize, outputSize, bias
        as in `Linear`
    eps
        the least |v|, a positive number

    ``weight`` is worked out in every forward while training, and once by `evaluate()` for all that follow.

    Raises
    ------
    TypeError, ValueError
        as in `Linear`

    Torch7 manual: simple.md#nn.LinearWeightNorm
    """

    learned = (('v', 'gradV'), ('g', 'gradG'), ('bias', 'gradBias'))
    cleared = (*Linear.cleared, 'weight', 'norm', 'scale')
    inputSize: int
    outputSize: int
    eps: float
    v: np.ndarray
    gradV: np.ndarray
    g: np.ndarray
    gradG: np.ndarray
    norm: np.ndarray
    scale: np.ndarray

    def __init__(self, inputSize: int, outputSize: int, bias: bool = True, eps: float = 1e-16):
        Module.__init__(self)
        positive(self, inputSize, outputSize)
        self.inputSize, self.outputSize, self.eps = inputSize, outputSize, eps
        self.weight, self.v, self.gradV = (np.zeros((outputSize, inputSize)) for _ in range(3))
        self.g, self.gradG, self.norm, self.scale = (np.zeros((outputSize, 1)) for _ in range(4))
        if bias:
            self.bias, self.gradBias = np.zeros(outputSize), np.zeros(outputSize)
        self.reset()

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        matrix, column, vector = (self.outputSize, self.inputSize), (self.outputSize, 1), (self.outputSize,)
        for name in ('v', 'g'):
            self.shape_of(name, 2)
        return {'v': matrix, 'gradV': matrix, 'g': column, 'gradG': column, 'bias': vector, 'gradBias': vector}

    def reset(self, stdv: float | None = None) -> Self:
        """Draw w and b uniformly with standard deviation `stdv`; g and v follow from w."""
        self.check_parameters()
        weight = np.empty_like(self.v)
        draw(weight, self.inputSize, stdv)
        self.initFromWeight(weight)
        self.weight = weight
        if self.bias is not None:
            draw(self.bias, self.inputSize, stdv)
        return self

    def initFromWeight(self, weight: np.ndarray | None = None) -> Self:
        """Let g and v be those of `weight`, of the layer's own where none is given."""
        self.check_parameters()
        weight = self.check(self.weight if weight is None else weight, 'weight', self.v.shape)
        self.expect_writable('v', 'g')
        self.v[...] = weight
        self.g[...] = _weight_norm.lengths(self.v)
        np.maximum(self.g, self.eps, out=self.g)
        return self

    @staticmethod
    def fromLinear(linear: Linear) -> 'LinearWeightNorm':
        """A layer that does what `linear` does."""
        outputSize, inputSize = linear.weight.shape
        layer = LinearWeightNorm(inputSize, outputSize, linear.bias is not None).type(linear.dtype)
        if linear.bias is not None:
            layer.bias[...] = linear.bias
        layer.weight[...] = linear.weight
        return layer.initFromWeight()

    def toLinear(self) -> Linear:
        """A `Linear` that does what this layer does."""
        self.updateWeightMatrix()
        linear = Linear(self.inputSize, self.outputSize, self.bias is not None).type(self.dtype)
        linear.weight[...] = self.weight
        if linear.bias is not None:
            linear.bias[...] = self.bias
        return linear

    def updateWeightMatrix(self) -> None:
        """Work out ``weight`` from g and v."""
        self.check_parameters()
        self.norm = np.maximum(np.sqrt(np.vecdot(self.v, self.v)), self.eps)[:, None]
        self.scale = self.g / self.norm
        self.weight = self.v * self.scale

    def evaluate(self) -> None:
        if self.train is not False:
            self.updateWeightMatrix()
        super().evaluate()

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        if self.train is not False or not np.size(self.weight):
            self.updateWeightMatrix()
        return super().updateOutput(input)

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check_gradients()
        input, gradOutput = self._check_both(input, gradOutput)
        norm = self.check(self.norm, 'norm', self.g.shape)
        gradient = np.zeros_like(self.v)
        outer_adder(gradient, self.gradBias if self.bias is not None else None)(scale, gradOutput, input)
        gradV, gradG = _weight_norm.gradients(self.v, self.g, norm, gradient)
        self.gradV += gradV
        self.gradG += gradG

    accUpdateGradParameters = Module.defaultAccUpdateGradParameters  # shared or not, as in Linear

    def __str__(self) -> str:
        return f'{self.typename}({self.inputSize} -> {self.outputSize})' + (
            ' without bias' if self.bias is None else ''
        )


class Bilinear(Module):
    """y_k = x1' W_k x2 + b_k for every row x1, x2 of two batches: the input is the table ``[x1, x2]``.

    dx1 = sum_k dy_k W_k x2, dx2 = sum_k dy_k W_k' x1, dW_k = dy_k x1 x2', db = dy, summed over the batch.

    Parameters
    ----------
    inputSize1, inputSize2, outputSize
        positive whole numbers. Inputs ``(N, inputSize1)`` and ``(N, inputSize2)``, output ``(N, outputSize)``
    bias
        False leaves b out

    W and b begin uniform in +-1/sqrt(inputSize1).

    Raises
    ------
    TypeError, ValueError
        if the input is no table of two matrices of these sizes

    Torch7 manual: simple.md#nn.Bilinear
    """

    weight: np.ndarray
    gradWeight: np.ndarray

    def __init__(self, inputSize1: int, inputSize2: int, outputSize: int, bias: bool = True):
        super().__init__()
        sizes = (outputSize, inputSize1, inputSize2)
        positive(self, *sizes)
        self.weight, self.gradWeight = np.zeros(sizes), np.zeros(sizes)
        if bias:
            self.bias, self.gradBias = np.zeros(outputSize), np.zeros(outputSize)
        self.gradInput = [np.empty(0), np.empty(0)]
        self.reset()

    def reset(self, stdv: float | None = None) -> Self:
        """Draw W and b uniformly with standard deviation `stdv`."""
        draw_weight_and_bias(self, self.shape_of('weight', 3)[1], stdv)
        return self

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        shape = self.shape_of('weight', 3)
        return {'weight': shape, 'gradWeight': shape, 'bias': shape[:1], 'gradBias': shape[:1]}

    def _inputs(self, input: Any) -> list[np.ndarray]:
        x1, x2 = self.check_tensors(input, 2)
        _, size1, size2 = self.weight.shape
        if x1.ndim != 2 or x2.ndim != 2 or x1.shape[1] != size1 or x2.shape != (len(x1), size2):
            raise self.error(
                f'expected inputs of shapes (N, {size1}) and (N, {size2}), got {describe(x1)} and {describe(x2)}'
            )
        return [x1, x2]

    def _gradient(self, input: Any, gradOutput: np.ndarray) -> tuple[np.ndarray, ...]:
        """x1, x2, dy, and dy_k x1 for all k, side by side."""
        x1, x2 = self._inputs(input)
        dy = self.check(gradOutput, 'gradOutput', (len(x1), len(self.weight)))
        spread = (dy[:, :, None] * x1[:, None, :]).reshape(len(x1), dy.shape[1] * x1.shape[1])
        return x1, x2, dy, spread

    def _products(self, x2: np.ndarray) -> np.ndarray:
        """W_k x2 for all rows and all k at once, one matrix product."""
        return x2.dot(self._flat(self.weight).T).reshape(len(x2), *self.weight.shape[:2])

    @staticmethod
    def _flat(weight: np.ndarray) -> np.ndarray:
        return weight.reshape(weight.shape[0] * weight.shape[1], weight.shape[2])

    def updateOutput(self, input: list[np.ndarray]) -> np.ndarray:
        self.check_parameters()
        x1, x2 = self._inputs(input)
        output = self.buffer('output', (len(x1), len(self.weight)))
        np.vecdot(self._products(x2), x1[:, None, :], output)
        if self.bias is not None:
            output += self.bias
        return output

    def updateGradInput(self, input: list[np.ndarray], gradOutput: np.ndarray) -> list[np.ndarray] | None:
        if self.gradInput is None:
            return None
        self.check_parameters()
        x1, x2, dy, spread = self._gradient(input, gradOutput)
        gradients = [self.buffer('_gradInput1', x1.shape), self.buffer('_gradInput2', x2.shape)]
        np.matmul(dy[:, None, :], self._products(x2), gradients[0][:, None, :])
        np.dot(spread, self._flat(self.weight), gradients[1])
        self.gradInput = gradients
        return gradients

    def accGradParameters(self, input: list[np.ndarray], gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check_gradients()
        _, x2, dy, spread = self._gradient(input, gradOutput)
        self.gradWeight += scale * spread.T.dot(x2).reshape(self.gradWeight.shape)
        if self.bias is not None:
            self.gradBias += scale * dy.sum(0)

    # shared or not, as in Linear
    accUpdateGradParameters = Module.defaultAccUpdateGradParameters

    def __str__(self) -> str:
        outputSize, inputSize1, inputSize2 = self.weight.shape
        return f'{self.typename}({inputSize1}x{inputSize2} -> {outputSize}) ' + (
            ' without bias' if self.bias is None else ''
        )


class PartialLinear(Module):
    """y = x W[p]' + b[p] for the rows of a batch: a `Linear` of which only the outputs p, the partition, are computed.

    Parameters
    ----------
    inputsize, outputsize
        positive whole numbers. Input ``(N, inputsize)``, output ``(N, size of the partition)``; W is
        ``(outputsize, inputsize)``
    bias
        False leaves b out; its shape is ``(1, outputsize)``

    W begins normal, with standard deviation 1, b at 0; the partition is 1..outputsize.

    Raises
    ------
    IndexError
        if an index of the partition is not in 1..outputsize
    TypeError, ValueError
        if the input is no matrix of this size

    Torch7 manual: simple.md#nn.PartialLinear
    """

    weight, gradWeight = (inside(lambda self: self.network.get(1).get(2), name) for name in ('weight', 'gradWeight'))
    network: Sequential
    inputsize: int
    outputsize: int
    gradBias: np.ndarray
    allcolumns: np.ndarray
    partition: np.ndarray

    def __init__(self, inputsize: int, outputsize: int, bias: bool = True):
        super().__init__()
        rows = ParallelTable().add(Identity()).add(LookupTable(outputsize, inputsize))
        self.network = Sequential().add(rows).add(MM(False, True))
        if bias:
            self.bias, self.gradBias = np.zeros((1, outputsize)), np.zeros((1, outputsize))
        self.inputsize, self.outputsize = inputsize, outputsize
        self.allcolumns = np.arange(1.0, outputsize + 1)
        self.resetPartition()

    def setPartition(self, indices: np.ndarray) -> None:
        """Compute only the outputs of these indices, a vector, in this order."""
        self._columns(indices)
        self.partition = np.asarray(indices).astype(self.dtype)

    def resetPartition(self) -> None:
        """Compute all outputs."""
        self.partition = self.allcolumns

    def _columns(self, indices: np.ndarray | None = None) -> np.ndarray:
        """`indices`, the partition where none are given, from 0."""
        indices = self.partition if indices is None else indices
        wanted = 'expected a vector of indices as partition, got'
        indices = plain(indices, lambda got: self.error(f'{wanted} {got}', TypeError))
        if indices.ndim != 1 or indices.dtype.kind not in 'iuf':
            raise self.error(f'{wanted} {describe(indices)} of {indices.dtype}', TypeError)
        return self.zero_based(indices, self.outputsize)

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        weight, bias = (self.outputsize, self.inputsize), (1, self.outputsize)
        return {'weight': weight, 'gradWeight': weight, 'bias': bias, 'gradBias': bias}

    def _checked(self, input: np.ndarray) -> list[np.ndarray]:
        self.check_parameters()
        input = self.check(input)
        if input.ndim != 2 or input.shape[1] != self.inputsize:
            raise self.error(f'expected input of shape (N, {self.inputsize}), got {describe(input)}')
        self._columns()
        return [input, self.partition]

    def _gradient(self, table: list[np.ndarray], gradOutput: np.ndarray) -> np.ndarray:
        return self.check(gradOutput, 'gradOutput', (len(table[0]), len(self.partition)))

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.output = self.network.updateOutput(self._checked(input))
        if self.bias is not None:
            self.output += self.bias[:, self._columns()]
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if self.gradInput is not None:
            table = self._checked(input)
            self._expect_forward(table)
            self.gradInput = self.network.updateGradInput(table, self._gradient(table, gradOutput))[0]
        return self.gradInput

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check_gradients()
        table = self._checked(input)
        gradOutput = self._gradient(table, gradOutput)
        self._expect_forward(table)
        self.network.accGradParameters(table, gradOutput, scale)
        if self.bias is not None:
            np.add.at(self.gradBias[0], self._columns(), scale * gradOutput.sum(0))

    def _expect_forward(self, table: list[np.ndarray]) -> None:
        """Raise unless the network inside, which keeps the rows that were looked up, has seen this input."""
        if np.shape(self.output) != (len(table[0]), len(self.partition)):
            raise self.error(f'expected forward(input) first, for an input of shape {table[0].shape}')

    # shared or not, as in LookupTable
    accUpdateGradParameters = Module.defaultAccUpdateGradParameters

    def clearState(self) -> Self:
        self.network.clearState()
        return super().clearState()

    def __str__(self) -> str:
        return f'{self.typename}({self.inputsize} -> {self.outputsize})' + (
            ' without bias' if self.bias is None else ''
        )


class Maxout(Sequential):
    """y_j = max_k (W x + b)_kj: the largest of `maxoutNumber` linear functions, for each output.

    Parameters
    ----------
    inputSize, outputSize
        positive whole numbers. Input ``(inputSize,)`` or ``(N, inputSize)``, output ``(outputSize,)`` or
        ``(N, outputSize)``
    maxoutNumber
        linear functions for each output, a positive whole number
    preprocess
        a module between them and the maximum, on ``(maxoutNumber, outputSize)`` or a batch of such; None for none

    It is, and prints as, the Sequential that it consists of. Source: Goodfellow et al., Maxout networks (2013).
    """

    def __init__(self, inputSize: int, outputSize: int, maxoutNumber: int, preprocess: Module | None = None):
        super().__init__()
        self.add(Linear(inputSize, outputSize * maxoutNumber))
        self.add(View(maxoutNumber, outputSize).setNumInputDims(1))
        if preprocess is not None:
            self.add(preprocess)
        self.add(Max(1, 2))
