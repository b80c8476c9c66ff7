"""Layers and criterions of one's own, as users write them: trained alike by every way, or reported."""

import re
import warnings

import numpy as np
import pytest

import t7nn as nn
from t7nn import optim
from t7nn.untrained import untrained

X, T = np.array([1.0, 2.0]), np.array([0.5, -1.0])


class Scale(nn.Module):
    """y = w x."""

    def __init__(self):
        super().__init__()
        self.weight, self.gradWeight = np.array([1.0, 2.0]), np.zeros(2)

    def updateOutput(self, input):
        self.output = self.weight * input
        return self.output

    def updateGradInput(self, input, gradOutput):
        self.gradInput = self.weight * gradOutput
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradWeight += scale * input * gradOutput


class PutsANewGradient(Scale):
    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradWeight = self.gradWeight + scale * input * gradOutput


class PutsTheGradient(Scale):
    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradWeight = scale * input * gradOutput


class ReadsItsGradient(Scale):
    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradWeight *= 0.5
        self.gradWeight += scale * input * gradOutput


class PassesByScale(Scale):
    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradWeight += input * gradOutput


class GivesIterators(Scale):
    def parameters(self):
        return iter([self.weight]), iter([self.gradWeight])


class DeclaresInTheInstance(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.gradA = np.array([1.0, 2.0]), np.zeros(2)
        self.learned = (('a', 'gradA'),)

    weight = property(lambda self: self.a)
    updateOutput, updateGradInput = Scale.updateOutput, Scale.updateGradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradA += scale * input * gradOutput


def by_trainer(net):
    trainer = nn.StochasticGradient(net, nn.MSECriterion())
    trainer.log, trainer.learningRate, trainer.maxIteration = None, 0.1, 2
    trainer.train([(X, T)])


def by_steps(net):
    criterion = nn.MSECriterion()
    for _ in range(2):
        net.zeroGradParameters()
        criterion.forward(net.forward(X), T)
        net.backward(X, criterion.backward(net.output, T))
        net.updateParameters(0.1)


def by_optim(net):
    criterion = nn.MSECriterion()
    w, dw = net.getParameters()

    def evaluate(w):
        net.zeroGradParameters()
        loss = criterion.forward(net.forward(X), T)
        net.backward(X, criterion.backward(net.output, T))
        return loss, dw

    for _ in range(2):
        optim.sgd(evaluate, w, {'learningRate': 0.1})


@pytest.mark.parametrize('train', [by_trainer, by_steps, by_optim])
@pytest.mark.parametrize(
    'layer',
    [Scale, PutsANewGradient, PutsTheGradient, ReadsItsGradient, PassesByScale, GivesIterators, DeclaresInTheInstance],
)
def test_every_way_to_train_gives_the_same(layer, train):
    net, w = layer(), np.array([1.0, 2.0])
    train(net)
    for _ in range(2):
        w = w - 0.1 * X * (w * X - T)
    np.testing.assert_allclose(net.weight, w, rtol=1e-12)


class Clipped(nn.Linear):
    """A constraint on the weights after every update."""

    def updateParameters(self, learningRate):
        super().updateParameters(learningRate)
        np.clip(self.weight, -0.01, 0.01, self.weight)


class Frozen(nn.Linear):
    def parameters(self):
        """Nothing, as a Lua function that returns nothing."""


def test_the_trainer_calls_an_update_of_ones_own():
    net = Clipped(2, 2)
    by_trainer(net)
    assert np.abs(net.weight).max() <= 0.01


@pytest.mark.parametrize('train', [by_trainer, by_steps])
def test_no_parameters_none_trained(train):
    net = Frozen(2, 2)
    before = net.weight.copy()
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        train(net)
    np.testing.assert_array_equal(net.weight, before)


class NoReturn(Scale):
    def updateOutput(self, input):
        self.output = self.weight * input


class NotKept(Scale):
    def updateOutput(self, input):
        return self.weight * input


class GradientNotKept(Scale):
    def updateGradInput(self, input, gradOutput):
        return self.weight * gradOutput


class LossGradientNotKept(nn.Criterion):
    def updateOutput(self, input, target=None):
        self.output = 1.0
        return self.output

    def updateGradInput(self, input, target=None):
        return input - target


@pytest.mark.parametrize(
    'net, criterion, kind, message',
    [
        (NoReturn, nn.MSECriterion, TypeError, 'nn.NoReturn: expected updateOutput to return .* self.output, got nil'),
        (NotKept, nn.MSECriterion, ValueError, r'nn.NotKept: expected updateOutput .*; write self.output = \.\.\. '),
        (GradientNotKept, nn.MSECriterion, ValueError, 'nn.GradientNotKept: expected updateGradInput to return '),
        (Scale, LossGradientNotKept, ValueError, 'nn.LossGradientNotKept: expected updateGradInput to return '),
    ],
)
def test_a_result_is_kept_and_returned(net, criterion, kind, message):
    net = nn.Sequential().add(nn.Linear(2, 2)).add(net())
    with pytest.raises(kind, match=message):
        nn.StochasticGradient(net, criterion()).train([(X, T)])


def test_no_gradInput_is_no_result():
    class First(Scale):
        def updateGradInput(self, input, gradOutput):
            self.gradInput = None

    assert First().backward(X, T) is None


def test_a_constructor_that_forgets_its_base():
    class Forgetful(nn.Module):
        def __init__(self):
            self.weight = np.ones(2)

    with pytest.raises(TypeError, match=r'nn.Forgetful: expected its __init__ to call super\(\).__init__\(\)'):
        Forgetful()


@pytest.mark.parametrize('learned', [('a', 'gradA'), {'a': 'gradA'}, 'a', (('a',),), (('_a', 'gradA'),), ((1, 2),)])
def test_learned_that_is_no_pairs_of_public_names(learned):
    with pytest.raises(TypeError, match=r'nn.Wrong: expected (learned = \(\(|public names in learned)'):
        type('Wrong', (nn.Module,), {'learned': learned})


@pytest.mark.parametrize('result', [[np.ones(1)], (np.ones(1), np.ones(1)), 3, ('a', 'b')])
def test_parameters_that_are_no_two_lists(result):
    layer = type('Wrong', (nn.Module,), {'parameters': lambda self: result})()
    with pytest.raises(TypeError, match='nn.Wrong: expected two lists from parameters'):
        layer.parameters()


def fields(**values):
    """A layer with these fields beside its own."""
    layer = Scale()
    vars(layer).update(values)
    return layer


class WithNetworks(Scale):
    def __init__(self, nets):
        super().__init__()
        self.nets = nets


class NamedParametersOnly(nn.Sequential):
    learned = (('a', 'gradA'),)

    def __init__(self):
        super().__init__()
        self.add(nn.Linear(2, 2))
        self.a, self.gradA = np.ones(2), np.zeros(2)


class NoStep(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight, self.gradWeight = np.ones(2), np.zeros(2)

    def forward(self, input):
        self.output = self.weight * input
        return self.output

    def backward(self, input, gradOutput, scale=1):
        self.gradInput = self.weight * gradOutput
        return self.gradInput


class InALists(nn.Module):
    def __init__(self):
        super().__init__()
        self.values, self.slopes = [np.ones(2)], [np.zeros(2)]

    def accGradParameters(self, input, gradOutput, scale=1):
        self.slopes[0] += scale * input * gradOutput


@pytest.mark.parametrize(
    'layer, sentence',
    [
        (lambda: fields(alpha=np.ones(2), grad_alpha=np.zeros(2)), 'alpha has a gradient grad_alpha beside it'),
        (lambda: fields(W=np.ones(2), gradW=np.zeros(2)), 'W has a gradient gradW beside it'),
        (lambda: fields(b=np.ones(2), db=np.zeros(2)), 'b has a gradient db beside it'),
        (lambda: WithNetworks([nn.Linear(2, 2)]), 'nets is a module whose parameters are not among'),
        (lambda: WithNetworks({'a': [nn.Tanh(), nn.Linear(2, 2)]}), 'nets is a module whose parameters are not among'),
        (NamedParametersOnly, r'a has a gradient gradA .*; list it in parameters\(\)'),
        (NoStep, 'it has parameters but no accGradParameters'),
        (NoStep, 'it has forward but no updateOutput'),
        (NoStep, 'it has backward but no updateGradInput'),
        (InALists, r'it has accGradParameters but parameters\(\) names none'),
    ],
)
def test_what_is_not_trained_is_reported(layer, sentence):
    assert [found for found in untrained(layer()) if re.search(sentence, found)]


@pytest.mark.parametrize(
    'layer', [Scale, lambda: WithNetworks([nn.Tanh()]), lambda: fields(b=np.ones(3), db=np.ones(2)), PutsANewGradient]
)
def test_nothing_to_report(layer):
    assert untrained(layer()) == []


class Views(Scale):
    def __init__(self):
        super().__init__()
        self.flat, self.gradFlat = np.ones(4), np.zeros(4)

    def parameters(self):
        return [self.flat[:2], self.flat[2:]], [self.gradFlat[:2], self.gradFlat[2:]]


class Hidden(Scale):
    def __init__(self):
        super().__init__()
        self._net = nn.Linear(2, 2)

    def parameters(self):
        return self._net.parameters()


@pytest.mark.parametrize('layer', [Views, Hidden])
def test_parameters_that_cannot_move_into_one_vector(layer):
    layer = layer()
    before = [id(tensor) for tensor in vars(layer).values()]
    with pytest.raises(ValueError, match=r'expected parameters\(\) to list public fields'):
        layer.getParameters()
    assert [id(tensor) for tensor in vars(layer).values()] == before


def read_only(array):
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    'name, value, kind, message',
    [
        ('weight', np.array([1, 2]), TypeError, 'nn.Scale: expected weight of float64, got int64'),
        ('weight', read_only(np.ones(2)), ValueError, 'nn.Scale: expected a writable weight, got a read-only one'),
        ('gradWeight', 0.0, TypeError, 'nn.Scale: expected a writable tensor as gradient 1 of parameters'),
    ],
)
@pytest.mark.parametrize('train', [by_trainer, by_steps])
def test_parameters_of_wrong_kinds(train, name, value, kind, message):
    layer = Scale()
    setattr(layer, name, value)
    with pytest.raises(kind, match=message):
        train(layer)


def test_blas_writes_to_no_read_only_array():
    layer = nn.Linear(2, 1)
    layer.weight = read_only(np.ones((1, 2)))
    for step in (
        lambda: layer.accUpdateGradParameters(X, np.ones(1), 0.1),
        lambda: layer.updateParameters(0.1),
        lambda: nn.regularize_parameters(layer, 0.1, 0.1),
    ):
        with pytest.raises(ValueError, match='read-only'):
            step()
    assert layer.weight.tolist() == [[1, 1]]
