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
