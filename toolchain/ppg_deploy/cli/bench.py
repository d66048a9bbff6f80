"""ppg-deploy bench."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ppg_deploy.cli.bench_energy import (
    BatteryMah,
    BatteryUsable,
    Energy,
    EnergyMode,
    GateInput,
    Voltage,
    energy_plan,
    print_energy,
)
from ppg_deploy.cli.bench_line import line_tables, require_complete, warnings_of
from ppg_deploy.cli.console import Output, number
from ppg_deploy.cli.flash import Method, ProbeSerial
from ppg_deploy.cli.options import BoardsDir, Json, Out, Quiet, Verbose
from ppg_deploy.errors import OutputMismatchError

if TYPE_CHECKING:
    from ppg_deploy.report import Report, Spread
    from ppg_deploy.report.schema import Cost, Outputs, Sliding


class Runtime(StrEnum):
    """Which of the two firmware projects to bench."""

    AOT = "aot"
    TFLM = "tflm"
    BOTH = "both"


class Emulator(StrEnum):
    """Where the ELF can run without a board."""

    UNICORN = "unicorn"
    QEMU = "qemu"
    RENODE = "renode"


def bench(
    port: Annotated[
        str | None,
        typer.Option("--port", help="Serial port of the board; default: the only one with its USB ids."),
    ] = None,
    emulator: Annotated[
        Emulator | None, typer.Option("--emulator", help="Run the ELF without a board.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Windows to stream (.npz); default: calibration windows.")
    ] = None,
    count: Annotated[
        int, typer.Option("--count", min=1, help="Inferences to count exactly under unicorn.")
    ] = 16,
    baud: Annotated[int | None, typer.Option("--baud", help="Override the build's baud rate.")] = None,
    timeout_s: Annotated[
        float,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=0.1,
            help="Longest wait for one inference, before it is asked for again.",
        ),
    ] = 30.0,
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", help="Report windows without an answer as missing, and go on."),
    ] = False,
    timing_model: Annotated[
        str | None,
        typer.Option("--timing-model", help="Estimates cycles under unicorn; see docs/timing-model.md."),
    ] = None,
    sliding: Annotated[
        bool,
        typer.Option("--sliding", help="Stream the windows as pushes, too; needs a build with --hop."),
    ] = False,
    no_flash: Annotated[
        bool, typer.Option("--no-flash", help="Refuse to flash a board that runs another build.")
    ] = False,
    method: Method = None,
    probe_serial: ProbeSerial = None,
    runtime: Annotated[
        Runtime | None,
        typer.Option(
            help="After build --runtime both: which one. Default: both with an emulator, else aot.",
            show_default=False,
        ),
    ] = None,
    renode: Annotated[
        str | None, typer.Option("--renode", help="Renode's program; default: $RENODE, else on PATH.")
    ] = None,
    energy: Energy = None,
    voltage: Voltage = None,
    energy_mode: EnergyMode = "source",
    gate_input: GateInput = "0",
    battery_mah: BatteryMah = None,
    battery_usable: BatteryUsable = 0.8,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted bench with the windows that it lacks.")
    ] = False,
    boards_dir: BoardsDir = None,
    out: Out = Path("build"),
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Stream windows through the firmware and compare every output byte (OUT/results/, OUT/report.json)."""
    from ppg_deploy import api
    from ppg_deploy.benching.runtimes import folders_to_bench

    output = Output(quiet, verbose, as_json)
    folders = folders_to_bench(
        out / api.FIRMWARE_FOLDER,
        out / api.TFLM_FOLDER,
        None if runtime is None else runtime.value,
        is_emulated=emulator is not None,
    )
    plan = energy_plan(
        instrument=energy,
        voltage=voltage,
        mode=energy_mode,
        gate_input=gate_input,
        battery_mah=battery_mah,
        battery_usable=battery_usable,
    )
    if resume:
        # Of several runtimes only the interrupted one and those after it have windows left to ask for.
        first = next(
            (row for row, folder in enumerate(folders) if api.unfinished_windows(out, folder.name)), 0
        )
        folders = folders[first:]
    reports = []
    for folder in folders:
        with output.progress(f"windows through {folder.name}") as progress:
            report = api.bench(
                out=out,
                port=port,
                emulator=None if emulator is None else emulator.value,
                data=data,
                count=count,
                baud=baud,
                run_timeout_s=timeout_s,
                keep_going=keep_going,
                timing_model=timing_model,
                sliding=sliding and folder == folders[0],
                may_flash=not no_flash,
                method=method,
                probe_serial=probe_serial,
                renode=renode,
                boards_dirs=boards_dir or (),
                progress=progress,
                say=output.progress_line,
                folder=folder.name,
                energy=plan,
                resume=resume and folder == folders[0],
            )
        reports.append(report)
        _print_report(report, output)
        print_energy(report, output)
        for warning in warnings_of(report):
            output.warning(warning)
    output.json(
        reports[0].model_dump_json(indent=2)
        if len(reports) == 1
        else f"[{','.join(report.model_dump_json(indent=2) for report in reports)}]"
    )
    _compare(output, out, reports[-1])
    for folder, report in zip(folders, reports, strict=True):
        path = out / api.report_name(folder.name)
        _require_equal(report, path)
        require_complete(report, path)


def _compare(output: Output, out: Path, report: "Report") -> None:
    """Both runtimes side by side, where the other one has a report of the same windows."""
    from ppg_deploy import api
    from ppg_deploy.benching.runtimes import comparable_report
    from ppg_deploy.cli.build_tflm import print_comparison

    names = (api.REPORT_NAME, api.TFLM_REPORT_NAME)
    other = next(
        (found for name in names if (found := comparable_report(out / name, report)) is not None), None
    )
    if other is not None:
        aot, tflm = (other, report) if report.runtime == "tflm" else (report, other)
        print_comparison(output, aot, tflm)


def _require_equal(report: "Report", path: Path) -> None:
    if report.outputs.mismatched:
        raise OutputMismatchError(
            f"{report.outputs.mismatched} of {report.outputs.compared} windows differ from {report.outputs.golden}",
            hint=f"the first one is described under outputs.first_mismatch in {path}",
        )
    if report.sliding is not None and report.sliding.outputs.mismatched:
        raise OutputMismatchError(
            f"{report.sliding.outputs.mismatched} of {report.sliding.answers} answers to pushes differ from "
            f"{report.outputs.golden}",
            hint=f"the first one is described under sliding.outputs.first_mismatch in {path}",
        )


def _print_report(report: "Report", output: Output) -> None:
    accuracy, cost, memory = report.accuracy, report.cost, report.memory
    output.table(
        f"{report.model.name} on {report.board} ({report.port}), runtime {report.runtime}",
        ("", "value"),
        [
            ("windows equal to the golden reference", _equal(report.outputs)),
            ("MAE float / int8 host / device, BPM", _errors(report, filtered=False)),
            ("the same after the post-filter, BPM", _errors(report, filtered=True)),
            ("instructions per window, median", _median(cost.instructions)),
            *_estimated(cost),
            *_measured(cost),
            ("arena, B", number(memory.arena)),
            ("stack high water / reserved, B", f"{memory.stack_high_water:,} / {memory.stack_reserved:,}"),
            ("RAM static / limit, B", f"{memory.ram_static:,} / {memory.ram_limit:,}"),
            ("flash / limit, B", f"{memory.flash:,} / {memory.flash_limit:,}"),
            ("flash of model constants, B", number(memory.flash_constants)),
        ],
    )
    if report.sliding is not None:
        _print_sliding(report.sliding, report.model.macs, output)
    output.note(f"golden reference: {report.outputs.golden}")
    clocks = None if report.clocks is None else report.clocks.note
    sliding = None if report.sliding is None else report.sliding.cost.note
    for note in (accuracy.note, cost.note, clocks, sliding):
        if note is not None:
            output.note(f"note: {note}")
    if report.emulator is not None:
        output.note(
            f"emulated: no latency and no energy; {_meaning_of_estimate(cost)}, see docs/timing-model.md"
        )
    if output.verbose:
        _print_details(report, output)


def _print_sliding(sliding: "Sliding", macs: int, output: Output) -> None:
    saved = f"{sliding.macs:,} of {macs:,}"
    output.table(
        f"sliding windows, {sliding.hop} new samples per answer",
        ("", "value"),
        [
            ("answers equal to the golden reference", _equal(sliding.outputs)),
            ("of these, continued the stream / filled it anew", _continued(sliding)),
            ("MAC per answer", saved),
            ("instructions per answer, median", _median(sliding.cost.instructions)),
            *_estimated(sliding.cost),
            *_measured(sliding.cost),
            ("kept in the arena between answers, B", number(sliding.kept_bytes)),
        ],
    )


def _continued(sliding: "Sliding") -> str:
    return f"{sliding.answers - sliding.restarts:,} / {sliding.restarts:,}"


def _meaning_of_estimate(cost: "Cost") -> str:
    calibration = cost.timing_calibration
    if calibration is None:
        return "cycles_estimated is a lower bound"
    return (
        f"cycles_estimated is a prediction for {calibration.chip} at {calibration.clock_hz / 1e6:g} MHz and nothing "
        f"else, by {cost.timing_model} (leave-one-out error up to {calibration.leave_one_out_error_percent} % on "
        "code of others)"
    )


def _print_details(report: "Report", output: Output) -> None:
    tables = [("operators", report.cost.by_operator), ("functions", report.cost.by_function)]
    if report.sliding is not None:
        tables.append(("operators of a push", report.sliding.cost.by_operator))
        tables.append(("functions of a push", report.sliding.cost.by_function))
    for title, shares in tables:
        if not shares:
            continue
        output.table(
            title,
            ("name", "MACs", "instructions", "cycles_estimated", "ticks"),
            [
                (
                    share.name,
                    number(share.macs),
                    number(share.instructions),
                    number(share.cycles_estimated),
                    number(share.ticks),
                )
                for share in shares
            ],
        )
    for title, counts in line_tables(report):
        output.table(title, ("counter", "value"), [(name, number(count)) for name, count in counts.items()])


def _equal(outputs: "Outputs") -> str:
    return f"{outputs.compared - outputs.mismatched:,} of {outputs.compared:,}"


def _errors(report: "Report", *, filtered: bool) -> str:
    accuracy = report.accuracy
    values = (
        (accuracy.mae_float_filtered, accuracy.mae_int8_filtered, accuracy.mae_device_filtered)
        if filtered
        else (accuracy.mae_float, accuracy.mae_int8, accuracy.mae_device)
    )
    return " / ".join(number(value, 2) for value in values)


def _estimated(cost: "Cost") -> list[tuple[str, str]]:
    """Rows that only a counted run with a timing model can fill."""
    if cost.cycles_estimated is None:
        return []
    rows = [(f"cycles_estimated, median ({cost.timing_model})", _median(cost.cycles_estimated))]
    if cost.flash_lines is not None:
        rows.append(("16-byte lines of flash read as data, median", _median(cost.flash_lines)))
    return rows


def _measured(cost: "Cost") -> list[tuple[str, str]]:
    """Rows that only a board can fill."""
    if cost.cycles is None:
        return []
    rows = [("cycles measured, median", _median(cost.cycles))]
    if cost.latency_ms is not None:
        rows += [
            ("latency measured, median, ms", _median(cost.latency_ms, 3)),
            ("latency first run / min / p95 / p99 / max, ms", _distribution(cost.latency_ms)),
        ]
    return rows


def _distribution(spread: "Spread") -> str:
    figures = (spread.first, spread.min, spread.p95, spread.p99, spread.max)
    return " / ".join(number(figure, 3) for figure in figures)


def _median(spread: "Spread | None", decimals: int = 0) -> str:
    return number(None if spread is None else spread.median, decimals)
