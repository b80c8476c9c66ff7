"""Modules that wrap one other module and change how it behaves.

Torch7 manual: containers.md
"""

import itertools
import math
import time
from typing import Any, Self

import numpy as np

from .. import random
from ..module import Module, inside
from ..tensors import TENSOR_TYPES, describe, dtype_of, nested_map, number
from .containers import Container

__all__ = ['Bottle', 'Decorator', 'DontCast', 'NaN', 'Profile', 'WeightNorm']


class Decorator(Container):
    """The base of decorators: does what `module` does. It is a container of that one module.

    Torch7 manual: containers.md#nn.Decorator
    """

    def __init__(self, module: Module):
        super().__init__()
        self.modules = [self._module(module)]

    def updateOutput(self, input: Any) -> Any:
        self.output = self.call(0, 'updateOutput', input)
        return self.output

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        self.gradInput = self.call(0, 'updateGradInput', input, gradOutput)
        return self.gradInput

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        self.call(0, 'accGradParameters', input, gradOutput, scale)

    def accUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        self.call(0, 'accUpdateGradParameters', input, gradOutput, lr)

    def sharedAccUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        self.call(0, 'sharedAccUpdateGradParameters', input, gradOutput, lr)

    def __str__(self) -> str:
        return f'{self.typename} @ {self.modules[0]}' if self.modules else self.typename


class Bottle(Decorator):
    """Lets a module of `nInputDim` dimensions take more: the first ones are folded into one, as a larger batch, and
    unfolded again in the output.

    Parameters
    ----------
    module
        takes tensors of `nInputDim` dimensions
    nInputDim, nOutputDim
        2 where not given; `nOutputDim` is then `nInputDim`

    >>> import numpy as np, t7nn as nn
    >>> nn.Bottle(nn.Linear(10, 2)).forward(np.zeros((4, 5, 3, 10))).shape
    (4, 5, 3, 2)

    Torch7 manual: containers.md#nn.Bottle
    """

    def __init__(self, module: Module, nInputDim: int = 2, nOutputDim: int | None = None):
        super().__init__(module)
        self.nInputDim = nInputDim
        self.nOutputDim = nInputDim if nOutputDim is None else nOutputDim
        self.dimDelta = self.nInputDim - self.nOutputDim

    def _folded(self, tensor: np.ndarray) -> np.ndarray:
        """`tensor` with so many of its first dimensions made one that `nInputDim` remain."""
        if not isinstance(tensor, np.ndarray):
            raise self.error(f'expected a tensor as input, got {describe(tensor)}', TypeError)
        if tensor.ndim <= self.nInputDim:
            return tensor
        first = tensor.ndim - self.nInputDim + 1
        return tensor.reshape(math.prod(tensor.shape[:first]), *tensor.shape[first:])

    def _call(self, method: str, input: np.ndarray, gradOutput: np.ndarray, *arguments: Any) -> Any:
        if not isinstance(gradOutput, np.ndarray) or gradOutput.shape != self.output.shape:
            raise self.error(
                f"expected gradOutput of the output's shape {self.output.shape}, got {describe(gradOutput)}"
            )
        gradOutput = gradOutput.reshape(self.modules[0].output.shape)
        return self.call(0, method, self._folded(input), gradOutput, *arguments)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        folded = self._folded(input)
        output = self.call(0, 'updateOutput', folded)
        if folded is not input:
            if output.ndim != self.nOutputDim:
                raise self.error(f'expected a module that gives {self.nOutputDim} dimensions, got {describe(output)}')
            first = input.shape[: input.ndim - self.nInputDim]
            output = output.reshape(*first, len(output) // math.prod(first), *output.shape[1:])
        self.output = output
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        gradInput = self._call('updateGradInput', input, gradOutput)
        self.gradInput = None if gradInput is None else gradInput.reshape(input.shape)
        return self.gradInput

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self._call('accGradParameters', input, gradOutput, scale)

    def accUpdateGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, lr: float) -> None:
        self._call('accUpdateGradParameters', input, gradOutput, lr)

    def sharedAccUpdateGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, lr: float) -> None:
        self._call('sharedAccUpdateGradParameters', input, gradOutput, lr)


class WeightNorm(Decorator):
    """Any module with a weight, of which each output's part is w = g v / sqrt(|v|^2 + 1e-4): the length g and the
    direction v are learned in its place.

    With s = dw and n = sqrt(|v|^2 + 1e-4), dg = s . v / n and dv = g / n (s - dg v / n).

    Parameters
    ----------
    module
        has a ``weight``
    outputDim
        the dimension of the weight, from 1, that counts the outputs

    v ``(outputs, rest)`` begins normal with standard deviation sqrt(2 / rest), g as the lengths of v, the bias at 0. As
    in Torch7, the gradient of v has the shape of the weight, its outputs in front. The module's weight is worked out in
    every forward while training, and once by `evaluate()` for all that follow.

    Torch7 manual: containers.md#nn.WeightNorm
    """

    learned = (('v', 'gradV'), ('g', 'gradG'), ('bias', 'gradBias'))
    weight, gradWeight, bias, gradBias = (
        inside(lambda self: self.modules[0], name) for name in ('weight', 'gradWeight', 'bias', 'gradBias')
    )
    # of its own parameters, not of the module's
    parameters = Module.parameters
    zeroGradParameters = Module.zeroGradParameters
    accUpdateGradParameters = Module.accUpdateGradParameters
    sharedAccUpdateGradParameters = Module.sharedAccUpdateGradParameters

    def __init__(self, module: Module, outputDim: int = 1):
        super().__init__(module)
        if self.weight is None:
            raise self.error('expected a module with a weight')
        if not 1 <= outputDim <= self.weight.ndim:
            raise self.error(f'expected outputDim from 1 to {self.weight.ndim}, got {outputDim}')
        self.outputDim = outputDim
        self.weightSize = list(self.weight.shape)
        rows = self._rows(self.weight)
        self.viewOut = list(rows.shape)
        self.viewIn = [len(rows), rows[0].size]
        self.otherDims = rows[0].size
        self.dtype = module.dtype
        self.v, self.gradV = np.zeros(self.viewIn, self.dtype), np.zeros(self.viewOut, self.dtype)
        self.g, self.gradG = np.zeros((len(rows), 1), self.dtype), np.zeros((len(rows), 1), self.dtype)
        self.resetInit()

    def _rows(self, weight: np.ndarray) -> np.ndarray:
        """`weight` seen with its outputs in front."""
        return np.moveaxis(weight, self.outputDim - 1, 0)

    def _norms(self) -> np.ndarray:
        return np.sqrt(np.vecdot(self.v, self.v) + 10e-5)[:, None]

    def resetInit(self) -> None:
        """Draw v; g and the bias follow."""
        random.normal(0, math.sqrt(2 / self.v.shape[1]), out=self.v)
        squares = np.square(self.v, dtype=float)
        self.g[...] = np.sqrt(np.cumsum(squares, 1)[:, -1:])  # summed from left to right, as in Torch7, to the last bit
        if self.bias is not None:
            self.bias.fill(0)

    def reset(self, stdv: float | None = None) -> Self:
        """Reset the module, then draw v."""
        super().reset(stdv)
        self.resetInit()
        return self

    def updateWeight(self) -> None:
        """Work out the module's weight from g and v."""
        if self.weight is None:  # as files leave it
            self.weight, self.gradWeight = np.zeros((2, *self.weightSize), self.dtype)
        rows = self._rows(self.weight)
        rows[...] = (self.v * (self.g / self._norms())).reshape(rows.shape)

    def evaluate(self) -> None:
        if self.train is not False:
            self.updateWeight()
        super().evaluate()

    def updateOutput(self, input: Any) -> Any:
        if self.train is not False or self.weight is None:
            self.updateWeight()
        return super().updateOutput(input)

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        self.gradWeight.fill(0)
        super().accGradParameters(input, gradOutput, scale)
        gradient = self._rows(self.gradWeight).reshape(self.v.shape)
        norms = self._norms()
        gradG = np.vecdot(gradient, self.v)[:, None] / norms
        gradV = (gradient - self.v * (gradG / norms)) * (self.g / norms)
        self.gradV += gradV.reshape(self.gradV.shape)
        self.gradG += gradG

    def updateParameters(self, learningRate: float) -> None:
        for parameter, gradient in zip(*self.parameters(), strict=True):
            parameter -= learningRate * gradient.reshape(parameter.shape)


class DontCast(Decorator):
    """Keeps a module's type: `type()`, `float()` and `double()` do not reach it.

    Parameters
    ----------
    module
        of any type
    castin
        cast inputs to the module's type, and gradInputs to this decorator's own, which `type()` sets
    castout
        the same for outputs and gradOutputs; as `castin` where not given
    moduleType
        the module's type, where it cannot be asked: ``'torch.FloatTensor'``

    >>> import numpy as np, t7nn as nn
    >>> layer = nn.DontCast(nn.Linear(3, 4).float(), True).double()
    >>> layer.get(1).weight.dtype, layer.forward(np.ones(3)).dtype
    (dtype('float32'), dtype('float64'))

    Torch7 manual: containers.md#nn.DontCast
    """

    def __init__(
        self, module: Module, castin: bool = False, castout: bool | None = None, moduleType: str | None = None
    ):
        super().__init__(module)
        self.castin = castin
        self.castout = castin if castout is None else castout
        if moduleType is None:
            moduleType = next(name for name, dtype in TENSOR_TYPES.items() if dtype == module.dtype)
        self.moduleType = moduleType

    def take_type(self, dtype: np.dtype) -> bool:
        super().take_type(dtype)
        return False

    def _cast(self, wanted: bool, value: Any, type: Any) -> Any:
        return nested_map(lambda tensor: tensor.astype(dtype_of(type), copy=False), value) if wanted else value

    def _call(self, method: str, input: Any, gradOutput: Any, *arguments: Any) -> Any:
        input = self._cast(self.castin, input, self.moduleType)
        gradOutput = self._cast(self.castout, gradOutput, self.moduleType)
        return self.call(0, method, input, gradOutput, *arguments)

    def updateOutput(self, input: Any) -> Any:
        output = super().updateOutput(self._cast(self.castin, input, self.moduleType))
        self.output = self._cast(self.castout, output, self.dtype)
        return self.output

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        gradInput = self._call('updateGradInput', input, gradOutput)
        self.gradInput = None if gradInput is None else self._cast(self.castin, gradInput, self.dtype)
        return self.gradInput

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        self._call('accGradParameters', input, gradOutput, scale)

    def accUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        self._call('accUpdateGradParameters', input, gradOutput, lr)

    def sharedAccUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        self._call('sharedAccUpdateGradParameters', input, gradOutput, lr)


class NaN(Decorator):
    """Raises a ValueError as soon as an output, a gradInput or a gradient of a parameter is not a number, and tells
    whether the cause came in from outside.

    Parameters
    ----------
    module
        to be watched
    id
        stands in the error; 1, 2, 3 ... where not given

    ``model.replace(nn.NaN)`` watches every module of a network.

    Torch7 manual: containers.md#nn.NaN
    """

    _ids = itertools.count(1)

    def __init__(self, module: Module, id: Any = None):
        super().__init__(module)
        self.id = self.newId() if id is None else id

    @classmethod
    def newId(cls) -> int:
        """The next number."""
        return next(cls._ids)

    def recursiveIsNaN(self, tensor: Any) -> bool:
        """Whether a tensor, or one in a table, holds a NaN."""
        if isinstance(tensor, (list, tuple)):
            return any(map(self.recursiveIsNaN, tensor))
        if isinstance(tensor, dict):
            return any(map(self.recursiveIsNaN, tensor.values()))
        return bool(np.isnan(tensor).any())

    def _expect_numbers(self, **found: Any) -> None:
        """Raise if the last of `found` holds a NaN; the error names the first that does."""
        names = list(found)
        if self.recursiveIsNaN(found[names[-1]]):
            where = next(name for name in names if self.recursiveIsNaN(found[name]))
            raise ValueError(f'NaN found in {where} of module :\n{self}')

    def updateOutput(self, input: Any) -> Any:
        super().updateOutput(input)
        self._expect_numbers(input=input, parameters=self.parameters()[0], output=self.output)
        return self.output

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        super().updateGradInput(input, gradOutput)
        if self.gradInput is not None:
            self._expect_numbers(gradOutput=gradOutput, gradInput=self.gradInput)
        return self.gradInput

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        super().accGradParameters(input, gradOutput, scale)
        self._expect_numbers(gradParameters=self.parameters()[1])

    def __str__(self) -> str:
        id = number(self.id) if isinstance(self.id, float) else self.id
        return f'{self.typename}({id}) @ {self.modules[0]}'


class Profile(Decorator):
    """Prints how many seconds the forward passes of a module took, and its backward passes, every so many of them.

    Parameters
    ----------
    module
        to be timed
    print_interval
        passes between two lines
    name
        stands in the line; the module's class where not given

    Torch7 manual: containers.md#nn.Profile
    """

    def __init__(self, module: Module, print_interval: int = 100, name: str | None = None):
        super().__init__(module)
        self.print_interval = print_interval
        self.name = module.typename if name is None else name
        self.numFwds = self.numBwds = 0
        self.summedFwdTime = self.summedBwdTime = 0.0

    @property
    def module(self) -> Module:
        """The module that is timed."""
        return self.modules[0]

    def _report(self, passes: int, seconds: float, kind: str) -> tuple[int, float]:
        if passes % self.print_interval:
            return passes, seconds
        print(f'{self.name} took {seconds:.3f} seconds for {self.print_interval} {kind} passes')
        return 0, 0.0

    def updateOutput(self, input: Any) -> Any:
        start = time.perf_counter()
        super().updateOutput(input)
        seconds = self.summedFwdTime + time.perf_counter() - start
        self.numFwds, self.summedFwdTime = self._report(self.numFwds + 1, seconds, 'forward')
        return self.output

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        start = time.perf_counter()
        super().updateGradInput(input, gradOutput)
        seconds = self.summedBwdTime + time.perf_counter() - start
        self.numBwds, self.summedBwdTime = self._report(self.numBwds + 1, seconds, 'backward')
        return self.gradInput
