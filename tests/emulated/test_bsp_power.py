"""What measuring power needs of the chips: single functions of the board support, called in unicorn with every register
access logged. Expected values are worked out by hand from the reference manuals (RM0351, RM0090; nRF52840 product
specification).
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from bsp_probe import PROBE_MODEL

from ppg_deploy.boards import load_board
from ppg_deploy.building import build_firmware
from ppg_deploy.project import render_project

pytest.importorskip("unicorn", reason="the [emulator] extra is not installed")
pytestmark = pytest.mark.arm

MAIN = """
#include "ppg_bsp.h"

int main(void) {
  ppg_bsp_init();
  ppg_bsp_silence();
  ppg_bsp_gate(true);
  ppg_bsp_pause(1u, true);
  ppg_bsp_speak();
  return 0;
}

void ppg_bsp_fault_hook(const ppg_fault_t *fault) { (void)fault; }
"""
SYSTICK_CONTROL, SYSTICK_RELOAD, SYSTICK_VALUE = 0xE000_E010, 0xE000_E014, 0xE000_E018
INTERRUPT_STATE = 0xE000_ED04
COUNTED_TO_ZERO = 1 << 16
RETURN = 0x2000_0100
STACK = 0x2000_1000


@dataclass
class Chip:
    """An image whose functions can be called. Registers read as they were written, or as `reads` says."""

    elf: Path
    reads: Mapping[int, Callable[[int], int]] = field(default_factory=dict)
    writes: list[tuple[int, int]] = field(default_factory=list)
    registers: dict[int, int] = field(default_factory=dict)
    waits: int = 0
    """How often the core went to sleep."""

    def call(self, name: str, *arguments: int) -> None:
        from elftools.elf.elffile import ELFFile
        from unicorn import UC_ARCH_ARM, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
        from unicorn.arm_const import (
            UC_ARM_REG_LR,
            UC_ARM_REG_PC,
            UC_ARM_REG_R0,
            UC_ARM_REG_R1,
            UC_ARM_REG_SP,
            UC_CPU_ARM_CORTEX_M4,
        )

        uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M4)
        with self.elf.open("rb") as stream:
            elf = ELFFile(stream)
            uc.mem_map(0x2000_0000, 0x1_0000)
            origin = min(part["p_paddr"] for part in elf.iter_segments("PT_LOAD") if part["p_filesz"])
            uc.mem_map(origin, 0x2_0000)
            for part in elf.iter_segments("PT_LOAD"):
                if part["p_filesz"]:
                    uc.mem_write(part["p_paddr"], part.data())
            symbols = elf.get_section_by_name(".symtab").get_symbol_by_name(name)
        for base, size in (
            (0x4000_0000, 0x10_0000),
            (0x4800_0000, 0x1_0000),
            (0x5000_0000, 0x1000),
            (0xE000_0000, 0x10_0000),
        ):
            uc.mmio_map(base, size, self._read, base, self._write, base)
        for register, value in zip((UC_ARM_REG_R0, UC_ARM_REG_R1), arguments, strict=False):
            uc.reg_write(register, value)
        uc.reg_write(UC_ARM_REG_LR, RETURN | 1)
        uc.reg_write(UC_ARM_REG_SP, STACK)
        at = symbols[0]["st_value"] & ~1
        for _ in range(1000):
            uc.emu_start(at | 1, RETURN, timeout=10_000_000)
            at = uc.reg_read(UC_ARM_REG_PC) & ~1
            if at == RETURN:
                return
            assert bytes(uc.mem_read(at - 2, 2)) == b"\x30\xbf", f"{name} stopped at {at:#x}, not at a WFI"
            self.waits += 1
        raise AssertionError(f"{name} never returns")

    def written(self, address: int) -> list[int]:
        return [value for at, value in self.writes if at == address]

    def _read(self, _uc: Any, offset: int, _size: int, base: int) -> int:
        address = base + offset
        value = self.registers.get(address, 0)
        return self.reads[address](value) if address in self.reads else value

    def _write(self, _uc: Any, offset: int, _size: int, value: int, base: int) -> None:
        self.writes.append((base + offset, value))
        self.registers[base + offset] = value


def build(board: str, folder: Path) -> Path:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    project = render_project(board=load_board(board), model=PROBE_MODEL, folder=folder)
    shutil.rmtree(folder / "src" / "app")
    shutil.rmtree(folder / "src" / "protocol")
    (folder / "src" / "probe").mkdir()
    (folder / "src" / "probe" / "main.c").write_text(MAIN)
    return build_firmware(project, verbose=True).elf


@pytest.fixture(scope="module")
def l476(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("nucleo-l4", tmp_path_factory.mktemp("l476") / "probe")


@pytest.fixture(scope="module")
def f405(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("netduinoplus2", tmp_path_factory.mktemp("f405") / "probe")


@pytest.fixture(scope="module")
def nrf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("nrf52840-dk", tmp_path_factory.mktemp("nrf") / "probe")


def test_l476_gate_is_pa10(l476: Path) -> None:
    chip = Chip(l476, registers={0x4800_0000: 0xABFF_FFFF})  # GPIOA_MODER after reset
    chip.call("ppg_chip_gate_init")
    assert chip.writes == [
        (0x4002_104C, 1),  # RCC_AHB2ENR: GPIOA
        (0x4800_0018, 1 << 26),  # BSRR: PA10 low before it becomes an output
        (0x4800_0000, 0xABDF_FFFF),  # MODER10 = 01
    ]
    chip.call("ppg_chip_gate", 1)
    chip.call("ppg_chip_gate", 0)
    assert chip.written(0x4800_0018)[1:] == [1 << 10, 1 << 26]


def test_f405_gate_is_pa3(f405: Path) -> None:
    chip = Chip(f405, registers={0x4002_0000: 0xA800_0000})
    chip.call("ppg_chip_gate_init")
    # AHB1ENR, BSRR, MODER3 = 01
    assert chip.writes == [(0x4002_3830, 1), (0x4002_0018, 1 << 19), (0x4002_0000, 0xA800_0040)]


def test_nrf52840_gate_is_p1_03(nrf: Path) -> None:
    chip = Chip(nrf)
    chip.call("ppg_chip_gate_init")
    chip.call("ppg_chip_gate", 1)
    # P1.OUTCLR, P1.PIN_CNF[3]: output, input buffer off; P1.OUTSET
    assert chip.writes == [(0x5000_080C, 8), (0x5000_0A0C, 3), (0x5000_0808, 8)]


def test_l476_uart_off(l476: Path) -> None:
    chip = Chip(l476, registers={0x4002_1058: 0x0002_0001})
    chip.call("ppg_chip_uart_off")
    assert chip.writes == [(0x4000_4400, 0), (0x4002_1058, 1)]  # USART2_CR1, RCC_APB1ENR1 without bit 17


def test_nrf52840_uart_off(nrf: Path) -> None:
    chip = Chip(nrf, {0x4000_2144: lambda _: 1})
    chip.call("ppg_chip_uart_off")
    assert chip.writes == [(0x4000_2144, 0), (0x4000_2004, 1), (0x4000_2500, 0)]  # RXTO, STOPRX, ENABLE


def systick() -> dict[int, Callable[[int], int]]:
    """A SysTick that counts, and reaches zero at every other look."""
    looks = {"value": 0, "control": 0}

    def value(_: int) -> int:
        looks["value"] += 1
        return looks["value"] & 0xFF_FFFF

    def control(written: int) -> int:
        looks["control"] += 1
        return written & 7 | (COUNTED_TO_ZERO if looks["control"] % 3 == 0 else 0)

    return {SYSTICK_VALUE: value, SYSTICK_CONTROL: control}


@pytest.mark.parametrize("asleep", [0, 1])
def test_stm32_pause_is_counted_in_whole_turns_of_24_bits(l476: Path, asleep: int) -> None:
    chip = Chip(l476, systick(), registers={SYSTICK_RELOAD: 0x123456, SYSTICK_CONTROL: 7})
    chip.call("ppg_bsp_pause", 10_000, asleep)
    # The clock was not started, so the core runs at the 4 MHz of reset: 40,000,000 ticks = 2 * 16,777,215 + 6,445,570
    assert chip.written(SYSTICK_RELOAD) == [16_777_214, 16_777_214, 6_445_569, 0x123456]
    assert chip.registers[SYSTICK_CONTROL] == 7  # as it was before
    started = [value for value in chip.written(SYSTICK_CONTROL) if value & 1]
    assert started == [7 if asleep else 5] * 3 + [7]  # with or without its interrupt
    assert (chip.waits >= 3) is bool(asleep)
    assert chip.written(INTERRUPT_STATE)[-1] == 1 << 25  # no tick is left pending


def test_pause_without_a_timer_takes_no_time(l476: Path) -> None:
    chip = Chip(l476)
    chip.call("ppg_bsp_pause", 10_000, 1)
    assert chip.waits == 0


def test_nrf_sleeps_by_the_real_time_counter(nrf: Path) -> None:
    counter = {"now": 0}

    def count(_: int) -> int:
        counter["now"] += 1
        return counter["now"]

    def compared(_: int) -> int:
        counter["now"] += 100
        return int(counter["now"] >= 1638)

    chip = Chip(
        nrf,
        {
            0x4000_0418: lambda _: 1 << 16,  # LFCLKSTAT: runs
            0x4000_B504: count,
            0x4000_B140: compared,
            0x4001_0400: lambda _: 0,  # WDT.RUNSTATUS: stands
        },
    )
    chip.call("ppg_bsp_pause", 50, 1)
    assert chip.written(0x4000_B540) == [1638]  # CC[0]: 50 ms of 32768 Hz
    assert chip.waits >= 10
    assert chip.written(0x4000_B304) == [1 << 16]  # INTENSET.COMPARE0
    assert chip.written(0x4000_B308) == [1 << 16]  # and off again
    assert chip.written(0xE000_E100) == [1 << 11]  # RTC0 in the NVIC
    assert chip.written(0xE000_E180) == [1 << 11]


def test_nrf_waits_awake_where_its_low_frequency_clock_does_not_start(nrf: Path) -> None:
    chip = Chip(nrf, systick())
    chip.call("ppg_bsp_pause", 50, 1)
    assert chip.written(SYSTICK_RELOAD)[0] == 3_199_999  # 50 ms of 64 MHz
    assert chip.waits == 0
    assert chip.written(0x4000_B000) == []
