"""Whether two results can be compared at all, and which of their figures cannot."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from ppg_deploy.comparison.metrics import BATTERY, ENERGY, PUSH, TIMES, MetricName
from ppg_deploy.comparison.schema import Difference, Reason
from ppg_deploy.report.schema import Cost, Outputs, Report

_SHA_DIGITS = 12
# The mean of a measured supply moves a little from run to run; a set one does not.
_SUPPLY_TOLERANCE = 0.01


@dataclass(frozen=True)
class Block:
    """Figures that must not be compared, because of how they came about."""

    figures: tuple[MetricName, ...]
    why: str


def reasons_against(a: Report, b: Report) -> tuple[Reason, ...]:
    """Why no figure of `a` and `b` may stand beside the other's; empty when they are comparable."""
    found = []
    if a.model.sha256 != b.model.sha256:
        found.append(Reason(field="model", a=_model(a), b=_model(b)))
    if a.input.sha256 != b.input.sha256:
        found.append(Reason(field="data", a=_data(a), b=_data(b)))
    for field, value in _MUST_AGREE:
        first, second = value(a), value(b)
        if first != second:
            found.append(Reason(field=field, a=first, b=second))
    if a.conditions is not None and b.conditions is not None:
        conditions = a.conditions.model_dump(), b.conditions.model_dump()
        found += [
            Reason(field=name.replace("_", " "), a=_text(conditions[0][name]), b=_text(conditions[1][name]))
            for name in conditions[0]
            if conditions[0][name] != conditions[1][name]
        ]
    return tuple(found)


def _model(report: Report) -> str:
    return f"{report.model.name} (SHA-256 {report.model.sha256[:_SHA_DIGITS]})"


def _data(report: Report) -> str:
    return f"{PurePath(report.input.file).name} (SHA-256 {report.input.sha256[:_SHA_DIGITS]})"


def _source(report: Report) -> str:
    return "a board" if report.emulator is None else f"emulator {report.emulator}"


_MUST_AGREE: tuple[tuple[str, Callable[[Report], str]], ...] = (
    ("board", lambda report: report.board),
    ("MCU", lambda report: report.device.mcu),
    ("source of the figures", _source),
    ("clock reached", lambda report: f"{report.device.clock_hz_reached} Hz"),
    ("problems of the board", lambda report: ", ".join(report.device.problems) or "none"),
)


def _text(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} = {value[name]}" for name in sorted(value)) or "none"
    return " ".join(value) or "none" if isinstance(value, tuple) else str(value)


_MAY_DIFFER: tuple[tuple[str, Callable[[Report], object]], ...] = (
    ("runtime", lambda report: report.runtime),
    ("library", lambda report: report.firmware.library),
    ("--optimize", lambda report: report.firmware.optimize),
    ("--hop", lambda report: report.firmware.hop),
    ("--ram-budget", lambda report: report.firmware.ram_budget),
    ("compiler", lambda report: report.firmware.compiler),
    ("flags", lambda report: report.firmware.flags),
    ("kernel flags", lambda report: report.firmware.kernel_flags),
    ("ppg-deploy", lambda report: report.tool_versions.get("ppg-deploy")),
    ("firmware.elf", lambda report: f"SHA-256 {report.firmware.elf_sha256[:_SHA_DIGITS]}"),
)


def differences_of(a: Report, b: Report) -> tuple[Difference, ...]:
    """What differs in how the two firmwares came about."""
    return tuple(
        Difference(field=field, a=_text(value(a)), b=_text(value(b)))
        for field, value in _MAY_DIFFER
        if value(a) != value(b)
    )


def notes_of(a: Report, b: Report) -> tuple[str, ...]:
    """What forbids no figure, but should be known."""
    notes = []
    if a.firmware.elf_sha256 == b.firmware.elf_sha256:
        notes.append("both results are of the same image")
    for name in ("instructions", "cycles", "latency_ms"):
        first, second = getattr(a.cost, name), getattr(b.cost, name)
        if first is not None and second is not None and first.count != second.count:
            notes.append(f"{name}: of {first.count} inferences in A, of {second.count} in B")
    missing = {m.window for m in a.missing}, {m.window for m in b.missing}
    if missing[0] != missing[1]:
        notes.append(f"{len(missing[0])} windows without an answer in A, {len(missing[1])} in B")
    return tuple(notes)


def blocks_between(a: Report, b: Report) -> Iterator[Block]:
    """Figures of comparable results that are not comparable themselves."""
    yield from _outputs("mismatched_windows", a.outputs, b.outputs)
    if a.sliding is not None and b.sliding is not None:
        yield from _outputs("push_mismatched_windows", a.sliding.outputs, b.sliding.outputs)
    lacking = [name for name, report in (("A", a), ("B", b)) if report.conditions is None]
    if lacking:
        yield Block((*TIMES, *ENERGY), f"wait states and caches were not recorded in {' and '.join(lacking)}")
    if a.device.counter != b.device.counter:
        yield Block(TIMES, _unequal([("cycle counter", a.device.counter, b.device.counter)]))
    yield from _timing_models("cycles_estimated", a.cost, b.cost)
    if a.sliding is not None and b.sliding is not None:
        yield from _timing_models("push_cycles_estimated", a.sliding.cost, b.sliding.cost)
    if a.sliding is not None and b.sliding is not None and a.sliding.hop != b.sliding.hop:
        yield Block(PUSH, _unequal([("hop", a.sliding.hop, b.sliding.hop)]))
    yield from _energy(a, b)
    yield from _energy_estimated(a, b)


def _outputs(figure: MetricName, a: Outputs, b: Outputs) -> Iterator[Block]:
    unequal = _unequal(
        [("golden reference", a.golden, b.golden), ("windows compared", a.compared, b.compared)]
    )
    if unequal:
        yield Block((figure,), unequal)


def _timing_models(figure: MetricName, a: Cost, b: Cost) -> Iterator[Block]:
    if _timing(a) != _timing(b):
        yield Block((figure,), _unequal([("timing model", _timing(a), _timing(b))]))


def _timing(cost: Cost) -> str:
    """The model that estimated the cycles, with what it was fitted to."""
    name = cost.timing_model or "none"
    fitted = cost.timing_calibration
    return name if fitted is None else f"{name} ({fitted.chip}, {fitted.clock_hz} Hz, {fitted.fitted_on})"


def _energy(a: Report, b: Report) -> Iterator[Block]:
    if a.energy is None or b.energy is None:
        return
    first, second = a.energy.instrument, b.energy.instrument
    gates = a.energy.gates, b.energy.gates
    rows: list[tuple[str, object, object]] = [
        ("instrument", first.name, second.name),
        ("mode", first.mode, second.mode),
        ("samples per second", first.sample_hz, second.sample_hz),
        ("gates by", gates[0].method, gates[1].method),
    ]
    if abs(first.voltage_v - second.voltage_v) > _SUPPLY_TOLERANCE * first.voltage_v:
        rows.append(("supply voltage", f"{first.voltage_v:g} V", f"{second.voltage_v:g} V"))
    unequal = _unequal(rows)
    if unequal:
        yield Block(ENERGY, unequal)
        return
    battery = a.energy.battery, b.energy.battery
    unequal = _unequal(
        [
            ("seconds between answers", a.energy.interval_s, b.energy.interval_s),
            *(
                [
                    ("battery, mAh", battery[0].capacity_mah, battery[1].capacity_mah),
                    ("usable fraction", battery[0].usable_fraction, battery[1].usable_fraction),
                ]
                if battery[0] is not None and battery[1] is not None
                else []
            ),
        ]
    )
    if unequal:
        yield Block(BATTERY, unequal)


def _energy_estimated(a: Report, b: Report) -> Iterator[Block]:
    first, second = a.energy_estimated, b.energy_estimated
    if first is None or second is None:
        return
    unequal = _unequal(
        [
            (name.replace("_", " "), getattr(first, name), getattr(second, name))
            for name in (
                "cycles_source",
                "timing_model",
                "clock_hz",
                "supply_v",
                "run_current_a",
                "current_conditions",
            )
        ]
    )
    if first.cycles_source == "cycles_estimated" and not unequal and _timing(a.cost) != _timing(b.cost):
        unequal = _unequal([("timing model", _timing(a.cost), _timing(b.cost))])
    if unequal:
        yield Block(("energy_estimated_j",), unequal)


def _unequal(rows: Sequence[tuple[str, object, object]]) -> str:
    """The rows with two values, as a sentence; empty when there are none."""
    return "; ".join(f"{name}: {_text(a)} in A, {_text(b)} in B" for name, a, b in rows if a != b)
