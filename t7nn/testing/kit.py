"""`check_module`, `check_criterion` and `report`: every property of a layer or a loss."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from t7nn.module import Criterion, Module
from t7nn.tensors import describe

from .case import Case, generators_kept, shaken, takes_batches, widened
from .compare import copied, of_floats
from .criterions import CRITERION_CHECKS
from .modules import CHECKS
from .report import Outcome, Report, outcomes

__all__ = ['check_criterion', 'check_module', 'report']


def check_module(
    module: Module,
    input: Any,
    *,
    batch: bool | None = None,
    checks: Any = None,
    skip: Any = (),
    verbose: bool = False,
) -> None:
    """Look at every property of `module` with `input`, each on fresh copies of both.

    Parameters
    ----------
    module
        a layer or a network. Its parameters are moved away from their first values, and it is checked in both modes
    input
        a float64 tensor, small, away from kinks; or a table of tensors
    batch
        whether the first dimension counts independent examples; None: yes for matrices, no for vectors, and for
        others if one of its slices alone is an input too. A batch of one or two is made one of three
    checks, skip
        names out of `CHECKS`: only these, or all but these
    verbose
        whether to print the table of all properties

    The generators of `t7nn.random`, NumPy and Python are left as they were.

    Raises
    ------
    AssertionError
        with all failures, the causes before their consequences. Each names the module, the property that does not hold,
        and the numbers that show it: of one example alone, and of few digits, where they show it too; and a hint, where
        the numbers look like a known mistake
    """
    _raise(examined(module, input, None, batch, checks, skip, Module, 'check_module'), verbose)


def check_criterion(
    criterion: Criterion,
    input: Any,
    target: Any = None,
    *,
    batch: bool | None = None,
    checks: Any = None,
    skip: Any = (),
    verbose: bool = False,
) -> None:
    """Look at every property of `criterion` with `input` and `target`, each on fresh copies of all.

    Parameters
    ----------
    criterion
        a loss
    input
        a float64 tensor, small, away from kinks; or a table of tensors
    target
        whatever the criterion takes
    batch
        whether the first dimension of every tensor counts examples, so that fewer of them will do as well; None: if
        the first one alone is taken
    checks, skip
        names out of `CRITERION_CHECKS`: only these, or all but these
    verbose
        whether to print the table of all properties

    Raises
    ------
    AssertionError
        as `check_module`
    """
    _raise(examined(criterion, input, target, batch, checks, skip, Criterion, 'check_criterion'), verbose)


def report(
    node: Module | Criterion,
    input: Any,
    target: Any = None,
    *,
    batch: bool | None = None,
    checks: Any = None,
    skip: Any = (),
    verbose: bool = True,
) -> Report:
    """The table of all properties of a module, or of a criterion with its `target`: passed, failed or not applicable,
    and the time that each took. It is printed too, except in Jupyter, which shows it.

    The arguments are those of `check_module` and `check_criterion`.

    >>> import numpy as np, t7nn as nn
    >>> from t7nn.testing import report
    >>> found = report(nn.Tanh(), np.array([[0.5, -1.0]]), checks=['results', 'input_gradient', 'scale'])
    property            outcome               time
    results             passed          ... ms
    input_gradient      passed          ... ms
    scale               not applicable  ... ms  it has no parameters
    nn.Tanh: 2 properties hold, 0 do not, 1 not applicable
    >>> found.ok
    True
    """
    found = examined(node, input, target, batch, checks, skip, (Module, Criterion), 'report')
    if verbose and not in_jupyter():
        print(found)
    return found


def examined(
    node: Any, input: Any, target: Any, batch: bool | None, checks: Any, skip: Any, kind: Any, name: str
) -> Report:
    """The report on a module or a criterion, which must be of this `kind`."""
    if not isinstance(node, kind):
        what = {Module: 'a module', Criterion: 'a criterion'}.get(kind, 'a module or a criterion')
        raise TypeError(f'{name}: {what} of t7nn expected, got {describe(node)}')
    if not isinstance(input, (np.ndarray, list, tuple, dict)):
        raise TypeError(f'{name}: a tensor or a table of tensors expected as input, got {describe(input)}')
    return Report(str(node).partition(' {')[0], list(stream(node, input, target, batch, checks, skip)))


def stream(
    node: Any, input: Any, target: Any = None, batch: bool | None = None, checks: Any = None, skip: Any = ()
) -> Iterator[Outcome]:
    """The outcomes, one after the other."""
    case = Case(node, copied(input), copied(target), bool(batch))
    with generators_kept():
        try:
            twin = case.fresh()
        except Exception as error:
            yield Outcome('copies', 'failed', 0.0, f'deepcopy fails: {error!r}; every check works on copies')
            return
        if isinstance(node, Module) and node.dtype == np.float32:  # differences need float64
            case = Case(twin.double(), of_floats(lambda tensor: tensor.astype(np.float64), input), None, case.batch)
        if batch is None:
            case.batch = takes_batches(case)
        case = widened(shaken(case))
    yield from outcomes(CHECKS if isinstance(node, Module) else CRITERION_CHECKS, checks, skip, case)


def in_jupyter() -> bool:
    """Whether the results of a cell are shown in Jupyter, where a report is a table."""
    try:
        return get_ipython().__class__.__name__ == 'ZMQInteractiveShell'  # type: ignore[name-defined]
    except NameError:
        return False


def _raise(found: Report, verbose: bool) -> None:
    if verbose:
        print(found)
    found.raise_failures()
