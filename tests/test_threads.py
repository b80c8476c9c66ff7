"""Threads: random numbers come once, and networks in different threads do not disturb one another."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import t7nn as nn


@pytest.fixture(autouse=True)
def switch_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize(
    'draw',
    [
        lambda: [nn.random.normal() for _ in range(2000)],
        lambda: [nn.random.uniform() for _ in range(2000)],
        lambda: np.concatenate([nn.random.randn(7) for _ in range(300)]).tolist(),
        lambda: [nn.random.normal(), *nn.random.randn(3), nn.random.normal()] * 1,
    ],
)
def test_no_number_comes_twice(draw):
    nn.manualSeed(1)
    with ThreadPoolExecutor(4) as pool:
        drawn = sum(pool.map(lambda _: draw(), range(4)), [])
    assert len(set(drawn)) == len(drawn)
    nn.manualSeed(1)
    alone = sum((draw() for _ in range(4)), [])
    assert sorted(drawn) == sorted(alone)


def trained(seed):
    generator = nn.random.Generator()
    generator.manualSeed(seed)
    net = nn.Sequential().add(nn.Linear(3, 5)).add(nn.Tanh()).add(nn.Linear(5, 2)).add(nn.LogSoftMax())
    for parameter in net.parameters()[0]:
        generator.uniform(-1, 1, out=parameter)
    data = [(generator.randn(3), 1 + i % 2) for i in range(20)]
    trainer = nn.StochasticGradient(net, nn.ClassNLLCriterion())
    trainer.log, trainer.maxIteration, trainer.shuffleIndices = None, 5, False
    trainer.hookIteration = nn.L1L2(l1=1e-4, l2=1e-3)
    trainer.train(data)
    return net.getParameters()[0]


def test_networks_in_threads_learn_what_they_learn_alone():
    alone = [trained(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(trained, range(8)))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_convolutions_in_threads():
    def run(seed):
        generator = nn.random.Generator()
        generator.manualSeed(seed)
        net = nn.Sequential().add(nn.SpatialConvolution(2, 9, 3, 3, 1, 1, 1, 1)).add(nn.SpatialBatchNormalization(9))
        net.add(nn.SpatialMaxPooling(2, 2)).add(nn.SpatialAveragePooling(3, 3, 1, 1))
        for parameter in net.parameters()[0]:
            generator.uniform(-1, 1, out=parameter)
        x = generator.randn(4, 2, 12, 12)
        return [net.forward(x).copy(), net.backward(x, np.ones_like(net.output)).copy()]

    alone = [run(seed) for seed in range(6)]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(run, range(6)))
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
