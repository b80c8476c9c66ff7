"""What is open while a .t7 file is read: the tables and objects around the place where reading stands.

Nesting is followed on this stack, without recursion. `sources` read plain values into what is open, `read` makes values
of what has all its parts; both stand on this file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

__all__ = [
    'BOOLEAN',
    'FUNCTION6',
    'FUNCTION7',
    'FUNCTION8',
    'NIL',
    'NUMBER',
    'OBJECT',
    'Open',
    'STRING',
    'Stack',
    'TABLE',
]

#: the type codes of .t7 files
NIL, NUMBER, STRING, TABLE, OBJECT, BOOLEAN, FUNCTION6, FUNCTION7, FUNCTION8 = range(9)


class Open(list):
    """A table, an object or a function whose parts are still being read: the list of those that have come."""

    __slots__ = ('code', 'left', 'special', 'target')

    code: int
    left: int  # how many parts are still to come
    special: bool  # a nil, or a table that is itself still open, is among the parts
    target: Any  # what is made of the parts; for a table its index, until it is finished

    def __init__(self, code: int, left: int, target: Any = None):
        self.code, self.left, self.special, self.target = code, left, False, target


class Stack(ABC):
    """What is open, and what was read before, by its index in the file."""

    def __init__(self) -> None:
        self.objects: dict[int, Any] = {}  # a table in the making is an Open
        self.storages: dict[int, np.ndarray] = {}
        self.stack: list[Open] = []
        self.now = Open(NIL, 1)  # the innermost one

    def open(self, code: int, left: int, target: Any) -> Open:
        """Begin with a table, an object or a function that has `left` parts, into what is open now."""
        self.stack.append(self.now)
        now = self.now = Open(code, left, target)
        if code == TABLE:
            self.objects[target] = now
        return now

    def close(self) -> bool:
        """End what has all its parts; whether anything is still open."""
        while not self.now.left:
            if not self.stack:
                return False
            value = self.end(self.now)
            self.now = self.stack.pop()
            self.add(value)
        return True

    def add(self, value: Any) -> None:
        """One more part of what is open now."""
        self.now.append(value)
        self.now.left -= 1

    @abstractmethod
    def end(self, ready: Open) -> Any:
        """The object whose parts are all there."""
