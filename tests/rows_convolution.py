"""Rows of the convolutions: each class for one example and a batch, few planes and many, and its options."""

import numpy as np
from table import Row, away_from_zero

import t7nn as nn

TABLE = np.array([[1.0, 1], [2, 1], [2, 2], [3, 3], [1, 3]])


def with_target(*shapes):
    """An input {x, target} of these shapes."""
    return lambda rng: [away_from_zero(rng, *shape) for shape in shapes]


def used(layer, *shape):
    """A layer after its first forward, with which the weight of SpatialDepthWiseConvolution takes four dimensions."""
    layer.forward(np.zeros(shape))
    return layer


ROWS = [
    Row(lambda: nn.TemporalConvolution(3, 4, 2), (6, 3), batch=False),
    Row(lambda: nn.TemporalConvolution(3, 2, 3, 2), (2, 7, 3)),
    Row(lambda: nn.TemporalConvolution(9, 2, 3, 2), (8, 9), batch=False),
    Row(lambda: nn.TemporalConvolution(9, 2, 2), (3, 4, 9)),
    Row(lambda: nn.TemporalConvolution(2, 2, 1), (2, 3, 2)),
    Row(lambda: nn.TemporalRowConvolution(3, 2), (5, 3), batch=False),
    Row(lambda: nn.TemporalRowConvolution(3, 3, 2), (2, 7, 3)),
    Row(lambda: nn.TemporalRowConvolution(3, 2, 1, True), (2, 3, 5)),
    Row(lambda: nn.TemporalRowConvolution(2, 2).noBias(), (2, 4, 2)),
    Row(lambda: nn.TemporalSubSampling(3, 2, 2), (6, 3), batch=False),
    Row(lambda: nn.TemporalSubSampling(3, 3), (2, 5, 3)),
    Row(lambda: nn.SpatialConvolution(2, 3, 3, 2), (2, 4, 5), batch=False),
    Row(lambda: nn.SpatialConvolution(2, 3, 3, 2, 2, 1, 1, 0), (2, 2, 4, 5)),
    Row(lambda: nn.SpatialConvolution(2, 2, 2, 2, 1, 1, 1).noBias(), (2, 2, 3, 3)),
    Row(lambda: nn.SpatialConvolution(9, 2, 2, 3, 2, 2, 1, 1), (2, 9, 3, 4)),
    Row(lambda: nn.SpatialConvolution(9, 2, 3, 2), (9, 3, 4), batch=False),
    Row(lambda: nn.SpatialConvolution(3, 2, 1, 1), (2, 3, 2, 2)),
    Row(lambda: nn.SpatialConvolution(3, 2, 1, 1, 2, 2, 1), (2, 3, 2, 3)),
    Row(lambda: nn.SpatialConvolution(1, 2, 2, 2, 1, 1, -1), (2, 1, 5, 4)),
    Row(lambda: nn.SpatialConvolution(8, 1, 2, 2, 1, 2, 0, -1), (2, 8, 5, 4)),
    Row(lambda: nn.SpatialConvolutionMM(2, 3, 2, 3), (2, 2, 4, 3)),
    Row(lambda: nn.SpatialConvolutionMM(2, 2, 3, 3, 2, 2, 1, 0).noBias(), (2, 5, 4), batch=False),
    Row(lambda: nn.SpatialDilatedConvolution(2, 2, 3, 2, 1, 1, 1, 0, 2, 1), (2, 2, 3, 4)),
    Row(lambda: nn.SpatialDilatedConvolution(8, 1, 2, 3, 1, 2, 1, 1, 1, 3), (2, 8, 7, 3)),
    Row(lambda: nn.SpatialDilatedConvolution(8, 2, 2, 2, 1, 1, 0, 0, 2, 2).noBias(), (8, 3, 4), batch=False),
    Row(lambda: nn.SpatialConvolutionLocal(2, 2, 4, 3, 2, 2), (2, 3, 4), batch=False),
    Row(lambda: nn.SpatialConvolutionLocal(1, 2, 4, 3, 3, 2, 2, 1, 1, 0), (2, 1, 3, 4)),
    Row(lambda: used(nn.SpatialDepthWiseConvolution(2, 3, 3, 2), 2, 3, 4), (2, 3, 4), batch=False),
    Row(lambda: used(nn.SpatialDepthWiseConvolution(3, 2, 2, 3, 2, 1, 1, 0), 3, 3, 4), (2, 3, 3, 4)),
    Row(lambda: used(nn.SpatialDepthWiseConvolution(2, 1, 2, 2).noBias(), 2, 3, 4), (2, 2, 3, 4)),
    Row(lambda: nn.SpatialFullConvolution(2, 3, 3, 2), (2, 2, 2, 3)),
    Row(lambda: nn.SpatialFullConvolution(3, 2, 3, 4, 2, 2, 1, 1, 1, 0), (3, 3, 2), batch=False),
    Row(lambda: nn.SpatialFullConvolution(2, 9, 3, 2, 2, 1, 1).noBias(), (2, 2, 3, 2)),
    Row(lambda: nn.SpatialFullConvolution(2, 2, 3, 3, 2, 2, 1, 1), with_target((2, 2, 2, 3), (2, 1, 4, 5))),
    Row(lambda: nn.SpatialConvolutionMap(nn.tables.full(2, 3), 3, 2), (2, 2, 3, 4)),
    Row(lambda: nn.SpatialConvolutionMap(TABLE, 2, 2, 2, 1), (3, 3, 4), batch=False),
    Row(lambda: nn.SpatialConvolutionMap(nn.tables.oneToOne(2), 2, 2), (2, 3, 3, 3)),
    Row(lambda: nn.SpatialFullConvolutionMap(TABLE, 3, 2, 2, 1), (3, 2, 3), batch=False),
    Row(lambda: nn.SpatialFullConvolutionMap(nn.tables.full(2, 2), 2, 2), (2, 3, 2, 2)),
    Row(lambda: nn.SpatialSubSampling(2, 3, 2, 2, 1), (2, 3, 5), batch=False),
    Row(lambda: nn.SpatialSubSampling(3, 2, 2), (2, 3, 3, 4)),
    Row(lambda: nn.VolumetricConvolution(1, 2, 2, 3, 2), (2, 1, 3, 3, 4)),
    Row(lambda: nn.VolumetricConvolution(2, 2, 2, 2, 2, 2, 1, 2, 1, 0, 1), (2, 3, 3, 2), batch=False),
    Row(lambda: nn.VolumetricConvolution(8, 1, 2, 2, 2, 2, 1, 2, 1, 0, 1).noBias(), (2, 8, 3, 3, 2)),
    Row(lambda: nn.VolumetricDilatedConvolution(1, 2, 2, 2, 2, 1, 1, 1, 0, 0, 0, 1, 2, 2), (2, 1, 2, 3, 3)),
    Row(lambda: nn.VolumetricDilatedConvolution(8, 1, 2, 2, 1, 2, 1, 1, 1, 1, 0, 3, 2, 1), (8, 3, 2, 2), batch=False),
    Row(lambda: nn.VolumetricFullConvolution(1, 2, 2, 2, 3), (2, 1, 2, 2, 2)),
    Row(lambda: nn.VolumetricFullConvolution(2, 1, 2, 3, 3, 2, 2, 1, 0, 1, 1, 1, 0, 0), (2, 2, 2, 3), batch=False),
    Row(lambda: nn.VolumetricFullConvolution(1, 8, 1, 2, 2, 1, 2, 2), with_target((2, 1, 1, 2, 2), (2, 1, 1, 5, 4))),
]
