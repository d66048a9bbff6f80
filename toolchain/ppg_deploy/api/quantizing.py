"""quantize() and sweep()."""

from pathlib import Path
from typing import TYPE_CHECKING

from ppg_deploy import files, handover
from ppg_deploy.api.names import DEFAULT_OUT, SWEEP_NAME, FilePath, as_path, ignore_progress
from ppg_deploy.config import load_config
from ppg_deploy.errors import InputError

if TYPE_CHECKING:
    from ppg_deploy.benching import Progress
    from ppg_deploy.quantization import QuantizeInputs, QuantizeSettings, SweepReport


def quantize(
    model: FilePath,
    *,
    out: FilePath = DEFAULT_OUT,
    card: FilePath | None = None,
    calibration: FilePath | None = None,
    data: FilePath | None = None,
    settings: "QuantizeSettings | None" = None,
    plot: bool = False,
    converter: handover.Converter = "direct",
) -> handover.QuantizeReport:
    """ONNX student -> OUT/model.tflite and OUT/quantize.json.

    Args:
        model: the ONNX file.
        out: folder of the results.
        card: student card; by default the .toml of the same name beside the model, if it exists.
        calibration: windows file; by default NAME.calib.npz beside the model, else ppg.toml's.
        data: windows on which the error is reported; the calibration windows by default.
        settings: calibration method and its options; min-max and int8 activations by default.
        plot: also write OUT/quantize.png and OUT/quantize.svg.
        converter: "direct" is our own; "onnx2tf" needs the [tf] extra.

    Raises:
        PpgDeployError: see quantize_student; also InputError without calibration windows, EnvironmentProblem when
            a plot is wanted and matplotlib is missing, and AuditError when the result could not run anywhere. A
            failed accuracy gate is not an error here: it is in the report.
    """
    from ppg_deploy.audit import Severity, audit_model, require_sound
    from ppg_deploy.quantization import quantize_student, quantize_with_onnx2tf

    if plot:
        from ppg_deploy.report.quantize_plot import require_matplotlib

        require_matplotlib()
    folder = as_path(out)
    inputs = _quantize_inputs(as_path(model), as_path(card), as_path(calibration), as_path(data))
    route = quantize_with_onnx2tf if converter == "onnx2tf" else quantize_student
    result = route(inputs, folder / handover.MODEL_NAME, settings)
    # Before anything is written: a model with errors must not replace an earlier good one.
    audit = audit_model(result.tflite, name=str(folder / handover.MODEL_NAME))
    require_sound(audit)
    warnings = tuple(f"{finding.message} ({finding.hint})" for finding in audit.of(Severity.WARNING))
    report = result.report.model_copy(update={"warnings": result.report.warnings + warnings})
    files.write_bytes(folder / handover.MODEL_NAME, result.tflite)
    files.write_text(folder / handover.FILE_NAME, report.model_dump_json(indent=2, by_alias=True) + "\n")
    if plot:
        from ppg_deploy.report.quantize_plot import plot_report

        for suffix, image in plot_report(report).items():
            files.write_bytes((folder / handover.FILE_NAME).with_suffix(suffix), image)
    return report


def sweep(
    model: FilePath,
    *,
    out: FilePath = DEFAULT_OUT,
    card: FilePath | None = None,
    calibration: FilePath | None = None,
    data: FilePath | None = None,
    settings: "QuantizeSettings | None" = None,
    progress: "Progress" = ignore_progress,
) -> "SweepReport":
    """Try every calibration method on one student; write OUT/sweep.json and nothing else.

    Args:
        model: the ONNX file.
        out: folder of the result.
        card: as for `quantize`.
        calibration: as for `quantize`.
        data: as for `quantize`; of more than 2,000 windows the middle part of each recording is taken.
        settings: percentile, clip limit, output range and type of all rows.
        progress: called after each row with (done, total).

    Raises:
        PpgDeployError: as `quantize`.
    """
    from ppg_deploy.quantization import QuantizeSettings, sweep_student

    folder = as_path(out)
    inputs = _quantize_inputs(as_path(model), as_path(card), as_path(calibration), as_path(data))
    report = sweep_student(inputs, settings or QuantizeSettings(), progress)
    files.write_text(folder / SWEEP_NAME, report.model_dump_json(indent=2) + "\n")
    return report


def _quantize_inputs(
    model: Path, card: Path | None, calibration: Path | None, data: Path | None
) -> "QuantizeInputs":
    from ppg_deploy.card import load_card
    from ppg_deploy.quantization import QuantizeInputs

    if not model.is_file():
        raise InputError(f"{model}: no such file", hint="give the ONNX file of the student")
    beside = model.with_suffix(".toml")
    card_path = card if card is not None else (beside if beside.is_file() else None)
    return QuantizeInputs(
        model=model,
        card=None if card_path is None else load_card(card_path),
        card_path=card_path,
        calibration=_find_calibration(model, calibration),
        evaluation=data,
        gate=load_config(Path.cwd()).gate,
    )


def _find_calibration(model: Path, given: Path | None) -> Path:
    if given is not None:
        return given
    beside = model.with_suffix(".calib.npz")
    if beside.is_file():
        return beside
    configured = load_config(Path.cwd()).quantize.calibration
    if configured is not None:
        return configured
    raise InputError(
        f"no calibration windows: neither --calib nor {beside} nor [quantize] calibration in ppg.toml",
        hint="save 100 or more real windows that span the heart-rate range; see docs/windows.md",
    )
