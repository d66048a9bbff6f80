"""The board support of every further STM32 board: which registers it writes, and what it does when a flag never comes.

Expected values are worked out by hand from the reference manuals named in the boards' files, baud rates and clocks are
the golden values of the project's notes on boards.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from bsp_probe import build_probe, fields
from bsp_unicorn import F405, L476, Chip, Machine

pytest.importorskip("unicorn", reason="the [emulator] extra is not installed")
pytestmark = pytest.mark.arm

DWT = 1
RESET_CONTROL = 0xE000_ED0C


def usart(base: int, generation: int, interrupt: int) -> dict[str, int]:
    status, receive, transmit, control = {1: (0x00, 0x04, 0x04, 0x0C), 2: (0x1C, 0x24, 0x28, 0x00)}[
        generation
    ]
    return {
        "usart_status": base + status,
        "usart_receive": base + receive,
        "usart_transmit": base + transmit,
        "usart_control": base + control,
        "interrupt": interrupt,
    }


@dataclass(frozen=True)
class Expected:
    """What the board reports, and the order of its register writes up to the baud rate, GPIO left out."""

    chip: Chip
    clock_hz: int
    reset_hz: int
    baud_register: int
    baud_divider: int
    reset_divider: int
    """Baud rate register when the reset clock goes on running."""
    clock_writes: tuple[tuple[int, int], ...]
    pins: tuple[tuple[int, int], ...]
    """Last write of alternate function and mode registers."""


F446 = replace(F405, **usart(0x4000_4400, 1, 38), copies={0x4000_7004: (0x4000_7000, 3 << 16)})
F411 = replace(F405, **usart(0x4000_4400, 1, 38))
L4R5 = replace(L476, **usart(0x4000_8000, 2, 70))
L475 = replace(L476, **usart(0x4001_3800, 2, 37))
WB55 = Chip(
    0x5800_0000,
    0x08,
    ((8, 10), (24, 25)),
    **usart(0x4001_3800, 2, 36),
    flash_control=0x5800_4000,
    flags={0x5800_0108: 1 << 17},
)
H743 = Chip(
    0x5802_4400,
    0x10,
    ((0, 2), (24, 25)),
    **usart(0x4000_4800, 2, 39),
    cpu="M7",
    flash_control=0x5200_2000,
    switched_shift=3,
    flags={0x5802_4804: 1 << 13, 0x5802_4818: 1 << 13, 0xE000_ED80: 0xF00F_E019},
)

EXPECTED = {
    "nucleo-l4r5zi": Expected(
        L4R5,
        clock_hz=120_000_000,
        reset_hz=4_000_000,
        baud_register=0x4000_800C,
        baud_divider=0x411AB,
        reset_divider=8889,  # 256 * 4 MHz / 115200
        clock_writes=(
            (0x4002_1058, 1 << 28),  # APB1ENR1.PWREN
            (0x4000_7000, 0x200),  # CR1.VOS = range 1
            (0x4000_7080, 0),  # CR5.R1MODE = boost
            (0x4002_2000, 0x705),  # 5 wait states, prefetch, both caches
            (0x4002_1000, 1 << 8),  # HSION
            (0x4002_1000, 1 << 8),  # PLLON = 0
            (0x4002_100C, 0x0100_1E12),  # HSI16, M = 2, N = 30, R = 2 enabled
            (0x4002_1000, 1 << 24 | 1 << 8),  # PLLON
            (0x4002_1008, 0),  # APB dividers 1
            (0x4002_1008, 0x80),  # HPRE = /2
            (0x4002_1008, 0x83),  # SW = PLL
            (0x4002_1008, 3),  # HPRE = /1
            (0x4002_105C, 1 << 0),  # APB1ENR2.LPUART1EN
            (0x4002_1058, 1 << 28),
            (0x4000_7004, 1 << 9),  # CR2.IOSV before the pins of port G, once for each pin
            (0x4002_1058, 1 << 28),
            (0x4000_7004, 1 << 9),
        ),
        pins=((0x4800_1820, 0x8000_0000), (0x4800_1824, 0x8), (0x4800_1800, 0x2_8000)),
    ),
    "b-l475e-iot01a": Expected(
        L475,
        clock_hz=80_000_000,
        reset_hz=4_000_000,
        baud_register=0x4001_380C,
        baud_divider=0x2B6,
        reset_divider=35,
        clock_writes=(
            (0x4002_1058, 1 << 28),
            (0x4000_7000, 0x200),
            (0x4002_2000, 0x704),
            (0x4002_1000, 1 << 8),
            (0x4002_1000, 1 << 8),
            (0x4002_100C, 0x0100_0A02),  # HSI16, M = 1, N = 10, R = 2 enabled
            (0x4002_1000, 1 << 24 | 1 << 8),
            (0x4002_1008, 0),
            (0x4002_1008, 3),
            (0x4002_1060, 1 << 14),  # APB2ENR.USART1EN
        ),
        pins=((0x4800_0420, 0x7700_0000), (0x4800_0400, 0xA000)),
    ),
    "nucleo-f446re": Expected(
        F446,
        clock_hz=180_000_000,
        reset_hz=16_000_000,
        baud_register=0x4000_4408,
        baud_divider=0x187,
        reset_divider=139,
        clock_writes=(
            (0x4002_3840, 1 << 28),  # APB1ENR.PWREN
            (0x4000_7000, 0xC000),  # VOS = scale 1
            (0x4002_3800, 1 << 0),  # HSION
            (0x4002_3800, 1 << 0),
            (0x4002_3804, 0x2400_2D08),  # HSI, M = 8, N = 180, P = 2, Q = 4, R = 2
            (0x4002_3800, 1 << 24 | 1 << 0),
            (0x4000_7000, 0x1_C000),  # ODEN
            (0x4000_7000, 0x3_C000),  # ODSWEN
            (0x4002_3C00, 0x705),  # 5 wait states, prefetch, both caches
            (0x4002_3808, 0x9400),  # PPRE1 = /4, PPRE2 = /2
            (0x4002_3808, 0x9402),  # SW = PLL
            (0x4002_3840, 1 << 28 | 1 << 17),  # USART2EN
        ),
        pins=((0x4002_0020, 0x7700), (0x4002_0000, 0xA0)),
    ),
    "nucleo-f411re": Expected(
        F411,
        clock_hz=100_000_000,
        reset_hz=16_000_000,
        baud_register=0x4000_4408,
        baud_divider=0x1B2,
        reset_divider=139,
        clock_writes=(
            (0x4002_3840, 1 << 28),
            (0x4000_7000, 0xC000),
            (0x4002_3800, 1 << 0),
            (0x4002_3800, 1 << 0),
            (0x4002_3804, 0x2400_1908),  # N = 100
            (0x4002_3800, 1 << 24 | 1 << 0),
            (0x4002_3C00, 0x703),
            (0x4002_3808, 0x1000),  # PPRE1 = /2, PPRE2 = /1
            (0x4002_3808, 0x1002),
            (0x4002_3840, 1 << 28 | 1 << 17),
        ),
        pins=((0x4002_0020, 0x7700), (0x4002_0000, 0xA0)),
    ),
    "nucleo-h743zi": Expected(
        H743,
        clock_hz=400_000_000,
        reset_hz=64_000_000,
        baud_register=0x4000_480C,
        baud_divider=0x364,
        reset_divider=556,  # 64 MHz / 115200
        clock_writes=(
            (0x5100_8108, 1),  # erratum before revision V: the emulated chip has revision 0
            (0x5802_480C, 2),  # CR3: LDO
            (0x5802_4818, 0xC000),  # D3CR.VOS = scale 1
            (0x5200_2000, 0x22),  # 2 wait states, WRHIGHFREQ = 2
            (0x5802_4400, 1 << 0),  # HSION
            (0x5802_4400, 1 << 0),
            (0x5802_4428, 0x40),  # PLLSRC = HSI, DIVM1 = 4
            (0x5802_442C, 0x1_000C),  # PLL1RGE = 3, DIVP1EN
            (0x5802_4430, 0x0103_0231),  # N = 50, P = 2, Q = 4, R = 2
            (0x5802_4400, 1 << 24 | 1 << 0),
            (0x5802_4418, 0x48),  # HPRE = /2, D1PPRE = /2
            (0x5802_441C, 0x440),  # D2PPRE1, D2PPRE2 = /2
            (0x5802_4420, 0x40),  # D3PPRE = /2
            (0x5802_4410, 3),  # SW = PLL1
            (0x5802_44E8, 1 << 18),  # APB1LENR.USART3EN
        ),
        pins=((0x5802_0C24, 0x77), (0x5802_0C00, 0xA_0000)),
    ),
    "p-nucleo-wb55rg": Expected(
        WB55,
        clock_hz=64_000_000,
        reset_hz=4_000_000,
        baud_register=0x4001_380C,
        baud_divider=0x22C,
        reset_divider=35,
        clock_writes=(
            (0x5800_0000, 1 << 8),
            (0x5800_0000, 1 << 8),
            (0x5800_000C, 0x3000_2032),  # HSI16, M = 4, N = 32, R = 2 enabled
            (0x5800_0000, 1 << 24 | 1 << 8),
            (0x5800_0108, 0x80),  # C2HPRE = /2 before the switch
            (0x5800_4000, 0x703),
            (0x5800_0008, 0),
            (0x5800_0008, 3),
            (0x5800_0060, 1 << 14),  # APB2ENR.USART1EN
        ),
        pins=((0x4800_0420, 0x7700_0000), (0x4800_0400, 0xA000)),
    ),
}
BOARDS = tuple(EXPECTED)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    built: dict[str, Path] = {}

    def build(board: str) -> Path:
        if board not in built:
            built[board] = build_probe(board, tmp_path_factory.mktemp(board) / "probe").elf
        return built[board]

    return build


def is_gpio_or_core(address: int) -> bool:
    ports = ((0x4800_0000, 0x4800_2000), (0x4002_0000, 0x4002_1000), (0x5802_0000, 0x5802_2C00))
    gpio_clocks = (0x4002_104C, 0x4002_3830, 0x5802_44E0, 0x5800_004C)
    in_port = any(first <= address < end for first, end in ports)
    return in_port or address in gpio_clocks or address >= 0xE000_0000


def read_only_bits(chip: Chip, address: int) -> int:
    """Flags of the hardware that a read-modify-write carries along."""
    if address == chip.rcc:
        return sum(1 << ready for _, ready in chip.ready_bits)
    if address == chip.rcc + chip.configuration_offset:
        return 3 << chip.switched_shift
    return chip.flags.get(address, 0)


@pytest.mark.parametrize("board", BOARDS)
def test_reaches_its_clock_by_the_manuals_sequence(board: str, image: Callable[[str], Path]) -> None:
    expected = EXPECTED[board]
    machine = Machine(image(board), expected.chip)
    boot = fields(machine.ask())
    assert boot == {
        "clk": expected.clock_hz,
        "status": 0,
        "counter": DWT,
        "stack": 4096,
        "data": 1,
        "cause": 0,
        "fault": 0,
    }
    assert machine.written(expected.baud_register) == [expected.baud_divider]
    before_baud = machine.writes[: machine.writes.index((expected.baud_register, expected.baud_divider))]
    written = [
        (hex(address), hex(value & ~read_only_bits(expected.chip, address)))
        for address, value in before_baud
        if not is_gpio_or_core(address)
    ]
    assert written == [(hex(address), hex(value)) for address, value in expected.clock_writes]
    for address, value in expected.pins:
        assert machine.written(address)[-1] == value, hex(address)


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("trouble", ["clock_gets_ready", "switch_takes_effect"])
def test_trouble_leaves_the_reset_clock_with_undivided_buses(
    board: str, trouble: str, image: Callable[[str], Path]
) -> None:
    expected = EXPECTED[board]
    machine = Machine(image(board), expected.chip, **{trouble: False})  # type: ignore[arg-type]
    boot = fields(machine.ask())
    assert (boot["clk"], boot["status"]) == (expected.reset_hz, 1)
    assert machine.written(expected.baud_register) == [expected.reset_divider]
    rcc = expected.chip.rcc
    dividers = [rcc + expected.chip.configuration_offset]
    if expected.chip is H743:
        dividers += [rcc + 0x18, rcc + 0x1C, rcc + 0x20]
    for register in dividers:
        written = machine.written(register)
        assert not written or written[-1] == 0, hex(register)


@pytest.mark.parametrize(
    ("board", "flags", "copies"),
    [
        pytest.param("nucleo-f446re", {}, {}, id="F446-over-drive-never-ready"),
        pytest.param(
            "nucleo-f446re", {}, {0x4000_7004: (0x4000_7000, 1 << 16)}, id="F446-over-drive-never-switched"
        ),
        pytest.param("nucleo-l4r5zi", {0x4000_7014: 1 << 10}, {}, id="L4R5-voltage-never-settles"),
        pytest.param("p-nucleo-wb55rg", {}, {}, id="WB55-radio-core-never-slowed"),
        pytest.param("nucleo-h743zi", {0x5802_4818: 1 << 13}, {}, id="H743-supply-never-ready"),
        pytest.param("nucleo-h743zi", {0x5802_4804: 1 << 13}, {}, id="H743-voltage-never-ready"),
    ],
)
def test_a_supply_that_never_gets_ready_is_not_waited_for_forever(
    board: str,
    flags: dict[int, int],
    copies: dict[int, tuple[int, int]],
    image: Callable[[str], Path],
) -> None:
    expected = EXPECTED[board]
    machine = Machine(image(board), replace(expected.chip, flags=flags, copies=copies))
    boot = fields(machine.ask())
    assert (boot["clk"], boot["status"]) == (expected.reset_hz, 1)
    assert not [v for v in machine.written(expected.chip.rcc + expected.chip.configuration_offset) if v & 3]


def test_f4_boards_without_over_drive_do_not_touch_it(image: Callable[[str], Path]) -> None:
    machine = Machine(image("nucleo-f411re"), F411)
    machine.ask()
    assert [value >> 16 for value in machine.written(0x4000_7000)] == [0]


def test_l4r5_powers_port_g_even_when_the_clock_fails(image: Callable[[str], Path]) -> None:
    machine = Machine(image("nucleo-l4r5zi"), L4R5, clock_gets_ready=False)
    machine.ask()
    order = [address for address, _ in machine.writes]
    assert machine.written(0x4000_7004) == [1 << 9, 1 << 9]
    assert order.index(0x4000_7004) < order.index(0x4800_1800)


def test_h743_invalidates_both_caches_before_it_enables_them(image: Callable[[str], Path]) -> None:
    machine = Machine(image("nucleo-h743zi"), H743)
    machine.ask()
    enabled = [value for address, value in machine.writes if address == 0xE000_ED14]
    assert enabled == [1 << 17, 1 << 17 | 1 << 16]
    order = [address for address, _ in machine.writes]
    assert machine.written(0xE000_EF50) == [0]
    assert order.index(0xE000_EF50) < order.index(0xE000_ED14)
    # 16 KiB = 128 sets of 4 ways of 32 bytes: every line once.
    lines = machine.written(0xE000_EF60)
    assert sorted(lines) == sorted(s << 5 | way << 30 for s in range(128) for way in range(4))
    last_invalidation = len(order) - 1 - order[::-1].index(0xE000_EF60)
    assert last_invalidation < machine.writes.index((0xE000_ED14, 1 << 17 | 1 << 16))
    assert machine.written(0xE000_1FB0) == [0xC5AC_CE55]  # DWT_LAR: the M7's counter stands still without


def test_h743_of_revision_v_needs_no_work_around(image: Callable[[str], Path]) -> None:
    flags = {**H743.flags, 0x5C00_1000: 0x2003_6450}
    machine = Machine(image("nucleo-h743zi"), replace(H743, flags=flags))
    assert fields(machine.ask())["clk"] == 400_000_000
    assert machine.written(0x5100_8108) == []


@pytest.mark.parametrize("board", BOARDS)
def test_resets_when_asked(board: str, image: Callable[[str], Path]) -> None:
    machine = Machine(image(board), EXPECTED[board].chip)
    machine.ask()
    assert machine.ask("r") == "STILL HERE"
    assert machine.written(RESET_CONTROL) == [0x05FA_0004]
