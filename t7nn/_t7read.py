"""Read .t7 files: bytes to values.

A file is data: nothing in it is executed or imported, every length is held against the bytes that are left before
memory is taken for it, and nesting is followed with an explicit stack. Whatever is wrong ends in one T7Error.
"""

from __future__ import annotations

import re
import struct
import sys
from math import copysign
from typing import Any

import numpy as np

from ._t7classes import Extra, Live, generator
from ._t7values import STORAGES, TENSORS, ObjectKey, Storage, T7Error, TorchFunction, TorchObject, brief

__all__ = ['AsciiSource', 'BinarySource', 'Reader', 'recognise']

NIL, NUMBER, STRING, TABLE, OBJECT, BOOLEAN, FUNCTION6, FUNCTION7, FUNCTION8 = range(9)
GENERATOR_BYTES = 5048
MAPPED_BYTES = 1 << 20  # storages from this size on stay in the mapped file (copy on write) instead of being copied
MOST_STRIDE = 1 << 56
MOST_ELEMENTS = 1 << 31  # of a tensor whose elements overlap (expanded: stride 0): it takes no memory itself


def recognise(head: bytes) -> tuple[str, str]:
    """(mode, endian) from a file's first bytes: its first number is a type code, 0 to 8."""
    if head[:1].isdigit() or head[:1].isspace():
        return 'ascii', sys.byteorder
    return 'binary', 'big' if head[:3] == b'\0\0\0' and head[3:4] != b'\0' else 'little'


class _Open(list):
    """A table, an object or a function whose parts are still being read: the list of those that have come."""

    __slots__ = ('code', 'left', 'special', 'target')

    code: int
    left: int  # how many parts are still to come
    special: bool  # a nil, or a table that is itself still open, is among the parts
    target: Any  # what is made of the parts; for a table its index, until it is finished


class Source:
    """What both modes share: texts are decoded once, and so are the heads of objects (version and class)."""

    def __init__(self, buffer, position: int = 0):
        self.buffer, self.position, self.end = buffer, position, len(buffer)
        self.start, self.value = position, 0  # where `run` met an object, and its index
        self._strings: dict[bytes, str] = {}
        self._heads: dict[bytes, tuple[int, str]] = {}

    def string(self, data: bytes) -> str:
        """The text of `data`; bytes that are not UTF-8 survive as surrogates."""
        text = self._strings.get(data)
        if text is None:
            text = data.decode('utf-8', 'surrogateescape')
            if len(data) < 40:
                self._strings[data] = text
        return text

    def head(self) -> tuple[int, str]:
        """An object's version and class; files from before versions only have the class."""
        start = self.position
        text = self.text()
        version = _VERSION.fullmatch(text)
        name = self.text() if version else text
        if not _CLASS.fullmatch(name):
            raise T7Error(f"a class's name expected, got {name[:40]!r}", start)
        return int(version[1]) if version else 0, name.decode()

    def remember(self, position: int, tensor: np.ndarray, storage: np.ndarray) -> None:
        """Hook of the binary mode."""

    def dimensions(self) -> int:
        """A tensor's number of dimensions."""
        nDim = self.int()
        if not 0 <= nDim <= 64:
            raise T7Error(f'a tensor of 0 to 64 dimensions expected, got {nDim}', self.position)
        return nDim


_VERSION = re.compile(rb'V (\d{1,9})')
_CLASS = re.compile(rb'[!-~]{1,200}')


class BinarySource(Source):
    """Numbers, texts and arrays from a buffer in binary mode. `mapped`: the buffer is writable and stays valid.

    Methods read with as few calls as can be: Python's time goes into calls.
    """

    def __init__(self, buffer, position: int = 0, longSize: int = 8, endian: str = 'little', mapped: bool = False):
        super().__init__(buffer, position)
        self.mapped, self.longSize = mapped, longSize
        self.order = '<' if endian == 'little' else '>'
        self._long = {4: 'i', 8: 'q'}[longSize]
        self._int, self._ints, self._double, self._count = (
            struct.Struct(self.order + code).unpack_from for code in ('i', 'ii', 'd', self._long)
        )
        self._tensors: list[struct.Struct] = []
        self._plans: dict[bytes, tuple] = {}
        # for each dtype, the one in the file
        self._inFile = {dtype: dtype.newbyteorder(self.order) for dtype in TENSORS.values()}
        if longSize == 4:
            self._inFile[np.dtype(np.int64)] = np.dtype(self.order + 'i4')

    def left(self) -> int:
        """An upper bound of how many values can still come."""
        return (self.end - self.position) // 4

    def run(self, reader: Reader) -> int:
        """The plain values and the tables that come next, into what is open in `reader`.

        Where another object comes, it ends with that one's type code, and its index in `value`; at the end with 0.
        """
        buffer, position, end, ints, double = self.buffer, self.position, self.end, self._ints, self._double
        strings, objects = self._strings, reader.objects
        now = reader.now
        append, left = now.append, now.left
        while True:
            if not left:
                now.left, self.position = 0, position
                if not reader.close():
                    return NIL
                now = reader.now
                append, left = now.append, now.left
            if end - position < 8:
                if buffer[position : position + 4] != b'\0\0\0\0':
                    raise T7Error('a value expected, but the file ends', position)
                code, word = NIL, 0
            else:
                code, word = ints(buffer, position)
            if code == STRING:
                start, position = position, position + 8 + word
                if word < 0 or position > end:
                    raise T7Error(f'a string of {word} bytes expected, but {end - start - 8} are left', start)
                data = buffer[start + 8 : position]
                append(strings.get(data) or self.string(data))
            elif code == NUMBER:
                if end - position < 12:
                    raise T7Error('a number expected, but the file ends', position)
                value = double(buffer, position + 4)[0]
                append(int(value) if value.is_integer() and (value or copysign(1, value) > 0) else value)
                position += 12
            elif code == TABLE and word not in objects:
                if end - position < 12:
                    raise T7Error('a table expected, but the file ends', position)
                size = ints(buffer, position + 4)[1]
                if not 0 <= size <= (end - position) // 8:
                    raise T7Error(f'a table of {size} pairs expected, more than the file can hold', position)
                now.left = left
                now = reader.open(TABLE, 2 * size, word)
                append, left = now.append, 2 * size
                position += 12
                continue
            elif code == OBJECT and (tensor := self.similar(reader, word, position + 8)) is not None:
                append(tensor)
                position = self.position
            elif code == BOOLEAN:
                append(word == 1)
                position += 8
            elif code == NIL:
                append(None)
                now.special = True
                position += 4
            else:
                now.left, self.start, self.value = left, position, word
                self.position = position + (4 if code == FUNCTION6 else 8)
                return code
            left -= 1

    def int(self) -> int:
        return self._int(self.buffer, self.take(4, 'an integer'))[0]

    def take(self, count: int, what: str) -> int:
        """The position of the next `count` bytes, which are there; reading goes on behind them."""
        position = self.position
        if not 0 <= count <= self.end - position:
            raise T7Error(f'{what} of {count} bytes expected, but {self.end - position} are left', position)
        self.position = position + count
        return position

    def text(self) -> bytes:
        length = self.int()
        start = self.take(length, 'a string')
        return self.buffer[start : start + length]

    def head(self) -> tuple[int, str]:
        """As above, from the cache where the same bytes were met before (V n, class: 11 + the class's length)."""
        position = self.position
        if self.end - position >= 11:
            stop = position + 11 + self._int(self.buffer, position + 7)[0]
            known = self._heads.get(self.buffer[position:stop]) if position < stop <= position + 211 else None
            if known is not None:
                self.position = stop
                return known
        head = super().head()
        if self.position - position < 211:
            self._heads[self.buffer[position : self.position]] = head
        return head

    def tensor(self) -> tuple[tuple[int, ...], tuple[int, ...], int, int, int]:
        """A tensor's sizes, strides and offset, and the type code and index of its storage (0, 0 for nil)."""
        nDim = self.dimensions()
        while len(self._tensors) <= nDim:
            self._tensors.append(struct.Struct(f'{self.order}{2 * len(self._tensors) + 1}{self._long}i'))
        layout = self._tensors[nDim]
        *numbers, offset, code = layout.unpack_from(self.buffer, self.take(layout.size, 'sizes, strides and offset'))
        return tuple(numbers[:nDim]), tuple(numbers[nDim:]), offset, code, self.int() if code else 0

    def similar(self, reader: Reader, index: int, position: int) -> np.ndarray | None:
        """A tensor with a storage of its own, from behind its index on, if one of the same class, sizes, strides and
        number of elements was read before: nothing but its elements has to be looked at. Else None, and nothing is
        read. This makes reading thousands of small tensors 3 x faster.
        """
        buffer = self.buffer
        try:
            length = self._int(buffer, position + 7)[0]  # of the class's name
            if not 0 < length < 40:
                return None
            nDim = self._int(buffer, position + 11 + length)[0]
            if not 0 < nDim < 16:
                return None
            inner = position + 19 + length + (2 * nDim + 1) * self.longSize  # where the storage's index is
            start = inner + 16 + length + self.longSize  # where its elements are
            plan = self._plans.get(buffer[position:inner] + buffer[inner + 4 : start])
            if plan is None or start + plan[1] > self.end:
                return None
            storage = self._int(buffer, inner)[0]
        except struct.error:
            return None
        if storage in reader.storages or storage in reader.objects or storage == index:
            return None
        dtype, size, count, sizes, offset, strides = plan
        values = reader.storages[storage] = np.frombuffer(buffer, dtype, count, start).copy()
        self.position = start + size
        tensor = reader.objects[index] = np.ndarray(sizes, dtype, values, offset, strides)
        return tensor

    def remember(self, position: int, tensor: np.ndarray, storage: np.ndarray) -> None:
        """Let `similar` know a tensor that was read from `position` on, its storage's elements last."""
        dtype = storage.dtype
        if self._inFile[dtype] == dtype and storage.nbytes < MAPPED_BYTES and len(self._plans) < 1000:
            length = self._int(self.buffer, position + 7)[0]
            inner = position + 19 + length + (2 * tensor.ndim + 1) * self.longSize
            key = self.buffer[position:inner] + self.buffer[inner + 4 : self.position - storage.nbytes]
            offset = tensor.__array_interface__['data'][0] - storage.__array_interface__['data'][0]
            self._plans[key] = dtype, storage.nbytes, storage.size, tensor.shape, offset, tensor.strides

    def generator(self) -> bytes:
        start = self.take(GENERATOR_BYTES, 'a torch.Generator')
        return self.buffer[start : start + GENERATOR_BYTES]

    def array(self, dtype: np.dtype, keep: bool) -> np.ndarray:
        """The elements of a storage; with `keep` they may stay in the file's memory."""
        count = self._count(self.buffer, self.take(self.longSize, "a storage's size"))[0]
        return self.elements(dtype, count, keep)

    def elements(self, dtype: np.dtype, count: int, keep: bool) -> np.ndarray:
        inFile = self._inFile[dtype]
        size = count * inFile.itemsize
        start = self.take(size, 'a storage')
        if not count:
            return np.empty(0, dtype)
        values = np.frombuffer(self.buffer, inFile, count, start)
        if inFile != dtype:
            return values.astype(dtype)
        return values if keep and self.mapped and size >= MAPPED_BYTES else values.copy()


PIECE = 1 << 14
_TOKEN = re.compile(rb'\s*([-+.0-9A-Za-z]{1,64})(?=\s)')


class AsciiSource(Source):
    """The same from a buffer in ascii mode: numbers in words, after each line's end exactly one newline is eaten."""

    def left(self) -> int:
        return (self.end - self.position) // 2 + 1

    def _newline(self) -> None:
        if self.position == self.end:
            raise T7Error('a newline expected, but the file ends', self.position)
        if self.buffer[self.position : self.position + 1] == b'\n':
            self.position += 1

    def _words(self, convert, dtype, count: int, what: str) -> np.ndarray:
        """`count` numbers as an array, one word each."""
        if not 0 <= count <= self.left():
            raise T7Error(f'{what} expected, but {self.end - self.position} bytes are left', self.position)
        if not count:
            return np.empty(0, dtype)

        def words():
            left = count
            while left > PIECE // 2:  # than a piece has words: so long, no word has to be looked at by itself
                piece = self.buffer[self.position : self.position + PIECE]
                end = max(piece.rfind(b' '), piece.rfind(b'\n'))
                if end < 1 or b'_' in piece:
                    break
                found = piece[:end].split()
                self.position += end
                left -= len(found)
                yield from map(convert, found)
            for _ in range(left):
                word = _TOKEN.match(self.buffer, self.position)
                if word is None:
                    raise T7Error(
                        f'{what} expected, got {self.buffer[self.position : self.position + 12]!r}', self.position
                    )
                value = convert(word[1])
                self.position = word.end()
                yield value

        try:
            with np.errstate(over='ignore'):
                values = np.fromiter(words(), dtype, count)
        except T7Error:
            raise
        except (ValueError, OverflowError) as error:
            raise T7Error(f'{what} expected: {error}', self.position) from None
        self._newline()
        return values

    def _word(self, convert, what: str):
        word = _TOKEN.match(self.buffer, self.position)
        try:
            value = convert(word[1])
        except (ValueError, TypeError):
            raise T7Error(
                f'{what} expected, got {self.buffer[self.position : self.position + 12]!r}', self.position
            ) from None
        self.position = word.end()
        self._newline()
        return value

    def int(self) -> int:
        return self._word(int, 'an integer')

    def run(self, reader: Reader) -> int:
        while reader.close():
            self.start, code = self.position, self.int()
            if code == NUMBER:
                value = self._word(float, 'a number')
                if value.is_integer() and (value or copysign(1, value) > 0):
                    value = int(value)
            elif code == STRING:
                value = self.string(self.text())
            elif code == BOOLEAN:
                value = self.int() == 1
            elif code == NIL:
                value, reader.now.special = None, True
            else:
                self.value = 0 if code == FUNCTION6 else self.int()
                if code != TABLE or self.value in reader.objects:
                    return code
                size = self.int()
                if not 0 <= 2 * size <= self.left():
                    raise T7Error(f'a table of {size} pairs expected, more than the file can hold', self.start)
                reader.open(TABLE, 2 * size, self.value)
                continue
            reader.now.append(value)
            reader.now.left -= 1
        return NIL

    def raw(self, count: int, what: str) -> int:
        """The position of the next `count` bytes, behind which a newline follows."""
        start = self.position
        if not 0 <= count <= self.end - start:
            raise T7Error(f'{what} of {count} bytes expected, but {self.end - start} are left', start)
        if count:
            self.position = start + count
            self._newline()
        return start

    def text(self) -> bytes:
        length = self.int()
        start = self.raw(length, 'a string')
        return self.buffer[start : start + length]

    def tensor(self) -> tuple[tuple[int, ...], tuple[int, ...], int, int, int]:
        nDim = self.dimensions()
        sizes, strides = (self._words(int, np.int64, nDim, f'{nDim} {what}').tolist() for what in ('sizes', 'strides'))
        offset, code = self.int(), self.int()
        return tuple(sizes), tuple(strides), offset, code, self.int() if code else 0

    def generator(self) -> bytes:
        start = self.raw(GENERATOR_BYTES, 'a torch.Generator')
        return self.buffer[start : start + GENERATOR_BYTES]

    def array(self, dtype: np.dtype, keep: bool) -> np.ndarray:
        count = self.int()
        if dtype.itemsize == 1:
            start = self.raw(count, f'a storage of {count} x {dtype}')
            return np.frombuffer(self.buffer[start : start + count], dtype).copy()
        convert = int if dtype.kind == 'i' else float
        return self._words(convert, dtype, count, f'a storage of {count} x {dtype}')


class Reader:
    """The objects of one file, one after the other; references reach back over all of them."""

    def __init__(self, source: BinarySource | AsciiSource, live: bool = True):
        self.source, self.live = source, live
        self.objects: dict[int, Any] = {}  # by index; a table in the making is an _Open
        self.storages: dict[int, np.ndarray] = {}
        self._live: list[tuple[Live, int]] = []  # what is still to be done when all is read
        self._unsettled: list[list | dict] = []
        self.extra = Extra(8 * source.end + MAPPED_BYTES)
        self._inLive = 0  # how many live objects are open

    def readObject(self) -> Any:
        """The next object."""
        self._live, self._unsettled, self._inLive = [], [], 0
        try:
            value = self._read()
        except T7Error as error:
            self._say_where(error)
            raise
        self._settle()
        for live, start in self._live:  # inner ones first, when all references are resolved
            try:
                live.finish(self.extra)
            except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
                raise T7Error(f'{live.typename} with usable fields expected: {error}', start) from error
        return value

    def _say_where(self, error: T7Error) -> None:
        """Note the unknown class in which the error came: it may have written itself in a way of its own."""
        targets = [ready.target[0] for ready in [*self.stack, self.now] if ready.code == OBJECT]
        unknown = [target.typename for target in targets if isinstance(target, TorchObject)]
        if unknown:
            error.add_note(
                f'in {unknown[-1]}, a class that t7nn does not have and that may write itself in its own way'
            )

    def _read(self) -> Any:
        source, objects = self.source, self.objects
        root = self.now = _Open()
        root.code, root.left, root.special = NIL, 1, False
        self.stack: list[_Open] = []
        while code := source.run(self):
            index, start = source.value, source.start
            value = objects.get(index) if code != FUNCTION6 else None
            if value is None:
                value = self._begin(code, index, start)
                if value is None:
                    continue
            else:
                self._check_reference(code, index, value, start)
                self.now.special |= type(value) is _Open
            self.now.append(value)
            self.now.left -= 1
        return root[0]

    def open(self, code: int, left: int, target: Any) -> _Open:
        """Begin with a table, an object or a function that has `left` parts, into what is open now."""
        self.stack.append(self.now)
        now = self.now = _Open()
        now.code, now.left, now.special, now.target = code, left, False, target
        if code == TABLE:
            self.objects[target] = now
        return now

    def close(self) -> bool:
        """End what has all its parts; whether anything is still open."""
        while not self.now.left:
            if not self.stack:
                return False
            value = self._end(self.now)
            self.now = self.stack.pop()
            self.now.append(value)
            self.now.left -= 1
        return True

    def _begin(self, code: int, index: int, start: int) -> Any:
        """An object that comes for the first time; None if other objects are part of it, which is open then."""
        source = self.source
        if code in (FUNCTION6, FUNCTION7, FUNCTION8):
            function = TorchFunction(source.text(), None, code)
            if code != FUNCTION6:
                self.objects[index] = function
            self.open(code, 1, function)
            return None
        if code != OBJECT:
            raise T7Error(f'a type code from 0 to 8 expected, got {code}', start)
        if index in self.storages:
            value = self.storages[index].view(Storage)
        else:
            behind = source.position
            version, name = source.head()
            if name in TENSORS:
                value = self._tensor(TENSORS[name], start, behind)
            elif name in STORAGES:
                value = self._storage(STORAGES[name], index).view(Storage)
            elif name == 'torch.Generator':
                state = source.generator()
                try:
                    value = generator(state)
                except ValueError as error:
                    raise T7Error(f"a torch.Generator's state expected: {error}", start) from None
            else:
                live = Live.of(name, version) if self.live else None
                self._inLive += live is not None
                target = self.objects[index] = TorchObject(name, None, version) if live is None else live.target
                self.open(OBJECT, Live.parts(name, version), (target, live, start))
                return None
        self.objects[index] = value
        return value

    def _check_reference(self, code: int, index: int, value: Any, start: int) -> None:
        """Whether an object was written under this type code when it came first."""
        if isinstance(value, (TorchFunction, _Open)):
            first = value.code
        else:
            first = TABLE if isinstance(value, (list, dict)) else OBJECT
        if code != first:
            raise T7Error(f'a type code from 0 to 8 or a reference to {brief(value)} expected, got {code}', start)

    def _storage(self, dtype: np.dtype, index: int) -> np.ndarray:
        values = self.storages[index] = self.source.array(dtype, keep=not self._inLive)
        return values

    def _tensor(self, dtype: np.dtype, start: int, behind: int) -> np.ndarray:
        """A tensor from behind its class on. It begins at `start`, and its index ends at `behind`."""
        source = self.source
        sizes, strides, offset, code, index = source.tensor()
        storage, own = None, False
        if code == OBJECT:
            storage = self.storages.get(index)
            if storage is None and index not in self.objects:
                _, name = source.head()
                if STORAGES.get(name) is dtype:
                    storage, own = self._storage(dtype, index), True
            if storage is None or storage.dtype != dtype:
                raise T7Error(f'a storage of {dtype} expected for this tensor', start)
        elif code != NIL:
            raise T7Error(f"a tensor's storage or nil expected, got type code {code}", start)
        if not sizes:
            return np.empty(0, dtype) if storage is None else storage[:0]
        tensor = _view(dtype, sizes, strides, offset, np.empty(0, dtype) if storage is None else storage, start)
        if own:
            source.remember(behind, tensor, storage)
        return tensor

    def _end(self, ready: _Open) -> Any:
        """The object whose parts are all there."""
        if ready.code == TABLE:
            table = self._table(ready)
            self.objects[ready.target] = ready.target = table
            return table
        value = ready[-1]
        if ready.code == OBJECT:
            target, live, start = ready.target
            if type(value) is not dict and (type(value) is not list or value):
                name = live.typename if live else target.typename
                raise T7Error(f'a table with the fields of {name} expected, got {brief(value)}', self.source.position)
            (live or target).fields = value or {}
            if live:
                self._inLive -= 1
                self._live.append((live, start))
            elif len(ready) > 1:
                target.header = _settled(ready[0])
            return target
        if type(value) is not list:
            raise T7Error(f"a function's list of upvalues expected, got {brief(value)}", self.source.position)
        ready.target.upvalues = value
        return ready.target

    def _table(self, ready: _Open) -> list | dict:
        """A finished table: a list if its keys are 1 to n, else a dict."""
        if not ready.special:
            keys, values = ready[::2], ready[1::2]
            if set(map(type, keys)) == _TEXT:
                table = dict(zip(keys, values))  # noqa: B905 (half of the time that a small table takes)
                if len(table) == len(keys):
                    return table
        else:
            pairs = [(key, value) for key, value in zip(ready[::2], ready[1::2], strict=True) if value is not None]
            keys, values = [key for key, _ in pairs], [value for _, value in pairs]
        kinds = set(map(type, keys))
        table: list | dict | None = None
        if kinds <= {int}:
            numbered = list(range(1, len(keys) + 1))
            if keys == numbered:
                table = values
            elif sorted(keys) == numbered:
                table = [value for _, value in sorted(zip(keys, values, strict=True), key=lambda pair: pair[0])]
        elif not kinds <= _PLAIN:
            keys = [ObjectKey(key) if isinstance(key, _UNHASHABLE) else key for key in keys]
        if table is None:
            table = dict(zip(keys, values, strict=True))
            if len(table) < len(keys) and bool in kinds:  # True == 1 in Python, but not in Lua
                keys = [ObjectKey(key) if type(key) is bool else key for key in keys]
                table = dict(zip(keys, values, strict=True))
            if len(table) < len(keys) or type(None) in kinds or float in kinds and any(key != key for key in keys):
                raise T7Error(
                    'a table with keys that differ and are neither nil nor nan expected', self.source.position
                )
        if ready.special and any(type(value) is _Open for value in values) or _Open in kinds:
            self._unsettled.append(table)
        return table

    def _settle(self) -> None:
        """Put the finished tables where a table refers to one that was still open around it."""
        for table in self._unsettled:
            if isinstance(table, list):
                table[:] = map(_settled, table)
            else:
                pairs = [(_settled(key), _settled(value)) for key, value in table.items()]
                table.clear()
                table.update(pairs)


def _settled(value: Any) -> Any:
    if type(value) is ObjectKey:
        return ObjectKey(_settled(value.value))
    return value.target if type(value) is _Open else value


def _view(dtype: np.dtype, sizes, strides, offset: int, storage: np.ndarray, start: int) -> np.ndarray:
    """The tensor of these numbers, if it lies within its storage."""
    size, last, elements, count = dtype.itemsize, offset - 1, 1, storage.size
    for extent, stride in zip(sizes, strides):  # noqa: B905 (a quarter of the time that a small tensor takes)
        if extent < 1 or not 0 <= stride <= MOST_STRIDE:
            last = -1
            break
        last += (extent - 1) * stride
        elements *= extent
    if offset < 1 or not 0 <= last < count or elements > count and elements > MOST_ELEMENTS:
        raise T7Error(
            f'a tensor inside its storage of {count} expected, got sizes {_list(sizes)}, strides {_list(strides)}, '
            f'offset {offset}',
            start,
        )
    return np.ndarray(sizes, dtype, storage, (offset - 1) * size, [stride * size for stride in strides])


_TEXT = {str}
_PLAIN = {int, float, str, bool}
_UNHASHABLE = (list, dict, np.ndarray)


def _list(numbers: tuple[int, ...]) -> str:
    return 'x'.join(map(str, numbers[:8])) + ('...' if len(numbers) > 8 else '')
