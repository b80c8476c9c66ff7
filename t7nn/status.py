"""A line on stderr that says how far a long job is."""

import shutil
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

__all__ = ['Status', 'duration']


def duration(seconds: float) -> str:
    """Hours, minutes and seconds as a clock shows them.

    >>> duration(75), duration(7325.4)
    ('1:15', '2:02:05')
    """
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{seconds:02}' if hours else f'{minutes}:{seconds:02}'


class Status:
    """On a terminal one line, written over and at last wiped; elsewhere only the lines that are `kept`; nothing at all
    where stderr is closed or cannot be written.

    >>> with Status() as status:
    ...     for done in range(1, 101):
    ...         status.show(f'{done} of 100')
    """

    def __init__(self) -> None:
        self.terminal = sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()
        self.shown = 0.0

    def show(self, line: str, kept: bool = False) -> None:
        """Show `line`: on a terminal at most ten times a second and cut to its width; elsewhere if it is `kept`."""
        if self.terminal:
            now = time.monotonic()
            if now - self.shown >= 0.1:
                self.shown = now
                self._write('\r' + line[: max(1, shutil.get_terminal_size().columns - 1)] + '\033[K')
        elif kept:
            self._write(line + '\n')

    def _write(self, text: str) -> None:
        if sys.stderr is not None and not sys.stderr.closed:
            with suppress(OSError):
                sys.stderr.write(text)
                sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.terminal and self.shown:
            self._write('\r\033[K')
