"""Checks for layers and criterions of one's own: every property that those of t7nn have, one function each.

>>> import numpy as np, t7nn as nn
>>> from t7nn.testing import check_module
>>> class Cube(nn.Module):
...     def updateOutput(self, input):
...         self.check(input)
...         self.output = input**3
...         return self.output
...     def updateGradInput(self, input, gradOutput):
...         self.gradInput = 2 * input**2 * gradOutput
...         return self.gradInput
>>> check_module(Cube(), np.array([[2.0]]))
Traceback (most recent call last):
AssertionError: nn.Cube, input_gradient: gradInput[0, 0] is ..., central differences give ...; input [[2.]], ...

The hypothesis strategies and the state machine stand in ``t7nn.testing.strategies`` and ``t7nn.testing.machine``
(``pip install t7nn[test]``).
"""

from .criterions import CRITERION_CHECKS
from .kit import check_criterion, check_module, report
from .modules import CHECKS
from .reference import assert_same
from .report import Check, Outcome, Report

__all__ = [
    'CHECKS',
    'CRITERION_CHECKS',
    'Check',
    'Outcome',
    'Report',
    'assert_same',
    'check_criterion',
    'check_module',
    'report',
]
