"""Rows of layers/padding.py."""

from table import Row

import t7nn as nn

ROWS = [
    Row(lambda: nn.Padding(1, 2), (3,), batch=False),
    Row(lambda: nn.Padding(2, -1), (4, 3)),
    Row(lambda: nn.Padding(1, 2, 2, -1.5), (4, 2, 3)),
    Row(lambda: nn.Padding(2, -2, None, 1, 3), (4, 3)),
    Row(lambda: nn.SpatialZeroPadding(1, 2, 3, 0), (2, 2, 2, 3)),
    Row(lambda: nn.SpatialZeroPadding(-1, 1, 0, -2), (2, 5, 4), batch=False),
    Row(lambda: nn.SpatialReflectionPadding(1, 2, 2, 0), (2, 2, 3, 4)),
    Row(lambda: nn.SpatialReflectionPadding(-1, 1, 2, -1), (2, 4, 4), batch=False),
    Row(lambda: nn.SpatialReplicationPadding(1, 2, 2, 0), (2, 2, 3, 4)),
    Row(lambda: nn.SpatialReplicationPadding(-1, 1, 2, -1), (2, 4, 4), batch=False),
    Row(lambda: nn.VolumetricReplicationPadding(1, 0, 2, 1, 0, 1), (2, 1, 2, 2, 3)),
    Row(lambda: nn.VolumetricReplicationPadding(-1, 1, 0, -1, 1, 0), (1, 2, 3, 3), batch=False),
]
