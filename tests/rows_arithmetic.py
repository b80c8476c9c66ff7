"""Rows of layers/arithmetic.py."""

import numpy as np
from table import Row, several

import t7nn as nn

IN_PLACE = {
    name: 'works in place, so the input is another one afterwards'
    for name in ('input_gradient', 'untouched', 'buffers', 'accumulation')
}

ROWS = [
    Row(lambda: nn.Sum(), (4,), batch=False),
    Row(lambda: nn.Sum(2), (4, 3)),
    Row(lambda: nn.Sum(1, 2), (4, 3, 2)),
    Row(lambda: nn.Sum(-1, None, True), (4, 2, 3)),
    Row(lambda: nn.Sum(2, None, False, False), (4, 3)),
    Row(lambda: nn.Mean(), (4, 3), batch=False),
    Row(lambda: nn.Mean(1, 1), (4, 3)),
    Row(lambda: nn.Max(), (5,), batch=False),
    Row(lambda: nn.Max(2), (4, 3)),
    Row(lambda: nn.Max(-1), (4, 2, 3)),
    Row(lambda: nn.Max(1, 2), (4, 3, 2)),
    Row(lambda: nn.Min(), (5,), batch=False),
    Row(lambda: nn.Min(2), (4, 3)),
    Row(lambda: nn.Min(1, 2), (4, 3, 2)),
    Row(lambda: nn.AddConstant(1.5), (4, 3)),
    Row(lambda: nn.AddConstant(np.array([1.0, 2.0, 3.0])), (4, 3)),
    Row(lambda: nn.AddConstant(np.array([1.0, 2.0, 3.0])), (3,), batch=False),
    Row(lambda: nn.AddConstant(-2, True), (4, 3), skip=IN_PLACE),
    Row(lambda: nn.MulConstant(2.5), (4, 3)),
    Row(lambda: nn.MulConstant(-0.5, True), (4, 3), skip=IN_PLACE),
    Row(lambda: nn.MM(), several((2, 3), (3, 4)), batch=False),
    Row(lambda: nn.MM(), several((4, 2, 3), (4, 3, 2))),
    Row(lambda: nn.MM(True), several((4, 3, 2), (4, 3, 2))),
    Row(lambda: nn.MM(False, True), several((2, 3), (4, 3)), batch=False),
    Row(lambda: nn.MM(True, True), several((4, 3, 2), (4, 2, 3))),
    Row(lambda: nn.MV(), several((2, 3), (3,)), batch=False),
    Row(lambda: nn.MV(), several((4, 3, 2), (4, 2))),
    Row(lambda: nn.MV(True), several((3, 2), (3,)), batch=False),
    Row(lambda: nn.MV(True), several((4, 3, 2), (4, 3))),
    Row(lambda: nn.Constant(3.5), (2, 2), batch=False, skip={'wrong_dtype': 'does not look at the input'}),
    Row(lambda: nn.Constant(np.array([[1.0, 2.0]]), 1), (4, 3)),
    Row(lambda: nn.Constant(np.array([1.0, 2.0]), 2), (2, 3), batch=False),
    Row(lambda: nn.Add(4), (4,), batch=False),
    Row(lambda: nn.Add(4), (3, 4)),
    Row(lambda: nn.Add(6), (3, 2, 3)),
    Row(lambda: nn.Add(1), (3, 1)),
    Row(lambda: nn.Add(4, True), (3, 4)),
    Row(lambda: nn.CAdd(4), (4,), batch=False),
    Row(lambda: nn.CAdd(2, 3), (4, 2, 3)),
    Row(lambda: nn.CAdd([1, 3]), (4, 3)),
    Row(lambda: nn.CAdd(3, 1), (3, 2), batch=False),
    Row(lambda: nn.CAdd(1, 3, 1, 1), (2, 3, 2, 2)),
    Row(lambda: nn.Mul(), (5,), batch=False),
    Row(lambda: nn.Mul(), (2, 3, 2)),
    Row(lambda: nn.CMul(4), (4,), batch=False),
    Row(lambda: nn.CMul(3, 2), (2, 3), batch=False),
    Row(lambda: nn.CMul(2, 3), (4, 2, 3)),
    Row(lambda: nn.CMul([1, 3]), (4, 3)),
    Row(lambda: nn.CMul(1, 3, 1, 1), (2, 3, 2, 2)),
    Row(lambda: nn.CMul(1), (2, 3)),
]
