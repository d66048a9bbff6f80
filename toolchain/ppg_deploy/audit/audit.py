"""The whole audit of one .tflite file."""

from collections.abc import Sequence
from pathlib import Path

from ppg_deploy.audit.cost import macs
from ppg_deploy.audit.findings import Findings
from ppg_deploy.audit.fit import ASSUMPTIONS, board_fits
from ppg_deploy.audit.model import AuditModel, AuditTensor
from ppg_deploy.audit.operators import check_operators, in_aot, in_tflm
from ppg_deploy.audit.quantization import check_quantization
from ppg_deploy.audit.reading import MAX_FILE_BYTES, read_for_audit
from ppg_deploy.audit.report import AotFacts, AuditReport, OperatorRow, PortFacts, Severity, TflmFacts
from ppg_deploy.audit.structure import check_structure
from ppg_deploy.audit.tflm_arena import measure_tflm, unmeasured
from ppg_deploy.boards import list_boards
from ppg_deploy.compile import compile_graph
from ppg_deploy.errors import AuditError, InputError, PpgDeployError
from ppg_deploy.files import sha256
from ppg_deploy.tflite import parse_tflite

# Sound enough to be loaded into TFLM: wrong findings of other kinds it reports itself.
_NOT_LOADABLE = frozenset(
    {
        "subgraphs",
        "no-operators",
        "bad-index",
        "no-output",
        "empty-tensor",
        "huge-tensor",
        "constant-size",
        "order",
    }
)


def audit_file(path: Path, *, boards_dirs: Sequence[Path] = ()) -> AuditReport:
    """Audit a .tflite file of any origin.

    Args:
        path: the file.
        boards_dirs: folders with boards of the user's own, for the table of boards.

    Raises:
        InputError: no such file, too large, or not readable as TensorFlow Lite.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="make one with: ppg-deploy quantize student.onnx")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InputError(f"{path} is larger than 256 MiB", hint="no supported board can hold such a model")
    return audit_model(path.read_bytes(), name=str(path), boards_dirs=boards_dirs)


def audit_model(data: bytes, *, name: str, boards_dirs: Sequence[Path] = ()) -> AuditReport:
    """Audit a .tflite file's contents; what is wrong with the model is in the findings.

    Args:
        data: the contents.
        name: path for the report and for messages.
        boards_dirs: folders with boards of the user's own.

    Raises:
        InputError: not readable as TensorFlow Lite.
    """
    model = read_for_audit(data, name)
    findings = Findings()
    check_structure(model, findings)
    check_quantization(model, findings)
    check_operators(model, findings)
    blocked = sorted(_NOT_LOADABLE & {finding.code for finding in findings.all()})
    if blocked:
        tflm = unmeasured(f"not tried: the model's structure is wrong ({', '.join(blocked)})")
    else:
        tflm = measure_tflm(model, data)
    aot = _compile(data, name)
    _note_runtimes(findings, tflm, aot)
    boards = list_boards(boards_dirs=boards_dirs)
    ports = [tensor for index in (*model.inputs, *model.outputs) if (tensor := model.tensor(index))]
    fits = board_fits(
        boards,
        aot=aot,
        tflm=tflm,
        operators=len(model.operators),
        port_bytes=sum(tensor.byte_size for tensor in ports),
        model_bytes=len(data),
    )
    if fits and not any(row.fits for row in fits):
        findings.add(
            Severity.WARNING,
            "fits-nowhere",
            f"the model fits none of the {len(boards)} known boards",
            "use a smaller model or a board with more memory",
        )
    rows = _operator_rows(model)
    return AuditReport(
        path=name,
        sha256=sha256(data),
        model_bytes=len(data),
        subgraphs=model.subgraphs,
        inputs=_ports(model, model.inputs),
        outputs=_ports(model, model.outputs),
        macs=sum(row.macs for row in rows),
        constant_bytes=model.constant_bytes,
        operators=rows,
        tflm=tflm,
        aot=aot,
        boards=fits,
        assumptions=ASSUMPTIONS,
        findings=findings.all(),
    )


def require_sound(report: AuditReport) -> None:
    """Pass a report without errors.

    Raises:
        AuditError: naming the first error and the number of all.
    """
    errors = report.of(Severity.ERROR)
    if errors:
        more = f" (and {len(errors) - 1} more errors)" if len(errors) > 1 else ""
        raise AuditError(f"{report.path}: {errors[0].message}{more}", hint=errors[0].hint)


def _compile(data: bytes, name: str) -> AotFacts:
    """Whether our compiler takes the file, by letting it."""
    try:
        compiled = compile_graph(parse_tflite(data, Path(name)), model_sha256=sha256(data), dsp=True)
    except PpgDeployError as error:
        return AotFacts(accepted=False, reason=error.message, arena_bytes=None, constant_bytes=None)
    return AotFacts(
        accepted=True, reason=None, arena_bytes=compiled.arena_bytes, constant_bytes=compiled.constants_bytes
    )


def _note_runtimes(findings: Findings, tflm: TflmFacts, aot: AotFacts) -> None:
    if aot.accepted is False and tflm.accepted is False:
        findings.add(
            Severity.ERROR,
            "no-runtime",
            f"neither TFLM ({tflm.reason}) nor ppg-deploy build ({aot.reason}) takes the model",
            "quantise the model again with: ppg-deploy quantize",
        )
    elif not aot.accepted:
        findings.add(
            Severity.WARNING,
            "aot-refused",
            f"ppg-deploy build refuses the model: {aot.reason}",
            "TFLM may still run it; export the model without what is named",
        )
    elif tflm.accepted is False:
        findings.add(
            Severity.WARNING,
            "tflm-refused",
            f"TFLM refuses the model: {tflm.reason}",
            "there will be no golden reference from TFLM's interpreter",
        )
    if tflm.accepted is None:
        findings.add(
            Severity.INFO,
            "tflm-not-measured",
            f"the arena in TFLM was not measured: {tflm.reason}",
            "the other figures do not need it",
        )


def _operator_rows(model: AuditModel) -> tuple[OperatorRow, ...]:
    counted: set[int] = set()
    rows = []
    for operator in model.operators:
        output = model.output(operator)
        # A constant that several operators read lies in the file once.
        fresh = [index for index in dict.fromkeys(operator.inputs) if index not in counted]
        counted.update(fresh)
        constants = (model.tensor(index) for index in fresh)
        rows.append(
            OperatorRow(
                index=operator.number,
                kind=operator.kind,
                output="" if output is None else output.name,
                output_shape=() if output is None else output.shape,
                macs=macs(model, operator),
                constant_bytes=sum(tensor.constant_bytes for tensor in constants if tensor is not None),
                in_tflm=in_tflm(operator),
                in_aot=in_aot(operator),
            )
        )
    return tuple(rows)


def _ports(model: AuditModel, indices: tuple[int, ...]) -> tuple[PortFacts, ...]:
    tensors = (model.tensor(index) for index in indices)
    return tuple(_port(tensor) for tensor in tensors if tensor is not None)


def _port(tensor: AuditTensor) -> PortFacts:
    return PortFacts(
        name=tensor.name,
        type=tensor.type,
        shape=tensor.shape,
        scale=tensor.scales[0] if len(tensor.scales) == 1 else None,
        zero_point=tensor.zero_points[0] if len(tensor.zero_points) == 1 else None,
    )
