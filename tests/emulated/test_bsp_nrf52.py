"""The board support on nRF52: which registers it writes, and what it does when something does not work.

Expected values are worked out by hand from the nRF52840 product specification (CLOCK, POWER, NVMC, GPIO, UARTE).
"""

from pathlib import Path

import pytest
from bsp_nrf52 import END_RX, ERRORS, RAM, RAM_BYTES, START_RX, TX_COUNT, TX_POINTER, Machine
from bsp_probe import build_probe, fields
from elftools.elf.elffile import ELFFile

pytest.importorskip("unicorn", reason="the [emulator] extra is not installed")
pytestmark = pytest.mark.arm

DWT = 1
NANO_FLASH = 0x1_0000
VECTOR_TABLE, SYSTICK_CONTROL = 0xE000_ED08, 0xE000_E010
INTERRUPTS_OFF = (0xE000_E180, 0xE000_E184)
INTERRUPTS_NOT_PENDING = (0xE000_E280, 0xE000_E284)
PROTECTION_OFF = 0x4000_0558
BOOT = {"clk": 64_000_000, "status": 0, "counter": DWT, "stack": 4096, "data": 1, "cause": 1, "fault": 0}


@pytest.fixture(scope="module")
def dk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_probe("nrf52840-dk", tmp_path_factory.mktemp("dk") / "probe").elf


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_probe("arduino-nano33ble", tmp_path_factory.mktemp("nano") / "probe").elf


def symbol(elf: Path, name: str) -> int:
    with elf.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        return int(table.get_symbol_by_name(name)[0]["st_value"])


def test_dk_registers(dk: Path) -> None:
    machine = Machine(dk)
    assert fields(machine.ask()) == BOOT
    assert machine.written(0x4001_E540) == [1]  # NVMC.ICACHECNF: instruction cache on
    assert machine.written(0x4000_0578) == [1]  # POWER.DCDCEN
    assert machine.written(0x4000_0000) == [1]  # CLOCK.TASKS_HFCLKSTART: the crystal
    assert machine.written(0x5000_0508) == [1 << 6]  # P0.OUTSET: TX idles high
    assert machine.written(0x5000_0718) == [0x3]  # PIN_CNF[6]: output, input buffer off
    assert machine.written(0x5000_0720) == [0xC]  # PIN_CNF[8]: input, pull-up
    assert machine.written(0x4000_250C) == [6]  # PSEL.TXD
    assert machine.written(0x4000_2514) == [8]  # PSEL.RXD
    assert machine.written(0x4000_2508) == machine.written(0x4000_2510) == [0xFFFF_FFFF]  # no RTS, no CTS
    assert machine.written(0x4000_2524) == [0x01D6_0000]  # BAUDRATE: 115200
    assert machine.written(0x4000_256C) == [0]  # CONFIG: no parity, no flow control, one stop bit
    assert machine.written(0x4000_2500) == [0, 8]  # ENABLE: off, then UARTE and not the legacy UART
    assert machine.written(0x4000_2200) == [0]  # SHORTS: the receiver is started again by software
    assert machine.written(0x4000_2538) == [1]  # RXD.MAXCNT
    assert machine.written(0x4000_2304) == [1 << 4]  # INTENSET: ENDRX
    assert machine.written(0xE000_E100) == [1 << 2]  # NVIC_ISER0: interrupt 2
    order = [address for address, _ in machine.writes]
    enabled = machine.writes.index((0x4000_2500, 8))
    for before in (0x5000_0718, 0x5000_0720, 0x4000_250C, 0x4000_2514, 0x4000_2524):
        assert order.index(before) < enabled
    assert not set(order) & set(INTERRUPTS_OFF)
    assert machine.written(VECTOR_TABLE) == [0]


def test_nano_registers_of_port_1(nano: Path) -> None:
    machine = Machine(nano, flash_origin=NANO_FLASH)
    assert fields(machine.ask()) == BOOT
    assert machine.written(0x4000_0578) == [0]  # POWER.DCDCEN: the inductor is not proven to be there
    assert machine.written(0x5000_0808) == [1 << 3]  # P1.OUTSET
    assert machine.written(0x5000_0A0C) == [0x3]  # P1.PIN_CNF[3]
    assert machine.written(0x5000_0A28) == [0xC]  # P1.PIN_CNF[10]
    assert machine.written(0x4000_250C) == [(1 << 5) | 3]  # PSEL.TXD: P1.03
    assert machine.written(0x4000_2514) == [(1 << 5) | 10]  # PSEL.RXD: P1.10
    assert not machine.written(0x5000_0718)  # P0.06, the DK's TX, is an LED here
    assert machine.written(VECTOR_TABLE) == [NANO_FLASH]


def test_nano_takes_over_whatever_the_bootloader_left(nano: Path) -> None:
    somewhere = RAM + RAM_BYTES - 0x100
    machine = Machine(nano, flash_origin=NANO_FLASH, stack_pointer=somewhere)
    machine.set_core_register("PRIMASK", 1)
    assert fields(machine.ask()) == BOOT
    order = [address for address, _ in machine.writes]
    for address in (*INTERRUPTS_OFF, *INTERRUPTS_NOT_PENDING):
        assert machine.written(address) == [0xFFFF_FFFF]  # 48 interrupts: two words
        assert order.index(address) < order.index(VECTOR_TABLE)
    assert machine.written(SYSTICK_CONTROL)[0] == 0
    assert order.index(SYSTICK_CONTROL) < order.index(VECTOR_TABLE)
    assert machine.written(0xE000_ED04) == [0x0A00_0000]  # ICSR: PENDSVCLR, PENDSTCLR
    assert machine.core_register("PRIMASK") == 0
    assert symbol(nano, "_stack_limit") < machine.core_register("SP") <= symbol(nano, "_estack")
    assert machine.ask("!") == "BYTE 33"


@pytest.mark.parametrize(
    ("part", "revision", "protection", "written"),
    [
        pytest.param(0x08, 0x05, 0x5A, [0x5A], id="nrf52840-open"),
        pytest.param(0x08, 0x05, 0x00, [0x00], id="nrf52840-protected-on-purpose"),
        pytest.param(0x08, 0x04, 0x5A, [], id="nrf52840-before-the-register"),
        pytest.param(0x06, 0x07, 0x5A, [0x5A], id="nrf52832-open"),
        pytest.param(0x06, 0x06, 0x5A, [], id="nrf52832-before-the-register"),
    ],
)
def test_debug_port_stays_as_the_owner_chose(
    dk: Path, part: int, revision: int, protection: int, written: list[int]
) -> None:
    machine = Machine(dk, part=part, revision=revision, protection=protection)
    assert fields(machine.ask()) == BOOT
    assert machine.written(PROTECTION_OFF) == written


def test_without_a_crystal_it_goes_on_and_says_so(dk: Path) -> None:
    machine = Machine(dk, crystal_starts=False)
    assert fields(machine.ask()) == {**BOOT, "status": 1}
    assert machine.ask("!") == "BYTE 33"


def test_only_ram_is_handed_to_dma(dk: Path) -> None:
    machine = Machine(dk)
    machine.ask()
    assert machine.ask("cs!")
    for pointer in (*machine.written(TX_POINTER), *machine.written(0x4000_2534)):
        assert RAM <= pointer < RAM + RAM_BYTES
    # 115200 baud are 11520 bytes a second: at most 57 bytes in 5 ms.
    assert 0 < max(machine.written(TX_COUNT)) <= 57


def test_the_receiver_is_started_once_a_byte(dk: Path) -> None:
    machine = Machine(dk)
    machine.ask()
    assert len(machine.written(START_RX)) == 1
    assert machine.ask("xyz").split("\n") == ["BYTE 120", "BYTE 121", "BYTE 122"]
    assert len(machine.written(START_RX)) == 4
    # The event is cleared before the receiver may set it again.
    uarte = [entry for entry in machine.writes if entry[0] in (START_RX, END_RX)]
    assert uarte == [(END_RX, 0), (START_RX, 1)] * 4


def test_overruns_are_counted_and_cleared(dk: Path) -> None:
    machine = Machine(dk)
    machine.ask()
    machine.errors = 0b0101  # overrun and framing
    assert machine.ask("!") == "BYTE 33"
    assert machine.written(ERRORS)[-1] == 0b0101
    assert machine.errors == 0
    machine.errors = 0b0100
    assert machine.ask("v") == "OVERRUNS 1"


def test_a_dead_transmitter_does_not_hang(dk: Path) -> None:
    machine = Machine(dk, transmitter_works=False)
    machine.ask()
    assert machine.polls_of_sending[:2] == [100_000, 100_000]  # PPG_WAIT_POLLS for one part, then the next
