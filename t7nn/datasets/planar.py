"""Small sets of points in the plane, to see what a network does: moons, circles, spirals.

All of them give the points (count, 2) and their classes 1, 2 ..., as `digits` does. The classes take turns, so every
part of a set has as many points of each. A seed always gives the same points; the default generator is left alone.
"""

import math

import numpy as np

from t7nn.random import Generator

__all__ = ['circles', 'moons', 'spirals']


def _draw(name: str, count: int, classes: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Classes 1, 2 ... in turn, how far along its curve each point is (0..1), and what noise adds to the points."""
    for argument, value, least in (('count', count, classes), ('the number of classes', classes, 1)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
            raise TypeError(f'{name}: expected a whole number as {argument}, got {value!r}')
        if value < least:
            raise ValueError(f'{name}: expected {argument} of at least {least}, got {value}')
    if not 0 <= noise < math.inf:
        raise ValueError(f'{name}: expected a finite noise >= 0, got {noise}')
    generator = Generator()
    generator.manualSeed(seed)
    return np.arange(count) % classes + 1, generator.rand(count), noise * generator.randn(count, 2)


def _points(x: np.ndarray, y: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return np.stack([x, y], 1) + noise


def moons(count: int = 200, noise: float = 0.1, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles that reach into each other.

    Parameters
    ----------
    count
        number of points, at least 2
    noise
        standard deviation of what is added to both coordinates, at least 0
    seed
        of the random numbers

    >>> from t7nn import datasets
    >>> points, classes = datasets.moons(4)
    >>> points.shape, classes
    ((4, 2), array([1, 2, 1, 2]))
    """
    classes, place, added = _draw('moons', count, 2, noise, seed)
    angle, upper = math.pi * place, classes == 1
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle)) - 0.5
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle)) - 0.25
    return _points(x, y, added), classes


def circles(count: int = 200, noise: float = 0.1, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A circle of radius 1/2 (class 1) within one of radius 1 (class 2); arguments as those of `moons`.

    >>> from t7nn import datasets
    >>> points, classes = datasets.circles(100, noise=0)
    >>> (points[classes == 1] ** 2).sum(1).max().round(6)
    np.float64(0.25)
    """
    classes, place, added = _draw('circles', count, 2, noise, seed)
    angle, radius = 2 * math.pi * place, classes / 2
    return _points(radius * np.cos(angle), radius * np.sin(angle), added), classes


def spirals(
    count: int = 200, noise: float = 0.02, seed: int = 1, arms: int = 2, turns: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Spirals from the centre out to radius 1, one class each; `count`, `noise` and `seed` as those of `moons`.

    Parameters
    ----------
    arms
        number of spirals, at least 1
    turns
        times that each goes round the centre

    >>> from t7nn import datasets
    >>> points, classes = datasets.spirals(6, arms=3)
    >>> points.shape, classes
    ((6, 2), array([1, 2, 3, 1, 2, 3]))
    """
    if not math.isfinite(turns):
        raise ValueError(f'spirals: expected a finite number of turns, got {turns}')
    classes, place, added = _draw('spirals', count, arms, noise, seed)
    radius = np.sqrt(place)  # as many points on every piece of the curve, nearly
    angle = 2 * math.pi * (turns * radius + classes / arms)
    return _points(radius * np.cos(angle), radius * np.sin(angle), added), classes
