"""The path: the same numbers on every engine, nothing done twice, and what is in the table is what was trained."""

import subprocess
import sys

import numpy as np
import pytest

import t7nn as nn
from t7nn import datasets
from t7nn import regularization_path as module
from t7nn.regularization_path import Fit, RegularizationPath, active_units

pytest.importorskip('sklearn', minversion='1.6')

import joblib
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from t7nn.estimators import NNClassifier, NNRegressor, regularization_path

TABLE = datasets.diabetes()
X = (TABLE.inputs - TABLE.inputs.mean(0))[:150] / TABLE.inputs.std(0)
Y = (TABLE.target - TABLE.target.mean())[:150] / TABLE.target.std()
NET = NNRegressor((6,), maxIteration=4, learningRate=0.02)
GRID = {'l1': [0.03, 0, 0.01], 'cv': 3, 'warm_start': True}


def same(one, other):
    assert len(one.fits) == len(other.fits)
    for a, b in zip(one.fits, other.fits, strict=True):
        np.testing.assert_array_equal(a[:-1], b[:-1])
        np.testing.assert_array_equal(a.coefficients, b.coefficients)


@pytest.fixture(scope='module')
def path():
    return regularization_path(NET, X, Y, **GRID, seeds=2)


class TestNumbers:
    def test_the_grid(self, path):
        assert path.points == [(0, 0), (0.01, 0), (0.03, 0)]
        assert path.values('fold').tolist() == [[1, 2, 3, 1, 2, 3]] * 3
        assert path.values('seed').tolist() == [[1, 1, 1, 2, 2, 2]] * 3
        assert sum(fit.fold == 0 for fit in path.fits) == 3

    @pytest.mark.parametrize('warm', [True, False])
    def test_by_hand(self, warm):
        path = regularization_path(NET, X, Y, **{**GRID, 'warm_start': warm}, seeds=[7])
        train, held_out = list(KFold(3).split(X))[1]
        net = (6,)
        for i, l1 in enumerate((0, 0.01, 0.03)):
            fitted = NNRegressor(net, maxIteration=4, learningRate=0.02, l1=l1, random_state=7).fit(X[train], Y[train])
            net = fitted.module_ if warm else net
            w = np.concatenate([parameter.ravel() for parameter in fitted.module_.parameters()[0]])
            assert path.values('training_error')[i, 1] == np.mean((fitted.predict(X[train]) - Y[train]) ** 2)
            assert path.values('validation_error')[i, 1] == np.mean((fitted.predict(X[held_out]) - Y[held_out]) ** 2)
            assert path.values('nonzero')[i, 1] == np.count_nonzero(w)
            assert path.values('active')[i, 1] == active_units(fitted.module_)

    def test_coefficients_are_those_of_all_rows(self):
        path = regularization_path(NET, X, Y, l1=GRID['l1'])
        for row, l1 in zip(path.coefficients, (0, 0.01, 0.03), strict=True):
            net = NNRegressor((6,), maxIteration=4, learningRate=0.02, l1=l1, random_state=1).fit(X, Y).module_
            np.testing.assert_array_equal(row, np.concatenate([w.ravel() for w in net.parameters()[0]]))

    def test_means_and_what_is_best(self, path):
        errors = path.values('validation_error')
        np.testing.assert_array_equal(path.mean(), errors.mean(1))
        np.testing.assert_allclose(path.deviation(), errors.std(1) * np.sqrt(6 / 5))
        assert path.best == path.points[errors.mean(1).argmin()]

    def test_simplest(self):
        def fit(l1, fold, error):
            return Fit(l1, 0, fold, 1, 0, error, 1, 1, np.zeros(1))

        errors = {0.1: (1.0, 3.0), 0.2: (1.9, 3.9), 0.3: (2.9, 4.3)}  # a standard error of 1 at the best
        path = RegularizationPath(fit(l1, fold, e) for l1, pair in errors.items() for fold, e in enumerate(pair, 1))
        assert path.best == (0.1, 0) and path.simplest == (0.2, 0)

    def test_two_penalties(self):
        path = regularization_path(NET, X, Y, l1=[0, 0.01], l2=[0.1, 0.2], cv=2)
        assert path.points == [(0, 0.1), (0.01, 0.1), (0, 0.2), (0.01, 0.2)]
        path = regularization_path(NET, X, Y, l1=0.01, l2=[0.1, 0.2], cv=2)
        assert path.points == [(0.01, 0.1), (0.01, 0.2)]

    def test_classes_and_scores(self):
        labels = np.where(Y > 0, 'ill', 'well')
        net = NNClassifier((6,), maxIteration=4)
        wrong = regularization_path(net, X, labels, **GRID)
        assert 0 < wrong.mean().min() < 0.4
        loss = regularization_path(net, X, labels, **GRID, scoring='neg_log_loss')
        train, held_out = next(KFold(3).split(X))  # the stratified folds are others
        assert 0.3 < loss.mean().min() < 1
        accuracy = regularization_path(net, X, labels, **GRID, scoring='accuracy')
        np.testing.assert_allclose(accuracy.mean() + 1, wrong.mean())

    def test_in_pipelines(self):
        """The scaler sees the training rows of each fold, and the network goes on through the pipeline."""
        pipeline = make_pipeline(StandardScaler(), NET)
        path = regularization_path(pipeline, X * 3 + 1, Y, **GRID)
        train, held_out = list(KFold(3).split(X))[2]
        scaler, net = StandardScaler().fit(X[train] * 3 + 1), (6,)
        for l1 in 0, 0.01:
            fitted = NNRegressor(net, maxIteration=4, learningRate=0.02, l1=l1, random_state=1)
            net = fitted.fit(scaler.transform(X[train] * 3 + 1), Y[train]).module_
        error = np.mean((fitted.predict(scaler.transform(X[held_out] * 3 + 1)) - Y[held_out]) ** 2)
        assert path.values('validation_error')[1, 2] == pytest.approx(error, rel=1e-12)
        model = TransformedTargetRegressor(pipeline, transformer=StandardScaler())
        scaled = regularization_path(model, X * 3 + 1, 1000 * Y, **GRID)
        assert 1e6 * 0.3 < scaled.mean().min() < 1e6

    def test_divergence(self):
        net = NNRegressor((), maxIteration=150, learningRate=0.1)
        path = regularization_path(net, X, Y, l2=[0, 0.99], cv=2)
        assert np.isnan(path.mean()[0]) and np.isnan(path.coefficients[0]).all()
        assert path.best == path.simplest == (0, 0.99)
        alone = regularization_path(net, X, Y, l1=0, cv=2)
        with pytest.raises(ValueError, match='every training diverged'):
            _ = alone.best

    def test_seeds_begin_with_the_estimators(self):
        path = regularization_path(NNRegressor((6,), maxIteration=1, random_state=5), X, Y, cv=2, seeds=2)
        assert path.values('seed').tolist() == [[5, 5, 6, 6]]

    def test_one_fit(self):
        path = regularization_path(NET, X, Y, cv=ShuffleSplit(1, random_state=0))
        assert path.deviation().tolist() == [0] and path.simplest == (0, 0)


def test_active_units():
    net = nn.Sequential().add(nn.Linear(2, 3)).add(nn.Tanh()).add(nn.Linear(3, 2)).add(nn.Tanh()).add(nn.Linear(2, 1))
    assert active_units(net) == 5
    net[0].weight[0] = 0  # the first of three gets nothing
    net[2].weight[:, 1] = 0  # the second gives nothing
    net[2].weight[1] = 0
    assert active_units(net) == 2
    assert active_units(nn.Linear(2, 2)) == 0


class TestEngines:
    def test_loky(self, path):
        same(regularization_path(NET, X, Y, **GRID, seeds=2, n_jobs=2), path)

    @pytest.mark.filterwarnings('ignore:.*fork:DeprecationWarning')
    @pytest.mark.parametrize('backend', ['threading', 'multiprocessing'])
    def test_others_of_joblib(self, path, backend):
        with joblib.parallel_config(backend=backend, n_jobs=2):
            same(regularization_path(NET, X, Y, **GRID, seeds=2), path)

    def test_dask(self, path):
        distributed = pytest.importorskip('distributed')
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=2, processes=False, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster),
            joblib.parallel_config(backend='dask'),
        ):
            same(regularization_path(NET, X, Y, **GRID, seeds=2), path)


class TestMemory:
    def test_nothing_is_done_twice(self, path, tmp_path, monkeypatch):
        first = regularization_path(NET, X, Y, **GRID, seeds=2, memory=tmp_path)
        same(first, path)
        monkeypatch.setattr(NNRegressor, 'fit', lambda *arguments: pytest.fail('trained again'))
        same(regularization_path(NET, X, Y, **GRID, seeds=2, memory=joblib.Memory(str(tmp_path), verbose=0)), path)

    def test_interrupted_it_goes_on(self, path, tmp_path, monkeypatch):
        calls, fit = [], NNRegressor.fit

        def counted(self, X, y):
            calls.append(self.l1)
            if len(calls) == 8:
                raise KeyboardInterrupt
            return fit(self, X, y)

        monkeypatch.setattr(NNRegressor, 'fit', counted)
        with pytest.raises(KeyboardInterrupt):
            regularization_path(NET, X, Y, **GRID, seeds=2, memory=str(tmp_path))
        same(regularization_path(NET, X, Y, **GRID, seeds=2, memory=str(tmp_path)), path)
        assert len(calls) == 8 + 21 - 6  # two lines of three were finished

    def test_other_data_are_others(self, path, tmp_path):
        regularization_path(NET, X, Y, **GRID, memory=str(tmp_path))
        other = regularization_path(NET, X, -Y, **GRID, memory=str(tmp_path))
        same(other, regularization_path(NET, X, -Y, **GRID))


class TestTable:
    def test_csv(self, path, tmp_path):
        path.to_csv(tmp_path / 'path.csv')
        same(RegularizationPath.from_csv(tmp_path / 'path.csv'), path)

    @pytest.mark.parametrize('text', ['', 'a,b\n1,2\n', ','.join(Fit._fields) + '\n1,2\n', ','.join(Fit._fields)])
    def test_what_is_no_path(self, tmp_path, text):
        (tmp_path / 'path.csv').write_text(text)
        with pytest.raises(ValueError, match=r'path.csv: expected a table that RegularizationPath.to_csv wrote'):
            RegularizationPath.from_csv(tmp_path / 'path.csv')

    def test_text(self, path):
        header, *lines = str(path).splitlines()
        assert header.split() == ['l1', 'l2', 'training', 'validation', 'deviation', 'non-zero', 'units']
        assert len(lines) == 3 and lines[1].split()[:2] == ['0.01', '0']
        assert float(lines[0].split()[3]) == pytest.approx(path.mean()[0], rel=1e-3)

    def test_in_a_notebook(self, path):
        assert repr(path) == f'RegularizationPath({len(path.points)} points, {len(path.fits)} fits)'
        shown = path._repr_html_()
        assert shown.startswith('<table><thead><tr><th>l1</th><th>l2</th>')
        for text in str(path).split():
            assert f'<td>{text}</td>' in shown or f'<th>{text}</th>' in shown

    @pytest.mark.parametrize('field', ['error', 'coefficients', 'count'])
    def test_fields(self, path, field):
        with pytest.raises(ValueError, match=f"expected one of l1, l2, .*, active, got '{field}'"):
            path.mean(field)


class TestPicture:
    def test_what_is_drawn(self, path):
        errors, weights, units, share = path.plot().axes
        held_out, training, _ = errors.lines
        np.testing.assert_array_equal(held_out.get_ydata(), path.mean())
        np.testing.assert_array_equal(training.get_ydata(), path.mean('training_error'))
        np.testing.assert_array_equal([line.get_ydata() for line in weights.lines[:-1]], path.coefficients.T)
        np.testing.assert_array_equal(units.lines[0].get_ydata(), path.mean('active'))
        assert errors.get_xlabel() == 'l1'

    def test_a_grid_and_a_file(self, tmp_path):
        path = regularization_path(NET, X, Y, l1=[0, 0.01], l2=[0.1, 0.2], cv=2)
        figure = path.plot()
        assert [line.get_label() for line in figure.axes[0].lines[:2]] == [
            'held out (l2 = 0.1)', 'training (l2 = 0.1)',
        ]  # fmt: skip
        figure.savefig(tmp_path / 'path.svg')
        assert regularization_path(NET, X, Y, l2=[0, 0.2], cv=2).plot().axes[0].get_xlabel() == 'l2'

    def test_without_matplotlib(self, path, monkeypatch):
        monkeypatch.setitem(sys.modules, 'matplotlib.figure', None)
        with pytest.raises(ModuleNotFoundError, match=r"pip install 't7nn\[plot\]'"):
            path.plot()


def test_progress(monkeypatch, capsys):
    regularization_path(NET, X, Y, **GRID, seeds=3, verbose=True)
    assert capsys.readouterr().err == '30 of 30 trainings, 0:00 left\n'
    regularization_path(NET, X, Y, **GRID)
    assert capsys.readouterr().err == ''
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: True)
    regularization_path(NET, X, Y, **GRID, verbose=True)
    shown = capsys.readouterr().err
    assert shown.startswith('\r3 of 12 trainings, 0:0') and shown.endswith('\r\033[K')


class TestErrors:
    @pytest.mark.parametrize(
        ('arguments', 'message'),
        [
            ({'l1': -1}, 'expected finite numbers >= 0 as l1, got -1'),
            ({'l1': [0, np.nan]}, r'expected finite numbers >= 0 as l1, got \[0, nan\]'),
            ({'l1': []}, r'expected finite numbers >= 0 as l1, got \[\]'),
            ({'l2': [0.5, 1]}, r'expected numbers >= 0 and below 1 as l2, got \[0.5, 1\]'),
            ({'l1': 'much'}, "expected finite numbers >= 0 as l1, got 'much'"),
            ({'seeds': 0}, 'expected seeds, whole numbers or how many from 1, got 0'),
            ({'seeds': []}, r'expected seeds, whole numbers or how many from 1, got \[\]'),
            ({'seeds': 1.5}, 'expected seeds, whole numbers or how many from 1, got 1.5'),
            ({'seeds': [1.5]}, r'expected seeds, whole numbers or how many from 1, got \[1.5\]'),
        ],
        ids=str,
    )
    def test_arguments(self, arguments, message):
        with pytest.raises(ValueError, match='regularization_path: ' + message):
            regularization_path(NET, X, Y, **arguments)

    def test_other_estimators(self):
        with pytest.raises(TypeError, match='expected NNRegressor or NNClassifier, .* got StandardScaler'):
            regularization_path(make_pipeline(StandardScaler()), X, Y)


def test_the_module_needs_no_scikit_learn():
    code = f'import sys, {module.__name__}; print(sorted({{"sklearn", "joblib", "matplotlib"}} & set(sys.modules)))'
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout == '[]\n'
