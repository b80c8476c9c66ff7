"""What `docs/conf.py` and `docs/notebooks.py` make of pages and docstrings; the site itself is built by ``.ci/run``."""

import base64
import importlib.util
import pkgutil
import sys
from pathlib import Path

import pytest

import t7nn as nn

DOCS = Path(__file__).parent.parent / 'docs'


@pytest.fixture
def conf(monkeypatch):
    monkeypatch.setattr(sys, 'path', sys.path[:])
    spec = importlib.util.spec_from_file_location('conf', DOCS / 'conf.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def notebooks(conf):
    pytest.importorskip('nbformat')
    return conf.notebooks


def test_menus_are_the_links_of_the_index(conf):
    page = '# All\n[a](a.md)\n## First\n[b](b.md), [c](d/c.md#x), [b](b.md), [d](d/c.md)\n## None\nno link\n'
    assert conf.entries(page) == [('', ['a']), ('First', ['b', 'd/c'])]
    menus = dict(conf.entries((DOCS / 'index.md').read_text('utf-8')))
    assert 'lessons/index' in menus['You learn or teach']
    lessons = sum((pages for _, pages in conf.entries((DOCS / 'lessons' / 'index.md').read_text('utf-8'))), [])
    assert set(lessons) == {path.stem for path in (DOCS / 'lessons').glob('*.md')} - {'index'}


@pytest.mark.parametrize(
    'text, expected',
    [
        ('|x|_1 * y_ + z_k', r'\|x\|_1 \* y\_ + z_k'),
        ('`keep` ``a * b``, `list`s', r'`keep` ``a * b``, `list`\ s'),
        ('``a *\nb`` * c', '``a *\nb`` \\* c'),
        ('c * d\n\n>>> a * b\n| \n\ne * f', 'c \\* d\n\n>>> a * b\n| \n\ne \\* f'),
    ],
)
def test_formulas_are_no_markup(conf, text, expected):
    assert conf.escape(text) == expected


def test_docstrings_become_numpydoc(conf):
    text = 'One:\n\n    code\n\nParameters\n----------\na\n    b\n\nA sentence.\n\nRaises\n------\nE\n    if'
    lines = text.split('\n')
    conf.as_rst(None, 'class', 'name', None, None, lines)
    text = '\n'.join(lines)
    assert 'One::\n\n    code' in text
    assert 'b\n\n\nA sentence.\n\nRaises\n---' in text  # two empty lines end the section


def test_every_public_class_is_in_the_reference(conf):
    pages = {module for modules in conf.api_pages().values() for module in modules}
    for name, value in vars(nn).items():
        if isinstance(value, type):
            assert value.__module__ in pages, name
    assert not pages - {module.name for module in pkgutil.walk_packages(nn.__path__, 't7nn.')}


def test_a_page_as_a_notebook(notebooks, tmp_path):
    (tmp_path / 'picture.svg').write_text('<svg/>')
    page = tmp_path / '01-page.md'
    page.write_text(
        '# Page\n![what](picture.svg) [next](02-next.md#part) [guide](../guide.md)\n'
        '```python\n>>> a = 1\n>>> for i in range(2):\n...     print(i)\n0\n1\n>>> a + 1\n2\n>>> b = 2\n>>> 1 / 0\n'
        'Traceback (most recent call last):\nZeroDivisionError: division by zero\n>>> c = 3\n\n```\n\n## End\n'
    )
    made = notebooks.notebook(page)
    assert [(cell.cell_type, cell.source) for cell in made.cells] == [
        ('markdown', '# Page\n![what](attachment:picture.svg) [next](02-next.ipynb#part) guide'),
        ('code', 'a = 1\nfor i in range(2):\n    print(i)'),
        ('code', 'a + 1'),
        ('code', 'b = 2\n1 / 0'),
        ('code', 'c = 3'),
        ('markdown', '## End'),
    ]
    assert [cell.metadata.get('tags') for cell in made.cells] == [None, None, None, ['raises-exception'], None, None]
    assert base64.b64decode(made.cells[0].attachments['picture.svg']['image/svg+xml']) == b'<svg/>'


def test_every_lesson_is_a_valid_notebook_and_the_same_each_time(notebooks, tmp_path):
    import nbformat

    first, again = notebooks.write(tmp_path / 'first'), notebooks.write(tmp_path / 'again')
    assert {path.stem for path in first} == {path.stem for path in (DOCS / 'lessons').glob('*.md')}
    for one, other in zip(first, again, strict=True):
        nbformat.validate(nbformat.read(one, as_version=4))
        assert one.read_bytes() == other.read_bytes()
