"""clementfarabet/lua---nnx: layers of before 2013 that have found their way into models.

`SpatialReSampling` resizes images; `SpatialNormalization` takes out the local mean and divides by the local standard
deviation, with `SpatialPadding` in it.
"""

from typing import Any

import numpy as np

from ..layers.arithmetic import Sum
from ..layers.containers import Sequential
from ..layers.convolution.spatial import SpatialConvolutionMap, tables
from ..layers.pointwise import Sqrt, Square
from ..layers.rectifiers import Threshold
from ..layers.shapes import Replicate
from ..layers.table import CDivTable, CSubTable
from ..module import Module
from .base import checked_images, tensor_fields

__all__ = ['SpatialNormalization', 'SpatialPadding', 'SpatialReSampling']


class SpatialPadding(Module):
    """The image with a margin of `val` at its sides; where a margin is negative, so much is cut off.

    Parameters
    ----------
    pad_l, pad_r, pad_t, pad_b
        pixels at the left, right, top and bottom; the last three are pad_l where not given
    y_dim, x_dim
        the dimensions of height and width, from 1
    val
        what stands in the margin

    Source: github.com/clementfarabet/lua---nnx, SpatialPadding.lua
    """

    pad_l: int
    pad_r: int
    pad_t: int
    pad_b: int
    y_dim: int
    x_dim: int
    val: float

    def __init__(
        self,
        pad_l: int,
        pad_r: int | None = None,
        pad_t: int | None = None,
        pad_b: int | None = None,
        y_dim: int = 2,
        x_dim: int = 3,
        val: float = 0,
    ):
        super().__init__()
        self.pad_l, self.y_dim, self.x_dim, self.val = pad_l, y_dim, x_dim, val
        self.pad_r, self.pad_t, self.pad_b = (pad_l if pad is None else pad for pad in (pad_r, pad_t, pad_b))

    def _windows(self, shape: tuple[int, ...]) -> tuple[tuple, tuple, tuple[int, ...]]:
        """Where the part that input and output share lies in each, and the output's shape."""
        self.check_fields()
        padded = list(shape)
        inner, outer = [slice(None)] * len(shape), [slice(None)] * len(shape)
        pads = (self.y_dim or 2, self.pad_t, self.pad_b), (self.x_dim or 3, self.pad_l, self.pad_r)
        axes = [self.axis_of(dimension, len(shape)) for dimension, _, _ in pads]
        if axes[0] == axes[1]:
            raise self.error(f'expected two dimensions as y_dim and x_dim, got {self.y_dim} and {self.x_dim}')
        for axis, (_, before, after) in zip(axes, pads, strict=True):
            padded[axis] += before + after
            inner[axis] = slice(max(-before, 0), shape[axis] - max(-after, 0))
            outer[axis] = slice(max(before, 0), padded[axis] - max(after, 0))
            if padded[axis] < 1 or inner[axis].start >= inner[axis].stop:
                raise self.error(f'expected input larger than what is cut off, got shape {shape}')
        return tuple(inner), tuple(outer), tuple(padded)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.check(input)
        inner, outer, shape = self._windows(input.shape)
        output = self.buffer('output', shape)
        output.fill(self.val or 0)
        output[outer] = input[inner]
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self.check(input)
        inner, outer, shape = self._windows(input.shape)
        gradOutput = self.check(gradOutput, 'gradOutput', shape)
        gradInput = self.buffer('gradInput', input.shape)
        gradInput.fill(0)
        gradInput[inner] = gradOutput[outer]
        return gradInput

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        for name, value in (('y_dim', 2), ('x_dim', 3), ('val', 0)):
            fields.setdefault(name, value)


class SpatialReSampling(Module):
    """The image in another size, by bilinear interpolation, corners upon corners.

    Pixel i of the output lies at i (n - 1) / (m - 1) of the input's, for sizes n and m. As in Torch7, the places and
    weights are numbers of single precision in any case.

    Parameters
    ----------
    rwidth, rheight
        the output's sizes as a multiple of the input's, cut to whole pixels
    owidth, oheight
        the output's sizes in pixels; at least 2

    Where multiples are given, the first input decides the output's size for all that follow. Input ``(C, H, W)`` or
    ``(N, C, H, W)``.

    >>> import numpy as np
    >>> from t7nn.packages import nnx
    >>> nnx.SpatialReSampling(owidth=3, oheight=2).forward(np.array([[[0.0, 1.0], [2.0, 3.0]]])).tolist()
    [[[0.0, 0.5, 1.0], [2.0, 2.5, 3.0]]]

    Source: github.com/clementfarabet/lua---nnx, SpatialReSampling.lua
    """

    rwidth: float | None = None
    rheight: float | None = None
    owidth: int | None = None
    oheight: int | None = None

    def __init__(
        self,
        rwidth: float | None = None,
        rheight: float | None = None,
        owidth: int | None = None,
        oheight: int | None = None,
    ):
        super().__init__()
        if (rwidth is None) == (owidth is None) or (rheight is None) == (oheight is None):
            raise self.error('expected either a multiple or a size in pixels for width and for height')
        self.rwidth, self.rheight, self.owidth, self.oheight = rwidth, rheight, owidth, oheight

    def _matrix(self, height: int, width: int) -> Any:
        """From the pixels of the input to those of the output: four weights in every row."""
        oheight, owidth = self._sizes
        key = height, width, oheight, owidth, self.dtype
        known = self.__dict__.get('_known')
        if known is None or known[0] != key:
            import scipy.sparse

            places = []
            for size, count in ((height, oheight), (width, owidth)):
                place = np.float32(size - 1) / np.float32(count - 1) * np.arange(count, dtype=np.float32)
                first = np.floor(place)
                low = np.minimum(first.astype(int), size - 1)
                places.append((low, np.minimum(low + 1, size - 1), first + 1 - place, place - first))
            (top, bottom, up, down), (left, right, west, east) = places
            columns = [row[:, None] * width + column for row in (top, bottom) for column in (left, right)]
            weights = [vertical[:, None] * horizontal for vertical in (up, down) for horizontal in (west, east)]
            rows = np.broadcast_to(np.arange(oheight * owidth), (4, oheight * owidth)).ravel()
            matrix = scipy.sparse.coo_array(
                (np.ravel(weights).astype(self.dtype), (rows, np.ravel(columns))), (oheight * owidth, height * width)
            )
            known = self._known = key, matrix.tocsr()
        return known[1]

    @property
    def _sizes(self) -> tuple[int, int]:
        """Height and width of the output, checked."""
        oheight, owidth = self.oheight or 0, self.owidth or 0
        if min(oheight, owidth) < 2:
            raise self.error(f'expected output of at least 2 x 2, got {oheight} x {owidth}')
        return oheight, owidth

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = checked_images(self, input)
        height, width = input.shape[-2:]
        if self.oheight is None and self.rheight is not None:
            self.oheight = int(self.rheight * height)
        if self.owidth is None and self.rwidth is not None:
            self.owidth = int(self.rwidth * width)
        matrix = self._matrix(height, width)
        output = self.buffer('output', (*input.shape[:-2], *self._sizes))
        output[...] = (matrix @ input.reshape(-1, height * width).T).T.reshape(output.shape)
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = checked_images(self, input)
        matrix = self._matrix(*input.shape[-2:])
        gradOutput = self.check(gradOutput, 'gradOutput', (*input.shape[:-2], *self._sizes))
        gradInput = self.buffer('gradInput', input.shape)
        gradInput[...] = (matrix.T @ gradOutput.reshape(-1, matrix.shape[0]).T).T.reshape(input.shape)
        return gradInput


class SpatialNormalization(Module):
    """Local contrast normalisation: the local mean, over all planes, taken out; then divided by the local deviation.

    With the kernel k, normalised to sum 1, and `sum` over planes and the kernel's window: mean = sum(k x) / sum(k 1);
    z = x - mean; d = sqrt(sum(k z^2)) / sum(k 1); y = z / max(d, threshold). Where no threshold is given it is the mean
    of d over the image, at least 0.001.

    Parameters
    ----------
    nInputPlane
        planes of the input ``(nInputPlane, H, W)``; of one plane also ``(H, W)``, which is then seen as such
    kernel
        ``(KH, KW)``, or a list of two kernels, ``(1, K)`` and ``(K, 1)``, that are applied one after the other
    threshold
        the least divisor

    In Torch7 the kernels are normalised in place; here they are copied.

    Source: github.com/clementfarabet/lua---nnx, SpatialNormalization.lua
    """

    kernel: Any
    nfeatures: int
    fixedThres: float | None
    convo: Module
    convostd: Module

    def __init__(self, nInputPlane: int, kernel: np.ndarray | list[np.ndarray], threshold: float | None = None):
        super().__init__()
        kernels = kernel if isinstance(kernel, (list, tuple)) else [kernel]
        if len(kernels) not in (1, 2) or any(not isinstance(k, np.ndarray) or k.ndim != 2 for k in kernels):
            raise ValueError(f'{self.typename}: expected a kernel (KH, KW) or a list of two')
        kernels = [(k / k.sum()).astype(float) for k in kernels]
        self.kernel = kernels if isinstance(kernel, (list, tuple)) else kernels[0]
        self.nfeatures, self.fixedThres = nInputPlane, threshold
        self.convo, self.convostd = self._sums(kernels), self._sums(kernels)

    def _sums(self, kernels: list[np.ndarray]) -> Module:
        """sum(k .), for every plane."""
        convolutions = []
        for kernel in kernels:
            height, width = kernel.shape
            map: Any = SpatialConvolutionMap(tables.oneToOne(self.nfeatures), width, height)
            map.weight[...] = kernel
            map.bias.fill(0)
            padding = SpatialPadding(width // 2, (width - 1) // 2, height // 2, (height - 1) // 2)
            convolutions.append(Sequential().add(padding).add(map).add(Sum(1)).add(Replicate(self.nfeatures)))
        return convolutions[0] if len(convolutions) == 1 else Sequential().add(convolutions[0]).add(convolutions[1])

    def _image(self, input: np.ndarray) -> np.ndarray:
        self.check_fields()
        input = self.check(input)
        image = input[None] if input.ndim == 2 else input
        if image.ndim != 3 or len(image) != self.nfeatures or not image.size:
            raise self.error(f'expected an image of {self.nfeatures} planes, got shape {input.shape}')
        return image

    def _local(self, name: str, x: np.ndarray) -> np.ndarray:
        """sum(k x) by the module ``name``."""
        sums = getattr(self, name).updateOutput(x)
        if sums.shape != x.shape:
            raise self.error(f'expected {name} to keep the shape {x.shape}, got {sums.shape}')
        return sums

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        x = self._image(input)
        ones = self._local('convo', np.ones(x.shape, self.dtype)).copy()
        z = x - self._local('convo', x) / ones
        d = np.sqrt(self._local('convostd', z * z)) / ones
        mean = d.mean()
        self._adapts = self.fixedThres is None and mean > 1e-3
        threshold = max(mean, 1e-3) if self.fixedThres is None else self.fixedThres
        above = d > threshold
        divisor = np.where(above, d, self.dtype.type(threshold))
        self._parts = ones, z, d, above, divisor
        return np.divide(z, divisor, out=self.buffer('output', x.shape))

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        x = self._image(input)
        gradOutput = self.check(gradOutput, 'gradOutput', self.output.shape)
        if '_parts' not in self.__dict__:
            raise self.error('expected forward of this input first')
        ones, z, d, above, divisor = self._parts
        dz = gradOutput / divisor
        of_divisor = -dz * z / divisor
        dd = np.where(above, of_divisor, 0)
        if self._adapts:  # the threshold is the mean of d
            dd += of_divisor[~above].sum() / d.size
        with np.errstate(divide='ignore', invalid='ignore'):
            of_squares = np.where(d > 0, dd / (2 * ones * ones * d), 0)
        dz += 2 * z * self.convostd.updateGradInput(z * z, of_squares)
        gradInput = self.buffer('gradInput', x.shape)
        np.add(dz, self.convo.updateGradInput(x, -dz / ones), out=gradInput)
        self.gradInput = gradInput.reshape(input.shape)
        return self.gradInput

    def to_file(self, fields: dict[str, Any]) -> None:
        """The modules and buffers of Torch7's constructor."""
        fields.update(squareMod=Square(), sqrtMod=Sqrt(), subtractMod=CSubTable(), thresMod=Threshold())
        fields.update({name: CDivTable() for name in ('meanDiviseMod', 'stdDiviseMod', 'diviseMod')})
        for value in fields.values():
            if isinstance(value, Module):
                value.type(self.dtype)
        fields['coef'] = np.zeros((1, 1), self.dtype)
        names = ('inConvo', 'inMean', 'inputZeroMean', 'inputZeroMeanSq', 'inConvoVar', 'inVar', 'inStdDev', 'thstd')
        tensor_fields(self, fields, *names)

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        for name in fields.keys() - {'kernel', 'nfeatures', 'fixedThres', 'convo', 'convostd', 'train', '_type'}:
            del fields[name]
