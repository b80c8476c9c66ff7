"""The lessons: each has what a lesson has, its solution passes, its pictures are there and can be drawn anew."""

import doctest
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / 'docs'
LESSONS = sorted((DOCS / 'lessons').glob('[0-9]*.md'))
SOLUTIONS = (DOCS / 'lessons' / 'solutions.md').read_text('utf-8')
SCRIPT = DOCS / 'pictures' / 'make.py'
COLORS = {'#3b7dd8', '#d1700e', '#9a62c7', '#1f9a9a', '#7a7a7a'}  # none of them red or green

numbered = pytest.mark.parametrize(
    ('number', 'lesson'), list(enumerate(LESSONS, 1)), ids=lambda value: getattr(value, 'stem', '')
)


def script():
    """docs/pictures/make.py as a module."""
    spec = importlib.util.spec_from_file_location('make_pictures', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_fourteen():
    assert [int(page.name[:2]) for page in LESSONS] == list(range(1, 15))


@numbered
def test_what_a_lesson_has(number, lesson):
    text = lesson.read_text('utf-8')
    assert text.startswith(f'# {number}. ')
    assert re.search(r'^\*\*The idea\.\*\* .+', text, re.M)
    assert re.search(r'^\*\*Time:\*\* (10|15|20) minutes\.', text, re.M)
    question, exercise = text.index('\n## Question\n'), text.index('\n## Exercise\n')
    assert question < exercise
    assert '?' in text[question:exercise] and '>>>' in text[question:exercise], 'a question, and then what answers it'
    assert f'exercises.lesson{number}(' in text[exercise:]
    assert re.search(r'^score: (\d+|\.\.\.) of \d+$', text[exercise:], re.M)
    assert f'solutions.md#lesson-{number})' in text[exercise:]
    following = LESSONS[number].name if number < len(LESSONS) else 'teaching.md'
    assert f']({following})' in text[exercise:]


@numbered
def test_its_first_try_does_not_pass(number, lesson):
    scores = re.findall(r'^score: (\S+) of (\d+)$', lesson.read_text('utf-8'), re.M)
    assert all(right != total for right, total in scores)


@numbered
def test_its_picture_exists(number, lesson):
    pictures = re.findall(r'^!\[(.+)\]\((\S+\.svg)\)$', lesson.read_text('utf-8'), re.M)
    assert pictures
    for description, picture in pictures:
        assert len(description) > 20, 'said in words for those who do not see it'
        assert (lesson.parent / picture).read_text('utf-8').startswith('<?xml')


@numbered
def test_its_solution_passes(number, lesson):
    """The solution is in the page, its score is full, and (as a doctest of its own) it is what is printed."""
    setup, *sections = re.split(r'^## Lesson (\d+)$', SOLUTIONS, flags=re.M)
    section = dict(zip(map(int, sections[::2]), sections[1::2], strict=True))[number]
    ((right, total),) = re.findall(r'^score: (\d+) of (\d+)$', section, re.M)
    assert right == total and f'exercises.lesson{number}(' in section
    test = doctest.DocTestParser().get_doctest(setup + section, {}, f'lesson {number}', 'solutions.md', 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(test).failed == 0


def test_the_index_lists_all_pages():
    index = (DOCS / 'lessons' / 'index.md').read_text('utf-8')
    linked = set(re.findall(r'\]\(([\w-]+\.md)\)', index))
    assert {page.name for page in (DOCS / 'lessons').glob('*.md')} == linked | {'index.md'}


def test_every_link_leads_somewhere():
    for page in (DOCS / 'lessons').glob('*.md'):
        for link, anchor in re.findall(r'\]\(([\w./-]+)(?:#([\w-]+))?\)', page.read_text('utf-8')):
            target = page.parent / link
            assert target.exists(), f'{page.name}: {link}'
            if anchor:
                headings = re.findall(r'^#+ (.+)$', target.read_text('utf-8'), re.M)
                assert anchor in [heading.lower().replace(' ', '-') for heading in headings], f'{page.name}: {anchor}'


def test_the_nn_of_lesson_5_has_120_lines():
    text = LESSONS[4].read_text('utf-8')
    code = text[text.index('>>> import math') : text.index('\n## Question\n')]
    lines = [line[4:] for line in code.splitlines() if line.startswith(('>>> ', '... '))]
    assert 100 < len([line for line in lines if line.strip()]) <= 120


def test_lesson_5_compares_every_number():
    """What its doctest holds equal is not empty, and a difference in the last bit would be seen."""
    text = LESSONS[4].read_text('utf-8')
    errors = re.findall(r'^# current error = (\S+)$', text, re.M)
    assert len(errors) == 8 and errors[:4] == errors[4:]
    assert 'np.array_equal(a, b) for a, b in zip(everything(mine), everything(theirs))' in text


def test_pictures_are_drawn_by_the_script(tmp_path):
    arguments = [sys.executable, '-W', 'error', str(SCRIPT), str(tmp_path)]
    subprocess.run(arguments, check=True, env={**os.environ, 'PYTHONPATH': str(DOCS.parent)}, timeout=300)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in SCRIPT.parent.glob('*.svg')}


def test_every_picture_is_shown():
    pages = '\n'.join(page.read_text('utf-8') for page in DOCS.rglob('*.md'))
    for path in SCRIPT.parent.glob('*.svg'):
        assert re.search(rf'!\[[^]]+\]\(\S*{path.name}\)', pages), path.name


def test_pictures_are_the_same_in_every_run(tmp_path):
    make = script()
    make.PICTURES = {name: make.PICTURES[name] for name in ('chain-rule', 'rates', 'shrinking')}
    for run in ('first', 'second'):
        make.main(tmp_path / run)
    for path in (tmp_path / 'first').iterdir():
        assert path.read_bytes() == (tmp_path / 'second' / path.name).read_bytes()


def test_pictures_can_be_read_on_white_and_on_black():
    for path in SCRIPT.parent.glob('*.svg'):
        text = path.read_text('utf-8')
        assert '<dc:date>' not in text
        assert 'id="patch_1"' not in text or re.search(r'id="patch_1">\s*<path[^>]*style="fill: none', text), path.name
        drawn = re.sub(r'<image[^>]*>|<g id="QuadMesh.*?</g>', '', text, flags=re.S)
        assert set(re.findall('#[0-9a-f]{6}', drawn)) <= COLORS, path.name
        assert not re.search(r'<text[^>]*style="(?![^"]*fill)', text), f'{path.name}: black text'


@pytest.mark.parametrize('color', sorted(COLORS))
def test_colors_have_contrast(color):
    """A ratio of 3 or more, what WCAG asks of graphics, on white and on a dark page."""

    def luminance(color):
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for ground in ('#ffffff', '#131416'):
        low, high = sorted([luminance(color), luminance(ground)])
        assert (high + 0.05) / (low + 0.05) > 3
