"""The engine under convolutions, over any number of dimensions: sizes, padding, unfolding, folding.

A window of `kernel` elements, `dilation` apart, starts at every `stride`-th element of a padded input:

    input      . . a b c d e f . .      pad 2 on both sides
    window 1   x   x   x                kernel 3, dilation 2
    window 2       x   x   x            stride 2
    window 3           x   x   x

Sizes are tuples with one number for each windowed axis, in the order of the memory: (kT, kH, kW).

The words that the code uses:

window
    the elements of the input that one element of the output is made of
kernel
    how many elements a window has along each axis; the kernels of a convolution are its weights, one for each of them
stride
    how far apart windows start
dilation
    how far apart the elements of a window are; a window spans dilation (kernel - 1) + 1 elements
pad
    how many zeros are added before and after an axis; a negative number takes elements away
images, maps
    two batches, (N, planes, sizes ...) and (N, planes, counts ...): the windows of the first are multiplied by weights,
    and each gives one element of the second. In a full convolution images are the output and maps are the input.
counts
    how many windows there are along each axis
unfold
    copy the elements of all windows into one matrix, so that a convolution is a matrix product; an element is copied as
    often as there are windows that it is in. Fold is the transpose: add the elements of such a matrix to the images.
chunk
    the examples that are unfolded at a time
"""

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..blas import add_product
from ..guards import declared
from ..module import Module
from ..tensors import describe, in_cache

Sizes = Sequence[int]

#: the largest number of elements in a plane, and the largest kernel, stride and so on: Torch7 counts them as C's int
MOST = 2**31 - 1


def times(sizes: Sizes) -> str:
    """Sizes in the words of a message.

    >>> times((3, 2))
    '3x2'
    """
    return 'x'.join(map(str, sizes))


def spans(kernel: Sizes, dilation: Sizes) -> tuple[int, ...]:
    """How many elements a window spans: dilation (kernel - 1) + 1."""
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))


def output_sizes(
    sizes: Sizes,
    kernel: Sizes,
    stride: Sizes,
    pad: Sizes | None = None,
    dilation: Sizes | None = None,
    ceil: bool = False,
    error: Callable[[str], Exception] = ValueError,
) -> tuple[int, ...]:
    """How many windows fit: floor((size + 2 pad - span) / stride) + 1.

    With `ceil` rounded up, but (where anything is padded at all) no window starts beyond the input and its left pad.

    Raises
    ------
    ValueError
        if a kernel, stride or dilation is not positive, or no window fits; a layer hands its own `error` over

    >>> output_sizes((28, 5), (5, 2), (1, 2)), output_sizes((28, 5), (5, 2), (1, 2), ceil=True)
    ((24, 2), (24, 3))
    """
    pad, dilation = pad or (0,) * len(kernel), dilation or (1,) * len(kernel)
    if min(*kernel, *stride, *dilation) < 1:
        raise error(
            f'expected kernel, stride and dilation of at least 1, '
            f'got {times(kernel)}, {times(stride)} and {times(dilation)}'
        )
    counts = []
    for size, p, step, span in zip(sizes, pad, stride, spans(kernel, dilation), strict=True):
        room = size + 2 * p - span
        if room < 0 and not (ceil and room > -step):
            raise error(
                f'expected input of at least {times(spans(kernel, dilation))} elements, padding of {times(pad)} on '
                f'both sides included, got {times(sizes)}'
            )
        count = (-(-room // step) if ceil else room // step) + 1
        counts.append(count - (ceil and any(pad) and (count - 1) * step >= size + p))
    _expect_small([size + 2 * p for size, p in zip(sizes, pad, strict=True)], error)
    _expect_small(counts, error)
    return tuple(counts)


def _expect_small(sizes: Sizes, error: Callable[[str], Exception]) -> None:
    if math.prod(sizes) > MOST:
        raise error(f'expected planes of at most {MOST} elements, padding included, got {times(sizes)}')


def full_sizes(
    sizes: Sizes,
    kernel: Sizes,
    stride: Sizes,
    pad: Sizes,
    adjust: Sizes,
    error: Callable[[str], Exception] = ValueError,
) -> tuple[int, ...]:
    """The size of an input that has `sizes` windows: (size - 1) stride - 2 pad + kernel + adjust.

    >>> full_sizes((3, 3), (4, 3), (2, 2), (1, 1), (0, 1))
    (6, 6)
    """
    if min(*kernel, *stride) < 1:
        raise error(f'expected kernel and stride of at least 1, got {times(kernel)} and {times(stride)}')
    full = tuple(
        (size - 1) * step - 2 * p + k + extra
        for size, k, step, p, extra in zip(sizes, kernel, stride, pad, adjust, strict=True)
    )
    if min(sizes) < 1 or min(full) < 1:
        raise error(f'expected a larger input, got {times(sizes)}, whose output would be {times(full)}')
    _expect_small([size + 2 * p for size, p in zip(full, pad, strict=True)], error)
    return full


def overlap(sizes: Sizes, pads: Sequence[tuple[int, int]]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Which part of an array of `sizes` is left once it is padded, and where it then lies: two tuples of slices.

    >>> overlap((3,), [(2, -1)])
    ((slice(0, 2, None),), (slice(2, 4, None),))
    """
    pairs = list(zip(sizes, pads, strict=True))
    if any(size + min(before, 0) + min(after, 0) < 0 for size, (before, after) in pairs):
        raise ValueError(f'expected padding that leaves something of {times(sizes)}, got {list(pads)}')
    return (
        tuple(slice(max(-before, 0), size + min(after, 0)) for size, (before, after) in pairs),
        tuple(slice(max(before, 0), size + before + min(after, 0)) for size, (before, after) in pairs),
    )


def padded(
    x: np.ndarray, pads: Sequence[tuple[int, int]], value: float = 0, out: np.ndarray | None = None
) -> np.ndarray:
    """x with `value` added (before, after) each of its last axes; a negative number takes elements away.

    Written to `out` where given; without it, and with nothing to add, a view of `x`.

    >>> padded(np.array([1, 2, 3]), [(2, -1)], 7)
    array([7, 7, 1, 2])
    """
    first = x.ndim - len(pads)
    source, inside = overlap(x.shape[first:], pads)
    lead = (slice(None),) * first
    if out is None:
        if all(before <= 0 and after <= 0 for before, after in pads):
            return x[lead + source]
        sizes = [size + before + after for size, (before, after) in zip(x.shape[first:], pads, strict=True)]
        out = np.empty((*x.shape[:first], *sizes), x.dtype)
    for axis, part in enumerate(inside, first):  # the border alone: of each axis what lies within those before it
        within = lead + inside[: axis - first]
        out[(*within, slice(0, part.start))] = value
        out[(*within, slice(part.stop, None))] = value
    out[lead + inside] = x[lead + source]
    return out


def windows(
    x: np.ndarray, kernel: Sizes, stride: Sizes, dilation: Sizes | None = None, axis: int | None = None
) -> np.ndarray:
    """All windows of `x`, as a view: the axes of their elements, then their own, in the place of the windowed axes.

    With x of shape (N, C, H, W) and two-dimensional windows: (N, C, kH, kW, oH, oW).

    Parameters
    ----------
    axis
        the first of the windowed axes; without it they are the last ones

    Raises
    ------
    ValueError
        if no window fits: what the view shows lies within `x`

    >>> windows(np.arange(6), (3,), (2,)).tolist()
    [[0, 2], [1, 3], [2, 4]]
    """
    axis = x.ndim - len(kernel) if axis is None else axis
    at = slice(axis, axis + len(kernel))
    dilation = dilation or (1,) * len(kernel)
    counts = output_sizes(x.shape[at], kernel, stride, None, dilation)
    stride, dilation = short_steps(kernel, stride, dilation, counts)
    steps = x.strides[at]
    return np.lib.stride_tricks.as_strided(
        x,
        (*x.shape[:axis], *kernel, *counts, *x.shape[at.stop :]),
        (
            *x.strides[:axis],
            *(d * step for d, step in zip(dilation, steps, strict=True)),
            *(s * step for s, step in zip(stride, steps, strict=True)),
            *x.strides[at.stop :],
        ),
    )


def short_steps(kernel: Sizes, stride: Sizes, dilation: Sizes, counts: Sizes) -> tuple[Sizes, Sizes]:
    """Stride and dilation, but 1 where there is one window or one element: there they make no difference, and may be so
    large that no memory would suffice.

    >>> short_steps((1, 3), (2, 9), (5, 1), (4, 1))
    ((2, 1), (1, 1))
    """
    return (
        tuple([s if n > 1 else 1 for s, n in zip(stride, counts, strict=True)]),
        tuple([d if k > 1 else 1 for d, k in zip(dilation, kernel, strict=True)]),
    )


def fold_add(
    x: np.ndarray,
    values: np.ndarray,
    kernel: Sizes,
    stride: Sizes,
    dilation: Sizes | None = None,
    axis: int | None = None,
) -> None:
    """Add `values`, of the shape of ``windows(x, ...)``, to the elements of `x` that the windows show.

    Windows overlap, but no two of them have the same element at one position of the kernel: one strided addition for
    each position.
    """
    view = windows(x, kernel, stride, dilation, axis)
    lead = (slice(None),) * (x.ndim - len(kernel) if axis is None else axis)
    for position in np.ndindex(*kernel):
        view[lead + position] += values[lead + position]


def chunks(count: int, size: int, budget: int | None = None) -> Iterator[slice]:
    """Slices of `count` examples: each needs at most `budget` bytes of scratch (`BUDGET` by default), or holds one
    example. One example needs `size` bytes.

    >>> list(chunks(5, 10, 25))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, (budget or BUDGET) // max(size, 1))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


#: How many bytes of unfolded windows are made at a time: as many as a cache holds. One example's are made even where
#: they are more. LeNet's step takes 3 % longer with twice as many, 10 % with half or four times as many.
BUDGET = 1 << 19

#: From so many planes on windows are unfolded by `ShiftedRows`. With 1 to 4 planes `Im2col` takes 0.5 to 1 times as
#: long, with 8 to 64 planes 0.9 to 1.4 times for outputs and gradients of weights, 1.2 to 2 times for gradInput.
WIDE = 8


class Sliding(Module):
    """The base of layers with sliding windows: arguments by Torch7's names, sizes in the order of the memory.

    A class says `axes`, the letters of its windowed axes in the order of the memory: ``'W'``, ``'HW'``, ``'THW'``; and
    `order`, the same in the order of Torch7's arguments. Its fields are then ``kW``, ``dW``, ``padW`` and so on, which
    it declares. Where `frames` is true, planes are the last axis of input and output.
    """

    axes = 'HW'
    order = 'WH'
    frames = False

    def set_sizes(self, name: str, *sizes: float | None) -> None:
        """Set the fields ``name + axis`` from arguments in Torch7's order; None is as the one before it."""
        last: float | None = None
        for axis, size in zip(self.order, sizes, strict=True):
            last = last if size is None else size
            setattr(self, name + axis, last)

    def sizes(self, name: str, default: int = 0) -> tuple[int, ...]:
        """The fields ``name + axis`` in the order of the memory: ``sizes('pad')`` is (padH, padW).

        Raises
        ------
        TypeError
            if one is no whole number
        ValueError
            if one is beyond Torch7's range of +-(2^31 - 1)
        """
        found = []
        for field in [name + axis for axis in self.axes]:
            size: Any = getattr(self, field, default)
            # str(self) calls this method, so the error names the class alone
            if isinstance(size, bool) or not isinstance(size, (int, np.integer, float)) or size % 1 != 0:
                raise TypeError(f'{self.typename}: expected a whole number as {field}, got {describe(size)}')
            found.append(int(size))
            if abs(found[-1]) > MOST:
                raise ValueError(f'{self.typename}: expected {field} within +-{MOST}, got {size}')
        return tuple(found)

    def listed(self, name: str, separator: str = ',') -> str:
        """The fields ``name + axis`` in Torch7's order, for `str`."""
        return separator.join([str(getattr(self, name + axis)) for axis in self.order])

    def kept(self, name: str, make: Callable[..., Any], *arguments: Any) -> Any:
        """`make(*arguments)`, the same object under `name` as long as neither they nor a field of the layer change."""
        own = self.__dict__
        kind: Any = self.__class__
        fields = tuple(map(own.get, declared(kind)))
        known = own.get(name)
        if known is None or known[0] != arguments or known[1] != fields:
            known = own[name] = arguments, fields, make(*arguments)
        return known[2]

    def window(self) -> 'Window':
        """The window of the layer, the same object as long as no field is changed."""
        return self.kept('_window', self._new_window)

    def _new_window(self) -> 'Window':
        return Window(self.sizes('k'), self.sizes('d'), self.sizes('pad'), self.sizes('dilation', 1))

    def scratch(self, name: str, shape: Sizes, dtype: np.dtype | None = None) -> np.ndarray:
        """An array of `shape` with arbitrary values, whose memory is kept from call to call under `name`."""
        size, dtype = math.prod(shape), dtype or self.dtype
        array = self._buffers.get(name)
        if array is None or array.size < size or array.dtype != dtype:
            array = self._buffers[name] = np.empty(size, dtype)
        return array[:size].reshape(shape)


class Window(NamedTuple):
    """A window, one number for each windowed axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]

    def counts(self, sizes: Sizes, error: Callable[[str], Exception]) -> tuple[int, ...]:
        """How many windows there are in images of `sizes`; as `output_sizes`."""
        return output_sizes(sizes, self.kernel, self.stride, self.pad, self.dilation, error=error)

    def mirrored(self) -> 'Window':
        """The window over the maps that an element of the images has, where the stride is 1: the maps that it is in."""
        pad = tuple(span - 1 - p for span, p in zip(spans(self.kernel, self.dilation), self.pad, strict=True))
        return self._replace(pad=pad)


class Correlation:
    """The three products of a convolution.

    Between images x of shape (N, G C, sizes), maps y of shape (N, G M, counts), and weights w of shape
    (G, M, C, kernel), for each of G groups of planes:

    - `correlate`: y = w x + b, where x stands for its windows unfolded to a matrix, one column a window; b is one
      number for each of the G M planes of y, or None
    - `spread`: x = w' y, folded back; this is the gradient of `correlate` with respect to x
    - `accumulate`: w += scale y x', the gradient of `correlate` with respect to w

    In plain NumPy, with ``columns = windows(padded(x, pads), kernel, stride, dilation)``, for one group and two axes:

    - ``y = np.einsum('mcij,ncijhw->nmhw', w, columns) + b``
    - ``fold_add(x, np.einsum('mcij,nmhw->ncijhw', w, y), kernel, stride, dilation)``
    - ``w += scale * np.einsum('nmhw,ncijhw->mcij', y, columns)``

    The `Unfolding` classes do the same by BLAS, chunk by chunk: einsum takes 3 to 60 times as long.
    """

    def __init__(self, window: Window):
        self.window = window
        self._unfoldings: dict[tuple, Unfolding] = {}

    def correlate(self, x: np.ndarray, w: np.ndarray, y: np.ndarray, b: np.ndarray | None = None) -> None:
        """y = w x + b."""
        kind = formulation(w)
        w = matrices(kind.order(w))
        b = None if b is None else b.reshape(-1, 1)
        for images, maps, unfolding in self.unfoldings(kind, x, y):
            unfolding.correlate(images, w, maps, b)

    def spread(self, y: np.ndarray, w: np.ndarray, x: np.ndarray) -> None:
        """x = w' y.

        Where the stride is 1 and there are as many windows as elements, it is the correlation of y with the weights
        turned around: no more products, and nothing to fold back. With 64 planes and a kernel of 3x3 it takes 0.9
        times as long.
        """
        kind = formulation(w)
        turned = np.flip(w, tuple(range(3, w.ndim))).swapaxes(1, 2)
        if (
            kind is formulation(turned) is ShiftedRows
            and max(self.window.stride) == 1
            and math.prod(x.shape[2:]) <= math.prod(y.shape[2:])
        ):
            self._mirrored.correlate(y, turned, x)
            return
        w = matrices(kind.order(w))
        for images, maps, unfolding in self.unfoldings(kind, x, y):
            unfolding.spread(maps, w, images)

    @functools.cached_property
    def _mirrored(self) -> 'Correlation':
        return Correlation(self.window.mirrored())

    def accumulate(self, x: np.ndarray, y: np.ndarray, w: np.ndarray, scale: float) -> None:
        """w += scale y x'."""
        kind = formulation(w)
        w = kind.order(w)
        sums = np.zeros(w.shape, w.dtype)
        for images, maps, unfolding in self.unfoldings(kind, x, y):
            unfolding.accumulate(images, maps, matrices(sums))
        sums *= scale
        w += sums

    def unfoldings(
        self, kind: type['Unfolding'], x: np.ndarray, y: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray, 'Unfolding']]:
        """The batch in chunks whose unfolded windows stay within BUDGET, each with what unfolds it."""
        for part in chunks(len(x), kind.size(self.window, x, y) * x.itemsize):
            yield x[part], y[part], self._unfolding(kind, x[part], y[part])

    def _unfolding(self, kind: type['Unfolding'], x: np.ndarray, y: np.ndarray) -> 'Unfolding':
        """What unfolds examples such as x and y. The last two are kept: the last chunk of a batch may be smaller."""
        key = kind, x.shape, y.shape, x.dtype
        found = self._unfoldings.get(key)
        if found is None:
            while len(self._unfoldings) > 1:
                del self._unfoldings[next(iter(self._unfoldings))]
            found = self._unfoldings[key] = kind(self.window, x, y)
        return found


def formulation(w: np.ndarray) -> type['Unfolding']:
    """How the windows of a layer with weights `w` are unfolded."""
    groups, _, planes, *kernel = w.shape
    return ShiftedRows if planes >= WIDE and groups == 1 < math.prod(kernel) else Im2col


def matrices(w: np.ndarray) -> np.ndarray:
    """w with all its axes but the first two as one."""
    return w.reshape(*w.shape[:2], math.prod(w.shape[2:]))


class Unfolding(ABC):
    """The base of the two ways to unfold windows, each with the three products, where w is `matrices(order(w))`."""

    def __init__(self, window: Window, x: np.ndarray, y: np.ndarray):
        self.counts = y.shape[2:]
        stride, dilation = short_steps(window.kernel, window.stride, window.dilation, self.counts)
        self.window = window._replace(stride=tuple(stride), dilation=tuple(dilation))

    @staticmethod
    @abstractmethod
    def size(window: Window, x: np.ndarray, y: np.ndarray) -> int:
        """How many numbers the unfolded windows of one example are."""

    @staticmethod
    @abstractmethod
    def order(w: np.ndarray) -> np.ndarray:
        """The weights in the order of the unfolded windows, a view."""

    @abstractmethod
    def correlate(self, x: np.ndarray, w: np.ndarray, y: np.ndarray, b: np.ndarray | None) -> None:
        """y = w x + b."""

    @abstractmethod
    def spread(self, y: np.ndarray, w: np.ndarray, x: np.ndarray) -> None:
        """x = w' y."""

    @abstractmethod
    def accumulate(self, x: np.ndarray, y: np.ndarray, sums: np.ndarray) -> None:
        """sums += y x'."""

    def copy(self, to: np.ndarray, source: np.ndarray) -> None:
        """to[...] = source."""
        np.copyto(to, source)

    def lay_out(self, x: np.ndarray, pads: list[tuple[int, int]]) -> None:
        """Make the padded images for x."""
        self.source, inside = overlap(x.shape, pads)
        self.padded = np.zeros([size + sum(pad) for size, pad in zip(x.shape, pads, strict=True)], x.dtype)
        self.inside = self.padded[inside]
        self.blank = True

    def enter(self, x: np.ndarray) -> None:
        """Put x into the padded images."""
        if not self.blank:
            self.padded.fill(0)
            self.blank = True
        self.copy(self.inside, x[self.source])

    def leave(self, x: np.ndarray) -> None:
        """Put the padded images, whose border is no longer 0, into x."""
        self.blank = False
        if self.inside.shape != x.shape:
            x.fill(0)
        self.copy(x[self.source], self.inside)


class Im2col(Unfolding):
    """Every window is a column: the matrix (planes kernel, windows), in the order of the images' memory.

    For few planes, for kernels of one element, whose columns are the images themselves, and for groups.
    """

    def __init__(self, window: Window, x: np.ndarray, y: np.ndarray):
        super().__init__(window, x, y)
        kernel, stride, pad, dilation = self.window
        self.plain = max(kernel + stride) == 1 and not any(pad) and x.shape[2:] == self.counts
        if self.plain:
            return
        self.lay_out(x, [(0, 0), (0, 0), *((each, each) for each in pad)])
        self.windows = windows(self.padded, kernel, window.stride, dilation)
        self.columns = np.empty(self.windows.shape, x.dtype)
        self.stages = [self.padded]
        for axis in range(len(self.counts) - 1, 0, -1):
            shape = list(self.stages[0].shape)
            shape[1 + len(self.counts)] = self.counts[axis]
            shape.insert(2, kernel[axis])
            self.stages.insert(0, np.empty(shape, x.dtype))

    @staticmethod
    def size(window, x, y):
        return x.shape[1] * math.prod(window.kernel) * math.prod(y.shape[2:])

    @staticmethod
    def order(w):
        """The weights in the order of the columns, as they are: (groups, maps, planes, kernel)."""
        return w

    def unfold(self, x: np.ndarray) -> np.ndarray:
        """The windows of x as columns: (n, planes kernel, windows)."""
        if self.plain:
            return x.reshape(*x.shape[:2], math.prod(self.counts))
        self.enter(x)
        self.columns[...] = self.windows
        return self.columns.reshape(len(x), -1, math.prod(self.counts))

    @in_cache
    def fold(self, columns: np.ndarray, x: np.ndarray) -> None:
        """x = the sum of `columns` over the windows that each element is in; the transpose of `unfold`.

        One axis after the other: the runs in memory along the first are long, and it leaves few sums for the others.
        """
        if self.plain:
            x[...] = columns.reshape(x.shape)
            return
        values = columns.reshape(self.columns.shape)
        axis = (slice(None),) * (1 + len(self.counts))
        kernels, strides, _, dilations = self.window
        for stage, kernel, stride, dilation, count in zip(
            self.stages, kernels, strides, dilations, self.counts, strict=True
        ):
            stage.fill(0)
            for i in range(kernel):
                start = i * dilation
                stage[(*axis, slice(start, start + stride * (count - 1) + 1, stride))] += values[:, :, i]
            values = stage
        self.leave(x)

    @in_cache
    def correlate(self, x, w, y, b):
        np.matmul(w, self.grouped(self.unfold(x), w), self.grouped(y, w))
        if b is not None:
            y = matrices(y)
            y += b

    def spread(self, y, w, x):
        columns = x if self.plain else self.columns
        np.matmul(w.swapaxes(1, 2), self.grouped(y, w), self.grouped(columns, w))
        if not self.plain:
            self.fold(columns, x)

    def accumulate(self, x, y, sums):
        columns = self.grouped(self.unfold(x), sums)
        sums += np.matmul(self.grouped(y, sums), columns.swapaxes(2, 3)).sum(0)

    def grouped(self, array: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Columns or maps as (n, groups, ..., windows)."""
        windows = math.prod(self.counts)
        return array.reshape(len(array), len(w), array[:1].size // (len(w) * windows), windows)


class ShiftedRows(Unfolding):
    """Every window is a row, (windows, kernel planes), unfolded along all windowed axes but the first.

    Images are laid out as (first axis, n, other axes, planes). An offset along the kernel's first axis is then a
    shift by whole rows, so that one unfolded image, kernel[0] times smaller than all windows, serves kernel[0] matrix
    products which add up. With a stride s along the first axis, rows that are s apart lie together: (s, rows / s, ...).

    With 64 planes and a kernel of 3x3, the matrix products are 9 tenths of the time of each step.
    """

    def __init__(self, window: Window, x: np.ndarray, y: np.ndarray):
        super().__init__(window, x, y)
        kernel, strides, pad, dilation = self.window
        stride, n, counts = strides[0], len(y), self.counts
        others = len(counts) - 1
        rows, first = self.row_count(self.window, y), pad[0]
        pads = [(first, rows - first - x.shape[2]), (0, 0), *((each, each) for each in pad[1:]), (0, 0)]
        self.lay_out(self.by_rows(x), pads)
        view = windows(self.padded, kernel[1:], window.stride[1:], dilation[1:], 2) if others else self.padded
        view = view.reshape(-1, stride, *view.shape[1:])
        kernel_axes, count_axes = range(3, 3 + others), range(3 + others, 3 + 2 * others)
        self.windows = view.transpose(1, 0, 2, *count_axes, *kernel_axes, -1)
        self.rows = self.windows if self.windows.flags.c_contiguous else np.empty(self.windows.shape, x.dtype)
        self.shifts = []
        for i in range(kernel[0]):
            start, phase = divmod(i * dilation[0], stride)
            self.shifts.append(self.rows[phase, start : start + counts[0]].reshape(n * math.prod(counts), -1))
        self.maps = np.empty(self.by_rows(y).shape if n > 1 else 0, x.dtype)
        # Sets of windows that do not overlap, to be folded by one add each, whose runs in memory are whole kernels
        apart = -(-spans(kernel, dilation)[-1] // strides[-1]) if others else 1
        self.disjoint = [
            (*(slice(None),) * (2 + others), slice(start, None, apart), *position)
            for start in range(apart)
            for position in np.ndindex(*kernel[1:-1])
        ]

    @staticmethod
    def row_count(window: Window, y: np.ndarray) -> int:
        """How many rows along the first axis there are, the same number for each phase of its stride."""
        stride = window.stride[0] if y.shape[2] > 1 else 1
        return stride * ((window.kernel[0] - 1) * window.dilation[0] // stride + y.shape[2])

    @staticmethod
    def size(window, x, y):
        return ShiftedRows.row_count(window, y) * math.prod(y.shape[3:]) * x.shape[1] * math.prod(window.kernel[1:])

    @staticmethod
    def order(w):
        """The weights in the order of the rows, a view: (kernel's first axis, maps, other axes, planes)."""
        return w[0].transpose(2, 0, *range(3, w.ndim - 1), 1)

    @staticmethod
    def by_rows(x: np.ndarray) -> np.ndarray:
        """x as (first axis, n, other axes, planes), a view."""
        return x.transpose(2, 0, *range(3, x.ndim), 1)

    def copy(self, to, source):
        """to[...] = source. Planes, the last axis, that lie a large power of two apart, such as those of 32x32 images,
        fall into few sets of the cache: eight of them at a time take a third of the time."""
        step = to.shape[-1] if source.strides[-1] % 2048 else 8
        for start in range(0, to.shape[-1], step):
            to[..., start : start + step] = source[..., start : start + step]

    def unfold(self, x: np.ndarray) -> list[np.ndarray]:
        """The rows of x: for each offset along the first axis of the kernel those that it meets."""
        self.enter(self.by_rows(x))
        if self.rows is not self.windows:
            self.rows[...] = self.windows
        return self.shifts

    def product(self, y: np.ndarray) -> np.ndarray:
        """The matrix (planes, windows in the order of the rows) for y: y itself, where it is one example."""
        return y[0].reshape(y.shape[1], -1) if len(y) == 1 else self.maps.reshape(-1, y.shape[1]).T

    def correlate(self, x, w, y, b):
        shifts, product = self.unfold(x), self.product(y)
        product[...] = 0 if b is None else b
        for rows, weights in zip(shifts, w, strict=True):
            add_product(product, weights, rows.T)
        if len(y) > 1:
            self.copy(self.by_rows(y), self.maps)

    def filled_product(self, y: np.ndarray) -> np.ndarray:
        """`product` with the values of y."""
        if len(y) > 1:
            self.copy(self.maps, self.by_rows(y))
        return self.product(y)

    @in_cache
    def spread(self, y, w, x):
        product = self.filled_product(y)
        self.padded.fill(0)
        if self.rows is not self.windows:
            self.rows.fill(0)
        for rows, weights in zip(self.shifts, w, strict=True):
            add_product(rows, product.T, weights)
        if self.rows is not self.windows:
            for part in self.disjoint:
                self.windows[part] += self.rows[part]
        self.leave(self.by_rows(x))

    def accumulate(self, x, y, sums):
        product = self.filled_product(y)
        for rows, total in zip(self.unfold(x), sums, strict=True):
            add_product(total, product, rows)
