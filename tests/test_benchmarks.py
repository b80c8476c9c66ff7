"""The table of benchmarks and the page that is made of it; nothing is timed here."""

import collections
import functools
import json
import re
import runpy
import sys
from pathlib import Path

import pytest
from table import CriterionRow, Row, rows

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / 'benchmarks'))  # references and mutants import their neighbours by name

from mutants import Use, hold_against_function, plain  # noqa: E402
from references import GRADIENTS, REFERENCES  # noqa: E402

USES = {name: Use(name, row) for name, row in {**rows(Row), **rows(CriterionRow)}.items()} | plain()


@functools.cache
def uses_by_class():
    found = collections.defaultdict(list)
    for use in USES.values():
        found[type(use.make()[0]).__name__].append(use)
    return found


MACHINE = {'processor': 'any'}


@pytest.fixture
def run(monkeypatch):
    """benchmarks/run.py as a module's names; `run['main']` takes its arguments from sys.argv."""
    monkeypatch.syspath_prepend(ROOT / 'benchmarks')
    return runpy.run_path(ROOT / 'benchmarks' / 'run.py')


def written(path, own, peer=2.0):
    """A file of results with one row."""
    results = {'training': {'a step': {'t7nn': own, 'inline': peer}}}
    path.write_text(json.dumps({'machine': MACHINE, 'results': results}))
    return str(path)


def test_the_page_is_that_of_the_results(run):
    results = run['kept'](ROOT / 'benchmarks' / 'results.json')
    assert (ROOT / 'docs' / 'speed.md').read_text() == run['page'](results['machine'], results['results'])


def test_the_results_are_of_all_benchmarks(run):
    results = run['kept'](ROOT / 'benchmarks' / 'results.json')['results']
    assert results.keys() == {path.stem[6:] for path in (ROOT / 'benchmarks').glob('bench_*.py')}


def test_every_benchmark_can_be_run_by_name():
    for path in (ROOT / 'benchmarks').glob('bench_*.py'):
        assert re.search(r'^def main\(', path.read_text(), re.M), path


@pytest.mark.parametrize(
    'own, peer, mark',
    [
        (2.2, 2.0, 'SLOWER 1.10 x'),
        (2.18, 2.0, '1.09 x'),
        (2.04, 2.0, 'same'),
        (1.0, 2.0, '0.50 x'),
        (20.0, 20.0, 'same'),
    ],
)
def test_what_became_slower_stands_out(run, own, peer, mark):
    before = {'t7nn': 2.0, 'inline': 2.0}
    assert run['change']({'t7nn': own + 1e-9, 'inline': peer}, before) == mark


def test_a_disturbed_peer_makes_nothing_slower(run):
    before = {'t7nn': 2.0, 'floor': 2.0, 'torch': 2.0}
    assert run['change']({'t7nn': 2.4, 'floor': 1.0, 'torch': 2.0}, before) == 'SLOWER 1.20 x'
    assert run['change']({'t7nn': 2.0, 'floor': 1.0, 'torch': 2.0}, before) == 'same'
    assert run['change']({'t7nn': 2.0, 'floor': 1.0}, before) == 'SLOWER 2.00 x'
    assert run['change']({'t7nn': 2.0, 'floor': 1.0}, before, clock=True) == 'same'
    assert run['change']({'t7nn': 2.4, 'floor': 1.0}, before, clock=True) == 'SLOWER 1.20 x'


def test_rows_that_cannot_be_compared_are_not_marked(run):
    assert run['change']({'t7nn': 1.0}, {'t7nn': 0.1}) == ''
    assert run['change']({'t7nn': 1.0, 'torch': 1.0}, {'t7nn': 0.1, 'inline': 1.0}) == ''
    assert run['change']({'t7nn': 1.0, 'torch': 1.0}, {}) == ''


def test_a_slower_row_is_an_exit_status(run, tmp_path, monkeypatch, capsys):
    now, before = written(tmp_path / 'now', 2.4), written(tmp_path / 'before', 2.0)
    monkeypatch.setattr(sys, 'argv', ['run.py', '--results', now, '--against', before])
    with pytest.raises(SystemExit) as stopped:
        run['main']()
    assert stopped.value.code == 1
    assert 'SLOWER 1.20 x' in capsys.readouterr().out


@pytest.mark.parametrize(
    'text', ['', '{', '[]', '{}', '{"machine": {"a": "b"}, "results": {"t7": {"x": {"t7nn": 0.0}}}}']
)
def test_a_file_that_holds_no_results_is_refused_before_anything_is_timed(run, tmp_path, monkeypatch, capsys, text):
    path = tmp_path / 'damaged'
    path.write_text(text)
    for option in ('--against', '--results'):
        monkeypatch.setattr(sys, 'argv', ['run.py', option, str(path)])
        with pytest.raises(SystemExit) as stopped:
            run['main']()
        assert stopped.value.code == 2
        assert f'expected a file that --json has written, got {path}' in capsys.readouterr().err


def test_a_folder_that_is_missing_is_refused_before_anything_is_timed(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['run.py', '--json', str(tmp_path / 'missing' / 'file')])
    with pytest.raises(SystemExit):
        run['main']()
    assert 'expected a folder that exists' in capsys.readouterr().err


@pytest.mark.parametrize('name', sorted(REFERENCES.keys() | GRADIENTS.keys()))
def test_a_reference_is_what_the_class_computes(name):
    assert sum(map(hold_against_function, uses_by_class()[name])) > 0
