"""Poolings with windows at regular distances, over time, space and volume, and the unpoolings that undo them.

Torch7 manual: convolution.md
"""

import functools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, Self

import numpy as np

from .module import Module
from .planes import JOINT, Planes, Stage, flat_steps, flat_windows, outer_sum, phases_of, regular_stages
from .tensors import describe
from .windows import BUDGET, Sizes, chunks, output_sizes, times

__all__ = [
    'SpatialAveragePooling',
    'SpatialDilatedMaxPooling',
    'SpatialMaxPooling',
    'SpatialMaxUnpooling',
    'TemporalMaxPooling',
    'VolumetricAveragePooling',
    'VolumetricDilatedMaxPooling',
    'VolumetricMaxPooling',
    'VolumetricMaxUnpooling',
]

LONG = np.dtype(np.int64)
BOOL = np.dtype(bool)
CODES = np.dtype(np.uint8), np.dtype(np.uint32)
SIZES = {'T': 'time', 'H': 'height', 'W': 'width'}


class Geometry(NamedTuple):
    """The sizes of windows over an input of `sizes`, of which there are `counts`."""

    sizes: Sizes
    counts: Sizes
    kernel: Sizes
    stride: Sizes
    pad: Sizes
    dilation: Sizes


class Plan(NamedTuple):
    """How inputs of one size are pooled.

    Attributes
    ----------
    how
        the stages, or for max pooling by `Phases` the geometry
    table
        max pooling: an index for every code
    starts
        max pooling: what is added to indices that are not for code 0, or None
    divisor
        average pooling: what the sum of each window is divided by
    """

    geometry: Geometry
    counts: Sizes
    how: list[Stage] | Geometry
    table: np.ndarray | None = None
    starts: np.ndarray | None = None
    divisor: np.ndarray | None = None


class Pooling(Planes):
    """The base of poolings with windows at regular distances."""

    ceil_mode = False

    def __init_subclass__(cls):
        super().__init_subclass__()
        cls.fields = [name + axis for name in ('k', 'd', 'pad', 'dilation') for axis in cls.axes]
        cls.fields += ['ceil_mode', 'count_include_pad', 'divide']

    def configure(self, kernel: tuple, stride: tuple, pad: tuple) -> None:
        """Set the fields from arguments in Torch7's order; a stride of None is the kernel's."""
        self.set_sizes('k', *kernel)
        self.set_sizes('d', *(k if d is None else d for k, d in zip(kernel, stride, strict=True)))
        self.set_sizes('pad', *pad)
        self.ceil_mode = False

    def ceil(self) -> Self:
        """Round the output's size up: the last window may reach beyond the input."""
        self.ceil_mode = True
        return self

    def floor(self) -> Self:
        """Round the output's size down (the default)."""
        self.ceil_mode = False
        return self

    def plan(self, sizes: Sizes) -> Plan:
        """How inputs of `sizes` are worked off: checked, and the same object as long as no field is changed."""
        own = self.__dict__
        key = sizes, [own.get(name) for name in self.fields]
        known = own.get('_plan')
        if known is None or known[0] != key:
            known = self._plan = key, self.new_plan(sizes)
        return known[1]

    def new_plan(self, sizes: Sizes) -> Plan:
        """`plan` made anew."""
        kernel, stride, pad, dilation = self.sizes('k'), self.sizes('d'), self.sizes('pad'), self.sizes('dilation', 1)
        if any(p > k // 2 for k, p in zip(kernel, pad, strict=True)):
            raise self.error(f'pad of at most half the kernel {times(kernel)} needed, got {times(pad)}')
        counts = output_sizes(sizes, kernel, stride, pad, dilation, self.ceil_mode, self.error)
        geometry = Geometry(sizes, counts, kernel, stride, pad, dilation)
        return Plan(geometry, counts, *self.details(geometry))

    def details(self, geometry: Geometry) -> tuple:
        """The rest of a `Plan`."""
        raise self.error('details(geometry) needed in every Pooling layer', TypeError)

    def __str__(self) -> str:
        text = f'{self.typename}({self.listed("k", "x")}, {self.listed("d")}'
        if any(self.sizes('pad')):
            text += ', ' + self.listed('pad')
        if hasattr(self, 'dilationW'):
            text += ', ' + self.listed('dilation')
        return text + ')'


def keep_larger(
    value: np.ndarray, best: np.ndarray, code: int | np.ndarray, codes: np.ndarray, larger: np.ndarray, step: np.ndarray
) -> None:
    """Where `value` is larger than `best`, take it, and take `code` into `codes`; codes grow from tap to tap.

    `larger` and `step` are scratch of one byte, and of the dtype of codes.
    """
    np.greater(value, best, out=larger)
    np.fmax(value, best, out=best)
    np.multiply(larger.view(np.uint8), step.dtype.type(code) if isinstance(code, int) else code, out=step)
    np.maximum(codes, step, out=codes)


class MaxPooling(Planes):
    """What all max poolings do. NaN is never the largest; of equal ones the first in the order of the memory is.

    While at work, the place of the largest element in its window is a small number, `code`: from 1 in the order of the
    memory, and 0 where there is none: all elements are -inf or NaN, or the window, after ``ceil()``, lies beyond the
    input. The output is then the least finite number, as in Torch7. ``indices`` tells the place by each class's own
    convention.
    """

    cleared = (*Module.cleared, 'indices')

    def __init__(self):
        super().__init__()
        self.indices = np.empty(0, np.int64)

    def known_indices(self, shape: tuple[int, ...]) -> np.ndarray:
        """``indices``, which must be of the last forward, with output of `shape`."""
        if self.indices is None or self.indices.shape != shape:
            raise self.error(
                f'forward of the same input needed first: indices of shape {shape} needed, got {describe(self.indices)}'
            )
        return self.indices

    def largest(self, x: np.ndarray, stages: list[Stage], y: np.ndarray) -> np.ndarray:
        """Write the largest elements of all windows of x to y; the result is their codes."""
        dtype = CODES[math.prod([len(stage.taps) for stage in stages]) > 255]
        codes, inner, least = None, 1, np.finfo(y.dtype).min
        for i, stage in enumerate(stages, 1):
            shape = (len(x), *stage.shape, *y.shape[1 + len(self.axes) :])
            best = y if i == len(stages) else self.scratch(f'_best{i}', shape)
            code = self.scratch(f'_code{i}', shape, dtype)
            larger, step = self.scratch('_larger', shape, BOOL), self.scratch('_step', shape, dtype)
            value = self.scratch('_value', shape) if stage.strided else None
            if not (begun := stage.taps[0][0] is None):
                best.fill(least)
                code.fill(0)
            for place, (to, of) in enumerate(stage.taps):
                v = x[of]
                if begun and place == 0:
                    np.fmax(v, least, out=best)  # not nan
                    np.copyto(code, np.greater(best, least, out=larger) if codes is None else codes[of])
                    continue
                b, m, c, s = best, larger, code, step
                if to is not None:
                    b, m, c, s = b[to], m[to], c[to], s[to]
                if stage.strided:  # one walk through memory instead of two
                    part = value if to is None else value[to]
                    np.copyto(part, v)
                    v = part
                if codes is None:
                    keep_larger(v, b, place + 1, c, m, s)
                else:
                    keep_larger(v, b, np.add(codes[of], dtype.type(place * inner), out=s), c, m, s)
            x, codes, inner = best, code, inner * len(stage.taps)
        return codes

    def largest_by_phases(self, x: np.ndarray, geometry: Geometry, y: np.ndarray) -> np.ndarray:
        """As `largest`, by `Phases`."""
        extent, parts, shifts = phases_of(*geometry)
        rest = y.shape[1 + len(extent) :]
        lengths = [1 + max(phase for phase, _ in axis) for axis in shifts]
        phases = self.scratch('_phases', (*lengths, len(x), *extent, *rest))
        least = np.finfo(y.dtype).min
        phases.fill(least)
        for to, of in parts:
            np.fmax(x[of], least, out=phases[to])  # not nan
        dtype = CODES[math.prod(geometry.kernel) > 255]
        best, codes, inner, planes = phases.reshape(*lengths, -1), None, 1, math.prod(rest)
        for i, axis in reversed(list(enumerate(shifts))):
            of, shape = best, best.shape[:i] + best.shape[-1:]
            best, code_of, codes = self.scratch(f'_best{i}', shape), codes, self.scratch(f'_code{i}', shape, dtype)
            larger, step = self.scratch('_larger', shape, BOOL), self.scratch('_step', shape, dtype)
            for place, (phase, shift) in enumerate(axis):
                on, end = (..., phase, slice(shift * planes, None)), (..., slice(best.shape[-1] - shift * planes))
                v, b, m, c, s = of[on], best[end], larger[end], codes[end], step[end]
                if place == 0:
                    np.copyto(b, v)
                    np.copyto(c, 0 if code_of is None else code_of[on])
                    continue
                if code_of is None:
                    keep_larger(v, b, place, c, m, s)
                else:
                    keep_larger(v, b, np.add(code_of[on], dtype.type(place * inner), out=s), c, m, s)
            inner *= len(axis)
        inside = (slice(None), *map(slice, geometry.counts))
        np.copyto(y, best.reshape(len(x), *extent, *rest)[inside])
        code = np.add(codes.reshape(len(x), *extent, *rest)[inside], dtype.type(1))
        if y.min(initial=0) == least:
            code[y == least] = 0
        return code

    def pool(
        self, x: np.ndarray, y: np.ndarray, stages: Callable[[slice], list[Stage] | Geometry]
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Fill y, by stages or, given a geometry, by phases; gives slices of the rows and the codes of these rows,
        which the next ones overwrite."""
        for part in chunks(len(x), x.itemsize * math.prod(x.shape[1:]), BUDGET):
            how = stages(part)
            pool = self.largest_by_phases if isinstance(how, Geometry) else self.largest
            yield part, pool(x[part], how, y[part])

    def scatter(self, g: np.ndarray, dx: np.ndarray, places: Callable[[slice], np.ndarray]) -> None:
        """dx = 0 but for g added at `places`, flat in the row and from 1; 0 where there is none."""
        size = math.prod(dx.shape[1:])
        for part in chunks(len(dx), size * dx.itemsize, BUDGET):
            rows, g_part, at = dx[part], g[part], places(part)
            rows.fill(0)
            first = np.arange(-1, len(at) * size - 1, size).reshape(-1, *(1,) * (at.ndim - 1))
            flat = np.add(at, first, out=self.scratch('_flat', at.shape, LONG))
            if not at.min(initial=1):
                flat, g_part = flat[at > 0], g_part[at > 0]
            np.add.at(rows.reshape(-1), flat.reshape(-1), g_part.reshape(-1))


class RegularMaxPooling(MaxPooling, Pooling):
    """The base of max poolings with windows at regular distances. ``indices`` are flat in the plane and from 1, and 0
    where nothing is larger than -inf."""

    short = False  # as in `taps`

    def details(self, geometry: Geometry) -> tuple:
        cut = self.short and any(p > 1 < d for p, d in zip(geometry.pad, geometry.dilation, strict=True))
        by_stages = cut or math.prod(geometry.kernel) <= JOINT
        return regular_stages(*geometry, self.short) if by_stages else geometry, *self.table(geometry)

    def table(self, geometry: Geometry) -> tuple[np.ndarray, np.ndarray | None]:
        """(table, starts) of the `Plan`."""
        return flat_windows(*geometry)

    def places(self, indices: np.ndarray, geometry: Geometry) -> np.ndarray:
        """Rows of ``indices`` as `scatter` needs them: flat in the row, from 1, and 0 for none."""
        return indices

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        sizes = self.image(input)
        plan = self.plan(sizes)
        y = self.result('output', input, plan.counts)
        indices = self.result('indices', input, plan.counts, LONG)
        for part, codes in self.pool(self.split(input), y, lambda part: plan.how):
            at = plan.table.take(codes, out=indices[part], mode='clip')
            if plan.starts is not None:
                at += plan.starts
                if not codes.min(initial=1):
                    at[codes == 0] = 0
        for axis, size in zip(self.axes, sizes, strict=True):
            setattr(self, 'i' + SIZES[axis], size)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if self.gradInput is None:
            return None
        sizes = self.image(input)
        plan = self.plan(sizes)
        g = self.gradients(gradOutput, input, plan.counts)
        indices = self.split(self.known_indices(gradOutput.shape))
        dx = self.result('gradInput', input, sizes)
        self.scatter(g, dx, lambda part: self.places(indices[part], plan.geometry))
        return self.gradInput


class TemporalMaxPooling(RegularMaxPooling):
    """The largest of every kW frames, dW apart (kW by default): (N, T, planes) -> (N, (T - kW) / dW + 1, planes).

    ``indices``: the frame in the window, from 0, and -1 where nothing is larger than -inf.

    Torch7 manual: convolution.md#nn.TemporalMaxPooling

    >>> import numpy as np, t7nn as nn
    >>> nn.TemporalMaxPooling(2).forward(np.array([[1.0], [3], [2], [0]])).tolist()
    [[3.0], [2.0]]
    """

    axes = order = 'W'
    frames = True

    def __init__(self, kW: int, dW: int | None = None):
        super().__init__()
        self.configure((kW,), (dW,), (0,))

    def table(self, geometry):
        return np.arange(-1, self.kW), None

    def places(self, indices, geometry):
        planes = indices.shape[-1]
        frames = indices + np.arange(*geometry.counts)[:, None] * self.dW
        return np.where(indices < 0, 0, frames * planes + np.arange(1, planes + 1))

    __str__ = Module.__str__


class SpatialMaxPooling(RegularMaxPooling):
    """The largest element of every kW x kH window, dW x dH apart (kW x kH by default).

    (N, planes, H, W) -> (N, planes, oH, oW), without N for one image, where
    oW = floor((W + 2 padW - kW) / dW) + 1, or rounded up after ``ceil()``. Pads are at most half the kernel.

    ``indices``: the place of each in its plane, flat and from 1.

    Torch7 manual: convolution.md#nn.SpatialMaxPooling

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialMaxPooling(2, 2).forward(np.arange(12.0).reshape(1, 2, 6)).tolist()
    [[[7.0, 9.0, 11.0]]]
    """

    def __init__(self, kW: int, kH: int, dW: int | None = None, dH: int | None = None, padW: int = 0, padH: int = 0):
        super().__init__()
        self.configure((kW, kH), (dW, dH), (padW, padH))


class SpatialDilatedMaxPooling(SpatialMaxPooling):
    """`SpatialMaxPooling` over elements dilationW x dilationH apart: a window spans dilationW (kW - 1) + 1.

    Torch7 manual: convolution.md#nn.SpatialDilatedMaxPooling
    """

    def __init__(
        self,
        kW: int,
        kH: int,
        dW: int | None = None,
        dH: int | None = None,
        padW: int = 0,
        padH: int = 0,
        dilationW: int = 1,
        dilationH: int = 1,
    ):
        super().__init__(kW, kH, dW, dH, padW, padH)
        self.set_sizes('dilation', dilationW, dilationH)


class VolumetricMaxPooling(RegularMaxPooling):
    """The largest element of every kT x kW x kH window: (N, planes, T, H, W) -> (N, planes, oT, oH, oW).

    As `SpatialMaxPooling`, with time. ``indices``: the place of each in its window, t + 256 h + 65536 w, all from 0 and
    below 255; 255 in each where nothing is larger than -inf.

    Torch7 manual: convolution.md#nn.VolumetricMaxPooling
    """

    axes = 'THW'
    order = 'TWH'
    short = True

    def __init__(
        self,
        kT: int,
        kW: int,
        kH: int,
        dT: int | None = None,
        dW: int | None = None,
        dH: int | None = None,
        padT: int = 0,
        padW: int = 0,
        padH: int = 0,
    ):
        super().__init__()
        self.configure((kT, kW, kH), (dT, dW, dH), (padT, padW, padH))

    def table(self, geometry):
        kernel = geometry.kernel
        if max(kernel) > 255:
            raise self.error(f'kernel of at most 255x255x255 needed, got {times(kernel)}')
        return np.append(
            0xFFFFFF, outer_sum([np.arange(k) << shift for k, shift in zip(kernel, (0, 8, 16), strict=True)])
        ), None

    def places(self, indices, geometry):
        places = np.broadcast_to(flat_windows(*geometry)[1], indices.shape).copy()
        for shift, d, step in zip((0, 8, 16), geometry.dilation, flat_steps(geometry.sizes), strict=True):
            places += (indices >> shift & 255) * (d * step)
        return np.where(indices & 0xFFFFFF == 0xFFFFFF, 0, places)


class VolumetricDilatedMaxPooling(VolumetricMaxPooling):
    """`VolumetricMaxPooling` over elements dilationT x dilationW x dilationH apart.

    Torch7 manual: convolution.md#nn.VolumetricDilatedMaxPooling
    """

    def __init__(
        self,
        kT: int,
        kW: int,
        kH: int,
        dT: int | None = None,
        dW: int | None = None,
        dH: int | None = None,
        padT: int = 0,
        padW: int = 0,
        padH: int = 0,
        dilationT: int = 1,
        dilationW: int = 1,
        dilationH: int = 1,
    ):
        super().__init__(kT, kW, kH, dT, dW, dH, padT, padW, padH)
        self.set_sizes('dilation', dilationT, dilationW, dilationH)


class AveragePooling(Pooling):
    """The base of average poolings."""

    count_include_pad = True
    divide = True

    def details(self, geometry):
        sizes, counts, kernel, stride, pad, _ = geometry
        lengths = []
        for size, count, k, d, p in zip(sizes, counts, kernel, stride, pad, strict=True):
            start = np.arange(count) * d - p
            end = np.minimum(start + k, size + p)
            lengths.append(end - start if self.count_include_pad else np.minimum(end, size) - np.maximum(start, 0))
        elements = functools.reduce(np.multiply.outer, lengths).astype(self.dtype)
        if not self.divide:
            elements /= math.prod(kernel)
        uniform = (elements == elements.flat[0]).all()
        return regular_stages(*geometry), None, None, elements.reshape(-1)[0] if uniform else elements

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        x, plan = self.rows(input), self.plan(self.image(input))
        y = self.result('output', input, plan.counts)
        for part in chunks(len(x), math.prod(x.shape[1:]) * x.itemsize, BUDGET):
            self.sum_windows(x[part], plan.how, y[part])
            with np.errstate(invalid='ignore', divide='ignore'):  # a window beyond the input after ceil(): 0 / 0
                y[part] /= plan.divisor
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if self.gradInput is None:
            return None
        sizes = self.image(input)
        plan = self.plan(sizes)
        g, dx = self.gradients(gradOutput, input, plan.counts), self.result('gradInput', input, sizes)
        for part in chunks(len(dx), math.prod(dx.shape[1:]) * dx.itemsize, BUDGET):
            with np.errstate(invalid='ignore', divide='ignore'):
                each = np.divide(g[part], plan.divisor, out=self.scratch('_each', g[part].shape))
            self.spread_windows(each, plan.how, dx[part])
        return self.gradInput


class SpatialAveragePooling(AveragePooling):
    """The mean of every kW x kH window, dW x dH apart (1 by default): (N, planes, H, W) -> (N, planes, oH, oW).

    Sizes as in `SpatialMaxPooling`. Padding counts as zeros, unless ``setCountExcludePad()``; what is beyond it, after
    ``ceil()``, never counts. With the field ``divide`` False the sum instead of the mean of a full window.

    Torch7 manual: convolution.md#nn.SpatialAveragePooling

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialAveragePooling(2, 1).forward(np.array([[[1.0, 3, 6]]])).tolist()
    [[[2.0, 4.5]]]
    """

    def __init__(self, kW: int, kH: int, dW: int = 1, dH: int = 1, padW: int = 0, padH: int = 0):
        super().__init__()
        self.configure((kW, kH), (dW, dH), (padW, padH))
        self.count_include_pad = True
        self.divide = True

    def setCountIncludePad(self) -> Self:
        """Let padding count in the mean, as zeros (the default)."""
        self.count_include_pad = True
        return self

    def setCountExcludePad(self) -> Self:
        """Take the mean of the elements that are not padding."""
        self.count_include_pad = False
        return self


class VolumetricAveragePooling(AveragePooling):
    """The mean of every kT x kW x kH window, its own size apart by default: (N, planes, T, H, W) -> (N, planes, oT, oH,
    oW).

    Torch7 manual: convolution.md#nn.VolumetricAveragePooling
    """

    axes = 'THW'
    order = 'TWH'

    def __init__(self, kT: int, kW: int, kH: int, dT: int | None = None, dW: int | None = None, dH: int | None = None):
        super().__init__()
        self.configure((kT, kW, kH), (dT, dW, dH), (0, 0, 0))
        self.count_include_pad = True


class MaxUnpooling(Planes):
    """The base of unpoolings: every element goes back to where its pooling module found it, all others are 0."""

    cleared = (*Planes.cleared, 'indices')
    pooled: type[RegularMaxPooling]

    def __init__(self, poolingModule: RegularMaxPooling):
        super().__init__()
        if type(poolingModule) is not self.pooled:
            raise TypeError(f'{self.typename}: a {self.pooled.typename} module needed, got {poolingModule}')
        if poolingModule.sizes('k') != poolingModule.sizes('d'):
            raise ValueError(f'{self.typename}: a pooling whose stride is its kernel needed, got {poolingModule}')
        self.pooling = poolingModule

    def setParams(self) -> None:
        """Take over what the pooling module found: its ``indices``, and the sizes of its input."""
        self.indices = self.pooling.indices
        for axis in self.axes:
            setattr(self, 'o' + SIZES[axis], getattr(self.pooling, 'i' + SIZES[axis], 0))

    def places(self, input: np.ndarray) -> tuple[tuple[int, ...], np.ndarray]:
        """The sizes of the pooling's input, and where in all its planes, flat, each element of `input` goes."""
        self.image(input)
        self.setParams()
        if self.indices.shape != input.shape:
            raise self.error(f'input of the shape of the pooling, {self.indices.shape}, needed, got {describe(input)}')
        sizes = tuple(getattr(self, 'o' + SIZES[axis]) for axis in self.axes)
        at = self.pooling.places(self.split(self.indices), self.pooling.plan(sizes).geometry)
        size = math.prod(sizes)
        if at.min(initial=1) < 1 or at.max(initial=1) > size:
            raise self.error(f'found an invalid max index (output volumes are of size {times(sizes)})')
        return sizes, at + (np.arange(len(at)) * size - 1).reshape(-1, *(1,) * len(sizes))

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        sizes, at = self.places(input)
        y = self.result('output', input, sizes)
        y.fill(0)
        y.reshape(-1)[at] = self.split(input)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        sizes, at = self.places(input)
        g = self.gradients(gradOutput, input, sizes)
        g.reshape(-1).take(at, out=self.result('gradInput', input, at.shape[1:]), mode='clip')
        return self.gradInput

    def __str__(self) -> str:
        return f'{self.typename} associated to {self.pooling}'


class SpatialMaxUnpooling(MaxUnpooling):
    """Undoes a `SpatialMaxPooling` whose stride is its kernel: each element goes back to where the pooling module found
    it in its last forward, all others are 0.

    Torch7 manual: convolution.md#nn.SpatialMaxUnpooling

    >>> import numpy as np, t7nn as nn
    >>> pool = nn.SpatialMaxPooling(2, 1)
    >>> net = nn.Sequential().add(pool).add(nn.SpatialMaxUnpooling(pool))
    >>> net.forward(np.array([[[1.0, 3, 4, 2]]])).tolist()
    [[[0.0, 3.0, 4.0, 0.0]]]
    """

    pooled = SpatialMaxPooling


class VolumetricMaxUnpooling(MaxUnpooling):
    """Undoes a `VolumetricMaxPooling` whose stride is its kernel, as `SpatialMaxUnpooling` does.

    Torch7 manual: convolution.md#nn.VolumetricMaxUnpooling
    """

    axes = 'THW'
    order = 'TWH'
    pooled = VolumetricMaxPooling
