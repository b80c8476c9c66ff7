"""Makes Jupyter notebooks of the lessons: ``python docs/notebooks.py FOLDER [--run]``.

It needs nbformat, and nbclient with ipykernel to run them: ``pip install 't7nn[docs]'``.

Text becomes Markdown, with its pictures inside; ``>>>`` examples become code, one cell up to each printed result.
``--run`` also runs every notebook, and fails with the first that fails.
"""

import argparse
import base64
import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LESSONS = Path(__file__).parent / 'lessons'


def cells(text: str, folder: Path) -> Iterator[Any]:
    """The cells of one page whose links lead from `folder`."""
    from nbformat.v4 import new_code_cell

    for part in re.split(r'(^```python\n.*?^```$)', text, flags=re.M | re.S):
        if not part.startswith('```python'):
            if part.strip():
                yield markdown(part.strip(), folder)
            continue
        code = ''
        for example in doctest.DocTestParser().get_examples(part.removeprefix('```python').removesuffix('```')):
            code += example.source
            if example.want:
                fails = {'tags': ['raises-exception']} if example.exc_msg is not None else {}
                yield new_code_cell(code.rstrip(), metadata=fails)
                code = ''
        if code:
            yield new_code_cell(code.rstrip())


def markdown(text: str, folder: Path) -> Any:
    """A cell of text that holds its pictures; a link goes to the lesson's notebook, or is left out."""
    from nbformat.v4 import new_markdown_cell

    attachments = {}

    def attach(match: re.Match) -> str:
        path = folder / match[2]
        attachments[path.name] = {'image/svg+xml': base64.b64encode(path.read_bytes()).decode()}
        return f'![{match[1]}](attachment:{path.name})'

    text = re.sub(r'!\[([^]]*)\]\(([^)]+\.svg)\)', attach, text)
    text = re.sub(r'\]\(([\w-]+)\.md', r'](\1.ipynb', text)
    text = re.sub(r'(?<!!)\[([^]]+)\]\(\.\.[^)]*\)', r'\1', text)
    return new_markdown_cell(text, **({'attachments': attachments} if attachments else {}))


def notebook(path: Path) -> Any:
    """The page at `path` as a notebook."""
    from nbformat.v4 import new_notebook

    found = list(cells(path.read_text('utf-8'), path.parent))
    for number, cell in enumerate(found):
        cell['id'] = f'cell-{number}'  # the same page gives the same file
    kernel = {'kernelspec': {'name': 'python3', 'display_name': 'Python 3', 'language': 'python'}}
    return new_notebook(cells=found, metadata=kernel)


def write(folder: Path, run: bool = False) -> list[Path]:
    """Write a notebook of each page of the lessons into `folder`; with `run`, as it is after it ran there."""
    import nbformat

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for page in sorted(LESSONS.glob('*.md')):
        made = notebook(page)
        if run:
            from nbclient import NotebookClient

            NotebookClient(made, timeout=600, resources={'metadata': {'path': str(folder)}}).execute()
        paths.append(folder / f'{page.stem}.ipynb')
        nbformat.write(made, paths[-1])
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description='Makes Jupyter notebooks of the lessons.')
    parser.add_argument('folder', type=Path, help='where they are written')
    parser.add_argument('--run', action='store_true', help='run them too')
    options = parser.parse_args()
    for path in write(options.folder, options.run):
        print(path)


if __name__ == '__main__':
    main()
