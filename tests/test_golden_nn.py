"""Every class against what real Torch7 computed: golden/nn, one case a test."""

import numpy as np
import pytest
from golden_files import GOLDEN, TOLERANCE, assert_same, build, load, value

import t7nn as nn

FILES = sorted(path.stem for path in (GOLDEN / 'nn').glob('*.json'))
CASES = [
    pytest.param(case, id=f'{name}-{i}') for name in FILES for i, case in enumerate(load(f'nn/{name}.json')['cases'], 1)
]


def bits(arrays):
    return [array.view(np.uint8).tolist() if array.size else [] for array in map(np.ascontiguousarray, arrays)]


class ModuleCase:
    """The steps of FORMAT.md, each on a fresh module."""

    def __init__(self, case):
        self.case = case
        self.tolerance = TOLERANCE[case['type']]

    def fresh(self):
        nn.manualSeed(self.case['seed'])
        module = build(self.case['construct'], self.case['type'])
        if self.case.get('mode') == 'evaluate':
            module.evaluate()
        return module

    def forward(self, module):
        nn.manualSeed(self.case['forwardSeed'])
        self.input = value(self.case['input'])
        return module.forward(self.input)

    def same(self, actual, key):
        assert_same(actual, value(self.case[key]), self.tolerance, key)

    def run(self):
        case = self.case
        module = self.fresh()
        if case.get('tostring') is not None:
            assert str(module) == case['tostring']
        if 'parameters' in case:
            parameters = module.parameters()[0]
            self.same(parameters, 'parameters')
            assert bits(parameters) == bits(value(case['parameters'])), 'parameters to the last bit'
        if 'output' in case:
            self.same(self.forward(module), 'output')
        if 'gradInput' in case or 'gradParameters' in case:
            module = self.fresh()
            module.zeroGradParameters()
            self.forward(module)
            gradOutput = value(case['gradOutput'])
            gradInput = module.updateGradInput(self.input, gradOutput)
            if 'gradInput' in case:
                self.same(gradInput, 'gradInput')
            module.accGradParameters(self.input, gradOutput, case['scale'])
            if 'gradParameters' in case:
                self.same(module.parameters()[1], 'gradParameters')
            for field, expected in case.get('recorded', {}).items():
                assert_same(getattr(module, field), value(expected), self.tolerance, field)
        if 'updatedParameters' in case:
            module = self.fresh()
            self.forward(module)
            gradOutput = value(case['gradOutput'])
            module.updateGradInput(self.input, gradOutput)
            module.accUpdateGradParameters(self.input, gradOutput, case['learningRate'])
            self.same(module.parameters()[0], 'updatedParameters')


def criterion_case(case):
    tolerance = TOLERANCE[case['type']]
    nn.manualSeed(case['seed'])
    criterion = build(case['construct'], case['type'])
    input, target = value(case['input']), value(case['target'])
    assert_same(float(criterion.forward(input, target)), float(value(case['loss'])), tolerance, 'loss')
    if 'gradInput' in case:  # Torch7 cannot go backward through a crop
        assert_same(criterion.backward(input, target), value(case['gradInput']), tolerance, 'gradInput')


@pytest.mark.parametrize('case', CASES)
def test_as_torch7(case):
    if 'loss' in case:
        criterion_case(case)
    else:
        ModuleCase(case).run()


#: Bases, and public classes that the records lack
WITHOUT_RECORD = {'Module', 'Criterion', 'Container', 'Pointwise', 'Kmeans'}


def test_every_class_has_golden_cases():
    """t7nn has every class of Torch7's list, and no others without a golden case but those named above."""
    classes = {
        name
        for name, value in vars(nn).items()
        if isinstance(value, type) and issubclass(value, (nn.Module, nn.Criterion))
    }
    assert set(FILES) - {'networks'} <= classes
    assert classes - set(FILES) == WITHOUT_RECORD
