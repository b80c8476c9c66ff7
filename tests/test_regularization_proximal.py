"""The exact step, held against a minimiser that knows no formula."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import t7nn as nn
from t7nn.regularization import Proximal


class Trainer:
    def __init__(self, module):
        self.module = module


@pytest.mark.parametrize(('l1', 'l2'), [(0.3, 0.2), (0.3, 0), (0, 0.2), (0, 0)])
def test_it_minimises(l1, l2):
    net = nn.Linear(4, 3)
    before = [parameter.copy() for parameter in net.parameters()[0]]
    error = Proximal(l1, l2)(Trainer(net), 1, 2.0)
    assert error == pytest.approx(2 + sum(
        l1 * np.abs(w).sum() + l2 * (w**2).sum() for w in before
    ))  # fmt: skip
    for parameter, old in zip(net.parameters()[0], before, strict=True):
        for v, w in zip(parameter.ravel(), old.ravel(), strict=True):
            best = minimize_scalar(
                lambda v, w=w: (v - w) ** 2 / 2 + l1 * abs(v) + l2 * v * v, options={'xtol': 1e-10}
            ).x
            assert v == pytest.approx(best, abs=1e-6)


def test_exact_zeros_with_both_penalties():
    nets = [nn.Linear(4, 3).noBias() for _ in range(2)]
    for net, hook in zip(nets, (Proximal(0.3, 0.2), nn.L1L2(0.3, 0.2)), strict=True):
        net.weight[:] = 0.2
        hook(Trainer(net), 1, 0.0)
    assert (nets[0].weight == 0).all()
    np.testing.assert_allclose(nets[1].weight, -0.2 * 0.2)


def test_biases_left_alone():
    net = nn.Linear(4, 3)
    bias = net.bias.copy()
    Proximal(9, 0.2, bias=False)(Trainer(net), 1, 0.0)
    np.testing.assert_array_equal(net.bias, bias)
    assert (net.weight == 0).all()


def test_what_it_refuses():
    with pytest.raises(ValueError, match='expected a finite l2_weight >= 0, got -1'):
        Proximal(0, -1)
    assert repr(Proximal(0.1, 0.2)) == 'Proximal(l1=0.1, l2=0.2, bias=True)'
