"""Tables in HTML, for what Jupyter shows of a module, a trainer or a result."""

import html
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ['table']

MOST_ROWS = 200


def _cell(value: Any) -> str:
    text = f'{value:.6g}' if isinstance(value, float) else str(value)
    return html.escape(text).replace('\n', '<br>').replace('  ', '&nbsp;&nbsp;')


def table(header: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = '') -> str:
    """A table with a `header` and `rows` of values, escaped; the first and last hundred of long ones.

    >>> table(['a'], [[0.1 + 0.2], ['<b>']])
    '<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>0.3</td></tr><tr><td>&lt;b&gt;</td></tr></tbody></table>'
    """
    rows = list(rows)
    if len(rows) > MOST_ROWS:
        rows = [*rows[: MOST_ROWS // 2], ['...'] * len(header), *rows[-MOST_ROWS // 2 :]]
    head = ''.join(f'<th>{_cell(name)}</th>' for name in header)
    body = ''.join(f'<tr>{"".join(f"<td>{_cell(value)}</td>" for value in row)}</tr>' for row in rows)
    above = f'<caption>{_cell(caption)}</caption>' if caption else ''
    return f'<table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
