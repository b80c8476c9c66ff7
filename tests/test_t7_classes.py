"""Every class through a .t7 file: what comes back computes what real Torch7 computed, before and after use."""

import pytest
from golden_files import TOLERANCE, assert_same, build, value
from test_golden_nn import CASES, ModuleCase

import t7nn as nn


def through_a_file(module):
    """The module as it comes back from a file; what is written again is the same."""
    data = nn.dumps(module)
    back = nn.loads(data)
    assert type(back) is type(module)
    assert nn.dumps(back) == data
    return back


class Loaded(ModuleCase):
    """The steps of FORMAT.md on modules that come from files."""

    def fresh(self):
        return through_a_file(super().fresh())

    def forward(self, module):
        output = super().forward(module)
        assert str(nn.loads(nn.dumps(module))) == str(module), 'after use'
        return output


@pytest.mark.parametrize('case', CASES)
def test_loaded_classes_are_torch7s(case):
    if 'loss' not in case:
        Loaded(case).run()
        return
    nn.manualSeed(case['seed'])
    criterion = through_a_file(build(case['construct'], case['type']))
    loss = criterion.forward(value(case['input']), value(case['target']))
    assert_same(float(loss), float(value(case['loss'])), TOLERANCE[case['type']], 'loss')
    again = nn.loads(nn.dumps(criterion)).forward(value(case['input']), value(case['target']))
    assert_same(float(again), float(value(case['loss'])), TOLERANCE[case['type']], 'loss after use')
