"""Rows of the padding and up-sampling layers."""

from table import Row

import t7nn as nn

ROWS = [
    Row(lambda: nn.SpatialZeroPadding(1, 2, 3, 0), (2, 2, 2, 3)),
    Row(lambda: nn.SpatialZeroPadding(-1, 1, 0, -2), (2, 5, 4), batch=False),
    Row(lambda: nn.SpatialReflectionPadding(1, 2, 2, 0), (2, 2, 3, 4)),
    Row(lambda: nn.SpatialReflectionPadding(-1, 1, 2, -1), (2, 4, 4), batch=False),
    Row(lambda: nn.SpatialReplicationPadding(1, 2, 2, 0), (2, 2, 3, 4)),
    Row(lambda: nn.SpatialReplicationPadding(-1, 1, 2, -1), (2, 4, 4), batch=False),
    Row(lambda: nn.VolumetricReplicationPadding(1, 0, 2, 1, 0, 1), (2, 1, 2, 2, 3)),
    Row(lambda: nn.VolumetricReplicationPadding(-1, 1, 0, -1, 1, 0), (1, 2, 3, 3), batch=False),
    Row(lambda: nn.SpatialUpSamplingNearest(2), (2, 2, 2, 3)),
    Row(lambda: nn.SpatialUpSamplingNearest(3), (2, 2, 2), batch=False),
    Row(lambda: nn.SpatialUpSamplingBilinear(2), (2, 2, 2, 3)),
    Row(lambda: nn.SpatialUpSamplingBilinear({'oheight': 5, 'owidth': 4}), (2, 3, 3), batch=False),
    Row(lambda: nn.SpatialUpSamplingBilinear({'oheight': 2, 'owidth': 3}), (2, 1, 5, 4)),
    Row(lambda: nn.UpSampling(2), (2, 2, 2, 2)),
    Row(lambda: nn.UpSampling(2, 'nearest'), (2, 1, 2, 2, 1)),
    Row(lambda: nn.UpSampling(2, 'linear'), (2, 2, 2, 3)),
    Row(lambda: nn.UpSampling({'oheight': 4, 'owidth': 5}, 'bilinear'), (2, 1, 3, 2)),
    Row(lambda: nn.UpSampling({'odepth': 3, 'oheight': 4, 'owidth': 1}, 'trilinear'), (2, 1, 2, 3, 2)),
]
