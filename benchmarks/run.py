"""All benchmarks in one table, beside their floors and beside PyTorch, torchfile and scikit-learn where installed.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/run.py [NAME ...]
    [--json FILE] [--results FILE] [--against FILE] [--page FILE]

NAME
    of benchmarks: ``training`` for ``bench_training.py``; all without one
--json FILE
    keep the figures
--results FILE
    take the figures of an earlier ``--json`` and measure nothing
--against FILE
    an earlier file: rows that have become slower by more than 10 % are marked, if they have against every peer, and on
    the same processor by the clock as well
--page FILE
    write the figures as a page of Markdown; docs/speed.md is the one of benchmarks/results.json
"""

import argparse
import ast
import importlib
import inspect
import json
import os
import platform
import sys
from pathlib import Path

import numpy as np
import timing

HERE = Path(__file__).parent
SLOWER = 1.1

#: for each benchmark its rows, and for each row the seconds of t7nn and of each peer, by name
Results = dict[str, dict[str, dict[str, float]]]


def machine() -> dict[str, str]:
    """What the figures hang on: processor, versions, BLAS and its kernel."""
    cpu = Path('/proc/cpuinfo')
    models = [line for line in cpu.read_text().splitlines() if line.startswith('model name')] if cpu.exists() else []
    config = np.show_config(mode='dicts')
    blas = config['Build Dependencies']['blas']
    found = {
        'processor': models[0].partition(': ')[2] if models else platform.processor(),
        'system': f'{platform.system()}, Python {platform.python_version()}, NumPy {np.__version__}',
        'SIMD': ', '.join(config['SIMD Extensions'].get('found', ())),
        'BLAS': f'{blas["name"]} {blas["version"]}',
        'threads': os.environ.get('OMP_NUM_THREADS', 'not limited'),
    }
    try:
        from threadpoolctl import threadpool_info

        found['BLAS kernel'] = ', '.join(sorted({pool.get('architecture', '?') for pool in threadpool_info()}))
    except ModuleNotFoundError:
        pass
    for peer in ('scipy', 'torch', 'torchfile', 'sklearn'):
        try:
            found[peer] = importlib.import_module(peer).__version__
        except (ModuleNotFoundError, AttributeError):
            found[peer] = 'not installed'
    return found


def measured(names: list[str]) -> Results:
    """The rows of these benchmarks."""
    results = {}
    mains = {name: importlib.import_module(f'bench_{name}').main for name in names}  # an error here costs no time
    for name, main in mains.items():
        timing.ROWS.clear()
        main(*[[]] * ('arguments' in inspect.signature(main).parameters))
        results[name] = dict(timing.ROWS)
    return results


def kept(path: Path) -> dict:
    """What ``--json`` has written to `path`: the machine and the results; a ValueError where it is something else."""
    try:
        found = json.loads(path.read_text())
        times = [time for rows in found['results'].values() for row in rows.values() for time in row.values()]
        if not found['machine'] or not times or not all(isinstance(time, float) and time > 0 for time in times):
            raise ValueError
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise ValueError(f'expected a file that --json has written, got {path}: {error}') from None
    return found


def duration(seconds: float) -> str:
    """The number in the unit that suits it."""
    unit, factor = next(
        each for each in (('us', 1e6), ('ms', 1e3), ('s', 1)) if seconds * each[1] < 1000 or each[1] == 1
    )
    return f'{seconds * factor:.3g} {unit}'


def change(now: dict[str, float], before: dict[str, float], clock: bool = False) -> str:
    """How a row compares with the same one `before`: the time of its first callable, divided by that of a peer, since
    machines differ, or as it is where the `clock` counts. Of several such factors the least is told: a peer may have
    been disturbed. Empty where there is nothing to compare with."""
    own, *peers = now
    known = [peer for peer in peers if peer in before]
    if own not in before or not known:
        return ''
    yardsticks = [now[peer] / before[peer] for peer in known] + [1.0] * clock
    factor = now[own] / before[own] / max(yardsticks)
    return f'{"SLOWER " if factor > SLOWER else ""}{factor:.2f} x' if abs(factor - 1) > 0.03 else 'same'


def lines(
    rows: dict[str, dict[str, float]], earlier: dict[str, dict[str, float]], clock: bool = False
) -> list[list[str]]:
    """For each row its title, the first time, the others as multiples of it, and how it compares with `earlier`."""
    made = []
    for title, times in rows.items():
        (_, own), *others = times.items()
        ratios = ', '.join(f'{other} {seconds / own:.2g} x' for other, seconds in others)
        made.append([title, duration(own), ratios, change(times, earlier.get(title, {}), clock)])
    return made


def page(where: dict[str, str], results: Results) -> str:
    """The figures as a page of Markdown."""
    parts = [
        '# Speed',
        'This page is written by `python benchmarks/run.py --results benchmarks/results.json --page docs/speed.md`. '
        'All callables of a row take turns in one process, on one thread; times are medians, and the first call of a '
        "turn is not timed where it is short. The others stand as multiples of the first one's time: more than 1 x "
        'means that the first one, t7nn, is faster. A floor is the same work without what a library adds. Absolute '
        'times hold for this machine only:',
        '\n'.join(f'- {key}: {value}' for key, value in where.items()),
    ]
    for name, rows in results.items():
        text = ast.get_docstring(ast.parse((HERE / f'bench_{name}.py').read_text())) or ''
        first = ' '.join(text.partition('\n\n')[0].split())
        table = [f'| {" | ".join(line[:3])} |' for line in lines(rows, {})]
        parts.append(f'## {name.replace("_", " ").capitalize()}')
        parts.append(first)
        parts.append('\n'.join(['| what | time | others |', '|---|---|---|', *table]))
    return '\n\n'.join(parts) + '\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    known = sorted(path.stem[6:] for path in HERE.glob('bench_*.py'))
    parser.add_argument('names', nargs='*', metavar='NAME', help=', '.join(known))
    for option in ('json', 'results', 'against', 'page'):
        parser.add_argument(f'--{option}', type=Path)
    options = parser.parse_args()
    if unknown := set(options.names) - set(known):
        parser.error(f'expected names out of {", ".join(known)}, got {", ".join(sorted(unknown))}')
    for path in (options.json, options.page):
        if path and not path.parent.is_dir():
            parser.error(f'expected a folder that exists, got {path.parent}')
    try:
        earlier = kept(options.against) if options.against else {'machine': {}, 'results': {}}
        found = kept(options.results) if options.results else None
    except ValueError as error:
        parser.error(str(error))
    if found is None:
        found = {'machine': machine(), 'results': measured(options.names or known)}
    where, results = found['machine'], found['results']
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + '\n')
    if options.page:
        options.page.write_text(page(where, results))
    print(*(f'{key}: {value}' for key, value in where.items()), sep='\n')
    clock = where.get('processor') == earlier['machine'].get('processor')
    before = earlier['results']
    made = [[name, *line] for name, rows in results.items() for line in lines(rows, before.get(name, {}), clock)]
    widths = [max(len(line[i]) for line in made) for i in range(5)]
    for line in made:
        print('  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if any(line[4].startswith('SLOWER') for line in made):
        sys.exit(1)


if __name__ == '__main__':
    main()
