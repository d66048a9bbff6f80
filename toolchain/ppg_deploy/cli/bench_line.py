"""What bench says about the line and the device's failures."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ppg_deploy.errors import DeviceError

if TYPE_CHECKING:
    from ppg_deploy.report import Report

_LOSSES = ("uart_overruns", "crc_errors", "cobs_errors", "malformed", "oversize")
_HOST_LOSSES = ("crc_errors", "cobs_errors", "malformed", "retries")


def warnings_of(report: "Report") -> list[str]:
    """Everything that is not an error, but worth a line on the screen."""
    found = [f"the board reports: {problem}" for problem in report.device.problems]
    for where, counts, names in (
        ("the board", report.device_line or {}, _LOSSES),
        ("the host", report.link, _HOST_LOSSES),
    ):
        if said := _counts(counts, names):
            found.append(
                f"bytes were lost on the line, {where} counted: {said}; every answer was checked, so only time was lost"
            )
    if report.sessions_lost:
        found.append(f"the board had to be asked for a new session {report.sessions_lost} times")
    return found


def _counts(counts: Mapping[str, int], names: tuple[str, ...]) -> str:
    return ", ".join(f"{counts[name]} {name}" for name in names if counts.get(name))


def line_tables(report: "Report") -> list[tuple[str, Mapping[str, int]]]:
    """Titles and counters of both ends of the line."""
    tables = [("serial link, counted by the host", report.link)]
    if report.device_line is not None:
        tables.append(("serial link, counted by the board", report.device_line))
    return list(tables)


def require_complete(report: "Report", path: Path) -> None:
    """Raise DeviceError when windows are missing."""
    if report.missing:
        first = report.missing[0]
        total = report.input.windows
        raise DeviceError(
            f"{len(report.missing)} of {total} windows have no answer; window {first.window}: {first.reason}",
            hint=f"all of them are listed under missing in {path}",
        )
