"""Gradient checks as Torch7 makes them: Jacobian matrices by back-propagation and by finite differences.

>>> import numpy as np, t7nn as nn
>>> nn.Jacobian.testJacobian(nn.Tanh(), np.empty(3)) < 1e-9
True

Torch7 manual: testing.md
"""

import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import random
from ..module import Module
from ..node import DOUBLE
from ..serialization.classes import comes_back
from ..serialization.files import dumps, loads
from ..tensors import describe, real
from .hessian import HESSIANS

__all__ = ['Jacobian', 'SparseJacobian']


def _units(output: np.ndarray) -> Iterator[np.ndarray]:
    """For each element of `output` in turn, the gradOutput that is 1 there and 0 elsewhere: always the same array."""
    gradOutput = np.empty_like(output)
    for i in range(output.size):
        gradOutput.fill(0)
        gradOutput.flat[i] = 1
        yield gradOutput


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """The largest |a - b|; 0 where there is nothing to compare."""
    return float(np.abs(a.ravel() - b.ravel()).max(initial=0))


def _output(module: Module, input: np.ndarray) -> np.ndarray:
    """The output for `input`, checked to be a tensor."""
    if not isinstance(module, Module):
        raise TypeError(f'nn.Jacobian: expected a module, got {describe(module)}')
    output = module.forward(input)
    if not isinstance(output, np.ndarray):
        raise TypeError(f'nn.Jacobian: expected {module.typename} with a tensor as output, got {describe(output)}')
    return output


def _draw(tensor: np.ndarray, minval: float, maxval: float) -> None:
    """Fill `tensor` uniformly from minval..maxval."""
    if not isinstance(tensor, np.ndarray):
        raise TypeError(f'nn.Jacobian: expected a tensor to fill, got {describe(tensor)}')
    if not tensor.flags.writeable:
        raise ValueError('nn.Jacobian: expected a tensor that can be written to, got a read-only one')
    minval, maxval = real(minval, 'minval'), real(maxval, 'maxval')
    tensor[...] = (random.rand(tensor.size) * (maxval - minval) + minval).reshape(tensor.shape)


def _gradInput(module: Module, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
    """A copy of gradInput after a whole backward."""
    module.zeroGradParameters()
    return module.backward(input, gradOutput).copy()


class Jacobian:
    """Jacobian matrices of a module by finite differences and by back-propagation, and what lies between the two.

    All matrices are float64, ``(elements of what is varied, elements of the output)``: row i says how every output
    changes with element i of `param`, or of `input` where no `param` is given. `param` is one of the module's own
    tensors, `dparam` the one with its gradient. The tests fill `input` (and `param`) with random numbers from
    minval..maxval, in place, and return the largest absolute difference.

    Below float64 the differences drown in rounding: there they come with a RuntimeWarning.

    Torch7 manual: testing.md#nn.Jacobian
    """

    @classmethod
    def _varied(cls, tensor: np.ndarray) -> np.ndarray:
        """The elements of an input, or of its gradient, that count."""
        if not isinstance(tensor, np.ndarray):
            raise TypeError(f'nn.{cls.__name__}: expected a tensor as input, got {describe(tensor)}')
        return tensor

    @classmethod
    def backward(
        cls, module: Module, input: np.ndarray, param: np.ndarray | None = None, dparam: np.ndarray | None = None
    ) -> np.ndarray:
        """The matrix by back-propagation, one backward for each output."""
        if param is not None and dparam is None:
            raise TypeError(f'nn.{cls.__name__}.backward: expected dparam, the gradient of param as well')
        varied, output = cls._varied(input) if param is None else param, _output(module, input)
        jacobian = np.empty((varied.size, output.size))
        for i, gradOutput in enumerate(_units(output)):
            module.zeroGradParameters()
            gradInput = module.updateGradInput(input, gradOutput)
            module.accGradParameters(input, gradOutput)
            jacobian[:, i] = (cls._varied(gradInput) if dparam is None or param is None else dparam).ravel()
        return jacobian

    @classmethod
    def backwardUpdate(cls, module: Module, input: np.ndarray, param: np.ndarray) -> np.ndarray:
        """In column j `param` after accUpdateGradParameters with rate 1 and the gradient of output j alone."""
        output = _output(module, input)
        jacobian = np.empty((param.size, output.size))
        parameters = module.parameters()[0]
        originals = [parameter.copy() for parameter in parameters]
        for i, gradOutput in enumerate(_units(output)):
            module.updateGradInput(input, gradOutput)
            module.accUpdateGradParameters(input, gradOutput, 1)
            jacobian[:, i] = param.ravel()
            for parameter, original in zip(parameters, originals, strict=True):
                parameter[...] = original
        return jacobian

    @classmethod
    def forward(
        cls, module: Module, input: np.ndarray, param: np.ndarray | None = None, perturbation: float = 1e-6
    ) -> np.ndarray:
        """The matrix by central differences of width 2 `perturbation`."""
        varied = cls._varied(input) if param is None else param
        output = _output(module, input)
        if not isinstance(varied, np.ndarray) or not varied.flags.writeable:
            got = 'a read-only tensor' if isinstance(varied, np.ndarray) else describe(varied)
            raise TypeError(f'nn.{cls.__name__}: expected a tensor to vary that can be written to, got {got}')
        if not real(perturbation, 'perturbation') > 0:
            raise ValueError(f'nn.{cls.__name__}: expected a perturbation > 0, got {perturbation}')
        if varied.dtype != DOUBLE or module.dtype != DOUBLE:
            warnings.warn(
                f'nn.{cls.__name__}: in {varied.dtype} differences of {perturbation:g} are mostly rounding; '
                'check gradients in float64: module.double()',
                RuntimeWarning,
                stacklevel=2,
            )
        places = varied.flat
        jacobian = np.empty((varied.size, output.size))
        for i in range(varied.size):
            value = places[i]
            try:
                places[i] = value - perturbation
                below = np.array(module.forward(input), DOUBLE).ravel()
                places[i] = value + perturbation
                above = np.array(module.forward(input), DOUBLE).ravel()
            finally:
                places[i] = value
            jacobian[i] = (above - below) / (2 * perturbation)
        return jacobian

    @classmethod
    def forwardUpdate(
        cls, module: Module, input: np.ndarray, param: np.ndarray, perturbation: float = 1e-6
    ) -> np.ndarray:
        """`backwardUpdate` by central differences: param minus its Jacobian."""
        return param.reshape(-1, 1) - cls.forward(module, input, param, perturbation)

    @classmethod
    def testJacobian(
        cls, module: Module, input: np.ndarray, minval: float = -2, maxval: float = 2, perturbation: float = 1e-6
    ) -> float:
        """How far gradInput is from finite differences."""
        _draw(cls._varied(input), minval, maxval)
        return _distance(cls.forward(module, input, None, perturbation), cls.backward(module, input))

    @classmethod
    def testJacobianParameters(
        cls,
        module: Module,
        input: np.ndarray,
        param: np.ndarray,
        dparam: np.ndarray,
        minval: float = -2,
        maxval: float = 2,
        perturbation: float = 1e-6,
    ) -> float:
        """How far the gradient `dparam` of `param` is from finite differences."""
        _draw(cls._varied(input), minval, maxval)
        _draw(param, minval, maxval)
        backward = cls.backward(module, input, param, dparam)
        return _distance(cls.forward(module, input, param, perturbation), backward)

    @classmethod
    def testJacobianUpdateParameters(
        cls,
        module: Module,
        input: np.ndarray,
        param: np.ndarray,
        minval: float = -2,
        maxval: float = 2,
        perturbation: float = 1e-6,
    ) -> float:
        """How far `param` is, after accUpdateGradParameters, from where finite differences lead."""
        _draw(cls._varied(input), minval, maxval)
        _draw(param, minval, maxval)
        backward = cls.backwardUpdate(module, input, param)
        return _distance(cls.forwardUpdate(module, input, param, perturbation), backward)

    @staticmethod
    def testIO(module: Module, input: np.ndarray, minval: float = -2, maxval: float = 2) -> tuple[float, float]:
        """How far output and gradInput are from what they were, after the module was written and read again: as a .t7
        file in memory, or by pickle where a class of one's own is in it. Leaves the module with its state cleared."""
        untouched, output = input.copy(), _output(module, input).copy()
        gradOutput = np.empty_like(output)
        _draw(gradOutput, minval, maxval)
        gradInput = _gradInput(module, input, gradOutput.copy())
        module.clearState()
        again = loads(dumps(module)) if comes_back(module) else pickle.loads(pickle.dumps(module))
        return _distance(output, again.forward(untouched)), _distance(
            gradInput, _gradInput(again, untouched, gradOutput)
        )

    @staticmethod
    def testAllUpdate(module: Module, input: np.ndarray, weight: str, gradWeight: str) -> dict[str, float]:
        """How far the ways to update the parameter named `weight` are apart: by accGradParameters and updateParameters
        or by accUpdateGradParameters, in one module or in two that share it. The norms of the differences, by name."""
        rate = random.uniform(0.1, 1)
        gradOutput = random.rand(*_output(module.clone(), input).shape).astype(module.dtype)

        def accGradParameters(modules: list[Module]) -> None:
            for each in modules:
                each.zeroGradParameters()
            for each in modules:
                each.accGradParameters(input, gradOutput)
            for each in modules:
                each.updateParameters(rate)

        def accUpdateGradParameters(modules: list[Module]) -> None:
            for each in modules:
                each.accUpdateGradParameters(input, gradOutput, rate)

        def updated(update: Any, count: int) -> list[Module]:
            modules = [module.clone() for _ in range(count)]
            for each in modules:
                if each is not modules[0]:
                    each.share(modules[0], weight)
                each.forward(input)
                each.updateGradInput(input, gradOutput)
            update(modules)
            return modules

        (single,) = updated(accGradParameters, 1)
        step = rate * getattr(single, gradWeight)

        def error(modules: list[Module]) -> float:
            expected = getattr(module, weight) - len(modules) * step
            return sum(float(np.linalg.norm(expected - getattr(each, weight))) for each in modules)

        (direct,) = updated(accUpdateGradParameters, 1)
        return {
            'accGradParameters': error([single]),
            'accUpdateGradParameters': float(np.linalg.norm(getattr(direct, weight) - getattr(single, weight))),
            'accGradParameters [shared]': error(updated(accGradParameters, 2)),
            'accUpdateGradParameters [shared]': error(updated(accUpdateGradParameters, 2)),
        }

    # The diagonal of the Hessian of F = sum(output^2) / 2: d2F/dy2 is 1 for every output y, so ones are propagated back

    @staticmethod
    def backwardDiagHessian(module: Any, input: np.ndarray, diagHessianParamName: str) -> np.ndarray:
        """The module's field of that name (diagHessianInput, diagHessianWeight, diagHessianBias) after ones were
        propagated back as second derivatives. `hessian.enable()` comes first."""
        ones = np.ones_like(module.forward(input))
        for name in HESSIANS:
            if getattr(module, name, None) is not None:
                getattr(module, name).fill(0)
        module.updateDiagHessianInput(input, ones)
        module.accDiagHessianParameters(input, ones)
        return getattr(module, diagHessianParamName)

    @staticmethod
    def linearModuleDiagHessian(module: Module, input: np.ndarray, gradParamName: str) -> np.ndarray:
        """The same as a flat vector from first derivatives alone, for a module that is linear in input and parameters:
        the sum of the squares of the gradient of that name over all outputs."""
        total: Any = 0
        for gradOutput in _units(module.forward(input)):
            module.zeroGradParameters()
            module.updateGradInput(input, gradOutput)
            module.accGradParameters(input, gradOutput)
            total = total + getattr(module, gradParamName).ravel() ** 2
        return total

    @classmethod
    def testDiagHessian(
        cls,
        module: Any,
        input: np.ndarray,
        gradParamName: str,
        diagHessianParamName: str,
        minval: float = -2,
        maxval: float = 2,
    ) -> float:
        """How far `backwardDiagHessian` is from `linearModuleDiagHessian`."""
        _draw(input, minval, maxval)
        module.initDiagHessianParameters()
        backward = cls.backwardDiagHessian(module, input, diagHessianParamName)
        return _distance(backward, cls.linearModuleDiagHessian(module, input, gradParamName))

    @classmethod
    def testDiagHessianInput(cls, module: Module, input: np.ndarray, minval: float = -2, maxval: float = 2) -> float:
        """`testDiagHessian` of the input."""
        return cls.testDiagHessian(module, input, 'gradInput', 'diagHessianInput', minval, maxval)

    @classmethod
    def testDiagHessianWeight(cls, module: Module, input: np.ndarray, minval: float = -2, maxval: float = 2) -> float:
        """`testDiagHessian` of the weight."""
        return cls.testDiagHessian(module, input, 'gradWeight', 'diagHessianWeight', minval, maxval)

    @classmethod
    def testDiagHessianBias(cls, module: Module, input: np.ndarray, minval: float = -2, maxval: float = 2) -> float:
        """`testDiagHessian` of the bias."""
        return cls.testDiagHessian(module, input, 'gradBias', 'diagHessianBias', minval, maxval)


class SparseJacobian(Jacobian):
    """`Jacobian` for sparse input ``(n, 2)``: rows of an index and its value. Only the values are varied; in a wider
    input too, only the second column is."""

    @classmethod
    def _varied(cls, tensor: np.ndarray) -> np.ndarray:
        tensor = super()._varied(tensor)
        if tensor.ndim != 2 or tensor.shape[1] < 2:
            raise ValueError(f'nn.{cls.__name__}: expected input of shape (n, 2) or wider, got {tensor.shape}')
        return tensor[:, 1]
