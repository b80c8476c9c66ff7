"""Rows of layers/noise.py. A layer that draws gives other numbers for one example than for a batch of them; the
plane dropouts and WhiteNoise have no gradient at evaluation."""

from table import STOCHASTIC, Row, evaluating

import t7nn as nn

ROWS = [
    Row(lambda: nn.Dropout(0.4), (4, 3), batch=False),
    Row(lambda: evaluating(nn.Dropout(0.4)), (4, 3)),
    Row(lambda: nn.Dropout(0.4, True), (4, 3), batch=False),
    Row(lambda: evaluating(nn.Dropout(0.4, True)), (4, 3)),
    Row(lambda: evaluating(nn.Dropout(0.4, False, False, True)), (4, 3), batch=False, skip=STOCHASTIC),
    Row(lambda: nn.SpatialDropout(), (2, 3, 2, 2), batch=False),
    Row(lambda: nn.SpatialDropout(0.2, True), (5, 2, 3), batch=False, skip=STOCHASTIC),
    Row(lambda: nn.VolumetricDropout(), (2, 3, 2, 1, 2), batch=False),
    Row(lambda: nn.VolumetricDropout(0.2, True), (5, 2, 2, 2), batch=False, skip=STOCHASTIC),
    Row(lambda: nn.WhiteNoise(), (4, 3), batch=False),
    Row(lambda: nn.WhiteNoise(0.5, 2), (7,), batch=False),
]
