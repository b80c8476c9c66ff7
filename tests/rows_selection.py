"""Rows of layers/selection.py."""

import numpy as np
from table import ANY_DTYPE, Row, away_from_zero

import t7nn as nn


def indexed(*shape, size, count):
    return lambda rng: [away_from_zero(rng, *shape), rng.randint(1, size + 1, count)]


def masked(*shape):
    return lambda rng: [away_from_zero(rng, *shape), (rng.rand(*shape) < 0.5).astype(np.uint8)]


ROWS = [
    Row(lambda: nn.Narrow(1, 2), (3,), batch=False, skip=ANY_DTYPE),
    Row(lambda: nn.Narrow(2, 2, 3), (4, 5), skip=ANY_DTYPE),
    Row(lambda: nn.Narrow(-1, 2, -2), (4, 2, 5), skip=ANY_DTYPE),
    Row(lambda: nn.Narrow(2, -1, 2), (4, 5), skip=ANY_DTYPE),
    Row(lambda: nn.Select(1, 2), (3, 4), batch=False, skip=ANY_DTYPE),
    Row(lambda: nn.Select(2, -1), (4, 3), skip=ANY_DTYPE),
    Row(lambda: nn.Select(-1, 1), (4, 2, 3), skip=ANY_DTYPE),
    Row(lambda: nn.Index(1), indexed(4, 3, size=4, count=6), batch=False),
    Row(lambda: nn.Index(2), indexed(2, 5, size=5, count=3), batch=False),
    Row(lambda: nn.Index(1), indexed(6, size=6, count=4), batch=False),
    Row(lambda: nn.MaskedSelect(), masked(7), batch=False),
    Row(lambda: nn.MaskedSelect(), masked(2, 3), batch=False),
]
