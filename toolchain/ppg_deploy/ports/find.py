"""Finding the serial port of a board among those that are plugged in."""

from collections.abc import Sequence

from ppg_deploy.boards import Board
from ppg_deploy.errors import DeviceError, InputError
from ppg_deploy.ports.usb import PortInfo, describe, serial_ports, why_not


def find_port(
    board: Board, *, serial: str | None = None, ports: Sequence[PortInfo] | None = None
) -> PortInfo:
    """The one port that is the board's, by USB ids, and by serial number where that is given.

    Args:
        board: whose port is wanted.
        serial: serial number of its probe; for ST-LINK and J-Link also that of the port.
        ports: what is plugged in; asked from the system when None.

    Raises:
        InputError: the board has no USB port of its own, or several ports match.
        DeviceError: none matches; the message says of each why it was rejected.
    """
    if board.usb is None:
        raise InputError(
            f"board {board.id} has no USB serial port of its own that could be looked for",
            hint="name the port of your USB-UART adapter with --port, or use --emulator",
        )
    found = serial_ports() if ports is None else ports
    reasons = {port: _rejected(board, port, serial) for port in found}
    matching = [port for port in found if reasons[port] is None]
    rejected = "; ".join(f"{describe(port)}: {reasons[port]}" for port in found if reasons[port] is not None)
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise InputError(
            f"several ports look like board {board.id}: {'; '.join(describe(port) for port in matching)}"
            + (f". Rejected: {rejected}" if rejected else ""),
            hint="name one with --port, or the serial number with --probe-serial",
        )
    which = f" with serial number {serial}" if serial is not None else ""
    raise DeviceError(
        f"no serial port looks like board {board.id}{which}"
        + (f". Rejected: {rejected}" if rejected else ": none is on this machine"),
        hint="plug the board in with a data cable, name another port with --port, or use --emulator",
    )


def _rejected(board: Board, port: PortInfo, serial: str | None) -> str | None:
    reason = why_not(board, port)
    if reason is None and serial is not None and not same_serial(port.serial_number, serial):
        return "it has another serial number"
    return reason


def same_serial(one: str | None, other: str) -> bool:
    """Whether two serial numbers are the same; J-Links have leading zeros in some places and not in others."""
    return one is not None and one.lstrip("0").lower() == other.lstrip("0").lower()
