"""Max pooling over time, space and volume: with regular windows, with windows drawn at random, and the k largest.

Torch7 manual: convolution.md
"""

import math
from collections.abc import Callable, Iterator
from typing import Self

import numpy as np

from ... import random
from ...module import Module
from ...tensors import describe
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
                f'expected forward of the same input first: indices of shape {shape}, got {describe(self.indices)}'
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
        for part in chunks(len(x), x.itemsize * math.prod(x.shape[1:])):
            how = stages(part)
            pool = self.largest_by_phases if isinstance(how, Geometry) else self.largest
            yield part, pool(x[part], how, y[part])

    def scatter(self, g: np.ndarray, dx: np.ndarray, places: Callable[[slice], np.ndarray]) -> None:
        """dx = 0 but for g added at `places`, flat in the row and from 1; 0 where there is none."""
        size = math.prod(dx.shape[1:])
        for part in chunks(len(dx), size * dx.itemsize):
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
            raise self.error(f'expected kernel of at most 255x255x255, got {times(kernel)}')
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


class FractionalMaxPooling(MaxPooling):
    """The base of max poolings with windows of one size at random distances, drawn for every plane and axis.

    Window i of n starts at trunc((i + u) a) - trunc(u a), where u is uniform in 0..1 and a = (size - pool) / (n - 1);
    the last one ends with the input.
    """

    def configure(self, pool: tuple, out: tuple) -> None:
        """Set the fields from arguments in Torch7's order."""
        if min(pool) < 2:
            raise ValueError(f'{self.typename}: expected pool size of at least 2, got {times(pool)}')
        self.set_sizes('poolSize', *pool)
        self.randomSamples = None
        self.newRandomPool = False
        if min(out) >= 1:
            self.set_sizes('out', *out)
        elif all(0 < ratio < 1 for ratio in out):
            self.set_sizes('ratio', *out)
        else:
            raise ValueError(f'{self.typename}: expected output sizes, or ratios within (0, 1), got {out}')

    def fixPoolingRegions(self, val: bool | None = None) -> Self:
        """Keep the regions of the last forward (draw new ones each time with False)."""
        self.newRandomPool = val is None or val
        return self

    def counts(self, sizes: Sizes) -> tuple[int, ...]:
        """The output's sizes, checked."""
        pool = self.sizes('poolSize')
        if hasattr(self, 'outW'):
            counts = self.sizes('out')
        else:
            counts = tuple(
                int(size * getattr(self, 'ratio' + axis)) for axis, size in zip(self.axes, sizes, strict=True)
            )
        if min(counts) < 1:
            raise self.error(
                f'expected an output of at least 1 in each direction, got {times(counts)} of {times(sizes)}'
            )
        if any(n + k - 1 >= size for n, k, size in zip(counts, pool, sizes, strict=True)):
            raise self.error(
                f'expected input larger than output + pool size - 1, got {times(sizes)} for output {times(counts)} '
                f'and pool size {times(pool)}'
            )
        return counts

    def starts(self, sizes: Sizes, counts: Sizes) -> list[np.ndarray]:
        """Where the windows of each plane start, one array (planes, windows) an axis."""
        samples = self.randomSamples.reshape(-1, len(sizes))
        found = []
        for axis, (size, count, pool) in enumerate(zip(sizes, counts, self.sizes('poolSize'), strict=True)):
            u = samples[:, -1 - axis, None]  # drawn in the order of Torch7's arguments
            a = self.dtype.type(size - pool) / self.dtype.type(max(count - 1, 1))
            starts = np.trunc((np.arange(count, dtype=self.dtype) + u) * a) - np.trunc(u * a)
            starts[:, -1] = size - pool
            found.append(starts.astype(LONG))
        return found

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        x = self.rows(input)
        sizes = x.shape[1:]
        counts = self.counts(sizes)
        planes = (1, *input.shape[: -len(sizes)])[-2:]
        if self.randomSamples is None or self.randomSamples.shape[:2] != planes or not self.newRandomPool:
            self.randomSamples = random.uniform(out=np.empty((*planes, len(sizes)), self.dtype))
        starts, pool = self.starts(sizes, counts), self.sizes('poolSize')

        def stages(part: slice) -> list[Stage]:
            found = []
            for axis in reversed(range(len(sizes))):
                shape = (*sizes[:axis], *counts[axis:])
                grid = list(np.ix_(range(part.stop - part.start), *map(range, shape)))
                first = starts[axis][part].reshape(-1, *(1,) * axis, counts[axis], *(1,) * (len(sizes) - axis - 1))
                taps = [(None, (*grid[: 1 + axis], first + i, *grid[2 + axis :])) for i in range(pool[axis])]
                found.append(Stage(shape, taps, False, False, False))
            return found

        y = self.result('output', input, counts)
        indices = self.result('indices', input, counts, LONG)
        steps = flat_steps(sizes)
        table = outer_sum([np.arange(k) * step for k, step in zip(pool, steps, strict=True)])
        table = np.append(0, table + 1)
        first = outer_sum([start * step for start, step in zip(starts, steps, strict=True)])
        for part, codes in self.pool(x, y, stages):
            if not codes.min(initial=1):
                raise self.error('expected an element larger than -inf in every window, got one without')
            table.take(codes, out=indices[part], mode='clip')
            indices[part] += first[part]
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        sizes = self.image(input)
        g = self.gradients(gradOutput, input, self.counts(sizes))
        indices = self.split(self.known_indices(gradOutput.shape))
        self.scatter(g, self.result('gradInput', input, sizes), lambda part: indices[part])
        return self.gradInput

    def clearState(self) -> Self:
        super().clearState()
        self.indices = self.randomSamples = None
        return self

    def __str__(self) -> str:
        out = 'x'.join(str(int(getattr(self, 'out' + axis, 0))) for axis in self.order)  # a ratio as %d, as in Torch7
        return f'{self.typename}({out}, {self.listed("poolSize")})'


class SpatialFractionalMaxPooling(FractionalMaxPooling):
    """The largest element of poolSizeW x poolSizeH windows at random distances: (N, planes, H, W) -> (N, planes, outH,
    outW).

    Each forward draws new windows, unless ``fixPoolingRegions()``. ``indices``: the place in the plane, flat, from 1.

    Parameters
    ----------
    arg1, arg2
        outW and outH; or, below 1, the ratios of output to input

    Torch7 manual: convolution.md#nn.SpatialFractionalMaxPooling
    """

    def __init__(self, poolSizeW: int, poolSizeH: int, arg1: float, arg2: float):
        super().__init__()
        self.configure((poolSizeW, poolSizeH), (arg1, arg2))


class VolumetricFractionalMaxPooling(FractionalMaxPooling):
    """`SpatialFractionalMaxPooling` with time, which here is the last axis: (N, planes, H, W, T).

    Torch7 manual: convolution.md#nn.VolumetricFractionalMaxPooling
    """

    axes = 'HWT'
    order = 'TWH'

    def __init__(self, poolSizeT: int, poolSizeW: int, poolSizeH: int, arg1: float, arg2: float, arg3: float):
        super().__init__()
        self.configure((poolSizeT, poolSizeW, poolSizeH), (arg1, arg2, arg3))


class TemporalDynamicKMaxPooling(Module):
    """The k largest of all frames, in the order in which they come: (N, T, planes) -> (N, k, planes), where
    k = max(minK, ceil(factor T)). ``indices``: their frames, from 1.

    Torch7 manual: convolution.md#nn.TemporalDynamicKMaxPooling

    >>> import numpy as np, t7nn as nn
    >>> nn.TemporalDynamicKMaxPooling(2).forward(np.array([[3.0], [1], [2], [4]])).tolist()
    [[3.0], [4.0]]
    """

    cleared = (*Module.cleared, 'indices')

    def __init__(self, minK: int, factor: float = 0):
        super().__init__()
        self.minK, self.factor = minK, factor
        self.indices = None

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check(input)
        if input.ndim not in (2, 3):
            raise self.error(f'expected input of Txplanes, or a batch of such, got {describe(input)}')
        frames = input.shape[-2]
        k = max(self.minK, math.ceil(self.factor * frames))
        if not 1 <= k <= frames:
            raise self.error(f'expected input of at least k = {k} frames, and k of at least 1, got {describe(input)}')
        order = frames - 1 - input[..., ::-1, :].argsort(-2, kind='stable')  # of equal frames the first is the largest
        places = np.sort(order[..., frames - k :, :], -2)
        self.indices = places + 1
        np.copyto(self.buffer('output', places.shape), np.take_along_axis(input, places, -2))
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        if self.indices is None or self.indices.size == 0 and input.size:
            raise self.error('expected forward first')
        self.check(input)
        self.check(gradOutput, 'gradOutput', self.indices.shape)
        gradInput = self.buffer_like('gradInput', input)
        gradInput.fill(0)
        np.put_along_axis(gradInput, self.indices - 1, gradOutput, -2)
        return gradInput
