"""Methods that evaluate the function several times a call, and the searches along a line that they rest on.

`cg`, `lbfgs` and `lswolfe` take the function as the first-order methods do; `FistaLS` takes a smooth and a non-smooth
part. If a function fails, `x` and the state are as they were before the call.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..blas import add_scaled
from ..tensors import describe, number
from .call import Call, Result, Table, undone_on_error, value

__all__ = ['FistaLS', 'cg', 'lbfgs', 'lswolfe', 'polyinterp']

NO_PROGRESS = 'no progress along the direction'


def _cubic(f2: float, f3: float, d2: float, d3: float, z3: float) -> tuple[float, float]:
    """A and B of the cubic through values f and slopes d of two points at distance z3."""
    return 6 * (f2 - f3) / z3 + 3 * (d2 + d3), 3 * (f3 - f2) - z3 * (d3 + 2 * d2)


@np.errstate(all='ignore')  # as in Lua, nan and inf come where Python's floats would raise
def _interpolate(f1: float, f2: float, f3: float, d2: float, d3: float, z3: float, margin: float) -> float:
    """The step from point 2 to the minimum between it and point 3, `margin` of their distance off either."""
    f2, f3, d2, d3, z3 = np.array((f2, f3, d2, d3, z3), float)
    if f2 > f1:
        z2 = z3 - 0.5 * d3 * z3 * z3 / (d3 * z3 + f2 - f3)
    else:
        a, b = _cubic(f2, f3, d2, d3, z3)
        z2 = (np.sqrt(b * b - a * d2 * z3 * z3) - b) / a
    if not math.isfinite(z2):
        z2 = z3 / 2
    return float(max(min(z2, margin * z3), (1 - margin) * z3))


@np.errstate(all='ignore')
def _extrapolate(
    f2: float, f3: float, d2: float, d3: float, z1: float, z3: float, limit: float, margin: float, ext: float
) -> float:
    """The step from point 2, at z1, away from point 3 to the expected minimum, within `limit` (-1: none yet)."""
    f2, f3, d2, d3, z3 = np.array((f2, f3, d2, d3, z3), float)
    a, b = _cubic(f2, f3, d2, d3, z3)
    z2 = float(-d2 * z3 * z3 / (b + np.sqrt(b * b - a * d2 * z3 * z3)))
    bounded = limit > -0.5
    if not math.isfinite(z2) or z2 < 0:
        return (limit - z1) / 2 if bounded else z1 * (ext - 1)
    if bounded and z1 + z2 > limit:
        return (limit - z1) / 2
    if not bounded and z1 + z2 > z1 * ext:
        return z1 * (ext - 1)
    if z2 < -z3 * margin:
        return float(-z3 * margin)
    if bounded and z2 < (limit - z1) * (1 - margin):
        return (limit - z1) * (1 - margin)
    return z2


def cg(opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None) -> Result:
    """Conjugate gradients (Polak-Ribiere) with a line search by cubic inter- and extrapolation: Rasmussen's minimize.

    Parameters
    ----------
    opfunc, x, config, state
        as for the first-order methods. Fields: maxIter (20; of one line search), maxEval (1.25 maxIter; evaluations
        in this call), and the constants of the line search rho (0.01), sig (0.5), int (0.1), ext (3), ratio (100).
        State: vectors that Torch7 leaves there (df0, df1, df2, x0, s); no call reads them.

    Returns
    -------
    x, fs
        f at the start and after each successful line search; as in Torch7 the first one that fails is the last

    Torch7 optim: algos.md#optim.cg

    >>> import numpy as np
    >>> x, fs = cg(lambda x: (float(x @ x), 2 * x), np.array([3.0, 4.0]))
    >>> bool(np.abs(x).max() < 1e-6), fs[0]
    (True, 25.0)
    """
    call = Call('cg', opfunc, x, config, state)
    rho, sig, margin, ext = (call.option(*item) for item in (('rho', 0.01), ('sig', 0.5), ('int', 0.1), ('ext', 3)))
    ratio, most = call.option('ratio', 100), call.option('maxIter', 20)
    limit_all = call.option('maxEval', most * 1.25)
    x, s = call.x, np.zeros_like(call.x)
    evaluations = 0

    def move(step: float) -> tuple[float, np.ndarray, float]:
        """Go `step` along s: f, df and the slope there."""
        nonlocal evaluations
        evaluations += 1
        add_scaled(x, step, s)
        f, df = call.evaluate()
        return value(f), df.copy(), float(df.dot(s))

    with undone_on_error(x):
        f1, df1, _ = move(0)
        values, x0, df0, df2 = [f1], x.copy(), df1, df1
        s = -df1
        d1 = -float(s.dot(s))
        z1 = 1 / (1 - d1)
        while evaluations < abs(limit_all):
            x0, df0 = x.copy(), df1
            f2, df2, d2 = move(z1)
            f3, d3, z3 = f1, d1, -z1
            left = min(most, limit_all - evaluations)
            success, limit = False, -1.0
            while True:
                while (f2 > f1 + z1 * rho * d1 or d2 > -sig * d1) and left > 0:
                    limit = z1
                    z2 = _interpolate(f1, f2, f3, d2, d3, z3, margin)
                    z1, z3, left = z1 + z2, z3 - z2, left - 1
                    f2, df2, d2 = move(z2)
                if f2 > f1 + z1 * rho * d1 or d2 > -sig * d1:
                    break
                success = d2 > sig * d1
                # where maxEval is a fraction, left never becomes 0: Torch7 then goes on, even where f is not finite
                if success or left == 0 or left < 0 and not math.isfinite(f2 + z1):
                    break
                z2 = _extrapolate(f2, f3, d2, d3, z1, z3, limit, margin, ext)
                f3, d3, z3 = f2, d2, -z2
                z1, left = z1 + z2, left - 1
                f2, df2, d2 = move(z2)
            if not success:
                x[...] = x0
                df1 = df0
                break
            f1 = f2
            values.append(f1)
            squares = float(df1.dot(df1))
            s *= float(df2.dot(df2) - df2.dot(df1)) / squares if squares else 0
            s -= df2
            df1, df2 = df2, df1
            d2 = float(df1.dot(s))
            if d2 > 0:
                s = -df1
                d2 = -float(s.dot(s))
            z1 *= min(ratio, d1 / (d2 - 1e-320))
            d1 = d2
    call.state.update(df0=df0, df1=df1, df2=df2, x0=x0, s=s)
    return call.input, values


def lbfgs(opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None) -> Result:
    """L-BFGS: x = x + t d, where d is -df/dx times an inverse Hessian estimated from the last steps.

    Parameters
    ----------
    opfunc, x, config, state
        as for the first-order methods. Fields: maxIter (20) and maxEval (1.25 maxIter) in this call, tolFun (1e-5;
        ends at a smaller sum of |df/dx|), tolX (1e-9; ends at smaller changes of x or f), nCorrection (100; steps
        remembered), learningRate (1; the step t, or the first one tried), a function lineSearch such as `lswolfe`
        with its lineSearchOptions, verbose. State: funcEval, nIter, old_dirs, old_stps (steps and changes of
        gradient), Hdiag, d, t, f_old, g_old, tmp1.

    Returns
    -------
    x, fs
        f at each point. Without a line search the last point is not evaluated once maxIter is reached, as suits
        stochastic functions.

    Torch7 optim: algos.md#optim.lbfgs

    >>> import numpy as np
    >>> x, fs = lbfgs(lambda x: (float(x @ x), 2 * x), np.array([3.0, 4.0]), {'lineSearch': lswolfe})
    >>> bool(np.abs(x).max() < 1e-6), fs[0]
    (True, 25.0)
    """
    call = Call('lbfgs', opfunc, x, config, state)
    table = call.state
    maxIter = call.option('maxIter', 20)
    maxEval = call.option('maxEval', maxIter * 1.25)
    tolFun, tolX, memory = call.option('tolFun', 1e-5), call.option('tolX', 1e-9), call.option('nCorrection', 100)
    rate, search = call.option('learningRate', 1), call.config.get('lineSearch')
    if memory < 1:
        raise call.error(f'expected nCorrection of at least 1, got {number(memory)}')
    if search is not None and not callable(search):
        raise call.error(f'expected a function as lineSearch, got {describe(search)}', TypeError)
    total = table.get('nIter') or 0
    tmp = call.buffer('tmp1')
    steps, changes = list(table.get('old_dirs') or ()), list(table.get('old_stps') or ())
    kept: list[Any] = [table.get(name) for name in ('d', 't', 'Hdiag', 'g_old', 'f_old')]
    d, t, Hdiag, g_old, f_old = kept

    def norm1(vector: np.ndarray) -> float:
        return float(np.abs(vector, out=tmp).sum())

    with undone_on_error(x):
        f, g = call.evaluate()
        f = value(f)
        values, evaluations, iteration = [f], 1, 0
        end = 'optimality condition below tolFun' if norm1(g) <= tolFun else ''
        ro = [1 / float(y.dot(s)) for y, s in zip(changes, steps, strict=True)]
        while not end and iteration < maxIter:
            iteration, total = iteration + 1, total + 1
            if total == 1:
                d, Hdiag = -g, 1
            else:
                y, s = g - g_old, d * (t or 0)
                ys = float(y.dot(s))
                if ys > 1e-10:
                    if len(steps) == memory:
                        del steps[0], changes[0], ro[0]
                    for memorised, new in (steps, s), (changes, y), (ro, 1 / ys):
                        memorised.append(new)
                    Hdiag = ys / float(y.dot(y))
                np.negative(g, out=tmp)
                al = [0.0] * len(steps)
                for i in reversed(range(len(steps))):
                    al[i] = float(steps[i].dot(tmp)) * ro[i]
                    add_scaled(tmp, -al[i], changes[i])
                d = tmp * Hdiag
                for i, s in enumerate(steps):
                    add_scaled(d, al[i] - float(changes[i].dot(d)) * ro[i], s)
            g_old, f_old = g.copy(), f
            slope = float(g.dot(d))
            if slope > -tolX:
                end = NO_PROGRESS
                break
            t = rate if total > 1 else rate / max(norm1(g), 1)
            if search is not None:
                f, g, _, t, more = search(opfunc, x, t, d, f, g, slope, call.config.get('lineSearchOptions'))
                f, g = value(f), g.reshape(-1)
                values.append(f)
            else:
                add_scaled(call.x, t, d)
                more = int(iteration != maxIter)  # in a stochastic setting the last point's value would be no use
                if more:
                    f, g = call.evaluate()
                    f = value(f)
                    values.append(f)
            evaluations += more
            end = (
                'reached max number of iterations'
                if iteration == maxIter
                else 'max nb of function evals'
                if evaluations >= maxEval
                else 'optimality condition below tolFun'
                if norm1(g) <= tolFun
                else 'step size below tolX'
                if norm1(np.multiply(d, t, out=tmp)) <= tolX
                else 'function value changing less than tolX'
                if abs(f - f_old) < tolX
                else ''
            )
    if call.config.get('verbose'):
        if iteration and 'old_dirs' not in table:
            print('<optim.lbfgs> ', 'creating recyclable direction/step/history buffers', sep='\t')
        if end and end != NO_PROGRESS:  # Torch7 says nothing of that
            print('<optim.lbfgs> ', end, sep='\t')
    table['nIter'], table['funcEval'] = total, (table.get('funcEval') or 0) + evaluations
    if iteration:
        table.update(old_dirs=steps, old_stps=changes, Hdiag=Hdiag, g_old=g_old, f_old=f_old, t=t, d=d)
    return x, values


def lswolfe(
    opfunc: Callable, x: np.ndarray, t: float, d: np.ndarray, f: float, g: np.ndarray, gtd: float, options: Table = None
) -> tuple[float, np.ndarray, np.ndarray, float, int]:
    """A line search for the strong Wolfe conditions: f(x + t d) <= f + c1 t gtd and abs(slope at x + t d) <= -c2 gtd.

    Parameters
    ----------
    opfunc, x
        as for the first-order methods
    t
        the first step tried
    d
        the direction
    f, g, gtd
        f and its gradient at x, and the slope there, g'd
    options
        a dict with c1 (1e-4), c2 (0.9), tolX (1e-9; ends at smaller progress), maxIter (20), verbose

    Returns
    -------
    f, g, x, t, evaluations
        at the point found, to which `x` was moved in place

    Torch7 optim: lswolfe

    >>> import numpy as np
    >>> square = lambda x: (float(x @ x), 2 * x)
    >>> x = np.array([3.0])
    >>> lswolfe(square, x, 0.1, np.array([-1.0]), 9.0, np.array([6.0]), -6.0)[3], x
    (1.0, array([2.]))
    """
    call = Call('lswolfe', opfunc, x, options)
    c1, c2, tolX, most = (call.option(*item) for item in (('c1', 1e-4), ('c2', 0.9), ('tolX', 1e-9), ('maxIter', 20)))
    t, f, d, g = float(t), value(f), call.vector('d', d), call.vector('g', g)
    evaluations = 0

    def at(step: float) -> tuple[float, float, np.ndarray, float]:
        """The step, and f, df and the slope there."""
        nonlocal evaluations
        evaluations += 1
        call.x[...] = start
        add_scaled(call.x, step, d)
        fx, dfdx = call.evaluate()
        return step, value(fx), dfdx.copy(), float(dfdx.dot(d))

    def seen_again(point: tuple) -> tuple:
        """A point with the slope that its gradient, as it is now, has along d."""
        return *point[:3], float(point[2].dot(d))

    def points(*candidates: tuple) -> np.ndarray:
        return np.array([(step, fx, slope) for step, fx, _, slope in candidates], x.dtype)

    with undone_on_error(call.x) as start:
        # first a bracket of two points, or one point that satisfies both conditions
        point, tried, bracket = at(t), 0, None
        # Torch7 keeps g, which a function that answers with one array again and again has written over by now
        previous = 0.0, f, g.copy(), float(gtd)
        while bracket is None and tried < most:
            t, fx, _, slope = point
            if fx > f + c1 * t * gtd or tried > 1 and fx >= previous[1]:
                bracket = [seen_again(previous), point]
            elif abs(slope) <= -c2 * gtd:
                bracket = [point]
            elif slope >= 0:
                bracket = [seen_again(previous), point]
            else:
                t, _ = polyinterp(points(previous, point), t + 0.01 * (t - previous[0]), t * 10)
                previous, point, tried = point, at(t), tried + 1
        if bracket is None:
            bracket = [seen_again((0.0, f, g.copy(), 0.0)), point]
        # then the bracket is narrowed until its lower end satisfies them
        done, stuck = len(bracket) == 1, False
        while not done and tried < most:
            lower = int(bracket[1][1] < bracket[0][1])
            low, high = bracket[lower], bracket[1 - lower]
            left, right = sorted((low[0], high[0]))
            t, _ = polyinterp(points(low, high))
            near = min(right - t, t - left) < 0.1 * (right - left)
            if near and (stuck or not left < t < right):
                inwards = 0.1 * (right - left)
                t = right - inwards if abs(t - right) < abs(t - left) else left + inwards
                near = False
            stuck = near
            point, tried = at(t), tried + 1
            _, fx, _, slope = point
            if fx > f + c1 * t * gtd or fx >= low[1]:
                bracket[1 - lower] = point
            else:
                done = abs(slope) <= -c2 * gtd
                if not done and slope * (high[0] - low[0]) >= 0:
                    bracket[1 - lower] = low
                bracket[lower] = point
            if not done and abs((bracket[0][0] - bracket[1][0]) * slope) < tolX:
                break
        if call.config.get('verbose') and tried == most:
            print('<optim.lswolfe> ', 'reached max number of iterations', sep='\t')
        t, f, g, _ = min(bracket, key=lambda point: point[1])
        call.x[...] = start
        add_scaled(call.x, t, d)
    return f, g, x, t, evaluations


def polyinterp(
    points: np.ndarray, xminBound: float | None = None, xmaxBound: float | None = None
) -> tuple[float, float | None]:
    """The minimum of the polynomial through points whose values and slopes are known.

    Parameters
    ----------
    points
        n rows (x, f(x), slope)
    xminBound, xmaxBound
        where to look; between the points where not given

    Returns
    -------
    position, value
        the middle of the bounds and inf where nothing better is found; for two points without bounds Torch7's short
        cut for a cubic, which gives no value (None)

    Torch7 optim: polyinterp

    >>> import numpy as np
    >>> round(polyinterp(np.array([[0, 1, -2], [3, 4, 4.0]]), 0, 3)[0], 6)  # of (x - 1)^2
    1.0
    """
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        raise ValueError(f'optim.polyinterp: expected rows (x, f, slope) as points, got {describe(points)}')
    if points.dtype not in (np.float64, np.float32):
        points = points.astype(np.float64)
    position, height, slope = points.T
    if len(points) == 2 and xminBound is None and xmaxBound is None:
        (x1, f1, g1), (x2, f2, g2) = sorted(points.tolist(), key=lambda point: point[0])
        with np.errstate(all='ignore'):
            d1 = g1 + g2 - 3 * (f1 - f2) / np.float64(x1 - x2)
            d2 = np.sqrt(d1 * d1 - g1 * g2)
            if np.isnan(d2):
                return (x1 + x2) / 2, None
            return float(min(x2, max(x1, x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))))), None
    low = float(position.min()) if xminBound is None else xminBound
    high = float(position.max()) if xmaxBound is None else xmaxBound
    order = 2 * len(points) - 1
    powers = np.arange(order, 0, -1, dtype=points.dtype)
    with np.errstate(all='ignore'):
        derivatives = np.vander(position, order) * powers
        rows = np.vstack([np.vander(position, order + 1), np.pad(derivatives, ((0, 0), (0, 1)))])
        try:
            coefficients = np.linalg.solve(rows, np.concatenate([height, slope]))
        except np.linalg.LinAlgError:
            return (low + high) / 2, math.inf
        coefficients[np.abs(coefficients) <= 1e-12] = 0
        slopes = coefficients[:-1] * powers
        candidates = [low, high, *position.tolist()]
        if np.isfinite(slopes).all():
            slopes[np.abs(slopes) < 1e-12] = 0
            candidates += [float(root.real) for root in np.roots(slopes) if root.imag == 0]
        best, least = (low + high) / 2, math.inf
        for candidate in candidates:
            if low <= candidate <= high and (fx := float(np.polyval(coefficients, candidate))) < least:
                best, least = candidate, fx
    return best, least


def FistaLS(
    f: Callable, g: Callable, pl: Callable, xinit: np.ndarray, params: Table = None
) -> tuple[np.ndarray, list[dict]]:
    """FISTA with a backtracking line search: from zeros, minimises f(x) + g(x), f smooth and g simple (|x|_1, say).

    Parameters
    ----------
    f
        ``f(x)`` gives the smooth part, ``f(x, 'dx')`` that and its gradient
    g
        ``g(x)`` gives the other part
    pl
        ``pl(x, L)`` replaces x in place by the minimum of g(x') + L/2 |x' - x|^2 over x'
    xinit
        receives the solution; its values are not used
    params
        a dict with L (0.1; 1 / the first step), Lstep (1.5; its growth), maxiter (50), maxline (20; line search steps
        in one iteration), errthres (1e-4; ends at smaller changes of f + g), doFistaUpdate (False: ISTA), verbose. L
        is written back, and vectors xkm, y, ply.

    Returns
    -------
    y, history
        the solution, and for each iteration a dict of F (f + g), Fply (f), Gply (g), L, Q, nline

    Torch7 optim: algos.md#optim.FistaLS; Beck and Teboulle (2009), SIAM J. Imaging Sciences 2, 183-202.
    """
    params = {} if params is None else params
    call = Call('FistaLS', f, xinit, params)
    for name, function in ('g', g), ('pl', pl):
        if not callable(function):
            raise call.error(f'expected a function as {name}, got {describe(function)}', TypeError)
    L, Lstep, threshold = (call.option(*item) for item in (('L', 0.1), ('Lstep', 1.5), ('errthres', 1e-4)))
    most, most_lines, verbose = call.option('maxiter', 50), call.option('maxline', 20), params.get('verbose')
    if most < 1:
        raise call.error(f'expected maxiter of at least 1, got {number(most)}')
    momentum = 1.0
    history: list[dict[str, Any]] = []
    previous, y, ply = (np.zeros_like(xinit) for _ in range(3))
    while True:
        fy, gradient = call.evaluate(y, 'dx')
        nline = 0
        while True:
            np.divide(gradient, -L, out=ply.reshape(-1))
            ply += y
            pl(ply, L)
            xk = ply.copy()
            fply = value(f(ply))
            ply -= y
            step = ply.reshape(-1)
            Q = fy + float(gradient.dot(step)) + L / 2 * float(step.dot(step))
            nline += 1
            if verbose:
                print(f'nline={nline - 1} L={L:g} fply={fply:g} Q={Q:g} fy={fy:g}')
            if fply <= Q:
                break
            if nline > most_lines:
                xk = previous.copy()
                break
            L *= Lstep
        if params.get('doFistaUpdate'):
            after = (1 + math.sqrt(1 + 4 * momentum * momentum)) / 2
            np.subtract(xk, previous, out=y)
            y *= (momentum - 1) / after
            y += xk
            momentum = after
        else:
            y[...] = xk
        previous[...] = xk
        fply, gply = value(f(y)), value(g(y))
        history.append({'F': fply + gply, 'Fply': fply, 'Gply': gply, 'L': L, 'Q': Q, 'nline': nline})
        if verbose:
            history[-1].update(xk=xk, y=y.copy())
            print(f'iter={len(history)} F={fply + gply:g}')
        if len(history) >= most or len(history) > 1 and abs(history[-1]['F'] - history[-2]['F']) <= threshold:
            xinit[...] = y
            params.update(L=L, xkm=previous, y=y, ply=ply)
            return y, history
