"""The few BLAS routines that add a product to an array in place, which NumPy cannot do without a temporary.

SciPy's wrappers want column-major arrays and work in place on the transpose of a row-major one; what does not fit is
copied, and the copy is written back. They cost 0.2 us a call where the NumPy expression costs 1 us and a temporary.
SciPy is loaded with the first call.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np

__all__ = [
    'ONE',
    'ROUTINES',
    'ZERO',
    'abs_sum',
    'add_product',
    'add_scaled',
    'inner',
    'keep',
    'multiply',
    'ones',
    'outer_adder',
    'routines_for',
]


class PerDtype(dict):
    """What `make(dtype)` gives, made once for each dtype: the cheapest look-up there is."""

    def __init__(self, make: Callable[[np.dtype], Any]):
        self.make = make

    def __missing__(self, dtype: np.dtype) -> Any:
        self[dtype] = self.make(dtype)
        return self[dtype]


_NAMES = ('asum', 'axpy', 'dot', 'gemm', 'ger', 'scal')
#: the places, among the arguments, of what the routines write to
_WRITTEN = {'axpy': 1, 'gemm': 4, 'ger': 5, 'scal': 1}


def _writing_back(routines: SimpleNamespace) -> SimpleNamespace:
    """The same routines for arrays that BLAS works on a copy of: the result is written back into the array."""

    def written(routine: Callable, place: int) -> Callable:
        def wrapper(*arguments: Any) -> np.ndarray:
            result, target = routine(*arguments), arguments[place]
            if result is not target:
                target[...] = result
            return target

        return wrapper

    return SimpleNamespace(
        **{name: written(each, _WRITTEN[name]) if name in _WRITTEN else each for name, each in vars(routines).items()}
    )


def _load(dtype: np.dtype) -> SimpleNamespace:
    from scipy.linalg.blas import get_blas_funcs

    # a namespace and not a named tuple, whose fields take longer to read
    routines = SimpleNamespace(**dict(zip(_NAMES, get_blas_funcs(_NAMES, dtype=dtype), strict=True)))
    return routines if np.dtype(dtype).char in 'fd' else _writing_back(routines)  # BLAS knows no float16, for instance


#: the routines themselves, for what is called once an example and knows its vectors. They work on a copy of an array
#: that is not contiguous or not aligned, so what they write to must be both. The functions below take any array.
ROUTINES = PerDtype(_load)

#: 0-d arrays: as operands of a ufunc they save 0.2 us over numbers
ZERO, ONE = (PerDtype(partial(np.array, number)) for number in (0, 1))


@lru_cache(maxsize=256)
def ones(n: int, dtype: np.dtype) -> np.ndarray:
    """n ones, made once and not to be written to: a product with them is the fastest sum."""
    array = np.ones(n, dtype)
    array.flags.writeable = False
    return array


_BITS = {size: np.dtype(f'i{size}') for size in (1, 2, 4, 8)}


def keep(x: np.ndarray, mask: np.ndarray, out: np.ndarray) -> None:
    """out = x where `mask`, else 0; out may be x, and the mask, of the same shape, is used up.

    A product with the mask would make nan of what is infinite; writing `where` the mask is several times slower than
    this, which works on the bits.
    """
    bits, mask = _BITS[x.itemsize], mask.view(np.int8)
    np.negative(mask, mask)
    np.bitwise_and(x.view(bits), mask, out.view(bits))


def _expect_writable(*arrays: np.ndarray | None) -> None:
    """Raise a ValueError if one is read-only: BLAS would write into it all the same, and into a file that is mapped so
    with a segmentation fault."""
    for array in arrays:
        if array is not None and not array.flags.writeable:
            raise ValueError('expected an array that can be written to, got a read-only one')


def abs_sum(x: np.ndarray) -> float:
    """|x|_1 of a vector."""
    return ROUTINES[x.dtype].asum(x)


def inner(x: np.ndarray, y: np.ndarray) -> float:
    """The sum of x * y, of one shape: a third of the time of ``x.dot(y).item()`` where they are short."""
    if x.ndim != 1:
        x, y = x.reshape(-1), y.reshape(-1)
    return ROUTINES[x.dtype].dot(x, y)


def routines_for(*arrays: np.ndarray | None) -> SimpleNamespace:
    """The routines that write to these arrays of one dtype, each of any layout.

    Raises
    ------
    ValueError
        if one is read-only
    """
    _expect_writable(*arrays)
    written = [array for array in arrays if array is not None]
    routines = ROUTINES[written[0].dtype]
    return routines if all(array.flags.carray for array in written) else _writing_back(routines)


def outer_adder(a: np.ndarray, b: np.ndarray | None = None) -> Callable[[float, np.ndarray, np.ndarray], None]:
    """What does a += scale * g x' when it is called with (scale, g, x): the outer product of two vectors, or its sum
    over the rows of two matrices. Where `b` is given, b += scale * g likewise.

    Made once for weight and bias of a linear layer: looking at them costs as much as the work of a small layer.
    """
    transposed, routines = a.T, routines_for(a, b)
    ger, gemm, axpy = routines.ger, routines.gemm, routines.axpy

    def add(scale: float, g: np.ndarray, x: np.ndarray) -> None:
        try:
            if g.ndim == x.ndim == 1:
                ger(scale, x, g, 1, 1, transposed, 1, 1, 1)
            elif g.ndim == x.ndim == 2 and len(g) == len(x) and (g.shape[1], x.shape[1]) == a.shape:
                gemm(scale, x.T, g.T, 1, transposed, 0, 1, 1)
            else:
                raise ValueError
        except ValueError:  # ger is strict about sizes; gemm raises an error of its own
            raise ValueError(
                f'expected gradient and input that match parameters of shape {a.shape}, got {g.shape} and {x.shape}'
            ) from None
        if b is not None:
            axpy(g if g.ndim == 1 else ones(len(g), g.dtype).dot(g), b, b.size, scale)

    return add


def add_product(c: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
    """c += a b, for matrices that are row-major or transposes of such; others are copied."""
    _expect_writable(c)
    if not c.flags.f_contiguous:
        c, a, b = c.T, b.T, a.T
    first, first_transposed = (a, 0) if a.flags.f_contiguous else (a.T, 1)
    second, second_transposed = (b, 0) if b.flags.f_contiguous else (b.T, 1)
    result = ROUTINES[c.dtype].gemm(1, first, second, 1, c, first_transposed, second_transposed, 1)
    if result is not c:
        c[...] = result


def add_scaled(a: np.ndarray, scale: float, x: np.ndarray) -> None:
    """a += scale * x, for arrays of one shape; without a temporary where both are contiguous."""
    if not a.flags.writeable:
        _expect_writable(a)
    if a.ndim != 1:
        if not (a.flags.c_contiguous and x.flags.c_contiguous and a.shape == x.shape):
            a += scale * x
            return
        a, x = a.reshape(-1), x.reshape(-1)
    result = ROUTINES[a.dtype].axpy(x, a, a.size, scale)
    if result is not a:
        a[...] = result


def multiply(a: np.ndarray, scale: float) -> None:
    """a *= scale, where `a` is contiguous."""
    if not a.flags.writeable:
        _expect_writable(a)
    if a.ndim != 1:
        a = a.reshape(-1)
    result = ROUTINES[a.dtype].scal(scale, a)
    if result is not a:
        a[...] = result
