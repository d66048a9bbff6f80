"""Every calibration method on the same student, side by side."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ppg_deploy.handover import IntervalFacts, NamedFile, Verdict
from ppg_deploy.quantization.evaluation import evaluate
from ppg_deploy.quantization.gate import judge
from ppg_deploy.quantization.methods import collect_statistics
from ppg_deploy.quantization.preparation import QuantizeInputs, named, prepare_student
from ppg_deploy.quantization.settings import METHODS, QuantizeSettings
from ppg_deploy.quantization.step import calibration_input, quantize_prepared
from ppg_deploy.versions import tool_versions

_STRICT = ConfigDict(extra="forbid", frozen=True)
SWEEP_WINDOWS = 2000
DEFAULT_CLIP = 4.0
Progress = Callable[[int, int], None]


class SweepRow(BaseModel):
    """One way of calibrating; the figures are those of `AccuracyFacts`."""

    model_config = _STRICT
    method: Literal["min-max", "percentile", "mse"]
    percentile: float | None
    bias_correction: bool
    input_clip: float | None
    mae_int8: float | None
    mae_int8_filtered: float | None
    delta_mae: float | None
    delta_mae_filtered: float | None
    delta_interval: IntervalFacts | None
    worst_subject_delta_mae: float | None
    mean_abs_difference: float
    p95_abs_difference: float
    max_abs_difference: float
    changed_answers: int | None
    verdict: Verdict


class SweepReport(BaseModel):
    """sweep.json."""

    model_config = _STRICT
    schema_version: Literal[1] = 1
    source: NamedFile
    calibration: NamedFile
    calibration_windows: int
    data: NamedFile
    windows: int
    is_calibration: bool
    unit: Literal["BPM", "model output"]
    mae_float: float | None
    mae_float_filtered: float | None
    output_range: tuple[float, float] | None
    activations: Literal["int8", "int16"]
    rows: tuple[SweepRow, ...]
    warnings: tuple[str, ...]
    tool_versions: dict[str, str]


def sweep_student(inputs: QuantizeInputs, settings: QuantizeSettings, progress: Progress) -> SweepReport:
    """Quantise by every method, with and without bias correction and input clipping, and compare the answers.

    Args:
        inputs: what to read; of more than 2,000 evaluated windows the middle part of each recording is taken.
        settings: percentile, clip limit (4 standard deviations by default), output range and type of all rows.
        progress: called with (done, total).

    Raises:
        PpgDeployError: as `quantize_student`.
    """
    student = prepare_student(inputs, window_limit=SWEEP_WINDOWS)
    clips = (None, settings.input_clip if settings.input_clip is not None else DEFAULT_CLIP)
    variants = [
        replace(settings, method=method, bias_correction=correction, input_clip=clip)
        for clip, method, correction in itertools.product(clips, METHODS, (False, True))
    ]
    rows = []
    for clip, group in itertools.groupby(variants, key=lambda variant: variant.input_clip):
        source = calibration_input(student, clip)
        statistics = collect_statistics(student.conversion.graph, source.arranged, METHODS)
        for variant in group:
            graph = quantize_prepared(student, source, statistics, variant)
            accuracy = evaluate(student.evaluation, graph, student.card)
            worst = accuracy.worst_subject
            rows.append(
                SweepRow(
                    method=variant.method,
                    percentile=variant.percentile if variant.method == "percentile" else None,
                    bias_correction=variant.bias_correction,
                    input_clip=variant.input_clip,
                    mae_int8=accuracy.mae_int8,
                    mae_int8_filtered=accuracy.mae_int8_filtered,
                    delta_mae=accuracy.delta_mae,
                    delta_mae_filtered=accuracy.delta_mae_filtered,
                    delta_interval=accuracy.delta_interval,
                    worst_subject_delta_mae=None if worst is None else worst.delta_mae,
                    mean_abs_difference=accuracy.mean_abs_difference,
                    p95_abs_difference=accuracy.p95_abs_difference,
                    max_abs_difference=accuracy.max_abs_difference,
                    changed_answers=accuracy.changed_answers,
                    verdict=judge(accuracy, inputs.gate).verdict,
                )
            )
            progress(len(rows), len(variants))
    return SweepReport(
        source=NamedFile(path=str(inputs.model.resolve()), sha256=student.conversion.source_sha256),
        calibration=named(inputs.calibration),
        calibration_windows=len(student.calibration_windows),
        data=accuracy.file,
        windows=accuracy.windows,
        is_calibration=accuracy.is_calibration,
        unit=accuracy.unit,
        mae_float=accuracy.mae_float,
        mae_float_filtered=accuracy.mae_float_filtered,
        output_range=student.output_range(settings.output_range),
        activations="int16" if settings.int16x8 else "int8",
        rows=tuple(rows),
        warnings=student.warnings,
        tool_versions=tool_versions(),
    )
