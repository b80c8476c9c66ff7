"""Torch7's .t7 files: `load` and `save`, `loads` and `dumps`.

>>> import t7nn as nn
>>> data = nn.dumps({"epoch": 3, "losses": [0.5, 0.25]})
>>> nn.loads(data)
{'epoch': 3, 'losses': [0.5, 0.25]}

Torch7 manual: torch7/doc/serialization.md
"""

from __future__ import annotations

import contextlib
import errno
import io
import mmap
import os
import secrets
import stat
import weakref
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Self, cast

from .hints import better_error, refuse_numbers
from .read import Reader
from .sources import MAPPED_BYTES, AsciiSource, BinarySource, PipeSource, recognise
from .values import T7Error
from .write import AsciiTarget, BinaryTarget, Writer

__all__ = ['T7Reader', 'T7Writer', 'dumps', 'load', 'loads', 'save']

Source = str | bytes | os.PathLike | BinaryIO


def _mode(mode: str | None, longSize: int, endian: str | None) -> tuple[str | None, int]:
    """The mode and the size of a long that the arguments mean; Torch7's 'b32' and 'b64' name both."""
    if mode not in (None, 'binary', 'ascii', 'b32', 'b64'):
        raise ValueError(f"expected 'binary', 'ascii', 'b32' or 'b64' as mode, got {mode!r}")
    if longSize not in (4, 8):
        raise ValueError(f'expected 4 or 8 as longSize, got {longSize!r}')
    if endian not in (None, 'little', 'big'):
        raise ValueError(f"expected 'little' or 'big' as endian, got {endian!r}")
    return ('binary', 4 if mode == 'b32' else 8) if mode in ('b32', 'b64') else (mode, longSize)


def _path(source: Any) -> str:
    """The path that `source`, which is no file, names."""
    try:
        path = os.fsdecode(source)
    except TypeError:
        kind = type(source).__name__
        raise TypeError(f'expected a path or a file opened in binary mode, got a {kind}') from None
    if not path:
        raise ValueError("expected a path, got ''")
    return path


def _seekable(file: Any) -> bool:
    try:
        file.tell()
        return bool(getattr(file, 'seekable', lambda: True)())
    except (OSError, AttributeError):
        return False


def _contents(file: Any) -> tuple[Any, int]:
    """What can be read from an open file, and where in that to begin. Large files are mapped, not read."""
    if isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO):
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode) and status.st_size >= MAPPED_BYTES:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), file.tell()
    return _bytes_of(file.read()), 0


def _bytes_of(data: Any) -> bytes:
    if not isinstance(data, (bytes, bytearray)):
        raise TypeError(f'expected a path or a file opened in binary mode, got one that gives {type(data).__name__}')
    return bytes(data)


class T7Reader:
    """The objects of one .t7 file one after the other, as `torch.DiskFile(...):readObject()` gives them.

    References reach from one object back into those before it. Iterating ends with the file. From a pipe no byte is
    taken beyond the object that is read, unless it is in ascii mode, which is read to its end.

    The arguments are those of `load`; `source` may also be the bytes themselves.

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
        source: Source | bytearray | memoryview,
        mode: str | None = None,
        longSize: int = 8,
        endian: str | None = None,
        live: bool = True,
        classes: Mapping[str, type] | None = None,
    ):
        mode, longSize = _mode(mode, longSize, endian)
        classes = dict(classes or {})
        if not all(isinstance(name, str) and isinstance(cls, type) for name, cls in classes.items()):
            raise TypeError(f'expected classes by their names in Torch7 as classes, got {classes!r}')
        if isinstance(source, (bytes, bytearray, memoryview)):
            buffer, start = bytes(source), 0
        elif hasattr(source, 'read'):
            if not _seekable(source):
                head = _bytes_of(source.read(4))
                found = recognise(head)
                if (mode or found[0]) == 'binary':
                    self._use(PipeSource(cast(BinaryIO, source), head, longSize, endian or found[1]), live, classes)
                    return
                buffer, start = head + _bytes_of(source.read()), 0
            else:
                buffer, start = _contents(source)
        else:
            with open(_path(source), 'rb') as file:
                buffer, start = _contents(file)
        found = recognise(buffer[start : start + 4])
        if (mode or found[0]) == 'ascii':
            self._use(AsciiSource(buffer, start), live, classes)
        else:
            mapped = isinstance(buffer, mmap.mmap)
            self._use(BinarySource(buffer, start, longSize, endian or found[1], mapped), live, classes)
        self._guessed = mode is None

    _guessed = False

    def _use(self, source: BinarySource | AsciiSource, live: bool, classes: dict[str, type]) -> None:
        self._source, self._first = source, source.position
        self._reader = Reader(source, live, classes)

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
        source, start = self._source, self._source.position
        try:
            value = self._reader.readObject()
        except T7Error as error:
            framing = start == self._first and source.whole and error.__cause__ is None
            better = better_error(error, source, start) if framing else error
            raise better from (error.__cause__ if better is error else None)
        if start == self._first and self._guessed and isinstance(source, AsciiSource):
            refuse_numbers(value, source, start)
        return value

    @property
    def ended(self) -> bool:
        """Whether all was read."""
        return self._source.ended

    def __iter__(self) -> Iterator[Any]:
        while not self.ended:
            yield self.readObject()


class _Kept:
    """The reader of an open file, for whoever loads again: references reach back into what was loaded before."""

    def __init__(self, reader: T7Reader, arguments: tuple):
        self.reader, self.arguments = reader, arguments
        self.place = 0
        self.state: tuple | None = None

    def leave(self, file: Any, place: int) -> None:
        """The file now stands at `place`."""
        self.place, self.state = place, _state(file)

    def goes_on(self, file: Any, place: int, arguments: tuple) -> bool:
        """Whether the file stands where it was left, and nothing in it was overwritten."""
        if self.place != place or self.arguments != arguments or self.state != _state(file):
            return False
        buffer = self.reader._source.buffer
        if isinstance(buffer, mmap.mmap):
            return True
        same = file.read() == buffer[self.reader.position :]
        file.seek(place)
        return same


def _state(file: Any) -> tuple | None:
    """What changes when a file on the disk is written to."""
    try:
        status = os.fstat(file.fileno())
    except (OSError, AttributeError):
        return None
    return status.st_size, status.st_mtime_ns


_kept: weakref.WeakKeyDictionary[Any, _Kept] = weakref.WeakKeyDictionary()


def load(
    source: Source,
    mode: str | None = None,
    longSize: int = 8,
    endian: str | None = None,
    live: bool = True,
    classes: Mapping[str, type] | None = None,
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
    classes
        classes of your own by their names in the file, such as ``{'nn.Foo': Foo}``. Their objects get the file's
        fields as attributes; a class method ``from_file(fields)`` may change these first. They are saved under the
        name that they came with

    Returns
    -------
    value
        numbers (whole ones as int), bool, str, None; tables as list (keys 1..n) or dict; tensors as arrays that share
        memory where their storages do, large ones looking into the file (copy on write), but for those of modules;
        classes of t7nn as live objects, all others as `TorchObject`; Lua functions as `TorchFunction`, never run

    Raises
    ------
    T7Error
        if the file is damaged or no .t7 file, or an object in it has fields that its class cannot use
    TypeError
        if `source` is no path and no file opened in binary mode

    Torch7 manual: torch7/doc/serialization.md
    """
    arguments = mode, longSize, endian, live, classes
    if not hasattr(source, 'read'):
        return T7Reader(_path(source), *arguments).readObject()
    file = cast(BinaryIO, source)
    kept = _kept.get(file)
    if not _seekable(file):
        if kept is None or kept.arguments != arguments:
            kept = _kept[file] = _Kept(T7Reader(file, *arguments), arguments)
        return kept.reader.readObject()
    start = file.tell()
    if kept is None or not kept.goes_on(file, start, arguments):
        kept = _Kept(T7Reader(file, *arguments), arguments)
    begin = kept.reader.position
    value = kept.reader.readObject()
    file.seek(start + kept.reader.position - begin)
    if kept.reader.ended:
        _kept.pop(file, None)
    else:
        kept.leave(file, file.tell())
        _kept[file] = kept
    return value


def loads(
    data: bytes,
    mode: str | None = None,
    longSize: int = 8,
    endian: str | None = None,
    live: bool = True,
    classes: Mapping[str, type] | None = None,
) -> Any:
    """`load` from bytes."""
    return T7Reader(bytes(data), mode, longSize, endian, live, classes).readObject()


class T7Writer:
    """Several objects into one file; what was written before is referred to, as with Torch7's `file:writeObject(...)`.

    Nothing reaches the file before `close()` or the end of the `with`; an error leaves the file as it was. Each object
    is written as it is when it is given: later changes of it do not matter. An error in `writeObject` leaves no part of
    its object behind.
    """

    def __init__(
        self,
        target: Source,
        mode: str = 'binary',
        referenced: bool = True,
        longSize: int = 8,
        endian: str = 'little',
    ):
        form, longSize = _mode(mode, longSize, endian)
        file: Any = target if hasattr(target, 'write') else NewFile(_path(target))
        self._file = file
        self._bytes = AsciiTarget() if form == 'ascii' else BinaryTarget(longSize, endian)
        self._writer = Writer(self._bytes, referenced)
        self._parts: list = []  # for the caller's file, which is written to by close() only
        self._closed = False
        if not isinstance(file, NewFile):
            self._writer.count = _free_index(file.tell()) if _seekable(file) else _given(file)

    def writeObject(self, value: Any) -> None:
        """One more object. TypeError or ValueError if part of it has no place in a .t7 file."""
        self._write(value)
        self._parts = [bytes(part) for part in self._parts]

    def _write(self, value: Any) -> None:
        """`writeObject`; for the caller's file, large arrays are looked at again in `close`."""
        if self._closed:
            raise ValueError('writeObject: the T7Writer is closed')
        self._writer.writeObject(value)
        if isinstance(self._file, NewFile):
            self._file.write(self._bytes.finish())
        else:
            self._parts += self._bytes.finish()

    def close(self) -> None:
        """Write the file. Further calls do nothing."""
        if self._closed:
            return
        self._closed = True
        if isinstance(self._file, NewFile):
            self._file.close()
        else:
            self._file.writelines(self._parts)
            self._parts = []
            with contextlib.suppress(TypeError):  # a file that nothing can refer to weakly
                _counts[self._file] = self._writer.count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind, error, trace) -> None:
        if kind is None:
            self.close()
        elif isinstance(self._file, NewFile):
            self._closed = True
            self._file.discard()


def _free_index(place: int) -> int:
    """An index that no object has before `place` in a file: each takes at least 6 bytes."""
    return place // 6 + 1 if place else 0


# the indices that were given in files that do not know their place
_counts: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()


def _given(file: Any) -> int:
    try:
        return _counts.get(file, 0)
    except TypeError:
        return 0


class NewFile:
    """A file that is written without a name, and put in the place of `path` in one step when all is there.

    Where the system has no files without names, it has one in the same folder that begins with ``.t7nn-``; only a
    process that is killed while it writes leaves such a file behind, which can be deleted.
    """

    def __init__(self, path: str):
        self.given, self.path = path, os.path.realpath(path)
        self._file: Any = None
        self._name: str | None = None  # in the folder; None while it has none
        if os.path.isdir(self.path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)

    def _open(self) -> Any:
        folder = os.path.dirname(self.path)
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(os.stat(self.path).st_mode):  # a pipe or a device has no place beside it
                return open(self.path, 'wb')
        if hasattr(os, 'O_TMPFILE') and os.path.exists('/proc/self/fd'):
            with contextlib.suppress(OSError):
                return open(os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o666), 'wb')
        self._name = os.path.join(folder, f'.t7nn-{secrets.token_hex(8)}')
        return open(self._name, 'xb')

    @contextlib.contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The file, to be written to."""
        self.write([])
        with self._errors():
            yield self._file

    def write(self, parts: list) -> None:
        """Write more; nothing of it is in the file called `path` yet."""
        with self._errors():
            if self._file is None:
                self._file = self._open()
            self._file.writelines(parts)

    def close(self) -> None:
        """Put what was written in the place of the old file."""
        self.write([])
        with self._errors():
            self._file.flush()
            old = os.stat(self.path) if os.path.exists(self.path) else None
            if old is None or stat.S_ISREG(old.st_mode):
                if self._name is None:
                    name = os.path.join(os.path.dirname(self.path), f'.t7nn-{secrets.token_hex(8)}')
                    number = self._file.fileno()
                    os.link(f'/proc/self/fd/{number}', name, src_dir_fd=number, follow_symlinks=True)
                    self._name = name
                if old:
                    os.chmod(self._name, stat.S_IMODE(old.st_mode))
            self._file.close()
            if self._name is not None:
                os.replace(self._name, self.path)
                self._name = None

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """An error deletes what was written, and names the path that was given."""
        try:
            yield
        except BaseException as error:
            self.discard()
            if isinstance(error, OSError) and error.errno:
                raise type(error)(error.errno, os.strerror(error.errno), self.given) from None
            raise

    def discard(self) -> None:
        """Delete what was written."""
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
        if self._name is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._name)
            self._name = None

    def __del__(self) -> None:
        if self._name is not None:
            self.discard()


def replace_file(path: str, parts: list) -> None:
    """Write a file, then put it in the place of `path` in one step."""
    file = NewFile(path)
    file.write(parts)
    file.close()


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
        writer._write(value)


def dumps(
    value: Any, mode: str = 'binary', referenced: bool = True, longSize: int = 8, endian: str = 'little'
) -> bytes:
    """`save` to bytes."""
    file = io.BytesIO()
    save(file, value, mode, referenced, longSize, endian)
    return file.getvalue()
