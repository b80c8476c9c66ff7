"""How values are compared, and how a failure is said: what all checks have in common."""

import copy
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

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


def of_tensors(function: Callable, value: Any) -> Any:
    """`function` of every array in a table of tables; what is no array stays."""
    return nested_map(lambda item: function(item) if isinstance(item, np.ndarray) else item, value)


def copied(value: Any) -> Any:
    """A table of tables with copies of its arrays."""
    return of_tensors(np.copy, value)


def single(tensor: np.ndarray) -> np.ndarray:
    """`tensor` in float32, where it holds floating-point numbers."""
    return tensor.astype(np.float32) if tensor.dtype.kind == 'f' else tensor


def stretched(tensor: np.ndarray) -> np.ndarray:
    """An equal tensor with holes in its memory, its dimensions in another order, the last of them backwards."""
    wide = np.full([2 * size for size in tensor.shape], 77, tensor.dtype, order='F')
    part = wide[(..., *[slice(None, None, 2)] * (tensor.ndim - 1), slice(None, None, -2))]
    part[...] = tensor
    return part


def compare(actual: Any, expected: Any, what: str, other: str, tolerance: float = EXACT) -> None:
    """Raise an AssertionError at the element that differs most."""
    if isinstance(actual, dict) and isinstance(expected, dict) and actual.keys() == expected.keys():
        for key in actual:
            compare(actual[key], expected[key], f'{what}: {key}', other, tolerance)
        return
    mine, its = dict(leaves(actual)), dict(leaves(expected))
    require(mine.keys() == its.keys(), f'{what} is {describe(actual)}, {other} {describe(expected)}')
    for path, array in mine.items():
        require(array.shape == its[path].shape, f'{what}{path} has shape {array.shape}, {other} {its[path].shape}')
        if not array.size:
            continue
        with np.errstate(invalid='ignore'):
            error = np.abs(array - its[path]) / (1 + np.abs(its[path]))
        error = np.where((array == its[path]) | (np.isnan(array) & np.isnan(its[path])), 0, error)
        error[np.isnan(error)] = np.inf
        worst = np.unravel_index(error.argmax(), error.shape)
        place = path + (f'[{", ".join(map(str, worst))}]' if worst else '')
        require(error[worst] <= tolerance, f'{what}{place} is {array[worst]:.12g}, {other} {its[path][worst]:.12g}')


def central_differences(loss: Callable[[], float], tensor: np.ndarray, step: float = STEP) -> np.ndarray:
    """The gradient of `loss()` with respect to `tensor`, on which it depends, by central differences."""
    gradient = np.zeros_like(tensor)
    for place in np.ndindex(tensor.shape):
        value, losses = tensor[place], []
        for moved in (value + step, value - step):
            tensor[place] = moved
            losses.append(loss())
        tensor[place] = value
        gradient[place] = (losses[0] - losses[1]) / (2 * step)
    return gradient


def copies_of(node: Node) -> Iterator[tuple[str, Node]]:
    """What clone, deepcopy, pickle and a .t7 file make of `node`, each with its name; pickle only where Python can find
    the classes again, which it cannot if they were made within a function, and .t7 only for classes of t7nn."""
    ways = {'clone': type(node).clone, 'deepcopy': copy.deepcopy}
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


def alone(case: Any) -> Iterator[Any]:
    """The case with each of its examples alone."""
    count = len(next(leaves(case.given))[1]) if case.batch else 0
    for i in range(count if count > 1 else 0):
        yield case.of(lambda tensor, i=i: tensor[i : i + 1].copy())


def rounded(case: Any) -> Iterator[Any]:
    """The case with few digits, as long as they make no number equal to another one, nor to 0 or 1 or -1."""
    floats = [array.ravel() for _, array in leaves(case.given) if array.dtype.kind == 'f']
    numbers = np.concatenate([*floats, [0, 1, -1]])
    for digits in range(5):
        if np.unique(numbers.round(digits)).size == np.unique(numbers).size:
            yield case.of(lambda tensor, n=digits: tensor.round(n) if tensor.dtype.kind == 'f' else tensor)


def run_checks(title: str, checks: dict[str, Callable], names: Any, skip: Any, case: Any) -> None:
    """Run the checks of these `names` (None: all) but those of `skip` on a case.

    A case has ``given``, all that it is run on, ``batch``, ``of(function)``, which is the case with `function(tensor)`
    in the place of every tensor given, and ``text()``.

    Raises
    ------
    AssertionError
        naming what was checked, the property that does not hold, and the numbers that show it: of one example alone,
        and of few digits, where they show it too
    """
    unknown = {*(names or ()), *skip} - checks.keys()
    if unknown:
        raise ValueError(f'names of checks out of {list(checks)} needed, got {sorted(unknown)}')
    for name in names or checks:
        failure = None if name in skip else _failure(checks[name], case)
        if failure is not None:
            for simplify in (alone, rounded):
                for candidate in simplify(case):
                    shown = _failure(checks[name], candidate)
                    if type(shown) is type(failure):
                        failure, case = shown, candidate
                        break
            what = failure if isinstance(failure, AssertionError) else repr(failure)
            raise AssertionError(f'{title}, {name}: {what}; {case.text()}') from failure


def _failure(check: Callable, case: Any) -> Exception | None:
    try:
        check(case)
    except Exception as failure:
        return failure
    return None


def written(value: Any) -> str:
    """`value` in the words of a failure."""
    arrays = [np.array2string(array, threshold=20) for _, array in leaves(value)]
    return arrays[0] if isinstance(value, np.ndarray) else f'[{", ".join(arrays)}]'
