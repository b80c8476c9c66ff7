"""Layers with weights on vectors, and those that touch only the rows of their weight which the input names."""

from __future__ import annotations

import numpy as np

import t7nn as nn

from .builder import LONG, exports, join


def with_bias(y, bias):
    """y + b, where there is a b."""
    return y if bias is None else y + bias


@exports(nn.Linear, nn.LinearWeightNorm)
def linear(g, module, x):
    if x.ndim == 1:
        return with_bias(g.constant(module.weight) @ x, module.bias)
    return x.op('Gemm', module.weight, *[] if module.bias is None else [module.bias], transB=1)


@exports(nn.PartialLinear)
def partial_linear(g, module, x):
    columns = module._columns()
    bias = [] if module.bias is None else [module.bias[0, columns]]
    return x.op('Gemm', module.weight[columns], *bias, transB=1)


@exports(nn.Bilinear)
def bilinear(g, module, xs):
    x1, x2 = xs
    outputs, size1, size2 = module.weight.shape
    products = x2.op('Gemm', module.weight.reshape(-1, size2), transB=1).reshape(-1, outputs, size1)
    return with_bias((products @ x1.unsqueeze(2)).squeeze(2), module.bias)


# One tensor over another


def fitted(g, module, parameter, x):
    """The parameter in the shape that broadcasts over x."""
    shapes = {module.fitted(parameter, example).shape for example in x.examples}
    if len(shapes) > 1:
        raise g.varying('a fixed shape of the parameter')
    return parameter.reshape(shapes.pop())


@exports(nn.Add, nn.CAdd)
def adding(g, module, x):
    return x + fitted(g, module, module.bias, x)


@exports(nn.Mul, nn.CMul)
def multiplying(g, module, x):
    return x * fitted(g, module, module.weight, x)


# Templates


@exports(nn.Euclidean)
def euclidean(g, module, x):
    difference = x.unsqueeze(x.ndim - 1) - module.weight.T
    return (difference * difference).sum(x.ndim).op('Sqrt')


@exports(nn.WeightedEuclidean)
def weighted_euclidean(g, module, x):
    difference = (x.unsqueeze(x.ndim - 1) - module.weight.T) * module.diagCov.T
    return (difference * difference).sum(x.ndim).op('Sqrt')


@exports(nn.Cosine)
def cosine(g, module, x):
    length = (x * x).sum(x.ndim - 1, True).op('Sqrt') + 1e-12
    return x @ (module.weight / module.norms(module.weight)).T / length


@exports(nn.Kmeans)
def kmeans(g, module, x):
    difference = x.unsqueeze(1) - module.weight
    nearest = (difference * difference).sum(2).op('ArgMin', axis=1, keepdims=0, dtype=LONG)
    return (nearest + 1).cast(x.dtype)


# Rows of the weight


@exports(nn.LookupTable)
def lookup_table(g, module, x):
    if module.maxNorm is not None:
        module.renorm(np.arange(1, len(module.weight) + 1))
    return g.constant(module.weight).op('Gather', x.cast(LONG) - 1, axis=0)


@exports(nn.SparseLinear)
def sparse_linear(g, module, x):
    table = g.constant(module.weight.T)

    def products(entries, ndim):
        """W x for entries (..., n, 2); those of value 0 are ignored, whatever their index."""
        value = entries.take(ndim - 1, 1)
        index = entries.take(ndim - 1, 0).cast(LONG) - 1
        index = g.op('Where', value.op('Equal', 0.0), g.constant(np.array(0, LONG)), index)
        rows = table.op('Gather', index, axis=0)
        return (rows * value.unsqueeze(ndim - 1)).sum(ndim - 2) + module.bias

    if not isinstance(x, list):
        return products(x, x.ndim)
    return join([products(sample, 2).unsqueeze(0) for sample in x], 0)


@exports(nn.IndexLinear)
def index_linear(g, module, x):
    table = module.weight[:, module.normalize :]

    def products(keys, values):
        """value W[key] for every entry."""
        index = keys + int(module.offset)
        if module.normalize:
            largest, inverse, _, shift = (
                g.constant(module.weight[:, column]).op('Gather', index, axis=0) for column in range(4)
            )
            beyond = values.op('Abs') > largest
            values = g.op('Where', beyond, values.op('Sign'), values * inverse) + shift
        return g.constant(table).op('Gather', index, axis=0) * values.unsqueeze(1)

    if len(x) == 3:
        keys, values, sizes = x
        ends = sizes.cast(LONG).op('CumSum', 0)
        place = np.arange(keys.size(0))
        inside = (
            ends.unsqueeze(1)
            .op('Greater', place)
            .op('And', (ends - sizes.cast(LONG)).unsqueeze(1).op('LessOrEqual', place))
        )
        return inside.cast(module.dtype) @ products(keys, values) + module.bias
    if isinstance(x[0], list):
        samples = [products(*pair).sum(0, True) for pair in zip(*x, strict=True)]
        return join(samples, 0) + module.bias
    return products(*x).sum(0) + module.bias
