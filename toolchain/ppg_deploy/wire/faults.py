"""Crashes, hangs and restarts of the board as errors, and the core's fault registers in words.

Bits: Armv7-M Architecture Reference Manual (DDI 0403E), B3.2.15 CFSR and B3.2.16 HFSR.
"""

from ppg_deploy.errors import DeviceError
from ppg_deploy.wire import table
from ppg_deploy.wire.messages import FaultReport

_MEMORY = {
    0: "instruction fetch",
    1: "data access",
    3: "leaving an exception (unstacking)",
    4: "entering an exception (stacking)",
    5: "saving floating-point registers",
}
_BUS = {
    8: "instruction fetch",
    9: "precise data access",
    10: "imprecise data access, some instructions before",
    11: "leaving an exception (unstacking)",
    12: "entering an exception (stacking)",
    13: "saving floating-point registers",
}
_USAGE = {
    16: "undefined instruction",
    17: "invalid state: a jump to an address without the Thumb bit",
    18: "invalid return from an exception",
    19: "no coprocessor: floating point is switched off",
    24: "unaligned access",
    25: "division by zero",
}
_STATUS = {"memory management fault": _MEMORY, "bus fault": _BUS, "usage fault": _USAGE}
_ADDRESS_IS_VALID = 1 << 7 | 1 << 15
_VECTOR_TABLE = 1 << 1
_DEBUG_EVENT = 1 << 31
_EXCEPTIONS = {
    2: "non-maskable interrupt",
    3: "hard fault",
    4: "memory management fault",
    5: "bus fault",
    6: "usage fault",
    11: "supervisor call",
    12: "debug monitor",
    14: "PendSV",
    15: "SysTick",
}
_FIRST_INTERRUPT = 16
_CODES = {kind.name: kind.value for kind in table.FAULT_KINDS}
FAULT_RESTART = next(cause.value for cause in table.RESTART_CAUSES if cause.name == "FAULT")


class LineError(DeviceError):
    """The serial line itself is gone: the port was unplugged, or the other end was closed."""


class FaultError(DeviceError):
    """The firmware crashed or hung, and said so; `report` holds what the core knew."""

    def __init__(self, report: FaultReport, doing: str) -> None:
        super().__init__(
            f"{what_happened(report)} at {report.program_counter:#010x} during {doing}: {describe(report)}",
            hint="look the address up in firmware.elf with arm-none-eabi-addr2line",
        )
        self.report = report
        self.doing = doing


class RestartError(DeviceError):
    """The board restarted in the middle of a session; `cause` is one of RESTART_CAUSES, in lower case."""

    def __init__(self, cause: str, doing: str, *, detail: str = "") -> None:
        explanation, hint = _RESTARTS.get(cause, _RESTARTS["unknown"])
        super().__init__(f"the board restarted during {doing}: {explanation}{detail}", hint=hint)
        self.cause = cause
        self.doing = doing


_RESTARTS = {
    "power": (
        "power-on or brown-out",
        "look for a weak supply: another cable or port, and no load on the board's pins",
    ),
    "pin": (
        "its reset pin",
        "do not press the reset button, and close programs that use the board's probe",
    ),
    "software": (
        "a reset by software",
        "close debuggers and flashing programs that use the board's probe",
    ),
    "watchdog": (
        "the hardware watchdog, because the firmware hung with interrupts masked, or locked up",
        "run the same windows with --emulator unicorn: it tells where the firmware is",
    ),
    "fault": (
        "a fault of the firmware, which left no report",
        "run the same windows with --emulator unicorn: it tells where the firmware is",
    ),
    "unknown": ("for a reason that its reset flags do not tell", "look at supply, cable and reset button"),
}


def what_happened(report: FaultReport) -> str:
    """The kind of fault as the beginning of a sentence."""
    if report.kind == _CODES["HANG"]:
        return "the firmware hung"
    if report.kind == _CODES["STACK_OVERFLOW"]:
        return "the firmware's stack overflowed"
    return "the firmware crashed"


def describe(report: FaultReport) -> str:
    """What the core's fault registers say, in words.

    A hang has none; it is told by its limit.
    """
    if report.kind == _CODES["HANG"]:
        return "an inference took longer than the firmware's limit"
    found = [
        f"{name}, {', '.join(bits)}"
        for name, meanings in _STATUS.items()
        if (bits := [text for bit, text in meanings.items() if report.fault_status >> bit & 1])
    ]
    if report.hard_fault_status & _VECTOR_TABLE:
        found.append("bus fault while the vector table was read")
    if report.hard_fault_status & _DEBUG_EVENT:
        found.append("breakpoint without a debugger")
    address = f" at {report.bus_address:#010x}" if report.fault_status & _ADDRESS_IS_VALID else ""
    return ("; ".join(found) or _exception(report.exception)) + address


def _exception(number: int) -> str:
    if number >= _FIRST_INTERRUPT:
        return f"interrupt {number - _FIRST_INTERRUPT}, which nobody asked for"
    return f"{_EXCEPTIONS.get(number, f'exception {number}')}, its registers give no reason"
