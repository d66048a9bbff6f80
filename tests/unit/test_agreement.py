"""Agreement of heart rates, against numbers worked out by hand."""

import math

import numpy as np
import pytest

from ppg_deploy.results.agreement import Band, bland_altman, distribution, error_by_band

# Differences -2, 2, -1, 5: mean 1. Distances from it -3, 1, -2, 4: squares 9 + 1 + 4 + 16 = 30, over 4 - 1 windows 10.
PREDICTED = np.array([70.0, 82.0, 95.0, 121.0])
REFERENCE = np.array([72.0, 80.0, 96.0, 116.0])


def test_bland_altman_of_four_windows() -> None:
    agreement = bland_altman(PREDICTED, REFERENCE)
    assert agreement.mean.tolist() == [71.0, 81.0, 95.5, 118.5]
    assert agreement.difference.tolist() == [-2.0, 2.0, -1.0, 5.0]
    assert agreement.bias == 1.0
    assert agreement.deviation == pytest.approx(3.16227766, abs=1e-8)  # square root of 10
    assert agreement.lower == pytest.approx(-5.19806421, abs=1e-8)  # 1 - 1.96 * 3.16227766
    assert agreement.upper == pytest.approx(7.19806421, abs=1e-8)


def test_one_window_has_a_bias_and_no_scatter() -> None:
    agreement = bland_altman(np.array([63.0]), np.array([60.0]))
    assert (agreement.bias, agreement.deviation, agreement.lower, agreement.upper) == (3.0, 0.0, 3.0, 3.0)


def test_percentiles_lie_between_the_two_nearest_values() -> None:
    found = distribution(np.array([10.0, 50.0, 20.0, 40.0, 30.0]))
    # Five values, four steps: 95 % of the way is step 3.8, between 40 and 50; 99 % is step 3.96.
    assert (found.count, found.minimum, found.median, found.maximum) == (5, 10.0, 30.0, 50.0)
    assert found.p95 == pytest.approx(48.0)
    assert found.p99 == pytest.approx(49.6)


def test_percentiles_of_one_value() -> None:
    found = distribution(np.array([7.0]))
    assert (found.count, found.minimum, found.median, found.p95, found.p99, found.maximum) == (1, *[7.0] * 5)


def test_a_reference_on_an_edge_belongs_to_the_band_above() -> None:
    reference = np.array([59.999, 60.0, 79.999, 80.0, 149.999, 150.0])
    windows = {band.low: band.windows for band in error_by_band(reference, reference)}
    assert windows == {0.0: 1, 60.0: 2, 80.0: 1, 100.0: 0, 120.0: 1, 150.0: 1}


def test_error_of_each_band() -> None:
    # 60 to 80: errors -2 and 4; 80 to 100: errors 2 and -1; 100 to 120: 5.
    predicted, reference = np.append(PREDICTED, 70.0), np.append(REFERENCE, 66.0)
    below_60, first, second, third, *above = error_by_band(predicted, reference)
    assert first == Band(low=60.0, high=80.0, windows=2, mae=3.0, bias=1.0, p95=pytest.approx(3.9))
    assert second == Band(low=80.0, high=100.0, windows=2, mae=1.5, bias=0.5, p95=pytest.approx(1.95))
    assert third == Band(low=100.0, high=120.0, windows=1, mae=5.0, bias=5.0, p95=5.0)
    assert below_60 == Band(low=0.0, high=60.0, windows=0, mae=None, bias=None, p95=None)
    assert above == [
        Band(low=120.0, high=150.0, windows=0, mae=None, bias=None, p95=None),
        Band(low=150.0, high=math.inf, windows=0, mae=None, bias=None, p95=None),
    ]


def test_the_band_is_that_of_the_reference_not_of_the_answer() -> None:
    (slow, fast) = error_by_band(np.array([130.0]), np.array([65.0]), edges=(60.0, 120.0, 150.0))
    assert (slow.windows, slow.bias, fast.windows) == (1, 65.0, 0)


def test_labels() -> None:
    labels = [band.label for band in error_by_band(PREDICTED, REFERENCE)]
    assert labels == ["below 60", "60 to 80", "80 to 100", "100 to 120", "120 to 150", "150 and above"]
