"""Times callables beside one another: interleaved in one run, so that all of them see the same machine."""

import statistics
import time
from collections.abc import Callable


def medians(callables: dict[str, Callable[[], object]], rounds: int = 15, seconds: float = 0.02) -> dict[str, float]:
    """The median time of one call of each, in seconds.

    Parameters
    ----------
    rounds
        how often all of them take their turn
    seconds
        how long a turn lasts at least

    Where a call is short, a turn begins with one that is not timed, since the caches are full of what ran before: after
    PyTorch's turn the first epoch of a small network takes 3 % longer than those that follow.
    """
    repeats, short = {}, {}
    for name, call in callables.items():
        call()
        start = time.perf_counter()
        call()
        lasted = time.perf_counter() - start
        repeats[name], short[name] = max(1, round(seconds / lasted)), lasted < 0.1
    times = {name: [] for name in callables}
    for _ in range(rounds):
        for name, call in callables.items():
            if short[name]:
                call()
            start = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            times[name].append((time.perf_counter() - start) / repeats[name])
    return {name: statistics.median(turns) for name, turns in times.items()}


#: all that was reported in this process, by title: the seconds that one unit of work takes, t7nn's first
ROWS: dict[str, dict[str, float]] = {}


def report(title: str, times: dict[str, float], units: int = 1) -> None:
    """Print the first callable's time for one unit of work, and the others' as multiples of it; keep them in `ROWS`."""
    assert title not in ROWS, f'expected a title for each row, got {title!r} twice'
    ROWS[title] = {name: seconds / units for name, seconds in times.items()}
    (name, own), *others = ROWS[title].items()
    ratios = ''.join(f'   {other} {seconds / own:7.2f} x' for other, seconds in others)
    print(f'{title:<42} {name} {own * 1e6:10.2f} us{ratios}', flush=True)
