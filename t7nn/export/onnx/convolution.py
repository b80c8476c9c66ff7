"""Convolutions: ONNX's Conv and ConvTranspose in float32; in float64, which onnxruntime does not have them in, what
they mean, unfolded windows and a product of matrices."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

import t7nn as nn

from .builder import FLOAT, Graph, Value, exports, join

Sizes = tuple[int, ...]


def batched(module: Any, x: Value) -> Value:
    """x as a batch with its planes before its places."""
    y = x if x.ndim == 2 + len(module.axes) else x.unsqueeze(0)
    return y.transpose(0, 2, 1) if module.frames else y


def unbatched(module: Any, x: Value, y: Value) -> Value:
    """y, which came of `batched` x, in the form of x."""
    if module.frames:
        y = y.transpose(0, 2, 1)
    return y if x.ndim == 2 + len(module.axes) else y.squeeze(0)


def places(module: Any, x: Value) -> Sizes:
    """The sizes of the windowed axes of x."""
    sizes = [x.size(axis) for axis in range(x.ndim - len(module.axes) - module.frames, x.ndim - module.frames)]
    return tuple(sizes)


def unfold(x: Value, kernel: Sizes, counts: Sizes, stride: Sizes, dilation: Sizes) -> list[Value]:
    """For each place of the kernel, what all windows over x (N, planes, places ...) have there."""
    parts = []
    for place in itertools.product(*map(range, kernel)):
        starts = [i * d for i, d in zip(place, dilation, strict=True)]
        stops = [first + (n - 1) * s + 1 for first, n, s in zip(starts, counts, stride, strict=True)]
        parts.append(x.op('Slice', starts, stops, list(range(2, 2 + len(kernel))), list(stride)))
    return parts


def geometry(module: Any) -> tuple[Sizes, Sizes, Sizes, Sizes]:
    """Kernel, stride, pad and dilation."""
    return module.sizes('k'), module.sizes('d'), module.sizes('pad'), module.sizes('dilation', 1)


def correlate(
    g: Graph,
    x: Value,
    sizes: Sizes | None,
    w: np.ndarray,
    bias: np.ndarray | None,
    stride: Sizes,
    pads: list,
    dilation: Sizes,
) -> Value:
    """The convolution of x (N, G C, sizes) with weights (G, M, C, kernel); `pads` before and after each axis."""
    groups, maps, planes, *kernel = w.shape
    if x.dtype == FLOAT:
        if any(min(pair) < 0 for pair in pads):  # those of Conv only add
            x, pads = x.pad([(0, 0), (0, 0), *pads]), [(0, 0)] * len(pads)
        return x.op(
            'Conv',
            w.reshape(groups * maps, planes, *kernel),
            *[] if bias is None else [bias],
            group=groups,
            kernel_shape=kernel,
            strides=stride,
            pads=[before for before, _ in pads] + [after for _, after in pads],
            dilations=dilation,
        )
    assert sizes is not None
    counts = tuple(
        (n + before + after - d * (k - 1) - 1) // s + 1
        for n, (before, after), k, s, d in zip(sizes, pads, kernel, stride, dilation, strict=True)
    )
    dense = np.zeros((groups, maps, *kernel, groups, planes), w.dtype)  # groups are blocks, with zeros between them
    for i in range(groups):
        dense[i, :, ..., i, :] = np.moveaxis(w[i], 1, -1)
    columns = join(unfold(x.pad([(0, 0), (0, 0), *pads]), tuple(kernel), counts, stride, dilation), 1)
    product = dense.reshape(groups * maps, -1) @ columns.reshape(0, 0, math.prod(counts))
    if bias is not None:
        product = product + bias[:, None]
    return product.reshape(0, 0, *counts)


@exports(
    nn.SpatialConvolution,
    nn.SpatialConvolutionMM,
    nn.SpatialDilatedConvolution,
    nn.SpatialDepthWiseConvolution,
    nn.SpatialConvolutionMap,
    nn.TemporalConvolution,
    nn.TemporalRowConvolution,
    nn.VolumetricConvolution,
    nn.VolumetricDilatedConvolution,
)
def convolution(g, module, x):
    _, stride, pad, dilation = geometry(module)
    planes = x.size(x.ndim - 1 if module.frames else x.ndim - 1 - len(module.axes))
    w = module.kernels(module.weight, np.empty((0, module.maps())), np.empty((0, planes)))
    bias = None if module.bias is None else module.by_plane(module.bias).reshape(-1)
    sizes = None if x.dtype == FLOAT else places(module, x)
    y = correlate(g, batched(module, x), sizes, w, bias, stride, [(p, p) for p in pad], dilation)
    return unbatched(module, x, y)


@exports(nn.SpatialSubSampling, nn.TemporalSubSampling)
def sub_sampling(g, module, x):
    kernel, stride, _, _ = geometry(module)
    w = np.broadcast_to(module.weight.reshape(-1, 1, 1, *(1,) * len(kernel)), (len(module.weight), 1, 1, *kernel))
    sizes = None if x.dtype == FLOAT else places(module, x)
    one = (1,) * len(kernel)
    y = correlate(g, batched(module, x), sizes, w, module.bias, stride, [(0, 0)] * len(kernel), one)
    return unbatched(module, x, y)


@exports(nn.SpatialConvolutionLocal)
def local(g, module, x):
    kernel, stride, pad, dilation = geometry(module)
    counts = module.oH, module.oW
    maps, planes = module.nOutputPlane, module.nInputPlane
    padded = batched(module, x).pad([(0, 0), (0, 0), *((p, p) for p in pad)])
    columns = join(unfold(padded, kernel, counts, stride, dilation), 1).reshape(0, 0, math.prod(counts))
    w = module.weight.reshape(math.prod(counts), maps, planes, math.prod(kernel)).swapaxes(2, 3)
    product = w.reshape(math.prod(counts), maps, -1) @ columns.transpose(2, 1, 0)  # a product for each place
    y = product.transpose(2, 1, 0).reshape(0, 0, *counts)
    return unbatched(module, x, y if module.bias is None else y + module.bias)


@exports(nn.SpatialFullConvolution, nn.SpatialFullConvolutionMap, nn.VolumetricFullConvolution)
def full(g, module, x):
    kernel, stride, pad, _ = geometry(module)
    adjust = module.sizes('adj')
    if isinstance(x, list):
        x, target = x
        wanted = target.sizes(target.ndim - len(kernel))
        adjust = tuple((n + 2 * p - k) % d for n, p, k, d in zip(wanted, pad, kernel, stride, strict=True))
    planes = x.size(x.ndim - 1 - len(kernel))
    w = module.kernels(module.weight, np.empty((0, planes)), np.empty((0, module.maps())))[0]
    y = batched(module, x)
    if x.dtype == FLOAT and min(pad) >= 0:
        bias = [] if module.bias is None else [module.bias]
        y = y.op('ConvTranspose', w, *bias, kernel_shape=kernel, strides=stride, pads=pad * 2, output_padding=adjust)
        return unbatched(module, x, y)
    # the same as a convolution, with the kernel turned around, of an input with stride - 1 zeros between its elements
    sizes = places(module, x)
    for axis, (n, step) in enumerate(zip(sizes, stride, strict=True), 2):
        if step > 1:
            rest = sizes[axis - 1 :]
            y = y.unsqueeze(axis + 1).pad([(0, 0)] * (axis + 1) + [(0, step - 1)] + [(0, 0)] * len(rest))
            y = y.reshape(*[0] * axis, n * step, *rest)
    spread = tuple(n * step for n, step in zip(sizes, stride, strict=True))
    pads = [
        (k - 1 - p, k - 1 - p + extra - step + 1) for k, p, extra, step in zip(kernel, pad, adjust, stride, strict=True)
    ]
    turned = np.flip(w, tuple(range(2, w.ndim))).swapaxes(0, 1)[None]
    one = (1,) * len(kernel)
    return unbatched(module, x, correlate(g, y, spread, turned, module.bias, one, pads, one))
