"""Telling from a flasher's output why it failed."""

import re
from dataclasses import dataclass

from ppg_deploy.ask import Answer
from ppg_deploy.boards import Board
from ppg_deploy.errors import DeviceError, EnvironmentProblem, PpgDeployError
from ppg_deploy.flash.methods import Method, alternatives

UDEV_HINT = (
    "give your user access to USB probes: on Debian, packages openocd and stlink-tools bring udev rules; otherwise put "
    "PlatformIO's 99-platformio-udev.rules into /etc/udev/rules.d, run udevadm control --reload and plug the probe in "
    "again"
)


@dataclass(frozen=True)
class _Symptom:
    pattern: re.Pattern[str]
    kind: str


def _symptom(kind: str, *patterns: str) -> _Symptom:
    return _Symptom(re.compile("|".join(patterns), re.IGNORECASE), kind)


# In order: an access problem is followed by "no device found" in the same output.
_SYMPTOMS = (
    _symptom(
        "access", "LIBUSB_ERROR_ACCESS", "Access denied", "insufficient permissions", "Permission denied"
    ),
    _symptom(
        "verify",
        r"Verify Failed",
        r"checksum mismatch",
        r"contents differ",
        r"verification failed",
        r"Verification of flash failed",
        r"Mismatched byte",
    ),
    _symptom(
        "locked", r"AP lock engaged", r"APPROTECT enabled", r"readback protection", r"access port protection"
    ),
    _symptom(
        "no probe",
        r"Error: open failed",
        r"unable to find a matching CMSIS-DAP device",
        r"No J-Link device found",
        r"Couldn't find any ST-Link",
        r"Found 0 stlink",
        r"No connected debug probes",
        r"No device found on",
        r"No debugger is connected|no emulators? (?:is )?connected",
        r"Connecting to J-Link via USB\.*FAILED",
    ),
    _symptom(
        "no chip",
        r"unable to connect to the target",
        r"init mode failed",
        r"Cannot connect to target",
        r"Could not find core in Coresight setup",
        r"No ACK received",
    ),
    _symptom("old files", r"Can't find (?:interface|target)/"),
    _symptom("no pack", r"Target type \S+ not recognized"),
)


def missing_probe(board: Board, method: Method, serial: str | None, detail: str) -> DeviceError:
    """No probe answers."""
    which = f" with serial number {serial}" if serial else ""
    return DeviceError(
        f"no probe{which} for flashing board {board.id} by {method.name} ({method.title}): {detail}",
        hint=f"plug the board in with a data cable, close other programs that use the probe; "
        f"{alternatives(board, method)}",
    )


def explain(board: Board, method: Method, serial: str | None, answer: Answer) -> PpgDeployError:
    """The error behind a call of a flasher that did not succeed."""
    output = answer.output
    for symptom in _SYMPTOMS:
        match = symptom.pattern.search(output)
        if match:
            return _error(symptom.kind, board, method, serial, _line_of(output, match))
    detail = answer.problem or last_line(output)
    return DeviceError(
        f"flashing board {board.id} by {method.name} failed: {detail}",
        hint=f"run it with --verbose to see what the tool printed; {alternatives(board, method)}",
    )


def _error(kind: str, board: Board, method: Method, serial: str | None, detail: str) -> PpgDeployError:
    others = alternatives(board, method)
    if kind == "no probe":
        return missing_probe(board, method, serial, detail)
    if kind == "access":
        return EnvironmentProblem(
            f"no permission to use the probe for flashing board {board.id} by {method.name}: {detail}",
            hint=UDEV_HINT,
        )
    if kind == "verify":
        return DeviceError(
            f"the flash of board {board.id} does not hold what {method.name} wrote: {detail}",
            hint=f"flash again; if it persists, lower the load on the supply or try another cable; {others}",
        )
    if kind == "locked":
        return DeviceError(
            f"the chip of board {board.id} is protected against debugging ({method.name}): {detail}",
            hint="nrfjprog --recover (or OpenOCD's nrf52_recover) unlocks it, and erases the whole chip with any "
            "bootloader; docs/nordic-boards.md",
        )
    if kind == "no chip":
        return DeviceError(
            f"the probe answers, but not the chip of board {board.id} ({method.name}): {detail}",
            hint="power the board, check its debug jumpers, hold its reset button while flashing starts",
        )
    if kind == "old files":
        return EnvironmentProblem(
            f"the installed OpenOCD does not know board {board.id}: {detail}",
            hint=f"install OpenOCD 0.12 or newer; {others}",
        )
    return EnvironmentProblem(
        f"pyOCD does not know the chip of board {board.id}: {detail}",
        hint=f"pyocd pack install {board.flashing.pyocd_target} (downloads); {others}",
    )


def last_line(output: str) -> str:
    """The last line that says something."""
    lines = [line for line in output.splitlines() if line.strip(" =*-")]
    return lines[-1] if lines else "the tool said nothing"


def _line_of(output: str, match: re.Match[str]) -> str:
    start = output.rfind("\n", 0, match.start()) + 1
    end = output.find("\n", match.end())
    return output[start : len(output) if end < 0 else end].strip()
