"""soumith/cudnn.torch: what it has and nn has not, on the CPU.

Most classes of cudnn.torch are classes of nn under another name: the .t7 reader makes ``cudnn.SpatialConvolution`` an
``nn.SpatialConvolution``. Here is the rest that has a meaning without a GPU: the recurrent networks, whose parameters
cuDNN keeps in one vector, cross entropies of images and volumes, and soft-max of volumes.
"""

import math
from typing import Any, Self

import numpy as np

from .. import random
from ..criterions.classification import SpatialClassNLLCriterion
from ..layers.transfer import LogSoftMax, SoftMax
from ..module import Criterion, Module
from ..tensors import describe
from .base import named, sigmoid, tensor_fields

__all__ = [
    'BGRU',
    'BLSTM',
    'GRU',
    'LSTM',
    'RNN',
    'RNNReLU',
    'RNNTanh',
    'SpatialCrossEntropyCriterion',
    'VolumetricCrossEntropyCriterion',
    'VolumetricLogSoftMax',
    'VolumetricSoftMax',
]


class Plain:
    """h' = f(W x + b_W + R h + b_R). The base of the cells: what a cell does at one step, forward and back.

    `sums` are the columns of W x + b_W, `recurrent` those of R h + b_R.
    """

    gates = 1

    @staticmethod
    def function(a: np.ndarray) -> np.ndarray:
        """f."""
        return np.tanh(a)

    @staticmethod
    def slope(y: np.ndarray) -> np.ndarray:
        """f' from y = f(a)."""
        return 1 - y * y

    def forward(self, sums: np.ndarray, recurrent: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple:
        """h', c', and what the way back needs."""
        y = self.function(sums + recurrent)
        return y, c, y

    def backward(self, kept: Any, dh: np.ndarray, dc: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple:
        """The gradients with respect to `sums`, to `recurrent`, directly to h, and to c."""
        da = dh * self.slope(kept)
        return da, da, 0, dc


class Rectified(Plain):
    """The same with f = max(., 0)."""

    @staticmethod
    def function(a: np.ndarray) -> np.ndarray:
        return np.maximum(a, 0)

    @staticmethod
    def slope(y: np.ndarray) -> np.ndarray:
        return (y > 0).astype(y.dtype)


class LongShort(Plain):
    """Gates i, f, g, o in this order: c' = f c + i g, h' = o tanh(c')."""

    gates = 4

    def forward(self, sums, recurrent, h, c):
        i, f, g, o = np.split(sums + recurrent, 4, 1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        active = np.tanh(c)
        return o * active, c, (i, f, g, o, active)

    def backward(self, kept, dh, dc, h, c):
        i, f, g, o, active = kept
        dc = dc + dh * o * (1 - active * active)
        parts = dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g), dh * active * o * (1 - o)
        da = np.concatenate(parts, 1)
        return da, da, 0, dc * f


class GatedUnit(Plain):
    """Gates r, z, n in this order: n = tanh(W x + b_W + r (R h + b_R)), h' = (1 - z) n + z h."""

    gates = 3

    def forward(self, sums, recurrent, h, c):
        H = h.shape[1]
        r, z = (sigmoid(sums[:, k * H : (k + 1) * H] + recurrent[:, k * H : (k + 1) * H]) for k in range(2))
        of_h = recurrent[:, 2 * H :]
        n = np.tanh(sums[:, 2 * H :] + r * of_h)
        return n + z * (h - n), c, (r, z, n, of_h)

    def backward(self, kept, dh, dc, h, c):
        r, z, n, of_h = kept
        dn = dh * (1 - z) * (1 - n * n)
        dr, dz = dn * of_h * r * (1 - r), dh * (h - n) * z * (1 - z)
        return np.concatenate([dr, dz, dn], 1), np.concatenate([dr, dz, dn * r], 1), dh * z, dc


CELLS: dict[str, Plain] = {
    'CUDNN_RNN_RELU': Rectified(),
    'CUDNN_RNN_TANH': Plain(),
    'CUDNN_LSTM': LongShort(),
    'CUDNN_GRU': GatedUnit(),
}


@named('cudnn.RNN')
class RNN(Module):
    """Layers of a recurrent network for a whole sequence, each on the outputs of the one below.

    Parameters
    ----------
    inputSize, hiddenSize
        input ``(time, batch, inputSize)``, output ``(time, batch, hiddenSize)``
    numLayers
        one on the other
    batchFirst
        batch and time change places in input and output
    dropout
        of what goes from layer to layer, while training
    rememberStates
        go on where the last sequence ended, as long as the batch has the same size

    ``hiddenInput`` and ``cellInput`` ``(numLayers, batch, hiddenSize)`` may be set as the state before the sequence;
    ``hiddenOutput`` and ``cellOutput`` are the state behind it. ``weight`` is cuDNN's vector: for each layer W
    ``(gates * hiddenSize, size below)`` and R ``(gates * hiddenSize, hiddenSize)``, one layer behind the other, then
    for each layer b_W and b_R. With two directions each layer has both, forward first. All begin uniform in
    +-1/sqrt(hiddenSize). What a step does, the classes tell; this one is `RNNReLU`.

    Source: github.com/soumith/cudnn.torch, RNN.lua
    """

    _layers: list[tuple]
    _sums: dict[int, tuple]
    #: cuDNN's name of the cell
    cell: str = 'CUDNN_RNN_RELU'
    inputSize: int
    hiddenSize: int
    numLayers: int
    batchFirst: bool
    dropout: float
    rememberStates: bool
    mode: str
    bidirectional: str = 'CUDNN_UNIDIRECTIONAL'
    numDirections: int = 1
    weight: Any
    gradWeight: Any
    hiddenInput: np.ndarray | None = None
    cellInput: np.ndarray | None = None
    gradHiddenOutput: np.ndarray | None = None
    gradCellOutput: np.ndarray | None = None
    hiddenOutput: np.ndarray
    cellOutput: np.ndarray

    def __init__(
        self,
        inputSize: int,
        hiddenSize: int,
        numLayers: int,
        batchFirst: bool = False,
        dropout: float = 0,
        rememberStates: bool = False,
    ):
        super().__init__()
        self.inputSize, self.hiddenSize, self.numLayers = inputSize, hiddenSize, numLayers
        self.batchFirst, self.dropout, self.rememberStates = batchFirst, dropout, rememberStates
        self.mode = self.cell
        self._expect_ranges()
        self.train = True
        self.weight, self.gradWeight = (np.zeros(self._size()) for _ in range(2))
        self.hiddenOutput, self.cellOutput = np.empty(0), np.empty(0)
        self.reset()

    def _expect_ranges(self) -> None:
        self.check_fields()
        sizes = self.inputSize, self.hiddenSize, self.numLayers
        if min(sizes) < 1 or not 0 <= self.dropout < 1:
            raise self.error(
                'expected inputSize, hiddenSize and numLayers of at least 1 and 0 <= dropout < 1, '
                f'got {", ".join(map(str, sizes))} and {self.dropout}'
            )
        if self.mode not in CELLS or self.numDirections not in (1, 2):
            raise self.error(
                f'expected one of {", ".join(CELLS)} as mode and 1 or 2 directions, '
                f'got {self.mode} and {self.numDirections}'
            )

    @property
    def _cell(self) -> Plain:
        return CELLS[self.mode]

    def _shapes(self) -> list[tuple[int, int]]:
        """The shapes of W and R of every layer and direction."""
        rows, shapes = self._cell.gates * self.hiddenSize, []
        for layer in range(self.numLayers):
            below = self.hiddenSize * self.numDirections if layer else self.inputSize
            shapes += [(rows, below), (rows, self.hiddenSize)] * self.numDirections
        return shapes

    def _size(self) -> int:
        return sum(rows * columns + rows for rows, columns in self._shapes())

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        self._expect_ranges()
        return dict.fromkeys(('weight', 'gradWeight'), (self._size(),))

    def _split(self, flat: np.ndarray) -> list[tuple[np.ndarray, ...]]:
        """W, R, b_W and b_R of every layer and direction, as views of the vector."""
        parts, start = [], 0
        for shape in (*self._shapes(), *((rows,) for rows, _ in self._shapes())):
            end = start + math.prod(shape)
            parts.append(flat[start:end].reshape(shape))
            start = end
        half = len(parts) // 2
        matrices, biases = parts[:half], parts[half:]
        return [(*matrices[i : i + 2], *biases[i : i + 2]) for i in range(0, half, 2)]

    def reset(self, stdv: float | None = None) -> Self:
        """Draw all parameters uniformly in +-`stdv`, 1 / sqrt(hiddenSize) where not given."""
        self._expect_ranges()
        stdv = 1 / math.sqrt(self.hiddenSize) if stdv is None else stdv
        random.uniform(-stdv, stdv, out=self.weight)
        return self

    def resetStates(self) -> None:
        """Begin with zeros again."""
        self.hiddenInput = self.cellInput = self.gradHiddenOutput = self.gradCellOutput = None
        self.hiddenOutput, self.cellOutput = np.empty(0, self.dtype), np.empty(0, self.dtype)

    def _state(self, name: str, batch: int) -> np.ndarray:
        shape = self.numLayers * self.numDirections, batch, self.hiddenSize
        state = getattr(self, name)
        if state is None or not state.size:
            return np.zeros(shape, self.dtype)
        state = self.check(state, name, shape)
        return state

    def _sequence(self, tensor: np.ndarray, what: str, size: int) -> np.ndarray:
        """As (time, batch, size)."""
        tensor = self.check(tensor, what)
        if tensor.ndim != 3 or tensor.shape[2] != size or not tensor.size:
            order = 'batch, time' if self.batchFirst else 'time, batch'
            raise self.error(f'expected {what} of shape ({order}, {size}), got shape {tensor.shape}')
        return tensor.swapaxes(0, 1) if self.batchFirst else tensor

    def _input(self, input: np.ndarray) -> np.ndarray:
        """The input as (time, batch, inputSize), checked, as the parameters are."""
        self.check_parameters()
        self.shape_of('weight', 1)
        return self._sequence(input, 'input', self.inputSize)

    # One layer in one direction

    def _layer(self, x: np.ndarray, parameters: tuple, h: np.ndarray, c: np.ndarray) -> tuple:
        """Outputs, last states, and what the way back needs, step by step."""
        W, R, b_W, b_R = parameters
        sums, outputs, steps = x @ W.T + b_W, np.empty((*x.shape[:2], self.hiddenSize), self.dtype), []
        for t in range(len(x)):
            before = h, c
            h, c, kept = self._cell.forward(sums[t], h @ R.T + b_R, h, c)
            outputs[t] = h
            steps.append((before, kept))
        return outputs, h, c, steps

    def _layer_back(self, dy: np.ndarray, parameters: tuple, steps: list, dh: np.ndarray, dc: np.ndarray) -> tuple:
        """Gradients with respect to the layer's input and first states, and to its sums, of both kinds."""
        W, R, _, _ = parameters
        da, dr = (np.empty((*dy.shape[:2], len(W)), self.dtype) for _ in range(2))
        for t in reversed(range(len(dy))):
            (h, c), kept = steps[t]
            da[t], dr[t], direct, dc = self._cell.backward(kept, dh + dy[t], dc, h, c)
            dh = dr[t] @ R + direct
        return da @ W, dh, dc, da, dr

    # The three steps

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        x = self._input(input)
        batch, D = x.shape[1], self.numDirections
        if self.rememberStates:
            same = self.hiddenOutput.shape == (self.numLayers * D, batch, self.hiddenSize)
            self.hiddenInput, self.cellInput = (self.hiddenOutput, self.cellOutput) if same else (None, None)
        hs, cs = self._state('hiddenInput', batch), self._state('cellInput', batch)
        self.hiddenOutput, self.cellOutput = np.empty(hs.shape, self.dtype), np.empty(hs.shape, self.dtype)
        parameters = self._split(self.weight)
        layers: list[tuple] = []
        for layer in range(self.numLayers):
            noise = None
            if layer and self.dropout and self.train is not False:
                noise = np.empty(x.shape, self.dtype)
                random.bernoulli(1 - self.dropout, out=noise)
                noise /= 1 - self.dropout
                x = x * noise
            outputs, steps = [], []
            for direction in range(D):
                i = layer * D + direction
                y, h, c, kept = self._layer(x[::-1] if direction else x, parameters[i], hs[i], cs[i])
                self.hiddenOutput[i], self.cellOutput[i] = h, c
                outputs.append(y[::-1] if direction else y)
                steps.append(kept)
            layers.append((x if layer else None, noise, steps))  # the input is the caller's: backward gets it
            x = np.concatenate(outputs, 2) if D > 1 else outputs[0]
        self._layers, self._sums = layers, {}
        self.output = x.swapaxes(0, 1) if self.batchFirst else x
        return self.output

    def _known(self, input: np.ndarray) -> np.ndarray:
        """The input of the last forward, as (time, batch, inputSize)."""
        x = self._input(input)
        if len(self.__dict__.get('_layers', ())) != self.numLayers or input.shape[:2] != self.output.shape[:2]:
            raise self.error('expected forward of this input first')
        return x

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        first = self._known(input)
        gradOutput = self.check(gradOutput, 'gradOutput', self.output.shape)
        dx = self._sequence(gradOutput, 'gradOutput', self.hiddenSize * self.numDirections)
        batch, D, H = dx.shape[1], self.numDirections, self.hiddenSize
        of_h, of_c = self._state('gradHiddenOutput', batch), self._state('gradCellOutput', batch)
        self.gradHiddenInput, self.gradCellInput = np.empty(of_h.shape, self.dtype), np.empty(of_h.shape, self.dtype)
        parameters = self._split(self.weight)
        self._sums = {}
        for layer in reversed(range(self.numLayers)):
            x, noise, steps = self._layers[layer]
            dy, dx = dx, np.zeros((x if layer else first).shape, self.dtype)
            for direction in range(D):
                i, part = layer * D + direction, dy[..., direction * H : (direction + 1) * H]
                part = part[::-1] if direction else part
                below, dh, dc, da, dr = self._layer_back(part, parameters[i], steps[direction], of_h[i], of_c[i])
                self.gradHiddenInput[i], self.gradCellInput[i] = dh, dc
                dx += below[::-1] if direction else below
                self._sums[i] = da, dr
            if noise is not None:
                dx *= noise
        gradInput = dx.swapaxes(0, 1) if self.batchFirst else dx
        np.copyto(self.buffer('gradInput', input.shape), gradInput)
        return self.gradInput

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        first = self._known(input)
        gradOutput = self.check(gradOutput, 'gradOutput', self.output.shape)
        if not self.__dict__.get('_sums'):
            raise self.error('expected updateGradInput before accGradParameters')
        self.check_gradients()
        for i, (gradW, gradR, grad_b_W, grad_b_R) in enumerate(self._split(self.gradWeight)):
            layer, direction = divmod(i, self.numDirections)
            between, _, steps = self._layers[layer]
            x = between if layer else first
            da, dr = (sums.reshape(-1, sums.shape[2]) for sums in self._sums[i])
            h = np.concatenate([before for (before, _), _ in steps[direction]])
            gradW += scale * da.T.dot((x[::-1] if direction else x).reshape(len(da), -1))
            gradR += scale * dr.T.dot(h)
            grad_b_W += scale * da.sum(0)
            grad_b_R += scale * dr.sum(0)

    def to_file(self, fields: dict[str, Any]) -> None:
        """Fields of Torch7's constructor."""
        fields.update(datatype='CUDNN_DATA_FLOAT', inputMode='CUDNN_LINEAR_INPUT', seqLength=1, miniBatch=1)
        fields.update(bidirectional=self.bidirectional, numDirections=self.numDirections)
        fields.update(seed=0x01234567, sync=True, inputPacked=False)
        tensor_fields(self, fields, 'reserve', 'gradHiddenInput', 'gradCellInput')

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        for name in ('datatype', 'seqLength', 'miniBatch', 'seed', 'sync', 'inputPacked', 'reserve', 'dropoutStates'):
            fields.pop(name, None)
        if fields.pop('inputMode', 'CUDNN_LINEAR_INPUT') != 'CUDNN_LINEAR_INPUT':
            raise ValueError('expected CUDNN_LINEAR_INPUT as inputMode')
        for name, value in (('batchFirst', False), ('dropout', 0), ('rememberStates', False)):
            fields.setdefault(name, value)
        fields.setdefault('mode', cls.cell)
        for name in ('hiddenOutput', 'cellOutput'):
            fields.setdefault(name, np.empty(0))
        if fields['mode'] not in CELLS:
            raise ValueError(f'expected one of {", ".join(CELLS)} as mode')


@named('cudnn.RNNReLU')
class RNNReLU(RNN):
    """`RNN` whose steps are h' = max(W x + b_W + R h + b_R, 0).

    Source: github.com/soumith/cudnn.torch, RNNReLU.lua
    """


@named('cudnn.RNNTanh')
class RNNTanh(RNN):
    """`RNN` whose steps are h' = tanh(W x + b_W + R h + b_R).

    Source: github.com/soumith/cudnn.torch, RNNTanh.lua
    """

    cell = 'CUDNN_RNN_TANH'


@named('cudnn.LSTM')
class LSTM(RNN):
    """`RNN` whose steps are those of a long short-term memory without peepholes.

    The rows of W, R, b_W and b_R are those of i, f, g and o: i = s(.), f = s(.), g = tanh(.), o = s(.) of
    W x + b_W + R h + b_R, s the sigmoid; c' = f c + i g, h' = o tanh(c').

    Source: github.com/soumith/cudnn.torch, LSTM.lua
    """

    cell = 'CUDNN_LSTM'


@named('cudnn.GRU')
class GRU(RNN):
    """`RNN` whose steps are those of a gated recurrent unit.

    The rows of W, R, b_W and b_R are those of r, z and n: r = s(.), z = s(.) of W x + b_W + R h + b_R, s the sigmoid;
    n = tanh(W x + b_W + r (R h + b_R)), h' = (1 - z) n + z h.

    Source: github.com/soumith/cudnn.torch, GRU.lua
    """

    cell = 'CUDNN_GRU'


class Bidirectional(RNN):
    """`RNN` whose layers go through the sequence in both directions."""

    bidirectional = 'CUDNN_BIDIRECTIONAL'
    numDirections = 2

    def __init__(self, inputSize: int, hiddenSize: int, numLayers: int, batchFirst: bool = False, dropout: float = 0):
        super().__init__(inputSize, hiddenSize, numLayers, batchFirst, dropout)


@named('cudnn.BLSTM')
class BLSTM(Bidirectional):
    """`LSTM` in both directions: output ``(time, batch, 2 hiddenSize)``, what goes forward first.

    Source: github.com/soumith/cudnn.torch, BLSTM.lua
    """

    cell = 'CUDNN_LSTM'


@named('cudnn.BGRU')
class BGRU(Bidirectional):
    """`GRU` in both directions: output ``(time, batch, 2 hiddenSize)``, what goes forward first.

    Source: github.com/soumith/cudnn.torch, BGRU.lua
    """

    cell = 'CUDNN_GRU'


@named('cudnn.SpatialCrossEntropyCriterion')
class SpatialCrossEntropyCriterion(Criterion):
    """`SpatialClassNLLCriterion` of the `LogSoftMax` over the classes: for every pixel, its class among all.

    Parameters
    ----------
    weights
        one for each class, or None

    Input ``(N, classes, H, W)``, target ``(N, H, W)`` of classes from 1. ``sizeAverage``: the mean over all pixels, as
    it is from the beginning, or the sum.

    Source: github.com/soumith/cudnn.torch, SpatialCrossEntropyCriterion.lua
    """

    dimensions = 4
    sizeAverage: bool = True

    def __init__(self, weights: np.ndarray | None = None):
        super().__init__()
        self.slsm, self.nll = LogSoftMax(), SpatialClassNLLCriterion(weights)
        self.sizeAverage = True

    def _folded(self, input: np.ndarray, target: Any) -> tuple[np.ndarray, np.ndarray]:
        """Input and target as images."""
        self.check_fields()
        input = self.check(input)
        if input.ndim != self.dimensions or not input.size:
            raise self.error(f'expected input of {self.dimensions} dimensions, got shape {input.shape}')
        shape = (len(input), *input.shape[2:])
        if not isinstance(target, np.ndarray) or target.shape != shape:
            raise self.error(f'expected target of shape {shape}, got {describe(target)}')
        N, classes, width = len(input), input.shape[1], input.shape[-1]
        return input.reshape(N, classes, -1, width), target.reshape(N, -1, width)

    def updateOutput(self, input: np.ndarray, target: Any = None) -> Any:
        input, target = self._folded(input, target)
        self.nll.sizeAverage = self.sizeAverage
        self.output = self.nll.updateOutput(self.slsm.updateOutput(input), target)
        return self.output

    def updateGradInput(self, input: np.ndarray, target: Any = None) -> np.ndarray:
        folded, target = self._folded(input, target)
        gradient = self.nll.updateGradInput(self.slsm.output, target)
        self.gradInput = self.slsm.updateGradInput(folded, gradient).reshape(input.shape)
        return self.gradInput


@named('cudnn.VolumetricCrossEntropyCriterion')
class VolumetricCrossEntropyCriterion(SpatialCrossEntropyCriterion):
    """`SpatialCrossEntropyCriterion` for volumes: input ``(N, classes, T, H, W)``, target ``(N, T, H, W)``.

    Source: github.com/soumith/cudnn.torch, VolumetricCrossEntropyCriterion.lua
    """

    dimensions = 5

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        inner = fields.pop('scec', None)
        if isinstance(inner, SpatialCrossEntropyCriterion):
            fields.update(slsm=inner.slsm, nll=inner.nll, sizeAverage=inner.sizeAverage)

    def to_file(self, fields: dict[str, Any]) -> None:
        """Torch7's has the one for images inside."""
        inner = SpatialCrossEntropyCriterion().type(self.dtype)
        inner.slsm, inner.nll, inner.sizeAverage = self.slsm, self.nll, self.sizeAverage
        fields['scec'] = inner


@named('cudnn.VolumetricSoftMax')
class VolumetricSoftMax(Module):
    """`SoftMax` over the planes of a volume, at every place: input ``(C, T, H, W)`` or ``(N, C, T, H, W)``.

    Source: github.com/soumith/cudnn.torch, VolumetricSoftMax.lua
    """

    layer: type[Module] = SoftMax

    def __init__(self):
        super().__init__()
        self.ssm = self.layer()

    @staticmethod
    def _fold(tensor: np.ndarray) -> np.ndarray:
        return tensor.reshape(*tensor.shape[:-3], -1, tensor.shape[-1])

    def _volumes(self, input: np.ndarray) -> np.ndarray:
        """`input` as a plain array, checked."""
        input = self.check(input)
        if input.ndim not in (4, 5):
            raise self.error(f'expected volumes (N, C, T, H, W) or (C, T, H, W), got shape {input.shape}')
        return input

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self._volumes(input)
        self.output = self.ssm.updateOutput(self._fold(input)).reshape(input.shape)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        input = self._volumes(input)
        gradOutput = self.check(gradOutput, 'gradOutput', input.shape)
        self.gradInput = self.ssm.updateGradInput(self._fold(input), self._fold(gradOutput)).reshape(input.shape)
        return self.gradInput

    def clearState(self) -> Self:
        self.ssm.clearState()
        return super().clearState()

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        from ..serialization.values import TENSORS

        if not isinstance(fields.get('ssm'), cls.layer):  # cudnn's has one class for both, and a field that tells
            fields['ssm'] = cls.layer().type(TENSORS.get(str(fields.get('_type')), np.dtype(float)))


@named('cudnn.VolumetricLogSoftMax')
class VolumetricLogSoftMax(VolumetricSoftMax):
    """`LogSoftMax` over the planes of a volume, at every place: input ``(C, T, H, W)`` or ``(N, C, T, H, W)``.

    Source: github.com/soumith/cudnn.torch, VolumetricLogSoftMax.lua
    """

    layer = LogSoftMax
