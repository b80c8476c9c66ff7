"""All benchmarks in one table, beside their floors and beside PyTorch, torchfile and scikit-learn where installed.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/run.py [NAME ...]
    [--json FILE] [--against FILE] [--page FILE]

NAME
    of benchmarks: ``training`` for ``bench_training.py``; all without one
--json FILE
    keep the figures
--against FILE
    an earlier file: rows that have become slower by more than 10 %, measured against the same peer, are marked
--page FILE
    write the table as a page of Markdown, which the documentation shows
"""

import argparse
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


def machine() -> dict[str, str]:
    """What the figures hang on: processor, versions, BLAS and its kernel."""
    cpu = Path('/proc/cpuinfo')
    models = [line for line in cpu.read_text().splitlines() if line.startswith('model name')] if cpu.exists() else []
    blas = np.show_config(mode='dicts')['Build Dependencies']['blas']
    found = {
        'processor': models[0].partition(': ')[2] if models else platform.processor(),
        'system': f'{platform.system()}, Python {platform.python_version()}, NumPy {np.__version__}',
        'BLAS': f'{blas["name"]} {blas["version"]}',
        'threads': os.environ.get('OMP_NUM_THREADS', 'not limited'),
    }
    try:
        from threadpoolctl import threadpool_info

        found['BLAS kernel'] = ', '.join({pool.get('architecture', '?') for pool in threadpool_info()})
    except ModuleNotFoundError:
        pass
    for peer in ('scipy', 'torch', 'torchfile', 'sklearn'):
        try:
            found[peer] = importlib.import_module(peer).__version__
        except (ModuleNotFoundError, AttributeError):
            found[peer] = 'not installed'
    return found


def measured(names: list[str]) -> dict[str, dict[str, dict[str, float]]]:
    """For each benchmark its rows: the seconds of t7nn and of each peer by name."""
    results = {}
    for name in names:
        module = importlib.import_module(f'bench_{name}')
        timing.ROWS.clear()
        module.main(*[[]] * ('arguments' in inspect.signature(module.main).parameters))
        results[name] = dict(timing.ROWS)
    return results


def table(results: dict, earlier: dict | None) -> list[list[str]]:
    """Lines of benchmark, t7nn's time, the others' as multiples of it, and how it compares with `earlier`."""
    lines = []
    for name, rows in results.items():
        for title, times in rows.items():
            (own_name, own), *others = times.items()
            ratios = ', '.join(f'{other} {seconds / own:.2f} x' for other, seconds in others)
            change = ''
            before = (earlier or {}).get(name, {}).get(title)
            if before and others and others[0][0] in before:
                peer, seconds = others[0]
                factor = (own / seconds) / (before[own_name] / before[peer])
                change = f'{"SLOWER " if factor > SLOWER else ""}{factor:.2f} x' if abs(factor - 1) > 0.03 else 'same'
            lines.append([name, title, f'{own * 1e6:.1f} us', ratios, change])
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    known = sorted(path.stem[6:] for path in HERE.glob('bench_*.py'))
    parser.add_argument('names', nargs='*', metavar='NAME', help=', '.join(known))
    for option in ('json', 'against', 'page'):
        parser.add_argument(f'--{option}', type=Path)
    options = parser.parse_args()
    if unknown := set(options.names) - set(known):
        parser.error(f'expected names out of {", ".join(known)}, got {", ".join(sorted(unknown))}')
    earlier = json.loads(options.against.read_text())['results'] if options.against else None
    results, where = measured(options.names or known), machine()
    lines = table(results, earlier)
    print(*(f'{key}: {value}' for key, value in where.items()), sep='\n')
    widths = [max(len(line[i]) for line in lines) for i in range(5)]
    for line in lines:
        print('  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if options.json:
        options.json.write_text(json.dumps({'machine': where, 'results': results}, indent=1) + '\n')
    if options.page:
        rows = [f'| {" | ".join(line[:4])} |' for line in lines]
        options.page.write_text(
            '# Speed\n\nWritten by `python benchmarks/run.py --page docs/speed.md`: medians of interleaved runs. '
            "The times of others are multiples of t7nn's, so that more than 1 x means that t7nn is faster.\n\n"
            + '\n'.join(f'- {key}: {value}' for key, value in where.items())
            + '\n\n| benchmark | what | t7nn | others |\n| --- | --- | --- | --- |\n'
            + '\n'.join(rows)
            + '\n'
        )
    if any(line[4].startswith('SLOWER') for line in lines):
        sys.exit(1)


if __name__ == '__main__':
    main()
