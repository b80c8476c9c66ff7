"""``python -m t7nn COMMAND``: the command line. Bad input is one line on stderr and exit status 2."""

import os
import signal
import sys
from argparse import ArgumentParser
from typing import NoReturn

from . import __version__, experiment
from .serialization import inspection


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f'{self.prog}: {message}\n')


def _parser() -> ArgumentParser:
    parser = _Parser('python -m t7nn', description="Torch7's nn in Python: commands.")
    parser.add_argument('--version', action='version', version=f't7nn {__version__}')
    commands = parser.add_subparsers(dest='command', metavar='COMMAND')
    regularize = commands.add_parser(
        'regularize', help='does L1/L2 regularisation generalise? the experiment on real data'
    )
    experiment.add_arguments(regularize)
    regularize.set_defaults(run=experiment.run)
    inspect = commands.add_parser('inspect', help='what is in a .t7 file: classes, shapes, parameters, what is shared')
    inspection.add_tree_arguments(inspect)
    inspect.set_defaults(run=inspection.run_inspect)
    convert = commands.add_parser(
        'convert',
        help='a .t7 file to .npz, .safetensors (weights), .onnx (the network) or to a .t7 file of the other mode',
    )
    inspection.add_convert_arguments(convert)
    convert.set_defaults(run=inspection.run_convert)
    return parser


def _open_closed_streams() -> None:
    """Let what the caller closed go nowhere, so that no file takes its number."""
    for name, mode in ('stdin', 'r'), ('stdout', 'w'), ('stderr', 'w'):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 (open to the end)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.exit(2, f'{parser.prog}: expected a command\n\n{parser.format_help()}')
    try:
        options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # whoever read our output has enough; what is left in the buffer goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + getattr(signal, 'SIGPIPE', 13)
    except MemoryError:
        print(f'python -m t7nn {options.command}: more memory is needed than there is', file=sys.stderr)
        return 2
    except (OSError, ValueError, TypeError, ModuleNotFoundError) as error:
        print(f'python -m t7nn {options.command}: {" ".join(str(error).splitlines())}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    _open_closed_streams()
    sys.exit(main())
