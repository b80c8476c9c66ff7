"""Every row of the table through every generic check."""

import pytest
from table import rows

import t7nn as nn
from t7nn.testing import CHECKS, check_module

ROWS = rows()


@pytest.mark.parametrize('name', ROWS)
def test_row(name):
    row = ROWS[name]
    unknown = row.skip.keys() - CHECKS.keys()
    assert not unknown, f'no such checks: {unknown}'
    nn.manualSeed(7)
    check_module(row.make(), row.draw(), batch=row.batch, skip=row.skip)
