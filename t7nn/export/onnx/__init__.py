"""t7nn's networks as ONNX models.

``builder`` is the graph and the registry of converters; each of the other modules has the converters of one family of
layers, a few lines a layer. A converter for a class of one's own is registered in the same way:

    from t7nn.export.onnx import exports

    @exports(Cube)
    def cube(g, module, x):
        return x * x * x
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

import t7nn

from ...module import Module
from ...serialization.files import replace_file
from ...tensors import describe, dtype_of, nested_map
from . import containers, convolution, linear, normalization, packages, pointwise, pooling, resampling, shapes, tables  # noqa: F401
from .builder import ExportError, Graph, Value, converters, exports, refusals, refuses

__all__ = ['ExportError', 'Graph', 'Value', 'converters', 'exports', 'refusals', 'refuses', 'to_onnx']

#: The models are of these versions, which onnxruntime has read since 1.12 and which browsers read.
OPSET, IR_VERSION = 17, 8

#: protobuf's limit for a file is 2 GB: so many bytes of weights, and the graph
LARGEST = 2**31 - 2**24

#: the sizes of the batches that the network is run for to learn which sizes vary; not 1, which Torch7 treats otherwise
BATCHES = 2, 3


def to_onnx(
    module: Module, path: str | os.PathLike[str] | None, input: Any, dtype: Any = None, batch: bool | None = None
) -> Any:
    """The network as an ONNX model, which is written to `path`, if there is one, and returned.

    What is exported is what the network does after `evaluate()`: no dropout, running averages in batch normalisation.
    `module` itself is not changed.

    Parameters
    ----------
    module
        a layer or a network
    path
        the ``.onnx`` file, or None
    input
        the shape of an input, ``(1, 3, 224, 224)``, or an example of one, an array; for networks that take tables a
        list or dict of such. Shapes stand for tensors of ones in the network's dtype; where the network takes indices
        or masks, examples say so by their dtype
    dtype
        ``'float32'`` or ``'float64'``: cast the network before; by default its own dtype is kept. Almost every tool
        that runs ONNX models wants float32
    batch
        whether the first size of the inputs, and what follows from it, is left open as N. True: it must be possible;
        False: all sizes are fixed; None: where it is possible, which is where the first sizes of all inputs are the
        same, and the network takes batches of other sizes too

    Returns
    -------
    onnx.ModelProto
        checked by ``onnx.checker``. Inputs are named ``input``, or ``input.1``, ``input.2`` ... for a table; outputs
        ``output`` likewise

    Raises
    ------
    ExportError
        (a ValueError) if a layer has no equivalent in ONNX; it names the layer and its place
    ValueError, TypeError, IndexError
        if the network does not take this input
    ModuleNotFoundError
        if the package onnx is not installed
    """
    onnx = _package()
    if not isinstance(module, Module):
        raise TypeError(f'to_onnx: expected a module, got {describe(module)}')
    Graph(onnx).check(module)
    kind = module.dtype if dtype is None else dtype_of(dtype)
    if kind not in (np.float32, np.float64):
        raise TypeError(f'to_onnx: expected a network of float32 or float64, got {kind}')
    example = _example(input, kind)
    found: list[np.ndarray] = []
    nested_map(found.append, example)
    if not found:
        raise ValueError('to_onnx: expected at least one tensor as input, got an empty table')
    model = None
    if batch is not False:
        try:
            model = _model(onnx, _finished(module, dtype), _batches(example))
        except ExportError:
            raise
        except Exception as error:
            if batch:
                raise ValueError(f'to_onnx: the network does not leave the size of the batch open: {error}') from error
    if model is None:
        model = _model(onnx, _finished(module, dtype), [example])
    data = model.SerializeToString()
    onnx.checker.check_model(data, full_check=True)
    if path is not None:
        replace_file(os.fspath(path), [data])
    return model


def _package() -> Any:
    try:
        import onnx
        import onnx.checker
        import onnx.helper
    except ModuleNotFoundError:
        raise ModuleNotFoundError("to_onnx needs the package onnx: pip install 't7nn[onnx]'") from None
    return onnx


def _finished(module: Module, dtype: Any) -> Module:
    """A copy of the network in evaluate mode, cast to `dtype` if there is one."""
    own = module.clone()
    if dtype is not None:
        own.zeroGradParameters()  # in files they can be any numbers, too large for float32
        own.type(dtype)
    own.evaluate()
    return own


def _example(input: Any, dtype: np.dtype) -> Any:
    """Arrays in the place of shapes and numbers."""
    if isinstance(input, np.ndarray):
        return input.copy()
    if isinstance(input, (int, float, np.number)):
        return np.asarray(input, dtype)
    if isinstance(input, (tuple, list)):
        if input != [] and all(isinstance(size, (int, np.integer)) for size in input):
            if any(size < 1 for size in input):
                raise ValueError(f'to_onnx: expected sizes of at least 1, got {tuple(input)}')
            return np.ones(input, dtype)
        return [_example(item, dtype) for item in input]
    if isinstance(input, dict):
        return {key: _example(item, dtype) for key, item in input.items()}
    raise TypeError(f'to_onnx: expected a shape, an array or a table of such as input, got {describe(input)}')


def _batches(example: Any) -> list[Any]:
    """The example with its first sizes changed to each of BATCHES."""
    first: set[int] = set()
    nested_map(lambda array: first.add(len(array) if array.ndim else -1), example)
    if len(first) != 1 or -1 in first:
        raise ValueError(f'to_onnx: expected inputs with the same first size for an open batch, got {sorted(first)}')
    return [
        nested_map(lambda array, size=size: np.take(array, range(size), 0, mode='wrap'), example) for size in BATCHES
    ]


def _model(onnx: Any, module: Module, examples: list[Any]) -> Any:
    """The model of `module`, from its behaviour for the examples."""
    g = Graph(onnx, len(examples))
    inputs = _named(examples[0], 'input')
    values = nested_map(lambda name, *arrays: Value(g, name, arrays[0].dtype, list(arrays)), inputs, *examples)
    heads: list[Any] = []
    nested_map(lambda value: heads.append(_declared(onnx, value.name, value)), values)
    outputs = g.export(module, values)
    tails: list[Any] = []
    taken: dict[str, str] = {}

    def declare(name: str, value: Value) -> None:
        tails.append(_declared(onnx, name, value))
        made = any(value.name in node.output for node in g.nodes)
        if made and value.name not in taken:
            taken[value.name] = name
        else:
            g.nodes.append(onnx.helper.make_node('Identity', [value.name], [name], name))

    nested_map(declare, _named(outputs, 'output'), outputs)
    if not tails:
        raise ValueError('to_onnx: expected a network with an output, got one that gives an empty table')
    for node in g.nodes:
        node.input[:] = [taken.get(name, name) for name in node.input]
        node.output[:] = [taken.get(name, name) for name in node.output]
    used = {name for node in g.nodes for name in node.input}
    weights = {name: array for name, array in g.data.items() if name in used}
    if sum(array.nbytes for array in weights.values()) > LARGEST:
        raise ValueError('to_onnx: expected a network of less than 2 GB, the most that an ONNX file can hold, got more')
    what = g.described(module)
    model = onnx.helper.make_model(
        onnx.helper.make_graph(g.nodes, what, heads, tails),
        opset_imports=[onnx.helper.make_opsetid('', OPSET)],
        ir_version=IR_VERSION,
        producer_name='t7nn',
        producer_version=t7nn.__version__,
        doc_string=f'{what} as it computes after evaluate()',
    )
    for name, array in weights.items():  # written in their place, as ONNX's own functions copy them several times
        little = array.astype(array.dtype.newbyteorder('<'), copy=False)
        model.graph.initializer.add(
            name=name, dims=array.shape, data_type=g.type_of(array.dtype), raw_data=little.tobytes()
        )
    return model


def _named(value: Any, name: str) -> Any:
    """Names in the form of the tables of `value`, counted from 1."""
    if isinstance(value, (list, tuple)):
        return [_named(item, f'{name}.{i}') for i, item in enumerate(value, 1)]
    if isinstance(value, dict):
        return {key: _named(item, f'{name}.{key}') for key, item in value.items()}
    return name


def _declared(onnx: Any, name: str, value: Value) -> Any:
    """Name, type and shape of an input or output; a size that varies is N, a multiple of it, or unknown."""
    sizes: list[int | str | None] = []
    for size in value.shape:
        if isinstance(size, int):
            sizes.append(size)
        else:
            factors = {math.gcd(n, batch) == batch and n // batch for n, batch in zip(size, BATCHES, strict=True)}
            factor = factors.pop() if len(factors) == 1 else 0
            sizes.append('N' if factor == 1 else f'{factor}*N' if factor else None)
    return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), sizes)
