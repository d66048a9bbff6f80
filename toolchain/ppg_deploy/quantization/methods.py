"""Calibration methods: from the values of every activation to its range."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.errors import InputError
from ppg_deploy.graph import Graph
from ppg_deploy.quantization.calibration import Calibration, Range, calibrate
from ppg_deploy.quantization.histograms import (
    INT8_STEPS,
    INT16_STEPS,
    TensorHistogram,
    collect_histograms,
    mse_range,
    percentile_range,
)
from ppg_deploy.quantization.ranges import same_scale_groups
from ppg_deploy.quantization.settings import Method, QuantizeSettings

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ActivationStatistics:
    """What every method starts from. `histograms` is empty when no method asked for them."""

    calibration: Calibration
    histograms: dict[str, TensorHistogram]


def collect_statistics(graph: Graph, x: Floats, methods: Iterable[Method]) -> ActivationStatistics:
    """One pass over windows (N, *graph input shape without batch) for min-max, two for the other methods."""
    calibration = calibrate(graph, x)
    if set(methods) <= {"min-max"}:
        return ActivationStatistics(calibration, {})
    for name, (low, high) in calibration.ranges.items():
        if not np.isfinite([low, high]).all():
            raise InputError(
                f"activation {name} reaches {low:g} to {high:g} on the calibration windows",
                hint="look for overflow in the model and for windows far outside the training data",
            )
    return ActivationStatistics(calibration, collect_histograms(graph, x, calibration.ranges))


def calibration_by(graph: Graph, statistics: ActivationStatistics, settings: QuantizeSettings) -> Calibration:
    """Ranges by the chosen method.

    The output, and what shares its scale, always keeps its whole range: its tails are the lowest and highest
    heart rates.
    """
    if settings.method == "min-max":
        return statistics.calibration
    groups = same_scale_groups(graph)
    output_group = groups[graph.outputs[0]]
    ranges = dict(statistics.calibration.ranges)
    for name, histogram in statistics.histograms.items():
        if groups.get(name) != output_group:
            ranges[name] = _clipped_range(histogram, settings)
    return replace(statistics.calibration, ranges=ranges)


def _clipped_range(histogram: TensorHistogram, settings: QuantizeSettings) -> Range:
    if settings.method == "percentile":
        return percentile_range(histogram, settings.percentile)
    return mse_range(histogram, INT16_STEPS if settings.int16x8 else INT8_STEPS)


def input_limits(x: Floats, deviations: float) -> Range:
    """Range of an input clipped at so many standard deviations.

    Args:
        x: normalised windows (N, *ONNX input shape without batch); the last axis is time, the others channels.
        deviations: standard deviations of a channel that stay unclipped.

    The int8 input has one scale, so the limits are those of the widest channel: no channel loses anything within
    its own limits. Never wider than the windows themselves.

    Raises:
        InputError: the windows are constant.
    """
    channels = x.reshape(len(x), -1, x.shape[-1]).astype(np.float64)
    means, sigmas = channels.mean(axis=(0, 2)), channels.std(axis=(0, 2))
    if not sigmas.any():
        raise InputError(
            "option --clip-input: the calibration windows are constant",
            hint="use real windows, or do not clip",
        )
    low = max(float((means - deviations * sigmas).min()), float(channels.min()))
    high = min(float((means + deviations * sigmas).max()), float(channels.max()))
    return (low, high)
