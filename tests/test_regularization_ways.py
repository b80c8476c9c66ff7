"""Where the ways to regularise of docs/regularization.md agree exactly, and where they do not."""

import numpy as np
import pytest

import t7nn as nn
from t7nn import optim
from t7nn.regularization import Proximal

RATE, L1, L2 = 0.1, 1.5, 0.2
RNG = np.random.RandomState(0)
X, T = RNG.randn(6, 3), RNG.randn(6, 2)


def network():
    nn.manualSeed(4)
    return nn.Sequential().add(nn.Linear(3, 5)).add(nn.Tanh()).add(nn.Linear(5, 2))


def gradients(net):
    criterion = nn.MSECriterion()
    net.zeroGradParameters()
    loss = criterion.forward(net.forward(X), T)
    net.backward(X, criterion.backward(net.output, T))
    return loss


def changed_gradients(net, l1, l2, steps=1):
    for _ in range(steps):
        gradients(net)
        for w, g in zip(*net.parameters(), strict=True):
            g += l1 * np.sign(w) + l2 * w
        net.updateParameters(RATE)
    return flat(net)


def flat(net):
    return np.concatenate([parameter.ravel() for parameter in net.parameters()[0]])


def same(one, other):
    np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-15)


def test_weight_decay_of_sgd_is_changed_gradients():
    net = network()
    w, g = net.getParameters()
    for _ in range(5):
        optim.sgd(lambda w: (gradients(net), g), w, {'learningRate': RATE, 'weightDecay': L2})
    same(w, changed_gradients(network(), 0, L2, steps=5))


def test_decay_between_gradient_and_update_is_changed_gradients():
    net = network()
    for _ in range(5):
        gradients(net)
        nn.regularize_parameters(net, 0, RATE * L2)
        net.updateParameters(RATE)
    same(flat(net), changed_gradients(network(), 0, L2, steps=5))


def test_decay_after_the_update_differs_by_a_product():
    net = network()
    gradients(net)
    g = np.concatenate([gradient.ravel() for gradient in net.parameters()[1]])
    net.updateParameters(RATE)
    nn.regularize_parameters(net, 0, RATE * L2)
    same(flat(net), changed_gradients(network(), 0, L2) + RATE**2 * L2 * g)


def test_l1_is_changed_gradients_for_weights_beyond_the_threshold():
    net = network()
    before = flat(net)
    gradients(net)
    nn.regularize_parameters(net, RATE * L1, 0)
    zeroed = flat(net) == 0
    net.updateParameters(RATE)
    other = changed_gradients(network(), L1, 0)
    large = np.abs(before) > RATE * L1
    assert large.any() and not large.all()
    same(flat(net)[large], other[large])
    assert zeroed[~large].all()
    assert np.abs(flat(net) - other)[~large].min() > 0


def test_l1_penalty_on_an_output_that_is_the_weights():
    one, dy = np.array([1.0]), RNG.randn(4)
    nn.manualSeed(4)
    layer = nn.Linear(1, 4).noBias()
    net = nn.Sequential().add(layer).add(nn.L1Penalty(L1))
    net.zeroGradParameters()
    assert net.forward(one) == pytest.approx(layer.weight.ravel())
    net.backward(one, dy)
    same(layer.gradWeight.ravel(), dy + L1 * np.sign(layer.weight.ravel()))


def test_without_l2_the_hook_is_the_proximal_step():
    nets = [network(), network()]
    for net, hook in zip(nets, (nn.L1L2(l1=0.1), Proximal(l1=0.1)), strict=True):
        trainer = nn.StochasticGradient(net, nn.MSECriterion())
        trainer.maxIteration, trainer.log, trainer.hookIteration = 3, None, hook
        nn.manualSeed(2)
        trainer.train(list(zip(X, T, strict=True)))
    same(*map(flat, nets))
    assert (flat(nets[0]) == 0).any()


def test_with_both_penalties_the_hook_shrinks_large_weights_as_well_but_makes_no_zeros():
    net, exact = network(), network()
    before = flat(net)
    for each, hook in (net, nn.L1L2(0.1, 0.2)), (exact, Proximal(0.1, 0.2)):
        trainer = nn.StochasticGradient(each, nn.MSECriterion())
        hook(trainer, 1, 0.0)
    small = np.abs(before) <= 0.1
    assert (flat(exact)[small] == 0).all() and small.any()
    same(flat(net)[small], -0.2 * before[small])
    same(flat(exact)[~small], (before - 0.1 * np.sign(before))[~small] / 1.4)
