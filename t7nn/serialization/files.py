"""Torch7's .t7 files: `load` and `save`, `loads` and `dumps`.

>>> import t7nn as nn
>>> data = nn.dumps({"epoch": 3, "losses": [0.5, 0.25]})
>>> nn.loads(data)
{'epoch': 3, 'losses': [0.5, 0.25]}

Torch7 manual: torch7/doc/serialization.md
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import secrets
import stat
import weakref
from collections.abc import Iterator
from typing import Any, BinaryIO, Self

from .read import Reader
from .sources import MAPPED_BYTES, AsciiSource, BinarySource, recognise
from .write import AsciiTarget, BinaryTarget, Writer

__all__ = ['T7Reader', 'T7Writer', 'dumps', 'load', 'loads', 'save']

Source = str | os.PathLike | BinaryIO


def _mode(mode: str | None, longSize: int, endian: str | None) -> tuple[str | None, int]:
    """The mode and the size of a long that the arguments mean; Torch7's 'b32' and 'b64' name both."""
    if mode not in (None, 'binary', 'ascii', 'b32', 'b64'):
        raise ValueError(f"expected 'binary', 'ascii', 'b32' or 'b64' as mode, got {mode!r}")
    if longSize not in (4, 8):
        raise ValueError(f'expected 4 or 8 as longSize, got {longSize!r}')
    if endian not in (None, 'little', 'big'):
        raise ValueError(f"expected 'little' or 'big' as endian, got {endian!r}")
    return ('binary', 4 if mode == 'b32' else 8) if mode in ('b32', 'b64') else (mode, longSize)


def _contents(file: BinaryIO) -> tuple[Any, int]:
    """What can be read from an open file, and where in that to begin. Large files are mapped, not read."""
    if isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO):
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode) and status.st_size >= MAPPED_BYTES:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), file.tell()
    data = file.read()
    if not isinstance(data, (bytes, bytearray)):
        raise TypeError(f'expected a path or a file opened in binary mode, got one that gives {type(data).__name__}')
    return bytes(data), 0


class T7Reader:
    """The objects of one .t7 file one after the other, as `torch.DiskFile(...):readObject()` gives them.

    References reach from one object back into those before it. Iterating ends with the file.

    >>> import io, t7nn as nn
    >>> file = io.BytesIO()
    >>> with nn.T7Writer(file) as writer:
    ...     writer.writeObject("first")
    ...     writer.writeObject([1, 2])
    >>> list(nn.T7Reader(file.getvalue()))
    ['first', [1, 2]]
    """

    def __init__(
        self,
        source: Source | bytes,
        mode: str | None = None,
        longSize: int = 8,
        endian: str | None = None,
        live: bool = True,
    ):
        mode, longSize = _mode(mode, longSize, endian)
        if isinstance(source, (bytes, bytearray, memoryview)):
            buffer, start = bytes(source), 0
        elif hasattr(source, 'read'):
            buffer, start = _contents(source)
        else:
            with open(source, 'rb') as file:
                buffer, start = _contents(file)
        found = recognise(buffer[start : start + 4])
        if (mode or found[0]) == 'ascii':
            self._source = AsciiSource(buffer, start)
        else:
            self._source = BinarySource(buffer, start, longSize, endian or found[1], isinstance(buffer, mmap.mmap))
        self._reader = Reader(self._source, live)

    @property
    def mode(self) -> str:
        """'binary' or 'ascii'."""
        return 'ascii' if isinstance(self._source, AsciiSource) else 'binary'

    @property
    def position(self) -> int:
        """How many bytes of the file or of the bytes were read."""
        return self._source.position

    def readObject(self) -> Any:
        """The next object; T7Error where the file is damaged or at its end."""
        return self._reader.readObject()

    @property
    def ended(self) -> bool:
        """Whether all was read."""
        return self._source.position >= self._source.end

    def __iter__(self) -> Iterator[Any]:
        while not self.ended:
            yield self.readObject()


# the reader of each open file, and the file's position when it had read: who loads again goes on with its references
_readers: weakref.WeakKeyDictionary[Any, tuple[T7Reader, int, tuple]] = weakref.WeakKeyDictionary()


def load(
    source: Source, mode: str | None = None, longSize: int = 8, endian: str | None = None, live: bool = True
) -> Any:
    """The first object of a .t7 file, or the next one of an open file, which is then left behind it.

    Parameters
    ----------
    source
        a path, or a file opened in binary mode
    mode
        'binary' or 'ascii'; None finds it out. 'b32' and 'b64' are 'binary' with longs of 4 and 8 bytes
    longSize
        4 for files from 32-bit machines
    endian
        'little' or 'big'; None finds it out
    live
        False: objects of t7nn's classes too are `TorchObject`s, with their fields as they lie in the file

    Returns
    -------
    value
        numbers (whole ones as int), bool, str, None; tables as list (keys 1..n) or dict; tensors as arrays that share
        memory where their storages do, large ones looking into the file (copy on write); classes of t7nn as live
        objects, all others as `TorchObject`; Lua functions as `TorchFunction`, never run

    Raises
    ------
    T7Error
        if the file is damaged

    Torch7 manual: torch7/doc/serialization.md
    """
    if not hasattr(source, 'read'):
        return T7Reader(source, mode, longSize, endian, live).readObject()
    arguments = mode, longSize, endian, live
    try:
        start = source.tell()
        reader, before, same = _readers.get(source, (None, None, None))
    except (OSError, AttributeError, TypeError):  # a stream that cannot tell where it stands
        return T7Reader(source, mode, longSize, endian, live).readObject()
    if reader is None or before != start or same != arguments:
        reader = T7Reader(source, mode, longSize, endian, live)
    begin = reader.position
    value = reader.readObject()
    source.seek(start + reader.position - begin)
    if reader.ended:
        _readers.pop(source, None)
    else:
        _readers[source] = reader, source.tell(), arguments
    return value


def loads(data: bytes, mode: str | None = None, longSize: int = 8, endian: str | None = None, live: bool = True) -> Any:
    """`load` from bytes."""
    return T7Reader(bytes(data), mode, longSize, endian, live).readObject()


class T7Writer:
    """Several objects into one file; what was written before is referred to, as with Torch7's `file:writeObject(...)`.

    Nothing reaches the file before `close()` or the end of the `with`; an error leaves the file as it was.
    """

    def __init__(
        self,
        target: Source,
        mode: str = 'binary',
        referenced: bool = True,
        longSize: int = 8,
        endian: str = 'little',
    ):
        if not hasattr(target, 'write'):
            target = os.fspath(target)
        self._file = target
        mode, longSize = _mode(mode, longSize, endian)
        self._bytes = AsciiTarget() if mode == 'ascii' else BinaryTarget(longSize, endian)
        self._writer = Writer(self._bytes, referenced)
        if hasattr(target, 'tell'):  # indices that no earlier object of this file can have
            with contextlib.suppress(OSError):
                self._writer.count = target.tell() & 0x3FFFFFFF

    def writeObject(self, value: Any) -> None:
        """One more object. TypeError or ValueError if part of it has no place in a .t7 file."""
        self._writer.writeObject(value)

    def close(self) -> None:
        """Write the file."""
        parts = self._bytes.finish()
        if hasattr(self._file, 'write'):
            self._file.writelines(parts)
        else:
            replace_file(self._file, parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, trace) -> None:
        if kind is None:
            self.close()


def replace_file(path: str, parts: list) -> None:
    """Write a file beside `path`, then put it in its place in one step."""
    path = os.path.realpath(path)
    old = os.stat(path) if os.path.exists(path) else None
    if old and not stat.S_ISREG(old.st_mode):  # a pipe or a device has no place beside it
        with open(path, 'wb') as file:
            file.writelines(parts)
        return
    beside = f'{path}.{os.getpid()}.{secrets.token_hex(4)}'
    try:
        with open(beside, 'xb') as file:
            file.writelines(parts)
        if old:
            os.chmod(beside, stat.S_IMODE(old.st_mode))
        os.replace(beside, path)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename == beside:
            error.filename = path
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def save(
    target: Source,
    value: Any,
    mode: str = 'binary',
    referenced: bool = True,
    longSize: int = 8,
    endian: str = 'little',
) -> None:
    """Write `value` as a .t7 file that Torch7 loads.

    Parameters
    ----------
    target
        a path, or a file opened in binary mode. A path is replaced when all is written: an error leaves the old file
    value
        whatever `load` gives; also tuples (as lists), bytes (as strings), numpy's numbers
    mode
        'binary' or 'ascii' ('b32' and 'b64' as in `load`)
    referenced
        False writes everything anew each time it comes, without references
    longSize
        4 for files for 32-bit machines
    endian
        'little' or 'big'

    A view is written with all of its storage, as Torch7 does: copy it to save less. Fields of modules and trainers that
    are Python functions are left out with a warning.

    Raises
    ------
    TypeError
        if part of `value` has no place in a .t7 file
    ValueError
        if a number is not exactly a double, or without references something contains itself

    Torch7 manual: torch7/doc/serialization.md
    """
    with T7Writer(target, mode, referenced, longSize, endian) as writer:
        writer.writeObject(value)


def dumps(
    value: Any, mode: str = 'binary', referenced: bool = True, longSize: int = 8, endian: str = 'little'
) -> bytes:
    """`save` to bytes."""
    file = io.BytesIO()
    save(file, value, mode, referenced, longSize, endian)
    return file.getvalue()
