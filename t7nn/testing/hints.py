"""What a wrong result looks like: patterns that people's mistakes leave in the numbers."""

import re
from collections.abc import Iterator

import numpy as np

__all__ = ['of_error', 'one_sided', 'pattern']


def close(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are equal, but for the error of differences."""
    return one.shape == other.shape and bool(np.allclose(one, other, 1e-5, 1e-7))


def pattern(found: np.ndarray, expected: np.ndarray, count: int = 1) -> str:
    """The mistake that makes `found` of `expected`, or '' where none is known; `count` is the number of examples."""
    if found.dtype.kind not in 'fiu' or expected.dtype.kind not in 'fiu' or not found.size or not expected.size:
        return ''
    with np.errstate(all='ignore'):
        return next(patterns(found, expected, count), '')


def patterns(found: np.ndarray, expected: np.ndarray, count: int) -> Iterator[str]:
    """All mistakes that make `found` of `expected`, the likeliest first."""
    if found.ndim == 2 and found.shape == expected.shape[::-1] and close(found.T, expected):
        yield 'it is transposed'
    if found.shape != expected.shape:
        return
    if not found.any():
        yield 'it is 0 everywhere: nothing computes it'
    nonzero = np.abs(expected) > 1e-7
    if nonzero.any() and close(found[~nonzero], expected[~nonzero]):
        ratio = float(np.median(found[nonzero] / expected[nonzero]))
        if ratio and np.isfinite(ratio) and close(found, ratio * expected):
            yield factor(ratio, found, count)
    if found.ndim and len(found) > 1:
        wrong = [i for i in range(len(found)) if not close(found[i], expected[i])]
        if len(wrong) == 1 and len(found) > 2:
            where = {0: 'first', len(found) - 1: 'last'}.get(wrong[0])
            if where:
                yield f'only the {where} row is wrong: does a loop begin late or end early?'
    for axis in range(found.ndim):
        name = ('row', 'column')[axis] if found.ndim == 2 else f'place along dimension {axis + 1}'
        if found.shape[axis] > 1:
            for shift in (1, -1):
                if close(np.roll(found, shift, axis), expected):
                    yield f'it is shifted by one {name}: off by one'
            inner, outer = (slice(None),) * axis + (slice(1, None),), (slice(None),) * axis + (slice(None, -1),)
            if found.shape[axis] > 2 and (close(found[inner], expected[outer]) or close(found[outer], expected[inner])):
                yield f'it is off by one {name}'
            if close(np.flip(found, axis), expected):
                yield f'it is in reversed order along dimension {axis + 1}'


def factor(ratio: float, found: np.ndarray, count: int) -> str:
    """In words, what a constant ratio says; '' where it is no telling number and only one number was compared."""
    near = lambda number: abs(ratio - number) < 1e-4 * abs(number)  # noqa: E731
    if near(-1):
        return 'the sign is wrong'
    for number, what in ((count, 'examples'), (found.size, 'elements')):
        if number > 1 and (near(number) or near(1 / number)):
            power = 'N' if near(number) else '1/N'
            return f'a factor {power} = {ratio:.4g}, N the number of {what}: a mean for a sum, or a sum for a mean'
    if near(0.5):
        return 'half of what it should be: a factor 2 is missing, or a kink lies here and the input must be moved'
    if near(2):
        return 'a factor 2 too much'
    return f'a factor {ratio:.4g} everywhere' if found.size > 1 and abs(ratio - 1) > 1e-5 else ''


def one_sided(found: float, expected: float, right: dict[float, float], left: dict[float, float]) -> str:
    """What the slopes to the `right` and to the `left`, by the step they were taken with, say of a wrong derivative:
    the input lies in a kink, or `found` was computed as such a slope."""
    step = min(right)
    if abs(right[step] - left[step]) > 1e-2 * (abs(right[step]) + abs(left[step])):
        return (
            f'there is a kink here, the slope is {left[step]:.4g} before and {right[step]:.4g} after it: move the input'
        )
    for slopes in (right, left):
        for step, slope in slopes.items():
            if abs(found - slope) < 0.02 * abs(found - expected):
                return f'it is a one-sided difference with a step of {step:g}'
    return ''


def of_error(error: Exception) -> str:
    """What an error that is not the check's own says, or ''."""
    name = re.search(r"has no attribute '(_\w+)'", str(error))
    if isinstance(error, AttributeError) and name:
        return (
            f'{name[1]} is scratch, as every name that begins with _: copies and files drop it, so make it where it is '
            'missing, or give it a public name'
        )
    if 'read-only' in str(error):
        return 'it writes to an array that it was given'
    return ''
