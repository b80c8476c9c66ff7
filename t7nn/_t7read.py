"""Read .t7 files: bytes to values.

A file is data: nothing in it is executed or imported, every length is held against the bytes that are left before memory
is taken for it, and nesting is followed with an explicit stack. Whatever is wrong ends in one T7Error.
"""

from __future__ import annotations

import re
import struct
import sys
from functools import lru_cache
from math import copysign, prod
from typing import Any

import numpy as np

from ._t7classes import Live
from ._t7values import STORAGES, TENSORS, ObjectKey, Storage, T7Error, TorchFunction, TorchObject, brief

__all__ = ["AsciiSource", "BinarySource", "Reader", "recognise"]

NIL, NUMBER, STRING, TABLE, OBJECT, BOOLEAN, FUNCTION6, FUNCTION7, FUNCTION8 = range(9)
GENERATOR_BYTES = 5048
MAPPED_BYTES = 1 << 20  # storages from this size on stay in the mapped file (copy on write) instead of being copied
MOST_STRIDE = 1 << 56
MOST_ELEMENTS = 1 << 31  # of a tensor whose elements overlap (expanded: stride 0): it takes no memory itself


def recognise(head: bytes) -> tuple[str, str]:
    """(mode, endian) from a file's first bytes: its first number is a type code, 0 to 8."""
    if head[:1].isdigit() or head[:1].isspace():
        return "ascii", sys.byteorder
    return "binary", "big" if head[:3] == b"\0\0\0" and head[3:4] != b"\0" else "little"


class BinarySource:
    """Numbers, texts and arrays from a buffer in binary mode. `mapped`: the buffer is writable and stays valid."""

    def __init__(self, buffer, longSize: int = 8, endian: str = "little", mapped: bool = False):
        self.buffer, self.position, self.end, self.mapped = buffer, 0, len(buffer), mapped
        self.order = "<" if endian == "little" else ">"
        self.longCode, self.longSize = {4: "i", 8: "q"}[longSize], longSize
        self._int = struct.Struct(self.order + "i").unpack_from
        self._double = struct.Struct(self.order + "d").unpack_from
        self._header = lru_cache(lambda n: struct.Struct(f"{self.order}{2 * n + 1}{self.longCode}"))

    def left(self) -> int:
        """An upper bound of how many values can still come."""
        return (self.end - self.position) // 4

    def int(self) -> int:
        position = self.position
        if self.end - position < 4:
            raise T7Error("an integer expected, but the file ends", position)
        self.position = position + 4
        return self._int(self.buffer, position)[0]

    def double(self) -> float:
        position = self.position
        if self.end - position < 8:
            raise T7Error("a number expected, but the file ends", position)
        self.position = position + 8
        return self._double(self.buffer, position)[0]

    def take(self, count: int, what: str) -> int:
        """The position of the next `count` bytes, which are there; reading goes on behind them."""
        position = self.position
        if not 0 <= count <= self.end - position:
            raise T7Error(f"{what} of {count} bytes expected, but {self.end - position} are left", position)
        self.position = position + count
        return position

    def text(self) -> bytes:
        length = self.int()
        start = self.take(length, "a string")
        return self.buffer[start : start + length]

    raw = take

    def longs(self, nDim: int) -> tuple[int, ...]:
        """A tensor's sizes, its strides and its offset."""
        header = self._header(nDim)
        return header.unpack_from(self.buffer, self.take(header.size, f"sizes and strides of {nDim} dimensions"))

    def long(self) -> int:
        return self.longs(0)[0]

    def generator(self) -> bytes:
        start = self.take(GENERATOR_BYTES, "a torch.Generator")
        return self.buffer[start : start + GENERATOR_BYTES]

    def array(self, dtype: np.dtype, count: int, keep: bool) -> np.ndarray:
        """The elements of a storage; with `keep` they may stay in the file's memory."""
        inFile = dtype.newbyteorder(self.order)
        if dtype == np.int64 and self.longSize == 4:
            inFile = np.dtype(self.order + "i4")
        start = self.take(count * inFile.itemsize, f"a storage of {count} x {dtype}")
        if not count:
            return np.empty(0, dtype)
        values = np.frombuffer(self.buffer, inFile, count, start)
        keep = keep and self.mapped and values.nbytes >= MAPPED_BYTES and inFile == dtype
        return values if keep else values.astype(dtype)


_TOKEN = re.compile(rb"\s*([-+.0-9A-Za-z]{1,64})(?=\s|\Z)")


class AsciiSource:
    """The same from a buffer in ascii mode: numbers in words, after each line's end exactly one newline is eaten."""

    def __init__(self, buffer):
        self.buffer, self.position, self.end = buffer, 0, len(buffer)

    def left(self) -> int:
        return (self.end - self.position) // 2 + 1

    def _newline(self) -> None:
        if self.buffer[self.position : self.position + 1] == b"\n":
            self.position += 1

    def _words(self, convert, dtype, count: int, what: str) -> np.ndarray:
        """`count` numbers as an array, one word each."""
        if not 0 <= count <= self.left():
            raise T7Error(f"{what} expected, but {self.end - self.position} bytes are left", self.position)
        if not count:
            return np.empty(0, dtype)

        def words():
            for _ in range(count):
                word = _TOKEN.match(self.buffer, self.position)
                if word is None:
                    raise T7Error(f"{what} expected, got {self.buffer[self.position:self.position + 12]!r}", self.position)
                value = convert(word[1])
                self.position = word.end()
                yield value

        try:
            with np.errstate(over="ignore"):
                values = np.fromiter(words(), dtype, count)
        except T7Error:
            raise
        except (ValueError, OverflowError) as error:
            raise T7Error(f"{what} expected: {error}", self.position) from None
        self._newline()
        return values

    def _word(self, convert, what: str):
        word = _TOKEN.match(self.buffer, self.position)
        try:
            value = convert(word[1])
        except (ValueError, TypeError):
            raise T7Error(f"{what} expected, got {self.buffer[self.position:self.position + 12]!r}", self.position) from None
        self.position = word.end()
        self._newline()
        return value

    def int(self) -> int:
        return self._word(int, "an integer")

    def long(self) -> int:
        return self._word(int, "an integer")

    def double(self) -> float:
        return self._word(float, "a number")

    def raw(self, count: int, what: str) -> int:
        """The position of the next `count` bytes, behind which a newline follows."""
        start = self.position
        if not 0 <= count <= self.end - start:
            raise T7Error(f"{what} of {count} bytes expected, but {self.end - start} are left", start)
        if count:
            self.position = start + count
            self._newline()
        return start

    def text(self) -> bytes:
        length = self.int()
        start = self.raw(length, "a string")
        return self.buffer[start : start + length]

    def longs(self, nDim: int) -> tuple[int, ...]:
        sizes, strides = (self._words(int, np.int64, nDim, f"{nDim} {what}").tolist() for what in ("sizes", "strides"))
        return (*sizes, *strides, self.long())

    def generator(self) -> bytes:
        start = self.raw(GENERATOR_BYTES, "a torch.Generator")
        return self.buffer[start : start + GENERATOR_BYTES]

    def array(self, dtype: np.dtype, count: int, keep: bool) -> np.ndarray:
        if dtype.itemsize == 1:
            start = self.raw(count, f"a storage of {count} x {dtype}")
            return np.frombuffer(self.buffer[start : start + count], dtype).copy()
        convert = int if dtype.kind == "i" else float
        return self._words(convert, dtype, count, f"a storage of {count} x {dtype}")


class _Open:
    """A table, an object or a function whose parts are still being read."""

    __slots__ = ("code", "finish", "items", "left", "special", "target")

    def __init__(self, code: int, left: int, finish, target=None):
        self.code, self.left, self.finish, self.target = code, left, finish, target
        self.items: list = []  # what has come; `left` values are still to come
        self.special = False  # a nil, or a table that is itself still open, is among the items


class Reader:
    """The objects of one file, one after the other; references reach back over all of them."""

    def __init__(self, source: BinarySource | AsciiSource):
        self.source = source
        self.objects: dict[int, Any] = {}  # by index; a table in the making is an _Open
        self.storages: dict[int, np.ndarray] = {}
        self._strings: dict[bytes, str] = {}
        self._live: list[tuple[Live, int]] = []  # what is still to be done when all is read
        self._unsettled: list[list | dict] = []
        self._inLive = 0

    def readObject(self) -> Any:
        """The next object."""
        self._live, self._unsettled, self._inLive = [], [], 0
        value = self._read()
        self._settle()
        gradients: dict = {}
        for live, start in self._live:  # inner ones first, when all references are resolved
            try:
                live.finish(gradients)
            except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
                raise T7Error(f"{live.typename} with usable fields expected: {error}", start) from error
        return value

    def _read(self) -> Any:
        source, objects, strings = self.source, self.objects, self._strings
        now = _Open(NIL, 1, None)
        stack: list[_Open] = []
        while True:
            start = source.position
            code = source.int()
            opened = False
            if code == NUMBER:
                value = source.double()
                if value.is_integer() and (value or copysign(1, value) > 0):
                    value = int(value)
            elif code == STRING:
                data = source.text()
                value = strings.get(data)
                if value is None:
                    value = data.decode("utf-8", "surrogateescape")
                    if len(data) < 40:
                        strings[data] = value
            elif code in (TABLE, OBJECT, FUNCTION7, FUNCTION8):
                index = source.int()
                value = objects.get(index)
                if value is None:
                    value = self._begin(code, index, start)
                    opened = type(value) is _Open
                elif code != _code(value):
                    raise T7Error(f"{_NAMES[code]} expected as object {index}, which is {brief(value)}", start)
                elif type(value) is _Open:
                    now.special = True
            elif code == BOOLEAN:
                value = source.int() == 1
            elif code == NIL:
                value, now.special = None, True
            elif code == FUNCTION6:
                value, opened = self._function(code), True
            else:
                raise T7Error(f"a type code from 0 to 8 expected, got {code}", start)

            if opened:
                stack.append(now)
                now = value
            else:
                now.items.append(value)
                now.left -= 1
            while not now.left:
                if not stack:
                    return value
                value = now.finish(now)
                now = stack.pop()
                now.items.append(value)
                now.left -= 1

    def _begin(self, code: int, index: int, start: int) -> Any:
        """An object that comes for the first time: itself, or an _Open if other objects are part of it."""
        if code == TABLE:
            size = self.source.int()
            if not 0 <= 2 * size <= self.source.left():
                raise T7Error(f"a table of {size} pairs expected, more than the file can hold", start)
            value = self.objects[index] = _Open(code, 2 * size, self._table, index)
            return value
        if code != OBJECT:
            value = self._function(code)
            self.objects[index] = value.target
            return value
        if index in self.storages:
            value = self.storages[index].view(Storage)
        else:
            version, name = self._class(start)
            if name in TENSORS:
                value = self._tensor(TENSORS[name], start)
            elif name in STORAGES:
                value = self._storage(STORAGES[name], index).view(Storage)
            elif name == "torch.Generator":
                value = TorchObject(name, self.source.generator(), version)
            else:
                return self._object(name, version, index, start)
        self.objects[index] = value
        return value

    def _class(self, start: int) -> tuple[int, str]:
        """An object's version and class; files from before versions only have the class."""
        text = self.source.text()
        version = _VERSION.fullmatch(text)
        name = self.source.text() if version else text
        if not _CLASS.fullmatch(name):
            raise T7Error(f"a class's name expected, got {name[:40]!r}", start)
        return int(version[1]) if version else 0, name.decode()

    def _storage(self, dtype: np.dtype, index: int) -> np.ndarray:
        count = self.source.long()
        values = self.storages[index] = self.source.array(dtype, count, keep=not self._inLive)
        return values

    def _tensor(self, dtype: np.dtype, start: int) -> np.ndarray:
        source = self.source
        nDim = source.int()
        if not 0 <= nDim <= 64:
            raise T7Error(f"a tensor of 0 to 64 dimensions expected, got {nDim}", start)
        numbers = source.longs(nDim)
        sizes, strides, first = numbers[:nDim], numbers[nDim:-1], numbers[-1] - 1

        storage = None
        code = source.int()
        if code == OBJECT:
            index = source.int()
            storage = self.storages.get(index)
            if storage is None and index not in self.objects:
                _, name = self._class(start)
                if STORAGES.get(name) == dtype:
                    storage = self._storage(dtype, index)
            if storage is None or storage.dtype != dtype:
                raise T7Error(f"a storage of {dtype} expected for this tensor", start)
        elif code != NIL:
            raise T7Error(f"a tensor's storage or nil expected, got type code {code}", start)

        if not nDim:
            return np.empty(0, dtype) if storage is None else storage[:0]
        last = first + sum([(size - 1) * stride for size, stride in zip(sizes, strides, strict=True)])
        count = 0 if storage is None else storage.size
        if (first < 0 or last >= count or min(sizes) < 1 or min(strides) < 0 or max(strides) > MOST_STRIDE
                or prod(sizes) > max(count, MOST_ELEMENTS)):
            raise T7Error(
                f"a tensor inside its storage of {count} expected, got sizes {_list(sizes)}, strides {_list(strides)}, "
                f"offset {first + 1}", start)
        size = dtype.itemsize
        return np.ndarray(sizes, dtype, storage, first * size, tuple([stride * size for stride in strides]))

    def _object(self, name: str, version: int, index: int, start: int) -> _Open:
        """An object with fields: of a class of t7nn, or of any other."""
        live = Live.of(name, version)
        if live is None:
            target = self.objects[index] = TorchObject(name, None, version)
            return _Open(OBJECT, 1, self._fields, target)
        self.objects[index] = live.target
        self._inLive += 1
        return _Open(OBJECT, live.parts, self._fields, (live, start))

    def _fields(self, ready: _Open) -> Any:
        target, fields = ready.target, ready.items[-1]
        live = type(target) is tuple
        if not isinstance(fields, dict) and fields != []:
            name = target[0].typename if live else target.typename
            raise T7Error(f"a table with the fields of {name} expected, got {brief(fields)}", self.source.position)
        if not live:
            target.fields = fields or {}
            return target
        self._inLive -= 1
        self._live.append(target)
        target[0].fields = fields or {}
        return target[0].target

    def _function(self, code: int) -> _Open:
        return _Open(code, 1, self._upvalues, TorchFunction(self.source.text(), None, code))

    def _upvalues(self, ready: _Open) -> TorchFunction:
        upvalues = ready.items[0]
        if not isinstance(upvalues, list):
            raise T7Error(f"a function's list of upvalues expected, got {brief(upvalues)}", self.source.position)
        ready.target.upvalues = upvalues
        return ready.target

    def _table(self, ready: _Open) -> list | dict:
        """A finished table: a list if its keys are 1 to n, else a dict."""
        keys, values = ready.items[::2], ready.items[1::2]
        if ready.special:
            pairs = [(key, value) for key, value in zip(keys, values, strict=True) if value is not None]
            keys, values = [key for key, _ in pairs], [value for _, value in pairs]
        kinds = set(map(type, keys))
        numbered = list(range(1, len(keys) + 1))
        table: list | dict
        if kinds <= {int} and (keys == numbered or sorted(keys) == numbered):
            table = values
            if keys != numbered:
                table = [value for _, value in sorted(zip(keys, values, strict=True), key=lambda pair: pair[0])]
                keys = numbered
        else:
            if not kinds <= _PLAIN:
                keys = [ObjectKey(key) if isinstance(key, _UNHASHABLE) else key for key in keys]
            table = dict(zip(keys, values, strict=True))
            if len(table) < len(keys) and bool in kinds:  # True == 1 in Python, but not in Lua
                keys = [ObjectKey(key) if type(key) is bool else key for key in keys]
                table = dict(zip(keys, values, strict=True))
            if len(table) < len(keys) or type(None) in kinds or float in kinds and any(key != key for key in keys):
                raise T7Error("a table with keys that differ and are neither nil nor nan expected", self.source.position)
        self.objects[ready.target] = table
        if ready.special and any(type(value) is _Open for value in values) or _Open in kinds:
            self._unsettled.append(table)
        ready.target = table
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


_PLAIN = {int, float, str, bool}
_UNHASHABLE = (list, dict, np.ndarray, _Open)
_NAMES = {TABLE: "a table", OBJECT: "an object", FUNCTION7: "a function", FUNCTION8: "a function"}
_VERSION = re.compile(rb"V (\d{1,9})")
_CLASS = re.compile(rb"[!-~]{1,200}")


def _code(value: Any) -> int:
    """The type code under which an object of the file was written."""
    if isinstance(value, (list, dict)):
        return TABLE
    return value.code if isinstance(value, (TorchFunction, _Open)) else OBJECT


def _list(numbers: tuple[int, ...]) -> str:
    return "x".join(map(str, numbers[:8])) + ("..." if len(numbers) > 8 else "")
