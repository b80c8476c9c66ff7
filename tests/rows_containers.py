"""Rows of layers/containers.py."""

from table import PASSED_ON, Row

import t7nn as nn


def mlp():
    return nn.Sequential().add(nn.Linear(3, 4)).add(nn.Tanh()).add(nn.Linear(4, 2))


ROWS = [
    Row(mlp, (5, 3)),
    Row(mlp, (3,), batch=False),
    Row(lambda: nn.Sequential(), (2, 3), skip=PASSED_ON),
    Row(lambda: nn.Concat(1).add(nn.Linear(3, 2)).add(mlp()), (3,), batch=False),
    Row(lambda: nn.Concat(2).add(nn.Linear(3, 2)).add(nn.Identity()), (4, 3)),
    Row(lambda: nn.Parallel(1, 1).add(nn.Linear(3, 2)).add(nn.Linear(3, 1)), (2, 3), batch=False),
    Row(lambda: nn.Parallel(2, 2).add(nn.Linear(3, 2)).add(mlp()), (4, 2, 3)),
    Row(lambda: nn.DepthConcat(1).add(nn.Linear(3, 2)).add(nn.Linear(3, 4)), (3,), batch=False),
    Row(lambda: nn.DepthConcat(2).add(nn.Linear(3, 2)).add(nn.Identity()), (4, 3)),
    Row(lambda: nn.DepthConcat(2).add(nn.Linear(3, 2)).add(nn.Narrow(1, 2, 2)), (4, 3), batch=False),
    Row(
        lambda: nn.DepthConcat(2).add(nn.Narrow(3, 1, 1)).add(nn.Identity()).add(nn.Narrow(4, 2, 2)),
        (2, 2, 3, 4),
    ),
]
