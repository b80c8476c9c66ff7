"""Poolings, and the unpoolings that undo them."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

import t7nn as nn

from ...layers._planes import taps
from ...layers.pooling.adaptive import bounds
from .builder import FLOAT, Value, exports, refuses
from .convolution import Sizes, batched, geometry, places, unbatched, unfold

refuses(
    'it draws its windows at random in every forward', nn.SpatialFractionalMaxPooling, nn.VolumetricFractionalMaxPooling
)


def pads_of(sizes: Sizes, counts: Sizes, kernel: Sizes, stride: Sizes, pad: Sizes, dilation: Sizes) -> list:
    """What is missing before and after each axis to `counts` windows, whose number Torch7 may have rounded up."""
    return [
        (p, max(0, (n - 1) * s + d * (k - 1) + 1 - size - p))
        for size, n, k, s, p, d in zip(sizes, counts, kernel, stride, pad, dilation, strict=True)
    ]


def attributes(kernel: Sizes, stride: Sizes, pads: list) -> dict[str, Any]:
    """The attributes that all of ONNX's poolings have."""
    return {
        'kernel_shape': kernel,
        'strides': stride,
        'pads': [before for before, _ in pads] + [after for _, after in pads],
    }


def fits(kernel: Sizes, pads: list) -> bool:
    """Whether a pooling can have these pads: onnxruntime wants them smaller than the kernel."""
    return all(max(pair) < k for k, pair in zip(kernel, pads, strict=True))


def largest_along(x: Value, axis: int, index: np.ndarray) -> Value:
    """The largest of the entries `index` (entries, windows) along `axis`, for each window."""
    entries = x.take(axis, index)  # two axes, entries and windows, in the place of one
    return entries.op('ReduceMax', axes=[axis], keepdims=0)


@exports(
    nn.TemporalMaxPooling,
    nn.SpatialMaxPooling,
    nn.SpatialDilatedMaxPooling,
    nn.VolumetricMaxPooling,
    nn.VolumetricDilatedMaxPooling,
)
def max_pooling(g, module, x):
    kernel, stride, pad, dilation = geometry(module)
    sizes = places(module, x)
    counts = module.plan(sizes).counts
    pads = pads_of(sizes, counts, kernel, stride, pad, dilation)
    least = float(np.finfo(x.dtype).min)
    y = batched(module, x)
    if getattr(module, 'short', False) and any(p > 1 < d for p, d in zip(pad, dilation, strict=True)):
        # Torch7 leaves an element out of dilated volumetric windows that begin two elements or more before the input
        for axis, one in enumerate(zip(sizes, counts, kernel, stride, pad, dilation, strict=True)):
            index = np.full((one[2], one[1]), one[0])
            for row, (windows, entries) in zip(index, taps(*one, True), strict=True):
                row[windows] = np.arange(one[0])[entries]
            around = [(0, 0)] * (len(kernel) + 2)
            around[2 + axis] = 0, 1
            y = largest_along(y.pad(around, least), 2 + axis, index)
        return unbatched(module, x, y)
    if not fits(kernel, pads):
        y, pads = y.pad([(0, 0), (0, 0), *pads], least), [(0, 0)] * len(pads)
    y = y.op('MaxPool', dilations=dilation, **attributes(kernel, stride, pads))
    g.recorded[id(module)] = x, Value(g, y.name, y.dtype)  # whatever is written into y later
    return unbatched(module, x, y)


@exports(nn.SpatialMaxUnpooling, nn.VolumetricMaxUnpooling, container=True)
def max_unpooling(g, module, x):
    if id(module.pooling) not in g.recorded:
        raise ValueError(f'{g.described(module)}: expected {module.pooling} before it in the network, got none')
    pooled, y = g.recorded[id(module.pooling)]
    shape = pooled.op('Shape')
    zeros = g.op('Expand', g.constant(np.zeros(1, x.dtype)), shape).reshape(-1)
    places = g.second(y).reshape(-1)  # flat in the whole input
    values = zeros.op('ScatterElements', places, x.reshape(-1), axis=0)
    return values.op('Reshape', shape).like(np.zeros_like, pooled)


@exports(nn.SpatialAveragePooling, nn.VolumetricAveragePooling)
def average_pooling(g, module, x):
    kernel, stride, pad, dilation = geometry(module)
    sizes = places(module, x)
    plan = module.plan(sizes)
    pads = pads_of(sizes, plan.counts, kernel, stride, pad, dilation)
    y = batched(module, x)
    scale = math.prod(kernel) / plan.divisor  # one number, or one for each window where they differ
    if x.dtype == FLOAT:
        if not fits(kernel, pads):
            y, pads = y.pad([(0, 0), (0, 0), *pads]), [(0, 0)] * len(pads)
        y = y.op('AveragePool', count_include_pad=1, **attributes(kernel, stride, pads))
        return unbatched(module, x, y if np.all(scale == 1) else y * scale)
    parts = unfold(y.pad([(0, 0), (0, 0), *pads]), kernel, plan.counts, stride, dilation)
    return unbatched(module, x, reduce(lambda a, b: a + b, parts) / plan.divisor)


@exports(nn.SpatialAdaptiveMaxPooling)
def adaptive_max_pooling(g, module, x):
    sizes = places(module, x)
    y = x
    for axis, (size, count) in enumerate(zip(sizes, module.counts(sizes), strict=True), x.ndim - 2):
        start, end = bounds(size, count, True)
        index = np.minimum(start + np.arange((end - start).max())[:, None], end - 1)
        y = largest_along(y, axis, index)
    return y


@exports(nn.SpatialAdaptiveAveragePooling)
def adaptive_average_pooling(g, module, x):
    sizes = places(module, x)
    means = []
    for size, count in zip(sizes, module.counts(sizes), strict=True):
        start, end = (bound[:, None] for bound in bounds(size, count, False))
        entries = np.arange(size)
        means.append(((start <= entries) & (entries < end)) / (end - start))
    down, across = means  # the mean of a window is a product with a matrix from each side
    return (down @ x) @ across.T


@exports(nn.TemporalDynamicKMaxPooling)
def dynamic_k_max_pooling(g, module, x):
    k = max(module.minK, math.ceil(module.factor * x.size(-2)))
    axis = x.ndim - 2
    places = g.second(x.op('TopK', [k], axis=axis))  # of equal frames the first
    in_order = places.op('TopK', [k], axis=axis, largest=0)
    g.second(in_order)
    return x.op('GatherElements', in_order, axis=axis)


@exports(nn.FeatureLPPooling)
def feature_lp_pooling(g, module, x):
    axis = int(module.batch_mode)
    last = x.size(axis) - module.width + 1
    powers = x.cast(np.float64) ** float(module.power)  # as in Torch7, also for float32
    parts = [powers.slice(axis, i, i + last, module.stride) for i in range(module.width)]
    return (reduce(lambda a, b: a + b, parts) ** (1 / module.power)).cast(x.dtype)
