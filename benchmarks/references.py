"""What layers and losses compute, in plain NumPy, straight from the formulas of their docstrings.

`mutants.py` holds mutants against these where no property of the kit contradicts them, as a tester does with
`assert_same` and a function of their own. No method of a node is called; a reference reads fields, such as ``weight``.
Each takes the node and what forward takes, and returns the output, or None for a configuration that it leaves out.
tests/test_benchmarks.py holds each against the class itself.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from t7nn import random
from t7nn.testing.case import generators_kept


def affine(x, weight, bias):
    return x @ weight.T + (0 if bias is None else bias)


def axis(dimension: int, ndim: int, sample: int | None = None) -> int:
    """From Torch7's dimension, which does not count the batch's where a sample has one dimension less, to NumPy's."""
    return dimension if dimension < 0 else dimension - 1 + (sample is not None and ndim == sample + 1)


def narrow(m, x):
    size = x.shape[axis(m.dimension, x.ndim)]
    if m.index < 0:
        first, length = 0, size - m.length
    else:
        first, length = m.index - 1, m.length if m.length > 0 else size - (m.index - 1) + m.length + 1
    return np.take(x, range(first, first + length), axis(m.dimension, x.ndim))


def select(m, x):
    return np.take(x, m.index - 1 if m.index > 0 else m.index, axis(m.dimension, x.ndim))


def pixel_shuffle(m, x):
    r, (*batch, channels, height, width) = m.upscaleFactor, x.shape
    y = np.empty((*batch, channels // r**2, r * height, r * width))
    for i in range(r):
        for j in range(r):
            y[..., i::r, j::r] = x[..., r * i + j :: r**2, :, :]
    return y


def normalize(m, x):
    if m.p == math.inf:
        return x / (np.abs(x).max(-1, keepdims=True) + m.eps)
    return x / ((np.abs(x) ** m.p).sum(-1, keepdims=True) + m.eps) ** (1 / m.p)


def batch_normalization(m, x):
    if x.ndim != m.nDim or len(x) == 1:
        return None
    axes = (0, *range(2, x.ndim))
    column = (-1, *(1,) * (x.ndim - 2))
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    if m.train is False:
        mean, variance = m.running_mean.reshape(column), m.running_var.reshape(column)
    y = (x - mean) / np.sqrt(variance + m.eps)
    return y if m.weight is None else y * m.weight.reshape(column) + m.bias.reshape(column)


def after_training(function: Callable) -> Callable:
    """A reference of what is random while training."""
    return lambda m, x: function(m, x) if m.train is False else None


def coming(draw: Callable, *arguments: float, shape: tuple[int, ...]) -> np.ndarray:
    """The numbers that the node will draw in its forward."""
    with generators_kept():
        return draw(*arguments, out=np.empty(shape))


def dropout(m, x):
    kept = 1 - m.p
    if m.train is False and not m.stochastic_inference:
        return x if m.v2 else x * kept
    y = x * coming(random.bernoulli, kept, shape=x.shape)
    return y / kept if m.v2 else y


def plane_dropout(axes: int) -> Callable:
    """The reference of dropping whole planes, of so many axes."""

    def reference(m, x):
        if m.train is False and not m.stochastic_inference:
            return x * (1 - m.p)
        return x * coming(random.bernoulli, 1 - m.p, shape=x.shape[:-axes] + (1,) * axes)

    return reference


def white_noise(m, x):
    return x + (m.mean if m.train is False else coming(random.normal, m.mean, m.std, shape=x.shape))


def dropping(m, x):
    """`Dropping` of tests/plain_layers.py."""
    return x * coming(random.bernoulli, 1 - m.p, shape=x.shape) / (1 - m.p) if m.train else x


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


def average_pooling(m, x):
    if m.ceil_mode:
        return None
    sizes = (m.kH, m.kW), (m.dH, m.dW), (m.padH, m.padW)
    total = pooled(x, np.sum, *sizes, 0)
    inside = math.prod(sizes[0]) if m.count_include_pad else pooled(np.ones_like(x), np.sum, *sizes, 0)
    return total / inside if m.divide else total


def max_pooling(m, x):
    if m.ceil_mode:
        return None
    return pooled(x, np.max, (m.kH, m.kW), (m.dH, m.dW), (m.padH, m.padW), -np.inf)


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


def squeezed(m, x):
    if m.dim is not None:
        at = axis(m.dim, x.ndim, m.numInputDims)
        return x.squeeze(at) if x.shape[at] == 1 else x
    batch = m.numInputDims is not None and x.ndim == m.numInputDims + 1
    shape = [size for i, size in enumerate(x.shape) if size != 1 or (batch and i == 0)]
    return x.reshape(shape)


def unsqueezed(m, x):
    return np.expand_dims(x, m.pos - 1 + (0 if m.numInputDims is None else x.ndim - m.numInputDims))


def converted(m, x):
    source, wanted = m.inputShape, m.outputShape
    if sorted(source) == sorted(wanted) and '*' not in source:
        return np.transpose(x, [source.index(letter) for letter in wanted])
    if wanted == 'bf' and x.ndim == len(source):
        return np.moveaxis(x, source.index('b'), 0).reshape(x.shape[source.index('b')], -1)
    return None


def padding(m, x):
    at = axis(m.dim, x.ndim, m.nInputDim)
    if m.nInputDim is not None and x.ndim not in (m.nInputDim, m.nInputDim + 1):
        return None
    cut = x.shape[at] - m.index + 1 if m.pad > 0 else m.index - 1
    return np.insert(x, [cut] * abs(m.pad), m.value, at)


def instance_normalization(m, x):
    column = (-1, 1, 1)
    if m.own_statistics:
        centred = x - x.mean((2, 3), keepdims=True)
        n = centred / np.sqrt(x.var((2, 3), keepdims=True) + m.eps)
    else:
        n = x / np.sqrt(1 + m.eps)
    return n * m.weight.reshape(column) + m.bias.reshape(column)


def nearest_centre(m, x):
    return ((x[:, None] - m.weight) ** 2).sum(2).argmin(1) + 1.0


def weighted_batch_norm(m, x):
    """`BatchNorm` of tests/plain_layers.py."""
    mean, variance = (x.mean(0), x.var(0)) if m.train else (m.running_mean, m.running_var)
    return (x - mean) / np.sqrt(variance + m.eps) * m.weight + m.bias


def affine_grid(m, transforms):
    rows, columns = np.meshgrid(np.linspace(-1, 1, m.height), np.linspace(-1, 1, m.width), indexing='ij')
    grid = np.stack([rows, columns, np.ones_like(rows)], -1)
    return np.einsum('...kc,hwc->...hwk', transforms, grid)


def mixture(m, given):
    gates, experts = given
    if not isinstance(experts, (list, tuple)):
        return None
    return sum(gates[..., k].reshape(gates.shape[:-1] + (1,) * (expert.ndim - gates.ndim + 1)) * expert
               for k, expert in enumerate(experts))  # fmt: skip


def reduction(function: Callable) -> Callable:
    def reference(m, x):
        at = axis(m.dimension, x.ndim, m.nInputDims)
        return function(x, at, keepdims=x.ndim == 1 or not getattr(m, 'squeeze', True))

    return reference


def summed(m, x):
    y = reduction(np.sum)(m, x)
    return y / x.shape[axis(m.dimension, x.ndim, m.nInputDims)] if m.sizeAverage else y


def class_nll(m, x, target):
    x, labels = np.atleast_2d(x), np.atleast_1d(target).astype(int) - 1
    kept = labels + 1 != m.ignoreIndex
    weights = np.ones(x.shape[1]) if m.weights is None else m.weights
    shares = weights[labels[kept]]
    total = -(shares * x[kept, labels[kept]]).sum()
    return total / shares.sum() if m.sizeAverage and shares.sum() else total


def multi_margin(m, x, target):
    x, labels = np.atleast_2d(x), np.atleast_1d(target).astype(int) - 1
    total = 0.0
    for row, label in zip(x, labels, strict=True):
        excess = np.maximum(0, m.margin - row[label] + np.delete(row, label)) ** m.p
        total += excess.sum() * (1 if m.weights is None else m.weights[label]) / len(row)
    return total / len(x) if m.sizeAverage else total


def multi_label_margin(m, x, target):
    total = 0.0
    for row, listed in zip(np.atleast_2d(x), np.atleast_2d(target).astype(int), strict=True):
        labels = listed[: [*listed, 0].index(0)] - 1
        others = np.delete(row, labels)
        total += sum(np.maximum(0, 1 - row[label] + others).sum() for label in labels) / len(row)
    return total / len(np.atleast_2d(x)) if m.sizeAverage else total


def cross_entropy(m, x, target):
    return class_nll(m.nll, special.log_softmax(np.squeeze(x), -1), np.squeeze(target))


def cross_entropy_of_flags(m, x, t):
    weights = 1 if m.weights is None else m.weights
    return -weights * (np.log(x + 1e-12) * t + np.log(1 - x + 1e-12) * (1 - t))


def l1_hinge(m, pair, y):
    distance = np.abs(pair[0] - pair[1]).sum()
    return distance if y == 1 else max(0, m.margin - distance)


def cosine_embedding(m, pair, target):
    (a, b), y = map(np.atleast_2d, pair), np.atleast_1d(target)
    cosine = (a * b).sum(1) / np.sqrt(((a * a).sum(1) + 1e-12) * ((b * b).sum(1) + 1e-12))
    losses = np.where(y == 1, 1 - cosine, np.maximum(0, cosine - m.margin))
    return losses.mean() if m.sizeAverage else losses.sum()


def averaged(loss: Callable) -> Callable:
    """The reference of a loss by elements: their mean, or their sum without ``sizeAverage``."""

    def reference(m, x, target):
        losses = loss(m, x, target)
        return losses.mean() if m.sizeAverage else losses.sum()

    return reference


def smooth_l1(m, x, t):
    d = np.abs(x - t)
    return np.where(d < 1, d * d / 2, d - 0.5)


def distance_in_pairs(m, pair):
    distances = (np.abs(pair[0] - pair[1]) ** m.norm).sum(-1) ** (1 / m.norm)
    return distances[..., None] if pair[0].ndim == 1 else distances


def looked_up(m, x):
    return m.weight[x.astype(int) - 1] if m.maxNorm is None else None


def one_hot(m, x):
    return np.eye(m.outputSize)[x.astype(int) - 1]


def replicate(m, x):
    at = m.dim - 1 + (m.ndim is not None and x.ndim > m.ndim)
    return np.repeat(np.expand_dims(x, at), m.nfeatures, at)


def looked_up_gradient(m, x, dy):
    index = x.astype(int).ravel() - 1
    shares = 1 / np.bincount(index)[index] if m.shouldScaleGradByFreq else np.ones(index.size)
    gradient = np.zeros_like(m.weight)
    for i, share, g in zip(index, shares, dy.reshape(index.size, -1), strict=True):
        if i != m.paddingValue - 1:
            gradient[i] += share * g
    return gradient


def centre_gradient(m, x, dy):
    nearest = ((x[:, None] - m.weight) ** 2).sum(2).argmin(1)
    rows = [x[nearest == k] for k in range(m.k)]
    return np.stack([(c - near).sum(0) / (len(near) + 1e-7) for c, near in zip(m.weight, rows, strict=True)])


def penalised_gradient(m, x, dy):
    weight = m.l1weight / x.size if m.sizeAverage else m.l1weight
    return weight * np.sign(x) + (dy if m.provideOutput else 0)


REFERENCES: dict[str, Callable[..., Any]] = {
    # Layers with weights, and distances
    'Linear': lambda m, x: affine(x, m.weight, m.bias),
    'Bilinear': lambda m, x: np.einsum('ni,kij,nj->nk', x[0], m.weight, x[1]) + (0 if m.bias is None else m.bias),
    'LookupTable': looked_up,
    'Mul': lambda m, x: m.weight[0] * x,
    'Euclidean': lambda m, x: np.sqrt(((x[..., None] - m.weight) ** 2).sum(-2)),
    'WeightedEuclidean': lambda m, x: np.sqrt(((m.diagCov * (x[..., None] - m.weight)) ** 2).sum(-2)),
    'Cosine': lambda m, x: (
        x @ m.weight.T / np.linalg.norm(x, axis=-1, keepdims=True) / np.linalg.norm(m.weight, axis=1)
    ),
    'PairwiseDistance': distance_in_pairs,
    'DotProduct': lambda m, x: (x[0] * x[1]).sum(-1, keepdims=x[0].ndim == 1),
    # Functions
    'AddConstant': lambda m, x: x + m.constant_scalar,
    'MulConstant': lambda m, x: x * m.constant_scalar,
    'Abs': lambda m, x: np.abs(x),
    'Exp': lambda m, x: np.exp(x),
    'Log': lambda m, x: np.log(x),
    'Square': lambda m, x: x * x,
    'Sqrt': lambda m, x: np.sqrt(x),
    'Power': lambda m, x: x**m.pow,
    'Tanh': lambda m, x: np.tanh(x),
    'Sigmoid': lambda m, x: special.expit(x),
    'LogSigmoid': lambda m, x: special.log_expit(x),
    'SoftMax': lambda m, x: special.softmax(x, 1 - x.ndim % 2),
    'SoftMin': lambda m, x: special.softmax(-x, 1 - x.ndim % 2),
    'LogSoftMax': lambda m, x: special.log_softmax(x, 1 - x.ndim % 2),
    'SoftPlus': lambda m, x: np.logaddexp(0, m.beta * x) / m.beta,
    'SoftSign': lambda m, x: x / (1 + np.abs(x)),
    'TanhShrink': lambda m, x: x - np.tanh(x),
    'HardTanh': lambda m, x: x.clip(m.min_val, m.max_val),
    'Clamp': lambda m, x: x.clip(m.min_val, m.max_val),
    'HardShrink': lambda m, x: np.where(np.abs(x) > m.lambda_, x, 0),
    'SoftShrink': lambda m, x: np.sign(x) * np.maximum(np.abs(x) - m.lambda_, 0),
    'Threshold': lambda m, x: np.where(x > m.threshold, x, m.val),
    'ReLU': lambda m, x: np.maximum(x, 0),
    'ReLU6': lambda m, x: x.clip(0, 6),
    'ELU': lambda m, x: np.where(x > 0, x, m.alpha * np.expm1(x)),
    'LeakyReLU': lambda m, x: np.where(x > 0, x, m.negval * x),
    'CReLU': lambda m, x: np.maximum(np.concatenate([x, -x], x.ndim - m.nInputDims), 0),
    'GradientReversal': lambda m, x: x,
    'Normalize': normalize,
    'BatchNormalization': batch_normalization,
    'SpatialBatchNormalization': batch_normalization,
    'VolumetricBatchNormalization': batch_normalization,
    'SpatialCrossMapLRN': cross_map_lrn,
    'ConstAffine': lambda m, x: x * m.a.reshape(-1, *(1,) * (x.ndim - 2)) + m.b.reshape(-1, *(1,) * (x.ndim - 2)),
    'Dropout': dropout,
    'SpatialDropout': plane_dropout(2),
    'VolumetricDropout': plane_dropout(3),
    'WhiteNoise': white_noise,
    'RReLU': after_training(lambda m, x: np.where(x > 0, x, x * (m.lower + m.upper) / 2)),
    'InstanceNormalization': instance_normalization,
    'MeanSubtraction': lambda m, x: x - m.mean.reshape(x.shape[-3:]),
    'Kmeans': nearest_centre,
    # Shapes and choices
    'Narrow': narrow,
    'Select': select,
    'Index': lambda m, x: np.take(x[0], x[1].astype(int) - 1, m.dimension - 1),
    'MaskedSelect': lambda m, x: x[0][x[1].astype(bool)],
    'SelectTable': lambda m, x: None if isinstance(x, dict) else x[m.index - 1 if m.index > 0 else m.index],
    'NarrowTable': lambda m, x: list(x[m.offset - 1 : m.offset - 1 + m.length]),
    'ReverseTable': lambda m, x: list(x[::-1]),
    'OneHot': one_hot,
    'Replicate': replicate,
    'PixelShuffle': pixel_shuffle,
    'ShaveImage': lambda m, x: x[:, :, m.size : -m.size, m.size : -m.size],
    'SpatialZeroPadding': padded('constant'),
    'SpatialReflectionPadding': padded('reflect'),
    'SpatialReplicationPadding': padded('edge'),
    'Squeeze': squeezed,
    'Unsqueeze': unsqueezed,
    'Convert': converted,
    'Padding': padding,
    # Sums, products and tables
    'Sum': summed,
    'Mean': reduction(np.mean),
    'Max': reduction(np.max),
    'Min': reduction(np.min),
    'CAddTable': lambda m, x: sum(x),
    'CSubTable': lambda m, x: x[0] - x[1],
    'CMulTable': lambda m, x: math.prod(x),
    'CDivTable': lambda m, x: x[0] / x[1],
    'CMaxTable': lambda m, x: np.maximum.reduce(x),
    'CMinTable': lambda m, x: np.minimum.reduce(x),
    'MixtureTable': mixture,
    # Windows
    'SpatialAveragePooling': average_pooling,
    'SpatialMaxPooling': max_pooling,
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
    # Losses
    'MSECriterion': averaged(lambda m, x, t: (x - t.reshape(x.shape)) ** 2),
    'AbsCriterion': averaged(lambda m, x, t: np.abs(x - t)),
    'SmoothL1Criterion': averaged(smooth_l1),
    'MarginCriterion': averaged(lambda m, x, t: np.maximum(0, m.margin - x * t)),
    'SoftMarginCriterion': averaged(lambda m, x, t: np.log1p(np.exp(-x * t))),
    'HingeEmbeddingCriterion': averaged(lambda m, x, t: np.where(t == 1, x, np.maximum(0, m.margin - x))),
    'ClassNLLCriterion': class_nll,
    'CrossEntropyCriterion': cross_entropy,
    'MultiMarginCriterion': multi_margin,
    'MultiLabelMarginCriterion': multi_label_margin,
    'BCECriterion': averaged(cross_entropy_of_flags),
    'L1HingeEmbeddingCriterion': l1_hinge,
    'CosineEmbeddingCriterion': cosine_embedding,
    # The layers that tests/plain_layers.py has written as users do
    'Dense': lambda m, x: affine(x, m.weight, m.bias),
    'Relu': lambda m, x: np.where(x > 0, x, x / 10),
    'Softmax': lambda m, x: special.softmax(x, -1),
    'Scale': lambda m, x: x * m.weight + m.bias,
    'Dropping': dropping,
    'BatchNorm': weighted_batch_norm,
    'Norm': lambda m, x: x / np.sqrt((x**2).sum(-1, keepdims=True) + 1),
    'Product': lambda m, x: x[0] * x[1],
    'Huber': lambda m, x, t: smooth_l1(m, x, t).mean(),
}

#: gradients that are no derivatives on purpose: the field, and a function of the node, the input and gradOutput
GRADIENTS: dict[str, tuple[str, Callable[..., Any]]] = {
    'LookupTable': ('gradWeight', looked_up_gradient),
    'Kmeans': ('gradWeight', centre_gradient),
    'L1Penalty': ('gradInput', penalised_gradient),
    'ZeroGrad': ('gradInput', lambda m, x, dy: np.zeros_like(x)),
    'GradientReversal': ('gradInput', lambda m, x, dy: -m.lambda_ * dy),
}
