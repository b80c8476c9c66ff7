"""Mistakes in batches, memory, random numbers and time, each planted in a layer that is right otherwise."""

import random as python_random

import numpy as np
import pytest
from plain_layers import Dropping, Norm, Relu, Square, Three
from support import assert_found

import t7nn as nn
from t7nn import random

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
    assert_found(check, bug(), message)
