"""Rows of layers/distances.py."""

import numpy as np
from table import Row, away_from_zero, several

import t7nn as nn


def scaled():
    layer = nn.WeightedEuclidean(3, 4)
    layer.diagCov[...] = np.linspace(0.5, 2, 12).reshape(3, 4)
    return layer


def far(*shape):
    """Two tensors far apart, so that the 1e-6 of PairwiseDistance's gradient is small beside the distance."""
    return lambda rng: [10 * away_from_zero(rng, *shape), -9 * away_from_zero(rng, *shape)]


ROWS = [
    Row(lambda: nn.Euclidean(3, 4), (3,), batch=False),
    Row(lambda: nn.Euclidean(3, 4), (4, 3)),
    Row(lambda: nn.WeightedEuclidean(3, 4), (3,), batch=False),
    Row(scaled, (4, 3)),
    Row(lambda: nn.Cosine(3, 4), (3,), batch=False),
    Row(lambda: nn.Cosine(3, 4), (4, 3)),
    Row(lambda: nn.DotProduct(), several((4, 3), (4, 3))),
    Row(lambda: nn.DotProduct(), several((3,), (3,)), batch=False),
    Row(lambda: nn.CosineDistance(), several((4, 3), (4, 3))),
    Row(lambda: nn.CosineDistance(), several((3,), (3,)), batch=False),
    *(
        Row(lambda p=p: nn.PairwiseDistance(p), far(*shape), batch=len(shape) > 1)
        for p in (0.5, 1, 1.5, 2, 3)
        for shape in ((4, 3), (3,))
    ),
]
