"""What the page says of one result, section by section; a section without data is left out or says why."""

from collections.abc import Sequence
from pathlib import PurePath

import numpy as np

from ppg_deploy.report.schema import Cost, Report, Share
from ppg_deploy.results.agreement import bland_altman, distribution, error_by_band
from ppg_deploy.results.folder import Result
from ppg_deploy.results.page.cost_charts import histogram, operator_bars
from ppg_deploy.results.page.energy_section import energy_sections
from ppg_deploy.results.page.headline import ABSENT
from ppg_deploy.results.page.heart_rate_charts import (
    MOST_WINDOWS,
    bland_altman_plot,
    error_bars,
    heart_rate_over_time,
)
from ppg_deploy.results.page.memory_chart import memory_map
from ppg_deploy.results.page.section import Section, Table

# Recordings part where a window does not begin this close behind the one before it, in units of the usual stride.
_GAP_STRIDES = 1.5


def sections(result: Result) -> list[Section]:
    """All sections of a result, in order."""
    return [
        *_latency(result),
        *_operators(result.report.cost),
        _memory(result.report),
        *energy_sections(result),
        *_heart_rate(result),
        _conditions(result.report),
    ]


def _latency(result: Result) -> list[Section]:
    report, samples = result.report, result.samples
    found = []
    if report.cost.latency_ms is not None and samples.ticks is not None:
        # As in result.json, the first inference stands apart.
        ticks = samples.ticks if samples.answered is None else samples.ticks[samples.answered]
        rest = ticks[1:] if len(ticks) > 1 else ticks
        values = rest / (report.device.clock_hz_reached / 1e3)
        text = (
            f"Measured by the chip's {report.device.counter.upper()} counter on {len(values):,} inferences; the first "
            f"one after the start, {ticks[0] / (report.device.clock_hz_reached / 1e3):.3f} ms, stands apart."
        )
        found.append(_distribution("latency", "Latency", values, "ms", ".3f", text, is_measured=True))
    elif samples.instructions is not None:
        text = (
            f"Exact counts of {len(samples.instructions):,} inferences by {report.port}. An emulator has no clock: "
            "this is no latency."
        )
        values = samples.instructions.astype(np.float64)
        section = _distribution("latency", "Instructions per inference", values, "instructions", ",.0f", text)
        found.append(section)
        if samples.cycles_estimated is not None:
            figures = distribution(samples.cycles_estimated.astype(np.float64))
            found.append(
                Section(
                    "cycles-estimated",
                    "Cycles estimated",
                    f"{figures.median:,.0f} cycles (median), {figures.minimum:,.0f} to {figures.maximum:,.0f}, by the "
                    f"timing model {report.cost.timing_model}. {_meaning_of_estimate(report.cost)}",
                    is_measured=False,
                )
            )
    elif report.cost.instructions is not None and samples.ticks is not None:
        spread = report.cost.instructions
        factor = spread.first / samples.ticks[0] if samples.ticks[0] else 1.0
        text = f"{report.cost.instructions_source}. An emulator has no clock: this is no latency."
        values = samples.ticks * factor
        found.append(
            _distribution("latency", "Instructions per inference", values, "instructions", ",.0f", text)
        )
    else:
        found.append(Section("latency", "Latency", report.cost.note or "Nothing was counted on this port."))
    return found


def _meaning_of_estimate(cost: Cost) -> str:
    calibration = cost.timing_calibration
    if calibration is None:
        return "A lower bound for zero wait states, not a latency."
    return (
        f"A prediction for {calibration.chip} at {calibration.clock_hz / 1e6:g} MHz and nothing else; leave-one-out "
        f"error up to {calibration.leave_one_out_error_percent} % on code of others. Not a latency."
    )


def _distribution(
    anchor: str,
    title: str,
    values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]",
    unit: str,
    form: str,
    text: str,
    *,
    is_measured: bool | None = None,
) -> Section:
    figures = distribution(values)
    names = ("minimum", "median", "p95", "p99", "maximum")
    row = tuple(format(getattr(figures, name), form) for name in names)
    is_constant = figures.minimum == figures.maximum
    return Section(
        anchor,
        title,
        text + (" All of them took the same." if is_constant else ""),
        None if is_constant else histogram(values, figures, title, unit),
        Table(("", *names), ((unit, *row),)),
        is_measured,
    )


def _operators(cost: Cost) -> list[Section]:
    if not cost.by_operator:
        return []
    unit, what, is_measured = _unit(cost.by_operator)
    rows = [(_name(share), _value(share, unit)) for share in cost.by_operator]
    total = sum(value for _, value in rows) or 1.0
    figures = [
        (name, values)
        for name, values in (
            ("MAC", [share.macs for share in cost.by_operator]),
            ("instructions", [share.instructions for share in cost.by_operator]),
            ("cycles estimated", [share.cycles_estimated for share in cost.by_operator]),
            ("ticks", [share.ticks for share in cost.by_operator]),
        )
        if any(value is not None for value in values)
    ]
    table = Table(
        ("operator", "kernel", *(name for name, _ in figures), "share"),
        tuple(
            (
                _name(share),
                _kernel(share),
                *(_number(values[row]) for _, values in figures),
                f"{_value(share, unit) / total:.1%}",
            )
            for row, share in enumerate(cost.by_operator)
        ),
    )
    text = f"Share of each operator in one inference, in order of execution: {what}."
    picture = operator_bars(rows, "Cost by operator", unit.replace("_", " "))
    return [Section("operators", "Cost by operator", text, picture, table, is_measured)]


def _unit(shares: Sequence[Share]) -> tuple[str, str, bool | None]:
    if all(share.instructions is not None for share in shares):
        return "instructions", "exact instruction counts, not time", None
    return "ticks", "ticks of the board's own counter", True


def _value(share: Share, unit: str) -> float:
    value = share.instructions if unit == "instructions" else share.ticks
    return 0.0 if value is None else float(value)


def _name(share: Share) -> str:
    return "code around the operators" if share.name == "run" else share.name.partition(" (")[0]


def _kernel(share: Share) -> str:
    return share.name.partition(" (")[2].removesuffix(")") or ABSENT


def _number(value: float | None) -> str:
    return ABSENT if value is None else f"{value:,.0f}"


def _memory(report: Report) -> Section:
    memory = report.memory
    table = Table(
        ("part", "flash, B", "RAM, B"),
        (
            *((part.name, f"{part.flash:,}", f"{part.ram:,}") for part in memory.by_part),
            (
                "sum",
                f"{sum(part.flash for part in memory.by_part):,}",
                f"{sum(part.ram for part in memory.by_part):,}",
            ),
            ("the board has", f"{memory.flash_limit:,}", f"{memory.ram_limit:,}"),
        ),
    )
    text = (
        f"From the linked image. Of the {memory.stack_reserved:,} bytes reserved for the stack the device has used "
        f"{memory.stack_high_water:,}. Nothing can be allocated at run time: the heap takes 0 bytes."
    )
    return Section("memory", "Memory map", text, memory_map(memory), table)


def _heart_rate(result: Result) -> list[Section]:
    samples = result.samples
    if samples.bpm is None or samples.bpm_filtered is None:
        return [
            Section("heart-rate", "Heart rate", "No student card: answers are not decoded to heart rates.")
        ]
    if samples.hr is None:
        return [Section("heart-rate", "Heart rate", "The windows have no reference heart rate.")]
    is_filtered = not np.array_equal(samples.bpm, samples.bpm_filtered)
    predicted, what = samples.bpm, "as decoded"
    if is_filtered:
        predicted, what = samples.bpm_filtered, "after the card's post-filter"
    agreement = bland_altman(predicted, samples.hr)
    bands = error_by_band(predicted, samples.hr)
    shown = (
        ""
        if len(samples) <= MOST_WINDOWS
        else f" The first {MOST_WINDOWS:,} of {len(samples):,} windows are shown."
    )
    return [
        Section(
            "heart-rate",
            "Heart rate over time",
            f"The device's answers {what}, and the reference.{shown}",
            heart_rate_over_time(predicted, samples.hr, samples.subject, recording_starts(result)),
        ),
        Section(
            "agreement",
            "Bland-Altman",
            f"Difference against mean of device ({what}) and reference: bias {agreement.bias:+.2f} BPM, standard "
            f"deviation {agreement.deviation:.2f} BPM, 95 % limits of agreement {agreement.lower:+.2f} to "
            f"{agreement.upper:+.2f} BPM over {len(samples):,} windows. Windows of one "
            "recording are not independent of each other.",
            bland_altman_plot(agreement),
        ),
        Section(
            "bands",
            "Error by heart rate",
            f"Error of the device's answers ({what}) by band of the reference.",
            error_bars(bands),
            Table(
                ("reference, BPM", "windows", "MAE, BPM", "bias, BPM", "95 % below, BPM"),
                tuple(
                    (
                        band.label,
                        f"{band.windows:,}",
                        ABSENT if band.mae is None else f"{band.mae:.2f}",
                        ABSENT if band.bias is None else f"{band.bias:+.2f}",
                        ABSENT if band.p95 is None else f"{band.p95:.2f}",
                    )
                    for band in bands
                ),
            ),
        ),
    ]


def recording_starts(result: Result) -> list[int]:
    """Windows with which another subject, or a new stretch of time, begins; 0 is the first."""
    samples = result.samples
    breaks = np.zeros(len(samples), bool)
    breaks[0] = True
    if samples.subject is not None:
        breaks[1:] |= samples.subject[1:] != samples.subject[:-1]
    if samples.start_s is not None and len(samples) > 1:
        steps = np.diff(samples.start_s)
        forward = steps[steps > 0]
        if len(forward):
            breaks[1:] |= (steps <= 0) | (steps > _GAP_STRIDES * np.median(forward))
    return [int(row) for row in np.flatnonzero(breaks)]


def _conditions(report: Report) -> Section:
    firmware, conditions = report.firmware, report.conditions
    rows = [
        ("measured", f"{report.created[:19].replace('T', ' ')} UTC"),
        ("run by", report.port),
        ("clock", f"{report.device.clock_hz_reached:,} Hz reached of {report.device.clock_hz:,} Hz"),
    ]
    if conditions is not None:
        rows += [
            ("clock source", conditions.clock_source),
            ("flash wait states", _number(conditions.flash_wait_states)),
            ("caches", conditions.caches),
            ("flash banks", conditions.flash_banks or "not recorded"),
        ]
    rows += [
        ("problems that the device reports", ", ".join(report.device.problems) or "none"),
        ("compiler", firmware.compiler),
        ("flags", " ".join(firmware.flags)),
        ("flags added for kernels", " ".join(firmware.kernel_flags) or "none"),
        ("sources of others", firmware.library or "none"),
        ("golden reference", report.outputs.golden),
        ("windows", f"{PurePath(report.input.file).name}, {report.input.windows:,} of them"),
        ("windows resumed after an interruption", f"{report.resumed_windows:,}"),
        ("windows without an answer", _missing(report)),
        ("check of the clocks", _clocks(report)),
        ("requests repeated, bytes lost on the board", _line(report)),
        ("SHA-256 of the windows", report.input.sha256),
        ("SHA-256 of the model", report.model.sha256),
        ("SHA-256 of the ELF", firmware.elf_sha256),
        ("build id", firmware.build_id),
        ("tools", ", ".join(f"{name} {version}" for name, version in report.tool_versions.items())),
    ]
    return Section(
        "conditions",
        "Conditions and provenance",
        "Clock, wait states and caches are what the firmware sets.",
        table=Table(("", "value"), tuple(rows), is_facts=True),
    )


def _missing(report: Report) -> str:
    if not report.missing:
        return "none"
    return "; ".join(f"{missing.window}: {missing.reason}" for missing in report.missing)


def _clocks(report: Report) -> str:
    clocks = report.clocks
    if clocks is None:
        return "only on a board"
    problems = [text for text in (clocks.counter_problem, clocks.host_problem) if text is not None]
    if problems:
        return "; ".join(problems)
    parts = [f"{clocks.counter} over {clocks.compared:,} inferences"]
    if clocks.second is not None and clocks.worst_difference_percent is not None:
        parts.append(f"within {clocks.worst_difference_percent:.3g} % of {clocks.second}")
    if clocks.host_ratio is not None:
        parts.append(f"{clocks.host_ratio:.3f} of the host's time over {clocks.host_runs:,} inferences")
    return ", ".join(parts)


def _line(report: Report) -> str:
    lost = None if report.device_line is None else report.device_line.get("uart_overruns")
    return f"{report.link.get('retries', 0):,}, {ABSENT if lost is None else f'{lost:,}'}"
