"""Whole sequences in one layer: `SeqLSTM` and `SeqGRU`.

The input is a tensor ``(time, batch, size)``. The products with x are one for the whole sequence; only those with h_t
go step by step. In Torch7 `updateGradInput` has accumulated the gradients of the parameters already; here
`accGradParameters` does, and ``backward`` gives the same.
"""

import math
from typing import Any, Self

import numpy as np

from ... import random
from ...tensors import describe
from ..base import sigmoid, tensor_fields
from .gated import FastLSTM
from .sequencer import Remembering

__all__ = ['SeqGRU', 'SeqLSTM']


class Sequence(Remembering):
    """The base: a loop over time, its state, and its gradients.

    A class says how many gates it has, `steps_forward`, which computes outputs and gates, and `steps_back`, which
    computes the gradients with respect to the sums in the gates.
    """

    gates: int
    #: the fields of the state before a sequence, h last
    initial: tuple[str, ...] = ('h0',)
    cleared: tuple[str, ...] = ('output', 'gradInput', 'cell')
    weight: Any
    gradWeight: Any
    bias: Any
    gradBias: Any
    output: Any
    h0: np.ndarray
    _a: np.ndarray  # the gates of all steps
    _da: np.ndarray  # the gradients with respect to the sums in them
    _h: np.ndarray  # the outputs of all steps
    #: whether the input is (batch, time, size) and so is the output
    batchfirst: bool = False
    #: whether a step whose input is zero gives zeros, and a state of zeros
    maskzero: bool = False
    #: what is taken as state before the next sequence, once
    userPrevOutput: np.ndarray | None = None
    #: what is added to the gradient of the last state, once
    gradPrevOutput: np.ndarray | None = None
    #: the gradient with respect to the state before the sequence
    userGradPrevOutput: np.ndarray | None = None

    def set_up(self, D: int, H: int) -> None:
        """Make the parameters."""
        if min(D, H) < 1:
            raise ValueError(f'{self.typename}: expected sizes of at least 1, got {D} and {H}')
        self.weight, self.gradWeight = (np.zeros((D + H, self.gates * H)) for _ in range(2))
        self.bias, self.gradBias = (np.zeros(self.gates * H) for _ in range(2))
        self.h0 = np.empty(0)
        self.reset()

    @property
    def _sizes(self) -> tuple[int, int]:
        """D and H."""
        rows, columns = self.shape_of('weight', 2)
        H = columns // self.gates
        if not 0 < H < rows or columns != H * self.gates:
            raise self.error(f'expected weight of shape (D + H, {self.gates} H), got {(rows, columns)}')
        return rows - H, H

    def expected_shapes(self) -> dict[str, tuple[int, ...]]:
        shape = self.shape_of('weight', 2)
        self.shape_of('bias', 1)
        return {'weight': shape, 'gradWeight': shape, 'bias': shape[1:], 'gradBias': shape[1:]}

    def reset(self, stdv: float | None = None) -> Self:
        """Draw the weight normally with standard deviation `stdv`, 1 / sqrt(D + H) where not given; the bias is 0, and
        1 for the second gate."""
        self.check_parameters()
        self.expect_writable('weight', 'bias')
        D, H = self._sizes
        random.normal(0, 1 / math.sqrt(D + H) if stdv is None else stdv, out=self.weight)
        self.bias.fill(0)
        self.bias[H : 2 * H] = 1
        return self

    def maskZero(self) -> Self:
        """Let steps whose input is zero give zeros, and a state of zeros."""
        self.maskzero = True
        return self

    def _forget(self) -> None:
        self.h0 = np.empty(0, self.dtype)

    def clearState(self) -> Self:
        self._forget()
        return super().clearState()

    # The state before the sequence

    def _parts(self, input: Any) -> tuple[list, np.ndarray]:
        """The states that the input brings along, None where it does not, and x as (time, batch, size); all checked, as
        the parameters are."""
        given: list[Any] = [None] * len(self.initial)
        x = input
        if isinstance(input, (list, tuple)):
            if not 2 <= len(input) <= 1 + len(given):
                raise self.error(
                    f'expected a table of {", ".join(self.initial)} and x, or x alone, got {describe(input)}'
                )
            given[len(given) - len(input) + 1 :] = input[:-1]
            x = input[-1]
        x = self.check(x)
        self.check_parameters()
        D, H = self._sizes
        if x.ndim != 3 or x.shape[2] != D or not x.size:
            raise self.error(f'expected input of shape (time, batch, {D}), got shape {x.shape}')
        x = x.swapaxes(0, 1) if self.batchfirst else x
        shape = x.shape[1], H
        pairs = zip(self.initial, given, strict=True)
        return [state if state is None else self.check(state, name, shape) for name, state in pairs], x

    def last(self, name: str) -> np.ndarray:
        """The state after the last sequence."""
        return self.output[:, -1] if self.batchfirst else self.output[-1]

    def _begin(self, given: list, batch: int) -> list[np.ndarray]:
        """The states before the sequence."""
        shape = batch, self._sizes[1]
        states = []
        for name, state, user in zip(self.initial[::-1], given[::-1], ('userPrevOutput', 'userPrevCell'), strict=False):
            if state is None:
                state = getattr(self, user, None)
                if state is not None:
                    state = self.check(state, user, shape)
                    setattr(self, user, None)
                elif self.hasMemory() and getattr(self, name).size and self.output.size:
                    state = self.last(name)
                    if state.shape != shape:
                        raise self.error(f'expected a batch of {len(state)}, as the last one that counts, got {batch}')
                else:
                    state = np.zeros(shape, self.dtype)
                state = state.copy()
                setattr(self, name, state)
            else:
                state = state.copy()  # the caller may write over it before backward
            states.append(state)
        return states[::-1]

    # The three steps

    def steps_forward(self, x: np.ndarray, a: np.ndarray, begin: list, h: np.ndarray, keep: np.ndarray | None) -> None:
        """Fill `h` ``(time, batch, H)`` and the gates in `a`, which holds W x + b."""
        raise self.error('expected steps_forward in every layer of sequences', TypeError)

    def steps_back(self, dh: np.ndarray) -> list[np.ndarray]:
        """Fill ``_da``, the gradients with respect to the sums in the gates, from those with respect to h; the result
        is the gradients with respect to the states before the sequence, in the order of `initial`."""
        raise self.error('expected steps_back in every layer of sequences', TypeError)

    def acc_recurrent(self, gradient: np.ndarray, scale: float) -> None:
        """Add to the gradient of the rows of the weight that belong to h."""
        raise self.error('expected acc_recurrent in every layer of sequences', TypeError)

    def updateOutput(self, input: Any) -> np.ndarray:
        given, x = self._parts(input)
        D, H = self._sizes
        time, batch = x.shape[:2]
        self._given = [state is not None for state in given]
        begin = self._begin(given, batch)
        a = self.buffer('_a', (time, batch, self.gates * H))
        np.matmul(x, self.weight[:D], out=a)
        a += self.bias
        h = self.buffer('_h', (time, batch, H))
        keep = np.any(x != 0, 2) if self.maskzero else None
        self.steps_forward(x, a, begin, h, keep)
        self._begun, self._keep = begin, keep
        self.__dict__.pop('_da', None)  # what an earlier way back left
        self.output = h.swapaxes(0, 1) if self.batchfirst else h
        return self.output

    def _known(self, input: Any) -> np.ndarray:
        _, x = self._parts(input)
        if '_a' not in self.__dict__ or self._a.shape[:2] != x.shape[:2]:
            raise self.error('expected forward of this input first')
        return x

    def _back(self, gradOutput: np.ndarray) -> list[np.ndarray]:
        """`steps_back` from the gradient with respect to the output."""
        gradOutput = self.check(gradOutput, 'gradOutput', self.output.shape)
        self.buffer('_da', self._a.shape)
        return self.steps_back(gradOutput.swapaxes(0, 1) if self.batchfirst else gradOutput)

    def updateGradInput(self, input: Any, gradOutput: np.ndarray) -> Any:
        x = self._known(input)
        before = self._back(gradOutput)
        D, _ = self._sizes
        dx = np.matmul(self._da, self.weight[:D].T, out=self.buffer('_dx', x.shape))
        dx = dx.swapaxes(0, 1) if self.batchfirst else dx
        self.gradPrevOutput = None
        self.userGradPrevOutput = before[-1]
        wanted = [state for state, given in zip(before, self._given, strict=True) if given]
        self.gradInput = [*wanted, dx] if wanted else dx
        return self.gradInput

    def accGradParameters(self, input: Any, gradOutput: np.ndarray, scale: float = 1) -> None:
        x = self._known(input)
        self.check_gradients()
        went_back = '_da' in self.__dict__
        if not went_back:
            self._back(gradOutput)
        D, _ = self._sizes
        rows = self._da.reshape(-1, self._da.shape[2])
        self.gradWeight[:D] += scale * x.reshape(-1, D).T.dot(rows)
        self.acc_recurrent(self.gradWeight[D:], scale)
        self.gradBias += scale * rows.sum(0)
        if not went_back:
            del self._da  # it belongs to this gradOutput only

    def before(self) -> np.ndarray:
        """h of the step before, for all steps, with one step to a row."""
        return np.concatenate([self._begun[-1][None], self._h[:-1]]).reshape(-1, self._h.shape[2])

    # Files

    def to_file(self, fields: dict[str, Any]) -> None:
        super().to_file(fields)
        names = ('gates', 'buffer1', 'buffer2', 'buffer3', 'grad_a_buffer', 'grad_h0', 'grad_x', 'h0')
        tensor_fields(self, fields, *names)
        if isinstance(self.output, np.ndarray) and self.output.size:
            fields['_output'] = self.output.swapaxes(0, 1) if self.batchfirst else self.output

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        super().from_file(fields)
        for name in ('gates', 'buffer1', 'buffer2', 'buffer3', 'grad_a_buffer', 'grad_h0', 'grad_c0', 'grad_x'):
            fields.pop(name, None)
        for name in ('next_h', 'grad_next_h', 'recompute_backward', 'zeroMask', 'userGradPrevCell'):
            fields.pop(name, None)


class SeqLSTM(Sequence):
    """Long short-term memory without peepholes for a whole sequence.

    For t = 1, 2 ...: [i f o g] = W_x x_t + b + W_h h_{t-1}, then i, f and o through the sigmoid and g through tanh;
    c_t = f * c_{t-1} + i * g; h_t = o * tanh(c_t).

    Parameters
    ----------
    inputsize, hiddensize
        input ``(time, batch, inputsize)``, output ``(time, batch, hiddensize)``. With ``batchfirst = True`` batch and
        time change places in both. The input may also be a table {h_0, x} or {c_0, h_0, x} of the state before the
        sequence, ``(batch, hiddensize)``; gradInput is then a table as well

    The weight ``(inputsize + hiddensize, 4 hiddensize)`` has the rows for x above those for h. It begins normal with
    standard deviation 1 / sqrt(inputsize + hiddensize), the bias at 0, and at 1 for the forget gate f.

    >>> import numpy as np
    >>> from t7nn.packages import rnn
    >>> rnn.SeqLSTM(3, 4).forward(np.ones((6, 2, 3))).shape
    (6, 2, 4)

    Source: github.com/Element-Research/rnn, SeqLSTM.lua
    """

    gates = 4
    initial = ('c0', 'h0')
    inputsize: int
    hiddensize: int
    outputsize: int
    c0: np.ndarray
    cell: np.ndarray
    userPrevCell: np.ndarray | None = None
    userNextGradCell: np.ndarray | None = None
    userGradPrevCell: np.ndarray | None = None

    def __init__(self, inputsize: int, hiddensize: int):
        super().__init__()
        self.inputsize, self.hiddensize, self.outputsize = inputsize, hiddensize, hiddensize
        self.c0, self.cell = np.empty(0), np.empty(0)
        self.set_up(inputsize, hiddensize)

    def _forget(self) -> None:
        super()._forget()
        self.c0 = np.empty(0, self.dtype)

    def last(self, name: str) -> np.ndarray:
        return self.cell[-1] if name == 'c0' else super().last(name)

    def toFastLSTM(self) -> FastLSTM:
        """A `FastLSTM` with copies of the parameters and their gradients: the same, one step a call."""
        D, H = self._sizes
        lstm: Any = FastLSTM(D, H).type(self.dtype)
        order = np.concatenate([np.arange(k * H, (k + 1) * H) for k in (0, 3, 1, 2)])  # i, g, f, o
        pairs = zip(lstm.parameters(), ((self.weight, self.bias), (self.gradWeight, self.gradBias)), strict=True)
        for (of_x, bias, of_h), (weight, own_bias) in pairs:
            of_x[...], of_h[...], bias[...] = weight[:D, order].T, weight[D:, order].T, own_bias[order]
        return lstm

    def steps_forward(self, x: np.ndarray, a: np.ndarray, begin: list, h: np.ndarray, keep: np.ndarray | None) -> None:
        D, H = self._sizes
        recurrent = self.weight[D:]
        c_t, h_t = begin
        c = self.buffer('cell', h.shape)
        for t in range(len(x)):
            gates = a[t]
            gates += h_t.dot(recurrent)
            sigmoid(gates[:, : 3 * H], out=gates[:, : 3 * H])
            np.tanh(gates[:, 3 * H :], out=gates[:, 3 * H :])
            i, f, o, g = (gates[:, k * H : (k + 1) * H] for k in range(4))
            np.multiply(f, c_t, out=c[t])
            c[t] += i * g
            np.tanh(c[t], out=h[t])
            h[t] *= o
            if keep is not None:
                for array in (gates, c[t], h[t]):
                    array[~keep[t]] = 0
            c_t, h_t = c[t], h[t]

    def steps_back(self, dh: np.ndarray) -> list[np.ndarray]:
        D, H = self._sizes
        recurrent = self.weight[D:].T
        a, da, c = self._a, self._da, self.cell
        dh_t = np.zeros(c.shape[1:], self.dtype) if self.gradPrevOutput is None else self.gradPrevOutput
        dc_t = np.zeros(c.shape[1:], self.dtype) if self.userNextGradCell is None else self.userNextGradCell
        for t in reversed(range(len(c))):
            i, f, o, g = (a[t][:, k * H : (k + 1) * H] for k in range(4))
            di, df, do, dg = (da[t][:, k * H : (k + 1) * H] for k in range(4))
            dh_t = dh_t + dh[t]
            active = np.tanh(c[t])
            dc_t = dc_t + dh_t * o * (1 - active * active)
            np.multiply(dc_t * g, i * (1 - i), out=di)
            np.multiply(dc_t * (self._begun[0] if t == 0 else c[t - 1]), f * (1 - f), out=df)
            np.multiply(dh_t * active, o * (1 - o), out=do)
            np.multiply(dc_t * i, 1 - g * g, out=dg)
            dh_t = da[t].dot(recurrent)  # where a step was left out, all gates are 0, and so is this
            dc_t = dc_t * f
        self.userGradPrevCell = dc_t
        return [dc_t, dh_t]

    def updateGradInput(self, input: Any, gradOutput: np.ndarray) -> Any:
        gradInput = super().updateGradInput(input, gradOutput)
        self.userNextGradCell = None
        return gradInput

    def acc_recurrent(self, gradient: np.ndarray, scale: float) -> None:
        gradient += scale * np.dot(self.before().T, self._da.reshape(-1, self._da.shape[2]))

    def to_file(self, fields: dict[str, Any]) -> None:
        super().to_file(fields)
        tensor_fields(self, fields, 'c0', 'cell', 'grad_c0')
        fields['batchfirst'], fields['maskzero'] = self.batchfirst, self.maskzero

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        super().from_file(fields)
        if fields.get('hiddensize') is None:  # of versions without projection
            fields['hiddensize'] = fields.get('outputsize')


class SeqGRU(Sequence):
    """Gated recurrent unit for a whole sequence.

    For t = 1, 2 ...: [r u n] = W_x x_t + b; r and u have W_h h_{t-1} added and go through the sigmoid; n has
    W_h (r * h_{t-1}) added and goes through tanh; h_t = (1 - u) * n + u * h_{t-1}.

    Parameters
    ----------
    inputSize, outputSize
        input ``(time, batch, inputSize)``, output ``(time, batch, outputSize)``. With ``batchfirst = True`` batch and
        time change places in both. The input may also be a table {h_0, x}, h_0 ``(batch, outputSize)`` the state before
        the sequence; gradInput is then a table as well

    The weight ``(inputSize + outputSize, 3 outputSize)`` has the rows for x above those for h. It begins normal with
    standard deviation 1 / sqrt(inputSize + outputSize), the bias at 0, and at 1 for the update gate u.

    >>> import numpy as np
    >>> from t7nn.packages import rnn
    >>> rnn.SeqGRU(3, 4).forward(np.ones((6, 2, 3))).shape
    (6, 2, 4)

    Source: github.com/Element-Research/rnn, SeqGRU.lua
    """

    gates = 3
    cleared = ('output', 'gradInput')

    def __init__(self, inputSize: int, outputSize: int):
        super().__init__()
        self.inputSize, self.outputSize = inputSize, outputSize
        self.set_up(inputSize, outputSize)

    def steps_forward(self, x: np.ndarray, a: np.ndarray, begin: list, h: np.ndarray, keep: np.ndarray | None) -> None:
        D, H = self._sizes
        of_gates, of_new = self.weight[D:, : 2 * H], self.weight[D:, 2 * H :]
        (h_t,) = begin
        for t in range(len(x)):
            gates, n = a[t][:, : 2 * H], a[t][:, 2 * H :]
            gates += h_t.dot(of_gates)
            sigmoid(gates, out=gates)
            r, u = gates[:, :H], gates[:, H:]
            n += (r * h_t).dot(of_new)
            np.tanh(n, out=n)
            np.multiply(u, h_t - n, out=h[t])
            h[t] += n
            if keep is not None:
                a[t][~keep[t]] = 0
                h[t][~keep[t]] = 0
            h_t = h[t]

    def steps_back(self, dh: np.ndarray) -> list[np.ndarray]:
        D, H = self._sizes
        of_gates, of_new = self.weight[D:, : 2 * H].T, self.weight[D:, 2 * H :].T
        a, da, h = self._a, self._da, self._h
        dh_t = np.zeros(h.shape[1:], self.dtype) if self.gradPrevOutput is None else self.gradPrevOutput
        for t in reversed(range(len(h))):
            before = self._begun[0] if t == 0 else h[t - 1]
            r, u, n = (a[t][:, k * H : (k + 1) * H] for k in range(3))
            dr, du, dn = (da[t][:, k * H : (k + 1) * H] for k in range(3))
            dh_t = dh_t + dh[t]
            if self._keep is not None:
                dh_t[~self._keep[t]] = 0
            np.multiply(dh_t * (1 - u), 1 - n * n, out=dn)
            np.multiply(dh_t * (before - n), u * (1 - u), out=du)
            reset = dn.dot(of_new)
            np.multiply(reset * before, r * (1 - r), out=dr)
            dh_t = dh_t * u + da[t][:, : 2 * H].dot(of_gates) + reset * r
        return [dh_t]

    def acc_recurrent(self, gradient: np.ndarray, scale: float) -> None:
        H = self._sizes[1]
        rows, before = self._da.reshape(-1, 3 * H), self.before()
        gradient[:, : 2 * H] += scale * before.T.dot(rows[:, : 2 * H])
        gradient[:, 2 * H :] += scale * (self._a.reshape(-1, 3 * H)[:, :H] * before).T.dot(rows[:, 2 * H :])

    def to_file(self, fields: dict[str, Any]) -> None:
        super().to_file(fields)
        fields.update(seqLength=1, miniBatch=1, batchfirst=self.batchfirst, maskzero=self.maskzero)

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        super().from_file(fields)
        fields.pop('seqLength', None)
        fields.pop('miniBatch', None)
