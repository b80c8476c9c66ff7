"""Rows of layers/identity.py."""

from table import ANY_DTYPE, PASSED_ON, Row, several

import t7nn as nn

ROWS = [
    Row(lambda: nn.Identity(), (2, 3), skip=PASSED_ON),
    Row(lambda: nn.Contiguous(), (2, 3)),
    Row(lambda: nn.Copy(), (4, 3), skip=ANY_DTYPE),
    Row(lambda: nn.Copy('float64', 'float64', True), (4, 3), skip=ANY_DTYPE),
    Row(lambda: nn.Identity('ignored', 3), several((4, 3), (4, 2)), skip=PASSED_ON),
    Row(lambda: nn.PrintSize(), (4, 3), skip=PASSED_ON),
    Row(lambda: nn.ZeroGrad(), (4, 3), skip={**PASSED_ON, 'input_gradient': 'its gradient is 0 on purpose'}),
    Row(lambda: nn.ZeroGrad(), several((4, 3), (4,)), skip={**PASSED_ON, 'input_gradient': '0 on purpose'}),
    Row(lambda: nn.L1Penalty(0.5), (4, 3), skip={'input_gradient': 'adds the gradient of the penalty'}),
    Row(
        lambda: nn.L1Penalty(0.1, True, False),
        (4, 3),
        batch=False,
        skip={'input_gradient': 'gives the gradient of the penalty'},
    ),
    Row(lambda: nn.GradientReversal(-1), (4, 3)),
    Row(lambda: nn.GradientReversal(-1), (7,), batch=False),
    Row(lambda: nn.GradientReversal(0.5), (4, 3), skip={'input_gradient': 'reversed on purpose'}),
]
