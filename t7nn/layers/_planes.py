"""The engine under poolings, paddings and up-sampling: layers that treat each plane for itself.

The words that the code uses; those of `_windows` (window, kernel, stride, dilation, pad, count, chunk) stand there:

plane
    one channel of one example. Tensors are worked on as (planes of all examples, sizes ...)
position
    the index of an element in its window, or in its plane, flat in the order of the memory
tap
    one position of the kernel, seen from all windows at once: the elements that they have there, a strided slice. A
    reduction over windows is one pass over the output for each tap.
stage
    one of the steps of a reduction: all taps along one axis, or along all axes where the kernel is small
phase
    every stride-th element of a plane, from the first, the second ... on: see `Phases`

Torch7 manual: convolution.md
"""

import functools
import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from ..tensors import describe, in_cache, silent
from ._windows import Sizes, Sliding, times

#: Kernels of up to so many elements are reduced in one stage, larger ones in a stage for each axis: 2x2 takes 4 taps
#: either way, and one stage saves the array between (1.4 times as fast); 3x3 takes 6 taps instead of 9 (1.2 to 1.7
#: times as fast). Max pooling with larger kernels goes by `Phases`: 3x3 takes 0.4 to 0.6 of the time so, 2x2 would take
#: 1.4 times as long.
JOINT = 4


class Stage(NamedTuple):
    """One step of a reduction over windows of arrays (n, sizes ...), along one axis or more.

    Attributes
    ----------
    shape
        the sizes of the result
    taps
        for each position of the kernel, in the order of the memory: which windows have an element there, as an index
        of the result, or None where all have one; and these elements, as an index of the array before
    strided
        whether elements that follow one another in the result do not so before
    """

    shape: tuple[int, ...]
    taps: list[tuple[tuple | None, tuple]]
    strided: bool


class SumStage(NamedTuple):
    """One step of a sum over windows, and of its transpose.

    Attributes
    ----------
    shape, taps
        as those of `Stage`, but first the taps in which all windows have an element
    copied, added
        the same taps for the transpose: first some that have no element in common, then the others
    covering
        whether each element is in a tap of `copied`
    """

    shape: tuple[int, ...]
    taps: list[tuple[tuple | None, tuple]]
    copied: list[tuple[tuple | None, tuple]]
    added: list[tuple[tuple | None, tuple]]
    covering: bool


def taps(
    size: int, count: int, kernel: int, stride: int, pad: int, dilation: int, short: bool = False
) -> list[tuple[slice, slice]]:
    """For each position of the kernel along an axis: the windows that have an element there, and these elements.

    With `short` a window that starts n elements before the input ends after kernel - n places within it, as in Torch7's
    volumetric max pooling; this makes a difference where n >= 2 and the window is dilated.

    >>> taps(5, 3, 2, 2, 1, 1)
    [(slice(1, 3, None), slice(1, 4, 2)), (slice(0, 3, None), slice(0, 5, 2))]
    """
    found = []
    for i in range(kernel):
        offset = i * dilation
        first = max(0, -((offset - pad) // stride))
        while short and (before := pad - first * stride) > 0 and i >= kernel - before - (-before // dilation):
            first += 1
        last = min(count, (size - 1 + pad - offset) // stride + 1)
        start = first * stride + offset - pad
        if first < last:
            found.append((slice(first, last), slice(start, start + (last - first - 1) * stride + 1, stride)))
        else:
            found.append((slice(0, 0), slice(0, 0)))
    return found


@functools.lru_cache(256)
def regular_stages(
    sizes: Sizes,
    counts: Sizes,
    kernel: Sizes,
    stride: Sizes,
    pad: Sizes,
    dilation: Sizes,
    short: bool = False,
    last_first: bool = True,
) -> list[Stage]:
    """The stages of a reduction to (n, counts ...) over windows at regular distances.

    Axis by axis, either the last one first, so that all taps are in the order of the memory, or the first one first:
    then whole rows are worked on until few are left, and a stride of 2 takes 0.85 of the time.
    """
    dims, whole = len(sizes), slice(None)
    axes = [
        taps(size, count, k, d, p, gap, short)
        for size, count, k, d, p, gap in zip(sizes, counts, kernel, stride, pad, dilation, strict=True)
    ]
    groups = [list(range(dims))] if math.prod(kernel) <= JOINT else [[axis] for axis in range(dims)]
    stages, before = [], tuple(sizes)
    for group in reversed(groups) if last_first else groups:
        shape = tuple([counts[axis] if axis in group else size for axis, size in enumerate(before)])
        lead = (whole,) * (1 + group[0])
        found = []
        for pairs in itertools.product(*(axes[axis] for axis in group)):
            to, of = zip(*pairs, strict=True)
            full = all(part == slice(0, counts[axis]) for axis, part in zip(group, to, strict=True))
            found.append((None if full else (*lead, *to), (*lead, *of)))
        stages.append(Stage(shape, found, group[-1] == dims - 1 and stride[-1] > 1))
        before = shape
    return stages


@functools.lru_cache(256)
def sum_stages(
    sizes: Sizes, counts: Sizes, kernel: Sizes, stride: Sizes, pad: Sizes, dilation: Sizes, last_first: bool = True
) -> list[SumStage]:
    """`regular_stages` for sums."""
    stages, before = [], tuple(sizes)
    for shape, taps, _ in regular_stages(sizes, counts, kernel, stride, pad, dilation, last_first=last_first):
        taps = sorted(taps, key=lambda tap: tap[0] is not None)
        copied, added, covered = [], [], np.zeros((1, *before), bool)
        for tap in taps:
            elements = covered[tap[1]]
            if elements.any():
                added.append(tap)
            else:
                copied.append(tap)
                elements[...] = True
        stages.append(SumStage(shape, taps, copied, added, bool(covered.all())))
        before = shape
    return stages


class Phases(NamedTuple):
    """Windows seen as flat shifts: the input is split into its phases, for a stride of 2 every second element from the
    first and from the second one on. In a phase windows are 1 apart, so what all of them have at a position of the
    kernel is the phase itself, some elements on: one long run in memory instead of one for every row.

    Attributes
    ----------
    extent
        the sizes of a phase, at least the number of windows
    parts
        for each phase, its index in an array (phases of each axis ..., n, extent ...), and the same elements as an
        index of the input
    shifts
        for each axis, and for each position of the kernel along it, the phase and how many elements on
    """

    extent: tuple[int, ...]
    parts: list[tuple[tuple, tuple]]
    shifts: list[list[tuple[int, int]]]


@functools.lru_cache(256)
def phases_of(sizes: Sizes, counts: Sizes, kernel: Sizes, stride: Sizes, pad: Sizes, dilation: Sizes) -> Phases:
    """The phases of windows at regular distances."""
    axes: list[list[tuple[int, slice, slice]]] = []
    shifts: list[list[tuple[int, int]]] = []
    extent: list[int] = []
    for size, count, k, step, before, gap in zip(sizes, counts, kernel, stride, pad, dilation, strict=True):
        offsets = range(0, k * gap, gap)
        used = sorted({offset % step for offset in offsets})
        shifts.append([(used.index(offset % step), offset // step) for offset in offsets])
        extent.append(count + offsets[-1] // step)
        axes.append([(i, *taps(size, extent[-1], 1, step, before - first, 1)[0]) for i, first in enumerate(used)])
    parts = [tuple(zip(*axis, strict=True)) for axis in itertools.product(*axes)]
    whole = slice(None)
    steps = flat_steps(extent)
    return Phases(
        tuple(extent),
        [((*phase, whole, *to), (whole, *of)) for phase, to, of in parts],
        [[(phase, shift * step) for phase, shift in axis] for axis, step in zip(shifts, steps, strict=True)],
    )


def outer_sum(parts: list[np.ndarray]) -> np.ndarray:
    """The sum of vectors, each along an axis of its own; of matrices (n, ...) with the first axis in common.

    >>> outer_sum([np.array([10, 20]), np.array([1, 2, 3])])
    array([[11, 12, 13],
           [21, 22, 23]])
    """
    total = parts[0]
    for part in parts[1:]:
        total = total[..., None] + part.reshape(*part.shape[:-1], *(1,) * (total.ndim - part.ndim + 1), part.shape[-1])
    return total


def flat_steps(sizes: Sizes) -> list[int]:
    """How far apart the neighbours of each axis are in the flat plane.

    >>> flat_steps((4, 3, 5))
    [15, 5, 1]
    """
    return [math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]


@functools.lru_cache(256)
def flat_windows(
    sizes: Sizes, counts: Sizes, kernel: Sizes, stride: Sizes, pad: Sizes, dilation: Sizes
) -> tuple[np.ndarray, np.ndarray]:
    """The positions of a window's elements, relative to its start, after a 0 for none; and those of the starts of all
    windows, from 1: both flat in the plane."""
    steps = flat_steps(sizes)
    elements = outer_sum([np.arange(k) * d * step for k, d, step in zip(kernel, dilation, steps, strict=True)])
    starts = outer_sum(
        [(np.arange(n) * d - p) * step for n, d, p, step in zip(counts, stride, pad, steps, strict=True)]
    )
    return np.append(0, elements), starts + 1


class Planes(Sliding):
    """The base of layers that treat each plane for itself.

    Tensors are worked on as (planes of all examples, sizes ...), with `frames` as (examples, time, planes).
    """

    def empty(self) -> None:
        """`clearState()`, by another name."""
        self.clearState()

    def images(self, tensor: Any, what: str = 'input') -> np.ndarray:
        """`tensor` as a plain array, checked to be images or a batch of them; the layer's fields are checked, too."""
        self.check_parameters()
        tensor = self.check(tensor, what)
        if tensor.ndim - len(self.axes) not in (1, 2):
            one = [*self.axes, 'planes'] if self.frames else ['planes', *self.axes]
            raise self.error(f'expected {what} of {times(one)}, or a batch of such, got {describe(tensor)}')
        return tensor

    def sizes_of(self, tensor: np.ndarray) -> tuple[int, ...]:
        """The sizes of the windowed axes of `tensor`."""
        last = tensor.ndim - self.frames
        return tensor.shape[last - len(self.axes) : last]

    def planes(self, tensor: np.ndarray) -> np.ndarray:
        """`tensor` as (planes of all examples, sizes ...); a copy only where it is not contiguous."""
        lead = tensor.ndim - len(self.axes) - self.frames
        return tensor.reshape(math.prod(tensor.shape[:lead]), *tensor.shape[lead:])

    def shape(self, input: np.ndarray, sizes: Sizes) -> tuple[int, ...]:
        """The shape of `input` with other sizes of the windowed axes."""
        last = input.ndim - self.frames
        return (*input.shape[: last - len(self.axes)], *sizes, *input.shape[last:])

    def result(self, name: str, input: np.ndarray, sizes: Sizes, dtype: np.dtype | None = None) -> np.ndarray:
        """The `planes` of the buffer `name` of the `shape` for these sizes."""
        return self.planes(self.buffer(name, self.shape(input, sizes), dtype))

    def gradients(self, gradOutput: Any, input: np.ndarray, sizes: Sizes) -> np.ndarray:
        """The `planes` of gradOutput, which must be of the `shape` for these sizes."""
        return self.planes(self.check(gradOutput, 'gradOutput', self.shape(input, sizes)))

    @in_cache
    def sum_windows(self, x: np.ndarray, stages: list[SumStage], y: np.ndarray) -> None:
        """y = the sums of all windows of x."""
        for i, stage in enumerate(stages, 1):
            total = y if i == len(stages) else self.scratch(f'_sum{i}', (len(x), *stage.shape))
            whole = [x[of] for to, of in stage.taps[:2] if to is None]
            if len(whole) == 2:
                np.add(whole[0], whole[1], out=total)
            else:
                np.copyto(total, whole[0] if whole else 0)
            for to, of in stage.taps[len(whole) :]:
                part = total if to is None else total[to]
                np.add(part, x[of], out=part)
            x = total

    @in_cache
    def spread_windows(self, y: np.ndarray, stages: list[SumStage], x: np.ndarray) -> None:
        """x = the sum, for each element, of y over the windows that it is in: the transpose of `sum_windows`."""
        shapes = [x.shape[1:], *(stage.shape for stage in stages)]
        for i, stage in reversed(list(enumerate(stages))):
            total = x if i == 0 else self.scratch(f'_sum{i}', (len(y), *shapes[i]))
            if not stage.covering:
                total.fill(0)
            for to, of in stage.copied:
                np.copyto(total[of], y if to is None else y[to])
            for to, of in stage.added:
                part = total[of]
                np.add(part, y if to is None else y[to], out=part)
            y = total


def at(axis: int, index: Any) -> tuple:
    """`index` along `axis`."""
    return (slice(None),) * axis + (index,)


class Resampling(Planes):
    """The base of layers whose output is made of the input's elements axis by axis, each by its index.

    A layer says `output_sizes`, and `terms`, what is added up along an axis.
    """

    def output_sizes(self, sizes: Sizes) -> tuple[int, ...]:
        """The output's sizes for an input of `sizes`, checked."""
        raise self.error('expected output_sizes(sizes) in every Resampling layer', TypeError)

    def terms(self, axis: int, size: int, count: int) -> list[tuple[np.ndarray, np.ndarray | None]]:
        """Pairs (index, weight): element o along the axis is the sum of weight[o] times the input's index[o]."""
        raise self.error('expected terms(axis, size, count) in every Resampling layer', TypeError)

    @silent
    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.images(input)
        counts = self.output_sizes(self.sizes_of(input))
        x, y = self.planes(input), self.result('output', input, counts)
        for axis in reversed(range(1, x.ndim)):
            shape = (*x.shape[:axis], *y.shape[axis:])
            result = y if axis == 1 else self.scratch(f'_forward{axis}', shape)
            for i, (index, weight) in enumerate(self.terms(axis - 1, x.shape[axis], shape[axis])):
                target = result if i == 0 else self.scratch('_term', shape)
                x.take(index, axis, out=target, mode='clip')
                if weight is not None:
                    target *= weight.reshape(-1, *(1,) * (x.ndim - axis - 1))
                if i:
                    result += target
            x = result
        return self.output

    @silent
    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self.images(input)
        sizes = self.sizes_of(input)
        g = self.gradients(gradOutput, input, self.output_sizes(sizes))
        dx = self.result('gradInput', input, sizes)
        for axis in range(1, g.ndim):
            shape = (*g.shape[:axis], sizes[axis - 1], *g.shape[axis + 1 :])
            result = dx if axis == g.ndim - 1 else self.scratch(f'_backward{axis}', shape)
            result.fill(0)
            for index, weight in self.terms(axis - 1, shape[axis], g.shape[axis]):
                part = g if weight is None else g * weight.reshape(-1, *(1,) * (g.ndim - axis - 1))
                order = index.argsort(kind='stable')
                ranks = np.empty_like(index)
                ranks[order] = np.arange(len(index)) - np.searchsorted(index[order], index[order])
                for rank in range(ranks.max() + 1):  # the first, second ... that each element goes to: no two alike
                    where = np.flatnonzero(ranks == rank)
                    result[at(axis, index[where])] += part[at(axis, where)]
            g = result
        return self.gradInput
