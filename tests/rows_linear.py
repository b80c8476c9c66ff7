"""Rows of the layers with weights on vectors, and of those that compare with templates."""

import numpy as np
from table import Row, away_from_zero

import t7nn as nn

SEQUENTIAL = {'text': 'prints as the Sequential that it is, as in Torch7'}


def vectors(*sizes):
    """An input that is a table of batches of vectors."""
    return lambda rng: [away_from_zero(rng, 4, size) for size in sizes]


def scaled():
    layer = nn.WeightedEuclidean(3, 4)
    layer.diagCov[...] = np.linspace(0.5, 2, 12).reshape(3, 4)
    return layer


def evaluating(module):
    module.evaluate()
    return module


def unbiased(layer):
    layer.noBias()
    return layer


ROWS = [
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
    Row(lambda: nn.Maxout(3, 2, 4), (3,), batch=False, skip=SEQUENTIAL),
    Row(lambda: nn.Maxout(3, 2, 4), (4, 3), skip=SEQUENTIAL),
    Row(lambda: nn.Maxout(3, 2, 2, nn.Tanh()), (4, 3), skip=SEQUENTIAL),
    Row(lambda: nn.Add(4), (4,), batch=False),
    Row(lambda: nn.Add(4), (3, 4)),
    Row(lambda: nn.Add(6), (3, 2, 3)),
    Row(lambda: nn.Add(1), (3, 1)),
    Row(lambda: nn.Add(4, True), (3, 4)),
    Row(lambda: nn.CAdd(4), (4,), batch=False),
    Row(lambda: nn.CAdd(2, 3), (4, 2, 3)),
    Row(lambda: nn.CAdd([1, 3]), (4, 3)),
    Row(lambda: nn.CAdd(3, 1), (3, 2), batch=False),
    Row(lambda: nn.CAdd(1, 3, 1, 1), (2, 3, 2, 2)),
    Row(lambda: nn.Mul(), (5,), batch=False),
    Row(lambda: nn.Mul(), (2, 3, 2)),
    Row(lambda: nn.CMul(4), (4,), batch=False),
    Row(lambda: nn.CMul(3, 2), (2, 3), batch=False),
    Row(lambda: nn.CMul(2, 3), (4, 2, 3)),
    Row(lambda: nn.CMul([1, 3]), (4, 3)),
    Row(lambda: nn.CMul(1, 3, 1, 1), (2, 3, 2, 2)),
    Row(lambda: nn.CMul(1), (2, 3)),
    Row(lambda: nn.Euclidean(3, 4), (3,), batch=False),
    Row(lambda: nn.Euclidean(3, 4), (4, 3)),
    Row(lambda: nn.WeightedEuclidean(3, 4), (3,), batch=False),
    Row(scaled, (4, 3)),
    Row(lambda: nn.Cosine(3, 4), (3,), batch=False),
    Row(lambda: nn.Cosine(3, 4), (4, 3)),
]
