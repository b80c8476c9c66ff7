"""Rows of layers/linear.py."""

import numpy as np
from table import SEQUENTIAL, Row, away_from_zero, evaluating

import t7nn as nn


def unbiased(layer):
    layer.noBias()
    return layer


def vectors(*sizes):
    """An input that is a table of batches of vectors."""
    return lambda rng: [away_from_zero(rng, 4, size) for size in sizes]


def partial(partition, **options):
    layer = nn.PartialLinear(3, 4, **options)
    layer.setPartition(np.array(partition))
    return layer


ROWS = [
    Row(lambda: nn.Linear(3, 2), (3,), batch=False),
    Row(lambda: nn.Linear(3, 2), (4, 3)),
    Row(lambda: nn.Linear(3, 2).noBias(), (4, 3)),
    Row(lambda: nn.Linear(3, 2, False), (3,), batch=False),
    Row(lambda: nn.Linear(1, 1), (1, 1)),
    # square: no shape gives away a transposed matrix, or a product that goes into the input
    Row(lambda: nn.Linear(3, 3), (3,), batch=False),
    Row(lambda: nn.Linear(3, 3), (3, 3)),
    Row(lambda: nn.LinearWeightNorm(3, 2), (3,), batch=False),
    Row(lambda: nn.LinearWeightNorm(3, 2), (4, 3)),
    Row(lambda: nn.LinearWeightNorm(3, 2, False), (4, 3)),
    Row(lambda: unbiased(nn.LinearWeightNorm(3, 2)), (4, 3)),
    Row(lambda: nn.LinearWeightNorm.fromLinear(nn.Linear(3, 2)), (4, 3)),
    Row(
        lambda: evaluating(nn.LinearWeightNorm(3, 2)),
        (4, 3),
        skip={'parameter_gradient': 'in evaluation the weight is worked out once, by evaluate()'},
    ),
    Row(lambda: nn.Bilinear(3, 2, 4), vectors(3, 2)),
    Row(lambda: nn.Bilinear(2, 3, 1, False), vectors(2, 3)),
    Row(lambda: nn.Bilinear(4, 4, 4), vectors(4, 4)),
    Row(lambda: nn.Maxout(3, 2, 4), (3,), batch=False, skip=SEQUENTIAL),
    Row(lambda: nn.Maxout(3, 2, 4), (4, 3), skip=SEQUENTIAL),
    Row(lambda: nn.Maxout(3, 2, 2, nn.Tanh()), (4, 3), skip=SEQUENTIAL),
    Row(lambda: nn.PartialLinear(3, 4), (4, 3)),
    Row(lambda: partial([4, 2]), (4, 3)),
    Row(lambda: partial([3], bias=False), (4, 3)),
]
