"""The checks of t7nn.testing must fail on planted bugs: each row names the check and a module with one bug."""

import numpy as np
import pytest

import t7nn as nn
from t7nn import random
from t7nn.testing import CHECKS, CRITERION_CHECKS, check_criterion, check_module
from t7nn.transfer import Pointwise


class Wrong(nn.Linear):
    """Linear(3, 2), to plant bugs in."""

    def __init__(self):
        super().__init__(3, 2)


class GradInputOff(Wrong):
    def updateGradInput(self, input, gradOutput):
        super().updateGradInput(input, gradOutput)
        self.gradInput[..., 1] *= 1.001
        return self.gradInput


class GradWeightOff(Wrong):
    def accGradParameters(self, input, gradOutput, scale=1):
        super().accGradParameters(input, gradOutput * 1.001, scale)


class Overwrites(Wrong):
    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradWeight[...] = scale * gradOutput.T @ input
        self.gradBias[...] = scale * gradOutput.sum(0)

    def defaultAccUpdateGradParameters(self, input, gradOutput, lr):
        nn.Linear.accGradParameters(self, input, gradOutput, -lr)


class ForgetsScale(Wrong):
    def accGradParameters(self, input, gradOutput, scale=1):
        super().accGradParameters(input, gradOutput, np.sign(scale))


class ForgetsRate(Wrong):
    def accUpdateGradParameters(self, input, gradOutput, lr):
        super().accUpdateGradParameters(input, gradOutput, 1)


class UpdatesGradients(Wrong):
    def accUpdateGradParameters(self, input, gradOutput, lr):
        super().accUpdateGradParameters(input, gradOutput, lr)
        self.gradBias += 1


class BackwardForgetsParameters(Wrong):
    def backward(self, input, gradOutput, scale=1):
        return self.updateGradInput(input, gradOutput)


class StaysDouble(Wrong):
    def updateOutput(self, input):
        self.output = super().updateOutput(input).astype(float)
        return self.output


class TakesAnyDtype(nn.Module):
    def updateOutput(self, input):
        self.output = input * 2
        return self.output


class NeedsContiguous(Pointwise):
    def function(self, x, y):
        y[...] = np.frombuffer(np.ascontiguousarray(x if x.base is None else x.base).tobytes())[: x.size].reshape(
            x.shape
        )

    def derivative(self, x, y, dy, dx):
        dx[...] = dy


class WritesInput(nn.Tanh):
    def updateOutput(self, input):
        super().updateOutput(input)
        input[...] = 0
        return self.output


class WritesGradOutput(nn.Tanh):
    def updateGradInput(self, input, gradOutput):
        super().updateGradInput(input, gradOutput)
        gradOutput *= 2
        return self.gradInput


class AddsToBuffer(Pointwise):
    def function(self, x, y):
        y += x
        if not hasattr(self, '_used'):
            y[...] = x
        self._used = True

    def derivative(self, x, y, dy, dx):
        dx[...] = dy


class KeepsBatchSize(Wrong):
    def accGradParameters(self, input, gradOutput, scale=1):
        self._largest = max(len(input), getattr(self, '_largest', 0))
        super().accGradParameters(input, gradOutput, scale * len(input) / self._largest)


class MixesExamples(nn.Module):
    def updateOutput(self, input):
        self.check(input)
        self.output = input - input.mean(0) / 2
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = gradOutput - gradOutput.mean(0) / 2
        return self.gradInput


class IgnoresModes(nn.Dropout):
    def evaluate(self):
        pass


class CannotCopy(Wrong):
    def __init__(self):
        super().__init__()
        self.generator = (i for i in ())


class CopyShares(Wrong):
    def __deepcopy__(self, memo):
        twin = type(self)()
        twin.__dict__.update(self.__dict__)
        return twin

    def __init__(self):
        state = random.getRNGState()
        super().__init__()
        random.setRNGState(state)


class SharesNothing(Wrong):
    def clone(self, *names):
        return super().clone()


class HidesParameters(Wrong):
    def map_tensors(self, function, visit=lambda node: None):
        visit(self)


class KeepsState(nn.Tanh):
    cleared = ('gradInput',)


class OtherName(nn.Tanh):
    def __str__(self):
        return 'Hyperbolic tangent'


BUGS = [
    ('input_gradient', GradInputOff),
    ('parameter_gradient', GradWeightOff),
    ('accumulation', Overwrites),
    ('scale', ForgetsScale),
    ('update', ForgetsRate),
    ('update', UpdatesGradients),
    ('backward', BackwardForgetsParameters),
    ('single_precision', StaysDouble),
    ('wrong_dtype', TakesAnyDtype),
    ('strides', NeedsContiguous),
    ('untouched', WritesInput),
    ('untouched', WritesGradOutput),
    ('buffers', AddsToBuffer),
    ('buffers', KeepsBatchSize),
    ('examples', MixesExamples),
    ('modes', IgnoresModes),
    ('copies', CannotCopy),
    ('copies', CopyShares),
    ('sharing', SharesNothing),
    ('flat_parameters', HidesParameters),
    ('cleared', KeepsState),
    ('text', OtherName),
]


@pytest.mark.parametrize(('name', 'bug'), BUGS, ids=lambda value: getattr(value, '__name__', value))
def test_planted_bug_is_found(name, bug):
    input = np.random.RandomState(0).randn(4, 3)
    with pytest.raises(AssertionError, match=rf'(nn\.{bug.__name__}|Hyperbolic).*, {name}: '):
        check_module(bug(), input, checks=[name])


def test_every_check_has_a_planted_bug():
    assert {name for name, _ in BUGS} == set(CHECKS)


def test_failure_is_shown_with_one_example_where_that_suffices():
    with pytest.raises(AssertionError, match=r'input \[\[[^\[]*\]\]$'):
        check_module(GradInputOff(), np.random.RandomState(0).randn(4, 3), checks=['input_gradient'])


def test_unknown_check():
    with pytest.raises(ValueError, match=r"names of checks out of .* needed, got \['gradients'\]"):
        check_module(nn.Tanh(), np.ones((1, 1)), checks=['gradients'])


def test_generator_is_left_alone():
    nn.manualSeed(3)
    before = random.getRNGState()
    check_module(nn.Dropout(0.5), np.ones((2, 2)), batch=False)
    assert np.array_equal(random.getRNGState(), before)


class Loss(nn.MSECriterion):
    """The mean of squares, to plant bugs in."""


class LossGradientOff(Loss):
    def updateGradInput(self, input, target):
        super().updateGradInput(input, target)
        self.gradInput[-1] *= 1.001
        return self.gradInput


class LossIsAnArray(Loss):
    def updateOutput(self, input, target):
        self.output = np.array([super().updateOutput(input, target)])
        return self.output


class LossIsNotKept(Loss):
    def updateOutput(self, input, target):
        loss = super().updateOutput(input, target)
        self.output = 0
        return loss


class GradientIsNotKept(Loss):
    def updateGradInput(self, input, target):
        return super().updateGradInput(input, target).copy()


class GradientIsFlat(Loss):
    def updateGradInput(self, input, target):
        self.gradInput = super().updateGradInput(input, target).ravel()
        return self.gradInput


class GradientInTheTarget(Loss):
    def updateGradInput(self, input, target):
        target[...] = super().updateGradInput(input, target)
        self.gradInput = target
        return target


class LossStaysDouble(Loss):
    def updateGradInput(self, input, target):
        self.gradInput = super().updateGradInput(input, target).astype(float)
        return self.gradInput


class LossIsCoarse(Loss):
    def updateOutput(self, input, target):
        self.output = super().updateOutput(input, target) + (0.01 if input.dtype == np.float32 else 0)
        return self.output


class LossOfAnyDtype(Loss):
    def check(self, tensor, what='input'):
        pass


class LossSaysNotWhatItNeeds(Loss):
    def updateOutput(self, input, target):
        if input.dtype != self.dtype:
            raise TypeError('wrong')
        return super().updateOutput(input, target)


class LossOfAnyForm(Loss):
    def updateOutput(self, input, target):
        return super().updateOutput(input if isinstance(input, np.ndarray) else input[0], target)


class LossIsBrokenByErrors(Loss):
    def updateOutput(self, input, target):
        self.sizeAverage, average = False, self.sizeAverage
        super().updateOutput(input, target)
        self.sizeAverage = average
        self.output /= input.size if average else 1
        return self.output


class LossInMemoryOrder(Loss):
    def loss(self, x, t):
        return float(((x.ravel('K') - t.ravel()) ** 2).sum())


class LossWritesInput(Loss):
    def loss(self, x, t):
        x -= t
        return float((x * x).sum())

    def derivative(self, x, t, dx):
        np.multiply(x, 2, dx)


class LossWritesTarget(Loss):
    def loss(self, x, t):
        t -= x
        return float((t * t).sum())


class LossAddsUp(Loss):
    def updateGradInput(self, input, target):
        before = self.gradInput.copy()
        super().updateGradInput(input, target)
        if before.shape == self.gradInput.shape:
            self.gradInput += before
        return self.gradInput


class LossNeverShrinks(Loss):
    def updateOutput(self, input, target):
        self._most = max(input.size, getattr(self, '_most', 0))
        self.output = super().updateOutput(input, target) * input.size / self._most
        return self.output


class LossHoldsAGenerator(Loss):
    def __init__(self):
        super().__init__()
        self.numbers = (i for i in ())


class LossClonesToItself(Loss):
    def clone(self):
        return self


class LossForgetsAField(Loss):
    def __init__(self):
        super().__init__(False)

    def __getstate__(self):
        return {**super().__getstate__(), 'sizeAverage': True}

    def __deepcopy__(self, memo):
        return type(self)()


class LossSharesItsGradient(Loss):
    def __setstate__(self, state):
        super().__setstate__(state)
        self._buffers = SHARED

    def __init__(self):
        super().__init__()
        self._buffers = SHARED


SHARED = {}

CRITERION_BUGS = [
    ('form', LossIsAnArray),
    ('form', LossIsNotKept),
    ('form', GradientIsNotKept),
    ('form', GradientIsFlat),
    ('form', GradientInTheTarget),
    ('input_gradient', LossGradientOff),
    ('single_precision', LossStaysDouble),
    ('single_precision', LossIsCoarse),
    ('wrong_dtype', LossOfAnyDtype),
    ('wrong_dtype', LossSaysNotWhatItNeeds),
    ('wrong_form', LossOfAnyForm),
    ('wrong_form', LossIsBrokenByErrors),
    ('strides', LossInMemoryOrder),
    ('untouched', LossWritesInput),
    ('untouched', LossWritesTarget),
    ('buffers', LossAddsUp),
    ('buffers', LossNeverShrinks),
    ('copies', LossHoldsAGenerator),
    ('copies', LossClonesToItself),
    ('copies', LossForgetsAField),
    ('copies', LossSharesItsGradient),
]


@pytest.mark.parametrize(('name', 'bug'), CRITERION_BUGS, ids=lambda value: getattr(value, '__name__', value))
def test_planted_bug_in_a_criterion_is_found(name, bug):
    input, target = np.random.RandomState(0).randn(2, 4, 3)
    with pytest.raises(AssertionError, match=rf'(?s)nn\.{bug.__name__}, {name}: .*; input .*, target '):
        check_criterion(bug(), input, target, batch=True, checks=[name])


def test_sound_criterion_passes():
    check_criterion(Loss(), *np.random.RandomState(0).randn(2, 4, 3), batch=True)


def test_every_check_of_a_criterion_has_a_planted_bug():
    assert {name for name, _ in CRITERION_BUGS} == set(CRITERION_CHECKS)


def test_unknown_check_of_a_criterion():
    with pytest.raises(ValueError, match=r"names of checks out of .*'form'.* needed, got \['scale'\]"):
        check_criterion(Loss(), np.ones(1), np.ones(1), skip=['scale'])


def test_failure_is_shown_with_few_digits_where_that_suffices():
    with pytest.raises(
        AssertionError, match=r'central differences give [-\d.]*; input \[\[ ?-?\d\.\d? *-?\d\.\d? *-?\d\.\d?\]\]$'
    ):
        check_module(GradInputOff(), np.array([[0.31234, -0.52, 0.80001]] * 2), checks=['input_gradient'])


def test_digits_stay_where_short_numbers_would_be_equal():
    with pytest.raises(AssertionError, match=r'input \[\[0.52001 0.52002 0.52003\]\]$'):
        check_module(GradInputOff(), np.array([[0.52001, 0.52002, 0.52003]]), checks=['input_gradient'])
