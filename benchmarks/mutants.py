"""Mutants of t7nn's own layers and criterions, and of layers in plain NumPy: how many the test kit kills, alone.

A mutant is a class with one small mistake in one method. The kit (`check_module`, `check_criterion`) looks at every
configuration in tests/rows_*.py that uses the class, in a process of its own with a time limit; no recorded numbers of
Torch7 and no other tests. What survives may be another layer without a contradiction in itself, which only a reference
can tell from the right one. So it is held against the plain function in `references` where there is one, as a tester
does with `assert_same` (the column "by function"), and then against the original class, in all that forward and
backward give: if it differs, it is "another layer"; if not, it makes no difference on any configuration ("equivalent").

    python benchmarks/mutants.py                          all: some thousand mutants
    python benchmarks/mutants.py --family transfer        one family
    python benchmarks/mutants.py --sample 200 --seed 1    some of them
    python benchmarks/mutants.py --survivors              with the source lines of all survivors

benchmarks/survivors.md says of survivors why they are equivalent.
"""

import argparse
import ast
import collections
import copy
import inspect
import os
import random as python_random
import signal
import sys
import textwrap
import time
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tests'), str(ROOT / 'benchmarks')]
os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')

import numpy as np  # noqa: E402
from references import GRADIENTS, REFERENCES, STATE  # noqa: E402
from table import CriterionRow, Row, rows  # noqa: E402

import t7nn as nn  # noqa: E402
from t7nn.testing.case import Case, generators_kept, shaken, widened  # noqa: E402
from t7nn.testing.compare import compare, walk  # noqa: E402
from t7nn.testing.kit import stream  # noqa: E402

#: methods whose mistakes are words, shapes of errors or random first values, which no property speaks of
LEFT_OUT = {
    '__init__', '__repr__', '__str__', 'check', 'check_table', 'check_tensors', 'error', 'reset', '__init_subclass__',
    'expected_shapes', 'describe', '__setstate__', '__getstate__', 'read', 'write', 'findModules', 'replace', 'apply',
}  # fmt: skip


class Mutation(NamedTuple):
    """A changed function."""

    owner: type
    name: str
    operator: str
    line: str
    tree: ast.Module


# Operators: each takes a node of a method and gives (name, changed node) pairs

BINARY = {
    ast.Add: (('sign', ast.Sub),),
    ast.Sub: (('sign', ast.Add),),
    ast.Mult: (('factor', ast.Div),),
    ast.Div: (('factor', ast.Mult),),
    ast.Pow: (('factor', ast.Mult),),
    ast.FloorDiv: (('off by one', ast.Add),),
}
COMPARE = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
FUNCTIONS = {
    'add': 'subtract', 'subtract': 'add', 'multiply': 'divide', 'divide': 'multiply', 'maximum': 'minimum',
    'minimum': 'maximum', 'sum': 'mean', 'mean': 'sum', 'exp': 'log', 'sqrt': 'square', 'argmax': 'argmin',
    'greater': 'less', 'less': 'greater', 'add_scaled': 'subtract', 'cos': 'sin', 'sin': 'cos', 'tanh': 'sinh',
}  # fmt: skip
BUFFERS = {
    'output': 'gradInput',
    'gradInput': 'output',
    'weight': 'gradWeight',
    'gradWeight': 'weight',
    'bias': 'gradBias',
}


def constant(value: Any) -> ast.Constant:
    return ast.Constant(value)


def variants(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """All changed forms of one node of a tree."""
    if isinstance(node, ast.BinOp):
        for name, operator in BINARY.get(type(node.op), ()):
            yield name, ast.BinOp(node.left, operator(), node.right)
        yield 'dropped term', node.left
        if isinstance(node.op, (ast.Add, ast.Mult)):
            yield 'dropped term', node.right
        if isinstance(node.op, (ast.Sub, ast.Div, ast.MatMult)):
            yield 'swapped operands', ast.BinOp(node.right, node.op, node.left)
    elif isinstance(node, ast.AugAssign):
        if isinstance(node.op, (ast.Add, ast.Sub)):
            yield (
                'sign',
                ast.AugAssign(node.target, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.value),
            )
            store = copy.deepcopy(node.target)
            if isinstance(store, (ast.Attribute, ast.Name)):
                yield (
                    'overwrites',
                    ast.Assign([ast.Subscript(with_load(store), constant(Ellipsis), ast.Store())], node.value),
                )
        elif isinstance(node.op, (ast.Mult, ast.Div)):
            yield (
                'factor',
                ast.AugAssign(node.target, ast.Div() if isinstance(node.op, ast.Mult) else ast.Mult(), node.value),
            )
        yield 'dropped statement', ast.Pass()
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield 'dropped statement', ast.Pass()
    elif isinstance(node, ast.UnaryOp):
        if isinstance(node.op, (ast.USub, ast.Not)):
            yield 'sign' if isinstance(node.op, ast.USub) else 'comparison', node.operand
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for operator in COMPARE.get(type(node.ops[0]), ()):
            yield 'comparison', ast.Compare(node.left, [operator()], node.comparators)
    elif isinstance(node, ast.IfExp):
        yield 'comparison', node.body
        yield 'comparison', node.orelse
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            yield 'constant', constant(node.value + 1)
            if node.value:
                yield 'constant', constant(-node.value)
        elif isinstance(node.value, bool):
            yield 'constant', constant(not node.value)
    elif isinstance(node, ast.Call):
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, 'id', '')
        if isinstance(function, ast.Attribute) and name in FUNCTIONS:
            other = ast.Attribute(function.value, FUNCTIONS[name], ast.Load())
            yield 'function', ast.Call(other, node.args, node.keywords)
        if isinstance(function, ast.Attribute) and name == 'copy' and not node.args:
            yield 'forgotten copy', function.value
        if len(node.args) >= 2 and name in ('subtract', 'divide', 'matmul', 'dot', 'add_outer', 'copyto', 'outer'):
            yield 'swapped operands', ast.Call(function, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
        if name == 'fill':
            yield 'dropped statement', constant(None)
    elif isinstance(node, ast.Name) and node.id == 'scale' and isinstance(node.ctx, ast.Load):
        yield 'forgotten scale', constant(1)
    elif isinstance(node, ast.Attribute) and node.attr in BUFFERS and isinstance(node.ctx, ast.Load):
        if isinstance(node.value, ast.Name) and node.value.id == 'self':
            yield 'wrong buffer', ast.Attribute(node.value, BUFFERS[node.attr], ast.Load())
    elif isinstance(node, ast.Attribute) and node.attr == 'T' and isinstance(node.ctx, ast.Load):
        yield 'axis', node.value
    elif isinstance(node, ast.keyword) and node.arg == 'axis' and isinstance(node.value, ast.Constant):
        yield 'axis', ast.keyword('axis', constant(0 if node.value.value else -1))


def with_load(node: ast.AST) -> Any:
    node = copy.deepcopy(node)
    node.ctx = ast.Load()  # type: ignore[attr-defined]
    return node


def mutable(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes that may be changed: no docstring, no annotation, no default, no error and what leads to it only."""
    for statement in function.body:
        stack: list[ast.AST] = [statement]
        while stack:
            node = stack.pop()
            if isinstance(node, (ast.Raise, ast.AnnAssign, ast.Assert)):
                continue
            if isinstance(node, ast.Expr) and (isinstance(node.value, ast.Constant) or checks(node.value)):
                continue
            if isinstance(node, ast.If) and all(isinstance(inner, ast.Raise) for inner in node.body):
                stack += node.orelse
                continue
            yield node
            if isinstance(node, ast.JoinedStr):
                continue
            stack += ast.iter_child_nodes(node)


def checks(node: ast.AST) -> bool:
    """Whether this is a call of self.check and its like, which only raise."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.startswith('check')


def functions_of(cls: type) -> Iterator[tuple[str, types.FunctionType]]:
    """The functions that a class defines itself."""
    for name, value in vars(cls).items():
        value = getattr(value, '__func__', value)
        value = value.fget if isinstance(value, property) else inspect.unwrap(value) if callable(value) else value
        own = isinstance(value, types.FunctionType) and value.__qualname__ == f'{cls.__qualname__}.{name}'
        if own and name not in LEFT_OUT:
            yield name, value


def mutations(cls: type) -> Iterator[Mutation]:
    """All mutants of a class."""
    for name, function in functions_of(cls):
        try:
            source = textwrap.dedent(inspect.getsource(function))
            tree = ast.parse(source)
        except (OSError, TypeError, SyntaxError):
            continue
        if not tree.body or not isinstance(tree.body[0], ast.FunctionDef):
            continue
        lines = source.splitlines()
        for node in mutable(tree.body[0]):
            for operator, new in variants(node):
                changed = replaced(tree, node, new)
                if changed is not None and ast.dump(changed) != ast.dump(tree):
                    number = getattr(node, 'lineno', 1)
                    text = ast.unparse(ast.fix_missing_locations(ast.copy_location(copy.deepcopy(new), node)))
                    yield Mutation(cls, name, operator, f'{lines[number - 1].strip()}  ->  {text}', changed)


def replaced(tree: ast.Module, old: ast.AST, new: ast.AST) -> ast.Module | None:
    """A copy of the tree with one node replaced."""
    marker = '_mutated_'
    setattr(old, marker, True)
    twin = copy.deepcopy(tree)
    delattr(old, marker)

    class Change(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            return copy.deepcopy(new) if getattr(node, marker, False) else super().generic_visit(node)

    twin = Change().visit(twin)
    return ast.fix_missing_locations(twin)


def apply(mutation: Mutation) -> bool:
    """Put the changed code in the place of the function's; False if it cannot be compiled to fit."""
    function = dict(functions_of(mutation.owner))[mutation.name]
    try:
        holder = ast.ClassDef('Holder', [], [], mutation.tree.body[:1], [], type_params=[])
        holder.body[0].decorator_list = []  # type: ignore[attr-defined]
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            module = compile(ast.fix_missing_locations(ast.Module([holder], [])), '<mutant>', 'exec')
    except (SyntaxError, ValueError, TypeError):
        return False
    inside = next(code for code in module.co_consts if isinstance(code, types.CodeType))
    code = next(code for code in inside.co_consts if isinstance(code, types.CodeType))
    if len(code.co_freevars) != len(function.__code__.co_freevars):
        return False
    function.__code__ = code
    return True


# What a mutant is run on


class Use(NamedTuple):
    """A configuration."""

    name: str
    row: Any

    def make(self) -> tuple[Any, Any]:
        nn.manualSeed(7)
        given = (self.row.draw(), None) if isinstance(self.row, Row) else self.row.draw()
        return self.row.make(), given


def plain() -> dict[str, Use]:
    """The layers in plain NumPy, as a batch and as one example."""
    from plain_layers import LAYERS, LOSSES

    found = {}
    for name, (make, batch, single) in LAYERS.items():
        for i, input in enumerate((batch, single)):
            if input is not None:
                found[f'plain-{name}-{i}'] = Use(
                    f'plain-{name}-{i}', Row(make, lambda rng, input=input: copy.deepcopy(input), batch=not i)
                )
    for name, (make, *examples) in LOSSES.items():
        for i, (input, target) in enumerate(examples):
            row = CriterionRow(make, lambda rng, x=input: x.copy(), lambda rng, t=target: t.copy())
            found[f'plain-{name}-{i}'] = Use(f'plain-{name}-{i}', row)
    return found


def uses() -> tuple[dict[type, list[Use]], dict[type, str]]:
    """For every class the configurations that use it, and its family: the file that it stands in."""
    found: dict[type, list[Use]] = collections.defaultdict(list)
    everything = [*map(lambda item: Use(*item), {**rows(Row), **rows(CriterionRow)}.items()), *plain().values()]
    for use in everything:
        node, _ = use.make()
        for cls in dict.fromkeys(cls for _, inner in walk(node) for cls in type(inner).__mro__):
            if issubclass(cls, (nn.Module, nn.Criterion)) and cls not in (nn.Module, nn.Criterion):
                found[cls].append(use)
    families = {cls: Path(inspect.getsourcefile(cls) or '').stem for cls in found}
    shared = [cls for cls in found if 'testing' in families[cls]]
    for cls in shared:
        del found[cls]
    own_first = {cls: sorted(each, key=lambda use: type(use.make()[0]) is not cls) for cls, each in found.items()}
    return own_first, families


#: what the configurations give without a mistake
RIGHT: dict[str, dict[str, Any]] = {}


def spread(configurations: list[Use], limit: int) -> list[Use]:
    """So many of the configurations, from all over the list: those of the class itself come first in it."""
    step = max(1, len(configurations) // limit)
    return (configurations[:3] + configurations[3::step])[:limit]


def verdict(mutation: Mutation, configurations: list[Use], seconds: int) -> str:
    """The first check that fails, as ``killed: name``, ``another layer`` or ``survived``."""
    if not apply(mutation):
        return 'invalid'
    for use in configurations:
        signal.alarm(seconds)
        try:
            node, given = use.make()
        except Exception:
            return 'killed: constructor'
        for outcome in stream(node, *given, use.row.batch, None, tuple(use.row.skip)):
            if outcome.status == 'failed':
                return f'killed: {outcome.name}'
    for use in configurations:
        try:
            hold_against_function(use)
        except Exception:
            return 'function'
    for use in configurations:
        try:
            compare(results(use), RIGHT[use.name], '', '')
        except AssertionError:
            return 'another layer'
    return 'survived'


def hold_against_function(use: Use) -> int:
    """Raise unless a node gives what the references of its class say: fields after a forward, outputs in training and
    in evaluate mode, gradients; how often there was a reference."""
    node, given = use.make()
    name = type(node).__name__
    is_module, held = isinstance(node, nn.Module), 0
    given = given[:1] if is_module else given
    with generators_kept(), np.errstate(all='ignore'):
        if is_module:
            draws = np.random.RandomState(1)
            for parameter in node.parameters()[0]:  # first values such as 0 and 1 hide mistakes
                parameter += 0.1 * draws.rand(*parameter.shape)
        if name in STATE:
            expected = STATE[name](node, *given)
            node.forward(*copy.deepcopy(given))
            for field, value in (expected or {}).items():
                compare(getattr(node, field), value, '', '')
        for mode in (lambda: None, node.evaluate) if is_module else (lambda: None,):
            mode()
            expected = REFERENCES[name](node, *copy.deepcopy(given)) if name in REFERENCES else None
            if expected is not None:
                compare(node.forward(*copy.deepcopy(given)), expected, '', '')
                held += 1
        if name in GRADIENTS:
            field, reference = GRADIENTS[name]
            node.training()
            output = node.forward(*given)
            gradOutput = draws.randn(*output.shape) if isinstance(output, np.ndarray) else None
            expected = None if gradOutput is None else reference(node, *given, gradOutput)
            if expected is not None:
                node.zeroGradParameters()
                node.backward(*given, gradOutput)
                compare(getattr(node, field), expected, '', '')
                held += 1
    return held


def results(use: Use) -> dict[str, Any]:
    """All that a configuration gives, in training and then in evaluate mode."""
    node, given = use.make()
    found: dict[str, Any] = {}
    with generators_kept(), np.errstate(all='ignore'):
        try:
            case = widened(shaken(Case(node, *given, use.row.batch)))
            module = case.fresh()
            found = case.run(module)
            if isinstance(module, nn.Module):
                module.evaluate()
                found['evaluated'] = case.forward(module, case.copied())
        except Exception as error:
            found['error'] = np.array(len(repr(type(error))))
    return found


def in_child(mutation: Mutation, configurations: list[Use], seconds: int) -> str:
    """`verdict` in a process of its own."""
    for use in configurations:
        if use.name not in RIGHT:
            RIGHT[use.name] = results(use)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.alarm(seconds)
        for stream_ in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream_)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                text = verdict(mutation, configurations, seconds)
        except BaseException as error:
            text = f'killed: {type(error).__name__}'
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, 'rb') as pipe:
        text = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return text or ('killed: no answer in time' if os.WTERMSIG(status) == signal.SIGALRM else 'killed: crash')


def table(counts: dict[str, collections.Counter], title: str) -> None:
    """Print the share that is killed, row by row."""
    print(
        f'\n{title:20}{"mutants":>9}{"killed":>8}{"by function":>13}{"another layer":>15}{"equivalent":>12}'
        f'{"killed of not equivalent":>26}{"with functions":>16}'
    )
    total: collections.Counter = collections.Counter()
    for name, counter in sorted(counts.items()):
        line(name, counter)
        total += counter
    line('all', total)


def line(name: str, counter: collections.Counter) -> None:
    counts = [counter[key] for key in ('killed', 'function', 'another layer', 'survived')]
    killed, function, another, same = counts
    different = killed + function + another
    shares = [f'{100 * part / different:.1f} %' if different else '-' for part in (killed, killed + function)]
    print(f'{name:20}{sum(counts):9}{killed:8}{function:13}{another:15}{same:12}{shares[0]:>26}{shares[1]:>16}')


def main() -> None:
    """Make the mutants, run them, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--family', default='', help='only classes of this file, such as transfer or plain_layers')
    parser.add_argument('--sample', type=int, default=0, help='only so many mutants, drawn')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--seconds', type=int, default=30, help='the time limit of a mutant on one configuration')
    parser.add_argument('--rows', type=int, default=20, help='how many configurations of a class are looked at')
    parser.add_argument('--survivors', action='store_true', help='print every survivor')
    options = parser.parse_args()
    configurations, families = uses()
    chosen = [
        mutation
        for cls, family in families.items()
        if cls in configurations and (not options.family or family == options.family)
        for mutation in mutations(cls)
    ]
    if options.sample:
        chosen = python_random.Random(options.seed).sample(chosen, min(options.sample, len(chosen)))
    print(f'{len(chosen)} mutants of {len({mutation.owner for mutation in chosen})} classes')
    by_family: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    by_operator: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    by_check: collections.Counter = collections.Counter()
    begin = time.time()
    stopped: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    for mutation in chosen:
        if stopped:  # what is known by now is printed
            break
        uses_of_it = spread(configurations[mutation.owner], options.rows)
        text = in_child(mutation, uses_of_it, options.seconds)
        kind, _, check = text.partition(': ')
        if kind == 'invalid':
            continue
        by_family[families[mutation.owner]][kind] += 1
        by_operator[mutation.operator][kind] += 1
        if check:
            by_check[check] += 1
        if options.survivors and kind != 'killed':
            print(
                f'{kind}: {mutation.owner.__name__}.{mutation.name} [{mutation.operator}] {mutation.line}', flush=True
            )
    table(by_family, 'family')
    table(by_operator, 'operator')
    print('\nkilled by', ', '.join(f'{name} {count}' for name, count in by_check.most_common()))
    print(f'{time.time() - begin:.0f} s')


if __name__ == '__main__':
    main()
