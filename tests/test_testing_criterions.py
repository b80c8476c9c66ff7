"""The checks of t7nn.testing must fail on planted bugs: each row names the check and a criterion with one bug."""

import numpy as np
import pytest
from table import away_from_zero

import t7nn as nn
from t7nn.testing import CRITERION_CHECKS, check_criterion

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


class ForgetsItsLoss(nn.MSECriterion):
    def forward(self, input, target=None):
        loss, self.output = super().forward(input, target), 0
        return loss


class CalledGivesTheLossTwice(nn.MSECriterion):
    def __call__(self, input, target=None):
        return self.forward(input, target), self.forward(input, target)


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
        return super().loss(x.round(2) if x.dtype == np.float32 else x, t)


class InMemoryOrder(nn.MSECriterion):
    def loss(self, x, t):
        return super().loss(x.ravel('K'), t.ravel())


class WritesInput(nn.MSECriterion):
    def loss(self, x, t):
        x -= t
        return super().loss(x, 0)


class WritesInputAndPutsItBack(nn.MSECriterion):
    def loss(self, x, t):
        x *= 2
        loss = super().loss(x / 2, t)
        x /= 2
        return loss


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


class FillsOnlyOnce(nn.MSECriterion):
    def updateGradInput(self, input, target=None):
        if self.gradInput.shape != input.shape:
            super().updateGradInput(input, target)
        return self.gradInput


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


class CloneForgetsAField(nn.MSECriterion):
    def clone(self):
        twin = super().clone()
        twin.sizeAverage = False
        return twin


class SharesItsGradient(nn.MSECriterion):
    common = np.zeros((4, 3))

    def updateGradInput(self, input, target=None):
        self.common[...] = super().updateGradInput(input, target)
        self.gradInput = self.common
        return self.common


class TakesEveryDtype(nn.MSECriterion):
    def check(self, tensor, what='input'):
        return tensor


class ShortOfWords(nn.MSECriterion):
    def check(self, tensor, what='input'):
        raise TypeError('wrong')


class TakesEveryForm(nn.MSECriterion):
    def updateOutput(self, input, target=None):
        return super().updateOutput(input[0] if isinstance(input, list) else input, target)


class BrokenAfterAnError(nn.MSECriterion):
    def check(self, tensor, what='input'):
        self.sizeAverage = False
        super().check(tensor, what)


class NamesItself(nn.MSECriterion):
    def __str__(self):
        return 'nn.Squares'


class Lonely(nn.MSECriterion):
    def updateGradInput(self, input, target=None):
        pass


class ChangesItsLoss(nn.MSECriterion):
    def updateGradInput(self, input, target=None):
        self.output = 0.0
        return super().updateGradInput(input, target)


class OneBackwardOnly(nn.MSECriterion):
    def updateOutput(self, input, target=None):
        self.factor = 1
        return super().updateOutput(input, target)

    def updateGradInput(self, input, target=None):
        self.gradInput = self.factor * super().updateGradInput(input, target)
        self.factor = 0
        return self.gradInput


class FirstDifference(nn.MSECriterion):
    def updateOutput(self, input, target=None):
        if not hasattr(self, '_first'):
            self._first = input - target
        return super().updateOutput(input, target)

    def updateGradInput(self, input, target=None):
        same = self._first.shape == input.shape
        self.gradInput = 2 / max(1, input.size) * (self._first if same else input - target)
        return self.gradInput


class OnTheClass(nn.MSECriterion):
    kept = []

    def updateOutput(self, input, target=None):
        self.kept[:] = [input - target]
        return super().updateOutput(input, target)

    def updateGradInput(self, input, target=None):
        self.gradInput = 2 / max(1, input.size) * self.kept[0]
        return self.gradInput


class KeepsItsInput(nn.MSECriterion):
    def updateOutput(self, input, target=None):
        self.x = input
        return super().updateOutput(input, target)


class DividesByTheRows(nn.MSECriterion):
    def updateOutput(self, input, target=None):
        self.output = float(((input - target) ** 2).sum()) / len(input) / (input.size // len(input))
        return self.output


class SeesOneMemory(nn.MSECriterion):
    def updateOutput(self, input, target=None):
        loss = super().updateOutput(input, target)
        self.output = loss * (2 if 0 in input.strides else 1)
        return self.output


class HidesNan(nn.MSECriterion):
    def updateOutput(self, input, target=None):
        self.output = float(np.nan_to_num(super().updateOutput(input, target)))
        return self.output


class NumpysNoise(nn.MSECriterion):
    def updateOutput(self, input, target=None):
        self.output = super().updateOutput(input, target) + 0 * np.random.rand()
        return self.output


class Pairs(nn.MSECriterion):
    def updateOutput(self, input, target=None):
        rows = np.atleast_2d(input)
        self.output = super().updateOutput(input, target) + 0 * float((rows @ rows.T).sum())
        return self.output


BUGS = [
    ('runs', Lonely, 'expected updateGradInput to return'),
    ('repeatable', NumpysNoise, r'random numbers come from np\.random'),
    ('output_kept', ChangesItsLoss, 'output after backward is 0'),
    ('second_backward', OneBackwardOnly, 'after backward twice: gradInput'),
    ('two_forwards', FirstDifference, 'after a forward on another input: gradInput'),
    ('instances', OnTheClass, 'while another instance is used, in the original: gradInput'),
    ('kept_memory', KeepsItsInput, 'x keeps an array of the caller'),
    ('empty_batch', DividesByTheRows, 'an empty batch ends in ZeroDivisionError'),
    ('broadcast', SeesOneMemory, 'from broadcast tensors: loss'),
    ('nan', HidesNan, 'an input of NaN disappears: loss'),
    ('growth', Pairs, 'the work grows with the square of the batch'),
    ('results', Transposed, r'gradInput is float64\(3, 1\), the input float64\(1, 3\)'),
    ('results', LossIsAnArray, r'the loss must be a number, got shape \(1,\)'),
    ('results', ForgetsItsLoss, 'output is 0, forward gives'),
    ('runs', ForgetsItsGradient, 'expected updateGradInput to return what it puts into self.gradInput'),
    ('own_memory', GradientIsTheTarget, 'gradInput lies in the memory of the target'),
    ('results', CalledGivesTheLossTwice, 'called as a function: gradInput has shape'),
    ('input_gradient', SlightlyOff, 'central differences give'),
    ('input_gradient', OneElementOff, r'gradInput\[0, 1\] is'),
    ('input_gradient', Transposed, r'has shape \(3, 1\), central differences give \(1, 3\)'),
    ('single_precision', StaysDouble, r'gradInput is float64 after float\(\)'),
    ('single_precision', Coarse, 'in float32: loss is'),
    ('strides', InMemoryOrder, 'from strided tensors: loss is'),
    ('untouched', WritesInput, r'input after forward\[0, \d\] is'),
    ('untouched', WritesInputAndPutsItBack, 'read-only'),
    ('untouched', WritesTarget, 'target after backward|read-only'),
    ('buffers', DependsOnTheLastCall, 'from a used criterion: loss is'),
    ('buffers', NeverShrinks, 'from a used criterion: loss is'),
    ('buffers', FillsOnlyOnce, r'from a used criterion: gradInput\[0, 0\] is nan'),
    ('buffers', AddsUp, r'from a used criterion: gradInput\[0, \d\] is'),
    ('copies', ClonesToItself, 'clone gives nn.ClonesToItself'),
    ('copies', HoldsAFunction, 'pickle fails'),
    ('copies', CloneForgetsAField, 'after clone: loss is'),
    ('copies', SharesItsGradient, r'once a clone is used, in the original: gradInput\[0, \d\] is'),
    ('wrong_dtype', TakesEveryDtype, 'input of float32 is taken without an error'),
    ('wrong_dtype', ShortOfWords, '"wrong" does not name float32 and float64'),
    ('wrong_form', TakesEveryForm, 'a table of 1 is taken without an error'),
    ('wrong_form', BrokenAfterAnError, 'after an error: loss is'),
    ('text', NamesItself, "str is 'nn.Squares', nn.NamesItself expected"),
]


@pytest.mark.parametrize('check, bug, message', BUGS, ids=[f'{check}-{bug.__name__}' for check, bug, _ in BUGS])
def test_bug_is_found(check, bug, message):
    text = rf'(?s)^nn.({bug.__name__}|Squares), {check}: .*{message}.*; input .*, target '
    with pytest.raises(AssertionError, match=text):
        check_criterion(bug(), *EXAMPLE, checks=[check])


def test_every_check_has_a_bug():
    assert {check for check, _, _ in BUGS} == set(CRITERION_CHECKS)


def test_without_a_bug_and_without_the_check_all_pass():
    check_criterion(nn.MSECriterion(), *EXAMPLE)
    check_criterion(SlightlyOff(), *EXAMPLE, skip=['input_gradient'])
    check_criterion(nn.L1Cost(), EXAMPLE[0])


def test_unknown_check():
    with pytest.raises(ValueError, match=r"names of checks out of \['runs', .* expected, got \['gradient'\]"):
        check_criterion(nn.MSECriterion(), *EXAMPLE, skip=['gradient'])


def test_generator_is_left_as_it_was():
    nn.manualSeed(3)
    first = nn.random.random()
    nn.manualSeed(3)
    check_criterion(nn.L1HingeEmbeddingCriterion(), list(EXAMPLE), 1, batch=False)
    assert nn.random.random() == first
