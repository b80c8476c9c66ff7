"""Element-Research/dpnn: columns of convolutions, decorators for saving, and small layers around them.

`Inception` is the building block of GoogLeNet, OpenFace's networks consist of it: several columns look at the same
image with kernels of different sizes, and their planes are put side by side. The columns are ordinary layers in a
`DepthConcat`; this module builds them and lets single images through.
"""

from typing import Any, Self

import numpy as np

from ..layers import rectifiers, transfer
from ..layers.containers import Concat, DepthConcat, Sequential
from ..layers.convolution.spatial import SpatialConvolution
from ..layers.decorators import Decorator
from ..layers.linear import Linear
from ..layers.normalization import SpatialBatchNormalization
from ..layers.pooling.maximum import SpatialMaxPooling
from ..layers.rectifiers import ReLU
from ..module import Module
from ..tensors import describe

__all__ = ['FireModule', 'Inception', 'LinearNoBias', 'ReverseTable', 'Serial']


class LinearNoBias(Linear):
    """y = W x: `Linear` without a bias.

    Parameters
    ----------
    inputSize, outputSize
        input ``(inputSize,)`` or ``(N, inputSize)``, output ``(outputSize,)`` or ``(N, outputSize)``

    W begins uniform in +-1/sqrt(inputSize).

    Source: github.com/Element-Research/rnn, LinearNoBias.lua
    """

    def __init__(self, inputSize: int, outputSize: int):
        super().__init__(inputSize, outputSize, False)

    def __str__(self) -> str:
        return super().__str__().removesuffix(' without bias')


class Serial(Decorator):
    """Does what `module` does. In Torch7 it decides what of the module is saved, and of which type.

    Here all is saved; `mediumSerial`, `lightSerial` and `heavySerial` note the wish for Torch7, which a file then
    carries.

    Parameters
    ----------
    module
        any module
    tensortype
        ``'torch.FloatTensor'`` ...: what Torch7 casts the module to while it saves

    Source: github.com/Element-Research/dpnn, Serial.lua
    """

    _medium = ('output', 'gradInput', 'momGradParams', 'dpnn_input')

    def __init__(self, module: Module, tensortype: str | None = None):
        super().__init__(module)
        self.tensortype = tensortype

    def _serial(self, *empty: str) -> Self:
        for module in self.listModules():
            vars(module)['dpnn_serialEmpty'] = list(empty)
        return self

    def heavySerial(self) -> Self:
        """Torch7 is to save everything."""
        return self._serial()

    def mediumSerial(self) -> Self:
        """Torch7 is to save everything but outputs and gradInputs."""
        return self._serial(*self._medium)

    def lightSerial(self) -> Self:
        """Torch7 is to save neither outputs and gradInputs nor gradients of parameters."""
        return self._serial(*self._medium, 'gradWeight', 'gradBias')


class ReverseTable(Module):
    """The items of a table from the last to the first; gradInput likewise.

    Source: github.com/Element-Research/dpnn, ReverseTable.lua
    """

    table_fields = ('output', 'gradInput')

    def updateOutput(self, input: list) -> list:
        self.check_table(input)
        self.output = list(input)[::-1]
        return self.output

    def updateGradInput(self, input: list, gradOutput: list) -> list:
        self.check_table(input)
        self.check_table(gradOutput, len(input), 'gradOutput')
        self.gradInput = list(gradOutput)[::-1]
        return self.gradInput


class Inception(Decorator):
    """Columns of convolutions over the same image, their planes one behind the other.

    There are n columns 1x1 convolution (reduce), transfer, k x k convolution, transfer; then a column pooling, 1x1
    convolution, transfer; then a column 1x1 convolution, transfer. Smaller outputs stand in the middle of zeros.

    Parameters
    ----------
    config
        a dict with

        - inputSize: planes of the input
        - outputSize: planes of the n k x k convolutions, a list
        - reduceSize: planes of the 1x1 convolutions, a list of n + 2; shorter: the last columns go without
        - reduceStride: their strides, a list; 1 where not given
        - transfer: a module that is copied; ReLU where not given
        - batchNorm: whether a batch normalisation follows every convolution
        - padding: whether the k x k convolutions are padded by k // 2; True where not given
        - kernelSize, kernelStride: lists of n; [5, 3] and [1, 1] where not given
        - poolSize, poolStride: 3 and 1 where not given
        - pool: the pooling, a module; ``SpatialMaxPooling`` without padding where not given

    Input ``(N, inputSize, H, W)`` or ``(inputSize, H, W)``.

    >>> import numpy as np
    >>> from t7nn.packages import dpnn
    >>> net = dpnn.Inception({'inputSize': 3, 'outputSize': [4, 5], 'reduceSize': [2, 2, 2, 2], 'kernelSize': [3, 5]})
    >>> net.forward(np.ones((3, 8, 8))).shape
    (13, 8, 8)

    Source: github.com/Element-Research/dpnn, Inception.lua
    """

    def __init__(self, config: dict[str, Any]):
        if not isinstance(config, dict):
            raise TypeError(f'nn.Inception: expected a table as config, got {describe(config)}')
        given = {key: value for key, value in config.items() if value is not None}
        config = {'kernelSize': [5, 3], 'reduceStride': [], 'poolSize': 3, 'poolStride': 1, 'padding': True}
        config |= given
        for key in ('inputSize', 'outputSize', 'reduceSize'):
            if key not in config:
                raise ValueError(f'nn.Inception: expected {key} in the configuration')
        known = {'batchNorm', 'kernelStride', 'pool', 'transfer'} | config.keys() & _INCEPTION
        if config.keys() - known:
            raise ValueError(f'nn.Inception: no such options: {sorted(map(str, config.keys() - known))}')
        for key in ('outputSize', 'reduceSize', 'reduceStride', 'kernelSize', 'kernelStride'):
            if not isinstance(config.get(key, []), (list, tuple)):
                raise TypeError(f'nn.Inception: expected a table as {key}, got {describe(config[key])}')
        self.inputSize, self.outputSize = config['inputSize'], list(config['outputSize'])
        self.reduceSize, self.reduceStride = list(config['reduceSize']), list(config['reduceStride'])
        self.kernelSize = list(config['kernelSize'])
        self.kernelStride = list(config.get('kernelStride', [1] * len(self.kernelSize)))
        count = len(self.kernelSize)
        if not count == len(self.outputSize) == len(self.kernelStride) or len(self.reduceSize) < count:
            raise ValueError(
                'nn.Inception: expected as many outputSize, kernelSize and kernelStride, and no fewer reduceSize, '
                f'got {len(self.outputSize)}, {count}, {len(self.kernelStride)} and {len(self.reduceSize)}'
            )
        self.transfer, self.batchNorm = config.get('transfer') or ReLU(), config.get('batchNorm')
        self.padding, self.poolSize, self.poolStride = config['padding'], config['poolSize'], config['poolStride']
        self.pool = config.get('pool') or SpatialMaxPooling(
            self.poolSize, self.poolSize, self.poolStride, self.poolStride
        )
        columns = DepthConcat(2)
        for i, size in enumerate(self.kernelSize):
            column = self._reduce(i, Sequential())
            pad = size // 2 if self.padding else 0
            stride = self.kernelStride[i]
            conv = SpatialConvolution(self.reduceSize[i], self.outputSize[i], size, size, stride, stride, pad, pad)
            columns.add(self._follow(column, conv, self.outputSize[i]))
        columns.add(self._reduce(count, Sequential().add(self.pool)))
        if len(self.reduceSize) > count + 1:
            columns.add(self._reduce(count + 1, Sequential()))
        super().__init__(columns)

    def _reduce(self, i: int, column: Sequential) -> Sequential:
        """`column` with 1x1 convolution `i` (from 0) behind, if there is one."""
        if i >= len(self.reduceSize):
            return column
        stride = self.reduceStride[i] if i < len(self.reduceStride) else 1
        conv = SpatialConvolution(self.inputSize, self.reduceSize[i], 1, 1, stride, stride)
        return self._follow(column, conv, self.reduceSize[i])

    def _follow(self, column: Sequential, convolution: Module, planes: int) -> Sequential:
        column.add(convolution)
        if self.batchNorm:
            column.add(SpatialBatchNormalization(planes))
        return column.add(self.transfer.clone())

    def _batch(self, tensor: np.ndarray, what: str = 'input') -> np.ndarray:
        tensor = self.check(tensor, what)
        if tensor.ndim not in (3, 4):
            raise self.error(f'expected {what} (N, C, H, W) or (C, H, W), got shape {tensor.shape}')
        return tensor if tensor.ndim == 4 else tensor[None]

    def _call(self, method: str, input: np.ndarray, gradOutput: np.ndarray, *arguments: Any) -> Any:
        return self.call(0, method, self._batch(input), self._batch(gradOutput, 'gradOutput'), *arguments)

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        output = self.call(0, 'updateOutput', self._batch(input))
        self.output = output if input.ndim == 4 else output[0]
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        gradInput = self._call('updateGradInput', input, gradOutput)
        self.gradInput = gradInput if input.ndim == 4 else gradInput[0]
        return self.gradInput

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        self._call('accGradParameters', input, gradOutput, scale)

    def accUpdateGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, lr: float) -> None:
        self._call('accUpdateGradParameters', input, gradOutput, lr)

    def sharedAccUpdateGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, lr: float) -> None:
        self._call('sharedAccUpdateGradParameters', input, gradOutput, lr)

    def to_file(self, fields: dict[str, Any]) -> None:
        """Sizes are tables of numbers in Torch7."""
        fields['outputSize'] = list(self.outputSize)


_INCEPTION = {
    'inputSize', 'outputSize', 'reduceSize', 'reduceStride', 'kernelSize', 'padding', 'poolSize', 'poolStride',
}  # fmt: skip


class FireModule(Decorator):
    """SqueezeNet's block: few 1x1 convolutions, then many 1x1 and 3x3 ones side by side, each with a transfer function.

    Parameters
    ----------
    nInputPlane, s1x1, e1x1, e3x3
        planes of the input ``(N, nInputPlane, H, W)``, of the squeezing 1x1 convolution, and of the two that follow;
        the output is ``(N, e1x1 + e3x3, H, W)``
    activation
        the name of a transfer function of nn

    Source: github.com/Element-Research/dpnn, FireModule.lua
    """

    def __init__(self, nInputPlane: int, s1x1: int, e1x1: int, e3x3: int, activation: str = 'ReLU'):
        function = getattr(transfer, activation, None) or getattr(rectifiers, activation, None)
        if not (isinstance(function, type) and issubclass(function, Module)):
            raise ValueError(f"nn.FireModule: expected the name of one of nn's transfer functions, got {activation!r}")
        self.nInputPlane, self.s1x1, self.e1x1, self.e3x3, self.activation = nInputPlane, s1x1, e1x1, e3x3, activation
        self.squeeze = SpatialConvolution(nInputPlane, s1x1, 1, 1)
        self.expand = (
            Concat(2).add(SpatialConvolution(s1x1, e1x1, 1, 1)).add(SpatialConvolution(s1x1, e3x3, 3, 3, 1, 1, 1, 1))
        )
        super().__init__(Sequential().add(self.squeeze).add(function()).add(self.expand).add(function()))

    @property
    def module(self) -> Module:
        """The layers."""
        return self.modules[0]

    def to_file(self, fields: dict[str, Any]) -> None:
        """The field that Torch7 has for them."""
        fields['module'] = self.module

    def __str__(self) -> str:
        return (
            f'{self.typename} inputPlanes: {self.nInputPlane} -> Squeeze Planes: {self.s1x1} -> '
            f'Expand: {self.e1x1}(1x1) + {self.e3x3}(3x3), activation: {self.activation}'
        )
