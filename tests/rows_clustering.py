"""Rows of the layers that find clusters."""

from table import Row

import t7nn as nn

OWN_LOSS = 'the layer has its own loss, whose gradient it follows, not that of its output'
SKIP = dict.fromkeys(('parameter_gradient', 'scale', 'backward', 'accumulation', 'update'), OWN_LOSS)

ROWS = [Row(lambda: nn.Kmeans(2, 3), (4, 3), batch=False, skip=SKIP)]
