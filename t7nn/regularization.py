"""L1 and L2 regularisation over `module.parameters()`, which Torch7's trainer lacks.

The penalty is l1 |w|_1 + l2 |w|_2^2. Regularising replaces every parameter w by

    (1 - l2) w - clamp(w, -l1, l1),

the proximal step of the L1 penalty (what is within l1 of zero becomes zero, all else moves l1 towards it) beside a
decay of the weights. No learning rate enters: the step is made once an iteration, from the trainer's ``hookIteration``.
"""

import sys
import threading
from functools import lru_cache, partial
from numbers import Real
from typing import Any

import numpy as np

from .blas import ROUTINES, PerDtype, abs_sum
from .module import Module
from .tensors import describe

__all__ = ['L1L2', 'Proximal', 'regularization_penalty', 'regularize_parameters', 'regularize_parameters_as_published']

BLOCK = 1 << 15  # elements worked at a time: they stay in the cache from the first operation to the last


def _check(function: str, l1_weight: float, l2_weight: float) -> None:
    for name, weight in (('l1_weight', l1_weight), ('l2_weight', l2_weight)):
        # to ask for the class first saves a tenth of the time of a small network's step
        if weight.__class__ is not float and (not isinstance(weight, Real) or isinstance(weight, bool)):
            raise TypeError(f'{function}: expected a number as {name}, got {describe(weight)}')
        if not 0 <= weight <= sys.float_info.max:
            raise ValueError(f'{function}: expected a finite {name} >= 0, got {weight}')


def _check_bias(function: str, bias: Any) -> None:
    if not isinstance(bias, (bool, np.bool_)):
        raise TypeError(f'{function}: expected True or False as bias, got {describe(bias)}')


def _tensors(function: str, network: Module, bias: bool = True, written: bool = True) -> list[np.ndarray]:
    """The parameters of `network` that are regularised, checked to be tensors of floating-point numbers, and that they
    can be `written` to."""
    _check_bias(function, bias)
    if isinstance(network, type) or not callable(getattr(network, 'parameters', None)):
        raise TypeError(f'{function}: expected a module as network, got {describe(network)}')
    parameters = network.parameters()[0]
    for tensor in parameters:
        if type(tensor) is not np.ndarray or tensor.dtype.kind != 'f':
            got = tensor.dtype if type(tensor) is np.ndarray else describe(tensor)
            raise TypeError(f'{function}: expected parameters that are tensors of floating-point numbers, got {got}')
        if written and not tensor.flags.writeable:
            raise ValueError(f'{function}: expected parameters that can be written to, got a read-only tensor')
    if bias:
        return parameters
    biases = {id(module.bias) for module in network.listModules()}
    return [parameter for parameter in parameters if id(parameter) not in biases]


class _Scratch(threading.local):
    """Room for one block of each dtype, for each thread; to ask for it anew would cost 4 % of the time."""

    def __init__(self) -> None:
        self.updates = PerDtype(partial(np.empty, BLOCK))


_scratch = _Scratch()


def _blocks(flat: np.ndarray) -> list[np.ndarray]:
    if 0 < flat.size <= BLOCK:  # most tensors are so small that cutting them would cost a tenth of the whole
        return [flat]
    return [flat[start : start + BLOCK] for start in range(0, flat.size, BLOCK)]


# The idea of the next two functions: the penalty is l1 * abs(w).sum() + l2 * (w * w).sum(), and the step is
# w -= w.clip(-l1, l1) + l2 * w. They work on blocks that stay in the cache, without temporaries: 10^6 parameters take
# a third of the time.


def _penalty(tensors: list[np.ndarray], l1: float, l2: float) -> float:
    norm1 = norm2 = 0.0
    for tensor in tensors:
        for block in _blocks(tensor.reshape(-1)):
            block = block.astype(np.float64, copy=False)  # norms of float32 are summed in float64, as in Torch7
            norm1 += abs_sum(block)
            norm2 += block.dot(block).item()
    return l1 * norm1 + l2 * norm2


def _regularize(tensors: list[np.ndarray], l1: float, l2: float) -> None:
    for tensor in tensors:
        flat = tensor.reshape(-1)
        room = _scratch.updates[flat.dtype]
        axpy, bounds = ROUTINES[flat.dtype].axpy, _bounds(l1, flat.dtype)
        for block in _blocks(flat):
            update = room[: block.size]
            if l1:
                block.clip(*bounds, update)
                # BLAS passes over a scale of 0, and with it the nan that 0 * inf is in Torch7; 1e-30 changes no digit
                change = axpy(block, update, block.size, l2 or 1e-30)
            else:  # nothing to clamp: two thirds of the time
                with np.errstate(all='ignore'):
                    change = np.multiply(block, l2, update)
            result = axpy(change, block, block.size, -1)
            if result is not block:  # of a type that BLAS does not have
                block[...] = result
        if not tensor.flags.c_contiguous:  # reshape() may have copied
            tensor[...] = flat.reshape(tensor.shape)


@lru_cache(maxsize=64)
def _bounds(l1: float, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """-l1 and l1 as arrays, which clip() takes in a third of the time of numbers."""
    return np.array(-l1, dtype), np.array(l1, dtype)


def regularization_penalty(network: Module, l1_weight: float, l2_weight: float, bias: bool = True) -> float:
    """The penalty l1_weight |w|_1 + l2_weight |w|_2^2, summed over the tensors of ``network.parameters()``.

    Parameters
    ----------
    network
        any module
    l1_weight, l2_weight
        finite, >= 0
    bias
        False leaves out the tensors that are the ``bias`` of a module

    >>> import t7nn as nn
    >>> net = nn.Linear(2, 1)
    >>> net.weight[:] = [[1, -2]]
    >>> net.bias[:] = 3
    >>> nn.regularization_penalty(net, 0.5, 0.1)
    4.4

    Raises
    ------
    ValueError
        if a weight is negative or not finite
    TypeError
        if a weight is no number, `network` no module, or a parameter no tensor of floating-point numbers
    """
    _check('regularization_penalty', l1_weight, l2_weight)
    tensors = _tensors('regularization_penalty', network, bias, written=False)
    return _penalty(tensors, float(l1_weight), float(l2_weight))


def regularize_parameters(network: Module, l1_weight: float, l2_weight: float, bias: bool = True) -> None:
    """w = (1 - l2_weight) w - clamp(w, -l1_weight, l1_weight), in place, for every tensor of ``network.parameters()``.

    A tensor that `parameters` lists several times, because modules share it, is treated as often.

    Parameters
    ----------
    network
        any module
    l1_weight, l2_weight
        finite, >= 0; a decay of the weights is meant, so l2_weight is below 1 in any sensible use
    bias
        False leaves the tensors that are the ``bias`` of a module alone

    >>> import t7nn as nn
    >>> net = nn.Linear(2, 1)
    >>> net.weight[:] = [[1, -2]]
    >>> net.bias[:] = 0.25
    >>> nn.regularize_parameters(net, 0.5, 0.1)
    >>> net.weight, net.bias
    (array([[ 0.4, -1.3]]), array([-0.025]))

    Raises
    ------
    ValueError
        if a weight is negative or not finite, or a parameter read-only
    TypeError
        if a weight is no number, `network` no module, or a parameter no tensor of floating-point numbers
    """
    _check('regularize_parameters', l1_weight, l2_weight)
    _regularize(_tensors('regularize_parameters', network, bias), float(l1_weight), float(l2_weight))


def regularize_parameters_as_published(
    network: Module, l1_weight: float, l2_weight: float, out_of_place: bool = False
) -> None:
    """What the code of the blog post computes: w = -clamp(w, -l1_weight, l1_weight), for comparison only.

    The post writes ``update:add(parameters[i]:mul(-l2))``, and ``mul`` works in place: l2 vanishes, the sign flips, and
    every parameter ends within l1 of zero. With `out_of_place` that product is made apart: w = (1 + l2_weight) w -
    clamp(w, -l1_weight, l1_weight), a decay of the wrong sign.
    """
    _check('regularize_parameters_as_published', l1_weight, l2_weight)
    l1_weight, l2_weight = float(l1_weight), float(l2_weight)
    for parameter in _tensors('regularize_parameters_as_published', network):
        update = np.clip(parameter, -l1_weight, l1_weight)
        if out_of_place:
            update += parameter * -l2_weight
        else:
            parameter *= -l2_weight
            update += parameter
        parameter -= update


class L1L2:
    """A hook for the trainer that regularises the parameters.

    As ``hookIteration`` it also adds the penalty, worked out before the step, to the reported error. As ``hookExample``
    it makes its step after every example, so that much smaller weights are needed.

    Parameters
    ----------
    l1, l2
        weights of the penalty, finite and >= 0
    bias
        False leaves the tensors named ``bias`` alone

    >>> import t7nn as nn
    >>> trainer = nn.StochasticGradient(nn.Linear(2, 1), nn.MSECriterion())
    >>> trainer.hookIteration = nn.L1L2(l1=0.001, l2=0.01)
    """

    def __init__(self, l1: float = 0, l2: float = 0, bias: bool = True):
        _check('L1L2', l1, l2)
        _check_bias('L1L2', bias)
        self.l1, self.l2, self.bias = l1, l2, bias

    def penalty(self, network: Module) -> float:
        """The penalty of `network`."""
        return regularization_penalty(network, self.l1, self.l2, self.bias)

    def __call__(self, trainer: Any, iteration: Any, currentError: float | None = None) -> float | None:
        error = None if currentError is None else currentError + self.penalty(trainer.module)
        regularize_parameters(trainer.module, self.l1, self.l2, self.bias)
        return error

    def __repr__(self) -> str:
        return f'L1L2(l1={self.l1}, l2={self.l2}, bias={self.bias})'


class Proximal(L1L2):
    """A hook like `L1L2`, but the step puts in the place of every parameter w the v that minimises

        (v - w)^2 / 2 + l1 |v| + l2 v^2,    which is    v = sign(w) max(|w| - l1, 0) / (1 + 2 l2).

    Both penalties together give exact zeros. `L1L2` adds the decay of the old weight to the soft threshold, so that
    with both penalties what is within l1 of zero becomes -l2 w, which is small but not zero.

    Parameters
    ----------
    l1, l2, bias
        as of `L1L2`

    >>> import t7nn as nn
    >>> from t7nn.regularization import Proximal
    >>> net = nn.Linear(3, 1).noBias()
    >>> net.weight[:] = [[1, -0.02, 0.5]]
    >>> trainer = nn.StochasticGradient(net, nn.MSECriterion())
    >>> error = Proximal(0.1, 0.25)(trainer, 1, 0.0)
    >>> net.weight
    array([[0.6       , 0.        , 0.26666667]])
    """

    def __call__(self, trainer: Any, iteration: Any, currentError: float | None = None) -> float | None:
        error = None if currentError is None else currentError + self.penalty(trainer.module)
        for parameter in _tensors('Proximal', trainer.module, self.bias):
            parameter -= np.clip(parameter, -self.l1, self.l1)
            parameter /= 1 + 2 * self.l2
        return error

    def __repr__(self) -> str:
        return f'Proximal(l1={self.l1}, l2={self.l2}, bias={self.bias})'
