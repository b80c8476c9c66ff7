"""A state machine that calls the whole protocol of a module in any order, and holds it against a simple model.

The model is a copy of the module that is used once: for every forward a new copy is made of what is state, the public
attributes. Its parameters and gradients are changed by the formulas of the manual, not by the module's methods. So the
module must give what a new one would, whatever was called before.

>>> import numpy as np, t7nn as nn
>>> from t7nn.testing.machine import check_protocol
>>> check_protocol(nn.Linear(3, 2), np.array([[0.5, -1.0, 2.0]]), examples=5)
"""

import copy
from typing import Any

import numpy as np

from t7nn.module import Module

from .case import REFUSALS, Case, generators_kept, gradients, parameters, shaken, takes_batches, widened
from .compare import compare, copied, named_parameters, require

try:
    from hypothesis import HealthCheck, Phase, settings
    from hypothesis import strategies as st
    from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
except ImportError as error:
    raise ImportError('t7nn.testing.machine needs hypothesis: pip install t7nn[test]') from error

__all__ = ['ProtocolMachine', 'check_protocol', 'protocol_machine']

RATES = st.sampled_from([0.1, -0.5, 1.0])


class ProtocolMachine(RuleBasedStateMachine):
    """The rules; `protocol_machine` gives a subclass for a module and an input."""

    case: Case

    def __init__(self):
        super().__init__()
        self.module, self.model = self.case.fresh(), self.case.fresh()
        self.module.zeroGradParameters()
        self.zero_model()
        inputs = [self.case, self.case.other()]
        if self.case.batch:
            inputs += [self.case.rows(slice(0, 1)), self.case.rows(slice(0, 2))]
        self.inputs = inputs
        self.given: Any = None  # what the last forward got, as long as backward may follow
        self.went_back = False  # whether updateGradInput came since then

    def zero_model(self) -> None:
        for each in named_parameters(self.model):
            each.gradient.fill(0)

    def expected(self, scale: float) -> dict[str, Any]:
        """What a new module with the state before the last forward gives, with gradients from 0."""
        twin, given = copy.deepcopy(self.before), self.used.copied()
        for each in named_parameters(twin):
            each.gradient.fill(0)
        output = self.case.forward(twin, given, self.seed)
        return self.case.backward(twin, given[0], self.case.gradOutput(output), scale)

    def may_go_back(self) -> bool:
        """Whether a gradient may be asked for, and the model has one; if it has none, the module has none either."""
        try:
            self.expected(1)
        except REFUSALS as error:
            try:
                self.module.updateGradInput(self.given[0], self.gradOutput)
            except REFUSALS:
                self.given = None
                return False
            raise AssertionError(f'updateGradInput works where a new module says: {error}') from error
        return True

    def accumulate(self, scale: float, found: dict[str, Any]) -> None:
        for each in named_parameters(self.model):
            each.gradient[...] += scale * found[each.gradient_name]

    def step(self, rate: float, found: dict[str, Any]) -> None:
        for each in named_parameters(self.model):
            each.value[...] -= rate * found[each.gradient_name]
        self.given = None  # what was computed before belongs to other parameters

    # The rules

    @rule(number=st.integers(0, 3), seed=st.integers(1, 3))
    def forward(self, number: int, seed: int) -> None:
        self.used, self.seed = self.inputs[number % len(self.inputs)], seed
        self.before = copy.deepcopy(self.model)
        twin, given = copy.deepcopy(self.model), self.used.copied()
        try:
            expected = self.case.forward(twin, self.used.copied(), seed)
        except REFUSALS as error:
            try:
                self.case.forward(self.module, given, seed)
            except REFUSALS:
                self.given = None
                return
            raise AssertionError(f'forward works where a new module says: {error}') from error
        found = self.case.forward(self.module, given, seed)
        compare(found, expected, 'output', 'from a new module it is')
        self.model = copy.deepcopy(twin)
        self.given, self.went_back, self.gradOutput = given, False, self.case.gradOutput(expected)

    @rule(number=st.integers(0, 3), seed=st.integers(1, 3), scale=RATES)
    def all_steps(self, number: int, seed: int, scale: float) -> None:
        self.forward(number, seed)
        if self.given is not None:
            self.updateGradInput()
        if self.given is not None:
            self.accGradParameters(scale)

    @precondition(lambda self: self.given is not None)
    @rule()
    def updateGradInput(self) -> None:
        if self.may_go_back():
            found = copied(self.module.updateGradInput(self.given[0], self.gradOutput))
            compare(found, self.expected(1)['gradInput'], 'gradInput', 'from a new module it is')
            self.went_back = True

    @precondition(lambda self: self.given is not None and self.went_back)
    @rule(scale=RATES)
    def accGradParameters(self, scale: float) -> None:
        self.module.accGradParameters(self.given[0], self.gradOutput, scale)
        self.accumulate(1, self.expected(scale))

    @precondition(lambda self: self.given is not None)
    @rule(scale=RATES)
    def backward(self, scale: float) -> None:
        if self.may_go_back():
            expected = self.expected(scale)
            found = copied(self.module.backward(self.given[0], self.gradOutput, scale))
            compare(found, expected['gradInput'], 'gradInput from backward', 'from a new module it is')
            self.accumulate(1, expected)
            self.went_back = True

    @precondition(lambda self: self.given is not None)
    @rule(rate=RATES)
    def backwardUpdate(self, rate: float) -> None:
        if self.may_go_back():
            expected = self.expected(1)
            found = copied(self.module.backwardUpdate(self.given[0], self.gradOutput, rate))
            compare(found, expected['gradInput'], 'gradInput from backwardUpdate', 'from a new module it is')
            self.step(rate, expected)

    @precondition(lambda self: self.given is not None and self.went_back)
    @rule(rate=RATES)
    def accUpdateGradParameters(self, rate: float) -> None:
        self.module.accUpdateGradParameters(self.given[0], self.gradOutput, rate)
        self.step(rate, self.expected(1))

    @rule()
    def zeroGradParameters(self) -> None:
        self.module.zeroGradParameters()
        self.zero_model()

    @rule(rate=RATES)
    def updateParameters(self, rate: float) -> None:
        self.module.updateParameters(rate)
        self.step(rate, gradients(self.model))

    @rule()
    def getParameters(self) -> None:
        flat, _ = self.module.getParameters()
        require(flat.size == sum(each.value.size for each in named_parameters(self.model)), 'a parameter is missing')

    @rule(train=st.booleans())
    def mode(self, train: bool) -> None:
        for node in (self.module, self.model):
            node.training() if train else node.evaluate()
        self.given = None

    @rule()
    def clearState(self) -> None:
        self.module.clearState()
        self.given = None

    @rule()
    def clone(self) -> None:
        twin = self.module.clone()
        for each in named_parameters(self.module):  # the original goes its own way
            each.value.fill(7)
        self.module, self.given = twin, None

    @invariant()
    def same_parameters(self) -> None:
        compare(parameters(self.module), parameters(self.model), 'parameters', 'by the formulas it is')
        compare(gradients(self.module), gradients(self.model), 'gradients', 'by the formulas it is')


def protocol_machine(module: Module, input: Any, *, batch: bool | None = None) -> type[ProtocolMachine]:
    """A state machine for `module` and `input`, as `check_module` takes them; its ``TestCase`` is a test for pytest."""
    with generators_kept():
        case = Case(module, copied(input), None, bool(batch))
        if batch is None:
            case.batch = takes_batches(case)
        case = widened(shaken(case))
    name = f'{type(module).__name__}Machine'
    return type(name, (ProtocolMachine,), {'case': case, '__doc__': f'The protocol of {module}.'})


def check_protocol(
    module: Module, input: Any, *, batch: bool | None = None, examples: int = 20, steps: int = 15
) -> None:
    """Call the methods of `module` in many an order, and hold what they give against a new module each time.

    Parameters
    ----------
    module, input, batch
        as of `check_module`
    examples
        how many sequences of calls
    steps
        how many calls in each, at most

    Raises
    ------
    AssertionError
        with the shortest sequence of calls after which something differs
    """
    machine = protocol_machine(module, input, batch=batch)
    checked = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    with generators_kept(), np.errstate(all='ignore'):
        run_state_machine_as_test(machine, settings=checked)
