"""optim.ConfusionMatrix against counting by hand, optim.Logger against the rows that Torch7's writes."""

import importlib.util
import io
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from t7nn import optim

pairs = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), max_size=30)


def counted(pairs):
    mat = np.zeros((4, 4), int)
    for prediction, target in pairs:
        if target >= 1:
            mat[target - 1, prediction - 1] += 1
    return mat


@given(pairs)
def test_examples_and_batches_count_alike(pairs):
    one, many, rows = (optim.ConfusionMatrix(4) for _ in range(3))
    for prediction, target in pairs:
        one.add(prediction, target)
    predictions, targets = np.array(pairs, float).reshape(-1, 2).T
    many.batchAdd(predictions, targets[:, None])
    rows.batchAdd(np.eye(4)[predictions.astype(int) - 1], targets)
    for confusion in one, many, rows:
        assert confusion.mat.dtype == np.int64
        assert (confusion.mat == counted(pairs)).all()


@given(pairs.filter(lambda pairs: any(target for _, target in pairs)))
def test_rates_are_their_definitions(pairs):
    confusion = optim.ConfusionMatrix(4)
    for prediction, target in pairs:
        confusion.add(prediction, target)
    confusion.updateValids()
    kept = [(prediction, target) for prediction, target in pairs if target]
    recall, union, classFrrs, classFars = [], [], [], []
    occurred = sorted({target for _, target in kept})
    for c in range(1, 5):
        right = sum(p == t == c for p, t in kept)
        mine = [p for p, t in kept if t == c]
        recall.append(right / len(mine) if mine else math.nan)
        either = sum(c in pair for pair in kept)
        union.append(right / either if either else math.nan)
        others = [[p for p, t in kept if t == other] for other in occurred if other != c]
        wrong = [group.count(c) / len(group) for group in others]
        classFrrs.append(1 - recall[-1] if mine else -1)
        classFars.append((sum(wrong) / len(wrong) if wrong else math.nan) if mine else -1)
    np.testing.assert_allclose(confusion.valids, recall, rtol=1e-6)
    np.testing.assert_allclose(confusion.unionvalids, union, rtol=1e-6)
    assert confusion.totalValid == pytest.approx(sum(p == t for p, t in kept) / len(kept))
    assert confusion.averageValid == pytest.approx(np.nanmean(recall), 1e-6)
    assert confusion.averageUnionValid == pytest.approx(np.mean([union[c - 1] for c in occurred]), 1e-6)
    rates = confusion.farFrr()
    np.testing.assert_allclose(rates[0], classFrrs, atol=1e-12)
    np.testing.assert_allclose(rates[1], classFars, atol=1e-12)
    np.testing.assert_allclose(rates[2], [classFrrs[c - 1] for c in occurred], atol=1e-12)
    np.testing.assert_allclose(rates[3], [classFars[c - 1] for c in occurred], atol=1e-12)


def test_vectors_stand_for_their_largest_element():
    confusion = optim.ConfusionMatrix(['a', 'b', 'c'])
    confusion.add(np.array([0.1, 0.7, 0.2]), np.array([0, 0, 1]))
    confusion.add(np.array([0.1, 0.7, 0.2]), 2)
    confusion.add(np.array([0.5, 0.5 + 1e-12, 0.2]), 0)
    confusion.batchAdd(np.array([[0.5, 0.5 + 1e-12, 0.2]]), np.array([[0, 1, 0]]))  # equal in float32: the first counts
    assert confusion.mat.tolist() == [[0, 0, 0], [1, 1, 0], [0, 1, 0]]
    confusion.zero()
    assert confusion.mat.sum() == 0


def test_text_of_a_matrix():
    confusion = optim.ConfusionMatrix(2)
    confusion.mat[...] = [[123456789, 1], [0, 0]]
    assert str(confusion) == (
        'ConfusionMatrix:\n'
        '[[ 123456789         1]   100.000% \n'
        ' [         0         0]]  nan% \n'
        ' + average row correct: 100% \n'
        ' + average rowUcol correct (VOC measure): 100% \n'  # in float32
        ' + global correct: 99.99999919%'
    )
    named = optim.ConfusionMatrix(['cat', 'dog'])
    assert str(named) == (
        'ConfusionMatrix:\n'
        '[[       0       0]   nan% \t[class: cat]\n'
        ' [       0       0]]  nan% \t[class: dog]\n'
        ' + average row correct: nan% \n'
        ' + average rowUcol correct (VOC measure): nan% \n'
        ' + global correct: nan%'
    )


@pytest.mark.parametrize(
    'call, kind, text',
    [
        (lambda c: c.add(4, 1), IndexError, 'expected classes from 1 to 3 as predictions, got 4'),
        (lambda c: c.add(0, 1), IndexError, 'expected classes from 1 to 3 as predictions, got 0'),
        (lambda c: c.add(1, 4), IndexError, 'expected classes from 1 to 3 as targets, got 4'),
        (
            lambda c: c.batchAdd(np.array([1, 1.5]), np.array([1, 1])),
            IndexError,
            'expected classes from 1 to 3 as predictions, got 1.5',
        ),
        (
            lambda c: c.add(np.zeros((1, 3)), 1),
            ValueError,
            r'expected a class or a vector .* got shape \(1, 3\) and int 1',
        ),
        (
            lambda c: c.batchAdd(np.zeros((1, 1, 3)), np.ones(1)),
            ValueError,
            r'expected predictions with 1 or 2 dimensions, got shape \(1, 1, 3\)',
        ),
        (lambda c: c.batchAdd(np.ones(1), np.ones(())), ValueError, 'expected targets with 1 or 2 dimensions'),
        (
            lambda c: c.batchAdd(np.ones(2), np.ones(3)),
            ValueError,
            'expected as many predictions as targets, got 2 and 3',
        ),
        (lambda c: optim.ConfusionMatrix('many'), TypeError, "a number of classes or a list .* got str 'many'"),
    ],
)
def test_bad_examples(call, kind, text):
    confusion = optim.ConfusionMatrix(3)
    with pytest.raises(kind, match=f'^optim.ConfusionMatrix: .*{text}'):
        call(confusion)
    assert confusion.mat.sum() == 0


# Logger


def test_rows_by_name(tmp_path):
    with optim.Logger(tmp_path / 'deep' / 'er' / 'error.log') as logger:
        logger.add({'train error': 0.5, 'test error': -math.inf})
        logger.add({'test error': 12345.678, 'train error': np.float32(0.25)})
        logger.add({'train error': 'none', 'test error': 3})
        text = (tmp_path / 'deep' / 'er' / 'error.log').read_text()  # written as it comes
    assert text == (
        'train error\ttest error\t\n 5.0000e-01\t       -inf\t\n 2.5000e-01\t 1.2346e+04\t\nnone\t 3.0000e+00\t\n'
    )
    assert logger.symbols == {'train error': [0.5, 0.25, 'none'], 'test error': [-math.inf, 12345.678, 3]}
    assert logger.file.closed
    assert logger.epsfile == str(tmp_path / 'deep' / 'er' / 'error.log.eps')


def test_rows_as_lists(tmp_path):
    with optim.Logger(str(tmp_path / 'a.log')) as logger:
        assert logger.setNames(['one', 'two']) is logger
        logger.add([1, 2])
    assert (tmp_path / 'a.log').read_text() == 'one\ttwo\t\n 1.0000e+00\t 2.0000e+00\t\n'
    with optim.Logger(tmp_path / 'b.log', timestamp=True) as logger:
        logger.add([1, 2])
    (file,) = tmp_path.glob('b.log-????_??_??_*')
    assert file.read_text() == '1\t2\t\n 1.0000e+00\t 2.0000e+00\t\n'
    assert logger.symbols == {1: [1], 2: [2]}


def test_standard_output(monkeypatch):
    monkeypatch.setattr(sys, 'stdout', io.StringIO())
    with optim.Logger() as logger:
        logger.add({'a': 1})
    assert sys.stdout.getvalue() == ('<Logger> warning: no path provided, logging to std out\na\t\n 1.0000e+00\t\n')


def test_bad_rows(tmp_path):
    with optim.Logger(tmp_path / 'log') as logger:
        for row, got in ({'a': None}, 'nil'), ({'a': True}, 'bool True'), ({'a': [1]}, 'a table of 1'):
            with pytest.raises(TypeError, match=f"^optim.Logger: can only log numbers and strings, got {got} for 'a'"):
                logger.add(row)
        assert (tmp_path / 'log').read_text() == ''
        logger.add({'a': 1})
        with pytest.raises(ValueError, match=r"^optim.Logger: expected columns \['a'\], got \['b'\] as well"):
            logger.add({'a': 1, 'b': 2})
        with pytest.raises(TypeError, match='style should be a string or a table of strings, got int 1'):
            logger.style({'a': 1})
    assert (tmp_path / 'log').read_text() == 'a\t\n 1.0000e+00\t\n'


def test_plot(tmp_path):
    if importlib.util.find_spec('matplotlib') is None:
        with pytest.MonkeyPatch.context() as patch:
            return test_plot_without_matplotlib(tmp_path, patch)
    import matplotlib.pyplot

    matplotlib.use('Agg')
    figures = matplotlib.pyplot.get_fignums()
    with optim.Logger(tmp_path / 'log') as logger:
        logger.add([1.0, 2.0])
        logger.plot()
        assert not (tmp_path / 'log.eps').exists()  # nothing to see in one row
        logger.setNames(['one', 'two']).style([['+', '-'], '+-'])
        for i in range(1, 5):
            logger.add([i, 1 / i])
        logger.setlogscale(True)
        logger.plot()
        both = (tmp_path / 'log.eps').read_bytes()
        assert both.startswith(b'%!PS-Adobe')
        logger.display(False)
        logger.plot('one')
        assert len((tmp_path / 'log.eps').read_bytes()) < len(both)
        with pytest.raises(ValueError, match=r"^optim.Logger: expected names out of \['one', 'two'\], got \['three'\]"):
            logger.plot('three')
    assert matplotlib.pyplot.get_fignums() == figures


def test_plot_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    with optim.Logger(tmp_path / 'log') as logger:
        logger.add([1.0])
        logger.add([2.0])
        with pytest.raises(ImportError, match=r"^optim.Logger: plot needs matplotlib.* pip install 't7nn\[plot\]'"):
            logger.plot()


def test_importing_optim_is_cheap():
    program = (
        'import sys, t7nn; t7nn.optim.adam; import t7nn.optim as optim; '
        'assert not {"scipy", "matplotlib"} & set(sys.modules)'
    )
    subprocess.run([sys.executable, '-c', program], check=True, cwd=Path(__file__).parent.parent)
