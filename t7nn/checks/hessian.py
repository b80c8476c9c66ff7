"""Estimates of the Hessian's diagonal, to give each parameter a learning rate of its own: ``nn.hessian``.

After `enable()` modules have ``initDiagHessianParameters()``, ``updateDiagHessianInput(input, diagHessianOutput)`` and
``accDiagHessianParameters(input, diagHessianOutput)``. They work as the methods for gradients do: from the second
derivatives of the loss with respect to the outputs they compute ``diagHessianInput``, and add to ``diagHessianWeight``
and ``diagHessianBias``. Second derivatives of the layers themselves count as 0 (Gauss and Newton's approximation), so
the estimate for x_i is sum_k (dy_k/dx_i)^2 h_k.

Linear, the spatial convolutions, the elementwise layers, Reshape, View and Sequential have them. So do MSECriterion,
WeightedMSECriterion and L1Cost, where it begins: ``criterion.updateDiagHessianInput(input, target)``.

>>> import numpy as np, t7nn as nn
>>> nn.hessian.enable()
>>> layer, x = nn.Linear(2, 1), np.array([3.0, 4.0])
>>> layer.initDiagHessianParameters()
>>> y = layer.forward(x)
>>> layer.accDiagHessianParameters(x, np.ones(1))
>>> layer.diagHessianWeight
array([[ 9., 16.]])

The functions below do the work; they serve layers of one's own as well.
"""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..module import Module
from ..tensors import flatten

__all__ = [
    'accDiagHessianParameters',
    'enable',
    'getParameters',
    'initDiagHessianParameters',
    'parameters',
    'updateDiagHessianInput',
    'updateDiagHessianInputPointWise',
]

GRADIENTS = ('gradWeight', 'gradBias')
HESSIANS = ('diagHessianWeight', 'diagHessianBias')


def _twin(module: Module) -> Module:
    """A module with the tensors of `module`, but an output and a gradInput of its own to write to."""
    twin = copy.copy(module)
    twin.output, twin.gradInput = module.output.copy(), np.empty(0, module.dtype)
    return twin


def initDiagHessianParameters(module: Module, gw: Sequence[str], hw: Sequence[str]) -> None:
    """Make the fields `hw`, zeros in the shapes of the gradients `gw`, unless they are there."""
    for gradient, name in zip(gw, hw, strict=True):
        if getattr(module, name, None) is None and getattr(module, gradient) is not None:
            setattr(module, name, np.zeros_like(getattr(module, gradient)))


def updateDiagHessianInput(
    module: Any, input: np.ndarray, diagHessianOutput: np.ndarray, w: Sequence[str], wsq: Sequence[str]
) -> np.ndarray:
    """diagHessianInput of a layer linear in the weights `w`: its gradInput with their squares in their place, which are
    kept as the fields `wsq`."""
    squared = _twin(module)
    for weight, square in zip(w, wsq, strict=True):
        setattr(module, square, getattr(module, weight) ** 2)
        setattr(squared, weight, getattr(module, square))
    module.diagHessianInput = squared.updateGradInput(input, diagHessianOutput)
    return module.diagHessianInput


def updateDiagHessianInputPointWise(module: Any, input: np.ndarray, diagHessianOutput: np.ndarray) -> np.ndarray:
    """diagHessianInput of an elementwise layer: its derivative squared, times `diagHessianOutput`."""
    slope = _twin(module).updateGradInput(input, np.ones_like(diagHessianOutput))
    module.diagHessianInput = slope * slope * diagHessianOutput
    return module.diagHessianInput


def accDiagHessianParameters(
    module: Any, input: np.ndarray, diagHessianOutput: np.ndarray, gw: Sequence[str], hw: Sequence[str]
) -> None:
    """Add to the fields `hw` of a layer linear in its parameters what accGradParameters adds to the gradients `gw` for
    the input squared."""
    input = module.check(input)
    initDiagHessianParameters(module, gw, hw)
    squared, module.inputSq = _twin(module), input * input
    for gradient, name in zip(gw, hw, strict=True):
        setattr(squared, gradient, getattr(module, name, None))
    squared.forward(module.inputSq)
    squared.accGradParameters(module.inputSq, diagHessianOutput)


def parameters(module: Module) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """The parameters of a module, their gradients, and the estimates of the diagonal."""
    fields = [getattr(inner, name, None) for inner in module.listModules() for name in HESSIANS]
    return *module.parameters(), [field for field in fields if field is not None]


def getParameters(module: Module) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The flat vectors of `Module.getParameters`, and a third of the estimates: None where there are none."""
    flat, flat_grad = module.getParameters()
    olds = parameters(module)[2]
    flat_hessian, views = flatten(olds)
    new = {id(old): view for old, view in zip(olds, views, strict=True)}
    module.map_tensors(lambda tensor: new.get(id(tensor), tensor))
    return flat, flat_grad, flat_hessian if olds else None


# The methods that enable() gives to the classes named


class _Undefined:
    classes = 'Module Criterion'

    def initDiagHessianParameters(self):
        pass

    def updateDiagHessianInput(self, input, diagHessianOutput):
        raise self.error('updateDiagHessianInput() is undefined', TypeError)

    def accDiagHessianParameters(self, input, diagHessianOutput):
        pass


class _Linear:
    classes = (
        'Linear SpatialConvolution SpatialConvolutionLocal SpatialFullConvolution SpatialConvolutionMap '
        'SpatialFullConvolutionMap'
    )

    def initDiagHessianParameters(self):
        initDiagHessianParameters(self, GRADIENTS, HESSIANS)

    def updateDiagHessianInput(self, input, diagHessianOutput):
        return updateDiagHessianInput(self, input, diagHessianOutput, ['weight'], ['weightSq'])

    def accDiagHessianParameters(self, input, diagHessianOutput):
        accDiagHessianParameters(self, input, diagHessianOutput, GRADIENTS, HESSIANS)


class _Pointwise:
    classes = 'Pointwise'
    updateDiagHessianInput = updateDiagHessianInputPointWise


class _Reshaping:
    classes = 'Reshaping'

    def updateDiagHessianInput(self, input, diagHessianOutput):
        self.diagHessianInput = diagHessianOutput.reshape(input.shape)
        return self.diagHessianInput


def _from_last(net: Module, input: np.ndarray) -> list[tuple[Module, np.ndarray]]:
    """The children of a Sequential from the last to the first, each with its input."""
    inputs = [input, *(module.output for module in net.modules)]
    return list(zip(net.modules, inputs, strict=False))[::-1]


class _Sequential:
    classes = 'Sequential'

    def initDiagHessianParameters(self):
        self.applyToModules(lambda module: module.initDiagHessianParameters())

    def updateDiagHessianInput(self, input, diagHessianOutput):
        for module, x in _from_last(self, input):
            diagHessianOutput = module.updateDiagHessianInput(x, diagHessianOutput)
        self.diagHessianInput = diagHessianOutput
        return diagHessianOutput

    def accDiagHessianParameters(self, input, diagHessianOutput):
        for module, x in _from_last(self, input):
            module.accDiagHessianParameters(x, diagHessianOutput)
            diagHessianOutput = module.diagHessianInput


class _Squares:
    classes = 'MSECriterion WeightedMSECriterion'

    def updateDiagHessianInput(self, input, target):
        input = self.check(input)
        if not input.size:
            raise self.error(f'expected input of at least one element, got shape {input.shape}')
        self.diagHessianInput = np.full_like(input, 2 / input.size if self.sizeAverage else 2)
        return self.diagHessianInput


class _Absolute:
    classes = 'L1Cost'

    def updateDiagHessianInput(self, input, target=None):
        input = self.check(input)
        self.diagHessianInput = (input != 0).astype(input.dtype)
        return self.diagHessianInput


def enable() -> None:
    """Give modules and criterions their methods."""
    import t7nn

    from ..layers import shapes

    known = {**vars(shapes), **vars(t7nn)}
    for methods in (_Undefined, _Linear, _Pointwise, _Reshaping, _Sequential, _Squares, _Absolute):
        for owner in map(known.get, methods.classes.split()):
            for name, method in vars(methods).items():
                if 'DiagHessian' in name:
                    setattr(owner, name, method)
