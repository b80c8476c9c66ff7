"""How values are walked through and compared: what all checks have in common."""

import copy
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from t7nn.tensors import describe, nested_map

from ..module import Module
from ..node import Node
from ..serialization.classes import comes_back
from ..serialization.files import dumps, loads

STEP = 1e-5  # of central differences: their error is about 1e-10
GRADIENT_TOLERANCE = 1e-6
EXACT = 1e-10
SINGLE = 2e-4


class Difference(AssertionError):
    """Two arrays that should be equal are not; both are kept for whoever looks for a pattern in them."""

    def __init__(self, message: str, actual: np.ndarray, expected: np.ndarray):
        super().__init__(message)
        self.actual, self.expected = actual, expected


def require(holds: Any, message: str) -> None:
    """Raise an AssertionError unless the property holds; an assert statement would vanish under ``python -O``."""
    if not holds:
        raise AssertionError(message)


def leaves(value: Any, path: str = '') -> Iterator[tuple[str, np.ndarray]]:
    """The arrays of a table of tables, each with its place in it."""
    if isinstance(value, (list, tuple, dict)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value, 1):
            yield from leaves(item, f'{path}[{key}]')
    elif value is not None:
        yield path, np.asarray(value)


def arrays(value: Any) -> list[np.ndarray]:
    """The arrays of a table of tables."""
    return [array for _, array in leaves(value)]


def of_tensors(function: Callable, value: Any) -> Any:
    """`function` of every array in a table of tables; what is no array stays."""
    return nested_map(lambda item: function(item) if isinstance(item, np.ndarray) else item, value)


def of_floats(function: Callable, value: Any) -> Any:
    """`function` of every array of floating-point numbers in a table of tables; all else stays."""
    return of_tensors(lambda tensor: function(tensor) if tensor.dtype.kind == 'f' else tensor, value)


def copied(value: Any) -> Any:
    """A table of tables with copies of its arrays."""
    return of_tensors(np.copy, value)


def single(tensor: np.ndarray) -> np.ndarray:
    """`tensor` in float32, where it holds floating-point numbers."""
    return tensor.astype(np.float32) if tensor.dtype.kind == 'f' else tensor


def stretched(tensor: np.ndarray) -> np.ndarray:
    """An equal tensor with holes in its memory, its dimensions in another order, the last of them backwards."""
    wide = np.full([2 * size for size in tensor.shape], 77, tensor.dtype, order='F')
    steps: tuple[Any, ...] = (..., *[slice(None, None, 2)] * (tensor.ndim - 1), slice(None, None, -2))
    part = wide[steps]
    part[...] = tensor
    return part


def read_only(tensor: np.ndarray) -> np.ndarray:
    """An equal tensor that cannot be written to."""
    memory = tensor.copy()
    memory.flags.writeable = False
    return memory.view()  # of which nobody can say that it is writeable after all


def repeated(tensor: np.ndarray) -> np.ndarray:
    """The first part of `tensor` in the place of all parts, as `numpy.broadcast_to` gives it: one memory for all."""
    return np.broadcast_to(tensor[:1].copy(), tensor.shape) if tensor.ndim and tensor.size else tensor


def same_place(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are the same elements in the same memory."""
    places = [(array.__array_interface__['data'][0], array.shape, array.strides) for array in (one, other)]
    return one.size > 0 and places[0] == places[1]


def digits(found: Any, expected: Any) -> tuple[str, str]:
    """Two numbers with as few digits, but at least four, as show that they differ."""
    for count in (4, 6, 9, 12, 17):
        pair = f'{found:.{count}g}', f'{expected:.{count}g}'
        if pair[0] != pair[1]:
            break
    return pair


def compare(actual: Any, expected: Any, what: str, other: str, tolerance: float = EXACT) -> None:
    """Raise a `Difference` at the element that differs most, an AssertionError where the forms differ."""
    if isinstance(actual, dict) and isinstance(expected, dict) and actual.keys() == expected.keys():
        for key in actual:
            compare(actual[key], expected[key], f'{what}: {key}', other, tolerance)
        return
    mine, its = dict(leaves(actual)), dict(leaves(expected))
    require(mine.keys() == its.keys(), f'{what} is {describe(actual)}, {other} {describe(expected)}')
    for path, array in mine.items():
        if array.shape != its[path].shape:
            message = f'{what}{path} has shape {array.shape}, {other} {its[path].shape}'
            raise Difference(message, array, its[path])
        if not array.size:
            continue
        with np.errstate(all='ignore'):
            error = np.abs(array - its[path]) / (1 + np.abs(its[path]))
        error = np.where((array == its[path]) | (np.isnan(array) & np.isnan(its[path])), 0, error)
        error[np.isnan(error)] = np.inf
        worst = np.unravel_index(error.argmax(), error.shape)
        if error[worst] > tolerance:
            place = path + (f'[{", ".join(map(str, worst))}]' if worst else '')
            found, wanted = digits(array[worst], its[path][worst])
            raise Difference(f'{what}{place} is {found}, {other} {wanted}', array, its[path])


def walk(node: Any, path: str = '', seen: set | None = None) -> Iterator[tuple[str, Any]]:
    """A module or criterion and all that are in it, each with the way to it: ``modules[0].`` or ``network.``."""
    seen = set() if seen is None else seen
    if id(node) not in seen:
        seen.add(id(node))
        yield path, node
        for key, value in list(vars(node).items()):
            if not key.startswith('_'):
                for i, inner in enumerate(value if isinstance(value, list) else [value]):
                    if isinstance(inner, Node):
                        yield from walk(
                            inner, f'{path}{key}[{i}].' if isinstance(value, list) else f'{path}{key}.', seen
                        )


class Parameter(NamedTuple):
    """A parameter and its gradient, and the names of the fields that hold them: ``weight``, ``modules[0].weight``."""

    name: str
    value: np.ndarray
    gradient_name: str
    gradient: np.ndarray


def named_parameters(module: Module) -> list[Parameter]:
    """The parameters of a module in their order; one that stands in the list twice is in it once."""
    fields: dict[int, str] = {}
    for path, inner in walk(module):
        for key, value in vars(inner).items():
            fields.setdefault(id(value), path + key)
    found: list[Parameter] = []
    for i, (value, gradient) in enumerate(zip(*module.parameters(), strict=False)):
        if any(same_place(value, earlier.value) for earlier in found):
            continue
        name = fields.get(id(value), f'parameters()[0][{i}]')
        found.append(Parameter(name, value, fields.get(id(gradient), f'the gradient of {name}'), gradient))
    return found


def central_differences(
    loss: Callable[[], float], tensor: np.ndarray, step: float = STEP, places: Any = None
) -> np.ndarray:
    """The gradient of `loss()` with respect to `tensor`, on which it depends, by central differences: at `places`, by
    default at all; 0 elsewhere."""
    gradient = np.zeros_like(tensor)
    for place in np.ndindex(tensor.shape) if places is None else places:
        value, losses = tensor[place], []
        for moved in (value + step, value - step):
            tensor[place] = moved
            losses.append(loss())
        tensor[place] = value
        gradient[place] = (losses[0] - losses[1]) / (2 * step)
    return gradient


def copies_of(node: Any) -> Iterator[tuple[str, Any]]:
    """What clone, deepcopy, pickle and a .t7 file make of `node`, each with its name; pickle only where Python can find
    the classes again, which it cannot if they were made within a function, and .t7 only for classes of t7nn."""
    ways: dict[str, Callable[[Any], Any]] = {'clone': type(node).clone, 'deepcopy': copy.deepcopy}
    kinds = {type(inner) for inner in (node.listModules() if isinstance(node, Module) else [node])}
    if all(getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind for kind in kinds):
        ways['pickle'] = lambda node: pickle.loads(pickle.dumps(node))
    if comes_back(node):
        ways['.t7'] = lambda node: loads(dumps(node))
    for name, way in ways.items():
        try:
            twin = way(node)
        except Exception as error:
            raise AssertionError(f'{name} fails: {error!r}') from error
        require(twin is not node and type(twin) is type(node), f'{name} gives {twin!r}')
        yield name, twin


def written(value: Any) -> str:
    """`value` in the words of a failure, in one line."""
    texts = [' '.join(np.array2string(array, threshold=20).split()) for array in arrays(value)]
    return texts[0] if isinstance(value, np.ndarray) or len(texts) == 1 else f'[{", ".join(texts)}]'
