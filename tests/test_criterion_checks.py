"""Every rule of criterion_checks finds the bug that it is there for."""

import numpy as np
import pytest
from criterion_checks import CHECKS, check_criterion
from table import away_from_zero

import t7nn as nn

EXAMPLE = away_from_zero(np.random.RandomState(0), 4, 3), away_from_zero(np.random.RandomState(1), 4, 3)


class SlightlyOff(nn.MSECriterion):
    def derivative(self, x, t, dx):
        super().derivative(x, t, dx)
        dx *= 1.001


class OneElementOff(nn.MSECriterion):
    def derivative(self, x, t, dx):
        super().derivative(x, t, dx)
        dx.flat[1] += 0.001


class Transposed(nn.MSECriterion):
    def updateGradInput(self, input, target=None):
        self.gradInput = super().updateGradInput(input, target).T
        return self.gradInput


class LossIsAnArray(nn.MSECriterion):
    def updateOutput(self, input, target=None):
        self.output = np.array([super().updateOutput(input, target)])
        return self.output


class ForgetsItsGradient(nn.MSECriterion):
    def updateGradInput(self, input, target=None):
        return super().updateGradInput(input, target).copy()


class GradientIsTheTarget(nn.MSECriterion):
    def updateGradInput(self, input, target=None):
        target[...] = super().updateGradInput(input, target)
        self.gradInput = target
        return target


class StaysDouble(nn.MSECriterion):
    def updateGradInput(self, input, target=None):
        self.gradInput = super().updateGradInput(input, target).astype(float)
        return self.gradInput


class Coarse(nn.MSECriterion):
    def loss(self, x, t):
        return super().loss(x.astype(np.float16) if x.dtype == np.float32 else x, t)


class InMemoryOrder(nn.MSECriterion):
    def loss(self, x, t):
        return super().loss(x.ravel('K'), t.ravel())


class WritesInput(nn.MSECriterion):
    def loss(self, x, t):
        x -= t
        return super().loss(x, 0)


class WritesTarget(nn.MSECriterion):
    def derivative(self, x, t, dx):
        super().derivative(x, t, dx)
        t[...] = 0


class DependsOnTheLastCall(nn.MSECriterion):
    def loss(self, x, t):
        last, self._last = getattr(self, '_last', 0), super().loss(x, t)
        return self._last + last


class NeverShrinks(nn.MSECriterion):
    def loss(self, x, t):
        self._largest = max(getattr(self, '_largest', 0), x.size)
        return super().loss(x, t) * x.size / self._largest


class AddsUp(nn.MSECriterion):
    def updateGradInput(self, input, target=None):
        old = self.gradInput if self.gradInput.shape == input.shape else 0
        self.gradInput = old + super().updateGradInput(input, target).copy()
        return self.gradInput


class ClonesToItself(nn.MSECriterion):
    def clone(self):
        return self


class HoldsAFunction(nn.MSECriterion):
    def __init__(self):
        super().__init__()
        self.weight = lambda: 1


class LosesAField(nn.MSECriterion):
    def __init__(self):
        super().__init__()
        self._factor = 2

    def loss(self, x, t):
        return getattr(self, '_factor', 1) * super().loss(x, t)


class SharesItsGradient(nn.MSECriterion):
    common = np.zeros((4, 3))

    def updateGradInput(self, input, target=None):
        self.common[...] = super().updateGradInput(input, target)
        self.gradInput = self.common
        return self.common


class TakesEveryDtype(nn.MSECriterion):
    def check(self, tensor, what='input'):
        pass


class TakesEveryForm(nn.MSECriterion):
    def updateOutput(self, input, target=None):
        return super().updateOutput(input[0] if isinstance(input, list) else input, target)


class BrokenAfterAnError(nn.MSECriterion):
    def check(self, tensor, what='input'):
        self.sizeAverage = False
        super().check(tensor, what)


BUGS = [
    ('gradient', SlightlyOff, 'the loss rises by'),
    ('gradient', OneElementOff, r'at \(0, 1\) of tensor 1'),
    ('gradient', Transposed, r'gradInput of shape \(4, 3\) needed'),
    ('form', Transposed, 'gradInput like the input'),
    ('form', LossIsAnArray, 'a float needed as loss, got ndarray'),
    ('form', ForgetsItsGradient, 'gradInput is not what backward gave'),
    ('form', GradientIsTheTarget, "lies in the caller's memory"),
    ('float32', StaysDouble, 'gradInput of float64'),
    ('float32', Coarse, 'loss is off by'),
    ('strides', InMemoryOrder, 'not contiguous: loss is off by'),
    ('untouched', WritesInput, 'wrote to its input or target'),
    ('untouched', WritesTarget, 'wrote to its input or target'),
    ('stale', DependsOnTheLastCall, 'call 2 of other and same examples: loss is off by'),
    ('stale', NeverShrinks, 'call 1 of other and same examples: loss is off by'),
    ('stale', AddsUp, 'backward a second time: gradInput is off by'),
    ('copies', ClonesToItself, 'clone gave'),
    ('copies', HoldsAFunction, 'pickled fails'),
    ('copies', LosesAField, 'clone: loss is off by'),
    ('copies', SharesItsGradient, 'the original after use of it'),
    ('errors', TakesEveryDtype, 'a TypeError that names float32 and float64'),
    ('errors', TakesEveryForm, 'input of the wrong form, got None'),
    ('errors', BrokenAfterAnError, 'after an error: loss is off by'),
]


@pytest.mark.parametrize('check, bug, message', BUGS)
def test_rule_finds_bug(check, bug, message):
    CHECKS[check](nn.MSECriterion(), *EXAMPLE, True)
    with pytest.raises(AssertionError, match=message):
        CHECKS[check](bug(), *map(np.copy, EXAMPLE), True)


def test_every_rule_is_proven():
    assert {check for check, _, _ in BUGS} == set(CHECKS)


def test_check_criterion_runs_all_but_the_skipped():
    check_criterion(nn.MSECriterion(), np.array([1.0, 2.0]), np.array([0.5, 0.25]), True)
    with pytest.raises(AssertionError, match='the loss rises by'):
        check_criterion(SlightlyOff(), *EXAMPLE)
    check_criterion(SlightlyOff(), *EXAMPLE, skip=('gradient',))
