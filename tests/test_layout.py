"""The layout of the project: public names; names of tests, rows and pages; imports; sizes of files; signatures."""

import abc
import ast
import inspect
import pydoc
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from table import CriterionRow, Row, rows

import t7nn as nn

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / 't7nn'
SUBMODULES = ['hessian', 'hooks', 'optim', 'random']

#: Tests of the project as a whole, or of what all layers have in common
WHOLE = {
    'arguments',
    'as_torch7',
    'benchmarks',
    'configurations',
    'docs',
    'errors',
    'golden_nn',
    'interrupts',
    'layout',
    'leaving',
    'lessons',
    'memory',
    'properties',
    'site',
    'threads',
}
#: Pages that guide; all others are the reference and have the name of a module
GUIDES = {
    'blog-post',
    'design',
    'differences',
    'estimators',
    'from-lua',
    'from-numpy',
    'from-pytorch',
    'index',
    'leaving',
    'lessons',
    'own-layer',
    'packages',
    'recipes',
    'reference-implementation',
    'speed',
    'tensor-methods',
}

CLASSES = {name: value for name, value in vars(nn).items() if isinstance(value, type)}
MODULES = {name: cls for name, cls in CLASSES.items() if issubclass(cls, (nn.Module, nn.Criterion))}


def place(cls):
    """The module or package with the class that its tests, rows and page are named after."""
    _, top, *rest = cls.__module__.split('.')
    return rest[0] if top == 'layers' else top


#: What a public class of modules is documented and tested under: {class: place}
PLACES = {name: place(cls) for name, cls in MODULES.items() if place(cls) != 'module'}
FILES = [path for path in PACKAGE.rglob('*.py') if path != PACKAGE / '__init__.py']
NAMES = {
    path.stem.strip('_')
    for folder in (PACKAGE, PACKAGE / 'layers')
    for path in folder.iterdir()
    if path.suffix == '.py' or (path / '__init__.py').exists()
} - {'init'}


# Public names


def test_public_names():
    expected = (ROOT / 'tests' / 'public_names.txt').read_text().split()
    public = {name for name, value in vars(nn).items() if not name.startswith('_') and not inspect.ismodule(value)}
    assert sorted(public) == expected
    for name in SUBMODULES:
        assert inspect.ismodule(getattr(nn, name))


# Names of tests, rows and pages


def test_tests_are_named_after_modules():
    """``test_M.py``, or ``test_M_what.py``."""
    for path in (ROOT / 'tests').glob('test_*.py'):
        name = path.stem.removeprefix('test_')
        assert name in WHOLE or any(f'{name}_'.startswith(f'{module}_') for module in NAMES), path.name


def test_pages_are_named_after_modules():
    for path in (ROOT / 'docs').glob('*.md'):
        assert path.stem in GUIDES | NAMES, path.name


@pytest.mark.parametrize('name', PLACES)
def test_a_class_has_its_page(name):
    assert re.search(rf'\b{name}\b', (ROOT / 'docs' / f'{PLACES[name]}.md').read_text())


@pytest.mark.parametrize('name', PLACES)
def test_a_class_has_its_tests(name):
    tests = (ROOT / 'tests').glob(f'test_{PLACES[name]}*.py')
    assert any(re.search(rf'\b(nn\.)?{name}\b', path.read_text()) for path in tests)


def test_rows_stand_with_their_class():
    """A row is of a class in its place, or of one that is put together of some."""
    found = {**rows(Row), **rows(CriterionRow)}
    with_rows = set()
    for name, row in found.items():
        module = row.make()
        parts = module.listModules() if isinstance(module, nn.Module) else [module]
        classes = {cls.__name__ for part in parts for cls in type(part).__mro__}
        place = name.split('-')[0]
        if place == 'packages':  # none of nn's own: test_packages looks for a row of each
            continue
        here = {cls for cls in classes if PLACES.get(cls) == place}
        assert here or not classes & PLACES.keys(), name
        with_rows |= here
    assert PLACES.keys() == with_rows | {'Container'}, 'Container is a base, of which Sequential and others have rows'


# Imports


#: Modules and packages of the top, lowest first; an import goes to a line above, or within the line. '' is t7nn itself,
#: with every public name.
ORDER = [
    ['tensors', 'blas', 'html', 'names', 'status'],
    ['random'],
    ['datasets', 'optim'],
    ['guards'],
    ['node'],
    ['module'],
    ['untrained'],
    ['layers'],
    ['criterions'],
    ['training', 'regularization', 'regularization_path'],
    ['serialization', 'packages'],
    ['hooks', 'checks', 'experiment'],
    [''],
    ['testing', 'estimators', 'plots', 'exercises', 'export'],
    ['__main__'],
]
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names}

#: Imports that go upward: {(importer, imported): why}
UPWARD = {
    ('serialization.classes', ''): 'every public class may stand in a file; looked up when the first file is read',
    ('serialization.inspection', 'export.command'): 'convert to a format of others; imported when it is asked for',
    ('hooks', 'plots'): 'a history draws itself when it is asked to, and matplotlib is imported then',
    (
        'experiment',
        'estimators',
    ): 'the penalties are chosen with scikit-learn, which is imported when that is asked for',
    ('checks.hessian', ''): 'enable() gives every public class its methods; looked up when it is called',
}


def dotted(path):
    """``layers.pooling`` for t7nn/layers/pooling/__init__.py; '' for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


SOURCES = {dotted(path): path for path in [*FILES, PACKAGE / '__init__.py']}


def imports(name):
    """Whatever of t7nn the module imports, anywhere in it: also for annotations alone and within functions."""
    path = SOURCES[name]
    package = ['t7nn', *filter(None, name.split('.'))]
    if path.stem != '__init__':
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            base = '.'.join([*base, *filter(None, [node.module])])
            full = [f'{base}.{alias.name}' for alias in node.names]
            names = [one if one.removeprefix('t7nn.') in SOURCES else base for one in full]
        else:
            continue
        yield from {one.partition('.')[2] for one in names if one.split('.')[0] == 't7nn'}


def edges():
    return {name: set(imports(name)) - {upper for one, upper in UPWARD if one == name} for name in SOURCES}


def test_every_module_has_its_level():
    assert {name.split('.')[0] for name in SOURCES} <= LEVEL.keys()


def test_imports_run_downward():
    for name, imported in edges().items():
        for one in imported:
            upward = f'{name or "t7nn"} imports {one or "t7nn"}'
            assert LEVEL[one.split('.')[0]] <= LEVEL[name.split('.')[0]], upward


def test_imports_run_in_no_circle():
    try:
        TopologicalSorter(edges()).prepare()
    except CycleError as error:
        pytest.fail(f'imports run in a circle: {" <- ".join(error.args[1])}')


def test_imports_upward_are_those_declared():
    for name, upper in UPWARD:
        assert upper in set(imports(name)), f'{name} no longer imports {upper or "t7nn"}: take it off the list'


def test_importing_t7nn_imports_only_numpy():
    """SciPy and the extras are imported by the functions that need them; benchmarks/bench_import.py measures it."""
    program = 'import sys, t7nn; print(*{name.partition(".")[0] for name in sys.modules})'
    done = subprocess.run([sys.executable, '-W', 'error', '-c', program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    assert {'t7nn', 'numpy'} <= imported
    assert not imported & {
        *('scipy', 'matplotlib', 'hypothesis', 'pytest', 'sklearn', 'joblib', 'dask', 'distributed'),
        *('onnx', 'onnxruntime', 'safetensors', 'torch', 'pandas', 'IPython', 'threadpoolctl'),
    }


# Files


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_is_long(path):
    assert len(path.read_text().splitlines()) <= 700


def test_every_package_says_what_is_in_it():
    for path in PACKAGE.rglob('__init__.py'):
        assert ast.get_docstring(ast.parse(path.read_text())), path


# Classes


#: Classes that take any number of arguments, as in Torch7: sizes, pairs of dimensions, or whatever comes. Sequential
#: takes none, and says what to do with modules that it is given.
VARIADIC = {'CAdd', 'CMul', 'Identity', 'Reshape', 'Sequential', 'Transpose', 'View', 'ZeroGrad'}


@pytest.mark.parametrize('name', CLASSES)
def test_signatures_name_their_arguments(name):
    kinds = {parameter.kind for parameter in inspect.signature(CLASSES[name]).parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds
    assert (inspect.Parameter.VAR_POSITIONAL in kinds) == (name in VARIADIC)


@pytest.mark.parametrize('name', CLASSES)
def test_help_works(name):
    text = pydoc.plain(pydoc.render_doc(CLASSES[name]))
    assert name in text.splitlines()[0] and inspect.getdoc(CLASSES[name]).splitlines()[0] in text


def test_classes_go_with_other_metaclasses():
    class Abstract(nn.Module, abc.ABC):
        @abc.abstractmethod
        def kind(self): ...

    class AbstractCriterion(nn.Criterion, abc.ABC):
        @abc.abstractmethod
        def kind(self): ...

    for cls in (Abstract, AbstractCriterion):
        with pytest.raises(TypeError, match='abstract'):
            cls()


@pytest.mark.parametrize('name', MODULES)
def test_chains_of_bases_are_short(name):
    """At most six bases that are not public between Module or Criterion and a public class."""
    chain = [cls for cls in MODULES[name].__mro__ if cls.__module__.startswith('t7nn')]
    root = next(i for i, cls in enumerate(chain) if cls in (nn.Module, nn.Criterion))
    assert sum(cls not in CLASSES.values() for cls in chain[:root]) <= 6, [cls.__name__ for cls in chain]


# Docstrings


def documented(cls):
    """The names in the section Parameters of a docstring, as numpydoc has it."""
    section = re.search(r'^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)', inspect.getdoc(cls), re.MULTILINE | re.DOTALL)
    lines = [line for line in section[1].splitlines() if re.match(r'[\w*]', line)] if section else []
    return {name.strip(' *\\`') for line in lines for name in line.split(' : ')[0].split(',')}


@pytest.mark.parametrize('name', MODULES)
def test_every_argument_is_documented(name):
    assert set(inspect.signature(MODULES[name]).parameters) <= documented(MODULES[name])


@pytest.mark.parametrize('name', MODULES)
def test_every_class_names_its_source(name):
    assert re.search(r'(Torch7 (manual|source)|Source): ', inspect.getdoc(MODULES[name]))
