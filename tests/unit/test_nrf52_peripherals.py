"""The nRF52 model is as strict as silicon: what would not work there does not work here."""

from dataclasses import dataclass, field

import pytest

from ppg_deploy.boards import load_board
from ppg_deploy.errors import DeviceError
from ppg_deploy.ports import emulated_board
from ppg_deploy.ports.chip_model import DESCRIPTIONS, ChipModel, describe_chip, make_chip
from ppg_deploy.ports.core_registers import CoreRegisters
from ppg_deploy.ports.interrupt_controller import InterruptController
from ppg_deploy.ports.nrf52_peripherals import CHIPS, DmaMemory
from ppg_deploy.ports.serial_link import SerialLink

UARTE, RAM, RAM_BYTES = 0x4000_2000, 0x2000_0000, 0x100
START_RX, START_TX, END_RX, END_TX = 0x000, 0x008, 0x110, 0x120
ENABLE, PSEL_TXD, PSEL_RXD = 0x500, 0x50C, 0x514
RX_POINTER, RX_LIMIT, RX_AMOUNT, TX_POINTER, TX_LIMIT = 0x534, 0x538, 0x53C, 0x544, 0x548
INTERRUPT_SET, INTERRUPT_CLEAR, ERROR_SOURCE = 0x304, 0x308, 0x480
RESET_REASON = 0x4000_0400


@dataclass
class Chip:
    """An nRF52840 with little RAM."""

    link: SerialLink = field(default_factory=SerialLink)
    ram: bytearray = field(default_factory=lambda: bytearray(RAM_BYTES))
    model: ChipModel = field(init=False)

    def __post_init__(self) -> None:
        def write(address: int, data: bytes) -> None:
            self.ram[address - RAM : address - RAM + len(data)] = data

        self.model = make_chip(
            CHIPS["nrf52840"],
            uart_base=UARTE,
            core=CoreRegisters(
                cpu="cortex-m4",
                interrupts=InterruptController(lambda: ()),
                instructions=lambda: 0,
                request_reset=lambda: None,
            ),
            link=self.link,
            memory=DmaMemory(
                ranges=((RAM, RAM + RAM_BYTES),),
                read=lambda address, count: bytes(self.ram[address - RAM : address - RAM + count]),
                write=write,
            ),
        )

    def write(self, **values: int) -> None:
        """Registers of the UARTE by the names above."""
        for name, value in values.items():
            self.model.write(UARTE + globals()[name], value)

    def read(self, offset: int) -> int:
        return self.model.read(UARTE + offset)


@pytest.fixture
def chip() -> Chip:
    ready = Chip()
    ready.write(PSEL_TXD=6, PSEL_RXD=8, ENABLE=8, RX_POINTER=RAM, RX_LIMIT=1, TX_POINTER=RAM + 16)
    return ready


def test_sends_from_ram(chip: Chip) -> None:
    chip.ram[16:19] = b"abc"
    chip.write(TX_LIMIT=2, START_TX=1)
    assert chip.read(END_TX) == 1
    assert chip.link.read(10, 0) == b"ab"


def test_one_byte_for_each_start_of_the_receiver(chip: Chip) -> None:
    chip.link.write(b"\x81\x82")
    assert chip.read(END_RX) == 0  # not started
    chip.write(START_RX=1)
    assert (chip.read(END_RX), chip.read(RX_AMOUNT), chip.ram[0]) == (1, 1, 0x81)
    chip.write(END_RX=0)
    assert (chip.read(END_RX), chip.ram[0]) == (0, 0x81)
    chip.write(START_RX=1)
    assert (chip.read(END_RX), chip.ram[0]) == (1, 0x82)


def test_a_larger_buffer_ends_when_it_is_full(chip: Chip) -> None:
    chip.write(RX_LIMIT=2, START_RX=1)
    chip.link.write(b"xy")
    assert (chip.read(END_RX), chip.read(RX_AMOUNT)) == (0, 1)
    assert (chip.read(END_RX), chip.read(RX_AMOUNT)) == (1, 2)
    assert chip.ram[:2] == b"xy"


@pytest.mark.parametrize(
    ("without", "received", "sent"),
    [("PSEL_TXD", 1, b""), ("PSEL_RXD", 0, b"\0"), ("ENABLE", 0, b"")],
)
def test_nothing_passes_pins_that_are_not_connected_or_off(without: str, received: int, sent: bytes) -> None:
    chip = Chip()
    settings = {"PSEL_TXD": 6, "PSEL_RXD": 8, "ENABLE": 8}
    del settings[without]
    chip.write(**settings, RX_POINTER=RAM, RX_LIMIT=1, TX_POINTER=RAM + 16, TX_LIMIT=1)
    chip.link.write(b"x")
    chip.write(START_RX=1, START_TX=1)
    assert chip.read(END_RX) == received
    assert chip.link.read(1, 0) == sent


def test_pins_are_fixed_while_it_is_on(chip: Chip) -> None:
    chip.write(PSEL_TXD=3)
    assert chip.read(PSEL_TXD) == 6
    chip.write(ENABLE=0, PSEL_TXD=3)
    assert chip.read(PSEL_TXD) == 3


@pytest.mark.parametrize("pointer", [0x0000_1000, RAM + RAM_BYTES - 1, 0x3000_0000])
def test_dma_reaches_ram_only(chip: Chip, pointer: int) -> None:
    with pytest.raises(DeviceError, match=f"2 bytes at {pointer:#010x}, which is not RAM"):
        chip.write(TX_POINTER=pointer, TX_LIMIT=2, START_TX=1)


def test_reset_forgets_everything(chip: Chip) -> None:
    chip.write(START_RX=1)
    chip.model.write(0x4000_0000, 1)
    assert chip.model.read(0x4000_0100) == 1
    chip.model.reset(by_software=False)
    assert chip.read(PSEL_TXD) == 0xFFFF_FFFF
    assert chip.model.read(0x4000_0100) == 0
    chip.link.write(b"x")
    assert chip.read(END_RX) == 0


@pytest.mark.parametrize(
    ("board", "model"),
    [("nrf52840-dk", "nrf52840"), ("nrf52-dk", "nrf52832"), ("arduino-nano33ble", "nrf52840")],
)
def test_boards_name_their_chip(board: str, model: str) -> None:
    assert describe_chip(emulated_board(load_board(board))) is DESCRIPTIONS[model]


def test_asks_for_its_interrupt_once_a_byte(chip: Chip) -> None:
    """ENDRX is bit 4 of INTEN; the event is cleared by writing 0, and the receiver takes one buffer a start."""
    peripherals = chip.model.peripherals
    chip.link.write(b"\x80\x81\x82")
    chip.write(START_RX=1)
    assert not peripherals.wants_interrupt
    chip.write(END_RX=0, START_RX=1, INTERRUPT_SET=1 << 4)
    assert (chip.read(INTERRUPT_SET), chip.read(INTERRUPT_CLEAR)) == (1 << 4, 1 << 4)
    assert peripherals.wants_interrupt
    first = chip.ram[0]
    chip.write(END_RX=0)
    assert not peripherals.wants_interrupt
    chip.write(START_RX=1)
    assert peripherals.wants_interrupt
    assert (first, chip.ram[0]) == (0x81, 0x82)
    chip.write(INTERRUPT_CLEAR=1 << 4)
    assert not peripherals.wants_interrupt


def test_a_buffer_in_use_stays_where_it_is(chip: Chip) -> None:
    chip.write(START_RX=1, RX_POINTER=RAM + 8)
    chip.link.write(b"a")
    assert chip.read(END_RX) == 1
    assert (chip.ram[0], chip.ram[8]) == (ord("a"), 0)


def test_reset_reasons_add_up_until_they_are_cleared(chip: Chip) -> None:
    """POWER, RESETREAS: SREQ is bit 2, nothing is set after power-on, and writing 1 clears."""
    assert chip.model.read(RESET_REASON) == 0
    chip.model.reset(by_software=True)
    assert chip.model.read(RESET_REASON) == 1 << 2
    chip.model.write(RESET_REASON, 1 << 0)
    assert chip.model.read(RESET_REASON) == 1 << 2
    chip.model.write(RESET_REASON, 1 << 2)
    assert chip.model.read(RESET_REASON) == 0
    chip.model.reset(by_software=True)
    chip.model.reset(by_software=False)
    assert chip.model.read(RESET_REASON) == 0


def test_line_errors_never_happen(chip: Chip) -> None:
    chip.write(ERROR_SOURCE=0xF)
    assert chip.read(ERROR_SOURCE) == 0
