"""Layers that normalise."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

import t7nn as nn

from .builder import FLOAT, exports


@exports(nn.BatchNormalization, nn.SpatialBatchNormalization, nn.VolumetricBatchNormalization)
def batch_normalization(g, module, x):
    if x.ndim == module.nDim - 1:
        x = x.unsqueeze(0)  # at evaluation a single sample is a batch of one, which it stays
    mean, variance = module.running_mean, module.running_var
    ones = np.ones_like(mean)
    weight = ones if module.weight is None else module.weight
    bias = 0 * ones if module.bias is None else module.bias
    if module.eps > 0 and x.dtype == FLOAT:  # attributes are float32
        return x.op('BatchNormalization', weight, bias, mean, variance, epsilon=float(module.eps))
    factor = module._invstd(variance) * weight
    shape = (-1, *(1,) * (module.nDim - 2))
    return x * factor.reshape(shape) + (bias - mean * factor).reshape(shape)


@exports(nn.Normalize)
def normalize(g, module, x):
    size, axis = x.op('Abs'), x.ndim - 1
    if module.p == math.inf:
        return x / (size.op('ReduceMax', axes=[axis], keepdims=1) + module.eps)
    powers = (x * x if module.p == 2 else size ** float(module.p)).sum(axis, True)
    return x / (powers + module.eps) ** (1 / module.p)


@exports(nn.SpatialCrossMapLRN)
def cross_map_lrn(g, module, x):
    axis = x.ndim - 3
    if x.dtype == FLOAT:
        y = x if axis else x.unsqueeze(0)
        y = y.op('LRN', size=module.size, alpha=float(module.alpha), beta=float(module.beta), bias=float(module.k))
        return y if axis else y.squeeze(0)
    half, planes = module.size // 2, x.size(axis)
    squares = (x * x).pad([(0, 0)] * axis + [(half, half), (0, 0), (0, 0)])
    total = reduce(lambda a, b: a + b, [squares.slice(axis, i, i + planes) for i in range(module.size)])
    return x / (total * (module.alpha / module.size) + module.k) ** float(module.beta)


def neighbours(g, module, name, x):
    """The weighted mean of the neighbourhood of each pixel, by the network in the field `name`."""
    sums = g.export(getattr(module, name), x, name)
    return g.reshaped(sums, x.shape) / np.asarray(module.coef)


@exports(nn.SpatialSubtractiveNormalization)
def subtractive(g, module, x):
    return x - neighbours(g, module, 'meanestimator', x)


@exports(nn.SpatialDivisiveNormalization)
def divisive(g, module, x):
    deviation = neighbours(g, module, 'stdestimator', x)
    return x / g.op('Where', deviation > module.threshold, deviation, float(module.thresval))


@exports(nn.SpatialContrastiveNormalization, container=True)
def contrastive(g, module, x):
    return g.export(module.normalizer, x, 'normalizer')
