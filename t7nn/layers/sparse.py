"""Layers of sparse vectors and of indices: rows that are looked up, linear layers of few elements, one-hot vectors.

Torch7 manual: simple.md, convolution.md
"""

from typing import Any, Self

import numpy as np

from .. import random
from ..module import Module
from ..tensors import describe, plain, real
from ._initialization import draw, positive
from ._sparse_rows import SparseRows, starts_of

__all__ = ['IndexLinear', 'LookupTable', 'OneHot', 'SparseLinear']


class LookupTable(Module):
    """Rows of the weight: y_i = W[x_i], for a vector of indices or a batch of them.

    dW[x_i] += scale dy_i; gradInput is 0.

    Parameters
    ----------
    nIndex, nOutput
        positive whole numbers. Input: whole numbers from 1 to `nIndex`, of any numeric dtype, ``(n,)`` or ``(N, n)``;
        output ``(n, nOutput)`` or ``(N, n, nOutput)``
    paddingValue
        the index that gets no gradient (its row is looked up as any other); 0 for none
    maxNorm
        the largest norm of a row, positive: rows that are looked up are first scaled down to it, in the weight itself;
        None leaves them as they are
    normType
        which norm, a positive number; None is 2

    `scaleGradByFreq()` divides the gradient of a row by how often the input names it; `accUpdateOnly()` does without
    gradWeight. W begins normal, with standard deviation 1.

    Raises
    ------
    IndexError
        if an index is not in 1..nIndex
    TypeError, ValueError
        if the input is no vector or matrix of whole numbers, or `normType` is not positive

    Torch7 manual: convolution.md#nn.LookupTable
    """

    weight: np.ndarray
    gradWeight: np.ndarray | None
    paddingValue: int = 0
    maxNorm: float | None = None
    normType: float | None = None
    shouldScaleGradByFreq: bool = False

    def __init__(
        self,
        nIndex: int,
        nOutput: int,
        paddingValue: int = 0,
        maxNorm: float | None = None,
        normType: float | None = None,
    ):
        super().__init__()
        positive(self, nIndex, nOutput)
        self.weight, self.gradWeight = np.zeros((nIndex, nOutput)), np.zeros((nIndex, nOutput))
        self.paddingValue, self.maxNorm, self.normType = paddingValue, maxNorm, normType
        self.shouldScaleGradByFreq = False
        self.reset()

    def accUpdateOnly(self) -> Self:
        """Do without gradWeight: `accUpdateGradParameters` needs none."""
        self.gradWeight = None
        return self

    def setPadding(self, paddingValue: int) -> Self:
        """Set the index that gets no gradient."""
        self.paddingValue = paddingValue
        return self

    def setMaxNorm(self, maxNorm: float | None) -> Self:
        """Set the largest norm of a row."""
        self.maxNorm = maxNorm
        return self

    def setNormType(self, normType: float | None) -> Self:
        """Set which norm that is."""
        self.normType = normType
        return self

    def scaleGradByFreq(self) -> Self:
        """Divide gradients by how often the input names the row."""
        self.shouldScaleGradByFreq = True
        return self

    def reset(self, stdv: float | None = None) -> Self:
        """Draw W normally with standard deviation `stdv`, 1 where not given."""
        random.normal(0, 1 if stdv is None else stdv, out=self.weight)
        return self

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(('weight', 'gradWeight'), self.shape_of('weight', 2))

    def _numbers(self, input: Any) -> np.ndarray:
        """`input` as a vector or a matrix of numbers."""
        wanted = 'expected a tensor of indices as input, got'
        if input.__class__ is not np.ndarray:
            input = plain(input, lambda got: self.error(f'{wanted} {got}', TypeError))
        if input.dtype.kind not in 'iuf':
            raise self.error(f'{wanted} one of {input.dtype}', TypeError)
        if input.ndim not in (1, 2):
            raise self.error(f'expected a vector or a matrix of indices, got shape {input.shape}')
        return input

    def _index(self, input: Any) -> np.ndarray:
        """`input` as valid indices from 0."""
        input = self._numbers(input)
        kind, size = input.dtype.kind, self.shape_of('weight', 2)[0]
        index = self.zero_based(input, size) if kind == 'f' else input.astype(np.int64) - 1
        if kind == 'f':
            if (index + 1 != input).any():
                raise self.error(f'expected whole numbers as indices, got {input[index + 1 != input][0]}')
        elif index.size and index.view(np.uint64).max() >= size:  # one look for both ends: -1 is the largest of all
            self.zero_based(input, size)
        return index

    def renorm(self, input: np.ndarray) -> None:
        """Scale the rows that `input` names down to the norm `maxNorm`."""
        self.check_parameters()
        power = 2 if self.normType is None else self.normType
        if not power > 0:
            raise self.error(f'expected a positive normType, got {power}')
        if self.maxNorm is None or not self.maxNorm > 0:
            raise self.error(f'expected a positive maxNorm, got {self.maxNorm}')
        index = np.unique(self._index(input))
        rows = self.weight[index]
        norms = np.linalg.norm(rows, power, 1, keepdims=True)
        self.expect_writable('weight')
        self.weight[index] = np.where(norms > self.maxNorm, rows * (self.maxNorm / (norms + 1e-7)), rows)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_parameters()
        index = self._index(input)
        if self.maxNorm is not None:
            self.renorm(input)
        output = self.buffer('output', (*index.shape, self.weight.shape[1]))
        return self.weight.take(index, 0, output, 'clip')  # into the buffer without the detour that 'raise' makes

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self._numbers(input)
        self.check(gradOutput, 'gradOutput', (*input.shape, self.shape_of('weight', 2)[1]))
        self.buffer('gradInput', input.shape, input.dtype).fill(0)
        return self.gradInput

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check_gradients()
        index = self._index(input)
        gradOutput = self.check(gradOutput, 'gradOutput', (*index.shape, self.weight.shape[1]))
        gradWeight = self.check(self.gradWeight, 'gradWeight', self.weight.shape)
        index = index.reshape(-1)
        starts, values = np.arange(len(index) + 1), np.ones(len(index), self.dtype)
        if self.shouldScaleGradByFreq:
            _, inverse, counts = np.unique(index, return_inverse=True, return_counts=True)
            values /= counts[inverse]
        if self.paddingValue:
            kept = index != self.paddingValue - 1
            starts, index, values = starts_of(kept), index[kept], values[kept]
        gradient = gradOutput.reshape(-1, self.weight.shape[1])
        SparseRows(starts, index, values, len(gradWeight)).add_outer(gradWeight, scale, gradient)

    # shared or not: the update is a plain sum, so nothing needs to be gathered first
    accUpdateGradParameters = Module.defaultAccUpdateGradParameters


class SparseInput(Module):
    """The base of linear layers of sparse vectors."""

    weight: np.ndarray
    bias: np.ndarray
    gradBias: np.ndarray
    weightDecay: float = 0
    doGradInput: bool = False

    def sparse_rows(self, sizes: Any, index: np.ndarray, values: np.ndarray, size: int) -> SparseRows:
        """The batch whose rows have so many entries each; an index out of 1..size, where the value is not 0, is an
        IndexError."""
        starts = starts_of(sizes)
        with np.errstate(invalid='ignore'):
            whole = index.astype(np.int64)
        wrong = (whole < 1) | (whole > size) | (whole != index)
        if wrong.any():
            wrong &= values != 0
            if wrong.any():
                entry = int(wrong.argmax())
                sample = int(starts.searchsorted(entry, 'right'))
                raise self.error(
                    f'expected index in 1..{size}, got {index[entry]} in entry {entry - starts[sample - 1] + 1} '
                    f'of sample {sample}',
                    IndexError,
                )
            whole[values == 0] = 1
        return SparseRows(starts, whole - 1, values, size)

    def gradients(self, gradOutput: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """`gradOutput`, of the output's `shape`, as a batch."""
        return self.check(gradOutput, 'gradOutput', shape).reshape(-1, shape[-1])

    def draw(self, stdv: float | None) -> None:
        """Draw the weight uniformly, and the bias a millionth as large."""
        self.check_parameters()
        for parameter in (self.weight, self.bias):
            draw(parameter, self.weight.shape[1], stdv)
        self.bias *= 0.000001


class SparseLinear(SparseInput):
    """y = W x + b for sparse x, given as rows (index from 1, value).

    dW[:, index] += scale value dy, db += scale dy, summed over the batch. Entries of value 0 are ignored, whatever
    their index; those of the same index add up.

    Parameters
    ----------
    inputSize, outputSize
        positive whole numbers. Input ``(n, 2)``, with output ``(outputSize,)``; or a table of N such, each with an n of
        its own, or ``(N, n, 2)``, with output ``(N, outputSize)``
    doGradInput
        compute gradInput: W' dy for all indices, as a table of ``(inputSize, 2)``, or as ``(N, inputSize, 2)`` where
        the input was a tensor of 3 dimensions; otherwise it is an empty table

    ``weightDecay`` (0) adds scale weightDecay W to dW. W begins uniform in +-1/sqrt(inputSize), b a millionth as large.

    Raises
    ------
    IndexError
        if an index is not in 1..inputSize
    TypeError, ValueError
        if the input is of none of these forms

    Torch7 manual: simple.md#nn.SparseLinear
    """

    gradWeight: np.ndarray

    def __init__(self, inputSize: int, outputSize: int, doGradInput: bool = False):
        super().__init__()
        positive(self, inputSize, outputSize)
        self.weightDecay = 0
        self.doGradInput = doGradInput
        self.weight, self.gradWeight = np.zeros((outputSize, inputSize)), np.zeros((outputSize, inputSize))
        self.bias, self.gradBias = np.zeros(outputSize), np.zeros(outputSize)
        self.gradInput = []
        self.reset()

    def reset(self, stdv: float | None = None) -> Self:
        """Draw W and b uniformly with standard deviation `stdv`, b a millionth of it."""
        self.draw(stdv)
        return self

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        shape = self.shape_of('weight', 2)
        self.shape_of('bias', 1)
        return {'weight': shape, 'gradWeight': shape, 'bias': shape[:1], 'gradBias': shape[:1]}

    def _rows(self, input: Any) -> tuple[SparseRows, tuple[int, ...]]:
        """The batch, and the shape of its output."""
        outputSize, inputSize = self.shape_of('weight', 2)
        if isinstance(input, (list, tuple)):
            samples = self.check_tensors(input)
            sizes = [len(sample) for sample in samples if sample.ndim] or [0]
            shape = (len(samples), outputSize) if samples else (outputSize,)
        else:
            tensor = self.check(input)
            samples = [tensor]
            if tensor.ndim == 3 and tensor.shape[2] == 2:
                samples = [tensor.reshape(-1, 2)]
            sizes = [tensor.shape[1]] * len(tensor) if tensor.ndim == 3 else [len(tensor) if tensor.ndim else 0]
            shape = (len(tensor), outputSize) if tensor.ndim == 3 else (outputSize,)
        for sample in samples:
            if sample.ndim != 2 or sample.shape[1] != 2:
                raise self.error(f'expected samples of shape (n, 2), rows of index and value, got {describe(sample)}')
        entries = np.concatenate(samples or [np.empty((0, 2), self.dtype)])
        return self.sparse_rows(sizes, entries[:, 0], entries[:, 1], inputSize), shape

    def updateOutput(self, input: Any) -> np.ndarray:
        self.check_parameters()
        rows, shape = self._rows(input)
        output = self.buffer('output', shape)
        output[...] = self.bias
        rows.times(self.weight.T, output.reshape(-1, shape[-1]))
        return output

    def updateGradInput(self, input: Any, gradOutput: np.ndarray) -> Any:
        self.check_parameters()
        self.gradInput = []
        if self.doGradInput:
            _, shape = self._rows(input)
            gradient = self.gradients(gradOutput, shape).dot(self.weight)
            pairs = np.stack(np.broadcast_arrays(np.arange(1.0, 1 + gradient.shape[1]), gradient), -1)
            dense = isinstance(input, np.ndarray) and input.ndim == 3
            self.gradInput = pairs.astype(self.dtype, copy=False) if dense else list(pairs.astype(self.dtype))
        return self.gradInput

    def accGradParameters(self, input: Any, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check_gradients()
        rows, shape = self._rows(input)
        gradient = self.gradients(gradOutput, shape)
        if self.weightDecay:
            self.gradWeight += scale * self.weightDecay * self.weight
        rows.add_outer(self.gradWeight.T, scale, gradient)
        self.gradBias += scale * gradient.sum(0)


def _running_maximum(keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """For every i the largest of the values so far, up to i, with the key of i."""
    order = keys.argsort(kind='stable')
    by_size = values.argsort()
    rank = np.empty_like(order)
    rank[by_size] = np.arange(len(values))
    # ranks are whole numbers, so that those of each key can be lifted above all of the keys before
    lift = np.cumsum(np.diff(keys[order], prepend=keys[order][:1]) != 0) * len(values)
    largest = np.empty_like(values)
    largest[order] = values[by_size[np.maximum.accumulate(rank[order] + lift) - lift]]
    return largest


class IndexLinear(SparseInput):
    """y = W' x + b for sparse x, given as keys and values; made for large W, whose gradient is kept only for the keys
    that occurred.

    Parameters
    ----------
    inputSize, outputSize
        W is ``(inputSize, outputSize)``, with four more columns in front where `normalize` is asked for
    doGradInput
        compute gradInput: the keys 1..inputSize and W dy, in the form of the input; otherwise it is an empty table
    keysOffset
        is added to the keys, which then run from ``1 - keysOffset``
    weight, bias
        used as they are, without a copy
    normalize
        divide values by the largest absolute value that their key has had while training, and add a learned number, the
        key's: x = value / max + b_key. `training()` must have been called

    The input is ``[keys, values]`` for one sample, ``[[keys, ...], [values, ...]]`` for a batch, or
    ``[keys, values, sizes]`` for a batch one sample after the other; keys and sizes are int64. The output is
    ``(outputSize,)`` for the first form, else ``(N, outputSize)``.

    The gradient that `parameters()` lists for W is the table ``running``: for each backward since
    `zeroGradParameters()` the keys, and a gradient for each of them. Without `accUpdateGradParameters()`,
    `updateParameters(lr)` brings them into W. ``weightDecay`` (0) there takes that part of a row off for each time that
    its key occurred, whatever the learning rate.

    W and b begin at 0; `reset()` draws them as in `SparseLinear`, with 1/sqrt(columns of W).

    Torch7 manual: simple.md#nn.IndexLinear
    """

    cleared = (*Module.cleared, 'normalizedValues')
    inputSize: int
    outputSize: int
    offset: int
    #: the columns in front of the weight: 4 or 0
    normalize: int = 0
    normalizedValues: np.ndarray
    #: the gradients since zeroGradParameters(): lists of keys, of gradients, of where samples end; and a counter
    running: dict[str, Any]

    def __init__(
        self,
        inputSize: int,
        outputSize: int,
        doGradInput: bool = False,
        keysOffset: int = 0,
        weight: np.ndarray | None = None,
        bias: np.ndarray | None = None,
        normalize: bool = False,
    ):
        super().__init__()
        positive(self, inputSize, outputSize)
        self.normalize = 4 if normalize else 0
        self.weight = np.zeros((inputSize, outputSize + self.normalize)) if weight is None else weight
        if not isinstance(self.weight, np.ndarray) or self.weight.ndim != 2 or self.weight.dtype.kind != 'f':
            raise TypeError(
                f'{self.typename}: expected a matrix of floating-point numbers as weight, got {describe(weight)}'
            )
        self.bias = np.zeros(outputSize) if bias is None else bias
        self.dtype = self.weight.dtype
        self.inputSize, self.outputSize = len(self.weight), self.weight.shape[1] - self.normalize
        if (
            not isinstance(self.bias, np.ndarray)
            or self.bias.shape != (self.outputSize,)
            or self.bias.dtype != self.dtype
        ):
            got = f'{describe(bias)} of {bias.dtype}' if isinstance(bias, np.ndarray) else describe(bias)
            raise ValueError(
                f'{self.typename}: expected bias of shape {(self.outputSize,)} and of the type of the weight, got {got}'
            )
        self.gradBias = np.zeros(self.outputSize, self.dtype)
        self.normalizedValues = np.empty(0, self.dtype)
        self.weightDecay = 0
        self.doGradInput = doGradInput
        self.offset = keysOffset - 1
        self.gradInput = []
        self._forget()

    def _forget(self) -> None:
        self.running = {'cumSumSizes': [], 'keys': [], 'gradWeight': [], 'counter': 1}

    def reset(self, stdv: float | None = None) -> Self:
        """Draw W and b uniformly with standard deviation `stdv`, b a millionth of it; forget what was normalised."""
        self.draw(stdv)
        self.weight[:, : self.normalize] = 0
        return self

    def parameters(self) -> tuple[list, list]:
        return [self.weight, self.bias], [self.running, self.gradBias]

    def zeroGradParameters(self) -> None:
        self.gradBias.fill(0)
        self._forget()

    def clearState(self) -> Self:
        self._forget()
        return super().clearState()

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        self.shape_of('weight', 2)
        for name in ('bias', 'gradBias'):
            self.shape_of(name, 1)
        bias = (self.outputSize,)
        return {'weight': (self.inputSize, self.outputSize + self.normalize), 'bias': bias, 'gradBias': bias}

    # Input

    def _flat(self, input: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """keys, values and sizes, whatever the form of the input."""
        self.check_table(input)
        if len(input) not in (2, 3):
            raise self.error(f'expected a table {{keys, values}} or {{keys, values, sizes}}, got {describe(input)}')
        keys, values = input[:2]
        if len(input) == 3:
            sizes = np.atleast_1d(np.asarray(None if np.ma.isMaskedArray(input[2]) else input[2]))
        else:
            listed = [isinstance(part, (list, tuple)) for part in (keys, values)]
            if listed[0] != listed[1]:
                raise self.error(
                    f'expected keys and values both as tensors or both as tables, '
                    f'got {describe(keys)} and {describe(values)}',
                    TypeError,
                )
            if not listed[0]:
                keys, values = [keys], [values]
            if len(keys) != len(values) or not keys:
                raise self.error(f'expected keys and values of as many samples, got {len(keys)} and {len(values)}')
            pairs = [self._pair(key, value) for key, value in zip(keys, values, strict=True)]
            sizes = np.array([len(key) for key, _ in pairs])
            keys, values = map(np.concatenate, zip(*pairs, strict=True))
        keys, values = self._pair(keys, values)
        if sizes.dtype.kind not in 'iu' or sizes.ndim != 1:
            raise self.error(f'expected a vector of whole numbers as sizes, got {describe(input[2])}')
        sizes = sizes.astype(np.int64)
        # the second look: sums of absurd sizes overflow
        if sizes.min(initial=0) < 0 or sizes.sum() != len(keys) or sizes.max(initial=0) > len(keys):
            raise self.error(f'expected sizes that add up to the {len(keys)} keys, got {sizes.tolist()}')
        return keys, values, sizes

    def _pair(self, keys: Any, values: Any) -> tuple[np.ndarray, np.ndarray]:
        wanted = 'expected a tensor of int64 as keys, got'
        keys = plain(keys, lambda got: self.error(f'{wanted} {got}', TypeError))
        if keys.dtype != np.int64:
            raise self.error(f'{wanted} {keys.dtype}', TypeError)
        values = self.check(values, 'values')
        if keys.ndim != 1 or keys.shape != values.shape:
            raise self.error(f'expected keys and values of one size, got {describe(keys)} and {describe(values)}')
        return keys, values

    def _rows(self, input: Any) -> tuple[SparseRows, tuple[int, ...]]:
        """The input with its keys as indices from 0, whose values are not yet normalised; the shape of the output."""
        keys, values, sizes = self._flat(input)
        rows = SparseRows(starts_of(sizes), self._places(keys), values, self.inputSize)
        return rows, (self.outputSize,) if self._single(input) else (len(rows), self.outputSize)

    def _places(self, keys: np.ndarray) -> np.ndarray:
        """`keys` as indices from 0."""
        index = keys + self.offset
        wrong = (index < 0) | (index >= self.inputSize)
        if wrong.any():
            place = int(wrong.argmax())
            raise self.error(
                f'expected keys in {-self.offset}..{self.inputSize - 1 - self.offset}, '
                f'got {keys[place]} at position {place + 1}',
                IndexError,
            )
        return index

    @staticmethod
    def _single(input: Any) -> bool:
        return len(input) == 2 and isinstance(input[0], np.ndarray)

    def _normalized(self, index: np.ndarray, values: np.ndarray) -> np.ndarray:
        """values / largest + b_key; columns of the weight: the largest value, its inverse, 1 where seen, b_key."""
        sizes = np.abs(values)
        largest, inverse = self.weight[index, 0], self.weight[index, 1]
        if self.train:
            grown = _running_maximum(index, np.maximum(sizes, largest))
            np.divide(1, grown, out=inverse, where=grown > largest)
            largest = grown
            for column, entries in enumerate((largest, inverse, 1)):  # of one key's entries the last remains
                self.weight[index, column] = entries
        return np.where(sizes > largest, np.sign(values), values * inverse) + self.weight[index, 3]

    # The three steps

    def updateOutput(self, input: Any) -> np.ndarray:
        self.check_parameters()
        rows, shape = self._rows(input)
        table = self.weight
        if self.normalize:
            self.normalizedValues = self._normalized(rows.places, rows.values)
            table = self.weight[rows.places, self.normalize :]
            rows = SparseRows(rows.starts, np.arange(len(table)), self.normalizedValues, len(table))
        output = self.buffer('output', shape)
        output[...] = self.bias
        rows.times(table, output.reshape(-1, self.outputSize))
        return output

    def updateGradInput(self, input: Any, gradOutput: np.ndarray) -> Any:
        self.check_parameters()
        self.gradInput = []
        if self.doGradInput:
            if self.normalize:
                raise self.error('expected no normalize: updateGradInput is not implemented in max-normalize mode')
            gradient = self.gradients(gradOutput, self._rows(input)[1]).dot(self.weight.T)
            keys = np.tile(np.arange(1, 1 + self.inputSize), (len(gradient), 1))
            if self._single(input):
                self.gradInput = [keys[0], gradient[0]]
            else:
                self.gradInput = [keys, gradient] if len(input) == 3 else [list(keys), list(gradient)]
        return self.gradInput

    def _entries(self, input: Any, gradOutput: np.ndarray, scale: float) -> tuple[SparseRows, np.ndarray, np.ndarray]:
        """The rows; for each key scale value dy, before which scale dy stands where values are normalised; dy."""
        self.check_gradients()
        rows, shape = self._rows(input)
        dy = self.gradients(gradOutput, shape)
        gradient = scale * dy[rows.row]
        if not self.normalize:
            return rows, gradient * rows.values[:, None], dy
        values = self.check(self.normalizedValues, 'normalizedValues')
        if values.shape != rows.values.shape:
            raise self.error('expected forward(input) first')
        return rows, np.hstack([gradient, gradient * values[:, None]]), dy

    def check_gradients(self) -> None:
        self.check_parameters()
        if not isinstance(self.running, dict) or not {'keys', 'gradWeight', 'cumSumSizes', 'counter'} <= set(
            self.running
        ):
            raise self.error(f'expected a table of gradients as running, got {describe(self.running)}', TypeError)
        self.expect_writable('weight', 'bias', 'gradBias')

    def accGradParameters(self, input: Any, gradOutput: np.ndarray, scale: float = 1) -> None:
        rows, entries, gradient = self._entries(input, gradOutput, scale)
        self.running['keys'].append(rows.places - self.offset)
        self.running['gradWeight'].append(entries)
        self.running['cumSumSizes'].append(rows.starts[1:])
        self.running['counter'] += 1
        self.gradBias += scale * gradient.sum(0)

    def accUpdateGradParameters(self, input: Any, gradOutput: np.ndarray, lr: float) -> None:
        lr = self.number(lr, 'lr')
        rows, entries, gradient = self._entries(input, gradOutput, 1)
        self._descend(rows.places, entries, lr)
        self.bias -= lr * gradient.sum(0)

    def updateParameters(self, learningRate: float) -> None:
        rate = real(learningRate, 'learningRate')
        self.check_gradients()
        if self.running['counter'] > 1:
            width = self.outputSize * (2 if self.normalize else 1)
            steps = [
                (self._places(keys), self.check(entries, 'running gradWeight', (len(keys), width)))
                for keys, entries in zip(self.running['keys'], self.running['gradWeight'], strict=True)
            ]
            for index, entries in steps:
                self._descend(index, entries, rate)
            self.bias -= rate * self.gradBias

    def _descend(self, index: np.ndarray, entries: np.ndarray, lr: float) -> None:
        """W[index] -= lr * entries, after the decay."""
        rate = self.weight[index, 2, None] if self.normalize else 1
        if self.normalize:
            gradient, entries = np.hsplit(entries, 2)
            slope = np.vecdot(gradient, self.weight[index, self.normalize :])[:, None]
        if self.weightDecay:
            entries = entries * self._decay(index, 1 - self.weightDecay * rate)
        if self.normalize:
            entries = np.hstack([np.zeros((len(index), 3), self.dtype), rate * slope, rate * entries])
        each = SparseRows(np.arange(len(index) + 1), index, np.ones(len(index), self.dtype), self.inputSize)
        each.add_outer(self.weight, -lr, np.ascontiguousarray(entries, self.dtype))

    def _decay(self, index: np.ndarray, kept: Any) -> np.ndarray:
        """Let each row of W keep its part `kept` for every time that it is named; what is left then of a step taken
        at each of these times."""
        _, first, inverse, counts = np.unique(index, return_index=True, return_inverse=True, return_counts=True)
        kept = np.broadcast_to(np.asarray(kept, self.dtype), (len(index), 1))
        self.weight[index[first], self.normalize :] *= kept[first] ** counts[:, None]
        order = inverse.argsort(kind='stable')
        later = np.empty_like(order)
        later[order] = np.repeat(counts.cumsum(), counts) - 1 - np.arange(len(index))
        return kept ** later[:, None]


class OneHot(Module):
    """For every number in 1..outputSize a vector with 1 at its place, 0 elsewhere.

    gradInput is 0 everywhere.

    Parameters
    ----------
    outputSize
        a positive whole number. Input a tensor of any numeric dtype ``(...)``, output ``(..., outputSize)``; a single
        number gives ``(outputSize,)``

    Raises
    ------
    IndexError
        if a number is not in 1..outputSize
    TypeError
        if the input is neither a tensor of numbers nor a number

    Torch7 manual: simple.md#nn.OneHot
    """

    outputSize: int

    def __init__(self, outputSize: int):
        super().__init__()
        positive(self, outputSize)
        self.outputSize = outputSize

    def _places(self, input: Any) -> np.ndarray:
        """`input` as whole numbers from 0."""
        self.check_parameters()
        numbers = input if isinstance(input, (np.ndarray, int, float, np.number)) else None
        if np.ma.isMaskedArray(numbers) or np.asarray(numbers).dtype.kind not in 'iuf':
            raise self.error(f'expected a tensor or a number, got {describe(input)}', TypeError)
        return self.zero_based(np.asarray(numbers).reshape(np.shape(input) or 1), self.outputSize, 'input')

    def updateOutput(self, input: np.ndarray | int) -> np.ndarray:
        places = self._places(input)
        output = self.buffer('output', (*np.shape(input), self.outputSize))
        output.fill(0)
        output.reshape(-1, self.outputSize)[np.arange(places.size), places.ravel()] = 1
        return output

    def updateGradInput(self, input: np.ndarray | int, gradOutput: np.ndarray) -> np.ndarray | int:
        self._places(input)
        self.check(gradOutput, 'gradOutput', (*np.shape(input), self.outputSize))
        if not isinstance(input, np.ndarray):
            return 0
        gradInput = self.buffer('gradInput', input.shape)
        gradInput.fill(0)
        return gradInput
