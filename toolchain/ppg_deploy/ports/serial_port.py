"""A real board at a serial port."""

import errno

from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError, PpgDeployError
from ppg_deploy.ports.connection import Connection

BOOT_WAIT_S = 3.0
_READ_TIMEOUT_S = 1.0
_WRITE_TIMEOUT_S = 5.0
_BUSY = (errno.EBUSY, errno.EAGAIN)


def open_serial(port: str, baud: int) -> Connection:
    """Open a serial port: a device name, or a URL of pyserial ("socket://host:port", "rfc2217://host:port").

    Raises:
        DeviceError: there is no such port, or another program has it open.
        EnvironmentProblem: no permission to open it.
        InputError: `port` or `baud` is malformed.
    """
    import serial

    try:
        stream = serial.serial_for_url(port, do_not_open=True)
        stream.baudrate = baud
        stream.timeout = _READ_TIMEOUT_S
        stream.write_timeout = _WRITE_TIMEOUT_S
        if isinstance(stream, serial.Serial):
            stream.exclusive = True
        stream.open()
    except serial.SerialException as error:
        raise _problem(port, error) from error
    except ValueError as error:
        raise InputError(
            f"serial port {port!r} at {baud} baud: {error}", hint="give a device name such as /dev/ttyACM0"
        ) from error
    return Connection(
        stream=stream,
        source=f"serial {port}",
        emulator=None,
        instruction_counter=None,
        instructions_per_tick=None,
        ticks_valid=True,
        boot_wait_s=BOOT_WAIT_S,
    )


def _problem(port: str, error: OSError) -> PpgDeployError:
    if error.errno == errno.EACCES:
        return EnvironmentProblem(
            f"no permission to open serial port {port}",
            hint='add yourself to the group that owns it, usually: sudo usermod -aG dialout "$USER", '
            "then log in again",
        )
    if error.errno in _BUSY:
        return DeviceError(
            f"serial port {port} is in use by another program",
            hint="close the terminal program that has it open",
        )
    if error.errno == errno.ENOENT:
        return DeviceError(f"serial port {port} does not exist", hint=_existing_ports())
    return DeviceError(f"cannot open serial port {port}: {error}", hint=_existing_ports())


def _existing_ports() -> str:
    from serial.tools import list_ports

    ports = sorted(f"{found.device} ({found.description})" for found in list_ports.comports())
    if not ports:
        return "no serial port was found on this machine: is the board plugged in?"
    return f"ports that exist: {', '.join(ports)}"
