"""Sequencers: modules for whole sequences, which they take apart into steps.

A sequence is a table, one item a step, or a tensor whose first dimension is the time.

>>> import numpy as np
>>> import t7nn as nn
>>> from t7nn.packages import rnn
>>> net = rnn.Sequencer(nn.Sequential().add(rnn.LSTM(3, 4)).add(nn.Linear(4, 2)))
>>> net.forward(np.ones((5, 1, 3))).shape
(5, 1, 2)
>>> net.backward(np.ones((5, 1, 3)), np.ones((5, 1, 2))).shape
(5, 1, 3)
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ...layers.containers import Container, Sequential
from ...layers.table import ConcatTable, JoinTable, ZipTable
from ...module import Criterion, Module
from ...tensors import describe, nested_map, plain
from ..dpnn import ReverseTable
from .recurrent import AbstractRecurrent, Recursor, forget

__all__ = ['AbstractSequencer', 'BiSequencer', 'Repeater', 'Sequencer', 'SequencerCriterion']

MODES = ('both', 'eval', 'train', 'neither')


class Remembering(Module):
    """What goes from one sequence to the next, or begins anew."""

    #: when the memory of a sequence is kept for the next one
    remembering: str

    def __init__(self):
        super().__init__()
        self.remembering = 'neither'

    def remember(self, remember: str = 'both') -> Self:
        """Go on where the last sequence ended: while training (``'train'``), while evaluating (``'eval'``), ``'both'``
        or ``'neither'``."""
        if remember not in MODES:
            raise self.error(f'expected one of {", ".join(MODES)}, got {remember!r}')
        self.remembering = remember
        return self

    def hasMemory(self) -> bool:
        """Whether the next sequence is to go on where the last one ended."""
        self.check_fields()
        return self.remembering in ('both', 'eval' if self.train is False else 'train')

    def forget(self) -> Self:
        """Begin anew with the next sequence."""
        forget(self)
        return self

    def training(self) -> None:
        if self.train is False:
            self.forget()
        super().training()

    def evaluate(self) -> None:
        if self.train is not False:
            self.forget()
        super().evaluate()

    def to_file(self, fields: dict[str, Any]) -> None:
        """Torch7's name of it."""
        fields['_remember'] = fields.pop('remembering', 'neither')

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        fields['remembering'] = fields.pop('_remember', None) or 'neither'


class AbstractSequencer(Remembering, Container):
    """The base of containers that take sequences apart.

    Source: github.com/Element-Research/rnn, AbstractSequencer.lua
    """

    def steps(self, sequence: Any, what: str = 'input', count: int | None = None) -> Sequence:
        """The items of a sequence, as many as `count`; of any dtype, which the module itself looks at."""
        if isinstance(sequence, np.ndarray):
            sequence = plain(sequence, lambda got: self.error(f'expected a tensor as {what}, got {got}', TypeError))
        else:
            self.check_table(sequence, None, what)
        number = 0 if isinstance(sequence, np.ndarray) and not sequence.ndim else len(sequence)
        if number and count in (None, number):
            return sequence
        raise self.error(f'expected a sequence of {count or "at least one"} as {what}, got {describe(sequence)}')

    def joined(self, name: str, parts: list, sequence: Any) -> Any:
        """`parts`, one a step, in the form of `sequence`, under ``output`` or ``gradInput``."""
        if not isinstance(sequence, np.ndarray):
            setattr(self, name, parts)
            return parts
        shapes = {part.shape if isinstance(part, np.ndarray) else None for part in parts}
        if len(shapes) > 1 or None in shapes:
            raise self.error(f'expected a module that gives tensors of one shape where the input is a tensor: {name}')
        buffer = self.buffer(name, (len(parts), *parts[0].shape), parts[0].dtype)
        return np.stack(parts, out=buffer)

    def rewind(self, name: str) -> None:
        """Let the way back begin at the last step."""
        for inner in self.listModules():
            if isinstance(inner, AbstractRecurrent):
                setattr(inner, name, None)

    def __str__(self) -> str:
        return f'{self.typename} @ {self.modules[0]}'


def recurrent(module: Module) -> AbstractRecurrent:
    """`module` as one that takes steps."""
    return module if isinstance(module, AbstractRecurrent) else Recursor(module)


class Sequencer(AbstractSequencer):
    """Calls `module` for every item of a sequence: the output is the sequence of its outputs.

    Each sequence begins anew, unless `remember` says otherwise. ``backward`` goes through the steps in reverse.

    Parameters
    ----------
    module
        a recurrent module, or any other, which is then wrapped in a `Recursor`

    The input is a table, one item a step, or a tensor ``(time, ...)``; output and gradInput are of the same kind.
    Sequences may differ in length.

    Source: github.com/Element-Research/rnn, Sequencer.lua
    """

    def __init__(self, module: Module):
        super().__init__()
        self.modules = [recurrent(self._module(module))]

    @property
    def module(self) -> Any:
        """The recurrent module."""
        return self.modules[0]

    def updateOutput(self, input: Any) -> Any:
        steps = self.steps(input)
        self.module.maxBPTTstep(len(steps))
        if not self.hasMemory():
            forget(self.modules[0])
        return self.joined('output', [self.call(0, 'updateOutput', item) for item in steps], input)

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        self._same_kind(input, gradOutput)
        self.rewind('updateGradInputStep')
        gradients = [self.call(0, 'updateGradInput', *pair) for pair in self._back(input, gradOutput)]
        return self.joined('gradInput', gradients[::-1], input)

    def _same_kind(self, input: Any, gradOutput: Any) -> None:
        if isinstance(input, np.ndarray) != isinstance(gradOutput, np.ndarray):
            raise self.error(
                f'expected input and gradOutput both a tensor or both a table, got {describe(input)} and '
                f'{describe(gradOutput)}'
            )

    def _back(self, input: Any, gradOutput: Any) -> list[tuple]:
        """The pairs of input and gradOutput, the last step first."""
        steps = self.steps(input)
        return list(zip(steps, self.steps(gradOutput, 'gradOutput', len(steps)), strict=True))[::-1]

    def _accumulate(self, method: str, input: Any, gradOutput: Any, factor: float) -> None:
        self._same_kind(input, gradOutput)
        self.rewind('accGradParametersStep')
        for pair in self._back(input, gradOutput):
            self.call(0, method, *pair, factor)

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        self._accumulate('accGradParameters', input, gradOutput, scale)

    def accUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        self._accumulate('accUpdateGradParameters', input, gradOutput, lr)

    def to_file(self, fields: dict[str, Any]) -> None:
        super().to_file(fields)
        fields['module'] = self.modules[0]
        fields.update({name: [] for name in ('_output', 'tableoutput', 'tablegradInput')})

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        super().from_file(fields)
        for name in ('tableoutput', 'tablegradInput', 'tablegradinput', 'dpnn_mediumEmpty'):
            fields.pop(name, None)


class Repeater(AbstractSequencer):
    """Shows `module` the same input `rho` times: the output is the table of its outputs.

    Parameters
    ----------
    module
        a recurrent module, or any other, which is then wrapped in a `Recursor`
    rho
        how often; at least 1

    gradInput is the sum over the steps.

    Source: github.com/Element-Research/rnn, Repeater.lua
    """

    table_fields = ('output',)

    def __init__(self, module: Module, rho: int):
        super().__init__()
        if rho < 1:
            raise self.error(f'expected rho of at least 1, got {rho}')
        self.rho = rho
        self.modules = [recurrent(self._module(module))]

    @property
    def module(self) -> Any:
        """The recurrent module."""
        return self.modules[0]

    def updateOutput(self, input: Any) -> list:
        self.module.maxBPTTstep(self.rho)
        forget(self.modules[0])
        self.output = [self.call(0, 'updateOutput', input) for _ in range(self.rho)]
        return self.output

    def _back(self, gradOutput: list) -> list:
        self.check_table(gradOutput, self.rho, 'gradOutput')
        return list(gradOutput)[::-1]

    def updateGradInput(self, input: Any, gradOutput: list) -> Any:
        self.rewind('updateGradInputStep')
        return self.sum_gradients([self.call(0, 'updateGradInput', input, part) for part in self._back(gradOutput)])

    def accGradParameters(self, input: Any, gradOutput: list, scale: float = 1) -> None:
        self.rewind('accGradParametersStep')
        for part in self._back(gradOutput):
            self.call(0, 'accGradParameters', input, part, scale)

    def accUpdateGradParameters(self, input: Any, gradOutput: list, lr: float) -> None:
        self.rewind('accGradParametersStep')
        for part in self._back(gradOutput):
            self.call(0, 'accUpdateGradParameters', input, part, lr)

    def to_file(self, fields: dict[str, Any]) -> None:
        super().to_file(fields)
        fields['module'] = self.modules[0]

    def __str__(self) -> str:
        inner = str(self.modules[0]).replace('\n', '\n  ')
        arrows = '       V         V             V     '
        return (
            f'{self.typename} {{\n  [  input,    input,  ...,  input  ]\n{arrows}\n  {inner}\n{arrows}\n'
            f'  [output(1),output(2),...,output({self.rho})]\n}}'
        )


class BiSequencer(AbstractSequencer):
    """Two recurrent modules, one for each direction of time: y_t = merge(forward's output at t, backward's at t).

    Parameters
    ----------
    forward
        the module that goes from the first step to the last
    backward
        the other one; a copy of the first, reset, where not given
    merge
        joins the table {forward's, backward's}; a number n is a `JoinTable` along dimension 1 of tensors with n
        dimensions, which is what stands with n = 1 where nothing is given

    Input and output are tables, one item a step.

    Source: github.com/Element-Research/rnn, BiSequencer.lua
    """

    table_fields = ('output', 'gradInput')

    def __init__(self, forward: Module, backward: Module | None = None, merge: Module | int = 1):
        super().__init__()
        forward = self._module(forward)
        if backward is None:
            backward = forward.clone()
            backward.reset()
        merge = merge if isinstance(merge, Module) else JoinTable(1, merge)
        back = Sequential().add(ReverseTable()).add(Sequencer(backward)).add(ReverseTable())
        both = ConcatTable().add(Sequencer(forward)).add(back)
        self.modules = [Sequential().add(both).add(ZipTable()).add(Sequencer(merge))]

    @property
    def module(self) -> Module:
        """The network of both."""
        return self.modules[0]

    def updateOutput(self, input: list) -> list:
        self.check_table(input)
        self.output = self.call(0, 'updateOutput', input)
        return self.output

    def updateGradInput(self, input: list, gradOutput: list) -> list:
        self.gradInput = self.call(0, 'updateGradInput', input, gradOutput)
        return self.gradInput

    def accGradParameters(self, input: list, gradOutput: list, scale: float = 1) -> None:
        self.call(0, 'accGradParameters', input, gradOutput, scale)

    def accUpdateGradParameters(self, input: list, gradOutput: list, lr: float) -> None:
        self.call(0, 'accUpdateGradParameters', input, gradOutput, lr)

    def to_file(self, fields: dict[str, Any]) -> None:
        super().to_file(fields)
        both, _, merge = self.modules[0].modules
        names = 'fwdSeq', 'bwdSeq', 'mergeSeq'
        sequencers = both.modules[0], both.modules[1].modules[1], merge
        fields.update(zip(names, sequencers, strict=True))
        parts = [sequencer.modules[0] for sequencer in sequencers]
        parts = [part.modules[0] if isinstance(part, Recursor) else part for part in parts]
        fields.update(zip(('forwardModule', 'backwardModule', 'mergeModule'), parts, strict=True))
        fields['module'] = self.modules[0]

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        super().from_file(fields)
        for name in ('fwdSeq', 'bwdSeq', 'mergeSeq', 'forwardModule', 'backwardModule', 'mergeModule'):
            fields.pop(name, None)


class SequencerCriterion(Criterion):
    """The sum of a criterion's losses over the steps of a sequence: loss = sum over t of criterion(x_t, target_t).

    Parameters
    ----------
    criterion
        for one step; each step has a copy of its own
    sizeAverage
        whether loss and gradient are divided by the number of steps

    Input and target are tables of as many items, or tensors whose first dimension is the time.

    >>> import numpy as np, t7nn as nn
    >>> from t7nn.packages import rnn
    >>> criterion = rnn.SequencerCriterion(nn.MSECriterion())
    >>> criterion.forward(np.ones((3, 2)), np.zeros((3, 2)))
    3.0

    Source: github.com/Element-Research/rnn, SequencerCriterion.lua
    """

    def __init__(self, criterion: Criterion, sizeAverage: bool = False):
        super().__init__()
        if not isinstance(criterion, Criterion):
            raise self.error(f'expected a criterion, got {describe(criterion)}', TypeError)
        self.criterion, self.sizeAverage = criterion, sizeAverage

    def getStepCriterion(self, step: int) -> Criterion:
        """The criterion's copy for `step`, from 1."""
        copies = self.__dict__.setdefault('_copies', [])
        while len(copies) < step:
            copies.append(self.criterion.clone())
        return copies[step - 1]

    def _pairs(self, input: Any, target: Any) -> list[tuple]:
        tensors = isinstance(input, np.ndarray)
        if tensors:
            input = self.check(input)
            if not isinstance(target, np.ndarray):
                raise self.error(f'expected a tensor as target of a tensor, got {describe(target)}', TypeError)
        else:
            self.check_table(input)
            self.check_table(target, None, 'target')
        if tensors and not input.ndim or not len(input) or len(input) != len(target):
            raise self.error(f'expected as many targets as steps, got {describe(input)} and {describe(target)}')
        return list(zip(input, target, strict=True))

    def updateOutput(self, input: Any, target: Any = None) -> Any:
        pairs = self._pairs(input, target)
        losses = [self.getStepCriterion(t).forward(*pair) for t, pair in enumerate(pairs, 1)]
        self.output = sum(losses) / (len(pairs) if self.sizeAverage else 1)
        return self.output

    def updateGradInput(self, input: Any, target: Any = None) -> Any:
        pairs = self._pairs(input, target)
        scale = 1 / len(pairs) if self.sizeAverage else 1
        gradients = [self.getStepCriterion(t).backward(*pair) for t, pair in enumerate(pairs, 1)]
        gradients = nested_map(lambda gradient: gradient * gradient.dtype.type(scale), gradients)
        self.gradInput = np.stack(gradients) if isinstance(input, np.ndarray) else gradients
        return self.gradInput

    def to_file(self, fields: dict[str, Any]) -> None:
        """Torch7 counts on the table of the copies."""
        fields['clones'] = []

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        fields.pop('clones', None)
