"""Rows of the poolings and unpoolings."""

from table import SEQUENTIAL, Row

import t7nn as nn


def fixed(module):
    """With the regions that the first forward draws."""
    return module.fixPoolingRegions()


def undone(pool, unpooling):
    return nn.Sequential().add(pool).add(nn.Tanh()).add(unpooling(pool))


def summing(module):
    module.divide = False
    return module


DRAWS = {
    'examples': 'the windows of an example alone are drawn anew',
    'evaluation': 'windows are drawn in evaluate mode too, as in Torch7',
}


def positive(*shape):
    return lambda rng: 0.1 + rng.rand(*shape)


ROWS = [
    Row(lambda: nn.TemporalMaxPooling(2), (7, 3), batch=False),
    Row(lambda: nn.TemporalMaxPooling(3, 2), (2, 8, 3)),
    Row(lambda: nn.TemporalMaxPooling(5, 1), (2, 8, 3)),
    Row(lambda: nn.TemporalDynamicKMaxPooling(2), (7, 3), batch=False),
    Row(lambda: nn.TemporalDynamicKMaxPooling(2, 0.5), (2, 7, 3)),
    Row(lambda: nn.SpatialMaxPooling(2, 2), (2, 2, 4, 6)),
    Row(lambda: nn.SpatialMaxPooling(3, 2, 2, 1, 1, 1), (2, 4, 5), batch=False),
    Row(lambda: nn.SpatialMaxPooling(3, 3, 2, 2).ceil(), (2, 2, 6, 6)),
    Row(lambda: nn.SpatialMaxPooling(2, 2, 2, 2, 1, 1).ceil(), (2, 2, 5, 6)),
    Row(lambda: nn.SpatialDilatedMaxPooling(2, 2, 1, 1, 0, 0, 2, 3), (2, 2, 5, 4)),
    Row(lambda: nn.SpatialDilatedMaxPooling(3, 3, 2, 1, 1, 1, 2, 2), (2, 6, 7), batch=False),
    Row(lambda: nn.SpatialDilatedMaxPooling(5, 1, 1, 1, 2, 0, 2, 1), (1, 2, 3, 7)),
    Row(lambda: nn.SpatialAveragePooling(2, 3), (2, 2, 4, 4)),
    Row(lambda: nn.SpatialAveragePooling(2, 2, 2, 2), (2, 4, 6), batch=False),
    Row(lambda: nn.SpatialAveragePooling(3, 2, 2, 2, 1, 1), (2, 2, 4, 5)),
    Row(lambda: nn.SpatialAveragePooling(3, 3, 2, 1, 1, 1).setCountExcludePad(), (2, 4, 5), batch=False),
    Row(lambda: nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1).ceil(), (2, 2, 6, 4)),
    Row(lambda: summing(nn.SpatialAveragePooling(2, 2, 2, 1)), (2, 2, 3, 4)),
    Row(lambda: nn.SpatialAdaptiveMaxPooling(3, 2), (2, 2, 5, 4)),
    Row(lambda: nn.SpatialAdaptiveMaxPooling(4, 5), (2, 3, 3), batch=False),
    Row(lambda: nn.SpatialAdaptiveAveragePooling(3, 2), (2, 2, 5, 4)),
    Row(lambda: nn.SpatialAdaptiveAveragePooling(4, 5), (2, 3, 3), batch=False),
    Row(lambda: nn.SpatialFractionalMaxPooling(2, 2, 3, 2), (2, 2, 5, 6), skip=DRAWS),
    Row(lambda: nn.SpatialFractionalMaxPooling(2, 3, 0.5, 0.6), (2, 8, 7), batch=False, skip=DRAWS),
    Row(lambda: fixed(nn.SpatialFractionalMaxPooling(2, 2, 1, 2)), (2, 5, 6), batch=False),
    Row(lambda: nn.SpatialLPPooling(2, 2, 2, 2), (2, 2, 4, 4), skip=SEQUENTIAL),
    Row(lambda: nn.SpatialLPPooling(2, 3, 3, 2, 1, 2), positive(2, 4, 6), batch=False, skip=SEQUENTIAL),
    Row(lambda: nn.FeatureLPPooling(3, 1, 2), (6,), batch=False),
    Row(lambda: nn.FeatureLPPooling(3, 2, 4), (7, 2, 2), batch=False),
    Row(lambda: nn.FeatureLPPooling(2, 2, 2, True), (3, 6)),
    Row(lambda: nn.FeatureLPPooling(2, 1, 3, True), positive(2, 3, 2, 2)),
    Row(lambda: undone(nn.SpatialMaxPooling(2, 2), nn.SpatialMaxUnpooling), (2, 2, 4, 6)),
    Row(
        lambda: undone(nn.SpatialMaxPooling(3, 2, 3, 2, 1, 1), nn.SpatialMaxUnpooling),
        (2, 4, 5),
        batch=False,
    ),
    Row(lambda: nn.VolumetricMaxPooling(2, 2, 2), (2, 2, 4, 4, 3)),
    Row(lambda: nn.VolumetricMaxPooling(2, 3, 2, 1, 2, 2, 1, 1, 0), (2, 3, 4, 5), batch=False),
    Row(lambda: nn.VolumetricMaxPooling(2, 3, 2, 2, 2, 2).ceil(), (1, 1, 3, 4, 5)),
    Row(lambda: nn.VolumetricDilatedMaxPooling(2, 2, 2, 1, 1, 1, 0, 0, 0, 2, 1, 2), (1, 2, 3, 4, 4)),
    Row(lambda: nn.VolumetricDilatedMaxPooling(1, 4, 1, 1, 1, 1, 0, 2, 0, 1, 2, 1), (2, 2, 2, 5), batch=False),
    Row(lambda: nn.VolumetricAveragePooling(2, 2, 2), (2, 1, 4, 4, 3)),
    Row(lambda: nn.VolumetricAveragePooling(2, 3, 1, 1, 2, 2), (2, 3, 4, 5), batch=False),
    Row(lambda: nn.VolumetricFractionalMaxPooling(2, 2, 2, 2, 3, 2), (1, 2, 4, 5, 4), skip=DRAWS),
    Row(lambda: nn.VolumetricFractionalMaxPooling(2, 2, 2, 0.5, 0.6, 0.4), (1, 5, 5, 6), batch=False, skip=DRAWS),
    Row(lambda: undone(nn.VolumetricMaxPooling(2, 2, 2), nn.VolumetricMaxUnpooling), (2, 1, 4, 4, 4)),
    Row(
        lambda: undone(nn.VolumetricMaxPooling(2, 3, 2, 2, 3, 2, 1, 1, 0), nn.VolumetricMaxUnpooling),
        (2, 3, 4, 5),
        batch=False,
    ),
]
