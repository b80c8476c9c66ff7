"""The graph under construction: values that are computed with, and which function exports which class.

A converter is a function of a few lines for one class, or for several that mean the same:

    @exports(nn.SoftSign)
    def soft_sign(g, module, x):
        return x / (1 + x.op('Abs'))

``x`` is the `Value` of the layer's input (or a list or dict of such), and so is what it returns. Values are computed
with like arrays, or by ``g.op(NAME, inputs ..., attributes ...)``, and every operation adds a node to the graph.

How the network behaves for real inputs is known while it is exported, because the network runs beside: every value at
the border of a layer carries what t7nn computed there for one example, or for two that differ in the size of the
batch. ``x.shape`` so has a number for each size that is fixed, and the pair of sizes where it varies with the batch;
`Value.size` gives a number, or says that there is none. A converter that needs no fixed size serves every batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ...module import Module
from ...tensors import nested_map

__all__ = ['ExportError', 'Graph', 'Value', 'converters', 'exports', 'refusals', 'refuses']

LONG = np.dtype(np.int64)
FLOAT = np.dtype(np.float32)
BOOL = np.dtype(bool)

Shape = tuple[Any, ...]

#: the converter of each class that has one, and whether it is a container's
converters: dict[type, tuple[Callable, bool]] = {}
#: why each class that ONNX has nothing for is refused
refusals: dict[type, str] = {}

#: the methods that a subclass may override without computing anything else in `updateOutput`
HARMLESS = {
    '__init__', '__str__', '__repr__', '__getstate__', '__setstate__', 'reset', 'clearState', 'updateGradInput',
    'accGradParameters', 'accUpdateGradParameters', 'sharedAccUpdateGradParameters', 'backward', 'derivative',
    'zeroGradParameters', 'updateParameters', 'parameters', 'training', 'evaluate',
}  # fmt: skip


class ExportError(ValueError):
    """A layer that cannot be exported, with its place in the network."""


def exports(*classes: type, container: bool = False) -> Callable:
    """Register the decorated function as the converter of these classes, and of those of their subclasses that compute
    the same.

    With `container` the layer's own forward is not run beside: its converter exports the children, and gives every
    value that it makes itself its examples.
    """

    def register(function: Callable) -> Callable:
        converters.update(dict.fromkeys(classes, (function, container)))
        return function

    return register


def refuses(reason: str, *classes: type) -> None:
    """Register why ONNX has nothing for these classes."""
    refusals.update(dict.fromkeys(classes, reason))


def converter_of(cls: type) -> tuple[Callable, bool] | str:
    """The converter of `cls`, or why it has none."""
    if cls in refusals:
        return refusals[cls]
    overridden: set[str] = set()
    for base in cls.__mro__:
        if base in converters:
            changed = sorted(name for name in overridden if hasattr(base, name))
            if changed:
                return f'it overrides {", ".join(changed)} of {base.__name__}'
            return converters[base]
        overridden |= {name for name, item in vars(base).items() if callable(item)} - HARMLESS
    return 'no converter is registered for it'


def common(shapes: list[tuple[int, ...]]) -> Shape:
    """The sizes that are the same in all shapes; where they differ, all of them as a tuple.

    >>> common([(2, 5), (3, 5)])
    ((2, 3), 5)
    """
    if len(set(map(len, shapes))) > 1:
        raise ValueError(f'the number of dimensions varies with the batch: {shapes}')
    return tuple(sizes[0] if len(set(sizes)) == 1 else sizes for sizes in zip(*shapes, strict=True))


class Value:
    """A tensor in the graph: its name, its dtype and, at the border of a layer, what t7nn computed for the examples."""

    __array_ufunc__ = None  # so that array @ value is this class's matter

    def __init__(self, graph: Graph, name: str, dtype: np.dtype, examples: list[np.ndarray] | None = None):
        self.graph, self.name, self.dtype, self.examples = graph, name, dtype, examples

    @property
    def shape(self) -> Shape:
        """A number for each size that is fixed, a tuple of numbers where it varies."""
        assert self.examples is not None, f'{self.name} has no examples'
        return common([example.shape for example in self.examples])

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def size(self, axis: int) -> int:
        """The size along `axis`; a ValueError where it varies."""
        size = self.shape[axis]
        if not isinstance(size, int):
            raise self.graph.varying(f'a fixed size of dimension {axis % self.ndim + 1}')
        return size

    def sizes(self, first: int) -> tuple[int, ...]:
        """The sizes from axis `first` on."""
        return tuple(self.size(axis) for axis in range(self.ndim)[first:])

    def like(self, function: Callable[..., np.ndarray], *values: Value) -> Value:
        """This value, which t7nn would compute as `function` of the arrays of `values`: it gets its examples."""
        arrays = zip(*(value.examples or [] for value in values), strict=True)
        self.examples = [np.array(function(*each)) for each in arrays]
        return self

    # Arithmetic

    def op(self, name: str, *others: Any, **attributes: Any) -> Value:
        """The operation `name` of this value and others."""
        return self.graph.op(name, self, *others, **attributes)

    def __add__(self, other: Any) -> Value:
        return self.op('Add', other)

    def __sub__(self, other: Any) -> Value:
        return self.op('Sub', other)

    def __mul__(self, other: Any) -> Value:
        return self.op('Mul', other)

    def __truediv__(self, other: Any) -> Value:
        return self.op('Div', other)

    def __pow__(self, other: Any) -> Value:
        return self.op('Pow', other)

    def __matmul__(self, other: Any) -> Value:
        return self.op('MatMul', other)

    def __radd__(self, other: Any) -> Value:
        return self.graph.op('Add', other, self)

    def __rsub__(self, other: Any) -> Value:
        return self.graph.op('Sub', other, self)

    def __rmul__(self, other: Any) -> Value:
        return self.graph.op('Mul', other, self)

    def __rtruediv__(self, other: Any) -> Value:
        return self.graph.op('Div', other, self)

    def __rmatmul__(self, other: Any) -> Value:
        return self.graph.op('MatMul', other, self)

    def __neg__(self) -> Value:
        return self.op('Neg')

    def __gt__(self, other: Any) -> Value:
        return self.op('Greater', other)

    # Shapes

    def reshape(self, *sizes: int) -> Value:
        """In another shape; a size of 0 is the input's along that axis, one of -1 is worked out."""
        return self.op('Reshape', list(sizes))

    def transpose(self, *axes: int) -> Value:
        """With its axes in another order."""
        return self.op('Transpose', perm=list(axes))

    def unsqueeze(self, *axes: int) -> Value:
        """With new axes of size 1."""
        return self.op('Unsqueeze', list(axes))

    def squeeze(self, *axes: int) -> Value:
        """Without axes of size 1."""
        return self.op('Squeeze', list(axes))

    def slice(self, axis: int, start: int, stop: int, step: int = 1) -> Value:
        """A part along `axis`."""
        return self.op('Slice', [start], [stop], [axis], [step])

    def take(self, axis: int, index: int | np.ndarray) -> Value:
        """The entries `index`, from 0, along `axis`; a single one takes the axis away."""
        return self.op('Gather', np.asarray(index, LONG), axis=axis)

    def pad(self, amounts: list[tuple[int, int]], value: float = 0) -> Value:
        """With `value` before and after, so often for each axis; a negative number takes entries away."""
        cut = [axis for axis, pair in enumerate(amounts) if min(pair) < 0]
        y = self
        if cut:
            starts = [max(-amounts[axis][0], 0) for axis in cut]
            stops = [min(amounts[axis][1], 0) or np.iinfo(LONG).max for axis in cut]
            y = y.op('Slice', starts, stops, cut)
        before, after = ([max(pair[side], 0) for pair in amounts] for side in (0, 1))
        return y.op('Pad', before + after, value) if any(before + after) else y

    def sum(self, axis: int, keep: bool = False) -> Value:
        """The sum along `axis`."""
        return self.op('ReduceSum', [axis], keepdims=int(keep))

    def cast(self, dtype: Any) -> Value:
        """In another dtype."""
        dtype = np.dtype(dtype)
        return self if dtype == self.dtype else self.op('Cast', dtype=dtype, to=self.graph.type_of(dtype))


def join(values: list[Value], axis: int) -> Value:
    """`values` one after the other along `axis`."""
    return values[0] if len(values) == 1 else values[0].op('Concat', *values[1:], axis=axis)


class Graph:
    """An ONNX graph under construction.

    Attributes
    ----------
    count
        how many examples there are
    place
        where in the network the layer stands that is being exported: ``['modules.2', 'modules.1']``
    output
        the shape of what this layer gives, or of the first tensor in it
    nodes, data
        what has been made: the nodes, and the constants by their names
    recorded
        by id of a module, for the layers that refer to another one: what its converter noted
    sequences
        how many sequences are being taken step by step, one within the other
    """

    def __init__(self, onnx: Any, count: int = 1):
        self.onnx, self.count = onnx, count
        self.nodes: list[Any] = []
        self.constants: dict[tuple, Value] = {}
        self.data: dict[str, np.ndarray] = {}
        self.place: list[str] = []
        self.output: Shape = ()
        self.recorded: dict[int, Any] = {}
        self.sequences = 0
        self._module: Module | None = None
        self._names: dict[str, int] = {}

    # The network

    def check(self, module: Any, *place: str) -> None:
        """Raise an ExportError if there is no converter for `module`, or for one inside."""
        self.place += place
        self.converter(module)
        for i, child in enumerate(module.modules, 1):
            self.check(child, f'modules.{i}')
        del self.place[len(self.place) - len(place) :]

    def converter(self, module: Any) -> tuple[Callable, bool]:
        """The converter of `module`, and whether it is a container's."""
        found = converter_of(type(module)) if isinstance(module, Module) else 'it is not a class of t7nn'
        if isinstance(found, str):
            raise self.refusal(module, found)
        return found

    def refusal(self, module: Any, reason: str) -> ExportError:
        """The error that says why `module` cannot be exported."""
        return ExportError(f'{self.described(module)} has no equivalent in ONNX: {reason}')

    def export(self, module: Any, value: Any, *place: str) -> Any:
        """What `module`, which stands at `place` in the module that is being exported, makes of `value`."""
        self.place += place
        above, self._module = self._module, module
        try:
            function, container = self.converter(module)
            result = function(self, module, value) if container else self._leaf(function, module, value)
        except Exception as error:
            if not getattr(error, '__notes__', None):
                error.add_note(f'In {self.described(module)}')
            raise
        self._module = above
        del self.place[len(self.place) - len(place) :]
        return result

    def varying(self, what: str) -> ValueError:
        """The error that says what is needed by the layer that is being exported, and varies with the batch."""
        return ValueError(f'{self.described(self._module)}: expected {what}, got one that varies with the batch')

    def described(self, module: Any) -> str:
        """The name of a module and its place."""
        name = getattr(module, 'typename', type(module).__name__)
        return f'{name} ({".".join(self.place)})' if self.place else str(name)

    def _leaf(self, function: Callable, module: Module, value: Any) -> Any:
        """Run the layer for every example, then export it."""
        outputs, written = [], False
        for i in range(self.count):
            example = nested_map(lambda v, i=i: v.examples[i], value)
            output = module.updateOutput(example)
            first = example[0] if isinstance(example, list) and example else example
            written = module.inplace and output is first
            outputs.append(nested_map(np.array, output))
        shapes: list[Shape] = []
        nested_map(lambda *arrays: shapes.append(common([array.shape for array in arrays])), *outputs)
        self.output = shapes[0] if shapes else ()
        result = function(self, module, value)

        def settle(v: Value, *arrays: np.ndarray) -> Value:
            if v.examples is None:
                v.examples = list(arrays)
            return v

        nested_map(settle, result, *outputs)
        if written:  # whoever reads the input from now on reads what was written into it, as in Torch7
            target = value[0] if isinstance(value, list) else value
            target.name = result.name
        return result

    # Nodes

    def name(self, what: str) -> str:
        """A name for `what` in the layer that is being exported, not used before."""
        name = '.'.join([*self.place, what])
        self._names[name] = count = self._names.get(name, 0) + 1
        return name if count == 1 else f'{name}.{count}'

    def type_of(self, dtype: np.dtype) -> int:
        """ONNX's number for a dtype."""
        return self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def op(self, operator: str, *inputs: Any, dtype: np.dtype | None = None, **attributes: Any) -> Value:
        """A node, and the value that it gives.

        Inputs are values; numbers, which become constants of the dtype of the values; lists of whole numbers and arrays
        of such; arrays of floating-point numbers, in the dtype of the values; None where an input is left out.
        """
        values = [item for item in inputs if isinstance(item, Value)]
        kind = values[-1 if operator == 'Where' else 0].dtype
        names = ['' if item is None else self._operand(item, kind).name for item in inputs]
        name = self.name(operator)
        self.nodes.append(self.onnx.helper.make_node(operator, names, [name], name, **attributes))
        if dtype is None:
            comparing = operator in ('Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Equal', 'And', 'Not')
            dtype = BOOL if comparing else LONG if operator == 'Shape' else kind
        return Value(self, name, dtype)

    def second(self, value: Value, dtype: np.dtype = LONG) -> Value:
        """The second output of the node that gives `value`, a value that no layer has written into."""
        node = next(node for node in self.nodes if node.output[0] == value.name)
        node.output[1:] = [f'{value.name}.second']
        return Value(self, node.output[1], dtype)

    def _operand(self, item: Any, dtype: np.dtype) -> Value:
        if isinstance(item, Value):
            return item
        if isinstance(item, list):
            return self.constant(np.array(item, LONG))
        array = np.asarray(item)
        given = isinstance(item, np.ndarray) and array.dtype.kind != 'f'  # indices and masks
        return self.constant(array if given else array.astype(dtype, copy=False))

    def constant(self, array: np.ndarray) -> Value:
        """A tensor that is part of the model. Equal ones are one; a layer's field gives it its name."""
        data = np.array(array, order='C')
        key = data.shape, data.dtype.str, hashlib.blake2b(data.data).digest()
        if key not in self.constants:
            name = self.name(self._field(array))
            self.constants[key], self.data[name] = Value(self, name, data.dtype), data
        return self.constants[key]

    def _field(self, array: np.ndarray) -> str:
        """The field of the layer that is being exported whose memory `array` is."""
        for name, tensor in vars(self._module).items():
            same = isinstance(tensor, np.ndarray) and tensor.size == array.size and np.may_share_memory(tensor, array)
            if same and name not in ('output', 'gradInput'):
                return name
        return 'constant'

    # What several families need

    def view(self, value: Value, function: Callable[[np.ndarray], np.ndarray]) -> Value:
        """`value` in the shape that `function`, which reshapes an array, gives the examples."""
        seen = [np.array(function(example)) for example in value.examples or []]
        result = self.reshaped(value, common([example.shape for example in seen]))
        result.examples = seen
        return result

    def reshaped(self, value: Value, shape: Shape) -> Value:
        """`value` in `shape`, of which one size may vary, and others that are those of `value` along the same axis."""
        before = value.shape if value.examples else ()
        sizes = []
        for axis, size in enumerate(shape):
            if isinstance(size, int):
                sizes.append(size)
            elif before[axis : axis + 1] == (size,):
                sizes.append(0)
            elif -1 not in sizes:
                sizes.append(-1)
            else:
                raise self.varying('all sizes of the output but one')
        if sizes.count(0) == 1 and -1 not in sizes:
            sizes[sizes.index(0)] = -1  # the way in which most tools write it
        return value.reshape(*sizes)
