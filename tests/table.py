"""The table of configurations: one row for each way to use a class, on which every generic check runs.

The rows stand in ``rows_M.py``, where M is the module or package in t7nn/layers with the classes; those of criterions
in ``rows_criterions.py``. Each has a list ``ROWS`` of a `Row` for a module, of a `CriterionRow` for a criterion.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from t7nn import Criterion, Module


@dataclass
class Row:
    """One configuration.

    Attributes
    ----------
    make
        builds a fresh module: ``lambda: nn.Linear(3, 2)``
    input
        the shape of the input, whose values are then drawn and lie away from 0, or a function of a
        `numpy.random.RandomState` that gives the input: an array, or a table
    batch
        whether the first dimension counts independent examples, so that each of them alone gives its own slice of the
        result
    skip
        checks (by name) that do not make sense for the row, each with the reason why
    """

    make: Callable[[], Module]
    input: tuple[int, ...] | Callable[[np.random.RandomState], Any]
    batch: bool = True
    skip: dict[str, str] = field(default_factory=dict)

    def draw(self, seed: int = 0) -> Any:
        """An input; the same one for the same seed."""
        return drawn(np.random.RandomState(seed), self.input)


@dataclass
class CriterionRow:
    """One configuration of a criterion.

    Attributes
    ----------
    make
        builds a fresh criterion
    input, target
        as the `input` of a `Row`; None: no target
    batch
        whether the first dimension of every tensor counts examples, so that fewer of them are valid as well
    skip
        checks (by name) that do not make sense for the row, each with the reason why
    """

    make: Callable[[], Criterion]
    input: tuple[int, ...] | Callable[[np.random.RandomState], Any]
    target: tuple[int, ...] | Callable[[np.random.RandomState], Any] | None = None
    batch: bool = True
    skip: dict[str, str] = field(default_factory=dict)

    def draw(self, seed: int = 0) -> tuple[Any, Any]:
        """An input and a target; the same ones for the same seed."""
        rng = np.random.RandomState(seed)
        input = drawn(rng, self.input)
        return input, None if self.target is None else drawn(rng, self.target)


def drawn(rng: np.random.RandomState, what: tuple[int, ...] | Callable[[np.random.RandomState], Any]) -> Any:
    """Values of a shape, or what a function of `rng` gives."""
    return what(rng) if callable(what) else away_from_zero(rng, *what)


def away_from_zero(rng: np.random.RandomState, *shape: int) -> np.ndarray:
    """Values in 0.1..1.1 of both signs, no two equal: on both sides of a kink at 0, and not near it."""
    size = int(np.prod(shape))
    magnitudes = 0.1 + rng.permutation(size) / size + rng.rand(size) * 0.3 / size
    signs = rng.choice([-1.0, 1.0], size)
    if size > 1 and abs(signs.sum()) == size:
        signs[0] = -signs[0]
    return (magnitudes * signs).reshape(shape)


def several(*shapes: tuple[int, ...] | list[Any]) -> Callable[[np.random.RandomState], list[Any]]:
    """An input that is a table of tensors, of tables where there is a list in the place of a shape."""
    return lambda rng: [
        several(*shape)(rng) if isinstance(shape, list) else away_from_zero(rng, *shape) for shape in shapes
    ]


def evaluating(module: Module) -> Module:
    """The module in the mode `evaluate` puts it in."""
    module.evaluate()
    return module


# What several files have to skip

ANY_DTYPE = {'wrong_dtype': 'takes tensors of every dtype'}
PASSED_ON = {'wrong_dtype': 'passes on whatever comes'}
SEQUENTIAL = {'text': 'prints as the Sequential that it is, as in Torch7'}
STOCHASTIC = {'evaluation': 'it draws in evaluate mode too, as it was asked to'}

COMPARES = {'nan': 'as in Torch7 a comparison decides, and none is true of NaN'}
HINGE = {'nan': 'as in Torch7 max(0, NaN) is 0'}
NO_ROWS = {'empty_batch': 'the mean over no examples is a division by zero'}
LOSS_LAYER = {'nan': 'gradInput is that of its loss, whatever gradOutput is'}
#: checks that do not make sense for any configuration of a class, each with the reason why
CLASSES: dict[str, dict[str, str]] = {
    **dict.fromkeys(('HardTanh', 'Clamp', 'HardShrink', 'SoftShrink', 'Threshold', 'ReLU', 'ReLU6', 'CReLU'), COMPARES),
    **dict.fromkeys(('CMaxTable', 'CMinTable', 'Inception', 'Kmeans', 'TemporalMaxPooling'), COMPARES),
    **dict.fromkeys(('SpatialMaxPooling', 'SpatialDilatedMaxPooling', 'SpatialAdaptiveMaxPooling'), COMPARES),
    **dict.fromkeys(('VolumetricMaxPooling', 'VolumetricDilatedMaxPooling'), COMPARES),
    **dict.fromkeys(('MarginCriterion', 'MultiLabelMarginCriterion', 'MultiMarginCriterion'), HINGE),
    'HingeEmbeddingCriterion': HINGE,
    **dict.fromkeys(('CosineEmbeddingCriterion', 'MarginRankingCriterion'), HINGE | NO_ROWS),
    'DistanceRatioCriterion': NO_ROWS,
    **dict.fromkeys(('L1Penalty', 'CriterionTable'), LOSS_LAYER),
}


def rows(kind: type = Row) -> dict[str, Any]:
    """All rows of a `kind` by a name that tells file, class and number."""
    found = {}
    for path in sorted(Path(__file__).parent.glob('rows_*.py')):
        for row in importlib.import_module(path.stem).ROWS:
            if not isinstance(row, kind):
                continue
            class_name = type(row.make()).__name__
            row.skip = {**CLASSES.get(class_name, {}), **row.skip}
            name = f'{path.stem[5:]}-{class_name}'
            count = sum(key.rpartition('-')[0] == name for key in found) + 1
            found[f'{name}-{count}'] = row
    return found
