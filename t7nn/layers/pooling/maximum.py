"""Max pooling over time, space and volume: with regular windows, with windows drawn at random, and the k largest.

Torch7 manual: convolution.md
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import numpy as np

from ... import random
from ...module import Module
from ...tensors import describe, silent
from .._planes import JOINT, Planes, Stage, flat_steps, flat_windows, outer_sum, phases_of, regular_stages
from .._windows import Sizes, chunks, times
from .base import BOOL, CODES, LONG, SIZES, Geometry, Pooling

__all__ = [
    'SpatialDilatedMaxPooling',
    'SpatialFractionalMaxPooling',
    'SpatialMaxPooling',
    'TemporalDynamicKMaxPooling',
    'TemporalMaxPooling',
    'VolumetricDilatedMaxPooling',
    'VolumetricFractionalMaxPooling',
    'VolumetricMaxPooling',
]


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

    The idea, for windows of one axis: ``windows(x, (k,), (d,)).argmax(-2)`` with x[isnan(x)] = -inf. Here the taps are
    compared one after the other, and the position of the largest in its window is kept as a small number, its `code`:
    from 1 in the order of the memory, and 0 where there is none: all elements are -inf or NaN, or the window, after
    ``ceil()``, lies beyond the input. The output is then the least finite number, as in Torch7. This takes a fifth of
    the time of argmax. ``indices`` tells the position by each class's own convention.
    """

    cleared = (*Module.cleared, 'indices')
    indices: np.ndarray | None

    def __init__(self):
        super().__init__()
        self.indices = np.empty(0, np.int64)

    def known_indices(self, shape: tuple[int, ...]) -> np.ndarray:
        """``indices``, which must be of the last forward, with output of `shape`."""
        indices = self.indices
        if type(indices) is not np.ndarray or indices.shape != shape or indices.dtype != LONG:
            raise self.error(
                f'expected forward of the same input first: indices of {LONG} and shape {shape}, '
                f'got {describe(indices)}{f" of {indices.dtype}" if isinstance(indices, np.ndarray) else ""}'
            )
        return indices

    def largest(self, x: np.ndarray, stages: list[Stage], y: np.ndarray) -> np.ndarray:
        """Write the largest elements of all windows of x to y; the result is their codes."""
        dtype = CODES[math.prod([len(stage.taps) for stage in stages]) > 255]
        codes: Any = None  # of the stage before
        inner, least = 1, np.finfo(y.dtype).min
        for i, stage in enumerate(stages, 1):
            shape = (len(x), *stage.shape, *y.shape[1 + len(self.axes) :])
            best = y if i == len(stages) else self.scratch(f'_best{i}', shape)
            code = self.scratch(f'_code{i}', shape, dtype)
            larger, step = self.scratch('_larger', shape, BOOL), self.scratch('_step', shape, dtype)
            value = self.scratch('_value', shape if stage.strided else (0,))
            if not (begun := stage.taps[0][0] is None):
                best.fill(least)
                code.fill(0)
            for position, (to, of) in enumerate(stage.taps):
                v = x[of]
                if begun and position == 0:
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
                    keep_larger(v, b, position + 1, c, m, s)
                else:
                    keep_larger(v, b, np.add(codes[of], dtype.type(position * inner), out=s), c, m, s)
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
        codes: Any = None
        best: Any = phases.reshape(*lengths, -1)
        inner, planes = 1, math.prod(rest)
        for i, axis in reversed(list(enumerate(shifts))):
            of, shape = best, best.shape[:i] + best.shape[-1:]
            best, code_of, codes = self.scratch(f'_best{i}', shape), codes, self.scratch(f'_code{i}', shape, dtype)
            larger, step = self.scratch('_larger', shape, BOOL), self.scratch('_step', shape, dtype)
            for position, (phase, shift) in enumerate(axis):
                on, end = (..., phase, slice(shift * planes, None)), (..., slice(best.shape[-1] - shift * planes))
                v, b, m, c, s = of[on], best[end], larger[end], codes[end], step[end]
                if position == 0:
                    np.copyto(b, v)
                    np.copyto(c, 0 if code_of is None else code_of[on])
                    continue
                if code_of is None:
                    keep_larger(v, b, position, c, m, s)
                else:
                    keep_larger(v, b, np.add(code_of[on], dtype.type(position * inner), out=s), c, m, s)
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
        """Fill y, by stages or, given a geometry, by phases; gives slices of the planes and the codes of these planes,
        which the next ones overwrite."""
        for part in chunks(len(x), x.itemsize * math.prod(x.shape[1:])):
            how = stages(part)
            if isinstance(how, Geometry):
                yield part, self.largest_by_phases(x[part], how, y[part])
            else:
                yield part, self.largest(x[part], how, y[part])

    @silent
    def scatter(self, g: np.ndarray, dx: np.ndarray, positions_of: Callable[[slice], np.ndarray]) -> None:
        """dx = 0 but for g added at the positions, flat in the plane and from 1; 0 where there is none."""
        size = math.prod(dx.shape[1:])
        if not dx.size:
            return
        for part in chunks(len(dx), size * dx.itemsize):
            planes, g_part, positions = dx[part], g[part], positions_of(part)
            if self.indices is not self._buffers.get('indices') and positions.max(initial=0) > size:
                raise self.error(
                    f'expected the indices of the last forward, within 1 to {size}, got {positions.max()}', IndexError
                )
            planes.fill(0)
            first = np.arange(-1, len(positions) * size - 1, size).reshape(-1, *(1,) * (positions.ndim - 1))
            flat = np.add(positions, first, out=self.scratch('_flat', positions.shape, LONG))
            if not positions.min(initial=1) >= 1:
                flat, g_part = flat[positions > 0], g_part[positions > 0]
            np.add.at(planes.reshape(-1), flat.reshape(-1), g_part.reshape(-1))


class Plan(NamedTuple):
    """How the maxima of inputs of one size are found.

    Attributes
    ----------
    how
        the stages, or the geometry where it is done by `Phases`
    offsets
        what the index of an element is from the start of its window, for every code
    starts
        the index of the start of each window, or None where indices are relative to it
    """

    geometry: Geometry
    counts: tuple[int, ...]
    how: list[Stage] | Geometry
    offsets: np.ndarray
    starts: np.ndarray | None


class RegularMaxPooling(MaxPooling, Pooling):
    """The base of max poolings with windows at regular distances. ``indices`` are flat in the plane and from 1, and 0
    where nothing is larger than -inf."""

    #: as in `taps`
    short = False

    def details(self, geometry: Geometry) -> Plan:
        cut = self.short and any(p > 1 < d for p, d in zip(geometry.pad, geometry.dilation, strict=True))
        by_stages = cut or math.prod(geometry.kernel) <= JOINT
        how = regular_stages(*geometry, self.short) if by_stages else geometry
        return Plan(geometry, geometry.counts, how, *self.index_table(geometry))

    def index_table(self, geometry: Geometry) -> tuple[np.ndarray, np.ndarray | None]:
        """(offsets, starts) of the `Plan`."""
        return flat_windows(*geometry)

    def positions(self, indices: np.ndarray, geometry: Geometry) -> np.ndarray:
        """Planes of ``indices`` as `scatter` needs them: flat in the plane, from 1, and 0 for none."""
        return indices

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.images(input)
        sizes = self.sizes_of(input)
        plan = self.plan(sizes)
        y = self.result('output', input, plan.counts)
        indices = self.result('indices', input, plan.counts, LONG)
        for part, codes in self.pool(self.planes(input), y, lambda part: plan.how):
            index = plan.offsets.take(codes, out=indices[part], mode='clip')
            if plan.starts is not None:
                index += plan.starts
                if not codes.min(initial=1):
                    index[codes == 0] = 0
        for axis, size in zip(self.axes, sizes, strict=True):
            setattr(self, 'i' + SIZES[axis], size)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray | None:
        if self.gradInput is None:
            return None
        input = self.images(input)
        sizes = self.sizes_of(input)
        plan = self.plan(sizes)
        g = self.gradients(gradOutput, input, plan.counts)
        indices = self.planes(self.known_indices(self.shape(input, plan.counts)))
        dx = self.result('gradInput', input, sizes)
        self.scatter(g, dx, lambda part: self.positions(indices[part], plan.geometry))
        return self.gradInput


class TemporalMaxPooling(RegularMaxPooling):
    """The largest of every kW frames: (N, T, planes) -> (N, (T - kW) / dW + 1, planes), the quotient rounded down.

    Parameters
    ----------
    kW
        the window, in frames, at least 1
    dW
        the stride in frames, by default kW

    ``indices``: the frame in the window, from 0, and -1 where nothing is larger than -inf.

    Torch7 manual: convolution.md#nn.TemporalMaxPooling

    >>> import numpy as np, t7nn as nn
    >>> nn.TemporalMaxPooling(2).forward(np.array([[1.0], [3], [2], [0]])).tolist()
    [[3.0], [2.0]]
    """

    axes = order = 'W'
    frames = True
    kW: int
    dW: int
    padW: int
    iwidth: int | None = None

    def __init__(self, kW: int, dW: int | None = None):
        super().__init__()
        self.configure((kW,), (dW,), (0,))

    def index_table(self, geometry):
        return np.arange(-1, *geometry.kernel), None

    def positions(self, indices, geometry):
        planes = indices.shape[-1]
        frames = indices + np.arange(*geometry.counts)[:, None] * geometry.stride
        return np.where(indices < 0, 0, frames * planes + np.arange(1, planes + 1))

    __str__ = Module.__str__


class SpatialMaxPooling(RegularMaxPooling):
    """The largest element of every kW x kH window.

    (N, planes, H, W) -> (N, planes, oH, oW), without N for one image, where
    oW = floor((W + 2 padW - kW) / dW) + 1, or rounded up after ``ceil()``.

    Parameters
    ----------
    kW, kH
        the window, in elements, at least 1
    dW, dH
        the stride, by default the window's size
    padW, padH
        a border on both sides that is never the largest, at most half the kernel

    ``indices``: the position of each in its plane, flat and from 1.

    Torch7 manual: convolution.md#nn.SpatialMaxPooling

    >>> import numpy as np, t7nn as nn
    >>> nn.SpatialMaxPooling(2, 2).forward(np.arange(12.0).reshape(1, 2, 6)).tolist()
    [[[7.0, 9.0, 11.0]]]
    """

    kW: int
    kH: int
    dW: int
    dH: int
    padW: int
    padH: int
    iheight: int | None = None
    iwidth: int | None = None

    def __init__(self, kW: int, kH: int, dW: int | None = None, dH: int | None = None, padW: int = 0, padH: int = 0):
        super().__init__()
        self.configure((kW, kH), (dW, dH), (padW, padH))


class SpatialDilatedMaxPooling(SpatialMaxPooling):
    """`SpatialMaxPooling` over elements dilationW x dilationH apart: a window spans dilationW (kW - 1) + 1.

    Parameters
    ----------
    kW, kH, dW, dH, padW, padH
        as in `SpatialMaxPooling`
    dilationW, dilationH
        distances of at least 1

    Torch7 manual: convolution.md#nn.SpatialDilatedMaxPooling
    """

    dilationW: int = 1
    dilationH: int = 1

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

    As `SpatialMaxPooling`, with time.

    Parameters
    ----------
    kT, kW, kH
        the window, in elements, 1 to 255
    dT, dW, dH
        the stride, by default the window's size
    padT, padW, padH
        a border on both sides that is never the largest, at most half the kernel

    ``indices``: the position of each in its window, t + 256 h + 65536 w, all from 0 and below 255; 255 in each where
    nothing is larger than -inf.

    Torch7 manual: convolution.md#nn.VolumetricMaxPooling
    """

    axes = 'THW'
    order = 'TWH'
    short = True
    kT: int
    kW: int
    kH: int
    dT: int
    dW: int
    dH: int
    padT: int
    padW: int
    padH: int
    itime: int | None = None
    iheight: int | None = None
    iwidth: int | None = None

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

    def index_table(self, geometry):
        kernel = geometry.kernel
        if max(kernel) > 255:
            raise self.error(f'expected kernel of at most 255x255x255, got {times(kernel)}')
        offsets = outer_sum([np.arange(k) << shift for k, shift in zip(kernel, (0, 8, 16), strict=True)])
        return np.append(0xFFFFFF, offsets), None

    def positions(self, indices, geometry):
        found = np.broadcast_to(flat_windows(*geometry)[1], indices.shape).copy()
        for shift, d, step in zip((0, 8, 16), geometry.dilation, flat_steps(geometry.sizes), strict=True):
            found += (indices >> shift & 255) * (d * step)
        return np.where(indices & 0xFFFFFF == 0xFFFFFF, 0, found)


class VolumetricDilatedMaxPooling(VolumetricMaxPooling):
    """`VolumetricMaxPooling` over elements dilationT x dilationW x dilationH apart.

    Parameters
    ----------
    kT, kW, kH, dT, dW, dH, padT, padW, padH
        as in `VolumetricMaxPooling`
    dilationT, dilationW, dilationH
        distances of at least 1

    Torch7 manual: convolution.md#nn.VolumetricDilatedMaxPooling
    """

    dilationT: int = 1
    dilationW: int = 1
    dilationH: int = 1

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


class FractionalMaxPooling(MaxPooling):
    """The base of max poolings with windows of one size at random distances, drawn for every plane and axis.

    Window i of n starts at trunc((i + u) a) - trunc(u a), where u is uniform in 0..1 and a = (size - pool) / (n - 1);
    the last one ends with the input.
    """

    newRandomPool: bool = False
    randomSamples: np.ndarray | None = None

    def configure(self, pool: tuple[int, ...], out: tuple[float, ...]) -> None:
        """Set the fields from arguments in Torch7's order."""
        if min(pool) < 2:
            raise ValueError(f'{self.typename}: expected pool size of at least 2, got {times(pool)}')
        self.set_sizes('poolSize', *pool)
        self.randomSamples = None
        self.newRandomPool = False
        if all(size >= 1 and size % 1 == 0 for size in out):
            self.set_sizes('out', *map(int, out))
        elif all(0 < ratio < 1 for ratio in out):
            self.set_sizes('ratio', *out)
        else:
            raise ValueError(
                f'{self.typename}: expected whole output sizes of at least 1, or ratios within (0, 1), got {out}'
            )

    def fixPoolingRegions(self, val: bool | None = None) -> Self:
        """Keep the regions of the last forward (draw new ones each time with False)."""
        self.newRandomPool = val is None or val
        return self

    def counts(self, sizes: Sizes) -> tuple[int, ...]:
        """The output's sizes, checked."""
        pool = self.sizes('poolSize')
        if getattr(self, 'outW', None) is not None:
            counts = self.sizes('out')
        else:
            ratios = [getattr(self, 'ratio' + axis) for axis in self.axes]
            if not all(ratio is not None and 0 < ratio < 1 for ratio in ratios):
                raise self.error(f'expected ratios within (0, 1), got {ratios}')
            counts = tuple([int(size * ratio) for size, ratio in zip(sizes, ratios, strict=True)])
        if min(counts) < 1:
            raise self.error(
                f'expected an output of at least 1 in each direction, got {times(counts)} of {times(sizes)}'
            )
        if min(pool) < 1 or any(n + k - 1 >= size for n, k, size in zip(counts, pool, sizes, strict=True)):
            raise self.error(
                f'expected input larger than output + pool size - 1, got {times(sizes)} for output {times(counts)} '
                f'and pool size {times(pool)}'
            )
        return counts

    def starts(self, sizes: Sizes, counts: Sizes) -> list[np.ndarray]:
        """Where the windows of each plane start, one array (planes, windows) an axis."""
        samples = self.check(self.randomSamples, 'randomSamples').reshape(-1, len(sizes))
        if not ((samples >= 0) & (samples <= 1)).all():
            raise self.error(f'expected randomSamples within 0..1, got {samples.min()} to {samples.max()}')
        found = []
        for axis, (size, count, pool) in enumerate(zip(sizes, counts, self.sizes('poolSize'), strict=True)):
            u = samples[:, -1 - axis, None]  # drawn in the order of Torch7's arguments
            a = self.dtype.type(size - pool) / self.dtype.type(max(count - 1, 1))
            starts = np.trunc((np.arange(count, dtype=self.dtype) + u) * a) - np.trunc(u * a)
            starts[:, -1] = size - pool
            found.append(starts.astype(LONG))
        return found

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.images(input)
        x = self.planes(input)
        sizes = x.shape[1:]
        counts = self.counts(sizes)
        samples = *(1, *input.shape[: -len(sizes)])[-2:], len(sizes)
        if getattr(self.randomSamples, 'shape', None) != samples or not self.newRandomPool:
            self.randomSamples = random.uniform(out=np.empty(samples, self.dtype))
        starts, pool = self.starts(sizes, counts), self.sizes('poolSize')

        def stages(part: slice) -> list[Stage]:
            found = []
            for axis in reversed(range(len(sizes))):
                shape = (*sizes[:axis], *counts[axis:])
                grid = list(np.ix_(range(part.stop - part.start), *map(range, shape)))
                first = starts[axis][part].reshape(-1, *(1,) * axis, counts[axis], *(1,) * (len(sizes) - axis - 1))
                taps: list[tuple[tuple | None, tuple]] = [
                    (None, (*grid[: 1 + axis], first + i, *grid[2 + axis :])) for i in range(pool[axis])
                ]
                found.append(Stage(shape, taps, False))
            return found

        y = self.result('output', input, counts)
        indices = self.result('indices', input, counts, LONG)
        steps = flat_steps(sizes)
        offsets = outer_sum([np.arange(k) * step for k, step in zip(pool, steps, strict=True)])
        offsets = np.append(0, offsets + 1)
        first = outer_sum([start * step for start, step in zip(starts, steps, strict=True)])
        for part, codes in self.pool(x, y, stages):
            if not codes.min(initial=1):
                self.indices = None
                raise self.error('expected an element larger than -inf in every window, got one without')
            offsets.take(codes, out=indices[part], mode='clip')
            indices[part] += first[part]
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self.images(input)
        sizes = self.sizes_of(input)
        counts = self.counts(sizes)
        g = self.gradients(gradOutput, input, counts)
        indices = self.planes(self.known_indices(self.shape(input, counts)))
        self.scatter(g, self.result('gradInput', input, sizes), lambda part: indices[part])
        return self.gradInput

    def clearState(self) -> Self:
        super().clearState()
        self.indices = self.randomSamples = None
        return self

    def __str__(self) -> str:
        out = 'x'.join(str(getattr(self, 'out' + axis) or 0) for axis in self.order)  # 0 for a ratio, as in Torch7
        return f'{self.typename}({out}, {self.listed("poolSize")})'


class SpatialFractionalMaxPooling(FractionalMaxPooling):
    """The largest element of poolSizeW x poolSizeH windows at random distances: (N, planes, H, W) -> (N, planes, outH,
    outW).

    Each forward draws new windows, unless ``fixPoolingRegions()``. ``indices``: the position in the plane, flat and
    from 1.

    Parameters
    ----------
    poolSizeW, poolSizeH
        the window, in elements, at least 2
    arg1, arg2
        outW and outH, in elements; or, below 1, the ratios of output to input

    Torch7 manual: convolution.md#nn.SpatialFractionalMaxPooling
    """

    poolSizeW: int
    poolSizeH: int
    outW: int | None = None
    outH: int | None = None
    ratioW: float | None = None
    ratioH: float | None = None

    def __init__(self, poolSizeW: int, poolSizeH: int, arg1: float, arg2: float):
        super().__init__()
        self.configure((poolSizeW, poolSizeH), (arg1, arg2))


class VolumetricFractionalMaxPooling(FractionalMaxPooling):
    """`SpatialFractionalMaxPooling` with time, which here is the last axis: (N, planes, H, W, T).

    Parameters
    ----------
    poolSizeT, poolSizeW, poolSizeH
        the window, in elements, at least 2
    arg1, arg2, arg3
        outT, outW and outH, in elements; or, below 1, the ratios of output to input

    Torch7 manual: convolution.md#nn.VolumetricFractionalMaxPooling
    """

    axes = 'HWT'
    order = 'TWH'
    poolSizeT: int
    poolSizeW: int
    poolSizeH: int
    outT: int | None = None
    outW: int | None = None
    outH: int | None = None
    ratioT: float | None = None
    ratioW: float | None = None
    ratioH: float | None = None

    def __init__(self, poolSizeT: int, poolSizeW: int, poolSizeH: int, arg1: float, arg2: float, arg3: float):
        super().__init__()
        self.configure((poolSizeT, poolSizeW, poolSizeH), (arg1, arg2, arg3))


class TemporalDynamicKMaxPooling(Module):
    """The k largest of all frames, in the order in which they come: (N, T, planes) -> (N, k, planes), where
    k = max(minK, ceil(factor T)). ``indices``: their frames, from 1.

    Parameters
    ----------
    minK
        the least k
    factor
        the fraction of all frames, 0 to 1

    Torch7 manual: convolution.md#nn.TemporalDynamicKMaxPooling

    >>> import numpy as np, t7nn as nn
    >>> nn.TemporalDynamicKMaxPooling(2).forward(np.array([[3.0], [1], [2], [4]])).tolist()
    [[3.0], [4.0]]
    """

    cleared = (*Module.cleared, 'indices')
    minK: int
    factor: float
    indices: np.ndarray | None = None

    def __init__(self, minK: int, factor: float = 0):
        super().__init__()
        self.minK, self.factor = minK, factor

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self._sequence(input)
        frames = input.shape[-2]
        order = frames - 1 - input[..., ::-1, :].argsort(-2, kind='stable')  # of equal frames the first is the largest
        found = np.sort(order[..., frames - self._count(input) :, :], -2)
        self.indices = found + 1
        np.copyto(self.buffer('output', found.shape), np.take_along_axis(input, found, -2))
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self._sequence(input)
        shape = (*input.shape[:-2], self._count(input), input.shape[-1])
        indices = self.indices
        if type(indices) is not np.ndarray or indices.shape != shape or indices.dtype.kind != 'i':
            raise self.error(f'expected forward first: indices of shape {shape}, got {describe(indices)}')
        found = self.zero_based(indices, input.shape[-2])
        gradOutput = self.check(gradOutput, 'gradOutput', shape)
        gradInput = self.buffer('gradInput', input.shape)
        gradInput.fill(0)
        np.put_along_axis(gradInput, found, gradOutput, -2)
        return gradInput

    def _sequence(self, input: Any) -> np.ndarray:
        """`input` as a plain array, checked."""
        self.check_parameters()
        input = self.check(input)
        if input.ndim not in (2, 3):
            raise self.error(f'expected input of Txplanes, or a batch of such, got {describe(input)}')
        return input

    def _count(self, input: np.ndarray) -> int:
        """k, for frames such as those of `input`."""
        frames = input.shape[-2]
        share = self.factor * frames
        k = max(self.minK, math.ceil(share)) if math.isfinite(share) else 0
        if not 1 <= k <= frames:
            raise self.error(f'expected input of at least k = {k} frames, and k of at least 1, got {describe(input)}')
        return k
