"""The page's sections about energy: measured with an instrument, or estimated from cycles; never mixed."""

from ppg_deploy.energy.schema import EnergyEstimated, EnergyMeasured
from ppg_deploy.results.folder import Result
from ppg_deploy.results.page.energy_chart import energy_trace
from ppg_deploy.results.page.headline import ABSENT
from ppg_deploy.results.page.section import Section, Table


def energy_sections(result: Result) -> list[Section]:
    """What was measured, then what is estimated; nothing where there is neither."""
    measured, estimated = result.report.energy, result.report.energy_estimated
    return [
        *([] if measured is None else [_measured(measured, result)]),
        *([] if estimated is None else [_estimated(estimated)]),
    ]


def _measured(energy: EnergyMeasured, result: Result) -> Section:
    each, gates, instrument = energy.per_inference, energy.gates, energy.instrument
    interval = ABSENT
    if each.ci95_low_j is not None and each.ci95_high_j is not None:
        interval = f"{each.ci95_low_j * 1e6:,.2f} to {each.ci95_high_j * 1e6:,.2f}"
    rows = [
        ("energy per inference, mean, \N{MICRO SIGN}J", f"{each.mean_j * 1e6:,.2f}"),
        ("95 % confidence interval of the mean, \N{MICRO SIGN}J", interval),
        ("95th percentile, \N{MICRO SIGN}J", f"{each.p95_j * 1e6:,.2f}"),
        ("power during the inference, mW", f"{each.mean_power_w * 1e3:,.3f}"),
        ("current awake and idle, mA", _scaled(energy.idle_current_a, 1e3)),
        ("current asleep between inferences, mA", _scaled(energy.sleep_current_a, 1e3)),
        (f"mean power at one answer per {energy.interval_s:g} s, mW", _scaled(energy.average_power_w, 1e3)),
    ]
    if energy.battery is not None:
        battery = energy.battery
        name = f"life on {battery.capacity_mah:g} mAh, {battery.usable_fraction:.0%} of it usable, hours"
        rows.append((name, f"{battery.life_hours:,.0f}"))
    text = (
        f"Measured by {instrument.name} at {instrument.voltage_v:.3g} V ({instrument.mode}). {gates.used} of "
        f"{gates.expected} gates of {gates.inferences_per_gate} inferences each were used, found by {gates.method}; "
        f"{gates.samples_lost:,} of {gates.samples:,} samples were lost. {' '.join(energy.notes)}"
    )
    picture = None if result.trace is None else energy_trace(result.trace)
    return Section("energy", "Energy", text, picture, Table(("", "measured"), tuple(rows)), is_measured=True)


def _scaled(value: float | None, factor: float) -> str:
    return ABSENT if value is None else f"{value * factor:,.3f}"


def _estimated(energy: EnergyEstimated) -> Section:
    cycles = "measured cycles" if energy.timing_model is None else f"cycles_estimated ({energy.timing_model})"
    rows = [
        ("energy_estimated per inference, \N{MICRO SIGN}J", f"{energy.energy_estimated_j * 1e6:,.1f}"),
        ("from", f"supply x run current x {cycles} / clock"),
        ("cycles", f"{energy.cycles:,.0f}"),
        ("clock", f"{energy.clock_hz / 1e6:g} MHz"),
        ("supply", f"{energy.supply_v:g} V"),
        (
            "run current",
            f"{energy.run_current_a * 1e3:g} mA{'' if energy.current_verified else ', not verified'}",
        ),
        ("the current holds for", energy.current_conditions),
        ("its source", energy.current_source),
        *(("assumes", assumption) for assumption in energy.assumptions),
    ]
    return Section(
        "energy-estimated",
        "Energy estimated",
        "Computed from cycles and a documented current. No instrument has seen this board.",
        table=Table(("", "value"), tuple(rows), is_facts=True),
        is_measured=False,
    )
