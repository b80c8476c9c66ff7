"""The regulariser against the blog post's code on real Torch7 (golden/regularization), and against plain formulas."""

import copy

import numpy as np
import pytest
from golden_files import TOLERANCE, assert_same, build_with_sharing, load, value
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from test_training import Recorder, records, same_lines, set_up, tolerance_of

import t7nn as nn

VARIANTS = {
    'intended': nn.regularize_parameters,
    'repaired': nn.regularize_parameters_as_published,
    'out_of_place': lambda *arguments: nn.regularize_parameters_as_published(*arguments, out_of_place=True),
}


class Stub:
    """A network that is nothing but its parameters."""

    def __init__(self, *tensors):
        self.tensors = list(tensors)

    def parameters(self):
        return self.tensors, [np.zeros_like(tensor) for tensor in self.tensors]


class Callback(Recorder):
    """The recorded hook: parameters, the post's callback, parameters."""

    def iteration(self, trainer, iteration, error):
        l1, l2 = self.record['l1'], self.record['l2']
        expected = self.record['iterations'][iteration - 1]
        tolerance = tolerance_of(self.record)
        net = trainer.module
        self.events.append(f'iteration {iteration}')
        assert_same(error, value(expected['error']), tolerance, 'error')
        assert_same(net.parameters()[0], value(expected['parametersBefore']), tolerance, 'parametersBefore')
        assert_same(
            nn.regularization_penalty(net, l1, l2), value(expected['penaltyBefore']), tolerance, 'penaltyBefore'
        )
        if 'callbackFails' not in expected:
            VARIANTS[self.record['variant']](net, l1, l2)
        assert_same(nn.regularization_penalty(net, l1, l2), value(expected['penaltyAfter']), tolerance, 'penaltyAfter')
        assert_same(net.parameters()[0], value(expected['parameters']), tolerance, 'parameters')
        if iteration == self.record.get('failAt'):
            raise RuntimeError(self.record['fails'])


@pytest.mark.parametrize('record', records('regularization'))
def test_as_torch7(record):
    recorder = Callback(record)
    recorder.run()
    tolerance = tolerance_of(record)
    same_lines(recorder.lines, record['stdout'], tolerance)
    assert recorder.order == record['order']
    assert_same(recorder.errors, value(record['exampleErrors']), tolerance, 'exampleErrors')
    assert_same(recorder.trainer.module.parameters()[0], value(record['finalParameters']), tolerance)
    assert nn.random.random() == record['next']


@pytest.mark.parametrize('case', load('regularization/users.json')['cases'], ids=lambda case: case['name'])
def test_users(case):
    trainer, dataset = set_up({**case, 'type': 'torch.DoubleTensor'})
    lines = []
    trainer.log = lines.append
    variant = VARIANTS.get(case['variant'])
    if case['variant'] == 'published':  # its callback calls a function that does not exist
        trainer.hookIteration = lambda *arguments: regularize_parameters  # noqa: F821
        with pytest.raises(NameError, match='regularize_parameters'):
            trainer.train(dataset)
    else:
        trainer.hookIteration = variant and (lambda trainer, *_: variant(trainer.module, case['l1'], case['l2']))
        trainer.train(dataset)
    same_lines(lines, case['stdout'], 1e-10)
    assert_same(trainer.module.parameters()[0], value(case['finalParameters']), 1e-10)


@pytest.mark.parametrize('case', load('regularization/apply.json')['cases'])
def test_apply(case):
    net = Stub(*value(case['before']))
    l1, l2 = case['l1'], case['l2']
    if min(l1, l2) < 0:  # Torch7 computes something with negative weights; here they are refused
        with pytest.raises(ValueError, match='>= 0'):
            VARIANTS[case['variant']](net, l1, l2)
        return
    tolerance = TOLERANCE[case['before'][0]['tensor']]
    assert_same(nn.regularization_penalty(net, l1, l2), value(case['penaltyBefore']), 1e-12)
    with np.errstate(invalid='ignore'):
        VARIANTS[case['variant']](net, l1, l2)
    assert_same(net.tensors, value(case['after']), tolerance)
    assert_same(nn.regularization_penalty(net, l1, l2), value(case['penaltyAfter']), tolerance)


@pytest.mark.parametrize('case', load('regularization/penalties.json')['cases'])
def test_penalties(case):
    net = build_with_sharing(case).type(case['type'])
    assert_same(net.parameters()[0], value(case['parameters']))
    for record in case['penalties']:
        penalty = nn.regularization_penalty(net, record['l1'], record['l2'])
        # without parameters the post's code fails; here the penalty of nothing is 0
        assert_same(penalty, float(value(record.get('penalty', 0))), TOLERANCE[case['type']])


def norm(x, p=2, axis=None):
    """Torch7's tensor:norm(p, dim)."""
    if p == 0:
        return (x != 0).sum(axis)
    with np.errstate(divide='ignore'):
        return (np.abs(x) ** p).sum(axis) ** (1 / p)


@pytest.mark.parametrize('case', load('regularization/norm_clamp.json')['cases'])
def test_norms_and_clamps(case):
    """What the post calls in Torch7 (norm, clamp) is what NumPy's formulas here give."""
    input = value(case['input'])
    single = input.dtype == np.float32
    for record in case['norms']:
        p = value(record.get('p', 2))
        if np.isfinite(p):  # tensor:norm(inf) is not max |x| in Torch7; nobody needs what it is
            expected = value(record['norm'])
            axis = record['dim'] - 1 if 'dim' in record else None
            actual = np.reshape(norm(input.astype(float), p, axis), np.shape(expected))
            np.testing.assert_allclose(actual, expected, rtol=1e-6 if single else 1e-12)
    for record in case['clamps']:
        low, high = value(record['min']), value(record['max'])
        clamped = np.where(input < low, low, np.minimum(input, high)).astype(input.dtype)
        assert_same(clamped, value(record['result']))


tensors = hnp.arrays(float, hnp.array_shapes(max_dims=3, max_side=5), elements=st.floats(-1e3, 1e3))
weights = st.floats(0, 2)


@given(st.lists(tensors, max_size=3), weights, weights)
def test_formulas(parameters, l1, l2):
    net = Stub(*copy.deepcopy(parameters))
    penalty = sum(l1 * np.abs(w).sum() + l2 * (w**2).sum() for w in parameters)
    assert nn.regularization_penalty(net, l1, l2) == pytest.approx(penalty, rel=1e-12, abs=1e-300)
    nn.regularize_parameters(net, l1, l2)
    for new, old in zip(net.tensors, parameters, strict=True):
        np.testing.assert_allclose(new, (1 - l2) * old - np.clip(old, -l1, l1), rtol=1e-12, atol=1e-10)


@given(tensors, weights)
def test_l1_is_soft_thresholding(w, l1):
    net = Stub(w.copy())
    nn.regularize_parameters(net, l1, 0)
    np.testing.assert_allclose(net.tensors[0], np.sign(w) * np.maximum(np.abs(w) - l1, 0), atol=1e-12)


@pytest.mark.parametrize(
    'make', [lambda x: x.T, lambda x: x[:, ::2], lambda x: np.asfortranarray(x), lambda x: x[:0], lambda x: x[::2].T]
)
def test_any_memory_layout(make):
    whole = np.random.RandomState(0).randn(300, 200)
    w = make(whole)
    expected = 0.9 * w - np.clip(w, -0.5, 0.5)
    penalty = 0.5 * np.abs(w).sum() + 0.1 * (w**2).sum()
    net = Stub(w)
    assert nn.regularization_penalty(net, 0.5, 0.1) == pytest.approx(penalty, rel=1e-12)
    nn.regularize_parameters(net, 0.5, 0.1)
    np.testing.assert_allclose(net.tensors[0], expected, rtol=1e-12, atol=1e-12)
    assert net.tensors[0] is w


def test_float32_stays_float32():
    net = Stub(np.ones((2, 3), np.float32))
    nn.regularize_parameters(net, 0.25, 0.5)
    assert net.tensors[0].dtype == np.float32
    assert net.tensors[0].tolist() == [[0.25] * 3] * 2


@pytest.mark.parametrize('weight', [-0.1, float('nan'), float('inf')])
@pytest.mark.parametrize(
    'function', [nn.regularization_penalty, nn.regularize_parameters, nn.regularize_parameters_as_published]
)
def test_weights_that_make_no_sense(function, weight):
    net = nn.Linear(2, 1)
    before = net.weight.copy()
    with pytest.raises(ValueError, match=f'{function.__name__}: expected a finite l1_weight >= 0, got {weight}'):
        function(net, weight, 0)
    with pytest.raises(ValueError, match=f'{function.__name__}: expected a finite l2_weight >= 0, got {weight}'):
        function(net, 0, weight)
    assert np.array_equal(net.weight, before)


def test_weights_that_are_no_numbers():
    with pytest.raises(TypeError, match="regularize_parameters: expected a number as l1_weight, got str '1'"):
        nn.regularize_parameters(nn.Linear(2, 1), '1', 0)
    with pytest.raises(ValueError, match='L1L2: expected a finite l2_weight >= 0, got -1'):
        nn.L1L2(0, -1)


def trained(hook):
    nn.manualSeed(3)
    net = nn.Sequential().add(nn.Linear(2, 4)).add(nn.Tanh()).add(nn.Linear(4, 1))
    trainer = nn.StochasticGradient(net, nn.MSECriterion())
    trainer.maxIteration, lines = 3, []
    trainer.log, trainer.hookIteration = lines.append, hook
    rng = np.random.RandomState(0)
    trainer.train([(rng.randn(2), rng.randn(1)) for _ in range(5)])
    return net, lines


def test_hook_is_penalty_and_step():
    def by_hand(trainer, iteration, error):
        penalty = nn.regularization_penalty(trainer.module, 0.01, 0.02)
        nn.regularize_parameters(trainer.module, 0.01, 0.02)
        return error + penalty

    (net, lines), (other, its_lines) = trained(nn.L1L2(0.01, 0.02)), trained(by_hand)
    assert lines == its_lines
    assert_same(net.parameters()[0], other.parameters()[0])


def test_hook_without_biases():
    net, _ = trained(nn.L1L2(10, 0, bias=False))
    weights, biases = net.parameters()[0][::2], net.parameters()[0][1::2]
    assert not any(weight.any() for weight in weights)
    assert all(bias.any() for bias in biases)
    hook = nn.L1L2(1, 0, bias=False)
    assert hook.penalty(net) == 0
    assert nn.L1L2(1, 0).penalty(net) == pytest.approx(sum(np.abs(bias).sum() for bias in biases))


def test_shared_tensor_is_treated_as_often_as_it_is_listed():
    w = np.array([8.0])
    nn.regularize_parameters(Stub(w, w), 1, 0)
    assert w == [6.0]


def test_hooks_in_a_chain():
    history = nn.hooks.History()
    _, lines = trained(nn.hooks.chain(nn.L1L2(0.01, 0.02), history, lambda *arguments: None))
    assert [f'# current error = {error:.14g}' for error in history.errors] == lines[1:4]


@pytest.mark.parametrize(
    'function', [nn.regularize_parameters, nn.regularization_penalty, nn.regularize_parameters_as_published]
)
@pytest.mark.parametrize('network', [None, 'x', [nn.Linear(2, 1)], nn.MSECriterion(), np.ones(2), nn.Linear])
def test_what_is_no_network(function, network):
    with pytest.raises(TypeError, match=': expected a module as network, got '):
        function(network, 0.1, 0.1)


@pytest.mark.parametrize('weight', [True, np.True_, 1j, None, [0.1]])
def test_weight_that_is_no_number(weight):
    with pytest.raises(TypeError, match='L1L2: expected a number as l1_weight, got '):
        nn.L1L2(weight)


@pytest.mark.parametrize('bias', [None, 'x', 1, [True]])
def test_bias_that_is_no_flag(bias):
    with pytest.raises(TypeError, match='expected True or False as bias, got '):
        nn.L1L2(0.1, bias=bias)
    with pytest.raises(TypeError, match='expected True or False as bias, got '):
        nn.regularize_parameters(nn.Linear(2, 1), 0.1, 0.1, bias)


def test_weight_beyond_all_floats():
    with pytest.raises(ValueError, match='expected a finite l1_weight'):
        nn.regularize_parameters(nn.Linear(2, 1), 10**400, 0)
