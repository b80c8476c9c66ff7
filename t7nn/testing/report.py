"""Checks, what comes out when they are run, and the table of it."""

import html
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .case import Case, NotApplicable, alone, generators_kept, rounded
from .compare import Difference
from .hints import of_error, pattern

__all__ = ['Check', 'Outcome', 'Report']

PASSED, FAILED, NOT_APPLICABLE = 'passed', 'failed', 'not applicable'


@dataclass
class Check:
    """One property.

    Attributes
    ----------
    name
        the property in a word
    function
        raises an AssertionError where a case does not have it; its docstring says what must hold
    needs
        functions of a case: each gives the reason why the property means nothing for it, or ''
    simplify
        whether a failure is looked for with one example and few digits, too
    """

    name: str
    function: Callable[[Case], None]
    needs: tuple[Callable[[Case], str], ...] = ()
    simplify: bool = True

    def __call__(self, case: Case) -> None:
        """Raise unless the case has the property."""
        reason = next(filter(None, (need(case) for need in self.needs)), '')
        if reason:
            raise NotApplicable(reason)
        self.function(case)

    def failure(self, case: Case) -> Exception | None:
        """What the check raises."""
        try:
            self(case)
        except Exception as failure:
            return failure
        return None


@dataclass
class Outcome:
    """What a check said: its name, passed, failed or not applicable, the seconds it took, and a text: the numbers of a
    failure, or the reason why it is not applicable, or how much was looked at."""

    name: str
    status: str
    seconds: float = 0.0
    text: str = ''


@dataclass
class Report:
    """The outcomes of all checks, in the order cause before consequence; printed it is a table, in Jupyter too."""

    title: str
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether no property failed."""
        return not self.failures

    @property
    def failures(self) -> list[Outcome]:
        """The outcomes of the properties that do not hold."""
        return [outcome for outcome in self.outcomes if outcome.status == FAILED]

    def __getitem__(self, name: str) -> Outcome:
        """The outcome of the check of this name."""
        return next(outcome for outcome in self.outcomes if outcome.name == name)

    def count(self, status: str) -> int:
        """How many checks came out like this."""
        return sum(outcome.status == status for outcome in self.outcomes)

    def summary(self) -> str:
        """One line: how many properties hold."""
        return (
            f'{self.title}: {self.count(PASSED)} properties hold, {self.count(FAILED)} do not, '
            f'{self.count(NOT_APPLICABLE)} not applicable'
        )

    def failure_text(self) -> str:
        """All failures, one after the other, and the summary where there are several."""
        names: dict[str, list[str]] = {}
        for outcome in self.failures:
            names.setdefault(outcome.text, []).append(outcome.name)
        texts = [f'{self.title}, {", ".join(each)}: {text}' for text, each in names.items()]
        reasons = {outcome.text for outcome in self.outcomes if outcome.text.startswith('not compared: ')}
        return '\n'.join(texts + sorted(reasons) + [self.summary()] * (len(texts) > 1))

    def __str__(self) -> str:
        lines = [
            f'{outcome.name:20}{outcome.status:16}{1000 * outcome.seconds:7.1f} ms  {outcome.text}'.rstrip()
            for outcome in self.outcomes
        ]
        return '\n'.join([f'{"property":20}{"outcome":16}{"time":>10}', *lines, self.summary()])

    def __repr__(self) -> str:
        return f'<Report of {self.summary()}>'

    def _repr_html_(self) -> str:
        colours = {PASSED: 'green', FAILED: 'red', NOT_APPLICABLE: 'gray'}
        rows = ''.join(
            f'<tr><td>{outcome.name}</td><td style="color: {colours[outcome.status]}">{outcome.status}</td>'
            f'<td style="text-align: right">{1000 * outcome.seconds:.1f} ms</td>'
            f'<td style="text-align: left"><pre>{html.escape(outcome.text)}</pre></td></tr>'
            for outcome in self.outcomes
        )
        return (
            f'<p>{html.escape(self.summary())}</p><table><tr><th>property</th><th>outcome</th><th>time</th><th></th></tr>'
            f'{rows}</table>'
        )

    def raise_failures(self) -> None:
        """Raise an AssertionError with all failures, if there are any."""
        if not self.ok:
            raise AssertionError(self.failure_text())


def outcomes(checks: dict[str, Check], names: Any, skip: Any, case: Case) -> Iterator[Outcome]:
    """Run the checks of these `names` (None: all) but those of `skip` on a case, one after the other.

    Raises
    ------
    ValueError
        if there is no check of such a name
    """
    unknown = {*(names or ()), *skip} - checks.keys()
    if unknown:
        raise ValueError(f'names of checks out of {list(checks)} expected, got {sorted(unknown)}')
    wanted = [name for name in names or checks if name not in skip]
    if 'runs' in checks:
        running = evaluated(checks['runs'], case)
        if running.status == FAILED:
            yield running
            for name in wanted:
                if name != 'runs':
                    yield Outcome(name, NOT_APPLICABLE, 0.0, 'it does not run')
            return
    for name in wanted:
        yield evaluated(checks[name], case)


def evaluated(check: Check, case: Case) -> Outcome:
    """The outcome of a check; all generators are left as they were."""
    case.notes = []
    start = time.perf_counter()
    with generators_kept():
        failure = check.failure(case)
        if failure is None:
            status, text = PASSED, '; '.join(case.notes)
        elif isinstance(failure, NotApplicable):
            status, text = NOT_APPLICABLE, str(failure)
        else:
            status, text = FAILED, shown(check, case, failure)
    return Outcome(check.name, status, time.perf_counter() - start, text)


def shown(check: Check, case: Case, failure: Exception) -> str:
    """A failure in words: with one example and few digits, where these show it too, and a hint at its cause."""
    first = hint_for(case, failure)
    for simplify in (alone, rounded) if check.simplify else ():
        for candidate in simplify(case):
            simpler = check.failure(candidate)
            if type(simpler) is type(failure):
                failure, case = simpler, candidate
                break
    hint = hint_for(case, failure) or first
    what = str(failure) if isinstance(failure, AssertionError) else repr(failure)
    return f'{what}; {case.text()}' + (f'; hint: {hint}' if hint else '')


def hint_for(case: Case, failure: Exception) -> str:
    """What a failure looks like, or ''."""
    if hasattr(failure, 'hint'):
        return failure.hint
    if isinstance(failure, Difference):
        return pattern(failure.actual, failure.expected, case.count)
    return '' if isinstance(failure, AssertionError) else of_error(failure)
