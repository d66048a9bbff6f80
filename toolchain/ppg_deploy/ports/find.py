"""Finding the serial port of a board among those that are plugged in."""

from collections.abc import Sequence

from ppg_deploy.boards import Board, Usb
from ppg_deploy.errors import DeviceError, InputError
from ppg_deploy.ports.usb import (
    PortInfo,
    bootloader_ids,
    console_ids,
    describe,
    has_ids,
    serial_ports,
)


def find_port(
    board: Board, *, serial: str | None = None, ports: Sequence[PortInfo] | None = None
) -> PortInfo:
    """The one port that is the board's console, by USB ids, and by serial number where that is given.

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
    return _the_only(
        f"board {board.id}",
        console_ids(board),
        serial,
        found,
        hint="plug the board in with a data cable, name another port with --port, or use --emulator",
    )


def find_bootloader(board: Board, *, ports: Sequence[PortInfo] | None = None) -> PortInfo:
    """The one port of the board's bootloader, or of an application that lets it in.

    Raises:
        InputError: the board has no bootloader, or several ports match.
        DeviceError: none matches.
    """
    if board.bootloader is None:
        raise InputError(
            f"board {board.id} has no bootloader in its board.toml",
            hint="name its serial port with --port, or add a table [bootloader]",
        )
    return _the_only(
        f"the bootloader of board {board.id} ({board.bootloader.name})",
        bootloader_ids(board),
        None,
        serial_ports() if ports is None else ports,
        hint="plug the board in and press its RESET button twice, quickly; or name the port with --port",
    )


def _the_only(
    what: str, identities: tuple[Usb, ...], serial: str | None, found: Sequence[PortInfo], *, hint: str
) -> PortInfo:
    reasons = {port: _why_not(identities, port, serial) for port in found}
    matching = [port for port in found if reasons[port] is None]
    rejected = "; ".join(f"{describe(port)}: {reasons[port]}" for port in found if reasons[port] is not None)
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise InputError(
            f"several ports look like {what}: {'; '.join(describe(port) for port in matching)}"
            + (f". Rejected: {rejected}" if rejected else ""),
            hint="name one with --port, or the serial number of its probe with --probe-serial",
        )
    which = f" with serial number {serial}" if serial is not None else ""
    raise DeviceError(
        f"no serial port looks like {what}{which}"
        + (f". Rejected: {rejected}" if rejected else ": none is on this machine"),
        hint=hint,
    )


def _why_not(identities: tuple[Usb, ...], port: PortInfo, serial: str | None) -> str | None:
    """Why `port` is not the one; None when it can be."""
    if port.vendor_id is None:
        return "not a USB port"
    if not has_ids(identities, port.vendor_id, port.product_id):
        ours = ", ".join(
            f"{usb.vendor_id:04x}:{product:04x}" for usb in identities for product in usb.product_ids
        )
        return f"its USB id is {port.usb_id}, the board has {ours}"
    if serial is not None and not same_serial(port.serial_number, serial):
        return "it has another serial number"
    return None


def same_serial(one: str | None, other: str) -> bool:
    """Whether two serial numbers are the same; J-Links have leading zeros in some places and not in others."""
    return one is not None and one.lstrip("0").lower() == other.lstrip("0").lower()
