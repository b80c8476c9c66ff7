"""Rows of the core classes: containers, Linear, Dropout, shapes, the first transfer functions."""

from table import Row

import t7nn as nn


def evaluating(module):
    module.evaluate()
    return module


def mlp():
    return nn.Sequential().add(nn.Linear(3, 4)).add(nn.Tanh()).add(nn.Linear(4, 2))


PASSES_ON = {'wrong_dtype': 'it passes on whatever it gets'}

ROWS = [
    Row(lambda: nn.Linear(3, 2), (3,), batch=False),
    Row(lambda: nn.Linear(3, 2), (4, 3)),
    Row(lambda: nn.Linear(3, 2).noBias(), (4, 3)),
    Row(lambda: nn.Linear(3, 2, False), (3,), batch=False),
    Row(lambda: nn.Linear(1, 1), (1, 1)),
    Row(mlp, (5, 3)),
    Row(mlp, (3,), batch=False),
    Row(lambda: nn.Sequential(), (2, 3), skip=PASSES_ON),
    Row(lambda: nn.Concat(1).add(nn.Linear(3, 2)).add(mlp()), (3,), batch=False),
    Row(lambda: nn.Concat(2).add(nn.Linear(3, 2)).add(nn.Identity()), (4, 3)),
    Row(lambda: nn.Parallel(1, 1).add(nn.Linear(3, 2)).add(nn.Linear(3, 1)), (2, 3), batch=False),
    Row(lambda: nn.Parallel(2, 2).add(nn.Linear(3, 2)).add(mlp()), (4, 2, 3)),
    Row(lambda: nn.Identity(), (2, 3), skip=PASSES_ON),
    Row(lambda: nn.Dropout(0.4), (4, 3), batch=False),
    Row(lambda: evaluating(nn.Dropout(0.4)), (4, 3)),
    Row(lambda: nn.Dropout(0.4, True), (4, 3), batch=False),
    Row(lambda: evaluating(nn.Dropout(0.4, True)), (4, 3)),
    Row(lambda: evaluating(nn.Dropout(0.4, False, False, True)), (4, 3), batch=False),
    Row(lambda: nn.Reshape(2, 3), (4, 6)),
    Row(lambda: nn.Reshape(3, 2), (2, 3), batch=False),
    Row(lambda: nn.Reshape(6, True), (1, 2, 3)),
    Row(lambda: nn.View(-1), (2, 3), batch=False),
    Row(
        lambda: nn.View(6),
        (4, 2, 3),
        skip={'examples': 'a batch of one is not told from a single example, as in Torch7'},
    ),
    Row(lambda: nn.View(-1).setNumInputDims(2), (4, 2, 3)),
    Row(lambda: nn.Tanh(), (4, 3)),
    Row(lambda: nn.Exp(), (4, 3)),
    Row(lambda: nn.Sigmoid(), (4, 3)),
    Row(lambda: nn.ReLU(), (4, 3)),
    Row(lambda: nn.Threshold(0.05, 0.2), (4, 3)),
    Row(lambda: nn.SoftMax(), (5,), batch=False),
    Row(lambda: nn.SoftMax(), (4, 5)),
    Row(lambda: nn.SoftMax(), (3, 2, 2), batch=False),
    Row(lambda: nn.SoftMax(), (2, 3, 2, 2)),
    Row(lambda: nn.LogSoftMax(), (5,), batch=False),
    Row(lambda: nn.LogSoftMax(), (4, 5)),
    Row(lambda: nn.LogSoftMax(), (3, 2, 2), batch=False),
    Row(lambda: nn.LogSoftMax(), (2, 3, 2, 2)),
]
