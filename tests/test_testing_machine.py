"""The state machine runs on every class of the table, and finds what hangs on the order of calls."""

import numpy as np
import pytest
from plain_layers import LAYERS, Dense, drawn
from table import rows

import t7nn as nn
from t7nn.testing.machine import check_protocol, protocol_machine

#: the first configuration of each class
FIRST = {name.rpartition('-')[0]: name for name in reversed(rows())}
#: the first one keeps its mask until updateGradInput is called, which the machine's model does not do
FIRST['packages-LazyDropout'] = 'packages-LazyDropout-2'
#: it shows a dense copy of its gradient, made anew each time, to which the machine's model cannot add
del FIRST['sparse-DenseIndexLinear']
ROWS = rows()


@pytest.mark.parametrize('name', FIRST.values())
def test_every_class(name):
    row = ROWS[name]
    nn.manualSeed(7)
    check_protocol(row.make(), row.draw(), batch=row.batch, examples=3, steps=8)


@pytest.mark.parametrize('name', LAYERS)
def test_plain_layers(name):
    make, batch, _ = LAYERS[name]
    check_protocol(make(), batch, examples=5, steps=10)


class Remembers(Dense):
    """Its gradient comes from the forward before the last one."""

    def updateOutput(self, input):
        self._last, self._now = getattr(self, '_now', input.copy()), input.copy()
        return super().updateOutput(input)

    def accGradParameters(self, input, gradOutput, scale=1):
        super().accGradParameters(self._last if self._last.shape == input.shape else input, gradOutput, scale)


class ForgetsAfterClearState(Dense):
    def clearState(self):
        self.bias[:] = 0
        return super().clearState()


class UpdatesTwice(Dense):
    def accUpdateGradParameters(self, input, gradOutput, lr):
        nn.Module.accUpdateGradParameters(self, input, gradOutput, lr)
        nn.Module.accUpdateGradParameters(self, input, gradOutput, lr)


class SecondForward(Dense):
    """The second forward, and each after it, is off."""

    def updateOutput(self, input):
        super().updateOutput(input)
        self.output += getattr(self, '_off', 0)
        self._off = 1
        return self.output


@pytest.mark.parametrize('bug', [Remembers, ForgetsAfterClearState, UpdatesTwice, SecondForward])
def test_mistakes_in_the_order_of_calls(bug):
    with pytest.raises(AssertionError, match='it is'):
        check_protocol(bug(3, 2), drawn(4, 3), examples=100)


def test_machine_is_a_test_case():
    machine = protocol_machine(nn.Linear(3, 2), np.ones((2, 3)))
    assert machine.__name__ == 'LinearMachine'
    assert hasattr(machine.TestCase, 'runTest')
