"""The size-error curve: known parameters, a case worked by hand, scipy's own fit, and what must not be fitted."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.optimize import curve_fit

from models.study.scaling import Curve, NoCurve, Scale, fit_curves
from models.study.table import StudyRow
from ppg_deploy.errors import InputError
from tests.support.study_rows import study_row

SIZES = (4_000, 16_000, 27_000, 126_000, 500_000)


def rows_of(errors: Sequence[Sequence[float]], sizes: Sequence[int] = SIZES) -> list[StudyRow]:
    """`errors[replicate][size]`."""
    return [
        study_row(f"net{size}", seed=seed, parameters=size, mae_int8=error, mae_float=error + 1.0)
        for seed, line in enumerate(errors)
        for size, error in zip(sizes, line, strict=True)
    ]


def power_law(size: float) -> float:
    return 4.0 + 6.0 * math.pow(size / 4_000, -0.7)


def only(rows: list[StudyRow], *, scale: Scale = "log-size", resamples: int = 400, seed: int = 1) -> Curve:
    (curve,) = fit_curves(rows, scale=scale, resamples=resamples, seed=seed)
    assert isinstance(curve, Curve), curve
    return curve


def noisy(generator: np.random.Generator, replicates: int) -> list[list[float]]:
    """Replicates share a level of their own, like subjects held out, beside the noise of each training."""
    return [
        [power_law(size) + level + generator.normal(0.0, 0.15) for size in SIZES]
        for level in generator.normal(0.0, 0.4, replicates)
    ]


def test_known_parameters_come_back() -> None:
    curve = only(rows_of([[power_law(size) for size in SIZES]] * 2))
    assert curve.a.value == pytest.approx(4.0, abs=1e-5)
    assert curve.b.value == pytest.approx(6.0, abs=1e-5)
    assert curve.c.value == pytest.approx(0.7, abs=1e-5)
    assert (curve.reference_size, curve.sizes, curve.replicates) == (4_000, SIZES, 2)
    assert curve.determined and curve.rms < 1e-6
    assert curve.band.curve[0] == pytest.approx(10.0, abs=1e-4)
    assert curve.band.curve[-1] == pytest.approx(power_law(500_000), abs=1e-4)


def test_three_sizes_by_hand() -> None:
    # Steps of a factor of 10 and errors 9, 7, 6: each step halves what is left, so a = 5, b = 4, 10^-c = 1/2.
    curve = only(rows_of([[8.0, 6.0, 5.0], [10.0, 8.0, 7.0]], (1_000, 10_000, 100_000)))
    assert curve.a.value == pytest.approx(5.0, abs=1e-5)
    assert curve.b.value == pytest.approx(4.0, abs=1e-5)
    assert curve.c.value == pytest.approx(math.log10(2.0), abs=1e-5)
    assert curve.rms < 1e-6
    assert any("three sizes for three parameters" in remark for remark in curve.remarks)


def test_exponential_in_the_size_itself() -> None:
    # x = 0, 1, 2 and errors 9, 7, 6: exp(-c) = 1/2.
    curve = only(rows_of([[9.0, 7.0, 6.0]], (1_000, 2_000, 3_000)), scale="size")
    assert (curve.a.value, curve.b.value) == pytest.approx((5.0, 4.0), abs=1e-5)
    assert curve.c.value == pytest.approx(math.log(2.0), abs=1e-5)


def test_equals_scipys_least_squares() -> None:
    errors = noisy(np.random.default_rng(3), 8)
    curve = only(rows_of(errors))
    x = np.log(np.tile(np.array(SIZES, float), 8) / SIZES[0])
    expected, _ = curve_fit(
        lambda x, a, b, c: a + b * np.exp(-c * x), x, np.ravel(errors), p0=(3.0, 5.0, 0.5), xtol=1e-12
    )
    assert (curve.a.value, curve.b.value, curve.c.value) == pytest.approx(tuple(expected), rel=1e-4)


def test_published_errors_do_not_decide_between_the_forms() -> None:
    # Arora et al., 12-block teacher; parameters of the deployed students.
    sizes = (16_628, 27_060, 126_132, 508_596)
    hard, dkd = [11.734, 10.418, 6.983, 6.493], [8.899, 6.772, 6.291, 5.759]
    rms = [
        only(rows_of([line], sizes), scale=scale).rms
        for line in (hard, dkd)
        for scale in ("log-size", "size")
    ]
    assert rms == pytest.approx([0.229, 0.076, 0.184, 0.188], abs=2e-3)


def test_band_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    trials, covered = 120, 0
    for trial in range(trials):
        band = only(rows_of(noisy(generator, 10)), resamples=300, seed=trial).band
        assert band.low is not None and band.high is not None
        middle = len(band.sizes) // 2
        covered += band.low[middle] <= power_law(band.sizes[middle]) <= band.high[middle]
    # 95 %, and 120 draws of that have a standard deviation of 2 %.
    assert 0.89 <= covered / trials <= 0.99


def test_replicates_are_resampled_whole() -> None:
    # Two replicates, 2 BPM apart at every size: their difference is theirs, the shape is certain.
    lower, upper = [power_law(size) for size in SIZES], [power_law(size) + 2.0 for size in SIZES]
    curve = only(rows_of([lower, upper]))
    assert (curve.b.low, curve.b.high) == pytest.approx((6.0, 6.0), abs=1e-4)
    assert (curve.c.low, curve.c.high) == pytest.approx((0.7, 0.7), abs=1e-4)
    assert (curve.a.low, curve.a.high) == pytest.approx((4.0, 6.0), abs=1e-4)
    assert curve.band.low is not None and curve.band.high is not None
    assert curve.band.high[30] - curve.band.low[30] == pytest.approx(2.0, abs=1e-4)
    assert any("covers about 50 %" in remark for remark in curve.remarks)


def test_same_seed_same_numbers() -> None:
    rows = rows_of(noisy(np.random.default_rng(3), 6))
    assert only(rows, seed=4) == only(rows, seed=4)
    assert only(rows, seed=4) != only(rows, seed=5)


def test_two_sizes_give_a_reason() -> None:
    (found,) = fit_curves(rows_of([[9.0, 7.0]], (1_000, 2_000)))
    assert isinstance(found, NoCurve)
    assert (found.sizes, found.reason) == (
        (1_000, 2_000),
        "three parameters need three sizes or more, here are 2",
    )


def test_no_complete_replicate_gives_a_reason() -> None:
    rows = [row for row in rows_of([[9.0, 7.0, 6.0]] * 2, (1, 2, 3)) if row.parameters != 3 - row.seed]
    (found,) = fit_curves(rows)
    assert (
        isinstance(found, NoCurve) and "no replicate (split, seed) holds all of its 3 sizes" in found.reason
    )


def test_incomplete_replicates_are_left_out_and_named() -> None:
    rows = rows_of([[9.0, 7.0, 6.0], [9.0, 7.0, 6.0], [90.0, 7.0, 6.0]], (1_000, 10_000, 100_000))
    curve = only(rows[:-1])
    assert curve.replicates == 2 and curve.a.value == pytest.approx(5.0, abs=1e-5)
    assert any("1 replicates that lack a size" in remark for remark in curve.remarks)


@pytest.mark.parametrize("errors", [[5.0] * 5, [5.0, 5.5, 6.0, 6.5, 7.0]], ids=["level", "rising"])
def test_no_gain_by_size_is_not_determined(errors: list[float]) -> None:
    curve = only(rows_of([errors, errors]))
    assert not curve.determined and curve.b.value == pytest.approx(0.0, abs=1e-9)
    assert any("larger students have no lower error" in remark for remark in curve.remarks)


def test_a_straight_line_has_no_floor_and_no_rate() -> None:
    # 1 BPM for each factor of e: no bend, so any small c with a large b and a negative floor would do.
    sizes = (1_000, 2_718, 7_389, 20_086)
    curve = only(rows_of([[8.0, 7.0, 6.0, 5.0]] * 2, sizes))
    assert curve.a.at_bound and not curve.determined
    assert curve.a.value == 0.0
    assert any("not determined by these data: a" in remark for remark in curve.remarks)


def test_a_step_has_no_rate() -> None:
    curve = only(rows_of([[9.0, 5.0, 5.0, 5.0, 5.0]] * 2))
    assert curve.c.at_bound and not curve.determined
    assert curve.a.value == pytest.approx(5.0, abs=0.01)


def test_an_interval_that_reaches_a_bound_is_open() -> None:
    # One of two replicates is a step.
    curve = only(rows_of([[9.0, 5.0, 5.0, 5.0, 5.0], [power_law(size) for size in SIZES]]))
    assert curve.c.high is None and curve.c.low == pytest.approx(0.7, abs=1e-3)
    assert not curve.c.determined


def test_one_replicate_has_no_band() -> None:
    curve = only(rows_of([[power_law(size) for size in SIZES]]))
    assert curve.band.low is None and curve.band.high is None
    assert (curve.a.low, curve.a.high) == (None, None) and not curve.determined
    assert "one replicate: no band and no intervals" in curve.remarks


def test_students_of_one_size_count_as_their_mean() -> None:
    rows = rows_of([[9.0, 7.0, 6.0]], (1_000, 10_000, 100_000))
    twin = study_row("twin", seed=0, parameters=10_000, mae_int8=6.6)
    # The middle of the grid is 10,000, and the curve passes through all three means.
    assert only([*rows, twin]).band.curve[30] == pytest.approx(6.8, abs=1e-5)


def test_the_other_measure_and_one_curve_a_strategy() -> None:
    rows = rows_of([[9.0, 7.0, 6.0]] * 2, (1_000, 10_000, 100_000))
    other = study_row("net1000", "soft", parameters=1_000)
    curve, none = fit_curves([*rows, other], "mae_float")
    assert isinstance(curve, Curve) and curve.a.value == pytest.approx(6.0, abs=1e-5)
    assert isinstance(none, NoCurve) and (none.strategy, none.teacher) == ("soft", "big")


def test_an_error_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="net1000, strategy scratch, split a, seed 0: mae_int8 is nan"):
        fit_curves(rows_of([[math.nan, 7.0, 6.0]], (1_000, 2_000, 3_000)))
    with pytest.raises(InputError, match="resamples is 5"):
        fit_curves([], resamples=5)


def test_intervals_are_expanded_for_few_replicates() -> None:
    """Ten replicates that differ in their level alone: the interval of a is that of their mean.

    t(0.975, 9) = 2.262 from a printed table, times sqrt(10 / 9) is 2.385, behind which a normal has 0.855 %.
    """
    generator = np.random.default_rng(5)
    shifts = generator.normal(0.0, 0.4, 10)
    rows = [
        study_row(str(size), seed=seed, parameters=1_000 * 10**size, mae_int8=5.0 + 4.0 * 0.5**size + shift)
        for seed, shift in enumerate(shifts)
        for size in range(4)
    ]
    (curve,) = fit_curves(rows, resamples=20_000)
    assert isinstance(curve, Curve) and curve.a.low is not None and curve.a.high is not None
    means = generator.choice(shifts, (400_000, 10)).mean(axis=1)
    low, high = np.quantile(means, (0.00855, 1 - 0.00855))
    assert curve.a.high - curve.a.low == pytest.approx(high - low, rel=0.02)
