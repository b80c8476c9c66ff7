"""Losses for classes.

Torch7 manual: criterion.md
"""

import math
from typing import Any

import numpy as np

from ..layers.transfer import LogSoftMax, Sigmoid
from ..module import Criterion
from ..tensors import describe
from .base import Elementwise, Weighted, class_labels, log1pexp
from .regression import MSECriterion

__all__ = [
    'BCECriterion',
    'ClassNLLCriterion',
    'ClassSimplexCriterion',
    'CrossEntropyCriterion',
    'MarginCriterion',
    'MultiLabelMarginCriterion',
    'MultiLabelSoftMarginCriterion',
    'MultiMarginCriterion',
    'SoftMarginCriterion',
    'SpatialClassNLLCriterion',
]


class MarginCriterion(Elementwise):
    """L = mean(max(0, margin - x t)) for classes t of 1 or -1; dx = -t / n where x t < margin, else 0.

    Parameters
    ----------
    margin
        the product x t, > 0, from which an element costs nothing

    Input and target have one shape, or as many elements; ``sizeAverage = False`` gives the sum.

    Torch7 manual: criterion.md#nn.MarginCriterion
    """

    margin: float = 1

    def __init__(self, margin: float = 1):
        super().__init__()
        self.margin = margin

    def loss(self, x, t):
        self.check_fields()
        return float(np.fmax(self.margin - x * t, 0).sum())

    def derivative(self, x, t, dx):
        self.check_fields()
        np.multiply(x * t < self.margin, -t, dx)


class SoftMarginCriterion(Elementwise):
    """L = mean(log(1 + exp(-x t))) for classes t of 1 or -1; dx = -t / (1 + exp(x t)) / n.

    Parameters
    ----------
    sizeAverage
        False: the sum instead of the mean

    Input and target have one shape, or as many elements.

    Torch7 manual: criterion.md#nn.SoftMarginCriterion
    """

    def loss(self, x, t):
        return float(log1pexp(-x * t).sum())

    def derivative(self, x, t, dx):
        from scipy.special import expit

        expit(-x * t, dx)
        dx *= -t


class BCECriterion(Weighted, Elementwise):
    """L = -mean(w (t log(x + eps) + (1 - t) log(1 - x + eps))), dx = -w (t - x) / ((1 - x + eps) (x + eps)) / n, eps =
    1e-12.

    Parameters
    ----------
    weights
        one weight for each element of a sample, ``(n,)``
    sizeAverage
        False: the sum instead of the mean

    Raises a ValueError for an input outside 0..1.

    Torch7 manual: criterion.md#nn.BCECriterion
    """

    EPS = 1e-12

    def loss(self, x, t):
        if not ((x >= 0) & (x <= 1)).all():
            raise self.error(f'expected input between 0 and 1, got one from {x.min():g} to {x.max():g}')
        losses = t * np.log(x + self.EPS) + (1 - t) * np.log(1 - x + self.EPS)
        return -float((losses * self._weights(x.shape[-1])).sum())

    def derivative(self, x, t, dx):
        np.divide(x - t, (1 - x + self.EPS) * (x + self.EPS), dx)
        dx *= self._weights(x.shape[-1])


class MultiLabelSoftMarginCriterion(Weighted, Elementwise):
    """L = -mean(w (t log p + (1 - t) log(1 - p))), p = 1 / (1 + exp(-x)), for t of 0 or 1; dx = w (p - t) / n.

    Parameters
    ----------
    weights
        one weight for each class, ``(classes,)``
    sizeAverage
        False: the sum instead of the mean

    Torch7 manual: criterion.md#nn.MultiLabelSoftMarginCriterion
    """

    def __init__(self, weights: np.ndarray | None = None, sizeAverage: bool = True):
        super().__init__(weights, sizeAverage)
        self.sigmoid = Sigmoid()

    def loss(self, x, t):
        return float(((log1pexp(x) - x * t) * self._weights(x.shape[-1])).sum())

    def derivative(self, x, t, dx):
        np.subtract(self.sigmoid.updateOutput(x), t, dx)
        dx *= self._weights(x.shape[-1])


class ClassSimplexCriterion(MSECriterion):
    """`MSECriterion` of the input and its class's vertex of a regular simplex.

    The vertices are nClasses points at distance 1 from the origin, equally far from one another, in nClasses
    dimensions of which the last is 0. Input ``(nClasses,)`` with a number as target, or ``(N, nClasses)`` with
    ``(N,)``.

    Parameters
    ----------
    nClasses
        the number of classes, at least 2

    A target outside 1..nClasses is an IndexError, an input of another size a ValueError.

    >>> import numpy as np, t7nn as nn
    >>> criterion = nn.ClassSimplexCriterion(3)
    >>> criterion.simplex.round(3) + 0.0
    array([[ 1.   ,  0.   ,  0.   ],
           [-0.5  ,  0.866,  0.   ],
           [-0.5  , -0.866,  0.   ]])
    >>> criterion.getTopPrediction(np.array([[-0.2, 0.9, 0.1]]))
    array([2])

    Torch7 manual: criterion.md#nn.ClassSimplexCriterion
    """

    nClasses: int
    simplex: np.ndarray | None = None

    def __init__(self, nClasses: int):
        super().__init__()
        if nClasses <= 1:
            raise self.error(f'expected positive integer argument nClasses > 1, got {describe(nClasses)}')
        self.nClasses = int(nClasses)
        # Column k: the vertices up to k are placed. k goes as far out as the norm 1 allows, and all later ones to one
        # point that makes the inner product with k that of a regular simplex.
        self.simplex = simplex = np.zeros((self.nClasses, self.nClasses))
        for k in range(self.nClasses - 1):
            simplex[k, k] = math.sqrt(1 - simplex[k, :k].dot(simplex[k, :k]))
            simplex[k + 1 :, k] = (simplex[k, k] ** 2 - 1 - 1 / (self.nClasses - 1)) / simplex[k, k]

    def _checked(self, input: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The input and the simplex."""
        self.check_fields()
        input = self.check(input)
        if input.ndim not in (1, 2) or input.shape[-1] != self.nClasses or not input.size:
            raise self.error(f'expected input of size {self.nClasses} or a batch of such, got {describe(input)}')
        return input, self.check(self.simplex, 'simplex', (self.nClasses, self.nClasses))

    def pair(self, input, target):
        input, simplex = self._checked(input)
        labels = class_labels(self, target, input.shape[:-1] or (1,), self.nClasses)
        return input, simplex[labels].reshape(input.shape)

    def getPredictions(self, input: np.ndarray) -> np.ndarray:
        """How near each input is to each class's vertex: their inner products, ``(N, nClasses)``."""
        input, simplex = self._checked(input)
        return np.atleast_2d(input) @ simplex.T

    def getTopPrediction(self, input: np.ndarray) -> np.ndarray:
        """The nearest class of each input, from 1, ``(N,)``."""
        return self.getPredictions(input).argmax(1) + 1


class ClassNLLCriterion(Weighted):
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

    ignoreIndex: int = -100
    #: the numbers of dimensions that the input may have
    dimensions: tuple[int, ...] = (1, 2)

    def __init__(self, weights: np.ndarray | None = None, sizeAverage: bool = True, ignoreIndex: int = -100):
        super().__init__(weights, sizeAverage)
        self.ignoreIndex = ignoreIndex

    def _label(self, target: Any, classes: int) -> int:
        """The one class that `target` names, from 0; -1 where it is to be ignored."""
        if target.__class__ is int:
            if 1 <= target <= classes and target != self.ignoreIndex:
                return target - 1
        else:
            if isinstance(target, np.ndarray) and target.size == 1:
                target = target.item()
            if not isinstance(target, (int, float, np.integer, np.floating)) or isinstance(target, bool):
                raise self.error(f'expected a class as target, got {describe(target)}', TypeError)
        if target == self.ignoreIndex:
            return -1
        if not 1 <= target <= classes or target % 1:
            raise self.error(f'expected target in 1..{classes}, got {target}', IndexError)
        return int(target) - 1

    def _index(self, input: np.ndarray, target: Any) -> tuple[np.ndarray, ...]:
        """Where the targets stand in a batch: its index, whose second part is the classes from 0."""
        labels = class_labels(self, target, input.shape[:1], input.shape[1], self.ignoreIndex)
        kept = np.flatnonzero(labels >= 0)
        return kept, labels[kept]

    def _places(self, input: np.ndarray, target: Any) -> tuple[np.ndarray, Any, Any, float]:
        """The input after a check, where the targets stand in it, their weights, and what the sum is divided by."""
        if self.sizeAverage.__class__ is not bool or self.ignoreIndex.__class__ is not int:
            self.check_fields()
        if input.__class__ is not np.ndarray or input.dtype is not self.dtype or input is self.gradInput:
            input = self.check(input)
        if input.ndim not in self.dimensions:
            raise self.error(
                f'expected input of {" or ".join(map(str, self.dimensions))} dimensions, got shape {input.shape}'
            )
        if input.ndim == 1:
            label = self._label(target, len(input))
            weight = 0.0 if label < 0 else 1.0 if self.weights is None else self._weights(len(input)).item(label)
            return input, label, weight, weight if self.sizeAverage and weight else 1.0
        index = self._index(input, target)
        labels = index[1]
        if self.weights is None:
            weights, total = np.ones(labels.shape, input.dtype), labels.size
        else:
            weights = self._weights(input.shape[1])[labels]
            total = weights.sum().item()
        return input, index, weights, total if self.sizeAverage and total else 1.0

    def _is_plain(self, input: Any, target: Any) -> bool:
        """Whether `input` is a vector and `target` an int that names one of its classes, without weights and with
        nothing wrong or to be ignored. The loss is then -input[target - 1], and needs no `_places`, which would make a
        step of a 10-50-50-2 network 3 % longer."""
        return (
            self.weights is None
            and target.__class__ is int
            and input.__class__ is np.ndarray
            and input.dtype is self.dtype
            and input.ndim == 1
            and 0 < target <= len(input)
            and self.ignoreIndex.__class__ is int
            and target != self.ignoreIndex
            and self.sizeAverage.__class__ is bool
            and input is not self.gradInput
        )

    def updateOutput(self, input: np.ndarray, target: Any = None) -> float:
        if self._is_plain(input, target):
            self.output = -input.item(target - 1)
            return self.output
        input, places, weights, divisor = self._places(input, target)
        total = input.item(places) * weights if input.ndim == 1 else np.vdot(input[places], weights).item()
        self.output = -total / divisor
        return self.output

    def updateGradInput(self, input: np.ndarray, target: Any = None) -> np.ndarray:
        if self._is_plain(input, target):
            places, slope = target - 1, -1
        else:
            input, places, weights, divisor = self._places(input, target)
            slope = -weights / divisor
        gradInput = self.gradient_buffer(input)
        gradInput.fill(0)
        gradInput[places] = slope
        return gradInput


class SpatialClassNLLCriterion(ClassNLLCriterion):
    """`ClassNLLCriterion` at every pixel: input ``(N, classes, height, width)``, target ``(N, height, width)``.

    Parameters
    ----------
    weights, sizeAverage
        as of `ClassNLLCriterion`

    Torch7 manual: criterion.md#nn.SpatialClassNLLCriterion
    """

    dimensions = (4,)
    __init__ = Weighted.__init__  # no ignoreIndex: every pixel counts

    def _is_plain(self, input, target):
        return False  # an input is never a vector

    def _index(self, input, target):
        images, classes, height, width = input.shape
        labels = class_labels(self, target, (images, height, width), classes)
        image, row, column = np.ogrid[:images, :height, :width]
        return image, labels, row, column


class CrossEntropyCriterion(Criterion):
    """LogSoftMax and ClassNLLCriterion in one: L = -log(exp(x_t) / sum_j exp(x_j)).

    Dimensions of size 1 in input and target are dropped first; gradInput has the input's shape.

    Parameters
    ----------
    weights, sizeAverage
        as of `ClassNLLCriterion`

    Torch7 manual: criterion.md#nn.CrossEntropyCriterion
    """

    sizeAverage: bool = True
    oldSizeAverage: bool = True

    def __init__(self, weights: np.ndarray | None = None, sizeAverage: bool = True):
        super().__init__()
        self.lsm = LogSoftMax()
        self.nll = ClassNLLCriterion(weights, sizeAverage)
        self.sizeAverage = self.oldSizeAverage = sizeAverage

    def _squeezed(self, input: Any, target: Any) -> tuple[np.ndarray, Any]:
        self.check_fields()
        input = self.check(input)
        if not input.size:
            raise self.error(f'expected input of at least one element, got shape {input.shape}')
        if self.sizeAverage != self.oldSizeAverage:  # who sets nll.sizeAverage directly keeps it, as in Torch7
            self.nll.sizeAverage = self.oldSizeAverage = self.sizeAverage
        input = input.squeeze() if input.size > 1 else input.reshape(1)
        if isinstance(target, np.ndarray):
            target = target.squeeze() if target.size != 1 else target.reshape(1)
        return input, target

    def updateOutput(self, input: np.ndarray, target: Any = None) -> float:
        input, target = self._squeezed(input, target)
        self.output = self.nll.updateOutput(self.lsm.updateOutput(input), target)
        return self.output

    def updateGradInput(self, input: np.ndarray, target: Any = None) -> np.ndarray:
        squeezed, target = self._squeezed(input, target)
        if np.shape(self.lsm.output) != squeezed.shape:
            raise self.error(f'expected forward(input) first, for an input of shape {input.shape}')
        gradient = self.lsm.updateGradInput(squeezed, self.nll.updateGradInput(self.lsm.output, target))
        self.gradInput = gradient.reshape(np.shape(input))
        return self.gradInput


class ClassMargin(Weighted):
    """The base of margin losses over classes: every target class ought to exceed every other class by the margin.

    L = sum w[t] max(0, margin - x[t] + x[i])^p over the target classes t and the others i, divided by their number, and
    by that of the examples where `sizeAverage`. A loss says which are its targets in `_targets`.
    """

    p: int = 1
    margin: float = 1

    def _targets(self, input: np.ndarray, target: Any) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the 2-D input and the classes at them, both from 0, that are targets."""
        raise self.error('expected _targets(input, target)', TypeError)

    def _excess(self, input: np.ndarray, target: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any, int]:
        """How far each class comes into each target's margin, the targets' rows, classes and weights, and what the sum
        is divided by."""
        self.check_fields()
        if self.p not in (1, 2):
            raise self.error(f'expected 1 or 2 as p, got {self.p}')
        input = self.check(input)
        if input.ndim not in (1, 2) or not input.size:
            raise self.error(f'expected input of 1 or 2 dimensions and at least one element, got shape {input.shape}')
        x = np.atleast_2d(input)
        rows, labels = self._targets(input, target)
        excess = np.fmax(self.margin - x[rows, labels, None] + x[rows], 0)
        is_target = np.zeros(x.shape, bool)
        is_target[rows, labels] = True
        excess[is_target[rows]] = 0
        weights = 1 if self.weights is None else self._weights(x.shape[1])[labels, None]
        return excess, rows, labels, weights, x.size if self.sizeAverage else x.shape[1]

    def updateOutput(self, input: np.ndarray, target: Any = None) -> float:
        excess, _, _, weights, divisor = self._excess(input, target)
        self.output = float((excess**self.p * weights).sum()) / divisor
        return self.output

    def updateGradInput(self, input: np.ndarray, target: Any = None) -> np.ndarray:
        excess, rows, labels, weights, divisor = self._excess(input, target)
        gradInput = self.buffer_like('gradInput', input)
        gradInput.fill(0)
        dx = np.atleast_2d(gradInput)
        slopes = (excess > 0 if self.p == 1 else 2 * excess) * (weights / self.dtype.type(divisor))
        np.add.at(dx, rows, slopes)
        np.subtract.at(dx, (rows, labels), slopes.sum(1))
        return gradInput


class MultiMarginCriterion(ClassMargin):
    """L = sum_{i != t} w[t] max(0, margin - x[t] + x[i])^p / classes, averaged over the batch unless `sizeAverage` is
    false.

    Parameters
    ----------
    p
        1 or 2
    weights
        one weight for each class, ``(classes,)``
    margin
        by how much the target class ought to exceed every other one

    Input ``(classes,)`` with a class from 1 as target, or ``(N, classes)`` with ``(N,)``. Raises an IndexError for a
    target outside 1..classes.

    Torch7 manual: criterion.md#nn.MultiMarginCriterion
    """

    def __init__(self, p: int = 1, weights: np.ndarray | None = None, margin: float = 1):
        super().__init__(weights)
        if p not in (1, 2):
            raise self.error(f'only p=1 and p=2 supported, got {describe(p)}')
        self.p = p
        self.margin = margin

    def _targets(self, input, target):
        labels = class_labels(self, target, input.shape[:-1] or (1,), input.shape[-1])
        return np.arange(len(labels)), labels


class MultiLabelMarginCriterion(ClassMargin):
    """L = sum_{t, i} max(0, 1 - x[t] + x[i]) / classes over the target classes t and all others i, averaged over the
    batch unless `sizeAverage` is false.

    The target has the input's shape, ``(classes,)`` or ``(N, classes)``: each row lists its classes, from 1, and ends
    at the first 0. Raises an IndexError for a target outside 0..classes.

    Torch7 manual: criterion.md#nn.MultiLabelMarginCriterion
    """

    def __init__(self):
        super().__init__()

    def _targets(self, input, target):
        labels = np.atleast_2d(class_labels(self, target, input.shape, input.shape[-1], 0))
        listed = np.logical_and.accumulate(labels >= 0, 1)
        return listed.nonzero()[0], labels[listed]
