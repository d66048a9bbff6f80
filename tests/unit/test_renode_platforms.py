"""renode.repl of every board against board.toml, the linker script, and what the firmware needs; no Renode involved."""

import itertools
import re
from pathlib import Path

import pytest
from fake_model import fake_model

from ppg_deploy.boards import Board, Stm32Usart, board_file, list_boards, load_board
from ppg_deploy.ports.emulated_board import RENODE_PLATFORM, emulated_board
from ppg_deploy.project import render_project
from tests.support.commands import REPOSITORY
from tests.support.repl import Interrupt, Peripheral, parse_repl, read_repl
from tests.support.repl_stub import OldRequest, Request, stubs_of

BOARDS = [board for board in list_boards() if board.emulators.renode is not None]
IDS = [board.id for board in BOARDS]
EITHER_RENODE = pytest.mark.parametrize("request_class", [Request, OldRequest], ids=["1.16.1", "1.15"])

# Peripheral interrupts and models of the chips' consoles: RM0351 table 57, RM0090 table 61, nRF52840 product
# specification (instance number = bits 12 and up of the address); models of renode-infrastructure.
CONSOLES = {
    "nucleo-l476rg": ("UART.STM32F7_USART", 38),
    "b-l475e-iot01a": ("UART.STM32F7_USART", 37),
    "netduinoplus2": ("UART.STM32_UART", 37),
    "nrf52840-dk": ("UART.NRF52840_UART", 2),
}
# Parameters that the constructors in renode-infrastructure have in every version from 2023 to 2026 that was read.
PARAMETERS = {
    "Memory.MappedMemory": {"size"},
    "IRQControllers.NVIC": {"priorityMask", "systickFrequency"},
    "CPU.CortexM": {"cpuType", "nvic", "PerformanceInMips"},
    "Miscellaneous.DWT": {"frequency"},
    "UART.STM32F7_USART": {"frequency"},
    "UART.STM32_UART": {"frequency"},
    "UART.NRF52840_UART": {"easyDMA"},
    "Timers.STM32_IndependentWatchdog": {"frequency", "windowOption", "defaultPrescaler"},
    "Timers.NRF52840_Watchdog": set(),
    "Timers.NRF52840_RTC": {"numberOfEvents"},
    "Timers.STM32F4_RTC": set(),
    "GPIOPort.STM32_GPIOPort": {"modeResetValue", "numberOfAFs"},
    "Python.PythonPeripheral": {"size", "initable", "script"},
    "MTD.STM32F4_FlashController": {"flash"},
    "Miscellaneous.STM32F4_RCC": {"rtcPeripheral"},
    "Miscellaneous.STM32_PWR": set(),
}
# Sizes that the models themselves have (`Size => ...`), for those that are registered without one.
MODEL_SIZES = {
    "IRQControllers.NVIC": 0x1000,
    "Miscellaneous.DWT": 0x1000,
    "UART.STM32F7_USART": 0x400,
    "UART.NRF52840_UART": 0x1000,
    "Timers.STM32_IndependentWatchdog": 0x400,
    "Timers.NRF52840_Watchdog": 0x1000,
    "Timers.NRF52840_RTC": 0x1000,
    "Timers.STM32F4_RTC": 0x400,
    "MTD.STM32F4_FlashController": 0x400,
    "Miscellaneous.STM32F4_RCC": 0x400,
    "Miscellaneous.STM32_PWR": 0x400,
}


@pytest.fixture(params=BOARDS, ids=IDS)
def board(request: pytest.FixtureRequest) -> Board:
    assert isinstance(request.param, Board)
    return request.param


def path_of(board: Board) -> Path:
    path = board_file(board.id, RENODE_PLATFORM)
    assert path is not None
    return path


@pytest.fixture
def platform(board: Board) -> dict[str, Peripheral]:
    return read_repl(path_of(board))


def only(platform: dict[str, Peripheral], model: str) -> Peripheral:
    (found,) = (one for one in platform.values() if one.model == model)
    return found


def test_the_four_boards() -> None:
    assert set(IDS) == set(CONSOLES)


def test_every_platform_file_belongs_to_a_board_that_says_so() -> None:
    assert {path.parent.name for path in REPOSITORY.glob("boards/*/renode.repl")} == set(IDS)


def test_memory_is_that_of_board_toml(board: Board, platform: dict[str, Peripheral]) -> None:
    modelled = {
        (one.bases, one.number("size")) for one in platform.values() if one.model == "Memory.MappedMemory"
    }
    assert modelled == {((region.origin,), region.size_bytes) for region in board.memory}


def test_memory_is_that_of_the_linker_script(
    board: Board, platform: dict[str, Peripheral], tmp_path: Path
) -> None:
    render_project(board=board, model=fake_model(), folder=tmp_path / "fw")
    text = (tmp_path / "fw" / "linker" / f"{board.platformio_id}.ld").read_text()
    linked = {
        (int(origin, 0), int(length, 0))
        for origin, length in re.findall(r"ORIGIN = (\w+), LENGTH = (\w+)", text)
    }
    modelled = {
        (one.bases[0], one.number("size")) for one in platform.values() if one.model == "Memory.MappedMemory"
    }
    assert linked == modelled


def test_console_is_that_of_board_toml(board: Board, platform: dict[str, Peripheral]) -> None:
    assert board.emulators.renode is not None
    console = platform[board.emulators.renode.uart]
    model, interrupt = CONSOLES[board.id]
    assert console.model == model
    assert console.bases == (board.uart.base,)
    (line,) = console.interrupts
    assert (line.receiver, line.number) == ("nvic", interrupt)
    assert interrupt == board.uart.interrupt
    assert line.output in ("", "IRQ")


def test_console_runs_from_the_clock_that_the_baud_rate_is_divided_from(
    board: Board, platform: dict[str, Peripheral]
) -> None:
    assert board.emulators.renode is not None
    console = platform[board.emulators.renode.uart]
    if not isinstance(board.uart, Stm32Usart):
        # BAUDRATE of a UARTE alone says the rate.
        assert console.attributes == {"easyDMA": "true"}
        return
    divider = board.clock.settings["apb1_divider" if board.uart.kernel_clock == "pclk1" else "apb2_divider"]
    assert console.number("frequency") == board.clock_hz // divider


def test_ticks_are_instructions(board: Board, platform: dict[str, Peripheral]) -> None:
    """CYCCNT = instructions * dwt.frequency / PerformanceInMips (measured, emulation.md 6.5); SysTick likewise."""
    cpu, dwt, nvic = (
        only(platform, model) for model in ("CPU.CortexM", "Miscellaneous.DWT", "IRQControllers.NVIC")
    )
    assert cpu.number("PerformanceInMips") * 1_000_000 == board.clock_hz
    assert dwt.number("frequency") == board.clock_hz
    assert nvic.number("systickFrequency") == board.clock_hz
    assert cpu.attributes["cpuType"] == f'"{board.core.cpu}"'
    assert cpu.attributes["nvic"] == nvic.name
    assert nvic.interrupts == (Interrupt("IRQ", cpu.name, 0),)
    # ARMv7-M ARM, B3.1, C1.8.
    assert (nvic.bases, dwt.bases) == ((0xE000E000,), (0xE0001000,))
    # Priority bits: 4 on an STM32 (PM0214, 4.2.7), 3 on an nRF52 (product specification, Cortex-M4F configuration).
    assert nvic.number("priorityMask") == (0xE0 if board.family == "nrf52" else 0xF0)


def test_watchdog_is_where_the_firmware_feeds_it(board: Board, platform: dict[str, Peripheral]) -> None:
    is_nordic = board.family == "nrf52"
    watchdog = only(platform, "Timers.NRF52840_Watchdog" if is_nordic else "Timers.STM32_IndependentWatchdog")
    # RM0351 and RM0090, memory maps; nRF52840 product specification, chapter WDT.
    assert watchdog.bases == (0x40010000 if is_nordic else 0x40003000,)
    if not is_nordic:
        assert watchdog.number("frequency") == 32_000
        # Only the L4 has IWDG_WINR.
        assert watchdog.attributes["windowOption"] == ("true" if board.family == "stm32l4" else "false")


def test_gpio_ports_of_the_console_are_there(board: Board, platform: dict[str, Peripheral]) -> None:
    if not isinstance(board.uart, Stm32Usart):
        return
    base = 0x48000000 if board.family == "stm32l4" else 0x40020000
    for pin in (board.uart.tx_pin, board.uart.rx_pin):
        port = platform[f"gpioPort{pin[1]}"]
        assert port.bases == (base + 0x400 * (ord(pin[1]) - ord("A")),)
        assert port.bus_size == 0x400


def test_only_models_and_parameters_that_were_checked(platform: dict[str, Peripheral]) -> None:
    for one in platform.values():
        assert set(one.attributes) <= PARAMETERS[one.model], one.name


def test_interrupts_go_to_peripherals_that_exist(board: Board, platform: dict[str, Peripheral]) -> None:
    for one in platform.values():
        for line in one.interrupts:
            assert line.receiver in platform
            if line.receiver == "nvic":
                assert 0 <= line.number < board.core.interrupts


def test_nothing_overlaps(platform: dict[str, Peripheral]) -> None:
    taken = []
    for one in platform.values():
        size = one.bus_size or (
            one.number("size") if "size" in one.attributes else MODEL_SIZES.get(one.model)
        )
        assert size or not one.bases, one.name
        taken += [(base, base + (size or 0), one.name) for base in one.bases]
    taken.sort()
    for (_, end, below), (start, _, above) in itertools.pairwise(taken):
        assert end <= start, f"{below} and {above} overlap"


def test_nothing_is_fetched_and_nothing_is_taken_from_elsewhere(board: Board) -> None:
    text = path_of(board).read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.startswith("//"))
    for word in ("http", "ApplySVD", "using ", "@ /", '"/', "\n    init:", "\nsysbus:", "\t"):
        assert word not in code, word
    # Renode's reader takes a double quotation mark inside a script for the start of a string, and braces for blocks.
    for script in re.findall(r"'''(.*?)'''", code, re.DOTALL):
        assert '"' not in script
        assert "//" not in script
        assert script.count("{") == script.count("}")


def test_every_register_that_the_firmware_touches_is_modelled(
    board: Board, platform: dict[str, Peripheral]
) -> None:
    """Addresses in firmware/bsp that are written out; those relative to a base are covered by the base."""
    spans = []
    for one in platform.values():
        size = one.bus_size or (
            one.number("size") if "size" in one.attributes else MODEL_SIZES.get(one.model)
        )
        spans += [(base, base + (size or 0)) for base in one.bases]
    texts = [
        path.read_text(encoding="utf-8")
        for folder in board.bsp_folders
        for path in (REPOSITORY / "firmware" / "bsp" / folder).glob("*.[ch]")
    ]
    addresses = {
        int(found, 16)
        for text in texts
        for found in re.findall(
            r"#define \w+ \(?0x(4[0-9A-F]{7}|500[0-9A-F]{5}|1000[0-9A-F]{4}|E00[0-9A-F]{5})u", text
        )
    }
    assert len(addresses) >= 10
    known = {0x50000300} if board.family == "nrf52" else set()
    missing = [hex(a) for a in sorted(addresses - known) if not any(low <= a < high for low, high in spans)]
    assert not missing


@EITHER_RENODE
def test_l4_clocks_start(request_class: type[Request] | type[OldRequest]) -> None:
    """The steps of firmware/bsp/stm32l4/clock.c (RM0351, 6.4.1, 6.4.3; 5.4.6; 3.7.1)."""
    stubs = stubs_of(read_repl(path_of(load_board("nucleo-l476rg"))), request_class)
    rcc, pwr, flash = stubs["rcc"], stubs["pwr"], stubs["flash_controller"]
    assert rcc.read(0x40021000) == 0x63
    rcc.write(0x40021000, 0x163)
    assert rcc.read(0x40021000) & 0x400
    rcc.write(0x40021000, 0x01000163)
    assert rcc.read(0x40021000) & 0x02000000
    rcc.write(0x40021008, 3)
    assert rcc.read(0x40021008) & 0xC == 0xC
    assert pwr.read(0x40007014) & (1 << 10) == 0
    flash.write(0x40022000, 0x704)
    assert flash.read(0x40022000) & 0xF == 4


@EITHER_RENODE
def test_l4_tells_why_it_restarted(request_class: type[Request] | type[OldRequest]) -> None:
    """RM0351, 6.4.29: BORRSTF 27, SFTRSTF 28, PINRSTF 26, RMVF 23, LSIRDY 1."""
    csr = 0x40021094
    rcc = stubs_of(read_repl(path_of(load_board("b-l475e-iot01a"))), request_class)["rcc"]
    # Renode may initialise more than once before anything runs: that is no restart.
    rcc.reset()
    assert rcc.read(csr) >> 24 == 0x0C
    rcc.write(csr, rcc.read(csr) | 1 << 23)
    rcc.write(csr, rcc.read(csr) & ~(1 << 23))
    assert rcc.read(csr) >> 23 == 0
    rcc.write(csr, rcc.read(csr) | 1)
    assert rcc.read(csr) & 3 == 3
    # A fault handler asks for a restart again and again: several resets in a row.
    for _ in range(3):
        rcc.reset()
    assert rcc.read(csr) >> 24 == 0x14
    assert rcc.read(0x40021000) == 0x63


@EITHER_RENODE
def test_nrf52840_start_up_and_restart(request_class: type[Request] | type[OldRequest]) -> None:
    """nRF52840 product specification, chapters CLOCK, POWER, NVMC, FICR, UICR, GPIO."""
    stubs = stubs_of(read_repl(path_of(load_board("nrf52840-dk"))), request_class)
    clock, gpio = stubs["clock"], stubs["gpio"]
    assert clock.read(0x40000100) == 0
    clock.write(0x40000000, 1)
    assert (clock.read(0x40000100), clock.read(0x4000040C)) == (1, 0x10001)
    clock.write(0x40000100, 0)
    assert clock.read(0x40000100) == 0
    clock.write(0x40000578, 1)
    clock.write(0x40000558, 0x5A)
    assert (clock.read(0x40000578), clock.read(0x40000558)) == (1, 0x5A)
    assert clock.read(0x40000400) == 0
    clock.reset()
    clock.reset()
    assert clock.read(0x40000400) == 0x4
    clock.write(0x40000400, 0x4)
    assert clock.read(0x40000400) == 0
    clock.reset()
    assert clock.read(0x40000400) == 0x4
    assert stubs["nvmc"].read(0x4001E400) == 1
    assert (stubs["ficr"].read(0x10000130), stubs["ficr"].read(0x10000134)) == (0x08, 0x05)
    assert stubs["uicr"].read(0x10001208) == 0x5A
    assert stubs["uicr"].read(0x10001200) == 0xFFFFFFFF
    for port in (0x50000000, 0x50000300):
        gpio.write(port + 0x508, 0x42)
        gpio.write(port + 0x50C, 0x02)
        assert gpio.read(port + 0x504) == 0x40


@EITHER_RENODE
def test_debug_unit_knows_the_chip(request_class: type[Request] | type[OldRequest]) -> None:
    """DEV_ID: RM0351, 48.6.1 (0x415); RM0090, 38.6.1 (0x413)."""
    for board, device in (("nucleo-l476rg", 0x415), ("b-l475e-iot01a", 0x415), ("netduinoplus2", 0x413)):
        unit = stubs_of(read_repl(path_of(load_board(board))), request_class)["dbgmcu"]
        unit.write(0xE0042000, 0)
        assert unit.read(0xE0042000) & 0xFFF == device
        unit.write(0xE0042008, 1 << 12)
        assert unit.read(0xE0042008) == 1 << 12


def test_users_own_board_brings_its_own_platform(tmp_path: Path) -> None:
    folder = tmp_path / "nucleo-l476rg"
    folder.mkdir()
    original = board_file("nucleo-l476rg", "board.toml")
    assert original is not None
    (folder / "board.toml").write_text(original.read_text())
    own = load_board("nucleo-l476rg", boards_dirs=[tmp_path])
    assert emulated_board(own, boards_dirs=[tmp_path]).renode_platform is None
    (folder / RENODE_PLATFORM).write_text("")
    assert emulated_board(own, boards_dirs=[tmp_path]).renode_platform == folder / RENODE_PLATFORM
    assert emulated_board(load_board("nucleo-l476rg")).renode_platform == original.parent / RENODE_PLATFORM


@pytest.mark.parametrize(
    "text",
    [
        "   flash: Memory.MappedMemory @ sysbus 0x0\n",
        "flash: Memory.MappedMemory @ sysbus 0x0\n  size: 0x10\n",
        "flash: Memory.MappedMemory @ sysbus 0x0\nflash: Memory.MappedMemory @ sysbus 0x0\n",
        "using sysbus\n",
        "a: Python.PythonPeripheral @ sysbus 0x0\n    script: '''\nregs = {}\n",
    ],
)
def test_parser_refuses_what_renode_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_repl(text)
