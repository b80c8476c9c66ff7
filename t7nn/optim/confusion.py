"""The confusion matrix of a classifier."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tensors import describe, number

__all__ = ['ConfusionMatrix']


class ConfusionMatrix:
    """Counts how often examples of each class were taken for each class.

    Parameters
    ----------
    nclasses
        the number of classes, or a list of their names
    classes
        their names

    Attributes
    ----------
    mat
        int64 (nclasses, nclasses): rows are true classes, columns predicted ones
    valids, unionvalids
        float32 (nclasses,), from `updateValids`: right among the examples of a class, and right among its examples
        and those taken for it; nan for a class that did not occur
    totalValid, averageValid, averageUnionValid
        right among all examples; the means of `valids` and `unionvalids`

    Torch7 optim: ConfusionMatrix

    >>> import numpy as np
    >>> confusion = ConfusionMatrix(['cat', 'dog'])
    >>> confusion.add(np.array([0.9, 0.1]), 1)
    >>> confusion.batchAdd(np.array([[0.2, 0.8], [0.3, 0.7], [0.6, 0.4]]), np.array([2, 1, 1]))
    >>> print(confusion)
    ConfusionMatrix:
    [[       2       1]   66.667%  [class: cat]
     [       0       1]]  100.000%  [class: dog]
     + average row correct: 83.333334326744%
     + average rowUcol correct (VOC measure): 58.333334326744%
     + global correct: 75%
    """

    def __init__(self, nclasses: int | Sequence[str], classes: Sequence[str] | None = None):
        if isinstance(nclasses, (list, tuple)):
            classes = nclasses
        try:
            size = len(nclasses) if isinstance(nclasses, (list, tuple)) else int(nclasses)  # type: ignore[arg-type]
            self.mat = np.zeros((size, size), np.int64)
        except (TypeError, ValueError):
            raise TypeError(
                f'optim.ConfusionMatrix: expected a number of classes or a list of their names, '
                f'got {describe(nclasses)}'
            ) from None
        self.nclasses = len(self.mat)
        self.classes = list(classes or ())
        self.zero()

    def zero(self) -> None:
        """Forget all examples."""
        self.mat.fill(0)
        self.valids = np.zeros(self.nclasses, np.float32)
        self.unionvalids = np.zeros(self.nclasses, np.float32)
        self.totalValid = self.averageValid = self.averageUnionValid = 0.0

    def add(self, prediction: Any, target: Any) -> None:
        """Count one example.

        Parameters
        ----------
        prediction, target
            each a class (from 1) or a vector whose largest element stands at the class. A target below 1 is missing
            and not counted.
        """
        if np.ndim(prediction) > 1 or np.ndim(target) > 1:
            raise ValueError(
                'optim.ConfusionMatrix: expected a class or a vector as prediction and target, '
                f'got {describe(prediction)} and {describe(target)}'
            )
        self._count(
            *(
                np.array([item] if np.ndim(item) == 0 else [1 + np.asarray(item, np.float32).argmax()])
                for item in (prediction, target)
            )
        )

    def batchAdd(self, predictions: np.ndarray, targets: np.ndarray) -> None:
        """Count a batch of examples.

        Parameters
        ----------
        predictions, targets
            each a vector of classes (from 1), or a matrix of rows whose largest element stands at the class. A target
            below 1 is missing and not counted.
        """
        self._count(self._classes('predictions', predictions), self._classes('targets', targets))

    @staticmethod
    def _classes(name: str, batch: np.ndarray) -> np.ndarray:
        batch = np.asarray(batch)
        if batch.ndim not in (1, 2):
            raise ValueError(f'optim.ConfusionMatrix: expected {name} with 1 or 2 dimensions, got {describe(batch)}')
        if batch.ndim == 2 and batch.shape[1] != 1:
            return 1 + batch.astype(np.float32, copy=False).argmax(1)  # in float32, as Torch7 compares them
        return batch.reshape(-1)

    def _count(self, predictions: np.ndarray, targets: np.ndarray) -> None:
        if len(predictions) != len(targets):
            raise ValueError(
                'optim.ConfusionMatrix: expected as many predictions as targets, '
                f'got {len(predictions)} and {len(targets)}'
            )
        counted = targets >= 1
        pair = []
        for name, given in ('targets', targets[counted]), ('predictions', predictions[counted]):
            index = given.astype(np.int64)
            wrong = given[(index < 1) | (index > self.nclasses) | (index != given)]
            if wrong.size:
                raise IndexError(
                    f'optim.ConfusionMatrix: expected classes from 1 to {self.nclasses} as {name}, got {wrong[0]}'
                )
            pair.append(index - 1)
        np.add.at(self.mat, tuple(pair), 1)

    def updateValids(self) -> None:
        """Compute the rates from the counts."""
        right, rows, columns = self.mat.diagonal(), self.mat.sum(1), self.mat.sum(0)
        with np.errstate(invalid='ignore'):  # a class without examples: 0 / 0
            self.valids[...] = right / rows
            self.unionvalids[...] = right / (rows + columns - right)
            self.totalValid = float(right.sum() / np.float64(self.mat.sum()))
        occurred = rows > 0
        self.averageValid, self.averageUnionValid = (
            sum(rates[occurred].tolist()) / occurred.sum() if occurred.any() else math.nan
            for rates in (self.valids, self.unionvalids)
        )

    def farFrr(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """False rejection and acceptance rates.

        Returns
        -------
        classFrrs, classFars, frrs, fars
            for every class (-1 where it did not occur), then for those that occurred. An example of a class is
            rejected where it was taken for another; the acceptance rate of a class is the mean, over the other
            classes, of how often they were taken for it.
        """
        rows = self.mat.sum(1)
        occurred = rows > 0
        rates = self.mat[occurred] / rows[occurred, None]
        own = rates[np.arange(len(rates)), np.flatnonzero(occurred)]
        rates[np.arange(len(rates)), np.flatnonzero(occurred)] = 0
        with np.errstate(invalid='ignore'):  # one class only: 0 / 0
            frrs, fars = 1 - own, rates.sum(0)[occurred] / np.float64(len(rates) - 1)
        classFrrs, classFars = np.full((2, self.nclasses), -1.0)
        classFrrs[occurred], classFars[occurred] = frrs, fars
        return classFrrs, classFars, frrs, fars

    def __str__(self) -> str:
        self.updateValids()
        largest = int(self.mat.max(initial=0))
        width = max(8, 1 + math.ceil(math.log10(largest))) if largest else 8
        lines = []
        for i, (row, valid) in enumerate(zip(self.mat, self.valids, strict=True)):
            start, end = '[[' if i == 0 else ' [', ']]' if i == self.nclasses - 1 else '] '
            counts = ''.join(f'{count:{width}d}' for count in row)
            name = f'\t[class: {self.classes[i] if i < len(self.classes) else ""}]' if self.classes else ''
            lines.append(f'{start}{counts}{end}  {100 * float(valid):.3f}% {name}\n')
        return (
            f'ConfusionMatrix:\n{"".join(lines)} + average row correct: {number(self.averageValid * 100)}% \n'
            f' + average rowUcol correct (VOC measure): {number(self.averageUnionValid * 100)}% \n'
            f' + global correct: {number(self.totalValid * 100)}%'
        )
