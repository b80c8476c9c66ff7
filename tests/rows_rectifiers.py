"""Rows of layers/rectifiers.py. Inputs lie in 0.1..1.1 of either sign; bounds are chosen between their values."""

from table import Row, evaluating

import t7nn as nn


def wide(rng):
    """Values of either sign and of many sizes, away from 0."""
    return rng.choice([-1.0, 1.0], (4, 5)) * rng.choice([0.1, 0.7, 2.1, 5.3, 7.9, 23.7], (4, 5))


OWN_NAME = {'text': 'it prints CReLU(), as in Torch7'}

ROWS = [
    Row(lambda: nn.ReLU(), (4, 3)),
    Row(lambda: nn.Threshold(0.05, 0.2), (4, 3)),
    Row(lambda: nn.ReLU6(), wide),
    Row(lambda: nn.ReLU6(), (7,), batch=False),
    Row(lambda: nn.ELU(), (4, 3)),
    Row(lambda: nn.ELU(0.3), (7,), batch=False),
    Row(lambda: nn.LeakyReLU(), (4, 3)),
    Row(lambda: nn.LeakyReLU(-0.3, True), (7,), batch=False),
    Row(lambda: nn.PReLU(), (4, 3)),
    Row(lambda: nn.PReLU(), (7,), batch=False),
    Row(lambda: nn.PReLU(3), (4, 3)),
    Row(lambda: nn.PReLU(3), (3,), batch=False),
    Row(lambda: nn.PReLU(3), (2, 3, 2, 2)),
    Row(lambda: nn.RReLU(), (4, 3), batch=False),
    Row(lambda: nn.RReLU(0.2, 0.2), (4, 3)),
    Row(lambda: evaluating(nn.RReLU(0.1, 0.9)), (4, 3)),
    Row(lambda: nn.CReLU(1), (4, 3), skip=OWN_NAME),
    Row(lambda: nn.CReLU(1), (3,), batch=False, skip=OWN_NAME),
    Row(lambda: nn.CReLU(3), (2, 3, 2, 2), skip=OWN_NAME),
    Row(lambda: nn.CReLU(2, True), (3, 2), batch=False, skip=OWN_NAME | {'untouched': 'in place the gradient is'}),
]
