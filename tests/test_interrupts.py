"""A KeyboardInterrupt at any bytecode of a step leaves every parameter and every gradient under its own name."""

import sys

import numpy as np
import pytest
from table import rows
from test_memory import gradient, nodes

import t7nn as nn

POINTS = 1000

#: classes that do not hold to it yet
PENDING = ('SpatialDepthWiseConvolution',)


class Interrupt:
    """As a trace function: raises KeyboardInterrupt at the bytecode of this number, counted from 0."""

    def __init__(self, at):
        self.at, self.count = at, 0

    def __call__(self, frame, event, argument):
        frame.f_trace_opcodes = True
        if event == 'opcode':
            if self.count == self.at:
                self.count += 1
                raise KeyboardInterrupt
            self.count += 1
        return self

    def run(self, function):
        """Whether `function` was interrupted."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            function()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
        return False


def trainable():
    """The rows of classes with parameters."""
    found = rows()
    modules = {name: row.make() for name, row in found.items()}
    return {
        name: found[name]
        for name, module in modules.items()
        if module.parameters()[0] and not any(type(node).__name__ in PENDING for node in nodes(module))
    }


def step(module, input, gradOutput, kind):
    """A step as the trainer takes it, or through the gradients."""
    module.forward(input)
    module.updateGradInput(input, gradOutput)
    if kind == 'direct':
        module.accUpdateGradParameters(input, gradOutput, 0.125)
    elif kind == 'shared':
        module.sharedAccUpdateGradParameters(input, gradOutput, 0.125)
    else:
        module.accGradParameters(input, gradOutput, 0.5)
        module.updateParameters(0.125)


def named(module):
    """Every parameter and gradient in the module by its owner and name."""
    found = {}
    for position, node in enumerate(nodes(module)):
        for names in node.learned if isinstance(node, nn.Module) else ():
            for name in names:
                found[position, type(node).__name__, name] = getattr(node, name)
    return found


ROWS = trainable()


def points():
    """For each row so many of the `POINTS` as its share, as pairs of a kind of step and a number in 0..1."""
    rng = np.random.RandomState(0)
    drawn = {name: [] for name in ROWS}
    for i in range(POINTS):
        name = list(ROWS)[i % len(ROWS)]
        drawn[name].append((['direct', 'shared', 'through gradients'][rng.randint(3)], rng.rand()))
    return drawn


@pytest.mark.parametrize('name', ROWS)
def test_interrupted_steps(name):
    row = ROWS[name]
    for kind, share in points()[name]:
        for run in range(3):  # the second run of an equal step tells its length, the third is interrupted
            nn.manualSeed(1)
            module, input = row.make(), row.draw()
            gradOutput = gradient(module.forward(row.draw()))
            if run < 2:
                counter = Interrupt(-1)
                counter.run(lambda: step(module, input, gradOutput, kind))  # noqa: B023
        before, listed = named(module), module.parameters()
        interrupted = Interrupt(int(share * counter.count)).run(
            lambda: step(module, input, gradOutput, kind)  # noqa: B023
        )
        assert interrupted
        after = named(module)
        assert before.keys() == after.keys()
        for key, tensor in before.items():
            assert after[key] is tensor, (kind, share, key)
        for old, new in zip(listed[0], module.parameters()[0], strict=True):
            assert old is new
        module.clearState()
        kept = [parameter.copy() for parameter in module.parameters()[0]]
        module.zeroGradParameters()
        for parameter, values in zip(module.parameters()[0], kept, strict=True):
            np.testing.assert_array_equal(parameter, values)
        module.forward(row.draw())
