"""Recurrent modules: they take one step of time a call and remember the steps before.

`AbstractRecurrent` holds the memory: outputs by step, and a copy of the recurrent module for every step. A class says
what the module gets at a step (`step_input`), what it gives becomes (`keep`), and what comes back (`pass_back`).

>>> import numpy as np
>>> from t7nn.packages import rnn
>>> lstm = rnn.LSTM(3, 2)
>>> first, second = np.ones((1, 3)), np.zeros((1, 3))
>>> outputs = [lstm.forward(first), lstm.forward(second)]
>>> gradients = [lstm.backward(x, np.ones((1, 2))) for x in (second, first)]
>>> lstm.step, lstm.forget().step
(3, 1)
"""

import copy
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from ...layers.arithmetic import Add
from ...layers.containers import Container, Sequential
from ...layers.table import CAddTable, ParallelTable
from ...layers.transfer import Sigmoid
from ...module import Module
from ...tensors import describe, nested_map, owner
from ..base import numbered

__all__ = ['AbstractRecurrent', 'Recurrent', 'Recursor', 'forget', 'recurrents', 'remember', 'step_clone']


def forget(net: Module) -> Module:
    """Let every recurrent module in `net` begin anew: what Lua's ``net:forget()`` does."""
    for module in net.listModules():
        begin = getattr(module, '_forget', None)
        if begin is not None:
            begin()
    return net


def remember(net: Module, mode: str = 'both') -> Module:
    """Say to every sequencer in `net` when it is to go on from sequence to sequence: Lua's ``net:remember(...)``.

    ``'train'``: while training; ``'eval'``: while evaluating; ``'both'`` or ``'neither'``.
    """
    sequencer: Any = net
    if hasattr(net, 'hasMemory'):
        sequencer.remember(mode)
    else:
        for module in net.modules:
            remember(module, mode)
    return net


def recurrents(module: Module) -> Iterator['AbstractRecurrent']:
    """The recurrent modules in `module` that take a step when it does: not those within others, nor in sequencers."""
    if isinstance(module, AbstractRecurrent):
        yield module
    elif not hasattr(module, 'hasMemory'):
        for inner in module.modules:
            yield from recurrents(inner)


def step_clone(module: Module) -> Module:
    """A copy of `module` for another step of time. Parameters, their gradients and running averages are the same
    memory; recurrent modules inside are the same objects, since they have copies of their own."""
    shared = [tensor for tensor in sum(module.parameters(), []) if isinstance(tensor, np.ndarray)]
    for inner in module.listModules():
        shared += [value for name, value in vars(inner).items() if name in ('running_mean', 'running_var')]
    memo: dict[int, Any] = {id(inner): inner for inner in recurrents(module)}
    memo.update({id(memory): memory for tensor in shared for memory in (tensor, owner(tensor))})
    return copy.deepcopy(module, memo)


class AbstractRecurrent(Container):
    """The base of modules that take one step of time a call.

    Parameters
    ----------
    module
        the recurrent module: what is done at every step
    rho
        how many steps back-propagation goes back at most, so many copies of the module are kept

    Attributes
    ----------
    step
        the number of the next step, from 1
    outputs
        what came out, by step; ``outputs[0]`` may be set as the state before the first step

    While evaluating, the last step only is remembered, and there is no way back.

    Source: github.com/Element-Research/rnn, AbstractRecurrent.lua
    """

    #: the fields in which the state lies, by step
    states: tuple[str, ...] = ('outputs',)
    outputs: dict[int, Any]
    rho: int
    step: int
    updateGradInputStep: int | None = None
    accGradParametersStep: int | None = None
    #: the state before the first step, and what is added to the gradient of the last one: set by hand
    userPrevOutput: Any = None
    userPrevCell: Any = None
    userNextGradOutput: Any = None
    userNextGradCell: Any = None
    _memory: dict[str, Any]
    #: the first step that the recurrent module does
    first_clone = 1

    def __init__(self, module: Module, rho: int = 99999):
        super().__init__()
        self.modules = [self._module(module)]
        self.rho = rho
        self.step = 1
        for name in self.states:
            setattr(self, name, {})

    @property
    def recurrentModule(self) -> Module:
        """What is done at every step."""
        return self.modules[0]

    # The copies of the module, one for each step. They are made when they are needed, and anew when the parameters
    # were replaced by other tensors.

    def _recall(self) -> dict[str, Any]:
        """What is remembered beside the state: copies, gradients of the state, gradOutputs and gradInputs, by step."""
        memory = self.__dict__.setdefault('_memory', {})
        parameters = [id(tensor) for tensor in sum(self.parameters(), [])]
        if memory.get('parameters') != parameters:
            clones = {max(self.step, self.first_clone): self.recurrentModule}
            memory.update(parameters=parameters, clones=clones, gradients={}, totals={}, gradInputs={})
        return memory

    @property
    def sharedClones(self) -> dict[int, Module]:
        """The module's copies by step."""
        return self._recall()['clones']

    def getStepModule(self, step: int) -> Module:
        """The copy for `step`. Beyond `rho` steps the oldest one is taken again."""
        memory = self._recall()
        clones = memory['clones']
        if step not in clones:
            oldest = step - max(self.rho + 1, len(clones))
            clones[step] = clones.pop(oldest) if oldest in clones else step_clone(self.recurrentModule)
            states = [getattr(self, name) for name in self.states]
            for table in (*states, memory['gradients'], memory['totals'], memory['gradInputs']):
                table.pop(oldest - 1, None)
        return clones[step]

    def module_of(self, step: int) -> Module | None:
        """What worked at `step`, if it is remembered."""
        return self._recall()['clones'].get(step)

    def _back(self, step: int, missing: str) -> Module:
        """What worked at `step`, on the way back."""
        module = None if step < 1 or self.train is False else self.module_of(step)
        if module is None:
            why = 'evaluation remembers no steps' if self.train is False else f'step {step} is not remembered'
            raise self.error(f'expected {missing} after as many forwards, in reverse order, but {why}')
        return module

    # What classes say

    def previous(self, step: int, input: Any) -> list:
        """The state before `step`, one tensor for each of `states`; zeros before the first."""
        state = []
        for name, given in zip(self.states, ('userPrevOutput', 'userPrevCell'), strict=False):
            value = getattr(self, name).get(step - 1)
            if step == 1 and getattr(self, given) is not None:
                value = getattr(self, given)
            if value is None:
                if step != 1:
                    raise self.error(f'the state before step {step} is not remembered')
                value = self.zeros(input)
            state.append(value)
        return state

    def zeros(self, input: Any) -> Any:
        """The state before the first step."""
        raise self.error('expected zeros(input)', TypeError)

    def step_input(self, step: int, input: Any) -> Any:
        """What the module gets at `step`."""
        return input

    def keep(self, step: int, result: Any) -> None:
        """Remember what the module gave at `step`."""
        if len(self.states) == 1:
            result = [result]
        for name, value in zip(self.states, result, strict=True):
            getattr(self, name)[step] = value

    def total(self, step: int, gradOutput: Any) -> Any:
        """The gradient with respect to all that the module gave at `step`: `gradOutput`, and what came back from the
        step behind."""
        later = self._memory['gradients'].get(step)
        if step == self.step - 1:
            given = self.userNextGradOutput, self.userNextGradCell
            later = [a if b is None else b for a, b in zip(later or [None, None], given, strict=False)]
        later = later or [None] * len(self.states)
        first = gradOutput if later[0] is None else nested_map(np.add, gradOutput, later[0])
        if len(self.states) == 1:
            return first
        rest = [np.zeros_like(self.outputs[step]) if part is None else part for part in later[1 : len(self.states)]]
        return [first, *rest]

    def pass_back(self, step: int, gradInput: Any) -> Any:
        """Give the state's part of `gradInput` to the step before, and return the input's."""
        self._memory['gradients'][step - 1] = gradInput[1:]
        return gradInput[0]

    # The three steps

    def _expect_memory(self) -> None:
        """Raise unless the fields that tell the steps apart are as this class left them."""
        self.check_fields()
        if min(self.step, self.rho) < 1:
            raise self.error(f'expected step and rho of at least 1, got {self.step} and {self.rho}')
        for name in self.states:
            if not isinstance(getattr(self, name), dict):
                raise self.error(f'expected a dict of steps as {name}, got {describe(getattr(self, name))}', TypeError)

    def updateOutput(self, input: Any) -> Any:
        self._expect_memory()
        step = self.step
        if self.train is False:
            module = self.first_module(step)
            result = nested_map(np.copy, module.updateOutput(self.step_input(step, input)))  # its buffer comes again
            for name in self.states:
                table = getattr(self, name)
                for old in table.keys() - {0}:
                    del table[old]
        else:
            result = self.getStepModule(step).updateOutput(self.step_input(step, input))
            self._memory['totals'].pop(step, None)  # what an earlier way back left
        self.keep(step, result)
        self.output = self.outputs[step]
        self.step = step + 1
        self.updateGradInputStep = self.accGradParametersStep = None
        return self.output

    def first_module(self, step: int) -> Module:
        """What works at `step` while evaluating."""
        return self.recurrentModule

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        self._expect_memory()
        step = (self.updateGradInputStep or self.step) - 1
        module = self._back(step, 'updateGradInput')
        self._check_gradient(step, gradOutput)
        total = self._memory['totals'][step] = self.total(step, gradOutput)
        gradInput = module.updateGradInput(self.step_input(step, input), total)
        self.gradInput = self.pass_back(step, gradInput)
        self._memory['gradInputs'][step] = self.gradInput
        self.updateGradInputStep = step
        return self.gradInput

    def _check_gradient(self, step: int, gradOutput: Any) -> None:
        output = self.outputs[step]
        if isinstance(output, np.ndarray):
            gradOutput = self.check(gradOutput, 'gradOutput', output.shape)

    def _accumulate(self, method: str, input: Any, factor: float) -> None:
        self._expect_memory()
        step = (self.accGradParametersStep or self.step) - 1
        module = self._back(step, method)
        if step not in self._memory['totals']:
            raise self.error(f'expected updateGradInput before {method}')
        getattr(module, method)(self.step_input(step, input), self._memory['totals'][step], factor)
        self.accGradParametersStep = step

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        self._accumulate('accGradParameters', input, scale)

    def accUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        self._accumulate('accUpdateGradParameters', input, lr)

    # Memory

    def _forget(self) -> None:
        self._expect_memory()
        memory = self._recall()
        if self.train is not False:
            for name in self.states:
                getattr(self, name).clear()
            memory['clones'] = dict(enumerate(memory['clones'].values(), self.first_clone))
        memory.update(gradients={}, totals={}, gradInputs={})
        self.step = 1
        self.updateGradInputStep = self.accGradParametersStep = None

    def forget(self) -> Self:
        """Begin anew: the next step is the first. While training the whole memory is emptied, while evaluating a state
        set for step 0 stays."""
        forget(self)
        return self

    def maxBPTTstep(self, rho: int) -> None:
        """Go back `rho` steps at most."""
        self.rho = rho
        for module in self.modules:
            for inner in recurrents(module):
                inner.maxBPTTstep(rho)

    def setOutputStep(self, step: int) -> None:
        """Let ``output`` and ``gradInput`` be those of `step`: containers around look for them there."""
        if step not in self.outputs:
            raise self.error(f'expected as many steps as the modules around it took, but step {step} is not remembered')
        self.output = self.outputs[step]
        self.gradInput = self._recall()['gradInputs'].get(step, self.gradInput)

    def getHiddenState(self, step: int | None = None, input: Any = None) -> Any:
        """The state after `step`, the last one where none is given: a tensor, or a table of them where there are
        several. For step 0 an `input` tells how large the zeros are."""
        step = self.step - 1 if step is None else step
        state = [getattr(self, name).get(step) for name in self.states]
        if step == 0 and input is not None and any(part is None for part in state):
            state = self.previous(1, input)
        return state[0] if len(state) == 1 else state

    def setHiddenState(self, step: int, hiddenState: Any) -> None:
        """Set the state after `step`; 0: before the first."""
        if len(self.states) > 1:
            self.check_table(hiddenState, len(self.states), 'hiddenState')
        for name, value in zip(self.states, hiddenState if len(self.states) > 1 else [hiddenState], strict=True):
            getattr(self, name)[step] = value

    def getGradHiddenState(self, step: int) -> Any:
        """The gradient with respect to the state after `step`, as far as later steps contribute; None where they do
        not."""
        state = self._recall()['gradients'].get(step, [None] * len(self.states))
        return state[0] if len(self.states) == 1 else state

    def setGradHiddenState(self, step: int, gradHiddenState: Any) -> None:
        """Add a gradient to the state after `step` when it is gone back through."""
        state = gradHiddenState if len(self.states) > 1 else [gradHiddenState]
        self._recall()['gradients'][step] = list(state)

    def maskZero(self, nInputDim: int) -> Self:
        """Let steps whose input is zero give zeros, and a state of zeros: see `MaskZero`."""
        from .masks import MaskZero

        self.modules = [MaskZero(self.modules[0], nInputDim, True)]
        self.drop_scratch()
        return self

    def _copies(self) -> list[Module]:
        """The copies in use, without the module itself."""
        clones = self.__dict__.get('_memory', {}).get('clones', {})
        return [clone for clone in clones.values() if clone is not self.modules[0]]

    def training(self) -> None:
        for module in self._copies():
            module.training()
        super().training()

    def evaluate(self) -> None:
        for module in self._copies():
            module.evaluate()
        super().evaluate()

    def clearState(self) -> Self:
        self._expect_memory()
        for name in self.states:
            getattr(self, name).clear()
        self.step = 1
        self.updateGradInputStep = self.accGradParametersStep = None
        return super().clearState()

    def replace(self, callback: Any) -> Module:
        done: dict[int, tuple[Module, Module]] = {}

        def once(module: Module) -> Module:
            if id(module) not in done:
                done[id(module)] = module, callback(module)
            return done[id(module)][1]

        replacement = super().replace(once)
        for name, value in vars(self).items():  # the parts that have names
            if id(value) in done:
                setattr(self, name, done[id(value)][1])
        self.drop_scratch()
        return replacement

    # Files

    def to_file(self, fields: dict[str, Any]) -> None:
        """The fields of Torch7's constructor."""
        fields['recurrentModule'] = self.recurrentModule
        fields['sharedClones'] = {1: self.recurrentModule}
        fields['rmInSharedClones'] = True
        for name in ('gradOutputs', 'gradInputs', '_gradOutputs'):
            fields[name] = {}

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        for name in ('sharedClones', 'gradOutputs', 'gradInputs', 'gradCells', 'rmInSharedClones', 'nSharedClone'):
            fields.pop(name, None)
        for name in ('zeroTensor', 'cell', 'gradPrevOutput', 'updateGradInputStep', 'accGradParametersStep'):
            fields.pop(name, None)
        numbered(fields, *cls.states)
        fields.setdefault('step', 1)
        if fields.get('rho') is None:
            fields['rho'] = 99999

    def __str__(self) -> str:
        return self.typename


class Recursor(AbstractRecurrent):
    """Lets any module take steps: `module` as it is, whose recurrent modules inside remember their own steps.

    Parameters
    ----------
    module
        for instance a `Sequential` of an `LSTM` and a `Linear`
    rho
        how many steps back-propagation goes back at most

    Source: github.com/Element-Research/rnn, Recursor.lua
    """

    def __init__(self, module: Module, rho: int = 9999999):
        super().__init__(module, rho)

    def total(self, step: int, gradOutput: Any) -> Any:
        return gradOutput

    def pass_back(self, step: int, gradInput: Any) -> Any:
        return gradInput

    def _back(self, step: int, missing: str) -> Module:
        module = super()._back(step, missing)
        for inner in recurrents(module):
            inner.setOutputStep(step)
        return module

    def _check_gradient(self, step: int, gradOutput: Any) -> None:
        """Left to the module."""

    def getHiddenState(self, step: int | None = None, input: Any = None) -> Any:
        return [inner.getHiddenState(step, input) for inner in recurrents(self.modules[0])]

    def setHiddenState(self, step: int, hiddenState: Any) -> None:
        inside = list(recurrents(self.modules[0]))
        self.check_table(hiddenState, len(inside), 'hiddenState')
        for inner, state in zip(inside, hiddenState, strict=True):
            inner.setHiddenState(step, state)

    def to_file(self, fields: dict[str, Any]) -> None:
        super().to_file(fields)
        fields['module'] = self.recurrentModule

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        super().from_file(fields)
        fields.pop('module', None)

    def __str__(self) -> str:
        return f'{self.typename} @ {self.modules[0]}'


class Recurrent(AbstractRecurrent):
    """The plain recurrent network: h_t = transfer(merge(input(x_t), feedback(h_{t-1}))).

    At the first step, h_1 = transfer(start(input(x_1))).

    Parameters
    ----------
    start
        the module of the first step, or the size of an `Add`
    input, feedback
        modules for x_t and h_{t-1}
    transfer
        `Sigmoid` where not given
    rho
        how many steps back-propagation goes back at most
    merge
        joins the table of two; `CAddTable` where not given

    Source: github.com/Element-Research/rnn, Recurrent.lua
    """

    first_clone = 2

    def __init__(
        self,
        start: Module | int,
        input: Module,
        feedback: Module,
        transfer: Module | None = None,
        rho: int = 99999,
        merge: Module | None = None,
    ):
        transfer = Sigmoid() if transfer is None else transfer
        super().__init__(transfer, rho)
        if not isinstance(start, Module):
            start = Add(start)
        merge = CAddTable() if merge is None else merge
        self.modules = [self._module(module) for module in (start, input, feedback, transfer, merge)]

    @property
    def recurrentModule(self) -> Module:
        """What is done at every step but the first."""
        _, input, feedback, transfer, merge = self.modules
        return self._built('recurrent', lambda: (
            Sequential().add(ParallelTable().add(input).add(feedback)).add(merge).add(transfer)
        ))  # fmt: skip

    @property
    def initialModule(self) -> Module:
        """What is done at the first step."""
        start, input, _, transfer, _ = self.modules
        return self._built('initial', lambda: (
            Sequential().add(step_clone(input)).add(start).add(step_clone(transfer))
        ))  # fmt: skip

    def _built(self, name: str, build: Any) -> Module:
        """A network of `modules`, built anew when they are others or have other parameters."""
        key = [id(part) for part in (*self.modules, *sum(self.parameters(), []))]
        known = self.__dict__.setdefault('_networks', {})
        if name not in known or known[name][0] != key:
            known[name] = key, build()
            if self.train is not None:
                known[name][1].train = self.train
        return known[name][1]

    def _copies(self) -> list[Module]:
        networks = [network for _, network in self.__dict__.get('_networks', {}).values()]
        return [*super()._copies(), *networks]

    def getStepModule(self, step: int) -> Module:
        if step > 1:
            return super().getStepModule(step)
        self._recall()
        return self.initialModule

    def module_of(self, step: int) -> Module | None:
        return self.initialModule if step == 1 and 1 in self.outputs else super().module_of(step)

    def first_module(self, step: int) -> Module:
        return self.initialModule if step == 1 else self.recurrentModule

    def step_input(self, step: int, input: Any) -> Any:
        return input if step == 1 else [input, *self.previous(step, input)]

    def pass_back(self, step: int, gradInput: Any) -> Any:
        return gradInput if step == 1 else super().pass_back(step, gradInput)

    def maskZero(self, nInputDim: int) -> Self:
        """Not possible: the first step has a module of its own."""
        raise self.error('maskZero is not possible, the first step has a module of its own', TypeError)

    def to_file(self, fields: dict[str, Any]) -> None:
        super().to_file(fields)
        fields['sharedClones'] = {2: self.recurrentModule}
        names = ('startModule', 'inputModule', 'feedbackModule', 'transferModule', 'mergeModule')
        fields.update(zip(names, self.modules, strict=True))
        fields['initialModule'] = self.initialModule

    @classmethod
    def from_file(cls, fields: dict[str, Any]) -> None:
        super().from_file(fields)
        for name in ('startModule', 'inputModule', 'feedbackModule', 'transferModule', 'mergeModule'):
            fields.pop(name, None)

    def __str__(self) -> str:
        start, input, feedback, transfer, merge = (str(module) for module in self.modules)
        inner = '\n    |      '
        return (
            f'{self.typename} {{\n'
            '  [{input(t), output(t-1)} -> (1) -> (2) -> (3) -> output(t)]\n'
            '  (1):  {\n    input(t)\n'
            f'      |`-> (t==0): {start.replace(chr(10), inner)}\n'
            f'      |`-> (t~=0): {input.replace(chr(10), inner)}\n'
            '    output(t-1)\n'
            f'      |`-> {feedback.replace(chr(10), inner)}\n'
            '  }\n'
            f'  (2): {merge.replace(chr(10), chr(10) + "  ")}\n'
            f'  (3): {transfer.replace(chr(10), chr(10) + "  ")}\n'
            '}'
        )
