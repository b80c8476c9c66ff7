"""Rows of the layers that compare a pixel with its neighbourhood. Thresholds lie below or above all deviations."""

import numpy as np
from table import Row

import t7nn as nn

SQUARE, TALL = np.array([[1.0, 2, 1], [2, 5, 3], [0, 1, 2]]), np.array([[1.0], [3], [2]])
VECTOR = np.array([0.5, 2, 1])

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
]
