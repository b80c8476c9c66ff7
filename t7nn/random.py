"""Torch7's random numbers: its Mersenne Twister and its distributions, draw for draw and bit for bit.

The functions of this module use one default generator, seeded anew when t7nn is imported; `manualSeed` makes a run
repeatable. `Generator` is a stream of its own with methods of the same names. NumPy's global state is never touched.

Source: Torch7 manual, random.md, and maths.md for `rand`, `randn`, `randperm` and `multinomial`.
"""

import math
import numbers
import os
import threading
from bisect import bisect_left
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from .tensors import silent

__all__ = [
    "Generator", "bernoulli", "cauchy", "exponential", "geometric", "getRNGState", "initialSeed", "logNormal",
    "manualSeed", "multinomial", "multinomialAlias", "multinomialAliasSetup", "normal", "rand", "randn", "random",
    "randperm", "seed", "setRNGState", "uniform",
]  # fmt: skip

_UNIT = 2.0**-32  # one draw is 32 bits; a unit is draw / 2^32, in [0, 1)
_BLOCK = 1 << 14  # values a large fill computes at a time: temporaries stay in the cache (normal: a third faster)
_LARGE = 2048  # from here on a vector is worth the choice of fast functions (and, it may be, SciPy's import)
_LARGE_PERMUTATION = 400  # from here on the swaps are worth sorting (200: 33 us for 19; 700: 54 us for 77)

_PLAIN = frozenset([float, int])
_DOUBLE, _FLOAT = np.dtype(np.float64), np.dtype(np.float32)
_FLOATS = (_DOUBLE, _FLOAT)
# Torch7's tensor types, and the modulus that tensor:random() applies to a draw
_MODULUS = {
    np.dtype(np.float64): 2**32, np.dtype(np.float32): 2**24 + 1, np.dtype(np.int64): 2**32,
    np.dtype(np.int32): 2**31, np.dtype(np.int16): 2**15, np.dtype(np.int8): 2**7, np.dtype(np.uint8): 2**8,
}  # fmt: skip

# struct THGenerator of a 64-bit machine: 5048 bytes
_STATE = np.dtype([
    ("seed", "<u8"), ("left", "<i4"), ("seeded", "<i4"), ("next", "<u8"), ("key", "<u8", 624),
    ("x", "<f8"), ("y", "<f8"), ("rho", "<f8"), ("cached", "<i4"), ("padding", "<i4"),
])  # fmt: skip


def _exp(x):
    try:
        return math.exp(x)
    except OverflowError:  # where C answers inf
        return math.inf


def _over_arrays(function):
    """A function of one number as a function of a vector."""
    return lambda x: np.fromiter(map(function, x.tolist()), np.float64, len(x))


# The C library's functions, thrice: of a number, of a vector, and of a long vector. The three agree to the last bit.
_of_number = SimpleNamespace(
    log=math.log, sqrt=math.sqrt, sin=math.sin, cos=math.cos, tan=math.tan, exp=_exp, trunc=math.trunc
)
_of_vector = SimpleNamespace(
    sqrt=np.sqrt,  # correctly rounded wherever it is computed
    trunc=lambda x: x.astype(np.int64),
    **{name: _over_arrays(getattr(_of_number, name)) for name in ('log', 'sin', 'cos', 'tan', 'exp')},
)


def _scipy_log(x):
    from scipy.special import xlogy

    return xlogy(1.0, x)


def _scipy_exp(x):
    from scipy.special import inv_boxcox

    return inv_boxcox(x, 0.0)


@cache
def _of_long_vector():
    """For each function the first one that agrees with the C library's wherever it is tried, four times as fast.

    NumPy's own depend on the processor: with AVX-512, log, exp and tan differ in the last bit of some results. SciPy's
    call the C library.
    """
    functions, grid = vars(_of_vector).copy(), (np.arange(1 << 14) + 0.5) / (1 << 14)
    for name, places, *candidates in (
        ('log', grid, np.log, _scipy_log),
        ('exp', 40 * grid - 20, np.exp, _scipy_exp),
        ('sin', math.tau * grid, np.sin),
        ('cos', math.tau * grid, np.cos),
        ('tan', math.pi * (grid - 0.5), np.tan),
    ):
        exact = functions[name](places)
        functions[name] = next((f for f in candidates if np.array_equal(f(places), exact)), functions[name])
    return SimpleNamespace(**functions)


def _functions(n):
    """The C library's functions for vectors of n numbers."""
    return _of_long_vector() if n >= _LARGE else _of_vector


def _arguments(function, out, **values):
    """The arguments as C doubles, by way of float32 where `out` is a float32 array, as in Torch7; `out` is checked."""
    for name, value in values.items():
        if not isinstance(value, (float, int, numbers.Real)):
            raise TypeError(f'random.{function}: expected a number for {name}, got {value!r}')
    if out is not None:
        _fillable(function, out, _FLOATS)
        if out.dtype == _FLOAT:
            with np.errstate(over='ignore'):
                return [float(np.float32(value)) for value in values.values()]
    return [float(value) for value in values.values()]


def _long(function, name, value):
    """A number as a C long: its fraction is cut off."""
    if not isinstance(value, (int, numbers.Real)):
        raise TypeError(f'random.{function}: expected a number for {name}, got {value!r}')
    if not -(2**63) <= value < 2**63:
        raise ValueError(f'random.{function}: expected a number that fits 64 bits for {name}, got {value!r}')
    return int(value)


def _fillable(function, out, dtypes):
    """Raise unless `out` is an array that Torch7's method of this name fills."""
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray) or out.dtype not in dtypes:
        names = ', '.join(dtype.name for dtype in dtypes)
        got = f'one of {out.dtype}' if isinstance(out, np.ndarray) else repr(out)
        raise TypeError(f'random.{function}: expected an array of {names}, got {got}')
    if not out.flags.writeable:
        raise ValueError(f'random.{function}: expected a writable array, got a read-only one')


def _new(function, sizes, dtype):
    """The array meant by `rand(3, 4)` or `rand((3, 4))`, not yet filled."""
    shape = sizes[0] if len(sizes) == 1 and np.ndim(sizes[0]) else sizes
    shape = tuple(_long(function, 'a size', size) for size in shape)
    if not shape or min(shape) < 0:
        raise ValueError(f'random.{function}: expected sizes >= 0, got {sizes}')
    new = np.empty(shape, dtype)
    _fillable(function, new, _FLOATS)
    return new


def _swap_one_by_one(places, targets):
    """Swap places[i] with places[targets[i]], i = 0, 1, ..."""
    order = places.tolist()
    for i, target in enumerate(targets.tolist()):
        order[i], order[target] = order[target], order[i]
    return np.fromiter(order, np.int64, len(order))


def _swap_at_once(places, targets):
    """The same where places is 0..n-1 and targets[i] >= i, without a loop over the swaps.

    Swap i puts what stands at place i into its target, and no later swap reads place i. So order[i] is what the last
    earlier swap k with the same target brought there, or the target itself if there was none; and what stood at place
    k is followed back in the same way, through the last earlier swap with target k.
    """
    swaps = np.flatnonzero(targets != places)
    by_target = np.sort(targets[swaps] << 32 | swaps)  # for each target its swaps, in time
    target, swap = by_target >> 32, by_target & 0xFFFFFFFF
    again = target[1:] == target[:-1]
    origin = places.copy()  # of what stands at place k when swap k comes: the swap that brought it ...
    last = np.append(~again, True)[: len(swap)]
    origin[target[last]] = swap[last]
    while not np.array_equal(origin, further := origin[origin]):  # ... and so on back to a place that none wrote
        origin = further
    order = origin.copy()
    order[swap] = target
    order[swap[1:][again]] = origin[swap[:-1][again]]
    return order


def _weights(function, p, ranks, dtypes):
    """`p` as an array of weights of one of these ranks and dtypes."""
    p = np.asarray(p)
    if p.dtype not in dtypes:
        names = ' or '.join(dtype.name for dtype in dtypes)
        raise TypeError(f'random.{function}: expected p of {names}, got {p.dtype}')
    if p.ndim not in ranks or not p.size:
        raise ValueError(f'random.{function}: expected p with {" or ".join(map(str, ranks))} dimensions, got {p.shape}')
    if not np.all(p >= 0):
        raise ValueError(f'random.{function}: expected weights >= 0, got {p}')
    return p


def _pick(sums, units):
    """The classes (from 0) into which the units fall."""
    return np.searchsorted(sums, units)


def _pick_without_replacement(sums, units):
    """The same, where a class that was picked gives its part of the sums away."""
    picked = []
    with np.errstate(divide='ignore', invalid='ignore'):  # 0 / 0 when no weight is left, as in Torch7
        for unit in units:
            pick = bisect_left(sums, unit)  # Torch7's search: also among nan it finds what Torch7 finds
            part = sums[pick] - (sums[pick - 1] if pick else 0)
            sums[pick:] -= part
            sums /= 1 - part
            picked.append(pick)
    return np.array(picked)


class Generator:
    """A stream of random numbers of its own (Torch7's `torch.Generator()`), freshly seeded.

    The module's functions are these methods, bound to the default generator. `pickle` and `copy.deepcopy` keep the
    place in the stream.

    >>> g = Generator()
    >>> g.manualSeed(0)
    >>> g.random(), g.uniform(), g.random(6)
    (2357136044, 0.5928446163889021, 6)
    """

    def __init__(self) -> None:
        self._bits = np.random.MT19937()
        self._seeder = np.random.RandomState(self._bits)  # its seed() is Torch7's, and seeds _bits in place
        self._raw = self._bits.random_raw  # one 32-bit draw, or an array of n; safe in threads
        self._lock = threading.RLock()  # makes a pair of normal numbers, and a change of the state, one step
        self.seed()

    def __getstate__(self) -> np.ndarray:
        return self.getRNGState()

    def __setstate__(self, state: np.ndarray) -> None:
        Generator.__init__(self)  # type: ignore[misc]
        self.setRNGState(state)

    # Seeds and states

    def manualSeed(self, seed: float) -> None:
        """Start the stream of this seed; a fraction is cut off, and the seed's low 32 bits count."""
        with self._lock:
            self._seed = _long('manualSeed', 'seed', seed)
            self._seeder.seed(self._seed & 0xFFFFFFFF)
            self._pair = 0.0, 0.0, 0.0  # x, y and rho of the last Box-Muller pair
            self._cached = False  # whether its second half is still to be used

    def seed(self) -> int:
        """Start a stream that nobody can foretell; return its seed."""
        self.manualSeed(int.from_bytes(os.urandom(8), 'little', signed=True))
        return self._seed

    def initialSeed(self) -> int:
        """Return the seed that this stream started from."""
        return self._seed

    def getRNGState(self) -> np.ndarray:
        """Return the whole state as 5048 bytes (uint8), those of Torch7 on a 64-bit machine."""
        with self._lock:
            twister, pair, cached = self._bits.state['state'], self._pair, self._cached
        key, pos = twister['key'], int(twister['pos'])
        state = np.zeros((), _STATE)
        state['seed'] = self._seed % 2**64
        state['seeded'] = 1
        state['left'] = 625 - pos
        # NumPy stands at 624 both before the first draw and after every 624th; Torch7 says 0 before the first
        fresh = pos == 624 and key[0] == self._seed & 0xFFFFFFFF
        state['next'] = 0 if fresh else pos
        state['key'] = key
        state['x'], state['y'], state['rho'] = pair
        state['cached'] = cached
        return np.frombuffer(state.tobytes(), np.uint8).copy()

    def setRNGState(self, state: np.ndarray) -> np.ndarray:
        """Go to the place that `getRNGState` (or Torch7's) noted; return `state`."""
        if not isinstance(state, np.ndarray) or state.dtype != np.uint8:
            raise TypeError(f'random.setRNGState: expected an array of uint8, got {getattr(state, "dtype", state)!r}')
        if state.size != _STATE.itemsize:
            raise ValueError(f'random.setRNGState: expected a state of {_STATE.itemsize} bytes, got {state.size}')
        new = np.frombuffer(state.tobytes(), _STATE)[0]
        left, following = int(new['left']), int(new['next'])
        # with one left the key is renewed before the next draw, wherever that stands
        if new['seeded'] != 1 or not (left == 1 and following <= 624 or 1 < left <= 624 and left + following == 625):
            raise ValueError(
                'random.setRNGState: expected a state from getRNGState, got one with '
                f'seeded = {new["seeded"]}, left = {left}, next = {following}'
            )
        with self._lock:
            self._bits.state = {
                'bit_generator': 'MT19937',
                'state': {'key': new['key'].astype(np.uint32), 'pos': 625 - left},
            }
            self._seed = int(new['seed'].astype(np.int64))
            self._pair = float(new['x']), float(new['y']), float(new['rho'])
            self._cached = bool(new['cached'])
        return state

    # Distributions: a number each, or an array filled in the order of its indices, whatever its memory layout

    def random(self, a: float | None = None, b: float | None = None, out: np.ndarray | None = None) -> Any:
        """An integer: `random()` in [0, 2^32), `random(n)` in [1, n], `random(a, b)` in [a, b]. One draw.

        `random(out=array)` stays below 256 (uint8), 2^7, 2^15, 2^31 (int8, int16, int32), 2^24 + 1 (float32) or 2^32.
        As in Torch7 a negative `a` needs a signed array: in a float array, negative results come out as 2^64 more.
        """
        if out is not None:
            _fillable('random', out, _MODULUS)
        if a is None and b is None:
            if out is None:
                return self._raw()
            low, span = 0, _MODULUS[out.dtype]
        else:
            low = 1 if b is None else _long('random', 'a', a)
            high = _long('random', 'a', a) if b is None else _long('random', 'b', b)
            if high < low:
                raise ValueError(f'random.random: expected an upper bound >= {low}, got {high}')
            span = min(high + 1 - low, 2**32)
        if out is None:
            return self._raw() % span + low
        low %= 2**64  # the sum wraps, as Torch7's unsigned longs do
        return self._fill(out, self._raw, lambda draw: draw % span + low)

    def uniform(self, a: float = 0, b: float = 1, out: np.ndarray | None = None) -> Any:
        """Uniform in [a, b): draw / 2^32 (b - a) + a. One draw."""
        if out is None:
            if not (type(a) in _PLAIN and type(b) in _PLAIN):  # the call made most often is spared the general check
                a, b = _arguments('uniform', None, a=a, b=b)
            span = float(b) - a
            return self._raw() * _UNIT * span + a
        a, b = _arguments('uniform', out, a=a, b=b)
        fill = self._fill if math.isfinite(b - a) else silent(self._fill)
        return fill(out, self._raw, lambda draw: draw * _UNIT * (b - a) + a)

    def bernoulli(self, p: float | np.ndarray = 0.5, out: np.ndarray | None = None) -> Any:
        """1 with probability p, else 0: draw / 2^32 <= p. One draw.

        With `out`, p may be an array of as many probabilities as `out` has elements.
        """
        if out is not None:
            _fillable('bernoulli', out, _MODULUS)
        if isinstance(p, np.ndarray):
            if out is None or p.dtype not in _FLOATS or p.size != out.size:
                raise ValueError(
                    'random.bernoulli: with an array of probabilities, out must have as many elements and they must be '
                    f'float64 or float32, got p of {p.dtype} {p.shape} and out of {getattr(out, "shape", None)}'
                )
            if not np.all((p >= 0) & (p <= 1)):
                raise ValueError(f'random.bernoulli: expected probabilities in [0, 1], got {p}')
            out[...] = (self._raw(out.size) * _UNIT).reshape(out.shape) <= p.reshape(out.shape)
            return out
        (p,) = _arguments('bernoulli', None, p=p)
        if not 0 <= p <= 1:
            raise ValueError(f'random.bernoulli: expected a probability in [0, 1], got {p}')
        most = int(p * 2**32)  # draw / 2^32 <= p without the division: scaling by 2^32 is exact
        if out is None:
            return int(self._raw() <= most)
        return self._fill(out, self._raw, lambda draw: draw <= most)

    def normal(self, mean: float = 0, stdv: float = 1, out: np.ndarray | None = None) -> Any:
        """Normal with this mean and standard deviation, by Box and Muller: two draws give two numbers.

        The first is rho cos(2 pi x) stdv + mean with rho = sqrt(-2 log(1 - y)); the second, with sin for cos, waits for
        the next call (normal, logNormal, randn) and takes that call's mean and stdv.
        """
        mean, stdv = self._moments('normal', mean, stdv, out)
        return self._draw(out, self._normal, lambda z, _: z * stdv + mean)

    def logNormal(self, mean: float = 1, stdv: float = 2, out: np.ndarray | None = None) -> Any:
        """exp of a normal number with this mean and standard deviation, and with its draws."""
        mean, stdv = self._moments('logNormal', mean, stdv, out)
        return self._draw(out, self._normal, lambda z, m: m.exp(z * stdv + mean))

    def exponential(self, lambda_: float, out: np.ndarray | None = None) -> Any:
        """Exponential with rate lambda: -1 / lambda log(1 - draw / 2^32). One draw."""
        (lambda_,) = _arguments('exponential', out, lambda_=lambda_)
        factor = -1 / lambda_ if lambda_ else -math.copysign(math.inf, lambda_)
        return self._draw(out, self._raw, lambda draw, m: factor * m.log(1 - draw * _UNIT))

    def cauchy(self, median: float = 0, sigma: float = 1, out: np.ndarray | None = None) -> Any:
        """Cauchy: median + sigma tan(pi (draw / 2^32 - 1/2)). One draw."""
        median, sigma = _arguments('cauchy', out, median=median, sigma=sigma)
        return self._draw(out, self._raw, lambda draw, m: median + sigma * m.tan(math.pi * (draw * _UNIT - 0.5)))

    def geometric(self, p: float, out: np.ndarray | None = None) -> Any:
        """Geometric, i >= 1 with probability (1 - p) p^(i - 1): floor(log(1 - draw / 2^32) / log p) + 1. One draw."""
        (p,) = _arguments('geometric', None, p=p)
        if not 0 < p < 1:
            raise ValueError(f'random.geometric: expected a probability strictly between 0 and 1, got {p}')
        if out is not None:
            _fillable('geometric', out, _MODULUS)
        log_p = math.log(p)
        return self._draw(out, self._raw, lambda draw, m: m.trunc(m.log(1 - draw * _UNIT) / log_p) + 1)

    # New arrays

    def rand(self, *sizes: int, dtype: np.dtype | type = np.float64) -> np.ndarray:
        """A new array of uniform numbers in [0, 1): `rand(3, 4)` or `rand((3, 4))`."""
        return self.uniform(out=_new('rand', sizes, dtype))

    def randn(self, *sizes: int, dtype: np.dtype | type = np.float64) -> np.ndarray:
        """A new array of normal numbers, mean 0 and standard deviation 1."""
        return self.normal(out=_new('randn', sizes, dtype))

    def randperm(self, n: int, dtype: np.dtype | type = np.float64) -> np.ndarray:
        """A random order of 1..n. n - 1 draws: place i is swapped with place i + draw % (n - i), i = 0, 1, ..."""
        n, dtype = _long('randperm', 'n', n), np.dtype(dtype)
        if n < 1:
            raise ValueError(f'random.randperm: expected n >= 1, got {n}')
        if dtype not in _MODULUS:
            raise TypeError(f"random.randperm: expected a dtype of Torch7's, got {dtype}")
        places = np.arange(n)
        targets = places.copy()
        targets[:-1] += (self._raw(n - 1) % np.arange(n, 1, -1, dtype=np.uint64)).astype(np.int64)
        order = (_swap_at_once if n >= _LARGE_PERMUTATION else _swap_one_by_one)(places, targets).astype(dtype)
        order += 1  # in dtype, where it wraps or rounds as Torch7's does
        return order

    # Drawing classes

    def multinomial(self, p: np.ndarray, n: int, replacement: bool = False) -> np.ndarray:
        """Draw n classes, counted from 1 (int64), where class j has the weight p[j - 1].

        p of shape (K,) gives (n,), p of shape (M, K) gives (M, n), a row for each row of weights. One draw a class.
        Without replacement a class comes once, as long as there is one left whose weight is not zero.
        """
        n = _long('multinomial', 'n', n)
        p = _weights('multinomial', p, (1, 2), _FLOATS)
        rows = np.atleast_2d(p)
        if n < 1 or not (replacement or n <= rows.shape[1]):
            limit = '' if replacement else f' and <= the {rows.shape[1]} classes (without replacement)'
            raise ValueError(f'random.multinomial: expected n >= 1{limit}, got {n}')
        sums = np.cumsum(rows, axis=1, dtype=np.float64)
        if not np.all((sums[:, -1] > 0) & (sums[:, -1] < np.inf)):
            raise ValueError(f'random.multinomial: expected a sum of weights > 0, and finite, got {sums[:, -1]}')
        sums /= sums[:, -1:]
        sums[:, -1] = 1
        units = (self._raw(n * len(rows)) * _UNIT).reshape(len(rows), n)
        pick = _pick if replacement else _pick_without_replacement
        classes = np.stack([pick(row, unit) for row, unit in zip(sums, units, strict=True)]) + 1
        return classes.reshape(p.shape[:-1] + (n,))

    def multinomialAliasSetup(self, p: np.ndarray) -> list[np.ndarray]:
        """Prepare `multinomialAlias` for probabilities p (K,), which sum to 1: Torch7's table [J, q]."""
        p = _weights('multinomialAliasSetup', p, (1,), (_DOUBLE,))
        q = (len(p) * p).tolist()
        alias = [0] * len(q)
        below = [k for k, share in enumerate(q) if share < 1]
        above = [k for k, share in enumerate(q) if not share < 1]
        while below and above:  # fill up the smallest share from the largest
            small, large = below.pop(), above.pop()
            alias[small] = large
            q[large] -= 1 - q[small]
            (below if q[large] < 1 else above).append(large)
        if not min(q) > 0:
            raise ValueError(f'random.multinomialAliasSetup: expected probabilities > 0 with sum 1, got {p}')
        most = max(1, max(q))
        # as in Torch7, whoever has no alias, or the first class for one, keeps all of its share
        q = [share / most if other else 1.0 for share, other in zip(q, alias, strict=True)]
        return [np.array(alias) + 1, np.array(q)]

    def multinomialAlias(self, output: np.ndarray, state: list[np.ndarray]) -> np.ndarray:
        """Fill `output` (int64) with classes drawn by the table of `multinomialAliasSetup`. Two draws a class.

        Torch7 counts wrongly here, and so does this: every call takes 1 from J, for good, and an alias is answered
        with what is then in J. Use `multinomial` to draw from p.
        """
        _fillable('multinomialAlias', output, (np.dtype(np.int64),))
        alias, q = state
        if alias.dtype != np.int64 or alias.shape != q.shape or not np.all((q >= 0) & (q <= 1)):
            raise ValueError(f'random.multinomialAlias: expected a table [J, q] of multinomialAliasSetup, got {state}')
        place, keep = self._raw(2 * output.size).reshape(-1, 2).T * _UNIT
        place = (place * len(alias)).astype(np.int64)
        alias -= 1
        output[...] = np.where(keep <= q[place], place + 1, alias[place]).reshape(output.shape)
        return output

    # The machinery

    def _moments(self, function, mean, stdv, out):
        mean, stdv = _arguments(function, out, mean=mean, stdv=stdv)
        if not stdv > 0:
            raise ValueError(f'random.{function}: expected a standard deviation > 0, got {stdv}')
        return mean, stdv

    def _normal(self, n=None):
        """The next standard normal number, or an array of the next n."""
        with self._lock:  # or two threads would take the same half of a pair
            return self._next_normal(n)

    def _next_normal(self, n):
        if n is None:
            self._cached = not self._cached
            if self._cached:
                x, y = self._raw() * _UNIT, self._raw() * _UNIT
                self._pair = x, y, math.sqrt(-2 * math.log(1 - y))
            x, _, rho = self._pair
            return rho * (math.cos if self._cached else math.sin)(math.tau * x)
        z, start = np.empty(n), min(int(self._cached), n)
        if start:
            z[0] = self._next_normal(None)
        pairs, left_over = divmod(n - start, 2)
        if pairs:
            x, y = self._raw(2 * pairs).reshape(pairs, 2).T * _UNIT
            m = _functions(pairs)
            rho, angle = m.sqrt(-2 * m.log(1 - y)), math.tau * x
            z[start : n - left_over : 2] = rho * m.cos(angle)
            z[start + 1 : n : 2] = rho * m.sin(angle)
            self._pair = float(x[-1]), float(y[-1]), float(rho[-1])
        if left_over:
            z[-1] = self._next_normal(None)
        return z

    def _draw(self, out, source, formula):
        """formula(what the source draws, the C library's functions): a number, or the array `out` of them."""
        if out is None:
            return formula(source(), _of_number)
        return silent(self._fill)(out, source, lambda drawn: formula(drawn, _functions(len(drawn))))

    def _fill(self, out, source, formula):
        """Fill `out`, in the order of its indices, with formula(vector from the source)."""
        if out.size <= _BLOCK:
            out[...] = formula(source(out.size)).reshape(out.shape)
            return out
        flat = out.reshape(-1) if out.flags.c_contiguous else np.empty(out.size, out.dtype)
        for start in range(0, flat.size, _BLOCK):
            part = flat[start : start + _BLOCK]
            part[...] = formula(source(part.size))
        if not out.flags.c_contiguous:
            out[...] = flat.reshape(out.shape)
        return out


_default = Generator()

bernoulli, cauchy, exponential = _default.bernoulli, _default.cauchy, _default.exponential
geometric, logNormal, normal = _default.geometric, _default.logNormal, _default.normal
random, uniform = _default.random, _default.uniform
rand, randn, randperm = _default.rand, _default.randn, _default.randperm
multinomial, multinomialAlias = _default.multinomial, _default.multinomialAlias
multinomialAliasSetup = _default.multinomialAliasSetup
initialSeed, manualSeed, seed = _default.initialSeed, _default.manualSeed, _default.seed
getRNGState, setRNGState = _default.getRNGState, _default.setRNGState
