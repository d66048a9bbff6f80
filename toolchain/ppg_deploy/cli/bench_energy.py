"""Options of bench for energy, and how energy is printed."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ppg_deploy.cli.console import Output, number
from ppg_deploy.errors import InputError

if TYPE_CHECKING:
    from ppg_deploy.benching.energy import EnergyPlan
    from ppg_deploy.energy.schema import EnergyEstimated, EnergyMeasured
    from ppg_deploy.report import Report

Energy = Annotated[
    str | None,
    typer.Option(
        "--energy",
        metavar="INSTRUMENT[:PORT]",
        help="Measure energy, too: ppk2, lpm01a, stlink-v3pwr or joulescope. Needs build --power.",
        show_default=False,
    ),
]
Voltage = Annotated[
    float | None,
    typer.Option("--voltage", metavar="V", help="Supply of the board, for --energy.", show_default=False),
]
EnergyMode = Annotated[
    Literal["source", "ampere"],
    typer.Option(
        "--energy-mode", help="source: the instrument supplies the board. ampere: another supply does."
    ),
]
GateInput = Annotated[
    str,
    typer.Option(
        "--gate-input",
        metavar="N|none",
        help="Digital input of the instrument that the board's gate pin is wired to; none: align in time.",
    ),
]
BatteryMah = Annotated[
    float | None,
    typer.Option("--battery-mah", metavar="MAH", help="State the life of this battery.", show_default=False),
]
BatteryUsable = Annotated[
    float, typer.Option("--battery-usable", metavar="FRACTION", help="Part of the capacity that can be used.")
]


def energy_plan(
    *,
    instrument: str | None,
    voltage: float | None,
    mode: Literal["source", "ampere"],
    gate_input: str,
    battery_mah: float | None,
    battery_usable: float,
) -> "EnergyPlan | None":
    """What the options ask for; None without --energy.

    Raises:
        InputError: an option is missing or makes no sense.
    """
    from ppg_deploy.benching.energy import EnergyPlan

    if instrument is None:
        if voltage is not None or battery_mah is not None:
            raise InputError(
                "--voltage and --battery-mah are about measured energy",
                hint="add --energy, for example --energy ppk2",
            )
        return None
    if voltage is None:
        raise InputError(
            "--energy needs the board's supply voltage: a wrong one can destroy it",
            hint="add --voltage, for example --voltage 3.3",
        )
    if gate_input != "none" and not (gate_input.isascii() and gate_input.isdigit()):
        raise InputError(f"--gate-input {gate_input} is neither a number nor none", hint="for example: 0")
    return EnergyPlan(
        instrument=instrument,
        voltage_v=voltage,
        mode=mode,
        gate_input=None if gate_input == "none" else int(gate_input),
        battery_mah=battery_mah,
        usable_fraction=battery_usable,
    )


def print_energy(report: "Report", output: Output) -> None:
    """The tables of measured and estimated energy, where the report has them."""
    if report.energy is not None:
        _print_measured(report.energy, output)
    if report.energy_estimated is not None:
        _print_estimated(report.energy_estimated, output)


def _print_measured(energy: "EnergyMeasured", output: Output) -> None:
    each, gates, instrument = energy.per_inference, energy.gates, energy.instrument
    interval = (
        "-"
        if each.ci95_low_j is None or each.ci95_high_j is None
        else f"{_micro(each.ci95_low_j)} to {_micro(each.ci95_high_j)}"
    )
    rows = [
        ("energy per inference measured, mean, µJ", _micro(each.mean_j)),
        ("95 % interval of the mean, µJ", interval),
        ("p95 / max over gates, µJ", f"{_micro(each.p95_j)} / {_micro(each.max_j)}"),
        ("power during inference, mW", number(each.mean_power_w * 1e3, 3)),
        ("idle current (awake, waiting), mA", _milli(energy.idle_current_a)),
        ("sleep current (WFI), mA", _milli(energy.sleep_current_a)),
        (f"mean power, one answer per {energy.interval_s:g} s, mW", _milli(energy.average_power_w)),
    ]
    if energy.battery is not None:
        battery = energy.battery
        rows.append(
            (
                f"battery {battery.capacity_mah:g} mAh, {battery.usable_fraction:.0%} usable, hours",
                number(battery.life_hours, 1),
            )
        )
    rows += [
        (
            "supply, V",
            f"{instrument.voltage_v:.3f} ({'measured' if instrument.voltage_measured else 'as set'})",
        ),
        ("gates found by", gates.method if gates.input is None else f"{gates.method} {gates.input}"),
        ("gates used / made", f"{gates.used:,} / {gates.expected:,}"),
        (
            "left out: lost samples / odd length / cut off",
            f"{gates.left_out_lost:,} / {gates.left_out_odd:,} / {gates.left_out_partial:,}",
        ),
        ("inferences per gate, gate length, ms", f"{gates.inferences_per_gate:,}, {gates.gate_s * 1e3:.3f}"),
        ("samples / lost", f"{gates.samples:,} / {gates.samples_lost:,}"),
    ]
    output.table(f"energy, {instrument.name}, {instrument.mode} mode", ("", "value"), rows)
    for note in energy.notes:
        output.note(f"note: {note}")


def _print_estimated(energy: "EnergyEstimated", output: Output) -> None:
    by = (
        energy.cycles_source
        if energy.timing_model is None
        else f"{energy.cycles_source} ({energy.timing_model})"
    )
    verified = "verified" if energy.current_verified else "NOT verified"
    rows = [
        ("energy_estimated per inference, µJ", _micro(energy.energy_estimated_j)),
        ("from", f"supply x run current x {by} / clock"),
        (f"{energy.cycles_source}, median", number(energy.cycles)),
        ("clock, MHz", number(energy.clock_hz / 1e6, 3)),
        ("supply, V", number(energy.supply_v, 2)),
        (f"run current, mA, {verified}", number(energy.run_current_a * 1e3, 2)),
        ("holds for", energy.current_conditions),
        ("source", energy.current_source),
        *(("assumes", assumption) for assumption in energy.assumptions),
    ]
    output.text_table("estimated, nothing measured", ("", "value"), rows)


def _micro(joules: float) -> str:
    return number(joules * 1e6, 3)


def _milli(value: float | None) -> str:
    return number(None if value is None else value * 1e3, 4)
