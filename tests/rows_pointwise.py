"""Rows of layers/pointwise.py."""

import numpy as np
from table import Row, away_from_zero

import t7nn as nn


def positive(*shape):
    return lambda rng: np.abs(away_from_zero(rng, *shape))


ROWS = [
    Row(lambda: nn.Exp(), (4, 3)),
    Row(lambda: nn.Abs(), (4, 3)),
    Row(lambda: nn.Exp(), (3,), batch=False),
    Row(lambda: nn.Log(), positive(4, 3)),
    Row(lambda: nn.Sqrt(), positive(4, 3)),
    Row(lambda: nn.Sqrt(0.1), positive(4, 3)),
    Row(
        lambda: nn.Sqrt(),
        lambda rng: positive(4, 3)(rng) * (np.arange(3) > 0),
        skip={'input_gradient': 'at 0 the slope is infinite, and gradInput 0 as in Torch7'},
    ),
    Row(lambda: nn.Square(), (4, 3)),
    Row(lambda: nn.Power(3), (4, 3)),
    Row(lambda: nn.Power(-0.5), positive(4, 3)),
]
