"""Mistakes that people make, each planted in a layer that is right otherwise: the check that must find it."""

import random as python_random
import re

import numpy as np
import pytest
from plain_layers import BatchNorm, Dense, Dropping, Norm, Relu, Scale, Softmax

import t7nn as nn
from t7nn import random
from t7nn.testing import check_module, report

X = np.array([[0.5, -1.0, 0.25], [2.0, 0.125, -0.75]])


class Square(nn.Module):
    """y = x^2, right."""

    def updateOutput(self, input):
        self.check(input)
        self.output = input * input
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = 2 * input * gradOutput
        return self.gradInput


class Three(Dense):
    def __init__(self):
        super().__init__(3, 2)


class Gain(Scale):
    def __init__(self):
        super().__init__(3)


class Normal(BatchNorm):
    def __init__(self):
        super().__init__(3)


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


# Batches and memory


class MeanOverTheBatch(Three):
    def accGradParameters(self, input, gradOutput, scale=1):
        super().accGradParameters(input, gradOutput, scale / len(input))


class LastRowForgotten(Three):
    def accGradParameters(self, input, gradOutput, scale=1):
        for i in range(max(1, len(input) - 1)):
            self.gradWeight += scale * np.outer(gradOutput[i], input[i])
            self.gradBias += scale * gradOutput[i]


class FirstRowOnly(Square):
    def updateGradInput(self, input, gradOutput):
        self.gradInput = np.zeros_like(input)
        self.gradInput[0] = 2 * input[0] * gradOutput[0]
        return self.gradInput


class EmptyIsNan(Three):
    def accGradParameters(self, input, gradOutput, scale=1):
        x, dy = np.atleast_2d(input), np.atleast_2d(gradOutput)
        self.gradWeight += scale * len(x) * np.mean(dy[:, :, None] * x[:, None, :], 0)
        self.gradBias += scale * dy.sum(0)


class EmptyDivides(Square):
    def updateOutput(self, input):
        super().updateOutput(input)
        self.mean = sum(map(float, input.ravel())) / input.size
        return self.output


class EmptyHasAnotherShape(Three):
    def updateOutput(self, input):
        super().updateOutput(input)
        self.output = np.array([row for row in self.output], input.dtype)
        return self.output


class Flat(Square):
    def updateOutput(self, input):
        self.check(input)
        self.output = (input.ravel('K') ** 2).reshape(input.shape)
        return self.output


class OutputInGradInput(Square):
    def updateOutput(self, input):
        if np.shape(self.gradInput) == input.shape:
            return np.square(input, self.gradInput)
        return super().updateOutput(input)


class AsInMemory(Square):
    def updateOutput(self, input):
        self.check(input)
        self.output = (input.ravel('K') ** 2).reshape(input.shape)
        return self.output


class NeedsWriteableInput(Square):
    def updateOutput(self, input):
        input.flags.writeable = True
        return super().updateOutput(input)


class WritesIntoBroadcast(Square):
    def updateGradInput(self, input, gradOutput):
        if 0 in gradOutput.strides:
            gradOutput = gradOutput[:1]
        self.gradInput = 2 * input * gradOutput.mean(0)
        return self.gradInput


class StaysDouble(Square):
    def updateGradInput(self, input, gradOutput):
        self.gradInput = 2.0 * input * gradOutput.astype(np.float64)
        return self.gradInput


class RoundsInSingle(Square):
    def updateOutput(self, input):
        super().updateOutput(input)
        if input.dtype == np.float32:
            self.output = self.output.astype(np.float16).astype(np.float32)
        return self.output


class NeverShrinks(Square):
    def updateOutput(self, input):
        self.check(input)
        if len(getattr(self, '_big', ())) < len(input):
            self._big = np.zeros_like(input)
        self._big[: len(input)] = input**2
        self.output = self._big[: len(input)] + 0 * self._big.sum()
        self.output = self.output + (0.1 if len(self._big) > len(input) else 0)
        return self.output


class HidesNan(Relu):
    def updateOutput(self, input):
        super().updateOutput(input)
        self.output = np.nan_to_num(self.output)
        return self.output


class MeanOfWhatIsLeft(nn.Module):
    """np.nanmean in the place of np.mean."""

    def updateOutput(self, input):
        self.check(input)
        self.output = np.nanmean(input, -1)
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = np.repeat(np.asarray(gradOutput)[..., None], input.shape[-1], -1) / input.shape[-1]
        return self.gradInput


class HidesNanGradient(Square):
    def updateGradInput(self, input, gradOutput):
        super().updateGradInput(input, gradOutput)
        self.gradInput = np.where(np.isnan(gradOutput), 0, self.gradInput)
        return self.gradInput


# Random numbers from elsewhere


class NumpysRandom(Dropping):
    def updateOutput(self, input):
        self.check(input)
        self.mask = (np.random.rand(*input.shape) < 0.5).astype(input.dtype) * 2 if self.train else 1
        self.output = input * self.mask
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = gradOutput * self.mask
        return self.gradInput


class PythonsRandom(NumpysRandom):
    def updateOutput(self, input):
        self.check(input)
        self.mask = input.dtype.type(python_random.random()) if self.train else 1
        self.output = input * self.mask
        return self.output


class ItsOwnGenerator(NumpysRandom):
    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)

    def updateOutput(self, input):
        self.check(input)
        self.mask = input.dtype.type(self.rng.random()) if self.train else 1
        self.output = input * self.mask
        return self.output


class SystemsGenerator(ItsOwnGenerator):
    def __init__(self):
        super().__init__()
        self.rng = python_random.SystemRandom()


class SeedsEveryTime(Dropping):
    def updateOutput(self, input):
        random.manualSeed(5)
        return super().updateOutput(input)


# Time


class SquareOfTheBatch(Square):
    def updateOutput(self, input):
        self.check(input)
        same = np.zeros(len(input), int)
        for i in range(len(input)):
            for j in range(len(input)):
                same[i] += i == j
        self.output = input * input * same.astype(input.dtype).reshape(-1, *[1] * (input.ndim - 1))
        return self.output


class AllPairs(Norm):
    def updateOutput(self, input):
        if input.ndim == 2:
            np.exp(-(input @ input.T))
        return super().updateOutput(input)


class Appends(Square):
    def updateOutput(self, input):
        self.check(input)
        self.output = np.empty((0, *input.shape[1:]), input.dtype)
        for row in input:
            self.output = np.concatenate([self.output, row[None] ** 2])
        return self.output


class AllDifferences(Square):
    def updateOutput(self, input):
        self.check(input)
        self.output = input * input + 0 * ((input[:, None] - input[None]) ** 2).sum()
        return self.output


class EachAgainstAll(Square):
    def updateOutput(self, input):
        self.check(input)
        self.output = np.stack([row * row + 0 * (row - input).sum() for row in input]) if len(input) else input * 1
        return self.output


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
    ('parameter_gradient', MeanOverTheBatch, r'hint: a factor 1/N = 0.1667, N the number of examples'),
    ('parameter_gradient', LastRowForgotten, 'gradWeight'),
    ('input_gradient', FirstRowOnly, r'gradInput\[\d, \d\] is 0'),
    ('empty_batch', EmptyIsNan, r'gradWeight after an empty batch\[\d, \d\] is nan'),
    ('empty_batch', EmptyDivides, 'an empty batch ends in ZeroDivisionError'),
    ('empty_batch', EmptyHasAnotherShape, 'an empty batch ends in ValueError'),
    ('strides', Flat, 'from strided tensors'),
    ('results', OutputInGradInput, r'write self\.output = \.\.\. before it returns'),
    ('strides', AsInMemory, 'from strided tensors: output'),
    ('untouched', NeedsWriteableInput, 'hint|WRITEABLE|read-only|cannot set'),
    ('input_gradient', WritesIntoBroadcast, 'gradInput'),
    ('single_precision', StaysDouble, r'gradInput is float64 after float\(\)'),
    ('single_precision', RoundsInSingle, r'in float32: output\[\d, \d\] is'),
    ('buffers', NeverShrinks, 'from a used module'),
    ('nan', HidesNan, r'an input of NaN disappears: output\[0, 0\] depends on it, and is 0'),
    ('nan', MeanOfWhatIsLeft, r'a NaN at input\[\d, \d\] disappears from the output'),
    ('nan', HidesNanGradient, 'a gradOutput of NaN disappears: gradInput'),
    ('repeatable', NumpysRandom, r'random numbers come from np\.random, not from t7nn\.random'),
    ('repeatable', PythonsRandom, r'random numbers come from the module random, not from t7nn\.random'),
    ('repeatable', ItsOwnGenerator, r'random numbers do not come from t7nn\.random: the output of a second forward'),
    ('repeatable', SeedsEveryTime, r'it seeds t7nn\.random itself'),
    ('growth', SquareOfTheBatch, 'the work grows with the square of the batch'),
    ('growth', AllPairs, 'the work grows with the square of the batch'),
    ('growth', AllDifferences, 'the work grows with the square of the batch'),
    ('growth', EachAgainstAll, 'the work grows with the square of the batch'),
    ('growth', Appends, 'the work grows with the square of the batch'),
]  # fmt: skip


@pytest.mark.parametrize('check, bug, message', BUGS, ids=[getattr(bug, '__name__', '') for _, bug, _ in BUGS])
def test_mistake_is_found(check, bug, message):
    found = report(bug(), X, verbose=False)
    assert check in [outcome.name for outcome in found.failures]
    assert re.search(message, found[check].text)


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
