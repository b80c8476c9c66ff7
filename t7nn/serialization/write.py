"""Write .t7 files: values to bytes, in the order and under the indices that Torch7 gives them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np

from ..tensors import owner
from .classes import saved
from .stack import BOOLEAN, FUNCTION6, NIL, NUMBER, OBJECT, STRING, TABLE
from .values import TYPE_OF, Hash, ObjectKey, Storage, TorchFunction, TorchObject, Vec, brief

__all__ = ['AsciiTarget', 'BinaryTarget', 'Writer']

EXACT = 1 << 53  # whole numbers up to it are doubles
SMALL = 64  # pairs of a table that are looked at twice
LARGE = 1 << 16  # arrays from this many bytes on are handed over as they are, not copied


class BinaryTarget:
    """Numbers, texts and arrays as Torch7's binary mode writes them. `parts`: the bytes so far."""

    def __init__(self, longSize: int = 8, endian: str = 'little'):
        order = '<' if endian == 'little' else '>'
        self.order: Literal['<', '>'] = '<' if endian == 'little' else '>'
        self.longSize, self.longCode = longSize, {4: 'i', 8: 'q'}[longSize]
        self.parts: list = []
        self._now = bytearray()
        self._known: dict[str, bytes] = {}
        self._int, self._ints, self._number = (struct.Struct(order + code).pack for code in ('i', 'ii', 'id'))

    def finish(self) -> list:
        """All parts so far; what comes then is the beginning of new ones."""
        parts, self.parts, self._now = [*self.parts, self._now], [], bytearray()
        return parts

    def mark(self) -> tuple[int, int]:
        """The place that `go_back` needs."""
        return len(self.parts), len(self._now)

    def go_back(self, mark: tuple[int, int]) -> None:
        """Forget what was written since `mark`."""
        count, size = mark
        self._now = self.parts[count] if len(self.parts) > count else self._now
        del self.parts[count:], self._now[size:]

    def integer(self, value: int) -> None:
        self._now += self._int(value)

    def ints(self, code: int, value: int) -> None:
        self._now += self._ints(code, value)

    def number(self, value: float) -> None:
        self._now += self._number(NUMBER, value)

    def longs(self, values: tuple[int, ...]) -> None:
        self._now += struct.pack(f'{self.order}{len(values)}{self.longCode}', *values)

    def tensor(self, sizes: tuple[int, ...], strides: tuple[int, ...], offset: int) -> None:
        self.integer(len(sizes))
        self.longs((*sizes, *strides, offset))

    def raw(self, data: bytes) -> None:
        self._now += data

    def text(self, data: bytes) -> None:
        self.integer(len(data))
        self.raw(data)

    def string(self, data: bytes) -> None:
        self._now += self._ints(STRING, len(data)) + data

    def plain(self, size: int, pairs: Iterable[tuple[Any, Any]]) -> bool:
        """Write a table's size, keys and values, if all are texts, numbers and booleans, and tell whether they are.

        A small table in one go takes two thirds of the time that it takes value by value.
        """
        words, known, pack = [self._int(size)], self._known, self._number
        for pair in pairs:
            for value in pair:
                kind = value.__class__
                if kind is str:
                    word = known.get(value)
                    if word is None:
                        data = value.encode('utf-8', 'surrogateescape')
                        word = self._ints(STRING, len(data)) + data
                        if len(known) < 10_000 and len(data) < 40:
                            known[value] = word
                    words.append(word)
                elif kind is int and -EXACT <= value <= EXACT or kind is float and value == value:
                    words.append(pack(NUMBER, value))
                elif kind is bool:
                    words.append(self._ints(BOOLEAN, value))
                else:
                    return False
        self._now += b''.join(words)
        return True

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

    def mark(self) -> tuple[int, int]:
        return 0, len(self.now)

    def go_back(self, mark: tuple[int, int]) -> None:
        del self.now[mark[1] :]

    def integer(self, value: int) -> None:
        self.now += b'%d\n' % value

    def ints(self, code: int, value: int) -> None:
        self.now += b'%d\n%d\n' % (code, value)

    def number(self, value: float) -> None:
        self.integer(NUMBER)
        self.now += self._words([value], '%.17g')

    def string(self, data: bytes) -> None:
        self.integer(STRING)
        self.text(data)

    def tensor(self, sizes: tuple[int, ...], strides: tuple[int, ...], offset: int) -> None:
        self.integer(len(sizes))
        for numbers in (sizes, strides, (offset,)):
            self.longs(numbers)

    def longs(self, values: tuple[int, ...]) -> None:
        self.now += self._words(values, '%d')

    def raw(self, data: bytes) -> None:
        self.now += data + b'\n' if len(data) else b''

    def text(self, data: bytes) -> None:
        self.integer(len(data))
        self.raw(data)

    def plain(self, size: int, pairs: Iterable[tuple[Any, Any]]) -> bool:
        """False: ascii has no short cut for small tables."""
        return False

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
        self._indices: dict[int, int] = {}
        self._alive: list = []  # whatever has an index must not be collected while its id counts

    def writeObject(self, value: Any) -> None:
        """One more object. TypeError where something in it has no place in a .t7 file."""
        before = self.count, len(self._indices), self.target.mark()
        try:
            self._write_all(value)
        except BaseException:
            self.count, known, mark = before
            while len(self._indices) > known:  # dicts keep the order: the last ones are this object's
                self._indices.popitem()
            del self._alive[known:]
            self.target.go_back(mark)
            raise

    def _write_all(self, value: Any) -> None:
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
        elif kind is dict or kind is list:
            return self._table(value, value)
        elif isinstance(value, (bool, np.bool_)):
            target.ints(BOOLEAN, int(value))
        elif isinstance(value, (int, float, np.integer, np.floating)):
            value = int(value) if isinstance(value, np.integer) else value  # NumPy would compare them as doubles
            number = float(value)
            if number != value and value == value:
                raise ValueError(f"save: {value} is not exactly a double, which is what Lua's numbers are")
            target.number(number)
        elif isinstance(value, (str, bytes)):
            target.string(value.encode('utf-8', 'surrogateescape') if isinstance(value, str) else value)
        elif value is None:
            target.integer(NIL)
        elif isinstance(value, np.ndarray):
            self._array(value)
        elif isinstance(value, (Hash, Vec)):
            return self._tds(value)
        elif isinstance(value, (dict, list, tuple)):
            return self._table(value, value)
        elif isinstance(value, TorchFunction):
            return self._function(value)
        elif isinstance(value, ObjectKey):
            return self._write(value.value)
        else:
            return self._object(value)
        return None

    def _new(self, code: int, value: Any, storage: bool = False) -> bool:
        """Write type code and index; whether the object itself is still to be written."""
        identity = ~id(value) if storage else id(value)  # an array may be written as a tensor and as a storage
        index = self._indices.get(identity) if self.referenced else None
        if index is not None:
            self.target.ints(code, index)
            return False
        self.count += 1
        self.target.ints(code, self.count)
        if self.referenced:
            self._indices[identity] = self.count
            self._alive.append(value)
        return True

    def _head(self, typename: str, version: int = 1) -> None:
        if version:
            self.target.text(b'V %d' % version)
        self.target.text(typename.encode())

    def _table(self, owner: Any, items: dict | list | tuple) -> Iterator | None:
        if not self._new(TABLE, owner):
            return None
        pairs = items.items() if isinstance(items, dict) else enumerate(items, 1)
        if len(items) <= SMALL and self.target.plain(len(items), pairs):
            return None
        pairs = items.items() if isinstance(items, dict) else enumerate(items, 1)
        kept = [pair for pair in pairs if pair[1] is not None]
        self.target.integer(len(kept))
        return self._children(kept)

    def _children(self, pairs: Iterable[tuple[Any, Any]]) -> Iterator:
        for key, value in pairs:
            if key.__class__ is int and -EXACT <= key <= EXACT:  # the commonest, at once: 7 % of a list of tables
                self.target.number(key)
            elif key is None or key != key:
                raise ValueError(f'save: {key} cannot be a key of a Lua table')
            else:
                yield None, key
            yield key, value

    def _tds(self, value: Hash | Vec) -> Iterator | None:
        if not self._new(OBJECT, value):
            return None
        self.target.text(b'V 0')
        self.target.text(f'tds.{type(value).__name__}'.encode())
        self.target.longs((len(value),))
        return self._children(value.items()) if isinstance(value, Hash) else iter(list(enumerate(value, 1)))

    def _object(self, value: Any) -> Iterator | None:
        if self.referenced and id(value) in self._indices:
            self._new(OBJECT, value)
            return None
        record = value if isinstance(value, TorchObject) else saved(value)
        if record is None:
            raise TypeError(f'save: a {type(value).__name__} has no place in a .t7 file')
        self._new(OBJECT, value)
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
            self.target.integer(FUNCTION6)
        elif not self._new(value.code, value):
            return None
        self.target.text(value.bytecode)
        return iter([('upvalues', value.upvalues)])

    def _array(self, value: np.ndarray) -> None:
        if value.dtype.newbyteorder('=') not in TYPE_OF:
            raise TypeError(f'save: Torch7 has no tensors of {value.dtype}; use .astype() first')
        if isinstance(value, Storage):
            self._storage(_place(value)[0])
        elif self._new(OBJECT, value):
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
                self.target.integer(NIL)

    def _storage(self, storage: np.ndarray) -> None:
        if self._new(OBJECT, storage, True):
            self._head(f'torch.{TYPE_OF[storage.dtype]}Storage')
            self.target.longs((storage.size,))
            if not storage.flags.c_contiguous:
                storage = storage.transpose(np.argsort(storage.strides)[::-1])
            self.target.array(storage.reshape(-1))


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
