"""What `ppg-deploy quantize` prints."""

from pathlib import Path
from typing import TYPE_CHECKING

from ppg_deploy.cli.console import Output, number

if TYPE_CHECKING:
    from ppg_deploy.handover import (
        AccuracyFacts,
        ActivationFacts,
        IntervalFacts,
        QuantizeReport,
    )
    from ppg_deploy.quantization import SweepReport, SweepRow


def show_report(output: Output, report: "QuantizeReport", out: Path) -> None:
    """Warnings, errors, verdict; with --verbose also the operators."""
    from ppg_deploy import handover

    for warning in report.warnings:
        output.warning(warning)
    output.json(report.model_dump_json(indent=2, by_alias=True))
    accuracy = report.accuracy
    output.table(
        f"{report.source.path} -> {out / handover.MODEL_NAME}",
        ("", "float", _kind(report), "change"),
        _accuracy_rows(accuracy, _kind(report)),
    )
    where = "calibration windows" if accuracy.is_calibration else accuracy.file.path
    output.note(f"errors over {accuracy.windows} windows ({where})")
    _show_gate(output, report)
    output.note(
        f"model: {report.model.bytes:,} B, {report.model.macs:,} MACs; float graph equals onnxruntime within "
        f"{report.float_check.max_abs_error:.2g}; calibrated on {report.calibration.windows} windows "
        f"({_describe_calibration(report)})"
    )
    if output.verbose:
        _show_operators(output, report)


def _kind(report: "QuantizeReport") -> str:
    return "int16x8" if report.activations == "int16" else "int8"


def _accuracy_rows(accuracy: "AccuracyFacts", kind: str) -> list[tuple[str, str, str, str]]:
    rows = [
        (
            "MAE, BPM",
            number(accuracy.mae_float, 2),
            number(accuracy.mae_int8, 2),
            _change(accuracy.delta_mae, accuracy.delta_interval),
        ),
        (
            "MAE after post-filter, BPM",
            number(accuracy.mae_float_filtered, 2),
            number(accuracy.mae_int8_filtered, 2),
            _change(accuracy.delta_mae_filtered, accuracy.delta_interval_filtered),
        ),
    ]
    worst = accuracy.worst_subject
    if worst is not None:
        rows.append(
            (
                f"MAE of the worst subject, {worst.subject}",
                number(worst.mae_float, 2),
                number(worst.mae_int8, 2),
                f"{worst.delta_mae:+.2f}",
            )
        )
    rows += [
        (f"mean |{kind} - float|, {accuracy.unit}", "", "", number(accuracy.mean_abs_difference, 2)),
        (f"95th percentile of it, {accuracy.unit}", "", "", number(accuracy.p95_abs_difference, 2)),
        (f"largest |{kind} - float|, {accuracy.unit}", "", "", number(accuracy.max_abs_difference, 2)),
    ]
    if accuracy.changed_answers is not None:
        rows.append(("answers changed by more than 5 BPM", "", "", number(accuracy.changed_answers)))
    saturated = f"{accuracy.saturated_low:,} / {accuracy.saturated_high:,}"
    rows.append((f"of {accuracy.output_codes:,} output codes lowest / highest", "", saturated, ""))
    return rows


def _change(delta: float | None, interval: "IntervalFacts | None") -> str:
    if delta is None:
        return "-"
    if interval is None:
        return f"{delta:+.2f}"
    return f"{delta:+.2f} ({interval.low:+.2f} to {interval.high:+.2f})"


def _show_gate(output: Output, report: "QuantizeReport") -> None:
    interval = report.accuracy.delta_interval
    if interval is not None:
        caution = "" if interval.over == "subjects" else " of one subject: nothing is known about others"
        output.note(
            f"in brackets: {interval.level:.0%} bootstrap interval over {interval.units} {interval.over}{caution}"
        )
    gate = report.gate
    if gate.verdict == "not gated":
        output.note(f"accuracy gate: not gated ({gate.reason})")
        return
    notable = "; ".join(
        f"{check.name} {check.value:.2f} above {check.pass_up_to:g} BPM"
        for check in gate.checks
        if check.verdict != "pass"
    )
    output.note(f"accuracy gate: {gate.verdict}{f' ({notable})' if notable else ''}")


def _describe_calibration(report: "QuantizeReport") -> str:
    calibration = report.calibration
    parts: list[str] = [calibration.method]
    if calibration.percentile is not None:
        parts.append(f"{calibration.percentile:g}")
    if calibration.bias_correction:
        parts.append("with bias correction")
    if calibration.input_limits is not None:
        low, high = calibration.input_limits
        parts.append(f"input clipped to {low:.3g} ... {high:.3g}")
    return " ".join(parts)


def _show_operators(output: Output, report: "QuantizeReport") -> None:
    named: list[tuple[str, ActivationFacts]] = [("input", report.input_activation)]
    named += [(f"{facts.index} {facts.kind}", facts) for facts in report.operators]
    output.table(
        f"noise, over {report.report_windows} windows",
        ("operator", "SQNR, dB", "own, dB", "clipped", "if float", "MACs"),
        [
            (
                name,
                number(facts.sqnr_db, 1),
                number(getattr(facts, "own_sqnr_db", None), 1),
                f"{facts.clipped:.2%}",
                _what_if(facts),
                number(getattr(facts, "macs", None)),
            )
            for name, facts in named
        ],
    )
    output.note(
        "own: only the noise that the operator adds; if float: change of mean |int8 - float|, "
        f"{report.accuracy.unit}, were this activation alone float"
    )
    output.table(
        "ranges",
        ("operator", "calibrated", "used"),
        [
            (
                name,
                "{:.4g} to {:.4g}".format(*facts.range_calibrated),
                "{:.4g} to {:.4g}".format(*facts.range_used),
            )
            for name, facts in named
        ],
    )


def _what_if(facts: "ActivationFacts") -> str:
    return "" if facts.what_if_float is None else f"{facts.what_if_float.mean_abs_difference:+.3f}"


def show_sweep(output: Output, report: "SweepReport", out: Path) -> None:
    """One row a method."""
    from ppg_deploy.api import SWEEP_NAME

    for warning in report.warnings:
        output.warning(warning)
    output.json(report.model_dump_json(indent=2))
    output.table(
        f"{report.source.path}: int8 - float, {report.unit}",
        ("method", "dMAE", "filtered", "mean |d|", "p95", "max", "gate"),
        [
            (
                _describe_row(row),
                _signed(row.delta_mae),
                _signed(row.delta_mae_filtered),
                number(row.mean_abs_difference, 3),
                number(row.p95_abs_difference, 2),
                number(row.max_abs_difference, 1),
                "-" if row.verdict == "not gated" else row.verdict,
            )
            for row in report.rows
        ],
    )
    clip = next(row.input_clip for row in report.rows if row.input_clip is not None)
    percentile = next(row.percentile for row in report.rows if row.percentile is not None)
    where = "calibration windows" if report.is_calibration else report.data.path
    output.note(
        f"percentile: --percentile {percentile:g}; +bias: --bias-correction; +clip: --clip-input {clip:g}; "
        "d = int8 - float"
    )
    output.note(
        f"over {report.windows} windows ({where}); MAE of float {number(report.mae_float, 2)} BPM, filtered "
        f"{number(report.mae_float_filtered, 2)}; intervals and subjects are in {out / SWEEP_NAME}"
    )


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}"


def _describe_row(row: "SweepRow") -> str:
    bias = " +bias" if row.bias_correction else ""
    clip = "" if row.input_clip is None else " +clip"
    return f"{row.method}{bias}{clip}"
