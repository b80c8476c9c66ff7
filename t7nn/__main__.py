"""``python -m t7nn COMMAND``: the command line. Bad input is one line on stderr and exit status 2."""

import sys
from argparse import ArgumentParser
from typing import NoReturn

from . import __version__, experiment
from .serialization import inspection


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f'{self.prog}: {message}\n')


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    parser = _Parser('python -m t7nn', description="Torch7's nn in Python: commands.")
    parser.add_argument('--version', action='version', version=f't7nn {__version__}')
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    regularize = commands.add_parser(
        'regularize', help='does L1/L2 regularisation generalise? the experiment on real data'
    )
    experiment.add_arguments(regularize)
    regularize.set_defaults(run=experiment.run)
    inspect = commands.add_parser('inspect', help='what is in a .t7 file: classes, shapes, parameters, what is shared')
    inspection.add_inspect_arguments(inspect)
    inspect.set_defaults(run=inspection.run_inspect)
    convert = commands.add_parser('convert', help='a .t7 file to .npz (weights) or to a .t7 file of the other mode')
    inspection.add_convert_arguments(convert)
    convert.set_defaults(run=inspection.run_convert)
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, ModuleNotFoundError) as error:
        print(f'python -m t7nn {options.command}: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
