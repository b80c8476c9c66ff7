"""t7nn.optim: the published formulas, SciPy, and bad input."""

import copy
import math

import numpy as np
import pytest
import scipy.optimize
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from test_optim_golden import METHODS, quadratic, rosenbrock

import t7nn as nn
from t7nn import optim

WITH_WEIGHT_DECAY = ['adadelta', 'adagrad', 'adam', 'adamax', 'nag', 'rmsprop', 'sgd']


# Published formulas, written out over the whole history of gradients

numbers = st.floats(-10, 10).map(lambda x: round(x, 3))
histories = arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=numbers)
fractions = st.floats(0.05, 0.95)
rates = st.floats(1e-3, 1)


def run(method, gradients, config, x0=None):
    """x after each step, and where each gradient was asked for."""
    x = np.zeros(gradients.shape[1]) if x0 is None else x0.copy()
    states, asked = [], []
    for gradient in gradients:

        def opfunc(x, gradient=gradient):
            asked.append(x.copy())
            return 0.0, gradient.copy()

        method(opfunc, x, config)
        states.append(x.copy())
    return np.array(states), np.array(asked)


def faded(values, factor):
    """sum over i <= t of factor^(t - i) values[i], for each t."""
    return np.array([sum(factor ** (t - i) * values[i] for i in range(t + 1)) for t in range(len(values))])


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)


def test_the_reference_sums_as_it_says():
    close(faded(np.array([[1.0], [2.0], [4.0]]), 0.5), [[1], [2.5], [5.25]])


@given(histories, rates, fractions, fractions, fractions)
def test_sgd_is_its_formula(gradients, rate, momentum, dampening, decay):
    first = gradients[:1]
    velocity = faded(np.concatenate([first, (1 - dampening) * gradients[1:]]), momentum)
    steps = rate / (1 + np.arange(len(gradients)) * decay)
    states, _ = run(
        optim.sgd,
        gradients,
        {'learningRate': rate, 'learningRateDecay': decay, 'momentum': momentum, 'dampening': dampening},
    )
    close(states, -np.cumsum(steps[:, None] * velocity, 0))


@given(histories, rates, fractions)
def test_nesterov_steps_along_the_gradient_and_the_velocity(gradients, rate, momentum):
    config = {'learningRate': rate, 'momentum': momentum, 'dampening': 0, 'nesterov': True}
    states, _ = run(optim.sgd, gradients, config)
    close(states, -rate * np.cumsum(gradients + momentum * faded(gradients, momentum), 0))


@given(histories, rates, fractions)
def test_nag_looks_ahead(gradients, rate, momentum):
    states, asked = run(optim.nag, gradients, {'learningRate': rate, 'momentum': momentum})
    velocity = -rate * faded(gradients, momentum)
    close(states, np.cumsum(velocity, 0))
    before = np.concatenate([np.zeros_like(states[:1]), states[:-1]])
    close(asked[1:], (before + momentum * np.concatenate([0 * velocity[:1], velocity[:-1]]))[1:])


@given(histories, rates, st.integers(0, 4))
def test_asgd_averages_the_states(gradients, rate, t0):
    config = {'eta0': rate, 'lambda': 0, 't0': t0}
    states, _ = run(optim.asgd, gradients, config)
    close(states, -rate * np.cumsum(gradients, 0))
    close(config['ax'], states[min(t0 + 1, len(states) - 1) :].mean(0))


@given(histories, rates)
def test_asgd_decays_the_rate(gradients, rate):
    t = np.arange(len(gradients))
    eta = rate / (1 + 0.5 * rate * t) ** 0.6
    shrink = np.cumprod(1 - 0.5 * eta)
    states, _ = run(optim.asgd, gradients, {'eta0': rate, 'lambda': 0.5, 'alpha': 0.6})
    close(states, -shrink[:, None] * np.cumsum((eta / shrink)[:, None] * gradients, 0))


@given(histories, rates)
def test_adagrad_is_its_formula(gradients, rate):
    states, _ = run(optim.adagrad, gradients, {'learningRate': rate})
    close(states, -np.cumsum(rate * gradients / (np.sqrt(np.cumsum(gradients**2, 0)) + 1e-10), 0))


@given(histories, rates, fractions, fractions)
def test_adam_is_its_formula(gradients, rate, beta1, beta2):
    t = np.arange(1, len(gradients) + 1)[:, None]
    m = (1 - beta1) * faded(gradients, beta1)
    v = (1 - beta2) * faded(gradients**2, beta2)
    epsilon = 1e-3 / np.sqrt(1 - beta2**t)  # Torch7 adds epsilon before the second moment is corrected
    steps = rate * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
    states, _ = run(optim.adam, gradients, {'learningRate': rate, 'beta1': beta1, 'beta2': beta2, 'epsilon': 1e-3})
    close(states, -np.cumsum(steps, 0))


@given(histories, rates, fractions, fractions)
def test_adamax_is_its_formula(gradients, rate, beta1, beta2):
    t = np.arange(1, len(gradients) + 1)
    m = (1 - beta1) * faded(gradients, beta1) / (1 - beta1**t)[:, None]
    sizes = np.abs(gradients) + 1e-3
    u = np.array([(beta2 ** (i - np.arange(i + 1))[:, None] * sizes[: i + 1]).max(0) for i in range(len(sizes))])
    states, _ = run(optim.adamax, gradients, {'learningRate': rate, 'beta1': beta1, 'beta2': beta2, 'epsilon': 1e-3})
    close(states, -np.cumsum(rate * m / u, 0))


@given(histories, rates, fractions, fractions)
def test_rmsprop_is_its_formula(gradients, rate, alpha, mean):
    t = np.arange(1, len(gradients) + 1)[:, None]
    m = alpha**t * mean + (1 - alpha) * faded(gradients**2, alpha)
    states, _ = run(optim.rmsprop, gradients, {'learningRate': rate, 'alpha': alpha, 'initialMean': mean})
    close(states, -np.cumsum(rate * gradients / (np.sqrt(m) + 1e-8), 0))


@given(histories, fractions)
def test_adadelta_is_its_formula(gradients, rho):
    states, _ = run(optim.adadelta, gradients, {'rho': rho, 'eps': 1e-3})
    steps = -np.diff(states, axis=0, prepend=0)
    squares = (1 - rho) * faded(gradients**2, rho)
    earlier = np.concatenate([0 * steps[:1], (1 - rho) * faded(steps**2, rho)[:-1]])
    close(steps, np.sqrt(earlier + 1e-3) / np.sqrt(squares + 1e-3) * gradients)


@given(histories, st.floats(1.05, 2), fractions)
def test_rprop_is_its_description(gradients, etaplus, etaminus):
    config = {'stepsize': 1, 'etaplus': etaplus, 'etaminus': etaminus, 'stepsizemax': 2, 'stepsizemin': 0.1}
    states, _ = run(optim.rprop, gradients, config)
    for column, history in zip(states.T, gradients.T, strict=True):
        x, size, last = 0.0, 1.0, 0.0
        for expected, gradient in zip(column, history, strict=True):
            if gradient * last > 0:
                size = min(size * etaplus, 2)
            elif gradient * last < 0:
                size, gradient = max(size * etaminus, 0.1), 0.0
            x, last = x - math.copysign(size, gradient) * (gradient != 0), gradient
            assert expected == pytest.approx(x, abs=1e-12)


# What holds for every method

spd = st.integers(2, 4).flatmap(
    lambda n: st.tuples(arrays(np.float64, (n, n), elements=numbers), arrays(np.float64, n, elements=numbers))
)


def bowl(matrix, centre):
    return quadratic(matrix.T @ matrix / 10 + np.eye(len(centre)), centre)


@pytest.mark.parametrize('method', WITH_WEIGHT_DECAY)
@given(problem=spd, decay=fractions)
def test_weight_decay_is_the_gradient_of_half_the_square(method, problem, decay):
    function = bowl(*problem)

    def decayed(x):
        f, gradient = function(x)
        return f + decay * float(x @ x) / 2, gradient + decay * x

    method, x, y = getattr(optim, method), np.ones(len(problem[1])), np.ones(len(problem[1]))
    config, plain = {'weightDecay': decay, 'learningRate': 0.01}, {'learningRate': 0.01}
    for _ in range(4):
        method(function, x, config)
        method(decayed, y, plain)
    close(x, y)


@pytest.mark.parametrize('method', METHODS)
@given(problem=spd)
def test_state_may_live_apart_and_x_have_any_form(method, problem):
    function, method = bowl(*problem), getattr(optim, method)
    x = np.ones(len(problem[1]))
    matrix = np.ones((len(problem[1]), 1))
    config, apart, state = {}, {}, {}
    for _ in range(3):
        method(function, x, config)
        # as neural-style does: x is an image, df/dx flat
        result = method(lambda m: function(m.reshape(-1)), matrix, apart, state)
        assert result[0] is matrix
    close(matrix[:, 0], x)
    assert set(apart) <= {'eta0', 'lambda', 'alpha', 't0'}
    assert set(state) | set(apart) == set(config)


@pytest.mark.parametrize('method', METHODS)
def test_float32_stays_float32(method):
    target = np.float32([1, -2, 3])
    x, config = np.zeros(3, np.float32), {}
    for _ in range(3):
        result = getattr(optim, method)(lambda x: (float(((x - target) ** 2).sum()), 2 * (x - target)), x, config)
        assert result[0] is x
    arrays_left = [item for item in config.values() if isinstance(item, np.ndarray) and item.dtype != np.uint8]
    assert arrays_left or method == 'sgd'
    assert {x.dtype, *(item.dtype for item in arrays_left)} == {np.dtype(np.float32)}
    assert np.linalg.norm(x - target) < np.linalg.norm(target)


@pytest.mark.parametrize(
    'method, config, steps',
    [
        ('sgd', {'learningRate': 0.1, 'momentum': 0.5}, 400),
        ('nag', {'learningRate': 0.1, 'momentum': 0.5}, 200),
        ('asgd', {'eta0': 0.2, 'lambda': 0}, 200),
        ('adagrad', {'learningRate': 2}, 400),
        ('adadelta', {'eps': 1e-2}, 3000),
        ('adam', {'learningRate': 0.05}, 1500),
        ('adamax', {'learningRate': 0.1}, 1500),
        ('rprop', {}, 200),
        ('rmsprop', {'learningRate': 0.01, 'alpha': 0.9}, 2000),
        ('cg', {}, 5),
        ('lbfgs', {}, 5),
        ('lbfgs', {'lineSearch': optim.lswolfe}, 5),
    ],
)
def test_minimises_a_quadratic(method, config, steps):
    A, c = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([1.5, -0.5])
    expected = scipy.optimize.minimize(quadratic(A, c), np.zeros(2), jac=True).x
    x = np.array([-1.0, 2.0])
    for _ in range(steps):
        getattr(optim, method)(quadratic(A, c), x, config)
    np.testing.assert_allclose(x, expected, atol=0.02 if method == 'rmsprop' else 1e-4)


@given(spd)
def test_cg_and_lbfgs_find_the_minimum_of_a_bowl(problem):
    for method, config in (optim.cg, {'maxIter': 100}), (optim.lbfgs, {'maxIter': 100, 'lineSearch': optim.lswolfe}):
        x = np.zeros(len(problem[1]))
        _, values = method(bowl(*problem), x, config)
        np.testing.assert_allclose(x, problem[1], atol=1e-4)
        assert min(values) <= values[0]


@pytest.mark.parametrize('method', ['cg', 'lbfgs'])
def test_rosenbrock_as_scipy(method):
    x0 = np.array([-1.2, 1.0, 0.5])
    expected = scipy.optimize.minimize(rosenbrock, x0, jac=True, method='BFGS').x
    optim_method, x, config = getattr(optim, method), x0.copy(), {'maxIter': 400, 'lineSearch': optim.lswolfe}
    for _ in range(3):
        optim_method(rosenbrock, x, config)
    np.testing.assert_allclose(x, expected, atol=1e-3)


@given(arrays(np.float64, 3, elements=numbers), st.floats(1e-3, 10), st.sampled_from([0.1, 0.5, 0.9]))
def test_lswolfe_satisfies_the_strong_wolfe_conditions(x, t, c2):
    f, g = rosenbrock(x)
    d = -g / max(1, np.abs(g).max())
    slope = float(g @ d)
    assume(slope < -1e-3)
    start = x.copy()
    new_f, new_g, _, step, evaluations = optim.lswolfe(rosenbrock, x, t, d, f, g, slope, {'c2': c2, 'maxIter': 100})
    close(x, start + step * d)
    close(new_f, rosenbrock(x)[0])
    close(new_g, rosenbrock(x)[1])
    assert new_f <= f + 1e-4 * step * slope
    assert abs(new_g @ d) <= -c2 * slope + 1e-6 * abs(slope)
    assert evaluations >= 1


@given(st.lists(numbers, min_size=4, max_size=4), st.floats(0.5, 3))
def test_polyinterp_is_the_minimum_of_the_cubic(coefficients, width):
    cubic = np.poly1d(coefficients)
    points = np.array([(x, cubic(x), cubic.deriv()(x)) for x in (0, width)])
    position, height = optim.polyinterp(points, 0, width)
    grid = np.linspace(0, width, 2001)
    assert 0 <= position <= width
    assert height == pytest.approx(cubic(position), abs=1e-8)
    assert height <= cubic(grid).min() + 1e-8
    if points[0, 2] < -0.1 and points[1, 2] > 0.1:  # the one minimum lies within: the short cut finds it too
        assert optim.polyinterp(points)[0] == pytest.approx(position, abs=1e-5)


@settings(deadline=None, max_examples=30)
@given(arrays(np.float64, (3, 3), elements=numbers), arrays(np.float64, 6, elements=numbers), fractions, st.booleans())
def test_fista_solves_the_lasso(A, b, weight, fast):
    A = np.concatenate([A / 5, 3 * np.eye(3)])

    def smooth(x, mode=None):
        error = A @ x - b
        return (float(error @ error) / 2, A.T @ error) if mode else float(error @ error) / 2

    def shrink(x, L):
        x[...] = np.sign(x) * np.maximum(np.abs(x) - weight / L, 0)

    x, params = np.ones(3), {'maxiter': 2000, 'errthres': 0, 'doFistaUpdate': fast}
    y, history = optim.FistaLS(smooth, lambda x: weight * float(np.abs(x).sum()), shrink, x, params)
    slope = smooth(y, 'dx')[1]
    assert (np.abs(slope) <= weight + 1e-4).all()  # the conditions of an optimum
    np.testing.assert_allclose(slope[np.abs(y) > 1e-6], -weight * np.sign(y[np.abs(y) > 1e-6]), atol=1e-4)
    assert (y == x).all()
    assert history[-1]['F'] <= smooth(np.zeros(3))


def test_ista_goes_back_to_the_previous_point():
    def smooth(x, mode=None):
        f = float(x[0] ** 4 / 4 - x[0])
        return (f, x**3 - 1) if mode else f

    y, history = optim.FistaLS(smooth, lambda x: 0, lambda x, L: None, np.zeros(1), {'L': 0.9, 'maxline': 0})
    assert len(history) == 2
    assert history[1]['F'] == history[0]['F']
    assert y == 1 / 0.9


# Methods without a gradient


def sphere(x):
    return float(((x - [1, -2]) ** 2).sum())


def test_evolution_finds_the_minimum_and_leaves_x():
    x = np.array([[5.0, 5.0]])
    nn.manualSeed(3)
    for method, config in (
        (optim.cmaes, {'sigma': 2.0}),
        (optim.de, {'scaleFactor': 0.7, 'crossoverRate': 0.9, 'maxFEs': 4000}),
    ):
        best, values = method(lambda x: sphere(x.reshape(-1)), x, config)
        np.testing.assert_allclose(best, [1, -2], atol=1e-3)
        assert sphere(best) == pytest.approx(min(values), abs=1e-12)
        assert (x == 5).all()


def test_cmaes_gives_candidates_the_form_of_x_and_shows_its_way(capsys):
    shapes = set()
    nn.manualSeed(3)

    def opfunc(x):
        shapes.add(x.shape)
        return sphere(x.reshape(-1)), None  # df/dx is not looked at

    _, values = optim.cmaes(opfunc, np.zeros((1, 2)), {}, {'sigma': 1, 'ftarget': 0.1, 'verb_disp': 2})
    assert shapes == {(1, 2)}
    assert values[-1] <= 0.1
    shown = capsys.readouterr().out
    assert shown.startswith('evals:\t ax-ratio max(std)   f-value\n6:     1.0  ')
    assert 'termination by ftarget' in shown
    _, values = optim.cmaes(opfunc, np.zeros((1, 2)), {'sigma': 1, 'ftarget': 1e9, 'min_iterations': 5})
    assert len(values) == 1 + 5 + 1


def test_de_repeats_itself_and_stays_within_its_evaluations():
    nn.manualSeed(1)
    before = nn.random.getRNGState()
    for most, used in (60, 60), (61, 60), (65, 60), (66, 66):
        config = {'scaleFactor': 0.7, 'crossoverRate': 0.9, 'maxFEs': most, 'popsize': 6}
        runs = [optim.de(sphere, np.zeros(2), config) for _ in range(2)]
        assert runs[0][1] == runs[1][1]
        assert len(runs[0][1]) == used
    assert (nn.random.getRNGState() == before).all()


@given(arrays(np.float64, 3, elements=numbers), st.integers(0, 2))
def test_checkgrad_finds_a_wrong_coordinate(x, i):
    def wrong(x):
        f, gradient = rosenbrock(x)
        gradient[i] += 0.1 * np.abs(gradient).max()
        return f, gradient

    assume(np.abs(rosenbrock(x)[1]).max() > 1)
    assert optim.checkgrad(rosenbrock, x, 1e-5)[0] < 1e-4
    assert optim.checkgrad(wrong, x, 1e-5)[0] > 1e-2


# Errors


@pytest.mark.parametrize(
    'method, config',
    [
        *((method, {}) for method in METHODS),
        ('lbfgs', {'lineSearch': optim.lswolfe}),
        ('rprop', {'niter': 3}),
        ('sgd', {'momentum': 0.9, 'learningRateDecay': 0.1, 'weightDecay': 0.1}),
    ],
)
@pytest.mark.parametrize('kind', [ValueError, KeyboardInterrupt])
def test_nothing_is_half_done_when_the_function_fails(method, config, kind):
    """x and state are as before, so training can go on (rprop: its steps before the failing one count)."""
    x, calls, fails_at = np.array([-1.2, 1.0, 0.7]), 0, None

    def opfunc(x):
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise kind('fails')
        return rosenbrock(x)

    method = getattr(optim, method)
    for k in range(1, 4):
        method(opfunc, x, config)
        good_x, good = x.copy(), copy.deepcopy(config)
        calls, fails_at = 0, 1 if 'niter' in config or k == 1 else k
        try:
            method(opfunc, x, config)
        except kind:
            assert (x == good_x).all()
            for field in set(good) - {'tmp1'}:  # scratch
                np.testing.assert_equal(config[field], good[field])
        else:
            assert calls < fails_at
        fails_at = None


def test_line_search_and_checkgrad_put_x_back():
    def fails(x):
        raise ValueError('fails')

    x = np.array([1.0, 2.0])
    for function in (lambda: optim.lswolfe(fails, x, 1.0, -x, 5.0, 2 * x, -10.0), lambda: optim.checkgrad(fails, x)):
        with pytest.raises(ValueError, match='fails'):
            function()
        assert x.tolist() == [1, 2]


@pytest.mark.parametrize('method', [*METHODS, 'cmaes', 'de'])
@pytest.mark.parametrize(
    'arguments, kind, text',
    [
        ((3, np.zeros(2)), TypeError, 'expected a function to minimise, got int 3'),
        ((rosenbrock, [0.0, 0.0]), TypeError, 'expected an array as x, got a table of 2'),
        ((rosenbrock, np.zeros(2, int)), TypeError, 'expected x of float64 or float32, got int64'),
        ((rosenbrock, np.zeros(0)), ValueError, r'x must have elements, be writeable and contiguous, got shape \(0,\)'),
        ((rosenbrock, np.zeros((2, 3)).T), ValueError, 'contiguous'),
        ((rosenbrock, np.broadcast_to(0.0, 2)), ValueError, 'writeable'),
        ((rosenbrock, np.zeros(2), 0.1), TypeError, 'expected a dict as config, got float 0.1'),
        ((rosenbrock, np.zeros(2), {}, []), TypeError, 'expected a dict as state, got a table of 0'),
    ],
)
def test_bad_arguments(method, arguments, kind, text):
    with pytest.raises(kind, match=f'^optim.{method}: .*{text}'):
        getattr(optim, method)(*arguments)


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize(
    'result, kind, text',
    [
        (None, TypeError, r'opfunc must return a pair \(f\(x\), df/dx\), got nil'),
        (1.5, TypeError, 'must return a pair .* got float 1.5'),
        ((1.0, np.zeros(2), 3), TypeError, 'must return a pair .* got a table of 3'),
        ((1.0, [0.0, 0.0]), TypeError, 'df/dx must be an array of float64 like x, got a table of 2'),
        ((1.0, np.zeros(2, np.float32)), TypeError, 'df/dx must be an array of float64 like x, got float32'),
        ((1.0, np.zeros(3)), ValueError, r'df/dx must have 2 elements like x, got shape \(3,\)'),
    ],
)
def test_bad_results_of_the_function(method, result, kind, text):
    x = np.array([1.0, 2.0])
    with pytest.raises(kind, match=f'^optim.{method}: .*{text}'):
        getattr(optim, method)(lambda x: result, x, {})
    assert x.tolist() == [1, 2]


@pytest.mark.parametrize(
    'method, config, kind, text',
    [
        (
            'sgd',
            {'nesterov': True},
            ValueError,
            'Nesterov momentum requires a momentum and zero dampening, got 0 and 0',
        ),
        ('sgd', {'nesterov': True, 'momentum': 0.9}, ValueError, 'zero dampening, got 0.9 and 0.9'),
        ('sgd', {'learningRate': 'fast'}, TypeError, "expected a number as 'learningRate', got str 'fast'"),
        ('sgd', {'learningRates': np.ones(3)}, ValueError, r"'learningRates' of 2 elements like x.*, got shape \(3,\)"),
        ('sgd', {'weightDecays': [1.0]}, ValueError, r"expected 'weightDecays' of 2 elements like x, got shape \(1,\)"),
        (
            'sgd',
            {'momentum': 0.9, 'dfdx': np.ones(3)},
            ValueError,
            r"state\['dfdx'\] must be float64 of shape \(2,\) for this x, got float64 of shape \(3,\)",
        ),
        ('adam', {'m': 1}, ValueError, r"state\['m'\] must be float64 of shape \(2,\) for this x, got int 1"),
        ('nag', {'momentum': 0}, ValueError, 'Momentum must be positive for Nesterov Accelerated Gradient, got 0.0'),
        ('rprop', {'niter': None, 'stepsize': []}, TypeError, "expected a number as 'stepsize', got a table of 0"),
        ('lbfgs', {'lineSearch': 'lswolfe'}, TypeError, "expected a function as lineSearch, got str 'lswolfe'"),
        ('lbfgs', {'nCorrection': 0}, ValueError, 'expected nCorrection of at least 1, got 0'),
        ('cmaes', {}, ValueError, "config needs a number 'sigma'"),
        ('cmaes', {'sigma': 1, 'popsize': 1}, ValueError, 'expected popsize of at least 2, got 1'),
        ('de', {'scaleFactor': 1, 'crossoverRate': 1}, ValueError, "config needs a number 'maxFEs'"),
        (
            'de',
            {'scaleFactor': 1, 'crossoverRate': 1, 'maxFEs': 10},
            ValueError,
            'expected popsize of at least 3 and at most maxFEs, got 20 and 10',
        ),
        ('de', {'scaleFactor': 1, 'crossoverRate': 1, 'maxFEs': 10, 'popsize': 2}, ValueError, 'got 2 and 10'),
    ],
)
def test_bad_configurations(method, config, kind, text):
    x = np.array([1.0, 2.0])
    with pytest.raises(kind, match=f'^optim.{method}: .*{text}'):
        getattr(optim, method)(rosenbrock, x, config)
    assert x.tolist() == [1, 2]


def test_bad_line_search_arguments():
    x = np.zeros(2)
    with pytest.raises(ValueError, match='optim.lswolfe: d must have 2 elements like x'):
        optim.lswolfe(rosenbrock, x, 1.0, np.zeros(3), 0.0, np.zeros(2), -1.0)
    points = r'optim.polyinterp: expected rows \(x, f, slope\) as points, got shape \(2,\)'
    with pytest.raises(ValueError, match=points):
        optim.polyinterp(np.zeros(2))
    with pytest.raises(TypeError, match='optim.FistaLS: expected a function as pl, got nil'):
        optim.FistaLS(rosenbrock, rosenbrock, None, x)
    with pytest.raises(ValueError, match='optim.FistaLS: expected maxiter of at least 1, got 0'):
        optim.FistaLS(rosenbrock, rosenbrock, rosenbrock, x, {'maxiter': 0})


def test_a_gradient_that_is_x_or_read_only_is_left_alone():
    for method in METHODS:
        x, y = np.array([1.0, -2.0]), np.array([1.0, -2.0])
        config, plain = {'weightDecay': 0.1}, {'weightDecay': 0.1}
        for _ in range(3):
            getattr(optim, method)(lambda x: (float(x @ x) / 2, x), x, config)
            getattr(optim, method)(lambda x: (float(x @ x) / 2, x.copy()), y, plain)
        assert (x == y).all()
    gradient = np.ones(2)
    gradient.flags.writeable = False
    optim.sgd(lambda x: (0.0, gradient), np.ones(2), {'weightDecay': 1})
    assert gradient.tolist() == [1, 1]


def test_the_gradient_receives_the_weight_decay_as_in_torch7():
    gradient = np.ones(2)
    optim.sgd(lambda x: (0.0, gradient), np.array([2.0, 4.0]), {'weightDecay': 0.5})
    assert gradient.tolist() == [2, 3]


def test_cg_ends_where_torch7_would_go_on_for_ever():
    for function in lambda x: (-float(x[0]), np.array([-1.0, 0])), lambda x: (math.nan, np.full(2, math.nan)):
        x = np.ones(2)
        optim.cg(function, x, {'maxIter': 3})  # maxEval is 3.75
        assert np.isfinite(x).all()


def test_what_is_printed(capsys):
    for method in 'adagrad', 'adadelta', 'rprop', 'sgd':
        getattr(optim, method)(rosenbrock, np.zeros(2))
        getattr(optim, method)(rosenbrock, np.zeros(2), {})
    optim.lbfgs(rosenbrock, np.ones(2), {'verbose': True})
    optim.lbfgs(rosenbrock, np.zeros(2), {'verbose': True, 'maxIter': 1})
    assert capsys.readouterr().out.splitlines() == [
        'no state table, ADAGRAD initializing',
        'no state table, ADADELTA initializing',
        'no state table RPROP initializing',
        '<optim.lbfgs> \toptimality condition below tolFun',
        '<optim.lbfgs> \tcreating recyclable direction/step/history buffers',
        '<optim.lbfgs> \treached max number of iterations',
    ]


def test_lswolfe_sees_the_one_array_that_a_function_answers_with():
    """Torch7's line search keeps the gradient it was handed, so its first point has the slope of the second."""
    shared = np.zeros(1)

    def again(x):
        np.multiply(2, x, out=shared)
        return float(x @ x), shared

    def copies(x):
        return float(x @ x), 2 * x

    steps = []
    for function in (again, copies):
        x = np.array([1.0])
        f, g = function(x)
        steps.append(optim.lswolfe(function, x, 3.0, -g.copy(), f, g, -4.0)[3])
    assert abs(steps[1] - 0.5) < 1e-9  # the minimum of a parabola, which a cubic interpolates exactly
    assert abs(steps[0] - 0.5) > 1e-3


def test_lbfgs_prints_torch7s_lines(capsys):
    optim.lbfgs(lambda x: (float(x @ x), 2 * x), np.array([3.0]), {'verbose': True, 'maxIter': 2})
    assert capsys.readouterr().out.splitlines() == [
        '<optim.lbfgs> \tcreating recyclable direction/step/history buffers',
        '<optim.lbfgs> \treached max number of iterations',
    ]


@pytest.mark.parametrize('method', [optim.sgd, optim.adam, optim.adagrad, optim.nag, optim.lbfgs])
class TestWhatIsNoArgument:
    @pytest.mark.parametrize('value', [True, '0.1', float('nan'), 1j, [0.1]])
    def test_number(self, method, value):
        x = np.array([3.0, 4.0])
        with pytest.raises(
            (TypeError, ValueError), match=f"optim.{method.__name__}: expected a number as 'learningRate'"
        ):
            method(lambda x: (float(x @ x), 2 * x), x, {'learningRate': value})
        assert x.tolist() == [3, 4]

    @pytest.mark.parametrize('name', ['learningrate', 'learning_rate', 'lr'])
    def test_name(self, method, name):
        with pytest.raises(ValueError, match=f"config has no field '{name}'; 'learningRate' is probably meant"):
            method(lambda x: (float(x @ x), 2 * x), np.ones(2), {name: 0.1})

    @pytest.mark.parametrize('f', [None, '1', 1j, np.ones(2)])
    def test_value_of_the_function(self, method, f):
        x = np.array([3.0, 4.0])
        with pytest.raises(TypeError, match=rf'optim.{method.__name__}: opfunc must return a number as f\(x\), got '):
            method(lambda x: (f, 2 * x), x, {})
        assert x.tolist() == [3, 4]

    def test_masked_arrays(self, method):
        x, masked = np.array([3.0, 4.0]), np.ma.masked_array([3.0, 4.0], [False, True])
        with pytest.raises(TypeError, match='expected an array as x, got a masked array'):
            method(lambda x: (1.0, np.ones(2)), masked, {})
        with pytest.raises(TypeError, match='df/dx must be an array of float64 like x, got a masked array'):
            method(lambda x: (1.0, masked), x, {})


@pytest.mark.parametrize('method', [optim.adam, optim.adamax])
@pytest.mark.parametrize('beta', [1, -0.1, float('inf')])
def test_beta_out_of_range(method, beta):
    with pytest.raises(ValueError, match=r"expected 'beta1' in \[0, 1\), got"):
        method(lambda x: (float(x @ x), 2 * x), np.ones(2), {'beta1': beta})
