"""Builds the small firmware of firmware/, whose work can be counted by hand."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ppg_deploy.ports import EmulatedBoard, EmulatedMemory

SOURCES = Path(__file__).parent / "firmware"
COMPILER = "arm-none-eabi-gcc"

# By hand from firmware/model.S, with the costs of table 3-1 of the Cortex-M4 TRM and P = 2.
EXPECTED_INSTRUCTIONS = {
    "ppg_model_run": 1 + 5 + 1 + 1,  # push, five bl, movs, pop
    "copy_result": 1 + 1,
    "ppg_model_op_000": 1 + 100 * 2 + 1,
    "ppg_model_op_001": 1 + 2 + 1,
    "thousand_nops": 1000 + 1,
    "long_loop": 1 + 50_000 * 22 + 1,
    "ppg_model_op_002": 1,
    "ppg_model_op_003": 2 + 7 + 1 + 2 + 1,
}
EXPECTED_CYCLES = {
    "ppg_model_run": (1 + 2) + 5 * 3 + 1 + (1 + 2 + 2),
    "copy_result": 1 + 3,
    "ppg_model_op_000": 1 + 100 * 1 + (99 * 3 + 1) + 3,
    "ppg_model_op_001": (1 + 2) + 2 * 3 + (1 + 2 + 2),
    "thousand_nops": 1000 + 3,
    "long_loop": 1 + 50_000 * (20 + 1) + (49_999 * 3 + 1) + 3,
    "ppg_model_op_002": 3,
    "ppg_model_op_003": 2 + (2 + 6 * 1) + 3 + 2 * (1 + 3) + 3,
}
# 0, 1, 0, 1; 2; 0; 1 of the comment in model.S.
EXPECTED_FLASH_LINES = 7


STM32L4 = EmulatedBoard(
    id="fixture-l4",
    cpu="cortex-m4",
    memory=(EmulatedMemory(0x08000000, 1 << 20, True), EmulatedMemory(0x20000000, 96 << 10, False)),
    uart_base=0x40004400,
    uart_interrupt=38,
    register_model="stm32l4",
    qemu_machine=None,
    qemu_serial=None,
    systick_hz=None,
)
STM32F4 = EmulatedBoard(
    id="fixture-f4",
    cpu="cortex-m4",
    memory=(EmulatedMemory(0x08000000, 1 << 20, True), EmulatedMemory(0x20000000, 128 << 10, False)),
    uart_base=0x40011000,
    uart_interrupt=37,
    register_model="stm32f4",
    qemu_machine="netduinoplus2",
    qemu_serial=0,
    systick_hz=168_000_000,
)
BOARDS = {"STM32L4": STM32L4, "STM32F4": STM32F4}

# 'B', counter source (1 DWT, 2 SysTick), clock reached, a .data word as the linker set it, end.
BOOT_UNICORN = b"B\x01\x01\x78\x56\x34\x12\x00"
BOOT_QEMU = b"B\x02\x00\x78\x56\x34\x12\x00"


def build_fixture(family: str, folder: Path) -> Path:
    """ELF of the fixture for "STM32L4" or "STM32F4"; skips the test without a compiler."""
    if shutil.which(COMPILER) is None:
        pytest.skip(f"{COMPILER} is not installed")
    elf = folder / f"{family}.elf"
    subprocess.run(
        [
            *(COMPILER, "-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
            *("-O2", "-std=gnu11", "-ffreestanding", "-nostdlib"),
            *("-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion"),
            *(f"-D{family}", "-T", str(SOURCES / "fixture.ld"), "-o", str(elf)),
            *(str(SOURCES / "fixture.c"), str(SOURCES / "model.S"), "-lgcc"),
        ],
        check=True,
        timeout=60,
    )
    return elf


def word(data: bytes) -> int:
    """A little-endian 32-bit word."""
    assert len(data) == 4
    return int.from_bytes(data, "little")
