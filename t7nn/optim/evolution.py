"""Methods that need no gradient: they draw candidates and keep what is best.

x itself is not changed, and ``opfunc(x)`` may return f(x) alone.
"""

import math
from collections.abc import Callable

import numpy as np

from .. import random
from ..tensors import number
from .call import Call, Result, Table, value

__all__ = ['cmaes', 'de']


def de(opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None) -> Result:
    """Differential evolution: each member of a population is challenged by best + scaleFactor (one member - another).

    A coordinate is taken from the challenger with probability crossoverRate, else from the member; the better one
    stays.

    Parameters
    ----------
    opfunc
        gets candidates as vectors
    x
        gives the number of coordinates and the dtype
    config
        scaleFactor (usual 0.4 to 1), crossoverRate (usual 0.1 to 0.9) and maxFEs (evaluations) must be given; popsize
        (10 for each coordinate, at least 3), minRegion (-30) and maxRegion (30), between which the population begins
    state
        not used

    Returns
    -------
    x, fs
        the best candidate (a new vector), and f of every candidate in turn

    It draws from a generator of its own with seed 1, so it repeats itself. As in Torch7, "best" begins as the worst of
    the population, and the one coordinate that is surely crossed is all of them where the member's number is drawn.
    A generation that maxFEs does not allow in full is not begun; Torch7 fails in its midst.

    Torch7 optim: de
    """
    call = Call('de', opfunc, x, config, state)
    scale, crossover, most = call.option('scaleFactor'), call.option('crossoverRate'), call.option('maxFEs')
    low, high = call.option('minRegion', -30), call.option('maxRegion', 30)
    size, dimension = int(call.option('popsize', 10 * x.size)), x.size
    if size < 3 or size > most:
        raise call.error(f'expected popsize of at least 3 and at most maxFEs, got {size} and {number(most)}')
    generator = random.Generator()
    generator.manualSeed(1)
    population = generator.uniform(low, high, out=np.empty((size, dimension), x.dtype))
    children, units = np.empty_like(population), np.empty(dimension)

    def evaluate(candidates: np.ndarray) -> np.ndarray:
        return np.array([value(opfunc(candidate)) for candidate in candidates], x.dtype)

    fitness = evaluate(population)
    values = fitness.tolist()
    worst = int(fitness.argmax())
    best_fitness, best = fitness[worst], population[worst].copy()
    while len(values) + size <= most:
        for i, member in enumerate(population):
            while (one := generator.random(1, size) - 1) == i:
                pass
            while (another := generator.random(1, size) - 1) in (i, one):
                pass
            everything = generator.random(1, dimension) == i + 1
            crossed = (generator.uniform(out=units) < crossover) | everything
            challenger = best + scale * np.subtract(population[one], population[another], dtype=np.float64)
            children[i] = np.where(crossed, challenger, member)
        offspring = evaluate(children)
        values += offspring.tolist()
        for i in np.flatnonzero(offspring <= fitness).tolist():
            population[i], fitness[i] = children[i], offspring[i]
            if fitness[i] < best_fitness:
                best_fitness, best = fitness[i], population[i].copy()
    return best, values


def cmaes(opfunc: Callable, x: np.ndarray, config: Table = None, state: Table = None) -> Result:
    """CMA-ES: draws candidates from a normal distribution whose mean, width and covariance follow the better half.

    Parameters
    ----------
    opfunc
        gets candidates in the form of x
    x
        the first mean
    config
        as in Torch7 read from `state` where that is given: sigma, the first standard deviation, must be given;
        popsize (4 + floor(3 log n) for n coordinates), maxEval (1000 n^2), ftarget (ends below it), min_iterations
        (1), verb_disp (0; prints every so many iterations)
    state
        not written to

    Returns
    -------
    x, fs
        the best candidate (a new vector); f(x), the best f of each generation, the best of all

    The normal numbers of each candidate come from `t7nn.random`. Once the covariance is decomposed, candidates depend
    on the signs that LAPACK gives to eigenvectors.

    Torch7 optim: algos.md#optim.cmaes

    >>> import numpy as np
    >>> random.manualSeed(1)
    >>> x, fs = cmaes(lambda x: float(x @ x), np.array([3.0, 4.0]), {'sigma': 1})
    >>> bool(np.abs(x).max() < 1e-4), fs[0]
    (True, 25.0)
    """
    call = Call('cmaes', opfunc, x, config, state)
    table, N = call.state, x.size
    sigma = call.option('sigma', table=table)
    population = int(call.option('popsize', 4 + math.floor(3 * math.log(N)), table))
    if population < 2:
        raise call.error(f'expected popsize of at least 2, got {population}')
    most, target = call.option('maxEval', 1e3 * N**2, table), call.option('ftarget', -math.inf, table)
    least_iterations, display = call.option('min_iterations', 1, table), int(call.option('verb_disp', 0, table))

    # recombination: the better half, the best most
    half = population / 2
    parents = int(half)
    weights = math.log(half + 0.5) - np.log(np.arange(parents) + 1)
    weights /= weights.sum()
    mueff = 1 / float(np.square(weights).sum())
    # how fast the two paths, the covariance (by its path, by the parents) and the step size follow
    cc = (4 + mueff / N) / (N + 4 + 2 * mueff / N)
    cs = (mueff + 2) / (N + mueff + 5)
    c1 = 2 / ((N + 1.3) ** 2 + mueff)
    cmu = min(1 - c1, 2 * (mueff - 2 + 1 / mueff) / ((N + 2) ** 2 + mueff))
    damping = 2 * mueff / population + 0.3 + cs

    mean = call.x.copy()
    weights = weights.astype(x.dtype)
    path, path_sigma = np.zeros_like(mean), np.zeros_like(mean)
    B, D, C, invsqrtC = (array.astype(x.dtype) for array in (np.eye(N), np.ones(N), np.eye(N), np.eye(N)))
    z, candidates = np.empty_like(mean), np.empty((population, N), x.dtype)
    evaluations, decomposed, iteration = 0, 0, 0
    best, best_fitness, found = x.copy(), math.inf, 0
    ends: list[str] = []
    values = [value(opfunc(x))]
    while not ends or iteration < least_iterations:
        iteration += 1
        if evaluations - decomposed > population / (c1 + cmu) / N / 10:
            decomposed = evaluations
            D, B = np.linalg.eigh(C, UPLO='U')
            D = np.sqrt(D)
            invsqrtC = (B / D) @ B.T
        for candidate in candidates:
            random.normal(out=z)
            candidate[...] = mean + B @ (z * D) * sigma
        fitness = np.array([value(opfunc(candidate.reshape(x.shape))) for candidate in candidates])
        evaluations += population
        order = np.argsort(fitness, kind='stable')
        fitness, selected = fitness[order], candidates[order[:parents]]
        values.append(float(fitness[0]))
        if not found or fitness[0] < best_fitness:
            best, best_fitness, found = selected[0].copy(), float(fitness[0]), evaluations

        old, mean = mean, weights @ selected
        shift = mean - old
        path_sigma += math.sqrt(cs * (2 - cs) * mueff) / sigma * (invsqrtC @ shift) - cs * path_sigma
        length = float(np.square(path_sigma).sum()) / N
        moderate = float(length / (1 - (1 - cs) ** (2 * evaluations / population)) < 2 + 4 / (N + 1))
        path += moderate * math.sqrt(cc * (2 - cc) * mueff) / sigma * shift - cc * path
        c1a = c1 - (1 - moderate) * c1 * cc * (2 - cc)
        steps = (selected - old) / sigma
        C += c1 * np.outer(path, path) + cmu * (steps.T * weights) @ steps - (c1a + cmu) * C
        sigma *= math.exp(min(0.6, cs / damping * (length - 1) / 2))

        widest, narrowest = float(D.max()), float(D.min())
        ends = [
            reason
            for reason, reached in (
                ('evals', evaluations >= most),
                ('ftarget', fitness[0] <= target),
                ('condition', widest > 1e7 * narrowest),
                ('tolfun', fitness[-1] - fitness[0] < 1e-12),
                ('tolx', sigma * widest < 1e-11),
            )
            if reached
        ]
        if display and (iteration <= 2 or iteration % display == 0):
            if iteration == 1 or iteration % (10 * display) == 0:
                print('evals:\t ax-ratio max(std)   f-value')
            std = sigma * math.sqrt(float(C.diagonal().max()))
            print(f'{evaluations}:  {widest / narrowest:6.1f} {std:8.1e} {number(fitness[0])}')
    if display:
        print('termination by', *ends)
        print(f'best f-value = {number(best_fitness)} found at iteration {found // population} of {iteration}')
    values.append(best_fitness)
    return best, values
