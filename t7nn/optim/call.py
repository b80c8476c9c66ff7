"""What every optimiser does with its arguments, written once: tables, vectors, evaluations, clear errors."""

import math
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np

from ..blas import add_scaled
from ..tensors import describe, plain, real

__all__ = ['Call', 'Result', 'Table', 'undone_on_error', 'value']

Table = MutableMapping | None
Result = tuple[np.ndarray, list[float]]

#: the fields of all methods' configurations; nIter is of a state, niter of a configuration
_FIELDS = frozenset([
    'L', 'Lstep', 'alpha', 'beta1', 'beta2', 'c1', 'c2', 'crossoverRate', 'dampening', 'doFistaUpdate',
    'epsilon', 'eps', 'errthres', 'eta0', 'etaminus', 'etaplus', 'ext', 'ftarget', 'initialMean', 'int',
    'lambda', 'learningRate', 'learningRateDecay', 'learningRates', 'lineSearch', 'lineSearchOptions',
    'maxEval', 'maxFEs', 'maxIter', 'maxRegion', 'maxiter', 'maxline', 'minRegion', 'min_iterations',
    'momentum', 'nCorrection', 'nesterov', 'niter', 'popsize', 'ratio', 'rho', 'scaleFactor', 'sig', 'sigma',
    'stepsize', 'stepsizemax', 'stepsizemin', 't0', 'tolFun', 'tolX', 'verb_disp', 'verbose', 'weightDecay',
    'weightDecays', 'nIter',
])  # fmt: skip
#: what a key may mean that is no field: other capitals, other underscores, PyTorch's word
_MEANT = {name.replace('_', '').lower(): name for name in sorted(_FIELDS - {'nIter', 'L'}, reverse=True)} | {
    'lr': 'learningRate'
}


@contextmanager
def undone_on_error(x: np.ndarray) -> Iterator[np.ndarray]:
    """Put `x` back as it was if the body fails; gives the copy of `x` that this takes."""
    before = x.copy()
    try:
        yield before
    except BaseException:
        x[...] = before
        raise


def value(result: Any, where: str = 'optim') -> float:
    """f(x), from what a function gives that need not compute df/dx."""
    fx = result[0] if isinstance(result, (tuple, list)) else result
    if isinstance(fx, np.ndarray) and fx.size == 1:
        fx = fx.item()
    if not isinstance(fx, Real):
        raise TypeError(f'{where}: opfunc must return a number as f(x), got {describe(fx)}')
    return float(fx)


class Call:
    """One call ``optim.method(opfunc, x, config, state)``.

    Attributes
    ----------
    config, state
        the tables; `state` is `config` where none was given
    input
        the tensor x as it came, which `opfunc` gets
    x
        a flat view of it
    """

    def __init__(self, method: str, opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None):
        self.method = method
        if not callable(opfunc):
            raise self.error(f'expected a function to minimise, got {describe(opfunc)}', TypeError)
        for name, table in ('config', config), ('state', state):
            if table is not None and not isinstance(table, MutableMapping):
                raise self.error(f'expected a dict as {name}, got {describe(table)}', TypeError)
        for key in (*(config or ()), *(state or ())):
            if key not in _FIELDS and (meant := _MEANT.get(str(key).replace('_', '').lower())):
                raise self.error(f'config has no field {key!r}; {meant!r} is probably meant')
        plain_x = plain(x, lambda got: self.error(f'expected an array as x, got {got}', TypeError))
        if x.dtype not in (np.float64, np.float32):
            raise self.error(f'expected x of float64 or float32, got {x.dtype}', TypeError)
        self.opfunc, self.input, self.x = opfunc, x, plain_x.reshape(-1)
        if not x.size or not x.flags.writeable or not np.may_share_memory(x, self.x):
            raise self.error(f'x must have elements, be writeable and contiguous, got {describe(x)}')
        self.config = {} if config is None else config
        self.state = self.config if state is None else state

    def error(self, text: str, kind: type[Exception] = ValueError) -> Exception:
        """The exception that says what this method expected and what it got."""
        return kind(f'optim.{self.method}: {text}')

    def option(self, name: str, default: float | None = None, table: Table = None) -> float:
        """The number `name` of the configuration; one without a default must be there."""
        given = (self.config if table is None else table).get(name)
        if given is None:
            if default is None:
                raise self.error(f'config needs a number {name!r}')
            return default
        if isinstance(given, (bool, np.bool_)):
            raise self.error(f'expected a number as {name!r}, got {given}', TypeError)
        try:
            number = float(real(given, name))
        except TypeError:
            raise self.error(f'expected a number as {name!r}, got {describe(given)}', TypeError) from None
        if number != number:
            raise self.error(f'expected a number as {name!r}, got nan')
        return number

    def share(self, name: str, default: float) -> float:
        """The option `name`, which is to be in [0, 1)."""
        number = self.option(name, default)
        if not 0 <= number < 1:
            raise self.error(f'expected {name!r} in [0, 1), got {number:g}')
        return number

    def evaluate(self, *arguments: Any) -> tuple[float, np.ndarray]:
        """f(x), and df/dx as a vector; x unless other arguments are given."""
        result = self.opfunc(*(arguments or (self.input,)))
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise self.error(f'opfunc must return a pair (f(x), df/dx), got {describe(result)}', TypeError)
        fx, dfdx = result
        value(fx, f'optim.{self.method}')
        dfdx = self.vector('df/dx', dfdx)
        if not dfdx.flags.writeable or np.may_share_memory(dfdx, self.x):
            dfdx = dfdx.copy()  # the methods write into it
        return fx, dfdx

    def vector(self, name: str, array: np.ndarray) -> np.ndarray:
        """`array` as a vector like x."""
        wanted = f'{name} must be an array of {self.x.dtype} like x, got'
        array = plain(array, lambda got: self.error(f'{wanted} {got}', TypeError))
        if array.dtype != self.x.dtype:
            raise self.error(f'{wanted} {array.dtype}', TypeError)
        if array.size != self.x.size:
            raise self.error(f'{name} must have {self.x.size} elements like x, got {describe(array)}')
        return array.reshape(-1)

    def gradient(self) -> tuple[float, np.ndarray]:
        """f(x), and df/dx + weightDecay * x, added in place as Torch7 does."""
        decay = self.option('weightDecay', 0)
        fx, dfdx = self.evaluate()
        if decay:
            add_scaled(dfdx, decay, self.x)
        return fx, dfdx

    def count(self, name: str = 'evalCounter') -> float:
        """Count this call in the state; its number, from 1."""
        self.state[name] = (self.state.get(name) or 0) + 1
        return self.state[name]

    def rate(self, default: float, counter: str = 'evalCounter') -> float:
        """learningRate / (1 + calls before this one * learningRateDecay)."""
        calls = self.option(counter, 0, self.state)
        rate = self.option('learningRate', default)
        if not math.isfinite(rate):
            raise self.error(f"expected a finite number as 'learningRate', got {rate}")
        return rate / (1 + calls * self.option('learningRateDecay', 0))

    def buffer(self, name: str, fill: float = 0, dtype: Any = None, rows: int | None = None) -> np.ndarray:
        """The vector `name` of the state (or a matrix of so many rows of them), made by the first call."""
        shape = self.x.shape if rows is None else (rows, self.x.size)
        dtype = np.dtype(dtype or self.x.dtype)
        array = self.state.get(name)
        if array is None:
            array = self.state[name] = np.full(shape, fill, dtype)
        elif not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != dtype:
            got = f'{array.dtype} of {describe(array)}' if isinstance(array, np.ndarray) else describe(array)
            raise self.error(f'state[{name!r}] must be {dtype} of shape {shape} for this x, got {got}')
        return array

    def weighting(self, weights: str, name: str) -> Callable[[np.ndarray], np.ndarray]:
        """What multiplies a vector by the configuration's vector `weights`, where it has one, into state[name]."""
        if self.config.get(weights) is None:
            return lambda vector: vector
        factors = np.asarray(self.config[weights]).reshape(-1)
        if factors.size != self.x.size:
            raise self.error(f'expected {weights!r} of {self.x.size} elements like x, got {describe(factors)}')
        product = self.buffer(name)

        def multiply(vector: np.ndarray) -> np.ndarray:
            product[...] = factors
            return np.multiply(product, vector, out=product)

        return multiply
