"""Layers whose input or output is a table, a Python list: containers, conversions, arithmetic.

Torch7 manual: table.md
"""

import operator
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from ..module import Module
from ..tensors import describe, nested_map, silent
from .containers import Joining, TableBranches

__all__ = [
    'CAddTable',
    'CAddTensorTable',
    'CDivTable',
    'CMaxTable',
    'CMinTable',
    'CMulTable',
    'CSubTable',
    'ConcatTable',
    'FlattenTable',
    'JoinTable',
    'MapTable',
    'MixtureTable',
    'NarrowTable',
    'ParallelTable',
    'SelectTable',
    'SplitTable',
    'ZipTable',
    'ZipTableOneToMany',
]


class ConcatTable(TableBranches):
    """Every child gets the whole input, a tensor or a table; the output is the table of theirs, gradInput the sum.

    Torch7 manual: table.md#nn.ConcatTable
    """


class ParallelTable(TableBranches):
    """Child i gets item i of the input, a table of as many; output and gradInput are the tables of theirs.

    Torch7 manual: table.md#nn.ParallelTable
    """

    table_fields = ('output', 'gradInput')

    def inputs(self, input: list) -> list:
        self.check_table(input, len(self))
        return input

    def join_gradients(self, input: list, gradInputs: list) -> list:
        self.gradInput = gradInputs
        return gradInputs


class MapTable(ParallelTable):
    """One module for every item of the input; output and gradInput are the tables of what it gives.

    For n items there are n copies of the module, made when they are needed, which share its parameters. Those that
    share go with `clearState()`.

    Parameters
    ----------
    module
        may come later, by `add`
    shared
        False: each copy has parameters of its own, equal in the beginning

    Raises
    ------
    ValueError
        if there is no module yet, or a second one is added

    Torch7 manual: table.md#nn.MapTable
    """

    module: Module | None
    shared: bool
    sharedparams: list[str]

    def __init__(self, module: Module | None = None, shared: bool = True):
        super().__init__()
        self.shared = shared
        self.sharedparams = ['weight', 'bias', 'gradWeight', 'gradBias']
        self.module = None
        if module is not None:
            self.add(module)

    def add(self, module: Module) -> Self:
        """Set the module; there is one only."""
        if self.module is not None:
            raise self.error('expected a single module, got a second one')
        self.module = self._module(module)
        return super().add(module)

    def resize(self, n: int) -> None:
        """Have n copies."""
        self._extend(n)
        del self.modules[max(n, 1) :]

    def _extend(self, n: int) -> None:
        if self.module is None:
            raise self.error('expected a module to map, got none; add(module) puts it in')
        self._check_shared()
        names = self.sharedparams
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise self.error(f'expected a table of names as sharedparams, got {describe(names)}', TypeError)
        while len(self.modules) < n:
            self.modules.append(self.module.clone(*self.sharedparams if self.shared else ()))

    def _check_shared(self) -> None:
        if not isinstance(self.shared, (bool, np.bool_, type(None))):
            raise self.error(f'expected True or False as shared, got {describe(self.shared)}', TypeError)

    def inputs(self, input: list) -> list:
        self.check_table(input)
        self._extend(len(input))
        return input

    def gradOutputs(self, input: list, gradOutput: list) -> list:
        self.check_table(gradOutput, len(input), 'gradOutput')
        return gradOutput

    def updateParameters(self, learningRate: float) -> None:
        self._check_shared()
        for module in self.modules[:1] if self.shared else self.modules:
            module.updateParameters(learningRate)

    def replace(self, callback: Any) -> Module:
        if self.module is not None and self.shared:
            self.resize(1)
        replacement = super().replace(callback)
        self.module = self.modules[0] if self.modules else None
        return replacement

    def clearState(self) -> Self:
        self._check_shared()
        if self.shared:
            del self.modules[1:]
        return super().clearState()

    def __str__(self) -> str:
        inner = str(self.module).replace('\n', '\n        ')
        return f'{self.typename} {{ }}' if self.module is None else f'{self.typename} {{\n  {inner}\n}}'


class SplitTable(Module):
    """The table of a tensor's slices along a dimension: views, without a copy.

    Parameters
    ----------
    dimension
        counted from 1, or from the end where negative
    nInputDims
        the number of dimensions of one sample: a batch's dimension is not counted

    A vector gives a table of tensors of shape ``(1,)``, as numbers are none.

    Raises
    ------
    ValueError
        if the input has no such dimension

    Torch7 manual: table.md#nn.SplitTable
    """

    dimension: int
    nInputDims: int | None

    def __init__(self, dimension: int, nInputDims: int | None = None):
        super().__init__()
        self.dimension = dimension
        self.nInputDims = nInputDims

    def _slices(self, tensor: np.ndarray) -> list[np.ndarray]:
        self.check_parameters()
        axis = self.axis_of(self.dimension, tensor.ndim, self.nInputDims)
        return list(np.moveaxis(tensor if tensor.ndim > 1 else tensor[:, None], axis, 0))

    def updateOutput(self, input: np.ndarray) -> list[np.ndarray]:
        self.output = self._slices(self.check(input))
        return self.output

    def updateGradInput(self, input: np.ndarray, gradOutput: list[np.ndarray]) -> np.ndarray | None:
        if self.gradInput is None:
            return None
        input = self.check(input)
        slices = self._slices(input)
        gradOutput = self.check_tensors(gradOutput, len(slices), 'gradOutput', slices[0].shape if slices else None)
        gradInput = self.buffer('gradInput', input.shape)
        for part, gradient in zip(self._slices(gradInput), gradOutput, strict=True):
            np.copyto(part, gradient)
        return gradInput


class JoinTable(Joining):
    """The tensors of a table joined along a dimension; all their other sizes agree.

    Parameters
    ----------
    dimension
        counted from 1, or from the end where negative
    nInputDims
        the number of dimensions of one sample: a batch's dimension is not counted

    Raises
    ------
    ValueError
        if the tensors differ in another dimension, or there are none

    Torch7 manual: table.md#nn.JoinTable
    """

    table_fields = ('gradInput',)
    dimension: int
    nInputDims: int | None

    def __init__(self, dimension: int, nInputDims: int | None = None):
        super().__init__()
        self.dimension = dimension
        self.nInputDims = nInputDims

    def _operands(self, input: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
        """The tensors, and the axis."""
        self.check_parameters()
        tensors = self.check_tensors(input)
        if not tensors:
            raise self.error('expected a table of at least one tensor, got a table of 0')
        return tensors, self.axis_of(self.dimension, tensors[0].ndim, self.nInputDims)

    def updateOutput(self, input: list[np.ndarray]) -> np.ndarray:
        return self.concatenate(*self._operands(input))

    def updateGradInput(self, input: list[np.ndarray], gradOutput: np.ndarray) -> list[np.ndarray]:
        tensors, axis = self._operands(input)
        self.expect_alike(tensors, axis)
        parts = self.parts(gradOutput, axis, tensors)
        gradInput = self.buffer_table('gradInput', tensors)
        for gradient, part in zip(gradInput, parts, strict=True):
            np.copyto(gradient, part)
        return gradInput


class MixtureTable(Module):
    """A mixture of experts: from [gates, experts] the sum of gate k times expert k over all k.

    Gates are ``(K,)`` with one sample of every expert, or ``(N, K)`` with batches of N. Experts are a table of K
    tensors of one shape, or one tensor of which dimension `dim` counts them.

    Parameters
    ----------
    dim
        counted from 1; by default 1 for one sample and 2 for a batch

    Raises
    ------
    ValueError
        if there is not one gate for each expert, or experts are not of one shape

    Torch7 manual: table.md#nn.MixtureTable
    """

    table_fields = ('gradInput',)
    dim: int | None

    def __init__(self, dim: int | None = None):
        super().__init__()
        self.dim = dim

    def _experts(self, gates: np.ndarray, experts: Any) -> list[np.ndarray]:
        """The experts, one by one."""
        if isinstance(experts, (list, tuple)):
            return self.check_tensors(experts, what='input[2]', alike=True)
        experts = self.check(experts, 'input[2]')
        axis = self.axis_of(gates.ndim if self.dim is None else self.dim, experts.ndim)
        if axis == 0 and gates.ndim == 2:
            raise self.error("expected experts in a dimension other than 1, which is the batch's, got dim = 1")
        return list(np.moveaxis(experts, axis, 0))

    def _gates(self, gates: np.ndarray, ndim: int) -> np.ndarray:
        """The gates, one by one, each in the form that multiplies an expert of `ndim` dimensions."""
        return gates.T.reshape(gates.shape[::-1] + (1,) * (ndim - gates.ndim + 1))

    def _operands(self, input: list) -> tuple[np.ndarray, list[np.ndarray]]:
        self.check_parameters()
        self.check_table(input, 2)
        gates, experts = self.check(input[0], 'input[1]'), input[1]
        if gates.ndim not in (1, 2):
            raise self.error(f'expected gates of shape (K,) or (N, K), got {describe(gates)}')
        experts = self._experts(gates, experts)
        if not experts or len(experts) != gates.shape[-1]:
            raise self.error(f'expected one gater output per expert, got {gates.shape[-1]} for {len(experts)}')
        if gates.ndim == 2 and experts[0].shape[:1] != gates.shape[:1]:
            raise self.error(f'expected experts of a batch of {len(gates)}, got {describe(experts[0])}')
        return gates, experts

    def updateOutput(self, input: list) -> np.ndarray:
        gates, experts = self._operands(input)
        output = self.buffer('output', experts[0].shape)
        output.fill(0)
        for gate, expert in zip(self._gates(gates, output.ndim), experts, strict=True):
            output += gate * expert
        return output

    def updateGradInput(self, input: list, gradOutput: np.ndarray) -> list:
        gates, experts = self._operands(input)
        gradOutput = self.check(gradOutput, 'gradOutput', experts[0].shape)
        gradGates, gradExperts = self.buffer_table('gradInput', input)
        samples = len(gates) if gates.ndim == 2 else 1
        size = gradOutput.size // max(1, samples)
        for k, (gate, expert, gradient) in enumerate(
            zip(self._gates(gates, gradOutput.ndim), experts, self._experts(gates, gradExperts), strict=True)
        ):
            gradGates[..., k] = (gradOutput * expert).reshape(samples, size).sum(1).reshape(gates.shape[:-1])
            np.multiply(gate, gradOutput, gradient)
        return self.gradInput


class SelectTable(Module):
    """One item of the input table, a tensor or a table; the gradient of all others is 0.

    Parameters
    ----------
    index
        counted from 1, or from the end where negative; a key where the table is a dict

    Raises
    ------
    IndexError
        if the table has no such item

    Torch7 manual: table.md#nn.SelectTable
    """

    table_fields = ('gradInput',)

    index: int | str

    def __init__(self, index: int | str):
        super().__init__()
        self.index = index

    def _key(self, input: Any) -> Any:
        """The index as Python counts."""
        self.check_parameters()
        index = self.index
        if isinstance(input, dict):
            if index in input:
                return index
        else:
            self.check_table(input)
            if not isinstance(index, str) and 1 <= abs(index) <= len(input):
                return index - 1 if index > 0 else index
        raise self.error(f'expected an item {index} in the input table, got {describe(input)}', IndexError)

    def updateOutput(self, input: Any) -> Any:
        self.output = input[self._key(input)]
        return self.output

    def updateGradInput(self, input: Any, gradOutput: Any) -> Any:
        key = self._key(input)
        gradInput = self.zeros_table('gradInput', input)
        self.update_tables(np.copyto, gradInput[key], gradOutput)
        return gradInput

    def __str__(self) -> str:
        return f'{self.typename}({self.index})'


class NarrowTable(Module):
    """`length` items of the input table from `offset` on; the gradient of all others is 0.

    Parameters
    ----------
    offset
        counted from 1
    length
        how many, at least 0; where the table ends before, what there is

    Raises
    ------
    IndexError
        if `offset` is below 1, or `length` below 0

    Torch7 manual: table.md#nn.NarrowTable
    """

    table_fields = ('output', 'gradInput')
    offset: int
    length: int

    def __init__(self, offset: int, length: int = 1):
        super().__init__()
        self.offset = offset
        self.length = length

    def _range(self, input: list) -> slice:
        self.check_parameters()
        self.check_table(input)
        if self.offset < 1 or self.length < 0:
            raise self.error(
                f'expected an offset from 1 and a length from 0, got {self.offset} and {self.length}', IndexError
            )
        first = min(self.offset - 1, len(input))
        return slice(first, min(first + self.length, len(input)))

    def updateOutput(self, input: list) -> list:
        self.output = list(input[self._range(input)])
        return self.output

    def updateGradInput(self, input: list, gradOutput: list) -> list:
        range = self._range(input)
        self.check_table(gradOutput, range.stop - range.start, 'gradOutput')
        self.zeros_table('gradInput', input)[range] = gradOutput
        return self.gradInput


class FlattenTable(Module):
    """The tensors of tables of tables in one table, in the order in which they are met.

    ``input_map`` has the form of the last input, with the place in the output of each tensor, counted from 1.

    Torch7 manual: table.md#nn.FlattenTable
    """

    table_fields = ('output', 'gradInput', 'input_map')
    cleared = (*Module.cleared, 'input_map')
    input_map: Any

    def updateOutput(self, input: list) -> list:
        self.check_table(input)
        output: list = []

        def place(tensor: Any) -> int:
            output.append(tensor)
            return len(output)

        self.input_map, self.output = nested_map(place, input), output
        return output

    def updateGradInput(self, input: list, gradOutput: list) -> list:
        self.check_table(gradOutput, len(self.updateOutput(input)), 'gradOutput')
        self.gradInput = nested_map(lambda place: gradOutput[place - 1], self.input_map)
        return self.gradInput


class ZipTable(Module):
    """[[a1, a2], [b1, b2], [c1, c2]] becomes [[a1, b1, c1], [a2, b2, c2]]; the inner tables have one length.

    Torch7 manual: table.md#nn.ZipTable
    """

    table_fields = ('output', 'gradInput')

    def _zip(self, tables: list[list], what: str) -> list[list]:
        self.check_table(tables, what=what)
        for i, table in enumerate(tables, 1):
            self.check_table(table, len(tables[0]) if i > 1 else None, f'{what}[{i}]')
        return [list(items) for items in zip(*tables, strict=True)]

    def updateOutput(self, input: list[list]) -> list[list]:
        self.output = self._zip(input, 'input')
        return self.output

    def updateGradInput(self, input: list[list], gradOutput: list[list]) -> list[list]:
        tables = self._zip(input, 'input')
        self.check_table(gradOutput, len(tables), 'gradOutput')
        gradInput = self._zip(gradOutput, 'gradOutput')
        self.gradInput = gradInput if tables else [[] for _ in input]
        if list(map(len, self.gradInput)) != list(map(len, input)):
            raise self.error(f'expected gradOutput[1] of {len(input)} items, got {describe(gradOutput[0])}')
        return self.gradInput


class ZipTableOneToMany(Module):
    """[v, [a, b, c]] becomes [[v, a], [v, b], [v, c]]; the gradient of v is the sum.

    Torch7 manual: table.md#nn.ZipTableOneToMany
    """

    table_fields = ('output', 'gradInput')

    def _check(self, input: list) -> None:
        self.check_table(input, 2)
        self.check(input[0], 'input[1]')
        self.check_table(input[1], what='input[2]')

    def updateOutput(self, input: list) -> list[list]:
        self._check(input)
        self.output = [[input[0], item] for item in input[1]]
        return self.output

    def updateGradInput(self, input: list, gradOutput: list[list]) -> list:
        self._check(input)
        self.check_table(gradOutput, len(input[1]), 'gradOutput')
        for i, pair in enumerate(gradOutput, 1):
            self.check_table(pair, 2, f'gradOutput[{i}]')
        element = self.zeros_table('gradInput', input[0])
        for gradient, _ in gradOutput:
            self.update_tables(operator.iadd, element, gradient)
        self.gradInput = [element, [gradient for _, gradient in gradOutput]]
        return self.gradInput


class TableArithmetic(Module):
    """The base of elementwise functions of the tensors of a table, all of one shape.

    A layer says `function(xs, y)`, which writes into y, and `derivatives(xs, dy, dxs)`, which writes into each of dxs.
    """

    table_fields = ('gradInput',)

    #: how many tensors it takes; None: any number
    count: int | None = None

    def function(self, xs: list[np.ndarray], y: np.ndarray) -> None:
        """y = f(x_1, x_2, ...)."""
        raise self.error('expected function(xs, y) in every TableArithmetic layer', TypeError)

    def derivatives(self, xs: list[np.ndarray], dy: np.ndarray, dxs: list[np.ndarray]) -> None:
        """dx_i = df/dx_i dy."""
        raise self.error('expected derivatives(xs, dy, dxs) in every TableArithmetic layer', TypeError)

    def _check(self, input: list[np.ndarray]) -> list[np.ndarray]:
        tensors = self.check_tensors(input, self.count, alike=True)
        if not tensors:
            raise self.error('expected a table of at least one tensor, got a table of 0')
        return tensors

    def updateOutput(self, input: list[np.ndarray]) -> np.ndarray:
        input = self._check(input)
        output = self.destination('output', input[0])
        self.function(input, output)
        return output

    def updateGradInput(self, input: list[np.ndarray], gradOutput: np.ndarray) -> list[np.ndarray]:
        input = self._check(input)
        gradOutput = self.check(gradOutput, 'gradOutput', input[0].shape)
        if self.works_in_place():
            self.gradInput = [gradOutput] * len(input)
        else:
            self.derivatives(input, gradOutput, self.buffer_table('gradInput', input))
        return self.gradInput


class CAddTable(TableArithmetic):
    """y = x_1 + x_2 + ..., dx_i = dy.

    Parameters
    ----------
    inplace
        write the output into x_1, and let every dx_i be gradOutput itself

    Torch7 manual: table.md#nn.CAddTable
    """

    inplace: bool

    def __init__(self, inplace: bool = False):
        super().__init__()
        self.inplace = inplace

    def function(self, xs, y):
        np.copyto(y, xs[0])
        for x in xs[1:]:
            y += x

    def derivatives(self, xs, dy, dxs):
        for dx in dxs:
            np.copyto(dx, dy)


class CSubTable(TableArithmetic):
    """y = x_1 - x_2, dx_1 = dy, dx_2 = -dy.

    Torch7 manual: table.md#nn.CSubTable
    """

    count = 2

    def function(self, xs, y):
        np.subtract(*xs, y)

    def derivatives(self, xs, dy, dxs):
        np.copyto(dxs[0], dy)
        np.negative(dy, dxs[1])


class CMulTable(TableArithmetic):
    """y = x_1 x_2 ..., dx_i = dy times the product of the others.

    Torch7 manual: table.md#nn.CMulTable
    """

    def function(self, xs, y):
        np.copyto(y, xs[0])
        for x in xs[1:]:
            y *= x

    def derivatives(self, xs, dy, dxs):
        for i, dx in enumerate(dxs):
            np.copyto(dx, dy)
            for j, x in enumerate(xs):
                if i != j:
                    dx *= x


class CDivTable(TableArithmetic):
    """y = x_1 / x_2, dx_1 = dy / x_2, dx_2 = -dy x_1 / x_2^2.

    Torch7 manual: table.md#nn.CDivTable
    """

    count = 2

    @silent
    def function(self, xs, y):
        np.divide(*xs, y)

    @silent
    def derivatives(self, xs, dy, dxs):
        np.divide(dy, xs[1], dxs[0])
        np.divide(dxs[0], xs[1], dxs[1])
        dxs[1] *= xs[0]
        np.negative(dxs[1], dxs[1])


class CMaxTable(TableArithmetic):
    """y = max(x_1, x_2, ...); dy goes to the largest, to the first of them where several are equal.

    Torch7 manual: table.md#nn.CMaxTable
    """

    better: Callable = staticmethod(np.greater)

    def function(self, xs, y):
        np.copyto(y, xs[0])
        for x in xs[1:]:
            np.copyto(y, x, where=self.better(x, y))

    def derivatives(self, xs, dy, dxs):
        best, winner = xs[0].copy(), np.zeros(dy.shape, np.int16)
        for i, x in enumerate(xs[1:], 1):
            better = self.better(x, best)
            np.copyto(best, x, where=better)
            np.copyto(winner, i, where=better)
        for i, dx in enumerate(dxs):
            dx.fill(0)
            np.copyto(dx, dy, where=winner == i)


class CMinTable(CMaxTable):
    """y = min(x_1, x_2, ...); dy goes to the smallest, to the first of them where several are equal.

    Torch7 manual: table.md#nn.CMinTable
    """

    better = staticmethod(np.less)


class CAddTensorTable(Module):
    """[v, [x_1, x_2, ...]] becomes [x_1 + v, x_2 + v, ...], all of one shape; dv = the sum of all dy_i, dx_i = dy_i.

    Torch7 manual: table.md#nn.CAddTensorTable
    """

    table_fields = ('gradInput',)

    def _operands(self, input: list) -> list:
        """v, and the table of the others."""
        self.check_table(input, 2)
        vector = self.check(input[0], 'input[1]')
        return [vector, self.check_tensors(input[1], what='input[2]', shape=vector.shape)]

    def updateOutput(self, input: list) -> list[np.ndarray]:
        vector, tensors = self._operands(input)
        output = self.buffer_table('output', tensors)
        for result, tensor in zip(output, tensors, strict=True):
            np.add(tensor, vector, result)
        return output

    def updateGradInput(self, input: list, gradOutput: list[np.ndarray]) -> list:
        operands = self._operands(input)
        gradOutput = self.check_tensors(gradOutput, len(operands[1]), 'gradOutput', operands[0].shape)
        gradInput = self.zeros_table('gradInput', operands)
        for result, gradient in zip(gradInput[1], gradOutput, strict=True):
            gradInput[0] += gradient
            np.copyto(result, gradient)
        return gradInput
