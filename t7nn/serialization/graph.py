"""Networks made with nngraph, as they come from .t7 files.

They are built in Lua (`nn.gModule(inputs, outputs)`); here they load, run, train and are saved again. The graph stays
as it lies in the file: nodes are `TorchObject`s whose `data` says which module they run and in which order their inputs
come.

Source: github.com/torch/nngraph, gmodule.lua
"""

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from typing import Any

import numpy as np

from ..layers.containers import Container
from ..module import Module
from ..tensors import describe, nested_map
from .values import ObjectKey, TorchObject

__all__ = ['JustElement', 'JustTable', 'ModuleFromCriterion', 'gModule']


def _listed(table: list | dict) -> list:
    """The values under 1, 2, 3 ... of a Lua table that may have other keys too."""
    if isinstance(table, list):
        return table
    values: list = []
    while len(values) + 1 in table:
        values.append(table[len(values) + 1])
    return values


class _Step:
    """What happens at one node, and where its result goes."""

    def __init__(self, node: TorchObject, modules: dict[int, int]):
        data = node['data']
        self.key = id(data)  # nodes of the two graphs, forward and backward, share their data
        self.module = modules[id(data['module'])] if data.get('module') is not None else None
        self.select = data.get('selectindex')
        self.splits = data.get('nSplitOutputs')
        self.children = [child['data'] for child in _listed(node['children'])]
        self.data = data

    def place(self, source: dict, target: dict) -> int:
        """Which input of the node `target` the node `source` gives, from 1."""
        return target['mapindex'][ObjectKey(source)]


def _one(values: list) -> Any:
    """A node takes one input as it is, several as a table."""
    return values[0] if len(values) == 1 else values


def _total(gradients: list) -> Any:
    return reduce(lambda a, b: nested_map(np.add, a, b), gradients)


def sources_of(fields: dict) -> Iterator[tuple[Any, list[str]]]:
    """Each module of a graph, live or not, in the order in which they run, with the numbers of those that feed it, as
    `(1)`; the graph's own input has the name `input`. Modules count from 1 as in the graph's list of them."""
    numbers = {id(module): f'({i})' for i, module in enumerate(fields.get('modules') or (), 1)}
    feeding: dict[int, dict[int, str]] = {}
    names: dict[int, str] = {}
    try:
        names[id(fields['innode']['data'])] = 'input'
        for node in fields['forwardnodes']:
            data = node['data']
            inputs = [name for _, name in sorted(feeding.get(id(data), {}).items())]
            module = data.get('module')
            if module is not None:
                yield module, inputs
                names[id(data)] = numbers.get(id(module), '?')
            name = names.setdefault(id(data), ', '.join(inputs))
            if data.get('selectindex') is not None:
                name = f'{name}[{data["selectindex"]}]'
            for child in _listed(node['children']):
                feeding.setdefault(id(child['data']), {})[child['data']['mapindex'][ObjectKey(data)]] = name
    except (AttributeError, KeyError, TypeError):  # no graph
        return


class gModule(Container):
    """A graph of modules: every node's output goes to all of its children, and their gradients are summed."""

    forwardnodes: list = []
    backwardnodes: list = []
    outnode: TorchObject
    innode: TorchObject
    nInputs: int | None = None
    name: str | None = None
    verbose: bool = False
    _plan: tuple[list[_Step], list[_Step]]

    def plan(self) -> tuple[list[_Step], list[_Step]]:
        """The steps forward and backward, in order.

        Raises
        ------
        ValueError
            if the nodes do not form a graph that can be run
        """
        try:
            return self._plan
        except AttributeError:
            pass
        modules = {id(module): index for index, module in enumerate(self.modules)}
        try:
            forward, backward = (
                [_Step(node, modules) for node in {id(node['children']): node for node in nodes}.values()]
                for nodes in (self.forwardnodes, self.backwardnodes)
            )
            if len(forward) < len(self.forwardnodes) or len(backward) < len(self.backwardnodes):
                raise ValueError('a node comes twice')
            for steps, up in ((forward, True), (backward, False)):
                seen = set()
                for step in steps:
                    seen.add(step.key)
                    for child in step.children:
                        if id(child) in seen or not isinstance(
                            step.place(step.data, child) if up else step.place(child, step.data), int
                        ):
                            raise ValueError('its nodes are not in order')
            self._out = id(self.outnode['data']), len(_listed(self.outnode['children']))
            self._in = id(self.innode['data'])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self.error(f'expected a graph of nodes, got {error!r}') from None
        self._plan = forward, backward
        return self._plan

    def updateOutput(self, input: Any) -> Any:
        steps, _ = self.plan()
        inputs = list(input) if self._many(input) else [input]
        self._inputs = {self._in: dict(enumerate(inputs, 1))}
        for step in steps:
            values = [value for _, value in sorted(self._inputs.setdefault(step.key, {}).items())]
            if step.select is not None:
                output = values[0][step.select - 1]
            elif step.module is None:
                output = _one(values)
            else:
                output = self.call(step.module, 'updateOutput', _one(values))
            if step.splits is not None and not (isinstance(output, (list, tuple)) and len(output) == step.splits):
                raise self.error(f'expected a table of {step.splits} to split, got {describe(output)}')
            for child in step.children:
                self._inputs.setdefault(id(child), {})[step.place(step.data, child)] = output
        key, count = self._out
        outputs = [value for _, value in sorted(self._inputs[key].items())]
        self.output = outputs[0] if count == 1 else outputs
        return self.output

    def _many(self, input: Any) -> bool:
        """Whether the graph takes a table of inputs; such a one must then have come."""
        count = self.nInputs if self.nInputs is not None else len(_listed(self.innode['children']))
        if count > 1 and not (isinstance(input, (list, tuple)) and len(input) == count):
            raise self.error(f'expected a table of {count} inputs, got {describe(input)}')
        return count > 1

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        _, steps = self.plan()
        key, count = self._out
        if count > 1 and not (isinstance(gradOutput, (list, tuple)) and len(gradOutput) == count):
            raise self.error(f'expected a table of {count} gradOutputs, got {describe(gradOutput)}')
        gradients: dict[int, list] = {key: [gradOutput]}
        parts: dict[int, dict] = {}  # of nodes that were split: index -> gradient
        self._gradients = {}
        for step in steps:
            if step.key in parts:
                selected = parts[step.key]
                gradients.setdefault(step.key, []).append([selected[index] for index in sorted(selected)])
            total = self._gradients[step.key] = _total(gradients[step.key])
            if step.select is not None:
                parts.setdefault(id(step.children[0]), {})[step.select] = total
                continue
            gradInput = total
            if step.module is not None:
                gradInput = self.call(step.module, 'updateGradInput', self._input(step), total)
            for child in step.children:
                part = gradInput if len(step.children) == 1 else gradInput[step.place(child, step.data) - 1]
                gradients.setdefault(id(child), []).append(part)
        self.gradInput = self._gradients[self._in]
        return self.gradInput

    def _input(self, step: _Step) -> Any:
        return _one([value for _, value in sorted(self._inputs.get(step.key, {}).items())])

    def _each(self, method: str, factor: float) -> None:
        """Call `method` of every node's module with what came through the last two passes."""
        for step in self.plan()[1]:
            if step.module is not None:
                self.call(step.module, method, self._input(step), self._gradients[step.key], factor)

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        self._each('accGradParameters', scale)

    def accUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        self._each('accUpdateGradParameters', lr)

    def replace(self, callback: Callable[[Module], Module]) -> Module:
        places = {id(module): index for index, module in enumerate(self.modules)}
        replacement = super().replace(callback)
        for node in self.forwardnodes:
            module = node['data'].get('module')
            if id(module) in places:
                node['data']['module'] = self.modules[places[id(module)]]
        self.drop_scratch()
        return replacement

    def clearState(self) -> 'gModule':
        for node in self.forwardnodes + self.backwardnodes:
            for name in ('input', 'gradOutput', 'gradOutputBuffer'):
                node['data'].pop(name, None)
        return super().clearState()

    def __str__(self) -> str:
        return self.name or self.typename


class JustElement(Module):
    """The one element of a table with one element."""

    def updateOutput(self, input: list) -> Any:
        if len(input) != 1:
            raise self.error(f'expected a table of one element, got {describe(input)}')
        self.output = input[0]
        return self.output

    def updateGradInput(self, input: list, gradOutput: Any) -> list:
        self.gradInput = [gradOutput]
        return self.gradInput


class JustTable(Module):
    """A table with the input as its one element."""

    def updateOutput(self, input: Any) -> list:
        self.output = [input]
        return self.output

    def updateGradInput(self, input: Any, gradOutput: list) -> Any:
        self.gradInput = gradOutput[0]
        return self.gradInput


class ModuleFromCriterion(Module):
    """The loss of a table {prediction, target} as a layer's output, one number; the target's gradient is 0."""

    criterion: Any = None

    def updateOutput(self, input: list) -> np.ndarray:
        self.buffer('output', (1,))[0] = self.criterion.updateOutput(*input)
        return self.output

    def updateGradInput(self, input: list, gradOutput: np.ndarray) -> list:
        gradient = self.criterion.updateGradInput(*input)
        self.gradInput = [nested_map(lambda part: part * gradOutput[0], gradient), np.zeros_like(input[1])]
        return self.gradInput


def _named(classes: Iterable[Any], prefix: str) -> dict[str, type]:
    for cls in classes:
        cls.typename = prefix + cls.__name__
    return {cls.typename: cls for cls in classes}


#: the classes that a file may name, beside those of t7nn's own
GRAPH_CLASSES = _named((JustElement, JustTable), 'nngraph.') | _named((gModule, ModuleFromCriterion), 'nn.')
