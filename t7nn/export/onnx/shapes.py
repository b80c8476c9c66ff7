"""Layers that look at a tensor in another shape, select from it, pad it or cast it."""

from __future__ import annotations

import numpy as np

import t7nn as nn

from .builder import BOOL, LONG, exports, join


@exports(nn.Reshape, nn.View, nn.Squeeze, nn.Unsqueeze, nn.Collapse)
def reshaping(g, module, x):
    return g.reshaped(x, g.output)


@exports(nn.Transpose)
def transpose(g, module, x):
    sample = x.ndim if module.numInputDims is None else min(module.numInputDims, x.ndim)
    axes = list(range(x.ndim))
    for pair in module.permutations:
        one, other = (module.axis_of(dimension, sample) + x.ndim - sample for dimension in pair)
        axes[one], axes[other] = axes[other], axes[one]
    return x.transpose(*axes)


@exports(nn.Replicate)
def replicate(g, module, x):
    axis = module._axis(x.examples[0])
    sizes = [1] * (x.ndim + 1)
    sizes[axis] = module.nfeatures
    return x.unsqueeze(axis).op('Expand', sizes)


def part(g, module, x):
    """The index of the part that the layer selects."""
    parts = [module.part(example) for example in x.examples]
    if any(other != parts[0] for other in parts):
        raise g.varying('a fixed part')
    return parts[0]


@exports(nn.Narrow)
def narrow(g, module, x):
    *before, wanted = part(g, module, x)
    return x.slice(len(before), wanted.start, wanted.stop)


@exports(nn.Select)
def select(g, module, x):
    *before, wanted = part(g, module, x)
    return x.take(len(before), wanted)


@exports(nn.Index)
def index(g, module, x):
    tensor, places = x
    return tensor.op('Gather', places.cast(LONG) - 1, axis=module.axis_of(module.dimension, tensor.ndim))


@exports(nn.MaskedSelect)
def masked_select(g, module, x):
    tensor, mask = x
    return tensor.reshape(-1).op('Compress', mask.reshape(-1).cast(BOOL))


@exports(nn.Padding)
def padding(g, module, x):
    _, parts = module._layout(x.examples[0])
    axis = len(parts[0][0]) - 1
    size = x.size(axis)
    cut, pad = parts[0][0][-1].stop, abs(module.pad)
    lead = [(0, 0)] * axis
    rest = [(0, 0)] * (x.ndim - axis - 1)
    if cut == size:
        return x.pad([*lead, (0, pad), *rest], module.value)
    if cut == 0:
        return x.pad([*lead, (pad, 0), *rest], module.value)
    first = x.slice(axis, 0, cut).pad([*lead, (0, pad), *rest], module.value)
    return join([first, x.slice(axis, cut, size)], axis)


@exports(nn.PixelShuffle)
def pixel_shuffle(g, module, x):
    y = x if x.ndim == 4 else x.unsqueeze(0)
    y = y.op('DepthToSpace', blocksize=module.upscaleFactor, mode='CRD')
    return y if x.ndim == 4 else y.squeeze(0)


@exports(nn.OneHot)
def one_hot(g, module, x):
    places = np.arange(1, module.outputSize + 1)
    return x.cast(LONG).unsqueeze(x.ndim).op('Equal', places).cast(module.dtype)


@exports(nn.Constant)
def constant(g, module, x):
    value = g.constant(np.asarray(module.value, module.dtype))
    if len(g.output) == module.value.ndim:
        return value.op('Identity')
    if isinstance(g.output[0], int):
        return value.op('Expand', list(g.output))
    batch = x.op('Shape', start=0, end=1)
    return value.op('Expand', batch.op('Concat', list(module.value.shape), axis=0))


@exports(nn.Copy)
def copy(g, module, x):
    return x.cast(module.output.dtype)


@exports(nn.Convert)
def convert(g, module, x):
    batch = x.cast(module.dtype)
    single = x.ndim < module.nInputDim
    if single:
        batch = batch.unsqueeze(module.inputBatchDim - 1)
    batch.like(lambda example: module._batch(example, module.nInputDim, module.inputBatchDim, 'input'), x)
    y = g.export(module.modules[0], batch, 'modules.1')
    return y.squeeze(module.outputBatchDim - 1) if single else y
