"""The command line: the main job, its picture, and one clear line for whatever is wrong."""

import io
import re
import subprocess
import sys

import numpy as np
import pytest

from t7nn import datasets, experiment, random
from t7nn.__main__ import main

QUICK = ['regularize', '--iterations', '3', '--hidden', '4', '--train', '20']


@pytest.fixture
def table(tmp_path):
    rng = np.random.RandomState(0)
    path = tmp_path / 'table.csv'
    rows = '\n'.join(','.join(f'{number:.3f}' for number in row) for row in rng.randn(30, 3))
    path.write_text(f'# where it is from\nheight,width,price\n{rows}\n')
    return path


def failure(capsys, *arguments):
    """The line on stderr of a command that fails."""
    try:
        assert main(list(arguments)) == 2
    except SystemExit as exit:
        assert exit.code == 2
    captured = capsys.readouterr()
    assert captured.err.count('\n') == 1 and captured.err.endswith('\n')
    return captured.err.strip()


def test_the_main_job_as_a_process():
    done = subprocess.run([sys.executable, '-m', 't7nn', *QUICK], capture_output=True, text=True, check=True)
    number = r'\d+\.\d{3}'
    assert re.search(rf'^none +{number} +{number} +{number} +{number} +\d +\d+ +\d +{number}$', done.stdout, re.M)
    assert [line.partition(':')[0] for line in done.stderr.splitlines()] == [
        'none', 'early stopping', 'L2', 'L1', 'L1 and L2', 'exact L1 and L2', 'as published',
    ]  # fmt: skip
    assert max(map(len, done.stdout.splitlines())) < 125


@pytest.fixture(scope='module', params=[2, 3])
def outcomes(request):
    data = experiment.split(datasets.diabetes(), 100, request.param)
    return data, {one.name: one for one in experiment.compare(data, seed=request.param)}


def test_what_it_shows(outcomes):
    """The numbers of other seeds tell what the documentation tells of the first."""
    data, outcomes = outcomes
    none, published = outcomes['none'], outcomes['as published']
    assert none.training_error < 0.05 and none.test_error > np.mean(data.test_targets**2) > 0.85
    assert outcomes['L2'].test_error < 0.65 and outcomes['L1'].test_error < 0.65
    assert outcomes['L1 and L2'].test_error < 0.72
    assert outcomes['L1'].nonzero < 0.05 * 481 and outcomes['L1'].units < 4
    assert outcomes['exact L1 and L2'].nonzero < 0.1 * 481
    assert outcomes['L1 and L2'].nonzero == none.nonzero == outcomes['L2'].nonzero == 481 and none.units == 40
    assert published.largest <= 0.03 and published.training_error > 0.8
    assert outcomes['early stopping'].test_error < 0.75 * none.test_error
    assert outcomes['ridge'].test_error < outcomes['L1'].test_error + 0.03


def test_errors_are_what_they_are_called(outcomes):
    data, outcomes = outcomes
    for one in outcomes.values():
        if one.test_errors:
            assert len(one.test_errors) == len(one.training_errors) == 200
            assert one.best_test_error == min(one.test_errors) == one.test_errors[one.best_iteration - 1]
            assert one.best_training_error == one.training_errors[one.best_iteration - 1]
            hidden, output = one.parameters[:440].reshape(40, 11), one.parameters[440:]
            weight, bias = one.parameters[:400].reshape(40, 10), one.parameters[400:440]
            predicted = np.tanh(data.test_inputs @ weight.T + bias) @ output[:40] + output[40]
            assert one.test_error == pytest.approx(np.mean((predicted - data.test_targets[:, 0]) ** 2))
            assert one.units == ((weight != 0).any(1) & (output[:40] != 0)).sum() and hidden.size == 440
        if one.name not in ('early stopping', 'least squares', 'ridge'):
            assert one.test_error == one.test_errors[-1] and one.training_error == one.training_errors[-1]


def test_linear_models(outcomes):
    data, outcomes = outcomes
    x, t = data.inputs, data.targets[:, 0]
    np.testing.assert_allclose(outcomes['least squares'].parameters, np.linalg.lstsq(x, t, rcond=None)[0], rtol=1e-8)
    error = np.mean((data.test_inputs @ outcomes['ridge'].parameters - data.test_targets[:, 0]) ** 2)
    assert outcomes['ridge'].test_error == pytest.approx(error)

    def solved(weight, x, t):
        mean = x.mean(0)
        w = np.linalg.solve((x - mean).T @ (x - mean) + weight * np.eye(10), (x - mean).T @ (t - t.mean()))
        return w, t.mean() - mean @ w

    def left_out(weight):
        total = 0
        for i in range(100):
            w, bias = solved(weight, np.delete(x, i, 0), np.delete(t, i))
            total += (x[i] @ w + bias - t[i]) ** 2
        return total

    best = min(100 * 10 ** np.arange(-4, 2.1, 0.25), key=left_out)
    np.testing.assert_allclose(outcomes['ridge'].parameters, solved(best, x, t)[0], rtol=1e-6)


def test_early_stopping_knows_the_training_rows_only():
    data = experiment.split(datasets.diabetes(), 100, 1)
    other = data._replace(test_inputs=-data.test_inputs, test_targets=data.test_targets * 2)
    for one, another in zip(*(experiment.compare(part, iterations=5) for part in (data, other)), strict=True):
        np.testing.assert_array_equal(one.parameters, another.parameters)


def test_own_table(table, capsys):
    assert main([*QUICK, '--data', str(table), '--target', 'price']) == 0
    assert f'{table}: 20 rows to train on, 10 to test, 2 variables' in capsys.readouterr().out


def test_standard_input(table, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BytesIO(table.read_bytes())))
    assert main([*QUICK, '--data', '-', '--target', 'price']) == 0
    assert '-: 20 rows to train on' in capsys.readouterr().out


def test_standard_input_closed(capsys, monkeypatch):
    monkeypatch.setattr(sys, 'stdin', None)
    message = failure(capsys, *QUICK, '--data', '-', '--target', 'price')
    assert message.endswith('expected a table on standard input, got it closed')


def test_same_seed_same_table(table, capsys):
    outputs = []
    for seed in ('5', '5', '6'):
        assert main([*QUICK, '--data', str(table), '--target', 'price', '--seed', seed]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] != outputs[2]


class TestSentences:
    """They are computed from the numbers, whatever these are."""

    def seen(self, **errors):
        blank = experiment.Outcome('', 0.5, 0.5, 1, 0.5, 0.5, 3, 2, 0.25, np.ones(3), [0.5], [0.5])
        outcomes = [
            blank._replace(name=name, test_error=errors.get(name.replace(' ', '_'), 0.5), training_error=0.9)
            for name in ('none', 'early stopping', *experiment.REGULARISED, 'as published', 'least squares', 'ridge')
        ]
        return experiment.describe(outcomes, experiment.Penalties(), 1.25)

    def test_it_helps(self):
        assert 'generalises better: test error 0.500 without, 0.400 at best (L1 (0.03)).' in self.seen(L1=0.4)

    def test_it_does_not(self):
        shown = self.seen(none=0.3)
        assert 'Regularisation does not help here: test error 0.300 without, 0.500 at best (L2 (0.1)).' in shown
        assert 'changes nothing here: test error 0.500 without, 0.500 at best' in self.seen()

    def test_it_helps_too_little(self):
        shown = self.seen(none=3, L2=2, L1=2, L1_and_L2=2, exact_L1_and_L2=2)
        assert 'helps, but not beyond predicting the mean: test error 3.000 without, 2.000 at best (L2 (0.1)).' in shown

    def test_divergence(self):
        nan = float('nan')
        shown = self.seen(none=nan, L2=nan)
        assert 'Without regularisation the training diverged; with it the test error is 0.500 at best (L1' in shown
        shown = self.seen(L1=nan, L2=nan, L1_and_L2=float('inf'), exact_L1_and_L2=nan)
        assert 'Every regularised training diverged: a smaller --rate helps.' in shown

    def test_linear_models(self):
        assert 'least squares 0.500, ridge 0.450: no hidden layer is needed here.' in self.seen(ridge=0.45)
        assert 'least squares 0.500, ridge 0.500.' in self.seen()
        worse = dict.fromkeys(['none', 'early_stopping', 'L2', 'L1', 'L1_and_L2', 'exact_L1_and_L2'], 3)
        assert 'least squares 2.000, ridge 2.000.' in self.seen(**worse, least_squares=2, ridge=2)

    def test_large_numbers_stay_narrow(self):
        shown = self.seen(L2=1.23e120, none=-4e5)
        assert '1e+120' in shown and max(map(len, shown.splitlines()[:12])) < 80


def test_given_or_chosen(capsys):
    assert main([*QUICK, '--l1', '0.02']) == 0
    shown = capsys.readouterr().out
    assert 'l1 = 0.02 and l2 = 0.1 are given, not chosen: --cv 5 chooses them.' in shown and 'L1 (0.02)' in shown


class TestSeeds:
    def test_means(self, capsys):
        assert main([*QUICK, '--seed', '3', '--seeds', '4']) == 0
        shown = capsys.readouterr().out
        each = []
        for seed in 3, 4, 5, 6:
            data = experiment.split(datasets.diabetes(), 20, seed)
            outcomes = experiment.compare(data, iterations=3, hidden=4, seed=seed)
            each.append({one.name: one for one in outcomes})
        tests = [one['L1'].test_error for one in each]
        assert re.search(rf'^L1 .* {np.mean(tests):.3f} \+- {np.std(tests, ddof=1):.3f} ', shown, re.M)
        better = sum(one['L1'].test_error < one['none'].test_error for one in each)
        assert f'L1: a smaller test error than without regularisation for {better} of 4 seeds.' in shown

    def test_workers_change_nothing(self, capsys):
        pytest.importorskip('sklearn')
        outputs = []
        for jobs in '1', '2':
            assert main([*QUICK, '--seeds', '3', '--jobs', jobs]) == 0
            outputs.append(capsys.readouterr().out)
        assert outputs[0] == outputs[1]


class TestChoice:
    def test_by_cross_validation(self, capsys):
        pytest.importorskip('sklearn')
        assert main([*QUICK, '--cv', '2']) == 0
        shown = capsys.readouterr().out
        chosen = re.search(
            r'2 folds of the training rows chose l1 = (\S+) alone, l2 = (\S+) alone, l1 = (\S+) with', shown
        )
        assert f'L1 ({chosen[1]})' in shown and f'L2 ({chosen[2]})' in shown

    def test_it_knows_the_training_rows_only(self):
        pytest.importorskip('sklearn')
        data = experiment.split(datasets.diabetes(), 30, 1)
        other = data._replace(test_inputs=data.test_inputs * 7, test_targets=-data.test_targets)
        settings = {'iterations': 3, 'rate': 0.01, 'hidden': 4, 'seed': 1, 'jobs': 1, 'both': True}
        for one, another in zip(*(experiment.paths(part, 2, **settings) for part in (data, other)), strict=True):
            np.testing.assert_array_equal(one.mean(), another.mean())

    def test_path(self, tmp_path, capsys):
        pytest.importorskip('sklearn')
        path = tmp_path / 'path.svg'
        assert main([*QUICK, '--path', str(path)]) == 0
        assert path.read_text().startswith('<?xml') and f'path: {path}' in capsys.readouterr().out

    @pytest.mark.parametrize('arguments', [['--cv', '5'], ['--path', 'x.png'], ['--jobs', '2']], ids=str)
    def test_without_scikit_learn(self, monkeypatch, capsys, arguments):
        monkeypatch.setitem(sys.modules, 'sklearn', None)
        message = failure(capsys, *QUICK, *arguments)
        assert message.endswith("--cv, --path and --jobs need scikit-learn; get it with: pip install 't7nn[sklearn]'")

    def test_the_main_job_needs_no_scikit_learn(self):
        code = f"import sys; sys.modules['sklearn'] = None; from t7nn.__main__ import main; sys.exit(main({QUICK}))"
        assert subprocess.run([sys.executable, '-c', code], capture_output=True).returncode == 0


class TestProgress:
    def test_on_a_terminal(self, monkeypatch, capsys):
        monkeypatch.setattr(sys.stderr, 'isatty', lambda: True)
        assert main(['regularize', '--iterations', '20', '--hidden', '2', '--train', '20']) == 0
        shown = capsys.readouterr().err
        assert shown.startswith('\rnone: iteration 1 of 20, training error ')
        assert shown.endswith('\r\033[K') and '\n' not in shown

    def test_on_a_narrow_terminal(self, monkeypatch, capsys):
        monkeypatch.setattr(sys.stderr, 'isatty', lambda: True)
        monkeypatch.setenv('COLUMNS', '20')
        assert main(QUICK) == 0
        lines = re.split(r'\r|\033\[K', capsys.readouterr().err)
        assert max(map(len, lines)) == 19

    def test_the_error_is_the_tables(self, capsys):
        assert main(QUICK) == 0
        captured = capsys.readouterr()
        told = dict(re.findall(r'^([\w ]+): iteration 3 of 3, training error (.*)$', captured.err, re.M))
        assert len(told) == 7
        for name in 'none', 'as published', 'L1 and L2':
            assert re.search(rf'^{name} +{re.escape(told[name])} ', captured.out, re.M)

    def test_an_interrupt_leaves_the_line_clean(self, monkeypatch, capsys):
        monkeypatch.setattr(sys.stderr, 'isatty', lambda: True)

        def interrupt(*arguments):
            raise KeyboardInterrupt

        monkeypatch.setattr(experiment, 'active_units', interrupt)
        assert main(QUICK) == 130
        assert capsys.readouterr().err.endswith('\r\033[K')

    def test_stderr_that_cannot_be_written(self, monkeypatch, capsys):
        def full(text):
            raise OSError(28, 'No space left on device')

        monkeypatch.setattr(sys.stderr, 'write', full)
        assert main(QUICK) == 0

    def test_stderr_closed(self):
        command = f'{sys.executable} -m t7nn {" ".join(QUICK)} 2>&-'
        done = subprocess.run(command, shell=True, stdout=subprocess.PIPE, text=True)
        assert done.returncode == 0 and 'iteration 3 of 3' not in done.stdout and 'as published' in done.stdout


def test_missing_file(capsys):
    assert 'No such file' in failure(capsys, 'regularize', '--data', 'missing.csv', '--target', 'price')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a,b\n1,2\n3,x\n', "line 3: expected a number in column 'b', got 'x'"),
        ('a,b\n1,2\n', 'expected at least 2 rows for training and 2 for testing, got 1 rows and --train 3'),
        ('a,b\n' + '0.1,1\n0.1,2\n0.1,3\n' * 2, "expected a column of different numbers, got 0.1 everywhere in 'a'"),
        ('a,b\n' + '1,5\n2,5\n3,5\n' * 2, "expected a column of different numbers, got 5 everywhere in 'the target'"),
        (
            'a,b\n' + '1,1e300\n2,3\n3,2e300\n' * 2,
            "expected numbers whose squares are finite, got up to 1e154 and more in 'the target'",
        ),
        (
            'a,b\n' + '1e300,1\n2,3\n-1e300,2\n' * 2,
            "expected numbers whose squares are finite, got up to 1e154 and more in 'a'",
        ),
    ],
    ids=str,
)
def test_table_that_makes_no_sense(tmp_path, capsys, text, message):
    path = tmp_path / 'bad.csv'
    path.write_text(text)
    assert failure(capsys, 'regularize', '--train', '3', '--data', str(path), '--target', 'b').endswith(message)


def test_a_rare_value_may_be_missing_among_the_training_rows():
    table = datasets.Table(np.array([[0.0, i] for i in range(20)]), np.arange(20.0), ['rare', 'i'], '')
    order = nn_order(20)
    table.inputs[order[-1], 0] = 1
    data = experiment.split(table, 10, 1)
    assert (data.inputs[:, 0] == 0).all() and data.test_inputs[-1, 0] == 1


def test_a_number_too_large_for_its_square_is_refused_in_test_rows_too():
    table = datasets.Table(np.arange(20.0)[:, None] % 7, np.arange(20.0), ['i'], '')
    table.inputs[nn_order(20)[-1]] = 1e300
    with pytest.raises(ValueError, match="expected numbers whose squares are finite, got up to 1e154 and more in 'i'"):
        experiment.split(table, 10, 1)


def nn_order(rows):
    random.manualSeed(1)
    return random.randperm(rows, dtype=np.int64) - 1


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--iterations', '0'], 'expected --iterations of at least 1, got 0'),
        (['--hidden', '-1'], 'expected --hidden from 1 to 10000, got -1'),
        (['--hidden', '10000000000'], 'expected --hidden from 1 to 10000, got 10000000000'),
        (['--l1', '-0.1'], 'expected --l1 >= 0 and finite, got -0.1'),
        (['--l2', 'nan'], 'expected --l2 >= 0 and below 1, got nan'),
        (['--l2', '3'], 'expected --l2 >= 0 and below 1, got 3.0'),
        (['--rate', '0'], 'expected --rate above 0 and finite, got 0.0'),
        (['--rate', 'inf'], 'expected --rate above 0 and finite, got inf'),
        (['--rate', 'fast'], "argument --rate: invalid float value: 'fast'"),
        (['--train', '441'], 'expected at least 2 rows for training and 2 for testing, got 442 rows and --train 441'),
        (['--seed', '-1'], 'expected --seed from 0 to 4294967295, got -1'),
        (['--seeds', '0'], 'expected --seeds from 1 to 10000, got 0'),
        (['--seeds', '4294967296'], 'expected --seeds from 1 to 10000, got 4294967296'),
        (['--seed', '4294967295', '--seeds', '2'], 'expected --seed from 0 to 4294967294, got 4294967295'),
        (['--path', 'a.png', '--train', '4'], 'expected --train of at least 5 with --path, got 4'),
        (['--jobs', '0'], 'expected --jobs of at least 1, or -1, got 0'),
        (['--cv', '1'], 'expected --cv from 2 to the 100 rows of --train, got 1'),
        (['--cv', '5', '--l1', '0.1'], 'expected either --cv, which chooses l1 and l2, or --l1 and --l2, got both'),
        (['--target', 'price'], 'expected --data and --target together, got one of them'),
        (['--data', '', '--target', 'price'], "expected the name of a file, got ''"),
        (['--data', '/dev/zero', '--target', 'price'], 'expected a text file of numbers, got bytes that are no text'),
        (['--plot', 'foo'], ".webp, got 'foo'"),
        (
            ['--plot', 'no-such-folder/a.png'],
            "expected --plot that can be written, got 'no-such-folder/a.png': No such file or directory",
        ),
        (['--path', 'a.xyz'], ".webp, got 'a.xyz'"),
        (['--what'], 'unrecognized arguments: --what'),
    ],
)
def test_options_that_make_no_sense(capsys, arguments, message):
    assert failure(capsys, 'regularize', *arguments).endswith(message)


def test_divergence_is_told(capsys):
    assert main([*QUICK, '--rate', '1e9']) == 2
    captured = capsys.readouterr()
    assert 'Every regularised training diverged: a smaller --rate helps.' in captured.out
    assert captured.err.endswith('every training diverged; expected a smaller --rate\n')


def test_picture(tmp_path, capsys):
    path = tmp_path / 'picture.png'
    assert main([*QUICK, '--plot', str(path)]) == 0
    assert path.read_bytes().startswith(b'\x89PNG')
    assert f'picture: {path}' in capsys.readouterr().out


def test_picture_that_is_a_folder(tmp_path, capsys):
    (tmp_path / 'a.png').mkdir()
    assert failure(capsys, *QUICK, '--plot', str(tmp_path / 'a.png')).endswith(': Is a directory')


def test_picture_is_checked_before_the_work(tmp_path, capsys):
    """The check makes no file, and changes none that is there."""
    there, other = tmp_path / 'there.png', tmp_path / 'other.png'
    there.write_text('what was there')
    assert failure(capsys, *QUICK, '--plot', str(other), '--path', str(there), '--cv', '0')
    assert failure(capsys, *QUICK, '--plot', str(other), '--path', str(tmp_path / 'no' / 'a.png'))
    assert failure(capsys, *QUICK, '--plot', str(there), '--path', str(tmp_path / 'no' / 'a.png'))
    assert not other.exists() and there.read_text() == 'what was there'


def test_picture_without_matplotlib(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    monkeypatch.setitem(sys.modules, 'matplotlib.figure', None)
    message = failure(capsys, *QUICK, '--plot', str(tmp_path / 'picture.png'))
    assert message.endswith("drawing needs matplotlib; get it with: pip install 't7nn[plot]'")


def test_import_is_light():
    """Importing t7nn imports neither SciPy nor an extra."""
    extras = {'scipy', 'matplotlib', 'hypothesis', 'torch', 'sklearn', 'joblib'}
    code = f'import sys, t7nn; print(sorted({extras} & set(sys.modules)))'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout == '[]\n'
