"""Losses.

Torch7 manual: criterion.md
"""

from typing import Any

import numpy as np

from .blas import constant
from .module import Criterion
from .tensors import describe
from .transfer import LogSoftMax

__all__ = [
    'AbsCriterion',
    'BCECriterion',
    'ClassNLLCriterion',
    'CrossEntropyCriterion',
    'MSECriterion',
    'SmoothL1Criterion',
]


class Elementwise(Criterion):
    """The base of losses that are a sum over elements, or their mean where ``sizeAverage`` is true.

    A loss says `loss(x, t)`, the sum, and `derivative(x, t, dx)`, which writes its derivative, divided by ``factor``,
    into dx; input and target have one shape.
    """

    factor: float = 1

    def __init__(self, sizeAverage: bool = True):
        super().__init__()
        self.sizeAverage = sizeAverage

    def loss(self, x: np.ndarray, t: np.ndarray) -> float:
        """The sum of the elements' losses."""
        raise self.error('loss(x, t) needed in every Elementwise criterion', TypeError)

    def derivative(self, x: np.ndarray, t: np.ndarray, dx: np.ndarray) -> None:
        """dx = the derivative of the sum."""
        raise self.error('derivative(x, t, dx) needed in every Elementwise criterion', TypeError)

    def pair(self, input: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Check both; the target in the input's shape."""
        dtype = self.dtype
        if (
            input.__class__ is target.__class__ is np.ndarray
            and input.dtype is target.dtype is dtype
            and input.shape == target.shape
        ):
            return target
        self.check(input)
        self.check(target, 'target')
        if target.size != input.size:
            raise self.error(
                f'target of {input.size} elements needed as in the input of shape {input.shape}, got {describe(target)}'
            )
        return target.reshape(input.shape)

    def updateOutput(self, input: np.ndarray, target: np.ndarray) -> float:
        total = self.loss(input, self.pair(input, target))
        self.output = total / input.size if self.sizeAverage else total
        return self.output

    def updateGradInput(self, input: np.ndarray, target: np.ndarray) -> np.ndarray:
        target = self.pair(input, target)
        gradInput = self.buffer_like('gradInput', input)
        self.derivative(input, target, gradInput)
        factor = self.factor / input.size if self.sizeAverage else self.factor
        if factor != 1:
            np.multiply(gradInput, constant(factor, gradInput.dtype.char), gradInput)
        return gradInput


class MSECriterion(Elementwise):
    """L = mean((x - t)^2), or the sum without `sizeAverage`; dx = 2 (x - t) / n.

    Torch7 manual: criterion.md#nn.MSECriterion
    """

    factor = 2

    def loss(self, x, t):
        difference = (x - t).ravel()
        return difference.dot(difference).item()  # a float, whatever the dtype

    def derivative(self, x, t, dx):
        np.subtract(x, t, dx)


class AbsCriterion(Elementwise):
    """L = mean |x - t|, or the sum without `sizeAverage`; dx = sign(x - t) / n, and 1 / n at 0.

    Torch7 manual: criterion.md#nn.AbsCriterion
    """

    def loss(self, x, t):
        return float(np.abs(x - t).sum())

    def derivative(self, x, t, dx):
        np.copysign(1, x - t, dx)


class SmoothL1Criterion(Elementwise):
    """L = mean of d^2 / 2 where |d| < 1, |d| - 1/2 elsewhere, with d = x - t; dx = clamp(d, -1, 1) / n.

    Torch7 manual: criterion.md#nn.SmoothL1Criterion
    """

    def loss(self, x, t):
        distance = np.abs(x - t)
        return float(np.where(distance < 1, distance * distance / 2, distance - 0.5).sum())

    def derivative(self, x, t, dx):
        np.clip(x - t, -1, 1, dx)


class BCECriterion(Elementwise):
    """L = -mean(w (t log(x + eps) + (1 - t) log(1 - x + eps))), dx = -w (t - x) / ((1 - x + eps) (x + eps)) / n, eps =
    1e-12.

    Parameters
    ----------
    weights
        one weight for each element of a sample, ``(n,)``
    sizeAverage
        False: the sum instead of the mean

    Torch7 manual: criterion.md#nn.BCECriterion
    """

    EPS = 1e-12

    def __init__(self, weights: np.ndarray | None = None, sizeAverage: bool = True):
        super().__init__(sizeAverage)
        self.weights = check_weights(self, weights)

    def __len__(self) -> int:
        return 0 if self.weights is None else len(self.weights)

    def __bool__(self) -> bool:
        return True

    def loss(self, x, t):
        losses = t * np.log(x + self.EPS) + (1 - t) * np.log(1 - x + self.EPS)
        return -float((losses if self.weights is None else losses * self.weights).sum())

    def derivative(self, x, t, dx):
        np.divide(x - t, (1 - x + self.EPS) * (x + self.EPS), dx)
        if self.weights is not None:
            dx *= self.weights


def check_weights(criterion: Criterion, weights: Any) -> np.ndarray | None:
    """The weights given to a criterion: None, or a vector."""
    if weights is not None and (not isinstance(weights, np.ndarray) or weights.ndim != 1):
        raise ValueError(f'{criterion.typename}: weights input should be 1-D Tensor, got {describe(weights)}')
    return weights


class ClassNLLCriterion(Criterion):
    """L = -sum_n w[t_n] x[n, t_n] / sum_n w[t_n], for log-probabilities x such as LogSoftMax gives and classes t_n from
    1.

    Parameters
    ----------
    weights
        one weight for each class, ``(classes,)``
    sizeAverage
        False: the sum, not divided by the weights
    ignoreIndex
        a target that counts for nothing

    Input ``(classes,)`` with a number as target, or ``(N, classes)`` with ``(N,)``. Raises an IndexError for a target
    outside 1..classes.

    Torch7 manual: criterion.md#nn.ClassNLLCriterion
    """

    def __init__(self, weights: np.ndarray | None = None, sizeAverage: bool = True, ignoreIndex: int = -100):
        super().__init__()
        self.sizeAverage = sizeAverage
        self.ignoreIndex = ignoreIndex
        self.weights = check_weights(self, weights)

    def __len__(self) -> int:
        return 0 if self.weights is None else len(self.weights)

    def __bool__(self) -> bool:
        return True

    def _label(self, target: Any, classes: int) -> int:
        """The one class that `target` names, from 0; -1 where it is to be ignored."""
        if target.__class__ is not int:
            if isinstance(target, np.ndarray) and target.size == 1:
                target = target.item()
            if not isinstance(target, (int, float, np.number)):
                raise self.error(f'a class needed as target, got {describe(target)}', TypeError)
            target = int(target)
        if target == self.ignoreIndex:
            return -1
        if not 1 <= target <= classes:
            raise self.error(f'target in 1..{classes} needed, got {target}', IndexError)
        return target - 1

    def _labels(self, target: Any, rows: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows whose targets count, and their classes, both from 0."""
        labels = np.asarray(target)
        if labels.shape != (rows,) or labels.dtype.kind not in 'iuf':
            raise self.error(f'target of shape ({rows},) needed, a class for each input, got {describe(target)}')
        kept = np.flatnonzero(labels != self.ignoreIndex)
        labels = labels[kept].astype(np.int64)
        wrong = np.flatnonzero((labels < 1) | (labels > classes))
        if wrong.size:
            raise self.error(
                f'target in 1..{classes} needed, got {labels[wrong[0]]} at position {kept[wrong[0]] + 1}', IndexError
            )
        return kept, labels - 1

    def _places(self, input: np.ndarray, target: Any) -> tuple[Any, Any, float]:
        """Where the targets stand in the input, their weights, and what the sum is divided by."""
        if input.__class__ is not np.ndarray or input.dtype is not self.dtype:
            self.check(input)
        if input.ndim not in (1, 2):
            raise self.error(f'input of 1 or 2 dimensions needed, got shape {input.shape}')
        classes = input.shape[-1]
        if self.weights is not None and len(self.weights) != classes:
            raise self.error(f'weights for all {classes} classes needed, got {len(self.weights)}')
        if input.ndim == 1:
            label = self._label(target, classes)
            weight = 0.0 if label < 0 else 1.0 if self.weights is None else self.weights.item(label)
            return label, weight, weight if self.sizeAverage and weight else 1.0
        rows, labels = self._labels(target, *input.shape)
        weights = np.ones(len(rows), input.dtype) if self.weights is None else self.weights[labels]
        total = weights.sum().item()
        return (rows, labels), weights, total if self.sizeAverage and total else 1.0

    def updateOutput(self, input: np.ndarray, target: Any) -> float:
        places, weights, divisor = self._places(input, target)
        total = input.item(places) * weights if input.ndim == 1 else input[places].dot(weights).item()
        self.output = -total / divisor
        return self.output

    def updateGradInput(self, input: np.ndarray, target: Any) -> np.ndarray:
        places, weights, divisor = self._places(input, target)
        gradInput = self.buffer_like('gradInput', input)
        gradInput.fill(0)
        gradInput[places] = -weights / divisor
        return gradInput


class CrossEntropyCriterion(Criterion):
    """LogSoftMax and ClassNLLCriterion in one: L = -log(exp(x_t) / sum_j exp(x_j)).

    Dimensions of size 1 in input and target are dropped first; gradInput has the input's shape.

    Parameters
    ----------
    weights, sizeAverage
        as of `ClassNLLCriterion`

    Torch7 manual: criterion.md#nn.CrossEntropyCriterion
    """

    def __init__(self, weights: np.ndarray | None = None, sizeAverage: bool = True):
        super().__init__()
        self.lsm = LogSoftMax()
        self.nll = ClassNLLCriterion(weights, sizeAverage)
        self.sizeAverage = self.oldSizeAverage = sizeAverage

    def _squeezed(self, input: Any, target: Any) -> tuple[np.ndarray, Any]:
        self.check(input)
        if self.sizeAverage != self.oldSizeAverage:  # who sets nll.sizeAverage directly keeps it, as in Torch7
            self.nll.sizeAverage = self.oldSizeAverage = self.sizeAverage
        input = input.squeeze() if input.size > 1 else input.reshape(1)
        if isinstance(target, np.ndarray):
            target = target.squeeze() if target.size > 1 else target.reshape(1)
        return input, target

    def updateOutput(self, input: np.ndarray, target: Any) -> float:
        input, target = self._squeezed(input, target)
        self.output = self.nll.updateOutput(self.lsm.updateOutput(input), target)
        return self.output

    def updateGradInput(self, input: np.ndarray, target: Any) -> np.ndarray:
        squeezed, target = self._squeezed(input, target)
        gradient = self.lsm.updateGradInput(squeezed, self.nll.updateGradInput(self.lsm.output, target))
        self.gradInput = gradient.reshape(input.shape)
        return self.gradInput
