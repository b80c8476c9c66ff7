"""Every row of the table through every generic check."""

import pytest
from table import CLASSES, CriterionRow, Row, rows

import t7nn as nn
from t7nn.testing import CHECKS, check_module, report

ROWS = rows()


@pytest.mark.parametrize('name', ROWS)
def test_row(name):
    row = ROWS[name]
    unknown = row.skip.keys() - CHECKS.keys()
    assert not unknown, f'no such checks: {unknown}'
    nn.manualSeed(7)
    check_module(row.make(), row.draw(), batch=row.batch, skip=row.skip)


def test_every_class_stands_in_the_table():
    made = [row.make() for row in [*ROWS.values(), *rows(CriterionRow).values()]]
    inside = [inner for module in made if isinstance(module, nn.Module) for inner in module.listModules()]
    names = {cls.__name__ for object in made + inside for cls in type(object).__mro__}
    classes = {
        name
        for name, value in vars(nn).items()
        if isinstance(value, type) and issubclass(value, (nn.Module, nn.Criterion))
    }
    assert classes <= names


@pytest.mark.parametrize('name', CLASSES)
def test_no_check_is_skipped_for_a_class_without_need(name):
    failed = set()
    for row in [*ROWS.values(), *rows(CriterionRow).values()]:
        node = row.make()
        if type(node).__name__ == name:
            given = (row.draw(),) if isinstance(row, Row) else row.draw()
            found = report(node, *given, batch=row.batch, checks=CLASSES[name], verbose=False)
            failed |= {outcome.name for outcome in found.failures}
    assert failed == set(CLASSES[name])
