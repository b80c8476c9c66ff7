"""Rows of layers/normalization.py. In a batch norm's training batch the examples depend on one another. Thresholds of
the contrast layers lie below or above all deviations."""

import math

import numpy as np
from table import SEQUENTIAL, Row, evaluating

import t7nn as nn

SQUARE, TALL = np.array([[1.0, 2, 1], [2, 5, 3], [0, 1, 2]]), np.array([[1.0], [3], [2]])

VECTOR = np.array([0.5, 2, 1])


def off_centre(rng):
    """A mean far larger than the deviations."""
    return 7 + 0.5 * rng.randn(4, 3)


def running(module):
    """`module` with running averages other than those it begins with."""
    planes = len(module.running_mean)
    module.running_mean += np.linspace(-0.3, 0.4, planes)
    module.running_var *= np.linspace(0.5, 1.5, planes)
    return module


BATCH_OF_ONE = {'input_gradient': 'output and gradInput are a batch of one, as in Torch7'}

ROWS = [
    Row(lambda: nn.SpatialSubtractiveNormalization(), (2, 1, 4, 5)),
    Row(lambda: nn.SpatialSubtractiveNormalization(2, SQUARE), (2, 2, 3, 4)),
    Row(lambda: nn.SpatialSubtractiveNormalization(2, VECTOR), (2, 3, 4), batch=False),
    Row(lambda: nn.SpatialSubtractiveNormalization(1, TALL), (1, 1, 1), batch=False),
    Row(lambda: nn.SpatialDivisiveNormalization(), (2, 1, 4, 5)),
    Row(lambda: nn.SpatialDivisiveNormalization(2, VECTOR), (2, 2, 3, 4)),
    Row(lambda: nn.SpatialDivisiveNormalization(2, SQUARE, 9), (2, 3, 4), batch=False),
    Row(lambda: nn.SpatialDivisiveNormalization(2, TALL, 0.01, 0), (2, 3, 4), batch=False),
    Row(lambda: nn.SpatialContrastiveNormalization(), (2, 1, 4, 5)),
    Row(lambda: nn.SpatialContrastiveNormalization(2, SQUARE, 1e-3), (2, 2, 3, 4)),
    Row(lambda: nn.SpatialContrastiveNormalization(2, VECTOR), (2, 3, 4), batch=False),
    Row(lambda: nn.BatchNormalization(3), (4, 3), batch=False),
    Row(lambda: nn.BatchNormalization(3), off_centre, batch=False),
    Row(lambda: nn.BatchNormalization(3, 0.1, 0.4, False), (4, 3), batch=False),
    Row(lambda: running(nn.BatchNormalization(3)), (1, 3)),
    Row(lambda: evaluating(running(nn.BatchNormalization(3))), (4, 3)),
    Row(lambda: evaluating(running(nn.BatchNormalization(3))), (3,), batch=False, skip=BATCH_OF_ONE),
    Row(lambda: evaluating(running(nn.BatchNormalization(3, 0.1, 0.4, False))), (4, 3)),
    Row(lambda: nn.SpatialBatchNormalization(3), (2, 3, 2, 3), batch=False),
    Row(lambda: nn.SpatialBatchNormalization(3, 0.1, 0.4, False), (2, 3, 1, 1), batch=False),
    Row(lambda: evaluating(running(nn.SpatialBatchNormalization(3))), (2, 3, 2, 3)),
    Row(lambda: evaluating(running(nn.SpatialBatchNormalization(3))), (3, 2, 3), batch=False, skip=BATCH_OF_ONE),
    Row(lambda: nn.VolumetricBatchNormalization(2), (2, 2, 2, 1, 3), batch=False),
    Row(lambda: evaluating(running(nn.VolumetricBatchNormalization(2))), (2, 2, 2, 1, 3)),
    Row(lambda: nn.Normalize(2), (4, 3)),
    Row(lambda: nn.Normalize(2, 0.5), (5,), batch=False),
    Row(lambda: nn.Normalize(1), (4, 3)),
    Row(lambda: nn.Normalize(1.5), (4, 3)),
    Row(lambda: nn.Normalize(3), (5,), batch=False),
    Row(lambda: nn.Normalize(4, 0.1), (4, 3)),
    Row(lambda: nn.Normalize(math.inf), (4, 3)),
    Row(lambda: nn.Normalize(math.inf), (5,), batch=False),
    Row(lambda: nn.SpatialCrossMapLRN(3), (2, 5, 2, 3)),
    Row(lambda: nn.SpatialCrossMapLRN(3, 0.9, 0.6, 0.3), (2, 5, 2, 3)),
    Row(lambda: nn.SpatialCrossMapLRN(5, 0.9), (3, 2, 2), batch=False),
    Row(lambda: nn.SpatialCrossMapLRN(1, 0.9), (2, 2, 2, 2)),
    Row(lambda: nn.SpatialCrossMapLRN(9, 0.9, 0.5, 2), (2, 3, 2, 2)),
    Row(lambda: nn.LayerNormalization(3), (4, 3), skip=SEQUENTIAL),
    Row(lambda: nn.LayerNormalization(4, 0.5, 0.1), (4, 4), skip=SEQUENTIAL),
    Row(lambda: nn.LayerNormalization(5), (5,), batch=False, skip=SEQUENTIAL),
    Row(lambda: nn.LayerNormalization(3, None, 0.1, False), (4, 3), skip=SEQUENTIAL),
]
