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

from ... import (
    Add,
    CAddTable,
    CMul,
    CMulTable,
    ConcatTable,
    Container,
    Dropout,
    FlattenTable,
    Identity,
    JoinTable,
    Linear,
    Module,
    NarrowTable,
    ParallelTable,
    Reshape,
    SelectTable,
    Sequential,
    Sigmoid,
    SplitTable,
    Tanh,
    random,
)
from ...tensors import describe, nested_map, owner
from ..base import named, positive_tables, tensor_fields
from ..dpnn import LinearNoBias

__all__ = [
    'GRU', 'LSTM', 'AbstractRecurrent', 'FastLSTM', 'LazyDropout', 'Recurrent', 'Recursor', 'SAdd', 'forget',
    'recurrents', 'remember',
]  # fmt: skip


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
    if hasattr(net, 'remembering'):
        net.remember(mode)
    else:
        for module in net.modules:
            remember(module, mode)
    return net


def recurrents(module: Module) -> Iterator['AbstractRecurrent']:
    """The recurrent modules in `module` that take a step when it does: not those within others, nor in sequencers."""
    if isinstance(module, AbstractRecurrent):
        yield module
    elif not hasattr(module, 'remembering'):
        for inner in module.modules:
            yield from recurrents(inner)


def step_clone(module: Module) -> Module:
    """A copy of `module` for another step of time. Parameters, their gradients and running averages are the same
    memory; recurrent modules inside are the same objects, since they have copies of their own."""
    shared = sum(module.parameters(), [])
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
    #: the first step that the recurrent module does
    first_clone = 1

    def __init__(self, module: Module, rho: int = 99999):
        super().__init__()
        self.modules = [self._module(module)]
        self.rho = rho
        self.step = 1
        self.updateGradInputStep: int | None = None
        self.accGradParametersStep: int | None = None
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
            for table in (*(getattr(self, name) for name in self.states), memory['gradients'], memory['gradInputs']):
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
            if step == 1 and getattr(self, given, None) is not None:
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
            given = [getattr(self, name, None) for name in ('userNextGradOutput', 'userNextGradCell')]
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

    def updateOutput(self, input: Any) -> Any:
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
        self.keep(step, result)
        self.output = self.outputs[step]
        self.step = step + 1
        self.updateGradInputStep = self.accGradParametersStep = None
        return self.output

    def first_module(self, step: int) -> Module:
        """What works at `step` while evaluating."""
        return self.recurrentModule

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
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
        self.output = self.outputs[step]
        self.gradInput = self._recall()['gradInputs'].get(step, self.gradInput)

    def getHiddenState(self, step: int, input: Any = None) -> Any:
        """The state after `step`: a tensor, or a table of them where there are several. For step 0 an `input` tells how
        large the zeros are."""
        state = [getattr(self, name).get(step) for name in self.states]
        if step == 0 and input is not None and None in state:
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

        self.modules[0] = MaskZero(self.modules[0], nInputDim, True)
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
        positive_tables(fields, *cls.states)
        fields.setdefault('step', 1)
        if fields.get('rho') is None:
            fields['rho'] = 99999

    def __str__(self) -> str:
        if getattr(self, 'inputSize', None) is not None and getattr(self, 'outputSize', None) is not None:
            return f'{self.typename}({self.inputSize} -> {self.outputSize})'
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

    def getHiddenState(self, step: int, input: Any = None) -> Any:
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
    """The plain recurrent network: h_t = transfer(merge(input(x_t), feedback(h_{t-1}))), h_1 = transfer(start(input(x_1))).

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
        start: Module | int | list[int],
        input: Module,
        feedback: Module,
        transfer: Module | None = None,
        rho: int = 99999,
        merge: Module | None = None,
    ):
        transfer = Sigmoid() if transfer is None else transfer
        super().__init__(transfer, rho)
        start = start if isinstance(start, Module) else Add(*start) if isinstance(start, list) else Add(start)
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
        return self.initialModule if step == 1 else super().getStepModule(step)

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

    def __init__(self, p: float = 0.5, v1: bool = False, inplace: bool = False, lazy: bool = True, mono: bool = False):
        super().__init__(p, v1, inplace)
        self.lazy, self.mono, self.flag = lazy, mono, True

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.check(input)
        output = self.destination('output', input)
        if self.p > 0 and self.train:
            shape = (1, *input.shape[1:]) if self.mono else input.shape
            if self.flag or not self.lazy or self.noise.shape != shape:
                self.noise = random.bernoulli(1 - self.p, out=np.empty(shape, self.dtype))
                if self.v2:
                    self.noise /= 1 - self.p
                self.flag = False
        return np.multiply(input, self._factor(), output)

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
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

    def __init__(self, addend: float, negate: bool = False):
        super().__init__()
        self.addend, self.negate = addend, negate

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        output = np.add(input, self.addend, out=self.buffer_like('output', input))
        return np.negative(output, output) if self.negate else output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        gradOutput = self.check(gradOutput, 'gradOutput', input.shape)
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

    def __init__(self, inputSize: int, outputSize: int, rho: int, p: float, mono: bool):
        self.inputSize, self.outputSize, self.p, self.mono = inputSize, outputSize, p, mono
        super().__init__(self.buildModel(), rho)

    def buildModel(self) -> Module:
        """The recurrent module."""
        raise self.error('expected buildModel() in every gated recurrent module', TypeError)

    def zeros(self, input: Any) -> np.ndarray:
        if not isinstance(input, np.ndarray) or input.ndim not in (1, 2):
            raise self.error(f'expected a vector or a batch of them as input, got {describe(input)}')
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
        output = chain(
            branches(ConcatTable, self.outputGate, chain(SelectTable(3), Tanh())), CMulTable()
        )
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
        noise = [LazyDropout(self.p, False, False, True, self.mono) for _ in range(2)] if self.p else [None, None]
        D, H = self.inputSize, self.outputSize
        x, reset = [SelectTable(1), noise[0], Linear(D, H)], [NarrowTable(2, 2), CMulTable(), noise[1], LinearNoBias(H, H)]
        both = (chain(*(module for module in part if module is not None)) for part in (x, reset))
        new = chain(branches(ConcatTable, *both), CAddTable(), Tanh())
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
