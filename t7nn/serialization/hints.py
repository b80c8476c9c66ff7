"""What a file is that cannot be read as a .t7 file, and what to do with it."""

from __future__ import annotations

import re

from .read import Reader
from .sources import AsciiSource, BinarySource
from .values import T7Error

__all__ = ['better_error', 'refuse_numbers']

_TORCH = 'load it with torch.load in Python with PyTorch, and save its tensors as NumPy arrays'
#: what a file begins with, what it is, and what to do
_KINDS = [
    (rb'PK\x03\x04(?s:.){0,200}\.npy', 'an .npz file of NumPy', 'numpy.load opens it'),
    (rb'PK\x03\x04(?s:.){0,200}(data\.pkl|/version|byteorder)', 'a PyTorch file (zip)', _TORCH),
    (rb'PK\x03\x04', 'a zip file', 'unpack it first'),
    (rb'\x80[\x02-\x05](?s:.){0,3}l\xfc\x9cF\xf9', 'a PyTorch file (pickle)', _TORCH),
    (rb'\x80[\x02-\x05]', 'a Python pickle', 'pickle.load opens it, if you trust where it comes from'),
    (rb'version https://git-lfs', 'a Git LFS pointer, not the file that it stands for', 'run git lfs pull'),
    (rb'\s*(?i:<!doctype|<html|<\?xml|<head|<body)', 'a web page (HTML)', 'download the file itself'),
    (rb'\x1f\x8b', 'a gzip file', 'unpack it, or nn.load(gzip.open(path))'),
    (rb'BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf', 'a compressed file', 'unpack it first'),
    (rb'(?s:.){257}ustar', 'a tar archive', 'unpack it first'),
    (rb'\x89HDF\r\n', 'an HDF5 file', 'h5py opens it'),
    (rb'\x93NUMPY', 'an .npy file of NumPy', 'numpy.load opens it'),
    (rb'(?s:.){8}\{\s*"', 'a safetensors file', 'safetensors.numpy.load_file opens it'),
]
_TEXT = re.compile(rb'[\t\n\r\x20-\x7e\x80-\xff]{1,400}')
_NUMBERS = re.compile(rb'[-+.0-9eE\s]*')
MOST_TEXT = 1 << 20  # bytes of numbers that are looked at
MOST_REPAIRED = 1 << 28  # bytes of a file whose line ends are put right again, to see whether it loads then


def _foreign(data: bytes) -> str:
    """What `data`, the first bytes of a file, is and what to do; empty where it may be a .t7 file."""
    for pattern, what, advice in _KINDS:
        if re.match(pattern, data):
            return f'{what}: {advice}'
    if not data[:1].isdigit() and _TEXT.fullmatch(data[:400]):
        return f'a text file that begins with {data[:20].decode("utf-8", "replace")!r}'
    return ''


def _loads(source: AsciiSource | BinarySource) -> bool:
    try:
        Reader(source, live=False).readObject()
    except T7Error:
        return False
    return True


def better_error(error: T7Error, source: AsciiSource | BinarySource, start: int) -> T7Error:
    """The error that says more than `error`, with which the file's first object, at `start`, could not be read."""
    buffer = source.buffer
    if what := _foreign(buffer[start : start + 600]):
        return T7Error(f'a .t7 file expected, got {what}', start)
    if isinstance(source, AsciiSource):
        if _NUMBERS.fullmatch(buffer[start : start + MOST_TEXT]):
            return _numbers(start)
        if b'\r\n' in buffer[start : start + 200]:
            return _with(error, 'its line ends are CRLF, so it was copied as a text file; copy it as a binary file')
        return error
    other = 12 - source.longSize
    if _loads(BinarySource(buffer, start, other, source.endian)):
        whose = '32-bit machine or from Windows' if other == 4 else '64-bit machine'
        return _with(error, f'with longSize={other} it can be read: it comes from a {whose}')
    if len(buffer) <= MOST_REPAIRED:
        data = bytes(buffer[start:])
        if data.count(b'\r\n') == data.count(b'\n') > 0:
            repaired = _loads(BinarySource(data.replace(b'\r\n', b'\n'), 0, source.longSize, source.endian))
            sure = 'its line feeds were' if repaired else 'it looks as if its line feeds were'
            return _with(error, f'{sure} turned into CRLF when it was copied as a text file; copy it as a binary file')
    return error


def _with(error: T7Error, hint: str) -> T7Error:
    text = error.args[0].rpartition(' (at byte')[0]
    better = T7Error(f'{text}; {hint}', error.offset)
    for note in getattr(error, '__notes__', ()):
        better.add_note(note)
    return better


def _numbers(start: int) -> T7Error:
    return T7Error('a .t7 file expected, got a text file of numbers: numpy.loadtxt opens it', start)


def refuse_numbers(value: object, source: AsciiSource, start: int) -> None:
    """Raise a T7Error where `value`, which begins at `start`, is but the first numbers of a list in a text file."""
    rest = source.buffer[source.position : source.position + MOST_TEXT]
    if not isinstance(value, (int, float, type(None))) or not rest.strip() or not _NUMBERS.fullmatch(rest):
        return
    behind = AsciiSource(source.buffer, source.position)
    reader = Reader(behind, live=False)
    try:
        while behind.buffer[behind.position : behind.position + MOST_TEXT].strip():
            reader.readObject()
    except T7Error:
        raise _numbers(start) from None
