"""Rows of layers/upsampling.py."""

from table import Row

import t7nn as nn

ROWS = [
    Row(lambda: nn.PixelShuffle(2), (4, 8, 1, 2)),
    Row(lambda: nn.PixelShuffle(3), (18, 2, 1), batch=False),
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
