"""The engine under all sliding windows, over any number of dimensions: sizes, padding, unfolding, folding.

A window of `kernel` elements, `dilation` apart, starts at every `stride`-th element of a padded input:

    input      . . a b c d e f . .      pad 2 on both sides
    window 1   x   x   x                kernel 3, dilation 2
    window 2       x   x   x            stride 2
    window 3           x   x   x

Sizes are tuples with one number a windowed dimension, in the order of the memory: (kT, kH, kW).
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from .blas import add_product
from .module import Module
from .tensors import describe

__all__ = []  # for the layers; nothing here is Torch7's

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
            f'kernel, stride and dilation of at least 1 needed, '
            f'got {times(kernel)}, {times(stride)} and {times(dilation)}'
        )
    counts = []
    for size, p, step, span in zip(sizes, pad, stride, spans(kernel, dilation), strict=True):
        room = size + 2 * p - span
        if room < 0 and not (ceil and room > -step):
            raise error(
                f'input of at least {times(spans(kernel, dilation))} elements, padding of {times(pad)} on both sides '
                f'included, needed, got {times(sizes)}'
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
        raise error(f'kernel and stride of at least 1 needed, got {times(kernel)} and {times(stride)}')
    full = tuple(
        (size - 1) * step - 2 * p + k + extra
        for size, k, step, p, extra in zip(sizes, kernel, stride, pad, adjust, strict=True)
    )
    if min(sizes) < 1 or min(full) < 1:
        raise error(f'a larger input needed, got {times(sizes)}, whose output would be {times(full)}')
    return full


def padded(
    x: np.ndarray,
    pads: Sequence[tuple[int, int]],
    value: float = 0,
    out: np.ndarray | None = None,
    copy: Callable[[np.ndarray, np.ndarray], None] = np.copyto,
) -> np.ndarray:
    """x with `value` added (before, after) each of its last axes; a negative number takes elements away.

    Written to `out` where given, by ``copy(to, from)``; without `out`, and with nothing to add, a view of `x`.

    >>> padded(np.array([1, 2, 3]), [(2, -1)], 7)
    array([7, 7, 1, 2])
    """
    first = x.ndim - len(pads)
    axes = [(size, *pad) for size, pad in zip(x.shape[first:], pads, strict=True)]
    if any(size + min(before, 0) + min(after, 0) < 0 for size, before, after in axes):
        raise ValueError(f'padding of {pads} takes more away than there is: got sizes {times(x.shape[first:])}')
    source = x[(..., *(slice(max(-before, 0), size + min(after, 0)) for size, before, after in axes))]
    if out is None:
        if all(before <= 0 and after <= 0 for before, after in pads):
            return source
        out = np.empty((*x.shape[:first], *map(sum, axes)), x.dtype)
    inner = out
    for axis, (before, after) in enumerate(pads, first):  # the border alone, one axis inside the other
        keep = [slice(None)] * out.ndim
        for border in (slice(0, max(before, 0)), slice(inner.shape[axis] - max(after, 0), None)):
            keep[axis] = border
            inner[tuple(keep)] = value
        keep[axis] = slice(max(before, 0), inner.shape[axis] - max(after, 0))
        inner = inner[tuple(keep)]
    copy(inner, source)
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


def chunks(count: int, size: int, budget: int) -> Iterator[slice]:
    """Slices that part `count` examples, of `size` bytes of scratch each, so that none needs more than `budget` bytes,
    or else is one example.

    >>> list(chunks(5, 10, 25))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, budget // max(size, 1))
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


#: how many bytes of unfolded windows are made at a time; one example's are made even where they are more
BUDGET = 1 << 20

#: from how many numbers in a window's plane (planes times kernel but for its first axis) on windows are rows
WIDE = 16


class Sliding(Module):
    """The base of layers with sliding windows: arguments by Torch7's names, sizes in the order of the memory.

    A class says `axes`, the letters of its windowed dimensions in the order of the memory: ``'W'``, ``'HW'``,
    ``'THW'``; and `order`, the same in the order of Torch7's arguments. Its fields are then ``kW``, ``dW``, ``padW``
    and so on. Where `frames` is true, planes are the last axis of the memory.
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
        raise self.error(f'{what} of {times(one)}, or a batch of such, needed, got {describe(tensor)}')

    def result(self, name: str, input: np.ndarray, planes: int, sizes: Sizes) -> np.ndarray:
        """`batch` of the buffer `name`, which has as many examples as `input`, in the same layout."""
        one = (*sizes, planes) if self.frames else (planes, *sizes)
        return self.batch(self.buffer(name, (*input.shape[: input.ndim - len(one)], *one)))

    def gradients(self, gradOutput: np.ndarray, examples: int, planes: int, sizes: Sizes) -> np.ndarray:
        """`batch` of gradOutput, which must be of the shape of the output."""
        gradients = self.examples(gradOutput, planes, 'gradOutput')
        if gradients.shape != (examples, planes, *sizes):
            raise self.error(
                f'gradOutput of {examples} x {planes} planes of {times(sizes)} needed, got {describe(gradOutput)}'
            )
        return gradients

    def scratch(self, name: str, shape: Sizes) -> np.ndarray:
        """A buffer of `shape` whose memory is kept, also where the next one asked for is smaller."""
        size = math.prod(shape)
        array = self._buffers.get(name)
        if array is None or array.size < size or array.dtype != self.dtype:
            array = self._buffers[name] = np.empty(size, self.dtype)
        return array[:size].reshape(shape)


class Correlating(Sliding):
    """The base of layers whose windows are multiplied by a matrix: a convolution's three products.

    Between images x of shape (N, G C, sizes), maps y of shape (N, G M, counts), and weights w of shape
    (G, M, C, kernel), for each of G groups of planes:

    - `correlate`: y = w x, where x stands for its windows unfolded to a matrix of C kernel rows, one column a window
    - `spread`: x = w' y, folded back; this is the gradient of `correlate` with respect to x
    - `accumulate`: w += scale y x', the gradient of `correlate` with respect to w
    """

    def correlate(self, x: np.ndarray, w: np.ndarray, y: np.ndarray) -> None:
        """y = w x."""
        self.unfolding(w).correlate(x, w, y)

    def spread(self, y: np.ndarray, w: np.ndarray, x: np.ndarray) -> None:
        """x = w' y."""
        self.unfolding(w).spread(y, w, x)

    def accumulate(self, x: np.ndarray, y: np.ndarray, w: np.ndarray, scale: float) -> None:
        """w += scale y x'."""
        self.unfolding(w).accumulate(x, y, w, scale)

    def unfolding(self, w: np.ndarray) -> 'Columns':
        """The formulation for weights `w`."""
        groups, _, planes, *kernel = w.shape
        wide = groups == 1 and math.prod(kernel) > 1 and planes * math.prod(kernel[1:]) >= WIDE
        return (Rows if wide else Columns)(self)


class Columns:
    """The products with windows unfolded to columns: (planes kernel, windows), in the order of the images' memory.

    For few planes, for kernels of one element, whose columns are the image itself, and for groups.
    """

    def __init__(self, layer: Sliding):
        self.kernel, self.stride, self.pad = layer.sizes('k'), layer.sizes('d'), layer.sizes('pad')
        self.dilation = layer.sizes('dilation', 1)
        self.scratch = layer.scratch

    def chunks(self, x: np.ndarray, y: np.ndarray) -> Iterator[slice]:
        """Slices of the batch whose unfolded windows stay within BUDGET."""
        size = x.shape[1] * math.prod(self.kernel) * math.prod(y.shape[2:]) * x.itemsize
        return chunks(len(x), size, BUDGET)

    def unfold(self, x: np.ndarray) -> np.ndarray:
        """The windows of x as columns: (n, planes kernel, windows)."""
        depth = x.shape[1] * math.prod(self.kernel)
        if max(self.kernel + self.stride) > 1:
            view = windows(padded(x, [(pad, pad) for pad in self.pad]), self.kernel, self.stride, self.dilation)
            x = self.scratch('_columns', view.shape)
            x[...] = view
        return x.reshape(len(x), depth, -1)

    def fold(self, columns: np.ndarray, x: np.ndarray) -> None:
        """x = the sum of `columns` over the windows that each element is in; the transpose of `unfold`."""
        sizes = tuple(n + 2 * p for n, p in zip(x.shape[2:], self.pad, strict=True))
        counts = output_sizes(sizes, self.kernel, self.stride, None, self.dilation)
        image = self.scratch('_image', x.shape[:2] + sizes)
        image.fill(0)
        fold_add(image, columns.reshape(*x.shape[:2], *self.kernel, *counts), self.kernel, self.stride, self.dilation)
        padded(image, [(-pad, -pad) for pad in self.pad], 0, x)

    def correlate(self, x: np.ndarray, w: np.ndarray, y: np.ndarray) -> None:
        groups, maps = w.shape[:2]
        w = w.reshape(groups, maps, -1)
        for part in self.chunks(x, y):
            columns = self.unfold(x[part])
            count = len(columns)
            np.matmul(w, columns.reshape(count, groups, w.shape[2], -1), y[part].reshape(count, groups, maps, -1))

    def spread(self, y: np.ndarray, w: np.ndarray, x: np.ndarray) -> None:
        groups, maps = w.shape[:2]
        w = w.reshape(groups, maps, -1).swapaxes(1, 2)
        for part in self.chunks(x, y):
            count = part.stop - part.start
            columns = self.scratch('_columns', (count, groups, w.shape[1], math.prod(y.shape[2:])))
            np.matmul(w, y[part].reshape(count, groups, maps, -1), columns)
            self.fold(columns, x[part])

    def accumulate(self, x: np.ndarray, y: np.ndarray, w: np.ndarray, scale: float) -> None:
        groups, maps = w.shape[:2]
        for part in self.chunks(x, y):
            columns = self.unfold(x[part])
            count = len(columns)
            products = np.matmul(
                y[part].reshape(count, groups, maps, -1),
                columns.reshape(count, groups, math.prod(w.shape[2:]), -1).swapaxes(2, 3),
            )
            w += scale * products.sum(0).reshape(w.shape)


def copy_planes(to: np.ndarray, source: np.ndarray) -> None:
    """to[...] = source, where planes are the last axis, and in one of the two far apart in memory: eight of them at a
    time. Planes of 32x32 numbers, say, all fall into one set of the cache, and going through all of them for each
    place takes seven times as long."""
    step = to.shape[-1] if to.strides[-1] == source.strides[-1] else 8
    for start in range(0, to.shape[-1], step):
        to[..., start : start + step] = source[..., start : start + step]


class Rows(Columns):
    """The products with windows as rows: (windows, kernel planes), unfolded over all windowed axes but the first.

    Images are laid out as (first axis, n, other axes, planes). An offset along the kernel's first axis is then a
    shift by whole rows, so that one unfolded image, kernel[0] times smaller than all windows, serves kernel[0] matrix
    products which add up. With a stride s along the first axis, rows that are s apart lie together: (s, rows / s, ...).

    For many planes: PUT THE MEASUREMENT HERE
    """

    def chunks(self, x, y):
        size = self.stride[0] * self.depth(y) * math.prod(y.shape[3:]) * x.shape[1] * math.prod(self.kernel[1:])
        return chunks(len(x), size * x.itemsize, BUDGET)

    def depth(self, y: np.ndarray) -> int:
        """How many rows along the first axis each phase of its stride has."""
        return (self.kernel[0] - 1) * self.dilation[0] // self.stride[0] + y.shape[2]

    def image(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
        """x as (first axis, n, other axes, planes), and what is added to each of these axes, so that the first has
        just the rows that are used."""
        x = x.transpose(2, 0, *range(3, x.ndim), 1)
        first = self.pad[0]
        rows = self.stride[0] * self.depth(y)
        return x, [(first, rows - first - len(x)), (0, 0), *((pad, pad) for pad in self.pad[1:]), (0, 0)]

    def windows(self, image: np.ndarray) -> np.ndarray:
        """The windows over the other axes of an image: (phase, first axis, n, other windows, other kernel, planes)."""
        others = len(self.kernel) - 1
        view = windows(image, self.kernel[1:], self.stride[1:], self.dilation[1:], 2)
        view = view.reshape(-1, self.stride[0], *view.shape[1:])
        return view.transpose(1, 0, 2, *range(3 + others, 3 + 2 * others), *range(3, 3 + others), -1)

    def unfold(self, x, y):
        """The rows of x, and of each offset along the first axis that part of them which it meets."""
        image, pads = self.image(x, y)
        if any(map(any, pads)) or not image.flags.c_contiguous:
            sizes = tuple(map(sum, zip(image.shape, *zip(*pads, strict=True), strict=True)))
            image = padded(image, pads, 0, self.scratch('_image', sizes), copy_planes)
        view = self.windows(image)
        if not view.flags.c_contiguous:
            rows = self.scratch('_rows', view.shape)
            rows[...] = view
            view = rows
        return view, self.offsets(view, y)

    def offsets(self, rows: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Of each offset along the first axis, the rows that it meets, as a matrix."""
        found = []
        for i in range(self.kernel[0]):
            start, phase = divmod(i * self.dilation[0], self.stride[0])
            part = rows[phase, start : start + y.shape[2]]
            found.append(part.reshape(-1, math.prod(part.shape[-len(self.kernel) :])))
        return found

    def maps_buffer(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """A matrix (planes, windows in the order of the rows), and its memory in the shape of y: scratch, or, where it
        is one example, y itself and None."""
        others = range(3, y.ndim)
        if len(y) == 1:
            return y[0].reshape(y.shape[1], -1), None
        if y.strides[1] == y.itemsize:
            view = self.scratch('_maps', y.transpose(2, 0, *others, 1).shape)
            return view.reshape(-1, y.shape[1]).T, view.transpose(1, -1, 0, *(axis - 1 for axis in others))
        view = self.scratch('_maps', y.transpose(1, 2, 0, *others).shape)
        return view.reshape(y.shape[1], -1), view.transpose(2, 0, 1, *others)

    def maps(self, y: np.ndarray) -> np.ndarray:
        """y as a matrix (planes, windows in the order of the rows)."""
        matrix, view = self.maps_buffer(y)
        if view is not None:
            view[...] = y
        return matrix

    def matrices(self, w: np.ndarray) -> np.ndarray:
        """w as one matrix for each offset along the first axis: (kernel[0], maps, other kernel, planes), a view."""
        return w[0].transpose(2, 0, *range(3, w.ndim - 1), 1)

    def correlate(self, x, w, y):
        w = self.matrices(w)
        w = w.reshape(*w.shape[:2], -1)
        for part in self.chunks(x, y):
            product, maps = self.maps_buffer(y[part])
            product.fill(0)
            for rows, weights in zip(self.unfold(x[part], y)[1], w, strict=True):
                add_product(product, weights, rows.T)
            if maps is not None:
                y[part] = maps

    def spread(self, y, w, x):
        w = self.matrices(w)
        w = w.reshape(*w.shape[:2], -1)
        for part in self.chunks(x, y):
            product = self.maps(y[part])
            to, pads = self.image(x[part], y)
            image = self.scratch('_image', tuple(map(sum, zip(to.shape, *zip(*pads, strict=True), strict=True))))
            image.fill(0)
            view = self.windows(image)
            folded = view.flags.c_contiguous
            rows = view if folded else self.scratch('_rows', view.shape)
            rows.fill(0)
            for part_of_rows, weights in zip(self.offsets(rows, y), w, strict=True):
                add_product(part_of_rows, product.T, weights)
            if not folded:
                for place in np.ndindex(*self.kernel[1:]):
                    view[(..., *place, slice(None))] += rows[(..., *place, slice(None))]
            padded(image, [(-before, -after) for before, after in pads], 0, to, copy_planes)

    def accumulate(self, x, y, w, scale):
        gradient = self.matrices(w)
        sums = self.scratch('_sums', gradient.shape)
        sums.fill(0)
        for part in self.chunks(x, y):
            product = self.maps(y[part])
            for rows, total in zip(self.unfold(x[part], y)[1], sums.reshape(*sums.shape[:2], -1), strict=True):
                add_product(total, product, rows)
        gradient += scale * sums
