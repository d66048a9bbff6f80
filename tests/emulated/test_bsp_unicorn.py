"""The board support on both chips: which registers it writes, and what it reports when something does not work.

Expected values are worked out by hand from the reference manuals (RM0351 for the L476, RM0090 for the F405).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from bsp_probe import build_probe, fields
from bsp_unicorn import F405, L476, Chip, Machine

pytest.importorskip("unicorn", reason="the [emulator] extra is not installed")
pytestmark = pytest.mark.arm

NONE, DWT, SYSTICK = 0, 1, 2


@pytest.fixture(scope="module")
def l476(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_probe("nucleo-l4", tmp_path_factory.mktemp("l476") / "probe").elf


@pytest.fixture(scope="module")
def f405(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_probe("netduinoplus2", tmp_path_factory.mktemp("f405") / "probe").elf


def test_l476_reaches_80_mhz(l476: Path) -> None:
    machine = Machine(l476, L476)
    boot = fields(machine.ask())
    assert boot == {
        "clk": 80_000_000,
        "status": 0,
        "counter": DWT,
        "stack": 4096,
        "data": 1,
        "cause": 0,
        "fault": 0,
    }
    assert machine.written(0x4000_440C) == [0x2B6]  # USART2_BRR: 80 MHz / 115200
    assert machine.written(0x4002_100C) == [0x0100_0A02]  # PLLCFGR: HSI16, M = 1, N = 10, R = 2 enabled
    assert machine.written(0x4002_2000) == [0x704]  # FLASH_ACR: 4 wait states, prefetch, both caches
    assert machine.written(0x4002_1008)[-1] & 3 == 3  # CFGR.SW = PLL
    assert machine.written(0x4000_7000) == [0x200]  # PWR_CR1.VOS = range 1
    assert machine.written(0x4000_4400) == [0x2C, 0x2D]  # RXNEIE, TE and RE, then UE
    assert machine.written(0xE000_E104) == [1 << 6]  # NVIC_ISER1: interrupt 38
    assert machine.written(0x4800_0020)[-1] == 0x7700  # GPIOA_AFRL: PA2 and PA3 on AF7
    order = [address for address, _ in machine.writes]
    assert order.index(0x4002_2000) < order.index(0x4002_1008)  # wait states before the faster clock


def test_f405_reaches_168_mhz(f405: Path) -> None:
    machine = Machine(f405, F405)
    boot = fields(machine.ask())
    assert boot == {
        "clk": 168_000_000,
        "status": 0,
        "counter": DWT,
        "stack": 4096,
        "data": 1,
        "cause": 0,
        "fault": 0,
    }
    assert machine.written(0x4001_1008) == [0x2D9]  # USART1_BRR: 84 MHz / 115200
    assert machine.written(0x4002_3804) == [0x2400_2A08]  # PLLCFGR: HSI, M = 8, N = 168, P = 2, Q = 4
    assert machine.written(0x4002_3C00) == [0x705]  # FLASH_ACR: 5 wait states, prefetch, both caches
    assert machine.written(0x4002_3808) == [0x9400, 0x9402]  # PPRE1 = /4, PPRE2 = /2, then SW = PLL
    assert machine.written(0x4001_100C) == [0x2C, 0x202C]  # RXNEIE, TE and RE, then UE
    assert machine.written(0xE000_E104) == [1 << 5]  # NVIC_ISER1: interrupt 37
    assert machine.written(0x4002_0024)[-1] == 0x770  # GPIOA_AFRH: PA9 and PA10 on AF7


@pytest.mark.parametrize(
    "troubled",
    [
        pytest.param(partial(Machine, clock_gets_ready=False), id="oscillator-never-ready"),
        pytest.param(partial(Machine, switch_takes_effect=False), id="switch-never-confirmed"),
        pytest.param(partial(Machine, flash_control_mask=0x702), id="wrong-wait-states"),
    ],
)
def test_clock_trouble_leaves_the_reset_clock_and_its_baud_rate(
    l476: Path, f405: Path, troubled: Callable[[Path, Chip], Machine]
) -> None:
    # 4 MHz MSI / 115200 = 34.7; 16 MHz HSI / 115200 = 138.9
    for elf, chip, clock_hz, baud_register, divider in (
        (l476, L476, 4_000_000, 0x4000_440C, 35),
        (f405, F405, 16_000_000, 0x4001_1008, 139),
    ):
        machine = troubled(elf, chip)
        boot = fields(machine.ask())
        assert (boot["clk"], boot["status"]) == (clock_hz, 1)
        assert machine.written(baud_register) == [divider]
        configuration = machine.written(chip.rcc + chip.configuration_offset)
        assert not configuration or configuration[-1] == 0  # no bus divider, no half-done switch


def test_l476_takes_an_unmodelled_flash_register_for_an_emulator(l476: Path) -> None:
    assert fields(Machine(l476, L476, flash_control_mask=0).ask())["clk"] == 80_000_000


@pytest.mark.parametrize(
    ("cycle_counter", "system_timer", "source"),
    [
        pytest.param(lambda now: now, lambda now: now, DWT, id="both-count"),
        pytest.param(lambda now: now, lambda _: 0, DWT, id="timer-dead"),
        pytest.param(lambda _: 0, lambda now: now, SYSTICK, id="reads-zero"),
        pytest.param(lambda _: 0xDEAD_BEEF, lambda now: now, SYSTICK, id="stuck"),
        pytest.param(lambda now: now // 64, lambda now: now, SYSTICK, id="too-slow"),
        pytest.param(lambda now: now * 8, lambda now: now, SYSTICK, id="too-fast"),
        pytest.param(lambda _: 0, lambda _: 0, NONE, id="both-dead"),
    ],
)
def test_a_counter_is_used_only_when_it_counts(
    l476: Path, cycle_counter: Callable[[int], int], system_timer: Callable[[int], int], source: int
) -> None:
    machine = Machine(l476, L476, cycle_counter=cycle_counter, system_timer=system_timer)
    boot = fields(machine.ask())
    assert boot["counter"] == source
    assert boot["status"] == (2 if source == NONE else 0)


def test_a_counter_that_stops_or_wraps_inside_the_self_test(l476: Path) -> None:
    readings: list[int] = []

    def noting(now: int) -> int:
        readings.append(now)
        return now

    Machine(l476, L476, cycle_counter=noting).ask()
    last_stretch, its_end = readings[-2:]
    assert its_end - last_stretch > 1024
    middle = (last_stretch + its_end) // 2
    stops = Machine(l476, L476, cycle_counter=lambda now: min(now, last_stretch + 8))
    wraps = Machine(l476, L476, cycle_counter=lambda now: now - middle)
    assert fields(stops.ask())["counter"] == SYSTICK
    assert fields(wraps.ask())["counter"] == DWT


def test_the_counter_counts_what_ran(l476: Path) -> None:
    machine = Machine(l476, L476)
    machine.ask()
    # 100000 turns of nop, decrement, branch
    assert int(machine.ask("c").removeprefix("COUNT ")) == pytest.approx(300_000, abs=16)


def test_overruns_are_counted(l476: Path, f405: Path) -> None:
    for elf, chip in ((l476, L476), (f405, F405)):
        machine = Machine(elf, chip)
        machine.ask()
        machine.overrun = True
        assert machine.ask("!") == "BYTE 33"
        assert machine.ask("v") == "OVERRUNS 1"


def test_reset_asks_the_core_and_survives_an_emulator_without_one(l476: Path) -> None:
    machine = Machine(l476, L476)
    machine.ask()
    assert machine.ask("r") == "STILL HERE"
    assert machine.written(0xE000_ED0C) == [0x05FA_0004]
