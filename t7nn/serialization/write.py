"""Write .t7 files: values to bytes, in the order and under the indices that Torch7 gives them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..tensors import owner
from .classes import saved
from .sources import BOOLEAN, FUNCTION6, NIL, NUMBER, OBJECT, STRING, TABLE
from .values import TYPE_OF, Hash, ObjectKey, Storage, TorchFunction, TorchObject, Vec, brief

__all__ = ['AsciiTarget', 'BinaryTarget', 'Writer']

EXACT = 1 << 53  # whole numbers up to it are doubles
LARGE = 1 << 16  # arrays from this many bytes on are handed over as they are, not copied


class BinaryTarget:
    """Numbers, texts and arrays as Torch7's binary mode writes them. `parts`: the bytes so far."""

    def __init__(self, longSize: int = 8, endian: str = 'little'):
        order = '<' if endian == 'little' else '>'
        self.order, self.longSize, self.longCode = order, longSize, {4: 'i', 8: 'q'}[longSize]
        self.parts: list = []
        self._now = bytearray()
        self._int, self._ints, self._number = (struct.Struct(order + code).pack for code in ('i', 'ii', 'id'))

    def finish(self) -> list:
        parts, self.parts, self._now = [*self.parts, self._now], [], bytearray()
        return parts

    def int(self, value: int) -> None:
        self._now += self._int(value)

    def ints(self, code: int, value: int) -> None:
        self._now += self._ints(code, value)

    def number(self, value: float) -> None:
        self._now += self._number(NUMBER, value)

    def longs(self, values: tuple[int, ...]) -> None:
        self._now += struct.pack(f'{self.order}{len(values)}{self.longCode}', *values)

    def tensor(self, sizes: tuple[int, ...], strides: tuple[int, ...], offset: int) -> None:
        self.int(len(sizes))
        self.longs((*sizes, *strides, offset))

    def raw(self, data: bytes) -> None:
        self._now += data

    def text(self, data: bytes) -> None:
        self.int(len(data))
        self.raw(data)

    def string(self, data: bytes) -> None:
        self._now += self._ints(STRING, len(data)) + data

    def array(self, values: np.ndarray) -> None:
        inFile = values.dtype.newbyteorder(self.order)
        if values.dtype == np.int64 and self.longSize == 4:
            inFile = np.dtype(self.order + 'i4')
            if values.size and not -(1 << 31) <= values.min() <= values.max() < 1 << 31:
                raise ValueError('save: longSize=4 holds numbers below 2^31 only, a long array has larger ones')
        values = np.ascontiguousarray(values, inFile)
        if values.nbytes < LARGE:
            self._now += values.tobytes()
        else:
            self.parts += [self._now, values.view(np.uint8).data]
            self._now = bytearray()


class AsciiTarget:
    """The same in ascii mode: every number or array on a line of its own."""

    FORMATS = {'f8': '%.17g', 'f4': '%.9g', 'f2': '%.9g'}

    def __init__(self):
        self.now = bytearray()

    def finish(self) -> list:
        now, self.now = self.now, bytearray()
        return [now]

    def int(self, value: int) -> None:
        self.now += b'%d\n' % value

    def ints(self, code: int, value: int) -> None:
        self.now += b'%d\n%d\n' % (code, value)

    def number(self, value: float) -> None:
        self.int(NUMBER)
        self.now += self._words([value], '%.17g')

    def string(self, data: bytes) -> None:
        self.int(STRING)
        self.text(data)

    def tensor(self, sizes: tuple[int, ...], strides: tuple[int, ...], offset: int) -> None:
        self.int(len(sizes))
        for numbers in (sizes, strides, (offset,)):
            self.longs(numbers)

    def longs(self, values: tuple[int, ...]) -> None:
        self.now += self._words(values, '%d')

    def raw(self, data: bytes) -> None:
        self.now += data + b'\n' if len(data) else b''

    def text(self, data: bytes) -> None:
        self.int(len(data))
        self.raw(data)

    def array(self, values: np.ndarray) -> None:
        if values.dtype.itemsize == 1:
            self.raw(values.tobytes())
            return
        form = self.FORMATS.get(values.dtype.str[1:], '%d')
        for start in range(0, values.size, LARGE):
            end = start + LARGE
            line = self._words(values[start:end].tolist(), form)
            self.now += line if end >= values.size else line[:-1] + b' '

    @staticmethod
    def _words(values: Iterable, form: str) -> bytes:
        """The C library's words; it writes nan's sign, which Python's `%` drops."""
        words = [form % value if value == value else _nan(value) for value in values]
        return (' '.join(words) + '\n').encode() if words else b''


def _nan(value: float) -> str:
    return '-nan' if np.signbit(value) else 'nan'


class Writer:
    """The objects of one file, one after the other; what was written once is referred to."""

    def __init__(self, target: BinaryTarget | AsciiTarget, referenced: bool = True):
        self.target, self.referenced = target, referenced
        self.count = 0  # indices given so far
        self._indices: dict[tuple[str, int], int] = {}
        self._alive: list = []  # whatever has an index must not be collected while its id counts

    def writeObject(self, value: Any) -> None:
        """One more object. TypeError where something in it has no place in a .t7 file."""
        stack: list[tuple[Any, Iterator, int]] = [(None, iter([(None, value)]), 0)]  # (name, its parts, its id)
        around: set[int] = set()  # without references, what is being written must not come again inside itself
        while stack:
            for name, child in stack[-1][1]:
                try:
                    parts = self._write(child)
                except (TypeError, ValueError, OverflowError, struct.error) as error:
                    names = [*(entry[0] for entry in stack[1:]), name]
                    names = [str(name) if isinstance(name, (str, int)) else brief(name) for name in names if name]
                    error.add_note(f'at {".".join(names) or "the top"} of what is saved')
                    raise
                if parts is not None:
                    if not self.referenced:
                        if id(child) in around:
                            raise ValueError('save: referenced=False cannot write what contains itself')
                        around.add(id(child))
                    stack.append((name, parts, id(child)))
                    break
            else:
                around.discard(stack.pop()[2])

    def _write(self, value: Any) -> Iterator | None:
        """Write one value; where other objects are part of it, answer with those, each as (name, value)."""
        target, kind = self.target, value.__class__  # the commonest first: isinstance takes several times as long
        if kind is str:
            target.string(value.encode('utf-8', 'surrogateescape'))
        elif kind is float or kind is int and -EXACT <= value <= EXACT:
            target.number(value)
        elif kind is dict:
            return self._table(value, value)
        elif kind is list:
            return self._table(value, dict(enumerate(value, 1)))
        elif isinstance(value, (bool, np.bool_)):
            target.ints(BOOLEAN, int(value))
        elif isinstance(value, (int, float, np.integer, np.floating)):
            number = float(value)
            if number != value and value == value:
                raise ValueError(f"save: {value} is not exactly a double, which is what Lua's numbers are")
            target.number(number)
        elif isinstance(value, (str, bytes)):
            target.string(value.encode('utf-8', 'surrogateescape') if isinstance(value, str) else value)
        elif value is None:
            target.int(NIL)
        elif isinstance(value, np.ndarray):
            return self._array(value)
        elif isinstance(value, (Hash, Vec)):
            return self._tds(value)
        elif isinstance(value, dict):
            return self._table(value, value)
        elif isinstance(value, (list, tuple)):
            return self._table(value, dict(enumerate(value, 1)))
        elif isinstance(value, TorchFunction):
            return self._function(value)
        elif isinstance(value, ObjectKey):
            return self._write(value.value)
        else:
            return self._object(value)
        return None

    def _new(self, code: int, kind: str, value: Any) -> bool:
        """Write type code and index; whether the object itself is still to be written."""
        index = self._indices.get((kind, id(value))) if self.referenced else None
        if index is not None:
            self.target.ints(code, index)
            return False
        self.count += 1
        self.target.ints(code, self.count)
        if self.referenced:
            self._indices[kind, id(value)] = self.count
            self._alive.append(value)
        return True

    def _head(self, typename: str, version: int = 1) -> None:
        if version:
            self.target.text(b'V %d' % version)
        self.target.text(typename.encode())

    def _table(self, owner: Any, pairs: dict) -> Iterator | None:
        if not self._new(TABLE, 'object', owner):
            return None
        pairs = {key: item for key, item in pairs.items() if item is not None}
        self.target.int(len(pairs))
        return _children(pairs)

    def _tds(self, value: Hash | Vec) -> Iterator | None:
        if not self._new(OBJECT, 'object', value):
            return None
        self.target.text(b'V 0')
        self.target.text(f'tds.{type(value).__name__}'.encode())
        self.target.longs((len(value),))
        return _children(value) if isinstance(value, Hash) else iter(list(enumerate(value, 1)))

    def _object(self, value: Any) -> Iterator | None:
        record = value if isinstance(value, TorchObject) else None
        if record is None and ('object', id(value)) not in self._indices:
            record = saved(value)
            if record is None:
                raise TypeError(f'save: a {type(value).__name__} has no place in a .t7 file')
        if not self._new(OBJECT, 'object', value):
            return None
        self._head(record.typename, record.version)
        if isinstance(record.fields, bytes):  # torch.Generator; torch.Timer has none
            self.target.raw(record.fields)
            return None
        if isinstance(record.fields, int):  # tds.AtomicCounter
            self.target.longs((record.fields,))
            return None
        return iter([(None, part) for part in (record.header, record.fields) if part is not None])

    def _function(self, value: TorchFunction) -> Iterator | None:
        if value.code == FUNCTION6:
            self.target.int(FUNCTION6)
        elif not self._new(value.code, 'object', value):
            return None
        self.target.text(value.bytecode)
        return iter([('upvalues', value.upvalues)])

    def _array(self, value: np.ndarray) -> None:
        if value.dtype.newbyteorder('=') not in TYPE_OF:
            raise TypeError(f'save: Torch7 has no tensors of {value.dtype}; use .astype() first')
        if isinstance(value, Storage):
            self._storage(_place(value)[0])
        elif self._new(OBJECT, 'object', value):
            storage, first, strides = _place(value)
            sizes = value.shape or (1,)
            self._head(f'torch.{TYPE_OF[storage.dtype]}Tensor')
            if value.size:
                self.target.tensor(sizes, strides, first + 1)
            else:
                self.target.tensor((), (), 1)
            if value.size or value.base is not None and storage.size:
                self._storage(storage)
            else:
                self.target.int(NIL)

    def _storage(self, storage: np.ndarray) -> None:
        if self._new(OBJECT, 'storage', storage):
            self._head(f'torch.{TYPE_OF[storage.dtype]}Storage')
            self.target.longs((storage.size,))
            if not storage.flags.c_contiguous:
                storage = storage.transpose(np.argsort(storage.strides)[::-1])
            self.target.array(storage.reshape(-1))


def _children(pairs: dict) -> Iterator:
    for key, value in pairs.items():
        if key is None or key != key:
            raise ValueError(f'save: {key} cannot be a key of a Lua table')
        yield None, key
        yield key, value


def _place(value: np.ndarray) -> tuple[np.ndarray, int, tuple[int, ...]]:
    """The array whose memory is the tensor's storage, the tensor's first element there, and its strides in elements.

    Where the memory below is not such that Torch7 could look at it so (another dtype, negative strides, holes), the
    storage is a copy.
    """
    storage, size, strides = owner(value), value.itemsize, value.strides or (value.itemsize,)
    if storage is value and value.flags.c_contiguous and value.dtype.isnative and value.ndim:
        return storage, 0, tuple([step // size for step in strides])
    if storage.dtype == value.dtype and value.dtype.isnative and storage.size:
        start, end = np.lib.array_utils.byte_bounds(storage)
        first = value.__array_interface__['data'][0] - start
        if (
            end - start == storage.nbytes
            and not first % size
            and all(step >= 0 and not step % size for step in strides)
        ):
            return storage, first // size, tuple([step // size for step in strides])
    storage = np.array(value, value.dtype.newbyteorder('='), order='C', subok=False, ndmin=1)
    return storage, 0, tuple([step // size for step in storage.strides])
