"""Which serial port is the board's: by USB ids and serial numbers, with reasons for those that are not."""

import pytest

from ppg_deploy.boards import load_board
from ppg_deploy.errors import DeviceError, InputError
from ppg_deploy.ports.find import find_bootloader, find_port
from ppg_deploy.ports.usb import PortInfo

ST_A = PortInfo("/dev/ttyACM0", "STM32 STLink", 0x0483, 0x374B, "0669FF01")
ST_B = PortInfo("/dev/ttyACM1", "STM32 STLink", 0x0483, 0x374B, "0669FF02")
FTDI = PortInfo("/dev/ttyUSB0", "FT232R", 0x0403, 0x6001, "A50285BI")
PLAIN = PortInfo("/dev/ttyS0", "ttyS0", None, None, None)
JLINK = PortInfo("/dev/ttyACM2", "J-Link", 0x1366, 0x1051, "000683123456")
SAM_BA = PortInfo("/dev/ttyACM3", "Arduino Nano 33 BLE", 0x2341, 0x005A, "9F2A")

NUCLEO = load_board("nucleo-l476rg")


def test_the_only_match_is_taken() -> None:
    assert find_port(NUCLEO, ports=[PLAIN, FTDI, ST_A]) == ST_A


def test_several_are_listed_with_their_serial_numbers() -> None:
    with pytest.raises(InputError) as caught:
        find_port(NUCLEO, ports=[PLAIN, FTDI, ST_A, ST_B])
    for text in ("/dev/ttyACM0", "0669FF01", "/dev/ttyACM1", "0669FF02", "0403:6001", "not a USB port"):
        assert text in caught.value.message
    assert "--port" in caught.value.hint


def test_a_serial_number_chooses_among_several() -> None:
    assert find_port(NUCLEO, serial="0669ff02", ports=[ST_A, ST_B]) == ST_B


def test_every_rejected_port_has_its_reason() -> None:
    with pytest.raises(DeviceError) as caught:
        find_port(NUCLEO, serial="0669FF02", ports=[PLAIN, FTDI, ST_A])
    message = caught.value.message
    assert "/dev/ttyS0 (ttyS0): not a USB port" in message
    assert "its USB id is 0403:6001, the board has 0483:374b" in message
    assert "it has another serial number" in message


def test_leading_zeros_of_a_jlink_do_not_matter() -> None:
    assert find_port(load_board("nrf52840-dk"), serial="683123456", ports=[JLINK]) == JLINK


def test_a_board_without_a_port_of_its_own_needs_a_name() -> None:
    with pytest.raises(InputError, match="netduinoplus2 has no USB serial port"):
        find_port(load_board("netduinoplus2"), ports=[ST_A])


def test_the_bootloader_is_another_port() -> None:
    nano = load_board("nano33ble")
    assert find_bootloader(nano, ports=[ST_A, SAM_BA]) == SAM_BA
    with pytest.raises(DeviceError) as caught:
        find_bootloader(nano, ports=[ST_A])
    assert "RESET" in caught.value.hint
    with pytest.raises(InputError, match="no bootloader"):
        find_bootloader(NUCLEO, ports=[SAM_BA])
