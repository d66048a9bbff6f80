"""Opening an instrument by its name, at a given port or the only one with its USB ids."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ppg_deploy.energy.instrument import Instrument
from ppg_deploy.energy.joulescope import Joulescope, joulescope_package
from ppg_deploy.energy.powershield import LPM01A, STLINK_V3PWR, Model, PowerShield
from ppg_deploy.energy.ppk2 import BAUD as PPK2_BAUD
from ppg_deploy.energy.ppk2 import USB_IDS as PPK2_USB_IDS
from ppg_deploy.energy.ppk2 import Ppk2
from ppg_deploy.energy.serial_line import InstrumentLine
from ppg_deploy.errors import DeviceError, InputError
from ppg_deploy.ports.serial_port import open_serial
from ppg_deploy.ports.usb import PortInfo, describe, serial_ports


@dataclass(frozen=True)
class _Kind:
    """A serial instrument."""

    title: str
    usb_ids: tuple[tuple[int, int], ...]
    baud: int
    make: Callable[[InstrumentLine], Instrument]


def _powershield(model: Model) -> _Kind:
    return _Kind(model.name, model.usb_ids, model.baud, lambda line: PowerShield(line, model))


_KINDS = {
    "ppk2": _Kind("Nordic PPK2", PPK2_USB_IDS, PPK2_BAUD, Ppk2),
    "lpm01a": _powershield(LPM01A),
    "stlink-v3pwr": _powershield(STLINK_V3PWR),
}
_JOULESCOPE = "joulescope"
INSTRUMENTS = (*_KINDS, _JOULESCOPE)


@dataclass(frozen=True)
class Opened:
    """An open instrument and where it is."""

    instrument: Instrument
    port: str


def open_instrument(wanted: str, *, ports: Sequence[PortInfo] | None = None) -> Opened:
    """Open `NAME` or `NAME:PORT`, for example `ppk2:/dev/ttyACM1`.

    Args:
        wanted: name of the instrument, and its serial port where it is not the only one with its USB ids.
        ports: what is plugged in; asked from the system when None.

    Raises:
        InputError: no such instrument, or several ports match.
        DeviceError: none matches, or it cannot be opened.
        EnvironmentProblem: no permission, or an optional package is missing.
    """
    name, _, port = wanted.partition(":")
    if name == _JOULESCOPE and not port:
        return Opened(Joulescope(joulescope_package()), "USB")
    if name not in _KINDS:
        raise InputError(
            f"there is no instrument {wanted!r}",
            hint=f"use one of {', '.join(INSTRUMENTS)}; all but joulescope take :PORT",
        )
    kind = _KINDS[name]
    port = port or _the_only_port(kind, serial_ports() if ports is None else ports)
    connection = open_serial(port, kind.baud)
    return Opened(kind.make(InstrumentLine(connection.stream, f"the {kind.title} at {port}")), port)


def _the_only_port(kind: _Kind, ports: Sequence[PortInfo]) -> str:
    found = [port for port in ports if (port.vendor_id, port.product_id) in kind.usb_ids]
    # A PPK2 has two ports, a STLINK-V3PWR as well; the one that answers cannot be told from here.
    if len(found) > 1:
        raise InputError(
            f"several ports look like a {kind.title}: {'; '.join(describe(port) for port in found)}",
            hint="name one of them behind a colon, for example --energy ppk2:/dev/ttyACM1",
        )
    if not found:
        ids = ", ".join(f"{vendor:04x}:{product:04x}" for vendor, product in kind.usb_ids)
        others = "; ".join(describe(port) for port in ports) or "none"
        raise DeviceError(
            f"no serial port has the USB id of a {kind.title} ({ids}); ports that exist: {others}",
            hint="plug it in, or name its port behind a colon",
        )
    return found[0].device
