"""Mistakes that people make, each planted in a layer that is right otherwise: the check that must find it.

Those in batches, memory, random numbers and time stand in test_testing_bugs_batches.py.
"""

import numpy as np
import pytest
from plain_layers import Dropping, Gain, Norm, Normal, Relu, Softmax, Square, Three
from support import X, assert_found

import t7nn as nn
from t7nn import random
from t7nn.testing import check_module

# Something missing


class ReturnsNothing(Square):
    def updateOutput(self, input):
        super().updateOutput(input)


class ReturnsNoGradient(Square):
    def updateGradInput(self, input, gradOutput):
        super().updateGradInput(input, gradOutput)


class BackwardFails(Square):
    def updateGradInput(self, input, gradOutput):
        return self.nothing


class NoOutput(Square):
    def updateOutput(self, input):
        return super().updateOutput(input).copy()


# Parameters


class ForgetsGain(Gain):
    def updateGradInput(self, input, gradOutput):
        self.gradInput = gradOutput.copy()
        return self.gradInput


class ForgetsGainInGradient(Gain):
    def accGradParameters(self, input, gradOutput, scale=1):
        super().accGradParameters(input, gradOutput * self.weight, scale)


class WidthSquared(Gain):
    """The weight is a width that begins as 1, where 1/w and 1/w^2 are the same."""

    def updateOutput(self, input):
        self.check(input)
        self.output = input / self.weight
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = gradOutput / self.weight
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradWeight -= scale * (input * gradOutput / self.weight).sum(0)


class WeightOfZero(Gain):
    """The weight begins as 0, where w^2 and its gradient are 0 both."""

    def __init__(self):
        super().__init__()
        self.weight[:] = 0

    def updateOutput(self, input):
        self.check(input)
        self.output = input + self.weight**2
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = gradOutput.copy()
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        pass


class Unregistered(nn.Module):
    def __init__(self):
        super().__init__()
        self.alpha, self.gradAlpha = np.array([2.0]), np.zeros(1)

    def updateOutput(self, input):
        self.check(input)
        self.output = self.alpha * input
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = self.alpha * gradOutput
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradAlpha += scale * (input * gradOutput).sum()


class UnregisteredW(nn.Module):
    def __init__(self):
        super().__init__()
        self.W, self.dW = np.array([2.0]), np.zeros(1)

    def updateOutput(self, input):
        self.check(input)
        self.output = self.W * input
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = self.W * gradOutput
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        self.dW += scale * (input * gradOutput).sum()


class OneUnregistered(Three):
    """The weight is listed, one more parameter is not."""

    def __init__(self):
        super().__init__()
        self.slope, self.gradSlope = np.ones(1), np.zeros(1)


class HoldsANetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Linear(3, 2)

    def updateOutput(self, input):
        self.output = self.net.forward(input)
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = self.net.updateGradInput(input, gradOutput)
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        self.net.accGradParameters(input, gradOutput, scale)


class RegisteredTwice(Three):
    def parameters(self):
        return [self.weight, self.weight, self.bias], [self.gradWeight, self.gradWeight, self.gradBias]


class GradientsSwapped(Gain):
    def parameters(self):
        return [self.weight, self.bias], [self.gradBias, self.gradWeight]


class GradientsSwappedInShape(Three):
    def parameters(self):
        return [self.weight, self.bias], [self.gradBias, self.gradWeight]


class GradientMissing(Three):
    def parameters(self):
        return [self.weight, self.bias], [self.gradWeight]


class GradientIsTheWeight(Three):
    def __init__(self):
        super().__init__()
        self.gradWeight = self.weight


class OneGradientForTwo(Gain):
    def __init__(self):
        super().__init__()
        self.gradBias = self.gradWeight


class LearnsInBackward(Three):
    def accGradParameters(self, input, gradOutput, scale=1):
        super().accGradParameters(input, gradOutput, scale)
        self.weight -= 0.1 * self.gradWeight


class AccumulatesInUpdateGradInput(Three):
    def updateGradInput(self, input, gradOutput):
        super().accGradParameters(input, gradOutput)
        return super().updateGradInput(input, gradOutput)

    def accGradParameters(self, input, gradOutput, scale=1):
        pass


class Overwrites(Three):
    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradWeight[:] = scale * gradOutput.T @ input
        self.gradBias[:] = scale * gradOutput.sum(0)


class OverwritesWithNewArray(Three):
    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradWeight = scale * gradOutput.T @ input
        self.gradBias = scale * gradOutput.sum(0)


class NegativeScaleOnly(Three):
    def accGradParameters(self, input, gradOutput, scale=1):
        super().accGradParameters(input, gradOutput, abs(scale))


# Arrays that change, or belong to somebody else


class DestroysOutput(nn.Tanh):
    def updateGradInput(self, input, gradOutput):
        gradInput = gradOutput * (1 - self.output**2)
        self.output *= 0
        self.gradInput = gradInput
        return gradInput


class DestroysOutputLater(Three):
    def accGradParameters(self, input, gradOutput, scale=1):
        super().accGradParameters(input, gradOutput, scale)
        self.output[...] = 0


class SecondBackward(Square):
    def updateOutput(self, input):
        self.slope = 2 * input
        return super().updateOutput(input)

    def updateGradInput(self, input, gradOutput):
        self.slope = self.slope * gradOutput
        self.gradInput = self.slope.copy()
        return self.gradInput


class PopsItsInput(Square):
    def updateOutput(self, input):
        self.stack = [*getattr(self, 'stack', []), input.copy()]
        return super().updateOutput(input)

    def updateGradInput(self, input, gradOutput):
        return super().updateGradInput(self.stack.pop(0), gradOutput)


class FirstMaskForever(Relu):
    def updateOutput(self, input):
        if getattr(self, 'mask', None) is None or self.mask.shape != input.shape:
            self.mask = np.where(input < 0, 0.1, 1).astype(input.dtype)
        self.check(input)
        self.output = input * self.mask
        return self.output


class MaskOfTheFirst(Square):
    def updateOutput(self, input):
        if not hasattr(self, '_first'):
            self._first = input.copy()
        return super().updateOutput(input)

    def updateGradInput(self, input, gradOutput):
        x = self._first if self._first.shape == input.shape else input
        return super().updateGradInput(x, gradOutput)


class OnTheClass(Square):
    state = {}

    def updateOutput(self, input):
        self.state['slope'] = 2 * input
        return super().updateOutput(input)

    def updateGradInput(self, input, gradOutput):
        self.gradInput = self.state['slope'] * gradOutput
        return self.gradInput


class CountsOnTheClass(Square):
    calls = 0

    def updateOutput(self, input):
        type(self).calls += 1
        return super().updateOutput(input)


def in_a_closure():
    kept = {}

    class InAClosure(Square):
        def updateOutput(self, input):
            kept['slope'] = 2 * input
            return super().updateOutput(input)

        def updateGradInput(self, input, gradOutput):
            self.gradInput = kept['slope'] * gradOutput
            return self.gradInput

    return InAClosure()


class CloneSharesItsBuffers(Square):
    def clone(self):
        twin = super().clone()
        twin.slope = self.slope if hasattr(self, 'slope') else None
        return twin

    def updateOutput(self, input):
        if getattr(self, 'slope', None) is None or self.slope.shape != input.shape:
            self.slope = np.empty_like(input)
        self.slope[...] = 2 * input
        return super().updateOutput(input)

    def updateGradInput(self, input, gradOutput):
        self.gradInput = self.slope * gradOutput
        return self.gradInput


class ChangesInput(Square):
    def updateOutput(self, input):
        output = input * input
        input += 1
        self.output = output
        return output


class ChangesInputInBackward(Square):
    def updateGradInput(self, input, gradOutput):
        input *= 2
        self.gradInput = input * gradOutput
        return self.gradInput


class ChangesInputInAcc(Three):
    def accGradParameters(self, input, gradOutput, scale=1):
        super().accGradParameters(input, gradOutput, scale)
        input *= scale * 2


class ChangesGradOutputInBackwardUpdate(Three):
    def backwardUpdate(self, input, gradOutput, lr):
        super().backwardUpdate(input, gradOutput, lr)
        gradOutput *= lr
        return self.gradInput


class ChangesInputInEvaluation(Dropping):
    def updateOutput(self, input):
        if not self.train:
            input *= 1 - self.p
            self.output = input.copy()
            return self.output
        return super().updateOutput(input)


class ReturnsItsInput(Gain):
    def updateOutput(self, input):
        if (self.weight == 1).all() and not self.bias.any():
            self.check(input)
            self.output = input
            return input
        return super().updateOutput(input)


class ReturnsItsInputInEvaluation(Dropping):
    def updateOutput(self, input):
        if self.train:
            return super().updateOutput(input)
        self.output = input
        return input


class ReturnsGradOutput(Gain):
    def updateOutput(self, input):
        self.check(input)
        self.output = input + self.bias
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = gradOutput
        return gradOutput

    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradBias += scale * gradOutput.sum(0)


class ReturnsItsParameter(Gain):
    def updateOutput(self, input):
        self.check(input)
        self.output = self.weight
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = np.zeros_like(input)
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradWeight += scale * gradOutput


class KeepsInput(Square):
    def updateOutput(self, input):
        self.x = input
        return super().updateOutput(input)

    def updateGradInput(self, input, gradOutput):
        self.gradInput = 2 * self.x * gradOutput
        return self.gradInput


class KeepsInputAsScratch(Square):
    def updateOutput(self, input):
        self._x = input
        return super().updateOutput(input)

    def updateGradInput(self, input, gradOutput):
        self.gradInput = 2 * self._x * gradOutput
        return self.gradInput


class KeepsViewOfGradOutput(Square):
    def updateGradInput(self, input, gradOutput):
        self.seen = [gradOutput[:1]]
        return super().updateGradInput(input, gradOutput)


# Modes


class EvaluateIgnored(Dropping):
    def updateOutput(self, input):
        self.check(input)
        self.mask = random.bernoulli(1 - self.p, out=np.empty(input.shape, input.dtype)) / (1 - self.p)
        self.output = input * self.mask
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = gradOutput * self.mask
        return self.gradInput


class BatchStatisticsInEvaluation(Normal):
    def updateOutput(self, input):
        train, self.train = self.train, True
        super().updateOutput(input)
        self.train = train
        return self.output

    def updateGradInput(self, input, gradOutput):
        train, self.train = self.train, True
        super().updateGradInput(input, gradOutput)
        self.train = train
        return self.gradInput


class TrainingGradientInEvaluation(Normal):
    def updateGradInput(self, input, gradOutput):
        train, self.train = self.train, True
        super().updateGradInput(input, gradOutput)
        self.train = train
        return self.gradInput


class ScaledInEvaluation(Square):
    def updateOutput(self, input):
        super().updateOutput(input)
        self.output *= 2 if self.train is not False else 1
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = 4 * input * gradOutput
        return self.gradInput


class GradientOffInEvaluation(Three):
    def accGradParameters(self, input, gradOutput, scale=1):
        super().accGradParameters(input, gradOutput, scale * (1 if self.train is not False else 0.5))


class ModeStopsAtTheTop(nn.Sequential):
    def evaluate(self):
        self.train = False


# The steps


class BackwardUpdateFirstUpdates(Three):
    def backwardUpdate(self, input, gradOutput, lr):
        self.accUpdateGradParameters(input, gradOutput, lr)
        return self.updateGradInput(input, gradOutput)


class BackwardUpdateForgetsRate(Three):
    def backwardUpdate(self, input, gradOutput, lr):
        self.updateGradInput(input, gradOutput)
        self.accUpdateGradParameters(input, gradOutput, 1)
        return self.gradInput


class BackwardUpdateOnlyGradInput(Three):
    def backwardUpdate(self, input, gradOutput, lr):
        return self.updateGradInput(input, gradOutput)


class BackwardForgetsScale(Three):
    def backward(self, input, gradOutput, scale=1):
        return super().backward(input, gradOutput)


class AccNeedsGradInput(Three):
    def updateGradInput(self, input, gradOutput):
        self.kept = gradOutput.copy()
        return super().updateGradInput(input, gradOutput)

    def accGradParameters(self, input, gradOutput, scale=1):
        if hasattr(self, 'kept'):
            super().accGradParameters(input, self.kept, scale)


BUGS = [
    ('runs', ReturnsNothing, 'got nil; end it with return self.output'),
    ('runs', ReturnsNoGradient, 'got nil; end it with return self.gradInput'),
    ('runs', BackwardFails, "AttributeError.*'nothing'"),
    ('runs', NoOutput, r'write self\.output = \.\.\. before it returns'),
    ('input_gradient', ForgetsGain, r'gradInput\[\d, \d\] is .*, central differences give .*weight \['),
    ('parameter_gradient', ForgetsGainInGradient, r'gradWeight\[\d\] is'),
    ('parameter_gradient', WidthSquared, r'gradWeight\[\d\] is'),
    ('parameter_gradient', WeightOfZero, r'gradWeight\[\d\] is 0, .*hint: it is 0 everywhere'),
    ('registered', Unregistered, r"alpha .*learned = \(\('alpha', 'gradAlpha'\),\)"),
    ('registered', UnregisteredW, r"W has a gradient dW .*learned = \(\('W', 'dW'\),\)"),
    ('registered', OneUnregistered, 'slope .*learned'),
    ('registered', HoldsANetwork, 'net is a module whose parameters are not'),
    ('registered', RegisteredTwice, 'parameters\\(\\) lists weight twice'),
    ('parameter_gradient', GradientsSwapped, 'hint: it is the gradient of bias'),
    ('registered', GradientsSwappedInShape, r'gradBias has shape \(2,\), its parameter weight \(2, 3\): are'),
    ('registered', GradientMissing, 'lists 2 parameters and 1 gradients'),
    ('registered', GradientIsTheWeight, 'same memory'),
    ('registered', OneGradientForTwo, 'lists gradWeight twice among the gradients'),
    ('parameters_kept', LearnsInBackward, r'after accGradParameters: weight\[\d, \d\] is'),
    ('parameters_kept', AccumulatesInUpdateGradInput, r'after updateGradInput: gradWeight\[\d, \d\] is'),
    ('accumulation', Overwrites, r'gradWeight\[\d, \d\] is .*, twice that of one call is'),
    ('accumulation', OverwritesWithNewArray, 'twice that of one call'),
    ('scale', NegativeScaleOnly, 'at scale -2'),
    ('output_kept', DestroysOutput, r'output after updateGradInput\[\d, \d\] is -?0'),
    ('output_kept', DestroysOutputLater, r'output after accGradParameters\[\d, \d\] is -?0'),
    ('second_backward', SecondBackward, 'after backward twice: gradInput'),
    ('two_forwards', PopsItsInput, 'after a forward on another input: gradInput'),
    ('two_forwards', FirstMaskForever, 'after a forward on another input'),
    ('two_forwards', MaskOfTheFirst, 'after a forward on another input: gradInput'),
    ('instances', OnTheClass, 'while another instance is used, in the original: gradInput'),
    ('instances', CountsOnTheClass, r'CountsOnTheClass\.calls has changed: state belongs on the instance'),
    ('instances', in_a_closure, 'while another instance is used, in the original: gradInput'),
    ('instances', CloneSharesItsBuffers, 'while a clone is used, in the original: gradInput'),
    ('untouched', ChangesInput, r'input after forward\[\d, \d\] is'),
    ('untouched', ChangesInputInBackward, r'input after updateGradInput\[\d, \d\] is'),
    ('untouched', ChangesInputInAcc, r'input after accGradParameters\[\d, \d\] is'),
    ('untouched', ChangesGradOutputInBackwardUpdate, r'gradOutput after backwardUpdate\[\d, \d\] is'),
    ('untouched', ChangesInputInEvaluation, r'input after forward\[\d, \d\] is'),
    ('own_memory', ReturnsItsInput, 'output is input itself'),
    ('own_memory', ReturnsItsInputInEvaluation, 'output is input itself'),
    ('own_memory', ReturnsGradOutput, 'gradInput is gradOutput itself'),
    ('own_memory', ReturnsItsParameter, 'output is weight itself'),
    ('kept_memory', KeepsInput, 'x keeps an array of the caller'),
    ('kept_memory', KeepsInputAsScratch, 'once the array given to forward is overwritten'),
    ('kept_memory', KeepsViewOfGradOutput, 'seen keeps an array of the caller'),
    ('evaluation', EvaluateIgnored, 'with other random numbers the output in evaluate mode'),
    ('examples', BatchStatisticsInEvaluation, r'output of example 0 alone\[0, \d\] is'),
    ('input_gradient', TrainingGradientInEvaluation, r'in evaluate mode gradInput\[\d, \d\] is'),
    ('input_gradient', ScaledInEvaluation, r'in evaluate mode gradInput.*hint: a factor 2 too much'),
    ('parameter_gradient', GradientOffInEvaluation, r'in evaluate mode gradWeight\[\d, \d\] is'),
    ('modes', lambda: ModeStopsAtTheTop().add(nn.Linear(3, 2)).add(nn.Dropout()), 'train is true somewhere'),
    ('backwardUpdate', BackwardUpdateFirstUpdates, 'gradInput from backwardUpdate'),
    ('backwardUpdate', BackwardUpdateForgetsRate, 'after backwardUpdate: weight'),
    ('backwardUpdate', BackwardUpdateOnlyGradInput, 'after backwardUpdate: weight'),
    ('backward', BackwardForgetsScale, 'after backward: gradWeight'),
    ('order', AccNeedsGradInput, 'with accGradParameters before updateGradInput'),
]  # fmt: skip


@pytest.mark.parametrize('check, bug, message', BUGS, ids=[getattr(bug, '__name__', '') for _, bug, _ in BUGS])
def test_mistake_is_found(check, bug, message):
    assert_found(check, bug(), message)


class Sine(nn.Pointwise):
    def function(self, x, y):
        np.sin(x, y)

    def derivative(self, x, y, dy, dx):
        np.cos(x, dx)
        dx *= dy


def in_a_module_without_a_name():
    """As Jupyter and doctests make classes."""
    names = {'Square': Square}
    exec(
        'class Nameless(Square):\n    def updateOutput(self, input):\n        return super().updateOutput(input)', names
    )
    return names['Nameless']()


@pytest.mark.parametrize(
    'module', [Sine, in_a_module_without_a_name, Square, Three, Gain, Normal, Dropping, Relu, Softmax, Norm]
)
def test_the_layers_without_mistakes_pass(module):
    check_module(module(), X)
