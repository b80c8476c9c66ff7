"""Every class through a .t7 file: what comes back computes what real Torch7 computed, before and after use."""

import numpy as np
import pytest
from golden_files import TOLERANCE, assert_same, build, load, value
from test_golden_nn import CASES, ModuleCase

import t7nn as nn
from t7nn.tensors import TENSOR_TYPES


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


NEW = [case for case in load('module_api.json')['cases'] if case['kind'] == 'clearState']


def described(item):
    """A field as the record says it."""
    if isinstance(item, np.ndarray):
        name = next(name for name, dtype in TENSOR_TYPES.items() if dtype == item.dtype)
        if isinstance(item, nn.Storage):
            return f'{name.replace("Tensor", "Storage")}[{item.size}]'
        return f'{name}({" ".join(map(str, item.shape if item.size else ()))})'
    return f'table of {len(item)}' if isinstance(item, (list, dict)) else item


@pytest.mark.parametrize('case', NEW, ids=[case['name'] for case in NEW])
def test_the_fields_of_new_networks_are_torch7s(case):
    nn.manualSeed(case['seed'])
    root = nn.loads(nn.dumps(build(case['construct'])), live=False)
    for entry in case['new']:
        record = root
        for index in entry['path']:
            record = record['modules'][index - 1]
        assert record.typename == entry['class']
        fields = {key: described(item) for key, item in record.fields.items() if key != 'modules'}
        expected = entry['fields']  # in Lua, what is not there is as good as false
        assert {key: item for key, item in fields.items() if item is not False or key in expected} == expected
