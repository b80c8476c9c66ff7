"""nn.Jacobian against what real Torch7 gave, and against derivatives known in advance; the diagonal of the Hessian."""

import copy
import warnings

import numpy as np
import pytest
from golden_files import assert_same, build, load, value

import t7nn as nn
from t7nn import Pointwise, random

CASES = [case for case in load('module_api.json')['cases'] if case['kind'] == 'jacobian']

# finite differences carry rounding errors of about 1e-16 / 1e-6; all else agrees to the last digits
ROUNDING = 1e-9


@pytest.fixture(params=CASES, ids=lambda case: case['name'])
def case(request):
    return request.param


class Subject:
    """A module and an input as the record has them."""

    def __init__(self, case):
        nn.manualSeed(case['seed'])
        self.module, self.input = build(case['construct']), value(case['input'])
        self.parameters = {name: getattr(self.module, name) for name in ('weight', 'bias')}
        self.gradients = {'weight': self.module.gradWeight, 'bias': self.module.gradBias}


def test_matrices(case):
    subject = Subject(case)
    module, input = subject.module, subject.input
    assert_same(nn.Jacobian.backward(module, input), value(case['backward']), 1e-12)
    assert_same(nn.Jacobian.forward(module, input), value(case['forward']), ROUNDING)
    assert_same(input, value(case['input']))
    for name, parameter in subject.parameters.items():
        if f'{name}Backward' in case:
            before = parameter.copy()
            expected = value(case[f'{name}Backward'])
            assert_same(nn.Jacobian.backward(module, input, parameter, subject.gradients[name]), expected, 1e-12)
            assert_same(nn.Jacobian.forward(module, input, parameter), expected, ROUNDING)
            expected = value(case[f'{name}BackwardUpdate'])
            assert_same(nn.Jacobian.backwardUpdate(module, input, parameter), expected, 1e-12)
            assert_same(nn.Jacobian.forwardUpdate(module, input, parameter), expected, ROUNDING)
            assert_same(parameter, before)


def arguments(subject, test, name):
    """What a recorded test was called with, after module and input."""
    parameter, gradient = subject.parameters.get(name), subject.gradients.get(name)
    return {
        'testJacobian': (),
        'testJacobianInRange': (-0.5, 1.5, 1e-5),
        'testJacobianParameters': (parameter, gradient),
        'testJacobianUpdateParameters': (parameter,),
        'testAllUpdate': (name, f'grad{name.capitalize()}'),
        'testIO': (),
    }[test]


def test_tests(case):
    tests = [key for key in case if key.startswith('test')]
    assert {'testJacobian', 'testJacobianInRange', 'testIO'} <= set(tests)
    for key in tests:
        test, _, name = key.partition(' ')
        subject = Subject(case)
        nn.manualSeed(case['seed'] + 2)
        function = getattr(nn.Jacobian, test.removesuffix('InRange'))
        error = function(subject.module, subject.input, *arguments(subject, test, name))
        assert random.random() == case[key]['next'], key
        assert_same(subject.input, value(case[key]['inputAfter']), 1e-15, key)
        expected = value(case[key]['error'])
        if isinstance(expected, dict):
            assert error.keys() == expected.keys()
            error, expected = list(error.values()), [expected[name] for name in error]
        np.testing.assert_allclose(error, expected, 0, ROUNDING, err_msg=key)


class Wrong(nn.Linear):
    """Linear with a gradient off by 0.1 % here and a step off by 0.1 % there."""

    def updateGradInput(self, input, gradOutput):
        return super().updateGradInput(input, gradOutput * 1.001)

    def accGradParameters(self, input, gradOutput, scale=1):
        super().accGradParameters(input, gradOutput, 1.001 * scale)


def test_wrong_gradients_show():
    nn.manualSeed(1)
    module, input = Wrong(3, 2), np.empty((2, 3))
    for error in (
        nn.Jacobian.testJacobian(module, input),
        nn.Jacobian.testJacobianParameters(module, input, module.weight, module.gradWeight),
        nn.Jacobian.testJacobianUpdateParameters(module, input, module.bias),
    ):
        assert 1e-4 < error < 1e-2


def test_ways_to_update_that_differ_show():
    class Slow(nn.Linear):
        def accUpdateGradParameters(self, input, gradOutput, lr):
            super().accUpdateGradParameters(input, gradOutput, lr / 2)

    errors = nn.Jacobian.testAllUpdate(Slow(3, 2), np.ones(3), 'weight', 'gradWeight')
    assert {name for name, error in errors.items() if error > 1e-3} == {
        'accUpdateGradParameters',
        'accUpdateGradParameters [shared]',
    }


class Forgetful(nn.Linear):
    def __setstate__(self, state):
        super().__setstate__({**state, 'weight': state['weight'] * 2})


def test_a_module_that_comes_back_changed_shows():
    output, gradInput = nn.Jacobian.testIO(Forgetful(3, 2), np.ones(3))
    assert output > 1e-3
    assert gradInput > 1e-3


def test_warning_below_float64():
    module = nn.Linear(3, 2).float()
    with pytest.warns(
        RuntimeWarning, match=r'nn\.Jacobian: in float32 differences of 1e-06 are mostly rounding.*double'
    ):
        nn.Jacobian.testJacobian(module, np.ones(3, np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert nn.Jacobian.backward(module, np.ones(3, np.float32)).dtype == np.float64


def test_error_leaves_the_input_as_it_was():
    input = np.ones(4)
    net = nn.Sequential().add(nn.Tanh()).add(nn.Linear(3, 2))
    with pytest.raises(ValueError, match='expected input of size 3'):
        nn.Jacobian.forward(net, input)

    class Fails(nn.Tanh):
        def updateOutput(self, input):
            if input[0] != 1:
                raise ValueError('no')
            return super().updateOutput(input)

    with pytest.raises(ValueError, match='no'):
        nn.Jacobian.forward(Fails(), input)
    assert np.array_equal(input, np.ones(4))


def test_non_contiguous_parameters():
    module, input = nn.Linear(3, 2), np.array([1.0, 2.0, 3.0])
    expected = nn.Jacobian.forward(module, input, module.weight)
    module.weight = np.asfortranarray(module.weight)
    assert_same(nn.Jacobian.forward(module, input, module.weight), expected, ROUNDING)


@pytest.mark.parametrize(
    ('call', 'kind', 'text'),
    [
        (lambda: nn.Jacobian.forward(nn.Identity(), []), TypeError, "expected a tensor as input, got a table of 0"),
        (
            lambda: nn.Jacobian.backward(nn.Linear(2, 1), np.ones(2), np.ones(2)),
            TypeError,
            r'nn\.Jacobian\.backward: expected dparam, the gradient of param as well',
        ),
        (
            lambda: nn.SparseJacobian.forward(nn.Linear(2, 1), np.ones(2)),
            ValueError,
            r'nn\.SparseJacobian: expected input of shape \(n, 2\) or wider, got \(2,\)',
        ),
    ],
)  # fmt: skip
def test_bad_input(call, kind, text):
    with pytest.raises(kind, match=text):
        call()


class Rows(nn.Linear):
    """A sparse layer in small: input rows (index, value), y = W x + b."""

    def dense(self, input):
        dense = np.zeros(self.weight.shape[1])
        np.add.at(dense, input[:, 0].astype(int) - 1, input[:, 1])
        return dense

    def updateOutput(self, input):
        return super().updateOutput(self.dense(input))

    def updateGradInput(self, input, gradOutput):
        values = gradOutput @ self.weight[:, input[:, 0].astype(int) - 1]
        self.gradInput = np.stack([input[:, 0], values], 1)
        return self.gradInput

    def accGradParameters(self, input, gradOutput, scale=1):
        super().accGradParameters(self.dense(input), gradOutput, scale)


def test_sparse():
    nn.manualSeed(1)
    module, input = Rows(4, 2), np.array([[1, 0.5], [3, -1.0]])
    expected = module.weight[:, [0, 2]].T
    assert_same(nn.SparseJacobian.backward(module, input), expected.copy(), 1e-15)
    assert_same(nn.SparseJacobian.forward(module, input), expected.copy(), ROUNDING)
    assert nn.SparseJacobian.testJacobian(module, input) < ROUNDING
    assert input[:, 0].tolist() == [1, 3]
    assert nn.SparseJacobian.testJacobianParameters(module, input, module.weight, module.gradWeight) < ROUNDING
    assert nn.SparseJacobian.testJacobianUpdateParameters(module, input, module.weight) < ROUNDING
    assert nn.SparseJacobian.testIO(module, input) == (0, 0)
    assert max(nn.SparseJacobian.testAllUpdate(module, input, 'weight', 'gradWeight').values()) < 1e-15


def test_sparse_linear():
    """Torch7's own test of SparseLinear, whose gradInput is a table."""
    nn.manualSeed(1)
    module, input = nn.SparseLinear(4, 2), np.array([[1, 0.5], [3, -1.0]])
    for name in ('weight', 'bias'):
        parameter, gradient = getattr(module, name), getattr(module, f'grad{name.capitalize()}')
        assert nn.SparseJacobian.testJacobianParameters(module, input, parameter, gradient) < ROUNDING
        assert nn.SparseJacobian.testJacobianUpdateParameters(module, input, parameter) < ROUNDING
        errors = nn.SparseJacobian.testAllUpdate(module, input, name, f'grad{name.capitalize()}')
        assert max(errors.values()) < 1e-15


def test_second_column_of_a_wide_input():
    """Torch7's own test of PartialLinear."""
    nn.manualSeed(1)
    module, input = nn.PartialLinear(5, 6), random.randn(3, 5)
    module.setPartition(np.array([2, 5, 1]))
    assert nn.SparseJacobian.backward(module, input).shape == (3, 9)
    assert nn.SparseJacobian.testJacobian(module, input) < ROUNDING
    inner = module.network.get(1).get(2)
    assert nn.SparseJacobian.testJacobianParameters(module, input, inner.weight, inner.gradWeight) < ROUNDING
    assert nn.SparseJacobian.testJacobianUpdateParameters(module, input, module.bias) < ROUNDING
    assert nn.SparseJacobian.testIO(module, input) == (0, 0)


# the diagonal of the Hessian


nn.hessian.enable()

LINEAR = [
    (lambda: nn.Linear(3, 2), (3,)),
    (lambda: nn.Linear(3, 2), (4, 3)),
    (lambda: nn.Linear(3, 2).noBias(), (4, 3)),
    (lambda: nn.SpatialConvolution(2, 3, 2, 3, 2, 1, 1, 0), (2, 4, 5)),
    (lambda: nn.SpatialConvolution(2, 3, 2, 2), (2, 2, 3, 4)),
    (lambda: nn.SpatialConvolution(2, 3, 2, 2).noBias(), (2, 3, 4)),
    (lambda: nn.SpatialConvolutionLocal(2, 3, 4, 3, 2, 2), (2, 3, 4)),
    (lambda: nn.SpatialFullConvolution(2, 3, 2, 2, 2, 1), (2, 3, 2)),
    (lambda: nn.SpatialFullConvolution(2, 3, 2, 2).noBias(), (2, 2, 3, 2)),
    (lambda: nn.SpatialConvolutionMap(nn.tables.oneToOne(2), 2, 2), (2, 3, 4)),
    (lambda: nn.SpatialFullConvolutionMap(nn.tables.full(2, 3), 2, 2), (2, 3, 4)),
]


@pytest.mark.parametrize(('make', 'shape'), LINEAR)
def test_hessian_of_linear_layers(make, shape):
    nn.manualSeed(1)
    module = make()
    tests = [nn.Jacobian.testDiagHessianInput, nn.Jacobian.testDiagHessianWeight]
    if module.bias is not None:
        tests.append(nn.Jacobian.testDiagHessianBias)
    for test in tests:
        assert test(module, np.empty(shape)) < 1e-14
        assert module.diagHessianWeight.min() > 0


def test_wrong_hessian_shows():
    class Halved(nn.Linear):
        def accDiagHessianParameters(self, input, diagHessianOutput):
            super().accDiagHessianParameters(input, diagHessianOutput / 2)

        def updateDiagHessianInput(self, input, diagHessianOutput):
            return super().updateDiagHessianInput(input, diagHessianOutput / 2)

    nn.manualSeed(1)
    assert nn.Jacobian.testDiagHessianInput(Halved(3, 2), np.empty(3)) > 1e-3
    assert nn.Jacobian.testDiagHessianWeight(Halved(3, 2), np.empty(3)) > 1e-3
    assert nn.Jacobian.testDiagHessianBias(Halved(3, 2), np.empty(3)) > 0.1


def network():
    nn.manualSeed(2)
    return (
        nn.Sequential().add(nn.Linear(3, 4)).add(nn.Tanh()).add(nn.Reshape(2, 2)).add(nn.View(4)).add(nn.Linear(4, 2))
    )


def test_hessian_of_a_network():
    net, x = network(), np.array([0.3, -0.7, 0.2])
    net.initDiagHessianParameters()
    before = copy.deepcopy(net)
    y = net.forward(x)
    h2 = np.array([2.0, 3.0])
    first, last = net.get(1), net.get(5)
    slope = 1 - np.tanh(first.weight @ x + first.bias) ** 2
    h1 = slope**2 * (last.weight.T**2 @ h2)
    assert_same(net.updateDiagHessianInput(x, h2), first.weight.T**2 @ h1, 1e-14)
    net.accDiagHessianParameters(x, h2)
    hidden = net.get(2).output
    expected = [np.outer(h1, x**2), h1, np.outer(h2, hidden**2), h2]
    weights, gradients, hessians = nn.hessian.parameters(net)
    assert_same(hessians, expected, 1e-14)
    net.accDiagHessianParameters(x, h2)
    assert_same(hessians, [2 * h for h in expected], 1e-14)
    # all that has nothing to do with the Hessian is as it was
    assert_same(net.output, y)
    assert_same(weights, before.parameters()[0])
    assert_same(gradients, before.parameters()[1])
    flat, flat_grad, flat_hessian = nn.hessian.getParameters(net)
    assert flat.size == flat_grad.size == flat_hessian.size
    assert_same(flat_hessian, 2 * np.concatenate([h.ravel() for h in expected]), 1e-14)
    flat_hessian.fill(7)
    assert first.diagHessianWeight.min() == last.diagHessianBias.max() == 7
    assert nn.hessian.getParameters(nn.Linear(2, 1))[2] is None


def test_hessian_leaves_gradInput_alone():
    net, x = network(), np.array([0.3, -0.7, 0.2])
    gradOutput = np.ones_like(net.forward(x))
    gradInput = net.backward(x, gradOutput).copy()
    net.updateDiagHessianInput(x, np.array([2.0, 3.0]))
    net.accDiagHessianParameters(x, np.array([2.0, 3.0]))
    assert_same(net.gradInput, gradInput)


ELEMENTWISE = {
    name: getattr(nn, name) for name in ('Tanh', 'TanhShrink', 'Square', 'Sqrt', 'Sigmoid', 'ReLU') if hasattr(nn, name)
}
DERIVATIVES = {
    'Tanh': lambda x: 1 - np.tanh(x) ** 2,
    'TanhShrink': lambda x: np.tanh(x) ** 2,
    'Square': lambda x: 2 * x,
    'Sqrt': lambda x: 0.5 / np.sqrt(x),
    'Sigmoid': lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2,
    'ReLU': lambda x: (x > 0) * 1.0,
}


@pytest.mark.parametrize('name', DERIVATIVES)
def test_hessian_of_elementwise_layers(name):
    module, x, h = getattr(nn, name)(), np.array([0.3, 1.7]), np.array([2.0, 3.0])
    module.initDiagHessianParameters()
    module.forward(x)
    assert_same(module.updateDiagHessianInput(x, h), DERIVATIVES[name](x) ** 2 * h, 1e-14)
    assert module.accDiagHessianParameters(x, h) is None


def test_hessian_of_losses():
    x, t = np.array([[0.5, 0.0], [-1.0, 2.0]]), np.zeros((2, 2))
    assert_same(nn.MSECriterion().updateDiagHessianInput(x, t), np.full((2, 2), 0.5))
    assert_same(nn.MSECriterion(False).updateDiagHessianInput(x, t), np.full((2, 2), 2.0))


@pytest.mark.parametrize('make', [nn.SoftMax, nn.AbsCriterion, lambda: nn.Concat(1)])
def test_hessian_is_undefined(make):
    with pytest.raises(TypeError, match=r'nn\.\w+: updateDiagHessianInput\(\) is undefined'):
        make().updateDiagHessianInput(np.ones(2), np.ones(2))


def test_hessian_of_a_layer_of_ones_own():
    class Cube(Pointwise):
        def function(self, x, y):
            np.power(x, 3, y)

        def derivative(self, x, y, dy, dx):
            np.multiply(3 * x * x, dy, dx)

    layer, x = Cube(), np.array([2.0])
    layer.forward(x)
    assert layer.updateDiagHessianInput(x, np.array([1.0])) == 144


def test_losses_that_begin_the_hessian():
    x = np.array([0.5, 0.0, -1.0])
    assert_same(nn.WeightedMSECriterion(np.array([1.0, 2, 3])).updateDiagHessianInput(x, x), np.full(3, 2 / 3))
    assert_same(nn.L1Cost().updateDiagHessianInput(x), np.array([1.0, 0, 1]))


@pytest.mark.parametrize(
    'call, message',
    [
        (lambda x: nn.Jacobian.forward(None, x), 'nn.Jacobian: expected a module, got nil'),
        (lambda x: nn.Jacobian.backward(TWO, x), 'expected nn.ConcatTable with a tensor as output, got a table of 1'),
        (lambda x: nn.Jacobian.testIO(TWO, x), 'expected nn.ConcatTable with a tensor as output, got a table of 1'),
        (lambda x: nn.Jacobian.testAllUpdate(TWO, x, 'weight', 'gradWeight'), 'with a tensor as output'),
        (
            lambda x: nn.Jacobian.forward(nn.Tanh(), np.broadcast_to(x, (2, 3))),
            'that can be written to, got a read-only',
        ),
        (lambda x: nn.Jacobian.testJacobian(nn.Tanh(), np.broadcast_to(x, (2, 3))), 'that can be written to'),
        (
            lambda x: nn.Jacobian.testJacobianParameters(nn.Linear(3, 1), x, None, None),
            'expected a tensor to fill, got nil',
        ),
        (lambda x: nn.Jacobian.testJacobian(nn.Tanh(), x, perturbation=0), 'expected a perturbation > 0, got 0'),
        (lambda x: nn.Jacobian.testJacobian(nn.Tanh(), x, perturbation='x'), 'expected a number as perturbation'),
        (lambda x: nn.Jacobian.testJacobian(nn.Tanh(), x, None), 'expected a number as minval, got nil'),
    ],
)
def test_what_is_no_argument(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call(np.ones(3))


TWO = nn.ConcatTable().add(nn.Linear(3, 1))
