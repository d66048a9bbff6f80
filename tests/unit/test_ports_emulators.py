"""The parts of the emulator ports that need no emulator."""

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.boards import load_board
from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError
from ppg_deploy.ports import EmulatedMemory, emulated_board, open_emulator
from ppg_deploy.ports.block_recorder import BlockTrace
from ppg_deploy.ports.chip_model import make_chip
from ppg_deploy.ports.core_registers import (
    DEBUG_CONTROL,
    DWT_CONTROL,
    DWT_CYCLES,
    RESET_CONTROL,
    SYSTICK_CONTROL,
    SYSTICK_RELOAD,
    SYSTICK_VALUE,
    CoreRegisters,
)
from ppg_deploy.ports.firmware_image import Entry, FirmwareImage, Function, read_firmware_image
from ppg_deploy.ports.inference_window import InferenceWindow
from ppg_deploy.ports.interrupt_controller import InterruptController
from ppg_deploy.ports.nrf52_peripherals import DmaMemory
from ppg_deploy.ports.serial_link import BYTES_AT_A_TIME, IDLE_POLLS, SerialLink
from ppg_deploy.ports.stm32_peripherals import Stm32Peripherals
from ppg_deploy.ports.stm32_registers import FAMILIES, STM32F4, STM32L4
from ppg_deploy.timing import RUN, Block, FlashReader, Step

NETDUINO = emulated_board(load_board("netduinoplus2"))
NUCLEO = emulated_board(load_board("nucleo-l4"))


def test_boards_of_the_catalogue() -> None:
    # RM0090 2.3.1 and table 1; docs of QEMU's netduinoplus2.
    assert NETDUINO.cpu == "cortex-m4"
    assert NETDUINO.memory[0] == EmulatedMemory(0x08000000, 1 << 20, is_flash=True)
    assert NETDUINO.uart_base == 0x40011000
    assert (NETDUINO.qemu_machine, NETDUINO.qemu_serial) == ("netduinoplus2", 0)
    assert (NUCLEO.register_model, NUCLEO.qemu_machine) == ("stm32l4", None)


def test_unknown_emulator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'renoed'") as caught:
        open_emulator("renoed", elf=tmp_path / "f.elf", board=NETDUINO)
    assert "unicorn, qemu" in caught.value.hint


def an_elf(folder: Path) -> Path:
    """The smallest ARM executable: a header and no segments."""
    header = bytes.fromhex("7f454c46010101000000000000000000 0200 2800 01000000")
    header += (0).to_bytes(4, "little") * 3 + (0x05000200).to_bytes(4, "little")
    header += b"".join(value.to_bytes(2, "little") for value in (52, 32, 0, 40, 0, 0))
    path = folder / "empty.elf"
    path.write_bytes(header)
    return path


def test_missing_unicorn_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "unicorn", None)
    with pytest.raises(EnvironmentProblem, match="unicorn, which is not installed") as caught:
        open_emulator("unicorn", elf=an_elf(tmp_path), board=NUCLEO)
    assert "ppg-deploy[emulator]" in caught.value.hint


def test_missing_qemu_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentProblem, match="qemu-system-arm is not installed") as caught:
        open_emulator("qemu", elf=an_elf(tmp_path), board=NETDUINO)
    assert "apt-get install" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"not an ELF file, but long enough to hold a header" * 4])
def test_file_that_is_no_firmware_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "firmware.elf"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not an ELF file"):
        read_firmware_image(path)


def test_program_of_this_machine_is_refused() -> None:
    with pytest.raises(InputError, match="not an executable for ARM"):
        read_firmware_image(Path(sys.executable).resolve())


def test_missing_firmware_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the firmware"):
        read_firmware_image(tmp_path / "none.elf")


def test_functions_and_operators_of_an_image() -> None:
    functions = (
        Function(0x100, 8, "ppg_model_op_000"),
        Function(0x108, 4, "ppg_model_op_011.constprop.0"),
        Function(0x110, 0, "label"),
        Function(0x120, 4, "ppg_model_op_12"),
        Function(0x124, 4, "ppg_model_op_011_piece_001"),
    )
    image = FirmwareImage(Path("f.elf"), (), functions)
    assert image.operators(Entry.RUN) == {0: (functions[0],), 11: (functions[1], functions[4])}
    assert image.function_at(0x106) == "ppg_model_op_000"
    assert image.function_at(0x10C) == "0x0000010c"
    assert image.function_at(0x110) == "label"
    assert image.function_at(0x50) == "0x00000050"


class Chip:
    """Peripherals whose clock is set by hand."""

    def __init__(self) -> None:
        self.now = 0
        self.resets = 0
        self.link = SerialLink()
        core = CoreRegisters(
            cpu="cortex-m4",
            interrupts=InterruptController(lambda: ()),
            instructions=lambda: self.now,
            request_reset=self.count_reset,
        )
        self.peripherals = make_chip(
            STM32L4,
            uart_base=0x40004400,
            core=core,
            link=self.link,
            memory=DmaMemory(
                ranges=(), read=lambda _address, _count: b"", write=lambda _address, _data: None
            ),
        )

    def count_reset(self) -> None:
        self.resets += 1


def test_ready_bits_follow_their_enable_bits() -> None:
    chip = Chip().peripherals
    control, configuration = 0x40021000, 0x40021008
    chip.write(control, 1 << 8)
    assert chip.read(control) == (1 << 8) | (1 << 10)
    chip.write(control, (1 << 8) | (1 << 24))
    assert chip.read(control) == (1 << 8) | (1 << 10) | (1 << 24) | (1 << 25)
    chip.write(control, 0)
    assert chip.read(control) == 0
    chip.write(configuration, 0b0011)
    assert chip.read(configuration) == 0b1111
    assert STM32F4.always_set[0x40007004] & (1 << 14)


def test_cycle_counter_counts_only_when_enabled() -> None:
    chip = Chip()
    chip.peripherals.write(DWT_CYCLES, 0)
    chip.now = 100
    assert chip.peripherals.read(DWT_CYCLES) == 0
    chip.peripherals.write(DEBUG_CONTROL, 1 << 24)
    chip.peripherals.write(DWT_CONTROL, 1)
    chip.peripherals.write(DWT_CYCLES, 0xFFFFFFF0)
    chip.now = 116
    assert chip.peripherals.read(DWT_CYCLES) == 0
    chip.now = 117
    assert chip.peripherals.read(DWT_CYCLES) == 1


def test_system_timer_counts_down_and_reloads() -> None:
    chip = Chip()
    assert chip.peripherals.read(SYSTICK_VALUE) == 0
    chip.peripherals.write(SYSTICK_RELOAD, 0xFFFFFF)
    chip.peripherals.write(SYSTICK_VALUE, 0)
    chip.peripherals.write(SYSTICK_CONTROL, 5)
    values = []
    for chip.now in (0, 1, 2, 0xFFFFFF, 0x1000000, 0x1000001):
        values.append(chip.peripherals.read(SYSTICK_VALUE))
    assert values == [0, 0xFFFFFF, 0xFFFFFE, 1, 0, 0xFFFFFF]


def test_system_timer_leaves_zero_even_while_nothing_is_counted() -> None:
    chip = Chip()
    chip.peripherals.write(SYSTICK_RELOAD, 0xFFFFFF)
    chip.peripherals.write(SYSTICK_VALUE, 0)
    chip.peripherals.write(SYSTICK_CONTROL, 7)
    assert [chip.peripherals.read(SYSTICK_VALUE) for _ in range(4)] == [0, 0xFFFFFF, 0xFFFFFF, 0xFFFFFF]


def test_reset_needs_the_key() -> None:
    chip = Chip()
    chip.peripherals.write(RESET_CONTROL, 0x00000004)
    chip.peripherals.write(RESET_CONTROL, 0x05FA0000)
    assert chip.resets == 0
    chip.peripherals.write(RESET_CONTROL, 0x05FA0004)
    assert chip.resets == 1


def test_uart_registers() -> None:
    chip = Chip()
    status, receive, transmit = 0x4000441C, 0x40004424, 0x40004428
    assert chip.peripherals.read(status) == 0xC0
    chip.link.write(b"\x81")
    assert chip.peripherals.read(status) == 0xE0
    assert chip.peripherals.read(receive) == 0x81
    chip.peripherals.write(transmit, 0x142)
    assert chip.link.read(1, 0) == b"\x42"


def test_uart_asks_for_its_interrupt_while_a_byte_waits() -> None:
    """RM0351 40.8.1: RXNEIE is bit 5 of CR1; the line stays asserted until the last byte is read."""
    chip = Chip()
    control, receive = 0x40004400, 0x40004424
    chip.link.write(b"ab")
    assert not chip.peripherals.peripherals.wants_interrupt
    chip.peripherals.write(control, (1 << 5) | 0xD)
    for byte in b"ab":
        assert chip.peripherals.peripherals.wants_interrupt
        assert chip.peripherals.read(receive) == byte
    assert not chip.peripherals.peripherals.wants_interrupt


@pytest.mark.parametrize(
    ("family", "register", "power_on", "software", "clear"),
    [
        # Power-on: brown-out and pin (and power-on where there is a flag); software: SFTRSTF.
        ("stm32l4", 0x40021094, (1 << 27) | (1 << 26), 1 << 28, 1 << 23),
        ("stm32f4", 0x40023874, (1 << 27) | (1 << 26) | (1 << 25), 1 << 28, 1 << 24),
        ("stm32h7", 0x580244D0, (1 << 23) | (1 << 22) | (1 << 21), 1 << 24, 1 << 16),
        ("stm32wb", 0x58000094, (1 << 27) | (1 << 26), 1 << 28, 1 << 23),
    ],
)
def test_restart_flags(family: str, register: int, power_on: int, software: int, clear: int) -> None:
    description = FAMILIES[family]
    chip = Stm32Peripherals(description, uart_base=0x40004400, link=SerialLink())
    chip.reset(by_software=False)
    assert chip.read(register) & (power_on | software) == power_on
    chip.reset(by_software=True)
    assert chip.read(register) & (power_on | software) == power_on | software
    low_speed_oscillator = 1
    chip.write(register, clear | low_speed_oscillator)
    assert chip.read(register) & (power_on | software) == 0
    assert chip.read(register) & low_speed_oscillator
    chip.reset(by_software=True)
    assert chip.read(register) & software


def test_a_long_message_arrives_in_portions() -> None:
    """As from a line that is slower than the firmware: a sleeping one empties its buffer in between."""
    link = SerialLink()
    link.write(bytes(BYTES_AT_A_TIME + 1))
    for _ in range(BYTES_AT_A_TIME):
        assert link.has_byte
        link.take()
    assert not link.has_byte
    link.sleep(lambda: link.has_byte)
    assert link.has_byte


def test_idle_firmware_waits_for_the_host() -> None:
    link = SerialLink()
    polls = []

    def firmware() -> None:
        link.send(1)
        while not link.poll():
            polls.append(1)
        link.send(link.take() + 1)

    thread = threading.Thread(target=firmware, daemon=True)
    thread.start()
    assert link.read(10, 5) == b"\x01"
    assert link.wait_until_idle(5)
    assert len(polls) == IDLE_POLLS - 1
    link.write(b"\x07")
    assert link.read(1, 5) == b"\x08"
    thread.join(5)
    assert not thread.is_alive()


def test_link_delivers_what_was_sent_before_the_crash() -> None:
    link = SerialLink()
    link.send(5)
    link.fail(DeviceError("crashed", hint=""))
    assert link.read(10, 5) == b"\x05"
    with pytest.raises(DeviceError, match="crashed"):
        link.read(10, 5)


def test_link_read_is_bounded() -> None:
    start = time.monotonic()
    assert SerialLink().read(1, 0.05) == b""
    assert time.monotonic() - start < 1


RUN_FUNCTION = Function(0x100, 0x20, "ppg_model_run")
OPERATORS = {
    0: (Function(0x200, 0x10, "ppg_model_op_000"),),
    1: (Function(0x210, 0x10, "ppg_model_op_001"),),
}
MAIN, AFTER_CALL = Block(0x10, 4), Block(0x14, 4)
ENTRY, BETWEEN, END = Block(0x100, 8), Block(0x108, 4), Block(0x10C, 4)
OP_0, OP_1, KERNEL, HELPER = Block(0x200, 16), Block(0x210, 16), Block(0x300, 8), Block(0x400, 2)
CALL = [ENTRY, OP_0, KERNEL, KERNEL, BETWEEN, HELPER, BETWEEN, OP_1, KERNEL, END]
EXECUTED = [MAIN, KERNEL, *CALL, AFTER_CALL, MAIN, *CALL, AFTER_CALL]
EXPECTED_STEPS = {
    Step(RUN, ENTRY, 0x200): 1,
    Step(0, OP_0, 0x300): 1,
    Step(0, KERNEL, 0x300): 1,
    Step(0, KERNEL, 0x108): 1,
    Step(RUN, BETWEEN, 0x400): 1,
    Step(RUN, HELPER, 0x108): 1,
    Step(RUN, BETWEEN, 0x210): 1,
    Step(1, OP_1, 0x300): 1,
    Step(1, KERNEL, 0x10C): 1,
    Step(RUN, END, AFTER_CALL.address): 1,
}


# Positions in EXECUTED of blocks that read another line of flash: before the call, within it, and behind it.
READS = [1, 2, 5, 5, 9, 10, 11, 12, 16]
EXPECTED_FLASH_LINES = {
    FlashReader(RUN, ENTRY): 1,
    FlashReader(0, KERNEL): 2,
    FlashReader(1, OP_1): 1,
    FlashReader(1, KERNEL): 1,
    FlashReader(RUN, END): 1,
}


def trace(blocks: list[Block], reads: Sequence[int] = ()) -> BlockTrace:
    distinct = tuple(sorted(set(blocks)))
    order = np.array([distinct.index(block) for block in blocks], dtype=np.int64)
    return BlockTrace(distinct, order, np.array(reads, dtype=np.int64))


@pytest.mark.parametrize("piece", [1, 2, 3, 5, len(EXECUTED)])
@pytest.mark.parametrize("late", [False, True])
def test_window_does_not_depend_on_where_the_trace_is_cut(piece: int, late: bool) -> None:
    """A block's reads may arrive in the piece behind it (`late`), as the recorder may cut between the two."""
    window = InferenceWindow(RUN_FUNCTION, OPERATORS, with_flash_lines=True)
    window.return_address = AFTER_CALL.address
    for start in range(0, len(EXECUTED), piece):
        first, end = (start - 1, start + piece - 1) if late else (start, start + piece)
        reads = [position - start for position in READS if first <= position < end]
        window.consume(trace(EXECUTED[start : start + piece], reads))
    assert window.is_complete
    assert dict(window.steps) == EXPECTED_STEPS
    assert dict(window.flash_lines or {}) == EXPECTED_FLASH_LINES


def test_window_stays_incomplete_without_a_return() -> None:
    window = InferenceWindow(RUN_FUNCTION, OPERATORS)
    window.return_address = AFTER_CALL.address
    window.consume(trace(EXECUTED[:6]))
    assert not window.is_complete
