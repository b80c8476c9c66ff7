"""Layers that normalise: over the batch, over the features, over neighbouring planes or pixels.

Torch7 manual: simple.md, convolution.md
"""

import math
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from .. import random
from ..blas import ones
from ..module import Module
from ..tensors import in_cache, silent
from ._neighbourhood import Neighbourhood, odd_kernel
from ._windows import chunks
from .arithmetic import Add, CMul, Mean, MulConstant
from .containers import RowWise, Sequential
from .identity import Identity
from .pointwise import Sqrt, Square
from .rectifiers import Threshold
from .shapes import Replicate
from .table import CDivTable, ConcatTable, CSubTable

__all__ = [
    'BatchNormalization',
    'LayerNormalization',
    'Normalize',
    'SpatialBatchNormalization',
    'SpatialContrastiveNormalization',
    'SpatialCrossMapLRN',
    'SpatialDivisiveNormalization',
    'SpatialSubtractiveNormalization',
    'VolumetricBatchNormalization',
]


def _sums(x: np.ndarray) -> np.ndarray:
    """The sum over all but the second axis, the planes."""
    # products with ones are several times faster than sum
    if x.ndim == 2:
        return ones(len(x), x.dtype).dot(x)
    return x.reshape(-1, x.shape[2]).dot(ones(x.shape[2], x.dtype)).reshape(x.shape[:2]).sum(0)


def _dots(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`_sums` of x * y, without that product in memory."""
    return np.einsum('nc,nc->c', x, y) if x.ndim == 2 else np.vecdot(x, y).sum(0)


def _flat_planes(x: np.ndarray) -> np.ndarray:
    """`x` with all axes after the second one made one; as it is where there are none."""
    return x if x.ndim == 2 else x.reshape(*x.shape[:2], math.prod(x.shape[2:]))


def _parts(*tensors: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Chunks of examples, of each of `tensors` of one shape, that stay in the cache from one pass to the next."""
    first = tensors[0]
    for part in chunks(len(first), first[:1].nbytes):
        yield tuple([tensor[part] for tensor in tensors])


class BatchNormalization(Module):
    """y = (x - mean) / sqrt(var + eps) * weight + bias for every plane, with mean and variance over the batch (and over
    all elements of the plane); at evaluation, and for a batch of one, with the running averages.

    Parameters
    ----------
    nOutput
        the number of planes; input ``(N, nOutput)``, at evaluation also ``(nOutput,)``, which is a batch of one
    eps
        added to the variance, at least 0; with 0 a plane of variance 0 gives its bias
    momentum
        running = momentum * batch + (1 - momentum) * running, where the variance is the unbiased one; 0 to 1
    affine
        False leaves weight and bias out

    weight begins uniform in 0..1, bias and running_mean as 0, running_var as 1.

    Torch7 manual: simple.md#nn.BatchNormalization
    """

    nDim = 2
    cleared = (*Module.cleared, 'save_mean', 'save_std')
    affine: bool
    eps: float
    momentum: float
    running_mean: np.ndarray
    running_var: np.ndarray
    #: mean and 1 / standard deviation of the last batch
    save_mean: np.ndarray | None = None
    save_std: np.ndarray | None = None

    def __init__(self, nOutput: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True):
        super().__init__()
        if not nOutput > 0:
            raise ValueError(
                f'{self.typename}: expected a number of planes, got {nOutput}; '
                f'without parameters: (nOutput, eps, momentum, False)'
            )
        self.affine = affine
        self.eps = eps
        self.momentum = momentum
        self.train = True
        self.running_mean = np.zeros(nOutput)
        self.running_var = np.ones(nOutput)
        self.save_mean = None
        self.save_std = None
        if affine:
            self.weight, self.bias = np.empty(nOutput), np.empty(nOutput)
            self.gradWeight, self.gradBias = np.zeros(nOutput), np.zeros(nOutput)
            self.reset()

    def reset(self, stdv: float | None = None) -> Self:
        """Draw the weight uniformly from 0..1; put bias and running averages back."""
        self.check_parameters()
        if self.weight is not None:
            random.uniform(out=self.weight)
        for tensor, value in (self.bias, 0), (self.running_mean, 0), (self.running_var, 1):
            if tensor is not None:
                if not tensor.flags.writeable:
                    raise self.error('expected writable bias, running_mean and running_var, got a read-only one')
                tensor.fill(value)
        return self

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        planes = self.shape_of('running_mean', 1)
        if not planes[0] or self.running_var is None:
            raise self.error(f'expected running_mean and running_var, got {planes[0]} planes')
        fields = ('running_mean', 'running_var', 'weight', 'gradWeight', 'bias', 'gradBias')
        return dict.fromkeys(fields, planes)

    def _batch(self, tensor: Any, what: str = 'input', shape: tuple[int, ...] | None = None) -> np.ndarray:
        """`tensor`, checked, as a batch, of `shape` where one is given."""
        tensor = self.check(tensor, what)
        planes = len(self.running_mean)
        if not self.train and tensor.ndim == self.nDim - 1:
            tensor = tensor[np.newaxis]
        if tensor.ndim != self.nDim or tensor.shape[1] != planes or 0 in tensor.shape[2:]:
            raise self.error(
                f'expected {what} of {self.nDim} dimensions, a batch of {planes} planes, got {tensor.shape}'
            )
        if shape is not None and tensor.shape != shape:
            raise self.error(f'expected {what} of shape {shape}, got shape {tensor.shape}')
        return tensor

    # The idea, in plain NumPy, with axes = (0, 2, 3) for images and one number a plane broadcast over them:
    #     y = (x - x.mean(axes)) / sqrt(x.var(axes) + eps) * weight + bias
    # Here sums are products with ones, and scale and shift one number a plane each: a quarter of the time.

    @silent
    @in_cache
    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_parameters()
        input = self._batch(input)
        x = _flat_planes(input)
        if self.train and len(x) > 1:
            mean, invstd = self._of_batch(x)
        else:
            mean, invstd = self.running_mean, self._invstd(self.running_var)
        factor = invstd if self.weight is None else invstd * self.weight
        shift = -mean * factor if self.bias is None else self.bias - mean * factor
        output = self.buffer('output', input.shape)
        factor, shift = self._across(factor), self._across(shift)
        for part, y in _parts(x, _flat_planes(output)):
            np.multiply(part, factor, y)
            y += shift
        return output

    def _across(self, planes: np.ndarray) -> np.ndarray:
        """One number a plane, in a shape that broadcasts over a batch."""
        return planes if self.nDim == 2 else planes[:, np.newaxis]

    def _invstd(self, variance: np.ndarray) -> np.ndarray:
        if self.eps > 0:
            return 1 / np.sqrt(variance + self.eps)
        return np.divide(1, np.sqrt(variance), out=np.zeros_like(variance), where=variance > 0)

    def _of_batch(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and 1 / standard deviation of the batch, which are kept for the gradient; the running averages move
        towards them."""
        n = x.size // x.shape[1]
        mean = _sums(x) / n
        # The mean square minus the squared mean saves a pass over the data. Where too many digits would cancel, or a
        # square overflows, the deviations are squared.
        variance = _dots(x, x) / n - mean * mean
        if not (variance >= 0.1 * mean * mean).all():
            deviation = x - self._across(mean)
            variance = _dots(deviation, deviation) / n
        self.save_mean, self.save_std = mean, self._invstd(variance)
        for running, value in ((self.running_mean, mean), (self.running_var, variance * (n / (n - 1)))):
            if not running.flags.writeable:
                raise self.error('expected writable running_mean and running_var, got a read-only one')
            running *= 1 - self.momentum
            running += self.momentum * value
        return self.save_mean, self.save_std

    @silent
    def _terms(self, input: np.ndarray, gradOutput: np.ndarray) -> tuple[np.ndarray, ...]:
        """x, dy, mean, 1 / standard deviation, sum of dy, sum of (x - mean) dy; x and dy as `_flat_planes`."""
        input = self._batch(input)
        gradOutput = self._batch(gradOutput, 'gradOutput', input.shape)
        x, dy = _flat_planes(input), _flat_planes(gradOutput)
        if self.train and len(x) > 1:
            planes = self.running_mean.shape
            if self.save_mean is None or not self.save_mean.size:
                raise self.error('expected forward in training mode first')
            mean, invstd = (
                self.check(self.save_mean, 'save_mean', planes),
                self.check(self.save_std, 'save_std', planes),
            )
        else:
            mean, invstd = self.running_mean, self._invstd(self.running_var)
        total = _sums(dy)
        return x, dy, mean, invstd, total, _dots(x, dy) - mean * total

    @silent
    @in_cache
    def _updateGradInput(self, input: np.ndarray, terms: tuple[np.ndarray, ...]) -> np.ndarray:
        # dx = (dy - mean of dy - (x - mean) k) factor with k = sum((x - mean) dy) / n / std^2
        x, dy, mean, invstd, total, product = terms
        factor = invstd if self.weight is None else invstd * self.weight
        gradInput = self.buffer('gradInput', (len(x), x.shape[1], *input.shape[input.ndim - self.nDim + 2 :]))
        dx = _flat_planes(gradInput)
        if self.train and len(x) > 1:
            n = x.size // x.shape[1]
            k = product * invstd * invstd / n
            slope, shift, factor = map(self._across, (-k, mean * k - total / n, factor))
            for x_part, dy_part, part in _parts(x, dy, dx):
                np.multiply(x_part, slope, part)
                part += dy_part
                part += shift
                part *= factor
        else:
            np.multiply(dy, self._across(factor), dx)
        return gradInput

    @silent
    def _accGradParameters(self, terms: tuple[np.ndarray, ...], scale: float) -> None:
        _, _, _, invstd, total, product = terms
        if self.gradWeight is not None and self.weight is not None:
            self.gradWeight += scale * product * invstd
        if self.gradBias is not None and self.bias is not None:
            self.gradBias += scale * total

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check_parameters()
        return self._updateGradInput(input, self._terms(input, gradOutput))

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check_gradients()
        self._accGradParameters(self._terms(input, gradOutput), scale)

    def backward(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> np.ndarray:
        self.check_gradients()
        terms = self._terms(input, gradOutput)  # once for both
        self._accGradParameters(terms, self.number(scale, 'scale'))
        return self._updateGradInput(input, terms)

    def __str__(self) -> str:
        return f'{self.typename} ({self.nDim}D) ({len(self.running_mean)})'


class SpatialBatchNormalization(BatchNormalization):
    """`BatchNormalization` of images: input ``(N, nOutput, H, W)``.

    Parameters
    ----------
    nOutput, eps, momentum, affine
        as in `BatchNormalization`

    Torch7 manual: convolution.md#nn.SpatialBatchNormalization
    """

    nDim = 4


class VolumetricBatchNormalization(BatchNormalization):
    """`BatchNormalization` of volumes: input ``(N, nOutput, T, H, W)``.

    Parameters
    ----------
    nOutput, eps, momentum, affine
        as in `BatchNormalization`

    Torch7 source: VolumetricBatchNormalization.lua
    """

    nDim = 5


class Normalize(Module):
    """y = x / (sum |x|^p + eps)^(1/p), for a vector or for every row of a batch; for p = inf x / (max |x| + eps).

    dx = dy / |x| - x |x_i|^(p-2) (x' dy) / |x|^(p+1), where |x| is the norm.

    Parameters
    ----------
    p
        the norm, above 0; ``math.inf`` for the maximum
    eps
        at least 0; it keeps rows of zeros from being divided by 0

    Torch7 manual: simple.md#nn.Normalize
    """

    p: float
    eps: float

    def __init__(self, p: float, eps: float = 1e-10):
        super().__init__()
        if not p > 0:
            raise ValueError(f'{self.typename}: expected a norm p > 0, got {p}')
        self.p = p
        self.eps = eps

    def _rows(self, input: Any) -> np.ndarray:
        """`input`, checked."""
        self.check_parameters()
        x = self.check(input)
        if not self.p > 0:
            raise self.error(f'expected a norm p > 0, got {self.p}')
        if x.ndim not in (1, 2) or not x.shape[-1]:
            raise self.error(f'expected a vector or a batch of them, got shape {x.shape}')
        return x

    def _norm(self, x: np.ndarray) -> np.ndarray:
        """The norm of every row, as a column."""
        if self.p == math.inf:
            return np.abs(x).max(-1, keepdims=True) + self.eps
        powers = np.vecdot(x, x) if self.p == 2 else (np.abs(x) ** self.p).sum(-1)
        return (powers[..., np.newaxis] + self.eps) ** (1 / self.p)

    @silent
    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self._rows(input)
        return np.divide(input, self._norm(input), self.buffer('output', input.shape))

    @silent
    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self._rows(input)
        gradOutput = self.check(gradOutput, 'gradOutput', input.shape)
        norm = self._norm(input)
        along = self._derivative(input, norm)
        along *= np.vecdot(input, gradOutput)[..., np.newaxis] / norm
        gradInput = self.buffer('gradInput', input.shape)
        np.subtract(gradOutput, along, gradInput)
        gradInput /= norm
        return gradInput

    def _derivative(self, x: np.ndarray, norm: np.ndarray) -> np.ndarray:
        """The derivative of the norm with respect to x."""
        if self.p == math.inf:
            largest = np.abs(x).argmax(-1)[..., np.newaxis]
            derivative = np.zeros_like(x)
            np.put_along_axis(derivative, largest, np.take_along_axis(x, largest, -1) / norm, -1)
            return derivative
        if self.p == 2:
            return x / norm
        # below 2, eps keeps 0 from being divided by
        return (np.abs(x) + (self.eps if self.p < 2 else 0)) ** (self.p - 2) * x / norm ** (self.p - 1)

    def __str__(self) -> str:
        return f'{self.typename}({self.p:{".0f" if self.p % 1 == 0 else "f"}})'


class LayerNormalization(RowWise):
    """y = (x - mean) / sqrt(var + eps / nOutput) * gain + bias, mean and variance over the features of one sample.

    Parameters
    ----------
    nOutput
        the number of features; input ``(nOutput,)`` or ``(N, nOutput)``
    bias
        the bias at first; the gain begins as 1
    eps
        added to the sum of squared deviations
    affine
        False leaves gain and bias out

    A Sequential of Torch7's modules. Theirs is right for a single sample only, this one for batches too.

    Torch7 source: LayerNormalization.lua
    """

    def __init__(self, nOutput: int, bias: float = 0, eps: float = 1e-10, affine: bool = True):
        super().__init__()
        mean = Sequential().add(Mean(1, 1)).add(Replicate(nOutput, 2))
        self.add(ConcatTable().add(Identity()).add(mean))
        self.add(CSubTable())
        self.add(Normalize(2, eps))
        self.add(MulConstant(math.sqrt(nOutput)))
        if affine:
            shift, gain = Add(nOutput), CMul(nOutput)  # their draws are spent in this order
            for parameter, value in (shift.bias, bias), (gain.weight, 1):
                if parameter is not None:
                    parameter[...] = value
            self.add(gain)
            self.add(shift)

    def __setstate__(self, state: dict) -> None:
        super().__setstate__(state)
        replicate = self._replicate()
        replicate.dim, replicate.ndim = 2, None  # what Torch7 saved replicates along the batch

    def _replicate(self) -> Any:
        """The module that gives the mean once for each feature."""
        return self.modules[0].modules[1].modules[1]

    def count(self, input: np.ndarray) -> int:
        replicate = self._replicate()
        replicate.check_fields()
        nOutput = replicate.nfeatures
        if input.ndim not in (1, 2) or input.shape[-1] != nOutput:
            raise ValueError(
                f'{self.typename}: expected a vector of size {nOutput} or a batch of them, got shape {input.shape}'
            )
        return input.size // nOutput


class SpatialCrossMapLRN(Module):
    """y = x / (k + alpha / size * sum of x^2 over the `size` nearest planes)^beta; input ``(N, C, H, W)`` or ``(C, H,
    W)``.

    Parameters
    ----------
    size
        an odd number of planes, the plane itself in the middle; there may be more than the input has
    alpha, beta, k
        the numbers of the formula; k above 0 keeps the root from 0

    Torch7 manual: convolution.md#nn.SpatialCrossMapLRN
    """

    cleared = (*Module.cleared, 'scale')
    size: int
    alpha: float
    beta: float
    k: float
    #: what the power is taken of, in the last forward
    scale: np.ndarray | None = None

    def __init__(self, size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1):
        super().__init__()
        self.size = size
        self._expect_odd()
        self.alpha = alpha
        self.beta = beta
        self.k = k
        self.scale = None

    def _expect_odd(self) -> None:
        if self.size < 1 or self.size % 2 != 1:
            raise ValueError(f'{self.typename}: expected an odd size, got {self.size}')

    def _images(self, tensor: np.ndarray) -> Any:
        """The images of `tensor`, one after the other: all that is made of one image stays in the cache."""
        return tensor if tensor.ndim == 4 else tensor[np.newaxis]

    def _add_neighbours(self, image: np.ndarray, total: np.ndarray) -> None:
        """total = for every plane the sum of the planes of `image` around it."""
        np.copyto(total, image)
        for distance in range(1, min(self.size // 2, len(image) - 1) + 1):
            total[:-distance] += image[distance:]
            total[distance:] += image[:-distance]

    def _power(self, scale: np.ndarray, out: np.ndarray) -> None:
        """out = scale ** -beta."""
        # as exact as the power itself, and faster: up to twice by exp and log, four times by roots
        if self.beta == 0.75:
            np.sqrt(scale, out)
            out *= np.sqrt(out)
            np.reciprocal(out, out)
        else:
            np.log(scale, out)
            out *= -self.beta
            np.exp(out, out)

    def _checked(self, input: Any) -> np.ndarray:
        """`input` as a plain array, checked."""
        self.check_parameters()
        self._expect_odd()
        input = self.check(input)
        if input.ndim not in (3, 4):
            raise self.error(f'expected 3D or 4D input, got shape {input.shape}')
        return input

    @silent
    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self._checked(input)
        output, scale = self.buffer('output', input.shape), self.buffer('scale', input.shape)
        for x, y, s in zip(*map(self._images, (input, output, scale)), strict=True):
            np.multiply(x, x, y)
            self._add_neighbours(y, s)
            s *= self.alpha / self.size
            s += self.k
            self._power(s, y)
            y *= x
        return output

    @silent
    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        # dx = dy scale^-beta - 2 alpha beta / size x (sum of dy y / scale over the neighbours)
        input = self._checked(input)
        gradOutput = self.check(gradOutput, 'gradOutput', input.shape)
        if getattr(self.scale, 'shape', None) != input.shape or getattr(self.output, 'shape', None) != input.shape:
            raise self.error(f'expected forward first, for an input of shape {input.shape}')
        output, scale = self.check(self.output, 'output'), self.check(self.scale, 'scale')
        gradInput = self.buffer('gradInput', input.shape)
        tensors = input, output, scale, gradOutput, gradInput
        ratio, total = np.empty((2, *input.shape[-3:]), input.dtype)
        for x, y, s, dy, dx in zip(*map(self._images, tensors), strict=True):
            np.multiply(dy, y, ratio)
            ratio /= s
            self._add_neighbours(ratio, total)
            total *= x
            total *= 2 * self.alpha * self.beta / self.size
            self._power(s, dx)
            dx *= dy
            dx -= total
        return gradInput


class SpatialSubtractiveNormalization(Neighbourhood):
    """y = x - the weighted mean of x around each pixel, over all planes.

    Parameters
    ----------
    nInputPlane
        input ``(N, nInputPlane, H, W)`` or ``(nInputPlane, H, W)``
    kernel
        the weights ``(kH, kW)``, or ``(k,)`` for the outer product of a vector with itself, of odd sizes; 9 x 9 ones
        where none are given

    Torch7 manual: convolution.md#nn.SpatialSubtractiveNormalization
    """

    subtractor: Module

    def __init__(self, nInputPlane: int = 1, kernel: np.ndarray | None = None):
        super().__init__(nInputPlane, kernel)
        self.kernel /= self.kernel.sum() * nInputPlane
        self.meanestimator = self._estimator()
        self._set_kernel(self.meanestimator)
        self.subtractor = CSubTable()

    @silent
    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self._checked(input)
        coefficients = self._coefficients(input)
        mean = self.divider.updateOutput([self._sums(self.meanestimator, input), coefficients])
        self.output = self.subtractor.updateOutput([input, mean])
        return self.output

    @silent
    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input, gradOutput = self._with_gradient(input, gradOutput)
        mean, coefficients = self.divider.output, self._coefficients(input)
        direct, dmean = self.subtractor.updateGradInput([input, mean], gradOutput)
        # the derivative of a quotient by its numerator needs the denominator alone: mean may stand for the sums
        dsums, _ = self.divider.updateGradInput([mean, coefficients], dmean)
        return self._through(self.meanestimator, input, dsums, direct)


class SpatialDivisiveNormalization(Neighbourhood):
    """y = x / s, where s = sqrt(weighted sum of x^2 around each pixel, over all planes) / (weights inside), or
    `thresval` where that is not above `threshold`. The weights of all planes together are 1.

    Parameters
    ----------
    nInputPlane, kernel
        as in `SpatialSubtractiveNormalization`
    threshold, thresval
        deviations up to `threshold` become `thresval`, which is `threshold` where it is not given

    Torch7 source: SpatialDivisiveNormalization.lua
    """

    threshold: float
    thresval: float
    stdestimator: Sequential
    normalizer: Module
    thresholder: Module

    def __init__(
        self,
        nInputPlane: int = 1,
        kernel: np.ndarray | None = None,
        threshold: float = 1e-4,
        thresval: float | None = None,
    ):
        super().__init__(nInputPlane, kernel)
        self.threshold = threshold
        self.thresval = threshold if thresval is None else thresval
        self.meanestimator = self._estimator()
        self.stdestimator = self._estimator()
        self.stdestimator.insert(Square(), 1)
        self.stdestimator.add(Sqrt())
        self.kernel /= self.kernel.sum() * (nInputPlane if self.kernel.ndim == 2 else math.sqrt(nInputPlane))
        self._set_kernel(self.meanestimator, self.stdestimator)
        self.normalizer = CDivTable()
        self.thresholder = Threshold(self.threshold, self.thresval)

    @silent
    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self._checked(input)
        coefficients = self._coefficients(input)
        deviation = self.divider.updateOutput([self._sums(self.stdestimator, input), coefficients])
        self.output = self.normalizer.updateOutput([input, self.thresholder.updateOutput(deviation)])
        return self.output

    @silent
    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input, gradOutput = self._with_gradient(input, gradOutput)
        deviation, coefficients = self.divider.output, self._coefficients(input)
        direct, dthresholded = self.normalizer.updateGradInput([input, self.thresholder.output], gradOutput)
        ddeviation = self.thresholder.updateGradInput(deviation, dthresholded)
        droots, _ = self.divider.updateGradInput([deviation, coefficients], ddeviation)
        return self._through(self.stdestimator, input, droots, direct)


class SpatialContrastiveNormalization(Module):
    """`SpatialSubtractiveNormalization`, then `SpatialDivisiveNormalization`.

    Parameters
    ----------
    nInputPlane, kernel, threshold, thresval
        as in `SpatialDivisiveNormalization`

    Torch7 source: SpatialContrastiveNormalization.lua
    """

    nInputPlane: int
    kernel: np.ndarray
    threshold: float
    thresval: float
    normalizer: Sequential

    def __init__(
        self,
        nInputPlane: int = 1,
        kernel: np.ndarray | None = None,
        threshold: float = 1e-4,
        thresval: float | None = None,
    ):
        super().__init__()
        self.nInputPlane = nInputPlane
        self.kernel = odd_kernel(self, kernel)
        self.threshold = threshold
        self.thresval = threshold if thresval is None else thresval
        self.normalizer = Sequential()
        self.normalizer.add(SpatialSubtractiveNormalization(nInputPlane, self.kernel))
        self.normalizer.add(SpatialDivisiveNormalization(nInputPlane, self.kernel, self.threshold, self.thresval))

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.output = self.normalizer.updateOutput(input)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.gradInput = self.normalizer.updateGradInput(input, gradOutput)
        return self.gradInput

    def clearState(self) -> Self:
        self.normalizer.clearState()
        return super().clearState()
