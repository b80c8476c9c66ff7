"""The documentation as a whole: every page is on the index, every link leads somewhere, every class is on a page."""

import re
from pathlib import Path

import t7nn as nn

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / 'docs').glob('*.md'))


def test_every_page_is_on_the_index():
    linked = set(re.findall(r'\]\(([\w-]+\.md)\)', (ROOT / 'docs' / 'index.md').read_text()))
    assert {page.name for page in PAGES} - {'index.md'} == linked


def test_every_link_leads_somewhere():
    for page in [*PAGES, ROOT / 'README.md', ROOT / 'CONTRIBUTING.md']:
        for link in re.findall(r'\]\(([\w./-]+\.md)', page.read_text()):
            assert (page.parent / link).exists(), f'{page.name}: {link}'


def test_every_class_is_documented():
    text = '\n'.join(page.read_text() for page in PAGES)
    for name, value in vars(nn).items():
        if isinstance(value, type) and issubclass(value, (nn.Module, nn.Criterion)):
            assert re.search(rf'\b{name}\b', text), f'{name} is on no page'
            assert value.__doc__, f'{name} has no docstring'
            assert re.search('(manual|[Ss]ource)[^\n]*: ', value.__doc__), f'{name} does not name its source'


def test_every_class_has_an_example():
    lines = [line for page in PAGES for line in page.read_text().splitlines() if line.startswith(('>>>', '...'))]
    examples = '\n'.join(lines)
    for name, value in vars(nn).items():
        if isinstance(value, type) and issubclass(value, (nn.Module, nn.Criterion)) and name != 'Container':
            assert re.search(rf'\bnn\.{name}\b', examples), f'{name} has no example'


def first_part(text):
    """A formula without what is said of it: up to a comma, a colon or such outside all brackets."""
    depth = 0
    for i, character in enumerate(text):
        depth += (character in '([{') - (character in ')]}')
        ends = character in ',;:' or text[i : i + 2] in ('. ', '.') or re.match(' (where|for|with|strictly) ', text[i:])
        if not depth and ends:
            return text[:i]
    return text


def spelled_out(text):
    for mark, plain in (('²', '^2'), ('³', '^3'), ('`', ''), ('*', '')):
        text = text.replace(mark, plain)
    return re.sub(r'\s+', '', text)


def formulas_of_pages():
    """(class, formula) for what a page says behind ``nn.Class(arguments)``: y = ..., dx = ..., L = ..."""
    formula = r'(?:[yL]|d[xwb])\w* = '
    for page in PAGES:
        text = re.sub(r'```.*?```', '', page.read_text(), flags=re.S)
        for name, rest in re.findall(r'`nn\.(\w+)\([^`]*\)`:\s(.*?)(?=\n\n|\n- |\n\||`nn\.|$)', text, flags=re.S):
            for part in re.split(rf'(?:^|[;.,]\s)(?={formula})', re.sub(r'\s+', ' ', rest)):
                if re.match(formula, part):
                    yield getattr(nn, name), first_part(part)


def test_pages_have_the_formulas_of_the_docstrings():
    found = list(formulas_of_pages())
    assert len(found) > 60
    for cls, formula in found:
        documented = spelled_out(' '.join(base.__doc__ or '' for base in cls.__mro__[:3]))
        assert spelled_out(formula) in documented, f'{cls.__name__}: its docstring does not say {formula}'
