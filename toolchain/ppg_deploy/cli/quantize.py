"""ppg-deploy quantize."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ppg_deploy.cli.console import Output, number
from ppg_deploy.cli.options import Json, Out, Quiet, Verbose


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
    out: Out = Path("build"),
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Quantise an ONNX student to a verified int8 TFLite model (OUT/model.tflite, OUT/quantize.json)."""
    from ppg_deploy import api, handover

    output = Output(quiet, verbose, as_json)
    report = api.quantize(model, out=out, card=card, calibration=calib, data=data, converter=converter)
    for warning in report.warnings:
        output.warning(warning)
    output.json(report.model_dump_json(indent=2, by_alias=True))
    accuracy = report.accuracy
    where = "calibration windows" if accuracy.is_calibration else accuracy.file.path
    output.table(
        f"{report.source.path} -> {out / handover.MODEL_NAME}",
        ("", "float", "int8"),
        [
            ("MAE, BPM", number(accuracy.mae_float, 2), number(accuracy.mae_int8, 2)),
            (
                "MAE after post-filter, BPM",
                number(accuracy.mae_float_filtered, 2),
                number(accuracy.mae_int8_filtered, 2),
            ),
            (f"mean |int8 - float|, {accuracy.unit}", "", number(accuracy.mean_abs_difference, 2)),
            (f"largest |int8 - float|, {accuracy.unit}", "", number(accuracy.max_abs_difference, 2)),
        ],
    )
    output.note(f"errors over {accuracy.windows} windows ({where})")
    output.note(
        f"model: {report.model.bytes:,} B, {report.model.macs:,} MACs; float model equals onnxruntime within "
        f"{report.float_check.max_abs_error:.2g}; calibrated on {report.calibration.windows} windows (min/max)"
    )
    if verbose:
        output.table(
            "operators",
            ("operator", "SQNR, dB", "clipped", "MACs"),
            [
                (
                    f"{facts.index} {facts.kind} {facts.output}",
                    number(facts.sqnr_db, 1),
                    f"{facts.clipped:.2%}",
                    number(facts.macs),
                )
                for facts in report.operators
            ],
        )
