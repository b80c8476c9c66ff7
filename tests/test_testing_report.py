"""The report: all failures at once, causes first, fields by name, hints, a table."""

import re

import numpy as np
import pytest
from plain_layers import Dense, Huber, Scale

import t7nn as nn
from t7nn import random
from t7nn.testing import CHECKS, check_criterion, check_module, report
from t7nn.testing.hints import pattern

X = np.array([[0.5, -1.0, 0.25], [2.0, 0.125, -0.75], [-0.5, 1.5, 1.0]])


class ManyFaults(Scale):
    def __init__(self):
        super().__init__(3)

    def updateOutput(self, input):
        input *= 2
        return super().updateOutput(input)

    def accGradParameters(self, input, gradOutput, scale=1):
        self.gradWeight[:] = (input * gradOutput).sum(0)


def test_all_failures_the_cause_first():
    with pytest.raises(AssertionError) as caught:
        check_module(ManyFaults(), X)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith('nn.ManyFaults, untouched: input after forward')
    names = [name for line in lines[:-1] for name in re.match(r'nn\.ManyFaults, ([\w, ]+):', line)[1].split(', ')]
    assert {'untouched', 'parameter_gradient', 'accumulation', 'scale'} <= set(names)
    assert names == sorted(names, key=list(CHECKS).index)
    assert re.match(r'nn\.ManyFaults: \d+ properties hold, \d+ do not, \d+ not applicable', lines[-1])


def test_failure_names_fields_and_numbers():
    class Bad(Dense):
        def accGradParameters(self, input, gradOutput, scale=1):
            super().accGradParameters(input, gradOutput, scale)
            self.gradWeight[1, 2] *= 1.5

    found = report(Bad(3, 2), X, verbose=False)['parameter_gradient'].text
    assert re.match(r'gradWeight\[1, 2\] is \S+, central differences give \S+; input \[\[[^\[]*\]\], gradOutput', found)
    assert re.search(r'weight \[\[.*\], bias \[', found)
    network = nn.Sequential().add(nn.Tanh()).add(Bad(3, 2))
    found = report(network, X, verbose=False)['parameter_gradient'].text
    assert found.startswith('modules[1].gradWeight[1, 2] is')


def test_one_wrong_element_of_many_is_found():
    class Bad(Dense):
        def accGradParameters(self, input, gradOutput, scale=1):
            super().accGradParameters(input, gradOutput, scale)
            self.gradWeight[17, 43] *= 1.01

    found = report(Bad(60, 40), np.random.RandomState(0).randn(3, 60), verbose=False)
    assert found['parameter_gradient'].text.startswith('gradWeight[17, 43] is')


def test_table_is_printed_and_returned(capsys):
    found = report(nn.Linear(3, 2), X)
    printed = capsys.readouterr().out
    assert printed == f'{found}\n'
    assert [line.split()[0] for line in printed.splitlines()[1:-1]] == list(CHECKS)
    assert found.ok and not found.failures
    assert all(outcome.seconds >= 0 for outcome in found.outcomes)
    assert repr(found) == '<Report of nn.Linear(3 -> 2): 37 properties hold, 0 do not, 1 not applicable>'


def test_jupyter_shows_a_table():
    found = report(ManyFaults(), X, verbose=False)
    assert '<table>' in found._repr_html_()
    assert '<td style="color: red">failed</td>' in found._repr_html_()
    assert 'input * 2' not in found._repr_html_()
    check = report(nn.Tanh(), X, checks=['scale'], verbose=False)
    assert 'not applicable' in check._repr_html_()


def test_verbose(capsys):
    check_module(nn.Tanh(), X, checks=['results'], verbose=True)
    assert 'results' in capsys.readouterr().out
    with pytest.raises(AssertionError):
        check_module(ManyFaults(), X, checks=['untouched'], verbose=True)
    assert 'failed' in capsys.readouterr().out
    check_criterion(Huber(), X, X / 2, checks=['results'], verbose=True)
    assert 'nn.Huber: 1 properties hold' in capsys.readouterr().out


def test_nothing_else_is_looked_at_where_it_does_not_run():
    class Bad(Dense):
        def updateGradInput(self, input, gradOutput):
            raise RuntimeError('not written yet')

    found = report(Bad(3, 2), X, verbose=False)
    assert [outcome.name for outcome in found.failures] == ['runs']
    assert "RuntimeError('not written yet')" in found['runs'].text
    assert found['scale'].text == 'it does not run'


def test_scratch_that_copies_drop_has_a_hint():
    class Bad(Dense):
        def __init__(self):
            super().__init__(3, 2)
            self._factor = 2

        def updateOutput(self, input):
            self.output = super().updateOutput(input) * self._factor
            return self.output

    found = report(Bad(), X, verbose=False)
    assert '_factor is scratch, as every name that begins with _' in found['runs'].text


def test_results_do_not_depend_on_the_run():
    first, second = (report(ManyFaults(), X, verbose=False) for _ in range(2))
    assert [(o.name, o.status, o.text) for o in first.outcomes] == [(o.name, o.status, o.text) for o in second.outcomes]


def test_generators_are_left_alone():
    nn.manualSeed(3)
    np.random.seed(3)
    before = random.getRNGState(), repr(np.random.get_state())
    report(nn.Dropout(), X, verbose=False)
    assert np.array_equal(random.getRNGState(), before[0])
    assert repr(np.random.get_state()) == before[1]


@pytest.mark.parametrize(
    'call, text',
    [
        (lambda: check_module(np.tanh, X), 'check_module: a module of t7nn expected, got'),
        (lambda: check_module(nn.MSECriterion(), X), 'check_module: a module of t7nn expected, got'),
        (lambda: check_module(nn.Tanh(), 3.0), 'check_module: a tensor or a table of tensors expected as input, got'),
        (lambda: check_criterion(nn.Tanh(), X, X), 'check_criterion: a criterion of t7nn expected, got'),
        (lambda: report(3, X), 'report: a module or a criterion of t7nn expected, got int 3'),
    ],
)
def test_what_is_no_layer(call, text):
    with pytest.raises(TypeError, match=re.escape(text)):
        call()


def test_kink():
    found = report(nn.Abs(), np.array([[0.5, 0.0, -1.0]]), checks=['input_gradient'], verbose=False)
    assert re.search(
        r'hint: there is a kink here, the slope is -?\S+ before and \S+ after it: move the input', str(found)
    )


def test_one_sided_difference():
    class Numerical(nn.Module):
        def updateOutput(self, input):
            self.check(input)
            self.output = np.sin(input)
            return self.output

        def updateGradInput(self, input, gradOutput):
            self.gradInput = gradOutput * (np.sin(input + 1e-3) - np.sin(input)) / 1e-3
            return self.gradInput

    found = report(Numerical(), X, checks=['input_gradient'], verbose=False)
    assert 'hint: it is a one-sided difference with a step of 0.001' in found['input_gradient'].text


A = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0], [64.0, 128.0, 256.0]])
PATTERNS = {
    'the sign is wrong': -A,
    'it is transposed': A.T,
    'a factor N = 3, N the number of examples': 3 * A,
    'a factor 1/N = 0.3333, N the number of examples': A / 3,
    'a factor N = 9, N the number of elements': 9 * A,
    'half of what it should be': A / 2,
    'a factor 2 too much': 2 * A,
    'a factor 1.7 everywhere': 1.7 * A,
    'it is 0 everywhere': 0 * A,
    'it is shifted by one row': np.roll(A, 1, 0),
    'it is shifted by one column': np.roll(A, -1, 1),
    'it is off by one row': np.concatenate([0 * A[:1], A[:-1]]),
    'only the last row is wrong': np.concatenate([A[:-1], 0 * A[:1]]),
    'only the first row is wrong': np.concatenate([0 * A[:1], A[1:]]),
    'it is in reversed order along dimension 1': A[::-1],
}


@pytest.mark.parametrize('text', PATTERNS)
def test_pattern(text):
    assert text in pattern(PATTERNS[text], A, 3)


def test_no_pattern():
    assert pattern(A + [1, 0, 5], A, 3) == ''
    assert pattern(np.array(3.7), np.array(1.0)) == ''
    assert pattern(A, A[0]) == ''
    assert pattern(np.array(['a']), np.array(['b'])) == ''
