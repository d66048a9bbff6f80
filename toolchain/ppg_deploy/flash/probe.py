"""Is the probe there? Asked before PlatformIO starts, so that a missing or stuck one is reported within seconds."""

import json
import os
import re
import tempfile
from pathlib import Path

from ppg_deploy.ask import Answer, ask
from ppg_deploy.boards import Board
from ppg_deploy.errors import DeviceError, InputError
from ppg_deploy.flash.failure import explain, last_line, missing_probe
from ppg_deploy.flash.methods import OPENOCD_INTERFACES, Method, alternatives

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


def find_probe(board: Board, method: Method, serial: str | None) -> None:
    """Make sure that a probe for `method` answers, within PROBE_SECONDS.

    For methods whose tool can only find out while it writes (bossac), and for disks, nothing is asked here.

    Raises:
        DeviceError: there is none, or the tool hangs.
        EnvironmentProblem: it may not be used, or the tool is missing or too old.
    """
    if not method.programs or method.name == "bossac":
        return
    if method.name in OPENOCD_INTERFACES:
        answer = ask(_openocd(board, method, serial), limit_s=PROBE_SECONDS)
        found = answer.succeeded
    elif method.name == "pyocd":
        answer = ask([method.require_program("pyocd"), "json", "--probes"], limit_s=PROBE_SECONDS)
        found = answer.succeeded and _named(_pyocd_probes(answer.output), serial)
    elif method.name == "nrfjprog":
        answer = ask([method.require_program("nrfjprog"), "--ids"], limit_s=PROBE_SECONDS)
        found = answer.succeeded and _named(re.findall(r"^\d+$", answer.output, re.MULTILINE), serial)
    elif method.name == "st-flash":
        method.require_program("st-flash")
        answer = ask([method.require_program("st-info"), "--probe"], limit_s=PROBE_SECONDS)
        found = answer.succeeded and _named(_stlinks(answer.output), serial)
    else:
        answer = _ask_jlink(method)
        found = answer.exit_code is not None and _named(
            re.findall(r"Serial number: (\d+)", answer.output), serial
        )
    if found:
        return
    if answer.problem is not None:
        raise DeviceError(
            f"no answer from the probe for flashing board {board.id} by {method.name}: "
            f"{method.programs[-1]} {answer.problem}",
            hint=f"unplug the board and plug it in again; {alternatives(board, method)}",
        )
    if answer.succeeded:
        raise missing_probe(board, method, serial, last_line(answer.output))
    raise explain(board, method, serial, answer)


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


def _stlinks(output: str) -> list[str]:
    """Serial numbers that `st-info --probe` lists."""
    return re.findall(r"^\s*serial:\s*(\S+)", output, re.MULTILINE)


def _ask_jlink(method: Method) -> Answer:
    program = method.require_program("JLinkExe")
    with tempfile.TemporaryDirectory(prefix="ppg-deploy-") as folder:
        script = Path(folder) / "list.jlink"
        script.write_text("ShowEmuList USB\nexit\n", encoding="ascii")
        return ask([program, "-NoGui", "1", "-CommandFile", os.fspath(script)], limit_s=PROBE_SECONDS)


def _named(serials: list[str], wanted: str | None) -> bool:
    if wanted is None:
        return bool(serials)
    # Some tools print leading zeros of a J-Link's number, USB has them always, nrfjprog never.
    return wanted.lstrip("0").lower() in {serial.lstrip("0").lower() for serial in serials}


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
