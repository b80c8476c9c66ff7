"""A log of numbers, kept in a file while a training runs, and their plot."""

import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, Self

from ..tensors import describe

__all__ = ['Logger']

# gnuplot's styles by what Torch7 calls them; others go to matplotlib as they are
_STYLES = {'+': '+', '.': ',', '-': '-', '+-': '+-', '|': '|', '~': '-'}


def _by_key(table: Mapping | Sequence) -> dict:
    """A table as a dict; a list counts from 1."""
    return dict(table) if isinstance(table, Mapping) else dict(enumerate(table, 1))


class Logger:
    """Writes rows of numbers to a file, their names in the first row, each field followed by a tab.

    Parameters
    ----------
    filename
        the file, created with its directory; standard output if not given
    timestamp
        whether the time is appended to the file's name

    Attributes
    ----------
    names, symbols, styles
        by key (1, 2, ... for rows given as lists): the names, the values so far, and the styles of their curves
    epsfile
        where `plot` draws, the file's name with ``.eps``

    Use it as a context manager, or call `close`.

    Torch7 optim: logger.md

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), 'error.log')
    >>> with Logger(path) as logger:
    ...     _ = logger.setNames(['train', 'test'])
    ...     logger.add([0.5, 0.25])
    >>> path.read_text()
    'train\\ttest\\t\\n 5.0000e-01\\t 2.5000e-01\\t\\n'
    """

    def __init__(self, filename: str | os.PathLike | None = None, timestamp: bool = False):
        self.epsfile = None
        if filename is None:
            self.name, self.file = 'stdout', sys.stdout
            print('<Logger> warning: no path provided, logging to std out')
        else:
            self.name = os.fspath(filename)
            os.makedirs(os.path.dirname(self.name) or '.', exist_ok=True)
            self.file = open(self.name + (time.strftime('-%Y_%m_%d_%X') if timestamp else ''), 'w')  # noqa: SIM115
            self.epsfile = self.name + '.eps'
        self.empty, self.showPlot, self.logscale = True, True, False
        self.names: dict[str, str] = {}
        self.symbols: dict[str, list] = {}
        self.styles: dict[str, list[str]] = {}
        self.figure: int | str | None = None
        self.defaultStyle = '+'

    def close(self) -> None:
        """Close the file."""
        if self.file is not sys.stdout:
            self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def _row(self, fields: Iterable) -> None:
        self.file.write(''.join(f'{field}\t' for field in fields) + '\n')
        self.file.flush()

    def _begin(self, names: dict) -> None:
        self.empty, self.names = False, names
        self.symbols = {key: [] for key in names}
        self.styles = {key: [self.defaultStyle] for key in names}
        self._row(names.values())

    def setNames(self, names: Sequence[str]) -> Self:
        """Name the columns of rows given as lists."""
        self._begin(_by_key(names))
        return self

    def add(self, symbols: Sequence | Mapping) -> None:
        """Write a row: a dict of numbers or strings by name, or a list of them.

        The first row decides on the columns, unless `setNames` did.
        """
        symbols = _by_key(symbols)
        for key, value in symbols.items():
            if isinstance(value, bool) or not isinstance(value, (Real, str)):
                raise TypeError(f'optim.Logger: can only log numbers and strings, got {describe(value)} for {key!r}')
        if self.empty:
            self._begin({key: key for key in symbols})
        if unknown := symbols.keys() - self.symbols.keys():
            raise ValueError(f'optim.Logger: expected columns {list(self.symbols)}, got {sorted(unknown)} as well')
        row = {key: symbols[key] for key in self.symbols if key in symbols}
        self._row(value if isinstance(value, str) else f'{value:11.4e}' for value in row.values())
        for key, value in row.items():
            self.symbols[key].append(value)

    def style(self, symbols: Sequence | Mapping) -> Self:
        """Set the style of each column's curve, or a list of styles.

        Styles are Torch7's ``'-'``, ``'+'``, ``'+-'``, ``'.'``, ``'|'``, ``'~'`` or matplotlib's.
        """
        for key, style in _by_key(symbols).items():
            if not isinstance(style, (str, list, tuple)):
                raise TypeError(
                    f'optim.Logger: style should be a string or a table of strings, got {describe(style)} for {key!r}'
                )
            self.styles[key] = [style] if isinstance(style, str) else list(style)
        return self

    def setlogscale(self, state: bool) -> None:
        """Whether the y axis is logarithmic."""
        self.logscale = state

    def display(self, state: bool) -> None:
        """Whether `plot` also opens a window."""
        self.showPlot = state

    def plot(self, *names: str) -> None:
        """Draw the columns of these names, or all, by row: into `epsfile`, and on the screen if there is one.

        Raises
        ------
        ImportError
            without matplotlib
        """
        try:
            from matplotlib import pyplot
        except ImportError as error:
            raise ImportError("optim.Logger: plot needs matplotlib, which pip install 't7nn[plot]' brings") from error
        keys = {name: key for key, name in self.names.items()}
        if unknown := [name for name in names if name not in keys]:
            raise ValueError(f'optim.Logger: expected names out of {list(keys)}, got {unknown}')
        chosen = [keys[name] for name in names] or list(self.symbols)
        curves = [(key, style) for key in chosen if len(self.symbols[key]) > 1 for style in self.styles[key]]
        if not curves:
            return
        figure = pyplot.figure(self.figure, clear=True)
        self.figure = figure.number
        axes = figure.add_subplot()
        for key, style in curves:
            values = self.symbols[key]
            axes.plot(range(1, len(values) + 1), values, _STYLES.get(style, style), label=str(self.names[key]))
        if self.logscale:
            axes.set_yscale('log')
        axes.grid(True)
        axes.legend(framealpha=1)  # PostScript has no transparency
        axes.set_title(f'<Logger::{self.name}>')
        if self.epsfile:
            figure.savefig(self.epsfile)
        if self.showPlot and figure.canvas.required_interactive_framework:
            pyplot.show(block=False)
        else:
            pyplot.close(figure)
