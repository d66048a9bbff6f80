"""The size-error curve of each strategy, with confidence bands.

error(n) = a + b exp(-c x), with x = ln(n / n0) ("log-size") or x = n / n0 - 1 ("size"); n counts parameters and n0
those of the smallest student. a is the error that no size removes, b what the smallest student loses above it, c > 0
how fast that goes away. In log-size this is a power law with a floor, a + b (n / n0)^-c.

Arora et al. (arXiv 2511.18829) call the relation exponential, as third parties sum it up; their formula was not at
hand, so which of the two they mean is unknown. Their printed errors (12-block teacher, students of 1, 2, 6 and 10
blocks) do not decide: both forms miss soft, DKD and feature distillation by the same root mean square, 0.14 to
0.19 BPM, and hard labels by 0.23 (log-size) and 0.08 BPM (size). Log-size is the default because the sizes of a study
differ by factors; four sizes hardly test either form.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.study.summary import Measure
from models.study.table import StudyRow
from ppg_deploy.errors import InputError

Scale = Literal["log-size", "size"]
Numbers = NDArray[np.float64]

FEWEST_SIZES = 3
_LEVEL = 0.95
_GRID = 60
_NARROWER, _ROUNDS = 30, 6
# Below, the curve cannot be told from a straight line over the study's sizes; above, from a step behind its smallest.
_LEAST_BEND, _MOST_DROP = 0.05, 6.0
_AT_BOUND = 1e-4
_BAND_SIZES = 61


@dataclass(frozen=True)
class Parameter:
    """One parameter. An end of the 95 % interval that lies on a bound of the search is None: that side is open."""

    value: float
    low: float | None
    high: float | None
    at_bound: bool

    @property
    def determined(self) -> bool:
        """Whether the data fix it: not at a bound, and its interval is closed."""
        return not self.at_bound and self.low is not None and self.high is not None


@dataclass(frozen=True)
class Band:
    """The curve on a grid of sizes and its pointwise 95 % band in BPM; `low`, `high` None with a single replicate."""

    sizes: tuple[float, ...]
    curve: tuple[float, ...]
    low: tuple[float, ...] | None
    high: tuple[float, ...] | None


@dataclass(frozen=True)
class Curve:
    """A fitted curve.

    Attributes:
        teacher, strategy: as in `StudyRow`.
        measure: which error.
        scale: what x is.
        reference_size: n0, parameters.
        a, b: BPM.
        c: per unit of x.
        rms: of the mean errors around the curve, BPM.
        sizes: distinct numbers of parameters.
        replicates: (split, seed) pairs that hold every size.
        band: on the range of the sizes; nothing is said beyond.
        remarks: what limits it, in sentences.
    """

    teacher: str | None
    strategy: str
    measure: Measure
    scale: Scale
    reference_size: int
    a: Parameter
    b: Parameter
    c: Parameter
    rms: float
    sizes: tuple[int, ...]
    replicates: int
    band: Band
    remarks: tuple[str, ...]

    @property
    def determined(self) -> bool:
        """Whether all three parameters are."""
        return self.a.determined and self.b.determined and self.c.determined


@dataclass(frozen=True)
class NoCurve:
    """A strategy without a curve, and why."""

    teacher: str | None
    strategy: str
    sizes: tuple[int, ...]
    reason: str


def fit_curves(
    rows: Sequence[StudyRow],
    measure: Measure = "mae_int8",
    *,
    scale: Scale = "log-size",
    resamples: int = 2000,
    seed: int = 1,
) -> tuple[Curve | NoCurve, ...]:
    """One curve for each (teacher, strategy), in the order of the rows.

    Least squares over all replicates that hold every size of the strategy. The band and the intervals come from a
    bootstrap that draws whole replicates (split, seed): the students of a replicate share test subjects and rise and
    fall together. Its percentiles are those of the expanded percentile interval (Hesterberg, The American
    Statistician 69, 2015), which makes up for few replicates as far as percentiles can. Fewer than six are too few all
    the same: the range of n values covers their median in 1 - 2^(1 - n) of cases. Replicates of one split are taken
    for independent. The same seed gives the same numbers.

    Raises:
        InputError: an error is not finite, or fewer than 100 resamples are asked for.
    """
    if resamples < 100:
        raise InputError(f"resamples is {resamples}", hint="take at least 100; 2000 is the default")
    groups: dict[tuple[str | None, str], list[StudyRow]] = {}
    for row in rows:
        if not math.isfinite(getattr(row, measure)):
            raise InputError(
                f"{row.student}, strategy {row.strategy}, split {row.split}, seed {row.seed}: "
                f"{measure} is {getattr(row, measure)}",
                hint="leave out the rows of trainings that failed",
            )
        groups.setdefault((row.teacher, row.strategy), []).append(row)
    return tuple(
        _curve_of(teacher, strategy, members, measure, scale, resamples, seed)
        for (teacher, strategy), members in groups.items()
    )


def _curve_of(
    teacher: str | None,
    strategy: str,
    rows: Sequence[StudyRow],
    measure: Measure,
    scale: Scale,
    resamples: int,
    seed: int,
) -> Curve | NoCurve:
    sizes = tuple(sorted({row.parameters for row in rows}))
    if len(sizes) < FEWEST_SIZES:
        return NoCurve(
            teacher, strategy, sizes, f"three parameters need three sizes or more, here are {len(sizes)}"
        )
    errors, dropped = _complete_replicates(rows, sizes, measure)
    if not len(errors):
        return NoCurve(
            teacher, strategy, sizes, f"no replicate (split, seed) holds all of its {len(sizes)} sizes"
        )
    x = _axis(np.array(sizes, np.float64), sizes[0], scale)
    bounds = (_LEAST_BEND / float(x[-1]), _MOST_DROP / float(x[1]))
    means = errors.mean(axis=0)
    (best,) = _least_squares(means[None], x, bounds)
    grid = np.geomspace(sizes[0], sizes[-1], _BAND_SIZES)
    grid_x = _axis(grid, sizes[0], scale)
    drawn: Numbers | None = None
    if len(errors) > 1:
        generator = np.random.Generator(np.random.PCG64(seed))
        chosen = generator.integers(len(errors), size=(resamples, len(errors)))
        drawn = _least_squares(errors[chosen].mean(axis=1), x, bounds)
    a, b, c = _parameters(best, drawn, bounds, len(errors))
    return Curve(
        teacher,
        strategy,
        measure,
        scale,
        sizes[0],
        a,
        b,
        c,
        float(np.sqrt(np.mean((_error(best, x) - means) ** 2))),
        sizes,
        len(errors),
        _band(grid, grid_x, best, drawn, len(errors)),
        _remarks(a, b, c, len(sizes), len(errors), dropped),
    )


def _complete_replicates(
    rows: Sequence[StudyRow], sizes: Sequence[int], measure: Measure
) -> tuple[Numbers, int]:
    """Errors (replicates, sizes), the mean where two students have one size, and how many replicates were left out."""
    found: dict[tuple[str, int], dict[int, list[float]]] = {}
    for row in rows:
        replicate = found.setdefault((row.split, row.seed), {})
        replicate.setdefault(row.parameters, []).append(getattr(row, measure))
    whole: list[Mapping[int, list[float]]] = [part for part in found.values() if len(part) == len(sizes)]
    errors = [[float(np.mean(part[size])) for size in sizes] for part in whole]
    return np.array(errors, np.float64), len(found) - len(whole)


def _axis(sizes: Numbers, reference: float, scale: Scale) -> Numbers:
    return np.log(sizes / reference) if scale == "log-size" else sizes / reference - 1.0


def _error(parameters: Numbers, x: Numbers) -> Numbers:
    """Parameters (..., 3) and x (S,) to errors (..., S)."""
    a, b, c = (parameters[..., index, None] for index in range(3))
    return np.asarray(a + b * np.exp(-c * x))


def _least_squares(means: Numbers, x: Numbers, bounds: tuple[float, float]) -> Numbers:
    """Best (a, b, c), shape (N, 3), for each line of `means` (N, S), with a >= 0 and b >= 0.

    For a given c the best a and b follow from linear regression, so only c is searched: on a grid of its logarithm,
    then on ever finer ones around the best. No start values, no local minima between which a result could jump.
    """
    low, high = math.log(bounds[0]), math.log(bounds[1])
    grid = np.broadcast_to(np.linspace(low, high, _GRID), (len(means), _GRID))
    step = (high - low) / (_GRID - 1)
    for _ in range(_ROUNDS):
        best = _best_of(means, x, grid)
        centre = np.log(best[:, 2:])
        grid = np.clip(centre + np.linspace(-step, step, _NARROWER + 1), low, high)
        step *= 2 / _NARROWER
    return _best_of(means, x, grid)


def _best_of(means: Numbers, x: Numbers, log_c: Numbers) -> Numbers:
    """As `_least_squares`, with c among exp of `log_c` (N, C)."""
    z = np.exp(-np.exp(log_c)[:, :, None] * x)
    y = means[:, None, :]
    z_mean, y_mean = z.mean(axis=-1, keepdims=True), y.mean(axis=-1, keepdims=True)
    b = np.sum((z - z_mean) * (y - y_mean), axis=-1) / np.sum((z - z_mean) ** 2, axis=-1)
    a = y_mean[..., 0] - b * z_mean[..., 0]
    through_zero = np.sum(z * y, axis=-1) / np.sum(z * z, axis=-1)
    a, b = np.where(a < 0.0, 0.0, a), np.where(a < 0.0, through_zero, b)
    a, b = np.where(b < 0.0, y_mean[..., 0], a), np.where(b < 0.0, 0.0, b)
    squares = np.sum((a[..., None] + b[..., None] * z - y) ** 2, axis=-1)
    lines = np.arange(len(means))
    chosen = np.argmin(squares, axis=1)
    return np.stack(
        [a[lines, chosen], b[lines, chosen], np.exp(log_c[lines, chosen])],
        axis=-1,
    )


def _parameters(
    best: Numbers, drawn: Numbers | None, bounds: tuple[float, float], replicates: int
) -> tuple[Parameter, Parameter, Parameter]:
    limits = ((0.0, math.inf), (0.0, math.inf), bounds)
    found = []
    for index, (lowest, highest) in enumerate(limits):
        ends: list[float | None] = [None, None]
        if drawn is not None:
            quantiles = np.quantile(drawn[:, index], _tails(replicates))
            ends = [None if _is_at((lowest, highest), float(end)) else float(end) for end in quantiles]
        value = float(best[index])
        # Without a slope every c is as good.
        at_bound = _is_at((lowest, highest), value) or (index == 2 and float(best[1]) == 0.0)
        found.append(Parameter(value, ends[0], ends[1], at_bound))
    return found[0], found[1], found[2]


def _is_at(bounds: tuple[float, float], value: float) -> bool:
    return value <= bounds[0] * (1 + _AT_BOUND) or value >= bounds[1] * (1 - _AT_BOUND)


def _tails(replicates: int) -> tuple[float, float]:
    """Percentiles that the expanded percentile interval takes in place of 2.5 % and 97.5 %."""
    from scipy import stats

    quantile = stats.t.ppf(0.5 + _LEVEL / 2, replicates - 1) * math.sqrt(replicates / (replicates - 1))
    tail = float(stats.norm.cdf(-quantile))
    return tail, 1.0 - tail


def _band(grid: Numbers, x: Numbers, best: Numbers, drawn: Numbers | None, replicates: int) -> Band:
    low = high = None
    if drawn is not None:
        ends = np.quantile(_error(drawn, x), _tails(replicates), axis=0)
        low, high = (tuple(float(value) for value in end) for end in ends)
    curve = tuple(float(value) for value in _error(best, x))
    return Band(tuple(float(size) for size in grid), curve, low, high)


def _remarks(
    a: Parameter, b: Parameter, c: Parameter, sizes: int, replicates: int, dropped: int
) -> tuple[str, ...]:
    remarks = []
    if b.at_bound:
        remarks.append(
            "not determined: larger students have no lower error, so there is no curve but a level"
        )
    elif not (a.determined and b.determined and c.determined):
        open_ones = [name for name, parameter in (("a", a), ("b", b), ("c", c)) if not parameter.determined]
        remarks.append(f"not determined by these data: {', '.join(open_ones)}")
    if sizes == FEWEST_SIZES:
        remarks.append(
            "three sizes for three parameters: the curve passes through the means if these fall ever more slowly, "
            "and nothing tests its form"
        )
    if replicates == 1:
        remarks.append("one replicate: no band and no intervals")
    elif replicates < 6:
        covered = 100 * (1 - 2 ** (1 - replicates))
        remarks.append(
            f"{replicates} replicates: the band is their range at most and covers about {covered:.0f} %, not 95 %"
        )
    if dropped:
        remarks.append(f"{dropped} replicates that lack a size were left out")
    return tuple(remarks)
