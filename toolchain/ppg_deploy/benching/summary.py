"""From answers and counters to the report."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.accuracy import HeartRate, heart_rate, mean_absolute_error
from ppg_deploy.benching.conditions import conditions_of
from ppg_deploy.benching.cost import cost_of
from ppg_deploy.benching.measure import Measurement
from ppg_deploy.benching.plan import BenchPlan
from ppg_deploy.benching.sliding import SlidingMeasurement
from ppg_deploy.convert import convert_onnx
from ppg_deploy.errors import PpgDeployError
from ppg_deploy.files import sha256_of_file
from ppg_deploy.graph.quantized_reference import Codes
from ppg_deploy.graph.shapes import total_multiply_accumulates
from ppg_deploy.handover import QuantizeReport
from ppg_deploy.ports import Connection
from ppg_deploy.quantization.codes import dequantize_codes
from ppg_deploy.report import Report, schema
from ppg_deploy.versions import tool_versions


def summarise(plan: BenchPlan, measurement: Measurement, connection: Connection) -> Report:
    """The report of one bench; nothing is written."""
    info = measurement.info
    return Report(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        board=plan.board.id,
        emulator=connection.emulator,
        port=connection.source,
        runtime=info.runtime,
        device=schema.BoardFacts(
            id=info.board_id,
            mcu=plan.board.mcu,
            clock_hz=plan.board.clock_hz,
            clock_hz_reached=info.clock_hz,
            counter=info.counter_name,
            cpuid=f"0x{info.cpuid:08x}",
            problems=info.bsp_problems,
        ),
        conditions=conditions_of(plan.board),
        model=schema.ModelFacts(
            name=plan.graph.name if plan.card is None else plan.card.name,
            sha256=plan.manifest.model_sha256,
            macs=total_multiply_accumulates(plan.graph),
            constant_bytes=plan.graph.constant_bytes,
            input_bytes=info.input_bytes,
            output_bytes=info.output_bytes,
            operators=len(plan.graph.operators),
            activations=plan.graph.input.dtype.value,
        ),
        firmware=schema.FirmwareFacts(
            build_id=plan.build.build_id,
            elf_sha256=plan.build.elf_sha256,
            compiler=plan.build.compiler_version,
            platformio=plan.build.platformio_version,
            flags=plan.build.flags,
            kernel_flags=plan.build.kernel_flags,
            optimize=plan.manifest.optimize,
            hop=plan.manifest.hop,
            ram_budget=plan.manifest.ram_budget,
            library=plan.manifest.library,
        ),
        input=schema.InputFacts(
            file=str(plan.windows.path.resolve()),
            sha256=plan.windows_sha256,
            windows=len(plan.windows),
            labelled=plan.windows.hr is not None,
        ),
        resumed_windows=measurement.resumed_windows,
        outputs=compare_outputs(plan, measurement.outputs, missing=_missing_rows(measurement)),
        accuracy=_accuracy(plan, measurement),
        cost=cost_of(measurement.counts, plan.operators, connection, info.clock_hz),
        sliding=None
        if measurement.sliding is None
        else _sliding(plan, measurement.sliding, connection, info.clock_hz),
        memory=_memory(plan, measurement),
        link=asdict(measurement.link),
        device_line=asdict(measurement.device_line),
        clocks=measurement.clocks,
        missing=tuple(schema.Missing(window=m.window, reason=m.reason) for m in measurement.missing),
        sessions_lost=measurement.sessions_lost,
        tool_versions=tool_versions(),
    )


def device_bpm(plan: BenchPlan, outputs: Codes) -> HeartRate | None:
    """Heart rates of the device's answers; None without a card."""
    if plan.card is None:
        return None
    return heart_rate(plan.card, dequantize_codes(outputs, plan.graph.output), plan.windows)


def _missing_rows(measurement: Measurement) -> frozenset[int]:
    return frozenset(missing.window for missing in measurement.missing)


def compare_outputs(
    plan: BenchPlan, outputs: Codes, *, missing: frozenset[int] = frozenset()
) -> schema.Outputs:
    """Windows of which any byte differs from the golden reference; those in `missing` are not compared."""
    wrong = outputs != plan.expected
    wrong[sorted(missing)] = False
    rows = np.flatnonzero(wrong.any(axis=1))
    first = None
    if len(rows):
        row = int(rows[0])
        element = int(np.flatnonzero(wrong[row])[0])
        first = schema.FirstMismatch(
            window=row,
            byte=element * outputs.itemsize,
            expected=int(plan.expected[row, element]),
            answered=int(outputs[row, element]),
        )
    return schema.Outputs(
        golden=plan.golden, compared=len(outputs) - len(missing), mismatched=len(rows), first_mismatch=first
    )


def _accuracy(plan: BenchPlan, measurement: Measurement) -> schema.Accuracy:
    of_device = None if measurement.missing else device_bpm(plan, measurement.outputs)
    of_host = device_bpm(plan, plan.expected)
    of_float, note = _float_bpm(plan)
    if plan.windows.hr is None:
        note = "the windows have no labels"
    elif measurement.missing:
        note = f"{len(measurement.missing)} windows have no answer, so there is no accuracy of the device"

    def error(answers: HeartRate | None, *, filtered: bool) -> float | None:
        if answers is None:
            return None
        return mean_absolute_error(answers.filtered if filtered else answers.raw, plan.windows)

    return schema.Accuracy(
        mae_float=error(of_float, filtered=False),
        mae_int8=error(of_host, filtered=False),
        mae_device=error(of_device, filtered=False),
        mae_float_filtered=error(of_float, filtered=True),
        mae_int8_filtered=error(of_host, filtered=True),
        mae_device_filtered=error(of_device, filtered=True),
        note=note,
    )


def _float_bpm(plan: BenchPlan) -> tuple[HeartRate | None, str | None]:
    """Answers of the user's ONNX model in onnxruntime, or why there are none."""
    if plan.report is None or plan.card is None:
        return None, "no student card for this model: heart rates are not decoded"
    source = Path(plan.report.source.path)
    if not source.is_file() or sha256_of_file(source) != plan.report.source.sha256:
        return None, f"{source} is gone or was changed since quantize: no float error"
    try:
        outputs = _float_outputs(plan.report, source, plan.x)
    except PpgDeployError as error:
        return None, f"{source} cannot be run: {error.message}"
    return heart_rate(plan.card, outputs, plan.windows), None


def _float_outputs(report: QuantizeReport, source: Path, x: NDArray[np.float32]) -> NDArray[np.float32]:
    outputs = convert_onnx(source).onnxruntime_output(x)
    return outputs.reshape(len(x), int(np.prod(report.model.output.shape)))


def _sliding(
    plan: BenchPlan, measurement: SlidingMeasurement, connection: Connection, clock_hz: int
) -> schema.Sliding:
    push, continued = measurement.push, sum(measurement.continued)
    cost = cost_of(measurement.counts, push.operators, connection, clock_hz)
    if not continued:
        note = f"no window of {plan.windows.path} is the one before it moved on by {push.hop} samples"
        cost = cost.model_copy(update={"note": note})
    return schema.Sliding(
        hop=push.hop,
        macs=push.macs,
        kept_bytes=push.kept_bytes,
        answers=len(measurement.outputs),
        restarts=len(measurement.outputs) - continued,
        outputs=compare_outputs(plan, measurement.outputs),
        cost=cost,
    )


def _memory(plan: BenchPlan, measurement: Measurement) -> schema.Memory:
    size = plan.build.size
    return schema.Memory(
        arena=measurement.memory.arena_bytes,
        stack_high_water=measurement.memory.stack_high_water,
        stack_reserved=size.stack_reserved_bytes,
        flash=size.flash_bytes,
        flash_constants=size.flash_constants_bytes,
        flash_code=size.flash_code_bytes,
        ram_static=size.ram_static_bytes,
        flash_limit=size.limits.flash_bytes,
        ram_limit=size.limits.ram_bytes,
        by_part=tuple(
            schema.MemoryPart(name=part.name, flash=part.flash_bytes, ram=part.ram_bytes)
            for part in size.by_part
        ),
    )
