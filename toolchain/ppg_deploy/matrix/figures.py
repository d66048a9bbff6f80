"""From a point's results folder to its figures."""

from pathlib import Path

from ppg_deploy import handover
from ppg_deploy.matrix.schema import Figures
from ppg_deploy.report import Report, Spread
from ppg_deploy.results import load_result

_MICRO = 1e6


def figures_of(point_folder: Path, result_folder: Path) -> Figures:
    """The figures of a result whose outputs were all right.

    Raises:
        InputError: a file is missing, damaged, or was changed after the bench.
    """
    report = load_result(result_folder).report
    quantized = handover.matching_report(point_folder / handover.FILE_NAME, report.model.sha256)
    # On the windows of the bench only: worker.py gives quantize and bench the same file.
    same = quantized is not None and quantized.accuracy.file.sha256 == report.input.sha256
    cost = report.cost if report.sliding is None else report.sliding.cost
    accuracy, memory = report.accuracy, report.memory
    return Figures(
        windows=report.input.windows,
        data_sha256=report.input.sha256,
        mae_float=accuracy.mae_float,
        mae_int8=accuracy.mae_device,
        mae_float_filtered=accuracy.mae_float_filtered,
        mae_int8_filtered=accuracy.mae_device_filtered,
        mean_abs_difference=quantized.accuracy.mean_abs_difference
        if quantized is not None and same
        else None,
        gate=None if quantized is None else quantized.gate.verdict,
        instructions=_median(cost.instructions),
        cycles_estimated=_median(cost.cycles_estimated),
        timing_model=cost.timing_model,
        latency_ms=_median(cost.latency_ms),
        energy_estimated_uj=_energy(report),
        flash=memory.flash,
        flash_limit=memory.flash_limit,
        ram=memory.ram_static + memory.stack_high_water,
        ram_limit=memory.ram_limit,
        arena=memory.arena,
    )


def mismatch_of(result_folder: Path) -> str | None:
    """What is wrong with the answers of a result, or None when every byte is equal to the golden reference.

    Raises:
        InputError: as `figures_of`.
    """
    report = load_result(result_folder).report
    wrong = [report.outputs, *([] if report.sliding is None else [report.sliding.outputs])]
    for outputs in wrong:
        if outputs.mismatched:
            return f"{outputs.mismatched} of {outputs.compared} answers differ from {outputs.golden}"
    return None


def _median(spread: Spread | None) -> float | None:
    return None if spread is None else spread.median


def _energy(report: Report) -> float | None:
    estimate = report.energy_estimated
    # It is that of a whole window, whatever a push costs.
    if estimate is None or report.sliding is not None:
        return None
    return estimate.energy_estimated_j * _MICRO
