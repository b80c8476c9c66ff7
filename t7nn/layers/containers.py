"""Modules made of modules.

Torch7 manual: containers.md
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from operator import length_hint
from typing import Any, Self

import numpy as np

from ..module import Module
from ..tensors import describe

__all__ = ['Concat', 'Container', 'DepthConcat', 'Parallel', 'Sequential']


class Container(Module):
    """The base of all containers: ``modules`` is the list of children, and whatever concerns parameters or modes goes
    to each of them.

    ``container[0]`` is the first child, as in Python; ``container.get(1)`` is the same one, as in Torch7.

    Torch7 manual: containers.md#nn.Container
    """

    modules: list[Module]

    def __init__(self):
        super().__init__()
        self.modules = []

    def add(self, module: Module) -> Self:
        """Append a child; returns the container, so that calls can be chained."""
        self.modules.append(self._module(module))
        return self

    def get(self, index: int) -> Any:
        """The child at `index`, counted from 1; None past the last."""
        if not isinstance(index, (int, np.integer)) or index < 1:
            kind = IndexError if isinstance(index, (int, np.integer)) else TypeError
            raise kind(f'{self.typename}.get: expected a whole number from 1, got {describe(index)}')
        return self.modules[index - 1] if index <= len(self.modules) else None

    def size(self) -> int:
        """The number of children."""
        return len(self.modules)

    def __len__(self) -> int:
        return len(self.modules)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules)

    def __getitem__(self, index: int | slice) -> Any:
        return self.modules[index]

    def _module(self, module: Any) -> Module:
        if not isinstance(module, Module):
            raise self.error(f'expected a module, got {describe(module)}', TypeError)
        return module

    def call(self, index: int, method: str, *arguments: Any) -> Any:
        """`method` of the child at `index` (from 0); an error that leaves it gets a note saying which child it was
        in."""
        try:
            return getattr(self.modules[index], method)(*arguments)
        except Exception as error:
            self.note(error, index)
            raise

    def note(self, error: Exception, index: int) -> None:
        """Note at `error` that it left the child at `index` (from 0)."""
        error.add_note(f'In {index + 1} module of {self.typename}')

    def applyToModules(self, func: Callable[[Module], Any]) -> None:
        """Call `func` with each child."""
        for module in self.modules:
            func(module)

    def parameters(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The children's parameters and gradients, one child after the other."""
        weights, gradients = [], []
        for module in self.modules:
            weight, gradient = module.parameters()
            weights += weight
            gradients += gradient
        return weights, gradients

    def zeroGradParameters(self) -> None:
        self.applyToModules(lambda module: module.zeroGradParameters())

    def updateParameters(self, learningRate: float) -> None:
        self.applyToModules(lambda module: module.updateParameters(learningRate))

    def training(self) -> None:
        self.applyToModules(lambda module: module.training())
        super().training()

    def evaluate(self) -> None:
        self.applyToModules(lambda module: module.evaluate())
        super().evaluate()

    def share(self, module: Module, *names: str) -> Self:
        count = len(getattr(module, 'modules', ()))
        if len(self) > count:
            raise self.error(f'expected a container of {len(self)} modules to share with, got {count}')
        for mine, its in zip(self.modules, module.modules, strict=False):
            mine.share(its, *names)
        return self

    def reset(self, stdv: float | None = None) -> Self:
        self.applyToModules(lambda module: module.reset(stdv))
        return self

    def lines(
        self, first: str, indent: str, last_indent: str, arrow: str, last_arrow: str, end: str = '', name: str = ''
    ) -> str:
        """The children as Torch7 prints them: a header (`name`, else the class's), then one child a line behind an
        arrow, the last one behind its own."""
        text = f'{name or self.typename} {{\n  {first}'
        for i, module in enumerate(self.modules, 1):
            last = i == len(self.modules)
            body = str(module).replace('\n', '\n  ' + (last_indent if last else indent))
            text += f'\n  {last_arrow if last else arrow}({i}): {body}'
        return f'{text}{end}\n}}'


class Sequential(Container):
    """The children one after the other: y = f_n(...f_2(f_1(x))).

    Parameters
    ----------
    *modules
        none: children are added with `add`, and a TypeError says so to whoever writes ``nn.Sequential(a, b)``

    >>> import t7nn as nn
    >>> print(nn.Sequential().add(nn.Linear(2, 3)).add(nn.Tanh()))
    nn.Sequential {
      [input -> (1) -> (2) -> output]
      (1): nn.Linear(2 -> 3)
      (2): nn.Tanh
    }

    Torch7 manual: containers.md#nn.Sequential
    """

    def __init__(self, *modules: Any):
        if modules:  # what PyTorch takes
            raise TypeError(
                f'{self.typename}: no arguments expected, got {len(modules)}; add the modules one by one: '
                'nn.Sequential().add(first).add(second)'
            )
        super().__init__()

    def add(self, module: Module) -> Self:
        super().add(module)
        return self._adopt()

    def insert(self, module: Module, index: int | None = None) -> None:
        """Put `module` at `index`, counted from 1; at the end where none is given."""
        index = len(self) + 1 if index is None else index
        if not 1 <= index <= len(self) + 1:
            raise IndexError(
                f'{self.typename}.insert: index should be contiguous to existing modules: '
                f'1 to {len(self) + 1}, got {index}'
            )
        self.modules.insert(index - 1, self._module(module))
        self._adopt()

    def remove(self, index: int | None = None) -> None:
        """Take out the child at `index`, counted from 1; the last one where none is given."""
        index = len(self) if index is None else index
        if not 1 <= index <= len(self):
            raise IndexError(f'{self.typename}.remove: index out of range: expected 1 to {len(self)}, got {index}')
        del self.modules[index - 1]
        self._adopt()

    def _adopt(self) -> Self:
        self.output = self.modules[-1].output if self.modules else np.empty(0, self.dtype)
        self.gradInput = self.modules[0].gradInput if self.modules else np.empty(0, self.dtype)
        return self

    def updateOutput(self, input: Any) -> Any:
        modules = iter(self.modules)
        try:
            for module in modules:
                input = module.updateOutput(input)
        except Exception as error:
            self.note(error, len(self) - length_hint(modules) - 1)  # counting along would cost every call
            raise
        self.output = input
        return input

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        modules, before = reversed(self.modules), None
        module: Any = next(modules, None)
        try:
            for before in modules:
                gradOutput = module.updateGradInput(before.output, gradOutput)
                module = before
            before = None
            if module is not None:
                gradOutput = module.updateGradInput(input, gradOutput)
        except Exception as error:
            self.note(error, length_hint(modules) + (before is not None))
            raise
        self.gradInput = gradOutput
        return gradOutput

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        for i, x, dy in self._steps_back(input, gradOutput):
            self.call(i, 'accGradParameters', x, dy, scale)

    def accUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        modules, before = reversed(self.modules), None
        module: Any = next(modules, None)
        try:
            for before in modules:
                module.accUpdateGradParameters(before.output, gradOutput, lr)
                gradOutput = module.gradInput
                module = before
            before = None
            if module is not None:
                module.accUpdateGradParameters(input, gradOutput, lr)
        except Exception as error:
            self.note(error, length_hint(modules) + (before is not None))
            raise

    def backward(self, input: Any, gradOutput: Any, scale: float = 1) -> Any:
        self.gradInput = gradOutput
        for i, x, dy in self._steps_back(input, gradOutput):
            self.gradInput = self.call(i, 'backward', x, dy, scale)
        return self.gradInput

    def _steps_back(self, input: Any, gradOutput: Any) -> Iterator[tuple[int, Any, Any]]:
        """From the last child to the first: its place, its input, and the gradInput of the one behind it."""
        for i in reversed(range(len(self))):
            yield i, self.modules[i - 1].output if i else input, gradOutput
            gradOutput = self.modules[i].gradInput

    def __str__(self) -> str:
        path = ' -> '.join(['input', *(f'({i})' for i in range(1, len(self) + 1)), 'output'])
        # subclasses print the same name, as in Torch7
        return self.lines(f'[{path}]', '', '', '', '', name='nn.Sequential')


class RowWise(Sequential):
    """The base of Sequentials that see a tensor as rows: `count(input)` of them, which give an output of
    `shape(input)`."""

    def count(self, input: np.ndarray) -> int:
        """The number of rows of `input`."""
        raise self.error('expected count(input) in every RowWise container', TypeError)

    def shape(self, input: np.ndarray) -> tuple[int, ...]:
        """The shape of the output for `input`."""
        return input.shape

    def _folded(self, tensor: np.ndarray, rows: int) -> np.ndarray:
        return tensor.reshape(rows, tensor.size // rows if rows else math.prod(tensor.shape[1:]))

    def _rows(self, input: np.ndarray, gradOutput: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
        """Input and gradOutput as rows, and the shape of the input."""
        input = self.check(input)
        gradOutput = self.check(gradOutput, 'gradOutput', self.shape(input))
        rows = self.count(input)
        return self._folded(input, rows), self._folded(gradOutput, rows), input.shape

    def updateOutput(self, input: np.ndarray) -> np.ndarray:
        input = self.check(input)
        shape = self.shape(input)
        self.output = super().updateOutput(self._folded(input, self.count(input))).reshape(shape)
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: np.ndarray) -> np.ndarray:
        x, dy, shape = self._rows(input, gradOutput)
        self.gradInput = super().updateGradInput(x, dy).reshape(shape)
        return self.gradInput

    def backward(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> np.ndarray:
        x, dy, shape = self._rows(input, gradOutput)
        self.gradInput = super().backward(x, dy, scale).reshape(shape)
        return self.gradInput

    def accGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, scale: float = 1) -> None:
        x, dy, _ = self._rows(input, gradOutput)
        super().accGradParameters(x, dy, scale)

    def accUpdateGradParameters(self, input: np.ndarray, gradOutput: np.ndarray, lr: float) -> None:
        x, dy, _ = self._rows(input, gradOutput)
        super().accUpdateGradParameters(x, dy, lr)


class Branches(Container):
    """The base of containers whose children work side by side.

    A container says what the children get, ``inputs(input)`` and ``gradOutputs(input, gradOutput)``, one for each of
    them, and what becomes of what they give, ``join(outputs)`` and ``join_gradients(input, gradInputs)``.
    """

    def inputs(self, input: Any) -> Sequence:
        """The children's inputs: the whole input for each, unless a container says something else."""
        return [input] * len(self)

    def gradOutputs(self, input: Any, gradOutput: Any) -> Sequence:
        """The children's gradOutputs."""
        raise self.error('expected gradOutputs(input, gradOutput)', TypeError)

    def join(self, outputs: list) -> Any:
        """Make ``output`` of the children's outputs."""
        raise self.error('expected join(outputs)', TypeError)

    def join_gradients(self, input: Any, gradInputs: list) -> Any:
        """Make ``gradInput`` of the children's: their sum, unless a container says something else."""
        return self.sum_gradients([gradient for gradient in gradInputs if gradient is not None])

    def updateOutput(self, input: Any) -> Any:
        return self.join([self.call(i, 'updateOutput', part) for i, part in enumerate(self.inputs(input))])

    def _each(self, method: str, input: Any, gradOutput: Any, *arguments: Any) -> list:
        pairs = zip(self.inputs(input), self.gradOutputs(input, gradOutput), strict=True)
        return [self.call(i, method, part, gradient, *arguments) for i, (part, gradient) in enumerate(pairs)]

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        return self.join_gradients(input, self._each('updateGradInput', input, gradOutput))

    def backward(self, input: Any, gradOutput: Any, scale: float = 1) -> Any:
        return self.join_gradients(input, self._each('backward', input, gradOutput, scale))

    def accGradParameters(self, input: Any, gradOutput: Any, scale: float = 1) -> None:
        self._each('accGradParameters', input, gradOutput, scale)

    def accUpdateGradParameters(self, input: Any, gradOutput: Any, lr: float) -> None:
        self._each('accUpdateGradParameters', input, gradOutput, lr)

    def __str__(self) -> str:
        return self.lines('input', '  |    ', '       ', '  |`-> ', '   `-> ', '\n     ... -> output')


class TableBranches(Branches):
    """The base of containers whose output is the table of their children's outputs."""

    table_fields: tuple[str, ...] = ('output',)

    output: list

    def gradOutputs(self, input: Any, gradOutput: list) -> list:
        self.check_table(gradOutput, len(self.modules), 'gradOutput')
        return gradOutput

    def join(self, outputs: list) -> list:
        self.output = outputs
        return outputs


class Joining(Module):
    """What joins tensors along a dimension, and splits the gradient again."""

    def concatenate(self, tensors: list[np.ndarray], axis: int) -> np.ndarray:
        """Join `tensors` along `axis` in ``output``."""
        tensors = [self.check(tensor, 'output') for tensor in tensors]
        self.expect_alike(tensors, axis)
        shape = list(tensors[0].shape)
        shape[axis] = sum(tensor.shape[axis] for tensor in tensors)
        return np.concatenate(tensors, axis, out=self.buffer('output', tuple(shape)))

    def expect_alike(self, tensors: list[np.ndarray], axis: int) -> None:
        """Raise unless the `tensors` differ along `axis` at most."""
        ranks = {tensor.ndim for tensor in tensors}
        if len(ranks) != 1 or len({tensor.shape[:axis] + tensor.shape[axis + 1 :] for tensor in tensors}) != 1:
            raise self.error(
                f'expected tensors that agree in all dimensions but {axis + 1}, got {", ".join(map(describe, tensors))}'
            )

    def parts(self, gradOutput: np.ndarray, axis: int, tensors: list[np.ndarray]) -> list[np.ndarray]:
        """The slices of `gradOutput` along `axis` that belong to the `tensors` that were joined."""
        sizes = [tensor.shape[axis] for tensor in tensors]
        shape = tensors[0].shape
        gradOutput = self.check(gradOutput, 'gradOutput', (*shape[:axis], sum(sizes), *shape[axis + 1 :]))
        ends = itertools.accumulate(sizes)
        before = (slice(None),) * axis
        return [gradOutput[(*before, slice(end - size, end))] for size, end in zip(sizes, ends, strict=True)]


class JoiningBranches(Joining, Branches):
    """The base of containers that join the outputs of their children along a dimension."""

    def output_axis(self, outputs: list) -> int:
        """The axis along which the children's outputs are joined."""
        raise self.error('expected output_axis(outputs)', TypeError)

    def _axis(self, dimension: int, outputs: list) -> int:
        self.check_fields()
        if not outputs:
            raise self.error('expected at least one module')
        for i, output in enumerate(outputs):
            if not isinstance(output, np.ndarray):
                raise self.error(f'expected a tensor from module {i + 1}, got {describe(output)}', TypeError)
        return self.axis_of(dimension, outputs[0].ndim)

    def join(self, outputs: list[np.ndarray]) -> np.ndarray:
        return self.concatenate(outputs, self.output_axis(outputs))

    def gradOutputs(self, input: Any, gradOutput: np.ndarray) -> list[np.ndarray]:
        outputs = [module.output for module in self.modules]
        axis = self.output_axis(outputs)
        if not all(output.ndim > axis for output in outputs):
            raise self.error('expected forward(input) first')
        return self.parts(gradOutput, axis, outputs)


class Concat(JoiningBranches):
    """Every child gets the whole input; their outputs are concatenated along `dimension`.

    Parameters
    ----------
    dimension
        counted from 1, or from the end where negative

    Raises
    ------
    ValueError
        if the outputs differ in another dimension

    Torch7 manual: containers.md#nn.Concat
    """

    dimension: int

    def __init__(self, dimension: int):
        super().__init__()
        self.dimension = dimension

    def output_axis(self, outputs):
        return self._axis(self.dimension, outputs)


class DepthConcat(Concat):
    """`Concat` of outputs that may differ in the other dimensions too: the smaller ones stand in the middle of zeros.

    Parameters
    ----------
    dimension
        counted from 1, or from the end where negative

    Raises
    ------
    ValueError
        if the outputs have not as many dimensions

    Torch7 manual: containers.md#nn.DepthConcat
    """

    def concatenate(self, tensors: list[np.ndarray], axis: int) -> np.ndarray:
        tensors = [self.check(tensor, 'output') for tensor in tensors]
        if len({tensor.ndim for tensor in tensors}) != 1:
            raise self.error(f'expected outputs of as many dimensions, got {", ".join(map(describe, tensors))}')
        shape = np.max([tensor.shape for tensor in tensors], 0).tolist()
        shape[axis] = sum(tensor.shape[axis] for tensor in tensors)
        output = self.buffer('output', tuple(shape))
        output.fill(0)
        for window, tensor in zip(self._windows(output, axis, tensors), tensors, strict=True):
            window[...] = tensor
        return output

    def parts(self, gradOutput: np.ndarray, axis: int, tensors: list[np.ndarray]) -> list[np.ndarray]:
        if np.ndim(self.output) != tensors[0].ndim:
            raise self.error('expected forward(input) first')
        gradOutput = self.check(gradOutput, 'gradOutput', self.output.shape)
        return self._windows(gradOutput, axis, tensors)

    @staticmethod
    def _windows(whole: np.ndarray, axis: int, tensors: list[np.ndarray]) -> list[np.ndarray]:
        """The place of each of the `tensors` in `whole`."""
        windows, offset = [], 0
        for tensor in tensors:
            starts = [(outer - inner) // 2 for outer, inner in zip(whole.shape, tensor.shape, strict=True)]
            starts[axis] = offset
            offset += tensor.shape[axis]
            windows.append(
                whole[tuple(slice(start, start + size) for start, size in zip(starts, tensor.shape, strict=True))]
            )
        return windows


class Parallel(JoiningBranches):
    """Child i gets slice i of the input along `inputDimension`; outputs are concatenated along `outputDimension`.

    Parameters
    ----------
    inputDimension, outputDimension
        counted from 1, or from the end where negative

    Raises
    ------
    ValueError
        if there are not as many slices as modules, or the outputs differ in another dimension

    Torch7 manual: containers.md#nn.Parallel
    """

    inputDimension: int
    outputDimension: int

    def __init__(self, inputDimension: int, outputDimension: int):
        super().__init__()
        self.inputDimension = inputDimension
        self.outputDimension = outputDimension

    def inputs(self, input: np.ndarray) -> list[np.ndarray]:
        self.check_fields()
        input = self.check(input)
        slices = np.moveaxis(input, self.axis_of(self.inputDimension, input.ndim), 0)
        if len(slices) != len(self):
            raise self.error(
                f'expected input of size {len(self)} in dimension {self.inputDimension}, a slice for each module, '
                f'got {describe(input)}'
            )
        return list(slices)

    def output_axis(self, outputs):
        return self._axis(self.outputDimension, outputs)

    def join_gradients(self, input: np.ndarray, gradInputs: list[np.ndarray]) -> np.ndarray:
        axis = self.axis_of(self.inputDimension, np.ndim(input))
        gradInputs = self.check_tensors(gradInputs, len(self), 'gradInputs of the modules', alike=True)
        return np.stack(gradInputs, axis, out=self.buffer('gradInput', np.shape(input)))
