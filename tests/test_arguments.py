"""Arguments of constructors as Lua takes them: whole numbers without a type of their own, nil for a default."""

import numpy as np
import pytest

import t7nn as nn


@pytest.mark.parametrize(
    'make',
    [
        lambda n: nn.Linear(n(4), n(2)),
        lambda n: nn.Linear(inputSize=n(4), outputSize=n(2)),
        lambda n: nn.Narrow(n(-1), n(2), n(3)),
        lambda n: nn.Select(n(2), n(-1)),
        lambda n: nn.Reshape(n(2), n(2)),
        lambda n: nn.View(n(-1), n(2)),
        lambda n: nn.Unsqueeze(n(1), n(1)),
        lambda n: nn.Sum(n(1), n(1)),
        lambda n: nn.Replicate(n(3), n(2), n(1)),
        lambda n: nn.Padding(n(1), n(-2), n(1), n(1), n(3)),
        lambda n: nn.BatchNormalization(n(4)),
        lambda n: nn.PReLU(n(4)),
        lambda n: nn.CReLU(n(1)),
        lambda n: nn.GatedLinearUnit(n(2)),
        lambda n: nn.Concat(n(2)).add(nn.Identity()),
        lambda n: nn.Sequential().add(nn.SplitTable(n(2))).add(nn.SelectTable(n(-1))),
        lambda n: nn.Sequential().add(nn.SplitTable(n(1))).add(nn.NarrowTable(n(2), n(1))).add(nn.JoinTable(n(1))),
    ],
)
def test_whole_floats(make):
    x = np.arange(8.0).reshape(2, 4)
    results = []
    for kind in (int, float, np.float64):
        nn.manualSeed(1)
        module = make(kind)
        output = module.forward(x)
        results.append((str(module), output.tolist(), module.backward(x, np.cos(output)).tolist()))
    assert results[0] == results[1] == results[2]


def test_other_floats_stay_floats():
    assert type(nn.Dropout(0.0).p) is float
    assert type(nn.Power(2.0).pow) is float
    with pytest.raises(TypeError):
        nn.Linear(2.5, 2)


def test_nil():
    assert nn.Sum(2, None, None, False).sizeAverage is False
    assert (nn.HardTanh(None, 3).min_val, nn.Threshold(None, None, True).threshold) == (-1, 1e-6)
    assert nn.BatchNormalization(2.0, None, None, False).momentum == 0.1
    assert nn.Squeeze(None, 2.0).numInputDims == 2
    assert nn.Reshape(3, None).batchMode is None
