"""Layers that compare each pixel of an image with its neighbourhood.

Torch7 manual: convolution.md
"""

import math
from typing import Self

import numpy as np

from .arithmetic import Sqrt, Square
from .containers import Sequential
from .convolution import SpatialConvolution, SpatialConvolutionMap, tables
from .module import Module
from .rectifiers import Threshold
from .resampling import SpatialZeroPadding
from .simple import Replicate
from .table import CDivTable, CSubTable

__all__ = ['SpatialContrastiveNormalization', 'SpatialDivisiveNormalization', 'SpatialSubtractiveNormalization']


def _odd(layer: Module, kernel: np.ndarray | None) -> np.ndarray:
    """A copy of `kernel`, checked; 9 x 9 ones where there is none."""
    kernel = np.ones((9, 9)) if kernel is None else np.array(kernel, float)
    if kernel.ndim not in (1, 2) or not all(size % 2 for size in kernel.shape) or kernel.sum() == 0:
        raise ValueError(
            f'{layer.typename}: a 1D or 2D kernel of odd sizes, with a sum other than 0, needed, '
            f'got shape {kernel.shape}'
        )
    return kernel


class Neighbourhood(Module):
    """The base of layers that work with weighted sums over neighbourhoods, in all planes together.

    Where a neighbourhood leaves the image, the sum is divided by the weights that are inside. As in Torch7
    networks with convolutions give the sums, and their draws are spent.
    """

    def __init__(self, nInputPlane: int, kernel: np.ndarray | None):
        super().__init__()
        self.nInputPlane = nInputPlane
        self.kernel = _odd(self, kernel)
        self.coef = np.empty(0)
        self.divider = CDivTable()

    def _estimator(self) -> Sequential:
        """A network that sums each pixel's neighbourhood, and gives it once for each plane."""
        planes, size = self.nInputPlane, self.kernel.shape
        padH, padW = size[0] // 2, size[-1] // 2
        estimator = Sequential().add(SpatialZeroPadding(padW, padW, padH, padH))
        if self.kernel.ndim == 2:
            estimator.add(SpatialConvolution(planes, 1, size[1], size[0]))
        else:
            estimator.add(SpatialConvolutionMap(tables.oneToOne(planes), size[0], 1))
            estimator.add(SpatialConvolution(planes, 1, 1, size[0]))
        return estimator.add(Replicate(planes, 1, 3))

    def _set_kernel(self, *estimators: Sequential) -> None:
        """Let all convolutions have the kernel as their weights."""
        for module in [module for estimator in estimators for module in estimator if module.weight is not None]:
            upright = module.weight.shape[-1] == 1
            module.weight[...] = self.kernel.reshape(-1, 1) if upright else self.kernel
            module.bias.fill(0)

    def _sums(self, estimator: Sequential, input: np.ndarray) -> np.ndarray:
        """What `estimator` gives, in the shape of the input: Replicate has made a dimension of its own."""
        return estimator.updateOutput(input).reshape(input.shape)

    def _through(self, estimator: Sequential, input: np.ndarray, dsums: np.ndarray, direct: np.ndarray) -> np.ndarray:
        """gradInput: what comes through the estimator, and directly."""
        indirect = estimator.updateGradInput(input, dsums.reshape(estimator.output.shape))
        return np.add(indirect, direct, self.buffer('gradInput', input.shape))

    def _coefficients(self, input: np.ndarray) -> np.ndarray:
        """The weights that lie in the image, summed for each pixel: what the estimator gives for ones."""
        sample = input.shape[-3:]
        if self.coef.shape != sample:
            self.coef = self._sums(self.meanestimator, np.ones(sample, self.dtype)).copy()
        return np.broadcast_to(self.coef, input.shape)

    def _check(self, input: np.ndarray) -> None:
        self.check(input)
        if input.ndim not in (3, 4) or input.shape[-3] != self.nInputPlane:
            raise self.error(
                f'an image of {self.nInputPlane} planes or a batch of such needed, got shape {input.shape}'
            )

    def clearState(self) -> Self:
        for field in vars(self).values():
            if isinstance(field, Module):
                field.clearState()
        return super().clearState()


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

    def __init__(self, nInputPlane: int = 1, kernel: np.ndarray | None = None):
        super().__init__(nInputPlane, kernel)
        self.kernel /= self.kernel.sum() * nInputPlane
        self.meanestimator = self._estimator()
        self._set_kernel(self.meanestimator)
        self.subtractor = CSubTable()

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self._check(input)
        coefficients = self._coefficients(input)
        mean = self.divider.updateOutput([self._sums(self.meanestimator, input), coefficients])
        self.output = self.subtractor.updateOutput([input, mean])
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check(gradOutput, 'gradOutput', input.shape)
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
        `thresval` is `threshold` where it is not given

    Torch7 source: SpatialDivisiveNormalization.lua
    """

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

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self._check(input)
        coefficients = self._coefficients(input)
        deviation = self.divider.updateOutput([self._sums(self.stdestimator, input), coefficients])
        self.output = self.normalizer.updateOutput([input, self.thresholder.updateOutput(deviation)])
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check(gradOutput, 'gradOutput', input.shape)
        deviation, coefficients = self.divider.output, self._coefficients(input)
        direct, dthresholded = self.normalizer.updateGradInput([input, self.thresholder.output], gradOutput)
        ddeviation = self.thresholder.updateGradInput(deviation, dthresholded)
        droots, _ = self.divider.updateGradInput([deviation, coefficients], ddeviation)
        return self._through(self.stdestimator, input, droots, direct)


class SpatialContrastiveNormalization(Module):
    """`SpatialSubtractiveNormalization`, then `SpatialDivisiveNormalization`, with the same arguments.

    Torch7 source: SpatialContrastiveNormalization.lua
    """

    def __init__(
        self,
        nInputPlane: int = 1,
        kernel: np.ndarray | None = None,
        threshold: float = 1e-4,
        thresval: float | None = None,
    ):
        super().__init__()
        self.nInputPlane = nInputPlane
        self.kernel = _odd(self, kernel)
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
