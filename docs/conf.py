"""The site: ``sphinx-build -W --keep-going -b html docs docs/_build/html``.

The pages stay plain Markdown. What Sphinx needs beside them is made here: the menus from the links on the index pages,
the reference from the docstrings, a notebook of each lesson. Nothing is loaded from elsewhere when a page is read.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import notebooks  # noqa: E402

import t7nn  # noqa: E402

project = 't7nn'
author = 'the authors of t7nn'
release = version = t7nn.__version__
html_title = f't7nn {version}'
html_theme = 'furo'
html_static_path = ['static']
html_css_files = ['t7nn.css']
html_copy_source = False
extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon']
exclude_patterns = ['_build']
myst_heading_anchors = 3

highlight_language = 'none'  # where a block does not name one
default_role = 'py:obj'  # `name` in docstrings
suppress_warnings = ['ref.python']  # a name that several classes have
smartquotes_action = 'D'  # dashes; primes in formulas stay
toc_object_entries_show_parents = 'hide'
add_module_names = False
autodoc_member_order = 'bysource'
autodoc_inherit_docstrings = False  # what a layer takes over is told once, on the page of `module`
autodoc_default_options = {'members': True, 'show-inheritance': True}
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_param = False  # arguments that are told together stay together
napoleon_attr_annotations = False  # an argument need not be of the kind of the field of its name


# The menus


def entries(text: str) -> list[tuple[str, list[str]]]:
    """(heading, pages) for each heading of second rank in an index page that has links to pages below it."""
    parts = re.split(r'^## (.+)$', text, flags=re.M)
    below = zip(['', *parts[1::2]], parts[::2], strict=True)
    found = [(heading, list(dict.fromkeys(re.findall(r'\]\(([\w/-]+)\.md\)', part)))) for heading, part in below]
    return [(heading, pages) for heading, pages in found if pages]


def add_menu(app, name: str, source: list[str]) -> None:
    """Menus for the links of the index pages; a link to its notebook for a lesson."""
    source[0] = re.sub(r'\n\n```$', '\n```', source[0], flags=re.M)  # the empty line ends a doctest
    if name in ('index', 'lessons/index'):
        menus = entries(source[0])
        if name == 'index':
            menus.append(('Reference from the docstrings', [f'api/{page}' for page in api_pages()]))
        for heading, pages in menus:
            caption = f':caption: {heading.replace("`", "")}\n' if heading else ''
            source[0] += '\n\n```{toctree}\n:hidden:\n' + caption + '\n' + '\n'.join(pages) + '\n```\n'
    elif re.match(r'lessons/\d', name):
        page = name.removeprefix('lessons/')
        source[0] += f'\n\n<a href="../notebooks/{page}.ipynb" download>This lesson as a Jupyter notebook</a>\n'


# The reference


def api_pages() -> dict[str, list[str]]:
    """{page: modules}: the modules that say in `__all__` what is public in them. Those of one package share a page."""
    pages: dict[str, list[str]] = {}
    root = HERE.parent / 't7nn'
    for path in sorted(root.rglob('*.py')):
        parts = path.relative_to(root).with_suffix('').parts
        if path.name.startswith('__main__') or not re.search('^__all__', path.read_text('utf-8'), re.M):
            continue
        if parts[-1] == '__init__':
            parts = parts[:-1]
        page = parts[1] if parts[0] == 'layers' else parts[0]
        pages.setdefault(page, []).append('.'.join(['t7nn', *parts]))
    return dict(sorted(pages.items()))


def write_api(app) -> None:
    folder = HERE / 'api'
    folder.mkdir(exist_ok=True)
    for page, modules in api_pages().items():
        title = modules[0].partition(page)[0] + page
        text = f'{title}\n{"=" * len(title)}\n'
        for module in modules:
            if module != title:
                text += f'\n{module}\n{"-" * len(module)}\n'
            text += f'\n.. automodule:: {module}\n'
            if (HERE.parent / module.replace('.', '/')).is_dir():
                text += '   :ignore-module-all:\n'  # what it only hands on stands with its own module
        path = folder / f'{page}.rst'
        if not path.exists() or path.read_text('utf-8') != text:
            path.write_text(text, 'utf-8')


def escape(text: str) -> str:
    """A docstring with its formulas as they stand: outside of code, ``*``, ``|`` and a trailing ``_`` are no markup."""
    parts = re.split(r'(^ *>>> .*?(?=\n *\n|\Z)|``.+?``|`[^`\n]+`)', text, flags=re.M | re.S)
    parts[::2] = [re.sub(r'([*|])|(?<=\w)(_)(?=\W|$)', r'\\\1\2', part) for part in parts[::2]]
    return re.sub(r'(?<=\w`)(?=\w)', r'\\ ', ''.join(parts))  # an s after a name


def as_rst(app, what, name, value, options, lines: list[str]) -> None:
    """What our docstrings have beside numpydoc, as Sphinx reads it."""
    text = re.sub(r'(?<=[^:]):\n\n(?=    \S)', '::\n\n', escape('\n'.join(lines)))  # indented after a colon is code
    paragraphs = text.split('\n\n')
    for number, paragraph in enumerate(paragraphs):
        if not re.match(r' |.*\n( |--)', paragraph):  # no field of a section and no heading, so it ends the section
            paragraphs[number] = f'\n{paragraph}'
    lines[:] = '\n\n'.join(paragraphs).split('\n')


def skip(app, what, name, value, skipped: bool, options) -> bool | None:
    """Other packages' functions and second names of methods are not documented."""
    other_name = what == 'class' and getattr(value, '__name__', name) != name
    package = str(getattr(value, '__module__', '')).partition('.')[0]
    return True if other_name or package in ('numpy', 'scipy', 'sklearn') else None


def write_notebooks(app, failure) -> None:
    if failure is None and app.builder.format == 'html':
        notebooks.write(Path(app.outdir) / 'notebooks')


def setup(app) -> None:
    app.connect('source-read', add_menu)
    app.connect('builder-inited', write_api)
    app.connect('autodoc-skip-member', skip)
    app.connect('autodoc-process-docstring', as_rst, priority=400)  # before napoleon
    app.connect('build-finished', write_notebooks)
