"""Is the probe there? Asked before PlatformIO starts, so that a missing or stuck one is reported within seconds."""

import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ppg_deploy.ask import Answer, ask
from ppg_deploy.boards import Board
from ppg_deploy.errors import DeviceError, InputError
from ppg_deploy.flash.failure import explain, missing_probe
from ppg_deploy.flash.methods import OPENOCD_INTERFACES, Method, alternatives, is_probe
from ppg_deploy.ports.find import same_serial
from ppg_deploy.ports.usb import UsbDevice

PROBE_SECONDS = 6.0
"""Longest time that a tool may take to say whether its probe is there. pyOCD alone needs 2 s to start."""

_SERIAL = re.compile(r"^[A-Za-z0-9._:-]{1,64}$")
_DISK_MARK = "MBED.HTM"
_DISK_FOLDERS = ("/media/*/*", "/media/*", "/run/media/*/*", "/Volumes/*")


def check_serial(serial: str | None) -> None:
    """Refuse what cannot be a serial number: it becomes part of commands.

    Raises:
        InputError: it is malformed.
    """
    if serial is not None and not _SERIAL.match(serial):
        raise InputError(
            f"--probe-serial {serial!r} is not a serial number of a probe",
            hint="ppg-deploy doctor lists probes and ports with their serial numbers",
        )


def check_unambiguous(method: Method, serial: str | None, devices: Sequence[UsbDevice] | None) -> None:
    """Refuse to let a tool choose among several probes: it would take the first and erase any board.

    Args:
        method: how to flash.
        serial: the probe's serial number, if it is given.
        devices: what is plugged in; None when that cannot be known.

    Raises:
        InputError: several probes of the method are plugged in, and none is named.
    """
    if serial is not None or method.name in ("bossac", "mbed"):
        return
    probes = [device for device in devices or () if is_probe(device, method)]
    if len(probes) > 1:
        named = ", ".join(
            f"{device.product or 'unnamed'} with serial number {device.serial_number or 'unknown'}"
            for device in probes
        )
        raise InputError(
            f"{len(probes)} probes for flashing by {method.name} are plugged in: {named}",
            hint="name one with --probe-serial, or unplug the others",
        )


def find_probe(board: Board, method: Method, serial: str | None) -> None:
    """Make sure that a probe for `method` answers, within PROBE_SECONDS.

    For methods whose tool can only find out while it writes (bossac), and for disks, nothing is asked here.

    Raises:
        DeviceError: there is none, or the tool hangs.
        EnvironmentProblem: it may not be used, or the tool is missing or too old.
    """
    if not method.programs or method.name == "bossac":
        return
    serials: list[str] | None = None
    if method.name in OPENOCD_INTERFACES:
        answer = ask(_openocd(board, method, serial), limit_s=PROBE_SECONDS)
        if answer.succeeded:
            return
    elif method.name == "jlink":
        answer = _ask_jlink(method)
        serials = re.findall(r"Serial number: (\d+)", answer.output)
    else:
        program, arguments, listed = _LISTS[method.name]
        answer = ask([method.require_program(program), *arguments], limit_s=PROBE_SECONDS)
        serials = listed(answer.output)
    if answer.problem is not None:
        raise DeviceError(
            f"no answer from the probe for flashing board {board.id} by {method.name}: "
            f"{method.programs[-1]} {answer.problem}",
            hint=f"unplug the board and plug it in again; {alternatives(board, method)}",
        )
    if serials is None or (not answer.succeeded and not serials):
        raise explain(board, method, serial, answer)
    if not serials:
        raise missing_probe(board, method, serial, f"{method.programs[-1]} lists none")
    if serial is not None and not any(same_serial(found, serial) for found in serials):
        raise missing_probe(board, method, serial, f"{method.programs[-1]} lists {', '.join(serials)}")


def _openocd(board: Board, method: Method, serial: str | None) -> list[str]:
    program = method.require_program("openocd")
    commands = ["-c", f"transport select {'hla_swd' if method.name == 'stlink' else 'swd'}"]
    if serial is not None:
        commands += ["-c", f"adapter serial {serial}"]  # OpenOCD 0.12 and newer
    return [
        *(program, "-d1", "-f", f"interface/{OPENOCD_INTERFACES[method.name]}.cfg", *commands),
        *("-f", f"target/{board.flashing.openocd_target}.cfg", "-c", "init; shutdown"),
    ]


def _pyocd_probes(output: str) -> list[str]:
    # The version's notes may stand before the object.
    try:
        listed = json.loads(output[output.index("{") :])
        return [str(probe["unique_id"]) for probe in listed["boards"]]
    except (ValueError, KeyError, TypeError):
        return []


def _numbers(output: str) -> list[str]:
    """`nrfjprog --ids` prints one on a line."""
    return re.findall(r"^\d+$", output, re.MULTILINE)


def _stlinks(output: str) -> list[str]:
    """Serial numbers that `st-info --probe` lists."""
    return re.findall(r"^\s*serial:\s*(\S+)", output, re.MULTILINE)


_LISTS: dict[str, tuple[str, tuple[str, ...], Callable[[str], list[str]]]] = {
    "pyocd": ("pyocd", ("json", "--probes"), _pyocd_probes),
    "nrfjprog": ("nrfjprog", ("--ids",), _numbers),
    "st-flash": ("st-info", ("--probe",), _stlinks),
}
"""Method -> program, its arguments, and how to read the serial numbers of probes from its output."""


def _ask_jlink(method: Method) -> Answer:
    program = method.require_program("JLinkExe")
    with tempfile.TemporaryDirectory(prefix="ppg-deploy-") as folder:
        script = Path(folder) / "list.jlink"
        script.write_text("ShowEmuList USB\nexit\n", encoding="ascii")
        return ask([program, "-NoGui", "1", "-CommandFile", os.fspath(script)], limit_s=PROBE_SECONDS)


def find_disk(board: Board, method: Method, given: str | None) -> str:
    """Folder where the probe's disk is mounted: `given`, or the only one found.

    Raises:
        DeviceError: there is none.
        InputError: there are several, or `given` is no folder.
    """
    if given is not None:
        if not Path(given).is_dir():
            raise InputError(f"--port {given} is not a folder", hint="give the folder of the probe's disk")
        return given
    found = sorted(
        {
            str(mark.parent)
            for pattern in _DISK_FOLDERS
            for mark in Path("/").glob(f"{pattern.lstrip('/')}/{_DISK_MARK}")
        }
    )
    if not found:
        raise missing_probe(board, method, None, f"no mounted disk holds {_DISK_MARK}")
    if len(found) > 1:
        raise InputError(
            f"several probes have a disk: {', '.join(found)}", hint="name one with --port FOLDER"
        )
    return found[0]
