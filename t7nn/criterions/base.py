"""The bases of losses, and what they ask of targets."""

from typing import Any

import numpy as np

from ..blas import multiply
from ..module import Criterion
from ..tensors import describe, number, plain


class Elementwise(Criterion):
    """The base of losses that are a sum over elements, or their mean where ``sizeAverage`` is true.

    A loss says `loss(x, t)`, the sum, and `derivative(x, t, dx)`, which writes its derivative, divided by ``factor``,
    into dx. Input and target have one shape; a loss that takes other targets says in `pair` what they stand for.

    Parameters
    ----------
    sizeAverage
        False: the sum instead of the mean
    """

    #: a constant of the derivative, taken out of `derivative`
    factor: float = 1
    sizeAverage: bool = True
    #: the input and the target of the last forward, which backward need not check again
    _pair: tuple[Any, Any] = (object(), object())

    def __init__(self, sizeAverage: bool = True):
        super().__init__()
        self.sizeAverage = sizeAverage

    def loss(self, x: np.ndarray, t: np.ndarray) -> float:
        """The sum of the elements' losses."""
        raise self.error('expected loss(x, t) in every Elementwise criterion', TypeError)

    def derivative(self, x: np.ndarray, t: np.ndarray, dx: np.ndarray) -> None:
        """Write the derivative of the sum, divided by ``factor``, into dx."""
        raise self.error('expected derivative(x, t, dx) in every Elementwise criterion', TypeError)

    def pair(self, input: np.ndarray, target: Any) -> tuple[np.ndarray, np.ndarray]:
        """Input and target after a check, the target in the input's shape."""
        if (
            input.__class__ is target.__class__ is np.ndarray
            and input.dtype is target.dtype is self.dtype
            and input.shape == target.shape
            and input.size
            and input is not self.gradInput is not target
        ):
            return input, target
        input = self.check(input)
        if not input.size:
            raise self.error(f'expected input of at least one element, got shape {input.shape}')
        target = self.check(target, 'target')
        if target.size != input.size:
            raise self.error(
                f'expected target of {input.size} elements as in the input of shape {input.shape}, '
                f'got {describe(target)}'
            )
        return input, target.reshape(input.shape)

    def updateOutput(self, input: np.ndarray, target: Any = None) -> float:
        if self.sizeAverage.__class__ is not bool:
            self.check_fields()
        input, target = self._pair = self.pair(input, target)
        total = self.loss(input, target)
        self.output = total / input.size if self.sizeAverage else total
        return self.output

    def updateGradInput(self, input: np.ndarray, target: Any = None) -> np.ndarray:
        x, t = self._pair
        if input is not x or target is not t or self.sizeAverage.__class__ is not bool:
            self.check_fields()
            input, target = self.pair(input, target)
        gradInput = self.gradient_buffer(input)
        self.derivative(input, target, gradInput)
        factor = self.factor / input.size if self.sizeAverage else self.factor
        if factor != 1:
            multiply(gradInput, factor)
        return gradInput


def log1pexp(z: np.ndarray) -> np.ndarray:
    """log(1 + exp(z)) without overflow; twice as fast as np.logaddexp(0, z)."""
    return np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0)


class Weighted(Criterion):
    """The base of losses that take one weight for each class, or for each element of a sample. ``len`` is how many.

    Parameters
    ----------
    weights
        ``(classes,)``
    sizeAverage
        False: the sum instead of the mean
    """

    weights: np.ndarray | None = None
    sizeAverage: bool = True

    def __init__(self, weights: np.ndarray | None = None, sizeAverage: bool = True):
        super().__init__()
        self.sizeAverage = sizeAverage
        if weights is not None and (not isinstance(weights, np.ndarray) or weights.ndim != 1):
            raise self.error(f'weights input should be 1-D Tensor, got {describe(weights)}')
        self.weights = weights

    def __len__(self) -> int:
        return 0 if self.weights is None else len(self.weights)

    def __bool__(self) -> bool:
        return True

    def _weights(self, count: int) -> Any:
        """The weights, checked to be `count` of them; 1 where there are none."""
        if self.weights is None:
            return 1
        weights = self.check(self.weights, 'weights')
        if weights.shape != (count,):
            got = len(weights) if weights.ndim == 1 else describe(weights)
            raise self.error(f'expected weights for all {count} classes, got {got}')
        return weights


def label_array(criterion: Criterion, target: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The labels that `target` holds, numbers of any dtype, in an array of `shape`; one label may be a plain number."""

    def refuse(got: str) -> Exception:
        return criterion.error(f'expected a tensor of numbers as target, got {got}', TypeError)

    one = isinstance(target, (int, float, np.number)) and not isinstance(target, bool)
    labels = np.asarray(target) if one else plain(target, refuse)
    if labels.dtype.kind not in 'iuf':
        raise refuse(describe(target))
    if labels.shape != shape:
        if labels.ndim or shape != (1,):
            raise criterion.error(f'expected target of shape {shape}, got {describe(target)}')
        labels = labels.reshape(shape)
    return labels


def require(criterion: Criterion, labels: np.ndarray, valid: np.ndarray, expected: str) -> None:
    """Raise an IndexError that names the first of the `labels` that is not `valid`, and its position from 1."""
    if not valid.all():
        index = np.unravel_index(valid.argmin(), valid.shape)
        position = ', '.join(str(i + 1) for i in index)
        raise criterion.error(
            f'expected target {expected}, got {number(labels[index])} at position {position}', IndexError
        )


def class_labels(
    criterion: Criterion, target: Any, shape: tuple[int, ...], classes: int, none: int | None = None
) -> np.ndarray:
    """The classes, from 0, that `target` names from 1, in an array of `shape`; -1 for the label `none`, no class."""
    labels = label_array(criterion, target, shape)
    ignored = labels == none
    expected = f'in 1..{classes}' if none is None else f'in 1..{classes} or {none}'
    require(criterion, labels, (labels >= 1) & (labels <= classes) & (labels == np.floor(labels)) | ignored, expected)
    labels = labels.astype(np.int64) - 1
    labels[ignored] = -1
    return labels
