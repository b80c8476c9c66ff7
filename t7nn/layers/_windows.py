"""The engine under all sliding windows, over any number of dimensions: sizes, padding, unfolding, folding.

A window of `kernel` elements, `dilation` apart, starts at every `stride`-th element of a padded input:

    input      . . a b c d e f . .      pad 2 on both sides
    window 1   x   x   x                kernel 3, dilation 2
    window 2       x   x   x            stride 2
    window 3           x   x   x

Sizes are tuples with one number a windowed dimension, in the order of the memory: (kT, kH, kW).
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..blas import add_product
from ..module import Module
from ..tensors import describe, in_cache

Sizes = Sequence[int]


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
    return tuple(counts)


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
    return full


def overlap(sizes: Sizes, pads: Sequence[tuple[int, int]]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Which part of an image of `sizes` is in it once it is padded, and where: two tuples of slices.

    >>> overlap((3,), [(2, -1)])
    ((slice(0, 2, None),), (slice(2, 4, None),))
    """
    pairs = list(zip(sizes, pads, strict=True))
    if any(size + min(before, 0) + min(after, 0) < 0 for size, (before, after) in pairs):
        raise ValueError(f'padding of {list(pads)} takes more away than there is: got sizes {times(sizes)}')
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
    if out is None:
        if all(before <= 0 and after <= 0 for before, after in pads):
            return x[(..., *source)]
        sizes = [size + before + after for size, (before, after) in zip(x.shape[first:], pads, strict=True)]
        out = np.empty((*x.shape[:first], *sizes), x.dtype)
    for axis, part in enumerate(inside, first):  # the border alone: of each axis what lies within those before it
        within = (slice(None),) * first + inside[: axis - first]
        out[(*within, slice(0, part.start))] = value
        out[(*within, slice(part.stop, None))] = value
    out[(..., *inside)] = x[(..., *source)]
    return out


def windows(
    x: np.ndarray, kernel: Sizes, stride: Sizes, dilation: Sizes | None = None, axis: int | None = None
) -> np.ndarray:
    """All windows of `x`, as a view: their elements' axes, then their own, in the place of the windowed axes.

    With x of shape (N, C, H, W) and two-dimensional windows: (N, C, kH, kW, oH, oW).

    Parameters
    ----------
    axis
        the first of the windowed axes; without it they are the last ones

    >>> windows(np.arange(6), (3,), (2,)).tolist()
    [[0, 2], [1, 3], [2, 4]]
    """
    dims = len(kernel)
    axis = x.ndim - dims if axis is None else axis
    dilation = dilation or (1,) * dims
    at = slice(axis, axis + dims)
    counts = tuple(
        (size - span) // step + 1 for size, span, step in zip(x.shape[at], spans(kernel, dilation), stride, strict=True)
    )
    steps = x.strides[at]
    return np.lib.stride_tricks.as_strided(
        x,
        (*x.shape[:axis], *kernel, *counts, *x.shape[axis + dims :]),
        (
            *x.strides[:axis],
            *(d * step for d, step in zip(dilation, steps, strict=True)),
            *(s * step for s, step in zip(stride, steps, strict=True)),
            *x.strides[axis + dims :],
        ),
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

    Windows overlap; those elements of them that have the same place in the kernel do not: one strided add a place.
    """
    view = windows(x, kernel, stride, dilation, axis)
    lead = (slice(None),) * (x.ndim - len(kernel) if axis is None else axis)
    for place in np.ndindex(*kernel):
        view[lead + place] += values[lead + place]


def chunks(count: int, size: int, budget: int | None = None) -> Iterator[slice]:
    """Slices of `count` examples: chunks that need at most `budget` bytes of scratch (`BUDGET` by default), or hold one
    example. One example needs `size` bytes.

    >>> list(chunks(5, 10, 25))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, (budget or BUDGET) // max(size, 1))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


#: How many bytes of unfolded windows are made at a time, a cache's worth; one example's are made even where they are
#: more. LeNet's step takes 3 % longer with twice as many, 10 % with half or four times as many.
BUDGET = 1 << 19

#: From so many planes on windows are unfolded to `Rows`. With 1 to 4 planes columns take 0.5 to 1 times as long, with
#: 8 to 64 planes 0.9 to 1.4 times for outputs and gradients of weights, 1.2 to 2 times for gradInput.
WIDE = 8


class Geometry:
    """The sizes of a layer's windows, and the arrays that were laid out to unfold them."""

    names = {'k': 1, 'd': 1, 'pad': 0, 'dilation': 1}

    def __init__(self, kernel: Sizes, stride: Sizes, pad: Sizes, dilation: Sizes):
        self.kernel, self.stride, self.pad, self.dilation = kernel, stride, pad, dilation
        self._counts = (), ()
        self._unfoldings = {}

    @functools.cached_property
    def mirrored(self) -> 'Geometry':
        """Those of the windows over the maps that each element of the images is in, for windows next to one another."""
        pad = tuple(span - 1 - p for span, p in zip(spans(self.kernel, self.dilation), self.pad, strict=True))
        return Geometry(self.kernel, self.stride, pad, self.dilation)

    def counts(self, sizes: tuple[int, ...], error: Callable[[str], Exception]) -> tuple[int, ...]:
        """How many windows images of `sizes` have; as `output_sizes`."""
        known, counts = self._counts
        if known != sizes:
            counts = output_sizes(sizes, self.kernel, self.stride, self.pad, self.dilation, error=error)
            self._counts = sizes, counts
        return counts

    def unfolding(self, kind: type['Columns'], x: np.ndarray, y: np.ndarray) -> 'Columns':
        """What unfolds examples such as x and y. The last two are kept: the last chunk of a batch may be smaller."""
        key = kind, x.shape, y.shape, x.dtype
        found = self._unfoldings.get(key)
        if found is None:
            while len(self._unfoldings) > 1:
                del self._unfoldings[next(iter(self._unfoldings))]
            found = self._unfoldings[key] = kind(self, x, y)
        return found


class Sliding(Module):
    """The base of layers with sliding windows: arguments by Torch7's names, sizes in the order of the memory.

    A class says `axes`, the letters of its windowed dimensions in the order of the memory: ``'W'``, ``'HW'``,
    ``'THW'``; and `order`, the same in the order of Torch7's arguments. Its fields are then ``kW``, ``dW``, ``padW``
    and so on. Where `frames` is true, planes are the last axis of input and output.
    """

    axes = 'HW'
    order = 'WH'
    frames = False

    def set_sizes(self, name: str, *sizes: int | None) -> None:
        """Set the fields ``name + axis`` from arguments in Torch7's order; None is as the one before it."""
        last = None
        for axis, size in zip(self.order, sizes, strict=True):
            last = last if size is None else size
            setattr(self, name + axis, last)

    def sizes(self, name: str, default: int = 0) -> tuple[int, ...]:
        """The fields ``name + axis`` in the order of the memory: ``sizes('pad')`` is (padH, padW)."""
        return tuple([int(getattr(self, name + axis, default)) for axis in self.axes])

    def listed(self, name: str, separator: str = ',') -> str:
        """The fields ``name + axis`` in Torch7's order, for `str`."""
        return separator.join([str(getattr(self, name + axis)) for axis in self.order])

    def scratch(self, name: str, shape: Sizes, dtype: np.dtype | None = None) -> np.ndarray:
        """An array of `shape` with arbitrary values, whose memory is kept from call to call under `name`."""
        size, dtype = math.prod(shape), dtype or self.dtype
        array = self._buffers.get(name)
        if array is None or array.size < size or array.dtype != dtype:
            array = self._buffers[name] = np.empty(size, dtype)
        return array[:size].reshape(shape)


class Correlating(Sliding):
    """The base of layers whose windows are multiplied by a matrix: a convolution's three products.

    Between images x of shape (N, G C, sizes), maps y of shape (N, G M, counts), and weights w of shape
    (G, M, C, kernel), for each of G groups of planes:

    - `correlate`: y = w x + b, where x stands for its windows unfolded to a matrix, one column a window; b is one
      number for each of the G M planes of y, or None
    - `spread`: x = w' y, folded back; this is the gradient of `correlate` with respect to x
    - `accumulate`: w += scale y x', the gradient of `correlate` with respect to w
    """

    def __init_subclass__(cls):
        super().__init_subclass__()
        cls.fields = [name + axis for name in Geometry.names for axis in cls.axes]

    def geometry(self) -> 'Geometry':
        """The sizes of the windows, the same object as long as no field is changed."""
        own = self.__dict__
        fields = [own.get(name) for name in self.fields]
        known = own.get('_geometry')
        if known is None or known[0] != fields:
            known = self._geometry = fields, Geometry(*(self.sizes(*item) for item in Geometry.names.items()))
        return known[1]

    def batch(self, tensor: np.ndarray) -> np.ndarray:
        """`tensor` as (examples, planes, sizes ...), a view."""
        if tensor.ndim == 1 + len(self.axes):
            tensor = tensor[None]
        return tensor.transpose(0, -1, *range(1, tensor.ndim - 1)) if self.frames else tensor

    def examples(self, tensor: np.ndarray, planes: int, what: str = 'input', at_least: bool = False) -> np.ndarray:
        """`batch` of a tensor that is checked to have so many planes."""
        self.check(tensor, what)
        rank = 1 + len(self.axes)
        if tensor.ndim in (rank, rank + 1):
            batch = self.batch(tensor)
            if batch.shape[1] == planes or at_least and batch.shape[1] > planes:
                return batch
        one = [*self.axes, planes] if self.frames else [planes, *self.axes]
        raise self.error(f'expected {what} of {times(one)}, or a batch of such, got {describe(tensor)}')

    def result(self, name: str, input: np.ndarray, planes: int, sizes: Sizes) -> np.ndarray:
        """`batch` of the buffer `name`, which has as many examples as `input`, in the same layout."""
        one = (*sizes, planes) if self.frames else (planes, *sizes)
        return self.batch(self.buffer(name, (*input.shape[: input.ndim - len(one)], *one)))

    def gradients(self, gradOutput: np.ndarray, examples: int, planes: int, sizes: Sizes) -> np.ndarray:
        """`batch` of gradOutput, which must be of the shape of the output."""
        gradients = self.examples(gradOutput, planes, 'gradOutput')
        if gradients.shape != (examples, planes, *sizes):
            raise self.error(
                f'expected gradOutput of {examples} x {planes} planes of {times(sizes)}, got {describe(gradOutput)}'
            )
        return gradients

    def correlate(
        self,
        x: np.ndarray,
        w: np.ndarray,
        y: np.ndarray,
        b: np.ndarray | None = None,
        geometry: 'Geometry | None' = None,
    ) -> None:
        """y = w x + b."""
        kind = formulation(w)
        w = matrices(kind.order(w))
        b = None if b is None else b.reshape(-1, 1)
        for images, maps, unfolding in self.unfoldings(kind, x, y, geometry):
            unfolding.correlate(images, w, maps, b)

    def spread(self, y: np.ndarray, w: np.ndarray, x: np.ndarray) -> None:
        """x = w' y.

        Where windows lie next to one another and are as many as elements, it is the correlation of y with the weights
        turned around: no more products, and nothing to fold back. With 64 planes and a kernel of 3x3 it takes 0.9
        times as long.
        """
        kind, geometry = formulation(w), self.geometry()
        turned = w[(..., *(slice(None, None, -1),) * len(self.axes))].swapaxes(1, 2)
        if (
            kind is formulation(turned) is Rows
            and max(geometry.stride) == 1
            and math.prod(x.shape[2:]) <= math.prod(y.shape[2:])
        ):
            self.correlate(y, turned, x, geometry=geometry.mirrored)
            return
        w = matrices(kind.order(w))
        for images, maps, unfolding in self.unfoldings(kind, x, y):
            unfolding.spread(maps, w, images)

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
        self, kind: type['Columns'], x: np.ndarray, y: np.ndarray, geometry: 'Geometry | None' = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray, 'Columns']]:
        """The batch in chunks whose unfolded windows stay within BUDGET, each with what unfolds it."""
        geometry = geometry or self.geometry()
        for part in chunks(len(x), kind.size(geometry, x, y) * x.itemsize):
            yield x[part], y[part], geometry.unfolding(kind, x[part], y[part])


def formulation(w: np.ndarray) -> type['Columns']:
    """How the windows of a layer with weights `w` are unfolded."""
    groups, _, planes, *kernel = w.shape
    return Rows if planes >= WIDE and groups == 1 < math.prod(kernel) else Columns


def matrices(w: np.ndarray) -> np.ndarray:
    """w with all its axes but the first two as one."""
    return w.reshape(*w.shape[:2], -1)


class Columns:
    """Windows unfolded to columns, (planes kernel, windows), in the order of the images' memory.

    For few planes, for kernels of one element, whose columns are the image itself, and for groups.
    """

    copy = staticmethod(np.copyto)

    def __init__(self, geometry: Geometry, x: np.ndarray, y: np.ndarray):
        self.geometry = geometry
        self.counts = y.shape[2:]
        self.plain = max(geometry.kernel + geometry.stride) == 1 and not any(geometry.pad)
        if self.plain:
            return
        self.lay_out(x, [(0, 0), (0, 0), *((pad, pad) for pad in geometry.pad)])
        self.windows = windows(self.image, geometry.kernel, geometry.stride, geometry.dilation)
        self.columns = np.empty(self.windows.shape, x.dtype)
        self.stages = [self.image]
        for axis in range(len(self.counts) - 1, 0, -1):
            shape = list(self.stages[0].shape)
            shape[1 + len(self.counts)] = self.counts[axis]
            shape.insert(2, geometry.kernel[axis])
            self.stages.insert(0, np.empty(shape, x.dtype))

    @staticmethod
    def size(geometry: Geometry, x: np.ndarray, y: np.ndarray) -> int:
        """How many numbers the unfolded windows of one example are."""
        return x.shape[1] * math.prod(geometry.kernel) * math.prod(y.shape[2:])

    @staticmethod
    def order(w: np.ndarray) -> np.ndarray:
        """The weights in the order of the columns, a view: (groups, maps, planes, kernel)."""
        return w

    def lay_out(self, x: np.ndarray, pads: list[tuple[int, int]]) -> None:
        """Make the padded image for x."""
        self.source, inside = overlap(x.shape, pads)
        self.image = np.zeros([size + sum(pad) for size, pad in zip(x.shape, pads, strict=True)], x.dtype)
        self.inside = self.image[inside]
        self.blank = True

    def enter(self, x: np.ndarray) -> None:
        """Put x into the image."""
        if not self.blank:
            self.image.fill(0)
            self.blank = True
        self.copy(self.inside, x[self.source])

    def leave(self, x: np.ndarray) -> None:
        """Put the image, whose border is no longer 0, into x."""
        self.blank = False
        if self.inside.shape != x.shape:
            x.fill(0)
        self.copy(x[self.source], self.inside)

    def unfold(self, x: np.ndarray) -> np.ndarray:
        """The windows of x as columns: (n, planes kernel, windows)."""
        if self.plain:
            return x.reshape(*x.shape[:2], -1)
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
        sizes = self.geometry
        for stage, kernel, stride, dilation, count in zip(
            self.stages, sizes.kernel, sizes.stride, sizes.dilation, self.counts, strict=True
        ):
            stage.fill(0)
            for i in range(kernel):
                start = i * dilation
                stage[(*axis, slice(start, start + stride * (count - 1) + 1, stride))] += values[:, :, i]
            values = stage
        self.leave(x)

    @in_cache
    def correlate(self, x: np.ndarray, w: np.ndarray, y: np.ndarray, b: np.ndarray | None) -> None:
        np.matmul(w, self.grouped(self.unfold(x), w), self.grouped(y, w))
        if b is not None:
            y = matrices(y)
            y += b

    def spread(self, y: np.ndarray, w: np.ndarray, x: np.ndarray) -> None:
        columns = x if self.plain else self.columns
        np.matmul(w.swapaxes(1, 2), self.grouped(y, w), self.grouped(columns, w))
        if not self.plain:
            self.fold(columns, x)

    def accumulate(self, x: np.ndarray, y: np.ndarray, sums: np.ndarray) -> None:
        columns = self.grouped(self.unfold(x), sums)
        sums += np.matmul(self.grouped(y, sums), columns.swapaxes(2, 3)).sum(0)

    def grouped(self, array: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Images' columns or maps as (n, groups, ..., windows)."""
        return array.reshape(len(array), len(w), -1, math.prod(self.counts))


def copy_planes(to: np.ndarray, source: np.ndarray) -> None:
    """to[...] = source, where planes are the last axis. Planes that lie a large power of two apart, such as those of
    32x32 images, fall into few sets of the cache: eight of them at a time take a third of the time."""
    step = to.shape[-1] if source.strides[-1] % 2048 else 8
    for start in range(0, to.shape[-1], step):
        to[..., start : start + step] = source[..., start : start + step]


class Rows(Columns):
    """Windows unfolded to rows, (windows, kernel planes), along all windowed axes but the first.

    Images are laid out as (first axis, n, other axes, planes). An offset along the kernel's first axis is then a
    shift by whole rows, so that one unfolded image, kernel[0] times smaller than all windows, serves kernel[0] matrix
    products which add up. With a stride s along the first axis, rows that are s apart lie together: (s, rows / s, ...).

    With 64 planes and a kernel of 3x3, the matrix products are 9 tenths of the time of each step.
    """

    copy = staticmethod(copy_planes)

    def __init__(self, geometry: Geometry, x: np.ndarray, y: np.ndarray):
        self.geometry = geometry
        stride, n, counts = geometry.stride[0], len(y), y.shape[2:]
        others = len(counts) - 1
        rows, first = stride * self.depth(geometry, y), geometry.pad[0]
        pads = [(first, rows - first - x.shape[2]), (0, 0), *((pad, pad) for pad in geometry.pad[1:]), (0, 0)]
        self.lay_out(self.by_rows(x), pads)
        view = windows(self.image, geometry.kernel[1:], geometry.stride[1:], geometry.dilation[1:], 2)
        view = view.reshape(-1, stride, *view.shape[1:])
        kernel_axes, count_axes = range(3, 3 + others), range(3 + others, 3 + 2 * others)
        self.windows = view.transpose(1, 0, 2, *count_axes, *kernel_axes, -1)
        self.rows = self.windows if self.windows.flags.c_contiguous else np.empty(self.windows.shape, x.dtype)
        self.shifts = []
        for i in range(geometry.kernel[0]):
            start, phase = divmod(i * geometry.dilation[0], stride)
            self.shifts.append(self.rows[phase, start : start + counts[0]].reshape(n * math.prod(counts), -1))
        self.maps = np.empty(self.by_rows(y).shape, x.dtype) if n > 1 else None
        # Sets of windows that do not overlap, to be folded by one add each, whose runs in memory are whole kernels
        apart = -(-spans(geometry.kernel, geometry.dilation)[-1] // geometry.stride[-1]) if others else 1
        self.disjoint = [
            (*(slice(None),) * (2 + others), slice(start, None, apart), *place)
            for start in range(apart)
            for place in np.ndindex(*geometry.kernel[1:-1])
        ]

    @staticmethod
    def depth(geometry: Geometry, y: np.ndarray) -> int:
        """How many rows along the first axis each phase of its stride has."""
        return (geometry.kernel[0] - 1) * geometry.dilation[0] // geometry.stride[0] + y.shape[2]

    @staticmethod
    def size(geometry, x, y):
        rows = geometry.stride[0] * Rows.depth(geometry, y) * math.prod(y.shape[3:])
        return rows * x.shape[1] * math.prod(geometry.kernel[1:])

    @staticmethod
    def order(w):
        """The weights in the order of the rows, a view: (kernel's first axis, maps, other axes, planes)."""
        return w[0].transpose(2, 0, *range(3, w.ndim - 1), 1)

    @staticmethod
    def by_rows(x: np.ndarray) -> np.ndarray:
        """x as (first axis, n, other axes, planes), a view."""
        return x.transpose(2, 0, *range(3, x.ndim), 1)

    def unfold(self, x):
        """The rows of x, of each offset along the first axis those that it meets."""
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
        self.image.fill(0)
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
