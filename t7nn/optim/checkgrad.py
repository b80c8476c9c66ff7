"""The gradient that a function gives, against differences of its values."""

from collections.abc import Callable

import numpy as np

from .call import Call, undone_on_error, value

__all__ = ['checkgrad']


def checkgrad(opfunc: Callable, x: np.ndarray, eps: float = 1e-7) -> tuple[float, np.ndarray, np.ndarray]:
    """Hold df/dx against (f(x + eps) - f(x - eps)) / (2 eps), coordinate by coordinate.

    Parameters
    ----------
    opfunc
        returns f(x) and df/dx
    x
        where; it is moved for each evaluation and put back
    eps
        how far

    Returns
    -------
    diff, dC, dC_est
        |dC - dC_est| / |dC + dC_est|, the gradient and its estimate

    Torch7 optim: checkgrad

    >>> import numpy as np
    >>> diff, gradient, estimate = checkgrad(lambda x: (float(x @ x), 2 * x), np.array([1.0, 2.0]))
    >>> diff < 1e-8, gradient
    (True, array([2., 4.]))
    """
    call = Call('checkgrad', opfunc, x)
    x = call.x
    with undone_on_error(x):
        gradient = call.evaluate()[1].copy()  # opfunc may use one array for all its answers
        estimate = np.empty_like(gradient)
        for i, centre in enumerate(x.tolist()):
            x[i] = centre + eps
            above = value(call.evaluate())
            x[i] = x.item(i) - 2 * eps
            estimate[i] = (above - value(call.evaluate())) / (2 * eps)
            x[i] = centre
    with np.errstate(invalid='ignore'):  # nan where both are 0, as in Lua
        return float(np.linalg.norm(gradient - estimate) / np.linalg.norm(gradient + estimate)), gradient, estimate
