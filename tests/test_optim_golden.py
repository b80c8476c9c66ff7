"""t7nn.optim against the records of Torch7's optim: golden/optim."""

import numpy as np
import pytest
from golden_files import GOLDEN, TOLERANCE, assert_same, build, load, value

import t7nn as nn
from t7nn import optim
from t7nn.optim import first_order

METHODS = [*first_order.__all__, 'cg', 'lbfgs']
#: Methods that torch/optim lacks
WITHOUT_RECORD: set[str] = set()
RECORD_TOLERANCE = 2e-10  # RECORDS.md: how far a change of 1e-13 in x0 moves the records


# The problems of the records


def rosenbrock(x):
    d = x[1:] - x[:-1] ** 2
    gradient = np.zeros_like(x)
    gradient[:-1] = -400 * x[:-1] * d - 2 * (1 - x[:-1])
    gradient[1:] += 200 * d
    return float((100 * d**2 + (1 - x[:-1]) ** 2).sum()), gradient


def quadratic(A, c):
    return lambda x: (float((x - c) @ A @ (x - c)) / 2, A @ (x - c))


class Network:
    """The loss on one batch after the other; df/dx is the network's own flat vector, or a copy."""

    def __init__(self, problem, type, own):
        nn.manualSeed(problem['seed'])
        self.net, self.criterion = build(problem['construct'], type), build(problem['criterion'], type)
        self.x, self.gradient = self.net.getParameters()
        self.batches, self.step, self.own = value(problem['batches']), 0, own

    def __call__(self, x):
        assert x is self.x
        input, target = self.batches[self.step % len(self.batches)]
        self.gradient.fill(0)
        loss = self.criterion.forward(self.net.forward(input), target)
        self.net.backward(input, self.criterion.backward(self.net.output, target))
        return loss, self.gradient if self.own else self.gradient.copy()


def problem_of(record, type='torch.DoubleTensor', own=True):
    if record['kind'] == 'network':
        return Network(record, type, own)
    return rosenbrock if record['kind'] == 'rosenbrock' else quadratic(value(record['A']), value(record['c']))


def table_of(record):
    return {key: optim.lswolfe if item == 'optim.lswolfe' else value(item) for key, item in record.items()}


def cases(*methods):
    return [
        pytest.param(method, case, id=f'{method}-{case.get("name", i)}')
        for method in methods
        if method not in WITHOUT_RECORD
        for i, case in enumerate(load(f'optim/{method}.json')['cases'])
    ]


def test_every_golden_file_is_run():
    run = {*METHODS, 'cmaes', 'de', 'FistaLS', 'lswolfe', 'polyinterp', 'checkgrad'}
    assert {path.stem for path in (GOLDEN / 'optim').glob('*.json')} == run - WITHOUT_RECORD


@pytest.mark.parametrize('own', [True, False], ids=['own gradient', 'copied gradient'])
@pytest.mark.parametrize('method, case', cases(*METHODS, 'cmaes', 'de'))
def test_method(method, case, own):
    tolerance = max(RECORD_TOLERANCE, TOLERANCE[case['type']])
    problem = problem_of(case['problem'], case['type'], own)
    x = value(case['x0'])
    if isinstance(problem, Network):
        assert_same(problem.x, x, TOLERANCE[case['type']], 'x0')
        x = problem.x
    evaluations = 0

    def opfunc(x):
        nonlocal evaluations
        evaluations += 1
        return problem(x)

    config = table_of(case['config'])
    tables = [config, {}] if case['separateState'] else [config]
    nn.manualSeed(case.get('seed', 1))
    for i, step in enumerate(case['steps']):
        if isinstance(problem, Network):
            problem.step = i
        before = evaluations
        result = getattr(optim, method)(opfunc, x, *tables)
        assert evaluations - before == step['evaluations']
        assert_same(x, value(step['x']), tolerance, 'x')
        assert_same(result[1], value(step['f']), tolerance, 'f')
        assert result[0] is x or 'returned' in step
        if 'returned' in step:
            assert_same(result[0], value(step['returned']), tolerance, 'returned')
        assert len(result) == (3 if 'average' in step else 2)
        if 'average' in step:
            assert_same(result[2], value(step['average']), tolerance, 'average')
    for field, expected in case['state'].items():
        assert_same(tables[-1][field], value(expected), tolerance, field)


@pytest.mark.parametrize('method, case', cases('FistaLS'))
def test_fista(method, case):
    A, b, weight = value(case['A']), value(case['b']), case['lambda']

    def smooth(x, mode=None):
        error = A @ x - b
        return (float(error @ error) / 2, A.T @ error) if mode == 'dx' else float(error @ error) / 2

    def shrink(x, L):
        x[...] = np.sign(x) * np.maximum(np.abs(x) - weight / L, 0)

    x, params = value(case['x0']), dict(case['params'])
    y, history = optim.FistaLS(smooth, lambda x: weight * np.abs(x).sum(), shrink, x, params)
    assert_same(y, value(case['x']), 1e-12, 'x')
    assert_same(x, value(case['xinit']), 1e-12, 'xinit')
    assert_same([{key: row[key] for key in ('F', 'L', 'nline')} for row in history], case['history'], 1e-12)
    assert params['L'] == pytest.approx(case['L'], 1e-12)


@pytest.mark.parametrize('method, case', cases('lswolfe'))
def test_lswolfe(method, case):
    problem, x, d = problem_of(case['problem']), value(case['x0']), value(case['direction'])
    f, g = problem(x)
    result = optim.lswolfe(problem, x, case['t0'], d, f, g, float(g @ d), case['options'])
    assert result[2] is x
    expected = [value(case[key]) for key in ('f', 'g', 'x', 't', 'evaluations')]
    assert_same(list(result), expected, 1e-12)


@pytest.mark.parametrize('method, case', cases('polyinterp'))
def test_polyinterp(method, case):
    position, height = optim.polyinterp(value(case['points']), case['xmin'], case['xmax'])
    assert position == pytest.approx(case['position'], 1e-12)
    assert height == case['value'] or height == pytest.approx(case['value'], 1e-12)


@pytest.mark.parametrize('own', [True, False], ids=['own gradient', 'copied gradient'])
@pytest.mark.parametrize('method, case', cases('checkgrad'))
def test_checkgrad(method, case, own):
    problem, x = problem_of(case['problem'], own=own), value(case['x'])
    if isinstance(problem, Network):
        problem.x[...] = x
        x = problem.x
    before = x.copy()
    diff, gradient, estimate = optim.checkgrad(problem, x, **({'eps': case['eps']} if case['eps'] else {}))
    assert diff == pytest.approx(case['diff'], abs=1e-9)
    assert_same(gradient, value(case['gradient']), 1e-12, 'gradient')
    assert_same(estimate, value(case['estimate']), 2e-8, 'estimate')
    assert (x == before).all()
