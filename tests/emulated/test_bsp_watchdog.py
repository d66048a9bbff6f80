"""Watchdog, its feeding, and why the chip restarted, on every family of chips.

Addresses and bits are written down from the reference manuals (RM0351, RM0090, RM0433, RM0434: IWDG, RCC_CSR or
RCC_RSR, DBGMCU) and the nRF52840 product specification (WDT, POWER.RESETREAS).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from bsp_nrf52 import Machine as NordicMachine
from bsp_probe import build_probe, fields
from bsp_unicorn import F405, L476, Chip, Machine
from test_bsp_stm32_boards import H743, WB55

pytest.importorskip("unicorn", reason="the [emulator] extra is not installed")
pytestmark = pytest.mark.arm

UNKNOWN, POWER, PIN, SOFTWARE, WATCHDOG = range(5)
FEED = 0xAAAA
INTERRUPT_CONTROL, SYSTICK_CONTROL, SYSTICK_VALUE = 0xE000_ED04, 0xE000_E010, 0xE000_E018


@dataclass(frozen=True)
class Family:
    """Where a family has its independent watchdog, and what its reset flags look like."""

    board: str
    chip: Chip
    watchdog: int
    freeze: tuple[int, int]
    """Register and bit that stop the watchdog while the core is halted."""
    flags: int
    """Register of the reset flags."""
    remove: int
    """Bit that clears them."""
    causes: tuple[tuple[int, int], ...]
    """Flags as the hardware leaves them -> cause. Every reset also shows at the pin."""


def bits(*numbers: int) -> int:
    return sum(1 << number for number in numbers)


FAMILIES = (
    Family(
        "nucleo-l4",
        L476,
        watchdog=0x4000_3000,
        freeze=(0xE004_2008, 1 << 12),
        flags=0x4002_1094,
        remove=1 << 23,
        causes=(
            (0, UNKNOWN),
            (bits(26, 27), POWER),
            (bits(26), PIN),
            (bits(26, 28), SOFTWARE),
            (bits(26, 29), WATCHDOG),
            (bits(26, 30), WATCHDOG),
        ),
    ),
    Family(
        "netduinoplus2",
        F405,
        watchdog=0x4000_3000,
        freeze=(0xE004_2008, 1 << 12),
        flags=0x4002_3874,
        remove=1 << 24,
        causes=(
            (0x0E00_0000, POWER),  # reset value of RCC_CSR
            (bits(25, 26), POWER),
            (bits(26), PIN),
            (bits(26, 28), SOFTWARE),
            (bits(26, 29), WATCHDOG),
        ),
    ),
    Family(
        "nucleo-h743zi",
        H743,
        watchdog=0x5800_4800,
        freeze=(0x5C00_1054, 1 << 18),
        flags=0x5802_44D0,
        remove=1 << 16,
        causes=(
            (bits(17, 19, 20, 21, 22, 23), POWER),
            (bits(17, 22), PIN),
            (bits(17, 22, 24), SOFTWARE),
            (bits(17, 22, 26), WATCHDOG),
            (bits(17, 22, 28), WATCHDOG),
        ),
    ),
    Family(
        "p-nucleo-wb55rg",
        WB55,
        watchdog=0x4000_3000,
        freeze=(0xE004_203C, 1 << 12),
        flags=0x5800_0094,
        remove=1 << 23,
        causes=((bits(26, 27), POWER), (bits(26), PIN), (bits(26, 28), SOFTWARE), (bits(26, 29), WATCHDOG)),
    ),
)
every_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.board)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    built: dict[str, Path] = {}

    def build(board: str) -> Path:
        if board not in built:
            built[board] = build_probe(board, tmp_path_factory.mktemp(board) / "probe").elf
        return built[board]

    return build


@every_family
def test_the_watchdog_is_started_once_for_30_s(family: Family, image: Callable[[str], Path]) -> None:
    machine = Machine(image(family.board), family.chip)
    assert fields(machine.ask())["status"] == 0
    in_order = [
        (address - family.watchdog, value)
        for address, value in machine.writes
        if family.watchdog <= address < family.watchdog + 0x20
    ]
    # KR = start, unlock; PR = /256; RLR: 32 kHz / 256 = 125 Hz, 30 s are 3750; KR = feed
    assert in_order == [(0, 0xCCCC), (0, 0x5555), (4, 6), (8, 3749), (0, FEED)]
    register, bit = family.freeze
    assert machine.written(register) == [bit]
    order = [address for address, _ in machine.writes]
    assert order.index(register) < order.index(family.watchdog)


@every_family
def test_restart_causes(family: Family, image: Callable[[str], Path]) -> None:
    for flags, cause in family.causes:
        chip = replace(family.chip, flags={**family.chip.flags, family.flags: flags})
        machine = Machine(image(family.board), chip)
        assert fields(machine.ask())["cause"] == cause, hex(flags)
        removed = [value & family.remove for value in machine.written(family.flags)]
        assert removed == [family.remove, 0]


def test_only_the_timers_interrupt_feeds(image: Callable[[str], Path]) -> None:
    machine = Machine(image("nucleo-l4"), L476)
    machine.ask()
    for command in ("c", "t", "!", "t"):
        machine.ask(command)
    assert machine.written(0x4000_3000).count(FEED) == 1
    machine.take_systick()
    assert machine.written(0x4000_3000)[-2:] == [FEED, FEED]
    assert machine.ask("!") == "BYTE 33"


def test_a_run_restarts_the_timer_and_asks_for_its_interrupt(image: Callable[[str], Path]) -> None:
    """Else short runs in quick succession would starve the watchdog: a turn of the timer would never end."""
    machine = Machine(image("nucleo-l4"), L476)
    machine.ask()
    before = len(machine.writes)
    machine.ask("t")
    core = [entry for entry in machine.writes[before:] if entry[0] >= 0xE000_0000]
    assert core[:4] == [
        (SYSTICK_CONTROL, 0),
        (0xE000_E014, 0xFF_FFFF),
        (SYSTICK_VALUE, 0),
        (SYSTICK_CONTROL, 0b111),
    ]
    assert core[4:] == [(INTERRUPT_CONTROL, 1 << 26)]  # PENDSTSET


def test_a_timer_that_stands_still_gets_no_watchdog(image: Callable[[str], Path]) -> None:
    machine = Machine(image("nucleo-l4"), L476, system_timer=lambda _: 0)
    machine.ask()
    assert machine.written(0x4000_3000) == []
    run = fields(machine.ask("t"))
    assert (run["timer"], run["timer_ticks"]) == (0, 0)
    assert run["ticks"] == pytest.approx(300_000, abs=100)


@pytest.mark.parametrize("word", [0x5050_4721, 0xFFFF_FFFF, 0xA5A5_A5A5], ids=hex)
def test_what_ram_holds_at_power_on_is_no_fault(image: Callable[[str], Path], word: int) -> None:
    machine = Machine(image("nucleo-l4"), L476)
    machine.fill_ram(word)
    boot = fields(machine.ask())
    assert (boot["cause"], boot["fault"]) == (UNKNOWN, 0)


CONFIG, RELOAD, REQUESTS_ENABLED, START = 0x4001_050C, 0x4001_0504, 0x4001_0508, 0x4001_0000
RUNNING, REQUESTS, KEY = 0x4001_0400, 0x4001_0600, 0x6E52_4635
REASONS = 0x4000_0400


def test_nordic_watchdog_pauses_in_sleep_and_halt(image: Callable[[str], Path]) -> None:
    machine = NordicMachine(image("nrf52840-dk"))
    machine.ask()
    assert machine.written(CONFIG) == [0]
    assert machine.written(RELOAD) == [983_039]  # 30 s at 32768 Hz
    assert machine.written(REQUESTS_ENABLED) == machine.written(START) == [1]
    order = [address for address, _ in machine.writes]
    assert order.index(START) > max(order.index(at) for at in (CONFIG, RELOAD, REQUESTS_ENABLED))
    assert machine.written(REQUESTS) == [KEY]
    machine.take_systick()
    assert machine.written(REQUESTS) == [KEY, KEY]
    assert machine.sleeps()


def test_a_nordic_bootloaders_watchdog_is_fed_as_it_is(image: Callable[[str], Path]) -> None:
    running = {RUNNING: 1, REQUESTS_ENABLED: 0b101}
    machine = NordicMachine(image("nrf52840-dk"), preset={**running, CONFIG: 1})
    machine.ask()
    assert not set(dict(machine.writes)) & {CONFIG, RELOAD, REQUESTS_ENABLED, START}
    machine.take_systick()
    assert machine.written(REQUESTS) == machine.written(REQUESTS + 8) == [KEY, KEY]
    assert machine.written(REQUESTS + 4) == []
    # It goes on in sleep, where SysTick, which feeds it, stands still.
    assert not machine.sleeps()
    paused = NordicMachine(image("nrf52840-dk"), preset={**running, CONFIG: 0})
    paused.ask()
    assert paused.sleeps()


@pytest.mark.parametrize(
    ("reasons", "cause"),
    [
        (0, POWER),
        (1, PIN),
        (2, WATCHDOG),
        (4, SOFTWARE),
        (8, WATCHDOG),
        (0b101, SOFTWARE),
        (1 << 16, UNKNOWN),
    ],
)
def test_nordic_restart_causes(image: Callable[[str], Path], reasons: int, cause: int) -> None:
    machine = NordicMachine(image("nrf52840-dk"), preset={REASONS: reasons})
    assert fields(machine.ask())["cause"] == cause
    assert machine.written(REASONS) == [reasons]
