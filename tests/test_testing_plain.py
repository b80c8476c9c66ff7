"""Layers written in plain NumPy pass every check, as a batch and as a single example, with the defaults."""

import numpy as np
import pytest
from plain_layers import LAYERS, LOSSES

import t7nn as nn
from t7nn.testing import check_criterion, check_module, report


@pytest.mark.parametrize('name', LAYERS)
@pytest.mark.parametrize('form', ['batch', 'single'])
def test_plain_layer_passes(name, form):
    make, batch, single = LAYERS[name]
    nn.manualSeed(1)
    input = batch if form == 'batch' else single
    if input is not None:
        check_module(make(), input)


@pytest.mark.parametrize('name', LOSSES)
@pytest.mark.parametrize('form', [1, 2])
def test_plain_loss_passes(name, form):
    example = LOSSES[name]
    check_criterion(example[0](), *example[form])


@pytest.mark.parametrize(
    'module, input',
    [
        (nn.Dropout(), np.ones((2, 3))),
        (nn.BatchNormalization(3), np.random.RandomState(0).randn(4, 3)),
        (nn.SpatialBatchNormalization(2), np.random.RandomState(0).randn(3, 2, 2, 2)),
        (nn.SpatialDropout(), np.ones((2, 3, 2, 2))),
        (nn.SpatialConvolution(1, 2, 2, 2), np.random.RandomState(0).randn(1, 3, 3)),
        (nn.LookupTable(3, 2), np.array([1, 3, 3])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_layers_that_draw_or_mix_pass_under_the_defaults(module, input):
    check_module(module, input)


def test_large_layer_is_quick_and_says_what_was_looked_at(monkeypatch):
    calls = []
    forward = nn.Linear.updateOutput
    monkeypatch.setattr(nn.Linear, 'updateOutput', lambda self, input: calls.append(1) or forward(self, input))
    found = report(nn.Linear(300, 300), np.random.RandomState(0).randn(10, 300), verbose=False)
    assert found.ok
    assert 'gradWeight: 48 of 90000 elements' in found['parameter_gradient'].text
    assert len(calls) < 1000  # 180,600 when every element was moved
