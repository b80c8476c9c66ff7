"""What the subtractive and the divisive normalisation have in common: weighted sums around each pixel."""

from typing import Any, Self

import numpy as np

from ..module import Module
from ..tensors import describe
from ._initialization import positive
from .containers import Sequential
from .convolution.spatial import SpatialConvolution, SpatialConvolutionMap, tables
from .padding import SpatialZeroPadding
from .shapes import Replicate
from .table import CDivTable


def odd_kernel(layer: Module, kernel: np.ndarray | None) -> np.ndarray:
    """A copy of `kernel`, checked; 9 x 9 ones where there is none."""
    try:
        kernel = np.ones((9, 9)) if kernel is None else np.array(kernel, float)
    except (TypeError, ValueError):
        raise TypeError(f'{layer.typename}: expected a tensor as kernel, got {describe(kernel)}') from None
    if kernel.ndim not in (1, 2) or not all(size % 2 for size in kernel.shape) or kernel.sum() == 0:
        raise ValueError(
            f'{layer.typename}: expected a 1D or 2D kernel of odd sizes, with a sum other than 0, '
            f'got shape {kernel.shape}'
        )
    return kernel


class Neighbourhood(Module):
    """The base of layers that work with weighted sums over neighbourhoods, in all planes together.

    Where a neighbourhood leaves the image, the sum is divided by the weights that are inside. As in Torch7
    networks with convolutions give the sums, and their draws are spent.
    """

    nInputPlane: int
    kernel: np.ndarray
    coef: np.ndarray
    divider: Module
    meanestimator: Sequential

    def __init__(self, nInputPlane: int, kernel: np.ndarray | None):
        super().__init__()
        positive(self, nInputPlane)
        self.nInputPlane = nInputPlane
        self.kernel = odd_kernel(self, kernel)
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
        for module in [module for estimator in estimators for module in estimator]:
            if module.weight is not None and module.bias is not None:
                upright = module.weight.shape[-1] == 1
                module.weight[...] = self.kernel.reshape(-1, 1) if upright else self.kernel
                module.bias.fill(0)

    def _sums(self, estimator: Sequential, input: np.ndarray) -> np.ndarray:
        """What `estimator` gives, in the shape of the input: Replicate has made a dimension of its own."""
        sums = estimator.updateOutput(input)
        if sums.size != input.size:
            raise self.error(
                f'expected an estimator that gives one number for each of shape {input.shape}, got {describe(sums)}'
            )
        return sums.reshape(input.shape)

    def _through(self, estimator: Sequential, input: np.ndarray, dsums: np.ndarray, direct: np.ndarray) -> np.ndarray:
        """gradInput: what comes through the estimator, and directly."""
        if np.size(estimator.output) != dsums.size:
            raise self.error(f'expected forward(input) first, for an input of shape {input.shape}')
        indirect = self.check(
            estimator.updateGradInput(input, dsums.reshape(estimator.output.shape)), 'gradient', input.shape
        )
        return np.add(indirect, direct, self.buffer('gradInput', input.shape))

    def _coefficients(self, input: np.ndarray) -> np.ndarray:
        """The weights that lie in the image, summed for each pixel: what the estimator gives for ones."""
        sample = input.shape[-3:]
        coef = self.coef
        if np.shape(coef) != sample or type(coef) is not np.ndarray or coef.dtype != self.dtype:
            self.coef = self._sums(self.meanestimator, np.ones(sample, self.dtype)).copy()
        return np.broadcast_to(self.coef, input.shape)

    def _checked(self, input: Any) -> np.ndarray:
        """`input` as a plain array, checked."""
        self.check_parameters()
        input = self.check(input)
        if input.ndim not in (3, 4) or input.shape[-3] != self.nInputPlane:
            raise self.error(
                f'expected an image of {self.nInputPlane} planes or a batch of such, got shape {input.shape}'
            )
        return input

    def _with_gradient(self, input: Any, gradOutput: Any) -> tuple[np.ndarray, np.ndarray]:
        """Both as plain arrays, checked, after a forward of the input."""
        input = self._checked(input)
        gradOutput = self.check(gradOutput, 'gradOutput', input.shape)
        if np.shape(self.divider.output) != input.shape:
            raise self.error(f'expected forward(input) first, for an input of shape {input.shape}')
        return input, gradOutput

    def clearState(self) -> Self:
        for field in vars(self).values():
            if isinstance(field, Module):
                field.clearState()
        return super().clearState()
