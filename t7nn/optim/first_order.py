"""Methods that evaluate the function once and take one step along a direction made from its gradient.

Each is called as ``x, fs = optim.method(opfunc, x, config, state)``: ``opfunc(x)`` returns f(x) and df/dx, `x` is
changed in place, ``fs`` lists f(x) before the step. `config` holds the numbers that the method's table names, `state`
what it remembers from call to call; without a `state` that goes into `config` as well, so one dict kept by the caller
is enough. As in Torch7 the array df/dx that `opfunc` returned also receives the weight decay. If `opfunc` fails,
nothing has changed.
"""

from collections.abc import Callable

import numpy as np

from ..blas import add_scaled
from .call import Call, Result, Table, undone_on_error

__all__ = ['adadelta', 'adagrad', 'adam', 'adamax', 'asgd', 'nag', 'rmsprop', 'rprop', 'sgd']


def _announce(method: str, config: Table, state: Table) -> None:
    if config is None and state is None:
        print(f'no state {method} initializing')


def _average_squares(mean: np.ndarray, keep: float, values: np.ndarray, scratch: np.ndarray) -> None:
    """mean = keep * mean + (1 - keep) * values^2."""
    mean *= keep
    np.multiply(values, values, out=scratch)
    add_scaled(mean, 1 - keep, scratch)


def _step(x: np.ndarray, rate: float, direction: np.ndarray, squares: np.ndarray, eps: float, root: np.ndarray) -> None:
    """x = x - rate * direction / root, where root = sqrt(squares) + eps."""
    np.sqrt(squares, out=root)
    root += eps
    add_scaled(x, -rate, direction / root)


def sgd(opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None) -> Result:
    """Stochastic gradient descent with momentum: v = momentum v + (1 - dampening) df/dx, x = x - rate v.

    The first v is df/dx itself; ``nesterov`` steps along df/dx + momentum v. The rate is learningRate / (1 +
    evalCounter learningRateDecay).

    Parameters
    ----------
    opfunc, x, config, state
        see the module. Fields: learningRate (1e-3), learningRateDecay (0), weightDecay (0) or a vector weightDecays,
        momentum (0), dampening (momentum), nesterov (False), a vector learningRates that multiplies the step. State:
        evalCounter, dfdx (v).

    Torch7 optim: algos.md#optim.sgd

    >>> import numpy as np
    >>> x, config = np.array([1.0, -2.0]), {'learningRate': 0.25}
    >>> square = lambda x: (float(x @ x), 2 * x)
    >>> sgd(square, x, config)[1], sgd(square, x, config)[1], x, config['evalCounter']
    ([5.0], [1.25], array([ 0.25, -0.5 ]), 2)
    """
    call = Call('sgd', opfunc, x, config, state)
    momentum = call.option('momentum', 0)
    dampening = call.option('dampening', momentum)
    nesterov = call.config.get('nesterov')
    if nesterov and not (momentum > 0 and dampening == 0):
        raise call.error(f'Nesterov momentum requires a momentum and zero dampening, got {momentum} and {dampening}')
    rate = call.rate(1e-3)
    individual = call.weighting('learningRates', 'deltaParameters')
    decays = not call.option('weightDecay', 0) and call.config.get('weightDecays') is not None
    decayed = call.weighting('weightDecays', 'decayParameters') if decays else None
    velocity = call.buffer('dfdx') if momentum and call.state.get('dfdx') is not None else None
    fx, dfdx = call.gradient()
    if decayed is not None:
        dfdx += decayed(call.x)
    if momentum:
        if velocity is None:
            velocity = call.state['dfdx'] = dfdx.copy()
        else:
            velocity *= momentum
            add_scaled(velocity, 1 - dampening, dfdx)
        if nesterov:
            add_scaled(dfdx, momentum, velocity)
        else:
            dfdx = velocity
    add_scaled(call.x, -rate, individual(dfdx))
    call.count()
    return x, [fx]


def nag(opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None) -> Result:
    """Nesterov's accelerated gradient: x = x + momentum v, then x = x - rate df/dx and v = momentum v - rate df/dx.

    Parameters
    ----------
    opfunc, x, config, state
        see the module. Fields: learningRate (1e-3), learningRateDecay (0), weightDecay (0), momentum (0.9, must be
        positive), a vector learningRates that multiplies the step. State: evalCounter, dfdx (v).

    Torch7 optim: algos.md#optim.nag
    """
    call = Call('nag', opfunc, x, config, state)
    momentum = call.option('momentum', 0.9)
    if momentum <= 0:
        raise call.error(f'Momentum must be positive for Nesterov Accelerated Gradient, got {momentum}')
    rate = call.rate(1e-3)
    individual = call.weighting('learningRates', 'deltaParameters')
    velocity = call.buffer('dfdx')
    with undone_on_error(x):
        add_scaled(call.x, momentum, velocity)
        fx, dfdx = call.gradient()
    velocity *= momentum
    step = individual(dfdx)
    add_scaled(call.x, -rate, step)
    add_scaled(velocity, -rate, step)
    call.count()
    return x, [fx]


def asgd(
    opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None
) -> tuple[np.ndarray, list[float], np.ndarray]:
    """Averaged stochastic gradient descent: x = (1 - lambda eta) x - eta df/dx, ax = ax + mu (x - ax).

    After t calls eta = eta0 / (1 + lambda eta0 t)^alpha and mu = 1 / max(1, t - t0).

    Parameters
    ----------
    opfunc, x, config, state
        see the module. Fields: eta0 (1e-4), lambda (1e-4), alpha (0.75), t0 (1e6), which are written into `config`
        where they are missing. State: eta_t, mu_t, t, ax.

    Returns
    -------
    x, [f(x)], ax
        the third is the average, kept in the state

    Torch7 optim: algos.md#optim.asgd
    """
    call = Call('asgd', opfunc, x, config, state)
    table, config = call.state, call.config
    for name, default in ('eta0', 1e-4), ('lambda', 1e-4), ('alpha', 0.75), ('t0', 1e6):
        config[name] = call.option(name, default)
    eta, mu = call.option('eta_t', config['eta0'], table), call.option('mu_t', 1, table)
    average = call.buffer('ax')
    fx, dfdx = call.evaluate()
    call.x *= 1 - config['lambda'] * eta
    add_scaled(call.x, -eta, dfdx)
    if mu == 1:
        average[...] = call.x
    else:
        add_scaled(average, mu, call.x - average)
    t = call.count('t')
    table['eta_t'] = config['eta0'] / (1 + config['lambda'] * config['eta0'] * t) ** config['alpha']
    table['mu_t'] = 1 / max(1, t - config['t0'])
    return x, [fx], average


def adagrad(opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None) -> Result:
    """AdaGrad: s = s + (df/dx)^2, x = x - rate df/dx / (sqrt(s) + 1e-10).

    Parameters
    ----------
    opfunc, x, config, state
        see the module. Fields: learningRate (1e-3), learningRateDecay (0), weightDecay (0). State: evalCounter,
        paramVariance (s), paramStd.

    Torch7 optim: algos.md#optim.adagrad
    """
    _announce('table, ADAGRAD', config, state)
    call = Call('adagrad', opfunc, x, config, state)
    rate = call.rate(1e-3)
    variance, std = call.buffer('paramVariance'), call.buffer('paramStd')
    fx, dfdx = call.gradient()
    np.multiply(dfdx, dfdx, out=std)
    variance += std
    _step(call.x, rate, dfdx, variance, 1e-10, std)
    call.count()
    return x, [fx]


def adadelta(opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None) -> Result:
    """AdaDelta: x = x - step, where the root mean square of earlier steps takes the learning rate's place.

    s = rho s + (1 - rho) (df/dx)^2, step = sqrt((a + eps) / (s + eps)) df/dx, then a = rho a + (1 - rho) step^2.

    Parameters
    ----------
    opfunc, x, config, state
        see the module. Fields: rho (0.9), eps (1e-6), weightDecay (0). State: evalCounter, paramVariance (s),
        paramStd, delta (step), accDelta (a).

    Torch7 optim: algos.md#optim.adadelta
    """
    _announce('table, ADADELTA', config, state)
    call = Call('adadelta', opfunc, x, config, state)
    rho, eps = call.option('rho', 0.9), call.option('eps', 1e-6)
    variance, std, step, steps = (call.buffer(name) for name in ('paramVariance', 'paramStd', 'delta', 'accDelta'))
    fx, dfdx = call.gradient()
    _average_squares(variance, rho, dfdx, std)
    for mean, root in (variance, std), (steps, step):
        np.add(mean, eps, out=root)
        np.sqrt(root, out=root)
    step /= std
    step *= dfdx
    call.x -= step
    _average_squares(steps, rho, step, np.empty_like(step))
    call.count()
    return x, [fx]


def adam(opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None) -> Result:
    """Adam: m = beta1 m + (1 - beta1) df/dx, v = beta2 v + (1 - beta2) (df/dx)^2, x = x - step m / (sqrt(v) + epsilon).

    At call t, step = rate sqrt(1 - beta2^t) / (1 - beta1^t) and rate = learningRate / (1 + (t - 1) learningRateDecay).

    Parameters
    ----------
    opfunc, x, config, state
        see the module. Fields: learningRate (1e-3), learningRateDecay (0), beta1 (0.9), beta2 (0.999), epsilon
        (1e-8), weightDecay (0). State: t, m, v, denom.

    Torch7 optim: algos.md#optim.adam
    """
    call = Call('adam', opfunc, x, config, state)
    beta1, beta2, epsilon = call.share('beta1', 0.9), call.share('beta2', 0.999), call.option('epsilon', 1e-8)
    rate = call.rate(1e-3, 't')
    m, v, denominator = call.buffer('m'), call.buffer('v'), call.buffer('denom')
    fx, dfdx = call.gradient()
    t = call.count('t')
    m *= beta1
    add_scaled(m, 1 - beta1, dfdx)
    _average_squares(v, beta2, dfdx, denominator)
    _step(call.x, rate * (1 - beta2**t) ** 0.5 / (1 - beta1**t), m, v, epsilon, denominator)
    return x, [fx]


def adamax(opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None) -> Result:
    """AdaMax: m = beta1 m + (1 - beta1) df/dx, u = max(beta2 u, |df/dx| + epsilon), x = x - step m / u.

    At call t, step = learningRate / (1 - beta1^t).

    Parameters
    ----------
    opfunc, x, config, state
        see the module. Fields: learningRate (2e-3), beta1 (0.9), beta2 (0.999), epsilon (1e-38), weightDecay (0).
        State: t, m, u (a matrix of one row, as Torch7's), max (the two rows whose maximum u is).

    Torch7 optim: algos.md#optim.adamax
    """
    call = Call('adamax', opfunc, x, config, state)
    beta1, beta2, epsilon = call.share('beta1', 0.9), call.share('beta2', 0.999), call.option('epsilon', 1e-38)
    rate = call.option('learningRate', 2e-3)
    m, (u,), (old, new) = call.buffer('m'), call.buffer('u', rows=1), call.buffer('max', rows=2)
    fx, dfdx = call.gradient()
    m *= beta1
    add_scaled(m, 1 - beta1, dfdx)
    np.multiply(u, beta2, out=old)
    np.abs(dfdx, out=new)
    new += epsilon
    np.maximum(old, new, out=u)
    add_scaled(call.x, -rate / (1 - beta1 ** call.count('t')), m / u)
    return x, [fx]


def rmsprop(opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None) -> Result:
    """RMSprop: m = alpha m + (1 - alpha) (df/dx)^2, x = x - learningRate df/dx / (sqrt(m) + epsilon).

    Parameters
    ----------
    opfunc, x, config, state
        see the module. Fields: learningRate (1e-2), alpha (0.99), epsilon (1e-8), weightDecay (0), initialMean (0; of
        m). State: m, tmp (the denominator).

    Torch7 optim: algos.md#optim.rmsprop
    """
    call = Call('rmsprop', opfunc, x, config, state)
    rate, alpha, epsilon = call.option('learningRate', 1e-2), call.option('alpha', 0.99), call.option('epsilon', 1e-8)
    m, root = call.buffer('m', call.option('initialMean', 0)), call.buffer('tmp')
    fx, dfdx = call.gradient()
    _average_squares(m, alpha, dfdx, root)
    _step(call.x, rate, dfdx, m, epsilon, root)
    return x, [fx]


def rprop(opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None) -> Result:
    """Rprop: each parameter has a step size of its own and moves by it against the sign of its derivative.

    The size is multiplied by etaplus while the sign of the derivative stays, by etaminus when it turns; then the
    derivative counts as 0 and the parameter rests for one step.

    Parameters
    ----------
    opfunc, x, config, state
        see the module. Fields: stepsize (0.1), etaplus (1.2), etaminus (0.5), stepsizemax (50), stepsizemin (1e-6),
        niter (1; steps in this call). State: stepsize (now the vector of step sizes), delta (the last derivative),
        sign, psign, nsign, zsign, dminmax.

    Returns
    -------
    x, fs
        f(x) before each of the niter steps

    Torch7 optim: algos.md#optim.rprop
    """
    _announce('table RPROP', config, state)
    call = Call('rprop', opfunc, x, config, state)
    etaplus, etaminus = call.option('etaplus', 1.2), call.option('etaminus', 0.5)
    largest, smallest = call.option('stepsizemax', 50), call.option('stepsizemin', 1e-6)
    steps = call.option('niter', 1)
    if call.state.get('delta') is None:
        size = call.option('stepsize', 0.1)
        call.state['stepsize'] = np.full(call.x.shape, size, call.x.dtype)  # may replace the number of that name
    delta, stepsize, sign = (call.buffer(name) for name in ('delta', 'stepsize', 'sign'))
    same, turned, still, clipped = (
        call.buffer(name, dtype=np.uint8).view(bool) for name in ('psign', 'nsign', 'zsign', 'dminmax')
    )
    values: list[float] = []
    while len(values) < steps:
        fx, dfdx = call.evaluate()
        np.multiply(dfdx, delta, out=sign)
        np.greater(sign, 0, out=same)
        np.less(sign, 0, out=turned)
        np.equal(same, turned, out=still)
        stepsize[same] *= etaplus
        stepsize[turned] *= etaminus
        np.minimum(stepsize, largest, out=stepsize)
        np.less(stepsize, smallest, out=clipped)
        np.maximum(stepsize, smallest, out=stepsize)
        dfdx[turned] = 0
        np.subtract(dfdx > 0, dfdx < 0, out=sign, dtype=sign.dtype)  # np.sign, but 0 for nan as in Torch7
        call.x -= sign * stepsize
        delta[...] = dfdx
        values.append(fx)
    return x, values
