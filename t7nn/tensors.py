"""NumPy arrays seen as Torch tensors: their type names, the storages below them, and tables of them.

A Torch tensor is a view (offset, shape, strides) of a storage. A NumPy array is the same thing: its storage is the
array that owns the memory. Casting, flattening, cloning and saving keep sharing because all of them go through the few
functions.
"""

import functools
import math
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import numpy as np

__all__ = [
    'TENSOR_TYPES',
    'cast',
    'describe',
    'dtype_of',
    'flatten',
    'in_cache',
    'nested_map',
    'number',
    'owner',
    'offset',
    'plain',
    'real',
    'silent',
    'view',
]

TENSOR_TYPES: dict[str, np.dtype] = {
    'torch.DoubleTensor': np.dtype(np.float64),
    'torch.FloatTensor': np.dtype(np.float32),
    'torch.HalfTensor': np.dtype(np.float16),
    'torch.LongTensor': np.dtype(np.int64),
    'torch.IntTensor': np.dtype(np.int32),
    'torch.ShortTensor': np.dtype(np.int16),
    'torch.CharTensor': np.dtype(np.int8),
    'torch.ByteTensor': np.dtype(np.uint8),
}

#: as a decorator: no warning where numbers leave the domain of a function or overflow, as in C, which says inf or nan
silent = np.errstate(all='ignore')


def in_cache(function: Callable) -> Callable:
    """As a decorator: let NumPy work through buffers that fit into the fastest cache together.

    It takes what does not lie in one run of memory through buffers of 8192 numbers each. Three of them do not fit, and
    then sums over strided arrays, and sums with one number a plane, take up to twice the time.
    """

    @functools.wraps(function)
    def inner(*arguments: Any, **named: Any) -> Any:
        before = np.setbufsize(512)
        try:
            return function(*arguments, **named)
        finally:
            np.setbufsize(before)

    return inner


#: Torch7's short names: 'float' is float32 there, and float64 in NumPy
_SHORT_NAMES: dict[str, np.dtype] = {name[6:-6].lower(): dtype for name, dtype in TENSOR_TYPES.items()}


def dtype_of(type: Any) -> np.dtype:
    """The dtype that `type` names: a Torch tensor type (``'torch.FloatTensor'``, ``'float'``) or whatever `numpy.dtype`
    takes."""
    if isinstance(type, str) and type in TENSOR_TYPES | _SHORT_NAMES:
        return (TENSOR_TYPES | _SHORT_NAMES)[type]
    try:
        return np.dtype(np.dtype(type).type)  # in native byte order, and the one instance that `is` finds again
    except TypeError:
        raise TypeError(f'expected a tensor type such as torch.FloatTensor or float32, got {type!r}') from None


def describe(value: Any) -> str:
    """What `value` is, in the words of an error message."""
    if isinstance(value, np.ndarray):
        return f'shape {value.shape}'
    if isinstance(value, (list, tuple)):
        return f'a table of {len(value)}'
    if isinstance(value, dict):
        return f'a table with keys {list(value)}'
    return 'nil' if value is None else f'{type(value).__name__} {value!r}'


def plain(value: Any, refuse: Callable[[str], Exception]) -> np.ndarray:
    """`value`, an array of any class, as a plain array over the same memory.

    Raises
    ------
    `refuse(got)`
        if it is no array, or a masked one, whose mask no layer looks at
    """
    if isinstance(value, np.ma.MaskedArray):
        raise refuse('a masked array; fill it first: x.filled(0)')
    if not isinstance(value, np.ndarray):
        raise refuse(describe(value))
    return value.view(np.ndarray)


def real(value: Any, name: str) -> float:
    """`value` as a Python number. A rate or a scale that is an array or complex would be cut in silence further down.

    >>> real(np.float32(0.5), 'scale')
    0.5
    """
    if value.__class__ is float or value.__class__ is int:
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in 'iuf':
        value = value[()]
    if not isinstance(value, Real):
        raise TypeError(f'expected a number as {name}, got {describe(value)}')
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return math.copysign(math.inf, value)


def number(value: float) -> str:
    """`value` as Lua prints it: 14 significant digits, whole numbers without a point.

    >>> number(3.0), number(0.1 + 0.2), number(float('inf'))
    ('3', '0.3', 'inf')
    """
    return f'{value:.14g}'


def owner(array: np.ndarray) -> np.ndarray:
    """The array that owns the memory of `array`: its storage. Arrays that share memory have the same one."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def offset(array: np.ndarray) -> int:
    """Where the first element of `array` lies in its storage, in elements from 0."""
    return (array.__array_interface__['data'][0] - owner(array).__array_interface__['data'][0]) // array.itemsize


def view(storage: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    """The tensor of `shape` and `strides` (in bytes) that begins at element `offset` of `storage`."""
    return np.ndarray(shape, storage.dtype, storage.ravel('K'), offset * storage.itemsize, strides)


def cast(array: np.ndarray, dtype: np.dtype, cache: dict) -> np.ndarray:
    """`array` in another dtype. What was already cast is found in `cache`, so what was shared stays shared, and one
    array stays one array."""
    if array.dtype == dtype:
        return array
    storage = owner(array)
    # what was cast is kept beside the result, or its id could be given anew
    if id(storage) not in cache:
        cache[id(storage)] = storage, storage.astype(dtype)
    if ('array', id(array)) not in cache:
        strides = tuple(stride // array.itemsize * dtype.itemsize for stride in array.strides)
        cast = view(cache[id(storage)][1], offset(array), array.shape, strides)
        cache['array', id(array)] = array, cast
    return cache['array', id(array)][1]


def _form(value: Any) -> Any:
    """What two values have in common that can be walked through together."""
    if isinstance(value, dict):
        return set(value)
    return len(value) if isinstance(value, (list, tuple)) else None


def nested_map(function: Callable, value: Any, *others: Any) -> Any:
    """`function` of every array in a table of tables, or of the array itself; the result has the table's form.

    >>> nested_map(lambda x, y: x + y, [1, {'a': 2}], [10, {'a': 20}])
    [11, {'a': 22}]

    Raises
    ------
    ValueError
        if the `others` are not of the form of `value`
    """
    for other in others:
        if _form(other) != _form(value):
            raise ValueError(f'expected tables of one form, got {describe(value)} and {describe(other)}')
    if isinstance(value, (list, tuple)):
        return [nested_map(function, *items) for items in zip(value, *others, strict=True)]
    if isinstance(value, dict):
        return {key: nested_map(function, item, *(other[key] for other in others)) for key, item in value.items()}
    return function(value, *others)


def _compact(array: np.ndarray) -> bool:
    """Whether the elements of `array` fill a region of memory without holes."""
    expected = array.itemsize
    for stride, size in sorted(zip(array.strides, array.shape, strict=True)):
        if stride and size > 1:
            if stride != expected:
                return False
            expected *= size
    return True


def flatten(tensors: Iterable[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """One flat vector that holds all `tensors`, and each of them as a view of it.

    Every storage is taken whole, in the order of first use; elements that no tensor looks at drop out; strides and
    sharing are kept.

    Raises
    ------
    TypeError
        if the tensors are of different dtypes, or one is no tensor
    ValueError
        if there are holes and a tensor is not compact
    """
    tensors = list(tensors)
    if not tensors:
        return np.empty(0), []
    for tensor in tensors:
        if not isinstance(tensor, np.ndarray):
            raise TypeError(f'flatten: expected tensors, got {describe(tensor)}')
    dtypes = {tensor.dtype for tensor in tensors}
    if len(dtypes) > 1:
        raise TypeError(f'flatten: expected tensors of one dtype, got {sorted(map(str, dtypes))}')
    storages = {id(owner(tensor)): owner(tensor) for tensor in tensors}
    flat = np.concatenate([storage.ravel('K') for storage in storages.values()])
    starts = dict(
        zip(storages, np.cumsum([0] + [storage.size for storage in storages.values()]).tolist(), strict=False)
    )
    places = [starts[id(owner(tensor))] + offset(tensor) for tensor in tensors]
    used = np.zeros_like(flat)
    for tensor, place in zip(tensors, places, strict=True):
        view(used, place, tensor.shape, tensor.strides).fill(1)
    if not used.all():
        if not all(map(_compact, tensors)):
            raise ValueError('Cannot gather tensors that are not compact')
        positions = np.cumsum(used, dtype=np.int64) - 1
        flat, places = (
            flat[used != 0],
            [int(positions[place]) if tensor.size else 0 for tensor, place in zip(tensors, places, strict=True)],
        )
    return flat, [
        view(flat, place, tensor.shape, tensor.strides) for tensor, place in zip(tensors, places, strict=True)
    ]
