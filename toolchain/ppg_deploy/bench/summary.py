"""From answers and counters to the report."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.accuracy import HeartRate, heart_rate, mean_absolute_error
from ppg_deploy.bench.measure import Measurement
from ppg_deploy.bench.plan import BenchPlan
from ppg_deploy.convert import convert_onnx
from ppg_deploy.errors import PpgDeployError
from ppg_deploy.files import sha256_of_file
from ppg_deploy.graph.quantized_reference import Codes
from ppg_deploy.graph.shapes import total_multiply_accumulates
from ppg_deploy.handover import QuantizeReport
from ppg_deploy.ports import Connection
from ppg_deploy.quantize.codes import dequantize_codes
from ppg_deploy.report import Report, schema, spread_of
from ppg_deploy.timing import TIMING_MODELS
from ppg_deploy.versions import tool_versions

_UNCOUNTED = "this port counts no instructions"


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
        ),
        input=schema.InputFacts(
            file=str(plan.windows.path.resolve()),
            sha256=plan.windows_sha256,
            windows=len(plan.windows),
            labelled=plan.windows.hr is not None,
        ),
        outputs=compare_outputs(plan, measurement.outputs),
        accuracy=_accuracy(plan, measurement.outputs),
        cost=_cost(plan, measurement, connection),
        memory=_memory(plan, measurement),
        link=asdict(measurement.link),
        tool_versions=tool_versions(),
    )


def device_bpm(plan: BenchPlan, outputs: Codes) -> HeartRate | None:
    """Heart rates of the device's answers; None without a card."""
    if plan.card is None:
        return None
    return heart_rate(plan.card, dequantize_codes(outputs, plan.graph.output), plan.windows)


def compare_outputs(plan: BenchPlan, outputs: Codes) -> schema.Outputs:
    """Windows of which any byte differs from the golden reference."""
    wrong = outputs != plan.expected
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
        golden=plan.golden, compared=len(outputs), mismatched=len(rows), first_mismatch=first
    )


def _accuracy(plan: BenchPlan, outputs: Codes) -> schema.Accuracy:
    of_device = device_bpm(plan, outputs)
    of_host = device_bpm(plan, plan.expected)
    of_float, note = _float_bpm(plan)
    if plan.windows.hr is None:
        note = "the windows have no labels"

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


def _cost(plan: BenchPlan, measurement: Measurement, connection: Connection) -> schema.Cost:
    instructions: Sequence[float] = ()
    source = None
    estimates: list[float] = []
    timing_model = None
    cycles: Sequence[float] = ()
    if measurement.profiles:
        source = f"{connection.source}, exact block counts of {len(measurement.profiles)} inferences"
        instructions = [profile.instructions for profile in measurement.profiles]
        timing_model = measurement.profiles[0].timing_model
        estimates = [
            profile.cycles_estimated
            for profile in measurement.profiles
            if profile.cycles_estimated is not None
        ]
    elif measurement.ticks is not None and connection.instructions_per_tick is not None:
        source = f"{connection.source}, device counter of every inference"
        instructions = [tick * connection.instructions_per_tick for tick in measurement.ticks]
    elif measurement.ticks is not None and connection.emulator is None:
        cycles = measurement.ticks
    stuck = bool(cycles) and min(cycles) == 0
    clock_khz = measurement.info.clock_hz / 1000.0
    return schema.Cost(
        instructions=spread_of(instructions),
        instructions_source=source,
        cycles_estimated=spread_of(estimates),
        timing_model=timing_model,
        timing_calibration=_timing_calibration(timing_model),
        flash_lines=spread_of(
            [profile.flash_lines for profile in measurement.profiles if profile.flash_lines is not None]
        ),
        cycles=None if stuck else spread_of(cycles),
        latency_ms=None if stuck else spread_of([tick / clock_khz for tick in cycles]),
        by_operator=_operator_shares(plan, measurement, connection),
        by_function=_function_shares(measurement),
        note=_cost_note(stuck=stuck, counted=bool(instructions) or bool(cycles)),
    )


def _timing_calibration(timing_model: str | None) -> schema.TimingCalibration | None:
    calibration = None if timing_model is None else TIMING_MODELS[timing_model].calibration
    if calibration is None:
        return None
    return schema.TimingCalibration(
        chip=calibration.chip,
        clock_hz=calibration.clock_hz,
        leave_one_out_error_percent=calibration.leave_one_out_error_percent,
        fitted_on=calibration.fitted_on,
    )


def _cost_note(*, stuck: bool, counted: bool) -> str | None:
    if stuck:
        return "the device's cycle counter stands still: no figure is given"
    return None if counted else _UNCOUNTED


def _operator_shares(
    plan: BenchPlan, measurement: Measurement, connection: Connection
) -> tuple[schema.Share, ...]:
    if measurement.profiles:
        return tuple(
            _share(plan, cost.index, cost.instructions, cost.cycles_estimated, None)
            for cost in measurement.profiles[-1].by_operator
        )
    factor = connection.instructions_per_tick
    return tuple(
        _share(plan, index, None if factor is None else ticks * factor, None, ticks)
        for index, ticks in enumerate(measurement.operator_ticks or ())
    )


def _share(
    plan: BenchPlan, index: int | None, instructions: float | None, cycles: float | None, ticks: int | None
) -> schema.Share:
    """`index` None stands for the code around the operators."""
    operator = None if index is None else plan.operators[index]
    return schema.Share(
        name="run" if operator is None else f"{operator.index:03} {operator.kind} ({operator.kernel})",
        macs=None if operator is None else operator.macs,
        instructions=instructions,
        cycles_estimated=cycles,
        ticks=ticks,
    )


def _function_shares(measurement: Measurement) -> tuple[schema.Share, ...]:
    if not measurement.profiles:
        return ()
    return tuple(
        schema.Share(
            name=cost.name,
            macs=None,
            instructions=cost.instructions,
            cycles_estimated=cost.cycles_estimated,
            ticks=None,
        )
        for cost in measurement.profiles[-1].by_function
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
