"""Convolutions, poolings, paddings and what else moves over images."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from t7nn.random import uniform

from .functions import after_training, coming


def cross_map_lrn(m, x):
    half, planes = m.size // 2, x.shape[-3]
    sums = [(x[..., max(c - half, 0) : c + half + 1, :, :] ** 2).sum(-3) for c in range(planes)]
    return x / (m.k + m.alpha / m.size * np.stack(sums, -3)) ** m.beta


def pooled(x, reduce, kernel, stride, pad, fill):
    """`reduce` over the windows of the last dimensions."""
    n = len(kernel)
    margins = [(0, 0)] * (x.ndim - n) + [(p, p) for p in pad]
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, margins, constant_values=fill), kernel, tuple(range(-n, 0))
    )
    return reduce(windows[(..., *(slice(None, None, d) for d in stride), *(slice(None),) * n)], tuple(range(-n, 0)))


def temporal_max_pooling(m, x):
    return np.moveaxis(pooled(np.moveaxis(x, -1, -2), np.max, (m.kW,), (m.dW,), (0,), 0), -1, -2)


def padded(mode: str) -> Callable:
    """The references of the paddings, by the name that np.pad has for them; negative ones cut off."""

    def reference(m, x):
        sides = [(m.pad_t, m.pad_b), (m.pad_l, m.pad_r)]
        cut = tuple(slice(max(-a, 0), size - max(-b, 0)) for (a, b), size in zip(sides, x.shape[-2:], strict=True))
        if mode != 'constant' and min(map(min, sides)) < 0:
            return None
        return np.pad(x[(..., *cut)], [(0, 0)] * (x.ndim - 2) + [(max(a, 0), max(b, 0)) for a, b in sides], mode)

    return reference


def resampled(x, *counts):
    """Linear along each of the last axes: the corners of input and output coincide."""
    for at, count in enumerate(counts, -len(counts)):
        size = x.shape[at]
        place = np.arange(count, dtype=np.float32) * (np.float32(size - 1) / np.float32(max(count - 1, 1)))  # as Torch7
        low = np.minimum(place.astype(int), size - 1)
        shape = [1] * x.ndim
        shape[at] = count
        share = (place - low).reshape(shape)
        x = np.take(x, low, at) * (1 - share) + np.take(x, np.minimum(low + 1, size - 1), at) * share
    return x


def bilinear_up_sampling(m, x):
    sizes = (m.oheight, m.owidth) if m.scale_factor is None else [m.scale_factor * size for size in x.shape[-2:]]
    return resampled(x, *sizes)


def nearest(m, x, axes=(-1, -2)):
    for at in axes:
        x = x.repeat(m.scale_factor, at)
    return x


def up_sampling(m, x):
    axes = range(2, x.ndim)
    if m.mode == 'nearest':
        return nearest(m, x, axes)
    given = [m.odepth, m.oheight, m.owidth][5 - x.ndim :]
    return resampled(x, *(given if m.scale_factor is None else [m.scale_factor * size for size in x.shape[2:]]))


def bilinear_sampler(m, given):
    images, grid = given
    images, grid = images.reshape(-1, *images.shape[-3:]), grid.reshape(-1, *grid.shape[-3:])
    (height, width), out = images.shape[1:3], np.zeros((*grid.shape[:-1], images.shape[-1]))
    for b, i, j in np.ndindex(grid.shape[:-1]):
        y, x = (grid[b, i, j] + 1) / 2 * (height - 1, width - 1)
        for row in (math.floor(y), math.floor(y) + 1):
            for column in (math.floor(x), math.floor(x) + 1):
                if 0 <= row < height and 0 <= column < width:
                    out[b, i, j] += (1 - abs(y - row)) * (1 - abs(x - column)) * images[b, row, column]
    return out[0] if given[0].ndim == 3 else out


def roi_pooling(m, given):
    images, boxes = given
    y = np.zeros((len(boxes), images.shape[1], m.H, m.W))
    for r, (number, *edges) in enumerate(boxes):
        # C's round() takes halves away from 0
        x1, y1, x2, y2 = (math.floor((edge - 1) * m.spatial_scale + 0.5) for edge in edges)
        for c, i, j in np.ndindex(y.shape[1:]):
            cell = [slice(None)] * 2
            for at, (first, last, place, count) in enumerate(((y1, y2, i, m.H), (x1, x2, j, m.W))):
                size = max(last - m.v2 - first + 1, 1) / count
                ends = place * size, (place + 1) * size
                start, end = (math.floor(ends[0] + 0.5), math.floor(ends[1] + 0.5)) if m.v2 else (
                    math.floor(ends[0]), math.ceil(ends[1])
                )  # fmt: skip
                cell[at] = slice(max(first + start, 0), max(first + end, 0))
            pixels = images[int(number) - 1, c][tuple(cell)]
            y[r, c, i, j] = pixels.max() if pixels.size else 0
    return y


def expected_pixel(m, x):
    """Stochastic pooling after training: the mean of a window's pixels, each weighted with itself."""
    sizes, kernel, stride = x.shape[-2:], (m.kH, m.kW), (m.dH, m.dW)
    counts = [math.ceil((size - k) / d) + 1 for size, k, d in zip(sizes, kernel, stride, strict=True)]
    y = np.empty((*x.shape[:-2], *counts))
    for i, j in np.ndindex(*counts):
        window = x[..., i * m.dH : i * m.dH + m.kH, j * m.dW : j * m.dW + m.kW]
        y[..., i, j] = (window**2).sum((-1, -2)) / window.sum((-1, -2))
    return y


def largest_frames(m, x):
    k = max(m.minK, math.ceil(m.factor * x.shape[-2]))
    order = np.sort(np.argsort(-x, -2, kind='stable')[..., :k, :], -2)
    return np.take_along_axis(x, order, -2)


def affine_grid(m, transforms):
    rows, columns = np.meshgrid(np.linspace(-1, 1, m.height), np.linspace(-1, 1, m.width), indexing='ij')
    grid = np.stack([rows, columns, np.ones_like(rows)], -1)
    return np.einsum('...kc,hwc->...hwk', transforms, grid)


def sizes(m, name, order='HW'):
    """The fields of a name, one for each axis: those of the kernel are kH and kW."""
    return [getattr(m, name + letter, 1 if name in ('d', 'dilation') else 0) for letter in order]


def convolved(x, weight, bias, stride, pad, dilation):
    """y[o] = b[o] + sum over i of W[o, i] * x[i], for x ``(N, planes, ...)``, place by place; negative padding cuts."""
    n, kernel = len(stride), weight.shape[2:]
    x = np.pad(x, [(0, 0)] * 2 + [(max(p, 0), max(p, 0)) for p in pad])
    x = x[(..., *(slice(max(-p, 0), size - max(-p, 0)) for p, size in zip(pad, x.shape[2:], strict=True)))]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    counts = [(size - r) // s + 1 for size, r, s in zip(x.shape[2:], reach, stride, strict=True)]
    y = np.zeros((len(x), len(weight), *counts))
    for at in np.ndindex(*counts):
        starts = [i * s for i, s in zip(at, stride, strict=True)]
        part = x[(..., *(slice(a, a + r, d) for a, r, d in zip(starts, reach, dilation, strict=True)))]
        y[(..., *at)] = np.tensordot(part, weight, (range(1, n + 2), range(1, n + 2)))
    return y if bias is None else y + bias.reshape(-1, *(1,) * n)


def spread(x, weight, bias, stride, pad, more):
    """The transpose: every element of x ``(N, planes, ...)`` adds its kernels to the output."""
    n, kernel = len(stride), weight.shape[2:]
    whole = [(size - 1) * s + k + a for size, s, k, a in zip(x.shape[2:], stride, kernel, more, strict=True)]
    y = np.zeros((len(x), weight.shape[1], *whole))
    for at in np.ndindex(x.shape[2:]):
        place = (..., *(slice(i * s, i * s + k) for i, s, k in zip(at, stride, kernel, strict=True)))
        y[place] += np.tensordot(x[(..., *at)], weight, 1)
    y = y[(..., *(slice(p, size - p) for p, size in zip(pad, whole, strict=True)))]
    return y if bias is None else y + bias.reshape(-1, *(1,) * n)


def batches(n: int) -> Callable:
    """As a decorator: a reference of batches of n + 1 dimensions each, which a single sample passes as one of one."""

    def decorate(function: Callable) -> Callable:
        return lambda m, x: function(m, x) if x.ndim == n + 2 else function(m, x[None])[0]

    return decorate


def convolution(order: str) -> Callable:
    @batches(len(order))
    def reference(m, x):
        weight = m.weight.reshape(m.nOutputPlane, m.nInputPlane, *sizes(m, 'k', order))
        return convolved(x, weight, m.bias, *(sizes(m, name, order) for name in ('d', 'pad', 'dilation')))

    return reference


def full_convolution(order: str) -> Callable:
    @batches(len(order))
    def of_tensor(m, x):
        return spread(x, m.weight, m.bias, *(sizes(m, name, order) for name in ('d', 'pad', 'adj')))

    return lambda m, x: of_tensor(m, x) if isinstance(x, np.ndarray) else to_target(m, *x, order)


def to_target(m, x, target, order):
    """The output in the sizes of the target."""
    stride, pad, kernel = (sizes(m, name, order) for name in ('d', 'pad', 'k'))
    wanted = target.shape[-len(order) :]
    least = [(n - 1) * d - 2 * p + k for n, d, p, k in zip(x.shape[2:], stride, pad, kernel, strict=True)]
    return spread(x, m.weight, m.bias, stride, pad, [a - b for a, b in zip(wanted, least, strict=True)])


def connected(m):
    """The kernels of all planes, with zeros where the table has no connection: (output, input, kH, kW)."""
    weight = np.zeros((m.nOutputPlane, m.nInputPlane, m.kH, m.kW))
    for (i, o), kernel in zip(m.connTable.astype(int) - 1, m.weight, strict=True):
        weight[o, i] += kernel
    return weight


@batches(2)
def convolution_by_table(m, x):
    return convolved(x[:, : m.nInputPlane], connected(m), m.bias, (m.dH, m.dW), (0, 0), (1, 1))


@batches(2)
def full_convolution_by_table(m, x):
    return spread(x[:, : m.nInputPlane], connected(m).swapaxes(0, 1), m.bias, (m.dH, m.dW), (0, 0), (0, 0))


@batches(2)
def local_convolution(m, x):
    x = np.pad(x, [(0, 0), (0, 0), (m.padH, m.padH), (m.padW, m.padW)])
    y = np.empty((len(x), *m.bias.shape))
    for i, j in np.ndindex(m.bias.shape[1:]):
        part = x[:, :, i * m.dH : i * m.dH + m.kH, j * m.dW : j * m.dW + m.kW]
        y[:, :, i, j] = np.tensordot(part, m.weight[i, j], (range(1, 4), range(1, 4)))
    return y + m.bias


@batches(2)
def depth_wise_convolution(m, x):
    weight = m.weight.reshape(m.nOutputPlane, m.nInputPlane, m.kH, m.kW)
    parts = [
        convolved(
            x[:, i : i + 1],
            weight[:, i : i + 1],
            None if m.bias is None else m.bias[:, i],
            (m.dH, m.dW),
            (m.padH, m.padW),
            (1, 1),
        )
        for i in range(m.nInputPlane)
    ]
    return np.concatenate(parts, 1)


def temporal_convolution(m, x):
    weight = m.weight.reshape(len(m.weight), m.kW, m.inputFrameSize)
    count = (x.shape[-2] - m.kW) // m.dW + 1
    frames = [np.tensordot(x[..., t * m.dW : t * m.dW + m.kW, :], weight, ((-2, -1), (1, 2))) for t in range(count)]
    return np.stack(frames, -2) + m.bias


def temporal_row_convolution(m, x):
    x = x.swapaxes(-1, -2) if m.featFirst else x
    count = (x.shape[-2] - m.kW) // m.dW + 1
    frames = [(x[..., t * m.dW : t * m.dW + m.kW, :] * m.weight[:, 0].T).sum(-2) for t in range(count)]
    y = np.stack(frames, -2) + (0 if m.bias is None else m.bias)
    return y.swapaxes(-1, -2) if m.featFirst else y


def temporal_sub_sampling(m, x):
    count = (x.shape[-2] - m.kW) // m.dW + 1
    sums = [x[..., t * m.dW : t * m.dW + m.kW, :].sum(-2) for t in range(count)]
    return np.stack(sums, -2) * m.weight + m.bias


def sub_sampling(m, x):
    sums = pooled(x, np.sum, (m.kH, m.kW), (m.dH, m.dW), (0, 0), 0)
    return sums * m.weight[:, None, None] + m.bias[:, None, None]


def counted(m, inner, order):
    """How many windows there are in each direction; rounded up, none begins beyond the input and its first margin."""
    found = []
    fields = (sizes(m, name, order) for name in ('k', 'd', 'pad', 'dilation'))
    for size, k, d, p, apart in zip(inner, *fields, strict=True):
        steps = (size + 2 * p - apart * (k - 1) - 1) / d
        count = 1 + (math.ceil(steps) if m.ceil_mode else math.floor(steps))
        found.append(count - (m.ceil_mode and p > 0 and (count - 1) * d >= size + p))
    return found


def max_pooling(order: str) -> Callable:
    """Max poolings in any number of directions, with distances between the elements of a window."""

    def reference(m, x):
        kernel, stride, pad, dilation = (sizes(m, name, order) for name in ('k', 'd', 'pad', 'dilation'))
        if order == 'THW' and any(p and d > 1 for p, d in zip(pad, dilation, strict=True)):
            return None  # Torch7 leaves elements out there, see docs/differences.md
        n = len(order)
        counts = counted(m, x.shape[-n:], order)
        margins = [(p, p + k * d) for p, k, d in zip(pad, kernel, dilation, strict=True)]
        x = np.pad(x, [(0, 0)] * (x.ndim - n) + margins, constant_values=-np.inf)
        y = np.empty((*x.shape[:-n], *counts))
        for at in np.ndindex(*counts):
            starts = [i * s for i, s in zip(at, stride, strict=True)]
            cells = (slice(a, a + d * (k - 1) + 1, d) for a, k, d in zip(starts, kernel, dilation, strict=True))
            y[(..., *at)] = x[(..., *cells)].max(tuple(range(-n, 0)))
        return y

    return reference


def average_pooling(order: str) -> Callable:
    """Average poolings: margins count as zeros or not at all, what is beyond them never."""

    def reference(m, x):
        n, kernel, stride, pad = len(order), *(sizes(m, name, order) for name in ('k', 'd', 'pad'))
        inner = x.shape[-n:]
        counts = counted(m, inner, order)
        y = np.empty((*x.shape[:-n], *counts))
        for at in np.ndindex(*counts):
            starts = [i * s - p for i, s, p in zip(at, stride, pad, strict=True)]
            ends = [min(a + k, size + p) for a, k, size, p in zip(starts, kernel, inner, pad, strict=True)]
            cells = [(max(a, 0), min(b, size)) for a, b, size in zip(starts, ends, inner, strict=True)]
            part = x[(..., *(slice(*cell) for cell in cells))].sum(tuple(range(-n, 0)))
            spans = zip(starts, ends, strict=True) if getattr(m, 'count_include_pad', True) else cells
            y[(..., *at)] = part / math.prod(b - a for a, b in spans) if getattr(m, 'divide', True) else part
        return y

    return reference


def fractional(order: str) -> Callable:
    """Windows that begin where the numbers say which forward draws; the order of the axes is that of the fields."""

    def reference(m, x):
        n, pool = len(order), [getattr(m, 'poolSize' + letter) for letter in order]
        inner = x.shape[-n:]
        counts = [
            int(size * getattr(m, 'ratio' + letter)) if m.outW is None else getattr(m, 'out' + letter)
            for letter, size in zip(order, inner, strict=True)
        ]
        lead = (1, *x.shape[:-n])[-2:]
        draws = (
            m.randomSamples if m.newRandomPool and m.randomSamples is not None else coming(uniform, shape=(*lead, n))
        )
        batch, y = x.reshape(*lead, *inner), np.empty((*lead, *counts))
        for image, plane, *at in np.ndindex(y.shape):
            cells = []
            for i, (place, size, count, k) in enumerate(zip(at, inner, counts, pool, strict=True)):
                u = draws[image, plane, -1 - i]
                a = (size - k) / max(count - 1, 1)
                start = size - k if place == count - 1 else math.trunc((place + u) * a) - math.trunc(u * a)
                cells.append(slice(start, start + k))
            y[(image, plane, *at)] = batch[(image, plane, *cells)].max()
        return y.reshape(*x.shape[:-n], *counts)

    return reference


def adaptive(reduce: Callable) -> Callable:
    def reference(m, x):
        y = np.empty((*x.shape[:-2], m.H, m.W))
        for i, j in np.ndindex(m.H, m.W):
            (top, bottom), (left, right) = (
                (at * size // count, -(-(at + 1) * size // count))
                for at, size, count in ((i, x.shape[-2], m.H), (j, x.shape[-1], m.W))
            )
            y[..., i, j] = reduce(x[..., top:bottom, left:right], (-2, -1))
        return y

    return reference


def spatial_padding(m, x):
    """nnx's: any two dimensions, any value."""
    for dimension, before, after in ((m.y_dim, m.pad_t, m.pad_b), (m.x_dim, m.pad_l, m.pad_r)):
        at = dimension - 1
        x = np.take(x, range(max(-before, 0), x.shape[at] - max(-after, 0)), at)
        margins = [(0, 0)] * x.ndim
        margins[at] = max(before, 0), max(after, 0)
        x = np.pad(x, margins, constant_values=m.val)
    return x


def volumetric_replication(m, x):
    sides = (m.pfront, m.pback), (m.ptop, m.pbottom), (m.pleft, m.pright)
    for at, (before, after) in enumerate(sides, -3):
        x = np.take(x, np.arange(-before, x.shape[at] + after).clip(0, x.shape[at] - 1), at)
    return x


# Local normalisations


def neighbourhood(x, kernel):
    """The sums over all planes and windows of the kernel around every pixel, 0 beyond the border; one plane."""
    height, width = kernel.shape
    sides = [(size // 2, (size - 1) // 2) for size in (height, width)]
    padded_x = np.pad(x.sum(-3), [(0, 0)] * (x.ndim - 3) + sides)
    windows = np.lib.stride_tricks.sliding_window_view(padded_x, kernel.shape, (-2, -1))
    return (windows * kernel).sum((-2, -1))[..., None, :, :]


def weights_around(kernel):
    """A kernel as a matrix: of a vector the outer product with itself."""
    return kernel if kernel.ndim == 2 else np.outer(kernel, kernel)


def subtractive(x, kernel):
    kernel = weights_around(kernel)
    return x - neighbourhood(x, kernel) / neighbourhood(np.ones_like(x), kernel)


def divisive(x, kernel, threshold, thresval):
    kernel = weights_around(kernel) / (weights_around(kernel).sum() * x.shape[-3])
    deviation = np.sqrt(neighbourhood(x * x, kernel)) / neighbourhood(np.ones_like(x), kernel)
    return x / np.where(deviation > threshold, deviation, thresval)


def local_contrast(m, x):
    """nnx's `SpatialNormalization`."""
    kernel = m.kernel if isinstance(m.kernel, np.ndarray) else m.kernel[0] * m.kernel[1]
    image = x if x.ndim == 3 else x[None]
    ones = neighbourhood(np.ones_like(image), kernel)
    z = image - neighbourhood(image, kernel) / ones
    d = np.sqrt(neighbourhood(z * z, kernel)) / ones
    threshold = max(d.mean(), 1e-3) if m.fixedThres is None else m.fixedThres
    return z / np.maximum(d, threshold)


REFERENCES: dict[str, Callable[..., Any]] = {
    # Windows
    'SpatialAveragePooling': average_pooling('HW'),
    'SpatialMaxPooling': max_pooling('HW'),
    'TemporalMaxPooling': temporal_max_pooling,
    'SpatialUpSamplingNearest': nearest,
    'SpatialUpSamplingBilinear': bilinear_up_sampling,
    'SpatialReSampling': lambda m, x: resampled(x, m.oheight, m.owidth) if m.oheight else None,
    'UpSampling': up_sampling,
    'ROIPooling': roi_pooling,
    'SpatialStochasticPooling': after_training(expected_pixel),
    'TemporalDynamicKMaxPooling': largest_frames,
    'BilinearSamplerBHWD': bilinear_sampler,
    'AffineGridGeneratorBHWD': affine_grid,
    'SpatialCrossMapLRN': cross_map_lrn,
    'SpatialZeroPadding': padded('constant'),
    'SpatialReflectionPadding': padded('reflect'),
    'SpatialReplicationPadding': padded('edge'),
    'SpatialConvolution': convolution('HW'),
    'SpatialConvolutionMM': convolution('HW'),
    'SpatialDilatedConvolution': convolution('HW'),
    'VolumetricConvolution': convolution('THW'),
    'VolumetricDilatedConvolution': convolution('THW'),
    'SpatialFullConvolution': full_convolution('HW'),
    'VolumetricFullConvolution': full_convolution('THW'),
    'SpatialConvolutionMap': convolution_by_table,
    'SpatialFullConvolutionMap': full_convolution_by_table,
    'SpatialConvolutionLocal': local_convolution,
    'SpatialDepthWiseConvolution': depth_wise_convolution,
    'SpatialSubSampling': sub_sampling,
    'TemporalConvolution': temporal_convolution,
    'TemporalRowConvolution': temporal_row_convolution,
    'TemporalSubSampling': temporal_sub_sampling,
    'SpatialDilatedMaxPooling': max_pooling('HW'),
    'VolumetricMaxPooling': max_pooling('THW'),
    'VolumetricDilatedMaxPooling': max_pooling('THW'),
    'VolumetricAveragePooling': average_pooling('THW'),
    'SpatialFractionalMaxPooling': fractional('HW'),
    'VolumetricFractionalMaxPooling': fractional('HWT'),
    'SpatialAdaptiveMaxPooling': adaptive(np.max),
    'SpatialAdaptiveAveragePooling': adaptive(np.mean),
    'SpatialPadding': spatial_padding,
    'VolumetricReplicationPadding': volumetric_replication,
    'SpatialSubtractiveNormalization': lambda m, x: subtractive(x, m.kernel),
    'SpatialDivisiveNormalization': lambda m, x: divisive(x, m.kernel, m.threshold, m.thresval),
    'SpatialContrastiveNormalization': lambda m, x: divisive(
        subtractive(x, m.kernel), m.kernel, m.threshold, m.thresval
    ),
    'SpatialNormalization': local_contrast,
}
