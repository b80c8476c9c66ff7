"""What a .t7 file can hold that Python has no value for, and the names of Torch7's types."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensors import TENSOR_TYPES

__all__ = ['Hash', 'ObjectKey', 'Storage', 'T7Error', 'TorchFunction', 'TorchObject', 'Vec']

DTYPES = {name[len('torch.') : -len('Tensor')]: dtype for name, dtype in TENSOR_TYPES.items()}
TYPE_OF = {dtype: name for name, dtype in DTYPES.items()}
# cutorch's and cltorch's types lie in the file like the CPU's: CudaTensor and ClTensor (float32), CudaDoubleTensor ...
_KINDS = DTYPES | {'Cuda' + kind: dtype for kind, dtype in DTYPES.items()}
_KINDS |= dict.fromkeys(('Cuda', 'Cl'), DTYPES['Float'])
TENSORS = {f'torch.{kind}Tensor': dtype for kind, dtype in _KINDS.items()}
STORAGES = {f'torch.{kind}Storage': dtype for kind, dtype in _KINDS.items()}


class T7Error(ValueError):
    """A .t7 file that is damaged, cut off or not a .t7 file. `offset`: the byte where reading ended."""

    def __init__(self, message: str, offset: int):
        super().__init__(f'{message} (at byte {offset})')
        self.offset = offset

    def __reduce__(self):
        return _error_again, (self.args[0], self.offset)


def _error_again(text: str, offset: int) -> T7Error:
    error = T7Error('', offset)
    error.args = (text,)
    return error


class Storage(np.ndarray):
    """A torch.XStorage: the memory that tensors (ordinary arrays) look into, as an array of one dimension.

    >>> Storage([4, 2], dtype=np.int64)
    Storage([4, 2])
    """

    def __new__(cls, values, dtype=None) -> Storage:
        storage = np.array(values, dtype).view(cls)
        if storage.ndim != 1 or storage.dtype not in TYPE_OF:
            raise ValueError(f'Storage: expected numbers in one dimension, got {storage.dtype} {storage.shape}')
        return storage


class ObjectKey:
    """A table's key that is itself an object which Python cannot hash (a list, a dict, an array).

    Lua compares such keys by identity, and so are these: `table[ObjectKey(x)]` finds what Lua's `table[x]` does.
    """

    __slots__ = ('value',)

    def __init__(self, value: Any):
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectKey) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)

    def __repr__(self) -> str:
        return f'ObjectKey({type(self.value).__name__})'


class Hash(dict):
    """A tds.Hash: a dict that is written to a .t7 file as a tds.Hash, not as a Lua table."""


class Vec(list):
    """A tds.Vec: a list that is written to a .t7 file as a tds.Vec, not as a Lua table."""


class TorchObject:
    """An object of a class that t7nn does not have: its class's name and its fields, nothing else.

    >>> point = TorchObject("demo.Point", {"x": 1, "y": [2, 3]})
    >>> point
    demo.Point(x=1, y=list of 2)
    >>> point["x"]
    1
    """

    #: an object that a few classes write before their fields (nn.GPU, nn.DataParallelTable)
    header: Any = None

    def __init__(self, typename: str, fields: Any = None, version: int = 1):
        self.typename = typename
        self.fields = {} if fields is None else fields
        self.version = version

    def __getitem__(self, name):
        return self.fields[name]

    def __contains__(self, name) -> bool:
        return name in self.fields

    def __getattr__(self, name):
        typename = self.__dict__.get('typename', 'TorchObject')
        raise AttributeError(f"{typename} is not a class of t7nn, so its object has no {name}; its fields: object['x']")

    def get(self, name, default=None):
        return self.fields.get(name, default) if isinstance(self.fields, dict) else default

    def __repr__(self) -> str:
        if not isinstance(self.fields, dict):
            return f'{self.typename}({brief(self.fields)})'
        fields = [f'{key if isinstance(key, str) else brief(key)}={brief(value)}' for key, value in self.fields.items()]
        return f'{self.typename}({", ".join(fields)})'


class TorchFunction:
    """A Lua function, kept as it lies in the file and never run.

    `bytecode` is what `string.dump` gave; `upvalues` the list of its captured variables: dicts with `name`, `id` (equal
    ids are one variable) and `value`, in files of old versions (`code` 6 and 7) the plain values.
    """

    def __init__(self, bytecode: bytes, upvalues: Any = None, code: int = 8):
        self.bytecode = bytecode
        self.upvalues = [] if upvalues is None else upvalues
        self.code = code

    def __repr__(self) -> str:
        names = [up.get('name', '?') if isinstance(up, dict) else brief(up) for up in self.upvalues]
        return f'TorchFunction({len(self.bytecode)} bytes of Lua bytecode, upvalues: {", ".join(names) or "none"})'


def brief(value: Any) -> str:
    """A value in a few words, however large, deep or circular it is."""
    if isinstance(value, np.ndarray):
        kind = 'storage' if isinstance(value, Storage) else 'array'
        return f'{value.dtype} {kind} {"x".join(map(str, value.shape))}'
    if isinstance(value, (list, tuple, dict)):
        return f'{type(value).__name__} of {len(value)}'
    if isinstance(value, TorchObject):
        return value.typename
    if isinstance(value, (str, bytes)) and len(value) > 60:
        return f'{value[:57]!r}...'
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return repr(value)
    return type(value).__name__
