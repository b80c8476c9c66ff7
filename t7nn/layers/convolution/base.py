"""The bases of convolutions, thin on the engine of `_windows`."""

import math
from typing import Any, Self

import numpy as np

from ...blas import ones
from ...tensors import describe, silent
from .._initialization import draw_weight_and_bias
from .._windows import Correlation, Sizes, Sliding, fold_add, full_sizes, times, windows


class Convolution(Sliding):
    """The base of all convolutions: parameters, and the three steps by the three products of `Correlation`.

    A class sets its sizes, says `weight_shapes`, makes its parameters by `configure`, and overrides what is special to
    it.
    """

    weight: np.ndarray
    gradWeight: np.ndarray
    nInputPlane: int
    nOutputPlane: int
    #: the sizes that `str` shows always
    shown: tuple[str, ...] = ('k',)
    #: whether `str` tells of a missing bias
    nilBias = True

    def weight_shapes(self) -> list[tuple[int, ...]]:
        """The shapes that the weight may have; it begins with the first."""
        raise self.error('expected weight_shapes() in every convolution', TypeError)

    def bias_shape(self) -> tuple[int, ...]:
        """The shape of the bias."""
        return (self.maps(),)

    def configure(self) -> None:
        """Make the parameters and draw them."""
        weight, bias = self.weight_shapes()[0], self.bias_shape()
        if min(*weight, *bias, *self.sizes('k')) < 1:
            raise self.error(f'expected planes and kernel of at least 1, got weights of {times(weight)}')
        self.weight, self.gradWeight = np.zeros(weight), np.zeros(weight)
        self.bias, self.gradBias = np.zeros(bias), np.zeros(bias)
        self.reset()

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes, bias = self.weight_shapes(), self.bias_shape()
        weight = self.check(self.weight, 'weight').shape
        weight = weight if weight in shapes else shapes[0]
        return {'weight': weight, 'gradWeight': weight, 'bias': bias, 'gradBias': bias}

    def noBias(self) -> Self:
        """Do without the bias from now on."""
        self.bias = self.gradBias = None
        return self

    def fan_in(self) -> int:
        """The number of products in one element of the output; parameters begin uniform in +-1/sqrt(fan_in)."""
        return math.prod(self.sizes('k')) * self.nInputPlane

    def reset(self, stdv: float | None = None) -> Self:
        """Draw weight and bias uniformly with standard deviation `stdv`."""
        self.check_parameters()
        if min(self.sizes('k')) < 1:
            raise self.error(f'expected a kernel of at least 1, got {self.listed("k", "x")}')
        draw_weight_and_bias(self, self.fan_in(), stdv)
        return self

    # What a class may see otherwise

    def maps(self) -> int:
        """The number of planes of the output."""
        return self.nOutputPlane

    def first_tensor(self, input: Any) -> Any:
        """The tensor of `input` that is convolved."""
        return input

    def output_sizes(self, sizes: tuple[int, ...], input: Any) -> tuple[int, ...]:
        """The output's sizes for an input whose windowed axes have `sizes`."""
        return self.kept('_counts', self._new_counts, sizes)

    def _new_counts(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        return self.window().counts(sizes, self.error)

    def kernels(self, weight: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """`weight` or `gradWeight` as (groups, maps, planes, kernel), a view, for the planes of y and x."""
        return weight.reshape(1, len(weight), -1, *self.window().kernel)

    def by_plane(self, bias: np.ndarray) -> np.ndarray:
        """`bias` or `gradBias` in the order of the output's planes, a view."""
        return bias

    def forward_product(self, x: np.ndarray, y: np.ndarray) -> None:
        """y = w x + b."""
        bias = None if self.bias is None else self.by_plane(self.bias)
        self.correlate(x, self.kernels(self.weight, y, x), y, bias)

    def backward_product(self, y: np.ndarray, x: np.ndarray) -> None:
        """x = w' y."""
        self.spread(y, self.kernels(self.weight, y, x), x)

    def gradient_product(self, x: np.ndarray, y: np.ndarray, scale: float) -> None:
        """gradWeight += scale y x'."""
        self.accumulate(x, y, self.kernels(self.gradWeight, y, x), scale)

    # The products of the engine

    def correlation(self) -> Correlation:
        """The engine for the window of this layer, the same object as long as no field is changed."""
        return self.kept('_correlation', self._new_correlation)

    def _new_correlation(self) -> Correlation:
        return Correlation(self.window())

    def correlate(self, x: np.ndarray, w: np.ndarray, y: np.ndarray, b: np.ndarray | None = None) -> None:
        """y = w x + b, as `Correlation.correlate`."""
        self.correlation().correlate(x, w, y, b)

    def spread(self, y: np.ndarray, w: np.ndarray, x: np.ndarray) -> None:
        """x = w' y, as `Correlation.spread`."""
        self.correlation().spread(y, w, x)

    def accumulate(self, x: np.ndarray, y: np.ndarray, w: np.ndarray, scale: float) -> None:
        """w += scale y x', as `Correlation.accumulate`."""
        self.correlation().accumulate(x, y, w, scale)

    # Tensors as batches

    def batch(self, tensor: np.ndarray) -> np.ndarray:
        """`tensor` as (examples, planes, sizes ...), a view."""
        if tensor.ndim == 1 + len(self.axes):
            tensor = tensor[None]
        return tensor.transpose(0, -1, *range(1, tensor.ndim - 1)) if self.frames else tensor

    def examples(self, tensor: Any, planes: int, what: str = 'input', at_least: bool = False) -> np.ndarray:
        """`batch` of a tensor that is checked to have so many planes."""
        tensor = self.check(tensor, what)
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

    def pair(self, input: Any, gradOutput: Any) -> tuple[np.ndarray, np.ndarray]:
        """Input and gradOutput as batches, checked against each other."""
        tensor = self.first_tensor(input)
        x = self.examples(tensor, self.nInputPlane)
        y = self.examples(gradOutput, self.maps(), 'gradOutput')
        wanted = (len(x), self.maps(), *self.output_sizes(x.shape[2:], input))
        if y.shape != wanted or gradOutput.ndim != tensor.ndim:
            raise self.error(
                f'expected gradOutput of {wanted[0]} x {wanted[1]} planes of {times(wanted[2:])}, '
                f'got {describe(gradOutput)}'
            )
        return x, y

    # The three steps

    @silent
    def updateOutput(self, input: Any) -> np.ndarray:
        self.check_parameters()
        tensor = self.first_tensor(input)
        x = self.examples(tensor, self.nInputPlane)
        y = self.result('output', tensor, self.maps(), self.output_sizes(x.shape[2:], input))
        self.forward_product(x, y)
        return self.output

    @silent
    def updateGradInput(self, input: Any, gradOutput: np.ndarray) -> Any:
        if self.gradInput is None:
            return None
        self.check_parameters()
        x, y = self.pair(input, gradOutput)
        self.backward_product(y, self.result('gradInput', self.first_tensor(input), x.shape[1], x.shape[2:]))
        return self.gradInput

    @silent
    def accGradParameters(self, input: Any, gradOutput: np.ndarray, scale: float = 1) -> None:
        self.check_gradients()
        x, y = self.pair(input, gradOutput)
        self.gradient_product(x, y, scale)
        if self.bias is not None and self.gradBias is not None:
            bias, y = self.matched(self.gradBias, y)
            bias += scale * np.matmul(y, ones(y.shape[-1], y.dtype)).sum(0)  # half the time of a sum over both

    def add_bias(self, y: np.ndarray) -> None:
        """y += b."""
        if self.bias is not None:
            bias, y = self.matched(self.bias, y)
            y += bias[..., None]

    def matched(self, bias: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`bias` or `gradBias` by plane, and y as (n, ..., elements that share one number of the bias)."""
        bias = self.by_plane(bias)
        return bias, y.reshape(len(y), *bias.shape, math.prod(y.shape[1:]) // bias.size)

    def __str__(self) -> str:
        sizes = ', '.join([self.listed(name, 'x') for name in self.shown])
        text = f'{self.typename}({self.nInputPlane} -> {self.nOutputPlane}, {sizes}'
        if set(self.sizes('d')) != {1} or any(self.sizes('pad')):
            text += ', ' + self.listed('d')
        for name in ('pad', 'dilation', 'adj'):
            if any(self.sizes(name)):
                text += ', ' + self.listed(name)
        return text + (') without bias' if self.bias is None and self.nilBias else ')')


class Full(Convolution):
    """The base of full (transposed) convolutions: a convolution's steps with its input and output exchanged.

    The input may be a table {x, target}: the output then has the sizes of the target, as near as the strides allow.
    """

    def configure(self) -> None:
        if any(not 0 <= extra < stride for extra, stride in zip(self.sizes('adj'), self.sizes('d'), strict=True)):
            raise self.error(f'expected adj smaller than the stride {self.listed("d")}, got {self.listed("adj")}')
        super().configure()

    def first_tensor(self, input):
        if not isinstance(input, (list, tuple)):
            return input
        if len(input) != 2 or not isinstance(input[1], np.ndarray) or input[1].ndim < len(self.axes):
            raise self.error(f'expected a target with {times(self.axes)} as second input, got {describe(input)}')
        return input[0]

    def output_sizes(self, sizes, input):
        adjust = self.sizes('adj')
        kernel, stride, pad, _ = self.window()
        if isinstance(input, (list, tuple)):
            ends = self.check(input[1], 'target').shape[-len(kernel) :]
            adjust = tuple([(n + 2 * p - k) % d for n, p, k, d in zip(ends, pad, kernel, stride, strict=True)])
        elif any(not 0 <= extra < step for extra, step in zip(adjust, stride, strict=True)):
            raise self.error(f'expected adj smaller than the stride {times(stride)}, got {adjust}')
        return full_sizes(sizes, kernel, stride, pad, adjust, self.error)

    def forward_product(self, x, y):
        self.spread(x, self.kernels(self.weight, x, y), y)
        self.add_bias(y)

    def backward_product(self, y, x):
        self.correlate(y, self.kernels(self.weight, x, y), x)

    def gradient_product(self, x, y, scale):
        self.accumulate(y, x, self.kernels(self.gradWeight, x, y), scale)

    def updateGradInput(self, input: Any, gradOutput: np.ndarray) -> Any:
        gradInput = super().updateGradInput(input, gradOutput)
        if gradInput is not None and isinstance(input, (list, tuple)):
            # as in Torch7 one 0, seen through strides of 0: it takes no memory
            shape = np.shape(input[1])
            self.gradInput = [gradInput, np.ndarray(shape, self.dtype, np.zeros(1, self.dtype), 0, (0,) * len(shape))]
        return self.gradInput


class SubSampling(Convolution):
    """The base of y = w * (the sum of the window) + b, with one w and one b a plane."""

    nOutputPlane = property(lambda self: self.nInputPlane)

    def weight_shapes(self) -> list[tuple[int, ...]]:
        return [(self.nInputPlane,)]

    def fan_in(self) -> int:
        return math.prod(self.sizes('k'))

    def window_sums(self, x: np.ndarray) -> np.ndarray:
        """The sum of every window, of the output's shape."""
        kernel, stride, _, _ = self.window()
        return windows(x, kernel, stride).sum(tuple(range(2, 2 + len(kernel))))

    def per_plane(self, weight: np.ndarray) -> np.ndarray:
        """`weight` in a shape that fits a batch of images."""
        return weight.reshape(-1, *(1,) * len(self.axes))

    def forward_product(self, x, y):
        np.multiply(self.per_plane(self.weight), self.window_sums(x), y)
        self.add_bias(y)

    def backward_product(self, y, x):
        kernel, stride, _, _ = self.window()
        x.fill(0)
        values = (self.per_plane(self.weight) * y).reshape(*y.shape[:2], *(1,) * len(kernel), *y.shape[2:])
        fold_add(x, np.broadcast_to(values, (*y.shape[:2], *kernel, *y.shape[2:])), kernel, stride)

    def gradient_product(self, x, y, scale):
        self.gradWeight += scale * (self.window_sums(x) * y).sum((0, *range(2, y.ndim)))

    def __str__(self) -> str:
        return self.typename
