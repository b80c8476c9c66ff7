"""Rows of layers/transfer.py. Inputs lie in 0.1..1.1 of either sign; bounds are chosen between their values."""

from table import Row

import t7nn as nn


def wide(rng):
    """Values of either sign and of many sizes, away from 0."""
    return rng.choice([-1.0, 1.0], (4, 5)) * rng.choice([0.1, 0.7, 2.1, 5.3, 7.9, 23.7], (4, 5))


OWN_NAME = {'text': 'it prints CReLU(), as in Torch7'}

ROWS = [
    Row(lambda: nn.Tanh(), (4, 3)),
    Row(lambda: nn.Sigmoid(), (4, 3)),
    Row(lambda: nn.SoftMax(), (5,), batch=False),
    Row(lambda: nn.SoftMax(), (4, 5)),
    Row(lambda: nn.SoftMax(), (3, 2, 2), batch=False),
    Row(lambda: nn.SoftMax(), (2, 3, 2, 2)),
    Row(lambda: nn.LogSoftMax(), (5,), batch=False),
    Row(lambda: nn.LogSoftMax(), (4, 5)),
    Row(lambda: nn.LogSoftMax(), (3, 2, 2), batch=False),
    Row(lambda: nn.LogSoftMax(), (2, 3, 2, 2)),
    Row(lambda: nn.HardTanh(), wide),
    Row(lambda: nn.HardTanh(-0.35, 0.52), (7,), batch=False),
    Row(lambda: nn.Clamp(), wide),
    Row(lambda: nn.Clamp(-0.35, 0.52), (4, 3)),
    Row(lambda: nn.HardShrink(), wide),
    Row(lambda: nn.HardShrink(0.35), (7,), batch=False),
    Row(lambda: nn.SoftShrink(), wide),
    Row(lambda: nn.SoftShrink(0.35), (7,), batch=False),
    Row(lambda: nn.SoftPlus(), wide),
    Row(lambda: nn.SoftPlus(3), (2, 3, 2, 2)),
    Row(lambda: nn.SoftPlus(0.4), (7,), batch=False),
    Row(lambda: nn.SoftSign(), wide),
    Row(lambda: nn.SoftSign(), (7,), batch=False),
    Row(lambda: nn.LogSigmoid(), wide),
    Row(lambda: nn.LogSigmoid(), (7,), batch=False),
    Row(lambda: nn.TanhShrink(), wide),
    Row(lambda: nn.TanhShrink(), (7,), batch=False),
    Row(lambda: nn.GatedLinearUnit(), (4,), batch=False),
    Row(lambda: nn.GatedLinearUnit(), (3, 2, 4)),
    Row(lambda: nn.GatedLinearUnit(2), (3, 4, 2)),
    Row(lambda: nn.GatedLinearUnit(1), (4, 3), batch=False),
    Row(lambda: nn.SoftMin(), (5,), batch=False),
    Row(lambda: nn.SoftMin(), (4, 5)),
    Row(lambda: nn.SoftMin(), (3, 2, 2), batch=False),
    Row(lambda: nn.SpatialSoftMax(), (3, 2, 2), batch=False),
    Row(lambda: nn.SpatialSoftMax(), (2, 3, 2, 2)),
    Row(lambda: nn.SpatialLogSoftMax(), (3, 2, 2), batch=False),
    Row(lambda: nn.SpatialLogSoftMax(), (2, 3, 2, 2)),
]
