"""The examples of docs/add-a-board.md are right: they validate, build, and write the registers worked out here."""

import re
from pathlib import Path

import pytest
from bsp_nrf52 import Machine as NordicMachine
from bsp_probe import build_probe, fields
from bsp_unicorn import Chip, Machine

from ppg_deploy.boards import load_board
from ppg_deploy.boards.validate import validate_board
from ppg_deploy.shipped import shipped_folder

pytest.importorskip("unicorn", reason="the [emulator] extra is not installed")
pytestmark = pytest.mark.arm

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "add-a-board.md"
COMPLETE, NORDIC = re.findall(r"^```toml\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)


def add_board(boards: Path, board_id: str, text: str) -> Path:
    path = boards / board_id / "board.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_the_stm32_example(tmp_path: Path) -> None:
    path = add_board(tmp_path / "boards", "wrist-sensor", COMPLETE)
    assert validate_board(path) == ()
    elf = build_probe("wrist-sensor", tmp_path / "fw", boards_dirs=(tmp_path / "boards",)).elf
    # USART1 of the L476: status, receive, transmit at 0x1C, 0x24, 0x28.
    chip = Chip(
        0x4002_1000, 0x08, ((8, 10), (24, 25)), 0x4001_381C, 0x4001_3824, 0x4001_3828, 37, 0x4001_3800
    )
    machine = Machine(elf, chip)
    boot = fields(machine.ask())
    assert (boot["clk"], boot["status"]) == (48_000_000, 0)
    assert machine.written(0x4001_380C) == [417]  # BRR: 48 MHz / 115200
    assert machine.written(0x4002_100C) == [0x0300_0C02]  # PLLCFGR: HSI16, M = 1, N = 12, R = 4 enabled
    assert machine.written(0x4002_2000) == [0x702]  # FLASH_ACR: 2 wait states, prefetch, both caches
    assert machine.written(0x4002_1060) == [1 << 14]  # APB2ENR.USART1EN
    assert machine.written(0x4800_0024)[-1] == 0x770  # GPIOA_AFRH: PA9 and PA10 on AF7


def with_tables(text: str, tables: str) -> str:
    """The board with some of its tables replaced."""
    for table in re.split(r"\n(?=\[)", tables.strip()):
        heading = table.splitlines()[0]
        pattern = re.compile(rf"^{re.escape(heading)}.*?(?=^\[|^#|\Z)", re.MULTILINE | re.DOTALL)
        text, replaced = pattern.subn(table.strip() + "\n\n", text, count=1)
        assert replaced == 1, heading
    return text


def test_the_nordic_example(tmp_path: Path) -> None:
    shipped = (shipped_folder("boards") / "nrf52840-dk" / "board.toml").read_text()
    text = with_tables(shipped, NORDIC).replace('id = "nrf52840-dk"', 'id = "my-nrf"')
    text = re.sub(r"^aliases = .*\n", "", text, flags=re.MULTILINE)
    path = add_board(tmp_path / "boards", "my-nrf", text)
    assert validate_board(path) == ()
    assert load_board("my-nrf", boards_dirs=(tmp_path / "boards",)).uart.baud == 230_400
    elf = build_probe("my-nrf", tmp_path / "fw", boards_dirs=(tmp_path / "boards",)).elf
    machine = NordicMachine(elf)
    assert fields(machine.ask())["status"] == 0
    assert machine.written(0x4000_2524) == [0x03B0_0000]  # BAUDRATE
    assert machine.written(0x4000_250C) == [0x29]  # PSEL.TXD: P1.09
    assert machine.written(0x4000_2514) == [0x0B]  # PSEL.RXD: P0.11
    assert machine.written(0x4000_0578) == [0]  # POWER.DCDCEN
    assert machine.written(0x5000_0A24) == [0x3]  # P1.PIN_CNF[9]: 0x5000_0300 + 0x700 + 4 * 9
    assert machine.written(0x5000_072C) == [0xC]  # P0.PIN_CNF[11]
