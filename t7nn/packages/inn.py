"""szagoruyko/imagine-nn: poolings and normalisations of networks for images.

Its max and average poolings round the output's size up, as Caffe does. `SpatialStochasticPooling` picks one pixel of a
window at random, the brighter the likelier; `SpatialPyramidPooling` and `ROIPooling` give an output of one size for
images, or parts of images, of any size.
"""

import math
from typing import Any

import numpy as np

from .. import random
from ..layers.arithmetic import AddConstant, MulConstant
from ..layers.containers import Concat, Sequential
from ..layers.identity import Contiguous, Identity
from ..layers.pointwise import Power, Square
from ..layers.pooling.adaptive import SpatialAdaptiveMaxPooling
from ..layers.pooling.average import SpatialAveragePooling as AveragePooling
from ..layers.pooling.maximum import SpatialMaxPooling as MaxPooling
from ..layers.shapes import View
from ..layers.table import CDivTable, ConcatTable
from ..module import Module
from ..tensors import describe
from .base import checked_images, named, tensor_fields

__all__ = [
    'ConstAffine',
    'MeanSubtraction',
    'ROIPooling',
    'SpatialAveragePooling',
    'SpatialMaxPooling',
    'SpatialPyramidPooling',
    'SpatialSameResponseNormalization',
    'SpatialStochasticPooling',
]


@named('inn.SpatialMaxPooling')
class SpatialMaxPooling(MaxPooling):
    """nn's `SpatialMaxPooling` with the output's size rounded up.

    Parameters
    ----------
    kW, kH, dW, dH, padW, padH
        as there

    Source: github.com/szagoruyko/imagine-nn, SpatialMaxPooling.lua
    """

    def __init__(self, kW: int, kH: int, dW: int | None = None, dH: int | None = None, padW: int = 0, padH: int = 0):
        super().__init__(kW, kH, dW, dH, padW, padH)
        self.ceil()

    def to_file(self, fields: dict[str, Any]) -> None:
        """Torch7 counts on the tensor of places."""
        fields.setdefault('indices', np.empty(0, np.int64))

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        fields['ceil_mode'] = True


@named('inn.SpatialAveragePooling')
class SpatialAveragePooling(AveragePooling):
    """nn's `SpatialAveragePooling` with the output's size rounded up.

    Parameters
    ----------
    kW, kH, dW, dH, padW, padH
        as there

    Source: github.com/szagoruyko/imagine-nn, SpatialAveragePooling.lua
    """

    def __init__(self, kW: int, kH: int, dW: int = 1, dH: int = 1, padW: int = 0, padH: int = 0):
        super().__init__(kW, kH, dW, dH, padW, padH)
        self.ceil()

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        fields['ceil_mode'] = True
        for name in ('divide', 'count_include_pad'):
            fields.setdefault(name, True)


@named('inn.SpatialStochasticPooling')
class SpatialStochasticPooling(Module):
    """While training one pixel of every window, x_i with probability x_i / sum(x); its mean, sum(x^2) / sum(x), else.

    Parameters
    ----------
    kW, kH
        size of the windows
    dW, dH
        their distance; kW and kH where not given

    The output's size is rounded up. Pixels are not negative. A uniform number is drawn for each window, in the order of
    the output. Input ``(C, H, W)`` or ``(N, C, H, W)``.

    Source: github.com/szagoruyko/imagine-nn, SpatialStochasticPooling.lua
    """

    kW: int
    kH: int
    dW: int
    dH: int
    _chosen: np.ndarray = np.empty(0, np.int64)

    def __init__(self, kW: int, kH: int, dW: int | None = None, dH: int | None = None):
        super().__init__()
        self.kW, self.kH, self.dW, self.dH = kW, kH, kW if dW is None else dW, kH if dH is None else dH
        self._expect_ranges()
        self.train = True

    def _expect_ranges(self) -> None:
        self.check_fields()
        sizes = self.kW, self.kH, self.dW, self.dH
        if min(sizes) < 1:
            raise self.error(f'expected kW, kH, dW and dH of at least 1, got {", ".join(map(str, sizes))}')

    def _windows(self, input: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pixels of all windows, one window to a row, 0 beyond the image, and where in the image they lie."""
        self._expect_ranges()
        height, width = input.shape[-2:]
        starts = []
        for size, k, d in ((height, self.kH, self.dH), (width, self.kW, self.dW)):
            count = math.ceil((size - k) / d) + 1
            if count < 1 or (count - 1) * d >= size:
                raise self.error(f'expected an image that windows {self.kH} x {self.kW} fit on, got {describe(input)}')
            starts.append(np.arange(count) * d)
        rows, columns = (start[:, None] + np.arange(k) for start, k in zip(starts, (self.kH, self.kW), strict=True))
        rows, columns = rows[:, None, :, None], columns[None, :, None, :]
        inside = (rows < height) & (columns < width)
        place = np.where(inside, rows * width + columns, -1).reshape(*map(len, starts), -1)
        pixels = input.reshape(*input.shape[:-2], -1)[..., place]
        return np.where(place >= 0, pixels, 0), place

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        pixels, place = self._windows(checked_images(self, input))
        output = self.buffer('output', pixels.shape[:-1])
        if self.train is False:
            sums = pixels.sum(-1) + np.finfo(np.float32).tiny
            return np.divide(np.square(pixels).sum(-1), sums, out=output)
        sums = np.cumsum(pixels, -1)
        wanted = random.uniform(0, 1, out=np.empty(output.shape)) * sums[..., -1]
        # where the sum is NaN no comparison is true: the NaN is chosen, so that it does not pass in silence
        self._chosen = np.argmax((sums >= wanted[..., None]) | np.isnan(sums), -1)
        np.copyto(output, np.take_along_axis(pixels, self._chosen[..., None], -1)[..., 0])
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = checked_images(self, input)
        pixels, place = self._windows(input)
        gradOutput = self.check(gradOutput, 'gradOutput', pixels.shape[:-1])
        if np.shape(self.output) != gradOutput.shape:
            raise self.error(f'expected forward(input) first, for an input of shape {input.shape}')
        if self.train is False:
            sums = pixels.sum(-1) + np.finfo(np.float32).tiny
            each = (2 * pixels - self.output[..., None]) * (gradOutput / sums)[..., None]
        else:
            if np.shape(self._chosen) != gradOutput.shape:
                raise self.error('expected forward(input) in training first')
            each = np.zeros(pixels.shape, self.dtype)
            np.put_along_axis(each, self._chosen[..., None], gradOutput[..., None], -1)
        gradInput = self.buffer('gradInput', input.shape)
        planes = gradInput.reshape(-1, input.shape[-2] * input.shape[-1])
        planes.fill(0)
        inside = place >= 0
        for plane, gradient in zip(planes, each.reshape(len(planes), *place.shape), strict=True):
            np.add.at(plane, place[inside], gradient[inside])
        return gradInput

    def to_file(self, fields: dict[str, Any]) -> None:
        """Fields of Torch7's max pooling, from which it inherits."""
        fields.update(padW=0, padH=0, ceil_mode=False)
        tensor_fields(self, fields, 'indices')

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        for name in ('padW', 'padH', 'ceil_mode', 'indices', 'iheight', 'iwidth'):
            fields.pop(name, None)


@named('inn.MeanSubtraction')
class MeanSubtraction(Module):
    """y = x - mean, the same for every image of a batch; dx = dy.

    Parameters
    ----------
    mean
        an image ``(C, H, W)``; input ``(C, H, W)`` or ``(N, C, H, W)``

    Source: github.com/szagoruyko/imagine-nn, MeanSubtraction.lua
    """

    def __init__(self, mean: np.ndarray):
        super().__init__()
        mean = self.check(mean, 'mean')
        self.mean = mean

    def _pair(self, input: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The input and the mean of one image, checked."""
        input, mean = self.check(input), self.check(self.mean, 'mean')
        mean = mean[0] if mean.ndim == 4 and len(mean) else mean
        if input.ndim not in (3, 4) or mean.size != math.prod(input.shape[-3:]):
            raise self.error(f'expected images of shape {mean.shape}, got shape {input.shape}')
        return input, mean.reshape(input.shape[-3:])

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input, mean = self._pair(input)
        return np.subtract(input, mean, out=self.buffer('output', input.shape))

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input, _ = self._pair(input)
        gradOutput = self.check(gradOutput, 'gradOutput', input.shape)
        np.copyto(self.buffer('gradInput', input.shape), gradOutput)
        return self.gradInput


@named('inn.ConstAffine')
class ConstAffine(Module):
    """y = a_c x + b_c for every plane c, with a and b that are not learned: what is left of a batch normalisation.

    Parameters
    ----------
    nOutputPlane
        the number of planes; input ``(N, nOutputPlane)`` or ``(N, nOutputPlane, H, W)``
    inplace
        write the output into the input and gradInput into gradOutput

    a begins at 1, b at 0.

    Source: github.com/szagoruyko/imagine-nn, ConstAffine.lua
    """

    a: np.ndarray
    b: np.ndarray
    inplace: bool

    def __init__(self, nOutputPlane: int, inplace: bool = False):
        super().__init__()
        if nOutputPlane < 1:
            raise ValueError(f'{self.typename}: expected at least one plane, got {nOutputPlane}')
        self.a, self.b, self.inplace = np.ones(nOutputPlane), np.zeros(nOutputPlane), inplace

    def _planes(self, name: str, input: np.ndarray) -> np.ndarray:
        """a or b, checked, in a shape that broadcasts over the input."""
        values = self.check(getattr(self, name), name)
        if input.ndim not in (2, 4) or input.shape[1] != values.size:
            raise self.error(f'expected input (N, {values.size}) or (N, {values.size}, H, W), got shape {input.shape}')
        return values.reshape(1, -1, *(1,) * (input.ndim - 2))

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.check(input)
        a, b = self._planes('a', input), self._planes('b', input)
        output = np.multiply(input, a, out=self.destination('output', input))
        output += b
        return output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self.check(input)
        gradOutput = self.check(gradOutput, 'gradOutput', input.shape)
        a = self._planes('a', input)
        return np.multiply(gradOutput, a, out=self.destination('gradInput', gradOutput, 'gradOutput'))


@named('inn.SpatialPyramidPooling')
class SpatialPyramidPooling(Concat):
    """The largest pixels in the cells of several grids, in one vector: of the same length for images of any size.

    Parameters
    ----------
    pyr
        the grids, each a list of width and height: ``SpatialPyramidPooling([4, 4], [2, 2], [1, 1])``, or one list of
        such lists

    Input ``(C, H, W)`` or ``(N, C, H, W)``; output ``(C * cells,)`` or ``(N, C * cells)``.

    Source: github.com/szagoruyko/imagine-nn, SpatialPyramidPooling.lua
    """

    def __init__(self, *pyr: Any):
        super().__init__(1)
        grids = pyr[0] if len(pyr) == 1 and len(pyr[0]) and isinstance(pyr[0][0], (list, tuple)) else pyr
        if not grids or any(len(grid) != 2 for grid in grids):
            raise ValueError(f'{self.typename}: expected lists of width and height, got {pyr}')
        self.pyr = [list(grid) for grid in grids]
        for width, height in self.pyr:
            pooling = SpatialAdaptiveMaxPooling(width, height)
            self.add(Sequential().add(pooling).add(View(-1).setNumInputDims(3)).add(Contiguous()))

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = checked_images(self, input)
        self.dimension = input.ndim - 2
        return super().updateOutput(input)


@named('inn.SpatialSameResponseNormalization')
class SpatialSameResponseNormalization(Sequential):
    """y = x / (1 + alpha m)^beta, m the mean of x^2 over the `size` x `size` pixels around, 0 beyond the border.

    Parameters
    ----------
    size
        odd
    alpha, beta
        how strong the normalisation is

    It is a `Sequential` of nn's layers. Input ``(C, H, W)`` or ``(N, C, H, W)``.

    Source: github.com/szagoruyko/imagine-nn, SpatialSameResponseNormalization.lua
    """

    def __init__(self, size: int = 3, alpha: float = 5e-5, beta: float = 0.75):
        super().__init__()
        self.alpha, self.beta = alpha, beta
        pooling = AveragePooling(size, size, 1, 1, size // 2, size // 2)
        below = Sequential().add(Square()).add(pooling).add(MulConstant(alpha, True)).add(AddConstant(1, True))
        self.add(ConcatTable().add(Identity()).add(below.add(Power(beta)))).add(CDivTable())

    def to_file(self, fields: dict[str, Any]) -> None:
        """A field that Torch7 has, in the place of its method."""
        pooling: Any = self.findModules('nn.SpatialAveragePooling')[0][0]
        fields['size'] = pooling.kW

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        fields.pop('size', None)


@named('inn.ROIPooling')
class ROIPooling(Module):
    """Parts of images, each as the largest pixels in the cells of a grid of one size.

    Parameters
    ----------
    W, H
        the grid
    spatial_scale
        how large the planes are compared with the image that the boxes are meant for

    Input: a table {images ``(N, C, h, w)``, boxes ``(R, 5)``}. A box is the number of its image, from 1, and x1, y1,
    x2, y2 in pixels from 1. Output ``(R, C, H, W)``, 0 for an empty cell; gradInput is a table, 0 for the boxes.

    ``v2 = False`` is the first version, which counts the last row and column of a box in, and lets cells overlap.

    Source: github.com/szagoruyko/imagine-nn, ROIPooling.lua
    """

    W: int
    H: int
    spatial_scale: float
    v2: bool = False
    table_fields = ('gradInput',)
    _places: np.ndarray = np.empty(0, np.int64)

    def __init__(self, W: int, H: int, spatial_scale: float = 1):
        super().__init__()
        self.W, self.H, self.spatial_scale, self.v2 = W, H, spatial_scale, True
        self._expect_ranges()

    def _expect_ranges(self) -> None:
        self.check_fields()
        if min(self.W, self.H) < 1:
            raise self.error(f'expected a grid of at least 1 x 1, got {self.W} x {self.H}')
        if not math.isfinite(self.spatial_scale):
            raise self.error(f'expected a finite spatial_scale, got {self.spatial_scale}')

    def _parts(self, input: list) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The images, the boxes and the image of each box from 0, checked, as the fields are."""
        self._expect_ranges()
        images, boxes = self.check_tensors(input, 2)
        if images.ndim != 4 or boxes.ndim != 2 or boxes.shape[1] != 5:
            raise self.error(f'expected images (N, C, h, w) and boxes (R, 5), got {images.shape} and {boxes.shape}')
        if not np.isfinite(boxes).all():
            raise self.error('expected boxes of finite numbers')
        return images, boxes, self.zero_based(boxes[:, 0], len(images), 'number of an image')

    def setSpatialScale(self, scale: float) -> 'ROIPooling':
        """Set `spatial_scale`."""
        self.spatial_scale = scale
        return self

    def _cells(self, first: int, last: int, count: int, size: int) -> list[tuple[int, int]]:
        """Where the `count` cells of a box from pixel `first` to `last` begin and end, within `size` pixels."""
        cell = np.float32(max(last - first + 1, 1)) / np.float32(count)
        begin, end = (_round, _round) if self.v2 else (math.floor, math.ceil)
        edges = [(int(begin(np.float32(i) * cell)), int(end(np.float32(i + 1) * cell))) for i in range(count)]
        return [(min(max(a + first, 0), size), min(max(b + first, 0), size)) for a, b in edges]

    def updateOutput(self, input: list) -> np.ndarray:
        images, boxes, numbers = self._parts(input)
        _, planes, height, width = images.shape
        output = self.buffer('output', (len(boxes), planes, self.H, self.W))
        output.fill(0)
        self._places = np.full(output.shape, -1)
        for r, box in enumerate(boxes):
            x1, y1, x2, y2 = (int(_round((edge - 1) * self.spatial_scale)) for edge in box[1:])
            rows = self._cells(y1, y2 - self.v2, self.H, height)
            columns = self._cells(x1, x2 - self.v2, self.W, width)
            for i, (top, bottom) in enumerate(rows):
                for j, (left, right) in enumerate(columns):
                    if top < bottom and left < right:
                        cell = images[numbers[r], :, top:bottom, left:right].reshape(planes, -1)
                        best = cell.argmax(1)
                        output[r, :, i, j] = cell[np.arange(planes), best]
                        row, column = np.divmod(best, right - left)
                        self._places[r, :, i, j] = (top + row) * width + left + column
        return output

    def updateGradInput(self, input: list, gradOutput: np.ndarray) -> list:
        images, boxes, numbers = self._parts(input)
        gradOutput = self.check(gradOutput, 'gradOutput', (len(boxes), images.shape[1], self.H, self.W))
        if np.shape(self._places) != gradOutput.shape:
            raise self.error('expected forward of this input first')
        self.zeros_table('gradInput', [images, boxes])
        planes = self.gradInput[0].reshape(*images.shape[:2], -1)
        numbers = np.broadcast_to(numbers[:, None, None, None], self._places.shape)
        channels = np.broadcast_to(np.arange(images.shape[1])[:, None, None], self._places.shape)
        some = self._places >= 0
        np.add.at(planes, (numbers[some], channels[some], self._places[some]), gradOutput[some])
        return self.gradInput

    def to_file(self, fields: dict[str, Any]) -> None:
        """Torch7's table of places."""
        tensor_fields(self, fields, 'indices')

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        for name in ('indices', 'gradInput_boxes', 'gradInput_rois'):
            fields.pop(name, None)


def _round(value: Any) -> float:
    """The nearest whole number, halves away from 0, as in C."""
    return math.copysign(math.floor(abs(value) + 0.5), value)
