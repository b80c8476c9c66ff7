"""The table of configurations: one row for each way to use a class, on which every generic check runs.

The rows stand in ``rows_ROOM.py``, a list ``ROWS`` in each.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from t7nn import Module


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
        rng = np.random.RandomState(seed)
        return self.input(rng) if callable(self.input) else away_from_zero(rng, *self.input)


def away_from_zero(rng: np.random.RandomState, *shape: int) -> np.ndarray:
    """Values in 0.1..1.1 of either sign, no two equal: not near a kink at 0."""
    size = int(np.prod(shape))
    magnitudes = 0.1 + rng.permutation(size) / size + rng.rand(size) * 0.3 / size
    return (magnitudes * rng.choice([-1.0, 1.0], size)).reshape(shape)


def rows() -> dict[str, Row]:
    """All rows by a name that tells room, class and number."""
    found = {}
    for path in sorted(Path(__file__).parent.glob('rows_*.py')):
        for row in importlib.import_module(path.stem).ROWS:
            name = f'{path.stem[5:]}-{type(row.make()).__name__}'
            count = sum(key.rpartition('-')[0] == name for key in found) + 1
            found[f'{name}-{count}'] = row
    return found
