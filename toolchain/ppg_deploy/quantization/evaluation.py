"""The error of int8 answers beside the float ones: in BPM, by subject, with a confidence interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.accuracy import HeartRate, heart_rate, mean_absolute_error
from ppg_deploy.card import StudentCard
from ppg_deploy.decode import decode_bpm
from ppg_deploy.files import sha256_of_file
from ppg_deploy.graph import Graph
from ppg_deploy.graph.arithmetic import code_limits
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.handover import AccuracyFacts, IntervalFacts, NamedFile, SubjectFacts
from ppg_deploy.quantization.bootstrap import LEVEL, RESAMPLES, SEED, bootstrap_interval
from ppg_deploy.quantization.codes import dequantize_codes, quantize_windows
from ppg_deploy.windows import Windows

Numbers = NDArray[np.float64]
CHANGED_BPM = 5.0


@dataclass(frozen=True)
class Evaluation:
    """Windows to report the error on, and what the float model answers.

    Attributes:
        windows: the windows; in a sample of a recording the post-filter would see gaps.
        is_calibration: they are the calibration windows.
        is_sample: they are a sample of a larger file.
        arranged: normalised, float32 (N, *graph input shape without batch).
        exact: onnxruntime's answers (N, outputs).
    """

    windows: Windows
    is_calibration: bool
    is_sample: bool
    arranged: NDArray[np.float32]
    exact: Numbers


def evaluate(evaluation: Evaluation, graph: Graph, card: StudentCard | None) -> AccuracyFacts:
    """Run the quantised graph over the windows and compare."""
    windows = evaluation.windows
    codes = run_quantized_output(graph, quantize_windows(evaluation.arranged, graph.input))
    quantized = dequantize_codes(codes, graph.output)
    of_float, of_int8 = (answers_of(card, outputs, evaluation) for outputs in (evaluation.exact, quantized))
    labelled = card is not None and windows.hr is not None
    filtered = labelled and not evaluation.is_sample
    raw_change = _error_change(of_float.raw, of_int8.raw, windows) if labelled else None
    filtered_change = _error_change(of_float.filtered, of_int8.filtered, windows) if filtered else None
    subjects = _by_subject(of_float.raw, of_int8.raw, windows) if labelled else ()
    lowest, highest = code_limits(graph.output)
    difference = np.abs(of_int8.raw - of_float.raw)
    return AccuracyFacts(
        file=NamedFile(path=str(windows.path.resolve()), sha256=sha256_of_file(windows.path)),
        windows=len(windows),
        is_calibration=evaluation.is_calibration,
        mae_float=mean_absolute_error(of_float.raw, windows) if labelled else None,
        mae_int8=mean_absolute_error(of_int8.raw, windows) if labelled else None,
        mae_float_filtered=mean_absolute_error(of_float.filtered, windows) if filtered else None,
        mae_int8_filtered=mean_absolute_error(of_int8.filtered, windows) if filtered else None,
        delta_mae=None if raw_change is None else float(raw_change.mean()),
        delta_mae_filtered=None if filtered_change is None else float(filtered_change.mean()),
        delta_interval=_interval(raw_change, windows),
        delta_interval_filtered=_interval(filtered_change, windows),
        subjects=subjects,
        worst_subject=max(subjects, key=lambda facts: facts.delta_mae, default=None),
        mean_abs_difference=float(difference.mean()),
        p95_abs_difference=float(np.quantile(difference, 0.95)),
        max_abs_difference=float(difference.max()),
        changed_answers=None if card is None else int(np.count_nonzero(difference > CHANGED_BPM)),
        saturated_low=int(np.count_nonzero(codes == lowest)),
        saturated_high=int(np.count_nonzero(codes == highest)),
        output_codes=codes.size,
        unit="model output" if card is None else "BPM",
    )


def answers_of(card: StudentCard | None, outputs: Numbers, evaluation: Evaluation) -> HeartRate:
    """Heart rates (N,) of real-valued outputs (N, outputs); without a card the outputs themselves."""
    if card is None:
        return HeartRate(outputs, outputs)
    if evaluation.is_sample:
        raw = decode_bpm(card.output, outputs)
        return HeartRate(raw, raw)
    return heart_rate(card, outputs, evaluation.windows)


def _error_change(of_float: Numbers, of_int8: Numbers, windows: Windows) -> Numbers:
    """|error of int8| - |error of float| of each window."""
    assert windows.hr is not None
    truth = windows.hr.astype(np.float64)
    return np.asarray(np.abs(of_int8 - truth) - np.abs(of_float - truth), np.float64)


def _interval(change: Numbers | None, windows: Windows) -> IntervalFacts | None:
    interval = None if change is None else bootstrap_interval(change, windows.subject)
    if interval is None:
        return None
    return IntervalFacts(
        low=interval.low,
        high=interval.high,
        level=LEVEL,
        over=interval.over,
        units=interval.units,
        resamples=RESAMPLES,
        seed=SEED,
    )


def _by_subject(of_float: Numbers, of_int8: Numbers, windows: Windows) -> tuple[SubjectFacts, ...]:
    if windows.subject is None or windows.hr is None:
        return ()
    facts = []
    for subject in np.unique(windows.subject):
        rows = np.flatnonzero(windows.subject == subject)
        truth = windows.hr[rows].astype(np.float64)
        mae_float = float(np.abs(of_float[rows] - truth).mean())
        mae_int8 = float(np.abs(of_int8[rows] - truth).mean())
        facts.append(
            SubjectFacts(
                subject=str(subject),
                windows=len(rows),
                mae_float=mae_float,
                mae_int8=mae_int8,
                delta_mae=mae_int8 - mae_float,
            )
        )
    return tuple(facts)
