"""Rows of layers/decorators.py."""

from table import Row, evaluating

import t7nn as nn


def dont_cast(**kinds):
    return nn.DontCast(nn.Linear(3, 2), **kinds)


KEEPS_TYPE = {
    'single_precision': 'the module inside stays as it is, on purpose',
    'wrong_dtype': 'the module inside stays as it is, on purpose',
}

ROWS = [
    Row(lambda: nn.Decorator(nn.Linear(3, 2)), (4, 3)),
    Row(lambda: nn.Decorator(nn.Tanh()), (3,), batch=False),
    Row(lambda: nn.Bottle(nn.Linear(3, 2)), (4, 3)),
    Row(lambda: nn.Bottle(nn.Linear(3, 2)), (4, 2, 3)),
    Row(lambda: nn.Bottle(nn.Linear(3, 2)), (2, 2, 2, 3)),
    Row(lambda: nn.Bottle(nn.View(-1, 6), 3, 2), (2, 2, 2, 3)),
    Row(lambda: nn.Bottle(nn.Tanh(), 1), (2, 3)),
    Row(lambda: nn.WeightNorm(nn.Linear(3, 2)), (4, 3)),
    Row(lambda: nn.WeightNorm(nn.Linear(3, 2)), (3,), batch=False),
    Row(lambda: nn.WeightNorm(nn.Linear(3, 2, False)), (4, 3)),
    Row(lambda: nn.WeightNorm(nn.Linear(3, 2), 2), (4, 3)),
    Row(lambda: nn.WeightNorm(nn.CMul(1, 3)), (4, 3)),
    Row(
        lambda: evaluating(nn.WeightNorm(nn.Linear(3, 2))),
        (4, 3),
        skip={'parameter_gradient': 'in evaluation the weight is worked out once, by evaluate()'},
    ),
    Row(lambda: dont_cast(), (4, 3), skip=KEEPS_TYPE),
    Row(lambda: dont_cast(castin=True), (4, 3), skip=KEEPS_TYPE),
    Row(lambda: dont_cast(castin=False, castout=True), (4, 3), skip=KEEPS_TYPE),
    Row(lambda: nn.NaN(nn.Linear(3, 2), 'first'), (4, 3)),
    Row(lambda: nn.Profile(nn.Linear(3, 2), 1000), (4, 3)),
]
