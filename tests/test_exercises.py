"""What grades the lessons: right answers pass (tests/test_lessons.py), a wrong one loses the task that it fails."""

import numpy as np
import pytest

import t7nn as nn
from t7nn import exercises

NUMBERS = range(1, 15)
ANSWERS = {4: 3}  # how many functions an exercise takes, where it is not one


def graded(number, *answers):
    return getattr(exercises, f'lesson{number}')(*answers)


def missed(score):
    return [title for title, wrong in score.tasks if wrong is not None]


@pytest.mark.parametrize('number', NUMBERS)
@pytest.mark.parametrize('answer', [lambda *arguments: None, lambda *arguments: 1 / 0, lambda: None, None, 'text'])
def test_no_answer_ends_the_grading(number, answer):
    score = graded(number, *[answer] * ANSWERS.get(number, 1))
    assert score.right < score.total == len(score.tasks)
    assert f'{score!r}'.endswith(f'score: {score.right} of {score.total}')


@pytest.mark.parametrize('number', NUMBERS)
def test_the_random_generator_is_left_alone(number):
    state = nn.random.getRNGState()
    graded(number, *[lambda *arguments: None] * ANSWERS.get(number, 1))
    assert np.array_equal(nn.random.getRNGState(), state)


def test_an_error_is_named():
    score = exercises.lesson1(lambda w, x, t, rate: w.item())
    assert "AttributeError: 'int' object has no attribute 'item'" in repr(score)


@pytest.mark.parametrize(
    ('number', 'answer', 'hint'),
    [
        (1, lambda w, x, t, rate: (w, x), 'expected a number, got shape (2,)'),
        (1, lambda w, x, t, rate: w + None, ', in <lambda>)'),
        (2, lambda *arguments: None, 'expected (dW, db, dV, dc, dx), got None; is there a return?'),
        (2, lambda *arguments: (1, 2), 'expected 5 results, (dW, db, dV, dc, dx), got 2'),
        (3, lambda *arguments: np.ones(3), 'expected (dX, dW, db), got one result, of ndarray'),
        (10, lambda regularize: False, 'a property asserts, what it returns does not count'),
        (11, lambda n, k: [[0, 1], [2, 3]], 'no pair of rows: [0, 1]'),
        (11, lambda n, k: [(np.arange(n) != 1, np.arange(n) == 1)], 'expected the numbers of rows, got a mask'),
        (12, nn.Tanh, 'expected a weight of shape (1,), got None'),
        (13, lambda: None, 'expected a network, got None; is there a return?'),
        (13, lambda: nn.Sequential().add(nn.Linear(20, 1)), 'there are no two hidden layers to compare'),
    ],
)
def test_hints(number, answer, hint):
    assert hint in repr(graded(number, answer))


def test_folds_may_be_a_generator():
    rows = np.arange
    score = exercises.lesson11(lambda n, k: ((rows(n)[rows(n) % k != i], rows(n)[rows(n) % k == i]) for i in range(k)))
    assert score.right == score.total


def test_in_a_notebook():
    shown = exercises.lesson1(lambda w, x, t, rate: w)._repr_html_()
    assert '<th>2 of 4</th>' in shown and '<td>not yet: expected 2.6, got 1</td>' in shown and '<td>right</td>' in shown


def test_a_missing_return_is_told():
    assert 'expected 2.6, got None; is there a return?' in repr(exercises.lesson1(lambda *arguments: None))


@pytest.mark.parametrize(
    ('answer', 'wrong'),
    [
        (lambda w, x, t, rate: w + rate * 2 * (w * x - t) * x, ['w = 1, x = 2', 'a negative input']),
        (lambda w, x, t, rate: w - rate * (w * x - t) * x, ['w = 1, x = 2', 'a negative input']),
        (lambda w, x, t, rate: w - rate * 2 * (w * x - t) * abs(x), ['a negative input']),
        (lambda w, x, t, rate: 3 + 0 * (w - rate * x), ['w = 1, x = 2', 'a negative input', 'an input of 0']),
    ],
)
def test_wrong_steps(answer, wrong):
    titles = missed(exercises.lesson1(answer))
    assert len(titles) == len(wrong) and all(t.startswith(w) for t, w in zip(titles, wrong, strict=True))


def right_gradients(W, b, V, c, x, t):
    a = W @ x + b
    h = np.maximum(a, 0)
    dy = 2 * (V @ h + c - t)
    da = (V.T @ dy) * (a > 0)
    return [np.outer(da, x), da, np.outer(dy, h), dy, W.T @ da]


@pytest.mark.parametrize(('position', 'name'), list(enumerate(['dW', 'db', 'dV', 'dc', 'dx'])))
def test_each_gradient_counts_alone(position, name):
    def answer(*arguments):
        gradients = right_gradients(*arguments)
        gradients[position] = gradients[position] * 1.001
        return gradients

    assert missed(exercises.lesson2(answer)) == [name]


def test_gradients_of_the_page_alone():
    """Whoever returns the numbers of the page has not passed."""
    assert missed(exercises.lesson2(lambda *a: right_gradients(*a)[:4])) == ['dx']
    assert missed(exercises.lesson2(lambda *a: [np.array([[0.0, 0], [1, 2]]), *right_gradients(*a)[1:]])) == ['dW']


def test_arguments_that_are_written_to():
    def answer(W, b, V, c, x, t):
        gradients = right_gradients(W, b, V, c, x, t)
        W -= gradients[0]
        return gradients

    assert missed(exercises.lesson2(answer)) == ['the arguments are left alone']


def test_a_layer_that_writes_into_its_input():
    class ReLU:
        def parameters(self):
            return [], []

        def accGradParameters(self, *arguments):
            pass

        accUpdateGradParameters = accGradParameters

        def updateOutput(self, input):
            self.output = np.maximum(input, 0, out=input)
            return self.output

        def updateGradInput(self, input, gradOutput):
            return gradOutput * (input > 0)

    assert missed(exercises.lesson5(ReLU)) == ['the input is left alone']


def test_the_mean_in_the_place_of_the_sum():
    answer = exercises.lesson3(lambda W, X, dY: (dY @ W, dY.T @ X / len(X), dY.mean(0)))
    assert missed(answer) == ['dW is the sum over the batch', 'db is the sum over the batch']


def test_a_gradient_in_the_wrong_order():
    def step(layers, x, dy, rate):
        inputs = [x] + [layer.output for layer in layers[:-1]]
        for layer, input in reversed(list(zip(layers, inputs, strict=True))):
            layer.zeroGradParameters()
            dx = layer.backward(input, dy)
            layer.updateParameters(rate)
            dy = dx
        return dy

    assert missed(exercises.lesson6(step)) == ['gradWeight and gradBias stay 0']


def test_the_schedule_is_the_trainers():
    assert exercises.lesson7(lambda k, rate, decay: rate / (1 + k * decay)).right == 3
    assert exercises.lesson7(lambda k, rate, decay: rate / (1 + (k > 1) * k * decay)).right == 4


def test_early_stopping():
    assert missed(exercises.lesson8(lambda errors, patience: len(errors))) != []
    assert exercises.lesson8(lambda errors, patience: int(np.argmin(errors)) + 1).right == 4


def test_soft_threshold_in_place():
    def answer(w, l1):
        w -= np.clip(w, -l1, l1)
        return w

    assert missed(exercises.lesson9(answer)) == ['the weights that came in are left alone']


def test_a_property_that_refuses_everything_or_nothing():
    def refuses(regularize):
        raise AssertionError('no')

    assert missed(exercises.lesson10(refuses)) == ['nn.regularize_parameters is accepted']
    assert exercises.lesson10(lambda regularize: None).right == 1


def test_folds_that_are_trained_on():
    def answer(n, k):
        return [(np.arange(n), np.arange(n)[np.arange(n) % k == fold]) for fold in range(k)]

    assert missed(exercises.lesson11(answer)) == ['what is held back is not trained on, all else is']


def test_a_deep_network_that_is_linear():
    def build():
        net = nn.Sequential()
        for _ in range(10):
            net.add(nn.Linear(20, 20).reset(20**-0.5)).add(nn.Identity())
        return net.add(nn.Linear(20, 1))

    assert missed(exercises.lesson13(build)) == ['transfer functions between them']


def test_a_kernel_that_is_turned_around():
    def convolve(image, kernel, step=1):
        windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)[::step, ::step]
        return np.einsum('ijkl,kl->ij', windows, kernel[::-1, ::-1])

    assert exercises.lesson14(convolve).right == 0
