"""Windows over planes that are each treated for itself: what poolings and up-sampling layers have in common.

A window is worked off axis by axis, a place of the kernel at a time. What all windows have at one place (a *tap*) is a
strided view, so that every step is an operation on whole arrays.
"""

import functools
import itertools
import math

import numpy as np

from .tensors import describe
from .windows import Sizes, Sliding, times

__all__ = []  # for the layers; nothing here is Torch7's

#: Kernels of up to so many elements are worked off in one step, larger ones axis by axis: 2x2 takes 4 taps either way,
#: and one step saves the array between (1.4 times as fast); 3x3 takes 6 taps instead of 9 (1.2 to 1.7 times as fast).
JOINT = 4

Taps = list[tuple[tuple, tuple]]
Stages = list[tuple[tuple[int, ...], Taps]]


def taps(
    size: int, count: int, kernel: int, stride: int, pad: int, dilation: int, short: bool = False
) -> list[tuple[slice, slice]]:
    """For each place of the kernel: the windows that have an element there, and these elements.

    With `short` a window that starts n elements before the input ends after kernel - n places within it, as in Torch7's
    volumetric max pooling; this makes a difference where n >= 2 and the window is dilated.

    >>> taps(5, 3, 2, 2, 1, 1)
    [(slice(1, 3, None), slice(1, 4, 2)), (slice(0, 3, None), slice(0, 5, 2))]
    """
    found = []
    for i in range(kernel):
        place = i * dilation
        first = max(0, -((place - pad) // stride))
        while short and (before := pad - first * stride) > 0 and i >= kernel - before - (-before // dilation):
            first += 1
        last = min(count, (size - 1 + pad - place) // stride + 1)
        start = first * stride + place - pad
        if first < last:
            found.append((slice(first, last), slice(start, start + (last - first - 1) * stride + 1, stride)))
        else:
            found.append((slice(0, 0), slice(0, 0)))
    return found


def stages_of(sizes: Sizes, counts: Sizes, axes: list[list[tuple]], joint: bool) -> Stages:
    """The stages of a reduction from arrays (n, sizes ...) to (n, counts ...), given the taps of each axis: each stage
    is the shape of its result and its taps, as indices of the result and of the array before.

    Axis by axis the last one comes first, so that taps, like all that follows, are in the order of the memory.
    """
    whole = slice(None)
    if joint:
        pairs = [tuple(zip(*places, strict=True)) for places in itertools.product(*axes)]
        return [(tuple(counts), [((whole, *to), (whole, *of)) for to, of in pairs])]
    return [
        (
            (*sizes[:axis], *counts[axis:]),
            [((whole,) * (1 + axis) + (to,), (whole,) * (1 + axis) + (of,)) for to, of in axes[axis]],
        )
        for axis in reversed(range(len(sizes)))
    ]


@functools.lru_cache(256)
def regular_stages(
    sizes: Sizes, counts: Sizes, kernel: Sizes, stride: Sizes, pad: Sizes, dilation: Sizes, short: bool = False
) -> Stages:
    """`stages_of` windows at regular distances."""
    axes = [taps(*axis, short) for axis in zip(sizes, counts, kernel, stride, pad, dilation, strict=True)]
    return stages_of(sizes, counts, axes, math.prod(kernel) <= JOINT)


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
    """The places of a window's elements, relative to its start, after a 0 for none; and where every window starts, from
    1: both flat in the plane."""
    steps = flat_steps(sizes)
    elements = outer_sum([np.arange(k) * d * step for k, d, step in zip(kernel, dilation, steps, strict=True)])
    starts = outer_sum(
        [(np.arange(n) * d - p) * step for n, d, p, step in zip(counts, stride, pad, steps, strict=True)]
    )
    return np.append(0, elements), starts + 1


class Planes(Sliding):
    """The base of layers that treat each plane for itself.

    Tensors are worked on as rows: (planes of all examples, sizes ...), with `frames` (examples, time, planes).
    """

    frames = False

    def image(self, tensor: np.ndarray, what: str = 'input') -> tuple[int, ...]:
        """The sizes of the windowed axes of `tensor`, which is checked."""
        self.check(tensor, what)
        if tensor.ndim - len(self.axes) not in (1, 2):
            one = [*self.axes, 'planes'] if self.frames else ['planes', *self.axes]
            raise self.error(f'{what} of {times(one)}, or a batch of such, needed, got {describe(tensor)}')
        last = tensor.ndim - self.frames
        return tensor.shape[last - len(self.axes) : last]

    def split(self, tensor: np.ndarray) -> np.ndarray:
        """`tensor` as rows, without a check; a copy only where it is not contiguous."""
        lead = tensor.ndim - len(self.axes) - self.frames
        return tensor.reshape(math.prod(tensor.shape[:lead]), *tensor.shape[lead:])

    def rows(self, tensor: np.ndarray, what: str = 'input') -> np.ndarray:
        """`tensor`, checked, as rows."""
        self.image(tensor, what)
        return self.split(tensor)

    def shape(self, input: np.ndarray, sizes: Sizes) -> tuple[int, ...]:
        """The shape of `input` with other sizes of the windowed axes."""
        last = input.ndim - self.frames
        return (*input.shape[: last - len(self.axes)], *sizes, *input.shape[last:])

    def result(self, name: str, input: np.ndarray, sizes: Sizes, dtype: np.dtype | None = None) -> np.ndarray:
        """The rows of the buffer `name` of the `shape` for these sizes."""
        return self.split(self.buffer(name, self.shape(input, sizes), dtype))

    def gradients(self, gradOutput: np.ndarray, input: np.ndarray, sizes: Sizes) -> np.ndarray:
        """The rows of gradOutput, which must be of the `shape` for these sizes."""
        self.check(gradOutput, 'gradOutput', self.shape(input, sizes))
        return self.split(gradOutput)

    def sum_windows(self, x: np.ndarray, stages: Stages, y: np.ndarray) -> None:
        """y = the sums of all windows of x."""
        for i, (shape, taps) in enumerate(stages, 1):
            total = y if i == len(stages) else self.scratch(f'_sum{i}', (len(x), *shape))
            (to, of), *others = taps
            if total[to].shape == total.shape:
                np.copyto(total, x[of])
            else:
                total.fill(0)
                total[to] += x[of]
            for to, of in others:
                total[to] += x[of]
            x = total

    def spread_windows(self, y: np.ndarray, stages: Stages, x: np.ndarray) -> None:
        """x = the sum, for each element, of y over the windows that it is in: the transpose of `sum_windows`."""
        shapes = [x.shape[1:], *(shape for shape, _ in stages)]
        for i, (_, taps) in reversed(list(enumerate(stages))):
            total = x if i == 0 else self.scratch(f'_sum{i}', (len(y), *shapes[i]))
            total.fill(0)
            for to, of in taps:
                total[of] += y[to]
            y = total
