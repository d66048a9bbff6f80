"""Opening real serial ports: a pseudo-terminal stands in for one."""

import errno
import os
import time
from collections.abc import Iterator

import pytest
import serial

from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError
from ppg_deploy.ports import open_serial


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    ours, theirs = os.openpty()
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_transfers_bytes(terminal: tuple[int, str]) -> None:
    ours, name = terminal
    connection = open_serial(name, 115200)
    everything = bytes(range(256))
    connection.stream.write(everything)
    assert os.read(ours, 1000) == everything
    os.write(ours, everything)
    assert connection.stream.read(256) == everything
    assert connection.source == f"serial {name}"
    assert connection.emulator is None
    assert connection.instruction_counter is None
    assert connection.ticks_valid
    connection.close()


def test_read_ends_after_the_timeout(terminal: tuple[int, str]) -> None:
    ours, name = terminal
    connection = open_serial(name, 115200)
    connection.stream.timeout = 0.1
    os.write(ours, b"ab")
    start = time.monotonic()
    assert connection.stream.read(3) == b"ab"
    assert 0.1 <= time.monotonic() - start < 1
    connection.close()


def test_missing_port_is_reported_at_once() -> None:
    start = time.monotonic()
    with pytest.raises(DeviceError, match="/dev/ttyNOPE7 does not exist") as caught:
        open_serial("/dev/ttyNOPE7", 115200)
    assert time.monotonic() - start < 1
    assert "port" in caught.value.hint


def test_port_in_use_is_reported(terminal: tuple[int, str]) -> None:
    _, name = terminal
    first = open_serial(name, 115200)
    with pytest.raises(DeviceError, match="in use by another program"):
        open_serial(name, 115200)
    first.close()


def test_missing_permission_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: serial.Serial) -> None:
        raise serial.SerialException(errno.EACCES, "could not open port: Permission denied")

    monkeypatch.setattr(serial.Serial, "open", refuse)
    with pytest.raises(EnvironmentProblem, match="no permission") as caught:
        open_serial("/dev/ttyACM0", 115200)
    assert "dialout" in caught.value.hint


def test_file_that_is_no_port_is_reported() -> None:
    with pytest.raises(DeviceError, match="cannot open serial port /dev/null"):
        open_serial("/dev/null", 115200)


def test_unknown_url_is_reported() -> None:
    with pytest.raises(InputError, match="nosuch"):
        open_serial("nosuch://board", 115200)


def test_impossible_baud_rate_is_reported(terminal: tuple[int, str]) -> None:
    with pytest.raises(InputError, match="-1 baud"):
        open_serial(terminal[1], -1)
