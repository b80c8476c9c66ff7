"""Modules that wrap one other module and change how it behaves.

Torch7 manual: containers.md
"""

import itertools
import math
import time
from typing import Any, Self

import numpy as np

from .. import random
from ..blas import add_scaled
from ..module import Module, inside
from ..tensors import TENSOR_TYPES, describe, dtype_of, nested_map, number, plain, real
from . import _weight_norm
from ._initialization import positive
from .containers import Container

__all__ = ['Bottle', 'Decorator', 'DontCast', 'NaN', 'Profile', 'WeightNorm']


class Decorator(Container):
    """The base of decorators: does what `module` does. It is a container of that one module.

    Parameters
    ----------
    module
        any module

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
        positive whole numbers, 2 where not given; `nOutputDim` is then `nInputDim`

    Raises
    ------
    TypeError
        if the input is no tensor
    ValueError
        if the module's output has not `nOutputDim` dimensions, or gradOutput not the shape of the output

    >>> import numpy as np, t7nn as nn
    >>> nn.Bottle(nn.Linear(10, 2)).forward(np.zeros((4, 5, 3, 10))).shape
    (4, 5, 3, 2)

    Torch7 manual: containers.md#nn.Bottle
    """

    nInputDim: int = 2
    nOutputDim: int = 2
    dimDelta: int = 0

    def __init__(self, module: Module, nInputDim: int = 2, nOutputDim: int | None = None):
        super().__init__(module)
        self.nInputDim = nInputDim
        self.nOutputDim = nInputDim if nOutputDim is None else nOutputDim
        positive(self, self.nInputDim, self.nOutputDim)
        self.dimDelta = self.nInputDim - self.nOutputDim

    def _first(self, tensor: np.ndarray) -> tuple[int, ...]:
        """The first dimensions, which are made one so that `nInputDim` remain; () where there are no more."""
        return tensor.shape[: tensor.ndim - self.nInputDim + 1] if tensor.ndim > self.nInputDim else ()

    def _folded(self, tensor: Any) -> np.ndarray:
        """`tensor` with its first dimensions made one."""
        self.check_parameters()
        positive(self, self.nInputDim, self.nOutputDim)
        tensor = self._tensor(tensor, 'input')
        first = self._first(tensor)
        return tensor.reshape(math.prod(first), *tensor.shape[len(first) :]) if first else tensor

    def _tensor(self, tensor: Any, what: str) -> np.ndarray:
        """`tensor` as a plain array of any dtype; the module says which it takes."""
        return plain(tensor, lambda got: self.error(f'expected a tensor as {what}, got {got}', TypeError))

    def _call(self, method: str, input: np.ndarray, gradOutput: np.ndarray, *arguments: Any) -> Any:
        gradOutput = self._tensor(gradOutput, 'gradOutput')
        folded = self._folded(input)
        shape, output = np.shape(self.output), self.modules[0].output
        if gradOutput.shape != shape:
            raise self.error(f"expected gradOutput of the output's shape {shape}, got {describe(gradOutput)}")
        if gradOutput.size != np.size(output):
            raise self.error(f'expected forward(input) first, for an input of shape {np.shape(input)}')
        return self.call(0, method, folded, gradOutput.reshape(np.shape(output)), *arguments)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        output = self.call(0, 'updateOutput', self._folded(input))
        first = self._first(input)
        if first:
            if np.ndim(output) != self.nOutputDim:
                raise self.error(f'expected a module that gives {self.nOutputDim} dimensions, got {describe(output)}')
            *outer, last = first
            rows = math.prod(outer)
            if rows and len(output) % rows:
                raise self.error(f'expected a module that gives a multiple of {rows} rows, got {describe(output)}')
            output = output.reshape(*outer, len(output) // rows if rows else last, *output.shape[1:])
        self.output = output
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        gradInput = self._call('updateGradInput', input, gradOutput)
        self.gradInput = None if gradInput is None else gradInput.reshape(np.shape(input))
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

    Raises
    ------
    ValueError
        if the module has no weight, or `outputDim` is none of its dimensions

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
    v: np.ndarray
    gradV: np.ndarray
    g: np.ndarray
    gradG: np.ndarray
    outputDim: int
    weightSize: list[int]
    viewOut: list[int]
    viewIn: list[int]
    otherDims: int

    def __init__(self, module: Module, outputDim: int = 1):
        super().__init__(module)
        weight = self.weight
        if weight is None:
            raise self.error('expected a module with a weight')
        if not 1 <= outputDim <= weight.ndim:
            raise self.error(f'expected outputDim from 1 to {weight.ndim}, got {outputDim}')
        self.outputDim = outputDim
        self.weightSize = list(weight.shape)
        rows = self._rows(weight)
        self.viewOut = list(rows.shape)
        self.viewIn = [len(rows), rows[0].size]
        self.otherDims = rows[0].size
        self.dtype = module.dtype
        self.v, self.gradV = np.zeros(self.viewIn, self.dtype), np.zeros(self.viewOut, self.dtype)
        self.g, self.gradG = np.zeros((len(rows), 1), self.dtype), np.zeros((len(rows), 1), self.dtype)
        self.resetInit()

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        v, weight = self.shape_of('v', 2), self.weight
        self.shape_of('g', 2)
        shapes = {'v': v, 'g': (v[0], 1), 'gradG': (v[0], 1)}
        bias = () if self.bias is None else self.check(self.bias, 'bias').shape
        shapes |= {'bias': bias, 'gradBias': bias}
        shape = np.shape(weight) if weight is not None else tuple(self.weightSize)
        if not 1 <= self.outputDim <= len(shape):
            raise self.error(f'expected outputDim from 1 to {len(shape)}, got {self.outputDim}')
        rows = self._moved(shape)
        if rows[0] != v[0] or math.prod(rows) != math.prod(v):
            raise self.error(f'expected v of shape {(rows[0], math.prod(rows[1:]))}, got {describe(self.v)}')
        # the twin in which an update works has v itself there
        shapes['gradV'] = v if self.gradV is self.v else rows
        if weight is not None:
            shapes |= {'weight': shape, 'gradWeight': shape}
        return shapes

    def _moved(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a weight seen with its outputs in front."""
        axis = self.outputDim - 1
        return (shape[axis], *shape[:axis], *shape[axis + 1 :])

    def _rows(self, weight: np.ndarray) -> np.ndarray:
        """`weight` seen with its outputs in front."""
        return np.moveaxis(weight, self.outputDim - 1, 0)

    def _norms(self) -> np.ndarray:
        return np.sqrt(np.vecdot(self.v, self.v) + 10e-5)[:, None]

    def resetInit(self) -> None:
        """Draw v; g and the bias follow."""
        self.check_parameters()
        self.expect_writable('v', 'g', 'bias')
        random.normal(0, math.sqrt(2 / max(self.v.shape[1], 1)), out=self.v)
        self.g[...] = _weight_norm.lengths(self.v)
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
            self.gradWeight, self.weight = np.zeros((2, *self.weightSize), self.dtype)
        self.check_parameters()
        self.expect_writable('weight')
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
        self.check_gradients()
        if self.gradWeight is None:
            raise self.error('expected a tensor as gradWeight, got nil', TypeError)
        self.expect_writable('gradWeight')
        self.gradWeight.fill(0)
        super().accGradParameters(input, gradOutput, scale)
        gradient = self._rows(self.gradWeight).reshape(self.v.shape)
        gradV, gradG = _weight_norm.gradients(self.v, self.g, self._norms(), gradient)
        self.gradV += gradV.reshape(self.gradV.shape)
        self.gradG += gradG

    def updateParameters(self, learningRate: float) -> None:
        rate = real(learningRate, 'learningRate')
        self.check_gradients()
        steps = [(getattr(self, name), getattr(self, gradient)) for name, gradient in self.learned]
        for parameter, gradient in steps:
            if parameter is not None:
                add_scaled(parameter, -rate, gradient.reshape(parameter.shape))


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

    Raises
    ------
    TypeError
        if what is to be cast is no tensor of numbers nor a table of such

    >>> import numpy as np, t7nn as nn
    >>> layer = nn.DontCast(nn.Linear(3, 4).float(), True).double()
    >>> layer.get(1).weight.dtype, layer.forward(np.ones(3)).dtype
    (dtype('float32'), dtype('float64'))

    Torch7 manual: containers.md#nn.DontCast
    """

    castin: bool = False
    castout: bool = False
    moduleType: str

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

    def _cast(self, wanted: bool, value: Any, type: Any, what: str) -> Any:
        if not wanted:
            return value
        dtype = dtype_of(type)

        def cast(tensor: Any) -> np.ndarray:
            tensor = plain(tensor, lambda got: self.error(f'expected a tensor as {what}, got {got}', TypeError))
            if tensor.dtype.kind not in 'biuf':
                raise self.error(f'expected {what} of numbers, got {tensor.dtype}', TypeError)
            return tensor.astype(dtype, copy=False)

        return nested_map(cast, value)

    def _call(self, method: str, input: Any, gradOutput: Any, *arguments: Any) -> Any:
        self.check_fields()
        input = self._cast(self.castin, input, self.moduleType, 'input')
        gradOutput = self._cast(self.castout, gradOutput, self.moduleType, 'gradOutput')
        return self.call(0, method, input, gradOutput, *arguments)

    def updateOutput(self, input: Any) -> Any:
        self.check_fields()
        output = super().updateOutput(self._cast(self.castin, input, self.moduleType, 'input'))
        self.output = self._cast(self.castout, output, self.dtype, 'output')
        return self.output

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        gradInput = self._call('updateGradInput', input, gradOutput)
        self.gradInput = None if gradInput is None else self._cast(self.castin, gradInput, self.dtype, 'gradInput')
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
        passes between two lines, a positive whole number
    name
        stands in the line; the module's class where not given

    Torch7 manual: containers.md#nn.Profile
    """

    print_interval: int
    name: str
    numFwds: int
    numBwds: int
    summedFwdTime: float
    summedBwdTime: float

    def __init__(self, module: Module, print_interval: int = 100, name: str | None = None):
        super().__init__(module)
        positive(self, print_interval)
        self.print_interval = print_interval
        self.name = module.typename if name is None else name
        self.numFwds = self.numBwds = 0
        self.summedFwdTime = self.summedBwdTime = 0.0

    @property
    def module(self) -> Module:
        """The module that is timed."""
        return self.modules[0]

    def _report(self, passes: int, seconds: float, kind: str) -> tuple[int, float]:
        positive(self, self.print_interval)
        if passes % self.print_interval:
            return passes, seconds
        print(f'{self.name} took {seconds:.3f} seconds for {self.print_interval} {kind} passes')
        return 0, 0.0

    def updateOutput(self, input: Any) -> Any:
        self.check_fields()
        start = time.perf_counter()
        super().updateOutput(input)
        seconds = self.summedFwdTime + time.perf_counter() - start
        self.numFwds, self.summedFwdTime = self._report(self.numFwds + 1, seconds, 'forward')
        return self.output

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        self.check_fields()
        start = time.perf_counter()
        super().updateGradInput(input, gradOutput)
        seconds = self.summedBwdTime + time.perf_counter() - start
        self.numBwds, self.summedBwdTime = self._report(self.numBwds + 1, seconds, 'backward')
        return self.gradInput
