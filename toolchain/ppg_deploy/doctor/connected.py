"""What is plugged in: USB probes and serial ports, the board they look like, and whether this user may open them."""

import grp
import os
from collections.abc import Sequence
from pathlib import Path

from ppg_deploy.boards import Board
from ppg_deploy.doctor.finding import Finding, Level
from ppg_deploy.flash.failure import UDEV_HINT
from ppg_deploy.flash.methods import PROBE_MAKERS, is_probe
from ppg_deploy.ports.usb import PortInfo, UsbDevice, looks_like, serial_ports, usb_devices

GROUP = "connected"


def check_probes(board: Board | None, known: Sequence[Board]) -> tuple[Finding, ...]:
    """USB debug probes, with the right to use them."""
    devices = usb_devices()
    if devices is None:
        return (
            _finding("USB probes", Level.WARNING, "this system does not list its USB devices", "use lsusb"),
        )
    probes = [device for device in devices if is_probe(device)]
    if not probes:
        level = Level.OK if board is None else Level.WARNING
        return (
            _finding("USB probes", level, "none is plugged in", "needed to flash a board, not to emulate"),
        )
    return tuple(_check_probe(device, board, known) for device in probes)


def _check_probe(device: UsbDevice, board: Board | None, known: Sequence[Board]) -> Finding:
    kind = PROBE_MAKERS[device.vendor_id]
    found = (
        f"{kind} {device.vendor_id:04x}:{device.product_id:04x}, {device.product or 'unnamed'}, "
        f"serial number {device.serial_number or 'unknown'}"
        + _board_names(looks_like(known, device.vendor_id, device.product_id))
    )
    if os.access(device.node, os.R_OK | os.W_OK):
        return _finding("USB probe", Level.OK, found, None)
    wanted = board is not None and bool(looks_like([board], device.vendor_id, device.product_id))
    return _finding(
        "USB probe",
        Level.ERROR if wanted else Level.WARNING,
        f"{found}; no permission to use {device.node}",
        UDEV_HINT,
    )


def check_ports(board: Board | None, known: Sequence[Board]) -> tuple[Finding, ...]:
    """Serial ports, with the right to open them."""
    ports = [port for port in serial_ports() if port.vendor_id is not None]
    findings = [_check_port(port, board, known) for port in ports]
    if board is not None and board.usb is None:
        findings.append(
            _finding(
                "serial port of the board",
                Level.OK,
                f"{board.id} has none on USB: connect a 3.3 V USB-UART to {board.uart.tx_pin} (TX) and "
                f"{board.uart.rx_pin} (RX)",
                "then name it with bench --port",
            )
        )
    elif board is not None and not any(looks_like([board], p.vendor_id, p.product_id) for p in ports):
        findings.append(
            _finding(
                "serial port of the board",
                Level.WARNING,
                f"no port looks like {board.id}",
                "plug it in with a data cable; not needed to emulate",
            )
        )
    elif not ports:
        findings.append(_finding("serial ports", Level.OK, "none on USB", "needed for bench --port only"))
    return tuple(findings)


def _check_port(port: PortInfo, board: Board | None, known: Sequence[Board]) -> Finding:
    alike = looks_like(known, port.vendor_id, port.product_id)
    found = (
        f"{port.device}: {port.usb_id}, {port.description}, serial number {port.serial_number or 'unknown'}"
        + _board_names(alike)
    )
    if os.access(port.device, os.R_OK | os.W_OK):
        return _finding("serial port", Level.OK, found, None)
    return _finding(
        "serial port",
        Level.ERROR if board is not None and board in alike else Level.WARNING,
        f"{found}; no permission to open it",
        permission_hint(Path(port.device)),
    )


def permission_hint(path: Path) -> str:
    """How to get the right to open a port: by the group that owns it (dialout, uucp)."""
    try:
        group = grp.getgrgid(path.stat().st_gid).gr_name
    except (OSError, KeyError):
        group = "dialout"
    if group == "root":
        group = "dialout"
    members = {grp.getgrgid(number).gr_name for number in os.getgroups() if _exists(number)}
    if group in members:
        return f"you are in group {group}, but the port does not let it in: check the udev rules, replug the board"
    return f'sudo usermod -aG {group} "$USER", then log in again'


def _exists(number: int) -> bool:
    try:
        grp.getgrgid(number)
    except KeyError:
        return False
    return True


def _board_names(boards: Sequence[Board]) -> str:
    return f"; looks like {', '.join(board.id for board in boards)}" if boards else ""


def _finding(check: str, level: Level, found: str, hint: str | None) -> Finding:
    return Finding(group=GROUP, check=check, level=level, found=found, hint=hint)
