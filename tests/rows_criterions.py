"""Rows of the criterions."""

import numpy as np
from table import CriterionRow, Row, away_from_zero

import t7nn as nn


def uniform(*shape, low=0.1, high=0.9):
    """Probabilities or distances: values in low..high."""
    return lambda rng: rng.uniform(low, high, shape)


def bits(*shape):
    return lambda rng: rng.randint(0, 2, shape).astype(float)


def signs(*shape):
    return lambda rng: rng.randint(0, 2, shape) * 2.0 - 1


def classes(count, *shape, dtype=float):
    """Classes from 1 to `count`; a plain number without a shape."""
    return lambda rng: rng.randint(1, count + 1, shape).astype(dtype) if shape else int(rng.randint(1, count + 1))


def lists(*rows):
    """Lists of classes, ended by 0."""
    return lambda rng: np.array(rows)


def pair(*shape):
    return lambda rng: [away_from_zero(rng, *shape), away_from_zero(rng, *shape)]


def unlike(rng):
    """Two vectors far from one another."""
    return [away_from_zero(rng, 4) + 2, away_from_zero(rng, 4) - 2]


def constant(value):
    return lambda rng: value


def weights(count):
    return np.random.RandomState(9).uniform(0.5, 2, count)


def summed(criterion):
    criterion.sizeAverage = False
    return criterion


def one_each():
    return nn.ParallelCriterion().add(nn.ClassNLLCriterion(), 0.5).add(nn.MSECriterion())


def nested():
    return nn.ParallelCriterion().add(nn.AbsCriterion(), 0.4).add(one_each())


ROWS = [
    # regression
    CriterionRow(nn.MSECriterion, (5,), (5,)),
    CriterionRow(lambda: nn.MSECriterion(False), (4, 3), (4, 3)),
    CriterionRow(nn.MSECriterion, (2, 3, 2), (12,), batch=False),
    CriterionRow(nn.AbsCriterion, (4, 3), (4, 3)),
    CriterionRow(lambda: nn.AbsCriterion(False), (5,), (5,)),
    CriterionRow(nn.SmoothL1Criterion, (4, 3), (4, 3)),
    CriterionRow(lambda: nn.SmoothL1Criterion(False), (6,), (6,)),
    CriterionRow(lambda: nn.WeightedMSECriterion(weights(3)), (3,), (3,), batch=False),
    CriterionRow(lambda: nn.WeightedMSECriterion(weights(3)), (4, 3), (4, 3)),
    CriterionRow(lambda: summed(nn.WeightedMSECriterion(weights(6).reshape(2, 3))), (4, 2, 3), (4, 2, 3)),
    CriterionRow(nn.SpatialAutoCropMSECriterion, (2, 3, 2), (2, 6, 5)),
    CriterionRow(lambda: nn.SpatialAutoCropMSECriterion(False), (2, 2, 3, 2), (2, 2, 4, 2)),
    CriterionRow(nn.DistKLDivCriterion, uniform(4, 3, low=-3, high=0), uniform(4, 3)),
    CriterionRow(nn.DistKLDivCriterion, uniform(4, 3, low=-3, high=0), (4, 3)),
    CriterionRow(lambda: summed(nn.DistKLDivCriterion()), uniform(6, low=-3, high=0), bits(6)),
    CriterionRow(nn.L1Cost, (5,)),
    CriterionRow(nn.L1Cost, (4, 3)),
    CriterionRow(nn.L1Cost, lambda rng: away_from_zero(rng, 4, 3) * (np.arange(3) > 0)),
    # classification
    CriterionRow(nn.BCECriterion, uniform(6), bits(6)),
    CriterionRow(lambda: nn.BCECriterion(weights(3)), uniform(4, 3), bits(4, 3)),
    CriterionRow(lambda: nn.BCECriterion(None, False), uniform(4, 3), uniform(4, 3)),
    CriterionRow(nn.MarginCriterion, (6,), signs(6)),
    CriterionRow(lambda: summed(nn.MarginCriterion(0.5)), (4, 3), signs(4, 3)),
    CriterionRow(nn.SoftMarginCriterion, (6,), signs(6)),
    CriterionRow(lambda: summed(nn.SoftMarginCriterion()), (4, 3), signs(4, 3)),
    CriterionRow(nn.MultiLabelSoftMarginCriterion, (4, 3), bits(4, 3)),
    CriterionRow(lambda: nn.MultiLabelSoftMarginCriterion(weights(3)), (3,), bits(3), batch=False),
    CriterionRow(lambda: nn.MultiLabelSoftMarginCriterion(weights(3), False), (4, 3), bits(4, 3)),
    CriterionRow(lambda: nn.ClassSimplexCriterion(4), (4,), classes(4), batch=False),
    CriterionRow(lambda: nn.ClassSimplexCriterion(3), (6, 3), classes(3, 6)),
    CriterionRow(lambda: summed(nn.ClassSimplexCriterion(2)), (4, 2), classes(2, 4, dtype=int)),
    CriterionRow(nn.ClassNLLCriterion, (4,), classes(4), batch=False),
    CriterionRow(nn.ClassNLLCriterion, (4, 3), classes(3, 4)),
    CriterionRow(lambda: nn.ClassNLLCriterion(weights(3)), (3,), classes(3, 1), batch=False),
    CriterionRow(lambda: nn.ClassNLLCriterion(weights(3)), (4, 3), classes(3, 4, dtype=int)),
    CriterionRow(lambda: nn.ClassNLLCriterion(weights(3), False, 2), (6, 3), classes(3, 6)),
    CriterionRow(nn.CrossEntropyCriterion, (4,), classes(4), batch=False),
    CriterionRow(lambda: nn.CrossEntropyCriterion(weights(3)), (4, 3), classes(3, 4)),
    CriterionRow(lambda: nn.CrossEntropyCriterion(None, False), (4, 3, 1, 1), classes(3, 4, 1, 1)),
    CriterionRow(nn.SpatialClassNLLCriterion, (2, 3, 2, 4), classes(3, 2, 2, 4)),
    CriterionRow(lambda: nn.SpatialClassNLLCriterion(weights(3), False), (2, 3, 3, 2), classes(3, 2, 3, 2, dtype=int)),
    CriterionRow(nn.MultiMarginCriterion, (4,), classes(4), batch=False),
    CriterionRow(lambda: nn.MultiMarginCriterion(2), (4,), classes(4, 1), batch=False),
    CriterionRow(lambda: nn.MultiMarginCriterion(2, weights(3), 0.5), (4, 3), classes(3, 4)),
    CriterionRow(lambda: summed(nn.MultiMarginCriterion(1, weights(3))), (4, 3), classes(3, 4, dtype=int)),
    CriterionRow(nn.MultiLabelMarginCriterion, (4,), lists(3, 1, 0, 0), batch=False),
    CriterionRow(nn.MultiLabelMarginCriterion, (4, 3), lists([1, 0, 3], [3, 2, 0], [0, 0, 0], [2, 2, 0])),
    CriterionRow(lambda: summed(nn.MultiLabelMarginCriterion()), (2, 3), lists([3, 1, 2], [2, 0, 0])),
    # two inputs
    CriterionRow(nn.HingeEmbeddingCriterion, uniform(6, high=2), signs(6)),
    CriterionRow(lambda: summed(nn.HingeEmbeddingCriterion(0.5)), uniform(4, 3, high=2), signs(4, 3)),
    CriterionRow(lambda: nn.HingeEmbeddingCriterion(2), uniform(1), constant(-1), batch=False),
    CriterionRow(nn.L1HingeEmbeddingCriterion, pair(4), constant(1), batch=False),
    CriterionRow(lambda: nn.L1HingeEmbeddingCriterion(20), pair(4, 3), constant(-1), batch=False),
    CriterionRow(nn.L1HingeEmbeddingCriterion, unlike, constant(-1), batch=False),
    CriterionRow(nn.CosineEmbeddingCriterion, pair(4), constant(1), batch=False),
    CriterionRow(lambda: nn.CosineEmbeddingCriterion(-0.9), pair(4), lambda rng: np.array([-1.0]), batch=False),
    CriterionRow(lambda: nn.CosineEmbeddingCriterion(0.1), pair(6, 3), signs(6)),
    CriterionRow(lambda: summed(nn.CosineEmbeddingCriterion()), pair(6, 3), signs(6)),
    CriterionRow(nn.MarginRankingCriterion, pair(1), constant(1), batch=False),
    CriterionRow(lambda: nn.MarginRankingCriterion(0.1), pair(8), signs(8)),
    CriterionRow(lambda: summed(nn.MarginRankingCriterion(0.5)), pair(4, 3), signs(4, 3)),
    CriterionRow(nn.DistanceRatioCriterion, pair(6)),
    CriterionRow(lambda: nn.DistanceRatioCriterion(False), pair(4, 3)),
    # losses made of losses
    CriterionRow(lambda: nn.MultiCriterion().add(nn.MSECriterion()).add(nn.AbsCriterion(), 0.5), (4, 3), (4, 3)),
    CriterionRow(
        lambda: nn.MultiCriterion().add(one_each(), 2).add(one_each()),
        pair(4, 3),
        lambda rng: [classes(3, 4)(rng), away_from_zero(rng, 4, 3)],
    ),
    CriterionRow(one_each, pair(4, 3), lambda rng: [classes(3, 4)(rng), away_from_zero(rng, 4, 3)]),
    CriterionRow(
        lambda: nn.ParallelCriterion(True).add(nn.MSECriterion(), 2).add(nn.AbsCriterion()),
        pair(4, 3),
        (4, 3),
    ),
    CriterionRow(
        nested,
        lambda rng: [away_from_zero(rng, 6), pair(4, 3)(rng), away_from_zero(rng, 2)],  # the last one: no criterion
        lambda rng: [away_from_zero(rng, 6), [classes(3, 4)(rng), away_from_zero(rng, 4, 3)]],
    ),
    CriterionRow(lambda: nn.ModuleCriterion(nn.MSECriterion()), (4, 3), (4, 3)),
    CriterionRow(lambda: nn.ModuleCriterion(nn.ClassNLLCriterion(), nn.LogSoftMax()), (4, 3), classes(3, 4)),
    CriterionRow(
        lambda: nn.ModuleCriterion(nn.MSECriterion(), nn.Tanh(), nn.Sigmoid(), False),
        (4, 3),
        (4, 3),
        skip={'single_precision': 'castTarget is false, so the target must stay as it is'},
    ),
    CriterionRow(lambda: nn.ModuleCriterion(nn.MSECriterion(), None, nn.Exp()), (4, 3), (4, 3)),
    Row(
        lambda: nn.CriterionTable(nn.MSECriterion()),
        pair(3, 4),
        batch=False,
        skip={
            'input_gradient': 'it gives that of the input, not that of the target; tested in test_criterions.py',
            'single_precision': 'a loss is a number',
        },
    ),
]
