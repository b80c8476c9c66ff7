"""Small real data sets that ship with t7nn, points in the plane, and a reader of tables of one's own."""

import csv
import gzip
import math
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .planar import circles, moons, spirals

__all__ = ['Table', 'circles', 'diabetes', 'digits', 'moons', 'read_csv', 'spirals']


class Table(NamedTuple):
    """Rows of numbers: ``inputs`` (n, d), the ``target`` (n,) that they are to predict, the columns' ``names``, and the
    ``source``."""

    inputs: np.ndarray
    target: np.ndarray
    names: list[str]
    source: str


def read_csv(path: str | PathLike, target: str) -> Table:
    """Read a table of numbers with a line of column names; lines that begin with ``#`` are its source line.

    Parameters
    ----------
    path
        the file, ``.csv`` or ``.csv.gz``
    target
        name of the column that is to be predicted; all others are inputs

    Raises
    ------
    OSError
        if the file cannot be read
    ValueError
        if there is no such column, text where a number belongs, or a row of another length
    """
    path = Path(path)
    raw = path.read_bytes()
    try:
        return _parse(gzip.decompress(raw).decode() if path.suffix == '.gz' else raw.decode(), str(path), target)
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError):
        raise ValueError(f'{path}: a text file of numbers needed, got bytes that are no text') from None


def _parse(text: str, name: str, target: str) -> Table:
    lines = list(enumerate(text.splitlines(), 1))
    source = ' '.join(line[1:].strip() for _, line in lines if line.startswith('#'))
    rows = [(place, next(csv.reader([line]))) for place, line in lines if line.strip() and not line.startswith('#')]
    if not rows:
        raise ValueError(f'{name}: a line of column names needed, got an empty file')
    (_, names), *rows = rows
    names = [column.strip() for column in names]
    if target not in names:
        raise ValueError(f'{name}: no column {target!r} in it, only {", ".join(names)}')
    if len(names) < 2:
        raise ValueError(f'{name}: at least one column beside {target!r} needed')
    values = np.array([_numbers(row, names, f'{name}, line {place}') for place, row in rows]).reshape(-1, len(names))
    column = names.index(target)
    return Table(np.delete(values, column, axis=1), values[:, column], names[:column] + names[column + 1 :], source)


def _numbers(row: list[str], names: list[str], place: str) -> list[float]:
    if len(row) != len(names):
        raise ValueError(f'{place}: {len(names)} values needed, got {len(row)}')
    numbers = []
    for name, text in zip(names, row, strict=True):
        try:
            numbers.append(float(text))
        except ValueError:
            raise ValueError(f'{place}: a number needed in column {name!r}, got {text!r}') from None
        if not math.isfinite(numbers[-1]):
            raise ValueError(f'{place}: a finite number needed in column {name!r}, got {text!r}')
    return numbers


def diabetes() -> Table:
    """442 patients: ten baseline variables, and a measure of the disease's progression one year later.

    >>> from t7nn import datasets
    >>> table = datasets.diabetes()
    >>> table.inputs.shape, table.names[:4]
    ((442, 10), ['age', 'sex', 'bmi', 'bp'])

    Source: Efron, Hastie, Johnstone, Tibshirani, "Least Angle Regression" (2004).
    """
    return _parse(resources.files(__name__).joinpath('diabetes.csv').read_text('utf-8'), 'diabetes.csv', 'progression')


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1797 handwritten digits: images (1797, 8, 8) with values in 0..1, and classes 1..10, the digit plus one.

    >>> from t7nn import datasets
    >>> images, classes = datasets.digits()
    >>> images.shape, int(classes.min()), int(classes.max())
    ((1797, 8, 8), 1, 10)

    Source: UCI "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, 1998; CC BY 4.0), test part.
    """
    text = gzip.decompress(resources.files(__name__).joinpath('digits.csv.gz').read_bytes()).decode()
    values = np.loadtxt(text.splitlines(), delimiter=',')
    return values[:, :64].reshape(-1, 8, 8) / 16, values[:, 64].astype(np.int64) + 1
