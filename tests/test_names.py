"""Names that t7nn does not have: the error says what is meant."""

from pathlib import Path

import pytest

import t7nn as nn
from t7nn.names import PYTORCH

PAGE = (Path(__file__).parent.parent / 'docs' / 'from-pytorch.md').read_text('utf-8')


@pytest.mark.parametrize('name', PYTORCH)
def test_names_of_pytorch(name):
    with pytest.raises(AttributeError) as raised:
        getattr(nn, name)
    assert str(raised.value) == f"module t7nn has no '{name}'; for PyTorch's nn.{name} Torch7 has nn.{PYTORCH[name]}"
    for meant in PYTORCH[name].split(' and nn.'):
        assert hasattr(nn, meant)
        assert name in PAGE and meant in PAGE


@pytest.mark.parametrize(
    ('name', 'meant'),
    [
        ('ReLu', 'ReLU'), ('Softmax', 'SoftMax'), ('Linaer', 'Linear'), ('sequential', 'Sequential'),
        ('MSECriterium', 'MSECriterion'), ('StochasticGradients', 'StochasticGradient'),
    ],
)  # fmt: skip
def test_capitals_and_typing_mistakes(name, meant):
    with pytest.raises(AttributeError, match=rf"module t7nn has no '{name}'; did you mean nn\.{meant}\?$"):
        getattr(nn, name)


def test_a_name_like_no_other():
    with pytest.raises(AttributeError, match=r"module t7nn has no 'Qwertz'$"):
        nn.Qwertz  # noqa: B018


@pytest.mark.parametrize('name', ['_hidden', '__wrapped__'])
def test_private_names_get_no_advice(name):
    assert not hasattr(nn, name)


def test_submodules_can_be_imported():
    from t7nn import exercises, plots  # the look-up of the attribute comes first, and must not stand in the way

    assert nn.plots is plots and nn.exercises is exercises


def test_sequential_with_modules():
    with pytest.raises(TypeError, match=r'nn\.Sequential: no arguments expected, got 2; add the modules one by one'):
        nn.Sequential(nn.Linear(2, 2), nn.Tanh())


def test_a_name_with_a_point_is_no_attribute():
    assert not hasattr(nn, 'inn.SpatialMaxPooling')
