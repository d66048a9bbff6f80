"""ppg-deploy quantize."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ppg_deploy.cli.console import Output
from ppg_deploy.cli.options import Json, Out, Quiet, Verbose
from ppg_deploy.errors import AccuracyError, InputError

if TYPE_CHECKING:
    from ppg_deploy.quantization.settings import OutputRange, QuantizeSettings


def quantize(
    model: Annotated[Path, typer.Argument(help="ONNX file of the student.")],
    calib: Annotated[
        Path | None, typer.Option("--calib", help="Calibration windows (.npz); default MODEL.calib.npz.")
    ] = None,
    card: Annotated[
        Path | None, typer.Option("--card", help="Student card (.toml); default MODEL.toml.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Windows to report the error on; default: calibration.")
    ] = None,
    converter: Annotated[
        Literal["direct", "onnx2tf"],
        typer.Option(
            "--converter", help="onnx2tf: the second route through TensorFlow, needs the [tf] extra."
        ),
    ] = "direct",
    method: Annotated[
        str, typer.Option("--method", help="Range of an activation: min-max, percentile or mse.")
    ] = "min-max",
    percentile: Annotated[
        float, typer.Option("--percentile", help="Upper percentile of --method percentile.")
    ] = 99.99,
    bias_correction: Annotated[
        bool, typer.Option("--bias-correction/--no-bias-correction", help="Fold mean errors into biases.")
    ] = False,
    clip_input: Annotated[
        float | None,
        typer.Option("--clip-input", metavar="K", help="Limit the input to K standard deviations."),
    ] = None,
    output_range: Annotated[
        str,
        typer.Option(
            "--output-range",
            metavar="LOW,HIGH",
            help="Range of the output, e.g. 0,220; or calibrated; or card (0 to valid_bpm for a scalar head).",
        ),
    ] = "card",
    int16x8: Annotated[
        bool, typer.Option("--int16x8", help="int16 activations: closer to float, larger arena.")
    ] = False,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Only compare all methods; writes OUT/sweep.json, no model.")
    ] = False,
    plot: Annotated[
        bool, typer.Option("--plot", help="Also draw the operator report: OUT/quantize.png and .svg.")
    ] = False,
    out: Out = Path("build"),
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Quantise an ONNX student to a verified TFLite model (OUT/model.tflite, OUT/quantize.json)."""
    output = Output(quiet, verbose, as_json)
    settings = _settings(method, percentile, bias_correction, clip_input, output_range, int16x8)
    if sweep:
        if converter != "direct":
            raise InputError("option --sweep: only for --converter direct", hint="leave one of them out")
        _sweep(output, model, out, card, calib, data, settings)
        return
    from ppg_deploy import api
    from ppg_deploy.cli.quantize_tables import show_report

    report = api.quantize(
        model,
        out=out,
        card=card,
        calibration=calib,
        data=data,
        settings=settings,
        plot=plot,
        converter=converter,
    )
    show_report(output, report, out)
    if report.gate.verdict == "fail":
        from ppg_deploy.quantization.gate import describe_failures

        raise AccuracyError(
            f"accuracy gate: {describe_failures(report.gate)}; results are written to {out}",
            hint="try --sweep, more calibration windows or other thresholds in [gate] of ppg.toml; "
            "the operator report (--verbose, --plot) shows where the error arises",
        )


def _settings(
    method: str,
    percentile: float,
    bias_correction: bool,
    clip_input: float | None,
    output_range: str,
    int16x8: bool,
) -> "QuantizeSettings":
    from ppg_deploy.quantization.settings import METHODS, QuantizeSettings

    known = {name: name for name in METHODS}
    if method not in known:
        raise InputError(f"option --method: {method!r} is unknown", hint=f"use {', '.join(METHODS)}")
    return QuantizeSettings(
        method=known[method],
        percentile=percentile,
        bias_correction=bias_correction,
        input_clip=clip_input,
        output_range=_output_range(output_range),
        int16x8=int16x8,
    )


def _output_range(text: str) -> "OutputRange":
    if text == "card":
        return "card"
    if text == "calibrated":
        return "calibrated"
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"option --output-range: {text!r} is not LOW,HIGH",
            hint="for example 0,220; or calibrated, or card",
        ) from error
    return (low, high)


def _sweep(
    output: Output,
    model: Path,
    out: Path,
    card: Path | None,
    calib: Path | None,
    data: Path | None,
    settings: "QuantizeSettings",
) -> None:
    from ppg_deploy import api
    from ppg_deploy.cli.quantize_tables import show_sweep

    with output.progress("calibration methods") as progress:
        report = api.sweep(
            model, out=out, card=card, calibration=calib, data=data, settings=settings, progress=progress
        )
    show_sweep(output, report, out)
