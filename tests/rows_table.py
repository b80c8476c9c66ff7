"""Rows of layers/table.py."""

from table import PASSED_ON, Row, away_from_zero, several

import t7nn as nn


def crossed():
    """A table in, a table out, and tables within."""
    return (
        nn.ConcatTable()
        .add(nn.ParallelTable().add(nn.Linear(3, 2)).add(nn.Tanh()))
        .add(nn.ParallelTable().add(nn.Linear(3, 1)).add(nn.Identity()))
    )


def residual():
    return (
        nn.Sequential()
        .add(nn.ConcatTable().add(nn.Identity()).add(nn.Sequential().add(nn.Linear(3, 3)).add(nn.Tanh())))
        .add(nn.CAddTable())
    )


def mapped(module, copies, shared=True):
    module = nn.MapTable(module, shared)
    module.resize(copies)
    return module


COPIES = {'cleared': 'the copies go with clearState(), and come again with the next forward'}


def apart(*shapes):
    """Tensors of which no two are close anywhere."""
    return lambda rng: [away_from_zero(rng, *shape) + 3 * i for i, shape in enumerate(shapes)][:: rng.choice([-1, 1])]


ROWS = [
    Row(lambda: nn.ConcatTable().add(nn.Linear(3, 2)).add(nn.Linear(3, 4)), (4, 3)),
    Row(lambda: nn.ConcatTable().add(nn.Linear(3, 2)), (3,), batch=False),
    Row(crossed, several((4, 3), (4, 2))),
    Row(residual, (4, 3)),
    Row(lambda: nn.ParallelTable().add(nn.Linear(3, 2)).add(nn.Tanh()), several((4, 3), (4, 2))),
    Row(lambda: nn.ParallelTable().add(nn.ParallelTable().add(nn.Tanh())).add(nn.Exp()), several([(4, 3)], (4, 2))),
    Row(lambda: mapped(nn.Linear(3, 2), 2), several((4, 3), (4, 3)), skip=COPIES),
    Row(lambda: mapped(nn.Linear(3, 2), 3), several((3,), (3,), (3,)), batch=False, skip=COPIES),
    Row(lambda: mapped(nn.Linear(3, 2), 2, False), several((4, 3), (4, 3))),
    Row(lambda: nn.SplitTable(1), (3, 2), batch=False),
    Row(lambda: nn.SplitTable(2), (4, 3)),
    Row(lambda: nn.SplitTable(1, 2), (4, 3, 2)),
    Row(lambda: nn.SplitTable(-1), (4, 2, 3)),
    Row(lambda: nn.JoinTable(1), several((2,), (3,)), batch=False),
    Row(lambda: nn.JoinTable(2), several((4, 1), (4, 3), (4, 2))),
    Row(lambda: nn.JoinTable(1, 1), several((4, 3), (4, 2))),
    Row(lambda: nn.JoinTable(-1), several((4, 2, 1), (4, 2, 2))),
    Row(lambda: nn.MixtureTable(), several((4, 2), [(4, 3), (4, 3)])),
    Row(lambda: nn.MixtureTable(), several((4, 2), [(4, 2, 3), (4, 2, 3)])),
    Row(lambda: nn.MixtureTable(), several((3,), [(2,), (2,), (2,)]), batch=False),
    Row(lambda: nn.MixtureTable(), several((4, 3), (4, 3, 2))),
    Row(lambda: nn.MixtureTable(3), several((4, 2), (4, 3, 2))),
    Row(lambda: nn.MixtureTable(1), several((2,), (2, 3)), batch=False),
    Row(lambda: nn.MixtureTable(2), several((2,), (3, 2)), batch=False),
    Row(lambda: nn.SelectTable(1), several((4, 2), (4, 3)), skip=PASSED_ON),
    Row(lambda: nn.SelectTable(-1), several((4, 2), [(4, 1), (4, 3)]), skip=PASSED_ON),
    Row(
        lambda: nn.SelectTable('b'),
        lambda rng: {'a': away_from_zero(rng, 4, 2), 'b': away_from_zero(rng, 4, 3)},
        skip=PASSED_ON,
    ),
    Row(lambda: nn.NarrowTable(2), several((4, 2), (4, 3), (4, 1)), skip=PASSED_ON),
    Row(lambda: nn.NarrowTable(1, 2), several([(4, 2)], (4, 3), [(4, 1)]), skip=PASSED_ON),
    Row(lambda: nn.FlattenTable(), several((4, 2), [(4, 3), [(4, 1)]], (4, 2, 2)), skip=PASSED_ON),
    Row(lambda: nn.ZipTable(), several([(4, 2), (4, 3)], [(4, 1), (4, 2)], [(4, 2), (4, 2)]), skip=PASSED_ON),
    Row(lambda: nn.ZipTableOneToMany(), several((4, 2), [(4, 3), (4, 1), (4, 2)])),
    Row(lambda: nn.CAddTable(), several((4, 3), (4, 3), (4, 3))),
    Row(lambda: nn.CAddTable(), several((3,), (3,)), batch=False),
    Row(
        lambda: nn.CAddTable(True),
        several((4, 3), (4, 3)),
        skip={
            name: 'works in place, so the input is another one afterwards'
            for name in ('input_gradient', 'untouched', 'buffers')
        },
    ),
    Row(lambda: nn.CSubTable(), several((4, 3), (4, 3))),
    Row(lambda: nn.CMulTable(), several((4, 3), (4, 3), (4, 3))),
    Row(lambda: nn.CDivTable(), several((4, 3), (4, 3))),
    Row(lambda: nn.CMaxTable(), apart((4, 3), (4, 3), (4, 3))),
    Row(lambda: nn.CMaxTable(), several((5,), (5,)), batch=False),
    Row(lambda: nn.CMinTable(), apart((4, 3), (4, 3), (4, 3))),
    Row(lambda: nn.CMinTable(), several((5,), (5,)), batch=False),
    Row(lambda: nn.CAddTensorTable(), several((4, 3), [(4, 3), (4, 3)])),
    Row(lambda: nn.CAddTensorTable(), several((3,), [(3,), (3,), (3,)]), batch=False),
]
