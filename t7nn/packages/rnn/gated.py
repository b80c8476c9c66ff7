"""Long short-term memory and gated recurrent units, step by step, put together from nn's layers as in Lua.

The recurrent module of each maps a table {x_t, state} to the next state, so its parts can be looked at and replaced.
"""

from typing import Any, Self

import numpy as np

from ... import random
from ...layers.arithmetic import CMul
from ...layers.containers import Sequential
from ...layers.identity import Identity
from ...layers.linear import Linear
from ...layers.noise import Dropout
from ...layers.shapes import Reshape
from ...layers.table import (
    CAddTable,
    CMulTable,
    ConcatTable,
    FlattenTable,
    JoinTable,
    NarrowTable,
    ParallelTable,
    SelectTable,
    SplitTable,
)
from ...layers.transfer import Sigmoid, Tanh
from ...module import Module
from ...tensors import describe
from ..base import named, tensor_fields
from ..dpnn import LinearNoBias
from .recurrent import AbstractRecurrent

__all__ = ['GRU', 'LSTM', 'FastLSTM', 'LazyDropout', 'SAdd']


@named('nn.Dropout')
class LazyDropout(Dropout):
    """`Dropout` whose noise stays the same until `updateGradInput` is called: one mask for a whole sequence.

    Parameters
    ----------
    p
        0 <= p < 1
    v1
        the first version: y = x * noise, and y = (1 - p) x at evaluation
    inplace
        write the output into the input and gradInput into gradOutput
    lazy
        False: an ordinary `Dropout`
    mono
        one row of noise for all examples of the batch

    Source: github.com/Element-Research/rnn, Dropout.lua
    """

    lazy: bool
    mono: bool
    flag: bool

    def __init__(self, p: float = 0.5, v1: bool = False, inplace: bool = False, lazy: bool = True, mono: bool = False):
        super().__init__(p, v1, inplace)
        self.lazy, self.mono, self.flag = lazy, mono, True

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_fields()
        input = self.check(input)
        output = self.destination('output', input)
        if self.p > 0 and self.train:
            shape = (1, *input.shape[1:]) if self.mono else input.shape
            if self.flag or not self.lazy or getattr(self.noise, 'shape', None) != shape:
                noise = self.noise = np.empty(shape, self.dtype)
                random.bernoulli(1 - self.p, out=noise)
                if self.v2:
                    noise /= 1 - self.p
                self.flag = False
        return np.multiply(input, self._factor(), output)

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check_fields()
        self.flag = True
        return super().updateGradInput(input, gradOutput)

    def clearState(self) -> Self:
        self.flag = True
        return super().clearState()

    def __str__(self) -> str:
        return f'{self.typename}({self.p:.1f}, {"lazy" if self.lazy else "busy"})'


class SAdd(Module):
    """y = x + addend, or y = -(x + addend).

    Parameters
    ----------
    addend
        a number
    negate
        whether the sign is turned

    Source: github.com/Element-Research/rnn, SAdd.lua
    """

    addend: float
    negate: bool

    def __init__(self, addend: float, negate: bool = False):
        super().__init__()
        self.addend, self.negate = addend, negate

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        self.check_fields()
        output = np.add(input, self.addend, out=self.buffer_like('output', input))
        return np.negative(output, output) if self.negate else output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        self.check_fields()
        gradOutput = self.check(gradOutput, 'gradOutput', self.check(input).shape)
        gradInput = self.buffer('gradInput', input.shape)
        return np.negative(gradOutput, gradInput) if self.negate else np.add(gradOutput, 0, gradInput)


def chain(*modules: Module) -> Sequential:
    """The modules one after the other."""
    net = Sequential()
    for module in modules:
        net.add(module)
    return net


def branches(kind: type, *modules: Module) -> Any:
    """A container of this `kind`, ``ConcatTable`` or ``ParallelTable``, of the modules."""
    net = kind()
    for module in modules:
        net.add(module)
    return net


class Gated(AbstractRecurrent):
    """What `LSTM`, `FastLSTM` and `GRU` have in common: the module gets {x_t, state} and gives the next state.

    Parameters
    ----------
    inputSize, outputSize
        input ``(inputSize,)`` or ``(N, inputSize)``, output ``(outputSize,)`` or ``(N, outputSize)``
    rho
        how many steps back-propagation goes back at most
    p
        what `LazyDropout` drops of x_t and h_{t-1} in front of every matrix
    mono
        one noise for all examples of a batch
    """

    inputSize: int
    outputSize: int
    p: float
    mono: bool

    def __init__(self, inputSize: int, outputSize: int, rho: int, p: float, mono: bool):
        self.inputSize, self.outputSize, self.p, self.mono = inputSize, outputSize, p, mono
        super().__init__(self.buildModel(), rho)

    def __str__(self) -> str:
        return f'{self.typename}({self.inputSize} -> {self.outputSize})'

    def buildModel(self) -> Module:
        """The recurrent module."""
        raise self.error('expected buildModel() in every gated recurrent module', TypeError)

    def zeros(self, input: Any) -> np.ndarray:
        if not isinstance(input, np.ndarray) or input.ndim not in (1, 2):
            raise self.error(f'expected a vector or a batch of them as input, got {describe(input)}')
        if self.outputSize < 1:
            raise self.error(f'expected outputSize of at least 1, got {self.outputSize}')
        return np.zeros((*input.shape[:-1], self.outputSize), self.dtype)

    def step_input(self, step: int, input: Any) -> list:
        input = self.check(input)
        return [input, *self.previous(step, input)]

    def dropped(self, *modules: Module) -> Module:
        """The modules behind a `LazyDropout`."""
        return chain(LazyDropout(self.p, False, False, True, self.mono), *modules)

    def gates(self, count: int) -> tuple[Module, Module]:
        """From x and from h to the sums of `count` gates, one behind the other; with dropout each gate has its own
        matrices behind its own noise."""
        D, H = self.inputSize, self.outputSize
        if not self.p:
            return Linear(D, count * H), LinearNoBias(H, count * H)
        first, second = (
            chain(
                branches(ConcatTable, *(LazyDropout(self.p, False, False, True, self.mono) for _ in range(count))),
                branches(ParallelTable, *(kind(size, H) for _ in range(count))),
                JoinTable(2),
            )
            for kind, size in ((Linear, D), (LinearNoBias, H))
        )
        return first, second

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        super().from_file(fields)
        fields.setdefault('p', 0)
        fields.setdefault('mono', False)

    def to_file(self, fields: dict[str, Any]) -> None:
        """Torch7 begins with a tensor of zeros."""
        super().to_file(fields)
        tensor_fields(self, fields, 'zeroTensor')
        fields.update(cells=getattr(self, 'cells', {}), gradCells={})


class LSTM(Gated):
    """Long short-term memory with peepholes: the gates see the cell too.

    With s the sigmoid, * element by element, and diagonal matrices p_i, p_f, p_o,

    - i = s(W_i x + U_i h + p_i * c), f = s(W_f x + U_f h + p_f * c), the input and the forget gate
    - g = tanh(W_g x + U_g h), c' = f * c + i * g, the next cell
    - o = s(W_o x + U_o h + p_o * c'), h' = o * tanh(c'), the output

    x_t comes in, h_t goes out; every W has a bias.

    Parameters
    ----------
    inputSize, outputSize
        input ``(inputSize,)`` or ``(N, inputSize)``, output ``(outputSize,)`` or ``(N, outputSize)``; outputSize is
        inputSize where not given
    rho
        how many steps back-propagation goes back at most
    cell2gate
        False: without peepholes
    p
        what `LazyDropout` drops of x and h in front of every matrix
    mono
        one noise for all examples of a batch

    Source: github.com/Element-Research/rnn, LSTM.lua
    """

    states = ('outputs', 'cells')
    cells: dict[int, Any]

    def __init__(
        self,
        inputSize: int,
        outputSize: int | None = None,
        rho: int = 9999,
        cell2gate: bool = True,
        p: float = 0,
        mono: bool = False,
    ):
        self.cell2gate = cell2gate
        super().__init__(inputSize, inputSize if outputSize is None else outputSize, rho, p, mono)

    def buildGate(self) -> Module:
        """From {x, h, c} to a gate."""
        D, H = self.inputSize, self.outputSize
        parts = [self.dropped(Linear(D, H)), self.dropped(LinearNoBias(H, H))]
        if self.cell2gate:
            return chain(branches(ParallelTable, *parts, CMul(H)), CAddTable(), Sigmoid())
        return chain(NarrowTable(1, 2), branches(ParallelTable, *parts), CAddTable(), Sigmoid())

    def buildModel(self) -> Module:
        D, H = self.inputSize, self.outputSize
        self.inputGate, self.forgetGate = self.buildGate(), self.buildGate()
        both = branches(ParallelTable, self.dropped(Linear(D, H)), self.dropped(LinearNoBias(H, H)))
        self.hiddenLayer = chain(NarrowTable(1, 2), both, CAddTable(), Tanh())
        kept = chain(branches(ConcatTable, self.forgetGate, SelectTable(3)), CMulTable())
        new = chain(branches(ConcatTable, self.inputGate, self.hiddenLayer), CMulTable())
        self.cellLayer = chain(branches(ConcatTable, kept, new), CAddTable())
        self.outputGate = self.buildGate()
        output = chain(branches(ConcatTable, self.outputGate, chain(SelectTable(3), Tanh())), CMulTable())
        return chain(
            branches(ConcatTable, NarrowTable(1, 2), self.cellLayer),
            FlattenTable(),  # {x, h, c'}
            branches(ConcatTable, output, SelectTable(3)),
        )

    @property
    def cell(self) -> Any:
        """The cell after the last step."""
        return self.cells.get(self.step - 1)


class FastLSTM(LSTM):
    """Long short-term memory without peepholes, all gates by one matrix for x and one for h.

    The rows of W, b and U are those of i, g, f and o, in this order: i = s(.), g = tanh(.), f = s(.), o = s(.) of
    W x + b + U h; c' = f * c + i * g, h' = o * tanh(c').

    Parameters
    ----------
    inputSize, outputSize, rho, p, mono
        as in `LSTM`
    eps, momentum, affine
        for the batch normalisation that files of FastLSTM may have; unused here

    Source: github.com/Element-Research/rnn, FastLSTM.lua
    """

    def __init__(
        self,
        inputSize: int,
        outputSize: int | None = None,
        rho: int = 9999,
        eps: float | None = None,
        momentum: float | None = None,
        affine: bool = True,
        p: float = 0,
        mono: bool = False,
    ):
        self.eps, self.momentum, self.affine = eps, momentum, affine
        super().__init__(inputSize, outputSize, rho, True, p, mono)

    def buildModel(self) -> Module:
        self.i2g, self.o2g = self.gates(4)
        gates = chain(
            NarrowTable(1, 2),
            branches(ParallelTable, self.i2g, self.o2g),
            CAddTable(),
            Reshape(4, self.outputSize),
            SplitTable(1, 2),
            branches(ParallelTable, Sigmoid(), Tanh(), Sigmoid(), Sigmoid()),
        )
        new = chain(NarrowTable(1, 2), CMulTable())
        kept = chain(branches(ConcatTable, SelectTable(3), SelectTable(5)), CMulTable())
        cell = chain(branches(ConcatTable, new, kept), CAddTable())
        active = chain(SelectTable(1), Tanh())
        output = chain(branches(ConcatTable, active, SelectTable(2)), CMulTable())
        return chain(
            branches(ConcatTable, gates, SelectTable(3)),
            FlattenTable(),  # {i, g, f, o, c}
            branches(ConcatTable, cell, SelectTable(4)),
            FlattenTable(),  # {c', o}
            branches(ConcatTable, output, SelectTable(1)),
        )


class GRU(Gated):
    """Gated recurrent unit.

    - r = s(W_r x + U_r h), z = s(W_z x + U_z h), the reset and the update gate; one W, b and U for both, r first
    - n = tanh(W_n x + b_n + U_n (r * h)), h' = (1 - z) * n + z * h, the output

    Parameters
    ----------
    inputSize, outputSize
        input ``(inputSize,)`` or ``(N, inputSize)``, output ``(outputSize,)`` or ``(N, outputSize)``
    rho
        how many steps back-propagation goes back at most
    p
        what `LazyDropout` drops of x and h in front of every matrix
    mono
        one noise for all examples of a batch

    Source: github.com/Element-Research/rnn, GRU.lua
    """

    def __init__(self, inputSize: int, outputSize: int, rho: int = 9999, p: float = 0, mono: bool = False):
        super().__init__(inputSize, outputSize, rho, p, mono)

    def buildModel(self) -> Module:
        self.i2g, self.o2g = self.gates(2)
        gates = chain(
            branches(ParallelTable, self.i2g, self.o2g),
            CAddTable(),
            Reshape(2, self.outputSize),
            SplitTable(1, 2),
            branches(ParallelTable, Sigmoid(), Sigmoid()),
        )
        D, H = self.inputSize, self.outputSize
        dropped = self.dropped if self.p else chain
        of_x = chain(SelectTable(1), *dropped(Linear(D, H)).modules)
        of_h = chain(NarrowTable(2, 2), CMulTable(), *dropped(LinearNoBias(H, H)).modules)
        new = chain(branches(ConcatTable, of_x, of_h), CAddTable(), Tanh())
        share = chain(SelectTable(4), SAdd(-1, True))  # 1 - z
        taken = chain(branches(ConcatTable, new, share), CMulTable())
        kept = chain(NarrowTable(4, 2), CMulTable())
        return chain(
            branches(ConcatTable, Identity(), gates),
            FlattenTable(),  # {x, h, r, z}
            branches(ConcatTable, NarrowTable(1, 4), SelectTable(2)),
            FlattenTable(),  # {x, h, r, z, h}
            branches(ConcatTable, taken, kept),
            CAddTable(),
        )

    def __str__(self) -> str:
        return f'{self.typename}({self.inputSize} -> {self.outputSize}, {self.p:.2f})'
