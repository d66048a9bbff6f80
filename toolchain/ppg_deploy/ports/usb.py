"""USB devices and serial ports of this machine, and which board they look like."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ppg_deploy.boards import Board, Usb

SYSFS = Path("/sys/bus/usb/devices")
_NODES = Path("/dev/bus/usb")


@dataclass(frozen=True)
class UsbDevice:
    """A plugged-in USB device; `node` is the file that libusb opens."""

    vendor_id: int
    product_id: int
    serial_number: str | None
    product: str | None
    node: Path


@dataclass(frozen=True)
class PortInfo:
    """A serial port; USB figures are None where it is not on USB."""

    device: str
    description: str
    vendor_id: int | None
    product_id: int | None
    serial_number: str | None

    @property
    def usb_id(self) -> str:
        """As `lsusb` writes it; empty without USB."""
        if self.vendor_id is None or self.product_id is None:
            return ""
        return f"{self.vendor_id:04x}:{self.product_id:04x}"


def usb_devices(root: Path = SYSFS, nodes: Path = _NODES) -> tuple[UsbDevice, ...] | None:
    """Plugged-in devices as Linux lists them; None where it cannot be known (another system, a container)."""
    if not root.is_dir():
        return None
    found = []
    for folder in sorted(root.iterdir()):
        vendor, product = _read(folder / "idVendor"), _read(folder / "idProduct")
        bus, number = _read(folder / "busnum"), _read(folder / "devnum")
        if None in (vendor, product, bus, number):
            continue  # an interface or a root hub's half
        try:
            device = UsbDevice(
                vendor_id=int(vendor or "", 16),
                product_id=int(product or "", 16),
                serial_number=_read(folder / "serial"),
                product=_read(folder / "product"),
                node=nodes / f"{int(bus or ''):03d}" / f"{int(number or ''):03d}",
            )
        except ValueError:
            continue
        found.append(device)
    return tuple(found)


def _read(path: Path) -> str | None:
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def serial_ports() -> tuple[PortInfo, ...]:
    """Serial ports of this machine, sorted by name."""
    from serial.tools import list_ports

    return tuple(
        sorted(
            (
                PortInfo(
                    device=str(port.device),
                    description=str(port.description or ""),
                    vendor_id=port.vid,
                    product_id=port.pid,
                    serial_number=port.serial_number,
                )
                for port in list_ports.comports()
            ),
            key=lambda port: port.device,
        )
    )


def has_ids(identities: Iterable[Usb], vendor_id: int | None, product_id: int | None) -> bool:
    """Whether USB ids are among `identities`."""
    return any(vendor_id == usb.vendor_id and product_id in usb.product_ids for usb in identities)


def console_ids(board: Board) -> tuple[Usb, ...]:
    """USB ids of the board's console port; empty when it has none of its own."""
    return () if board.usb is None else (board.usb,)


def bootloader_ids(board: Board) -> tuple[Usb, ...]:
    """USB ids of the serial port through which the board's bootloader is reached; empty without one."""
    loader = board.bootloader
    if loader is None:
        return ()
    return (loader.usb,) if loader.application_usb is None else (loader.usb, loader.application_usb)


def looks_like(boards: Iterable[Board], vendor_id: int | None, product_id: int | None) -> tuple[Board, ...]:
    """Boards that have a USB port with these ids. ST-LINKs and J-Links are alike on many boards."""
    return tuple(
        board
        for board in boards
        if has_ids((*console_ids(board), *bootloader_ids(board)), vendor_id, product_id)
    )


def describe(port: PortInfo) -> str:
    """A port in a list."""
    serial = f", serial number {port.serial_number}" if port.serial_number else ""
    usb = f", USB {port.usb_id}" if port.usb_id else ""
    return f"{port.device} ({port.description}{usb}{serial})"
