"""The checks of t7nn.testing must fail on planted bugs: each row names the check and a module with one bug."""

import numpy as np
import pytest
from plain_layers import BatchNorm
from test_testing_bugs import BUGS as OF_LAYERS
from test_testing_bugs_batches import BUGS as OF_BATCHES

import t7nn as nn
from t7nn import Pointwise, random
from t7nn.testing import CHECKS, check_module


class Wrong(nn.Linear):
    """Linear(3, 2), to plant bugs in."""

    def __init__(self):
        super().__init__(3, 2)


class KeepsNoOutput(Wrong):
    def updateOutput(self, input):
        return super().updateOutput(input).copy()


class KeepsNoGradInput(Wrong):
    def updateGradInput(self, input, gradOutput):
        return super().updateGradInput(input, gradOutput).copy()


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


class UpdatesByOne(Wrong):
    def updateParameters(self, learningRate):
        super().updateParameters(1)


class ZeroesHalf(Wrong):
    def zeroGradParameters(self):
        self.gradWeight.fill(0)


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


class WritesInputAndPutsItBack(nn.Tanh):
    def updateOutput(self, input):
        input *= 2
        super().updateOutput(input)
        input /= 2
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
    ('runs', KeepsNoOutput),
    ('runs', KeepsNoGradInput),
    ('input_gradient', GradInputOff),
    ('parameter_gradient', GradWeightOff),
    ('accumulation', Overwrites),
    ('scale', ForgetsScale),
    ('update', ForgetsRate),
    ('update', UpdatesGradients),
    ('parameters', UpdatesByOne),
    ('parameters', ZeroesHalf),
    ('backward', BackwardForgetsParameters),
    ('single_precision', StaysDouble),
    ('wrong_dtype', TakesAnyDtype),
    ('strides', NeedsContiguous),
    ('untouched', WritesInput),
    ('untouched', WritesInputAndPutsItBack),
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
    found = {name for name, _ in BUGS} | {name for name, _, _ in [*OF_LAYERS, *OF_BATCHES]}
    assert found == set(CHECKS) - {'broadcast', 'running'}  # of their own, below


class IgnoresTheRows(nn.Tanh):
    """It takes a gradOutput that numpy.broadcast_to made for one row."""

    def updateGradInput(self, input, gradOutput):
        super().updateGradInput(input, gradOutput.copy())
        if gradOutput.ndim and gradOutput.strides[0] == 0:
            self.gradInput[1:] = 0
        return self.gradInput


class ForgetsItsAverages(BatchNorm):
    def updateOutput(self, input):
        mean = self.running_mean.copy()
        super().updateOutput(input)
        self.running_mean[:] = mean - 0.1
        return self.output


@pytest.mark.parametrize('name, bug', [('broadcast', IgnoresTheRows), ('running', lambda: ForgetsItsAverages(3))])
def test_more_planted_bugs(name, bug):
    with pytest.raises(AssertionError, match=f', {name}: '):
        check_module(bug(), np.random.RandomState(0).randn(4, 3))


def test_failure_is_shown_with_one_example_where_that_suffices():
    with pytest.raises(AssertionError, match=r'input \[\[[^\[]*\]\], gradOutput'):
        check_module(GradInputOff(), np.random.RandomState(0).randn(4, 3), checks=['input_gradient'])


def test_unknown_check():
    with pytest.raises(ValueError, match=r"names of checks out of .*, got \['gradients'\]"):
        check_module(nn.Tanh(), np.ones((1, 1)), checks=['gradients'])


def test_generator_is_left_alone():
    nn.manualSeed(3)
    before = random.getRNGState()
    check_module(nn.Dropout(0.5), np.ones((2, 2)), batch=False)
    assert np.array_equal(random.getRNGState(), before)


def test_failure_is_shown_with_few_digits_where_that_suffices():
    with pytest.raises(
        AssertionError,
        match=r'central differences give [-\d.]*; input \[\[ ?-?\d\.\d? *-?\d\.\d? *-?\d\.\d?\]\], gradOutput',
    ):
        check_module(GradInputOff(), np.array([[0.31234, -0.52, 0.80001]] * 2), checks=['input_gradient'])


def test_digits_stay_where_short_numbers_would_be_equal():
    with pytest.raises(AssertionError, match=r'input \[\[0.52001 0.52002 0.52003\]\], gradOutput'):
        check_module(GradInputOff(), np.array([[0.52001, 0.52002, 0.52003]]), checks=['input_gradient'])


def test_a_t7_file_that_changes_a_module_is_found(monkeypatch):
    def forgetful(module):
        return nn.dumps(type(module)(3, 2))

    monkeypatch.setattr('t7nn.testing.compare.dumps', forgetful)
    with pytest.raises(AssertionError, match=r'copies: after \.t7: output\[0, \d\] is'):
        check_module(nn.Linear(3, 2), np.random.RandomState(0).randn(4, 3), checks=['copies'])
