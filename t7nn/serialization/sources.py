"""The bytes of .t7 files, read in binary and in ascii mode: numbers, texts, arrays, and runs of plain values.

Every length is held against the bytes that are left before memory is taken for it.
"""

from __future__ import annotations

import mmap
import re
import struct
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from math import copysign
from typing import Any, BinaryIO, Literal

import numpy as np

from .stack import BOOLEAN, FUNCTION6, NIL, NUMBER, OBJECT, STRING, TABLE, Stack
from .values import TENSORS, T7Error

__all__ = ['AsciiSource', 'BinarySource', 'recognise']

GENERATOR_BYTES = 5048
LONG = 32  # entries of a list from which NumPy reads numbers faster
MAPPED_BYTES = 1 << 20  # storages from this size on stay in the mapped file (copy on write) instead of being copied


def recognise(head: bytes) -> tuple[str, str]:
    """(mode, endian) from a file's first bytes: its first number is a type code, 0 to 8."""
    if head[:1].isdigit() or head[:1].isspace():
        return 'ascii', sys.byteorder
    return 'binary', 'big' if head[:3] == b'\0\0\0' and head[3:4] != b'\0' else 'little'


class Texts(dict[bytes, str]):
    """The texts of bytes; those that are short are decoded once. Bytes that are not UTF-8 survive as surrogates."""

    def __missing__(self, data: bytes) -> str:
        text = data.decode('utf-8', 'surrogateescape')
        if len(self) < 1 << 16 and len(data) < 40:
            self[data] = text
        return text


class Source(ABC):
    """What both modes share: texts are decoded once, and so are the heads of objects (version and class)."""

    def __init__(self, buffer, position: int = 0):
        self.buffer, self.position, self.end = buffer, position, len(buffer)
        self.start, self.value = position, 0  # where `run` met an object, and its index
        self._texts = Texts()
        self._heads: dict[bytes, tuple[int, str]] = {}

    def head(self) -> tuple[int, str]:
        """An object's version and class; files from before versions only have the class."""
        start = self.position
        text = self.text()
        version = _VERSION.fullmatch(text)
        name = self.text() if version else text
        if not _CLASS.fullmatch(name):
            raise T7Error(f"a class's name expected, got {name[:40]!r}", start)
        return int(version[1]) if version else 0, name.decode()

    @abstractmethod
    def integer(self) -> int:
        """The next whole number."""

    @abstractmethod
    def number(self) -> int | float:
        """The next number: an int where it is whole."""

    @abstractmethod
    def text(self) -> bytes:
        """The next text, with its length in front."""

    @abstractmethod
    def left(self) -> int:
        """An upper bound of how many values can still come."""

    #: whether `buffer` holds all of the file
    whole = True
    #: whether `buffer` is a file that arrays may look into
    mapped = False

    @property
    def ended(self) -> bool:
        """Whether all was read."""
        return self.position >= self.end

    def remember(self, position: int, tensor: np.ndarray, storage: np.ndarray) -> None:  # noqa: B027 (not abstract)
        """Hook of the binary mode."""

    def learn(self, keys: list[str]) -> None:  # noqa: B027 (not abstract)
        """Hook of the binary mode."""

    def run(self, stack: Stack) -> int:
        """The plain values and the tables that come next, into what is open in `stack`.

        Where another object comes, it ends with that one's type code, and its index in `value`; at the end with 0.
        """
        while stack.close():
            value: Any
            self.start, code = self.position, self.integer()
            if code == NUMBER:
                value = self.number()
            elif code == STRING:
                value = self._texts[self.text()]
            elif code == BOOLEAN:
                value = self.integer() == 1
            elif code == NIL:
                value, stack.now.special = None, True
            else:
                self.value = 0 if code == FUNCTION6 else self.integer()
                if code != TABLE or self.value in stack.objects:
                    return code
                size = self.integer()
                if not 0 <= 2 * size <= self.left():
                    raise T7Error(f'a table of {size} pairs expected, more than the file can hold', self.start)
                stack.open(TABLE, 2 * size, self.value)
                continue
            stack.add(value)
        return NIL

    def dimensions(self) -> int:
        """A tensor's number of dimensions."""
        nDim = self.integer()
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
        self.endian = endian
        self.order: Literal['<', '>'] = '<' if endian == 'little' else '>'
        self._long = {4: 'i', 8: 'q'}[longSize]
        self._int, self._ints, self._double, self._count, self._head = (
            struct.Struct(self.order + code).unpack_from for code in ('i', 'ii', 'd', self._long, 'idiii')
        )
        self._tensors: list[struct.Struct] = []
        self._plans: dict[bytes, tuple] = {}  # see `similar`
        # keys as they are and as they are written, see `records`: of lists by size, of others by size and first key
        self._lists: list[tuple[Sequence, list[bytes]]] = []
        self._records: dict[tuple[int, bytes], tuple[Sequence, list[bytes]]] = {}
        names = 'code', 'key', 'code of value', 'value'
        self._pair = np.dtype([(name, self.order + code) for name, code in zip(names, ('i4', 'f8') * 2, strict=True)])
        self._learned = 0
        # for each dtype, the one in the file
        self._inFile = {dtype: dtype.newbyteorder(self.order) for dtype in TENSORS.values()}
        if longSize == 4:
            self._inFile[np.dtype(np.int64)] = np.dtype(self.order + 'i4')

    def left(self) -> int:
        return (self.end - self.position) // 4

    def run(self, stack: Stack) -> int:
        # the same as Source.run, with as few calls as can be: a number takes a fifth of the time
        buffer, position, end, ints, double = self.buffer, self.position, self.end, self._ints, self._double
        texts, objects, now = self._texts, stack.objects, stack.now
        append, left = now.append, now.left
        while True:
            if not left:
                now.left, self.position = 0, position
                if not stack.close():
                    return NIL
                now = stack.now
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
                append(texts[buffer[start + 8 : position]])
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
                now.left, self.position = left, position + 12
                self.table(stack, word, size)
                position, now = self.position, stack.now
                append, left = now.append, now.left
                continue
            elif code == OBJECT and (tensor := self.similar(stack, word, position + 8)) is not None:
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

    def integer(self) -> int:
        start = self.take(4, 'an integer')
        return self._int(self.buffer, start)[0]

    def number(self) -> int | float:
        start = self.take(8, 'a number')
        return _whole(self._double(self.buffer, start))[0]

    def take(self, count: int, what: str) -> int:
        """The position of the next `count` bytes, which are there; reading goes on behind them."""
        position = self.position
        if not 0 <= count <= self.end - position:
            raise T7Error(f'{what} of {count} bytes expected, but {self.end - position} are left', position)
        self.position = position + count
        return position

    def text(self) -> bytes:
        length = self.integer()
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
        start = self.take(layout.size, 'sizes, strides and offset')
        *numbers, offset, code = layout.unpack_from(self.buffer, start)
        return tuple(numbers[:nDim]), tuple(numbers[nDim:]), offset, code, self.integer() if code else 0

    def table(self, stack: Stack, index: int, size: int) -> None:
        """A table from behind its size on, into what is open in `stack`: read at once if its keys are known."""
        buffer, position, known = self.buffer, self.position, None
        code, length = self._ints(buffer, position) if self.end - position >= 8 else (NIL, 0)
        if size > LONG:
            if self.numbers(stack, index, size):
                return
        elif code == STRING and 0 <= length < 100:
            known = self._records.get((size, buffer[position : position + 8 + length]))
        elif code == NUMBER or not size:
            while len(self._lists) <= size:
                keys = range(1, len(self._lists) + 1)
                self._lists.append((keys, [struct.pack(self.order + 'id', NUMBER, key) for key in keys]))
            known = self._lists[size]
        if known is None:
            stack.open(TABLE, 2 * size, index)
        else:
            self.records(stack, index, *known)

    def numbers(self, stack: Stack, index: int, size: int) -> bool:
        """Whether a table is a list of numbers, which is read then, by NumPy."""
        start = self.position
        if (self.end - start) // self._pair.itemsize < size or self._int(self.buffer, start + 12)[0] != NUMBER:
            return False  # as most lists that are not of numbers show in their first value
        pairs = np.frombuffer(self.buffer, self._pair, size, start)
        codes = pairs['code'] == NUMBER, pairs['code of value'] == NUMBER
        if not (all(map(np.all, codes)) and (pairs['key'] == np.arange(1, size + 1)).all()):
            return False
        self.position += pairs.nbytes
        values = stack.objects[index] = _whole(pairs['value'].tolist())
        stack.add(values)
        return True

    def records(self, stack: Stack, index: int, keys: Sequence, encoded: list[bytes]) -> None:
        """A table from behind its size on, if it has these keys (a range for a list), and plain values or `similar`
        tensors; in a list, also the tables behind it that are like it. The first that is not is open in `stack`, with
        what of it has come. Lists of such tables are read in less than half the time.
        """
        buffer, end, ints, double, head = self.buffer, self.end, self._ints, self._double, self._head
        texts, objects, now, position = self._texts, stack.objects, stack.now, self.position
        size, isList = len(keys), type(keys) is range
        while True:
            objects[index] = keys  # no table yet, but the index is taken
            values: list[Any] = []
            for key in encoded:
                start = position + len(key)
                if buffer[position:start] != key or end - start < 12:
                    break
                code, word = ints(buffer, start)
                if code == STRING:
                    stop = start + 8 + word
                    if word < 0 or stop > end:
                        break
                    values.append(texts[buffer[start + 8 : stop]])
                    position = stop
                elif code == NUMBER:
                    value = double(buffer, start + 4)[0]
                    values.append(int(value) if value.is_integer() and (value or copysign(1, value) > 0) else value)
                    position = start + 12
                elif code == BOOLEAN:
                    values.append(word == 1)
                    position = start + 8
                elif code == OBJECT and (tensor := self.similar(stack, word, start + 8)) is not None:
                    values.append(tensor)
                    position = self.position
                else:
                    break
            self.position = position
            if len(values) < size:
                part = stack.open(TABLE, 2 * (size - len(values)), index)
                for key, value in zip(keys, values, strict=False):
                    part += key, value
                return
            table = objects[index] = values if isList else dict(zip(keys, values))  # noqa: B905 (time again)
            now.append(table)
            now.left -= 1
            if now.left < 2 or end - position < 24:
                return
            code, number, word, index, length = head(buffer, position)  # of the next one in a list
            if (code, word, length) != (NUMBER, TABLE, size) or number < 1 or number % 1 or index in objects:
                return
            now.append(int(number))
            now.left -= 1
            position += 24

    def learn(self, keys: list[str]) -> None:
        """Let `records` know the keys of a table."""
        size = len(keys)
        if 0 < size <= 16 and self._learned < 1000:
            self._learned += 1
            texts = [key.encode('utf-8', 'surrogateescape') for key in keys]
            encoded = [struct.pack(self.order + 'ii', STRING, len(text)) + text for text in texts]
            self._records[size, encoded[0]] = keys, encoded

    def similar(self, stack: Stack, index: int, position: int) -> np.ndarray | None:
        """A tensor with a storage of its own, from behind its index on, if one of the same class, sizes, strides and
        number of elements was read before: nothing but its elements has to be looked at. Else None, and nothing is
        read. This makes reading thousands of small tensors 3 x faster.
        """
        buffer = self.buffer
        if index in stack.objects or index in stack.storages:
            return None
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
        if storage in stack.storages or storage in stack.objects or storage == index:
            return None
        dtype, size, count, sizes, offset, strides = plan
        values = stack.storages[storage] = np.frombuffer(buffer, dtype, count, start).copy()
        self.position = start + size
        tensor = stack.objects[index] = np.ndarray(sizes, dtype, values, offset, strides)
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
        return self.elements(dtype, self.long("a storage's size"), keep)

    def long(self, what: str) -> int:
        """A number of the size that longs have in this file."""
        start = self.take(self.longSize, what)
        return self._count(self.buffer, start)[0]

    def elements(self, dtype: np.dtype, count: int, keep: bool) -> np.ndarray:
        inFile = self._inFile[dtype]
        size = count * inFile.itemsize
        start = self.take(size, 'a storage')
        if not count:
            return np.empty(0, dtype)
        if not self.mapped or size < MAPPED_BYTES:
            return np.frombuffer(self.buffer, inFile, count, start).astype(dtype)
        if keep and inFile == dtype:
            return np.frombuffer(self.buffer, dtype, count, start)
        # in pieces, each given back to the file when it is copied: else the storage is in memory twice
        values, piece = np.empty(count, dtype), MAPPED_BYTES // inFile.itemsize
        for i in range(0, count, piece):
            values[i : i + piece] = np.frombuffer(
                self.buffer, inFile, min(piece, count - i), start + i * inFile.itemsize
            )
            self._give_back(start + i * inFile.itemsize, start + min(i + piece, count) * inFile.itemsize)
        return values

    def _give_back(self, start: int, end: int) -> None:
        """Say that these bytes of the mapped file are not needed any more."""
        start = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        if hasattr(self.buffer, 'madvise') and end - start >= mmap.PAGESIZE:
            self.buffer.madvise(mmap.MADV_DONTNEED, start, (end - start) // mmap.PAGESIZE * mmap.PAGESIZE)


def _whole(numbers: Iterable[float]) -> list[int | float]:
    """`numbers`, the whole ones as int; -0 is not one of them."""
    return [int(value) if value.is_integer() and (value or copysign(1, value) > 0) else value for value in numbers]


class PipeSource(BinarySource):
    """The same from a file that cannot be read twice: exactly the bytes that an object has are taken from it.

    `buffer` holds the piece that was taken last, and `position` counts all bytes.
    """

    whole = False
    run = Source.run  # without looking ahead
    head = Source.head

    def __init__(self, file: BinaryIO, begun: bytes, longSize: int, endian: str):
        super().__init__(b'', 0, longSize, endian)
        self._file, self._begun = file, begun
        self._taken = 0

    @property
    def ended(self) -> bool:
        self._begun = self._begun or self._file.read(1)
        return not self._begun

    def left(self) -> int:
        return 1 << 62  # nobody knows

    def take(self, count: int, what: str) -> int:
        self.position = self._taken
        pieces, missing = [self._begun[: max(count, 0)]], count - len(self._begun)
        self._begun = self._begun[max(count, 0) :]
        while missing > 0 and (piece := self._file.read(min(missing, MAPPED_BYTES))):
            pieces.append(piece)
            missing -= len(piece)
        if count < 0 or missing > 0:
            raise T7Error(f'{what} of {count} bytes expected, but {count - missing} are left', self.position)
        self.buffer = b''.join(pieces)
        self._taken += count
        self.position = self._taken
        return 0

    def similar(self, stack: Stack, index: int, position: int) -> None:
        return None

    def remember(self, position: int, tensor: np.ndarray, storage: np.ndarray) -> None:
        pass


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
                self.position = word.end()
                yield convert(word[1])

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
            value = convert(word[1] if word else b'')
        except ValueError:
            raise T7Error(
                f'{what} expected, got {self.buffer[self.position : self.position + 12]!r}', self.position
            ) from None
        self.position = word.end() if word else self.end
        self._newline()
        return value

    def integer(self) -> int:
        return self._word(int, 'an integer')

    def long(self, what: str) -> int:
        return self._word(int, what)

    def number(self) -> int | float:
        return _whole([self._word(float, 'a number')])[0]

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
        length = self.integer()
        start = self.raw(length, 'a string')
        return self.buffer[start : start + length]

    def tensor(self) -> tuple[tuple[int, ...], tuple[int, ...], int, int, int]:
        nDim = self.dimensions()
        sizes, strides = (self._words(int, np.int64, nDim, f'{nDim} {what}').tolist() for what in ('sizes', 'strides'))
        offset, code = self.integer(), self.integer()
        return tuple(sizes), tuple(strides), offset, code, self.integer() if code else 0

    def generator(self) -> bytes:
        start = self.raw(GENERATOR_BYTES, 'a torch.Generator')
        return self.buffer[start : start + GENERATOR_BYTES]

    def array(self, dtype: np.dtype, keep: bool) -> np.ndarray:
        count = self.integer()
        if dtype.itemsize == 1:
            start = self.raw(count, f'a storage of {count} x {dtype}')
            return np.frombuffer(self.buffer[start : start + count], dtype).copy()
        convert = int if dtype.kind == 'i' else float
        return self._words(convert, dtype, count, f'a storage of {count} x {dtype}')
