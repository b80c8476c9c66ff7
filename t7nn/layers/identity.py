"""Layers that pass their input on: unchanged, copied, with another gradient, or with a word about it.

Torch7 manual: simple.md
"""

from typing import Any

import numpy as np

from ..module import Module
from ..tensors import describe, dtype_of, nested_map, plain, silent

__all__ = ['Contiguous', 'Copy', 'GradientReversal', 'Identity', 'L1Penalty', 'PrintSize', 'ZeroGrad']


class Identity(Module):
    """y = x, dx = dy: the very same tensors or tables.

    Parameters
    ----------
    *arguments
        ignored

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


class ZeroGrad(Identity):
    """y = x, the very same tensor or table; dx = 0, so that nothing is learnt through it.

    Parameters
    ----------
    *arguments
        ignored

    Torch7 manual: simple.md#nn.ZeroGrad
    """

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        return self.zeros_table('gradInput', input)


class L1Penalty(Module):
    """y = x, the very same tensor; ``loss`` = l1weight sum |x|, and dx = dy + l1weight sign(x).

    Parameters
    ----------
    l1weight
        the weight of the penalty, a number
    sizeAverage
        divide it by the number of elements
    provideOutput
        False: leave dy out of dx

    Torch7 manual: simple.md#nn.L1Penalty
    """

    l1weight: float
    sizeAverage: bool
    provideOutput: bool
    #: the last penalty
    loss: float | None

    def __init__(self, l1weight: float, sizeAverage: bool = False, provideOutput: bool = True):
        super().__init__()
        self.l1weight = l1weight
        self.sizeAverage = sizeAverage
        self.provideOutput = provideOutput
        self.loss = None

    def _weight(self, input: np.ndarray) -> float:
        return self.l1weight / max(input.size, 1) if self.sizeAverage else self.l1weight

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_parameters()
        input = self.check(input)
        self.loss = self._weight(input) * float(np.abs(input).sum())
        self.output = input
        return input

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check_parameters()
        input = self.check(input)
        if self.provideOutput:
            gradOutput = self.check(gradOutput, 'gradOutput', input.shape)
        gradInput = self.buffer('gradInput', input.shape)
        np.sign(input, gradInput)
        gradInput *= self._weight(input)
        if self.provideOutput:
            gradInput += gradOutput
        return gradInput


class PrintSize(Identity):
    """y = x, dx = dy; prints the shapes of input and gradOutput as they pass, behind `prefix`.

    Parameters
    ----------
    prefix
        any text

    Torch7 manual: simple.md#nn.PrintSize
    """

    prefix: str

    def __init__(self, prefix: str = 'PrintSize'):
        super().__init__()
        self.prefix = prefix

    def _print(self, what: str, value: Any) -> None:
        size = 'missing size' if value is None else nested_map(lambda tensor: getattr(tensor, 'shape', ()), value)
        print(f'{self.prefix}:{what}\n', size)

    def updateOutput(self, input: Any) -> Any:
        self._print('input', input)
        return super().updateOutput(input)

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        self._print('gradOutput', gradOutput)
        return super().updateGradInput(input, gradOutput)


class GradientReversal(Module):
    """y = x, the very same tensor; dx = -lambda dy.

    Parameters
    ----------
    lambda_
        a number

    Torch7 manual: simple.md#nn.GradientReversal
    """

    lambda_: float

    def __init__(self, lambda_: float = 1):
        super().__init__()
        self.lambda_ = lambda_

    def setLambda(self, lambda_: float) -> None:
        """Set the factor."""
        self.lambda_ = lambda_

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.output = self.check(input)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check_parameters()
        gradOutput = self.check(gradOutput, 'gradOutput', self.check(input).shape)
        return np.multiply(gradOutput, -self.lambda_, self.buffer('gradInput', gradOutput.shape))


class Contiguous(Module):
    """y = x, the very same tensor where its memory is contiguous and a copy where not; dx likewise from dy.

    Torch7 manual: simple.md#nn.Contiguous
    """

    def _contiguous(self, name: str, tensor: np.ndarray, what: str) -> np.ndarray:
        tensor = self.check(tensor, what)
        if tensor.flags.c_contiguous:
            setattr(self, name, tensor)
        else:
            np.copyto(self.buffer(name, tensor.shape), tensor)
        return getattr(self, name)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        return self._contiguous('output', input, 'input')

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check(gradOutput, 'gradOutput', self.check(input).shape)
        return self._contiguous('gradInput', gradOutput, 'gradOutput')


class Copy(Module):
    """y = x cast from `intype` to `outtype`, dx = dy cast back.

    Parameters
    ----------
    intype, outtype
        tensor types, ``'torch.FloatTensor'`` or ``'float32'`` ...
    forceCopy
        True: copy where the two are the same too; otherwise the input itself is then the output
    dontCast
        True: `type()` leaves this layer alone

    Torch7 manual: simple.md#nn.Copy
    """

    forceCopy: bool = True

    def __init__(
        self,
        intype: Any = 'torch.DoubleTensor',
        outtype: Any = 'torch.DoubleTensor',
        forceCopy: bool = False,
        dontCast: bool = False,
    ):
        super().__init__()
        self.dontCast = dontCast
        self.gradInput = np.empty(0, dtype_of(intype))
        self.output = np.empty(0, dtype_of(outtype))
        self.forceCopy = forceCopy or self.gradInput.dtype != self.output.dtype

    @silent
    def _copy(self, name: str, tensor: np.ndarray, what: str) -> np.ndarray:
        self.check_parameters()
        tensor = plain(tensor, lambda got: self.error(f'expected a tensor as {what}, got {got}', TypeError))
        if tensor.dtype.kind not in 'biuf':
            raise self.error(f'expected {what} of numbers, got {tensor.dtype}', TypeError)
        kept = getattr(self, name)
        if not isinstance(kept, np.ndarray):  # its dtype is that of the copy
            raise self.error(f'expected a tensor as {name}, got {describe(kept)}', TypeError)
        dtype = kept.dtype
        if self.forceCopy or tensor.dtype != dtype:
            np.copyto(self.buffer(name, tensor.shape, dtype), tensor, 'unsafe')
        else:
            setattr(self, name, tensor)
        return getattr(self, name)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        return self._copy('output', input, 'input')

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        if np.shape(gradOutput) != np.shape(input):
            raise self.error(f'expected gradOutput of shape {np.shape(input)}, got {describe(gradOutput)}')
        return self._copy('gradInput', gradOutput, 'gradOutput')
