"""Calibration methods against values worked by hand, and against brute force over every code."""

import numpy as np
import pytest

from ppg_deploy.errors import InputError
from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.operators import Activation, Conv2D, FullyConnected, MaxPool2D, Padding, Reshape
from ppg_deploy.quantization import QuantizeSettings
from ppg_deploy.quantization.coverage import coverage_warning, heart_rate_histogram
from ppg_deploy.quantization.histograms import BINS, TensorHistogram, mse_range, percentile_range
from ppg_deploy.quantization.methods import calibration_by, collect_statistics, input_limits


def histogram(low: float, high: float, counts: list[int], zeros: int = 0) -> TensorHistogram:
    return TensorHistogram(low, high, np.array(counts, np.int64), zeros)


def test_percentile_of_a_uniform_histogram_by_hand() -> None:
    uniform = histogram(-50.0, 50.0, [10] * 10)
    assert percentile_range(uniform, 99.0) == pytest.approx((-49.0, 49.0))
    assert percentile_range(uniform, 85.0) == pytest.approx((-35.0, 35.0))
    assert percentile_range(uniform, 100.0) == (-50.0, 50.0)


def test_percentile_within_a_bin_by_hand() -> None:
    # 90 % of all values lie in [0, 1); the 95th percentile is half way through the bin [1, 2).
    assert percentile_range(histogram(0.0, 2.0, [90, 10]), 95.0) == pytest.approx((5.0 / 90.0, 1.5))


def test_percentile_skips_a_far_outlier() -> None:
    low, high = percentile_range(histogram(0.0, 100.0, [9999] + [0] * 98 + [1]), 99.9)
    assert low == pytest.approx(0.001 / 0.9999)
    assert high == pytest.approx(0.999 / 0.9999)


def test_mse_keeps_the_range_of_values_at_both_ends() -> None:
    assert mse_range(histogram(-1.0, 1.0, [100] + [0] * 998 + [100])) == (-1.0, 1.0)


def test_mse_by_hand() -> None:
    """A million values within 0.5 and one at 99.5, range 0 to 100, 255 steps.

    At ratio r a step is r / 2.55, so the million cost r^2 / 6.5025 / 12 each and the one (99.5 - 100 r)^2. The
    derivative is zero where 25631 r = 200 (99.5 - 100 r), which is r = 0.436; of 0.43 and 0.44 the latter is better.
    """
    assert mse_range(histogram(0.0, 100.0, [1_000_000] + [0] * 98 + [1])) == pytest.approx((0.0, 44.0))


def test_mse_agrees_with_brute_force() -> None:
    """Every candidate range tried with a real quantiser on the values themselves."""
    values = np.random.default_rng(5).standard_t(3, 400_000)
    low, high = float(values.min()), float(values.max())
    counts = np.histogram(values, BINS, (low, high))[0].astype(np.int64)

    def error(ratio: float) -> float:
        step = ratio * (high - low) / 255.0
        zero = np.rint(-128.0 - ratio * low / step)
        codes = np.clip(np.rint(values / step) + zero, -128, 127)
        return float(np.square((codes - zero) * step - values).mean())

    errors = {ratio: error(ratio) for ratio in np.arange(20, 101) / 100.0}
    best = min(errors, key=lambda ratio: errors[ratio])
    assert best <= 0.7
    chosen = mse_range(TensorHistogram(low, high, counts, 0))
    assert chosen[1] / high == pytest.approx(chosen[0] / low)
    # The minimum is flat: the choice by histogram must be as good as the best one within two percent.
    assert errors[round(chosen[1] / high, 2)] <= 1.02 * errors[best]
    assert errors[round(chosen[1] / high, 2)] < 0.7 * errors[1.0]


def test_mse_does_not_count_exact_zeros() -> None:
    """Zeros behind a ReLU cost nothing in int8; counted as noise, they would buy a narrower range."""
    counts = [100_000] + [0] * 97 + [2, 4]
    narrow = mse_range(histogram(0.0, 100.0, counts))
    assert narrow[1] < mse_range(histogram(0.0, 100.0, counts, zeros=100_000))[1]


def test_constant_activation() -> None:
    assert mse_range(histogram(0.0, 0.0, [5, 0], zeros=5)) == (0.0, 0.0)
    assert percentile_range(histogram(2.0, 2.0, [5, 0]), 99.0) == (2.0, 2.0)


def two_layers() -> Graph:
    """Convolution with ReLU, max pool, reshape, dense layer, reshape of the output."""
    rng = np.random.default_rng(0)

    def constant(name: str, *shape: int) -> Tensor:
        return Tensor(name, shape, DType.FLOAT32, data=rng.standard_normal(shape).astype(np.float32))

    tensors = [
        Tensor("x", (1, 1, 8, 2), DType.FLOAT32),
        constant("w", 3, 1, 3, 2),
        constant("b", 3),
        Tensor("c", (1, 1, 8, 3), DType.FLOAT32),
        Tensor("p", (1, 1, 4, 3), DType.FLOAT32),
        Tensor("r", (1, 12), DType.FLOAT32),
        constant("v", 5, 12),
        constant("d", 5),
        Tensor("y", (1, 5), DType.FLOAT32),
        Tensor("z", (1, 1, 5), DType.FLOAT32),
    ]
    operators = (
        Conv2D(inputs=("x", "w", "b"), outputs=("c",), padding=Padding.SAME, activation=Activation.RELU),
        MaxPool2D(inputs=("c",), outputs=("p",), filter=(1, 2), stride=(1, 2)),
        Reshape(inputs=("p",), outputs=("r",)),
        FullyConnected(inputs=("r", "v", "d"), outputs=("y",)),
        Reshape(inputs=("y",), outputs=("z",)),
    )
    return Graph("two", {tensor.name: tensor for tensor in tensors}, operators, ("x",), ("z",))


@pytest.mark.parametrize("method", ["percentile", "mse"])
def test_the_output_keeps_its_whole_range(method: str) -> None:
    graph = two_layers()
    x = np.random.default_rng(1).standard_normal((2000, 1, 8, 2)).astype(np.float32)
    x[0] *= 30.0
    statistics = collect_statistics(graph, x, ["min-max", "percentile", "mse"])
    settings = QuantizeSettings(method=method, percentile=99.0)  # type: ignore[arg-type]
    ranges = calibration_by(graph, statistics, settings).ranges
    whole = statistics.calibration.ranges
    for name in ("y", "z"):
        assert ranges[name] == whole[name]
    for name in ("x", "c"):
        assert ranges[name][1] - ranges[name][0] < whole[name][1] - whole[name][0]


def test_collected_percentile_is_that_of_the_values() -> None:
    graph = two_layers()
    x = np.random.default_rng(1).standard_normal((500, 1, 8, 2)).astype(np.float32)
    statistics = collect_statistics(graph, x, ["percentile"])
    settings = QuantizeSettings(method="percentile", percentile=99.5)
    low, high = calibration_by(graph, statistics, settings).ranges["x"]
    bin_width = float(x.max() - x.min()) / BINS
    assert (low, high) == pytest.approx(np.percentile(x, [0.5, 99.5]), abs=2 * bin_width)
    assert statistics.histograms["c"].counts.sum() == 500 * 8 * 3
    assert statistics.histograms["c"].zeros > 0


def test_min_max_needs_no_histograms() -> None:
    graph = two_layers()
    statistics = collect_statistics(graph, np.ones((3, 1, 8, 2), np.float32), ["min-max"])
    assert statistics.histograms == {}
    assert calibration_by(graph, statistics, QuantizeSettings()) is statistics.calibration


def test_input_limits_by_hand() -> None:
    x = np.zeros((2, 2, 4), np.float32)
    x[:, 0] = [-1.0, 1.0, -1.0, 1.0]  # mean 0, standard deviation 1
    x[:, 1] = [0.0, 0.0, 0.0, 8.0]  # mean 2, standard deviation sqrt(12)
    low, high = input_limits(x, 1.0)
    assert low == pytest.approx(-1.0)  # 2 - 3.46 is wider than the values reach
    assert high == pytest.approx(2.0 + np.sqrt(12.0))
    assert input_limits(x, 100.0) == (-1.0, 8.0)
    with pytest.raises(InputError, match="constant"):
        input_limits(np.ones((3, 1, 5), np.float32), 4.0)


@pytest.mark.parametrize(
    ("settings", "option"),
    [
        ({"method": "average"}, "--method"),
        ({"percentile": 40.0}, "--percentile"),
        ({"percentile": float("nan")}, "--percentile"),
        ({"input_clip": 0.0}, "--clip-input"),
        ({"output_range": (200.0, 0.0)}, "--output-range"),
        ({"output_range": (30.0, 210.0)}, "--output-range"),
        ({"output_range": (0.0, float("inf"))}, "--output-range"),
    ],
)
def test_impossible_settings(settings: dict[str, object], option: str) -> None:
    with pytest.raises(InputError, match=option):
        QuantizeSettings(**settings)  # type: ignore[arg-type]


def test_heart_rate_histogram_by_hand() -> None:
    bins = heart_rate_histogram(np.array([45.0, 60.0, 79.9, 80.0, 181.0], np.float32))
    assert [(part.low, part.windows) for part in bins] == [
        (40.0, 1),
        (60.0, 2),
        (80.0, 1),
        (100.0, 0),
        (120.0, 0),
        (140.0, 0),
        (160.0, 0),
        (180.0, 1),
    ]
    at_an_edge = heart_rate_histogram(np.array([180.0], np.float32))
    assert (at_an_edge[-1].low, at_an_edge[-1].windows) == (180.0, 1)


def test_good_coverage_needs_no_warning() -> None:
    hr = np.linspace(50.0, 180.0, 150).astype(np.float32)
    assert coverage_warning(150, hr, (30.0, 210.0)) is None
    assert coverage_warning(150, None, None) is None


def test_missing_heart_rates_are_shown() -> None:
    hr = np.linspace(50.0, 119.0, 150).astype(np.float32)
    warning = coverage_warning(150, hr, (30.0, 210.0))
    assert warning is not None
    lines = warning.splitlines()
    assert "hardly any calibration windows at 120 to 140, 140 to 160 BPM" in lines[0]
    assert lines[-1].split() == ["140", "to", "160", "BPM", "0"]
    assert lines[2].split()[:5] == ["60", "to", "80", "BPM", str(int(((hr >= 60) & (hr < 80)).sum()))]
    # The card says that the wearer sleeps: nothing above 120 BPM is needed.
    assert coverage_warning(150, hr, (30.0, 120.0)) is None


def test_few_windows_are_shown_with_their_histogram() -> None:
    warning = coverage_warning(50, np.linspace(50.0, 180.0, 50).astype(np.float32), None)
    assert warning is not None
    assert warning.startswith("only 50 calibration windows")
    assert "###" in warning
