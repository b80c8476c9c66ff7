"""Functions, layers with weights, shapes, tables, and layers in plain NumPy."""

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
    axes = (0, *range(2, m.nDim))
    column = (-1, *(1,) * (m.nDim - 2))
    if m.train is False or len(x) == 1 or x.ndim < m.nDim:
        mean, variance = m.running_mean.reshape(column), m.running_var.reshape(column)
    else:
        mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    y = (x - mean) / np.sqrt(variance + m.eps)
    y = y if m.weight is None else y * m.weight.reshape(column) + m.bias.reshape(column)
    return y.reshape(1, *x.shape) if x.ndim < m.nDim else y


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


def mixture(m, given):
    gates, experts = given
    if isinstance(experts, np.ndarray):
        experts = np.moveaxis(experts, gates.ndim - 1 if m.dim is None else m.dim - 1, 0)
    weights = np.moveaxis(gates, -1, 0)
    return sum(
        weight.reshape(weight.shape + (1,) * (expert.ndim - weight.ndim)) * expert
        for weight, expert in zip(weights, experts, strict=True)
    )


def reduction(function: Callable) -> Callable:
    def reference(m, x):
        at = axis(m.dimension, x.ndim, m.nInputDims)
        return function(x, at, keepdims=x.ndim == 1 or not getattr(m, 'squeeze', True))

    return reference


def summed(m, x):
    y = reduction(np.sum)(m, x)
    return y / x.shape[axis(m.dimension, x.ndim, m.nInputDims)] if m.sizeAverage else y


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


def broadcast(parameter, x):
    """A parameter in a shape that goes over x: as it is, in the shape of x, of a sample, or one number."""
    if parameter.size in (1, x.size):
        return parameter.reshape(x.shape if parameter.size == x.size else ())
    return parameter if parameter.ndim == x.ndim else parameter.reshape(x.shape[1:])


def transposed(x, pairs, first=0):
    for a, b in pairs:
        x = x.swapaxes(a - 1 + first, b - 1 + first)
    return x


def matrix_product(m, given):
    a, b = given
    return (a.swapaxes(-1, -2) if m.transA else a) @ (b.swapaxes(-1, -2) if m.transB else b)


def matrix_by_vector(m, given):
    matrix, vector = given
    return ((matrix.swapaxes(-1, -2) if m.trans else matrix) @ vector[..., None])[..., 0]


def constant(m, x):
    batch = m.nInputDim is not None and x.ndim > m.nInputDim
    return np.stack([m.value] * len(x)) if batch else m.value


def joined(m, given):
    return np.concatenate(given, axis(m.dimension, given[0].ndim, m.nInputDims))


def split(m, x):
    at = axis(m.dimension, x.ndim, m.nInputDims)
    return [np.take(x, i, at) for i in range(x.shape[at])]


def flattened(given):
    return [tensor for part in given for tensor in flattened(part)] if isinstance(given, (list, tuple)) else [given]


def viewed(m, x):
    """`View` of whole samples, and of whatever is left where a size is -1."""
    count = math.prod(size for size in m.size if size != -1)
    if m.numInputDims is not None and x.ndim > m.numInputDims:
        return x.reshape(math.prod(x.shape[: x.ndim - m.numInputDims]), *m.size)
    return x.reshape(m.size if -1 in m.size or x.size == count else [x.size // count, *m.size])


def reshaped(m, x):
    whole = x.size == math.prod(m.size) and len(x) != 1 if m.batchMode is None else not m.batchMode
    return x.reshape(m.size if whole else [len(x), *m.size])


def gated_linear_unit(m, x):
    a, b = np.split(x, 2, -1 if m.dim is None else m.dim - (m.dim > 0))
    return a * special.expit(b)


def partial_linear(m, x):
    chosen = m.partition.astype(int) - 1
    rows = m.network.modules[0].modules[1]
    return affine(x, rows.weight[chosen], None if m.bias is None else m.bias[0, chosen])


def linear_weight_norm(m, x):
    if m.train is False:
        return None
    return affine(x, m.g * m.v / np.maximum(np.linalg.norm(m.v, axis=1, keepdims=True), m.eps), m.bias)


def sparse_rows(given):
    """The samples of `SparseLinear`, each rows of index and value."""
    return given if isinstance(given, (list, tuple)) or given.ndim == 3 else [given]


def sparse_linear(m, given):
    y = np.stack([m.bias + sum(value * m.weight[:, int(i) - 1] for i, value in rows) for rows in sparse_rows(given)])
    return y if isinstance(given, (list, tuple)) or given.ndim == 3 else y[0]


def sparse_gradient(m, given, dy):
    gradient = np.zeros_like(m.weight)
    for rows, g in zip(sparse_rows(given), np.atleast_2d(dy), strict=True):
        for i, value in rows:
            gradient[:, int(i) - 1] += value * g
    return gradient + m.weightDecay * m.weight


def index_linear(m, given):
    if m.normalize or len(given) == 3:
        return None
    keys, values = given
    one = not isinstance(keys, (list, tuple))
    samples = [(keys, values)] if one else zip(keys, values, strict=True)
    y = np.stack([m.bias + value @ m.weight[key + m.offset] for key, value in samples])
    return y[0] if one else y


def looked_up_or_masked(m, x):
    return np.where((x == 0)[..., None], 0, m.weight[x.astype(int)])


def cosine_distance(m, given):
    a, b = given
    return (a * b).sum(-1, keepdims=a.ndim == 1) / np.sqrt(
        ((a * a).sum(-1, keepdims=a.ndim == 1) + 1e-12) * ((b * b).sum(-1, keepdims=b.ndim == 1) + 1e-12)
    )


def of_planes(numbers, x):
    """One number a plane, over x: of a vector the first dimension, of all else the second."""
    return numbers.reshape(-1, *(1,) * (x.ndim - min(2, x.ndim))) if numbers.size > 1 else numbers


def feature_lp_pooling(m, x):
    at = int(m.batch_mode)
    starts = range(0, x.shape[at] - m.width + 1, m.stride)
    parts = [np.take(x, range(start, start + m.width), at) for start in starts]
    return np.stack([(part**m.power).sum(at) ** (1 / m.power) for part in parts], at)


def affine_matrix(m, x):
    """[A, A t], A the rotation times the scale and t the translation, as far as they are asked for."""
    if m.fullMode:
        return x.reshape(*x.shape[:-1], 2, 3)
    y = np.empty((*x.shape[:-1], 2, 3))
    for at in np.ndindex(x.shape[:-1]):
        numbers = iter(x[at])
        angle, scale = (next(numbers) if wanted else value for wanted, value in ((m.useRotation, 0), (m.useScale, 1)))
        A = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        t = [next(numbers), next(numbers)] if m.useTranslation else [0, 0]
        y[at] = np.column_stack([A, A @ t])
    return y


def running_averages(m, x):
    """The running averages of batch normalisation after a forward."""
    if x.ndim != m.nDim or len(x) == 1 or m.train is False:
        return None
    axes = (0, *range(2, x.ndim))
    return {
        'running_mean': (1 - m.momentum) * m.running_mean + m.momentum * x.mean(axes),
        'running_var': (1 - m.momentum) * m.running_var + m.momentum * x.var(axes, ddof=1),
    }


def averages_of_plain_norm(m, x):
    """`BatchNorm` of tests/plain_layers.py."""
    return {
        'running_mean': 0.9 * m.running_mean + 0.1 * x.mean(0),
        'running_var': 0.9 * m.running_var + 0.1 * x.var(0),
    }


def convolved_last(m, x):
    """`Convolution` of tests/plain_layers.py."""
    windows = np.lib.stride_tricks.sliding_window_view(x, len(m.weight), -1)[..., :: m.step, :]
    return windows @ m.weight + m.bias


def scaled_derivative(m, x, dy):
    """dx of `Normalize` for a finite p, with the small constant where it stands in Torch7."""
    if m.p == math.inf:
        return None
    n = (np.abs(x) ** m.p).sum(-1, keepdims=True) + m.eps
    along = (x * dy).sum(-1, keepdims=True)
    powers = x * (np.abs(x) + (m.eps if m.p < 2 else 0)) ** (m.p - 2)
    return dy / n ** (1 / m.p) - powers * along / n ** (1 / m.p + 1)


def variation_gradient(m, x, dy):
    dx = dy.copy()
    for n, c, i, j in np.ndindex(x.shape[0], x.shape[1], x.shape[2] - 1, x.shape[3] - 1):
        for there in ((n, c, i, j + 1), (n, c, i + 1, j)):
            difference = m.strength * (x[n, c, i, j] - x[there])
            dx[n, c, i, j] += difference
            dx[there] -= difference
    return dx


def masked_gradient(m, x, dy):
    gradient = np.zeros_like(m.weight)
    for i, g in zip(x.ravel(), dy.reshape(x.size, -1), strict=True):
        if i:
            gradient[int(i)] += g
    return gradient


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
    'CosineDistance': cosine_distance,
    'DotProduct': lambda m, x: (x[0] * x[1]).sum(-1, keepdims=x[0].ndim == 1),
    'LinearNoBias': lambda m, x: affine(x, m.weight, None),
    'LinearWeightNorm': linear_weight_norm,
    'PartialLinear': partial_linear,
    'SparseLinear': sparse_linear,
    'DenseIndexLinear': index_linear,
    'LookupTableMaskZero': looked_up_or_masked,
    'Add': lambda m, x: x + broadcast(m.bias, x),
    'CAdd': lambda m, x: x + broadcast(m.bias, x),
    'CMul': lambda m, x: x * broadcast(m.weight, x),
    'PReLU': lambda m, x: np.where(x > 0, x, x * of_planes(m.weight, x)),
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
    'GatedLinearUnit': gated_linear_unit,
    'SpatialSoftMax': lambda m, x: special.softmax(x, -3),
    'SpatialLogSoftMax': lambda m, x: special.log_softmax(x, -3),
    'VolumetricSoftMax': lambda m, x: special.softmax(x, -4),
    'VolumetricLogSoftMax': lambda m, x: special.log_softmax(x, -4),
    'SAdd': lambda m, x: -(x + m.addend) if m.negate else x + m.addend,
    'FeatureLPPooling': feature_lp_pooling,
    'AffineTransformMatrixGenerator': affine_matrix,
    'Normalize': normalize,
    'BatchNormalization': batch_normalization,
    'SpatialBatchNormalization': batch_normalization,
    'VolumetricBatchNormalization': batch_normalization,
    'ConstAffine': lambda m, x: x * m.a.reshape(-1, *(1,) * (x.ndim - 2)) + m.b.reshape(-1, *(1,) * (x.ndim - 2)),
    'Dropout': dropout,
    'SpatialDropout': plane_dropout(2),
    'VolumetricDropout': plane_dropout(3),
    'WhiteNoise': white_noise,
    'LazyDropout': after_training(lambda m, x: x if m.v2 else x * (1 - m.p)),
    'RReLU': after_training(lambda m, x: np.where(x > 0, x, x * (m.lower + m.upper) / 2)),
    'InstanceNormalization': instance_normalization,
    'MeanSubtraction': lambda m, x: x - m.mean.reshape(x.shape[-3:]),
    'Kmeans': nearest_centre,
    # Shapes and choices
    **dict.fromkeys(('Contiguous', 'Copy', 'GradientReversal', 'Identity', 'L1Penalty', 'PrintSize'), lambda m, x: x),
    **dict.fromkeys(('TotalVariation', 'ZeroGrad'), lambda m, x: x),
    'Constant': constant,
    'View': viewed,
    'Reshape': reshaped,
    'Collapse': lambda m, x: x.reshape(len(x), -1) if x.ndim > m.nInputDim else x.ravel(),
    'Transpose': lambda m, x: transposed(x, m.permutations, 0 if m.numInputDims is None else x.ndim - m.numInputDims),
    'SplitTable': split,
    'JoinTable': joined,
    'FlattenTable': lambda m, x: flattened(x),
    'ZipTable': lambda m, x: [list(items) for items in zip(*x, strict=True)],
    'ZipTableOneToMany': lambda m, x: [[x[0], item] for item in x[1]],
    'CAddTensorTable': lambda m, x: [x[0] + item for item in x[1]],
    'Narrow': narrow,
    'Select': select,
    'Index': lambda m, x: np.take(x[0], x[1].astype(int) - 1, m.dimension - 1),
    'MaskedSelect': lambda m, x: x[0][x[1].astype(bool)],
    'SelectTable': lambda m, x: x[m.index if isinstance(x, dict) else m.index - (m.index > 0)],
    'NarrowTable': lambda m, x: list(x[m.offset - 1 : m.offset - 1 + m.length]),
    'ReverseTable': lambda m, x: list(x[::-1]),
    'OneHot': one_hot,
    'Replicate': replicate,
    'PixelShuffle': pixel_shuffle,
    'ShaveImage': lambda m, x: x[:, :, m.size : -m.size, m.size : -m.size],
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
    'MM': matrix_product,
    'MV': matrix_by_vector,
    # The layers that tests/plain_layers.py has written as users do
    'Dense': lambda m, x: affine(x, m.weight, m.bias),
    'Relu': lambda m, x: np.where(x > 0, x, x / 10),
    'Softmax': lambda m, x: special.softmax(x, -1),
    'Scale': lambda m, x: x * m.weight + m.bias,
    'Dropping': dropping,
    'BatchNorm': weighted_batch_norm,
    'Norm': lambda m, x: x / np.sqrt((x**2).sum(-1, keepdims=True) + 1),
    'Product': lambda m, x: x[0] * x[1],
    'Convolution': convolved_last,
    'MaxPool': lambda m, x: np.maximum(x[..., : x.shape[-1] // 2 * 2 : 2], x[..., 1::2]),
    'Embedding': lambda m, x: m.weight[x - 1],
}

GRADIENTS: dict[str, tuple[str, Callable[..., Any]]] = {
    'LookupTable': ('gradWeight', looked_up_gradient),
    'Kmeans': ('gradWeight', centre_gradient),
    'L1Penalty': ('gradInput', penalised_gradient),
    'ZeroGrad': ('gradInput', lambda m, x, dy: np.zeros_like(x)),
    'GradientReversal': ('gradInput', lambda m, x, dy: -m.lambda_ * dy),
    'LookupTableMaskZero': ('gradWeight', masked_gradient),
    'SparseLinear': ('gradWeight', sparse_gradient),
    'TotalVariation': ('gradInput', variation_gradient),
    'Normalize': ('gradInput', scaled_derivative),
}

STATE: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(
        ('BatchNormalization', 'SpatialBatchNormalization', 'VolumetricBatchNormalization'), running_averages
    ),
    'BatchNorm': averages_of_plain_norm,
}
