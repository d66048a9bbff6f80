"""Baud rate registers of every STM32 board planned, compiled for the host from the firmware's own header."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from ppg_deploy.shipped import shipped_folder

FLAGS = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-shared", "-fPIC")
WRAPPER = """
#include "ppg_stm32_baud.h"
uint32_t usart(uint32_t clock_hz, uint32_t baud) { return ppg_stm32_usart_divider(clock_hz, baud); }
uint32_t lpuart(uint32_t clock_hz, uint32_t baud) { return ppg_stm32_lpuart_divider(clock_hz, baud); }
"""


@pytest.fixture(scope="module")
def baud(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    if shutil.which("gcc") is None:
        pytest.skip("no host compiler")
    folder: Path = tmp_path_factory.mktemp("baud")
    (folder / "baud.c").write_text(WRAPPER)
    subprocess.run(
        ["gcc", *FLAGS, "-I", str(shipped_folder("firmware") / "bsp" / "stm32"), "-o", "baud.so", "baud.c"],
        cwd=folder,
        check=True,
        timeout=60,
    )
    return ctypes.CDLL(str(folder / "baud.so"))


@pytest.mark.parametrize(
    ("function", "clock_hz", "register"),
    [
        pytest.param("usart", 80_000_000, 0x2B6, id="L476-USART2"),
        pytest.param("lpuart", 120_000_000, 0x411AB, id="L4R5-LPUART1"),
        pytest.param("usart", 42_000_000, 0x16D, id="F405-USART2"),
        pytest.param("usart", 84_000_000, 0x2D9, id="F405-USART1"),
        pytest.param("usart", 45_000_000, 0x187, id="F446-USART2"),
        pytest.param("usart", 50_000_000, 0x1B2, id="F411-USART2"),
        pytest.param("usart", 100_000_000, 0x364, id="H743-USART3"),
        pytest.param("usart", 64_000_000, 0x22C, id="WB55-USART1"),
    ],
)
def test_golden_register_values(baud: ctypes.CDLL, function: str, clock_hz: int, register: int) -> None:
    assert getattr(baud, function)(clock_hz, 115_200) == register
