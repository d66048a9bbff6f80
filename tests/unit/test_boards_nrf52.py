"""nRF52 boards: their files, the registers worked out from them, and where the linker puts the image.

Register values are worked by hand from the nRF52840 product specification, chapters UARTE and GPIO.
"""

import ctypes
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from fake_model import fake_model

from ppg_deploy.boards import NordicUarte, load_board, parse_pin, read_board
from ppg_deploy.boards.uart import NORDIC_BAUD_RATES
from ppg_deploy.boards.validate import validate_board
from ppg_deploy.errors import InputError
from ppg_deploy.project import render_project
from ppg_deploy.shipped import shipped_folder

BOARDS = ("nrf52840-dk", "nrf52-dk", "arduino-nano33ble")
WRAPPER = """
#include "ppg_nrf52.h"
#include "ppg_nrf52_baud.h"
uint32_t psel(uint32_t port, uint32_t pin) { return ppg_nrf52_psel(port, pin); }
uint32_t baudrate(uint32_t baud) { return ppg_nrf52_baudrate(baud); }
"""


@pytest.fixture(scope="module")
def registers(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    if shutil.which("gcc") is None:
        pytest.skip("no host compiler")
    folder: Path = tmp_path_factory.mktemp("nrf52")
    (folder / "registers.c").write_text(WRAPPER)
    flags = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-shared", "-fPIC")
    include = str(shipped_folder("firmware") / "bsp" / "nrf52")
    command = ["gcc", *flags, "-I", include, "-o", "registers.so", "registers.c"]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    return ctypes.CDLL(str(folder / "registers.so"))


@pytest.mark.parametrize(
    ("name", "mcu", "flash", "ram_bytes", "tx", "rx"),
    [
        ("nrf52840_dk", "nrf52840", (0, 1 << 20), 256 << 10, "P0.06", "P0.08"),
        ("nrf52_dk", "nrf52832", (0, 512 << 10), 64 << 10, "P0.06", "P0.08"),
        ("nano33ble", "nrf52840", (0x10000, 0xF0000), 256 << 10, "P1.03", "P1.10"),
    ],
)
def test_facts(name: str, mcu: str, flash: tuple[int, int], ram_bytes: int, tx: str, rx: str) -> None:
    board = load_board(name)
    assert (board.mcu, board.clock_hz, board.clock.reset_hz) == (mcu, 64_000_000, 64_000_000)
    assert (board.code_memory.origin, board.code_memory.size_bytes) == flash
    assert (board.data_memory.origin, board.data_memory.size_bytes) == (0x2000_0000, ram_bytes)
    assert isinstance(board.uart, NordicUarte)
    assert (board.uart.base, board.uart.tx_pin, board.uart.rx_pin) == (0x4000_2000, tx, rx)
    assert not board.power.verified


def test_the_nano_has_no_console_on_usb() -> None:
    board = load_board("arduino-nano33ble")
    assert board.usb is None
    assert board.bootloader is not None
    assert (board.bootloader.usb.vendor_id, board.bootloader.usb.product_ids) == (0x2341, (0x005A,))


@pytest.mark.parametrize(
    ("pin", "psel"), [("P0.06", 0x06), ("P0.08", 0x08), ("P0.31", 0x1F), ("P1.03", 0x23), ("P1.10", 0x2A)]
)
def test_pin_select(registers: ctypes.CDLL, pin: str, psel: int) -> None:
    parsed = parse_pin(pin)
    assert registers.psel(parsed.port, parsed.number) == psel


def test_baud_rates_of_the_schema_are_those_of_the_firmware(registers: ctypes.CDLL) -> None:
    assert registers.baudrate(115_200) == 0x01D6_0000
    # 16 MHz divided by the whole part of 2^32 / BAUDRATE: gives the real rates that the specification lists.
    real = [16_000_000 // (2**32 // registers.baudrate(baud)) for baud in NORDIC_BAUD_RATES]
    assert real == [9_598, 19_207, 38_369, 57_553, 115_107, 231_884, 457_142, 1_000_000]
    for baud, rate in zip(NORDIC_BAUD_RATES, real, strict=True):
        assert rate == pytest.approx(baud, rel=0.01)
    for baud in (921_600, 115_201, 0):
        assert registers.baudrate(baud) == 0


def write_board(folder: Path, board_id: str, find: str, replace: str) -> Path:
    text = (shipped_folder("boards") / board_id / "board.toml").read_text()
    assert find in text
    (folder / board_id).mkdir(parents=True)
    path = folder / board_id / "board.toml"
    path.write_text(text.replace(find, replace, 1))
    return path


@pytest.mark.parametrize(
    ("board_id", "find", "replace", "named"),
    [
        ("nrf52840-dk", 'peripheral = "nordic-uarte"\n', "", "uart.enable_offset: Field required"),
        ("nrf52840-dk", '"nordic-uarte"', '"uart"', "uart: peripheral must be stm32-usart or nordic-uarte"),
        ("nrf52840-dk", 'family = "nrf52"', 'family = "stm32l4"', "uart.peripheral"),
        ("nucleo-l476rg", 'family = "stm32l4"', 'family = "nrf52"', "uart.peripheral"),
        ("nrf52840-dk", 'tx_pin = "P0.06"', 'tx_pin = "PA2"', "uart.tx_pin"),
        ("nrf52840-dk", 'tx_pin = "P0.06"', 'tx_pin = "P1.16"', "uart.tx_pin"),
        ("nrf52840-dk", 'tx_pin = "P0.06"', 'tx_pin = "P0.08"', "both P0.08"),
        ("nrf52-dk", 'tx_pin = "P0.06"', 'tx_pin = "P1.03"', "no pin P1.03"),
        ("nucleo-l476rg", 'tx_pin = "PA2"', 'tx_pin = "P0.02"', "uart.tx_pin"),
        ("nrf52840-dk", "baud = 115_200", "baud = 921_600", "uart.baud"),
        ("nrf52840-dk", "baud = 115_200", "baud = 115_200\nenable_bit = 3", "uart.enable_bit: Extra inputs"),
        ("nrf52840-dk", "dcdc = 1", "dc_dc = 1", "clock.settings.dcdc"),
        ("nrf52840-dk", "origin = 0x0000_0000", "origin = 0x0001_0000", "describe it in [bootloader]"),
        ("arduino-nano33ble", "size_bytes = 65_536", "size_bytes = 32_768", "[bootloader]"),
        ("arduino-nano33ble", "origin = 0x0001_0000", "origin = 0x0001_0080", "a multiple of 256 bytes"),
    ],
)
def test_a_wrong_board_file_names_the_field(
    tmp_path: Path, board_id: str, find: str, replace: str, named: str
) -> None:
    path = write_board(tmp_path, board_id, find, replace)
    with pytest.raises(InputError) as caught:
        read_board(path)
    assert str(path) in caught.value.message
    assert named in caught.value.message


def test_validate_names_fields_of_uart_as_the_file_spells_them(tmp_path: Path) -> None:
    path = write_board(tmp_path, "nrf52-dk", 'tx_pin = "P0.06"', 'tx_pinn = "P0.06"')
    problems = {problem.field: problem.fix for problem in validate_board(path)}
    assert problems == {"uart.tx_pin": "add tx_pin = ... to [uart]", "uart.tx_pinn": "rename it to tx_pin"}


@pytest.mark.parametrize("board_id", BOARDS)
def test_a_project_has_nothing_of_stm32(board_id: str, tmp_path: Path) -> None:
    project = render_project(board=load_board(board_id), model=fake_model(), folder=tmp_path / "fw")
    assert not [name for name in project.manifest.files if "stm32" in name]
    hardware = (project.folder / "include/ppg_hardware.h").read_text()
    macros = dict(re.findall(r"^#define (\w+) (\S+)$", hardware, re.MULTILINE))
    pins = {name: macros[f"PPG_UART_{name}"] for name in ("TX_PORT", "TX_PIN", "RX_PORT", "RX_PIN")}
    on_nano = board_id == "arduino-nano33ble"
    assert list(pins.values()) == (["1u", "3u", "1u", "10u"] if on_nano else ["0u", "6u", "0u", "8u"])
    assert macros["PPG_BEHIND_BOOTLOADER"] == ("1" if on_nano else "0")
    assert macros["PPG_CLOCK_DCDC"] == ("0u" if on_nano else "1u")
    assert "PPG_UART_ENABLE_BIT" not in macros


def test_memory_reaches_linker_script_and_platformio(tmp_path: Path) -> None:
    for board_id, flash in (
        ("nrf52-dk", "FLASH (rx) : ORIGIN = 0x00000000, LENGTH = 524288"),
        ("arduino-nano33ble", "FLASH (rx) : ORIGIN = 0x00010000, LENGTH = 983040"),
    ):
        folder = tmp_path / board_id
        board = load_board(board_id)
        render_project(board=board, model=fake_model(), folder=folder)
        assert flash in (folder / f"linker/{board.platformio_id}.ld").read_text()
    facts = json.loads(next(folder.glob("platform-*/boards/arduino_nano33ble.json")).read_text())
    assert facts["upload"]["protocol"] == "bossac"
    assert facts["upload"]["maximum_size"] == 983_040
    assert facts["upload"]["offset_address"] == "0x00010000"
    assert facts["upload"]["bootloader_usb"] == [[0x2341, 0x005A]]
    assert facts["upload"]["application_usb"] == [[0x2341, 0x805A]]
    assert facts["debug"] == {
        "openocd_target": "nrf52",
        "pyocd_target": "nrf52840",
        "jlink_device": "nRF52840_xxAA",
    }
