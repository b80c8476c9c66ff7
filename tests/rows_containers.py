"""Rows of the containers beyond the core."""

from table import Row

import t7nn as nn

ROWS = [
    Row(lambda: nn.DepthConcat(1).add(nn.Linear(3, 2)).add(nn.Linear(3, 4)), (3,), batch=False),
    Row(lambda: nn.DepthConcat(2).add(nn.Linear(3, 2)).add(nn.Identity()), (4, 3)),
    Row(lambda: nn.DepthConcat(2).add(nn.Linear(3, 2)).add(nn.Narrow(1, 2, 2)), (4, 3), batch=False),
    Row(
        lambda: nn.DepthConcat(2).add(nn.Narrow(3, 1, 1)).add(nn.Identity()).add(nn.Narrow(4, 2, 2)),
        (2, 2, 3, 4),
    ),
]
