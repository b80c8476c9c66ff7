"""Tables of numbers in text files, as Excel, pandas and R write them."""

import csv
import gzip
import io
import itertools
import math
import sys
import zlib
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

__all__ = ['Table', 'parse_csv', 'read_csv']

LARGEST = 1 << 30  # bytes of text


class Table(NamedTuple):
    """Rows of numbers: ``inputs`` (n, d), the ``target`` (n,) that they are to predict, the columns' ``names``, and the
    ``source``."""

    inputs: np.ndarray
    target: np.ndarray
    names: list[str]
    source: str


def read_csv(path: str | PathLike, target: str) -> Table:
    """Read a table of numbers in UTF-8 with a line of column names.

    Columns are separated by commas, semicolons or tabs; with semicolons a number may have a decimal comma. Names and
    numbers may be quoted, and a line break in a name is a blank. A first column without a name, in which pandas and R
    keep the names of the rows, is left out.
    Lines that begin with ``#`` are the table's source line.

    Parameters
    ----------
    path
        the file, ``.csv`` or ``.csv.gz``; ``'-'`` is standard input
    target
        name of the column that is to be predicted; all others are inputs

    Raises
    ------
    OSError
        if the file cannot be read
    ValueError
        if it is no such table, there is no such column, text where a number belongs, or a row of another length
    """
    name = str(path)
    if name == '-':
        if sys.stdin is None:
            raise ValueError('expected a table on standard input, got it closed')
        return parse_csv(_text(sys.stdin.buffer, 'standard input'), 'standard input', target)
    if not name:
        raise ValueError("expected the name of a file, got ''")
    with Path(path).open('rb') as file:
        if name.endswith('.gz'):
            try:
                return parse_csv(_text(gzip.GzipFile(fileobj=file), name), name, target)
            except (gzip.BadGzipFile, EOFError, zlib.error):
                raise ValueError(f'{name}: expected a file packed by gzip, got another or half of one') from None
        return parse_csv(_text(file, name), name, target)


def _text(file: BinaryIO | gzip.GzipFile, name: str) -> str:
    """The file's text. What is no text, or has no end, is noticed before it fills the memory."""
    parts: list[bytes] = []
    while part := file.read(1 << 20):
        parts.append(part)
        if parts[0].startswith((b'\xff\xfe', b'\xfe\xff')):
            raise ValueError(f'{name}: expected text in UTF-8, got UTF-16; save it as "CSV UTF-8"')
        if b'\0' in part:
            raise ValueError(f'{name}: expected a text file of numbers, got bytes that are no text')
        if len(parts) > LARGEST >> 20:
            raise ValueError(f'{name}: expected at most {LARGEST >> 20} MB of text, got more')
    try:
        return b''.join(parts).decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(
            f'{name}: expected text in UTF-8, got the byte 0x{error.object[error.start]:02x} '
            f'in line {error.object.count(10, 0, error.start) + 1}; save it as "CSV UTF-8"'
        ) from None


def parse_csv(text: str, name: str, target: str) -> Table:
    """The table that `text` is; `name` stands in the errors."""
    lines = list(io.StringIO(text, newline=''))
    source = ' '.join(line[1:].strip() for line in lines if line.startswith('#'))
    lines = ['\n' if line.startswith('#') else line for line in lines]  # so that lines are counted right
    delimiter = _delimiter(lines)
    try:
        rows = [(row, line) for row, line in _records(lines, delimiter) if any(row)]
    except csv.Error as error:
        raise ValueError(f'{name}: expected a table of numbers, got what csv cannot read ({error})') from None
    if not rows:
        raise ValueError(f'{name}: expected a line of column names, got an empty file')
    (names, _), *rows = rows
    names = [' '.join(column.split()) for column in names]
    if not names[0]:
        names, rows = names[1:], [(row[1:], line) for row, line in rows]
    if target not in names:
        raise ValueError(f'{name}: no column {target!r} in it, only {_listed(names)}')
    doubled = [column for column in names if names.count(column) > 1]
    if doubled:
        raise ValueError(f'{name}: expected a name for each column, got {doubled[0]!r} twice')
    if len(names) < 2:
        raise ValueError(f'{name}: expected at least one column beside {target!r}')
    values = np.array([_numbers(row, names, f'{name}, line {line}', delimiter) for row, line in rows])
    values = values.reshape(-1, len(names))
    column = names.index(target)
    return Table(np.delete(values, column, axis=1), values[:, column], names[:column] + names[column + 1 :], source)


def _listed(names: list[str]) -> str:
    """The names, but no more than a line of them."""
    shown = [name if len(name) <= 40 else name[:37] + '...' for name in names[:10]]
    return ', '.join(shown) + (f' and {len(names) - 10} more' if len(names) > 10 else '')


def _records(lines: list[str], delimiter: str) -> Iterable[tuple[list[str], int]]:
    """The rows with the number of the line that each ends in."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    for row in reader:
        yield [text.strip() for text in row], reader.line_num


def _delimiter(lines: list[str]) -> str:
    """What separates the columns: what makes the first two rows equally long, and then as long as can be."""

    def columns(delimiter: str) -> tuple[bool, bool, int]:
        try:
            rows = itertools.islice(_records(lines, delimiter), 50)
            widths = [len(row) for row, _ in rows if any(row)][:2]
        except csv.Error:  # which is then told
            return True, False, 0
        return max(widths, default=0) > 1, len(set(widths)) == 1, max(widths, default=0)

    return max(',;\t', key=columns)


def _numbers(row: list[str], names: list[str], place: str, delimiter: str) -> list[float]:
    if len(row) != len(names):
        raise ValueError(f'{place}: expected {len(names)} values, got {len(row)}')
    numbers = []
    for name, text in zip(names, row, strict=True):
        try:
            plain = text.replace(',', '.') if delimiter == ';' else text
            numbers.append(float('no number' if '_' in text else plain))
        except ValueError:
            shown = text if len(text) <= 40 else text[:37] + '...'
            raise ValueError(f'{place}: expected a number in column {name!r}, got {shown!r}') from None
        if not math.isfinite(numbers[-1]):
            raise ValueError(f'{place}: expected a finite number in column {name!r}, got {text!r}')
    return numbers
