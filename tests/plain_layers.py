"""Twelve layers written the way a user of plain NumPy writes them, with loops where they come naturally: correct ones,
to plant mistakes in."""

import numpy as np

import t7nn as nn
from t7nn import random


class Dense(nn.Module):
    """y = W x + b, for a vector or a batch of them."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = random.uniform(-1, 1, out=np.empty((outputs, inputs)))
        self.bias = np.zeros(outputs)
        self.gradWeight, self.gradBias = np.zeros_like(self.weight), np.zeros_like(self.bias)

    def updateOutput(self, input):
        self.check(input)
        self.output = input @ self.weight.T + self.bias
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = gradOutput @ self.weight
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        x = input.reshape(-1, input.shape[-1])
        dy = gradOutput.reshape(-1, gradOutput.shape[-1])
        self.gradWeight += scale * dy.T @ x
        self.gradBias += scale * dy.sum(0)


class Relu(nn.Module):
    """y = x where it is positive, else a tenth of it."""

    def updateOutput(self, input):
        self.check(input)
        self.output = input * np.where(input < 0, 0.1, 1).astype(input.dtype)
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = gradOutput * np.where(input < 0, 0.1, 1).astype(input.dtype)
        return self.gradInput


class Softmax(nn.Module):
    """y_i = exp(x_i) / sum_j exp(x_j) over the last dimension."""

    def updateOutput(self, input):
        self.check(input)
        e = np.exp(input - input.max(-1, keepdims=True))
        self.output = e / e.sum(-1, keepdims=True)
        return self.output

    def updateGradInput(self, input, gradOutput):
        y = self.output
        self.gradInput = y * (gradOutput - (gradOutput * y).sum(-1, keepdims=True))
        return self.gradInput


class Scale(nn.Module):
    """y = gain x + shift, one of both for each column; they begin as 1 and 0."""

    def __init__(self, size):
        super().__init__()
        self.weight, self.bias = np.ones(size), np.zeros(size)
        self.gradWeight, self.gradBias = np.zeros(size), np.zeros(size)

    def updateOutput(self, input):
        self.check(input)
        self.output = input * self.weight + self.bias
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = gradOutput * self.weight
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        for x, dy in zip(np.atleast_2d(input), np.atleast_2d(gradOutput), strict=True):
            self.gradWeight += scale * x * dy
            self.gradBias += scale * dy


class Convolution(nn.Module):
    """y_t = sum_k w_k x_{t s + k} + b over the last dimension, with a step s."""

    def __init__(self, width, step=1):
        super().__init__()
        self.step = step
        self.weight, self.gradWeight = random.uniform(-1, 1, out=np.empty(width)), np.zeros(width)
        self.bias, self.gradBias = np.zeros(1), np.zeros(1)

    def updateOutput(self, input):
        self.check(input)
        width = len(self.weight)
        size = (input.shape[-1] - width) // self.step + 1
        self.output = np.zeros((*input.shape[:-1], size), input.dtype)
        for t in range(size):
            for k in range(width):
                self.output[..., t] += self.weight[k] * input[..., t * self.step + k]
        self.output += self.bias
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = np.zeros_like(input)
        for t in range(gradOutput.shape[-1]):
            for k in range(len(self.weight)):
                self.gradInput[..., t * self.step + k] += self.weight[k] * gradOutput[..., t]
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        for t in range(gradOutput.shape[-1]):
            for k in range(len(self.weight)):
                self.gradWeight[k] += scale * np.sum(gradOutput[..., t] * input[..., t * self.step + k])
        self.gradBias += scale * gradOutput.sum()


class MaxPool(nn.Module):
    """y_t = the largest of x_{2t} and x_{2t+1}, over the last dimension."""

    def updateOutput(self, input):
        self.check(input)
        size = input.shape[-1] // 2
        pairs = input[..., : 2 * size].reshape(*input.shape[:-1], size, 2)
        self.output = pairs.max(-1)
        return self.output

    def updateGradInput(self, input, gradOutput):
        size = input.shape[-1] // 2
        self.gradInput = np.zeros_like(input)
        for t in range(size):
            first = input[..., 2 * t] >= input[..., 2 * t + 1]
            self.gradInput[..., 2 * t] = np.where(first, gradOutput[..., t], 0)
            self.gradInput[..., 2 * t + 1] = np.where(first, 0, gradOutput[..., t])
        return self.gradInput


class Dropping(nn.Module):
    """Inverted dropout: in training, y = x / (1 - p) where a coin says so, else 0."""

    def __init__(self, p=0.5):
        super().__init__()
        self.p = p
        self.train = True

    def updateOutput(self, input):
        self.check(input)
        if self.train:
            self.mask = random.bernoulli(1 - self.p, out=np.empty(input.shape, input.dtype)) / (1 - self.p)
            self.output = input * self.mask
        else:
            self.output = input.copy()
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = gradOutput * self.mask if self.train else gradOutput.copy()
        return self.gradInput


class BatchNorm(nn.Module):
    """y = gain (x - mean) / sqrt(var + eps) + shift over the batch, with running averages for evaluate mode."""

    def __init__(self, size, eps=0.1, momentum=0.1):
        super().__init__()
        self.train = True
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = np.ones(size), np.zeros(size)
        self.gradWeight, self.gradBias = np.zeros(size), np.zeros(size)
        self.running_mean, self.running_var = np.zeros(size), np.ones(size)

    def updateOutput(self, input):
        self.check(input)
        if self.train:
            self.mean, var = input.mean(0), input.var(0)
            self.running_mean += self.momentum * (self.mean - self.running_mean)
            self.running_var += self.momentum * (var - self.running_var)
        else:
            self.mean, var = self.running_mean.copy(), self.running_var
        self.std = np.sqrt(var + self.eps)
        self.normal = (input - self.mean) / self.std
        self.output = self.normal * self.weight + self.bias
        return self.output

    def updateGradInput(self, input, gradOutput):
        g = gradOutput * self.weight
        if self.train:
            g = g - g.mean(0) - self.normal * (g * self.normal).mean(0)
        self.gradInput = g / self.std
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradWeight += scale * (gradOutput * self.normal).sum(0)
        self.gradBias += scale * gradOutput.sum(0)


class Embedding(nn.Module):
    """The row of a table for each index, counted from 1."""

    def __init__(self, count, size):
        super().__init__()
        self.weight, self.gradWeight = random.uniform(-1, 1, out=np.empty((count, size))), np.zeros((count, size))

    def updateOutput(self, input):
        if input.dtype.kind != 'i' or input.size and not 1 <= input.min() <= input.max() <= len(self.weight):
            raise self.error(f'whole numbers in 1..{len(self.weight)} needed')
        self.output = self.weight[input - 1]
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = np.zeros(input.shape, self.dtype)
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        np.add.at(self.gradWeight, input - 1, scale * gradOutput)


class Norm(nn.Module):
    """y = x / sqrt(|x|^2 + 1) over the last dimension."""

    def updateOutput(self, input):
        self.check(input)
        self.length = np.sqrt((input**2).sum(-1, keepdims=True) + 1)
        self.output = input / self.length
        return self.output

    def updateGradInput(self, input, gradOutput):
        y = self.output
        self.gradInput = (gradOutput - y * (gradOutput * y).sum(-1, keepdims=True)) / self.length
        return self.gradInput


class Product(nn.Module):
    """y = a b of a table {a, b}."""

    def updateOutput(self, input):
        a, b = input
        self.check(a)
        self.check(b, 'b', a.shape)
        self.output = a * b
        return self.output

    def updateGradInput(self, input, gradOutput):
        a, b = input
        self.gradInput = [gradOutput * b, gradOutput * a]
        return self.gradInput


class Huber(nn.Criterion):
    """The mean of d^2 / 2 for distances |d| up to 1, |d| - 1/2 beyond."""

    def updateOutput(self, input, target):
        self.check(input)
        self.check(target, 'target', input.shape)
        d = np.abs(input - target)
        self.output = float(np.where(d < 1, d**2 / 2, d - 0.5).sum()) / max(1, input.size)
        return self.output

    def updateGradInput(self, input, target):
        d = input - target
        self.gradInput = np.clip(d, -1, 1) / max(1, input.size)
        return self.gradInput


def drawn(*shape):
    return np.random.RandomState(8).permutation(int(np.prod(shape))).reshape(shape) / 3 - 1.57


#: each layer with an input that is a batch, and one that is a single example, where it takes one
LAYERS = {
    'Dense': (lambda: Dense(3, 2), drawn(4, 3), drawn(3)),
    'Relu': (Relu, drawn(4, 3), drawn(3)),
    'Softmax': (Softmax, drawn(4, 3), drawn(3)),
    'Scale': (lambda: Scale(3), drawn(4, 3), drawn(3)),
    'Convolution': (lambda: Convolution(3, 2), drawn(3, 9), drawn(8)),
    'MaxPool': (MaxPool, drawn(3, 5), drawn(6)),
    'Dropping': (Dropping, drawn(4, 3), drawn(3)),
    'BatchNorm': (lambda: BatchNorm(3), drawn(4, 3), None),
    'Embedding': (lambda: Embedding(4, 2), np.array([[1, 4], [2, 2], [3, 1]]), np.array([1, 4, 4])),
    'Norm': (Norm, drawn(4, 3), drawn(3)),
    'Product': (Product, [drawn(4, 3), drawn(4, 3)[::-1] + 0.1], [drawn(3), drawn(3)[::-1] + 0.1]),
}
LOSSES = {'Huber': (Huber, (drawn(4, 3), 0.7 * drawn(4, 3)[::-1] + 0.1), (drawn(3), 0.7 * drawn(3)[::-1] + 0.1))}


# Bases of the layers with planted mistakes


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
