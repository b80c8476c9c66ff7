"""Layers of tables: select, zip, join, arithmetic; reductions along a dimension; products of matrices."""

from __future__ import annotations

from functools import reduce

import t7nn as nn

from ...tensors import nested_map
from .builder import exports, join


@exports(nn.SplitTable)
def split_table(g, module, x):
    axis = module.axis_of(module.dimension, x.ndim, module.nInputDims)
    return [x.take(axis, i) for i in range(x.size(axis))]


@exports(nn.JoinTable)
def join_table(g, module, xs):
    return join(xs, module.axis_of(module.dimension, xs[0].ndim, module.nInputDims))


@exports(nn.SelectTable)
def select_table(g, module, xs):
    return xs[module._key(xs)]


@exports(nn.NarrowTable)
def narrow_table(g, module, xs):
    return xs[module._range(xs)]


@exports(nn.FlattenTable)
def flatten_table(g, module, xs):
    flat = []
    nested_map(flat.append, xs)
    return flat


@exports(nn.ZipTable)
def zip_table(g, module, xs):
    return [list(items) for items in zip(*xs, strict=True)]


@exports(nn.ZipTableOneToMany)
def zip_table_one_to_many(g, module, xs):
    return [[xs[0], item] for item in xs[1]]


@exports(nn.CAddTable)
def add_table(g, module, xs):
    return reduce(lambda y, x: y + x, xs)


@exports(nn.CSubTable)
def sub_table(g, module, xs):
    return xs[0] - xs[1]


@exports(nn.CMulTable)
def mul_table(g, module, xs):
    return reduce(lambda y, x: y * x, xs)


@exports(nn.CDivTable)
def div_table(g, module, xs):
    return xs[0] / xs[1]


@exports(nn.CMaxTable)
def max_table(g, module, xs):
    return xs[0].op('Max', *xs[1:])


@exports(nn.CMinTable)
def min_table(g, module, xs):
    return xs[0].op('Min', *xs[1:])


@exports(nn.CAddTensorTable)
def add_tensor_table(g, module, xs):
    return [tensor + xs[0] for tensor in xs[1]]


@exports(nn.MixtureTable)
def mixture_table(g, module, xs):
    gates, experts = xs
    if not isinstance(experts, list):
        axis = module.axis_of(gates.ndim if module.dim is None else module.dim, experts.ndim)
        shape = experts.ndim - 1
        experts = [experts.take(axis, k) for k in range(experts.size(axis))]
    else:
        shape = experts[0].ndim
    total = None
    for k, expert in enumerate(experts):
        gate = gates.take(gates.ndim - 1, k)  # a number, or one for each example
        if gates.ndim == 2 and shape > 1:
            gate = gate.unsqueeze(*range(1, shape))
        total = gate * expert if total is None else total + gate * expert
    return total


# Reductions


def reduced(operator, module, x):
    """A reduction of x; the axis stays where the layer wants it, and where it is the only one."""
    axis = module.axis_of(module.dimension, x.ndim, module.nInputDims)
    keep = not module.squeeze or x.ndim == 1
    return x.sum(axis, keep) if operator == 'ReduceSum' else x.op(operator, axes=[axis], keepdims=int(keep))


@exports(nn.Sum, nn.Mean)
def total(g, module, x):
    return reduced('ReduceMean' if module.sizeAverage else 'ReduceSum', module, x)


@exports(nn.Max)
def largest(g, module, x):
    return reduced('ReduceMax', module, x)


@exports(nn.Min)
def smallest(g, module, x):
    return reduced('ReduceMin', module, x)


# Products


def turned(x):
    """x with its last two axes exchanged."""
    return x.transpose(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)


@exports(nn.MM)
def matrix_product(g, module, xs):
    left, right = xs
    return (turned(left) if module.transA else left) @ (turned(right) if module.transB else right)


@exports(nn.MV)
def matrix_vector_product(g, module, xs):
    matrix, vector = xs
    product = (turned(matrix) if module.trans else matrix) @ vector.unsqueeze(vector.ndim)
    return product.squeeze(vector.ndim)


@exports(nn.DotProduct)
def dot_product(g, module, xs):
    a, b = xs
    return (a * b).sum(a.ndim - 1, a.ndim == 1)


@exports(nn.CosineDistance)
def cosine_distance(g, module, xs):
    a, b = xs
    ab, aa, bb = ((x * y).sum(a.ndim - 1, a.ndim == 1) for x, y in ((a, b), (a, a), (b, b)))
    return ab / ((aa + 1e-12) * (bb + 1e-12)).op('Sqrt')


@exports(nn.PairwiseDistance)
def pairwise_distance(g, module, xs):
    a, b = xs
    powers = (a - b).op('Abs') ** float(module.norm)
    return powers.sum(a.ndim - 1, a.ndim == 1) ** (1 / module.norm)
